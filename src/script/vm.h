/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pack's Lua state: limits, sandbox, and the one function that enters Lua. */
#pragma once

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct vm;

struct vm_limits { /* of one entry; 0: none */
	uint64_t instructions;
	uint64_t wall_ns;
};

/* trusted: the full standard library; else the sandbox (API.md §7, DESIGN §8): text-only load, no io/debug/os
 * but the clock, own versions of every library function with an unbounded C loop (charged to the budget),
 * setmetatable without __gc, xpcall whose handler is budgeted, string metatable closed, sorted pairs, no
 * collectgarbage. memory: bytes, 0 none. name is for messages (copied). user: vm_user(L) gives it back to
 * bindings. NULL only when memory is out.
 * Weak tables of a sandbox are strong (see no_weak_tables()), and no string of it is longer than 8 MiB. */
struct vm *vm_new(const char *name, bool trusted, size_t memory, void *user);
/* Runs no Lua of the pack, but for the finalizers that a trusted one may have. */
void vm_free(struct vm *vm);
lua_State *vm_lua(struct vm *vm); /* for registering libraries inside vm_enter() only */
struct vm *vm_of(lua_State *L);
void *vm_user(lua_State *L);
const char *vm_name(const struct vm *vm);
bool vm_trusted(const struct vm *vm);
size_t vm_memory(const struct vm *vm);    /* bytes in use */
uint64_t vm_calls(const struct vm *vm);   /* entries so far */
uint64_t vm_time_ns(const struct vm *vm); /* spent in Lua so far */

/* Enters Lua: fn(L) runs protected, with arg as a light userdata at index 1, under the limits. 0, or a
 * negative errno with e = message and traceback: -ENOEXEC error in Lua, -ETIME wall clock, -EDQUOT
 * instructions, -ENOMEM memory. A budget error can not be caught by the pack. The stack is balanced
 * afterwards. Entries do not nest (-EBUSY). lim: NULL none. */
int vm_enter(struct vm *vm, lua_CFunction fn, void *arg, const struct vm_limits *lim, struct err *e);
bool vm_inside(const struct vm *vm);
/* A share of garbage collection, for the end of a transaction. Outside of vm_enter(). */
void vm_gc_step(struct vm *vm);
/* Collects all garbage, if there may be more than a little, a bit at a time; true: there is more to do. */
bool vm_gc_tidy(struct vm *vm, uint64_t until_ns);

/* Bindings charge what they do in C to the instruction budget (raises when it is used up; also looks at the
 * clock). One unit is about one instruction of the interpreter, 5 ns. */
void vm_charge(lua_State *L, uint64_t instructions);

/* Compiles text (never bytecode) as a chunk named "@file"; leaves the function on the stack, or raises.
 * Inside vm_enter. chunkname may be given with or without the "@"; "=name" makes a chunk that is not the
 * pack's own (see vm_where). */
void vm_load(lua_State *L, const char *text, size_t len, const char *chunkname);
/* FILE (as given to vm_load, without "@") and line of the innermost Lua function that belongs to the pack;
 * "?" and 0 if none. file lives as long as that function. What a pack compiles itself with load() never
 * counts as a file. */
void vm_where(lua_State *L, const char **file, int *line);
/* Pushes pairs as packs have it: sorted keys, __pairs respected. */
void vm_push_pairs(lua_State *L);
/* As luaL_tolstring(), which shows a sandbox where its objects are: for texts that a pack gets to see. */
const char *vm_tolstring(lua_State *L, int idx, size_t *n);

struct lua_ref { /* a value kept from C; LUA_NOREF when empty: initialise with LUA_REF_INIT */
	int ref;
};
#define LUA_REF_INIT                                                                                         \
	{                                                                                                    \
		LUA_NOREF                                                                                    \
	}
void lua_ref_set(
	lua_State *L, struct lua_ref *r); /* pops the value; releases what r held. May raise (memory) */
void lua_ref_push(lua_State *L, const struct lua_ref *r);
void lua_ref_clear(struct vm *vm, struct lua_ref *r); /* idempotent, never raises */

/* Where print() of the present entry goes, a line a call; NULL: the log. Taken back at the end of the entry.
 */
struct buf;
void vm_print_to(struct vm *vm, struct buf *out);
