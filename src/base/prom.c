// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/prom.h"

#include <inttypes.h>

void prom_head(struct buf *out, const char *metric, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metric, help, metric, type);
}

static void label(struct buf *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n') {
			buf_puts(out, "\\n");
			continue;
		}
		if (*value == '"' || *value == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *value);
	}
}

static void name(struct buf *out, const char *metric, const char *const *labels)
{
	buf_puts(out, metric);
	for (int i = 0; labels && labels[i]; i += 2) {
		buf_printf(out, "%c%s=\"", i ? ',' : '{', labels[i]);
		label(out, labels[i + 1]);
		buf_putc(out, '"');
	}
	buf_puts(out, labels && labels[0] ? "} " : " ");
}

void prom_sample(struct buf *out, const char *metric, const char *const *labels, uint64_t value)
{
	name(out, metric, labels);
	buf_printf(out, "%" PRIu64 "\n", value);
}

void prom_seconds(struct buf *out, const char *metric, const char *const *labels, uint64_t ns)
{
	name(out, metric, labels);
	buf_printf(out, "%" PRIu64 ".%09" PRIu64 "\n", ns / 1000000000, ns % 1000000000);
}

void prom_one(struct buf *out, const char *metric, const char *type, const char *help, uint64_t value)
{
	prom_head(out, metric, type, help);
	prom_sample(out, metric, NULL, value);
}
