// SPDX-License-Identifier: GPL-2.0-or-later
/* Edits: what hooks, messages, timers and the console add and remove by hand, one contributor a pack, set and
 * life span. Every step is journaled, so that a failing run takes back exactly its own. */
#include <errno.h>

#include "base/clock.h"
#include "nft/model.h"

#define WAITING_MAX 65536

static void undo_put(void *obj, uint64_t elem, uint64_t attr)
{
	struct contrib *c = obj;

	(void)attr;
	member_drop(c->t, (uint32_t)elem, c->id, NULL);
}

static void undo_drop(void *obj, uint64_t elem, uint64_t attr)
{
	struct contrib *c = obj;

	member_put(c->t, (uint32_t)elem, c, (uint32_t)attr, (uint32_t)(attr >> 32) & SITE_MAX);
	member_of(c->t, (uint32_t)elem, c->id)->past = (uint32_t)(attr >> 51) & PAST_MAX;
	expiry_of(c->t, (uint32_t)elem, (uint32_t)attr);
}

static void commit_drop(void *obj, uint64_t elem, uint64_t attr)
{
	struct contrib *c = obj;

	(void)elem;
	attr_put(c->t, (uint32_t)attr);
}

static void undo_count(void *obj, uint64_t elem, uint64_t by)
{
	struct contrib *c = obj;

	member_of(c->t, (uint32_t)elem, c->id)->count -= (uint32_t)by;
}

static void undo_settle(void *obj, uint64_t a, uint64_t b)
{
	struct contrib *c = obj;
	struct ruleset *rs = c->pk->rs;

	(void)a;
	(void)b;
	c->settle = false;
	for (uint32_t i = 0; i < rs->settling.n; i++)
		if (rs->settling.v[i] == c)
			vec_remove(&rs->settling, i);
}

static void undo_unsettle(void *obj, uint64_t a, uint64_t b)
{
	struct contrib *c = obj;

	(void)a;
	(void)b;
	c->settle = true;
	vec_push(&c->pk->rs->settling, c);
}

static void undo_mixed(void *obj, uint64_t was, uint64_t unused)
{
	(void)unused;
	((struct contrib *)obj)->mixed = was;
}

static void undo_fill(void *obj, uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	((struct contrib *)obj)->filled = false;
}

static void undo_base(void *obj, uint64_t old, uint64_t unused)
{
	struct contrib *c = obj;

	(void)unused;
	if (c->sinking)
		c->live->ops->sink_del(c->live, &c->sink);
	c->live->ops->put(c->live);
	c->live = (struct live *)(uintptr_t)old;
	c->filled = false;
	c->sinking = c->live != NULL;
	if (c->live)
		c->live->ops->sink_add(c->live, &c->sink);
}

static void commit_base(void *obj, uint64_t old, uint64_t unused)
{
	struct live *live = (struct live *)(uintptr_t)old;

	(void)obj;
	(void)unused;
	if (live)
		live->ops->put(live);
}

static void unlist(struct contrib *c)
{
	for (uint32_t i = 0; i < c->pk->edits.n; i++)
		if (c->pk->edits.v[i] == c) {
			vec_remove(&c->pk->edits, i);
			return;
		}
}

static void undo_new(void *obj, uint64_t a, uint64_t b)
{
	struct contrib *c = obj;

	(void)a;
	(void)b;
	unlist(c);
	contrib_free(c);
}

void edit_dead(struct contrib *c)
{
	unlist(c);
	vec_push(&c->pk->rs->edits_dead, c);
}

static void undo_off(void *obj, uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	contrib_on(obj);
}

/* Later entries may still name it: the end of the transaction frees it. */
static void commit_off(void *obj, uint64_t a, uint64_t b)
{
	struct contrib *c = obj;

	(void)a;
	(void)b;
	edit_dead(c);
}

static void move(struct contrib *c, struct rpack *to)
{
	unlist(c);
	c->pk = to;
	vec_push(&to->edits, c);
}

static void undo_move(void *obj, uint64_t from, uint64_t unused)
{
	(void)unused;
	move(obj, (struct rpack *)(uintptr_t)from);
}

static const struct jtype j_put = { "element edit", undo_put, NULL };
static const struct jtype j_drop = { "element edit", undo_drop, commit_drop };
static const struct jtype j_count = { "element edit", undo_count, NULL };
static const struct jtype j_settle = { "replace", undo_settle, NULL };
static const struct jtype j_fill = { "replace", undo_fill, NULL };
static const struct jtype j_base = { "replace", undo_base, commit_base };
static const struct jtype j_new = { "edits", undo_new, NULL };
static const struct jtype j_unsettle = { "replace", undo_unsettle, NULL };
static const struct jtype j_mixed = { "replace", undo_mixed, NULL };
static const struct jtype j_off = { "edits dropped", undo_off, commit_off };
static const struct jtype j_move = { "edits passed on", undo_move, NULL };

/* Those of the set's present type: others go at the commit, if it is still another one then. */
static struct contrib *edits_find(struct rpack *pk, struct obj *set, bool lasting)
{
	struct elem_table *t = elems_of(set);

	vec_foreach (c, &pk->edits)
		if ((*c)->set == set && (*c)->lasting == lasting && (*c)->on && (*c)->t == t)
			return *c;
	return NULL;
}

/* The pack's edits in the set; NULL: the set has no type yet. */
static struct contrib *edits_get(struct rpack *pk, struct obj *set, bool lasting, uint32_t site)
{
	struct contrib *c = edits_find(pk, set, lasting);

	if (c || !elems_of(set))
		return c;
	c = contrib_new(pk, C_EDIT, set, site);
	c->lasting = lasting;
	contrib_on(c);
	vec_push(&pk->edits, c);
	journal_push(&pk->log, &j_new, c, 0, 0);
	return c;
}

static void drop(struct contrib *c, uint32_t i)
{
	struct member *m = member_of(c->t, i, c->id);
	uint64_t origin = m ? m->site | (uint32_t)m->past << 19 : 0;
	uint32_t attr;

	if (member_drop(c->t, i, c->id, &attr))
		journal_push(&c->pk->log, &j_drop, c, i, attr | origin << 32);
}

static void put(struct contrib *c, uint32_t i, uint32_t attr, uint32_t site)
{
	member_put(c->t, i, c, attr, site);
	expiry_of(c->t, i, attr); /* also while something else hides it, or the kernel has no such set */
	journal_push(&c->pk->log, &j_put, c, i, 0);
}

void edit_adopt(struct rpack *pk, struct obj *set, uint32_t elem, uint32_t attr, uint32_t site)
{
	struct contrib *c = edits_get(pk, set, true, site);

	if (c)
		put(c, elem, attr, site);
	else
		attr_put(elems_of(set), attr);
}

static int make_all(struct elem_table *t, const struct elem_in *els, uint32_t n, struct err *e)
{
	struct setelem el;

	for (uint32_t i = 0; i < n; i++)
		if (elem_of(t, els[i].key, els[i].data, els[i].timeout_ms, els[i].comment, &el, e) < 0)
			return -EINVAL;
	return 0;
}

static int no_type(struct obj *set, struct err *e)
{
	return err_set(e, -EAGAIN, "set %s has no type yet: %s", set->name,
		set->attach ? "it is attached to, and was never there" : "nobody has declared one");
}

/* What is put or dropped by hand is no longer what a live value's deltas add up to. */
static void by_hand(struct contrib *c)
{
	if (c->live && c->settle && !c->mixed) {
		journal_push(&c->pk->log, &j_mixed, c, false, 0);
		c->mixed = true;
	} else if (c->live && !c->settle) {
		c->filled = false;
	}
}

/* A pack's edits are one layer: with another life span an element takes the place of what it was before. */
static void drop_other(struct contrib *c, uint32_t i)
{
	struct contrib *other = edits_find(c->pk, c->set, !c->lasting);

	if (!other || !member_of(c->t, i, other->id))
		return;
	drop(other, i);
	by_hand(other);
}

static void add_one(struct contrib *c, const struct setelem *el, uint32_t site)
{
	uint32_t i = elem_intern(c->t, el), attr;
	struct member *m;

	drop_other(c, i);
	by_hand(c);
	m = member_of(c->t, i, c->id);
	attr = attr_new(c->t, el, boot_ms());
	if (m && m->attr == attr) { /* neither has any */
		attr_put(c->t, attr);
		return;
	}
	if (m && !el->timeout_ms && m->attr && attr && !c->t->attrs.v[m->attr - 1].timeout_ms &&
		attr_same_data(c->t, m->attr, attr)) {
		attr_put(c->t, attr);
		return;
	}
	drop(c, i);
	put(c, i, attr, site);
}

/* Adds what passed make_all(). What is timed lives by the kernel's clock, through a reload too. */
static int add_all(struct rpack *pk, struct obj *set, const struct elem_in *els, uint32_t n, bool lasting,
	uint32_t site, struct err *e)
{
	struct elem_table *t = elems_of(set);
	struct setelem el;

	for (uint32_t i = 0; i < n; i++) {
		if (elem_of(t, els[i].key, els[i].data, els[i].timeout_ms, els[i].comment, &el, e) < 0)
			return -EINVAL;
		add_one(edits_get(pk, set, lasting || el.timeout_ms, site), &el, site);
	}
	return 0;
}

static int settle_one(struct contrib *c, struct err *e);

/* A replace(live) of this transaction comes before the edits that follow it. */
static int settle_first(struct rpack *pk, struct obj *set, struct err *e)
{
	for (int lasting = 0; lasting < 2; lasting++) {
		struct contrib *c = edits_find(pk, set, lasting);

		if (c && c->settle && !c->mixed && settle_one(c, e) < 0)
			return -EINVAL;
	}
	return 0;
}

int edit_add(struct rpack *pk, struct obj *set, const struct elem_in *els, uint32_t n, bool lasting,
	uint32_t site, struct err *e)
{
	struct elem_table *t = elems_of(set);

	if (!t)
		return no_type(set, e);
	if ((n > 1 && make_all(t, els, n, e) < 0) || settle_first(pk, set, e) < 0)
		return -EINVAL;
	return add_all(pk, set, els, n, lasting, site, e);
}

int edit_del(struct rpack *pk, struct obj *set, const struct val *key, struct err *e)
{
	struct elem_table *t = elems_of(set);
	struct setelem el;
	bool done = false;
	uint32_t i;

	if (!t)
		return no_type(set, e);
	if (elem_key_of(t, key, &el, e) < 0 || settle_first(pk, set, e) < 0)
		return -EINVAL;
	i = elem_find(t, &el);
	if (i == UINT32_MAX || !elem_at(t, i)->m.contrib)
		return err_set(e, -ENOENT, "set %s does not hold it", set->name);
	for (int lasting = 0; lasting < 2; lasting++) {
		struct contrib *c = edits_find(pk, set, lasting);

		if (c && member_of(t, i, c->id)) {
			drop(c, i);
			by_hand(c);
			done = true;
		}
	}
	return done ? 0 : held_error(set, elem_at(t, i), e);
}

static void clear(struct contrib *c)
{
	for (uint32_t i = 0; i < c->t->n; i++)
		if (elem_at(c->t, i)->flags & E_USED)
			drop(c, i);
}

static void set_base(struct contrib *c, struct live *live)
{
	if (c->live == live)
		return;
	if (c->sinking)
		c->live->ops->sink_del(c->live, &c->sink);
	journal_push(&c->pk->log, &j_base, c, (uintptr_t)c->live, 0);
	c->live = live;
	c->filled = false;
	live->ops->ref(live);
	live->ops->sink_add(live, &c->sink);
	c->sinking = true;
}

static void unsettle(struct contrib *c)
{
	struct ruleset *rs = c->pk->rs;

	if (!c->settle)
		return;
	c->settle = false;
	for (uint32_t i = rs->settling.n; i-- > 0;)
		if (rs->settling.v[i] == c)
			vec_remove(&rs->settling, i);
	journal_push(&c->pk->log, &j_unsettle, c, 0, 0);
}

static void clear_edits(struct rpack *pk, struct obj *set, const struct contrib *but)
{
	for (int lasting = 0; lasting < 2; lasting++) {
		struct contrib *c = edits_find(pk, set, lasting);

		if (!c || c == but)
			continue;
		unsettle(c);
		clear(c);
		c->filled = false;
	}
}

int edit_replace(struct rpack *pk, struct obj *set, const struct elem_in *els, uint32_t n, bool lasting,
	uint32_t site, struct err *e)
{
	struct elem_table *t = elems_of(set);

	if (!t)
		return no_type(set, e);
	if (make_all(t, els, n, e) < 0)
		return -EINVAL;
	/* Old elements that stay are dropped and put again: what counts is where they stand at the end.
	 * Permanent ones keep their attributes' identity through attr_same_data() in the plan, so that they
	 * are not sent again. */
	clear_edits(pk, set, NULL);
	return add_all(pk, set, els, n, lasting, site, e);
}

void edit_replace_live(struct rpack *pk, struct obj *set, struct live *live, bool lasting, uint32_t site)
{
	struct contrib *c = edits_get(pk, set, lasting, site);

	if (!c)
		return;
	clear_edits(pk, set, c);
	set_base(c, live);
	if (c->mixed) {
		journal_push(&pk->log, &j_mixed, c, true, 0);
		c->mixed = c->filled = false;
	}
	if (!c->settle) {
		journal_push(&pk->log, &j_settle, c, 0, 0);
		c->settle = true;
		vec_push(&pk->rs->settling, c);
	}
}

void edit_delta(struct contrib *c, int sign, const struct val *key, const struct val *data)
{
	if (!c->filled)
		return;
	if (c->waiting.n >= WAITING_MAX) {
		c->filled = false;
		return;
	}
	vec_push(&c->waiting,
		(struct elem_delta){ sign, val_copy(key), data ? val_copy(data) : (struct val){ 0 } });
}

static void waiting_clear(struct contrib *c)
{
	vec_foreach (d, &c->waiting) {
		val_free(&d->key);
		val_free(&d->data);
	}
	vec_clear(&c->waiting);
}

struct settle {
	struct contrib *c;
	struct err *e;
	int rc;
};

static void settle_add(void *ctx, const struct val *key, const struct val *data)
{
	struct settle *s = ctx;
	struct contrib *c = s->c;
	struct setelem el;
	struct member *m;
	uint32_t i;

	if (s->rc || !value_fits(&c->t->info, key))
		return;
	s->rc = elem_of(c->t, key, data, key->timeout_ms, key->comment, &el, s->e);
	if (s->rc)
		return;
	i = elem_intern(c->t, &el);
	m = member_of(c->t, i, c->id);
	if (m) {
		m->count++;
		journal_push(&c->pk->log, &j_count, c, i, 1);
	} else {
		put(c, i, attr_new(c->t, &el, boot_ms()), c->site);
	}
}

static void settle_del(struct contrib *c, const struct val *key, const struct val *data)
{
	struct setelem el;
	struct member *m;
	uint32_t i;

	if (!value_fits(&c->t->info, key) || elem_of(c->t, key, data, 0, NULL, &el, NULL) < 0)
		return;
	i = elem_find(c->t, &el);
	m = i == UINT32_MAX ? NULL : member_of(c->t, i, c->id);
	if (!m)
		return;
	if (m->count > 1) {
		m->count--;
		journal_push(&c->pk->log, &j_count, c, i, (uint32_t)-1);
	} else {
		drop(c, i);
	}
}

static int settle_one(struct contrib *c, struct err *e)
{
	struct settle s = { c, e, 0 };

	/* After a rollback nothing of the deltas is known to be applied: undo_fill makes the next settle
	 * start over. */
	journal_push(&c->pk->log, &j_fill, c, 0, 0);
	if (!c->filled) {
		waiting_clear(c);
		clear(c);
		c->filled = true;
		c->live->ops->each(c->live, settle_add, &s);
		return s.rc;
	}
	vec_foreach (d, &c->waiting) {
		const struct val *data = d->data.kind ? &d->data : NULL;

		if (d->sign > 0)
			settle_add(&s, &d->key, data);
		else
			settle_del(c, &d->key, data);
	}
	waiting_clear(c);
	return s.rc;
}

int edits_settle(struct ruleset *rs, struct rpack **culprit, struct err *e)
{
	while (rs->settling.n) {
		struct contrib *c = vec_pop(&rs->settling);
		int rc;

		if (!c->settle)
			continue;
		c->settle = false;
		/* Edits came behind it, and what it would have added since is not known any more: it stays as
		 * it was then. */
		if (c->mixed && !c->filled) {
			c->mixed = false;
			continue;
		}
		rc = settle_one(c, e);
		c->filled &= !c->mixed;
		c->mixed = false;
		if (rc < 0) {
			*culprit = c->pk;
			err_prefix(e, "%s: replace of set %s: ", c->pk->name, c->set->name);
			return -EINVAL;
		}
	}
	return 0;
}

void edit_retire(struct contrib *c)
{
	unsettle(c);
	c->filled = false;
	contrib_off(c);
	journal_push(&c->pk->log, &j_off, c, 0, 0);
}

void edits_retire(struct rpack *old, struct rpack *heir)
{
	for (uint32_t i = old->edits.n; i-- > 0;) {
		struct contrib *c = old->edits.v[i];

		if (!c->on)
			continue;
		if (c->lasting && heir) {
			if (c->live) /* its content of now goes on, not what it followed */
				c->filled = false;
			journal_push(&old->log, &j_move, c, (uintptr_t)old, 0);
			move(c, heir);
		} else {
			edit_retire(c);
		}
	}
}

void edit_forget(struct contrib *c, uint32_t elem)
{
	member_drop(c->t, elem, c->id, NULL);
}

int set_has(struct obj *set, const struct val *key, struct err *e)
{
	struct elem_table *t = elems_of(set);
	struct setelem el;
	uint32_t i;

	if (!t)
		return 0;
	if (elem_key_of(t, key, &el, e) < 0)
		return -EINVAL;
	i = elem_find(t, &el);
	return i != UINT32_MAX && elem_at(t, i)->m.contrib;
}
