// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes before the cursor: what is offered begins as the text does, is sorted, and stands at an offset of
 * it. */
#include <stdlib.h>
#include <string.h>

#include "net/mirror.h"
#include "script/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static struct script *world(void)
{
	static const struct mirror_ops none;
	static const struct script_ops ops;
	struct mirror *m = mirror_new(&none);

	return script_new(ruleset_new(), m, queries_new(m), &ops, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct script *s; /* nothing in it changes */
	char *text = malloc(n + 1);
	struct completion c;

	if (!s)
		s = world();
	memcpy(text, data, n);
	text[n] = '\0';
	script_complete(s, NULL, text, n, &c);
	check(c.from <= n);
	for (uint32_t i = 0; i < c.words.n; i++) {
		check(strlen(c.words.v[i]) >= n - c.from);
		check(!memcmp(c.words.v[i], text + c.from, n - c.from));
		check(!i || strcmp(c.words.v[i - 1], c.words.v[i]) < 0);
	}
	completion_free(&c);
	free(text);
	return 0;
}
