/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of other people's tables that own elements are attached to; internal to nft/. */
#pragma once

#include "nft/model.h"

struct given;

enum { SUSPECT_MEMBERS = 1, SUSPECT_CONTENT = 2, SUSPECT_ALL = 4 }; /* obj.suspect */

struct attach { /* what is known of a set of somebody else's table */
	bool looked, there, typed;
	int denied;       /* -errno of the kernel: it does not take elements */
	uint32_t losses;  /* how often own elements were found gone */
	uint32_t doubted; /* transaction in which the kernel refused something of it */
	struct set_want want;
	struct set_stmts *stmts; /* a reference */
};

/* attach.c */
struct attach *attach_of(struct obj *set); /* made where there is none */
void attach_free(struct obj *set);
bool attach_stated(const struct obj *set);
bool attach_any(const struct obj *table);
int attach_conflict(struct obj *set, struct rpack **culprit, struct err *e);
int merge_attached(struct obj *set, const struct given *g, struct rpack **culprit, struct err *e);
/* plan_elems.c: the elements only; where nobody attaches any more, all that are own go. */
void plan_attached(struct plan *p, struct obj *set);
