// SPDX-License-Identifier: GPL-2.0-or-later
/* What a simulation shows: sets, ruleset, status, batches, log. */
#include <lauxlib.h>
#include <string.h>

#include "nft/why.h"
#include "testing/sim.h"

static void push_elem(void *ctx, const char *text)
{
	lua_State *L = ctx;

	lua_pushstring(L, text);
	lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static int sim_set(lua_State *L)
{
	struct sim *s = sim_check(L);
	const char *what = luaL_checkstring(L, 2);

	struct err e = ERR_INIT;

	lua_newtable(L);
	if (ruleset_set_elems(engine_ruleset(s->en), what, push_elem, L, &e) < 0)
		return sim_fail(L, &e);
	return 1;
}

static int text_of(lua_State *L, int rc, struct buf *b, struct err *e)
{
	if (rc < 0) {
		buf_free(b);
		return sim_fail(L, e);
	}
	lua_pushlstring(L, buf_str(b), b->n);
	buf_free(b);
	return 1;
}

static int sim_ruleset(lua_State *L)
{
	struct sim *s = sim_check(L);
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	return text_of(L, ruleset_text(engine_ruleset(s->en), luaL_optstring(L, 2, NULL), &b, &e), &b, &e);
}

static int sim_status(lua_State *L)
{
	struct sim *s = sim_check(L);
	struct buf b = BUF_INIT;

	engine_status(s->en, &b);
	return text_of(L, 0, &b, NULL);
}

static int sim_why(lua_State *L)
{
	struct sim *s = sim_check(L);
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	return text_of(L,
		ruleset_why(
			engine_ruleset(s->en), luaL_checkstring(L, 2), &(struct answer){ .text = &b }, &e),
		&b, &e);
}

static int sim_json(lua_State *L)
{
	struct sim *s = sim_check(L);
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	size_t max = (size_t)luaL_optinteger(L, 3, 1 << 24);

	return text_of(
		L, ruleset_json(engine_ruleset(s->en), luaL_optstring(L, 2, NULL), max, &b, &e), &b, &e);
}

static int sim_status_json(lua_State *L)
{
	struct sim *s = sim_check(L);
	struct buf b = BUF_INIT;
	struct json j = { &b, false };

	json_open(&j, NULL, '{');
	engine_status_json(s->en, &j);
	json_close(&j, '}');
	return text_of(L, 0, &b, NULL);
}

static int sim_plan(lua_State *L)
{
	struct sim *s = sim_check(L);
	struct buf b = BUF_INIT;
	struct err e = ERR_INIT;

	return text_of(L, engine_plan(s->en, &(struct plan_view){ .text = &b }, &e), &b, &e);
}

static void push_pack(void *ctx, const struct pack_status *st)
{
	lua_State *L = ctx;

	lua_newtable(L);
	lua_pushstring(L, pack_state_name(st->state));
	lua_setfield(L, -2, "state");
	lua_pushinteger(L, (lua_Integer)st->errors);
	lua_setfield(L, -2, "errors");
	lua_pushinteger(L, (lua_Integer)st->calls);
	lua_setfield(L, -2, "calls");
	lua_pushinteger(L, st->statements);
	lua_setfield(L, -2, "statements");
	lua_pushinteger(L, st->timers);
	lua_setfield(L, -2, "timers");
	lua_pushinteger(L, st->blocks);
	lua_setfield(L, -2, "blocks");
	lua_pushinteger(L, st->hooks);
	lua_setfield(L, -2, "hooks");
	lua_pushinteger(L, st->order);
	lua_setfield(L, -2, "order");
	lua_pushstring(L, st->hook_names);
	lua_setfield(L, -2, "hook_names");
	if (st->last_error) {
		lua_pushstring(L, st->last_error);
		lua_setfield(L, -2, "last_error");
	}
	lua_setfield(L, -2, st->name);
}

static int sim_packs(lua_State *L)
{
	struct sim *s = sim_check(L);

	lua_newtable(L);
	script_status(engine_script(s->en), push_pack, L);
	return 1;
}

static int sim_batch(
	lua_State *L) /* the i-th since start → text, origin, event; nil: there are not so many */
{
	struct sim *s = sim_check(L);
	lua_Integer i = luaL_checkinteger(L, 2);

	if (i < 1 || i > s->batches.n) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushstring(L, s->batches.v[i - 1].text);
	lua_pushstring(L, s->batches.v[i - 1].origin);
	lua_pushstring(L, s->batches.v[i - 1].event);
	return 3;
}

static int sim_log(lua_State *L)
{
	struct sim *s = sim_check(L);

	lua_createtable(L, (int)s->logs.n, 0);
	for (uint32_t i = 0; i < s->logs.n; i++) {
		lua_pushstring(L, s->logs.v[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

/* sim:refuse(text): operations whose plan line has text in it are refused; nil: none any more. */
static int sim_refuse(lua_State *L)
{
	struct sim *s = sim_check(L);

	if (lua_isnoneornil(L, 2)) {
		while (s->refuse.n)
			free(vec_pop(&s->refuse));
		return 0;
	}
	vec_push(&s->refuse, xstrdup(luaL_checkstring(L, 2)));
	return 0;
}

const luaL_Reg sim_look[] = {
	{ "set", sim_set },
	{ "ruleset", sim_ruleset },
	{ "status", sim_status },
	{ "plan", sim_plan },
	{ "why", sim_why },
	{ "json", sim_json },
	{ "status_json", sim_status_json },
	{ "packs", sim_packs },
	{ "batch", sim_batch },
	{ "log", sim_log },
	{ "refuse", sim_refuse },
	{ NULL, NULL },
};
