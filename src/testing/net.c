// SPDX-License-Identifier: GPL-2.0-or-later
/* core.net: the parser and filters; net_bench.c has mirrors, queries and watches. */
#include <lauxlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/nlparse.h"
#include "testing/net_test.h"
#include "testing/testing.h"

static void push_text(lua_State *L, const struct net_val *v)
{
	struct buf _buf_ text = BUF_INIT;

	net_val_text(v, &text);
	lua_pushstring(L, buf_str(&text));
}

static void push_val(lua_State *L, const struct net_val *v)
{
	switch (v->type) {
	case NF_U32: lua_pushinteger(L, (lua_Integer)v->num); return;
	case NF_BOOL: lua_pushboolean(L, v->num != 0); return;
	case NF_STR:
	case NF_ADDR:
	case NF_PREFIX:
	case NF_MAC:
	case NF_FAMILY:
	case NF_ENUM:
	case NF_FLAGS:
	case NF_NEXTHOPS: break;
	}
	push_text(L, v);
}

void net_test_fields(lua_State *L, const struct net_rec *r)
{
	unsigned n;
	const struct net_field *f = net_fields(r->kind, &n);

	for (unsigned i = 0; i < n; i++) {
		struct net_val v;

		f[i].get(r, &v);
		if (v.absent)
			continue;
		push_val(L, &v);
		lua_setfield(L, -2, f[i].name);
	}
}

void net_test_rec(lua_State *L, const struct net_rec *r)
{
	lua_newtable(L);
	net_test_fields(L, r);
}

enum net_kind net_test_kind(lua_State *L, int arg)
{
	const char *s = luaL_checkstring(L, arg);

	for (unsigned k = 0; k < NET_KINDS; k++)
		if (!strcmp(net_kind_name(k), s))
			return k;
	return (enum net_kind)luaL_argerror(L, arg, "no kind");
}

static int l_parse(lua_State *L)
{
	static const char *const verdicts[] = { "ignore", "set", "del", "malformed" };
	struct nl_msg msg;
	size_t n;
	const char *bytes = luaL_checklstring(L, 1, &n);
	char *copy;

	luaL_argcheck(L, n >= sizeof(struct nlmsghdr), 1, "shorter than a header");
	copy = xmemdup(bytes, n); /* so that the sanitizer sees a read beyond the end */
	nl_parse((struct nlmsghdr *)copy, n, &msg);
	free(copy);
	lua_newtable(L);
	lua_pushstring(L, verdicts[msg.verdict]);
	lua_setfield(L, -2, "verdict");
	if (msg.verdict == NLP_SET || msg.verdict == NLP_DEL) {
		net_test_fields(L, &msg.rec);
		lua_pushstring(L, net_kind_name(msg.rec.kind));
		lua_setfield(L, -2, "is");
		lua_pushboolean(L, msg.replace);
		lua_setfield(L, -2, "replace");
	}
	nl_msg_free(&msg);
	return 1;
}

int net_test_filters(lua_State *L, int arg, struct filters *fs, struct err *e)
{
	int rc = 0;

	lua_settop(L, arg);
	for (lua_pushnil(L); lua_next(L, arg) && !rc; lua_settop(L, arg + 1)) {
		const char *field = lua_tostring(L, arg + 1);

		if (!strcmp(field, "lifetimes")) {
			fs->lifetimes = lua_toboolean(L, arg + 2);
		} else if (lua_istable(L, arg + 2)) {
			for (lua_Integer i = 1; !rc && lua_rawgeti(L, arg + 2, i) != LUA_TNIL; i++) {
				rc = filters_add(fs, field, lua_tostring(L, -1), e);
				lua_settop(L, arg + 2);
			}
		} else if (lua_isboolean(L, arg + 2)) {
			rc = filters_add_num(fs, field, lua_toboolean(L, arg + 2), true, e);
		} else if (lua_isinteger(L, arg + 2)) {
			rc = filters_add_num(fs, field, lua_tointeger(L, arg + 2), false, e);
		} else {
			rc = filters_add(fs, field, lua_tostring(L, arg + 2), e);
		}
	}
	lua_settop(L, arg);
	return rc;
}

int net_test_err(lua_State *L, struct err *e)
{
	lua_pushnil(L);
	lua_pushstring(L, err_text(e));
	err_free(e);
	return 2;
}

static int l_filter(lua_State *L)
{
	struct filters fs = { .kind = net_test_kind(L, 1) };
	struct buf _buf_ text = BUF_INIT;
	struct err e = ERR_INIT;

	if (net_test_filters(L, 2, &fs, &e)) {
		filters_free(&fs);
		return net_test_err(L, &e);
	}
	filters_canon(&fs);
	filters_text(&fs, &text);
	lua_pushstring(L, buf_str(&text));
	filters_free(&fs);
	return 1;
}

static int l_now(lua_State *L)
{
	lua_pushnumber(L, (lua_Number)mono_ns() / 1e9);
	return 1;
}

int testing_net(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "parse", l_parse },
		{ "filter", l_filter },
		{ "mirror", net_test_mirror },
		{ "watch", net_test_watch },
		{ "now", l_now },
		{ NULL, NULL },
	};

	net_test_bench(L);
	luaL_newlib(L, functions);
	return 1;
}
