// SPDX-License-Identifier: GPL-2.0-or-later
/* `metrics`: what runs, in numbers. */
#include "base/clock.h"
#include "base/prom.h"
#include "rnmd/daemon.h"

static void metrics(struct daemon *d, struct prom *out)
{
	static const char *const version[] = { "version", RNM_VERSION, NULL };
	struct watch_stats w = watch_stats(d->watch);

	prom_head(out, "rnm_info", "gauge", "The version that runs.");
	prom_sample(out, "rnm_info", version, 1);
	prom_one(out, "rnm_uptime_seconds", "gauge", "Since the start.",
		(mono_ns() - d->started) / 1000000000);
	prom_one(out, "rnm_ready", "gauge", "1: the first commit is acknowledged.", d->ready);
	prom_one(out, "rnm_netlink_messages_total", "counter", "Messages of rtnetlink.", w.messages);
	prom_one(out, "rnm_netlink_overruns_total", "counter", "Times that messages were lost.", w.overruns);
	prom_one(out, "rnm_netlink_interrupted_total", "counter", "Dumps that had to begin again.",
		w.interrupted);
	prom_one(out, "rnm_netlink_resyncs_total", "counter", "Times that all was read anew.", w.resyncs);
	prom_one(out, "rnm_netlink_malformed_total", "counter", "Messages that could not be read.",
		w.malformed);
	engine_metrics(d->engine, out);
	prom_end(out);
}

int cmd_metrics(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	struct json j = { out, false };
	struct prom p = { { out, *args ? &j : NULL }, false };

	(void)s, (void)e;
	if (!*args) {
		metrics(ctx, &p);
		return 0;
	}
	json_open(&j, NULL, '{');
	json_open(&j, "metrics", '[');
	metrics(ctx, &p);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_putc(out, '\n');
	return 0;
}
