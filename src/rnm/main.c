// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "rnm/rnm.h"
#include "script/help.h"

#ifndef RNM_VERSION
#define RNM_VERSION "unknown"
#endif

static tool_fn tool_help, tool_version;

static const struct command {
	const char *name, *args, *help;
	tool_fn *run;
} commands[] = {
	{ "ping", "", "ask whether the daemon is up and its first commit done", tool_ping },
	{ "status", "[--json]", "packs, errors, what is pending", tool_status },
	{ "reload", "[--json]", "load configuration and packs anew, all or nothing", tool_reload },
	{ "apply", "[--json] [CONFIG] [--confirm SECONDS]",
		"as reload; undone unless `rnm confirm` comes in time", tool_apply },
	{ "confirm", "[--json]", "keep what `rnm apply --confirm` put in force", tool_confirm },
	{ "eval", "[--json] [--dry-run] [--read-only] [--pack NAME] [CODE|-]",
		"run Lua in the daemon as one transaction; without CODE: a prompt", tool_eval },
	{ "delta", "[--json]", "what evals state and edited beyond the files, and who did", tool_delta },
	{ "undo", "[--json] [N|#ID|all]", "take back one's own last evals, one of them, or everybody's",
		tool_undo },
	{ "metrics", "[--json]", "counters and times, as Prometheus reads them", tool_metrics },
	{ "monitor", "[--json]", "events and commits as they happen", tool_monitor },
	{ "plan", "[--json] [--read]",
		"what would be sent to the kernel now; --read: all own tables are read back from it first",
		tool_plan },
	{ "list", "[--json|--names] [FAMILY TABLE [NAME]]",
		"what the packs state; --names: without what is in it", tool_list },
	{ "why", "[--json] ADDRESS|SET|RULE|TABLE", "whose it is: pack, file and line, event and time",
		tool_why },
	{ "emit", "[--json] TOPIC [KEY=VALUE…]", "send a message to the policies", tool_emit },
	{ "packs", "[--json] [show NAME | enable|disable NAME | quarantine|release NAME [HOOK]]",
		"the packs and their states; run one or leave it out, at once and from now on", tool_packs },
	{ "adopt", "[--dry-run] FAMILY TABLE", "make a table rnm's that somebody else made; tells what goes",
		tool_adopt },
	{ "record", "FILE", "store the state, and what happens from now on until Ctrl-C, for `rnm replay`",
		tool_record },
	{ "replay", "[--all] FILE [--policies DIR] [-c CONFIG]",
		"what other policies would have done with what was recorded, as a difference of plans",
		tool_replay },
	{ "check", "[-c CONFIG] [--json]",
		"try configuration and packs against the present network and the kernel; send nothing",
		tool_check },
	{ "nft", "load [-c] | compile [-D NAME=VALUE]… [-I DIR]… FILE|-, or a command",
		"a file in nft's language: into the kernel as one change (-c: only checked), or the "
		"expressions "
		"it compiles to",
		tool_nft },
	{ "test", "[-f PATTERN] [-o FORMAT] [-u] [DIR|FILE] [-- …]",
		"run the specs of policies against a simulated network; -u keeps snapshots anew", tool_test },
	{ "help", "[COMMAND|TOPIC]", "this list, or what the API's TOPIC is", tool_help },
	{ "version", "", "the version", tool_version },
	{ NULL, NULL, NULL, NULL },
};

static const struct command *find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static const char *name_at(void *ctx, size_t i)
{
	const struct command *c = ctx;

	return c[i].name;
}

static void print_usage(FILE *to)
{
	fputs("usage: rnm [-s SOCKET] COMMAND …\n\n", to);
	for (const struct command *c = commands; c->name; c++) {
		_autofree_ char *call = xasprintf("%s%s%s", c->name, *c->args ? " " : "", c->args);

		if (strlen(call) > 24)
			fprintf(to, "  %s\n  %-24s  %s\n", call, "", c->help);
		else /* the … of a synopsis is three bytes and one column */
			fprintf(to, "  %-*s  %s\n", strstr(call, "…") ? 26 : 24, call, c->help);
	}
	fputs("\nSOCKET is " DEFAULT_SOCKET
	      " unless given. Exit status: 0 done, 1 refused or failed, 2 wrong usage.\n",
		to);
}

static int tool_help(struct tool *t, int argc, char **argv)
{
	const struct command *c = argc > 1 ? find(argv[1]) : NULL;
	_buf_ struct buf page = BUF_INIT;
	_err_ struct err e = ERR_INIT;

	if (argc > 2)
		return usage_error(t, "one topic at a time");
	if (argc < 2) {
		print_usage(stdout);
		return EXIT_DONE;
	}
	if (c) {
		printf("rnm %s%s%s\n  %s\n", c->name, *c->args ? " " : "", c->args, c->help);
		return EXIT_DONE;
	}
	if (help_topic(argv[1], &page, &e) < 0)
		return failed("%s", err_text(&e));
	put_text(stdout, buf_str(&page), page.n);
	return EXIT_DONE;
}

static int tool_version(struct tool *t, int argc, char **argv)
{
	(void)t, (void)argc, (void)argv;
	puts("rnm " RNM_VERSION);
	return EXIT_DONE;
}

int usage_error(const struct tool *t, const char *fmt, ...)
{
	const struct command *c = t->command ? find(t->command) : NULL;
	va_list ap;

	fputs("rnm: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (c)
		fprintf(stderr, "usage: rnm %s%s%s\n", c->name, *c->args ? " " : "", c->args);
	return EXIT_USAGE;
}

int failed(const char *fmt, ...)
{
	_autofree_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	fputs("rnm: ", stderr);
	put_text(stderr, text ? text : fmt, strlen(text ? text : fmt));
	fputc('\n', stderr);
	return EXIT_FAILED;
}

void put_text(FILE *to, const char *text, size_t n)
{
	bool tty = isatty(fileno(to));

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		/* C0 and DEL, and C1 in its UTF-8 form */
		if (tty && ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f))
			fprintf(to, "\\x%02x", c);
		else if (tty && c == 0xc2 && i + 1 < n && (unsigned char)text[i + 1] >= 0x80 &&
			 (unsigned char)text[i + 1] < 0xa0)
			fprintf(to, "\\x%02x", (unsigned char)text[++i]);
		else
			fputc(c, to);
	}
}

static int unknown(struct tool *t, const char *name)
{
	const char *near = strlen(name) <= 64 ? suggest(name, name_at, (void *)commands) : NULL;

	t->command = NULL;
	if (near)
		return usage_error(t, "there is no command '%s'; did you mean '%s'?", name, near);
	return usage_error(t, "there is no command '%s'; 'rnm help' lists them", name);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct tool t = { .socket = DEFAULT_SOCKET };
	const struct command *c;
	int opt, rc;

	setlocale(LC_CTYPE, "");
	log_init(LOG_WARN);
	while ((opt = getopt_long(argc, argv, "+s:hV", options, NULL)) != -1) {
		switch (opt) {
		case 's': t.socket = optarg; break;
		case 'h': return tool_help(&t, 0, NULL);
		case 'V': return tool_version(&t, 0, NULL);
		default: return EXIT_USAGE;
		}
	}
	argc -= optind;
	argv += optind;
	if (!argc) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	c = find(argv[0]);
	if (!c)
		return unknown(&t, argv[0]);
	t.command = c->name;
	optind = 0; /* glibc: start anew, for the command's own options */
	rc = c->run(&t, argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout))
		return rc ? rc : failed("writing the output: %m");
	return rc;
}
