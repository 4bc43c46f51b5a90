// SPDX-License-Identifier: GPL-2.0-or-later
/* core.script.vm { trusted =, memory =, instructions =, wall_ms = } → an object with
 * :run(code [, name]) → true and the values as strings, or nil, code, message
 * :info()             → { memory =, calls =, time_ns = }
 * :gc() :free() */
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "script/vm.h"
#include "testing/testing.h"

enum { RESULTS = 16, RESULT_MAX = 8 << 20 };

struct box {
	struct vm *vm;
	struct vm_limits lim;
	struct lua_ref kept;
	int user;
};

struct run {
	const char *code, *name;
	size_t n;
	int count;
	struct buf out[RESULTS];
};

static struct box *check_box(lua_State *L)
{
	struct box *b = luaL_checkudata(L, 1, "rnm.testing.vm");

	luaL_argcheck(L, b->vm, 1, "closed");
	return b;
}

static int where(lua_State *L)
{
	const char *file;
	int line;

	vm_where(L, &file, &line);
	lua_pushstring(L, file);
	lua_pushinteger(L, line);
	return 2;
}

static int charge(lua_State *L)
{
	vm_charge(L, (uint64_t)luaL_checkinteger(L, 1));
	return 0;
}

/* keep(v) holds a value in a lua_ref, kept() gives it back. */
static int keep(lua_State *L)
{
	struct box *b = vm_user(L);

	lua_settop(L, 1);
	lua_ref_set(L, &b->kept);
	return 0;
}

static int kept(lua_State *L)
{
	struct box *b = vm_user(L);

	lua_ref_push(L, &b->kept);
	return 1;
}

static int reenter_body(lua_State *L)
{
	(void)L;
	return 0;
}

static int reenter(lua_State *L)
{
	lua_pushinteger(L, vm_enter(vm_of(L), reenter_body, NULL, NULL, NULL));
	return 1;
}

static int setup(lua_State *L)
{
	lua_register(L, "where", where);
	lua_register(L, "charge", charge);
	lua_register(L, "keep", keep);
	lua_register(L, "kept", kept);
	lua_register(L, "reenter", reenter);
	return 0;
}

static int run_body(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);
	int top;

	lua_settop(L, 0);
	vm_load(L, r->code, r->n, r->name);
	lua_call(L, 0, LUA_MULTRET);
	top = lua_gettop(L);
	r->count = top < RESULTS ? top : RESULTS;
	luaL_checkstack(L, 2, NULL);
	for (int i = 1; i <= r->count; i++) {
		size_t n;
		const char *s = luaL_tolstring(L, i, &n);

		buf_put(&r->out[i - 1], s, n < RESULT_MAX ? n : RESULT_MAX);
		lua_pop(L, 1);
	}
	return 0;
}

static int box_run(lua_State *L)
{
	struct box *b = check_box(L);
	struct run r = { 0 };
	struct err e = ERR_INIT;
	int rc, top;

	r.code = luaL_checklstring(L, 2, &r.n);
	r.name = luaL_optstring(L, 3, "test.lua");
	top = lua_gettop(vm_lua(b->vm));
	rc = vm_enter(b->vm, run_body, &r, &b->lim, &e);
	if (lua_gettop(vm_lua(b->vm)) != top || vm_inside(b->vm))
		rc = -EPROTO;
	if (rc < 0) {
		lua_pushnil(L);
		lua_pushinteger(L, rc);
		lua_pushstring(L, err_text(&e));
	} else {
		lua_pushboolean(L, 1);
		luaL_checkstack(L, r.count, NULL);
		for (int i = 0; i < r.count; i++)
			lua_pushlstring(L, buf_str(&r.out[i]), r.out[i].n);
	}
	for (int i = 0; i < RESULTS; i++)
		buf_free(&r.out[i]);
	err_free(&e);
	return rc < 0 ? 3 : r.count + 1;
}

static int box_info(lua_State *L)
{
	struct box *b = check_box(L);

	lua_newtable(L);
	lua_pushinteger(L, (lua_Integer)vm_memory(b->vm));
	lua_setfield(L, -2, "memory");
	lua_pushinteger(L, (lua_Integer)vm_calls(b->vm));
	lua_setfield(L, -2, "calls");
	lua_pushinteger(L, (lua_Integer)vm_time_ns(b->vm));
	lua_setfield(L, -2, "time_ns");
	return 1;
}

static int box_gc(lua_State *L)
{
	vm_gc_step(check_box(L)->vm);
	return 0;
}

static int box_free(lua_State *L)
{
	struct box *b = luaL_checkudata(L, 1, "rnm.testing.vm");

	if (b->vm) {
		lua_ref_clear(b->vm, &b->kept);
		lua_ref_clear(b->vm, &b->kept);
	}
	vm_free(b->vm);
	b->vm = NULL;
	return 0;
}

static lua_Integer field(lua_State *L, const char *name)
{
	lua_Integer v;

	lua_getfield(L, 1, name);
	v = luaL_optinteger(L, -1, 0);
	lua_pop(L, 1);
	return v;
}

static int new_vm(lua_State *L)
{
	struct box *b;
	bool trusted;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_getfield(L, 1, "trusted");
	trusted = lua_toboolean(L, -1);
	b = lua_newuserdatauv(L, sizeof(*b), 0);
	*b = (struct box){ .kept = LUA_REF_INIT };
	luaL_setmetatable(L, "rnm.testing.vm");
	b->lim.instructions = (uint64_t)field(L, "instructions");
	b->lim.wall_ns = (uint64_t)field(L, "wall_ms") * 1000000;
	b->vm = vm_new("test", trusted, (size_t)field(L, "memory"), b);
	if (!b->vm)
		return luaL_error(L, "no memory for a state");
	vm_enter(b->vm, setup, NULL, NULL, NULL);
	return 1;
}

static void collect_log(void *ctx, enum log_level level, const char *area, const char *text)
{
	struct buf *b = ctx;

	(void)level;
	buf_printf(b, "%s: %s\n", area, text);
}

/* core.script.logged(fn): calls fn and returns the log lines that it caused. */
static int logged(lua_State *L)
{
	struct buf b = BUF_INIT;
	int status;

	luaL_checktype(L, 1, LUA_TFUNCTION);
	lua_settop(L, 1);
	log_tap(collect_log, &b);
	status = lua_pcall(L, 0, 0, 0);
	log_tap(NULL, NULL);
	if (status == LUA_OK)
		lua_pushlstring(L, buf_str(&b), b.n);
	buf_free(&b);
	return status == LUA_OK ? 1 : lua_error(L);
}

/* core.script.enter_ns(n): what n entries of an empty function cost each, and the same by lua_pcall alone. */
static int enter_ns(lua_State *L)
{
	lua_Integer n = luaL_checkinteger(L, 1);
	struct vm *vm = vm_new("bench", false, 64 << 20, NULL);
	struct vm_limits lim = { 10000000, 100000000 };
	uint64_t start = mono_ns(), middle, end;

	for (lua_Integer i = 0; i < n; i++)
		vm_enter(vm, reenter_body, NULL, &lim, NULL);
	middle = mono_ns();
	for (lua_Integer i = 0; i < n; i++) {
		lua_pushcfunction(vm_lua(vm), reenter_body);
		lua_pushlightuserdata(vm_lua(vm), NULL);
		lua_pcall(vm_lua(vm), 1, 0, 0);
	}
	end = mono_ns();
	vm_free(vm);
	lua_pushnumber(L, (double)(middle - start) / (double)n);
	lua_pushnumber(L, (double)(end - middle) / (double)n);
	return 2;
}

int testing_script(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{ "run", box_run },
		{ "info", box_info },
		{ "gc", box_gc },
		{ "free", box_free },
		{ "__gc", box_free },
		{ NULL, NULL },
	};
	static const luaL_Reg functions[] = {
		{ "vm", new_vm },
		{ "logged", logged },
		{ "enter_ns", enter_ns },
		{ NULL, NULL },
	};

	luaL_newmetatable(L, "rnm.testing.vm");
	luaL_setfuncs(L, methods, 0);
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
	luaL_newlib(L, functions);
	return 1;
}
