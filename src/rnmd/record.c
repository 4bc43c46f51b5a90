// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm record`: the state at its beginning, then everything that reaches the engine, and each commit, as
 * lines of engine/recording.h. Nothing is done while nobody records. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "rnmd/daemon.h"

#define CONFIG_MAX (4u << 20)

struct state {
	struct buf *out;
	uint64_t now;
	const struct script *script;
};

struct edits {
	struct state *s;
	const char *pack;
};

static void put_edit(void *ctx, const struct kept_edit *k)
{
	struct edits *d = ctx;
	_autofree_ char *set = xasprintf(
		"%s %s %s", nft_family_name(obj_family(k->set)), obj_table(k->set), obj_name(k->set));

	recording_put(d->s->out, d->s->now, REC_EDIT,
		(const char *[]){ d->pack, set, k->key, k->data, k->comment },
		(const uint64_t[]){ k->timeout_ms, k->left_ms });
	buf_putc(d->s->out, '\n');
}

static void put_pack(void *ctx, const char *pack, const char *state, uint64_t source)
{
	struct state *s = ctx;
	struct edits d = { s, pack };

	recording_put(s->out, s->now, REC_PACK, (const char *[]){ pack }, &source);
	buf_putc(s->out, '\n');
	recording_put(s->out, s->now, REC_STATE, (const char *[]){ pack, state }, NULL);
	buf_putc(s->out, '\n');
	rpack_edits(script_rpack(s->script, pack), put_edit, &d);
}

static void put_timer(void *ctx, const struct timer_info *t)
{
	struct state *s = ctx;
	uint64_t n[] = { t->site.line, t->at > s->now ? t->at - s->now : 0, t->every };

	recording_put(s->out, s->now, REC_TIMER, (const char *[]){ t->pack, t->site.file }, n);
	buf_putc(s->out, '\n');
}

static void put_records(struct daemon *d, struct state *s, unsigned kinds)
{
	static const enum net_kind order[] = { NET_LINK, NET_ADDR, NET_ROUTE, NET_RULE, NET_NEIGH };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		const struct tree *tree = mirror_tree(engine_mirror(d->engine), order[i]);
		struct tnode *n;

		for (uint32_t k = 0; kinds & 1u << order[i] && (n = tree_at(tree, k)) != NULL; k++) {
			recording_put_rec(s->out, s->now, REC_HAVE, container_of(n, struct net_rec, order));
			buf_putc(s->out, '\n');
		}
	}
}

int cmd_record(void *ctx, struct session *session, const char *args, struct buf *out, struct err *e)
{
	struct daemon *d = ctx;
	const struct config *cfg = engine_config(d->engine);
	struct state s = { out, mono_ns(), engine_script(d->engine) };
	_buf_ struct buf text = BUF_INIT, rules = BUF_INIT, switches = BUF_INIT;
	int rc;

	(void)args;
	if (!d->ready)
		return err_set(e, -EAGAIN, "not ready: the first commit failed and is tried again");
	rc = file_read(cfg->path, CONFIG_MAX, &text, e);
	if (rc < 0)
		return err_set(e, rc, "'%s': %s", cfg->path, strerror(-rc));
	rc = ruleset_text(engine_ruleset(d->engine), NULL, &rules, e);
	if (rc < 0)
		return rc;
	recording_put_head(out, s.now, wall_s(), d->kinds, cfg->path, buf_str(&text), text.n);
	buf_putc(out, '\n');
	put_records(d, &s, d->kinds);
	engine_switches_text(d->engine, &switches);
	recording_put(out, s.now, REC_SWITCHES, (const char *[]){ buf_str(&switches) }, NULL);
	buf_putc(out, '\n');
	script_states(engine_script(d->engine), put_pack, &s);
	script_timers_each(engine_script(d->engine), put_timer, &s);
	recording_put(out, s.now, REC_RULESET, (const char *[]){ buf_str(&rules) }, NULL);
	buf_putc(out, '\n');
	session_record(session);
	return 0;
}

/* ---- what happens ---- */

static bool records(const struct daemon *d)
{
	return d->control && control_has_recorders(d->control);
}

void record_step(struct daemon *d, enum rec_do what, const char *a, const char *b, const char *c)
{
	_buf_ struct buf line = BUF_INIT;

	if (!records(d))
		return;
	recording_put(&line, mono_ns(), what, (const char *[]){ a, b, c, NULL }, NULL);
	control_record(d->control, buf_str(&line));
}

void record_event(struct daemon *d, const struct net_event *ev)
{
	_buf_ struct buf line = BUF_INIT;

	if (!records(d))
		return;
	recording_put_rec(
		&line, mono_ns(), ev->after ? REC_SET : REC_DEL, ev->after ? ev->after : ev->before);
	control_record(d->control, buf_str(&line));
}

void record_kinds(struct daemon *d, unsigned kinds)
{
	_buf_ struct buf lines = BUF_INIT;
	struct state s = { &lines, mono_ns(), NULL };

	if (!kinds || !records(d))
		return;
	put_records(d, &s, kinds);
	if (lines.n) {
		lines.s[--lines.n] = '\0'; /* the last one's end comes with the publishing */
		control_record(d->control, lines.s);
	}
}

void record_message(struct daemon *d, const char *topic, const char *const *kv, uint32_t n)
{
	_buf_ struct buf line = BUF_INIT;

	if (!records(d))
		return;
	recording_put_message(&line, mono_ns(), topic, kv, n);
	control_record(d->control, buf_str(&line));
}

void record_commit(struct daemon *d, const struct txn_report *r)
{
	_buf_ struct buf line = BUF_INIT, event = BUF_INIT, text = BUF_INIT;
	uint64_t n[2] = { 0, r->plan ? r->plan->ops.n : 0 };

	if (!records(d))
		return;
	if (r->first)
		net_event_text(r->first, &event);
	else
		buf_puts(&event, r->event);
	if (r->plan)
		n[0] = plan_sum(r->plan, &text);
	recording_put(&line, mono_ns(), REC_COMMIT,
		(const char *[]){ origin_name(r->origin), buf_str(&event), buf_str(&text), r->error }, n);
	control_record(d->control, buf_str(&line));
}
