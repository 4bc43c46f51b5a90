// SPDX-License-Identifier: GPL-2.0-or-later
/* Random transactions: what packs say, in every order, with savepoints, rollbacks, reloads, dry runs,
 * refusals and failures; after each the kernel holds what the model says. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "nft/readback.h"
#include "testing/rs_random.h"

#define READS_MAX 3 /* what is read may tell of more to read */

bool fail(struct world *w, const char *fmt, ...)
{
	size_t n = strlen(w->fail);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->fail + n, sizeof(w->fail) - n, fmt, ap);
	va_end(ap);
	return false;
}

uint32_t rnd(struct world *w, uint32_t n)
{
	uint64_t z = (w->rnd += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)((z ^ z >> 31) % n);
}

struct world *world_new(uint64_t seed, struct nft_conn *conn, struct nft_conn *others)
{
	struct world *w = xnew(struct world);

	w->rs = ruleset_new();
	w->conn = conn;
	w->others = others;
	w->rough = others != NULL;
	w->seed = w->rnd = seed;
	memset(w->fashion_set, 1, sizeof(w->fashion_set));
	memset(w->fashion_chain, 1, sizeof(w->fashion_chain));
	memset(w->fashion_object, 1, sizeof(w->fashion_object));
	memset(w->fashion_flow, 1, sizeof(w->fashion_flow));
	memset(w->fashion_table, 1, sizeof(w->fashion_table));
	memset(w->type, -1, sizeof(w->type));
	live_init(w);
	w->backs_off = rnd(w, 2);
	w->sick = (int)rnd(w, N_PACKS);
	if (w->backs_off)
		ruleset_backs_off(w->rs);
	return w;
}

static bool referenced(const struct pack_said *packs, const struct scope *sc)
{
	for (int i = 0; i < N_PACKS; i++)
		for (int k = 0; k < N_SCOPES; k++)
			if (packs[i].scope[k].sc == sc)
				return true;
	return false;
}

/* Scopes and packs that the end of the transaction leaves without an owner. */
void world_sweep(struct world *w)
{
	for (uint32_t i = 0; i < w->rs->packs.n; i++) {
		struct rpack *pk = w->rs->packs.v[i];
		bool mine = false;

		for (uint32_t k = 0; k < pk->scopes.n; k++)
			if (!referenced(w->pack, pk->scopes.v[k]))
				scope_drop(pk->scopes.v[k]);
		for (int k = 0; k < N_PACKS; k++)
			mine |= w->pack[k].rp == pk;
		if (!mine && !pk->retired)
			rpack_drop(pk);
	}
}

static void world_commit(struct world *w)
{
	world_sweep(w);
	ruleset_commit(w->rs);
	memcpy(w->begun, w->pack, sizeof(w->pack));
}

void world_free(struct world *w)
{
	for (int i = 0; i < N_PACKS; i++) {
		if (w->pack[i].rp)
			rpack_retire(w->pack[i].rp, NULL);
		memset(&w->pack[i], 0, sizeof(w->pack[i]));
	}
	world_sweep(w);
	ruleset_commit(w->rs);
	ruleset_free(w->rs);
	sim_free(&w->k);
	buf_free(&w->told);
	nft_conn_free(w->conn);
	nft_conn_free(w->others);
	disabled_list_free(&w->off);
	vec_free(&w->disabled);
	free(w);
}

/* ---- the end of a transaction ---- */

static void undo_pack(struct world *w, int i)
{
	struct rpack *now = w->pack[i].rp, *before = w->begun[i].rp;

	rpack_rollback(now, 0);
	if (before && before != now)
		rpack_rollback(before, 0);
	w->pack[i] = w->begun[i];
}

/* Lasting edits of a reloaded pack that states the set no more are gone. */
static void forget_unstated(struct world *w)
{
	for (int i = 0; i < N_PACKS; i++)
		for (int t = 0; t < N_TABLES; t++)
			for (int s = 0; s < N_SETS; s++) {
				if (!w->begun[i].rp || w->pack[i].rp == w->begun[i].rp ||
					model_declares(&w->pack[i], SAID_SET, t, s))
					continue;
				for (int k = 0; k < 2 * N_KEYS; k++) {
					struct edited *ed = &w->pack[i].edit[k % 2][t][s][k / 2];

					ed->on &= !ed->lasting;
				}
				for (int type = 0; type < 2; type++)
					if (w->pack[i].follows[type][t][s] & 128)
						w->pack[i].follows[type][t][s] = 0;
			}
}

/* Edits of a type that is another now are gone too. */
static void forget_types(struct world *w)
{
	for (int t = 0; t < N_TABLES; t++)
		for (int s = 0; s < N_SETS; s++) {
			int type = model_type(w, t, s);

			if (type < 0)
				continue;
			for (int i = 0; i < N_PACKS; i++)
				memset(w->pack[i].edit[!type][t][s], 0, sizeof(w->pack[i].edit[0][0][0]));
			w->type[t][s] = type;
		}
}

static bool merge(struct world *w)
{
	for (int round = 0; round <= N_PACKS; round++) {
		_err_ struct err e = ERR_INIT;
		struct rpack *culprit = NULL;

		bool ok;

		forget_unstated(w);
		ok = ruleset_merge(w->rs, &culprit, &e) == 0;
		if (ok && ruleset_owner_asked(w->rs)) {
			ruleset_owner_can(w->rs, nft_persists(w->conn));
			ok = ruleset_merge(w->rs, &culprit, &e) == 0;
		}
		if (ok)
			return model_conflict(w, true) ? fail(w, "a conflict over %s went unseen", w->quarrel)
						       : true;
		if (!model_conflict(w, false))
			return fail(w, "no conflict, but: %s", err_text(&e));
		w->culprits++;
		for (int i = 0; i < N_PACKS; i++)
			if (w->pack[i].rp == culprit) {
				undo_pack(w, i);
				break;
			} else if (i == N_PACKS - 1) {
				return fail(w, "nobody's pack is to blame: %s", err_text(&e));
			}
	}
	return fail(w, "merge does not end");
}

bool world_undo(struct world *w)
{
	struct rpack *culprit;
	_err_ struct err e = ERR_INIT;

	ruleset_rollback(w->rs);
	memcpy(w->pack, w->begun, sizeof(w->pack));
	if (ruleset_merge(w->rs, &culprit, &e) < 0)
		return fail(w, "merge after a rollback: %s", err_text(&e));
	return true;
}

static void want_handles(void *ctx, struct obj *chain)
{
	struct world *w = ctx;
	struct sim_obj *o = sim_find(&w->k, OBJ_CHAIN, obj_family(chain), obj_table(chain), obj_name(chain));
	uint64_t *h = xcalloc(o ? o->rules.n + 1 : 1, sizeof(*h));

	for (uint32_t i = 0; o && i < o->rules.n; i++)
		h[i] = o->rules.v[i].handle;
	ruleset_handles(w->rs, chain, h, o ? o->rules.n : 0);
	free(h);
}

static void tell_plan(struct world *w, const struct plan *p, const struct commit_result *r)
{
	for (uint32_t i = 0; i < p->ops.n; i++) {
		_buf_ struct buf text = BUF_INIT;
		struct plan one = { .rs = p->rs, .ops = { .v = &p->ops.v[i], .n = 1 } };

		plan_text(&one, PLAN_BARE, &text);
		fail(w, "\n%d %s", r->op_err ? r->op_err[i] : 0, buf_str(&text));
	}
}

static bool look_again(struct world *w)
{
	_err_ struct err e = ERR_INIT;
	bool known[N_TABLES][N_SETS];

	for (int i = 0; i < N_TABLES * N_SETS; i++)
		known[i / N_SETS][i % N_SETS] = elements_known(w, i / N_SETS, i % N_SETS);
	if (ruleset_read_back(w->rs, w->conn, NULL, &e) < 0)
		return fail(w, "reading back: %s", err_text(&e));
	for (int i = 0; i < N_TABLES * N_SETS; i++)
		if (!known[i / N_SETS][i % N_SETS] && elements_known(w, i / N_SETS, i % N_SETS))
			find_timed(w, i / N_SETS, i % N_SETS);
	return true;
}

/* 1 sent or nothing to send; 0 once more; negative: failed. */
static int try_commit(struct world *w)
{
	struct commit_result r = { 0 };
	_buf_ struct buf text = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct plan p;
	bool look = false, same, others;
	int rc = 0;

	if (!merge(w))
		return -EPROTO;
	for (int i = 0; i < N_PACKS; i++)
		w->backed += pack_holds_back(w, i);
	for (int i = 0; i < READS_MAX && ruleset_suspects(w->rs); i++) {
		look = true;
		if (!look_again(w) || !merge(w))
			return -EPROTO;
	}
	adopt(w);
	same = (look || w->released) && !w->rs->hold_deletes && as_wanted(w);
	w->released = false;
	if (plan_make(w->rs, &p, NULL) < 0)
		return -EPROTO;
	vec_foreach (op, &p.ops)
		w->anew |= op->recreate;
	vec_foreach (op, &p.ops) /* sets of live lists are numbered as they come */
		same &= !op->name || op->name[0] != '_';
	if (w->tell)
		plan_text(&p, PLAN_SITE, &w->told);
	if (p.ops.n && w->conn)
		rc = nft_commit(w->conn, &p, false, &r, &e);
	if (p.ops.n && rc == 0 && same)
		rc = fail(w, "all was as it was to be, but:") - EPROTO;
	if (p.ops.n && rc == 0)
		rc = sim_commit(w, &p, &r);
	if (rc == 0) {
		plan_ack(&p, &r);
		w->sent += p.ops.n > 0;
		w->ops += p.ops.n;
		rc = 1;
	} else if (rc == -EBADMSG && plan_detach(&p, &r, &others) && !others) {
		rc = 0;
	} else if (rc == -EBADMSG && !sent_as_it_should(w, &p, &r)) {
		rc = -EPROTO;
	} else if (rc == -EBADMSG && plan_refuse(&p, &r, true, &text)) {
		w->refusals++;
		rc = 0;
		if (w->conn)
			for (uint32_t i = 0; i < p.ops.n; i++)
				if (r.op_err[i] && r.op_err[i] != -ENOENT)
					rc = -EPROTO;
		if (rc)
			fail(w, "the kernel refused: %s", buf_str(&text));
	} else if (!w->fail[0]) {
		fail(w, "commit: %d %s", rc, err_text(&e));
	}
	if (rc < 0)
		tell_plan(w, &p, &r);
	plan_free(&p);
	commit_result_free(&r);
	return rc;
}

/* A plan with nothing new is empty; with all touched as well. */
static bool check_idle(struct world *w, bool all)
{
	_buf_ struct buf text = BUF_INIT;
	struct plan p;
	uint32_t n;

	ruleset_begin(w->rs, "idle");
	if (all)
		vec_foreach (o, &w->rs->all) {
			obj_dirty(*o);
			obj_changed(*o);
			for (uint32_t i = 0; (*o)->elems && i < (*o)->elems->n; i++)
				if (elem_at((*o)->elems, i)->flags & E_USED)
					elem_touch((*o)->elems, i);
			vec_foreach (st, &(*o)->rules)
				(*st)->stale = true;
		}
	if (!merge(w))
		return false;
	plan_make(w->rs, &p, NULL);
	n = p.ops.n;
	plan_text(&p, PLAN_BARE, &text);
	if (!n)
		plan_ack(&p, &(struct commit_result){ 0 });
	plan_free(&p);
	ruleset_commit(w->rs);
	return n ? fail(w, "idle%s, but:\n%s", all ? ", all touched" : "", buf_str(&text)) : true;
}

bool world_rests(struct world *w)
{
	return kernel_like(w) && check_idle(w, !w->rs->hold_deletes && rnd(w, 4) == 0);
}

static bool dry_run(struct world *w)
{
	struct plan p;

	w->dry++;
	if (!merge(w) || plan_make(w->rs, &p, NULL) < 0)
		return false;
	plan_free(&p);
	return world_undo(w);
}

bool world_finish(struct world *w)
{
	int rc = 0;

	for (int round = 0; rc == 0 && round < 40; round++)
		rc = try_commit(w);
	if (rc <= 0)
		return w->fail[0] ? false : fail(w, "the kernel refuses for ever");
	for (int i = 0; i < N_PACKS * 2 * N_TABLES * N_SETS; i++) /* replace(live) was once */
		said_settle(w, i % N_PACKS, i / N_PACKS % 2, i / N_PACKS / 2 % N_TABLES,
			i / N_PACKS / 2 / N_TABLES);
	forget_types(w);
	if (!w->rs->hold_deletes)
		memset(w->found, 0, sizeof(w->found));
	ruleset_handles_wanted(w->rs, want_handles, w);
	world_commit(w);
	model_quarrels(w);
	w->commits++;
	return true;
}

/* ---- transactions ---- */

static bool step(struct world *w, uint32_t *reloaded)
{
	int i = (int)rnd(w, N_PACKS);
	struct pack_said before;
	uint32_t mark;

	if (!w->pack[i].rp) {
		*reloaded |= 1u << i;
		return say_reload(w, i, false);
	}
	if (rnd(w, 4) == 0 && !w->frozen)
		live_change(w, &w->live[rnd(w, N_LIVES)]);
	if (rnd(w, 40) == 0)
		w->fashion_set[rnd(w, N_TABLES)][rnd(w, N_SETS)] = (uint8_t)(1 + rnd(w, 4));
	if (rnd(w, 40) == 0)
		w->fashion_object[rnd(w, N_TABLES)][rnd(w, N_OBJECTS)] = (uint8_t)(1 + rnd(w, 3));
	if (rnd(w, 40) == 0)
		w->fashion_flow[rnd(w, N_TABLES)][rnd(w, N_FLOWS)] = (uint8_t)(1 + rnd(w, 3));
	if (rnd(w, 20) == 0)
		w->fashion_table[rnd(w, N_TABLES)] = (uint8_t)(1 + rnd(w, 2));
	if (rnd(w, 60) == 0)
		w->fashion_chain[rnd(w, N_TABLES)][0] = (uint8_t)(1 + rnd(w, 3));
	if (rnd(w, 25) == 0 && !(*reloaded & 1u << i)) {
		*reloaded |= 1u << i;
		w->reloads++;
		return say_reload(w, i, rnd(w, 2));
	}
	before = w->pack[i];
	mark = rpack_mark(before.rp);
	for (uint32_t n = 1 + rnd(w, 3); n; n--)
		if (!say_something(w, i))
			return false;
	if (rnd(w, 6) == 0) {
		rpack_rollback(before.rp, mark);
		w->pack[i] = before;
		w->rolled++;
	}
	return true;
}

/* All packs go: nothing is left. */
bool world_end(struct world *w)
{
	ruleset_begin(w->rs, "end");
	for (int i = 0; i < N_PACKS; i++) {
		if (w->pack[i].rp)
			rpack_retire(w->pack[i].rp, NULL);
		memset(&w->pack[i], 0, sizeof(w->pack[i]));
	}
	for (int round = 0, rc = 0; rc <= 0 && round < 40; round++) {
		rc = try_commit(w);
		if (rc < 0)
			return false;
	}
	world_commit(w);
	return w->k.objs.n ? fail(w, "%u objects are left at the end", w->k.objs.n) : attached_end(w);
}

bool world_txn(struct world *w)
{
	uint32_t reloaded = 0, how;

	w->step++;
	if (!w->conn && rnd(w, 4) == 0)
		clock_skew_ns += (int64_t)(2 + 2 * rnd(w, 5)) *
				 1000000000; /* timeouts are odd: nothing ends just now */
	w->now = boot_ms();
	w->frozen = w->anew = false;
	for (int t = 0; t < N_TABLES; t++)
		for (int s = 0; s < N_SETS; s++)
			w->typed[t][s] = model_type(w, t, s) >= 0;
	if (w->rough && rnd(w, 10) == 0 && !begin_anew(w))
		return false;
	if (w->rough && rnd(w, 3) == 0 && !meddle(w))
		return false;
	if (!try_again(w) || (!w->conn && rnd(w, 40) == 0 && !wait_out(w)))
		return false;
	w->now = boot_ms();
	ruleset_begin(w->rs, "test");
	if (ruleset_next_expiry(w->rs) && ruleset_next_expiry(w->rs) <= w->now)
		ruleset_expire(w->rs, w->now);
	if (w->rough && rnd(w, 40) == 0) {
		w->owner = !w->owner;
		ruleset_owner(w->rs, w->owner);
	}
	if (rnd(w, 6) == 0 && !switch_rule(w))
		return false;
	for (uint32_t n = 1 + rnd(w, 4); n; n--)
		if (!step(w, &reloaded))
			return false;
	how = rnd(w, 12);
	if (how == 0 && !dry_run(w))
		return false;
	if (how == 1 && (w->rolled++, !world_undo(w)))
		return false;
	return world_finish(w) && model_check(w) && world_rests(w);
}
