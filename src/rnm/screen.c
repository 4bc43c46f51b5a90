// SPDX-License-Identifier: GPL-2.0-or-later
/* What the editor shows: each line of the text in one row, as much of it around the cursor as fits. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/text.h"
#include "rnm/edit_int.h"

void screen_put(const char *s, size_t n)
{
	while (n) {
		ssize_t w = write(STDOUT_FILENO, s, n);

		if (w < 0 && errno != EINTR)
			return;
		s += w > 0 ? w : 0;
		n -= w > 0 ? (size_t)w : 0;
	}
}

static void screen_size(unsigned *width, unsigned *height)
{
	struct winsize ws;
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0;

	*width = known && ws.ws_col > 20 ? ws.ws_col : 80;
	*height = known && ws.ws_row > 2 ? ws.ws_row : 24;
}

unsigned screen_width(void)
{
	unsigned width, height;

	screen_size(&width, &height);
	return width;
}

/* Columns of the character at s of seq bytes; a byte that is none takes one, as a terminal's replacement
 * does. */
static unsigned char_width(const char *s, unsigned seq)
{
	static const unsigned char first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	wchar_t c;
	int w;

	if (*s == '\t')
		return 2;
	if (seq < 2)
		return 1;
	c = (unsigned char)*s & first[seq];
	for (unsigned i = 1; i < seq; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	w = wcwidth(c);
	return w < 0 ? 1 : (unsigned)w;
}

static unsigned next_char(const char *s, size_t n, unsigned *width)
{
	unsigned seq = utf8_seq(s, n);

	*width = char_width(s, seq);
	return seq ? seq : 1;
}

unsigned screen_columns(const char *s, size_t n)
{
	unsigned sum = 0, width;

	for (size_t i = 0; i < n;) {
		i += next_char(s + i, n - i, &width);
		sum += width;
	}
	return sum;
}

/* One row: the prompt, and the part of the line around at (bytes; n: its end) that fits. Returns the cursor's
 * column. */
static unsigned put_row(
	struct buf *out, const char *prompt, const char *s, size_t n, size_t at, unsigned width)
{
	unsigned lead = screen_columns(prompt, strlen(prompt)),
		 room = width > lead + 2 ? width - lead - 1 : 1, w;
	size_t from = 0, to;

	while (screen_columns(s + from, at - from) >= room)
		from += next_char(s + from, n - from, &w);
	buf_puts(out, prompt);
	for (to = from; to < n;) {
		size_t next = to + next_char(s + to, n - to, &w);

		if (screen_columns(s + from, next - from) > room)
			break;
		if (s[to] == '\t')
			buf_puts(out, "  ");
		else
			buf_put(out, s + to, next - to);
		to = next;
	}
	buf_puts(out, "\033[K");
	return lead + screen_columns(s + from, at - from);
}

void screen_show(struct edit *ed)
{
	_buf_ struct buf out = BUF_INIT;
	const char *s = buf_str(&ed->line);
	unsigned width, height, row = 0, n_rows = 0, cursor_row = 0, column = 0, first;

	screen_size(&width, &height);
	for (size_t i = 0; i < ed->line.n; i++) {
		row += s[i] == '\n';
		cursor_row += s[i] == '\n' && i < ed->cursor;
	}
	first = cursor_row + 1 >= height ? cursor_row + 2 - height : 0;
	if (ed->row)
		buf_printf(&out, "\033[%uA", ed->row);
	buf_puts(&out, "\r");
	for (unsigned r = 0; r <= row && r < first + height - 1; r++) {
		size_t n = strcspn(s, "\n"), begin = (size_t)(s - buf_str(&ed->line));
		bool here = r == cursor_row;
		unsigned c;

		if (r >= first) {
			if (n_rows++)
				buf_puts(&out, "\r\n");
			c = put_row(
				&out, r ? ed->more : ed->prompt, s, n, here ? ed->cursor - begin : 0, width);
			column = here ? c : column;
		}
		s += n + (s[n] == '\n');
	}
	buf_puts(&out, "\033[J");
	ed->row = cursor_row - first;
	if (n_rows - 1 > ed->row)
		buf_printf(&out, "\033[%uA", n_rows - 1 - ed->row);
	buf_puts(&out, "\r");
	if (column)
		buf_printf(&out, "\033[%uC", column);
	screen_put(out.s, out.n);
}

void screen_leave(struct edit *ed)
{
	size_t at = ed->cursor;

	ed->cursor = ed->line.n;
	screen_show(ed);
	ed->cursor = at;
	ed->row = 0;
	screen_put("\n", 1);
}
