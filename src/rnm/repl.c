// SPDX-License-Identifier: GPL-2.0-or-later
/* The prompt of `rnm eval`: reads chunks of Lua, sends each as one transaction, prints what it gives. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "control/control.h"
#include "rnm/edit.h"
#include "rnm/rnm.h"

struct prompt {
	struct tool *t;
	const char *prefix;
	struct client *cl;
	struct edit *ed;
};

static char *history_file(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	_autofree_ char *dir = NULL;

	if (state && *state == '/')
		dir = xasprintf("%s/rnm", state);
	else if (home && *home == '/')
		dir = xasprintf("%s/.local/state/rnm", home);
	else
		return NULL;
	for (char *p = strchr(dir + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		mkdir(dir, 0700);
		*p = '/';
	}
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return NULL;
	return xasprintf("%s/history", dir);
}

/* The daemon may have been restarted while the prompt waited. */
static int call(struct prompt *p, const char *line, struct buf *out, struct err *e)
{
	int rc = 0;

	for (int tries = 0; tries < 2; tries++) {
		err_free(e);
		buf_clear(out);
		if (!p->cl) {
			rc = client_open(p->t->socket, &p->cl, e);
			if (rc < 0)
				return rc;
		}
		rc = ask(p->cl, line, 0, out, e);
		if (rc == 0 || rc == -EREMOTEIO || rc == -EINVAL || rc == -E2BIG)
			return rc;
		client_close(p->cl);
		p->cl = NULL;
		if (rc != -ECONNRESET || out->n)
			return rc;
	}
	return rc;
}

static void print(int rc, const struct buf *out, const struct err *e)
{
	if (rc < 0) {
		put_text(stdout, err_text(e), strlen(err_text(e)));
		fputc('\n', stdout);
	}
	if (out->n)
		put_text(stdout, out->s, out->n);
	fflush(stdout);
}

static void send_line(struct prompt *p, const char *line)
{
	_buf_ struct buf out = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	int rc = call(p, line, &out, &e);

	print(rc, &out, &e);
}

/* False: the chunk is not complete yet. */
static bool send_chunk(struct prompt *p, const char *code)
{
	_buf_ struct buf line = BUF_INIT, out = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	int rc;

	buf_printf(&line, "%s ", p->prefix);
	client_escape(code, &line);
	rc = call(p, buf_str(&line), &out, &e);
	if (rc == -EREMOTEIO && (strstr(err_text(&e), "near <eof>") || strstr(buf_str(&out), "near <eof>")))
		return false;
	print(rc, &out, &e);
	return true;
}

static const char *const colon[] = { ":help", ":plan", ":quit" };

/* False: leave. */
static bool colon_command(struct prompt *p, const char *line)
{
	const char *near;

	if (!strcmp(line, ":quit") || !strcmp(line, ":q"))
		return false;
	if (!strcmp(line, ":plan")) {
		send_line(p, "plan");
	} else if (!strcmp(line, ":help")) {
		puts("Each chunk of Lua runs in the daemon as one transaction, which an error undoes; values "
		     "are printed.\n"
		     "A chunk that is not complete asks for more lines; an empty line shows what is missing "
		     "instead.\n"
		     "  :plan  what would be sent to the kernel now\n"
		     "  :quit  leave, as Ctrl-D does\n"
		     "  :help  this");
	} else {
		near = strlen(line) <= 64 ? suggest_in(line, colon, ARRAY_SIZE(colon)) : NULL;
		printf("there is no %s; %s%s%s\n", line, near ? "did you mean " : ":help lists what there is",
			near ? near : "", near ? "?" : "");
	}
	return true;
}

/* One chunk: a line, and more while the daemon says that the text ends too early. False: end of input. */
static bool read_chunk(struct prompt *p)
{
	_buf_ struct buf code = BUF_INIT;

	for (;;) {
		_autofree_ char *line = NULL;

		switch (edit_line(p->ed, code.n ? "...> " : "rnm> ", &line)) {
		case EDIT_END: return false;
		case EDIT_CANCELLED: return true;
		case EDIT_LINE: break;
		}
		edit_remember(p->ed, line);
		if (!code.n && *line == ':')
			return colon_command(p, line);
		if (!code.n && !line[strspn(line, " ")])
			return true;
		if (code.n && !*line) { /* incomplete all the same: show the error */
			_buf_ struct buf request = BUF_INIT;

			buf_printf(&request, "%s ", p->prefix);
			client_escape(buf_str(&code), &request);
			send_line(p, buf_str(&request));
			return true;
		}
		buf_printf(&code, "%s%s", code.n ? "\n" : "", line);
		if (send_chunk(p, buf_str(&code)))
			return true;
	}
}

int repl(struct tool *t, const char *prefix)
{
	struct prompt p = { .t = t, .prefix = prefix };
	_autofree_ char *history = history_file();
	_err_ struct err e = ERR_INIT;

	if (client_open(t->socket, &p.cl, &e) < 0)
		return failed("%s", err_text(&e));
	p.ed = edit_new(history);
	puts("Lua in the daemon; :help says more, Ctrl-D leaves.");
	fflush(stdout);
	while (read_chunk(&p))
		;
	edit_free(p.ed);
	client_close(p.cl);
	return EXIT_DONE;
}
