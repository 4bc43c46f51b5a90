// SPDX-License-Identifier: GPL-2.0-or-later
#include <lauxlib.h>

#include "config/config.h"
#include "testing/testing.h"

static void set_text(lua_State *L, const char *key, const char *s)
{
	lua_pushstring(L, s);
	lua_setfield(L, -2, key);
}

static void set_int(lua_State *L, const char *key, lua_Integer n)
{
	lua_pushinteger(L, n);
	lua_setfield(L, -2, key);
}

static void set_bool(lua_State *L, const char *key, bool b)
{
	lua_pushboolean(L, b);
	lua_setfield(L, -2, key);
}

static void push_value(lua_State *L, const struct cfg_node *n)
{
	luaL_checkstack(L, 4, "value tree");
	switch (n->kind) {
	case CFG_NULL: lua_pushlightuserdata(L, NULL); return;
	case CFG_BOOL: lua_pushboolean(L, n->boolean); return;
	case CFG_INT: lua_pushinteger(L, n->integer); return;
	case CFG_FLOAT: lua_pushnumber(L, n->real); return;
	case CFG_STRING: lua_pushstring(L, n->string); return;
	case CFG_LIST:
	case CFG_MAP: break;
	}
	lua_newtable(L);
	for (uint32_t i = 0; i < n->n; i++) {
		push_value(L, &n->items[i]);
		if (n->kind == CFG_MAP)
			lua_setfield(L, -2, n->keys[i]);
		else
			lua_seti(L, -2, i + 1);
	}
}

static void push_iface(lua_State *L, const struct cfg_iface *i)
{
	char text[IPPREFIX_STRLEN];

	lua_newtable(L);
	set_text(L, "name", i->name);
	set_text(L, "zone", i->zone);
	set_bool(L, "dhcp", i->dhcp);
	set_bool(L, "managed", i->managed);
	set_int(L, "line", i->line);
	set_int(L, "col", i->col);
	lua_newtable(L);
	for (uint32_t a = 0; a < i->addresses.n; a++) {
		lua_pushstring(L, ipprefix_format(&i->addresses.v[a], text));
		lua_seti(L, -2, a + 1);
	}
	lua_setfield(L, -2, "addresses");
}

static void push_pack(lua_State *L, const struct cfg_pack *p)
{
	lua_newtable(L);
	set_text(L, "name", p->name);
	set_bool(L, "enabled", p->enabled);
	set_bool(L, "enabled_given", p->enabled_given);
	set_bool(L, "trusted", p->trusted);
	set_int(L, "line", p->line);
	if (p->files) {
		lua_newtable(L);
		for (int i = 0; p->files[i]; i++) {
			lua_pushstring(L, p->files[i]);
			lua_seti(L, -2, i + 1);
		}
		lua_setfield(L, -2, "files");
	}
	if (p->config.kind != CFG_NULL) {
		push_value(L, &p->config);
		lua_setfield(L, -2, "config");
	}
}

static void push_template(lua_State *L, const struct cfg_template *t)
{
	lua_newtable(L);
	set_text(L, "name", t->name);
	set_int(L, "line", t->line);
	set_int(L, "col", t->col);
	if (t->params.kind == CFG_NULL)
		return;
	push_value(L, &t->params);
	lua_setfield(L, -2, "params");
}

static void push_limits(lua_State *L, const struct config *c)
{
	lua_newtable(L);
	set_int(L, "hook_instructions", (lua_Integer)c->limits.hook_instructions);
	set_int(L, "main_instructions", (lua_Integer)c->limits.main_instructions);
	set_int(L, "hook_ms", (lua_Integer)c->limits.hook_ms);
	set_int(L, "main_ms", (lua_Integer)c->limits.main_ms);
	set_int(L, "memory", (lua_Integer)c->limits.memory);
	set_int(L, "statements", c->limits.statements);
	set_int(L, "timers", c->limits.timers);
	set_int(L, "emits", c->limits.emits);
	lua_setfield(L, -2, "limits");
}

#define PUSH_LIST(L, vec, push, name)                                                                        \
	do {                                                                                                 \
		lua_newtable(L);                                                                             \
		for (uint32_t i_ = 0; i_ < (vec).n; i_++) {                                                  \
			push;                                                                                \
			lua_seti(L, -2, i_ + 1);                                                             \
		}                                                                                            \
		lua_setfield(L, -2, name);                                                                   \
	} while (0)

static void push_config(lua_State *L, const struct config *c)
{
	lua_newtable(L);
	PUSH_LIST(L, c->ifaces, push_iface(L, &c->ifaces.v[i_]), "ifaces");
	PUSH_LIST(L, c->dirs, lua_pushstring(L, c->dirs.v[i_]), "dirs");
	PUSH_LIST(L, c->packs, push_pack(L, &c->packs.v[i_]), "packs");
	PUSH_LIST(L, c->templates, push_template(L, &c->templates.v[i_]), "templates");
	PUSH_LIST(L, c->notes, lua_pushstring(L, c->notes.v[i_]), "notes");
	set_bool(L, "coalesce", c->coalesce);
	set_int(L, "max_events", c->max_events);
	set_int(L, "max_delay_ms", c->max_delay_ms);
	set_bool(L, "owner", c->owner);
	set_text(L, "socket_path", c->socket_path);
	set_text(L, "socket_group", c->socket_group);
	set_text(L, "state_dir", c->state_dir);
	set_int(L, "socket_mode", c->socket_mode);
	set_int(L, "log_level", c->log_level);
	push_limits(L, c);
}

/* What was loaded, or nil and the text. Frees both. */
static int answer(lua_State *L, int rc, struct config *c, struct err *e)
{
	if (rc < 0) {
		lua_pushnil(L);
		lua_pushstring(L, err_text(e));
		lua_pushinteger(L, rc);
		err_free(e);
		return 3;
	}
	push_config(L, c);
	config_free(c);
	return 1;
}

static int l_parse(lua_State *L) /* parse(text [, path]) */
{
	struct config *c = NULL;
	struct err e = ERR_INIT;
	size_t len;
	const char *data = luaL_checklstring(L, 1, &len);
	int rc = config_parse(luaL_optstring(L, 2, "t.yaml"), data, len, &c, &e);

	return answer(L, rc, c, &e);
}

static int l_load(lua_State *L) /* load(path) */
{
	struct config *c = NULL;
	struct err e = ERR_INIT;
	int rc = config_load(luaL_checkstring(L, 1), &c, &e);

	return answer(L, rc, c, &e);
}

static int l_packs(
	lua_State *L) /* packs(path, shipped_dir) → { {name=, path=, dir=, order=, configured=}, … } */
{
	const char *path = luaL_checkstring(L, 1), *shipped = luaL_optstring(L, 2, NULL);
	found_packs found = { 0 };
	struct config *c = NULL;
	struct err e = ERR_INIT;
	int rc = config_load(path, &c, &e);

	if (rc == 0)
		rc = config_packs(c, shipped, &found, &e);
	if (rc < 0) {
		config_free(c);
		return answer(L, rc, NULL, &e);
	}
	lua_newtable(L);
	for (uint32_t i = 0; i < found.n; i++) {
		lua_newtable(L);
		set_text(L, "name", found.v[i].name);
		set_text(L, "path", found.v[i].path);
		set_text(L, "dir", found.v[i].dir);
		set_int(L, "order", found.v[i].order);
		set_bool(L, "configured", found.v[i].cfg != NULL);
		lua_seti(L, -2, i + 1);
	}
	found_packs_free(&found);
	config_free(c);
	return 1;
}

int testing_config(lua_State *L)
{
	static const luaL_Reg funcs[] = {
		{ "parse", l_parse },
		{ "load", l_load },
		{ "packs", l_packs },
		{ NULL, NULL },
	};

	luaL_newlib(L, funcs);
	return 1;
}
