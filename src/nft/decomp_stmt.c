// SPDX-License-Identifier: GPL-2.0-or-later
/* Statements. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_log.h>
#include <linux/netfilter/nf_synproxy.h>
#include <string.h>

#include "base/text.h"
#include "nft/decomp.h"

/* ---- stateful ---- */

static uint64_t unit(uint64_t v, const char **word)
{
	static const char *const words[] = { "bytes", "kbytes", "mbytes" };
	unsigned i;

	for (i = 0; i < 2 && v % 1024 == 0; i++)
		v /= 1024;
	*word = words[i];
	return v;
}

static bool limit_put(const struct dx *x, struct buf *out)
{
	static const struct {
		uint64_t seconds;
		const char *word;
	} units[] = { { 1, "second" }, { 60, "minute" }, { 3600, "hour" }, { 86400, "day" },
		{ 604800, "week" } };
	bool over = x->p.flags & NFT_LIMIT_F_INV;
	const char *per = NULL, *word;
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (units[i].seconds == x->p.q2)
			per = units[i].word;
	if (!per || x->p.key > NFT_LIMIT_PKT_BYTES || x->p.flags & ~(uint32_t)NFT_LIMIT_F_INV)
		return false;
	buf_printf(out, "limit rate %s", over ? "over " : "");
	if (x->p.key == NFT_LIMIT_PKTS) {
		buf_printf(out, "%llu/%s", (unsigned long long)x->p.q1, per);
		if (x->p.add != 5)
			buf_printf(out, " burst %u packets", x->p.add);
		return true;
	}
	v = unit(x->p.q1, &word);
	buf_printf(out, "%llu %s/%s", (unsigned long long)v, word, per);
	if (x->p.add) {
		v = unit(x->p.add, &word);
		buf_printf(out, " burst %llu %s", (unsigned long long)v, word);
	}
	return true;
}

static bool quota_put(const struct dx *x, bool stateless, struct buf *out)
{
	const char *word;
	uint64_t v = unit(x->p.q1, &word);

	buf_printf(out, "quota %s%llu %s", x->p.flags & NFT_QUOTA_F_INV ? "over " : "", (unsigned long long)v,
		word);
	if (x->p.q2 && !stateless) {
		v = unit(x->p.q2, &word);
		buf_printf(out, " used %llu %s", (unsigned long long)v, word);
	}
	return true;
}

static bool last_put(const struct dx *x, bool stateless, struct buf *out)
{
	char dur[48];

	buf_puts(out, "last");
	if (!stateless)
		buf_printf(out, " used %s", x->p.key ? duration_format(x->p.q1, dur) : "never");
	return true;
}

bool stateful_put(const struct dx *x, bool stateless, struct buf *out)
{
	switch (x->kind) {
	case DX_COUNTER:
		buf_puts(out, "counter");
		if (!stateless)
			buf_printf(out, " packets %llu bytes %llu", (unsigned long long)x->p.q1,
				(unsigned long long)x->p.q2);
		return true;
	case DX_LIMIT: return limit_put(x, out);
	case DX_QUOTA: return quota_put(x, stateless, out);
	case DX_LAST: return last_put(x, stateless, out);
	case DX_CONNLIMIT:
		buf_printf(out, "ct count %s%u", x->p.flags & NFT_CONNLIMIT_F_INV ? "over " : "", x->p.add);
		return !(x->p.flags & ~(uint32_t)NFT_CONNLIMIT_F_INV);
	default: return false;
	}
}

/* ---- log, reject, queue, synproxy ---- */

static void log_flags_put(uint32_t flags, struct buf *out)
{
	if (flags == NF_LOG_MASK) {
		buf_puts(out, " flags all");
		return;
	}
	if (flags & (NF_LOG_TCPSEQ | NF_LOG_TCPOPT))
		buf_printf(out, " flags tcp %s%s%s", flags & NF_LOG_TCPSEQ ? "sequence" : "",
			(flags & (NF_LOG_TCPSEQ | NF_LOG_TCPOPT)) == (NF_LOG_TCPSEQ | NF_LOG_TCPOPT) ? ","
												     : "",
			flags & NF_LOG_TCPOPT ? "options" : "");
	if (flags & NF_LOG_IPOPT)
		buf_puts(out, " flags ip options");
	if (flags & NF_LOG_UID)
		buf_puts(out, " flags skuid");
	if (flags & NF_LOG_MACDECODE)
		buf_puts(out, " flags ether");
}

static bool log_put(const struct dx *x, struct buf *out)
{
	static const char *const levels[] = { "emerg", "alert", "crit", "err", "warn", "notice", "info",
		"debug", "audit" };

	buf_puts(out, "log");
	if (x->name) {
		buf_puts(out, " prefix ");
		quote_put(x->name, strlen(x->name), out);
	}
	if (x->p.key)
		buf_printf(out, " group %u", x->p.key - 1);
	if (x->p.off)
		buf_printf(out, " snaplen %u", x->p.len);
	if (x->p.mod)
		buf_printf(out, " queue-threshold %u", x->p.mod);
	if (x->p.key)
		return !x->p.flags;
	if (x->p.op >= ARRAY_SIZE(levels) || x->p.flags & ~(uint32_t)NF_LOG_MASK)
		return false;
	if (x->p.op != 4)
		buf_printf(out, " level %s", levels[x->p.op]);
	log_flags_put(x->p.flags, out);
	return true;
}

static bool reject_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct dx *x = it->ds->x;
	bool v6 = dctx_nfproto(&it->ctx) == NFPROTO_IPV6,
	     mixed = it->ctx.family != NFPROTO_IPV4 && it->ctx.family != NFPROTO_IPV6;
	struct sel s;

	buf_puts(out, "reject");
	switch (x->p.key) {
	case NFT_REJECT_TCP_RST:
		buf_puts(out, " with tcp reset"); /* the protocol is left there, as nft does */
		return true;
	case NFT_REJECT_ICMPX_UNREACH:
		if (x->p.op == NFT_REJECT_ICMPX_PORT_UNREACH && !dctx_nfproto(&it->ctx) &&
			it->style == STYLE_NICE)
			return true;
		s = sel_of(datatype_by_id(DT_ICMPX_CODE), 8);
		buf_puts(out, " with icmpx ");
		break;
	case NFT_REJECT_ICMP_UNREACH:
		if (!dctx_nfproto(&it->ctx))
			return false;
		if (x->p.op == (v6 ? 4 : 3) && !mixed && it->style == STYLE_NICE)
			return true;
		c->needs |= DEP_NET | DEP_FIRST;
		s = sel_of(datatype_by_id(v6 ? DT_ICMPV6_CODE : DT_ICMP_CODE), 8);
		buf_puts(out, v6 ? " with icmpv6 " : " with icmp ");
		break;
	default: return false;
	}
	val_num_put(c, &s, x->p.op, false, out);
	return true;
}

static bool queue_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct dx *x = it->ds->x;
	struct sel s = { 0 };

	if (x->p.flags & ~(uint32_t)(NFT_QUEUE_FLAG_BYPASS | NFT_QUEUE_FLAG_CPU_FANOUT))
		return false;
	buf_puts(out, "queue");
	if (x->p.flags)
		buf_printf(out, " flags %s%s%s", x->p.flags & NFT_QUEUE_FLAG_BYPASS ? "bypass" : "",
			x->p.flags == (NFT_QUEUE_FLAG_BYPASS | NFT_QUEUE_FLAG_CPU_FANOUT) ? "," : "",
			x->p.flags & NFT_QUEUE_FLAG_CPU_FANOUT ? "fanout" : "");
	buf_puts(out, " to ");
	if (x->reg[0] != SLOT_NONE) {
		s = sel_of(&datatype_integer_host, 16);
		return it->ds->src[0].n == 1 && sel_put(c, &it->ds->src[0].v[0], false, it->style, out, &s);
	}
	buf_printf(out, "%u", x->p.key);
	if (x->p.mod > 1)
		buf_printf(out, "-%u", x->p.key + x->p.mod - 1);
	return x->p.mod;
}

static bool synproxy_put(const struct dx *x, struct buf *out)
{
	buf_puts(out, "synproxy");
	if (x->p.flags & NF_SYNPROXY_OPT_MSS)
		buf_printf(out, " mss %u", x->p.key);
	if (x->p.flags & NF_SYNPROXY_OPT_WSCALE)
		buf_printf(out, " wscale %u", x->p.add);
	if (x->p.flags & NF_SYNPROXY_OPT_TIMESTAMP)
		buf_puts(out, " timestamp");
	if (x->p.flags & NF_SYNPROXY_OPT_SACK_PERM)
		buf_puts(out, " sack-perm");
	return true;
}

/* ---- … set … ---- */

static bool key_set_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct dx *x = it->ds->x;
	const struct selkey *k = x->kind == DX_META_SET ? meta_keys : ct_keys;
	const struct sv *v;
	struct sel s;

	while (k->name && k->key != x->p.key)
		k++;
	if (!k->name || it->ds->src[0].n != 1)
		return false;
	v = it->ds->src[0].v[0].v;
	buf_printf(out, "%s %s%s set ", x->kind == DX_META_SET ? "meta" : "ct",
		x->p.op == 1   ? "original "
		: x->p.op == 2 ? "reply "
			       : "",
		k->name);
	s = sel_of(dt_for(k->type, k->order), k->bits);
	s.order = k->order;
	if (v->x->kind == DX_IMM && !it->ds->src[0].v[0].at && s.dt->base == BASE_BITMASK && s.dt->syms &&
		v->x->p.alen == s.len && val_num(&s, v->x->p.a, s.len)) {
		val_bits_put(&s, val_num(&s, v->x->p.a, s.len), ",", out);
		return true;
	}
	return sel_put(c, &it->ds->src[0].v[0], false, it->style, out, &s);
}

/* What is beside the field was read and is written back: only the hole in the mask is new. */
static bool hole_put(struct dc *c, const struct item *it, const struct sv *v, struct buf *out)
{
	const struct dx *x = it->ds->x;
	struct sel s = { 0 };
	unsigned low = 0, width = 0, at;
	const struct dx *load;
	u128 hole, val;

	if (v->x->kind != DX_BITWISE || v->in.n != 1 || v->x->p.len != x->p.len || x->p.len > 16)
		return false;
	load = v->in.v[0].v->x;
	if (load->kind != DX_PAYLOAD || load->p.base != x->p.base || load->p.off != x->p.off ||
		load->p.len != x->p.len)
		return false;
	hole = ~num_import(v->x->p.a, x->p.len, ORDER_BIG) & val_ones(8 * x->p.len);
	val = num_import(v->x->p.b, x->p.len, ORDER_BIG);
	if (!hole || val & ~hole)
		return false;
	while (!(hole >> low & 1))
		low++;
	while (width < 128 && hole >> low >> width & 1)
		width++;
	if (hole >> low != val_ones(width))
		return false;
	at = 8 * x->p.off + 8 * x->p.len - low - width;
	if (!load_field_put(c, x, at, width, out, &s))
		return false;
	buf_puts(out, " set ");
	val_num_put(c, &s, val >> low, s.dt->id == DT_INET_PROTOCOL, out);
	return true;
}

static bool payload_set_put(struct dc *c, const struct item *it, struct buf *out)
{
	struct dx load = *it->ds->x;
	struct sv place = { .x = &load, .len = load.p.len };
	const struct svs *src = &it->ds->src[0];
	size_t begin = out->n;
	struct sel s = { 0 };

	if (src->n != 1 || src->v[0].at)
		return false;
	if (it->style == STYLE_NICE && hole_put(c, it, src->v[0].v, out))
		return true;
	out->n = begin;
	load.kind = DX_PAYLOAD;
	if (!load_put(c, &place, it->style, out, &s))
		return false;
	s.plain = s.dt->id == DT_INET_PROTOCOL; /* names of protocols are keywords there */
	buf_puts(out, " set ");
	return sel_put(c, &src->v[0], false, it->style, out, &s);
}

static bool exthdr_set_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct dx *x = it->ds->x;
	struct sel s = { 0 };

	if (it->ds->src[0].n != 1 || !load_field_put(c, x, 8 * x->p.off, 8 * x->p.len, out, &s))
		return false;
	buf_puts(out, " set ");
	return sel_put(c, &it->ds->src[0].v[0], false, it->style, out, &s);
}

static bool reset_put(const struct dx *x, struct buf *out)
{
	const struct proto *p;

	if (x->p.op != NFT_EXTHDR_OP_TCPOPT)
		return false;
	for (size_t i = 0; (p = proto_option_at(PROTO_TCPOPT, i)) && p->num != x->p.key; i++)
		;
	buf_puts(out, "reset tcp option ");
	if (p)
		buf_puts(out, p->name);
	else
		buf_printf(out, "%u", x->p.key);
	return true;
}

/* ---- objects, dynamic sets, verdicts ---- */

static const char *objref_word(uint32_t type)
{
	switch (type) {
	case NFT_OBJECT_COUNTER: return "counter name ";
	case NFT_OBJECT_QUOTA: return "quota name ";
	case NFT_OBJECT_LIMIT: return "limit name ";
	case NFT_OBJECT_SYNPROXY: return "synproxy name ";
	case NFT_OBJECT_TUNNEL: return "tunnel name ";
	case NFT_OBJECT_CT_HELPER: return "ct helper set ";
	case NFT_OBJECT_CT_TIMEOUT: return "ct timeout set ";
	case NFT_OBJECT_CT_EXPECT: return "ct expectation set ";
	case NFT_OBJECT_SECMARK: return "meta secmark set ";
	default: return NULL;
	}
}

static bool objref_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct dx *x = it->ds->x;
	const struct set_info *info = x->kind == DX_OBJREF_MAP ? dc_set(c, x) : NULL;
	const char *word = objref_word(info ? info->obj_type : x->p.key);
	struct sel s[SLOTS] = { 0 };

	if (!word || !x->name)
		return false;
	buf_puts(out, word);
	if (!info) {
		quote_put(x->name, strlen(x->name), out);
		return x->kind == DX_OBJREF;
	}
	if (!sels_put(c, &it->ds->src[0], true, it->style, out, s))
		return false;
	buf_puts(out, " map ");
	return set_put(c, info, s, it->ds->src[0].n, NULL, out);
}

static void want_parts(const struct nft_type *t, struct sel *s)
{
	for (unsigned i = 0; i < t->n; i++)
		s[i] = sel_of(t->part[i], t->bits[i]);
}

static bool dynset_put(struct dc *c, const struct item *it, struct buf *out)
{
	static const char *const ops[] = { "add", "update", "delete" };
	const struct dx *x = it->ds->x;
	const struct set_info *info = dc_set(c, x);
	struct sel key[SLOTS] = { 0 }, data[SLOTS] = { 0 };
	uint32_t meter = NFT_SET_ANONYMOUS | NFT_SET_EVAL, size;
	char dur[48];

	if (!info || x->p.op >= ARRAY_SIZE(ops) || x->p.flags)
		return false;
	if ((info->flags & meter) == meter) {
		size = c->env->set_size ? c->env->set_size(c->env->ctx, x->name) : 0;
		buf_printf(out, "meter %s ", x->name);
		if (size)
			buf_printf(out, "size %u ", size);
		buf_puts(out, "{ ");
	} else {
		buf_printf(out, "%s @%s { ", ops[x->p.op], x->name);
	}
	want_parts(&info->key, key);
	want_parts(&info->data, data);
	if (!sels_put(c, &it->ds->src[0], false, it->style, out, key))
		return false;
	if (x->p.q1)
		buf_printf(out, " timeout %s", duration_format(x->p.q1, dur));
	for (uint32_t i = 0; i < x->n_sub; i++) {
		buf_putc(out, ' ');
		if (!stateful_put(&x->sub[i], c->env->stateless || !(x->sub[i].p.q1 | x->sub[i].p.q2), out))
			return false;
	}
	if (x->reg[1] != SLOT_NONE) {
		buf_puts(out, " : ");
		if (!sels_put(c, &it->ds->src[1], false, it->style, out, data))
			return false;
	}
	buf_puts(out, " }");
	return true;
}

static bool vmap_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct set_info *info = dc_set(c, it->ds->x);
	struct sel s[SLOTS] = { 0 };

	if (!info || !sels_put(c, &it->ds->src[0], info->flags & NFT_SET_ANONYMOUS, it->style, out, s))
		return false;
	buf_puts(out, " vmap ");
	return set_put(c, info, s, it->ds->src[0].n, NULL, out);
}

bool stmt_put(struct dc *c, const struct item *it, struct buf *out)
{
	const struct dx *x = it->ds->x;

	switch (x->kind) {
	case DX_COUNTER:
	case DX_LIMIT:
	case DX_QUOTA:
	case DX_LAST:
	case DX_CONNLIMIT: return stateful_put(x, c->env->stateless, out);
	case DX_LOG: return log_put(x, out);
	case DX_REJECT: return reject_put(c, it, out);
	case DX_QUEUE: return queue_put(c, it, out);
	case DX_SYNPROXY: return synproxy_put(x, out);
	case DX_META_SET:
	case DX_CT_SET: return key_set_put(c, it, out);
	case DX_PAYLOAD_SET: return payload_set_put(c, it, out);
	case DX_EXTHDR_SET: return exthdr_set_put(c, it, out);
	case DX_RESET: return reset_put(x, out);
	case DX_OBJREF:
	case DX_OBJREF_MAP: return objref_put(c, it, out);
	case DX_DYNSET: return dynset_put(c, it, out);
	case DX_VMAP: return vmap_put(c, it, out);
	case DX_VERDICT: return jump_put(c, x, out);
	case DX_NOTRACK: buf_puts(out, "notrack"); return true;
	case DX_FLOW: buf_printf(out, "flow add @%s", x->name ? x->name : ""); return x->name;
	default: return nat_put(c, it, out);
	}
}
