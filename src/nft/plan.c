// SPDX-License-Identifier: GPL-2.0-or-later
/* From want to have: which objects come, go, change in place or are made anew, and what has to give way for
 * it. */
#include <errno.h>

#include "nft/model.h"

#define DECLS_ASKED 64 /* for who is told to have asked for an operation */

struct op *plan_op(struct plan *p, enum phase ph, enum op_kind kind, struct obj *o)
{
	struct op op = { .kind = kind, .family = o->family, .table = o->tab->name, .owner = o };
	struct op *out;

	if (o->kind != OBJ_TABLE)
		op.name = o->name;
	for (uint32_t i = 0; i < o->decls.n && i < DECLS_ASKED; i++) {
		const struct stmt *st = o->decls.v[i];

		if (!st->active || st->refused)
			continue;
		if (!op.pack || can_blame(st->sc->pk)) {
			op.pack = st->sc->pk->name;
			op.site = st->site;
		}
		if (can_blame(st->sc->pk)) /* rather who spoke now than who spoke first */
			break;
	}
	vec_push(&p->next->phase[ph], op);
	out = &vec_last(&p->next->phase[ph]);
	return out;
}

static struct chain_want borrow_chain(struct chain_def *d)
{
	struct chain_want w = d->w;

	w.n_dev = d->dev.n;
	w.dev = (const char *const *)d->dev.v;
	w.comment = d->comment;
	return w;
}

static bool chain_compatible(const struct obj *o)
{
	const struct chain_want *a = &o->chain_have.w, *b = &o->chain.w;

	return a->base == b->base && a->flags == b->flags &&
	       (!a->base || (!strcmp(a->type, b->type) && a->hook == b->hook && a->priority == b->priority));
}

static bool same_stmts(const struct set_stmts *a, const struct set_stmts *b)
{
	return a == b || (a && b && !strcmp(a->canon, b->canon));
}

bool set_compatible(const struct obj *o)
{
	const struct set_want *a = &o->set_have, *b = &o->set;

	return nft_type_equal(&a->info.key, &b->info.key) && nft_type_equal(&a->info.data, &b->info.data) &&
	       a->info.flags == b->info.flags && a->info.obj_type == b->info.obj_type &&
	       a->policy == b->policy && !(a->size && !b->size) && same_stmts(o->stmts_have, o->stmts);
}

static bool compatible(const struct obj *o)
{
	switch (o->kind) {
	case OBJ_TABLE: return true;
	case OBJ_CHAIN: return chain_compatible(o);
	case OBJ_SET: return set_compatible(o);
	case OBJ_FLOWTABLE: return flowtable_compatible(o);
	case OBJ_STATEFUL: break;
	}
	return object_compatible(o);
}

static bool names(const struct rcode *rc, const struct obj *o)
{
	enum obj_kind kind;

	vec_foreach (r, &rc->code->refs)
		if (ref_kind_of(r, &kind) && kind == o->kind && !strcmp(r->name, o->name))
			return true;
	return false;
}

/* o is deleted and made anew: the rules and map elements that name it go first and are stated again after it.
 * Also those of chains and maps that are made anew themselves: which of them is deleted first is open. */
static void make_way(struct plan *p, struct obj *o)
{
	vec_foreach (m, &o->tab->members) {
		struct obj *c = *m;

		if (c->kind == OBJ_SET && c->have && target_kind(&c->set_have.info) == o->kind)
			plan_target_elems(p, c, o);
		if (c->kind != OBJ_CHAIN || !c->have || c == o)
			continue;
		vec_foreach (k, &c->krules) {
			struct op *op;

			if (k->gone || !names(k->rc, o))
				continue;
			k->gone = true;
			op = plan_op(p, PH_UNDO, OP_DEL_RULE, c);
			op->rule.handle = k->handle;
			op->rule.text = k->rc->text;
			op->recreate = true;
			obj_changed(c);
		}
	}
}

static void plan_table(struct plan *p, struct obj *o)
{
	struct op *op;

	if (o->own_before && !(o->rs->hold_deletes && !o->want)) {
		op = plan_op(p, PH_DEL_TABLE_FIRST, OP_DEL_TABLE, o);
		op->recreate = o->want;
	}
	if (o->have && !o->want && !held(o))
		plan_op(p, PH_DEL_TABLE, OP_DEL_TABLE, o);
	if (!o->want || (o->have && o->table_have.flags == o->table_want.flags))
		return;
	op = plan_op(p, PH_ADD_TABLE, OP_ADD_TABLE, o);
	op->table_want = o->table_want;
	op->changed = o->have;
}

/* The rules of a chain that goes and that name something: sets and chains may go before it. */
static void let_go(struct plan *p, struct obj *chain)
{
	vec_foreach (k, &chain->krules) {
		struct op *op;

		if (k->gone || !k->rc->code->refs.n)
			continue;
		op = plan_op(p, PH_DEL_RULE, OP_DEL_RULE, chain);
		op->rule.handle = k->handle;
		op->rule.text = k->rc->text;
	}
}

static void plan_chain(struct plan *p, struct obj *o)
{
	struct op *op;

	if (o->have && !o->want)
		let_go(p, o);

	if (o->have && (!o->want || o->recreate)) {
		op = plan_op(p, o->recreate ? PH_UNDO : PH_DEL_CHAIN, OP_DEL_CHAIN, o);
		op->recreate = o->recreate;
		op->chain = borrow_chain(&o->chain_have);
	}
	if (!o->want)
		return;
	if (!o->have || o->recreate) {
		op = plan_op(p, PH_ADD_CHAIN, OP_ADD_CHAIN, o);
		op->chain = borrow_chain(&o->chain);
		op->recreate = o->recreate;
		return;
	}
	if (o->chain.w.base && o->chain_have.w.policy != o->chain.w.policy) {
		op = plan_op(p, PH_MODIFY, OP_MOD_CHAIN, o);
		op->chain = borrow_chain(&o->chain);
		op->changed = true;
	}
	plan_devices(p, o);
}

static void plan_set(struct plan *p, struct obj *o)
{
	struct op *op;

	if (o->have && (!o->want || o->recreate)) {
		op = plan_op(p, o->recreate ? PH_UNDO : PH_DEL_SET, OP_DEL_SET, o);
		op->recreate = o->recreate;
		op->set = &o->set_have;
	}
	if (!o->want)
		return;
	if (!o->have || o->recreate) {
		op = plan_op(p, PH_ADD_SET, OP_ADD_SET, o);
		op->set = &o->set;
		op->recreate = o->recreate;
	} else if (o->set_have.size != o->set.size || o->set_have.timeout_ms != o->set.timeout_ms ||
		   o->set_have.gc_ms != o->set.gc_ms) {
		op = plan_op(p, PH_MODIFY, OP_MOD_SET, o);
		op->set = &o->set;
		op->changed = true;
	}
	plan_elems(p, o, !o->have || o->recreate);
}

/* Making anew what a closure names may bring more into the plan: the list of changed objects grows while it
 * is walked. */
static void find_recreations(struct plan *p)
{
	struct ruleset *rs = p->rs;

	for (uint32_t i = 0; i < rs->changed.n; i++) {
		struct obj *o = rs->changed.v[i];

		if (o->kind == OBJ_CHAIN)
			vec_foreach (k, &o->krules)
				k->gone = false;
		o->recreate = o->have && o->want && o->tab->want && !compatible(o);
		o->in_the_way = o->kind == OBJ_FLOWTABLE && flowtable_in_the_way(o);
	}
	for (uint32_t i = 0; i < rs->changed.n; i++)
		if (rs->changed.v[i]->recreate || rs->changed.v[i]->in_the_way)
			make_way(p, rs->changed.v[i]);
}

static void plan_members(struct plan *p, struct obj *o)
{
	if (held(o))
		return;
	switch (o->kind) {
	case OBJ_TABLE: return;
	case OBJ_CHAIN:
		plan_chain(p, o);
		if (o->want)
			plan_rules(p, o, !o->have || o->recreate);
		return;
	case OBJ_SET: plan_set(p, o); return;
	case OBJ_FLOWTABLE: plan_flowtable(p, o); return;
	case OBJ_STATEFUL: break;
	}
	plan_object(p, o);
}

int plan_make(struct ruleset *rs, struct plan *p, struct err *e)
{
	uint32_t n = 0;

	(void)e;
	memset(p, 0, sizeof(*p));
	p->rs = rs;
	p->next = xnew(struct plan_next);
	find_recreations(p);
	for (uint32_t i = 0; i < rs->changed.n; i++) {
		struct obj *o = rs->changed.v[i];

		if (o->kind == OBJ_TABLE)
			plan_table(p, o);
		else if (o->tab->want || !o->tab->have) /* else it goes with its table */
			plan_members(p, o);
	}
	for (int ph = 0; ph < PH_MAX; ph++)
		n += p->next->phase[ph].n;
	vec_reserve(&p->ops, n);
	for (int ph = 0; ph < PH_MAX; ph++) {
		if (ph == PH_RULES)
			vec_foreach (c, &p->next->chains)
				vec_foreach (r, &c->rules)
					r->op_no += r->op_no ? p->ops.n : 0;
		vec_foreach (op, &p->next->phase[ph])
			p->ops.v[p->ops.n++] = *op;
	}
	rs->unsent = p->ops.n > 0;
	return 0;
}

void plan_free(struct plan *p)
{
	if (p->next)
		next_free(p->next);
	vec_free(&p->ops);
	p->next = NULL;
}
