// SPDX-License-Identifier: GPL-2.0-or-later
/* Strings under construction. The standard luaL_Buffer grows outside of what the collector knows, so that it
 * fails while there is garbage to collect; this one grows in userdata. */
#include <string.h>

#include "script/vm_int.h"

void sbuf_init(struct sbuf *b, lua_State *L)
{
	luaL_checkstack(L, 4, NULL);
	lua_pushnil(L);
	b->L = L;
	b->p = b->first;
	b->n = 0;
	b->cap = sizeof(b->first);
	b->idx = lua_gettop(L);
}

char *sbuf_room(struct sbuf *b, size_t n)
{
	size_t max = vm_get(b->L)->string_max - VM_STRING_HEAD, cap = b->cap * 2;
	char *p;

	if (n <= b->cap - b->n)
		return b->p + b->n;
	if (n > max || b->n > max - n)
		luaL_error(b->L, "resulting string too large");
	if (cap < b->n + n)
		cap = b->n + n;
	p = lua_newuserdatauv(b->L, cap, 0);
	memcpy(p, b->p, b->n);
	lua_replace(b->L, b->idx);
	b->p = p;
	b->cap = cap;
	return p + b->n;
}

void sbuf_put(struct sbuf *b, const char *s, size_t n)
{
	memcpy(sbuf_room(b, n), s, n);
	b->n += n;
}

void sbuf_value(struct sbuf *b, int idx)
{
	size_t n;
	const char *s;

	if (lua_type(b->L, idx) == LUA_TSTRING) {
		s = lua_tolstring(b->L, idx, &n);
		sbuf_put(b, s, n);
	} else {
		lua_pushvalue(b->L, idx); /* lua_tolstring would change the caller's number */
		s = lua_tolstring(b->L, -1, &n);
		sbuf_put(b, s, n);
		lua_pop(b->L, 1);
	}
	vm_spend(b->L, n / 64);
}

void sbuf_push(struct sbuf *b)
{
	lua_pushlstring(b->L, b->p, b->n);
	lua_replace(b->L, b->idx);
	lua_settop(b->L, b->idx);
}
