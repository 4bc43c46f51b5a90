// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/json.h"

#include <inttypes.h>
#include <string.h>

static void lead(struct json *j, const char *name)
{
	if (j->more)
		buf_putc(j->out, ',');
	j->more = true;
	if (!name)
		return;
	buf_json(j->out, name, strlen(name));
	buf_putc(j->out, ':');
}

void json_open(struct json *j, const char *name, char bracket)
{
	lead(j, name);
	buf_putc(j->out, bracket);
	j->more = false;
}

void json_close(struct json *j, char bracket)
{
	buf_putc(j->out, bracket);
	j->more = true;
}

void json_bytes(struct json *j, const char *name, const char *s, size_t n)
{
	lead(j, name);
	buf_json(j->out, s, n);
}

void json_text(struct json *j, const char *name, const char *s)
{
	if (s) {
		json_bytes(j, name, s, strlen(s));
		return;
	}
	lead(j, name);
	buf_puts(j->out, "null");
}

void json_raw(struct json *j, const char *name, const char *text, size_t n)
{
	lead(j, name);
	buf_put(j->out, text, n);
}

void json_num(struct json *j, const char *name, int64_t n)
{
	lead(j, name);
	buf_printf(j->out, "%" PRId64, n);
}

void json_unsigned(struct json *j, const char *name, uint64_t n)
{
	lead(j, name);
	buf_printf(j->out, "%" PRIu64, n);
}

void json_seconds(struct json *j, const char *name, double s)
{
	uint64_t ms = s > 0 && s < 1e15 ? (uint64_t)(s * 1000 + 0.5) : 0;

	lead(j, name); /* no %f: its point is the locale's */
	buf_printf(j->out, "%" PRIu64 ".%03u", ms / 1000, (unsigned)(ms % 1000));
}

void json_bool(struct json *j, const char *name, bool b)
{
	lead(j, name);
	buf_puts(j->out, b ? "true" : "false");
}

void json_lines(struct json *j, const char *name, const char *text)
{
	json_open(j, name, '[');
	while (*text) {
		size_t n = strcspn(text, "\n");

		json_bytes(j, NULL, text, n);
		text += n + (text[n] != 0);
	}
	json_close(j, ']');
}
