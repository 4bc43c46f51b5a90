// SPDX-License-Identifier: GPL-2.0-or-later
/* What a check found: line by line for people, one JSON value at the end for programs. */
#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "rnm/check.h"
#include "rnm/rnm.h"

#define PLAN_MAX (64u << 20) /* bytes of a plan as JSON */

static void say(struct check *c, check_lines *kept, const char *lead, const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		return;
	if (!c->json) {
		fputs(lead, stdout);
		put_text(stdout, text, strlen(text));
		putchar('\n');
		fflush(stdout);
	}
	vec_push(kept, text);
}

void check_note(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, &c->notes, "note: ", fmt, ap);
	va_end(ap);
}

void check_warn(struct check *c, const char *fmt, ...)
{
	va_list ap;

	c->warnings++;
	va_start(ap, fmt);
	say(c, &c->warned, "warning: ", fmt, ap);
	va_end(ap);
}

void check_error(struct check *c, const char *text)
{
	if (!c->json) {
		put_text(stderr, text, strlen(text));
		fputc('\n', stderr);
	}
	vec_push(&c->failed, xstrdup(text));
}

/* The log itself goes to stderr. */
void check_log(struct check *c, enum log_level level, const char *area, const char *text)
{
	if (c->json && level <= LOG_WARN)
		vec_push(level == LOG_WARN ? &c->warned : &c->failed, xasprintf("%s: %s", area, text));
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

void check_differs(struct check *c, const char *a, const char *b)
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
	check_warn(c,
		"loaded a second time, the policies state something else (the clock? a random number?):\n"
		"  first:  %.*s\n  second: %.*s",
		(int)nx, x, (int)ny, y);
}

void check_plan(struct check *c, const struct plan *p)
{
	struct json j = { &c->plan, false };

	buf_clear(&c->plan);
	c->operations = p->ops.n;
	if (c->json)
		plan_json(p, PLAN_MAX, &j);
	else
		plan_text(p, PLAN_WHY, &c->plan);
}

/* ---- the end ---- */

struct end {
	struct check *c;
	struct json *j;
	unsigned bad;
};

static void pack(void *ctx, const struct pack_status *p)
{
	const char *why = p->last_error ? p->last_error : "failed";
	const char *state = p->state == PACK_FAILED ? "left out" : "degraded";
	struct end *end = ctx;

	if (p->state == PACK_RUNNING)
		return;
	end->bad++;
	if (end->j) {
		json_open(end->j, NULL, '{');
		json_text(end->j, "name", p->name);
		json_text(end->j, "state", state);
		json_text(end->j, "why", why);
		json_close(end->j, '}');
		return;
	}
	printf("pack %s: %s: ", p->name, state);
	put_text(stdout, why, strcspn(why, "\n")); /* the log had the rest */
	putchar('\n');
}

static void pending(void *ctx, const struct pending *p)
{
	struct end *end = ctx;

	/* a table waits only because somebody else has its name */
	end->bad += p->unstated || p->refused || obj_kind(p->obj) == OBJ_TABLE;
	if (end->j)
		engine_pending_json(p, end->j);
	else
		printf("%s: %s %s %s: %s (%s, %s:%u)\n", p->refused ? "refused" : "pending",
			nft_family_name(obj_family(p->obj)), obj_table(p->obj), obj_name(p->obj), p->why,
			p->pack, p->site.file, p->site.line);
}

static void plan_lines(struct check *c)
{
	if (!c->compared)
		return;
	if (!c->operations) {
		puts("plan: nothing to send, the kernel holds what is stated");
		return;
	}
	printf("plan: a start would send %u operations\n", c->operations);
	put_text(stdout, buf_str(&c->plan), c->plan.n);
}

static void conclude_text(struct end *end)
{
	struct check *c = end->c;
	struct ruleset_stats s = ruleset_stats(engine_ruleset(c->engine));
	_buf_ struct buf switched = BUF_INIT;

	engine_switched(c->engine, "note: ", &switched);
	put_text(stdout, buf_str(&switched), switched.n);
	script_status(engine_script(c->engine), pack, end);
	ruleset_pending(engine_ruleset(c->engine), pending, end);
	if (!end->bad && c->errors)
		end->bad = 1;
	plan_lines(c);
	printf("%s: %u tables, %u chains, %u rules, %u sets, %u elements; %u pending, %u problems, %u "
	       "warnings; %s, nothing sent\n",
		end->bad ? "failed" : "fine", s.tables, s.chains, s.rules, s.sets, s.elements, s.pending,
		end->bad, c->warnings, c->conn ? "validated by the kernel" : "the kernel was not asked");
}

static void lines(struct json *j, const char *name, const check_lines *list)
{
	json_open(j, name, '[');
	vec_foreach (l, list)
		json_text(j, NULL, *l);
	json_close(j, ']');
}

static void switched(struct check *c)
{
	_buf_ struct buf text = BUF_INIT;

	engine_switched(c->engine, "", &text);
	for (char *line = buf_str(&text), *end; *line; line = end) {
		end = line + strcspn(line, "\n");
		vec_push(&c->notes, xstrndup(line, (size_t)(end - line)));
		end += *end != 0;
	}
}

static void plan_value(struct check *c, struct json *j)
{
	if (!c->compared) {
		json_text(j, "plan", NULL);
		return;
	}
	if (!c->operations)
		check_plan(c, &(const struct plan){ 0 });
	json_open(j, "plan", '{');
	buf_put(j->out, c->plan.s, c->plan.n);
	json_close(j, '}');
}

static void found(struct end *end)
{
	struct check *c = end->c;
	struct ruleset_stats s = ruleset_stats(engine_ruleset(c->engine));
	struct json *j = end->j;

	json_open(j, "packs", '[');
	script_status(engine_script(c->engine), pack, end);
	json_close(j, ']');
	json_open(j, "pending", '[');
	ruleset_pending(engine_ruleset(c->engine), pending, end);
	json_close(j, ']');
	json_open(j, "ruleset", '{');
	json_unsigned(j, "tables", s.tables);
	json_unsigned(j, "chains", s.chains);
	json_unsigned(j, "rules", s.rules);
	json_unsigned(j, "sets", s.sets);
	json_unsigned(j, "elements", s.elements);
	json_close(j, '}');
	plan_value(c, j);
}

static void conclude_json(struct end *end, const char *path, bool ran)
{
	struct check *c = end->c;
	_buf_ struct buf out = BUF_INIT;
	struct json j = { &out, false };

	end->j = &j;
	json_open(&j, NULL, '{');
	json_text(&j, "configuration", path);
	if (ran) {
		switched(c);
		found(end);
	}
	if (!end->bad && c->errors)
		end->bad = 1;
	lines(&j, "notes", &c->notes);
	lines(&j, "warnings", &c->warned);
	lines(&j, "errors", &c->failed);
	json_bool(&j, "compared", c->compared);
	json_bool(&j, "validated", c->conn != NULL);
	json_unsigned(&j, "problems", end->bad);
	json_bool(&j, "ok", !end->bad);
	json_close(&j, '}');
	buf_putc(&out, '\n');
	put_text(stdout, out.s, out.n);
}

static void lines_free(check_lines *list)
{
	vec_foreach (l, list)
		free(*l);
	vec_free(list);
}

unsigned check_conclude(struct check *c, const char *path, bool failed_early)
{
	struct end end = { .c = c, .bad = failed_early };
	bool ran = c->engine && engine_config(c->engine);

	if (c->json)
		conclude_json(&end, path, ran);
	else if (ran)
		conclude_text(&end);
	lines_free(&c->notes);
	lines_free(&c->warned);
	lines_free(&c->failed);
	buf_free(&c->plan);
	return end.bad;
}
