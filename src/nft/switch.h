/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One rule that the kernel holds: copied to another place, taken out and remembered, put back. For tables
 * that are not rnm's own; rules of own tables are the ruleset's (ruleset_disabled.h). */
#pragma once

#include "nft/batch.h"
#include "nft/disabled.h"
#include "nft/file.h"

/* Is it a command of this kind: clone, disable, enable, list disabled, or delete of a disabled one? */
bool is_switch(const struct file_cmd *cmd);

struct switch_opts {
	const char *state_dir; /* where disabled rules are remembered */
	/* What there is to say of a disabled rule of rnm's own ("stated by wan, wan.lua:12"); NULL: nobody
	 * knows. */
	void (*own)(void *ctx, const struct disabled *d, struct buf *out);
	void *ctx;
};

/* Runs a file that has one such command and no other. out: what was done, or the list. -errno with errs
 * filled: nothing was changed. A rule that rnm can not spell is refused: it would not come back as it was. */
int nft_switch(struct nft_conn *c, const struct nft_file *f, const struct switch_opts *o, struct buf *out,
	struct errlist *errs);

/* A rule, by its handle or index, as one line of nft syntax that compiles to its expressions, without counts.
 * -ENOENT, -EOPNOTSUPP: nothing spells it. */
int rule_spelled(struct nft_conn *c, uint8_t family, const char *table, const char *chain, bool by_index,
	uint64_t n, struct buf *text, struct err *e);
