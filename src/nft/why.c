// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm why` of tables, of what is in them, and of rules. */
#include "nft/why.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "nft/model.h"

#define FRAGMENT_MIN 3
#define WHAT_MAX     1024

static bool is_map(const struct obj *o)
{
	return o->kind == OBJ_SET && o->set.info.flags & (NFT_SET_MAP | NFT_SET_OBJECT);
}

static const char *word_of(const struct obj *o)
{
	return is_map(o) ? "map" : obj_kind_word(o->kind);
}

void why_obj_name(const struct obj *o, struct buf *out)
{
	buf_printf(out, "%s %s %s", word_of(o), nft_family_name(o->family), o->tab->name);
	if (o->kind != OBJ_TABLE)
		buf_printf(out, " %s", o->name);
}

static void text_of_rule(const struct stmt *st, struct buf *out)
{
	if (st->rule.rc)
		buf_puts(out, st->rule.rc->text);
	else
		buf_puts(out, "(it waits)");
}

static const char *rule_waits(const struct stmt *st)
{
	if (st->disabled)
		return "it is disabled, see `rnm nft list disabled`";
	return st->refused ? refused_why(st) : st->rule.why;
}

void why_rule_line(const struct stmt *st, struct buf *out)
{
	buf_printf(out, "rule of %s %s %s: ", nft_family_name(st->o->family), st->o->tab->name, st->o->name);
	text_of_rule(st, out);
	buf_puts(out, "\n    ");
	why_stmt(st->o->rs, st, out);
	if (rule_waits(st))
		buf_printf(out, "    not in force: %s\n", rule_waits(st));
}

/* ---- who names it ---- */

static bool names(const struct stmt *st, const struct obj *o)
{
	if (!st->active || !st->rule.rc)
		return false;
	vec_foreach (r, &st->rule.rc->code->refs) {
		enum obj_kind kind;

		if (ref_kind_of(r, &kind) && kind == o->kind && !strcmp(r->name, o->name))
			return true;
	}
	return false;
}

static unsigned map_values(struct obj *map, const struct obj *o)
{
	struct elem_table *t = map->elems;
	unsigned n = 0;

	if (!t || !t->targets || target_kind(&t->info) != o->kind)
		return 0;
	for (uint32_t i = 0; i < t->n; i++) {
		struct elem *el = elem_at(t, i);
		uint32_t a = el->flags & E_USED && el->m.contrib ? elem_attr(t, el) : 0;

		n += a && attr_target(&t->attrs.v[a - 1]) &&
		     !strcmp(attr_target(&t->attrs.v[a - 1]), o->name);
	}
	return n;
}

unsigned why_users(struct obj *o, const char *indent, struct buf *out)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < o->tab->members.n; i++) {
		struct obj *m = o->tab->members.v[i];
		unsigned values = m->kind == OBJ_SET ? map_values(m, o) : 0;

		if (values) {
			buf_printf(
				out, "%snamed by %u element%s of ", indent, values, values == 1 ? "" : "s");
			why_obj_name(m, out);
			buf_putc(out, '\n');
		}
		n += values;
		if (m->kind != OBJ_CHAIN)
			continue;
		vec_foreach (st, &m->rules) {
			if (!names(*st, o) || ++n > WHY_SHOWN)
				continue;
			buf_printf(out, "%snamed by ", indent);
			why_rule_line(*st, out);
		}
	}
	if (n > WHY_SHOWN)
		buf_printf(out, "%snamed %u times in all\n", indent, n);
	return n;
}

/* ---- objects ---- */

struct list {
	struct ruleset *rs;
	struct buf *out;
	unsigned n;
};

static bool shows(struct list *l)
{
	return ++l->n <= WHY_SHOWN;
}

static void rest(const struct list *l, const char *what)
{
	if (l->n > WHY_SHOWN)
		buf_printf(l->out, "  … %u more %s\n", l->n - WHY_SHOWN, what);
}

static void decls(struct obj *o, struct buf *out)
{
	struct list l = { o->rs, out, 0 };

	for (int given = 1; given >= 0; given--)
		vec_foreach (st, &o->decls) {
			bool says = (*st)->spec && (*st)->spec->given;

			if (!(*st)->active || says != given || !shows(&l))
				continue;
			buf_puts(out, says ? "  declared by " : "  named by ");
			why_stmt(o->rs, *st, out);
			if ((*st)->refused)
				buf_puts(out, "    not in force: the kernel refused it\n");
		}
	rest(&l, "statements");
}

static uint32_t held_by(const struct contrib *c)
{
	const struct elem_table *t = c->t;
	uint32_t n = 0;

	if (c->kind == C_STMT || !t)
		return c->held.n;
	for (uint32_t i = 0; i < t->n; i++)
		n += elem_at(t, i)->flags & E_USED && member_of((struct elem_table *)t, i, c->id);
	return n;
}

static void contribs(struct obj *o, struct buf *out)
{
	struct list l = { o->rs, out, 0 };

	vec_foreach (it, &o->contribs) {
		const struct contrib *c = *it;
		struct member m = { .contrib = c->id, .past = c->past & PAST_MAX };
		uint32_t n;

		if (!c->on || !shows(&l))
			continue;
		n = held_by(c);
		buf_printf(out, "  %u element%s of ", n, n == 1 ? "" : "s");
		why_member(o->rs, &m, out);
		if (c->live) {
			buf_puts(out, "    follows ");
			c->live->ops->text(c->live, out);
			buf_putc(out, '\n');
		}
	}
	rest(&l, "that fill it");
	if (o->elems && o->elems->pending)
		buf_printf(out, "  %u elements wait for what they name\n", o->elems->pending);
	if (o->elems && o->elems->refused)
		buf_printf(out, "  %u elements were refused by the kernel\n", o->elems->refused);
}

static void rules(struct obj *o, struct buf *out)
{
	struct list l = { o->rs, out, 0 };

	vec_foreach (st, &o->rules) {
		if (!(*st)->active || !shows(&l))
			continue;
		buf_puts(out, "  ");
		why_rule_line(*st, out);
	}
	rest(&l, "rules");
}

static unsigned pack_share(const struct rpack *pk, const struct obj *table)
{
	unsigned n = 0;

	vec_foreach (sc, &pk->scopes)
		vec_foreach (r, &(*sc)->now)
			n += r->st->active && r->st->o->tab == table;
	vec_foreach (c, &pk->edits)
		n += (*c)->on && (*c)->set->tab == table;
	return n;
}

static void table_packs(struct obj *o, struct buf *out)
{
	struct list l = { o->rs, out, 0 };

	vec_foreach (pk, &o->rs->packs) {
		unsigned n = (*pk)->retired ? 0 : pack_share(*pk, o);

		if (n && shows(&l))
			buf_printf(out, "  pack %s: %u statements\n", (*pk)->name, n);
	}
	rest(&l, "packs");
}

static bool stated(const struct obj *o)
{
	if (o->want || o->unclaimed || o->rules.n)
		return true;
	vec_foreach (st, &o->decls)
		if ((*st)->active)
			return true;
	vec_foreach (c, &o->contribs)
		if ((*c)->on)
			return true;
	return false;
}

static void object(struct obj *o, struct buf *out)
{
	why_obj_name(o, out);
	if (o->kind == OBJ_SET && o->typed && o->elems)
		buf_printf(out, ": %u element%s", o->elems->wanted, o->elems->wanted == 1 ? "" : "s");
	buf_putc(out, '\n');
	if (!o->want && o->why)
		buf_printf(out, "  waits: %s\n", o->why);
	if (o->unclaimed)
		buf_puts(out, "  found in the kernel, and not stated since this start\n");
	if (o->foreign || o->attach || (o->kind == OBJ_TABLE && !stated(o)))
		buf_puts(out, "  of somebody else\n");
	if (o->kind == OBJ_TABLE) {
		table_packs(o, out);
		return;
	}
	decls(o, out);
	if (o->autoset)
		buf_puts(out, "  made for a rule's live list\n");
	if (o->kind == OBJ_SET)
		contribs(o, out);
	if (o->kind == OBJ_CHAIN)
		rules(o, out);
	why_users(o, "  ", out);
}

/* ---- finding ---- */

/* Or a set of it is attached to. */
static bool table_stated(const struct obj *t)
{
	if (stated(t))
		return true;
	vec_foreach (m, &t->members)
		if (stated(*m))
			return true;
	return false;
}

typedef VEC(char *) strings;

static const char *string_at(void *ctx, size_t i)
{
	strings *s = ctx;

	return i < s->n ? s->v[i] : NULL;
}

/* tab: what is in it is proposed; else, for a place, tables by their family and name; else all names. */
static int unknown(struct ruleset *rs, const struct obj *tab, bool place, const char *what, struct err *e)
{
	strings known = { 0 };
	_buf_ struct buf shown = BUF_INIT;
	const char *near;
	int rc;

	for (uint32_t i = 0; i < rs->all.n && strlen(what) <= 64; i++) {
		const struct obj *o = rs->all.v[i];

		if (!stated(o) || (tab && o->tab != tab) || (place && o->kind != OBJ_TABLE))
			continue;
		vec_push(&known,
			place ? xasprintf("%s %s", nft_family_name(o->family), o->name) : xstrdup(o->name));
	}
	near = suggest(what, string_at, &known);
	buf_visible(&shown, what, strnlen(what, 80));
	rc = err_set(e, -ENOENT, "%s: rnm states nothing of this name%s%s%s", buf_str(&shown),
		near ? "; did you mean '" : "; `rnm list` shows what it states", near ? near : "",
		near ? "'?" : "");
	vec_foreach (s, &known)
		free(*s);
	vec_free(&known);
	return rc;
}

/* A rule of the chain by "handle N" or by its text. */
static unsigned rules_like(struct obj *chain, const char *text, unsigned shown, struct buf *out)
{
	uint64_t handle = 0;
	const struct rcode *rc = NULL;
	unsigned n = 0;

	if (!strncmp(text, "handle ", 7) && parse_u64(text + 7, UINT64_MAX, &handle) && handle)
		vec_foreach (k, &chain->krules)
			if (k->handle == handle)
				rc = k->rc;
	vec_foreach (st, &chain->rules) {
		const char *said = (*st)->rule.rc ? (*st)->rule.rc->text : (*st)->rule.why;
		bool hit = handle ? rc && (*st)->rule.rc == rc : said && strstr(said, text);

		if (!hit || !(*st)->active)
			continue;
		if (shown + ++n <= WHY_SHOWN)
			why_rule_line(*st, out);
		if (handle)
			break;
	}
	return n;
}

static unsigned by_fragment(struct ruleset *rs, const char *what, struct buf *out)
{
	unsigned n = 0;

	if (strlen(what) < FRAGMENT_MIN)
		return 0;
	for (uint32_t i = 0; i < rs->all.n; i++)
		if (rs->all.v[i]->kind == OBJ_CHAIN)
			n += rules_like(rs->all.v[i], what, n, out);
	if (n > WHY_SHOWN)
		buf_printf(out, "… %u more rules\n", n - WHY_SHOWN);
	return n;
}

static int by_place(struct ruleset *rs, uint8_t family, const char *table, const char *name, const char *more,
	const char *what, struct buf *out, struct err *e)
{
	struct obj *t = obj_find(rs, OBJ_TABLE, family, NULL, table);
	_buf_ struct buf place = BUF_INIT;
	unsigned n = 0;

	buf_printf(&place, "%s %s", nft_family_name(family), table);
	if (!t || !table_stated(t)) /* text of a rule begins like that, too */
		return by_fragment(rs, what, out) ? 0 : unknown(rs, NULL, true, buf_str(&place), e);
	if (!*name) {
		object(t, out);
		return 0;
	}
	for (uint32_t i = 0; i < t->members.n; i++) {
		struct obj *o = t->members.v[i];

		if (strcmp(o->name, name) != 0 || !stated(o))
			continue;
		if (*more && o->kind != OBJ_CHAIN)
			continue;
		if (!*more)
			object(o, out);
		else if (!rules_like(o, more, 0, out))
			return err_set(
				e, -ENOENT, "chain %s of %s has no rule '%s'", name, buf_str(&place), more);
		n++;
	}
	return n ? 0 : unknown(rs, t, false, name, e);
}

/* 0: nobody has this name. */
static int by_name(struct ruleset *rs, const char *name, struct buf *out, struct err *e)
{
	struct obj *found = NULL;
	_buf_ struct buf all = BUF_INIT;
	unsigned n = 0;

	for (uint32_t i = 0; i < rs->all.n; i++) {
		struct obj *o = rs->all.v[i];

		if (strcmp(o->name, name) != 0 || !stated(o))
			continue;
		found = o;
		if (n++ >= WHY_SHOWN)
			continue;
		buf_puts(&all, n > 1 ? ", " : "");
		why_obj_name(o, &all);
	}
	if (n > 1)
		return err_set(e, -EINVAL, "several have this name, say which: %s%s", buf_str(&all),
			n > WHY_SHOWN ? ", …" : "");
	if (n)
		object(found, out);
	return (int)n;
}

/* Takes a word off the front; false: it is longer than a name. */
static bool take(const char **at, char word[NFT_NAME_MAXLEN])
{
	size_t n;

	*at += strspn(*at, " \t");
	n = strcspn(*at, " \t");
	if (n >= NFT_NAME_MAXLEN)
		return false;
	memcpy(word, *at, n);
	word[n] = '\0';
	*at += n;
	*at += strspn(*at, " \t");
	return true;
}

static bool kind_word(const char *word)
{
	if (!strcmp(word, "map") || !strcmp(word, "rule"))
		return true;
	for (enum obj_kind k = OBJ_TABLE; k <= OBJ_STATEFUL; k++)
		if (k != OBJ_STATEFUL && !strcmp(word, obj_kind_word(k)))
			return true;
	return false;
}

int ruleset_why(struct ruleset *rs, const char *what, struct buf *out, struct err *e)
{
	char first[NFT_NAME_MAXLEN] = "", table[NFT_NAME_MAXLEN] = "", name[NFT_NAME_MAXLEN] = "";
	const char *at = what + strspn(what, " \t"), *in;
	uint8_t family;
	int n;

	if (!*at)
		return err_set(e, -EINVAL,
			"why needs an ADDRESS, a FAMILY TABLE [NAME], the NAME of something, or text of a "
			"rule");
	if (strlen(at) > WHAT_MAX)
		return err_set(e, -EINVAL, "longer than %u bytes", WHAT_MAX);
	what = in = at;
	if (take(&in, first) && *in && kind_word(first))
		what = at = in;
	in = at;
	if (take(&in, first) && *in && nft_family_parse(first, &family, NULL) == 0 && take(&in, table) &&
		take(&in, name))
		return by_place(rs, family, table, name, in, what, out, e);
	n = why_address(rs, what, out);
	if (n > 0)
		return 0;
	if (n == 0)
		return err_set(e, -ENOENT, "%s: no set of rnm's holds it, and no rule names it", what);
	n = by_name(rs, what, out, e);
	if (n)
		return n < 0 ? n : 0;
	if (why_value(rs, what, out) || by_fragment(rs, what, out))
		return 0;
	return unknown(rs, NULL, false, what, e);
}
