/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files readback*.c share. */
#pragma once

#include "nft/attach_impl.h"
#include "nft/kread.h"
#include "nft/model.h"
#include "nft/readback.h"

struct reading {
	struct ruleset *rs;
	struct nft_conn *c;
	struct obj *tab;
	struct read_back *found;
	struct err *e;
	bool no_flowtables;
	struct klist *list; /* readback_adopt.c's: what its rules name */
};

/* ---- readback_adopt.c: rules that rnm did not make, in a table that it took over ---- */

struct content {
	bool known;
	uint64_t hash; /* as struct code has it: the same rule stated by a policy has the same */
	char *text;    /* owned; NULL: not spelled */
};
void adopted_content(
	struct reading *r, const struct obj *chain, const struct kread_rule *k, struct content *out);
void adopted_done(struct reading *r); /* with this table */

/* Of the chains that are suspect, or of all. */
int read_rules(struct reading *r, bool all);
/* Of the sets that are suspect, or of all, where their type is the wanted one. */
int read_elems(struct reading *r, bool all);
int read_set(struct reading *r, struct obj *set);
/* The set was not there, or not rnm's: all elements that are wanted are looked at. */
void all_anew(struct elem_table *t);
/* Of a table of somebody else the sets that are attached to. */
int read_attached(struct reading *r, bool there, bool all);
