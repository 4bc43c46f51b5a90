/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line editor's own struct, shared with its history. */
#pragma once

#include <termios.h>

#include "base/buf.h"
#include "base/vec.h"
#include "rnm/edit.h"

#define EDIT_MAX 16384 /* bytes of a line */

struct edit {
	char *file;
	VEC(char *) history;
	uint32_t at; /* the entry that is shown; history.n: the new line */
	char *kept;  /* the new line while an old one is shown */
	struct buf line;
	size_t cursor; /* byte offset, never inside a character */
	const char *prompt;
	struct termios before;
};
