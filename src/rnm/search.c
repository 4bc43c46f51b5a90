// SPDX-License-Identifier: GPL-2.0-or-later
/* Ctrl-R: the newest entry of the history with what is typed in it; again: the one before. */
#include <string.h>

#include "rnm/edit_int.h"

/* From entry `from` down; history.n: none. */
static uint32_t find(const struct edit *ed, const char *what, uint32_t from)
{
	for (uint32_t i = from < ed->history.n ? from + 1 : ed->history.n; i-- > 0;)
		if (strstr(ed->history.v[i], what))
			return i;
	return ed->history.n;
}

static void drop_char(struct buf *b)
{
	while (b->n && ((unsigned char)b->s[b->n - 1] & 0xc0) == 0x80)
		b->n--;
	if (b->n)
		b->n--;
	if (b->s)
		b->s[b->n] = '\0';
}

int edit_search(struct edit *ed)
{
	_autofree_ char *before = xstrdup(buf_str(&ed->line));
	_buf_ struct buf what = BUF_INIT, prompt = BUF_INIT;
	const char *own = ed->prompt;
	uint32_t at = ed->history.n;
	int key;

	for (;;) {
		buf_clear(&prompt);
		buf_printf(&prompt, "(search) %s%s: ", buf_str(&what),
			what.n && at == ed->history.n ? " ?" : "");
		ed->prompt = buf_str(&prompt);
		edit_set(ed, at < ed->history.n ? ed->history.v[at] : what.n ? "" : before);
		screen_show(ed);
		key = edit_key();
		if (key == CTRL_KEY('r')) {
			uint32_t next = what.n && at && at < ed->history.n ? find(ed, what.s, at - 1) : at;

			at = next < ed->history.n ? next : at;
		} else if (key == 0177 || key == CTRL_KEY('h')) {
			drop_char(&what);
			at = what.n ? find(ed, what.s, ed->history.n) : ed->history.n;
		} else if (key >= ' ' && key < KEY_NONE && what.n < 200) {
			buf_putc(&what, (char)key);
			at = find(ed, what.s, at);
		} else if (key != KEY_RESIZE && key != KEY_NONE) {
			break;
		}
	}
	ed->prompt = own;
	if (key == CTRL_KEY('c') || key == CTRL_KEY('g') || at == ed->history.n) {
		edit_set(ed, before);
		return key == CTRL_KEY('c') || key == CTRL_KEY('g') ? KEY_NONE : key;
	}
	ed->at = at;
	free(ed->kept);
	ed->kept = xstrdup(before);
	return key == '\t' ? KEY_NONE : key;
}
