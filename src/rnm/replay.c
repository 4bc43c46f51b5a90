// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm record` and `rnm replay`: the command line. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/log.h"
#include "control/control.h"
#include "rnm/paths.h"
#include "rnm/replay.h"
#include "rnm/rnm.h"

/* ---- record ---- */

struct writer {
	FILE *to;
	unsigned long lines;
};

static bool write_line(void *ctx, const char *text)
{
	struct writer *w = ctx;

	fputs(text, w->to);
	fputc('\n', w->to);
	w->lines++;
	return fflush(w->to) == 0;
}

int tool_record(struct tool *t, int argc, char **argv)
{
	_err_ struct err e = ERR_INIT;
	struct writer w = { 0 };
	struct client *cl;
	int fd, rc;

	if (argc != 2)
		return usage_error(t, argc < 2 ? "a FILE is missing" : "one FILE, not %d", argc - 1);
	rc = client_open(t->socket, &cl, &e);
	if (rc < 0)
		return failed("%s", err_text(&e));
	fd = !strcmp(argv[1], "-") ? STDOUT_FILENO
				   : open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	w.to = fd < 0 ? NULL : fd == STDOUT_FILENO ? stdout : fdopen(fd, "w");
	if (!w.to) {
		client_close(cl);
		return failed("%s: %s", argv[1], strerror(errno));
	}
	until_stopped(cl);
	if (w.to != stdout)
		fprintf(stderr, "recording to %s; Ctrl-C ends it\n", argv[1]);
	rc = client_call(cl, "record", 0, write_line, &w, &e);
	client_close(cl);
	if (ferror(w.to) || (w.to != stdout && fclose(w.to) != 0))
		return failed("%s: %s", argv[1], strerror(errno));
	if (rc < 0 && rc != -EINTR && rc != -ECANCELED)
		return failed("%s", err_text(&e));
	if (w.to != stdout)
		fprintf(stderr, "%lu lines\n", w.lines);
	return EXIT_DONE;
}

/* ---- replay ---- */

struct source {
	const char *config, *policies;
	const struct recording *rec;
	const char *shipped;
};

struct here {
	const found_packs *found;
	const char *shipped;
};

static bool is_here(void *ctx, const struct cfg_pack *p)
{
	const struct here *h = ctx;
	_autofree_ char *file = xasprintf("%s/%s.lua", h->shipped, p->name),
			*init = xasprintf("%s/%s/init.lua", h->shipped, p->name);

	vec_foreach (f, h->found)
		if (!strcmp(f->name, p->name))
			return true;
	return access(file, R_OK) == 0 || access(init, R_OK) == 0;
}

/* The recorded configuration, for other policies: what it says of packs that are not here is nothing, and it
 * comes from where the recording does, so it can not make one trusted. */
static int adapt(struct config *cfg, const struct source *s, struct err *e)
{
	uint32_t n = cfg->packs.n;
	found_packs found = { 0 };
	struct here h = { &found, s->shipped };
	int rc;

	cfg->packs.n = 0;
	rc = config_packs(cfg, NULL, &found, e);
	cfg->packs.n = n;
	config_keep_packs(cfg, is_here, &h);
	vec_foreach (p, &cfg->packs)
		p->trusted = false;
	found_packs_free(&found);
	return rc;
}

static struct config *source_config(void *ctx, struct err *e)
{
	const struct source *s = ctx;
	struct config *cfg = NULL;
	int rc = s->config ? config_load(s->config, &cfg, e)
			   : config_parse(s->rec->path, s->rec->config, strlen(s->rec->config), &cfg, e);

	if (rc == 0 && s->policies) {
		vec_foreach (d, &cfg->dirs)
			free(*d);
		vec_clear(&cfg->dirs);
		vec_push(&cfg->dirs, xstrdup(s->policies));
		cfg->dirs_given = true;
	}
	if (rc == 0 && !s->config)
		rc = adapt(cfg, s, e);
	if (rc == 0)
		return cfg;
	config_free(cfg);
	return NULL;
}

static int read_file(const char *path, struct buf *out, struct err *e)
{
	_autoclose_ int fd =
		!strcmp(path, "-") ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char part[65536];
	ssize_t n;

	if (fd < 0)
		return err_set(e, -errno, "%s", strerror(errno));
	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, -errno, "%s", strerror(errno));
		if (out->n + (size_t)n > RECORDING_MAX)
			return err_set(e, -EFBIG, "larger than %u MiB", RECORDING_MAX >> 20);
		buf_put(out, part, (size_t)n);
	}
	return 0;
}

static int replay(const char *file, const char *config, const char *policies, bool all)
{
	_buf_ struct buf text = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct replay r = { .all = all, .shipped = shipped_dir() };
	struct source s = { config, policies, &r.rec, r.shipped };
	int rc = read_file(file, &text, &e);

	if (rc == 0)
		rc = recording_read(buf_str(&text), text.n, &r.rec, &e);
	buf_free(&text);
	if (rc < 0) {
		err_prefix(&e, "%s: ", file);
	} else {
		r.config = source_config;
		r.config_ctx = &s;
		r.cfg = source_config(&s, &e);
		rc = r.cfg ? replay_run(&r, &e) : e.code;
	}
	if (rc == 0)
		printf("%u transactions: %u equal, %u different, %u only recorded, %u only replayed%s\n",
			r.equal + r.different + r.only_recorded + r.only_replayed, r.equal, r.different,
			r.only_recorded, r.only_replayed,
			r.left_out ? "; repairs of foreign changes are not replayed" : "");
	else
		failed("%s", err_text(&e));
	rc = rc < 0 || r.different || r.only_recorded || r.only_replayed || r.problems;
	replay_free(&r);
	return rc ? EXIT_FAILED : EXIT_DONE;
}

int tool_replay(struct tool *t, int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ "policies", required_argument, NULL, 'p' }, { "all", no_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 } };
	const char *config = NULL;
	_autofree_ char *dir = NULL;
	bool all = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		switch (opt) {
		case 'c': config = optarg; break;
		case 'a': all = true; break;
		case 'p':
			free(dir);
			dir = realpath(optarg, NULL);
			if (!dir)
				return failed("%s: %s", optarg, strerror(errno));
			break;
		default: return usage_error(t, "wrong option");
		}
	}
	if (argc - optind != 1)
		return usage_error(
			t, argc == optind ? "a FILE is missing" : "one FILE, not %d", argc - optind);
	if (!dir && !config)
		return usage_error(t, "which policies? --policies DIR, or -c CONFIG");
	hash_seed_fixed(); /* before anything is hashed: the order of what has none follows from it */
	log_level_set(LOG_ERROR);
	return replay(argv[optind], config, dir, all);
}
