// SPDX-License-Identifier: GPL-2.0-or-later
/* Elements of the table's sets as they are written, and the statements of sets and elements. Lists have a
 * hundred thousand elements: words of the common types become bytes without a tree of expressions, and memory
 * is used again for the next element. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>

#include <libnftnl/expr.h>

#include "nft/parse.h"
#include "nft/set_build.h"

static struct arena_block *spare; /* kept from one compilation to the next */

static void begin(
	struct cc *c, const struct ast_rule *r, const struct rule_env *env, struct code *code, struct err *e)
{
	*c = (struct cc){ .r = r, .env = env, .e = e, .code = code, .arena = spare };
	c->tail = &c->first;
	spare = NULL;
}

static int end(struct cc *c, struct err *local, struct err *e)
{
	arena_reset(&c->arena);
	if (spare) /* a live value compiled something meanwhile */
		arena_free(&c->arena);
	else
		spare = c->arena;
	vec_free(&c->code->refs);
	if (!c->failed)
		return 0;
	return err_set(e, local->code ? local->code : -EINVAL, "%s", err_text(local));
}

/* ---- parts ---- */

/* "10.1.2.3", nothing else: what is written otherwise goes the long way. */
static bool quick_ip4(const char *s, uint32_t *out)
{
	uint8_t b[4];
	const char *end = ipv4_scan(s, b);

	if (!end || *end)
		return false;
	*out = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return true;
}

static bool quick_len(const char *s, unsigned *out)
{
	unsigned v = (unsigned)(*s - '0');

	if (v > 9)
		return false;
	if (s[1]) {
		if (!v || (unsigned)(s[1] - '0') > 9 || s[2])
			return false;
		v = v * 10 + (unsigned)(s[1] - '0');
	}
	*out = v;
	return v <= 32;
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static bool quick_part(const struct node *n, uint8_t *lo, uint8_t *hi)
{
	uint32_t a, b;
	unsigned len;

	if (n->kind == N_WORD) {
		if (!quick_ip4(n->s, &a))
			return false;
		b = a;
	} else if (!hi) {
		return false;
	} else if (n->kind == N_PREFIX) {
		if (n->a->kind != N_WORD || n->b->kind != N_WORD || !quick_ip4(n->a->s, &a) ||
			!quick_len(n->b->s, &len))
			return false;
		b = len < 32 ? UINT32_MAX >> len : 0;
		a &= ~b;
		b |= a;
	} else if (n->kind != N_RANGE || n->a->kind != N_WORD || n->b->kind != N_WORD ||
		   !quick_ip4(n->a->s, &a) || !quick_ip4(n->b->s, &b) || a > b) {
		return false;
	}
	put32(lo, a);
	if (hi)
		put32(hi, b);
	return true;
}

/* Where a part of a key or of a map's value goes. hi NULL: one value only. */
struct place {
	const struct datatype *dt;
	unsigned bits;
	bool big; /* numbers of host order lie big endian */
	uint8_t *lo, *hi;
};

static bool put_ex(struct cc *c, const struct node *n, const struct ex *x, const struct place *pl)
{
	enum dt_order order = pl->big || pl->dt->base == BASE_STRING ? ORDER_BIG : dt_order_of(pl->dt);
	unsigned len = datatype_bytes(pl->bits);
	u128 lo, hi;

	if (x->kind == X_WILD)
		return cc_error(c, n, "`*` stands alone, as the key of what no other element is for");
	if (x->kind != X_VALUE && !pl->hi)
		return cc_error(c, n, "%s needs a set with the flag interval: `flags interval`",
			x->kind == X_RANGE            ? "a range"
			: pl->dt->base == BASE_STRING ? "a pattern"
						      : "a prefix");
	build_bounds(x, &lo, &hi);
	if (lo > hi)
		return cc_error(c, n, "the range ends before it begins");
	num_export(lo, len, order, pl->lo);
	if (pl->hi)
		num_export(hi, len, order, pl->hi);
	return true;
}

static bool put_part(struct cc *c, const struct node *n, const struct place *pl)
{
	struct want w;
	struct ex *x;

	if (pl->dt->id == DT_IPADDR && pl->bits == 32 && quick_part(n, pl->lo, pl->hi))
		return true;
	want_dt(&w, pl->dt, pl->bits, dt_order_of(pl->dt));
	x = ev_const(c, n, &w);
	return x && put_ex(c, n, x, pl);
}

/* All parts of a key or of a map's value; their bytes, 0 after an error. */
static unsigned put_parts(
	struct cc *c, const struct node *n, const struct nft_type *t, bool big, uint8_t *lo, uint8_t *hi)
{
	const struct node *m = n->kind == N_CONCAT ? n->a : n;
	struct ex *x = NULL;
	unsigned off = 0;
	struct want w;

	if (!t->n || nft_type_is_verdict(t))
		return !!cc_error(c, n, "the set has no type for a value here");
	if (n->kind == N_CONCAT ? n->u != t->n : t->n > 1 && n->kind != N_PARAM)
		return !!cc_error(c, n,
			t->n == 1 ? "a concatenation where one value is expected"
				  : "%u values, the set has concatenations of %u parts, a . b …",
			n->kind == N_CONCAT ? (unsigned)n->u : 1, t->n);
	if (t->n > 1 && n->kind == N_PARAM) {
		want_type(&w, t);
		x = ev_const(c, n, &w);
		if (!x)
			return 0;
		if (x->kind != X_CONCAT)
			return !!cc_error(c, n, "expected a concatenation of %u values", t->n);
	}
	for (unsigned i = 0; i < t->n; i++) {
		struct place pl = { t->part[i], t->bits[i], big, lo + off, hi ? hi + off : NULL };
		unsigned len = datatype_bytes(t->bits[i]), pad = t->n > 1 ? -len % 4 : 0;

		if (off + len + pad > NFT_KEY_MAX)
			return !!cc_error(c, n, "the value is longer than %d bytes", NFT_KEY_MAX);
		if (!(x ? put_ex(c, n, x->part[i], &pl) : put_part(c, m, &pl)))
			return 0;
		memset(pl.lo + len, 0, pad);
		if (hi)
			memset(pl.hi + len, 0, pad);
		off += len + pad;
		m = x ? NULL : m->next;
	}
	return off;
}

/* ---- elements ---- */

static bool put_verdict(struct cc *c, const struct node *n, struct setelem *el)
{
	const struct val *v;

	el->verdict = true;
	if (n->kind == N_VERDICT) {
		el->verdict_code = (int32_t)(int64_t)n->u;
		return !n->a || cc_name(c, n->a, OBJ_CHAIN, el->target);
	}
	if (n->kind != N_PARAM)
		return cc_error(c, n, "a verdict is expected here");
	v = cc_param(c, n);
	return v && verdict_val(c, n, v, el);
}

static bool put_data(struct cc *c, const struct node *el, const struct set_info *set, struct setelem *out)
{
	const struct node *n = el->b;
	unsigned len;

	if (!(set->flags & (NFT_SET_MAP | NFT_SET_OBJECT)))
		return !n || cc_error(c, n, "@%s is a set, its elements have no values", set->name);
	if (!n)
		return cc_error(c, el, "@%s is a map, its elements are written `key : value`", set->name);
	if (set->flags & NFT_SET_OBJECT)
		return cc_name(c, n, OBJ_STATEFUL + set->obj_type, out->target);
	if (nft_type_is_verdict(&set->data))
		return put_verdict(c, n, out);
	if (n->kind == N_VERDICT)
		return cc_error(c, n, "a verdict, the values of @%s are of type %s", set->name,
			set->data.part[0]->name);
	if (!set->data.interval) {
		len = put_parts(c, n, &set->data, false, out->data, NULL);
	} else {
		uint8_t hi[NFT_KEY_MAX];

		len = put_parts(c, n, &set->data, true, out->data, hi);
		if (2 * len > NFT_KEY_MAX)
			return cc_error(c, n, "the range of values is longer than %d bytes", NFT_KEY_MAX);
		memcpy(out->data + len, hi, len);
		len *= 2;
	}
	out->dlen = (uint16_t)len;
	return len;
}

static bool put_options(struct cc *c, const struct node *n, const struct set_info *set, struct setelem *out,
	struct exprs *keep)
{
	uint32_t from = keep->e.n;

	for (; n; n = n->next) {
		struct nftnl_expr *x;

		switch (n->kind) {
		case N_OPT_TIMEOUT:
		case N_OPT_EXPIRES:
			if (!(set->flags & NFT_SET_TIMEOUT))
				return cc_error(
					c, n, "@%s has not the flag timeout: `flags timeout`", set->name);
			if (!cc_time(c, n->a, n->kind == N_OPT_TIMEOUT ? &out->timeout_ms : &out->expires_ms))
				return false;
			break;
		case N_OPT_COMMENT:
			if (n->a->kind == N_STRING && !*n->a->s)
				break; /* says nothing */
			out->comment = cc_text(c, n->a, NFT_USERDATA_MAXLEN / 2, "the comment");
			if (!out->comment)
				return false;
			break;
		default:
			x = gen_stateful(c, n);
			if (!x)
				return false;
			vec_push(&keep->e, x);
		}
	}
	if (keep->e.n - from > UINT8_MAX)
		return cc_error(c, c->cur, "too many statements in one element");
	out->n_exprs = (uint8_t)(keep->e.n - from);
	out->exprs = out->n_exprs ? keep->e.v + from : NULL;
	return true;
}

static bool put_elem(struct cc *c, const struct node *el, const struct set_info *set, struct setelem *out,
	struct exprs *keep)
{
	bool ranges = set->flags & NFT_SET_INTERVAL;

	if (el->a->kind == N_WILD) {
		out->catchall = true;
	} else {
		out->klen = (uint16_t)put_parts(
			c, el->a, &set->key, ranges, out->key, ranges ? out->key_end : NULL);
		out->interval = ranges;
		if (!out->klen)
			return false;
	}
	return (!el->c || put_options(c, el->c, set, out, keep)) && put_data(c, el, set, out);
}

int elem_compile(const struct ast_rule *r, const struct node *el, const struct set_info *set,
	const struct rule_env *env, struct setelem *out, struct exprs *keep, struct err *e)
{
	_err_ struct err local = ERR_INIT;
	struct code code = { 0 };
	struct cc c;

	memset(out, 0, sizeof(*out));
	begin(&c, r, env, &code, &local);
	c.cur = el;
	if (!put_elem(&c, el, set, out, keep) && !c.failed)
		cc_error(&c, el, "this element cannot be compiled");
	return end(&c, &local, e);
}

/* ---- statements ---- */

int stateful_compile(const struct ast_rule *r, const struct node *list, const struct rule_env *env,
	struct exprs *out, struct err *e)
{
	_err_ struct err local = ERR_INIT;
	struct code code = { 0 };
	struct cc c;

	begin(&c, r, env, &code, &local);
	for (const struct node *n = list; n && !c.failed; n = n->next) {
		struct nftnl_expr *x = gen_stateful(&c, n);

		if (x)
			vec_push(&out->e, x);
		else if (!c.failed)
			cc_error(&c, n, "this statement keeps no state, it cannot stand here");
	}
	return end(&c, &local, e);
}

int stateful_parse(const char *text, struct exprs *out, struct err *e)
{
	static const struct rule_env nobody = { .hook = -1 };
	struct node *list = NULL;
	struct ast_rule *r;
	int code = stateful_tree(text, &r, &list, e);

	if (code < 0)
		return code;
	code = stateful_compile(r, list, &nobody, out, e);
	ast_put(r);
	return code;
}

void exprs_free(struct exprs *x)
{
	vec_foreach (it, &x->e)
		nftnl_expr_free(*it);
	vec_free(&x->e);
}
