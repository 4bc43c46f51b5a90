/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Structured log lines on stderr: "LEVEL AREA: TEXT", with "<N>" in front when the journal reads them.
 * Text from outside is printed with control bytes escaped, so a line is always one line; multi-line
 * texts (tracebacks) are written as several lines of the same level and area. */
#pragma once

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_init(enum log_level max); /* looks at JOURNAL_STREAM once */
void log_level_set(enum log_level max);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *area, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Receives every line that passes the level, beside stderr (monitor); NULL ends it. */
void log_tap(void (*tap)(void *ctx, enum log_level level, const char *area, const char *text), void *ctx);

#define log_error(area, ...) log_write(LOG_ERROR, area, __VA_ARGS__)
#define log_warn(area, ...)  log_write(LOG_WARN, area, __VA_ARGS__)
#define log_info(area, ...)  log_write(LOG_INFO, area, __VA_ARGS__)
#define log_debug(area, ...)                                                                                 \
	do {                                                                                                 \
		if (log_enabled(LOG_DEBUG))                                                                  \
			log_write(LOG_DEBUG, area, __VA_ARGS__);                                             \
	} while (0)
