// SPDX-License-Identifier: GPL-2.0-or-later
/* The types and their symbols. Of several names for one value the first is the one that is printed. */
#include "nft/datatype_impl.h"

#include "base/xalloc.h"

#define SYMBOLS(name) static const struct dt_symbol name[]

SYMBOLS(nfproto_syms) = { { "ipv4", 2 }, { "ipv6", 10 }, { NULL, 0 } };

SYMBOLS(ethertype_syms) = { { "ip", 0x0800 }, { "arp", 0x0806 }, { "ip6", 0x86dd }, { "8021q", 0x8100 },
	{ "8021ad", 0x88a8 }, { "vlan", 0x8100 }, { NULL, 0 } };

SYMBOLS(arpop_syms) = { { "request", 1 }, { "reply", 2 }, { "rrequest", 3 }, { "rreply", 4 },
	{ "inrequest", 8 }, { "inreply", 9 }, { "nak", 10 }, { NULL, 0 } };

/* The names of IANA's list that /etc/protocols carries, so that none of it is read for them. */
SYMBOLS(protocol_syms) = { { "ip", 0 }, { "icmp", 1 }, { "igmp", 2 }, { "ggp", 3 }, { "ipencap", 4 },
	{ "st", 5 }, { "tcp", 6 }, { "egp", 8 }, { "igp", 9 }, { "pup", 12 }, { "udp", 17 }, { "hmp", 20 },
	{ "xns-idp", 22 }, { "rdp", 27 }, { "iso-tp4", 29 }, { "dccp", 33 }, { "xtp", 36 }, { "ddp", 37 },
	{ "idpr-cmtp", 38 }, { "ipv6", 41 }, { "ipv6-route", 43 }, { "ipv6-frag", 44 }, { "idrp", 45 },
	{ "rsvp", 46 }, { "gre", 47 }, { "esp", 50 }, { "ah", 51 }, { "skip", 57 }, { "ipv6-icmp", 58 },
	{ "icmpv6", 58 }, { "ipv6-nonxt", 59 }, { "ipv6-opts", 60 }, { "rspf", 73 }, { "vmtp", 81 },
	{ "eigrp", 88 }, { "ospf", 89 }, { "ax.25", 93 }, { "ipip", 94 }, { "etherip", 97 }, { "encap", 98 },
	{ "pim", 103 }, { "ipcomp", 108 }, { "comp", 108 }, { "vrrp", 112 }, { "l2tp", 115 }, { "isis", 124 },
	{ "sctp", 132 }, { "fc", 133 }, { "mobility-header", 135 }, { "udplite", 136 }, { "mpls-in-ip", 137 },
	{ "manet", 138 }, { "hip", 139 }, { "shim6", 140 }, { "wesp", 141 }, { "rohc", 142 },
	{ "ethernet", 143 }, { NULL, 0 } };

SYMBOLS(icmp_syms) = { { "echo-reply", 0 }, { "destination-unreachable", 3 }, { "source-quench", 4 },
	{ "redirect", 5 }, { "echo-request", 8 }, { "router-advertisement", 9 },
	{ "router-solicitation", 10 }, { "time-exceeded", 11 }, { "parameter-problem", 12 },
	{ "timestamp-request", 13 }, { "timestamp-reply", 14 }, { "info-request", 15 }, { "info-reply", 16 },
	{ "address-mask-request", 17 }, { "address-mask-reply", 18 }, { NULL, 0 } };

SYMBOLS(icmp_code_syms) = { { "net-unreachable", 0 }, { "host-unreachable", 1 }, { "prot-unreachable", 2 },
	{ "port-unreachable", 3 }, { "net-prohibited", 9 }, { "host-prohibited", 10 },
	{ "admin-prohibited", 13 }, { "frag-needed", 4 }, { NULL, 0 } };

SYMBOLS(icmp6_syms) = { { "destination-unreachable", 1 }, { "packet-too-big", 2 }, { "time-exceeded", 3 },
	{ "parameter-problem", 4 }, { "echo-request", 128 }, { "echo-reply", 129 },
	{ "mld-listener-query", 130 }, { "mld-listener-report", 131 }, { "mld-listener-done", 132 },
	{ "mld-listener-reduction", 132 }, { "nd-router-solicit", 133 }, { "nd-router-advert", 134 },
	{ "nd-neighbor-solicit", 135 }, { "nd-neighbor-advert", 136 }, { "nd-redirect", 137 },
	{ "router-renumbering", 138 }, { "ind-neighbor-solicit", 141 }, { "ind-neighbor-advert", 142 },
	{ "mld2-listener-report", 143 }, { NULL, 0 } };

SYMBOLS(icmp6_code_syms) = { { "no-route", 0 }, { "admin-prohibited", 1 }, { "addr-unreachable", 3 },
	{ "port-unreachable", 4 }, { "policy-fail", 5 }, { "reject-route", 6 }, { NULL, 0 } };

SYMBOLS(icmpx_code_syms) = { { "port-unreachable", 1 }, { "admin-prohibited", 3 }, { "no-route", 0 },
	{ "host-unreachable", 2 }, { NULL, 0 } };

SYMBOLS(igmp_syms) = { { "membership-query", 17 }, { "membership-report-v1", 18 },
	{ "membership-report-v2", 22 }, { "membership-report-v3", 34 }, { "leave-group", 23 }, { NULL, 0 } };

SYMBOLS(tcpflag_syms) = { { "fin", 1 }, { "syn", 2 }, { "rst", 4 }, { "psh", 8 }, { "ack", 16 },
	{ "urg", 32 }, { "ecn", 64 }, { "cwr", 128 }, { NULL, 0 } };

SYMBOLS(dccp_syms) = { { "request", 0 }, { "response", 1 }, { "data", 2 }, { "ack", 3 }, { "dataack", 4 },
	{ "closereq", 5 }, { "close", 6 }, { "reset", 7 }, { "sync", 8 }, { "syncack", 9 }, { NULL, 0 } };

SYMBOLS(mh_syms) = { { "binding-refresh-request", 0 }, { "home-test-init", 1 }, { "careof-test-init", 2 },
	{ "home-test", 3 }, { "careof-test", 4 }, { "binding-update", 5 }, { "binding-acknowledgement", 6 },
	{ "binding-error", 7 }, { "fast-binding-update", 8 }, { "fast-binding-acknowledgement", 9 },
	{ "fast-binding-advertisement", 10 }, { "experimental-mobility-header", 11 },
	{ "home-agent-switch-message", 12 }, { NULL, 0 } };

SYMBOLS(arphrd_syms) = { { "ether", 1 }, { "ppp", 512 }, { "ipip", 768 }, { "ipip6", 769 },
	{ "loopback", 772 }, { "sit", 776 }, { "ipgre", 778 }, { NULL, 0 } };

SYMBOLS(ct_state_syms) = { { "invalid", 1 }, { "new", 8 }, { "established", 2 }, { "related", 4 },
	{ "untracked", 64 }, { NULL, 0 } };

SYMBOLS(ct_dir_syms) = { { "original", 0 }, { "reply", 1 }, { NULL, 0 } };

SYMBOLS(ct_status_syms) = { { "expected", 1 }, { "seen-reply", 2 }, { "assured", 4 }, { "confirmed", 8 },
	{ "snat", 16 }, { "dnat", 32 }, { "dying", 512 }, { NULL, 0 } };

SYMBOLS(ct_event_syms) = { { "new", 1 }, { "related", 2 }, { "destroy", 4 }, { "reply", 8 },
	{ "assured", 16 }, { "protoinfo", 32 }, { "helper", 64 }, { "mark", 128 }, { "seqadj", 256 },
	{ "secmark", 512 }, { "label", 1024 }, { NULL, 0 } };

SYMBOLS(pkttype_syms) = { { "host", 0 }, { "unicast", 0 }, { "broadcast", 1 }, { "multicast", 2 },
	{ "other", 3 }, { NULL, 0 } };

SYMBOLS(dscp_syms) = { { "cs0", 0 }, { "cs1", 8 }, { "cs2", 16 }, { "cs3", 24 }, { "cs4", 32 }, { "cs5", 40 },
	{ "cs6", 48 }, { "cs7", 56 }, { "df", 0 }, { "be", 0 }, { "lephb", 1 }, { "af11", 10 },
	{ "af12", 12 }, { "af13", 14 }, { "af21", 18 }, { "af22", 20 }, { "af23", 22 }, { "af31", 26 },
	{ "af32", 28 }, { "af33", 30 }, { "af41", 34 }, { "af42", 36 }, { "af43", 38 }, { "va", 44 },
	{ "ef", 46 }, { NULL, 0 } };

SYMBOLS(ecn_syms) = { { "not-ect", 0 }, { "ect1", 1 }, { "ect0", 2 }, { "ce", 3 }, { NULL, 0 } };

SYMBOLS(fib_syms) = { { "unspec", 0 }, { "unicast", 1 }, { "local", 2 }, { "broadcast", 3 }, { "anycast", 4 },
	{ "multicast", 5 }, { "blackhole", 6 }, { "unreachable", 7 }, { "prohibit", 8 }, { NULL, 0 } };

SYMBOLS(boolean_syms) = { { "exists", 1 }, { "missing", 0 }, { NULL, 0 } };

SYMBOLS(day_syms) = { { "Sunday", 0 }, { "Monday", 1 }, { "Tuesday", 2 }, { "Wednesday", 3 },
	{ "Thursday", 4 }, { "Friday", 5 }, { "Saturday", 6 }, { NULL, 0 } };

#define INT         .base = BASE_INTEGER
#define BITS        .base = BASE_BITMASK
#define BIG(n)      .order = ORDER_BIG, .bits = (n)
#define HOST(n)     .order = ORDER_HOST, .bits = (n)
#define PLAIN(n)    .order = ORDER_NONE, .bits = (n)
#define IO(what)    .parse = dt_parse_##what, .print = dt_print_##what
#define FILES(what) .name_value = sys_##what, .value_name = sys_##what##_name, .quote = true

/* clang-format off */
const struct datatype datatypes[] = {
	{ "verdict", "verdict", DT_VERDICT, PLAIN(0) },
	{ "nf_proto", "netfilter protocol", DT_NFPROTO, INT, PLAIN(8), .syms = nfproto_syms },
	{ "bitmask", "bit mask", DT_BITMASK, BITS, BIG(0), .hex = 1 },
	{ "integer", "integer", DT_INTEGER, INT, BIG(0) },
	{ "string", "string", DT_STRING, .base = BASE_STRING, PLAIN(0), IO(string) },
	{ "lladdr", "link layer address", DT_LLADDR, INT, BIG(0), IO(lladdr) },
	{ "ipv4_addr", "IPv4 address", DT_IPADDR, INT, BIG(32), IO(ipv4), .prefix = true },
	{ "ipv6_addr", "IPv6 address", DT_IP6ADDR, INT, BIG(128), IO(ipv6), .prefix = true },
	{ "ether_addr", "Ethernet address", DT_ETHERADDR, INT, BIG(48), IO(lladdr) },
	{ "ether_type", "Ethernet protocol", DT_ETHERTYPE, INT, BIG(16), .hex = 4, .syms = ethertype_syms },
	{ "arp_op", "ARP operation", DT_ARPOP, INT, BIG(16), .syms = arpop_syms },
	{ "inet_proto", "Internet protocol", DT_INET_PROTOCOL, INT, PLAIN(8), .syms = protocol_syms, .name_value = sys_protocol },
	{ "inet_service", "port or service name", DT_INET_SERVICE, INT, BIG(16), .name_value = sys_service },
	{ "icmp_type", "ICMP type", DT_ICMP_TYPE, INT, BIG(8), .syms = icmp_syms },
	{ "tcp_flag", "TCP flag", DT_TCP_FLAG, BITS, BIG(8), .syms = tcpflag_syms },
	{ "dccp_pkttype", "DCCP packet type", DT_DCCP_PKTTYPE, INT, PLAIN(4), .syms = dccp_syms },
	{ "mh_type", "Mobility Header type", DT_MH_TYPE, INT, BIG(8), .syms = mh_syms },
	{ "time", "duration", DT_TIME, INT, HOST(32), IO(time) },
	{ "mark", "packet mark", DT_MARK, INT, HOST(32), .hex = 8, .prefix = true, FILES(mark) },
	{ "iface_index", "network interface", DT_IFINDEX, INT, HOST(32), IO(ifindex) },
	{ "iface_type", "network interface type", DT_ARPHRD, INT, HOST(16), .syms = arphrd_syms },
	{ "realm", "routing realm", DT_REALM, INT, HOST(32), .prefix = true, FILES(realm) },
	{ "classid", "TC class", DT_CLASSID, INT, HOST(32), IO(classid) },
	{ "uid", "user", DT_UID, INT, HOST(32), .name_value = sys_user },
	{ "gid", "group", DT_GID, INT, HOST(32), .name_value = sys_group },
	{ "ct_state", "conntrack state", DT_CT_STATE, BITS, HOST(32), .syms = ct_state_syms },
	{ "ct_dir", "conntrack direction", DT_CT_DIR, INT, PLAIN(8), .syms = ct_dir_syms },
	{ "ct_status", "conntrack status", DT_CT_STATUS, BITS, HOST(32), .syms = ct_status_syms },
	{ "icmpv6_type", "ICMPv6 type", DT_ICMP6_TYPE, INT, BIG(8), .syms = icmp6_syms },
	{ "ct_label", "conntrack label", DT_CT_LABEL, BITS, HOST(128), IO(label) },
	{ "pkt_type", "packet type", DT_PKTTYPE, INT, HOST(8), .syms = pkttype_syms },
	{ "icmp_code", "ICMP code", DT_ICMP_CODE, INT, BIG(8), .syms = icmp_code_syms },
	{ "icmpv6_code", "ICMPv6 code", DT_ICMPV6_CODE, INT, BIG(8), .syms = icmp6_code_syms },
	{ "icmpx_code", "ICMP code of both families", DT_ICMPX_CODE, INT, BIG(8), .syms = icmpx_code_syms },
	{ "devgroup", "interface group", DT_DEVGROUP, INT, HOST(32), .prefix = true, FILES(devgroup) },
	{ "dscp", "DSCP class", DT_DSCP, INT, BIG(6), .hex = 2, .syms = dscp_syms },
	{ "ecn", "ECN code", DT_ECN, INT, BIG(2), .hex = 2, .syms = ecn_syms },
	{ "fib_addrtype", "fib address type", DT_FIB_ADDR, INT, HOST(32), .syms = fib_syms },
	{ "boolean", "boolean", DT_BOOLEAN, INT, PLAIN(1), .syms = boolean_syms },
	{ "ct_event", "conntrack event", DT_CT_EVENTBIT, BITS, HOST(32), .syms = ct_event_syms },
	{ "ifname", "network interface name", DT_IFNAME, .base = BASE_STRING, PLAIN(128), IO(string) },
	{ "igmp_type", "IGMP type", DT_IGMP_TYPE, INT, BIG(8), .syms = igmp_syms },
	{ "time", "date and time", DT_TIME_DATE, INT, HOST(64), IO(date) },
	{ "hour", "hour of the day", DT_TIME_HOUR, INT, HOST(32), IO(hour) },
	{ "day", "day of the week", DT_TIME_DAY, INT, HOST(8), .syms = day_syms, .quote = true },
	{ "cgroupsv2", "cgroup path", DT_CGROUPV2, INT, HOST(64), .parse = dt_parse_cgroup },
};
/* clang-format on */

const unsigned datatype_count = ARRAY_SIZE(datatypes);

const struct datatype datatype_integer_host = { "integer", "integer", DT_INTEGER, INT, HOST(0) };
