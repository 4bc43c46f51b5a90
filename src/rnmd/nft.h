/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `nft COMMAND`: commands of nft's language through the daemon. Tables of others are changed at once; in
 * rnm's own the console states what is added, and withdraws only what it stated. */
#pragma once

#include "rnmd/daemon.h"

/* text: one command of nft's language. netns: the namespace that the caller speaks of ("DEV:INODE"), NULL:
 * this one. out: what it says. -EXDEV: another namespace; -errno with the errors, each with its place. */
int daemon_nft(struct daemon *d, const struct operator* who, const char *netns, const char *text, size_t n,
	struct buf *out, struct err *e);
