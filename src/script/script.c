// SPDX-License-Identifier: GPL-2.0-or-later
/* The module's front: loading all packs, and every source of work that the engine hands on. */
#include <errno.h>
#include <string.h>

#include "script/internal.h"
#include "script/live_mix.h"

#define SETTLE_ROUNDS 16 /* blocks that write what others read may set each other off this often */

const struct script_limits script_limits_default = {
	.hook_instructions = 10000000,
	.main_instructions = 100000000,
	.hook_ns = 100000000,
	.main_ns = 1000000000,
	.memory = 64u << 20,
	.statements = 100000,
	.timers = 1000,
	.emits = 1000,
};

struct script *script_new(struct ruleset *rs, struct mirror *m, struct query_set *qs,
	const struct script_ops *ops, const struct script_limits *lim, const char *state_dir)
{
	struct script *s = xnew(struct script);

	s->rs = rs;
	s->mirror = m;
	s->qs = qs;
	s->ops = *ops;
	s->lim = lim ? *lim : script_limits_default;
	s->state_dir = state_dir ? xstrdup(state_dir) : NULL;
	return s;
}

void script_read_only(struct script *s)
{
	s->read_only = true;
}

static void limbo_free(struct script *s)
{
	while (s->limbo.n)
		scope_drop(vec_pop(&s->limbo)); /* no pack any more: freed at once */
}

void script_limits_set(struct script *s, const struct script_limits *lim)
{
	s->lim = *lim;
}

static void templates_clear(struct script *s)
{
	while (s->template_dirs.n)
		free(vec_pop(&s->template_dirs));
}

void script_templates(struct script *s, const char *const *dirs)
{
	templates_clear(s);
	for (; *dirs; dirs++)
		vec_push(&s->template_dirs, xstrdup(*dirs));
}

struct script_limits script_limits_get(const struct script *s)
{
	return s->lim;
}

void script_free(struct script *s)
{
	if (!s)
		return;
	ruleset_begin(s->rs, "end");
	vec_foreach (pk, &s->packs)
		rpack_retire((*pk)->rp, NULL);
	ruleset_commit(s->rs);
	while (s->packs.n) {
		struct pack *pk = vec_pop(&s->packs);

		pack_free(pk, true);
	}
	limbo_free(s);
	files_orphan(s);
	lives_orphan(s);
	mixes_orphan(s);
	vec_free(&s->lagging);
	vec_free(&s->packs);
	vec_free(&s->old);
	vec_free(&s->replays);
	vec_free(&s->undoing);
	vec_free(&s->limbo);
	templates_clear(s);
	vec_free(&s->template_dirs);
	err_free(&s->load_err);
	free(s->state_dir);
	free(s);
}

/* ---- load ---- */

static struct pack *named(const struct pack *const *v, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(v[i]->spec.name, name) == 0)
			return (struct pack *)v[i];
	return NULL;
}

struct pack *pack_named(const struct script *s, const char *name)
{
	return named((const struct pack *const *)s->packs.v, s->packs.n, name);
}

/* What it borrowed of a configuration that is no more. */
static void pack_unconfigured(struct pack *pk)
{
	pk->spec.files = NULL;
	pk->spec.config = NULL;
	pk->spec.templates = NULL;
	pk->spec.n_templates = 0;
}

static int start_all(struct script *s, struct err *e)
{
	for (uint32_t i = 0; i < s->packs.n; i++) {
		struct pack *pk = s->packs.v[i];
		_err_ struct err pe = ERR_INIT;
		int rc;

		if (pk->carried)
			continue;
		if (holds_whole(pk->holds, pk->n_holds)) {
			pack_held(pk);
			continue;
		}
		rc = pack_start(pk, &pe);
		if (rc == 0)
			continue;
		if (!s->at_start)
			return err_set(e, rc, "pack %s: %s", pk->spec.name, err_text(&pe));
		rpack_rollback(pk->rp, 0);
		pack_failed(pk, err_text(&pe));
	}
	return 0;
}

int script_load(struct script *s, const struct pack_spec *specs, uint32_t n, bool at_start,
	const char *reason, struct err *e)
{
	s->loading = true;
	s->at_start = at_start;
	err_free(&s->load_err);
	for (uint32_t i = 0; i < s->packs.n; i++)
		vec_push(&s->old, s->packs.v[i]);
	vec_clear(&s->packs);
	for (uint32_t i = 0; i < n; i++) {
		struct pack *before = named((const struct pack *const *)s->old.v, s->old.n, specs[i].name);

		if (before && before->vm && holds_whole(specs[i].holds, specs[i].n_holds)) {
			before->carried = true;
			vec_push(&s->packs, before);
			continue;
		}
		vec_push(&s->packs, pack_new(s, &specs[i], before, false));
		vec_last(&s->packs)->strict = !at_start;
	}
	vec_foreach (old, &s->old) { /* all of them before the first statement: a name may move from one pack
					to another */
		struct pack *heir =
			named((const struct pack *const *)s->packs.v, s->packs.n, (*old)->spec.name);

		if ((*old)->carried)
			continue;
		(*old)->retired = true;
		rpack_retire((*old)->rp, heir ? heir->rp : NULL);
	}
	int rc = start_all(s, e);

	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < s->packs.n; i++)
		if (s->packs.v[i]->vm)
			hooks_lifecycle(s->packs.v[i], at_start ? EV_START : EV_RELOAD, reason);
	hooks_initial(s);
	script_settle(s);
	if (s->load_err.code) {
		err_set(e, s->load_err.code, "%s", err_text(&s->load_err));
		return s->load_err.code;
	}
	vec_foreach (pk, &s->packs)
		(*pk)->strict = false;
	return 0;
}

static void switch_load(struct script *s, bool committed)
{
	if (!s->loading)
		return;
	s->loading = false;
	if (committed) {
		while (s->old.n) {
			struct pack *pk = vec_pop(&s->old);

			if (!pk->carried)
				pack_free(pk, true);
		}
	} else {
		while (s->packs.n) {
			struct pack *pk = vec_pop(&s->packs);

			if (!pk->carried)
				pack_free(pk, false);
		}
		for (uint32_t i = 0; i < s->old.n; i++) {
			s->old.v[i]->retired = false;
			vec_push(&s->packs, s->old.v[i]);
		}
		vec_clear(&s->old);
	}
	vec_foreach (pk, &s->packs) {
		if ((*pk)->carried && committed)
			pack_unconfigured(*pk);
		(*pk)->carried = false;
	}
	err_free(&s->load_err);
}

void script_switch(struct script *s, bool committed)
{
	switch_load(s, committed);
	while (s->replays.n) {
		struct replay r = vec_last(&s->replays);

		if (!committed) {
			replay_undo(s, s->replays.n - 1);
			continue;
		}
		s->replays.n--;
		if (!r.asked)
			log_info("pack", "%s: healed by replay", r.new->spec.name);
		if (r.old)
			pack_free(r.old, true);
	}
	s->timers_dirty = true;
}

/* ---- work ---- */

void script_event(struct script *s, const struct net_event *ev)
{
	queries_feed(s->qs, ev);
	s->seq = ev->seq;
	if (s->needing) /* a dump that somebody waits for: no hook asked for this kind before */
		return;
	for (uint32_t i = 0; i < s->packs.n; i++)
		if (s->packs.v[i]->vm)
			hooks_event(s->packs.v[i], ev);
}

void script_resync(struct script *s, const char *reason)
{
	for (uint32_t i = 0; i < s->packs.n; i++)
		if (s->packs.v[i]->vm)
			hooks_lifecycle(s->packs.v[i], EV_RESYNC, reason);
}

void script_nft_change(struct script *s, const struct nft_generation *g)
{
	for (uint32_t i = 0; i < s->packs.n; i++)
		if (s->packs.v[i]->vm)
			hooks_nft(s->packs.v[i], g);
}

static void restless(struct pack *pk)
{
	while (pk->queue.n) {
		struct subject *sub = vec_last(&pk->queue);
		struct run r = {
			.pk = pk, .sub = sub, .kind = sub->kind == SCOPE_EACH ? RUN_EACH : RUN_BLOCK
		};
		_err_ struct err e = ERR_INIT;

		r.what = sub->kind == SCOPE_EACH ? "each" : "block";
		err_set(&e, -ELOOP,
			"does not come to rest: after %d rounds it is out of date again (does it write what "
			"it reads, through another block?)",
			SETTLE_ROUNDS);
		pack_unqueue(pk, sub);
		run_failed(&r, -ELOOP, &e);
	}
}

void script_settle(struct script *s)
{
	for (int round = 0; round < SETTLE_ROUNDS; round++) {
		bool any = false;

		live_settle(s);
		hooks_initial(s);
		for (uint32_t i = 0; i < s->packs.n; i++)
			any |= pack_settle(s->packs.v[i]);
		if (!any && !s->lagging.n && !s->hooks_initial)
			return;
		if (s->load_err.code)
			return;
	}
	for (uint32_t i = 0; i < s->packs.n; i++)
		restless(s->packs.v[i]);
}

unsigned script_message(struct script *s, const char *topic, const char *const *kv, uint32_t n)
{
	unsigned ran = 0;

	for (uint32_t i = 0; i < s->packs.n; i++)
		if (s->packs.v[i]->vm)
			ran += hooks_message(s->packs.v[i], topic, kv, n);
	return ran;
}

void script_timers(struct script *s, uint64_t now)
{
	timers_run(s, now);
	s->timers_dirty = true;
}

void script_file_changed(struct script *s, uint64_t token)
{
	file_changed(s, token);
}

void script_stop(struct script *s, const char *reason)
{
	for (uint32_t i = 0; i < s->packs.n; i++)
		if (s->packs.v[i]->vm)
			hooks_lifecycle(s->packs.v[i], EV_STOP, reason);
}

/* ---- what comes back from the end of a transaction ---- */

void script_culprit(struct script *s, struct rpack *rp, const char *why)
{
	for (uint32_t i = 0; i < s->replays.n; i++) {
		struct replay r = s->replays.v[i];

		if (!r.new || r.new->rp != rp || !r.old)
			continue;
		log_error("pack", "%s: replay failed: %s", r.old->spec.name, why);
		pack_error(r.old, xstrdup(why));
		r.old->errors++;
		rpack_rollback(r.old->rp, 0);
		replay_undo(s, i);
		return;
	}
	vec_foreach (p, &s->packs) {
		struct pack *pk = *p;

		if (pk->rp != rp)
			continue;
		if (s->loading && s->at_start) {
			pack_failed(pk, why);
		} else {
			pk->strict = s->loading;
			pack_fault(pk, why);
		}
		return;
	}
}

void script_refused(struct script *s, const char *name, const char *why)
{
	struct pack *pk = pack_named(s, name);

	if (!pk)
		return;
	pk->errors++;
	pack_error(pk, xasprintf("refused by the kernel: %s", why));
	pk->refused = true;
	pack_degraded(pk);
}

void script_txn_end(struct script *s, bool committed)
{
	uint64_t now = mono_ns(), next = 0;

	vec_foreach (p, &s->packs) {
		struct pack *pk = *p;

		if (pk->st) {
			if (committed)
				pstate_save_due(pk->st, now, &next);
			if (next)
				s->timers_dirty = true;
		}
		if (!pk->ran || !pk->vm)
			continue;
		pk->ran = false;
		vm_gc_step(pk->vm);
	}
	scopes_lost_free(s);
	limbo_free(s);
	timers_arm(s);
}

bool script_tidy(struct script *s, uint64_t until_ns)
{
	vec_foreach (p, &s->packs)
		if ((*p)->vm && vm_gc_tidy((*p)->vm, until_ns))
			return true;
	return false;
}

/* ---- asking ---- */

struct rpack *script_rpack(const struct script *s, const char *name)
{
	struct pack *pk = pack_named(s, name);

	return pk ? pk->rp : NULL;
}

static unsigned hook_kinds(const struct pack *pk)
{
	unsigned bits = 0;

	for (int ev = 0; ev < EV_COUNT; ev++)
		if (event_kind((enum event_id)ev) >= 0 && pk->hooks[ev].n)
			bits |= 1u << event_kind((enum event_id)ev);
	return bits;
}

unsigned script_kinds(const struct script *s)
{
	unsigned bits = 1u << NET_LINK | queries_kinds(s->qs);

	vec_foreach (pk, &s->packs)
		bits |= hook_kinds(*pk);
	vec_foreach (pk, &s->old)
		bits |= hook_kinds(*pk);
	vec_foreach (r, &s->replays)
		if (r->old)
			bits |= hook_kinds(r->old);
	return bits;
}

struct refused {
	const char *name;
	bool any;
};

static void refused_of(void *ctx, const struct pending *p)
{
	struct refused *r = ctx;

	r->any |= p->refused && strcmp(p->pack, r->name) == 0;
}

static void status_of(struct pack *pk, struct pack_status *st)
{
	_buf_ struct buf names = BUF_INIT;

	*st = (struct pack_status){
		.name = pk->spec.name,
		.path = pk->spec.path,
		.last_error = pk->last_error,
		.last_error_at = pk->last_error_at,
		.order = pk->spec.order,
		.trusted = pk->spec.trusted,
		.errors = pk->errors,
		.timers = pk->n_timers,
		.statements = rpack_stmts(pk->rp),
	};
	st->backs_off = rpack_backoff(pk->rp, &st->backoff);
	if (pk->vm) {
		st->calls = vm_calls(pk->vm);
		st->time_ns = vm_time_ns(pk->vm);
		st->memory = vm_memory(pk->vm);
	}
	vec_foreach (it, &pk->items) {
		if ((*it)->gone)
			continue;
		st->blocks += (*it)->kind == ITEM_BLOCK;
		st->eaches += (*it)->kind == ITEM_EACH;
	}
	for (int ev = 0; ev < EV_COUNT; ev++) {
		st->hooks += pk->hooks[ev].n;
		if (pk->hooks[ev].n)
			buf_printf(&names, "%son_%s", names.n ? ", " : "", event_name((enum event_id)ev));
	}
	free(pk->hook_names);
	pk->hook_names = buf_take(&names);
	st->hook_names = pk->hook_names ? pk->hook_names : "";
	if (pk->refused) {
		struct refused r = { pk->spec.name, false };

		ruleset_pending(pk->s->rs, refused_of, &r);
		pk->refused = r.any;
	}
	pack_degraded(pk);
	st->state = pk->state == PACK_DEGRADED && st->backoff.holds ? PACK_BACKING_OFF : pk->state;
}

bool script_any_failed(const struct script *s)
{
	vec_foreach (p, &s->packs)
		if ((*p)->state == PACK_FAILED || (*p)->n_holds)
			return true;
	return false;
}

void script_status(const struct script *s, void (*fn)(void *ctx, const struct pack_status *st), void *ctx)
{
	vec_foreach (pk, &s->packs) {
		struct pack_status st;

		status_of(*pk, &st);
		fn(ctx, &st);
	}
}
