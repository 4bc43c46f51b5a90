// SPDX-License-Identifier: GPL-2.0-or-later
/* Evals in a simulation. */
#include <stdlib.h>
#include <string.h>

#include "testing/sim.h"

static struct operator sim_operator(lua_Integer key)
{
	return (struct operator){ .key = (uint64_t)key, .login = UINT32_MAX, .pid = (int32_t)key };
}

/* eval(code, pack, { dry_run, read_only, colours, who, note }) */
static int sim_eval(lua_State *L)
{
	struct sim *s = sim_check(L);
	struct eval_request rq = { .code = luaL_checklstring(L, 2, &rq.n),
		.pack = luaL_optstring(L, 3, NULL) };
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	int rc;

	luaL_checktype(L, 4, LUA_TTABLE);
	lua_getfield(L, 4, "dry_run");
	rq.dry = lua_toboolean(L, -1);
	lua_getfield(L, 4, "read_only");
	rq.read_only = lua_toboolean(L, -1);
	lua_getfield(L, 4, "colours");
	rq.colours = lua_toboolean(L, -1);
	lua_getfield(L, 4, "who");
	rq.who = sim_operator(luaL_optinteger(L, -1, 1));
	lua_getfield(L, 4, "note");
	rq.note = luaL_optstring(L, -1, NULL);
	sim_quiet(s);
	rc = engine_eval(s->en, &rq, NULL, &out, &e);
	if (rc >= 0)
		sim_pump(s);
	sim_loud(s);
	if (rc < 0) {
		buf_free(&out);
		return sim_fail(L, &e);
	}
	lua_pushlstring(L, buf_str(&out), out.n);
	buf_free(&out);
	return 1;
}

/* undo(n | "all" | "#ID", who) */
static int sim_undo(lua_State *L)
{
	struct sim *s = sim_check(L);
	const char *what = luaL_checkstring(L, 2);
	struct undo_request rq = { .who = sim_operator(luaL_optinteger(L, 3, 1)) };
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	int rc;

	rq.what = !strcmp(what, "all") ? UNDO_ALL : *what == '#' ? UNDO_ID : UNDO_LAST;
	rq.n = (uint32_t)atoi(what + (*what == '#'));
	sim_quiet(s);
	rc = engine_undo(s->en, &rq, &(struct answer){ .text = &out }, &e);
	if (rc >= 0)
		sim_pump(s);
	sim_loud(s);
	if (rc < 0) {
		buf_free(&out);
		return sim_fail(L, &e);
	}
	lua_pushlstring(L, buf_str(&out), out.n);
	buf_free(&out);
	return 1;
}

static void push_info(void *ctx, const struct eval_info *i)
{
	lua_State *L = ctx;

	lua_newtable(L);
	lua_pushinteger(L, i->id);
	lua_setfield(L, -2, "id");
	lua_pushstring(L, i->pack);
	lua_setfield(L, -2, "pack");
	lua_pushstring(L, i->note);
	lua_setfield(L, -2, "note");
	lua_pushinteger(L, i->who.pid);
	lua_setfield(L, -2, "who");
	lua_pushstring(L, i->text);
	lua_setfield(L, -2, "text");
	lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static int sim_evals(lua_State *L)
{
	struct sim *s = sim_check(L);

	lua_newtable(L);
	script_evals(engine_script(s->en), push_info, L);
	return 1;
}

/* complete(text, pack) → words, from, more */
static int sim_complete(lua_State *L)
{
	struct sim *s = sim_check(L);
	size_t n;
	const char *text = luaL_checklstring(L, 2, &n);
	struct completion c;

	script_complete(engine_script(s->en), luaL_optstring(L, 3, NULL), text, n, &c);
	lua_newtable(L);
	for (uint32_t i = 0; i < c.words.n; i++) {
		lua_pushstring(L, c.words.v[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	lua_pushinteger(L, (lua_Integer)c.from);
	lua_pushinteger(L, c.more);
	completion_free(&c);
	return 3;
}

const luaL_Reg sim_console[] = {
	{ "complete", sim_complete },
	{ "eval", sim_eval },
	{ "undo", sim_undo },
	{ "evals", sim_evals },
	{ NULL, NULL },
};
