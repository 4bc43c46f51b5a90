/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel holds of own tables becomes what the ruleset takes it to hold, so that the next plan is the
 * difference: at start, after foreign changes, after answers that were lost. */
#pragma once

#include "nft/batch.h"

/* Marks what may be otherwise than it was committed: a table (with all that is in it), or the content of a
 * chain or set and which members the table has. Names that are not own are ignored. */
void ruleset_suspect(
	struct ruleset *rs, enum obj_kind kind, uint8_t family, const char *table, const char *name);
void ruleset_suspect_all(struct ruleset *rs); /* every own table */
/* Is anything marked? What the last merge claims and nobody has read yet is marked here. */
bool ruleset_suspects(struct ruleset *rs);
/* Does a foreign change of this table matter? */
bool ruleset_cares(struct ruleset *rs, uint8_t family, const char *table);

/* Sets of other people's tables: does anything wait to be read; is this (name NULL: something of the table)
 * one; is the table only known for them; read nothing else for now. */
bool ruleset_attaching(const struct ruleset *rs);
bool ruleset_attached(struct ruleset *rs, uint8_t family, const char *table, const char *name);
bool ruleset_only_attached(struct ruleset *rs, uint8_t family, const char *table);
/* How often own elements were found gone from the set. */
uint32_t ruleset_attached_losses(struct ruleset *rs, uint8_t family, const char *table, const char *name);
void ruleset_read_only_attached(struct ruleset *rs, bool only);

/* Whether an attached set is there, and of which type: before the first commit with it, so that values are
 * held against it. */
int ruleset_attach_look(struct nft_conn *c, struct obj *set, struct err *e);
/* At the start, before anything is merged: sets of others that hold own elements of an earlier life, and the
 * numbers of own sets that hold live lists. */
int ruleset_find_attached(struct ruleset *rs, struct nft_conn *c, struct err *e);

/* What was found otherwise, for messages. */
struct read_back {
	uint32_t rules_missing, rules_foreign, elems_missing, elems_foreign, objs_missing, objs_foreign,
		objs_changed;
};

/* Reads all that is marked, between ruleset_merge() and plan_make(). Rules and elements that are found as
 * wanted keep what they are; what nobody claims is planned to go (while deletes are held: stays); a timed
 * element of an earlier life goes on to live by its remaining time as an edit of the set's pack. -errno:
 * nothing was read, what is marked stays marked. */
int ruleset_read_back(struct ruleset *rs, struct nft_conn *c, struct read_back *found, struct err *e);

/* A stateful object as the kernel has it now, counts and all. -ENOENT: it is not there. */
int ruleset_object_read(struct nft_conn *c, const struct obj *o,
	void (*fn)(void *ctx, const struct object_want *o), void *ctx, struct err *e);
