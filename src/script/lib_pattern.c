// SPDX-License-Identifier: GPL-2.0-or-later
/* find, match, gmatch, gsub over pattern.c. */
#include <string.h>

#include "script/pattern.h"
#include "script/vm_int.h"

static void spend(void *ctx, uint64_t units)
{
	vm_spend(ctx, units);
}

static void pattern_init(struct pattern *m, lua_State *L, const char *s, size_t n, const char *p, size_t np)
{
	m->s = s;
	m->s_end = s + n;
	m->p_end = p + np;
	m->spend = spend;
	m->ctx = L;
	m->units = 4;
	m->error = NULL;
	m->captures = 0;
}

static const char *try_match(lua_State *L, struct pattern *m, const char *s, const char *p)
{
	const char *e = pattern_match(m, s, p);

	if (m->error && m->bad_index >= 0)
		luaL_error(L, "%s %%%d", m->error, m->bad_index);
	if (m->error)
		luaL_error(L, "%s", m->error);
	return e;
}

/* Pays what is left when a function is through with its pattern. */
static void settle(lua_State *L, struct pattern *m)
{
	vm_spend(L, m->units);
	m->units = 0;
}

static void push_capture(lua_State *L, struct pattern *m, int i, const char *s, const char *e)
{
	ptrdiff_t n;

	if (i >= m->captures) {
		if (i)
			luaL_error(L, "invalid capture index %%%d", i + 1);
		lua_pushlstring(L, s, (size_t)(e - s));
		return;
	}
	n = m->capture[i].len;
	if (n == PATTERN_OPEN)
		luaL_error(L, "unfinished capture");
	if (n == PATTERN_HERE)
		lua_pushinteger(L, m->capture[i].at - m->s + 1);
	else
		lua_pushlstring(L, m->capture[i].at, (size_t)n);
}

/* All captures, or the whole match when there are none (and s is given). */
static int push_captures(lua_State *L, struct pattern *m, const char *s, const char *e)
{
	int n = !m->captures && s ? 1 : m->captures;

	luaL_checkstack(L, n, "too many captures");
	for (int i = 0; i < n; i++)
		push_capture(L, m, i, s, e);
	return n;
}

/* A start position as an offset: from the end when negative, never before the start. */
static size_t start_at(lua_Integer i, size_t n)
{
	if (i > 0)
		return (lua_Unsigned)i - 1 > n ? n + 1 : (size_t)i - 1;
	if (i == 0 || (lua_Unsigned)0 - (lua_Unsigned)i > n)
		return 0;
	return n - (size_t)((lua_Unsigned)0 - (lua_Unsigned)i);
}

static int find_plain(lua_State *L, const char *s, size_t n, size_t init, const char *p, size_t np)
{
	const char *at;

	vm_spend(L, 4 + (n - init + np) / 16);
	at = np ? memmem(s + init, n - init, p, np) : s + init;
	if (!at) {
		lua_pushnil(L);
		return 1;
	}
	lua_pushinteger(L, at - s + 1);
	lua_pushinteger(L, (lua_Integer)((size_t)(at - s) + np));
	return 2;
}

static bool has_specials(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] && strchr("^$*+?.([%-", p[i]))
			return true;
	return false;
}

static int find(lua_State *L, bool positions)
{
	size_t n, np, init;
	const char *s = luaL_checklstring(L, 1, &n), *p = luaL_checklstring(L, 2, &np), *e;
	struct pattern m;
	bool anchor;

	init = start_at(luaL_optinteger(L, 3, 1), n);
	if (init > n) {
		lua_pushnil(L);
		return 1;
	}
	vm_spend(L, np / 16);
	if (positions && (lua_toboolean(L, 4) || !has_specials(p, np)))
		return find_plain(L, s, n, init, p, np);
	pattern_init(&m, L, s, n, p, np);
	anchor = np && *p == '^';
	if (anchor)
		p++;
	for (s += init;; s++) {
		e = try_match(L, &m, s, p);
		if (e || anchor || s == m.s_end)
			break;
	}
	settle(L, &m);
	if (!e) {
		lua_pushnil(L);
		return 1;
	}
	if (!positions)
		return push_captures(L, &m, s, e);
	lua_pushinteger(L, s - m.s + 1);
	lua_pushinteger(L, e - m.s);
	return 2 + push_captures(L, &m, NULL, e);
}

static int string_find(lua_State *L)
{
	return find(L, true);
}

static int string_match(lua_State *L)
{
	return find(L, false);
}

/* Upvalues: subject, pattern, offset to go on at, end of the last match (-1 none). */
static int gmatch_step(lua_State *L)
{
	size_t n, np;
	const char *s = lua_tolstring(L, lua_upvalueindex(1), &n),
		   *p = lua_tolstring(L, lua_upvalueindex(2), &np);
	lua_Integer at = lua_tointeger(L, lua_upvalueindex(3)), last = lua_tointeger(L, lua_upvalueindex(4));
	struct pattern m;

	pattern_init(&m, L, s, n, p, np);
	for (; at <= (lua_Integer)n; at++) {
		const char *e = try_match(L, &m, s + at, p);

		if (!e || e - s == last)
			continue;
		settle(L, &m);
		lua_pushinteger(L, e - s);
		lua_copy(L, -1, lua_upvalueindex(3));
		lua_replace(L, lua_upvalueindex(4));
		return push_captures(L, &m, s + at, e);
	}
	settle(L, &m);
	lua_pushinteger(L, (lua_Integer)n + 1);
	lua_replace(L, lua_upvalueindex(3));
	return 0;
}

static int string_gmatch(lua_State *L)
{
	size_t n, init;

	luaL_checklstring(L, 1, &n);
	luaL_checkstring(L, 2);
	init = start_at(luaL_optinteger(L, 3, 1), n);
	vm_spend(L, 5);
	lua_settop(L, 2);
	lua_pushinteger(L, (lua_Integer)init);
	lua_pushinteger(L, -1);
	lua_pushcclosure(L, gmatch_step, 4);
	return 1;
}

/* Adds the replacement string at index 3 with its %0 … %9. */
static void add_string(lua_State *L, struct sbuf *b, struct pattern *m, const char *s, const char *e)
{
	size_t n;
	const char *r = lua_tolstring(L, 3, &n), *end = r + n;

	vm_spend(L, n / 8);
	while (r < end) {
		const char *esc = memchr(r, '%', (size_t)(end - r));

		sbuf_put(b, r, (size_t)((esc ? esc : end) - r));
		if (!esc)
			return;
		r = esc + 1;
		if (r < end && *r == '%') {
			sbuf_putc(b, '%');
		} else if (r < end && *r == '0') {
			sbuf_put(b, s, (size_t)(e - s));
		} else if (r < end && *r >= '1' && *r <= '9') {
			int i = *r - '1';

			push_capture(L, m, i, s, e);
			sbuf_value(b, -1);
			lua_pop(L, 1);
		} else {
			luaL_error(L, "invalid use of '%%' in replacement string");
		}
		r++;
	}
}

/* Adds what stands for one match. Returns whether that changed anything. */
static bool add_replacement(lua_State *L, struct sbuf *b, struct pattern *m, const char *s, const char *e)
{
	switch (lua_type(L, 3)) {
	case LUA_TFUNCTION:
		lua_pushvalue(L, 3);
		lua_call(L, push_captures(L, m, s, e), 1);
		break;
	case LUA_TTABLE:
		push_capture(L, m, 0, s, e);
		lua_gettable(L, 3);
		break;
	default: add_string(L, b, m, s, e); return true;
	}
	if (!lua_toboolean(L, -1)) {
		lua_pop(L, 1);
		sbuf_put(b, s, (size_t)(e - s));
		return false;
	}
	if (!lua_isstring(L, -1))
		luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
	sbuf_value(b, -1);
	lua_pop(L, 1);
	return true;
}

static int string_gsub(lua_State *L)
{
	size_t n, np;
	const char *s = luaL_checklstring(L, 1, &n), *p = luaL_checklstring(L, 2, &np), *last = NULL;
	lua_Integer max = luaL_optinteger(L, 4, (lua_Integer)n + 1), done = 0;
	int t = lua_type(L, 3);
	bool anchor = np && *p == '^', changed = false;
	struct pattern m;
	struct sbuf b;

	luaL_argexpected(L, t == LUA_TNUMBER || t == LUA_TSTRING || t == LUA_TFUNCTION || t == LUA_TTABLE, 3,
		"string/function/table");
	if (t == LUA_TNUMBER)
		lua_tostring(L, 3);
	sbuf_init(&b, L);
	pattern_init(&m, L, s, n, p, np);
	if (anchor)
		p++;
	while (done < max) {
		const char *e = try_match(L, &m, s, p);

		if (e && e != last) {
			done++;
			if (add_replacement(L, &b, &m, s, e))
				changed = true;
			s = last = e;
		} else if (s < m.s_end) {
			sbuf_putc(&b, *s++);
		} else {
			break;
		}
		if (anchor)
			break;
	}
	settle(L, &m);
	if (changed) {
		sbuf_put(&b, s, (size_t)(m.s_end - s));
		sbuf_push(&b);
	} else {
		lua_pushvalue(L, 1);
	}
	lua_pushinteger(L, done);
	return 2;
}

const luaL_Reg lib_pattern[] = {
	{ "find", string_find },
	{ "gmatch", string_gmatch },
	{ "gsub", string_gsub },
	{ "match", string_match },
	{ NULL, NULL },
};
