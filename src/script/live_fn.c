// SPDX-License-Identifier: GPL-2.0-or-later
/* q:map(function): run once for each record that changed, when the transaction settles; its values are kept.
 */
#include <lauxlib.h>
#include <string.h>

#include "script/check.h"
#include "script/live_int.h"

struct mapping {
	struct qlive *l;
	const struct net_rec *rec;
	struct mapped *to;
};

/* Calls the functions for one record; the values go into m, which something else owns. Raises. */
static void map_record(lua_State *L, struct mapping *m)
{
	_err_ struct err e = ERR_INIT;

	for (unsigned i = 0; i < m->l->n_sel; i++) {
		const struct sel *k = &m->l->sel[i];

		if (k->kind != SEL_FN) {
			rec_val(m->rec, k->kind == SEL_FIELD ? k->field : NULL, &m->to->val[i]);
			continue;
		}
		lua_ref_push(L, &k->fn);
		push_record(L, m->rec);
		lua_call(L, 1, 1);
		if (!lua_isnil(L, -1) && value_of(L, -1, i ? VALUE_ELEM : 0, &m->to->val[i], &e) < 0)
			check_raise(L, "the function's value", &e);
		lua_pop(L, 1);
	}
}

static int call_map(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);

	map_record(L, r->arg);
	return 0;
}

static void apply(struct qlive *l, struct mapped *is)
{
	struct mapped *was = mapped_find(l, &is->key);

	if (was && qlive_same_vals(was->val, is->val)) {
		mapped_free(is);
		return;
	}
	if (was)
		mapped_del(l, was);
	hmap_put(&l->cache, net_key_hash(&is->key), is);
	if (was) {
		qlive_pairs(was->val, l->n_sel, qlive_push_out, l);
		mapped_free(was);
	}
	qlive_pairs(is->val, l->n_sel, qlive_push_in, l);
}

static void forget(struct qlive *l, const struct net_key *key)
{
	struct mapped *was = mapped_find(l, key);

	if (!was)
		return;
	mapped_del(l, was);
	qlive_pairs(was->val, l->n_sel, qlive_push_out, l);
	mapped_free(was);
}

/* False with e: the function failed, and what it made of the record before stays. */
static bool remap(struct qlive *l, const struct net_key *key, struct err *e)
{
	const struct filters *fs = query_filters(l->q);
	const struct net_rec *rec = rec_find(l->s->mirror, fs->kind, key);
	struct mapping m = { l, rec, NULL };
	struct run r = { .pk = l->pk, .kind = RUN_MAP, .what = "function of q:map()", .rec = rec, .arg = &m };

	if (!rec || !net_rec_visible(rec) || !filters_match(fs, rec)) {
		forget(l, key);
		return true;
	}
	m.to = xnew(struct mapped);
	m.to->key = *key;
	if (run_do(&r, call_map, e) < 0) {
		mapped_free(m.to);
		return false;
	}
	apply(l, m.to);
	return true;
}

/* A record whose function fails keeps the others from nothing: they are mapped first, for what their pack
 * rolls back is not told again by the network. The failed one is tried again when it changes, or by the
 * pack's replay, which maps all of them anew. */
static void catch_up(struct qlive *l)
{
	_err_ struct err first = ERR_INIT;
	uint32_t failed = 0;

	if (l->pk && l->pk->frozen) /* its values stay as they are */
		vec_clear(&l->behind);
	for (uint32_t i = 0; i < l->behind.n && l->pk && l->ready; i++) {
		struct net_key key = l->behind.v[i]; /* more may come behind it */
		_err_ struct err e = ERR_INIT;

		if (remap(l, &key, &e))
			continue;
		if (!failed++)
			err_set(&first, e.code, "%s", err_text(&e));
	}
	vec_free(&l->behind);
	l->lagging = false;
	if (!failed || !l->pk)
		return;
	if (failed > 1)
		err_prefix(&first, "q:map(): for one record and %u more: ", failed - 1);
	else
		err_prefix(&first, "q:map(): ");
	pack_fault(l->pk, err_text(&first));
}

void live_settle(struct script *s)
{
	while (s->lagging.n) {
		struct live *live = vec_pop(&s->lagging);

		if (!live)
			continue;
		live_ref(live); /* a fault may let go of it */
		catch_up((struct qlive *)live);
		live_put(live);
	}
}

static int fill_cache(lua_State *L)
{
	struct qlive *l = lua_touserdata(L, 1);
	struct net_key key;

	for (const struct net_rec *r = query_after(l->q, NULL); r; r = query_after(l->q, &key)) {
		struct mapped *to = xnew(struct mapped);
		struct mapping m = { l, r, to };

		net_rec_key(r, &key);
		to->key = key;
		hmap_put(&l->cache, net_key_hash(&key), to); /* the cache owns it while Lua runs */
		vm_charge(L, 50);
		map_record(L, &m);
	}
	return 0;
}

void live_ready(lua_State *L, struct live *live)
{
	struct qlive *l = qlive(live);
	struct pack *pk = vm_user(L);
	struct run pure, *r = pk->run;
	struct mapped *m;
	int status;

	if (!l || !l->fn || l->ready)
		return;
	pure = *r;
	pure.kind = RUN_MAP;
	pure.sub = NULL;
	pk->run = &pure;
	lua_pushcfunction(L, fill_cache);
	lua_pushlightuserdata(L, l);
	status = lua_pcall(L, 1, 0, 0);
	pk->run = r;
	if (status != LUA_OK) {
		hmap_foreach (m, &l->cache, pos)
			mapped_free(m);
		hmap_free(&l->cache);
		lua_error(L);
	}
	l->ready = true;
	qlive_follow(l);
}
