// SPDX-License-Identifier: GPL-2.0-or-later
/* The elements of a set as they are written. */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include <stdio.h>

#include <libnftnl/expr.h>

#include "nft/set_build.h"

static u128 ones(unsigned bits)
{
	return bits >= 128 ? ~(u128)0 : ((u128)1 << bits) - 1;
}

void build_bounds(const struct ex *x, u128 *lo, u128 *hi)
{
	*lo = *hi = x->v;
	if (x->kind == X_RANGE)
		*hi = x->hi;
	else if (x->kind == X_PREFIX)
		*hi = x->v | ones(x->bits - x->plen);
}

static bool transform(struct build *b, struct ex *x)
{
	const struct xform *xf = b->xf;

	if (!xf || x->kind == X_WILD)
		return true;
	if (xf->xor &&x->kind != X_VALUE) {
		cc_error(b->c, x->node, "ranges cannot be compared behind a ^");
		return false;
	}
	if (xf->shift < 0 && (x->v & ones((unsigned)-xf->shift))) {
		cc_error(b->c, x->node, "the comparison is never true, the lower bits are shifted in as 0");
		return false;
	}
	if (x->kind == X_PREFIX && xf->shift) {
		x->hi = x->v | ones(x->bits - x->plen);
		x->kind = X_RANGE;
	}
	if (xf->shift > 0) {
		x->v <<= xf->shift;
		x->hi <<= xf->shift;
	} else if (xf->shift < 0) {
		x->v >>= -xf->shift;
		x->hi >>= -xf->shift;
	}
	x->v ^= xf->xor ;
	return true;
}

/* ---- data ---- */

static bool data_bytes(struct build *b, const struct ex *x, struct setelem *el)
{
	unsigned n = x->kind == X_CONCAT ? x->n : 1, off = 0;
	uint8_t hi[NFT_KEY_MAX] = { 0 };

	for (unsigned i = 0; i < n; i++) {
		const struct ex *p = x->kind == X_CONCAT ? x->part[i] : x;
		unsigned len = datatype_bytes(p->bits);
		u128 lo, up;

		if (p->kind == X_WILD) {
			cc_error(b->c, p->node, "`*` cannot be a value of a map");
			return false;
		}
		if (off + len > NFT_KEY_MAX) {
			cc_error(b->c, p->node, "the value is too long");
			return false;
		}
		build_bounds(p, &lo, &up);
		num_export(lo, len, p->order, el->data + off);
		num_export(up, len, p->order, hi + off);
		b->data_interval |= p->kind != X_VALUE;
		off += x->kind == X_CONCAT ? (len + 3) & ~3u : len;
	}
	/* both ends for now; the second is dropped when no value of the map is a range */
	if (2 * off > NFT_KEY_MAX) {
		if (b->data_interval) {
			cc_error(b->c, x->node, "the range of values is too long");
			return false;
		}
	} else {
		memcpy(el->data + off, hi, off);
	}
	el->dlen = (uint16_t)off;
	return true;
}

static bool verdict_text(struct cc *c, const struct node *at, const char *s, struct setelem *el)
{
	static const struct {
		const char *word;
		int32_t code;
	} words[] = { { "accept", NF_ACCEPT }, { "drop", NF_DROP }, { "continue", NFT_CONTINUE },
		{ "return", NFT_RETURN } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(s, words[i].word)) {
			el->verdict_code = words[i].code;
			return true;
		}
	if (!strncmp(s, "jump ", 5) || !strncmp(s, "goto ", 5)) {
		el->verdict_code = *s == 'j' ? NFT_JUMP : NFT_GOTO;
		s += 5;
		if (*s && strlen(s) < 128) {
			strcpy(el->target, s);
			return true;
		}
	}
	cc_error(c, at, "$%s: \"%.60s\" is no verdict", at->s, s);
	return false;
}

bool verdict_val(struct cc *c, const struct node *at, const struct val *v, struct setelem *el)
{
	if (!cc_handle(c, at, v, OBJ_CHAIN))
		return false;
	if (v->kind == VAL_OBJ && v->str && strlen(v->str) < 128) { /* jump there */
		el->verdict_code = NFT_JUMP;
		strcpy(el->target, v->str);
		return true;
	}
	if (v->kind != VAL_STRING || !v->str)
		return cc_error(c, at, "$%s: a verdict is expected as value", at->s);
	return verdict_text(c, at, v->str, el);
}

static bool obj_of(struct build *b, const struct node *at, const struct val *v, struct setelem *el)
{
	if (!cc_handle(b->c, at, v, OBJ_STATEFUL + b->obj_type))
		return false;
	if ((v->kind != VAL_STRING && v->kind != VAL_OBJ) || !v->str || !*v->str || strlen(v->str) > 127) {
		cc_error(b->c, at, "$%s: the name of an object is expected as value", at->s);
		return false;
	}
	strcpy(el->target, v->str);
	return true;
}

static bool add_data(
	struct build *b, const struct node *at, const struct node *n, const struct val *v, struct setelem *el)
{
	const struct ex *x;

	if (b->obj_type) {
		if (n ? !cc_name(b->c, n, OBJ_STATEFUL + b->obj_type, el->target) : !obj_of(b, at, v, el))
			return false;
		cc_ref(b->c, REF_OBJECT, b->obj_type, el->target);
		return true;
	}
	if (b->verdicts) {
		el->verdict = true;
		if (n && n->kind == N_VERDICT)
			return ev_verdict(b->c, n, &el->verdict_code, el->target);
		if (n && n->kind == N_PARAM)
			v = cc_param(b->c, n);
		else if (n)
			cc_error(b->c, n, "a verdict is expected here");
		if (!v)
			return false;
		if (!verdict_val(b->c, n ? n : at, v, el))
			return false;
		if (*el->target)
			cc_ref(b->c, REF_CHAIN, 0, el->target);
		return true;
	}
	if (n && n->kind == N_VERDICT) {
		cc_error(b->c, n,
			"a verdict where a value of type %s is expected; maps of verdicts are written `vmap`",
			b->data.p[0].dt->name);
		return false;
	}
	x = n ? ev_const(b->c, n, &b->data) : ev_val(b->c, at, v, &b->data);
	return x && data_bytes(b, x, el);
}

/* ---- keys ---- */

static bool add_key(struct build *b, const struct node *at, struct ex *x, struct item *it)
{
	if (!x)
		return false;
	it->key = x;
	it->node = at;
	if (b->items.n >= SET_ITEMS_MAX) {
		cc_error(b->c, at, "more than %d elements in one set of a rule", SET_ITEMS_MAX);
		return false;
	}
	if (x->kind == X_WILD) {
		it->el.catchall = true;
		return true;
	}
	if (x->kind != X_CONCAT) {
		if (!transform(b, x))
			return false;
		b->interval |= x->kind != X_VALUE;
		return true;
	}
	for (unsigned i = 0; i < x->n; i++)
		b->interval |= x->part[i]->kind != X_VALUE;
	return true;
}

/* As nft takes them; a timeout is for sets of the table. */
static bool add_options(struct build *b, const struct node *n, struct item *it)
{
	it->exprs = b->exprs.n;
	for (; n; n = n->next) {
		struct nftnl_expr *e;

		if (n->kind == N_OPT_TIMEOUT || n->kind == N_OPT_EXPIRES)
			return cc_error(b->c, n, "elements of a set in braces have no timeout");
		if (n->kind == N_OPT_COMMENT && n->a->kind == N_PARAM)
			return cc_error(b->c, n->a, "the comment of an element must be a text");
		if (n->kind == N_OPT_COMMENT) {
			it->el.comment = cc_text(b->c, n->a, NFT_USERDATA_MAXLEN / 2, "the comment");
			if (!it->el.comment)
				return false;
			continue;
		}
		e = it->el.n_exprs < 2 ? gen_stateful(b->c, n) : NULL;
		if (!e)
			return b->c->failed ? false
					    : cc_error(b->c, n, "at most two statements in an element");
		vec_push(&b->exprs, e);
		it->el.n_exprs++;
	}
	return true;
}

void build_free(struct build *b)
{
	vec_foreach (e, &b->exprs)
		nftnl_expr_free(*e);
	vec_free(&b->exprs);
	vec_free(&b->items);
}

static bool add_node(struct build *b, const struct node *n)
{
	struct item it = { 0 };

	if (n->c && !add_options(b, n->c, &it))
		return false;
	if (n->a->kind == N_PARAM && !b->is_map) { /* { 1.1.1.1, $more } */
		const struct val *v = cc_param(b->c, n->a);

		if (!v)
			return false;
		if (v->kind == VAL_LIST) {
			for (uint32_t i = 0; i < v->n; i++) {
				struct item more = { 0 };

				if (!add_key(b, n->a, ev_val(b->c, n->a, &v->list[i], &b->want), &more))
					return false;
				vec_push(&b->items, more);
			}
			return true;
		}
		if (v->kind == VAL_LIVE && b->c->skip_live)
			return true;
	}
	if (!add_key(b, n, ev_const(b->c, n->a, &b->want), &it))
		return false;
	if (b->is_map && !add_data(b, n, n->b, NULL, &it.el))
		return false;
	vec_push(&b->items, it);
	return true;
}

static bool add_vals(struct build *b, const struct node *at, const struct val *v)
{
	uint32_t step = b->is_map ? 2 : 1;

	if (v->n % step) {
		cc_error(b->c, at, "$%s: a key without a value", at->s);
		return false;
	}
	for (uint32_t i = 0; i < v->n; i += step) {
		struct item it = { 0 };

		if (!add_key(b, at, ev_val(b->c, at, &v->list[i], &b->want), &it))
			return false;
		if (b->is_map && !add_data(b, at, NULL, &v->list[i + 1], &it.el))
			return false;
		vec_push(&b->items, it);
	}
	return true;
}

bool build_fill(struct build *b, const struct node *n)
{
	const struct val *v;

	if (n->kind == N_SET) {
		for (const struct node *el = n->a; el; el = el->next)
			if (!add_node(b, el))
				return false;
		return true;
	}
	v = cc_param(b->c, n);
	if (!v)
		return false;
	if (v->kind != (b->is_map ? VAL_MAP : VAL_LIST) && !(v->kind == VAL_LIST && !v->n)) {
		cc_error(b->c, n,
			b->is_map ? "$%s: a table of keys and values is expected here"
				  : "$%s: a list is expected here",
			n->s);
		return false;
	}
	return add_vals(b, n, v);
}
