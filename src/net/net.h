/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net: what the host's network looks like. Records of five kinds, the events that say how they change, and
 * one table of fields that filters, Lua and texts share. A new field is a row in field.c; a new kind a table
 * there.
 *
 *   nlparse  nlmsghdr → struct nl_msg (pure)
 *   mirror   the closed set of records; diff → struct net_event
 *   watch    rtnetlink sockets: subscribe, dump, follow, overrun
 *   query    interned filters over the mirror, with deltas pushed to sinks */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/inet.h"
#include "base/json.h"
#include "base/tree.h"

enum net_kind { NET_LINK, NET_ADDR, NET_ROUTE, NET_RULE, NET_NEIGH, NET_KINDS };

enum net_action { NET_ADD, NET_CHANGE, NET_DEL };

#define ZONE_MAX 32 /* bytes of a zone name, with its NUL */
#define KIND_MAX 16 /* rtnl link kinds */

/* Every record starts with this. Records are made by the mirror and immutable once published: a change makes
 * a new one. */
struct net_rec {
	enum net_kind kind;
	struct tnode order; /* in the mirror's tree of its kind, by net_rec_cmp() */
};

struct net_link {
	struct net_rec rec;
	uint32_t ifindex, mtu, master; /* master: ifindex, 0 none */
	uint32_t flags;                /* IFF_* */
	uint8_t operstate;             /* IF_OPER_* */
	uint16_t type;                 /* ARPHRD_* */
	uint8_t mac[32], mac_len;
	char name[IFNAMSIZ], link_kind[KIND_MAX], zone[ZONE_MAX];
	char master_name[IFNAMSIZ]; /* derived */
	bool up, carrier;           /* IFF_UP; IFF_LOWER_UP and operstate not down */
};

struct net_addr {
	struct net_rec rec;
	uint32_t ifindex;
	struct ipprefix prefix;               /* address with its prefix length; host bits kept */
	struct ipaddr peer;                   /* none: family 0 */
	uint8_t scope;                        /* RT_SCOPE_* */
	uint32_t flags;                       /* IFA_F_* */
	uint32_t valid_lft, preferred_lft;    /* seconds, UINT32_MAX: for ever; as told at the last message */
	char iface[IFNAMSIZ], zone[ZONE_MAX]; /* derived from the link */
};

struct net_nexthop {
	struct ipaddr gateway;
	uint32_t ifindex, weight;
	char iface[IFNAMSIZ]; /* derived */
};

struct net_route {
	struct net_rec rec;
	uint8_t family, protocol, type, scope, tos;
	uint32_t table, metric, ifindex;
	struct ipprefix dst; /* len 0 with family set: default */
	struct ipprefix src; /* IPv6 source-specific routes; family 0: any */
	struct ipaddr gateway, prefsrc;
	struct net_nexthop *nexthops; /* owned; NULL: single path */
	uint16_t n_nexthops;
	char iface[IFNAMSIZ], zone[ZONE_MAX];
};

struct net_rule {
	struct net_rec rec;
	uint8_t family, action, protocol;
	uint32_t priority, table, fwmark, fwmask;
	struct ipprefix src, dst; /* family 0: any */
	char iif[IFNAMSIZ], oif[IFNAMSIZ];
	bool invert;
	uint64_t extra; /* fingerprint of selectors without a field here (ports, uids, …), for the identity */
};

struct net_neigh {
	struct net_rec rec;
	uint8_t family, flags, mac[32], mac_len; /* flags: NTF_* */
	uint16_t state;                          /* NUD_* */
	uint32_t ifindex;
	struct ipaddr address;
	char iface[IFNAMSIZ], zone[ZONE_MAX];
};

/* One real change. before is NULL for add, after is NULL for del; both live until the next event is asked
 * for. `lifetime_only`: nothing but valid_lft/preferred_lft differs (delivered to those who asked for
 * lifetimes). */
struct net_event {
	enum net_kind kind;
	enum net_action action;
	const struct net_rec *before, *after;
	uint64_t seq;
	double time;
	bool lifetime_only, initial;
};

/* What identifies a record, as bytes whose memcmp order is the record order: ifindex, family, address, …;
 * routes by family, table, destination, metric, path; rules by family and priority. */
#define NET_KEY_MAX 64
struct net_key {
	uint8_t n, b[NET_KEY_MAX];
};
void net_rec_key(const struct net_rec *r, struct net_key *out);
int net_rec_cmp(const struct net_rec *a, const struct net_rec *b);
/* A record as an administrator's plain command would make it (link up, address permanent, route static in
 * main, neighbour reachable), to be filled in; identity still to be set. Zeroed structs of their own are as
 * good. */
struct net_rec *net_rec_new(enum net_kind kind);
struct net_rec *net_rec_copy(const struct net_rec *r); /* deep, not in any tree */
void net_rec_free(struct net_rec *r);

/* ---- fields: the one table behind filters, Lua event tables, `changed` and texts ---- */

enum net_ftype {
	NF_U32, /* integer */
	NF_BOOL,
	NF_STR,    /* char array, "" is absent */
	NF_ADDR,   /* struct ipaddr → "203.0.113.7"; family 0 is absent */
	NF_PREFIX, /* struct ipprefix → "203.0.113.0/24"; a route's dst of length 0 → "default" */
	NF_MAC,
	NF_FAMILY, /* "ipv4" / "ipv6" */
	NF_ENUM,  /* small number with a name ("global", "kernel", "unicast"), its number as text where it has
		     none */
	NF_FLAGS, /* set of names: {dynamic = true} */
	NF_NEXTHOPS,
};

struct net_val { /* one field of one record */
	enum net_ftype type;
	bool absent;
	uint64_t num;           /* NF_U32, NF_BOOL, NF_FAMILY (AF_*), NF_ENUM, NF_FLAGS (bits) */
	struct ipprefix prefix; /* NF_ADDR (len = full), NF_PREFIX */
	const uint8_t *mac;     /* NF_MAC; borrowed from the record */
	uint8_t mac_len;
	const char *str;                        /* NF_STR borrowed; NF_ENUM its name, static or NULL */
	const char *(*flag_name)(unsigned bit); /* NF_FLAGS */
	const struct net_route *route;          /* NF_NEXTHOPS */
};

struct net_name { /* a number's name; name NULL: end of the list */
	uint32_t num;
	const char *name;
};

struct net_field {
	const char *name;
	enum net_ftype type;
	bool derived;  /* follows from another record (iface, zone) */
	bool lifetime; /* valid_lft, preferred_lft: no change by itself */
	void (*get)(const struct net_rec *r, struct net_val *out);
	const char *(*flag_name)(unsigned bit); /* NF_FLAGS: name of bit (0…63), NULL none */
	const struct net_name *names;           /* NF_ENUM: the names it knows */
};

const struct net_field *net_fields(enum net_kind kind, unsigned *n);
const struct net_field *net_field(enum net_kind kind, const char *name); /* NULL: no such field */
const char *net_field_suggest(enum net_kind kind, const char *name);
bool net_val_equal(const struct net_val *a, const struct net_val *b);
/* The canonical text of a value ("" when absent); NF_FLAGS joined by ",". */
void net_val_text(const struct net_val *v, struct buf *out);
/* For people: a link's name may hold what a terminal obeys, here it is escaped. */
void net_val_show(const struct net_val *v, struct buf *out);
const char *net_name_of(const struct net_name *names, uint32_t num); /* NULL: none */
/* Sets one field from its text, for simulations: what net_val_text() prints is understood; an addr's
 * `address` may carry
 * "/len", `flags` are "dynamic,tentative", `nexthops` are "via 192.0.2.1 dev 3 weight 2, via …" with
 * ifindexes, `carrier` false means operstate down. Every kind but rules takes "ifindex", and a link's
 * `master` is an ifindex here; `iface`, `zone` and `network` follow from other records and are refused.
 * family follows from the first address given; for default routes and rules without one it is given itself.
 * -ENOENT: no such field; -EINVAL: bad text. r comes from net_rec_new() or net_rec_copy(). */
int net_rec_set_field(struct net_rec *r, const char *field, const char *text, struct err *e);
const struct net_field *net_natural_field(
	enum net_kind kind); /* address, name, dst, address; rules: priority */

const char *net_kind_name(enum net_kind kind);  /* "link", "addr", "route", "rule", "neigh" */
const char *net_action_name(enum net_action a); /* "add", "change", "del" */
void net_event_text(const struct net_event *ev, struct buf *out); /* one line for logs and monitor */
/* As policies see it: fields of an open object. A link's stand in "link"; "changed" holds the old values. */
void net_event_json(const struct net_event *ev, struct json *j);
void net_rec_json(const struct net_rec *r, struct json *j);
