// SPDX-License-Identifier: GPL-2.0-or-later
/* From the elements of a set as written to those that the kernel gets. */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "nft/set_build.h"

static u128 ones(unsigned bits)
{
	return bits >= 128 ? ~(u128)0 : ((u128)1 << bits) - 1;
}

static int by_bounds(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->el.catchall != y->el.catchall)
		return x->el.catchall ? 1 : -1;
	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->hi < y->hi ? 1 : x->hi > y->hi ? -1 : 0;
}

static int by_bytes(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int d;

	if (x->el.catchall != y->el.catchall)
		return x->el.catchall ? 1 : -1;
	d = memcmp(x->el.key, y->el.key, x->el.klen);
	return d ? d : memcmp(x->el.key_end, y->el.key_end, x->el.klen);
}

static bool same_data(const struct setelem *a, const struct setelem *b)
{
	return a->verdict_code == b->verdict_code && !strcmp(a->target, b->target) &&
	       !memcmp(a->data, b->data, sizeof(a->data));
}

static bool overlap(struct build *b, const struct item *it)
{
	cc_error(b->c, it->node, "this key overlaps with another one of the map that has a different value");
	return false;
}

static bool settle_single(struct build *b)
{
	unsigned len = datatype_bytes(b->want.p[0].bits), n = 0;
	enum dt_order order =
		b->interval && b->want.p[0].dt->base != BASE_STRING ? ORDER_BIG : b->want.p[0].order;

	vec_foreach (it, &b->items)
		if (!it->el.catchall)
			build_bounds(it->key, &it->lo, &it->hi);
	if (b->items.n)
		qsort(b->items.v, b->items.n, sizeof(*b->items.v), by_bounds);
	for (unsigned i = 0; i < b->items.n; i++) {
		struct item *it = &b->items.v[i], *last = n ? &b->items.v[n - 1] : NULL;

		if (last && last->el.catchall == it->el.catchall && (it->el.catchall || it->lo <= last->hi)) {
			if (b->is_map &&
				!(it->lo == last->lo && it->hi == last->hi && same_data(&it->el, &last->el)))
				return overlap(b, it);
			if (it->hi > last->hi)
				last->hi = it->hi;
			continue;
		}
		if (last && b->interval && !b->is_map && !it->el.catchall && it->lo == last->hi + b->step) {
			last->hi = it->hi;
			continue;
		}
		b->items.v[n++] = *it;
	}
	b->items.n = n;
	vec_foreach (it, &b->items) {
		if (it->el.catchall)
			continue;
		it->el.klen = (uint16_t)len;
		if (b->want.p[0].dt->base == BASE_STRING)
			order = ORDER_BIG;
		num_export(it->lo, len, order, it->el.key);
		if (b->interval) {
			it->el.interval = true;
			if (it->hi == b->max) /* nothing lies behind: the interval is open */
				it->hi = ones(8 * len);
			num_export(it->hi, len, order, it->el.key_end);
		}
	}
	return true;
}

static bool settle_concat(struct build *b)
{
	unsigned n = 0;

	vec_foreach (it, &b->items) {
		unsigned off = 0;

		if (it->el.catchall)
			continue;
		for (unsigned i = 0; i < b->want.n; i++) {
			const struct ex *p = it->key->part[i];
			unsigned len = datatype_bytes(b->want.p[i].bits);
			enum dt_order order =
				b->interval || p->dt->base == BASE_STRING ? ORDER_BIG : b->want.p[i].order;
			u128 lo, hi;

			build_bounds(p, &lo, &hi);
			num_export(lo, len, order, it->el.key + off);
			num_export(hi, len, order, it->el.key_end + off);
			off += (len + 3) & ~3u;
		}
		it->el.klen = (uint16_t)off;
		it->el.interval = b->interval;
		if (!b->interval)
			memset(it->el.key_end, 0, sizeof(it->el.key_end));
	}
	if (b->items.n)
		qsort(b->items.v, b->items.n, sizeof(*b->items.v), by_bytes);
	for (unsigned i = 0; i < b->items.n; i++) {
		struct item *it = &b->items.v[i];

		if (n && !by_bytes(&b->items.v[n - 1], it)) {
			if (b->is_map && !same_data(&it->el, &b->items.v[n - 1].el))
				return overlap(b, it);
			continue;
		}
		b->items.v[n++] = *it;
	}
	b->items.n = n;
	return true;
}

/* From the field's width to that of what really lies in the registers. */
static void want_phys(struct build *b, const struct ex *left)
{
	struct nft_type t = ex_type(left);

	b->max = ones(b->want.p[0].bits);
	b->step = 1;
	if (b->xf && b->xf->shift > 0) {
		b->max = ~(u128)0;
		b->step <<= b->xf->shift;
	}
	for (unsigned i = 0; i < b->want.n; i++)
		b->want.p[i].bits = t.bits[i];
}

int build_settle(struct build *b, const struct ex *left)
{
	struct anon_set as = { 0 };

	want_phys(b, left);
	if (!(b->want.n == 1 ? settle_single(b) : settle_concat(b)))
		return -1;
	strcpy(as.info.name, b->obj_type ? "__objmap%d" : b->is_map ? "__map%d" : "__set%d");
	as.info.flags = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | (b->interval ? NFT_SET_INTERVAL : 0);
	if (b->is_map)
		as.info.flags |= b->obj_type ? NFT_SET_OBJECT : NFT_SET_MAP;
	as.info.obj_type = b->obj_type;
	as.info.key.n = (uint8_t)b->want.n;
	for (unsigned i = 0; i < b->want.n; i++) {
		as.info.key.part[i] = b->want.p[i].dt;
		as.info.key.bits[i] = (uint16_t)((b->want.p[i].bits + 7) / 8 * 8);
	}
	if (b->interval && b->want.n > 1) {
		as.info.flags |= NFT_SET_CONCAT;
		as.concat.n = (uint8_t)b->want.n;
		for (unsigned i = 0; i < b->want.n; i++)
			as.concat.len[i] = (uint8_t)datatype_bytes(b->want.p[i].bits);
	}
	if (b->verdicts) {
		as.info.data = nft_type_of(datatype_by_id(DT_VERDICT), 0);
	} else if (b->is_map && !b->obj_type) {
		as.info.data.n = (uint8_t)b->data.n;
		for (unsigned i = 0; i < b->data.n; i++) {
			as.info.data.part[i] = b->data.p[i].dt;
			as.info.data.bits[i] = (uint16_t)((b->data.p[i].bits + 7) / 8 * 8);
		}
		as.info.data.interval = b->data_interval;
	}
	vec_reserve(&as.elems, b->items.n);
	vec_foreach (it, &b->items) {
		unsigned dlen = it->el.dlen;

		if (b->data_interval)
			it->el.dlen = (uint16_t)(2 * dlen);
		else
			memset(it->el.data + dlen, 0, sizeof(it->el.data) - dlen);
		it->el.exprs = it->el.n_exprs ? b->exprs.v + it->exprs : NULL;
		vec_push(&as.elems, it->el);
	}
	as.exprs.v = b->exprs.v;
	as.exprs.n = b->exprs.n;
	as.exprs.cap = b->exprs.cap;
	b->exprs.v = NULL;
	b->exprs.n = b->exprs.cap = 0;
	vec_push(&b->c->code->sets, as);
	return (int)b->c->code->sets.n - 1;
}
