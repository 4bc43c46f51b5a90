// SPDX-License-Identifier: GPL-2.0-or-later
/* Before code is made: what says nothing is left out, comparisons of neighbouring fields become one. */
#include <linux/if_ether.h>
#include <stdlib.h>

#include <linux/netfilter.h>

#include "nft/ir.h"

static bool is_eq(const struct st *s)
{
	return s->op == M_EQ || s->op == M_IMPLICIT;
}

/* `meta protocol ip` in a table of that family */
static bool is_vacuous(const struct cc *c, const struct st *s)
{
	u128 v;

	if (!s->match || !is_eq(s) || s->a->kind != X_META || s->a->key != NFT_META_PROTOCOL ||
		s->b->kind != X_VALUE)
		return false;
	v = s->b->v;
	return (c->env->family == NFPROTO_IPV4 && v == ETH_P_IP) ||
	       (c->env->family == NFPROTO_IPV6 && v == ETH_P_IPV6);
}

static bool is_candidate(const struct st *s)
{
	/* Joining "a != 1" and "b != 2" would say "not both": only equality may be joined. */
	return is_eq(s) && s->a->kind == X_PAYLOAD && s->b->kind == X_VALUE && s->a->dt->base != BASE_BITMASK;
}

struct cand {
	struct st *st;
	unsigned rank;
};

static int by_place(const void *a, const void *b)
{
	const struct cand *x = a, *y = b;
	const struct ex *p = x->st->a, *q = y->st->a;

	if (p->base != q->base)
		return p->base < q->base ? -1 : 1;
	if (p->off != q->off)
		return p->off < q->off ? -1 : 1;
	return x->rank < y->rank ? -1 : 1;
}

static bool joinable(const struct ex *a, const struct ex *b)
{
	unsigned total = a->bits + b->bits;

	if (a->base != b->base || a->off + a->bits != b->off)
		return false;
	if (a->off % 8 || a->bits % 8 || b->bits % 8 || a->order != ORDER_BIG || b->order != ORDER_BIG)
		return false;
	if (total > 128)
		return false;
	/* The kernel compares up to four bytes of the network and transport headers without a call: a longer
	 * field pays only where one of the two is longer than that anyway. */
	return total <= 32 || a->base == PB_LL || a->bits > 32 || b->bits > 32;
}

/* Joins b behind a in s. */
static void join(struct cc *c, struct st *s, const struct st *a, const struct st *b)
{
	struct ex *load = ex_new(c, X_PAYLOAD, s->a->node), *k = ex_new(c, X_VALUE, s->a->node);

	*load = *a->a;
	load->bits = a->a->bits + b->a->bits;
	load->is_key = s->a->is_key;
	*k = *a->b;
	k->v = a->b->v << b->a->bits | b->b->v;
	k->bits = load->bits;
	k->order = ORDER_BIG;
	s->a = load;
	s->b = k;
	s->op = M_EQ;
}

static void merge(struct cc *c, struct cand *v, unsigned n)
{
	struct st *last;

	qsort(v, n, sizeof(*v), by_place);
	last = v[0].st;
	for (unsigned i = 1; i < n; i++) {
		struct st *this = v[i].st, *keep = last, *drop = this;

		if (!joinable(last->a, this->a)) {
			last = this;
			continue;
		}
		/* a match that others depend on stays where it is */
		if (this->a->is_key) {
			keep = this;
			drop = last;
		}
		join(c, keep, last, this);
		drop->op = M_NEG; /* marks it for removal */
		drop->b = NULL;
		last = keep;
	}
}

void reduce(struct cc *c)
{
	struct cand v[64];
	struct st **at = &c->first;
	unsigned n = 0;

	for (struct st *s = c->first; s; s = s->next) {
		if (!s->match || n == 64) { /* never across another statement */
			if (n > 1)
				merge(c, v, n);
			n = 0;
		}
		if (s->match && is_candidate(s)) {
			v[n] = (struct cand){ s, n };
			n++;
		}
	}
	if (n > 1)
		merge(c, v, n);
	while (*at) {
		struct st *s = *at;

		if ((s->match && !s->b) || (s->next && is_vacuous(c, s)))
			*at = s->next;
		else
			at = &s->next;
	}
	c->tail = at;
}
