// SPDX-License-Identifier: GPL-2.0-or-later
/* core.nft_watch: foreign commits as tables. */
#include <lauxlib.h>
#include <string.h>

#include "nft/lang.h"
#include "nft/watch.h"
#include "testing/testing.h"

#define WATCH "rnm.nft.watch"

struct twatch {
	struct nft_watch *w;
	char only[64]; /* the table that matters */
	lua_State *L;  /* while polling: the list of generations is on its top */
};

static bool cares(void *ctx, uint8_t family, const char *table)
{
	(void)family;
	return !strcmp(((struct twatch *)ctx)->only, table);
}

static void set_int(lua_State *L, const char *name, lua_Integer v)
{
	lua_pushinteger(L, v);
	lua_setfield(L, -2, name);
}

static void foreign(void *ctx, const struct nft_generation *g)
{
	struct twatch *t = ctx;
	lua_State *L = t->L;

	if (!L)
		return;
	lua_newtable(L);
	set_int(L, "id", g->id);
	set_int(L, "pid", g->pid);
	set_int(L, "more", g->more);
	lua_pushstring(L, g->process);
	lua_setfield(L, -2, "process");
	lua_pushboolean(L, g->lost);
	lua_setfield(L, -2, "lost");
	for (uint32_t i = 0; i < g->changes.n; i++) {
		const struct nft_change *c = &g->changes.v[i];

		lua_pushfstring(L, "%s %s %s %s%s%s x%d", c->del ? "del" : "add", change_kind_word(c),
			nft_family_name(c->family), c->table, c->name ? " " : "", c->name ? c->name : "",
			(int)c->count);
		lua_rawseti(L, -2, i + 1);
	}
	lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static int l_new(lua_State *L)
{
	const char *only = luaL_checkstring(L, 1);
	uint32_t port = (uint32_t)luaL_optinteger(L, 2, 0);
	struct twatch *t = lua_newuserdatauv(L, sizeof(*t), 0);
	struct nft_watch_ops ops = { .ctx = t, .cares = cares, .foreign = foreign };
	struct err e = ERR_INIT;

	memset(t, 0, sizeof(*t));
	luaL_setmetatable(L, WATCH);
	strncpy(t->only, only, sizeof(t->only) - 1);
	t->w = nft_watch_new(port, &ops, &e);
	if (t->w)
		return 1;
	lua_pushnil(L);
	lua_pushstring(L, err_text(&e));
	err_free(&e);
	return 2;
}

/* The generations since the last call, and the id of the last one. */
static int l_poll(lua_State *L)
{
	struct twatch *t = luaL_checkudata(L, 1, WATCH);

	lua_newtable(L);
	t->L = L;
	lua_pushinteger(L, nft_watch_poll(t->w));
	t->L = NULL;
	return 2;
}

static int l_gc(lua_State *L)
{
	struct twatch *t = luaL_checkudata(L, 1, WATCH);

	nft_watch_free(t->w);
	t->w = NULL;
	return 0;
}

int testing_nft_watch(lua_State *L)
{
	static const luaL_Reg funcs[] = { { "new", l_new }, { NULL, NULL } };
	static const luaL_Reg methods[] = { { "poll", l_poll }, { "__gc", l_gc }, { NULL, NULL } };

	if (luaL_newmetatable(L, WATCH)) {
		luaL_setfuncs(L, methods, 0);
		lua_pushvalue(L, -1);
		lua_setfield(L, -2, "__index");
	}
	lua_pop(L, 1);
	luaL_newlib(L, funcs);
	return 1;
}
