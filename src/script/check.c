// SPDX-License-Identifier: GPL-2.0-or-later
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "script/check.h"
#include "script/internal.h"

const char *type_article(lua_State *L, int idx)
{
	switch (lua_type(L, idx)) {
	case LUA_TNONE: return "nothing";
	case LUA_TNIL: return "nil";
	case LUA_TBOOLEAN: return "a boolean";
	case LUA_TNUMBER: return lua_isinteger(L, idx) ? "an integer" : "a number";
	case LUA_TSTRING: return "a string";
	case LUA_TTABLE: return "a table";
	case LUA_TFUNCTION: return "a function";
	case LUA_TTHREAD: return "a coroutine";
	default: break;
	}
	/* ours all have a name; nobody else makes userdata in a sandbox */
	if (lua_getmetatable(L, idx)) {
		lua_pushliteral(L, "__name");
		lua_rawget(L, -2);
		const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "a userdata";

		lua_pop(L, 2); /* the metatable keeps the string */
		return name;
	}
	return "a userdata";
}

void check_arg_fail(lua_State *L, const char *fn, int idx, int first, const char *expected)
{
	luaL_error(L, "%s: argument %d: expected %s, got %s", fn, idx - first + 1, expected,
		type_article(L, idx));
	__builtin_unreachable();
}

void check_count(lua_State *L, const char *fn, int first, int min, int max)
{
	int n = lua_gettop(L) - first + 1;

	if (n < min)
		luaL_error(L, "%s: %d argument%s needed, got %d%s", fn, min, min == 1 ? "" : "s",
			n < 0 ? 0 : n, first == 2 && n < min ? " (call it with a colon?)" : "");
	if (n > max)
		luaL_error(L, "%s: at most %d argument%s, got %d", fn, max, max == 1 ? "" : "s", n);
}

const char *check_string(lua_State *L, const char *fn, int idx, int first, size_t *n)
{
	if (lua_type(L, idx) != LUA_TSTRING)
		check_arg_fail(L, fn, idx, first, "a string");
	return lua_tolstring(L, idx, n);
}

void check_table(lua_State *L, const char *fn, int idx, int first)
{
	if (lua_type(L, idx) != LUA_TTABLE && !state_plain(L, idx))
		check_arg_fail(L, fn, idx, first, "a table");
	if (lua_type(L, idx) != LUA_TTABLE || readonly_unwrap(L, idx))
		lua_replace(L, idx);
}

void check_function(lua_State *L, const char *fn, int idx, int first)
{
	if (lua_type(L, idx) != LUA_TFUNCTION)
		check_arg_fail(L, fn, idx, first, "a function");
}

void check_raise(lua_State *L, const char *fn, struct err *e)
{
	char text[2048]; /* on the stack: nothing may be owned by the heap when Lua jumps */

	snprintf(text, sizeof(text), "%s", err_text(e));
	err_free(e);
	if (fn)
		luaL_error(L, "%s: %s", fn, text);
	luaL_error(L, "%s", text);
	__builtin_unreachable();
}

int check_nil(lua_State *L, struct err *e)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s", err_text(e));
	err_free(e);
	lua_pushnil(L);
	lua_pushstring(L, text);
	return 2;
}

void check_fields(lua_State *L, const char *fn, int idx, const char *const *names)
{
	size_t n = 0;

	idx = lua_absindex(L, idx);
	while (names[n])
		n++;
	lua_pushnil(L);
	while (lua_next(L, idx)) {
		lua_pop(L, 1);
		if (lua_type(L, -1) != LUA_TSTRING) {
			if (lua_isinteger(L, -1))
				luaL_error(L, "%s: unknown field [%I]", fn, lua_tointeger(L, -1));
			luaL_error(L, "%s: a field's name must be a string, got %s", fn, type_article(L, -1));
		}
		const char *key = lua_tostring(L, -1);
		size_t i = 0;

		while (i < n && strcmp(names[i], key) != 0)
			i++;
		if (i == n) {
			const char *near = suggest_in(key, names, n);

			if (near)
				luaL_error(
					L, "%s: unknown field \"%s\"; did you mean \"%s\"?", fn, key, near);
			luaL_error(L, "%s: unknown field \"%s\"", fn, key);
		}
	}
}

bool field_string(lua_State *L, const char *fn, int idx, const char *name, char *out, size_t cap)
{
	size_t n;

	lua_getfield(L, idx, name);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return false;
	}
	if (lua_type(L, -1) != LUA_TSTRING)
		luaL_error(L, "%s: %s: expected a string, got %s", fn, name, type_article(L, -1));
	const char *s = lua_tolstring(L, -1, &n);

	if (!text_is_clean(s, n))
		luaL_error(L, "%s: %s: empty, or bytes that are no printable text", fn, name);
	if (n >= cap)
		luaL_error(L, "%s: %s: %d bytes are too many (at most %d)", fn, name, (int)n, (int)cap - 1);
	memcpy(out, s, n + 1);
	lua_pop(L, 1);
	return true;
}

bool field_int(lua_State *L, const char *fn, int idx, const char *name, int64_t lo, int64_t hi, int64_t *out)
{
	int whole;

	lua_getfield(L, idx, name);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return false;
	}
	if (lua_type(L, -1) != LUA_TNUMBER)
		luaL_error(L, "%s: %s: expected a number, got %s", fn, name, type_article(L, -1));
	lua_Integer i = lua_tointegerx(L, -1, &whole);

	if (!whole)
		luaL_error(L, "%s: %s: expected a whole number, got %f", fn, name, lua_tonumber(L, -1));
	if (i < lo || i > hi)
		luaL_error(L, "%s: %s: %I is out of range (%I to %I)", fn, name, i, (lua_Integer)lo,
			(lua_Integer)hi);
	*out = i;
	lua_pop(L, 1);
	return true;
}

bool field_bool(lua_State *L, const char *fn, int idx, const char *name, bool *out)
{
	lua_getfield(L, idx, name);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return false;
	}
	if (lua_type(L, -1) != LUA_TBOOLEAN)
		luaL_error(L, "%s: %s: expected a boolean, got %s", fn, name, type_article(L, -1));
	*out = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return true;
}
