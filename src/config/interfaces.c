// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/hash.h"
#include "base/text.h"
#include "config/sections.h"

static void add_address(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	struct cfg_iface *i = into;
	struct ipprefix p = { 0 };

	read_prefix(r, at, n, &p);
	if (!p.addr.family)
		return;
	vec_foreach (have, &i->addresses) {
		if (!ipaddr_cmp(&have->addr, &p.addr)) {
			wrong_value(r, at, n, "given twice for this interface", NULL);
			return;
		}
	}
	vec_push(&i->addresses, p);
}

static void read_addresses(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	read_list(r, at, n, true, add_address, into);
}

static void read_name(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	const char *s = scalar(r, at, n, "an interface's name");

	if (s && !ifname_valid(s))
		wrong_value(r, at, n,
			"not an interface's name: at most 15 bytes, without spaces, '/' and ':'", NULL);
	else if (s)
		read_text(r, at, n, into);
}

static void check_gateway(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	read_list(r, at, n, true, check_address, into);
}

/* Fields of routes and rules have the names that events and queries give them. */
static void check_route(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const char *const types[] = { "unicast", "blackhole", "unreachable", "prohibit" };
	static const struct key keys[] = {
		{ "dst", check_destination, 0 },
		{ "gateway", check_address, 0 },
		{ "metric", check_number, 0 },
		{ "table", check_any, 0 },
		{ "type", check_any, 0 },
		{ "prefsrc", check_address, 0 },
	};
	const struct ynode *type = map_value(n, "type", NULL);
	const struct at type_at = { at, "type", 0 };

	read_map(r, at, n, keys, ARRAY_SIZE(keys), into);
	if (type)
		read_word(r, &type_at, type, types, ARRAY_SIZE(types));
	if (n->kind == Y_MAP && !map_value(n, "dst", NULL))
		wrong(r, at, n, "a route needs a 'dst'");
}

static void check_routes(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	read_list(r, at, n, false, check_route, into);
}

static void check_rule(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const struct key keys[] = {
		{ "priority", check_number, 0 },
		{ "src", check_prefix, 0 },
		{ "dst", check_prefix, 0 },
		{ "iif", check_ifname, 0 },
		{ "oif", check_ifname, 0 },
		{ "fwmark", check_number, 0 },
		{ "table", check_any, 0 },
		{ "family", check_text, 0 },
	};

	read_map(r, at, n, keys, ARRAY_SIZE(keys), into);
}

static void check_rules(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	read_list(r, at, n, false, check_rule, into);
}

static void check_mtu(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	uint64_t v;

	(void)into;
	read_number(r, at, n, 68, 65536, &v);
}

static void check_match(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const struct key keys[] = {
		{ "name", check_ifname, 0 },
		{ "mac", check_text, 0 },
		{ "kind", check_text, 0 },
	};
	const struct ynode *mac = map_value(n, "mac", NULL);
	const struct at mac_at = { at, "mac", 0 };
	uint8_t bytes[6];

	read_map(r, at, n, keys, ARRAY_SIZE(keys), into);
	if (mac && mac->kind == Y_SCALAR && *mac->text && !mac_parse(mac->text, bytes))
		wrong_value(r, &mac_at, mac, "not a MAC address", "for example 52:54:00:12:34:56");
}

/* What is understood but not done by this version, said once for each place. */
static void interface_notes(
	struct reader *r, const struct at *at, const struct ynode *n, const struct cfg_iface *i)
{
	static const struct {
		const char *key, *text;
	} later[] = {
		{ "dhcp", "is watched only in this version: rnm follows what a DHCP client sets and runs "
			  "none" },
		{ "address", "is watched only in this version: something else must set the address" },
		{ "addresses", "are watched only in this version: something else must set the addresses" },
		{ "gateway", "is not acted on in this version" },
		{ "routes", "are not acted on in this version" },
		{ "rules", "are not acted on in this version" },
		{ "mtu", "is not acted on in this version" },
		{ "up", "is not acted on in this version" },
		{ "match", "is not acted on in this version: 'name' alone decides which interface is meant" },
		{ "managed", "is not acted on in this version: rnm changes no interface" },
	};

	for (size_t k = 0; k < ARRAY_SIZE(later); k++) {
		const struct at here = { at, later[k].key, 0 };
		const struct ykey *place;
		const struct ynode *v = map_value(n, later[k].key, &place);

		if (!v || (!strcmp(later[k].key, "dhcp") && !i->dhcp) ||
			(!strcmp(later[k].key, "managed") && !i->managed))
			continue;
		note(r, &here, place->line, place->col, "%s: %s %s", i->name, later[k].key, later[k].text);
	}
}

static void read_interface(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const struct key keys[] = {
		{ "name", read_name, offsetof(struct cfg_iface, name) },
		{ "nftables_zone", read_zone, offsetof(struct cfg_iface, zone) },
		{ "dhcp", read_bool, offsetof(struct cfg_iface, dhcp) },
		{ "address", read_addresses, 0 },
		{ "addresses", read_addresses, 0 },
		{ "managed", read_bool, offsetof(struct cfg_iface, managed) },
		{ "gateway", check_gateway, 0 },
		{ "routes", check_routes, 0 },
		{ "rules", check_rules, 0 },
		{ "mtu", check_mtu, 0 },
		{ "up", check_bool, 0 },
		{ "match", check_match, 0 },
	};
	struct cfg_iface i = { .line = n->line, .col = n->col };
	struct config *c = into;

	if (ynode_is_null(n)) {
		wrong(r, at, n, "an interface is missing here");
		return;
	}
	read_map(r, at, n, keys, ARRAY_SIZE(keys), &i);
	if (!i.name) {
		if (n->kind == Y_MAP && !map_value(n, "name", NULL))
			wrong(r, at, n, "an interface needs a 'name'");
		free(i.zone);
		vec_free(&i.addresses);
		return;
	}
	interface_notes(r, at, n, &i);
	vec_push(&c->ifaces, i);
}

static bool same_name(const void *item, const void *key)
{
	return !strcmp(((const struct cfg_iface *)item)->name, key);
}

void read_interfaces(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	struct config *c = into;
	struct hmap names = { 0 };

	read_list(r, at, n, false, read_interface, c);
	vec_foreach (i, &c->ifaces) {
		uint64_t h = hash_str(i->name);
		const struct cfg_iface *first = hmap_find(&names, h, same_name, i->name);

		if (first) {
			const struct ynode place = { .line = i->line, .col = i->col };

			wrong(r, at, &place, "interface '%s' is given twice, first at line %u", i->name,
				first->line);
		} else {
			hmap_put(&names, h, i);
		}
	}
	hmap_free(&names);
}
