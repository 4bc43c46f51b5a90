/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rnm: the operator's tool. Each command is one function of the table in main.c; the files group them. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

#define DEFAULT_SOCKET "/run/rnm/rnm.sock"
#define DEFAULT_STATE  "/var/lib/rnm"
#define DEFAULT_CONFIG "/etc/rnm/config.yaml"

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

struct tool {
	const char *socket;
	const char *command; /* the running one, for messages */
};

/* argv[0] is the command. Returns the exit status. */
typedef int tool_fn(struct tool *t, int argc, char **argv);
tool_fn tool_ping, tool_status, tool_reload, tool_plan, tool_list, tool_why, tool_emit, tool_monitor,
	tool_metrics, tool_apply, tool_confirm, tool_packs, tool_adopt; /* remote.c */
tool_fn tool_eval, tool_delta, tool_undo;                               /* eval.c */
tool_fn tool_record, tool_replay;                                       /* replay.c */
tool_fn tool_check;                                                     /* check.c */
tool_fn tool_nft;                                                       /* nft.c */
tool_fn tool_test;                                                      /* test.c */

/* EXIT_USAGE, after a message and the command's synopsis. */
int usage_error(const struct tool *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* EXIT_FAILED, after "rnm: text". */
int failed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Text from the daemon: to a terminal its control bytes go escaped, elsewhere it stays as it is. */
void put_text(FILE *to, const char *text, size_t n);

/* One command to the daemon. On failure err has the message and out what came before it. 0 or -errno. */
struct client;
int ask(struct client *cl, const char *line, unsigned timeout_ms, struct buf *out, struct err *e);
/* From here on Ctrl-C, SIGTERM and a closed stdout do not end the program: the first two end what waits for
 * the daemon, with -EINTR. */
void until_stopped(struct client *cl);

/* eval.c, repl.c */
struct eval_mode {
	bool dry, read_only, json;
	char pack[64]; /* "": the console's */
};
bool is_pack_name(const char *s);
void eval_line(const struct eval_mode *m, bool colours, const char *code, struct buf *line); /* the command */
bool wants_colours(void);                               /* stdout is a terminal that may have them */
void put_plan(const char *text, bool colours);          /* to stdout */
void put_values(const char *s, size_t n, bool colours); /* likewise; what an eval printed */
int repl(struct tool *t, const struct eval_mode *mode);
