// SPDX-License-Identifier: GPL-2.0-or-later
/* The allocator of a state: counts bytes, keeps the limit, and charges what allocation costs, because neither
 * copying a long string nor collecting garbage shows up in the count of instructions. */
#include <stdlib.h>

#include "script/vm_int.h"

enum {
	BYTES_PER_UNIT = 64,    /* of memory asked for */
	BYTES_PER_REFUSAL = 16, /* of memory in use: each refusal costs a full collection */
};

/* Makes the hook run after the present instruction: an allocator can not raise. */
static void hurry(struct vm *vm)
{
	if (vm->running && lua_gethookcount(vm->running) != 1)
		lua_sethook(vm->running, vm_hook, LUA_MASKCOUNT, 1);
}

/* The core compares, hashes and converts strings without counting. So the longer the longest one that lives,
 * the more often the clock is looked at. */
static void pace(struct vm *vm)
{
	size_t every = vm->longest ? VM_SCAN / vm->longest : VM_HOOK_EVERY;

	vm->every = every > VM_HOOK_EVERY ? VM_HOOK_EVERY : every < 1 ? 1 : (int)every;
	if (vm->running && lua_gethookcount(vm->running) > vm->every)
		lua_sethook(vm->running, vm_hook, LUA_MASKCOUNT, vm->every);
}

static bool big_add(struct vm *vm, void *p, size_t n)
{
	if (vm->nbig == vm->capbig) {
		uint32_t cap = vm->capbig ? vm->capbig * 2 : 8;
		void *m = realloc(vm->big, cap * sizeof(*vm->big));

		if (!m)
			return false;
		vm->big = m;
		vm->capbig = cap;
	}
	vm->big[vm->nbig].p = p;
	vm->big[vm->nbig++].n = n;
	if (n > vm->longest) {
		vm->longest = n;
		pace(vm);
	}
	return true;
}

static void big_del(struct vm *vm, void *p)
{
	uint32_t i = 0;
	size_t n;

	while (i < vm->nbig && vm->big[i].p != p)
		i++;
	if (i == vm->nbig)
		return;
	n = vm->big[i].n;
	vm->big[i] = vm->big[--vm->nbig];
	if (n < vm->longest)
		return;
	vm->longest = 0;
	for (i = 0; i < vm->nbig; i++)
		if (vm->big[i].n > vm->longest)
			vm->longest = vm->big[i].n;
	pace(vm);
}

/* Lua collects garbage after a refusal and asks once more; a second refusal of the same request is the end of
 * the entry. Its place and traceback are noted here, because Lua calls no message handler for it. */
static void *refuse(struct vm *vm, uintptr_t ptr, size_t nsize)
{
	bool again = vm->refused && vm->refused_ptr == ptr && vm->refused_size == nsize;

	vm->refused = true;
	vm->refused_ptr = ptr;
	vm->refused_size = nsize;
	if (!vm->running || vm->dead)
		return NULL;
	if (again)
		vm_kill(vm->running, vm, VM_MEMORY);
	else
		vm->fuel -= (int64_t)(vm->used / BYTES_PER_REFUSAL);
	hurry(vm);
	return NULL;
}

void *vm_alloc(void *ud, void *ptr, size_t osize, size_t nsize)
{
	struct vm *vm = ud;
	size_t old = ptr ? osize : 0; /* for a new block osize is its type */
	bool string = !ptr && osize == LUA_TSTRING;
	uintptr_t id = (uintptr_t)ptr;
	void *p;

	if (!nsize) {
		if (old >= VM_BIG && vm->nbig)
			big_del(vm, ptr);
		vm->used -= old;
		free(ptr);
		return NULL;
	}
	vm->refused_string = string && nsize > vm->string_max;
	if (vm->refused_string)
		return refuse(vm, id, nsize);
	if (nsize > old && (vm->used > vm->limit || nsize - old > vm->limit - vm->used))
		return refuse(vm, id, nsize);
	p = realloc(ptr, nsize);
	if (!p)
		return nsize <= old ? ptr : refuse(vm, id, nsize); /* shrinking must not fail */
	if (string && nsize >= VM_BIG && !big_add(vm, p, nsize)) {
		free(p);
		return refuse(vm, id, nsize);
	}
	vm->used += nsize - old;
	if (nsize > old) {
		vm->fuel -= (int64_t)(nsize / BYTES_PER_UNIT);
		if (nsize >= VM_BIG * 4 && vm->fuel <= vm->look)
			hurry(vm);
	}
	return p;
}
