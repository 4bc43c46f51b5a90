// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "script/vm_int.h"

enum {
	PIECE = 512,        /* bytes of source that the parser gets at a time, so that it can be stopped */
	PARSE_UNITS = 8,    /* what a byte of source costs */
	WHERE_LEVELS = 100, /* how far vm_where() looks; looking is quadratic */
	GC_KIB = 4,         /* a step of the collector counts as so much allocated memory */
	GC_TURNS = 16,
	GC_SLACK = 64 << 10, /* so much garbage is left alone by vm_gc_tidy() */
};

/* Marks threads that died of a budget inside of the hook: Lua leaves hooks off in them for good. */
static void hook_killed(lua_State *L, lua_Debug *ar)
{
	vm_hook(L, ar);
}

bool vm_killed(lua_State *co)
{
	return lua_gethook(co) == hook_killed;
}

void vm_raise(lua_State *L, struct vm *vm)
{
	vm->fuel = vm->look = 0;
	lua_sethook(L, hook_killed, LUA_MASKCOUNT, 1);
	lua_checkstack(L, 1); /* if it can not, Lua's spare slots do */
	lua_pushlightuserdata(L, vm);
	lua_error(L);
	__builtin_unreachable();
}

void vm_look(lua_State *L, struct vm *vm)
{
	if (!vm->dead) {
		if (vm->lim.instructions && vm->fuel <= 0) {
			vm_kill(L, vm, VM_INSTRUCTIONS);
		} else if (vm->deadline && mono_ns() >= vm->deadline) {
			vm_kill(L, vm, VM_TIME);
		} else {
			vm->look = vm->fuel > VM_LOOK_EVERY ? vm->fuel - VM_LOOK_EVERY : 0;
			return;
		}
	}
	vm_raise(L, vm);
}

void vm_hook(lua_State *L, lua_Debug *ar)
{
	struct vm *vm = vm_get(L);
	int n = lua_gethookcount(L);

	(void)ar;
	if (!vm->inside)
		return;
	vm->fuel -= n;
	if (n < VM_HOOK_EVERY || vm->fuel <= vm->look)
		vm_look(L, vm);
	if (n != vm->every)
		lua_sethook(L, vm_hook, LUA_MASKCOUNT, vm->every);
}

void vm_charge(lua_State *L, uint64_t instructions)
{
	vm_spend(L, instructions < 1ull << 60 ? instructions : 1ull << 60);
}

void vm_cstack(lua_State *L)
{
	struct vm *vm = vm_get(L);
	char *here = __builtin_frame_address(0);

	if (vm->inside && vm->cstack - here > VM_CSTACK_MAX)
		luaL_error(L, "C stack overflow");
}

static void disarm(struct vm *vm)
{
	vm->inside = false;
	vm->running = NULL;
	vm->waiting = NULL;
	vm->print_to = NULL;
	vm->dead = VM_ALIVE;
	vm->lim = (struct vm_limits){ 0, 0 };
	vm->deadline = 0;
	vm->fuel = INT64_MAX / 2;
	vm->look = 0;
}

static void arm(struct vm *vm, const struct vm_limits *lim, uint64_t now, char *cstack)
{
	if (lim)
		vm->lim = *lim;
	if (vm->lim.instructions && vm->lim.instructions < INT64_MAX / 2)
		vm->fuel = (int64_t)vm->lim.instructions;
	vm->look = vm->fuel > VM_LOOK_EVERY ? vm->fuel - VM_LOOK_EVERY : 0;
	vm->deadline = vm->lim.wall_ns ? now + vm->lim.wall_ns : 0;
	vm->running = vm->L;
	vm->cstack = cstack;
	vm->inside = true;
	vm->refused = false;
	vm->refused_size = 0;
	vm->printed = 0;
	vm->calls++;
	/* Also starts the count anew, so that equal entries are charged equally. */
	lua_sethook(vm->L, vm_hook, LUA_MASKCOUNT, vm->every);
}

int vm_enter(struct vm *vm, lua_CFunction fn, void *arg, const struct vm_limits *lim, struct err *e)
{
	lua_State *L = vm->L;
	int top = lua_gettop(L), status, rc = 0;
	uint64_t start;

	if (vm->inside)
		return err_set(e, -EBUSY, "%s: its Lua is already running", vm->name);
	if (!lua_checkstack(L, LUA_MINSTACK))
		return err_set(e, -ENOMEM, "%s: no memory for Lua's stack", vm->name);
	start = mono_ns();
	arm(vm, lim, start, __builtin_frame_address(0));
	/* Nothing of this raises: all else happens in fn. */
	lua_pushcfunction(L, vm_message);
	lua_pushcfunction(L, fn);
	lua_pushlightuserdata(L, arg);
	status = lua_pcall(L, 1, 0, top + 1);
	lua_settop(L, top);
	if (status != LUA_OK)
		rc = vm_failure(vm, status, e);
	disarm(vm);
	vm->time_ns += mono_ns() - start;
	return rc;
}

void vm_print_to(struct vm *vm, struct buf *out)
{
	vm->print_to = out;
}

bool vm_inside(const struct vm *vm)
{
	return vm->inside;
}

struct vm *vm_new(const char *name, bool trusted, size_t memory, void *user)
{
	struct vm *vm = xnew(struct vm);
	struct err e = ERR_INIT;

	vm->name = xstrdup(name);
	vm->trusted = trusted;
	vm->limit = memory ? memory : SIZE_MAX;
	vm->string_max = trusted || vm->limit < VM_STRING_MAX ? vm->limit : VM_STRING_MAX;
	vm->user = user;
	vm->every = VM_HOOK_EVERY;
	if (getrandom(&vm->secret, sizeof(vm->secret), GRND_NONBLOCK) < 0)
		vm->secret = mono_ns() * 0x9e3779b97f4a7c15u;
	disarm(vm);
	vm->L = lua_newstate(vm_alloc, vm);
	if (!vm->L) {
		vm_free(vm);
		return NULL;
	}
	*(struct vm **)lua_getextraspace(vm->L) = vm;
	lua_setwarnf(vm->L, vm_warn, vm);
	lua_gc(vm->L, LUA_GCINC, 0, 0, 0);
	if (vm_enter(vm, vm_open, NULL, NULL, &e) < 0) {
		err_free(&e);
		vm_free(vm);
		return NULL;
	}
	vm->calls = vm->time_ns = 0;
	return vm;
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	if (vm->L)
		lua_close(vm->L);
	buf_free(&vm->text);
	buf_free(&vm->warning);
	free(vm->big);
	free(vm->name);
	free(vm);
}

void vm_gc_step(struct vm *vm)
{
	if (vm->inside)
		return;
	/* Near the limit a refusal would make the next entry pay for a full collection. One that does not
	 * help is not made again before there is more to collect. */
	if (vm->collected > vm->used)
		vm->collected = vm->used;
	if (vm->limit != SIZE_MAX && vm->used > vm->limit / 4 * 3 &&
		vm->used > vm->collected + vm->limit / 8) {
		lua_gc(vm->L, LUA_GCCOLLECT);
		vm->collected = vm->used;
	} else if (++vm->gc_turn % GC_TURNS == 0) { /* not after each event: the next one may be waiting */
		lua_gc(vm->L, LUA_GCSTEP, GC_KIB * GC_TURNS);
	}
}

bool vm_gc_tidy(struct vm *vm, uint64_t until_ns)
{
	if (vm->inside)
		return true;
	if (vm->tidied > vm->used)
		vm->tidied = vm->used;
	if (!vm->tidy_cycles && vm->used > vm->tidied + vm->tidied / 4 + GC_SLACK)
		vm->tidy_cycles = 2; /* what became garbage while the present one marks is the next one's */
	while (vm->tidy_cycles) {
		if (lua_gc(vm->L, LUA_GCSTEP, 0)) {
			if (!--vm->tidy_cycles)
				vm->tidied = vm->used;
		} else if (mono_ns() >= until_ns) {
			return true;
		}
	}
	return false;
}

lua_State *vm_lua(struct vm *vm)
{
	return vm->L;
}

struct vm *vm_of(lua_State *L)
{
	return vm_get(L);
}

void *vm_user(lua_State *L)
{
	return vm_get(L)->user;
}

const char *vm_name(const struct vm *vm)
{
	return vm->name;
}

bool vm_trusted(const struct vm *vm)
{
	return vm->trusted;
}

size_t vm_memory(const struct vm *vm)
{
	return vm->used;
}

uint64_t vm_calls(const struct vm *vm)
{
	return vm->calls;
}

uint64_t vm_time_ns(const struct vm *vm)
{
	return vm->time_ns;
}

struct source {
	const char *s;
	size_t n;
};

static const char *read_piece(lua_State *L, void *ud, size_t *size)
{
	struct source *src = ud;
	const char *s = src->s;

	*size = src->n < PIECE ? src->n : PIECE;
	vm_spend(L, *size * PARSE_UNITS);
	src->s += *size;
	src->n -= *size;
	return s;
}

int vm_compile(lua_State *L, const char *text, size_t len, const char *chunkname)
{
	struct source src = { text, len };
	int status = lua_load(L, read_piece, &src, chunkname, "t");

	vm_dead_check(L, status);
	return status;
}

void vm_load(lua_State *L, const char *text, size_t len, const char *chunkname)
{
	const char *nl;

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		text += 3;
		len -= 3;
	}
	if (len && *text == '#') { /* "#!…" of a script; its newline stays, for the line numbers */
		nl = memchr(text, '\n', len);
		len = nl ? len - (size_t)(nl - text) : 0;
		text = nl ? nl : "";
	}
	luaL_checkstack(L, 2, NULL);
	if (*chunkname != '@' && *chunkname != '=')
		chunkname = lua_pushfstring(L, "@%s", chunkname);
	else
		lua_pushnil(L);
	if (vm_compile(L, text, len, chunkname) != LUA_OK)
		lua_error(L);
	lua_remove(L, -2);
}

static bool where_in(lua_State *L, const char **file, int *line)
{
	lua_Debug ar;

	for (int level = 0; level < WHERE_LEVELS && lua_getstack(L, level, &ar); level++) {
		lua_getinfo(L, "Sl", &ar);
		if (*ar.source == '@' && ar.currentline >= 0) {
			*file = ar.source + 1;
			*line = ar.currentline;
			return true;
		}
	}
	return false;
}

void vm_where(lua_State *L, const char **file, int *line)
{
	if (where_in(L, file, line))
		return;
	for (struct vm_link *up = vm_get(L)->waiting; up; up = up->up)
		if (where_in(up->thread, file, line))
			return;
	*file = "?";
	*line = 0;
}

void lua_ref_set(lua_State *L, struct lua_ref *r)
{
	int old = r->ref;

	r->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	luaL_unref(L, LUA_REGISTRYINDEX, old);
}

void lua_ref_push(lua_State *L, const struct lua_ref *r)
{
	if (r->ref == LUA_NOREF)
		lua_pushnil(L);
	else
		lua_rawgeti(L, LUA_REGISTRYINDEX, r->ref);
}

void lua_ref_clear(struct vm *vm, struct lua_ref *r)
{
	lua_State *L = vm->running ? vm->running : vm->L;

	lua_checkstack(L, 3); /* if it can not, Lua's spare slots do */
	luaL_unref(L, LUA_REGISTRYINDEX, r->ref);
	r->ref = LUA_NOREF;
}
