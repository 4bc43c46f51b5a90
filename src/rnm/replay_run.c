// SPDX-License-Identifier: GPL-2.0-or-later
/* Drives an engine through a recording. Time stands still but for what the recording says, or for what
 * becomes due by itself in between, so that every run is the same. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "engine/pretend.h"
#include "rnm/replay.h"
#include "rnm/rnm.h"

#define BEGIN_NS 100000000000000000ull /* mono_ns() at the beginning: there are three years before it */
#define LATE_NS  1000000000ull         /* a timer that was due is recorded so much later at most */
#define TURNS    10000                 /* at one moment */

static void set_time(struct replay *r, uint64_t t)
{
	if (t > r->now)
		r->now = t;
	clock_frozen_ns = BEGIN_NS + r->now;
}

/* ---- what the engine needs ---- */

static int op_commit(void *ctx, const struct plan *p, bool dry, struct commit_result *res, struct err *e)
{
	struct replay *r = ctx;

	(void)dry, (void)e;
	memset(res, 0, sizeof(*res));
	pretend_commit(p, &r->handles, res);
	return 0;
}

/* A kind begins to be followed where it did when this was recorded: its records stand behind the line. */
static bool fill(struct replay *r, enum net_kind kind)
{
	struct mirror *m = engine_mirror(r->engine);
	bool any = r->rec.kinds & 1u << kind;

	if (r->at < r->rec.first) /* all is there already */
		return any;
	mirror_dump_begin(m, kind);
	for (uint32_t i = r->at + 1; i < r->rec.v.n; i++) {
		const struct rec_line *l = &r->rec.v.v[i];

		if (l->what == REC_HAVE && l->kind == kind)
			mirror_set(m, l->rec);
		if (l->what != REC_HAVE && l->what != REC_COMMIT)
			break;
		any |= l->what == REC_HAVE && l->kind == kind;
	}
	mirror_dump_end(m, kind, any);
	return any;
}

static void op_need_kinds(void *ctx, unsigned kinds)
{
	struct replay *r = ctx;
	unsigned begins = kinds & ~r->kinds;

	for (unsigned k = 0; k < NET_KINDS; k++)
		if (begins & 1u << k && !fill(r, (enum net_kind)k))
			r->kinds_missing |= 1u << k;
	r->kinds = kinds;
}

static void op_wake_at(void *ctx, uint64_t at)
{
	((struct replay *)ctx)->wake = at;
}

static int op_watch_file(void *ctx, const char *path, uint64_t token)
{
	struct replay *r = ctx;

	for (uint32_t i = r->files.n; i-- > 0;)
		if (r->files.v[i].token == token) {
			free(r->files.v[i].path);
			vec_remove(&r->files, i);
		}
	if (path)
		vec_push(&r->files, (struct file_token){ xstrdup(path), token });
	return 0;
}

static void op_report(void *ctx, const struct txn_report *t)
{
	struct replay *r = ctx;
	_buf_ struct buf event = BUF_INIT, text = BUF_INIT;
	struct replayed g = { .operations = t->plan ? t->plan->ops.n : 0 };

	if (t->first)
		net_event_text(t->first, &event);
	else
		buf_puts(&event, t->event);
	if (t->plan)
		g.sum = plan_sum(t->plan, &text);
	g.origin = xstrdup(origin_name(t->origin));
	g.event = xstrdup(buf_str(&event));
	g.text = xstrdup(buf_str(&text));
	g.error = t->error ? xstrdup(t->error) : NULL;
	vec_push(&r->got, g);
}

/* ---- the beginning ---- */

static bool plain_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n && n < 64 && !s[n];
}

/* What the packs had in rnm.state, where they will look for it. */
static int put_states(struct replay *r, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	int rc = 0;

	r->state_dir = xasprintf("%s/rnm-replay-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(r->state_dir)) {
		rc = err_set(e, -errno, "can not make '%s': %s", r->state_dir, strerror(errno));
		free(r->state_dir);
		r->state_dir = NULL;
		return rc;
	}
	for (uint32_t i = 0; rc == 0 && i < r->rec.first; i++) {
		const struct rec_line *l = &r->rec.v.v[i];
		_autofree_ char *path = NULL;

		if (l->what == REC_SWITCHES) {
			path = xasprintf("%s/packs", r->state_dir);
			rc = file_replace(path, l->s[0], strlen(l->s[0]), e);
		} else if (l->what == REC_STATE && *l->s[1] && plain_name(l->s[0])) {
			path = xasprintf("%s/%s.state", r->state_dir, l->s[0]);
			rc = file_replace(path, l->s[1], strlen(l->s[1]), e);
		}
	}
	return rc;
}

static void remove_states(struct replay *r)
{
	DIR *d = r->state_dir ? opendir(r->state_dir) : NULL;
	struct dirent *de;

	while (d && (de = readdir(d))) {
		_autofree_ char *path = xasprintf("%s/%s", r->state_dir, de->d_name);

		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			unlink(path);
	}
	if (d)
		closedir(d);
	if (r->state_dir)
		rmdir(r->state_dir);
	free(r->state_dir);
	r->state_dir = NULL;
}

/* What messages and timers before the recording had put into sets. */
static void set_edits(struct replay *r)
{
	for (uint32_t i = 0; i < r->rec.first; i++) {
		const struct rec_line *l = &r->rec.v.v[i];
		struct kept_edit k = {
			.key = l->s[2], .data = l->s[3], .comment = l->s[4], .timeout_ms = l->n[0]
		};
		uint64_t ago = l->n[0] > l->n[1] ? (l->n[0] - l->n[1]) * 1000000 : 0;
		_err_ struct err e = ERR_INIT;

		if (l->what != REC_EDIT || l->n[0] > BEGIN_NS / 1000000)
			continue;
		clock_frozen_ns = BEGIN_NS - ago; /* when it was made */
		if (engine_edit(r->engine, l->s[0], l->s[1], &k, &e) < 0)
			printf("note: an element of pack %s is not taken over: %s\n", l->s[0], err_text(&e));
	}
	set_time(r, 0);
}

struct own {
	struct replay *r;
	VEC(struct own_pack {
		char *name;
		uint64_t source;
	})
	v;
};

static void own_pack(void *ctx, const char *pack, const char *state, uint64_t source)
{
	struct own *o = ctx;

	(void)state;
	vec_push(&o->v, (struct own_pack){ xstrdup(pack), source });
}

/* Timers that ran already when the recording began go on as they were, where the pack is the same. */
static void set_timers(struct replay *r, const char *pack)
{
	VEC(struct timer_info) t = { 0 };

	for (uint32_t i = 0; i < r->rec.first; i++) {
		const struct rec_line *l = &r->rec.v.v[i];

		if (l->what == REC_TIMER && !strcmp(l->s[0], pack))
			vec_push(&t, (struct timer_info){ .pack = pack,
					     .site = { l->s[1], (uint32_t)l->n[0] },
					     .at = BEGIN_NS + l->n[1],
					     .every = l->n[2] });
	}
	engine_timers_set(r->engine, pack, t.v, t.n);
	vec_free(&t);
}

static void match_packs(struct replay *r)
{
	struct own o = { .r = r };

	script_states(engine_script(r->engine), own_pack, &o);
	for (uint32_t i = 0; i < r->rec.first; i++) {
		const struct rec_line *l = &r->rec.v.v[i];
		const struct own_pack *same = NULL;

		if (l->what != REC_PACK || !strcmp(l->s[0], "console"))
			continue;
		vec_foreach (p, &o.v)
			if (!strcmp(p->name, l->s[0]))
				same = p;
		if (!same)
			printf("note: pack %s was recorded, and is not here\n", l->s[0]);
		else if ((same->source & INT64_MAX) != l->n[0])
			printf("note: pack %s has another text than was recorded\n", l->s[0]);
		else
			set_timers(r, l->s[0]);
	}
	vec_foreach (p, &o.v) {
		bool was = !strcmp(p->name, "console");

		for (uint32_t i = 0; i < r->rec.first; i++)
			was |= r->rec.v.v[i].what == REC_PACK && !strcmp(r->rec.v.v[i].s[0], p->name);
		if (!was)
			printf("note: pack %s was not recorded\n", p->name);
		free(p->name);
	}
	vec_free(&o.v);
}

static void print_pack(void *ctx, const struct pack_status *p)
{
	struct replay *r = ctx;
	const char *why = p->last_error ? p->last_error : "";

	if (p->state == PACK_RUNNING)
		return;
	r->problems++;
	printf("pack %s: %s: ", p->name, pack_state_name(p->state));
	put_text(stdout, why, strcspn(why, "\n"));
	putchar('\n');
}

static int begin(struct replay *r, struct err *e)
{
	const struct engine_ops ops = {
		.ctx = r,
		.commit = op_commit,
		.rule_handles = pretend_handles,
		.need_kinds = op_need_kinds,
		.wake_at = op_wake_at,
		.watch_file = op_watch_file,
		.report = op_report,
	};
	_buf_ struct buf rules = BUF_INIT;
	int rc = put_states(r, e);

	if (rc < 0)
		return rc;
	clock_wall_ns = (int64_t)(r->rec.wall * 1e9) - (int64_t)BEGIN_NS;
	set_time(r, 0);
	r->engine = engine_new(&ops, r->state_dir);
	for (uint32_t i = 0; i < r->rec.first; i++)
		if (r->rec.v.v[i].what == REC_HAVE)
			mirror_set(engine_mirror(r->engine), r->rec.v.v[i].rec);
	rc = engine_start(r->engine, r->cfg, r->shipped, e);
	if (engine_config(r->engine) == r->cfg)
		r->cfg = NULL;
	if (rc < 0)
		return rc;
	script_status(engine_script(r->engine), print_pack, r);
	match_packs(r);
	set_edits(r);
	r->told.n = 0;
	vec_foreach (g, &r->got) { /* the start's: the recording's was over */
		free(g->origin);
		free(g->event);
		free(g->text);
		free(g->error);
	}
	vec_clear(&r->got);
	rc = ruleset_text(engine_ruleset(r->engine), NULL, &rules, e);
	for (uint32_t i = 0; rc == 0 && i < r->rec.first; i++)
		if (r->rec.v.v[i].what == REC_RULESET)
			replay_ruleset(r, r->rec.v.v[i].s[0], buf_str(&rules));
	return rc;
}

/* ---- what happened ---- */

/* Was something due recorded at t, or a little later? */
static bool recorded_wake(struct replay *r, uint64_t t)
{
	const struct rec_line *v = r->rec.v.v;

	while (r->next_wake < r->rec.v.n && (v[r->next_wake].what != REC_WAKE || v[r->next_wake].t < t))
		r->next_wake++;
	return r->next_wake < r->rec.v.n && v[r->next_wake].t - t <= LATE_NS;
}

/* What is due before t, and was not when this was recorded. */
static void advance(struct replay *r, uint64_t t)
{
	for (int turn = 0; r->wake && turn < TURNS; turn++) {
		uint64_t due = r->wake > BEGIN_NS + r->now ? r->wake - BEGIN_NS : r->now;

		if (due > t || recorded_wake(r, due))
			break;
		if (due > r->now)
			turn = 0;
		set_time(r, due);
		r->wake = 0;
		engine_wake(r->engine);
		replay_compare(r);
	}
	set_time(r, t);
}

static void reload(struct replay *r)
{
	_err_ struct err e = ERR_INIT;
	struct config *cfg = r->config(r->config_ctx, &e);
	int rc = cfg ? engine_reload(r->engine, cfg, r->shipped, &e) : e.code;

	if (rc == 0)
		return;
	config_free(cfg);
	r->problems++;
	printf("reload: ");
	put_text(stdout, err_text(&e), strlen(err_text(&e)));
	putchar('\n');
}

static bool trusted(const struct replay *r, const char *pack)
{
	vec_foreach (p, &engine_config(r->engine)->packs)
		if (pack && !strcmp(p->name, pack))
			return p->trusted;
	return false;
}

static void eval(struct replay *r, const struct rec_line *l)
{
	struct eval_request rq = { .pack = l->s[1], .code = l->s[0], .n = strlen(l->s[0]) };
	_buf_ struct buf out = BUF_INIT;

	/* A recording is no program that may do everything. */
	if (trusted(r, l->s[1]))
		printf("note: line %u: not run, for pack %s is trusted: eval\n", l->line, l->s[1]);
	else
		engine_eval(r->engine, &rq, NULL, &out, NULL);
}

static void switch_pack(struct replay *r, const struct rec_line *l)
{
	_buf_ struct buf out = BUF_INIT;

	if (!strcmp(l->s[0], "disable"))
		engine_pack_disable(r->engine, l->s[1], &out, NULL);
	else if (!strcmp(l->s[0], "enable"))
		engine_pack_enable(r->engine, l->s[1], r->shipped, &out, NULL);
	else if (!strcmp(l->s[0], "quarantine"))
		engine_pack_quarantine(r->engine, l->s[1], l->s[2], &out, NULL);
	else if (!strcmp(l->s[0], "release"))
		engine_pack_release(r->engine, l->s[1], l->s[2], r->shipped, &out, NULL);
}

static void file_changed(struct replay *r, const char *path)
{
	VEC(uint64_t) tokens = { 0 };

	vec_foreach (f, &r->files)
		if (!strcmp(f->path, path))
			vec_push(&tokens, f->token);
	vec_foreach (t, &tokens)
		engine_file_changed(r->engine, *t);
	vec_free(&tokens);
}

static void told(struct replay *r, const struct rec_line *l)
{
	static const char *const others[] = { "drift", "stop", "start" };

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(l->s[0], others[i])) {
			r->left_out++;
			return;
		}
	vec_push(&r->told, l);
}

static void happen(struct replay *r, const struct rec_line *l)
{
	struct mirror *m = engine_mirror(r->engine);

	switch (l->what) {
	case REC_BEGIN: engine_net_begin(r->engine); break;
	case REC_SET: mirror_set(m, l->rec); break;
	case REC_DEL: mirror_del(m, l->rec); break;
	case REC_RESYNC: engine_net_resync(r->engine, l->s[0]); break;
	case REC_END: engine_net_end(r->engine); break;
	case REC_WAKE:
		r->wake = 0;
		engine_wake(r->engine);
		break;
	case REC_MESSAGE:
		engine_message(r->engine, l->s[0], (const char *const *)l->kv, l->n_kv, NULL);
		break;
	case REC_EVAL: eval(r, l); break;
	case REC_RELOAD: reload(r); break;
	case REC_SWITCH: switch_pack(r, l); break;
	case REC_FILE: file_changed(r, l->s[0]); break;
	case REC_LOST:
		printf("note: line %u: %llu lines are missing here: what follows may differ by that\n",
			l->line, (unsigned long long)l->n[0]);
		break;
	case REC_HAVE:
	case REC_PACK:
	case REC_TIMER:
	case REC_STATE:
	case REC_SWITCHES:
	case REC_EDIT:
	case REC_RULESET:
	case REC_COMMIT:
	case REC_N: break;
	}
}

int replay_run(struct replay *r, struct err *e)
{
	int rc = begin(r, e);

	if (rc < 0)
		return rc;
	for (uint32_t i = r->rec.first; i < r->rec.v.n; i++) {
		const struct rec_line *l = &r->rec.v.v[i];

		r->at = i;
		if (l->what == REC_HAVE)
			continue;
		if (l->what == REC_COMMIT) {
			told(r, l);
			continue;
		}
		if (l->what < REC_SET || l->what > REC_END) { /* those stand in a batch that began */
			replay_compare(r);
			advance(r, l->t);
		}
		happen(r, l);
		/* the one that is taken now is over */
		if (l->what == REC_WAKE && r->next_wake <= i)
			r->next_wake = i + 1;
	}
	replay_compare(r);
	if (r->rec.v.n)
		advance(r, vec_last(&r->rec.v).t);
	for (unsigned k = 0; k < NET_KINDS; k++)
		if (r->kinds_missing & 1u << k)
			printf("note: the policies ask for every %s, which was not recorded\n",
				net_kind_name((enum net_kind)k));
	return 0;
}

void replay_free(struct replay *r)
{
	engine_free(r->engine);
	config_free(r->cfg);
	remove_states(r);
	recording_free(&r->rec);
	replay_compare(r);
	vec_free(&r->got);
	vec_free(&r->told);
	vec_foreach (f, &r->files)
		free(f->path);
	vec_free(&r->files);
	free(r->shipped);
	clock_frozen_ns = 0;
	clock_wall_ns = 0;
}
