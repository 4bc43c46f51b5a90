// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "nft/field.h"

#define H ORDER_HOST
#define B ORDER_BIG
#define END                                                                                                  \
	{                                                                                                    \
		NULL, 0, 0, 0, 0, 0                                                                          \
	}

const struct selkey meta_keys[] = {
	{ "length", NFT_META_LEN, DT_INTEGER, 32, H, 0 },
	{ "protocol", NFT_META_PROTOCOL, DT_ETHERTYPE, 16, B, 0 },
	{ "priority", NFT_META_PRIORITY, DT_CLASSID, 32, H, SK_SET },
	{ "random", NFT_META_PRANDOM, DT_INTEGER, 32, B, 0 },
	{ "mark", NFT_META_MARK, DT_MARK, 32, H, SK_BARE | SK_SET },
	{ "iif", NFT_META_IIF, DT_IFINDEX, 32, H, SK_BARE },
	{ "iifname", NFT_META_IIFNAME, DT_IFNAME, 128, H, SK_BARE },
	{ "iiftype", NFT_META_IIFTYPE, DT_ARPHRD, 16, H, SK_BARE },
	{ "oif", NFT_META_OIF, DT_IFINDEX, 32, H, SK_BARE },
	{ "oifname", NFT_META_OIFNAME, DT_IFNAME, 128, H, SK_BARE },
	{ "oiftype", NFT_META_OIFTYPE, DT_ARPHRD, 16, H, SK_BARE },
	{ "skuid", NFT_META_SKUID, DT_UID, 32, H, SK_BARE },
	{ "skgid", NFT_META_SKGID, DT_GID, 32, H, SK_BARE },
	{ "nftrace", NFT_META_NFTRACE, DT_INTEGER, 1, H, SK_BARE | SK_SET },
	{ "rtclassid", NFT_META_RTCLASSID, DT_REALM, 32, H, SK_BARE },
	{ "secmark", NFT_META_SECMARK, DT_INTEGER, 32, H, SK_SET },
	{ "nfproto", NFT_META_NFPROTO, DT_NFPROTO, 8, H, 0 },
	{ "l4proto", NFT_META_L4PROTO, DT_INET_PROTOCOL, 8, H, 0 },
	{ "ibrname", NFT_META_BRI_IIFNAME, DT_IFNAME, 128, H, SK_BARE },
	{ "ibriport", NFT_META_BRI_IIFNAME, DT_IFNAME, 128, H, SK_BARE },
	{ "obrname", NFT_META_BRI_OIFNAME, DT_IFNAME, 128, H, SK_BARE },
	{ "obriport", NFT_META_BRI_OIFNAME, DT_IFNAME, 128, H, SK_BARE },
	{ "pkttype", NFT_META_PKTTYPE, DT_PKTTYPE, 8, H, SK_BARE | SK_SET },
	{ "cpu", NFT_META_CPU, DT_INTEGER, 32, H, SK_BARE },
	{ "iifgroup", NFT_META_IIFGROUP, DT_DEVGROUP, 32, H, SK_BARE },
	{ "oifgroup", NFT_META_OIFGROUP, DT_DEVGROUP, 32, H, SK_BARE },
	{ "cgroup", NFT_META_CGROUP, DT_INTEGER, 32, H, SK_BARE },
	{ "ipsec", NFT_META_SECPATH, DT_BOOLEAN, 8, H, 0 },
	{ "secpath", NFT_META_SECPATH, DT_BOOLEAN, 8, H, 0 },
	{ "iifkind", NFT_META_IIFKIND, DT_IFNAME, 128, H, 0 },
	{ "oifkind", NFT_META_OIFKIND, DT_IFNAME, 128, H, 0 },
	{ "ibrpvid", NFT_META_BRI_IIFPVID, DT_INTEGER, 16, H, 0 },
	{ "ibrvproto", NFT_META_BRI_IIFVPROTO, DT_ETHERTYPE, 16, B, 0 },
	{ "time", NFT_META_TIME_NS, DT_TIME_DATE, 64, H, SK_BARE },
	{ "day", NFT_META_TIME_DAY, DT_TIME_DAY, 8, H, SK_BARE },
	{ "hour", NFT_META_TIME_HOUR, DT_TIME_HOUR, 32, H, SK_BARE },
	{ "sdif", NFT_META_SDIF, DT_IFINDEX, 32, H, 0 },
	{ "sdifname", NFT_META_SDIFNAME, DT_IFNAME, 128, H, 0 },
	END,
};

/* saddr and daddr: type and width come from the family. */
const struct selkey ct_keys[] = {
	{ "state", NFT_CT_STATE, DT_CT_STATE, 32, H, 0 },
	{ "direction", NFT_CT_DIRECTION, DT_CT_DIR, 8, H, 0 },
	{ "status", NFT_CT_STATUS, DT_CT_STATUS, 32, H, 0 },
	{ "mark", NFT_CT_MARK, DT_MARK, 32, H, SK_SET },
	{ "secmark", NFT_CT_SECMARK, DT_INTEGER, 32, H, SK_SET },
	{ "expiration", NFT_CT_EXPIRATION, DT_TIME, 32, H, 0 },
	{ "helper", NFT_CT_HELPER, DT_STRING, 128, H, 0 },
	{ "l3proto", NFT_CT_L3PROTOCOL, DT_NFPROTO, 8, H, SK_DIR },
	{ "saddr", NFT_CT_SRC, DT_INVALID, 0, B, SK_DIR | SK_NEEDDIR },
	{ "daddr", NFT_CT_DST, DT_INVALID, 0, B, SK_DIR | SK_NEEDDIR },
	{ "protocol", NFT_CT_PROTOCOL, DT_INET_PROTOCOL, 8, B, SK_DIR },
	{ "proto-src", NFT_CT_PROTO_SRC, DT_INET_SERVICE, 16, B, SK_DIR | SK_NEEDDIR },
	{ "proto-dst", NFT_CT_PROTO_DST, DT_INET_SERVICE, 16, B, SK_DIR | SK_NEEDDIR },
	{ "label", NFT_CT_LABELS, DT_CT_LABEL, 128, H, SK_SET },
	{ "event", NFT_CT_EVENTMASK, DT_CT_EVENTBIT, 32, H, SK_SET },
	{ "bytes", NFT_CT_BYTES, DT_INTEGER, 64, H, SK_DIR },
	{ "packets", NFT_CT_PKTS, DT_INTEGER, 64, H, SK_DIR },
	{ "avgpkt", NFT_CT_AVGPKT, DT_INTEGER, 64, H, SK_DIR },
	{ "zone", NFT_CT_ZONE, DT_INTEGER, 16, H, SK_DIR | SK_SET },
	{ "id", NFT_CT_ID, DT_INTEGER, 32, B, 0 },
	END,
};

const struct selkey rt_keys[] = {
	{ "classid", NFT_RT_CLASSID, DT_REALM, 32, H, 0 },
	{ "nexthop", NFT_RT_NEXTHOP4, DT_INVALID, 0, B, 0 },
	{ "mtu", NFT_RT_TCPMSS, DT_INTEGER, 16, H, 0 },
	{ "ipsec", NFT_RT_XFRM, DT_BOOLEAN, 8, H, 0 },
	END,
};

const struct selkey socket_keys[] = {
	{ "transparent", NFT_SOCKET_TRANSPARENT, DT_INTEGER, 1, H, 0 },
	{ "mark", NFT_SOCKET_MARK, DT_MARK, 32, H, 0 },
	{ "wildcard", NFT_SOCKET_WILDCARD, DT_INTEGER, 1, H, 0 },
	{ "cgroupv2", NFT_SOCKET_CGROUPV2, DT_CGROUPV2, 64, H, 0 },
	END,
};

const struct selkey xfrm_keys[] = {
	{ "reqid", NFT_XFRM_KEY_REQID, DT_INTEGER, 32, H, 0 },
	{ "spi", NFT_XFRM_KEY_SPI, DT_INTEGER, 32, B, 0 },
	{ "saddr", NFT_XFRM_KEY_SADDR_IP4, DT_INVALID, 0, B, 0 },
	{ "daddr", NFT_XFRM_KEY_DADDR_IP4, DT_INVALID, 0, B, 0 },
	END,
};

const struct selkey *meta_key(unsigned key)
{
	const struct selkey *k = meta_keys;

	while (k->name && k->key != key)
		k++;
	return k->name ? k : NULL;
}

const struct selkey *selkey_find(const struct selkey *t, const char *name)
{
	for (; t->name; t++)
		if (!strcmp(t->name, name))
			return t;
	return NULL;
}
