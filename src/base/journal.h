/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An undo log. Whoever changes something that a failing run must take back pushes one entry that says how.
 * Entries are undone last first, down to a mark (savepoint); commit runs them first to last and empties the
 * log. */
#pragma once

#include <stdint.h>

#include "base/vec.h"

struct jtype {
	const char *name;
	void (*undo)(void *obj, uint64_t a, uint64_t b);   /* may be NULL; takes over what the entry held */
	void (*commit)(void *obj, uint64_t a, uint64_t b); /* may be NULL; the same */
};
struct jentry {
	const struct jtype *type;
	void *obj;
	uint64_t a, b; /* free for the type: old values, pointers */
};
struct journal {
	VEC(struct jentry) log;
};

static inline void journal_push(
	struct journal *j, const struct jtype *type, void *obj, uint64_t a, uint64_t b)
{
	vec_push(&j->log, (struct jentry){ type, obj, a, b });
}

static inline uint32_t journal_mark(const struct journal *j)
{
	return j->log.n;
}

void journal_rollback(struct journal *j, uint32_t mark); /* to the savepoint; 0: all */
void journal_commit(struct journal *j);
void journal_free(struct journal *j); /* must be empty */
