/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of elements as they come from scripts, into the table of a set. Internal to nft/. */
#pragma once

#include "nft/model.h"

typedef void elem_read_fn(void *ctx, const struct setelem *el, uint32_t i, struct set_stmts *stmts);
/* Calls fn for each element that src gives, which is in the table then: what nobody holds afterwards is to be
 * touched. stmts: the element's own, borrowed; NULL none. -EINVAL: what came before was told of. */
int elems_read(struct elem_table *t, const struct elem_src *src, elem_read_fn *fn, void *ctx, struct err *e);
