/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What made a statement, a contributor or a hold on an element: transaction, time and run, shared by all that
 * were made together. Internal to nft/. */
#pragma once

#include "base/buf.h"
#include "base/vec.h"

struct ruleset;
struct past_event;
struct past {
	struct past_event *event; /* a reference */
	const char *run;          /* static; NULL: none */
};
struct pasts {
	VEC(struct past) all; /* named by their index + 1 */
	VEC(uint32_t) spare;
	uint32_t now;             /* that of the present run; 0: nothing was made yet */
	struct past_event *event; /* of the transaction; NULL: nothing was made yet */
	const char *run;
	uint32_t sweep_at;
};
uint32_t past_now(struct ruleset *rs); /* for what is made now; 0: there is no room */
void past_begin(struct ruleset *rs);
void past_sweep(struct ruleset *rs); /* between transactions */
void past_free(struct ruleset *rs);
struct past_text {
	double at;       /* wall_s */
	const char *run; /* static; NULL: none */
	struct buf event;
};
bool past_get(struct ruleset *rs, uint32_t past, struct past_text *out); /* false: not known any more */
