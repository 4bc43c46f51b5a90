// SPDX-License-Identifier: GPL-2.0-or-later
/* The table `nft`: tables, chains, sets and maps, and the rules of chains. */
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "script/handle.h"

#define RULE_MAX  (64u << 10)
#define LIST_COST 200 /* a value and its element of a set take half a kilobyte as long as the rule stands */

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

static struct handle *member(lua_State *L, const char *fn, enum obj_kind kind, const char *type)
{
	type_check(L, 1, TAG_TABLE, fn);
	check_count(L, fn, 2, 1, 2);
	const char *name = name_arg(L, fn, 2, 2);

	if (lua_gettop(L) == 3)
		check_table(L, fn, 3, 2);
	return push_member(L, fn, kind, name, type);
}

static int table_chain(lua_State *L)
{
	struct handle *h = member(L, "table:chain", OBJ_CHAIN, "chain handle");

	if (lua_gettop(L) == 4)
		spec_of_chain(L, 3, h);
	handle_state(L, vm_user(L), h, "table:chain");
	return 1;
}

static int table_set_or_map(lua_State *L, bool map)
{
	const char *fn = map ? "table:map" : "table:set";
	struct handle *h = member(L, fn, OBJ_SET, map ? "map handle" : "set handle");

	h->map = map;
	if (map)
		h->spec->flags = NFT_SET_MAP;
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

/* nft.attach(family, table, set [, { map = true }]): the set is somebody else's. */
static int nft_attach(lua_State *L)
{
	static const char *const fields[] = { "map", NULL };
	const char *fn = "nft.attach";
	struct pack *pk = vm_user(L);
	_err_ struct err e = ERR_INIT;
	bool map = false;
	uint8_t family;

	check_count(L, fn, 1, 3, 4);
	if (nft_family_parse(check_string(L, fn, 1, 1, NULL), &family, &e) < 0)
		check_raise(L, fn, &e);
	name_arg(L, fn, 2, 1);
	name_arg(L, fn, 3, 1);
	if (lua_gettop(L) == 4) {
		check_table(L, fn, 4, 1);
		check_fields(L, fn, 4, fields);
		field_bool(L, fn, 4, "map", &map);
	}
	vm_charge(L, 50);
	struct handle *h = push_handle(L, pk, map ? "map handle" : "set handle");

	h->obj = obj_get(pk->s->rs, OBJ_SET, family, lua_tostring(L, 2), lua_tostring(L, 3));
	h->spec = spec_new();
	h->map = map;
	h->spec->given = SPEC_ATTACH;
	h->spec->flags = map ? NFT_SET_MAP : 0;
	if (pk->s->ops.attach_look && !obj_set_info(h->obj))
		pk->s->ops.attach_look(pk->s->ops.ctx, h->obj);
	handle_state(L, pk, h, fn);
	return 1;
}

/* ---- rules ---- */

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
			rc = param_missing(L, params_idx, ast_param(ast, i), e);
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
		params_ready(L, pk, 3, LIST_COST, fn);
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
	static const luaL_Reg table_methods[] = { { "chain", table_chain }, { "set", table_set },
		{ "map", table_map }, { "counter", table_counter }, { "quota", table_quota },
		{ "limit", table_limit }, { "ct_helper", table_ct_helper },
		{ "ct_timeout", table_ct_timeout }, { "ct_expectation", table_ct_expectation },
		{ "synproxy", table_synproxy }, { "secmark", table_secmark },
		{ "flowtable", table_flowtable }, { NULL, NULL } };
	static const luaL_Reg chain_methods[] = { { "rule", chain_rule }, { "rules", chain_rules },
		{ "insert", chain_insert }, { NULL, NULL } };
	static const luaL_Reg fns[] = { { "table", nft_table }, { "attach", nft_attach },
		{ "load", nft_load_fn }, { "template", nft_template_fn }, { NULL, NULL } };

	type_new(L, "table handle", TAG_TABLE, handle_meta, table_methods);
	type_new(L, "chain handle", TAG_CHAIN, handle_meta, chain_methods);
	type_new(L, "set handle", TAG_SET, handle_meta, set_methods);
	type_new(L, "map handle", TAG_MAP, handle_meta, map_methods);
	lua_object_open(L);
	lua_load_open(L);
	luaL_newlib(L, fns);
	nft_functions(L);
	strict_table(L, "nft");
	lua_setglobal(L, "nft");
}
