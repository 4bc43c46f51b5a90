// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists of elements: a hundred thousand of them are to cost a few bytes each. */
#include <errno.h>

#include "nft/load_impl.h"

#define ELEMS_MAX (1u << 24) /* the kernel takes no batch as large as their messages */

/* ---- what few have ---- */

struct wanted {
	const struct setelem *el;
};

static bool alike(const void *item, const void *key)
{
	const struct elem_extra *x = item;
	const struct setelem *el = ((const struct wanted *)key)->el;

	return x->timeout_ms == el->timeout_ms && x->expires_ms == el->expires_ms &&
	       x->verdict == el->verdict && x->verdict_code == el->verdict_code &&
	       x->catchall == el->catchall && !strcmp(x->target ? x->target : "", el->target);
}

static const char *pool_text(struct elem_pool *p, const char *s)
{
	return s && *s ? arena_strdup(&p->arena, s, strlen(s)) : NULL;
}

struct elem_extra *pool_extra(struct elem_pool *p, const struct setelem *el, struct exprs *exprs)
{
	struct wanted w = { el };
	bool plain = !el->comment && !exprs->e.n;
	uint64_t hash = 0;
	struct elem_extra *x;

	if (plain) {
		uint64_t num[4] = { el->timeout_ms, el->expires_ms, (uint32_t)el->verdict_code,
			(uint64_t)el->verdict << 1 | el->catchall };

		hash = hash_mix(hash_bytes(num, sizeof(num)), hash_str(el->target));
		x = hmap_find(&p->alike, hash, alike, &w);
		if (x)
			return x;
	}
	x = arena_alloc(&p->arena, sizeof(*x));
	x->timeout_ms = el->timeout_ms;
	x->expires_ms = el->expires_ms;
	x->comment = pool_text(p, el->comment);
	x->target = pool_text(p, el->target);
	x->verdict_code = el->verdict_code;
	x->verdict = el->verdict;
	x->catchall = el->catchall;
	x->exprs = *exprs;
	*exprs = (struct exprs){ 0 };
	x->older = p->last;
	p->last = x;
	if (plain)
		hmap_put(&p->alike, hash, x);
	return x;
}

void pool_free(struct elem_pool *p)
{
	for (struct elem_extra *x = p->last; x; x = x->older)
		exprs_free(&x->exprs);
	hmap_free(&p->alike);
	arena_free(&p->arena);
	*p = (struct elem_pool){ 0 };
}

/* ---- records ---- */

void elist_init(struct elist *l, const struct set_info *info, struct elem_pool *pool)
{
	uint32_t data = 0;

	*l = (struct elist){ .info = info, .pool = pool, .ends = info->flags & NFT_SET_INTERVAL };
	if ((info->flags & NFT_SET_MAP) && !nft_type_is_verdict(&info->data))
		data = nft_type_len(&info->data);
	l->klen = (uint16_t)nft_type_len(&info->key);
	l->dlen = (uint16_t)(data > NFT_KEY_MAX ? NFT_KEY_MAX : data);
	l->stride = (uint16_t)(l->klen * (l->ends ? 2 : 1) + l->dlen + 2 * sizeof(uint32_t));
}

void elist_free(struct elist *l)
{
	vec_free(&l->rec);
	vec_free(&l->extra);
	l->n = 0;
}

static uint32_t get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

uint32_t elist_ord(const struct elist *l, const uint8_t *rec)
{
	return get_u32(rec + l->stride - sizeof(uint32_t));
}

struct elem_extra *elist_extra(const struct elist *l, const uint8_t *rec)
{
	uint32_t i = get_u32(rec + l->stride - 2 * sizeof(uint32_t));

	return i ? l->extra.v[i - 1] : NULL;
}

static uint8_t *grow(struct elist *l, struct elem_extra *extra, uint32_t ord)
{
	uint32_t i = 0;
	uint8_t *p;

	if (extra) {
		/* most often the same as before */
		if (!l->extra.n || vec_last(&l->extra) != extra)
			vec_push(&l->extra, extra);
		i = l->extra.n;
	}
	vec_reserve(&l->rec, l->rec.n + l->stride);
	p = l->rec.v + l->rec.n;
	l->rec.n += l->stride;
	l->n++;
	memcpy(p + l->stride - 2 * sizeof(i), &i, sizeof(i));
	memcpy(p + l->stride - sizeof(ord), &ord, sizeof(ord));
	return p;
}

void elist_put(struct elist *l, const uint8_t *lo, const uint8_t *hi, struct elem_extra *extra, uint32_t ord)
{
	uint8_t *p = grow(l, extra, ord);

	memcpy(p, lo, l->klen);
	if (l->ends)
		memcpy(p + l->klen, hi, l->klen);
	memset(p + l->klen * (l->ends ? 2 : 1), 0, l->dlen);
}

int elist_add(struct elist *l, const struct setelem *el, struct exprs *exprs, uint32_t ord, struct err *e)
{
	static const uint8_t zero[NFT_KEY_MAX];
	bool extra = el->timeout_ms || el->expires_ms || el->comment || el->verdict || el->catchall ||
		     *el->target || exprs->e.n;

	if (l->n >= ELEMS_MAX)
		return err_set(e, -E2BIG, "more than %u elements in one list", ELEMS_MAX);
	if ((!el->catchall && el->klen != l->klen) || (el->dlen && el->dlen != l->dlen))
		return err_set(e, -EINVAL, "the element is %u bytes wide, those of set %s are %u",
			el->klen + el->dlen, l->info->name, l->klen + l->dlen);
	elist_put(l, el->catchall ? zero : el->key,
		el->catchall   ? zero
		: el->interval ? el->key_end
			       : el->key,
		extra ? pool_extra(l->pool, el, exprs) : NULL, ord);
	if (el->dlen)
		memcpy(elist_at(l, l->n - 1) + l->klen * (l->ends ? 2 : 1), el->data, el->dlen);
	return 0;
}

/* Not cleared first: the arrays are large, and their lengths say what of them is valid. */
void elist_get(const struct elist *l, uint32_t i, struct setelem *out)
{
	const uint8_t *p = elist_at(l, i);
	const struct elem_extra *x = elist_extra(l, p);

	out->klen = l->klen;
	out->dlen = l->dlen;
	out->interval = l->ends;
	out->catchall = out->verdict = false;
	out->timeout_ms = out->expires_ms = 0;
	out->comment = NULL;
	out->exprs = NULL;
	out->n_exprs = 0;
	out->target[0] = 0;
	out->verdict_code = 0;
	memcpy(out->key, p, l->klen);
	if (l->ends)
		memcpy(out->key_end, p + l->klen, l->klen);
	memcpy(out->data, p + l->klen * (l->ends ? 2 : 1), l->dlen);
	if (!x)
		return;
	out->timeout_ms = x->timeout_ms;
	out->expires_ms = x->expires_ms;
	out->comment = x->comment;
	out->verdict = x->verdict;
	out->verdict_code = x->verdict_code;
	out->exprs = x->exprs.e.v;
	out->n_exprs = (uint8_t)x->exprs.e.n;
	if (x->target)
		memcpy(out->target, x->target, strlen(x->target) + 1);
	if (x->catchall) {
		out->catchall = true;
		out->interval = false;
		out->klen = 0;
	}
}

/* ---- order ---- */

static bool sorted(const struct elist *l)
{
	for (uint32_t i = 1; i < l->n; i++)
		if (memcmp(elist_at(l, i - 1), elist_at(l, i), l->klen) > 0)
			return false;
	return true;
}

/* A pass for each byte in which the keys differ, the last byte first. */
void elist_sort(struct elist *l)
{
	uint32_t(*count)[256];
	uint8_t *from, *to;

	if (sorted(l))
		return;
	count = xcalloc(l->klen, sizeof(*count));
	for (uint32_t i = 0; i < l->n; i++)
		for (unsigned k = 0; k < l->klen; k++)
			count[k][elist_at(l, i)[k]]++;
	from = l->rec.v;
	to = xmalloc(l->rec.n);
	for (unsigned k = l->klen; k-- > 0;) {
		uint32_t at = 0;
		uint8_t *swap;

		if (count[k][from[k]] == l->n)
			continue;
		for (unsigned b = 0; b < 256; b++) {
			uint32_t n = count[k][b];

			count[k][b] = at;
			at += n;
		}
		for (uint32_t i = 0; i < l->n; i++) {
			const uint8_t *p = from + (size_t)i * l->stride;

			memcpy(to + (size_t)count[k][p[k]]++ * l->stride, p, l->stride);
		}
		swap = from;
		from = to;
		to = swap;
	}
	free(count);
	l->rec.v = from;
	l->rec.cap = l->rec.n;
	free(to);
}
