// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets that packets fill: `add @s { … }`, `update`, `delete` in a rule. Such a set needs a kind of the
 * kernel's that can do it, the kernel bounds it, and elements that nobody states are not foreign there.
 */
#include <errno.h>

#include "nft/model.h"

#define BITMAP_LEN  2u      /* bytes of keys for which the kernel may take a bitmap */
#define SIZE_FILLED 0xffffu /* what the kernel makes of no size */

bool stmt_in_force(const struct stmt *st)
{
	return st->active && !st->refused && !st->rule.why && !st->disabled && st->rule.rc;
}

/* As nft, which adds the flag by itself; here only where the kernel might take a kind of set without it that
 * no packet can change. */
uint32_t set_flags_filled(const struct obj *o, const struct set_want *w)
{
	const uint32_t able = NFT_SET_EVAL | NFT_SET_TIMEOUT | NFT_SET_INTERVAL | NFT_SET_CONSTANT;

	if (!o->filled || o->attach || w->info.flags & able ||
		(!w->size && nft_type_len(&w->info.key) > BITMAP_LEN))
		return w->info.flags;
	return w->info.flags | NFT_SET_EVAL;
}

bool set_size_same(const struct obj *o)
{
	return o->set_have.size == o->set.size ||
	       (o->filled && o->set_have.size == SIZE_FILLED && !o->set.size);
}

static bool rule_fills(const struct stmt *st)
{
	if (stmt_in_force(st))
		vec_foreach (r, &st->rule.rc->code->refs)
			if (r->fills)
				return true;
	return false;
}

static bool rules_fill(const struct obj *chain)
{
	vec_foreach (st, &chain->rules)
		if (rule_fills(*st))
			return true;
	return false;
}

/* What the kernel would say no to. Of packs that did nothing now it is the kernel's to say. */
static int unfit(
	struct stmt *st, const struct ref *r, const struct obj *set, struct rpack **culprit, struct err *e)
{
	uint32_t flags = set->set.info.flags;

	if (!can_blame(stmt_pack(st)))
		return 0;
	if (flags & (NFT_SET_INTERVAL | NFT_SET_CONSTANT))
		return merge_error(st, culprit, e, "set %s has flags %s: packets can not change its elements",
			set->name, flags & NFT_SET_INTERVAL ? "interval" : "constant");
	if (r->timed && !(flags & NFT_SET_TIMEOUT))
		return merge_error(
			st, culprit, e, "a timeout needs a set with flags timeout, %s has none", set->name);
	return 0;
}

static int mark_filled(struct obj *chain, struct rpack **culprit, struct err *e)
{
	chain->filled = false;
	vec_foreach (st, &chain->rules) {
		if (!rule_fills(*st))
			continue;
		chain->filled = true;
		vec_foreach (r, &(*st)->rule.rc->code->refs) {
			struct obj *set = r->fills ? obj_find(chain->rs, OBJ_SET, chain->family,
							     chain->tab->name, r->name)
						   : NULL;

			if (!set || !set->want)
				continue;
			set->filling = true;
			if (unfit(*st, r, set, culprit, e) < 0)
				return -EINVAL;
		}
	}
	return 0;
}

static int check_table(struct obj *table, struct rpack **culprit, struct err *e)
{
	vec_foreach (m, &table->members)
		(*m)->filling = false;
	vec_foreach (m, &table->members)
		if ((*m)->kind == OBJ_CHAIN && mark_filled(*m, culprit, e) < 0)
			return -EINVAL;
	vec_foreach (m, &table->members) {
		struct obj *o = *m;

		if (o->kind != OBJ_SET || o->filled == o->filling)
			continue;
		if (o->filled)
			o->set.info.flags = o->flags_said;
		o->filled = o->filling;
		o->flags_said = o->set.info.flags;
		o->set.info.flags = set_flags_filled(o, &o->set);
		obj_changed(o);
	}
	return 0;
}

int fills_check(struct ruleset *rs, struct rpack **culprit, struct err *e)
{
	for (uint32_t i = 0; i < rs->changed.n; i++)
		rs->changed.v[i]->tab->walked = false;
	for (uint32_t i = 0; i < rs->changed.n; i++) {
		struct obj *o = rs->changed.v[i], *table = o->tab;

		if (table->walked || o->kind != OBJ_CHAIN || !(o->filled || rules_fill(o)))
			continue;
		table->walked = true;
		if (check_table(table, culprit, e) < 0)
			return -EINVAL;
	}
	for (uint32_t i = 0; i < rs->changed.n; i++)
		rs->changed.v[i]->tab->walked = false;
	return 0;
}
