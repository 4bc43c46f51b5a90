// SPDX-License-Identifier: GPL-2.0-or-later
/* Registers and expressions for what the evaluation left. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft/gen.h"

bool gen_push(struct cc *c, const struct node *n, struct nftnl_expr *e)
{
	if (!e)
		return cc_error(c, n, "this needs more register space than there is");
	vec_push(&c->code->exprs, e);
	return true;
}

int gen_slots(struct cc *c, unsigned bytes)
{
	int s = (int)c->slot;

	c->slot += (bytes + 15) / 16 * 4; /* values begin at whole registers */
	return s;
}

const char *gen_set_name(struct cc *c, const struct setuse *u, uint32_t *id)
{
	*id = u->anon >= 0 ? (uint32_t)u->anon + 1 : 0;
	return u->anon >= 0 ? c->code->sets.v[u->anon].info.name : u->info->name;
}

void gen_bytes(const struct ex *x, u128 v, unsigned bytes, uint8_t *out)
{
	num_export(v, bytes, x->dt->base == BASE_STRING ? ORDER_BIG : x->order, out);
}

/* A chain of & | ^ is one mask and one xor. */
static bool gen_bits(struct cc *c, const struct ex *x, int slot)
{
	const struct ex *ops[64], *base = x;
	unsigned n = 0, bytes = ex_bytes(x), width;
	uint8_t m[16], k[16];
	u128 mask, xor = 0;

	if (bytes > 16)
		return cc_error(c, x->node, "operators work on at most 16 bytes");
	while (base->kind == X_BINOP && (base->op == '&' || base->op == '|' || base->op == '^')) {
		if (n == ARRAY_SIZE(ops))
			return cc_error(c, x->node, "too many operators");
		ops[n++] = base;
		base = base->a;
	}
	if (!gen_load(c, base, slot))
		return false;
	/* behind a shift the bits are counted as before it */
	width = base->kind == X_BINOP ? base->a->bits : base->bits;
	mask = width >= 128 ? ~(u128)0 : ((u128)1 << width) - 1;
	while (n--) {
		u128 v = ops[n]->b->v;

		switch (ops[n]->op) {
		case '&':
			mask &= v;
			xor &= v;
			break;
		case '|':
			mask &= ~v;
			xor |= v;
			break;
		case '^': xor ^= v; break;
		}
	}
	num_export(mask, bytes, x->order, m);
	num_export(xor, bytes, x->order, k);
	return gen_push(c, x->node, expr_bitwise(slot, slot, m, k, bytes));
}

static bool gen_binop(struct cc *c, const struct ex *x, int slot)
{
	if (x->op != TOK_SHL && x->op != TOK_SHR)
		return gen_bits(c, x, slot);
	return gen_load(c, x->a, slot) &&
	       gen_push(c, x->node, expr_shift(slot, slot, x->op == TOK_SHL, (uint32_t)x->b->v, ex_bytes(x)));
}

static bool gen_swap(struct cc *c, const struct ex *x, int slot)
{
	unsigned bytes = ex_bytes(x), size = bytes & 1 || bytes < 4 ? 2 : 4;

	if (bytes % 8 == 0)
		size = 8;
	return gen_load(c, x->a, slot) &&
	       gen_push(c, x->node, expr_byteorder(slot, slot, x->order == ORDER_BIG, bytes, size));
}

static bool gen_concat(struct cc *c, const struct ex *x, int slot)
{
	for (unsigned i = 0; i < x->n; i++) {
		if (!gen_load(c, x->part[i], slot))
			return false;
		slot += (int)(ex_bytes(x->part[i]) + 3) / 4;
	}
	return true;
}

static bool gen_hash(struct cc *c, const struct ex *x, int slot)
{
	unsigned save = c->slot;
	int src = SLOT_NONE;

	if (x->a) {
		if ((int)c->slot <= slot)
			c->slot = (unsigned)slot + 4;
		src = gen_slots(c, ex_bytes(x->a));
		if (!gen_load(c, x->a, src))
			return false;
		c->slot = save;
	}
	return gen_push(c, x->node,
		expr_hash(slot, src, x->key, x->a ? ex_bytes(x->a) : 0, x->num[0],
			x->a && (x->seed || x->num[1]), x->num[1], x->num[2]));
}

static bool gen_map(struct cc *c, const struct ex *x, int slot)
{
	unsigned save = c->slot;
	uint32_t id;
	const char *name = gen_set_name(c, &x->set, &id);
	int key = slot;

	/* the key may be longer than the data: it is loaded where the data goes */
	if (!gen_load(c, x->a, key))
		return false;
	c->slot = save;
	return gen_push(c, x->node, expr_lookup(key, slot, name, id, false));
}

static bool gen_const(struct cc *c, const struct ex *x, int slot)
{
	unsigned bytes = datatype_bytes(x->bits);
	uint8_t b[16];

	if (bytes > sizeof(b))
		return cc_error(c, x->node, "this value is too long");
	gen_bytes(x, x->v, bytes, b);
	return gen_push(c, x->node, expr_immediate(slot, b, bytes));
}

bool gen_load(struct cc *c, const struct ex *x, int slot)
{
	const struct node *n = x->node;
	unsigned len = ex_bytes(x);

	if (slot < 0 || (unsigned)slot * 4 + len > 64)
		return cc_error(c, n, "this needs more register space than there is");
	switch (x->kind) {
	case X_VALUE: return gen_const(c, x, slot);
	case X_CONCAT: return gen_concat(c, x, slot);
	case X_PAYLOAD: return gen_push(c, n, expr_payload(slot, x->base, x->off / 8, len));
	case X_EXTHDR:
		return gen_push(c, n, expr_exthdr(slot, (unsigned)x->op, x->key, x->off / 8, len, x->dir));
	case X_META: return gen_push(c, n, expr_keyed("meta", slot, x->key));
	case X_RT: return gen_push(c, n, expr_keyed("rt", slot, x->key));
	case X_CT: return gen_push(c, n, expr_ct(slot, x->key, x->dir ? (int)x->dir - 1 : -1));
	case X_SOCKET: return gen_push(c, n, expr_socket(slot, x->key, x->num[0]));
	case X_FIB: return gen_push(c, n, expr_fib(slot, x->key, x->dir));
	case X_OSF: return gen_push(c, n, expr_osf(slot, x->num[0], x->num[1]));
	case X_NUMGEN: return gen_push(c, n, expr_numgen(slot, x->key, x->num[0], x->num[2]));
	case X_HASH: return gen_hash(c, x, slot);
	case X_XFRM: return gen_push(c, n, expr_xfrm(slot, x->key, x->dir, x->num[0]));
	case X_BINOP: return gen_binop(c, x, slot);
	case X_SWAP: return gen_swap(c, x, slot);
	case X_MAP: return gen_map(c, x, slot);
	default: return cc_error(c, n, "this cannot be loaded");
	}
}

/* ---- comparisons ---- */

static unsigned cmp_op(enum match_op op)
{
	switch (op) {
	case M_NE: return NFT_CMP_NEQ;
	case M_LT: return NFT_CMP_LT;
	case M_GT: return NFT_CMP_GT;
	case M_LE: return NFT_CMP_LTE;
	case M_GE: return NFT_CMP_GTE;
	default: return NFT_CMP_EQ;
	}
}

static bool gen_flags(struct cc *c, const struct st *s, int slot)
{
	unsigned bytes = ex_bytes(s->a);
	uint8_t mask[16] = { 0 }, zero[16] = { 0 };

	if (bytes > sizeof(mask))
		return cc_error(c, s->node, "this set of bits is too long");
	gen_bytes(s->b, s->b->v, bytes, mask);
	return gen_load(c, s->a, slot) && gen_push(c, s->node, expr_bitwise(slot, slot, mask, zero, bytes)) &&
	       gen_push(c, s->node, expr_cmp(slot, s->op == M_NEG ? NFT_CMP_EQ : NFT_CMP_NEQ, zero, bytes));
}

static bool gen_prefix(struct cc *c, const struct st *s, int slot)
{
	unsigned bytes = ex_bytes(s->a), keep = (s->b->plen + 7) / 8;
	uint8_t v[16], mask[16], zero[16] = { 0 };
	u128 ones = s->b->bits >= 128 ? ~(u128)0 : ((u128)1 << s->b->bits) - 1;
	struct ex load;

	if (bytes > sizeof(v))
		return cc_error(c, s->node, "this prefix is too long");
	gen_bytes(s->b, s->b->v, bytes, v);
	if (s->a->dt->base == BASE_STRING)
		return gen_load(c, s->a, slot) &&
		       gen_push(c, s->node, expr_cmp(slot, cmp_op(s->op), v, keep));
	if (s->a->order == ORDER_BIG && s->b->plen && s->b->plen % 8 == 0 && s->a->kind != X_BINOP &&
		s->a->kind != X_SWAP) { /* the first bytes are all that counts */
		load = *s->a;
		load.bits = s->b->plen;
		return gen_load(c, &load, slot) &&
		       gen_push(c, s->node, expr_cmp(slot, cmp_op(s->op), v, keep));
	}
	/* bits - plen is the whole width for the prefix of length 0, which no shift may be */
	gen_bytes(s->b, s->b->plen ? ones ^ (((u128)1 << (s->b->bits - s->b->plen)) - 1) : 0, bytes, mask);
	return gen_load(c, s->a, slot) && gen_push(c, s->node, expr_bitwise(slot, slot, mask, zero, bytes)) &&
	       gen_push(c, s->node, expr_cmp(slot, cmp_op(s->op), v, bytes));
}

static bool gen_range(struct cc *c, const struct st *s, int slot)
{
	unsigned bytes = ex_bytes(s->a);
	uint8_t lo[16], hi[16];

	if (bytes > sizeof(lo))
		return cc_error(c, s->node, "this range is too long");
	gen_bytes(s->b, s->b->v, bytes, lo);
	gen_bytes(s->b, s->b->hi, bytes, hi);
	if (!gen_load(c, s->a, slot))
		return false;
	if (s->op == M_NE)
		return gen_push(c, s->node, expr_range(slot, NFT_RANGE_NEQ, lo, hi, bytes));
	return gen_push(c, s->node, expr_cmp(slot, NFT_CMP_GTE, lo, bytes)) &&
	       gen_push(c, s->node, expr_cmp(slot, NFT_CMP_LTE, hi, bytes));
}

static bool gen_match(struct cc *c, const struct st *s)
{
	int slot = gen_slots(c, s->a->kind == X_CONCAT ? ex_bytes(s->a) : 16);
	unsigned bytes = ex_bytes(s->a), off = 0;
	uint8_t v[NFT_KEY_MAX] = { 0 };
	const char *name;
	uint32_t id;

	switch (s->b->kind) {
	case X_SET:
		name = gen_set_name(c, &s->b->set, &id);
		return gen_load(c, s->a, slot) &&
		       gen_push(c, s->node, expr_lookup(slot, SLOT_NONE, name, id, s->op == M_NE));
	case X_RANGE: return gen_range(c, s, slot);
	case X_PREFIX: return gen_prefix(c, s, slot);
	case X_CONCAT:
		for (unsigned i = 0; i < s->b->n; i++) {
			unsigned len = ex_bytes(s->a->part[i]);

			gen_bytes(s->b->part[i], s->b->part[i]->v, len, v + off);
			off += (len + 3) & ~3u;
		}
		return gen_load(c, s->a, slot) &&
		       gen_push(c, s->node, expr_cmp(slot, cmp_op(s->op), v, bytes));
	case X_VALUE:
		if ((s->op == M_IMPLICIT && s->a->dt->base == BASE_BITMASK && s->a->dt->id != DT_BITMASK) ||
			s->op == M_NEG)
			return gen_flags(c, s, slot);
		if (bytes > 16)
			return cc_error(c, s->node, "this value is too long");
		gen_bytes(s->b, s->b->v, bytes, v);
		return gen_load(c, s->a, slot) &&
		       gen_push(c, s->node, expr_cmp(slot, cmp_op(s->op), v, bytes));
	default: return cc_error(c, s->node, "this comparison cannot be compiled");
	}
}

bool gen(struct cc *c)
{
	for (const struct st *s = c->first; s; s = s->next) {
		c->slot = 0;
		if (!(s->match ? gen_match(c, s) : gen_stmt(c, s)))
			return false;
	}
	return true;
}
