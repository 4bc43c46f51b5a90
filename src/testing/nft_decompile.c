// SPDX-License-Identifier: GPL-2.0-or-later
/* core.nft.decompile.rule{…}: a text is compiled, and the expressions turned into text again, as if they came
 * from the kernel. Arguments as core.nft.compile's; stateless=, comment=, indent=. */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <linux/netfilter.h>

#include "nft/decompile.h"
#include "testing/nft_env.h"
#include "testing/testing.h"

struct world {
	struct env env;
	const struct set_info *(*sets)(void *ctx, const char *name);
	struct code *code; /* its anonymous sets and chains have names now */
};

static const struct set_info *world_set(void *ctx, const char *name)
{
	struct world *w = ctx;

	for (uint32_t i = 0; w->code && i < w->code->sets.n; i++)
		if (!strcmp(w->code->sets.v[i].info.name, name))
			return &w->code->sets.v[i].info;
	return w->sets(&w->env, name);
}

/* A number, or 1 for true. */
static lua_Integer int_field(lua_State *L, const char *name)
{
	lua_Integer n;

	lua_getfield(L, 1, name);
	n = lua_isboolean(L, -1) ? lua_toboolean(L, -1) : lua_tointeger(L, -1);
	lua_pop(L, 1);
	return n;
}

static int world_elems(
	void *ctx, const struct set_info *set, void (*fn)(void *ctx, const struct setelem *el), void *fn_ctx)
{
	struct world *w = ctx;

	for (uint32_t i = 0; i < w->code->sets.n; i++) {
		struct anon_set *s = &w->code->sets.v[i];

		if (&s->info != set)
			continue;
		vec_foreach (el, &s->elems)
			fn(fn_ctx, el);
		return 0;
	}
	return -ENOENT;
}

static int world_chain(void *ctx, const char *name,
	void (*fn)(void *ctx, struct nftnl_expr **exprs, uint32_t n, const char *comment), void *fn_ctx)
{
	struct world *w = ctx;
	uint32_t i = (uint32_t)atoi(name + strlen("__chain"));

	if (!i || i > w->code->chains.n)
		return -ENOENT;
	vec_foreach (r, &w->code->chains.v[i - 1].rules)
		fn(fn_ctx, r->code->exprs.v, r->code->exprs.n, r->comment);
	return 0;
}

static const char *world_ifname(void *ctx, uint32_t index)
{
	(void)ctx;
	return index == 1 ? "lo" : index == 7 ? "eth7" : NULL;
}

/* As the kernel would name them. */
static void give_names(struct code *c)
{
	for (uint32_t i = 0; i < c->sets.n; i++)
		if (!(c->sets.v[i].info.flags & NFT_SET_EVAL))
			snprintf(c->sets.v[i].info.name, sizeof(c->sets.v[i].info.name), "__set%u", i);
	vec_foreach (e, &c->exprs) {
		static const struct {
			const char *expr;
			uint16_t id, name;
		} refs[] = { { "lookup", NFTNL_EXPR_LOOKUP_SET_ID, NFTNL_EXPR_LOOKUP_SET },
			{ "objref", NFTNL_EXPR_OBJREF_SET_ID, NFTNL_EXPR_OBJREF_SET_NAME } };
		const char *name = nftnl_expr_get_str(*e, NFTNL_EXPR_NAME);
		char text[32];

		for (size_t k = 0; k < ARRAY_SIZE(refs); k++)
			if (!strcmp(name, refs[k].expr) && nftnl_expr_is_set(*e, refs[k].id)) {
				snprintf(text, sizeof(text), "__set%u",
					nftnl_expr_get_u32(*e, refs[k].id) - 1);
				nftnl_expr_set_str(*e, refs[k].name, text);
			}
		if (!strcmp(name, "immediate") && nftnl_expr_is_set(*e, NFTNL_EXPR_IMM_CHAIN_ID)) {
			snprintf(text, sizeof(text), "__chain%u",
				nftnl_expr_get_u32(*e, NFTNL_EXPR_IMM_CHAIN_ID));
			nftnl_expr_set_str(*e, NFTNL_EXPR_IMM_CHAIN, text);
		}
	}
}

/* → text, whether it has words; or nil, message, errno where it does not compile */
static int decompile(lua_State *L)
{
	struct world w = { 0 };
	struct decompile_env de = { .ctx = &w,
		.set = world_set,
		.elems = world_elems,
		.chain = world_chain,
		.ifname = world_ifname };
	struct err e = ERR_INIT;
	struct ast_rule *r = NULL;
	struct buf out = BUF_INIT;
	struct rule_env re;
	const char *s;
	bool ok;
	int rc;

	rc = env_open(&w.env, L, &re, &e);
	if (rc < 0) {
		env_free(&w.env);
		return env_fail(L, rc, &e);
	}
	w.sets = re.set;
	de.family = re.family;
	de.chain_type = re.chain_type;
	de.hook = re.hook;
	de.indent = str_field(L, 1, "indent");
	lua_getfield(L, 1, "stateless");
	de.stateless = lua_toboolean(L, -1);
	lua_settop(L, 1);
	s = str_field(L, 1, "text");
	luaL_argcheck(L, s, 1, "no text");
	rc = rule_parse(s, strlen(s), NULL, &r, &e);
	if (!rc) {
		rc = rule_compile(r, &re, &w.code, &e);
		w.code = rc < 0 ? NULL : w.code;
	}
	if (rc < 0) {
		ast_put(r);
		env_free(&w.env);
		return env_fail(L, rc, &e);
	}
	give_names(w.code);
	ok = rule_decompile(&de, w.code->exprs.v, w.code->exprs.n, ast_comment(r), &out);
	lua_pushstring(L, buf_str(&out));
	lua_pushboolean(L, ok);
	buf_free(&out);
	code_free(w.code);
	ast_put(r);
	env_free(&w.env);
	return 2;
}

/* list{what=, family=, table=, name=, obj_type=, handles=, stateless=, terse=, numeric=, reset=, rule=} →
 * text; or nil, message, errno */
static int list(lua_State *L)
{
	static const char *const words[] = { "all", "chain", "set", "object", "flowtable", "tables", "chains",
		"sets", "maps", "objects", "flowtables", NULL };
	struct list_query q = { .family = NFPROTO_UNSPEC };
	struct list_opts o = { 0 };
	struct err e = ERR_INIT;
	struct buf out = BUF_INIT;
	struct nft_conn *c;
	const char *s;
	int r = 0;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	s = str_field(L, 1, "what");
	for (int i = 0; s && words[i]; i++)
		if (!strcmp(words[i], s))
			q.what = (enum list_what)i;
	s = str_field(L, 1, "family");
	if (s && nft_family_parse(s, &q.family, &e) < 0)
		return env_fail(L, -EINVAL, &e);
	q.table = str_field(L, 1, "table");
	q.name = str_field(L, 1, "name");
	q.obj_type = (uint32_t)int_field(L, "obj_type");
	o.rule = (uint64_t)int_field(L, "rule");
	o.handles = int_field(L, "handles");
	o.stateless = int_field(L, "stateless");
	o.no_elements = int_field(L, "terse");
	o.numeric = int_field(L, "numeric");
	o.reset = int_field(L, "reset");
	c = nft_conn_new("test", &e);
	r = c ? kernel_list(c, &q, &o, &out, &e) : -EPERM;
	nft_conn_free(c);
	if (r < 0) {
		buf_free(&out);
		return env_fail(L, r, &e);
	}
	lua_pushlstring(L, buf_str(&out), out.n);
	buf_free(&out);
	return 1;
}

int testing_nft_decompile(lua_State *L)
{
	lua_newtable(L);
	lua_pushcfunction(L, decompile);
	lua_setfield(L, -2, "rule");
	lua_pushcfunction(L, list);
	lua_setfield(L, -2, "list");
	return 1;
}
