// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/xalloc.h"

static const struct {
	const char *name;
	char journal; /* syslog's number */
} levels[] = {
	[LOG_ERROR] = { "error", '3' },
	[LOG_WARN] = { "warn", '4' },
	[LOG_INFO] = { "info", '6' },
	[LOG_DEBUG] = { "debug", '7' },
};

static enum log_level max_level = LOG_INFO;
static bool to_journal;
static void (*tap_fn)(void *ctx, enum log_level level, const char *area, const char *text);
static void *tap_ctx;

void log_init(enum log_level max)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	max_level = max;
	to_journal = stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && !fstat(STDERR_FILENO, &st) &&
		     st.st_dev == dev && st.st_ino == ino;
}

void log_level_set(enum log_level max)
{
	max_level = max;
}

bool log_enabled(enum log_level level)
{
	return level <= max_level;
}

void log_tap(void (*tap)(void *ctx, enum log_level level, const char *area, const char *text), void *ctx)
{
	tap_fn = tap;
	tap_ctx = ctx;
}

/* What a terminal could take for a command must not reach one. */
static void put_visible(struct buf *b, const char *s, size_t n)
{
	size_t len;

	if (text_is_clean(s, n)) {
		buf_put(b, s, n);
		return;
	}
	for (size_t i = 0; i < n; i += len) {
		len = utf8_seq(s + i, n - i);
		if (len && (s[i] == '\t' || text_is_clean(s + i, len))) {
			buf_put(b, s + i, len);
			continue;
		}
		len = len ? len : 1;
		for (size_t k = i; k < i + len; k++)
			buf_printf(b, "\\x%02x", (unsigned char)s[k]);
	}
}

static void write_all(const char *s, size_t n)
{
	while (n) {
		ssize_t done = write(STDERR_FILENO, s, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		s += done;
		n -= (size_t)done;
	}
}

static void write_line(enum log_level level, const char *area, const char *s, size_t n)
{
	static bool in_tap; /* a tap that logs must not hear itself */
	_buf_ struct buf line = BUF_INIT;
	size_t text;

	if (to_journal)
		buf_printf(&line, "<%c>", levels[level].journal);
	buf_printf(&line, "%s ", levels[level].name);
	put_visible(&line, area, strlen(area));
	buf_puts(&line, ": ");
	text = line.n;
	put_visible(&line, s, n);
	if (tap_fn && !in_tap) {
		in_tap = true;
		tap_fn(tap_ctx, level, area, line.s + text);
		in_tap = false;
	}
	buf_putc(&line, '\n');
	write_all(line.s, line.n);
}

void log_write(enum log_level level, const char *area, const char *fmt, ...)
{
	_autofree_ char *text = NULL;
	const char *s, *end;
	int saved = errno;
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	s = text ? text : fmt;
	do {
		end = strchrnul(s, '\n');
		write_line(level, area, s, (size_t)(end - s));
		s = *end ? end + 1 : end;
	} while (*s);
	errno = saved;
}
