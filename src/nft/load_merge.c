// SPDX-License-Identifier: GPL-2.0-or-later
/* Intervals of a set against each other: overlaps are errors, or, with auto-merge, what overlaps or touches
 * becomes one. Keys are compared as bytes, as the kernel does it. */
#include "nft/load_impl.h"

#define DEAD UINT32_MAX /* as its place in the list: what was added and taken away again */

struct span {
	struct tnode node;
	struct elem_extra *extra;
	uint32_t round, at; /* which command added it, as which record */
	uint16_t klen;
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

static struct span *insert(
	struct present *p, const uint8_t *lo, const uint8_t *hi, unsigned n, struct elem_extra *extra)
{
	struct span *s = xmalloc(sizeof(*s) + 2u * n);

	s->klen = (uint16_t)n;
	s->extra = extra;
	s->round = s->at = 0;
	memcpy(s->key, lo, n);
	memcpy(s->key + n, hi, n);
	if (!tree_insert(&p->spans, &s->node, cmp_lo, s->key))
		return s;
	free(s); /* the same begin twice: the kernel holds no such set */
	return NULL;
}

static void come(struct present *p, struct elist *add, const uint8_t *lo, const uint8_t *hi,
	struct elem_extra *extra, uint32_t ord)
{
	struct span *s = insert(p, lo, hi, add->klen, extra);

	if (!s)
		return;
	s->round = p->round;
	s->at = add->n;
	elist_put(add, lo, hi, extra, ord);
}

static void go(struct present *p, struct span *s, struct elist *del, struct elist *add, uint32_t ord)
{
	if (s->round == p->round)
		elist_set_ord(add, s->at, DEAD);
	else
		elist_put(del, s->key, hi_of(s), NULL, ord);
	tree_remove(&p->spans, &s->node);
	free(s);
}

static void bury(struct elist *l)
{
	uint32_t to = 0;

	for (uint32_t i = 0; i < l->n; i++)
		if (elist_ord(l, elist_at(l, i)) != DEAD) {
			if (to != i)
				memcpy(elist_at(l, to), elist_at(l, i), l->stride);
			to++;
		}
	l->n = to;
	l->rec.n = to * l->stride;
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

void present_clear(struct present *p)
{
	free_all(p->spans.root);
	p->spans.root = NULL;
	if (p->has_base)
		elist_free(&p->base);
	p->has_base = false;
}

void present_put(struct present *p, const struct setelem *el, struct elem_extra *extra)
{
	if (!el->catchall && el->interval)
		insert(p, el->key, el->key_end, el->klen, extra);
}

static void unfold(struct present *p)
{
	const struct elist *l = &p->base;

	if (!p->has_base)
		return;
	for (uint32_t i = 0; i < l->n; i++) {
		const uint8_t *x = elist_at(l, i);

		insert(p, x, x + l->klen, l->klen, elist_extra(l, x));
	}
	elist_free(&p->base);
	p->has_base = false;
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
static void add_one(struct present *p, uint8_t *lo, uint8_t *hi, unsigned n, struct elem_extra *extra,
	uint32_t ord, struct elist *del, struct elist *add)
{
	struct span *s = at_or_before(p, lo);

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
		go(p, s, del, add, ord);
		s = next;
	}
	come(p, add, lo, hi, extra, ord);
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

const struct elist *present_add(struct present *p, struct elist *l, struct elist *del, struct elist *add)
{
	uint8_t lo[NFT_KEY_MAX], hi[NFT_KEY_MAX];
	unsigned n = l->klen;

	fold(l);
	if (!p->spans.root && !p->has_base) {
		/* The one list of a new set. It is kept as it is for who comes after it. */
		p->base = *l;
		p->has_base = true;
		*l = (struct elist){ 0 };
		return &p->base;
	}
	unfold(p);
	p->round++;
	for (uint32_t i = 0; i < l->n; i++) {
		const uint8_t *x = elist_at(l, i);

		memcpy(lo, x, n);
		memcpy(hi, x + n, n);
		add_one(p, lo, hi, n, elist_extra(l, x), elist_ord(l, x), del, add);
	}
	bury(add);
	return add;
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

int64_t present_del(
	struct present *p, const struct elist *l, bool may_miss, struct elist *del, struct elist *add)
{
	uint8_t from[NFT_KEY_MAX], to[NFT_KEY_MAX], edge[NFT_KEY_MAX];
	unsigned n = l->klen;

	unfold(p);
	p->round++;
	for (uint32_t i = 0; i < l->n; i++) {
		const uint8_t *lo = elist_at(l, i), *hi = lo + n;
		struct span *s = at_or_before(p, lo);
		uint32_t ord = elist_ord(l, lo);
		struct elem_extra *extra;

		if (!s || memcmp(hi_of(s), hi, n) < 0) {
			if (may_miss)
				continue;
			return ord;
		}
		memcpy(from, s->key, n);
		memcpy(to, hi_of(s), n);
		extra = s->extra;
		go(p, s, del, add, ord);
		if (memcmp(from, lo, n) < 0) {
			memcpy(edge, lo, n);
			before(edge, n);
			come(p, add, from, edge, extra, ord);
		}
		if (memcmp(hi, to, n) < 0) {
			memcpy(edge, hi, n);
			behind(edge, n);
			come(p, add, edge, to, extra, ord);
		}
	}
	bury(add);
	return -1;
}
