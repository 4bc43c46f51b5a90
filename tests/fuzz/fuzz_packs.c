// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as what is known of packs, or as the page of a process that died: refused with a text, or taken,
 * and then what is written of it is read again as the same. */
#include <errno.h>
#include <stdint.h>

#include "engine/switches.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void page(const uint8_t *data, size_t n)
{
	struct blackbox_place at;
	struct switches s = { 0 };
	_buf_ struct buf why = BUF_INIT, text = BUF_INIT;
	int signal = 0, rc = blackbox_read(data, n, &at, &signal);

	if (rc != 1) {
		if (rc != 0 && rc != -EINVAL)
			__builtin_trap();
		return;
	}
	switches_died(&s, &at, signal, 1e9, &why);
	switches_text(&s, &text);
	switches_free(&s);
	if (switches_parse(&s, buf_str(&text), text.n, NULL) < 0)
		__builtin_trap();
	switches_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_buf_ struct buf once = BUF_INIT, twice = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct switches s = { 0 };
	int rc;

	page(data, n);
	rc = switches_parse(&s, (const char *)data, n, &e);
	if (rc < 0) {
		if (!e.text || !*e.text || s.off.n || s.held.n || s.deaths.n)
			__builtin_trap();
		return 0;
	}
	switches_text(&s, &once);
	switches_free(&s);
	if (switches_parse(&s, buf_str(&once), once.n, NULL) < 0)
		__builtin_trap();
	switches_text(&s, &twice);
	switches_free(&s);
	if (once.n != twice.n || memcmp(once.s, twice.s, once.n))
		__builtin_trap();
	return 0;
}
