// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm nft`: files in nft's language, without a daemon. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "nft/load.h"
#include "rnm/nft_cmd.h"

#define INCLUDE_DIR "/etc" /* where nft looks for what is included */

typedef VEC(const char *) strings;

struct nft_args {
	const char *file;
	bool check;
	strings define, dirs;
};

/* ---- the text ---- */

static int read_file(const char *path, struct buf *out, struct err *e)
{
	_autoclose_ int fd = -1;
	struct stat st;

	if (!strcmp(path, "-"))
		return fd_read(STDIN_FILENO, "-", FILE_BYTES_MAX, out, e);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, -errno, "'%s': %s", path, strerror(errno));
	if (S_ISREG(st.st_mode) && st.st_size < FILE_BYTES_MAX) { /* in one piece */
		out->cap = (size_t)st.st_size + 1;
		out->s = xmalloc(out->cap);
	}
	return fd_read(fd, path, FILE_BYTES_MAX, out, e);
}

static struct nft_file *parse(struct nft_args *a, struct include_dirs *dirs, struct errlist *errs)
{
	struct nft_file_opts o = {
		.ctx = dirs,
		.include = include_from_dirs,
		.define = a->define.v,
		.n_define = a->define.n,
	};
	_buf_ struct buf text = BUF_INIT;
	_err_ struct err e = ERR_INIT;

	if (read_file(a->file, &text, &e) < 0) {
		err_prefix(&e, strcmp(a->file, "-") ? "rnm: " : "rnm: standard input: ");
		errlist_add(errs, 0, 0, &e);
		return NULL;
	}
	return nft_file_parse(a->file, buf_str(&text), text.n, &o, errs);
}

/* ---- commands ---- */

static int run_load(struct nft_args *a, struct nft_file *f, struct errlist *errs)
{
	struct load_opts o = { .check = a->check, .out = stdout, .resolve = true };
	_err_ struct err e = ERR_INIT;
	struct nft_conn *c = nft_conn_new("rnm", &e);
	const struct file_cmd *own;
	int r;

	if (!c) {
		r = e.code;
		err_prefix(&e, "rnm: ");
		errlist_add(errs, 0, 0, &e);
		return r;
	}
	own = a->check ? NULL : nft_changes_own(c, f);
	if (own)
		fprintf(stderr,
			"rnm: table %s %s is rnm's own: rnmd puts right what a file does to it, at once or "
			"at its "
			"next start; single commands (rnm nft add …) go through rnmd\n",
			nft_family_name(own->family), own->table);
	r = nft_load(c, f, &o, NULL, errs);
	nft_conn_free(c);
	return r;
}

static int run_compile(struct nft_args *a, struct nft_file *f, struct errlist *errs)
{
	struct nft_conn *c = nft_conn_new("rnm", NULL); /* NULL: nobody to ask, the file has to say it all */
	struct load_opts o = { .resolve = true };
	_buf_ struct buf out = BUF_INIT;
	int r;

	(void)a;
	r = nft_compile_file(c, f, &o, &out, errs);
	if (r == 0)
		put_text(stdout, buf_str(&out), out.n);
	nft_conn_free(c);
	return r;
}

int nft_errors(struct errlist *errs, int rc)
{
	_buf_ struct buf text = BUF_INIT;

	errlist_text(errs, &text);
	if (rc < 0 && !text.n)
		failed("%s", strerror(-rc));
	if (text.n)
		buf_putc(&text, '\n');
	put_text(stderr, buf_str(&text), text.n);
	errlist_free(errs);
	return rc < 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run(struct nft_args *a, int (*fn)(struct nft_args *, struct nft_file *, struct errlist *))
{
	struct include_dirs dirs = { 0 };
	struct errlist errs = { 0 };
	struct nft_file *f;
	int r = -EINVAL;

	if (!a->dirs.n)
		vec_push(&a->dirs, INCLUDE_DIR);
	vec_push(&a->dirs, NULL);
	dirs.dirs = a->dirs.v;
	f = parse(a, &dirs, &errs);
	if (f)
		r = fn(a, f, &errs);
	if (f)
		nft_file_free(f);
	return nft_errors(&errs, r);
}

static int read_args(struct tool *t, int argc, char **argv, const char *options, struct nft_args *a)
{
	static const struct option names[] = {
		{ "check", no_argument, NULL, 'c' },
		{ "define", required_argument, NULL, 'D' },
		{ "includepath", required_argument, NULL, 'I' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, options, names, NULL)) != -1) {
		if (opt == 'c' && strchr(options, 'c'))
			a->check = true;
		else if (opt == 'D')
			vec_push(&a->define, optarg);
		else if (opt == 'I')
			vec_push(&a->dirs, optarg);
		else
			return usage_error(t, "wrong option");
	}
	if (optind + 1 != argc)
		return usage_error(
			t, optind < argc ? "one file at a time" : "the file is missing; - is standard input");
	a->file = argv[optind];
	for (uint32_t i = 0; i < a->define.n; i++)
		if (!strchr(a->define.v[i], '=') || *a->define.v[i] == '=')
			return usage_error(t, "-D %s: NAME=VALUE is expected", a->define.v[i]);
	return EXIT_DONE;
}

/* Commands of nft's language that may stand on the command line as they stand in a file. */
static const char *const commands[] = { "add", "create", "insert", "replace", "delete", "destroy", "flush",
	"rename", "reset", "list", "get", "clone", "disable", "enable" };

static const char *word_at(void *ctx, size_t i)
{
	static const char *const words[] = { "load", "compile" };

	(void)ctx;
	if (i < ARRAY_SIZE(words))
		return words[i];
	i -= ARRAY_SIZE(words);
	return i < ARRAY_SIZE(commands) ? commands[i] : NULL;
}

/* The words as the shell gave them, one command. */
static int run_command(struct tool *t, int argc, char **argv)
{
	_buf_ struct buf text = BUF_INIT;

	for (int i = 0; i < argc; i++)
		buf_printf(&text, "%s%s", i ? " " : "", argv[i]);
	buf_putc(&text, '\n');
	return nft_command(t, buf_str(&text), text.n);
}

/* The command's first word; all of it may be one argument. */
static bool begins_with(const char *arg, const char *word)
{
	size_t n = strlen(word);

	return !strncmp(arg, word, n) && (!arg[n] || arg[n] == ' ' || arg[n] == '\t' || arg[n] == '\n');
}

int tool_nft(struct tool *t, int argc, char **argv)
{
	struct nft_args a = { 0 };
	bool load = argc > 1 && !strcmp(argv[1], "load");
	const char *near;
	int r;

	if (argc < 2)
		return usage_error(t, "a command is missing: load, compile, add, list, …");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (begins_with(argv[1], commands[i]))
			return run_command(t, argc - 1, argv + 1);
	if (!load && strcmp(argv[1], "compile") != 0) {
		near = strlen(argv[1]) <= 64 ? suggest(argv[1], word_at, NULL) : NULL;
		return usage_error(t, "'nft %s' is not there%s%s%s", argv[1],
			near ? "; did you mean '"
			     : ": load, compile, or a command of nft's language like add or list",
			near ? near : "", near ? "'?" : "");
	}
	r = read_args(t, argc - 1, argv + 1, load ? "cD:I:" : "D:I:", &a);
	if (r == EXIT_DONE)
		r = run(&a, load ? run_load : run_compile);
	vec_free(&a.define);
	vec_free(&a.dirs);
	return r;
}
