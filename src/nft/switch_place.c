// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a disabled rule stood, and where it stands now: between rules that the kernel has and other disabled
 * ones. */
#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "nft/decompile.h"
#include "nft/kread.h"
#include "nft/switch_impl.h"

#define HASH_SEED 0x72756c65

/* ---- the chain ---- */

static void there(void *ctx, const struct kread_chain *k)
{
	(void)ctx, (void)k;
}

int chain_look(struct nft_conn *c, uint8_t family, const char *table, const char *chain,
	struct chain_now *out, struct err *e)
{
	uint64_t *ids = NULL;
	int n;

	*out = (struct chain_now){ .c = c, .family = family, .table = table, .chain = chain };
	n = nft_rule_handles(c, family, table, chain, &out->handle, &ids, e);
	free(ids);
	if (n < 0)
		return n;
	if (!n) { /* an empty chain and none give the same answer */
		n = kread_chains(c, family, table, chain, there, NULL, e);
		if (n < 0)
			return n;
	}
	out->n = (uint32_t)n;
	out->hash = xcalloc(out->n + 1, sizeof(*out->hash));
	return 0;
}

void chain_free(struct chain_now *k)
{
	free(k->handle);
	free(k->hash);
	k->handle = k->hash = NULL;
	k->n = 0;
}

uint32_t chain_at(const struct chain_now *k, uint64_t handle)
{
	for (uint32_t i = 0; i < k->n; i++)
		if (k->handle[i] == handle)
			return i;
	return UINT32_MAX;
}

uint64_t chain_top(const struct chain_now *k)
{
	uint64_t top = 0;

	for (uint32_t i = 0; i < k->n; i++)
		top = k->handle[i] > top ? k->handle[i] : top;
	return top;
}

uint64_t text_hash(const char *text)
{
	uint64_t h = hash_stable(HASH_SEED, text, strlen(text));

	return h ? h : 1;
}

struct hashing {
	struct chain_now *k;
	uint32_t from, to;
};

static bool in_range(void *ctx, uint32_t i, uint64_t handle)
{
	const struct hashing *h = ctx;

	(void)handle;
	return i >= h->from && i < h->to;
}

static void on_hash(void *ctx, const struct kernel_rule *r)
{
	struct hashing *h = ctx;

	if (r->text && r->spelled && r->index < h->k->n && h->k->handle[r->index] == r->handle)
		h->k->hash[r->index] = text_hash(r->text);
}

int chain_hash(struct chain_now *k, uint32_t from, uint32_t to, struct err *e)
{
	struct hashing h = { k, from, to };

	return kernel_rules(k->c, k->family, k->table, k->chain, true, in_range, on_hash, &h, e);
}

int chain_hash_all(struct chain_now *k, struct err *e)
{
	int rc = k->hashed ? 0 : chain_hash(k, 0, k->n, e);

	k->hashed |= rc == 0;
	return rc;
}

/* ---- where it stood ---- */

/* The disabled rule whose neighbour on that side is this one; NULL: none. */
static struct disabled *beside(
	struct disabled_list *l, const struct chain_now *k, struct neighbour what, bool after)
{
	vec_foreach (d, &l->v) {
		const struct neighbour *x = after ? &d->after : &d->before;

		if (!d->pack && disabled_in(d, k->family, k->table, k->chain) && x->kind == what.kind &&
			x->n == what.n)
			return d;
	}
	return NULL;
}

static struct neighbour rule_at(const struct chain_now *k, uint32_t i)
{
	return i < k->n ? (struct neighbour){ NEXT_TO_RULE, k->handle[i], k->hash[i] }
			: (struct neighbour){ .kind = NEXT_TO_END };
}

int place_note(struct chain_now *k, struct disabled_list *l, uint32_t i, struct disabled *d, struct err *e)
{
	struct neighbour here = rule_at(k, i);
	struct disabled *near;
	int rc = chain_hash(k, i ? i - 1 : 0, i + 2, e);

	if (rc < 0)
		return rc;
	d->index = i;
	d->handle = k->handle[i];
	d->hash = k->hash[i];
	d->before = rule_at(k, i - 1); /* of the first: UINT32_MAX, the end */
	d->after = rule_at(k, i + 1);
	near = beside(l, k, here, true);
	if (near)
		d->before = (struct neighbour){ .kind = NEXT_TO_DISABLED, .n = near->id };
	near = beside(l, k, here, false);
	if (near)
		d->after = (struct neighbour){ .kind = NEXT_TO_DISABLED, .n = near->id };
	return 0;
}

/* ---- where it goes ---- */

/* Over disabled ones to what the chain has. */
static struct neighbour over_disabled(const struct disabled_list *l, struct neighbour x, bool after)
{
	for (uint32_t i = 0; i <= l->v.n && x.kind == NEXT_TO_DISABLED; i++) {
		const struct disabled *d = disabled_by_id(l, x.n);

		if (!d || d->pack)
			break;
		x = after ? d->after : d->before;
	}
	return x;
}

enum sure { NOWHERE, BY_HANDLE, BY_TEXT, EXACT };

struct found {
	enum sure sure;
	uint32_t at;
	bool end;
};

static struct found find(struct chain_now *k, const struct neighbour *x)
{
	struct found f = { NOWHERE, chain_at(k, x->n), x->kind == NEXT_TO_END };
	uint32_t same = 0;

	if (x->kind != NEXT_TO_RULE)
		return f;
	if (f.at != UINT32_MAX)
		f.sure = !x->hash || k->hash[f.at] == x->hash ? EXACT : BY_HANDLE;
	if (f.sure == EXACT || !x->hash)
		return f;
	for (uint32_t i = 0; i < k->n; i++)
		if (k->hash[i] == x->hash && !same++)
			f.at = i;
	if (same == 1)
		f.sure = BY_TEXT;
	else if (f.sure == BY_HANDLE)
		f.at = chain_at(k, x->n);
	return f;
}

static void put(const struct chain_now *k, uint32_t at, bool before, struct rule_place *out)
{
	out->handle = at < k->n ? k->handle[at] : 0;
	out->before = before;
}

int place_of(struct chain_now *k, const struct disabled_list *l, const struct disabled *d,
	struct rule_place *out, struct err *e)
{
	struct neighbour prev = over_disabled(l, d->before, false), next = over_disabled(l, d->after, true);
	struct found a, b;
	int rc = chain_hash_all(k, e);

	if (rc < 0)
		return rc;
	b = find(k, &prev);
	a = find(k, &next);
	out->exact = (a.sure == EXACT || a.end) && (b.sure == EXACT || b.end) &&
		     (a.end ? k->n : a.at) == (b.end ? 0 : b.at + 1);
	if (a.sure >= b.sure && a.sure > NOWHERE)
		put(k, a.at, true, out);
	else if (b.sure > NOWHERE)
		put(k, b.at, false, out);
	else if (b.end || a.end)
		put(k, UINT32_MAX, !a.end || (b.end && d->index == 0 && k->n), out);
	else
		put(k, d->index, true, out); /* behind the last: at the end */
	if (!out->handle && !a.end && !b.end)
		out->before = false;
	return 0;
}

/* ---- what was not ended ---- */

static bool came_back(struct chain_now *k, const struct disabled *d, uint64_t *handle)
{
	for (uint32_t i = 0; i < k->n; i++)
		if (k->handle[i] > d->top && k->hash[i] == d->hash) {
			*handle = k->handle[i];
			return true;
		}
	return false;
}

bool place_settle(struct chain_now *k, struct disabled_list *l, struct err *e)
{
	bool any = false;

	for (uint32_t i = l->v.n; i-- > 0;) {
		struct disabled *d = &l->v.v[i];
		uint64_t handle = d->handle;

		if (d->pack || d->state == DISABLED_OFF || !disabled_in(d, k->family, k->table, k->chain))
			continue;
		any = true;
		if (d->state == DISABLED_COMING ? chain_hash_all(k, e) == 0 && came_back(k, d, &handle)
						: chain_at(k, handle) != UINT32_MAX) {
			disabled_came(l, d, handle);
			disabled_remove(l, d->id);
		} else if (d->state == DISABLED_GOING) {
			d->state = DISABLED_OFF;
			disabled_went(l, d);
		} else {
			d->state = DISABLED_OFF;
		}
	}
	return any;
}
