// SPDX-License-Identifier: GPL-2.0-or-later
/* Base functions of packs. Protected calls here go on raising when the entry is dead. */
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "script/vm_int.h"

enum { PRINT_MAX = 2000, PRINT_LINES = 100, PRINT_UNITS = 2000, CHUNKNAME_MAX = 200 };

/* Results of a protected call: everything above `below`, with `true` already in front of it when all went
 * well. */
static int call_done(lua_State *L, int status, lua_KContext below)
{
	vm_dead_check(L, status);
	if (status == LUA_OK || status == LUA_YIELD)
		return lua_gettop(L) - (int)below;
	lua_pushboolean(L, 0);
	lua_insert(L, -2);
	return 2;
}

static int base_pcall(lua_State *L)
{
	vm_spend(L, 2);
	luaL_checkany(L, 1);
	lua_pushboolean(L, 1);
	lua_insert(L, 1);
	return call_done(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, call_done), 0);
}

/* The pack's handler never sees the end of a budget: hooks are off while a hook's error is handled. */
static int xpcall_handler(lua_State *L)
{
	if (vm_get(L)->dead)
		return 1;
	lua_settop(L, 1);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, 1, 1);
	return 1;
}

static int base_xpcall(lua_State *L)
{
	int n = lua_gettop(L);

	vm_spend(L, 2);
	luaL_checktype(L, 2, LUA_TFUNCTION);
	lua_pushvalue(L, 2);
	lua_pushcclosure(L, xpcall_handler, 1);
	lua_replace(L, 2);
	lua_pushboolean(L, 1);
	lua_pushvalue(L, 1);
	lua_rotate(L, 3, 2);
	return call_done(L, lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, call_done), 2);
}

static int base_setmetatable(lua_State *L)
{
	int t = lua_type(L, 2);

	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_argexpected(L, t == LUA_TNIL || t == LUA_TTABLE, 2, "nil or table");
	if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
		return luaL_error(L, "cannot change a protected metatable");
	if (t == LUA_TTABLE) {
		lua_pushliteral(L, "__gc");
		if (lua_rawget(L, 2) != LUA_TNIL)
			return luaL_error(L, "a pack can not have '__gc' finalizers");
		lua_pop(L, 1);
	}
	lua_settop(L, 2);
	lua_setmetatable(L, 1);
	return 1;
}

static int base_next(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 2);
	/* One step may search through millions of empty slots, and nothing tells how many. */
	vm_look(L, vm_get(L));
	if (lua_next(L, 1))
		return 2;
	lua_pushnil(L);
	return 1;
}

static int digit_value(unsigned char c)
{
	return isdigit(c) ? c - '0' : isalpha(c) ? toupper(c) - 'A' + 10 : 99;
}

static bool parse_base(const char *s, size_t n, int base, lua_Integer *out)
{
	const char *end = s + n;
	lua_Unsigned v = 0;
	bool neg = false;

	while (s < end && isspace((unsigned char)*s))
		s++;
	if (s < end && (*s == '-' || *s == '+'))
		neg = *s++ == '-';
	if (s == end || digit_value((unsigned char)*s) >= base)
		return false;
	for (; s < end && digit_value((unsigned char)*s) < base; s++)
		v = v * (lua_Unsigned)base + (lua_Unsigned)digit_value((unsigned char)*s);
	while (s < end && isspace((unsigned char)*s))
		s++;
	*out = (lua_Integer)(neg ? 0 - v : v);
	return s == end;
}

static int base_tonumber(lua_State *L)
{
	size_t n;
	const char *s;
	lua_Integer base, v;

	if (lua_isnoneornil(L, 2)) {
		if (lua_type(L, 1) == LUA_TNUMBER) {
			lua_settop(L, 1);
			return 1;
		}
		luaL_checkany(L, 1);
		if (lua_type(L, 1) == LUA_TSTRING) {
			s = lua_tolstring(L, 1, &n);
			vm_spend(L, n / 4);
			if (lua_stringtonumber(L, s) == n + 1)
				return 1;
		}
		lua_pushnil(L);
		return 1;
	}
	base = luaL_checkinteger(L, 2);
	luaL_checktype(L, 1, LUA_TSTRING);
	luaL_argcheck(L, base >= 2 && base <= 36, 2, "base out of range");
	s = lua_tolstring(L, 1, &n);
	vm_spend(L, n / 4);
	if (parse_base(s, n, (int)base, &v))
		lua_pushinteger(L, v);
	else
		lua_pushnil(L);
	return 1;
}

const void *vm_address(lua_State *L, int idx)
{
	const void *p = lua_topointer(L, idx);

	if (!p)
		return NULL;
	return (const void *)(uintptr_t)(((uintptr_t)p ^ vm_get(L)->secret) * 0x9e3779b97f4a7c15u);
}

const char *vm_tolstring(lua_State *L, int idx, size_t *n)
{
	const char *kind;
	int named;

	idx = lua_absindex(L, idx);
	if (vm_get(L)->trusted || (lua_type(L, idx) <= LUA_TSTRING && lua_type(L, idx) != LUA_TLIGHTUSERDATA))
		return luaL_tolstring(L, idx, n);
	if (luaL_callmeta(L, idx, "__tostring")) {
		if (!lua_isstring(L, -1))
			luaL_error(L, "'__tostring' must return a string");
		return lua_tolstring(L, -1, n);
	}
	named = luaL_getmetafield(L, idx, "__name");
	kind = named == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, idx);
	lua_pushfstring(L, "%s: %p", kind, vm_address(L, idx));
	if (named != LUA_TNIL)
		lua_remove(L, -2);
	return lua_tolstring(L, -1, n);
}

static int base_tostring(lua_State *L)
{
	luaL_checkany(L, 1);
	vm_tolstring(L, 1, NULL);
	return 1;
}

static int base_print(lua_State *L)
{
	struct vm *vm = vm_get(L);
	int n = lua_gettop(L);
	char line[PRINT_MAX + 4];
	size_t at = 0;

	vm_spend(L, PRINT_UNITS);
	if (vm->printed > PRINT_LINES)
		return 0;
	if (vm->printed++ == PRINT_LINES) {
		log_warn("lua", "%s: prints too much, the rest of this run is not shown", vm->name);
		return 0;
	}
	for (int i = 1; i <= n && at < PRINT_MAX; i++) {
		size_t len;
		const char *s = vm_tolstring(L, i, &len);

		if (i > 1)
			line[at++] = '\t';
		if (len > PRINT_MAX - at)
			len = PRINT_MAX - at;
		memcpy(line + at, s, len);
		at += len;
		lua_pop(L, 1);
		vm_spend(L, 10);
	}
	if (vm->print_to)
		buf_printf(vm->print_to, "%.*s%s\n", (int)at, line, at == PRINT_MAX ? "..." : "");
	else
		log_info("lua", "%s: %.*s%s", vm->name, (int)at, line, at == PRINT_MAX ? "..." : "");
	return 0;
}

/* load(): the text, at index 1 or in pieces from a function there, is put together first and then compiled.
 */
static const char *load_text(lua_State *L, size_t *n)
{
	struct sbuf b;

	if (lua_type(L, 1) == LUA_TSTRING)
		return lua_tolstring(L, 1, n);
	luaL_checktype(L, 1, LUA_TFUNCTION);
	sbuf_init(&b, L);
	for (;;) {
		vm_spend(L, 5);
		lua_pushvalue(L, 1);
		lua_call(L, 0, 1);
		if (lua_isnil(L, -1) || (lua_type(L, -1) == LUA_TSTRING && !lua_rawlen(L, -1)))
			break;
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_error(L, "reader function must return a string");
		sbuf_value(&b, -1);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	sbuf_push(&b);
	return lua_tolstring(L, -1, n);
}

static int load_pieces(lua_State *L)
{
	size_t n;

	load_text(L, &n);
	return 1;
}

static int base_load(lua_State *L)
{
	const char *mode = luaL_optstring(L, 3, "bt"), *name, *text;
	bool env = lua_gettop(L) >= 4;
	int status = LUA_OK;
	size_t n = lua_rawlen(L, 1);

	lua_settop(L, 4);
	if (lua_type(L, 1) != LUA_TSTRING) {
		/* What the reader raises is a result of load, as what the compiler says is. */
		luaL_checktype(L, 1, LUA_TFUNCTION);
		name = luaL_optstring(L, 2, "=(load)");
		lua_pushcfunction(L, load_pieces);
		lua_pushvalue(L, 1);
		status = lua_pcall(L, 1, 1, 0);
		vm_dead_check(L, status);
	} else {
		name = lua_isnil(L, 2)
			       ? lua_pushlstring(L, lua_tostring(L, 1), n < CHUNKNAME_MAX ? n : CHUNKNAME_MAX)
			       : luaL_checkstring(L, 2);
		lua_pushvalue(L, 1);
	}
	if (status == LUA_OK && !strchr(mode, 't')) {
		lua_pushfstring(L, "attempt to load a text chunk (mode is '%s')", mode);
		status = LUA_ERRSYNTAX;
	}
	if (status == LUA_OK) {
		text = lua_tolstring(L, -1, &n);
		if (*name == '@') /* what is compiled at run time is no file, whatever it calls itself */
			name = lua_pushfstring(L, "=%s", name + 1);
		status = vm_compile(L, text, n, name);
	}
	if (status != LUA_OK) {
		lua_pushnil(L);
		lua_insert(L, -2);
		return 2;
	}
	if (env) {
		lua_pushvalue(L, 4);
		if (!lua_setupvalue(L, -2, 1))
			lua_pop(L, 1);
	}
	return 1;
}

void lib_base(lua_State *L)
{
	static const luaL_Reg always[] = {
		{ "pcall", base_pcall },
		{ "xpcall", base_xpcall },
		{ "pairs", lib_pairs },
		{ "print", base_print },
		{ NULL, NULL },
	};
	static const luaL_Reg sandboxed[] = {
		{ "load", base_load },
		{ "next", base_next },
		{ "setmetatable", base_setmetatable },
		{ "tonumber", base_tonumber },
		{ "tostring", base_tostring },
		{ NULL, NULL },
	};

	luaL_setfuncs(L, always, 0);
	if (!vm_get(L)->trusted)
		luaL_setfuncs(L, sandboxed, 0);
}
