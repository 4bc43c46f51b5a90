/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing arrays: VEC(int) v = {0}; vec_push(&v, 3); v.v[0]; v.n; vec_free(&v). Zeroed memory is an empty
 * vector. */
#pragma once

#include <stdint.h>
#include <string.h>

#include "base/xalloc.h"

#define VEC(type)                                                                                            \
	struct {                                                                                             \
		type *v;                                                                                     \
		uint32_t n;                                                                                  \
		uint32_t cap;                                                                                \
	}

#define vec_reserve(vec, want)                                                                               \
	do {                                                                                                 \
		if ((vec)->cap < (want)) {                                                                   \
			(vec)->cap = (want) < 2 * (vec)->cap ? 2 * (vec)->cap : (want) < 4 ? 4 : (want);     \
			(vec)->v = xrealloc((vec)->v, (vec)->cap, sizeof(*(vec)->v));                        \
		}                                                                                            \
	} while (0)

#define vec_push(vec, ...)                                                                                   \
	do {                                                                                                 \
		vec_reserve(vec, (vec)->n + 1);                                                              \
		(vec)->v[(vec)->n++] = (__VA_ARGS__);                                                        \
	} while (0)

/* Inserts before index i. */
#define vec_insert(vec, i, ...)                                                                              \
	do {                                                                                                 \
		uint32_t vec_i_ = (i);                                                                       \
		vec_reserve(vec, (vec)->n + 1);                                                              \
		memmove(&(vec)->v[vec_i_ + 1], &(vec)->v[vec_i_], ((vec)->n - vec_i_) * sizeof(*(vec)->v));  \
		(vec)->v[vec_i_] = (__VA_ARGS__);                                                            \
		(vec)->n++;                                                                                  \
	} while (0)

/* Removes index i, keeps the order. */
#define vec_remove(vec, i)                                                                                   \
	do {                                                                                                 \
		uint32_t vec_i_ = (i);                                                                       \
		(vec)->n--;                                                                                  \
		memmove(&(vec)->v[vec_i_], &(vec)->v[vec_i_ + 1], ((vec)->n - vec_i_) * sizeof(*(vec)->v));  \
	} while (0)

#define vec_pop(vec)   ((vec)->v[--(vec)->n])
#define vec_last(vec)  ((vec)->v[(vec)->n - 1])
#define vec_clear(vec) ((vec)->n = 0)
#define vec_free(vec)                                                                                        \
	do {                                                                                                 \
		free((vec)->v);                                                                              \
		(vec)->v = NULL;                                                                             \
		(vec)->n = (vec)->cap = 0;                                                                   \
	} while (0)

/* it: a pointer variable to the element type, declared by the macro. The vector must not grow in the loop. */
#define vec_foreach(it, vec)                                                                                 \
	for (__typeof__(*(vec)->v) *it = (vec)->v, *it##_end_ = (vec)->v ? (vec)->v + (vec)->n : NULL;       \
		it < it##_end_; it++)
