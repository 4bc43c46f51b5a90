/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of statements share: how a run finds again what the last one stated. Internal to nft/. */
#pragma once

#include "nft/model.h"

/* How far a run may skip what the last one stated and still find its statements again. */
#define LOOK_AHEAD 64

/* The statement at this place of sc->now is this run's, too. */
void state_again(struct stmt *st, uint32_t at);
struct stmt *stmt_of_elems(
	struct scope *sc, struct obj *set, uint32_t site, uint64_t sig); /* holds nothing yet */
void unstate_elems(struct scope *sc, struct obj *set); /* all that this run stated of the set */

/* contrib.c */
void contrib_hold_all(struct contrib *c, helds *list);          /* C_STMT, new: list becomes its */
bool contrib_holds(const struct contrib *c, const helds *list); /* just these, but for when they end */
/* C_STMT, in force: it holds list instead of what it held, and list is that afterwards. What it holds already
 * is not touched. back: what comes is so old, NULL: as old as the transaction; lost: gets the same of what
 * goes, or NULL. Both in the order of what is held, only those that are not as old as c. */
void contrib_rehold(struct contrib *c, helds *list, const elem_pasts *back, elem_pasts *lost);
