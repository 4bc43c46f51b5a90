// SPDX-License-Identifier: GPL-2.0-or-later
/* Values that no plain string can be: nft.prefix, nft.range, nft.glob. */
#include <lauxlib.h>
#include <string.h>

#include "script/handle.h"

static int value_gc(lua_State *L)
{
	if (type_tag(L, 1) == TAG_VALUE)
		val_free(lua_touserdata(L, 1));
	return 0;
}

static int value_tostring(lua_State *L)
{
	struct val *v = type_check(L, 1, TAG_VALUE, "tostring");
	struct buf *b = push_buf(L);

	val_text(v, b);
	return replace_buf(L, b);
}

static int value_eq(lua_State *L)
{
	lua_pushboolean(L, type_tag(L, 1) == TAG_VALUE && type_tag(L, 2) == TAG_VALUE &&
				   val_equal(lua_touserdata(L, 1), lua_touserdata(L, 2)));
	return 1;
}

void lua_value_open(lua_State *L)
{
	static const luaL_Reg meta[] = { { "__gc", value_gc }, { "__tostring", value_tostring },
		{ "__eq", value_eq }, { NULL, NULL } };

	type_new(L, "rnm.value", TAG_VALUE, meta, NULL);
}

static struct val *push_value(lua_State *L)
{
	struct val *v = lua_newuserdatauv(L, sizeof(*v), 0);

	*v = (struct val){ .kind = VAL_NIL };
	luaL_setmetatable(L, "rnm.value");
	return v;
}

void push_value_of(lua_State *L, const struct val *v)
{
	*push_value(L) = val_copy(v);
}

const struct val *to_value(lua_State *L, int idx)
{
	return type_tag(L, idx) == TAG_VALUE ? lua_touserdata(L, idx) : NULL;
}

void push_val(lua_State *L, const struct val *v)
{
	char text[MAC_STRLEN];

	luaL_checkstack(L, 4, NULL);
	switch (v->kind) {
	case VAL_NIL: lua_pushnil(L); break;
	case VAL_STRING: lua_pushstring(L, v->str); break;
	case VAL_INT: lua_pushinteger(L, v->num); break;
	case VAL_ADDR: lua_pushstring(L, ipaddr_format(&v->ip.addr, text)); break;
	case VAL_PREFIX: lua_pushstring(L, ipprefix_format(&v->ip, text)); break;
	case VAL_MAC: lua_pushstring(L, mac_format(v->mac, 6, text)); break;
	case VAL_LIVE: push_live(L, v->live); break;
	case VAL_RANGE:
	case VAL_GLOB:
	case VAL_CONCAT:
	case VAL_LIST:
	case VAL_MAP:
	case VAL_OBJ: push_value_of(L, v); break;
	}
}

static int fn_prefix(lua_State *L)
{
	struct ipprefix p;
	size_t n;

	check_count(L, "nft.prefix", 1, 1, 1);
	if (record_kind(L, 1) == NET_ADDR) {
		lua_getfield(L, 1, "network");
		lua_replace(L, 1);
	}
	const char *s = check_string(L, "nft.prefix", 1, 1, &n);
	struct val *v = push_value(L);

	if (strlen(s) != n || !ipprefix_parse(s, &p)) {
		lua_pushnil(L);
		lua_pushfstring(L, "\"%s\" is no prefix", s);
		return 2;
	}
	*v = val_prefix(&p);
	return 1;
}

/* Addresses and numbers have an order; what words stand for is known where they are used. */
static bool backwards(const struct val *a, const struct val *b)
{
	struct ipaddr from, to;
	uint64_t first, last;

	if (a->kind == VAL_INT)
		return a->num > b->num;
	if (a->kind == VAL_ADDR)
		return a->ip.addr.family == b->ip.addr.family && ipaddr_cmp(&a->ip.addr, &b->ip.addr) > 0;
	if (a->kind != VAL_STRING)
		return false;
	if (ipaddr_parse(a->str, &from) && ipaddr_parse(b->str, &to))
		return from.family == to.family && ipaddr_cmp(&from, &to) > 0;
	return parse_u64(a->str, UINT64_MAX, &first) && parse_u64(b->str, UINT64_MAX, &last) && first > last;
}

static int fn_range(lua_State *L)
{
	_err_ struct err e = ERR_INIT;

	check_count(L, "nft.range", 1, 2, 2);
	for (int i = 1; i <= 2; i++)
		if (lua_type(L, i) != LUA_TSTRING && lua_type(L, i) != LUA_TNUMBER)
			check_arg_fail(L, "nft.range", i, 1, "a string or a number");
	struct val *v = push_value(L);

	v->kind = VAL_RANGE; /* the userdata owns every step */
	v->list = xcalloc(2, sizeof(*v->list));
	v->n = 2;
	for (int i = 0; i < 2; i++)
		if (value_of(L, i + 1, 0, &v->list[i], &e) < 0)
			return check_nil(L, &e);
	if (v->list[0].kind != v->list[1].kind) {
		lua_pushnil(L);
		lua_pushliteral(L, "both ends of a range must be of one kind");
		return 2;
	}
	if (backwards(&v->list[0], &v->list[1])) {
		lua_pushnil(L);
		lua_pushliteral(L, "the range ends before it begins");
		return 2;
	}
	return 1;
}

static int fn_glob(lua_State *L)
{
	size_t n;

	check_count(L, "nft.glob", 1, 1, 1);
	const char *s = check_string(L, "nft.glob", 1, 1, &n);
	struct val *v = push_value(L);

	if (n < 2 || n > 15 || s[n - 1] != '*' || memchr(s, '*', n) != s + n - 1 || !text_is_clean(s, n)) {
		lua_pushnil(L);
		lua_pushfstring(L, "\"%s\" is no glob: 1 to 14 bytes of a name and one * at the end", s);
		return 2;
	}
	*v = val_string(s, n);
	v->kind = VAL_GLOB;
	return 1;
}

static int fn_name(lua_State *L)
{
	char out[NFT_NAME_MAXLEN];
	size_t n;

	check_count(L, "nft.name", 1, 1, 1);
	const char *s = check_string(L, "nft.name", 1, 1, &n);

	nft_name_make(s, n, out);
	lua_pushstring(L, out);
	return 1;
}

void nft_functions(lua_State *L)
{
	static const luaL_Reg fns[] = { { "prefix", fn_prefix }, { "range", fn_range }, { "glob", fn_glob },
		{ "name", fn_name }, { NULL, NULL } };

	luaL_setfuncs(L, fns, 0);
}
