// SPDX-License-Identifier: GPL-2.0-or-later
/* Long lists of elements, as a script gives them again and again: most of a list is what it was last time, in
 * the same order, so an element is first looked for behind the one before it. Where it is not, it is looked
 * up with others, so that the memory of all of them is fetched at the same time. */
#include <errno.h>

#include "nft/elem_read.h"

#define GROUP 8
#define NONE  UINT32_MAX

struct got {
	struct setelem el;
	struct set_stmts *stmts; /* a reference */
	uint64_t hash;
	uint32_t i; /* NONE: not looked up yet */
};

static int make(const struct elem_table *t, const struct elem_in *in, struct got *g, struct err *e)
{
	g->stmts = NULL;
	if (elem_of(t, in->key, in->data, in->timeout_ms, in->comment, &g->el, e) < 0)
		return -EINVAL;
	if (in->stateful && !(g->stmts = set_stmts_get(t->set->rs, in->stateful, e)))
		return -EINVAL;
	return 0;
}

int elems_read(struct elem_table *t, const struct elem_src *src, elem_read_fn *fn, void *ctx, struct err *e)
{
	struct got group[GROUP];
	uint32_t n = 0, last = NONE;
	struct elem_in in = { 0 };
	int rc;

	do {
		rc = src->next(src->ctx, &in, e);
		if (rc > 0 && make(t, &in, &group[n], e) < 0)
			rc = -EINVAL;
		if (rc > 0) {
			struct got *g = &group[n++];

			g->i = last + 1;
			if ((n > 1 && last == NONE) || !elem_is(t, g->i, &g->el)) {
				g->hash = elem_expect(t, &g->el);
				g->i = NONE;
			}
			last = g->i;
		}
		/* a comment is lent only until the next one */
		if (n == GROUP || rc <= 0 || group[n - 1].el.comment) {
			for (uint32_t k = 0; k < n; k++) {
				struct got *g = &group[k];

				last = g->i != NONE ? g->i : elem_intern_hashed(t, &g->el, g->hash);
				fn(ctx, &g->el, last, g->stmts);
				set_stmts_put(g->stmts);
			}
			n = 0;
		}
	} while (rc > 0);
	return rc;
}
