// SPDX-License-Identifier: GPL-2.0-or-later
/* What `rnm why` says of tables, of what is in them, and of rules. */
#include <string.h>

#include "nft/model.h"
#include "nft/why.h"

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

void why_json_name(struct json *j, const struct obj *o)
{
	json_text(j, "kind", word_of(o));
	json_text(j, "family", nft_family_name(o->family));
	if (o->kind != OBJ_TABLE)
		json_text(j, "table", o->tab->name);
	json_text(j, "name", o->name);
}

/* ---- lists that are cut ---- */

bool why_shows(struct why_list *l)
{
	return ++l->n <= WHY_SHOWN;
}

void why_begin(struct why_list *l, const char *name)
{
	if (l->to->json)
		json_open(l->to->json, name, '[');
}

void why_rest(const struct why_list *l, const char *indent, const char *what)
{
	unsigned more = l->n > WHY_SHOWN ? l->n - WHY_SHOWN : 0;
	struct json *j = l->to->json;

	if (more && j) {
		json_open(j, NULL, '{');
		json_unsigned(j, "more", more);
		json_close(j, '}');
	} else if (more) {
		buf_printf(l->to->text, "%s… %u more %s\n", indent, more, what);
	}
}

void why_end(const struct why_list *l)
{
	if (l->to->json)
		json_close(l->to->json, ']');
}

/* ---- rules ---- */

static const char *rule_waits(const struct stmt *st)
{
	if (st->disabled)
		return "it is disabled, see `rnm nft list disabled`";
	return st->refused ? refused_why(st) : st->rule.why;
}

static void rule_json(const struct stmt *st, struct json *j)
{
	json_open(j, NULL, '{');
	json_text(j, "kind", "rule");
	json_text(j, "family", nft_family_name(st->o->family));
	json_text(j, "table", st->o->tab->name);
	json_text(j, "chain", st->o->name);
	json_text(j, "rule", st->rule.rc ? st->rule.rc->text : NULL);
	if (rule_waits(st))
		json_text(j, "not_in_force", rule_waits(st));
	json_stmt(j, "provenance", st->o->rs, st);
	json_close(j, '}');
}

void why_rule(const struct stmt *st, const char *before, const struct answer *to)
{
	struct buf *out = to->text;

	if (to->json) {
		rule_json(st, to->json);
		return;
	}
	buf_printf(out, "%srule of %s %s %s: %s\n    ", before, nft_family_name(st->o->family),
		st->o->tab->name, st->o->name, st->rule.rc ? st->rule.rc->text : "(it waits)");
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

static void named_by_map(const struct obj *map, unsigned values, const struct answer *to)
{
	struct json *j = to->json;

	if (j) {
		json_open(j, NULL, '{');
		why_json_name(j, map);
		json_unsigned(j, "elements", values);
		json_close(j, '}');
		return;
	}
	buf_printf(to->text, "  named by %u element%s of ", values, values == 1 ? "" : "s");
	why_obj_name(map, to->text);
	buf_putc(to->text, '\n');
}

unsigned why_users(struct obj *o, const struct answer *to)
{
	struct why_list l = { to, 0 };
	unsigned n = 0;

	why_begin(&l, "named_by");
	for (uint32_t i = 0; i < o->tab->members.n; i++) {
		struct obj *m = o->tab->members.v[i];
		unsigned values = m->kind == OBJ_SET ? map_values(m, o) : 0;

		n += values;
		if (values && why_shows(&l))
			named_by_map(m, values, to);
		if (m->kind != OBJ_CHAIN)
			continue;
		vec_foreach (st, &m->rules) {
			if (!names(*st, o))
				continue;
			n++;
			if (why_shows(&l))
				why_rule(*st, "  named by ", to);
		}
	}
	why_rest(&l, "  ", "that name it");
	why_end(&l);
	return n;
}

/* ---- objects ---- */

static void declaration(const struct obj *o, const struct stmt *st, bool says, const struct answer *to)
{
	struct json *j = to->json;

	if (j) {
		json_open(j, NULL, '{');
		json_bool(j, "declares", says); /* else it only names it */
		if (st->refused)
			json_text(j, "not_in_force", refused_why(st));
		json_stmt(j, "provenance", o->rs, st);
		json_close(j, '}');
		return;
	}
	buf_puts(to->text, says ? "  declared by " : "  named by ");
	why_stmt(o->rs, st, to->text);
	if (st->refused)
		buf_puts(to->text, "    not in force: the kernel refused it\n");
}

static void decls(struct obj *o, const struct answer *to)
{
	struct why_list l = { to, 0 };

	why_begin(&l, "declared_by");
	for (int given = 1; given >= 0; given--)
		vec_foreach (st, &o->decls) {
			bool says = (*st)->spec && (*st)->spec->given;

			if ((*st)->active && says == given && why_shows(&l))
				declaration(o, *st, says, to);
		}
	why_rest(&l, "  ", "statements");
	why_end(&l);
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

static void contrib(struct obj *o, const struct contrib *c, const struct answer *to)
{
	struct member m = { .contrib = c->id, .past = c->past & PAST_MAX };
	_buf_ struct buf follows = BUF_INIT;
	uint32_t n = held_by(c);
	struct json *j = to->json;

	if (c->live)
		c->live->ops->text(c->live, &follows);
	if (j) {
		json_open(j, NULL, '{');
		json_unsigned(j, "elements", n);
		if (c->live)
			json_text(j, "follows", buf_str(&follows));
		json_member(j, "provenance", o->rs, &m);
		json_close(j, '}');
		return;
	}
	buf_printf(to->text, "  %u element%s of ", n, n == 1 ? "" : "s");
	why_member(o->rs, &m, to->text);
	if (c->live)
		buf_printf(to->text, "    follows %s\n", buf_str(&follows));
}

static void contribs(struct obj *o, const struct answer *to)
{
	struct why_list l = { to, 0 };

	why_begin(&l, "filled_by");
	vec_foreach (c, &o->contribs)
		if ((*c)->on && why_shows(&l))
			contrib(o, *c, to);
	why_rest(&l, "  ", "that fill it");
	why_end(&l);
}

static void elements(struct obj *o, const struct answer *to)
{
	const struct elem_table *t = o->elems;
	struct json *j = to->json;

	if (!t)
		return;
	if (j) {
		json_unsigned(j, "pending", t->pending);
		json_unsigned(j, "refused", t->refused);
		return;
	}
	if (t->pending)
		buf_printf(to->text, "  %u elements wait for what they name\n", t->pending);
	if (t->refused)
		buf_printf(to->text, "  %u elements were refused by the kernel\n", t->refused);
}

static void rules(struct obj *o, const struct answer *to)
{
	struct why_list l = { to, 0 };

	why_begin(&l, "rules");
	vec_foreach (st, &o->rules)
		if ((*st)->active && why_shows(&l))
			why_rule(*st, "  ", to);
	why_rest(&l, "  ", "rules");
	why_end(&l);
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

static void table_pack(const struct rpack *pk, unsigned n, const struct answer *to)
{
	struct json *j = to->json;

	if (!j) {
		buf_printf(to->text, "  pack %s: %u statements\n", pk->name, n);
		return;
	}
	json_open(j, NULL, '{');
	json_text(j, "pack", pk->name);
	json_unsigned(j, "statements", n);
	json_close(j, '}');
}

static void table_packs(struct obj *o, const struct answer *to)
{
	struct why_list l = { to, 0 };

	why_begin(&l, "packs");
	vec_foreach (pk, &o->rs->packs) {
		unsigned n = (*pk)->retired ? 0 : pack_share(*pk, o);

		if (n && why_shows(&l))
			table_pack(*pk, n, to);
	}
	why_rest(&l, "  ", "packs");
	why_end(&l);
}

bool why_stated(const struct obj *o)
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

static bool of_others(const struct obj *o)
{
	return o->foreign || o->attach || (o->kind == OBJ_TABLE && !why_stated(o));
}

static void head_json(const struct obj *o, struct json *j)
{
	why_json_name(j, o);
	if (o->kind == OBJ_SET && o->typed && o->elems)
		json_unsigned(j, "elements", o->elems->wanted);
	if (!o->want && o->why)
		json_text(j, "waits", o->why);
	json_bool(j, "unclaimed", o->unclaimed);
	json_bool(j, "foreign", of_others(o));
	if (o->kind == OBJ_SET)
		json_bool(j, "automatic", o->autoset);
}

static void head_text(const struct obj *o, struct buf *out)
{
	why_obj_name(o, out);
	if (o->kind == OBJ_SET && o->typed && o->elems)
		buf_printf(out, ": %u element%s", o->elems->wanted, o->elems->wanted == 1 ? "" : "s");
	buf_putc(out, '\n');
	if (!o->want && o->why)
		buf_printf(out, "  waits: %s\n", o->why);
	if (o->unclaimed)
		buf_puts(out, "  found in the kernel, and not stated since this start\n");
	if (of_others(o))
		buf_puts(out, "  of somebody else\n");
	if (o->autoset)
		buf_puts(out, "  made for a rule's live list\n");
}

void why_object(struct obj *o, const struct answer *to)
{
	if (to->json) {
		json_open(to->json, NULL, '{');
		head_json(o, to->json);
	} else {
		head_text(o, to->text);
	}
	if (o->kind == OBJ_TABLE) {
		table_packs(o, to);
	} else {
		decls(o, to);
		if (o->kind == OBJ_SET) {
			contribs(o, to);
			elements(o, to);
		}
		if (o->kind == OBJ_CHAIN)
			rules(o, to);
		why_users(o, to);
	}
	if (to->json)
		json_close(to->json, '}');
}
