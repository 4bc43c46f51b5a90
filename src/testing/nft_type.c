// SPDX-License-Identifier: GPL-2.0-or-later
#include <lauxlib.h>
#include <string.h>

#include "base/text.h"
#include "nft/datatype.h"
#include "testing/nft_type.h"

int testing_nft_type(lua_State *L);

int testing_fail(lua_State *L, struct err *e)
{
	lua_pushnil(L);
	lua_pushstring(L, err_text(e));
	err_free(e);
	return 2;
}

void testing_hex(lua_State *L, const uint8_t *p, size_t n)
{
	_buf_ struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%02x", p[i]);
	lua_pushstring(L, buf_str(&b));
}

static const char *field(lua_State *L, int i, const char *name)
{
	const char *s;

	lua_getfield(L, i, name);
	s = lua_tostring(L, -1);
	lua_pop(L, 1); /* the table keeps it */
	return s;
}

static uint64_t number(lua_State *L, int i, const char *name)
{
	lua_Integer v;

	lua_getfield(L, i, name);
	v = lua_tointeger(L, -1);
	lua_pop(L, 1);
	return (uint64_t)v;
}

static bool list_field(lua_State *L, int i, const char *name, enum val_kind kind, struct val *out)
{
	if (lua_getfield(L, i, name) == LUA_TTABLE) {
		out->kind = kind;
		out->n = (uint32_t)lua_rawlen(L, -1);
		out->list = xcalloc(out->n + 1, sizeof(*out->list));
		for (uint32_t k = 0; k < out->n; k++) {
			lua_rawgeti(L, -1, k + 1);
			out->list[k] = testing_val(L, lua_gettop(L));
			lua_pop(L, 1);
		}
	}
	lua_pop(L, 1);
	return out->kind == kind;
}

static void table_val(lua_State *L, int i, struct val *v)
{
	const char *s;
	struct ipprefix p;

	if ((s = field(L, i, "prefix")) && ipprefix_parse(s, &p))
		*v = val_prefix(&p);
	else if ((s = field(L, i, "addr")) && ipprefix_parse(s, &p))
		*v = val_addr(&p.addr);
	else if ((s = field(L, i, "mac")) && mac_parse(s, v->mac))
		v->kind = VAL_MAC;
	else if ((s = field(L, i, "string")))
		*v = val_string(s, strlen(s));
	else if ((s = field(L, i, "glob")))
		*v = (struct val){ .kind = VAL_GLOB, .str = xstrdup(s) };
	else if ((s = field(L, i, "obj")))
		*v = (struct val){
			.kind = VAL_OBJ, .str = xstrdup(s), .obj_kind = (uint8_t)number(L, i, "kind")
		};
	else if (!list_field(L, i, "range", VAL_RANGE, v) && !list_field(L, i, "concat", VAL_CONCAT, v))
		list_field(L, i, "list", VAL_LIST, v);
	v->timeout_ms = number(L, i, "timeout");
	s = field(L, i, "comment");
	v->comment = s ? xstrdup(s) : NULL;
}

struct val testing_val(lua_State *L, int i)
{
	struct val v = { 0 };

	if (lua_isinteger(L, i))
		v = val_int(lua_tointeger(L, i));
	else if (lua_type(L, i) == LUA_TSTRING)
		v = val_string(lua_tostring(L, i), lua_rawlen(L, i));
	else if (lua_istable(L, i))
		table_val(L, i, &v);
	return v;
}

static uint32_t set_flags(const char *s)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} words[] = { { "constant", NFT_SET_CONSTANT }, { "interval", NFT_SET_INTERVAL },
		{ "timeout", NFT_SET_TIMEOUT }, { "dynamic", NFT_SET_EVAL },
		{ "anonymous", NFT_SET_ANONYMOUS } };
	uint32_t flags = 0;

	for (unsigned i = 0; s && i < ARRAY_SIZE(words); i++)
		if (strstr(s, words[i].name))
			flags |= words[i].flag;
	return flags;
}

int testing_set_info(lua_State *L, int i, struct set_info *out, struct err *e)
{
	const char *name = field(L, i, "name"), *type = field(L, i, "type"), *data = field(L, i, "data");
	int r;

	*out = (struct set_info){ .flags = set_flags(field(L, i, "flags")) };
	snprintf(out->name, sizeof(out->name), "%s", name ? name : "s");
	r = nft_type_parse(type ? type : "", &out->key, e);
	if (r >= 0 && data) {
		out->flags |= NFT_SET_MAP;
		r = nft_type_parse(data, &out->data, e);
	}
	out->obj_type = (uint32_t)number(L, i, "obj_type");
	if (out->obj_type)
		out->flags |= NFT_SET_OBJECT;
	lua_getfield(L, i, "auto_merge");
	out->auto_merge = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return r;
}

/* type(text) → {id, len, family, text} or nil, message */
static int l_type(lua_State *L)
{
	_buf_ struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	struct nft_type t;

	if (nft_type_parse(luaL_checkstring(L, 1), &t, &e) < 0)
		return testing_fail(L, &e);
	nft_type_text(&t, &text);
	lua_newtable(L);
	lua_pushinteger(L, nft_type_id(&t));
	lua_setfield(L, -2, "id");
	lua_pushinteger(L, nft_type_len(&t));
	lua_setfield(L, -2, "len");
	lua_pushinteger(L, nft_type_family(&t));
	lua_setfield(L, -2, "family");
	lua_pushboolean(L, nft_type_is_verdict(&t));
	lua_setfield(L, -2, "verdict");
	lua_pushstring(L, buf_str(&text));
	lua_setfield(L, -2, "text");
	return 1;
}

/* equal(a, b): two types by their texts */
static int l_equal(lua_State *L)
{
	struct nft_type a = { 0 }, b = { 0 };

	nft_type_parse(luaL_checkstring(L, 1), &a, NULL);
	nft_type_parse(luaL_checkstring(L, 2), &b, NULL);
	lua_pushboolean(L, nft_type_equal(&a, &b));
	return 1;
}

/* at(i) → name, id, bits, symbols {name = value}; nothing at the end */
static int l_at(lua_State *L)
{
	const struct datatype *t = datatype_at((unsigned)luaL_checkinteger(L, 1));

	if (!t)
		return 0;
	lua_pushstring(L, t->name);
	lua_pushinteger(L, t->id);
	lua_pushinteger(L, t->bits);
	lua_newtable(L);
	for (const struct dt_symbol *s = t->syms; s && s->name; s++) {
		lua_pushinteger(L, (lua_Integer)s->value);
		lua_setfield(L, -2, s->name);
	}
	return 4;
}

static const struct datatype *check_scalar(lua_State *L, int i)
{
	const struct datatype *t;

	if (lua_isinteger(L, i))
		t = datatype_by_id((enum dt_id)lua_tointeger(L, i));
	else
		t = datatype_by_name(luaL_checkstring(L, i));
	luaL_argcheck(L, t, i, "no such type");
	return t;
}

/* scalar(type, bits, text) → hex or nil, message */
static int l_scalar(lua_State *L)
{
	const struct datatype *t = check_scalar(L, 1);
	uint8_t out[NFT_KEY_MAX];
	struct err e = ERR_INIT;
	int n = datatype_parse(t, (unsigned)luaL_checkinteger(L, 2), luaL_checkstring(L, 3), out, &e);

	if (n < 0)
		return testing_fail(L, &e);
	testing_hex(L, out, (size_t)n);
	return 1;
}

/* print(type, bits, text) → the text as nft lists it */
static int l_print(lua_State *L)
{
	const struct datatype *t = check_scalar(L, 1);
	unsigned bits = (unsigned)luaL_checkinteger(L, 2);
	_buf_ struct buf b = BUF_INIT;
	uint8_t out[NFT_KEY_MAX];
	struct err e = ERR_INIT;

	if (datatype_parse(t, bits, luaL_checkstring(L, 3), out, &e) < 0)
		return testing_fail(L, &e);
	datatype_print(t, bits, out, &b);
	lua_pushstring(L, buf_str(&b));
	return 1;
}

static void push_elem(lua_State *L, const struct set_info *set, const struct setelem *el)
{
	_buf_ struct buf b = BUF_INIT;

	nft_elem_text(set, el, &b);
	lua_newtable(L);
	lua_pushstring(L, buf_str(&b));
	lua_setfield(L, -2, "text");
	testing_hex(L, el->key, el->klen);
	lua_setfield(L, -2, "key");
	if (el->interval) {
		testing_hex(L, el->key_end, el->klen);
		lua_setfield(L, -2, "key_end");
	}
	testing_hex(L, el->data, el->dlen);
	lua_setfield(L, -2, "data");
	lua_pushboolean(L, el->catchall);
	lua_setfield(L, -2, "catchall");
}

/* elem(set, key [, data]) → {text, key, key_end, data, catchall} or nil, message */
static int l_elem(lua_State *L)
{
	struct val key, data = { 0 };
	struct err e = ERR_INIT;
	struct set_info set;
	struct setelem el;
	int r;

	if (testing_set_info(L, 1, &set, &e) < 0)
		return testing_fail(L, &e);
	key = testing_val(L, 2);
	if (!lua_isnoneornil(L, 3))
		data = testing_val(L, 3);
	r = nft_elem_make(&set, &key, lua_isnoneornil(L, 3) ? NULL : &data, &el, &e);
	if (r >= 0)
		push_elem(L, &set, &el);
	val_free(&key);
	val_free(&data);
	return r < 0 ? testing_fail(L, &e) : 1;
}

/* text(value) */
static int l_text(lua_State *L)
{
	struct val v = testing_val(L, 1), copy = val_copy(&v);
	_buf_ struct buf b = BUF_INIT;

	val_free(&v);
	val_text(&copy, &b);
	val_free(&copy);
	lua_pushstring(L, buf_str(&b));
	return 1;
}

static int l_same(lua_State *L)
{
	struct val a = testing_val(L, 1), b = testing_val(L, 2);

	lua_pushboolean(L, val_equal(&a, &b));
	val_free(&a);
	val_free(&b);
	return 1;
}

int testing_nft_type(lua_State *L)
{
	static const luaL_Reg funcs[] = { { "type", l_type }, { "equal", l_equal }, { "at", l_at },
		{ "scalar", l_scalar }, { "print", l_print }, { "elem", l_elem }, { "text", l_text },
		{ "same", l_same }, { NULL, NULL } };

	luaL_newlib(L, funcs);
	testing_nft_batch(L);
	lua_setfield(L, -2, "batch");
	return 1;
}
