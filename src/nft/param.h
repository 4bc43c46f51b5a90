/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a rule uses its $names. */
#pragma once

#include <stdbool.h>

struct ast_rule;
struct node;

/* $name stands behind `map` or `vmap`: a table of keys and values is asked. */
bool ast_param_maps(const struct ast_rule *r, const char *name);
/* Where it stands first; NULL: nowhere. */
const struct node *ast_param_node(const struct ast_rule *r, const char *name);
