// SPDX-License-Identifier: GPL-2.0-or-later
/* Elements that packets add: add @set { key }, meter NAME { key }. */
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "nft/ir.h"

/* A set without a statement of its own: it lives with the rule. */
static bool has_timeout(const struct node *n)
{
	for (const struct node *o = n->c; o; o = o->next)
		if (o->kind == N_OPT_TIMEOUT)
			return true;
	return false;
}

static bool compile_meter(struct cc *c, const struct node *n)
{
	struct anon_set as = { .info.flags = NFT_SET_ANONYMOUS | NFT_SET_EVAL };
	bool in_key = c->in_key;
	uint64_t size = 0;
	struct ex *key;
	struct st *s;

	if (strlen(n->a->s) >= sizeof(as.info.name))
		return cc_error(
			c, n->a, "the name of a meter is longer than %zu bytes", sizeof(as.info.name) - 1);
	c->in_key = true;
	key = ev_left(c, n->b);
	c->in_key = in_key;
	if (!key || (n->d && !cc_number(c, n->d, UINT32_MAX, &size)))
		return false;
	strcpy(as.info.name, n->a->s);
	if (has_timeout(n))
		as.info.flags |= NFT_SET_TIMEOUT;
	as.info.key = ex_type(key);
	as.size = (uint32_t)size;
	vec_push(&c->code->sets, as);
	s = st_add(c, n);
	s->a = key;
	s->mask = ex_new(c, X_SET, n->a);
	s->mask->set.anon = (int)c->code->sets.n - 1;
	return true;
}

bool compile_dynset(struct cc *c, const struct node *n)
{
	const struct set_info *info;
	const struct val *v;
	const char *name = n->a->s;
	struct want w;
	struct ex *key, *data = NULL;
	struct st *s;

	if (n->a->a) { /* $handle */
		v = cc_param(c, n->a->a);
		if (!v)
			return false;
		if (!cc_handle(c, n->a->a, v, OBJ_SET))
			return false;
		if (v->kind != VAL_OBJ || !v->str)
			return cc_error(c, n->a, "$%s is not a set", n->a->a->s);
		name = arena_strdup(&c->arena, v->str, strlen(v->str));
	}
	if (n->kind == S_METER && !(c->env->set && c->env->set(c->env->ctx, name)))
		return compile_meter(c, n);
	info = cc_set(c, n->a, name);
	if (!info)
		return false;
	vec_foreach (r, &c->code->refs)
		if (r->kind == REF_SET && !strcmp(r->name, name)) {
			r->fills = true;
			r->timed |= has_timeout(n);
		}
	if (n->kind == S_DYNSET && !(info->flags & NFT_SET_MAP) != !n->d)
		return cc_error(c, n,
			n->d ? "@%s is a set, its elements have no values"
			     : "@%s is a map, elements need a value, `key : value`",
			name);
	want_type(&w, &info->key);
	key = ev(c, n->b, &w);
	if (!key)
		return false;
	if (ex_const(key)) {
		if (key->kind != X_VALUE && key->kind != X_CONCAT)
			return cc_error(c, n->b, "a field or one value is expected as key");
	} else {
		struct nft_type t = ex_type(key);
		bool ok = t.n == info->key.n;

		for (unsigned i = 0; ok && i < t.n; i++)
			ok = same_type(t.part[i], info->key.part[i]);
		if (!ok) {
			_buf_ struct buf b = BUF_INIT;

			nft_type_text(&info->key, &b);
			return cc_error(c, n->b, "@%s has keys of type %s", name, buf_str(&b));
		}
		key = set_key(c, key, info);
	}
	if (n->d && n->kind == S_DYNSET) {
		want_type(&w, &info->data);
		data = ev(c, n->d, &w);
		if (!data)
			return false;
	}
	s = st_add(c, n);
	s->a = key;
	s->b = data;
	s->flags = 0;
	s->mask = ex_new(c, X_SET, n->a);
	s->mask->set.info = info;
	return true;
}
