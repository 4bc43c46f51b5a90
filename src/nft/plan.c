// SPDX-License-Identifier: GPL-2.0-or-later
/* From want to have: which objects come, go or change in place, in the order of the batch. */
#include "nft/attach_impl.h"

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
			op.stmt = st;
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

/* rnm takes the table over, or somebody took its mark away. */
static void plan_mark(struct plan *p, struct obj *o)
{
	struct op *op = plan_op(p, PH_ADD_CHAIN, OP_ADD_CHAIN, o);

	op->name = MARK_CHAIN;
	op->mark = true;
	op->chain = (struct chain_want){ .policy = -1, .comment = "this table is kept by rnm" };
}

static void plan_table(struct plan *p, struct obj *o)
{
	bool stays = o->have && !o->recreate;
	struct op *op;

	if (stays && o->want && o->adopted && !o->has_mark)
		plan_mark(p, o);

	if (o->recreate || (o->own_before && !(o->rs->hold_deletes && !o->want))) {
		op = plan_op(p, PH_DEL_TABLE_FIRST, OP_DEL_TABLE, o);
		op->recreate = o->want;
	}
	if (o->have && !o->want && !held(o))
		plan_op(p, PH_DEL_TABLE, OP_DEL_TABLE, o);
	if (!o->want || o->flags_wait || (stays && o->table_have.flags == table_flags(o)))
		return;
	op = plan_op(p, stays ? PH_MOD_TABLE : PH_ADD_TABLE, OP_ADD_TABLE, o);
	op->table_want = o->table_want;
	op->table_want.flags = table_flags(o);
	op->changed = stays;
	op->excl = !stays; /* somebody may have made one of this name meanwhile */
	op->recreate = o->recreate;
}

/* The rules of a chain that goes and that name something: sets and chains may go before it. */
static void let_go(struct plan *p, struct obj *chain)
{
	vec_foreach (k, &chain->krules) {
		if (!k->gone && k->rc->code->refs.n)
			plan_del_rule(p, plan_op(p, PH_DEL_RULE, OP_DEL_RULE, chain), k);
	}
}

static void plan_chain(struct plan *p, struct obj *o)
{
	struct op *op;

	if (had(o) && !o->want)
		let_go(p, o);
	if (had(o) && (!o->want || o->recreate)) {
		op = plan_op(p, o->recreate ? PH_UNDO : PH_DEL_CHAIN, OP_DEL_CHAIN, o);
		op->recreate = o->recreate;
		op->chain = borrow_chain(&o->chain_have);
	}
	if (!o->want)
		return;
	if (!had(o) || o->recreate) {
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

	if (o->attach) {
		plan_attached(p, o);
		return;
	}
	if (had(o) && (!o->want || o->recreate)) {
		op = plan_op(p, o->recreate ? PH_UNDO : PH_DEL_SET, OP_DEL_SET, o);
		op->recreate = o->recreate;
		op->set = &o->set_have;
	}
	if (!o->want)
		return;
	if (!had(o) || o->recreate) {
		op = plan_op(p, PH_ADD_SET, OP_ADD_SET, o);
		op->set = &o->set;
		op->recreate = o->recreate;
	} else if (!set_size_same(o) || o->set_have.timeout_ms != o->set.timeout_ms ||
		   o->set_have.gc_ms != o->set.gc_ms) {
		op = plan_op(p, PH_MODIFY, OP_MOD_SET, o);
		op->set = &o->set;
		op->changed = true;
	}
	plan_elems(p, o, !had(o) || o->recreate);
}

static void plan_members(struct plan *p, struct obj *o)
{
	if (held(o)) {
		if (o->kind == OBJ_CHAIN)
			plan_held_rules(p, o);
		return;
	}
	switch (o->kind) {
	case OBJ_TABLE: return;
	case OBJ_CHAIN:
		plan_chain(p, o);
		if (o->want)
			plan_rules(p, o, !had(o) || o->recreate);
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
