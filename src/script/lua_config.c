// SPDX-License-Identifier: GPL-2.0-or-later
/* rnm.config(defaults): the YAML's values over the defaults, which are also the schema. Read-only. */
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "script/check.h"
#include "script/internal.h"

#define DEPTH_MAX    16
#define PROBLEMS_MAX 20

struct merge {
	lua_State *L;
	struct buf *problems; /* one a line; owned by Lua */
	unsigned n;
	char path[256]; /* packs.NAME.config.server */
};

static const char *kind_name(enum cfg_kind k)
{
	static const char *const names[] = {
		[CFG_NULL] = "nothing",
		[CFG_BOOL] = "a boolean",
		[CFG_INT] = "an integer",
		[CFG_FLOAT] = "a number",
		[CFG_STRING] = "a string",
		[CFG_LIST] = "a list",
		[CFG_MAP] = "a mapping",
	};

	return names[k];
}

static void problem(struct merge *m, const struct cfg_node *at, const char *what, const char *tail)
{
	if (m->n++ < PROBLEMS_MAX)
		buf_printf(m->problems, "%s%s:%u:%u: %s: %s%s", m->problems->n ? "\n" : "",
			at->file ? at->file : "?", at->line, at->col, m->path, what, tail);
}

static void expected(struct merge *m, const struct cfg_node *at, const char *what)
{
	char text[160];

	snprintf(text, sizeof(text), "expected %s, got %s", what, kind_name(at->kind));
	problem(m, at, text, "");
}

/* A value without a schema, as it stands. */
static void push_any(struct merge *m, const struct cfg_node *n, int depth)
{
	lua_State *L = m->L;

	luaL_checkstack(L, 6, NULL);
	vm_charge(L, 20);
	if (depth > DEPTH_MAX) {
		problem(m, n, "nested too deep", "");
		lua_pushnil(L);
		return;
	}
	switch (n->kind) {
	case CFG_NULL: lua_pushnil(L); break;
	case CFG_BOOL: lua_pushboolean(L, n->boolean); break;
	case CFG_INT: lua_pushinteger(L, n->integer); break;
	case CFG_FLOAT: lua_pushnumber(L, n->real); break;
	case CFG_STRING: lua_pushstring(L, n->string); break;
	case CFG_LIST:
		lua_createtable(L, (int)n->n, 0);
		for (uint32_t i = 0; i < n->n; i++) {
			push_any(m, &n->items[i], depth + 1);
			lua_rawseti(L, -2, (lua_Integer)i + 1);
		}
		readonly_make(L);
		break;
	case CFG_MAP:
		lua_createtable(L, 0, (int)n->n);
		for (uint32_t i = 0; i < n->n; i++) {
			push_any(m, &n->items[i], depth + 1);
			lua_setfield(L, -2, n->keys[i]);
		}
		readonly_make(L);
		break;
	}
}

static void push_merged(struct merge *m, int def, const struct cfg_node *n, int depth);

/* A copy of a default, tables read-only. */
static void push_default(struct merge *m, int def, int depth)
{
	lua_State *L = m->L;

	luaL_checkstack(L, 6, NULL);
	vm_charge(L, 20);
	if (lua_type(L, def) != LUA_TTABLE) {
		lua_pushvalue(L, def);
		return;
	}
	if (depth > DEPTH_MAX)
		luaL_error(L, "rnm.config: the defaults are nested too deep (or in a circle)");
	lua_newtable(L);
	int out = lua_gettop(L);

	lua_pushnil(L);
	while (lua_next(L, def)) {
		lua_pushvalue(L, -2);
		push_default(m, lua_gettop(L) - 1, depth + 1);
		lua_rawset(L, out);
		lua_pop(L, 1);
	}
	readonly_make(L);
}

static bool is_list(lua_State *L, int t)
{
	return lua_rawlen(L, t) > 0;
}

static bool is_empty(lua_State *L, int t)
{
	lua_pushnil(L);
	if (!lua_next(L, t))
		return true;
	lua_pop(L, 2);
	return false;
}

struct keys {
	lua_State *L;
	int table;
};

static const char *nth_key(void *ctx, size_t i)
{
	struct keys *k = ctx;
	const char *name;

	lua_pushnil(k->L);
	while (lua_next(k->L, k->table)) {
		lua_pop(k->L, 1);
		if (lua_type(k->L, -1) != LUA_TSTRING || i-- > 0)
			continue;
		name = lua_tostring(k->L, -1);
		lua_pop(k->L, 1);
		return name;
	}
	return NULL;
}

static size_t path_push(struct merge *m, const char *key)
{
	size_t n = strlen(m->path);

	snprintf(m->path + n, sizeof(m->path) - n, ".%s", key);
	return n;
}

static void push_map(struct merge *m, int def, const struct cfg_node *n, int depth)
{
	lua_State *L = m->L;
	struct keys keys = { L, def };
	int out;

	push_default(m, def, depth);
	if (!readonly_unwrap(L, -1))
		luaL_error(L, "rnm.config: no table");
	out = lua_gettop(L); /* the real table behind the read-only one */
	for (uint32_t i = 0; i < n->n; i++) {
		size_t at = path_push(m, n->keys[i]);

		lua_pushstring(L, n->keys[i]);
		if (lua_rawget(L, def) == LUA_TNIL) {
			const char *near = suggest(n->keys[i], nth_key, &keys);
			char text[300];

			snprintf(text, sizeof(text), "unknown key%s%s%s", near ? "; did you mean \"" : "",
				near ? near : "", near ? "\"?" : "");
			problem(m, &n->items[i], text, "");
		} else {
			push_merged(m, lua_gettop(L), &n->items[i], depth + 1);
			lua_setfield(L, out, n->keys[i]);
		}
		lua_pop(L, 1);
		m->path[at] = '\0';
	}
	lua_pop(L, 1);
}

/* A list's first default says the type of its items. */
static void push_list(struct merge *m, int def, const struct cfg_node *n, int depth)
{
	lua_State *L = m->L;

	lua_createtable(L, (int)n->n, 0);
	lua_rawgeti(L, def, 1);
	int item = lua_gettop(L);

	for (uint32_t i = 0; i < n->n; i++) {
		char key[16];
		size_t at = strlen(m->path);

		snprintf(key, sizeof(key), "[%u]", i + 1);
		snprintf(m->path + at, sizeof(m->path) - at, "%s", key);
		push_merged(m, item, &n->items[i], depth + 1);
		lua_rawseti(L, -3, (lua_Integer)i + 1);
		m->path[at] = '\0';
	}
	lua_pop(L, 1);
	readonly_make(L);
}

/* Pushes the value of n checked against the default at def, or the default when it does not fit. */
static void push_merged(struct merge *m, int def, const struct cfg_node *n, int depth)
{
	lua_State *L = m->L;
	const char *want = NULL;

	luaL_checkstack(L, 8, NULL);
	vm_charge(L, 20);
	if (n->kind == CFG_NULL) { /* `key:` with nothing behind it */
		push_default(m, def, depth);
		return;
	}
	switch (lua_type(L, def)) {
	case LUA_TBOOLEAN: want = n->kind == CFG_BOOL ? NULL : "true or false"; break;
	case LUA_TSTRING: want = n->kind == CFG_STRING ? NULL : "a string"; break;
	case LUA_TNUMBER:
		if (lua_isinteger(L, def))
			want = n->kind == CFG_INT ? NULL : "an integer";
		else
			want = n->kind == CFG_INT || n->kind == CFG_FLOAT ? NULL : "a number";
		break;
	case LUA_TTABLE:
		if (is_empty(L, def)) {
			want = n->kind == CFG_LIST || n->kind == CFG_MAP ? NULL : "a list or a mapping";
		} else if (is_list(L, def)) {
			if (n->kind == CFG_LIST) {
				push_list(m, def, n, depth);
				return;
			}
			want = "a list";
		} else {
			if (n->kind == CFG_MAP) {
				push_map(m, def, n, depth);
				return;
			}
			want = "a mapping";
		}
		break;
	default:
		luaL_error(L, "rnm.config: defaults must be strings, numbers, booleans and tables, not %s",
			type_article(L, def));
	}
	if (want) {
		expected(m, n, want);
		push_default(m, def, depth);
	} else {
		push_any(m, n, depth);
	}
}

int lua_config(lua_State *L)
{
	struct pack *pk = vm_user(L);
	struct merge m = { .L = L };

	check_count(L, "rnm.config", 1, 0, 1);
	if (lua_gettop(L) == 0)
		lua_newtable(L);
	check_table(L, "rnm.config", 1, 1);
	m.problems = push_buf(L);
	snprintf(m.path, sizeof(m.path), "packs.%s.config", pk->spec.name);
	if (!pk->spec.config || pk->spec.config->kind == CFG_NULL) {
		push_default(&m, 1, 0);
		return 1;
	}
	if (pk->spec.config->kind != CFG_MAP) {
		expected(&m, pk->spec.config, "a mapping");
		return luaL_error(L, "%s", buf_str(m.problems));
	}
	push_map(&m, 1, pk->spec.config, 0);
	if (m.n > PROBLEMS_MAX)
		buf_printf(m.problems, "\n… and %u more", m.n - PROBLEMS_MAX);
	if (m.n)
		return luaL_error(L, "%s", buf_str(m.problems));
	return 1;
}
