/* SPDX-License-Identifier: GPL-2.0-or-later */
/* secure: what the daemon reads as code or configuration must be writable by root or its own user only.
 * Private to config/. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"

/* False: why says what is wrong with path and which command mends it. */
bool secure_stat(const struct stat *st, const char *path, struct buf *why);
/* The file's whole content, at most max bytes, regular files only. 0 or -errno with why. */
int secure_read(const char *path, size_t max, struct buf *out, struct buf *why);
