/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel of those who send nothing: checks, simulations, replays. It takes every plan, and gives the
 * numbers that a kernel would. */
#pragma once

#include "nft/plan.h"

/* As after a commit that went well; last: the last number given. */
void pretend_commit(const struct plan *p, uint64_t *last, struct commit_result *r);
/* For engine_ops.rule_handles: all are known. */
int pretend_handles(void *ctx, const struct obj *chain, uint64_t **handles, uint64_t **ids, struct err *e);
