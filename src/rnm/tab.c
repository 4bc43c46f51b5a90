// SPDX-License-Identifier: GPL-2.0-or-later
/* TAB: what all candidates have in common is typed for one; again: they are listed. */
#include <string.h>

#include "base/text.h"
#include "rnm/edit_int.h"

#define LISTED_MAX 120u

/* Of all words from byte `at` on, whole characters. */
static size_t common(const struct edit_words *w, size_t at)
{
	const char *first = w->words.v[0];
	size_t n = strlen(first);

	for (uint32_t i = 1; i < w->words.n; i++) {
		size_t k = at;

		while (k < n && w->words.v[i][k] == first[k])
			k++;
		n = k;
	}
	while (n > at && ((unsigned char)first[n] & 0xc0) == 0x80)
		n--;
	return n > at ? n - at : 0;
}

static void list(struct edit *ed, const struct edit_words *w)
{
	_buf_ struct buf out = BUF_INIT;
	uint32_t n = w->words.n < LISTED_MAX ? w->words.n : LISTED_MAX, columns, rows;
	unsigned widest = 1, width = screen_width();

	for (uint32_t i = 0; i < n; i++) {
		unsigned c = screen_columns(w->words.v[i], strlen(w->words.v[i]));

		widest = c > widest ? c : widest;
	}
	columns = width / (widest + 2) ? width / (widest + 2) : 1;
	rows = (n + columns - 1) / columns;
	for (uint32_t r = 0; r < rows; r++) {
		for (uint32_t i = r; i < n; i += rows) {
			unsigned c = screen_columns(w->words.v[i], strlen(w->words.v[i]));

			buf_visible(&out, w->words.v[i], strlen(w->words.v[i]));
			for (; i + rows < n && c < widest + 2; c++)
				buf_putc(&out, ' ');
		}
		buf_puts(&out, "\r\n");
	}
	if (w->words.n + w->more > n)
		buf_printf(&out, "… %u more\r\n", w->words.n + w->more - n);
	screen_leave(ed);
	screen_put(out.s, out.n);
}

/* In front of the first word of a line TAB indents. */
static bool indents(const struct edit *ed)
{
	size_t at = ed->cursor;

	while (at && ed->line.s[at - 1] == ' ')
		at--;
	return !at || ed->line.s[at - 1] == '\n';
}

void edit_complete(struct edit *ed)
{
	_autofree_ char *text = xstrndup(buf_str(&ed->line), ed->cursor);
	struct edit_words w = { .from = ed->cursor };
	size_t typed, more;

	if (indents(ed)) {
		edit_insert(ed, "  ", 2);
		return;
	}
	ed->ops.complete(ed->ops.ctx, text, &w);
	typed = w.from <= ed->cursor ? ed->cursor - w.from : 0;
	if (w.words.n && strlen(w.words.v[0]) >= typed) {
		more = common(&w, typed);
		if (more)
			edit_insert(ed, w.words.v[0] + typed, more);
		else if (w.words.n > 1 && ed->last == '\t')
			list(ed, &w);
	}
	vec_foreach (s, &w.words)
		free(*s);
	vec_free(&w.words);
}
