// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets of other people's tables that own elements are attached to: whether they are there, of which type, and
 * which elements are own. */
#include <errno.h>

#include <linux/netfilter.h>

#include "base/log.h"
#include "nft/autoset.h"
#include "nft/readback_impl.h"

static bool same_set(const struct set_want *a, const struct set_want *b)
{
	return a->info.flags == b->info.flags && a->info.obj_type == b->info.obj_type &&
	       nft_type_equal(&a->info.key, &b->info.key) && nft_type_equal(&a->info.data, &b->info.data) &&
	       a->info.auto_merge == b->info.auto_merge && a->timeout_ms == b->timeout_ms;
}

struct finding {
	struct obj *set;
	bool found;
};

static void on_set(void *ctx, const struct kread_set *k)
{
	struct finding *f = ctx;
	struct attach *a = f->set->attach;
	struct set_stmts *stmts;

	if (k->want.info.flags & NFT_SET_ANONYMOUS)
		return;
	f->found = true;
	stmts = set_stmts_read(f->set->rs, k->want.exprs, k->want.n_exprs);
	if (!a->typed || !same_set(&a->want, &k->want) || stmts != a->stmts) {
		f->set->info_valid = false;
		obj_dirty(f->set);
	}
	set_stmts_put(a->stmts);
	a->stmts = stmts;
	a->want = k->want;
	a->want.comment = a->want.typeof_text = a->want.stateful = NULL;
	a->want.exprs = NULL;
	a->want.n_exprs = 0;
	a->typed = true;
}

static void tell(const struct obj *set, bool there)
{
	log_info("nft",
		there ? "set %s %s %s is there: attached" : "set %s %s %s is gone: own elements of it wait",
		nft_family_name(set->family), set->tab->name, set->name);
}

/* Of a type that it has no more, nothing is left in the kernel. */
static void leave_type(struct obj *set)
{
	if (!set->elems_have || set->elems_have == elems_of(set))
		return;
	elems_gone(set->elems_have);
	elems_put(set->elems_have);
	set->elems_have = NULL;
}

static void lost(struct obj *set)
{
	if (set->elems_have && set->elems_have != set->elems)
		elems_gone(set->elems_have);
	obj_lost(set);
}

void all_anew(struct elem_table *t)
{
	for (uint32_t i = 0; t && i < t->n; i++)
		if (elem_at(t, i)->flags & E_USED)
			elem_touch(t, i);
}

static int read_one(struct reading *r, struct obj *set, bool there)
{
	struct finding f = { .set = set };
	struct attach *a = set->attach;
	int rc = there ? kread_sets(r->c, set->family, set->tab->name, set->name, on_set, &f, r->e) : 0;

	if (rc == -ENOENT) {
		err_free(r->e);
		rc = 0;
	}
	if (rc < 0)
		return rc;
	a->looked = true;
	a->denied = 0;
	if (set->have != f.found && (f.found || set->want))
		tell(set, f.found);
	a->there = f.found;
	obj_dirty(set);
	obj_changed(set);
	if (!f.found) {
		if (set->have)
			lost(set);
		return 0;
	}
	leave_type(set);
	if (!set->have)
		all_anew(elems_of(set));
	set->have = true;
	set->set_have = a->want;
	set_stmts_put(set->stmts_have);
	set->stmts_have = set_stmts_ref(a->stmts);
	return read_set(r, set);
}

int read_attached(struct reading *r, bool there, bool all)
{
	for (uint32_t i = 0; i < r->tab->members.n; i++) {
		struct obj *set = r->tab->members.v[i];
		int rc;

		if (!set->attach || !(all || set->suspect & SUSPECT_CONTENT || !set->attach->looked ||
					    set->attach->there != there))
			continue;
		rc = read_one(r, set, there);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int ruleset_attach_look(struct nft_conn *c, struct obj *set, struct err *e)
{
	struct finding f = { .set = set };
	_err_ struct err why = ERR_INIT;
	struct attach *a = attach_of(set);
	int rc = kread_sets(c, set->family, set->tab->name, set->name, on_set, &f, &why);

	a->there |= f.found;
	return rc == 0 || rc == -ENOENT ? 0 : err_set(e, rc, "%s", err_text(&why));
}

/* ---- of an earlier life ---- */

struct candidate {
	uint8_t family;
	char *table;
	struct set_info info;
	bool own;
};
struct candidates {
	struct ruleset *rs;
	VEC(struct candidate) v;
};

static void on_candidate(void *ctx, const struct kread_set *k)
{
	struct candidates *all = ctx;
	const struct obj *tab = obj_find(all->rs, OBJ_TABLE, k->family, NULL, k->table);

	bool own = tab && (tab->have || tab->own_before);

	if (own && k->want.auto_id)
		auto_name_known(all->rs, k->name, k->want.auto_id);
	if (own || k->want.info.flags & (NFT_SET_ANONYMOUS | NFT_SET_CONSTANT))
		return;
	vec_push(&all->v,
		(struct candidate){ .family = k->family, .table = xstrdup(k->table), .info = k->want.info });
}

static void on_mark(void *ctx, const struct setelem *el)
{
	((struct candidate *)ctx)->own |= el->own;
}

static void claim(struct ruleset *rs, const struct candidate *c)
{
	struct obj *set = obj_get(rs, OBJ_SET, c->family, c->table, c->info.name);

	attach_of(set);
	set->unclaimed = true;
	set->suspect |= SUSPECT_CONTENT;
	set->tab->suspect |= SUSPECT_MEMBERS;
	rs->suspects = true;
	obj_dirty(set);
	obj_changed(set);
	obj_put(set);
}

int ruleset_find_attached(struct ruleset *rs, struct nft_conn *c, struct err *e)
{
	struct candidates all = { .rs = rs };
	int rc = kread_sets(c, NFPROTO_UNSPEC, NULL, NULL, on_candidate, &all, e);

	vec_foreach (k, &all.v) {
		_err_ struct err gone = ERR_INIT; /* meanwhile, maybe */

		if (rc == 0 && kread_elems(c, k->family, k->table, &k->info, false, on_mark, k, &gone) == 0 &&
			k->own)
			claim(rs, k);
		free(k->table);
	}
	vec_free(&all.v);
	return rc;
}
