// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands that one line to the daemon answers. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/jread.h"
#include "base/xalloc.h"
#include "control/control.h"
#include "rnm/rnm.h"

#define PING_MS 10000

static bool add_line(void *ctx, const char *text)
{
	buf_puts(ctx, text);
	buf_putc(ctx, '\n');
	return true;
}

int ask(struct client *cl, const char *line, unsigned timeout_ms, struct buf *out, struct err *e)
{
	return client_call(cl, line, timeout_ms, add_line, out, e);
}

/* The answer goes to stdout; a refusal with its further lines to stderr, the message first. */
static int say(struct tool *t, const char *line, unsigned timeout_ms)
{
	_buf_ struct buf out = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct client *cl;
	int rc = client_open(t->socket, &cl, &e);

	if (rc == 0) {
		rc = ask(cl, line, timeout_ms, &out, &e);
		client_close(cl);
	}
	if (rc == 0) {
		put_text(stdout, buf_str(&out), out.n);
		return EXIT_DONE;
	}
	failed("%s", err_text(&e));
	put_text(stderr, buf_str(&out), out.n);
	return EXIT_FAILED;
}

static int bare(struct tool *t, int argc, char **argv, unsigned timeout_ms)
{
	if (argc > 1)
		return usage_error(t, "'%s' takes no arguments", argv[0]);
	return say(t, argv[0], timeout_ms);
}

static int say_words(struct tool *t, int argc, char **argv)
{
	_buf_ struct buf line = BUF_INIT;

	for (int i = 0; i < argc; i++)
		client_quote(argv[i], &line);
	return say(t, buf_str(&line), 0);
}

int tool_ping(struct tool *t, int argc, char **argv)
{
	return bare(t, argc, argv, PING_MS);
}

static int bare_or_json(struct tool *t, int argc, char **argv)
{
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--json") != 0))
		return usage_error(t, "'%s' takes no arguments but --json", argv[0]);
	return say_words(t, argc, argv);
}

int tool_status(struct tool *t, int argc, char **argv)
{
	return bare_or_json(t, argc, argv);
}

int tool_metrics(struct tool *t, int argc, char **argv)
{
	return bare_or_json(t, argc, argv);
}

int tool_reload(struct tool *t, int argc, char **argv)
{
	return bare_or_json(t, argc, argv);
}

int tool_plan(struct tool *t, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--json") != 0 && strcmp(argv[i], "--read") != 0)
			return usage_error(t, "'plan' takes no arguments but --json and --read");
	return say_words(t, argc, argv);
}

int tool_confirm(struct tool *t, int argc, char **argv)
{
	return bare_or_json(t, argc, argv);
}

int tool_list(struct tool *t, int argc, char **argv)
{
	return say_words(t, argc, argv);
}

int tool_why(struct tool *t, int argc, char **argv)
{
	if (argc < 2 || (argc == 2 && !strcmp(argv[1], "--json")))
		return usage_error(t, "what? An ADDRESS, FAMILY TABLE [NAME], a NAME, or text of a rule");
	return say_words(t, argc, argv);
}

int tool_packs(struct tool *t, int argc, char **argv)
{
	return say_words(t, argc, argv);
}

int tool_adopt(struct tool *t, int argc, char **argv)
{
	int dry = argc > 1 && !strcmp(argv[1], "--dry-run");

	if (argc - dry != 3 || argv[1 + dry][0] == '-')
		return usage_error(t, "adopt needs FAMILY TABLE, and may have --dry-run in front");
	return say_words(t, argc, argv);
}

/* The daemon may run elsewhere: a file is named by its absolute path. */
int tool_apply(struct tool *t, int argc, char **argv)
{
	_autofree_ char *path = NULL;
	_buf_ struct buf line = BUF_INIT;
	const char *seconds = NULL;

	buf_puts(&line, argv[0]);
	for (int i = 1; i < argc; i++) {
		if (i == 1 && !strcmp(argv[i], "--json")) {
			client_quote(argv[i], &line);
		} else if (!strcmp(argv[i], "--confirm")) {
			if (seconds || ++i == argc)
				return usage_error(
					t, seconds ? "--confirm stands twice" : "--confirm needs SECONDS");
			seconds = argv[i];
		} else if (path || argv[i][0] == '-') {
			return usage_error(t, "unexpected '%s'", argv[i]);
		} else {
			path = realpath(argv[i], NULL);
			if (!path)
				return failed("%s: %s", argv[i], strerror(errno));
		}
	}
	if (seconds) {
		client_quote("--confirm", &line);
		client_quote(seconds, &line);
	}
	if (path)
		client_quote(path, &line);
	return say(t, buf_str(&line), 0);
}

static bool key_value(const char *s)
{
	const char *eq = strchr(s, '=');

	if (!eq || eq == s || isdigit((unsigned char)*s))
		return false;
	for (; s < eq; s++)
		if (!isalnum((unsigned char)*s) && *s != '_' && *s != '-')
			return false;
	return true;
}

int tool_emit(struct tool *t, int argc, char **argv)
{
	int json = argc > 1 && !strcmp(argv[1], "--json");
	const char *topic = argc > 1 + json ? argv[1 + json] : NULL;

	if (!topic)
		return usage_error(t, "a TOPIC is missing");
	if (!*topic || strchr(topic, '='))
		return usage_error(t, "'%s' is not a topic; it comes before the KEY=VALUE pairs", topic);
	for (int i = 2 + json; i < argc; i++)
		if (!key_value(argv[i]))
			return usage_error(t, "'%s' is not KEY=VALUE", argv[i]);
	return say_words(t, argc, argv);
}

/* ---- monitor ---- */

void until_stopped(struct client *cl)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	client_until(cl, signalfd(-1, &set, SFD_CLOEXEC));
}

static bool print_line(void *ctx, const char *text)
{
	(void)ctx;
	put_text(stdout, text, strlen(text));
	fputc('\n', stdout);
	return fflush(stdout) == 0;
}

/* Notifications as they come; an answer is that of subscribe. */
static bool print_news(void *ctx, const char *text)
{
	struct err *e = ctx;
	struct jdoc doc;
	const char *message = NULL, *method = NULL;
	bool news = false, more = true;

	if (!strncmp(text, "ERR ", 4)) { /* whoever may not connect is told before it spoke */
		err_set(e, -EACCES, "%s", text + 4);
		return false;
	}
	if (jread(text, strlen(text), UINT32_MAX, &doc, e) == 0) {
		method = jval_text(jval_get(doc.root, "method"));
		news = method != NULL;
		more = !news || strcmp(method, "end") != 0;
		message = jval_text(jval_get(jval_get(doc.root, "error"), "message"));
	}
	if (message)
		err_set(e, -EREMOTEIO, "%s", message);
	if (news && !print_line(NULL, text))
		more = false;
	jdoc_free(&doc);
	return more && !e->code;
}

int tool_monitor(struct tool *t, int argc, char **argv)
{
	static const char all[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscribe\",\"params\":"
				  "{\"events\":true,\"commits\":true,\"runs\":true,\"topics\":true}}";
	bool json = argc == 2 && !strcmp(argv[1], "--json");
	_err_ struct err e = ERR_INIT;
	struct client *cl;
	int rc;

	if (argc > 1 && !json)
		return usage_error(t, "'%s' takes no arguments but --json", argv[0]);
	rc = client_open(t->socket, &cl, &e);
	if (rc < 0)
		return failed("%s", err_text(&e));
	until_stopped(cl);
	if (json)
		rc = client_lines(cl, all, print_news, &e, &e);
	else
		rc = client_call(cl, argv[0], 0, print_line, NULL, &e);
	client_close(cl);
	if (rc == 0 && e.code)
		rc = e.code;
	if (rc == 0 || rc == -EINTR || rc == -ECANCELED)
		return EXIT_DONE;
	return failed("%s", err_text(&e));
}
