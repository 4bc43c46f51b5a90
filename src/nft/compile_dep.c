// SPDX-License-Identifier: GPL-2.0-or-later
/* A field can be read only where its header is: what is known about the packet so far, and the matches that
 * must be added before a field may be looked at. */
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <string.h>

#include <linux/netfilter.h>

#include "nft/ir.h"

void dep_init(struct cc *c)
{
	struct pctx *p = &c->p;

	p->icmp_type = -1;
	switch (c->env->family) {
	case NFPROTO_IPV4: p->proto[PB_NET] = &proto_ip; break;
	case NFPROTO_IPV6: p->proto[PB_NET] = &proto_ip6; break;
	case NFPROTO_ARP: p->proto[PB_NET] = &proto_arp; break;
	case NFPROTO_BRIDGE: p->proto[PB_LL] = &proto_eth; break;
	case NFPROTO_NETDEV: p->proto[PB_LL] = &proto_netdev; break;
	default: p->proto[PB_LL] = &proto_inet; break;
	}
}

static bool has_link_layer(const struct cc *c)
{
	return c->env->family == NFPROTO_BRIDGE || c->env->family == NFPROTO_NETDEV ||
	       c->env->family == NFPROTO_INET;
}

uint8_t dep_nfproto(const struct cc *c)
{
	if (c->p.proto[PB_NET] == &proto_ip)
		return NFPROTO_IPV4;
	return c->p.proto[PB_NET] == &proto_ip6 ? NFPROTO_IPV6 : 0;
}

/* ---- learning ---- */

static void learn_transport(struct cc *c, const struct proto *p)
{
	c->p.proto[PB_TRANSPORT] = p;
	c->p.icmp_type = -1;
}

static const struct proto unknown = { .name = "unknown", .csum = -1 };

static void learn_meta(struct cc *c, unsigned key, u128 v)
{
	const struct proto *p;

	switch (key) {
	case NFT_META_IIFTYPE:
		if (v == ARPHRD_ETHER)
			c->p.proto[PB_LL] = &proto_eth;
		else if (c->env->family != NFPROTO_BRIDGE) /* all is Ethernet there */
			c->p.proto[PB_LL] = &unknown;
		break;
	case NFT_META_NFPROTO:
		if (c->env->family != NFPROTO_INET && c->env->family != NFPROTO_BRIDGE &&
			c->env->family != NFPROTO_NETDEV)
			break;
		p = proto_upper(&proto_inet, (uint32_t)v);
		c->p.proto[PB_NET] = p ? p : &unknown;
		break;
	case NFT_META_PROTOCOL:
		if (c->env->family != NFPROTO_BRIDGE && c->env->family != NFPROTO_NETDEV)
			break;
		p = proto_upper(&proto_netdev, (uint32_t)v);
		if (p && p->base == PB_LL)
			break; /* vlan: its header is not the network header */
		c->p.proto[PB_NET] = p ? p : &unknown;
		break;
	case NFT_META_L4PROTO:
		for (const struct proto_up *u = proto_services; u->proto; u++)
			if (u->num == v) {
				learn_transport(c, u->proto);
				return;
			}
		learn_transport(c, &unknown);
		break;
	}
}

static void learn_payload(struct cc *c, const struct ex *x, u128 v)
{
	const struct proto *at = c->p.proto[x->base], *up;

	if (!x->is_key || !at)
		return;
	if (at == &proto_icmp || at == &proto_icmpv6) {
		/* an echo reply is 0 and implies no more than an echo does */
		c->p.icmp_type = v ? (int)v : 8;
		return;
	}
	up = proto_upper(at, (uint32_t)v);
	if (!up)
		return;
	if (up->base == PB_TRANSPORT) {
		learn_transport(c, up);
		return;
	}
	if (up->base == at->base && up->base == PB_LL) {
		if (c->p.n_stacked < ARRAY_SIZE(c->p.stacked))
			c->p.stacked[c->p.n_stacked++] = at;
		c->p.ll_off += at->len;
	}
	c->p.proto[up->base] = up;
}

void dep_learn(struct cc *c, const struct ex *left, const struct ex *right)
{
	if (right->kind != X_VALUE)
		return;
	if (left->kind == X_META)
		learn_meta(c, left->key, right->v);
	else if (left->kind == X_PAYLOAD && left->proto)
		learn_payload(c, left, right->v);
	else if (left->kind == X_CT && left->key == NFT_CT_L3PROTOCOL && c->env->family == NFPROTO_INET)
		learn_meta(c, NFT_META_NFPROTO, right->v);
}

/* ---- implied matches ---- */

static struct ex *const_of(struct cc *c, const struct ex *left, const struct node *n, u128 v)
{
	struct ex *k = ex_new(c, X_VALUE, n);

	k->dt = left->dt;
	k->bits = left->bits;
	k->order = left->order;
	k->v = v;
	return k;
}

static void imply(struct cc *c, struct ex *left, u128 v, bool first)
{
	struct st **tail = c->tail, *old = c->first, *s;
	struct ex *right = const_of(c, left, left->node, v);

	if (first) { /* before everything that stands there */
		c->first = NULL;
		c->tail = &c->first;
		s = st_match(c, c->cur, M_EQ, left, right);
		s->next = old;
		c->tail = old ? tail : &s->next;
	} else {
		st_match(c, c->cur, M_EQ, left, right);
	}
	dep_learn(c, left, right);
}

static void imply_meta(struct cc *c, const struct node *n, unsigned key, u128 v, bool first)
{
	const struct selkey *k = meta_key(key);
	struct ex *x = ex_new(c, X_META, n);

	x->dt = dt_for(k->type, k->order);
	x->bits = k->bits;
	x->order = k->order;
	x->key = k->key;
	x->is_key = true;
	imply(c, x, v, first);
}

/* The key field of a header that is there: ether type, vlan type. */
static void imply_field(struct cc *c, const struct node *n, const struct proto *p, u128 v, bool first)
{
	const struct field *f = proto_field(p, p->key);
	struct ex *x = ex_new(c, X_PAYLOAD, n);

	x->dt = datatype_by_id((enum dt_id)f->type);
	x->bits = f->bits;
	x->order = ORDER_BIG;
	x->proto = p;
	x->field = f;
	x->base = p->base;
	x->off = f->off + (p->base == PB_LL ? 8 * c->p.ll_off : 0);
	x->is_key = true;
	imply(c, x, v, first);
}

static bool conflict(struct cc *c, const struct node *n, const struct proto *a, const struct proto *b)
{
	cc_error(c, n, "conflicting protocols: the rule is about %s here, not %s", a->name, b->name);
	return false;
}

/* p above the link layer; payload: by its type field even where a meta key says the same. */
static bool imply_network(struct cc *c, const struct node *n, const struct proto *p, bool payload, bool first)
{
	const struct proto *ll = c->p.proto[PB_LL];
	int64_t num = ll ? proto_number(ll, p) : -1;

	if (num < 0)
		return conflict(c, n, ll ? ll : &proto_inet, p);
	if (ll == &proto_inet)
		imply_meta(c, n, NFT_META_NFPROTO, (u128)num, first);
	else if (ll == &proto_netdev)
		imply_meta(c, n, NFT_META_PROTOCOL, (u128)num, first);
	else if (c->env->family == NFPROTO_BRIDGE && ll == &proto_eth && p != &proto_arp && !payload)
		imply_meta(c, n, NFT_META_PROTOCOL, (u128)num, first);
	else
		imply_field(c, n, ll, (u128)num, first);
	return true;
}

bool dep_family(struct cc *c, const struct node *n, const struct proto *net, bool first)
{
	if (c->p.proto[PB_NET] == net)
		return true;
	if (c->p.proto[PB_NET])
		return conflict(c, n, c->p.proto[PB_NET], net);
	return imply_network(c, n, net, false, first);
}

bool dep_transport(struct cc *c, const struct node *n, const struct proto *tp, bool first)
{
	const struct proto *net = c->p.proto[PB_NET];
	int64_t num = -1;

	if (c->p.proto[PB_TRANSPORT] == tp)
		return true;
	if (c->p.proto[PB_TRANSPORT])
		return conflict(c, n, c->p.proto[PB_TRANSPORT], tp);
	if (!net && (tp == &proto_icmp || tp == &proto_igmp || tp == &proto_icmpv6)) {
		if (!imply_network(c, n, tp == &proto_icmpv6 ? &proto_ip6 : &proto_ip, true, first))
			return false;
		net = c->p.proto[PB_NET];
	}
	if (net == &unknown)
		net = NULL;
	for (const struct proto_up *u = net ? net->up : proto_services; u && u->proto; u++)
		if (u->proto == tp) {
			num = u->num;
			break;
		}
	if (num < 0)
		return conflict(c, n, net ? net : &proto_inet, tp);
	imply_meta(c, n, NFT_META_L4PROTO, (u128)num, first);
	return true;
}

/* The link layer is Ethernet, and where p is another header of it, that one follows. */
static bool imply_link(struct cc *c, const struct node *n, const struct proto *p)
{
	const struct proto *ll = c->p.proto[PB_LL];
	int64_t num;

	if (!ll || ll == &proto_inet || ll == &proto_netdev) {
		imply_meta(c, n, NFT_META_IIFTYPE, ARPHRD_ETHER, false);
		ll = c->p.proto[PB_LL];
	}
	if (ll == p)
		return true;
	for (unsigned i = 0; i < c->p.n_stacked; i++)
		if (c->p.stacked[i] == p)
			return true;
	num = proto_number(ll, p);
	if (num < 0 || (c->p.proto[PB_NET] && has_link_layer(c)))
		return conflict(c, n, ll, p);
	imply_field(c, n, ll, (u128)num, false);
	return true;
}

/* ICMP fields that only some messages have. */
static bool imply_icmp_type(struct cc *c, struct ex *x)
{
	const struct field *f = x->field, *type = proto_field(x->proto, "type");
	struct anon_set *as;
	struct ex *left, *set;
	struct st *s;

	for (unsigned i = 0; i < f->n_dep; i++)
		if (c->p.icmp_type == f->dep[i] && (c->p.icmp_type || f->n_dep == 1))
			return true;
	if (c->p.icmp_type >= 0) {
		cc_error(c, x->node, "%s %s does not exist in messages of the type matched before",
			x->proto->name, f->name);
		return false;
	}
	left = ex_new(c, X_PAYLOAD, x->node);
	left->dt = datatype_by_id((enum dt_id)type->type);
	left->bits = type->bits;
	left->order = ORDER_BIG;
	left->proto = x->proto;
	left->field = type;
	left->base = PB_TRANSPORT;
	left->is_key = true;
	if (f->n_dep == 1) {
		imply(c, left, f->dep[0], false);
		return true;
	}
	vec_push(&c->code->sets, (struct anon_set){ 0 });
	as = &vec_last(&c->code->sets);
	strcpy(as->info.name, "__set%d");
	as->info.flags = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT;
	as->info.key = ex_type(left);
	for (unsigned i = 0; i < f->n_dep; i++)
		vec_push(&as->elems, (struct setelem){ .klen = 1, .key = { f->dep[i] } });
	set = ex_new(c, X_SET, x->node);
	set->dt = left->dt;
	set->bits = 8;
	set->order = ORDER_BIG;
	set->set.anon = (int)c->code->sets.n - 1;
	s = st_match(c, c->cur, M_EQ, left, set);
	(void)s;
	c->p.icmp_type = f->dep[0] ? f->dep[0] : 8;
	return true;
}

bool dep_payload(struct cc *c, struct ex *x)
{
	const struct proto *p = x->proto;

	if (p == &proto_th)
		return true;
	switch (p->base) {
	case PB_LL:
		if (!imply_link(c, x->node, p))
			return false;
		if (c->p.proto[PB_LL] == p)
			x->off += 8 * c->p.ll_off;
		return true;
	case PB_NET:
		if (c->p.proto[PB_NET] == p)
			return true;
		if (c->p.proto[PB_NET])
			return conflict(c, x->node, c->p.proto[PB_NET], p);
		return imply_network(c, x->node, p, false, false);
	default:
		if (!dep_transport(c, x->node, p, false))
			return false;
		return !x->field->n_dep || imply_icmp_type(c, x);
	}
}

bool dep_exthdr(struct cc *c, struct ex *x)
{
	const struct proto *net = x->proto->kind == PROTO_EXTHDR6 ? &proto_ip6
				  : x->proto->kind == PROTO_IPOPT ? &proto_ip
								  : NULL;

	if (!net || c->p.proto[PB_NET] == net)
		return true;
	if (c->p.proto[PB_NET])
		return conflict(c, x->node, c->p.proto[PB_NET], net);
	return imply_network(c, x->node, net, true, true);
}
