// SPDX-License-Identifier: GPL-2.0-or-later
/* The prompt of `rnm eval`: reads chunks of Lua, sends each as one transaction, prints what it gives. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "control/control.h"
#include "rnm/edit.h"
#include "rnm/rnm.h"
#include "script/chunk.h"
#include "script/help.h"

struct prompt {
	struct tool *t;
	struct eval_mode mode;
	struct client *cl;
	struct edit *ed;
	bool colours;
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

/* ---- what is printed ---- */

bool wants_colours(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

/* Commands of nft with their signs, one a line. */
static const char *line_colour(const char *line)
{
	if (line[0] && line[1] != ' ')
		return NULL;
	switch (line[0]) {
	case '+': return "\033[32m";
	case '-': return "\033[31m";
	case '~': return "\033[33m";
	case '!': return "\033[1;31m";
	case '#': return "\033[2m";
	default: return NULL;
	}
}

void put_plan(const char *text, bool colours)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		const char *colour = colours ? line_colour(text) : NULL;

		if (colour)
			fputs(colour, stdout);
		put_text(stdout, text, n);
		fputs(colour ? "\033[m\n" : "\n", stdout);
		text += n + (text[n] != 0);
	}
}

/* SGR sequences go through, they are the daemon's; everything else is shown. */
void put_values(const char *s, size_t n, bool colours)
{
	size_t begin = 0;

	for (size_t i = 0; colours && i + 2 < n; i++) {
		size_t len = s[i] == '\033' && s[i + 1] == '[' ? 2 + strspn(s + i + 2, "0123456789;") : 0;

		if (!len || i + len >= n || s[i + len] != 'm')
			continue;
		put_text(stdout, s + begin, i - begin);
		fwrite(s + i, 1, len + 1, stdout);
		i += len;
		begin = i + 1;
	}
	put_text(stdout, s + begin, n - begin);
}

static void put_error(const struct prompt *p, const char *text)
{
	fputs(p->colours ? "\033[31m" : "", stdout);
	put_text(stdout, text, strlen(text));
	fputs(p->colours ? "\033[m\n" : "\n", stdout);
}

enum shown { SHOWN_TEXT, SHOWN_PLAN, SHOWN_VALUES };

static bool send_line(struct prompt *p, const char *line, enum shown how)
{
	_buf_ struct buf out = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	int rc = call(p, line, &out, &e);

	if (rc < 0)
		put_error(p, err_text(&e));
	if (rc < 0 || how == SHOWN_TEXT)
		put_text(stdout, buf_str(&out), out.n);
	else if (how == SHOWN_PLAN)
		put_plan(buf_str(&out), p->colours);
	else
		put_values(buf_str(&out), out.n, p->colours);
	fflush(stdout);
	return rc == 0;
}

void eval_line(const struct eval_mode *m, bool colours, const char *code, struct buf *line)
{
	buf_printf(line, "eval%s%s%s%s%s%s ", m->json ? " --json" : "", m->dry ? " --dry-run" : "",
		m->read_only ? " --read-only" : "", colours ? " --colour" : "", *m->pack ? " --pack " : "",
		m->pack);
	if (line->n > strlen("eval "))
		buf_puts(line, "-- "); /* the code may begin as an option does */
	client_escape(code, line);
}

static void send_chunk(struct prompt *p, const char *code)
{
	_buf_ struct buf line = BUF_INIT;

	eval_line(&p->mode, p->colours, code, &line);
	send_line(p, buf_str(&line), p->mode.dry ? SHOWN_PLAN : SHOWN_VALUES);
}

/* ---- commands of the prompt ---- */

/* False: leave. */
typedef bool command_fn(struct prompt *p, const char *arg);

static bool do_help(struct prompt *p, const char *arg);

static bool do_quit(struct prompt *p, const char *arg)
{
	(void)p, (void)arg;
	return false;
}

static bool do_plan(struct prompt *p, const char *arg)
{
	(void)arg;
	return send_line(p, "plan", SHOWN_PLAN), true;
}

static bool do_delta(struct prompt *p, const char *arg)
{
	(void)arg;
	return send_line(p, "delta", SHOWN_PLAN), true;
}

static void send_command(struct prompt *p, const char *command, const char *arg)
{
	_autofree_ char *line = xasprintf("%s%s%s", command, *arg ? " " : "", arg);

	send_line(p, line, SHOWN_TEXT);
}

static bool do_undo(struct prompt *p, const char *arg)
{
	if (p->mode.read_only)
		return puts("this prompt is read-only"), true;
	return send_command(p, "undo", arg), true;
}

static bool do_why(struct prompt *p, const char *arg)
{
	return send_command(p, "why", arg), true;
}

static bool do_list(struct prompt *p, const char *arg)
{
	return send_command(p, "list", arg), true;
}

static bool do_packs(struct prompt *p, const char *arg)
{
	if (p->mode.read_only && *arg)
		return puts("this prompt is read-only"), true;
	return send_command(p, "packs", arg), true;
}

static bool do_status(struct prompt *p, const char *arg)
{
	(void)arg;
	return send_line(p, "status", SHOWN_TEXT), true;
}

static bool do_pack(struct prompt *p, const char *arg)
{
	if (*arg && !is_pack_name(arg))
		printf("'%s' is not a pack's name\n", arg);
	else
		snprintf(p->mode.pack, sizeof(p->mode.pack), "%s", strcmp(arg, "console") ? arg : "");
	return true;
}

static bool do_dry(struct prompt *p, const char *arg)
{
	if (strcmp(arg, "on") != 0 && strcmp(arg, "off") != 0 && *arg)
		puts(":dry on, or :dry off");
	else
		p->mode.dry = *arg ? !strcmp(arg, "on") : !p->mode.dry;
	return true;
}

static const struct {
	const char *name, *args, *help;
	command_fn *run;
} commands[] = {
	{ ":help", "[TOPIC]", "this, or what help(\"TOPIC\") says", do_help },
	{ ":plan", "", "what would be sent to the kernel now", do_plan },
	{ ":delta", "", "what evals state and edited beyond the files, and who did", do_delta },
	{ ":undo", "[N|#ID|all]", "take back one's last evals, one of them, or everybody's", do_undo },
	{ ":dry", "[on|off]", "show what each chunk would change, and change nothing", do_dry },
	{ ":pack", "[NAME]", "run in this pack's state from now on; without NAME in the console's", do_pack },
	{ ":packs", "[COMMAND]", "the packs; as rnm packs", do_packs },
	{ ":list", "[FAMILY TABLE [NAME]]", "what the packs state", do_list },
	{ ":why", "WHAT", "whose an address, set, rule or table is", do_why },
	{ ":status", "", "what runs, what waits, what failed", do_status },
	{ ":quit", "", "leave, as Ctrl-D does", do_quit },
};

static const char *command_name(void *ctx, size_t i)
{
	(void)ctx;
	return i < ARRAY_SIZE(commands) ? commands[i].name : NULL;
}

static bool do_help(struct prompt *p, const char *arg)
{
	_buf_ struct buf page = BUF_INIT;
	_err_ struct err e = ERR_INIT;

	if (*arg) {
		if (help_topic(arg, &page, &e) < 0)
			put_error(p, err_text(&e));
		put_text(stdout, buf_str(&page), page.n);
		return true;
	}
	puts("Each chunk of Lua runs in the daemon as one transaction, which an error undoes; values are\n"
	     "printed. Globals stay and are shared by all prompts; local variables end with their chunk.\n"
	     "What a chunk states stays until the next reload, or :undo.\n"
	     "Enter sends what is complete, else begins a line; an empty line sends it all the same. TAB\n"
	     "completes, Ctrl-R searches what was typed before, Ctrl-C drops what is typed.\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		_autofree_ char *call = xasprintf("%s %s", commands[i].name, commands[i].args);

		printf("  %-30s %s\n", call, commands[i].help);
	}
	return true;
}

/* False: leave. */
static bool run_command(struct prompt *p, const char *line)
{
	size_t n = strcspn(line, " ");
	_autofree_ char *name = xstrndup(line, n), *arg = xstrdup(line + n + strspn(line + n, " "));
	const char *near;

	for (size_t end = strlen(arg); end && arg[end - 1] == ' ';)
		arg[--end] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(name, commands[i].name) != 0 &&
			!(!strcmp(name, ":q") && !strcmp(commands[i].name, ":quit")))
			continue;
		if (*arg && !*commands[i].args)
			printf("%s takes no arguments\n", commands[i].name);
		else
			return commands[i].run(p, arg);
		return true;
	}
	near = n <= 64 ? suggest(name, command_name, NULL) : NULL;
	printf("there is no %s; %s%s%s\n", name, near ? "did you mean " : ":help lists what there is",
		near ? near : "", near ? "?" : "");
	return true;
}

/* ---- the editor asks ---- */

static bool whole(void *ctx, const char *text)
{
	(void)ctx;
	return *text == ':' || !text[strspn(text, " \n")] || chunk_is_whole(text, strlen(text));
}

static void add_words(const char *answer, struct edit_words *out)
{
	unsigned long from = 0, more = 0;

	if (sscanf(answer, "%lu %lu", &from, &more) != 2)
		return;
	out->from = from;
	out->more = (unsigned)more;
	for (answer += strcspn(answer, "\n"); *answer == '\n' && answer[1]; answer += strcspn(answer, "\n")) {
		answer++;
		vec_push(&out->words, xstrndup(answer, strcspn(answer, "\n")));
	}
}

static void complete(void *ctx, const char *text, struct edit_words *out)
{
	struct prompt *p = ctx;
	_buf_ struct buf line = BUF_INIT, answer = BUF_INIT;
	_err_ struct err e = ERR_INIT;

	if (*text == ':' && !strchr(text, ' ')) {
		out->from = 0;
		for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
			if (!strncmp(commands[i].name, text, strlen(text)))
				vec_push(&out->words, xstrdup(commands[i].name));
		return;
	}
	buf_printf(&line, "complete%s%s ", *p->mode.pack ? " --pack " : "", p->mode.pack);
	client_escape(text, &line);
	if (call(p, buf_str(&line), &answer, &e) == 0)
		add_words(buf_str(&answer), out);
}

/* ---- reading ---- */

static void prompts(const struct prompt *p, struct buf *first, struct buf *more)
{
	const char *mode = p->mode.read_only ? "read-only" : p->mode.dry ? "dry" : "";

	buf_puts(first, "rnm");
	if (*p->mode.pack || *mode)
		buf_printf(first, "(%s%s%s)", p->mode.pack, *p->mode.pack && *mode ? ", " : "", mode);
	buf_puts(first, "> ");
	for (size_t i = 0; i + 2 < first->n; i++)
		buf_putc(more, '.');
	buf_puts(more, "> ");
}

/* One chunk, or a command. False: the end. */
static bool read_chunk(struct prompt *p)
{
	_buf_ struct buf first = BUF_INIT, more = BUF_INIT;
	_autofree_ char *text = NULL;
	bool go = true;

	prompts(p, &first, &more);
	switch (edit_text(p->ed, buf_str(&first), buf_str(&more), &text)) {
	case EDIT_END: return false;
	case EDIT_CANCELLED: return true;
	case EDIT_LINE: break;
	}
	for (size_t n = strlen(text); n && (text[n - 1] == '\n' || text[n - 1] == ' ');)
		text[--n] = 0;
	if (!*text)
		return true;
	edit_remember(p->ed, text);
	if (*text == ':')
		go = run_command(p, text);
	else
		send_chunk(p, text);
	fflush(stdout);
	return go;
}

int repl(struct tool *t, const struct eval_mode *mode)
{
	struct prompt p = { .t = t, .mode = *mode, .colours = wants_colours() };
	struct edit_ops ops = { &p, whole, complete };
	_autofree_ char *history = history_file();
	_err_ struct err e = ERR_INIT;

	if (client_open(t->socket, &p.cl, &e) < 0)
		return failed("%s", err_text(&e));
	p.ed = edit_new(history, &ops);
	puts("Lua in the daemon; :help says more, Ctrl-D leaves.");
	fflush(stdout);
	while (read_chunk(&p))
		;
	edit_free(p.ed);
	client_close(p.cl);
	return EXIT_DONE;
}
