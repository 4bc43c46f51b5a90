// SPDX-License-Identifier: GPL-2.0-or-later
/* The graph of jumps: the kernel refuses loops and paths that are too deep, some versions without saying
 * where, and a batch that it only checks passes unseen. So both are found here, at the rule that makes them.
 */
#include <errno.h>

#include "base/log.h"
#include "nft/model.h"

#define DEPTH_MAX 16 /* NFT_JUMP_STACK_SIZE of the kernel */

struct walk {
	struct rpack **culprit;
	struct err *e;
	struct obj *path[DEPTH_MAX + 1];
	unsigned depth;
	int rc;
	bool changed; /* a rule was left out: look again */
};

static bool in_force(const struct stmt *st)
{
	return st->active && !st->refused && !st->rule.why && !st->disabled && st->rule.rc;
}

static void blame(struct walk *w, struct stmt *st, const struct obj *to, const char *what)
{
	_buf_ struct buf path = BUF_INIT;
	bool from = false;

	for (unsigned i = 0; i < w->depth; i++) {
		from |= w->path[i] == to || w->depth > DEPTH_MAX;
		if (from)
			buf_printf(&path, "%s -> ", w->path[i]->name);
	}
	buf_puts(&path, to->name);
	if (can_blame(stmt_pack(st))) {
		w->rc = merge_error(
			st, w->culprit, w->e, "chain %s: %s (%s)", st->o->name, what, buf_str(&path));
		return;
	}
	/* Another pack closed the circle and is gone or not to blame any more: this rule gives way. */
	log_error("nft", "%s: rule left out: %s (%s)", stmt_pack(st)->name, what, buf_str(&path));
	free(st->rule.why);
	st->rule.why = xasprintf("%s (%s)", what, buf_str(&path));
	st->rule.why_unstated = false;
	obj_changed(st->o);
	w->changed = true;
}

static unsigned visit(struct walk *w, struct obj *chain);

static unsigned step(struct walk *w, struct stmt *st, struct obj *to)
{
	if (!to || !to->want || w->rc)
		return 0;
	if (to->on_path) {
		blame(w, st, to, "jump loop");
		return 0;
	}
	if (w->depth >= DEPTH_MAX || (to->depth && w->depth + to->depth > DEPTH_MAX)) {
		blame(w, st, to, "more than 16 jumps in a row");
		return 0;
	}
	return to->depth ? to->depth : visit(w, to);
}

static unsigned through_map(struct walk *w, struct stmt *st, const struct obj *map)
{
	const struct elem_table *t =
		map && map->want && target_kind(&map->set.info) == OBJ_CHAIN ? map->elems : NULL;
	unsigned deepest = 0;

	for (uint32_t i = 0; t && i < t->n && !w->rc; i++) {
		struct elem *el = elem_at(t, i);
		uint32_t a = el->m.contrib ? elem_attr(t, el) : 0;
		const char *target = a ? attr_target(&t->attrs.v[a - 1]) : NULL;
		unsigned d =
			target ? step(w, st,
					 obj_find(map->rs, OBJ_CHAIN, map->family, map->tab->name, target))
			       : 0;

		deepest = d > deepest ? d : deepest;
	}
	return deepest;
}

static unsigned visit(struct walk *w, struct obj *chain)
{
	unsigned deepest = 0;

	chain->on_path = true;
	w->path[w->depth++] = chain;
	for (uint32_t i = 0; i < chain->rules.n && !w->rc; i++) {
		struct stmt *st = chain->rules.v[i];

		if (!in_force(st))
			continue;
		vec_foreach (r, &st->rule.rc->code->refs) {
			unsigned d = 0;

			if (r->kind == REF_CHAIN)
				d = step(w, st,
					obj_find(chain->rs, OBJ_CHAIN, chain->family, chain->tab->name,
						r->name));
			else if (r->kind == REF_SET)
				d = through_map(w, st,
					obj_find(chain->rs, OBJ_SET, chain->family, chain->tab->name,
						r->name));
			deepest = d > deepest ? d : deepest;
		}
	}
	chain->on_path = false;
	w->depth--;
	chain->depth = 1 + deepest;
	return chain->depth;
}

static int check_table(struct obj *table, struct rpack **culprit, struct err *e)
{
	struct walk w;

	do {
		w = (struct walk){ .culprit = culprit, .e = e };
		vec_foreach (m, &table->members)
			(*m)->depth = 0;
		for (uint32_t i = 0; i < table->members.n && !w.rc; i++)
			if (table->members.v[i]->kind == OBJ_CHAIN && table->members.v[i]->want &&
				!table->members.v[i]->depth)
				visit(&w, table->members.v[i]);
		if (w.rc)
			vec_foreach (m, &table->members)
				(*m)->on_path = false;
	} while (!w.rc && w.changed);
	return w.rc;
}

/* Can a change of this object bring a new way from chain to chain? */
static bool leads_on(const struct obj *o)
{
	if (o->kind == OBJ_SET)
		return o->elems && target_kind(&o->elems->info) == OBJ_CHAIN && o->elems->dirty.n;
	if (o->kind != OBJ_CHAIN || !o->want)
		return false;
	vec_foreach (st, &o->rules)
		if (in_force(*st) && (*st)->rule.rc->code->refs.n)
			return true;
	return false;
}

int graph_check(struct ruleset *rs, struct rpack **culprit, struct err *e)
{
	for (uint32_t i = 0; i < rs->changed.n; i++)
		rs->changed.v[i]->tab->walked = false;
	for (uint32_t i = 0; i < rs->changed.n; i++) {
		struct obj *o = rs->changed.v[i];

		if (o->tab->walked || !leads_on(o))
			continue;
		o->tab->walked = true;
		if (check_table(o->tab, culprit, e) < 0)
			return -EINVAL;
	}
	return 0;
}
