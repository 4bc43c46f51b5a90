// SPDX-License-Identifier: GPL-2.0-or-later
#include "script/vm_int.h"

enum { UNICODE_MAX = 0x10ffff };
#define VALUE_MAX 0x7fffffffu

static bool is_cont(const char *s, size_t at, size_t n)
{
	return at < n && ((unsigned char)s[at] & 0xc0) == 0x80;
}

/* Length of the sequence at s and its value; 0 when it is none. lax: values beyond Unicode, and surrogates.
 */
static unsigned decode(const char *s, size_t n, bool lax, uint32_t *value)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000 };
	unsigned c, len;
	uint32_t v;

	if (!n)
		return 0;
	c = (unsigned char)*s;
	if (c < 0x80) {
		*value = c;
		return 1;
	}
	if (c < 0xc0 || c >= 0xfe)
		return 0;
	len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : c < 0xfc ? 5 : 6;
	v = c & (0x7fu >> len);
	for (unsigned i = 1; i < len; i++) {
		if (!is_cont(s, i, n))
			return 0;
		v = v << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (v < least[len] || (!lax && (v > UNICODE_MAX || (v >= 0xd800 && v <= 0xdfff))))
		return 0;
	*value = v;
	return len;
}

static unsigned encode(uint32_t v, char out[6])
{
	unsigned len = v < 0x80        ? 1
		       : v < 0x800     ? 2
		       : v < 0x10000   ? 3
		       : v < 0x200000  ? 4
		       : v < 0x4000000 ? 5
				       : 6;

	if (len == 1) {
		out[0] = (char)v;
		return 1;
	}
	for (unsigned i = len - 1; i; i--, v >>= 6)
		out[i] = (char)(0x80 | (v & 0x3f));
	out[0] = (char)((0xff00u >> len) | v);
	return len;
}

/* A position counted from the start, or from the end when negative; 0 when before the start. */
static lua_Integer position(lua_Integer i, size_t n)
{
	if (i >= 0)
		return i;
	return (lua_Unsigned)0 - (lua_Unsigned)i > n ? 0 : (lua_Integer)n + i + 1;
}

static int utf8_len(lua_State *L)
{
	size_t n;
	const char *s = luaL_checklstring(L, 1, &n);
	lua_Integer i = position(luaL_optinteger(L, 2, 1), n), j = position(luaL_optinteger(L, 3, -1), n),
		    count = 0;
	bool lax = lua_toboolean(L, 4);

	luaL_argcheck(L, i >= 1 && i - 1 <= (lua_Integer)n, 2, "initial position out of bounds");
	luaL_argcheck(L, j <= (lua_Integer)n, 3, "final position out of bounds");
	for (i--; i < j; count++) {
		uint32_t v;
		unsigned len = decode(s + i, n - (size_t)i, lax, &v);

		if (!(count & 63))
			vm_spend(L, 32);
		if (!len) {
			lua_pushnil(L);
			lua_pushinteger(L, i + 1);
			return 2;
		}
		i += len;
	}
	lua_pushinteger(L, count);
	return 1;
}

static int utf8_codepoint(lua_State *L)
{
	size_t n;
	const char *s = luaL_checklstring(L, 1, &n);
	lua_Integer i = position(luaL_optinteger(L, 2, 1), n), j = position(luaL_optinteger(L, 3, i), n);
	bool lax = lua_toboolean(L, 4);
	int count = 0;

	luaL_argcheck(L, i >= 1, 2, "out of bounds");
	luaL_argcheck(L, j <= (lua_Integer)n, 3, "out of bounds");
	if (i > j)
		return 0;
	if (j - i >= VM_UNPACK_MAX)
		return luaL_error(L, "string slice too long");
	luaL_checkstack(L, (int)(j - i) + 1, "string slice too long");
	vm_spend(L, (uint64_t)(j - i) + 1);
	for (i--; i < j; count++) {
		uint32_t v;
		unsigned len = decode(s + i, n - (size_t)i, lax, &v);

		if (!len)
			return luaL_error(L, "invalid UTF-8 code");
		lua_pushinteger(L, v);
		i += len;
	}
	return count;
}

static int utf8_char(lua_State *L)
{
	int n = lua_gettop(L);
	struct sbuf b;
	char out[6];

	sbuf_init(&b, L);
	for (int i = 1; i <= n; i++) {
		lua_Unsigned v;

		vm_spend(L, 2 + (lua_type(L, i) == LUA_TSTRING ? lua_rawlen(L, i) / 4 : 0));
		v = (lua_Unsigned)luaL_checkinteger(L, i);
		luaL_argcheck(L, v <= VALUE_MAX, i, "value out of range");
		sbuf_put(&b, out, encode((uint32_t)v, out));
	}
	sbuf_push(&b);
	return 1;
}

static int utf8_offset(lua_State *L)
{
	size_t len;
	const char *s = luaL_checklstring(L, 1, &len);
	lua_Integer n = luaL_checkinteger(L, 2),
		    i = position(luaL_optinteger(L, 3, n > 0 ? 1 : (lua_Integer)len + 1), len);
	unsigned steps = 0;

	luaL_argcheck(L, i >= 1 && i - 1 <= (lua_Integer)len, 3, "position out of bounds");
	i--;
	if (n == 0) {
		for (; i > 0 && is_cont(s, (size_t)i, len); i--)
			if (!(++steps & 63))
				vm_spend(L, 16);
		lua_pushinteger(L, i + 1);
		return 1;
	}
	if (is_cont(s, (size_t)i, len))
		return luaL_error(L, "initial position is a continuation byte");
	for (; n < 0 && i > 0; n++)
		do {
			if (!(++steps & 63))
				vm_spend(L, 16);
			i--;
		} while (i > 0 && is_cont(s, (size_t)i, len));
	for (n -= n > 0; n > 0 && i < (lua_Integer)len; n--)
		do {
			if (!(++steps & 63))
				vm_spend(L, 16);
			i++;
		} while (is_cont(s, (size_t)i, len));
	if (n == 0)
		lua_pushinteger(L, i + 1);
	else
		lua_pushnil(L);
	return 1;
}

static int codes_step(lua_State *L)
{
	size_t n, i;
	const char *s = luaL_checklstring(L, 1, &n);
	lua_Unsigned from = (lua_Unsigned)lua_tointeger(L, 2);
	uint32_t v;
	unsigned len;

	vm_spend(L, 2);
	i = from < n ? (size_t)from : n; /* just behind the first byte of the last one */
	while (from && is_cont(s, i, n)) {
		vm_spend(L, 1);
		i++;
	}
	if (i >= n)
		return 0;
	len = decode(s + i, n - i, lua_toboolean(L, lua_upvalueindex(1)), &v);
	if (!len || is_cont(s, i + len, n))
		return luaL_error(L, "invalid UTF-8 code");
	lua_pushinteger(L, (lua_Integer)i + 1);
	lua_pushinteger(L, v);
	return 2;
}

static int utf8_codes(lua_State *L)
{
	bool lax = lua_toboolean(L, 2);
	size_t n;
	const char *s = luaL_checklstring(L, 1, &n);

	luaL_argcheck(L, !is_cont(s, 0, n), 1, "invalid UTF-8 code");
	lua_pushboolean(L, lax);
	lua_pushcclosure(L, codes_step, 1);
	lua_pushvalue(L, 1);
	lua_pushinteger(L, 0);
	return 3;
}

void lib_utf8(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "char", utf8_char },
		{ "codepoint", utf8_codepoint },
		{ "codes", utf8_codes },
		{ "len", utf8_len },
		{ "offset", utf8_offset },
		{ NULL, NULL },
	};

	luaL_newlib(L, functions);
	lua_pushlstring(L, "[\0-\x7F\xC2-\xFD][\x80-\xBF]*", 14);
	lua_setfield(L, -2, "charpattern");
}
