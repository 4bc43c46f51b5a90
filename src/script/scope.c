// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs: one entry into Lua, one savepoint; what it states and makes replaces what the run before did. And the
 * rounds that bring everything up to date before the merge. */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/blackbox.h"
#include "script/check.h"
#include "script/internal.h"

struct subject *subject_new(struct pack *pk, enum scope_kind kind, struct item *item)
{
	struct subject *sub = xnew(struct subject);

	sub->pk = pk;
	sub->kind = kind;
	sub->item = item;
	return sub;
}

static void clear_failed(struct subject *sub)
{
	if (!sub->failed)
		return;
	sub->failed = false;
	sub->fails = 0;
	sub->retry_at = 0;
	sub->pk->n_failed--;
	pack_degraded(sub->pk);
}

void pack_unqueue(struct pack *pk, struct subject *sub)
{
	for (uint32_t i = 0; i < pk->queue.n; i++)
		if (pk->queue.v[i] == sub) {
			vec_remove(&pk->queue, i);
			i--;
		}
	for (uint32_t i = 0; i < pk->taken.n; i++)
		if (pk->taken.v[i] == sub)
			pk->taken.v[i] = NULL;
	sub->queued = false;
}

static void wrote_clear(struct subject *sub)
{
	vec_foreach (k, &sub->wrote)
		free(*k);
	vec_clear(&sub->wrote);
}

void subject_free(struct subject *sub, bool dropped)
{
	if (sub->sc && !dropped)
		vec_push(&sub->pk->lost, sub->sc);
	clear_failed(sub);
	if (sub->queued)
		pack_unqueue(sub->pk, sub);
	while (sub->deps) {
		struct dep *d = sub->deps;

		sub->deps = d->next;
		dep_free(d);
	}
	while (sub->made.n)
		item_destroy(sub->made.v[sub->made.n - 1]);
	vec_free(&sub->made);
	wrote_clear(sub);
	vec_free(&sub->wrote);
	free(sub);
}

void scopes_lost_free(struct script *s)
{
	vec_foreach (p, &s->packs)
		for (uint32_t i = (*p)->lost.n; i-- > 0;)
			if (!scope_stmts((*p)->lost.v[i])) {
				scope_free((*p)->lost.v[i]);
				vec_remove(&(*p)->lost, i);
			}
}

void subject_stale(struct subject *sub)
{
	if (!sub->item || sub->kind == SCOPE_HOOK) /* those run for events only */
		return;
	if (sub->withdrawn) /* what it read may still change; a rollback asks again */
		return;
	sub->stale = true;
	if (sub->queued)
		return;
	sub->queued = true;
	vec_push(&sub->pk->queue, sub);
}

/* ---- a record's or an object's subject that goes ---- */

static struct hmap *subject_map(struct subject *sub)
{
	return sub->item->kind == ITEM_EACH ? &((struct each *)sub->item)->recs
					    : &((struct hook *)sub->item)->objs;
}

static void left_undo(void *obj, uint64_t a, uint64_t b)
{
	struct subject *sub = obj;
	struct hmap *m = subject_map(sub);
	struct subject *twin = subject_find(m, &sub->key);

	(void)a, (void)b;
	sub->withdrawn = false;
	if (twin) { /* the record came back meanwhile; what the twin stated is rolled back by now */
		hmap_del_item(m, net_key_hash(&twin->key), twin);
		sub->left = twin->left;
		subject_free(twin, false);
	}
	subject_put(m, sub);
	if (sub->kind == SCOPE_EACH)
		subject_stale(sub);
}

static void left_commit(void *obj, uint64_t a, uint64_t b)
{
	(void)a, (void)b;
	subject_free(obj, true);
}

static const struct jtype jt_left = { "subject left", left_undo, left_commit };

void subject_withdraw(struct subject *sub)
{
	for (uint32_t i = 0; i < sub->made.n; i++)
		item_cancel(sub->made.v[i]);
	if (sub->sc)
		scope_drop(sub->sc);
	hmap_del_item(subject_map(sub), net_key_hash(&sub->key), sub);
	sub->withdrawn = true;
	journal_push(rpack_journal(sub->pk->rp), &jt_left, sub, 0, 0);
}

/* ---- runs ---- */

static void ran_undo(void *obj, uint64_t a, uint64_t b)
{
	(void)a, (void)b;
	subject_stale(obj); /* the mirror is not rolled back: its statements are of another time now */
}

static const struct jtype jt_ran = { "ran", ran_undo, NULL };

static void run_begin(struct run *r)
{
	struct subject *sub = r->sub;
	struct pack *pk = r->pk;

	r->id = ++pk->s->run_ids;
	pk->run = r;
	pk->ran = true;
	ruleset_run(pk->s->rs, r->kind == RUN_TIMER ? "timer" : r->what); /* a timer's text is its own */
	/* while it runs, what it stated before counts as well */
	pk->stmts_allowed = pk->s->lim.statements + (sub && sub->sc ? scope_stmts(sub->sc) : 0);
	if (!sub)
		return;
	sub->running = true;
	sub->stale = false;
	journal_push(rpack_journal(pk->rp), &jt_ran, sub, 0, 0);
	deps_begin(sub);
	wrote_clear(sub);
	for (uint32_t i = 0; i < sub->made.n; i++)
		item_cancel(sub->made.v[i]);
	if (!sub->sc && sub->kind == SCOPE_EACH) {
		struct each *ea = (struct each *)sub->item;

		sub->sc = scope_new(pk->rp, SCOPE_EACH, ea->parent, ea->seq, sub->key.b, sub->key.n);
	} else if (!sub->sc && sub->kind == SCOPE_BLOCK && sub->item) {
		struct block *b = (struct block *)sub->item;

		sub->sc = scope_new(pk->rp, SCOPE_BLOCK, b->parent, b->seq, NULL, 0);
	}
	if (sub->sc && sub->item)
		scope_tell(sub->sc, r->what, sub->item->site);
	if (sub->sc)
		scope_run_begin(sub->sc);
}

static int run_check_limits(struct pack *pk, struct err *e)
{
	if (rpack_stmts(pk->rp) > pk->s->lim.statements)
		return err_set(e, -EDQUOT, "the pack states more than %u things (limits.statements)",
			pk->s->lim.statements);
	return 0;
}

int run_do(struct run *r, lua_CFunction fn, struct err *e)
{
	struct pack *pk = r->pk;
	const struct script_limits *lim = &pk->s->lim;
	uint32_t mark = rpack_mark(pk->rp);
	bool main = r->kind == RUN_MAIN || r->kind == RUN_EVAL;
	struct vm_limits vl = { main ? lim->main_instructions : lim->hook_instructions,
		main ? lim->main_ns : lim->hook_ns };
	struct subject *sub;
	uint64_t spent;
	int rc;

	if (run_held(r)) {
		if (r->sub)
			r->sub->stale = false;
		return 0;
	}
	run_begin(r);
	spent = vm_time_ns(pk->vm);
	run_mark(r);
	rc = vm_enter(pk->vm, fn, r, &vl, e);
	if (blackbox)
		blackbox_leave();
	if (rc == 0)
		rc = run_check_limits(pk, e);
	if (pk->s->ops.ran) {
		const struct item *it = run_item(r);

		pk->s->ops.ran(pk->s->ops.ctx, pk->spec.name, r->what,
			ruleset_site_get(pk->s->rs, it ? it->site : 0), vm_time_ns(pk->vm) - spent, rc == 0);
	}
	sub = r->sub; /* a hook makes its subject with its first statement */
	if (rc < 0)
		rpack_rollback(pk->rp, mark);
	if (sub && sub->sc && scope_running(sub->sc))
		scope_run_end(sub->sc, rc == 0);
	pk->run = NULL;
	ruleset_run(pk->s->rs, NULL);
	if (!sub)
		return rc;
	sub->running = false;
	deps_end(sub, rc == 0);
	if (rc < 0) {
		pack_unqueue(
			pk, sub); /* the rollback put it there; only a change or its time runs it again */
		sub->stale = false;
	} else {
		clear_failed(sub);
		if (sub->item && sub->item->gone && sub->sc)
			scope_drop(sub->sc);
	}
	return rc;
}

/* ---- where a statement goes ---- */

static uint32_t hook_seq(const struct hook *h)
{
	return 0x80000000u | (uint32_t)h->ev << 20 |
	       (h->rank & 0xfffff); /* after all that the main chunk's run counted */
}

struct scope *run_scope_now(struct run *r)
{
	struct pack *pk = r->pk;
	struct subject *sub = r->sub;

	if (r->kind == RUN_HOOK && !sub) {
		sub = subject_new(pk, SCOPE_HOOK, &r->hook->it);
		net_rec_key(r->rec, &sub->key);
		sub->sc = scope_new(pk->rp, SCOPE_HOOK, NULL, hook_seq(r->hook), sub->key.b, sub->key.n);
		subject_put(&r->hook->objs, sub); /* stays if this run fails: the next event finds it */
		sub->running = true;
		scope_tell(sub->sc, r->what, r->hook->it.site);
		scope_run_begin(sub->sc);
		r->sub = sub;
	}
	return sub ? sub->sc : NULL;
}

struct scope *run_scope(lua_State *L, struct pack *pk, const char *fn)
{
	static const char *const where[] = { [RUN_LIFECYCLE] = "lifecycle hooks",
		[RUN_MESSAGE] = "on_message",
		[RUN_TIMER] = "timers",
		[RUN_MAP] = "a function of q:map()" };
	struct run *r = pk->run;

	run_writes(L, pk, fn);
	if (r->kind == RUN_LIFECYCLE || r->kind == RUN_MESSAGE || r->kind == RUN_TIMER || r->kind == RUN_MAP)
		luaL_error(L,
			"%s: nothing can be stated in %s, for there is no object that it would belong to; "
			"state it in the main chunk or in an rnm.block()",
			fn, where[r->kind]);
	if (rpack_stmts(pk->rp) > pk->stmts_allowed)
		luaL_error(L, "%s: the pack states more than %d things (limits.statements)", fn,
			(int)pk->s->lim.statements);
	return run_scope_now(r);
}

bool run_states_elements(const struct run *r)
{
	return r->kind == RUN_MAIN || r->kind == RUN_BLOCK || r->kind == RUN_EACH;
}

/* ---- bringing up to date ---- */

static int call_block(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);

	lua_ref_push(L, r->fn);
	lua_call(L, 0, 0);
	return 0;
}

static int call_each(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);

	lua_ref_push(L, r->fn);
	push_record(L, r->rec);
	lua_call(L, 1, 0);
	return 0;
}

static void subject_run(struct subject *sub)
{
	struct pack *pk = sub->pk;
	struct run r = { .pk = pk, .sub = sub, .fn = &sub->item->fn };
	_err_ struct err e = ERR_INIT;
	int rc;

	if (sub->kind == SCOPE_EACH) {
		struct each *ea = (struct each *)sub->item;

		r.kind = RUN_EACH;
		r.what = "each";
		r.rec = rec_find(pk->s->mirror, query_filters(ea->q)->kind, &sub->key);
		if (!r.rec)
			return;
		rc = run_do(&r, call_each, &e);
	} else {
		r.kind = RUN_BLOCK;
		r.what = "block";
		rc = run_do(&r, call_block, &e);
	}
	if (rc < 0)
		run_failed(&r, rc, &e);
}

static int subject_order(const void *a, const void *b)
{
	const struct subject *x = *(struct subject *const *)a, *y = *(struct subject *const *)b;
	int c;

	if (x->kind != y->kind)
		return x->kind == SCOPE_EACH ? -1 : 1;
	if (x->item != y->item)
		return x->item->order < y->item->order ? -1 : 1;
	c = memcmp(x->key.b, y->key.b, x->key.n < y->key.n ? x->key.n : y->key.n);
	return c ? c : (int)x->key.n - (int)y->key.n;
}

bool pack_settle(struct pack *pk)
{
	if (!pk->queue.n || !pk->vm || pk->retired)
		return false;
	__typeof__(pk->queue) spare = pk->taken;

	pk->taken = pk->queue;
	pk->queue = spare;
	if (pk->taken.n > 1)
		qsort(pk->taken.v, pk->taken.n, sizeof(*pk->taken.v), subject_order);
	for (uint32_t i = 0; i < pk->taken.n; i++) {
		struct subject *sub = pk->taken.v[i];

		pk->taken.v[i] = NULL;
		if (!sub) /* went meanwhile */
			continue;
		sub->queued = false;
		if (sub->item->gone)
			continue;
		if (sub->left)
			subject_withdraw(sub);
		else if (sub->stale)
			subject_run(sub);
		if (pk->strict_hit)
			break;
	}
	vec_foreach (p, &pk->taken)
		if (*p) { /* of a load that failed on the way */
			(*p)->queued = false;
			*p = NULL;
		}
	vec_clear(&pk->taken);
	return true;
}
