// SPDX-License-Identifier: GPL-2.0-or-later
/* The difference of a chain's rules by content: the longest run of rules that can stay where they are keeps
 * handles and counters; a rule that stands in the place of one that goes replaces it; the others are inserted
 * before the next that stays. */
#include "nft/model.h"

struct rules {
	VEC(struct stmt *) want;
	VEC(struct krule *) have;
	int32_t *stays; /* per wanted rule: index in have, -1 none */
};

/* What a statement puts in its place: its rule, or what was there while the kernel refuses it; NULL: nothing,
 * for it waits or is disabled. */
struct rcode *rule_of(const struct stmt *st)
{
	if (!st->active || st->rule.why || st->disabled)
		return NULL;
	return st->refused ? st->rule.kept : st->rule.rc;
}

static uint64_t hash_of(const struct rules *r, uint32_t want)
{
	return rule_of(r->want.v[want])->code->hash;
}

struct slot {
	uint64_t hash;
	int32_t next; /* of the same hash, later in have */
	uint32_t at;
};

static int by_hash(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Of the candidates (want i ↔ have cand[i], -1 none) keeps a longest rising sequence: those rules need not
 * move. */
static void longest(int32_t *cand, uint32_t from, uint32_t to)
{
	uint32_t n = to - from, len = 0;
	uint32_t *tail = xcalloc(n + 1, sizeof(*tail));
	int32_t *prev = xcalloc(n + 1, sizeof(*prev));

	for (uint32_t i = 0; i < n; i++) {
		uint32_t lo = 0, hi = len;

		if (cand[from + i] < 0)
			continue;
		while (lo < hi) {
			uint32_t mid = (lo + hi) / 2;

			if (cand[from + tail[mid]] < cand[from + i])
				lo = mid + 1;
			else
				hi = mid;
		}
		prev[i] = lo ? (int32_t)tail[lo - 1] : -1;
		tail[lo] = i;
		if (lo == len)
			len++;
	}
	{
		int32_t keep = len ? (int32_t)tail[len - 1] : -1;

		for (uint32_t i = n; i-- > 0;) {
			if ((int32_t)i == keep)
				keep = prev[i];
			else
				cand[from + i] = -1;
		}
	}
	free(tail);
	free(prev);
}

/* Of equal rules side by side the first one goes: that one's counts, not those of the next. */
static bool is_next(const struct rules *r, uint32_t i)
{
	uint64_t id = r->want.v[i]->rule.id;

	return i + 1 < r->have.n && r->have.v[i]->id != id && r->have.v[i + 1]->id == id &&
	       r->have.v[i + 1]->rc->code->hash == r->have.v[i]->rc->code->hash;
}

static void match(struct rules *r)
{
	uint32_t n = r->want.n, m = r->have.n, head = 0, tail = 0;
	struct slot *slots;

	r->stays = xmalloc((n + 1) * sizeof(*r->stays));
	for (uint32_t i = 0; i < n; i++)
		r->stays[i] = -1;
	while (head < n && head < m && hash_of(r, head) == r->have.v[head]->rc->code->hash &&
		!is_next(r, head)) {
		r->stays[head] = (int32_t)head;
		head++;
	}
	while (tail < n - head && tail < m - head &&
		hash_of(r, n - 1 - tail) == r->have.v[m - 1 - tail]->rc->code->hash) {
		r->stays[n - 1 - tail] = (int32_t)(m - 1 - tail);
		tail++;
	}
	if (head + tail == n || head + tail == m)
		return;
	m -= head + tail;
	slots = xmalloc(m * sizeof(*slots));
	for (uint32_t i = 0; i < m; i++)
		slots[i] = (struct slot){ r->have.v[head + i]->rc->code->hash, 0, head + i };
	qsort(slots, m, sizeof(*slots), by_hash);
	for (uint32_t i = 0; i < m; i++)
		slots[i].next = (int32_t)i; /* at the first of a hash: the next one to give away */
	for (uint32_t i = head; i < n - tail; i++) {
		uint64_t h = hash_of(r, i);
		uint32_t lo = 0, hi = m, use;

		while (lo < hi) {
			uint32_t mid = (lo + hi) / 2;

			if (slots[mid].hash < h)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (lo == m || slots[lo].hash != h)
			continue;
		use = (uint32_t)slots[lo].next;
		if (use >= m || slots[use].hash != h)
			continue;
		r->stays[i] = (int32_t)slots[use].at;
		slots[lo].next++;
	}
	free(slots);
	longest(r->stays, head, n - tail);
}

static struct op *rule_op(
	struct plan *p, enum phase ph, enum op_kind kind, struct obj *chain, struct stmt *st)
{
	struct op *op = plan_op(p, ph, kind, chain);

	if (!st)
		return op;
	op->owner = st;
	op->pack = stmt_pack(st)->name;
	op->site = st->site;
	op->stmt = st;
	op->rule.code = rule_of(st)->code;
	op->rule.comment = rule_of(st)->comment;
	op->rule.id = st->rule.id;
	op->rule.text = rule_of(st)->text;
	return op;
}

static void next_rule(struct plan *p, struct next_chain *next, struct stmt *st, struct rcode *rc,
	uint64_t handle, bool answered)
{
	vec_push(&next->rules, (struct next_rule){ .rc = rcode_ref(rc),
				       .handle = handle,
				       .id = st->rule.id,
				       .op_no = answered ? p->next->phase[PH_RULES].n : 0 });
}

void plan_del_rule(struct plan *p, struct op *op, const struct krule *k)
{
	op->rule.handle = k->handle;
	op->rule.text = k->rc->text;
	vec_push(&p->next->told, rcode_ref(k->rc));
}

static void del_rule(struct plan *p, struct obj *chain, const struct krule *k)
{
	plan_del_rule(p, rule_op(p, PH_DEL_RULE, OP_DEL_RULE, chain, NULL), k);
}

static void stays(struct next_chain *next, const struct krule *k)
{
	vec_push(&next->rules, (struct next_rule){ .rc = rcode_ref(k->rc),
				       .handle = k->handle,
				       .id = k->id,
				       .unclaimed = k->unclaimed });
}

void plan_held_rules(struct plan *p, struct obj *chain)
{
	struct next_chain next = { .chain = chain };
	uint32_t gone = 0;

	vec_foreach (k, &chain->krules)
		gone += k->gone;
	if (!gone)
		return;
	vec_foreach (k, &chain->krules)
		if (!k->gone)
			stays(&next, k);
	vec_push(&p->next->chains, next);
}

/* Rules of a pack that is left out stay where they are: goes on to the first other one. */
static uint32_t pass_held(
	struct obj *chain, const struct rules *r, struct next_chain *next, uint32_t h, uint32_t h_end)
{
	for (; h < h_end && r->have.v[h]->unclaimed && chain->rs->hold_deletes; h++)
		stays(next, r->have.v[h]);
	return h;
}

/* The rules between two that stay: as many as there are both sides replace one another, the rest comes or
 * goes. */
static void gap(struct plan *p, struct obj *chain, struct rules *r, struct next_chain *next, uint32_t w,
	uint32_t w_end, uint32_t h, uint32_t h_end)
{
	uint64_t before = h_end < r->have.n ? r->have.v[h_end]->handle : 0;

	for (; w < w_end; w++) {
		struct stmt *st = r->want.v[w];
		struct op *op;

		h = pass_held(chain, r, next, h, h_end);
		if (h < h_end) {
			op = rule_op(p, PH_RULES, OP_REPLACE_RULE, chain, st);
			op->rule.handle = r->have.v[h++]->handle;
			op->changed = true;
		} else {
			op = rule_op(p, PH_RULES, OP_ADD_RULE, chain, st);
			op->rule.position = before;
		}
		next_rule(p, next, st, rule_of(st), 0, true);
	}
	while ((h = pass_held(chain, r, next, h, h_end)) < h_end)
		del_rule(p, chain, r->have.v[h++]);
}

void plan_rules(struct plan *p, struct obj *chain, bool fresh)
{
	struct next_chain next = { .chain = chain };
	struct rules r = { 0 };
	uint32_t w = 0, h = 0;
	bool same;

	vec_foreach (st, &chain->rules)
		if (rule_of(*st))
			vec_push(&r.want, *st);
	if (!fresh)
		vec_foreach (k, &chain->krules)
			if (!k->gone)
				vec_push(&r.have, k);
	same = r.want.n == r.have.n && r.have.n == (fresh ? 0 : chain->krules.n);
	for (uint32_t i = 0; same && i < r.want.n; i++)
		same = hash_of(&r, i) == r.have.v[i]->rc->code->hash && !r.have.v[i]->unclaimed;
	if (same && !fresh)
		goto out;
	match(&r);
	for (uint32_t i = 0; i < r.want.n; i++) {
		if (r.stays[i] < 0)
			continue;
		gap(p, chain, &r, &next, w, i, h, (uint32_t)r.stays[i]);
		next_rule(p, &next, r.want.v[i], rule_of(r.want.v[i]), r.have.v[r.stays[i]]->handle, false);
		w = i + 1;
		h = (uint32_t)r.stays[i] + 1;
	}
	gap(p, chain, &r, &next, w, r.want.n, h, r.have.n);
	free(r.stays);
	vec_push(&p->next->chains, next);
out:
	vec_free(&r.want);
	vec_free(&r.have);
}
