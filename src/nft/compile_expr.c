// SPDX-License-Identifier: GPL-2.0-or-later
/* Selectors and operators: their types, widths, byte orders. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft/ir.h"

#ifndef NFT_EXTHDR_OP_DCCP
#define NFT_EXTHDR_OP_DCCP 4
#endif

const struct datatype *dt_for(unsigned id, enum dt_order order)
{
	return id == DT_INTEGER && order == ORDER_HOST ? &datatype_integer_host
						       : datatype_by_id((enum dt_id)id);
}

bool ex_const(const struct ex *x)
{
	if (x->kind != X_CONCAT)
		return x->kind <= X_SET;
	for (unsigned i = 0; i < x->n; i++)
		if (!ex_const(x->part[i]))
			return false;
	return true;
}

bool same_type(const struct datatype *a, const struct datatype *b)
{
	return a->id == b->id;
}

static unsigned phys_bytes(const struct ex *x)
{
	if (x->kind == X_BINOP || x->kind == X_SWAP)
		return phys_bytes(x->a);
	return datatype_bytes(x->bits);
}

unsigned ex_bytes(const struct ex *x)
{
	unsigned n = 0;

	if (x->kind != X_CONCAT)
		return phys_bytes(x);
	for (unsigned i = 0; i < x->n; i++)
		n += (phys_bytes(x->part[i]) + 3) & ~3u;
	return n;
}

void want_dt(struct want *w, const struct datatype *dt, unsigned bits, enum dt_order order)
{
	w->n = 1;
	w->p[0].dt = dt;
	w->p[0].bits = bits ? bits : dt->bits;
	w->p[0].order = order;
}

void want_ex(struct want *w, const struct ex *x)
{
	if (x->kind != X_CONCAT) {
		want_dt(w, x->dt, x->bits, x->order);
		return;
	}
	w->n = x->n;
	for (unsigned i = 0; i < x->n; i++) {
		w->p[i].dt = x->part[i]->dt;
		w->p[i].bits = x->part[i]->bits;
		w->p[i].order = x->part[i]->order;
	}
}

void want_type(struct want *w, const struct nft_type *t)
{
	w->n = t->n;
	for (unsigned i = 0; i < t->n; i++) {
		w->p[i].dt = t->part[i];
		w->p[i].bits = t->bits[i];
		w->p[i].order = dt_order_of(t->part[i]);
	}
}

struct nft_type ex_type(const struct ex *x)
{
	struct nft_type t = { .n = 1 };

	if (x->kind != X_CONCAT) {
		t.part[0] = x->dt;
		t.bits[0] = (uint16_t)(8 * phys_bytes(x));
		return t;
	}
	t.n = (uint8_t)x->n;
	for (unsigned i = 0; i < x->n; i++) {
		t.part[i] = x->part[i]->dt;
		t.bits[i] = (uint16_t)(8 * phys_bytes(x->part[i]));
	}
	return t;
}

struct ex *ex_swap(struct cc *c, struct ex *x, enum dt_order to)
{
	struct ex *s;

	if (x->kind == X_CONCAT || x->order == to || x->dt->base == BASE_STRING)
		return x;
	if (ex_const(x) || phys_bytes(x) < 2) {
		x->order = to;
		return x;
	}
	s = ex_new(c, X_SWAP, x->node);
	s->a = x;
	s->dt = x->dt;
	s->bits = x->bits;
	s->order = to;
	return s;
}

static struct ex *typed(struct ex *x, unsigned id, unsigned bits, enum dt_order order)
{
	x->dt = dt_for(id, order);
	x->bits = bits;
	x->order = order;
	return x;
}

static struct ex *binop(struct cc *c, struct ex *a, int op, u128 v, unsigned bits)
{
	struct ex *x = ex_new(c, X_BINOP, a->node), *k = ex_new(c, X_VALUE, a->node);

	k->dt = a->dt;
	k->bits = 8 * phys_bytes(a);
	k->order = a->order;
	k->v = v;
	x->a = a;
	x->b = k;
	x->op = op;
	x->dt = a->dt;
	x->order = a->order;
	x->bits = bits;
	return x;
}

/* A field that does not fill its bytes: load them, mask, move down. */
static struct ex *cut_bits(struct cc *c, struct ex *load, unsigned off, unsigned bits)
{
	unsigned bytes = (off % 8 + bits + 7) / 8, shift = bytes * 8 - off % 8 - bits;
	struct ex *x;

	load->off = off / 8 * 8;
	load->bits = bytes * 8;
	if (!shift && bits == load->bits)
		return load;
	x = binop(c, load, '&', (((u128)1 << bits) - 1) << shift, bits + shift);
	if (!shift)
		return x;
	if (c->in_key && bytes > 1) {
		x = ex_swap(c, x, ORDER_HOST);
		return binop(c, x, TOK_SHR, shift, bits);
	}
	return binop(c, x, TOK_SHR, shift, bits);
}

static struct ex *ev_field(struct cc *c, const struct node *n)
{
	const struct field *f = n->def;
	struct ex *x = typed(ex_new(c, X_PAYLOAD, n), f->type, f->bits, ORDER_BIG);

	x->proto = n->proto;
	x->field = f;
	x->base = n->proto->base;
	x->off = f->off;
	x->is_key = n->proto->key && !strcmp(n->proto->key, f->name);
	if (!dep_payload(c, x))
		return NULL;
	return cut_bits(c, x, x->off, f->bits);
}

enum dt_id raw_type(unsigned base, unsigned off, unsigned bits)
{
	return base == PB_TRANSPORT && bits == 16 && (off == 0 || off == 16) ? DT_INET_SERVICE : DT_INTEGER;
}

static struct ex *ev_raw(struct cc *c, const struct node *n)
{
	struct ex *x = typed(ex_new(c, X_PAYLOAD, n), DT_INTEGER, (unsigned)n->u3, ORDER_BIG);

	x->base = (unsigned)n->u;
	x->off = (unsigned)n->u2;
	if (x->off % 8 + x->bits > 128)
		return cc_error(c, n, "these bits do not fit into 16 bytes");
	x->dt = datatype_by_id(raw_type(x->base, x->off, x->bits));
	return cut_bits(c, x, x->off, x->bits);
}

static struct ex *ev_exthdr(struct cc *c, const struct node *n)
{
	static const uint8_t ops[] = { [PROTO_EXTHDR6] = NFT_EXTHDR_OP_IPV6,
		[PROTO_TCPOPT] = NFT_EXTHDR_OP_TCPOPT,
		[PROTO_IPOPT] = NFT_EXTHDR_OP_IPV4,
		[PROTO_SCTP_CHUNK] = NFT_EXTHDR_OP_SCTP };
	const struct field *f = n->def;
	struct ex *x = ex_new(c, X_EXTHDR, n);

	x->proto = n->proto;
	x->op = ops[n->proto->kind];
	x->key = (unsigned)n->u;
	if (!dep_exthdr(c, x))
		return NULL;
	if (n->op == 2) {
		typed(x, DT_INTEGER, (unsigned)n->u3, ORDER_BIG);
		x->off = (unsigned)n->u2;
		return cut_bits(c, x, x->off, x->bits);
	}
	if (!f) {
		x->dir = 1;
		return typed(x, DT_BOOLEAN, 8, ORDER_BIG);
	}
	typed(x, f->type, f->bits, ORDER_BIG);
	x->off = f->off + (unsigned)n->u2;
	if (x->off / 8 > 255)
		return cc_error(c, n, "this field lies too far behind");
	return cut_bits(c, x, x->off, f->bits);
}

static struct ex *ev_key(struct cc *c, const struct node *n, enum ex_kind kind)
{
	const struct selkey *k = n->def;
	struct ex *x = typed(ex_new(c, kind, n), k->type == DT_INVALID ? (unsigned)DT_INTEGER : k->type,
		k->bits, k->order);

	x->key = k->key;
	return x;
}

/* saddr of ct and ipsec, nexthop of rt: the family says type and width. */
static struct ex *addr_by_family(struct cc *c, struct ex *x, unsigned family)
{
	(void)c;
	return typed(x, family == NFPROTO_IPV6 ? DT_IP6ADDR : DT_IPADDR, family == NFPROTO_IPV6 ? 128 : 32,
		ORDER_BIG);
}

static struct ex *ev_ct(struct cc *c, const struct node *n)
{
	const struct selkey *k = n->def;
	struct ex *x = ev_key(c, n, X_CT);

	x->dir = (unsigned)n->u;
	if (k->type != DT_INVALID)
		return x;
	if (n->u2) {
		if (dep_nfproto(c) && dep_nfproto(c) != n->u2)
			return cc_error(c, n, "the packets here are of the other family");
		if (k->key == NFT_CT_SRC)
			x->key = n->u2 == NFPROTO_IPV4 ? NFT_CT_SRC_IP : NFT_CT_SRC_IP6;
		else
			x->key = n->u2 == NFPROTO_IPV4 ? NFT_CT_DST_IP : NFT_CT_DST_IP6;
		return addr_by_family(c, x, (unsigned)n->u2);
	}
	if (!dep_nfproto(c) || c->in_key)
		return cc_error(c, n, "IPv4 or IPv6? Write `ct %s ip %s`, or match the family before",
			n->u == 2 ? "reply" : "original", k->name);
	return addr_by_family(c, x, dep_nfproto(c));
}

static struct ex *ev_rt(struct cc *c, const struct node *n)
{
	struct ex *x = ev_key(c, n, X_RT);
	unsigned family = (unsigned)n->u2;

	if (x->key == NFT_RT_TCPMSS && !cc_hooks(c, n, false, HOOKS_LEAVING))
		return NULL;
	if (x->key != NFT_RT_NEXTHOP4)
		return x;
	if (!family)
		family = dep_nfproto(c);
	if (!family)
		return cc_error(c, n, "IPv4 or IPv6? Write `rt ip nexthop` or `rt ip6 nexthop`");
	if (dep_nfproto(c) && dep_nfproto(c) != family)
		return cc_error(c, n, "the packets here are of the other family");
	if (family == NFPROTO_IPV6)
		x->key = NFT_RT_NEXTHOP6;
	return addr_by_family(c, x, family);
}

static struct ex *ev_xfrm(struct cc *c, const struct node *n)
{
	struct ex *x = ev_key(c, n, X_XFRM);

	x->dir = (unsigned)n->u;
	x->num[0] = (uint32_t)n->u2;
	if (!cc_hooks(c, n, false, x->dir ? HOOKS_LEAVING : HOOKS_COMING))
		return NULL;
	if (!n->u3)
		return x;
	if (x->key == NFT_XFRM_KEY_SADDR_IP4 && n->u3 == NFPROTO_IPV6)
		x->key = NFT_XFRM_KEY_SADDR_IP6;
	else if (n->u3 == NFPROTO_IPV6)
		x->key = NFT_XFRM_KEY_DADDR_IP6;
	return addr_by_family(c, x, (unsigned)n->u3);
}

static struct ex *ev_fib(struct cc *c, const struct node *n)
{
	struct ex *x = ex_new(c, X_FIB, n);

	x->key = (unsigned)n->u2;
	x->dir = (unsigned)n->u;
	if ((x->key != NFT_FIB_RESULT_ADDRTYPE || x->dir & NFTA_FIB_F_IIF) &&
		!cc_hooks(c, n, false, HOOKS_COMING))
		return NULL;
	if (x->key == NFT_FIB_RESULT_ADDRTYPE && x->dir & NFTA_FIB_F_OIF &&
		!cc_hooks(c, n, false, HOOKS_LEAVING))
		return NULL;
	switch (x->key) {
	case NFT_FIB_RESULT_OIF: return typed(x, DT_IFINDEX, 32, ORDER_HOST);
	case NFT_FIB_RESULT_OIFNAME: return typed(x, DT_IFNAME, 128, ORDER_HOST);
	default: return typed(x, DT_FIB_ADDR, 32, ORDER_HOST);
	}
}

static struct ex *ev_generator(struct cc *c, const struct node *n, enum ex_kind kind)
{
	struct ex *x = typed(ex_new(c, kind, n), DT_INTEGER, 32, ORDER_HOST);
	uint64_t v = 0;

	x->key = (unsigned)n->u;
	if (!cc_number(c, n->b, UINT32_MAX, &v))
		return NULL;
	x->num[0] = (uint32_t)v;
	if (!v)
		return cc_error(c, n->b, "modulo 0");
	x->seed = n->c;
	if (n->c && !cc_number(c, n->c, UINT32_MAX, &v))
		return NULL;
	x->num[1] = n->c ? (uint32_t)v : 0;
	v = 0;
	if (n->d && !cc_number(c, n->d, UINT32_MAX, &v))
		return NULL;
	x->num[2] = (uint32_t)v;
	if (x->num[0] - 1 > UINT32_MAX - x->num[2])
		return cc_error(c, n, "modulus and offset together exceed 32 bits");
	if (n->a) {
		x->a = ev_left(c, n->a);
		if (!x->a)
			return NULL;
	}
	return x;
}

struct ex *ev_selector(struct cc *c, const struct node *n)
{
	struct ex *x;

	switch (n->kind) {
	case N_FIELD: return ev_field(c, n);
	case N_RAW: return ev_raw(c, n);
	case N_META:
		x = ev_key(c, n, X_META);
		x->is_key = true;
		if (x->key == NFT_META_NFPROTO && c->env->family != NFPROTO_INET)
			return cc_error(c, n, "meta nfproto is for tables of family inet");
		return x->key == NFT_META_SECPATH && !cc_hooks(c, n, false, HOOKS_COMING) ? NULL : x;
	case N_CT: return ev_ct(c, n);
	case N_RT: return ev_rt(c, n);
	case N_SOCKET:
		x = ev_key(c, n, X_SOCKET);
		x->num[0] = (uint32_t)n->u;
		return cc_hooks(c, n, false,
			       1u << NF_INET_PRE_ROUTING | 1u << NF_INET_LOCAL_IN | 1u << NF_INET_LOCAL_OUT)
			       ? x
			       : NULL;
	case N_FIB: return ev_fib(c, n);
	case N_OSF:
		x = typed(ex_new(c, X_OSF, n), DT_STRING, 128, ORDER_HOST);
		x->num[0] = (uint32_t)n->u;
		x->num[1] = (uint32_t)n->u2;
		return cc_hooks(c, n, false, HOOKS_COMING) ? x : NULL;
	case N_NUMGEN: return ev_generator(c, n, X_NUMGEN);
	case N_HASH: return ev_generator(c, n, X_HASH);
	case N_XFRM: return ev_xfrm(c, n);
	case N_EXTHDR: return ev_exthdr(c, n);
	default: return NULL;
	}
}

static bool is_selector(const struct node *n)
{
	return n->kind >= N_FIELD && n->kind <= N_EXTHDR;
}

static bool has_selector(const struct node *n)
{
	if (n->kind == N_BINOP)
		return has_selector(n->a) || has_selector(n->b);
	if (n->kind == N_CONCAT) {
		for (const struct node *m = n->a; m; m = m->next)
			if (has_selector(m))
				return true;
		return false;
	}
	return is_selector(n) || n->kind == N_MAP;
}

static struct ex *ev_binop(struct cc *c, const struct node *n, const struct want *w)
{
	const struct node *left = n->a, *right = n->b;
	bool shift = n->op == TOK_SHL || n->op == TOK_SHR;
	struct want k;
	struct ex *a, *b, *x;

	if (!shift && !has_selector(left) && has_selector(right)) {
		left = n->b;
		right = n->a;
	}
	if (has_selector(right))
		return cc_error(c, right, "the right side of an operator must be a constant");
	a = w ? ev(c, left, w) : ev_left(c, left);
	if (!a)
		return NULL;
	if (a->kind == X_CONCAT || a->dt->base == BASE_STRING)
		return cc_error(c, n, "operators need a number on their left side");
	if (shift)
		want_dt(&k, &datatype_integer_host, 32, ORDER_HOST);
	else
		want_dt(&k, a->dt, a->bits, a->order);
	b = ev_const(c, right, &k);
	if (!b)
		return NULL;
	if (b->kind != X_VALUE)
		return cc_error(c, right, "one plain value is expected here");
	if (shift && b->v >= a->bits)
		return cc_error(c, n, "shifted by %u bits, the value has %u", (unsigned)b->v, a->bits);
	if (shift)
		a = ex_swap(c, a, ORDER_HOST);
	x = binop(c, a, n->op, b->v, a->bits);
	x->node = n;
	return x;
}

/* w: what constants among the parts are to be; NULL: none may be there. */
static struct ex *ev_concat(struct cc *c, const struct node *n, const struct want *w)
{
	struct ex *x = ex_new(c, X_CONCAT, n);
	bool in_key = c->in_key;
	struct want one = { .n = 1 };

	if (w && w->n != n->u)
		return cc_error(c, n, "%u values in the concatenation, expected %u", (unsigned)n->u, w->n);
	x->part = arena_alloc(&c->arena, n->u * sizeof(*x->part));
	c->in_key = true;
	for (const struct node *m = n->a; m; m = m->next) {
		if (w)
			one.p[0] = w->p[x->n];
		x->part[x->n] = w && !has_selector(m) ? ev_const(c, m, &one) : ev_left(c, m);
		if (!x->part[x->n])
			return NULL;
		if (ex_const(x->part[x->n]) && x->part[x->n]->kind != X_VALUE)
			return cc_error(c, m, "one plain value is expected here");
		x->n++;
	}
	c->in_key = in_key;
	if (ex_bytes(x) > NFT_KEY_MAX)
		return cc_error(
			c, n, "the concatenation has %u bytes, the limit is %d", ex_bytes(x), NFT_KEY_MAX);
	return x;
}

struct ex *ev_left(struct cc *c, const struct node *n)
{
	if (n->kind == N_CONCAT)
		return ev_concat(c, n, NULL);
	if (n->kind == N_BINOP)
		return ev_binop(c, n, NULL);
	if (is_selector(n))
		return ev_selector(c, n);
	return cc_error(c, n, "a field or a key is expected here, this is a constant");
}

struct ex *ev(struct cc *c, const struct node *n, const struct want *w)
{
	bool in_key = c->in_key;
	struct ex *x;

	c->in_key = true;
	if (n->kind == N_MAP)
		x = n->op ? cc_error(c, n, "`vmap` gives a verdict, a value is expected here: `map`")
			  : map_eval(c, n, w, 0);
	else if (!has_selector(n))
		x = ev_const(c, n, w);
	else if (n->kind == N_BINOP)
		x = ev_binop(c, n, w);
	else if (n->kind == N_CONCAT)
		x = ev_concat(c, n, w);
	else
		x = ev_left(c, n);
	c->in_key = in_key;
	return x;
}
