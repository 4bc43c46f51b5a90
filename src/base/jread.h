/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads one JSON document (RFC 8259) strictly: UTF-8 checked, no duplicate names, nothing behind the value,
 * no deeper than JREAD_DEPTH. Time and memory are linear in the text, whatever it says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define JREAD_DEPTH 32u

enum jtype { J_NULL, J_BOOL, J_NUMBER, J_STRING, J_ARRAY, J_OBJECT };

struct jval {
	enum jtype type;
	bool yes;         /* J_BOOL */
	uint32_t n;       /* items or members */
	const char *s;    /* J_STRING: decoded and terminated, may hold NUL bytes; J_NUMBER: its text */
	size_t len;       /* of s */
	const char *name; /* of a member, decoded and terminated; NULL: none */
	size_t name_len;
	const char *raw; /* the value as it stands in the text, raw_len bytes: borrowed from the text */
	size_t raw_len;
	struct jval *first, *next; /* items or members, in their order */
};

struct jdoc {
	struct jval *root, *vals;
	char *text; /* decoded strings */
};

/* text: n bytes, kept by the caller while the document is used. max: values it may have. -EINVAL: no JSON, e
 * says at which byte; -E2BIG: too many values or too deep. Free with jdoc_free(), also after an error. */
int jread(const char *text, size_t n, uint32_t max, struct jdoc *out, struct err *e);
void jdoc_free(struct jdoc *d);

const struct jval *jval_get(
	const struct jval *object, const char *name); /* NULL: no such member, or no object */
/* A string without NUL bytes; NULL: it is none. */
const char *jval_text(const struct jval *v);
/* A number without fraction and exponent, from min to max. */
bool jval_int(const struct jval *v, int64_t min, int64_t max, int64_t *out);
const char *jtype_word(enum jtype t); /* "a string", "null", … */
