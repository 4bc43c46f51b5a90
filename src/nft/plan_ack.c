// SPDX-License-Identifier: GPL-2.0-or-later
/* An accepted plan becomes what the kernel holds. */
#include "base/log.h"
#include "nft/attach_impl.h"

void next_free(struct plan_next *n)
{
	for (int ph = 0; ph < PH_MAX; ph++)
		vec_free(&n->phase[ph]);
	vec_foreach (c, &n->chains) {
		vec_foreach (r, &c->rules)
			rcode_put(r->rc);
		vec_free(&c->rules);
	}
	vec_free(&n->chains);
	vec_foreach (s, &n->sets) {
		vec_free(&s->kernel);
		vec_free(&s->gone);
		vec_free(&s->came);
	}
	vec_free(&n->sets);
	vec_foreach (l, &n->lists)
		free(*l);
	vec_foreach (r, &n->redo)
		elem_at(r->t, r->elem)->flags &= (uint8_t)~E_REDO;
	vec_foreach (rc, &n->told)
		rcode_put(*rc);
	vec_free(&n->told);
	vec_free(&n->redo);
	vec_free(&n->lists);
	free(n);
}

/* A timed element that somebody holds: when it ends, or ended, stays known, so that a statement of it is not
 * begun anew.
 */
static bool keeps_time(const struct elem_table *t, const struct elem *el)
{
	return el->m.contrib && el->hattr && t->attrs.v[el->hattr - 1].timeout_ms;
}

void elems_gone(struct elem_table *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		struct elem *el = elem_at(t, i);

		if (!(el->flags & E_USED))
			continue;
		el->flags &= (uint8_t)~E_HAVE;
		if (!keeps_time(t, el)) {
			attr_put(t, el->hattr);
			el->hattr = 0;
		}
		elem_touch(t, i);
	}
	vec_foreach (v, &t->kernel)
		attr_put(t, v->attr);
	vec_clear(&t->kernel);
}

void chain_rules_gone(struct obj *chain)
{
	vec_foreach (k, &chain->krules)
		rcode_put(k->rc);
	vec_clear(&chain->krules);
}

static void elem_had(struct elem_table *t, uint32_t i, bool have)
{
	struct elem *el = elem_at(t, i);
	uint32_t attr = have ? elem_attr(t, el) : 0;

	if (have != !!(el->flags & E_HAVE))
		el->flags ^= E_HAVE;
	if (attr == el->hattr)
		return;
	if (!have && keeps_time(t, el))
		return;
	attr_ref(t, attr);
	attr_put(t, el->hattr);
	el->hattr = attr;
	expiry_of(t, i, attr);
}

static void ack_elems(struct obj *set, bool fresh)
{
	struct elem_table *t = elems_of(set);
	uint32_t n = !t ? 0 : fresh ? t->n : t->dirty.n;

	for (uint32_t j = 0; j < n; j++) {
		uint32_t i = fresh ? j : t->dirty.v[j];
		struct elem *el = elem_at(t, i);

		if (el->flags & E_USED && (!t->ranges || el->flags & E_CATCHALL) && !elem_held(t, el))
			elem_had(t, i, elem_wanted(t, el));
	}
	if (t)
		t->split = false;
	if (set->elems_have != t) {
		if (set->elems_have)
			elems_put(set->elems_have);
		set->elems_have = t;
		if (t)
			t->refs++;
	}
}

static void range_had(struct elem_table *t, const struct ival *v, bool have)
{
	const uint32_t ends[2] = { v->first, v->last };
	struct elem *el = elem_at(t, v->first);

	for (int i = 0; i < 2; i++) {
		if (have)
			elem_at(t, ends[i])->flags |= E_HAVE;
		else
			elem_at(t, ends[i])->flags &= (uint8_t)~E_HAVE;
		elem_touch(t, ends[i]); /* may be free to go */
	}
	if (!have && keeps_time(t, el))
		return;
	if (el->hattr == (have ? v->attr : 0))
		return;
	attr_put(t, el->hattr);
	el->hattr = have ? attr_ref(t, v->attr) : 0;
}

static void range_gone(struct elem_table *t, const struct ival *v)
{
	range_had(t, v, false);
}

static void range_came(struct elem_table *t, const struct ival *v)
{
	range_had(t, v, true);
	expiry_of(t, v->first, v->attr);
}

/* The elements at both ends of a kernel interval stay while it is there. */
static void ack_ranges(struct next_set *n)
{
	struct elem_table *t = n->t;
	ivals old = t->kernel, *gone = n->fresh ? &old : &n->gone;

	t->kernel = n->kernel;
	n->kernel = (ivals){ 0 };
	vec_foreach (v, &n->came)
		attr_ref(t, v->attr);
	vec_foreach (v, gone)
		range_gone(t, v);
	vec_foreach (v, &n->came)
		range_came(t, v);
	vec_foreach (v, gone)
		attr_put(t, v->attr);
	vec_free(&old);
}

static void copy_chain(struct chain_def *to, const struct chain_def *from)
{
	chain_def_free(to);
	to->w = from->w;
	to->comment = from->comment ? xstrdup(from->comment) : NULL;
	vec_foreach (d, &from->dev)
		vec_push(&to->dev, xstrdup(*d));
}

static void gone(struct obj *o)
{
	o->have = false;
	if (o->kind == OBJ_CHAIN)
		chain_rules_gone(o);
	if (o->kind == OBJ_SET && o->elems_have) {
		elems_gone(o->elems_have);
		elems_put(o->elems_have);
		o->elems_have = NULL;
	}
	if (o->attach && !attach_stated(o)) {
		attach_free(o);
		o->info_valid = false;
	}
}

static void ack_set(struct obj *o, bool fresh)
{
	struct set_stmts *stmts = set_stmts_ref(o->stmts);

	free(o->comment_have);
	o->comment_have = o->comment ? xstrdup(o->comment) : NULL;
	set_stmts_put(o->stmts_have);
	o->stmts_have = stmts;
	o->set_have = o->set;
	o->set_have.comment = o->comment_have;
	o->set_have.typeof_text = NULL; /* of what is wanted */
	ack_elems(o, fresh);
}

static void ack_object(struct obj *o)
{
	free(o->comment_have);
	o->comment_have = o->comment ? xstrdup(o->comment) : NULL;
	if (!o->object_have)
		o->object_have = xnew(struct object_want);
	*o->object_have = *o->object;
	o->object_read = false;
	o->object_have->comment = o->comment_have;
}

static void ack_obj(struct obj *o)
{
	bool fresh = !o->have || o->recreate;

	if (held(o))
		return;
	o->unclaimed = false;
	if (o->kind == OBJ_TABLE) {
		uint32_t flags = table_flags(o);

		o->adopted = o->adopted && o->have && o->want && !o->recreate;
		o->has_mark = o->adopted;
		if (o->own_before && !(o->rs->hold_deletes && !o->want))
			o->own_before = false;
		if (o->have && (!o->want || o->recreate))
			vec_foreach (m, &o->members)
				gone(*m);
		o->have = o->want;
		o->recreate = false;
		if (!o->flags_wait)
			o->table_have.flags = flags;
		return;
	}
	if (!o->want && !(o->attach && attach_stated(o))) {
		gone(o);
		return;
	}
	if (!o->want) /* it waits */
		return;
	if (fresh && o->have)
		gone(o);
	o->have = true;
	o->recreate = false;
	if (o->kind == OBJ_CHAIN || o->kind == OBJ_FLOWTABLE)
		copy_chain(&o->chain_have, &o->chain);
	else if (o->kind == OBJ_SET)
		ack_set(o, fresh);
	else
		ack_object(o);
}

static void ack_rules(struct next_chain *n, const struct commit_result *r)
{
	struct obj *chain = n->chain;

	chain_rules_gone(chain);
	vec_foreach (next, &n->rules) {
		uint64_t handle = next->op_no ? r->handle[next->op_no - 1] : next->handle;

		vec_push(&chain->krules, (struct krule){ .handle = handle,
						 .id = next->id,
						 .rc = rcode_ref(next->rc),
						 .unclaimed = next->unclaimed });
		chain->handles_stale |= !handle;
	}
}

void plan_ack(struct plan *p, const struct commit_result *r)
{
	struct ruleset *rs = p->rs;

	for (int tables = 1; tables >= 0; tables--)
		for (uint32_t i = 0; i < rs->changed.n; i++)
			if ((rs->changed.v[i]->kind == OBJ_TABLE) == tables)
				ack_obj(rs->changed.v[i]);
	vec_foreach (c, &p->next->chains)
		ack_rules(c, r);
	vec_foreach (s, &p->next->sets)
		ack_ranges(s);
	rs->unsent = false;
}

void ruleset_handles_wanted(struct ruleset *rs, void (*fn)(void *ctx, struct obj *chain), void *ctx)
{
	for (uint32_t i = 0; i < rs->all.n; i++)
		if (rs->all.v[i]->handles_stale)
			fn(ctx, rs->all.v[i]);
}

bool ruleset_handles(struct ruleset *rs, struct obj *chain, const uint64_t *handles, uint32_t n)
{
	(void)rs;
	chain->handles_stale = false;
	if (n != chain->krules.n) {
		log_error("nft", "chain %s %s: the kernel has %u rules where %u were committed",
			chain->tab->name, chain->name, n, chain->krules.n);
		return false;
	}
	for (uint32_t i = 0; i < n; i++)
		chain->krules.v[i].handle = handles[i];
	return true;
}

bool ruleset_handles_match(const struct obj *chain, const uint64_t *handles, uint32_t n)
{
	if (!chain->have || n != chain->krules.n)
		return !chain->have && !n;
	for (uint32_t i = 0; i < n; i++)
		if (chain->krules.v[i].handle && chain->krules.v[i].handle != handles[i])
			return false;
	return true;
}
