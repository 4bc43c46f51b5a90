// SPDX-License-Identifier: GPL-2.0-or-later
/* set:replace(list) in hooks, messages, timers and the console: the list is held against what the pack's
 * edits hold already. What stays is not touched, so that a long list costs a look-up for each of its
 * elements, and only what differs is journaled. Nothing is done before the whole list is known to be good. */
#include <errno.h>

#include "base/clock.h"
#include "nft/edit_impl.h"

#define GROUP 8 /* elements whose places in the index are fetched at the same time */

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

static void take(struct replacing *r, const struct setelem *el, uint64_t hash, bool lasting)
{
	uint32_t i = elem_intern_hashed(r->t, el, hash), attr = attr_new(r->t, el, r->now, NULL);
	uint8_t *mark = mark_of(r, i);

	if (!(*mark & COMES) && is_held(r, i, attr, r->c[lasting])) {
		attr_put(r->t, attr);
		*mark |= lasting ? STAYS_LASTING : STAYS;
		return;
	}
	*mark |= COMES;
	vec_push(&r->come, (struct coming){ i, attr, lasting });
}

static int take_all(struct replacing *r, const struct elem_src *src, bool lasting, struct err *e)
{
	struct setelem el[GROUP];
	uint64_t hash[GROUP];
	struct elem_in in;
	uint32_t n = 0;
	int rc;

	do {
		rc = src->next(src->ctx, &in, e);
		if (rc > 0 && elem_of(r->t, in.key, in.data, in.timeout_ms, in.comment, &el[n], e) < 0)
			rc = -EINVAL;
		if (rc > 0) {
			hash[n] = elem_expect(r->t, &el[n]);
			n++;
		}
		/* a comment is lent only until the next one */
		if (n == GROUP || rc <= 0 || el[n - 1].comment) {
			for (uint32_t i = 0; i < n; i++)
				take(r, &el[i], hash[i], lasting || el[i].timeout_ms);
			n = 0;
		}
	} while (rc > 0);
	return rc;
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
	struct replacing r = { .pk = pk, .set = set, .t = elems_of(set), .now = boot_ms() };
	int rc;

	if (!r.t)
		return edit_no_type(set, e);
	for (int l = 0; l < 2; l++)
		r.c[l] = edits_find(pk, set, l);
	rc = take_all(&r, src, lasting, e);
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
