/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rnm.state, shared by state.c (the file and the journal) and lua_state.c (what packs see of it). */
#pragma once

#include "script/internal.h"

struct pstate {
	struct script *s;
	uint32_t refs;
	char *name, *path; /* path NULL: memory only */
	struct snode *root;
	size_t bytes;    /* about what the tree holds */
	size_t undoable; /* about what the open transaction's old values hold */
	bool dirty, failing;
	uint64_t saved_at;
};

/* Puts val (taken; NULL: none) at key; gives back what was there. Not journaled. */
struct snode *snode_swap(struct snode *table, const struct state_key *key, struct snode *val);
/* The same, journaled with the pack. top: the entry of the root that it is in or is. bytes: what the whole
 * state holds then. */
void pstate_set(struct pack *pk, struct snode *table, const struct state_key *key, struct snode *val,
	const char *top, size_t bytes);
void pstate_touched(struct pack *pk, const char *top); /* blocks and records that read it run again */

struct change { /* what an entry was before; obj of jt_state */
	struct pstate *st;
	struct snode *table;
	struct state_key key;
	struct snode *old; /* NULL: it was not there */
	char *top;
	size_t bytes, cost;
};
extern const struct jtype jt_state;
