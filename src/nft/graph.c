// SPDX-License-Identifier: GPL-2.0-or-later
/* The graph of jumps: the kernel refuses loops, paths that are too deep, jumps into base chains, and
 * statements in a chain to which a base chain leads that they do not work in; some versions without saying
 * where, and a batch that it only checks passes unseen. So all of it is found here, at the rule that makes
 * it.
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
	bool changed;    /* a rule was left out: look again */
	bool restricted; /* a rule of a regular chain does not work in all places */
	struct obj *base;
	uint32_t place;
};

static void blame_text(struct walk *w, struct stmt *st, const char *what)
{
	if (can_blame(stmt_pack(st))) {
		w->rc = merge_error(st, w->culprit, w->e, "chain %s: %s", st->o->name, what);
		return;
	}
	/* Another pack closed the circle and is gone or not to blame any more: this rule gives way. */
	log_error("nft", "%s: rule left out: %s", stmt_pack(st)->name, what);
	free(st->rule.why);
	st->rule.why = xstrdup(what);
	st->rule.why_unstated = false;
	obj_changed(st->o);
	w->changed = true;
}

static void blame(struct walk *w, struct stmt *st, const struct obj *to, const char *what)
{
	_buf_ struct buf text = BUF_INIT;
	bool from = false;

	buf_printf(&text, "%s (", what);
	for (unsigned i = 0; i < w->depth; i++) {
		from |= w->path[i] == to || w->depth > DEPTH_MAX;
		if (from)
			buf_printf(&text, "%s -> ", w->path[i]->name);
	}
	buf_printf(&text, "%s)", to->name);
	blame_text(w, st, buf_str(&text));
}

static struct stmt *blamable_decl(const struct obj *o)
{
	vec_foreach (d, &o->decls)
		if ((*d)->active && !(*d)->refused && can_blame(stmt_pack(*d)))
			return *d;
	return NULL;
}

static unsigned visit(struct walk *w, struct obj *chain);

static unsigned step(struct walk *w, struct stmt *st, struct obj *to)
{
	if (!to || !to->want || w->rc)
		return 0;
	if (to->chain.w.base) {
		struct stmt *decl = can_blame(stmt_pack(st)) ? NULL : blamable_decl(to);

		blame(w, decl ? decl : st, to, "a base chain can not be jumped to");
		return 0;
	}
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

static void map_targets(const struct obj *map, void (*fn)(void *ctx, struct obj *to), void *ctx)
{
	const struct elem_table *t =
		map && map->want && target_kind(&map->set.info) == OBJ_CHAIN ? map->elems : NULL;

	for (uint32_t i = 0; t && i < t->n; i++) {
		struct elem *el = elem_at(t, i);
		uint32_t a = el->m.contrib ? elem_attr(t, el) : 0;
		const char *target = a ? attr_target(&t->attrs.v[a - 1]) : NULL;

		if (target)
			fn(ctx, obj_find(map->rs, OBJ_CHAIN, map->family, map->tab->name, target));
	}
}

/* The chains that a rule names, and those that maps it names lead to. */
static void each_target(const struct stmt *st, void (*fn)(void *ctx, struct obj *to), void *ctx)
{
	const struct obj *o = st->o;

	vec_foreach (r, &st->rule.rc->code->refs)
		if (r->kind == REF_CHAIN)
			fn(ctx, obj_find(o->rs, OBJ_CHAIN, o->family, o->tab->name, r->name));
		else if (r->kind == REF_SET)
			map_targets(obj_find(o->rs, OBJ_SET, o->family, o->tab->name, r->name), fn, ctx);
}

struct steps {
	struct walk *w;
	struct stmt *st;
	unsigned deepest;
};

static void visit_target(void *ctx, struct obj *to)
{
	struct steps *s = ctx;
	unsigned d = step(s->w, s->st, to);

	s->deepest = d > s->deepest ? d : s->deepest;
}

static unsigned visit(struct walk *w, struct obj *chain)
{
	struct steps steps = { .w = w };

	chain->on_path = true;
	w->path[w->depth++] = chain;
	for (uint32_t i = 0; i < chain->rules.n && !w->rc; i++) {
		struct stmt *st = chain->rules.v[i];

		if (!stmt_in_force(st))
			continue;
		w->restricted |= st->rule.rc->code->places != PLACE_ANY && !chain->chain.w.base;
		steps.st = st;
		each_target(st, visit_target, &steps);
	}
	chain->on_path = false;
	w->depth--;
	chain->depth = 1 + steps.deepest;
	return chain->depth;
}

/* ---- what base chains lead to ---- */

uint32_t base_place(const struct obj *o)
{
	const struct chain_want *w = &o->chain.w;

	return o->want && w->base ? chain_place(w->type, w->hook) : 0;
}

/* The way from a base chain: the rules that lead on. */
struct way {
	struct walk *w;
	struct stmt *st;
	const struct way *up;
};

/* Whoever made the way now is to blame: the rule, one that leads to it, or the base chain. */
static void misplaced(struct walk *w, struct stmt *st, const struct way *way)
{
	_buf_ struct buf text = BUF_INIT;
	struct stmt *by = can_blame(stmt_pack(st)) ? st : NULL;

	for (; way && !by; way = way->up)
		by = can_blame(stmt_pack(way->st)) ? way->st : NULL;
	if (!by)
		by = blamable_decl(w->base);
	buf_puts(&text, by && by->o != st->o ? "this leads to chain " : "this works in chains of ");
	if (by && by->o != st->o)
		buf_printf(&text, "%s, where a rule is that works in chains of ", st->o->name);
	chain_places_text(st->o->family, st->rule.rc->code->places, &text);
	buf_printf(&text, "; chain %s, of type %s and hook %s, leads %s", w->base->name,
		w->base->chain.w.type, nft_hook_name(w->base->family, w->base->chain.w.hook),
		by && by->o != st->o ? "there" : "here");
	blame_text(w, by ? by : st, buf_str(&text));
}

static void reach(const struct way *way, struct walk *w, struct obj *chain);

static void reach_target(void *ctx, struct obj *to)
{
	const struct way *way = ctx;

	reach(way, way->w, to);
}

static void reach(const struct way *up, struct walk *w, struct obj *chain)
{
	if (!chain || !chain->want || (chain->reached & w->place) || w->rc || w->changed)
		return;
	chain->reached |= w->place;
	for (uint32_t i = 0; i < chain->rules.n && !w->rc && !w->changed; i++) {
		struct way way = { w, chain->rules.v[i], up };

		if (!stmt_in_force(way.st))
			continue;
		if (!(way.st->rule.rc->code->places & w->place) && chain != w->base)
			misplaced(w, way.st, up);
		else
			each_target(way.st, reach_target, &way);
	}
}

static void check_places(struct walk *w, struct obj *table)
{
	vec_foreach (m, &table->members)
		(*m)->reached = 0;
	for (uint32_t i = 0; i < table->members.n && !w->rc && !w->changed; i++) {
		w->base = table->members.v[i];
		w->place = w->base->kind == OBJ_CHAIN ? base_place(w->base) : 0;
		if (w->place)
			reach(NULL, w, w->base);
	}
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
		if (w.restricted && !w.rc && !w.changed)
			check_places(&w, table);
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
	if (o->moved)
		return true;
	vec_foreach (st, &o->rules)
		if (stmt_in_force(*st) &&
			((*st)->rule.rc->code->refs.n ||
				(!o->chain.w.base && (*st)->rule.rc->code->places != PLACE_ANY)))
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
	for (uint32_t i = 0; i < rs->changed.n; i++)
		rs->changed.v[i]->moved = false;
	return 0;
}
