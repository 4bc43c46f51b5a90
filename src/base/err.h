/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors: functions return a negative errno; the text for people goes into the caller's struct err.
 * A struct err starts as ERR_INIT; the first error set wins (later err_set() calls are ignored), so
 * the innermost place, which knows most, speaks. */
#pragma once

#include <stdbool.h>

struct err {
	int code;   /* negative errno, 0: none */
	char *text; /* owned; NULL: none. One or several lines, no trailing newline */
};

#define ERR_INIT                                                                                             \
	{                                                                                                    \
		0, NULL                                                                                      \
	}
#define _err_ __attribute__((cleanup(err_free)))

/* Sets code and text when e (may be NULL) has none yet. Returns code, so that `return err_set(e, -EINVAL, …)`
 * reads well. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts text before the present text ("FILE:LINE:COL: " and the like). */
void err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Text, or strerror of the code, never NULL. */
const char *err_text(const struct err *e);
void err_free(struct err *e); /* back to ERR_INIT */
