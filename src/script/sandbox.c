// SPDX-License-Identifier: GPL-2.0-or-later
/* What a pack finds in its globals. The sandbox is an allow-list: a new release of Lua can not add a hole. */
#include "base/clock.h"
#include "script/vm_int.h"

enum { DATE_MAX = 250 };

/* Standard functions without a loop that somebody else's data could make long. */
static const char *const base_names[] = { "assert", "error", "getmetatable", "ipairs", "rawequal", "rawget",
	"rawlen", "rawset", "select", "type", NULL };
static const char *const math_names[] = { "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor",
	"fmod", "huge", "log", "maxinteger", "mininteger", "modf", "pi", "rad", "random", "randomseed", "sin",
	"sqrt", "tan", "tointeger", "type", "ult", NULL };
static const char *const os_names[] = { "clock", "difftime", NULL };

/* Copies the named fields of the table at from to the one at the top. */
static void allow(lua_State *L, int from, const char *const *names)
{
	for (; *names; names++) {
		lua_getfield(L, from, *names);
		lua_setfield(L, -2, *names);
	}
}

static int extreme(lua_State *L, int op)
{
	int n = lua_gettop(L), best = 1;

	luaL_checknumber(L, 1);
	for (int i = 2; i <= n; i++) {
		vm_spend(L, 1 + (lua_type(L, i) == LUA_TSTRING ? lua_rawlen(L, i) / 8 : 0));
		luaL_checknumber(L, i);
		if (op < 0 ? lua_compare(L, i, best, LUA_OPLT) : lua_compare(L, best, i, LUA_OPLT))
			best = i;
	}
	lua_pushvalue(L, best);
	return 1;
}

static int math_max(lua_State *L)
{
	return extreme(L, 1);
}

static int math_min(lua_State *L)
{
	return extreme(L, -1);
}

/* The clock that timers run by, too: the library's own has no other. */
static int os_time(lua_State *L)
{
	lua_settop(L, 1);
	if (lua_isnil(L, 1)) {
		lua_pushinteger(L, (lua_Integer)wall_s());
		return 1;
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

static int os_date(lua_State *L)
{
	size_t n;

	lua_settop(L, 2);
	if (lua_isnil(L, 1)) {
		lua_pushliteral(L, "%c");
		lua_replace(L, 1);
	}
	if (lua_isnil(L, 2)) {
		lua_pushinteger(L, (lua_Integer)wall_s());
		lua_replace(L, 2);
	}
	luaL_checklstring(L, 1, &n);
	luaL_argcheck(L, n <= DATE_MAX, 1, "format too long");
	vm_spend(L, 50 + 20 * n);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 2, 1);
	return 1;
}

/* A table with weak keys alone (an ephemeron table) costs the collector quadratic time in one step that
 * nothing can stop: 40,000 entries held the loop for 7 s. A pack can put "__mode" into a metatable at any
 * time, so setmetatable can not refuse it. Instead the name that the collector looks for, which is this very
 * string, stops being one that a pack can write. */
static void no_weak_tables(lua_State *L)
{
	char *name;

	lua_pushliteral(L, "__mode");
	name = (char *)(uintptr_t)lua_tostring(L, -1);
	*name = '\1';
	lua_pop(L, 1);
}

static void open_sandbox(lua_State *L)
{
	int env, lib;

	no_weak_tables(L);
	lua_newtable(L);
	env = lua_gettop(L);

	lua_pushcfunction(L, luaopen_base); /* fills the old globals, which are dropped below */
	lua_call(L, 0, 1);
	lib = lua_gettop(L);
	lua_pushvalue(L, env);
	allow(L, lib, base_names);
	lua_settop(L, env);

	lua_pushcfunction(L, luaopen_math);
	lua_call(L, 0, 1);
	if (clock_frozen_ns) { /* a replay: the same numbers each time */
		lua_getfield(L, -1, "randomseed");
		lua_pushinteger(L, 1);
		lua_call(L, 1, 0);
	}
	lua_newtable(L);
	allow(L, lib, math_names);
	lua_pushcfunction(L, math_max);
	lua_setfield(L, -2, "max");
	lua_pushcfunction(L, math_min);
	lua_setfield(L, -2, "min");
	lua_setfield(L, env, "math");
	lua_settop(L, env);

	lua_pushcfunction(L, luaopen_os);
	lua_call(L, 0, 1);
	lua_newtable(L);
	allow(L, lib, os_names);
	lua_getfield(L, lib, "time");
	lua_pushcclosure(L, os_time, 1);
	lua_setfield(L, -2, "time");
	lua_getfield(L, lib, "date");
	lua_pushcclosure(L, os_date, 1);
	lua_setfield(L, -2, "date");
	lua_setfield(L, env, "os");
	lua_settop(L, env);

	lib_string(L);
	lua_setfield(L, env, "string");
	lib_table(L);
	lua_setfield(L, env, "table");
	lib_utf8(L);
	lua_setfield(L, env, "utf8");
	lib_coroutine(L);
	lua_setfield(L, env, "coroutine");
	lib_base(L);
	lua_pushvalue(L, env);
	lua_setfield(L, env, "_G");
	lua_pushliteral(L, LUA_VERSION);
	lua_setfield(L, env, "_VERSION");
	lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

/* The whole of Lua, but with sorted pairs and with calls that can not swallow the end of a budget. */
static void open_trusted(lua_State *L)
{
	luaL_openlibs(L);
	lua_pushglobaltable(L);
	lib_base(L);
	lib_coroutine(L);
	lua_pushvalue(L, -1);
	lua_setfield(L, -3, "coroutine");
	luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_insert(L, -2);
	lua_setfield(L, -2, "coroutine");
}

int vm_open(lua_State *L)
{
	lua_settop(L, 0);
	if (vm_get(L)->trusted)
		open_trusted(L);
	else
		open_sandbox(L);
	lua_settop(L, 0);
	lua_gc(L, LUA_GCCOLLECT);
	return 0;
}
