/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes Prometheus' text format: a head for each metric, then its samples. */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/* type: "counter", "gauge", "histogram". */
void prom_head(struct buf *out, const char *metric, const char *type, const char *help);
/* labels: NAME, VALUE, …, NULL; values may hold any bytes. */
void prom_sample(struct buf *out, const char *metric, const char *const *labels, uint64_t value);
void prom_seconds(struct buf *out, const char *metric, const char *const *labels, uint64_t ns);
/* A metric of one sample without labels. */
void prom_one(struct buf *out, const char *metric, const char *type, const char *help, uint64_t value);
