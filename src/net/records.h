/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys and trees of records, for the files of net/. */
#pragma once

#include "base/xalloc.h"
#include "net/net.h"

/* The first record whose key is greater than key (NULL: the first), or NULL. */
struct net_rec *net_tree_after(const struct tree *t, const struct net_key *key);
struct net_rec *net_tree_find(const struct tree *t, const struct net_key *key);
int net_key_cmp(const struct net_key *a, const struct net_key *b);
/* The leading bytes of a route's key that routes to one destination share: all but path and type. */
unsigned net_route_stem(const struct net_key *key);
size_t net_rec_size(enum net_kind kind);
/* Copies r into to, which has net_rec_size() bytes, and what it owns. */
void net_rec_init(struct net_rec *to, const struct net_rec *r);
void net_rec_fini(struct net_rec *r); /* frees what it owns */

static inline struct net_rec *net_rec_of(const struct tnode *n)
{
	return n ? container_of(n, struct net_rec, order) : NULL;
}
