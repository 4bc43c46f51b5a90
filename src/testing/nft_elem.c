// SPDX-License-Identifier: GPL-2.0-or-later
/* core.nft.elems{ set = { type=, data=, flags= }, text = "{ … }", …nft_env.c's } → texts of the elements, and
 * core.nft.stateful(text) → expressions, one a line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <libnftnl/common.h>
#include <libnftnl/expr.h>

#include "nft/parse.h"
#include "testing/nft_env.h"

static void put_exprs(struct nftnl_expr *const *v, uint32_t n, struct buf *out)
{
	char line[512];

	for (uint32_t i = 0; i < n; i++) {
		nftnl_expr_snprintf(line, sizeof(line), v[i], NFTNL_OUTPUT_DEFAULT, 0);
		buf_printf(out, "%s%s %s", i ? "\n" : "", nftnl_expr_get_str(v[i], NFTNL_EXPR_NAME), line);
	}
}

static void push_elem(lua_State *L, const struct set_info *set, const struct setelem *el)
{
	_buf_ struct buf b = BUF_INIT;

	lua_newtable(L);
	nft_elem_text(set, el, &b);
	lua_pushstring(L, buf_str(&b));
	lua_setfield(L, -2, "text");
	lua_pushlstring(L, (const char *)el->key, el->klen);
	lua_setfield(L, -2, "key");
	if (el->interval) {
		lua_pushlstring(L, (const char *)el->key_end, el->klen);
		lua_setfield(L, -2, "key_end");
	}
	buf_clear(&b);
	put_exprs(el->exprs, el->n_exprs, &b);
	lua_pushstring(L, buf_str(&b));
	lua_setfield(L, -2, "exprs");
}

static int elems(lua_State *L)
{
	struct err e = ERR_INIT, local = ERR_INIT;
	struct exprs keep = { 0 };
	struct ast_rule r = { .refs = 1 };
	struct parser p = { .r = &r, .e = &local };
	const struct node *list;
	struct set_info set;
	struct rule_env re;
	struct env env;
	const char *text;
	int rc = env_open(&env, L, &re, &e), n = 0, times;

	lua_getfield(L, 1, "times");
	times = (int)luaL_optinteger(L, -1, 1);
	lua_settop(L, 1);
	if (rc < 0)
		return env_fail(L, rc, &e);
	text = str_field(L, 1, "text");
	luaL_argcheck(L, text, 1, "no text");
	lua_getfield(L, 1, "set");
	luaL_argcheck(L, lua_istable(L, -1), 1, "no set");
	env_read_set(&env, "s", &set);
	lua_settop(L, 1);
	r.src = (struct src){ .text = text, .len = (uint32_t)strlen(text), .line = 1 };
	lex_init(&p.lx, &r.src);
	p_advance(&p);
	list = parse_elems(&p, set.flags & (NFT_SET_MAP | NFT_SET_OBJECT), nft_type_is_verdict(&set.data));
	if (!list)
		rc = err_set(&e, local.code, "%s", err_text(&local));
	lua_newtable(L);
	for (const struct node *el = list ? list->a : NULL; el && !rc; el = el->next) {
		struct setelem out;

		for (int i = 0; i < times && !rc; i++) {
			exprs_free(&keep);
			rc = elem_compile(&r, el, &set, &re, &out, &keep, &e);
		}
		if (rc < 0)
			break;
		push_elem(L, &set, &out);
		lua_rawseti(L, -2, ++n);
	}
	exprs_free(&keep);
	arena_free(&r.arena);
	vec_free(&r.params);
	err_free(&local);
	env_free(&env);
	return rc < 0 ? env_fail(L, rc, &e) : 1;
}

static int stateful(lua_State *L)
{
	struct exprs x = { 0 };
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	int rc = stateful_parse(luaL_checkstring(L, 1), &x, &e);

	if (rc < 0) {
		exprs_free(&x);
		return env_fail(L, rc, &e);
	}
	put_exprs(x.e.v, x.e.n, &b);
	exprs_free(&x);
	lua_pushstring(L, buf_str(&b));
	buf_free(&b);
	return 1;
}

void testing_nft_elem(lua_State *L)
{
	static const luaL_Reg fns[] = { { "elems", elems }, { "stateful", stateful }, { NULL, NULL } };

	luaL_setfuncs(L, fns, 0);
}
