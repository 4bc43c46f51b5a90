/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edit: a text of one or several lines from the terminal, with cursor keys, history, search and completion.
 * No library, no dependency. */
#pragma once

#include <stdbool.h>

#include "base/vec.h"

struct edit;

enum edit_result { EDIT_LINE, EDIT_CANCELLED, EDIT_END };

struct edit_words {
	size_t from; /* they stand for the text from here to the cursor */
	VEC(char *) words;
	unsigned more; /* so many were left out */
};
struct edit_ops {
	void *ctx;
	bool (*whole)(void *ctx, const char *text); /* Enter ends it; else a line is begun */
	/* What could stand at the end of text. */
	void (*complete)(void *ctx, const char *text, struct edit_words *out);
};

/* history: a file that is read now and added to by edit_remember(); NULL: none is kept. */
struct edit *edit_new(const char *history, const struct edit_ops *ops);
void edit_free(struct edit *ed);
/* text: the caller's, with EDIT_LINE only. EDIT_CANCELLED: Ctrl-C, all that was typed is dropped. EDIT_END:
 * Ctrl-D where nothing is typed, or no more input. prompt: of the first line; more: of the others. */
enum edit_result edit_text(struct edit *ed, const char *prompt, const char *more, char **text);
void edit_remember(struct edit *ed, const char *text); /* empty texts and repetitions are not kept */
