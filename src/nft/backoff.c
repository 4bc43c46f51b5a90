// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/backoff.h"

#include "base/clock.h"
#include "nft/model.h"

#define SCORE_REFUSED 2 /* so that one refusal in three transactions is borne */
#define SCORE_HOLDS   6
#define SCORE_MAX     9
#define WAIT_MIN_MS   1000u
#define WAIT_MAX_MS   60000u
#define SITES_MAX     32
#define RELEASE_MAX   8 /* statements of a pack in one try: each may cost a batch */

static uint64_t wait_ms(unsigned tries)
{
	uint64_t ms = WAIT_MIN_MS;

	while (tries-- && ms < WAIT_MAX_MS)
		ms *= 2;
	return ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS;
}

static bool knows(const struct backoff *b, uint32_t site)
{
	vec_foreach (s, &b->sites)
		if (*s == site)
			return true;
	return false;
}

static bool holding(const struct backoff *b)
{
	return b->score >= SCORE_HOLDS && b->next;
}

void backoff_refused(struct rpack *pk, uint32_t site)
{
	struct ruleset *rs = pk->rs;
	struct backoff *b = &pk->backoff;

	if (!rs->backs_off)
		return;
	if (!knows(b, site)) {
		if (b->sites.n < SITES_MAX)
			vec_push(&b->sites, site);
		else
			b->everywhere = true;
	}
	if (b->txn == rs->txn)
		return;
	b->txn = rs->txn;
	if (!rs->retrying && b->score < SCORE_MAX)
		b->score += SCORE_REFUSED;
	if (!b->next)
		b->next = rs->now + wait_ms(b->tries++);
	if (!rs->retry_at || b->next < rs->retry_at)
		rs->retry_at = b->next;
}

bool backoff_holds(const struct rpack *pk, uint32_t site)
{
	const struct backoff *b = &pk->backoff;

	return holding(b) && (b->everywhere || knows(b, site));
}

void backoff_committed(struct rpack *pk)
{
	struct backoff *b = &pk->backoff;

	if (b->score && b->txn != pk->rs->txn && !holding(b)) /* what is held is not accepted yet */
		b->score--;
}

void backoff_free(struct rpack *pk)
{
	vec_free(&pk->backoff.sites);
}

/* ---- trying again ---- */

struct release {
	struct rpack *pk;
	bool held; /* first those that were never sent */
	uint32_t passed, left;
};

static bool take(struct release *r, bool held)
{
	if (held != r->held || !r->left)
		return false;
	if (!held && r->passed++ < r->pk->backoff.skip)
		return false;
	r->left--;
	return true;
}

static void release_stmt(struct release *r, struct stmt *st)
{
	if (!st->active || !st->refused || !take(r, st->held))
		return;
	st->refused = st->held = false;
	if (st->kind == ST_RULE) {
		rcode_put(st->rule.kept);
		st->rule.kept = NULL;
		st->stale |= !st->rule.rc;
	} else {
		st->o->info_valid = false;
		st->o->decl_refused = false;
		names_changed(st->o); /* what waits for it */
	}
	obj_dirty(st->o);
	obj_changed(st->o);
}

static void release_elems(struct release *r, struct obj *set)
{
	struct elem_table *t = set->elems;

	for (uint32_t i = 0; i < t->n && t->refused && r->left; i++) {
		struct elem *el = elem_at(t, i);
		const struct contrib *c;

		if (!(el->flags & E_USED) || !(el->flags & E_REFUSED) || !el->m.contrib)
			continue;
		c = contrib_by_id(set->rs, el->m.contrib);
		if (!c || c->pk != r->pk || !take(r, false))
			continue;
		el->flags &= (uint8_t)~E_REFUSED;
		t->refused--;
		elem_touch(t, i);
	}
	obj_dirty(set);
	obj_changed(set);
}

static void release_all(struct release *r)
{
	struct ruleset *rs = r->pk->rs;

	vec_foreach (sc, &r->pk->scopes)
		vec_foreach (s, &(*sc)->now)
			release_stmt(r, s->st);
	for (uint32_t i = 0; !r->held && r->left && i < rs->all.n; i++) {
		struct obj *o = rs->all.v[i];

		if (o->kind == OBJ_SET && !o->attach && o->elems && o->elems->refused)
			release_elems(r, o);
	}
}

void ruleset_retry(struct ruleset *rs)
{
	rs->retrying = true;
	vec_foreach (p, &rs->packs) {
		struct backoff *b = &(*p)->backoff;
		struct release r = { .pk = *p, .held = true, .left = RELEASE_MAX };
		uint32_t left;

		if (!b->next || b->next > rs->now)
			continue;
		release_all(&r);
		r.held = false;
		left = r.left;
		release_all(&r);
		b->skip = r.left ? 0 : b->skip + left;
		b->next = 0;
	}
}

struct left {
	struct rpack *pk;
	uint32_t n;
};

static void count_left(struct left *l)
{
	struct ruleset *rs = l->pk->rs;

	vec_foreach (sc, &l->pk->scopes)
		vec_foreach (s, &(*sc)->now)
			l->n += s->st->active && s->st->refused;
	for (uint32_t i = 0; !l->n && i < rs->all.n; i++) {
		struct obj *o = rs->all.v[i];
		struct elem_table *t = o->kind == OBJ_SET && !o->attach ? o->elems : NULL;

		for (uint32_t k = 0; t && t->refused && k < t->n && !l->n; k++) {
			const struct elem *el = elem_at(t, k);
			const struct contrib *c = el->m.contrib ? contrib_by_id(rs, el->m.contrib) : NULL;

			l->n += el->flags & E_USED && el->flags & E_REFUSED && c && c->pk == l->pk;
		}
	}
}

void ruleset_retry_end(struct ruleset *rs)
{
	rs->retrying = false;
	rs->retry_at = 0;
	vec_foreach (p, &rs->packs) {
		struct backoff *b = &(*p)->backoff;
		struct left l = { .pk = *p };

		if (!b->tries)
			continue;
		if (!b->next) { /* it was tried, and nothing was refused */
			count_left(&l);
			if (l.n) {
				b->next = rs->now + WAIT_MIN_MS;
			} else {
				vec_free(&b->sites);
				*b = (struct backoff){ 0 };
			}
		} else if (b->txn == rs->txn && b->score) { /* known for bad: what is new may be better */
			b->score--;
		}
		if (b->next && (!rs->retry_at || b->next < rs->retry_at))
			rs->retry_at = b->next;
	}
}

void ruleset_backs_off(struct ruleset *rs)
{
	rs->backs_off = true;
}

uint64_t ruleset_next_retry(const struct ruleset *rs)
{
	return rs->retry_at;
}

bool rpack_backoff(const struct rpack *pk, struct rpack_backoff *out)
{
	const struct backoff *b = &pk->backoff;

	*out = (struct rpack_backoff){ .tries = b->tries, .holds = holding(b) };
	if (b->next > boot_ms())
		out->next_ms = b->next - boot_ms();
	return b->next != 0;
}
