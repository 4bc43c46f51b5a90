// SPDX-License-Identifier: GPL-2.0-or-later
/* What blocks and records read: a change of it is a reason to run them again. */
#include <string.h>

#include "script/internal.h"

static void dep_query_delta(
	struct query_sink *sink, struct query *q, const struct net_rec *before, const struct net_rec *after)
{
	(void)q, (void)before, (void)after;
	subject_stale(container_of(sink, struct dep, sink)->sub);
}

static void dep_file_delta(struct live_sink *sink, int sign, const struct val *key, const struct val *data)
{
	(void)sign, (void)key, (void)data;
	subject_stale(container_of(sink, struct dep, fsink)->sub);
}

static void dep_file_reset(struct live_sink *sink)
{
	subject_stale(container_of(sink, struct dep, fsink)->sub);
}

void dep_free(struct dep *d)
{
	switch (d->kind) {
	case DEP_QUERY:
		query_sink_del(d->q, &d->sink);
		query_put(d->q);
		break;
	case DEP_FILE: {
		struct live *l = (struct live *)d->file;

		l->ops->sink_del(l, &d->fsink);
		live_put(l);
		break;
	}
	case DEP_STATE:
		*d->peer_at = d->peer;
		if (d->peer)
			d->peer->peer_at = d->peer_at;
		free(d->key);
		break;
	}
	free(d);
}

static struct subject *dep_subject(struct pack *pk)
{
	struct run *r = pk->run;

	return r && (r->kind == RUN_BLOCK || r->kind == RUN_EACH) ? r->sub : NULL;
}

static struct dep *dep_add(struct subject *sub, enum dep_kind kind)
{
	struct dep *d = xnew(struct dep);

	d->kind = kind;
	d->sub = sub;
	d->next = sub->deps;
	sub->deps = d;
	return d;
}

void run_dep_query(struct pack *pk, struct query *q)
{
	struct subject *sub = dep_subject(pk);

	if (!sub)
		return;
	for (struct dep *d = sub->deps; d; d = d->next)
		if (d->kind == DEP_QUERY && d->q == q) {
			d->old = false;
			return;
		}
	struct dep *d = dep_add(sub, DEP_QUERY);

	d->q = query_ref(q);
	d->sink.delta = dep_query_delta;
	query_sink_add(q, &d->sink);
}

void run_dep_file(struct pack *pk, struct file *f)
{
	struct subject *sub = dep_subject(pk);
	struct live *l = (struct live *)f;

	if (!sub)
		return;
	for (struct dep *d = sub->deps; d; d = d->next)
		if (d->kind == DEP_FILE && d->file == f) {
			d->old = false;
			return;
		}
	struct dep *d = dep_add(sub, DEP_FILE);

	d->file = f;
	live_ref(l);
	d->fsink.delta = dep_file_delta;
	d->fsink.reset = dep_file_reset;
	l->ops->sink_add(l, &d->fsink);
}

void run_dep_state(struct pack *pk, const char *key)
{
	struct subject *sub = dep_subject(pk);

	if (!sub)
		return;
	for (struct dep *d = sub->deps; d; d = d->next)
		if (d->kind == DEP_STATE && (key ? d->key && strcmp(d->key, key) == 0 : !d->key)) {
			d->old = false;
			return;
		}
	struct dep *d = dep_add(sub, DEP_STATE);

	d->key = key ? xstrdup(key) : NULL;
	d->peer = pk->state_deps;
	d->peer_at = &pk->state_deps;
	if (d->peer)
		d->peer->peer_at = &d->peer;
	pk->state_deps = d;
}

void deps_begin(struct subject *sub)
{
	for (struct dep *d = sub->deps; d; d = d->next)
		d->old = true;
}

void deps_end(struct subject *sub, bool ok)
{
	for (struct dep **at = &sub->deps; *at;) {
		struct dep *d = *at;

		if (ok && d->old) {
			*at = d->next;
			dep_free(d);
		} else {
			d->old = false;
			at = &d->next;
		}
	}
}
