// SPDX-License-Identifier: GPL-2.0-or-later
/* The sets that hold live lists of rules: one for each list and type of key in a table, for all rules of a
 * pack that look into it. */
#include "nft/autoset.h"

struct wanted {
	const struct obj *tab;
	const struct live *live;
	const struct nft_type *key;
	bool interval;
};

static uint64_t auto_hash(const struct obj *tab, const struct live *live)
{
	return hash_mix((uintptr_t)tab, (uintptr_t)live);
}

static bool is_wanted(const void *item, const void *key)
{
	const struct autoset *a = item;
	const struct wanted *w = key;

	return a->tab == w->tab && a->live == w->live && nft_type_equal(&a->want.info.key, w->key) &&
	       !(a->want.info.flags & NFT_SET_INTERVAL) == !w->interval;
}

static struct autoset *auto_new(struct rpack *pk, const struct wanted *w, uint32_t site)
{
	struct autoset *a = xnew(struct autoset);
	struct set_info *info = &a->want.info;

	a->pk = pk;
	a->tab = (struct obj *)w->tab;
	obj_ref(a->tab);
	a->live = (struct live *)w->live;
	a->live->ops->ref(a->live);
	info->key = *w->key;
	info->flags = w->interval ? NFT_SET_INTERVAL : 0;
	info->auto_merge = w->interval;
	set_want_concat(&a->want);
	auto_name_take(pk, a, site);
	hmap_put(&pk->autos, auto_hash(a->tab, a->live), a);
	return a;
}

static void auto_put(struct autoset *a)
{
	if (--a->refs)
		return;
	if (a->pk)
		hmap_del_item(&a->pk->autos, auto_hash(a->tab, a->live), a);
	auto_name_put(a);
	a->live->ops->put(a->live);
	obj_put(a->tab);
	free(a);
}

static void auto_on(struct autoset *a, uint32_t site)
{
	struct ruleset *rs = a->tab->rs;
	struct obj *o = obj_get(rs, OBJ_SET, a->tab->family, a->tab->name, a->want.info.name);

	a->o = o;
	o->autoset = a;
	o->want = true;
	o->info_valid = false;
	o->set = a->want;
	a->c = contrib_new(a->pk, C_LIVE, o, site);
	contrib_follow(a->c, a->live);
	contrib_on(a->c);
	obj_dirty(o);
	obj_changed(o);
}

static void auto_off(struct autoset *a)
{
	contrib_free(a->c);
	a->c = NULL;
	a->refused = false;
	a->o->autoset = NULL;
	a->o->info_valid = false;
	obj_put(a->o);
	a->o = NULL;
}

static void use_on(struct auto_use *u, uint32_t site)
{
	if (u->on)
		return;
	u->on = true;
	if (!u->a->users++)
		auto_on(u->a, site);
	if (u->a->refused) { /* once more, for who comes now */
		u->a->refused = false;
		obj_dirty(u->a->o);
	}
}

static void use_off(struct auto_use *u)
{
	if (!u->on)
		return;
	u->on = false;
	if (!--u->a->users)
		auto_off(u->a);
}

static struct auto_use *use_of(struct stmt *st, const char *param)
{
	vec_foreach (u, &st->rule.autos)
		if (!strcmp(u->param, param))
			return u;
	vec_push(&st->rule.autos, (struct auto_use){ .param = xstrdup(param) });
	return &vec_last(&st->rule.autos);
}

const struct set_info *auto_set(
	struct stmt *st, const char *param, struct live *live, const struct nft_type *key)
{
	struct rpack *pk = stmt_pack(st);
	struct auto_use *u = use_of(st, param);
	struct wanted w = { st->o->tab, live, key, live->ops->may_be_interval(live) };

	if (u->a && !is_wanted(u->a, &w)) {
		use_off(u);
		auto_put(u->a);
		u->a = NULL;
	}
	if (!u->a) {
		u->a = hmap_find(&pk->autos, auto_hash(w.tab, live), is_wanted, &w);
		if (!u->a)
			u->a = auto_new(pk, &w, st->site);
		u->a->refs++;
	}
	use_on(u, st->site);
	return &u->a->want.info;
}

bool auto_used(const struct stmt *st, const char *param)
{
	vec_foreach (u, &st->rule.autos)
		if (u->on && !strcmp(u->param, param))
			return true;
	return false;
}

void autos_off(struct stmt *st)
{
	vec_foreach (u, &st->rule.autos)
		use_off(u);
}

void autos_free(struct stmt *st)
{
	vec_foreach (u, &st->rule.autos) {
		use_off(u);
		free(u->param);
		if (u->a)
			auto_put(u->a);
	}
	vec_free(&st->rule.autos);
}

void autos_orphan(struct rpack *pk)
{
	struct autoset *a;

	hmap_foreach (a, &pk->autos, pos)
		a->pk = NULL;
	hmap_free(&pk->autos);
}
