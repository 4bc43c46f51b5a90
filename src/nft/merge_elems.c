// SPDX-License-Identifier: GPL-2.0-or-later
/* Elements that waited for a type, values that are none, verdicts to chains that nobody states, packs that
 * disagree. */
#include <errno.h>

#include "base/log.h"
#include "nft/model.h"

static int raw_elems(struct contrib *c, struct rpack **culprit, struct err *e)
{
	struct stmt *st = c->st;
	struct setelem el;
	_err_ struct err bad = ERR_INIT;

	vec_foreach (r, &st->el.raw) {
		const struct val *data = r->data.kind ? &r->data : NULL;

		if (elem_of(c->set->elems, &r->key, data, r->timeout_ms, r->comment, &el, &bad) < 0)
			return merge_error(st, culprit, e, "set %s: %s", c->set->name, err_text(&bad));
	}
	vec_foreach (r, &st->el.raw) {
		elem_of(c->set->elems, &r->key, r->data.kind ? &r->data : NULL, r->timeout_ms, r->comment,
			&el, NULL);
		contrib_hold(c, &el);
		val_free(&r->key);
		val_free(&r->data);
		free(r->comment);
	}
	vec_free(&st->el.raw);
	return 0;
}

static int get_types(struct obj *set, struct rpack **culprit, struct err *e)
{
	bool left = false;

	for (uint32_t i = 0; i < set->rs->contribs.n; i++) {
		struct contrib *c = set->rs->contribs.v[i];
		int rc;

		if (!c || c->set != set || !c->on)
			continue;
		if (c->kind == C_STMT && c->st->el.raw.n) {
			rc = raw_elems(c, culprit, e);
			if (rc < 0)
				return rc;
		} else if (!c->t) {
			c->on = false;
			contrib_on(c);
			left |= !c->t;
		}
	}
	set->untyped = left;
	return 0;
}

static void set_pending(struct elem_table *t, uint32_t i, bool pending)
{
	struct elem *el = elem_at(t, i);

	if (!(el->flags & E_PENDING) == !pending)
		return;
	el->flags ^= E_PENDING;
	t->pending += pending ? 1u : (uint32_t)-1;
	elem_touch(t, i);
}

static void check_target(struct obj *set, struct elem_table *t, uint32_t i)
{
	struct elem *el = elem_at(t, i);
	uint32_t a = el->m.contrib ? elem_attr(t, el) : 0;
	const char *target = a ? t->attrs.v[a - 1].target : NULL;
	struct obj *chain = target ? obj_find(set->rs, OBJ_CHAIN, set->family, set->tab->name, target) : NULL;

	if (el->flags & E_USED)
		set_pending(t, i, target && (!chain || !chain->want));
}

/* An element whose verdict goes to a chain that nobody states waits for it. Chains came or went: all are
 * looked at. */
static void check_targets(struct obj *set, struct elem_table *t)
{
	if (set->dirty)
		for (uint32_t i = 0; i < t->n; i++)
			check_target(set, t, i);
	else
		for (uint32_t i = 0; i < t->dirty.n; i++)
			check_target(set, t, t->dirty.v[i]);
}

static int check_conflicts(struct obj *set, struct elem_table *t, struct rpack **culprit, struct err *e)
{
	struct ruleset *rs = set->rs;

	vec_foreach (p, &t->dirty) {
		struct elem *el = elem_at(t, *p);

		for (uint32_t next = el->m.next; next; next = t->more.v[next - 1].next) {
			struct member *m = &t->more.v[next - 1];
			struct contrib *a, *b;
			_buf_ struct buf text = BUF_INIT;
			struct setelem key;

			if (attr_same_data(t, el->m.attr, m->attr))
				continue;
			a = contrib_by_id(rs, el->m.contrib);
			b = contrib_by_id(rs, m->contrib);
			if (b->pk->order < a->pk->order ||
				(b->pk->order == a->pk->order && strcmp(b->pk->name, a->pk->name) < 0)) {
				struct contrib *x = a;

				a = b;
				b = x;
			}
			if (!can_blame(b->pk)) {
				struct contrib *x = a;

				a = b;
				b = x;
			}
			if (!can_blame(b->pk))
				continue;
			elem_get(t, *p, 0, &key);
			nft_elem_text(&t->info, &key, &text);
			buf_puts(&text, " has another value in ");
			where_text(rs, a->pk, a->site, &text);
			*culprit = b->pk;
			err_set(e, -EINVAL, "%s:%u: map %s: %s", ruleset_site_get(rs, b->site).file,
				ruleset_site_get(rs, b->site).line, set->name, buf_str(&text));
			return -EINVAL;
		}
	}
	return 0;
}

int merge_elems(struct obj *set, struct rpack **culprit, struct err *e)
{
	struct elem_table *t = elems_of(set);
	int rc;

	if (!t)
		return 0;
	if (set->untyped) {
		rc = get_types(set, culprit, e);
		if (rc < 0)
			return rc;
	}
	for (uint32_t i = 0; i < set->rs->contribs.n; i++) {
		struct contrib *c = set->rs->contribs.v[i];

		if (!c || c->set != set || !c->bad)
			continue;
		if (can_blame(c->pk)) {
			struct site s = ruleset_site_get(set->rs, c->site);

			*culprit = c->pk;
			return err_set(e, -EINVAL, "%s:%u: set %s: %s", s.file, s.line, set->name, c->bad);
		}
		log_warn("nft", "%s: set %s: %s", c->pk->name, set->name, c->bad);
		free(c->bad);
		c->bad = NULL;
	}
	return 0;
}

int merge_map(struct obj *set, struct rpack **culprit, struct err *e)
{
	struct elem_table *t = set->want ? set->elems : NULL;

	if (!t || !(t->info.flags & NFT_SET_MAP))
		return 0;
	if (nft_type_is_verdict(&t->info.data))
		check_targets(set, t);
	return check_conflicts(set, t, culprit, e);
}
