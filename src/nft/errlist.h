/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The errors of a whole file, in the order of its text. Internal to nft/ and the programs that load files. */
#pragma once

#include "base/buf.h"
#include "base/vec.h"
#include "nft/lex.h"

#define ERRLIST_MAX 20 /* more are counted only */

struct errlist {
	VEC(struct errlist_item {
		uint32_t file; /* its rank; with pos: their order */
		uint32_t pos;
		char *text; /* "FILE:LINE:COL: …", line, caret; owned */
	})
	items;
	uint32_t n; /* all of them */
};

/* Takes the text out of e and leaves it empty. */
void errlist_add(struct errlist *l, uint32_t file, uint32_t pos, struct err *e);
/* Each error, blank lines between them, and how many more there are. */
void errlist_text(struct errlist *l, struct buf *out);
void errlist_free(struct errlist *l);
