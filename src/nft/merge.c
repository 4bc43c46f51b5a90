// SPDX-License-Identifier: GPL-2.0-or-later
/* What follows from the statements: declarations of one name become one object, elements get their bytes.
 * Derived anew for all that is dirty; nothing here is journaled. */
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "nft/model.h"

bool can_blame(const struct rpack *pk)
{
	return pk->log.log.n > 0;
}

int merge_error(struct stmt *st, struct rpack **culprit, struct err *e, const char *fmt, ...)
{
	struct rpack *pk = stmt_pack(st);
	_autofree_ char *text = NULL;
	struct site s = ruleset_site_get(pk->rs, st->site);
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	*culprit = pk;
	return err_set(e, -EINVAL, "%s:%u: %s", s.file, s.line, text);
}

/* ---- declarations ---- */

static bool later(const struct stmt *a, const struct stmt *b) /* is a's pack the later one? */
{
	const struct rpack *x = stmt_pack((struct stmt *)a), *y = stmt_pack((struct stmt *)b);

	if (x->order != y->order)
		return x->order > y->order;
	if (x != y && strcmp(x->name, y->name) != 0)
		return strcmp(x->name, y->name) > 0;
	return place_cmp(a, b) > 0;
}

static int conflict(struct obj *o, struct stmt *a, struct stmt *b, const char *field, struct rpack **culprit,
	struct err *e)
{
	struct stmt *last = later(a, b) ? a : b, *first = last == a ? b : a;
	_buf_ struct buf where = BUF_INIT;

	if (!can_blame(stmt_pack(last))) {
		struct stmt *x = last;

		last = first;
		first = x;
	}
	if (!culprit || !can_blame(stmt_pack(last)))
		return 0; /* an old quarrel: the first value stands */
	where_text(o->rs, stmt_pack(first), first->site, &where);
	return merge_error(last, culprit, e, "%s %s: another %s than in %s",
		o->kind == OBJ_SET     ? "set"
		: o->kind == OBJ_CHAIN ? "chain"
				       : "table",
		o->name, field, buf_str(&where));
}

/* For each field the statement that gave it first: two different values are an error of the later pack. */
#define FIELD(bit, same, what)                                                                               \
	do {                                                                                                 \
		if (!(sp->given & (bit)))                                                                    \
			break;                                                                               \
		struct stmt **by = &given_by[__builtin_ctz(bit)];                                            \
		if (*by && !(same)) {                                                                        \
			int rc_ = conflict(o, *by, st, what, culprit, e);                                    \
			if (rc_ < 0)                                                                         \
				return rc_;                                                                  \
		}                                                                                            \
		if (!*by)                                                                                    \
			*by = st;                                                                            \
	} while (0)
#define OTHER(field) (*by)->spec->field

static bool str_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* The statements that give each field, or a conflict. Statements in force only; order does not matter. */
static int fields(
	struct obj *o, struct stmt *given_by[16], bool *stated, struct rpack **culprit, struct err *e)
{
	memset(given_by, 0, 16 * sizeof(given_by[0]));
	*stated = false;
	for (uint32_t i = 0; i < o->decls.n; i++) {
		struct stmt *st = o->decls.v[i];
		const struct spec *sp = st->spec;

		if (!st->active || st->refused)
			continue;
		*stated = true;
		if (!sp || !sp->given)
			continue;
		FIELD(SPEC_FLAGS, OTHER(flags) == sp->flags, "value of flags");
		FIELD(SPEC_COMMENT, str_same(OTHER(comment), sp->comment), "comment");
		FIELD(SPEC_TYPE,
			o->kind == OBJ_CHAIN ? !strcmp(OTHER(chain_type), sp->chain_type)
					     : nft_type_equal(&OTHER(key), &sp->key),
			"type");
		FIELD(SPEC_HOOK, str_same(OTHER(hook), sp->hook), "hook");
		FIELD(SPEC_PRIORITY, str_same(OTHER(priority), sp->priority), "priority");
		FIELD(SPEC_POLICY, OTHER(policy) == sp->policy, "policy");
		FIELD(SPEC_DEVICES, val_equal(&OTHER(devices), &sp->devices), "list of devices");
		FIELD(SPEC_DATA, nft_type_equal(&OTHER(data), &sp->data), "data type");
		FIELD(SPEC_TIMEOUT, OTHER(timeout_ms) == sp->timeout_ms, "timeout");
		FIELD(SPEC_GC, OTHER(gc_ms) == sp->gc_ms, "gc_interval");
		FIELD(SPEC_SIZE, OTHER(size) == sp->size, "size");
		FIELD(SPEC_AUTO_MERGE, OTHER(auto_merge) == sp->auto_merge, "value of auto_merge");
	}
	return 0;
}

#define GIVEN(bit) (given_by[__builtin_ctz(bit)] ? given_by[__builtin_ctz(bit)]->spec : NULL)

static int set_fields(
	struct obj *o, struct set_want *out, bool *stated, bool *typed, struct rpack **culprit, struct err *e)
{
	struct stmt *given_by[16];
	const struct spec *sp;
	int rc = fields(o, given_by, stated, culprit, e);

	if (rc < 0)
		return rc;
	memset(out, 0, sizeof(*out));
	*typed = GIVEN(SPEC_TYPE) != NULL;
	if (!*typed)
		return 0;
	strncpy(out->info.name, o->name, sizeof(out->info.name) - 1);
	out->info.key = GIVEN(SPEC_TYPE)->key;
	for (uint32_t i = 0; i < o->decls.n; i++)
		if (o->decls.v[i]->active && o->decls.v[i]->spec)
			out->info.flags |= o->decls.v[i]->spec->flags & NFT_SET_MAP;
	if ((sp = GIVEN(SPEC_FLAGS)))
		out->info.flags |= sp->flags;
	if ((sp = GIVEN(SPEC_DATA))) {
		out->info.data = sp->data;
		out->info.flags |= NFT_SET_MAP;
	}
	if ((sp = GIVEN(SPEC_TIMEOUT))) {
		out->timeout_ms = sp->timeout_ms;
		out->info.flags |= NFT_SET_TIMEOUT;
	}
	if ((sp = GIVEN(SPEC_GC)))
		out->gc_ms = sp->gc_ms;
	if ((sp = GIVEN(SPEC_SIZE)))
		out->size = sp->size;
	if ((sp = GIVEN(SPEC_POLICY)))
		out->policy = sp->policy;
	if ((sp = GIVEN(SPEC_AUTO_MERGE)))
		out->info.auto_merge = sp->auto_merge;
	if ((sp = GIVEN(SPEC_COMMENT)))
		out->comment = sp->comment;
	if (out->info.key.n > 1 && out->info.flags & NFT_SET_INTERVAL) {
		out->info.flags |= NFT_SET_CONCAT;
		out->concat.n = out->info.key.n;
		for (unsigned i = 0; i < out->info.key.n; i++)
			out->concat.len[i] = (uint8_t)((out->info.key.bits[i] + 7) / 8);
	}
	return 0;
}

const struct set_info *obj_set_info(struct obj *o)
{
	struct set_want w;
	bool stated;

	if (o->info_valid)
		return o->typed ? &o->info : NULL;
	o->info_valid = true;
	if (o->autoset) {
		o->typed = true;
		o->info = o->autoset->want.info;
		return &o->info;
	}
	set_fields(o, &w, &stated, &o->typed, NULL, NULL);
	o->info = w.info;
	o->timeout_ms = w.timeout_ms;
	return o->typed ? &o->info : NULL;
}

static void set_why(struct obj *o, const char *why)
{
	free(o->why);
	o->why = why ? xstrdup(why) : NULL;
}

static int merge_table(struct obj *o, struct rpack **culprit, struct err *e)
{
	struct stmt *given_by[16];
	bool stated;
	int rc = fields(o, given_by, &stated, culprit, e);

	if (rc < 0)
		return rc;
	o->want = stated && !o->foreign;
	set_why(o, stated && o->foreign ? "a table of this name exists and is not rnm's: choose another "
					  "name, or delete that table"
					: NULL);
	o->table_want.flags = GIVEN(SPEC_FLAGS) ? GIVEN(SPEC_FLAGS)->flags : 0;
	free(o->set_comment);
	o->set_comment = GIVEN(SPEC_COMMENT) ? xstrdup(GIVEN(SPEC_COMMENT)->comment) : NULL;
	o->table_want.comment = o->set_comment;
	return 0;
}

static int merge_set(struct obj *o, struct rpack **culprit, struct err *e)
{
	bool was = o->want, stated, typed;
	struct set_info old = o->set.info;
	struct set_want w;
	int rc;

	if (o->autoset) {
		w = o->autoset->want;
		stated = typed = true;
	} else {
		rc = set_fields(o, &w, &stated, &typed, culprit, e);
		if (rc < 0)
			return rc;
	}
	o->want = stated && typed && o->tab->want;
	set_why(o, stated && !typed ? "no pack gives its type" : NULL);
	if (typed) {
		o->set = w;
		free(o->set_comment);
		o->set_comment = w.comment ? xstrdup(w.comment) : NULL;
		o->set.comment = o->set_comment;
	}
	if (was != o->want ||
		(o->want && (old.flags != w.info.flags || !nft_type_equal(&old.key, &w.info.key) ||
				    !nft_type_equal(&old.data, &w.info.data))))
		names_changed(o);
	return 0;
}

static void device_one(void *ctx, const struct val *key, const struct val *data)
{
	struct obj *o = ctx;

	(void)data;
	vec_foreach (d, &o->chain.dev)
		if (key->kind == VAL_STRING && !strcmp(*d, key->str))
			return;
	if (key->kind == VAL_STRING)
		vec_push(&o->chain.dev, xstrdup(key->str));
}

static void device_delta(struct live_sink *s, int sign, const struct val *key, const struct val *data)
{
	(void)sign;
	(void)key;
	(void)data;
	obj_dirty(container_of(s, struct obj, dev_sink));
}

static void follow_devices(struct obj *o, struct live *live)
{
	if (o->dev_live == live)
		return;
	if (o->dev_live) {
		o->dev_live->ops->sink_del(o->dev_live, &o->dev_sink);
		o->dev_live->ops->put(o->dev_live);
	}
	o->dev_live = live;
	o->dev_sink.delta = device_delta;
	if (live) {
		live->ops->ref(live);
		live->ops->sink_add(live, &o->dev_sink);
	}
}

static int merge_chain(struct obj *o, struct rpack **culprit, struct err *e)
{
	bool was = o->want, was_base = o->chain.w.base;
	struct stmt *given_by[16], *by;
	const struct spec *sp;
	struct chain_want w = { .policy = 1 };
	_err_ struct err bad = ERR_INIT;
	bool stated;
	int rc = fields(o, given_by, &stated, culprit, e);

	if (rc < 0)
		return rc;
	chain_def_free(&o->chain);
	set_why(o, NULL);
	w.base = GIVEN(SPEC_TYPE) || GIVEN(SPEC_HOOK) || GIVEN(SPEC_PRIORITY);
	strcpy(w.type, (sp = GIVEN(SPEC_TYPE)) ? sp->chain_type : "filter");
	by = given_by[__builtin_ctz(SPEC_HOOK)];
	if (w.base && !by) {
		o->want = false;
		set_why(o, "it is a base chain and no pack gives its hook");
		goto out;
	}
	if (w.base && nft_hook_parse(by->spec->hook, o->family, &w.hook, &bad) < 0)
		return can_blame(stmt_pack(by))
			       ? merge_error(by, culprit, e, "chain %s: %s", o->name, err_text(&bad))
			       : 0;
	by = given_by[__builtin_ctz(SPEC_PRIORITY)];
	if (by && nft_priority_parse(by->spec->priority, o->family, (int)w.hook, &w.priority, &bad) < 0)
		return can_blame(stmt_pack(by))
			       ? merge_error(by, culprit, e, "chain %s: %s", o->name, err_text(&bad))
			       : 0;
	if ((sp = GIVEN(SPEC_POLICY)))
		w.policy = sp->policy;
	if ((sp = GIVEN(SPEC_COMMENT)))
		o->chain.comment = xstrdup(sp->comment);
	sp = GIVEN(SPEC_DEVICES);
	follow_devices(o, stated && sp && sp->devices.kind == VAL_LIVE ? sp->devices.live : NULL);
	if (sp && sp->devices.kind == VAL_LIVE)
		sp->devices.live->ops->each(sp->devices.live, device_one, o);
	for (uint32_t i = 0; sp && sp->devices.kind == VAL_LIST && i < sp->devices.n; i++)
		device_one(o, &sp->devices.list[i], NULL);
	o->want = stated && o->tab->want;
	if (o->want && sp && !o->chain.dev.n) {
		o->want = false;
		set_why(o, "none of its devices is there");
	}
out:
	o->chain.w = w;
	if (was != o->want || (o->want && was_base != w.base)) {
		names_changed(o);
		o->recheck = true;
	}
	return 0;
}

static bool inherits(const struct ruleset *rs, const struct rpack *pk)
{
	vec_foreach (old, &rs->retired)
		if ((*old)->heir == pk)
			return true;
	return false;
}

/* Lasting edits of a reloaded pack stay while it still states the set. */
static void heirless_edits(struct ruleset *rs)
{
	for (uint32_t i = 0; i < rs->packs.n; i++) {
		struct rpack *pk = rs->packs.v[i];

		for (uint32_t j = pk->edits.n; j-- > 0;) {
			struct contrib *c = pk->edits.v[j];
			bool stated = false;

			if (!c->on || !c->lasting || !inherits(rs, pk))
				continue;
			vec_foreach (st, &c->set->decls)
				stated |= (*st)->active && stmt_pack(*st) == pk;
			if (!stated)
				edit_retire(c);
		}
	}
}

/* Rules of chains that did not change themselves may wait for, or name, what came, went or has another type.
 */
static int follow_names(struct ruleset *rs, struct rpack **culprit, struct err *e)
{
	for (uint32_t i = 0; i < rs->named.n; i++) {
		struct obj *tab = rs->named.v[i]->tab;

		if (tab->walked)
			continue;
		tab->walked = true;
		for (uint32_t j = 0; j < tab->members.n; j++) { /* sets of rules may come */
			struct obj *m = tab->members.v[j];
			int rc;

			if (m->kind != OBJ_CHAIN || m->dirty || m->quiet || !m->rules.n)
				continue;
			rc = merge_rules(m, culprit, e);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static void follow_targets(struct ruleset *rs)
{
	for (uint32_t i = 0; i < rs->named.n; i++) {
		struct obj *o = rs->named.v[i];

		if (o->kind != OBJ_CHAIN || o->tab->walked)
			continue;
		o->tab->walked = true;
		vec_foreach (m, &o->tab->members)
			if ((*m)->kind == OBJ_SET && !(*m)->dirty)
				merge_targets(*m);
	}
}

static void tables_anew(struct ruleset *rs)
{
	vec_foreach (o, &rs->named)
		(*o)->tab->walked = false;
}

static void names_done(struct ruleset *rs)
{
	vec_foreach (o, &rs->named)
		(*o)->name_changed = (*o)->tab->name_changed = false;
	vec_clear(&rs->named);
}

int ruleset_merge(struct ruleset *rs, struct rpack **culprit, struct err *e)
{
	int rc = edits_settle(rs, culprit, e);

	if (rc < 0)
		return rc;
	if (rs->retired.n)
		heirless_edits(rs);
	for (uint32_t i = 0; i < rs->dirty.n; i++)
		stmts_purge(rs->dirty.v[i]);
	for (int kind = OBJ_TABLE; kind <= OBJ_SET; kind++)
		for (uint32_t i = 0; i < rs->dirty.n; i++) {
			struct obj *o = rs->dirty.v[i];
			bool want = o->want;

			if ((int)o->kind != kind)
				continue;
			rc = kind == OBJ_TABLE   ? merge_table(o, culprit, e)
			     : kind == OBJ_CHAIN ? merge_chain(o, culprit, e)
						 : merge_set(o, culprit, e);
			if (rc < 0)
				return rc;
			obj_changed(o);
			if (kind == OBJ_TABLE && want != o->want)
				vec_foreach (m, &o->members) {
					obj_dirty(*m);
					obj_changed(*m);
				}
		}
	for (uint32_t i = 0; i < rs->dirty.n; i++)
		if (rs->dirty.v[i]->kind == OBJ_CHAIN) {
			obj_changed(rs->dirty.v[i]); /* a set that came may have made it dirty */
			rc = merge_rules(rs->dirty.v[i], culprit, e);
			if (rc < 0)
				return rc;
		}
	tables_anew(rs);
	rc = follow_names(rs, culprit, e);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < rs->dirty.n; i++)
		if (rs->dirty.v[i]->kind == OBJ_SET) {
			obj_changed(rs->dirty.v[i]);
			rc = merge_elems(rs->dirty.v[i], culprit, e);
			if (rc < 0)
				return rc;
		}
	tables_anew(rs);
	follow_targets(rs);
	for (uint32_t i = 0; i < rs->changed.n; i++)
		if (rs->changed.v[i]->kind == OBJ_SET) {
			rc = merge_map(rs->changed.v[i], culprit, e);
			if (rc < 0)
				return rc;
		}
	rc = graph_check(rs, culprit, e);
	if (rc == 0)
		names_done(rs); /* after an error all is looked at again: a part of it may be taken back */
	return rc;
}
