/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frame: the text form of the control socket, bytes in and bytes out. Pure: no socket, no state. Private to
 * control/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define FRAME_LINE_MAX 65536u /* bytes of a request, without its newline */

enum frame_kind {
	FRAME_MORE,     /* no whole line yet */
	FRAME_LINE,     /* line and len are the request */
	FRAME_EMPTY,    /* a line of blanks: nothing to answer */
	FRAME_TOO_LONG, /* the connection can not go on */
	FRAME_BAD,      /* control bytes in the line: answered, the next line is fine again */
};

/* The first request in n bytes. used: bytes to drop before the next call; 0 with FRAME_MORE and
 * FRAME_TOO_LONG. */
enum frame_kind frame_next(const char *p, size_t n, size_t *used, const char **line, size_t *len);
/* "name  args" taken apart in place; blanks before each are skipped, those behind args are its own. */
void frame_split(char *line, char **name, char **args);
/* Lines of an answer, each made safe against being taken for its end. A missing last newline is added. */
void frame_payload(struct buf *out, const char *text, size_t n);
/* The last line, for rc 0 or negative; further lines of e's text come before it as payload. */
void frame_end(struct buf *out, int rc, const struct err *e);

enum answer_kind { ANSWER_PAYLOAD, ANSWER_OK, ANSWER_ERR, ANSWER_BAD };
/* What a line of an answer is, and its text: past the protecting backslash, or ERR's message. */
enum answer_kind frame_answer(const char *line, const char **text);
