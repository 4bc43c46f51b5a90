// SPDX-License-Identifier: GPL-2.0-or-later
/* The gate: every source of work becomes one transaction, and every transaction at most one batch. */
#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/core.h"

#define MERGE_ROUNDS                                                                                         \
	256 /* each undoes one pack's share, so it ends by itself; this is for what nobody thought of */
#define COMMIT_ROUNDS 64
#define READS_MAX     3
#define RESTARTS_MAX  8 /* the sender gives up to ask for a generation before that */
#define RETRY_MAX_S   60
#define GROUPS_NS     1000000000u

const char *origin_name(enum origin o)
{
	switch (o) {
	case ORIGIN_START: return "start";
	case ORIGIN_EVENT: return "event";
	case ORIGIN_RESYNC: return "resync";
	case ORIGIN_RELOAD: return "reload";
	case ORIGIN_HEAL: return "heal";
	case ORIGIN_TIMER: return "timer";
	case ORIGIN_MESSAGE: return "message";
	case ORIGIN_FILE: return "file";
	case ORIGIN_EXPIRY: return "expiry";
	case ORIGIN_EVAL: return "eval";
	case ORIGIN_DRIFT: return "drift";
	case ORIGIN_NFT: return "nft";
	case ORIGIN_ADOPT: return "adopt";
	case ORIGIN_STOP: return "stop";
	}
	return "?";
}

void first_event_free(struct engine *en)
{
	net_rec_free((struct net_rec *)en->first.before);
	net_rec_free((struct net_rec *)en->first.after);
	en->first.before = en->first.after = NULL;
}

void txn_begin(struct engine *en, enum origin origin, const char *event)
{
	en->open = true;
	en->origin = origin;
	en->events = en->runs = 0;
	en->began = mono_ns();
	en->script_ns = 0;
	buf_clear(&en->event);
	if (event)
		buf_puts(&en->event, event);
	first_event_free(en);
	ruleset_begin(en->rs, event ? event : origin_name(origin));
}

static void close_txn(struct engine *en, bool committed)
{
	en->open = false;
	event_keep(en);
	script_keep(en->script, committed);
	ruleset_commit(en->rs);
	script_txn_end(en->script, committed);
	wake_update(en);
}

/* All journals back; what is derived from the statements follows. */
static void undo_all(struct engine *en)
{
	struct rpack *culprit;

	ruleset_rollback(en->rs);
	ruleset_merge(en->rs, &culprit, NULL);
}

void txn_abort(struct engine *en)
{
	undo_all(en);
	close_txn(en, false);
}

static void owner_asked(struct engine *en)
{
	bool can = !en->ops.persists || en->ops.persists(en->ops.ctx);

	ruleset_owner_can(en->rs, can);
	if (!can)
		log_warn("nft",
			"this kernel has no `persist` for tables (Linux 6.9 has): they are made without "
			"`flags owner`, and others can change them");
}

static int merge(struct engine *en, bool all, struct err *e)
{
	for (int round = 0; round < MERGE_ROUNDS; round++) {
		_err_ struct err why = ERR_INIT;
		struct rpack *culprit = NULL;

		if (ruleset_merge(en->rs, &culprit, &why) == 0) {
			if (!ruleset_owner_asked(en->rs))
				return 0;
			owner_asked(en);
			continue;
		}
		if (all || !culprit)
			return err_set(e, -EINVAL, "%s", err_text(&why));
		log_error("nft", "%s: %s", rpack_name(culprit), err_text(&why));
		rpack_rollback(culprit, 0);
		script_culprit(en->script, culprit, err_text(&why));
	}
	return err_set(e, -ELOOP, "packs keep contradicting one another");
}

/* A pack that is left out may have failed in the merge just as well as before. */
static void hold(struct engine *en)
{
	if (script_any_failed(en->script) == en->holding)
		return;
	en->holding = !en->holding;
	ruleset_hold_deletes(en->rs, en->holding);
}

static void refused(struct engine *en, struct plan *p, const struct commit_result *r, const char *text)
{
	if (en->retrying) {
		log_info("nft", "tried again, and the kernel refused: %s", text);
		return;
	}
	log_error("nft", "the kernel refused: %s", text);
	for (uint32_t i = 0; i < p->ops.n; i++)
		if (r->op_err[i] && p->ops.v[i].pack)
			script_refused(en->script, p->ops.v[i].pack, text);
}

static void read_handles(void *ctx, struct obj *chain)
{
	struct engine *en = ctx;
	_err_ struct err e = ERR_INIT;
	uint64_t *handles = NULL, *ids = NULL;
	int n = en->ops.rule_handles(en->ops.ctx, chain, &handles, &ids, &e);

	if (n < 0) {
		log_error("nft", "reading the handles of chain %s: %s; its table is made anew",
			obj_name(chain), err_text(&e));
		ruleset_kernel_unknown(en->rs);
	} else {
		en->lost |= !ruleset_handles(en->rs, chain, handles, (uint32_t)n);
	}
	free(handles);
	free(ids);
}

int read_tables(struct engine *en, struct err *e)
{
	int rc;

	if (!en->ops.read_tables)
		return 0;
	ruleset_tables_begin(en->rs);
	rc = en->ops.read_tables(en->ops.ctx, e);
	if (rc == 0)
		ruleset_tables_end(en->rs);
	return rc;
}

static void kernel_unknown(struct engine *en)
{
	_err_ struct err e = ERR_INIT;

	if (!en->ops.read_back)
		ruleset_kernel_unknown(en->rs);
	if (read_tables(en, &e) < 0)
		log_error("nft", "%s", err_text(&e));
	if (en->ops.read_back)
		ruleset_suspect_all(en->rs);
}

/* 1 s after the first try, then twice as long each time. */
static uint64_t later(unsigned *tries)
{
	uint64_t s = 1;

	for (unsigned i = 0; i < *tries && s < RETRY_MAX_S; i++)
		s *= 2;
	++*tries;
	return mono_ns() + (s > RETRY_MAX_S ? RETRY_MAX_S : s) * 1000000000ull;
}

static void retry_later(struct engine *en)
{
	en->retry_at = later(&en->retries);
}

/* No notification tells that a table's owner went. */
static void wait_for_owners(struct engine *en)
{
	if (!ruleset_owned(en->rs, false)) {
		en->owner_at = 0;
		en->owner_looks = 0;
	} else if (!en->owner_at) {
		en->owner_at = later(&en->owner_looks);
	}
	en->looking = false;
}

void refused_wake(struct engine *en)
{
	uint64_t due = ruleset_next_retry(en->rs);

	if (!due || due > boot_ms())
		return;
	en->retrying = true;
	txn_begin(en, ORIGIN_HEAL, "what the kernel refused is tried again");
	ruleset_retry(en->rs);
	txn_end(en, false, NULL);
	ruleset_retry_end(en->rs);
	en->retrying = false;
}

void owners_wake(struct engine *en)
{
	en->owner_at = 0;
	txn_begin(en, ORIGIN_DRIFT, "what has to come from outside");
	ruleset_owned(en->rs, true);
	en->looking = true;
	txn_end(en, false, NULL);
}

/* Nor that a control group came or went: while rules name some they are looked at. */
static void watch_groups(struct engine *en)
{
	if (!ruleset_groups_named(en->rs))
		en->groups_at = 0;
	else if (!en->groups_at)
		en->groups_at = mono_ns() + GROUPS_NS;
}

void groups_wake(struct engine *en)
{
	en->groups_at = 0;
	if (ruleset_groups_moved(en->rs)) {
		txn_begin(en, ORIGIN_DRIFT, "a control group came or went");
		ruleset_outside_moved(en->rs);
		txn_end(en, false, NULL);
	}
	watch_groups(en);
}

struct sent {
	struct plan plan;
	struct commit_result result;
	uint64_t at; /* when the try began */
	uint64_t merge_ns, plan_ns, commit_ns;
	unsigned restarts;
	bool any, anew, forbidden, taken;
};

/* Somebody made a table where one of rnm's was to come, and nobody had to tell of it. */
static bool table_taken(const struct sent *s)
{
	for (uint32_t i = 0; i < s->plan.ops.n; i++)
		if (s->plan.ops.v[i].kind == OP_ADD_TABLE && s->result.op_err[i] == -EEXIST)
			return true;
	return false;
}

/* Does the kernel hold the rules of the chain that rnm takes it to hold? */
static bool chain_holds(struct engine *en, struct obj *chain)
{
	uint64_t *handles = NULL, *ids = NULL;
	int n = en->ops.rule_handles(en->ops.ctx, chain, &handles, &ids, NULL);
	bool holds = n >= 0 && ruleset_handles_match(chain, handles, (uint32_t)n);

	free(handles);
	free(ids);
	return holds;
}

/* Is what the plan was for gone from the kernel? */
static bool lost(struct engine *en, const struct sent *s)
{
	struct obj *look;

	if (!plan_lost(&s->plan, &s->result, &look))
		return false;
	return !look || (read_tables(en, NULL) == 0 && !obj_in_kernel(look)) ||
	       (obj_kind(look) == OBJ_CHAIN && !chain_holds(en, look));
}

static void found_text(const struct read_back *f, struct buf *out)
{
	const struct {
		uint32_t n;
		const char *what;
	} parts[] = { { f->objs_missing, "objects missing" }, { f->objs_foreign, "foreign objects" },
		{ f->objs_changed, "objects changed" }, { f->rules_missing, "rules missing" },
		{ f->rules_foreign, "foreign rules" }, { f->elems_missing, "elements missing" },
		{ f->elems_foreign, "foreign elements" } };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].n)
			buf_printf(out, "%s%u %s", out->n ? ", " : "", parts[i].n, parts[i].what);
}

/* Foreign changes that are only to be told of stay until a reload, or until they are in the way. */
static bool reads_back(const struct engine *en, bool force)
{
	bool warn = en->cfg && en->cfg->drift_warn;
	bool all = !warn || force || en->looking || en->origin == ORIGIN_START || en->origin == ORIGIN_RELOAD;

	ruleset_read_only_attached(en->rs, !all);
	return en->ops.read_back && ruleset_suspects(en->rs) && (all || ruleset_attaching(en->rs));
}

static int read_back(struct engine *en, struct err *e)
{
	struct read_back found;
	_buf_ struct buf text = BUF_INIT;
	int rc = en->ops.read_back(en->ops.ctx, &found, e);

	if (rc == 0 && en->origin != ORIGIN_START)
		found_text(&found, &text);
	if (text.n)
		log_warn("nft", "own tables are not as they were committed: %s", buf_str(&text));
	return rc;
}

/* Somebody else may have changed what is rnm's: what is found is mended by the transaction that follows. */
int kernel_check(struct engine *en, struct err *e)
{
	if (en->ops.nft_poll) { /* what was not told yet; all that was is mended */
		en->ops.nft_poll(en->ops.ctx);
		drift_settle(en);
		return 0;
	}
	return read_tables(en, e);
}

/* The batch failed: 0 try again with somebody's share taken out, or from the ground up; negative: give up. */
static int failed(struct engine *en, bool all, struct sent *s, int rc, const struct err *why, struct err *e)
{
	_buf_ struct buf text = BUF_INIT;
	bool blamed = false, others;

	if (rc == -ERESTART && s->restarts++ < RESTARTS_MAX)
		return 0;
	if (rc == -EBADMSG && s->result.op_err && plan_detach(&s->plan, &s->result, &others) && !others)
		return 0;
	if (rc == -EBADMSG && s->result.op_err && !s->taken && table_taken(s)) {
		s->taken = true;
		return read_tables(en, e);
	}
	if (rc == -EBADMSG && s->result.op_err && en->ops.read_back && !s->forbidden &&
		plan_forbidden(&s->plan, &s->result)) {
		s->forbidden = true;
		return 0;
	}
	if (rc == -EBADMSG && s->result.op_err && (s->anew || !lost(en, s)))
		blamed = plan_refuse(&s->plan, &s->result, !all, &text) > 0;
	if (blamed && !text.n)
		return 0;
	if (blamed && all)
		return err_set(e, -EBADMSG, "the kernel refused: %s", buf_str(&text));
	if (blamed) {
		refused(en, &s->plan, &s->result, buf_str(&text));
		return 0;
	}
	if (s->anew || (rc != -EBADMSG && rc != -ENOBUFS))
		return err_set(e, rc, "%s", err_text(why));
	/* The outcome is not known, or the kernel does not hold what rnm takes it to hold. */
	log_error(
		"nft", "%s: own tables are %s", err_text(why), en->ops.read_back ? "read back" : "made anew");
	kernel_unknown(en);
	s->anew = true;
	return 0;
}

/* What is wanted, and what the kernel has where that may be otherwise than it was committed. */
static int merge_and_read(struct engine *en, bool all, bool force, struct err *e)
{
	int rc = merge(en, all, e);

	hold(en);
	/* A table's name may be somebody else's now; of one that came to be rnm's the sets are read when the
	 * merge has told their types. */
	for (int i = 0; rc == 0 && i < READS_MAX && reads_back(en, force); i++) {
		rc = read_back(en, e);
		if (rc == 0)
			rc = merge(en, all, e);
		hold(en);
	}
	return rc;
}

/* One try: 1 sent or nothing to send, 0 try again, negative: failed. */
static int try_commit(struct engine *en, bool all, struct sent *s, struct err *e)
{
	_err_ struct err why = ERR_INIT;
	uint64_t t0 = s->at, t1, t2;
	int rc = merge_and_read(en, all, s->anew || s->forbidden, e);

	if (rc < 0)
		return rc;
	t1 = mono_ns();
	rc = plan_make(en->rs, &s->plan, e);
	t2 = mono_ns();
	s->merge_ns += t1 - t0;
	s->plan_ns += t2 - t1;
	if (rc < 0)
		return rc;
	if (en->told) {
		buf_clear(en->told);
		plan_show(&s->plan, &(struct plan_view){ .text = en->told });
	}
	if (s->plan.ops.n)
		rc = en->ops.commit(en->ops.ctx, &s->plan, false, &s->result, &why);
	s->at = mono_ns();
	s->commit_ns += s->at - t2;
	if (rc < 0)
		return failed(en, all, s, rc, &why, e);
	plan_ack(&s->plan, &s->result);
	s->any = s->plan.ops.n > 0;
	return 1;
}

static void report(struct engine *en, const struct sent *s, const char *error)
{
	bool tell = en->ops.report &&
		    (s->any || error || en->origin == ORIGIN_START || en->origin == ORIGIN_RELOAD);

	struct txn_report r = {
		.origin = en->origin,
		.event = buf_str(&en->event),
		.first = en->first.before || en->first.after ? &en->first : NULL,
		.events = en->events,
		.runs = en->runs,
		.plan = s->any ? &s->plan : NULL,
		.error = error,
		.total_ns = mono_ns() - en->began,
		.script_ns = en->script_ns,
		.merge_ns = s->merge_ns,
		.plan_ns = s->plan_ns,
		.commit_ns = s->commit_ns,
		.kernel_ns = s->result.send_ns,
	};

	en->transactions++;
	en->commits += s->any;
	en->run_count += en->runs;
	en->operations += s->any ? s->plan.ops.n : 0;
	en->repairs += s->any && en->origin == ORIGIN_DRIFT;
	if (s->any)
		engine_took(en, r.total_ns);
	en->failures += error != NULL;
	en->sum_ns += s->any ? r.total_ns : 0;
	if (s->any && r.total_ns > en->max_ns)
		en->max_ns = r.total_ns;
	if (tell)
		en->ops.report(en->ops.ctx, &r);
}

int txn_end(struct engine *en, bool all, struct err *e)
{
	struct sent s = { 0 };
	_err_ struct err why = ERR_INIT;
	int rc = 0;

	if (en->lost) {
		en->lost = false;
		kernel_unknown(en);
	}
	script_settle(en->script);
	hold(en);
	s.at = mono_ns();
	en->script_ns = s.at - en->began;
	for (int round = 0; rc == 0 && round < COMMIT_ROUNDS; round++) {
		plan_free(&s.plan);
		commit_result_free(&s.result);
		rc = try_commit(en, all, &s, &why);
	}
	if (rc > 0) {
		en->retry_at = 0;
		en->retries = 0;
		ruleset_handles_wanted(en->rs, read_handles, en);
		if (en->lost)
			retry_later(en);
	} else if (rc == 0) {
		rc = err_set(&why, -ELOOP, "the kernel refused one batch after another");
	}
	report(en, &s, rc < 0 ? err_text(&why) : NULL);
	plan_free(&s.plan);
	commit_result_free(&s.result);
	if (rc < 0 && all) {
		undo_all(en);
	} else if (rc < 0) {
		log_error("nft", "%s: %s; tried again later", origin_name(en->origin), err_text(&why));
		retry_later(en);
	}
	wait_for_owners(en);
	watch_groups(en);
	close_txn(en, rc >= 0 || !all);
	return rc < 0 ? err_set(e, rc, "%s", err_text(&why)) : 0;
}

void plan_show(const struct plan *p, const struct plan_view *view)
{
	if (view->json)
		plan_json(p, view->max, view->json);
	else
		plan_text(p, PLAN_WHY, view->text);
}

int txn_dry(struct engine *en, const struct plan_view *view, struct err *e)
{
	struct plan p;
	int rc;

	script_settle(en->script);
	rc = en->told ? merge_and_read(en, true, true, e) : merge(en, true, e);
	if (rc == 0)
		rc = plan_make(en->rs, &p, e);
	if (rc == 0) {
		plan_show(&p, view);
		plan_free(&p);
	}
	undo_all(en);
	if (plan_make(en->rs, &p, NULL) == 0)
		plan_free(&p); /* forgets that the first one was never sent */
	close_txn(en, false);
	return rc;
}

static uint64_t mono_of(uint64_t ms) /* boot_ms; 0 stays 0 */
{
	uint64_t now = ms ? boot_ms() : 0;

	return !ms ? 0 : mono_ns() + (ms > now ? (ms - now) * 1000000ull : 0) + 1;
}

void wake_update(struct engine *en)
{
	uint64_t at[] = { en->script_at, en->heal_at, en->retry_at, mono_of(ruleset_next_expiry(en->rs)),
		en->emits.n ? 1 : 0, drift_next(en), en->late.n ? 1 : 0, en->owner_at, en->groups_at,
		mono_of(ruleset_next_retry(en->rs)) },
		 first = 0;

	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		if (at[i] && (!first || at[i] < first))
			first = at[i];
	en->ops.wake_at(en->ops.ctx, first);
}
