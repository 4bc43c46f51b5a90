// SPDX-License-Identifier: GPL-2.0-or-later
/* rnm.state as packs see it: userdata over the tree in C, every change journaled, every read a dependency. */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "script/check.h"
#include "script/complete.h"
#include "script/state_int.h"

#define ENTRIES_MAX 65536
#define UNDO_MAX    (8 << 20)
#define PRINT_MAX   65536 /* bytes of it that eval shows */

struct proxy {
	struct snode *node;
	char *top; /* the entry of the root that it is in; NULL: the root itself */
	int depth;
};

static struct proxy *push_proxy(lua_State *L)
{
	struct proxy *p = lua_newuserdatauv(L, sizeof(*p), 1); /* see state_keep() */

	memset(p, 0, sizeof(*p));
	luaL_setmetatable(L, "rnm.state");
	return p;
}

static struct proxy *check_proxy(lua_State *L, int idx)
{
	return type_check(L, idx, TAG_STATE, "rnm.state");
}

static void key_text(const struct state_key *k, char *out, size_t cap)
{
	if (k->s)
		snprintf(out, cap, "%s", k->s);
	else
		snprintf(out, cap, "%lld", (long long)k->i);
}

/* A key at idx, borrowed from Lua. */
static int key_of(lua_State *L, int idx, struct state_key *k, struct err *e)
{
	*k = (struct state_key){ NULL, 0, 0 };
	if (lua_type(L, idx) == LUA_TSTRING) {
		k->s = (char *)lua_tolstring(L, idx, &k->n);
		if (k->n > 255)
			return err_set(e, -EINVAL, "a key of %zu bytes (at most 255)", k->n);
		return 0;
	}
	int whole;

	k->i = lua_tointegerx(L, idx, &whole);
	if (lua_type(L, idx) != LUA_TNUMBER || !whole)
		return err_set(
			e, -EINVAL, "a key must be a string or an integer, got %s", type_article(L, idx));
	return 0;
}

static const char *top_of(const struct proxy *p, const struct state_key *k, char *buf, size_t cap)
{
	if (p->top)
		return p->top;
	key_text(k, buf, cap);
	return buf;
}

static void wrote_check(lua_State *L, struct pack *pk, const char *top)
{
	struct run *r = pk->run;

	if (!r->sub || (r->kind != RUN_BLOCK && r->kind != RUN_EACH))
		return;
	vec_foreach (w, &r->sub->wrote)
		if (!top || strcmp(*w, top) == 0)
			luaL_error(L,
				"rnm.state.%s: this block wrote it and may not read it as well: it would set "
				"itself off",
				*w);
}

static void read_check(lua_State *L, struct pack *pk, const char *top)
{
	if (pk->run->kind == RUN_MAP)
		luaL_error(L, "rnm.state: a function of q:map() must be pure");
	wrote_check(L, pk, top);
	run_dep_state(pk, top);
}

static int push_snode(lua_State *L, struct snode *n, const char *top, int depth)
{
	switch (n->kind) {
	case SN_BOOL: lua_pushboolean(L, n->b); break;
	case SN_INT: lua_pushinteger(L, n->i); break;
	case SN_REAL: lua_pushnumber(L, n->d); break;
	case SN_STRING: lua_pushlstring(L, n->s, n->n); break;
	case SN_TABLE: {
		struct proxy *p = push_proxy(L);

		n->refs++;
		p->node = n;
		p->top = xstrdup(top);
		p->depth = depth;
		break;
	}
	}
	return 1;
}

static int state_index(lua_State *L)
{
	struct proxy *p = check_proxy(L, 1);
	struct pack *pk = vm_user(L);
	_err_ struct err e = ERR_INIT;
	struct state_key k;
	char buf[260];
	bool found;

	if (key_of(L, 2, &k, &e) < 0)
		check_raise(L, "rnm.state", &e);
	const char *top = top_of(p, &k, buf, sizeof(buf));

	read_check(L, pk, top);
	uint32_t i = snode_find(p->node, &k, &found);

	if (!found)
		return 0;
	return push_snode(L, p->node->e.v[i].val, top, p->depth + 1);
}

static int node_of(lua_State *L, int idx, int depth, struct snode **out, struct err *e);

static int too_deep(struct err *e)
{
	return err_set(e, -EINVAL, "tables nested deeper than %d (or in a circle)", STATE_DEPTH);
}

/* A part of rnm.state put elsewhere in it is a copy: two names for one table could not be written down. */
static int node_copy(const struct snode *from, int depth, struct snode **out, struct err *e)
{
	struct snode *n;
	int rc = 0;

	if (depth > STATE_DEPTH)
		return too_deep(e);
	n = snode_new(from->kind);
	n->b = from->b;
	n->i = from->i;
	n->d = from->d;
	n->n = from->n;
	n->s = from->s ? xmemdup(from->s, from->n + 1) : NULL;
	for (uint32_t i = 0; i < from->e.n && rc == 0; i++) {
		struct snode *val = NULL;

		rc = node_copy(from->e.v[i].val, depth + 1, &val, e);
		if (rc == 0)
			snode_put(snode_swap(n, &from->e.v[i].key, val));
	}
	if (rc < 0)
		snode_put(n);
	else
		*out = n;
	return rc;
}

static int table_node(lua_State *L, int idx, int depth, struct snode **out, struct err *e)
{
	struct snode *t = snode_new(SN_TABLE);
	int rc = 0;

	lua_pushnil(L);
	while (lua_next(L, idx)) {
		int top = lua_gettop(L);
		struct snode *val = NULL;
		struct state_key k;

		if (rc == 0 && t->e.n >= ENTRIES_MAX)
			rc = err_set(e, -E2BIG, "a table of more than %d entries", ENTRIES_MAX);
		if (rc == 0)
			rc = key_of(L, top - 1, &k, e);
		if (rc == 0)
			rc = node_of(L, top, depth + 1, &val, e);
		if (rc == 0)
			snode_put(snode_swap(t, &k, val));
		lua_pop(L, 1);
	}
	if (rc < 0)
		snode_put(t);
	else
		*out = t;
	return rc;
}

static int node_of(lua_State *L, int idx, int depth, struct snode **out, struct err *e)
{
	struct snode *n;

	if (depth > STATE_DEPTH || !lua_checkstack(L, 6))
		return too_deep(e);
	switch (lua_type(L, idx)) {
	case LUA_TBOOLEAN:
		n = snode_new(SN_BOOL);
		n->b = lua_toboolean(L, idx);
		break;
	case LUA_TNUMBER:
		if (lua_isinteger(L, idx)) {
			n = snode_new(SN_INT);
			n->i = lua_tointeger(L, idx);
		} else {
			n = snode_new(SN_REAL);
			n->d = lua_tonumber(L, idx);
			if (n->d != n->d) {
				snode_put(n);
				return err_set(e, -EINVAL, "not a number (nan) can not be kept");
			}
		}
		break;
	case LUA_TSTRING: {
		size_t len;
		const char *s = lua_tolstring(L, idx, &len);

		n = snode_new(SN_STRING);
		n->n = len;
		n->s = xmemdup(s, len + 1);
		break;
	}
	case LUA_TTABLE: {
		int rc;

		if (!readonly_unwrap(L, idx))
			return table_node(L, idx, depth, out, e);
		rc = table_node(L, lua_gettop(L), depth, out, e);
		lua_pop(L, 1);
		return rc;
	}
	case LUA_TUSERDATA:
		if (type_tag(L, idx) == TAG_STATE)
			return node_copy(((struct proxy *)lua_touserdata(L, idx))->node, depth, out, e);
		return err_set(e, -EINVAL,
			"%s can not be kept; strings, numbers, booleans and tables of them can",
			type_article(L, idx));
	default:
		return err_set(e, -EINVAL,
			"%s can not be kept; strings, numbers, booleans and tables of them can",
			type_article(L, idx));
	}
	*out = n;
	return 0;
}

static bool reads(const struct subject *sub, const char *top)
{
	for (const struct dep *d = sub->deps; d; d = d->next)
		if (d->kind == DEP_STATE && !d->old && (!d->key || strcmp(d->key, top) == 0))
			return true;
	return false;
}

static void write_check(lua_State *L, struct pack *pk, const char *top)
{
	struct run *r = pk->run;

	if (r->kind == RUN_MAP)
		luaL_error(L, "rnm.state: a function of q:map() must be pure");
	if ((r->kind == RUN_BLOCK || r->kind == RUN_EACH) && r->sub && reads(r->sub, top))
		luaL_error(L,
			"rnm.state.%s: this block reads it and may not write it as well: it would set itself "
			"off",
			top);
}

static void touched(struct pack *pk, const char *top)
{
	struct run *r = pk->run;

	if (r->sub && (r->kind == RUN_BLOCK || r->kind == RUN_EACH))
		vec_push(&r->sub->wrote, xstrdup(top));
	pstate_touched(pk, top);
}

static bool same_scalar(const struct snode *a, const struct snode *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case SN_BOOL: return a->b == b->b;
	case SN_INT: return a->i == b->i;
	case SN_REAL: return a->d == b->d;
	case SN_STRING: return a->n == b->n && memcmp(a->s, b->s, a->n) == 0;
	case SN_TABLE: return a == b;
	}
	return false;
}

static int state_newindex(lua_State *L)
{
	struct proxy *p = check_proxy(L, 1);
	struct pack *pk = vm_user(L);
	struct pstate *st = pk->st;
	_err_ struct err e = ERR_INIT;
	struct snode *val = NULL;
	struct state_key k;
	char buf[260];
	size_t bytes;
	bool found;

	if (key_of(L, 2, &k, &e) < 0)
		check_raise(L, "rnm.state", &e);
	const char *top = top_of(p, &k, buf, sizeof(buf));

	run_writes(L, pk, "rnm.state");
	write_check(L, pk, top);
	vm_charge(L, 50);
	/* nothing raises from here but through check_raise(), with everything freed */
	if (!lua_isnil(L, 3) && node_of(L, 3, p->depth + 1, &val, &e) < 0) {
		err_prefix(&e, "%s: ", top);
		check_raise(L, "rnm.state", &e);
	}
	uint32_t i = snode_find(p->node, &k, &found);
	struct snode *old = found ? p->node->e.v[i].val : NULL;

	if ((!val && !old) || (val && old && same_scalar(val, old))) {
		snode_put(val);
		return 0;
	}
	bytes = st->bytes - (old ? snode_bytes(old) : 0) + (val ? 96 + k.n + snode_bytes(val) : 0);
	if (val && (bytes > STATE_BYTES || (!found && p->node->e.n >= ENTRIES_MAX))) {
		snode_put(val);
		err_set(&e, -E2BIG, "rnm.state would hold more than %u bytes", STATE_BYTES);
		check_raise(L, NULL, &e);
	}
	if (st->undoable > UNDO_MAX) {
		snode_put(val);
		err_set(&e, -E2BIG, "rnm.state: more than %d bytes are changed in one transaction", UNDO_MAX);
		check_raise(L, NULL, &e);
	}
	pstate_set(pk, p->node, &k, val, top, bytes);
	touched(pk, top);
	return 0;
}

static int state_len(lua_State *L)
{
	struct proxy *p = check_proxy(L, 1);
	lua_Integer n = 0;

	read_check(L, vm_user(L), p->top);
	vec_foreach (e, &p->node->e) {
		if (e->key.s || e->key.i > n + 1)
			break;
		if (e->key.i == n + 1)
			n++;
	}
	lua_pushinteger(L, n);
	return 1;
}

static int state_next(lua_State *L)
{
	struct proxy *p = check_proxy(L, 1);
	_err_ struct err e = ERR_INIT;
	struct state_key k;
	uint32_t i = 0;
	bool found;
	char buf[260];

	if (!lua_isnil(L, 2)) {
		if (key_of(L, 2, &k, &e) < 0)
			check_raise(L, "rnm.state", &e);
		i = snode_find(p->node, &k, &found);
		i += found;
	}
	if (i >= p->node->e.n) {
		lua_pushnil(L);
		return 1;
	}
	const struct sentry *at = &p->node->e.v[i];

	if (at->key.s)
		lua_pushlstring(L, at->key.s, at->key.n);
	else
		lua_pushinteger(L, at->key.i);
	push_snode(L, at->val, top_of(p, &at->key, buf, sizeof(buf)), p->depth + 1);
	return 2;
}

static int state_pairs(lua_State *L)
{
	struct proxy *p = check_proxy(L, 1);

	read_check(L, vm_user(L), p->top);
	lua_pushcfunction(L, state_next);
	lua_pushvalue(L, 1);
	lua_pushnil(L);
	return 3;
}

static void put_node(const struct snode *n, struct buf *out)
{
	int64_t next = 1;

	switch (n->kind) {
	case SN_BOOL: buf_puts(out, n->b ? "true" : "false"); return;
	case SN_INT: buf_printf(out, "%lld", (long long)n->i); return;
	case SN_REAL: buf_printf(out, "%.14g", n->d); return;
	case SN_STRING: buf_json(out, n->s, n->n); return;
	case SN_TABLE: break;
	}
	buf_putc(out, '{');
	for (uint32_t i = 0; i < n->e.n && out->n < PRINT_MAX; i++) {
		const struct state_key *k = &n->e.v[i].key;

		buf_puts(out, i ? ", " : " ");
		if (k->s) {
			buf_putc(out, '[');
			buf_json(out, k->s, k->n);
			buf_puts(out, "] = ");
		} else if (k->i != next++) {
			buf_printf(out, "[%lld] = ", (long long)k->i);
		}
		put_node(n->e.v[i].val, out);
	}
	buf_puts(out, out->n >= PRINT_MAX ? " …" : n->e.n ? " }" : "}");
}

const struct snode *state_node(lua_State *L, int idx)
{
	return ((struct proxy *)lua_touserdata(L, idx))->node;
}

void state_value(lua_State *L, int idx, struct buf *out)
{
	_buf_ struct buf text = BUF_INIT;

	put_node(((struct proxy *)lua_touserdata(L, idx))->node, &text);
	buf_puts(out, buf_str(&text));
}

static void push_plain(lua_State *L, const struct snode *n)
{
	if (n->kind != SN_TABLE) {
		push_snode(L, (struct snode *)n, NULL, 0);
		return;
	}
	luaL_checkstack(L, 10, NULL);
	vm_charge(L, 5ull * n->e.n);
	lua_newtable(L);
	for (uint32_t i = 0; i < n->e.n; i++) {
		const struct state_key *k = &n->e.v[i].key;

		push_plain(L, n->e.v[i].val);
		if (k->s) {
			lua_pushlstring(L, k->s, k->n);
			lua_insert(L, -2);
			lua_rawset(L, -3);
		} else {
			lua_rawseti(L, -2, k->i);
		}
	}
}

bool state_plain(lua_State *L, int idx)
{
	if (lua_type(L, idx) != LUA_TUSERDATA || type_tag(L, idx) != TAG_STATE)
		return false;
	struct proxy *p = check_proxy(L, idx);

	read_check(L, vm_user(L), p->top);
	push_plain(L, p->node);
	return true;
}

void state_keep(lua_State *L, int idx)
{
	idx = lua_absindex(L, idx);
	if (state_plain(L, idx))
		lua_setiuservalue(L, idx, 1);
}

static int state_eq(lua_State *L)
{
	lua_pushboolean(L, type_tag(L, 1) == TAG_STATE && type_tag(L, 2) == TAG_STATE &&
				   check_proxy(L, 1)->node == check_proxy(L, 2)->node);
	return 1;
}

static int state_gc(lua_State *L)
{
	if (type_tag(L, 1) != TAG_STATE)
		return 0;
	struct proxy *p = lua_touserdata(L, 1);

	snode_put(p->node);
	free(p->top);
	p->node = NULL;
	p->top = NULL;
	return 0;
}

void lua_state_open(lua_State *L)
{
	static const luaL_Reg meta[] = {
		{ "__index", state_index },
		{ "__newindex", state_newindex },
		{ "__len", state_len },
		{ "__pairs", state_pairs },
		{ "__eq", state_eq },
		{ "__gc", state_gc },
		{ NULL, NULL },
	};
	struct pack *pk = vm_user(L);
	struct proxy *p;

	type_new(L, "rnm.state", TAG_STATE, meta, NULL);
	p = push_proxy(L);
	p->node = pk->st->root;
	p->node->refs++;
}
