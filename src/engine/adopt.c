// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables of others that an operator gives to rnm. */
#include "engine/core.h"

int engine_adopt(
	struct engine *en, uint8_t family, const char *table, bool dry, struct buf *out, struct err *e)
{
	_autofree_ char *what = xasprintf("%s %s", nft_family_name(family), table);
	int rc;

	txn_begin(en, ORIGIN_ADOPT, what);
	rc = ruleset_adopt(en->rs, family, table, e);
	if (rc < 0) {
		txn_abort(en);
		return rc;
	}
	en->looking = true;
	en->told = out;
	rc = dry ? txn_dry(en, &(struct plan_view){ .text = out }, e) : txn_end(en, true, e);
	en->told = NULL;
	en->looking = false;
	ruleset_adopt_end(en->rs, family, table, dry || rc < 0);
	if (rc < 0)
		buf_clear(out);
	if (!dry && rc == 0)
		return 0;
	txn_begin(en, ORIGIN_ADOPT, "undone");
	txn_end(en, false, NULL);
	return rc;
}
