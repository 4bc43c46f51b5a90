// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "script/vm_int.h"

enum { RUN = 8 }; /* what insertion sorts before merging starts */

void skey_read(lua_State *L, int idx, struct skey *k)
{
	size_t n;

	k->integer = false;
	switch (lua_type(L, idx)) {
	case LUA_TNUMBER:
		k->kind = SKEY_NUM;
		k->integer = lua_isinteger(L, idx);
		if (k->integer)
			k->i = lua_tointeger(L, idx);
		else
			k->d = lua_tonumber(L, idx);
		return;
	case LUA_TSTRING:
		k->kind = SKEY_STR;
		k->s = lua_tolstring(L, idx, &n);
		k->n = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
		return;
	case LUA_TBOOLEAN:
		k->kind = SKEY_BOOL;
		k->i = lua_toboolean(L, idx);
		return;
	default: k->kind = SKEY_OTHER; return;
	}
}

static long double exact(const struct skey *k)
{
	return k->integer ? (long double)k->i : (long double)k->d;
}

static bool less(const struct skey *a, const struct skey *b, uint64_t *units)
{
	size_t n;
	int c;

	*units += 2;
	if (a->kind != b->kind)
		return a->kind < b->kind;
	switch (a->kind) {
	case SKEY_SEQ:
	case SKEY_NUM:
		if (a->integer && b->integer)
			return a->i < b->i;
		return exact(a) < exact(b);
	case SKEY_STR:
		n = a->n < b->n ? a->n : b->n;
		*units += n / 64;
		c = memcmp(a->s, b->s, n);
		return c < 0 || (!c && a->n < b->n);
	case SKEY_BOOL: return a->i < b->i;
	case SKEY_OTHER: return false;
	}
	return false;
}

static void insertion(const struct skey *k, uint32_t *a, uint32_t n, uint64_t *units)
{
	for (uint32_t i = 1; i < n; i++) {
		uint32_t x = a[i], j = i;

		for (; j && less(&k[x], &k[a[j - 1]], units); j--)
			a[j] = a[j - 1];
		a[j] = x;
	}
}

uint32_t *skey_sort(lua_State *L, const struct skey *k, uint32_t *a, uint32_t *tmp, uint32_t n)
{
	uint64_t units = 0;

	for (uint64_t i = 0; i < n; i += RUN)
		insertion(k, a + i, (uint32_t)(n - i < RUN ? n - i : RUN), &units);
	for (uint64_t w = RUN; w < n; w *= 2) {
		uint32_t *swap = a;

		for (uint64_t lo = 0; lo < n; lo += 2 * w) {
			uint64_t i = lo, mid = lo + w < n ? lo + w : n, j = mid,
				 end = mid + w < n ? mid + w : n;

			for (uint64_t o = lo; o < end; o++) {
				if (i < mid && (j == end || !less(&k[a[j]], &k[a[i]], &units)))
					tmp[o] = a[i++];
				else
					tmp[o] = a[j++];
				if (units > VM_LOOK_EVERY) {
					vm_spend(L, units);
					units = 0;
				}
			}
		}
		a = tmp;
		tmp = swap;
	}
	vm_spend(L, units);
	return a;
}

struct skey *skey_alloc(lua_State *L, uint32_t n, uint32_t **a, uint32_t **tmp)
{
	struct skey *k = lua_newuserdatauv(L, (sizeof(*k) + 2 * sizeof(**a)) * (size_t)n + 1, 0);

	*a = (uint32_t *)(k + n);
	*tmp = *a + n;
	for (uint32_t i = 0; i < n; i++)
		(*a)[i] = i;
	return k;
}
