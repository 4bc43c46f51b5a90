// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"

/* Room for n more bytes and the NUL. */
static void reserve(struct buf *b, size_t n)
{
	size_t want, cap;

	if (__builtin_add_overflow(b->n, n, &want) || __builtin_add_overflow(want, 1, &want))
		abort();
	if (want <= b->cap)
		return;
	cap = b->cap ? b->cap : 64;
	while (cap < want)
		cap = cap > SIZE_MAX / 2 ? want : cap * 2;
	b->s = xrealloc(b->s, cap, 1);
	b->cap = cap;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	reserve(b, n);
	if (n)
		memcpy(b->s + b->n, p, n);
	b->n += n;
	b->s[b->n] = 0;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_putc(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	reserve(b, 0);
	va_start(ap, fmt);
	n = vsnprintf(b->s + b->n, b->cap - b->n, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->s[b->n] = 0;
		return;
	}
	if ((size_t)n >= b->cap - b->n) {
		reserve(b, (size_t)n);
		va_start(ap, fmt);
		vsnprintf(b->s + b->n, b->cap - b->n, fmt, ap);
		va_end(ap);
	}
	b->n += (size_t)n;
}

void buf_escape(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20 || c == 0x7f || c == '\\')
			buf_printf(b, "\\x%02x", c);
		else
			buf_putc(b, s[i]);
	}
}

static void put_visible(struct buf *b, const char *s, size_t n, const char *but)
{
	unsigned len;

	for (size_t i = 0; i < n; i += len) {
		len = utf8_seq(s + i, n - i);
		if (len && text_is_clean(s + i, len) && !strchr(but, s[i])) {
			buf_put(b, s + i, len);
			continue;
		}
		len = len ? len : 1;
		for (size_t k = i; k < i + len; k++)
			buf_printf(b, "\\x%02x", (unsigned char)s[k]);
	}
}

void buf_visible(struct buf *b, const char *s, size_t n)
{
	put_visible(b, s, n, "\\");
}

void buf_quote(struct buf *b, const char *s, size_t n)
{
	buf_putc(b, '"');
	put_visible(b, s, n, "\\\"");
	buf_putc(b, '"');
}

void buf_json(struct buf *b, const char *s, size_t n)
{
	size_t len;

	reserve(b, n < SIZE_MAX - 2 ? n + 2 : n);
	buf_putc(b, '"');
	for (size_t i = 0; i < n; i += len) {
		unsigned char c = (unsigned char)s[i];

		len = utf8_seq(s + i, n - i);
		if (!len) {
			buf_puts(b, "\xef\xbf\xbd");
			len = 1;
		} else if (c == '"' || c == '\\') {
			buf_putc(b, '\\');
			buf_putc(b, s[i]);
		} else if (c == '\n') {
			buf_puts(b, "\\n");
		} else if (c == '\t') {
			buf_puts(b, "\\t");
		} else if (c < 0x20 || c == 0x7f) {
			buf_printf(b, "\\u%04x", c);
		} else {
			buf_put(b, s + i, len);
		}
	}
	buf_putc(b, '"');
}

char *buf_str(struct buf *b)
{
	static char empty[1];

	return b->s ? b->s : empty;
}

char *buf_take(struct buf *b)
{
	char *s;

	reserve(b, 0);
	b->s[b->n] = 0;
	s = b->s;
	*b = (struct buf)BUF_INIT;
	return s;
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	if (b->s)
		b->s[0] = 0;
}

void buf_free(struct buf *b)
{
	free(b->s);
	*b = (struct buf)BUF_INIT;
}
