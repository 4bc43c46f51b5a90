/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocation that never returns NULL: small allocations abort when memory is out.
 * Sizes that the kernel, a socket or a script chooses are bounded by the caller first. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *xrealloc(void *p, size_t n, size_t size)
	__attribute__((returns_nonnull)); /* n * size, overflow aborts */
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull)); /* n bytes and a NUL */
void *xmemdup(const void *p, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

#define xnew(type) ((type *)xcalloc(1, sizeof(type)))

static inline void autofree_(void *p)
{
	free(*(void **)p);
}

static inline void autoclose_(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _autofree_   _cleanup_(autofree_)
#define _autoclose_  _cleanup_(autoclose_)

#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
