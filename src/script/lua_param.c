// SPDX-License-Identifier: GPL-2.0-or-later
/* The values that a rule's $names take. */
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "base/text.h"
#include "nft/param.h"
#include "script/handle.h"

static void ready(lua_State *L, struct pack *pk, int idx, unsigned cost, const char *fn)
{
	struct handle *h;
	struct live *l;

	switch (lua_type(L, idx)) {
	case LUA_TUSERDATA:
		l = to_live(L, idx);
		h = to_handle(L, idx);
		if (l)
			live_ready(L, l);
		if (h)
			handle_state(L, pk, h, fn);
		state_keep(L, idx);
		break;
	case LUA_TTABLE:
		if (!cost || record_kind(L, idx) >= 0)
			break;
		lua_pushvalue(L, idx);
		if (readonly_unwrap(L, idx))
			lua_replace(L, -2);
		lua_pushnil(L);
		while (lua_next(L, -2)) {
			vm_charge(L, cost);
			ready(L, pk, lua_gettop(L), 0, fn);
			lua_pop(L, 1);
		}
		lua_pop(L, 1);
		break;
	default: break;
	}
}

void params_ready(lua_State *L, struct pack *pk, int idx, unsigned cost, const char *fn)
{
	luaL_checkstack(L, 10, NULL);
	lua_pushnil(L);
	while (lua_next(L, idx)) {
		vm_charge(L, 2);
		ready(L, pk, lua_gettop(L), cost, fn);
		lua_pop(L, 1);
	}
}

void value_ready(lua_State *L, struct pack *pk, int idx, const char *fn)
{
	luaL_checkstack(L, 10, NULL);
	ready(L, pk, lua_absindex(L, idx), 2, fn);
}

int params_of(lua_State *L, int idx, const struct ast_rule *ast, struct params **out, struct err *e)
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
			if (value_of(L, -1, ast_param_maps(ast, name) ? VALUE_MAP : 0, &rp->val, e) < 0) {
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

int param_missing(lua_State *L, int idx, const char *name, struct err *e)
{
	struct key_list keys = { L, idx };
	const char *near = idx ? suggest(name, nth_key, &keys) : NULL;

	return err_set(e, -EINVAL, "$%s has no value%s%s%s", name, near ? "; did you mean $" : "",
		near ? near : "", near ? "?" : "");
}
