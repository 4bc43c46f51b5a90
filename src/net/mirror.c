// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/mirror.h"

#include <string.h>
#include <sys/socket.h>

#include "net/mirror_int.h"

struct mirror *mirror_new(const struct mirror_ops *ops)
{
	struct mirror *m = xnew(struct mirror);

	m->ops = *ops;
	return m;
}

void mirror_free(struct mirror *m)
{
	struct mlink *l;

	if (!m)
		return;
	m->depth = 0;
	for (unsigned k = 0; k < NET_KINDS; k++)
		mirror_forget(m, k);
	mrec_bury(m);
	hmap_foreach (l, &m->by_index, pos)
		free(l);
	hmap_free(&m->by_index);
	hmap_free(&m->by_name);
	vec_foreach (r, &m->held)
		net_rec_free(*r);
	vec_free(&m->held);
	vec_free(&m->dead);
	vec_free(&m->rules);
	vec_free(&m->zones);
	free(m);
}

static void note_zone(struct mirror *m, const char *zone)
{
	vec_foreach (z, &m->zones)
		if (!strcmp(*z, zone))
			return;
	if (*zone)
		vec_push(&m->zones, zone);
}

void mirror_zones(struct mirror *m, const struct zone_rule *rules, unsigned n)
{
	struct tree *links = &m->kinds[NET_LINK].tree;
	struct net_key key;

	mrec_bury(m);
	vec_clear(&m->rules);
	vec_clear(&m->zones);
	vec_reserve(&m->rules, n);
	for (unsigned i = 0; i < n; i++) {
		struct zone_rule r = rules[i];

		r.name[sizeof(r.name) - 1] = r.zone[sizeof(r.zone) - 1] = 0;
		m->rules.v[m->rules.n++] = r;
	}
	vec_foreach (r, &m->rules)
		note_zone(m, r->zone);
	for (struct net_rec *r = net_rec_of(tree_first(links)); r; r = net_tree_after(links, &key)) {
		net_rec_key(r, &key);
		if (mrec_stale(m, r))
			mirror_set_link(m, (struct net_link *)r);
	}
}

const char *mirror_zone_at(const struct mirror *m, unsigned i)
{
	return i < m->zones.n ? m->zones.v[i] : NULL;
}

static unsigned set_other(struct mirror *m, const struct net_rec *r)
{
	struct mkind *k = &m->kinds[r->kind];
	struct mnode *old, *n;
	enum mdiff diff;

	if (mrec_ifindex(r) && !mirror_link(m, mrec_ifindex(r)))
		return 0;
	old = mrec_find(m, r);
	/* Of two IPv4 multipath routes of one metric a dump names the one in use first. */
	if (old && k->dumping && r->kind == NET_ROUTE && old->gen == k->gen)
		return 0;
	n = mrec_new(m, r);
	if (!old) {
		mrec_put(m, n);
		return mirror_emit(m, NULL, n, false);
	}
	diff = mrec_diff(mnode_rec(old), mnode_rec(n));
	if (diff == MDIFF_NONE || diff == MDIFF_HIDDEN) {
		if (diff == MDIFF_HIDDEN)
			mrec_take_hidden(mnode_rec(old), mnode_rec(n));
		old->gen = n->gen;
		mrec_discard(n);
		return 0;
	}
	mrec_swap(m, old, n);
	return mirror_emit(m, old, n, diff == MDIFF_LIFETIME);
}

unsigned mirror_set(struct mirror *m, const struct net_rec *r)
{
	mrec_bury(m);
	if (r->kind == NET_LINK) {
		const struct net_link *l = (const struct net_link *)r;

		if (m->kinds[NET_LINK].dumping && l->master && !mirror_link(m, l->master)) {
			vec_push(&m->held, net_rec_copy(r));
			return 0;
		}
		return mirror_set_link(m, l);
	}
	if (r->kind == NET_ROUTE) {
		unsigned events = mirror_route_before_set(m, (const struct net_route *)r);

		return events + set_other(m, r);
	}
	return set_other(m, r);
}

unsigned mirror_del(struct mirror *m, const struct net_rec *r)
{
	struct mnode *n;

	mrec_bury(m);
	if (r->kind == NET_LINK) {
		struct mlink *l = mlink_find(m, ((const struct net_link *)r)->ifindex);

		return l && l->node ? mirror_remove_link(m, l) : 0;
	}
	n = mrec_find(m, r);
	if (!n) {
		if (r->kind == NET_ROUTE)
			mirror_route_unknown(m, (const struct net_route *)r);
		return 0;
	}
	if (r->kind == NET_ADDR && mrec_family(r) == AF_INET)
		m->suspect |= SUSPECT_IPV4; /* routes that prefer it as source go with it */
	return mrec_remove(m, n);
}

void mirror_dump_begin_family(struct mirror *m, enum net_kind kind, uint8_t family)
{
	struct mkind *k = &m->kinds[kind];

	mrec_bury(m);
	k->gen++;
	k->dumping = true;
	k->dump_family = family;
}

void mirror_dump_begin(struct mirror *m, enum net_kind kind)
{
	mirror_dump_begin_family(m, kind, 0);
}

static void sweep(struct mirror *m, enum net_kind kind)
{
	struct mkind *k = &m->kinds[kind];
	struct net_rec *r = net_rec_of(tree_first(&k->tree));
	struct net_key key;

	while (r) {
		struct mnode *n = mnode_of(r);

		if (n->gen == k->gen || (k->dump_family && mrec_family(r) != k->dump_family)) {
			r = net_rec_of(tree_next(&r->order));
			continue;
		}
		net_rec_key(r, &key);
		if (kind == NET_LINK)
			mirror_remove_link(m, mlink_find(m, mrec_ifindex(r)));
		else
			mrec_remove(m, n);
		mrec_bury(m);
		r = net_tree_after(&k->tree, &key);
	}
}

void mirror_dump_end(struct mirror *m, enum net_kind kind, bool complete)
{
	struct mkind *k = &m->kinds[kind];

	mrec_bury(m);
	if (kind == NET_LINK)
		mirror_held_flush(m);
	k->dumping = false;
	if (complete)
		sweep(m, kind);
	k->known = k->known || complete;
}

void mirror_forget(struct mirror *m, enum net_kind kind)
{
	struct mkind *k = &m->kinds[kind];
	struct tnode *t;

	while ((t = k->tree.root))
		mrec_drop(m, mnode_of(net_rec_of(t)));
	k->known = false;
	mrec_bury(m);
}

bool mirror_routes_suspect(struct mirror *m)
{
	return mirror_suspect_families(m) != 0;
}

unsigned mirror_suspect_families(struct mirror *m)
{
	unsigned families = m->suspect;

	m->suspect = 0;
	return families;
}

const struct tree *mirror_tree(const struct mirror *m, enum net_kind kind)
{
	return &m->kinds[kind].tree;
}

uint32_t mirror_count(const struct mirror *m, enum net_kind kind)
{
	return tree_size(&m->kinds[kind].tree);
}
