// SPDX-License-Identifier: GPL-2.0-or-later
/* The table `rnm`: blocks, records, handlers, timers, configuration, state, messages, log. */
#include <lauxlib.h>
#include <string.h>

#include "script/check.h"
#include "script/internal.h"

#define ITEMS_MAX 65536
#define LOG_MAX   2000 /* bytes of one line */
#define LOG_COST  2000 /* instructions: a hook can write some thousand lines, not a million */

/* ---- handles of items ---- */

struct item **push_item(lua_State *L, const char *type)
{
	struct item **box = lua_newuserdatauv(L, sizeof(*box), 0);

	*box = NULL;
	luaL_setmetatable(L, type);
	return box;
}

static struct item *item_self(lua_State *L, const char *fn)
{
	enum tag tag = type_tag(L, 1);

	if (tag != TAG_BLOCK && tag != TAG_HANDLE)
		luaL_error(L, "%s: called on %s; call it as a method, with a colon", fn, type_article(L, 1));
	check_count(L, fn, 2, 0, 0);
	return *(struct item **)lua_touserdata(L, 1);
}

static int handle_cancel(lua_State *L)
{
	struct item *it = item_self(L, "handle:cancel");
	struct pack *pk = vm_user(L);

	if (pk->run->kind == RUN_MAP)
		return luaL_error(L, "handle:cancel: a function of q:map() must be pure");
	run_writes(L, pk, "handle:cancel");
	if (it)
		item_cancel(it);
	return 0;
}

static int block_refresh(lua_State *L)
{
	struct item *it = item_self(L, "block:refresh");

	run_writes(L, vm_user(L), "block:refresh");
	if (it && it->pk && it->kind == ITEM_BLOCK && !it->gone)
		subject_stale(((struct block *)it)->sub);
	return 0;
}

static int handle_index(lua_State *L)
{
	return type_method(L, type_tag(L, 1) == TAG_BLOCK ? "block" : "handle");
}

static int handle_gc(lua_State *L)
{
	enum tag tag = type_tag(L, 1);

	if (tag != TAG_BLOCK && tag != TAG_HANDLE)
		return 0;
	struct item **box = lua_touserdata(L, 1);

	if (*box)
		item_unref(*box);
	*box = NULL;
	return 0;
}

/* ---- block, each ---- */

static struct scope *maker(lua_State *L, struct pack *pk, const char *fn)
{
	enum run_kind kind = pk->run->kind;

	if (kind != RUN_MAIN && kind != RUN_BLOCK && kind != RUN_EACH && kind != RUN_EVAL)
		luaL_error(L, "%s: only in the main chunk, an rnm.block() or an rnm.each()", fn);
	if (pk->items.n >= ITEMS_MAX)
		luaL_error(
			L, "%s: the pack has %d blocks, handlers and timers already", fn, (int)pk->items.n);
	return run_scope(L, pk, fn);
}

static int rnm_block(lua_State *L)
{
	struct pack *pk = vm_user(L);
	struct lua_ref ref = LUA_REF_INIT;
	struct scope *parent;

	check_count(L, "rnm.block", 1, 1, 1);
	check_function(L, "rnm.block", 1, 1);
	parent = maker(L, pk, "rnm.block");
	vm_charge(L, 200);
	struct item **box = push_item(L, "rnm.block");
	uint32_t site = site_here(L, pk);

	lua_pushvalue(L, 1);
	lua_ref_set(L, &ref);
	struct block *b = xnew(struct block); /* nothing raises from here */

	item_init(pk, &b->it, ITEM_BLOCK, site);
	b->it.fn = ref;
	b->parent = parent;
	b->seq = state_seq(parent);
	b->sub = subject_new(pk, SCOPE_BLOCK, &b->it);
	subject_stale(b->sub);
	b->it.refs++;
	*box = &b->it;
	return 1;
}

static int rnm_each(lua_State *L)
{
	struct pack *pk = vm_user(L);
	struct lua_ref ref = LUA_REF_INIT;
	struct scope *parent;

	check_count(L, "rnm.each", 1, 2, 2);
	struct live *l = to_live(L, 1);

	if (!l)
		check_arg_fail(L, "rnm.each", 1, 1, "a query");
	if (live_file(l) || live_mapped(l))
		return luaL_error(L, "rnm.each: only a plain query has records, not a mapped one or a file");
	check_function(L, "rnm.each", 2, 1);
	parent = maker(L, pk, "rnm.each");
	vm_charge(L, 200);
	struct item **box = push_item(L, "rnm.handle");
	uint32_t site = site_here(L, pk);

	lua_pushvalue(L, 2);
	lua_ref_set(L, &ref);
	struct each *ea = xnew(struct each); /* nothing raises from here */

	item_init(pk, &ea->it, ITEM_EACH, site);
	ea->it.fn = ref;
	ea->q = query_ref(live_base(l));
	ea->parent = parent;
	ea->seq = state_seq(parent);
	each_fill(ea);
	ea->it.refs++;
	*box = &ea->it;
	return 1;
}

/* ---- log ---- */

static int log_fn(lua_State *L, enum log_level level)
{
	struct pack *pk = vm_user(L);
	int n = lua_gettop(L);
	luaL_Buffer b;

	vm_charge(L, LOG_COST);
	if (!log_enabled(level))
		return 0;
	luaL_buffinit(L, &b);
	for (int i = 1; i <= n; i++) {
		if (i > 1)
			luaL_addchar(&b, ' ');
		luaL_tolstring(L, i, NULL);
		luaL_addvalue(&b);
	}
	luaL_pushresult(&b);
	size_t len;
	const char *s = lua_tolstring(L, -1, &len);

	log_write(level, "pack", "%s: %.*s%s", pk->spec.name, (int)(len > LOG_MAX ? LOG_MAX : len), s,
		len > LOG_MAX ? "…" : "");
	return 0;
}

static int log_debug_fn(lua_State *L)
{
	return log_fn(L, LOG_DEBUG);
}

static int log_info_fn(lua_State *L)
{
	return log_fn(L, LOG_INFO);
}

static int log_warn_fn(lua_State *L)
{
	return log_fn(L, LOG_WARN);
}

static int log_error_fn(lua_State *L)
{
	return log_fn(L, LOG_ERROR);
}

/* ---- the table ---- */

void lua_rnm_open(lua_State *L)
{
	static const luaL_Reg meta[] = { { "__index", handle_index }, { "__gc", handle_gc }, { NULL, NULL } };
	static const luaL_Reg block_methods[] = { { "cancel", handle_cancel }, { "refresh", block_refresh },
		{ NULL, NULL } };
	static const luaL_Reg handle_methods[] = { { "cancel", handle_cancel }, { NULL, NULL } };
	static const luaL_Reg log_fns[] = { { "debug", log_debug_fn }, { "info", log_info_fn },
		{ "warn", log_warn_fn }, { "error", log_error_fn }, { NULL, NULL } };
	static const luaL_Reg fns[] = {
		{ "block", rnm_block },
		{ "each", rnm_each },
		{ "on", lua_on },
		{ "after", lua_after },
		{ "every", lua_every },
		{ "config", lua_config },
		{ "file", lua_file },
		{ "emit", lua_emit },
		{ NULL, NULL },
	};
	struct pack *pk = vm_user(L);

	type_new(L, "rnm.block", TAG_BLOCK, meta, block_methods);
	type_new(L, "rnm.handle", TAG_HANDLE, meta, handle_methods);
	luaL_newlib(L, fns);
	luaL_newlib(L, log_fns);
	strict_table(L, "rnm.log");
	lua_setfield(L, -2, "log");
	lua_state_open(L);
	lua_setfield(L, -2, "state");
	lua_createtable(L, 0, 3);
	lua_pushstring(L, pk->spec.name);
	lua_setfield(L, -2, "name");
	lua_pushinteger(L, pk->spec.order);
	lua_setfield(L, -2, "order");
	lua_pushstring(L, pk->spec.path ? pk->spec.path : "");
	lua_setfield(L, -2, "path");
	strict_table(L, "rnm.pack");
	lua_setfield(L, -2, "pack");
	strict_table(L, "rnm");
	lua_setglobal(L, "rnm");
	lua_newtable(L);
	lua_setfield(L, LUA_REGISTRYINDEX, "rnm.loaded");
	if (pk->spec.trusted)
		lua_getglobal(L, "require"); /* Lua's own, for what the pack's folder does not have */
	else
		lua_pushnil(L);
	lua_pushcclosure(L, lua_require, 1);
	lua_setglobal(L, "require");
}
