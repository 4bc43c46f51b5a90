// SPDX-License-Identifier: GPL-2.0-or-later
/* `adopt`: an operator gives rnm a table that somebody else made. */
#include <errno.h>
#include <string.h>

#include "rnmd/daemon.h"

int cmd_adopt(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	struct daemon *d = ctx;
	char **words, **w;
	int n = control_words(args, &words, e), rc;
	uint8_t family;
	bool dry;

	(void)s;
	if (n < 0)
		return n;
	w = words;
	dry = n && !strcmp(*w, "--dry-run");
	if (dry)
		w++;
	if (n - dry != 2)
		rc = err_set(e, -EINVAL, "adopt needs FAMILY TABLE, such as: adopt inet filter");
	else
		rc = nft_family_parse(w[0], &family, e);
	if (rc == 0)
		rc = engine_adopt(d->engine, family, w[1], dry, out, e);
	control_words_free(words);
	return rc;
}
