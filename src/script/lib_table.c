// SPDX-License-Identifier: GPL-2.0-or-later
/* table.*: every loop is charged, since a table's length is whatever it claims. */
#include <limits.h>

#include "script/vm_int.h"

enum { READ = 1, WRITE = 2, LENGTH = 4 };

static void need(lua_State *L, int arg, const char *field)
{
	if (luaL_getmetafield(L, arg, field) == LUA_TNIL)
		luaL_checktype(L, arg, LUA_TTABLE);
	lua_pop(L, 1);
}

/* A table, or something that behaves like one as far as it is used. */
static void check_table(lua_State *L, int arg, int use)
{
	if (lua_type(L, arg) == LUA_TTABLE)
		return;
	if (use & READ)
		need(L, arg, "__index");
	if (use & WRITE)
		need(L, arg, "__newindex");
	if (use & LENGTH)
		need(L, arg, "__len");
}

static lua_Integer check_length(lua_State *L, int arg, int use)
{
	check_table(L, arg, use | LENGTH);
	return luaL_len(L, arg);
}

static int table_insert(lua_State *L)
{
	lua_Integer end = (lua_Integer)((lua_Unsigned)check_length(L, 1, READ | WRITE) + 1), pos;

	vm_spend(L, 2);
	switch (lua_gettop(L)) {
	case 2: lua_seti(L, 1, end); return 0;
	case 3: break;
	default: return luaL_error(L, "wrong number of arguments to 'insert'");
	}
	pos = luaL_checkinteger(L, 2);
	luaL_argcheck(L, (lua_Unsigned)pos - 1u < (lua_Unsigned)end, 2, "position out of bounds");
	for (lua_Integer i = end; i > pos; i--) {
		vm_spend(L, 4);
		lua_geti(L, 1, i - 1);
		lua_seti(L, 1, i);
	}
	lua_seti(L, 1, pos);
	return 0;
}

static int table_remove(lua_State *L)
{
	lua_Integer n = check_length(L, 1, READ | WRITE), pos = luaL_optinteger(L, 2, n);

	vm_spend(L, 2);
	if (!lua_isnone(L, 2))
		luaL_argcheck(L, pos == n || (lua_Unsigned)pos - 1u <= (lua_Unsigned)n, 2,
			"position out of bounds");
	lua_geti(L, 1, pos);
	for (; pos < n; pos++) {
		vm_spend(L, 4);
		lua_geti(L, 1, pos + 1);
		lua_seti(L, 1, pos);
	}
	lua_pushnil(L);
	lua_seti(L, 1, pos);
	return 1;
}

static int table_move(lua_State *L)
{
	lua_Integer f = luaL_checkinteger(L, 2), e = luaL_checkinteger(L, 3), t = luaL_checkinteger(L, 4), n;
	int to = lua_isnoneornil(L, 5) ? 1 : 5;

	check_table(L, 1, READ);
	check_table(L, to, WRITE);
	if (e >= f) {
		luaL_argcheck(L, f > 0 || e < LUA_MAXINTEGER + f, 3, "too many elements to move");
		n = e - f + 1;
		luaL_argcheck(L, t <= LUA_MAXINTEGER - n + 1, 4, "destination wrap around");
		/* Backwards when a forward copy would overwrite what it has yet to read. */
		bool back = t > f && t <= e && (to == 1 || lua_compare(L, 1, to, LUA_OPEQ));

		for (lua_Integer i = 0; i < n; i++) {
			lua_Integer at = back ? n - 1 - i : i;

			vm_spend(L, 4);
			lua_geti(L, 1, f + at);
			lua_seti(L, to, t + at);
		}
	}
	lua_pushvalue(L, to);
	return 1;
}

static int table_concat(lua_State *L)
{
	lua_Integer n = check_length(L, 1, READ), i = luaL_optinteger(L, 3, 1), j = luaL_optinteger(L, 4, n);
	size_t seplen;
	const char *sep = luaL_optlstring(L, 2, "", &seplen);
	struct sbuf b;

	sbuf_init(&b, L);
	for (; i <= j; i++) {
		vm_spend(L, 4 + seplen / 64);
		lua_geti(L, 1, i);
		if (!lua_isstring(L, -1))
			return luaL_error(L, "invalid value (%s) at index %I in table for 'concat'",
				luaL_typename(L, -1), (LUAI_UACINT)i);
		sbuf_value(&b, -1);
		lua_pop(L, 1);
		if (i == j) /* which may be the last integer there is */
			break;
		sbuf_put(&b, sep, seplen);
	}
	sbuf_push(&b);
	return 1;
}

static int table_pack(lua_State *L)
{
	int n = lua_gettop(L);

	vm_spend(L, (uint64_t)n);
	lua_createtable(L, n, 1);
	lua_insert(L, 1);
	for (int i = n; i >= 1; i--)
		lua_rawseti(L, 1, i);
	lua_pushinteger(L, n);
	lua_setfield(L, 1, "n");
	return 1;
}

static int table_unpack(lua_State *L)
{
	lua_Integer i = luaL_optinteger(L, 2, 1), e;
	lua_Unsigned n;

	e = luaL_opt(L, luaL_checkinteger, 3, luaL_len(L, 1));
	if (i > e)
		return 0;
	n = (lua_Unsigned)e - (lua_Unsigned)i;
	if (n >= VM_UNPACK_MAX || !lua_checkstack(L, (int)n + 1))
		return luaL_error(L, "too many results to unpack");
	vm_spend(L, n);
	for (lua_Unsigned k = 0; k <= n; k++)
		lua_geti(L, 1, (lua_Integer)((lua_Unsigned)i + k));
	return (int)n + 1;
}

/* Is the value at the top less than the one below it? */
static bool top_less(lua_State *L)
{
	bool r;

	vm_spend(L, 2);
	if (lua_isnil(L, 2))
		return lua_compare(L, -1, -2, LUA_OPLT);
	lua_pushvalue(L, 2);
	lua_pushvalue(L, -2);
	lua_pushvalue(L, -4);
	lua_call(L, 2, 1);
	r = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return r;
}

/* Merges from[lo, mid) and from[mid, end) into to[lo, end). An order that contradicts itself can not lead out
 * of these. */
static void merge(lua_State *L, int from, int to, lua_Integer lo, lua_Integer mid, lua_Integer end)
{
	lua_Integer i = lo, j = mid, o = lo;

	if (mid < end) {
		lua_rawgeti(L, from, i);
		lua_rawgeti(L, from, j);
		for (;;) {
			if (top_less(L)) {
				lua_rawseti(L, to, o++);
				if (++j == end) {
					lua_pop(L, 1);
					break;
				}
				lua_rawgeti(L, from, j);
			} else {
				lua_insert(L, -2);
				lua_rawseti(L, to, o++);
				if (++i == mid) {
					lua_pop(L, 1);
					break;
				}
				lua_rawgeti(L, from, i);
				lua_insert(L, -2);
			}
		}
	}
	for (; i < mid; i++) {
		lua_rawgeti(L, from, i);
		lua_rawseti(L, to, o++);
	}
	for (; j < end; j++) {
		lua_rawgeti(L, from, j);
		lua_rawseti(L, to, o++);
	}
	vm_spend(L, (uint64_t)(end - lo));
}

/* Lists of numbers or of strings alone are sorted outside of Lua. Returns where the sorted list is, 0: not
 * that kind. */
static int sort_plain(lua_State *L, int list, uint32_t n)
{
	int top = lua_gettop(L);
	uint32_t *a, *tmp;
	struct skey *k = skey_alloc(L, n, &a, &tmp);

	for (uint32_t i = 0; i < n; i++) {
		lua_rawgeti(L, list, (lua_Integer)i + 1);
		skey_read(L, -1, &k[i]);
		lua_pop(L, 1);
		if (k[i].kind != k[0].kind || (k[i].kind != SKEY_NUM && k[i].kind != SKEY_STR)) {
			lua_settop(L, top);
			return 0;
		}
	}
	a = skey_sort(L, k, a, tmp, n);
	lua_createtable(L, (int)n, 0);
	for (uint32_t i = 0; i < n; i++) {
		lua_rawgeti(L, list, (lua_Integer)a[i] + 1);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	vm_spend(L, n);
	return lua_gettop(L);
}

static int table_sort(lua_State *L)
{
	lua_Integer n = check_length(L, 1, READ | WRITE);
	int from = 3, to;

	vm_spend(L, 5);
	if (n < 2)
		return 0;
	luaL_argcheck(L, n < INT_MAX, 1, "array too big");
	if (!lua_isnoneornil(L, 2))
		luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_settop(L, 2);
	lua_newtable(L); /* not with n slots at once: n may be a lie */
	for (lua_Integer i = 1; i <= n; i++) {
		vm_spend(L, 3);
		lua_geti(L, 1, i);
		lua_rawseti(L, from, i);
	}
	to = lua_isnil(L, 2) ? sort_plain(L, from, (uint32_t)n) : 0;
	if (to) {
		from = to;
	} else {
		lua_newtable(L);
		to = lua_gettop(L);
		for (lua_Integer w = 1; w < n; w *= 2) {
			int swap = from;

			for (lua_Integer lo = 1; lo <= n; lo += 2 * w)
				merge(L, from, to, lo, lo + w <= n ? lo + w : n + 1,
					lo + 2 * w <= n ? lo + 2 * w : n + 1);
			from = to;
			to = swap;
		}
	}
	for (lua_Integer i = 1; i <= n; i++) {
		vm_spend(L, 3);
		lua_rawgeti(L, from, i);
		lua_seti(L, 1, i);
	}
	return 0;
}

void lib_table(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "concat", table_concat },
		{ "insert", table_insert },
		{ "move", table_move },
		{ "pack", table_pack },
		{ "remove", table_remove },
		{ "sort", table_sort },
		{ "unpack", table_unpack },
		{ NULL, NULL },
	};

	luaL_newlib(L, functions);
}
