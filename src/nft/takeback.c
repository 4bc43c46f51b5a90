// SPDX-License-Identifier: GPL-2.0-or-later
/* Edits that can be taken back long after their transaction: for each element what the pack's edits held
 * before and after it. Elements are kept by their key, for the table's own numbers are used anew; attributes
 * are references into the table. */
#include <errno.h>

#include "base/clock.h"
#include "nft/edit_impl.h"

struct hold { /* what a pack's edits have of an element */
	bool on, lasting;
	uint32_t attr, site; /* attr: a reference */
};
struct taken {
	struct elem_table *t; /* a reference, and one to its set */
	uint64_t hash;
	bool catchall, over; /* over: edited since by somebody without a log */
	struct hold before, after;
	uint8_t key[]; /* as in struct elem */
};
struct edit_log {
	VEC(struct taken *) v;
	struct hmap index;
};

static size_t key_len(const struct elem_table *t)
{
	return t->interval ? 2u * t->klen : t->klen;
}

static uint64_t key_hash(const struct elem_table *t, const uint8_t *key, bool catchall)
{
	return hash_mix(hash_bytes(key, key_len(t)), (uintptr_t)t ^ catchall);
}

static bool is_taken(const void *item, const void *key)
{
	const struct taken *a = item, *b = key;

	return a->t == b->t && a->catchall == b->catchall && !memcmp(a->key, b->key, key_len(a->t));
}

static struct taken *find(const struct edit_log *l, const struct taken *like)
{
	return hmap_find(&l->index, like->hash, is_taken, like);
}

static struct taken *taken_new(struct elem_table *t, uint32_t i)
{
	const struct elem *el = elem_at(t, i);
	struct taken *k = xcalloc(1, sizeof(*k) + key_len(t));

	k->t = t;
	k->catchall = el->flags & E_CATCHALL;
	memcpy(k->key, el->key, key_len(t));
	k->hash = key_hash(t, k->key, k->catchall);
	t->refs++;
	obj_ref(t->set);
	return k;
}

static void taken_free(struct taken *k)
{
	struct obj *set = k->t->set;

	attr_put(k->t, k->before.attr);
	attr_put(k->t, k->after.attr);
	elems_put(k->t);
	obj_put(set);
	free(k);
}

static struct hold hold_now(struct rpack *pk, struct elem_table *t, uint32_t i)
{
	for (int lasting = 0; lasting < 2; lasting++) {
		struct contrib *c = elems_of(t->set) == t ? edits_find(pk, t->set, lasting) : NULL;
		struct member *m = c ? member_of(t, i, c->id) : NULL;

		if (m)
			return (struct hold){ true, lasting, attr_ref(t, m->attr), m->site };
	}
	return (struct hold){ 0 };
}

static bool edits(const struct jentry *j)
{
	return j->type == &j_edit_put || j->type == &j_edit_drop || j->type == &j_edit_count ||
	       j->type == &j_edit_same;
}

bool rpack_edited(const struct rpack *pk)
{
	vec_foreach (j, &pk->log.log)
		if (edits(j))
			return true;
	return false;
}

static bool hold_same(const struct elem_table *t, const struct hold *a, const struct hold *b)
{
	const struct attr *x = a->attr ? &t->attrs.v[a->attr - 1] : NULL;
	const struct attr *y = b->attr ? &t->attrs.v[b->attr - 1] : NULL;
	const char *p = x ? attr_note(x) : NULL, *q = y ? attr_note(y) : NULL;

	if (a->on != b->on || a->lasting != b->lasting)
		return false;
	if (!a->on || a->attr == b->attr)
		return true;
	return !(x && x->timeout_ms) && !(y && y->timeout_ms) && !strcmp(p ? p : "", q ? q : "") &&
	       attr_same_data(t, a->attr, b->attr) && attr_same_stmts(t, a->attr, b->attr);
}

/* The first entry about an element tells how it was. */
static struct taken *first_seen(struct edit_log *l, const struct jentry *j)
{
	struct contrib *c = j->obj;
	struct taken *k = taken_new(c->t, (uint32_t)j->a), *known = find(l, k);

	if (known) {
		taken_free(k);
		return known;
	}
	if (j->type == &j_edit_drop)
		k->before = (struct hold){ true, c->lasting, attr_ref(c->t, (uint32_t)j->b),
			(uint32_t)(j->b >> 32) & SITE_MAX };
	else if (j->type != &j_edit_put) /* it is still there, or was not there at all */
		k->before = hold_now(c->pk, c->t, (uint32_t)j->a);
	vec_push(&l->v, k);
	hmap_put(&l->index, k->hash, k);
	return k;
}

static void key_elem(const struct taken *k, struct setelem *out)
{
	memset(out, 0, offsetof(struct setelem, key));
	out->klen = k->t->klen;
	out->catchall = k->catchall;
	out->interval = k->t->interval && !k->catchall;
	memcpy(out->key, k->key, k->t->klen);
	if (k->t->interval)
		memcpy(out->key_end, k->key + k->t->klen, k->t->klen);
	out->dlen = 0;
	out->target[0] = '\0';
	out->timeout_ms = out->expires_ms = 0;
	out->comment = NULL;
	out->n_exprs = 0;
}

static uint32_t elem_now(const struct taken *k)
{
	struct setelem el;

	key_elem(k, &el);
	return elem_find(k->t, &el);
}

void edit_log_free(struct edit_log *l)
{
	if (!l)
		return;
	vec_foreach (k, &l->v)
		taken_free(*k);
	vec_free(&l->v);
	hmap_free(&l->index);
	free(l);
}

uint32_t edit_log_count(const struct edit_log *l)
{
	return l ? l->v.n : 0;
}

int edit_log_take(struct rpack *pk, uint32_t max, struct edit_log **out, struct err *e)
{
	struct edit_log *l = NULL;
	uint32_t left = 0;

	*out = NULL;
	vec_foreach (j, &pk->log.log) {
		if (!edits(j))
			continue;
		if (!l)
			l = xnew(struct edit_log);
		first_seen(l, j);
		if (l->v.n > max) {
			edit_log_free(l);
			return err_set(e, -E2BIG, "it edited more than %u elements", max);
		}
	}
	if (!l)
		return 0;
	for (uint32_t i = 0; i < l->v.n; i++) {
		struct taken *k = l->v.v[i];
		uint32_t at = elem_now(k);

		if (at != UINT32_MAX)
			k->after = hold_now(pk, k->t, at);
		/* what it said again is kept only where an older log could take it away */
		if (!pk->watched && hold_same(k->t, &k->before, &k->after)) {
			hmap_del_item(&l->index, k->hash, k);
			taken_free(k);
		} else {
			l->v.v[left++] = k;
		}
	}
	l->v.n = left;
	if (!left) {
		edit_log_free(l);
		l = NULL;
	}
	*out = l;
	return 0;
}

void edit_log_watch(struct rpack *pk, bool on)
{
	pk->watched = on;
}

void edit_log_over(struct rpack *pk, struct edit_log *const *logs, uint32_t n)
{
	vec_foreach (j, &pk->log.log) {
		struct contrib *c = j->obj;
		struct taken *k;

		if (!edits(j))
			continue;
		k = taken_new(c->t, (uint32_t)j->a);
		for (uint32_t i = 0; i < n; i++) {
			struct taken *mine = logs[i] ? find(logs[i], k) : NULL;

			if (mine)
				mine->over = true;
		}
		taken_free(k);
	}
}

static struct taken *find_later(const struct taken *k, struct edit_log *const *later, uint32_t n)
{
	struct taken *next = NULL;

	for (uint32_t i = 0; i < n && !next; i++)
		next = later[i] ? find(later[i], k) : NULL;
	return next;
}

static void restore(struct taken *k, struct rpack *pk, uint32_t site)
{
	const struct attr *a = k->before.attr ? &k->t->attrs.v[k->before.attr - 1] : NULL;
	struct setelem el;
	struct contrib *c;
	uint32_t i;

	key_elem(k, &el);
	i = elem_intern(k->t, &el);
	elem_touch(k->t, i);
	for (int lasting = 0; lasting < 2; lasting++) {
		c = edits_find(pk, k->t->set, lasting);
		if (!c || !member_of(k->t, i, c->id))
			continue;
		edit_drop(c, i);
		edit_by_hand(c);
	}
	if (!k->before.on || (a && a->timeout_ms && a->expires_at <= boot_ms()))
		return;
	c = edits_get(pk, k->t->set, k->before.lasting, site);
	edit_by_hand(c);
	edit_put(c, i, attr_ref(k->t, k->before.attr), k->before.site ? k->before.site : site);
}

void edit_log_back(struct edit_log *l, struct rpack *pk, struct edit_log *const *later, uint32_t n,
	uint32_t site, uint32_t *kept)
{
	*kept = 0;
	for (uint32_t i = l->v.n; i-- > 0;) {
		struct taken *k = l->v.v[i];

		if (elems_of(k->t->set) != k->t) /* of another type now: no edit of then is in force */
			continue;
		if (k->over || find_later(k, later, n))
			++*kept;
		else
			restore(k, pk, site);
	}
}

void edit_log_forget(struct edit_log *l, struct edit_log *const *later, uint32_t n)
{
	for (uint32_t i = 0; l && i < l->v.n; i++) {
		struct taken *k = l->v.v[i], *next = k->over ? NULL : find_later(k, later, n);
		struct hold was;

		if (!next)
			continue;
		was = next->before; /* what it found was this one's */
		next->before = k->before;
		k->before = was;
	}
	edit_log_free(l);
}

/* ---- as text ---- */

#define ELEMS_SHOWN 64

struct text {
	struct edit_log *const *logs;
	uint32_t n, i;        /* logs[i] is shown */
	struct elem_table *t; /* of the line: elements of one set that came, or went */
	bool add;
	uint32_t shown;
	struct buf *out;
};

/* Does it still make a difference to what was there before all logs? */
static bool counts(const struct text *x, const struct taken *k)
{
	const struct attr *a = k->after.attr ? &k->t->attrs.v[k->after.attr - 1] : NULL;
	const struct taken *first = k;

	if (k->over || elems_of(k->t->set) != k->t || (a && a->timeout_ms && a->expires_at <= boot_ms()) ||
		find_later(k, x->logs + x->i + 1, x->n - x->i - 1))
		return false;
	for (uint32_t i = 0; i < x->i && first == k; i++) {
		const struct taken *old = x->logs[i] ? find(x->logs[i], k) : NULL;

		first = old ? old : k;
	}
	return !hold_same(k->t, &first->before, &k->after);
}

static void put_elem(struct text *x, const struct taken *k)
{
	struct set_info info = k->t->info;
	struct setelem el;
	uint32_t i = elem_now(k);

	if (x->shown++ >= ELEMS_SHOWN)
		return;
	if (x->add && i != UINT32_MAX)
		elem_get(k->t, i, k->after.attr, &el);
	else
		key_elem(k, &el);
	if (!x->add)
		info.flags &= ~(uint32_t)(NFT_SET_MAP | NFT_SET_OBJECT);
	el.expires_ms = 0;
	buf_puts(x->out, x->shown > 1 ? ", " : "");
	elem_line(&info, &el, x->out);
}

static void put_line(struct text *x)
{
	const struct obj *set = x->t->set;

	buf_printf(x->out, "%s element %s %s %s { ", x->add ? "+ add" : "- delete",
		nft_family_name(set->family), set->table, set->name);
	vec_foreach (k, &x->logs[x->i]->v)
		if ((*k)->t == x->t && (*k)->after.on == x->add && counts(x, *k))
			put_elem(x, *k);
	if (x->shown > ELEMS_SHOWN)
		buf_printf(x->out, ", … %u more", x->shown - ELEMS_SHOWN);
	buf_puts(x->out, " }\n");
}

void edit_log_text(struct edit_log *const *logs, uint32_t n, uint32_t i, struct buf *out)
{
	VEC(struct text) lines = { 0 };

	for (uint32_t e = 0; logs[i] && e < logs[i]->v.n; e++) {
		const struct taken *k = logs[i]->v.v[e];
		struct text x = { logs, n, i, k->t, k->after.on, 0, out };
		bool known = false;

		vec_foreach (l, &lines)
			known |= l->t == x.t && l->add == x.add;
		if (!known && counts(&x, k))
			vec_push(&lines, x);
	}
	vec_foreach (l, &lines)
		put_line(l);
	vec_free(&lines);
}
