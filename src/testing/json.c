// SPDX-License-Identifier: GPL-2.0-or-later
/* The reader of JSON documents, as Lua values. */
#include <lauxlib.h>

#include "base/jread.h"
#include "testing/testing.h"

#define VALUES_MAX 100000

/* A number stays the text it is; null is a light userdata. */
static void push(lua_State *L, const struct jval *v)
{
	luaL_checkstack(L, 4, NULL);
	switch (v->type) {
	case J_NULL: lua_pushlightuserdata(L, NULL); return;
	case J_BOOL: lua_pushboolean(L, v->yes); return;
	case J_NUMBER:
	case J_STRING: lua_pushlstring(L, v->s, v->len); return;
	case J_ARRAY:
	case J_OBJECT: break;
	}
	lua_newtable(L);
	for (const struct jval *m = v->first; m; m = m->next) {
		if (m->name)
			lua_pushlstring(L, m->name, m->name_len);
		else
			lua_pushinteger(L, luaL_len(L, -1) + 1);
		push(L, m);
		lua_settable(L, -3);
	}
}

static int l_read(
	lua_State *L) /* read(text [, values]) → value, its text as it stands; or nil, message, errno */
{
	size_t n;
	const char *text = luaL_checklstring(L, 1, &n);
	uint32_t max = (uint32_t)luaL_optinteger(L, 2, VALUES_MAX);
	struct err e = ERR_INIT;
	struct jdoc d;
	int rc = jread(text, n, max, &d, &e);

	if (rc == 0) {
		push(L, d.root);
		lua_pushlstring(L, d.root->raw, d.root->raw_len);
	} else {
		lua_pushnil(L);
		lua_pushstring(L, err_text(&e));
		lua_pushinteger(L, rc);
	}
	jdoc_free(&d);
	err_free(&e);
	return rc == 0 ? 2 : 3;
}

static int l_int(lua_State *L) /* int(text, min, max) → what the number is, or nothing */
{
	size_t n;
	const char *text = luaL_checklstring(L, 1, &n);
	struct jdoc d;
	int64_t i = 0;
	bool is = jread(text, n, VALUES_MAX, &d, NULL) == 0 &&
		  jval_int(d.root, luaL_checkinteger(L, 2), luaL_checkinteger(L, 3), &i);

	jdoc_free(&d);
	lua_pushinteger(L, i);
	return is;
}

int testing_json(lua_State *L)
{
	static const luaL_Reg funcs[] = { { "read", l_read }, { "int", l_int }, { NULL, NULL } };

	luaL_newlib(L, funcs);
	return 1;
}
