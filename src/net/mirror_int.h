/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the mirror. Each record lies behind a node that hangs in the list of the link it stands on, so that
 * renaming or removing a link visits what depends on it and nothing else. */
#pragma once

#include "base/hash.h"
#include "base/vec.h"
#include "net/mirror.h"
#include "net/records.h"

struct mlink;

struct mnode { /* the record follows in memory */
	struct mnode *prev, *next;
	struct mlink *on; /* whose list; NULL: none */
	uint32_t gen;     /* of the last dump or message that named it */
};

struct mlist {
	struct mnode *head, *tail;
};

/* A link, or only the place of one: ports may name a master that has not come yet (node NULL). */
struct mlink {
	uint32_t ifindex;
	struct mnode *node;
	uint64_t named;              /* the later a name was taken, the higher */
	struct mlist dep[NET_KINDS]; /* NET_LINK: its ports */
};

struct mkind {
	struct tree tree;
	uint32_t gen;
	bool dumping, known;
	uint8_t dump_family; /* 0: all */
};

struct mirror {
	struct mirror_ops ops;
	struct mkind kinds[NET_KINDS];
	struct hmap by_index, by_name; /* struct mlink */
	struct mlink multi;            /* routes over several links */
	VEC(struct zone_rule) rules;
	VEC(const char *) zones;    /* distinct, borrowed from rules */
	VEC(struct mnode *) dead;   /* replaced or removed, but an event may still show them */
	VEC(struct net_rec *) held; /* ports of a link dump that came before their master */
	unsigned depth;             /* of events in progress */
	unsigned suspect;
	uint64_t seq, names;
};

static inline struct net_rec *mnode_rec(struct mnode *n)
{
	return (struct net_rec *)(n + 1);
}

static inline struct mnode *mnode_of(const struct net_rec *r)
{
	return (struct mnode *)(uintptr_t)r - 1;
}

static inline struct net_link *mlink_rec(const struct mlink *l)
{
	return l->node ? (struct net_link *)mnode_rec(l->node) : NULL;
}

/* mirror_rec.c: one record */
struct mlink *mlink_find(const struct mirror *m, uint32_t ifindex); /* may be only a place */
struct mlink *mlink_get(struct mirror *m, uint32_t ifindex);
void mlink_release(struct mirror *m, struct mlink *l); /* frees it when it is only a place and nobody waits */
uint32_t mrec_ifindex(const struct net_rec *r);
uint8_t mrec_family(const struct net_rec *r);
struct mnode *mrec_find(const struct mirror *m, const struct net_rec *r);
struct mnode *mrec_new(
	const struct mirror *m, const struct net_rec *r); /* a copy with derived fields, in no tree */
void mrec_discard(struct mnode *n);
bool mrec_stale(const struct mirror *m, const struct net_rec *r); /* derived fields no longer true */
enum mdiff { MDIFF_NONE, MDIFF_HIDDEN, MDIFF_LIFETIME, MDIFF_REAL };
enum mdiff mrec_diff(const struct net_rec *a, const struct net_rec *b);
void mrec_take_hidden(struct net_rec *to, const struct net_rec *from);
void mrec_put(struct mirror *m, struct mnode *n);
void mrec_to_tail(struct mnode *n, enum net_kind kind);
/* The old node dies after the event that shows it. */
void mrec_swap(struct mirror *m, struct mnode *old, struct mnode *n);
void mrec_drop(struct mirror *m, struct mnode *n);
void mrec_bury(struct mirror *m); /* frees the dead, unless an event is in progress */
unsigned mirror_emit(struct mirror *m, struct mnode *before, struct mnode *after, bool lifetime); /* 1 */
unsigned mrec_refresh(
	struct mirror *m, struct mnode *n); /* derived fields anew; change event when they differ */
unsigned mrec_remove(struct mirror *m, struct mnode *n); /* drop and event */
const char *mirror_zone_of(const struct mirror *m, const char *name);

/* mirror_link.c */
unsigned mirror_set_link(struct mirror *m, const struct net_link *l);
unsigned mirror_remove_link(struct mirror *m, struct mlink *l);
unsigned mirror_held_flush(struct mirror *m);

/* mirror_route.c */
unsigned mirror_route_before_set(struct mirror *m, const struct net_route *r);
void mirror_route_unknown(struct mirror *m, const struct net_route *r);
unsigned mirror_routes_lose_link(struct mirror *m, uint32_t ifindex);
