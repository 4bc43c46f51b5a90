// SPDX-License-Identifier: GPL-2.0-or-later
/* pairs() in a fixed order: 1, 2, 3 … as far as they go, other numbers ascending, strings bytewise, booleans,
 * the rest. A sequence is walked as it lies in the table; the first key that does not continue it makes what
 * is left be sorted. */
#include <limits.h>

#include "script/vm_int.h"

enum {
	KEYS = 1,
	POS = 2
}; /* the iterator's upvalues: sorted keys, or nil while it walks a sequence; how many are done in either */

/* Sorts the keys in the list at `raw` (n of them) into a new list, which it pushes. next: what would continue
 * the sequence. */
static void sort_keys(lua_State *L, int raw, uint32_t n, lua_Integer next)
{
	uint32_t *a, *tmp;
	struct skey *k = skey_alloc(L, n, &a, &tmp);
	lua_Integer to = 0;

	for (uint32_t i = 0; i < n; i++) {
		lua_rawgeti(L, raw, (lua_Integer)i + 1);
		skey_read(L, -1, &k[i]);
		lua_pop(L, 1);
	}
	a = skey_sort(L, k, a, tmp, n);
	lua_createtable(L, (int)n, 0);
	for (uint32_t i = 0; i < n && k[a[i]].kind == SKEY_NUM; i++)
		if (k[a[i]].integer && k[a[i]].i == next) {
			next++;
			k[a[i]].kind = SKEY_SEQ;
			lua_rawgeti(L, raw, (lua_Integer)a[i] + 1);
			lua_rawseti(L, -2, ++to);
		}
	for (uint32_t i = 0; i < n; i++)
		if (k[a[i]].kind != SKEY_SEQ) {
			lua_rawgeti(L, raw, (lua_Integer)a[i] + 1);
			lua_rawseti(L, -2, ++to);
		}
	lua_remove(L, -2);
}

/* Table at 1; key and value of the step that left the sequence at 2 and 3. */
static void collect(lua_State *L, lua_Integer next)
{
	uint32_t n = 0;

	lua_newtable(L);
	lua_insert(L, 2);
	do {
		if (n == INT_MAX)
			luaL_error(L, "too many keys to sort");
		vm_spend(L, 4);
		lua_pop(L, 1);
		lua_pushvalue(L, 3);
		lua_rawseti(L, 2, ++n);
	} while (lua_next(L, 1));
	sort_keys(L, 2, n, next);
	lua_replace(L, lua_upvalueindex(KEYS));
	lua_pushinteger(L, 0);
	lua_replace(L, lua_upvalueindex(POS));
}

static int step_sorted(lua_State *L)
{
	lua_Integer pos = lua_tointeger(L, lua_upvalueindex(POS));

	for (;;) {
		lua_settop(L, 1);
		if (lua_rawgeti(L, lua_upvalueindex(KEYS), ++pos) == LUA_TNIL)
			return 1;
		lua_pushvalue(L, 2);
		if (lua_rawget(L, 1) != LUA_TNIL) /* cleared on the way */
			break;
		vm_spend(L, 2);
	}
	lua_pushinteger(L, pos);
	lua_replace(L, lua_upvalueindex(POS));
	return 2;
}

static int step(lua_State *L)
{
	lua_Integer at;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 2);
	vm_spend(L, 2);
	if (lua_isnil(L, 2)) {
		lua_pushnil(L);
		lua_replace(L, lua_upvalueindex(KEYS));
	} else if (!lua_isnil(L, lua_upvalueindex(KEYS))) {
		return step_sorted(L);
	}
	at = lua_tointeger(L, 2);
	/* A step may search through millions of empty slots, but all steps of one walk together search them
	 * once. */
	if (!at || at != lua_tointeger(L, lua_upvalueindex(POS)))
		vm_look(L, vm_get(L));
	if (!lua_next(L, 1)) {
		lua_pushnil(L);
		return 1;
	}
	if (lua_isinteger(L, 2) && lua_tointeger(L, 2) == at + 1) {
		lua_pushvalue(L, 2);
		lua_replace(L, lua_upvalueindex(POS));
		return 2;
	}
	collect(L, at + 1);
	return step_sorted(L);
}

static int has_pairs(lua_State *L, int status, lua_KContext ctx)
{
	(void)L;
	(void)status;
	(void)ctx;
	return 3;
}

int lib_pairs(lua_State *L)
{
	luaL_checkany(L, 1);
	vm_spend(L, 5);
	if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
		lua_pushvalue(L, 1);
		lua_callk(L, 1, 3, 0, has_pairs);
		return 3;
	}
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_pushnil(L);
	lua_pushinteger(L, 0);
	lua_pushcclosure(L, step, 2);
	lua_pushvalue(L, 1);
	lua_pushnil(L);
	return 3;
}

void vm_push_pairs(lua_State *L)
{
	lua_pushcfunction(L, lib_pairs);
}
