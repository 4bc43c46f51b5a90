/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expressions that stand for their type, as trees. Internal to nft/. */
#pragma once

#include "nft/ast.h"

/* "ip saddr . tcp dport": a selector, or several joined, in r's arena. r is zeroed before and given to
 * typeof_done() after it, also when NULL came (with e). */
const struct node *typeof_parse(const char *text, struct ast_rule *r, struct err *e);
void typeof_done(struct ast_rule *r);
