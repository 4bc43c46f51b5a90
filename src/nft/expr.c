// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/expr_impl.h"

static bool fits(int slot, unsigned len)
{
	return slot >= 0 && len && len <= EXPR_DATA_MAX && (unsigned)slot * 4 + len <= 64;
}

struct nftnl_expr *expr_payload(int dreg, unsigned base, unsigned off, unsigned len)
{
	struct nftnl_expr *e;

	if (!fits(dreg, len) || off > 65535)
		return NULL;
	e = expr_new("payload");
	expr_reg(e, NFTNL_EXPR_PAYLOAD_DREG, dreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, off);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	return e;
}

struct nftnl_expr *expr_payload_write(int sreg, unsigned base, unsigned off, unsigned len, unsigned csum_type,
	unsigned csum_off, unsigned csum_flags)
{
	struct nftnl_expr *e;

	if (!fits(sreg, len) || off > 65535)
		return NULL;
	e = expr_new("payload");
	expr_reg(e, NFTNL_EXPR_PAYLOAD_SREG, sreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, off);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	if (csum_type) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_TYPE, csum_type);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, csum_off);
	}
	if (csum_flags)
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_FLAGS, csum_flags);
	return e;
}

static struct nftnl_expr *exthdr(unsigned op, unsigned type)
{
	struct nftnl_expr *e = expr_new("exthdr");

	nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, (uint8_t)type);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OP, op);
	return e;
}

struct nftnl_expr *expr_exthdr(int dreg, unsigned op, unsigned type, unsigned off, unsigned len, bool present)
{
	struct nftnl_expr *e;

	if (!fits(dreg, len) || off > 255 || type > 255)
		return NULL;
	e = exthdr(op, type);
	expr_reg(e, NFTNL_EXPR_EXTHDR_DREG, dreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OFFSET, off);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_FLAGS, present ? NFT_EXTHDR_F_PRESENT : 0);
	return e;
}

struct nftnl_expr *expr_exthdr_write(int sreg, unsigned op, unsigned type, unsigned off, unsigned len)
{
	struct nftnl_expr *e;

	if (!fits(sreg, len) || off > 255 || type > 255)
		return NULL;
	e = exthdr(op, type);
	expr_reg(e, NFTNL_EXPR_EXTHDR_SREG, sreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OFFSET, off);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_LEN, len);
	return e;
}

struct nftnl_expr *expr_exthdr_reset(unsigned op, unsigned type)
{
	return type > 255 ? NULL : exthdr(op, type);
}

/* meta and rt number their attributes alike */
struct nftnl_expr *expr_keyed(const char *name, int dreg, unsigned key)
{
	bool meta = !strcmp(name, "meta");
	struct nftnl_expr *e = expr_new(name);

	nftnl_expr_set_u32(e, meta ? NFTNL_EXPR_META_KEY : NFTNL_EXPR_RT_KEY, key);
	expr_reg(e, meta ? NFTNL_EXPR_META_DREG : NFTNL_EXPR_RT_DREG, dreg);
	return e;
}

struct nftnl_expr *expr_keyed_set(const char *name, int sreg, unsigned key)
{
	struct nftnl_expr *e = expr_new(name);

	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	expr_reg(e, NFTNL_EXPR_META_SREG, sreg);
	return e;
}

struct nftnl_expr *expr_ct(int dreg, unsigned key, int dir)
{
	struct nftnl_expr *e = expr_new("ct");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	if (dir >= 0)
		nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, (uint8_t)dir);
	expr_reg(e, NFTNL_EXPR_CT_DREG, dreg);
	return e;
}

struct nftnl_expr *expr_ct_set(int sreg, unsigned key, int dir)
{
	struct nftnl_expr *e = expr_new("ct");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	if (dir >= 0)
		nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, (uint8_t)dir);
	expr_reg(e, NFTNL_EXPR_CT_SREG, sreg);
	return e;
}

struct nftnl_expr *expr_socket(int dreg, unsigned key, unsigned level)
{
	struct nftnl_expr *e = expr_new("socket");

	nftnl_expr_set_u32(e, NFTNL_EXPR_SOCKET_KEY, key);
	expr_reg(e, NFTNL_EXPR_SOCKET_DREG, dreg);
	if (key == NFT_SOCKET_CGROUPV2)
		nftnl_expr_set_u32(e, NFTNL_EXPR_SOCKET_LEVEL, level);
	return e;
}

struct nftnl_expr *expr_fib(int dreg, unsigned result, unsigned flags)
{
	struct nftnl_expr *e = expr_new("fib");

	expr_reg(e, NFTNL_EXPR_FIB_DREG, dreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, result);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, flags);
	return e;
}

struct nftnl_expr *expr_osf(int dreg, unsigned ttl, unsigned flags)
{
	struct nftnl_expr *e = expr_new("osf");

	expr_reg(e, NFTNL_EXPR_OSF_DREG, dreg);
	nftnl_expr_set_u8(e, NFTNL_EXPR_OSF_TTL, (uint8_t)ttl);
	nftnl_expr_set_u32(e, NFTNL_EXPR_OSF_FLAGS, flags);
	return e;
}

struct nftnl_expr *expr_xfrm(int dreg, unsigned key, unsigned dir, unsigned spnum)
{
	struct nftnl_expr *e = expr_new("xfrm");

	expr_reg(e, NFTNL_EXPR_XFRM_DREG, dreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_XFRM_KEY, key);
	nftnl_expr_set_u8(e, NFTNL_EXPR_XFRM_DIR, (uint8_t)dir);
	nftnl_expr_set_u32(e, NFTNL_EXPR_XFRM_SPNUM, spnum);
	return e;
}

struct nftnl_expr *expr_numgen(int dreg, unsigned type, uint32_t mod, uint32_t offset)
{
	struct nftnl_expr *e = expr_new("numgen");

	expr_reg(e, NFTNL_EXPR_NG_DREG, dreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NG_TYPE, type);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NG_MODULUS, mod);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NG_OFFSET, offset);
	return e;
}

struct nftnl_expr *expr_hash(int dreg, int sreg, unsigned type, unsigned len, uint32_t mod, bool seeded,
	uint32_t seed, uint32_t offset)
{
	struct nftnl_expr *e;

	if (sreg != SLOT_NONE && !fits(sreg, len))
		return NULL;
	e = expr_new("hash");
	if (sreg != SLOT_NONE) {
		expr_reg(e, NFTNL_EXPR_HASH_SREG, sreg);
		nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_LEN, len);
	}
	expr_reg(e, NFTNL_EXPR_HASH_DREG, dreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_MODULUS, mod);
	if (seeded)
		nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_SEED, seed);
	nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_TYPE, type);
	return e;
}

struct nftnl_expr *expr_cmp(int sreg, unsigned op, const void *data, unsigned len)
{
	struct nftnl_expr *e;

	if (!fits(sreg, len))
		return NULL;
	e = expr_new("cmp");
	expr_reg(e, NFTNL_EXPR_CMP_SREG, sreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
	return e;
}

struct nftnl_expr *expr_range(int sreg, unsigned op, const void *from, const void *to, unsigned len)
{
	struct nftnl_expr *e;

	if (!fits(sreg, len))
		return NULL;
	e = expr_new("range");
	expr_reg(e, NFTNL_EXPR_RANGE_SREG, sreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_RANGE_FROM_DATA, from, len);
	nftnl_expr_set(e, NFTNL_EXPR_RANGE_TO_DATA, to, len);
	return e;
}

static struct nftnl_expr *bitwise(int sreg, int dreg, unsigned op, unsigned len)
{
	struct nftnl_expr *e;

	if (!fits(sreg, len) || !fits(dreg, len))
		return NULL;
	e = expr_new("bitwise");
	expr_reg(e, NFTNL_EXPR_BITWISE_SREG, sreg);
	expr_reg(e, NFTNL_EXPR_BITWISE_DREG, dreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, op);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	return e;
}

struct nftnl_expr *expr_bitwise(int sreg, int dreg, const void *mask, const void *xor_, unsigned len)
{
	struct nftnl_expr *e = bitwise(sreg, dreg, NFT_BITWISE_BOOL, len);

	if (!e)
		return NULL;
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, xor_, len);
	return e;
}

struct nftnl_expr *expr_shift(int sreg, int dreg, bool left, uint32_t bits, unsigned len)
{
	struct nftnl_expr *e = bitwise(sreg, dreg, left ? NFT_BITWISE_LSHIFT : NFT_BITWISE_RSHIFT, len);

	if (e)
		nftnl_expr_set(e, NFTNL_EXPR_BITWISE_DATA, &bits, sizeof(bits));
	return e;
}

struct nftnl_expr *expr_byteorder(int sreg, int dreg, bool hton, unsigned len, unsigned size)
{
	struct nftnl_expr *e;

	if (!fits(sreg, len) || !fits(dreg, len))
		return NULL;
	e = expr_new("byteorder");
	expr_reg(e, NFTNL_EXPR_BYTEORDER_SREG, sreg);
	expr_reg(e, NFTNL_EXPR_BYTEORDER_DREG, dreg);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_OP, hton ? NFT_BYTEORDER_HTON : NFT_BYTEORDER_NTOH);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SIZE, size);
	return e;
}

struct nftnl_expr *expr_immediate(int dreg, const void *data, unsigned len)
{
	struct nftnl_expr *e;

	if (!fits(dreg, len))
		return NULL;
	e = expr_new("immediate");
	expr_reg(e, NFTNL_EXPR_IMM_DREG, dreg);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, data, len);
	return e;
}

struct nftnl_expr *expr_verdict(int32_t code, const char *chain)
{
	struct nftnl_expr *e = expr_new("immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)code);
	if (chain && *chain)
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
	return e;
}

struct nftnl_expr *expr_verdict_chain(int32_t code, uint32_t id)
{
	struct nftnl_expr *e = expr_verdict(code, NULL);

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_CHAIN_ID, id);
	return e;
}

static struct nftnl_expr *lookup(int sreg, const char *set, uint32_t id)
{
	struct nftnl_expr *e = expr_new("lookup");

	expr_reg(e, NFTNL_EXPR_LOOKUP_SREG, sreg);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
	if (id)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, id);
	return e;
}

struct nftnl_expr *expr_lookup(int sreg, int dreg, const char *set, uint32_t id, bool invert)
{
	struct nftnl_expr *e = lookup(sreg, set, id);

	expr_reg(e, NFTNL_EXPR_LOOKUP_DREG, dreg);
	if (invert)
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	return e;
}

struct nftnl_expr *expr_lookup_verdict(int sreg, const char *set, uint32_t id)
{
	struct nftnl_expr *e = lookup(sreg, set, id);

	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	return e;
}
