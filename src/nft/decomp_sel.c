// SPDX-License-Identifier: GPL-2.0-or-later
/* What a register holds, as the expression that loads it. */
#include <linux/netfilter.h>
#include <string.h>

#include "nft/decomp.h"

enum { PREC_OR = 1, PREC_XOR, PREC_AND, PREC_SHIFT };

static unsigned low_zeros(u128 v)
{
	unsigned n = 0;

	while (n < 128 && !(v >> n & 1))
		n++;
	return n;
}

static bool all_zero(const uint8_t *p, unsigned n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return !n;
}

static const struct sv *only(const struct svs *in)
{
	return in->n == 1 && !in->v[0].at ? in->v[0].v : NULL;
}

/* Some bits of a header that are a field: they are masked, and moved down unless match leaves that to the
 * constants. */
static bool part_of_byte(struct dc *c, const struct sv *v, bool match, struct buf *out, struct sel *s)
{
	unsigned down = 0, low, width, at;
	enum dt_order order = ORDER_BIG;
	const struct sv *load;
	size_t begin = out->n;
	u128 mask;

	if (v && v->x->kind == DX_SHIFT && v->x->p.op == NFT_BITWISE_RSHIFT) {
		uint32_t n;

		memcpy(&n, v->x->p.a, sizeof(n));
		down = n;
		v = only(&v->in);
		if (v && v->x->kind == DX_BYTEORDER && v->x->p.op == NFT_BYTEORDER_NTOH) {
			order = ORDER_HOST;
			v = only(&v->in);
		}
	}
	if (!v || v->x->kind != DX_BITWISE || v->x->p.len > 16 || !all_zero(v->x->p.b, v->x->p.len))
		return false;
	load = only(&v->in);
	if (!load || (load->x->kind != DX_PAYLOAD && load->x->kind != DX_EXTHDR) || load->len != v->x->p.len)
		return false;
	mask = num_import(v->x->p.a, v->x->p.len, ORDER_BIG);
	low = low_zeros(mask);
	if (!mask || down > 127 || (down ? down != low : low && !match))
		return false;
	width = low_zeros(~(mask >> low));
	if (mask >> low != val_ones(width) || width == 8 * load->len)
		return false;
	at = 8 * load->x->p.off + 8 * load->len - low - width;
	if (at / 8 != load->x->p.off || !load_field_put(c, load->x, at, width, out, s)) {
		out->n = begin;
		return false;
	}
	s->order = order;
	s->shift = down ? 0 : low;
	return true;
}

static void paren(struct buf *out, size_t begin, const struct sel *s, uint8_t prec)
{
	_buf_ struct buf in = BUF_INIT;

	if (!s->prec || s->prec >= prec)
		return;
	buf_put(&in, out->s + begin, out->n - begin);
	out->n = begin;
	buf_printf(out, "(%s)", buf_str(&in));
}

static void operator(
	struct dc *c, const char *sign, uint8_t prec, u128 v, size_t begin, struct sel *s, struct buf *out)
{
	_buf_ struct buf bits = BUF_INIT;
	struct sel k = *s;

	paren(out, begin, s, prec);
	k.shift = 0;
	k.bits = 8 * s->len;
	if (c->cur->style != STYLE_NICE || k.dt->id == DT_CLASSID)
		k.hex = k.dt->base == BASE_INTEGER && k.dt->id != DT_IPADDR && k.dt->id != DT_IP6ADDR &&
			k.dt->id != DT_ETHERADDR;
	buf_printf(out, " %s ", sign);
	if (val_bits_put(&k, v, " | ", &bits))
		buf_printf(out, "(%s)", buf_str(&bits));
	else
		val_num_put(c, &k, v, true, out);
	s->prec = prec;
}

/* (x & mask) ^ xor: as &, ^ and |, each where it does something. */
static bool bits_put(struct dc *c, const struct sv *v, enum style style, struct buf *out, struct sel *s)
{
	const struct dx *x = v->x;
	size_t begin = out->n;
	u128 m, k, or, ones;

	if (v->in.n != 1 || x->p.len > 16 || !sel_put(c, &v->in.v[0], false, style, out, s))
		return false;
	if (s->dt->base == BASE_STRING)
		return false;
	s->len = x->p.len;
	m = val_num(s, x->p.a, x->p.len);
	k = val_num(s, x->p.b, x->p.len);
	ones = val_ones(8 * x->p.len);
	or = k & ~m & ones;
	m |= or ;
	k &= ~ or ;
	if (m != ones || (!k && ! or))
		operator(c, "&", PREC_AND, m, begin, s, out);
	if (k)
		operator(c, "^", PREC_XOR, k, begin, s, out);
	if (or)
		operator(c, "|", PREC_OR, or, begin, s, out);
	return true;
}

static bool shift_put(struct dc *c, const struct sv *v, enum style style, struct buf *out, struct sel *s)
{
	size_t begin = out->n;
	uint32_t n;

	memcpy(&n, v->x->p.a, sizeof(n));
	if (v->in.n != 1 || !sel_put(c, &v->in.v[0], false, style, out, s))
		return false;
	paren(out, begin, s, PREC_SHIFT);
	buf_printf(out, " %s %u", v->x->p.op == NFT_BITWISE_LSHIFT ? "<<" : ">>", n);
	s->prec = PREC_SHIFT;
	return true;
}

static bool swap_put(
	struct dc *c, const struct sv *v, bool match, enum style style, struct buf *out, struct sel *s)
{
	if (v->in.n != 1 || !sel_put(c, &v->in.v[0], match, style, out, s))
		return false;
	s->order = v->x->p.op == NFT_BYTEORDER_HTON ? ORDER_BIG : ORDER_HOST;
	return true;
}

static bool map_put(struct dc *c, const struct sv *v, enum style style, struct buf *out, struct sel *s)
{
	const struct set_info *info = dc_set(c, v->x);
	struct sel keys[SLOTS] = { 0 }, data = *s;

	if (!info || !info->data.n || !sels_put(c, &v->in, true, style, out, keys))
		return false;
	buf_puts(out, " map ");
	if (!set_put(c, info, keys, v->in.n, &data, out))
		return false;
	if (!data.dt)
		data = sel_of(info->data.part[0], info->data.bits[0]);
	*s = data;
	s->order = dt_order_of(info->data.part[0]);
	s->shift = 0;
	return true;
}

bool sel_put(
	struct dc *c, const struct svref *r, bool match, enum style style, struct buf *out, struct sel *s)
{
	const struct sv *v = r->v;
	size_t begin = out->n;
	unsigned needs = c->needs;

	/* a value that others are made of several times is written as often: that can be a lot */
	if (r->at || !c->budget)
		return false;
	c->budget--;
	if (style == STYLE_NICE && part_of_byte(c, v, match, out, s))
		return true;
	out->n = begin;
	c->needs = needs;
	switch (v->x->kind) {
	case DX_BITWISE: return bits_put(c, v, style, out, s);
	case DX_SHIFT: return shift_put(c, v, style, out, s);
	case DX_BYTEORDER: return swap_put(c, v, match, style, out, s);
	case DX_MAP: return map_put(c, v, style, out, s);
	case DX_IMM:
		if (!s->dt)
			return false;
		val_put(c, s, v->x->p.a, v->x->p.alen, out);
		return !c->failed;
	default: return load_put(c, v, style, out, s);
	}
}

bool sels_put(struct dc *c, const struct svs *r, bool match, enum style style, struct buf *out, struct sel *s)
{
	for (unsigned i = 0; i < r->n; i++) {
		if (i)
			buf_puts(out, " . ");
		if (!sel_put(c, &r->v[i], match && r->n == 1, style, out, &s[i]))
			return false;
	}
	return r->n;
}
