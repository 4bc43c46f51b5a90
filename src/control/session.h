/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection: reads requests, runs them one at a time, writes answers. Private to control/. */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/vec.h"
#include "control/control.h"

#define SESSIONS_MAX       64u
#define SESSIONS_OTHER_MAX 48u /* of these for users that may only read: they can not shut root out */

#define ANSWER_MAX        (16u << 20) /* bytes of one answer */
#define PENDING_MAX       (64u << 20) /* bytes of all answers that wait for their readers */
#define PENDING_OTHER_MAX (32u << 20) /* from here on only root is answered */
#define PUBLISH_MAX       (1u << 20)  /* bytes that wait for one subscriber */
#define RECORD_MAX        (32u << 20) /* the same, for one that records: with the state at its beginning */
#define PUBLISH_FLUSH     (64u << 10) /* from here on it is written at once */

#define LINE_SECONDS   5.  /* from a request's first byte to its newline */
#define WRITE_SECONDS  30. /* without a byte taken by the peer */
#define LINGER_SECONDS 1.  /* for the peer to read the last answer and close */
#define PROBE_SECONDS  5.  /* a subscriber that sends nothing more: is it still there? */

#define JSON_LINE_MAX (256u << 10) /* bytes of a JSON-RPC request */

enum peer { PEER_REFUSED, PEER_READER, PEER_ALL };

struct control {
	struct ev_loop *loop;
	char *path, *group;
	const struct control_cmd *cmds;
	void *ctx;
	int fd;
	dev_t dev;
	ino_t ino;
	bool have_gid;
	gid_t gid;
	ev_io accept;
	ev_timer retry;
	struct session *sessions;         /* newest first */
	unsigned n_all, n_other, n_lines; /* n_lines: subscribers of lines */
	unsigned n_records;               /* of these, who record */
	unsigned n_news[NEWS_N];
	uint64_t serials;
};

typedef VEC(char *) patterns;
struct wish {
	bool on;
	patterns names; /* empty: any */
};

struct later { /* an answer that takes time */
	struct session *s;
	const struct control_cmd *cmd;
	char *id; /* of a JSON-RPC call; NULL: it is not answered */
	void (*gone)(void *ctx);
	void *ctx;
};

struct session {
	struct control *c;
	struct session *prev, *next;
	int fd;
	enum peer peer;
	struct session_peer who;
	ev_io rd, wr;
	ev_timer line_timer, write_timer, again;
	struct buf in, out;
	size_t out_pos;
	size_t scanned; /* bytes of in that hold no newline */
	uint64_t lost;  /* published lines or notifications that found no room */
	struct wish news[NEWS_N];
	ev_tstamp active;
	struct later *later;
	bool started; /* the first byte was seen */
	bool json;    /* it was { */
	bool starved; /* in has no whole request */
	bool records; /* lines are those of `record` */
	bool lines;   /* `monitor` in the text form: it sends no more requests */
	bool closing; /* what is written is the last: then shut down and wait for the peer */
	bool shut, eof, busy, dead;
};

void session_new(struct control *c, int fd, enum peer peer);
void session_free(struct session *s);
/* A last line for a peer that gets no session's service. */
void session_refuse(struct session *s, const char *text);
void session_finish(struct session *s);                    /* the daemon ends */
void session_publish(struct session *s, const char *text); /* for subscribers of lines */
void session_notify(struct session *s, const char *line, size_t n);

bool session_watches(const struct session *s); /* lines or news */

/* command.c: runs one request line, its answer goes to s->out. */
void command_run(struct session *s, const char *line, size_t len);
const struct control_cmd *command_find(const struct session *s, const char *name); /* NULL: there is none */
int command_unknown(const struct session *s, const char *name, struct err *e); /* -EINVAL, with a proposal */
/* May it be run now, by this peer? */
int command_allowed(const struct session *s, const struct control_cmd *cmd, struct err *e);
/* Runs it; e has a text whenever it fails. */
int command_call(
	struct session *s, const struct control_cmd *cmd, const char *args, struct buf *out, struct err *e);
int command_checked(int rc, struct buf *out, struct err *e); /* what it returned */
void command_answer(struct later *later, int rc, struct buf *payload, const struct err *e);

/* rpc.c: the same for JSON-RPC. */
void rpc_run(struct session *s, const char *line, size_t len);
void rpc_answer(struct later *later, int rc, struct buf *payload, const struct err *e);
/* A last answer, to whatever was asked. */
void rpc_give_up(struct session *s, const char *message);
/* rpc_params.c: what the text form's arguments would be. -EINVAL: e says what is wrong with the parameters.
 */
struct jval;
int rpc_args(const struct control_cmd *cmd, const struct jval *params, struct buf *args, struct err *e);

/* news.c: from now on what subscribe's params ask for. -EINVAL: as before. */
int news_subscribe(struct session *s, const struct jval *params, struct err *e);
void news_all(struct session *s);
void news_end(struct session *s);
struct json;
void news_json(const struct session *s, struct json *j); /* what it is subscribed to */
