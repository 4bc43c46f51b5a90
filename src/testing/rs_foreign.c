// SPDX-License-Identifier: GPL-2.0-or-later
/* Others at work in own tables: batches that nobody announced, which the simulated kernel takes along, so
 * that what puts them right is held to the same as any other plan. */
#include <stdio.h>

#include "base/clock.h"
#include "nft/readback.h"
#include "testing/rs_random.h"

struct meddling { /* one batch */
	VEC(struct op) ops;
	struct setelem el[4];
	uint32_t index[4], n_els;
	struct set_want set;
	struct object_want object;
	char name[4][64]; /* what has them may go meanwhile */
};

static struct sim_obj *any_of(struct world *w, enum obj_kind kind)
{
	struct sim_obj *out = NULL;
	uint32_t n = 0;

	vec_foreach (p, &w->k.objs)
		if (((*p)->kind == kind || (kind == OBJ_STATEFUL && (*p)->kind > kind)) && !rnd(w, ++n))
			out = *p;
	return out;
}

static struct op *put(struct meddling *m, enum op_kind kind, const struct sim_obj *o)
{
	struct op op = { .kind = kind, .family = o->family, .no_mark = true };

	for (int t = 0; t < N_TABLES; t++)
		if (!strcmp(o->table, table_names[t]))
			op.table = table_names[t];
	if (o->kind != OBJ_TABLE)
		op.name = strcpy(m->name[m->ops.n], o->name);
	vec_push(&m->ops, op);
	return &vec_last(&m->ops);
}

/* ---- elements ---- */

static void get(const struct op *op, uint32_t i, struct setelem *out)
{
	*out = ((const struct setelem *)op->elem.src)[i];
}

static void put_elem(struct meddling *m, enum op_kind kind, const struct sim_obj *o, const struct setelem *el)
{
	struct op *op = put(m, kind, o);

	m->el[m->n_els] = *el;
	op->elem.set = &o->set;
	op->elem.n = 1;
	op->elem.get = get;
	op->elem.src = &m->el[m->n_els++];
	op->recreate = true; /* what is deleted may be added again */
}

static int number_of(const struct sim_obj *o)
{
	for (int s = 0; s < N_SETS; s++)
		if (!strcmp(o->name, set_names[s]))
			return s;
	return -1;
}

static bool can_add(const struct sim_obj *o, const struct setelem *el)
{
	vec_foreach (x, &o->els)
		if (el->interval && o->set.info.key.n == 1
				? memcmp(x->el.key, el->key_end, el->klen) <= 0 &&
					  memcmp(el->key, x->el.key_end, el->klen) <= 0
				: !memcmp(x->el.key, el->key, el->klen))
			return false;
	return true;
}

static void add_elem(struct world *w, struct meddling *m, const struct sim_obj *o, int s)
{
	bool timed = s == S_T4 || s == S_IT;
	int key = (int)(timed ? 3 + rnd(w, N_KEYS - 3) : rnd(w, N_KEYS));
	struct val k = key_val(s, key, false), data = data_val(s, (int)rnd(w, 5));
	struct setelem el = { 0 };

	if (nft_elem_make(&o->set.info, &k, data.kind ? &data : NULL, &el, NULL) == 0 && can_add(o, &el)) {
		el.timeout_ms = timed && rnd(w, 2) ? 7000 + 10000 * rnd(w, 3) : 0;
		put_elem(m, OP_ADD_ELEM, o, &el);
	}
	val_free(&k);
	val_free(&data);
}

/* Half of a range, or other data. */
static void other_elem(struct world *w, struct meddling *m, const struct sim_obj *o, struct setelem el, int s)
{
	struct val data = data_val(s, (int)rnd(w, 5)), k = key_val(s, 0, false);
	struct setelem with = { 0 };

	put_elem(m, OP_DEL_ELEM, o, &el);
	el.timeout_ms = el.expires_ms = 0;
	if (el.interval && o->set.info.key.n == 1 && memcmp(el.key, el.key_end, el.klen) != 0)
		el.key_end[el.klen - 1] =
			(uint8_t)(el.key[el.klen - 1] +
				  (uint8_t)(el.key_end[el.klen - 1] - el.key[el.klen - 1]) / 2);
	if (data.kind && nft_elem_make(&o->set.info, &k, &data, &with, NULL) == 0) {
		el.verdict_code = with.verdict_code;
		memcpy(el.data, with.data, sizeof(el.data));
		memcpy(el.target, with.target, sizeof(el.target));
	}
	if (memcmp(el.key, el.key_end, el.klen) <= 0 || !el.interval)
		put_elem(m, OP_ADD_ELEM, o, &el);
	val_free(&data);
	val_free(&k);
}

static void elements(struct world *w, struct meddling *m)
{
	struct sim_obj *o = any_of(w, OBJ_SET);
	int s = o ? number_of(o) : -1;
	uint32_t what = rnd(w, 5);

	if (!o)
		return;
	if (what == 0 && !rnd(w, 2)) {
		put(m, OP_FLUSH_SET, o);
	} else if (what == 1 && s >= 0) {
		add_elem(w, m, o, s);
	} else if (o->els.n) {
		struct setelem el = o->els.v[rnd(w, o->els.n)].el;

		el.exprs = NULL;
		el.n_exprs = 0;
		if (what < 4 || s < 0)
			put_elem(m, OP_DEL_ELEM, o, &el);
		else
			other_elem(w, m, o, el, s);
	}
}

/* ---- rules ---- */

/* Some rule that is stated in this table, for its expressions. */
static const struct stmt *any_rule(struct world *w, const struct sim_obj *o)
{
	const struct stmt *out = NULL;
	uint32_t n = 0;

	vec_foreach (p, &w->rs->all) {
		if ((*p)->kind != OBJ_CHAIN || (*p)->family != o->family ||
			strcmp((*p)->table, o->table) != 0)
			continue;
		vec_foreach (st, &(*p)->rules)
			if (rule_of(*st) && !rnd(w, ++n))
				out = *st;
	}
	return out;
}

static void rules(struct world *w, struct meddling *m)
{
	struct sim_obj *o = any_of(w, OBJ_CHAIN);
	const struct stmt *st = o ? any_rule(w, o) : NULL;
	uint32_t what = rnd(w, 8), at = o && o->rules.n ? rnd(w, o->rules.n) : 0;
	uint64_t handle = o && o->rules.n ? o->rules.v[at].handle : 0;
	struct op *op;

	if (!o)
		return;
	if (what == 0) {
		put(m, OP_FLUSH_RULES, o);
	} else if (what < 4 && handle) {
		op = put(m, OP_DEL_RULE, o);
		op->rule.handle = handle;
		op->rule.text = "";
	} else if (st) {
		op = put(m, what == 4 && handle ? OP_REPLACE_RULE : OP_ADD_RULE, o);
		op->no_mark = rnd(w, 3); /* or a copy of an own rule, mark and all */
		op->rule.code = rule_of(st)->code;
		op->rule.text = rule_of(st)->text;
		op->rule.id = op->no_mark ? 0 : st->rule.id;
		if (op->kind == OP_REPLACE_RULE)
			op->rule.handle = handle;
		else if (rnd(w, 2))
			op->rule.position = handle;
	}
}

/* ---- what they stand in ---- */

static void devices(struct world *w, struct meddling *m, struct sim_obj *o)
{
	uint32_t i = rnd(w, N_KEYS);
	struct op *op;

	if (!o->dev || o->dev == 1u << i) /* one has to stay */
		return;
	op = put(m, o->dev & 1u << i ? OP_DEL_CHAIN_DEV : OP_ADD_CHAIN_DEV, o);
	op->dev = device_names[i];
}

static void chains(struct world *w, struct meddling *m)
{
	struct sim_obj *o = any_of(w, OBJ_CHAIN);
	uint32_t what = rnd(w, 4);
	struct op *op;

	if (!o)
		return;
	if (what == 0 && !o->chain.base && !sim_find(&w->k, OBJ_CHAIN, o->family, o->table, FOREIGN "1")) {
		op = put(m, OP_ADD_CHAIN, o);
		op->name = FOREIGN "1";
		op->chain = (struct chain_want){ .policy = -1 };
		if (!rnd(w, 2))
			return;
		op = put(m, OP_ADD_CHAIN, o);
		op->name = FOREIGN "2";
		op->chain = (struct chain_want){ .policy = -1 };
	} else if (what == 1) {
		put(m, OP_DEL_CHAIN, o);
	} else if (o->chain.base && o->family == table_family[T_NETDEV] && what == 2) {
		devices(w, m, o);
	} else if (o->chain.base) {
		op = put(m, OP_MOD_CHAIN, o);
		op->chain = o->chain;
		op->chain.n_dev = 0;
		op->chain.dev = NULL;
		op->chain.comment = NULL;
		op->chain.policy = !op->chain.policy;
	}
}

static void sets(struct world *w, struct meddling *m)
{
	struct sim_obj *o = any_of(w, OBJ_SET);
	struct op *op;

	if (!o || o->set.info.flags & (NFT_SET_MAP | NFT_SET_OBJECT) || o->stateful[0])
		return;
	m->set = o->set;
	switch (rnd(w, 3)) {
	case 0: put(m, OP_DEL_SET, o); return;
	case 1:
		if (sim_find(&w->k, OBJ_SET, o->family, o->table, FOREIGN "1"))
			return;
		op = put(m, OP_ADD_SET, o);
		op->name = FOREIGN "1";
		op->set = &m->set;
		strcpy(m->set.info.name, op->name);
		return;
	default: break;
	}
	m->set.size = 5000 + rnd(w, 9);
	op = put(m, OP_MOD_SET, o);
	op->set = &m->set;
	op->changed = true;
}

static void objects(struct world *w, struct meddling *m)
{
	struct sim_obj *o = any_of(w, OBJ_STATEFUL);
	struct op *op;

	if (!o)
		return;
	m->object = o->object;
	m->object.comment = NULL;
	if (o->object.type == NFT_OBJECT_QUOTA && rnd(w, 2)) {
		m->object.quota.bytes += 17;
		op = put(m, OP_MOD_OBJ, o);
	} else if (rnd(w, 2) || sim_find(&w->k, o->kind, o->family, o->table, FOREIGN "1")) {
		op = put(m, OP_DEL_OBJ, o);
	} else {
		op = put(m, OP_ADD_OBJ, o);
		op->name = FOREIGN "1";
	}
	op->obj = &m->object;
}

static void tables(struct world *w, struct meddling *m)
{
	struct sim_obj *o = any_of(w, OBJ_TABLE);
	struct op *op;

	if (!o)
		return;
	switch (rnd(w, 4)) {
	case 0: put(m, OP_FLUSH_RULESET, o)->family = 0; return;
	case 1: put(m, OP_DEL_TABLE, o); return;
	default: break;
	}
	op = put(m, OP_ADD_TABLE, o);
	op->table_want.flags = o->flags ^ NFT_TABLE_F_DORMANT;
	op->changed = true;
}

static void suspects(struct world *w, const struct meddling *m)
{
	if (!rnd(w, 4)) {
		ruleset_suspect_all(w->rs);
		return;
	}
	vec_foreach (op, &m->ops)
		if (op->kind == OP_FLUSH_RULESET)
			for (int t = 0; t < N_TABLES; t++)
				ruleset_suspect(w->rs, OBJ_TABLE, table_family[t], table_names[t], NULL);
		else
			ruleset_suspect(w->rs, sim_kind(op), op->family, op->table, op->name);
}

/* Nobody else changes a table that has an owner; a flushed ruleset leaves it. */
static bool owned(struct world *w, const struct plan *p)
{
	bool any = false;

	vec_foreach (op, &p->ops) {
		const struct sim_obj *t = op->kind == OP_FLUSH_RULESET
						  ? NULL
						  : sim_find(&w->k, OBJ_TABLE, op->family, op->table, "");

		any |= t && t->flags & NFT_TABLE_F_OWNER;
	}
	return any;
}

static bool meddle_once(struct world *w)
{
	struct meddling m = { 0 };
	struct commit_result r = { 0 };
	struct plan p = { .rs = w->rs };
	bool ok = true;
	uint32_t what = rnd(w, 16);

	(what < 6           ? rules
		: what < 11 ? elements
		: what < 12 ? chains
		: what < 13 ? sets
		: what < 15 ? objects
			    : tables)(w, &m);
	p.ops.v = m.ops.v;
	p.ops.n = m.ops.n;
	w->forbidden += owned(w, &p);
	if (m.ops.n &&
		nft_commit(w->others, &p, false, &r, NULL) == 0) { /* it may be refused: nothing happened */
		if (owned(w, &p))
			return fail(w, "others changed what has an owner");
		w->meddled++;
		suspects(w, &m);
		ok = sim_foreign(w, &p, &r);
		if (w->flushed)
			attached_flushed(w);
		w->flushed = false;
		if (!ok)
			fail(w, "\nthis was what others did");
	}
	commit_result_free(&r);
	vec_free(&m.ops);
	return ok;
}

bool meddle(struct world *w)
{
	bool ok = true;

	for (uint32_t n = 1 + rnd(w, 3); ok && n; n--) {
		if (rnd(w, 3) == 0)
			attached_meddle(w);
		ok = meddle_once(w);
	}
	return ok;
}
