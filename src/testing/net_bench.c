// SPDX-License-Identifier: GPL-2.0-or-later
/* A bench of one mirror with queries, fed by hand or by a watch, that writes down what it hears. */
#include <ev.h>
#include <string.h>

#include "net/nlparse.h"
#include "net/records.h"
#include "net/watch.h"
#include "testing/net_test.h"

#define BENCH "rnm.net.bench"
#define QUERY "rnm.net.query"

struct bench {
	struct mirror *mirror;
	struct query_set *queries;
	struct watch *watch;
	struct buf log;
	bool mute;
	int nested_on; /* kind whose next event asks for more kinds; -1: none */
	unsigned nested_kinds;
};

struct tquery {
	struct query_sink sink;
	struct query *q;
	struct buf log;
	bool once;
};

static unsigned check_kinds(lua_State *L, int arg)
{
	unsigned kinds = 0;

	for (lua_Integer i = 1; lua_rawgeti(L, arg, i) != LUA_TNIL; i++) {
		kinds |= 1u << net_test_kind(L, -1);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return kinds;
}

/* The record of a table of fields. Raises nothing while it holds memory: the fields' texts are looked at
 * first. */
static struct net_rec *check_rec(lua_State *L, enum net_kind kind, int arg)
{
	struct net_rec *r = net_rec_new(kind);
	struct err e = ERR_INIT;
	static const char *const first[] = { "ifindex", "family", "prefixlen", NULL };
	unsigned n;
	const struct net_field *f = net_fields(kind, &n);

	luaL_checktype(L, arg, LUA_TTABLE);
	for (unsigned i = 0; first[i] && !e.code; i++)
		if (lua_getfield(L, arg, first[i]) != LUA_TNIL)
			net_rec_set_field(r, first[i], luaL_tolstring(L, -1, NULL), &e);
	for (unsigned i = 0; i < n && !e.code; i++) {
		lua_settop(L, arg);
		if (lua_getfield(L, arg, f[i].name) != LUA_TNIL)
			net_rec_set_field(r, f[i].name, luaL_tolstring(L, -1, NULL), &e);
	}
	lua_settop(L, arg);
	if (!e.code)
		return r;
	net_rec_free(r);
	lua_pushstring(L, err_text(&e));
	err_free(&e);
	lua_error(L);
	return NULL;
}

/* Gives the lines of a log and empties it. */
static int push_log(lua_State *L, struct buf *log)
{
	const char *s = buf_str(log), *nl;
	lua_Integer i = 1;

	lua_newtable(L);
	for (; (nl = strchr(s, '\n')); s = nl + 1) {
		lua_pushlstring(L, s, (size_t)(nl - s));
		lua_rawseti(L, -2, i++);
	}
	buf_clear(log);
	return 1;
}

static void on_event(void *ctx, const struct net_event *ev)
{
	struct bench *b = ctx;

	queries_feed(b->queries, ev);
	if (!b->mute) {
		net_event_text(ev, &b->log);
		buf_puts(&b->log, ev->initial ? " initial" : "");
		buf_puts(&b->log, ev->lifetime_only ? " lifetime\n" : "\n");
	}
	if (b->nested_on == (int)ev->kind) {
		b->nested_on = -1;
		watch_kinds(b->watch, b->nested_kinds, NULL);
	}
}

static struct bench *new_bench(lua_State *L)
{
	struct bench *b = lua_newuserdatauv(L, sizeof(*b), 0);

	memset(b, 0, sizeof(*b));
	b->nested_on = -1;
	luaL_setmetatable(L, BENCH);
	b->mirror = mirror_new(&(struct mirror_ops){ on_event, b });
	b->queries = queries_new(b->mirror);
	return b;
}

int net_test_mirror(lua_State *L)
{
	new_bench(L);
	return 1;
}

static void on_begin(void *ctx)
{
	buf_puts(&((struct bench *)ctx)->log, "begin\n");
}

static void on_end(void *ctx)
{
	buf_puts(&((struct bench *)ctx)->log, "end\n");
}

static void on_resync(void *ctx, const char *reason)
{
	buf_printf(&((struct bench *)ctx)->log, "resync %s\n", reason);
}

static int opt_int(lua_State *L, int arg, const char *name, int otherwise)
{
	int v = lua_getfield(L, arg, name) == LUA_TNIL ? otherwise : (int)luaL_checkinteger(L, -1);

	lua_pop(L, 1);
	return v;
}

int net_test_watch(lua_State *L)
{
	struct watch_opt opt = { 0 };
	struct err e = ERR_INIT;
	unsigned kinds = 0;
	struct bench *b;

	luaL_checktype(L, 1, LUA_TTABLE);
	opt.max_events = (unsigned)opt_int(L, 1, "max_events", 256);
	opt.max_delay_ms = (unsigned)opt_int(L, 1, "max_delay_ms", 5);
	opt.rcvbuf = opt_int(L, 1, "rcvbuf", 0);
	if (lua_getfield(L, 1, "kinds") != LUA_TNIL)
		kinds = check_kinds(L, lua_gettop(L));
	b = new_bench(L);
	if (lua_getfield(L, 1, "nested_on") != LUA_TNIL) {
		b->nested_on = (int)net_test_kind(L, -1);
		lua_getfield(L, 1, "nested_kinds");
		b->nested_kinds = check_kinds(L, lua_gettop(L));
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	b->watch = watch_new(b->mirror, &(struct watch_ops){ on_begin, on_end, on_resync, b }, &opt, &e);
	if (!b->watch || watch_kinds(b->watch, kinds, &e))
		return net_test_err(L, &e);
	return 1;
}

static struct bench *check_bench(lua_State *L)
{
	return luaL_checkudata(L, 1, BENCH);
}

static struct watch *check_watch(lua_State *L)
{
	struct bench *b = check_bench(L);

	luaL_argcheck(L, b->watch, 1, "no watch");
	return b->watch;
}

static int b_gc(lua_State *L)
{
	struct bench *b = check_bench(L);

	watch_free(b->watch);
	queries_free(b->queries);
	mirror_free(b->mirror);
	buf_free(&b->log);
	memset(b, 0, sizeof(*b));
	return 0;
}

static int feed(lua_State *L, unsigned (*fn)(struct mirror *, const struct net_rec *))
{
	struct bench *b = check_bench(L);
	struct net_rec *r = check_rec(L, net_test_kind(L, 2), 3);

	lua_pushinteger(L, fn(b->mirror, r));
	net_rec_free(r);
	return 1;
}

static int b_set(lua_State *L)
{
	return feed(L, mirror_set);
}

static int b_del(lua_State *L)
{
	return feed(L, mirror_del);
}

static int b_replace(lua_State *L)
{
	struct bench *b = check_bench(L);
	struct net_rec *r = check_rec(L, NET_ROUTE, 2);

	lua_pushinteger(L, mirror_replace(b->mirror, (struct net_route *)r));
	net_rec_free(r);
	return 1;
}

static int b_feed(lua_State *L) /* a message's bytes, as the watcher does */
{
	struct bench *b = check_bench(L);
	struct nl_msg msg;
	unsigned events = 0;
	size_t n;
	const char *bytes = luaL_checklstring(L, 2, &n);

	luaL_argcheck(L, n >= sizeof(struct nlmsghdr), 2, "shorter than a header");
	nl_parse((const struct nlmsghdr *)bytes, n, &msg);
	if (msg.verdict == NLP_DEL)
		events = mirror_del(b->mirror, &msg.rec);
	else if (msg.verdict == NLP_SET)
		events =
			msg.replace ? mirror_replace(b->mirror, &msg.route) : mirror_set(b->mirror, &msg.rec);
	nl_msg_free(&msg);
	lua_pushinteger(L, events);
	return 1;
}

static int b_dump_begin(lua_State *L)
{
	struct bench *b = check_bench(L);

	mirror_dump_begin_family(b->mirror, net_test_kind(L, 2), (uint8_t)luaL_optinteger(L, 3, 0));
	return 0;
}

static int b_dump_end(lua_State *L)
{
	struct bench *b = check_bench(L);

	mirror_dump_end(b->mirror, net_test_kind(L, 2), lua_isnoneornil(L, 3) || lua_toboolean(L, 3));
	return 0;
}

static int b_forget(lua_State *L)
{
	mirror_forget(check_bench(L)->mirror, net_test_kind(L, 2));
	return 0;
}

static int b_zones(lua_State *L) /* { { "eth*", "lan" }, … } */
{
	struct bench *b = check_bench(L);
	struct zone_rule rules[32] = { 0 };
	unsigned n = 0;

	luaL_checktype(L, 2, LUA_TTABLE);
	for (; n < 32 && lua_rawgeti(L, 2, n + 1) == LUA_TTABLE; n++) {
		lua_rawgeti(L, -1, 1);
		lua_rawgeti(L, -2, 2);
		strncpy(rules[n].name, luaL_checkstring(L, -2), sizeof(rules[n].name) - 1);
		strncpy(rules[n].zone, luaL_checkstring(L, -1), sizeof(rules[n].zone) - 1);
		lua_settop(L, 2);
	}
	mirror_zones(b->mirror, rules, n);
	lua_newtable(L);
	for (unsigned i = 0; mirror_zone_at(b->mirror, i); i++) {
		lua_pushstring(L, mirror_zone_at(b->mirror, i));
		lua_rawseti(L, -2, i + 1);
	}
	return 1;
}

static int b_events(lua_State *L)
{
	return push_log(L, &check_bench(L)->log);
}

static int b_mute(lua_State *L)
{
	check_bench(L)->mute = lua_toboolean(L, 2);
	return 0;
}

static int b_suspect(lua_State *L)
{
	lua_pushinteger(L, mirror_suspect_families(check_bench(L)->mirror));
	return 1;
}

static int b_list(lua_State *L)
{
	struct bench *b = check_bench(L);
	lua_Integer i = 1;

	lua_newtable(L);
	tree_foreach (t, mirror_tree(b->mirror, net_test_kind(L, 2))) {
		net_test_rec(L, net_rec_of(t));
		lua_rawseti(L, -2, i++);
	}
	return 1;
}

static int b_count(lua_State *L)
{
	lua_pushinteger(L, mirror_count(check_bench(L)->mirror, net_test_kind(L, 2)));
	return 1;
}

static int b_named(lua_State *L)
{
	const struct net_link *l = mirror_link_named(check_bench(L)->mirror, luaL_checkstring(L, 2));

	if (!l)
		return 0;
	lua_pushinteger(L, l->ifindex);
	return 1;
}

static void on_delta(
	struct query_sink *s, struct query *q, const struct net_rec *before, const struct net_rec *after)
{
	struct tquery *t = container_of(s, struct tquery, sink);
	const struct net_rec *r = after ? after : before;
	struct net_val v;

	net_natural_field(r->kind)->get(r, &v);
	buf_putc(&t->log, !before ? '+' : !after ? '-' : '~');
	net_val_text(&v, &t->log);
	buf_putc(&t->log, '\n');
	if (t->once)
		query_sink_del(q, s);
}

static int b_query(lua_State *L)
{
	struct bench *b = check_bench(L);
	struct filters fs = { .kind = net_test_kind(L, 2) };
	struct err e = ERR_INIT;
	bool once = lua_toboolean(L, 4);
	struct tquery *t;

	if (net_test_filters(L, 3, &fs, &e)) {
		filters_free(&fs);
		return net_test_err(L, &e);
	}
	t = lua_newuserdatauv(L, sizeof(*t), 1);
	memset(t, 0, sizeof(*t));
	luaL_setmetatable(L, QUERY);
	lua_pushvalue(L, 1);
	lua_setiuservalue(L, -2, 1);
	t->q = query_get(b->queries, &fs);
	t->sink.delta = on_delta;
	t->once = once;
	query_sink_add(t->q, &t->sink);
	return 1;
}

static struct tquery *check_query(lua_State *L)
{
	struct tquery *t = luaL_checkudata(L, 1, QUERY);

	luaL_argcheck(L, t->q, 1, "closed");
	return t;
}

static int q_close(lua_State *L) /* no __gc: the bench may be gone by then */
{
	struct tquery *t = check_query(L);

	query_sink_del(t->q, &t->sink);
	query_put(t->q);
	buf_free(&t->log);
	t->q = NULL;
	return 0;
}

static int q_list(lua_State *L)
{
	struct tquery *t = check_query(L);
	const struct net_rec *r = NULL;
	struct net_key key;

	lua_newtable(L);
	for (lua_Integer i = 1; (r = query_after(t->q, r ? &key : NULL)); i++) {
		net_rec_key(r, &key);
		net_test_rec(L, r);
		lua_rawseti(L, -2, i);
	}
	return 1;
}

static int q_at(lua_State *L)
{
	const struct net_rec *r = query_at(check_query(L)->q, (uint32_t)luaL_checkinteger(L, 2) - 1);

	if (!r)
		return 0;
	net_test_rec(L, r);
	return 1;
}

static int q_count(lua_State *L)
{
	lua_pushinteger(L, query_count(check_query(L)->q));
	return 1;
}

static int q_deltas(lua_State *L)
{
	return push_log(L, &check_query(L)->log);
}

static int q_same(lua_State *L)
{
	struct tquery *a = check_query(L), *b = luaL_checkudata(L, 2, QUERY);

	lua_pushboolean(L, a->q == b->q);
	return 1;
}

static int b_need(lua_State *L)
{
	unsigned kinds = queries_kinds(check_bench(L)->queries);
	lua_Integer i = 1;

	lua_newtable(L);
	for (unsigned k = 0; k < NET_KINDS; k++)
		if (kinds & 1u << k) {
			lua_pushstring(L, net_kind_name(k));
			lua_rawseti(L, -2, i++);
		}
	return 1;
}

static int b_poll(lua_State *L)
{
	lua_pushinteger(L, watch_poll(check_watch(L)));
	return 1;
}

static void on_time(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)t;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static int b_run(lua_State *L) /* the loop, for so many seconds */
{
	struct watch *w = check_watch(L);
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	ev_timer timer;

	if (!loop)
		return luaL_error(L, "no loop");
	ev_timer_init(&timer, on_time, lua_tonumber(L, 2), 0.);
	ev_timer_start(loop, &timer);
	watch_start(w, loop);
	ev_run(loop, 0);
	watch_stop(w);
	ev_loop_destroy(loop);
	return 0;
}

static int b_kinds(lua_State *L)
{
	struct err e = ERR_INIT;

	if (watch_kinds(check_watch(L), check_kinds(L, 2), &e))
		return net_test_err(L, &e);
	lua_pushboolean(L, true);
	return 1;
}

static int b_resync(lua_State *L)
{
	struct err e = ERR_INIT;

	if (watch_resync(check_watch(L), luaL_checkstring(L, 2), &e))
		return net_test_err(L, &e);
	lua_pushboolean(L, true);
	return 1;
}

static int b_stats(lua_State *L)
{
	struct watch_stats s = watch_stats(check_watch(L));

	lua_newtable(L);
#define STAT(name) lua_pushinteger(L, (lua_Integer)s.name), lua_setfield(L, -2, #name)
	STAT(messages), STAT(events), STAT(overruns), STAT(interrupted), STAT(resyncs), STAT(malformed);
	return 1;
}

void net_test_bench(lua_State *L)
{
	static const luaL_Reg bench[] = {
		{ "__gc", b_gc },
		{ "set", b_set },
		{ "del", b_del },
		{ "replace", b_replace },
		{ "feed", b_feed },
		{ "dump_begin", b_dump_begin },
		{ "dump_end", b_dump_end },
		{ "forget", b_forget },
		{ "zones", b_zones },
		{ "events", b_events },
		{ "mute", b_mute },
		{ "suspect", b_suspect },
		{ "list", b_list },
		{ "count", b_count },
		{ "named", b_named },
		{ "query", b_query },
		{ "need", b_need },
		{ "poll", b_poll },
		{ "run", b_run },
		{ "kinds", b_kinds },
		{ "resync", b_resync },
		{ "stats", b_stats },
		{ NULL, NULL },
	};
	static const luaL_Reg query[] = {
		{ "close", q_close },
		{ "list", q_list },
		{ "at", q_at },
		{ "count", q_count },
		{ "deltas", q_deltas },
		{ "same", q_same },
		{ NULL, NULL },
	};

	luaL_newmetatable(L, BENCH);
	luaL_setfuncs(L, bench, 0);
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, "__index");
	luaL_newmetatable(L, QUERY);
	luaL_setfuncs(L, query, 0);
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 2);
}
