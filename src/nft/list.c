// SPDX-License-Identifier: GPL-2.0-or-later
/* The desired state for people: as `nft list ruleset` prints it, and what waits for what. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "nft/model.h"

/* As nft orders them: objects, sets, flowtables, chains. */
static int rank(const struct obj *o)
{
	switch (o->kind) {
	case OBJ_TABLE: return 0;
	case OBJ_CHAIN: return 3;
	case OBJ_SET: return 1;
	case OBJ_FLOWTABLE: return 2;
	case OBJ_STATEFUL: break;
	}
	return -(int)o->kind;
}

static int by_name(const void *a, const void *b)
{
	const struct obj *x = *(struct obj *const *)a, *y = *(struct obj *const *)b;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	if (x->kind != y->kind)
		return rank(x) - rank(y);
	return strcmp(x->name, y->name);
}

typedef VEC(struct obj *) objs;

static objs wanted(struct obj *const *v, uint32_t n, bool tables)
{
	objs out = { 0 };

	for (uint32_t i = 0; i < n; i++)
		if (v[i]->want && (v[i]->kind == OBJ_TABLE) == tables)
			vec_push(&out, v[i]);
	if (out.n)
		qsort(out.v, out.n, sizeof(out.v[0]), by_name);
	return out;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

typedef VEC(char *) strings;

/* Sorted by kernel bytes for intervals, by text otherwise: stable whatever the order of arrival. */
static void elem_texts(struct obj *set, strings *out)
{
	struct elem_table *t = elems_of(set);
	struct setelem el;
	ivals iv = { 0 };

	if (!t)
		return;
	for (uint32_t i = 0; i < t->n; i++) {
		struct elem *e = elem_at(t, i);
		_buf_ struct buf b = BUF_INIT;

		if (!(e->flags & E_USED) || !elem_wanted(t, e) || (t->ranges && !(e->flags & E_CATCHALL)))
			continue;
		elem_get(t, i, elem_attr(t, e), &el);
		el.expires_ms = 0;
		elem_line(&set->set.info, &el, &b);
		vec_push(out, buf_take(&b));
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(out->v[0]), by_text);
	if (t->ranges)
		intervals_want(t, &iv);
	vec_foreach (v, &iv) {
		_buf_ struct buf b = BUF_INIT;

		elem_get(t, v->first, v->attr, &el);
		el.expires_ms = 0;
		memcpy(el.key_end, elem_at(t, v->last)->key + t->klen, t->klen);
		elem_line(&set->set.info, &el, &b);
		vec_push(out, buf_take(&b));
	}
	vec_free(&iv);
}

static void strings_free(strings *s)
{
	vec_foreach (p, s)
		free(*p);
	vec_free(s);
}

static bool is_map(const struct obj *o)
{
	return o->kind == OBJ_SET && o->set.info.flags & (NFT_SET_MAP | NFT_SET_OBJECT);
}

static const char *word_of(const struct obj *o)
{
	return is_map(o) ? "map" : obj_kind_word(o->kind);
}

/* After a block each of whose lines ends in the indentation of the next: the bracket stands further left. */
static void close_block(struct buf *out)
{
	if (out->n && out->s[out->n - 1] == '\t')
		out->s[--out->n] = '\0';
	buf_puts(out, "}\n");
}

static void list_object(struct obj *o, struct buf *out)
{
	buf_printf(out, "\t%s %s {\n\t\t", word_of(o), o->name);
	if (o->comment) {
		buf_puts(out, "comment ");
		buf_quote(out, o->comment, strlen(o->comment));
		buf_puts(out, "\n\t\t");
	}
	object_text(o->object, false, "\n\t\t", out);
	close_block(out);
}

static void list_flowtable(struct obj *o, struct buf *out)
{
	struct flowtable_want w = { .hook = o->chain.w.hook,
		.flags = o->chain.w.flags,
		.priority = o->chain.w.priority,
		.n_dev = o->chain.dev.n,
		.dev = (const char *const *)o->chain.dev.v };

	buf_printf(out, "\tflowtable %s {\n\t\t", o->name);
	flowtable_text(&w, "\n\t\t", out);
	close_block(out);
}

static void list_set(struct obj *o, struct buf *out)
{
	strings els = { 0 };

	buf_printf(out, "\t%s %s {\n\t\t", word_of(o), o->name);
	set_text(&o->set, "\n\t\t", out);
	elem_texts(o, &els);
	for (uint32_t i = 0; i < els.n; i++)
		buf_printf(out, "%s%s%s", i ? ", " : "elements = { ", els.v[i],
			i + 1 == els.n ? " }\n\t\t" : "");
	strings_free(&els);
	close_block(out);
}

static void list_chain(struct obj *o, struct buf *out)
{
	struct chain_want w = o->chain.w;

	w.n_dev = o->chain.dev.n;
	w.dev = (const char *const *)o->chain.dev.v;
	buf_printf(out, "\tchain %s {\n", o->name);
	if (w.base) {
		buf_puts(out, "\t\t");
		chain_text(&w, o->family, " ", out);
		buf_putc(out, '\n');
	}
	vec_foreach (st, &o->rules)
		if ((*st)->active && (*st)->disabled)
			buf_printf(out, "\t\t# disabled, id %llu: %s\n", (unsigned long long)(*st)->disabled,
				ast_text((*st)->rule.ast));
		else if ((*st)->active && !(*st)->refused && !(*st)->rule.why && (*st)->rule.rc)
			buf_printf(out, "\t\t%s\n", (*st)->rule.rc->text);
	buf_puts(out, "\t}\n");
}

static void list_member(struct obj *o, struct buf *out)
{
	switch (o->kind) {
	case OBJ_TABLE: return;
	case OBJ_CHAIN: list_chain(o, out); return;
	case OBJ_SET: list_set(o, out); return;
	case OBJ_FLOWTABLE: list_flowtable(o, out); return;
	case OBJ_STATEFUL: break;
	}
	list_object(o, out);
}

static const char *table_name(void *ctx, size_t i)
{
	objs *t = ctx;
	static char name[NFT_NAME_MAXLEN + 16];

	if (i >= t->n)
		return NULL;
	snprintf(name, sizeof(name), "%s %s", nft_family_name(t->v[i]->family), t->v[i]->name);
	return name;
}

/* "FAMILY TABLE [NAME]" → table, name (or NULL). */
static int split_what(const char *what, uint8_t *family, char table[NFT_NAME_MAXLEN],
	char name[NFT_NAME_MAXLEN], struct err *e)
{
	char fam[16] = "";
	int n = sscanf(what, "%15s %255s %255s", fam, table, name);

	if (n < 2)
		return err_set(e, -EINVAL, "'%s': expected FAMILY TABLE [NAME], such as: inet rnm", what);
	if (n < 3)
		name[0] = '\0';
	return nft_family_parse(fam, family, e);
}

int ruleset_text(struct ruleset *rs, const char *what, struct buf *out, struct err *e)
{
	objs tables = wanted(rs->all.v, rs->all.n, true);
	char table[NFT_NAME_MAXLEN], name[NFT_NAME_MAXLEN] = "";
	uint8_t family = 0;
	unsigned hits = 0;
	int rc = what ? split_what(what, &family, table, name, e) : 0;

	for (uint32_t i = 0; !rc && i < tables.n; i++) {
		struct obj *t = tables.v[i];
		objs members;

		if (what && (t->family != family || strcmp(t->name, table) != 0))
			continue;
		members = wanted(t->members.v, t->members.n, false);
		buf_printf(out, "table %s %s {\n", nft_family_name(t->family), t->name);
		if (t->table_want.flags) {
			buf_puts(out, "\tflags ");
			table_flags_text(t->table_want.flags, ",", out);
			buf_putc(out, '\n');
		}
		hits += !name[0];
		for (uint32_t j = 0, shown = 0; j < members.n; j++) {
			if (name[0] && strcmp(members.v[j]->name, name) != 0)
				continue;
			hits++;
			if (shown++)
				buf_putc(out, '\n');
			list_member(members.v[j], out);
		}
		buf_puts(out, "}\n");
		vec_free(&members);
	}
	if (!rc && what && !hits) {
		const char *near = suggest(what, table_name, &tables);

		rc = err_set(e, -ENOENT, "%s: rnm states nothing of this name%s%s%s", what,
			near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	}
	vec_free(&tables);
	return rc;
}

void ruleset_each(struct ruleset *rs, void (*fn)(void *ctx, const struct obj *o), void *ctx)
{
	vec_foreach (o, &rs->all)
		if ((*o)->want)
			fn(ctx, *o);
}

int ruleset_set_elems(struct ruleset *rs, const char *what, void (*fn)(void *ctx, const char *text),
	void *ctx, struct err *e)
{
	char table[NFT_NAME_MAXLEN], name[NFT_NAME_MAXLEN] = "";
	uint8_t family;
	struct obj *o;
	strings els = { 0 };
	int rc = split_what(what, &family, table, name, e);

	if (rc < 0)
		return rc;
	o = obj_find(rs, OBJ_SET, family, table, name);
	if (!o || !o->want)
		return err_set(e, -ENOENT, "%s: no such set", what);
	elem_texts(o, &els);
	vec_foreach (p, &els)
		fn(ctx, *p);
	strings_free(&els);
	return 0;
}

/* ---- what a pack holds ---- */

static void obj_line(const struct obj *o, struct buf *out)
{
	buf_printf(out, "%s %s %s", word_of(o), nft_family_name(obj_family(o)), obj_table(o));
	if (o->kind != OBJ_TABLE)
		buf_printf(out, " %s", obj_name(o));
}

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
	case ST_DECL: obj_line(st->o, out); return (st->spec && st->spec->given) || first_decl(st);
	case ST_RULE:
		buf_puts(out, "rule of ");
		obj_line(st->o, out);
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
		obj_line(st->o, out);
		return true;
	case ST_LIVE:
		buf_puts(out, "what it follows in ");
		obj_line(st->o, out);
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
		obj_line((*c)->set, &line);
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
