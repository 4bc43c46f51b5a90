// SPDX-License-Identifier: GPL-2.0-or-later
/* What follows from the statements: declarations of one name become one object, elements get their bytes.
 * Derived anew for all that is dirty; nothing here is journaled. */
#include <errno.h>
#include <stdio.h>

#include "nft/model.h"

bool can_blame(const struct rpack *pk)
{
	return pk->log.log.n > 0;
}

int merge_error(struct stmt *st, struct rpack **culprit, struct err *e, const char *fmt, ...)
{
	struct rpack *pk = stmt_pack(st);
	_autofree_ char *text = NULL;
	struct site s = ruleset_site_get(pk->rs, st->site);
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	*culprit = pk;
	return err_set(e, -EINVAL, "%s:%u: %s", s.file, s.line, text);
}

static bool inherits(const struct ruleset *rs, const struct rpack *pk)
{
	vec_foreach (old, &rs->retired)
		if ((*old)->heir == pk)
			return true;
	return false;
}

/* Lasting edits of a reloaded pack stay while it still states the set. */
static void heirless_edits(struct ruleset *rs)
{
	for (uint32_t i = 0; i < rs->packs.n; i++) {
		struct rpack *pk = rs->packs.v[i];

		for (uint32_t j = pk->edits.n; j-- > 0;) {
			struct contrib *c = pk->edits.v[j];
			bool stated = false;

			if (!c->on || !c->lasting || !inherits(rs, pk))
				continue;
			vec_foreach (st, &c->set->decls)
				stated |= (*st)->active && stmt_pack(*st) == pk;
			if (!stated)
				edit_retire(c);
		}
	}
}

/* Rules of chains that did not change themselves may wait for, or name, what came, went or has another type.
 */
static int follow_names(struct ruleset *rs, struct rpack **culprit, struct err *e)
{
	for (uint32_t i = 0; i < rs->named.n; i++) {
		struct obj *tab = rs->named.v[i]->tab;

		if (tab->walked)
			continue;
		tab->walked = true;
		for (uint32_t j = 0; j < tab->members.n; j++) { /* sets of rules may come */
			struct obj *m = tab->members.v[j];
			int rc;

			if (m->kind != OBJ_CHAIN || m->dirty || m->quiet || !m->rules.n)
				continue;
			rc = merge_rules(m, culprit, e);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static void follow_targets(struct ruleset *rs)
{
	for (uint32_t i = 0; i < rs->named.n; i++) {
		struct obj *o = rs->named.v[i];

		if ((o->kind != OBJ_CHAIN && !is_stateful(o)) || o->tab->walked)
			continue;
		o->tab->walked = true;
		vec_foreach (m, &o->tab->members)
			if ((*m)->kind == OBJ_SET && !(*m)->dirty)
				merge_targets(*m);
	}
}

static void tables_anew(struct ruleset *rs)
{
	vec_foreach (o, &rs->named)
		(*o)->tab->walked = false;
}

static void names_done(struct ruleset *rs)
{
	vec_foreach (o, &rs->named)
		(*o)->name_changed = (*o)->tab->name_changed = false;
	vec_clear(&rs->named);
}

int ruleset_merge(struct ruleset *rs, struct rpack **culprit, struct err *e)
{
	int rc = edits_settle(rs, culprit, e);

	if (rc < 0)
		return rc;
	if (rs->retired.n)
		heirless_edits(rs);
	for (uint32_t i = 0; i < rs->dirty.n; i++)
		stmts_purge(rs->dirty.v[i]);
	for (int tables = 1; tables >= 0; tables--)
		for (uint32_t i = 0; i < rs->dirty.n; i++) {
			struct obj *o = rs->dirty.v[i];
			bool want = o->want;

			if ((o->kind == OBJ_TABLE) != tables)
				continue;
			rc = tables ? merge_table(o, culprit, e) : merge_decls(o, culprit, e);
			if (rc < 0)
				return rc;
			obj_changed(o);
			if (tables && want != o->want)
				vec_foreach (m, &o->members) {
					obj_dirty(*m);
					obj_changed(*m);
				}
		}
	for (uint32_t i = 0; i < rs->dirty.n; i++)
		if (rs->dirty.v[i]->kind == OBJ_CHAIN) {
			obj_changed(rs->dirty.v[i]); /* a set that came may have made it dirty */
			rc = merge_rules(rs->dirty.v[i], culprit, e);
			if (rc < 0)
				return rc;
		}
	tables_anew(rs);
	rc = follow_names(rs, culprit, e);
	if (rc < 0)
		return rc;
	rc = fills_check(rs, culprit, e);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < rs->dirty.n; i++)
		if (rs->dirty.v[i]->kind == OBJ_SET) {
			obj_changed(rs->dirty.v[i]);
			rc = merge_elems(rs->dirty.v[i], culprit, e);
			if (rc < 0)
				return rc;
		}
	tables_anew(rs);
	follow_targets(rs);
	for (uint32_t i = 0; i < rs->changed.n; i++)
		if (rs->changed.v[i]->kind == OBJ_SET) {
			rc = merge_map(rs->changed.v[i], culprit, e);
			if (rc < 0)
				return rc;
		}
	rc = graph_check(rs, culprit, e);
	if (rc == 0)
		names_done(rs); /* after an error all is looked at again: a part of it may be taken back */
	if (rc == 0)
		adopt_found(rs);
	return rc;
}
