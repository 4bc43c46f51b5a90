// SPDX-License-Identifier: GPL-2.0-or-later
/* core.nft: the rule language. compile{family=, text=, params=, sets={name={type=, data=, flags=}},
 * chain_type=, hook=, devices=} */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>

#include "nft/lang.h"
#include "nft/live.h"
#include "testing/testing.h"

/* A live value that never changes. */
struct still {
	struct live live;
	struct val list;
};
struct named {
	char *name;
	struct val val;
	struct still still;
	struct set_info set; /* that holds it where it stands as a list */
};
struct env {
	lua_State *L; /* the argument is at index 1 */
	VEC(struct set_info *) sets;
	VEC(struct named *) params;
};

static const char *str_field(lua_State *L, int i, const char *name)
{
	const char *s;

	lua_getfield(L, i, name);
	s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
	lua_pop(L, 1);
	return s;
}

static bool read_set(struct env *env, const char *name, struct set_info *s)
{
	lua_State *L = env->L;
	_err_ struct err e = ERR_INIT;
	const char *type = str_field(L, -1, "type"), *data = str_field(L, -1, "data"),
		   *flags = str_field(L, -1, "flags");
	bool ok;

	memset(s, 0, sizeof(*s));
	if (strlen(name) >= sizeof(s->name))
		return false;
	strcpy(s->name, name);
	ok = type &&
	     !(strncmp(type, "typeof ", 7) ? nft_type_parse(type, &s->key, &e)
					   : nft_typeof_parse(type + 7, &s->key, &e)) &&
	     (!data || !nft_type_parse(data, &s->data, &e)) &&
	     (!flags || !nft_set_flags_parse(flags, &s->flags, &e));
	if (!ok)
		luaL_error(L, "set %s: %s", name, type ? err_text(&e) : "no type");
	if (data)
		s->flags |= NFT_SET_MAP;
	lua_getfield(L, -1, "object");
	if (lua_isinteger(L, -1)) {
		s->flags |= NFT_SET_OBJECT;
		s->obj_type = (uint32_t)lua_tointeger(L, -1);
	}
	lua_pop(L, 1);
	lua_getfield(L, -1, "data_interval");
	s->data.interval |= lua_toboolean(L, -1);
	lua_pop(L, 1);
	return true;
}

static const struct set_info *env_set(void *ctx, const char *name)
{
	struct env *env = ctx;
	struct set_info *s = NULL;

	vec_foreach (it, &env->sets)
		if (!strcmp((*it)->name, name))
			return *it;
	lua_getfield(env->L, 1, "sets");
	if (lua_istable(env->L, -1)) {
		lua_getfield(env->L, -1, name);
		if (lua_istable(env->L, -1)) {
			s = xnew(struct set_info);
			read_set(env, name, s);
			vec_push(&env->sets, s);
		}
		lua_pop(env->L, 1);
	}
	lua_pop(env->L, 1);
	return s;
}

static void push_item(struct val *list, struct val item, uint32_t *cap)
{
	if (list->n == *cap) {
		*cap = *cap ? 2 * *cap : 8;
		list->list = xrealloc(list->list, *cap, sizeof(*list->list));
	}
	list->list[list->n++] = item;
}

/* Strings, integers, lists; { prefix = s }, { range = {a, b} }, { glob = s }, { concat = {…} }, { map = {k,
 * v, …} }, { obj = name }. */
static struct val to_val(lua_State *L, int i, int depth)
{
	struct val v = { .kind = VAL_NIL };
	uint32_t cap = 0;
	const char *s;

	i = lua_absindex(L, i);
	luaL_checkstack(L, 6, NULL);
	if (lua_type(L, i) == LUA_TNUMBER)
		return val_int(lua_tointeger(L, i));
	if (lua_type(L, i) == LUA_TSTRING)
		return val_string(lua_tostring(L, i), strlen(lua_tostring(L, i)));
	if (!lua_istable(L, i) || depth > 4)
		return v;
	if ((s = str_field(L, i, "prefix"))) {
		struct ipprefix p;

		if (ipprefix_parse(s, &p))
			return val_prefix(&p);
		return v;
	}
	if ((s = str_field(L, i, "addr"))) {
		struct ipaddr a;

		if (ipaddr_parse(s, &a))
			return val_addr(&a);
		return v;
	}
	if ((s = str_field(L, i, "glob")) || (s = str_field(L, i, "obj"))) {
		v = val_string(s, strlen(s));
		v.kind = str_field(L, i, "glob") ? VAL_GLOB : VAL_OBJ;
		return v;
	}
	static const struct {
		const char *key;
		enum val_kind kind;
	} lists[] = { { "range", VAL_RANGE }, { "concat", VAL_CONCAT }, { "map", VAL_MAP } };

	v.kind = VAL_LIST;
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		lua_getfield(L, i, lists[k].key);
		if (lua_istable(L, -1)) {
			v.kind = lists[k].kind;
			lua_replace(L, i);
			break;
		}
		lua_pop(L, 1);
	}
	for (lua_Integer n = 1;; n++) {
		lua_geti(L, i, n);
		if (lua_isnil(L, -1)) {
			lua_pop(L, 1);
			return v;
		}
		push_item(&v, to_val(L, -1, depth + 1), &cap);
		lua_pop(L, 1);
	}
}

static void still_first(struct live *l, int family, struct val *out)
{
	struct still *st = container_of(l, struct still, live);

	*out = (struct val){ .kind = VAL_NIL };
	for (uint32_t i = 0; i < st->list.n && out->kind == VAL_NIL; i++)
		if (!family || st->list.list[i].kind != VAL_ADDR || st->list.list[i].ip.addr.family == family)
			*out = val_copy(&st->list.list[i]);
}

static bool still_interval(struct live *l)
{
	(void)l;
	return false;
}

static void still_text(struct live *l, struct buf *out)
{
	val_text(&container_of(l, struct still, live)->list, out);
}

static const struct live_ops still_ops = {
	.first = still_first, .may_be_interval = still_interval, .text = still_text
};

static void to_param(lua_State *L, struct named *p)
{
	if (!lua_istable(L, -1)) {
		p->val = to_val(L, -1, 0);
		return;
	}
	lua_getfield(L, -1, "live");
	if (!lua_istable(L, -1)) {
		lua_pop(L, 1);
		p->val = to_val(L, -1, 0);
		return;
	}
	p->still.list = to_val(L, -1, 0);
	p->still.live.ops = &still_ops;
	p->val = (struct val){ .kind = VAL_LIVE, .live = &p->still.live };
	lua_pop(L, 1);
}

static const struct val *env_param(void *ctx, const char *name)
{
	struct env *env = ctx;
	struct named *p = NULL;

	vec_foreach (it, &env->params)
		if (!strcmp((*it)->name, name))
			return &(*it)->val;
	lua_getfield(env->L, 1, "params");
	if (lua_istable(env->L, -1)) {
		lua_getfield(env->L, -1, name);
		if (!lua_isnil(env->L, -1)) {
			p = xnew(struct named);
			p->name = xstrdup(name);
			to_param(env->L, p);
			vec_push(&env->params, p);
		}
		lua_pop(env->L, 1);
	}
	lua_pop(env->L, 1);
	return p ? &p->val : NULL;
}

static const struct set_info *env_live_set(void *ctx, const char *name, const struct nft_type *key)
{
	struct env *env = ctx;

	vec_foreach (it, &env->params)
		if (!strcmp((*it)->name, name)) {
			snprintf((*it)->set.name, sizeof((*it)->set.name), "_live_%s", name);
			(*it)->set.key = *key;
			return &(*it)->set;
		}
	return NULL;
}

static const char *key_at(struct env *env, const char *table, size_t i)
{
	lua_State *L = env->L;
	const char *name = NULL;

	lua_getfield(L, 1, table);
	if (lua_istable(L, -1)) {
		lua_pushnil(L);
		while (!name && lua_next(L, -2)) {
			if (!i-- && lua_type(L, -2) == LUA_TSTRING)
				name = lua_tostring(L, -2); /* the table keeps it */
			lua_pop(L, 1);
		}
	}
	lua_settop(L, 1);
	return name;
}

static const char *env_set_at(void *ctx, size_t i)
{
	return key_at(ctx, "sets", i);
}

static const char *env_param_at(void *ctx, size_t i)
{
	return key_at(ctx, "params", i);
}

static uint32_t env_ifindex(void *ctx, const char *name)
{
	struct env *env = ctx;
	uint32_t n = 0;

	lua_getfield(env->L, 1, "devices");
	if (lua_istable(env->L, -1)) {
		lua_getfield(env->L, -1, name);
		n = (uint32_t)lua_tointeger(env->L, -1);
		lua_pop(env->L, 1);
	}
	lua_pop(env->L, 1);
	return n;
}

static void env_free(struct env *env)
{
	vec_foreach (it, &env->sets)
		free(*it);
	vec_free(&env->sets);
	vec_foreach (it, &env->params) {
		val_free(&(*it)->val);
		val_free(&(*it)->still.list);
		free((*it)->name);
		free(*it);
	}
	vec_free(&env->params);
}

static int fail(lua_State *L, int code, struct err *e)
{
	lua_pushnil(L);
	lua_pushstring(L, err_text(e));
	lua_pushinteger(L, -code);
	err_free(e);
	return 3;
}

static void push_refs(lua_State *L, const struct code *code)
{
	static const char *const kinds[] = { "chain", "set", "object", "flowtable", "device" };

	lua_newtable(L);
	for (uint32_t i = 0; i < code->refs.n; i++) {
		lua_pushfstring(L, "%s %s", kinds[code->refs.v[i].kind], code->refs.v[i].name);
		lua_rawseti(L, -2, i + 1);
	}
}

/* → text, { refs, hash, rule, comment }; or nil, message, errno */
static int compile(lua_State *L)
{
	struct env env = { .L = L };
	struct rule_env re = { .ctx = &env,
		.family = NFPROTO_IPV4,
		.hook = -1,
		.set = env_set,
		.param = env_param,
		.live_set = env_live_set };
	struct err e = ERR_INIT;
	struct src_pos pos = { "rule", 1 };
	struct ast_rule *r;
	struct code *code;
	struct buf b = BUF_INIT;
	uint32_t hook;
	const char *s;
	int rc;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	s = str_field(L, 1, "family");
	if (s && nft_family_parse(s, &re.family, &e) < 0)
		return fail(L, EINVAL, &e);
	re.chain_type = str_field(L, 1, "chain_type");
	re.pos = &pos;
	re.set_at = env_set_at;
	re.param_at = env_param_at;
	s = str_field(L, 1, "hook");
	if (s && nft_hook_parse(s, re.family, &hook, &e) < 0)
		return fail(L, EINVAL, &e);
	if (s)
		re.hook = (int)hook;
	lua_getfield(L, 1, "devices");
	if (lua_istable(L, -1))
		re.ifindex = env_ifindex;
	lua_settop(L, 1);
	s = str_field(L, 1, "text");
	luaL_argcheck(L, s, 1, "no text");
	rc = rule_parse(s, strlen(s), &pos, &r, &e);
	if (rc < 0)
		return fail(L, rc, &e);
	rc = rule_compile(r, &re, &code, &e);
	if (rc < 0) {
		ast_put(r);
		env_free(&env);
		return fail(L, rc, &e);
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
		return fail(L, rc, &e);
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
		return fail(L, EINVAL, &e);
	lua_pushinteger(L, out);
	return 1;
}

static int set_flags(lua_State *L)
{
	struct err e = ERR_INIT;
	uint32_t out;

	if (nft_set_flags_parse(luaL_checkstring(L, 1), &out, &e) < 0)
		return fail(L, EINVAL, &e);
	lua_pushinteger(L, out);
	return 1;
}

static int type_of(lua_State *L)
{
	struct err e = ERR_INIT;
	struct nft_type t;
	struct buf b = BUF_INIT;

	if (nft_typeof_parse(luaL_checkstring(L, 1), &t, &e) < 0)
		return fail(L, EINVAL, &e);
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
	if (testing_nft_type) {
		testing_nft_type(L);
		lua_setfield(L, -2, "type");
	}
	if (testing_nft_ruleset) {
		testing_nft_ruleset(L);
		lua_setfield(L, -2, "ruleset");
	}
	return 1;
}
