// SPDX-License-Identifier: GPL-2.0-or-later
/* Is the text right? It is compiled, and what comes out compared with what the kernel holds: statement by
 * statement, by the values that they use, wherever these lie. */
#include <linux/netfilter.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "nft/decomp.h"

struct side { /* one of the two */
	struct dc *c;
	struct code *code; /* NULL: the kernel's */
	struct prog prog;
};

static const struct set_info *side_set(void *ctx, const struct dx *x)
{
	struct side *s = ctx;

	if (s->code && x->id)
		return x->id <= s->code->sets.n ? &s->code->sets.v[x->id - 1].info : NULL;
	return dc_set(s->c, x);
}

/* ---- sets ---- */

static int by_bytes(const void *x, const void *y)
{
	const struct setelem *a = x, *b = y;
	int d;

	if (a->catchall != b->catchall || a->catchall)
		return (int)a->catchall - (int)b->catchall;
	d = memcmp(a->key, b->key, a->klen < b->klen ? a->klen : b->klen);
	return d ? d : a->klen - b->klen;
}

static const uint8_t *end_of(const struct setelem *el)
{
	return el->interval ? el->key_end : el->key;
}

static bool text_same(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

/* Does the interval reach the last value that a key of these bits has? */
static bool is_open(const struct set_info *s, const struct setelem *el)
{
	unsigned bits = s->key.bits[0] % 8 ? s->key.bits[0] % 8 : 8;

	if (!el->interval || s->key.n != 1 ||
		(el->key_end[0] != 0xff && el->key_end[0] != 0xff >> (8 - bits)))
		return false;
	for (unsigned i = 1; i < el->klen; i++)
		if (el->key_end[i] != 0xff)
			return false;
	return true;
}

static bool elem_same(
	const struct set_info *s, const struct setelem *a, const struct set_info *t, const struct setelem *b)
{
	if (!text_same(a->comment, b->comment))
		return false;
	if (a->catchall != b->catchall || a->verdict != b->verdict || a->dlen != b->dlen ||
		strcmp(a->target, b->target) != 0 || (a->verdict && a->verdict_code != b->verdict_code))
		return false;
	if (!a->catchall &&
		(a->klen != b->klen || memcmp(a->key, b->key, a->klen) != 0 ||
			(memcmp(end_of(a), end_of(b), a->klen) != 0 && !(is_open(s, a) && is_open(t, b)))))
		return false;
	return a->verdict || !memcmp(a->data, b->data, a->dlen);
}

static bool content_same(struct anon *a, struct anon_set *b)
{
	const uint32_t mask = NFT_SET_MAP | NFT_SET_OBJECT;

	if (a->odd || (a->info->flags & mask) != (b->info.flags & mask) || a->el.n != b->elems.n ||
		nft_type_len(&a->info->key) != nft_type_len(&b->info.key) ||
		((a->info->flags & NFT_SET_OBJECT) && a->info->obj_type != b->info.obj_type))
		return false;
	if (a->el.n > 1) {
		qsort(a->el.v, a->el.n, sizeof(*a->el.v), by_bytes);
		qsort(b->elems.v, b->elems.n, sizeof(*b->elems.v), by_bytes);
	}
	for (uint32_t i = 0; i < a->el.n; i++)
		if (!elem_same(a->info, &a->el.v[i], &b->info, &b->elems.v[i]))
			return false;
	return true;
}

static bool set_same(struct side *a, const struct dx *x, struct side *b, const struct dx *y)
{
	const struct set_info *s = side_set(a, x), *t = side_set(b, y);
	bool anon = s && s->flags & NFT_SET_ANONYMOUS;

	if (!s || !t)
		return false;
	if (!anon || s->flags & NFT_SET_EVAL)
		return !strcmp(s->name, t->name) && (!y->id || anon);
	return y->id && content_same(dc_anon(a->c, s), &b->code->sets.v[y->id - 1]);
}

/* ---- values ---- */

static bool svs_same(struct side *a, const struct svs *x, struct side *b, const struct svs *y);

static bool sv_same(struct side *a, const struct sv *x, struct side *b, const struct sv *y)
{
	if (!a->c->budget)
		return false;
	a->c->budget--;
	return dx_same(x->x, y->x, false) && x->len == y->len && svs_same(a, &x->in, b, &y->in) &&
	       (x->x->kind != DX_MAP || set_same(a, x->x, b, y->x));
}

static bool svs_same(struct side *a, const struct svs *x, struct side *b, const struct svs *y)
{
	if (x->n != y->n)
		return false;
	for (unsigned i = 0; i < x->n; i++)
		if (x->v[i].at != y->v[i].at || !sv_same(a, x->v[i].v, b, y->v[i].v))
			return false;
	return true;
}

/* ---- statements ---- */

static enum same prog_same(struct side *a, struct side *b);

static bool rule_same(struct side *a, const struct inner_rule *x, struct side *b, const struct anon_rule *y)
{
	struct side in = { .c = a->c }, made = { .c = b->c, .code = y->code };
	struct dx *v = arena_alloc(&a->c->arena, y->code->exprs.n * sizeof(*v));
	bool ok = text_same(x->comment, y->comment);

	for (uint32_t i = 0; i < y->code->exprs.n; i++)
		ok = ok && dx_read(&a->c->arena, y->code->exprs.v[i], &v[i]);
	if (ok) {
		dx_walk(&a->c->arena, x->x, x->n, side_set, &in, &in.prog);
		dx_walk(&a->c->arena, v, y->code->exprs.n, side_set, &made, &made.prog);
		ok = in.prog.ok && made.prog.ok && prog_same(&in, &made) != SAME_NOT;
	}
	prog_free(&in.prog);
	prog_free(&made.prog);
	return ok;
}

static bool verdict_same(struct side *a, const struct dx *x, struct side *b, const struct dx *y)
{
	struct inner in = { 0 };
	struct anon_chain *ch;
	bool ok;

	if (!y->id)
		return text_same(x->name, y->name);
	if (y->id > b->code->chains.n || !inner_read(a->c, x, &in))
		return false;
	ch = &b->code->chains.v[y->id - 1];
	ok = !in.bad && in.rules.n == ch->rules.n;
	for (uint32_t i = 0; ok && i < in.rules.n; i++)
		ok = rule_same(a, &in.rules.v[i], b, &ch->rules.v[i]);
	inner_free(&in);
	return ok;
}

/* from … to, said by two comparisons or by one expression */
struct bounds {
	const uint8_t *lo, *hi;
	unsigned len;
	bool out;
};

static bool bounds_of(const struct ds *s, struct bounds *r)
{
	*r = (struct bounds){ s->x->p.a, s->hi ? s->hi->p.a : s->x->p.b, s->x->p.alen, false };
	r->out = s->x->kind == DX_RANGE && s->x->p.op == NFT_RANGE_NEQ;
	return s->hi || s->x->kind == DX_RANGE;
}

/* Is y about the first bits of src, and el all values that begin so? */
static bool prefix_same(
	struct side *a, const struct svs *src, struct side *b, const struct ds *y, const struct setelem *el)
{
	const struct dx *load, *part;
	const uint8_t *mask = NULL;
	struct svs in = y->src[0];
	unsigned len = y->x->p.alen;

	if (in.n != 1 || src->n != 1 || src->v[0].at || in.v[0].at || !el->interval || len > el->klen)
		return false;
	if (in.v[0].v->x->kind == DX_BITWISE) {
		static const uint8_t zero[EXPR_DATA_MAX];

		mask = in.v[0].v->x->p.a;
		if (in.v[0].v->len != len || len != el->klen || memcmp(in.v[0].v->x->p.b, zero, len) != 0)
			return false;
		in = in.v[0].v->in;
		if (!svs_same(a, src, b, &in))
			return false;
	} else { /* the first bytes alone */
		load = src->v[0].v->x;
		part = in.v[0].v->x;
		if (load->kind != DX_PAYLOAD || part->kind != DX_PAYLOAD || load->p.base != part->p.base ||
			load->p.off != part->p.off || part->p.len != len || load->p.len != el->klen)
			return false;
	}
	for (unsigned i = 0; i < el->klen; i++) {
		uint8_t m = (uint8_t)(mask      ? mask[i]
				      : i < len ? 0xff
						: 0),
			v = (uint8_t)(i < len ? y->x->p.a[i] : 0);

		if (el->key[i] != v || (v & ~m) || el->key_end[i] != (uint8_t)(v | ~m))
			return false;
	}
	return true;
}

/* Where x looks up its value in a set of one element, that is a comparison. */
static bool lonely(struct side *a, const struct ds *x, struct side *b, const struct ds *y)
{
	const struct set_info *s = x->x->kind == DX_LOOKUP ? side_set(a, x->x) : NULL;
	bool not = x->x->p.flags & NFT_LOOKUP_F_INV;
	const struct setelem *el;
	struct bounds r;
	struct anon *in;

	if (!s || !(s->flags & NFT_SET_ANONYMOUS) || s->flags & (NFT_SET_MAP | NFT_SET_OBJECT | NFT_SET_EVAL))
		return false;
	in = dc_anon(a->c, s);
	if (in->odd || in->el.n != 1 || in->el.v[0].catchall || s->key.n != 1)
		return false;
	el = &in->el.v[0];
	if (y->x->kind == DX_CMP && y->x->p.op == (not ? NFT_CMP_NEQ : NFT_CMP_EQ) &&
		prefix_same(a, &x->src[0], b, y, el))
		return true;
	if (!svs_same(a, &x->src[0], b, &y->src[0]))
		return false;
	if (bounds_of(y, &r))
		return r.len == el->klen && !memcmp(r.lo, el->key, r.len) &&
		       !memcmp(r.hi, end_of(el), r.len) && r.out == not ;
	return y->x->kind == DX_CMP && y->x->p.op == (not ? NFT_CMP_NEQ : NFT_CMP_EQ) &&
	       y->x->p.alen == el->klen && !memcmp(y->x->p.a, el->key, el->klen) &&
	       !memcmp(end_of(el), el->key, el->klen);
}

static bool ds_same(struct side *a, const struct ds *x, struct side *b, const struct ds *y)
{
	struct bounds r, q;

	for (int i = 0; i < 4; i++)
		if (!svs_same(a, &x->src[i], b, &y->src[i]))
			return false;
	if (bounds_of(x, &r) && bounds_of(y, &q))
		return r.len == q.len && r.out == q.out && !memcmp(r.lo, q.lo, r.len) &&
		       !memcmp(r.hi, q.hi, r.len);
	if (x->hi || y->hi || !dx_same(x->x, y->x, a->c->env->stateless))
		return false;
	switch (x->x->kind) {
	case DX_LOOKUP:
	case DX_VMAP:
	case DX_DYNSET:
	case DX_OBJREF_MAP: return set_same(a, x->x, b, y->x);
	case DX_VERDICT: return verdict_same(a, x->x, b, y->x);
	default: return text_same(x->x->name, y->x->name);
	}
}

/* ---- the same bytes, loaded in other pieces ---- */

struct byte {
	uint32_t base, off;
	uint8_t v;
};
typedef VEC(struct byte) bytes;

static int by_place(const void *x, const void *y)
{
	const struct byte *a = x, *b = y;

	if (a->base != b->base)
		return a->base < b->base ? -1 : 1;
	return a->off != b->off ? a->off < b->off ? -1 : 1 : (int)a->v - (int)b->v;
}

static bool is_match(const struct ds *s)
{
	return s->x->kind == DX_CMP || s->x->kind == DX_RANGE || s->x->kind == DX_LOOKUP;
}

static bool is_bytes(const struct ds *s)
{
	return s->x->kind == DX_CMP && s->x->p.op == NFT_CMP_EQ && !s->hi && s->src[0].n == 1 &&
	       !s->src[0].v[0].at && s->src[0].v[0].v->x->kind == DX_PAYLOAD &&
	       s->src[0].v[0].v->len == s->x->p.alen;
}

/* Takes the comparisons of bytes out of the run of matches at i; the others go to rest. */
static uint32_t take_run(const struct prog *p, uint32_t i, bytes *b, uint32_t rest[], uint32_t *n)
{
	*n = 0;
	for (; i < p->ds.n && is_match(&p->ds.v[i]); i++) {
		const struct ds *s = &p->ds.v[i];
		const struct dx *load = is_bytes(s) ? s->src[0].v[0].v->x : NULL;

		for (uint32_t k = 0; load && k < s->x->p.alen; k++)
			vec_push(b, (struct byte){ load->p.base, load->p.off + k, s->x->p.a[k] });
		if (!load)
			rest[(*n)++] = i;
	}
	if (b->n)
		qsort(b->v, b->n, sizeof(*b->v), by_place);
	return i;
}

static bool run_same(struct side *a, uint32_t *i, struct side *b, uint32_t *j)
{
	uint32_t *x = arena_alloc(&a->c->arena, a->prog.ds.n * sizeof(*x)),
		 *y = arena_alloc(&a->c->arena, b->prog.ds.n * sizeof(*y)), n, m;
	bytes p = { 0 }, q = { 0 };
	bool ok;

	*i = take_run(&a->prog, *i, &p, x, &n);
	*j = take_run(&b->prog, *j, &q, y, &m);
	ok = n == m && p.n == q.n;
	for (uint32_t k = 0; ok && k < p.n; k++)
		ok = !by_place(&p.v[k], &q.v[k]);
	for (uint32_t k = 0; ok && k < n; k++) {
		const struct ds *s = &a->prog.ds.v[x[k]], *t = &b->prog.ds.v[y[k]];

		ok = ds_same(a, s, b, t) || lonely(a, s, b, t);
	}
	vec_free(&p);
	vec_free(&q);
	return ok;
}

static bool meaning_same(struct side *a, struct side *b)
{
	uint32_t i = 0, j = 0;

	while (i < a->prog.ds.n && j < b->prog.ds.n) {
		if (is_match(&a->prog.ds.v[i]) != is_match(&b->prog.ds.v[j]))
			return false;
		if (is_match(&a->prog.ds.v[i])) {
			if (!run_same(a, &i, b, &j))
				return false;
		} else if (!ds_same(a, &a->prog.ds.v[i++], b, &b->prog.ds.v[j++])) {
			return false;
		}
	}
	return i == a->prog.ds.n && j == b->prog.ds.n;
}

static enum same prog_same(struct side *a, struct side *b)
{
	bool same = a->prog.ds.n == b->prog.ds.n;

	for (uint32_t i = 0; same && i < a->prog.ds.n; i++)
		same = ds_same(a, &a->prog.ds.v[i], b, &b->prog.ds.v[i]);
	if (same)
		return SAME;
	return meaning_same(a, b) ? SAME_MEANING : SAME_NOT;
}

/* ---- the text ---- */

static const struct set_info *env_set(void *ctx, const char *name)
{
	struct dc *c = ctx;

	return c->env->set ? c->env->set(c->env->ctx, name) : NULL;
}

static uint32_t env_ifindex(void *ctx, const char *name)
{
	struct dc *c = ctx;

	for (uint32_t i = 0; i < c->n_names; i++)
		if (!strcmp(c->names[i].name, name))
			return c->names[i].index;
	return if_nametoindex(name);
}

static enum same code_same(struct dc *c, struct code *code)
{
	struct side in = { .c = c, .prog = c->prog }, made = { .c = c, .code = code };
	struct dx *v = arena_alloc(&c->arena, code->exprs.n * sizeof(*v));
	enum same same = SAME_NOT;
	bool ok = true;

	for (uint32_t i = 0; ok && i < code->exprs.n; i++)
		ok = dx_read(&c->arena, code->exprs.v[i], &v[i]);
	if (ok) {
		dx_walk(&c->arena, v, code->exprs.n, side_set, &made, &made.prog);
		if (made.prog.ok)
			same = prog_same(&in, &made);
	}
	prog_free(&made.prog);
	return same;
}

enum same decomp_check(struct dc *c, const char *text, const char *comment)
{
	struct rule_env env = {
		.ctx = c,
		.family = c->env->family,
		.chain_type = c->env->chain_type,
		.hook = c->env->chain_type ? c->env->hook : -1,
		.set = env_set,
		.ifindex = env_ifindex,
	};
	_err_ struct err e = ERR_INIT;
	enum same same = SAME_NOT;
	struct ast_rule *r = NULL;
	struct code *code = NULL;

	c->budget = DECOMP_BUDGET;
	if (rule_parse(text, strlen(text), NULL, &r, &e) < 0)
		return SAME_NOT;
	if (text_same(ast_comment(r), comment) && rule_compile(r, &env, &code, &e) >= 0)
		same = code_same(c, code);
	code_free(code);
	ast_put(r);
	return same;
}
