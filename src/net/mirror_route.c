// SPDX-License-Identifier: GPL-2.0-or-later
/* Where routes differ from other records: several may share destination and metric, they replace and merge
 * with one another, and the kernel does not announce all of it. What can not be known from a message makes
 * routes suspect. */
#include <string.h>
#include <sys/socket.h>

#include "net/mirror_int.h"

static unsigned suspect_bit(const struct net_route *r)
{
	return r->family == AF_INET6 ? SUSPECT_IPV6 : SUSPECT_IPV4;
}

/* Walks the routes that share r's stem: the first after key, which starts as the stem itself. */
static struct net_route *next_sibling(const struct mirror *m, const struct net_key *stem, struct net_key *at)
{
	struct net_rec *r = net_tree_after(&m->kinds[NET_ROUTE].tree, at);

	if (!r)
		return NULL;
	net_rec_key(r, at);
	return at->n >= stem->n && !memcmp(at->b, stem->b, stem->n) ? (struct net_route *)r : NULL;
}

static void stem_of(const struct net_route *r, struct net_key *stem)
{
	net_rec_key(&r->rec, stem);
	stem->n = (uint8_t)net_route_stem(stem);
}

/* IPv6 announces a path that joins a route by the whole route: the single ones it was made of are no more. */
unsigned mirror_route_before_set(struct mirror *m, const struct net_route *r)
{
	struct net_key stem, at;
	struct net_route *s;
	unsigned events = 0;

	if (r->family != AF_INET6 || !r->n_nexthops)
		return 0;
	stem_of(r, &stem);
	for (at = stem; (s = next_sibling(m, &stem, &at));)
		for (unsigned i = 0; !s->n_nexthops && i < r->n_nexthops; i++)
			if (s->ifindex == r->nexthops[i].ifindex &&
				!ipaddr_cmp(&s->gateway, &r->nexthops[i].gateway)) {
				events += mrec_remove(m, mnode_of(&s->rec));
				break;
			}
	return events;
}

/* A delete that names no route we know: one path of a multipath route may be meant. */
void mirror_route_unknown(struct mirror *m, const struct net_route *r)
{
	struct net_key stem, at;

	stem_of(r, &stem);
	at = stem;
	if (next_sibling(m, &stem, &at))
		m->suspect |= suspect_bit(r);
}

unsigned mirror_replace(struct mirror *m, const struct net_route *r)
{
	struct net_route *s, *other = NULL;
	struct net_key stem, at;
	unsigned events = 0, n = 0;

	mrec_bury(m);
	if (!mrec_find(m, &r->rec)) {
		stem_of(r, &stem);
		for (at = stem; (s = next_sibling(m, &stem, &at)); n++)
			other = s;
		if (n == 1)
			events += mrec_remove(m, mnode_of(&other->rec));
		else if (n)
			m->suspect |= suspect_bit(r);
	}
	return events + mirror_set(m, &r->rec);
}

static bool uses(const struct net_route *r, uint32_t ifindex)
{
	for (unsigned i = 0; i < r->n_nexthops; i++)
		if (r->nexthops[i].ifindex == ifindex)
			return true;
	return false;
}

static unsigned lose(struct mirror *m, struct mnode *n, uint32_t ifindex)
{
	struct mnode *less = mrec_new(m, mnode_rec(n));
	struct net_route *r = (struct net_route *)mnode_rec(less);
	uint16_t kept = 0;

	for (unsigned i = 0; i < r->n_nexthops; i++)
		if (r->nexthops[i].ifindex != ifindex)
			r->nexthops[kept++] = r->nexthops[i];
	if (!kept) {
		mrec_discard(less);
		return mrec_remove(m, n);
	}
	r->n_nexthops = kept;
	less->gen = n->gen;
	mrec_swap(m, n, less);
	return mirror_emit(m, n, less, false);
}

unsigned mirror_routes_lose_link(struct mirror *m, uint32_t ifindex)
{
	struct mlist *list = &m->multi.dep[NET_ROUTE];
	unsigned events = 0, n = 0;

	for (struct mnode *it = list->head; it; it = it->next)
		n++;
	while (n-- && list->head) {
		struct mnode *it = list->head;

		if (uses((struct net_route *)mnode_rec(it), ifindex))
			events += lose(m, it, ifindex);
		else
			mrec_to_tail(it, NET_ROUTE);
	}
	return events;
}
