// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets and maps of a rule. */
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "nft/decomp.h"

#define ANON_MAX 200000 /* elements of an anonymous set that are looked at */

const struct set_info *dc_set(struct dc *c, const struct dx *x)
{
	return c->env->set && x->name ? c->env->set(c->env->ctx, x->name) : NULL;
}

struct gather {
	struct dc *c;
	struct anon *a;
};

static void gather(void *ctx, const struct setelem *el)
{
	struct gather *g = ctx;
	struct setelem copy = *el;

	if (el->n_exprs || el->timeout_ms || el->klen > NFT_KEY_MAX || el->dlen > NFT_KEY_MAX ||
		g->a->el.n >= ANON_MAX) {
		g->a->odd = true;
		return;
	}
	copy.comment = el->comment ? arena_strdup(&g->c->arena, el->comment, strlen(el->comment)) : NULL;
	copy.exprs = NULL;
	vec_push(&g->a->el, copy);
}

struct anon *dc_anon(struct dc *c, const struct set_info *info)
{
	struct gather g = { .c = c };

	vec_foreach (it, &c->anons)
		if (!strcmp((*it)->info->name, info->name))
			return *it;
	g.a = xnew(struct anon);
	g.a->info = info;
	if (!c->env->elems || c->env->elems(c->env->ctx, info, gather, &g) < 0)
		g.a->odd = true;
	vec_push(&c->anons, g.a);
	return g.a;
}

void verdict_put(int32_t code, const char *chain, struct buf *out)
{
	switch (code) {
	case NF_ACCEPT: buf_puts(out, "accept"); break;
	case NF_DROP: buf_puts(out, "drop"); break;
	case NFT_CONTINUE: buf_puts(out, "continue"); break;
	case NFT_RETURN: buf_puts(out, "return"); break;
	case NFT_JUMP: buf_printf(out, "jump %s", chain ? chain : "?"); break;
	case NFT_GOTO: buf_printf(out, "goto %s", chain ? chain : "?"); break;
	default: buf_printf(out, "%d", code); break;
	}
}

/* ---- the order that nft lists elements in ---- */

/* Concatenations: the last byte of the last part counts most. */
static int parts_cmp(const struct set_info *info, const uint8_t *a, const uint8_t *b)
{
	unsigned off[NFT_PARTS_MAX], at = 0;

	for (unsigned i = 0; i < info->key.n; i++) {
		off[i] = at;
		at += (datatype_bytes(info->key.bits[i]) + 3) & ~3u;
	}
	if (at > NFT_KEY_MAX)
		return 0;
	for (unsigned i = info->key.n; i--;)
		for (unsigned k = datatype_bytes(info->key.bits[i]); k--;)
			if (a[off[i] + k] != b[off[i] + k])
				return a[off[i] + k] < b[off[i] + k] ? -1 : 1;
	return 0;
}

/* Several bits count as the lowest of them. */
static int bits_cmp(const uint8_t *a, const uint8_t *b, unsigned len, enum dt_order order)
{
	u128 x = num_import(a, len > 16 ? 16 : len, order), y = num_import(b, len > 16 ? 16 : len, order);

	x &= -x;
	y &= -y;
	return x < y ? -1 : x > y;
}

int setkey_cmp(const struct set_info *info, const uint8_t *a, const uint8_t *b, unsigned len)
{
	bool host = dt_order_of(info->key.part[0]) == ORDER_HOST || info->key.part[0]->base == BASE_STRING;

	if (info->key.n > 1)
		return parts_cmp(info, a, b);
	if (info->key.part[0]->base == BASE_BITMASK && info->key.part[0]->syms &&
		!(info->flags & NFT_SET_INTERVAL))
		return bits_cmp(a, b, len, dt_order_of(info->key.part[0]));
	if (!host || info->flags & NFT_SET_INTERVAL)
		return memcmp(a, b, len);
	for (unsigned i = len; i--;)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

static int by_value(const void *x, const void *y, void *info)
{
	const struct setelem *a = x, *b = y;
	int d;

	if (a->catchall || b->catchall)
		return (int)a->catchall - (int)b->catchall;
	d = setkey_cmp(info, a->key, b->key, a->klen);
	return d ? d : memcmp(a->key, b->key, a->klen);
}

bool setelems_sorted(const struct set_info *info)
{
	/* ranges of concatenations come as they were added */
	return info->key.n && (info->key.n == 1 || !(info->flags & NFT_SET_INTERVAL));
}

void setelems_sort(const struct set_info *info, struct setelem *v, uint32_t n)
{
	if (n < 2 || !setelems_sorted(info))
		return;
	qsort_r(v, n, sizeof(*v), by_value, (void *)(uintptr_t)info);
}

/* ---- elements ---- */

static int prefix_len(const struct sel *s, u128 lo, u128 hi)
{
	u128 host = lo ^ hi;
	unsigned n = 0;

	while (n < s->bits && (host >> n & 1))
		n++;
	return host == val_ones(n) && !(lo & host) ? (int)(s->bits - n) : -1;
}

/* n: of how many parts; full: a single value as a prefix of its whole length */
static void range_put(struct dc *c, const struct sel *s, const uint8_t *a, const uint8_t *b, unsigned len,
	unsigned n, bool full, struct buf *out)
{
	u128 lo = val_num(s, a, len), hi = val_num(s, b, len);
	bool open = hi == val_ones(8 * len);
	int plen;

	if (s->dt->base == BASE_STRING && lo != hi) {
		unsigned same = (unsigned)strnlen((const char *)a, len), k = same;

		while (k < len && b[k] == 0xff)
			k++;
		if (memcmp(a, b, same) != 0 || k < len)
			c->failed = true;
		val_glob_put(a, same, out);
		return;
	}
	lo >>= s->shift;
	hi >>= s->shift;
	if (open && hi > val_ones(s->bits))
		hi = val_ones(s->bits);
	/* nft reads prefixes of numbers in host order wrongly in a concatenation */
	plen = s->dt->prefix && (n == 1 || s->dt->order != ORDER_HOST) ? prefix_len(s, lo, hi) : -1;
	if (lo == hi && !(full && plen >= 0)) {
		val_num_put(c, s, lo, false, out);
	} else if (plen >= 0) {
		val_num_put(c, s, lo, false, out);
		buf_printf(out, "/%d", plen);
	} else {
		val_range_put(c, s, lo, hi, out);
	}
}

/* n parts in p, each padded to 4 bytes where there are several; hi: the upper ends, or NULL. */
static void parts_put(struct dc *c, const struct sel *s, unsigned n, const uint8_t *p, const uint8_t *hi,
	unsigned len, bool full, struct buf *out)
{
	unsigned off = 0;

	for (unsigned i = 0; i < n; i++) {
		if (off + s[i].len > len || s[i].len > 16) {
			c->failed = true;
			return;
		}
		buf_puts(out, i ? " . " : "");
		if (hi)
			range_put(c, &s[i], p + off, hi + off, s[i].len, n, full && n == 1, out);
		else
			val_put(c, &s[i], p + off, s[i].len, out);
		off += (s[i].len + 3) & ~3u;
	}
	if (n == 1 ? s->len != len : off != len)
		c->failed = true;
}

static void data_put(struct dc *c, const struct set_info *info, const struct setelem *el,
	const struct sel *want, struct buf *out)
{
	struct sel s[SLOTS];
	unsigned n = info->data.n;

	buf_puts(out, " : ");
	if (info->flags & NFT_SET_OBJECT) {
		quote_put(el->target, strlen(el->target), out);
		return;
	}
	if (el->verdict) {
		verdict_put(el->verdict_code, el->target, out);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		s[i] = sel_of(info->data.part[i], info->data.bits[i]);
		if (n == 1 && want && want->dt) {
			s[i] = *want;
			s[i].len = datatype_bytes(info->data.bits[i]);
			s[i].order = dt_order_of(s[i].dt);
		}
		if (info->data.interval)
			s[i].order = ORDER_BIG;
	}
	if (info->data.interval)
		parts_put(c, s, n, el->data, el->data + el->dlen / 2, el->dlen / 2, true, out);
	else
		parts_put(c, s, n, el->data, NULL, el->dlen, false, out);
}

void elem_put(struct dc *c, const struct set_info *info, const struct setelem *el, const struct sel *keys,
	unsigned n, const struct sel *data, struct buf *out)
{
	char dur[48];

	if (el->catchall)
		buf_putc(out, '*');
	else
		parts_put(c, keys, n, el->key, el->interval ? el->key_end : NULL, el->klen, false, out);
	if (el->n_exprs) {
		buf_putc(out, ' ');
		c->failed |= !stateful_text(el->exprs, el->n_exprs, c->env->stateless, out);
	}
	if (el->timeout_ms)
		buf_printf(out, " timeout %s", duration_format(el->timeout_ms, dur));
	if (el->expires_ms && !c->env->stateless)
		buf_printf(out, " expires %s", duration_format(el->expires_ms, dur));
	if (el->comment) {
		buf_puts(out, " comment ");
		quote_put(el->comment, strlen(el->comment), out);
	}
	if (info->flags & (NFT_SET_MAP | NFT_SET_OBJECT))
		data_put(c, info, el, data, out);
}

/* A set of one element: the compiler makes a comparison of it, unless it is written as two that become one.
 */
static void twice_put(struct dc *c, const struct setelem *el, const struct sel *key, struct buf *out)
{
	struct setelem a = *el, b = *el;
	u128 lo, hi, mid, step = (u128)1 << key->shift;

	if (el->klen > 16 || el->klen != key->len) {
		c->failed = true;
		return;
	}
	if (el->interval && key->dt->base != BASE_STRING && memcmp(el->key, el->key_end, el->klen) != 0) {
		lo = val_num(key, el->key, el->klen);
		hi = val_num(key, el->key_end, el->klen);
		mid = lo + (hi - lo) / 2 / step * step;
		num_export(mid, el->klen, ORDER_BIG, a.key_end);
		num_export(mid + step, el->klen, ORDER_BIG, b.key);
	}
	parts_put(c, key, 1, a.key, a.interval ? a.key_end : NULL, a.klen, false, out);
	buf_puts(out, ", ");
	parts_put(c, key, 1, b.key, b.interval ? b.key_end : NULL, b.klen, false, out);
}

static void braces_put(struct dc *c, const struct set_info *info, const struct sel *keys, unsigned n,
	const struct sel *data, struct buf *out)
{
	struct anon *a = dc_anon(c, info);
	struct sel s[SLOTS];

	if (a->odd || !a->el.n) { /* `{ }` has no spelling */
		c->failed = true;
		return;
	}
	setelems_sort(info, a->el.v, a->el.n);
	for (unsigned i = 0; i < n; i++) {
		s[i] = keys[i];
		if (info->flags & NFT_SET_INTERVAL)
			s[i].order = ORDER_BIG;
	}
	buf_puts(out, "{ ");
	if (a->el.n == 1 && n == 1 && c->cur->style != STYLE_NICE && !a->el.v[0].catchall &&
		!(info->flags & (NFT_SET_MAP | NFT_SET_OBJECT))) {
		twice_put(c, &a->el.v[0], s, out);
		buf_puts(out, " }");
		return;
	}
	vec_foreach (el, &a->el) {
		buf_puts(out, el == a->el.v ? "" : ", ");
		elem_put(c, info, el, s, n, data, out);
		if (c->failed)
			return;
	}
	buf_puts(out, " }");
}

bool set_put(struct dc *c, const struct set_info *info, const struct sel *keys, unsigned n,
	const struct sel *data, struct buf *out)
{
	if (!(info->flags & NFT_SET_ANONYMOUS))
		buf_printf(out, "@%s", info->name);
	else
		braces_put(c, info, keys, n, data, out);
	return !c->failed;
}
