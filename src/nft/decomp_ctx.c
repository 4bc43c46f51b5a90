// SPDX-License-Identifier: GPL-2.0-or-later
/* Which header is where: the other side of the compiler's implied matches. */
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <string.h>

#include "nft/decomp.h"

static const struct proto other = { .name = "", .csum = -1 }; /* something that has no words */

void dctx_init(struct dctx *c, uint8_t family)
{
	memset(c, 0, sizeof(*c));
	c->family = family;
	c->icmp_type = -1;
	switch (family) {
	case NFPROTO_IPV4: c->proto[PB_NET] = &proto_ip; break;
	case NFPROTO_IPV6: c->proto[PB_NET] = &proto_ip6; break;
	case NFPROTO_ARP: c->proto[PB_NET] = &proto_arp; break;
	case NFPROTO_BRIDGE: c->proto[PB_LL] = &proto_eth; break;
	case NFPROTO_NETDEV: c->proto[PB_LL] = &proto_netdev; break;
	default: c->proto[PB_LL] = &proto_inet; break;
	}
}

static bool mixed(const struct dctx *c)
{
	return c->family == NFPROTO_INET || c->family == NFPROTO_BRIDGE || c->family == NFPROTO_NETDEV;
}

uint8_t dctx_nfproto(const struct dctx *c)
{
	if (c->proto[PB_NET] == &proto_ip)
		return NFPROTO_IPV4;
	return c->proto[PB_NET] == &proto_ip6 ? NFPROTO_IPV6 : 0;
}

/* ---- fields ---- */

/* ICMP fields of some message types only count once such a type was matched. */
static bool there(const struct dctx *c, const struct field *f)
{
	for (unsigned i = 0; i < f->n_dep; i++)
		if (c->icmp_type == (f->dep[i] ? f->dep[i] : 8))
			return true;
	return !f->n_dep;
}

static bool find(const struct dctx *c, const struct proto *p, unsigned shift, unsigned off, unsigned bits,
	unsigned max, struct pfield *out)
{
	const struct field *best = NULL;

	for (const struct field *f = p ? p->fields : NULL; f && f->name; f++) {
		if (f->off + shift != off || (bits ? f->bits != bits : f->bits > max) || !there(c, f))
			continue;
		if (!best || f->bits > best->bits)
			best = f;
	}
	if (!best)
		return false;
	*out = (struct pfield){ p, best, off, best->bits };
	return true;
}

bool dctx_field(
	const struct dctx *c, unsigned base, unsigned off, unsigned bits, unsigned max, struct pfield *out)
{
	const struct proto *p = base < PB_N ? c->proto[base] : NULL;

	if (base == PB_TRANSPORT && (!p || p == &other))
		p = &proto_th;
	if (base == PB_INNER || p == &other)
		return false;
	if (base != PB_LL)
		return find(c, p, 0, off, bits, max, out);
	return find(c, p, 8 * c->ll_off, off, bits, max, out) ||
	       (c->n_stacked && find(c, c->stacked[0], 0, off, bits, max, out));
}

unsigned dctx_needs(const struct pfield *f)
{
	/* of several types the match behind which the field stands says which */
	unsigned needs = f->field->n_dep == 1 ? DEP_ICMP : 0;

	switch (f->proto->base) {
	case PB_LL: return needs | DEP_LL;
	case PB_NET: return needs | DEP_NET;
	default:
		if (f->proto == &proto_th)
			return needs;
		if (f->proto == &proto_icmp || f->proto == &proto_icmpv6 || f->proto == &proto_igmp)
			needs |= DEP_NET;
		return needs | DEP_TP;
	}
}

/* ---- learning ---- */

static unsigned learn(struct dctx *c, enum proto_base base, const struct proto *p)
{
	bool known = c->proto[base] && c->proto[base] != &proto_inet && c->proto[base] != &proto_netdev;

	c->proto[base] = p ? p : &other;
	if (base == PB_TRANSPORT)
		c->icmp_type = -1;
	if (known || !p)
		return 0;
	return base == PB_LL ? DEP_LL : base == PB_NET ? DEP_NET : DEP_TP;
}

static const struct proto *service(uint64_t num)
{
	for (const struct proto_up *u = proto_services; u->proto; u++)
		if (u->num == num)
			return u->proto;
	return NULL;
}

unsigned dctx_learn_meta(struct dctx *c, unsigned key, uint64_t v)
{
	const struct proto *p;

	switch (key) {
	case NFT_META_IIFTYPE: return learn(c, PB_LL, v == ARPHRD_ETHER ? &proto_eth : NULL);
	case NFT_META_NFPROTO: return mixed(c) ? learn(c, PB_NET, proto_upper(&proto_inet, (uint32_t)v)) : 0;
	case NFT_META_PROTOCOL:
		if (c->family != NFPROTO_BRIDGE && c->family != NFPROTO_NETDEV)
			return 0;
		p = proto_upper(&proto_netdev, (uint32_t)v);
		return p && p->base == PB_LL ? 0 : learn(c, PB_NET, p);
	case NFT_META_L4PROTO: return learn(c, PB_TRANSPORT, service(v));
	default: return 0;
	}
}

unsigned dctx_learn_field(struct dctx *c, const struct pfield *f, uint64_t v)
{
	const struct proto *at = f->proto, *up;
	unsigned gives = DEP_LL;

	if (!at->key || strcmp(at->key, f->field->name) != 0)
		return 0;
	if (at == &proto_icmp || at == &proto_icmpv6) {
		gives = c->icmp_type < 0 ? DEP_ICMP : 0;
		c->icmp_type = v ? (int)v : 8;
		return gives;
	}
	up = proto_upper(at, (uint32_t)v);
	if (!up)
		return 0;
	if (up->base != PB_LL)
		return learn(c, up->base, up);
	if (c->n_stacked < ARRAY_SIZE(c->stacked))
		c->stacked[c->n_stacked++] = at;
	c->ll_off += at->len;
	c->proto[PB_LL] = up;
	return gives;
}
