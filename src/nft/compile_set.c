// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets in braces, maps, and the lookups in sets of the table. */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "nft/set_build.h"

struct ex *set_anon(struct cc *c, const struct node *n, const struct ex *left, const struct xform *xf)
{
	struct build b = { .c = c, .node = n, .xf = xf };
	struct ex *x;
	int i = -1;

	want_ex(&b.want, left);
	if (build_fill(&b, n)) {
		/* one single value is a plain comparison */
		if (b.items.n == 1 && b.want.n == 1 && !b.items.v[0].el.catchall && n->kind == N_SET) {
			x = b.items.v[0].key;
			build_free(&b);
			return x;
		}
		i = build_settle(&b, left);
	}
	build_free(&b);
	if (i < 0)
		return NULL;
	x = ex_new(c, X_SET, n);
	x->dt = b.want.p[0].dt;
	x->bits = b.want.p[0].bits;
	x->order = b.want.p[0].order;
	x->set.anon = i;
	return x;
}

/* ---- sets of the table ---- */

static const char *set_name(struct cc *c, const struct node *n)
{
	const struct val *v;

	if (n->kind == N_SETREF && !n->a)
		return n->s;
	v = cc_param(c, n->kind == N_SETREF ? n->a : n);
	if (!v)
		return NULL;
	if (!cc_handle(c, n->kind == N_SETREF ? n->a : n, v, OBJ_SET))
		return NULL;
	if ((v->kind == VAL_OBJ || (n->kind == N_SETREF && v->kind == VAL_STRING)) && v->str)
		return arena_strdup(&c->arena, v->str, strlen(v->str));
	return cc_error(c, n, "$%s is not a set", n->kind == N_SETREF ? n->a->s : n->s);
}

static bool key_fits(struct cc *c, const struct node *n, const struct ex *left, const struct set_info *s)
{
	struct nft_type t = ex_type(left);
	_buf_ struct buf want = BUF_INIT;
	_buf_ struct buf have = BUF_INIT;
	bool ok = t.n == s->key.n;

	for (unsigned i = 0; ok && i < t.n; i++) {
		const struct ex *x = left->kind == X_CONCAT ? left->part[i] : left;

		if (!same_type(t.part[i], s->key.part[i]))
			ok = false;
		else if (datatype_bytes(t.bits[i]) != datatype_bytes(s->key.bits[i]) &&
			 !(x->kind == X_BINOP &&
				 x->bits <= s->key.bits[i])) /* a number cut out of more bytes */
			return cc_error(c, n, "@%s has a key of %u bits, the expression has %u", s->name,
				s->key.bits[i], t.bits[i]);
	}
	if (ok)
		return true;
	nft_type_text(&s->key, &want);
	nft_type_text(&t, &have);
	return cc_error(c, n, "@%s has keys of type %s, the expression is %s", s->name, buf_str(&want),
		buf_str(&have));
}

static const struct set_info *set_of(struct cc *c, const struct node *n, const struct ex *left)
{
	const struct set_info *s;
	const char *name;

	if (n->kind == N_PARAM) {
		const struct val *v = cc_param(c, n);

		if (!v)
			return NULL;
		if (v->kind == VAL_LIVE) {
			struct nft_type key = ex_type(left);

			s = c->env->live_set ? c->env->live_set(c->env->ctx, n->s, &key) : NULL;
			if (!s)
				return cc_error(c, n, "$%s: a live value cannot stand here", n->s);
			cc_ref(c, REF_SET, 0, s->name);
			return s;
		}
	}
	name = set_name(c, n);
	s = name ? cc_set(c, n, name) : NULL;
	return s && key_fits(c, n, left, s) ? s : NULL;
}

struct ex *set_named(struct cc *c, const struct node *n, const struct ex *left)
{
	const struct set_info *s = set_of(c, n, left);
	struct ex *x;

	if (!s)
		return NULL;
	/* a map can be asked for its keys alone */
	if (s->flags & NFT_SET_OBJECT || nft_type_is_verdict(&s->data))
		return cc_error(c, n, "@%s is a map, look it up with `map` or `vmap`", s->name);
	x = ex_new(c, X_SET, n);
	x->dt = s->key.part[0];
	x->bits = s->key.bits[0];
	x->set.info = s;
	return x;
}

/* One byte has no order. nft turns it all the same where it is part of a concatenation with ranges, which
 * does nothing. */
static struct ex *key_part(struct cc *c, struct ex *x, enum dt_order to)
{
	struct ex *s;

	if (ex_bytes(x) > 1 || x->order != ORDER_HOST || x->dt->base == BASE_STRING || ex_const(x))
		return ex_swap(c, x, to);
	s = ex_new(c, X_SWAP, x->node);
	s->a = x;
	s->dt = x->dt;
	s->bits = x->bits;
	s->order = to;
	return s;
}

struct ex *set_key(struct cc *c, struct ex *key, const struct set_info *info)
{
	bool ranges = info->flags & NFT_SET_INTERVAL, anon = info->flags & NFT_SET_ANONYMOUS;
	enum dt_order to;

	if (!ranges && anon) /* made for the key as it is */
		return key;
	for (unsigned i = 0; key->kind == X_CONCAT && i < key->n; i++) {
		to = ranges ? ORDER_BIG : dt_order_of(info->key.part[i]);
		if (ranges)
			key->part[i] = key_part(c, key->part[i], to);
		else if (datatype_bytes(info->key.bits[i]) > 1)
			key->part[i] = ex_swap(c, key->part[i], to);
	}
	if (key->kind == X_CONCAT)
		return key;
	if (!anon && key->kind == X_BINOP && datatype_bytes(info->key.bits[0]) < ex_bytes(key))
		return key;
	return ex_swap(c, key, ranges ? ORDER_BIG : dt_order_of(info->key.part[0]));
}

/* ---- maps ---- */

/* One shift of the key goes to the constants. */
bool peel_shift(const struct ex *x, struct xform *xf)
{
	if (x->op == TOK_SHR && x->a->kind != X_SWAP && xf->shift >= 0)
		xf->shift += (int)x->b->v;
	else if (x->op == TOK_SHL && x->a->kind != X_SWAP && !xf->shift)
		xf->shift -= (int)x->b->v;
	else
		return false;
	return true;
}

/* The bits that were shifted out did not count, they do not now. */
struct ex *peel_mask(struct cc *c, struct ex *key, const struct xform *xf)
{
	u128 low = xf->shift > 0 ? ((u128)1 << xf->shift) - 1 : 0;
	struct ex *x, *k;

	if (!low || (key->kind == X_BINOP && key->op == '&' && !(key->b->v & low)))
		return key;
	x = ex_new(c, X_BINOP, key->node);
	k = ex_new(c, X_VALUE, key->node);
	if (key->kind == X_BINOP && key->op == '&') {
		*k = *key->b;
		*x = *key;
	} else {
		k->dt = x->dt = key->dt;
		k->bits = 8 * ex_bytes(key);
		k->order = x->order = key->order;
		k->v = key->bits >= 128 ? ~(u128)0 : ((u128)1 << key->bits) - 1;
		x->op = '&';
		x->a = key;
		x->bits = key->bits;
	}
	k->v &= ~low;
	x->b = k;
	return x;
}

/* nft shifts the key where the set has a `*`; of more than one byte that would need another order. */
bool may_peel(const struct node *set, const struct ex *key)
{
	if (set->kind == N_SET && ex_bytes(key) == 1)
		for (const struct node *el = set->a; el; el = el->next)
			if (el->a->kind == N_WILD)
				return false;
	return true;
}

struct ex *map_eval(struct cc *c, const struct node *n, const struct want *data, uint32_t obj_type)
{
	struct build b = { .c = c, .node = n, .is_map = true, .verdicts = n->op, .obj_type = obj_type };
	bool in_key = c->in_key, live;
	struct ex *x = ex_new(c, X_MAP, n), *key;
	struct xform xf = { 0 };
	const struct val *v;

	c->in_key = n->a->kind == N_CONCAT;
	key = n->a->kind == N_MAP ? cc_error(c, n->a, "a map cannot be looked up with the value of a map")
				  : ev_left(c, n->a);
	c->in_key = in_key;
	if (!key)
		return NULL;
	v = n->b->kind == N_PARAM ? cc_param(c, n->b) : NULL;
	if (n->b->kind == N_PARAM && !v)
		return NULL;
	live = v && (v->kind == VAL_LIVE || v->kind == VAL_OBJ);
	if (n->b->kind == N_SETREF || live) {
		const struct set_info *s = set_of(c, n->b, key);

		if (!s)
			return NULL;
		if (!(s->flags & (NFT_SET_MAP | NFT_SET_OBJECT)))
			return cc_error(c, n->b, "@%s is a set, not a map", s->name);
		if (!(s->flags & NFT_SET_OBJECT) != !obj_type || (obj_type && s->obj_type != obj_type))
			return cc_error(c, n->b,
				obj_type ? "@%s does not hold objects of this kind"
					 : "@%s holds objects, not values",
				s->name);
		if (!obj_type && nft_type_is_verdict(&s->data) != b.verdicts)
			return cc_error(c, n->b,
				b.verdicts ? "@%s holds no verdicts, it is looked up with `map`"
					   : "@%s holds verdicts, it is looked up with `vmap`",
				s->name);
		x->a = set_key(c, key, s);
		x->set.info = s;
		if (!b.verdicts && !(s->flags & NFT_SET_OBJECT)) {
			x->dt = s->data.part[0];
			x->bits = s->data.bits[0];
			x->order = dt_order_of(x->dt);
			if (data && (data->n != s->data.n || !same_type(data->p[0].dt, x->dt)))
				return cc_error(c, n->b,
					"@%s maps to %s, a value of type %s is expected here", s->name,
					x->dt->name, data->p[0].dt->name);
		}
		return x;
	}
	want_ex(&b.want, key);
	if (key->kind != X_CONCAT && may_peel(n->b, key)) {
		while (key->kind == X_BINOP && peel_shift(key, &xf))
			key = key->a;
		key = peel_mask(c, key, &xf);
	}
	b.xf = &xf;
	if (data)
		b.data = *data;
	if (build_fill(&b, n->b)) {
		x->set.anon = build_settle(&b, key);
	}
	build_free(&b);
	if (x->set.anon < 0)
		return NULL;
	x->a = set_key(c, key, &c->code->sets.v[x->set.anon].info);
	if (data) {
		x->dt = data->p[0].dt;
		x->bits = data->p[0].bits;
		x->order = data->p[0].order;
	}
	return x;
}
