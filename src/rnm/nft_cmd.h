/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands of nft's language on the command line. */
#pragma once

#include "nft/errlist.h"
#include "rnm/rnm.h"

/* One line of text with its newline. Returns the exit status. */
int nft_command(struct tool *t, const char *text, size_t n);
/* The first command that changes one of rnm's own tables; NULL: none does. */
struct nft_conn;
struct nft_file;
const struct file_cmd *nft_changes_own(struct nft_conn *c, const struct nft_file *f);
/* nft.c: tells of the errors, and frees them. rc: of what was done. Returns the exit status. */
int nft_errors(struct errlist *errs, int rc);
