// SPDX-License-Identifier: GPL-2.0-or-later
/* core.nft: the rule language. compile{text=, …nft_env.c's} */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "testing/nft_env.h"

static void push_refs(lua_State *L, const struct code *code)
{
	static const char *const kinds[] = { "chain", "set", "object", "flowtable", "device" };

	lua_newtable(L);
	for (uint32_t i = 0; i < code->refs.n; i++) {
		lua_pushfstring(L, "%s %s", kinds[code->refs.v[i].kind], code->refs.v[i].name);
		lua_rawseti(L, -2, i + 1);
	}
}

/* → text, { refs, hash, rule, comment, text }; or nil, message, errno */
static int compile(lua_State *L)
{
	struct err e = ERR_INIT;
	struct env env;
	struct rule_env re;
	struct ast_rule *r;
	struct code *code;
	struct buf b = BUF_INIT;
	const char *s;
	int rc = env_open(&env, L, &re, &e);

	if (rc < 0)
		return env_fail(L, rc, &e);
	s = str_field(L, 1, "text");
	luaL_argcheck(L, s, 1, "no text");
	rc = rule_parse(s, strlen(s), re.pos, &r, &e);
	if (rc < 0)
		return env_fail(L, rc, &e);
	rc = rule_compile(r, &re, &code, &e);
	if (rc < 0) {
		ast_put(r);
		env_free(&env);
		return env_fail(L, rc, &e);
	}
	code_text(code, &b);
	lua_pushstring(L, buf_str(&b));
	buf_clear(&b);
	lua_newtable(L);
	push_refs(L, code);
	lua_setfield(L, -2, "refs");
	lua_pushinteger(L, (lua_Integer)code->hash);
	lua_setfield(L, -2, "hash");
	rule_text(r, &re, &b);
	lua_pushstring(L, buf_str(&b));
	lua_setfield(L, -2, "rule");
	lua_pushstring(L, ast_comment(r));
	lua_setfield(L, -2, "comment");
	lua_pushstring(L, ast_text(r));
	lua_setfield(L, -2, "text");
	buf_free(&b);
	code_free(code);
	ast_put(r);
	env_free(&env);
	return 2;
}

static int name_check(lua_State *L)
{
	struct err e = ERR_INIT;
	int rc = nft_name_check(luaL_checkstring(L, 1), &e);

	if (rc < 0)
		return env_fail(L, rc, &e);
	lua_pushboolean(L, true);
	return 1;
}

static int name_make(lua_State *L)
{
	char out[NFT_NAME_MAXLEN];
	size_t n;
	const char *s = luaL_checklstring(L, 1, &n);

	nft_name_make(s, n, out);
	lua_pushstring(L, out);
	return 1;
}

static int priority(lua_State *L)
{
	struct err e = ERR_INIT;
	uint8_t family;
	uint32_t hook = 0;
	int32_t out;
	const char *h = luaL_optstring(L, 3, NULL);

	if (nft_family_parse(luaL_checkstring(L, 2), &family, &e) < 0 ||
		(h && nft_hook_parse(h, family, &hook, &e) < 0) ||
		nft_priority_parse(luaL_checkstring(L, 1), family, h ? (int)hook : -1, &out, &e) < 0)
		return env_fail(L, EINVAL, &e);
	lua_pushinteger(L, out);
	return 1;
}

static int set_flags(lua_State *L)
{
	struct err e = ERR_INIT;
	uint32_t out;

	if (nft_set_flags_parse(luaL_checkstring(L, 1), &out, &e) < 0)
		return env_fail(L, EINVAL, &e);
	lua_pushinteger(L, out);
	return 1;
}

static int type_of(lua_State *L)
{
	struct err e = ERR_INIT;
	struct nft_type t;
	struct buf b = BUF_INIT;

	if (nft_typeof_parse(luaL_checkstring(L, 1), &t, &e) < 0)
		return env_fail(L, EINVAL, &e);
	nft_type_text(&t, &b);
	lua_pushstring(L, buf_str(&b));
	lua_pushinteger(L, nft_type_len(&t));
	buf_free(&b);
	return 2;
}

int testing_nft(lua_State *L)
{
	static const luaL_Reg fns[] = { { "compile", compile }, { "name_check", name_check },
		{ "name_make", name_make }, { "priority", priority }, { "set_flags", set_flags },
		{ "type_of", type_of }, { NULL, NULL } };

	luaL_newlib(L, fns);
	testing_nft_elem(L);
	testing_nft_tables(L);
	if (testing_nft_type) {
		testing_nft_type(L);
		lua_setfield(L, -2, "type");
	}
	if (testing_nft_decompile) {
		testing_nft_decompile(L);
		lua_setfield(L, -2, "decompile");
	}
	if (testing_nft_ruleset) {
		testing_nft_ruleset(L);
		lua_setfield(L, -2, "ruleset");
	}
	return 1;
}
