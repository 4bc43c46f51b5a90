// SPDX-License-Identifier: GPL-2.0-or-later
/* Edits: what hooks, messages, timers and the console add and remove by hand, one contributor a pack, set and
 * life span. Every step is journaled, so that a failing run takes back exactly its own. */
#include <errno.h>

#include "base/clock.h"
#include "nft/edit_impl.h"

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

const struct jtype j_edit_put = { "element edit", undo_put, NULL };
const struct jtype j_edit_drop = { "element edit", undo_drop, commit_drop };
const struct jtype j_edit_same = { "element edit that changed nothing", NULL, NULL };
static const struct jtype j_settle = { "replace", undo_settle, NULL };
static const struct jtype j_base = { "replace", undo_base, commit_base };
static const struct jtype j_new = { "edits", undo_new, NULL };
static const struct jtype j_unsettle = { "replace", undo_unsettle, NULL };
static const struct jtype j_mixed = { "replace", undo_mixed, NULL };
static const struct jtype j_off = { "edits dropped", undo_off, commit_off };
static const struct jtype j_move = { "edits passed on", undo_move, NULL };

/* Those of the set's present type: others go at the commit, if it is still another one then. */
static struct contrib *find_in(struct rpack *pk, const struct elem_table *t, bool lasting)
{
	vec_foreach (c, &pk->edits)
		if ((*c)->t == t && (*c)->lasting == lasting && (*c)->on)
			return *c;
	return NULL;
}

struct contrib *edits_find(struct rpack *pk, struct obj *set, bool lasting)
{
	struct elem_table *t = elems_of(set);

	return t ? find_in(pk, t, lasting) : NULL;
}

/* The pack's edits in the set; NULL: the set has no type yet. */
struct contrib *edits_get(struct rpack *pk, struct obj *set, bool lasting, uint32_t site)
{
	struct elem_table *t = elems_of(set);
	struct contrib *c = t ? find_in(pk, t, lasting) : NULL;

	if (c || !t)
		return c;
	c = contrib_new(pk, C_EDIT, set, site);
	c->lasting = lasting;
	contrib_on(c);
	vec_push(&pk->edits, c);
	journal_push(&pk->log, &j_new, c, 0, 0);
	return c;
}

void edit_drop(struct contrib *c, uint32_t i)
{
	struct member *m = member_of(c->t, i, c->id);
	uint64_t origin = m ? m->site | (uint32_t)m->past << 19 : 0;
	uint32_t attr;

	if (member_drop(c->t, i, c->id, &attr))
		journal_push(&c->pk->log, &j_edit_drop, c, i, attr | origin << 32);
}

void edit_put(struct contrib *c, uint32_t i, uint32_t attr, uint32_t site)
{
	member_put(c->t, i, c, attr, site);
	expiry_of(c->t, i, attr); /* also while something else hides it, or the kernel has no such set */
	journal_push(&c->pk->log, &j_edit_put, c, i, 0);
}

void edit_adopt(struct rpack *pk, struct obj *set, uint32_t elem, uint32_t attr, uint32_t site)
{
	struct contrib *c = edits_get(pk, set, true, site);

	if (c)
		edit_put(c, elem, attr, site);
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

int edit_no_type(struct obj *set, struct err *e)
{
	return err_set(e, -EAGAIN, "set %s has no type yet: %s", set->name,
		set->attach ? "it is attached to, and was never there" : "nobody has declared one");
}

/* What is put or dropped by hand is no longer what a live value's deltas add up to. */
void edit_by_hand(struct contrib *c)
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
	edit_drop(other, i);
	edit_by_hand(other);
}

void edit_same(struct contrib *c, uint32_t elem)
{
	if (c->pk->watched)
		journal_push(&c->pk->log, &j_edit_same, c, elem, 0);
}

/* It was gone before: so it is to stay when what took it out is taken back. */
static void absent(struct rpack *pk, struct obj *set, const struct setelem *el)
{
	struct contrib *c = pk->watched ? edits_find(pk, set, true) : NULL;
	uint32_t i;

	if (!c)
		c = pk->watched ? edits_find(pk, set, false) : NULL;
	if (!c)
		return;
	i = elem_intern(c->t, el);
	elem_touch(c->t, i);
	edit_same(c, i);
}

bool edit_is_same(const struct elem_table *t, uint32_t was, uint32_t attr)
{
	return was == attr || (was && attr && !t->attrs.v[was - 1].timeout_ms &&
				      !t->attrs.v[attr - 1].timeout_ms && attr_same_data(t, was, attr));
}

void edit_add_at(struct contrib *c, uint32_t i, uint32_t attr, uint32_t site)
{
	struct member *m;

	drop_other(c, i);
	edit_by_hand(c);
	m = member_of(c->t, i, c->id);
	if (m && edit_is_same(c->t, m->attr, attr)) {
		attr_put(c->t, attr);
		edit_same(c, i);
		return;
	}
	edit_drop(c, i);
	edit_put(c, i, attr, site);
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
		edit_add_at(edits_get(pk, set, lasting || el.timeout_ms, site), elem_intern(t, &el),
			attr_new(t, &el, boot_ms(), NULL), site);
	}
	return 0;
}

/* A replace(live) of this transaction comes before the edits that follow it. */
static int settle_first(struct rpack *pk, struct obj *set, struct err *e)
{
	for (int lasting = 0; lasting < 2; lasting++) {
		struct contrib *c = edits_find(pk, set, lasting);

		if (c && c->settle && !c->mixed && edit_settle(c, e) < 0)
			return -EINVAL;
	}
	return 0;
}

int edit_add(struct rpack *pk, struct obj *set, const struct elem_in *els, uint32_t n, bool lasting,
	uint32_t site, struct err *e)
{
	struct elem_table *t = elems_of(set);

	if (!t)
		return edit_no_type(set, e);
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
		return edit_no_type(set, e);
	if (elem_key_of(t, key, &el, e) < 0 || settle_first(pk, set, e) < 0)
		return -EINVAL;
	i = elem_find(t, &el);
	if (i == UINT32_MAX || !elem_at(t, i)->m.contrib) {
		absent(pk, set, &el);
		return err_set(e, -ENOENT, "set %s does not hold it", set->name);
	}
	for (int lasting = 0; lasting < 2; lasting++) {
		struct contrib *c = edits_find(pk, set, lasting);

		if (c && member_of(t, i, c->id)) {
			edit_drop(c, i);
			edit_by_hand(c);
			done = true;
		}
	}
	return done ? 0 : held_error(set, elem_at(t, i), e);
}

void edits_clear(struct contrib *c)
{
	for (uint32_t i = 0; i < c->t->n; i++)
		if (elem_at(c->t, i)->flags & E_USED)
			edit_drop(c, i);
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

void edit_unsettle(struct contrib *c)
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

static void clear_edits(struct rpack *pk, const struct contrib *but)
{
	for (int lasting = 0; lasting < 2; lasting++) {
		struct contrib *c = find_in(pk, but->t, lasting);

		if (!c || c == but)
			continue;
		edit_unsettle(c);
		edits_clear(c);
		c->filled = false;
	}
}

void edit_replace_live(struct rpack *pk, struct obj *set, struct live *live, bool lasting, uint32_t site)
{
	struct contrib *c = edits_get(pk, set, lasting, site);

	if (!c)
		return;
	clear_edits(pk, c);
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

void edit_retire(struct contrib *c)
{
	edit_unsettle(c);
	c->filled = false;
	contrib_off(c);
	journal_push(&c->pk->log, &j_off, c, 0, 0);
}

/* The heir has not been refused anything yet. */
static void try_again(struct contrib *c)
{
	struct elem_table *t = c->t;

	for (uint32_t i = 0; t && t->refused && !c->set->attach && i < t->n; i++) {
		struct elem *el = elem_at(t, i);

		if (!(el->flags & E_USED) || !(el->flags & E_REFUSED) || !member_of(t, i, c->id))
			continue;
		el->flags &= (uint8_t)~E_REFUSED;
		t->refused--;
		elem_touch(t, i);
	}
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
			try_again(c);
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
