// SPDX-License-Identifier: GPL-2.0-or-later
/* Methods of sets and maps. In the main chunk, blocks and records they state elements; elsewhere they are
 * edits. */
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "script/handle.h"

/* The handle of the method, stated in the run where it can be. */
static struct handle *self(lua_State *L, struct pack *pk, const char *fn, enum tag tag, int min, int max)
{
	struct handle *h = type_check(L, 1, tag, fn);

	check_count(L, fn, 2, min, max);
	if (pk->run->kind == RUN_MAP)
		luaL_error(L, "%s: a function of q:map() must be pure", fn);
	vm_charge(L, 50);
	if (strcmp(fn + 4, "has") != 0 && strcmp(fn, "set:read") != 0)
		run_writes(L, pk, fn);
	handle_state(L, pk, h, run_states_elements(pk->run) ? fn : NULL);
	return h;
}

/* Edits of messages, timers and the console stay through a reload; those of object hooks and on_start are
 * made again. */
static bool lasting(const struct pack *pk)
{
	return pk->run->kind == RUN_MESSAGE || pk->run->kind == RUN_TIMER || pk->run->kind == RUN_EVAL;
}

static void check_elem_type(lua_State *L, const char *fn, int idx)
{
	switch (lua_type(L, idx)) {
	case LUA_TSTRING:
	case LUA_TNUMBER:
	case LUA_TTABLE: return;
	case LUA_TUSERDATA:
		if (to_live(L, idx))
			luaL_error(L,
				"%s: a query is no element; use set:follow(query) or set:replace(query)", fn);
		if (to_value(L, idx) || (to_handle(L, idx) && type_tag(L, idx) != TAG_TABLE))
			return;
		break;
	default: break;
	}
	check_arg_fail(L, fn, idx, 2, "an element (a string, number, record or array)");
}

/* { timeout = …, comment = … } into key's options. Values of wrong type raise before anything is owned. */
static void check_opts(lua_State *L, const char *fn, int idx)
{
	static const char *const fields[] = { "timeout", "comment", NULL };

	check_table(L, fn, idx, 2);
	check_fields(L, fn, idx, fields);
	lua_getfield(L, idx, "timeout");
	lua_getfield(L, idx, "comment");
	if (!lua_isnil(L, -2) && lua_type(L, -2) != LUA_TNUMBER && lua_type(L, -2) != LUA_TSTRING)
		luaL_error(L, "%s: timeout: expected seconds or a string like \"1h30m\", got %s", fn,
			type_article(L, -2));
	if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TSTRING)
		luaL_error(L, "%s: comment: expected a string, got %s", fn, type_article(L, -1));
	lua_pop(L, 2);
}

static int read_opts(lua_State *L, int idx, struct val *key, struct err *e)
{
	int rc = 0;

	raw_field(L, idx, "timeout");
	if (!lua_isnil(L, -1)) {
		rc = duration_of(L, lua_gettop(L), "timeout", &key->timeout_ms, e);
		if (rc == 0 && !key->timeout_ms)
			rc = err_set(
				e, -EINVAL, "timeout: 0 is refused; leave it out for an element that stays");
	}
	lua_pop(L, 1);
	raw_field(L, idx, "comment");
	if (rc == 0 && lua_type(L, -1) == LUA_TSTRING) {
		size_t n;
		const char *s = lua_tolstring(L, -1, &n);

		if (!text_is_clean(s, n) || n > 127) {
			rc = err_set(e, -EINVAL, "comment: expected 1 to 127 printable bytes");
		} else {
			free(key->comment);
			key->comment = xstrndup(s, n);
		}
	}
	lua_pop(L, 1);
	return rc;
}

static struct elem_in elem_in(const struct val *key, const struct val *data)
{
	return (struct elem_in){
		.key = key, .data = data, .timeout_ms = key->timeout_ms, .comment = key->comment
	};
}

static int done(lua_State *L, int rc, struct err *e)
{
	if (rc < 0)
		return check_nil(L, e);
	lua_pushboolean(L, true);
	return 1;
}

/* Adds key (and data) at these stack indexes, opts at its own or 0. */
static int add(lua_State *L, struct pack *pk, struct handle *h, int key_idx, int data_idx, int opts_idx)
{
	uint32_t site = site_here(L, pk);
	_err_ struct err e = ERR_INIT;
	struct val key, data = { 0 };
	int rc = value_of(L, key_idx, VALUE_ELEM, &key, &e);

	/* nothing raises until the values are freed */
	if (rc == 0 && data_idx)
		rc = value_of(L, data_idx, VALUE_ELEM, &data, &e);
	if (rc == 0 && opts_idx)
		rc = read_opts(L, opts_idx, &key, &e);
	if (rc == 0) {
		struct elem_in in = elem_in(&key, data_idx ? &data : NULL);

		if (run_states_elements(pk->run))
			rc = state_elems(run_scope_now(pk->run), h->obj, &in, 1, site, &e);
		else
			rc = edit_add(pk->rp, h->obj, &in, 1, lasting(pk), site, &e);
	}
	val_free(&key);
	val_free(&data);
	return done(L, rc, &e);
}

static int set_add(lua_State *L)
{
	struct pack *pk = vm_user(L);
	struct handle *h = self(L, pk, "set:add", TAG_SET, 1, 2);

	check_elem_type(L, "set:add", 2);
	if (lua_gettop(L) == 3)
		check_opts(L, "set:add", 3);
	return add(L, pk, h, 2, 0, lua_gettop(L) == 3 ? 3 : 0);
}

static int map_add(lua_State *L)
{
	struct pack *pk = vm_user(L);
	struct handle *h = self(L, pk, "map:add", TAG_MAP, 2, 3);

	check_elem_type(L, "map:add", 2);
	check_elem_type(L, "map:add", 3);
	value_ready(L, pk, 3, run_states_elements(pk->run) ? "map:add" : NULL);
	if (lua_gettop(L) == 4)
		check_opts(L, "map:add", 4);
	return add(L, pk, h, 2, 3, lua_gettop(L) == 4 ? 4 : 0);
}

static int del(lua_State *L, struct pack *pk, struct handle *h)
{
	_err_ struct err e = ERR_INIT;
	struct val key;
	int rc = value_of(L, 2, VALUE_ELEM, &key, &e);

	if (rc == 0) {
		if (run_states_elements(pk->run))
			rc = state_elem_del(run_scope_now(pk->run), h->obj, &key, &e);
		else
			rc = edit_del(pk->rp, h->obj, &key, &e);
	}
	val_free(&key);
	return done(L, rc, &e);
}

static int set_del(lua_State *L)
{
	struct pack *pk = vm_user(L);
	struct handle *h = self(L, pk, "set:del", TAG_SET, 1, 1);

	check_elem_type(L, "set:del", 2);
	return del(L, pk, h);
}

static int map_del(lua_State *L)
{
	struct pack *pk = vm_user(L);
	struct handle *h = self(L, pk, "map:del", TAG_MAP, 1, 1);

	check_elem_type(L, "map:del", 2);
	return del(L, pk, h);
}

/* The list or map at idx as elements. out and in are freed by the caller also after an error. */
static int elems_of(
	lua_State *L, int idx, bool map, struct val *out, struct elem_in **in, uint32_t *n, struct err *e)
{
	int rc = value_of(L, idx, map ? VALUE_MAP : 0, out, e);

	*in = NULL;
	*n = 0;
	if (rc < 0)
		return rc;
	if (out->kind != (map ? VAL_MAP : VAL_LIST))
		return err_set(e, -EINVAL, map ? "expected { key = value }" : "expected a list of elements");
	*n = map ? out->n / 2 : out->n;
	*in = *n ? xcalloc(*n, sizeof(**in)) : NULL;
	for (uint32_t i = 0; i < *n; i++)
		(*in)[i] = map ? elem_in(&out->list[2 * i], &out->list[2 * i + 1])
			       : elem_in(&out->list[i], NULL);
	return 0;
}

/* The items of the table at idx, one after the other: strings are borrowed, the rest is made and freed. */
struct items {
	lua_State *L;
	int idx;
	lua_Integer at;
	struct val made, lent;
	bool owns; /* there is something in made */
};

static int next_item(void *ctx, struct elem_in *out, struct err *e)
{
	struct items *it = ctx;
	lua_State *L = it->L;
	int rc;

	if (it->owns)
		val_free(&it->made);
	it->owns = false;
	if (!lua_next(L, it->idx)) {
		lua_pushnil(L); /* where the key was */
		return 0;
	}
	it->at++;
	if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) != it->at) {
		lua_pop(L, 1);
		return -ENOTSUP;
	}
	if (lua_type(L, -1) == LUA_TSTRING) {
		rc = value_lend(L, -1, &it->lent, e);
		*out = (struct elem_in){ .key = &it->lent };
	} else {
		rc = value_of(L, -1, VALUE_ELEM, &it->made, e);
		it->owns = true;
		if (rc == 0 && it->made.kind == VAL_LIVE)
			rc = err_set(e, -EINVAL, "a query can not be an item of a list; give it alone");
		*out = elem_in(&it->made, NULL);
	}
	lua_pop(L, 1);
	if (rc < 0)
		err_prefix(e, "item %lld: ", (long long)it->at);
	return rc < 0 ? rc : 1;
}

/* A list is read where it stands. sc: it is stated there, replace: in place of what the run stated before;
 * NULL: it takes the place of the pack's edits. -ENOTSUP: the table at idx is something else, or the set has
 * no type yet; nothing was done. */
static int take_list(lua_State *L, struct pack *pk, struct handle *h, int idx, struct scope *sc, bool replace,
	uint32_t site, struct err *e)
{
	struct items it = { .L = L, .idx = idx };
	struct elem_src src = { next_item, &it };
	int rc;

	if (!value_is_plain(L, idx) || lua_rawlen(L, idx) > VALUE_ITEMS_MAX || !lua_checkstack(L, 16))
		return -ENOTSUP;
	lua_pushnil(L);
	rc = sc ? state_list(sc, h->obj, &src, replace, site, e)
		: edit_replace(pk->rp, h->obj, &src, lasting(pk), site, e);
	lua_pop(L, 1);
	val_free(&it.made);
	return rc;
}

static void use_live(lua_State *L, struct handle *h, struct live *l)
{
	live_ready(L, l);
	if (live_file(l))
		file_attach(live_file(l), h->obj);
}

static int replace(lua_State *L, struct pack *pk, struct handle *h, const char *fn)
{
	uint32_t site = site_here(L, pk);
	_err_ struct err e = ERR_INIT;
	struct live *l = to_live(L, 2);
	struct elem_in *in = NULL;
	struct val v = { 0 };
	uint32_t n = 0;
	int rc;

	if (l) {
		use_live(L, h, l);
		if (run_states_elements(pk->run)) {
			state_elems_replace(run_scope_now(pk->run), h->obj, NULL, 0, site, &e);
			state_live(run_scope_now(pk->run), h->obj, l, site);
		} else {
			if (!obj_set_info(h->obj))
				rc = err_set(&e, -EAGAIN, "the set has no type yet");
			else
				rc = (edit_replace_live(pk->rp, h->obj, l, lasting(pk), site), 0);
			return done(L, rc, &e);
		}
		lua_pushboolean(L, true);
		return 1;
	}
	check_table(L, fn, 2, 2);
	vm_charge(L, 20 * lua_rawlen(L, 2));
	if (h->map)
		value_ready(L, pk, 2, run_states_elements(pk->run) ? fn : NULL);
	if (!h->map) {
		rc = take_list(L, pk, h, 2, run_states_elements(pk->run) ? run_scope_now(pk->run) : NULL,
			true, site, &e);
		if (rc != -ENOTSUP)
			return done(L, rc, &e);
	}
	rc = elems_of(L, 2, h->map, &v, &in, &n, &e);
	if (rc == 0) {
		struct elem_array all = { in, n };

		if (run_states_elements(pk->run))
			rc = state_elems_replace(run_scope_now(pk->run), h->obj, in, n, site, &e);
		else
			rc = edit_replace(pk->rp, h->obj, &(struct elem_src){ elem_array_next, &all },
				lasting(pk), site, &e);
	}
	free(in);
	val_free(&v);
	return done(L, rc, &e);
}

static int set_replace(lua_State *L)
{
	struct pack *pk = vm_user(L);
	struct handle *h = self(L, pk, "set:replace", TAG_SET, 1, 1);

	return replace(L, pk, h, "set:replace");
}

static int map_replace(lua_State *L)
{
	struct pack *pk = vm_user(L);
	struct handle *h = self(L, pk, "map:replace", TAG_MAP, 1, 1);

	return replace(L, pk, h, "map:replace");
}

static int has_key(lua_State *L, const char *fn, enum tag tag)
{
	struct pack *pk = vm_user(L);
	struct handle *h = self(L, pk, fn, tag, 1, 1);
	_err_ struct err e = ERR_INIT;
	struct val key;
	int rc;

	check_elem_type(L, fn, 2);
	rc = value_of(L, 2, VALUE_ELEM, &key, &e);
	if (rc == 0)
		rc = set_has(h->obj, &key, &e);
	val_free(&key);
	if (rc < 0)
		return check_nil(L, &e);
	lua_pushboolean(L, rc);
	return 1;
}

static int elem_has(lua_State *L)
{
	return has_key(L, "set:has", TAG_SET);
}

static int map_has(lua_State *L)
{
	return has_key(L, "map:has", TAG_MAP);
}

static struct live *live_arg(lua_State *L, const char *fn)
{
	struct live *l = to_live(L, 2);

	if (!l)
		check_arg_fail(L, fn, 2, 2, "a query or a list file");
	return l;
}

static int set_follow(lua_State *L)
{
	struct pack *pk = vm_user(L);
	struct handle *h = self(L, pk, "set:follow", TAG_SET, 1, 2);
	struct live *l = live_arg(L, "set:follow");
	struct scope *sc = run_scope(L, pk, "set:follow");

	handle_state(L, pk, h, "set:follow");
	if (lua_gettop(L) == 3) {
		if (live_file(l) || live_mapped(l))
			return luaL_error(L, "set:follow: a field can be taken of a plain query only");
		if (lua_type(L, 3) != LUA_TSTRING && lua_type(L, 3) != LUA_TFUNCTION)
			check_arg_fail(L, "set:follow", 3, 2, "the name of a field or a function");
		*push_live_box(L) = l = live_map(L, pk, live_base(l), 3, 0);
	}
	use_live(L, h, l);
	state_live(sc, h->obj, l, site_here(L, pk));
	lua_settop(L, 1);
	return 1;
}

static int map_follow(lua_State *L)
{
	struct pack *pk = vm_user(L);
	struct handle *h = self(L, pk, "map:follow", TAG_MAP, 3, 3);
	struct live *l = live_arg(L, "map:follow");
	struct scope *sc = run_scope(L, pk, "map:follow");

	handle_state(L, pk, h, "map:follow");
	if (live_file(l) || live_mapped(l))
		return luaL_error(L, "map:follow: only a plain query has keys and values");
	for (int i = 3; i <= 4; i++)
		if (lua_type(L, i) != LUA_TSTRING && lua_type(L, i) != LUA_TFUNCTION)
			check_arg_fail(L, "map:follow", i, 2, "the name of a field or a function");
	*push_live_box(L) = l = live_map(L, pk, live_base(l), 3, 4);
	use_live(L, h, l);
	state_live(sc, h->obj, l, site_here(L, pk));
	lua_settop(L, 1);
	return 1;
}

/* ---- reading the kernel's ---- */

struct reading {
	const struct set_info *info;
	struct buf *out; /* texts, each with its NUL */
	uint32_t n;
};

static void read_one(void *ctx, const struct setelem *el)
{
	struct reading *r = ctx;

	nft_elem_text(r->info, el, r->out);
	buf_putc(r->out, '\0');
	r->n++;
}

static int set_read(lua_State *L)
{
	struct pack *pk = vm_user(L);
	struct handle *h = self(L, pk, "set:read", TAG_SET, 0, 0);
	const struct set_info *info = obj_set_info(h->obj);
	_err_ struct err e = ERR_INIT;
	int rc;

	if (!pk->s->ops.set_read || !info) {
		lua_pushnil(L);
		lua_pushstring(L, info ? "there is no kernel to read from" : "the set has no type yet");
		return 2;
	}
	struct reading r = { info, push_buf(L), 0 };

	rc = pk->s->ops.set_read(pk->s->ops.ctx, h->obj, read_one, &r, &e);
	if (rc < 0)
		return check_nil(L, &e);
	vm_charge(L, 20ull * r.n);
	lua_createtable(L, r.n < INT32_MAX ? (int)r.n : 0, 0);
	const char *s = buf_str(r.out);

	for (uint32_t i = 0; i < r.n; i++) {
		lua_pushstring(L, s);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
		s += strlen(s) + 1;
	}
	return 1;
}

const luaL_Reg set_methods[] = {
	{ "add", set_add },
	{ "del", set_del },
	{ "replace", set_replace },
	{ "has", elem_has },
	{ "read", set_read },
	{ "follow", set_follow },
	{ NULL, NULL },
};
const luaL_Reg map_methods[] = { { "add", map_add }, { "del", map_del }, { "replace", map_replace },
	{ "has", map_has }, { "follow", map_follow }, { NULL, NULL } };

/* ---- `elements` of a spec ---- */

void state_elements(lua_State *L, struct pack *pk, struct handle *h, int idx, const char *fn)
{
	struct scope *sc = run_scope(L, pk, fn);
	struct live *l = to_live(L, idx);
	_err_ struct err e = ERR_INIT;
	struct elem_in *in = NULL;
	struct val v = { 0 };
	uint32_t n = 0, site = h->site;
	int rc;

	if (l) {
		if (h->map)
			luaL_error(L,
				"%s: elements: a map's elements are { key = value }; use map:follow(query, "
				"key, value)",
				fn);
		use_live(L, h, l);
		state_live(sc, h->obj, l, site);
		return;
	}
	if (state_plain(L, idx))
		lua_replace(L, idx);
	if (lua_type(L, idx) != LUA_TTABLE)
		luaL_error(L, "%s: elements: expected a %s, got %s", fn,
			h->map ? "table" : "list, a query or a file", type_article(L, idx));
	vm_charge(L, 20 * lua_rawlen(L, idx));
	if (h->map)
		value_ready(L, pk, idx, fn);
	rc = h->map ? -ENOTSUP : take_list(L, pk, h, idx, sc, false, site, &e);
	if (rc == -ENOTSUP) {
		rc = elems_of(L, idx, h->map, &v, &in, &n, &e);
		if (rc == 0 && n)
			rc = state_elems(sc, h->obj, in, n, site, &e);
		free(in);
		val_free(&v);
	}
	if (rc < 0) {
		err_prefix(&e, "elements: ");
		check_raise(L, fn, &e);
	}
}
