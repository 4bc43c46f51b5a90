// SPDX-License-Identifier: GPL-2.0-or-later
/* What happened, for programs that subscribed to it. Nothing is made for nobody. */
#include "base/json.h"
#include "rnmd/daemon.h"

#define PLAN_MAX (256u << 10) /* bytes of a plan: a subscriber's queue holds four */

struct news {
	struct buf text;
	struct json j;
};

static void begin(struct news *n)
{
	n->text = (struct buf)BUF_INIT;
	n->j = (struct json){ &n->text, false };
	json_open(&n->j, NULL, '{');
}

static void tell(struct daemon *d, struct news *n, enum control_news what, const char *name)
{
	json_close(&n->j, '}');
	control_notify(d->control, what, name, &n->text);
	buf_free(&n->text);
}

void news_event(struct daemon *d, const struct net_event *ev)
{
	const char *kind = net_kind_name(ev->kind);
	struct news n;

	if (!control_wanted(d->control, NEWS_EVENT, kind))
		return;
	begin(&n);
	net_event_json(ev, &n.j);
	tell(d, &n, NEWS_EVENT, kind);
}

void news_run(struct daemon *d, const char *pack, const char *what, struct site site, uint64_t ns, bool ok)
{
	struct news n;

	if (!control_wanted(d->control, NEWS_RUN, pack))
		return;
	begin(&n);
	json_text(&n.j, "pack", pack);
	json_text(&n.j, "run", what);
	if (site.line) {
		json_open(&n.j, "where", '{');
		json_text(&n.j, "file", site.file);
		json_unsigned(&n.j, "line", site.line);
		json_close(&n.j, '}');
	}
	json_unsigned(&n.j, "us", ns / 1000);
	json_bool(&n.j, "ok", ok);
	tell(d, &n, NEWS_RUN, pack);
}

static void times(struct json *j, const struct txn_report *r)
{
	json_open(j, "us", '{');
	json_unsigned(j, "total", r->total_ns / 1000);
	json_unsigned(j, "policies", r->script_ns / 1000);
	json_unsigned(j, "merge", r->merge_ns / 1000);
	json_unsigned(j, "plan", r->plan_ns / 1000);
	json_unsigned(j, "commit", r->commit_ns / 1000);
	json_unsigned(j, "kernel", r->kernel_ns / 1000);
	json_close(j, '}');
}

void news_commit(struct daemon *d, const struct txn_report *r)
{
	_buf_ struct buf event = BUF_INIT;
	struct news n;

	if (!control_wanted(d->control, NEWS_COMMIT, ""))
		return;
	if (r->first)
		net_event_text(r->first, &event);
	else
		buf_puts(&event, r->event);
	begin(&n);
	json_text(&n.j, "origin", origin_name(r->origin));
	json_text(&n.j, "event", buf_str(&event));
	json_unsigned(&n.j, "events", r->events);
	json_unsigned(&n.j, "runs", r->runs);
	json_text(&n.j, "error", r->error);
	times(&n.j, r);
	json_open(&n.j, "plan", '{');
	plan_json(r->plan ? r->plan : &(const struct plan){ 0 }, PLAN_MAX, &n.j);
	json_close(&n.j, '}');
	tell(d, &n, NEWS_COMMIT, "");
}

void news_message(void *ctx, const char *topic, const char *const *kv, uint32_t count, unsigned handlers)
{
	struct daemon *d = ctx;
	struct news n;

	if (!control_wanted(d->control, NEWS_MESSAGE, topic))
		return;
	begin(&n);
	json_text(&n.j, "topic", topic);
	json_open(&n.j, "data", '{');
	for (uint32_t i = 0; i < count; i++)
		json_text(&n.j, kv[2 * i], kv[2 * i + 1]);
	json_close(&n.j, '}');
	json_unsigned(&n.j, "handlers", handlers);
	tell(d, &n, NEWS_MESSAGE, topic);
}
