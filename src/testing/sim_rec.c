// SPDX-License-Identifier: GPL-2.0-or-later
#include "testing/sim_rec.h"

#include <errno.h>
#include <lauxlib.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

const char *const sim_kinds[] = { "link", "addr", "route", "rule", "neigh", NULL };

#define RULE_PRIORITY 32000

/* Fields that say how others are read come first. */
static const char *const first[] = { "family", "address", "dst", NULL };

static bool is_first(const char *field)
{
	for (int i = 0; first[i]; i++)
		if (!strcmp(first[i], field))
			return true;
	return false;
}

/* The value at the top of the stack, which is popped. */
static int set_field(lua_State *L, struct net_rec *r, const char *field, struct err *e)
{
	_err_ struct err why = ERR_INIT;
	char number[32];
	const char *text;
	int rc;

	switch (lua_type(L, -1)) {
	case LUA_TSTRING: text = lua_tostring(L, -1); break;
	case LUA_TBOOLEAN: text = lua_toboolean(L, -1) ? "true" : "false"; break;
	case LUA_TNUMBER:
		if (lua_isinteger(L, -1)) {
			snprintf(number, sizeof(number), "%lld", (long long)lua_tointeger(L, -1));
			text = number;
			break;
		} /* fallthrough */
	default:
		return err_set(e, -EINVAL, "%s: %s: a %s is no value of it", net_kind_name(r->kind), field,
			luaL_typename(L, -1));
	}
	rc = net_rec_set_field(r, field, text, &why);
	lua_pop(L, 1);
	return rc < 0 ? err_set(e, rc, "%s: %s", net_kind_name(r->kind), err_text(&why)) : 0;
}

static bool has(lua_State *L, int idx, const char *field)
{
	bool there = lua_getfield(L, idx, field) != LUA_TNIL;

	lua_pop(L, 1);
	return there;
}

static uint8_t scope_of(const struct ipaddr *a)
{
	static const uint8_t loopback[16] = { [15] = 1 };

	if (a->family == AF_INET)
		return a->b[0] == 127                     ? RT_SCOPE_HOST
		       : a->b[0] == 169 && a->b[1] == 254 ? RT_SCOPE_LINK
							  : RT_SCOPE_UNIVERSE;
	if (a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80)
		return RT_SCOPE_LINK;
	return memcmp(a->b, loopback, sizeof(loopback)) ? RT_SCOPE_UNIVERSE : RT_SCOPE_HOST;
}

/* What a kernel would make of what is not said. */
static int complete_link(lua_State *L, int idx, struct net_link *l, struct err *e)
{
	if (!l->ifindex || !l->name[0])
		return err_set(e, -EINVAL, "link: name and ifindex are needed");
	if (!l->up && !has(L, idx, "carrier"))
		return net_rec_set_field(&l->rec, "carrier", "false", e);
	return 0;
}

static int complete_addr(lua_State *L, int idx, struct net_addr *a, struct err *e)
{
	if (!a->ifindex || !a->prefix.addr.family)
		return err_set(e, -EINVAL, "addr: a link and an address are needed");
	if (!has(L, idx, "scope"))
		a->scope = scope_of(&a->prefix.addr);
	if (!has(L, idx, "preferred_lft"))
		a->preferred_lft = a->valid_lft;
	if (a->valid_lft != UINT32_MAX)
		a->flags &= ~(uint32_t)IFA_F_PERMANENT;
	return 0;
}

static void complete_route(lua_State *L, int idx, struct net_route *r)
{
	if (!r->family)
		r->family = r->dst.addr.family = AF_INET;
	if (!has(L, idx, "scope"))
		r->scope = r->gateway.family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
}

static int complete(lua_State *L, int idx, struct net_rec *r, struct err *e)
{
	switch (r->kind) {
	case NET_LINK: return complete_link(L, idx, (struct net_link *)r, e);
	case NET_ADDR: return complete_addr(L, idx, (struct net_addr *)r, e);
	case NET_ROUTE: complete_route(L, idx, (struct net_route *)r); return 0;
	case NET_RULE: {
		struct net_rule *rule = (struct net_rule *)r;

		if (!rule->family)
			rule->family = AF_INET;
		if (!has(L, idx, "priority"))
			rule->priority = RULE_PRIORITY;
		return 0;
	}
	case NET_NEIGH: {
		const struct net_neigh *n = (struct net_neigh *)r;

		return n->ifindex && n->family
			       ? 0
			       : err_set(e, -EINVAL, "neigh: a link and an address are needed");
	}
	case NET_KINDS: break;
	}
	return err_set(e, -EINVAL, "no kind");
}

static int read_fields(lua_State *L, int idx, struct net_rec *r, struct err *e)
{
	int rc = 0;

	for (int i = 0; rc == 0 && first[i]; i++) {
		lua_getfield(L, idx, first[i]);
		if (lua_isnil(L, -1))
			lua_pop(L, 1);
		else
			rc = set_field(L, r, first[i], e);
	}
	lua_pushnil(L);
	while (rc == 0 && lua_next(L, idx)) {
		if (lua_type(L, -2) != LUA_TSTRING)
			return err_set(e, -EINVAL, "%s: fields have names", net_kind_name(r->kind));
		if (is_first(lua_tostring(L, -2)))
			lua_pop(L, 1);
		else
			rc = set_field(L, r, lua_tostring(L, -2), e);
	}
	return rc < 0 ? rc : complete(L, idx, r, e);
}

struct net_rec *sim_record_read(lua_State *L, int idx, enum net_kind kind, struct err *e)
{
	struct net_rec *r;
	int top = lua_gettop(L);

	if (!lua_istable(L, idx)) {
		err_set(e, -EINVAL, "a record must be a table");
		return NULL;
	}
	r = net_rec_new(kind);
	if (read_fields(L, idx, r, e) < 0) {
		net_rec_free(r);
		r = NULL;
	}
	lua_settop(L, top);
	return r;
}

int sim_change_read(lua_State *L, int idx, struct sim_change *out, struct err *e)
{
	const char *verb, *kind;

	out->rec = NULL;
	if (!lua_istable(L, idx))
		return err_set(e, -EINVAL, "a change must be a table");
	lua_rawgeti(L, idx, 1);
	lua_rawgeti(L, idx, 2);
	lua_rawgeti(L, idx, 3);
	verb = lua_tostring(L, -3);
	kind = lua_tostring(L, -2);
	out->verb = verb && !strcmp(verb, "del")    ? SIM_DEL
		    : verb && !strcmp(verb, "down") ? SIM_DOWN
						    : SIM_SET;
	for (int k = 0; kind && k < NET_KINDS; k++)
		if (strcmp(kind, sim_kinds[k]) == 0) {
			out->rec = sim_record_read(L, lua_gettop(L), (enum net_kind)k, e);
			lua_pop(L, 3);
			return out->rec ? 0 : -EINVAL;
		}
	lua_pop(L, 3);
	return err_set(e, -EINVAL, "no kind of record");
}
