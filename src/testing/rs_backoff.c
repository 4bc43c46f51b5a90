// SPDX-License-Identifier: GPL-2.0-or-later
/* The back-off in the random world: what a pack states anew at a place that the kernel keeps refusing may
 * wait, but only so long as the pack has something to try again; it is not sent meanwhile, and what is fine
 * comes to its place in the end, whatever bad stands beside it. */
#include "base/clock.h"
#include "testing/rs_model.h"
#include "testing/rs_random.h"

#define TRIES   24 /* so many find all that is fine, of 8 a time */
#define WAIT_MS 61000

/* Something of the pack waits to be tried again. */
bool pack_waits(const struct world *w, int pack)
{
	struct rpack_backoff b;

	return !w->strict && w->pack[pack].rp && rpack_backoff(w->pack[pack].rp, &b);
}

bool pack_holds_back(const struct world *w, int pack)
{
	struct rpack_backoff b;

	return w->pack[pack].rp && rpack_backoff(w->pack[pack].rp, &b) && b.holds;
}

bool rule_may_wait(const struct world *w, const struct said *s, int pack)
{
	return rule_beside_poison(s) && pack_waits(w, pack);
}

static const struct elem *elem_said(struct world *w, int t, int s, int key)
{
	const struct obj *o = obj_find(w->rs, OBJ_SET, table_family[t], table_names[t], set_names[s]);
	const struct elem *found = NULL;
	struct val k, data;
	struct setelem el;
	uint32_t i;

	if (!o || !o->elems)
		return NULL;
	k = key_val(s, key, o->elems->interval);
	data = data_val(s, 0);
	if (nft_elem_make(&o->elems->info, &k, data.kind ? &data : NULL, &el, NULL) == 0 &&
		(i = elem_find(o->elems, &el)) != UINT32_MAX)
		found = elem_at(o->elems, i);
	val_free(&k);
	val_free(&data);
	return found;
}

/* The ruleset holds this element back, and may: some pack that has it is waiting. */
bool elem_waits(struct world *w, int t, int s, int key)
{
	const struct elem *el = w->backs_off ? elem_said(w, t, s, key) : NULL;

	if (!el || !(el->flags & E_REFUSED))
		return false;
	for (int i = 0; i < N_PACKS; i++)
		if (pack_waits(w, i) && model_holds(w, i, t, s, key))
			return true;
	return false;
}

/* Is everybody who says what the object is to be one who backs off there? Whoever only names it does not
 * count. */
static bool all_hold(const struct obj *o)
{
	vec_foreach (st, &o->decls)
		if ((*st)->active && !(*st)->refused && (*st)->spec && (*st)->spec->given &&
			!backoff_holds(stmt_pack(*st), (*st)->site))
			return false;
	return true;
}

/* A plan that is no try does not bring what is known for bad. */
bool sent_as_it_should(struct world *w, const struct plan *p, const struct commit_result *r)
{
	for (uint32_t i = 0; !w->rs->retrying && i < p->ops.n; i++) {
		const struct op *op = &p->ops.v[i];
		bool elems = op->kind == OP_ADD_ELEM || op->kind == OP_DEL_ELEM;
		bool rule = op->kind == OP_ADD_RULE || op->kind == OP_REPLACE_RULE;

		if (!r->op_err[i] || !op->pack || op->kind == OP_DEL_ELEM || (elems && op->elem.n > 1) ||
			(!elems && !rule && !all_hold(op->owner)))
			continue;
		for (int k = 0; k < N_PACKS; k++) {
			const struct rpack *pk = w->pack[k].rp;

			/* one who only now began to may have said it before */
			if (pk && !strcmp(pk->name, op->pack) && backoff_holds(pk, op->site) &&
				pk->backoff.txn != w->rs->txn)
				return fail(w, "pack %s backs off, and %s of its line %u was sent", op->pack,
					op->name, ruleset_site_get(w->rs, op->site).line);
		}
	}
	return true;
}

bool try_again(struct world *w)
{
	uint64_t due = ruleset_next_retry(w->rs);
	bool ok;

	if (!due || due > boot_ms())
		return true;
	ruleset_begin(w->rs, "again");
	ruleset_expire(w->rs, boot_ms());
	ruleset_retry(w->rs);
	ok = world_finish(w);
	ruleset_retry_end(w->rs);
	w->retries++;
	return ok && model_check(w) && world_rests(w);
}

/* As long as it takes. */
bool wait_out(struct world *w)
{
	bool ok = true;

	if (!ruleset_next_retry(w->rs))
		return true;
	for (int i = 0; ok && i < TRIES && ruleset_next_retry(w->rs); i++) {
		clock_skew_ns += (int64_t)WAIT_MS * 1000000;
		w->now = boot_ms();
		ok = try_again(w);
	}
	w->strict = true;
	ok = ok && model_check(w);
	w->strict = false;
	return ok;
}
