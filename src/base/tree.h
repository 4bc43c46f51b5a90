/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ordered tree with ranks (a treap with subtree sizes): nodes are embedded in the caller's structs.
 * Zeroed memory is an empty tree. Insert, delete, find, rank and select cost O(log n). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct tnode {
	struct tnode *left, *right, *up;
	uint32_t prio, size;
};
typedef int tree_cmp(const void *key, const struct tnode *node); /* <0: key before node */
struct tree {
	struct tnode *root;
};

struct tnode *tree_find(const struct tree *t, tree_cmp *cmp, const void *key); /* NULL: none */
/* Inserts node for key; an equal node that is there already is returned and nothing is changed, else NULL. */
struct tnode *tree_insert(struct tree *t, struct tnode *node, tree_cmp *cmp, const void *key);
void tree_remove(struct tree *t, struct tnode *node);
struct tnode *tree_first(const struct tree *t);
struct tnode *tree_next(const struct tnode *node);
struct tnode *tree_at(const struct tree *t, uint32_t i); /* i from 0; NULL: out of range */
uint32_t tree_size(const struct tree *t);

#define tree_foreach(it, t) for (struct tnode *it = tree_first(t); it; it = tree_next(it))
