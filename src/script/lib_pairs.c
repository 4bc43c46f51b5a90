// SPDX-License-Identifier: GPL-2.0-or-later
/* pairs() in a fixed order: 1, 2, 3 … as far as they go, other numbers ascending, strings bytewise, booleans,
 * the rest. A sequence is walked as it lies in the table; the first key that does not continue it makes what
 * is left be sorted. */
#include <limits.h>

#include "script/vm_int.h"

/* The iterator's upvalues. */
enum {
	KEYS = 1, /* sorted; nil while it walks a sequence */
	POS = 2,  /* how many are done, in either */
};
enum { FEW = 32 };

/* Pushes key i of those that were collected: on the stack from index 2 on, or in the list at index 2. */
static void push_key(lua_State *L, bool list, uint32_t i)
{
	if (list)
		lua_rawgeti(L, 2, (lua_Integer)i + 1);
	else
		lua_pushvalue(L, 2 + (int)i);
}

/* Pushes a list of the n collected keys in order. next: the one that would continue the sequence. */
static void push_sorted(lua_State *L, bool list, uint32_t n, lua_Integer next)
{
	struct skey few[FEW], *k = few;
	uint32_t few_a[FEW], few_tmp[FEW], *a = few_a, *tmp = few_tmp;
	lua_Integer to = 0;

	if (list)
		k = skey_alloc(L, n, &a, &tmp);
	for (uint32_t i = 0; i < n; i++) {
		push_key(L, list, i);
		skey_read(L, -1, &k[i]);
		lua_pop(L, 1);
		a[i] = i;
	}
	a = skey_sort(L, k, a, tmp, n);
	lua_createtable(L, (int)n, 0);
	for (uint32_t i = 0; i < n && k[a[i]].kind == SKEY_NUM; i++)
		if (k[a[i]].integer && k[a[i]].i == next) {
			next++;
			k[a[i]].kind = SKEY_SEQ;
			push_key(L, list, a[i]);
			lua_rawseti(L, -2, ++to);
		}
	for (uint32_t i = 0; i < n; i++)
		if (k[a[i]].kind != SKEY_SEQ) {
			push_key(L, list, a[i]);
			lua_rawseti(L, -2, ++to);
		}
}

/* Table at 1; key and value of the step that left the sequence at 2 and 3. Few keys are collected on the
 * stack, more in a list. */
static void collect(lua_State *L, lua_Integer next)
{
	uint32_t n = 0;
	bool list = false;

	luaL_checkstack(L, FEW + 4, NULL);
	do {
		vm_spend(L, 4);
		lua_pop(L, 1);
		lua_pushvalue(L, -1);
		if (++n == FEW && !list) {
			lua_createtable(L, 2 * FEW, 0);
			lua_insert(L, 2);
			lua_insert(L, 3); /* the key to go on from, below those that move */
			for (uint32_t i = n; i; i--)
				lua_rawseti(L, 2, i);
			list = true;
		} else if (list) {
			if (n == INT_MAX)
				luaL_error(L, "too many keys to sort");
			lua_rawseti(L, 2, n);
		}
	} while (lua_next(L, 1));
	push_sorted(L, list, n, next);
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
