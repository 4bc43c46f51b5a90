// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "rnm/edit_int.h"

enum key { KEY_NONE = 256, KEY_LEFT, KEY_RIGHT, KEY_UP, KEY_DOWN, KEY_HOME, KEY_END, KEY_DELETE, KEY_CLOSED };
#define CTRL_KEY(c) ((c)&0x1f)

/* ---- characters; one column each, which is right for all but wide scripts ---- */

static bool tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t left_of(const struct edit *ed, size_t at)
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

static size_t columns(const char *s, size_t n)
{
	size_t c = 0;

	for (size_t i = 0; i < n; i++)
		c += !tail(s[i]);
	return c;
}

/* ---- the screen ---- */

static void put(const struct buf *b)
{
	size_t at = 0;

	while (at < b->n) {
		ssize_t n = write(STDOUT_FILENO, b->s + at, b->n - at);

		if (n < 0 && errno != EINTR)
			return;
		at += n > 0 ? (size_t)n : 0;
	}
}

static size_t screen_width(void)
{
	struct winsize ws;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 20 ? ws.ws_col : 80;
}

/* The part of the line around the cursor that fits beside the prompt. */
static void show(struct edit *ed)
{
	_buf_ struct buf out = BUF_INIT;
	size_t room = screen_width() - columns(ed->prompt, strlen(ed->prompt)) - 1, from = 0, to;
	const char *s = buf_str(&ed->line);

	while (columns(s + from, ed->cursor - from) >= room)
		from = right_of(ed, from);
	for (to = ed->cursor; to < ed->line.n && columns(s + from, right_of(ed, to) - from) <= room;)
		to = right_of(ed, to);
	buf_printf(&out, "\r%s", ed->prompt);
	buf_put(&out, s + from, to - from);
	buf_printf(&out, "\033[K\r\033[%zuC",
		columns(ed->prompt, strlen(ed->prompt)) + columns(s + from, ed->cursor - from));
	put(&out);
}

/* ---- keys ---- */

static int byte(void)
{
	unsigned char c;
	ssize_t n;

	do
		n = read(STDIN_FILENO, &c, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? c : KEY_CLOSED;
}

static int escape_key(void)
{
	int c = byte(), number = 0;

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
						    : KEY_NONE;
	case KEY_CLOSED: return KEY_CLOSED;
	default: return KEY_NONE;
	}
}

static int next_key(void)
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

/* ---- changing the line ---- */

static void cut(struct edit *ed, size_t from, size_t to)
{
	if (from >= to)
		return;
	memmove(ed->line.s + from, ed->line.s + to, ed->line.n - to + 1);
	ed->line.n -= to - from;
	ed->cursor = from;
}

static void insert(struct edit *ed, char c)
{
	if (ed->line.n >= EDIT_MAX)
		return;
	buf_putc(&ed->line, c);
	memmove(ed->line.s + ed->cursor + 1, ed->line.s + ed->cursor, ed->line.n - ed->cursor - 1);
	ed->line.s[ed->cursor++] = c;
}

static size_t word_before(const struct edit *ed)
{
	size_t at = ed->cursor;

	while (at && ed->line.s[at - 1] == ' ')
		at--;
	while (at && ed->line.s[at - 1] != ' ')
		at--;
	return at;
}

static void set_line(struct edit *ed, const char *s)
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
	set_line(ed, ed->at == ed->history.n ? ed->kept : ed->history.v[ed->at]);
}

/* False: the key ends the line, as *end says. */
static bool handle(struct edit *ed, int key, enum edit_result *end)
{
	switch (key) {
	case '\r':
	case '\n': *end = EDIT_LINE; return false;
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
	case 0177: cut(ed, left_of(ed, ed->cursor), ed->cursor); break;
	case CTRL_KEY('k'): cut(ed, ed->cursor, ed->line.n); break;
	case CTRL_KEY('u'): cut(ed, 0, ed->cursor); break;
	case CTRL_KEY('w'): cut(ed, word_before(ed), ed->cursor); break;
	case CTRL_KEY('l'): put(&(struct buf){ .s = (char *)"\033[H\033[2J", .n = 7 }); break;
	case KEY_LEFT: ed->cursor = left_of(ed, ed->cursor); break;
	case KEY_RIGHT: ed->cursor = right_of(ed, ed->cursor); break;
	case KEY_HOME: ed->cursor = 0; break;
	case KEY_END: ed->cursor = ed->line.n; break;
	case KEY_UP: recall(ed, -1); break;
	case KEY_DOWN: recall(ed, 1); break;
	case '\t':
		insert(ed, ' ');
		insert(ed, ' ');
		break;
	default:
		if (key >= ' ' && key < KEY_NONE)
			insert(ed, (char)key);
	}
	return true;
}

static bool raw(struct edit *ed)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &ed->before) < 0)
		return false;
	t = ed->before;
	t.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IXON | ISTRIP);
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	return tcsetattr(STDIN_FILENO, TCSADRAIN, &t) == 0;
}

enum edit_result edit_line(struct edit *ed, const char *prompt, char **line)
{
	enum edit_result end = EDIT_END;

	ed->prompt = prompt;
	ed->at = ed->history.n;
	set_line(ed, "");
	if (!raw(ed))
		return EDIT_END;
	do
		show(ed);
	while (handle(ed, next_key(), &end));
	tcsetattr(STDIN_FILENO, TCSADRAIN, &ed->before);
	put(&(struct buf){
		.s = (char *)(end == EDIT_CANCELLED ? "^C\n" : "\n"), .n = end == EDIT_CANCELLED ? 3 : 1 });
	if (end == EDIT_LINE)
		*line = xstrdup(buf_str(&ed->line));
	return end;
}
