// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/xalloc.h"
#include "control/control.h"
#include "rnm/rnm.h"

#define CODE_MAX (60u << 10) /* a request is one line of at most 64 KiB */

bool is_pack_name(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && *s != '_' && *s != '-')
			return false;
	return true;
}

static int read_code(FILE *from, struct buf *code)
{
	char part[4096];
	size_t n;

	while ((n = fread(part, 1, sizeof(part), from)) > 0) {
		buf_put(code, part, n);
		if (code->n > CODE_MAX)
			return failed(
				"the code is longer than %u bytes: make it a policy of its own", CODE_MAX);
	}
	if (ferror(from))
		return failed("reading the code: %m");
	if (memchr(buf_str(code), 0, code->n))
		return failed("the code has a NUL byte: only text is taken");
	return EXIT_DONE;
}

/* A file written elsewhere may have CR LF; the line sent can hold no CR. */
static void drop_cr(struct buf *code)
{
	size_t n = 0;

	for (size_t i = 0; i < code->n; i++)
		if (code->s[i] != '\r' || code->s[i + 1] != '\n')
			code->s[n++] = code->s[i];
	if (code->n)
		code->s[n] = 0;
	code->n = n;
}

static int run(struct tool *t, const struct eval_mode *mode, struct buf *code)
{
	_buf_ struct buf line = BUF_INIT, out = BUF_INIT;
	bool colours = wants_colours() && !mode->json;
	_err_ struct err e = ERR_INIT;
	struct client *cl;
	int rc;

	drop_cr(code);
	eval_line(mode, colours, buf_str(code), &line);
	rc = client_open(t->socket, &cl, &e);
	if (rc < 0)
		return failed("%s", err_text(&e));
	rc = ask(cl, buf_str(&line), 0, &out, &e);
	client_close(cl);
	if (rc == 0 && mode->dry && colours)
		put_plan(buf_str(&out), colours);
	else if (rc == 0)
		put_values(buf_str(&out), out.n, colours);
	if (rc == 0)
		return EXIT_DONE;
	failed("%s", err_text(&e));
	put_text(stderr, buf_str(&out), out.n);
	return EXIT_FAILED;
}

int tool_eval(struct tool *t, int argc, char **argv)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "read-only", no_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "pack", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	struct eval_mode mode = { 0 };
	_buf_ struct buf code = BUF_INIT;
	int opt, rc;

	while ((opt = getopt_long(argc, argv, "+nrjp:", options, NULL)) != -1) {
		switch (opt) {
		case 'n': mode.dry = true; break;
		case 'r': mode.read_only = true; break;
		case 'j': mode.json = true; break;
		case 'p':
			if (!is_pack_name(optarg) || strlen(optarg) >= sizeof(mode.pack))
				return usage_error(t, "'%s' is not a pack's name", optarg);
			strcpy(mode.pack, optarg);
			break;
		default: return usage_error(t, "options come before the CODE; '--' ends them");
		}
	}
	if (mode.json && optind == argc && isatty(STDIN_FILENO))
		return usage_error(t, "--json needs CODE");
	if (optind == argc && isatty(STDIN_FILENO))
		return repl(t, &mode);
	if (optind == argc || (optind == argc - 1 && !strcmp(argv[optind], "-"))) {
		rc = read_code(stdin, &code);
		return rc ? rc : run(t, &mode, &code);
	}
	for (int i = optind; i < argc; i++) {
		if (i > optind)
			buf_putc(&code, ' ');
		buf_puts(&code, argv[i]);
	}
	return run(t, &mode, &code);
}

static int ask_console(struct tool *t, const char *line)
{
	_buf_ struct buf out = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct client *cl;
	int rc = client_open(t->socket, &cl, &e);

	if (rc < 0)
		return failed("%s", err_text(&e));
	rc = ask(cl, line, 0, &out, &e);
	client_close(cl);
	if (rc < 0)
		return failed("%s", err_text(&e));
	put_plan(buf_str(&out), wants_colours());
	return EXIT_DONE;
}

int tool_delta(struct tool *t, int argc, char **argv)
{
	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--json") != 0))
		return usage_error(t, "'delta' takes no arguments but --json");
	return ask_console(t, argc == 2 ? "delta --json" : "delta");
}

int tool_undo(struct tool *t, int argc, char **argv)
{
	_buf_ struct buf line = BUF_INIT;

	if (argc > 2 + (argc > 1 && !strcmp(argv[1], "--json")))
		return usage_error(t, "one of: how many of your own, #ID, all");
	for (int i = 0; i < argc; i++)
		client_quote(argv[i], &line);
	return ask_console(t, buf_str(&line));
}
