/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashing (keyed per process, so that outsiders can not choose collisions) and a map of pointers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *p, size_t n); /* keyed with the process's random seed */
void hash_seed_fixed(void); /* the same seed in every process: for what must do all in the same order again */
uint64_t hash_str(const char *s);                             /* of the bytes before the NUL */
uint64_t hash_stable(uint64_t seed, const void *p, size_t n); /* the same in every process: content ids */
uint64_t hash_mix(uint64_t a, uint64_t b);

/* Open addressing; items are borrowed pointers, never NULL. Zeroed memory is an empty map. */
struct hslot {
	uint64_t hash;
	void *item;
};
struct hmap {
	struct hslot *slots;
	uint32_t n, used, cap; /* used: with tombstones */
};

typedef bool hmap_eq(const void *item, const void *key);

void *hmap_find(const struct hmap *m, uint64_t hash, hmap_eq *eq, const void *key); /* NULL: none */
void hmap_put(struct hmap *m, uint64_t hash, void *item);                    /* no look for an equal one */
void *hmap_del(struct hmap *m, uint64_t hash, hmap_eq *eq, const void *key); /* what was there, or NULL */
bool hmap_del_item(struct hmap *m, uint64_t hash, const void *item);         /* by identity */
void *hmap_next(const struct hmap *m,
	uint32_t *pos); /* start with *pos = 0; NULL: end. Deleting the returned item is allowed */
void hmap_free(struct hmap *m);

#define hmap_foreach(it, m, pos) for (uint32_t pos = 0; ((it) = hmap_next(m, &(pos))) != NULL;)
