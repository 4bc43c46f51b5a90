// SPDX-License-Identifier: GPL-2.0-or-later
/* The table `nft`, and the handles of tables and chains. A handle used in a run states its object there,
 * once. */
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "script/check.h"
#include "script/internal.h"

#define RULE_MAX (64u << 10)

uint32_t site_here(lua_State *L, struct pack *pk)
{
	const char *file;
	int line;

	vm_where(L, &file, &line);
	return line > 0 ? ruleset_site(pk->s->rs, file, (uint32_t)line) : 0;
}

/* ---- handles ---- */

struct handle *to_handle(lua_State *L, int idx)
{
	switch (type_tag(L, idx)) {
	case TAG_TABLE:
	case TAG_CHAIN:
	case TAG_SET:
	case TAG_MAP: return lua_touserdata(L, idx);
	case TAG_NONE:
	case TAG_LIVE:
	case TAG_VALUE:
	case TAG_BLOCK:
	case TAG_HANDLE:
	case TAG_STATE:
	case TAG_BUF:
	case TAG_READONLY:
	case TAG_RECORD: break;
	}
	return NULL;
}

void handle_state(lua_State *L, struct pack *pk, struct handle *h, const char *fn)
{
	struct run *r = pk->run;
	struct scope *sc;

	/* What the main chunk states stands as long as the pack does: stating it again elsewhere would say
	 * nothing. */
	if ((h->main && r->kind != RUN_MAIN && (!fn || run_scope(L, pk, fn))) || h->run == r->id)
		return;
	if (!fn && (r->kind == RUN_LIFECYCLE || r->kind == RUN_MESSAGE || r->kind == RUN_TIMER))
		return;
	sc = run_scope(L, pk, fn ? fn : "nft");
	vm_charge(L, 20);
	state_decl(sc, h->obj, h->spec, h->site);
	h->run = r->id;
	h->main |= r->kind == RUN_MAIN;
}

static struct handle *push_handle(lua_State *L, struct pack *pk, const char *type)
{
	struct handle *h = lua_newuserdatauv(L, sizeof(*h), 0);

	memset(h, 0, sizeof(*h));
	luaL_setmetatable(L, type);
	h->site = site_here(L, pk);
	return h;
}

static int handle_gc(lua_State *L)
{
	struct handle *h = to_handle(L, 1);

	if (!h)
		return 0;
	if (h->obj)
		obj_put(h->obj);
	if (h->spec)
		spec_put(h->spec);
	h->obj = NULL;
	h->spec = NULL;
	return 0;
}

static int handle_index(lua_State *L)
{
	struct handle *h = to_handle(L, 1);

	if (h && lua_type(L, 2) == LUA_TSTRING) {
		const char *key = lua_tostring(L, 2);

		lua_pushvalue(L, 2);
		if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
			return 1;
		if (strcmp(key, "name") == 0)
			lua_pushstring(L, obj_name(h->obj));
		else if (strcmp(key, "table") == 0)
			lua_pushstring(L, obj_table(h->obj));
		else if (strcmp(key, "family") == 0)
			lua_pushstring(L, nft_family_name(obj_family(h->obj)));
		else
			return type_method(L, type_article(L, 1));
		return 1;
	}
	return type_method(L, "handle");
}

static int handle_tostring(lua_State *L)
{
	struct handle *h = to_handle(L, 1);

	if (!h)
		return luaL_error(L, "tostring: expected a handle");
	const char *kind = h->map                          ? "map"
			   : obj_kind(h->obj) == OBJ_SET   ? "set"
			   : obj_kind(h->obj) == OBJ_CHAIN ? "chain"
							   : "table";

	if (obj_kind(h->obj) == OBJ_TABLE)
		lua_pushfstring(L, "%s %s %s", kind, nft_family_name(obj_family(h->obj)), obj_name(h->obj));
	else
		lua_pushfstring(L, "%s %s %s %s", kind, nft_family_name(obj_family(h->obj)),
			obj_table(h->obj), obj_name(h->obj));
	return 1;
}

static int handle_eq(lua_State *L)
{
	struct handle *a = to_handle(L, 1), *b = to_handle(L, 2);

	lua_pushboolean(L, a && b && a->obj == b->obj);
	return 1;
}

static const char *name_arg(lua_State *L, const char *fn, int idx, int first)
{
	_err_ struct err e = ERR_INIT;
	size_t n;
	const char *name = check_string(L, fn, idx, first, &n);

	if (strlen(name) != n)
		luaL_error(L, "%s: the name has a NUL byte", fn);
	if (nft_name_check(name, &e) < 0)
		check_raise(L, fn, &e);
	return name;
}

static int nft_table(lua_State *L)
{
	struct pack *pk = vm_user(L);
	_err_ struct err e = ERR_INIT;
	uint8_t family;

	check_count(L, "nft.table", 1, 2, 3);
	const char *word = check_string(L, "nft.table", 1, 1, NULL);

	if (nft_family_parse(word, &family, &e) < 0)
		check_raise(L, "nft.table", &e);
	const char *name = name_arg(L, "nft.table", 2, 1);

	if (lua_gettop(L) == 3)
		check_table(L, "nft.table", 3, 1);
	vm_charge(L, 50);
	struct handle *h = push_handle(L, pk, "table handle");

	h->obj = obj_get(pk->s->rs, OBJ_TABLE, family, NULL, name);
	h->spec = spec_new();
	if (lua_gettop(L) == 4)
		spec_of_table(L, 3, h);
	handle_state(L, pk, h, "nft.table");
	return 1;
}

static struct handle *member(lua_State *L, const char *fn, enum obj_kind kind, bool map, const char *type)
{
	struct pack *pk = vm_user(L);
	struct handle *t = type_check(L, 1, TAG_TABLE, fn), *h;

	check_count(L, fn, 2, 1, 2);
	const char *name = name_arg(L, fn, 2, 2);

	if (lua_gettop(L) == 3)
		check_table(L, fn, 3, 2);
	vm_charge(L, 50);
	h = push_handle(L, pk, type);
	h->map = map;
	h->obj = obj_get(pk->s->rs, kind, obj_family(t->obj), obj_name(t->obj), name);
	h->spec = spec_new();
	if (map)
		h->spec->flags = NFT_SET_MAP;
	handle_state(L, pk, t, fn);
	return h;
}

static int table_chain(lua_State *L)
{
	struct handle *h = member(L, "table:chain", OBJ_CHAIN, false, "chain handle");

	if (lua_gettop(L) == 4)
		spec_of_chain(L, 3, h);
	handle_state(L, vm_user(L), h, "table:chain");
	return 1;
}

static int table_set_or_map(lua_State *L, bool map)
{
	const char *fn = map ? "table:map" : "table:set";
	struct handle *h = member(L, fn, OBJ_SET, map, map ? "map handle" : "set handle");

	if (lua_gettop(L) == 4)
		spec_of_set(L, 3, h);
	handle_state(L, vm_user(L), h, fn);
	if (lua_gettop(L) == 4) {
		lua_getfield(L, 3, "elements");
		if (!lua_isnil(L, -1))
			state_elements(L, vm_user(L), h, lua_gettop(L), fn);
		lua_settop(L, 4);
	}
	return 1;
}

static int table_set(lua_State *L)
{
	return table_set_or_map(L, false);
}

static int table_map(lua_State *L)
{
	return table_set_or_map(L, true);
}

/* ---- rules ---- */

/* Live values by function must have run before they are used; only then may nothing raise. */
static void ready_params(lua_State *L, int idx)
{
	lua_pushnil(L);
	while (lua_next(L, idx)) {
		struct live *l = lua_type(L, -1) == LUA_TUSERDATA ? to_live(L, -1) : NULL;

		if (l)
			live_ready(L, l);
		lua_pop(L, 1);
	}
}

/* A rule's parameters: of the table only the names that the text uses. */
static int params_of(lua_State *L, int idx, const struct ast_rule *ast, struct params **out, struct err *e)
{
	unsigned n = 0, found = 0;
	struct params *p;

	while (ast_param(ast, n))
		n++;
	p = params_new(n);
	for (unsigned i = 0; i < n; i++) {
		const char *name = ast_param(ast, i);
		struct rule_param *rp = &p->p[found];

		raw_field(L, idx, name);
		if (!lua_isnil(L, -1)) {
			rp->name = xstrdup(name);
			found++;
			if (value_of(L, -1, 0, &rp->val, e) < 0) {
				err_prefix(e, "$%s: ", name);
				lua_pop(L, 1);
				params_put(p);
				return -EINVAL;
			}
		}
		lua_pop(L, 1);
	}
	p->n = found;
	*out = p;
	return 0;
}

struct key_list {
	lua_State *L;
	int idx;
};

static const char *nth_key(void *ctx, size_t i)
{
	struct key_list *k = ctx;
	const char *name = NULL;

	lua_pushnil(k->L);
	while (lua_next(k->L, k->idx)) {
		lua_pop(k->L, 1);
		if (lua_type(k->L, -1) != LUA_TSTRING)
			continue;
		if (i-- == 0) {
			name = lua_tostring(k->L, -1); /* the table holds it */
			lua_pop(k->L, 1);
			return name;
		}
	}
	return NULL;
}

static int missing_param(lua_State *L, int idx, const char *name, struct err *e)
{
	struct key_list keys = { L, idx };
	const char *near = idx ? suggest(name, nth_key, &keys) : NULL;

	return err_set(e, -EINVAL, "$%s has no value%s%s%s", name, near ? "; did you mean $" : "",
		near ? near : "", near ? "?" : "");
}

static int one_rule(lua_State *L, struct pack *pk, struct handle *h, struct scope *sc, const char *text,
	size_t n, int params_idx, bool insert, uint32_t site, struct err *e)
{
	struct site at = ruleset_site_get(pk->s->rs, site);
	struct src_pos pos = { at.file, at.line };
	struct ast_rule *ast = NULL;
	struct params *p = NULL;
	int rc = rule_parse(text, n, &pos, &ast, e);

	if (rc == 0 && params_idx)
		rc = params_of(L, params_idx, ast, &p, e);
	for (unsigned i = 0; rc == 0 && ast_param(ast, i); i++) {
		bool found = false;

		for (uint32_t j = 0; p && j < p->n; j++)
			found |= strcmp(p->p[j].name, ast_param(ast, i)) == 0;
		if (!found)
			rc = missing_param(L, params_idx, ast_param(ast, i), e);
	}
	if (rc == 0)
		rc = state_rule(sc, h->obj, ast, p, insert, site, e);
	if (ast)
		ast_put(ast);
	params_put(p);
	return rc;
}

static struct scope *rule_args(lua_State *L, struct pack *pk, const char *fn, const char **text, size_t *n)
{
	struct handle *h = type_check(L, 1, TAG_CHAIN, fn);
	struct scope *sc;

	check_count(L, fn, 2, 1, 2);
	*text = check_string(L, fn, 2, 2, n);
	if (*n > RULE_MAX && strcmp(fn, "chain:rules") != 0)
		luaL_error(L, "%s: the rule is longer than %d bytes", fn, (int)RULE_MAX);
	if (lua_gettop(L) == 3) {
		check_table(L, fn, 3, 2);
		ready_params(L, 3);
	}
	vm_charge(L, 100 + *n);
	sc = run_scope(L, pk, fn);
	handle_state(L, pk, h, fn);
	return sc;
}

static int rule_fn(lua_State *L, const char *fn, bool insert)
{
	struct pack *pk = vm_user(L);
	_err_ struct err e = ERR_INIT;
	const char *text;
	size_t n;
	struct scope *sc = rule_args(L, pk, fn, &text, &n);

	if (one_rule(L, pk, lua_touserdata(L, 1), sc, text, n, lua_gettop(L) == 3 ? 3 : 0, insert,
		    site_here(L, pk), &e) < 0)
		check_raise(L, fn, &e);
	lua_settop(L, 1);
	return 1;
}

static int chain_rule(lua_State *L)
{
	return rule_fn(L, "chain:rule", false);
}

static int chain_insert(lua_State *L)
{
	return rule_fn(L, "chain:insert", true);
}

/* The length of the first rule of s: a line, or several that end in a backslash. */
static size_t line_len(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && (s[i] != '\n' || (i && s[i - 1] == '\\')))
		i++;
	return i;
}

static bool line_empty(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r'))
		i++;
	return i == n || s[i] == '#';
}

static int chain_rules(lua_State *L)
{
	struct pack *pk = vm_user(L);
	_err_ struct err e = ERR_INIT;
	const char *s;
	size_t n;
	struct scope *sc = rule_args(L, pk, "chain:rules", &s, &n);
	uint32_t site = site_here(L, pk);
	int params = lua_gettop(L) == 3 ? 3 : 0;

	while (n) {
		size_t len = line_len(s, n), trim = len;

		while (trim && (s[trim - 1] == '\r' || s[trim - 1] == ' ' || s[trim - 1] == '\t' ||
				       s[trim - 1] == ';'))
			trim--;
		if (!line_empty(s, len) &&
			one_rule(L, pk, lua_touserdata(L, 1), sc, s, trim, params, false, site, &e) < 0)
			check_raise(L, "chain:rules", &e);
		vm_charge(L, 100); /* nothing is owned here */
		s += len < n ? len + 1 : len;
		n -= len < n ? len + 1 : len;
	}
	lua_settop(L, 1);
	return 1;
}

void lua_nft_open(lua_State *L)
{
	static const luaL_Reg meta[] = { { "__index", handle_index }, { "__tostring", handle_tostring },
		{ "__eq", handle_eq }, { "__gc", handle_gc }, { NULL, NULL } };
	static const luaL_Reg table_methods[] = { { "chain", table_chain }, { "set", table_set },
		{ "map", table_map }, { NULL, NULL } };
	static const luaL_Reg chain_methods[] = { { "rule", chain_rule }, { "rules", chain_rules },
		{ "insert", chain_insert }, { NULL, NULL } };
	static const luaL_Reg fns[] = { { "table", nft_table }, { NULL, NULL } };

	type_new(L, "table handle", TAG_TABLE, meta, table_methods);
	type_new(L, "chain handle", TAG_CHAIN, meta, chain_methods);
	type_new(L, "set handle", TAG_SET, meta, set_methods);
	type_new(L, "map handle", TAG_MAP, meta, map_methods);
	luaL_newlib(L, fns);
	nft_functions(L);
	strict_table(L, "nft");
	lua_setglobal(L, "nft");
}
