// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm packs`: each pack with its state, for people and for programs. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "engine/core.h"

struct row {
	char *name, *path, *error;
	const char *why; /* it is disabled; NULL */
	double error_at;
	struct pack_status st; /* its texts are NULL */
	char *hook_names;
	unsigned pending, refused;
};
typedef VEC(struct row) rows;

static void take(void *ctx, const struct pack_status *p)
{
	struct row r = { .name = xstrdup(p->name),
		.path = p->path ? xstrdup(p->path) : NULL,
		.error = p->last_error ? xstrdup(p->last_error) : NULL,
		.error_at = p->last_error_at,
		.hook_names = xstrdup(p->hook_names ? p->hook_names : ""),
		.st = *p };

	r.st.name = r.st.path = r.st.last_error = r.st.hook_names = NULL;
	vec_push((rows *)ctx, r);
}

static struct row *named(rows *all, const char *name)
{
	vec_foreach (r, all)
		if (!strcmp(r->name, name))
			return r;
	return NULL;
}

static void off(rows *all, const char *name, const char *path, int order, bool trusted, const char *why)
{
	struct row *have = named(all, name);
	struct row r = { .name = xstrdup(name),
		.path = path ? xstrdup(path) : NULL,
		.why = why,
		.hook_names = xstrdup(""),
		.st = { .state = PACK_DISABLED, .order = order, .trusted = trusted } };

	if (have)
		have->why = why;
	else
		vec_push(all, r);
	if (!have)
		return;
	free(r.name);
	free(r.path);
	free(r.hook_names);
}

static int by_order(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->st.order != y->st.order ? (x->st.order < y->st.order ? -1 : 1) : strcmp(x->name, y->name);
}

static void count(void *ctx, const struct pending *p)
{
	struct row *r = named(ctx, p->pack);

	if (!r)
		return;
	*(p->refused ? &r->refused : &r->pending) += p->n;
}

static void collect(struct engine *en, rows *all)
{
	script_status(en->script, take, all);
	vec_foreach (o, &en->sw.off) {
		const struct found_pack *found = NULL;

		vec_foreach (f, &en->found)
			if (!strcmp(f->name, o->pack))
				found = f;
		off(all, o->pack, found ? found->path : NULL, found ? found->order : 50,
			found && found->cfg && found->cfg->trusted, "by an operator");
	}
	for (uint32_t i = 0; en->cfg && i < en->cfg->packs.n; i++) {
		const struct cfg_pack *c = &en->cfg->packs.v[i];

		if (!c->enabled)
			off(all, c->name, NULL, 50, c->trusted,
				switches_off(&en->sw, c->name) ? "by an operator and by the configuration"
							       : "by the configuration");
	}
	if (all->n)
		qsort(all->v, all->n, sizeof(*all->v), by_order);
	ruleset_pending(en->rs, count, all);
}

static void rows_free(rows *all)
{
	vec_foreach (r, all) {
		free(r->name);
		free(r->path);
		free(r->error);
		free(r->hook_names);
	}
	vec_free(all);
}

static void stamp(double t, char out[32])
{
	time_t s = (time_t)t;
	struct tm tm;

	if (!localtime_r(&s, &tm) || !strftime(out, 32, "%F %T", &tm))
		snprintf(out, 32, "?");
}

static void quarantine_line(const struct quarantine *q, const char *before, struct buf *out)
{
	char when[32];

	stamp(q->since, when);
	buf_puts(out, before);
	if (*q->what && *q->file && q->line)
		buf_printf(out, "%s at %s:%u", q->what, q->file, q->line);
	else
		buf_puts(out, *q->what ? q->what : "all of it");
	buf_printf(out, " since %s: %s\n", when, q->why);
}

static void quarantine_lines(const struct engine *en, const char *pack, const char *before, struct buf *out)
{
	vec_foreach (q, &en->sw.held)
		if (!strcmp(q->pack, pack))
			quarantine_line(q, before, out);
}

void engine_switched(struct engine *en, const char *before, struct buf *out)
{
	vec_foreach (q, &en->sw.held) {
		buf_printf(out, "%spack %s: ", before, q->pack);
		quarantine_line(q, "quarantined: ", out);
	}
	vec_foreach (o, &en->sw.off)
		buf_printf(out, "%spack %s: disabled by an operator\n", before, o->pack);
	for (uint32_t i = 0; en->cfg && i < en->cfg->packs.n; i++)
		if (!en->cfg->packs.v[i].enabled)
			buf_printf(out, "%spack %s: disabled by the configuration (%s:%u)\n", before,
				en->cfg->packs.v[i].name, en->cfg->path, en->cfg->packs.v[i].line);
}

/* The first line of it; a traceback is for the log. */
static void error_line(const struct row *r, const char *before, struct buf *out)
{
	char when[32];

	if (!r->error)
		return;
	stamp(r->error_at, when);
	buf_printf(out, "%s%s: %.*s\n", before, when, (int)strcspn(r->error, "\n"), r->error);
}

static void table(struct engine *en, rows *all, struct buf *out)
{
	int width = 4;

	vec_foreach (r, all)
		if ((int)strlen(r->name) > width)
			width = (int)strlen(r->name);
	buf_printf(out, "%-*s  ORDER  STATE        HOOKS  BLOCKS    CALLS  TIME/ms  ERRORS  PENDING  FILE\n",
		width, "PACK");
	vec_foreach (r, all) {
		buf_printf(out, "%-*s  %5d  %-11s  %5u  %6u  %7llu  %7.1f  %6llu  %7u  %s%s\n", width,
			r->name, r->st.order, pack_state_name(r->st.state), r->st.hooks,
			r->st.blocks + r->st.eaches, (unsigned long long)r->st.calls,
			(double)r->st.time_ns / 1e6, (unsigned long long)r->st.errors,
			r->pending + r->refused, r->path ? r->path : "-", r->st.trusted ? " (trusted)" : "");
		if (r->why)
			buf_printf(out, "    disabled %s\n", r->why);
		quarantine_lines(en, r->name, "    quarantine: ", out);
		error_line(r, "    last error ", out);
	}
}

static void place_line(void *ctx, const struct pack_place *p)
{
	struct buf *out = ctx;

	if (p->site.line)
		buf_printf(out, "  %s@%s:%u%s\n", p->what, p->site.file, p->site.line,
			p->held ? "  quarantined" : "");
	else
		buf_printf(out, "  %s%s\n", p->what, p->held ? "  quarantined" : "");
}

struct waiting {
	const char *pack;
	struct buf *out;
};

static void pending_line(void *ctx, const struct pending *p)
{
	struct waiting *w = ctx;

	if (!strcmp(p->pack, w->pack))
		engine_pending_text(p, w->out);
}

static void show(struct engine *en, const struct row *r, struct buf *out)
{
	struct waiting w = { r->name, out };

	buf_printf(out, "pack %s\nstate: %s%s%s\norder: %d\nfile: %s\ntrusted: %s\n", r->name,
		pack_state_name(r->st.state), r->why ? " " : "", r->why ? r->why : "", r->st.order,
		r->path ? r->path : "-", r->st.trusted ? "yes" : "no");
	if (r->st.state == PACK_FAILED || r->st.state == PACK_DISABLED) {
		error_line(r, "last error ", out);
		return;
	}
	buf_printf(out, "statements: %u\ncalls: %llu, %llu errors, %.1f ms in Lua\nmemory: %zu KiB\nruns:\n",
		r->st.statements, (unsigned long long)r->st.calls, (unsigned long long)r->st.errors,
		(double)r->st.time_ns / 1e6, r->st.memory / 1024);
	script_places(en->script, r->name, place_line, out);
	quarantine_lines(en, r->name, "quarantine: ", out);
	error_line(r, "last error ", out);
	ruleset_pending(en->rs, pending_line, &w);
}

static int no_row(const char *only, struct err *e)
{
	return err_set(e, -ENOENT, "there is no pack '%.64s'; `rnm packs` lists them", only);
}

int engine_packs(struct engine *en, const char *only, struct buf *out, struct err *e)
{
	rows all = { 0 };
	const struct row *r;
	int rc = 0;

	collect(en, &all);
	if (!only)
		table(en, &all, out);
	else if ((r = named(&all, only)) != NULL)
		show(en, r, out);
	else
		rc = no_row(only, e);
	rows_free(&all);
	return rc;
}

/* ---- for programs ---- */

static void held_json(const struct engine *en, const char *pack, struct json *j)
{
	json_open(j, "quarantined", '[');
	vec_foreach (q, &en->sw.held) {
		if (strcmp(q->pack, pack) != 0)
			continue;
		json_open(j, NULL, '{');
		json_text(j, "what", *q->what ? q->what : NULL);
		json_text(j, "file", *q->file ? q->file : NULL);
		json_unsigned(j, "line", q->line);
		json_seconds(j, "since", q->since);
		json_text(j, "why", q->why);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void place_json(void *ctx, const struct pack_place *p)
{
	struct json *j = ctx;

	json_open(j, NULL, '{');
	json_text(j, "what", p->what);
	json_text(j, "file", p->site.line ? p->site.file : NULL);
	json_unsigned(j, "line", p->site.line);
	json_bool(j, "quarantined", p->held);
	json_close(j, '}');
}

static void row_json(struct engine *en, const struct row *r, bool runs, struct json *j)
{
	json_open(j, NULL, '{');
	json_text(j, "name", r->name);
	json_text(j, "state", pack_state_name(r->st.state));
	json_text(j, "disabled", r->why);
	json_num(j, "order", r->st.order);
	json_text(j, "path", r->path);
	json_bool(j, "trusted", r->st.trusted);
	json_unsigned(j, "statements", r->st.statements);
	json_unsigned(j, "hooks", r->st.hooks);
	json_text(j, "hook_names", r->hook_names);
	json_unsigned(j, "blocks", r->st.blocks);
	json_unsigned(j, "each", r->st.eaches);
	json_unsigned(j, "timers", r->st.timers);
	json_unsigned(j, "calls", r->st.calls);
	json_unsigned(j, "errors", r->st.errors);
	json_unsigned(j, "time_us", r->st.time_ns / 1000);
	json_unsigned(j, "memory", r->st.memory);
	json_unsigned(j, "pending", r->pending);
	json_unsigned(j, "refused", r->refused);
	json_text(j, "last_error", r->error);
	if (r->error)
		json_seconds(j, "last_error_time", r->error_at);
	if (r->st.backs_off) {
		json_open(j, "backoff", '{');
		json_unsigned(j, "tries", r->st.backoff.tries);
		json_unsigned(j, "next_ms", r->st.backoff.next_ms);
		json_bool(j, "holds", r->st.backoff.holds);
		json_close(j, '}');
	}
	held_json(en, r->name, j);
	if (runs) {
		json_open(j, "runs", '[');
		script_places(en->script, r->name, place_json, j);
		json_close(j, ']');
	}
	json_close(j, '}');
}

void packs_json(struct engine *en, const char *name, struct json *j)
{
	rows all = { 0 };

	collect(en, &all);
	json_open(j, name, '[');
	vec_foreach (r, &all)
		row_json(en, r, false, j);
	json_close(j, ']');
	rows_free(&all);
}

int engine_packs_json(struct engine *en, const char *only, struct json *j, struct err *e)
{
	rows all = { 0 };
	const struct row *r;
	int rc = 0;

	if (!only) {
		packs_json(en, NULL, j);
		return 0;
	}
	collect(en, &all);
	r = named(&all, only);
	if (r)
		row_json(en, r, true, j);
	else
		rc = no_row(only, e);
	rows_free(&all);
	return rc;
}
