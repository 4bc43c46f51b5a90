// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/journal.h"

/* More than this is given back after a transaction: one big one must not hold its memory for ever. */
#define KEEP 4096

static void trim(struct journal *j)
{
	if (!j->log.n && j->log.cap > KEEP)
		vec_free(&j->log);
}

void journal_rollback(struct journal *j, uint32_t mark)
{
	while (j->log.n > mark) {
		struct jentry e = vec_pop(&j->log);

		if (e.type->undo)
			e.type->undo(e.obj, e.a, e.b);
	}
	trim(j);
}

void journal_commit(struct journal *j)
{
	for (uint32_t i = 0; i < j->log.n; i++) {
		struct jentry e = j->log.v[i];

		if (e.type->commit)
			e.type->commit(e.obj, e.a, e.b);
	}
	vec_clear(&j->log);
	trim(j);
}

void journal_free(struct journal *j)
{
	vec_free(&j->log);
}
