// SPDX-License-Identifier: GPL-2.0-or-later
/* Batches from Lua tables, with expressions by hand: the commit without compiler, ruleset and plan. */
#include <arpa/inet.h>
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include <libnftnl/expr.h>

#include "nft/batch.h"
#include "testing/nft_type.h"

struct made { /* what an operation borrows */
	struct object_want object;
	struct flowtable_want flow;
	struct set_want set;
	VEC(struct val) vals; /* keys and data by turns; VAL_NIL: no data */
	const char **dev;
	struct code code;
	struct setelem *els;
};

static struct nft_conn *conn;
static uint8_t elem_get_fail;

static uint8_t family(lua_State *L, int i)
{
	static const char *const names[] = {
		[1] = "inet", [2] = "ip", [3] = "arp", [5] = "netdev", [7] = "bridge", [10] = "ip6"
	};
	const char *s = testing_str(L, i, "family");

	for (uint8_t f = 1; s && f < ARRAY_SIZE(names); f++)
		if (names[f] && !strcmp(names[f], s))
			return f;
	return 1;
}

static const char *const kinds[] = { [OP_DEL_TABLE] = "del_table",
	[OP_ADD_TABLE] = "add_table",
	[OP_ADD_CHAIN] = "add_chain",
	[OP_ADD_SET] = "add_set",
	[OP_DEL_ELEM] = "del_elem",
	[OP_ADD_ELEM] = "add_elem",
	[OP_ADD_RULE] = "add_rule",
	[OP_REPLACE_RULE] = "replace_rule",
	[OP_DEL_RULE] = "del_rule",
	[OP_DEL_SET] = "del_set",
	[OP_DEL_CHAIN] = "del_chain",
	[OP_MOD_CHAIN] = "mod_chain",
	[OP_MOD_SET] = "mod_set",
	[OP_ADD_CHAIN_DEV] = "add_chain_dev",
	[OP_DEL_CHAIN_DEV] = "del_chain_dev",
	[OP_ADD_OBJ] = "add_obj",
	[OP_MOD_OBJ] = "mod_obj",
	[OP_DEL_OBJ] = "del_obj",
	[OP_ADD_FLOWTABLE] = "add_flowtable",
	[OP_DEL_FLOWTABLE] = "del_flowtable",
	[OP_ADD_FLOW_DEV] = "add_flow_dev",
	[OP_DEL_FLOW_DEV] = "del_flow_dev",
	[OP_RENAME_CHAIN] = "rename_chain",
	[OP_FLUSH_RULES] = "flush_rules",
	[OP_FLUSH_SET] = "flush_set",
	[OP_FLUSH_RULESET] = "flush_ruleset" };

static void get_elem(const struct op *op, uint32_t i, struct setelem *out)
{
	const struct made *m = op->elem.src;
	const struct val *key = &m->vals.v[2 * i], *data = &m->vals.v[2 * i + 1];

	if (nft_elem_make(&m->set.info, key, data->kind == VAL_NIL ? NULL : data, out, NULL) < 0)
		elem_get_fail++;
}

static void read_vals(lua_State *L, int i, struct made *m)
{
	if (lua_getfield(L, i, "elems") == LUA_TTABLE) {
		for (lua_Integer k = 1; lua_rawgeti(L, -1, k) != LUA_TNIL; k++) {
			lua_rawgeti(L, -1, 1);
			vec_push(&m->vals, testing_val(L, lua_gettop(L)));
			lua_pop(L, 1);
			lua_rawgeti(L, -1, 2);
			vec_push(&m->vals, testing_val(L, lua_gettop(L)));
			lua_pop(L, 2);
		}
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

/* "ip saddr", "ip saddr : meta mark" */
static void read_typeof(const char *text, struct set_want *w, struct err *e)
{
	const char *data = strstr(text, " : ");
	_autofree_ char *key = data ? xstrndup(text, (size_t)(data - text)) : xstrdup(text);

	w->typeof_text = text;
	if (nft_typeof_parse(key, &w->info.key, e) < 0 || !data)
		return;
	w->info.flags |= NFT_SET_MAP;
	if (strcmp(data + 3, "verdict") != 0)
		nft_typeof_parse(data + 3, &w->info.data, e);
	else
		nft_type_parse("verdict", &w->info.data, e);
}

static void read_set(lua_State *L, int i, struct made *m, struct err *e)
{
	if (lua_getfield(L, i, "set") == LUA_TTABLE) {
		int t = lua_gettop(L);

		testing_set_info(L, t, &m->set.info, e);
		m->set.timeout_ms = (uint64_t)testing_num(L, t, "timeout");
		m->set.gc_ms = (uint64_t)testing_num(L, t, "gc");
		m->set.size = (uint32_t)testing_num(L, t, "size");
		m->set.comment = testing_str(L, t, "comment");
		if (testing_str(L, t, "typeof"))
			read_typeof(testing_str(L, t, "typeof"), &m->set, e);
	}
	lua_pop(L, 1);
	read_vals(L, i, m);
}

static void read_chain(lua_State *L, int i, struct op *op, struct made *m)
{
	const char *type = testing_str(L, i, "type"), *policy = testing_str(L, i, "policy");

	op->chain = (struct chain_want){ .base = type != NULL,
		.hook = (uint32_t)testing_num(L, i, "hook"),
		.priority = (int32_t)testing_num(L, i, "priority"),
		.policy = policy && !strcmp(policy, "drop") ? 0 : 1,
		.comment = testing_str(L, i, "comment") };
	snprintf(op->chain.type, sizeof(op->chain.type), "%s", type ? type : "");
	if (lua_getfield(L, i, "devices") == LUA_TTABLE) {
		op->chain.n_dev = (uint32_t)lua_rawlen(L, -1);
		m->dev = xcalloc(op->chain.n_dev + 1, sizeof(*m->dev));
		for (uint32_t k = 0; k < op->chain.n_dev; k++) {
			lua_rawgeti(L, -1, k + 1);
			m->dev[k] = lua_tostring(L, -1);
			lua_pop(L, 1);
		}
		op->chain.dev = m->dev;
	}
	lua_pop(L, 1);
}

/* "counter", "accept", "jump NAME", "jump #N" (the rule's own chain), "dport" (16 bits of the transport
 * header → register 1), "lookup N|@NAME"
 */
static struct nftnl_expr *make_expr(const char *s)
{
	struct nftnl_expr *x;
	int n;

	if (!strcmp(s, "counter"))
		return nftnl_expr_alloc("counter");
	if (!strcmp(s, "dport")) {
		x = nftnl_expr_alloc("payload");
		nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
		nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
		nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_OFFSET, 2);
		nftnl_expr_set_u32(x, NFTNL_EXPR_PAYLOAD_LEN, 2);
		return x;
	}
	if (sscanf(s, "lookup %d", &n) == 1 || !strncmp(s, "lookup @", 8)) {
		x = nftnl_expr_alloc("lookup");
		nftnl_expr_set_u32(x, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
		nftnl_expr_set_str(x, NFTNL_EXPR_LOOKUP_SET, s[7] == '@' ? s + 8 : "__set%d");
		if (s[7] != '@')
			nftnl_expr_set_u32(x, NFTNL_EXPR_LOOKUP_SET_ID, (uint32_t)n);
		return x;
	}
	x = nftnl_expr_alloc("immediate");
	nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	if (sscanf(s, "jump #%d", &n) == 1) {
		nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_VERDICT, (uint32_t)NFT_JUMP);
		nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_CHAIN_ID, (uint32_t)n);
	} else if (!strncmp(s, "jump ", 5)) {
		nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_VERDICT, (uint32_t)NFT_JUMP);
		nftnl_expr_set_str(x, NFTNL_EXPR_IMM_CHAIN, s + 5);
	} else {
		nftnl_expr_set_u32(x, NFTNL_EXPR_IMM_VERDICT, !strcmp(s, "accept"));
	}
	return x;
}

static void read_anon(lua_State *L, int i, struct code *code, struct err *e)
{
	struct anon_set a = { 0 };
	struct made elems = { 0 };
	struct op op = { .elem = { .src = &elems } };

	if (testing_set_info(L, i, &elems.set.info, e) < 0)
		return;
	elems.set.info.flags |= NFT_SET_ANONYMOUS | NFT_SET_CONSTANT;
	strcpy(elems.set.info.name, elems.set.info.flags & NFT_SET_MAP ? "__map%d" : "__set%d");
	a.info = elems.set.info;
	read_vals(L, i, &elems);
	for (uint32_t k = 0; k < elems.vals.n / 2; k++) {
		struct setelem el = { .n_exprs = 0 };

		get_elem(&op, k, &el);
		vec_push(&a.elems, el);
	}
	vec_foreach (v, &elems.vals)
		val_free(v);
	vec_free(&elems.vals);
	vec_push(&code->sets, a);
}

static void read_code(lua_State *L, int i, struct code *code, struct err *e);

/* { { {exprs=, sets=, comment=}, … rules }, … chains } at the top */
static void read_chains(lua_State *L, struct code *code, struct err *e)
{
	for (lua_Integer k = 1; lua_rawgeti(L, -1, k) != LUA_TNIL; k++) {
		struct anon_chain chain = { 0 };

		for (lua_Integer j = 1; lua_rawgeti(L, -1, j) != LUA_TNIL; j++) {
			struct anon_rule rule = { xnew(struct code),
				testing_str(L, lua_gettop(L), "comment") };

			read_code(L, lua_gettop(L), rule.code, e);
			vec_push(&chain.rules, rule);
			lua_pop(L, 1);
		}
		vec_push(&code->chains, chain);
		lua_pop(L, 2);
	}
}

static void read_code(lua_State *L, int i, struct code *code, struct err *e)
{
	if (lua_getfield(L, i, "exprs") == LUA_TTABLE)
		for (lua_Integer k = 1; lua_rawgeti(L, -1, k) != LUA_TNIL; k++) {
			vec_push(&code->exprs, make_expr(luaL_checkstring(L, -1)));
			lua_pop(L, 1);
		}
	lua_settop(L, i);
	if (lua_getfield(L, i, "sets") == LUA_TTABLE)
		for (lua_Integer k = 1; lua_rawgeti(L, -1, k) != LUA_TNIL; k++) {
			read_anon(L, lua_gettop(L), code, e);
			lua_pop(L, 1);
		}
	lua_settop(L, i);
	if (lua_getfield(L, i, "chains") == LUA_TTABLE)
		read_chains(L, code, e);
	lua_settop(L, i);
}

static void read_rule(lua_State *L, int i, struct op *op, struct made *m, struct err *e)
{
	read_code(L, i, &m->code, e);
	op->rule.code = &m->code;
	op->rule.comment = testing_str(L, i, "comment");
	op->rule.handle = (uint64_t)testing_num(L, i, "handle");
	op->rule.position = (uint64_t)testing_num(L, i, "position");
	op->rule.id = (uint64_t)testing_num(L, i, "id");
	op->rule.rule_id = (uint32_t)testing_num(L, i, "rule_id");
	op->rule.position_id = (uint32_t)testing_num(L, i, "position_id");
}

static void read_op(lua_State *L, int i, struct op *op, struct made *m, struct err *e)
{
	const char *kind = testing_str(L, i, "kind");
	unsigned k = 0;

	while (k < ARRAY_SIZE(kinds) && (!kinds[k] || !kind || strcmp(kinds[k], kind)))
		k++;
	if (k == ARRAY_SIZE(kinds)) {
		err_set(e, -EINVAL, "no operation of this name");
		return;
	}
	*op = (struct op){ .kind = (enum op_kind)k,
		.family = family(L, i),
		.table = testing_str(L, i, "table"),
		.name = testing_str(L, i, "name") };
	switch (op->kind) {
	case OP_ADD_TABLE:
		op->table_want = (struct table_want){ (uint32_t)testing_num(L, i, "flags"),
			testing_str(L, i, "comment") };
		break;
	case OP_ADD_CHAIN:
	case OP_MOD_CHAIN: read_chain(L, i, op, m); break;
	case OP_ADD_SET:
	case OP_MOD_SET:
		read_set(L, i, m, e);
		op->set = &m->set;
		break;
	case OP_ADD_ELEM:
	case OP_DEL_ELEM:
		read_set(L, i, m, e);
		op->elem.set = &m->set;
		op->elem.n = m->vals.n / 2;
		op->elem.get = get_elem;
		op->elem.src = m;
		break;
	case OP_ADD_RULE:
	case OP_REPLACE_RULE:
	case OP_DEL_RULE: read_rule(L, i, op, m, e); break;
	case OP_ADD_CHAIN_DEV:
	case OP_DEL_CHAIN_DEV: op->dev = testing_str(L, i, "dev"); break;
	case OP_ADD_FLOW_DEV:
	case OP_DEL_FLOW_DEV: op->flow_dev = testing_str(L, i, "dev"); break;
	case OP_ADD_FLOWTABLE:
		read_chain(L, i, op, m);
		m->flow = (struct flowtable_want){ op->chain.hook, (uint32_t)testing_num(L, i, "flags"),
			op->chain.priority, op->chain.n_dev, op->chain.dev };
		op->flow = &m->flow;
		break;
	case OP_ADD_OBJ:
	case OP_MOD_OBJ:
	case OP_DEL_OBJ:
		testing_object(L, i, &m->object);
		op->obj = &m->object;
		break;
	default: break;
	}
	op->excl = testing_flag(L, i, "excl");
	op->destroy = testing_flag(L, i, "destroy");
	op->insert = testing_flag(L, i, "insert");
	op->after = testing_flag(L, i, "after");
	op->no_mark = testing_flag(L, i, "no_mark");
	op->by_handle = (uint64_t)testing_num(L, i, "by_handle");
}

static void empty_code(struct code *code)
{
	vec_foreach (x, &code->exprs)
		nftnl_expr_free(*x);
	vec_free(&code->exprs);
	vec_foreach (s, &code->sets)
		vec_free(&s->elems);
	vec_free(&code->sets);
	vec_foreach (chain, &code->chains) {
		vec_foreach (rule, &chain->rules) {
			empty_code(rule->code);
			free(rule->code);
		}
		vec_free(&chain->rules);
	}
	vec_free(&code->chains);
}

static void free_made(struct made *m)
{
	vec_foreach (v, &m->vals)
		val_free(v);
	vec_free(&m->vals);
	empty_code(&m->code);
	free(m->dev);
}

static int open_conn(lua_State *L, struct err *e)
{
	if (!conn)
		conn = nft_conn_new("spec", e);
	(void)L;
	return conn ? 0 : e->code;
}

static void push_result(lua_State *L, const struct plan *p, struct commit_result *r, int code, struct err *e)
{
	lua_newtable(L);
	lua_pushinteger(L, code);
	lua_setfield(L, -2, "code");
	lua_pushstring(L, code ? err_text(e) : "");
	lua_setfield(L, -2, "text");
	lua_pushboolean(L, r->handles_known);
	lua_setfield(L, -2, "handles_known");
	lua_pushinteger(L, (lua_Integer)r->messages);
	lua_setfield(L, -2, "messages");
	lua_pushinteger(L, (lua_Integer)r->bytes);
	lua_setfield(L, -2, "bytes");
	lua_pushinteger(L, (lua_Integer)r->build_ns);
	lua_setfield(L, -2, "build_ns");
	lua_pushinteger(L, (lua_Integer)r->send_ns);
	lua_setfield(L, -2, "send_ns");
	lua_newtable(L);
	lua_newtable(L);
	for (uint32_t i = 0; i < p->ops.n; i++) {
		lua_pushinteger(L, -r->op_err[i]);
		lua_rawseti(L, -3, i + 1);
		lua_pushinteger(L, (lua_Integer)r->handle[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -3, "handle");
	lua_setfield(L, -2, "errno");
}

/* commit(ops [, dry [, genid]]) → {code, text, errno = {…}, handle = {…}, …} */
static int l_commit(lua_State *L)
{
	struct plan p = { 0 };
	struct commit_result r = { 0 };
	struct err e = ERR_INIT;
	uint32_t n = (uint32_t)lua_rawlen(L, 1);
	struct made *made = xcalloc(n + 1, sizeof(*made));
	int code;

	elem_get_fail = 0;
	vec_reserve(&p.ops, n);
	p.ops.n = n;
	for (uint32_t i = 0; i < n; i++) {
		lua_rawgeti(L, 1, i + 1);
		read_op(L, lua_gettop(L), &p.ops.v[i], &made[i], &e);
		lua_pop(L, 1);
	}
	if (!e.code && open_conn(L, &e) >= 0) {
		nft_conn_expect(conn, (uint32_t)lua_tointeger(L, 3));
		code = nft_commit(conn, &p, lua_toboolean(L, 2), &r, &e);
		if (elem_get_fail)
			err_set(&e, code = -EINVAL, "bad elements");
		push_result(L, &p, &r, code, &e);
	} else {
		lua_pushnil(L);
		lua_pushstring(L, err_text(&e));
	}
	code = lua_gettop(L);
	commit_result_free(&r);
	for (uint32_t i = 0; i < n; i++)
		free_made(&made[i]);
	free(made);
	vec_free(&p.ops);
	err_free(&e);
	return lua_istable(L, code) ? 1 : 2;
}

struct each {
	lua_State *L;
	const struct set_info *set;
	lua_Integer n;
};

static void push_table(void *ctx, const struct table_seen *t)
{
	struct each *x = ctx;

	lua_pushfstring(
		x->L, "%d %s%s%s", t->family, t->name, t->own ? " own" : "", t->owner ? " owned" : "");
	lua_rawseti(x->L, -2, ++x->n);
}

/* portid() → of the socket that commits */
static int l_portid(lua_State *L)
{
	struct err e = ERR_INIT;

	if (open_conn(L, &e) < 0)
		return testing_fail(L, &e);
	lua_pushinteger(L, nft_conn_portid(conn));
	return 1;
}

/* tables() → {"1 t own", …} */
static int l_tables(lua_State *L)
{
	struct err e = ERR_INIT;
	struct each x = { .L = L };

	if (open_conn(L, &e) < 0)
		return testing_fail(L, &e);
	lua_newtable(L);
	return nft_tables(conn, push_table, &x, &e) < 0 ? testing_fail(L, &e) : 1;
}

/* handles(family number, table, chain) → {handle, …}, {id, …} */
static int l_handles(lua_State *L)
{
	struct err e = ERR_INIT;
	uint64_t *handles, *ids;
	int n;

	if (open_conn(L, &e) < 0)
		return testing_fail(L, &e);
	n = nft_rule_handles(conn, (uint8_t)luaL_checkinteger(L, 1), luaL_checkstring(L, 2),
		luaL_checkstring(L, 3), &handles, &ids, &e);
	if (n < 0)
		return testing_fail(L, &e);
	lua_newtable(L);
	lua_newtable(L);
	for (int i = 0; i < n; i++) {
		lua_pushinteger(L, (lua_Integer)handles[i]);
		lua_rawseti(L, -3, i + 1);
		lua_pushinteger(L, (lua_Integer)ids[i]);
		lua_rawseti(L, -2, i + 1);
	}
	free(handles);
	free(ids);
	return 2;
}

static void push_elem(void *ctx, const struct setelem *el)
{
	struct each *x = ctx;
	struct setelem shown = *el;
	struct buf b = BUF_INIT;

	shown.expires_ms = 0; /* runs */
	nft_elem_text(x->set, &shown, &b);
	lua_pushstring(x->L, buf_str(&b));
	buf_free(&b);
	lua_rawseti(x->L, -2, ++x->n);
}

/* read(family number, table, set) → {text, …} */
static int l_read(lua_State *L)
{
	struct err e = ERR_INIT;
	struct set_info set;
	struct each x = { .L = L, .set = &set };

	if (open_conn(L, &e) < 0 || testing_set_info(L, 3, &set, &e) < 0)
		return testing_fail(L, &e);
	lua_newtable(L);
	if (nft_set_read(conn, (uint8_t)luaL_checkinteger(L, 1), luaL_checkstring(L, 2), &set, push_elem, &x,
		    &e) < 0)
		return testing_fail(L, &e);
	return 1;
}

static int l_genid(lua_State *L)
{
	struct err e = ERR_INIT;

	if (open_conn(L, &e) < 0)
		return testing_fail(L, &e);
	lua_pushinteger(L, nft_genid(conn));
	return 1;
}

int testing_nft_batch(lua_State *L)
{
	static const luaL_Reg funcs[] = { { "commit", l_commit }, { "tables", l_tables },
		{ "handles", l_handles }, { "read", l_read }, { "genid", l_genid }, { "portid", l_portid },
		{ NULL, NULL } };

	luaL_newlib(L, funcs);
	return 1;
}
