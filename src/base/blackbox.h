/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What code of a pack ran when the process died, for the next one to read. The page is shared with a file, so
 * plain stores outlive any death, SIGKILL as well; handlers of fatal signals only note which one it was, and
 * hand on to whoever would have had it (a core, a sanitizer's report). One per process. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct blackbox_place {
	char pack[64], what[32], file[512]; /* terminated; what: "on_addr_change", "block", "main chunk", … */
	uint32_t line;
	uint64_t source; /* of the pack's text */
};

struct blackbox {
	char magic[16];
	uint32_t inside; /* the code of place runs */
	int32_t signal;  /* it ended by this one; 0: by none that can be caught */
	struct blackbox_place place;
};

extern struct blackbox *blackbox; /* NULL: nobody keeps one */
extern uint64_t blackbox_key;     /* of the place that stands there */

/* Takes the file over for this process, made anew if it is not there or no such file. True: the process
 * before died inside of died. -errno with e: there is none, and nothing is kept. */
int blackbox_open(const char *path, struct blackbox_place *died, int *signal, struct err *e);
/* 1: data has a death, 0: none, -EINVAL: no such file, or one that nobody of ours wrote. */
int blackbox_read(const void *data, size_t n, struct blackbox_place *died, int *signal);
/* The process ends in good order: the file goes. */
void blackbox_close(void);

static inline void blackbox_text(char *to, size_t cap, const char *from)
{
	if (!memccpy(to, from, 0, cap))
		to[cap - 1] = 0;
}

/* key: another one for every place, whose texts then need not be copied each time; 0: none. */
static inline bool blackbox_enter_again(uint64_t key)
{
	if (!key || key != blackbox_key)
		return false;
	__atomic_store_n(&blackbox->inside, 1, __ATOMIC_RELEASE);
	return true;
}

static inline void blackbox_enter(
	uint64_t key, const char *pack, const char *what, const char *file, uint32_t line, uint64_t source)
{
	struct blackbox_place *p = &blackbox->place;

	blackbox_key = key;
	blackbox_text(p->pack, sizeof(p->pack), pack);
	blackbox_text(p->what, sizeof(p->what), what);
	blackbox_text(p->file, sizeof(p->file), file);
	p->line = line;
	p->source = source;
	__atomic_store_n(&blackbox->inside, 1, __ATOMIC_RELEASE); /* not before the place is whole */
}

static inline void blackbox_leave(void)
{
	__atomic_store_n(&blackbox->inside, 0, __ATOMIC_RELEASE);
}
