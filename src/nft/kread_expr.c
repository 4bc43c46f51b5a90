// SPDX-License-Identifier: GPL-2.0-or-later
/* Expressions out of netlink attributes. libnftnl takes them apart as well, but ends the process when the
 * bytes are not what it expects; so it only gets values that were looked at. */
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter/nf_tables_compat.h>

#include <libnftnl/expr.h>

#include "nft/kread_impl.h"

#define DATA_MAX   64  /* bytes of a value, as libnftnl has room for */
#define NAME_MAX_  256 /* with its NUL; prefixes of a log too */
#define EXPRS_MAX  16  /* of one dynset */
#define INFO_MAX   4096
#define ATTRS_MAX_ 12

/* How a value is told. */
enum told { U8 = 1, U16, U32, U64, STR, DATA, VERDICT, ONE, LIST, INFO };

struct map {
	const char *name;
	struct {
		uint8_t attr, told;
		uint16_t to; /* libnftnl's number */
	} a[ATTRS_MAX_];
};

#define A(e, n)                                                                                              \
	{                                                                                                    \
		NFTA_##e##_##n, U32, NFTNL_EXPR_##e##_##n                                                    \
	}
#define T(e, n, t)                                                                                           \
	{                                                                                                    \
		NFTA_##e##_##n, t, NFTNL_EXPR_##e##_##n                                                      \
	}

static const struct map maps[] = {
	{ "payload", { A(PAYLOAD, DREG), A(PAYLOAD, BASE), A(PAYLOAD, OFFSET), A(PAYLOAD, LEN),
			     A(PAYLOAD, SREG), A(PAYLOAD, CSUM_TYPE), A(PAYLOAD, CSUM_OFFSET),
			     { NFTA_PAYLOAD_CSUM_FLAGS, U32, NFTNL_EXPR_PAYLOAD_FLAGS } } },
	{ "cmp", { A(CMP, SREG), A(CMP, OP), T(CMP, DATA, DATA) } },
	{ "meta", { A(META, DREG), A(META, KEY), A(META, SREG) } },
	{ "immediate", { { NFTA_IMMEDIATE_DREG, U32, NFTNL_EXPR_IMM_DREG },
			       { NFTA_IMMEDIATE_DATA, VERDICT, NFTNL_EXPR_IMM_DATA } } },
	{ "counter", { { NFTA_COUNTER_BYTES, U64, NFTNL_EXPR_CTR_BYTES },
			     { NFTA_COUNTER_PACKETS, U64, NFTNL_EXPR_CTR_PACKETS } } },
	{ "lookup", { T(LOOKUP, SET, STR), A(LOOKUP, SREG), A(LOOKUP, DREG), A(LOOKUP, SET_ID),
			    A(LOOKUP, FLAGS) } },
	{ "bitwise", { A(BITWISE, SREG), A(BITWISE, DREG), A(BITWISE, LEN), T(BITWISE, MASK, DATA),
			     T(BITWISE, XOR, DATA), A(BITWISE, OP), T(BITWISE, DATA, DATA) } },
	{ "ct", { A(CT, DREG), A(CT, KEY), { NFTA_CT_DIRECTION, U8, NFTNL_EXPR_CT_DIR }, A(CT, SREG) } },
	{ "range", { A(RANGE, SREG), A(RANGE, OP), T(RANGE, FROM_DATA, DATA), T(RANGE, TO_DATA, DATA) } },
	{ "byteorder", { A(BYTEORDER, SREG), A(BYTEORDER, DREG), A(BYTEORDER, OP), A(BYTEORDER, LEN),
			       A(BYTEORDER, SIZE) } },
	{ "limit", { T(LIMIT, RATE, U64), T(LIMIT, UNIT, U64), A(LIMIT, BURST), A(LIMIT, TYPE),
			   A(LIMIT, FLAGS) } },
	{ "log", { T(LOG, GROUP, U16), T(LOG, PREFIX, STR), A(LOG, SNAPLEN), T(LOG, QTHRESHOLD, U16),
			 A(LOG, LEVEL), A(LOG, FLAGS) } },
	{ "nat", { A(NAT, TYPE), A(NAT, FAMILY), A(NAT, REG_ADDR_MIN), A(NAT, REG_ADDR_MAX),
			 A(NAT, REG_PROTO_MIN), A(NAT, REG_PROTO_MAX), A(NAT, FLAGS) } },
	{ "masq", { A(MASQ, FLAGS), A(MASQ, REG_PROTO_MIN), A(MASQ, REG_PROTO_MAX) } },
	{ "redir", { A(REDIR, REG_PROTO_MIN), A(REDIR, REG_PROTO_MAX), A(REDIR, FLAGS) } },
	{ "reject", { A(REJECT, TYPE), { NFTA_REJECT_ICMP_CODE, U8, NFTNL_EXPR_REJECT_CODE } } },
	{ "tproxy", { A(TPROXY, FAMILY), A(TPROXY, REG_ADDR), A(TPROXY, REG_PORT) } },
	{ "notrack", { { 0 } } },
	{ "objref", { A(OBJREF, IMM_TYPE), T(OBJREF, IMM_NAME, STR), A(OBJREF, SET_SREG),
			    T(OBJREF, SET_NAME, STR), A(OBJREF, SET_ID) } },
	{ "dynset", { T(DYNSET, SET_NAME, STR), A(DYNSET, SET_ID), A(DYNSET, OP), A(DYNSET, SREG_KEY),
			    A(DYNSET, SREG_DATA), T(DYNSET, TIMEOUT, U64), T(DYNSET, EXPR, ONE),
			    A(DYNSET, FLAGS), T(DYNSET, EXPRESSIONS, LIST) } },
	{ "quota", { T(QUOTA, BYTES, U64), A(QUOTA, FLAGS), T(QUOTA, CONSUMED, U64) } },
	{ "last", { A(LAST, SET), T(LAST, MSECS, U64) } },
	{ "connlimit", { A(CONNLIMIT, COUNT), A(CONNLIMIT, FLAGS) } },
	{ "exthdr", { A(EXTHDR, DREG), T(EXTHDR, TYPE, U8), A(EXTHDR, OFFSET), A(EXTHDR, LEN),
			    A(EXTHDR, FLAGS), A(EXTHDR, OP), A(EXTHDR, SREG) } },
	{ "fib", { A(FIB, DREG), A(FIB, RESULT), A(FIB, FLAGS) } },
	{ "hash", { A(HASH, SREG), A(HASH, DREG), A(HASH, LEN), A(HASH, MODULUS), A(HASH, SEED),
			  A(HASH, OFFSET), A(HASH, TYPE) } },
	{ "numgen", { A(NG, DREG), A(NG, MODULUS), A(NG, TYPE), A(NG, OFFSET) } },
	{ "osf", { A(OSF, DREG), T(OSF, TTL, U8), A(OSF, FLAGS) } },
	{ "rt", { A(RT, DREG), A(RT, KEY) } },
	{ "socket", { A(SOCKET, KEY), A(SOCKET, DREG), A(SOCKET, LEVEL) } },
	{ "tunnel", { A(TUNNEL, KEY), A(TUNNEL, DREG) } },
	{ "xfrm", { A(XFRM, DREG), A(XFRM, KEY), T(XFRM, DIR, U8), A(XFRM, SPNUM) } },
	{ "dup", { A(DUP, SREG_ADDR), A(DUP, SREG_DEV) } },
	{ "fwd", { A(FWD, SREG_DEV), A(FWD, SREG_ADDR), A(FWD, NFPROTO) } },
	{ "queue", { T(QUEUE, NUM, U16), T(QUEUE, TOTAL, U16), T(QUEUE, FLAGS, U16), A(QUEUE, SREG_QNUM) } },
	{ "flow_offload", { T(FLOW, TABLE_NAME, STR) } },
	{ "synproxy", { T(SYNPROXY, MSS, U16), T(SYNPROXY, WSCALE, U8), A(SYNPROXY, FLAGS) } },
	{ "match", { { NFTA_MATCH_NAME, STR, NFTNL_EXPR_MT_NAME }, { NFTA_MATCH_REV, U32, NFTNL_EXPR_MT_REV },
			   { NFTA_MATCH_INFO, INFO, NFTNL_EXPR_MT_INFO } } },
	{ "target",
		{ { NFTA_TARGET_NAME, STR, NFTNL_EXPR_TG_NAME }, { NFTA_TARGET_REV, U32, NFTNL_EXPR_TG_REV },
			{ NFTA_TARGET_INFO, INFO, NFTNL_EXPR_TG_INFO } } },
};

/* ---- values ---- */

static struct nftnl_expr *expr_parse(const struct nlattr *nest, bool inner);

static bool set_str(struct nftnl_expr *x, uint16_t to, const struct nlattr *a)
{
	size_t n = mnl_attr_get_payload_len(a);
	const char *s = mnl_attr_get_str(a);

	if (!n || n > NAME_MAX_ || !memchr(s, 0, n))
		return false;
	return nftnl_expr_set_str(x, to, s) >= 0;
}

static bool set_data(struct nftnl_expr *x, uint16_t to, const struct nlattr *nest)
{
	const struct nlattr *a;

	attr_nested (a, nest)
		if (mnl_attr_get_type(a) == NFTA_DATA_VALUE && mnl_attr_get_payload_len(a) &&
			mnl_attr_get_payload_len(a) <= DATA_MAX)
			return nftnl_expr_set(x, to, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a)) >=
			       0;
	return false;
}

static bool set_number(struct nftnl_expr *x, uint16_t to, const struct nlattr *a, enum told told)
{
	static const uint8_t size[] = { [U8] = 1, [U16] = 2, [U32] = 4, [U64] = 8 };

	if (mnl_attr_get_payload_len(a) != size[told])
		return false;
	switch (told) {
	case U8: nftnl_expr_set_u8(x, to, attr_u8(a)); break;
	case U16: nftnl_expr_set_u16(x, to, attr_be16(a)); break;
	case U32: nftnl_expr_set_u32(x, to, attr_be32(a)); break;
	default: nftnl_expr_set_u64(x, to, attr_be64(a)); break;
	}
	return true;
}

/* Only these have a chain, and only of these libnftnl frees it. */
static bool set_target(struct nftnl_expr *x, const struct nlattr *chain)
{
	int32_t code = (int32_t)nftnl_expr_get_u32(x, NFTNL_EXPR_IMM_VERDICT);

	return (code == NFT_JUMP || code == NFT_GOTO) && set_str(x, NFTNL_EXPR_IMM_CHAIN, chain);
}

/* An immediate's data: a value or a verdict. */
static bool set_verdict(struct nftnl_expr *x, uint16_t to, const struct nlattr *nest)
{
	const struct nlattr *a, *verdict = NULL, *code = NULL, *chain = NULL;

	if (nftnl_expr_is_set(x, NFTNL_EXPR_IMM_VERDICT)) /* in the same memory */
		return false;
	attr_nested (a, nest)
		if (mnl_attr_get_type(a) == NFTA_DATA_VERDICT)
			verdict = a;
	if (!verdict)
		return set_data(x, to, nest);
	attr_nested (a, verdict) {
		if (mnl_attr_get_type(a) == NFTA_VERDICT_CODE)
			code = a;
		else if (mnl_attr_get_type(a) == NFTA_VERDICT_CHAIN)
			chain = a;
	}
	return code && set_number(x, NFTNL_EXPR_IMM_VERDICT, code, U32) && (!chain || set_target(x, chain));
}

/* An expression of a dynset is its own and has none in it. */
static bool set_one(struct nftnl_expr *x, uint16_t to, const struct nlattr *nest, bool inner)
{
	struct nftnl_expr *one = inner ? NULL : expr_parse(nest, true);

	if (!one)
		return false;
	if (to == NFTNL_EXPR_DYNSET_EXPR)
		nftnl_expr_set(x, to, one, 0);
	else
		nftnl_expr_add_expr(x, to, one);
	return true;
}

static bool set_list(struct nftnl_expr *x, uint16_t to, const struct nlattr *nest, bool inner)
{
	const struct nlattr *a;
	unsigned n = 0;

	attr_nested (a, nest)
		if (n++ == EXPRS_MAX || !set_one(x, to, a, inner))
			return false;
	return n;
}

/* libnftnl takes the memory. */
static bool set_info(struct nftnl_expr *x, uint16_t to, const struct nlattr *a)
{
	uint16_t n = mnl_attr_get_payload_len(a);

	if (!n || n > INFO_MAX)
		return false;
	return nftnl_expr_set(x, to, xmemdup(mnl_attr_get_payload(a), n), n) >= 0;
}

static bool set_value(struct nftnl_expr *x, uint16_t to, const struct nlattr *a, enum told told, bool inner)
{
	switch (told) {
	case U8:
	case U16:
	case U32:
	case U64: return set_number(x, to, a, told);
	case STR: return set_str(x, to, a);
	case DATA: return set_data(x, to, a);
	case VERDICT: return set_verdict(x, to, a);
	case ONE: return set_one(x, to, a, inner);
	case LIST: return set_list(x, to, a, inner);
	case INFO: return set_info(x, to, a);
	}
	return false;
}

/* ---- expressions ---- */

static const struct map *map_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		if (!strcmp(maps[i].name, name))
			return &maps[i];
	return NULL;
}

/* false also for what newer kernels say beside what is known: it has a meaning. Without content it pads. */
static bool set_attr(struct nftnl_expr *x, const struct map *m, const struct nlattr *a, bool inner)
{
	uint16_t type = mnl_attr_get_type(a);

	/* twice: libnftnl would forget the first */
	for (unsigned i = 0; i < ATTRS_MAX_ && m->a[i].told; i++)
		if (m->a[i].attr == type)
			return !nftnl_expr_is_set(x, m->a[i].to) &&
			       set_value(x, m->a[i].to, a, (enum told)m->a[i].told, inner);
	return !mnl_attr_get_payload_len(a);
}

static struct nftnl_expr *expr_parse(const struct nlattr *nest, bool inner)
{
	const struct nlattr *a, *data = NULL;
	const struct map *m = NULL;
	struct nftnl_expr *x;

	attr_nested (a, nest) {
		if (mnl_attr_get_type(a) == NFTA_EXPR_NAME && attr_name(a))
			m = map_of(attr_name(a));
		else if (mnl_attr_get_type(a) == NFTA_EXPR_DATA)
			data = a;
	}
	x = m ? nftnl_expr_alloc(m->name) : NULL;
	if (!x || !data)
		return x;
	attr_nested (a, data) {
		if (set_attr(x, m, a, inner))
			continue;
		nftnl_expr_free(x);
		return NULL;
	}
	return x;
}

/* ---- lists of them ---- */

void kexprs_add(struct kexprs *x, const struct nlattr *nest, bool list)
{
	const struct nlattr *a;

	if (!list) {
		vec_push(&x->v, expr_parse(nest, false));
		vec_push(&x->from, nest);
		return;
	}
	attr_nested (a, nest)
		if (mnl_attr_get_type(a) == NFTA_LIST_ELEM)
			kexprs_add(x, a, false);
}

uint32_t kexprs_known(struct kexprs *x)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->v.n; i++)
		if (x->v.v[i])
			x->v.v[n++] = x->v.v[i];
	return x->v.n = n;
}

void kexprs_clear(struct kexprs *x)
{
	vec_foreach (e, &x->v)
		if (*e)
			nftnl_expr_free(*e);
	vec_clear(&x->v);
	vec_clear(&x->from);
}

void kexprs_free(struct kexprs *x)
{
	kexprs_clear(x);
	vec_free(&x->v);
	vec_free(&x->from);
}
