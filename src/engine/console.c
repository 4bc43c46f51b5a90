// SPDX-License-Identifier: GPL-2.0-or-later
/* What operators do by hand: evals, and taking them back. */
#include <string.h>

#include "base/json.h"
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
	bool json;
	VEC(char *) list; /* lines, or objects */
};

static void waits_add(void *ctx, const struct pending *p)
{
	struct waits *w = ctx;
	_buf_ struct buf one = BUF_INIT;

	if (w->json)
		engine_pending_json(p, &(struct json){ &one, false });
	else
		engine_pending_text(p, &one);
	vec_push(&w->list, buf_take(&one));
}

/* What waits now and did not before: statements that named what is gone. */
static void waits_since(const struct waits *before, const struct waits *now, const struct answer *to)
{
	if (to->json)
		json_open(to->json, "waits", '[');
	vec_foreach (l, &now->list) {
		bool known = false;

		vec_foreach (b, &before->list)
			known |= !strcmp(*l, *b);
		if (known)
			continue;
		if (to->json)
			json_raw(to->json, NULL, *l, strlen(*l));
		else
			buf_printf(to->text, "  waits now: %s\n", *l);
	}
	if (to->json)
		json_close(to->json, ']');
}

static void waits_free(struct waits *w)
{
	vec_foreach (l, &w->list)
		free(*l);
	vec_free(&w->list);
}

int engine_undo(struct engine *en, const struct undo_request *rq, const struct answer *to, struct err *e)
{
	struct waits before = { .json = to->json != NULL }, now = before;
	int rc;

	ruleset_pending(en->rs, waits_add, &before);
	txn_begin(en, ORIGIN_EVAL, "undo");
	rc = script_undo(en->script, rq, to, e);
	if (rc < 0)
		txn_abort(en);
	else
		rc = txn_end(en, true, e);
	if (rc >= 0) {
		ruleset_pending(en->rs, waits_add, &now);
		waits_since(&before, &now, to);
	}
	waits_free(&before);
	waits_free(&now);
	return rc;
}
