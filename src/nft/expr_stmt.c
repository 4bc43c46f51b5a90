// SPDX-License-Identifier: GPL-2.0-or-later
/* Expressions that do something; those that load and compare are in expr.c. */
#include "nft/expr_impl.h"

struct nftnl_expr *expr_counter(uint64_t packets, uint64_t bytes)
{
	struct nftnl_expr *e = expr_new("counter");

	if (packets)
		nftnl_expr_set_u64(e, NFTNL_EXPR_CTR_PACKETS, packets);
	if (bytes)
		nftnl_expr_set_u64(e, NFTNL_EXPR_CTR_BYTES, bytes);
	return e;
}

struct nftnl_expr *expr_limit(uint64_t rate, uint64_t unit, uint32_t burst, bool bytes, bool over)
{
	struct nftnl_expr *e = expr_new("limit");

	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, rate);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, unit);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, bytes ? NFT_LIMIT_PKT_BYTES : NFT_LIMIT_PKTS);
	if (burst)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, burst);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_FLAGS, over ? NFT_LIMIT_F_INV : 0);
	return e;
}

struct nftnl_expr *expr_quota(uint64_t bytes, uint64_t used, bool over)
{
	struct nftnl_expr *e = expr_new("quota");

	nftnl_expr_set_u64(e, NFTNL_EXPR_QUOTA_BYTES, bytes);
	nftnl_expr_set_u32(e, NFTNL_EXPR_QUOTA_FLAGS, over ? NFT_QUOTA_F_INV : 0);
	if (used)
		nftnl_expr_set_u64(e, NFTNL_EXPR_QUOTA_CONSUMED, used);
	return e;
}

struct nftnl_expr *expr_last(bool set, uint64_t msecs)
{
	struct nftnl_expr *e = expr_new("last");

	if (set) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_LAST_SET, 1);
		nftnl_expr_set_u64(e, NFTNL_EXPR_LAST_MSECS, msecs);
	}
	return e;
}

struct nftnl_expr *expr_connlimit(uint32_t count, bool over)
{
	struct nftnl_expr *e = expr_new("connlimit");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CONNLIMIT_COUNT, count);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CONNLIMIT_FLAGS, over ? NFT_CONNLIMIT_F_INV : 0);
	return e;
}

struct nftnl_expr *expr_log(const char *prefix, bool nflog, uint16_t group, int64_t snaplen,
	uint16_t threshold, int level, uint32_t flags)
{
	struct nftnl_expr *e = expr_new("log");

	if (prefix)
		nftnl_expr_set_str(e, NFTNL_EXPR_LOG_PREFIX, prefix);
	if (nflog) {
		nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, group);
		if (snaplen >= 0)
			nftnl_expr_set_u32(e, NFTNL_EXPR_LOG_SNAPLEN, (uint32_t)snaplen);
		if (threshold)
			nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_QTHRESHOLD, threshold);
		return e;
	}
	if (level >= 0)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOG_LEVEL, (uint32_t)level);
	if (flags)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOG_FLAGS, flags);
	return e;
}

struct nftnl_expr *expr_reject(unsigned type, unsigned code)
{
	struct nftnl_expr *e = expr_new("reject");

	nftnl_expr_set_u32(e, NFTNL_EXPR_REJECT_TYPE, type);
	nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, (uint8_t)code);
	return e;
}

struct nftnl_expr *expr_nat(
	unsigned type, unsigned family, int amin, int amax, int pmin, int pmax, uint32_t flags)
{
	struct nftnl_expr *e = expr_new("nat");

	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, type);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, family);
	expr_reg(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, amin);
	expr_reg(e, NFTNL_EXPR_NAT_REG_ADDR_MAX, amax);
	expr_reg(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, pmin);
	expr_reg(e, NFTNL_EXPR_NAT_REG_PROTO_MAX, pmax);
	if (flags)
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS, flags);
	return e;
}

struct nftnl_expr *expr_masq(int pmin, int pmax, uint32_t flags)
{
	struct nftnl_expr *e = expr_new("masq");

	if (flags)
		nftnl_expr_set_u32(e, NFTNL_EXPR_MASQ_FLAGS, flags);
	expr_reg(e, NFTNL_EXPR_MASQ_REG_PROTO_MIN, pmin);
	expr_reg(e, NFTNL_EXPR_MASQ_REG_PROTO_MAX, pmax);
	return e;
}

struct nftnl_expr *expr_redir(int pmin, int pmax, uint32_t flags)
{
	struct nftnl_expr *e = expr_new("redir");

	expr_reg(e, NFTNL_EXPR_REDIR_REG_PROTO_MIN, pmin);
	expr_reg(e, NFTNL_EXPR_REDIR_REG_PROTO_MAX, pmax);
	if (flags)
		nftnl_expr_set_u32(e, NFTNL_EXPR_REDIR_FLAGS, flags);
	return e;
}

struct nftnl_expr *expr_tproxy(unsigned family, int addr, int port)
{
	struct nftnl_expr *e = expr_new("tproxy");

	nftnl_expr_set_u32(e, NFTNL_EXPR_TPROXY_FAMILY, family);
	expr_reg(e, NFTNL_EXPR_TPROXY_REG_ADDR, addr);
	expr_reg(e, NFTNL_EXPR_TPROXY_REG_PORT, port);
	return e;
}

struct nftnl_expr *expr_dup(int addr, int dev)
{
	struct nftnl_expr *e = expr_new("dup");

	expr_reg(e, NFTNL_EXPR_DUP_SREG_ADDR, addr);
	expr_reg(e, NFTNL_EXPR_DUP_SREG_DEV, dev);
	return e;
}

struct nftnl_expr *expr_fwd(int dev, int addr, unsigned family)
{
	struct nftnl_expr *e = expr_new("fwd");

	expr_reg(e, NFTNL_EXPR_FWD_SREG_DEV, dev);
	expr_reg(e, NFTNL_EXPR_FWD_SREG_ADDR, addr);
	if (addr != SLOT_NONE)
		nftnl_expr_set_u32(e, NFTNL_EXPR_FWD_NFPROTO, family);
	return e;
}

struct nftnl_expr *expr_queue(unsigned num, unsigned total, unsigned flags, int sreg)
{
	struct nftnl_expr *e = expr_new("queue");

	if (sreg != SLOT_NONE) {
		expr_reg(e, NFTNL_EXPR_QUEUE_SREG_QNUM, sreg);
	} else {
		nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_NUM, (uint16_t)num);
		nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_TOTAL, (uint16_t)total);
	}
	if (flags)
		nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_FLAGS, (uint16_t)flags);
	return e;
}

struct nftnl_expr *expr_notrack(void)
{
	return expr_new("notrack");
}

struct nftnl_expr *expr_objref(uint32_t type, const char *name)
{
	struct nftnl_expr *e = expr_new("objref");

	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, name);
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, type);
	return e;
}

struct nftnl_expr *expr_objref_map(int sreg, const char *set, uint32_t id)
{
	struct nftnl_expr *e = expr_new("objref");

	expr_reg(e, NFTNL_EXPR_OBJREF_SET_SREG, sreg);
	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_SET_NAME, set);
	if (id)
		nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_SET_ID, id);
	return e;
}

struct nftnl_expr *expr_flow(const char *table)
{
	struct nftnl_expr *e = expr_new("flow_offload");

	nftnl_expr_set_str(e, NFTNL_EXPR_FLOW_TABLE_NAME, table);
	return e;
}

struct nftnl_expr *expr_synproxy(uint16_t mss, uint8_t wscale, uint32_t flags)
{
	struct nftnl_expr *e = expr_new("synproxy");

	nftnl_expr_set_u16(e, NFTNL_EXPR_SYNPROXY_MSS, mss);
	nftnl_expr_set_u8(e, NFTNL_EXPR_SYNPROXY_WSCALE, wscale);
	nftnl_expr_set_u32(e, NFTNL_EXPR_SYNPROXY_FLAGS, flags);
	return e;
}

struct nftnl_expr *expr_dynset(unsigned op, int key, int data, const char *set, uint32_t id,
	uint64_t timeout_ms, struct nftnl_expr **exprs, unsigned n)
{
	struct nftnl_expr *e = expr_new("dynset");

	expr_reg(e, NFTNL_EXPR_DYNSET_SREG_KEY, key);
	expr_reg(e, NFTNL_EXPR_DYNSET_SREG_DATA, data);
	nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, op);
	nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, set);
	if (id)
		nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SET_ID, id);
	if (timeout_ms)
		nftnl_expr_set_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT, timeout_ms);
	if (n == 1) {
		nftnl_expr_set(e, NFTNL_EXPR_DYNSET_EXPR, exprs[0], 0);
	} else if (n) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_FLAGS, NFT_DYNSET_F_EXPR);
		for (unsigned i = 0; i < n; i++)
			nftnl_expr_add_expr(e, NFTNL_EXPR_DYNSET_EXPRESSIONS, exprs[i]);
	}
	return e;
}
