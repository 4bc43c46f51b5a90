// SPDX-License-Identifier: GPL-2.0-or-later
/* What an element has beside its key. Elements that were made with the same share one record as far as a
 * small memory of the last ones goes: a list with one timeout, or a map to a few chains, costs no more than a
 * plain set. */
#include "nft/model.h"

#define RECENT 64

struct attr_rare {
	char *comment, *target;
	struct set_stmts *stmts; /* a reference */
	int32_t verdict;
	bool has_verdict;
};

static const struct attr_rare nothing;

static const struct attr_rare *rare_of(const struct attr *a)
{
	return a->rare ? a->rare : &nothing;
}

const uint8_t *attr_data(const struct attr *a)
{
	return a->dlen > sizeof(a->data) ? a->data.far : a->data.near;
}

const char *attr_note(const struct attr *a)
{
	return rare_of(a)->comment;
}

const char *attr_target(const struct attr *a)
{
	return rare_of(a)->target;
}

struct set_stmts *attr_stmts(const struct attr *a)
{
	return rare_of(a)->stmts;
}

static bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool has_rare(const struct setelem *el, const struct set_stmts *stmts)
{
	return el->comment || el->verdict || el->target[0] || stmts;
}

/* Is it what would be made of these? */
static bool is_same(
	const struct attr *a, const struct setelem *el, uint64_t expires_at, const struct set_stmts *stmts)
{
	const struct attr_rare *r = a->rare;

	if (!a->refs || a->spent || a->timeout_ms != el->timeout_ms || a->expires_at != expires_at ||
		a->dlen != el->dlen || !r == has_rare(el, stmts) || memcmp(attr_data(a), el->data, a->dlen))
		return false;
	return !r || (r->has_verdict == el->verdict && (!el->verdict || r->verdict == el->verdict_code) &&
			     r->stmts == stmts && text_equal(r->comment, el->comment) &&
			     text_equal(r->target, el->target[0] ? el->target : NULL));
}

static uint32_t recent_slot(const struct setelem *el, uint64_t expires_at, const struct set_stmts *stmts)
{
	uint64_t h = hash_stable(expires_at, el->data, el->dlen);

	if (!has_rare(el, stmts))
		return h % RECENT;
	h = hash_mix(h, hash_stable((uintptr_t)stmts, el->target, strlen(el->target)));
	h = hash_mix(h, el->verdict ? (uint32_t)el->verdict_code : 1);
	return (el->comment ? hash_stable(h, el->comment, strlen(el->comment)) : h) % RECENT;
}

static uint32_t attr_add(struct elem_table *t, const struct attr *a)
{
	uint32_t i;

	if (t->attr_spare.n) {
		i = vec_pop(&t->attr_spare);
		t->attrs.v[i] = *a;
	} else {
		i = t->attrs.n;
		vec_push(&t->attrs, *a);
	}
	return i + 1;
}

uint32_t attr_new(struct elem_table *t, const struct setelem *el, uint64_t now, struct set_stmts *stmts)
{
	struct attr a = { .refs = 1, .dlen = el->dlen, .timeout_ms = el->timeout_ms };
	uint32_t *recent;

	if (!el->timeout_ms && !el->dlen && !has_rare(el, stmts))
		return 0;
	if (el->timeout_ms)
		a.expires_at = now + (el->expires_ms ? el->expires_ms : el->timeout_ms);
	if (!t->recent)
		t->recent = xcalloc(RECENT, sizeof(*t->recent));
	recent = &t->recent[recent_slot(el, a.expires_at, stmts)];
	if (*recent && is_same(&t->attrs.v[*recent - 1], el, a.expires_at, stmts))
		return attr_ref(t, *recent);
	if (a.dlen > sizeof(a.data))
		a.data.far = xmemdup(el->data, a.dlen);
	else
		memcpy(a.data.near, el->data, a.dlen);
	if (has_rare(el, stmts)) {
		a.rare = xnew(struct attr_rare);
		a.rare->comment = el->comment ? xstrdup(el->comment) : NULL;
		a.rare->has_verdict = el->verdict;
		a.rare->verdict = el->verdict ? el->verdict_code : 0;
		a.rare->target = el->target[0] ? xstrdup(el->target) : NULL;
		a.rare->stmts = stmts ? set_stmts_ref(stmts) : NULL;
		t->targets += a.rare->target != NULL;
		t->stated += stmts != NULL;
	}
	return *recent = attr_add(t, &a);
}

uint32_t attr_ref(struct elem_table *t, uint32_t a)
{
	if (a)
		t->attrs.v[a - 1].refs++;
	return a;
}

static void attr_free(struct attr *a)
{
	if (a->dlen > sizeof(a->data))
		free(a->data.far);
	if (a->rare) {
		set_stmts_put(a->rare->stmts);
		free(a->rare->comment);
		free(a->rare->target);
		free(a->rare);
	}
	memset(a, 0, sizeof(*a));
}

void attr_put(struct elem_table *t, uint32_t i)
{
	struct attr *a = i ? &t->attrs.v[i - 1] : NULL;

	if (!a || --a->refs)
		return;
	t->targets -= attr_target(a) != NULL;
	t->stated -= attr_stmts(a) != NULL;
	attr_free(a);
	vec_push(&t->attr_spare, i - 1);
}

void attrs_free(struct elem_table *t)
{
	vec_foreach (a, &t->attrs)
		attr_free(a);
	vec_free(&t->attrs);
	vec_free(&t->attr_spare);
	free(t->recent);
	t->recent = NULL;
}

void attr_get(const struct attr *a, uint64_t now, struct setelem *out)
{
	const struct attr_rare *r = rare_of(a);

	if (r->stmts) {
		out->exprs = r->stmts->x.e.v;
		out->n_exprs = (uint8_t)r->stmts->x.e.n;
	}
	out->timeout_ms = a->timeout_ms;
	if (a->timeout_ms)
		out->expires_ms = a->expires_at > now ? a->expires_at - now : 1;
	out->comment = r->comment;
	out->verdict = r->has_verdict;
	out->verdict_code = r->verdict;
	if (r->target)
		strcpy(out->target, r->target); /* came out of such an array */
	out->dlen = a->dlen;
	memcpy(out->data, attr_data(a), a->dlen);
}

bool attr_same_data(const struct elem_table *t, uint32_t x, uint32_t y)
{
	static const struct attr none;
	const struct attr *a = x ? &t->attrs.v[x - 1] : &none, *b = y ? &t->attrs.v[y - 1] : &none;
	const struct attr_rare *p = rare_of(a), *q = rare_of(b);

	return x == y ||
	       (p->has_verdict == q->has_verdict && p->verdict == q->verdict && a->dlen == b->dlen &&
		       !memcmp(attr_data(a), attr_data(b), a->dlen) && text_equal(p->target, q->target));
}

bool attr_same_stmts(const struct elem_table *t, uint32_t x, uint32_t y)
{
	return set_stmts_same(
		x ? attr_stmts(&t->attrs.v[x - 1]) : NULL, y ? attr_stmts(&t->attrs.v[y - 1]) : NULL);
}

bool attr_same_but_end(const struct elem_table *t, uint32_t x, uint32_t y)
{
	const struct attr *a = x ? &t->attrs.v[x - 1] : NULL, *b = y ? &t->attrs.v[y - 1] : NULL;

	return x == y || (a && b && a->timeout_ms == b->timeout_ms && attr_same_data(t, x, y) &&
				 attr_same_stmts(t, x, y) && text_equal(attr_note(a), attr_note(b)));
}
