// SPDX-License-Identifier: GPL-2.0-or-later
/* The ruleset's frame: names, places in sources, packs, and the begin and end of a transaction. */
#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "nft/autoset.h"
#include "nft/attach_impl.h"

struct ruleset *ruleset_new(void)
{
	struct ruleset *rs = xnew(struct ruleset);

	vec_push(&rs->sites, (struct site){ "?", 0 });
	rs->owner_can = -1;
	return rs;
}

/* ---- sites ---- */

static bool str_eq(const void *item, const void *key)
{
	return !strcmp(item, key);
}

struct site_key {
	const struct ruleset *rs;
	struct site site;
};

static bool site_eq(const void *item, const void *key)
{
	const struct site_key *k = key;
	const struct site *s = &k->rs->sites.v[(uintptr_t)item];

	return s->file == k->site.file && s->line == k->site.line;
}

/* A hook states the same at every event. */
static bool is_last_site(const struct ruleset *rs, const char *file, uint32_t line)
{
	const struct site *s = &rs->sites.v[rs->last_site];

	return s->line == line && !strcmp(s->file, file);
}

uint32_t ruleset_site(struct ruleset *rs, const char *file, uint32_t line)
{
	struct site_key key;
	void *found;
	uint64_t h;
	char *name;

	if (is_last_site(rs, file, line))
		return rs->last_site;
	h = hash_str(file);
	name = hmap_find(&rs->files, h, str_eq, file);
	if (!name) {
		name = xstrdup(file);
		hmap_put(&rs->files, h, name);
	}
	key = (struct site_key){ rs, { name, line } };
	h = hash_mix(h, line);
	found = hmap_find(&rs->site_map, h, site_eq, &key);
	if (found) {
		rs->last_site = (uint32_t)(uintptr_t)found;
		return rs->last_site;
	}
	vec_push(&rs->sites, key.site);
	rs->last_site = rs->sites.n - 1;
	hmap_put(&rs->site_map, h, (void *)(uintptr_t)rs->last_site);
	return rs->last_site;
}

struct site ruleset_site_get(const struct ruleset *rs, uint32_t site)
{
	return rs->sites.v[site < rs->sites.n ? site : 0];
}

void where_text(const struct ruleset *rs, const struct rpack *pk, uint32_t site, struct buf *out)
{
	struct site s = ruleset_site_get(rs, site);

	buf_printf(out, "%s, %s:%u", pk->name, s.file, s.line);
}

/* ---- objects ---- */

struct obj_key {
	enum obj_kind kind;
	uint8_t family;
	const char *table, *name;
};

static bool obj_eq(const void *item, const void *key)
{
	const struct obj *o = item;
	const struct obj_key *k = key;

	return o->kind == k->kind && o->family == k->family && !strcmp(o->name, k->name) &&
	       !strcmp(o->table, k->table);
}

static uint64_t obj_hash(const struct obj_key *k)
{
	return hash_mix(hash_mix(hash_str(k->name), hash_str(k->table)), (uint64_t)k->kind << 8 | k->family);
}

struct obj *obj_find(
	struct ruleset *rs, enum obj_kind kind, uint8_t family, const char *table, const char *name)
{
	struct obj_key key = { kind, family, kind == OBJ_TABLE ? "" : table, name };

	return hmap_find(&rs->objs, obj_hash(&key), obj_eq, &key);
}

struct obj *obj_get(
	struct ruleset *rs, enum obj_kind kind, uint8_t family, const char *table, const char *name)
{
	struct obj_key key = { kind, family, kind == OBJ_TABLE ? "" : table, name };
	struct obj *o = hmap_find(&rs->objs, obj_hash(&key), obj_eq, &key);

	if (!o) {
		o = xnew(struct obj);
		o->kind = kind;
		o->family = family;
		o->rs = rs;
		o->table = xstrdup(key.table);
		o->name = xstrdup(name);
		o->hash = obj_hash(&key);
		hmap_put(&rs->objs, o->hash, o);
		vec_push(&rs->all, o);
		if (kind == OBJ_TABLE) {
			o->tab = o;
		} else {
			o->tab = obj_get(rs, OBJ_TABLE, family, NULL, table);
			vec_push(&o->tab->members, o);
		}
	}
	o->refs++;
	return o;
}

void obj_ref(struct obj *o)
{
	o->refs++;
}

void obj_put(struct obj *o)
{
	o->refs--;
	obj_dirty(o); /* the end of the transaction looks whether it can go */
}

enum obj_kind obj_kind(const struct obj *o)
{
	return o->kind;
}

const char *obj_kind_word(enum obj_kind kind)
{
	const char *word;

	switch (kind) {
	case OBJ_TABLE: return "table";
	case OBJ_CHAIN: return "chain";
	case OBJ_SET: return "set";
	case OBJ_FLOWTABLE: return "flowtable";
	case OBJ_STATEFUL: break;
	}
	word = object_type_word((uint32_t)kind - OBJ_STATEFUL);
	return word ? word : "object";
}

uint8_t obj_family(const struct obj *o)
{
	return o->family;
}

const char *obj_table(const struct obj *o)
{
	return o->tab->name;
}

const char *obj_name(const struct obj *o)
{
	return o->name;
}

struct obj *obj_table_obj(struct obj *o)
{
	return o->tab;
}

void obj_dirty(struct obj *o)
{
	if (o->dirty)
		return;
	o->dirty = true;
	vec_push(&o->rs->dirty, o);
}

void obj_changed(struct obj *o)
{
	if (o->changed)
		return;
	o->changed = true;
	vec_push(&o->rs->changed, o);
}

void names_changed(struct obj *o)
{
	if (o->name_changed)
		return;
	o->name_changed = o->tab->name_changed = true;
	vec_push(&o->rs->named, o);
}

void chain_def_free(struct chain_def *d)
{
	vec_foreach (p, &d->dev)
		free(*p);
	vec_free(&d->dev);
	free(d->comment);
	memset(d, 0, sizeof(*d));
}

static bool obj_unused(const struct obj *o)
{
	return !o->refs && !o->changed && !o->want && !o->have && !o->own_before && !o->decls.n &&
	       !o->rules.n && !o->members.n && !o->autoset &&
	       (!o->elems || (!o->elems->live && o->elems->refs == 1)) && !o->elems_have && !o->foreign;
}

/* Its table and rs->all name it no more. */
static void obj_free(struct obj *o)
{
	struct ruleset *rs = o->rs;

	hmap_del_item(&rs->objs, o->hash, o);
	for (uint32_t i = rs->dirty.n; o->dirty && i-- > 0;)
		if (rs->dirty.v[i] == o) {
			vec_remove(&rs->dirty, i);
			break;
		}
	for (uint32_t i = rs->named.n; o->name_changed && i-- > 0;)
		if (rs->named.v[i] == o)
			vec_remove(&rs->named, i);
	if (o->tab != o)
		obj_put(o->tab);
	if (o->elems)
		elems_put(o->elems);
	if (o->elems_have)
		elems_put(o->elems_have);
	vec_foreach (k, &o->krules)
		rcode_put(k->rc);
	vec_free(&o->krules);
	chain_def_free(&o->chain);
	chain_def_free(&o->chain_have);
	set_stmts_put(o->stmts);
	set_stmts_put(o->stmts_have);
	attach_free(o);
	free(o->object);
	free(o->object_have);
	free(o->typeof_text);
	free(o->comment);
	free(o->comment_have);
	vec_free(&o->members);
	vec_free(&o->contribs);
	vec_free(&o->decls);
	vec_free(&o->rules);
	if (o->dev_live) {
		o->dev_live->ops->sink_del(o->dev_live, &o->dev_sink);
		o->dev_live->ops->put(o->dev_live);
	}
	free(o->why);
	free(o->table);
	free(o->name);
	free(o);
}

/* ---- packs ---- */

struct rpack *rpack_new(struct ruleset *rs, const char *name, int order)
{
	struct rpack *pk = xnew(struct rpack);

	pk->rs = rs;
	pk->name = xstrdup(name);
	pk->order = order;
	vec_push(&rs->packs, pk);
	return pk;
}

bool pack_before(const struct rpack *a, const struct rpack *b)
{
	return a->order != b->order ? a->order < b->order : strcmp(a->name, b->name) < 0;
}

const char *rpack_name(const struct rpack *pk)
{
	return pk->name;
}

struct journal *rpack_journal(struct rpack *pk)
{
	return &pk->log;
}

uint32_t rpack_stmts(const struct rpack *pk)
{
	return pk->stmts;
}

uint32_t rpack_mark(const struct rpack *pk)
{
	return journal_mark(&pk->log);
}

void rpack_rollback(struct rpack *pk, uint32_t mark)
{
	journal_rollback(&pk->log, mark);
	if (mark)
		return;
	/* A pack that was to take another's place did not: the other stays. */
	for (uint32_t i = pk->rs->retired.n; i-- > 0;)
		if (pk->rs->retired.v[i]->heir == pk)
			journal_rollback(&pk->rs->retired.v[i]->log, 0);
}

static void undo_retire(void *obj, uint64_t a, uint64_t b)
{
	struct rpack *pk = obj;

	(void)a;
	(void)b;
	pk->retired = false;
	for (uint32_t i = 0; i < pk->rs->retired.n; i++)
		if (pk->rs->retired.v[i] == pk) {
			vec_remove(&pk->rs->retired, i);
			return;
		}
}

static const struct jtype j_retire = { "pack retired", undo_retire, NULL };

void rpack_retire(struct rpack *old, struct rpack *heir)
{
	if (old->retired)
		return;
	old->retired = true;
	old->heir = heir;
	vec_push(&old->rs->retired, old);
	journal_push(&old->log, &j_retire, old, 0, 0);
	edits_retire(old, heir);
	for (uint32_t i = 0; i < old->scopes.n; i++)
		scope_withdraw(old->scopes.v[i]);
}

static void pack_free(struct rpack *pk)
{
	struct ruleset *rs = pk->rs;

	while (pk->edits.n)
		contrib_free(vec_pop(&pk->edits));
	for (uint32_t i = 0; i < rs->packs.n; i++)
		if (rs->packs.v[i] == pk) {
			vec_remove(&rs->packs, i);
			break;
		}
	vec_foreach (sc, &pk->scopes)
		(*sc)->pk = NULL;
	vec_free(&pk->scopes);
	vec_free(&pk->edits);
	autos_orphan(pk);
	journal_free(&pk->log);
	backoff_free(pk);
	free(pk->name);
	free(pk);
}

void rpack_drop(struct rpack *pk)
{
	/* Its statements wait for the end of the transaction, and name it until then. */
	pk->retired = true;
	vec_push(&pk->rs->retired, pk);
}

/* ---- transactions ---- */

uint32_t ruleset_begin(struct ruleset *rs, const char *event)
{
	free(rs->event);
	rs->event = xstrdup(event);
	past_begin(rs);
	rs->now = boot_ms();
	return ++rs->txn;
}

typedef VEC(struct obj *) objs;

static void look_at(objs *look, struct obj *o)
{
	if (!o->looked)
		vec_push(look, o);
	o->looked = true;
}

static void drop_going(struct obj **v, uint32_t *n)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < *n; i++)
		if (!v[i]->going)
			v[left++] = v[i];
	*n = left;
}

static void free_unused(struct ruleset *rs, objs *look, bool tables)
{
	uint32_t left = 0;
	bool some = false;

	for (uint32_t i = 0; i < look->n; i++) {
		struct obj *o = look->v[i];

		if ((o->kind == OBJ_TABLE) != tables || !obj_unused(o))
			continue;
		some = o->going = true;
		look_at(look, o->tab);
	}
	if (!some)
		return;
	drop_going(rs->all.v, &rs->all.n);
	vec_foreach (o, look)
		if ((*o)->kind == OBJ_TABLE && !tables)
			drop_going((*o)->members.v, &(*o)->members.n);
	for (uint32_t i = 0; i < look->n; i++) {
		struct obj *o = look->v[i];

		if (o->going)
			obj_free(o);
		else
			look->v[left++] = o;
	}
	look->n = left;
}

static void collect(struct ruleset *rs)
{
	objs look = { 0 };

	vec_foreach (o, &rs->dirty)
		stmts_purge(*o);
	while (rs->dead.n)
		stmt_free(vec_pop(&rs->dead));
	while (rs->edits_dead.n)
		contrib_free(vec_pop(&rs->edits_dead));
	while (rs->scopes_dropped.n)
		scope_free(vec_pop(&rs->scopes_dropped));
	while (rs->retired.n)
		pack_free(vec_pop(&rs->retired));
	if (!rs->unsent) {
		vec_foreach (o, &rs->changed) {
			(*o)->changed = false;
			if ((*o)->elems)
				elems_settle((*o)->elems);
			look_at(&look, *o);
		}
		vec_clear(&rs->changed);
	}
	vec_foreach (o, &rs->dirty) {
		(*o)->dirty = false;
		look_at(&look, *o);
	}
	vec_clear(&rs->dirty);
	free_unused(rs, &look, false); /* members before their tables */
	free_unused(rs, &look, true);
	vec_foreach (o, &look)
		(*o)->looked = false;
	vec_foreach (o, &rs->dirty)
		(*o)->dirty = false;
	vec_clear(&rs->dirty);
	vec_free(&look);
}

/* Edits in a set that has another type now: nobody knows what they would be in it. */
static void forget_edits(struct ruleset *rs)
{
	rs->retyped = false;
	vec_foreach (pk, &rs->packs)
		for (uint32_t i = (*pk)->edits.n; i-- > 0;) {
			struct contrib *c = (*pk)->edits.v[i];

			if (c->t && c->set->elems && c->t != c->set->elems && c->set->typed)
				edit_dead(c);
		}
}

void ruleset_commit(struct ruleset *rs)
{
	vec_foreach (pk, &rs->packs) {
		if (can_blame(*pk))
			backoff_committed(*pk);
		journal_commit(&(*pk)->log);
	}
	vec_clear(&rs->settling);
	rs->adopting = rs->adopting && rs->hold_deletes;
	hmap_free(&rs->said);
	if (rs->retyped)
		forget_edits(rs);
	if (rs->dirty.n || rs->changed.n || rs->dead.n || rs->scopes_dropped.n || rs->retired.n ||
		rs->edits_dead.n)
		collect(rs);
	past_sweep(rs);
}

void ruleset_rollback(struct ruleset *rs)
{
	for (uint32_t i = rs->packs.n; i-- > 0;)
		journal_rollback(&rs->packs.v[i]->log, 0);
	vec_clear(&rs->settling);
}

void ruleset_free(struct ruleset *rs)
{
	char *name;

	if (!rs)
		return;
	ruleset_rollback(rs);
	for (uint32_t i = 0; i < rs->packs.n; i++)
		rpack_retire(rs->packs.v[i], NULL);
	ruleset_commit(rs);
	while (rs->timed.n)
		elems_put(vec_pop(&rs->timed));
	for (int tables = 0; tables < 2; tables++)
		for (uint32_t i = rs->all.n; i-- > 0;)
			if (rs->all.v[i] && (rs->all.v[i]->kind == OBJ_TABLE) == tables) {
				obj_free(rs->all.v[i]);
				rs->all.v[i] = NULL;
			}
	hmap_foreach (name, &rs->files, pos)
		free(name);
	hmap_free(&rs->files);
	hmap_free(&rs->site_map);
	hmap_free(&rs->stmts);
	auto_names_free(rs);
	hmap_free(&rs->objs);
	vec_free(&rs->sites);
	vec_free(&rs->all);
	vec_free(&rs->dirty);
	vec_free(&rs->changed);
	vec_free(&rs->named);
	hmap_free(&rs->said);
	vec_free(&rs->packs);
	vec_free(&rs->contribs);
	vec_free(&rs->contrib_spare);
	vec_free(&rs->timed);
	vec_free(&rs->dead);
	vec_free(&rs->scopes_dropped);
	vec_free(&rs->settling);
	vec_free(&rs->edits_dead);
	vec_free(&rs->retired);
	vec_foreach (d, &rs->disabled)
		disabled_rule_free(d);
	vec_free(&rs->disabled);
	groups_forget(rs);
	vec_free(&rs->groups);
	free(rs->event);
	past_free(rs);
	free(rs);
}
