// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a Lua pattern and its subject: first byte is the pattern's length, then pattern and subject.
 * What the matcher finds within its budget is what Lua's own string.find finds. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "base/xalloc.h"
#include "script/pattern.h"

enum { BUDGET = 50000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct budget {
	uint64_t left;
	jmp_buf out;
};

static void spend(void *ctx, uint64_t units)
{
	struct budget *b = ctx;

	if (units > b->left)
		longjmp(b->out, 1);
	b->left -= units;
}

static void require(bool good)
{
	if (!good)
		abort();
}

/* The first match at or after the subject's begin: NULL none or error. */
static const char *search(struct pattern *m, const char *p, const char **start)
{
	bool anchor = p < m->p_end && *p == '^';

	if (anchor)
		p++;
	for (const char *s = m->s;; s++) {
		const char *e = pattern_match(m, s, p);

		*start = s;
		if (e || m->error || anchor || s == m->s_end)
			return e;
	}
}

static void compare(lua_State *L, struct pattern *m, const char *s, const char *e)
{
	require(lua_tointeger(L, 1) == s - m->s + 1 && lua_tointeger(L, 2) == e - m->s);
	require(lua_gettop(L) == 2 + m->captures);
	for (int i = 0; i < m->captures; i++) {
		ptrdiff_t n = m->capture[i].len;
		const char *at = m->capture[i].at;
		size_t want;

		require(at >= m->s && at <= m->s_end && n != PATTERN_OPEN);
		if (n == PATTERN_HERE) {
			require(lua_isinteger(L, 3 + i) && lua_tointeger(L, 3 + i) == at - m->s + 1);
			continue;
		}
		require(n >= 0 && n <= m->s_end - at && lua_type(L, 3 + i) == LUA_TSTRING);
		require(!memcmp(lua_tolstring(L, 3 + i, &want), at, (size_t)n) && want == (size_t)n);
	}
}

/* Without one of these string.find takes the pattern for plain text. */
static bool has_specials(const char *p, size_t n)
{
	while (n && !memchr("^$*+?.([%-", p[n - 1], 10))
		n--;
	return n;
}

static bool unfinished(const struct pattern *m)
{
	for (int i = 0; i < m->captures; i++)
		if (m->capture[i].len == PATTERN_OPEN)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static lua_State *L;
	struct budget budget = { .left = BUDGET };
	struct pattern m = { .spend = spend, .ctx = &budget };
	const char *e, *s = NULL;
	size_t np, n;
	int status;

	if (!L) {
		L = luaL_newstate();
		luaL_requiref(L, "string", luaopen_string, 0);
		lua_getfield(L, -1, "find");
		lua_setglobal(L, "find");
	}
	if (size < 1)
		return 0;
	np = data[0] < size - 1 ? data[0] : size - 1;
	n = size - 1 - np;
	/* Of their exact sizes, so that each byte read beyond them is seen. */
	_autofree_ char *p = xmemdup(data + 1, np), *subject = xmemdup(data + 1 + np, n);

	m.s = subject;
	m.s_end = subject + n;
	m.p_end = p + np;
	if (!has_specials(p, np) || setjmp(budget.out))
		return 0;
	e = search(&m, p, &s);
	require(!e || (e >= s && e <= m.s_end && !m.error));

	lua_settop(L, 0);
	lua_getglobal(L, "find");
	lua_pushlstring(L, subject, n);
	lua_pushlstring(L, p, np);
	status = lua_pcall(L, 2, LUA_MULTRET, 0);
	if (m.error || (e && unfinished(&m)))
		require(status != LUA_OK);
	else if (!e)
		require(status == LUA_OK && lua_isnil(L, 1));
	else
		compare(L, &m, s, e);
	lua_settop(L, 0);
	return 0;
}
