// SPDX-License-Identifier: GPL-2.0-or-later
/* Comparisons. */
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft/ir.h"

static enum match_op op_of(int tok)
{
	switch (tok) {
	case TOK_EQ: return M_EQ;
	case TOK_NE: return M_NE;
	case '<': return M_LT;
	case '>': return M_GT;
	case TOK_LE: return M_LE;
	case TOK_GE: return M_GE;
	case '!': return M_NEG;
	default: return M_IMPLICIT;
	}
}

static u128 ones(unsigned bits)
{
	return bits >= 128 ? ~(u128)0 : ((u128)1 << bits) - 1;
}

/* What the left side does to its value before it is compared moves to the constant: (x & 0xf0) >> 4 == 5 is
 * x & 0xf0 == 0x50. */
static struct xform peel(struct cc *c, struct ex **left, bool set)
{
	struct xform xf = { 0 };
	bool turned = false;

	while ((*left)->kind == X_BINOP) {
		struct ex *x = *left;

		if (x->op == '^' && !set && !xf.shift) {
			xf.xor ^= x->b->v;
			turned = true;
		} else if (turned || !peel_shift(x, &xf)) {
			break;
		}
		*left = x->a;
	}
	*left = peel_mask(c, *left, &xf);
	return xf;
}

static bool apply(struct cc *c, const struct xform *xf, struct ex *r, unsigned width)
{
	if (xf->shift < 0 && (r->v & ones((unsigned)-xf->shift)))
		return cc_error(
			c, r->node, "the comparison is never true, the lower bits are shifted in as 0");
	if (xf->shift && r->kind == X_PREFIX) {
		r->hi = r->v | ones(r->bits - r->plen);
		r->kind = X_RANGE;
	}
	if (xf->shift > 0) {
		if (r->v >> (width - (unsigned)xf->shift))
			return cc_error(
				c, r->node, "the comparison is never true, the value has too many bits");
		r->v <<= xf->shift;
		r->hi <<= xf->shift;
	} else if (xf->shift < 0) {
		r->v >>= -xf->shift;
		r->hi >>= -xf->shift;
	}
	r->v ^= xf->xor ;
	r->bits = width;
	return true;
}

/* Which packets a presence is asked of: `exists`, `missing`, as for a boolean. */
static void presence(const struct node *n, struct ex *left)
{
	const struct node *b = n->b;

	if (left->kind != X_FIB || left->key == NFT_FIB_RESULT_ADDRTYPE || b->kind != N_WORD)
		return;
	if (strcmp(b->s, "exists") != 0 && strcmp(b->s, "missing") != 0)
		return;
	left->dir |= NFTA_FIB_F_PRESENT;
	left->dt = datatype_by_id(DT_BOOLEAN);
}

static bool is_set(struct cc *c, const struct node *n, bool *anon)
{
	const struct val *v;

	*anon = n->kind == N_SET;
	if (*anon || n->kind == N_SETREF)
		return true;
	if (n->kind != N_PARAM)
		return false;
	v = cc_param(c, n);
	*anon = v && v->kind == VAL_LIST;
	return *anon || (v && (v->kind == VAL_LIVE || v->kind == VAL_OBJ));
}

/* `meta hour "22:00"-"06:00"` crosses midnight: everything but the hours between. */
static void cross_midnight(struct ex *left, struct ex *r, enum match_op *op)
{
	u128 v = r->v;

	if (left->kind != X_META || left->key != NFT_META_TIME_HOUR || r->kind != X_RANGE || r->v <= r->hi)
		return;
	r->v = r->hi;
	r->hi = v;
	*op = *op == M_NE ? M_EQ : M_NE;
}

/* The byte order in which left and right are compared. */
static void settle_order(struct cc *c, struct ex **left, struct ex *r, enum match_op op)
{
	bool big = r->kind == X_RANGE || op == M_LT || op == M_GT || op == M_LE || op == M_GE;

	if (r->kind == X_SET) {
		const struct set_info *info =
			r->set.anon >= 0 ? &c->code->sets.v[r->set.anon].info : r->set.info;

		*left = set_key(c, *left, info);
		return;
	}
	if (big)
		*left = ex_swap(c, *left, ORDER_BIG);
	r->order = (*left)->order;
}

static bool check_op(
	struct cc *c, const struct node *n, enum match_op op, const struct ex *left, const struct ex *r)
{
	if (op == M_NEG) {
		if (left->kind == X_BINOP)
			return cc_error(c, n, "`!` and operators do not go together");
		if (r->kind != X_VALUE || left->dt->base != BASE_BITMASK)
			return cc_error(
				c, n->b, "`!` is for single bits of a set of bits; did you mean `!=`?");
	}
	if (op >= M_LT && op <= M_GE) {
		if (left->kind == X_CONCAT)
			return cc_error(c, n, "concatenations have no order");
		if (r->kind != X_VALUE)
			return cc_error(c, n->b, "< and > compare with one value");
		if (left->dt->base == BASE_STRING)
			return cc_error(c, n, "%s has no order", left->dt->name);
	}
	if (r->kind == X_WILD)
		return cc_error(c, n->b, "`*` stands in sets only");
	return true;
}

static void learn(struct cc *c, enum match_op op, const struct ex *left, const struct ex *r)
{
	if (op != M_EQ && op != M_IMPLICIT)
		return;
	if (r->kind == X_VALUE) {
		dep_learn(c, left, r);
	} else if (r->kind == X_SET && r->set.anon >= 0 &&
		   (left->kind == X_META || left->kind == X_PAYLOAD)) {
		const struct anon_set *as = &c->code->sets.v[r->set.anon];
		struct ex one = *r;

		if (as->info.flags & NFT_SET_INTERVAL || !left->is_key)
			return;
		one.kind = X_VALUE;
		vec_foreach (el, &as->elems) {
			if (el->catchall)
				continue;
			one.v = num_import(
				el->key, el->klen, left->order == ORDER_HOST ? ORDER_HOST : ORDER_BIG);
			dep_learn(c, left, &one);
			if (c->p.proto[PB_LL] == &proto_eth && left->kind == X_META &&
				left->key == NFT_META_IIFTYPE)
				break; /* of several kinds of links Ethernet is the one whose header can be
					  read */
		}
	}
}

/* tcp flags syn / syn,ack: of the bits behind the slash, those in front of it are set. */
static struct ex *masked(struct cc *c, const struct node *n, struct ex *left, const struct want *w)
{
	struct ex *m = ev_const(c, n->c, w), *x;

	if (!m)
		return NULL;
	if (left->dt->base != BASE_BITMASK || m->kind != X_VALUE)
		return cc_error(c, n->c, "a mask behind a slash is for sets of bits");
	x = ex_new(c, X_BINOP, n);
	x->op = '&';
	x->a = left;
	x->b = m;
	x->dt = left->dt;
	x->bits = left->bits;
	x->order = left->order;
	m->order = left->order;
	return x;
}

/* b: what stands on the right side, n->b or an element of it. */
static bool match_with(struct cc *c, const struct node *n, const struct node *b, enum match_op op)
{
	struct xform xf = { 0 };
	struct ex *left, *r;
	struct want w;
	bool set, anon;

	left = ev_left(c, n->a);
	if (!left)
		return false;
	presence(n, left);
	want_ex(&w, left);
	set = is_set(c, b, &anon);
	if (c->failed)
		return false;
	if (set) {
		if (op != M_IMPLICIT && op != M_EQ && op != M_NE)
			return cc_error(c, n, "a set is compared with == or !=");
		if (n->c)
			return cc_error(c, n->c, "a mask behind a set");
		if (anon) {
			if (left->kind != X_CONCAT && may_peel(b, left))
				xf = peel(c, &left, true);
			r = set_anon(c, b, left, &xf);
			if (r && r->kind != X_SET) { /* one element: a plain comparison */
				r->bits = 8 * ex_bytes(left);
				memset(&xf, 0, sizeof(xf));
			}
		} else {
			r = set_named(c, b, left);
		}
	} else {
		if (n->c && !(left = masked(c, n, left, &w)))
			return false;
		r = ev_const(c, b, &w);
		if (r && left->kind != X_CONCAT) {
			xf = peel(c, &left, r->kind != X_VALUE);
			if ((xf.shift || xf.xor || r->kind == X_VALUE) && r->kind != X_WILD &&
				!apply(c, &xf, r, 8 * ex_bytes(left)))
				return false;
		}
		if (n->c && op == M_IMPLICIT)
			op = M_EQ;
	}
	if (!r || !check_op(c, n, op, left, r))
		return false;
	if (left->kind == X_BINOP && op == M_IMPLICIT)
		op = M_EQ;
	if (r->kind == X_SET && left->kind == X_CT && (left->key == NFT_CT_SRC || left->key == NFT_CT_DST))
		return cc_error(c, n->a, "with a set, say the family: `ct original ip saddr`");
	if (r->kind == X_CONCAT) {
		if (b->kind == N_CONCAT)
			return cc_error(c, b, "a concatenation is compared with a set, write { a . b }");
		for (unsigned i = 0; i < r->n; i++) {
			if (r->part[i]->kind != X_VALUE)
				return cc_error(c, r->part[i]->node,
					"ranges in a concatenation stand in a set: { a . b-c }");
			r->part[i]->bits = 8 * ex_bytes(left->part[i]);
			r->part[i]->order = left->part[i]->order;
		}
	} else {
		cross_midnight(left, r, &op);
		learn(c, op, left, r);
		settle_order(c, &left, r, op);
	}
	if (r->kind == X_SET && r->set.info)
		left = set_key(c, left, r->set.info);
	st_match(c, n, op, left, r);
	return true;
}

/* An element of a set in braces that is a live list. */
static bool is_live(struct cc *c, const struct node *el)
{
	const struct val *v = el->a->kind == N_PARAM && !el->c ? cc_param(c, el->a) : NULL;

	return v && v->kind == VAL_LIVE;
}

/* { $live, 10.0.0.1 }: in none of them is the same as not in the one and not in the others. */
static bool match_lives(struct cc *c, const struct node *n, const struct node *first, unsigned lives)
{
	enum match_op op = op_of(n->op);
	bool ok = true;

	if (lives == 1 && n->b->u == 1)
		return match_with(c, n, first->a, op);
	if (op != M_NE)
		return cc_error(c, first->a,
			"a live list is a set of its own, it cannot be one of several elements; state a set "
			"that follows it and has the others as well (set:follow, set:add) and match @that, "
			"or write two rules");
	for (const struct node *el = first; el && ok; el = el->next)
		if (is_live(c, el))
			ok = match_with(c, n, el->a, op);
	if (!ok || lives == n->b->u)
		return ok;
	c->skip_live = true;
	ok = match_with(c, n, n->b, op);
	c->skip_live = false;
	return ok;
}

bool compile_match(struct cc *c, const struct node *n)
{
	const struct node *first = NULL;
	unsigned lives = 0;

	if (n->b->kind == N_SET)
		for (const struct node *el = n->b->a; el && !c->failed; el = el->next)
			if (is_live(c, el) && !lives++)
				first = el;
	if (c->failed)
		return false;
	return lives ? match_lives(c, n, first, lives) : match_with(c, n, n->b, op_of(n->op));
}
