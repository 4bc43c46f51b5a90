// SPDX-License-Identifier: GPL-2.0-or-later
/* What operators do by hand: evals, and taking them back. */
#include <string.h>

#include "engine/core.h"

int engine_eval(struct engine *en, const struct eval_request *rq, const struct plan_view *plan,
	struct buf *out, struct err *e)
{
	const struct plan_view behind = { .text = out };
	int rc;

	txn_begin(en, ORIGIN_EVAL, NULL);
	rc = script_eval(en->script, rq, out, e);
	if (rc < 0 || rq->read_only)
		txn_abort(en);
	else if (rq->dry)
		rc = txn_dry(en, plan ? plan : &behind, e);
	else
		rc = txn_end(en, true, e);
	if (rc < 0)
		buf_clear(out); /* values of something that did not happen */
	return rc;
}

struct waits {
	struct buf *out;
	VEC(char *) lines;
};

static void waits_add(void *ctx, const struct pending *p)
{
	struct waits *w = ctx;
	_buf_ struct buf line = BUF_INIT;

	engine_pending_text(p, &line);
	vec_push(&w->lines, buf_take(&line));
}

/* What waits now and did not before: statements that named what is gone. */
static void waits_since(const struct waits *before, const struct waits *now, struct buf *out)
{
	vec_foreach (l, &now->lines) {
		bool known = false;

		vec_foreach (b, &before->lines)
			known |= !strcmp(*l, *b);
		if (!known)
			buf_printf(out, "  waits now: %s\n", *l);
	}
}

static void waits_free(struct waits *w)
{
	vec_foreach (l, &w->lines)
		free(*l);
	vec_free(&w->lines);
}

int engine_undo(struct engine *en, const struct undo_request *rq, struct buf *out, struct err *e)
{
	struct waits before = { 0 }, now = { 0 };
	int rc;

	ruleset_pending(en->rs, waits_add, &before);
	txn_begin(en, ORIGIN_EVAL, "undo");
	rc = script_undo(en->script, rq, out, e);
	if (rc < 0)
		txn_abort(en);
	else
		rc = txn_end(en, true, e);
	if (rc < 0) {
		buf_clear(out);
	} else {
		ruleset_pending(en->rs, waits_add, &now);
		waits_since(&before, &now, out);
	}
	waits_free(&before);
	waits_free(&now);
	return rc;
}
