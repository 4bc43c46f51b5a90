// SPDX-License-Identifier: GPL-2.0-or-later
/* A run that failed: told with its place, counted, and tried again later. */
#include <errno.h>
#include <stdio.h>

#include "script/internal.h"

static void describe(const struct run *r, char *out, size_t cap)
{
	const struct item *it =
		r->kind == RUN_TIMER ? NULL : run_item(r); /* a timer's text names its place */
	struct site site = it ? ruleset_site_get(r->pk->s->rs, it->site) : (struct site){ NULL, 0 };
	_buf_ struct buf key = BUF_INIT;
	const struct net_field *f;
	struct net_val v;

	if (r->rec && (f = net_natural_field(r->rec->kind)) != NULL) {
		f->get(r->rec, &v);
		net_val_show(&v, &key);
	}
	if (it && site.line)
		snprintf(out, cap, "%s at %s:%u%s%s", r->what, site.file, site.line, key.n ? " for " : "",
			buf_str(&key));
	else
		snprintf(out, cap, "%s%s%s", r->what, key.n ? " for " : "", buf_str(&key));
}

uint64_t backoff_ns(unsigned fails)
{
	uint64_t s = fails < 6 ? 1ull << fails : 60;

	return (s > 60 ? 60 : s) * 1000000000ull;
}

void run_failed(struct run *r, int rc, struct err *e)
{
	struct pack *pk = r->pk;
	struct script *s = pk->s;
	struct subject *sub = r->sub;
	char what[256];

	(void)rc;
	describe(r, what, sizeof(what));
	pk->errors++;
	pack_error(pk, xasprintf("%s: %s", what, err_text(e)));
	if (pk->strict) {
		pk->strict_hit = true;
		err_set(&s->load_err, -ENOEXEC, "pack %s: %s", pk->spec.name, pk->last_error);
		err_free(e);
		return;
	}
	log_error("pack", "%s: %s", pk->spec.name, pk->last_error);
	err_free(e);
	switch (r->kind) {
	case RUN_BLOCK:
	case RUN_EACH:
		if (!sub->failed)
			pk->n_failed++;
		sub->failed = true;
		sub->retry_at = mono_ns() + backoff_ns(sub->fails++);
		s->ops.heal_at(s->ops.ctx, sub->retry_at);
		break;
	case RUN_HOOK:
	case RUN_LIFECYCLE:
		if (!pk->replay_at) {
			pk->replay_at = mono_ns() + backoff_ns(pk->fails);
			s->ops.heal_at(s->ops.ctx, pk->replay_at);
		}
		break;
	case RUN_MAIN:
	case RUN_MESSAGE:
	case RUN_TIMER:
	case RUN_EVAL:
	case RUN_MAP: break;
	}
	pack_degraded(pk);
}
