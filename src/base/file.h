/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files that hold state: read whole, and replaced so that a reader sees the old or the new, whatever
 * happens in between. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/* A regular file of root's or this process's user that nobody else can write. -ENOENT without a message:
 * there is none; -EFBIG, -EACCES, … */
int file_read(const char *path, size_t max, struct buf *out, struct err *e);
/* All that is left of an open file; name is what messages call it. -EFBIG: more than max bytes. */
int fd_read(int fd, const char *name, size_t max, struct buf *out, struct err *e);
int fd_write(int fd, const char *s, size_t n);       /* all of it, or -errno */
int sync_folder_of(const char *path, struct err *e); /* that the name is there, or gone, is on the disk */
/* Not lasting: written and renamed, not synced. After a power loss it may be the old one, or empty. */
int file_write(const char *path, mode_t mode, bool lasting, const char *text, size_t n, struct err *e);
/* On the disk when it returns: written beside, synced, renamed, the folder synced. Mode 0600. */
int file_replace(const char *path, const char *text, size_t n, struct err *e);
