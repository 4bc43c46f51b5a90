/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files readback*.c share. */
#pragma once

#include "nft/kread.h"
#include "nft/model.h"
#include "nft/readback.h"

enum { SUSPECT_MEMBERS = 1, SUSPECT_CONTENT = 2, SUSPECT_ALL = 4 }; /* obj.suspect */

struct reading {
	struct ruleset *rs;
	struct nft_conn *c;
	struct obj *tab;
	struct read_back *found;
	struct err *e;
	bool no_flowtables;
};

/* Of the chains that are suspect, or of all. */
int read_rules(struct reading *r, bool all);
/* Of the sets that are suspect, or of all, where their type is the wanted one. */
int read_elems(struct reading *r, bool all);
