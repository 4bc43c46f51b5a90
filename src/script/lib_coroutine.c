// SPDX-License-Identifier: GPL-2.0-or-later
/* Coroutines of packs: every thread has the hook, the threads that wait are known (tracebacks, allocator),
 * and the end of a budget goes through all of them. */
#include "script/vm_int.h"

enum { CREATE_UNITS = 100, RESUME_UNITS = 10 };

static lua_State *get_thread(lua_State *L)
{
	lua_State *co = lua_tothread(L, 1);

	luaL_argexpected(L, co, 1, "coroutine");
	return co;
}

static const char *thread_status(lua_State *L, lua_State *co)
{
	lua_Debug ar;

	if (L == co)
		return "running";
	switch (lua_status(co)) {
	case LUA_YIELD: return "suspended";
	case LUA_OK:
		if (lua_getstack(co, 0, &ar))
			return "normal";
		return lua_gettop(co) ? "suspended" : "dead";
	default: return "dead";
	}
}

static void pace(struct vm *vm, lua_State *co)
{
	if (lua_gethook(co) == vm_hook && lua_gethookcount(co) != vm->every)
		lua_sethook(co, vm_hook, LUA_MASKCOUNT, vm->every);
}

/* Moves narg values from L to co and runs it. Returns the number of results moved back, or -1 with the error.
 */
static int resume(lua_State *L, lua_State *co, int narg)
{
	struct vm *vm = vm_get(L);
	struct vm_link link = { L, vm->waiting };
	int status, nres;

	vm_spend(L, RESUME_UNITS + (uint64_t)narg);
	vm_cstack(L);
	if (!lua_checkstack(co, narg)) {
		lua_pushliteral(L, "too many arguments to resume");
		return -1;
	}
	lua_xmove(L, co, narg);
	pace(vm, co);
	vm->waiting = &link;
	vm->running = co;
	status = lua_resume(co, L, narg, &nres);
	vm->running = L;
	vm->waiting = link.up;
	vm_dead_check(L, status);
	pace(vm, L);
	if (status == LUA_OK || status == LUA_YIELD) {
		vm_spend(L, (uint64_t)nres);
		if (!lua_checkstack(L, nres + 1)) {
			lua_pop(co, nres);
			lua_pushliteral(L, "too many results to resume");
			return -1;
		}
		lua_xmove(co, L, nres);
		return nres;
	}
	lua_pushvalue(co, -1); /* one stays, for a close that comes later */
	lua_xmove(co, L, 1);
	return -1;
}

/* Runs the pending __close of a thread that is suspended or dead. */
static int close_thread(lua_State *L, lua_State *co)
{
	struct vm *vm = vm_get(L);
	struct vm_link link = { L, vm->waiting };
	int before = lua_status(co), status;

	/* Lua of this version does not count the C calls of nested closes. */
	vm_cstack(L);
	vm_spend(L, RESUME_UNITS);
	pace(vm, co);
	vm->waiting = &link;
	vm->running = co;
	status = lua_resetthread(co);
	vm->running = L;
	vm->waiting = link.up;
	vm_dead_check(L, status == before ? LUA_OK : status);
	return status;
}

static int co_create(lua_State *L)
{
	lua_State *co;

	luaL_checktype(L, 1, LUA_TFUNCTION);
	vm_spend(L, CREATE_UNITS);
	co = lua_newthread(L);
	lua_sethook(co, vm_hook, LUA_MASKCOUNT, vm_get(L)->every);
	lua_pushvalue(L, 1);
	lua_xmove(L, co, 1);
	return 1;
}

/* A thread that can not be resumed says why as an ordinary result. */
static const char *refusal(lua_State *L, lua_State *co)
{
	const char *s = thread_status(L, co);

	if (*s == 's')
		return NULL;
	return *s == 'd' ? "cannot resume dead coroutine" : "cannot resume non-suspended coroutine";
}

static int co_resume(lua_State *L)
{
	lua_State *co = get_thread(L);
	const char *why = refusal(L, co);
	int n;

	if (why) {
		lua_pushboolean(L, 0);
		lua_pushstring(L, why);
		return 2;
	}
	n = resume(L, co, lua_gettop(L) - 1);
	lua_pushboolean(L, n >= 0);
	if (n < 0)
		n = 1;
	lua_insert(L, -(n + 1));
	return n + 1;
}

static int wrap_call(lua_State *L)
{
	lua_State *co = lua_tothread(L, lua_upvalueindex(1));
	const char *why = refusal(L, co);
	int n;

	if (why) {
		lua_pushstring(L, why);
		n = -1;
	} else {
		n = resume(L, co, lua_gettop(L));
	}
	if (n >= 0)
		return n;
	if (!why && lua_status(co) > LUA_YIELD && !vm_killed(co)) {
		if (close_thread(L, co) != LUA_OK)
			lua_xmove(co, L, 1); /* an error of __close takes the place of the first one */
	}
	if (lua_type(L, -1) == LUA_TSTRING) {
		luaL_where(L, 1);
		lua_insert(L, -2);
		lua_concat(L, 2);
	}
	return lua_error(L);
}

static int co_wrap(lua_State *L)
{
	co_create(L);
	lua_pushcclosure(L, wrap_call, 1);
	return 1;
}

static int co_yield (lua_State *L)
{
	vm_spend(L, RESUME_UNITS);
	return lua_yield(L, lua_gettop(L));
}

static int co_status(lua_State *L)
{
	lua_pushstring(L, thread_status(L, get_thread(L)));
	return 1;
}

static int co_isyieldable(lua_State *L)
{
	lua_State *co = lua_isnone(L, 1) ? L : get_thread(L);

	lua_pushboolean(L, lua_isyieldable(co));
	return 1;
}

static int co_running(lua_State *L)
{
	lua_pushboolean(L, lua_pushthread(L));
	return 2;
}

static int co_close(lua_State *L)
{
	lua_State *co = get_thread(L);
	const char *s = thread_status(L, co);

	if (*s != 's' && *s != 'd')
		return luaL_error(L, "cannot close a %s coroutine", s);
	/* Hooks are off in a thread that the hook has killed, so nothing could stop its __close functions. */
	if (vm_killed(co)) {
		lua_pushboolean(L, 0);
		lua_pushliteral(L, "coroutine ran out of its budget");
		return 2;
	}
	if (close_thread(L, co) == LUA_OK) {
		lua_pushboolean(L, 1);
		return 1;
	}
	lua_pushboolean(L, 0);
	lua_xmove(co, L, 1);
	return 2;
}

void lib_coroutine(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "close", co_close },
		{ "create", co_create },
		{ "isyieldable", co_isyieldable },
		{ "resume", co_resume },
		{ "running", co_running },
		{ "status", co_status },
		{ "wrap", co_wrap },
		{ "yield", co_yield },
		{ NULL, NULL },
	};

	luaL_newlib(L, functions);
}
