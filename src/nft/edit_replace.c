// SPDX-License-Identifier: GPL-2.0-or-later
/* set:replace(list) in hooks, messages, timers and the console: the list is held against what the pack's
 * edits hold already. What stays is not touched, so that a long list costs a look-up for each of its
 * elements, and only what differs is journaled. Nothing is done before the whole list is known to be good. */
#include <errno.h>

#include "base/clock.h"
#include "nft/edit_impl.h"
#include "nft/elem_read.h"

enum { STAYS = 1, STAYS_LASTING = 2, COMES = 4 }; /* marks of an element */

struct coming {
	uint32_t elem, attr; /* attr: a reference */
	bool lasting;
};

struct replacing {
	struct rpack *pk;
	struct obj *set;
	struct elem_table *t;
	struct contrib *c[2]; /* the pack's edits by life span; NULL: none yet */
	uint8_t *mark;        /* one for each element of t */
	uint32_t marks;
	VEC(struct coming) come;
	uint64_t now;
	bool lasting;
};

static uint8_t *mark_of(struct replacing *r, uint32_t i)
{
	if (i >= r->marks) {
		uint32_t n = r->t->cap > i ? r->t->cap : i + 1;

		r->mark = xrealloc(r->mark, n, 1);
		memset(r->mark + r->marks, 0, n - r->marks);
		r->marks = n;
	}
	return &r->mark[i];
}

/* Does the pack's layer hold it just so? Of several of one element the last one counts. */
static bool is_held(struct replacing *r, uint32_t i, uint32_t attr, const struct contrib *c)
{
	const struct member *m = c ? member_of(r->t, i, c->id) : NULL;

	return m && m->count == 1 && edit_is_same(r->t, m->attr, attr);
}

static void take(void *ctx, const struct setelem *el, uint32_t i, struct set_stmts *stmts)
{
	struct replacing *r = ctx;
	bool lasting = r->lasting || el->timeout_ms;
	uint32_t attr = attr_new(r->t, el, r->now, NULL);
	uint8_t *mark = mark_of(r, i);

	(void)stmts;
	if (!(*mark & COMES) && is_held(r, i, attr, r->c[lasting])) {
		attr_put(r->t, attr);
		*mark |= lasting ? STAYS_LASTING : STAYS;
		return;
	}
	*mark |= COMES;
	vec_push(&r->come, (struct coming){ i, attr, lasting });
}

static void drop_rest(struct replacing *r, int lasting)
{
	struct contrib *c = r->c[lasting];
	uint8_t stays = lasting ? STAYS_LASTING : STAYS;

	if (!c)
		return;
	edit_unsettle(c);
	c->filled = false;
	for (uint32_t i = 0; i < r->t->n; i++)
		if (!(i < r->marks && r->mark[i] & stays) && elem_at(r->t, i)->flags & E_USED)
			edit_drop(c, i);
		else if (r->pk->watched && i < r->marks && r->mark[i] & stays)
			edit_same(c, i);
}

int edit_replace(struct rpack *pk, struct obj *set, const struct elem_src *src, bool lasting, uint32_t site,
	struct err *e)
{
	struct replacing r = {
		.pk = pk, .set = set, .t = elems_of(set), .now = boot_ms(), .lasting = lasting
	};
	int rc;

	if (!r.t)
		return edit_no_type(set, e);
	for (int l = 0; l < 2; l++)
		r.c[l] = edits_find(pk, set, l);
	rc = elems_read(r.t, src, take, &r, e);
	for (int l = 0; rc == 0 && l < 2; l++)
		drop_rest(&r, l);
	vec_foreach (k, &r.come)
		if (rc == 0) {
			edit_add_at(edits_get(pk, set, k->lasting, site), k->elem, k->attr, site);
		} else {
			attr_put(r.t, k->attr);
			elem_touch(r.t, k->elem); /* nobody wants it: it goes */
		}
	vec_free(&r.come);
	free(r.mark);
	return rc;
}
