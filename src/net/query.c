// SPDX-License-Identifier: GPL-2.0-or-later
/* A query is a tree of nodes that point to the mirror's present records. A query that asks for equality on
 * some field is found by that field's value, so an event costs what it concerns, however many queries there
 * are. */
#include "net/query.h"

#include <string.h>

#include "base/hash.h"
#include "base/vec.h"
#include "net/records.h"

struct qnode {
	struct tnode order;
	const struct net_rec *rec;
};

struct walk { /* of a query's sinks; deleting one sets it right */
	struct query_sink *next;
	struct walk *up;
};

struct query {
	struct query_set *set;
	struct filters filters;
	char *text; /* canonical, what makes it the same query */
	uint64_t hash, id, fed;
	uint32_t uses;
	struct query_sink *sinks;
	struct walk *walks;
	struct tree nodes;
	int index; /* of the field it is found by; -1: in `any` */
	uint32_t in_any;
};

struct bucket { /* queries that ask for one value of one field */
	uint64_t hash;
	VEC(struct query *) q;
};

struct kind_queries {
	VEC(struct query *) any;
	uint32_t n;
	uint32_t field_uses[32];
};

struct query_set {
	struct mirror *mirror;
	struct hmap by_text; /* struct query */
	struct hmap buckets; /* struct bucket, by kind, field and value */
	struct kind_queries kinds[NET_KINDS];
	uint64_t ids, feeds;
};

static bool text_eq(const void *item, const void *key)
{
	return !strcmp(((const struct query *)item)->text, key);
}

static bool bucket_eq(const void *item, const void *key)
{
	return ((const struct bucket *)item)->hash == *(const uint64_t *)key;
}

/* ---- which queries an event concerns ---- */

/* The best field first: the fewer records share a value, the better. */
static int index_rank(const struct net_field *f)
{
	static const char *const ranks[] = { "address", "mac", "name", "ifindex", "iface", "gateway", "dst",
		"network", "priority", "master", "zone", "table", "state", "family" };

	for (unsigned i = 0; i < ARRAY_SIZE(ranks); i++)
		if (!strcmp(f->name, ranks[i]))
			return (int)i;
	return -1;
}

/* Only where each alternative names one value that a record's can be looked up by. */
static bool indexable(const struct filter *f)
{
	for (uint32_t i = 0; i < f->n_alt; i++)
		if (f->alt[i].op != FILTER_EQ || f->alt[i].want.absent ||
			(f->field->type == NF_PREFIX && !f->alt[i].want.prefix.addr.family))
			return false;
	return f->n_alt && index_rank(f->field) >= 0;
}

static const struct filter *index_filter(const struct query *q)
{
	const struct filter *best = NULL;

	for (uint32_t i = 0; i < q->filters.n; i++) {
		const struct filter *f = &q->filters.f[i];

		if (indexable(f) && (!best || index_rank(f->field) < index_rank(best->field)))
			best = f;
	}
	return best;
}

static uint64_t val_hash(unsigned kind, unsigned field, const struct net_val *v)
{
	uint64_t h = hash_mix(kind, field);

	switch (v->type) {
	case NF_STR: return hash_mix(h, hash_str(v->str));
	case NF_ADDR:
	case NF_PREFIX:
		h = hash_mix(h, (uint64_t)v->prefix.addr.family << 8 | v->prefix.len);
		return hash_mix(h, hash_bytes(v->prefix.addr.b, sizeof(v->prefix.addr.b)));
	case NF_MAC: {
		char text[MAC_STRLEN];

		return hash_mix(h, hash_str(mac_format(v->mac, v->mac_len, text)));
	}
	case NF_U32:
	case NF_BOOL:
	case NF_FAMILY:
	case NF_ENUM:
	case NF_FLAGS:
	case NF_NEXTHOPS: break;
	}
	return hash_mix(h, v->num);
}

static uint64_t alt_hash(unsigned kind, unsigned field, const struct filter_alt *a)
{
	struct net_val v = a->want;

	if (v.type == NF_MAC) /* wanted as text */
		v.type = NF_STR;
	return val_hash(kind, field, &v);
}

static unsigned field_no(const struct net_field *f, enum net_kind kind)
{
	unsigned n;

	return (unsigned)(f - net_fields(kind, &n));
}

static void index_add(struct query *q)
{
	struct query_set *qs = q->set;
	struct kind_queries *kq = &qs->kinds[q->filters.kind];
	const struct filter *f = index_filter(q);

	kq->n++;
	q->index = f ? (int)field_no(f->field, q->filters.kind) : -1;
	if (!f) {
		q->in_any = kq->any.n;
		vec_push(&kq->any, q);
		return;
	}
	kq->field_uses[q->index]++;
	for (uint32_t i = 0; i < f->n_alt; i++) {
		uint64_t h = alt_hash(q->filters.kind, (unsigned)q->index, &f->alt[i]);
		struct bucket *b = hmap_find(&qs->buckets, h, bucket_eq, &h);

		if (!b) {
			b = xnew(struct bucket);
			b->hash = h;
			hmap_put(&qs->buckets, h, b);
		}
		vec_push(&b->q, q);
	}
}

static void bucket_remove(struct query_set *qs, uint64_t h, const struct query *q)
{
	struct bucket *b = hmap_find(&qs->buckets, h, bucket_eq, &h);

	for (uint32_t i = 0; b && i < b->q.n; i++)
		if (b->q.v[i] == q) {
			b->q.v[i] = vec_last(&b->q);
			b->q.n--;
			break;
		}
	if (!b || b->q.n)
		return;
	hmap_del_item(&qs->buckets, h, b);
	vec_free(&b->q);
	free(b);
}

static void index_del(struct query *q)
{
	struct query_set *qs = q->set;
	struct kind_queries *kq = &qs->kinds[q->filters.kind];
	const struct filter *f = index_filter(q);

	kq->n--;
	if (!f) {
		struct query *last = vec_last(&kq->any);

		kq->any.v[q->in_any] = last;
		last->in_any = q->in_any;
		kq->any.n--;
		return;
	}
	kq->field_uses[q->index]--;
	for (uint32_t i = 0; i < f->n_alt; i++)
		bucket_remove(qs, alt_hash(q->filters.kind, (unsigned)q->index, &f->alt[i]), q);
}

/* ---- content ---- */

static struct qnode *qnode_of(struct tnode *t)
{
	return t ? container_of(t, struct qnode, order) : NULL;
}

static int cmp_rec(const void *key, const struct tnode *node)
{
	struct net_key k;

	net_rec_key(container_of(node, struct qnode, order)->rec, &k);
	return net_key_cmp(key, &k);
}

static void node_add(struct query *q, const struct net_rec *r, const struct net_key *key)
{
	struct qnode *n = xnew(struct qnode);

	n->rec = r;
	tree_insert(&q->nodes, &n->order, cmp_rec, key);
}

static void fill(struct query *q)
{
	struct net_key key;

	tree_foreach (t, mirror_tree(q->set->mirror, q->filters.kind)) {
		const struct net_rec *r = net_rec_of(t);

		if (!net_rec_visible(r) || !filters_match(&q->filters, r))
			continue;
		net_rec_key(r, &key);
		node_add(q, r, &key);
	}
}

static void query_free(struct query *q)
{
	struct tnode *t;

	index_del(q);
	hmap_del_item(&q->set->by_text, q->hash, q);
	while ((t = q->nodes.root)) {
		tree_remove(&q->nodes, t);
		free(qnode_of(t));
	}
	filters_free(&q->filters);
	free(q->text);
	free(q);
}

static void query_maybe_free(struct query *q)
{
	if (!q->uses && !q->sinks)
		query_free(q);
}

struct query_set *queries_new(struct mirror *m)
{
	struct query_set *qs = xnew(struct query_set);

	qs->mirror = m;
	return qs;
}

void queries_free(struct query_set *qs)
{
	struct query *q;

	if (!qs)
		return;
	hmap_foreach (q, &qs->by_text, pos)
		query_free(q);
	hmap_free(&qs->by_text);
	hmap_free(&qs->buckets);
	for (unsigned k = 0; k < NET_KINDS; k++)
		vec_free(&qs->kinds[k].any);
	free(qs);
}

struct query *query_get(struct query_set *qs, struct filters *fs)
{
	struct buf _buf_ text = BUF_INIT;
	struct query *q;
	uint64_t hash;

	filters_canon(fs);
	filters_text(fs, &text);
	hash = hash_bytes(text.s, text.n);
	q = hmap_find(&qs->by_text, hash, text_eq, text.s);
	if (q) {
		filters_free(fs);
		return query_ref(q);
	}
	q = xnew(struct query);
	q->set = qs;
	q->filters = *fs;
	*fs = (struct filters){ .kind = fs->kind };
	q->text = buf_take(&text);
	q->hash = hash;
	q->id = ++qs->ids;
	q->uses = 1;
	hmap_put(&qs->by_text, hash, q);
	index_add(q);
	fill(q);
	return q;
}

struct query *query_ref(struct query *q)
{
	q->uses++;
	return q;
}

void query_put(struct query *q)
{
	if (q->uses)
		q->uses--;
	query_maybe_free(q);
}

const struct filters *query_filters(const struct query *q)
{
	return &q->filters;
}

uint32_t query_count(const struct query *q)
{
	return tree_size(&q->nodes);
}

const struct net_rec *query_at(const struct query *q, uint32_t i)
{
	struct qnode *n = qnode_of(tree_at(&q->nodes, i));

	return n ? n->rec : NULL;
}

const struct net_rec *query_after(const struct query *q, const struct net_key *key)
{
	struct tnode *t = q->nodes.root, *best = NULL;

	if (!key)
		return query_at(q, 0);
	while (t) {
		if (cmp_rec(key, t) < 0) {
			best = t;
			t = t->left;
		} else {
			t = t->right;
		}
	}
	return best ? qnode_of(best)->rec : NULL;
}

/* ---- sinks ---- */

void query_sink_add(struct query *q, struct query_sink *s)
{
	s->next = q->sinks;
	q->sinks = s;
}

void query_sink_del(struct query *q, struct query_sink *s)
{
	for (struct query_sink **at = &q->sinks; *at; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	for (struct walk *w = q->walks; w; w = w->up)
		if (w->next == s)
			w->next = s->next;
	s->next = NULL;
	query_maybe_free(q);
}

static void push_delta(struct query *q, const struct net_rec *before, const struct net_rec *after)
{
	struct walk w = { .next = q->sinks, .up = q->walks };
	struct query_sink *s;

	q->walks = &w;
	while ((s = w.next)) {
		w.next = s->next;
		s->delta(s, q, before, after);
	}
	q->walks = w.up;
}

/* ---- feeding ---- */

static void feed_one(struct query *q, const struct net_event *ev)
{
	const struct net_rec *r = ev->after ? ev->after : ev->before, *before = NULL;
	bool in = ev->after && net_rec_visible(ev->after) && filters_match(&q->filters, ev->after);
	struct qnode *n;
	struct net_key key;

	net_rec_key(r, &key);
	n = qnode_of(tree_find(&q->nodes, cmp_rec, &key));
	if (!n && !in)
		return;
	if (!n) {
		node_add(q, r, &key);
	} else {
		before = n->rec;
		if (in) {
			n->rec = r;
		} else {
			tree_remove(&q->nodes, &n->order);
			free(n);
		}
	}
	if (before && in && ev->lifetime_only && !q->filters.lifetimes)
		return;
	push_delta(q, before, in ? ev->after : NULL);
}

typedef VEC(struct query *) candidates;

static void take(candidates *c, struct query *q, uint64_t feed)
{
	if (q->fed == feed)
		return;
	q->fed = feed;
	vec_push(c, query_ref(q));
}

static void take_by_value(struct query_set *qs, candidates *c, const struct net_rec *r, uint64_t feed)
{
	const struct kind_queries *kq = &qs->kinds[r->kind];
	unsigned n;
	const struct net_field *f = net_fields(r->kind, &n);

	for (unsigned i = 0; i < n; i++) {
		struct net_val v;
		struct bucket *b;
		uint64_t h;

		if (!kq->field_uses[i])
			continue;
		f[i].get(r, &v);
		if (v.absent)
			continue;
		h = val_hash(r->kind, i, &v);
		b = hmap_find(&qs->buckets, h, bucket_eq, &h);
		for (uint32_t k = 0; b && k < b->q.n; k++)
			take(c, b->q.v[k], feed);
	}
}

static int cmp_id(const void *a, const void *b)
{
	const struct query *x = *(struct query *const *)a, *y = *(struct query *const *)b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* The candidates are gathered and held before the first sink runs: sinks make and drop queries. */
void queries_feed(struct query_set *qs, const struct net_event *ev)
{
	const struct kind_queries *kq = &qs->kinds[ev->kind];
	uint64_t feed = ++qs->feeds;
	candidates c = { 0 };

	if (!kq->n)
		return;
	for (uint32_t i = 0; i < kq->any.n; i++)
		take(&c, kq->any.v[i], feed);
	if (ev->before)
		take_by_value(qs, &c, ev->before, feed);
	if (ev->after)
		take_by_value(qs, &c, ev->after, feed);
	if (c.n > 1)
		qsort(c.v, c.n, sizeof(*c.v), cmp_id);
	for (uint32_t i = 0; i < c.n; i++) {
		feed_one(c.v[i], ev);
		query_put(c.v[i]);
	}
	vec_free(&c);
}

unsigned queries_kinds(const struct query_set *qs)
{
	unsigned kinds = 0;

	for (unsigned k = 0; k < NET_KINDS; k++)
		if (qs->kinds[k].n)
			kinds |= 1u << k;
	return kinds;
}
