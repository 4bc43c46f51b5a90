// SPDX-License-Identifier: GPL-2.0-or-later
/* Where packets go. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>

#include "nft/decomp.h"

static const struct svref *one(const struct svs *s)
{
	return s->n == 1 ? &s->v[0] : NULL;
}

/* The length of the prefix that the two ends are those of; -1: of none. */
static int prefix_of(const struct sel *s, const struct dx *lo, const struct dx *hi)
{
	u128 a, b;
	unsigned n = 0;

	if (!s->dt->prefix || lo->p.alen != s->len || hi->p.alen != s->len)
		return -1;
	a = val_num(s, lo->p.a, s->len);
	b = val_num(s, hi->p.a, s->len);
	while (n < s->bits && ((a ^ b) >> n & 1))
		n++;
	return (a ^ b) == val_ones(n) && !(a & (a ^ b)) ? (int)(s->bits - n) : -1;
}

/* The upper end of a constant range: only constants have one. */
static bool upper_put(struct dc *c, const struct svs *lo, const struct svs *hi, const struct sel *s,
	bool brackets, struct buf *out)
{
	const struct svref *a = one(lo), *b = one(hi);
	int plen;

	if (!b)
		return true;
	if (!a || a->v->x->kind != DX_IMM || b->v->x->kind != DX_IMM)
		return false;
	plen = brackets ? -1 : prefix_of(s, a->v->x, b->v->x);
	if (plen >= 0) {
		buf_printf(out, "/%d", plen);
		return true;
	}
	buf_puts(out, brackets ? "-[" : "-");
	val_put(c, s, b->v->x->p.a, b->v->x->p.alen, out);
	buf_puts(out, brackets ? "]" : "");
	return true;
}

static bool addr_put(struct dc *c, const struct item *it, const struct sel *want, struct buf *out)
{
	const struct svref *a = one(&it->ds->src[0]);
	bool brackets = want->dt->id == DT_IP6ADDR && a && a->v->x->kind == DX_IMM &&
			(it->ds->src[2].n || it->ds->x->kind == DX_TPROXY);
	struct sel s = *want;

	if (!a)
		return false;
	buf_puts(out, brackets ? "[" : "");
	if (!sel_put(c, a, false, it->style, out, &s))
		return false;
	buf_puts(out, brackets ? "]" : "");
	return a->v->x->kind == DX_MAP ? true
				       : upper_put(c, &it->ds->src[0], &it->ds->src[1], want, brackets, out);
}

static bool port_put(struct dc *c, const struct item *it, struct buf *out)
{
	struct sel want = sel_of(datatype_by_id(DT_INET_SERVICE), 16), s = want;

	if (!one(&it->ds->src[2]))
		return false;
	buf_putc(out, ':');
	if (!sel_put(c, one(&it->ds->src[2]), false, it->style, out, &s))
		return false;
	return upper_put(c, &it->ds->src[2], &it->ds->src[3], &want, false, out);
}

static bool flags_put(uint32_t flags, struct buf *out)
{
	static const struct {
		uint32_t flag;
		const char *word;
	} words[] = { { NF_NAT_RANGE_PROTO_RANDOM, "random" },
		{ NF_NAT_RANGE_PROTO_RANDOM_FULLY, "fully-random" },
		{ NF_NAT_RANGE_PERSISTENT, "persistent" } };
	const char *sep = " ";

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (flags & words[i].flag) {
			buf_printf(out, "%s%s", sep, words[i].word);
			sep = ",";
			flags &= ~words[i].flag;
		}
	return !flags;
}

static const char *family_word(uint32_t family)
{
	return family == NFPROTO_IPV4 ? " ip" : family == NFPROTO_IPV6 ? " ip6" : "";
}

static struct sel addr_type(uint32_t family)
{
	return sel_of(datatype_by_id(family == NFPROTO_IPV6 ? DT_IP6ADDR : DT_IPADDR), 0);
}

/* Values of a map that are more than an address: both ends of a range, ports. */
static bool is_wide(struct dc *c, const struct svref *a)
{
	const struct set_info *info = a && a->v->x->kind == DX_MAP ? dc_set(c, a->v->x) : NULL;

	return info && (info->data.n > 1 || info->data.interval);
}

static bool snat_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct dx *x = it->ds->x;
	const struct svref *a = one(&it->ds->src[0]), *p = one(&it->ds->src[2]);
	bool wide = is_wide(c, a), ports = p && !(a && p->v == a->v), inet = it->ctx.family == NFPROTO_INET;
	struct sel want = addr_type(x->p.family);
	uint32_t flags = x->p.flags;

	if (x->p.key > NFT_NAT_DNAT)
		return false;
	buf_puts(out, x->p.key == NFT_NAT_SNAT ? "snat" : "dnat");
	if (a || p) {
		if ((a && inet) || wide || it->style != STYLE_NICE || (inet && x->p.family != NFPROTO_INET))
			buf_puts(out, family_word(x->p.family));
		if (flags & NF_NAT_RANGE_NETMAP)
			buf_puts(out, " prefix");
		flags &= ~(uint32_t)NF_NAT_RANGE_NETMAP;
		buf_puts(out, " to ");
	}
	if (a && !addr_put(c, it, &want, out))
		return false;
	return (!ports || port_put(c, it, out)) && flags_put(flags, out);
}

static bool masq_put(struct dc *c, const struct item *it, const char *word, struct buf *out)
{
	buf_puts(out, word);
	if (it->ds->src[2].n) {
		buf_puts(out, " to ");
		if (!port_put(c, it, out))
			return false;
	}
	return flags_put(it->ds->x->p.flags, out);
}

static bool tproxy_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct dx *x = it->ds->x;
	struct sel want = addr_type(x->p.family);

	buf_puts(out, "tproxy");
	if (it->ctx.family == NFPROTO_INET)
		buf_puts(out, family_word(x->p.family));
	buf_puts(out, " to ");
	if (it->ds->src[0].n && !addr_put(c, it, &want, out))
		return false;
	return !it->ds->src[2].n || port_put(c, it, out);
}

static bool dup_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct svref *a = one(&it->ds->src[0]), *d = one(&it->ds->src[1]);
	struct sel want = addr_type(it->ctx.family), dev = sel_of(datatype_by_id(DT_IFINDEX), 32);

	buf_puts(out, "dup to ");
	if (a && !sel_put(c, a, false, it->style, out, &want))
		return false;
	if (!d)
		return a;
	buf_puts(out, a ? " device " : "");
	return sel_put(c, d, false, it->style, out, &dev);
}

static bool fwd_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct svref *a = one(&it->ds->src[0]), *d = one(&it->ds->src[1]);
	struct sel want = addr_type(it->ds->x->p.family), dev = sel_of(datatype_by_id(DT_IFINDEX), 32);

	if (!d)
		return false;
	if (!a) {
		buf_puts(out, "fwd to ");
		return sel_put(c, d, false, it->style, out, &dev);
	}
	buf_printf(out, "fwd%s to ", family_word(it->ds->x->p.family));
	if (!sel_put(c, a, false, it->style, out, &want))
		return false;
	buf_puts(out, " device ");
	return sel_put(c, d, false, it->style, out, &dev);
}

bool nat_put(struct dc *c, const struct item *it, struct buf *out)
{
	switch (it->ds->x->kind) {
	case DX_NAT: return snat_put(c, it, out);
	case DX_MASQ: return masq_put(c, it, "masquerade", out);
	case DX_REDIR: return masq_put(c, it, "redirect", out);
	case DX_TPROXY: return tproxy_put(c, it, out);
	case DX_DUP: return dup_put(c, it, out);
	case DX_FWD: return fwd_put(c, it, out);
	default: return false;
	}
}
