// SPDX-License-Identifier: GPL-2.0-or-later
/* What was recorded against what the replay did, transaction by transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rnm/replay.h"
#include "rnm/rnm.h"

#define LINES_MAX 100000u /* of one text */

struct lines {
	char **v;
	uint32_t n;
	char *text;
};

static struct lines split(const char *text)
{
	struct lines l = { .text = xstrdup(text ? text : "") };
	uint32_t cap = 0;

	for (const char *p = l.text; *p && cap < LINES_MAX; p++)
		cap += *p == '\n';
	l.v = xcalloc(cap + 2, sizeof(*l.v));
	for (char *p = l.text; *p && l.n <= cap;) {
		char *end = strchr(p, '\n');

		l.v[l.n++] = p;
		if (!end)
			break;
		*end = '\0';
		p = end + 1;
	}
	return l;
}

static void lines_free(struct lines *l)
{
	free(l->v);
	free(l->text);
}

static int text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **sorted(const struct lines *l)
{
	char **v = xmemdup(l->v, (l->n + 1) * sizeof(*v));

	qsort(v, l->n, sizeof(*v), text_order);
	return v;
}

static void put_line(const char *lead, const char *text)
{
	fputs(lead, stdout);
	put_text(stdout, text, strlen(text));
	putchar('\n');
}

/* Is it among the n sorted ones? Each of them stands for one. */
static bool take(char **v, bool *used, uint32_t n, const char *text)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (strcmp(v[mid], text) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n && !strcmp(v[lo], text); lo++)
		if (!used[lo]) {
			used[lo] = true;
			return true;
		}
	return false;
}

/* "<": only recorded, ">": only replayed, "=": in both. both false: those are left out. */
static void difference(const char *recorded, const char *replayed, bool both)
{
	struct lines a = split(recorded), b = split(replayed);
	char **sa = sorted(&a), **sb = sorted(&b);
	bool *ua = xcalloc(a.n + 1, sizeof(*ua)), *ub = xcalloc(b.n + 1, sizeof(*ub));

	for (uint32_t i = 0; i < a.n; i++) {
		bool same = take(sb, ub, b.n, a.v[i]);

		if (!same || both)
			put_line(same ? "  = " : "  < ", a.v[i]);
	}
	for (uint32_t i = 0; i < b.n; i++)
		if (!take(sa, ua, a.n, b.v[i]))
			put_line("  > ", b.v[i]);
	free(sa);
	free(sb);
	free(ua);
	free(ub);
	lines_free(&a);
	lines_free(&b);
}

static void head(const struct replay *r, const struct rec_line *l, const struct replayed *g, const char *what)
{
	const char *origin = l ? l->s[0] : g->origin, *event = l ? l->s[1] : g->event;
	uint64_t t = l ? l->t : r->now;

	printf("+%llu.%06llu %s", (unsigned long long)(t / 1000000000),
		(unsigned long long)(t / 1000 % 1000000), origin);
	if (*event)
		put_line(" ", event);
	else
		putchar('\n');
	if (l)
		printf("  %s (line %u)\n", what, l->line);
	else
		printf("  %s\n", what);
}

static void put_error(const char *lead, const char *error)
{
	if (error)
		put_line(lead, error);
}

/* By their sums, which do not depend on an order; or by texts that say all, should another version of rnm
 * have summed otherwise. */
static bool same_plan(const struct rec_line *l, const struct replayed *g)
{
	return l->n[0] == (g->sum & INT64_MAX) || (!strstr(g->text, ", ... ") && !strcmp(l->s[2], g->text));
}

static bool equal(const struct rec_line *l, const struct replayed *g)
{
	return !strcmp(l->s[0], g->origin) && l->n[1] == g->operations && !l->s[3] == !g->error &&
	       same_plan(l, g);
}

static void pair(struct replay *r, const struct rec_line *l, const struct replayed *g)
{
	if (l && g && equal(l, g)) {
		r->equal++;
		if (!r->all)
			return;
		head(r, l, g, "equal");
		difference(l->s[2], g->text, true);
		return;
	}
	r->different += l && g;
	r->only_recorded += !g;
	r->only_replayed += !l;
	head(r, l, g, !g ? "only recorded" : !l ? "only replayed" : "different");
	put_error("  < failed: ", l ? l->s[3] : NULL);
	put_error("  > failed: ", g ? g->error : NULL);
	difference(l ? l->s[2] : NULL, g ? g->text : NULL, true);
}

static void got_free(struct replayed *g)
{
	free(g->origin);
	free(g->event);
	free(g->text);
	free(g->error);
}

void replay_compare(struct replay *r)
{
	uint32_t n = r->told.n > r->got.n ? r->told.n : r->got.n;

	for (uint32_t i = 0; i < n; i++)
		pair(r, i < r->told.n ? r->told.v[i] : NULL, i < r->got.n ? &r->got.v[i] : NULL);
	vec_foreach (g, &r->got)
		got_free(g);
	vec_clear(&r->got);
	vec_clear(&r->told);
}

void replay_ruleset(struct replay *r, const char *recorded, const char *replayed)
{
	if (!strcmp(recorded, replayed)) {
		r->equal++;
		return;
	}
	r->different++;
	puts("the ruleset at the beginning\n  different");
	difference(recorded, replayed, r->all);
}
