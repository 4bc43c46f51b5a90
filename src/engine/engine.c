// SPDX-License-Identifier: GPL-2.0-or-later
/* The engine's life: start, reload, and the doors through which work comes in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/core.h"

#define DROPPED_MAX 20       /* lines about the console's statements */
#define EMITS_TURN  1000     /* messages, and … */
#define EMITS_NS    5000000u /* for messages in one turn of the loop */

/* ---- from the mirror ---- */

static uint32_t ifindex_of(void *ctx, const char *name)
{
	const struct net_link *l = mirror_link_named(((struct engine *)ctx)->mirror, name);

	return l ? l->ifindex : 0;
}

/* A name of a link belongs to another index than before, or to none. */
static bool moves_index(const struct net_event *ev)
{
	const struct net_link *was = (const struct net_link *)ev->before,
			      *is = (const struct net_link *)ev->after;

	if (ev->kind != NET_LINK)
		return false;
	return !was || !is || was->ifindex != is->ifindex || strcmp(was->name, is->name) != 0;
}

static void on_net_event(void *ctx, const struct net_event *ev)
{
	struct engine *en = ctx;

	if (moves_index(ev))
		ruleset_outside_moved(en->rs);
	switch (en->net_mode) {
	case NET_FILL: return;
	case NET_FEED: queries_feed(en->queries, ev); return;
	case NET_RUN: break;
	}
	if (!en->events++) {
		en->first = *ev;
		en->first.before = ev->before ? net_rec_copy(ev->before) : NULL;
		en->first.after = ev->after ? net_rec_copy(ev->after) : NULL;
	}
	en->event_count++;
	if (en->ops.event)
		en->ops.event(en->ops.ctx, ev);
	script_event(en->script, ev);
}

/* ---- for script ---- */

static void need_kinds(struct engine *en, unsigned kinds)
{
	int mode = en->net_mode;

	if (en->kinds == kinds)
		return;
	en->kinds = kinds;
	en->net_mode = NET_FILL;
	en->ops.need_kinds(en->ops.ctx, kinds);
	en->net_mode = mode;
}

static void need_kind(void *ctx, enum net_kind kind)
{
	struct engine *en = ctx;

	need_kinds(en, en->kinds | 1u << kind);
}

static void script_timer(void *ctx, uint64_t at)
{
	struct engine *en = ctx;

	en->script_at = at;
	if (!en->open)
		wake_update(en);
}

static void heal_at(void *ctx, uint64_t at)
{
	struct engine *en = ctx;

	if (!en->heal_at || at < en->heal_at)
		en->heal_at = at;
	if (!en->open)
		wake_update(en);
}

static int watch_file(void *ctx, const char *path, uint64_t token)
{
	struct engine *en = ctx;

	return en->ops.watch_file ? en->ops.watch_file(en->ops.ctx, path, token) : 0;
}

static void emit(void *ctx, const char *topic, const char *const *kv, uint32_t n, struct outbox *from)
{
	struct engine *en = ctx;
	struct emit m = {
		.topic = xstrdup(topic), .n = n, .kv = xcalloc(2 * n + 1, sizeof(char *)), .from = from
	};

	for (uint32_t i = 0; i < 2 * n; i++)
		m.kv[i] = xstrdup(kv[i]);
	vec_push(&en->emits, m);
	if (!en->open)
		wake_update(en);
}

static void emit_free(struct emit *m)
{
	if (m->from)
		outbox_put(m->from, m->n, (const char *const *)m->kv, m->topic);
	for (uint32_t i = 0; i < 2 * m->n; i++)
		free(m->kv[i]);
	free(m->kv);
	free(m->topic);
}

static void ran(void *ctx, const char *pack, const char *what, struct site site, uint64_t ns, bool ok)
{
	struct engine *en = ctx;

	en->runs++;
	if (en->ops.ran)
		en->ops.ran(en->ops.ctx, pack, what, site, ns, ok);
}

static int read_set(
	void *ctx, struct obj *set, void (*fn)(void *c, const struct setelem *el), void *c, struct err *e)
{
	struct engine *en = ctx;

	return en->ops.set_read ? en->ops.set_read(en->ops.ctx, set, fn, c, e)
				: err_set(e, -EOPNOTSUPP, "there is no kernel to read from");
}

static void attach_look(void *ctx, struct obj *set)
{
	struct engine *en = ctx;

	if (en->ops.attach_look)
		en->ops.attach_look(en->ops.ctx, set);
}

static int read_object(
	void *ctx, struct obj *o, void (*fn)(void *c, const struct object_want *o), void *c, struct err *e)
{
	struct engine *en = ctx;

	return en->ops.object_read(en->ops.ctx, o, fn, c, e);
}

/* ---- life ---- */

struct engine *engine_new(const struct engine_ops *ops, const char *state_dir)
{
	struct engine *en = xnew(struct engine);

	en->ops = *ops;
	en->state_dir = state_dir ? xstrdup(state_dir) : NULL;
	switches_open(en);
	en->mirror = mirror_new(&(struct mirror_ops){ .event = on_net_event, .ctx = en });
	en->queries = queries_new(en->mirror);
	en->rs = ruleset_new();
	ruleset_ifindex(en->rs, ifindex_of, en);
	ruleset_backs_off(en->rs);
	en->net_mode = NET_FILL;
	return en;
}

void engine_read_only(struct engine *en, const char *state_dir)
{
	en->read_only = true;
	free(en->state_dir);
	en->state_dir = xstrdup(state_dir);
}

void engine_free(struct engine *en)
{
	if (!en)
		return;
	en->open = true; /* nothing is to be woken any more */
	script_free(en->script);
	ruleset_free(en->rs);
	queries_free(en->queries);
	mirror_free(en->mirror);
	packs_free(&en->found, &en->specs);
	config_free(en->cfg);
	for (uint32_t i = en->emit_head; i < en->emits.n; i++)
		emit_free(&en->emits.v[i]);
	vec_free(&en->emits);
	drift_free(en);
	switches_free(&en->sw);
	first_event_free(en);
	buf_free(&en->event);
	buf_free(&en->dropped);
	free(en->state_dir);
	free(en);
}

struct mirror *engine_mirror(struct engine *en)
{
	return en->mirror;
}

struct ruleset *engine_ruleset(struct engine *en)
{
	return en->rs;
}

struct script *engine_script(struct engine *en)
{
	return en->script;
}

const struct config *engine_config(const struct engine *en)
{
	return en->cfg;
}

int engine_start(struct engine *en, struct config *cfg, const char *shipped_dir, struct err *e)
{
	struct script_limits limits = limits_of(cfg);
	struct script_ops ops = {
		.ctx = en,
		.need_kind = need_kind,
		.timer = script_timer,
		.watch_file = watch_file,
		.emit = emit,
		.heal_at = heal_at,
		.ran = ran,
		.set_read = en->ops.set_read ? read_set : NULL,
		.attach_look = attach_look,
		.object_read = en->ops.object_read ? read_object : NULL,
	};
	int rc = find_packs(en, cfg, shipped_dir, &en->found, &en->specs, e);

	if (rc < 0) {
		packs_free(&en->found, &en->specs);
		return rc;
	}
	rc = read_tables(en, e);
	if (rc < 0) {
		packs_free(&en->found, &en->specs);
		return rc;
	}
	if (en->ops.read_back)
		ruleset_suspect_all(en->rs);
	set_zones(en, cfg);
	need_kind(en, NET_LINK);
	en->script = script_new(en->rs, en->mirror, en->queries, &ops, &limits, en->state_dir);
	if (en->read_only)
		script_read_only(en->script);
	set_templates(en, cfg);
	ruleset_owner(en->rs, cfg->owner);
	en->net_mode = NET_RUN;
	disabled_load(en);
	txn_begin(en, ORIGIN_START, NULL);
	rc = script_load(en->script, en->specs.v, en->specs.n, true, "start", e);
	if (rc < 0) {
		txn_abort(en);
		script_switch(en->script, false);
		return rc;
	}
	rc = txn_end(en, false, e);
	script_switch(en->script, true);
	switches_settle(en, &en->specs);
	en->cfg = cfg;
	return rc;
}

void drop_kinds(struct engine *en)
{
	need_kinds(en, en->kinds & script_kinds(en->script));
}

struct dropped {
	struct buf *out;
	unsigned n;
};

static void dropped_line(void *ctx, struct site site, const char *what)
{
	struct dropped *d = ctx;

	if (d->n++ < DROPPED_MAX)
		buf_printf(d->out, "console: %s:%u: dropped: %s\n", site.file, site.line, what);
}

/* The console's statements end with a reload, unless a pack takes its name. */
static void list_dropped(struct engine *en, const pack_specs *specs)
{
	struct rpack *console = script_rpack(en->script, "console");
	struct dropped d = { .out = &en->dropped };

	buf_clear(&en->dropped);
	vec_foreach (s, specs)
		if (!strcmp(s->name, "console"))
			return;
	if (console)
		rpack_each(console, dropped_line, &d);
	if (d.n > DROPPED_MAX)
		buf_printf(&en->dropped, "console: … %u more\n", d.n - DROPPED_MAX);
}

static void log_dropped(const char *lines)
{
	while (*lines) {
		size_t n = strcspn(lines, "\n");

		log_warn("pack", "%.*s", (int)n, lines);
		lines += n + (lines[n] != 0);
	}
}

const char *engine_dropped(struct engine *en)
{
	return buf_str(&en->dropped);
}

bool engine_committed(const struct engine *en)
{
	return !en->retry_at;
}

int engine_reload(struct engine *en, struct config *cfg, const char *shipped_dir, struct err *e)
{
	struct script_limits before = script_limits_get(en->script), limits = limits_of(cfg);
	found_packs found = { 0 };
	pack_specs specs = { 0 };
	int rc = find_packs(en, cfg, shipped_dir, &found, &specs, e);

	if (rc == 0)
		rc = kernel_check(en, e);
	if (rc < 0) {
		packs_free(&found, &specs);
		return rc;
	}
	list_dropped(en, &specs);
	disabled_load(en);
	txn_begin(en, ORIGIN_RELOAD, NULL);
	en->net_mode = NET_FEED;
	set_zones(en, cfg);
	en->net_mode = NET_RUN;
	script_limits_set(en->script, &limits);
	set_templates(en, cfg);
	ruleset_owner(en->rs, cfg->owner);
	rc = script_load(en->script, specs.v, specs.n, false, "reload", e);
	if (rc < 0)
		txn_abort(en);
	else
		rc = txn_end(en, true, e);
	script_switch(en->script, rc == 0);
	if (rc < 0) {
		script_limits_set(en->script, &before);
		set_templates(en, en->cfg);
		ruleset_owner(en->rs, en->cfg->owner);
		/* The zones go back; what follows them runs again, and finds itself as it was. */
		txn_begin(en, ORIGIN_RELOAD, "reload undone");
		en->net_mode = NET_FEED;
		set_zones(en, en->cfg);
		en->net_mode = NET_RUN;
		txn_end(en, false, NULL);
		drop_kinds(en);
		packs_free(&found, &specs);
		buf_clear(&en->dropped);
		return rc;
	}
	log_dropped(engine_dropped(en));
	packs_free(&en->found, &en->specs);
	config_free(en->cfg);
	en->found = found;
	en->specs = specs;
	en->cfg = cfg;
	switches_settle(en, &en->specs);
	drop_kinds(en);
	return 0;
}

/* ---- doors ---- */

void engine_net_begin(struct engine *en)
{
	txn_begin(en, ORIGIN_EVENT, NULL);
}

void engine_net_end(struct engine *en)
{
	if (en->events)
		txn_end(en, false, NULL);
	else
		en->open = false;
}

void engine_net_resync(struct engine *en, const char *reason)
{
	en->events++;
	en->origin = ORIGIN_RESYNC;
	script_resync(en->script, reason);
}

static struct emit next_emit(struct engine *en)
{
	struct emit m = en->emits.v[en->emit_head++];
	uint32_t left = en->emits.n - en->emit_head;

	if (en->emit_head >= left) { /* each is moved once, on the average */
		if (left)
			memmove(en->emits.v, en->emits.v + en->emit_head, left * sizeof(m));
		en->emits.n = left;
		en->emit_head = 0;
	}
	if (!left)
		vec_free(&en->emits);
	return m;
}

static void deliver_emits(struct engine *en)
{
	uint64_t end = mono_ns() + EMITS_NS;
	unsigned n = 0;

	do {
		struct emit m = next_emit(en);

		/* Before its handlers: what answers it finds room. */
		outbox_put(m.from, m.n, (const char *const *)m.kv, m.topic);
		m.from = NULL;
		engine_message(en, m.topic, (const char *const *)m.kv, m.n, NULL);
		emit_free(&m);
	} while (en->emits.n && mono_ns() < end && ++n < EMITS_TURN);
}

void engine_wake(struct engine *en)
{
	uint64_t now = mono_ns(), expiry = ruleset_next_expiry(en->rs);

	if (en->emits.n)
		deliver_emits(en);
	if (expiry && expiry <= boot_ms()) {
		txn_begin(en, ORIGIN_EXPIRY, NULL);
		ruleset_expire(en->rs, boot_ms());
		txn_end(en, false, NULL);
	}
	if (en->script_at && en->script_at <= now) {
		en->script_at = 0;
		txn_begin(en, ORIGIN_TIMER, NULL);
		script_timers(en->script, now);
		txn_end(en, false, NULL);
	}
	if (en->heal_at && en->heal_at <= now) {
		en->heal_at = 0;
		txn_begin(en, ORIGIN_HEAL, NULL);
		if (script_heal(en->script, now)) {
			txn_end(en, false, NULL);
			script_switch(en->script, true);
		} else {
			txn_end(en, false, NULL);
		}
	}
	refused_wake(en);
	drift_late(en);
	drift_wake(en, now);
	if (en->owner_at && en->owner_at <= now)
		owners_wake(en);
	if (en->groups_at && en->groups_at <= now)
		groups_wake(en);
	if (en->retry_at && en->retry_at <= now) {
		en->retry_at = 0;
		txn_begin(en, ORIGIN_HEAL, "commit tried again");
		txn_end(en, false, NULL);
	}
	wake_update(en);
}

bool engine_tidy(struct engine *en, uint64_t ns)
{
	return script_tidy(en->script, mono_ns() + ns);
}

int engine_edit(
	struct engine *en, const char *pack, const char *set, const struct kept_edit *k, struct err *e)
{
	struct rpack *pk = script_rpack(en->script, pack);
	int rc;

	if (!pk)
		return err_set(e, -ENOENT, "there is no pack '%.64s'", pack);
	txn_begin(en, ORIGIN_MESSAGE, NULL);
	rc = rpack_edit(pk, set, k, e);
	txn_end(en, false, NULL);
	return rc;
}

void engine_timers_set(struct engine *en, const char *pack, const struct timer_info *t, uint32_t n)
{
	txn_begin(en, ORIGIN_TIMER, NULL);
	script_timers_set(en->script, pack, t, n);
	txn_end(en, false, NULL);
}

void engine_file_changed(struct engine *en, uint64_t token)
{
	txn_begin(en, ORIGIN_FILE, NULL);
	script_file_changed(en->script, token);
	txn_end(en, false, NULL);
}

int engine_message(struct engine *en, const char *topic, const char *const *kv, uint32_t n, struct err *e)
{
	unsigned handlers;
	int rc;

	txn_begin(en, ORIGIN_MESSAGE, topic);
	handlers = script_message(en->script, topic, kv, n);
	rc = txn_end(en, false, e);
	if (en->ops.message)
		en->ops.message(en->ops.ctx, topic, kv, n, handlers);
	return rc < 0 ? rc : (int)handlers;
}

int engine_plan(struct engine *en, const struct plan_view *view, struct err *e)
{
	struct plan p;
	struct rpack *culprit = NULL;
	int rc = ruleset_merge(en->rs, &culprit, e);

	if (rc == 0)
		rc = plan_make(en->rs, &p, e);
	if (rc < 0)
		return rc;
	plan_show(&p, view);
	plan_free(&p);
	return 0;
}

bool engine_unsure(struct engine *en)
{
	return en->ops.read_back && (ruleset_suspects(en->rs) || drift_owes(en));
}

int engine_plan_read(struct engine *en, bool all, const struct plan_view *view, struct err *e)
{
	struct rpack *culprit = NULL;
	struct read_back found;
	int rc = ruleset_merge(en->rs, &culprit, e);

	drift_settle(en);
	if (rc == 0 && all) {
		rc = read_tables(en, e);
		ruleset_suspect_all(en->rs);
	}
	ruleset_read_only_attached(en->rs, false);
	if (rc == 0)
		rc = en->ops.read_back(en->ops.ctx, &found, e);
	return rc < 0 ? rc : engine_plan(en, view, e);
}

void engine_stop(struct engine *en, const char *reason)
{
	txn_begin(en, ORIGIN_STOP, reason);
	script_stop(en->script, reason);
	txn_end(en, false, NULL);
}
