// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/nlroute.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/xalloc.h"

#define ANY_LEN UINT16_MAX
#define VIA_MIN (sizeof(uint16_t) + 4)
#define VIA_MAX (sizeof(uint16_t) + 16)

bool nl_ipaddr(const struct nl_attr *a, uint8_t family, struct ipaddr *out)
{
	size_t n = family == AF_INET ? 4 : 16;

	if (!a->p)
		return true;
	if (a->n != n)
		return false;
	out->family = family;
	memcpy(out->b, a->p, n);
	return true;
}

/* RTA_VIA: a gateway of another family than the route's. */
static bool via(const struct nl_attr *a, struct ipaddr *out)
{
	struct nl_attr addr = { a->p + sizeof(uint16_t), a->n - sizeof(uint16_t) };
	uint16_t family;

	memcpy(&family, a->p, sizeof(family));
	if (family != AF_INET && family != AF_INET6)
		return true;
	return nl_ipaddr(&addr, (uint8_t)family, out);
}

static bool gateway(
	const struct nl_attr *gw, const struct nl_attr *via_attr, uint8_t family, struct ipaddr *out)
{
	return nl_ipaddr(gw, family, out) && (!via_attr->p || via(via_attr, out));
}

/* Next hops follow one another like attributes, each with attributes of its own behind it. */
static bool next_nexthop(const uint8_t **p, size_t *left, uint8_t family, struct net_nexthop *nh, bool *dead)
{
	enum { GATEWAY = 1, VIA, SLOTS };
	static const struct nl_want want[] = {
		[RTA_GATEWAY] = { GATEWAY, 4, 16 }, [RTA_VIA] = { VIA, VIA_MIN, VIA_MAX }
	};
	struct nl_attr at[SLOTS] = { 0 };
	struct rtnexthop rtnh;
	size_t step;

	memcpy(&rtnh, *p, sizeof(rtnh));
	if (rtnh.rtnh_len < sizeof(rtnh) || rtnh.rtnh_len > *left || rtnh.rtnh_ifindex < 0)
		return false;
	*dead = rtnh.rtnh_flags & RTNH_F_DEAD;
	*nh = (struct net_nexthop){ .ifindex = (uint32_t)rtnh.rtnh_ifindex, .weight = rtnh.rtnh_hops + 1u };
	if (!nl_attrs(*p + sizeof(rtnh), rtnh.rtnh_len - sizeof(rtnh), want, ARRAY_SIZE(want), at) ||
		!gateway(&at[GATEWAY], &at[VIA], family, &nh->gateway))
		return false;
	step = RTNH_ALIGN((size_t)rtnh.rtnh_len);
	*p += step < *left ? step : *left;
	*left -= step < *left ? step : *left;
	return true;
}

static int cmp_nexthop(const void *a, const void *b)
{
	const struct net_nexthop *x = a, *y = b;
	int c = ipaddr_cmp(&x->gateway, &y->gateway);

	if (c)
		return c;
	return x->ifindex != y->ifindex ? (x->ifindex < y->ifindex ? -1 : 1)
					: (int)x->weight - (int)y->weight;
}

/* Paths whose link is down stay in the kernel's list and carry nothing: they are left out here, but the route
 * keeps its identity of a multipath route. One that is made of a single path is none. */
static bool nexthops(const struct nl_attr *a, struct net_route *r)
{
	struct net_nexthop nh[NL_NEXTHOPS_MAX], one;
	const uint8_t *p = a->p;
	size_t left = a->n;
	unsigned n = 0, seen = 0;
	bool dead;

	while (left >= sizeof(struct rtnexthop) && n < NL_NEXTHOPS_MAX) {
		if (!next_nexthop(&p, &left, r->family, &one, &dead))
			return false;
		seen++;
		if (!dead)
			nh[n++] = one;
	}
	if (seen == 1) {
		r->gateway = one.gateway;
		r->ifindex = one.ifindex;
	} else if (n) {
		r->gateway = (struct ipaddr){ 0 };
		r->ifindex = 0;
		qsort(nh, n, sizeof(*nh), cmp_nexthop);
		r->nexthops = xmemdup(nh, n * sizeof(*nh));
		r->n_nexthops = (uint16_t)n;
	}
	return true;
}

static bool prefix(const struct nl_attr *a, uint8_t family, uint8_t len, struct ipprefix *out)
{
	out->addr.family = family;
	if (!nl_ipaddr(a, family, &out->addr) || len > ipaddr_bits(&out->addr) || (len && !a->p))
		return false;
	out->addr = ipaddr_mask(&out->addr, len);
	out->len = len;
	return true;
}

enum nl_verdict nl_parse_route(const uint8_t *p, size_t n, struct net_route *r)
{
	enum { DST = 1, SRC, OIF, GATEWAY, PRIORITY, PREFSRC, MULTIPATH, TABLE, VIA, SLOTS };
	static const struct nl_want want[] = {
		[RTA_DST] = { DST, 4, 16 },
		[RTA_SRC] = { SRC, 4, 16 },
		[RTA_OIF] = { OIF, 4, 4 },
		[RTA_GATEWAY] = { GATEWAY, 4, 16 },
		[RTA_PRIORITY] = { PRIORITY, 4, 4 },
		[RTA_PREFSRC] = { PREFSRC, 4, 16 },
		[RTA_MULTIPATH] = { MULTIPATH, 0, ANY_LEN },
		[RTA_TABLE] = { TABLE, 4, 4 },
		[RTA_VIA] = { VIA, VIA_MIN, VIA_MAX },
	};
	struct nl_attr at[SLOTS] = { 0 };
	struct rtmsg rtm;

	if (n < sizeof(rtm))
		return NLP_MALFORMED;
	memcpy(&rtm, p, sizeof(rtm));
	if ((rtm.rtm_family != AF_INET && rtm.rtm_family != AF_INET6) || rtm.rtm_flags & RTM_F_CLONED)
		return NLP_IGNORE;
	if (!nl_attrs(p + sizeof(rtm), n - sizeof(rtm), want, ARRAY_SIZE(want), at) ||
		!prefix(&at[DST], rtm.rtm_family, rtm.rtm_dst_len, &r->dst) ||
		!gateway(&at[GATEWAY], &at[VIA], rtm.rtm_family, &r->gateway) ||
		!nl_ipaddr(&at[PREFSRC], rtm.rtm_family, &r->prefsrc))
		return NLP_MALFORMED;
	if (rtm.rtm_src_len && !prefix(&at[SRC], rtm.rtm_family, rtm.rtm_src_len, &r->src))
		return NLP_MALFORMED;
	r->family = rtm.rtm_family;
	r->protocol = rtm.rtm_protocol;
	r->type = rtm.rtm_type;
	r->scope = rtm.rtm_scope;
	r->tos = rtm.rtm_tos;
	r->table = nl_u32(&at[TABLE], rtm.rtm_table);
	r->metric = nl_u32(&at[PRIORITY], 0);
	r->ifindex = nl_u32(&at[OIF], 0);
	if (r->ifindex > INT32_MAX || (at[MULTIPATH].p && !nexthops(&at[MULTIPATH], r)))
		return NLP_MALFORMED;
	return NLP_SET;
}
