// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <string.h>

#include "base/xalloc.h"
#include "nft/field.h"

#define END                                                                                                  \
	{                                                                                                    \
		NULL, 0, 0, 0, 0,                                                                            \
		{                                                                                            \
			0                                                                                    \
		}                                                                                            \
	}
#define F(name, off, bits, type)                                                                             \
	{                                                                                                    \
		name, off, bits, type, 0,                                                                    \
		{                                                                                            \
			0                                                                                    \
		}                                                                                            \
	}

static const struct field eth_fields[] = {
	F("daddr", 0, 48, DT_ETHERADDR),
	F("saddr", 48, 48, DT_ETHERADDR),
	F("type", 96, 16, DT_ETHERTYPE),
	END,
};
static const struct field vlan_fields[] = {
	F("pcp", 0, 3, DT_INTEGER),
	F("dei", 3, 1, DT_INTEGER),
	F("cfi", 3, 1, DT_INTEGER),
	F("id", 4, 12, DT_INTEGER),
	F("type", 16, 16, DT_ETHERTYPE),
	END,
};
static const struct field arp_fields[] = {
	F("htype", 0, 16, DT_INTEGER),
	F("ptype", 16, 16, DT_ETHERTYPE),
	F("hlen", 32, 8, DT_INTEGER),
	F("plen", 40, 8, DT_INTEGER),
	F("operation", 48, 16, DT_ARPOP),
	F("saddr ether", 64, 48, DT_ETHERADDR),
	F("saddr ip", 112, 32, DT_IPADDR),
	F("daddr ether", 144, 48, DT_ETHERADDR),
	F("daddr ip", 192, 32, DT_IPADDR),
	END,
};
static const struct field ip_fields[] = {
	F("version", 0, 4, DT_INTEGER),
	F("hdrlength", 4, 4, DT_INTEGER),
	F("dscp", 8, 6, DT_DSCP),
	F("ecn", 14, 2, DT_ECN),
	F("length", 16, 16, DT_INTEGER),
	F("id", 32, 16, DT_INTEGER),
	F("frag-off", 48, 16, DT_INTEGER),
	F("ttl", 64, 8, DT_INTEGER),
	F("protocol", 72, 8, DT_INET_PROTOCOL),
	F("checksum", 80, 16, DT_INTEGER),
	F("saddr", 96, 32, DT_IPADDR),
	F("daddr", 128, 32, DT_IPADDR),
	END,
};
static const struct field ip6_fields[] = {
	F("version", 0, 4, DT_INTEGER),
	F("dscp", 4, 6, DT_DSCP),
	F("ecn", 10, 2, DT_ECN),
	F("flowlabel", 12, 20, DT_INTEGER),
	F("length", 32, 16, DT_INTEGER),
	F("nexthdr", 48, 8, DT_INET_PROTOCOL),
	F("hoplimit", 56, 8, DT_INTEGER),
	F("saddr", 64, 128, DT_IP6ADDR),
	F("daddr", 192, 128, DT_IP6ADDR),
	END,
};
static const struct field th_fields[] = {
	F("sport", 0, 16, DT_INET_SERVICE),
	F("dport", 16, 16, DT_INET_SERVICE),
	END,
};
static const struct field tcp_fields[] = {
	F("sport", 0, 16, DT_INET_SERVICE),
	F("dport", 16, 16, DT_INET_SERVICE),
	F("sequence", 32, 32, DT_INTEGER),
	F("ackseq", 64, 32, DT_INTEGER),
	F("doff", 96, 4, DT_INTEGER),
	F("reserved", 100, 4, DT_INTEGER),
	F("flags", 104, 8, DT_TCP_FLAG),
	F("window", 112, 16, DT_INTEGER),
	F("checksum", 128, 16, DT_INTEGER),
	F("urgptr", 144, 16, DT_INTEGER),
	END,
};
static const struct field udp_fields[] = {
	F("sport", 0, 16, DT_INET_SERVICE),
	F("dport", 16, 16, DT_INET_SERVICE),
	F("length", 32, 16, DT_INTEGER),
	F("checksum", 48, 16, DT_INTEGER),
	END,
};
static const struct field udplite_fields[] = {
	F("sport", 0, 16, DT_INET_SERVICE),
	F("dport", 16, 16, DT_INET_SERVICE),
	F("csumcov", 32, 16, DT_INTEGER),
	F("checksum", 48, 16, DT_INTEGER),
	END,
};
static const struct field dccp_fields[] = {
	F("sport", 0, 16, DT_INET_SERVICE),
	F("dport", 16, 16, DT_INET_SERVICE),
	F("type", 67, 4, DT_DCCP_PKTTYPE),
	END,
};
static const struct field sctp_fields[] = {
	F("sport", 0, 16, DT_INET_SERVICE),
	F("dport", 16, 16, DT_INET_SERVICE),
	F("vtag", 32, 32, DT_INTEGER),
	F("checksum", 64, 32, DT_INTEGER),
	END,
};
static const struct field icmp_fields[] = {
	F("type", 0, 8, DT_ICMP_TYPE),
	F("code", 8, 8, DT_ICMP_CODE),
	F("checksum", 16, 16, DT_INTEGER),
	{ "id", 32, 16, DT_INTEGER, 2, { 8, 0 } },
	{ "sequence", 48, 16, DT_INTEGER, 2, { 8, 0 } },
	{ "gateway", 32, 32, DT_INTEGER, 1, { 5 } },
	{ "mtu", 48, 16, DT_INTEGER, 1, { 3 } },
	END,
};
static const struct field icmpv6_fields[] = {
	F("type", 0, 8, DT_ICMP6_TYPE),
	F("code", 8, 8, DT_ICMPV6_CODE),
	F("checksum", 16, 16, DT_INTEGER),
	{ "parameter-problem", 32, 32, DT_INTEGER, 1, { 4 } },
	{ "mtu", 32, 32, DT_INTEGER, 1, { 2 } },
	{ "id", 32, 16, DT_INTEGER, 2, { 128, 129 } },
	{ "sequence", 48, 16, DT_INTEGER, 2, { 128, 129 } },
	{ "max-delay", 32, 16, DT_INTEGER, 1, { 130 } },
	{ "taddr", 64, 128, DT_IP6ADDR, 6, { 130, 131, 132, 135, 136, 137 } },
	{ "daddr", 192, 128, DT_IP6ADDR, 1, { 137 } },
	END,
};
static const struct field igmp_fields[] = {
	F("type", 0, 8, DT_IGMP_TYPE),
	F("checksum", 16, 16, DT_INTEGER),
	F("mrt", 8, 8, DT_INTEGER),
	F("group", 32, 32, DT_INTEGER),
	END,
};
static const struct field ah_fields[] = {
	F("nexthdr", 0, 8, DT_INET_PROTOCOL),
	F("hdrlength", 8, 8, DT_INTEGER),
	F("reserved", 16, 16, DT_INTEGER),
	F("spi", 32, 32, DT_INTEGER),
	F("sequence", 64, 32, DT_INTEGER),
	END,
};
static const struct field esp_fields[] = {
	F("spi", 0, 32, DT_INTEGER),
	F("sequence", 32, 32, DT_INTEGER),
	END,
};
static const struct field comp_fields[] = {
	F("nexthdr", 0, 8, DT_INET_PROTOCOL),
	F("flags", 8, 8, DT_BITMASK),
	F("cpi", 16, 16, DT_INTEGER),
	END,
};

static const char *const ip_pseudo[] = { "saddr", "daddr", "protocol", "length", NULL };
static const char *const ip6_pseudo[] = { "saddr", "daddr", "nexthdr", "length", NULL };

static const struct proto proto_udplite = { "udplite", PROTO_HEADER, PB_TRANSPORT, 8, 0, udplite_fields, NULL,
	NULL, -1, NULL };
static const struct proto proto_dccp = { "dccp", PROTO_HEADER, PB_TRANSPORT, 0, 0, dccp_fields, NULL, NULL,
	-1, NULL };
static const struct proto proto_sctp = { "sctp", PROTO_HEADER, PB_TRANSPORT, 0, 0, sctp_fields, NULL, NULL,
	-1, NULL };
static const struct proto proto_ah = { "ah", PROTO_HEADER, PB_TRANSPORT, 0, 0, ah_fields, "nexthdr", NULL, -1,
	NULL };
static const struct proto proto_esp = { "esp", PROTO_HEADER, PB_TRANSPORT, 0, 0, esp_fields, NULL, NULL, -1,
	NULL };
static const struct proto proto_comp = { "comp", PROTO_HEADER, PB_TRANSPORT, 0, 0, comp_fields, "nexthdr",
	NULL, -1, NULL };
const struct proto proto_th = { "th", PROTO_HEADER, PB_TRANSPORT, 0, 0, th_fields, NULL, NULL, -1, NULL };
const struct proto proto_tcp = { "tcp", PROTO_HEADER, PB_TRANSPORT, 0, 0, tcp_fields, NULL, NULL, 16, NULL };
const struct proto proto_udp = { "udp", PROTO_HEADER, PB_TRANSPORT, 8, 0, udp_fields, NULL, NULL, 6, NULL };
const struct proto proto_icmp = { "icmp", PROTO_HEADER, PB_TRANSPORT, 0, 0, icmp_fields, "type", NULL, 2,
	NULL };
const struct proto proto_icmpv6 = { "icmpv6", PROTO_HEADER, PB_TRANSPORT, 0, 0, icmpv6_fields, "type", NULL,
	2, NULL };
const struct proto proto_igmp = { "igmp", PROTO_HEADER, PB_TRANSPORT, 0, 0, igmp_fields, NULL, NULL, 2,
	NULL };

const struct proto_up proto_services[] = {
	{ IPPROTO_ICMP, &proto_icmp },
	{ IPPROTO_IGMP, &proto_igmp },
	{ IPPROTO_TCP, &proto_tcp },
	{ IPPROTO_UDP, &proto_udp },
	{ IPPROTO_DCCP, &proto_dccp },
	{ IPPROTO_ESP, &proto_esp },
	{ IPPROTO_AH, &proto_ah },
	{ IPPROTO_COMP, &proto_comp },
	{ IPPROTO_SCTP, &proto_sctp },
	{ IPPROTO_UDPLITE, &proto_udplite },
	{ IPPROTO_ICMPV6, &proto_icmpv6 },
	{ 0, NULL },
};
const struct proto proto_ip = {
	"ip",
	PROTO_HEADER,
	PB_NET,
	0,
	0,
	ip_fields,
	"protocol",
	proto_services,
	10,
	ip_pseudo,
};
const struct proto proto_ip6 = {
	"ip6",
	PROTO_HEADER,
	PB_NET,
	40,
	0,
	ip6_fields,
	"nexthdr",
	proto_services,
	-1,
	ip6_pseudo,
};
const struct proto proto_arp = { "arp", PROTO_HEADER, PB_NET, 0, 0, arp_fields, NULL, NULL, -1, NULL };

static const struct proto_up ether_up[] = {
	{ ETH_P_IP, &proto_ip },
	{ ETH_P_ARP, &proto_arp },
	{ ETH_P_IPV6, &proto_ip6 },
	{ ETH_P_8021Q, &proto_vlan },
	{ ETH_P_8021AD, &proto_vlan },
	{ 0, NULL },
};
static const struct proto_up inet_up[] = { { NFPROTO_IPV4, &proto_ip }, { NFPROTO_IPV6, &proto_ip6 },
	{ 0, NULL } };

const struct proto proto_eth = { "ether", PROTO_HEADER, PB_LL, 14, 0, eth_fields, "type", ether_up, -1,
	NULL };
const struct proto proto_vlan = { "vlan", PROTO_HEADER, PB_LL, 4, 0, vlan_fields, "type", ether_up, -1,
	NULL };
static const struct field no_fields[] = { END };
const struct proto proto_inet = { "inet", PROTO_HEADER, PB_LL, 0, 0, no_fields, NULL, inet_up, -1, NULL };
const struct proto proto_netdev = { "netdev", PROTO_HEADER, PB_LL, 0, 0, no_fields, NULL, ether_up, -1,
	NULL };

/* ---- IPv6 extension headers ---- */

static const struct field exthdr_fields[] = { F("nexthdr", 0, 8, DT_INET_PROTOCOL),
	F("hdrlength", 8, 8, DT_INTEGER), END };
#define RT_FIELDS                                                                                            \
	F("nexthdr", 0, 8, DT_INET_PROTOCOL), F("hdrlength", 8, 8, DT_INTEGER),                              \
		F("type", 16, 8, DT_INTEGER), F("seg-left", 24, 8, DT_INTEGER)
static const struct field rt_fields[] = { RT_FIELDS, END };
static const struct field rt_addr_fields[] = { F("nexthdr", 0, 8, DT_INET_PROTOCOL),
	F("reserved", 32, 32, DT_INTEGER), F("addr", 64, 128, DT_IP6ADDR), END };
static const struct field srh_fields[] = {
	F("last-entry", 32, 8, DT_INTEGER),
	F("flags", 40, 8, DT_INTEGER),
	F("tag", 48, 16, DT_INTEGER),
	F("sid", 64, 128, DT_IP6ADDR),
	END,
};
static const struct field frag_fields[] = {
	F("nexthdr", 0, 8, DT_INET_PROTOCOL),
	F("reserved", 8, 8, DT_INTEGER),
	F("frag-off", 16, 13, DT_INTEGER),
	F("reserved2", 29, 2, DT_INTEGER),
	F("more-fragments", 31, 1, DT_INTEGER),
	F("id", 32, 32, DT_INTEGER),
	END,
};
static const struct field mh_fields[] = {
	F("nexthdr", 0, 8, DT_INET_PROTOCOL),
	F("hdrlength", 8, 8, DT_INTEGER),
	F("type", 16, 8, DT_MH_TYPE),
	F("reserved", 24, 8, DT_INTEGER),
	F("checksum", 32, 16, DT_INTEGER),
	END,
};
#define X6(name, num, fields)                                                                                \
	{                                                                                                    \
		name, PROTO_EXTHDR6, PB_NET, 0, num, fields, NULL, NULL, -1, NULL                            \
	}
static const struct proto exthdr6[] = {
	X6("hbh", 0, exthdr_fields),
	X6("rt", 43, rt_fields),
	X6("rt0", 43, rt_addr_fields),
	X6("rt2", 43, rt_addr_fields),
	X6("srh", 43, srh_fields),
	X6("frag", 44, frag_fields),
	X6("dst", 60, exthdr_fields),
	X6("mh", 135, mh_fields),
};

/* ---- options and chunks ---- */

#define KL F("kind", 0, 8, DT_INTEGER), F("length", 8, 8, DT_INTEGER)
static const struct field opt_one[] = { F("kind", 0, 8, DT_INTEGER), END };
static const struct field opt_plain[] = { KL, END };
static const struct field opt_mss[] = { KL, F("size", 16, 16, DT_INTEGER), END };
static const struct field opt_window[] = { KL, F("count", 16, 8, DT_INTEGER), END };
static const struct field opt_sack[] = { KL, F("left", 16, 32, DT_INTEGER), F("right", 48, 32, DT_INTEGER),
	END };
static const struct field opt_sack1[] = { KL, F("left", 80, 32, DT_INTEGER), F("right", 112, 32, DT_INTEGER),
	END };
static const struct field opt_sack2[] = { KL, F("left", 144, 32, DT_INTEGER), F("right", 176, 32, DT_INTEGER),
	END };
static const struct field opt_sack3[] = { KL, F("left", 208, 32, DT_INTEGER), F("right", 240, 32, DT_INTEGER),
	END };
static const struct field opt_ts[] = { KL, F("tsval", 16, 32, DT_INTEGER), F("tsecr", 48, 32, DT_INTEGER),
	END };
static const struct field opt_mptcp[] = { KL, F("subtype", 16, 4, DT_INTEGER), END };
#define TO(name, num, fields)                                                                                \
	{                                                                                                    \
		name, PROTO_TCPOPT, PB_TRANSPORT, 0, num, fields, NULL, NULL, -1, NULL                       \
	}
static const struct proto tcpopts[] = {
	TO("eol", 0, opt_one),
	TO("nop", 1, opt_one),
	TO("maxseg", 2, opt_mss),
	TO("mss", 2, opt_mss),
	TO("window", 3, opt_window),
	TO("sack-perm", 4, opt_plain),
	TO("sack-permitted", 4, opt_plain),
	TO("sack", 5, opt_sack),
	TO("sack0", 5, opt_sack),
	TO("sack1", 5, opt_sack1),
	TO("sack2", 5, opt_sack2),
	TO("sack3", 5, opt_sack3),
	TO("timestamp", 8, opt_ts),
	TO("echo", 8, opt_plain),
	TO("md5sig", 19, opt_plain),
	TO("mptcp", 30, opt_mptcp),
	TO("fastopen", 34, opt_plain),
};

#define TL F("type", 0, 8, DT_INTEGER), F("length", 8, 8, DT_INTEGER)
static const struct field opt_route[] = { TL, F("ptr", 16, 8, DT_INTEGER), F("addr", 24, 32, DT_IPADDR),
	END };
static const struct field opt_ra[] = { TL, F("value", 16, 16, DT_INTEGER), END };
#define IO(name, num, fields)                                                                                \
	{                                                                                                    \
		name, PROTO_IPOPT, PB_NET, 0, num, fields, NULL, NULL, -1, NULL                              \
	}
static const struct proto ipopts[] = {
	IO("lsrr", 131, opt_route),
	IO("rr", 7, opt_route),
	IO("ssrr", 137, opt_route),
	IO("ra", 148, opt_ra),
};

#define TFL F("type", 0, 8, DT_INTEGER), F("flags", 8, 8, DT_INTEGER), F("length", 16, 16, DT_INTEGER)
static const struct field chunk_plain[] = { TFL, END };
static const struct field chunk_data[] = {
	TFL,
	F("tsn", 32, 32, DT_INTEGER),
	F("stream", 64, 16, DT_INTEGER),
	F("ssn", 80, 16, DT_INTEGER),
	F("ppid", 96, 32, DT_INTEGER),
	END,
};
static const struct field chunk_init[] = {
	TFL,
	F("init-tag", 32, 32, DT_INTEGER),
	F("a-rwnd", 64, 32, DT_INTEGER),
	F("num-outbound-streams", 96, 16, DT_INTEGER),
	F("num-inbound-streams", 112, 16, DT_INTEGER),
	F("initial-tsn", 128, 32, DT_INTEGER),
	END,
};
static const struct field chunk_sack[] = {
	TFL,
	F("cum-tsn-ack", 32, 32, DT_INTEGER),
	F("a-rwnd", 64, 32, DT_INTEGER),
	F("num-gap-ack-blocks", 96, 16, DT_INTEGER),
	F("num-dup-tsns", 112, 16, DT_INTEGER),
	END,
};
static const struct field chunk_shutdown[] = { TFL, F("cum-tsn-ack", 32, 32, DT_INTEGER), END };
static const struct field chunk_ecne[] = { TFL, F("lowest-tsn", 32, 32, DT_INTEGER), END };
static const struct field chunk_asconf[] = { TFL, F("seqno", 32, 32, DT_INTEGER), END };
static const struct field chunk_ftsn[] = { TFL, F("new-cum-tsn", 32, 32, DT_INTEGER), END };
#define SC(name, num, fields)                                                                                \
	{                                                                                                    \
		name, PROTO_SCTP_CHUNK, PB_TRANSPORT, 0, num, fields, NULL, NULL, -1, NULL                   \
	}
static const struct proto chunks[] = {
	SC("data", 0, chunk_data),
	SC("init", 1, chunk_init),
	SC("init-ack", 2, chunk_init),
	SC("sack", 3, chunk_sack),
	SC("heartbeat", 4, chunk_plain),
	SC("heartbeat-ack", 5, chunk_plain),
	SC("abort", 6, chunk_plain),
	SC("shutdown", 7, chunk_shutdown),
	SC("shutdown-ack", 8, chunk_plain),
	SC("error", 9, chunk_plain),
	SC("cookie-echo", 10, chunk_plain),
	SC("cookie-ack", 11, chunk_plain),
	SC("ecne", 12, chunk_ecne),
	SC("cwr", 13, chunk_ecne),
	SC("shutdown-complete", 14, chunk_plain),
	SC("asconf-ack", 128, chunk_asconf),
	SC("forward-tsn", 192, chunk_ftsn),
	SC("asconf", 193, chunk_asconf),
};

static const struct proto *const headers[] = {
	&proto_eth,
	&proto_vlan,
	&proto_arp,
	&proto_ip,
	&proto_ip6,
	&proto_icmp,
	&proto_icmpv6,
	&proto_igmp,
	&proto_tcp,
	&proto_udp,
	&proto_udplite,
	&proto_dccp,
	&proto_sctp,
	&proto_ah,
	&proto_esp,
	&proto_comp,
	&proto_th,
};

const struct proto *proto_at(size_t i)
{
	if (i < ARRAY_SIZE(headers))
		return headers[i];
	i -= ARRAY_SIZE(headers);
	return i < ARRAY_SIZE(exthdr6) ? &exthdr6[i] : NULL;
}

const struct proto *proto_by_name(const char *name)
{
	const struct proto *p;

	for (size_t i = 0; (p = proto_at(i)); i++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

const struct proto *proto_option_at(enum proto_kind kind, size_t i)
{
	switch (kind) {
	case PROTO_TCPOPT: return i < ARRAY_SIZE(tcpopts) ? &tcpopts[i] : NULL;
	case PROTO_IPOPT: return i < ARRAY_SIZE(ipopts) ? &ipopts[i] : NULL;
	case PROTO_SCTP_CHUNK: return i < ARRAY_SIZE(chunks) ? &chunks[i] : NULL;
	case PROTO_EXTHDR6: return i < ARRAY_SIZE(exthdr6) ? &exthdr6[i] : NULL;
	case PROTO_HEADER: return i < ARRAY_SIZE(headers) ? headers[i] : NULL;
	}
	return NULL;
}

const struct proto *proto_option(enum proto_kind kind, const char *name)
{
	const struct proto *p;

	for (size_t i = 0; (p = proto_option_at(kind, i)); i++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

const struct field *proto_field(const struct proto *p, const char *name)
{
	for (const struct field *f = p->fields; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

const struct proto *proto_upper(const struct proto *p, uint32_t num)
{
	for (const struct proto_up *u = p->up; u && u->proto; u++)
		if (u->num == num)
			return u->proto;
	return NULL;
}

int64_t proto_number(const struct proto *p, const struct proto *upper)
{
	for (const struct proto_up *u = p->up; u && u->proto; u++)
		if (u->proto == upper)
			return u->num;
	return -1;
}
