/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line editor's own struct, shared by its files: edit.c (keys), screen.c (what is shown), complete.c
 * (TAB), history.c. */
#pragma once

#include <termios.h>

#include "base/buf.h"
#include "base/vec.h"
#include "rnm/edit.h"

#define EDIT_MAX 32768 /* bytes of a text */

struct edit {
	struct edit_ops ops;
	char *file;
	VEC(char *) history;
	uint32_t at; /* the entry that is shown; history.n: the new text */
	char *kept;  /* the new text while an old one is shown */
	struct buf line;
	size_t cursor; /* byte offset, never inside a character */
	const char *prompt, *more;
	struct termios before;
	int last; /* the key before */
	/* screen.c: what was drawn */
	unsigned row; /* of the cursor, from the first row */
};

enum key {
	KEY_NONE = 256,
	KEY_LEFT,
	KEY_RIGHT,
	KEY_UP,
	KEY_DOWN,
	KEY_HOME,
	KEY_END,
	KEY_DELETE,
	KEY_NEWLINE,
	KEY_PASTE,
	KEY_RESIZE,
	KEY_CLOSED
};
#define CTRL_KEY(c) ((c)&0x1f)

/* edit.c */
int edit_key(void);
bool edit_waits(void); /* more input is there already */
void edit_insert(struct edit *ed, const char *s, size_t n);
void edit_set(struct edit *ed, const char *s);
size_t edit_left_of(const struct edit *ed, size_t at);

/* screen.c */
void screen_show(struct edit *ed);
void screen_leave(struct edit *ed); /* the cursor goes below what is drawn */
void screen_put(const char *s, size_t n);
unsigned screen_width(void);
unsigned screen_columns(const char *s, size_t n); /* that a text takes */

/* tab.c, search.c */
void edit_complete(struct edit *ed);
int edit_search(struct edit *ed); /* the key that ended it, to be handled; KEY_NONE: it was cancelled */
