// SPDX-License-Identifier: GPL-2.0-or-later
/* rnm eval: a line of Lua in a pack's state, as a run of its own. What it states stays until reload. */
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "script/internal.h"

#define EVALS_MAX     10000            /* lines that may state something before a reload */
#define CONSOLE_ORDER (UINT16_MAX - 1) /* after every other pack */

struct pack *console_pack(struct script *s)
{
	static const struct pack_spec spec = { .name = "console", .order = CONSOLE_ORDER };
	struct err e = ERR_INIT;
	struct pack *pk;

	vec_foreach (p, &s->packs)
		if (strcmp((*p)->spec.name, "console") == 0)
			return *p;
	pk = pack_new(s, &spec, NULL, false);
	vec_push(&s->packs, pk);
	if (pack_start(pk, &e) < 0) {
		log_error("pack", "console: %s", err_text(&e));
		err_free(&e);
	}
	return pk;
}

struct eval {
	const char *code;
	size_t n;
	struct buf *out;
};

/* Where this line's statements go. One that stated nothing, or was undone, left its place free. */
static struct subject *eval_subject(struct pack *pk, struct err *e)
{
	struct subject *sub = pk->evals.n ? vec_last(&pk->evals) : NULL;

	if (sub && !scope_stmts(sub->sc) && !sub->made.n)
		return sub;
	if (pk->evals.n >= EVALS_MAX) {
		err_set(e, -EDQUOT, "more than %d lines that state something; reload first", EVALS_MAX);
		return NULL;
	}
	sub = subject_new(pk, SCOPE_BLOCK, NULL);
	/* behind all hooks of the pack, one after the other */
	sub->sc = scope_new(pk->rp, SCOPE_BLOCK, NULL, 0xf0000000u + pk->evals.n, NULL, 0);
	scope_tell(sub->sc, "eval", 0);
	vec_push(&pk->evals, sub);
	return sub;
}

/* An expression is tried first. Only a message about the syntax makes it a statement; budget errors go
 * through. */
static int try_expression(lua_State *L)
{
	struct eval *ev = lua_touserdata(L, 1);

	lua_pushliteral(L, "return ");
	lua_pushlstring(L, ev->code, ev->n);
	lua_concat(L, 2);
	size_t n;
	const char *s = lua_tolstring(L, -1, &n);

	vm_load(L, s, n, "@eval");
	return 1;
}

static int call_eval(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);
	struct eval *ev = r->arg;

	vm_print_to(r->pk->vm, ev->out);
	lua_pushcfunction(L, try_expression);
	lua_pushlightuserdata(L, ev);
	if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
		vm_charge(L, 1); /* a used-up budget speaks here */
		lua_pop(L, 1);
		vm_load(L, ev->code, ev->n, "@eval");
	}
	lua_call(L, 0, LUA_MULTRET);
	for (int i = 2; i <= lua_gettop(L); i++) {
		struct live *l = to_live(L, i);

		if (l)
			live_ready(L, l);
		print_value(L, i, true, ev->out);
		buf_putc(ev->out, '\n');
	}
	hooks_globals(L, r->pk);
	return 0;
}

static struct pack *find_pack(struct script *s, const char *name, struct err *e)
{
	if (!name)
		return console_pack(s);
	vec_foreach (p, &s->packs)
		if (strcmp((*p)->spec.name, name) == 0) {
			if ((*p)->vm)
				return *p;
			err_set(e, -ENOENT, "pack %s is not running: %s", name,
				(*p)->last_error ? (*p)->last_error : "");
			return NULL;
		}
	err_set(e, -ENOENT, "there is no pack \"%s\"", name);
	return NULL;
}

static void set_strict(struct script *s, bool strict)
{
	vec_foreach (p, &s->packs) {
		(*p)->strict = strict;
		(*p)->strict_hit = false;
	}
}

int script_eval(
	struct script *s, const char *name, const char *code, size_t len, struct buf *out, struct err *e)
{
	struct pack *pk = find_pack(s, name, e);
	struct eval ev = { code, len, out };
	struct run r = { .pk = pk, .kind = RUN_EVAL, .what = "eval", .arg = &ev };
	int rc;

	if (!pk)
		return e->code;
	if (!pk->vm)
		return err_set(e, -EINVAL, "the console's Lua state could not be made");
	r.sub = eval_subject(pk, e);
	if (!r.sub)
		return e->code;
	rc = run_do(&r, call_eval, e);
	if (rc < 0) {
		pk->errors++;
		return rc;
	}
	/* what follows from it belongs to it: a block that fails now fails the eval */
	err_free(&s->load_err);
	set_strict(s, true);
	script_settle(s);
	set_strict(s, false);
	if (s->load_err.code) {
		rc = err_set(e, s->load_err.code, "%s", err_text(&s->load_err));
		err_free(&s->load_err);
		return rc;
	}
	return 0;
}
