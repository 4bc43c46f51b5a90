// SPDX-License-Identifier: GPL-2.0-or-later
/* The table `net`: queries over the mirror, and arithmetic on addresses. */
#include <errno.h>
#include <lauxlib.h>
#include <string.h>
#include <sys/socket.h>

#include "script/check.h"
#include "script/internal.h"

static int query_fn(lua_State *L, enum net_kind kind, const char *fn)
{
	struct pack *pk = vm_user(L);
	_err_ struct err e = ERR_INIT;
	struct filters fs = { .kind = kind };

	check_count(L, fn, 1, 0, 1);
	vm_charge(L, 100);
	if (lua_gettop(L) == 1) {
		check_table(L, fn, 1, 1);
		if (query_cache_push(L, pk, kind, 1))
			return 1;
		if (filters_from(L, 1, &fs, NULL, &e) < 0) {
			filters_free(&fs);
			check_raise(L, fn, &e);
		}
	}
	push_query(L, pk, &fs);
	if (lua_gettop(L) == 2)
		query_cache_keep(L, pk, kind, 1);
	return 1;
}

static int net_links(lua_State *L)
{
	return query_fn(L, NET_LINK, "net.links");
}

static int net_addrs(lua_State *L)
{
	return query_fn(L, NET_ADDR, "net.addrs");
}

static int net_routes(lua_State *L)
{
	return query_fn(L, NET_ROUTE, "net.routes");
}

static int net_rules(lua_State *L)
{
	return query_fn(L, NET_RULE, "net.rules");
}

static int net_neighs(lua_State *L)
{
	return query_fn(L, NET_NEIGH, "net.neighs");
}

static int fn_link(lua_State *L)
{
	struct pack *pk = vm_user(L);
	_err_ struct err e = ERR_INIT;
	struct filters fs = { .kind = NET_LINK };
	size_t n;

	check_count(L, "net.link", 1, 1, 1);
	const char *name = check_string(L, "net.link", 1, 1, &n);

	if (!text_is_clean(name, n) || n >= IFNAMSIZ || glob_is(name) || *name == '!')
		return luaL_error(L, "net.link: \"%s\" is no name of a link", name);
	vm_charge(L, 100);
	if (filters_add(&fs, "name", name, &e) < 0) {
		filters_free(&fs);
		check_raise(L, "net.link", &e);
	}
	push_query(L, pk, &fs);
	struct query *q = live_base(to_live(L, -1));

	read_query(L, pk, q, "net.link");
	const struct net_rec *r = query_at(q, 0);

	if (r)
		push_record(L, r);
	else
		lua_pushnil(L);
	return 1;
}

static int net_zones(lua_State *L)
{
	struct pack *pk = vm_user(L);
	const char *zone;

	check_count(L, "net.zones", 1, 0, 0);
	if (pk->run->kind == RUN_MAIN)
		return luaL_error(L, "net.zones: zones are read in an rnm.block(), as queries are");
	lua_newtable(L);
	for (unsigned i = 0; (zone = mirror_zone_at(pk->s->mirror, i)) != NULL; i++) {
		lua_pushstring(L, zone);
		lua_rawseti(L, -2, (int)i + 1);
	}
	return 1;
}

/* An argument that is no string, record or value is a mistake; a bad string comes from outside: nil, message.
 */
static void check_address(lua_State *L, const char *fn, int idx)
{
	if (lua_type(L, idx) != LUA_TSTRING && record_kind(L, idx) < 0 && !to_value(L, idx))
		check_arg_fail(L, fn, idx, 1, "an address or prefix");
}

static int net_contains(lua_State *L)
{
	_err_ struct err e = ERR_INIT;
	struct ipprefix outer, inner;
	bool bare;

	check_count(L, "net.contains", 1, 2, 2);
	check_address(L, "net.contains", 1);
	check_address(L, "net.contains", 2);
	if (prefix_of(L, 1, &outer, &bare, &e) < 0 || prefix_of(L, 2, &inner, &bare, &e) < 0)
		return check_nil(L, &e);
	lua_pushboolean(L, ipprefix_contains(&outer, &inner));
	return 1;
}

static int net_subnet(lua_State *L)
{
	_err_ struct err e = ERR_INIT;
	struct ipprefix p, out;
	char text[IPPREFIX_STRLEN];
	bool bare;

	check_count(L, "net.subnet", 1, 3, 3);
	check_address(L, "net.subnet", 1);
	for (int i = 2; i <= 3; i++)
		if (!lua_isinteger(L, i))
			check_arg_fail(L, "net.subnet", i, 1, "an integer");
	lua_Integer newlen = lua_tointeger(L, 2), index = lua_tointeger(L, 3);

	if (prefix_of(L, 1, &p, &bare, &e) < 0)
		return check_nil(L, &e);
	if (newlen < 0 || newlen > 128 || index < 0 ||
		!ipprefix_subnet(&p, (unsigned)newlen, (uint64_t)index, &out)) {
		lua_pushnil(L);
		lua_pushfstring(
			L, "%s has no subnet %I of length %I", ipprefix_format(&p, text), index, newlen);
		return 2;
	}
	lua_pushstring(L, ipprefix_format(&out, text));
	return 1;
}

static int net_host(lua_State *L)
{
	_err_ struct err e = ERR_INIT;
	struct ipprefix p, suffix;
	struct ipaddr out;
	char text[IPADDR_STRLEN];
	bool bare;

	check_count(L, "net.host", 1, 2, 2);
	check_address(L, "net.host", 1);
	check_address(L, "net.host", 2);
	if (prefix_of(L, 1, &p, &bare, &e) < 0 || prefix_of(L, 2, &suffix, &bare, &e) < 0)
		return check_nil(L, &e);
	if (!ipprefix_host(&p, &suffix.addr, &out)) {
		lua_pushnil(L);
		lua_pushliteral(L, "prefix and suffix are of different families");
		return 2;
	}
	lua_pushstring(L, ipaddr_format(&out, text));
	return 1;
}

void lua_net_open(lua_State *L)
{
	static const luaL_Reg fns[] = {
		{ "links", net_links },
		{ "addrs", net_addrs },
		{ "routes", net_routes },
		{ "rules", net_rules },
		{ "neighs", net_neighs },
		{ "link", fn_link },
		{ "zones", net_zones },
		{ "contains", net_contains },
		{ "subnet", net_subnet },
		{ "host", net_host },
		{ NULL, NULL },
	};

	lua_query_open(L);
	luaL_newlib(L, fns);
	strict_table(L, "net");
	lua_setglobal(L, "net");
}
