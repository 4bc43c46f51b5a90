// SPDX-License-Identifier: GPL-2.0-or-later
/* What runs make: blocks, eaches, hooks, timers; their life in the journal. */
#include <string.h>

#include "script/evals.h"

static void item_undo_made(void *obj, uint64_t a, uint64_t b)
{
	(void)a, (void)b;
	item_destroy(obj);
}

static const struct jtype jt_made = { "item made", item_undo_made, NULL };

static void each_queue_all(struct each *ea)
{
	struct subject *sub;

	hmap_foreach (sub, &ea->recs, pos)
		if (sub->stale || sub->left)
			subject_stale(sub);
}

static void item_undo_cancel(void *obj, uint64_t a, uint64_t b)
{
	struct item *it = obj;

	(void)a, (void)b;
	it->gone = false;
	switch (it->kind) {
	case ITEM_BLOCK:
		if (((struct block *)it)->sub->stale)
			subject_stale(((struct block *)it)->sub);
		break;
	case ITEM_EACH: each_queue_all((struct each *)it); break;
	case ITEM_HOOK: break;
	case ITEM_TIMER:
		it->pk->n_timers++;
		it->pk->s->timers_dirty = true;
		break;
	}
}

static void item_commit_cancel(void *obj, uint64_t a, uint64_t b)
{
	(void)a, (void)b;
	item_destroy(obj);
}

static const struct jtype jt_cancel = { "item cancelled", item_undo_cancel, item_commit_cancel };

bool jentry_is_cancel(const struct jentry *j)
{
	return j->type == &jt_cancel;
}

void item_init(struct pack *pk, struct item *it, enum item_kind kind, uint32_t site)
{
	struct run *r = pk->run;

	it->kind = kind;
	it->refs = 1;
	it->pk = pk;
	it->order = ++pk->s->order;
	it->site = site;
	it->fn = (struct lua_ref)LUA_REF_INIT;
	/* a hook's timers are the pack's: its object may long be gone when they fire */
	if (r && r->sub && r->kind != RUN_HOOK)
		it->owner = r->sub;
	vec_push(&pk->items, it);
	if (it->owner)
		vec_push(&it->owner->made, it);
	journal_push(rpack_journal(pk->rp), &jt_made, it, 0, 0);
}

static void withdraw_all(struct hmap *m)
{
	struct subject *sub;

	hmap_foreach (sub, m, pos) {
		for (uint32_t i = 0; i < sub->made.n; i++)
			item_cancel(sub->made.v[i]);
		if (sub->sc)
			scope_drop(sub->sc);
	}
}

void item_cancel(struct item *it)
{
	if (it->gone || !it->pk)
		return;
	it->gone = true;
	switch (it->kind) {
	case ITEM_BLOCK: {
		struct subject *sub = ((struct block *)it)->sub;

		for (uint32_t i = 0; i < sub->made.n; i++)
			item_cancel(sub->made.v[i]);
		if (sub->sc && !sub->running) /* one that cancels itself goes at the end of its run */
			scope_drop(sub->sc);
		break;
	}
	case ITEM_EACH: withdraw_all(&((struct each *)it)->recs); break;
	case ITEM_HOOK: withdraw_all(&((struct hook *)it)->objs); break;
	case ITEM_TIMER:
		it->pk->n_timers--;
		it->pk->s->timers_dirty = true;
		break;
	}
	/* after the scopes' entries: its commit frees what they still point to */
	journal_push(rpack_journal(it->pk->rp), &jt_cancel, it, 0, 0);
}

void item_unref(struct item *it)
{
	if (--it->refs == 0)
		free(it);
}

static void subjects_free(struct hmap *m, bool dropped)
{
	struct subject *sub;

	hmap_foreach (sub, m, pos)
		subject_free(sub, dropped);
	hmap_free(m);
}

static void vec_drop_item(struct subject *owner, struct item *it)
{
	for (uint32_t i = 0; i < owner->made.n; i++)
		if (owner->made.v[i] == it) {
			vec_remove(&owner->made, i);
			return;
		}
}

void item_destroy(struct item *it)
{
	struct pack *pk = it->pk;

	if (!pk)
		return;
	switch (it->kind) {
	case ITEM_BLOCK: subject_free(((struct block *)it)->sub, it->gone); break;
	case ITEM_EACH: {
		struct each *ea = (struct each *)it;

		query_sink_del(ea->q, &ea->sink);
		query_put(ea->q);
		subjects_free(&ea->recs, it->gone);
		break;
	}
	case ITEM_HOOK: {
		struct hook *h = (struct hook *)it;

		for (uint32_t i = 0; i < pk->hooks[h->ev].n; i++)
			if (pk->hooks[h->ev].v[i] == h) {
				vec_remove(&pk->hooks[h->ev], i);
				break;
			}
		filters_free(&h->filters);
		words_free(h->words, h->n_words);
		subjects_free(&h->objs, it->gone);
		break;
	}
	case ITEM_TIMER:
		if (!it->gone)
			pk->n_timers--;
		pk->s->timers_dirty = true;
		break;
	}
	if (it->owner)
		vec_drop_item(it->owner, it);
	for (uint32_t i = pk->items.n; i-- > 0;) /* the newest are the likeliest */
		if (pk->items.v[i] == it) {
			vec_remove(&pk->items, i);
			break;
		}
	if (pk->vm)
		lua_ref_clear(pk->vm, &it->fn);
	it->owner = NULL;
	it->pk = NULL;
	it->gone = true;
	item_unref(it);
}

/* ---- subjects by record key ---- */

uint64_t net_key_hash(const struct net_key *k)
{
	return hash_bytes(k->b, k->n);
}

static bool subject_eq(const void *item, const void *key)
{
	const struct subject *sub = item;
	const struct net_key *k = key;

	return sub->key.n == k->n && memcmp(sub->key.b, k->b, k->n) == 0;
}

struct subject *subject_find(const struct hmap *m, const struct net_key *key)
{
	return hmap_find(m, net_key_hash(key), subject_eq, key);
}

void subject_put(struct hmap *m, struct subject *sub)
{
	hmap_put(m, net_key_hash(&sub->key), sub);
}

static int rec_key_cmp(const void *key, const struct tnode *node)
{
	const struct net_key *k = key;
	struct net_key other;

	net_rec_key(container_of(node, struct net_rec, order), &other);
	int c = memcmp(k->b, other.b, k->n < other.n ? k->n : other.n);

	return c ? c : (int)k->n - (int)other.n;
}

const struct net_rec *rec_find(const struct mirror *m, enum net_kind kind, const struct net_key *key)
{
	struct tnode *n = tree_find(mirror_tree(m, kind), rec_key_cmp, key);

	return n ? container_of(n, struct net_rec, order) : NULL;
}

/* ---- each ---- */

static void each_delta(
	struct query_sink *sink, struct query *q, const struct net_rec *before, const struct net_rec *after)
{
	struct each *ea = container_of(sink, struct each, sink);
	struct net_key key;
	struct subject *sub;

	(void)q;
	net_rec_key(after ? after : before, &key);
	sub = subject_find(&ea->recs, &key);
	if (!sub) {
		if (!after)
			return;
		sub = subject_new(ea->it.pk, SCOPE_EACH, &ea->it);
		sub->key = key;
		subject_put(&ea->recs, sub);
	}
	sub->left = !after;
	subject_stale(sub);
}

void each_fill(struct each *ea)
{
	const struct net_rec *r;
	struct net_key key;

	ea->sink.delta = each_delta;
	query_sink_add(ea->q, &ea->sink);
	for (r = query_after(ea->q, NULL); r; r = query_after(ea->q, &key)) {
		struct subject *sub = subject_new(ea->it.pk, SCOPE_EACH, &ea->it);

		net_rec_key(r, &key);
		sub->key = key;
		subject_put(&ea->recs, sub);
		subject_stale(sub);
	}
}
