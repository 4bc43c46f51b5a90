/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set in braces, or of a list of values, on its way from what was written to sorted elements. Internal to
 * nft/. */
#pragma once

#include "nft/ir.h"

/* One element while its set is built. */
struct item {
	struct ex *key;
	u128 lo, hi; /* of single keys */
	const struct node *node;
	uint32_t exprs; /* of the set's statements its own begin here: el.n_exprs of them */
	struct setelem el;
};

#define SET_ITEMS_MAX (1 << 17) /* more belongs into a set of the table */

struct build {
	struct cc *c;
	const struct node *node;
	struct want want, data;
	bool is_map, verdicts, interval, data_interval;
	uint32_t obj_type; /* the values are names of objects */
	const struct xform *xf;
	u128 max, step; /* of single keys: the field's greatest value, and the distance of two values, where
			   they lie */
	VEC(struct item) items;
	VEC(struct nftnl_expr *) exprs;
};

/* Reads the elements of n: N_SET, or a $name. False with an error. */
bool build_fill(struct build *b, const struct node *n);
void build_free(struct build *b);
/* Sorts, merges and makes the anonymous set for keys as they lie in left. Its index, -1 after an error. */
int build_settle(struct build *b, const struct ex *left);
/* "goto NAME", or the handle of a chain, as an element's verdict. */
bool verdict_val(struct cc *c, const struct node *at, const struct val *v, struct setelem *el);
void build_bounds(const struct ex *x, u128 *lo, u128 *hi);
