// SPDX-License-Identifier: GPL-2.0-or-later
/* Intervals of a set against each other: overlaps are errors, or, with auto-merge, what overlaps or touches
 * becomes one. Keys are compared as bytes, as the kernel does it. The kernel's own look at overlaps is not
 * enough: it does not see an interval that ends where another one ends.
 *
 * With auto-merge, what is to be deleted and added comes of all commands about a set together: the kernel
 * does not find again what one batch deletes and adds more than once. */
#include "nft/load_impl.h"

struct span {
	struct tnode node;
	struct elem_extra *extra;
	uint16_t klen;
	bool kernel;   /* the kernel holds it, as far as operations before the batch go */
	uint8_t key[]; /* its first and its last key */
};

static struct span *span_of(struct tnode *n)
{
	return n ? container_of(n, struct span, node) : NULL;
}

static uint8_t *hi_of(struct span *s)
{
	return s->key + s->klen;
}

/* b is not behind the key after a: they overlap or touch. */
static bool reaches(const uint8_t *a, const uint8_t *b, unsigned n)
{
	uint8_t next[NFT_KEY_MAX];

	if (memcmp(b, a, n) <= 0)
		return true;
	memcpy(next, a, n);
	for (unsigned i = n; i-- > 0;)
		if (++next[i])
			break;
	return !memcmp(b, next, n);
}

bool elist_conflict(const struct elist *l, uint32_t *a, uint32_t *b)
{
	unsigned n = l->klen;

	for (uint32_t i = 1; i < l->n; i++) {
		const uint8_t *x = elist_at(l, i - 1), *y = elist_at(l, i);

		if (memcmp(y, x + n, n) > 0 || !memcmp(x, y, 2u * n))
			continue;
		*a = i - 1;
		*b = i;
		return true;
	}
	return false;
}

/* ---- what is in the set ---- */

static int cmp_lo(const void *key, const struct tnode *node)
{
	const struct span *s = container_of(node, struct span, node);

	return memcmp(key, s->key, s->klen);
}

static void insert(
	struct present *p, const uint8_t *lo, const uint8_t *hi, struct elem_extra *extra, bool kernel)
{
	unsigned n = p->gone.klen;
	struct span *s = xmalloc(sizeof(*s) + 2u * n);

	s->klen = (uint16_t)n;
	s->extra = extra;
	s->kernel = kernel;
	memcpy(s->key, lo, n);
	memcpy(s->key + n, hi, n);
	if (tree_insert(&p->spans, &s->node, cmp_lo, s->key))
		free(s); /* the same begin twice: the kernel holds no such set */
}

static void drop(struct present *p, struct span *s)
{
	if (s->kernel)
		elist_put(&p->gone, s->key, hi_of(s), NULL, 0);
	tree_remove(&p->spans, &s->node);
	free(s);
}

static void free_all(struct tnode *n)
{
	/* by the left branch, which is turned away where it is: no recursion */
	while (n) {
		struct tnode *next = n->left;

		if (next) {
			n->left = next->right;
			next->right = n;
		} else {
			next = n->right;
			free(span_of(n));
		}
		n = next;
	}
}

void present_init(struct present *p, const struct set_info *info, struct elem_pool *pool)
{
	elist_init(&p->gone, info, pool);
	elist_init(&p->base, info, pool);
	p->ready = true;
}

void present_clear(struct present *p)
{
	free_all(p->spans.root);
	elist_free(&p->gone);
	elist_free(&p->base);
	*p = (struct present){ 0 };
}

void present_kernel(struct present *p, const struct setelem *el, struct exprs *exprs)
{
	_err_ struct err e = ERR_INIT;

	if (!el->catchall && el->interval)
		elist_add(&p->base, el, exprs, 0, &e);
}

void present_read(struct present *p)
{
	elist_sort(&p->base);
	p->base_kernel = p->base.n > 0;
}

bool present_any(const struct present *p)
{
	return p->base.n || p->spans.root;
}

/* The one list becomes spans when something else comes. */
static void unfold(struct present *p)
{
	const struct elist *l = &p->base;

	for (uint32_t i = 0; i < l->n; i++) {
		const uint8_t *x = elist_at(l, i);

		insert(p, x, x + l->klen, elist_extra(l, x), p->base_kernel);
	}
	elist_free(&p->base);
	p->base_kernel = false;
}

/* The last span that begins at or before key; NULL: none. */
static struct span *at_or_before(const struct present *p, const uint8_t *key)
{
	struct tnode *n = p->spans.root, *best = NULL;

	while (n) {
		if (cmp_lo(key, n) >= 0) {
			best = n;
			n = n->right;
		} else {
			n = n->left;
		}
	}
	return span_of(best);
}

static struct span *next_of(const struct present *p, struct span *s)
{
	return span_of(s ? tree_next(&s->node) : tree_first(&p->spans));
}

/* ---- auto-merge ---- */

/* One interval, already merged with its neighbours of the list. */
static void add_one(struct present *p, uint8_t *lo, uint8_t *hi, struct elem_extra *extra)
{
	struct span *s = at_or_before(p, lo);
	unsigned n = p->gone.klen;

	if (s && memcmp(hi_of(s), hi, n) >= 0)
		return; /* all of it is there */
	if (!s || !reaches(hi_of(s), lo, n))
		s = next_of(p, s);
	while (s && reaches(hi, s->key, n)) {
		struct span *next = next_of(p, s);

		if (memcmp(s->key, lo, n) <= 0) {
			memcpy(lo, s->key, n);
			extra = s->extra;
		}
		if (memcmp(hi_of(s), hi, n) > 0)
			memcpy(hi, hi_of(s), n);
		drop(p, s);
		s = next;
	}
	insert(p, lo, hi, extra, false);
}

/* The list's own intervals, merged, in place. */
static void fold(struct elist *l)
{
	unsigned n = l->klen;
	uint32_t to = 0;

	for (uint32_t i = 1; i < l->n; i++) {
		uint8_t *have = elist_at(l, to), *x = elist_at(l, i);

		if (reaches(have + n, x, n)) {
			if (memcmp(x + n, have + n, n) > 0)
				memcpy(have + n, x + n, n);
		} else if (++to != i) {
			memcpy(elist_at(l, to), x, l->stride);
		}
	}
	if (l->n)
		l->n = to + 1;
	l->rec.n = l->n * l->stride;
}

void present_merge(struct present *p, struct elist *l)
{
	uint8_t lo[NFT_KEY_MAX], hi[NFT_KEY_MAX];
	unsigned n = l->klen;

	fold(l);
	if (!present_any(p) && !p->gone.n) {
		elist_free(&p->base);
		p->base = *l;
		*l = (struct elist){ 0 };
		return;
	}
	unfold(p);
	for (uint32_t i = 0; i < l->n; i++) {
		const uint8_t *x = elist_at(l, i);

		memcpy(lo, x, n);
		memcpy(hi, x + n, n);
		add_one(p, lo, hi, elist_extra(l, x));
	}
}

const struct elist *present_take(struct present *p, struct elist *new)
{
	if (p->base.n)
		return p->base_kernel ? new : &p->base;
	tree_foreach (n, &p->spans) {
		struct span *s = span_of(n);

		if (!s->kernel)
			elist_put(new, s->key, hi_of(s), s->extra, 0);
	}
	return new;
}

/* ---- deletes ---- */

static void before(uint8_t *key, unsigned n)
{
	while (n-- > 0)
		if (key[n]--)
			break;
}

static void behind(uint8_t *key, unsigned n)
{
	while (n-- > 0)
		if (++key[n])
			break;
}

int64_t present_cut(struct present *p, const struct elist *l, bool may_miss)
{
	uint8_t from[NFT_KEY_MAX], to[NFT_KEY_MAX], edge[NFT_KEY_MAX];
	unsigned n = l->klen;

	unfold(p);
	for (uint32_t i = 0; i < l->n; i++) {
		const uint8_t *lo = elist_at(l, i), *hi = lo + n;
		struct span *s = at_or_before(p, lo);
		struct elem_extra *extra;

		if (!s || memcmp(hi_of(s), hi, n) < 0) {
			if (may_miss)
				continue;
			return elist_ord(l, lo);
		}
		memcpy(from, s->key, n);
		memcpy(to, hi_of(s), n);
		extra = s->extra;
		drop(p, s);
		if (memcmp(from, lo, n) < 0) {
			memcpy(edge, lo, n);
			before(edge, n);
			insert(p, from, edge, extra, false);
		}
		if (memcmp(hi, to, n) < 0) {
			memcpy(edge, hi, n);
			behind(edge, n);
			insert(p, edge, to, extra, false);
		}
	}
	return -1;
}

/* ---- without auto-merge ---- */

/* The last interval that begins at or before key, its low end and its high end behind it; NULL: none. */
static const uint8_t *last_at(const struct present *p, const uint8_t *key)
{
	const struct elist *l = &p->base;
	uint32_t lo = 0, hi = l->n;
	struct span *s;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (memcmp(elist_at(l, mid), key, l->klen) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo)
		return elist_at(l, lo - 1);
	s = at_or_before(p, key);
	return s ? s->key : NULL;
}

bool present_hits(const struct present *p, const uint8_t *lo, const uint8_t *hi, uint8_t at[2 * NFT_KEY_MAX])
{
	const uint8_t *x = last_at(p, hi);
	unsigned n = p->gone.klen;

	if (!x || memcmp(x + n, lo, n) < 0 || (!memcmp(x, lo, n) && !memcmp(x + n, hi, n)))
		return false;
	memcpy(at, x, 2 * n);
	return true;
}

bool present_has(const struct present *p, const uint8_t *lo, const uint8_t *hi)
{
	const uint8_t *x = last_at(p, lo);
	unsigned n = p->gone.klen;

	return x && !memcmp(x, lo, n) && !memcmp(x + n, hi, n);
}

void present_join(struct present *p, const struct elist *l)
{
	unfold(p);
	for (uint32_t i = 0; i < l->n; i++)
		insert(p, elist_at(l, i), elist_at(l, i) + l->klen, NULL, false);
}

void present_leave(struct present *p, const struct elist *l)
{
	unfold(p);
	for (uint32_t i = 0; i < l->n; i++) {
		struct span *s = at_or_before(p, elist_at(l, i));

		if (s && !memcmp(s->key, elist_at(l, i), l->klen))
			drop(p, s);
	}
}
