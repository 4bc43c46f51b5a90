// SPDX-License-Identifier: GPL-2.0-or-later
/* core.nft.ruleset: the ruleset under random events, and as specs speak to it. */
#include <lauxlib.h>
#include <malloc.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "testing/nft_type.h"
#include "testing/rs_lua.h"
#include "testing/rs_random.h"
#include "testing/testing.h"

static lua_Integer field(lua_State *L, const char *name, lua_Integer def)
{
	lua_Integer v;

	lua_getfield(L, 1, name);
	v = lua_isnil(L, -1) ? def : lua_tointeger(L, -1);
	lua_pop(L, 1);
	return v;
}

/* random{seed=, steps=, kernel=, rough=} → {commits=, sent=, …}, or nil and what went wrong at which step */
static int l_random(lua_State *L)
{
	lua_Integer steps = field(L, "steps", 1000);
	struct nft_conn *conn = NULL, *others = NULL;
	struct err e = ERR_INIT;
	size_t heap = mallinfo2().uordblks;
	struct world *w;
	bool ok = true;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_getfield(L, 1, "kernel");
	if (lua_toboolean(L, -1) && !(conn = nft_conn_new("spec", &e)))
		return testing_fail(L, &e);
	lua_getfield(L, 1, "rough");
	if (conn && lua_toboolean(L, -1) && !(others = nft_conn_new("others", &e))) {
		nft_conn_free(conn);
		return testing_fail(L, &e);
	}
	w = world_new((uint64_t)field(L, "seed", 1), conn, others);
	log_level_set(LOG_ERROR); /* of sets of others that come and go there is much to tell */
	for (lua_Integer i = 0; ok && i < steps; i++)
		ok = world_txn(w);
	ok = ok && world_end(w);
	log_level_set(LOG_INFO);
	if (ok) {
		lua_newtable(L);
#define GIVE(name) (lua_pushinteger(L, (lua_Integer)w->name), lua_setfield(L, -2, #name))
		GIVE(commits);
		GIVE(sent);
		GIVE(ops);
		GIVE(culprits);
		GIVE(refusals);
		GIVE(reloads);
		GIVE(dry);
		GIVE(rolled);
		GIVE(meddled);
		GIVE(lives);
		GIVE(held);
		GIVE(retries);
		GIVE(backed);
		GIVE(forbidden);
		GIVE(attached);
		GIVE(switched);
#undef GIVE
		world_free(w);
		lua_pushinteger(L, (lua_Integer)(mallinfo2().uordblks - heap)); /* Lua's own table included */
		lua_setfield(L, -2, "heap");
		return 1;
	} else {
		lua_pushnil(L);
		lua_pushfstring(L, "seed %d, step %d: %s", (int)w->seed, (int)w->step, w->fail);
	}
	nft_conn_free(w->conn); /* the rest is as the failure left it */
	nft_conn_free(w->others);
	return 2;
}

int testing_nft_ruleset(lua_State *L)
{
	static const luaL_Reg funcs[] = { { "random", l_random }, { "new", testing_ruleset_new },
		{ NULL, NULL } };

	luaL_newlib(L, funcs);
	return 1;
}
