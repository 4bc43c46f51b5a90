/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rtnetlink sockets: subscribe, dump, follow; overrun and interrupted dumps end in dump-and-diff. */
#pragma once

#include "base/err.h"
#include "net/mirror.h"

struct ev_loop;
struct watch;

struct watch_ops {
	/* A batch of messages is about to be read / was read and fed to the mirror (whose ops->event ran for
	 * each). The transaction spans from begin to end. At most max_events datagram messages or
	 * max_delay_ms per batch. */
	void (*begin)(void *ctx);
	void (*end)(void *ctx);
	void (*resync)(void *ctx, const char *reason); /* between begin and end, after the diff's events */
	void *ctx;
};
struct watch_opt {
	unsigned max_events; /* messages per batch; 1 with coalesce: never */
	unsigned max_delay_ms;
	int rcvbuf; /* bytes, 0: default (large, by SO_RCVBUFFORCE, else SO_RCVBUF); an overrun doubles it */
};

struct watch *watch_new(
	struct mirror *m, const struct watch_ops *ops, const struct watch_opt *opt, struct err *e);
void watch_opt_set(struct watch *w, const struct watch_opt *opt);
void watch_free(struct watch *w);

/* Subscribes to the kinds (bits NET_*; links always) that are not yet, drops those no longer needed (their
 * records leave the mirror), then dumps the new ones into the mirror, links first; all synchronous. Events of
 * the dump go to mirror_ops.event as usual, and ops->begin and end are not called: it may be called inside a
 * transaction, even from an event. A kind that is dropped must have no query left (queries_kinds()). 0 or
 * negative errno. */
int watch_kinds(struct watch *w, unsigned kinds, struct err *e);
unsigned watch_kinds_now(const struct watch *w);

/* Dumps everything again and diffs, then ops->resync; with ops->begin and end around it unless a batch is in
 * progress. */
int watch_resync(struct watch *w, const char *reason, struct err *e);

void watch_start(struct watch *w, struct ev_loop *loop); /* from here on ops->begin/end run from the loop */
void watch_stop(struct watch *w);
/* Reads what is queued now, without the loop (rnm check, tests). Returns the number of events or a negative
 * errno. */
int watch_poll(struct watch *w);

struct watch_stats {
	uint64_t messages, events, overruns, interrupted, resyncs, malformed;
};
struct watch_stats watch_stats(const struct watch *w);
