// SPDX-License-Identifier: GPL-2.0-or-later
/* Records and events as Lua tables. The hot path of every hook: sized tables, literal field names. */
#include <lauxlib.h>
#include <stdio.h>
#include <sys/socket.h>

#include "nft/watch.h"
#include "script/internal.h"

static const char *const record_types[NET_KINDS] = {
	[NET_LINK] = "link record",
	[NET_ADDR] = "address record",
	[NET_ROUTE] = "route record",
	[NET_RULE] = "rule record",
	[NET_NEIGH] = "neighbour record",
};
static const char meta_key[NET_KINDS];

void lua_event_open(lua_State *L)
{
	for (int k = 0; k < NET_KINDS; k++) {
		type_new(L, record_types[k], (enum tag)(TAG_RECORD + k), NULL, NULL);
		luaL_getmetatable(L, record_types[k]);
		lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key[k]);
	}
}

static void push_nexthops(lua_State *L, const struct net_route *route)
{
	char text[IPADDR_STRLEN];

	lua_createtable(L, route->n_nexthops, 0);
	for (uint16_t i = 0; i < route->n_nexthops; i++) {
		const struct net_nexthop *h = &route->nexthops[i];

		lua_createtable(L, 0, 3);
		if (h->gateway.family) {
			lua_pushstring(L, ipaddr_format(&h->gateway, text));
			lua_setfield(L, -2, "gateway");
		}
		if (h->iface[0]) {
			lua_pushstring(L, h->iface);
			lua_setfield(L, -2, "iface");
		}
		lua_pushinteger(L, h->weight);
		lua_setfield(L, -2, "weight");
		lua_rawseti(L, -2, i + 1);
	}
}

void push_field(lua_State *L, const struct net_field *f, const struct net_val *v)
{
	char text[MAC_STRLEN];

	if (v->absent) {
		lua_pushnil(L);
		return;
	}
	switch (v->type) {
	case NF_U32: lua_pushinteger(L, (lua_Integer)v->num); break;
	case NF_BOOL: lua_pushboolean(L, v->num != 0); break;
	case NF_STR: lua_pushstring(L, v->str); break;
	case NF_ADDR: lua_pushstring(L, ipaddr_format(&v->prefix.addr, text)); break;
	case NF_PREFIX:
		if (v->prefix.len == 0)
			lua_pushliteral(L, "default");
		else
			lua_pushstring(L, ipprefix_format(&v->prefix, text));
		break;
	case NF_MAC: lua_pushstring(L, mac_format(v->mac, v->mac_len, text)); break;
	case NF_FAMILY:
		if (v->num == AF_INET)
			lua_pushliteral(L, "ipv4");
		else
			lua_pushliteral(L, "ipv6");
		break;
	case NF_ENUM:
		if (v->str) {
			lua_pushstring(L, v->str);
		} else {
			snprintf(text, sizeof(text), "%llu", (unsigned long long)v->num);
			lua_pushstring(L, text);
		}
		break;
	case NF_FLAGS:
		lua_createtable(L, 0, __builtin_popcountll(v->num));
		for (unsigned bit = 0; bit < 64 && v->num >> bit; bit++) {
			const char *name = v->num >> bit & 1 ? f->flag_name(bit) : NULL;

			if (!name)
				continue;
			lua_pushboolean(L, true);
			lua_setfield(L, -2, name);
		}
		break;
	case NF_NEXTHOPS:
		if (v->route && v->route->n_nexthops)
			push_nexthops(L, v->route);
		else
			lua_pushnil(L);
		break;
	}
}

static void set_fields(lua_State *L, const struct net_rec *r)
{
	unsigned n;
	const struct net_field *f = net_fields(r->kind, &n);
	struct net_val v;

	for (unsigned i = 0; i < n; i++) {
		f[i].get(r, &v);
		if (v.absent)
			continue;
		push_field(L, &f[i], &v);
		lua_setfield(L, -2, f[i].name);
	}
}

static void set_type(lua_State *L, enum net_kind kind)
{
	lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key[kind]);
	lua_setmetatable(L, -2);
}

void push_record(lua_State *L, const struct net_rec *r)
{
	unsigned n;

	luaL_checkstack(L, 8, NULL);
	net_fields(r->kind, &n);
	lua_createtable(L, 0, (int)n);
	set_fields(L, r);
	set_type(L, r->kind);
}

int record_kind(lua_State *L, int idx)
{
	enum tag tag = lua_type(L, idx) == LUA_TTABLE ? type_tag(L, idx) : TAG_NONE;

	return tag >= TAG_RECORD && tag < (enum tag)(TAG_RECORD + NET_KINDS) ? (int)tag - (int)TAG_RECORD
									     : -1;
}

static void push_changed(lua_State *L, const struct run *r)
{
	unsigned n;
	const struct net_field *f = net_fields(r->rec->kind, &n);
	struct net_val was, is;

	lua_createtable(L, 0, 2);
	for (unsigned i = 0; i < n; i++) {
		if (f[i].lifetime && !r->lifetimes)
			continue;
		f[i].get(r->nev->before, &was);
		f[i].get(r->nev->after, &is);
		if (net_val_equal(&was, &is))
			continue;
		if (was.absent) /* it had none: false, so that the field shows up at all */
			lua_pushboolean(L, false);
		else
			push_field(L, &f[i], &was);
		lua_setfield(L, -2, f[i].name);
	}
}

static void set_common(lua_State *L, const struct run *r)
{
	lua_pushstring(L, event_name(r->ev));
	lua_setfield(L, -2, "name");
	lua_pushinteger(L, (lua_Integer)(r->nev ? r->nev->seq : r->pk->s->seq));
	lua_setfield(L, -2, "seq");
	lua_pushnumber(L, r->nev ? r->nev->time : wall_s());
	lua_setfield(L, -2, "time");
}

static void set_str(lua_State *L, const char *field, const char *s)
{
	lua_pushstring(L, s);
	lua_setfield(L, -2, field);
}

static void push_nft_change(lua_State *L, const struct nft_change *c)
{
	lua_createtable(L, 0, 6);
	set_str(L, "action", c->del ? "del" : "add");
	set_str(L, "kind", change_kind_word(c));
	set_str(L, "family", nft_family_name(c->family));
	set_str(L, "table", c->table);
	if (c->name)
		set_str(L, "object", c->name);
	lua_pushinteger(L, c->count);
	lua_setfield(L, -2, "count");
}

static void set_generation(lua_State *L, const struct nft_generation *g)
{
	if (g->pid) {
		lua_pushinteger(L, g->pid);
		lua_setfield(L, -2, "pid");
	}
	set_str(L, "process", g->pid ? g->process : "unknown");
	if (g->id) {
		lua_pushinteger(L, g->id);
		lua_setfield(L, -2, "generation");
	}
	lua_createtable(L, (int)g->changes.n, 0);
	for (uint32_t i = 0; i < g->changes.n; i++) {
		push_nft_change(L, &g->changes.v[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "changes");
}

void push_event(lua_State *L, const struct run *r)
{
	unsigned n = 0;

	luaL_checkstack(L, 8, NULL);
	if (!r->rec) {
		lua_createtable(L, 0, 5);
		set_common(L, r);
		if (r->gen) {
			set_generation(L, r->gen);
			return;
		}
		if (r->kind == RUN_LIFECYCLE) {
			lua_pushstring(L, r->reason ? r->reason : "");
			lua_setfield(L, -2, "reason");
			return;
		}
		lua_pushstring(L, r->topic);
		lua_setfield(L, -2, "topic");
		lua_createtable(L, 0, (int)r->n_kv);
		for (uint32_t i = 0; i < r->n_kv; i++) {
			lua_pushstring(L, r->kv[2 * i + 1]);
			lua_setfield(L, -2, r->kv[2 * i]);
		}
		lua_setfield(L, -2, "data");
		return;
	}
	net_fields(r->rec->kind, &n);
	if (r->rec->kind == NET_LINK) {
		lua_createtable(L, 0, 7);
		push_record(L, r->rec);
		lua_setfield(L, -2, "link");
	} else {
		lua_createtable(L, 0, (int)n + 6);
		set_fields(L, r->rec);
		set_type(L, r->rec->kind);
	}
	set_common(L, r);
	lua_pushstring(L, net_action_name(r->action));
	lua_setfield(L, -2, "action");
	if (r->initial) {
		lua_pushboolean(L, true);
		lua_setfield(L, -2, "initial");
	}
	if (r->action == NET_CHANGE && r->nev) {
		push_changed(L, r);
		lua_setfield(L, -2, "changed");
	}
}
