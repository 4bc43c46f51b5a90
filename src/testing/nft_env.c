// SPDX-License-Identifier: GPL-2.0-or-later
/* What a rule is compiled against, from a Lua table: { family=, params=, sets={name={type=, data=, flags=}},
 * chain_type=, hook=, devices= }. */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>

#include "nft/lang.h"
#include "nft/live.h"
#include "nft/ruleset.h"
#include "testing/nft_env.h"

const char *str_field(lua_State *L, int i, const char *name)
{
	const char *s;

	lua_getfield(L, i, name);
	s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
	lua_pop(L, 1);
	return s;
}

static int read_type(const char *text, struct nft_type *out, struct err *e)
{
	return strncmp(text, "typeof ", 7) ? nft_type_parse(text, out, e)
					   : nft_typeof_parse(text + 7, out, e);
}

bool env_read_set(struct env *env, const char *name, struct set_info *s)
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
	ok = type && !read_type(type, &s->key, &e) && (!data || !read_type(data, &s->data, &e)) &&
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
			env_read_set(env, name, s);
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
		lua_getfield(L, i, "kind");
		v.obj_kind = (uint8_t)luaL_optinteger(L, -1, OBJ_CHAIN);
		lua_pop(L, 1);
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

void env_free(struct env *env)
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

int env_open(struct env *env, lua_State *L, struct rule_env *re, struct err *e)
{
	static const struct src_pos pos = { "rule", 1 };
	uint32_t hook;
	const char *s;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	*env = (struct env){ .L = L };
	*re = (struct rule_env){ .ctx = env,
		.family = NFPROTO_IPV4,
		.hook = -1,
		.set = env_set,
		.param = env_param,
		.live_set = env_live_set,
		.pos = &pos,
		.set_at = env_set_at,
		.param_at = env_param_at };
	s = str_field(L, 1, "family");
	if (s && nft_family_parse(s, &re->family, e) < 0)
		return -EINVAL;
	re->chain_type = str_field(L, 1, "chain_type");
	s = str_field(L, 1, "hook");
	if (s && nft_hook_parse(s, re->family, &hook, e) < 0)
		return -EINVAL;
	if (s)
		re->hook = (int)hook;
	lua_getfield(L, 1, "devices");
	if (lua_istable(L, -1))
		re->ifindex = env_ifindex;
	lua_settop(L, 1);
	return 0;
}

int env_fail(lua_State *L, int code, struct err *e)
{
	lua_pushnil(L);
	lua_pushstring(L, err_text(e));
	lua_pushinteger(L, -code);
	err_free(e);
	return 3;
}
