// SPDX-License-Identifier: GPL-2.0-or-later
/* A live value that others are parts of: { eth0, $wan.ifnames }, { $wan.ipv4 . 443 }, { $wan.ipv4 : accept }.
 * Each item is a value, or has one live value somewhere in it, in whose place each of its values comes. */
#include <string.h>

#include "script/internal.h"
#include "script/live_mix.h"

typedef void each_fn(void *ctx, const struct val *key, const struct val *data);

struct part {
	struct mix *mix;
	struct val key, data; /* data VAL_NIL: none */
	struct val *hole;     /* the live value in key or data; NULL: none */
	bool in_data;         /* then its first value counts */
	struct live_sink sink;
};

struct mix {
	struct live live;
	struct script *s; /* NULL: gone before */
	uint32_t refs, n;
	uint64_t hash;
	bool following;
	struct sinks sinks;
	struct part part[];
};

/* The item with v in its hole. */
static void filled(const struct part *p, const struct val *v, each_fn *fn, void *ctx)
{
	struct val was = *p->hole;

	*p->hole = *v;
	fn(ctx, &p->key, p->data.kind == VAL_NIL ? NULL : &p->data);
	*p->hole = was;
}

struct filling {
	const struct part *p;
	each_fn *fn;
	void *ctx;
};

static void fill_one(void *ctx, const struct val *key, const struct val *data)
{
	struct filling *f = ctx;

	(void)data;
	filled(f->p, key, f->fn, f->ctx);
}

static void part_each(const struct part *p, each_fn *fn, void *ctx)
{
	struct filling f = { p, fn, ctx };
	struct live *base = p->hole ? p->hole->live : NULL;
	struct val first;

	if (!base) {
		fn(ctx, &p->key, p->data.kind == VAL_NIL ? NULL : &p->data);
	} else if (!p->in_data) {
		base->ops->each(base, fill_one, &f);
	} else {
		base->ops->first(base, 0, &first);
		if (first.kind != VAL_NIL)
			filled(p, &first, fn, ctx);
		val_free(&first);
	}
}

static void mix_each(struct live *live, each_fn *fn, void *ctx)
{
	struct mix *m = (struct mix *)live;

	for (uint32_t i = 0; i < m->n; i++)
		part_each(&m->part[i], fn, ctx);
}

static void mix_first(struct live *live, int family, struct val *out)
{
	struct live_first f = { family, out };

	*out = (struct val){ .kind = VAL_NIL };
	mix_each(live, live_first, &f);
}

/* ---- following ---- */

struct telling {
	struct mix *m;
	int sign;
};

static void tell(void *ctx, const struct val *key, const struct val *data)
{
	struct telling *t = ctx;

	sinks_push(&t->m->sinks, t->sign, key, data);
}

static void part_delta(struct live_sink *s, int sign, const struct val *key, const struct val *data)
{
	struct part *p = container_of(s, struct part, sink);
	struct telling t = { p->mix, sign };

	(void)data;
	if (p->in_data)
		sinks_reset(&p->mix->sinks);
	else
		filled(p, key, tell, &t);
}

static void part_reset(struct live_sink *s)
{
	sinks_reset(&container_of(s, struct part, sink)->mix->sinks);
}

static void follow(struct mix *m, bool on)
{
	if (m->following == on)
		return;
	m->following = on;
	for (uint32_t i = 0; i < m->n; i++) {
		struct part *p = &m->part[i];
		struct live *base = p->hole ? p->hole->live : NULL;

		if (base && on)
			base->ops->sink_add(base, &p->sink);
		else if (base)
			base->ops->sink_del(base, &p->sink);
	}
}

static void mix_sink_add(struct live *live, struct live_sink *s)
{
	struct mix *m = (struct mix *)live;

	sinks_add(&m->sinks, s);
	follow(m, true);
}

static void mix_sink_del(struct live *live, struct live_sink *s)
{
	struct mix *m = (struct mix *)live;

	if (sinks_del(&m->sinks, s))
		follow(m, false);
}

/* ---- life ---- */

static void mix_ref(struct live *live)
{
	((struct mix *)live)->refs++;
}

static void mix_put(struct live *live)
{
	struct mix *m = (struct mix *)live;

	if (--m->refs)
		return;
	follow(m, false);
	if (m->s)
		hmap_del_item(&m->s->mixes, m->hash, m);
	for (uint32_t i = 0; i < m->n; i++) {
		val_free(&m->part[i].key);
		val_free(&m->part[i].data);
	}
	sinks_free(&m->sinks);
	free(m);
}

static bool val_spans(const struct val *v)
{
	switch (v->kind) {
	case VAL_PREFIX:
	case VAL_RANGE:
	case VAL_GLOB: return true;
	case VAL_LIVE: return v->live->ops->may_be_interval(v->live);
	case VAL_CONCAT:
		for (uint32_t i = 0; i < v->n; i++)
			if (val_spans(&v->list[i]))
				return true;
		return false;
	default: return false;
	}
}

static bool mix_may_be_interval(struct live *live)
{
	struct mix *m = (struct mix *)live;

	for (uint32_t i = 0; i < m->n; i++)
		if (val_spans(&m->part[i].key))
			return true;
	return false;
}

static void mix_text(struct live *live, struct buf *out)
{
	struct mix *m = (struct mix *)live;

	buf_puts(out, "{ ");
	for (uint32_t i = 0; i < m->n && i < 10; i++) {
		buf_puts(out, i ? ", " : "");
		val_text(&m->part[i].key, out);
		if (m->part[i].data.kind == VAL_NIL)
			continue;
		buf_puts(out, " : ");
		val_text(&m->part[i].data, out);
	}
	buf_puts(out, m->n > 10 ? ", … }" : " }");
}

static const struct live_ops mix_ops = {
	.ref = mix_ref,
	.put = mix_put,
	.each = mix_each,
	.first = mix_first,
	.sink_add = mix_sink_add,
	.sink_del = mix_sink_del,
	.may_be_interval = mix_may_be_interval,
	.text = mix_text,
};

struct val *val_live_in(struct val *v)
{
	struct val *found = NULL;

	if (v->kind == VAL_LIVE)
		return v;
	if (v->kind != VAL_CONCAT)
		return NULL;
	for (uint32_t i = 0; i < v->n && !found; i++)
		found = val_live_in(&v->list[i]);
	return found;
}

static bool same_item(const struct part *p, const struct mix_item *it)
{
	return val_equal(&p->key, &it->key) && val_equal(&p->data, &it->data);
}

static bool mix_eq(const void *item, const void *key)
{
	const struct mix *m = item;
	const struct mix_items *items = key;

	if (m->n != items->n)
		return false;
	for (uint32_t i = 0; i < m->n; i++)
		if (!same_item(&m->part[i], &items->v[i]))
			return false;
	return true;
}

static uint64_t items_hash(const struct mix_items *items)
{
	uint64_t h = items->n;

	vec_foreach (it, items) {
		_buf_ struct buf b = BUF_INIT;

		val_text(&it->key, &b);
		buf_puts(&b, ":");
		val_text(&it->data, &b);
		h = hash_mix(h, hash_bytes(b.s, b.n));
	}
	return h;
}

struct live *live_mix(struct script *s, const struct mix_items *items)
{
	uint64_t hash = items_hash(items);
	struct mix *m = hmap_find(&s->mixes, hash, mix_eq, items);

	if (m) {
		m->refs++;
		return &m->live;
	}
	m = xcalloc(1, sizeof(*m) + items->n * sizeof(m->part[0]));
	m->live.ops = &mix_ops;
	m->s = s;
	m->refs = 1;
	m->hash = hash;
	m->n = items->n;
	for (uint32_t i = 0; i < m->n; i++) {
		struct part *p = &m->part[i];

		p->mix = m;
		p->key = val_copy(&items->v[i].key);
		p->data = val_copy(&items->v[i].data);
		p->hole = val_live_in(&p->key);
		if (!p->hole)
			p->hole = val_live_in(&p->data);
		p->in_data = p->hole && !val_live_in(&p->key);
		p->sink.delta = part_delta;
		p->sink.reset = part_reset;
	}
	hmap_put(&s->mixes, hash, m);
	return &m->live;
}

void mixes_orphan(struct script *s)
{
	struct mix *m;

	hmap_foreach (m, &s->mixes, pos)
		m->s = NULL;
	hmap_free(&s->mixes);
}
