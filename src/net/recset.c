// SPDX-License-Identifier: GPL-2.0-or-later
/* Records from texts: what simulations and tests build the network of. */
#include <errno.h>
#include <net/if.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "net/names.h"
#include "net/records.h"

#define NEXTHOPS_MAX 256

static int bad(struct err *e, const char *field, const char *text, const char *what)
{
	return err_set(e, -EINVAL, "%s: '%s' is %s", field, text, what);
}

static int set_u32(uint32_t *to, uint32_t max, const char *field, const char *text, struct err *e)
{
	uint64_t v;

	if (!parse_u64(text, max, &v))
		return err_set(e, -EINVAL, "%s: '%s' is no number up to %u", field, text, max);
	*to = (uint32_t)v;
	return 0;
}

static int set_bool(bool *to, const char *field, const char *text, struct err *e)
{
	if (strcmp(text, "true") && strcmp(text, "false"))
		return bad(e, field, text, "neither true nor false");
	*to = *text == 't';
	return 0;
}

static int set_str(char *to, size_t size, const char *field, const char *text, struct err *e)
{
	size_t n = strlen(text);

	if (n >= size)
		return bad(e, field, text, "too long");
	memset(to, 0, size);
	memcpy(to, text, n);
	return 0;
}

static int set_enum(uint32_t *to, uint32_t max, const struct net_name *names, const char *field,
	const char *text, struct err *e)
{
	for (const struct net_name *n = names; n->name; n++)
		if (!strcmp(n->name, text)) {
			*to = n->num;
			return 0;
		}
	return set_u32(to, max, field, text, e);
}

static int set_u8(
	uint8_t *to, const struct net_name *names, const char *field, const char *text, struct err *e)
{
	uint32_t v;
	int rc = set_enum(&v, UINT8_MAX, names, field, text, e);

	if (!rc)
		*to = (uint8_t)v;
	return rc;
}

static int set_mac(uint8_t mac[32], uint8_t *len, const char *text, struct err *e)
{
	if (!*text) {
		*len = 0;
		return 0;
	}
	if (!mac_parse(text, mac))
		return bad(e, "mac", text, "no MAC address");
	*len = 6;
	return 0;
}

static int set_family(uint8_t *family, const char *text, struct err *e)
{
	uint8_t f = !strcmp(text, "ipv4") ? AF_INET : !strcmp(text, "ipv6") ? AF_INET6 : 0;

	if (!f)
		return bad(e, "family", text, "neither ipv4 nor ipv6");
	if (*family && *family != f)
		return err_set(e, -EINVAL, "family: %s does not go with the address", text);
	*family = f;
	return 0;
}

/* family: the record's, once it has one. */
static int set_addr(struct ipaddr *to, uint8_t *family, const char *field, const char *text, struct err *e)
{
	struct ipaddr a;

	if (!*text) {
		*to = (struct ipaddr){ 0 };
		return 0;
	}
	if (!ipaddr_parse(text, &a))
		return bad(e, field, text, "no IP address");
	if (family && *family && *family != a.family)
		return bad(e, field, text, "of another family than the record");
	if (family)
		*family = a.family;
	*to = a;
	return 0;
}

static int set_prefix(
	struct ipprefix *to, uint8_t *family, const char *field, const char *text, struct err *e)
{
	struct ipprefix p;

	if (!strcmp(text, "default") || !*text) {
		*to = (struct ipprefix){ .addr.family = *text ? *family : 0 };
		return 0;
	}
	if (!ipprefix_parse(text, &p))
		return bad(e, field, text, "no prefix");
	if (*family && *family != p.addr.family)
		return bad(e, field, text, "of another family than the record");
	*family = p.addr.family;
	p.addr = ipaddr_mask(&p.addr, p.len);
	*to = p;
	return 0;
}

static int link_set(struct net_link *l, const char *field, const char *text, struct err *e)
{
	int rc;

	if (!strcmp(field, "name"))
		return *text ? set_str(l->name, sizeof(l->name), field, text, e)
			     : bad(e, field, text, "empty");
	if (!strcmp(field, "kind"))
		return set_str(l->link_kind, sizeof(l->link_kind), field, text, e);
	if (!strcmp(field, "mtu"))
		return set_u32(&l->mtu, INT32_MAX, field, text, e);
	if (!strcmp(field, "master"))
		return set_u32(&l->master, INT32_MAX, field, text, e);
	if (!strcmp(field, "mac"))
		return set_mac(l->mac, &l->mac_len, text, e);
	if (!strcmp(field, "up")) {
		rc = set_bool(&l->up, field, text, e);
		l->flags = l->up ? l->flags | IFF_UP : l->flags & ~(uint32_t)IFF_UP;
		return rc;
	}
	if (!strcmp(field, "carrier")) {
		rc = set_bool(&l->carrier, field, text, e);
		l->operstate = l->carrier ? IF_OPER_UP : IF_OPER_DOWN;
		l->flags = l->carrier ? l->flags | IFF_LOWER_UP : l->flags & ~(uint32_t)IFF_LOWER_UP;
		return rc;
	}
	return -ENOENT;
}

static int flags_set(struct net_addr *a, const char *text, struct err *e)
{
	uint64_t set = 0;

	while (*text) {
		size_t n = strcspn(text, ",");
		unsigned bit;

		for (bit = 0; bit < 64; bit++) {
			const char *name = net_addr_flag_name(bit);

			if (name && strlen(name) == n && !memcmp(name, text, n))
				break;
		}
		if (bit == 64)
			return err_set(e, -EINVAL, "flags: there is no flag '%.*s'", (int)n, text);
		set |= 1ull << bit;
		text += n + (text[n] == ',');
	}
	net_addr_flags_from_set(a, set);
	return 0;
}

static int address_set(struct net_addr *a, const char *text, struct err *e)
{
	struct ipprefix p;

	if (!ipprefix_parse(text, &p))
		return bad(e, "address", text, "no IP address");
	if (a->prefix.addr.family && a->prefix.addr.family != p.addr.family)
		return bad(e, "address", text, "of another family than the record");
	if (!strchr(text, '/') && a->prefix.len) /* prefixlen was given before */
		p.len = a->prefix.len;
	if (p.len > ipaddr_bits(&p.addr))
		return bad(e, "address", text, "too short for its prefixlen");
	a->prefix = p;
	return 0;
}

static int addr_set(struct net_addr *a, const char *field, const char *text, struct err *e)
{
	uint32_t len = 0;
	int rc;

	if (!strcmp(field, "address"))
		return address_set(a, text, e);
	if (!strcmp(field, "prefixlen")) {
		rc = set_u32(&len, a->prefix.addr.family == AF_INET ? 32 : 128, field, text, e);
		if (!rc)
			a->prefix.len = (uint8_t)len;
		return rc;
	}
	if (!strcmp(field, "family"))
		return set_family(&a->prefix.addr.family, text, e);
	if (!strcmp(field, "scope"))
		return set_u8(&a->scope, net_scope_names, field, text, e);
	if (!strcmp(field, "flags"))
		return flags_set(a, text, e);
	if (!strcmp(field, "valid_lft"))
		return set_u32(&a->valid_lft, UINT32_MAX, field, text, e);
	if (!strcmp(field, "preferred_lft"))
		return set_u32(&a->preferred_lft, UINT32_MAX, field, text, e);
	if (!strcmp(field, "peer"))
		return set_addr(&a->peer, &a->prefix.addr.family, field, text, e);
	return -ENOENT;
}

/* "via ADDRESS dev IFINDEX weight N": each word once, in any order. */
static int nexthop_parse(const char *text, size_t n, struct net_nexthop *nh, struct err *e)
{
	char item[128], *save = NULL, *word, *arg;
	int rc = 0;

	*nh = (struct net_nexthop){ .weight = 1 };
	if (n >= sizeof(item))
		return err_set(e, -EINVAL, "nexthops: '%.*s' is too long", (int)sizeof(item), text);
	memcpy(item, text, n);
	item[n] = 0;
	for (word = strtok_r(item, " ", &save); word && !rc; word = strtok_r(NULL, " ", &save)) {
		arg = strtok_r(NULL, " ", &save);
		if (!arg)
			return err_set(e, -EINVAL, "nexthops: nothing follows '%s'", word);
		if (!strcmp(word, "via"))
			rc = set_addr(&nh->gateway, NULL, "nexthops", arg, e);
		else if (!strcmp(word, "dev"))
			rc = set_u32(&nh->ifindex, INT32_MAX, "nexthops", arg, e);
		else if (!strcmp(word, "weight"))
			rc = set_u32(&nh->weight, 256, "nexthops", arg, e);
		else
			rc = bad(e, "nexthops", word, "none of via, dev, weight");
	}
	return rc;
}

static int nexthops_set(struct net_route *r, const char *text, struct err *e)
{
	free(r->nexthops);
	r->nexthops = NULL;
	r->n_nexthops = 0;
	while (*text) {
		size_t n = strcspn(text, ",");
		struct net_nexthop nh;
		int rc = nexthop_parse(text, n, &nh, e);

		if (rc)
			return rc;
		if (r->n_nexthops == NEXTHOPS_MAX)
			return err_set(e, -EINVAL, "nexthops: more than %d", NEXTHOPS_MAX);
		r->nexthops = xrealloc(r->nexthops, r->n_nexthops + 1u, sizeof(nh));
		r->nexthops[r->n_nexthops++] = nh;
		if (!r->family)
			r->family = r->dst.addr.family = nh.gateway.family;
		text += n + (text[n] == ',');
	}
	return 0;
}

static int route_set(struct net_route *r, const char *field, const char *text, struct err *e)
{
	int rc;

	if (!strcmp(field, "dst"))
		return set_prefix(&r->dst, &r->family, field, text, e);
	if (!strcmp(field, "src"))
		return set_prefix(&r->src, &r->family, field, text, e);
	if (!strcmp(field, "family") || !strcmp(field, "gateway")) {
		rc = *field == 'f' ? set_family(&r->family, text, e)
				   : set_addr(&r->gateway, &r->family, field, text, e);
		r->dst.addr.family = r->family;
		return rc;
	}
	if (!strcmp(field, "table"))
		return set_enum(&r->table, UINT32_MAX, net_table_names, field, text, e);
	if (!strcmp(field, "metric"))
		return set_u32(&r->metric, UINT32_MAX, field, text, e);
	if (!strcmp(field, "protocol"))
		return set_u8(&r->protocol, net_protocol_names, field, text, e);
	if (!strcmp(field, "type"))
		return set_u8(&r->type, net_type_names, field, text, e);
	if (!strcmp(field, "nexthops"))
		return nexthops_set(r, text, e);
	return -ENOENT;
}

static int rule_set(struct net_rule *r, const char *field, const char *text, struct err *e)
{
	int rc;

	if (!strcmp(field, "family"))
		return set_family(&r->family, text, e);
	if (!strcmp(field, "priority"))
		return set_u32(&r->priority, UINT32_MAX, field, text, e);
	if (!strcmp(field, "src"))
		return set_prefix(&r->src, &r->family, field, text, e);
	if (!strcmp(field, "dst"))
		return set_prefix(&r->dst, &r->family, field, text, e);
	if (!strcmp(field, "iif"))
		return set_str(r->iif, sizeof(r->iif), field, text, e);
	if (!strcmp(field, "oif"))
		return set_str(r->oif, sizeof(r->oif), field, text, e);
	if (!strcmp(field, "fwmark")) {
		rc = set_u32(&r->fwmark, UINT32_MAX, field, text, e);
		r->fwmask = UINT32_MAX;
		return rc;
	}
	if (!strcmp(field, "table"))
		return set_enum(&r->table, UINT32_MAX, net_table_names, field, text, e);
	return -ENOENT;
}

static int neigh_set(struct net_neigh *n, const char *field, const char *text, struct err *e)
{
	uint32_t state = 0;
	bool router = false;
	int rc;

	if (!strcmp(field, "family"))
		return set_family(&n->family, text, e);
	if (!strcmp(field, "address"))
		return set_addr(&n->address, &n->family, field, text, e);
	if (!strcmp(field, "mac"))
		return set_mac(n->mac, &n->mac_len, text, e);
	if (!strcmp(field, "state")) {
		rc = set_enum(&state, UINT16_MAX, net_state_names, field, text, e);
		if (!rc)
			n->state = (uint16_t)state;
		return rc;
	}
	if (!strcmp(field, "router")) {
		rc = set_bool(&router, field, text, e);
		if (!rc)
			n->flags = (uint8_t)(router ? n->flags | NTF_ROUTER : n->flags & ~NTF_ROUTER);
		return rc;
	}
	return -ENOENT;
}

static uint32_t *ifindex_of(struct net_rec *r)
{
	switch (r->kind) {
	case NET_LINK: return &((struct net_link *)r)->ifindex;
	case NET_ADDR: return &((struct net_addr *)r)->ifindex;
	case NET_ROUTE: return &((struct net_route *)r)->ifindex;
	case NET_NEIGH: return &((struct net_neigh *)r)->ifindex;
	case NET_RULE:
	case NET_KINDS: break;
	}
	return NULL;
}

int net_rec_set_field(struct net_rec *r, const char *field, const char *text, struct err *e)
{
	int rc = -ENOENT;

	if (!strcmp(field, "ifindex") && ifindex_of(r))
		return set_u32(ifindex_of(r), INT32_MAX, field, text, e);
	switch (r->kind) {
	case NET_LINK: rc = link_set((struct net_link *)r, field, text, e); break;
	case NET_ADDR: rc = addr_set((struct net_addr *)r, field, text, e); break;
	case NET_ROUTE: rc = route_set((struct net_route *)r, field, text, e); break;
	case NET_RULE: rc = rule_set((struct net_rule *)r, field, text, e); break;
	case NET_NEIGH: rc = neigh_set((struct net_neigh *)r, field, text, e); break;
	case NET_KINDS: break;
	}
	if (rc == -ENOENT && net_field(r->kind, field))
		return err_set(e, -EINVAL, "%s follows from other fields", field);
	if (rc == -ENOENT) {
		const char *near = net_field_suggest(r->kind, field);

		return err_set(e, rc, "%s has no field '%s'%s%s%s", net_kind_name(r->kind), field,
			near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	return rc;
}
