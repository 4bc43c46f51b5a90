// SPDX-License-Identifier: GPL-2.0-or-later
/* The desired state for people: as `nft list ruleset` prints it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "nft/model.h"
#include "nft/why.h"

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

struct listing {
	struct ruleset *rs;
	objs tables;
	const char *what; /* NULL: all */
	uint8_t family;
	char table[NFT_NAME_MAXLEN], name[NFT_NAME_MAXLEN];
	unsigned hits;
};

static int listing_of(struct ruleset *rs, const char *what, struct listing *l, struct err *e)
{
	*l = (struct listing){ .rs = rs, .what = what };
	if (what) {
		int rc = split_what(what, &l->family, l->table, l->name, e);

		if (rc < 0)
			return rc;
	}
	l->tables = wanted(rs->all.v, rs->all.n, true);
	return 0;
}

static bool lists_table(const struct listing *l, const struct obj *t)
{
	return !l->what || (t->family == l->family && !strcmp(t->name, l->table));
}

static bool lists(const struct listing *l, const struct obj *o)
{
	return !l->name[0] || !strcmp(o->name, l->name);
}

static int listing_end(struct listing *l, struct err *e)
{
	int rc = 0;

	if (l->what && !l->hits) {
		const char *near = suggest(l->what, table_name, &l->tables);

		rc = err_set(e, -ENOENT, "%s: rnm states nothing of this name%s%s%s", l->what,
			near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	}
	vec_free(&l->tables);
	return rc;
}

static void list_table(struct listing *l, struct obj *t, struct buf *out)
{
	objs members = wanted(t->members.v, t->members.n, false);
	unsigned shown = 0;

	buf_printf(out, "table %s %s {\n", nft_family_name(t->family), t->name);
	if (t->table_want.flags) {
		buf_puts(out, "\tflags ");
		table_flags_text(t->table_want.flags, ",", out);
		buf_putc(out, '\n');
	}
	l->hits += !l->name[0];
	vec_foreach (o, &members) {
		if (!lists(l, *o))
			continue;
		l->hits++;
		if (shown++)
			buf_putc(out, '\n');
		list_member(*o, out);
	}
	buf_puts(out, "}\n");
	vec_free(&members);
}

int ruleset_text(struct ruleset *rs, const char *what, struct buf *out, struct err *e)
{
	struct listing l;
	int rc = listing_of(rs, what, &l, e);

	if (rc < 0)
		return rc;
	vec_foreach (t, &l.tables)
		if (lists_table(&l, *t))
			list_table(&l, *t, out);
	return listing_end(&l, e);
}

static void count_text(uint32_t n, const char *what, struct buf *out)
{
	buf_printf(out, ": %u %s%s", n, what, n == 1 ? "" : "s");
}

static void name_line(const struct obj *o, struct buf *out)
{
	why_obj_name(o, out);
	if (o->kind == OBJ_SET && o->elems)
		count_text(o->elems->wanted, "element", out);
	if (o->kind == OBJ_CHAIN) {
		uint32_t n = 0;

		vec_foreach (st, &o->rules)
			n += (*st)->active;
		count_text(n, "rule", out);
	}
	buf_putc(out, '\n');
}

int ruleset_names(struct ruleset *rs, const char *what, struct buf *out, struct err *e)
{
	struct listing l;
	int rc = listing_of(rs, what, &l, e);

	if (rc < 0)
		return rc;
	vec_foreach (t, &l.tables) {
		objs members = { 0 };

		if (!lists_table(&l, *t))
			continue;
		if (!l.name[0]) {
			l.hits++;
			name_line(*t, out);
		}
		members = wanted((*t)->members.v, (*t)->members.n, false);
		vec_foreach (o, &members)
			if (lists(&l, *o)) {
				l.hits++;
				name_line(*o, out);
			}
		vec_free(&members);
	}
	return listing_end(&l, e);
}

uint64_t ruleset_elements(struct ruleset *rs, const char *what)
{
	struct listing l;
	uint64_t n = 0;

	if (listing_of(rs, what, &l, NULL) < 0)
		return 0;
	vec_foreach (o, &rs->all)
		if ((*o)->kind == OBJ_SET && (*o)->elems && lists_table(&l, (*o)->tab) && lists(&l, *o))
			n += (*o)->elems->n;
	vec_free(&l.tables);
	return n;
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
