/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edit: one line from the terminal, with cursor keys and history. No library, no dependency. */
#pragma once

struct edit;

enum edit_result { EDIT_LINE, EDIT_CANCELLED, EDIT_END };

/* history: a file that is read now and written by edit_free(); NULL: none is kept. */
struct edit *edit_new(const char *history);
void edit_free(struct edit *ed);
/* line: the caller's, with EDIT_LINE only. EDIT_CANCELLED: Ctrl-C. EDIT_END: Ctrl-D on an empty line, or no
 * more input. */
enum edit_result edit_line(struct edit *ed, const char *prompt, char **line);
void edit_remember(struct edit *ed, const char *line); /* empty lines and repetitions are not kept */
