// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/prom.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void prom_end(struct prom *p)
{
	if (p->open) {
		json_close(p->to.json, ']');
		json_close(p->to.json, '}');
	}
	p->open = false;
}

void prom_head(struct prom *p, const char *metric, const char *type, const char *help)
{
	struct json *j = p->to.json;

	if (!j) {
		buf_printf(p->to.text, "# HELP %s %s\n# TYPE %s %s\n", metric, help, metric, type);
		return;
	}
	prom_end(p);
	json_open(j, NULL, '{');
	json_text(j, "name", metric);
	json_text(j, "type", type);
	json_text(j, "help", help);
	json_open(j, "samples", '[');
	p->open = true;
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

/* metric: a histogram's samples have names of their own. */
static void sample(struct prom *p, const char *metric, const char *const *labels, const char *value)
{
	struct json *j = p->to.json;

	if (!j) {
		name(p->to.text, metric, labels);
		buf_printf(p->to.text, "%s\n", value);
		return;
	}
	json_open(j, NULL, '{');
	json_text(j, "name", metric);
	json_open(j, "labels", '{');
	for (int i = 0; labels && labels[i]; i += 2)
		json_text(j, labels[i], labels[i + 1]);
	json_close(j, '}');
	json_raw(j, "value", value, strlen(value));
	json_close(j, '}');
}

void prom_sample(struct prom *p, const char *metric, const char *const *labels, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	sample(p, metric, labels, text);
}

void prom_seconds(struct prom *p, const char *metric, const char *const *labels, uint64_t ns)
{
	char text[48];

	snprintf(text, sizeof(text), "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
	sample(p, metric, labels, text);
}

void prom_one(struct prom *p, const char *metric, const char *type, const char *help, uint64_t value)
{
	prom_head(p, metric, type, help);
	prom_sample(p, metric, NULL, value);
}
