// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of fields: what filters, Lua, `changed` and texts know of a record. */
#include <linux/neighbour.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "net/names.h"

static void val_num(struct net_val *v, enum net_ftype type, uint64_t num)
{
	*v = (struct net_val){ .type = type, .num = num };
}

static void val_str(struct net_val *v, const char *s)
{
	*v = (struct net_val){ .type = NF_STR, .str = s, .absent = !*s };
}

static void val_enum(struct net_val *v, const struct net_name *names, uint32_t num)
{
	*v = (struct net_val){ .type = NF_ENUM, .num = num, .str = net_name_of(names, num) };
}

static void val_addr(struct net_val *v, const struct ipaddr *a)
{
	*v = (struct net_val){ .type = NF_ADDR, .absent = !a->family };
	v->prefix.addr = *a;
	v->prefix.len = (uint8_t)ipaddr_bits(a);
}

static void val_prefix(struct net_val *v, const struct ipprefix *p)
{
	*v = (struct net_val){ .type = NF_PREFIX, .prefix = *p, .absent = !p->addr.family };
}

static void val_mac(struct net_val *v, const uint8_t *mac, uint8_t len)
{
	*v = (struct net_val){ .type = NF_MAC, .mac = mac, .mac_len = len, .absent = !len };
}

#define GET(kind, field, ...)                                                                                \
	static void kind##_##field(const struct net_rec *rec, struct net_val *v)                             \
	{                                                                                                    \
		const struct net_##kind *r = (const struct net_##kind *)rec;                                 \
		__VA_ARGS__;                                                                                 \
	}
#define GET_U32(kind, field)            GET(kind, field, val_num(v, NF_U32, r->field))
#define GET_BOOL(kind, field)           GET(kind, field, val_num(v, NF_BOOL, r->field))
#define GET_STR(kind, field)            GET(kind, field, val_str(v, r->field))
#define GET_FAMILY(kind, field, member) GET(kind, field, val_num(v, NF_FAMILY, r->member))
#define GET_ENUM(kind, field, names)    GET(kind, field, val_enum(v, names, r->field))
#define GET_ADDR(kind, field)           GET(kind, field, val_addr(v, &r->field))
#define GET_PREFIX(kind, field)         GET(kind, field, val_prefix(v, &r->field))
#define GET_MAC(kind)                   GET(kind, mac, val_mac(v, r->mac, r->mac_len))

/* clang-format off */
GET_U32(link, ifindex)
GET_STR(link, name)
GET(link, kind, val_str(v, r->link_kind))
GET_U32(link, mtu)
GET_MAC(link)
GET_BOOL(link, up)
GET_BOOL(link, carrier)
GET(link, master, val_str(v, r->master_name))
GET_STR(link, zone)

GET_STR(addr, iface)
GET_U32(addr, ifindex)
GET_STR(addr, zone)
GET_FAMILY(addr, family, prefix.addr.family)
GET(addr, address, val_addr(v, &r->prefix.addr))
GET(addr, prefixlen, val_num(v, NF_U32, r->prefix.len))
GET(addr, network, val_prefix(v, &r->prefix); v->prefix.addr = ipaddr_mask(&r->prefix.addr, r->prefix.len))
GET_ENUM(addr, scope, net_scope_names)
GET(addr, flags, val_num(v, NF_FLAGS, net_addr_flag_set(r)); v->flag_name = net_addr_flag_name)
GET_U32(addr, valid_lft)
GET_U32(addr, preferred_lft)
GET_ADDR(addr, peer)

GET_FAMILY(route, family, family)
GET_PREFIX(route, dst)
GET_ADDR(route, gateway)
GET_STR(route, iface)
GET_STR(route, zone)
GET_ENUM(route, table, net_table_names)
GET_U32(route, metric)
GET_ENUM(route, protocol, net_protocol_names)
GET_ENUM(route, type, net_type_names)
GET(route, nexthops, val_num(v, NF_NEXTHOPS, 0); v->route = r; v->absent = !r->n_nexthops)

GET_FAMILY(rule, family, family)
GET_U32(rule, priority)
GET_PREFIX(rule, src)
GET_PREFIX(rule, dst)
GET_STR(rule, iif)
GET_STR(rule, oif)
GET(rule, fwmark, val_num(v, NF_U32, r->fwmark); v->absent = !r->fwmark && !r->fwmask)
GET(rule, table, val_enum(v, net_table_names, r->table); v->absent = !r->table)

GET_FAMILY(neigh, family, family)
GET_ADDR(neigh, address)
GET_MAC(neigh)
GET_STR(neigh, iface)
GET_STR(neigh, zone)
GET_ENUM(neigh, state, net_state_names)
GET(neigh, router, val_num(v, NF_BOOL, !!(r->flags & NTF_ROUTER)))

#define F(kind, field, ftype, ...) { .name = #field, .type = ftype, .get = kind##_##field, ##__VA_ARGS__ }
static const struct net_field link_fields[] = {
	F(link, ifindex, NF_U32),
	F(link, name, NF_STR),
	F(link, kind, NF_STR),
	F(link, mtu, NF_U32),
	F(link, mac, NF_MAC),
	F(link, up, NF_BOOL),
	F(link, carrier, NF_BOOL),
	F(link, master, NF_STR, .derived = true),
	F(link, zone, NF_STR, .derived = true),
};
static const struct net_field addr_fields[] = {
	F(addr, iface, NF_STR, .derived = true),
	F(addr, ifindex, NF_U32),
	F(addr, zone, NF_STR, .derived = true),
	F(addr, family, NF_FAMILY),
	F(addr, address, NF_ADDR),
	F(addr, prefixlen, NF_U32),
	F(addr, network, NF_PREFIX),
	F(addr, scope, NF_ENUM, .names = net_scope_names),
	F(addr, flags, NF_FLAGS, .flag_name = net_addr_flag_name),
	F(addr, valid_lft, NF_U32, .lifetime = true),
	F(addr, preferred_lft, NF_U32, .lifetime = true),
	F(addr, peer, NF_ADDR),
};
static const struct net_field route_fields[] = {
	F(route, family, NF_FAMILY),
	F(route, dst, NF_PREFIX),
	F(route, gateway, NF_ADDR),
	F(route, iface, NF_STR, .derived = true),
	F(route, zone, NF_STR, .derived = true),
	F(route, table, NF_ENUM, .names = net_table_names),
	F(route, metric, NF_U32),
	F(route, protocol, NF_ENUM, .names = net_protocol_names),
	F(route, type, NF_ENUM, .names = net_type_names),
	F(route, nexthops, NF_NEXTHOPS),
};
static const struct net_field rule_fields[] = {
	F(rule, family, NF_FAMILY),
	F(rule, priority, NF_U32),
	F(rule, src, NF_PREFIX),
	F(rule, dst, NF_PREFIX),
	F(rule, iif, NF_STR),
	F(rule, oif, NF_STR),
	F(rule, fwmark, NF_U32),
	F(rule, table, NF_ENUM, .names = net_table_names),
};
static const struct net_field neigh_fields[] = {
	F(neigh, family, NF_FAMILY),
	F(neigh, address, NF_ADDR),
	F(neigh, mac, NF_MAC),
	F(neigh, iface, NF_STR, .derived = true),
	F(neigh, zone, NF_STR, .derived = true),
	F(neigh, state, NF_ENUM, .names = net_state_names),
	F(neigh, router, NF_BOOL),
};
/* clang-format on */

static const struct {
	const char *name, *natural;
	const struct net_field *fields;
	unsigned n;
} kinds[NET_KINDS] = {
	[NET_LINK] = { "link", "name", link_fields, ARRAY_SIZE(link_fields) },
	[NET_ADDR] = { "addr", "address", addr_fields, ARRAY_SIZE(addr_fields) },
	[NET_ROUTE] = { "route", "dst", route_fields, ARRAY_SIZE(route_fields) },
	[NET_RULE] = { "rule", "priority", rule_fields, ARRAY_SIZE(rule_fields) },
	[NET_NEIGH] = { "neigh", "address", neigh_fields, ARRAY_SIZE(neigh_fields) },
};

const char *net_kind_name(enum net_kind kind)
{
	return kinds[kind].name;
}

const char *net_action_name(enum net_action a)
{
	static const char *const names[] = { [NET_ADD] = "add", [NET_CHANGE] = "change", [NET_DEL] = "del" };

	return names[a];
}

const struct net_field *net_fields(enum net_kind kind, unsigned *n)
{
	*n = kinds[kind].n;
	return kinds[kind].fields;
}

const struct net_field *net_field(enum net_kind kind, const char *name)
{
	for (unsigned i = 0; i < kinds[kind].n; i++)
		if (!strcmp(kinds[kind].fields[i].name, name))
			return &kinds[kind].fields[i];
	return NULL;
}

const struct net_field *net_natural_field(enum net_kind kind)
{
	static const struct net_field *found[NET_KINDS]; /* asked for with each record of each event */

	if (!found[kind])
		found[kind] = net_field(kind, kinds[kind].natural);
	return found[kind];
}

static const char *nth_field(void *ctx, size_t i)
{
	enum net_kind kind = *(enum net_kind *)ctx;

	return i < kinds[kind].n ? kinds[kind].fields[i].name : NULL;
}

const char *net_field_suggest(enum net_kind kind, const char *name)
{
	return suggest(name, nth_field, &kind);
}

static bool nexthops_equal(const struct net_route *a, const struct net_route *b)
{
	if (a->n_nexthops != b->n_nexthops)
		return false;
	for (unsigned i = 0; i < a->n_nexthops; i++) {
		const struct net_nexthop *x = &a->nexthops[i], *y = &b->nexthops[i];

		if (x->ifindex != y->ifindex || x->weight != y->weight ||
			ipaddr_cmp(&x->gateway, &y->gateway) || strcmp(x->iface, y->iface))
			return false;
	}
	return true;
}

bool net_val_equal(const struct net_val *a, const struct net_val *b)
{
	if (a->type != b->type || a->absent != b->absent)
		return false;
	if (a->absent)
		return true;
	switch (a->type) {
	case NF_U32:
	case NF_BOOL:
	case NF_FAMILY:
	case NF_ENUM:
	case NF_FLAGS: return a->num == b->num;
	case NF_STR: return !strcmp(a->str, b->str);
	case NF_ADDR:
	case NF_PREFIX: return !ipprefix_cmp(&a->prefix, &b->prefix);
	case NF_MAC: return a->mac_len == b->mac_len && !memcmp(a->mac, b->mac, a->mac_len);
	case NF_NEXTHOPS: return nexthops_equal(a->route, b->route);
	}
	return false;
}

static void put_flags(const struct net_val *v, struct buf *out)
{
	bool first = true;

	for (unsigned bit = 0; bit < 64; bit++) {
		const char *name = v->num >> bit & 1 ? v->flag_name(bit) : NULL;

		if (!name)
			continue;
		if (!first)
			buf_putc(out, ',');
		buf_puts(out, name);
		first = false;
	}
}

static void put_nexthops(const struct net_route *r, struct buf *out)
{
	char text[IPADDR_STRLEN];

	for (unsigned i = 0; i < r->n_nexthops; i++) {
		const struct net_nexthop *nh = &r->nexthops[i];

		if (i)
			buf_puts(out, ", ");
		if (nh->gateway.family)
			buf_printf(out, "via %s ", ipaddr_format(&nh->gateway, text));
		if (nh->iface[0])
			buf_printf(out, "dev %s ", nh->iface);
		else
			buf_printf(out, "dev %u ", nh->ifindex);
		buf_printf(out, "weight %u", nh->weight);
	}
}

void net_val_text(const struct net_val *v, struct buf *out)
{
	char text[MAC_STRLEN];

	if (v->absent)
		return;
	switch (v->type) {
	case NF_U32: buf_printf(out, "%llu", (unsigned long long)v->num); break;
	case NF_BOOL: buf_puts(out, v->num ? "true" : "false"); break;
	case NF_STR: buf_puts(out, v->str); break;
	case NF_ADDR: buf_puts(out, ipaddr_format(&v->prefix.addr, text)); break;
	case NF_PREFIX:
		if (v->prefix.len)
			buf_puts(out, ipprefix_format(&v->prefix, text));
		else
			buf_puts(out, "default");
		break;
	case NF_MAC: buf_puts(out, mac_format(v->mac, v->mac_len, text)); break;
	case NF_FAMILY: buf_puts(out, v->num == AF_INET6 ? "ipv6" : "ipv4"); break;
	case NF_ENUM:
		if (v->str)
			buf_puts(out, v->str);
		else
			buf_printf(out, "%llu", (unsigned long long)v->num);
		break;
	case NF_FLAGS: put_flags(v, out); break;
	case NF_NEXTHOPS: put_nexthops(v->route, out); break;
	}
}

void net_val_show(const struct net_val *v, struct buf *out)
{
	_buf_ struct buf text = BUF_INIT;

	net_val_text(v, &text);
	buf_visible(out, buf_str(&text), text.n);
}
