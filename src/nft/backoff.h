/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements that the kernel refuses. A batch with one of them costs milliseconds, all of which the loop and
 * the other packs wait for. So what was refused is tried again by itself only, 1 s later, then after twice as
 * long each time, up to 60 s; and a pack whose *new* statements are refused in one transaction after another
 * backs off: what the same places of it state anew is not sent, but waits for the next of these tries. What
 * is accepted counts against it; a reload makes the pack anew and forgets all. Internal to nft/. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

struct rpack;
struct stmt;
struct obj;
struct elem_table;

struct backoff {        /* of a pack; all zero: nothing of it was refused lately */
	unsigned score; /* rises with refusals of what is new, falls with transactions that are accepted */
	unsigned tries; /* without full success */
	uint64_t next;  /* boot_ms of the next one; 0: nothing to try */
	uint32_t txn;   /* of the last refusal */
	uint32_t skip;  /* of those refused: tried last time */
	bool everywhere;
	VEC(uint32_t) sites; /* that stated what was refused; not all where it is everywhere */
};

void backoff_refused(struct rpack *pk, uint32_t site);
/* What this place states anew is not to be sent now. */
bool backoff_holds(const struct rpack *pk, uint32_t site);
void backoff_committed(struct rpack *pk); /* the transaction ends, with changes of the pack in it */
void backoff_free(struct rpack *pk);
