// SPDX-License-Identifier: GPL-2.0-or-later
/* What happened, for the log and for `rnm monitor`. The next event must not wait until the last one is told:
 * lines about network events are kept as they are and written a moment later. */
#include "base/log.h"
#include "rnmd/daemon.h"

#define LATER_S     0.02
#define PENDING_MAX 20         /* lines about what waits */
#define TAKEN_MAX   (1u << 20) /* bytes of a plan in the answer of a reload */

struct report_line {
	enum origin origin;
	struct net_event first; /* with copies of its records */
	unsigned events, ops, total, script, merge, plan, commit, kernel;
};

static unsigned us(uint64_t ns)
{
	return (unsigned)((ns + 500) / 1000);
}

void daemon_event(void *ctx, const struct net_event *ev)
{
	struct daemon *d = ctx;
	_buf_ struct buf b = BUF_INIT;

	news_event(d, ev);
	record_event(d, ev);
	if (!d->control || !control_has_subscribers(d->control))
		return;
	buf_puts(&b, "event ");
	net_event_text(ev, &b);
	control_publish(d->control, buf_str(&b));
}

void daemon_ran(void *ctx, const char *pack, const char *what, struct site site, uint64_t ns, bool ok)
{
	struct daemon *d = ctx;
	_buf_ struct buf b = BUF_INIT;

	watchdog_busy(d);
	news_run(d, pack, what, site, ns, ok);
	if (!d->control || !control_has_subscribers(d->control))
		return;
	buf_printf(&b, "run %s: %s", pack, what);
	if (site.line)
		buf_printf(&b, " at %s:%u", site.file, site.line);
	buf_printf(&b, ", %u us%s", us(ns), ok ? "" : ", failed and undone");
	control_publish(d->control, buf_str(&b));
}

static void log_line(const struct report_line *l, const char *event)
{
	log_info("txn",
		"%s%s%s: %u events, %u operations, %u us (policies %u, merge %u, plan %u, commit %u, of it "
		"kernel %u)",
		origin_name(l->origin), *event ? " " : "", event, l->events, l->ops, l->total, l->script,
		l->merge, l->plan, l->commit, l->kernel);
}

void report_flush(struct daemon *d)
{
	for (uint32_t i = 0; i < d->n_lines; i++) {
		struct report_line *l = &d->lines[i];
		_buf_ struct buf text = BUF_INIT;

		net_event_text(&l->first, &text);
		log_line(l, buf_str(&text));
		net_rec_free((struct net_rec *)l->first.before);
		net_rec_free((struct net_rec *)l->first.after);
	}
	d->n_lines = 0;
}

static void on_later(struct ev_loop *loop, ev_timer *t, int revents)
{
	(void)loop;
	(void)revents;
	report_flush(t->data);
}

void report_init(struct daemon *d)
{
	d->lines = xcalloc(REPORT_LINES, sizeof(*d->lines));
	ev_timer_init(&d->later, on_later, LATER_S, 0.);
	d->later.data = d;
}

void report_free(struct daemon *d)
{
	report_flush(d);
	ev_timer_stop(d->loop, &d->later);
	free(d->lines);
	d->lines = NULL;
}

static void log_report(struct daemon *d, const struct txn_report *r)
{
	struct report_line l = { .origin = r->origin,
		.events = r->events,
		.ops = r->plan ? r->plan->ops.n : 0,
		.total = us(r->total_ns),
		.script = us(r->script_ns),
		.merge = us(r->merge_ns),
		.plan = us(r->plan_ns),
		.commit = us(r->commit_ns),
		.kernel = us(r->kernel_ns) };

	if (!r->first || r->error) {
		report_flush(d);
		if (r->error)
			log_error("txn", "%s %s: %s", origin_name(r->origin), r->event, r->error);
		else
			log_line(&l, r->event);
		return;
	}
	if (d->n_lines == REPORT_LINES)
		report_flush(d);
	l.first = *r->first;
	l.first.before = l.first.before ? net_rec_copy(l.first.before) : NULL;
	l.first.after = l.first.after ? net_rec_copy(l.first.after) : NULL;
	d->lines[d->n_lines++] = l;
	if (!ev_is_active(&d->later)) {
		ev_timer_set(&d->later, LATER_S, 0.);
		ev_timer_start(d->loop, &d->later);
	}
}

/* What waits for nothing that the network could bring is most likely a mistake. */
static void log_pending(void *ctx, const struct pending *p)
{
	_buf_ struct buf b = BUF_INIT;
	unsigned *n = ctx;

	if (!p->unstated && (p->refused || obj_kind(p->obj) != OBJ_TABLE))
		return;
	if (++*n > PENDING_MAX)
		return;
	engine_pending_text(p, &b);
	log_warn("nft", "%s", buf_str(&b));
}

void daemon_report(void *ctx, const struct txn_report *r)
{
	struct daemon *d = ctx;
	_buf_ struct buf b = BUF_INIT;
	unsigned waiting = 0;

	if (!r->error && (r->origin == ORIGIN_START || r->origin == ORIGIN_RELOAD)) {
		ruleset_pending(engine_ruleset(d->engine), log_pending, &waiting);
		if (waiting > PENDING_MAX)
			log_warn("nft", "pending: %u more, see rnm status", waiting - PENDING_MAX);
	}

	if (log_enabled(r->error ? LOG_ERROR : LOG_INFO))
		log_report(d, r);
	if (d->taking && !r->error && r->origin == ORIGIN_RELOAD)
		plan_json(r->plan ? r->plan : &(const struct plan){ 0 }, TAKEN_MAX, d->taking);
	news_commit(d, r);
	record_commit(d, r);
	if (!d->control || !control_has_subscribers(d->control))
		return;
	buf_printf(&b, "commit %s", origin_name(r->origin));
	if (r->first || *r->event)
		buf_putc(&b, ' ');
	if (r->first)
		net_event_text(r->first, &b);
	else
		buf_puts(&b, r->event);
	buf_printf(&b, ": %u operations, %u us", r->plan ? r->plan->ops.n : 0, us(r->total_ns));
	if (r->error)
		buf_printf(&b, ": %s", r->error);
	buf_putc(&b, '\n');
	if (r->plan)
		plan_text(r->plan, PLAN_SITE, &b);
	control_publish(d->control, buf_str(&b));
}
