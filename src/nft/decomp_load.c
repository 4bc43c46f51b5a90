// SPDX-License-Identifier: GPL-2.0-or-later
/* Fields and keys by name. */
#include <linux/netfilter.h>
#include <string.h>

#include "nft/decomp.h"

static void typed(struct sel *s, unsigned dt, unsigned bits, enum dt_order order, unsigned len)
{
	*s = (struct sel){ .dt = dt_for(dt, order), .bits = bits, .order = order, .len = len };
}

/* ---- headers ---- */

static bool payload_field(
	struct dc *c, const struct dx *x, unsigned off, unsigned bits, struct buf *out, struct sel *s)
{
	struct pfield f;

	if (!dctx_field(&c->cur->ctx, x->p.base, off, bits, 0, &f))
		return false;
	c->needs |= dctx_needs(&f);
	buf_printf(out, "%s %s", f.proto->name, f.field->name);
	typed(s, f.field->type, bits, ORDER_BIG, x->p.len);
	return true;
}

static enum proto_kind option_kind(unsigned op)
{
	switch (op) {
	case NFT_EXTHDR_OP_TCPOPT: return PROTO_TCPOPT;
	case NFT_EXTHDR_OP_IPV4: return PROTO_IPOPT;
	case NFT_EXTHDR_OP_SCTP: return PROTO_SCTP_CHUNK;
	default: return PROTO_EXTHDR6;
	}
}

static const char *option_word(enum proto_kind kind)
{
	switch (kind) {
	case PROTO_TCPOPT: return "tcp option ";
	case PROTO_IPOPT: return "ip option ";
	case PROTO_SCTP_CHUNK: return "sctp chunk ";
	default: return "";
	}
}

static unsigned option_needs(enum proto_kind kind)
{
	return kind == PROTO_EXTHDR6 || kind == PROTO_IPOPT ? DEP_NET | DEP_FIRST : 0;
}

static const struct field *option_field(const struct proto *p, unsigned off, unsigned bits)
{
	for (const struct field *f = p->fields; f->name; f++)
		if (f->off == off && f->bits == bits)
			return f;
	return NULL;
}

/* The addresses of a routing header. The kinds of it lie alike: nft takes the last for what is meant. */
static bool nth_address(const struct dx *x, unsigned off, unsigned bits, struct buf *out, struct sel *s)
{
	const struct proto *p, *in = NULL;
	const struct field *is = NULL;

	if (x->p.op != NFT_EXTHDR_OP_IPV6 || bits != 128)
		return false;
	for (size_t i = 0; (p = proto_option_at(PROTO_EXTHDR6, i)); i++)
		for (const struct field *f = p->fields; p->num == x->p.key && f->name; f++)
			if (f->bits == 128 && off >= f->off && (off - f->off) % 128 == 0) {
				in = p;
				is = f;
			}
	if (!is)
		return false;
	buf_printf(out, "%s %s[%u]", in->name, is->name, 1 + (off - is->off) / 128);
	typed(s, is->type, bits, ORDER_BIG, x->p.len);
	return true;
}

static bool exthdr_field(
	struct dc *c, const struct dx *x, unsigned off, unsigned bits, struct buf *out, struct sel *s)
{
	enum proto_kind kind = option_kind(x->p.op);
	const struct proto *p;
	const struct field *f;

	c->needs |= option_needs(kind);
	if (nth_address(x, off, bits, out, s))
		return true;
	for (size_t i = 0; (p = proto_option_at(kind, i)); i++) {
		if (p->num != x->p.key || !(f = option_field(p, off, bits)))
			continue;
		buf_printf(out, "%s%s %s", option_word(kind), p->name, f->name);
		typed(s, f->type, bits, ORDER_BIG, x->p.len);
		return true;
	}
	return false;
}

bool load_field_put(
	struct dc *c, const struct dx *x, unsigned off, unsigned bits, struct buf *out, struct sel *s)
{
	if (x->kind == DX_PAYLOAD || x->kind == DX_PAYLOAD_SET)
		return payload_field(c, x, off, bits, out, s);
	return (x->kind == DX_EXTHDR || x->kind == DX_EXTHDR_SET) && !(x->p.flags & NFT_EXTHDR_F_PRESENT) &&
	       exthdr_field(c, x, off, bits, out, s);
}

static bool presence(struct dc *c, const struct dx *x, struct buf *out, struct sel *s)
{
	enum proto_kind kind = option_kind(x->p.op);
	const struct proto *p = NULL;

	c->needs |= option_needs(kind);
	for (size_t i = 0; (p = proto_option_at(kind, i)) && p->num != x->p.key; i++)
		;
	if (x->p.off || x->p.len != 1 || (!p && kind != PROTO_TCPOPT))
		return false;
	buf_puts(out, kind == PROTO_EXTHDR6 ? "exthdr " : option_word(kind));
	if (p)
		buf_puts(out, p->name);
	else
		buf_printf(out, "%u", x->p.key);
	typed(s, DT_BOOLEAN, 8, ORDER_BIG, 1);
	return true;
}

static bool by_place(const struct dx *x, struct buf *out, struct sel *s)
{
	static const char *const bases[] = { "ll", "nh", "th", "ih" };

	if (x->p.len > 16)
		return false;
	if (x->kind == DX_PAYLOAD || x->kind == DX_PAYLOAD_SET)
		buf_printf(out, "@%s,%u,%u", bases[x->p.base], 8 * x->p.off, 8 * x->p.len);
	else if (x->p.op == NFT_EXTHDR_OP_TCPOPT)
		buf_printf(out, "tcp option @%u,%u,%u", x->p.key, 8 * x->p.off, 8 * x->p.len);
	else
		return false;
	typed(s, DT_INTEGER, 8 * x->p.len, ORDER_BIG, x->p.len);
	s->hex = x->kind == DX_PAYLOAD || x->kind == DX_PAYLOAD_SET;
	return true;
}

static bool header(struct dc *c, const struct dx *x, enum style style, struct buf *out, struct sel *s)
{
	if (x->kind == DX_EXTHDR && (x->p.flags & NFT_EXTHDR_F_PRESENT))
		return presence(c, x, out, s);
	return (style != STYLE_RAW && load_field_put(c, x, 8 * x->p.off, 8 * x->p.len, out, s)) ||
	       by_place(x, out, s);
}

/* ---- keys ---- */

static const struct selkey *key_of(const struct selkey *t, unsigned key)
{
	while (t->name && t->key != key)
		t++;
	return t->name ? t : NULL;
}

static bool keyed(struct sel *s, const struct selkey *k)
{
	typed(s, k->type, k->bits, k->order, datatype_bytes(k->bits));
	return true;
}

static bool address(struct sel *s, bool v6)
{
	typed(s, v6 ? DT_IP6ADDR : DT_IPADDR, v6 ? 128 : 32, ORDER_BIG, v6 ? 16 : 4);
	return true;
}

static bool meta(const struct dx *x, struct buf *out, struct sel *s)
{
	const struct selkey *k = key_of(meta_keys, x->p.key);
	bool bare;

	if (!k)
		return false;
	bare = k->key == NFT_META_IIF || k->key == NFT_META_OIF || k->key == NFT_META_IIFNAME ||
	       k->key == NFT_META_OIFNAME || k->key == NFT_META_IIFGROUP || k->key == NFT_META_OIFGROUP;
	buf_printf(out, "%s%s", bare ? "" : "meta ", k->name);
	return keyed(s, k);
}

static bool ct(struct dc *c, const struct dx *x, struct buf *out, struct sel *s)
{
	const char *dir = x->p.op == 1 ? "original " : x->p.op == 2 ? "reply " : "";
	const struct selkey *k = key_of(ct_keys, x->p.key);
	bool src, v6;

	if (k && k->type != DT_INVALID) {
		buf_printf(out, "ct %s%s", dir, k->name);
		return keyed(s, k);
	}
	src = x->p.key == NFT_CT_SRC || x->p.key == NFT_CT_SRC_IP || x->p.key == NFT_CT_SRC_IP6;
	if (k) {
		buf_printf(out, "ct %s%s", dir, src ? "saddr" : "daddr");
		return address(s, dctx_nfproto(&c->cur->ctx) == NFPROTO_IPV6);
	}
	v6 = x->p.key == NFT_CT_SRC_IP6 || x->p.key == NFT_CT_DST_IP6;
	if (!v6 && x->p.key != NFT_CT_SRC_IP && x->p.key != NFT_CT_DST_IP)
		return false;
	buf_printf(out, "ct %s%s %s", dir, v6 ? "ip6" : "ip", src ? "saddr" : "daddr");
	return address(s, v6);
}

static bool rt(const struct dx *x, struct buf *out, struct sel *s)
{
	const struct selkey *k = key_of(rt_keys, x->p.key);

	if (x->p.key == NFT_RT_NEXTHOP4 || x->p.key == NFT_RT_NEXTHOP6) {
		buf_printf(out, "rt %s nexthop", x->p.key == NFT_RT_NEXTHOP4 ? "ip" : "ip6");
		return address(s, x->p.key == NFT_RT_NEXTHOP6);
	}
	if (!k)
		return false;
	buf_printf(out, "rt %s", k->name);
	return keyed(s, k);
}

static bool xfrm(const struct dx *x, struct buf *out, struct sel *s)
{
	const struct selkey *k = key_of(xfrm_keys, x->p.key);
	bool v6 = x->p.key == NFT_XFRM_KEY_SADDR_IP6 || x->p.key == NFT_XFRM_KEY_DADDR_IP6;

	buf_printf(out, "ipsec %s ", x->p.op ? "out" : "in");
	if (x->p.add)
		buf_printf(out, "spnum %u ", x->p.add);
	if (k && k->type != DT_INVALID) {
		buf_puts(out, k->name);
		return keyed(s, k);
	}
	if (!k && !v6)
		return false;
	buf_printf(out, "%s %s", v6 ? "ip6" : "ip",
		x->p.key == NFT_XFRM_KEY_SADDR_IP4 || x->p.key == NFT_XFRM_KEY_SADDR_IP6 ? "saddr" : "daddr");
	return address(s, v6);
}

static bool fib(const struct dx *x, struct buf *out, struct sel *s)
{
	static const char *const flags[] = { "saddr", "daddr", "mark", "iif", "oif" };
	const char *sep = " ";

	if (x->p.flags & ~(uint32_t)(NFTA_FIB_F_PRESENT | 31))
		return false;
	buf_puts(out, "fib");
	for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
		if (x->p.flags >> i & 1) {
			buf_printf(out, "%s%s", sep, flags[i]);
			sep = " . ";
		}
	switch (x->p.key) {
	case NFT_FIB_RESULT_OIF:
		buf_puts(out, " oif");
		typed(s, DT_IFINDEX, 32, ORDER_HOST, 4);
		break;
	case NFT_FIB_RESULT_OIFNAME:
		buf_puts(out, " oifname");
		typed(s, DT_IFNAME, 128, ORDER_HOST, 16);
		break;
	case NFT_FIB_RESULT_ADDRTYPE:
		buf_puts(out, " type");
		typed(s, DT_FIB_ADDR, 32, ORDER_HOST, 4);
		break;
	default: return false;
	}
	if (x->p.flags & NFTA_FIB_F_PRESENT)
		typed(s, DT_BOOLEAN, 32, ORDER_HOST, 4);
	return true;
}

static bool sock(const struct dx *x, struct buf *out, struct sel *s)
{
	const struct selkey *k = key_of(socket_keys, x->p.key);

	if (!k)
		return false;
	buf_printf(out, "socket %s", k->name);
	if (k->type == DT_CGROUPV2)
		buf_printf(out, " level %u", x->p.add);
	return keyed(s, k);
}

static bool osf(const struct dx *x, struct buf *out, struct sel *s)
{
	if (x->p.key > 2 || x->p.flags & ~(uint32_t)NFT_OSF_F_VERSION)
		return false;
	buf_printf(out, "osf %s%s",
		x->p.key == 1   ? "ttl loose "
		: x->p.key == 2 ? "ttl skip "
				: "",
		x->p.flags ? "version" : "name");
	typed(s, DT_STRING, 128, ORDER_HOST, 16);
	return true;
}

static bool numgen(const struct dx *x, struct buf *out, struct sel *s)
{
	buf_printf(out, "numgen %s mod %u", x->p.key == NFT_NG_RANDOM ? "random" : "inc", x->p.mod);
	if (x->p.add)
		buf_printf(out, " offset %u", x->p.add);
	typed(s, DT_INTEGER, 32, ORDER_HOST, 4);
	return true;
}

static bool hash(struct dc *c, const struct sv *v, enum style style, struct buf *out, struct sel *s)
{
	const struct dx *x = v->x;
	struct sel in[SLOTS] = { 0 };

	if (x->p.key == NFT_HASH_SYM) {
		buf_puts(out, "symhash");
	} else {
		buf_puts(out, "jhash ");
		if (!v->in.n || !sels_put(c, &v->in, false, style, out, in))
			return false;
	}
	buf_printf(out, " mod %u", x->p.mod);
	if (x->p.flags)
		buf_printf(out, " seed 0x%x", x->p.seed);
	if (x->p.add)
		buf_printf(out, " offset %u", x->p.add);
	typed(s, DT_INTEGER, 32, ORDER_HOST, 4);
	return true;
}

bool load_put(struct dc *c, const struct sv *v, enum style style, struct buf *out, struct sel *s)
{
	const struct dx *x = v->x;

	switch (x->kind) {
	case DX_PAYLOAD:
	case DX_EXTHDR: return header(c, x, style, out, s);
	case DX_META: return meta(x, out, s);
	case DX_CT: return ct(c, x, out, s);
	case DX_RT: return rt(x, out, s);
	case DX_FIB: return fib(x, out, s);
	case DX_SOCKET: return sock(x, out, s);
	case DX_OSF: return osf(x, out, s);
	case DX_XFRM: return xfrm(x, out, s);
	case DX_NUMGEN: return numgen(x, out, s);
	case DX_HASH: return hash(c, v, style, out, s);
	default: return false;
	}
}
