// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/blackbox.h"
#include "base/clock.h"
#include "base/log.h"
#include "rnmd/daemon.h"

#define DEFAULT_SOCKET "/run/rnm/rnm.sock"
#define DEFAULT_STATE  "/var/lib/rnm"

/* ---- what the engine needs of the world ---- */

#define RESTARTS_MAX 3

/* The generation that a batch is made for. What foreign commits before it did was told by then: the kernel
 * sends notifications before it lets the next commit begin. */
static uint32_t generation(struct daemon *d)
{
	uint32_t seen = nft_watch_seen(d->nft_watch);

	if (!d->genid)
		d->genid = nft_genid(d->conn);
	if (seen && (int32_t)(seen - d->genid) > 0)
		d->genid = seen;
	return d->genid;
}

/* Somebody came in between, or the last own batch changed nothing in the kernel's eyes and made no
 * generation. What they did to own tables is noted by the poll: the engine plans again. */
static void restarted(struct daemon *d)
{
	uint32_t last = nft_watch_poll(d->nft_watch);

	d->genid = last ? last : nft_genid(d->conn);
	d->restarts++;
	log_debug("nft", "somebody else committed first: planned again for generation %u", d->genid);
}

static int op_commit(void *ctx, const struct plan *p, bool dry, struct commit_result *r, struct err *e)
{
	struct daemon *d = ctx;
	bool whatever = dry || d->restarts >= RESTARTS_MAX;
	int rc;

	nft_conn_expect(d->conn, whatever ? 0 : generation(d));
	rc = nft_commit(d->conn, p, dry, r, e);
	if (rc == -ERESTART) {
		restarted(d);
	} else if (!dry) {
		d->genid = rc == 0 && !whatever ? d->genid + 1 : rc == 0 ? 0 : d->genid;
		d->restarts = 0;
	}
	return rc;
}

static int op_rule_handles(
	void *ctx, const struct obj *chain, uint64_t **handles, uint64_t **ids, struct err *e)
{
	struct daemon *d = ctx;

	return nft_rule_handles(
		d->conn, obj_family(chain), obj_table(chain), obj_name(chain), handles, ids, e);
}

static int op_set_read(
	void *ctx, struct obj *set, void (*fn)(void *c, const struct setelem *el), void *c, struct err *e)
{
	struct daemon *d = ctx;
	const struct set_info *info = obj_set_info(set);

	if (!info)
		return err_set(e, -ENOENT, "set %s has no type yet", obj_name(set));
	return nft_set_read(d->conn, obj_family(set), obj_table(set), info, fn, c, e);
}

static void op_attach_look(void *ctx, struct obj *set)
{
	struct daemon *d = ctx;
	_err_ struct err e = ERR_INIT;

	if (ruleset_attach_look(d->conn, set, &e) < 0)
		log_warn("nft", "%s", err_text(&e));
}

static int op_object_read(
	void *ctx, struct obj *o, void (*fn)(void *c, const struct object_want *o), void *c, struct err *e)
{
	struct daemon *d = ctx;

	return ruleset_object_read(d->conn, o, fn, c, e);
}

static void kernel_table(void *ctx, const struct table_seen *t)
{
	struct daemon *d = ctx;

	ruleset_kernel_table(engine_ruleset(d->engine), t);
}

static bool op_persists(void *ctx)
{
	return nft_persists(((struct daemon *)ctx)->conn);
}

static int op_read_tables(void *ctx, struct err *e)
{
	struct daemon *d = ctx;

	int rc = nft_tables(d->conn, kernel_table, d, e);

	if (rc == 0 && !d->found_attached) {
		rc = ruleset_find_attached(engine_ruleset(d->engine), d->conn, e);
		d->found_attached = rc == 0;
	}
	return rc;
}

static int op_read_back(void *ctx, struct read_back *found, struct err *e)
{
	struct daemon *d = ctx;

	return ruleset_read_back(engine_ruleset(d->engine), d->conn, found, e);
}

static void op_nft_poll(void *ctx)
{
	nft_watch_poll(((struct daemon *)ctx)->nft_watch);
}

static bool nft_cares(void *ctx, uint8_t family, const char *table)
{
	return engine_nft_cares(((struct daemon *)ctx)->engine, family, table);
}

static void nft_changed(void *ctx, const struct nft_generation *g)
{
	engine_nft_changed(((struct daemon *)ctx)->engine, g);
}

static void op_need_kinds(void *ctx, unsigned kinds)
{
	struct daemon *d = ctx;
	_err_ struct err e = ERR_INIT;

	if (watch_kinds(d->watch, kinds, &e) < 0)
		log_error("net", "%s", err_text(&e));
	record_kinds(d, kinds & ~d->kinds);
	d->kinds = kinds;
}

static void op_wake_at(void *ctx, uint64_t at)
{
	struct daemon *d = ctx;
	uint64_t now;

	tidy_later(d);
	if (!at) {
		if (ev_is_active(&d->wake))
			ev_timer_stop(d->loop, &d->wake);
		return;
	}
	now = mono_ns();
	ev_timer_stop(d->loop, &d->wake);
	ev_now_update(d->loop);
	ev_timer_set(&d->wake, at > now ? (double)(at - now) / 1e9 : 0., 0.);
	ev_timer_start(d->loop, &d->wake);
}

static const struct engine_ops *engine_ops_of(struct daemon *d)
{
	static struct engine_ops ops;

	ops = (struct engine_ops){
		.ctx = d,
		.commit = op_commit,
		.rule_handles = op_rule_handles,
		.set_read = op_set_read,
		.attach_look = op_attach_look,
		.object_read = op_object_read,
		.read_tables = op_read_tables,
		.read_back = op_read_back,
		.persists = op_persists,
		.nft_poll = op_nft_poll,
		.need_kinds = op_need_kinds,
		.wake_at = op_wake_at,
		.watch_file = list_files_watch,
		.report = daemon_report,
		.ran = daemon_ran,
		.event = daemon_event,
		.message = news_message,
	};
	return &ops;
}

static void net_begin(void *ctx)
{
	record_step(ctx, REC_BEGIN, NULL, NULL, NULL);
	engine_net_begin(((struct daemon *)ctx)->engine);
}

static void net_end(void *ctx)
{
	record_step(ctx, REC_END, NULL, NULL, NULL);
	engine_net_end(((struct daemon *)ctx)->engine);
}

static void net_resync(void *ctx, const char *reason)
{
	record_step(ctx, REC_RESYNC, reason, NULL, NULL);
	engine_net_resync(((struct daemon *)ctx)->engine, reason);
}

static void on_wake(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct daemon *d = t->data;

	(void)loop;
	(void)revents;
	record_step(d, REC_WAKE, NULL, NULL, NULL);
	engine_wake(d->engine);
}

static void on_stop(struct ev_loop *loop, ev_signal *s, int revents)
{
	(void)revents;
	log_info(
		"rnmd", "%s: stopping; the rules stay in force", s->signum == SIGTERM ? "SIGTERM" : "SIGINT");
	ev_break(loop, EVBREAK_ALL);
}

static void on_hup(struct ev_loop *loop, ev_signal *s, int revents)
{
	struct daemon *d = s->data;
	_err_ struct err e = ERR_INIT;

	(void)loop;
	(void)revents;
	daemon_reload(d, NULL, &e); /* says itself what came of it */
}

/* ---- start, reload, stop ---- */

/* Once in each turn of the loop, before anybody is served. */
static void on_first(struct ev_loop *loop, ev_prepare *p, int revents)
{
	struct daemon *d = p->data;

	(void)revents;
	if (!engine_committed(d->engine))
		return;
	ev_prepare_stop(loop, p);
	d->ready = true;
	log_info("rnmd", "ready in %llu us", (unsigned long long)((mono_ns() - d->started) / 1000));
	notify_state("READY=1\n");
	watchdog_start(d);
	apply_good(d);
}

static struct watch_opt watch_opt_of(const struct config *cfg)
{
	const char *rcvbuf = getenv("RNM_RCVBUF"); /* tests force an overrun with it */

	return (struct watch_opt){
		.max_events = cfg->coalesce ? cfg->max_events : 1,
		.max_delay_ms = cfg->max_delay_ms,
		.rcvbuf = rcvbuf ? atoi(rcvbuf) : 0,
	};
}

static void log_notes(const struct config *cfg)
{
	vec_foreach (n, &cfg->notes)
		log_warn("config", "%s", *n);
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void at_restart(bool differs, const char *key, struct buf *out)
{
	if (differs)
		buf_printf(out, "%s takes effect at a restart\n", key);
}

/* What only a start takes over. */
static void needs_start(const struct daemon *d, const struct config *now, struct buf *out)
{
	at_restart(!d->socket_path && !same(d->begun.path, now->socket_path), "socket.path", out);
	at_restart(d->begun.mode != now->socket_mode, "socket.mode", out);
	at_restart(!same(d->begun.group, now->socket_group), "socket.group", out);
	at_restart(!d->socket_path && !same(d->begun.state, now->state_dir), "state", out);
}

/* later: what takes effect at a restart, a line each. */
static void taken(struct daemon *d, char *later, uint64_t took_us, const struct answer *to)
{
	const struct config *cfg = engine_config(d->engine);
	struct json *j = to->json;

	if (!j) {
		buf_puts(to->text, later);
		buf_puts(to->text, engine_dropped(d->engine));
		engine_pending(d->engine, to);
		return;
	}
	json_text(j, "configuration", cfg->path);
	json_unsigned(j, "us", took_us);
	json_open(j, "warnings", '[');
	vec_foreach (n, &cfg->notes)
		json_text(j, NULL, *n);
	json_close(j, ']');
	json_lines(j, "at_restart", later);
	json_lines(j, "dropped", engine_dropped(d->engine));
	engine_pending(d->engine, to);
}

int daemon_take(struct daemon *d, struct config *cfg, const struct answer *to, struct err *e)
{
	struct watch_opt opt = watch_opt_of(cfg);
	_buf_ struct buf later = BUF_INIT;
	uint64_t t0 = mono_ns(), took_us;
	int rc;

	if (d->ready)
		notify_state("RELOADING=1\n");
	needs_start(d, cfg, &later);
	record_step(d, REC_RELOAD, NULL, NULL, NULL);
	d->taking = to ? to->json : NULL;
	rc = engine_reload(d->engine, cfg, d->shipped_dir, e);
	d->taking = NULL;
	if (d->ready)
		notify_state("READY=1\n");
	if (rc < 0)
		return rc;
	watch_opt_set(d->watch, &opt);
	if (!d->verbose)
		log_level_set(engine_config(d->engine)->log_level);
	log_notes(engine_config(d->engine));
	for (char *line = later.s, *end; line && *line; line = end + 1) {
		end = strchr(line, '\n');
		log_warn("config", "%.*s", (int)(end - line), line);
	}
	took_us = (mono_ns() - t0) / 1000;
	if (to)
		taken(d, buf_str(&later), took_us, to);
	malloc_trim(0);
	log_info("rnmd", "reloaded %s in %llu us", engine_config(d->engine)->path,
		(unsigned long long)took_us);
	return 0;
}

int daemon_reload(struct daemon *d, const struct answer *to, struct err *e)
{
	struct config *cfg = NULL;
	int rc = apply_may_reload(d, e);

	if (rc == 0)
		rc = config_load(d->config_path, &cfg, e);
	if (rc == 0)
		rc = daemon_take(d, cfg, to, e);
	if (rc < 0) {
		config_free(cfg);
		log_error("rnmd", "reload refused, everything stays as it was:\n%s", err_text(e));
		return rc;
	}
	apply_reloaded(d);
	return 0;
}

static char *state_dir_of(const struct daemon *d, const struct config *cfg)
{
	char *dir = d->socket_path ? xasprintf("%s.state", d->socket_path)
				   : xstrdup(cfg && cfg->state_dir ? cfg->state_dir : DEFAULT_STATE);

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		log_warn("rnmd", "state folder %s: %s: what packs keep in rnm.state will not survive", dir,
			strerror(errno));
	return dir;
}

/* What the rnmd before died in; from now on the same is kept of this one. */
static void find_death(struct daemon *d, const char *socket)
{
	_autofree_ char *path = xasprintf("%s.running", socket);
	_err_ struct err e = ERR_INIT;
	struct blackbox_place at;
	int signal = 0, rc = blackbox_open(path, &at, &signal, &e);

	if (rc < 0)
		log_warn("rnmd", "%s: a pack's code that ends rnmd will not be known", err_text(&e));
	else
		engine_died(d->engine, rc > 0 ? &at : NULL, signal);
}

static int start(struct daemon *d, struct config *cfg, struct err *e)
{
	struct watch_opt opt = watch_opt_of(cfg);
	struct control_opt copt = {
		.path = d->socket_path     ? d->socket_path
			: cfg->socket_path ? cfg->socket_path
					   : DEFAULT_SOCKET,
		.mode = cfg->socket_mode ? cfg->socket_mode : 0660,
		.group = cfg->socket_group ? cfg->socket_group : "rnm",
		.cmds = daemon_commands,
		.ctx = d,
	};
	struct watch_ops wops = { .begin = net_begin, .end = net_end, .resync = net_resync, .ctx = d };
	int rc;

	d->begun.path = cfg->socket_path ? xstrdup(cfg->socket_path) : NULL;
	d->begun.group = cfg->socket_group ? xstrdup(cfg->socket_group) : NULL;
	d->begun.state = cfg->state_dir ? xstrdup(cfg->state_dir) : NULL;
	d->begun.mode = cfg->socket_mode;
	d->lock_fd = netns_lock(e);
	if (d->lock_fd < 0)
		return d->lock_fd;
	d->conn = nft_conn_new("rnm", e);
	if (!d->conn)
		return e->code ? e->code : -EPERM;
	d->nft_watch = nft_watch_new(nft_conn_portid(d->conn),
		&(struct nft_watch_ops){ .ctx = d, .cares = nft_cares, .foreign = nft_changed }, e);
	if (!d->nft_watch)
		return e->code ? e->code : -EPERM;
	rc = list_files_init(d, e);
	if (rc < 0)
		return rc;
	d->engine = engine_new(engine_ops_of(d), d->state_dir);
	d->watch = watch_new(engine_mirror(d->engine), &wops, &opt, e);
	if (!d->watch)
		return e->code ? e->code : -ENOMEM;
	/* Before the first commit, so that a socket that can not be had changes nothing; it answers when the
	 * loop runs. */
	rc = control_new(d->loop, &copt, &d->control, e);
	if (rc < 0)
		return rc;
	find_death(d, copt.path);
	rc = engine_start(d->engine, cfg, d->shipped_dir, e);
	if (rc < 0 && !engine_config(d->engine))
		return rc;
	if (rc < 0) { /* it runs, and tries the commit again */
		log_error("rnmd", "%s", err_text(e));
		err_free(e);
	}
	watch_start(d->watch, d->loop);
	nft_watch_start(d->nft_watch, d->loop);
	return 0;
}

static void stop(struct daemon *d)
{
	watchdog_stop(d);
	report_flush(d);
	if (d->engine && engine_config(d->engine))
		engine_stop(d->engine, "stop");
	control_free(d->control);
	asides_free(d);
	if (d->watch)
		watch_free(d->watch);
	engine_free(d->engine);
	blackbox_close();
	nft_watch_free(d->nft_watch);
	if (d->conn)
		nft_conn_free(d->conn);
	list_files_free(d);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	report_free(d);
	tidy_free(d);
	apply_free(d);
	free(d->state_dir);
	free(d->begun.path);
	free(d->begun.group);
	free(d->begun.state);
	free(d->shipped_dir);
}

/* The files', unless a change of theirs was not confirmed. */
static int first_config(struct daemon *d, struct config **cfg, struct err *e)
{
	_err_ struct err why = ERR_INIT;
	int rc = config_load(d->config_path, cfg, &why);

	/* A file that can not be read says nothing of the state folder: -s does, or the default is right. */
	d->state_dir = state_dir_of(d, *cfg);
	apply_init(d);
	config_free(*cfg);
	*cfg = NULL;
	apply_start(d, cfg);
	if (*cfg)
		return 0;
	return rc < 0 ? err_set(e, rc, "%s", err_text(&why)) : config_load(d->config_path, cfg, e);
}

int daemon_run(struct daemon *d)
{
	_err_ struct err e = ERR_INIT;
	struct config *cfg = NULL;
	int rc;

	d->started = mono_ns();
	d->lock_fd = d->inotify_fd = -1;
	d->loop = ev_default_loop(EVFLAG_NOENV);
	if (!d->loop) {
		log_error("rnmd", "no event loop: %s", strerror(errno));
		return 1;
	}
	ev_timer_init(&d->wake, on_wake, 0., 0.);
	d->wake.data = d;
	ev_signal_init(&d->hup, on_hup, SIGHUP);
	ev_signal_init(&d->term, on_stop, SIGTERM);
	ev_signal_init(&d->intr, on_stop, SIGINT);
	d->hup.data = d->term.data = d->intr.data = d;
	ev_signal_start(d->loop, &d->hup);
	ev_signal_start(d->loop, &d->term);
	ev_signal_start(d->loop, &d->intr);
	signal(SIGPIPE, SIG_IGN);
	report_init(d);
	tidy_init(d);

	rc = first_config(d, &cfg, &e);
	if (rc == 0) {
		if (!d->verbose)
			log_level_set(cfg->log_level);
		log_notes(cfg);
		rc = start(d, cfg, &e);
		if (rc < 0)
			config_free(cfg);
	}
	if (rc < 0) {
		log_error("rnmd", "%s", err_text(&e));
	} else {
		malloc_trim(0);
		ev_prepare_init(&d->first, on_first);
		d->first.data = d;
		ev_prepare_start(d->loop, &d->first);
		ev_run(d->loop, 0);
		ev_prepare_stop(d->loop, &d->first);
		notify_state("STOPPING=1\n");
	}
	stop(d);
	ev_loop_destroy(d->loop);
	return rc < 0 ? 1 : 0;
}
