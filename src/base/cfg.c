// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/cfg.h"

#include <stdlib.h>

void cfg_node_free(struct cfg_node *n)
{
	for (uint32_t i = 0; i < n->n; i++) {
		if (n->items)
			cfg_node_free(&n->items[i]);
		if (n->keys)
			free(n->keys[i]);
	}
	free(n->items);
	free(n->keys);
	free(n->string);
	*n = (struct cfg_node){ .kind = CFG_NULL };
}
