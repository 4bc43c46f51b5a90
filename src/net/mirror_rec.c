// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/neighbour.h>
#include <string.h>

#include "base/clock.h"
#include "net/mirror_int.h"

static bool index_eq(const void *item, const void *key)
{
	return ((const struct mlink *)item)->ifindex == *(const uint32_t *)key;
}

struct mlink *mlink_find(const struct mirror *m, uint32_t ifindex)
{
	return hmap_find(&m->by_index, ifindex, index_eq, &ifindex);
}

struct mlink *mlink_get(struct mirror *m, uint32_t ifindex)
{
	struct mlink *l = mlink_find(m, ifindex);

	if (!l) {
		l = xnew(struct mlink);
		l->ifindex = ifindex;
		hmap_put(&m->by_index, ifindex, l);
	}
	return l;
}

void mlink_release(struct mirror *m, struct mlink *l)
{
	if (l == &m->multi || l->node)
		return;
	for (unsigned k = 0; k < NET_KINDS; k++)
		if (l->dep[k].head)
			return;
	hmap_del_item(&m->by_index, l->ifindex, l);
	free(l);
}

uint32_t mrec_ifindex(const struct net_rec *r)
{
	switch (r->kind) {
	case NET_LINK: return ((const struct net_link *)r)->ifindex;
	case NET_ADDR: return ((const struct net_addr *)r)->ifindex;
	case NET_ROUTE: return ((const struct net_route *)r)->ifindex;
	case NET_NEIGH: return ((const struct net_neigh *)r)->ifindex;
	case NET_RULE:
	case NET_KINDS: break;
	}
	return 0;
}

uint8_t mrec_family(const struct net_rec *r)
{
	switch (r->kind) {
	case NET_ADDR: return ((const struct net_addr *)r)->prefix.addr.family;
	case NET_ROUTE: return ((const struct net_route *)r)->family;
	case NET_RULE: return ((const struct net_rule *)r)->family;
	case NET_NEIGH: return ((const struct net_neigh *)r)->family;
	case NET_LINK:
	case NET_KINDS: break;
	}
	return 0;
}

struct mnode *mrec_find(const struct mirror *m, const struct net_rec *r)
{
	struct net_rec *found;
	struct net_key key;

	net_rec_key(r, &key);
	found = net_tree_find(&m->kinds[r->kind].tree, &key);
	return found ? mnode_of(found) : NULL;
}

/* Where a record shows the link it stands on. */
static bool shown(struct net_rec *r, char **iface, char **zone)
{
	switch (r->kind) {
	case NET_ADDR:
		*iface = ((struct net_addr *)r)->iface;
		*zone = ((struct net_addr *)r)->zone;
		return true;
	case NET_ROUTE:
		*iface = ((struct net_route *)r)->iface;
		*zone = ((struct net_route *)r)->zone;
		return true;
	case NET_NEIGH:
		*iface = ((struct net_neigh *)r)->iface;
		*zone = ((struct net_neigh *)r)->zone;
		return true;
	case NET_LINK:
	case NET_RULE:
	case NET_KINDS: break;
	}
	return false;
}

static const char *name_of(const struct mirror *m, uint32_t ifindex)
{
	const struct net_link *l = ifindex ? mirror_link(m, ifindex) : NULL;

	return l ? l->name : "";
}

static void set_name(char to[IFNAMSIZ], const char *name)
{
	memset(to, 0, IFNAMSIZ);
	memcpy(to, name, strlen(name));
}

static void derive(const struct mirror *m, struct net_rec *r)
{
	const struct net_link *on;
	char *iface, *zone;

	if (r->kind == NET_LINK) {
		struct net_link *l = (struct net_link *)r;
		const char *z = mirror_zone_of(m, l->name);

		memset(l->zone, 0, sizeof(l->zone));
		memcpy(l->zone, z, strlen(z));
		set_name(l->master_name, name_of(m, l->master));
	}
	if (!shown(r, &iface, &zone))
		return;
	memset(zone, 0, ZONE_MAX);
	on = mirror_link(m, mrec_ifindex(r));
	set_name(iface, on ? on->name : "");
	if (on)
		memcpy(zone, on->zone, ZONE_MAX);
	if (r->kind == NET_ROUTE) {
		struct net_route *route = (struct net_route *)r;

		for (unsigned i = 0; i < route->n_nexthops; i++)
			set_name(route->nexthops[i].iface, name_of(m, route->nexthops[i].ifindex));
	}
}

bool mrec_stale(const struct mirror *m, const struct net_rec *r)
{
	const struct net_link *on;
	char *iface, *zone;

	if (r->kind == NET_LINK) {
		const struct net_link *l = (const struct net_link *)r;

		return strcmp(l->zone, mirror_zone_of(m, l->name)) ||
		       strcmp(l->master_name, name_of(m, l->master));
	}
	if (!shown((struct net_rec *)(uintptr_t)r, &iface, &zone))
		return false;
	on = mirror_link(m, mrec_ifindex(r));
	if (strcmp(iface, on ? on->name : "") || strcmp(zone, on ? on->zone : ""))
		return true;
	if (r->kind == NET_ROUTE) {
		const struct net_route *route = (const struct net_route *)r;

		for (unsigned i = 0; i < route->n_nexthops; i++)
			if (strcmp(route->nexthops[i].iface, name_of(m, route->nexthops[i].ifindex)))
				return true;
	}
	return false;
}

struct mnode *mrec_new(const struct mirror *m, const struct net_rec *r)
{
	struct mnode *n = xmalloc(sizeof(*n) + net_rec_size(r->kind));

	*n = (struct mnode){ .gen = m->kinds[r->kind].gen };
	net_rec_init(mnode_rec(n), r);
	derive(m, mnode_rec(n));
	return n;
}

void mrec_discard(struct mnode *n)
{
	net_rec_fini(mnode_rec(n));
	free(n);
}

/* The members of each kind that no field shows. */
static bool hidden_equal(const struct net_rec *a, const struct net_rec *b)
{
	switch (a->kind) {
	case NET_LINK: {
		const struct net_link *x = (const struct net_link *)a, *y = (const struct net_link *)b;

		return x->flags == y->flags && x->operstate == y->operstate && x->type == y->type;
	}
	case NET_ROUTE: {
		const struct net_route *x = (const struct net_route *)a, *y = (const struct net_route *)b;

		return x->scope == y->scope && !ipaddr_cmp(&x->prefsrc, &y->prefsrc);
	}
	case NET_RULE:
		return ((const struct net_rule *)a)->protocol == ((const struct net_rule *)b)->protocol;
	case NET_NEIGH: return ((const struct net_neigh *)a)->flags == ((const struct net_neigh *)b)->flags;
	case NET_ADDR:
	case NET_KINDS: break;
	}
	return true;
}

void mrec_take_hidden(struct net_rec *to, const struct net_rec *from)
{
	switch (to->kind) {
	case NET_LINK: {
		struct net_link *x = (struct net_link *)to;
		const struct net_link *y = (const struct net_link *)from;

		x->flags = y->flags;
		x->operstate = y->operstate;
		x->type = y->type;
		break;
	}
	case NET_ROUTE:
		((struct net_route *)to)->scope = ((const struct net_route *)from)->scope;
		((struct net_route *)to)->prefsrc = ((const struct net_route *)from)->prefsrc;
		break;
	case NET_RULE: ((struct net_rule *)to)->protocol = ((const struct net_rule *)from)->protocol; break;
	case NET_NEIGH: ((struct net_neigh *)to)->flags = ((const struct net_neigh *)from)->flags; break;
	case NET_ADDR:
	case NET_KINDS: break;
	}
}

enum mdiff mrec_diff(const struct net_rec *a, const struct net_rec *b)
{
	enum mdiff diff = MDIFF_NONE;
	unsigned n;
	const struct net_field *f = net_fields(a->kind, &n);
	struct net_val x, y;

	/* A port's master may be unknown by name, yet it hangs in its list. */
	if (a->kind == NET_LINK &&
		((const struct net_link *)a)->master != ((const struct net_link *)b)->master)
		return MDIFF_REAL;
	for (unsigned i = 0; i < n; i++) {
		f[i].get(a, &x);
		f[i].get(b, &y);
		if (net_val_equal(&x, &y))
			continue;
		if (!f[i].lifetime)
			return MDIFF_REAL;
		diff = MDIFF_LIFETIME;
	}
	return diff == MDIFF_NONE && !hidden_equal(a, b) ? MDIFF_HIDDEN : diff;
}

static struct mlink *stands_on(struct mirror *m, const struct net_rec *r)
{
	if (r->kind == NET_LINK) {
		uint32_t master = ((const struct net_link *)r)->master;

		return master ? mlink_get(m, master) : NULL;
	}
	if (r->kind == NET_ROUTE && ((const struct net_route *)r)->n_nexthops)
		return &m->multi;
	return mrec_ifindex(r) ? mlink_get(m, mrec_ifindex(r)) : NULL;
}

static void list_add(struct mlink *on, struct mnode *n, enum net_kind kind)
{
	struct mlist *l = &on->dep[kind];

	n->on = on;
	n->next = NULL;
	n->prev = l->tail;
	*(l->tail ? &l->tail->next : &l->head) = n;
	l->tail = n;
}

static void list_del(struct mnode *n, enum net_kind kind)
{
	struct mlist *l = &n->on->dep[kind];

	*(n->prev ? &n->prev->next : &l->head) = n->next;
	*(n->next ? &n->next->prev : &l->tail) = n->prev;
	n->prev = n->next = NULL;
	n->on = NULL;
}

void mrec_to_tail(struct mnode *n, enum net_kind kind)
{
	struct mlink *on = n->on;

	list_del(n, kind);
	list_add(on, n, kind);
}

static int cmp_key(const void *key, const struct tnode *node)
{
	struct net_key k;

	net_rec_key(net_rec_of(node), &k);
	return net_key_cmp(key, &k);
}

static void tree_put(struct mirror *m, struct net_rec *r)
{
	struct net_key key;

	net_rec_key(r, &key);
	tree_insert(&m->kinds[r->kind].tree, &r->order, cmp_key, &key);
}

static void hang(struct mirror *m, struct mnode *n)
{
	struct mlink *on = stands_on(m, mnode_rec(n));

	if (on)
		list_add(on, n, mnode_rec(n)->kind);
}

static void unhang(struct mirror *m, struct mnode *n)
{
	struct mlink *on = n->on;

	if (!on)
		return;
	list_del(n, mnode_rec(n)->kind);
	mlink_release(m, on);
}

void mrec_put(struct mirror *m, struct mnode *n)
{
	tree_put(m, mnode_rec(n));
	hang(m, n);
}

/* The new node hangs before the old one leaves, or the place of an absent master would go with its last port.
 */
void mrec_swap(struct mirror *m, struct mnode *old, struct mnode *n)
{
	struct net_rec *r = mnode_rec(n);

	if (r->kind == NET_LINK)
		mlink_find(m, mrec_ifindex(r))->node = n;
	tree_remove(&m->kinds[r->kind].tree, &mnode_rec(old)->order);
	tree_put(m, r);
	hang(m, n);
	unhang(m, old);
	vec_push(&m->dead, old);
}

void mrec_drop(struct mirror *m, struct mnode *n)
{
	struct net_rec *r = mnode_rec(n);

	tree_remove(&m->kinds[r->kind].tree, &r->order);
	unhang(m, n);
	vec_push(&m->dead, n);
}

void mrec_bury(struct mirror *m)
{
	if (m->depth)
		return;
	vec_foreach (n, &m->dead)
		mrec_discard(*n);
	vec_clear(&m->dead);
}

unsigned mirror_emit(struct mirror *m, struct mnode *before, struct mnode *after, bool lifetime)
{
	enum net_kind kind = mnode_rec(before ? before : after)->kind;
	struct net_event ev = {
		.kind = kind,
		.action = !before  ? NET_ADD
			  : !after ? NET_DEL
				   : NET_CHANGE,
		.before = before ? mnode_rec(before) : NULL,
		.after = after ? mnode_rec(after) : NULL,
		.seq = ++m->seq,
		.time = wall_s(),
		.lifetime_only = lifetime,
		.initial = m->kinds[kind].dumping && !m->kinds[kind].known,
	};

	m->depth++;
	m->ops.event(m->ops.ctx, &ev);
	m->depth--;
	return 1;
}

unsigned mrec_refresh(struct mirror *m, struct mnode *n)
{
	struct mnode *fresh;

	if (!mrec_stale(m, mnode_rec(n)))
		return 0;
	fresh = mrec_new(m, mnode_rec(n));
	fresh->gen = n->gen;
	mrec_swap(m, n, fresh);
	return mirror_emit(m, n, fresh, false);
}

unsigned mrec_remove(struct mirror *m, struct mnode *n)
{
	mrec_drop(m, n);
	return mirror_emit(m, n, NULL, false);
}
