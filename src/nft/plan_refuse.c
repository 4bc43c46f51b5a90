// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel refused: who asked for it, and what is only an echo of that. */
#include <ctype.h>
#include <errno.h>

#include "nft/model.h"
#include "nft/readback.h"

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
		if ((*st)->active)
			backoff_refused(stmt_pack(*st), (*st)->site);
	}
	o->decl_refused = true;
	if (o->autoset) { /* the rules that it is for wait */
		any |= !o->autoset->refused;
		o->autoset->refused = true;
	}
	obj_dirty(o);
	return any;
}

static void refused_member(const struct elem_table *t, const struct member *m)
{
	const struct contrib *c = m->contrib ? contrib_by_id(t->set->rs, m->contrib) : NULL;

	if (c)
		backoff_refused(c->pk, m->site ? m->site : c->site);
}

static bool refuse_elem(const struct op *op, int errnum, bool mark)
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
		t->full |= errnum == -ENFILE;
		t->refused++;
		refused_member(t, &elem_at(t, i)->m);
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
static bool refuse(struct op *op, int errnum, bool mark)
{
	struct stmt *st = op->owner;
	struct obj *o = op->owner;

	switch (op->kind) {
	case OP_ADD_RULE:
	case OP_REPLACE_RULE:
		if (!mark)
			return true;
		st->refused = true;
		backoff_refused(stmt_pack(st), st->site);
		keep(st, op);
		obj_dirty(st->o);
		obj_changed(st->o);
		return true;
	case OP_DEL_ELEM:
	case OP_ADD_ELEM: return refuse_elem(op, errnum, mark);
	case OP_ADD_TABLE:
	case OP_ADD_CHAIN:
	case OP_ADD_SET:
	case OP_MOD_CHAIN:
	case OP_MOD_SET:
	case OP_ADD_CHAIN_DEV:
	case OP_ADD_OBJ:
	case OP_MOD_OBJ:
	case OP_ADD_FLOWTABLE:
	case OP_ADD_FLOW_DEV: return !mark || refuse_decls(o);
	case OP_DEL_TABLE:
	case OP_DEL_RULE:
	case OP_DEL_SET:
	case OP_DEL_CHAIN:
	case OP_DEL_CHAIN_DEV:
	case OP_DEL_OBJ:
	case OP_DEL_FLOWTABLE:
	case OP_DEL_FLOW_DEV: return false; /* what rnm believes of the kernel is wrong */
	case OP_RENAME_CHAIN:               /* no plan of a ruleset has these */
	case OP_FLUSH_RULES:
	case OP_FLUSH_SET:
	case OP_FLUSH_RULESET: break;
	}
	return false;
}

static bool is_rule(const struct op *op)
{
	return op->kind == OP_ADD_RULE || op->kind == OP_REPLACE_RULE;
}

static bool makes(const struct op *op) /* something in a table */
{
	return op->kind == OP_ADD_OBJ || op->kind == OP_ADD_FLOWTABLE || op->kind == OP_ADD_SET ||
	       op->kind == OP_ADD_CHAIN;
}

static bool unmakes(const struct op *op)
{
	switch (op->kind) {
	case OP_DEL_TABLE:
	case OP_DEL_RULE:
	case OP_DEL_SET:
	case OP_DEL_CHAIN:
	case OP_DEL_CHAIN_DEV:
	case OP_DEL_OBJ:
	case OP_DEL_FLOWTABLE:
	case OP_DEL_FLOW_DEV: return true;
	default: return false;
	}
}

/* "No such file" for what was to be made: the kernel has no objects or flowtables of this kind, or the table
 * is gone. */
static bool makes_in_vain(const struct plan *p, const struct commit_result *r, uint32_t i)
{
	return r->op_err[i] == -ENOENT && makes(&p->ops.v[i]);
}

bool plan_lost(const struct plan *p, const struct commit_result *r, struct obj **look)
{
	bool vain = false;

	*look = NULL;
	for (uint32_t i = 0; i < p->ops.n; i++) {
		if (r->op_err[i] && r->op_err[i] != -ENOENT)
			return false;
		vain |= makes_in_vain(p, r, i);
	}
	for (uint32_t i = 0; i < p->ops.n; i++) {
		const struct op *op = &p->ops.v[i];
		struct obj *o = is_rule(op) ? ((struct stmt *)op->owner)->o : op->owner;

		if (r->op_err[i] != -ENOENT)
			continue;
		if (op->kind == OP_ADD_ELEM && o->have && !vain)
			return true;
		if (is_rule(op) && o->have) {
			*look = o; /* or the kernel lacks something that the rule is made of */
			return true;
		}
		if (makes(op) && o->tab->have)
			*look = o->tab;
	}
	return *look != NULL;
}

bool plan_forbidden(const struct plan *p, const struct commit_result *r)
{
	bool any = false;

	for (uint32_t i = 0; i < p->ops.n; i++) {
		const struct op *op = &p->ops.v[i];

		if (r->op_err[i] != -EPERM || !obj_find(p->rs, OBJ_TABLE, op->family, NULL, op->table))
			continue;
		ruleset_suspect(p->rs, OBJ_TABLE, op->family, op->table, NULL);
		any = true;
	}
	return any;
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

#define ELEMS_TOLD 8 /* of one set and one line of a pack */

struct telling {
	struct buf *text;
	const struct op *last;
	unsigned n; /* of elements that are told alike */
};

static void tell_rest(struct telling *t)
{
	if (t->n > ELEMS_TOLD)
		buf_printf(t->text, "\n… and %u more elements of %s %s %s", t->n - ELEMS_TOLD,
			nft_family_name(t->last->family), t->last->table, t->last->name);
	t->n = 0;
}

static void tell(struct telling *t, const struct plan *p, struct op *op, int errnum)
{
	struct site s = ruleset_site_get(p->rs, op->site);
	_buf_ struct buf line = BUF_INIT;
	struct plan one = { .rs = p->rs };
	const struct op *last = t->last;

	if (op->kind != OP_ADD_ELEM || !last || last->elem.src != op->elem.src || last->site != op->site)
		tell_rest(t);
	t->last = op;
	if (op->kind == OP_ADD_ELEM && ++t->n > ELEMS_TOLD)
		return;
	one.ops.v = op;
	one.ops.n = 1;
	plan_text(&one, PLAN_BARE, &line);
	while (line.n && line.s[line.n - 1] == '\n')
		line.s[--line.n] = '\0';
	buf_printf(t->text, "%s%s %s:%u: %s: %s", t->text->n ? "\n" : "", op->pack ? op->pack : "?", s.file,
		s.line, buf_str(&line), reason(op, errnum));
}

/* Is this "no such file" only said because something else was refused? */
static bool only_echo(
	const struct plan *p, const struct commit_result *r, const struct op *op, bool others, bool vain)
{
	if (!others)
		return vain && !makes(op);
	if (op->kind != OP_ADD_OBJ && op->kind != OP_ADD_FLOWTABLE)
		return true;
	/* these name nothing but their table */
	for (uint32_t i = 0; i < p->ops.n; i++) {
		const struct op *t = &p->ops.v[i];

		if (t->kind == OP_ADD_TABLE && r->op_err[i] && t->family == op->family &&
			!strcmp(t->table, op->table))
			return true;
	}
	return false;
}

unsigned plan_refuse(struct plan *p, const struct commit_result *r, bool mark, struct buf *text)
{
	bool others = false, vain = false;
	struct telling t = { .text = text };
	blames seen = { 0 };
	unsigned n = 0;

	/* Where something else was refused, "no such file" is mostly its echo: what names it can not be
	 * found. So is that something can not be deleted: a rule that was to be replaced still names it. */
	for (uint32_t i = 0; i < p->ops.n; i++) {
		others |= r->op_err[i] && r->op_err[i] != -ENOENT && !unmakes(&p->ops.v[i]);
		vain |= makes_in_vain(p, r, i);
	}
	for (uint32_t i = 0; i < p->ops.n; i++) {
		struct op *op = &p->ops.v[i];
		bool del = op->kind == OP_DEL_ELEM;

		if (!r->op_err[i])
			continue;
		if (r->op_err[i] == -ENOENT ? only_echo(p, r, op, others, vain)
					    : echo(&seen, op, r->op_err[i])) {
			r->op_err[i] = 0;
			continue;
		}
		if (!refuse(op, r->op_err[i], mark))
			continue;
		n++;
		if (del || ((op->kind == OP_ADD_ELEM) && op->elem.n > 1))
			continue; /* nothing to tell: it is tried again */
		tell(&t, p, op, r->op_err[i]);
	}
	tell_rest(&t);
	for (uint32_t i = 0; n && i < p->ops.n; i++)
		if (unmakes(&p->ops.v[i]))
			r->op_err[i] = 0;
	blames_free(&seen);
	return n;
}
