// SPDX-License-Identifier: GPL-2.0-or-later
/* The daemon begins anew over what the kernel has: the same packs say the same again, or one is left out for
 * a while, and what it had is held meanwhile. */
#include <stdio.h>

#include "base/clock.h"
#include "nft/readback.h"
#include "testing/rs_model.h"
#include "testing/rs_random.h"

static const struct sim_elem *kernel_elem(struct world *w, int t, int s, int key)
{
	struct sim_obj *o = sim_find(&w->k, OBJ_SET, table_family[t], table_names[t], set_names[s]);
	const struct sim_elem *found = NULL;
	struct val k, data;
	struct setelem el;

	if (!o)
		return NULL;
	k = key_val(s, key, o->set.info.flags & NFT_SET_INTERVAL);
	data = data_val(s, 0);
	if (nft_elem_make(&o->set.info, &k, data.kind ? &data : NULL, &el, NULL) == 0)
		vec_foreach (x, &o->els)
			if (!memcmp(x->el.key, el.key, el.klen) &&
				(!el.interval || !memcmp(x->el.key_end, el.key_end, el.klen)))
				found = x;
	val_free(&k);
	val_free(&data);
	return found;
}

/* The time of statements goes on where the kernel has the element, and begins anew where not. */
static void take_times(struct world *w, int pack)
{
	for (struct scope_said *sc = w->pack[pack].scope; sc < w->pack[pack].scope + N_SCOPES; sc++)
		for (int i = 0; i < sc->n; i++)
			for (int k = 0; k < sc->said[i].n; k++) {
				const struct said *s = &sc->said[i];
				const struct sim_elem *x =
					s->timeout[k] ? kernel_elem(w, s->table, s->obj, s->key[k]) : NULL;

				if (x && x->deadline && x->el.timeout_ms == s->timeout[k] * 1000ull)
					sc->deadline[i][k] = x->deadline;
			}
}

bool elements_known(struct world *w, int t, int s)
{
	const struct obj *o = obj_find(w->rs, OBJ_SET, table_family[t], table_names[t], set_names[s]);

	return o && o->have && o->elems_have;
}

/* Timed elements that nobody states, when the set is read first. */
void find_timed(struct world *w, int t, int s)
{
	for (int key = 0; key < N_KEYS; key++) {
		const struct sim_elem *x = kernel_elem(w, t, s, key);

		w->found[t][s][key] =
			x && x->deadline && model_type(w, t, s) >= 0 && !model_held(w, t, s, key);
	}
}

static void adopt_of(struct world *w, int t, int s)
{
	const struct obj *o = obj_find(w->rs, OBJ_SET, table_family[t], table_names[t], set_names[s]);
	const struct rpack *by = NULL;

	vec_foreach (d, &o->decls)
		if (!by && (*d)->active)
			by = (*d)->sc->pk;
	for (int key = 0; key < N_KEYS; key++) {
		const struct sim_elem *x = w->found[t][s][key] ? kernel_elem(w, t, s, key) : NULL;

		if (!x || !x->deadline || model_type(w, t, s) < 0 || model_held(w, t, s, key))
			continue;
		for (int p = 0; p < N_PACKS; p++)
			if (by && w->pack[p].rp == by)
				w->pack[p].edit[model_type(w, t, s)][t][s][key] = (struct edited){ true, true,
					0, x->deadline, (uint32_t)(x->el.timeout_ms / 1000) };
	}
}

/* They are edits of the set's first pack, once no pack is left out that may have stated them. */
void adopt(struct world *w)
{
	if (w->rs->hold_deletes)
		return;
	for (int i = 0; i < N_TABLES * N_SETS; i++)
		if (elements_known(w, i / N_SETS, i % N_SETS))
			adopt_of(w, i / N_SETS, i % N_SETS);
}

bool as_wanted(struct world *w)
{
	bool ok;

	w->strict = true;
	ok = model_check(w);
	w->strict = false;
	w->fail[0] = '\0';
	return ok;
}

static void count_table(void *ctx, const struct table_seen *t)
{
	struct world *w = ctx;

	ruleset_kernel_table(w->rs, t);
}

/* Its tables have no owner any more, and others may be at them before the next one comes. */
static bool orphaned(struct world *w)
{
	_err_ struct err e = ERR_INIT;

	nft_conn_free(w->conn);
	vec_foreach (o, &w->k.objs)
		(*o)->flags &= ~(uint32_t)((*o)->kind == OBJ_TABLE ? NFT_TABLE_F_OWNER : 0);
	w->conn = nft_conn_new("spec", &e);
	if (!w->conn)
		return fail(w, "%s", err_text(&e));
	return rnd(w, 3) || meddle(w);
}

/* The daemon is gone, the kernel stays. */
static bool new_life(struct world *w)
{
	_err_ struct err e = ERR_INIT;

	if (!orphaned(w))
		return false;
	ruleset_begin(w->rs, "stop");
	for (int i = 0; i < N_PACKS; i++)
		if (w->pack[i].rp)
			rpack_retire(w->pack[i].rp, NULL);
	memset(w->pack, 0, sizeof(w->pack));
	memset(w->begun, 0, sizeof(w->begun));
	memset(w->old_quarrel, 0, sizeof(w->old_quarrel));
	memset(w->type, -1, sizeof(w->type));
	memset(w->typed, 0, sizeof(w->typed));
	memset(w->found, 0, sizeof(w->found));
	world_sweep(w);
	ruleset_commit(w->rs);
	ruleset_free(w->rs);
	w->rs = ruleset_new();
	w->lives++;
	w->owner = rnd(w, 3) == 0;
	ruleset_owner(w->rs, w->owner);
	ruleset_tables_begin(w->rs);
	if (nft_tables(w->conn, count_table, w, &e) < 0)
		return fail(w, "reading tables: %s", err_text(&e));
	ruleset_tables_end(w->rs);
	if (ruleset_find_attached(w->rs, w->conn, &e) < 0)
		return fail(w, "reading sets: %s", err_text(&e));
	ruleset_suspect_all(w->rs);
	return true;
}

/* ---- what a pack had that is left out ---- */

struct kept {
	VEC(uint64_t) rules;
	VEC(struct sim_elem) els; /* of hash sets, without an end */
	VEC(char *) objs;
};

static char *name_of(const struct sim_obj *o)
{
	return xasprintf("%d %d %s %s", (int)o->kind, o->family, o->table, o->name);
}

static void keep(struct world *w, struct kept *k)
{
	vec_foreach (p, &w->k.objs) {
		vec_push(&k->objs, name_of(*p));
		vec_foreach (r, &(*p)->rules)
			vec_push(&k->rules, r->handle);
		if (!((*p)->set.info.flags & NFT_SET_INTERVAL))
			vec_foreach (x, &(*p)->els)
				if (!x->deadline)
					vec_push(&k->els, *x);
	}
}

static bool lost(struct world *w, const struct kept *k)
{
	struct kept now = { 0 };
	uint32_t objs = 0, rules = 0, els = 0;

	keep(w, &now);
	vec_foreach (a, &k->objs)
		vec_foreach (b, &now.objs)
			if (!strcmp(*a, *b) && ++objs)
				break;
	vec_foreach (a, &k->rules)
		vec_foreach (b, &now.rules)
			if (*a == *b && ++rules)
				break;
	vec_foreach (a, &k->els)
		vec_foreach (b, &now.els)
			if (!memcmp(a->el.key, b->el.key, a->el.klen) && ++els)
				break;
	vec_foreach (s, &now.objs)
		free(*s);
	vec_free(&now.objs);
	vec_free(&now.rules);
	vec_free(&now.els);
	if (objs == k->objs.n && rules == k->rules.n && els >= k->els.n)
		return false;
	fail(w, "a pack was left out, and of %u objects %u are left, of %u rules %u, of %u elements %u:\n%s",
		k->objs.n, objs, k->rules.n, rules, k->els.n, els, buf_str(&w->told));
	return true;
}

static bool settled(struct world *w)
{
	return world_finish(w) && model_check(w) && world_rests(w);
}

/* It is tried again and fails: that costs it nothing either. */
static bool fails_again(struct world *w, const struct pack_said *was, int missing)
{
	ruleset_begin(w->rs, "again");
	return say_again(w, missing, was) && world_undo(w) && world_finish(w) && world_rests(w);
}

/* The others begin; then what is held is let go, or the pack is there again. */
static bool without(struct world *w, const struct pack_said *was, int missing)
{
	struct kept k = { 0 };
	bool ok;

	ruleset_hold_deletes(w->rs, true);
	keep(w, &k);
	buf_clear(&w->told);
	w->tell = true;
	ok = world_finish(w) && world_rests(w) && (rnd(w, 2) || fails_again(w, was, missing)) &&
	     (w->anew || !lost(w, &k));
	w->tell = false;
	vec_foreach (s, &k.objs)
		free(*s);
	vec_free(&k.objs);
	vec_free(&k.rules);
	vec_free(&k.els);
	w->held++;
	if (ok && rnd(w, 3) == 0)
		ok = meddle(w);
	if (!ok)
		return false;
	ruleset_begin(w->rs, "back");
	if (rnd(w, 2)) {
		if (!say_again(w, missing, was))
			return false;
		take_times(w, missing);
	}
	ruleset_hold_deletes(w->rs, false);
	w->released = true;
	return true;
}

bool begin_anew(struct world *w)
{
	struct pack_said was[N_PACKS];
	int missing = rnd(w, 3) ? -1 : (int)rnd(w, N_PACKS);
	bool ok;

	memcpy(was, w->pack, sizeof(was));
	w->now = boot_ms();
	w->anew = false;
	if (!new_life(w))
		return false;
	sim_expire(&w->k, boot_ms());
	if (w->backs_off)
		ruleset_backs_off(w->rs);
	ruleset_begin(w->rs, "start");
	if (!disabled_again(w))
		return false;
	for (int i = 0; i < N_PACKS; i++) {
		if (!was[i].rp || i == missing)
			continue;
		if (!say_again(w, i, &was[i]))
			return false;
		take_times(w, i);
	}
	ok = missing < 0 || !was[missing].rp || without(w, &was[missing], missing);
	return ok && settled(w);
}
