// SPDX-License-Identifier: GPL-2.0-or-later
/* The elements of one set: a dense array with an open-addressing index. Who holds an element is written in
 * it; further holders, attributes and map data stand in side arrays, so that a plain address costs some forty
 * bytes. */
#include <string.h>

#include "base/clock.h"
#include "nft/model.h"

#define NONE       UINT32_MAX
#define DIRTY_KEEP 4096

static uint64_t key_hash(const struct elem_table *t, const uint8_t *key, uint8_t flags)
{
	return hash_bytes(key, t->interval ? 2u * t->klen : t->klen) ^ (flags & E_CATCHALL);
}

/* Any number of slots, so that the index grows by half and not to the double. */
static uint32_t home_of(const struct elem_table *t, uint64_t hash)
{
	return (uint32_t)((hash & UINT32_MAX) * t->idx_cap >> 32);
}

static uint32_t next_slot(const struct elem_table *t, uint32_t i)
{
	return i + 1 == t->idx_cap ? 0 : i + 1;
}

/* A slot has the number of an element, and above it so many bits of the hash as there is room for: what it
 * shares its run with is not looked at, which would be somewhere else in memory. */
static uint32_t slot_number(const struct elem_table *t, uint32_t slot)
{
	return slot & ((1u << t->idx_bits) - 1);
}

static uint32_t slot_tag(const struct elem_table *t, uint64_t hash)
{
	return (uint32_t)(hash >> 32) << t->idx_bits;
}

static uint32_t *slot_of(const struct elem_table *t, const uint8_t *key, uint8_t flags, uint64_t hash)
{
	size_t len = t->interval ? 2u * t->klen : t->klen;
	uint32_t tag = slot_tag(t, hash);

	for (uint32_t i = home_of(t, hash);; i = next_slot(t, i)) {
		uint32_t *slot = &t->idx[i];
		struct elem *el;

		if (*slot == NONE)
			return slot;
		if ((*slot ^ tag) >> t->idx_bits)
			continue;
		el = elem_at(t, slot_number(t, *slot));
		if ((el->flags & E_CATCHALL) == (flags & E_CATCHALL) && !memcmp(el->key, key, len))
			return slot;
	}
}

static uint64_t elem_hash(const struct elem_table *t, uint32_t i)
{
	return key_hash(t, elem_at(t, i)->key, elem_at(t, i)->flags);
}

/* There are never as many elements as slots: no number has all its bits set, as NONE has. */
static void index_grow(struct elem_table *t)
{
	t->idx_cap = t->idx_cap ? t->idx_cap + t->idx_cap / 2 : 16;
	t->idx_bits = (uint8_t)(32 - __builtin_clz(t->idx_cap));
	t->idx = xrealloc(t->idx, t->idx_cap, sizeof(*t->idx));
	memset(t->idx, 0xff, t->idx_cap * sizeof(*t->idx));
	for (uint32_t i = 0; i < t->n; i++) {
		uint64_t hash = elem_hash(t, i);
		uint32_t at = home_of(t, hash);

		if (!(elem_at(t, i)->flags & E_USED))
			continue;
		while (t->idx[at] != NONE)
			at = next_slot(t, at);
		t->idx[at] = slot_tag(t, hash) | i;
	}
}

static uint32_t distance(const struct elem_table *t, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : to + t->idx_cap - from;
}

/* Deletion by moving later entries of the same run back, so that no tombstones pile up. */
static void index_del(struct elem_table *t, uint32_t elem)
{
	const struct elem *el = elem_at(t, elem);
	uint32_t hole = (uint32_t)(slot_of(t, el->key, el->flags, elem_hash(t, elem)) - t->idx);

	for (uint32_t i = next_slot(t, hole); t->idx[i] != NONE; i = next_slot(t, i)) {
		uint32_t home = home_of(t, elem_hash(t, slot_number(t, t->idx[i])));

		if (distance(t, home, i) >= distance(t, hole, i)) {
			t->idx[hole] = t->idx[i];
			hole = i;
		}
	}
	t->idx[hole] = NONE;
}

static bool table_fits(const struct elem_table *t, const struct set_info *info)
{
	uint32_t shape = NFT_SET_INTERVAL | NFT_SET_MAP | NFT_SET_OBJECT;

	return nft_type_equal(&t->info.key, &info->key) && (t->info.flags & shape) == (info->flags & shape) &&
	       (!(info->flags & NFT_SET_MAP) || nft_type_equal(&t->info.data, &info->data)) &&
	       t->info.obj_type == info->obj_type;
}

struct elem_table *elems_of(struct obj *set)
{
	const struct set_info *info = obj_set_info(set);
	struct elem_table *t;

	if (!info)
		return NULL;
	if (set->elems && table_fits(set->elems, info)) {
		set->elems->info = *info;
		return set->elems;
	}
	for (t = set->tables; t; t = t->next)
		if (table_fits(t, info))
			break;
	if (!t) {
		t = xnew(struct elem_table);
		t->set = set;
		t->klen = (uint16_t)nft_type_len(&info->key);
		t->interval = info->flags & NFT_SET_INTERVAL;
		t->ranges = t->interval && info->key.n == 1;
		t->stride =
			(uint16_t)((sizeof(struct elem) + (t->interval ? 2u * t->klen : t->klen) + 3) & ~3u);
		t->next = set->tables;
		set->tables = t;
	}
	t->info = *info;
	t->refs++;
	if (set->elems) {
		set->retyped = set->rs->retyped = true;
		obj_dirty(set);
		elems_put(set->elems);
	}
	set->elems = t;
	return t;
}

void elems_put(struct elem_table *t)
{
	struct elem_table **p;

	if (--t->refs)
		return;
	for (p = &t->set->tables; *p != t; p = &(*p)->next)
		;
	*p = t->next;
	free(t->rec);
	free(t->idx);
	vec_free(&t->spare);
	vec_free(&t->dirty);
	vec_free(&t->more);
	vec_free(&t->more_spare);
	hmap_free(&t->holders);
	attrs_free(t);
	vec_free(&t->expiries);
	vec_free(&t->kernel);
	vec_free(&t->sorted);
	vec_free(&t->in_sorted);
	free(t);
}

static const uint8_t *make_key(
	const struct elem_table *t, const struct setelem *el, uint8_t out[2 * NFT_KEY_MAX])
{
	static const uint8_t none[2 * NFT_KEY_MAX];

	if (el->catchall) /* whatever was in there before */
		return none;
	if (!t->interval)
		return el->key;
	memcpy(out, el->key, t->klen);
	memcpy(out + t->klen, el->interval ? el->key_end : el->key, t->klen);
	return out;
}

uint32_t elem_find(const struct elem_table *t, const struct setelem *el)
{
	uint8_t buf[2 * NFT_KEY_MAX], flags = el->catchall ? E_CATCHALL : 0;
	const uint8_t *key = make_key(t, el, buf);
	uint32_t slot = t->idx_cap ? *slot_of(t, key, flags, key_hash(t, key, flags)) : NONE;

	return slot == NONE ? NONE : slot_number(t, slot);
}

bool elem_is(const struct elem_table *t, uint32_t i, const struct setelem *el)
{
	const struct elem *e = i < t->n ? elem_at(t, i) : NULL;

	return e && (e->flags & (E_USED | E_CATCHALL)) == (el->catchall ? E_USED | E_CATCHALL : E_USED) &&
	       !memcmp(e->key, el->key, t->klen) &&
	       (!t->interval || !memcmp(e->key + t->klen, el->interval ? el->key_end : el->key, t->klen));
}

uint64_t elem_expect(const struct elem_table *t, const struct setelem *el)
{
	uint8_t buf[2 * NFT_KEY_MAX];
	uint64_t hash = key_hash(t, make_key(t, el, buf), el->catchall ? E_CATCHALL : 0);

	if (t->idx_cap)
		__builtin_prefetch(&t->idx[home_of(t, hash)]);
	return hash;
}

uint32_t elem_intern(struct elem_table *t, const struct setelem *el)
{
	return elem_intern_hashed(t, el, elem_expect(t, el));
}

uint32_t elem_intern_hashed(struct elem_table *t, const struct setelem *el, uint64_t hash)
{
	uint8_t buf[2 * NFT_KEY_MAX], flags = el->catchall ? E_CATCHALL : 0;
	const uint8_t *key = make_key(t, el, buf);
	struct elem *e;
	uint32_t *slot, i;

	if (5 * (t->live + 1) > 4 * t->idx_cap)
		index_grow(t);
	slot = slot_of(t, key, flags, hash);
	if (*slot != NONE)
		return slot_number(t, *slot);
	if (t->spare.n) {
		i = vec_pop(&t->spare);
	} else {
		if (t->n == t->cap) {
			t->cap = t->cap ? t->cap + t->cap / 2 : 8;
			t->rec = xrealloc(t->rec, t->cap, t->stride);
		}
		i = t->n++;
	}
	*slot = slot_tag(t, hash) | i;
	t->live++;
	e = elem_at(t, i);
	memset(e, 0, sizeof(*e));
	e->flags = E_USED | flags;
	memcpy(e->key, key, t->interval ? 2u * t->klen : t->klen);
	return i;
}

void elem_get(const struct elem_table *t, uint32_t i, uint32_t attr, struct setelem *out)
{
	const struct elem *el = elem_at(t, i);
	const struct attr *a = attr ? &t->attrs.v[attr - 1] : NULL;

	out->klen = t->klen;
	out->catchall = el->flags & E_CATCHALL;
	out->interval = t->interval && !out->catchall;
	memcpy(out->key, el->key, t->klen);
	if (t->interval)
		memcpy(out->key_end, el->key + t->klen, t->klen);
	out->dlen = 0;
	out->verdict = false;
	out->target[0] = '\0';
	out->timeout_ms = out->expires_ms = 0;
	out->comment = NULL;
	out->n_exprs = 0;
	if (a)
		attr_get(a, a->timeout_ms ? boot_ms() : 0, out);
}

void elem_touch(struct elem_table *t, uint32_t i)
{
	struct elem *el = elem_at(t, i);

	if (!(el->flags & E_DIRTY)) {
		el->flags |= E_DIRTY;
		vec_push(&t->dirty, i);
	}
	obj_changed(t->set);
}

static bool earlier(const struct elem_table *t, uint32_t x, uint32_t y) /* of contributors */
{
	const struct contrib *a = contrib_by_id(t->set->rs, x), *b = contrib_by_id(t->set->rs, y);

	if (a->pk != b->pk)
		return pack_before(a->pk, b->pk);
	return a->st && b->st ? place_cmp(a->st, b->st) < 0 : a->st && !b->st;
}

/* Of several holders' attributes: untimed wins over timed, the later expiry over the earlier; of two values
 * of a map that nobody is to blame for, and of two lists of statements, the earlier pack's. */
uint32_t elem_attr(const struct elem_table *t, const struct elem *el)
{
	const struct member *m = &el->m;
	uint32_t best = m->attr, by = m->contrib;

	while (m->next) {
		const struct attr *a, *b;

		m = &t->more.v[m->next - 1];
		if (t->info.flags & (NFT_SET_MAP | NFT_SET_OBJECT) || t->stated) {
			bool same = attr_same_data(t, best, m->attr) && attr_same_stmts(t, best, m->attr);

			if (earlier(t, m->contrib, by)) {
				best = same ? best : m->attr;
				by = m->contrib;
			}
			if (!same)
				continue;
		}
		a = best ? &t->attrs.v[best - 1] : NULL;
		b = m->attr ? &t->attrs.v[m->attr - 1] : NULL;
		if (!a || !a->timeout_ms)
			continue;
		if (!b || !b->timeout_ms || b->expires_at > a->expires_at)
			best = m->attr;
	}
	return best;
}

/* What was hidden behind another holder's attributes may have ended unseen. The clock of the transaction: the
 * answer is the same from plan to acknowledgement. */
static bool is_over(const struct elem_table *t, const struct attr *a)
{
	return a->spent || (a->timeout_ms && a->expires_at <= t->set->rs->now);
}

bool elem_wanted(const struct elem_table *t, const struct elem *el)
{
	uint32_t attr;

	if (!el->m.contrib || el->flags & (E_PENDING | E_REFUSED))
		return false;
	attr = elem_attr(t, el);
	return !attr || !is_over(t, &t->attrs.v[attr - 1]);
}

/* Room for a few more. */
static uint32_t with_room(uint32_t n)
{
	return n + n / 32 + 8;
}

/* Gives back what arrays have beyond what they hold. */
static void fit(struct elem_table *t)
{
	if (t->cap > with_room(t->n)) {
		t->cap = with_room(t->n);
		t->rec = xrealloc(t->rec, t->cap, t->stride);
	}
	if (t->attrs.cap > with_room(t->attrs.n)) {
		t->attrs.cap = with_room(t->attrs.n);
		t->attrs.v = xrealloc(t->attrs.v, t->attrs.cap, sizeof(*t->attrs.v));
	}
}

void elems_settle(struct elem_table *t)
{
	vec_foreach (p, &t->dirty) {
		struct elem *el = elem_at(t, *p);

		el->flags &= (uint8_t)~E_DIRTY;
		if (el->m.contrib)
			el->m.found = FOUND_NOT;
		if (el->m.contrib || el->flags & E_HAVE || !(el->flags & E_USED))
			continue;
		if (el->flags & E_REFUSED)
			t->refused--;
		if (el->flags & E_PENDING)
			t->pending--;
		attr_put(t, el->hattr);
		index_del(t, *p);
		if (*p / 8 < t->in_sorted.n && t->in_sorted.v[*p / 8] & 1 << *p % 8) {
			t->in_sorted.v[*p / 8] &= (uint8_t) ~(1 << *p % 8);
			t->sorted_holes = true;
		}
		el->flags = 0;
		el->hattr = 0;
		t->live--;
		vec_push(&t->spare, *p);
	}
	vec_clear(&t->dirty);
	if (t->dirty.cap > DIRTY_KEEP) { /* a big change must not hold its memory for ever */
		vec_free(&t->dirty);
		fit(t);
	}
}
