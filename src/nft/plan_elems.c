// SPDX-License-Identifier: GPL-2.0-or-later
/* The difference of a set's elements. Hash sets and concatenated ranges go element by element from the dirty
 * list; sets of one-dimensional intervals are normalised first (sorted, covered ones held back, overlapping
 * ones merged) and then compared as two sorted lists. */
#include <endian.h>

#include "nft/attach_impl.h"

static void get_wanted(const struct op *op, uint32_t i, struct setelem *out)
{
	const struct elem_table *t = op->elem.src;
	uint32_t n = ((const uint32_t *)op->elem.list)[i];

	elem_get(t, n, elem_attr(t, elem_at(t, n)), out);
}

static void get_key(const struct op *op, uint32_t i, struct setelem *out)
{
	elem_get(op->elem.src, ((const uint32_t *)op->elem.list)[i], 0, out);
}

static void get_ival(const struct op *op, uint32_t i, struct setelem *out)
{
	const struct elem_table *t = op->elem.src;
	const struct ival *v = &((const struct ival *)op->elem.list)[i];

	elem_get(t, v->first, op->kind == OP_ADD_ELEM ? v->attr : 0, out);
	memcpy(out->key_end, elem_at(t, v->last)->key + t->klen, t->klen);
}

/* An operation on elements is whose the first of them is; one that nobody holds any more is the set's. */
static void attribute(struct op *op, const struct elem_table *t, uint32_t i)
{
	const struct member *m = &elem_at(t, i)->m;
	const struct contrib *c = m->contrib ? contrib_by_id(t->set->rs, m->contrib) : NULL;

	if (!c)
		return;
	op->pack = c->pk->name;
	op->site = m->site ? m->site : c->site;
	op->member = m;
}

/* Takes list, an array of n items of the given size. */
static void emit(struct plan *p, enum phase ph, enum op_kind kind, struct elem_table *t, void *list,
	uint32_t n, size_t size, void (*get)(const struct op *, uint32_t, struct setelem *))
{
	struct obj *set = t->set;
	uint32_t step = t->split ? 1 : n ? n : 1;

	if (!n) {
		free(list);
		return;
	}
	vec_push(&p->next->lists, list);
	for (uint32_t i = 0; i < n; i += step) {
		struct op *op = plan_op(p, ph, kind, set);

		op->excl = op->mark = set->attach && kind == OP_ADD_ELEM;
		op->elem.set = kind == OP_DEL_ELEM && set->have ? &set->set_have : &set->set;
		op->elem.n = step;
		op->elem.get = get;
		op->elem.src = t;
		op->elem.list = (char *)list + i * size;
		attribute(op, t,
			size == sizeof(uint32_t) ? *(const uint32_t *)op->elem.list
						 : ((const struct ival *)op->elem.list)->first);
	}
}

bool elem_held(const struct elem_table *t, const struct elem *el)
{
	const struct attr *h = el->hattr ? &t->attrs.v[el->hattr - 1] : NULL;
	const struct obj *to;

	if (!t->set->rs->hold_deletes || elem_unclaimed(el))
		return t->set->rs->hold_deletes;
	if (!(el->flags & E_PENDING) || !(el->flags & E_HAVE) || !h || !attr_target(h))
		return false;
	to = obj_find(t->set->rs, target_kind(&t->info), t->set->family, t->set->tab->name, attr_target(h));
	return to && held(to); /* what it leads to may be wanted again */
}

typedef VEC(uint32_t) indices;

static bool resend(const struct elem_table *t, const struct elem *el)
{
	uint32_t now = elem_attr(t, el);
	const struct attr *a = now ? &t->attrs.v[now - 1] : NULL,
			  *h = el->hattr ? &t->attrs.v[el->hattr - 1] : NULL;

	if (now == el->hattr)
		return false;
	return !attr_same_data(t, now, el->hattr) || !attr_same_stmts(t, now, el->hattr) ||
	       (a ? a->timeout_ms : 0) != (h ? h->timeout_ms : 0) ||
	       (a && a->timeout_ms && a->expires_at != h->expires_at);
}

/* A set that was full has room again: as many of the elements that it refused as others leave. Once a
 * transaction. */
static bool try_refused(struct elem_table *t, uint32_t left, uint32_t came, indices *add)
{
	uint32_t room = left > came ? left - came : 0;
	bool any = false;

	if (!room || !t->full || t->set->attach || t->tried == t->set->rs->txn)
		return false;
	t->tried = t->set->rs->txn;
	for (uint32_t i = 0; i < t->n && room && t->refused; i++) {
		struct elem *el = elem_at(t, i);

		if (!(el->flags & E_REFUSED))
			continue;
		el->flags &= (uint8_t)~E_REFUSED;
		t->refused--;
		elem_touch(t, i);
		if (!elem_wanted(t, el))
			continue;
		if (add)
			vec_push(add, i);
		any = true;
		room--;
	}
	return any;
}

/* Its pack backs off: it waits as if it were refused. What nobody was told to be refused is not in the
 * kernel's way of others. */
static bool hold_back(struct elem_table *t, struct elem *el)
{
	const struct member *m = &el->m;
	const struct contrib *c;

	if (t->set->attach || t->set->rs->retrying || !m->contrib)
		return false;
	c = contrib_by_id(t->set->rs, m->contrib);
	if (!c || !backoff_holds(c->pk, m->site ? m->site : c->site))
		return false;
	el->flags |= E_REFUSED;
	t->refused++;
	return true;
}

static void by_element(struct plan *p, struct elem_table *t, bool fresh)
{
	indices add = { 0 }, del = { 0 };
	uint32_t n = fresh ? t->n : t->dirty.n, left = 0, came = 0;

	for (uint32_t j = 0; j < n; j++) {
		uint32_t i = fresh ? j : t->dirty.v[j];
		struct elem *el = elem_at(t, i);
		bool want = el->flags & E_USED && elem_wanted(t, el),
		     have = !fresh && (el->flags & (E_HAVE | E_REDO)) == E_HAVE;

		if (t->ranges && !(el->flags & E_CATCHALL))
			continue;
		if (have && want && resend(t, el)) {
			vec_push(&del, i);
			vec_push(&add, i);
		} else if (have && !want && elem_held(t, el)) {
			continue;
		} else if (have && !want) {
			vec_push(&del, i);
			left++;
		} else if (want && !have && (el->flags & E_HAVE || !hold_back(t, el))) {
			vec_push(&add, i);
			came++;
		}
	}
	try_refused(t, left, came, &add);
	emit(p, PH_DEL_ELEM, OP_DEL_ELEM, t, del.v, del.n, sizeof(uint32_t), get_key);
	emit(p, PH_ADD_ELEM, OP_ADD_ELEM, t, add.v, add.n, sizeof(uint32_t), get_wanted);
}

/* ---- intervals ---- */

static _Thread_local const struct elem_table *sorting;

static const uint8_t *low(const struct elem_table *t, uint32_t i)
{
	return elem_at(t, i)->key;
}

static const uint8_t *high(const struct elem_table *t, uint32_t i)
{
	return elem_at(t, i)->key + t->klen;
}

/* As memcmp(); most are IPv4 addresses. */
static inline int key_cmp(const struct elem_table *t, const uint8_t *a, const uint8_t *b)
{
	uint32_t x, y;

	if (t->klen != sizeof(x))
		return memcmp(a, b, t->klen);
	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	x = be32toh(x);
	y = be32toh(y);
	return (x > y) - (x < y);
}

static int by_low(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int c = key_cmp(sorting, low(sorting, x), low(sorting, y));

	return c ? c : key_cmp(sorting, high(sorting, y), high(sorting, x)); /* the wider one first */
}

/* Takes out what is no element any more, and sorts in what came: an event costs a walk, not a sort. */
static void sort_elems(struct elem_table *t)
{
	indices came = { 0 };
	uint32_t n = 0, bytes = (t->n + 7) / 8, i, j, at;

	if (t->in_sorted.n < bytes) {
		vec_reserve(&t->in_sorted, bytes);
		memset(t->in_sorted.v + t->in_sorted.n, 0, bytes - t->in_sorted.n);
		t->in_sorted.n = bytes;
	}
	if (t->sorted_holes) {
		vec_foreach (p, &t->sorted)
			if (t->in_sorted.v[*p / 8] & 1 << *p % 8)
				t->sorted.v[n++] = *p;
		t->sorted.n = n;
		t->sorted_holes = false;
	}
	for (i = 0; i < t->n; i++) {
		if (t->in_sorted.v[i / 8] == 0xff) {
			i |= 7;
			continue;
		}
		if (t->in_sorted.v[i / 8] & 1 << i % 8 ||
			(elem_at(t, i)->flags & (E_USED | E_CATCHALL)) != E_USED)
			continue;
		t->in_sorted.v[i / 8] |= (uint8_t)(1 << i % 8);
		vec_push(&came, i);
	}
	if (!came.n)
		return;
	sorting = t;
	qsort(came.v, came.n, sizeof(came.v[0]), by_low);
	i = t->sorted.n;
	j = came.n;
	at = i + j;
	vec_reserve(&t->sorted, at);
	t->sorted.n = at;
	while (j)
		t->sorted.v[--at] =
			i && by_low(&t->sorted.v[i - 1], &came.v[j - 1]) > 0 ? t->sorted.v[--i] : came.v[--j];
	vec_free(&came);
}

/* Does b begin right after a ends? */
static bool adjacent(const struct elem_table *t, uint32_t a, uint32_t b)
{
	uint8_t next[NFT_KEY_MAX];
	int i;

	memcpy(next, high(t, a), t->klen);
	for (i = t->klen - 1; i >= 0 && ++next[i] == 0; i--)
		;
	return i >= 0 && !memcmp(next, low(t, b), t->klen);
}

void intervals_want(struct elem_table *t, ivals *out)
{
	bool plain = !(t->info.flags & (NFT_SET_MAP | NFT_SET_OBJECT));

	sort_elems(t);
	vec_reserve(out, t->sorted.n);
	vec_foreach (p, &t->sorted) {
		struct ival *top = out->n ? &vec_last(out) : NULL;
		struct elem *el = elem_at(t, *p);
		bool bare = !el->m.attr && !el->m.next; /* one holder, and nothing beside the key */
		uint32_t attr;
		int over;

		el->flags &= (uint8_t)~E_HELD;
		if (bare ? !el->m.contrib || el->flags & (E_PENDING | E_REFUSED) : !elem_wanted(t, el))
			continue;
		attr = bare ? 0 : elem_attr(t, el);
		over = top ? key_cmp(t, el->key, high(t, top->last)) : 1;

		if (top && over <= 0 && key_cmp(t, el->key + t->klen, high(t, top->last)) <= 0) {
			el->flags |= E_HELD; /* covered */
			continue;
		}
		/* What overlaps is one interval for a plain set; what only touches is one where auto-merge
		 * asks for it. */
		if (top && plain && !attr && !top->attr &&
			(over <= 0 || (t->info.auto_merge && adjacent(t, top->last, *p)))) {
			top->last = *p;
			continue;
		}
		vec_push(out, (struct ival){ *p, *p, attr });
	}
}

static int ival_cmp(const struct elem_table *t, const struct ival *a, const struct ival *b)
{
	int c = key_cmp(t, low(t, a->first), low(t, b->first));

	return c ? c : key_cmp(t, high(t, a->last), high(t, b->last));
}

static inline bool ival_same(const struct ival *a, const struct ival *b)
{
	return a->first == b->first && a->last == b->last && a->attr == b->attr;
}

static bool ival_resend(const struct elem_table *t, const struct ival *want, const struct ival *have)
{
	const struct attr *a = want->attr ? &t->attrs.v[want->attr - 1] : NULL,
			  *h = have->attr ? &t->attrs.v[have->attr - 1] : NULL;

	return want->attr != have->attr &&
	       (!attr_same_data(t, want->attr, have->attr) || !attr_same_stmts(t, want->attr, have->attr) ||
		       (a ? a->timeout_ms : 0) != (h ? h->timeout_ms : 0) ||
		       (a && a->timeout_ms && a->expires_at != h->expires_at));
}

/* Its time is over, or its deletion is in this plan already. */
static bool is_gone(const struct elem_table *t, const struct ival *v)
{
	return (v->attr && t->attrs.v[v->attr - 1].spent) || elem_at(t, v->first)->flags & E_REDO;
}

/* Does the interval overlap with those around place j of a sorted list? */
static bool overlaps(const struct elem_table *t, const ivals *list, uint32_t j, const struct ival *v)
{
	return (j && memcmp(high(t, list->v[j - 1].last), low(t, v->first), t->klen) >= 0) ||
	       (j < list->n && memcmp(low(t, list->v[j].first), high(t, v->last), t->klen) <= 0);
}

/* Is it in an interval that the kernel has? */
static bool kernel_covers(const struct elem_table *t, uint32_t i)
{
	uint32_t from = 0, to = t->kernel.n;

	while (from < to) {
		uint32_t mid = from + (to - from) / 2;

		if (memcmp(low(t, t->kernel.v[mid].first), low(t, i), t->klen) <= 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from && memcmp(high(t, i), high(t, t->kernel.v[from - 1].last), t->klen) <= 0;
}

/* What is stated anew by packs that back off. */
static void hold_back_ranges(struct elem_table *t, bool fresh)
{
	uint32_t n = fresh ? t->n : t->dirty.n;

	for (uint32_t j = 0; j < n; j++) {
		uint32_t i = fresh ? j : t->dirty.v[j];
		struct elem *el = elem_at(t, i);

		if ((el->flags & (E_USED | E_CATCHALL)) == E_USED && elem_wanted(t, el) &&
			!kernel_covers(t, i))
			hold_back(t, el);
	}
}

struct ranges_diff {
	struct next_set next;
	ivals add, del;
};

static void diff_ranges(struct elem_table *t, const ivals *have, struct ranges_diff *d)
{
	struct next_set *next = &d->next;
	uint32_t i = 0, j = 0;

	intervals_want(t, &next->kernel);
	while (i < have->n || j < next->kernel.n) {
		int c;

		if (i < have->n && is_gone(t, &have->v[i])) {
			vec_push(&next->gone, have->v[i++]);
			continue;
		}
		if (i < have->n && j < next->kernel.n && ival_same(&have->v[i], &next->kernel.v[j])) {
			i++;
			j++;
			continue;
		}
		c = i == have->n          ? 1
		    : j == next->kernel.n ? -1
					  : ival_cmp(t, &have->v[i], &next->kernel.v[j]);

		if (c < 0 && elem_held(t, elem_at(t, have->v[i].first)) &&
			!overlaps(t, &next->kernel, j, &have->v[i])) {
			vec_insert(&next->kernel, j, have->v[i++]);
			j++;
		} else if (c < 0) {
			vec_push(&next->gone, have->v[i]);
			vec_push(&d->del, have->v[i++]);
		} else if (c > 0) {
			vec_push(&next->came, next->kernel.v[j]);
			vec_push(&d->add, next->kernel.v[j++]);
		} else {
			vec_push(&next->gone, have->v[i]);
			vec_push(&next->came, next->kernel.v[j]);
			if (ival_resend(t, &next->kernel.v[j], &have->v[i])) {
				vec_push(&d->del, have->v[i]);
				vec_push(&d->add, next->kernel.v[j]);
			}
			i++;
			j++;
		}
	}
}

static void by_interval(struct plan *p, struct elem_table *t, bool fresh)
{
	static const ivals none;
	const ivals *have = fresh ? &none : &t->kernel;
	struct ranges_diff d = { .next = { .t = t, .fresh = fresh } };

	hold_back_ranges(t, fresh);
	diff_ranges(t, have, &d);
	if (try_refused(t, d.del.n, d.add.n, NULL)) {
		vec_clear(&d.next.kernel);
		vec_clear(&d.next.gone);
		vec_clear(&d.next.came);
		vec_clear(&d.add);
		vec_clear(&d.del);
		diff_ranges(t, have, &d);
	}
	emit(p, PH_DEL_ELEM, OP_DEL_ELEM, t, d.del.v, d.del.n, sizeof(struct ival), get_ival);
	emit(p, PH_ADD_ELEM, OP_ADD_ELEM, t, d.add.v, d.add.n, sizeof(struct ival), get_ival);
	vec_push(&p->next->sets, d.next);
}

void plan_elems(struct plan *p, struct obj *set, bool fresh)
{
	struct elem_table *t = elems_of(set);

	/* whether neighbours are one is not the kernel's business: no operation on the set tells of it */
	bool joined = t && t->ranges && !fresh && set->set_have.info.auto_merge != set->set.info.auto_merge;

	if (!t || (!fresh && !t->dirty.n && !joined))
		return;
	by_element(p, t, fresh);
	if (t->ranges)
		by_interval(p, t, fresh);
}

/* Nobody attaches any more: what is own goes. */
static void all_go(struct plan *p, struct elem_table *t)
{
	struct next_set next = { .t = t };
	indices del = { 0 };
	ivals ranges = { 0 };

	for (uint32_t i = 0; i < t->n; i++) {
		struct elem *el = elem_at(t, i);

		if (el->flags & E_USED && el->flags & E_HAVE && (!t->ranges || el->flags & E_CATCHALL))
			vec_push(&del, i);
	}
	vec_foreach (v, &t->kernel) {
		vec_push(&ranges, *v);
		if (t->ranges)
			vec_push(&next.gone, *v);
	}
	emit(p, PH_DEL_ELEM, OP_DEL_ELEM, t, del.v, del.n, sizeof(uint32_t), get_key);
	emit(p, PH_DEL_ELEM, OP_DEL_ELEM, t, ranges.v, ranges.n, sizeof(struct ival), get_ival);
	if (t->ranges)
		vec_push(&p->next->sets, next);
}

void plan_attached(struct plan *p, struct obj *set)
{
	if (!set->have)
		return;
	if (set->want)
		plan_elems(p, set, false);
	else if (!attach_stated(set) && set->elems_have)
		all_go(p, set->elems_have);
}

void plan_target_elems(struct plan *p, struct obj *map, const struct obj *to)
{
	struct elem_table *t = map->elems_have;

	for (uint32_t i = 0; t && i < t->n; i++) {
		struct elem *el = elem_at(t, i);
		const char *target =
			el->flags & E_HAVE && el->hattr ? attr_target(&t->attrs.v[el->hattr - 1]) : NULL;
		uint32_t *list;

		if (!target || strcmp(target, to->name) != 0)
			continue;
		list = xmalloc(sizeof(*list));
		*list = i;
		emit(p, PH_UNDO, OP_DEL_ELEM, t, list, 1, sizeof(*list), get_key);
		vec_last(&p->next->phase[PH_UNDO]).recreate = true;
		el->flags |= E_REDO;
		vec_push(&p->next->redo, (struct redo){ t, i });
		elem_touch(t, i);
	}
}
