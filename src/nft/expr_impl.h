/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the constructors of expressions. */
#pragma once

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include <libnftnl/expr.h>

#include "base/xalloc.h"
#include "nft/expr.h"

static inline struct nftnl_expr *expr_new(const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (!e) /* an unknown name or no memory: neither can be caused from outside */
		abort();
	return e;
}

/* Whole 16-byte registers have names of their own. */
static inline void expr_reg(struct nftnl_expr *e, uint16_t attr, int slot)
{
	if (slot == SLOT_NONE)
		return;
	nftnl_expr_set_u32(
		e, attr, slot % 4 ? (uint32_t)(NFT_REG32_00 + slot) : (uint32_t)(NFT_REG_1 + slot / 4));
}
