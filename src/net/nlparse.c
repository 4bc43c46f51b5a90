// SPDX-License-Identifier: GPL-2.0-or-later
/* What comes in is untrusted: each length is checked against a table before anything is read. Messages that
 * are well formed but speak of something else (bridge ports, multicast routing, wireless events, cloned
 * routes) are ignored, not errors. */
#include "net/nlparse.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "net/nlattr.h"
#include "net/nlroute.h"

#define ANY_LEN UINT16_MAX

static enum nl_verdict parse_link(const uint8_t *p, size_t n, struct net_link *l)
{
	enum { NAME = 1, MTU, MASTER, ADDRESS, OPERSTATE, LINKINFO, WIRELESS, SLOTS };
	static const struct nl_want want[] = {
		[IFLA_IFNAME] = { NAME, 1, ANY_LEN },
		[IFLA_MTU] = { MTU, 4, 4 },
		[IFLA_MASTER] = { MASTER, 4, 4 },
		[IFLA_ADDRESS] = { ADDRESS, 0, sizeof(l->mac) },
		[IFLA_OPERSTATE] = { OPERSTATE, 1, 1 },
		[IFLA_LINKINFO] = { LINKINFO, 0, ANY_LEN },
		[IFLA_WIRELESS] = { WIRELESS, 0, ANY_LEN },
	};
	enum { KIND = 1, INFO_SLOTS };
	static const struct nl_want want_info[] = { [IFLA_INFO_KIND] = { KIND, 1, ANY_LEN } };
	struct nl_attr at[SLOTS] = { 0 }, info[INFO_SLOTS] = { 0 };
	struct ifinfomsg ifi;

	if (n < sizeof(ifi))
		return NLP_MALFORMED;
	memcpy(&ifi, p, sizeof(ifi));
	if (ifi.ifi_family != AF_UNSPEC) /* what a bridge or IPv6 has to say of a link */
		return NLP_IGNORE;
	if (!nl_attrs(p + sizeof(ifi), n - sizeof(ifi), want, sizeof(want) / sizeof(*want), at))
		return NLP_MALFORMED;
	if (at[WIRELESS].p) /* carries nothing but the event */
		return NLP_IGNORE;
	if (ifi.ifi_index <= 0 || !at[NAME].p || !nl_name(&at[NAME], l->name, sizeof(l->name)) || !l->name[0])
		return NLP_MALFORMED;
	if (at[LINKINFO].p && !nl_attrs(at[LINKINFO].p, at[LINKINFO].n, want_info,
				      sizeof(want_info) / sizeof(*want_info), info))
		return NLP_MALFORMED;
	if (!nl_name(&info[KIND], l->link_kind, sizeof(l->link_kind)))
		memcpy(l->link_kind, info[KIND].p,
			sizeof(l->link_kind) - 1); /* longer than any kind that has a meaning here */
	l->ifindex = (uint32_t)ifi.ifi_index;
	l->flags = ifi.ifi_flags;
	l->type = ifi.ifi_type;
	l->mtu = nl_u32(&at[MTU], 0);
	l->master = nl_u32(&at[MASTER], 0);
	l->operstate = at[OPERSTATE].p ? *at[OPERSTATE].p : IF_OPER_UNKNOWN;
	l->mac_len = (uint8_t)at[ADDRESS].n;
	if (l->mac_len)
		memcpy(l->mac, at[ADDRESS].p, l->mac_len);
	l->up = l->flags & IFF_UP;
	l->carrier = l->flags & IFF_LOWER_UP && l->operstate != IF_OPER_DOWN &&
		     l->operstate != IF_OPER_NOTPRESENT && l->operstate != IF_OPER_LOWERLAYERDOWN;
	return NLP_SET;
}

static enum nl_verdict parse_addr(const uint8_t *p, size_t n, struct net_addr *a)
{
	enum { ADDRESS = 1, LOCAL, FLAGS, CACHEINFO, SLOTS };
	static const struct nl_want want[] = {
		[IFA_ADDRESS] = { ADDRESS, 4, 16 },
		[IFA_LOCAL] = { LOCAL, 4, 16 },
		[IFA_FLAGS] = { FLAGS, 4, 4 },
		[IFA_CACHEINFO] = { CACHEINFO, sizeof(struct ifa_cacheinfo), ANY_LEN },
	};
	struct nl_attr at[SLOTS] = { 0 };
	struct ipaddr address = { 0 }, local = { 0 };
	struct ifa_cacheinfo ci;
	struct ifaddrmsg ifa;

	if (n < sizeof(ifa))
		return NLP_MALFORMED;
	memcpy(&ifa, p, sizeof(ifa));
	if (ifa.ifa_family != AF_INET && ifa.ifa_family != AF_INET6)
		return NLP_IGNORE;
	if (!nl_attrs(p + sizeof(ifa), n - sizeof(ifa), want, sizeof(want) / sizeof(*want), at) ||
		!nl_ipaddr(&at[ADDRESS], ifa.ifa_family, &address) ||
		!nl_ipaddr(&at[LOCAL], ifa.ifa_family, &local))
		return NLP_MALFORMED;
	/* IFA_ADDRESS is the far end of a point-to-point address, whose own end is IFA_LOCAL then. */
	a->prefix.addr = local.family ? local : address;
	if (local.family && address.family && ipaddr_cmp(&local, &address))
		a->peer = address;
	if (!a->prefix.addr.family || ifa.ifa_prefixlen > ipaddr_bits(&a->prefix.addr) || !ifa.ifa_index ||
		ifa.ifa_index > INT32_MAX)
		return NLP_MALFORMED;
	a->prefix.len = ifa.ifa_prefixlen;
	a->ifindex = ifa.ifa_index;
	a->scope = ifa.ifa_scope;
	a->flags = nl_u32(&at[FLAGS], ifa.ifa_flags);
	a->valid_lft = a->preferred_lft = UINT32_MAX;
	if (at[CACHEINFO].p) {
		memcpy(&ci, at[CACHEINFO].p, sizeof(ci));
		a->valid_lft = ci.ifa_valid;
		a->preferred_lft = ci.ifa_prefered;
	}
	return NLP_SET;
}

static enum nl_verdict parse_neigh(const uint8_t *p, size_t n, struct net_neigh *nb)
{
	enum { DST = 1, LLADDR, SLOTS };
	static const struct nl_want want[] = {
		[NDA_DST] = { DST, 4, 16 },
		[NDA_LLADDR] = { LLADDR, 0, sizeof(nb->mac) },
	};
	struct nl_attr at[SLOTS] = { 0 };
	struct ndmsg ndm;

	if (n < sizeof(ndm))
		return NLP_MALFORMED;
	memcpy(&ndm, p, sizeof(ndm));
	if ((ndm.ndm_family != AF_INET && ndm.ndm_family != AF_INET6) || ndm.ndm_flags & NTF_PROXY)
		return NLP_IGNORE;
	if (!nl_attrs(p + sizeof(ndm), n - sizeof(ndm), want, sizeof(want) / sizeof(*want), at) ||
		!at[DST].p || !nl_ipaddr(&at[DST], ndm.ndm_family, &nb->address) || ndm.ndm_ifindex <= 0)
		return NLP_MALFORMED;
	nb->family = ndm.ndm_family;
	nb->ifindex = (uint32_t)ndm.ndm_ifindex;
	nb->state = ndm.ndm_state;
	nb->flags = ndm.ndm_flags;
	nb->mac_len = (uint8_t)at[LLADDR].n;
	if (nb->mac_len)
		memcpy(nb->mac, at[LLADDR].p, nb->mac_len);
	return NLP_SET;
}

/* All attributes that make a rule another rule but have no field. Walked after nl_attrs() found them well
 * formed. */
static uint64_t rule_extra(const uint8_t *p, size_t n)
{
	uint64_t h = 0;

	while (n >= sizeof(struct nlattr)) {
		struct nlattr a;
		size_t step;

		memcpy(&a, p, sizeof(a));
		switch (a.nla_type & NLA_TYPE_MASK) {
		case FRA_DST:
		case FRA_SRC:
		case FRA_IIFNAME:
		case FRA_OIFNAME:
		case FRA_PRIORITY:
		case FRA_FWMARK:
		case FRA_FWMASK:
		case FRA_TABLE:
		case FRA_PROTOCOL:
		case FRA_PAD: break;
		default: h = hash_stable(hash_mix(h, a.nla_type), p + sizeof(a), a.nla_len - sizeof(a));
		}
		step = NLA_ALIGN((size_t)a.nla_len);
		if (step >= n)
			break;
		p += step;
		n -= step;
	}
	return h;
}

static bool rule_prefix(const struct nl_attr *a, uint8_t family, uint8_t len, struct ipprefix *out)
{
	if (!a->p)
		return !len;
	if (!nl_ipaddr(a, family, &out->addr) || len > ipaddr_bits(&out->addr))
		return false;
	out->len = len;
	return true;
}

static enum nl_verdict parse_rule(const uint8_t *p, size_t n, struct net_rule *r)
{
	enum { DST = 1, SRC, IIF, OIF, PRIORITY, FWMARK, FWMASK, TABLE, PROTOCOL, SLOTS };
	static const struct nl_want want[] = {
		[FRA_DST] = { DST, 4, 16 },
		[FRA_SRC] = { SRC, 4, 16 },
		[FRA_IIFNAME] = { IIF, 1, ANY_LEN },
		[FRA_OIFNAME] = { OIF, 1, ANY_LEN },
		[FRA_PRIORITY] = { PRIORITY, 4, 4 },
		[FRA_FWMARK] = { FWMARK, 4, 4 },
		[FRA_FWMASK] = { FWMASK, 4, 4 },
		[FRA_TABLE] = { TABLE, 4, 4 },
		[FRA_PROTOCOL] = { PROTOCOL, 1, 1 },
	};
	struct nl_attr at[SLOTS] = { 0 };
	struct fib_rule_hdr hdr;

	if (n < sizeof(hdr))
		return NLP_MALFORMED;
	memcpy(&hdr, p, sizeof(hdr));
	if (hdr.family != AF_INET && hdr.family != AF_INET6)
		return NLP_IGNORE;
	p += sizeof(hdr);
	n -= sizeof(hdr);
	if (!nl_attrs(p, n, want, sizeof(want) / sizeof(*want), at) ||
		!nl_name(&at[IIF], r->iif, sizeof(r->iif)) || !nl_name(&at[OIF], r->oif, sizeof(r->oif)) ||
		!rule_prefix(&at[DST], hdr.family, hdr.dst_len, &r->dst) ||
		!rule_prefix(&at[SRC], hdr.family, hdr.src_len, &r->src))
		return NLP_MALFORMED;
	r->family = hdr.family;
	r->action = hdr.action;
	r->invert = hdr.flags & FIB_RULE_INVERT;
	r->protocol = at[PROTOCOL].p ? *at[PROTOCOL].p : 0;
	r->priority = nl_u32(&at[PRIORITY], 0);
	r->table = nl_u32(&at[TABLE], hdr.table);
	r->fwmark = nl_u32(&at[FWMARK], 0);
	r->fwmask = nl_u32(&at[FWMASK], 0);
	r->extra = hash_mix(rule_extra(p, n), hdr.tos);
	return NLP_SET;
}

void nl_parse(const struct nlmsghdr *msg, size_t len, struct nl_msg *out)
{
	const uint8_t *p = (const uint8_t *)msg + NLMSG_HDRLEN;
	struct nlmsghdr nlh;
	size_t n;

	memset(out, 0, sizeof(*out));
	memcpy(&nlh, msg, sizeof(nlh));
	if (nlh.nlmsg_len < NLMSG_HDRLEN || nlh.nlmsg_len > len) {
		out->verdict = NLP_MALFORMED;
		return;
	}
	n = nlh.nlmsg_len - NLMSG_HDRLEN;
	switch (nlh.nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		out->rec.kind = NET_LINK;
		out->verdict = parse_link(p, n, &out->link);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		out->rec.kind = NET_ADDR;
		out->verdict = parse_addr(p, n, &out->addr);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		out->rec.kind = NET_ROUTE;
		out->verdict = nl_parse_route(p, n, &out->route);
		out->replace = nlh.nlmsg_type == RTM_NEWROUTE && nlh.nlmsg_flags & NLM_F_REPLACE;
		break;
	case RTM_NEWRULE:
	case RTM_DELRULE:
		out->rec.kind = NET_RULE;
		out->verdict = parse_rule(p, n, &out->rule);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		out->rec.kind = NET_NEIGH;
		out->verdict = parse_neigh(p, n, &out->neigh);
		break;
	default: out->verdict = NLP_IGNORE; return;
	}
	/* In each group of four the second number is the delete. */
	if (out->verdict == NLP_SET && nlh.nlmsg_type % 4 == RTM_DELLINK % 4)
		out->verdict = NLP_DEL;
}

void nl_msg_free(struct nl_msg *m)
{
	if (m->rec.kind == NET_ROUTE) {
		free(m->route.nexthops);
		m->route.nexthops = NULL;
		m->route.n_nexthops = 0;
	}
}
