// SPDX-License-Identifier: GPL-2.0-or-later
/* What can not be changed in place is deleted and made anew in one batch, and with it all that names it. */
#include "nft/model.h"

static bool chain_compatible(const struct obj *o)
{
	const struct chain_want *a = &o->chain_have.w, *b = &o->chain.w;

	return a->base == b->base && a->flags == b->flags &&
	       (!a->base || (!strcmp(a->type, b->type) && a->hook == b->hook && a->priority == b->priority));
}

bool set_compatible(const struct obj *o)
{
	const struct set_want *a = &o->set_have, *b = &o->set;

	return nft_type_equal(&a->info.key, &b->info.key) && nft_type_equal(&a->info.data, &b->info.data) &&
	       a->info.flags == b->info.flags && a->info.obj_type == b->info.obj_type &&
	       a->policy == b->policy && !(a->size && !b->size && !set_size_same(o)) &&
	       set_stmts_same(o->stmts_have, o->stmts);
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
			plan_del_rule(p, op, k);
			op->recreate = true;
			obj_changed(c);
		}
	}
}

static bool other_devices(const struct obj *o)
{
	const struct chain_def *a = &o->chain_have, *b = &o->chain;
	uint32_t same = 0;

	vec_foreach (d, &a->dev)
		vec_foreach (x, &b->dev)
			same += !strcmp(*d, *x);
	return same != a->dev.n || same != b->dev.n;
}

uint32_t table_flags(const struct obj *o)
{
	uint32_t want = o->table_want.flags, have = o->table_have.flags;

	if (!o->have || o->recreate || (want | have) & NFT_TABLE_F_OWNER)
		return want;
	return (want & ~TABLE_F_PERSIST) | (have & TABLE_F_PERSIST);
}

/* A table that had an owner, who went. */
static bool orphan(uint32_t flags)
{
	return flags & TABLE_F_PERSIST && !(flags & NFT_TABLE_F_OWNER);
}

/* The kernel lets a table fall asleep or wake, and an orphan be claimed, but in such a batch it registers and
 * removes no other hooks of what is there. Not where the table has an owner: then no flag ever changes. */
static bool needs_other_table(const struct obj *o)
{
	bool claim = orphan(o->table_have.flags) && o->table_want.flags & TABLE_F_PERSIST;
	uint32_t diff = o->table_have.flags ^ table_flags(o);

	if (!o->have || !o->want || !diff)
		return false;
	if (claim)
		diff &= ~(uint32_t)NFT_TABLE_F_OWNER;
	if (diff & ~(uint32_t)NFT_TABLE_F_DORMANT || o->table_have.flags & NFT_TABLE_F_OWNER)
		return true;
	vec_foreach (m, &o->members)
		if ((*m)->changed && (*m)->have && (*m)->want &&
			((*m)->kind == OBJ_CHAIN || (*m)->kind == OBJ_FLOWTABLE) &&
			((*m)->recreate || other_devices(*m)))
			return true;
	return false;
}

static bool has_unclaimed(const struct obj *o)
{
	if (o->unclaimed)
		return true;
	vec_foreach (k, &o->krules)
		if (k->unclaimed)
			return true;
	for (uint32_t i = 0; o->elems_have && i < o->elems_have->n; i++) {
		const struct elem *el = elem_at(o->elems_have, i);

		if (el->flags & E_USED && el->flags & E_HAVE && elem_unclaimed(el))
			return true;
	}
	return false;
}

static void table_anew(struct obj *o)
{
	bool held = false;

	o->recreate = false;
	o->recreate = needs_other_table(o);
	o->flags_wait = false;
	if (!o->recreate)
		return;
	vec_foreach (m, &o->members)
		held |= o->rs->hold_deletes && has_unclaimed(*m);
	if (held) { /* what nobody states yet would go with it */
		o->recreate = false;
		o->flags_wait = true;
		return;
	}
	vec_foreach (m, &o->members) {
		vec_foreach (k, &(*m)->krules)
			k->gone = false;
		(*m)->recreate = (*m)->in_the_way = false;
		obj_changed(*m);
	}
}

/* Making anew what a closure names may bring more into the plan: the list of changed objects grows while it
 * is walked. */
void find_recreations(struct plan *p)
{
	struct ruleset *rs = p->rs;
	bool tables = false;

	for (uint32_t i = 0; i < rs->changed.n; i++) {
		struct obj *o = rs->changed.v[i];

		tables |= o->kind == OBJ_TABLE;
		if (o->kind == OBJ_CHAIN)
			vec_foreach (k, &o->krules)
				k->gone = false;
		o->recreate = o->have && o->want && !o->attach && o->tab->want && !compatible(o);
		o->in_the_way = o->kind == OBJ_FLOWTABLE && flowtable_in_the_way(o);
	}
	for (uint32_t i = 0; tables && i < rs->changed.n; i++)
		if (rs->changed.v[i]->kind == OBJ_TABLE)
			table_anew(rs->changed.v[i]);
	for (uint32_t i = 0; i < rs->changed.n; i++)
		if ((rs->changed.v[i]->recreate || rs->changed.v[i]->in_the_way) &&
			rs->changed.v[i]->kind != OBJ_TABLE)
			make_way(p, rs->changed.v[i]);
}
