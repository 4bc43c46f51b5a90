/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets and elements in the notation of `nft --debug=netlink`. Internal to nft/. */
#pragma once

#include "nft/plan.h"

/* "NAME TABLE FLAGS …" and, where elements follow, the line that is in front of them. table NULL: left out.
 */
void debug_set(const struct set_want *w, const char *table, struct buf *out);
void debug_elems_begin(const struct set_info *info, const char *table, struct buf *out);
/* first: the first of its set, whose tree begins with it. next: the one behind in an anonymous set, where
 * ends are left out; NULL: none, or a named set. */
void debug_elem(const struct set_info *info, const struct setelem *el, bool first, const struct setelem *next,
	struct buf *out);
void debug_exprs(const struct code *c, struct buf *out); /* one a line */
