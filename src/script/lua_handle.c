// SPDX-License-Identifier: GPL-2.0-or-later
/* Handles of tables, chains, sets, maps, objects and flowtables. A handle used in a run states its object
 * there, once. */
#include <lauxlib.h>
#include <string.h>

#include "script/handle.h"

uint32_t site_here(lua_State *L, struct pack *pk)
{
	const char *file;
	int line;

	vm_where(L, &file, &line);
	return line > 0 ? ruleset_site(pk->s->rs, file, (uint32_t)line) : 0;
}

/* ---- handles ---- */

struct handle *to_handle(lua_State *L, int idx)
{
	switch (type_tag(L, idx)) {
	case TAG_TABLE:
	case TAG_CHAIN:
	case TAG_SET:
	case TAG_MAP:
	case TAG_OBJECT:
	case TAG_FLOWTABLE: return lua_touserdata(L, idx);
	case TAG_NONE:
	case TAG_LIVE:
	case TAG_VALUE:
	case TAG_BLOCK:
	case TAG_HANDLE:
	case TAG_STATE:
	case TAG_LOAD:
	case TAG_BUF:
	case TAG_READONLY:
	case TAG_RECORD: break;
	}
	return NULL;
}

void handle_state(lua_State *L, struct pack *pk, struct handle *h, const char *fn)
{
	struct run *r = pk->run;
	struct scope *sc;

	/* A name alone is how one gets to an object, to look at it. */
	if (r->read_only && (h->main || !h->spec->given))
		return;
	/* What the main chunk states stands as long as the pack does: stating it again elsewhere would say
	 * nothing. */
	if ((h->main && r->kind != RUN_MAIN && (!fn || run_scope(L, pk, fn))) || h->run == r->id)
		return;
	if (!fn && (r->kind == RUN_LIFECYCLE || r->kind == RUN_MESSAGE || r->kind == RUN_TIMER))
		return;
	sc = run_scope(L, pk, fn ? fn : "nft");
	vm_charge(L, 20);
	state_decl(sc, h->obj, h->spec, h->site);
	h->run = r->id;
	h->main |= r->kind == RUN_MAIN;
}

struct handle *push_handle(lua_State *L, struct pack *pk, const char *type)
{
	struct handle *h = lua_newuserdatauv(L, sizeof(*h), 0);

	memset(h, 0, sizeof(*h));
	luaL_setmetatable(L, type);
	h->site = site_here(L, pk);
	return h;
}

static int handle_gc(lua_State *L)
{
	struct handle *h = to_handle(L, 1);

	if (!h)
		return 0;
	if (h->obj)
		obj_put(h->obj);
	if (h->spec)
		spec_put(h->spec);
	h->obj = NULL;
	h->spec = NULL;
	return 0;
}

static int handle_index(lua_State *L)
{
	struct handle *h;

	lua_settop(L, 2);
	lua_pushvalue(L, 2);
	if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) /* a method looks itself what it is called on */
		return 1;
	h = to_handle(L, 1);
	if (h && lua_type(L, 2) == LUA_TSTRING) {
		const char *key = lua_tostring(L, 2);

		if (strcmp(key, "name") == 0)
			lua_pushstring(L, obj_name(h->obj));
		else if (strcmp(key, "table") == 0)
			lua_pushstring(L, obj_table(h->obj));
		else if (strcmp(key, "family") == 0)
			lua_pushstring(L, nft_family_name(obj_family(h->obj)));
		else
			return type_method(L, type_article(L, 1));
		return 1;
	}
	return type_method(L, "handle");
}

static const char *handle_word(const struct handle *h)
{
	unsigned kind = obj_kind(h->obj);

	if (kind >= OBJ_STATEFUL)
		return object_type_word(kind - OBJ_STATEFUL);
	switch ((enum obj_kind)kind) {
	case OBJ_TABLE: return "table";
	case OBJ_CHAIN: return "chain";
	case OBJ_SET: return h->map ? "map" : "set";
	case OBJ_FLOWTABLE: return "flowtable";
	case OBJ_STATEFUL: break;
	}
	return "object";
}

void handle_text(const struct handle *h, struct buf *out)
{
	buf_printf(out, "%s %s %s", handle_word(h), nft_family_name(obj_family(h->obj)), obj_table(h->obj));
	if (obj_kind(h->obj) != OBJ_TABLE)
		buf_printf(out, " %s", obj_name(h->obj));
}

static int handle_tostring(lua_State *L)
{
	struct handle *h = to_handle(L, 1);

	if (!h)
		return luaL_error(L, "tostring: expected a handle");
	struct buf *b = push_buf(L);

	handle_text(h, b);
	return replace_buf(L, b);
}

static int handle_eq(lua_State *L)
{
	struct handle *a = to_handle(L, 1), *b = to_handle(L, 2);

	lua_pushboolean(L, a && b && a->obj == b->obj);
	return 1;
}

const char *name_arg(lua_State *L, const char *fn, int idx, int first)
{
	_err_ struct err e = ERR_INIT;
	size_t n;
	const char *name = check_string(L, fn, idx, first, &n);

	if (strlen(name) != n)
		luaL_error(L, "%s: the name has a NUL byte", fn);
	if (nft_name_check(name, &e) < 0)
		check_raise(L, fn, &e);
	return name;
}

struct handle *push_member(lua_State *L, const char *fn, unsigned kind, const char *name, const char *type)
{
	struct pack *pk = vm_user(L);
	struct handle *t = type_check(L, 1, TAG_TABLE, fn), *h;

	vm_charge(L, 50);
	h = push_handle(L, pk, type);
	h->obj = obj_get(pk->s->rs, (enum obj_kind)kind, obj_family(t->obj), obj_name(t->obj), name);
	h->spec = spec_new();
	handle_state(L, pk, t, fn);
	return h;
}

const luaL_Reg handle_meta[] = { { "__index", handle_index }, { "__tostring", handle_tostring },
	{ "__eq", handle_eq }, { "__gc", handle_gc }, { NULL, NULL } };
