/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes one JSON document into a buffer: commas and nesting are its business, names and values the caller's.
 * Texts may hold any bytes (buf_json()). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct json {
	struct buf *out;
	bool more; /* something stands before in the innermost bracket */
};

/* name NULL: an item of an array, or the document itself. */
void json_open(struct json *j, const char *name, char bracket);  /* '{' or '[' */
void json_close(struct json *j, char bracket);                   /* '}' or ']' */
void json_text(struct json *j, const char *name, const char *s); /* NULL: null */
void json_bytes(struct json *j, const char *name, const char *s, size_t n);
void json_num(struct json *j, const char *name, int64_t n);
void json_unsigned(struct json *j, const char *name, uint64_t n);
void json_seconds(struct json *j, const char *name, double s); /* to the millisecond */
/* A document of its own, or a number as text: it stands as it is. */
void json_raw(struct json *j, const char *name, const char *text, size_t n);
void json_bool(struct json *j, const char *name, bool b);
void json_lines(struct json *j, const char *name, const char *text); /* an array of a text's lines */

/* Where an answer goes: lines for people, or fields of an open object for programs. */
struct answer {
	struct buf *text;
	struct json *json; /* rather than text */
};
