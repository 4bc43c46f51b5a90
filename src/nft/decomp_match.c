// SPDX-License-Identifier: GPL-2.0-or-later
/* Comparisons and lookups. */
#include <linux/netfilter.h>
#include <string.h>

#include "nft/decomp.h"

/* ---- into items ---- */

static const struct sv *single(const struct ds *ds)
{
	return ds->src[0].n == 1 && !ds->src[0].v[0].at ? ds->src[0].v[0].v : NULL;
}

static struct item *add(struct dc *c, const struct ds *ds, const struct dctx *ctx)
{
	vec_push(&c->items, (struct item){ .ds = ds, .ctx = *ctx, .styles = STYLE_N });
	return &vec_last(&c->items);
}

/* Fields that lie behind each other are compared at once. */
static bool split(struct dc *c, const struct ds *ds, struct dctx *ctx)
{
	const struct sv *v = single(ds);
	uint32_t first = c->items.n;
	struct dctx now = *ctx;
	struct pfield f;
	unsigned done = 0;

	if (ds->x->kind != DX_CMP || ds->hi || ds->x->p.op != NFT_CMP_EQ || !v || v->x->kind != DX_PAYLOAD ||
		v->len != ds->x->p.alen)
		return false;
	while (done < v->len) {
		struct item *it;

		if (!dctx_field(&now, v->x->p.base, 8 * (v->x->p.off + done), 0, 8 * (v->len - done), &f) ||
			f.bits % 8 || f.bits > 128) {
			c->items.n = first;
			return false;
		}
		it = add(c, ds, &now);
		it->off = done;
		it->len = f.bits / 8;
		it->gives = dctx_learn_field(
			&now, &f, (uint64_t)num_import(ds->x->p.a + done, it->len, ORDER_BIG));
		/* elsewhere the family is implied in another way */
		if (f.proto == &proto_eth && now.family != NFPROTO_BRIDGE)
			it->gives &= ~(unsigned)DEP_NET;
		done += it->len;
	}
	*ctx = now;
	return true;
}

static unsigned learn(struct dctx *ctx, const struct sv *v, uint64_t n)
{
	struct pfield f;

	if (v->x->kind == DX_META)
		return dctx_learn_meta(ctx, v->x->p.key, n);
	if (v->x->kind == DX_CT && v->x->p.key == NFT_CT_L3PROTOCOL && ctx->family != NFPROTO_IPV4 &&
		ctx->family != NFPROTO_IPV6) {
		dctx_learn_meta(ctx, NFT_META_NFPROTO, n);
		return 0;
	}
	if (v->x->kind == DX_PAYLOAD &&
		dctx_field(ctx, v->x->p.base, 8 * v->x->p.off, 8 * v->x->p.len, 0, &f))
		return dctx_learn_field(ctx, &f, n);
	return 0;
}

static unsigned learn_set(struct dc *c, struct dctx *ctx, const struct ds *ds, const struct sv *v)
{
	const struct set_info *info = dc_set(c, ds->x);
	bool host = v->x->kind == DX_META && v->x->p.key != NFT_META_PROTOCOL;
	unsigned gives = 0; /* nothing that is left out: nft lists it as well */
	struct anon *a;

	if (!info || !(info->flags & NFT_SET_ANONYMOUS) || info->flags & NFT_SET_INTERVAL || ds->x->p.flags ||
		(v->x->kind != DX_META && v->x->kind != DX_PAYLOAD))
		return 0;
	a = dc_anon(c, info);
	setelems_sort(info, a->el.v, a->el.n);
	vec_foreach (el, &a->el)
		if (!el->catchall && el->klen <= 8)
			gives |= learn(ctx, v,
				(uint64_t)num_import(el->key, el->klen, host ? ORDER_HOST : ORDER_BIG));
	if (gives & DEP_TP && a->el.n > 1)
		dctx_learn_meta(ctx, NFT_META_L4PROTO, UINT64_MAX); /* one of them: `th` */
	return 0;
}

void match_items(struct dc *c, const struct ds *ds, struct dctx *ctx)
{
	const struct dx *x = ds->x;
	const struct sv *v = single(ds);
	struct item *it;
	bool host;

	if (split(c, ds, ctx))
		return;
	it = add(c, ds, ctx);
	if (!v)
		return;
	host = v->x->kind == DX_META && v->x->p.key != NFT_META_PROTOCOL;
	if (x->kind == DX_CMP && x->p.op == NFT_CMP_EQ && !ds->hi && x->p.alen <= 8)
		it->gives =
			learn(ctx, v, (uint64_t)num_import(x->p.a, x->p.alen, host ? ORDER_HOST : ORDER_BIG));
	else if (x->kind == DX_LOOKUP)
		it->gives = learn_set(c, ctx, ds, v);
}

/* ---- text ---- */

static const char *op_text(unsigned op, const struct sel *s)
{
	switch (op) {
	case NFT_CMP_EQ: return s->dt->base == BASE_BITMASK || s->prec ? " == " : " ";
	case NFT_CMP_NEQ: return " != ";
	case NFT_CMP_LT: return " < ";
	case NFT_CMP_GT: return " > ";
	case NFT_CMP_LTE: return " <= ";
	case NFT_CMP_GTE: return " >= ";
	default: return NULL;
	}
}

/* One field of a comparison. */
static bool part_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct dx *load = single(it->ds)->x;
	struct dx part = *load;
	struct sv v = { .x = &part, .len = it->len };
	struct sel s = { 0 };

	part.p.off += it->off;
	part.p.len = it->len;
	if (!load_put(c, &v, it->style, out, &s))
		return false;
	buf_puts(out, op_text(NFT_CMP_EQ, &s));
	val_put(c, &s, it->ds->x->p.a + it->off, it->len, out);
	return true;
}

/* The begin of a name or of an address. */
static bool begin_put(struct dc *c, const struct dx *x, const struct sv *v, struct buf *out)
{
	uint8_t b[16] = { 0 };
	struct sel s = { 0 };
	struct pfield f;
	struct dx whole;
	struct sv w;

	if (x->p.op != NFT_CMP_EQ && x->p.op != NFT_CMP_NEQ)
		return false;
	if (v->x->kind == DX_PAYLOAD) {
		if (!dctx_field(&c->cur->ctx, v->x->p.base, 8 * v->x->p.off, 0, 128, &f) || f.bits % 8 ||
			f.bits / 8 <= x->p.alen || v->len != x->p.alen)
			return false;
		whole = *v->x;
		whole.p.len = f.bits / 8;
		w = (struct sv){ .x = &whole, .len = f.bits / 8 };
		if (!load_put(c, &w, STYLE_NICE, out, &s) || (!s.dt->prefix && s.dt->id != DT_ETHERADDR))
			return false;
		memcpy(b, x->p.a, x->p.alen);
		buf_puts(out, op_text(x->p.op, &s));
		val_put(c, &s, b, f.bits / 8, out);
		buf_printf(out, "/%u", 8 * x->p.alen);
		return true;
	}
	if (!load_put(c, v, STYLE_NICE, out, &s) || x->p.alen >= s.len)
		return false;
	if (s.dt->prefix && s.order == ORDER_BIG && s.len <= sizeof(b)) {
		memcpy(b, x->p.a, x->p.alen);
		buf_puts(out, op_text(x->p.op, &s));
		val_put(c, &s, b, s.len, out);
		buf_printf(out, "/%u", 8 * x->p.alen);
		return true;
	}
	if (s.dt->base != BASE_STRING || memchr(x->p.a, 0, x->p.alen))
		return false;
	buf_puts(out, op_text(x->p.op, &s));
	val_glob_put(x->p.a, x->p.alen, out);
	return true;
}

/* Of bits of a mask: whether one is set, none is, or exactly those. */
static bool flags_put(struct dc *c, const struct dx *x, const struct sv *v, struct buf *out)
{
	struct sel s = { 0 };
	u128 mask, val;

	if (!sel_put(c, &v->in.v[0], true, STYLE_NICE, out, &s) || s.dt->base != BASE_BITMASK || s.shift)
		return false;
	mask = val_num(&s, v->x->p.a, x->p.alen);
	val = val_num(&s, x->p.a, x->p.alen);
	if (!val)
		buf_puts(out, x->p.op == NFT_CMP_EQ ? " ! " : " ");
	else if (!(mask & (mask - 1)) || !s.dt->syms)
		return false; /* nft writes this with an & */
	else
		buf_puts(out, x->p.op == NFT_CMP_EQ ? " " : " != ");
	if (val) {
		val_bits_put(&s, val, ",", out);
		buf_puts(out, " / ");
	}
	if (s.dt->syms)
		val_bits_put(&s, mask, ",", out);
	else
		val_num_put(c, &s, mask, false, out);
	return true;
}

static bool prefix_put(struct dc *c, const struct dx *x, const struct sv *v, struct buf *out)
{
	struct sel s = { 0 };
	unsigned len = 0;
	u128 mask, val;

	if (!sel_put(c, &v->in.v[0], true, STYLE_NICE, out, &s) || !s.dt->prefix || s.shift || s.prec ||
		s.bits != 8 * x->p.alen)
		return false;
	mask = val_num(&s, v->x->p.a, x->p.alen);
	val = val_num(&s, x->p.a, x->p.alen);
	while (len < s.bits && mask >> (s.bits - 1 - len) & 1)
		len++;
	if (len == s.bits || mask != (val_ones(s.bits) ^ val_ones(s.bits - len)) || val & ~mask)
		return false;
	buf_puts(out, op_text(x->p.op, &s));
	val_num_put(c, &s, val, false, out);
	buf_printf(out, "/%u", len);
	return true;
}

static bool is_mask(const struct dx *x, const struct sv *v)
{
	static const uint8_t zero[EXPR_DATA_MAX];

	return v->x->kind == DX_BITWISE && v->in.n == 1 && v->x->p.len == x->p.alen && x->p.alen <= 16 &&
	       !memcmp(v->x->p.b, zero, v->x->p.len) && (x->p.op == NFT_CMP_EQ || x->p.op == NFT_CMP_NEQ);
}

static bool short_put(struct dc *c, const struct dx *x, const struct sv *v, struct buf *out)
{
	size_t begin = out->n;
	unsigned needs = c->needs;

	if (begin_put(c, x, v, out))
		return true;
	out->n = begin;
	c->needs = needs;
	if (!is_mask(x, v))
		return false;
	if (flags_put(c, x, v, out))
		return true;
	out->n = begin;
	c->needs = needs;
	if (prefix_put(c, x, v, out))
		return true;
	out->n = begin;
	c->needs = needs;
	return false;
}

static bool cmp_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct dx *x = it->ds->x;
	const struct sv *v = single(it->ds);
	struct sel s = { 0 };
	const char *op;

	if (!v)
		return false;
	if (it->style == STYLE_NICE && short_put(c, x, v, out))
		return true;
	if (!sel_put(c, &it->ds->src[0].v[0], true, it->style, out, &s))
		return false;
	if (v->x->kind == DX_FIB && s.dt->id == DT_BOOLEAN && x->p.alen == 1)
		s.len = 1; /* as good as the whole */
	if (s.len != x->p.alen)
		return false;
	op = op_text(x->p.op, &s);
	if (!op)
		return false;
	buf_puts(out, op);
	val_put(c, &s, x->p.a, x->p.alen, out);
	return true;
}

static bool range_text(struct dc *c, const struct item *it, struct buf *out)
{
	const struct dx *x = it->ds->x;
	const uint8_t *hi = it->ds->hi ? it->ds->hi->p.a : x->p.b;
	struct sel s = { 0 };

	if (!single(it->ds) || !sel_put(c, &it->ds->src[0].v[0], true, it->style, out, &s) ||
		s.len != x->p.alen || s.len > 16)
		return false;
	buf_puts(out, !it->ds->hi && x->p.op == NFT_RANGE_NEQ ? " != " : " ");
	val_range_put(c, &s, val_num(&s, x->p.a, s.len) >> s.shift, val_num(&s, hi, s.len) >> s.shift, out);
	return true;
}

static bool lookup_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct dx *x = it->ds->x;
	const struct set_info *info = dc_set(c, x);
	struct sel s[SLOTS] = { 0 };

	if (!info || !sels_put(c, &it->ds->src[0], info->flags & NFT_SET_ANONYMOUS, it->style, out, s))
		return false;
	buf_puts(out, x->p.flags & NFT_LOOKUP_F_INV ? " != " : " ");
	return set_put(c, info, s, it->ds->src[0].n, NULL, out);
}

bool match_put(struct dc *c, const struct item *it, struct buf *out)
{
	if (it->len)
		return part_put(c, it, out);
	if (it->ds->hi || it->ds->x->kind == DX_RANGE)
		return range_text(c, it, out);
	return it->ds->x->kind == DX_LOOKUP ? lookup_put(c, it, out) : cmp_put(c, it, out);
}
