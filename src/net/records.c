// SPDX-License-Identifier: GPL-2.0-or-later
/* Identity, order, copies and texts of records. */
#include "net/records.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <net/if.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/hash.h"
#include "net/mirror.h"

static void key_bytes(struct net_key *k, const void *p, unsigned n)
{
	memcpy(k->b + k->n, p, n);
	k->n = (uint8_t)(k->n + n);
}

static void key_u8(struct net_key *k, uint8_t v)
{
	k->b[k->n++] = v;
}

static void key_u32(struct net_key *k, uint32_t v)
{
	v = htonl(v);
	key_bytes(k, &v, sizeof(v));
}

static void key_addr(struct net_key *k, const struct ipaddr *a)
{
	key_u8(k, a->family);
	key_bytes(k, a->b, ipaddr_bytes(a));
}

/* IPv4 addresses of one value but different peers live side by side; an IPv6 address has one peer at a time.
 */
static void addr_key(const struct net_addr *a, struct net_key *k)
{
	key_u32(k, a->ifindex);
	key_addr(k, &a->prefix.addr);
	key_u8(k, a->prefix.len);
	if (a->prefix.addr.family == AF_INET)
		key_bytes(k, a->peer.b, ipaddr_bytes(&a->peer));
}

/* The kernel keeps several routes of one destination and metric: IPv4 by append, IPv6 by device and router.
 * So the path is part of the identity; a multipath route (no ifindex, no gateway) is one whatever its
 * nexthops. */
static void route_key(const struct net_route *r, struct net_key *k)
{
	uint32_t src = 0;

	if (r->src.addr.family)
		src = (uint32_t)hash_stable(r->src.len, r->src.addr.b, sizeof(r->src.addr.b)) | 1;
	key_u8(k, r->family);
	key_u32(k, r->table);
	key_bytes(k, r->dst.addr.b, r->family == AF_INET6 ? 16 : 4);
	key_u8(k, r->dst.len);
	key_u8(k, r->tos);
	key_u32(k, r->metric);
	key_u32(k, src);
	key_u32(k, r->ifindex);
	key_addr(k, &r->gateway);
	key_u8(k, r->type);
}

unsigned net_route_stem(const struct net_key *key)
{
	return key->b[0] == AF_INET6 ? 31 : 19;
}

static uint64_t hash_prefix(uint64_t h, const struct ipprefix *p)
{
	h = hash_stable(h, p->addr.b, sizeof(p->addr.b));
	return hash_mix(h, (uint64_t)p->addr.family << 8 | p->len);
}

/* A rule has no number but its priority, which many may share: the rest of what it says tells them apart. */
static void rule_key(const struct net_rule *r, struct net_key *k)
{
	uint64_t h = hash_mix(r->extra, (uint64_t)r->table << 32 | r->fwmark);

	h = hash_mix(h, (uint64_t)r->fwmask << 32 | r->action << 8 | r->invert);
	h = hash_prefix(hash_prefix(h, &r->src), &r->dst);
	h = hash_stable(h, r->iif, strnlen(r->iif, sizeof(r->iif)));
	h = hash_stable(h, r->oif, strnlen(r->oif, sizeof(r->oif)));
	key_u8(k, r->family);
	key_u32(k, r->priority);
	key_u32(k, (uint32_t)(h >> 32));
	key_u32(k, (uint32_t)h);
}

void net_rec_key(const struct net_rec *r, struct net_key *out)
{
	out->n = 0;
	switch (r->kind) {
	case NET_LINK: key_u32(out, ((const struct net_link *)r)->ifindex); break;
	case NET_ADDR: addr_key((const struct net_addr *)r, out); break;
	case NET_ROUTE: route_key((const struct net_route *)r, out); break;
	case NET_RULE: rule_key((const struct net_rule *)r, out); break;
	case NET_NEIGH:
		key_u32(out, ((const struct net_neigh *)r)->ifindex);
		key_addr(out, &((const struct net_neigh *)r)->address);
		break;
	case NET_KINDS: break;
	}
}

int net_key_cmp(const struct net_key *a, const struct net_key *b)
{
	int c = memcmp(a->b, b->b, a->n < b->n ? a->n : b->n);

	return c ? c : (int)a->n - (int)b->n;
}

int net_rec_cmp(const struct net_rec *a, const struct net_rec *b)
{
	struct net_key x, y;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	net_rec_key(a, &x);
	net_rec_key(b, &y);
	return net_key_cmp(&x, &y);
}

struct net_rec *net_tree_after(const struct tree *t, const struct net_key *key)
{
	struct tnode *n = t->root, *best = NULL;
	struct net_key k;

	if (!key)
		return net_rec_of(tree_first(t));
	while (n) {
		net_rec_key(net_rec_of(n), &k);
		if (net_key_cmp(key, &k) < 0) {
			best = n;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return net_rec_of(best);
}

static int cmp_key(const void *key, const struct tnode *node)
{
	struct net_key k;

	net_rec_key(net_rec_of(node), &k);
	return net_key_cmp(key, &k);
}

struct net_rec *net_tree_find(const struct tree *t, const struct net_key *key)
{
	return net_rec_of(tree_find(t, cmp_key, key));
}

size_t net_rec_size(enum net_kind kind)
{
	static const size_t sizes[NET_KINDS] = {
		[NET_LINK] = sizeof(struct net_link),
		[NET_ADDR] = sizeof(struct net_addr),
		[NET_ROUTE] = sizeof(struct net_route),
		[NET_RULE] = sizeof(struct net_rule),
		[NET_NEIGH] = sizeof(struct net_neigh),
	};

	return sizes[kind];
}

void net_rec_init(struct net_rec *to, const struct net_rec *r)
{
	memcpy(to, r, net_rec_size(r->kind));
	to->order = (struct tnode){ 0 };
	if (r->kind == NET_ROUTE) {
		struct net_route *route = (struct net_route *)to;

		if (route->n_nexthops)
			route->nexthops =
				xmemdup(route->nexthops, route->n_nexthops * sizeof(*route->nexthops));
		else
			route->nexthops = NULL;
	}
}

void net_rec_fini(struct net_rec *r)
{
	if (r->kind == NET_ROUTE)
		free(((struct net_route *)r)->nexthops);
}

struct net_rec *net_rec_copy(const struct net_rec *r)
{
	struct net_rec *copy = xmalloc(net_rec_size(r->kind));

	net_rec_init(copy, r);
	return copy;
}

void net_rec_free(struct net_rec *r)
{
	if (!r)
		return;
	net_rec_fini(r);
	free(r);
}

struct net_rec *net_rec_new(enum net_kind kind)
{
	struct net_rec *r = xcalloc(1, net_rec_size(kind));

	r->kind = kind;
	switch (kind) {
	case NET_LINK: {
		struct net_link *l = (struct net_link *)r;

		l->mtu = 1500;
		l->flags = IFF_UP | IFF_BROADCAST | IFF_RUNNING | IFF_MULTICAST | IFF_LOWER_UP;
		l->operstate = IF_OPER_UP;
		l->type = ARPHRD_ETHER;
		l->up = l->carrier = true;
		break;
	}
	case NET_ADDR: {
		struct net_addr *a = (struct net_addr *)r;

		a->flags = IFA_F_PERMANENT;
		a->valid_lft = a->preferred_lft = UINT32_MAX;
		break;
	}
	case NET_ROUTE: {
		struct net_route *t = (struct net_route *)r;

		t->table = RT_TABLE_MAIN;
		t->protocol = RTPROT_STATIC;
		t->type = RTN_UNICAST;
		break;
	}
	case NET_RULE: {
		struct net_rule *rule = (struct net_rule *)r;

		rule->action = FR_ACT_TO_TBL;
		rule->table = RT_TABLE_MAIN;
		break;
	}
	case NET_NEIGH: ((struct net_neigh *)r)->state = NUD_REACHABLE; break;
	case NET_KINDS: break;
	}
	return r;
}

bool net_rec_visible(const struct net_rec *r)
{
	const struct net_addr *a = (const struct net_addr *)r;

	if (r->kind != NET_ADDR || a->prefix.addr.family != AF_INET6)
		return true;
	if (a->flags & IFA_F_DADFAILED)
		return false;
	return !(a->flags & IFA_F_TENTATIVE) || a->flags & IFA_F_OPTIMISTIC;
}

/* The fields that say which record it is, in the order people read them. */
static const char *const *label_fields(enum net_kind kind)
{
	static const char *const link[] = { "name", NULL };
	static const char *const addr[] = { "iface", "address", NULL };
	static const char *const route[] = { "dst", NULL };
	static const char *const rule[] = { "priority", "family", NULL };
	static const char *const neigh[] = { "iface", "address", NULL };
	static const char *const *const of[NET_KINDS] = {
		[NET_LINK] = link,
		[NET_ADDR] = addr,
		[NET_ROUTE] = route,
		[NET_RULE] = rule,
		[NET_NEIGH] = neigh,
	};

	return of[kind];
}

static bool in_label(enum net_kind kind, const char *field)
{
	if (kind == NET_ADDR &&
		(!strcmp(field, "prefixlen") || !strcmp(field, "network") || !strcmp(field, "family")))
		return true; /* said by the address with its length */
	for (const char *const *l = label_fields(kind); *l; l++)
		if (!strcmp(*l, field))
			return true;
	return false;
}

static void put_field(const struct net_field *f, const struct net_rec *r, struct buf *out)
{
	struct net_val v;

	f->get(r, &v);
	net_val_show(&v, out);
}

static void put_label(const struct net_rec *r, struct buf *out)
{
	for (const char *const *l = label_fields(r->kind); *l; l++) {
		size_t n = out->n;

		buf_putc(out, ' ');
		put_field(net_field(r->kind, *l), r, out);
		if (out->n == n + 1)
			buf_putc(out, '-');
	}
	if (r->kind == NET_ADDR)
		buf_printf(out, "/%u", ((const struct net_addr *)r)->prefix.len);
}

static void put_difference(const struct net_event *ev, const struct net_field *f, struct buf *out)
{
	struct net_val before, after;

	f->get(ev->before, &before);
	f->get(ev->after, &after);
	if (net_val_equal(&before, &after))
		return;
	buf_printf(out, " %s=", f->name);
	net_val_show(&before, out);
	buf_puts(out, "->");
	net_val_show(&after, out);
}

void net_event_text(const struct net_event *ev, struct buf *out)
{
	const struct net_rec *r = ev->after ? ev->after : ev->before;
	unsigned n;
	const struct net_field *f = net_fields(ev->kind, &n);

	buf_printf(out, "%s %s", net_kind_name(ev->kind), net_action_name(ev->action));
	put_label(r, out);
	for (unsigned i = 0; i < n; i++) {
		struct net_val v;

		if (ev->before && ev->after) {
			put_difference(ev, &f[i], out);
			continue;
		}
		f[i].get(r, &v);
		if (v.absent || in_label(ev->kind, f[i].name) || f[i].lifetime)
			continue;
		buf_printf(out, " %s=", f[i].name);
		net_val_show(&v, out);
	}
}
