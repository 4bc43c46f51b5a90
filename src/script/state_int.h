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
/* The same, journaled with the pack. bytes: what the whole state holds then. */
void pstate_set(
	struct pack *pk, struct snode *table, const struct state_key *key, struct snode *val, size_t bytes);
