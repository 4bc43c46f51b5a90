// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/xalloc.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void *must(void *p)
{
	if (!p) {
		fputs("error base: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *xmalloc(size_t size)
{
	return must(malloc(size ? size : 1));
}

/* glibc's calloc() takes nothing from the thread's own cache, where free() puts what is small. */
#define SMALL 1024

void *xcalloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SMALL)
		return must(calloc(n, size));
	return memset(xmalloc(bytes), 0, bytes);
}

void *xrealloc(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		must(NULL);
	return must(realloc(p, bytes ? bytes : 1));
}

char *xstrdup(const char *s)
{
	return xmemdup(s, strlen(s) + 1);
}

char *xstrndup(const char *s, size_t n)
{
	char *p = n < SIZE_MAX ? xmalloc(n + 1) : must(NULL);

	if (n)
		memcpy(p, s, n);
	p[n] = 0;
	return p;
}

void *xmemdup(const void *p, size_t n)
{
	void *copy = xmalloc(n);

	if (n)
		memcpy(copy, p, n);
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return must(n < 0 ? NULL : s);
}
