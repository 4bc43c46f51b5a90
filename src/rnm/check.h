/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `rnm check`: check.c does it, check_say.c says what came of it. */
#pragma once

#include "base/log.h"
#include "base/vec.h"
#include "engine/engine.h"
#include "nft/batch.h"

struct watch;
typedef VEC(char *) check_lines;

struct check {
	struct engine *engine;
	struct watch *watch;
	struct nft_conn *conn; /* NULL: not permitted to ask the kernel */
	const char *socket;    /* the daemon's, whose state folder it is */
	bool json;             /* all is said at the end, as one value */
	bool asked; /* the kernel has answered for the first plan; later ones build on what it does not hold
		     */
	bool owned; /* a note says that rnmd's tables take no batch from here */
	bool compared;   /* what the kernel holds was read back */
	unsigned errors; /* lines of the log: only whether there were any */
	unsigned warnings;
	uint64_t handles;
	/* check_say.c */
	uint32_t operations;
	struct buf plan; /* of the first run: text, or fields of a JSON object */
	check_lines notes, warned, failed;
};

void check_note(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_warn(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void check_error(struct check *c, const char *text);
void check_log(struct check *c, enum log_level level, const char *area, const char *text);
void check_plan(struct check *c, const struct plan *p); /* what a start would send */
void check_differs(struct check *c, const char *first, const char *second);
/* What a start would have come to. Returns how much of it is wrong. */
unsigned check_conclude(struct check *c, const char *path, bool failed_early);
