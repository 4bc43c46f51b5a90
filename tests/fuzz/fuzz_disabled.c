// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as the file of disabled rules: what is read is written and read again as the same, and following
 * neighbours ends. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nft/disabled.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_autofree_ char *text = xmemdup(data, size);
	struct disabled_list l, again;
	_buf_ struct buf one = BUF_INIT, two = BUF_INIT;
	_err_ struct err e = ERR_INIT;

	if (disabled_parse(text, size, &l, &e) < 0) {
		if (!e.code || l.v.n)
			abort();
		return 0;
	}
	disabled_print(&l, &one);
	if (disabled_parse(one.s, one.n, &again, NULL) < 0)
		abort();
	disabled_print(&again, &two);
	if (one.n != two.n || memcmp(one.s, two.s, one.n) != 0)
		abort();
	while (l.v.n) {
		disabled_went(&l, &l.v.v[0]);
		if (l.v.n & 1)
			disabled_came(&l, &l.v.v[0], l.v.n);
		disabled_forget(&l, l.v.v[l.v.n / 2].id);
	}
	disabled_list_free(&l);
	disabled_list_free(&again);
	return 0;
}
