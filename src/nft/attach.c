// SPDX-License-Identifier: GPL-2.0-or-later
/* Elements in sets of other people's tables. Such a set is never made or deleted here: what it is comes from
 * the kernel, own elements carry a mark, and only those come and go. */
#include <errno.h>

#include "base/log.h"
#include "nft/attach_impl.h"
#include "nft/merge_impl.h"
#include "nft/plan.h"
#include "nft/readback.h"

struct attach *attach_of(struct obj *set)
{
	if (!set->attach)
		set->attach = xnew(struct attach);
	return set->attach;
}

void attach_free(struct obj *set)
{
	if (!set->attach)
		return;
	set_stmts_put(set->attach->stmts);
	free(set->attach);
	set->attach = NULL;
}

static struct stmt *stated_by(const struct obj *set)
{
	vec_foreach (st, &set->decls)
		if ((*st)->active && (*st)->spec && (*st)->spec->given & SPEC_ATTACH)
			return *st;
	return NULL;
}

bool attach_stated(const struct obj *set)
{
	return set->attach && stated_by(set);
}

bool attach_any(const struct obj *table)
{
	vec_foreach (m, &table->members)
		if ((*m)->attach)
			return true;
	return false;
}

/* A table is rnm's, with all that is in it, or somebody else's. */
int attach_conflict(struct obj *set, struct rpack **culprit, struct err *e)
{
	struct stmt *attach = stated_by(set), *table = NULL, *last, *first;
	_buf_ struct buf where = BUF_INIT;

	if (!attach)
		return 0;
	vec_foreach (st, &set->tab->decls)
		if (!table && (*st)->active && !(*st)->refused)
			table = *st;
	if (!table)
		return 0;
	last = given_later(table, attach) ? table : attach;
	if (!can_blame(stmt_pack(last)))
		last = last == table ? attach : table;
	if (!can_blame(stmt_pack(last)))
		return 0;
	first = last == table ? attach : table;
	where_text(set->rs, stmt_pack(first), first->site, &where);
	if (last == attach)
		return merge_error(attach, culprit, e,
			"table %s is stated in %s: its set %s is had by t:set() or t:map(), not by "
			"nft.attach()",
			set->tab->name, buf_str(&where), set->name);
	return merge_error(table, culprit, e,
		"table %s is somebody else's for %s, which attaches to its set %s: choose another name, or "
		"use "
		"t:set() there",
		set->tab->name, buf_str(&where), set->name);
}

static const char *waits_for(const struct obj *set, bool map)
{
	const struct attach *a = set->attach;

	if (!a->there)
		return "attached to a set that is not there yet";
	if (a->denied == -EPERM)
		return "attached to a set of a table that its owner lets nobody change";
	if (a->denied)
		return "attached to a set that does not take elements";
	if (map != !!(a->want.info.flags & (NFT_SET_MAP | NFT_SET_OBJECT)))
		return map ? "attached to a set as to a map"
			   : "attached to a map as to a set: say { map = true }";
	return NULL;
}

int merge_attached(struct obj *set, const struct given *g, struct rpack **culprit, struct err *e)
{
	const struct spec *sp = given(g, SPEC_ATTACH);
	struct attach *a = set->attach;
	const char *why = NULL;
	int rc = attach_conflict(set, culprit, e);

	if (rc < 0)
		return rc;
	if (sp && !a->looked) {
		set->suspect |= SUSPECT_CONTENT;
		set->tab->suspect |= SUSPECT_MEMBERS;
		set->rs->suspects = true;
	}
	if (sp)
		why = waits_for(set, sp->flags & NFT_SET_MAP);
	obj_set_why(set, why);
	set_stmts_put(set->stmts);
	set->stmts = set_stmts_ref(a->stmts);
	set->set = a->want;
	set->want = sp && a->there && !why;
	return 0;
}

bool ruleset_attaching(const struct ruleset *rs)
{
	for (uint32_t i = 0; rs->suspects && i < rs->all.n; i++)
		if (rs->all.v[i]->attach && rs->all.v[i]->tab->suspect)
			return true;
	return false;
}

void ruleset_read_only_attached(struct ruleset *rs, bool only)
{
	rs->only_attached = only;
}

bool ruleset_attached(struct ruleset *rs, uint8_t family, const char *table, const char *name)
{
	const struct obj *tab = obj_find(rs, OBJ_TABLE, family, NULL, table), *set;

	if (!tab || !attach_any(tab))
		return false;
	set = name ? obj_find(rs, OBJ_SET, family, table, name) : NULL;
	return !name || (set && set->attach);
}

bool ruleset_only_attached(struct ruleset *rs, uint8_t family, const char *table)
{
	const struct obj *tab = obj_find(rs, OBJ_TABLE, family, NULL, table);

	return tab && attach_any(tab) && !tab->have && !tab->own_before && !tab->decls.n;
}

uint32_t ruleset_attached_losses(struct ruleset *rs, uint8_t family, const char *table, const char *name)
{
	const struct obj *set = name ? obj_find(rs, OBJ_SET, family, table, name) : NULL;

	return set && set->attach ? set->attach->losses : 0;
}

/* ---- refusals ---- */

static void taken(struct elem_table *t, const struct op *op)
{
	uint32_t i = *(const uint32_t *)op->elem.list; /* of an interval: its first element */
	struct elem *el = elem_at(t, i);

	if (!(el->flags & E_REFUSED))
		t->refused++;
	el->flags |= E_REFUSED;
	elem_touch(t, i);
}

/* What the kernel says of the set as a whole: it is looked at again, and left alone if it says so twice. */
static void doubt(struct obj *set, int errnum)
{
	struct attach *a = set->attach;

	if (a->doubted == set->rs->txn || errnum == -EPERM) {
		log_warn("nft", "set %s %s %s does not take own elements: %s", nft_family_name(set->family),
			set->tab->name, set->name, strerror(-errnum));
		obj_lost(set);
		a->denied = errnum;
		return;
	}
	a->doubted = set->rs->txn;
	set->suspect |= SUSPECT_CONTENT;
	set->tab->suspect |= SUSPECT_MEMBERS;
	set->rs->suspects = true;
	obj_changed(set);
}

unsigned plan_detach(struct plan *p, struct commit_result *r, bool *others)
{
	unsigned n = 0;

	*others = false;
	for (uint32_t i = 0; i < p->ops.n; i++) {
		const struct op *op = &p->ops.v[i];
		int errnum = r->op_err[i];
		struct elem_table *t;

		if (!errnum)
			continue;
		if ((op->kind != OP_ADD_ELEM && op->kind != OP_DEL_ELEM) ||
			!((struct obj *)op->owner)->attach || errnum == -ENFILE || errnum == -EINVAL) {
			*others = true;
			continue;
		}
		n++;
		r->op_err[i] = 0;
		t = (struct elem_table *)op->elem.src;
		if (errnum != -EEXIST && errnum != -ENOTEMPTY)
			doubt(op->owner, errnum);
		else if (op->elem.n > 1)
			t->split = true;
		else
			taken(t, op);
	}
	return n;
}
