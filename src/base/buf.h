/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing string, always NUL-terminated once something was put. Zeroed memory is empty. */
#pragma once

#include <stddef.h>

struct buf {
	char *s;
	size_t n, cap;
};

#define BUF_INIT                                                                                             \
	{                                                                                                    \
		NULL, 0, 0                                                                                   \
	}
#define _buf_ __attribute__((cleanup(buf_free)))

void buf_put(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_escape(struct buf *b, const char *s, size_t n); /* control bytes and \ as \xNN */
/* The same for what others named: also bytes that are no UTF-8, and the control characters in it. */
void buf_visible(struct buf *b, const char *s, size_t n);
void buf_quote(struct buf *b, const char *s, size_t n); /* that in quotes, and " as \x22 */
void buf_json(struct buf *b, const char *s,
	size_t n);             /* a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD */
char *buf_str(struct buf *b);  /* "" when empty; borrowed */
char *buf_take(struct buf *b); /* the caller's; the buffer is empty again */
void buf_clear(struct buf *b); /* keeps the memory */
void buf_free(struct buf *b);
