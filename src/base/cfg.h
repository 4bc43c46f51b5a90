/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A read-only value tree from outside (the YAML's `config:`), with the place of each value for messages.
 * config/ makes it. */
enum cfg_kind { CFG_NULL, CFG_BOOL, CFG_INT, CFG_FLOAT, CFG_STRING, CFG_LIST, CFG_MAP };
struct cfg_node {
	enum cfg_kind kind;
	const char *file; /* borrowed from the configuration */
	unsigned line, col;
	bool boolean;
	int64_t integer;
	double real;
	char *string;
	struct cfg_node *items; /* CFG_LIST, CFG_MAP values */
	char **keys;            /* CFG_MAP */
	uint32_t n;
};
void cfg_node_free(struct cfg_node *n); /* what it holds, not itself */
