// SPDX-License-Identifier: GPL-2.0-or-later
/* What a pack holds, what waits for what, and how much there is of all. */
#include "nft/model.h"
#include "nft/why.h"

/* ---- what a pack holds ---- */

static bool first_decl(const struct stmt *st)
{
	vec_foreach (d, &st->o->decls)
		if ((*d)->active)
			return *d == st;
	return true;
}

/* False: not worth a line. */
static bool stmt_line(const struct stmt *st, struct buf *out)
{
	switch (st->kind) {
	case ST_DECL: why_obj_name(st->o, out); return (st->spec && st->spec->given) || first_decl(st);
	case ST_RULE:
		buf_puts(out, "rule of ");
		why_obj_name(st->o, out);
		if (st->rule.rc)
			buf_printf(out, ": %s", st->rule.rc->text);
		else if (st->rule.why)
			buf_printf(out, ", which waits: %s", st->rule.why);
		return true;
	case ST_ELEMS:
		buf_printf(out, "%u elements of ",
			st->el.raw.n ? st->el.raw.n
			: st->el.c   ? st->el.c->held.n
				     : 0);
		why_obj_name(st->o, out);
		return true;
	case ST_LIVE:
		buf_puts(out, "what it follows in ");
		why_obj_name(st->o, out);
		return true;
	}
	return false;
}

void rpack_each(const struct rpack *pk, void (*fn)(void *ctx, struct site site, const char *what), void *ctx)
{
	vec_foreach (sc, &pk->scopes) {
		vec_foreach (r, &(*sc)->now) {
			_buf_ struct buf line = BUF_INIT;

			if (r->st->active && stmt_line(r->st, &line))
				fn(ctx, ruleset_site_get(pk->rs, r->st->site), buf_str(&line));
		}
	}
	vec_foreach (c, &pk->edits) {
		_buf_ struct buf line = BUF_INIT;

		if (!(*c)->on)
			continue;
		buf_puts(&line, "elements added to ");
		why_obj_name((*c)->set, &line);
		fn(ctx, ruleset_site_get(pk->rs, (*c)->site), buf_str(&line));
	}
}

/* ---- what waits ---- */

static void pending_obj(struct obj *o, void (*fn)(void *ctx, const struct pending *p), void *ctx)
{
	vec_foreach (st, &o->decls) {
		struct pending p = { .obj = o,
			.n = 1,
			.why = (*st)->refused ? refused_why(*st) : o->why,
			.refused = (*st)->refused };

		if (!(*st)->active || (!(*st)->refused && (o->want || !o->why)))
			continue;
		p.pack = stmt_pack(*st)->name;
		p.site = ruleset_site_get(o->rs, (*st)->site);
		p.unstated = !p.refused && o->kind >= OBJ_SET && !o->attach;
		fn(ctx, &p);
		return;
	}
}

static void pending_rules(struct obj *o, void (*fn)(void *ctx, const struct pending *p), void *ctx)
{
	vec_foreach (st, &o->rules) {
		struct pending p = { .obj = o,
			.n = 1,
			.why = (*st)->refused ? refused_why(*st) : (*st)->rule.why,
			.refused = (*st)->refused };

		if (!(*st)->active || !p.why || (*st)->disabled)
			continue;
		p.pack = stmt_pack(*st)->name;
		p.site = ruleset_site_get(o->rs, (*st)->site);
		p.unstated = !p.refused && (*st)->rule.why_unstated;
		fn(ctx, &p);
	}
}

struct pending_run { /* of elements that wait for one reason, of one place */
	void (*fn)(void *ctx, const struct pending *p);
	void *ctx;
	struct pending p;
};

static void pending_told(struct pending_run *run)
{
	const struct pending *p = &run->p;
	const bool object = p->obj && p->obj->set.info.flags & NFT_SET_OBJECT;
	_buf_ struct buf why = BUF_INIT, n = BUF_INIT;

	if (!p->n)
		return;
	if (p->n == 1)
		buf_puts(&n, p->refused ? "an element" : "one");
	else
		buf_printf(&n, p->refused ? "%u elements" : "%u", p->n);
	if (p->obj->attach)
		buf_printf(&why, "an element of somebody else is in the way of %s", buf_str(&n));
	else if (p->refused)
		buf_printf(&why, "the kernel refused %s", buf_str(&n));
	else if (p->n == 1)
		buf_printf(
			&why, "the %s of an element is not stated by any pack", object ? "object" : "chain");
	else
		buf_printf(&why, "the %s of %s elements are not stated by any pack",
			object ? "objects" : "chains", buf_str(&n));
	run->p.why = buf_str(&why);
	run->fn(run->ctx, &run->p);
}

static void pending_elems(struct obj *o, void (*fn)(void *ctx, const struct pending *p), void *ctx)
{
	struct elem_table *t = o->want ? o->elems : NULL;
	struct pending_run run = { fn, ctx, { 0 } };

	for (uint32_t i = 0; t && (t->pending || t->refused) && i < t->n; i++) {
		struct elem *el = elem_at(t, i);
		struct contrib *c = el->m.contrib ? contrib_by_id(o->rs, el->m.contrib) : NULL;
		struct pending p = { .obj = o,
			.n = 1,
			.refused = el->flags & E_REFUSED && !o->attach,
			.unstated = el->flags & E_PENDING };

		if (!c || !(el->flags & (E_PENDING | E_REFUSED)))
			continue;
		p.pack = c->pk->name;
		p.site = ruleset_site_get(o->rs, el->m.site ? el->m.site : c->site);
		if (run.p.n && p.pack == run.p.pack && p.site.line == run.p.site.line &&
			!strcmp(p.site.file, run.p.site.file) && p.refused == run.p.refused &&
			p.unstated == run.p.unstated) {
			run.p.n++;
			continue;
		}
		pending_told(&run);
		run.p = p;
	}
	pending_told(&run);
}

void ruleset_pending(struct ruleset *rs, void (*fn)(void *ctx, const struct pending *p), void *ctx)
{
	for (uint32_t i = 0; i < rs->all.n; i++) {
		struct obj *o = rs->all.v[i];

		pending_obj(o, fn, ctx);
		if (o->kind == OBJ_CHAIN)
			pending_rules(o, fn, ctx);
		if (o->kind == OBJ_SET)
			pending_elems(o, fn, ctx);
	}
}

static void count_pending(void *ctx, const struct pending *p)
{
	struct ruleset_stats *s = ctx;

	*(p->refused ? &s->refused : &s->pending) += p->n;
}

struct ruleset_stats ruleset_stats(const struct ruleset *rs)
{
	struct ruleset_stats s = { 0 };

	for (uint32_t i = 0; i < rs->all.n; i++) {
		const struct obj *o = rs->all.v[i];

		if (!o->want)
			continue;
		s.tables += o->kind == OBJ_TABLE;
		s.chains += o->kind == OBJ_CHAIN;
		s.sets += o->kind == OBJ_SET;
		s.flowtables += o->kind == OBJ_FLOWTABLE;
		s.objects += is_stateful(o);
		if (o->kind == OBJ_CHAIN)
			vec_foreach (st, &o->rules)
				s.rules += (*st)->active && !(*st)->refused && !(*st)->rule.why &&
					   !(*st)->disabled;
		if (o->kind == OBJ_SET && o->elems)
			s.elements += o->elems->wanted;
	}
	ruleset_pending((struct ruleset *)rs, count_pending, &s);
	return s;
}
