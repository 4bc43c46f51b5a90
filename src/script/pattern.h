/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lua patterns over bytes, without Lua: bounded recursion, and every step is paid for. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { PATTERN_CAPTURES = 32, PATTERN_DEPTH = 200 };

struct pattern {
	const char *s, *s_end; /* subject */
	const char *p_end;     /* the pattern's end; "^" in front is the caller's */
	const char *error; /* why nothing can be said; static text. Set when a match returns NULL for it */
	int bad_index;     /* of a capture, for "%d" in error */
	/* Pays for steps; need not return. */
	void (*spend)(void *ctx, uint64_t units);
	void *ctx;
	uint32_t units; /* not yet paid */
	int depth;
	int captures;
	struct {
		const char *at;
		ptrdiff_t len; /* or one of the marks below */
	} capture[PATTERN_CAPTURES];
};

#define PATTERN_OPEN (-1) /* begun, not ended */
#define PATTERN_HERE (-2) /* "()": the position */

/* Matches the pattern at p against the subject at s; returns the end of the match, or NULL: none, or error is
 * set. */
const char *pattern_match(struct pattern *m, const char *s, const char *p);
