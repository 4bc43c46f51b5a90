/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters and times: a head for each metric, then its samples. In Prometheus' text format, or as an array of
 * {"name", "type", "help", "samples": [{"name", "labels": {…}, "value"}]}. */
#pragma once

#include <stdint.h>

#include "base/json.h"

struct prom {
	struct answer to; /* json: an open array */
	bool open;        /* json: a metric is */
};
void prom_end(struct prom *p); /* behind the last one */
/* type: "counter", "gauge", "histogram". */
void prom_head(struct prom *p, const char *metric, const char *type, const char *help);
/* labels: NAME, VALUE, …, NULL; values may hold any bytes. */
void prom_sample(struct prom *p, const char *metric, const char *const *labels, uint64_t value);
void prom_seconds(struct prom *p, const char *metric, const char *const *labels, uint64_t ns);
/* A metric of one sample without labels. */
void prom_one(struct prom *p, const char *metric, const char *type, const char *help, uint64_t value);
