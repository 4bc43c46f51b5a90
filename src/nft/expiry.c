// SPDX-License-Identifier: GPL-2.0-or-later
/* When timed elements end: the kernel tells nobody, the clock does. */
#include "base/clock.h"
#include "nft/model.h"

uint64_t ruleset_next_expiry(const struct ruleset *rs)
{
	uint64_t first = 0;

	vec_foreach (t, &rs->timed)
		if (!first || (*t)->expiries.v[0].at < first)
			first = (*t)->expiries.v[0].at;
	return first;
}

static void swap(struct elem_table *t, uint32_t i, uint32_t j)
{
	struct expiry x = t->expiries.v[i];

	t->expiries.v[i] = t->expiries.v[j];
	t->expiries.v[j] = x;
}

static void heap_down(struct elem_table *t, uint32_t i)
{
	uint32_t n = t->expiries.n;
	const struct expiry *h = t->expiries.v;

	for (;;) {
		uint32_t least = i, l = 2 * i + 1;

		if (l < n && h[l].at < h[least].at)
			least = l;
		if (l + 1 < n && h[l + 1].at < h[least].at)
			least = l + 1;
		if (least == i)
			return;
		swap(t, i, least);
		i = least;
	}
}

static bool ends_at(const struct elem_table *t, uint32_t attr, uint64_t at)
{
	return attr && t->attrs.v[attr - 1].timeout_ms && t->attrs.v[attr - 1].expires_at == at;
}

/* Is there still something in the element that ends then? */
static bool expiry_counts(const struct elem_table *t, const struct expiry *x)
{
	const struct elem *el = x->elem < t->n ? elem_at(t, x->elem) : NULL;

	if (!el || !(el->flags & E_USED))
		return false;
	if (ends_at(t, el->hattr, x->at))
		return true;
	for (const struct member *m = &el->m;; m = &t->more.v[m->next - 1]) {
		if (ends_at(t, m->attr, x->at))
			return true;
		if (!m->next)
			return false;
	}
}

static void expiries_trim(struct elem_table *t)
{
	uint32_t n = 0;

	vec_foreach (x, &t->expiries)
		if (expiry_counts(t, x))
			t->expiries.v[n++] = *x;
	t->expiries.n = n;
	for (uint32_t i = n / 2; i-- > 0;)
		heap_down(t, i);
	t->expiries_max = 2 * n + 1024;
}

/* Takes the table out of those that have something to end. */
static void table_done(struct elem_table *t)
{
	struct ruleset *rs = t->set->rs;

	for (uint32_t i = 0; i < rs->timed.n; i++)
		if (rs->timed.v[i] == t)
			vec_remove(&rs->timed, i);
	vec_free(&t->expiries);
	elems_put(t);
}

void expiry_of(struct elem_table *t, uint32_t elem, uint32_t attr)
{
	const struct attr *a = attr ? &t->attrs.v[attr - 1] : NULL;
	struct ruleset *rs = t->set->rs;
	bool first = !t->expiries.n;

	if (!a || !a->timeout_ms)
		return;
	if (t->expiries.n >= t->expiries_max)
		expiries_trim(t);
	vec_push(&t->expiries, (struct expiry){ a->expires_at, elem });
	for (uint32_t i = t->expiries.n - 1; i && t->expiries.v[(i - 1) / 2].at > t->expiries.v[i].at;
		i = (i - 1) / 2)
		swap(t, i, (i - 1) / 2);
	if (first) {
		vec_push(&rs->timed, t);
		t->refs++;
	}
}

static void forget_over(struct elem_table *t, uint32_t i, uint64_t now)
{
	struct elem *el = elem_at(t, i);
	bool found;

	do {
		found = false;
		for (struct member *m = &el->m; m->contrib; m = &t->more.v[m->next - 1]) {
			struct contrib *c = contrib_by_id(t->set->rs, m->contrib);
			const struct attr *a = m->attr ? &t->attrs.v[m->attr - 1] : NULL;

			if (c->kind == C_EDIT && a && a->timeout_ms && a->expires_at <= now) {
				edit_forget(c, i);
				found = true;
				break;
			}
			if (!m->next)
				break;
		}
	} while (found);
}

static void expire(struct elem_table *t, uint32_t i, uint64_t now)
{
	struct elem *el = elem_at(t, i);
	struct attr *a = el->hattr ? &t->attrs.v[el->hattr - 1] : NULL;

	if (!(el->flags & E_USED))
		return;
	forget_over(t, i, now);
	if (a && a->timeout_ms && a->expires_at <= now) {
		if (!t->ranges || el->flags & E_CATCHALL)
			el->flags &= (uint8_t)~E_HAVE; /* else at the end of the interval, by its spent
							  attributes */
		a->spent = true;
	}
	elem_touch(t, i);
}

void ruleset_expire(struct ruleset *rs, uint64_t now)
{
	rs->now = now > rs->now ? now : rs->now;
	for (uint32_t i = rs->timed.n; i-- > 0;) {
		struct elem_table *t = rs->timed.v[i];

		while (t->expiries.n && t->expiries.v[0].at <= now) {
			uint32_t elem = t->expiries.v[0].elem;

			t->expiries.v[0] = vec_last(&t->expiries);
			t->expiries.n--;
			heap_down(t, 0);
			if (elem < t->n)
				expire(t, elem, now);
		}
		if (!t->expiries.n)
			table_done(t);
	}
}
