// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/names.h"

#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "base/xalloc.h"

const struct net_name net_scope_names[] = {
	{ RT_SCOPE_UNIVERSE, "global" },
	{ RT_SCOPE_SITE, "site" },
	{ RT_SCOPE_LINK, "link" },
	{ RT_SCOPE_HOST, "host" },
	{ RT_SCOPE_NOWHERE, "nowhere" },
	{ 0, NULL },
};

const struct net_name net_table_names[] = {
	{ RT_TABLE_DEFAULT, "default" },
	{ RT_TABLE_MAIN, "main" },
	{ RT_TABLE_LOCAL, "local" },
	{ 0, NULL },
};

/* Numbers that the kernel's headers of some distributions do not have yet are written out. */
const struct net_name net_protocol_names[] = {
	{ RTPROT_UNSPEC, "unspec" },
	{ RTPROT_REDIRECT, "redirect" },
	{ RTPROT_KERNEL, "kernel" },
	{ RTPROT_BOOT, "boot" },
	{ RTPROT_STATIC, "static" },
	{ RTPROT_GATED, "gated" },
	{ RTPROT_RA, "ra" },
	{ RTPROT_MRT, "mrt" },
	{ RTPROT_ZEBRA, "zebra" },
	{ RTPROT_BIRD, "bird" },
	{ RTPROT_DNROUTED, "dnrouted" },
	{ RTPROT_XORP, "xorp" },
	{ RTPROT_NTK, "ntk" },
	{ RTPROT_DHCP, "dhcp" },
	{ RTPROT_MROUTED, "mrouted" },
	{ 18, "keepalived" },
	{ RTPROT_BABEL, "babel" },
	{ 99, "openr" },
	{ 186, "bgp" },
	{ 187, "isis" },
	{ 188, "ospf" },
	{ 189, "rip" },
	{ 192, "eigrp" },
	{ 0, NULL },
};

const struct net_name net_type_names[] = {
	{ RTN_UNSPEC, "unspec" },
	{ RTN_UNICAST, "unicast" },
	{ RTN_LOCAL, "local" },
	{ RTN_BROADCAST, "broadcast" },
	{ RTN_ANYCAST, "anycast" },
	{ RTN_MULTICAST, "multicast" },
	{ RTN_BLACKHOLE, "blackhole" },
	{ RTN_UNREACHABLE, "unreachable" },
	{ RTN_PROHIBIT, "prohibit" },
	{ RTN_THROW, "throw" },
	{ RTN_NAT, "nat" },
	{ RTN_XRESOLVE, "xresolve" },
	{ 0, NULL },
};

const struct net_name net_state_names[] = {
	{ NUD_NONE, "none" },
	{ NUD_INCOMPLETE, "incomplete" },
	{ NUD_REACHABLE, "reachable" },
	{ NUD_STALE, "stale" },
	{ NUD_DELAY, "delay" },
	{ NUD_PROBE, "probe" },
	{ NUD_FAILED, "failed" },
	{ NUD_NOARP, "noarp" },
	{ NUD_PERMANENT, "permanent" },
	{ 0, NULL },
};

const char *net_name_of(const struct net_name *names, uint32_t num)
{
	for (; names->name; names++)
		if (names->num == num)
			return names->name;
	return NULL;
}

static const char *const addr_flags[] = {
	[0] = "temporary",
	[1] = "nodad",
	[2] = "optimistic",
	[3] = "dadfailed",
	[4] = "home",
	[5] = "deprecated",
	[6] = "tentative",
	[8] = "mngtmpaddr",
	[9] = "noprefixroute",
	[10] = "autojoin",
	[11] = "stableprivacy",
	[ADDR_FLAG_DYNAMIC] = "dynamic",
	[ADDR_FLAG_SECONDARY] = "secondary",
};

const char *net_addr_flag_name(unsigned bit)
{
	return bit < ARRAY_SIZE(addr_flags) ? addr_flags[bit] : NULL;
}

uint64_t net_addr_flag_set(const struct net_addr *a)
{
	uint64_t set = a->flags & ~(uint64_t)(IFA_F_PERMANENT | IFA_F_SECONDARY);

	if (!(a->flags & IFA_F_PERMANENT))
		set |= 1ull << ADDR_FLAG_DYNAMIC;
	if (a->flags & IFA_F_SECONDARY)
		set |= a->prefix.addr.family == AF_INET ? 1ull << ADDR_FLAG_SECONDARY : IFA_F_TEMPORARY;
	return set;
}

void net_addr_flags_from_set(struct net_addr *a, uint64_t set)
{
	a->flags = (uint32_t)set & ~(uint32_t)IFA_F_PERMANENT;
	if (!(set >> ADDR_FLAG_DYNAMIC & 1))
		a->flags |= IFA_F_PERMANENT;
	if (set >> ADDR_FLAG_SECONDARY & 1)
		a->flags |= IFA_F_SECONDARY;
}
