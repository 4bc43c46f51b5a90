// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static char *format(const char *fmt, va_list ap)
{
	char *s;

	/* Without memory for a text the code alone must do. */
	return vasprintf(&s, fmt, ap) < 0 ? NULL : s;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e || e->code || e->text)
		return code;
	va_start(ap, fmt);
	e->text = format(fmt, ap);
	va_end(ap);
	e->code = code;
	return code;
}

void err_prefix(struct err *e, const char *fmt, ...)
{
	_autofree_ char *old = NULL, *pre = NULL;
	va_list ap;

	if (!e)
		return;
	va_start(ap, fmt);
	pre = format(fmt, ap);
	va_end(ap);
	old = xstrdup(err_text(e));
	free(e->text);
	e->text = xasprintf("%s%s", pre ? pre : "", old);
}

const char *err_text(const struct err *e)
{
	if (!e)
		return "unknown error";
	if (e->text)
		return e->text;
	return e->code ? strerror(-e->code) : "no error";
}

void err_free(struct err *e)
{
	free(e->text);
	*e = (struct err)ERR_INIT;
}
