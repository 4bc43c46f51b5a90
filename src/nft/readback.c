// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading own tables back: which objects there are and how they are made. Rules and elements:
 * readback_rules.c, readback_elems.c. */
#include <errno.h>

#include "nft/readback_impl.h"

/* An own table, or somebody else's that has the name of one. */
static bool matters(const struct obj *tab)
{
	return tab->have || tab->own_before || (tab->foreign && tab->decls.n) || attach_any(tab);
}

bool ruleset_cares(struct ruleset *rs, uint8_t family, const char *table)
{
	const struct obj *tab = obj_find(rs, OBJ_TABLE, family, NULL, table);

	return tab && matters(tab);
}

void ruleset_suspect(
	struct ruleset *rs, enum obj_kind kind, uint8_t family, const char *table, const char *name)
{
	struct obj *tab = obj_find(rs, OBJ_TABLE, family, NULL, table), *o;

	if (!tab || !matters(tab))
		return;
	tab->suspect |= SUSPECT_MEMBERS;
	rs->suspects = true;
	if (kind == OBJ_TABLE) {
		tab->suspect |= SUSPECT_ALL;
		return;
	}
	o = obj_find(rs, kind, family, table, name);
	if (o)
		o->suspect |= SUSPECT_CONTENT;
}

void ruleset_suspect_all(struct ruleset *rs)
{
	for (uint32_t i = 0; i < rs->all.n; i++) {
		struct obj *o = rs->all.v[i];

		if (o->kind == OBJ_TABLE && matters(o)) {
			o->suspect = SUSPECT_ALL | SUSPECT_MEMBERS;
			rs->suspects = true;
		}
	}
}

/* A set whose elements nobody claimed when it was found, and now somebody does: they were not read. */
static bool unread(struct obj *o)
{
	return o->kind == OBJ_SET && o->have && o->want && !o->elems_have && elems_of(o);
}

/* Somebody else has the table's name, and it is not told yet who. */
static bool in_the_way(const struct obj *o)
{
	return o->kind == OBJ_TABLE && o->foreign && !o->looked_at && o->why;
}

bool ruleset_suspects(struct ruleset *rs)
{
	vec_foreach (p, &rs->changed) {
		struct obj *o = *p;

		if (unread(o) || in_the_way(o))
			ruleset_suspect(rs, o->kind, o->family, o->tab->name, o->name);
	}
	return rs->suspects;
}

/* ---- members ---- */

static bool devices_same(const struct chain_def *a, uint32_t n, const char *const *dev)
{
	if (a->dev.n != n)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		bool found = false;

		vec_foreach (d, &a->dev)
			found |= !strcmp(*d, dev[i]);
		if (!found)
			return false;
	}
	return true;
}

static void take_devices(struct chain_def *d, uint32_t n, const char *const *dev)
{
	for (uint32_t i = 0; i < n; i++)
		vec_push(&d->dev, xstrdup(dev[i]));
}

/* The object of this name: seen, and in the kernel. */
static struct obj *member(struct reading *r, enum obj_kind kind, const char *name, bool *fresh)
{
	struct obj *o = obj_get(r->rs, kind, r->tab->family, r->tab->name, name);

	o->seen = true;
	*fresh = !o->have;
	if (*fresh) {
		o->have = true;
		o->suspect |= SUSPECT_CONTENT;
		o->unclaimed = !o->want;
		r->found->objs_foreign += !o->want;
		if (kind == OBJ_SET)
			all_anew(elems_of(o));
		obj_dirty(o);
		obj_changed(o);
	}
	obj_put(o);
	return o;
}

static void changed(struct reading *r, struct obj *o, bool fresh)
{
	r->found->objs_changed += !fresh;
	obj_changed(o);
}

static void on_chain(void *ctx, const struct kread_chain *k)
{
	struct reading *r = ctx;
	const struct chain_want *w = &k->want;
	struct chain_def *have;
	struct obj *o;
	bool fresh;

	if (k->flags & NFT_CHAIN_BINDING) /* lives with its rule */
		return;
	if (k->mark && !strcmp(k->name, MARK_CHAIN))
		return;
	o = member(r, OBJ_CHAIN, k->name, &fresh);
	have = &o->chain_have;
	if (!fresh && have->w.base == w->base &&
		(!w->base || (!strcmp(have->w.type, w->type) && have->w.hook == w->hook &&
				     have->w.priority == w->priority && have->w.policy == w->policy)) &&
		devices_same(have, w->n_dev, w->dev))
		return;
	chain_def_free(have);
	have->w = *w;
	have->w.flags &= NFT_CHAIN_HW_OFFLOAD; /* what a statement can say */
	take_devices(have, w->n_dev, w->dev);
	changed(r, o, fresh);
}

static void on_flowtable(void *ctx, const struct kread_flowtable *k)
{
	struct reading *r = ctx;
	const struct flowtable_want *w = &k->want;
	bool fresh;
	struct obj *o = member(r, OBJ_FLOWTABLE, k->name, &fresh);
	struct chain_def *have = &o->chain_have;

	if (!fresh && have->w.hook == w->hook && have->w.priority == w->priority &&
		have->w.flags == w->flags && devices_same(have, w->n_dev, w->dev))
		return;
	chain_def_free(have);
	have->w.hook = w->hook;
	have->w.priority = w->priority;
	have->w.flags = w->flags;
	take_devices(have, w->n_dev, w->dev);
	changed(r, o, fresh);
}

/* What a plan can do nothing about without making the set anew. */
static bool set_shape_same(const struct set_want *a, const struct set_want *b)
{
	const struct set_info *x = &a->info, *y = &b->info;
	uint32_t flags = ~(uint32_t)NFT_SET_CONCAT;
	bool map = x->flags & NFT_SET_MAP;

	return (x->flags & flags) == (y->flags & flags) && x->obj_type == y->obj_type &&
	       a->policy == b->policy && nft_type_id(&x->key) == nft_type_id(&y->key) &&
	       nft_type_len(&x->key) == nft_type_len(&y->key) &&
	       (!map || (x->flags & NFT_SET_OBJECT) ||
		       (nft_type_id(&x->data) == nft_type_id(&y->data) &&
			       nft_type_len(&x->data) == nft_type_len(&y->data)));
}

static void on_set(void *ctx, const struct kread_set *k)
{
	struct reading *r = ctx;
	struct set_stmts *stmts;
	struct obj *o;
	bool fresh, same;

	if (k->want.info.flags & NFT_SET_ANONYMOUS)
		return;
	stmts = set_stmts_read(r->rs, k->want.exprs, k->want.n_exprs);
	o = member(r, OBJ_SET, k->name, &fresh);
	fresh |= !o->elems_have;
	same = o->want && set_shape_same(&o->set, &k->want);
	if (!fresh && same &&
		(o->set_have.size == k->want.size ||
			(o->filled && !o->set_have.size && k->want.size == 0xffff)) &&
		o->set_have.timeout_ms == k->want.timeout_ms && o->set_have.gc_ms == k->want.gc_ms &&
		set_stmts_same(stmts, o->stmts_have)) {
		set_stmts_put(stmts);
		return;
	}
	/* The types as the statements name them, where they are the same for the kernel. */
	o->set_have = same ? o->set : k->want;
	o->set_have.info.auto_merge = same ? o->set.info.auto_merge : k->want.info.auto_merge;
	o->set_have.size = k->want.size;
	o->set_have.timeout_ms = k->want.timeout_ms;
	o->set_have.gc_ms = k->want.gc_ms;
	o->set_have.comment = NULL;
	o->set_have.typeof_text = NULL;
	o->set_have.stateful = NULL;
	o->set_have.exprs = NULL;
	o->set_have.n_exprs = 0;
	set_stmts_put(o->stmts_have);
	o->stmts_have = stmts;
	changed(r, o, fresh);
}

static void on_object(void *ctx, const struct kread_object *k)
{
	struct reading *r = ctx;
	bool fresh;
	struct obj *o = member(r, object_kind(k->want.type), k->name, &fresh);

	if (!fresh && o->object_have && object_taken(o->object_have, &k->want, o->family))
		return;
	if (!o->object_have)
		o->object_have = xnew(struct object_want);
	*o->object_have = k->want;
	o->object_read = true;
	o->object_have->comment = NULL;
	changed(r, o, fresh);
}

struct table_state {
	bool there, marked, own;
	int chain; /* kread_mark()'s, where it is not marked */
	uint32_t flags, owner;
	uint64_t handle;
};

static void on_table(void *ctx, const struct kread_table *k)
{
	struct table_state *t = ctx;

	t->there = true;
	t->marked = t->own = k->own;
	t->flags = k->want.flags;
	t->owner = k->owner;
	t->handle = k->handle;
}

/* rnm's is also what it took over, or is to take over now. */
static int read_mark(struct reading *r, struct table_state *s)
{
	const struct obj *t = r->tab;
	int rc;

	if (!nft_owned(r->c, s->owner))
		s->owner = 0;
	if (!s->there || s->marked)
		return 0;
	rc = kread_mark(r->c, t->family, t->name, r->e);
	if (rc < 0 && rc != -EEXIST)
		return rc;
	s->chain = rc;
	s->own = rc == 1 || (t->adopted && t->handle == s->handle) || (t->adopt && !rc && !s->owner);
	return 0;
}

/* It is not there, or not rnm's to change. */
static int read_foreign(struct reading *r, const struct table_state *s, bool all)
{
	struct obj *t = r->tab;

	r->found->objs_missing += t->have;
	if (t->have)
		table_lost(t);
	t->own_before = false;
	t->looked_at = true;
	if (t->foreign != s->there || t->owner != s->owner || t->marked != s->own)
		obj_dirty(t);
	if (t->odd_mark != (s->chain == -EEXIST))
		obj_dirty(t);
	t->odd_mark = s->chain == -EEXIST;
	t->foreign = s->there;
	t->owner = s->owner;
	r->rs->owned |= s->owner != 0;
	t->marked = s->own;
	obj_changed(t);
	return read_attached(r, s->there, all);
}

static int read_members(struct reading *r)
{
	struct obj *t = r->tab;
	int rc;

	vec_foreach (m, &t->members)
		(*m)->seen = false;
	rc = kread_chains(r->c, t->family, t->name, NULL, on_chain, r, r->e);
	if (rc == 0)
		rc = kread_sets(r->c, t->family, t->name, NULL, on_set, r, r->e);
	if (rc == 0)
		rc = kread_objects(r->c, t->family, t->name, NULL, 0, false, on_object, r, r->e);
	if (rc == 0 && !r->no_flowtables)
		rc = kread_flowtables(r->c, t->family, t->name, NULL, on_flowtable, r, NULL);
	if (rc == -EOPNOTSUPP || rc == -ENOENT) /* a kernel without them */
		rc = 0;
	if (rc < 0)
		return rc;
	vec_foreach (m, &t->members)
		if ((*m)->have && !(*m)->seen) {
			r->found->objs_missing++;
			obj_lost(*m);
		}
	return 0;
}

static int read_table(struct reading *r)
{
	struct obj *t = r->tab;
	struct table_state state = { 0 };
	int rc = kread_tables(r->c, t->family, t->name, on_table, &state, r->e);
	struct read_back *found = r->found, ignored = { 0 };
	bool all = t->suspect & SUSPECT_ALL, fresh;

	if (rc == -ENOENT) {
		err_free(r->e);
		rc = 0;
	}
	if (rc < 0)
		return rc;
	rc = read_mark(r, &state);
	if (rc < 0)
		return rc;
	if (!state.there || !state.own || state.owner)
		return read_foreign(r, &state, all);
	rc = read_attached(r, false, all);
	if (rc < 0)
		return rc;
	fresh = t->foreign;
	if (fresh) { /* it is taken over, or its owner let go of it */
		t->foreign = t->odd_mark = false;
		t->owner = 0;
		obj_dirty(t);
	}
	t->handle = state.handle;
	t->adopted = !state.marked;
	if (t->has_mark != (state.chain == 1))
		obj_changed(t);
	t->has_mark = state.chain == 1;
	if (!t->have) {
		t->have = true;
		t->unclaimed = !t->want;
		t->own_before = false;
		obj_changed(t);
	}
	if (t->table_have.flags != state.flags)
		obj_changed(t);
	t->table_have.flags = state.flags;
	if (fresh) /* it never was as it was committed */
		r->found = &ignored;
	rc = read_members(r);
	if (rc == 0)
		rc = read_rules(r, all);
	if (rc == 0)
		rc = read_elems(r, all);
	r->found = found;
	return rc;
}

int ruleset_read_back(struct ruleset *rs, struct nft_conn *c, struct read_back *found, struct err *e)
{
	_err_ struct err why = ERR_INIT;
	struct reading r = { .rs = rs, .c = c, .found = found, .e = &why };
	struct read_back none;
	bool left = false;

	if (!found)
		r.found = &none;
	memset(r.found, 0, sizeof(*r.found));
	for (uint32_t i = 0; i < rs->all.n; i++) {
		int rc;

		r.tab = rs->all.v[i];
		if (r.tab->kind != OBJ_TABLE || !r.tab->suspect)
			continue;
		if (rs->only_attached && !attach_any(r.tab)) {
			left = true;
			continue;
		}
		rc = read_table(&r);
		if (rc < 0)
			return err_set(e, rc, "reading table %s back: %s", r.tab->name, err_text(&why));
		r.tab->suspect = 0;
		vec_foreach (m, &r.tab->members)
			(*m)->suspect = 0;
	}
	rs->suspects = left;
	return 0;
}

struct object_reading {
	void (*fn)(void *c, const struct object_want *o);
	void *c;
};

static void one_object(void *ctx, const struct kread_object *o)
{
	struct object_reading *r = ctx;

	r->fn(r->c, &o->want);
}

int ruleset_object_read(struct nft_conn *c, const struct obj *o,
	void (*fn)(void *ctx, const struct object_want *o), void *ctx, struct err *e)
{
	struct object_reading r = { fn, ctx };

	return kread_objects(
		c, obj_family(o), obj_table(o), obj_name(o), object_type(o), false, one_object, &r, e);
}
