/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The closed mirror of the kernel's network state. It knows no socket: watch.c and the simulator feed it.
 * Every real difference calls ops->event once, dependents first on removal (neighbours, addresses, routes of
 * a link go before the link), links before what stands on them on arrival. The mirror already shows the state
 * *after* the event while ops->event runs. */
#pragma once

#include "net/net.h"

struct mirror;

struct mirror_ops {
	void (*event)(void *ctx, const struct net_event *ev);
	void *ctx;
};

/* Zone of a link by name: the first rule that matches; assigned by configuration. */
struct zone_rule {
	char name[IFNAMSIZ]; /* exact or glob */
	char zone[ZONE_MAX];
};

struct mirror *mirror_new(const struct mirror_ops *ops); /* copies ops */
void mirror_free(struct mirror *m);

/* Replaces all zone rules; links whose zone changes make `change` events, and so do the records that
 * show it. */
void mirror_zones(struct mirror *m, const struct zone_rule *rules, unsigned n);
/* The distinct zones of the rules, i from 0; NULL: end. */
const char *mirror_zone_at(const struct mirror *m, unsigned i);

/* One record as the kernel told it (borrowed, copied when kept). Returns how many events it made. A
 * difference that no field shows (promiscuity, a route's preferred source) is kept without an event. What
 * stands on a link that is not there is left out: the link's own message always comes first. */
unsigned mirror_set(struct mirror *m, const struct net_rec *r);
unsigned mirror_del(struct mirror *m, const struct net_rec *r); /* by key; unknown: nothing */
/* A route that took the place of another one of the same destination, table and metric (NLM_F_REPLACE). */
unsigned mirror_replace(struct mirror *m, const struct net_route *r);

/* A dump of one kind: begin, mirror_set() for each record, then end removes what the dump did not name.
 * Events of the first dump of a kind have `initial` set. */
void mirror_dump_begin(struct mirror *m, enum net_kind kind);
/* The same for one family: end removes nothing of the others. */
void mirror_dump_begin_family(struct mirror *m, enum net_kind kind, uint8_t family);
/* complete false: interrupted, remove nothing. */
void mirror_dump_end(struct mirror *m, enum net_kind kind, bool complete);

/* Nobody asks for the kind any more: its records go without events (no query may hold one); the next dump is
 * a first one again. */
void mirror_forget(struct mirror *m, enum net_kind kind);

/* True once after something happened that makes the kernel drop IPv4 routes without a word (link down,
 * address gone): the watcher then dumps routes again. */
bool mirror_routes_suspect(struct mirror *m);
enum { SUSPECT_IPV4 = 1, SUSPECT_IPV6 = 2 };
unsigned mirror_suspect_families(struct mirror *m); /* the same, as bits */

const struct tree *mirror_tree(const struct mirror *m, enum net_kind kind); /* of net_rec.order */
uint32_t mirror_count(const struct mirror *m, enum net_kind kind);
const struct net_link *mirror_link(const struct mirror *m, uint32_t ifindex); /* NULL: none */
const struct net_link *mirror_link_named(const struct mirror *m, const char *name);
/* IPv6 addresses that are tentative (and not optimistic) or failed are kept but not usable: queries hide
 * them. */
bool net_rec_visible(const struct net_rec *r);
