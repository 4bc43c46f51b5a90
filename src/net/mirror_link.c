// SPDX-License-Identifier: GPL-2.0-or-later
/* Links come, change, are renamed and go, and what stands on them with them. */
#include <string.h>

#include "base/text.h"
#include "net/mirror_int.h"

struct name_key {
	const char *name;
	const struct mlink *best;
};

/* Names may be held by two links for a moment (swapped, seen by a dump); the one that took it last has it. */
static bool collect(const void *item, const void *key)
{
	struct name_key *k = (struct name_key *)(uintptr_t)key;
	const struct mlink *l = item;

	if (!strcmp(mlink_rec(l)->name, k->name) && (!k->best || l->named > k->best->named))
		k->best = l;
	return false; /* see all */
}

const struct net_link *mirror_link_named(const struct mirror *m, const char *name)
{
	struct name_key k = { .name = name };

	hmap_find(&m->by_name, hash_str(name), collect, &k);
	return k.best ? mlink_rec(k.best) : NULL;
}

const struct net_link *mirror_link(const struct mirror *m, uint32_t ifindex)
{
	const struct mlink *l = mlink_find(m, ifindex);

	return l ? mlink_rec(l) : NULL;
}

const char *mirror_zone_of(const struct mirror *m, const char *name)
{
	for (uint32_t i = 0; i < m->rules.n; i++) {
		const struct zone_rule *r = &m->rules.v[i];

		if (glob_is(r->name) ? glob_match(r->name, name) : !strcmp(r->name, name))
			return r->zone;
	}
	return "";
}

static void name_take(struct mirror *m, struct mlink *l)
{
	l->named = ++m->names;
	hmap_put(&m->by_name, hash_str(mlink_rec(l)->name), l);
}

static void name_leave(struct mirror *m, struct mlink *l, const char *name)
{
	hmap_del_item(&m->by_name, hash_str(name), l);
}

/* Every record that shows the link's name or zone. Each refreshed record goes to the end of its list, so
 * stale ones are in front, whatever a nested dump adds meanwhile. */
static unsigned refresh_dependents(struct mirror *m, struct mlink *l)
{
	unsigned events = 0;

	for (unsigned k = 0; k < NET_KINDS; k++) {
		struct mlist *list = &l->dep[k];

		while (list->head && mrec_stale(m, mnode_rec(list->head)))
			events += mrec_refresh(m, list->head);
	}
	return events;
}

/* Routes over several links have a list of their own, in which a link's may be anywhere. */
static unsigned refresh_multi(struct mirror *m)
{
	struct mlist *list = &m->multi.dep[NET_ROUTE];
	unsigned events = 0, n = 0;

	for (struct mnode *it = list->head; it; it = it->next)
		n++;
	while (n-- && list->head) {
		struct mnode *it = list->head;

		if (mrec_stale(m, mnode_rec(it)))
			events += mrec_refresh(m, it);
		else
			mrec_to_tail(it, NET_ROUTE);
	}
	return events;
}

/* Does a message about a known index speak of another link, whose predecessor's end was missed? Only a dump
 * can (the kernel always announces an end; an overrun loses it). A rename, or another MAC address, is no
 * other link. */
static bool reused(const struct mirror *m, const struct net_link *old, const struct net_link *l)
{
	if (strcmp(old->link_kind, l->link_kind))
		return true;
	if (!m->kinds[NET_LINK].dumping || !strcmp(old->name, l->name))
		return false;
	return l->mac_len && (old->mac_len != l->mac_len || memcmp(old->mac, l->mac, l->mac_len));
}

/* What the kernel does to routes without a word when a link changes. */
static void suspect_routes(struct mirror *m, const struct net_link *old, const struct net_link *l)
{
	bool down = old->up && (!l || !l->up), moved = l && l->master != old->master;
	bool flap = !l || l->up != old->up || l->carrier != old->carrier;

	if (down || moved)
		m->suspect |= SUSPECT_IPV4;
	if (flap && m->multi.dep[NET_ROUTE].head)
		m->suspect |= SUSPECT_IPV4 | SUSPECT_IPV6;
}

unsigned mirror_remove_link(struct mirror *m, struct mlink *l)
{
	static const enum net_kind order[] = { NET_NEIGH, NET_ADDR, NET_ROUTE };
	uint32_t ifindex = l->ifindex;
	unsigned events = 0;
	struct mnode *n;

	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		while (l->dep[order[i]].head)
			events += mrec_remove(m, l->dep[order[i]].head);
	events += mirror_routes_lose_link(m, ifindex);
	n = l->node;
	suspect_routes(m, mlink_rec(l), NULL);
	name_leave(m, l, mlink_rec(l)->name);
	mrec_drop(m, n);
	l->node = NULL;
	events += mirror_emit(m, n, NULL, false);
	l = mlink_find(m, ifindex);
	if (!l)
		return events;
	events += refresh_dependents(m, l); /* ports without a master now */
	mlink_release(m, l);
	return events;
}

static unsigned add_link(struct mirror *m, const struct net_link *rec)
{
	struct mlink *l = mlink_get(m, rec->ifindex);
	uint32_t ifindex = rec->ifindex;
	unsigned events;

	l->node = mrec_new(m, &rec->rec);
	mrec_put(m, l->node);
	name_take(m, l);
	events = mirror_emit(m, NULL, l->node, false);
	l = mlink_find(m, ifindex);
	if (l)
		events += refresh_dependents(m, l);
	return events + refresh_multi(m);
}

static unsigned change_link(struct mirror *m, struct mlink *l, const struct net_link *rec)
{
	struct mnode *n = mrec_new(m, &rec->rec), *old = l->node;
	const struct net_link *was = mlink_rec(l), *now = (struct net_link *)mnode_rec(n);
	enum mdiff diff = mrec_diff(&was->rec, &now->rec);
	bool renamed = strcmp(was->name, now->name), rezoned = strcmp(was->zone, now->zone);
	uint32_t ifindex = rec->ifindex;
	unsigned events;

	if (diff != MDIFF_REAL) {
		if (diff == MDIFF_HIDDEN)
			mrec_take_hidden(mnode_rec(old), mnode_rec(n));
		old->gen = n->gen;
		mrec_discard(n);
		return 0;
	}
	suspect_routes(m, was, now);
	if (renamed)
		name_leave(m, l, was->name);
	mrec_swap(m, old, n);
	if (renamed)
		name_take(m, l);
	events = mirror_emit(m, old, n, false);
	if (!renamed && !rezoned)
		return events;
	l = mlink_find(m, ifindex);
	if (l)
		events += refresh_dependents(m, l);
	return events + refresh_multi(m);
}

/* Ports of a dump that came before their master, now that one is there. */
static unsigned release_held(struct mirror *m, uint32_t master)
{
	unsigned events = 0;

	for (uint32_t i = 0; i < m->held.n;) {
		struct net_rec *r = m->held.v[i];

		if (((struct net_link *)r)->master != master) {
			i++;
			continue;
		}
		vec_remove(&m->held, i);
		events += mirror_set_link(m, (struct net_link *)r);
		net_rec_free(r);
		i = 0; /* that may have released others */
	}
	return events;
}

unsigned mirror_held_flush(struct mirror *m)
{
	unsigned events = 0;

	while (m->held.n) {
		struct net_rec *r = m->held.v[0];

		vec_remove(&m->held, 0);
		events += mirror_set_link(m, (struct net_link *)r);
		net_rec_free(r);
	}
	return events;
}

/* The name is another link's, which the dump has not shown yet: that one went, or has another name by now,
 * and nobody heard of it. It goes first, or whoever keeps something by name would lose the new one's with the
 * old one's. If it only changed its name the dump brings it back. */
static unsigned name_free(struct mirror *m, const struct net_link *rec)
{
	const struct net_link *other = mirror_link_named(m, rec->name);
	struct mlink *l;

	if (!m->kinds[NET_LINK].dumping || !other || other->ifindex == rec->ifindex)
		return 0;
	l = mlink_find(m, other->ifindex);
	return l->node->gen == m->kinds[NET_LINK].gen ? 0 : mirror_remove_link(m, l);
}

unsigned mirror_set_link(struct mirror *m, const struct net_link *rec)
{
	unsigned events = name_free(m, rec);
	struct mlink *l = mlink_find(m, rec->ifindex);

	if (l && l->node && reused(m, mlink_rec(l), rec)) {
		events += mirror_remove_link(m, l);
		l = mlink_find(m, rec->ifindex);
	}
	if (l && l->node)
		return events + change_link(m, l, rec);
	events += add_link(m, rec);
	return m->held.n ? events + release_held(m, rec->ifindex) : events;
}
