// SPDX-License-Identifier: GPL-2.0-or-later
/* What the declarations of a set say together: its type, its properties, the statements of its elements. */
#include <errno.h>

#include "nft/attach_impl.h"
#include "nft/merge_impl.h"

void set_want_concat(struct set_want *w)
{
	if (w->info.key.n < 2 || !(w->info.flags & NFT_SET_INTERVAL))
		return;
	w->info.flags |= NFT_SET_CONCAT;
	w->concat.n = w->info.key.n;
	for (unsigned i = 0; i < w->info.key.n; i++)
		w->concat.len[i] = (uint8_t)((w->info.key.bits[i] + 7) / 8);
}

static int set_fields(
	struct obj *o, struct set_want *out, struct given *g, struct rpack **culprit, struct err *e)
{
	const struct spec *sp;
	int rc = given_fields(o, g, culprit, e);

	if (rc < 0)
		return rc;
	memset(out, 0, sizeof(*out));
	if (given(g, SPEC_ATTACH) || (o->attach && !g->stated)) {
		*out = attach_of(o)->want;
		return 0;
	}
	if (!given(g, SPEC_TYPE))
		return 0;
	strncpy(out->info.name, o->name, sizeof(out->info.name) - 1);
	out->info.key = given(g, SPEC_TYPE)->key;
	for (uint32_t i = 0; i < o->decls.n; i++)
		if (o->decls.v[i]->active && o->decls.v[i]->spec)
			out->info.flags |= o->decls.v[i]->spec->flags & NFT_SET_MAP;
	if ((sp = given(g, SPEC_FLAGS)))
		out->info.flags |= sp->flags;
	if ((sp = given(g, SPEC_DATA))) {
		out->info.data = sp->data;
		out->info.obj_type = sp->obj_type;
		out->info.flags |= NFT_SET_MAP;
		if (sp->obj_type)
			out->info.flags ^= NFT_SET_MAP | NFT_SET_OBJECT;
	}
	if ((sp = given(g, SPEC_TIMEOUT))) {
		out->timeout_ms = sp->timeout_ms;
		out->info.flags |= NFT_SET_TIMEOUT;
	}
	if ((sp = given(g, SPEC_GC)))
		out->gc_ms = sp->gc_ms;
	if ((sp = given(g, SPEC_SIZE)))
		out->size = sp->size;
	if ((sp = given(g, SPEC_POLICY)))
		out->policy = sp->policy;
	if ((sp = given(g, SPEC_AUTO_MERGE)))
		out->info.auto_merge = sp->auto_merge;
	set_want_concat(out);
	return 0;
}

static bool is_attached(const struct obj *o, const struct given *g)
{
	return given(g, SPEC_ATTACH) || (o->attach && !g->stated);
}

const struct set_info *obj_set_info(struct obj *o)
{
	struct set_want w;
	struct given g;

	if (o->info_valid)
		return o->typed ? &o->info : NULL;
	o->info_valid = true;
	if (o->autoset) {
		o->typed = true;
		o->info = o->autoset->want.info;
		return &o->info;
	}
	set_fields(o, &w, &g, NULL, NULL);
	o->typed = is_attached(o, &g) ? o->attach->typed : given(&g, SPEC_TYPE) != NULL;
	o->info = w.info;
	o->timeout_ms = w.timeout_ms;
	return o->typed ? &o->info : NULL;
}

/* text NULL: none. 0, 1: left out, or negative. */
static int take_stmts(struct obj *o, const char *text, struct stmt *by, struct rpack **culprit, struct err *e)
{
	_err_ struct err bad = ERR_INIT;
	struct set_stmts *s = text ? set_stmts_get(o->rs, text, &bad) : NULL;

	set_stmts_put(o->stmts);
	o->stmts = s;
	if (text && !s)
		return given_unfit(o, by, err_text(&bad), culprit, e) < 0 ? -EINVAL : 1;
	return 0;
}

static bool other_type(const struct set_info *a, const struct set_info *b)
{
	return a->flags != b->flags || a->obj_type != b->obj_type || !nft_type_equal(&a->key, &b->key) ||
	       !nft_type_equal(&a->data, &b->data);
}

/* Elements with a time can not be joined: each ends at its own. */
static int check_auto_merge(
	struct obj *o, const struct set_want *w, const struct given *g, struct rpack **culprit, struct err *e)
{
	struct stmt *by = given_by(g, SPEC_AUTO_MERGE),
		    *other = given_by(g, w->timeout_ms ? SPEC_TIMEOUT : SPEC_FLAGS);

	if (!w->info.auto_merge || !(w->info.flags & NFT_SET_TIMEOUT))
		return 0;
	if (other && (given_later(other, by) || !can_blame(stmt_pack(by))) && can_blame(stmt_pack(other)))
		by = other;
	return given_unfit(o, by,
		       "auto-merge can not be with timeouts: each of the elements that are joined ends at "
		       "its "
		       "own time",
		       culprit, e) < 0
		       ? -EINVAL
		       : 1;
}

int merge_set(struct obj *o, struct rpack **culprit, struct err *e)
{
	bool was = o->want, fits = true, typed;
	struct set_info old = o->set.info;
	struct given g = { .stated = true };
	const struct spec *sp = NULL;
	struct set_want w;
	int rc;

	obj_set_why(o, NULL);
	if (o->autoset) {
		w = o->autoset->want;
		typed = true;
		fits = !o->autoset->refused;
	} else {
		rc = set_fields(o, &w, &g, culprit, e);
		if (rc < 0)
			return rc;
		typed = given(&g, SPEC_TYPE) != NULL;
		if (g.stated && !typed)
			obj_set_why(o, "no pack gives its type");
	}
	if (!o->autoset && is_attached(o, &g))
		return merge_attached(o, &g, culprit, e);
	if (typed) {
		rc = check_auto_merge(o, &w, &g, culprit, e);
		if (rc < 0)
			return rc;
		fits = fits && rc == 0;
		sp = given(&g, SPEC_STATEFUL);
		rc = take_stmts(o, sp ? sp->stateful : NULL, given_by(&g, SPEC_STATEFUL), culprit, e);
		if (rc < 0)
			return rc;
		fits = fits && rc == 0;
		o->flags_said = w.info.flags;
		w.info.flags = set_flags_filled(o, &w);
		o->set = w;
		given_comment(o, &g);
		sp = given(&g, SPEC_TYPE);
		free(o->typeof_text);
		o->typeof_text = sp && sp->typeof_text ? xstrdup(sp->typeof_text) : NULL;
		o->set.typeof_text = o->typeof_text;
		o->set.comment = o->comment;
		if (o->stmts) {
			o->set.exprs = o->stmts->x.e.v;
			o->set.n_exprs = o->stmts->x.e.n;
			o->set.stateful = o->stmts->text;
		}
	}
	o->want = g.stated && typed && fits && o->tab->want;
	if (was != o->want || (o->want && other_type(&old, &w.info)))
		names_changed(o);
	return 0;
}
