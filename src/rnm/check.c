// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm check`: what rnmd's start would do, against the live network, with nothing sent. The kernel itself
 * validates the batch where that is permitted (a batch without its end changes nothing). */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/log.h"
#include "engine/engine.h"
#include "net/watch.h"
#include "nft/batch.h"
#include "nft/readback.h"
#include "rnm/paths.h"
#include "rnm/rnm.h"

#define INSTANCE "rnm" /* as rnmd marks its tables */

struct check {
	struct engine *engine;
	struct watch *watch;
	struct nft_conn *conn; /* NULL: not permitted to ask the kernel */
	bool asked; /* the kernel has answered for the first plan; later ones build on what it does not hold
		     */
	unsigned errors; /* lines of the log: only whether there were any */
	unsigned warnings;
	const char *socket; /* the daemon's, whose state folder it is */
	uint64_t handles;
};

/* ---- what the engine needs ---- */

static void pretend_handles(struct check *c, const struct plan *p, struct commit_result *r)
{
	free(r->handle);
	r->handle = xcalloc(p->ops.n + 1, sizeof(*r->handle));
	for (uint32_t i = 0; i < p->ops.n; i++)
		if (p->ops.v[i].kind == OP_ADD_RULE || p->ops.v[i].kind == OP_REPLACE_RULE)
			r->handle[i] = ++c->handles;
	r->handles_known = true;
}

/* Tables that the running rnmd owns take no batch from here: they are not validated. */
static bool only_owned(const struct plan *p, struct commit_result *r)
{
	bool others = false;

	for (uint32_t i = 0; i < p->ops.n; i++) {
		if (r->op_err[i] == -EPERM)
			r->op_err[i] = 0;
		others |= r->op_err[i] != 0;
	}
	return !others;
}

static int op_commit(void *ctx, const struct plan *p, bool dry, struct commit_result *r, struct err *e)
{
	struct check *c = ctx;
	int rc = 0;

	(void)dry; /* it always is */
	if (c->conn && !c->asked)
		rc = nft_commit(c->conn, p, true, r, e);
	else
		memset(r, 0, sizeof(*r));
	if (rc == -EBADMSG && only_owned(p, r))
		err_free(e);
	else if (rc < 0)
		return rc;
	if (!r->op_err)
		r->op_err = xcalloc(p->ops.n + 1, sizeof(*r->op_err));
	pretend_handles(c, p, r);
	return 0;
}

static int op_rule_handles(
	void *ctx, const struct obj *chain, uint64_t **handles, uint64_t **ids, struct err *e)
{
	(void)ctx, (void)handles, (void)ids;
	return err_set(e, -EOPNOTSUPP, "rules of %s have no handles in a check", obj_name(chain));
}

static int op_set_read(
	void *ctx, struct obj *set, void (*fn)(void *c, const struct setelem *el), void *c2, struct err *e)
{
	struct check *c = ctx;
	const struct set_info *info = obj_set_info(set);

	if (!c->conn || !info)
		return err_set(e, -EOPNOTSUPP, "the kernel's sets can not be read in this check");
	return nft_set_read(c->conn, obj_family(set), obj_table(set), info, fn, c2, e);
}

static void op_attach_look(void *ctx, struct obj *set)
{
	struct check *c = ctx;
	_err_ struct err e = ERR_INIT;

	if (!c->conn)
		return;
	if (ruleset_attach_look(c->conn, set, &e) < 0)
		log_warn("nft", "%s", err_text(&e));
}

static int op_object_read(
	void *ctx, struct obj *o, void (*fn)(void *c, const struct object_want *o), void *c2, struct err *e)
{
	struct check *c = ctx;

	if (!c->conn)
		return err_set(e, -EOPNOTSUPP, "the kernel's objects can not be read in this check");
	return ruleset_object_read(c->conn, o, fn, c2, e);
}

static void op_need_kinds(void *ctx, unsigned kinds)
{
	struct check *c = ctx;
	_err_ struct err e = ERR_INIT;

	if (watch_kinds(c->watch, kinds, &e) < 0)
		log_error("net", "%s", err_text(&e));
}

static void op_wake_at(void *ctx, uint64_t at)
{
	(void)ctx, (void)at;
}

static int op_watch_file(void *ctx, const char *path, uint64_t token)
{
	(void)ctx, (void)path, (void)token;
	return 0;
}

static void op_report(void *ctx, const struct txn_report *r)
{
	(void)ctx;
	if (r->error)
		log_error("check", "%s", r->error);
}

static void net_nothing(void *ctx)
{
	(void)ctx;
}

static void net_resync(void *ctx, const char *reason)
{
	(void)ctx, (void)reason;
}

static void count_line(void *ctx, enum log_level level, const char *area, const char *text)
{
	struct check *c = ctx;

	(void)area, (void)text;
	c->errors += level == LOG_ERROR;
	c->warnings += level == LOG_WARN;
}

static void kernel_table(void *ctx, const struct table_seen *t)
{
	struct check *c = ctx;

	ruleset_kernel_table(engine_ruleset(c->engine), t);
}

static bool op_persists(void *ctx)
{
	struct check *c = ctx;

	return !c->conn || nft_persists(c->conn);
}

/* ---- the check ---- */

static void no_kernel(struct check *c, const struct err *e)
{
	printf("note: the kernel was not asked: %s\n", err_text(e));
	nft_conn_free(c->conn);
	c->conn = NULL;
}

static int op_read_tables(void *ctx, struct err *e)
{
	struct check *c = ctx;
	_err_ struct err why = ERR_INIT;

	(void)e;
	if (c->conn && nft_tables(c->conn, kernel_table, c, &why) < 0)
		no_kernel(c, &why);
	return 0;
}

static void find_kernel(struct check *c)
{
	_err_ struct err e = ERR_INIT;

	c->conn = nft_conn_new(INSTANCE, &e);
	if (c->conn)
		nft_conn_looks(c->conn);
	else
		no_kernel(c, &e);
}

/* What rnmd would leave out: no part of what is checked. */
static void take_switches(struct check *c, const struct config *cfg)
{
	_autofree_ char *dir = state_dir(c->socket, cfg);
	_err_ struct err e = ERR_INIT;

	if (engine_switches(c->engine, dir, &e) < 0)
		printf("note: what `rnm packs` disabled is not known: %s\n", err_text(&e));
}

static int run(struct check *c, struct config *cfg, const char *shipped, struct err *e)
{
	const struct engine_ops ops = {
		.ctx = c,
		.commit = op_commit,
		.rule_handles = op_rule_handles,
		.set_read = op_set_read,
		.attach_look = op_attach_look,
		.object_read = op_object_read,
		.read_tables = op_read_tables,
		.persists = op_persists,
		.need_kinds = op_need_kinds,
		.wake_at = op_wake_at,
		.watch_file = op_watch_file,
		.report = op_report,
	};
	const struct watch_ops wops = {
		.begin = net_nothing, .end = net_nothing, .resync = net_resync, .ctx = c
	};
	const struct watch_opt wopt = { .max_events = cfg->max_events, .max_delay_ms = cfg->max_delay_ms };

	c->engine = engine_new(&ops, NULL); /* no state folder: a check writes nothing */
	take_switches(c, cfg);
	c->watch = watch_new(engine_mirror(c->engine), &wops, &wopt, e);
	if (!c->watch)
		return e->code ? e->code : -ENOMEM;
	find_kernel(c);
	return engine_start(c->engine, cfg, shipped, e);
}

static bool next_line(const char **p, const char **line, size_t *n)
{
	if (!**p)
		return false;
	*line = *p;
	*n = strcspn(*p, "\n");
	*p += *n + ((*p)[*n] == '\n');
	return true;
}

static void print_difference(const char *a, const char *b)
{
	const char *x = "", *y = "";
	size_t nx = 0, ny = 0;
	bool more;

	do {
		bool more_a = next_line(&a, &x, &nx), more_b = next_line(&b, &y, &ny);

		nx = more_a ? nx : 0;
		ny = more_b ? ny : 0;
		more = more_a || more_b;
	} while (more && nx == ny && !memcmp(x, y, nx));
	printf("warning: loaded a second time, the policies state something else (the clock? a random "
	       "number?):\n"
	       "  first:  %.*s\n  second: %.*s\n",
		(int)nx, x, (int)ny, y);
}

/* The same configuration again must give the same ruleset. */
static void run_again(struct check *c, const char *path, const char *shipped)
{
	_buf_ struct buf first = BUF_INIT, second = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct config *cfg = NULL;
	int rc;

	c->asked = true;
	if (ruleset_text(engine_ruleset(c->engine), NULL, &first, NULL) < 0)
		return;
	rc = config_load(path, &cfg, &e);
	if (rc == 0) {
		rc = engine_reload(c->engine, cfg, shipped, &e);
		if (rc < 0)
			config_free(cfg);
	}
	if (rc == 0)
		rc = ruleset_text(engine_ruleset(c->engine), NULL, &second, &e);
	if (rc < 0) {
		printf("warning: loading it a second time failed: %s\n", err_text(&e));
		c->warnings++;
	} else if (strcmp(buf_str(&first), buf_str(&second))) {
		print_difference(buf_str(&first), buf_str(&second));
		c->warnings++;
	}
}

static void print_pack(void *ctx, const struct pack_status *p)
{
	const char *why = p->last_error ? p->last_error : "failed";
	unsigned *bad = ctx;

	if (p->state == PACK_RUNNING)
		return;
	(*bad)++;
	printf("pack %s: %s: ", p->name, p->state == PACK_FAILED ? "left out" : "degraded");
	put_text(stdout, why, strcspn(why, "\n")); /* the log had the rest */
	putchar('\n');
}

static void print_pending(void *ctx, const struct pending *p)
{
	unsigned *bad = ctx;

	/* a table waits only because somebody else has its name */
	*bad += p->unstated || p->refused || obj_kind(p->obj) == OBJ_TABLE;
	printf("%s: %s %s %s: %s (%s, %s:%u)\n", p->refused ? "refused" : "pending",
		nft_family_name(obj_family(p->obj)), obj_table(p->obj), obj_name(p->obj), p->why, p->pack,
		p->site.file, p->site.line);
}

/* What a start would have come to. Returns how much of it is wrong. */
static unsigned conclude(struct check *c, bool failed_early)
{
	struct ruleset_stats s = ruleset_stats(engine_ruleset(c->engine));
	unsigned bad = failed_early;

	script_status(engine_script(c->engine), print_pack, &bad);
	ruleset_pending(engine_ruleset(c->engine), print_pending, &bad);
	if (!bad && c->errors)
		bad = 1;
	printf("%s: %u tables, %u chains, %u rules, %u sets, %u elements; %u pending, %u problems, %u "
	       "warnings; %s, nothing sent\n",
		bad ? "failed" : "fine", s.tables, s.chains, s.rules, s.sets, s.elements, s.pending, bad,
		c->warnings, c->conn ? "validated by the kernel" : "the kernel was not asked");
	return bad;
}

static void print_switched(struct check *c)
{
	_buf_ struct buf lines = BUF_INIT;

	engine_switched(c->engine, "note: ", &lines);
	put_text(stdout, buf_str(&lines), lines.n);
}

static int check(const char *path, const char *socket)
{
	_autofree_ char *shipped = shipped_dir();
	_err_ struct err e = ERR_INIT;
	struct check c = { .socket = socket };
	struct config *cfg = NULL;
	int rc = config_load(path, &cfg, &e);
	unsigned bad = 1;

	log_tap(count_line, &c);
	for (uint32_t i = 0; rc == 0 && i < cfg->notes.n; i++)
		printf("note: %s\n", cfg->notes.v[i]);
	fflush(stdout);
	if (rc == 0)
		rc = run(&c, cfg, shipped, &e);
	if (rc < 0) {
		put_text(stderr, err_text(&e), strlen(err_text(&e)));
		fputc('\n', stderr);
	}
	if (c.engine && engine_config(c.engine)) {
		if (rc == 0 && !c.errors)
			run_again(&c, path, shipped);
		print_switched(&c);
		bad = conclude(&c, rc < 0);
	} else {
		config_free(cfg);
	}
	if (c.watch)
		watch_free(c.watch);
	engine_free(c.engine);
	if (c.conn)
		nft_conn_free(c.conn);
	log_tap(NULL, NULL);
	return bad ? EXIT_FAILED : EXIT_DONE;
}

int tool_check(struct tool *t, int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 } };
	const char *path = DEFAULT_CONFIG;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		if (opt != 'c')
			return usage_error(t, "wrong option");
		path = optarg;
	}
	if (optind < argc)
		return usage_error(t, "unexpected argument '%s'; the file goes behind -c", argv[optind]);
	return check(path, t->socket);
}
