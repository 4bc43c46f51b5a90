// SPDX-License-Identifier: GPL-2.0-or-later
/* The pack `config`: what the YAML itself says. */
#include <lauxlib.h>
#include <string.h>

#include "script/handle.h"

#define DEPTH_MAX 4

/* YAML has no prefixes and ranges of its own: a text that is one stands for it. */
static void push_text(lua_State *L, const char *s)
{
	const char *dash = strchr(s, '-');
	char first[IPADDR_STRLEN];
	struct ipprefix p, q;
	struct val range = { .kind = VAL_RANGE };

	if (strchr(s, '/') && ipprefix_parse(s, &p)) {
		push_value_of(L, &(struct val){ .kind = VAL_PREFIX, .ip = p });
		return;
	}
	if (dash && dash - s < IPADDR_STRLEN && !strchr(s, '/')) {
		memcpy(first, s, (size_t)(dash - s));
		first[dash - s] = '\0';
		if (ipprefix_parse(first, &p) && ipprefix_parse(dash + 1, &q) &&
			p.addr.family == q.addr.family) {
			struct val ends[2] = { val_addr(&p.addr), val_addr(&q.addr) };

			range.list = ends;
			range.n = 2;
			push_value_of(L, &range);
			return;
		}
	}
	lua_pushstring(L, s);
}

static void push_node(lua_State *L, const struct cfg_node *n, int depth)
{
	luaL_checkstack(L, 6, NULL);
	vm_charge(L, 20);
	if (depth > DEPTH_MAX)
		luaL_error(L, "%s:%d:%d: nested too deep for a value", n->file ? n->file : "?", (int)n->line,
			(int)n->col);
	switch (n->kind) {
	case CFG_NULL: lua_pushnil(L); break;
	case CFG_BOOL: lua_pushboolean(L, n->boolean); break;
	case CFG_INT: lua_pushinteger(L, n->integer); break;
	case CFG_FLOAT: lua_pushnumber(L, n->real); break;
	case CFG_STRING: push_text(L, n->string); break;
	case CFG_LIST:
		lua_createtable(L, (int)n->n, 0);
		for (uint32_t i = 0; i < n->n; i++) {
			push_node(L, &n->items[i], depth + 1);
			lua_rawseti(L, -2, (lua_Integer)i + 1);
		}
		break;
	case CFG_MAP:
		lua_createtable(L, 0, (int)n->n);
		for (uint32_t i = 0; i < n->n; i++) {
			push_node(L, &n->items[i], depth + 1);
			lua_setfield(L, -2, n->keys[i]);
		}
		break;
	}
}

static int load_one(lua_State *L)
{
	const struct pack_template *t = lua_touserdata(L, 1);

	lua_pushcfunction(L, nft_template_fn);
	lua_pushstring(L, t->name);
	if (t->params)
		push_node(L, t->params, 0);
	lua_call(L, t->params ? 2 : 1, 0);
	return 0;
}

/* Each is tried, so that one message says what is wrong with all of them. */
void config_templates(lua_State *L, struct pack *pk)
{
	struct buf *wrong = push_buf(L);

	for (uint32_t i = 0; i < pk->spec.n_templates; i++) {
		const struct pack_template *t = &pk->spec.templates[i];

		lua_pushcfunction(L, load_one);
		lua_pushlightuserdata(L, (void *)t);
		if (lua_pcall(L, 1, 0, 0) == LUA_OK)
			continue;
		vm_charge(L, 1); /* a used-up budget speaks here */
		const char *why = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "failed";

		buf_printf(wrong, "%s%s:%u:%u: templates: %s: %s", wrong->n ? "\n" : "", t->file, t->line,
			t->col, t->name, why);
		lua_pop(L, 1);
	}
	if (!wrong->n) {
		lua_pop(L, 1);
		return;
	}
	lua_pushlstring(L, buf_str(wrong), wrong->n);
	lua_error(L);
}
