// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys, and what they do to the text. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "rnm/edit_int.h"

static volatile sig_atomic_t resized;

static void on_resize(int sig)
{
	(void)sig;
	resized = 1;
}

/* ---- keys ---- */

static int byte(void)
{
	unsigned char c;
	ssize_t n;

	do {
		n = read(STDIN_FILENO, &c, 1);
		if (n < 0 && errno == EINTR && resized) {
			resized = 0;
			return KEY_RESIZE;
		}
	} while (n < 0 && errno == EINTR);
	return n == 1 ? c : KEY_CLOSED;
}

bool edit_waits(void)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&p, 1, 0) > 0 && p.revents & POLLIN;
}

static int escape_key(void)
{
	int c = byte(), number = 0;

	if (c == '\r' || c == '\n')
		return KEY_NEWLINE;
	if (c != '[' && c != 'O')
		return c == KEY_CLOSED ? c : KEY_NONE;
	c = byte();
	while (c >= '0' && c <= ';') {
		number = c == ';' || number > 99 ? number : number * 10 + (c - '0');
		c = byte();
	}
	switch (c) {
	case 'A': return KEY_UP;
	case 'B': return KEY_DOWN;
	case 'C': return KEY_RIGHT;
	case 'D': return KEY_LEFT;
	case 'H': return KEY_HOME;
	case 'F': return KEY_END;
	case '~':
		return number == 1 || number == 7   ? KEY_HOME
		       : number == 4 || number == 8 ? KEY_END
		       : number == 3                ? KEY_DELETE
		       : number == 200              ? KEY_PASTE
						    : KEY_NONE;
	case KEY_CLOSED: return KEY_CLOSED;
	default: return KEY_NONE;
	}
}

int edit_key(void)
{
	int c = byte();

	switch (c) {
	case 033: return escape_key();
	case CTRL_KEY('a'): return KEY_HOME;
	case CTRL_KEY('e'): return KEY_END;
	case CTRL_KEY('b'): return KEY_LEFT;
	case CTRL_KEY('f'): return KEY_RIGHT;
	case CTRL_KEY('p'): return KEY_UP;
	case CTRL_KEY('n'): return KEY_DOWN;
	default: return c;
	}
}

/* ---- places in the text ---- */

static bool tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

size_t edit_left_of(const struct edit *ed, size_t at)
{
	if (at)
		at--;
	while (at && tail(ed->line.s[at]))
		at--;
	return at;
}

static size_t right_of(const struct edit *ed, size_t at)
{
	if (at < ed->line.n)
		at++;
	while (at < ed->line.n && tail(ed->line.s[at]))
		at++;
	return at;
}

static size_t line_begin(const struct edit *ed, size_t at)
{
	while (at && ed->line.s[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_end(const struct edit *ed, size_t at)
{
	while (at < ed->line.n && ed->line.s[at] != '\n')
		at++;
	return at;
}

static size_t word_before(const struct edit *ed)
{
	size_t at = ed->cursor;

	while (at && (ed->line.s[at - 1] == ' ' || ed->line.s[at - 1] == '\n'))
		at--;
	while (at && ed->line.s[at - 1] != ' ' && ed->line.s[at - 1] != '\n')
		at--;
	return at;
}

/* ---- changing it ---- */

static void cut(struct edit *ed, size_t from, size_t to)
{
	if (from >= to)
		return;
	memmove(ed->line.s + from, ed->line.s + to, ed->line.n - to + 1);
	ed->line.n -= to - from;
	ed->cursor = from;
}

void edit_insert(struct edit *ed, const char *s, size_t n)
{
	size_t after = ed->line.n - ed->cursor;

	if (ed->line.n + n > EDIT_MAX)
		return;
	buf_put(&ed->line, s, n);
	memmove(ed->line.s + ed->cursor + n, ed->line.s + ed->cursor, after);
	memcpy(ed->line.s + ed->cursor, s, n);
	ed->cursor += n;
}

/* A whole character: what is left in the text is always one that can be shown. */
static void insert_char(struct edit *ed, int first)
{
	unsigned char c = (unsigned char)first;
	unsigned n = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	char s[4] = { (char)c };

	for (unsigned i = 1; i < n; i++) {
		int next = byte();

		if (next >= KEY_NONE || !tail((char)next))
			return;
		s[i] = (char)next;
	}
	if (utf8_seq(s, n) == n)
		edit_insert(ed, s, n);
}

/* Up to ESC [ 2 0 1 ~: what is pasted is text, whatever is in it. */
static int paste(struct edit *ed)
{
	static const char end[] = "\033[201~";
	_buf_ struct buf text = BUF_INIT;
	unsigned seen = 0;
	int before = 0;

	while (seen < sizeof(end) - 1) {
		int c = byte();

		if (c == KEY_CLOSED)
			return c;
		if (c == KEY_RESIZE)
			continue;
		seen = c == end[seen] ? seen + 1 : c == end[0];
		if (text.n < EDIT_MAX && !(c == '\n' && before == '\r'))
			buf_putc(&text, c == '\r' ? '\n' : (char)c);
		before = c;
	}
	for (size_t i = 0; i + sizeof(end) - 1 < text.n;) {
		unsigned n = utf8_seq(text.s + i, text.n - i);
		char c = text.s[i];

		if (n && (c == '\n' || c == '\t' || (unsigned char)c >= 0x20) && c != 0x7f)
			edit_insert(ed, text.s + i, n);
		i += n ? n : 1;
	}
	return KEY_NONE;
}

void edit_set(struct edit *ed, const char *s)
{
	buf_clear(&ed->line);
	buf_puts(&ed->line, s);
	ed->cursor = ed->line.n;
}

static void recall(struct edit *ed, int step)
{
	if ((step < 0 && !ed->at) || (step > 0 && ed->at >= ed->history.n))
		return;
	if (ed->at == ed->history.n) {
		free(ed->kept);
		ed->kept = xstrdup(buf_str(&ed->line));
	}
	ed->at = step < 0 ? ed->at - 1 : ed->at + 1;
	edit_set(ed, ed->at == ed->history.n ? ed->kept : ed->history.v[ed->at]);
}

/* To the line above or below, about in the same column; from the first and the last into the history. */
static void vertical(struct edit *ed, int step)
{
	size_t begin = line_begin(ed, ed->cursor), end = line_end(ed, ed->cursor), to, last;
	unsigned column = screen_columns(ed->line.s ? ed->line.s + begin : "", ed->cursor - begin);

	if ((step < 0 && !begin) || (step > 0 && end == ed->line.n)) {
		recall(ed, step);
		return;
	}
	to = step < 0 ? line_begin(ed, begin - 1) : end + 1;
	last = line_end(ed, to);
	begin = to;
	while (to < last && screen_columns(ed->line.s + begin, right_of(ed, to) - begin) <= column)
		to = right_of(ed, to);
	ed->cursor = to;
}

/* Enter ends what is whole, or an empty last line: then the error is wanted. */
static bool ends(const struct edit *ed)
{
	const char *s = ed->line.n ? ed->line.s : "";
	size_t begin = line_begin(ed, ed->line.n);

	return ed->ops.whole(ed->ops.ctx, s) ||
	       (ed->cursor == ed->line.n && begin && begin + strspn(s + begin, " ") == ed->line.n);
}

/* False: the key ends the text, as *end says. */
static bool handle(struct edit *ed, int key, enum edit_result *end)
{
	switch (key) {
	case '\r':
	case '\n':
		if (ends(ed)) {
			*end = EDIT_LINE;
			return false;
		}
		edit_insert(ed, "\n", 1);
		break;
	case KEY_NEWLINE: edit_insert(ed, "\n", 1); break;
	case CTRL_KEY('c'): *end = EDIT_CANCELLED; return false;
	case KEY_CLOSED: *end = EDIT_END; return false;
	case CTRL_KEY('d'):
		if (!ed->line.n) {
			*end = EDIT_END;
			return false;
		}
		cut(ed, ed->cursor, right_of(ed, ed->cursor));
		break;
	case KEY_DELETE: cut(ed, ed->cursor, right_of(ed, ed->cursor)); break;
	case CTRL_KEY('h'):
	case 0177: cut(ed, edit_left_of(ed, ed->cursor), ed->cursor); break;
	case CTRL_KEY('k'): cut(ed, ed->cursor, line_end(ed, ed->cursor)); break;
	case CTRL_KEY('u'): cut(ed, line_begin(ed, ed->cursor), ed->cursor); break;
	case CTRL_KEY('w'): cut(ed, word_before(ed), ed->cursor); break;
	case CTRL_KEY('l'):
		screen_put("\033[H\033[2J", 7);
		ed->row = 0;
		break;
	case CTRL_KEY('r'): return handle(ed, edit_search(ed), end);
	case KEY_LEFT: ed->cursor = edit_left_of(ed, ed->cursor); break;
	case KEY_RIGHT: ed->cursor = right_of(ed, ed->cursor); break;
	case KEY_HOME: ed->cursor = line_begin(ed, ed->cursor); break;
	case KEY_END: ed->cursor = line_end(ed, ed->cursor); break;
	case KEY_UP: vertical(ed, -1); break;
	case KEY_DOWN: vertical(ed, 1); break;
	case KEY_PASTE: return handle(ed, paste(ed), end);
	case '\t':
		if (edit_waits()) /* of a text that is pasted, where the terminal does not say so */
			edit_insert(ed, "\t", 1);
		else
			edit_complete(ed);
		break;
	default:
		if (key >= ' ' && key < KEY_NONE)
			insert_char(ed, key);
	}
	return true;
}

static bool raw(struct edit *ed)
{
	struct sigaction sa = { .sa_handler = on_resize }; /* no SA_RESTART: it ends the wait for a key */
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &ed->before) < 0)
		return false;
	sigaction(SIGWINCH, &sa, NULL);
	t = ed->before;
	t.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IXON | ISTRIP);
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &t) < 0)
		return false;
	screen_put("\033[?2004h", 8);
	return true;
}

enum edit_result edit_text(struct edit *ed, const char *prompt, const char *more, char **text)
{
	enum edit_result end = EDIT_END;
	bool go = true;

	ed->prompt = prompt;
	ed->more = more;
	ed->at = ed->history.n;
	ed->row = 0;
	ed->last = KEY_NONE;
	edit_set(ed, "");
	if (!raw(ed))
		return EDIT_END;
	while (go) {
		int key;

		screen_show(ed);
		key = edit_key();
		go = handle(ed, key, &end);
		ed->last = key;
	}
	screen_put("\033[?2004l", 8);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &ed->before);
	screen_leave(ed);
	if (end == EDIT_LINE)
		*text = xstrdup(buf_str(&ed->line));
	return end;
}
