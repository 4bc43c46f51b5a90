// SPDX-License-Identifier: GPL-2.0-or-later
#include <lauxlib.h>
#include <string.h>

#include "base/buf.h"
#include "script/chunk.h"

/* The parser's own word: only a text that lacks something ends its message so. */
static bool ends_early(lua_State *L, const char *s, size_t n)
{
	static const char eof[] = "<eof>";
	const char *message;
	size_t len;

	if (luaL_loadbufferx(L, s, n, "=", "t") != LUA_ERRSYNTAX)
		return false;
	message = lua_tolstring(L, -1, &len);
	return message && len >= sizeof(eof) - 1 && !strcmp(message + len - (sizeof(eof) - 1), eof);
}

bool chunk_is_whole(const char *code, size_t n)
{
	lua_State *L = luaL_newstate();
	_buf_ struct buf value = BUF_INIT;
	bool whole;

	if (!L)
		return true;
	buf_puts(&value, "return ");
	buf_put(&value, code, n);
	whole = luaL_loadbufferx(L, value.s, value.n, "=", "t") == LUA_OK || !ends_early(L, code, n);
	lua_close(L);
	return whole;
}
