// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "nft/ast.h"
#include "nft/param.h"

/* Deep as the parser went, at most. */
static bool maps(const struct node *n, const char *name)
{
	for (; n; n = n->next) {
		if (n->kind == N_MAP && n->b && n->b->kind == N_PARAM && !strcmp(n->b->s, name))
			return true;
		if (maps(n->a, name) || maps(n->b, name) || maps(n->c, name) || maps(n->d, name))
			return true;
	}
	return false;
}

bool ast_param_maps(const struct ast_rule *r, const char *name)
{
	return maps(r->stmts, name);
}

static const struct node *param(const struct node *n, const char *name)
{
	const struct node *found = NULL;

	for (; n && !found; n = n->next) {
		if (n->kind == N_PARAM && !strcmp(n->s, name))
			return n;
		const struct node *const in[] = { n->a, n->b, n->c, n->d };

		for (unsigned i = 0; i < 4 && !found; i++)
			found = param(in[i], name);
	}
	return found;
}

const struct node *ast_param_node(const struct ast_rule *r, const char *name)
{
	return param(r->stmts, name);
}
