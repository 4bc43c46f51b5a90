// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/xalloc.h"
#include "control/control.h"
#include "rnm/rnm.h"

#define CODE_MAX (60u << 10) /* a request is one line of at most 64 KiB */

static bool pack_name(const char *s)
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

static int run(struct tool *t, const char *prefix, struct buf *code)
{
	_buf_ struct buf line = BUF_INIT, out = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct client *cl;
	int rc;

	drop_cr(code);
	buf_printf(&line, "%s ", prefix);
	client_escape(buf_str(code), &line);
	rc = client_open(t->socket, &cl, &e);
	if (rc < 0)
		return failed("%s", err_text(&e));
	rc = ask(cl, buf_str(&line), 0, &out, &e);
	client_close(cl);
	if (rc == 0) {
		put_text(stdout, buf_str(&out), out.n);
		return EXIT_DONE;
	}
	failed("%s", err_text(&e));
	put_text(stderr, buf_str(&out), out.n);
	return EXIT_FAILED;
}

int tool_eval(struct tool *t, int argc, char **argv)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "pack", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 },
	};
	_buf_ struct buf prefix = BUF_INIT, code = BUF_INIT;
	bool json = false;
	int opt, rc;

	buf_puts(&prefix, "eval");
	while ((opt = getopt_long(argc, argv, "+njp:", options, NULL)) != -1) {
		switch (opt) {
		case 'n': buf_puts(&prefix, " --dry-run"); break;
		case 'j':
			json = true;
			buf_puts(&prefix, " --json");
			break;
		case 'p':
			if (!pack_name(optarg))
				return usage_error(t, "'%s' is not a pack's name", optarg);
			buf_printf(&prefix, " --pack %s", optarg);
			break;
		default: return usage_error(t, "options come before the CODE; '--' ends them");
		}
	}
	if (json && optind == argc && isatty(STDIN_FILENO))
		return usage_error(t, "--json needs CODE");
	if (optind == argc && isatty(STDIN_FILENO))
		return repl(t, buf_str(&prefix));
	if (optind == argc || (optind == argc - 1 && !strcmp(argv[optind], "-"))) {
		rc = read_code(stdin, &code);
		return rc ? rc : run(t, buf_str(&prefix), &code);
	}
	for (int i = optind; i < argc; i++) {
		if (i > optind)
			buf_putc(&code, ' ');
		buf_puts(&code, argv[i]);
	}
	return run(t, buf_str(&prefix), &code);
}
