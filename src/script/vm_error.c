// SPDX-License-Identifier: GPL-2.0-or-later
/* What a failure says: message, place, traceback. All of it works without an allocation in Lua and calls no
 * metamethod. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "script/vm_int.h"

enum { TRACE_LEVELS = 14, DEEP = 20000 };

static void trace_thread(lua_State *L, struct buf *b)
{
	lua_Debug ar;
	int level = 0;

	for (; level < TRACE_LEVELS && lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Slnt", &ar);
		if (*ar.what == 'C' && !ar.name)
			continue;
		if (*ar.what == 'C')
			buf_puts(b, "\n\t[C]");
		else if (*ar.source == '@' || *ar.source == '=')
			buf_printf(b, "\n\t%.200s", ar.source + 1);
		else
			buf_printf(b, "\n\t%s", ar.short_src);
		if (ar.currentline > 0)
			buf_printf(b, ":%d", ar.currentline);
		if (*ar.what == 'm')
			buf_puts(b, ": in main chunk");
		else if (ar.name)
			buf_printf(b, ": in %s '%.60s'", *ar.namewhat ? ar.namewhat : "function", ar.name);
		else
			buf_printf(b, ": in the function of line %d", ar.linedefined);
		if (ar.istailcall)
			buf_puts(b, "\n\t(...tail calls...)");
	}
	if (level == TRACE_LEVELS && lua_getstack(L, level, &ar))
		buf_puts(b, "\n\t...");
}

static void trace(lua_State *L, struct vm *vm)
{
	size_t before = vm->text.n, head;
	unsigned threads = 0;

	buf_puts(&vm->text, "\nstack traceback:");
	head = vm->text.n;
	trace_thread(L, &vm->text);
	for (struct vm_link *up = vm->waiting; up && threads++ < 3; up = up->up) {
		buf_puts(&vm->text, "\n\tresumed by");
		trace_thread(up->thread, &vm->text);
	}
	if (vm->text.n == head) { /* nothing of Lua was running */
		vm->text.n = before;
		vm->text.s[before] = '\0';
	}
}

static void amount(struct buf *b, uint64_t n)
{
	if (n && n % 1000000 == 0)
		buf_printf(b, "%" PRIu64 "M", n / 1000000);
	else if (n && n % 1000 == 0)
		buf_printf(b, "%" PRIu64 "k", n / 1000);
	else
		buf_printf(b, "%" PRIu64, n);
}

static void bytes(struct buf *b, size_t n)
{
	if (n >= 1 << 20 && n % (1 << 20) == 0)
		buf_printf(b, "%zu MiB", n >> 20);
	else if (n >= 1 << 10 && n % (1 << 10) == 0)
		buf_printf(b, "%zu KiB", n >> 10);
	else
		buf_printf(b, "%zu bytes", n);
}

static void used_up(struct vm *vm)
{
	struct buf *b = &vm->text;

	switch (vm->dead) {
	case VM_INSTRUCTIONS:
		buf_puts(b, "instruction budget of ");
		amount(b, vm->lim.instructions);
		buf_puts(b, " used up");
		return;
	case VM_TIME:
		buf_puts(b, "ran longer than ");
		if (vm->lim.wall_ns % 1000000 == 0)
			buf_printf(b, "%" PRIu64 " ms", vm->lim.wall_ns / 1000000);
		else
			buf_printf(b, "%.3f ms", (double)vm->lim.wall_ns / 1e6);
		return;
	case VM_MEMORY:
		if (vm->refused_string && vm->string_max < vm->limit) {
			buf_puts(b, "a string longer than ");
			bytes(b, vm->string_max);
			return;
		}
		buf_puts(b, "memory limit of ");
		bytes(b, vm->limit);
		buf_puts(b, " reached");
		return;
	case VM_ALIVE: return;
	}
}

void vm_kill(lua_State *L, struct vm *vm, enum vm_death why)
{
	lua_Debug ar;
	const char *file;
	int line;

	vm->dead = why;
	vm->fuel = vm->look = 0;
	buf_clear(&vm->text);
	vm_where(L, &file, &line);
	if (line > 0)
		buf_printf(&vm->text, "%s:%d: ", file, line);
	used_up(vm);
	if (why == VM_MEMORY && lua_getstack(L, DEEP, &ar))
		buf_puts(&vm->text, " (endless recursion?)");
	trace(L, vm);
}

static void value_text(lua_State *L, int idx, struct buf *b)
{
	const char *s;
	size_t n;

	switch (lua_type(L, idx)) {
	case LUA_TSTRING:
		s = lua_tolstring(L, idx, &n);
		buf_put(b, s, n < VM_MESSAGE_MAX ? n : VM_MESSAGE_MAX);
		if (n > VM_MESSAGE_MAX)
			buf_puts(b, "...");
		return;
	case LUA_TNUMBER:
		if (lua_isinteger(L, idx))
			buf_printf(b, "%lld", lua_tointeger(L, idx));
		else
			buf_printf(b, "%.14g", lua_tonumber(L, idx));
		return;
	default: buf_printf(b, "(error object is a %s value)", luaL_typename(L, idx)); return;
	}
}

int vm_message(lua_State *L)
{
	struct vm *vm = vm_get(L);

	if (vm->dead)
		return 1; /* noted where it happened */
	buf_clear(&vm->text);
	value_text(L, 1, &vm->text);
	if (vm->refused && !strcmp(buf_str(&vm->text), "not enough memory"))
		vm_kill(L, vm, VM_MEMORY);
	else
		trace(L, vm);
	return 1;
}

int vm_failure(struct vm *vm, int status, struct err *e)
{
	if (status == LUA_ERRMEM && !vm->dead) {
		vm->dead = VM_MEMORY;
		buf_clear(&vm->text);
		used_up(vm);
	} else if (!vm->dead && status == LUA_ERRERR) {
		buf_clear(&vm->text);
		buf_puts(&vm->text, "stack overflow while an error was handled");
	}
	switch (vm->dead) {
	case VM_INSTRUCTIONS: return err_set(e, -EDQUOT, "%s", buf_str(&vm->text));
	case VM_TIME: return err_set(e, -ETIME, "%s", buf_str(&vm->text));
	case VM_MEMORY: return err_set(e, -ENOMEM, "%s", buf_str(&vm->text));
	case VM_ALIVE: break;
	}
	return err_set(e, -ENOEXEC, "%s", buf_str(&vm->text));
}

void vm_warn(void *ud, const char *msg, int tocont)
{
	struct vm *vm = ud;

	if (vm->warning.n == 0 && !tocont && *msg == '@')
		return; /* control messages: warnings are always on */
	if (vm->warning.n < VM_MESSAGE_MAX)
		buf_puts(&vm->warning, msg);
	if (tocont)
		return;
	log_warn("lua", "%s: %.*s", vm->name, VM_MESSAGE_MAX, buf_str(&vm->warning));
	buf_free(&vm->warning);
}
