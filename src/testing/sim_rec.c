// SPDX-License-Identifier: GPL-2.0-or-later
#include "testing/sim_rec.h"

#include <errno.h>
#include <lauxlib.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

const char *const sim_kinds[] = { "link", "addr", "route", "rule", "neigh", NULL };

struct word {
	const char *name;
	uint32_t num;
};

static const char *str(lua_State *L, int idx, const char *field)
{
	const char *s = NULL;

	if (lua_getfield(L, idx, field) == LUA_TSTRING)
		s = lua_tostring(L, -1); /* the table keeps it */
	lua_pop(L, 1);
	return s;
}

static uint32_t num(lua_State *L, int idx, const char *field, uint32_t def)
{
	uint32_t n = def;

	if (lua_getfield(L, idx, field) == LUA_TNUMBER)
		n = (uint32_t)lua_tointeger(L, -1);
	lua_pop(L, 1);
	return n;
}

static bool flag(lua_State *L, int idx, const char *field, bool def)
{
	bool b = def;

	if (lua_getfield(L, idx, field) == LUA_TBOOLEAN)
		b = lua_toboolean(L, -1);
	lua_pop(L, 1);
	return b;
}

static void copy(char *to, size_t cap, const char *s)
{
	if (s)
		strncpy(to, s, cap - 1);
}

static uint32_t word(lua_State *L, int idx, const char *field, const struct word *words, uint32_t def)
{
	const char *s = str(L, idx, field);

	for (; s && words->name; words++)
		if (strcmp(words->name, s) == 0)
			return words->num;
	return num(L, idx, field, def);
}

static bool prefix(const char *s, struct ipprefix *p)
{
	return s && ipprefix_parse(s, p);
}

static int read_link(lua_State *L, int idx, struct net_link *l, struct err *e)
{
	const char *mac = str(L, idx, "mac");

	l->ifindex = num(L, idx, "ifindex", 0);
	l->mtu = num(L, idx, "mtu", 1500);
	l->master = num(L, idx, "master", 0);
	l->up = flag(L, idx, "up", true);
	l->carrier = flag(L, idx, "carrier", l->up);
	l->operstate = l->carrier ? 6 : 2; /* IF_OPER_UP, IF_OPER_DOWN */
	l->flags = (l->up ? IFF_UP : 0u) | (l->carrier ? 1u << 16 : 0u);
	l->type = 1; /* Ethernet */
	copy(l->name, sizeof(l->name), str(L, idx, "name"));
	copy(l->link_kind, sizeof(l->link_kind), str(L, idx, "kind"));
	if (mac && !mac_parse(mac, l->mac))
		return err_set(e, -EINVAL, "link: bad mac %s", mac);
	l->mac_len = mac ? 6 : 0;
	if (!l->ifindex || !l->name[0])
		return err_set(e, -EINVAL, "link: name and ifindex needed");
	return 0;
}

static uint8_t addr_scope(const struct ipaddr *a)
{
	if (a->family == AF_INET)
		return a->b[0] == 127                     ? RT_SCOPE_HOST
		       : a->b[0] == 169 && a->b[1] == 254 ? RT_SCOPE_LINK
							  : RT_SCOPE_UNIVERSE;
	if (a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80)
		return RT_SCOPE_LINK;
	for (int i = 0; i < 15; i++)
		if (a->b[i])
			return RT_SCOPE_UNIVERSE;
	return a->b[15] == 1 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
}

static int read_addr(lua_State *L, int idx, struct net_addr *a, struct err *e)
{
	static const struct word scopes[] = { { "global", RT_SCOPE_UNIVERSE }, { "link", RT_SCOPE_LINK },
		{ "host", RT_SCOPE_HOST }, { NULL, 0 } };
	const char *s = str(L, idx, "address"), *peer = str(L, idx, "peer");

	a->ifindex = num(L, idx, "ifindex", 0);
	if (!a->ifindex || !prefix(s, &a->prefix))
		return err_set(e, -EINVAL, "addr: ifindex and address needed (%s)", s ? s : "none");
	if (peer && !ipaddr_parse(peer, &a->peer))
		return err_set(e, -EINVAL, "addr: bad peer");
	a->scope = (uint8_t)word(L, idx, "scope", scopes, addr_scope(&a->prefix.addr));
	a->valid_lft = num(L, idx, "valid_lft", UINT32_MAX);
	a->preferred_lft = num(L, idx, "preferred_lft", a->valid_lft);
	a->flags = a->valid_lft == UINT32_MAX ? IFA_F_PERMANENT : 0;
	a->flags |= flag(L, idx, "tentative", false) ? IFA_F_TENTATIVE : 0;
	a->flags |= flag(L, idx, "optimistic", false) ? IFA_F_OPTIMISTIC : 0;
	a->flags |= flag(L, idx, "dadfailed", false) ? IFA_F_DADFAILED : 0;
	a->flags |= flag(L, idx, "temporary", false) ? IFA_F_TEMPORARY : 0;
	return 0;
}

static int read_route(lua_State *L, int idx, struct net_route *r, struct err *e)
{
	static const struct word tables[] = { { "main", RT_TABLE_MAIN }, { "local", RT_TABLE_LOCAL },
		{ NULL, 0 } };
	static const struct word protocols[] = { { "kernel", RTPROT_KERNEL }, { "boot", RTPROT_BOOT },
		{ "static", RTPROT_STATIC }, { "ra", RTPROT_RA }, { "dhcp", RTPROT_DHCP },
		{ "bgp", RTPROT_BGP }, { NULL, 0 } };
	const char *dst = str(L, idx, "dst"), *gw = str(L, idx, "gateway"), *family = str(L, idx, "family");

	if (gw && !ipaddr_parse(gw, &r->gateway))
		return err_set(e, -EINVAL, "route: bad gateway %s", gw);
	if (dst && strcmp(dst, "default") != 0) {
		if (!prefix(dst, &r->dst))
			return err_set(e, -EINVAL, "route: bad dst %s", dst);
	} else {
		r->dst.addr.family = r->gateway.family                       ? r->gateway.family
				     : family && strcmp(family, "ipv6") == 0 ? AF_INET6
									     : AF_INET;
	}
	r->family = r->dst.addr.family;
	r->ifindex = num(L, idx, "ifindex", 0);
	r->table = word(L, idx, "table", tables, RT_TABLE_MAIN);
	r->metric = num(L, idx, "metric", 0);
	r->protocol = (uint8_t)word(L, idx, "protocol", protocols, RTPROT_STATIC);
	r->type = RTN_UNICAST;
	r->scope = r->gateway.family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	return 0;
}

static int read_rule(lua_State *L, int idx, struct net_rule *r, struct err *e)
{
	const char *family = str(L, idx, "family"), *src = str(L, idx, "src"), *dst = str(L, idx, "dst");

	r->family = family && strcmp(family, "ipv6") == 0 ? AF_INET6 : AF_INET;
	r->action = FR_ACT_TO_TBL;
	r->priority = num(L, idx, "priority", 32000);
	r->table = num(L, idx, "table", RT_TABLE_MAIN);
	r->fwmark = num(L, idx, "fwmark", 0);
	r->fwmask = r->fwmark ? UINT32_MAX : 0;
	if ((src && !prefix(src, &r->src)) || (dst && !prefix(dst, &r->dst)))
		return err_set(e, -EINVAL, "rule: bad src or dst");
	copy(r->iif, sizeof(r->iif), str(L, idx, "iif"));
	copy(r->oif, sizeof(r->oif), str(L, idx, "oif"));
	return 0;
}

static int read_neigh(lua_State *L, int idx, struct net_neigh *n, struct err *e)
{
	static const struct word states[] = { { "incomplete", NUD_INCOMPLETE },
		{ "reachable", NUD_REACHABLE }, { "stale", NUD_STALE }, { "delay", NUD_DELAY },
		{ "probe", NUD_PROBE }, { "failed", NUD_FAILED }, { "noarp", NUD_NOARP },
		{ "permanent", NUD_PERMANENT }, { NULL, 0 } };
	const char *a = str(L, idx, "address"), *mac = str(L, idx, "mac");

	n->ifindex = num(L, idx, "ifindex", 0);
	if (!n->ifindex || !a || !ipaddr_parse(a, &n->address))
		return err_set(e, -EINVAL, "neigh: ifindex and address needed");
	n->family = n->address.family;
	n->state = (uint16_t)word(L, idx, "state", states, NUD_REACHABLE);
	n->flags = flag(L, idx, "router", false) ? NTF_ROUTER : 0;
	if (mac && !mac_parse(mac, n->mac))
		return err_set(e, -EINVAL, "neigh: bad mac %s", mac);
	n->mac_len = mac ? 6 : 0;
	return 0;
}

int sim_record_read(lua_State *L, int idx, enum net_kind kind, struct sim_change *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	out->rec.kind = kind;
	if (lua_type(L, idx) != LUA_TTABLE)
		return err_set(e, -EINVAL, "a record must be a table");
	switch (kind) {
	case NET_LINK: return read_link(L, idx, &out->link, e);
	case NET_ADDR: return read_addr(L, idx, &out->addr, e);
	case NET_ROUTE: return read_route(L, idx, &out->route, e);
	case NET_RULE: return read_rule(L, idx, &out->rule, e);
	case NET_NEIGH: return read_neigh(L, idx, &out->neigh, e);
	case NET_KINDS: break;
	}
	return err_set(e, -EINVAL, "no kind");
}

int sim_change_read(lua_State *L, int idx, struct sim_change *out, struct err *e)
{
	const char *verb, *kind;
	int rc = -EINVAL;

	luaL_checktype(L, idx, LUA_TTABLE);
	lua_rawgeti(L, idx, 1);
	lua_rawgeti(L, idx, 2);
	lua_rawgeti(L, idx, 3);
	verb = luaL_checkstring(L, -3);
	kind = luaL_checkstring(L, -2);
	for (int k = 0; k < NET_KINDS; k++)
		if (strcmp(kind, sim_kinds[k]) == 0)
			rc = sim_record_read(L, lua_gettop(L), (enum net_kind)k, out, e);
	lua_pop(L, 3);
	out->del = strcmp(verb, "del") == 0;
	return rc < 0 ? err_set(e, rc, "no kind of record: %s", kind) : 0;
}
