/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Live values made of others. */
#pragma once

#include "script/internal.h"

struct mix_item {
	struct val key, data; /* data VAL_NIL: none. At most one VAL_LIVE in both, owned by its value */
};
struct mix_items { /* a VEC */
	struct mix_item *v;
	uint32_t n, cap;
};

/* The items, which are copied, as one value. Interned. One reference. */
struct live *live_mix(struct script *s, const struct mix_items *items);
void mixes_orphan(struct script *s); /* as lives_orphan() */
/* The live value in a concatenation, or v itself; NULL: none. */
struct val *val_live_in(struct val *v);
