/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rnmd: owns the loop and everything in it. The only place that knows all modules. */
#pragma once

#include <ev.h>

#include "base/json.h"
#include "control/control.h"
#include "engine/engine.h"
#include "engine/recording.h"
#include "net/watch.h"
#include "nft/batch.h"
#include "nft/watch.h"
#include "rnmd/apply.h"

struct file_watch {
	uint64_t token;
	int wd; /* of the folder, shared */
	char *dir, *name;
};

struct daemon {
	struct ev_loop *loop;
	const char *config_path, *socket_path; /* socket_path: -s, NULL: the configuration's */
	char *shipped_dir;
	struct engine *engine;
	struct watch *watch;
	struct nft_conn *conn;
	struct nft_watch *nft_watch;
	uint32_t genid;    /* of nftables, as far as it is known; 0: not */
	unsigned restarts; /* commits in a row that met another generation */
	struct control *control;
	int lock_fd, inotify_fd;
	ev_timer wake;
	double woken_at;
	ev_signal hup, term, intr;
	ev_io inotify;
	VEC(struct file_watch) files;
	uint64_t started;
	bool verbose;     /* -v */
	ev_prepare first; /* until the first commit is acknowledged */
	bool ready;       /* it is */
	char *state_dir;
	unsigned kinds; /* that the engine asked for */
	struct apply apply;
	bool found_attached; /* what an earlier life left in sets of others was looked for */
	bool kept;           /* what runs is in the snapshot */
	struct json *taking; /* gets what a reload sends */
	ev_timer alive;
	uint64_t alive_ns, alive_at; /* how often it is told, 0: never; and when it was last */
	struct {
		char *path, *group, *state;
		mode_t mode;
	} begun; /* the configuration's socket and state at the start */
	/* report.c */
	struct report_line *lines;
	uint32_t n_lines;
	ev_timer later;
	ev_timer tidy; /* tidy.c */
	struct aside *asides;
};

/* 0 after SIGTERM or SIGINT, 1 when it could not start. */
int daemon_run(struct daemon *d);
/* to: what to tell whoever asked for it, which counts only on success; NULL: nobody did. */
int daemon_reload(struct daemon *d, const struct answer *to, struct err *e);
/* Moves over to cfg, all or nothing; takes it on success. */
int daemon_take(struct daemon *d, struct config *cfg, const struct answer *to, struct err *e);
/* report.c: REPORT_LINES are kept back at most */
#define REPORT_LINES 128
void report_init(struct daemon *d);
void report_flush(struct daemon *d);
void report_free(struct daemon *d);
void daemon_report(void *ctx, const struct txn_report *r);
void daemon_ran(void *ctx, const char *pack, const char *what, struct site site, uint64_t ns, bool ok);
void daemon_event(void *ctx, const struct net_event *ev);

/* news.c: what happened, for those who subscribed to it */
void news_event(struct daemon *d, const struct net_event *ev);
void news_run(struct daemon *d, const char *pack, const char *what, struct site site, uint64_t ns, bool ok);
void news_commit(struct daemon *d, const struct txn_report *r);
void news_message(void *ctx, const char *topic, const char *const *kv, uint32_t n, unsigned handlers);

/* metrics.c */
int cmd_metrics(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e);

/* tidy.c: memory that work leaves behind */
void tidy_init(struct daemon *d);
void tidy_later(struct daemon *d); /* after each transaction */
void tidy_free(struct daemon *d);

/* commands.c */
extern const struct control_cmd daemon_commands[];
/* Takes option off the front of the arguments. */
bool command_option(const char **args, const char *name);

/* console.c */
typedef int command_fn(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e);
command_fn cmd_eval, cmd_delta, cmd_undo, cmd_complete;
struct operator operator_of(const struct session *s);

/* adopt.c */
int cmd_adopt(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e);

/* record.c: what happens, for those who record it */
int cmd_record(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e);
void record_step(struct daemon *d, enum rec_do what, const char *a, const char *b, const char *c);
void record_event(struct daemon *d, const struct net_event *ev);
void record_message(struct daemon *d, const char *topic, const char *const *kv, uint32_t n);
void record_commit(struct daemon *d, const struct txn_report *r);
void record_kinds(struct daemon *d, unsigned kinds); /* these were dumped just now */

/* packs.c */
int cmd_packs(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e);
#define JSON_MAX (15u << 20) /* bytes of a JSON value: below what an answer may be */

/* plan.c */
int cmd_plan(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e);

/* aside.c: fn is run by a child: whatever it changes is the child's alone. 0: its answer comes later. */
typedef int aside_fn(struct daemon *d, const void *arg, struct buf *out, struct err *e);
int aside(struct daemon *d, struct session *s, aside_fn *fn, const void *arg, struct err *e);
void asides_free(struct daemon *d);

/* files.c: list files and their folders */
int list_files_init(struct daemon *d, struct err *e);
int list_files_watch(void *ctx, const char *path, uint64_t token);
void list_files_free(struct daemon *d);

/* notify.c: the service manager's protocol (sd_notify), without its library */
void notify_state(const char *state);
/* Tells its watchdog, if there is one, that the loop turns: by itself from now on, and at once when it is
 * time and the loop is busy. */
void watchdog_start(struct daemon *d);
void watchdog_stop(struct daemon *d);
void watchdog_busy(struct daemon *d);

/* lock.c: one rnmd per network namespace. The descriptor, or -EADDRINUSE with the other's pid in e. */
int netns_lock(struct err *e);
