// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/console.h"

#include <errno.h>
#include <string.h>

#include "nft/model.h"

bool ruleset_is_own(struct ruleset *rs, uint8_t family, const char *table)
{
	const struct obj *t = obj_find(rs, OBJ_TABLE, family, NULL, table);

	return t && (t->have || t->own_before || (t->want && !t->foreign));
}

static struct obj *named(struct ruleset *rs, const struct file_cmd *cmd)
{
	const char *table = cmd->table ? cmd->table : "";

	switch ((enum file_what)cmd->what) {
	case FILE_TABLE: return obj_find(rs, OBJ_TABLE, cmd->family, NULL, table);
	case FILE_CHAIN:
	case FILE_RULE: return obj_find(rs, OBJ_CHAIN, cmd->family, table, cmd->name ? cmd->name : "");
	case FILE_SET:
	case FILE_ELEMENTS: return obj_find(rs, OBJ_SET, cmd->family, table, cmd->name ? cmd->name : "");
	case FILE_OBJECT:
		return obj_find(
			rs, object_kind(cmd->obj_type), cmd->family, table, cmd->name ? cmd->name : "");
	case FILE_FLOWTABLE:
		return obj_find(rs, OBJ_FLOWTABLE, cmd->family, table, cmd->name ? cmd->name : "");
	case FILE_RULESET:
	case FILE_SWITCH:
	case FILE_DISABLED: break;
	}
	return NULL;
}

static bool any_active(const struct obj *o)
{
	vec_foreach (st, &o->decls)
		if ((*st)->active)
			return true;
	return false;
}

bool console_names(struct ruleset *rs, const struct file_cmd *cmd)
{
	const struct obj *o = named(rs, cmd);

	return o && any_active(o);
}

/* ---- whose it is ---- */

static int stated_by(const struct stmt *st, const struct rpack *pk, struct err *e)
{
	_buf_ struct buf who = BUF_INIT;

	where_text(st->o->rs, stmt_pack(st), st->site, &who);
	if (stmt_pack(st) == pk)
		return err_set(e, -EPERM,
			"a block of the console states it (%s): cancel that, or it comes again",
			buf_str(&who));
	return err_set(e, -EPERM, "it is stated by %s: change it there%s", buf_str(&who),
		st->kind == ST_RULE ? ", or keep the rule out of the kernel by `disable rule`" : "");
}

/* What a command or an eval stated, and not a block that would state it again. */
static bool of_console(const struct stmt *st, const struct rpack *pk)
{
	return stmt_pack(st) == pk && st->sc->what && !strcmp(st->sc->what, "eval");
}

typedef VEC(struct stmt *) found;

/* Statements about o that the console can take back; of others only what has a say: a chain that is named
 * along with a rule is not theirs. */
static int gather(const struct obj *o, const struct rpack *pk, bool rules_only, found *out, struct err *e)
{
	for (uint32_t i = 0; !rules_only && i < o->decls.n; i++) {
		struct stmt *st = o->decls.v[i];

		if (!st->active)
			continue;
		if (!of_console(st, pk))
			return stated_by(st, pk, e);
		vec_push(out, st);
	}
	vec_foreach (it, &o->rules) {
		if (!(*it)->active)
			continue;
		if (!of_console(*it, pk))
			return stated_by(*it, pk, e);
		vec_push(out, *it);
	}
	vec_foreach (it, &o->contribs) {
		struct contrib *c = *it;
		struct site site = ruleset_site_get(o->rs, c->site);

		if (!c->on || c->kind == C_EDIT)
			continue;
		if (!c->st || !of_console(c->st, pk))
			return err_set(e, -EPERM, "elements of it are stated by %s, %s:%u: change that there",
				c->pk->name, site.file, site.line);
		vec_push(out, c->st);
	}
	return 0;
}

static int edits(const struct obj *o, const struct rpack *pk, bool retire, struct err *e)
{
	for (uint32_t i = o->contribs.n; i-- > 0;) {
		struct contrib *c = o->contribs.v[i];
		struct site site = ruleset_site_get(o->rs, c->site);

		if (!c->on || c->kind != C_EDIT)
			continue;
		if (c->pk != pk)
			return err_set(e, -EPERM, "elements of it are held by %s, %s:%u", c->pk->name,
				site.file, site.line);
		if (retire)
			edit_retire(c);
	}
	return 0;
}

static int take(struct obj *o, const struct rpack *pk, bool rules_only, found *out, struct err *e)
{
	int rc = gather(o, pk, rules_only, out, e);

	if (rc == 0 && o->kind == OBJ_SET)
		rc = edits(o, pk, false, e);
	return rc;
}

static void withdraw(found *f)
{
	vec_foreach (st, f)
		stmt_swap(*st, NULL);
}

static int whole(struct obj *o, const struct rpack *pk, const struct file_cmd *cmd, struct err *e)
{
	bool rules_only = cmd->op == FILE_FLUSH;
	found f = { 0 };
	int rc = take(o, pk, rules_only, &f, e);

	for (uint32_t i = 0; o->kind == OBJ_TABLE && rc == 0 && i < o->members.n; i++)
		if (!rules_only || o->members.v[i]->kind == OBJ_CHAIN)
			rc = take(o->members.v[i], pk, rules_only, &f, e);
	if (rc == 0) {
		withdraw(&f);
		edits(o, pk, true, NULL);
		for (uint32_t i = 0; o->kind == OBJ_TABLE && !rules_only && i < o->members.n; i++)
			edits(o->members.v[i], pk, true, NULL);
	}
	vec_free(&f);
	return rc;
}

/* ---- commands ---- */

static int console_rule(
	const struct obj *chain, const struct rpack *pk, uint64_t handle, struct stmt **out, struct err *e)
{
	*out = rule_with_handle(chain, handle);
	if (!*out)
		return err_set(e, -ENOENT, "chain '%s' has no rule with handle %llu that a pack states",
			chain->name, (unsigned long long)handle);
	return of_console(*out, pk) ? 0 : stated_by(*out, pk, e);
}

int console_withdraw(struct ruleset *rs, struct rpack *pk, const struct file_cmd *cmd, struct err *e)
{
	struct obj *o = named(rs, cmd);
	struct stmt *st;
	int rc;

	if (cmd->handle && cmd->what != FILE_RULE)
		return err_set(e, -EINVAL, "what is rnm's own goes by its name, not by a handle");
	if (!o || !any_active(o)) {
		if (cmd->op == FILE_DESTROY)
			return 0;
		return err_set(e, -ENOENT, "nobody states it");
	}
	if (cmd->what != FILE_RULE)
		return whole(o, pk, cmd, e);
	rc = console_rule(o, pk, cmd->handle, &st, e);
	if (rc == -ENOENT && cmd->op == FILE_DESTROY) {
		err_free(e);
		return 0;
	}
	if (rc == 0)
		stmt_swap(st, NULL);
	return rc;
}

int console_replace(
	struct ruleset *rs, struct rpack *pk, const struct file_cmd *cmd, struct ast_rule *ast, struct err *e)
{
	struct obj *chain = named(rs, cmd);
	struct stmt *st;
	int rc;

	if (!chain)
		return err_set(e, -ENOENT, "there is no chain '%s'", cmd->name);
	if (ast_param(ast, 0))
		return err_set(e, -EINVAL, "$%s has no value", ast_param(ast, 0));
	rc = console_rule(chain, pk, cmd->handle, &st, e);
	if (rc == 0)
		rule_replace(st, ast);
	return rc;
}
