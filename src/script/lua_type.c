// SPDX-License-Identifier: GPL-2.0-or-later
/* Metatables: every userdata and special table carries a tag, so that C knows it without asking the registry
 * by name. */
#include <lauxlib.h>
#include <string.h>

#include "script/check.h"
#include "script/internal.h"

static const char tag_key, real_key; /* their addresses are the keys */

enum tag type_tag(lua_State *L, int idx)
{
	int tag;

	if (!lua_checkstack(L, 3) || !lua_getmetatable(L, idx))
		return TAG_NONE;
	tag = lua_rawgetp(L, -1, &tag_key) == LUA_TNUMBER ? (int)lua_tointeger(L, -1) : TAG_NONE;
	lua_pop(L, 2);
	return (enum tag)tag;
}

void type_new(lua_State *L, const char *name, enum tag tag, const struct luaL_Reg *meta,
	const struct luaL_Reg *methods)
{
	luaL_newmetatable(L, name); /* sets __name */
	lua_pushinteger(L, tag);
	lua_rawsetp(L, -2, &tag_key);
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
	lua_newtable(L);
	for (const luaL_Reg *m = methods; m && m->name; m++) {
		lua_pushcfunction(L, m->func);
		lua_setfield(L, -2, m->name);
	}
	for (const luaL_Reg *m = meta; m && m->name; m++) {
		lua_pushvalue(L, -1);
		lua_pushcclosure(L, m->func, 1);
		lua_setfield(L, -3, m->name);
	}
	lua_pop(L, 2);
}

void type_set(lua_State *L, const char *name)
{
	luaL_setmetatable(L, name);
}

void *type_check(lua_State *L, int idx, enum tag tag, const char *fn)
{
	if (type_tag(L, idx) != tag)
		luaL_error(
			L, "%s: called on %s; call it as a method, with a colon", fn, type_article(L, idx));
	return lua_touserdata(L, idx);
}

static const char *next_key(lua_State *L, int table, size_t i)
{
	const char *name = NULL;
	size_t at = 0;

	lua_pushnil(L);
	while (lua_next(L, table)) {
		lua_pop(L, 1);
		if (lua_type(L, -1) == LUA_TSTRING && at++ == i) {
			name = lua_tostring(L, -1); /* the table holds it */
			lua_pop(L, 1);
			return name;
		}
	}
	return NULL;
}

struct keys {
	lua_State *L;
	int table;
};

static const char *keys_next(void *ctx, size_t i)
{
	struct keys *k = ctx;

	return next_key(k->L, k->table, i);
}

static int unknown(lua_State *L, const char *what, int table, int key)
{
	struct keys k = { L, lua_absindex(L, table) };

	if (lua_type(L, key) != LUA_TSTRING)
		return luaL_error(L, "%s: no field %s", what, luaL_tolstring(L, key, NULL));
	const char *near = suggest(lua_tostring(L, key), keys_next, &k);

	if (near)
		return luaL_error(L, "%s: unknown field \"%s\"; did you mean \"%s\"?", what,
			lua_tostring(L, key), near);
	return luaL_error(L, "%s: unknown field \"%s\"", what, lua_tostring(L, key));
}

int type_method(lua_State *L, const char *type)
{
	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
		return 1;
	lua_pushvalue(L, lua_upvalueindex(1));
	return unknown(L, type, -1, 2);
}

/* ---- read-only tables ---- */

static int readonly_newindex(lua_State *L)
{
	return luaL_error(L, "this table is read-only (\"%s\")", luaL_tolstring(L, 2, NULL));
}

static int readonly_len(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)lua_rawlen(L, lua_upvalueindex(1)));
	return 1;
}

static int readonly_pairs(lua_State *L)
{
	lua_getglobal(L, "pairs"); /* the sorted one */
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_call(L, 1, 3);
	return 3;
}

/* The table at the top behind a proxy; newindex, above it, speaks where a field is set. */
static void make_proxy(lua_State *L)
{
	int newindex = lua_gettop(L), real = newindex - 1;

	lua_newtable(L);
	lua_createtable(L, 0, 8);
	lua_pushinteger(L, TAG_READONLY);
	lua_rawsetp(L, -2, &tag_key);
	lua_pushvalue(L, real);
	lua_rawsetp(L, -2, &real_key);
	lua_pushvalue(L, real);
	lua_setfield(L, -2, "__index");
	lua_pushvalue(L, newindex);
	lua_setfield(L, -2, "__newindex");
	lua_pushvalue(L, real);
	lua_pushcclosure(L, readonly_len, 1);
	lua_setfield(L, -2, "__len");
	lua_pushvalue(L, real);
	lua_pushcclosure(L, readonly_pairs, 1);
	lua_setfield(L, -2, "__pairs");
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_replace(L, real);
	lua_settop(L, real);
}

void readonly_make(lua_State *L)
{
	lua_pushcfunction(L, readonly_newindex);
	make_proxy(L);
}

bool readonly_unwrap(lua_State *L, int idx)
{
	idx = lua_absindex(L, idx);
	if (lua_type(L, idx) != LUA_TTABLE || type_tag(L, idx) != TAG_READONLY)
		return false;
	lua_getmetatable(L, idx);
	lua_rawgetp(L, -1, &real_key);
	lua_remove(L, -2);
	return true;
}

/* ---- tables with known fields ---- */

static int strict_index(lua_State *L)
{
	const char *name = lua_tostring(L, lua_upvalueindex(1)), *key = lua_tostring(L, 2);

	if (lua_type(L, 2) == LUA_TSTRING && strcmp(name, "net") == 0) {
		if (strcmp(key, "leases") == 0)
			return luaL_error(L, "net.leases: this version knows no DHCP leases");
		if (strcmp(key, "forget") == 0)
			return luaL_error(L, "net.forget: this version does not touch conntrack entries");
	}
	return unknown(L, name, 1, 2);
}

static int strict_newindex(lua_State *L)
{
	const char *name = lua_tostring(L, lua_upvalueindex(1)), *key = luaL_tolstring(L, 2, NULL);

	if (strcmp(name, "rnm") == 0 && strcmp(key, "state") == 0)
		return luaL_error(L, "rnm.state: it can not be replaced; set its fields: rnm.state.x = …");
	return luaL_error(L, "%s: fields can not be set (\"%s\")", name, key);
}

void strict_table(lua_State *L, const char *name)
{
	lua_createtable(L, 0, 2);
	lua_pushstring(L, name);
	lua_pushcclosure(L, strict_index, 1);
	lua_setfield(L, -2, "__index");
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_pushstring(L, name);
	lua_pushcclosure(L, strict_newindex, 1);
	make_proxy(L);
}

void raw_field(lua_State *L, int idx, const char *name)
{
	size_t n = strlen(name);

	idx = lua_absindex(L, idx);
	lua_pushnil(L);
	while (lua_next(L, idx)) {
		if (lua_type(L, -2) == LUA_TSTRING && lua_rawlen(L, -2) == n &&
			memcmp(lua_tostring(L, -2), name, n) == 0) {
			lua_remove(L, -2);
			return;
		}
		lua_pop(L, 1);
	}
	lua_pushnil(L);
}

/* ---- buffers ---- */

static int buf_gc(lua_State *L)
{
	if (type_tag(L, 1) == TAG_BUF)
		buf_free(lua_touserdata(L, 1));
	return 0;
}

struct buf *push_buf(lua_State *L)
{
	static const luaL_Reg meta[] = { { "__gc", buf_gc }, { NULL, NULL } };
	struct buf *b = lua_newuserdatauv(L, sizeof(*b), 0);

	*b = (struct buf)BUF_INIT;
	if (luaL_getmetatable(L, "rnm.buf") == LUA_TNIL) {
		lua_pop(L, 1);
		type_new(L, "rnm.buf", TAG_BUF, meta, NULL);
		luaL_getmetatable(L, "rnm.buf");
	}
	lua_setmetatable(L, -2);
	return b;
}

int replace_buf(lua_State *L, struct buf *b)
{
	lua_pushlstring(L, buf_str(b), b->n);
	buf_free(b);
	lua_remove(L, -2);
	return 1;
}
