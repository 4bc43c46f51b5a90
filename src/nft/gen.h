/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code for evaluated statements. Functions return false with c->e set. Internal to nft/. */
#pragma once

#include "nft/expr.h"
#include "nft/ir.h"

bool gen_push(struct cc *c, const struct node *n, struct nftnl_expr *e); /* NULL: an error at n */
int gen_slots(struct cc *c, unsigned bytes);
bool gen_load(struct cc *c, const struct ex *x, int slot);
void gen_bytes(const struct ex *x, u128 v, unsigned bytes, uint8_t *out);
const char *gen_set_name(struct cc *c, const struct setuse *u, uint32_t *id);
bool gen_stmt(struct cc *c, const struct st *s);
bool gen_nat(struct cc *c, const struct st *s);
