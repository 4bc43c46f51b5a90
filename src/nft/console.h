/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands of nft's language on statements: what a pack stated goes, or becomes another rule at its place;
 * what other packs state is refused with who does. Inside a transaction, between ruleset_begin() and merge.
 */
#pragma once

#include "nft/file.h"
#include "nft/ruleset.h"

/* Is the table rnm's own, or stated to become it? */
bool ruleset_is_own(struct ruleset *rs, uint8_t family, const char *table);
/* Does somebody state what the command names (of rules and elements: the chain or set)? */
bool console_names(struct ruleset *rs, const struct file_cmd *cmd);
/* delete, destroy and flush of tables, chains, sets, objects, flowtables and rules. pk NULL: it states
 * nothing. -ENOENT, -EPERM: others state it, or it is not the console's to take back. */
int console_withdraw(struct ruleset *rs, struct rpack *pk, const struct file_cmd *cmd, struct err *e);
/* replace rule … handle N: keeps its place. */
int console_replace(struct ruleset *rs, struct rpack *pk, const struct file_cmd *cmd, struct ast_rule *ast,
	struct err *e);
