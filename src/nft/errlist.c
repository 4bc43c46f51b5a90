// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/errlist.h"

static bool before(const struct errlist_item *a, uint32_t file, uint32_t pos)
{
	return a->file != file ? a->file < file : a->pos <= pos;
}

void errlist_add(struct errlist *l, uint32_t file, uint32_t pos, struct err *e)
{
	uint32_t i = l->items.n;

	l->n++;
	while (i && !before(&l->items.v[i - 1], file, pos))
		i--;
	if (i < ERRLIST_MAX) {
		if (l->items.n == ERRLIST_MAX)
			free(l->items.v[--l->items.n].text);
		vec_insert(&l->items, i, (struct errlist_item){ file, pos, xstrdup(err_text(e)) });
	}
	err_free(e);
}

void errlist_text(struct errlist *l, struct buf *out)
{
	vec_foreach (it, &l->items) {
		if (it != l->items.v)
			buf_puts(out, "\n\n");
		buf_puts(out, it->text);
	}
	if (l->n > l->items.n)
		buf_printf(out, "\n\n%u more error%s", l->n - l->items.n, l->n - l->items.n == 1 ? "" : "s");
}

void errlist_free(struct errlist *l)
{
	vec_foreach (it, &l->items)
		free(it->text);
	vec_free(&l->items);
	l->n = 0;
}
