// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a configuration: it is refused with a text, or loaded and freed. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	_err_ struct err e = ERR_INIT;
	struct config *c = NULL;
	int rc = config_parse("f.yaml", (const char *)data, n, &c, &e);

	/* a refusal has words, none of which moves a terminal; a success has a configuration */
	if (rc == 0 ? !c || e.text : rc != -EINVAL || c || !e.text || !*e.text)
		__builtin_trap();
	for (const char *p = e.text ? e.text : ""; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\n') || *p == 0x7f)
			__builtin_trap();
	config_free(c);
	return 0;
}
