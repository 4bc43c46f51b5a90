// SPDX-License-Identifier: GPL-2.0-or-later
/* A hook that asks net.addrs { zone = "wan" } asks the same at every event. Short strings are unique in a Lua
 * state, so their addresses say whether the question is one of the last few, without reading it. */
#include <lauxlib.h>
#include <string.h>

#include "script/internal.h"

#define SHORT 40 /* longer strings are not unique */

/* The filter table at idx as addresses of its keys and values; 0: it holds something else than a few short
 * strings. */
static uint8_t read_pairs(lua_State *L, int idx, const char *k[ASKED_PAIRS], const char *v[ASKED_PAIRS])
{
	uint8_t n = 0;

	lua_pushnil(L);
	while (lua_next(L, idx)) {
		if (n == ASKED_PAIRS || lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING ||
			lua_rawlen(L, -2) > SHORT || lua_rawlen(L, -1) > SHORT) {
			lua_pop(L, 2);
			return 0;
		}
		k[n] = lua_tostring(L, -2);
		v[n++] = lua_tostring(L, -1);
		lua_pop(L, 1);
	}
	return n;
}

static bool same(
	const struct asked *a, enum net_kind kind, uint8_t n, const char *const k[], const char *const v[])
{
	if (a->kind != kind || a->n != n)
		return false;
	for (uint8_t i = 0; i < n; i++) {
		uint8_t j = 0;

		while (j < n && (a->k[j] != k[i] || a->v[j] != v[i]))
			j++;
		if (j == n)
			return false;
	}
	return true;
}

bool query_cache_push(lua_State *L, struct pack *pk, enum net_kind kind, int idx)
{
	const char *k[ASKED_PAIRS], *v[ASKED_PAIRS];
	uint8_t n = read_pairs(L, idx, k, v);

	for (unsigned i = 0; n && i < ASKED; i++)
		if (same(&pk->asked[i], kind, n, k, v)) {
			lua_ref_push(L, &pk->asked[i].strings);
			lua_rawgeti(L, -1, 0);
			lua_replace(L, -2);
			return true;
		}
	return false;
}

void query_cache_keep(lua_State *L, struct pack *pk, enum net_kind kind, int idx)
{
	struct asked *a = &pk->asked[pk->next_asked % ASKED], new = { .kind = kind };

	new.n = read_pairs(L, idx, new.k, new.v);
	if (!new.n)
		return;
	lua_createtable(L, 2 * new.n, 1); /* keeps the strings, and so their addresses */
	lua_pushvalue(L, -2);
	lua_rawseti(L, -2, 0);
	lua_pushnil(L);
	for (int i = 1; lua_next(L, idx); i += 2) {
		lua_rawseti(L, -3, i);
		lua_pushvalue(L, -1);
		lua_rawseti(L, -3, i + 1);
	}
	a->n = 0; /* until the reference is made, which may raise */
	lua_ref_set(L, &a->strings);
	new.strings = a->strings;
	*a = new;
	pk->next_asked++;
}

void query_cache_free(struct pack *pk)
{
	for (unsigned i = 0; pk->vm && i < ASKED; i++)
		lua_ref_clear(pk->vm, &pk->asked[i].strings);
}
