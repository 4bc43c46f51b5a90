/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files that hold state: read whole, and replaced so that a reader sees the old or the new, whatever
 * happens in between. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* A regular file of root's or this process's user that nobody else can write. -ENOENT without a message:
 * there is none; -EFBIG, -EACCES, … */
int file_read(const char *path, size_t max, struct buf *out, struct err *e);
/* On the disk when it returns: written beside, synced, renamed, the folder synced. Mode 0600. */
int file_replace(const char *path, const char *text, size_t n, struct err *e);
