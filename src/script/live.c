// SPDX-License-Identifier: GPL-2.0-or-later
/* Live values over queries: the records' natural value, one field, or what a function makes of each record.
 * Interned, so that the same value is the same pointer and a statement that is made again is recognised. */
#include <lauxlib.h>
#include <string.h>

#include "script/check.h"
#include "script/live_int.h"

static const struct live_ops qlive_ops;

struct qlive *qlive(const struct live *l)
{
	return l->ops == &qlive_ops ? (struct qlive *)l : NULL;
}

void qlive_pairs(const struct val v[2], unsigned n_sel, each_fn *fn, void *ctx)
{
	const struct val *data = n_sel == 2 ? &v[1] : NULL;

	if (v[0].kind == VAL_NIL || (data && data->kind == VAL_NIL))
		return;
	if (v[0].kind == VAL_LIST)
		for (uint32_t i = 0; i < v[0].n; i++)
			fn(ctx, &v[0].list[i], data);
	else
		fn(ctx, &v[0], data);
}

static bool mapped_eq(const void *item, const void *key)
{
	const struct mapped *m = item;
	const struct net_key *k = key;

	return m->key.n == k->n && memcmp(m->key.b, k->b, k->n) == 0;
}

struct mapped *mapped_find(const struct qlive *l, const struct net_key *key)
{
	return hmap_find(&l->cache, net_key_hash(key), mapped_eq, key);
}

void mapped_del(struct qlive *l, struct mapped *m)
{
	hmap_del_item(&l->cache, net_key_hash(&m->key), m);
}

/* The values of one record; freed by the caller. Functions: from the cache, copied nowhere else. */
static void vals_of(struct qlive *l, const struct net_rec *r, struct val v[2])
{
	memset(v, 0, 2 * sizeof(*v));
	for (unsigned i = 0; i < l->n_sel; i++)
		rec_val(r, l->sel[i].kind == SEL_FIELD ? l->sel[i].field : NULL, &v[i]);
}

static void rec_pairs(struct qlive *l, const struct net_rec *r, each_fn *fn, void *ctx)
{
	struct val v[2];
	struct net_key key;

	if (l->fn) {
		net_rec_key(r, &key);
		struct mapped *m = mapped_find(l, &key);

		if (m)
			qlive_pairs(m->val, l->n_sel, fn, ctx);
		return;
	}
	vals_of(l, r, v);
	qlive_pairs(v, l->n_sel, fn, ctx);
	val_free(&v[0]);
	val_free(&v[1]);
}

void qlive_push_out(void *ctx, const struct val *key, const struct val *data)
{
	sinks_push(&((struct qlive *)ctx)->sinks, -1, key, data);
}

void qlive_push_in(void *ctx, const struct val *key, const struct val *data)
{
	sinks_push(&((struct qlive *)ctx)->sinks, 1, key, data);
}

bool qlive_same_vals(const struct val a[2], const struct val b[2])
{
	return val_equal(&a[0], &b[0]) && val_equal(&a[1], &b[1]);
}

static void lag(struct qlive *l, const struct net_rec *r)
{
	struct net_key key;

	net_rec_key(r, &key);
	vec_push(&l->behind, key);
	if (l->lagging)
		return;
	l->lagging = true;
	vec_push(&l->s->lagging, &l->live);
}

static void query_delta(
	struct query_sink *sink, struct query *q, const struct net_rec *before, const struct net_rec *after)
{
	struct qlive *l = container_of(sink, struct qlive, sink);
	struct val was[2], is[2];

	(void)q;
	if (l->fn) { /* Lua runs later: this may be inside of it */
		lag(l, after ? after : before);
		return;
	}
	if (before)
		vals_of(l, before, was);
	if (after)
		vals_of(l, after, is);
	if (!before || !after || !qlive_same_vals(was, is)) {
		if (before)
			qlive_pairs(was, l->n_sel, qlive_push_out, l);
		if (after)
			qlive_pairs(is, l->n_sel, qlive_push_in, l);
	}
	for (int i = 0; i < 2; i++) {
		if (before)
			val_free(&was[i]);
		if (after)
			val_free(&is[i]);
	}
}

void qlive_follow(struct qlive *l)
{
	if (l->following)
		return;
	l->following = true;
	query_sink_add(l->q, &l->sink);
}

static void unfollow(struct qlive *l)
{
	if (!l->following)
		return;
	l->following = false;
	query_sink_del(l->q, &l->sink);
}

/* ---- ops ---- */

void mapped_free(struct mapped *m)
{
	val_free(&m->val[0]);
	val_free(&m->val[1]);
	free(m);
}

static void fn_drop(struct qlive *l)
{
	for (unsigned i = 0; i < l->n_sel; i++)
		if (l->sel[i].kind == SEL_FN && l->pk && l->pk->vm)
			lua_ref_clear(l->pk->vm, &l->sel[i].fn);
	l->pk = NULL;
}

static void qlive_put(struct live *live)
{
	struct qlive *l = (struct qlive *)live;
	struct script *s = l->s;
	struct mapped *m;

	if (--l->refs)
		return;
	unfollow(l);
	if (l->lagging && s)
		vec_foreach (p, &s->lagging)
			if (*p == live)
				*p = NULL;
	if (s)
		hmap_del_item(&s->lives, l->hash, l);
	fn_drop(l);
	hmap_foreach (m, &l->cache, pos)
		mapped_free(m);
	hmap_free(&l->cache);
	vec_free(&l->behind);
	sinks_free(&l->sinks);
	query_put(l->q);
	free(l);
}

static void qlive_ref(struct live *live)
{
	((struct qlive *)live)->refs++;
}

/* Of records that went, but whose values did not go out yet. */
static void each_behind(struct qlive *l, each_fn *fn, void *ctx)
{
	const struct filters *fs = query_filters(l->q);
	struct mapped *m;

	hmap_foreach (m, &l->cache, pos) {
		const struct net_rec *r = rec_find(l->s->mirror, fs->kind, &m->key);

		if (!r || !net_rec_visible(r) || !filters_match(fs, r))
			qlive_pairs(m->val, l->n_sel, fn, ctx);
	}
}

static void qlive_each(struct live *live, each_fn *fn, void *ctx)
{
	struct qlive *l = (struct qlive *)live;
	struct net_key key;

	for (const struct net_rec *r = query_after(l->q, NULL); r; r = query_after(l->q, &key)) {
		net_rec_key(r, &key);
		rec_pairs(l, r, fn, ctx);
	}
	if (l->behind.n && l->s)
		each_behind(l, fn, ctx);
}

static void qlive_first(struct live *live, int family, struct val *out)
{
	struct qlive *l = (struct qlive *)live;
	struct live_first f = { family, out };
	struct net_key key;

	*out = (struct val){ .kind = VAL_NIL };
	for (const struct net_rec *r = query_after(l->q, NULL); r && out->kind == VAL_NIL;
		r = query_after(l->q, &key)) {
		net_rec_key(r, &key);
		rec_pairs(l, r, live_first, &f);
	}
}

static void qlive_sink_add(struct live *live, struct live_sink *s)
{
	sinks_add(&((struct qlive *)live)->sinks, s);
	qlive_follow((struct qlive *)live);
}

static void qlive_sink_del(struct live *live, struct live_sink *s)
{
	struct qlive *l = (struct qlive *)live;

	if (sinks_del(&l->sinks, s) && !l->fn) /* a function's cache is kept up to date as long as it lives */
		unfollow(l);
}

static bool qlive_may_be_interval(struct live *live)
{
	struct qlive *l = (struct qlive *)live;
	const struct sel *k = &l->sel[0];
	const struct net_field *f =
		k->kind == SEL_FIELD ? k->field : net_natural_field(query_filters(l->q)->kind);

	return k->kind == SEL_FN || f->type == NF_PREFIX;
}

static bool qlive_opaque(struct live *live)
{
	return ((struct qlive *)live)->fn;
}

static void sel_text(const struct sel *k, struct buf *out)
{
	switch (k->kind) {
	case SEL_NATURAL: break;
	case SEL_FIELD: buf_printf(out, "\"%s\"", k->field->name); break;
	case SEL_FN: buf_puts(out, "function"); break;
	}
}

static void qlive_text(struct live *live, struct buf *out)
{
	struct qlive *l = (struct qlive *)live;

	filters_text(query_filters(l->q), out);
	if (l->n_sel == 1 && l->sel[0].kind == SEL_NATURAL)
		return;
	buf_puts(out, l->n_sel == 2 ? ":pairs(" : ":map(");
	for (unsigned i = 0; i < l->n_sel; i++) {
		if (i)
			buf_puts(out, ", ");
		sel_text(&l->sel[i], out);
	}
	buf_putc(out, ')');
}

static const struct live_ops qlive_ops = {
	.ref = qlive_ref,
	.put = qlive_put,
	.each = qlive_each,
	.first = qlive_first,
	.sink_add = qlive_sink_add,
	.sink_del = qlive_sink_del,
	.may_be_interval = qlive_may_be_interval,
	.text = qlive_text,
	.opaque = qlive_opaque,
};

void live_ref(struct live *l)
{
	l->ops->ref(l);
}

void live_put(struct live *l)
{
	l->ops->put(l);
}

struct query *live_base(const struct live *l)
{
	struct qlive *ql = qlive(l);

	return ql ? ql->q : NULL;
}

const struct net_field *live_field(const struct live *l)
{
	struct qlive *ql = qlive(l);

	return ql && ql->sel[0].kind == SEL_FIELD ? ql->sel[0].field : NULL;
}

bool live_mapped(const struct live *l)
{
	struct qlive *ql = qlive(l);

	return ql && (ql->n_sel == 2 || ql->sel[0].kind != SEL_NATURAL);
}

bool live_fn_value(struct live *l, const struct net_rec *r, const struct val **v, uint32_t *n)
{
	struct qlive *ql = qlive(l);
	struct net_key key;

	if (!ql || ql->sel[0].kind != SEL_FN)
		return false;
	net_rec_key(r, &key);
	struct mapped *m = mapped_find(ql, &key);

	*v = m && m->val[0].kind == VAL_LIST ? m->val[0].list : m ? &m->val[0] : NULL;
	*n = !m || m->val[0].kind == VAL_NIL ? 0 : m->val[0].kind == VAL_LIST ? m->val[0].n : 1;
	return true;
}

/* ---- interning ---- */

struct probe {
	struct query *q;
	struct pack *pk;
	const struct sel *sel;
	unsigned n_sel;
	lua_State *L;
	const int *fn; /* stack index of each function */
};

/* One code over the same upvalues is one function, though each evaluation of `function … end` makes a new
 * closure. */
static bool same_function(lua_State *L, const struct lua_ref *ref, int idx)
{
	bool same = true;
	int top = lua_gettop(L);

	if (!lua_checkstack(L, 4))
		return false;
	lua_ref_push(L, ref);
	if (!lua_rawequal(L, -1, idx)) {
		for (int i = 1; same; i++) {
			const char *a = lua_getupvalue(L, top + 1, i), *b = lua_getupvalue(L, idx, i);

			if (!a || !b) {
				same = !a && !b && !lua_iscfunction(L, idx);
				break;
			}
			same = lua_rawequal(L, -1, -2);
			lua_pop(L, 2);
		}
	}
	lua_settop(L, top);
	return same;
}

static bool qlive_eq(const void *item, const void *key)
{
	const struct qlive *l = item;
	const struct probe *p = key;

	if (l->q != p->q || l->n_sel != p->n_sel || l->pk != p->pk)
		return false;
	for (unsigned i = 0; i < p->n_sel; i++) {
		const struct sel *a = &l->sel[i], *b = &p->sel[i];

		if (a->kind != b->kind || a->field != b->field || a->code != b->code)
			return false;
		if (a->kind == SEL_FN && !same_function(p->L, &a->fn, p->fn[i]))
			return false;
	}
	return true;
}

static uint64_t probe_hash(const struct probe *p)
{
	uint64_t h = hash_bytes(&p->q, sizeof(p->q));

	for (unsigned i = 0; i < p->n_sel; i++)
		h = hash_mix(h, (uint64_t)p->sel[i].kind ^ (uintptr_t)p->sel[i].field ^ p->sel[i].code);
	return h;
}

static struct qlive *intern(struct script *s, const struct probe *p)
{
	uint64_t hash = probe_hash(p);
	struct qlive *l = hmap_find(&s->lives, hash, qlive_eq, p);

	if (l) {
		l->refs++;
		return l;
	}
	l = xnew(struct qlive);
	l->live.ops = &qlive_ops;
	l->s = s;
	l->refs = 1;
	l->hash = hash;
	l->q = query_ref(p->q);
	l->pk = p->pk;
	l->n_sel = p->n_sel;
	l->sink.delta = query_delta;
	for (unsigned i = 0; i < p->n_sel; i++) {
		l->sel[i] = p->sel[i];
		l->fn |= p->sel[i].kind == SEL_FN;
	}
	hmap_put(&s->lives, hash, l);
	return l;
}

struct live *live_query(struct script *s, struct query *q, const struct net_field *field)
{
	struct sel sel = { field ? SEL_FIELD : SEL_NATURAL, field, LUA_REF_INIT, 0 };
	struct probe p = { .q = q, .sel = &sel, .n_sel = 1 };

	return &intern(s, &p)->live;
}

static int dump_piece(lua_State *L, const void *piece, size_t n, void *ctx)
{
	uint64_t *h = ctx;

	(void)L;
	*h = hash_mix(*h, hash_bytes(piece, n));
	return 0;
}

/* What a selector at idx means: nil the natural value, a string a field, a function itself. */
static void sel_of(lua_State *L, struct query *q, int idx, struct sel *out)
{
	enum net_kind kind = query_filters(q)->kind;

	*out = (struct sel){ SEL_NATURAL, NULL, LUA_REF_INIT, 0 };
	switch (lua_type(L, idx)) {
	case LUA_TNONE:
	case LUA_TNIL: break;
	case LUA_TSTRING: {
		const char *name = lua_tostring(L, idx);

		out->kind = SEL_FIELD;
		out->field = net_field(kind, name);
		if (!out->field) {
			const char *near = net_field_suggest(kind, name);

			luaL_error(L, "%ss have no field \"%s\"%s%s%s", net_kind_name(kind), name,
				near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
		}
		break;
	}
	case LUA_TFUNCTION:
		out->kind = SEL_FN;
		lua_pushvalue(L, idx);
		if (lua_dump(L, dump_piece, &out->code, 1) != 0 || lua_iscfunction(L, -1))
			out->code = (uintptr_t)lua_topointer(L, -1);
		lua_pop(L, 1);
		break;
	default: luaL_error(L, "expected the name of a field or a function, got %s", type_article(L, idx));
	}
}

struct live *live_map(lua_State *L, struct pack *pk, struct query *q, int key, int data)
{
	struct sel sel[2];
	int idx[2] = { key ? lua_absindex(L, key) : 0, data ? lua_absindex(L, data) : 0 };
	struct probe p = { .q = q, .sel = sel, .n_sel = data ? 2 : 1, .L = L, .fn = idx };
	struct lua_ref ref[2] = { LUA_REF_INIT, LUA_REF_INIT };

	for (unsigned i = 0; i < p.n_sel; i++) {
		sel_of(L, q, idx[i], &sel[i]);
		if (sel[i].kind == SEL_FN)
			p.pk = pk;
	}
	if (p.pk) {
		struct qlive *l = hmap_find(&pk->s->lives, probe_hash(&p), qlive_eq, &p);

		if (l) {
			l->refs++;
			return &l->live;
		}
	}
	for (unsigned i = 0; i < p.n_sel; i++)
		if (sel[i].kind == SEL_FN) {
			lua_pushvalue(L, idx[i]);
			lua_ref_set(L, &ref[i]);
		}
	struct qlive *l = intern(pk->s, &p); /* nothing raises any more */

	for (unsigned i = 0; i < p.n_sel; i++)
		if (sel[i].kind == SEL_FN)
			l->sel[i].fn = ref[i];
	return &l->live;
}

/* ---- ends ---- */

void live_pack_gone(struct script *s, struct pack *pk)
{
	struct qlive *l;

	hmap_foreach (l, &s->lives, at)
		if (l->pk == pk)
			fn_drop(l);
}

void lives_orphan(struct script *s)
{
	struct qlive *l;

	hmap_foreach (l, &s->lives, pos)
		l->s = NULL;
	hmap_free(&s->lives);
}
