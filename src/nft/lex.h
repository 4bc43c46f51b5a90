/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens of nft text. A token is a place in the source: nothing is copied. Internal to nft/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum tok_kind {
	TOK_END,
	TOK_WORD,   /* name, number, address, duration: what it means is the place's business */
	TOK_STRING, /* "…", the quotes are not part of pos..end */
	TOK_PARAM,  /* $name, without the $ */
	TOK_NL,     /* only with lexer.newlines, outside of brackets */
	TOK_EQ,     /* == */
	TOK_NE,     /* != */
	TOK_LE,     /* <= */
	TOK_GE,     /* >= */
	TOK_SHL,    /* << */
	TOK_SHR,    /* >> */
	TOK_BAD,    /* a byte or an open quote that no token begins with */
		    /* every other kind is the character itself: { } ( ) [ ] , : ; . / - @ & | ^ ! < > = * */
};

struct tok {
	int kind;
	uint32_t pos, end; /* bytes of the source */
	bool spaced;       /* blanks in front */
};

/* Where lines begin, for messages of large texts; zeroed: nothing known yet. */
struct src_index {
	struct src_mark {
		uint32_t line, bol; /* newlines before the place, begin of its line */
	} * marks;                  /* every SRC_MARK bytes; owned */
};
#define SRC_MARK 4096
void src_index_free(struct src_index *x);

struct src {
	const char *text; /* NUL-terminated */
	uint32_t len;
	const char *file; /* NULL: messages begin without a place */
	unsigned line;
	struct src_index *index; /* NULL: a message counts the lines anew */
};

struct lexer {
	const struct src *src;
	uint32_t pos, end; /* end: of what is read, src->len or before it */
	bool newlines;     /* newlines end statements: whole files */
	uint32_t depth;
};

void lex_init(struct lexer *lx, const struct src *src);
struct tok lex_next(struct lexer *lx);

/* Sets e to -EINVAL, "FILE:LINE:COL: message", the line and a caret under [pos, end). Returns -EINVAL. */
int src_error(const struct src *src, uint32_t pos, uint32_t end, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
int src_error_code(
	const struct src *src, uint32_t pos, uint32_t end, struct err *e, int code, const char *msg);
