/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of rnm's own that somebody disabled: packs go on stating them, the kernel does not hold them.
 *
 * A statement is known again by pack, chain, the rule's text as written ($names unfilled), its parameters (a
 * live one counts by its query, not by its value of now), whether it is inserted, and which of several equal
 * ones it is. Its line in the file does not count. One that says something else is another rule, and in
 * force; the disabled one is then not stated, and remembered until it is stated again or forgotten. */
#pragma once

#include "nft/disabled.h"
#include "nft/ruleset.h"

/* These of l that are rnm's own are disabled from the next merge on, and no others. */
void ruleset_disable(struct ruleset *rs, const struct disabled_list *l);

/* The rule of an own chain that the kernel holds, by its handle: what disabled_add() takes of it (owned), but
 * no id and no time. -ENOENT: the kernel has no such rule, or nobody states it. */
int ruleset_rule_find(
	struct ruleset *rs, struct obj *chain, uint64_t handle, struct disabled *out, struct err *e);
/* The handle of the kernel's rule at index. -ENOENT. */
int ruleset_rule_index(const struct obj *chain, uint64_t index, uint64_t *handle, struct err *e);
/* What the kernel shows as the comment of a rule that has none of its own; NULL: it has, or nobody states it.
 */
const char *ruleset_rule_label(const struct obj *chain, uint64_t handle);

/* Who states it now; false: nobody does. */
bool ruleset_disabled_stated(
	struct ruleset *rs, const struct disabled *d, const char **pack, struct site *site);
/* How many are disabled, and how many of them somebody states now. */
uint32_t ruleset_disabled_count(const struct ruleset *rs, uint32_t *stated);
