// SPDX-License-Identifier: GPL-2.0-or-later
/* The desired ruleset as one JSON document: field names as nft's own, what a rule or element is as text in
 * nft's language, and beside each thing whose it is. */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "nft/decompile.h"
#include "nft/model.h"
#include "nft/why.h"

struct doc {
	struct ruleset *rs;
	struct json j;
	size_t max;
	const char *table, *name; /* NULL: all */
	uint8_t family;
};

static bool full(const struct doc *d)
{
	return d->j.out->n > d->max;
}

static bool is_map(const struct obj *o)
{
	return o->set.info.flags & (NFT_SET_MAP | NFT_SET_OBJECT);
}

static void place(struct doc *d, const struct obj *o)
{
	json_text(&d->j, "family", nft_family_name(o->family));
	if (o->kind != OBJ_TABLE)
		json_text(&d->j, "table", o->tab->name);
	json_text(&d->j, "name", o->name);
}

static void declared(struct doc *d, const struct obj *o)
{
	json_open(&d->j, "provenance", '[');
	for (int given = 1; given >= 0; given--)
		vec_foreach (st, &o->decls)
			if ((*st)->active && (given == ((*st)->spec && (*st)->spec->given)))
				json_stmt(&d->j, NULL, d->rs, *st);
	json_close(&d->j, ']');
}

static void text_field(struct doc *d, const char *name, struct buf *text)
{
	while (text->n && (text->s[text->n - 1] == ' ' || text->s[text->n - 1] == ';'))
		text->s[--text->n] = '\0';
	json_bytes(&d->j, name, buf_str(text), text->n);
	buf_free(text);
}

static void names(struct doc *d, const char *name, char *const *v, uint32_t n)
{
	json_open(&d->j, name, '[');
	for (uint32_t i = 0; i < n; i++)
		json_text(&d->j, NULL, v[i]);
	json_close(&d->j, ']');
}

static void table(struct doc *d, const struct obj *o)
{
	json_open(&d->j, NULL, '{');
	json_open(&d->j, "table", '{');
	place(d, o);
	if (o->table_want.flags) {
		_buf_ struct buf flags = BUF_INIT;
		const char *word;
		char *rest;

		table_flags_text(o->table_want.flags, " ", &flags);
		json_open(&d->j, "flags", '[');
		for (word = strtok_r(flags.s, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
			json_text(&d->j, NULL, word);
		json_close(&d->j, ']');
	}
	if (o->comment)
		json_text(&d->j, "comment", o->comment);
	declared(d, o);
	json_close(&d->j, '}');
	json_close(&d->j, '}');
}

static bool waits(const struct elem *el)
{
	return el->m.contrib && el->flags & (E_PENDING | E_REFUSED);
}

static void elem(struct doc *d, struct elem_table *t, uint32_t i)
{
	const struct elem *el = elem_at(t, i);
	uint32_t attr = elem_attr(t, el);
	const struct attr *a = attr ? &t->attrs.v[attr - 1] : NULL;
	uint64_t now = boot_ms();
	struct set_info info = t->info;
	struct buf text = BUF_INIT;
	const char *comment;
	struct setelem x;
	size_t key;

	elem_get(t, i, attr, &x);
	comment = x.comment;
	x.timeout_ms = x.expires_ms = 0;
	x.comment = NULL;
	info.flags &= ~(uint32_t)(NFT_SET_MAP | NFT_SET_OBJECT);
	nft_elem_text(&info, &x, &text);
	key = text.n;
	json_open(&d->j, NULL, '{');
	json_open(&d->j, "elem", '{');
	json_bytes(&d->j, "val", buf_str(&text), text.n);
	buf_clear(&text);
	nft_elem_text(&t->info, &x, &text);
	if (text.n > key + 3) /* " : " */
		json_bytes(&d->j, "data", text.s + key + 3, text.n - key - 3);
	buf_clear(&text);
	if (x.n_exprs)
		stateful_text(x.exprs, x.n_exprs, true, &text);
	if (text.n)
		json_bytes(&d->j, "stateful", text.s, text.n);
	buf_free(&text);
	if (a && a->timeout_ms) {
		json_unsigned(&d->j, "timeout", a->timeout_ms / 1000);
		json_unsigned(&d->j, "expires", a->expires_at > now ? (a->expires_at - now) / 1000 : 0);
	}
	if (comment)
		json_text(&d->j, "comment", comment);
	if (el->flags & (E_PENDING | E_REFUSED))
		json_text(&d->j, "state", el->flags & E_REFUSED ? "refused" : "pending");
	json_open(&d->j, "provenance", '[');
	for (const struct member *m = &el->m; m->contrib; m = &t->more.v[m->next - 1]) {
		json_member(&d->j, NULL, d->rs, m);
		if (!m->next || full(d))
			break;
	}
	json_close(&d->j, ']');
	json_close(&d->j, '}');
	json_close(&d->j, '}');
}

static void set_flags(struct doc *d, uint32_t flags)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} words[] = { { NFT_SET_CONSTANT, "constant" }, { NFT_SET_EVAL, "dynamic" },
		{ NFT_SET_INTERVAL, "interval" }, { NFT_SET_TIMEOUT, "timeout" } };

	json_open(&d->j, "flags", '[');
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (flags & words[i].bit)
			json_text(&d->j, NULL, words[i].name);
	json_close(&d->j, ']');
}

static void set(struct doc *d, struct obj *o)
{
	struct elem_table *t = elems_of(o);
	struct buf text = BUF_INIT;

	json_open(&d->j, NULL, '{');
	json_open(&d->j, is_map(o) ? "map" : "set", '{');
	place(d, o);
	nft_type_text(&o->set.info.key, &text);
	text_field(d, "type", &text);
	if (o->set.info.flags & NFT_SET_OBJECT) {
		json_text(&d->j, "map", obj_kind_word(object_kind(o->set.info.obj_type)));
	} else if (o->set.info.flags & NFT_SET_MAP) {
		nft_type_text(&o->set.info.data, &text);
		text_field(d, "map", &text);
	}
	set_flags(d, o->set.info.flags);
	if (o->set.size)
		json_unsigned(&d->j, "size", o->set.size);
	if (o->set.timeout_ms)
		json_unsigned(&d->j, "timeout", o->set.timeout_ms / 1000);
	if (o->set.gc_ms)
		json_unsigned(&d->j, "gc-interval", o->set.gc_ms / 1000);
	if (o->set.info.auto_merge)
		json_bool(&d->j, "auto-merge", true);
	if (o->comment)
		json_text(&d->j, "comment", o->comment);
	declared(d, o);
	json_open(&d->j, "elem", '[');
	for (uint32_t i = 0; t && i < t->n && !full(d); i++)
		if (elem_at(t, i)->flags & E_USED && (elem_wanted(t, elem_at(t, i)) || waits(elem_at(t, i))))
			elem(d, t, i);
	json_close(&d->j, ']');
	json_close(&d->j, '}');
	json_close(&d->j, '}');
}

static void rule(struct doc *d, const struct stmt *st)
{
	const struct obj *o = st->o;
	const char *why = st->disabled  ? "somebody disabled it"
			  : st->refused ? refused_why(st)
					: st->rule.why;

	json_open(&d->j, NULL, '{');
	json_open(&d->j, "rule", '{');
	json_text(&d->j, "family", nft_family_name(o->family));
	json_text(&d->j, "table", o->tab->name);
	json_text(&d->j, "chain", o->name);
	vec_foreach (k, &o->krules)
		if (k->rc == st->rule.rc && k->id == st->rule.id && k->handle) {
			json_unsigned(&d->j, "handle", k->handle);
			break;
		}
	json_text(&d->j, "text", st->rule.rc ? st->rule.rc->text : NULL);
	if (st->rule.rc && st->rule.rc->comment)
		json_text(&d->j, "comment", st->rule.rc->comment);
	if (why) {
		json_text(&d->j, "state", st->disabled ? "disabled" : st->refused ? "refused" : "pending");
		json_text(&d->j, "why", why);
		if (st->disabled)
			json_unsigned(&d->j, "id", st->disabled);
	}
	json_stmt(&d->j, "provenance", d->rs, st);
	json_close(&d->j, '}');
	json_close(&d->j, '}');
}

static void chain(struct doc *d, struct obj *o)
{
	const struct chain_want *w = &o->chain.w;

	json_open(&d->j, NULL, '{');
	json_open(&d->j, "chain", '{');
	place(d, o);
	if (w->base) {
		json_text(&d->j, "type", w->type);
		json_text(&d->j, "hook", nft_hook_name(o->family, w->hook));
		json_num(&d->j, "prio", w->priority);
		json_text(&d->j, "policy", w->policy == NF_DROP ? "drop" : "accept");
		if (o->chain.dev.n)
			names(d, "dev", o->chain.dev.v, o->chain.dev.n);
	}
	declared(d, o);
	json_close(&d->j, '}');
	json_close(&d->j, '}');
	vec_foreach (st, &o->rules)
		if ((*st)->active && !full(d))
			rule(d, *st);
}

static void other(struct doc *d, struct obj *o)
{
	struct buf text = BUF_INIT;

	json_open(&d->j, NULL, '{');
	json_open(&d->j, obj_kind_word(o->kind), '{');
	place(d, o);
	if (o->kind == OBJ_FLOWTABLE) {
		json_text(&d->j, "hook", "ingress");
		json_num(&d->j, "prio", o->chain.w.priority);
		names(d, "dev", o->chain.dev.v, o->chain.dev.n);
	} else {
		object_text(o->object, false, " ", &text);
		text_field(d, "text", &text);
		if (o->comment)
			json_text(&d->j, "comment", o->comment);
	}
	declared(d, o);
	json_close(&d->j, '}');
	json_close(&d->j, '}');
}

static unsigned members(struct doc *d, struct obj *t)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < t->members.n && !full(d); i++) {
		struct obj *o = t->members.v[i];

		if (!o->want || (d->name && strcmp(d->name, o->name) != 0))
			continue;
		n++;
		switch (o->kind) {
		case OBJ_TABLE: break;
		case OBJ_CHAIN: chain(d, o); break;
		case OBJ_SET: set(d, o); break;
		case OBJ_FLOWTABLE:
		case OBJ_STATEFUL:
		default: other(d, o); break;
		}
	}
	return n;
}

int ruleset_json(struct ruleset *rs, const char *what, size_t max, struct buf *out, struct err *e)
{
	char tab[NFT_NAME_MAXLEN] = "", name[NFT_NAME_MAXLEN] = "", extra[2] = "", fam[16] = "";
	struct doc d = { .rs = rs, .j = { out, false }, .max = max };
	unsigned hits = 0;

	if (what && (sscanf(what, "%15s %255s %255s %1s", fam, tab, name, extra) < 2 || extra[0]))
		return err_set(e, -EINVAL, "'%s': expected FAMILY TABLE [NAME], such as: inet rnm", what);
	if (what && nft_family_parse(fam, &d.family, e) < 0)
		return -EINVAL;
	d.table = what ? tab : NULL;
	d.name = name[0] ? name : NULL;
	json_open(&d.j, NULL, '{');
	json_open(&d.j, "nftables", '[');
	json_open(&d.j, NULL, '{');
	json_open(&d.j, "metainfo", '{');
	json_text(&d.j, "generator", "rnm");
	json_num(&d.j, "json_schema_version", 1);
	json_close(&d.j, '}');
	json_close(&d.j, '}');
	for (uint32_t i = 0; i < rs->all.n && !full(&d); i++) {
		struct obj *t = rs->all.v[i];

		if (t->kind != OBJ_TABLE || !t->want ||
			(d.table && (t->family != d.family || strcmp(t->name, d.table) != 0)))
			continue;
		table(&d, t);
		hits += !d.name;
		hits += members(&d, t);
	}
	json_close(&d.j, ']');
	json_close(&d.j, '}');
	buf_putc(out, '\n');
	if (full(&d)) {
		buf_clear(out);
		return err_set(
			e, -EFBIG, "longer than %zu bytes; ask for less: list --json FAMILY TABLE NAME", max);
	}
	if (what && !hits) {
		buf_clear(out);
		return err_set(e, -ENOENT, "%s: rnm states nothing of this name", what);
	}
	return 0;
}
