// SPDX-License-Identifier: GPL-2.0-or-later
/* string.format: width and precision have two digits at most, so one conversion has a bounded length. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "script/vm_int.h"

enum {
	SPEC_MAX = 32,
	ITEM_MAX = 120,  /* of integers, pointers and %e */
	FLOAT_MAX = 420, /* %99.99f of the largest number */
	LONG_STRING = 100,
};

struct spec {
	char text[SPEC_MAX]; /* "%…" without the conversion and with room for a length modifier */
	size_t n;
	char conv;
	bool precise, plain; /* has a precision; has no modifiers at all */
};

static const char *const flag_sets[] = {
	['a'] = "-+ #0",
	['A'] = "-+ #0",
	['e'] = "-+ #0",
	['E'] = "-+ #0",
	['f'] = "-+ #0",
	['F'] = "-+ #0",
	['g'] = "-+ #0",
	['G'] = "-+ #0",
	['d'] = "-+ 0",
	['i'] = "-+ 0",
	['u'] = "-0",
	['o'] = "-#0",
	['x'] = "-#0",
	['X'] = "-#0",
	['c'] = "-",
	['p'] = "-",
	['s'] = "-",
	['q'] = "",
};

static int bad_conversion(lua_State *L, const char *from, const char *to)
{
	lua_pushlstring(L, from, (size_t)(to - from < 20 ? to - from : 20));
	return luaL_error(L, "invalid conversion '%s' to 'format'", lua_tostring(L, -1));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads the conversion behind the "%" at f. Returns where the text goes on. */
static const char *read_spec(lua_State *L, const char *f, const char *end, struct spec *sp)
{
	const char *start = f++, *mods, *flags;

	while (f < end && *f && strchr("-+ #0", *f))
		f++;
	mods = f;
	for (int i = 0; i < 2 && f < end && is_digit(*f); i++)
		f++;
	sp->precise = f < end && *f == '.';
	if (sp->precise) {
		f++;
		for (int i = 0; i < 2 && f < end && is_digit(*f); i++)
			f++;
	}
	flags = f < end && (unsigned char)*f < sizeof(flag_sets) / sizeof(*flag_sets)
			? flag_sets[(unsigned char)*f]
			: NULL;
	if (!flags || mods - start > 6 || (size_t)(f - start) > SPEC_MAX - 4)
		bad_conversion(L, start, f < end ? f + 1 : end);
	sp->conv = *f;
	sp->plain = f == start + 1;
	if (sp->conv == 'q' && !sp->plain)
		luaL_error(L, "specifier '%%q' cannot have modifiers");
	for (const char *c = start + 1; c < mods; c++)
		if (!strchr(flags, *c))
			bad_conversion(L, start, f + 1);
	if (sp->precise && (sp->conv == 'c' || sp->conv == 'p'))
		bad_conversion(L, start, f + 1);
	sp->n = (size_t)(f - start);
	memcpy(sp->text, start, sp->n);
	return f + 1;
}

static void finish(struct spec *sp, const char *length, char conv)
{
	snprintf(sp->text + sp->n, sizeof(sp->text) - sp->n, "%s%c", length, conv);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
/* The format given to snprintf was checked by read_spec() and completed by finish(). */
#define ADD(b, max, ...) ((b)->n += (size_t)snprintf(sbuf_room(b, max), max, __VA_ARGS__))

#define QUOTE_STEP 256 /* bytes between looks at the budget: each may take a call of snprintf */

static void add_quoted(lua_State *L, struct sbuf *b, int arg)
{
	size_t n;
	const char *s = lua_tolstring(L, arg, &n);

	sbuf_putc(b, '"');
	for (size_t i = 0; i < n; i++) {
		if (i % QUOTE_STEP == 0)
			vm_spend(L, QUOTE_STEP);
		if (s[i] == '"' || s[i] == '\\' || s[i] == '\n') {
			sbuf_putc(b, '\\');
			sbuf_putc(b, s[i]);
		} else if ((unsigned char)s[i] < 32 || s[i] == 127) {
			ADD(b, 8, i + 1 < n && is_digit(s[i + 1]) ? "\\%03d" : "\\%d", s[i]);
		} else {
			sbuf_putc(b, s[i]);
		}
	}
	sbuf_putc(b, '"');
}

static void add_literal(lua_State *L, struct sbuf *b, int arg)
{
	lua_Number d;

	switch (lua_type(L, arg)) {
	case LUA_TSTRING: add_quoted(L, b, arg); return;
	case LUA_TNUMBER:
		d = lua_tonumber(L, arg);
		if (lua_isinteger(L, arg) && lua_tointeger(L, arg) == LUA_MININTEGER)
			ADD(b, ITEM_MAX, "0x%llx", lua_tointeger(L, arg));
		else if (lua_isinteger(L, arg))
			ADD(b, ITEM_MAX, "%lld", lua_tointeger(L, arg));
		else if (isnan(d))
			ADD(b, ITEM_MAX, "(0/0)");
		else if (isinf(d))
			ADD(b, ITEM_MAX, d > 0 ? "1e9999" : "-1e9999");
		else
			ADD(b, ITEM_MAX, "%a", d);
		return;
	case LUA_TNIL:
	case LUA_TBOOLEAN:
		luaL_tolstring(L, arg, NULL);
		sbuf_value(b, -1);
		lua_pop(L, 1);
		return;
	default: luaL_argerror(L, arg, "value has no literal form"); return;
	}
}

static void add_string(lua_State *L, struct sbuf *b, int arg, struct spec *sp)
{
	size_t n;
	const char *s = vm_tolstring(L, arg, &n);

	vm_spend(L, 4 + n / 32);
	if (sp->plain || (!sp->precise && n >= LONG_STRING)) {
		sbuf_put(b, s, n);
	} else {
		luaL_argcheck(L, !memchr(s, 0, n), arg, "string contains zeros");
		finish(sp, "", 's');
		ADD(b, LONG_STRING + ITEM_MAX, sp->text, s);
	}
	lua_pop(L, 1);
}

static void add_item(lua_State *L, struct sbuf *b, int arg, struct spec *sp)
{
	vm_spend(L, 10 + (lua_type(L, arg) == LUA_TSTRING ? lua_rawlen(L, arg) / 8 : 0));
	switch (sp->conv) {
	case 'c':
		finish(sp, "", 'c');
		ADD(b, ITEM_MAX, sp->text, (int)luaL_checkinteger(L, arg));
		return;
	case 'd':
	case 'i':
	case 'u':
	case 'o':
	case 'x':
	case 'X':
		finish(sp, "ll", sp->conv);
		ADD(b, ITEM_MAX, sp->text, luaL_checkinteger(L, arg));
		return;
	case 'f':
	case 'F':
	case 'a':
	case 'A':
	case 'e':
	case 'E':
	case 'g':
	case 'G':
		vm_spend(L, 40);
		finish(sp, "", sp->conv);
		ADD(b, FLOAT_MAX, sp->text, luaL_checknumber(L, arg));
		return;
	case 'p':
		if (vm_address(L, arg)) {
			finish(sp, "", 'p');
			ADD(b, ITEM_MAX, sp->text, vm_address(L, arg));
		} else {
			finish(sp, "", 's');
			ADD(b, ITEM_MAX, sp->text, "(null)");
		}
		return;
	case 'q': add_literal(L, b, arg); return;
	default: add_string(L, b, arg, sp); return;
	}
}
#pragma GCC diagnostic pop

int lib_format(lua_State *L)
{
	size_t n;
	const char *f = luaL_checklstring(L, 1, &n), *end = f + n;
	int top = lua_gettop(L), arg = 1;
	struct spec sp;
	struct sbuf b;

	vm_spend(L, 4 + n / 16);
	sbuf_init(&b, L);
	while (f < end) {
		const char *esc = memchr(f, '%', (size_t)(end - f));

		sbuf_put(&b, f, (size_t)((esc ? esc : end) - f));
		if (!esc)
			break;
		f = esc;
		if (f + 1 < end && f[1] == '%') {
			sbuf_putc(&b, '%');
			f += 2;
			continue;
		}
		if (++arg > top)
			return luaL_argerror(L, arg, "no value");
		f = read_spec(L, f, end, &sp);
		add_item(L, &b, arg, &sp);
	}
	sbuf_push(&b);
	return 1;
}
