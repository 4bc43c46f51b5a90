// SPDX-License-Identifier: GPL-2.0-or-later
/* Expressions as read from the kernel or made by the compiler, in one form. Attributes that were left out are
 * what the kernel takes them to be. */
#include <stddef.h>
#include <stdio.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>

#include <libnftnl/expr.h>

#include "nft/decomp.h"

#define SUB_MAX 8 /* statements of an element */

struct in { /* an expression that is read */
	struct arena_block **arena;
	struct nftnl_expr *e;
	struct dx *out;
	bool bad;
};

static uint64_t num(struct in *in, uint16_t attr)
{
	uint32_t n = 0, v4;
	const void *p = nftnl_expr_is_set(in->e, attr) ? nftnl_expr_get(in->e, attr, &n) : NULL;
	uint16_t v2;
	uint64_t v8;

	if (!p)
		return 0;
	switch (n) {
	case 1: return *(const uint8_t *)p;
	case 2: memcpy(&v2, p, n); return v2;
	case 4: memcpy(&v4, p, n); return v4;
	case 8: memcpy(&v8, p, n); return v8;
	default: in->bad = true; return 0;
	}
}

/* The slot that a register begins at. */
static int8_t reg(struct in *in, uint16_t attr)
{
	uint64_t r;

	if (!nftnl_expr_is_set(in->e, attr))
		return SLOT_NONE;
	r = num(in, attr);
	if (r >= NFT_REG_1 && r <= NFT_REG_4)
		return (int8_t)((r - NFT_REG_1) * 4);
	if (r >= NFT_REG32_00 && r <= NFT_REG32_15)
		return (int8_t)(r - NFT_REG32_00);
	in->bad = true;
	return SLOT_NONE;
}

static void data(struct in *in, uint16_t attr, uint8_t *to, uint32_t *len)
{
	uint32_t n = 0;
	const void *p = nftnl_expr_is_set(in->e, attr) ? nftnl_expr_get(in->e, attr, &n) : NULL;

	if (!p)
		return;
	if (n > EXPR_DATA_MAX) {
		in->bad = true;
		return;
	}
	memcpy(to, p, n);
	*len = n;
}

/* ---- what needs more than a table ---- */

static void fix_immediate(struct in *in, struct dx *x)
{
	if (num(in, NFTNL_EXPR_IMM_DREG) == NFT_REG_VERDICT) {
		x->kind = DX_VERDICT;
		x->p.op = (uint32_t)num(in, NFTNL_EXPR_IMM_VERDICT);
	} else {
		x->dreg = reg(in, NFTNL_EXPR_IMM_DREG);
		data(in, NFTNL_EXPR_IMM_DATA, x->p.a, &x->p.alen);
	}
}

static void fix_range(struct in *in, struct dx *x)
{
	in->bad |= x->p.alen != x->p.blen;
}

static void fix_lookup(struct in *in, struct dx *x)
{
	if (!nftnl_expr_is_set(in->e, NFTNL_EXPR_LOOKUP_DREG))
		return;
	x->kind = DX_VMAP;
	if (num(in, NFTNL_EXPR_LOOKUP_DREG) != NFT_REG_VERDICT) {
		x->kind = DX_MAP;
		x->dreg = reg(in, NFTNL_EXPR_LOOKUP_DREG);
	}
}

/* These write where they have a register to read. */
static void fix_write(struct in *in, struct dx *x)
{
	(void)in;
	if (x->reg[0] == SLOT_NONE)
		return;
	x->kind = x->kind == DX_PAYLOAD  ? DX_PAYLOAD_SET
		  : x->kind == DX_EXTHDR ? DX_EXTHDR_SET
		  : x->kind == DX_META   ? DX_META_SET
					 : DX_CT_SET;
}

static void fix_payload(struct in *in, struct dx *x)
{
	in->bad |= x->p.base >= PB_N || x->p.off > 4096 || !x->p.len || x->p.len > EXPR_DATA_MAX;
	fix_write(in, x);
}

static void fix_exthdr(struct in *in, struct dx *x)
{
	if (x->dreg == SLOT_NONE && x->reg[0] == SLOT_NONE) {
		x->kind = DX_RESET;
		return;
	}
	in->bad |= x->p.off > 4096 || !x->p.len || x->p.len > EXPR_DATA_MAX;
	fix_write(in, x);
}

static void fix_ct(struct in *in, struct dx *x)
{
	x->p.op = nftnl_expr_is_set(in->e, NFTNL_EXPR_CT_DIR) ? 1 + x->p.op : 0;
	fix_write(in, x);
}

static void fix_hash(struct in *in, struct dx *x)
{
	x->p.flags = nftnl_expr_is_set(in->e, NFTNL_EXPR_HASH_SEED);
	in->bad |= x->p.len > EXPR_DATA_MAX;
}

static void fix_bitwise(struct in *in, struct dx *x)
{
	in->bad |= !x->p.len || x->p.len > EXPR_DATA_MAX;
	if (x->p.op == NFT_BITWISE_BOOL) {
		in->bad |= x->p.alen != x->p.len || x->p.blen != x->p.len;
		return;
	}
	x->kind = x->p.op == NFT_BITWISE_LSHIFT || x->p.op == NFT_BITWISE_RSHIFT ? DX_SHIFT : DX_OTHER;
	memset(x->p.a, 0, sizeof(x->p.a));
	data(in, NFTNL_EXPR_BITWISE_DATA, x->p.a, &x->p.alen);
	in->bad |= x->p.alen != sizeof(uint32_t);
}

static void fix_limit(struct in *in, struct dx *x)
{
	(void)in;
	if (!x->p.add && x->p.key == NFT_LIMIT_PKTS)
		x->p.add = 5;
}

static void fix_quota(struct in *in, struct dx *x)
{
	(void)in;
	x->p.flags &= NFT_QUOTA_F_INV;
}

static void fix_log(struct in *in, struct dx *x)
{
	bool nflog = nftnl_expr_is_set(in->e, NFTNL_EXPR_LOG_GROUP);

	x->p.key = nflog ? 1 + x->p.key : 0;
	x->p.off = nftnl_expr_is_set(in->e, NFTNL_EXPR_LOG_SNAPLEN); /* 0 bytes are not all of them */
	if (!nflog && !nftnl_expr_is_set(in->e, NFTNL_EXPR_LOG_LEVEL))
		x->p.op = 4;
}

static void fix_reject(struct in *in, struct dx *x)
{
	(void)in;
	if (x->p.key == NFT_REJECT_TCP_RST)
		x->p.op = 0;
}

/* The kernel tells one value as a range of one, and in the flags what the registers say already. */
static void fix_nat(struct in *in, struct dx *x)
{
	(void)in;
	for (int i = 0; i < 4; i += 2)
		if (x->reg[i + 1] == x->reg[i])
			x->reg[i + 1] = SLOT_NONE;
	x->p.flags &= ~(uint32_t)(NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED);
}

static void fix_fwd(struct in *in, struct dx *x)
{
	(void)in;
	if (x->reg[0] == SLOT_NONE)
		x->p.family = 0;
}

static void fix_queue(struct in *in, struct dx *x)
{
	if (x->reg[0] != SLOT_NONE)
		x->p.key = x->p.mod = 0;
	else if (!nftnl_expr_is_set(in->e, NFTNL_EXPR_QUEUE_TOTAL))
		x->p.mod = 1;
}

static void fix_objref(struct in *in, struct dx *x)
{
	(void)in;
	if (x->reg[0] != SLOT_NONE)
		x->kind = DX_OBJREF_MAP;
}

static int read_sub(struct nftnl_expr *e, void *ctx)
{
	struct in *in = ctx;
	struct dx *x = in->out;

	in->bad |= x->n_sub == SUB_MAX || !dx_read(in->arena, e, &x->sub[x->n_sub]);
	if (in->bad)
		return -1;
	x->n_sub++;
	return 0;
}

static void fix_dynset(struct in *in, struct dx *x)
{
	x->p.flags &= ~(uint32_t)NFT_DYNSET_F_EXPR;
	x->sub = arena_alloc(in->arena, SUB_MAX * sizeof(*x->sub));
	nftnl_expr_expr_foreach(in->e, read_sub, in);
}

/* ---- the table ---- */

enum how { END, DREG, REG0, REG1, REG2, REG3, U32, U64, DATA_A, DATA_B, NAME, ID };
struct attr {
	uint16_t attr;
	uint8_t how;
	uint16_t to; /* offset in struct dx, for numbers */
};
#define N(attr, field)                                                                                       \
	{                                                                                                    \
		NFTNL_EXPR_##attr, U32, offsetof(struct dx, p.field)                                         \
	}
#define Q(attr, field)                                                                                       \
	{                                                                                                    \
		NFTNL_EXPR_##attr, U64, offsetof(struct dx, p.field)                                         \
	}
#define A(attr, how)                                                                                         \
	{                                                                                                    \
		NFTNL_EXPR_##attr, how, 0                                                                    \
	}

/* clang-format off */
static const struct reader {
	const char *name;
	enum dx_kind kind;
	void (*fix)(struct in *in, struct dx *x);
	struct attr attr[9];
} readers[] = {
	{ "bitwise", DX_BITWISE, fix_bitwise, { A(BITWISE_SREG, REG0), A(BITWISE_DREG, DREG), N(BITWISE_LEN, len),
		N(BITWISE_OP, op), A(BITWISE_MASK, DATA_A), A(BITWISE_XOR, DATA_B) } },
	{ "byteorder", DX_BYTEORDER, NULL, { A(BYTEORDER_SREG, REG0), A(BYTEORDER_DREG, DREG), N(BYTEORDER_OP, op),
		N(BYTEORDER_LEN, len), N(BYTEORDER_SIZE, key) } },
	{ "cmp", DX_CMP, NULL, { A(CMP_SREG, REG0), N(CMP_OP, op), A(CMP_DATA, DATA_A) } },
	{ "connlimit", DX_CONNLIMIT, NULL, { N(CONNLIMIT_COUNT, add), N(CONNLIMIT_FLAGS, flags) } },
	{ "counter", DX_COUNTER, NULL, { Q(CTR_PACKETS, q1), Q(CTR_BYTES, q2) } },
	{ "ct", DX_CT, fix_ct, { A(CT_DREG, DREG), A(CT_SREG, REG0), N(CT_KEY, key), N(CT_DIR, op) } },
	{ "dup", DX_DUP, NULL, { A(DUP_SREG_ADDR, REG0), A(DUP_SREG_DEV, REG1) } },
	{ "dynset", DX_DYNSET, fix_dynset, { A(DYNSET_SREG_KEY, REG0), A(DYNSET_SREG_DATA, REG1), N(DYNSET_OP, op),
		A(DYNSET_SET_NAME, NAME), A(DYNSET_SET_ID, ID), Q(DYNSET_TIMEOUT, q1), N(DYNSET_FLAGS, flags) } },
	{ "exthdr", DX_EXTHDR, fix_exthdr, { A(EXTHDR_DREG, DREG), A(EXTHDR_SREG, REG0), N(EXTHDR_TYPE, key),
		N(EXTHDR_OFFSET, off), N(EXTHDR_LEN, len), N(EXTHDR_OP, op), N(EXTHDR_FLAGS, flags) } },
	{ "fib", DX_FIB, NULL, { A(FIB_DREG, DREG), N(FIB_RESULT, key), N(FIB_FLAGS, flags) } },
	{ "flow_offload", DX_FLOW, NULL, { A(FLOW_TABLE_NAME, NAME) } },
	{ "fwd", DX_FWD, fix_fwd, { A(FWD_SREG_ADDR, REG0), A(FWD_SREG_DEV, REG1), N(FWD_NFPROTO, family) } },
	{ "hash", DX_HASH, fix_hash, { A(HASH_DREG, DREG), A(HASH_SREG, REG0), N(HASH_TYPE, key), N(HASH_LEN, len),
		N(HASH_MODULUS, mod), N(HASH_SEED, seed), N(HASH_OFFSET, add) } },
	{ "immediate", DX_IMM, fix_immediate, { A(IMM_CHAIN, NAME), A(IMM_CHAIN_ID, ID) } },
	{ "last", DX_LAST, NULL, { N(LAST_SET, key), Q(LAST_MSECS, q1) } },
	{ "limit", DX_LIMIT, fix_limit, { Q(LIMIT_RATE, q1), Q(LIMIT_UNIT, q2), N(LIMIT_TYPE, key), N(LIMIT_BURST, add),
		N(LIMIT_FLAGS, flags) } },
	{ "log", DX_LOG, fix_log, { A(LOG_PREFIX, NAME), N(LOG_GROUP, key), N(LOG_SNAPLEN, len), N(LOG_QTHRESHOLD, mod),
		N(LOG_LEVEL, op), N(LOG_FLAGS, flags) } },
	{ "lookup", DX_LOOKUP, fix_lookup, { A(LOOKUP_SREG, REG0), A(LOOKUP_SET, NAME), A(LOOKUP_SET_ID, ID),
		N(LOOKUP_FLAGS, flags) } },
	{ "masq", DX_MASQ, fix_nat, { N(MASQ_FLAGS, flags), A(MASQ_REG_PROTO_MIN, REG2), A(MASQ_REG_PROTO_MAX, REG3) } },
	{ "meta", DX_META, fix_write, { A(META_DREG, DREG), A(META_SREG, REG0), N(META_KEY, key) } },
	{ "nat", DX_NAT, fix_nat, { N(NAT_TYPE, key), N(NAT_FAMILY, family), N(NAT_FLAGS, flags),
		A(NAT_REG_ADDR_MIN, REG0), A(NAT_REG_ADDR_MAX, REG1), A(NAT_REG_PROTO_MIN, REG2),
		A(NAT_REG_PROTO_MAX, REG3) } },
	{ "notrack", DX_NOTRACK, NULL, { { 0 } } },
	{ "numgen", DX_NUMGEN, NULL, { A(NG_DREG, DREG), N(NG_TYPE, key), N(NG_MODULUS, mod), N(NG_OFFSET, add) } },
	{ "objref", DX_OBJREF, fix_objref, { A(OBJREF_IMM_NAME, NAME), N(OBJREF_IMM_TYPE, key),
		A(OBJREF_SET_SREG, REG0), A(OBJREF_SET_NAME, NAME), A(OBJREF_SET_ID, ID) } },
	{ "osf", DX_OSF, NULL, { A(OSF_DREG, DREG), N(OSF_TTL, key), N(OSF_FLAGS, flags) } },
	{ "payload", DX_PAYLOAD, fix_payload, { A(PAYLOAD_DREG, DREG), A(PAYLOAD_SREG, REG0), N(PAYLOAD_BASE, base),
		N(PAYLOAD_OFFSET, off), N(PAYLOAD_LEN, len), N(PAYLOAD_CSUM_TYPE, op), N(PAYLOAD_CSUM_OFFSET, key),
		N(PAYLOAD_FLAGS, flags) } },
	{ "queue", DX_QUEUE, fix_queue, { A(QUEUE_SREG_QNUM, REG0), N(QUEUE_NUM, key), N(QUEUE_TOTAL, mod),
		N(QUEUE_FLAGS, flags) } },
	{ "quota", DX_QUOTA, fix_quota, { Q(QUOTA_BYTES, q1), Q(QUOTA_CONSUMED, q2), N(QUOTA_FLAGS, flags) } },
	{ "range", DX_RANGE, fix_range, { A(RANGE_SREG, REG0), N(RANGE_OP, op), A(RANGE_FROM_DATA, DATA_A),
		A(RANGE_TO_DATA, DATA_B) } },
	{ "redir", DX_REDIR, fix_nat, { N(REDIR_FLAGS, flags), A(REDIR_REG_PROTO_MIN, REG2),
		A(REDIR_REG_PROTO_MAX, REG3) } },
	{ "reject", DX_REJECT, fix_reject, { N(REJECT_TYPE, key), N(REJECT_CODE, op) } },
	{ "rt", DX_RT, NULL, { A(RT_DREG, DREG), N(RT_KEY, key) } },
	{ "socket", DX_SOCKET, NULL, { A(SOCKET_DREG, DREG), N(SOCKET_KEY, key), N(SOCKET_LEVEL, add) } },
	{ "synproxy", DX_SYNPROXY, NULL, { N(SYNPROXY_MSS, key), N(SYNPROXY_WSCALE, add), N(SYNPROXY_FLAGS, flags) } },
	{ "tproxy", DX_TPROXY, NULL, { N(TPROXY_FAMILY, family), A(TPROXY_REG_ADDR, REG0), A(TPROXY_REG_PORT, REG2) } },
	{ "tunnel", DX_TUNNEL, NULL, { A(TUNNEL_DREG, DREG), N(TUNNEL_KEY, key) } },
	{ "xfrm", DX_XFRM, NULL, { A(XFRM_DREG, DREG), N(XFRM_KEY, key), N(XFRM_DIR, op), N(XFRM_SPNUM, add) } },
};
/* clang-format on */

static void read_attr(struct in *in, const struct attr *a, struct dx *x)
{
	const char *s;

	if (!nftnl_expr_is_set(in->e, a->attr))
		return;
	switch (a->how) {
	case DREG: x->dreg = reg(in, a->attr); break;
	case REG0:
	case REG1:
	case REG2:
	case REG3: x->reg[a->how - REG0] = reg(in, a->attr); break;
	case U32: *(uint32_t *)((char *)x + a->to) = (uint32_t)num(in, a->attr); break;
	case U64: *(uint64_t *)((char *)x + a->to) = num(in, a->attr); break;
	case DATA_A: data(in, a->attr, x->p.a, &x->p.alen); break;
	case DATA_B: data(in, a->attr, x->p.b, &x->p.blen); break;
	case NAME:
		s = nftnl_expr_get_str(in->e, a->attr);
		x->name = s ? arena_strdup(in->arena, s, strlen(s)) : NULL;
		break;
	case ID: x->id = (uint32_t)num(in, a->attr); break;
	}
}

bool dx_read(struct arena_block **arena, struct nftnl_expr *e, struct dx *out)
{
	struct in in = { .arena = arena, .e = e, .out = out };
	const char *name =
		e ? nftnl_expr_get_str(e, NFTNL_EXPR_NAME) : NULL; /* NULL: not known to libnftnl */

	memset(out, 0, sizeof(*out));
	out->dreg = SLOT_NONE;
	memset(out->reg, SLOT_NONE, sizeof(out->reg));
	for (size_t i = 0; name && i < ARRAY_SIZE(readers); i++) {
		if (strcmp(readers[i].name, name) != 0)
			continue;
		out->kind = readers[i].kind;
		for (const struct attr *a = readers[i].attr; a->how != END; a++)
			read_attr(&in, a, out);
		if (readers[i].fix)
			readers[i].fix(&in, out);
		break;
	}
	return !in.bad && out->kind != DX_OTHER;
}

bool dx_same(const struct dx *a, const struct dx *b, bool stateless)
{
	struct dx x = *a, y = *b;

	if (x.kind != y.kind || x.n_sub != y.n_sub)
		return false;
	if (stateless && (x.kind == DX_COUNTER || x.kind == DX_LAST))
		return true;
	if (stateless && x.kind == DX_QUOTA)
		x.p.q2 = y.p.q2 = 0;
	if (memcmp(&x.p, &y.p, sizeof(x.p)) != 0)
		return false;
	for (int i = 0; i < 4; i++)
		if ((x.reg[i] == SLOT_NONE) != (y.reg[i] == SLOT_NONE))
			return false;
	for (uint32_t i = 0; i < x.n_sub; i++)
		if (!dx_same(&x.sub[i], &y.sub[i], stateless))
			return false;
	return true;
}
