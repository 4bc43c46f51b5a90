/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recording: what `rnm record` writes and `rnm replay` reads. One JSON object a line:
 *
 *   {"rnm":"record 1","t":NS,"wall":S,"kinds":[…],"path":…,"config":…}   the first: clocks, what of the
 * network is followed, the configuration
 *   {"t":NS,"do":"have", …} and others                                 the state at the beginning
 *   {"t":NS,"do":"begin"} …                                            what happened, and each commit
 *
 * What is read is not trusted: it is checked line by line, with bounds. */
#pragma once

#include "base/vec.h"
#include "net/net.h"

enum rec_do {
	/* the state */
	REC_HAVE,     /* kind, rec; later too, where a kind begins to be followed */
	REC_PACK,     /* s: pack; n: source */
	REC_TIMER,    /* s: pack, file; n: line, due (ns from the beginning), every (ns, 0: once) */
	REC_SWITCHES, /* s: text: what `rnm packs` has switched (engine/switches.h) */
	REC_STATE,    /* s: pack, text of rnm.state */
	REC_EDIT,     /* s: pack, set, key, data and comment (may be missing); n: timeout, left (ms) */
	REC_RULESET,  /* s: text */
	/* what happened: a batch from the network is begin, set/del/resync …, end */
	REC_BEGIN,
	REC_SET, /* kind, rec */
	REC_DEL,
	REC_RESYNC, /* s: reason */
	REC_END,
	REC_WAKE,    /* something was due */
	REC_MESSAGE, /* s: topic; kv */
	REC_EVAL,    /* s: code, pack (may be missing) */
	REC_RELOAD,
	REC_SWITCH, /* s: verb, pack, place (may be missing) */
	REC_FILE,   /* s: path */
	REC_COMMIT, /* s: origin, event, text, error (may be missing); n: plan_sum(), operations */
	REC_LOST,   /* n: so many lines are missing */
	REC_N
};

struct rec_line {
	enum rec_do what;
	unsigned line; /* of the file */
	uint64_t t;    /* ns since the beginning */
	enum net_kind kind;
	struct net_rec *rec;
	char *s[5];
	uint64_t n[3];
	char **kv; /* 2 n_kv strings */
	uint32_t n_kv;
};

struct recording {
	double wall; /* at the beginning, since 1970 */
	unsigned kinds;
	char *path, *config;
	VEC(struct rec_line) v;
	uint32_t first; /* behind the state */
};

#define RECORDING_MAX (256u << 20) /* bytes */

/* -EINVAL: e says at which line what is wrong. Free with recording_free(), also then. */
int recording_read(const char *text, size_t n, struct recording *out, struct err *e);
void recording_free(struct recording *r);

/* One line, without its newline. s and n as above, NULL: none. */
void recording_put(struct buf *out, uint64_t t, enum rec_do what, const char *const *s, const uint64_t *n);
void recording_put_rec(struct buf *out, uint64_t t, enum rec_do what, const struct net_rec *r);
void recording_put_message(
	struct buf *out, uint64_t t, const char *topic, const char *const *kv, uint32_t n_kv);
void recording_put_head(struct buf *out, uint64_t t, double wall, unsigned kinds, const char *path,
	const char *config, size_t n);
