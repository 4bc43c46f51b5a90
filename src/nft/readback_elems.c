// SPDX-License-Identifier: GPL-2.0-or-later
/* The elements of own sets as the kernel has them. */
#include "base/clock.h"
#include "base/log.h"
#include "nft/readback_impl.h"

#define CLOCK_STEP_MS  50   /* the kernel rounds remaining times */
#define CLOCK_SLACK_MS 2000 /* two readings of one remaining time differ by so much at most */

struct set_reading {
	struct reading *r;
	struct obj *set;
	struct elem_table *t;
	VEC(uint8_t) seen;
	ivals ranges;
	uint64_t now;
	bool first;       /* an earlier life's set */
	uint32_t missing; /* of an attached set */
	struct setelem timed;
};

static void see(struct set_reading *s, uint32_t i)
{
	if (i >= s->seen.n) {
		uint32_t n = s->seen.n;

		vec_reserve(&s->seen, i + 1);
		memset(s->seen.v + n, 0, i + 1 - n);
		s->seen.n = i + 1;
	}
	s->seen.v[i] = 1;
}

static bool same_time(const struct attr *a, const struct setelem *el, uint64_t now)
{
	uint64_t timeout = a ? a->timeout_ms : 0, ends, other;

	if (timeout != el->timeout_ms)
		return false;
	if (!timeout)
		return true;
	ends = now + (el->expires_ms ? el->expires_ms : el->timeout_ms);
	other = a->expires_at;
	return (ends > other ? ends - other : other - ends) <= CLOCK_SLACK_MS;
}

/* The attributes that the kernel has; those that are known already where they say the same. */
static uint32_t kernel_attr(struct set_reading *s, uint32_t i, const struct setelem *el)
{
	struct elem_table *t = s->t;
	struct elem *e = elem_at(t, i);
	struct set_stmts *stmts = set_stmts_of(s->set, el);
	uint32_t fresh = attr_new(t, el, s->now, stmts), wanted = e->m.contrib ? elem_attr(t, e) : 0;
	const uint32_t known[] = { e->hattr, wanted };

	set_stmts_put(stmts);

	for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
		const struct attr *a = known[k] ? &t->attrs.v[known[k] - 1] : NULL;

		/* the time of a statement that is new is not the kernel's */
		if (k && fresh && s->first && a && a->timeout_ms &&
			a->expires_at > t->attrs.v[fresh - 1].expires_at + CLOCK_STEP_MS)
			continue;
		if ((!k || e->m.contrib) && attr_same_data(t, fresh, known[k]) &&
			attr_same_stmts(t, fresh, known[k]) && same_time(a, el, s->now)) {
			attr_put(t, fresh);
			return attr_ref(t, known[k]);
		}
	}
	return fresh;
}

/* A statement does not begin the time of an element anew that is there already. */
static void keep_time(struct set_reading *s, uint32_t i, uint32_t attr)
{
	struct elem_table *t = s->t;
	struct member *m = &elem_at(t, i)->m;
	const struct attr *h = attr ? &t->attrs.v[attr - 1] : NULL;

	if (!h || !h->timeout_ms || !m->contrib)
		return;
	for (;; m = &t->more.v[m->next - 1]) {
		const struct attr *a = m->attr ? &t->attrs.v[m->attr - 1] : NULL;

		if (a && a != h && a->timeout_ms == h->timeout_ms && a->expires_at > h->expires_at &&
			contrib_by_id(t->set->rs, m->contrib)->kind != C_EDIT &&
			attr_same_data(t, m->attr, attr)) {
			uint32_t old = m->attr;

			m->attr = attr_ref(t, attr);
			attr_put(t, old);
		}
		if (!m->next)
			return;
	}
}

static bool timed(const struct elem_table *t, uint32_t attr)
{
	return attr && t->attrs.v[attr - 1].timeout_ms;
}

/* What it has is read before the next plan. */
static bool read_soon(const struct obj *set)
{
	return !set->rs->only_attached && (set->suspect & SUSPECT_CONTENT || set->tab->suspect & SUSPECT_ALL);
}

/* A timed element of an earlier life that nobody states: what made it was an edit, which lives by the
 * kernel's clock. It goes on as one of the set's first pack. */
static void adopt(struct obj *set)
{
	struct elem_table *t = set->elems;
	struct stmt *by = NULL;

	vec_foreach (d, &set->decls)
		if (!by && (*d)->active)
			by = *d;
	for (uint32_t i = 0; by && i < t->n; i++) {
		const struct elem *e = elem_at(t, i);

		if (e->flags & E_USED && e->flags & E_HAVE && !e->m.contrib && e->m.found == FOUND_TIMED &&
			timed(t, e->hattr)) /* it may be another one by now */
			edit_adopt(by->sc->pk, set, i, attr_ref(t, e->hattr), by->site);
	}
}

/* While a pack is left out they may be what it states. */
void adopt_found(struct ruleset *rs)
{
	for (uint32_t i = 0; rs->adopting && !rs->hold_deletes && i < rs->all.n; i++) {
		struct obj *o = rs->all.v[i];

		if (o->kind == OBJ_SET && o->want && o->elems && o->elems == o->elems_have && !read_soon(o))
			adopt(o);
	}
}

/* An element of somebody else in an attached set. */
static void in_the_way(struct set_reading *s, uint32_t i)
{
	struct elem *e = i == UINT32_MAX ? NULL : elem_at(s->t, i);

	if (!e || !(e->flags & E_USED) || e->flags & E_REFUSED)
		return;
	e->flags |= E_REFUSED;
	s->t->refused++;
	elem_touch(s->t, i);
}

/* What was in the way may be gone. */
static void try_again(struct elem_table *t)
{
	for (uint32_t i = 0; t->refused && i < t->n; i++) {
		struct elem *e = elem_at(t, i);

		if (!(e->flags & E_USED) || !(e->flags & E_REFUSED))
			continue;
		e->flags &= (uint8_t)~E_REFUSED;
		t->refused--;
		elem_touch(t, i);
	}
}

/* The kernel leaves out a timeout that is the set's own. */
static const struct setelem *with_timeout(struct set_reading *s, const struct setelem *el)
{
	if (el->timeout_ms || !el->expires_ms || !s->set->set_have.timeout_ms)
		return el;
	s->timed = *el;
	s->timed.timeout_ms = s->set->set_have.timeout_ms;
	return &s->timed;
}

static void on_elem(void *ctx, const struct setelem *read)
{
	struct set_reading *s = ctx;
	struct elem_table *t = s->t;
	const struct setelem *el = with_timeout(s, read);
	uint32_t i = elem_find(t, el), attr;
	struct elem *e;

	if (el->klen != t->klen && !el->catchall)
		return;
	if (s->set->attach && !el->own) {
		in_the_way(s, i);
		return;
	}
	/* Those of the packet path are not rnm's. */
	if (i == UINT32_MAX && !s->set->attach &&
		(s->set->set_have.info.flags & NFT_SET_EVAL ||
			(s->set->filled && !(s->first && el->timeout_ms))))
		return;
	if (i == UINT32_MAX)
		i = elem_intern(t, el);
	see(s, i);
	attr = kernel_attr(s, i, el);
	keep_time(s, i, attr);
	e = elem_at(t, i);
	if (!(e->flags & E_HAVE) || e->hattr != attr)
		elem_touch(t, i);
	if (!(e->flags & E_HAVE) && !e->m.contrib && !s->set->attach && !s->first)
		s->r->found->elems_foreign++;
	if (!(e->flags & E_HAVE) && !e->m.contrib)
		e->m.found = s->first && timed(t, attr) ? FOUND_TIMED : FOUND;
	e->flags |= E_HAVE;
	if (e->hattr != attr) {
		attr_put(t, e->hattr);
		e->hattr = attr_ref(t, attr);
		expiry_of(t, i, attr);
	}
	if (t->ranges && !el->catchall)
		vec_push(&s->ranges, (struct ival){ i, i, attr_ref(t, attr) });
	attr_put(t, attr);
}

static void forget_unseen(struct set_reading *s)
{
	struct elem_table *t = s->t;

	for (uint32_t i = 0; i < t->n; i++) {
		struct elem *e = elem_at(t, i);

		if (!(e->flags & E_USED) || !(e->flags & E_HAVE) || (i < s->seen.n && s->seen.v[i]))
			continue;
		if (!t->ranges || e->flags & E_CATCHALL)
			*(s->set->attach ? &s->missing : &s->r->found->elems_missing) += e->m.contrib != 0;
		e->flags &= (uint8_t)~E_HAVE;
		if (!(e->m.contrib && timed(t, e->hattr))) {
			attr_put(t, e->hattr);
			e->hattr = 0;
		}
		elem_touch(t, i);
	}
}

static void take_ranges(struct set_reading *s)
{
	struct elem_table *t = s->t;
	ivals old = t->kernel;

	t->kernel = s->ranges;
	memset(&s->ranges, 0, sizeof(s->ranges));
	vec_foreach (v, &old)
		attr_put(t, v->attr);
	vec_free(&old);
}

int read_set(struct reading *r, struct obj *o)
{
	struct set_reading s = {
		.r = r, .set = o, .t = elems_of(o), .now = boot_ms(), .first = !o->elems_have
	};
	int rc;

	if (!s.t)
		return 0;
	if (o->attach)
		try_again(s.t);
	rc = kread_elems(r->c, o->family, o->tab->name, &o->set_have.info, false, on_elem, &s, r->e);
	if (rc == 0) {
		forget_unseen(&s);
		if (s.t->ranges)
			take_ranges(&s);
		if (o->elems_have != s.t) {
			if (o->elems_have)
				elems_put(o->elems_have);
			o->elems_have = s.t;
			s.t->refs++;
		}
		o->rs->adopting |= s.first;
		obj_changed(o);
		if (s.missing)
			o->attach->losses++;
		if (s.missing)
			log_info("nft", "set %s %s %s: %u own elements were gone", nft_family_name(o->family),
				o->tab->name, o->name, s.missing);
	}
	vec_foreach (v, &s.ranges)
		attr_put(s.t, v->attr);
	vec_free(&s.ranges);
	vec_free(&s.seen);
	return rc;
}

int read_elems(struct reading *r, bool all)
{
	for (uint32_t i = 0; i < r->tab->members.n; i++) {
		struct obj *o = r->tab->members.v[i];
		int rc;

		if (o->kind != OBJ_SET || o->attach || !o->have || !o->want ||
			!(all || o->suspect & SUSPECT_CONTENT) || !set_compatible(o))
			continue;
		rc = read_set(r, o);
		if (rc < 0)
			return rc;
	}
	return 0;
}
