// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm check`: what rnmd's start would do, against the live network, with nothing sent. The kernel itself
 * validates the batch where that is permitted (a batch without its end changes nothing). */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/log.h"
#include "engine/engine.h"
#include "engine/pretend.h"
#include "net/watch.h"
#include "nft/batch.h"
#include "nft/readback.h"
#include "rnm/check.h"
#include "rnm/paths.h"
#include "rnm/rnm.h"

#define INSTANCE "rnm" /* as rnmd marks its tables */

/* ---- what the engine needs ---- */

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
	if (rc == -EBADMSG && only_owned(p, r)) {
		err_free(e);
		if (!c->owned)
			check_note(c, "tables that the running rnmd owns were not validated by the kernel");
		c->owned = true;
	} else if (rc < 0) {
		return rc;
	}
	if (!c->asked)
		check_plan(c, p);
	pretend_commit(p, &c->handles, r);
	return 0;
}

static int op_rule_handles(
	void *ctx, const struct obj *chain, uint64_t **handles, uint64_t **ids, struct err *e)
{
	struct check *c = ctx;

	if (!c->conn || c->asked)
		return err_set(e, -EOPNOTSUPP, "rules of %s have no handles in a check", obj_name(chain));
	return nft_rule_handles(
		c->conn, obj_family(chain), obj_table(chain), obj_name(chain), handles, ids, e);
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

	c->errors += level == LOG_ERROR;
	c->warnings += level == LOG_WARN;
	check_log(c, level, area, text);
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
	check_note(c, "the kernel was not asked: %s", err_text(e));
	check_note(c, "what it holds of rnm's tables could not be compared: there is no plan");
	nft_conn_free(c->conn);
	c->conn = NULL;
	c->compared = false;
}

static int op_read_tables(void *ctx, struct err *e)
{
	struct check *c = ctx;
	_err_ struct err why = ERR_INIT;

	(void)e;
	if (c->conn && nft_tables(c->conn, kernel_table, c, &why) < 0)
		no_kernel(c, &why);
	if (c->conn && !c->asked && ruleset_find_attached(engine_ruleset(c->engine), c->conn, &why) < 0)
		check_note(c, "own elements in sets of others are not compared: %s", err_text(&why));
	return 0;
}

/* Once: the second run goes on from what the first one would have made. */
static int op_read_back(void *ctx, struct read_back *found, struct err *e)
{
	struct check *c = ctx;
	_err_ struct err why = ERR_INIT;

	(void)e;
	memset(found, 0, sizeof(*found));
	if (!c->conn || c->asked || !c->compared ||
		ruleset_read_back(engine_ruleset(c->engine), c->conn, found, &why) == 0)
		return 0;
	c->compared = false;
	check_note(c, "what the kernel holds is not compared: %s", err_text(&why));
	return 0;
}

static void find_kernel(struct check *c)
{
	_err_ struct err e = ERR_INIT;

	c->conn = nft_conn_new(INSTANCE, &e);
	c->compared = c->conn != NULL;
	if (c->conn)
		nft_conn_looks(c->conn);
	else
		no_kernel(c, &e);
}

/* What rnmd would leave out, and what its policies keep. */
static void take_state(struct check *c, const struct config *cfg)
{
	_autofree_ char *dir = state_dir(c->socket, cfg);
	_err_ struct err e = ERR_INIT;

	engine_read_only(c->engine, dir);
	if (access(dir, R_OK | X_OK) < 0 && errno != ENOENT)
		check_note(c, "what policies keep in rnm.state is not known: %s: %s", dir, strerror(errno));
	if (engine_switches(c->engine, dir, &e) < 0)
		check_note(c, "what `rnm packs` disabled is not known: %s", err_text(&e));
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
		.read_back = op_read_back,
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

	c->engine = engine_new(&ops, NULL);
	take_state(c, cfg);
	c->watch = watch_new(engine_mirror(c->engine), &wops, &wopt, e);
	if (!c->watch)
		return e->code ? e->code : -ENOMEM;
	find_kernel(c);
	return engine_start(c->engine, cfg, shipped, e);
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
	if (rc < 0)
		check_warn(c, "loading it a second time failed: %s", err_text(&e));
	else if (strcmp(buf_str(&first), buf_str(&second)))
		check_differs(c, buf_str(&first), buf_str(&second));
}

static int check(struct check *c, const char *path)
{
	_autofree_ char *shipped = shipped_dir();
	_err_ struct err e = ERR_INIT;
	struct config *cfg = NULL;
	int rc = config_load(path, &cfg, &e);
	unsigned bad;

	log_tap(count_line, c);
	for (uint32_t i = 0; rc == 0 && i < cfg->notes.n; i++)
		check_note(c, "%s", cfg->notes.v[i]);
	if (rc == 0)
		rc = run(c, cfg, shipped, &e);
	if (rc < 0)
		check_error(c, err_text(&e));
	if (c->engine && engine_config(c->engine)) {
		if (rc == 0 && !c->errors)
			run_again(c, path, shipped);
	} else {
		config_free(cfg);
	}
	bad = check_conclude(c, path, rc < 0);
	if (c->watch)
		watch_free(c->watch);
	engine_free(c->engine);
	if (c->conn)
		nft_conn_free(c->conn);
	log_tap(NULL, NULL);
	return bad ? EXIT_FAILED : EXIT_DONE;
}

int tool_check(struct tool *t, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = DEFAULT_CONFIG;
	struct check c = { .socket = t->socket };
	int opt;

	while ((opt = getopt_long(argc, argv, "c:j", options, NULL)) != -1) {
		switch (opt) {
		case 'c': path = optarg; break;
		case 'j': c.json = true; break;
		default: return usage_error(t, "wrong option");
		}
	}
	if (optind < argc)
		return usage_error(t, "unexpected argument '%s'; the file goes behind -c", argv[optind]);
	return check(&c, path);
}
