// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads what is in a table, and its rules as text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "nft/klist.h"

static const char *keep(struct klist *l, const char *s)
{
	return s ? arena_strdup(&l->arena, s, strlen(s)) : NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *const *keep_devs(struct klist *l, const char *const *dev, uint32_t n)
{
	const char **out = n ? arena_alloc(&l->arena, n * sizeof(*out)) : NULL;

	for (uint32_t i = 0; i < n; i++)
		out[i] = keep(l, dev[i]);
	if (n > 1)
		qsort(out, n, sizeof(*out), by_text);
	return out;
}

/* ---- sets ---- */

static void on_set(void *ctx, const struct kread_set *s)
{
	struct klist *l = ctx;
	struct kset *k = arena_alloc(&l->arena, sizeof(*k));
	_buf_ struct buf b = BUF_INIT;

	k->s = *s;
	k->s.table = l->table;
	k->s.name = keep(l, s->name);
	k->s.want.comment = keep(l, s->want.comment);
	k->s.want.typeof_text = keep(l, s->want.typeof_text);
	k->s.want.exprs = NULL;
	if (s->want.n_exprs) {
		if (!stateful_text(s->want.exprs, s->want.n_exprs, true, &b))
			buf_puts(&b, " # cannot be written");
		k->stmts = arena_strdup(&l->arena, buf_str(&b), b.n);
	}
	vec_push(&l->sets, k);
	vec_push(&l->by_name, k);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct kset *const *)a)->s.name, (*(struct kset *const *)b)->s.name);
}

int klist_sets(struct klist *l, const char *name)
{
	int r = kread_sets(l->conn, l->family, l->table, name, on_set, l, l->e);

	if (l->by_name.n)
		qsort(l->by_name.v, l->by_name.n, sizeof(*l->by_name.v), by_name);
	return r;
}

static const struct kset *find_set(const struct klist *l, const char *name)
{
	uint32_t lo = 0, hi = l->by_name.n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int d = strcmp(name, l->by_name.v[mid]->s.name);

		if (!d)
			return l->by_name.v[mid];
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* ---- chains, objects, flowtables ---- */

static void on_chain(void *ctx, const struct kread_chain *c)
{
	struct klist *l = ctx;
	struct kchain *k = arena_alloc(&l->arena, sizeof(*k));

	k->c = *c;
	k->c.table = l->table;
	k->c.name = keep(l, c->name);
	k->c.want.comment = keep(l, c->want.comment);
	k->c.want.dev = keep_devs(l, c->want.dev, c->want.n_dev);
	vec_push(&l->chains, k);
}

int klist_chains(struct klist *l, const char *name)
{
	return kread_chains(l->conn, l->family, l->table, name, on_chain, l, l->e);
}

static void on_object(void *ctx, const struct kread_object *o)
{
	struct klist *l = ctx;
	struct kobj *k = arena_alloc(&l->arena, sizeof(*k));

	k->o = *o;
	k->o.table = l->table;
	k->o.name = keep(l, o->name);
	k->o.want.comment = keep(l, o->want.comment);
	vec_push(&l->objs, k);
}

int klist_objects(struct klist *l, uint32_t type, const char *name, bool reset)
{
	return kread_objects(l->conn, l->family, l->table, name, type, reset, on_object, l, l->e);
}

static void on_flowtable(void *ctx, const struct kread_flowtable *f)
{
	struct klist *l = ctx;
	struct kflow *k = arena_alloc(&l->arena, sizeof(*k));

	k->f = *f;
	k->f.table = l->table;
	k->f.name = keep(l, f->name);
	k->f.want.dev = keep_devs(l, f->want.dev, f->want.n_dev);
	vec_push(&l->flows, k);
}

int klist_flowtables(struct klist *l, const char *name)
{
	return kread_flowtables(l->conn, l->family, l->table, name, on_flowtable, l, l->e);
}

/* ---- rules ---- */

static const struct set_info *rule_set(void *ctx, const char *name)
{
	const struct kset *s = find_set(ctx, name);

	return s ? &s->s.want.info : NULL;
}

static uint32_t rule_set_size(void *ctx, const char *name)
{
	const struct kset *s = find_set(ctx, name);

	return s ? s->s.want.size : 0;
}

static int rule_elems(
	void *ctx, const struct set_info *set, void (*fn)(void *ctx, const struct setelem *el), void *fn_ctx)
{
	struct klist *l = ctx;

	return kread_elems(l->conn, l->family, l->table, set, false, fn, fn_ctx, NULL);
}

struct inner_rules {
	void (*fn)(void *ctx, struct nftnl_expr **exprs, uint32_t n, const char *comment);
	void *ctx;
};

static void on_inner(void *ctx, const struct kread_rule *r)
{
	const struct inner_rules *in = ctx;

	in->fn(in->ctx, r->exprs, r->n, r->comment);
}

static int rule_chain(void *ctx, const char *name,
	void (*fn)(void *ctx, struct nftnl_expr **exprs, uint32_t n, const char *comment), void *fn_ctx)
{
	struct inner_rules in = { fn, fn_ctx };
	struct klist *l = ctx;

	return kread_rules(l->conn, l->family, l->table, name, false, on_inner, &in, NULL);
}

static struct kchain *chain_of(struct klist *l, const char *name)
{
	if (l->last && !strcmp(l->last->c.name, name))
		return (struct kchain *)(uintptr_t)l->last;
	vec_foreach (c, &l->chains)
		if (!strcmp((*c)->c.name, name))
			return *c;
	return NULL;
}

struct decompile_env klist_env(struct klist *l, const struct kchain *k)
{
	struct decompile_env env = {
		.ctx = l,
		.family = l->family,
		.hook = -1,
		.set = rule_set,
		.elems = rule_elems,
		.chain = rule_chain,
		.set_size = rule_set_size,
		.stateless = l->o->stateless,
	};

	if (k && k->c.want.base) {
		env.chain_type = k->c.want.type;
		env.hook = (int)k->c.want.hook;
	}
	return env;
}

static void on_rule(void *ctx, const struct kread_rule *r)
{
	struct klist *l = ctx;
	struct kchain *k = chain_of(l, r->chain);
	struct decompile_env env;

	l->last = k;
	if (!k || k->c.flags & NFT_CHAIN_BINDING || (l->o->rule && l->o->rule != r->handle))
		return;
	env = klist_env(l, k);
	env.indent = "\t\t";
	buf_puts(&k->rules, "\t\t");
	rule_decompile(&env, r->exprs, r->n, r->comment, &k->rules);
	if (l->o->handles)
		buf_printf(&k->rules, " # handle %llu", (unsigned long long)r->handle);
	buf_putc(&k->rules, '\n');
}

int klist_rules(struct klist *l, const char *chain)
{
	l->last = NULL;
	return kread_rules(l->conn, l->family, l->table, chain, l->o->reset, on_rule, l, l->e);
}

struct one_by_one {
	struct klist *l;
	bool (*wants)(void *ctx, uint32_t index, uint64_t handle);
	void (*fn)(void *ctx, const struct kernel_rule *r);
	void *ctx;
	uint32_t n;
};

static void on_one(void *ctx, const struct kread_rule *r)
{
	struct one_by_one *o = ctx;
	struct kernel_rule k = {
		.index = o->n++,
		.handle = r->handle,
		.udata = r->udata,
		.n_udata = r->n_udata,
	};
	_buf_ struct buf text = BUF_INIT;

	if (!o->wants || o->wants(o->ctx, k.index, k.handle)) {
		struct decompile_env env = klist_env(o->l, o->l->chains.v[0]);

		k.spelled = rule_decompile(&env, r->exprs, r->n, r->comment, &text);
		k.text = buf_str(&text);
	}
	o->fn(o->ctx, &k);
}

int kernel_rules(struct nft_conn *c, uint8_t family, const char *table, const char *chain, bool stateless,
	bool (*wants)(void *ctx, uint32_t index, uint64_t handle),
	void (*fn)(void *ctx, const struct kernel_rule *r), void *ctx, struct err *e)
{
	const struct list_opts opts = { .stateless = stateless };
	struct klist l = { .conn = c, .o = &opts, .e = e, .family = family, .table = table };
	struct one_by_one o = { .l = &l, .wants = wants, .fn = fn, .ctx = ctx };
	int r = klist_chains(&l, chain);

	if (r >= 0 && !l.chains.n)
		r = err_set(e, -ENOENT, "chain %s: %s", chain, strerror(ENOENT));
	r = r < 0 ? r : klist_sets(&l, NULL);
	r = r < 0 ? r : kread_rules(c, family, table, chain, false, on_one, &o, e);
	klist_clear(&l);
	return r;
}

void klist_clear(struct klist *l)
{
	vec_foreach (c, &l->chains)
		buf_free(&(*c)->rules);
	vec_free(&l->sets);
	vec_free(&l->by_name);
	vec_free(&l->chains);
	vec_free(&l->objs);
	vec_free(&l->flows);
	arena_free(&l->arena);
}
