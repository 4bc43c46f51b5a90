// SPDX-License-Identifier: GPL-2.0-or-later
/* What happened, for the log and for `rnm monitor`. */
#include "base/log.h"
#include "rnmd/daemon.h"

static unsigned us(uint64_t ns)
{
	return (unsigned)((ns + 500) / 1000);
}

void daemon_event(void *ctx, const struct net_event *ev)
{
	struct daemon *d = ctx;
	_buf_ struct buf b = BUF_INIT;

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

	if (!d->control || !control_has_subscribers(d->control))
		return;
	buf_printf(&b, "run %s: %s", pack, what);
	if (site.line)
		buf_printf(&b, " at %s:%u", site.file, site.line);
	buf_printf(&b, ", %u us%s", us(ns), ok ? "" : ", failed and undone");
	control_publish(d->control, buf_str(&b));
}

void daemon_report(void *ctx, const struct txn_report *r)
{
	struct daemon *d = ctx;
	_buf_ struct buf b = BUF_INIT;

	if (log_enabled(r->error ? LOG_ERROR : LOG_INFO)) {
		if (r->error)
			log_error("txn", "%s %s: %s", origin_name(r->origin), r->event, r->error);
		else
			log_info("txn",
				"%s%s%s: %u events, %u operations, %u us (policies %u, merge %u, plan %u, "
				"commit %u, of it kernel %u)",
				origin_name(r->origin), *r->event ? " " : "", r->event, r->events,
				r->plan ? r->plan->ops.n : 0, us(r->total_ns), us(r->script_ns),
				us(r->merge_ns), us(r->plan_ns), us(r->commit_ns), us(r->kernel_ns));
	}
	if (!d->control || !control_has_subscribers(d->control))
		return;
	buf_printf(&b, "commit %s%s%s: %u operations, %u us", origin_name(r->origin), *r->event ? " " : "",
		r->event, r->plan ? r->plan->ops.n : 0, us(r->total_ns));
	if (r->error)
		buf_printf(&b, ": %s", r->error);
	buf_putc(&b, '\n');
	if (r->plan)
		plan_text(r->plan, true, &b);
	control_publish(d->control, buf_str(&b));
}
