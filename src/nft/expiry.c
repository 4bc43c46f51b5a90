// SPDX-License-Identifier: GPL-2.0-or-later
/* When timed elements end: the kernel tells nobody, the clock does. */
#include "base/clock.h"
#include "nft/model.h"

uint64_t ruleset_next_expiry(const struct ruleset *rs)
{
	return rs->expiries.n ? rs->expiries.v[0].at : 0;
}

static void heap_down(struct ruleset *rs, uint32_t i)
{
	uint32_t n = rs->expiries.n;
	struct expiry *h = rs->expiries.v;

	for (;;) {
		uint32_t least = i, l = 2 * i + 1;
		struct expiry x;

		if (l < n && h[l].at < h[least].at)
			least = l;
		if (l + 1 < n && h[l + 1].at < h[least].at)
			least = l + 1;
		if (least == i)
			return;
		x = h[i];
		h[i] = h[least];
		h[least] = x;
		i = least;
	}
}

static bool ends_at(const struct elem_table *t, uint32_t attr, uint64_t at)
{
	return attr && t->attrs.v[attr - 1].timeout_ms && t->attrs.v[attr - 1].expires_at == at;
}

/* Is there still something in the element that ends then? */
static bool expiry_counts(const struct expiry *x)
{
	const struct elem *el = x->elem < x->t->n ? elem_at(x->t, x->elem) : NULL;

	if (!el || !(el->flags & E_USED))
		return false;
	if (ends_at(x->t, el->hattr, x->at))
		return true;
	for (const struct member *m = &el->m;; m = &x->t->more.v[m->next - 1]) {
		if (ends_at(x->t, m->attr, x->at))
			return true;
		if (!m->next)
			return false;
	}
}

static void expiries_trim(struct ruleset *rs)
{
	uint32_t n = 0;

	vec_foreach (x, &rs->expiries)
		if (expiry_counts(x))
			rs->expiries.v[n++] = *x;
		else
			elems_put(x->t);
	rs->expiries.n = n;
	for (uint32_t i = n / 2; i-- > 0;)
		heap_down(rs, i);
	rs->expiries_max = 2 * n + 1024;
}

void expiry_of(struct elem_table *t, uint32_t elem, uint32_t attr)
{
	const struct attr *a = attr ? &t->attrs.v[attr - 1] : NULL;
	struct ruleset *rs = t->set->rs;
	uint32_t i;

	if (!a || !a->timeout_ms)
		return;
	if (rs->expiries.n >= rs->expiries_max)
		expiries_trim(rs);
	i = rs->expiries.n;
	t->refs++;
	vec_push(&rs->expiries, (struct expiry){ a->expires_at, t, elem });
	while (i && rs->expiries.v[(i - 1) / 2].at > rs->expiries.v[i].at) {
		struct expiry x = rs->expiries.v[i];

		rs->expiries.v[i] = rs->expiries.v[(i - 1) / 2];
		rs->expiries.v[(i - 1) / 2] = x;
		i = (i - 1) / 2;
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
	while (rs->expiries.n && rs->expiries.v[0].at <= now) {
		struct expiry x = rs->expiries.v[0];

		rs->expiries.v[0] = vec_last(&rs->expiries);
		rs->expiries.n--;
		heap_down(rs, 0);
		if (x.elem < x.t->n)
			expire(x.t, x.elem, now);
		elems_put(x.t);
	}
}
