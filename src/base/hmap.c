// SPDX-License-Identifier: GPL-2.0-or-later
/* Linear probing. A deleted slot becomes a tombstone, or free again where nothing can lie behind it. Only
 * hmap_put() moves items, which is what makes deleting while walking safe. */
#include "base/hash.h"

#include <stdlib.h>

#include "base/xalloc.h"

static char tombstone;
#define GONE ((void *)&tombstone)

/* The callers' hashes may be weak in their low bits. */
static inline uint32_t home(const struct hmap *m, uint64_t hash)
{
	return (uint32_t)((hash * 0x9e3779b97f4a7c15ull) >> 32) & (m->cap - 1);
}

static void place(struct hmap *m, uint64_t hash, void *item)
{
	uint32_t i = home(m, hash);

	while (m->slots[i].item && m->slots[i].item != GONE)
		i = (i + 1) & (m->cap - 1);
	if (!m->slots[i].item)
		m->used++;
	m->slots[i] = (struct hslot){ hash, item };
	m->n++;
}

static void resize(struct hmap *m)
{
	struct hmap old = *m;
	uint32_t cap = 8;

	while (cap / 2 < old.n + 1)
		cap *= 2;
	*m = (struct hmap){ .slots = xcalloc(cap, sizeof(*m->slots)), .cap = cap };
	for (uint32_t i = 0; i < old.cap; i++)
		if (old.slots[i].item && old.slots[i].item != GONE)
			place(m, old.slots[i].hash, old.slots[i].item);
	free(old.slots);
}

void hmap_put(struct hmap *m, uint64_t hash, void *item)
{
	if (m->used + 1 > m->cap / 4 * 3)
		resize(m);
	place(m, hash, item);
}

void *hmap_find(const struct hmap *m, uint64_t hash, hmap_eq *eq, const void *key)
{
	if (!m->n)
		return NULL;
	for (uint32_t i = home(m, hash); m->slots[i].item; i = (i + 1) & (m->cap - 1)) {
		const struct hslot *s = &m->slots[i];

		if (s->hash == hash && s->item != GONE && eq(s->item, key))
			return s->item;
	}
	return NULL;
}

static void clear(struct hmap *m, uint32_t i)
{
	uint32_t mask = m->cap - 1;

	m->n--;
	m->slots[i].item = GONE;
	if (m->slots[(i + 1) & mask].item)
		return;
	while (m->slots[i].item == GONE) {
		m->slots[i].item = NULL;
		m->used--;
		i = (i - 1) & mask;
	}
}

void *hmap_del(struct hmap *m, uint64_t hash, hmap_eq *eq, const void *key)
{
	if (!m->n)
		return NULL;
	for (uint32_t i = home(m, hash); m->slots[i].item; i = (i + 1) & (m->cap - 1)) {
		void *item = m->slots[i].item;

		if (m->slots[i].hash == hash && item != GONE && eq(item, key)) {
			clear(m, i);
			return item;
		}
	}
	return NULL;
}

bool hmap_del_item(struct hmap *m, uint64_t hash, const void *item)
{
	if (!m->n)
		return false;
	for (uint32_t i = home(m, hash); m->slots[i].item; i = (i + 1) & (m->cap - 1)) {
		if (m->slots[i].item == item) {
			clear(m, i);
			return true;
		}
	}
	return false;
}

void *hmap_next(const struct hmap *m, uint32_t *pos)
{
	while (*pos < m->cap) {
		void *item = m->slots[(*pos)++].item;

		if (item && item != GONE)
			return item;
	}
	return NULL;
}

void hmap_free(struct hmap *m)
{
	free(m->slots);
	*m = (struct hmap){ 0 };
}
