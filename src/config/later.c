// SPDX-License-Identifier: GPL-2.0-or-later
/* Sections whose work is not in this version: their shape is checked, and a note says that nothing follows
 * from them. */
#include "config/sections.h"

static bool given(const struct ynode *n)
{
	return !ynode_is_null(n) && (n->kind == Y_SCALAR || n->n);
}

static void check_zone_name(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	_autofree_ char *name = NULL;

	(void)into;
	read_zone(r, at, n, &name);
}

void read_zones(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	if (n->kind == Y_MAP) {
		for (uint32_t i = 0; i < n->n; i++) {
			const struct at here = { at, n->keys[i].name, 0 };
			const struct ynode place = { .line = n->keys[i].line, .col = n->keys[i].col };

			if (!zone_valid(n->keys[i].name))
				wrong(r, &here, &place,
					"not a zone's name: at most 31 letters, digits, '_', '-' or '.'");
			if (n->items[i].kind != Y_MAP && !ynode_is_null(&n->items[i]))
				wrong(r, &here, &n->items[i], "must be a mapping, not %s",
					ynode_kind(&n->items[i]));
		}
	} else {
		read_list(r, at, n, false, check_zone_name, into);
	}
	if (given(n))
		note(r, at, n->line, n->col,
			"is not acted on in this version: an interface's nftables_zone is what puts it into "
			"a zone");
}

static void check_forward(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	(void)into;
	if (n->kind != Y_MAP)
		wrong(r, at, n, "must be a mapping (KEY: VALUE), not %s", ynode_kind(n));
}

void read_port_forwards(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	read_list(r, at, n, false, check_forward, into);
	if (given(n))
		note(r, at, n->line, n->col, "are not acted on in this version: a policy can state them");
}
