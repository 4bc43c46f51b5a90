/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the merges of declarations share: for each field of a spec the statement that gave it first. */
#pragma once

#include "nft/model.h"

#define SPEC_FIELDS 16 /* bits of spec.given */

struct given {
	struct stmt *by[SPEC_FIELDS]; /* NULL: nobody */
	bool stated;
};

static inline struct stmt *given_by(const struct given *g, uint32_t bit)
{
	return g->by[__builtin_ctz(bit)];
}
static inline const struct spec *given(const struct given *g, uint32_t bit)
{
	const struct stmt *st = given_by(g, bit);

	return st ? st->spec : NULL;
}
static inline bool str_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Two different values of one field are an error of the later pack. culprit NULL: nobody's. */
int given_fields(struct obj *o, struct given *g, struct rpack **culprit, struct err *e);
bool given_later(const struct stmt *a, const struct stmt *b); /* is a's pack the later one? */
/* What a declaration gives can not be: its pack's error; where that has not spoken in this transaction the
 * object is left out (0). */
int given_unfit(struct obj *o, struct stmt *by, const char *why, struct rpack **culprit, struct err *e);
void given_comment(struct obj *o, const struct given *g);
void obj_set_why(struct obj *o, const char *why);

/* ---- adopt.c ---- */

/* A table of somebody else's is, or is not, to be taken over. */
void table_adopts(struct obj *o, bool adopt);

/* ---- owner.c ---- */

/* The flags that a table gets which was stated with these. */
uint32_t owner_flags(struct ruleset *rs, uint32_t flags);
/* Why a table that is stated is not made: somebody else's is in the way. Owned. */
char *table_why(const struct obj *o);

char *stateful_squeeze(const char *text); /* set_stmts.c: one space between words; the caller's */

int merge_set(struct obj *o, struct rpack **culprit, struct err *e);
