/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One refused command while it is found out why. Internal to load_refuse*.c. */
#pragma once

#include "nft/load_impl.h"

struct refusal {
	struct load *l;
	const struct file_cmd *cmd;
	int code;
	struct hmap *made, *lost; /* by thing: commands that add it; what was told of already */
	struct buf text;          /* why */
	struct err placed;        /* or this, which has its place: an element's */
	bool follows;             /* it is because of something that was told of already */
	unsigned probes;
};

/* Something is not there, nor did the file add it: says so, or that it only follows. */
bool refusal_missing(struct refusal *f, const struct thing *t);
/* The first command that adds it; NULL: none. */
const struct file_cmd *refusal_adds(const struct refusal *f, const struct thing *t);
/* Whether it was asked before for the command's table. */
bool refusal_again(struct refusal *f);
void refusal_rule(struct refusal *f);
void refusal_elems(struct refusal *f);
