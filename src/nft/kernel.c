// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel holds, where it is told and not the result of an own commit: whose tables there are, what
 * was lost. */
#include "nft/model.h"

void obj_lost(struct obj *o)
{
	if (o->kind == OBJ_SET && o->elems)
		elems_gone(o->elems);
	if (o->kind == OBJ_CHAIN)
		chain_rules_gone(o);
	o->have = o->adopted = o->has_mark = false;
	obj_dirty(o);
	obj_changed(o);
}

void table_lost(struct obj *table)
{
	obj_lost(table);
	vec_foreach (m, &table->members)
		obj_lost(*m);
}

void ruleset_tables_begin(struct ruleset *rs)
{
	vec_foreach (o, &rs->all)
		(*o)->seen = false;
}

void ruleset_kernel_table(struct ruleset *rs, const struct table_seen *t)
{
	struct obj *o = obj_get(rs, OBJ_TABLE, t->family, NULL, t->name);

	o->seen = true;
	o->own_before = t->own && !o->have;
	if (!t->own && o->have) /* rnm's is gone, and somebody else's came in its place */
		table_lost(o);
	o->foreign = !t->own;
	o->looked_at = false;
	if (t->persists) /* so the kernel has it */
		rs->owner_can = 1;
	obj_dirty(o);
	obj_changed(o);
	obj_put(o);
}

void ruleset_tables_end(struct ruleset *rs)
{
	for (uint32_t i = 0; i < rs->all.n; i++) {
		struct obj *o = rs->all.v[i];

		if (o->kind != OBJ_TABLE || o->seen)
			continue;
		if (o->foreign)
			obj_dirty(o);
		if (o->own_before)
			obj_changed(o);
		o->foreign = o->own_before = false;
		if (o->have)
			table_lost(o);
	}
}

bool obj_in_kernel(const struct obj *o)
{
	return o->have;
}

void ruleset_hold_deletes(struct ruleset *rs, bool hold)
{
	rs->hold_deletes = hold;
	rs->adopting |= !hold;
	for (uint32_t i = 0; i < rs->all.n; i++) {
		struct obj *o = rs->all.v[i];
		struct elem_table *t = o->kind == OBJ_SET ? o->elems_have : NULL;

		if (o->own_before || o->unclaimed || o->flags_wait || (o->kind == OBJ_CHAIN && o->krules.n))
			obj_changed(o);
		for (uint32_t k = 0; t && !hold && k < t->n; k++)
			if (elem_at(t, k)->flags & E_USED &&
				(elem_unclaimed(elem_at(t, k)) || elem_at(t, k)->flags & E_PENDING))
				elem_touch(t, k);
	}
}

void ruleset_kernel_unknown(struct ruleset *rs)
{
	for (uint32_t i = 0; i < rs->all.n; i++)
		if (rs->all.v[i]->kind == OBJ_TABLE && rs->all.v[i]->have)
			table_lost(rs->all.v[i]);
}
