// SPDX-License-Identifier: GPL-2.0-or-later
/* rnm eval: a line of Lua in a pack's state, as a run of its own. What it states stays until reload. */
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "script/check.h"
#include "script/evals.h"
#include "script/help.h"
#include "script/load.h"

#define EVALS_MAX     10000            /* lines that may state something before a reload */
#define CONSOLE_ORDER (UINT16_MAX - 1) /* after every other pack */

static struct pack *console_pack(struct script *s) /* made on demand */
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

struct input {
	const struct eval_request *rq;
	struct buf *out;
};

void run_writes(lua_State *L, const struct pack *pk, const char *fn)
{
	if (pk->run->read_only)
		luaL_error(L, "%s: this prompt is read-only: nothing can be changed here", fn);
}

/* Where this line's statements go: NULL, it only reads. One that stated nothing left its place free. */
static int eval_subject(struct pack *pk, struct subject **out, struct err *e)
{
	struct subject *sub = pk->spare_eval;

	*out = sub;
	if (sub)
		return 0;
	if (pk->evals.n >= EVALS_MAX)
		return err_set(e, -EDQUOT, "more than %d lines that state something; undo some, or reload",
			EVALS_MAX);
	*out = pk->spare_eval = sub = subject_new(pk, SCOPE_BLOCK, NULL);
	/* behind all hooks of the pack, one after the other */
	sub->sc = scope_new(pk->rp, SCOPE_BLOCK, NULL, 0xf0000000u + pk->eval_seq++, NULL, 0);
	scope_tell(sub->sc, "eval", 0);
	return 0;
}

/* An expression is tried first. Only a message about the syntax makes it a statement; budget errors go
 * through. */
static int try_expression(lua_State *L)
{
	struct input *in = lua_touserdata(L, 1);

	lua_pushliteral(L, "return ");
	lua_pushlstring(L, in->rq->code, in->rq->n);
	lua_concat(L, 2);
	size_t n;
	const char *s = lua_tolstring(L, -1, &n);

	vm_load(L, s, n, "@eval");
	return 1;
}

int lua_help(lua_State *L)
{
	_err_ struct err e = ERR_INIT;
	struct buf *out;

	check_count(L, "help", 1, 0, 1);
	if (lua_gettop(L) == 0) {
		out = push_buf(L);
		help_overview(out);
	} else {
		const char *topic = check_string(L, "help", 1, 1, NULL);

		out = push_buf(L);
		if (help_topic(topic, out, &e) < 0)
			check_raise(L, NULL, &e);
	}
	while (out->n && out->s[out->n - 1] == '\n')
		out->s[--out->n] = '\0';
	return replace_buf(L, out);
}

static int env_refuses(lua_State *L)
{
	size_t n;
	const char *name = vm_tolstring(L, 2, &n);

	return luaL_error(L, "%s: this prompt is read-only: use a local variable", name);
}

/* The globals of a chunk: the pack's, with help() in front; behind a wall when it only reads. */
static void push_env(lua_State *L, bool read_only)
{
	lua_createtable(L, 0, 2);
	lua_pushcfunction(L, lua_help);
	lua_setfield(L, -2, "help");
	if (read_only) {
		lua_pushvalue(L, -1);
		lua_setfield(L, -2, "_G");
	}
	lua_createtable(L, 0, 3);
	lua_pushglobaltable(L);
	lua_setfield(L, -2, "__index");
	if (read_only)
		lua_pushcfunction(L, env_refuses);
	else
		lua_pushglobaltable(L);
	lua_setfield(L, -2, "__newindex");
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
}

static int call_eval(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);
	struct input *in = r->arg;

	vm_print_to(r->pk->vm, in->out);
	lua_pushcfunction(L, try_expression);
	lua_pushlightuserdata(L, in);
	if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
		vm_charge(L, 1); /* a used-up budget speaks here */
		lua_pop(L, 1);
		vm_load(L, in->rq->code, in->rq->n, "@eval");
	}
	push_env(L, r->read_only);
	lua_setupvalue(L, -2, 1);
	lua_call(L, 0, LUA_MULTRET);
	if (in->rq->colours && in->out->n) { /* what print() said: the colours are to be ours alone */
		struct buf *said = push_buf(L);

		buf_put(said, in->out->s, in->out->n);
		buf_clear(in->out);
		print_safe(said->s, said->n, in->out);
		lua_pop(L, 1);
	}
	for (int i = 2; i <= lua_gettop(L); i++) {
		struct live *l = to_live(L, i);

		if (l)
			live_ready(L, l);
		print_value(L, i, true, in->rq->colours, in->out);
		buf_putc(in->out, '\n');
	}
	if (!r->read_only)
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

/* What follows from it belongs to it: a block that fails now fails the eval. */
static int settle(struct script *s, struct err *e)
{
	int rc = 0;

	err_free(&s->load_err);
	set_strict(s, true);
	script_settle(s);
	set_strict(s, false);
	if (s->load_err.code)
		rc = err_set(e, s->load_err.code, "%s", err_text(&s->load_err));
	err_free(&s->load_err);
	return rc;
}

/* What it states and edits becomes an entry that can be taken back. */
static int begin(struct run *r, const struct eval_request *rq, struct err *e)
{
	int rc = eval_subject(r->pk, &r->sub, e);

	if (rc == 0 && !rq->dry) {
		r->pk->s->evaling = eval_new(r->pk, rq);
		r->pk->s->evaling->sub = r->sub;
	}
	return rc;
}

int script_eval(struct script *s, const struct eval_request *rq, struct buf *out, struct err *e)
{
	struct pack *pk = find_pack(s, rq->pack, e);
	struct input in = { rq, out };
	struct run r = { .pk = pk, .kind = RUN_EVAL, .what = "eval", .arg = &in, .read_only = rq->read_only };
	int rc;

	if (!pk)
		return e->code;
	if (!pk->vm)
		return err_set(e, -EINVAL, "the console's Lua state could not be made");
	rc = rq->read_only ? 0 : begin(&r, rq, e);
	if (rc < 0)
		return rc;
	rc = run_do(&r, call_eval, e);
	if (rc < 0) {
		pk->errors++;
		return rc;
	}
	if (rq->read_only)
		return 0;
	/* who only looked at something is not to keep it in force */
	if (!r.sub->made.n && scope_adds_nothing(r.sub->sc) && !rpack_edited(pk->rp))
		scope_withdraw(r.sub->sc);
	return settle(s, e);
}

/* ---- commands of nft's language ---- */

struct nft_call {
	const struct eval_request *rq;
	struct errlist *errs;
};

static int call_nft(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);
	struct nft_call *c = r->arg;
	uint32_t site = ruleset_site(r->pk->s->rs, "nft", r->pk->s->eval_ids + 1);

	if (!load_command(L, r->pk, c->rq->code, c->rq->n, site, c->errs))
		luaL_error(L, "refused");
	return 0;
}

int script_nft(struct script *s, const struct eval_request *rq, struct errlist *errs)
{
	struct pack *pk = console_pack(s);
	struct nft_call c = { rq, errs };
	struct run r = { .pk = pk, .kind = RUN_EVAL, .what = "nft", .arg = &c };
	_err_ struct err e = ERR_INIT;
	int rc = pk->vm ? 0 : err_set(&e, -EINVAL, "the console's Lua state could not be made");

	if (rc == 0)
		rc = begin(&r, rq, &e);
	if (rc == 0)
		rc = run_do(&r, call_nft, &e);
	if (rc == 0)
		rc = settle(s, &e);
	if (rc < 0 && !errs->n)
		errlist_add(errs, 0, 0, &e);
	return rc;
}
