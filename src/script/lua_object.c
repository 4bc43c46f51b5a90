// SPDX-License-Identifier: GPL-2.0-or-later
/* Stateful objects and flowtables: t:counter(name [, spec]) and its like. The spec is nft's words, in a
 * string or as fields of a table. */
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "script/handle.h"

#define WORDS_MAX (16u << 10)

static const struct {
	const char *fn, *handle; /* "table:ct_helper", "ct helper handle" */
} types[] = {
	[NFT_OBJECT_COUNTER] = { "table:counter", "counter handle" },
	[NFT_OBJECT_QUOTA] = { "table:quota", "quota handle" },
	[NFT_OBJECT_LIMIT] = { "table:limit", "limit handle" },
	[NFT_OBJECT_CT_HELPER] = { "table:ct_helper", "ct_helper handle" },
	[NFT_OBJECT_CT_TIMEOUT] = { "table:ct_timeout", "ct_timeout handle" },
	[NFT_OBJECT_CT_EXPECT] = { "table:ct_expectation", "ct_expectation handle" },
	[NFT_OBJECT_SYNPROXY] = { "table:synproxy", "synproxy handle" },
	[NFT_OBJECT_SECMARK] = { "table:secmark", "secmark handle" },
};

static void take_words(lua_State *L, struct pack *pk, struct handle *h, const char *fn, uint32_t type,
	const char *text, size_t n)
{
	struct site at = ruleset_site_get(pk->s->rs, h->site);
	struct src_pos pos = { at.file, at.line };
	struct object_want want = { 0 };
	_err_ struct err e = ERR_INIT;

	if (object_parse(type, text, n, &pos, &want, &e) < 0)
		check_raise(L, fn, &e);
	spec_object(h->spec, &want);
}

static int declare(lua_State *L, uint32_t type)
{
	const char *fn = types[type].fn, *text = NULL;
	struct pack *pk = vm_user(L);
	struct handle *h;
	size_t n = 0;

	type_check(L, 1, TAG_TABLE, fn);
	check_count(L, fn, 2, 1, 2);
	const char *name = name_arg(L, fn, 2, 2);

	switch (lua_gettop(L) == 3 ? lua_type(L, 3) : LUA_TNONE) {
	case LUA_TNONE: lua_settop(L, 2); break;
	case LUA_TSTRING:
		text = lua_tolstring(L, 3, &n);
		if (n > WORDS_MAX)
			luaL_error(L, "%s: the spec is longer than %d bytes", fn, (int)WORDS_MAX);
		break;
	case LUA_TTABLE: check_table(L, fn, 3, 2); break;
	default: check_arg_fail(L, fn, 3, 2, "a string of nft's words, or a table");
	}
	vm_charge(L, 100 + n);
	h = push_member(L, fn, OBJ_STATEFUL + type, name, types[type].handle);
	if (text) {
		take_words(L, pk, h, fn, type, text, n);
	} else if (lua_gettop(L) == 4) {
		struct buf *b = push_buf(L);

		object_words(L, fn, type, 3, b);
		take_words(L, pk, h, fn, type, buf_str(b), b->n);
		lua_pop(L, 1);
		spec_comment(L, fn, 3, h->spec);
	}
	handle_state(L, pk, h, fn);
	return 1;
}

int table_counter(lua_State *L)
{
	return declare(L, NFT_OBJECT_COUNTER);
}

int table_quota(lua_State *L)
{
	return declare(L, NFT_OBJECT_QUOTA);
}

int table_limit(lua_State *L)
{
	return declare(L, NFT_OBJECT_LIMIT);
}

int table_ct_helper(lua_State *L)
{
	return declare(L, NFT_OBJECT_CT_HELPER);
}

int table_ct_timeout(lua_State *L)
{
	return declare(L, NFT_OBJECT_CT_TIMEOUT);
}

int table_ct_expectation(lua_State *L)
{
	return declare(L, NFT_OBJECT_CT_EXPECT);
}

int table_synproxy(lua_State *L)
{
	return declare(L, NFT_OBJECT_SYNPROXY);
}

int table_secmark(lua_State *L)
{
	return declare(L, NFT_OBJECT_SECMARK);
}

int table_flowtable(lua_State *L)
{
	const char *fn = "table:flowtable";
	struct handle *h;

	type_check(L, 1, TAG_TABLE, fn);
	check_count(L, fn, 2, 1, 2);
	const char *name = name_arg(L, fn, 2, 2);

	if (lua_gettop(L) == 3)
		check_table(L, fn, 3, 2);
	h = push_member(L, fn, OBJ_FLOWTABLE, name, "flowtable handle");
	if (lua_gettop(L) == 4)
		spec_of_flowtable(L, 3, h);
	handle_state(L, vm_user(L), h, fn);
	return 1;
}

/* ---- reading the kernel's ---- */

static void read_one(void *ctx, const struct object_want *o)
{
	struct object_want *out = ctx;

	*out = *o;
	out->comment = NULL;
}

/* Pushes nil, message, code where it can not be read. */
static bool read_object(lua_State *L, const char *fn, uint32_t type, struct object_want *out)
{
	struct handle *h = type_check(L, 1, TAG_OBJECT, fn);
	struct pack *pk = vm_user(L);
	_err_ struct err e = ERR_INIT;
	int rc;

	check_count(L, fn, 2, 0, 0);
	if (obj_kind(h->obj) != OBJ_STATEFUL + type)
		luaL_error(L, "%s: called on %s", fn, type_article(L, 1));
	if (pk->run->kind == RUN_MAP)
		luaL_error(L, "%s: a function of q:map() must be pure", fn);
	vm_charge(L, 2000);
	memset(out, 0, sizeof(*out));
	if (!pk->s->ops.object_read)
		rc = err_set(&e, -EOPNOTSUPP, "there is no kernel to read from");
	else
		rc = pk->s->ops.object_read(pk->s->ops.ctx, h->obj, read_one, out, &e);
	if (rc == 0 && out->type != type)
		rc = err_set(&e, -ENOENT, "%s is not in the kernel", obj_name(h->obj));
	if (rc == 0)
		return true;
	check_nil(L, &e);
	lua_pushstring(L, strerrorname_np(-rc));
	return false;
}

static void set_int(lua_State *L, const char *name, uint64_t v)
{
	lua_pushinteger(L, (lua_Integer)v);
	lua_setfield(L, -2, name);
}

static int counter_read(lua_State *L)
{
	struct object_want o;

	if (!read_object(L, "counter:read", NFT_OBJECT_COUNTER, &o))
		return 3;
	lua_createtable(L, 0, 2);
	set_int(L, "packets", o.counter.packets);
	set_int(L, "bytes", o.counter.bytes);
	return 1;
}

static int quota_read(lua_State *L)
{
	struct object_want o;

	if (!read_object(L, "quota:read", NFT_OBJECT_QUOTA, &o))
		return 3;
	lua_createtable(L, 0, 3);
	set_int(L, "bytes", o.quota.bytes);
	set_int(L, "used", o.quota.used);
	lua_pushboolean(L, o.quota.over);
	lua_setfield(L, -2, "over");
	return 1;
}

void lua_object_open(lua_State *L)
{
	static const luaL_Reg counters[] = { { "read", counter_read }, { NULL, NULL } };
	static const luaL_Reg quotas[] = { { "read", quota_read }, { NULL, NULL } };
	static const luaL_Reg none[] = { { NULL, NULL } };

	for (uint32_t t = 0; t < ARRAY_SIZE(types); t++)
		if (types[t].handle)
			type_new(L, types[t].handle, TAG_OBJECT, handle_meta,
				t == NFT_OBJECT_COUNTER ? counters
				: t == NFT_OBJECT_QUOTA ? quotas
							: none);
	type_new(L, "flowtable handle", TAG_FLOWTABLE, handle_meta, none);
}
