/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the Lua state share among themselves; bindings see only vm.h. */
#pragma once

#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>

#include "base/buf.h"
#include "script/vm.h"

enum vm_death { VM_ALIVE, VM_INSTRUCTIONS, VM_TIME, VM_MEMORY };

enum {
	VM_HOOK_EVERY = 200,        /* instructions between two calls of the count hook */
	VM_LOOK_EVERY = 1000,       /* units between two looks at the clock */
	VM_BIG = 16 << 10,          /* strings from this size on make the hook come more often */
	VM_SCAN = 4 << 20,          /* bytes the core may scan between two looks at the clock */
	VM_STRING_MAX = 8 << 20,    /* longest string of a sandbox */
	VM_STRING_HEAD = 64,        /* what a string takes beside its bytes, at most */
	VM_CSTACK_MAX = 1536 << 10, /* bytes of C stack that one entry may use */
	VM_MESSAGE_MAX = 4096,      /* bytes of an error value's text that are kept */
	VM_UNPACK_MAX = 1 << 16,    /* values that one library call may return */
};

/* The threads that wait for the running one, innermost first. Lives in the frames of coroutine.resume. */
struct vm_link {
	lua_State *thread;
	struct vm_link *up;
};

struct vm {
	uint32_t gc_turn;
	size_t tidied;        /* used after the last vm_gc_tidy() that came to its end */
	unsigned tidy_cycles; /* it has yet to make so many */
	lua_State *L;
	lua_State *running; /* NULL outside of an entry */
	struct vm_link *waiting;
	int64_t fuel, look; /* units left; at or below look it is time to see the clock */
	uint64_t deadline;  /* mono_ns(), 0 none */
	struct vm_limits lim;
	char *cstack; /* where this entry's C stack begins */
	enum vm_death dead;
	int every; /* VM_HOOK_EVERY, less while very long strings live */
	bool trusted, inside, refused, refused_string;
	size_t used, limit, string_max;
	size_t collected;      /* used after the last full collection between entries */
	uintptr_t refused_ptr; /* the last request that was refused in this entry */
	size_t refused_size;
	struct {
		void *p;
		size_t n;
	} * big; /* strings of VM_BIG and more */
	uint32_t nbig, capbig;
	size_t longest;
	uint64_t secret; /* stands in front of addresses that a pack may see */
	char *name;
	void *user;
	uint64_t calls, time_ns;
	uint32_t printed;     /* lines, in this entry */
	struct buf *print_to; /* NULL: the log */
	struct buf text;      /* message and traceback of the last failure */
	struct buf warning;   /* pieces so far */
};

static inline struct vm *vm_get(lua_State *L)
{
	return *(struct vm **)lua_getextraspace(L);
}

/* vm.c */
void vm_hook(lua_State *L, lua_Debug *ar);
void vm_look(lua_State *L, struct vm *vm);            /* clock and budget now; raises when one is used up */
_Noreturn void vm_raise(lua_State *L, struct vm *vm); /* the error that nobody may catch */
bool vm_killed(lua_State *co);                        /* died of a budget: its hooks may be off for good */
void vm_cstack(lua_State *L); /* raises an ordinary error when too much C stack is in use */
int vm_compile(
	lua_State *L, const char *text, size_t len, const char *chunkname); /* lua_load's status, budgeted */

static inline void vm_spend(lua_State *L, uint64_t n) /* n: far below 2^62 */
{
	struct vm *vm = vm_get(L);

	vm->fuel -= (int64_t)n;
	if (vm->fuel <= vm->look)
		vm_look(L, vm);
}

/* After a protected call of any kind: goes on dying if the entry is dead (or has just run out of memory). */
static inline void vm_dead_check(lua_State *L, int status)
{
	struct vm *vm = vm_get(L);

	if (status == LUA_ERRMEM && !vm->dead)
		vm->dead = VM_MEMORY;
	if (vm->dead)
		vm_raise(L, vm);
}

/* vm_alloc.c */
void *vm_alloc(void *ud, void *ptr, size_t osize, size_t nsize);

/* vm_error.c */
int vm_message(lua_State *L);                                 /* the message handler of vm_enter() */
void vm_kill(lua_State *L, struct vm *vm, enum vm_death why); /* notes why and where; does not raise */
int vm_failure(struct vm *vm, int status, struct err *e);
void vm_warn(void *ud, const char *msg, int tocont);

/* A string that grows in a userdata, so that the collector knows of it. Takes two stack slots, at idx;
 * nothing else of the caller's may be moved below them. */
struct sbuf {
	lua_State *L;
	char *p;
	size_t n, cap;
	int idx;
	char first[480];
};
void sbuf_init(struct sbuf *b, lua_State *L);
char *sbuf_room(struct sbuf *b, size_t n); /* n more bytes; raises when the string would be too long */
void sbuf_put(struct sbuf *b, const char *s, size_t n);
void sbuf_value(struct sbuf *b, int idx); /* a string or number at idx */
void sbuf_push(struct sbuf *b);

static inline void sbuf_putc(struct sbuf *b, char c)
{
	if (b->n == b->cap)
		sbuf_room(b, 1);
	b->p[b->n++] = c;
}

/* sandbox.c: fills the state's globals, trusted or not */
int vm_open(lua_State *L);

/* Each pushes one library table. */
void lib_base(lua_State *L); /* sets fields of the table at the top */
void lib_coroutine(lua_State *L);
void lib_string(lua_State *L); /* and the metatable of strings */
void lib_table(lua_State *L);
void lib_utf8(lua_State *L);
int lib_pairs(lua_State *L);
const void *vm_address(
	lua_State *L, int idx); /* tells objects apart, but not where they are; NULL: has none */
int lib_format(lua_State *L);
extern const luaL_Reg lib_pattern[]; /* find match gmatch gsub */

/* lib_sort.c: keys and values taken out of Lua for sorting; strings are borrowed. */
struct skey {
	enum { SKEY_SEQ, SKEY_NUM, SKEY_STR, SKEY_BOOL, SKEY_OTHER } kind : 8;
	bool integer;
	uint32_t n; /* length of a string */
	union {
		lua_Integer i;
		lua_Number d;
		const char *s;
	};
};
void skey_read(lua_State *L, int idx, struct skey *k);
/* Numbers, strings, booleans, the rest: stable, charged. a = 0 … n-1, tmp as long. Returns the one of both
 * with the result. */
uint32_t *skey_sort(lua_State *L, const struct skey *k, uint32_t *a, uint32_t *tmp, uint32_t n);
/* Pushes a userdata with room for n keys and two lists, which it fills. */
struct skey *skey_alloc(lua_State *L, uint32_t n, uint32_t **a, uint32_t **tmp);
