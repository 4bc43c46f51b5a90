// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel answered: an accepted plan becomes what it holds, a refused one marks who asked for what it
 * refuses. */
#include <ctype.h>
#include <errno.h>

#include "base/log.h"
#include "nft/model.h"

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
	vec_foreach (s, &n->sets)
		vec_free(&s->kernel);
	vec_free(&n->sets);
	vec_foreach (l, &n->lists)
		free(*l);
	vec_foreach (r, &n->redo)
		elem_at(r->t, r->elem)->flags &= (uint8_t)~E_REDO;
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

		if (el->flags & E_USED && (!t->ranges || el->flags & E_CATCHALL))
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

/* Calls fn for each interval of a (sorted, as b is) that is not the same in b. */
static void ranges_minus(struct elem_table *t, const ivals *a, const ivals *b,
	void (*fn)(struct elem_table *t, const struct ival *v))
{
	uint32_t j = 0;

	for (uint32_t i = 0; i < a->n; i++) {
		const struct ival *v = &a->v[i];
		const uint8_t *low = elem_at(t, v->first)->key;

		while (j < b->n && memcmp(elem_at(t, b->v[j].first)->key, low, t->klen) < 0)
			j++;
		if (j == b->n || b->v[j].first != v->first || b->v[j].last != v->last ||
			b->v[j].attr != v->attr)
			fn(t, v);
	}
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
	ivals old = t->kernel;

	t->kernel = n->kernel;
	memset(&n->kernel, 0, sizeof(n->kernel));
	vec_foreach (v, &t->kernel)
		attr_ref(t, v->attr);
	ranges_minus(t, &old, &t->kernel, range_gone);
	ranges_minus(t, &t->kernel, &old, range_came);
	vec_foreach (v, &old)
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
}

static void ack_obj(struct obj *o)
{
	bool fresh = !o->have || o->recreate;

	if (o->kind == OBJ_TABLE) {
		if (o->own_before && !(o->rs->hold_deletes && !o->want))
			o->own_before = false;
		if (o->have && !o->want)
			vec_foreach (m, &o->members)
				gone(*m);
		o->have = o->want;
		o->table_have = o->table_want;
		return;
	}
	if (!o->want) {
		gone(o);
		return;
	}
	if (fresh && o->have)
		gone(o);
	o->have = true;
	o->recreate = false;
	if (o->kind == OBJ_CHAIN) {
		copy_chain(&o->chain_have, &o->chain);
		return;
	}
	free(o->set_comment_have);
	o->set_comment_have = o->set_comment ? xstrdup(o->set_comment) : NULL;
	o->set_have = o->set;
	o->set_have.comment = o->set_comment_have;
	ack_elems(o, fresh);
}

static void ack_rules(struct next_chain *n, const struct commit_result *r)
{
	struct obj *chain = n->chain;

	chain_rules_gone(chain);
	vec_foreach (next, &n->rules) {
		uint64_t handle = next->op_no ? r->handle[next->op_no - 1] : next->handle;

		vec_push(&chain->krules,
			(struct krule){ .handle = handle, .id = next->id, .rc = rcode_ref(next->rc) });
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

/* ---- refusals ---- */

/* Who declared it in this transaction is at fault; where nobody did, all are. */
static bool refuse_decls(struct obj *o)
{
	bool any = false, fresh = false;

	vec_foreach (st, &o->decls)
		fresh |= (*st)->active && !(*st)->refused && can_blame(stmt_pack(*st));
	vec_foreach (st, &o->decls) {
		if (fresh && !can_blame(stmt_pack(*st)))
			continue;
		any |= (*st)->active && !(*st)->refused;
		(*st)->refused = true;
	}
	o->decl_refused = true;
	if (o->autoset) /* the rule that it is for */
		any |= o->autoset->c->on;
	obj_dirty(o);
	return any;
}

static bool refuse_elem(const struct op *op, bool mark)
{
	struct elem_table *t = (struct elem_table *)op->elem.src;
	struct setelem el;
	uint32_t i;

	if (op->elem.n > 1) { /* which one is it? */
		t->split = true;
		return true;
	}
	op->elem.get(op, 0, &el);
	i = elem_find(t, &el);
	if (i == UINT32_MAX)
		i = *(const uint32_t *)op->elem.list; /* a merged interval: its first element stands for it */
	if (op->kind == OP_DEL_ELEM) {                /* it went by itself */
		elem_at(t, i)->flags &= (uint8_t)~E_HAVE;
		for (uint32_t j = 0; j < t->kernel.n; j++)
			if (t->kernel.v[j].first == i) {
				elem_at(t, t->kernel.v[j].last)->flags &= (uint8_t)~E_HAVE;
				elem_touch(t, t->kernel.v[j].last);
				attr_put(t, t->kernel.v[j].attr);
				vec_remove(&t->kernel, j);
				break;
			}
	} else if (mark) {
		elem_at(t, i)->flags |= E_REFUSED;
		t->refused++;
	}
	elem_touch(t, i);
	return true;
}

/* A refused rule leaves what the kernel held in its place in force. */
static void keep(struct stmt *st, const struct op *op)
{
	if (op->kind != OP_REPLACE_RULE)
		return;
	vec_foreach (k, &st->o->krules)
		if (k->handle == op->rule.handle && !st->rule.kept)
			st->rule.kept = rcode_ref(k->rc);
}

/* mark: leave it out from now on; else only say who it is, for all will be undone. */
static bool refuse(struct op *op, bool mark)
{
	struct stmt *st = op->owner;
	struct obj *o = op->owner;

	switch (op->kind) {
	case OP_ADD_RULE:
	case OP_REPLACE_RULE:
		if (!mark)
			return true;
		st->refused = true;
		keep(st, op);
		obj_dirty(st->o);
		obj_changed(st->o);
		return true;
	case OP_DEL_ELEM:
	case OP_ADD_ELEM: return refuse_elem(op, mark);
	case OP_ADD_TABLE:
	case OP_ADD_CHAIN:
	case OP_ADD_SET:
	case OP_MOD_CHAIN:
	case OP_MOD_SET:
	case OP_ADD_CHAIN_DEV: return !mark || refuse_decls(o);
	case OP_DEL_TABLE:
	case OP_DEL_RULE:
	case OP_DEL_SET:
	case OP_DEL_CHAIN:
	case OP_DEL_CHAIN_DEV: /* what rnm believes of the kernel is wrong */ return false;
	}
	return false;
}

/* The kernel does not find the set or chain that an operation is for, although nothing of this plan makes it.
 */
bool plan_lost(const struct plan *p, const struct commit_result *r, struct obj **chain)
{
	*chain = NULL;
	for (uint32_t i = 0; i < p->ops.n; i++)
		if (r->op_err[i] && r->op_err[i] != -ENOENT)
			return false;
	for (uint32_t i = 0; i < p->ops.n; i++) {
		const struct op *op = &p->ops.v[i];
		struct stmt *st = op->owner;

		if (r->op_err[i] != -ENOENT)
			continue;
		if (op->kind == OP_ADD_ELEM && ((struct obj *)op->owner)->have)
			return true;
		if ((op->kind == OP_ADD_RULE || op->kind == OP_REPLACE_RULE) && st->o->have) {
			*chain = st->o; /* or the kernel lacks something that the rule is made of */
			return true;
		}
	}
	return false;
}

struct blame {
	uint8_t family;
	const char *table;
	int errnum;
	struct buf shape;
};
typedef VEC(struct blame) blames;

/* What the kernel's validation of a rule can depend on: its chain and its expressions, but no constants. */
static void shape_of(const struct op *op, struct buf *out)
{
	size_t w;

	buf_printf(out, "%s\n", op->name);
	code_text(op->rule.code, out);
	w = 0;
	for (size_t i = 0; i < out->n; i++) {
		out->s[w++] = out->s[i];
		if (i && out->s[i] == 'x' && out->s[i - 1] == '0')
			while (i + 1 < out->n && isxdigit((unsigned char)out->s[i + 1]))
				i++;
	}
	out->n = w;
	out->s[w] = '\0';
}

static bool is_rule(const struct op *op)
{
	return op->kind == OP_ADD_RULE || op->kind == OP_REPLACE_RULE;
}

/* A rule that fails the table's validation is linked until the batch is undone, so that every later rule of
 * the table fails with the same errno. Only the first is known to be at fault, and with it those that are
 * like it; the others are tried again. */
static bool echo(blames *seen, const struct op *op, int errnum)
{
	struct blame new = { .family = op->family, .table = op->table, .errnum = errnum };

	if (!is_rule(op))
		return false;
	shape_of(op, &new.shape);
	vec_foreach (b, seen)
		if (b->errnum == errnum && b->family == op->family && !strcmp(b->table, op->table)) {
			bool like = !strcmp(buf_str(&b->shape), buf_str(&new.shape));

			buf_free(&new.shape);
			return !like;
		}
	vec_push(seen, new);
	return false;
}

static void blames_free(blames *seen)
{
	vec_foreach (b, seen)
		buf_free(&b->shape);
	vec_free(seen);
}

static const char *reason(const struct op *op, int errnum)
{
	if (op->kind == OP_ADD_ELEM && errnum == -ENFILE)
		return "the set is full";
	return strerror(-errnum);
}

unsigned plan_refuse(struct plan *p, const struct commit_result *r, bool mark, struct buf *text)
{
	bool others = false;
	blames seen = { 0 };
	unsigned n = 0;

	/* Where something else was refused, "no such file" is its echo: what names it can not be found. */
	for (uint32_t i = 0; i < p->ops.n; i++)
		others |= r->op_err[i] && r->op_err[i] != -ENOENT;
	for (uint32_t i = 0; i < p->ops.n; i++) {
		struct op *op = &p->ops.v[i];
		struct site s = ruleset_site_get(p->rs, op->site);
		_buf_ struct buf line = BUF_INIT;
		struct plan one = { .rs = p->rs };
		bool del = op->kind == OP_DEL_ELEM;

		if (!r->op_err[i])
			continue;
		if (r->op_err[i] == -ENOENT ? others : echo(&seen, op, r->op_err[i])) {
			r->op_err[i] = 0;
			continue;
		}
		if (!refuse(op, mark))
			continue;
		n++;
		if (del || ((op->kind == OP_ADD_ELEM) && op->elem.n > 1))
			continue; /* nothing to tell: it is tried again */
		one.ops.v = op;
		one.ops.n = 1;
		plan_text(&one, false, &line);
		while (line.n && line.s[line.n - 1] == '\n')
			line.s[--line.n] = '\0';
		buf_printf(text, "%s%s %s:%u: %s: %s", text->n ? "\n" : "", op->pack ? op->pack : "?", s.file,
			s.line, buf_str(&line), reason(op, r->op_err[i]));
	}
	blames_free(&seen);
	return n;
}
