// SPDX-License-Identifier: GPL-2.0-or-later
/* Address translation and transparent proxies. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft/set_build.h"
#include "nft/live.h"

/* Does this map give addresses with ports? Said by its first value, or by the type of the named map. */
static bool gives_ports(struct cc *c, const struct node *m)
{
	const struct val *v;

	if (m->b->kind == N_SET)
		return m->b->a && m->b->a->b && m->b->a->b->kind == N_CONCAT;
	if (m->b->kind == N_SETREF && m->b->s && c->env->set) {
		const struct set_info *s = c->env->set(c->env->ctx, m->b->s);

		return s && s->data.n > 1;
	}
	if (m->b->kind != N_PARAM || !(v = cc_param(c, m->b)))
		return false;
	if (v->kind == VAL_OBJ && v->str && c->env->set) {
		const struct set_info *s = c->env->set(c->env->ctx, v->str);

		return s && s->data.n > 1;
	}
	if (v->kind != VAL_MAP || v->n < 2)
		return false;
	return v->list[1].kind == VAL_CONCAT ||
	       (v->list[1].kind == VAL_STRING && v->list[1].str && strstr(v->list[1].str, " . "));
}

static const char no_transport[] = "a port can be given only where the rule matches the transport protocol "
				   "before (tcp, udp, meta l4proto …)";

static const struct set_info *map_info(struct cc *c, const struct ex *map)
{
	return map->set.anon >= 0 ? &c->code->sets.v[map->set.anon].info : map->set.info;
}

/* An address target: constant, range, or looked up. */
static struct ex *ev_addr(struct cc *c, const struct node *n, unsigned family)
{
	const struct datatype *dt = datatype_by_id(family == NFPROTO_IPV6 ? DT_IP6ADDR : DT_IPADDR);
	struct want w;
	struct ex *x;

	want_dt(&w, dt, 0, ORDER_BIG);
	if (n->kind == N_MAP && gives_ports(c, n)) {
		w.n = 2;
		w.p[1].dt = datatype_by_id(DT_INET_SERVICE);
		w.p[1].bits = 16;
		w.p[1].order = ORDER_BIG;
	}
	if (c->failed)
		return NULL;
	x = ev(c, n, &w);
	if (!x)
		return NULL;
	if (x->kind == X_WILD || x->kind == X_CONCAT || x->kind == X_SET)
		return cc_error(c, n, "an address is expected here");
	if (!ex_const(x) && !same_type(x->dt, dt))
		return cc_error(c, n, "an address of type %s is expected here, this is of type %s", dt->name,
			x->dt->name);
	if (x->kind == X_PREFIX) {
		build_bounds(x, &x->v, &x->hi);
		x->kind = X_RANGE;
	}
	return x;
}

static struct ex *ev_port(struct cc *c, const struct node *n)
{
	const struct datatype *dt = datatype_by_id(DT_INET_SERVICE);
	struct want w;
	struct ex *x;

	if (!c->p.proto[PB_TRANSPORT])
		return cc_error(c, n, "%s", no_transport);
	want_dt(&w, dt, 16, ORDER_BIG);
	x = ev(c, n, &w);
	if (!x)
		return NULL;
	if (ex_const(x) ? x->kind != X_VALUE && x->kind != X_RANGE
			: !same_type(x->dt, dt) && x->dt->id != DT_INTEGER)
		return cc_error(c, n, "a port or a range of ports is expected here");
	return x;
}

static bool nat_family(struct cc *c, const struct node *n, unsigned *family)
{
	unsigned known = dep_nfproto(c), table = c->env->family;

	*family = (unsigned)n->u2;
	if (table == NFPROTO_IPV4 || table == NFPROTO_IPV6) {
		if (*family && *family != table)
			return cc_error(c, n, "a table of the other family");
		*family = table;
		return true;
	}
	if (*family && known && known != *family)
		return cc_error(c, n, "the rule is about %s here", known == NFPROTO_IPV4 ? "ip" : "ip6");
	if (!*family)
		*family = known;
	return true;
}

static bool compile_tproxy(struct cc *c, const struct node *n)
{
	unsigned family;
	struct ex *a = NULL, *p = NULL;
	struct st *s;

	if (!nat_family(c, n, &family))
		return false;
	if (!c->p.proto[PB_TRANSPORT])
		return cc_error(c, n,
			"tproxy needs a match of the transport protocol before (tcp, udp, meta l4proto …)");
	if (n->a && !family)
		return cc_error(c, n, "IPv4 or IPv6? Write `tproxy ip to` or `tproxy ip6 to`");
	if (!n->u2 && c->env->family == NFPROTO_INET && !n->a)
		family = 0;
	if ((n->a && !(a = ev_addr(c, n->a, family))) || (n->b && !(p = ev_port(c, n->b))))
		return false;
	if ((a && a->kind == X_RANGE) || (p && p->kind == X_RANGE))
		return cc_error(c, n, "tproxy takes no ranges");
	s = st_add(c, n);
	s->a = a;
	s->b = p;
	s->family = (int32_t)family;
	return true;
}

/* Which chains the kernel takes these statements in. */
static bool check_nat_chain(struct cc *c, const struct node *n)
{
	const unsigned pre = 1u << NF_INET_PRE_ROUTING, out = 1u << NF_INET_LOCAL_OUT,
		       post = 1u << NF_INET_POST_ROUTING, in = 1u << NF_INET_LOCAL_IN;

	return cc_hooks(c, n, true,
		n->kind == S_MASQ                            ? post
		: n->kind == S_REDIR || n->u == NFT_NAT_DNAT ? pre | out
							     : post | in);
}

bool compile_nat(struct cc *c, const struct node *n)
{
	struct ex *a = NULL, *p = NULL;
	unsigned family;
	struct st *s;
	bool ports;

	if (c->env->family != NFPROTO_IPV4 && c->env->family != NFPROTO_IPV6 &&
		c->env->family != NFPROTO_INET)
		return cc_error(c, n, "this works in tables of family ip, ip6 and inet");
	if (n->kind == S_TPROXY)
		return compile_tproxy(c, n);
	if (!check_nat_chain(c, n))
		return false;
	if (!nat_family(c, n, &family))
		return false;
	if (n->a && !family)
		return cc_error(c, n, "IPv4 or IPv6? Write `%s ip to …` or `%s ip6 to …`",
			n->u == NFT_NAT_SNAT ? "snat" : "dnat", n->u == NFT_NAT_SNAT ? "snat" : "dnat");
	if (n->a && !(a = ev_addr(c, n->a, family)))
		return false;
	if (n->b && !(p = ev_port(c, n->b)))
		return false;
	ports = a && a->kind == X_MAP && map_info(c, a)->data.n > 1;
	if (p && ports)
		return cc_error(c, n->b, "the map gives ports already");
	if (n->op & 4 && !ports)
		return cc_error(c, n->a, "`addr . port` needs a map to addresses with ports");
	if (ports && !c->p.proto[PB_TRANSPORT])
		return cc_error(c, n->a, "%s", no_transport);
	s = st_add(c, n);
	s->a = a;
	s->b = p;
	s->family = (int32_t)(n->a ? family : n->u2 ? n->u2 : c->env->family);
	s->flags = (uint32_t)n->u3 | (p ? NF_NAT_RANGE_PROTO_SPECIFIED : 0);
	if (n->op & 1)
		s->flags |= NF_NAT_RANGE_NETMAP;
	return true;
}
