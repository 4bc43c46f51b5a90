// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "script/vm_int.h"

enum {
	PACK_FORMAT_MAX = 1024,     /* bytes of a pack format */
	PACK_NUMBERS_MAX = 1 << 20, /* sum of the sizes named in one */
};

/* The slice [i, j] of n bytes as Lua counts: *from is an offset, the result its length. */
static size_t slice(lua_Integer i, lua_Integer j, size_t n, size_t *from)
{
	if (i < 0)
		i = (lua_Unsigned)0 - (lua_Unsigned)i > n ? 1 : (lua_Integer)n + i + 1;
	else if (i == 0)
		i = 1;
	if (j < 0)
		j = (lua_Unsigned)0 - (lua_Unsigned)j > n ? 0 : (lua_Integer)n + j + 1;
	else if ((lua_Unsigned)j > n)
		j = (lua_Integer)n;
	*from = (size_t)i - 1;
	return i > j ? 0 : (size_t)(j - i) + 1;
}

static int string_len(lua_State *L)
{
	size_t n;

	luaL_checklstring(L, 1, &n);
	lua_pushinteger(L, (lua_Integer)n);
	return 1;
}

static int string_sub(lua_State *L)
{
	size_t n, from;
	const char *s = luaL_checklstring(L, 1, &n);

	n = slice(luaL_checkinteger(L, 2), luaL_optinteger(L, 3, -1), n, &from);
	vm_spend(L, 1 + n / 64);
	lua_pushlstring(L, n ? s + from : "", n);
	return 1;
}

static int string_byte(lua_State *L)
{
	size_t n, from;
	const char *s = luaL_checklstring(L, 1, &n);
	lua_Integer i = luaL_optinteger(L, 2, 1);

	n = slice(i, luaL_optinteger(L, 3, i), n, &from);
	if (n > VM_UNPACK_MAX || !lua_checkstack(L, (int)n))
		return luaL_error(L, "string slice too long");
	vm_spend(L, 1 + n);
	for (size_t k = 0; k < n; k++)
		lua_pushinteger(L, (unsigned char)s[from + k]);
	return (int)n;
}

static int string_char(lua_State *L)
{
	int n = lua_gettop(L);
	struct sbuf b;

	sbuf_init(&b, L);
	for (int i = 1; i <= n; i++) {
		lua_Unsigned c;

		vm_spend(L, 2 + (lua_type(L, i) == LUA_TSTRING ? lua_rawlen(L, i) / 4 : 0));
		c = (lua_Unsigned)luaL_checkinteger(L, i);
		luaL_argcheck(L, c <= 255, i, "value out of range");
		sbuf_putc(&b, (char)c);
	}
	sbuf_push(&b);
	return 1;
}

static int each_byte(lua_State *L, int (*fn)(int))
{
	size_t n;
	const char *s = luaL_checklstring(L, 1, &n);
	struct sbuf b;
	char *to;

	vm_spend(L, 1 + n / 4);
	sbuf_init(&b, L);
	to = sbuf_room(&b, n);
	for (size_t i = 0; i < n; i++)
		to[i] = fn ? (char)fn((unsigned char)s[i]) : s[n - 1 - i];
	b.n = n;
	sbuf_push(&b);
	return 1;
}

static int string_upper(lua_State *L)
{
	return each_byte(L, toupper);
}

static int string_lower(lua_State *L)
{
	return each_byte(L, tolower);
}

static int string_reverse(lua_State *L)
{
	return each_byte(L, NULL);
}

static int string_rep(lua_State *L)
{
	size_t n, nsep, unit, total, max = vm_get(L)->string_max - VM_STRING_HEAD;
	const char *s = luaL_checklstring(L, 1, &n), *sep;
	lua_Integer times = luaL_checkinteger(L, 2);
	struct sbuf b;
	char *to;

	sep = luaL_optlstring(L, 3, "", &nsep);
	vm_spend(L, 1);
	if (times <= 0 || !(n + nsep)) {
		lua_pushliteral(L, "");
		return 1;
	}
	unit = n + nsep;
	if (unit > max || (lua_Unsigned)times > max / unit)
		return luaL_error(L, "resulting string too large");
	total = unit * (size_t)times;
	vm_spend(L, total / 64);
	sbuf_init(&b, L);
	to = sbuf_room(&b, total);
	memcpy(to, s, n);
	memcpy(to + n, sep, nsep);
	for (size_t have = unit; have < total; have *= 2)
		memcpy(to + have, to, have < total - have ? have : total - have);
	b.n = total - nsep;
	sbuf_push(&b);
	return 1;
}

/* What a pack format makes of lengths must not depend on how large a number is written in it. */
static void check_pack_format(lua_State *L, int arg)
{
	size_t n, sum = 0, v = 0;
	const char *f = luaL_checklstring(L, arg, &n);

	luaL_argcheck(L, n <= PACK_FORMAT_MAX, arg, "format too long");
	for (size_t i = 0; i < n; i++) {
		v = isdigit((unsigned char)f[i]) ? v * 10 + (size_t)(f[i] - '0') : 0;
		if (!v)
			continue;
		sum += v;
		if (v > PACK_NUMBERS_MAX || sum > PACK_NUMBERS_MAX)
			luaL_argerror(L, arg, "format asks for too much");
	}
	vm_spend(L, 5 + 4 * n + sum / 16);
}

/* Upvalue: the standard function. */
static int packing(lua_State *L)
{
	int n = lua_gettop(L);
	uint64_t units = 0;

	check_pack_format(L, 1);
	for (int i = 2; i <= n; i++)
		units += lua_type(L, i) == LUA_TSTRING ? lua_rawlen(L, i) / 8 : 1;
	vm_spend(L, units);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, n, LUA_MULTRET);
	return lua_gettop(L);
}

/* Operands of an arithmetic operator, at least one of which is a string. */
static bool to_number(lua_State *L, int arg)
{
	size_t n;
	const char *s;

	if (lua_type(L, arg) == LUA_TNUMBER) {
		lua_pushvalue(L, arg);
		return true;
	}
	s = lua_tolstring(L, arg, &n);
	if (!s)
		return false;
	vm_spend(L, 2 + n / 4);
	return lua_stringtonumber(L, s) == n + 1;
}

static int arithmetic(lua_State *L, int op, const char *event)
{
	lua_settop(L, 2);
	if (to_number(L, 1) && to_number(L, 2)) {
		lua_arith(L, op);
		return 1;
	}
	lua_settop(L, 2);
	if (lua_type(L, 2) == LUA_TSTRING || !luaL_getmetafield(L, 2, event))
		return luaL_error(L, "attempt to perform arithmetic on a %s value",
			luaL_typename(L, lua_isstring(L, 1) ? 2 : 1));
	lua_insert(L, 1);
	lua_call(L, 2, 1);
	return 1;
}

static int string_add(lua_State *L)
{
	return arithmetic(L, LUA_OPADD, "__add");
}

static int string_minus(lua_State *L)
{
	return arithmetic(L, LUA_OPSUB, "__sub");
}

static int string_mul(lua_State *L)
{
	return arithmetic(L, LUA_OPMUL, "__mul");
}

static int string_mod(lua_State *L)
{
	return arithmetic(L, LUA_OPMOD, "__mod");
}

static int string_pow(lua_State *L)
{
	return arithmetic(L, LUA_OPPOW, "__pow");
}

static int string_div(lua_State *L)
{
	return arithmetic(L, LUA_OPDIV, "__div");
}

static int string_idiv(lua_State *L)
{
	return arithmetic(L, LUA_OPIDIV, "__idiv");
}

static int string_unm(lua_State *L)
{
	lua_settop(L, 1);
	if (!to_number(L, 1))
		return luaL_error(L, "attempt to perform arithmetic on a string value");
	lua_arith(L, LUA_OPUNM);
	return 1;
}

void lib_string(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "byte", string_byte },
		{ "char", string_char },
		{ "format", lib_format },
		{ "len", string_len },
		{ "lower", string_lower },
		{ "rep", string_rep },
		{ "reverse", string_reverse },
		{ "sub", string_sub },
		{ "upper", string_upper },
		{ NULL, NULL },
	};
	static const luaL_Reg operators[] = {
		{ "__add", string_add },
		{ "__div", string_div },
		{ "__idiv", string_idiv },
		{ "__mod", string_mod },
		{ "__mul", string_mul },
		{ "__pow", string_pow },
		{ "__sub", string_minus },
		{ "__unm", string_unm },
		{ NULL, NULL },
	};
	static const char *const packers[] = { "pack", "packsize", "unpack", NULL };
	int lib, standard;

	lua_pushcfunction(L, luaopen_string);
	lua_call(L, 0, 1);
	standard = lua_gettop(L);
	luaL_newlib(L, functions);
	lib = lua_gettop(L);
	luaL_setfuncs(L, lib_pattern, 0);
	for (int i = 0; packers[i]; i++) {
		lua_getfield(L, standard, packers[i]);
		lua_pushcclosure(L, packing, 1);
		lua_setfield(L, lib, packers[i]);
	}
	/* All strings of the state share this metatable, so it has nothing that a pack could change. */
	lua_pushliteral(L, "");
	luaL_newlib(L, operators);
	lua_pushvalue(L, lib);
	lua_setfield(L, -2, "__index");
	lua_pushboolean(L, 0);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_pop(L, 1);
	lua_remove(L, standard);
}
