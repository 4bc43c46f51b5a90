// SPDX-License-Identifier: GPL-2.0-or-later
/* What made a statement or put an element there: the transaction, its time, and the run in it. Whoever was
 * made by a run shares one small record; those that nobody names any more are found by walking over all who
 * could, now and then, so that neither an element nor a statement pays for counting. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "nft/model.h"

#define SWEEP_MIN 1024u
#define ROOM      256u /* records that a transaction finds free */

struct past_event {
	uint32_t refs;
	double at;
	char *text; /* what ruleset_begin() was told */
	struct event_note note;
};

static void event_put(struct past_event *ev)
{
	if (!ev || --ev->refs)
		return;
	if (ev->note.ops)
		ev->note.ops->free(ev->note.ctx);
	free(ev->text);
	free(ev);
}

uint32_t past_now(struct ruleset *rs)
{
	struct pasts *ps = &rs->pasts;
	uint32_t i;

	if (ps->now)
		return ps->now;
	if (ps->spare.n) {
		i = vec_pop(&ps->spare);
	} else if (ps->all.n < PAST_MAX) {
		i = ps->all.n;
		vec_push(&ps->all, (struct past){ 0 });
	} else {
		return 0;
	}
	if (!ps->event) {
		ps->event = xnew(struct past_event);
		ps->event->refs = 1;
		ps->event->at = wall_s();
		ps->event->text = rs->event;
		rs->event = NULL;
	}
	ps->event->refs++;
	ps->all.v[i] = (struct past){ ps->event, ps->run };
	ps->now = i + 1;
	return ps->now;
}

void ruleset_run(struct ruleset *rs, const char *what)
{
	if (rs->pasts.run != what)
		rs->pasts.now = 0;
	rs->pasts.run = what;
}

bool ruleset_event_named(const struct ruleset *rs)
{
	return rs->pasts.event != NULL;
}

void ruleset_event_note(struct ruleset *rs, const struct event_note *note)
{
	struct past_event *ev = rs->pasts.event;

	if (ev && !ev->note.ops)
		ev->note = *note;
	else
		note->ops->free(note->ctx);
}

void past_begin(struct ruleset *rs)
{
	event_put(rs->pasts.event);
	rs->pasts.event = NULL;
	rs->pasts.run = NULL;
	rs->pasts.now = 0;
}

/* ---- what is named no more ---- */

typedef void visit_fn(uint32_t *past, void *ctx);

static void visit_member(struct member *m, visit_fn *fn, void *ctx)
{
	uint32_t past = m->past;

	fn(&past, ctx);
	m->past = past & PAST_MAX;
}

static void visit_table(struct elem_table *t, visit_fn *fn, void *ctx)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (elem_at(t, i)->flags & E_USED)
			visit_member(&elem_at(t, i)->m, fn, ctx);
	vec_foreach (m, &t->more)
		visit_member(m, fn, ctx);
}

static void visit_all(struct ruleset *rs, visit_fn *fn, void *ctx)
{
	vec_foreach (pk, &rs->packs)
		vec_foreach (sc, &(*pk)->scopes)
			vec_foreach (r, &(*sc)->now)
				fn(&r->st->past, ctx);
	vec_foreach (c, &rs->contribs)
		if (*c)
			fn(&(*c)->past, ctx);
	for (uint32_t i = 0; i < rs->all.n; i++)
		for (struct elem_table *t = rs->all.v[i]->tables; t; t = t->next)
			visit_table(t, fn, ctx);
}

static void mark(uint32_t *past, void *ctx)
{
	bool *used = ctx;

	used[*past] = true;
}

static void forget(uint32_t *past, void *ctx)
{
	const bool *used = ctx;

	if (!used[*past])
		*past = 0;
}

static int by_time(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* All are named: the older half is told no more. */
static void forget_old(struct ruleset *rs, bool *used)
{
	struct pasts *ps = &rs->pasts;
	double *at = xcalloc(ps->all.n, sizeof(*at)), middle;
	uint32_t n = 0;

	for (uint32_t i = 0; i < ps->all.n; i++)
		if (used[i + 1])
			at[n++] = ps->all.v[i].event->at;
	qsort(at, n, sizeof(*at), by_time);
	middle = at[n / 2];
	for (uint32_t i = 0, left = n / 2; i < ps->all.n && left; i++)
		if (used[i + 1] && ps->all.v[i].event->at <= middle) {
			used[i + 1] = false;
			left--;
		}
	free(at);
	visit_all(rs, forget, used);
}

void past_sweep(struct ruleset *rs)
{
	struct pasts *ps = &rs->pasts;
	uint32_t live = 0;
	bool *used;

	if (ps->all.n - ps->spare.n < (ps->sweep_at ? ps->sweep_at : SWEEP_MIN))
		return;
	used = xcalloc(PAST_MAX + 1, sizeof(*used));
	visit_all(rs, mark, used);
	for (uint32_t i = 0; i < ps->all.n; i++)
		live += used[i + 1];
	if (live > PAST_MAX - ROOM * 4)
		forget_old(rs, used);
	live = 0;
	vec_clear(&ps->spare);
	for (uint32_t i = 0; i < ps->all.n; i++) {
		if (used[i + 1]) {
			live++;
			continue;
		}
		event_put(ps->all.v[i].event);
		ps->all.v[i] = (struct past){ 0 };
		vec_push(&ps->spare, i);
	}
	free(used);
	ps->now = 0;
	ps->sweep_at = 2 * live < SWEEP_MIN         ? SWEEP_MIN
		       : 2 * live > PAST_MAX - ROOM ? PAST_MAX - ROOM
						    : 2 * live;
}

void past_free(struct ruleset *rs)
{
	past_begin(rs);
	vec_foreach (p, &rs->pasts.all)
		event_put(p->event);
	vec_free(&rs->pasts.all);
	vec_free(&rs->pasts.spare);
}

/* ---- reading ---- */

bool past_get(struct ruleset *rs, uint32_t past, struct past_text *out)
{
	const struct past *p = past && past <= rs->pasts.all.n ? &rs->pasts.all.v[past - 1] : NULL;

	out->at = 0;
	out->run = NULL;
	buf_clear(&out->event);
	if (!p || !p->event)
		return false;
	out->at = p->event->at;
	out->run = p->run;
	if (p->event->note.ops)
		p->event->note.ops->text(p->event->note.ctx, &out->event);
	else if (p->event->text)
		buf_puts(&out->event, p->event->text);
	return true;
}
