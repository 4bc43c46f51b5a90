/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Live lists in rules: each is a set of the pack's, named _PACK_N. */
#pragma once

#include "nft/model.h"

/* autoset.c */
const struct set_info *auto_set(
	struct stmt *st, const char *param, struct live *live, const struct nft_type *key);
bool auto_used(const struct stmt *st, const char *param); /* a set holds the live value of $param */
void autos_off(struct stmt *st);
void autos_free(struct stmt *st);
void autos_orphan(struct rpack *pk); /* the pack is freed */

/* autoname.c */
void auto_name_take(struct rpack *pk, struct autoset *a, uint32_t site); /* to a->name, and into a->want */
void auto_name_put(struct autoset *a);
void auto_name_known(struct ruleset *rs, const char *name, uint64_t id); /* the kernel has such a set */
void auto_names_free(struct ruleset *rs);
