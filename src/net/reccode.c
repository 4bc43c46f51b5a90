// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/reccode.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/jread.h"
#include "base/json.h"
#include "net/records.h"

#define NEXTHOPS_MAX 256

enum mtype { M_U8, M_U16, M_U32, M_HEX64, M_BOOL, M_STR, M_ADDR, M_PREFIX, M_MAC };

struct member {
	const char *name;
	enum mtype type;
	size_t at, size; /* M_MAC: the length's byte follows the bytes */
};

/* clang-format off */
#define M(kind, field, mtype) { #field, mtype, offsetof(struct net_##kind, field), sizeof(((struct net_##kind *)0)->field) }
static const struct member link_members[] = {
	M(link, ifindex, M_U32), M(link, mtu, M_U32), M(link, master, M_U32), M(link, flags, M_U32),
	M(link, operstate, M_U8), M(link, type, M_U16), M(link, mac, M_MAC), M(link, name, M_STR),
	M(link, link_kind, M_STR), M(link, up, M_BOOL), M(link, carrier, M_BOOL), { NULL, 0, 0, 0 },
};
static const struct member addr_members[] = {
	M(addr, ifindex, M_U32), M(addr, prefix, M_PREFIX), M(addr, peer, M_ADDR), M(addr, scope, M_U8),
	M(addr, flags, M_U32), M(addr, valid_lft, M_U32), M(addr, preferred_lft, M_U32), { NULL, 0, 0, 0 },
};
static const struct member route_members[] = {
	M(route, family, M_U8), M(route, protocol, M_U8), M(route, type, M_U8), M(route, scope, M_U8),
	M(route, tos, M_U8), M(route, table, M_U32), M(route, metric, M_U32), M(route, ifindex, M_U32),
	M(route, dst, M_PREFIX), M(route, src, M_PREFIX), M(route, gateway, M_ADDR), M(route, prefsrc, M_ADDR),
	{ NULL, 0, 0, 0 },
};
static const struct member rule_members[] = {
	M(rule, family, M_U8), M(rule, action, M_U8), M(rule, protocol, M_U8), M(rule, priority, M_U32),
	M(rule, table, M_U32), M(rule, fwmark, M_U32), M(rule, fwmask, M_U32), M(rule, src, M_PREFIX),
	M(rule, dst, M_PREFIX), M(rule, iif, M_STR), M(rule, oif, M_STR), M(rule, invert, M_BOOL),
	M(rule, extra, M_HEX64), { NULL, 0, 0, 0 },
};
static const struct member neigh_members[] = {
	M(neigh, family, M_U8), M(neigh, flags, M_U8), M(neigh, mac, M_MAC), M(neigh, state, M_U16),
	M(neigh, ifindex, M_U32), M(neigh, address, M_ADDR), { NULL, 0, 0, 0 },
};
static const struct member nexthop_members[] = {
	M(nexthop, gateway, M_ADDR), M(nexthop, ifindex, M_U32), M(nexthop, weight, M_U32), { NULL, 0, 0, 0 },
};
/* clang-format on */

static const struct member *const members[NET_KINDS] = {
	[NET_LINK] = link_members,
	[NET_ADDR] = addr_members,
	[NET_ROUTE] = route_members,
	[NET_RULE] = rule_members,
	[NET_NEIGH] = neigh_members,
};

/* ---- writing ---- */

static void put_member(const struct member *m, const uint8_t *p, struct json *j)
{
	char text[MAC_STRLEN];
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (m->type) {
	case M_U8:
		if (*p)
			json_unsigned(j, m->name, *p);
		break;
	case M_U16:
		memcpy(&u16, p, sizeof(u16));
		if (u16)
			json_unsigned(j, m->name, u16);
		break;
	case M_U32:
		memcpy(&u32, p, sizeof(u32));
		if (u32)
			json_unsigned(j, m->name, u32);
		break;
	case M_HEX64:
		memcpy(&u64, p, sizeof(u64));
		if (u64) {
			_autofree_ char *hex = xasprintf("%llx", (unsigned long long)u64);

			json_text(j, m->name, hex);
		}
		break;
	case M_BOOL:
		if (*p)
			json_bool(j, m->name, true);
		break;
	case M_STR:
		if (*p)
			json_bytes(j, m->name, (const char *)p, strnlen((const char *)p, m->size));
		break;
	case M_ADDR:
		if (((const struct ipaddr *)p)->family)
			json_text(j, m->name, ipaddr_format((const struct ipaddr *)p, text));
		break;
	case M_PREFIX:
		if (((const struct ipprefix *)p)->addr.family)
			json_text(j, m->name, ipprefix_format((const struct ipprefix *)p, text));
		break;
	case M_MAC:
		if (p[m->size])
			json_text(j, m->name, mac_format(p, p[m->size], text));
		break;
	}
}

static void put_members(const struct member *m, const void *of, struct json *j)
{
	for (; m->name; m++)
		put_member(m, (const uint8_t *)of + m->at, j);
}

void net_rec_write(const struct net_rec *r, struct json *j)
{
	const struct net_route *route = (const struct net_route *)r;

	put_members(members[r->kind], r, j);
	if (r->kind != NET_ROUTE || !route->n_nexthops)
		return;
	json_open(j, "nexthops", '[');
	for (unsigned i = 0; i < route->n_nexthops; i++) {
		json_open(j, NULL, '{');
		put_members(nexthop_members, &route->nexthops[i], j);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* ---- reading ---- */

static bool take_num(const struct jval *v, int64_t max, int64_t *out)
{
	return jval_int(v, 0, max, out);
}

static bool take_mac(const char *s, uint8_t *to, size_t size)
{
	size_t n = 0;

	for (;; s++) {
		char *end;
		unsigned long b = strtoul(s, &end, 16);

		if (end != s + 2 || n == size || b > 0xff || *s == ' ' || *s == '+' || *s == '-')
			return false;
		to[n++] = (uint8_t)b;
		s = end;
		if (!*s)
			break;
		if (*s != ':')
			return false;
	}
	to[size] = (uint8_t)n;
	return true;
}

static bool take_hex(const char *s, uint64_t *out)
{
	char *end;

	if (!*s || strlen(s) > 16 || strspn(s, "0123456789abcdef") != strlen(s))
		return false;
	*out = strtoull(s, &end, 16);
	return !*end;
}

static bool take_member(const struct member *m, const struct jval *v, uint8_t *p)
{
	const char *s = v->type == J_STRING ? jval_text(v) : NULL;
	int64_t n;

	switch (m->type) {
	case M_U8:
		if (!take_num(v, UINT8_MAX, &n))
			return false;
		*p = (uint8_t)n;
		return true;
	case M_U16:
		if (!take_num(v, UINT16_MAX, &n))
			return false;
		memcpy(p, &(uint16_t){ (uint16_t)n }, sizeof(uint16_t));
		return true;
	case M_U32:
		if (!take_num(v, UINT32_MAX, &n))
			return false;
		memcpy(p, &(uint32_t){ (uint32_t)n }, sizeof(uint32_t));
		return true;
	case M_BOOL:
		if (v->type != J_BOOL)
			return false;
		*p = v->yes;
		return true;
	case M_HEX64: {
		uint64_t u;

		if (!s || !take_hex(s, &u))
			return false;
		memcpy(p, &u, sizeof(u));
		return true;
	}
	case M_STR:
		if (!s || !*s || v->len >= m->size)
			return false;
		memcpy(p, s, v->len);
		return true;
	case M_ADDR: return s && ipaddr_parse(s, (struct ipaddr *)p);
	case M_PREFIX: return s && ipprefix_parse(s, (struct ipprefix *)p);
	case M_MAC: return s && take_mac(s, p, m->size);
	}
	return false;
}

static int take_members(
	const struct member *list, const struct jval *v, const char *but, void *to, struct err *e)
{
	if (v->type != J_OBJECT)
		return err_set(e, -EINVAL, "a record must be an object, not %s", jtype_word(v->type));
	for (const struct jval *c = v->first; c; c = c->next) {
		const struct member *m = list;

		if (but && !strcmp(c->name, but))
			continue;
		while (m->name && strcmp(m->name, c->name) != 0)
			m++;
		if (!m->name)
			return err_set(e, -EINVAL, "unknown member \"%.40s\"", c->name);
		if (!take_member(m, c, (uint8_t *)to + m->at))
			return err_set(e, -EINVAL, "\"%s\": bad value %.*s", m->name,
				c->raw_len < 60 ? (int)c->raw_len : 60, c->raw);
	}
	return 0;
}

static int take_nexthops(struct net_route *r, const struct jval *v, struct err *e)
{
	const struct jval *list = jval_get(v, "nexthops");
	int rc = 0;

	if (!list)
		return 0;
	if (list->type != J_ARRAY || !list->n || list->n > NEXTHOPS_MAX)
		return err_set(e, -EINVAL, "\"nexthops\": expected 1 to %d of them", NEXTHOPS_MAX);
	r->nexthops = xcalloc(list->n, sizeof(*r->nexthops));
	for (const struct jval *c = list->first; rc == 0 && c; c = c->next)
		rc = take_members(nexthop_members, c, NULL, &r->nexthops[r->n_nexthops++], e);
	return rc;
}

static bool inet(uint8_t family)
{
	return family == AF_INET || family == AF_INET6;
}

static bool fits(const struct ipaddr *a, uint8_t family)
{
	return !a->family || a->family == family;
}

/* What the mirror may rely on with the kernel's. */
static const char *wrong(const struct net_rec *rec)
{
	switch (rec->kind) {
	case NET_LINK: {
		const struct net_link *l = (const struct net_link *)rec;

		return !l->ifindex ? "ifindex" : !l->name[0] ? "name" : NULL;
	}
	case NET_ADDR: {
		const struct net_addr *a = (const struct net_addr *)rec;

		return !a->ifindex                              ? "ifindex"
		       : !inet(a->prefix.addr.family)           ? "prefix"
		       : !fits(&a->peer, a->prefix.addr.family) ? "peer"
								: NULL;
	}
	case NET_ROUTE: {
		const struct net_route *r = (const struct net_route *)rec;

		if (!inet(r->family) || r->dst.addr.family != r->family)
			return "family";
		for (unsigned i = 0; i < r->n_nexthops; i++)
			if (!r->nexthops[i].ifindex)
				return "nexthops";
		return !fits(&r->src.addr, r->family) || !fits(&r->prefsrc, r->family) ? "src" : NULL;
	}
	case NET_RULE: {
		const struct net_rule *r = (const struct net_rule *)rec;

		return !inet(r->family)                                                   ? "family"
		       : !fits(&r->src.addr, r->family) || !fits(&r->dst.addr, r->family) ? "src"
											  : NULL;
	}
	case NET_NEIGH: {
		const struct net_neigh *n = (const struct net_neigh *)rec;

		return !n->ifindex                                          ? "ifindex"
		       : !inet(n->family) || n->address.family != n->family ? "address"
									    : NULL;
	}
	case NET_KINDS: break;
	}
	return "kind";
}

struct net_rec *net_rec_read(enum net_kind kind, const struct jval *v, struct err *e)
{
	struct net_rec *r = xcalloc(1, net_rec_size(kind));
	const char *bad;
	int rc;

	r->kind = kind;
	rc = take_members(members[kind], v, kind == NET_ROUTE ? "nexthops" : NULL, r, e);
	if (rc == 0 && kind == NET_ROUTE)
		rc = take_nexthops((struct net_route *)r, v, e);
	bad = rc == 0 ? wrong(r) : NULL;
	if (bad)
		rc = err_set(e, -EINVAL, "\"%s\": missing, or it does not fit the rest", bad);
	if (rc == 0)
		return r;
	net_rec_free(r);
	return NULL;
}
