// SPDX-License-Identifier: GPL-2.0-or-later
/* Live values in Lua: queries and list files. As values they cost nothing; reading them binds who reads. */
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "script/check.h"
#include "script/internal.h"

#define QUERIES_KEPT 256

struct lbox {
	struct live *live;
	/* where the last read of a mapped query stopped, so that a walk is linear */
	uint32_t at, part;
	bool valid;
	struct net_key key;
};

struct live *to_live(lua_State *L, int idx)
{
	return type_tag(L, idx) == TAG_LIVE ? ((struct lbox *)lua_touserdata(L, idx))->live : NULL;
}

static struct lbox *push_box(lua_State *L)
{
	struct lbox *b = lua_newuserdatauv(L, sizeof(*b), 0);

	memset(b, 0, sizeof(*b));
	luaL_setmetatable(L, "rnm.query");
	return b;
}

struct live **push_live_box(lua_State *L)
{
	return &push_box(L)->live;
}

void push_live(lua_State *L, struct live *l)
{
	struct lbox *b = push_box(L);

	live_ref(l);
	b->live = l;
}

static void keep_query(struct pack *pk, struct query *q)
{
	vec_foreach (k, &pk->queries)
		if (*k == q)
			return;
	query_ref(q);
	if (pk->queries.n < QUERIES_KEPT) {
		vec_push(&pk->queries, q);
		return;
	}
	query_put(pk->queries.v[pk->next_query]);
	pk->queries.v[pk->next_query] = q;
	pk->next_query = (pk->next_query + 1) % QUERIES_KEPT;
}

int push_query(lua_State *L, struct pack *pk, struct filters *fs)
{
	struct lbox *b;
	struct query *q;

	need_kind(pk->s, fs->kind);
	filters_canon(fs);
	q = query_get(pk->s->qs, fs);
	keep_query(pk, q); /* from here on the pack owns it: the box below may raise */
	query_put(q);
	b = push_box(L);
	b->live = live_query(pk->s, q, NULL);
	return 1;
}

static const char *const no_reading = "%s: reading it in the main chunk would freeze the answer; read it in "
				      "an rnm.block(), or use the query itself as a value";

static void check_reading(lua_State *L, struct pack *pk, const char *fn)
{
	if (pk->run->kind == RUN_MAIN)
		luaL_error(L, no_reading, fn);
	if (pk->run->kind == RUN_MAP)
		luaL_error(L, "%s: a function of q:map() must be pure: it may read its record only", fn);
}

void read_query(lua_State *L, struct pack *pk, struct query *q, const char *fn)
{
	check_reading(L, pk, fn);
	run_dep_query(pk, q);
}

static void read_live(lua_State *L, struct live *l, const char *fn)
{
	struct pack *pk = vm_user(L);

	vm_charge(L, 10);
	if (live_file(l)) {
		check_reading(L, pk, fn);
		run_dep_file(pk, live_file(l));
		return;
	}
	read_query(L, pk, live_base(l), fn);
	live_ready(L, l);
}

/* Values that a mapped query has of one record. */
static uint32_t mapped_count(struct live *l, const struct net_rec *r)
{
	const struct net_field *f = live_field(l);
	const struct val *v;
	struct net_val nv;
	uint32_t n;

	if (live_fn_value(l, r, &v, &n))
		return n;
	f->get(r, &nv);
	return !nv.absent;
}

static void push_mapped(lua_State *L, struct live *l, const struct net_rec *r, uint32_t part)
{
	const struct net_field *f = live_field(l);
	const struct val *v;
	struct net_val nv;
	uint32_t n;

	if (live_fn_value(l, r, &v, &n)) {
		push_val(L, &v[part]);
		return;
	}
	f->get(r, &nv);
	push_field(L, f, &nv);
}

/* The i-th value, from 1. A walk goes on from where the last one stopped. */
static void push_mapped_at(lua_State *L, struct lbox *b, uint32_t i)
{
	struct query *q = live_base(b->live);
	const struct net_rec *r;
	struct net_key key;
	uint32_t n = 0;

	if (b->valid && i == b->at + 1) {
		r = query_after(q, &b->key);
		n = b->at;
	} else {
		r = query_after(q, NULL);
	}
	for (; r; r = query_after(q, &key)) {
		uint32_t have = mapped_count(b->live, r);

		net_rec_key(r, &key);
		if (n + have >= i) {
			b->valid = n + have == i; /* only at the end of a record can the next walk go on */
			b->at = i;
			b->key = key;
			push_mapped(L, b->live, r, i - n - 1);
			return;
		}
		n += have;
		vm_charge(L, 5);
	}
	b->valid = false;
	lua_pushnil(L);
}

static uint32_t count(lua_State *L, struct live *l)
{
	struct query *q = live_base(l);
	struct net_key key;
	uint32_t n = 0;

	if (live_file(l))
		return file_count(live_file(l));
	if (!live_mapped(l))
		return query_count(q);
	for (const struct net_rec *r = query_after(q, NULL); r; r = query_after(q, &key)) {
		net_rec_key(r, &key);
		n += mapped_count(l, r);
		vm_charge(L, 5);
	}
	return n;
}

static int push_at(lua_State *L, struct lbox *b, lua_Integer i)
{
	if (i < 1 || i > UINT32_MAX) {
		lua_pushnil(L);
	} else if (live_file(b->live)) {
		size_t n;
		const char *line = file_line(live_file(b->live), (uint32_t)i - 1, &n);

		if (line)
			lua_pushlstring(L, line, n);
		else
			lua_pushnil(L);
	} else if (live_mapped(b->live)) {
		push_mapped_at(L, b, (uint32_t)i);
	} else {
		const struct net_rec *r = query_at(live_base(b->live), (uint32_t)i - 1);

		if (r)
			push_record(L, r);
		else
			lua_pushnil(L);
	}
	return 1;
}

static int q_index(lua_State *L)
{
	struct lbox *b = type_check(L, 1, TAG_LIVE, "query");

	if (lua_isinteger(L, 2)) {
		read_live(L, b->live, "query[i]");
		return push_at(L, b, lua_tointeger(L, 2));
	}
	return type_method(L, live_file(b->live) ? "rnm.file" : "query");
}

static int q_len(lua_State *L)
{
	struct lbox *b = type_check(L, 1, TAG_LIVE, "#query");

	read_live(L, b->live, "#query");
	lua_pushinteger(L, count(L, b->live));
	return 1;
}

static int q_next(lua_State *L)
{
	struct lbox *b = type_check(L, 1, TAG_LIVE, "ipairs(query)");
	lua_Integer i = lua_tointeger(L, 2) + 1;

	lua_pushinteger(L, i);
	push_at(L, b, i);
	return lua_isnil(L, -1) ? 1 : 2;
}

static int q_pairs(lua_State *L)
{
	struct lbox *b = type_check(L, 1, TAG_LIVE, "pairs(query)");

	read_live(L, b->live, "pairs(query)");
	lua_pushcfunction(L, q_next);
	lua_pushvalue(L, 1);
	lua_pushinteger(L, 0);
	return 3;
}

static int q_first(lua_State *L)
{
	struct lbox *b = type_check(L, 1, TAG_LIVE, "query:first");

	check_count(L, "query:first", 2, 0, 0);
	read_live(L, b->live, "query:first");
	return push_at(L, b, 1);
}

static struct query *plain_query(lua_State *L, struct lbox *b, const char *fn)
{
	if (live_file(b->live))
		luaL_error(L, "%s: a list file can not be mapped or filtered", fn);
	if (live_mapped(b->live))
		luaL_error(L, "%s: the query is mapped already; call this before :map()", fn);
	return live_base(b->live);
}

static int q_map(lua_State *L)
{
	struct lbox *b = type_check(L, 1, TAG_LIVE, "query:map"), *out;
	struct pack *pk = vm_user(L);

	check_count(L, "query:map", 2, 1, 1);
	struct query *q = plain_query(L, b, "query:map");

	if (lua_type(L, 2) != LUA_TSTRING && lua_type(L, 2) != LUA_TFUNCTION)
		check_arg_fail(L, "query:map", 2, 2, "the name of a field or a function");
	vm_charge(L, 200);
	out = push_box(L);
	out->live = live_map(L, pk, q, 2, 0);
	return 1;
}

static int q_where(lua_State *L)
{
	struct lbox *b = type_check(L, 1, TAG_LIVE, "query:where");
	struct pack *pk = vm_user(L);
	_err_ struct err e = ERR_INIT;
	struct filters fs = { 0 };

	check_count(L, "query:where", 2, 1, 1);
	check_table(L, "query:where", 2, 2);
	struct query *q = plain_query(L, b, "query:where");

	filters_copy(&fs, query_filters(q));
	if (filters_from(L, 2, &fs, NULL, &e) < 0) {
		filters_free(&fs);
		check_raise(L, "query:where", &e);
	}
	return push_query(L, pk, &fs);
}

static int q_tostring(lua_State *L)
{
	struct lbox *b = type_check(L, 1, TAG_LIVE, "tostring");
	struct buf *out = push_buf(L);

	b->live->ops->text(b->live, out);
	return replace_buf(L, out);
}

static int q_eq(lua_State *L)
{
	struct live *a = to_live(L, 1), *b = to_live(L, 2);

	lua_pushboolean(L, a && a == b);
	return 1;
}

static int q_gc(lua_State *L)
{
	if (type_tag(L, 1) != TAG_LIVE)
		return 0;
	struct lbox *b = lua_touserdata(L, 1);

	if (b->live)
		live_put(b->live);
	b->live = NULL;
	return 0;
}

static const luaL_Reg query_methods[] = { { "first", q_first }, { "map", q_map }, { "where", q_where },
	{ NULL, NULL } };

void lua_query_open(lua_State *L)
{
	static const luaL_Reg meta[] = {
		{ "__index", q_index },
		{ "__len", q_len },
		{ "__pairs", q_pairs },
		{ "__tostring", q_tostring },
		{ "__eq", q_eq },
		{ "__gc", q_gc },
		{ NULL, NULL },
	};

	type_new(L, "rnm.query", TAG_LIVE, meta, query_methods);
}

/* ---- filters ---- */

static int add_filter(lua_State *L, int idx, const char *field, struct filters *fs, struct err *e)
{
	size_t n;

	switch (lua_type(L, idx)) {
	case LUA_TSTRING: {
		const char *s = lua_tolstring(L, idx, &n);

		if (!text_is_clean(s, n) || n > 255)
			return err_set(e, -EINVAL, "%s: expected 1 to 255 printable bytes", field);
		return filters_add(fs, field, s, e);
	}
	case LUA_TNUMBER:
		if (!lua_isinteger(L, idx) &&
			lua_tonumber(L, idx) != (lua_Number)(lua_Integer)lua_tonumber(L, idx))
			return err_set(e, -EINVAL, "%s: %g is no whole number", field, lua_tonumber(L, idx));
		return filters_add_num(fs, field, lua_tointeger(L, idx), false, e);
	case LUA_TBOOLEAN: return filters_add_num(fs, field, lua_toboolean(L, idx), true, e);
	default:
		return err_set(e, -EINVAL,
			"%s: expected a string, a number, a boolean or a list of them, got %s", field,
			type_article(L, idx));
	}
}

bool words_match(const struct filter_alt *alt, uint32_t n, const char *text)
{
	bool positive = false, hit = false;

	for (uint32_t i = 0; i < n; i++) {
		if (alt[i].op == FILTER_NONE)
			return false;
		bool glob = alt[i].op == FILTER_GLOB || alt[i].op == FILTER_NOT_GLOB;
		bool is = glob ? glob_match(alt[i].text, text) : strcmp(alt[i].text, text) == 0;

		if (alt[i].op == FILTER_NE || alt[i].op == FILTER_NOT_GLOB) {
			if (is)
				return false;
		} else {
			positive = true;
			hit |= is;
		}
	}
	return hit || !positive;
}

void words_free(struct filter_alt *alt, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(alt[i].text);
	free(alt);
}

static void push_word(struct hook *h, struct filter_alt alt) /* takes its text */
{
	h->words = xrealloc(h->words, h->n_words + 1, sizeof(*h->words));
	h->words[h->n_words++] = alt;
}

static int add_word(lua_State *L, int idx, const char *field, struct hook *h, struct err *e)
{
	const char *s = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : NULL;
	bool not ;

	if (!s || !text_is_clean(s, lua_rawlen(L, idx)) || lua_rawlen(L, idx) > 255)
		return err_set(e, -EINVAL, "%s: expected a string of 1 to 255 printable bytes, got %s", field,
			type_article(L, idx));
	not = *s == '!';
	s += not ;
	push_word(h, (struct filter_alt){
			     .op = glob_is(s) ? not ? FILTER_NOT_GLOB : FILTER_GLOB
				   : not      ? FILTER_NE
					      : FILTER_EQ,
			     .text = xstrdup(s),
		     });
	return 0;
}

static int add_action(lua_State *L, int idx, struct hook *h, struct err *e)
{
	static const char *const names[] = { "add", "change", "del" };
	const char *s = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : "", *near;
	bool not = *s == '!';

	for (unsigned a = NET_ADD; a <= NET_DEL; a++)
		if (strcmp(s + not, net_action_name((enum net_action)a)) == 0) {
			if (!not )
				h->actions |= 1u << a;
			else
				h->actions = (h->actions ? h->actions : 7u) & ~(1u << a);
			return 0;
		}
	near = suggest_in(s + not, names, ARRAY_SIZE(names));
	if (!*s)
		return err_set(e, -EINVAL, "action: expected a string, got %s", type_article(L, idx));
	return err_set(e, -EINVAL, "action: \"%s\" is none of add, change, del%s%s%s", s,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* Of an event that is no record's: 1, or 0 where the event never comes. */
static int word_field(const char *field, const struct hook *h, struct err *e)
{
	const char *only = h->ev == EV_MESSAGE ? "topic" : h->ev == EV_NFT ? "process" : "reason";

	if (h->ev == EV_LEASE)
		return 0; /* this version never makes it */
	if (strcmp(field, only) != 0)
		return err_set(e, -ENOENT, "%s has no field \"%s\" to filter by; there is \"%s\"",
			event_name(h->ev), field, only);
	return 1;
}

static int add_any(
	lua_State *L, int idx, const char *field, struct filters *fs, struct hook *h, struct err *e)
{
	if (h && event_kind(h->ev) < 0) {
		int rc = word_field(field, h, e);

		return rc > 0 ? add_word(L, idx, field, h, e) : rc;
	}
	if (h && strcmp(field, "action") == 0)
		return add_action(L, idx, h, e);
	if (h && strcmp(field, "initial") == 0) {
		if (lua_type(L, idx) != LUA_TBOOLEAN)
			return err_set(
				e, -EINVAL, "initial: expected a boolean, got %s", type_article(L, idx));
		h->times |= 1u << lua_toboolean(L, idx);
		return 0;
	}
	return add_filter(L, idx, field, fs, e);
}

/* Which of them something is any of: nothing is. */
static int add_none(const char *field, struct filters *fs, struct hook *h, struct err *e)
{
	if (h && event_kind(h->ev) < 0) {
		int rc = word_field(field, h, e);

		if (rc <= 0)
			return rc;
		push_word(h, (struct filter_alt){ .op = FILTER_NONE, .text = xstrdup("") });
		return 0;
	}
	if (h && strcmp(field, "action") == 0) {
		h->actions = NO_EVENT;
		return 0;
	}
	if (h && strcmp(field, "initial") == 0) {
		h->times = NO_EVENT;
		return 0;
	}
	return filters_add_none(fs, field, e);
}

static bool is_empty(lua_State *L, int table)
{
	lua_pushnil(L);
	if (!lua_next(L, table))
		return true;
	lua_pop(L, 2);
	return false;
}

static int add_field(
	lua_State *L, int idx, const char *field, struct filters *fs, struct hook *h, struct err *e)
{
	int rc = 0;

	if (strcmp(field, "lifetimes") == 0 && (!h || event_kind(h->ev) >= 0)) {
		if (lua_type(L, idx) != LUA_TBOOLEAN)
			return err_set(
				e, -EINVAL, "lifetimes: expected a boolean, got %s", type_article(L, idx));
		fs->lifetimes = lua_toboolean(L, idx);
		return 0;
	}
	if (lua_type(L, idx) != LUA_TTABLE || record_kind(L, idx) >= 0)
		return add_any(L, idx, field, fs, h, e);
	bool ro = readonly_unwrap(L, idx);
	int list = ro ? lua_gettop(L) : idx;
	lua_Unsigned n = lua_rawlen(L, list);

	if (!n)
		rc = is_empty(L, list)
			     ? add_none(field, fs, h, e)
			     : err_set(e, -EINVAL, "%s: expected a list, got a table with keys", field);
	if (n > 1024)
		rc = err_set(e, -EINVAL, "%s: more than 1024 alternatives", field);
	for (lua_Unsigned i = 1; i <= n && rc == 0; i++) {
		lua_rawgeti(L, list, (lua_Integer)i);
		rc = add_any(L, lua_gettop(L), field, fs, h, e);
		lua_pop(L, 1);
	}
	if (ro)
		lua_pop(L, 1);
	return rc;
}

int filters_from(lua_State *L, int idx, struct filters *fs, struct hook *h, struct err *e)
{
	int rc = 0;

	idx = lua_absindex(L, idx);
	if (!lua_checkstack(L, 10))
		return err_set(e, -ENOMEM, "no memory for Lua's stack");
	lua_pushnil(L);
	while (lua_next(L, idx)) {
		if (rc == 0 && lua_type(L, -2) != LUA_TSTRING)
			rc = err_set(e, -EINVAL, "a filter is { field = value }, with names of fields");
		if (rc == 0)
			rc = add_field(L, lua_gettop(L), lua_tostring(L, -2), fs, h, e);
		lua_pop(L, 1);
	}
	return rc;
}
