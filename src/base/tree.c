// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/tree.h"

#include <stddef.h>

#include "base/hash.h"

/* Unknown to outsiders, as the shape of the tree must not be theirs to choose. */
static uint32_t next_prio(void)
{
	static uint64_t state;

	if (!state)
		state = hash_bytes("tree", 4) | 1;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32);
}

static inline uint32_t size_of(const struct tnode *n)
{
	return n ? n->size : 0;
}

static inline void update(struct tnode *n)
{
	n->size = 1 + size_of(n->left) + size_of(n->right);
}

/* The pointer that points to n. */
static struct tnode **link_to(struct tree *t, struct tnode *n)
{
	if (!n->up)
		return &t->root;
	return n->up->left == n ? &n->up->left : &n->up->right;
}

/* Puts child, which is n's, above n. */
static void rotate_up(struct tree *t, struct tnode *n, struct tnode *child)
{
	struct tnode **link = link_to(t, n), *inner;

	if (n->left == child) {
		inner = child->right;
		n->left = inner;
		child->right = n;
	} else {
		inner = child->left;
		n->right = inner;
		child->left = n;
	}
	if (inner)
		inner->up = n;
	child->up = n->up;
	n->up = child;
	*link = child;
	update(n);
	update(child);
}

struct tnode *tree_find(const struct tree *t, tree_cmp *cmp, const void *key)
{
	struct tnode *n = t->root;

	while (n) {
		int c = cmp(key, n);

		if (!c)
			return n;
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

struct tnode *tree_insert(struct tree *t, struct tnode *node, tree_cmp *cmp, const void *key)
{
	struct tnode **link = &t->root, *up = NULL;

	while (*link) {
		int c = cmp(key, *link);

		if (!c)
			return *link;
		up = *link;
		link = c < 0 ? &up->left : &up->right;
	}
	*node = (struct tnode){ .up = up, .prio = next_prio(), .size = 1 };
	*link = node;
	for (struct tnode *n = up; n; n = n->up)
		n->size++;
	while (node->up && node->up->prio < node->prio)
		rotate_up(t, node->up, node);
	return NULL;
}

void tree_remove(struct tree *t, struct tnode *node)
{
	struct tnode *child;

	while (node->left && node->right)
		rotate_up(t, node, node->left->prio > node->right->prio ? node->left : node->right);
	child = node->left ? node->left : node->right;
	*link_to(t, node) = child;
	if (child)
		child->up = node->up;
	for (struct tnode *n = node->up; n; n = n->up)
		n->size--;
	*node = (struct tnode){ 0 };
}

struct tnode *tree_first(const struct tree *t)
{
	struct tnode *n = t->root;

	while (n && n->left)
		n = n->left;
	return n;
}

struct tnode *tree_next(const struct tnode *node)
{
	struct tnode *n = node->right;

	if (n) {
		while (n->left)
			n = n->left;
		return n;
	}
	for (n = node->up; n && n->right == node; n = n->up)
		node = n;
	return n;
}

struct tnode *tree_at(const struct tree *t, uint32_t i)
{
	struct tnode *n = t->root;

	while (n) {
		uint32_t before = size_of(n->left);

		if (i == before)
			return n;
		if (i < before) {
			n = n->left;
		} else {
			i -= before + 1;
			n = n->right;
		}
	}
	return NULL;
}

uint32_t tree_size(const struct tree *t)
{
	return size_of(t->root);
}
