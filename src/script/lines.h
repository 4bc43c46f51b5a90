/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of a list file: each once, in the file's order, without comments and the blanks around them. The
 * next reading of the file is compared with the last one while it is split, so that what is unchanged costs a
 * comparison of its bytes. Internal to script/. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"

#define LINES_MAX  (1u << 20)
#define LINE_BYTES 255

struct lines {      /* zeroed memory is no lines */
	char *text; /* one behind the other, each with its NUL */
	size_t bytes;
	uint32_t n;
	VEC(uint32_t) marks; /* where some of them begin */
};

struct lines_diff { /* places in the texts */
	VEC(uint32_t) came, went;
};

struct lines_opt {
	const char *path;    /* for messages */
	const char *comment; /* from here on a line is none of it; "": no comments */
	/* Asked about each line that was not there before; no: the number of the line in the file. Negative:
	 * an error. */
	int (*check)(void *ctx, const char *line, unsigned no, struct err *e);
	void *ctx;
};

/* Takes text, which has room for one byte behind its n. After an error out and diff are empty. The places of
 * came are in out's text, those of went in was's. */
int lines_read(struct lines *out, struct lines_diff *diff, const struct lines *was, char *text, size_t n,
	const struct lines_opt *opt, struct err *e);
const char *lines_at(const struct lines *l, uint32_t i); /* NULL: behind the last one */
void lines_free(struct lines *l);
void lines_diff_free(struct lines_diff *d);

#define lines_foreach(s, l)                                                                                  \
	for (const char *s = (l)->text, *s##_end_ = s ? s + (l)->bytes : NULL; s < s##_end_;                 \
		s += strlen(s) + 1)
