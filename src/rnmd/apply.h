/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A change that undoes itself: `rnm apply --confirm SECONDS` activates files; unless `rnm confirm` comes in
 * time what ran before runs again, also over the death of the daemon. */
#pragma once

#include <ev.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct config;
struct daemon;

enum apply_state {
	APPLY_NONE,
	APPLY_PENDING,     /* waits for a confirmation */
	APPLY_ROLLED_BACK, /* the snapshot runs; what the files say waits for a reload or another apply */
};

struct apply {
	enum apply_state state;
	char *file;     /* state_dir/apply */
	char *config;   /* what was applied, where it is not the daemon's own file; NULL: that */
	uint64_t until; /* mono_ns */
	ev_timer timer;
};

void apply_init(struct daemon *d);
void apply_free(struct daemon *d);
/* The snapshot to start with when the last change was not confirmed; else *out stays. */
void apply_start(struct daemon *d, struct config **out);
/* After a start or reload that succeeded by the files: keeps them as the good ones. */
void apply_good(struct daemon *d);
/* A pack that was started from its files as they are now, all other files aside. */
void apply_pack(struct daemon *d, const char *pack);
/* config: another file than the daemon's, NULL: that one. seconds 0: without confirmation. */
struct answer;
int apply_begin(
	struct daemon *d, const char *config, unsigned seconds, const struct answer *to, struct err *e);
int apply_confirm(struct daemon *d, const struct answer *to, struct err *e);
/* -EBUSY while a change waits for its confirmation. */
int apply_may_reload(struct daemon *d, struct err *e);
void apply_reloaded(struct daemon *d); /* by an operator, from the files */
void apply_status(struct daemon *d, struct buf *out);
struct json;
void apply_status_json(struct daemon *d, struct json *j); /* fields of an open object */
