/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last configuration that was good, with its policies and templates, kept as files in the state folder.
 */
#pragma once

#include "config/config.h"

/* Keeps what cfg was read from: the file, the policy directories, the folder of templates. Shipped packs and
 * list files are not copied. Atomic: the folder holds the old or the new. Nothing is written when it is the
 * same. 0 or -errno. */
int snapshot_take(const char *state_dir, const struct config *cfg, struct err *e);
/* The same of what is tried, beside what is good, so that it can be kept later as it was when it was tried.
 */
int snapshot_stage(const char *state_dir, const struct config *cfg, struct err *e);
int snapshot_staged_config(const char *state_dir, struct buf *out, struct err *e); /* the file's text */
int snapshot_keep_staged(const char *state_dir, struct err *e);                    /* it is good now */
void snapshot_unstage(const char *state_dir);
/* This pack's files of cfg's directories into what is kept, or staged: they were read anew, nothing else was.
 */
int snapshot_pack(
	const char *state_dir, bool staged, const struct config *cfg, const char *pack, struct err *e);
/* The configuration as it was kept; its directories are the copies. -ENOENT: there is none. */
int snapshot_load(const char *state_dir, struct config **out, struct err *e);
