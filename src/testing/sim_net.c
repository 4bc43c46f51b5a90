// SPDX-License-Identifier: GPL-2.0-or-later
/* The network of a simulation: the kernel's own state beside rnm's mirror of it. What happens reaches the
 * mirror as notifications, unless they are missed; what the kernel does without a word is found by the dumps
 * that rnmd makes, too. */
#include <lauxlib.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/vec.h"
#include "base/xalloc.h"
#include "testing/sim.h"

typedef VEC(struct net_rec *) records;

static void records_free(records *rs)
{
	vec_foreach (r, rs)
		net_rec_free(*r);
	vec_free(rs);
}

static void kernel_event(void *ctx, const struct net_event *ev)
{
	(void)ctx, (void)ev; /* the mirror hears of changes, not of their consequences */
}

struct mirror *sim_kernel_net(void)
{
	const struct mirror_ops ops = { .event = kernel_event };

	return mirror_new(&ops);
}

/* ---- what happens ---- */

static void happens(struct sim *s, const struct net_rec *r, bool del, bool told)
{
	struct mirror *to[] = { s->net, told ? engine_mirror(s->en) : NULL };

	for (size_t i = 0; i < ARRAY_SIZE(to) && to[i]; i++) {
		if (del)
			mirror_del(to[i], r);
		else
			mirror_set(to[i], r);
	}
}

static bool stands_on(const struct net_rec *r, uint32_t ifindex)
{
	switch (r->kind) {
	case NET_ADDR: return ((const struct net_addr *)r)->ifindex == ifindex;
	case NET_ROUTE: return ((const struct net_route *)r)->ifindex == ifindex;
	case NET_NEIGH: return ((const struct net_neigh *)r)->ifindex == ifindex;
	case NET_LINK:
	case NET_RULE:
	case NET_KINDS: break;
	}
	return false;
}

static uint8_t family_of(const struct net_rec *r)
{
	return r->kind == NET_ADDR    ? ((const struct net_addr *)r)->prefix.addr.family
	       : r->kind == NET_ROUTE ? ((const struct net_route *)r)->family
				      : ((const struct net_neigh *)r)->family;
}

/* A link that is set down keeps its IPv4 addresses. Its IPv4 routes go silently, the rest is told. */
static void goes_down(struct sim *s, uint32_t ifindex, bool told)
{
	static const enum net_kind kinds[] = { NET_NEIGH, NET_ROUTE, NET_ADDR };
	records gone = { 0 };

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		tree_foreach (n, mirror_tree(s->net, kinds[k])) {
			const struct net_rec *r = container_of(n, struct net_rec, order);

			if (stands_on(r, ifindex) && (r->kind != NET_ADDR || family_of(r) == AF_INET6))
				vec_push(&gone, net_rec_copy(r));
		}
	vec_foreach (r, &gone)
		happens(s, *r, true, told && !((*r)->kind == NET_ROUTE && family_of(*r) == AF_INET));
	records_free(&gone);
}

static void change(struct sim *s, const struct sim_change *c, bool told)
{
	happens(s, c->rec, c->verb == SIM_DEL, told);
	if (c->verb == SIM_DOWN)
		goes_down(s, ((const struct net_link *)c->rec)->ifindex, told);
}

/* ---- dumps ---- */

static void dump(struct sim *s, enum net_kind kind, uint8_t family)
{
	struct mirror *m = engine_mirror(s->en);

	if (family)
		mirror_dump_begin_family(m, kind, family);
	else
		mirror_dump_begin(m, kind);
	tree_foreach (n, mirror_tree(s->net, kind)) {
		const struct net_rec *r = container_of(n, struct net_rec, order);

		if (!family || family_of(r) == family)
			mirror_set(m, r);
	}
	mirror_dump_end(m, kind, true);
}

void sim_dump_all(struct sim *s)
{
	for (unsigned k = 0; k < NET_KINDS; k++)
		dump(s, (enum net_kind)k, 0);
}

/* As rnmd does before the end of a backlog. */
static void dump_suspects(struct sim *s)
{
	unsigned suspect = mirror_suspect_families(engine_mirror(s->en));

	if (suspect & SUSPECT_IPV4)
		dump(s, NET_ROUTE, AF_INET);
	if (suspect & SUSPECT_IPV6)
		dump(s, NET_ROUTE, AF_INET6);
}

/* ---- for Lua ---- */

static int read_changes(lua_State *L, int idx, struct sim_change **out, uint32_t *n, struct err *e)
{
	VEC(struct sim_change) all = { 0 };
	lua_Integer len = luaL_len(L, idx);
	int rc = 0;

	for (lua_Integer i = 1; rc == 0 && i <= len; i++) {
		struct sim_change c;

		lua_rawgeti(L, idx, i);
		rc = sim_change_read(L, lua_gettop(L), &c, e);
		if (rc == 0)
			vec_push(&all, c);
		lua_pop(L, 1);
	}
	*out = all.v;
	*n = all.n;
	return rc;
}

static void changes_free(struct sim_change *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		net_rec_free(c[i].rec);
	free(c);
}

/* sim:net(changes[, missed]): { { "set" | "del" | "down", kind, { field = … } }, … } as one backlog of the
 * socket; missed: rnm does not hear of them. */
static int sim_net(lua_State *L)
{
	struct sim *s = sim_check(L);
	bool told = s->started && !lua_toboolean(L, 3);
	struct err e = ERR_INIT;
	struct sim_change *c;
	uint32_t n;

	luaL_checktype(L, 2, LUA_TTABLE);
	if (read_changes(L, 2, &c, &n, &e) < 0) {
		changes_free(c, n);
		return sim_fail(L, &e);
	}
	sim_quiet(s);
	if (told)
		engine_net_begin(s->en);
	for (uint32_t i = 0; i < n; i++)
		change(s, &c[i], told);
	if (told) {
		dump_suspects(s);
		engine_net_end(s->en);
	}
	changes_free(c, n);
	return sim_done(L, s, 0, &e);
}

/* sim:resync(reason): rnm reads all of the network anew. */
static int sim_resync(lua_State *L)
{
	struct sim *s = sim_check(L);
	const char *reason = luaL_checkstring(L, 2);
	struct err e = ERR_INIT;

	luaL_argcheck(L, s->started, 1, "not started");
	sim_quiet(s);
	engine_net_begin(s->en);
	sim_dump_all(s);
	engine_net_resync(s->en, reason);
	engine_net_end(s->en);
	return sim_done(L, s, 0, &e);
}

/* sim:dump(kind, records): what the kernel has of a kind, and what the dump after an overrun says. */
static int sim_dump(lua_State *L)
{
	struct sim *s = sim_check(L);
	int kind = luaL_checkoption(L, 2, NULL, sim_kinds);
	const char *reason = luaL_optstring(L, 4, "overrun");
	struct err e = ERR_INIT;
	records rs = { 0 };
	lua_Integer n;

	luaL_checktype(L, 3, LUA_TTABLE);
	n = luaL_len(L, 3);
	for (lua_Integer i = 1; i <= n; i++) {
		lua_rawgeti(L, 3, i);
		struct net_rec *r = sim_record_read(L, lua_gettop(L), (enum net_kind)kind, &e);

		lua_pop(L, 1);
		if (!r) {
			records_free(&rs);
			return sim_fail(L, &e);
		}
		vec_push(&rs, r);
	}
	mirror_dump_begin(s->net, (enum net_kind)kind);
	vec_foreach (r, &rs)
		mirror_set(s->net, *r);
	mirror_dump_end(s->net, (enum net_kind)kind, true);
	records_free(&rs);
	sim_quiet(s);
	engine_net_begin(s->en);
	dump(s, (enum net_kind)kind, 0);
	engine_net_resync(s->en, reason);
	engine_net_end(s->en);
	return sim_done(L, s, 0, &e);
}

static void add_zone(struct sim *s, const char *name, const char *zone)
{
	struct zone_rule r = { 0 };

	snprintf(r.name, sizeof(r.name), "%s", name);
	snprintf(r.zone, sizeof(r.zone), "%s", zone);
	vec_push(&s->zones, r);
}

/* sim:zone(link, zone): what the configuration would say of a link that it does not know yet, until the next
 * reload. */
static int sim_zone(lua_State *L)
{
	struct sim *s = sim_check(L);
	const char *name = luaL_checkstring(L, 2), *zone = luaL_checkstring(L, 3);
	uint32_t n = s->zones.n;
	struct err e = ERR_INIT;

	luaL_argcheck(L, s->started, 1, "not started");
	add_zone(s, name, zone);
	n++;
	vec_foreach (i, &engine_config(s->en)->ifaces)
		if (i->zone)
			add_zone(s, i->name, i->zone);
	sim_quiet(s);
	engine_net_begin(s->en);
	mirror_zones(engine_mirror(s->en), s->zones.v, s->zones.n);
	engine_net_end(s->en);
	s->zones.n = n;
	return sim_done(L, s, 0, &e);
}

/* sim:bench(n, set, del): n times both changes, each an event of its own; nanoseconds per event. */
static int sim_bench(lua_State *L)
{
	struct sim *s = sim_check(L);
	lua_Integer n = luaL_checkinteger(L, 2);
	struct sim_change c[2] = { 0 };
	struct err e = ERR_INIT;
	uint64_t t;

	for (int i = 0; i < 2; i++)
		if (sim_change_read(L, 3 + i, &c[i], &e) < 0) {
			net_rec_free(c[0].rec);
			return sim_fail(L, &e);
		}
	sim_quiet(s);
	t = mono_ns();
	for (lua_Integer i = 0; i < 2 * n; i++) {
		const struct sim_change *x = &c[i & 1];

		engine_net_begin(s->en);
		if (x->verb == SIM_DEL)
			mirror_del(engine_mirror(s->en), x->rec);
		else
			mirror_set(engine_mirror(s->en), x->rec);
		engine_net_end(s->en);
	}
	t = mono_ns() - t;
	sim_loud(s);
	net_rec_free(c[0].rec);
	net_rec_free(c[1].rec);
	lua_pushnumber(L, (double)t / (double)(2 * n));
	return 1;
}

const luaL_Reg sim_network[] = {
	{ "net", sim_net },
	{ "resync", sim_resync },
	{ "dump", sim_dump },
	{ "zone", sim_zone },
	{ "bench", sim_bench },
	{ NULL, NULL },
};
