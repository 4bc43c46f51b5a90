/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `nft -f` does: the commands of a file against what the kernel holds, in one batch. Asks the kernel
 * only for what the file names and does not say itself (types of sets, handles of rules), each once. No mark
 * of rnm's is written. */
#pragma once

#include <stdio.h>

#include "nft/batch.h"
#include "nft/file.h"

struct load_opts {
	bool check;   /* the kernel validates, nothing changes */
	FILE *out;    /* what list, get and reset print */
	bool resolve; /* host names, as nft does */
	/* User data of the rules, in place of their comments; NULL: those. At most NFT_UDATA_MAX. */
	const uint8_t *udata;
	size_t n_udata;
	/* Values of $names that the file does not define, in rules; see struct rule_env. May be NULL. */
	const struct val *(*param)(void *ctx, const char *name);
	void *ctx;
};

struct load_stats {
	uint64_t parse_ns, build_ns, send_ns, bytes, messages;
	uint32_t rules, elements;
};

/* 0, or negative errno with errs filled: the compiler's errors of the whole file, or the kernel's, each at
 * its line; then nothing was changed. stats may be NULL. */
int nft_load(struct nft_conn *c, struct nft_file *f, const struct load_opts *o, struct load_stats *stats,
	struct errlist *errs);

/* What each rule compiles to, in the notation of `nft --debug=netlink`, without a kernel that knows the
 * file's tables (but it is asked for sets the file names and does not declare, where it can be). */
int nft_compile_file(struct nft_conn *c, struct nft_file *f, const struct load_opts *o, struct buf *out,
	struct errlist *errs);
