/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a rule can look at: protocol headers with their fields, and the keys of meta, ct, rt, socket, ipsec.
 * Tables only; a new protocol is a new row. Internal to nft/. */
#pragma once

#include "nft/datatype.h"

enum proto_base { PB_LL, PB_NET, PB_TRANSPORT, PB_INNER, PB_N };

struct field {
	const char *name;   /* "saddr"; "saddr ether" is written as two words */
	uint16_t off, bits; /* in bits, from the header's begin */
	uint8_t type;       /* enum dt_id */
	/* ICMP fields exist in some message types only: those are implied. */
	uint8_t n_dep;
	uint8_t dep[6];
};

struct proto_up {
	uint32_t num; /* value of the key field, host order */
	const struct proto *proto;
};

enum proto_kind { PROTO_HEADER, PROTO_EXTHDR6, PROTO_TCPOPT, PROTO_IPOPT, PROTO_SCTP_CHUNK };

struct proto {
	const char *name;
	uint8_t kind;
	uint8_t base;               /* PROTO_HEADER */
	uint8_t len;                /* bytes, where a header of the same base can follow */
	uint8_t num;                /* the others: extension header, option or chunk number */
	const struct field *fields; /* in the order of nft's own numbers, which are in sets' user data */
	const char *key;            /* the field that names what follows */
	const struct proto_up *up;  /* ends with a NULL proto */
	int8_t csum;                /* byte offset of the Internet checksum, -1: none */
	const char *const *pseudo;  /* fields that the transport checksum covers too */
};

extern const struct proto proto_eth, proto_vlan, proto_arp, proto_ip, proto_ip6, proto_th, proto_icmp,
	proto_icmpv6, proto_igmp, proto_tcp, proto_udp;
extern const struct proto proto_inet,
	proto_netdev; /* pseudo headers of the link layer: meta nfproto, meta protocol */
extern const struct proto_up proto_services[];

const struct proto *proto_by_name(const char *name); /* PROTO_HEADER and PROTO_EXTHDR6 */
const struct proto *proto_option(enum proto_kind kind, const char *name);
const struct proto *proto_at(size_t i); /* NULL: end */
const struct proto *proto_option_at(enum proto_kind kind, size_t i);
const struct field *proto_field(const struct proto *p, const char *name);
const struct proto *proto_upper(const struct proto *p, uint32_t num);
int64_t proto_number(const struct proto *p, const struct proto *upper); /* -1: does not follow p */

struct selkey {
	const char *name;
	uint8_t key;  /* kernel's number */
	uint8_t type; /* enum dt_id */
	uint16_t bits;
	uint8_t order; /* enum dt_order */
	uint8_t flags;
};
enum {
	SK_BARE = 1, /* meta: also without the word meta */
	SK_SET = 2,  /* has a set form */
	SK_DIR = 4,  /* ct: needs or takes a direction */
	SK_NEEDDIR = 8,
};

extern const struct selkey meta_keys[], ct_keys[], rt_keys[], socket_keys[], xfrm_keys[];
const struct selkey *meta_key(unsigned key);                                /* the first of NFT_META_key */
const struct selkey *selkey_find(const struct selkey *t, const char *name); /* NULL: none */
