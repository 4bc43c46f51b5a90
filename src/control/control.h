/* SPDX-License-Identifier: GPL-2.0-or-later */
/* control: the unix socket. Framing, rights, sessions, bounded output; the commands themselves are a table
 * that the daemon gives. Knows no Lua. Two forms, told apart by the first byte of a connection:
 *
 *   text       one command a line; the answer's lines, then OK or ERR message
 *   JSON-RPC   ({) one JSON-RPC 2.0 object a line; the same commands as methods, and `subscribe` */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct ev_loop;
struct control;
struct session;

enum param_kind {
	PARAM_TEXT,   /* a string: one word */
	PARAM_NUMBER, /* a whole number, 0 or more */
	PARAM_FLAG,   /* true: its option stands there */
	PARAM_WORDS,  /* a string or an array of strings: a word each */
	PARAM_PAIRS,  /* an object: NAME=VALUE words; values are strings, numbers or booleans */
	PARAM_CODE,   /* a string: the rest of the line, as client_escape() makes it */
	PARAM_WISH,   /* of subscribe alone */
};
/* A parameter of a JSON-RPC call: it becomes what the text form's arguments would be. */
struct control_param {
	const char *name;
	enum param_kind kind;
	const char *
		option; /* stands before the value ("--pack"); a flag's must be there, NULL: only the value */
	bool needed;
};
struct control_cmd {
	const char *name, *args, *help; /* args: "[PACK] CODE…", for help and usage errors */
	bool read;                      /* group rnm may */
	bool rest;                      /* takes the rest of the line as it is; else args must be empty */
	/* Writes the payload into out; 0 → OK, negative errno → ERR with e's text (its further lines become
	 * payload). Runs to its end before it returns, or calls session_later(). */
	int (*run)(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e);
	/* Takes --json in front of all else: the payload is then one JSON value on one line, which is the
	 * result of a JSON-RPC call too. Without it that is {"lines": […]}. */
	bool json;
	/* Of a JSON-RPC call, in the order of the text form's; ends with name NULL. NULL: none, or {"args":
	 * […]} where rest is set. */
	const struct control_param *params;
};
struct control_opt {
	const char *path;
	mode_t mode;
	const char *group;              /* NULL or unknown group: root only */
	const struct control_cmd *cmds; /* ends with name NULL */
	void *ctx;
};

/* Makes the socket under a tight umask, after removing a stale one; a live one is refused with -EADDRINUSE.
 */
int control_new(struct ev_loop *loop, const struct control_opt *opt, struct control **out, struct err *e);
void control_free(struct control *c); /* unlinks the socket */

bool session_may_all(const struct session *s); /* root, or the daemon's own user */

/* `monitor`: from now on the session gets every published line (a JSON-RPC one every notification), and ends
 * when the peer closes. Called from run(). A slow reader loses lines (one line tells how many), never stalls
 * the loop. */
void session_subscribe(struct session *s);
/* Called from run(): the answer comes with control_answer(), out and what run() returns are not looked at.
 * Until then the session takes no other request. gone(): nobody waits for it any more, later is no more. */
struct later *session_later(struct session *s, void (*gone)(void *ctx), void *ctx);
/* What run() would have returned; later is no more. */
void control_answer(struct later *later, int rc, struct buf *payload, struct err *e);
/* In a forked child: its peers' connections are the parent's alone. */
void control_forked(const struct control *c);
/* Who is at the other end: serial tells connections apart. */
struct session_peer {
	uid_t uid;
	pid_t pid;
	uint64_t serial;
};
struct session_peer session_peer(const struct session *s);
bool control_has_subscribers(const struct control *c);     /* of lines */
void control_publish(struct control *c, const char *text); /* one or several lines */
/* `record`: the same with lines of its own, and room for more of them. */
void session_record(struct session *s);
bool control_has_recorders(const struct control *c);
void control_record(struct control *c, const char *line);

/* What a program subscribes to. */
enum control_news { NEWS_EVENT, NEWS_COMMIT, NEWS_RUN, NEWS_MESSAGE, NEWS_N };
/* Does anybody want it? name: what the filters of `subscribe` hold against: an event's kind, a message's
 * topic. */
bool control_wanted(const struct control *c, enum control_news what, const char *name);
/* params: one JSON value on one line. A slow reader loses notifications, and is told how many. */
void control_notify(struct control *c, enum control_news what, const char *name, const struct buf *params);

/* How an error begins that says so. */
#define CONTROL_OTHER_NETNS "rnmd runs in another network namespace"

/* ---- client side (rnm): control/client.c ---- */

struct client;
int client_open(const char *path, struct client **out,
	struct err *e); /* names the socket and says whether a daemon runs */
void client_close(struct client *cl);
/* Once fd is readable all that waits for the daemon ends with -EINTR. The caller's; -1: none. */
void client_until(struct client *cl, int fd);
/* Sends one command (a newline is added; newlines inside are refused: see client_escape()). line() gets each
 * payload line, unescaped; false ends it with -ECANCELED. 0 OK, -EREMOTEIO: ERR, e has the message; else
 * -errno. timeout_ms 0: none. */
int client_call(struct client *cl, const char *cmd, unsigned timeout_ms,
	bool (*line)(void *ctx, const char *text), void *ctx, struct err *e);
/* One line as it is; line() gets what comes back until it returns false. */
int client_lines(struct client *cl, const char *text, bool (*line)(void *ctx, const char *text), void *ctx,
	struct err *e);
/* `emit`'s and `list`'s arguments as words: split at blanks; "…" holds a word together, in it \\ and \" stand
 * for themselves and \n for a newline. Returns how many, or -EINVAL. words: NULL-terminated, free with
 * control_words_free(). */
int control_words(const char *args, char ***words, struct err *e);
void control_words_free(char **words);
void client_quote(
	const char *word, struct buf *out); /* the same way back; a blank in front unless out is empty */
/* The next word of *args, which moves behind it. 0: there is none; 1; -EINVAL: a " is left open. */
int control_word(const char **args, struct buf *word, struct err *e);
/* CODE of several lines on one: newline → \n, backslash → \\ ; the server's `eval` takes it back. */
void client_escape(const char *code, struct buf *out);
void control_unescape(const char *code, struct buf *out);
