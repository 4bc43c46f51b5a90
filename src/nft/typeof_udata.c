// SPDX-License-Identifier: GPL-2.0-or-later
/* nft keeps in the user data of a set declared by `typeof` which expressions its types come from: nested
 * entries of type, length, value; the numbers in them are nft's own of expressions, protocols, and fields.
 *
 * A description is EXPR (the expression's kind) and DATA (what it says); a concatenation's DATA has such a
 * description for each part. */
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <libnftnl/udata.h>

#include "nft/batch_impl.h"
#include "nft/field.h"
#include "nft/typeof.h"

enum { /* nft's kinds of expressions */
	UD_VERDICT = 1,
	UD_PAYLOAD = 7,
	UD_EXTHDR = 8,
	UD_META = 9,
	UD_SOCKET = 10,
	UD_OSF = 11,
	UD_CT = 12,
	UD_CONCAT = 13,
	UD_NUMGEN = 23,
	UD_HASH = 24,
	UD_RT = 25,
	UD_FIB = 26,
	UD_XFRM = 27,
};

/* nft's numbers of protocols; 0 is the raw payload. */
static const char *const headers[] = { NULL, "ah", "esp", "comp", "icmp", "igmp", "udp", "udplite", "tcp",
	"dccp", "sctp", "th", "ip", "ip6", "icmpv6", "arp", "vlan", "ether" };
/* Of IPv6 extension headers. Two have fields that nft can not name in `typeof`. */
static const char *const exthdrs[] = { NULL, "hbh", "rt", NULL, NULL, "srh", "frag", "dst", "mh" };
static const enum proto_kind exthdr_ops[] = { PROTO_EXTHDR6, PROTO_TCPOPT, PROTO_IPOPT, PROTO_SCTP_CHUNK };

static uint32_t header_number(const char *const *t, size_t n, const char *name)
{
	for (uint32_t i = 1; i < n; i++)
		if (t[i] && !strcmp(t[i], name))
			return i;
	return 0;
}

/* The blocks of `sack` have their fields one behind the other. */
static uint32_t sack_block(const struct proto *p)
{
	return p->kind == PROTO_TCPOPT && !strncmp(p->name, "sack", 4) && p->name[4] >= '1' &&
			       p->name[4] <= '3'
		       ? (uint32_t)(p->name[4] - '0')
		       : 0;
}

/* Options of TCP and chunks of SCTP count from 0; what nft has between the fields of an option of IP is left
 * out in the tables. */
static uint32_t field_number(const struct proto *p, const struct field *f)
{
	uint32_t i = (uint32_t)(f - p->fields);

	switch (p->kind) {
	case PROTO_SCTP_CHUNK: return i;
	case PROTO_TCPOPT: return i < 2 ? i : i + 2 * sack_block(p);
	case PROTO_IPOPT: return i + 1 + (i >= 2 && strcmp(p->name, "ra"));
	default: return i + 1;
	}
}

static const struct field *field_by_number(const struct proto *p, uint32_t number)
{
	for (const struct field *f = p->fields; f->name; f++)
		if (field_number(p, f) == number)
			return f;
	return NULL;
}

/* ---- text → user data ---- */

/* Up to four numbers, as entries 0, 1, … */
static void put_numbers(struct udata *u, const uint32_t *v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		udata_u32(u, (uint8_t)i, v[i]);
}

static bool put_field(struct udata *u, const struct node *n)
{
	const struct field *f = n->def;
	uint32_t v[] = { header_number(headers, ARRAY_SIZE(headers), n->proto->name),
		field_number(n->proto, f) };

	put_numbers(u, v, 2);
	if (f->type == DT_INTEGER) /* which has no width of its own */
		udata_u32(u, 4, f->bits);
	return v[0];
}

static bool put_exthdr(struct udata *u, const struct node *n)
{
	const struct field *f = n->def;
	uint32_t desc, op = 0;

	while (op < ARRAY_SIZE(exthdr_ops) && exthdr_ops[op] != n->proto->kind)
		op++;
	if (!f || op == ARRAY_SIZE(exthdr_ops))
		return false;
	desc = op ? n->proto->num : header_number(exthdrs, ARRAY_SIZE(exthdrs), n->proto->name);
	udata_u32(u, 1, field_number(n->proto, f));
	if (op)
		udata_u32(u, 2, op);
	udata_u32(u, 0, desc);
	return op || (desc && strcmp(f->name, "sid") != 0);
}

/* Keys that stand for an address have a number for each family. */
static uint32_t ct_key(const struct node *n)
{
	const struct selkey *k = n->def;
	bool v6 = n->u2 == NFPROTO_IPV6;

	if (k->key == NFT_CT_SRC)
		return v6 ? NFT_CT_SRC_IP6 : NFT_CT_SRC_IP;
	if (k->key == NFT_CT_DST)
		return v6 ? NFT_CT_DST_IP6 : NFT_CT_DST_IP;
	return k->key;
}

static uint32_t xfrm_key(const struct node *n)
{
	const struct selkey *k = n->def;

	return k->type == DT_INVALID && n->u3 == NFPROTO_IPV6 ? k->key + 1u : k->key;
}

static uint32_t rt_key(const struct node *n)
{
	const struct selkey *k = n->def;

	return k->key == NFT_RT_NEXTHOP4 && n->u2 == NFPROTO_IPV6 ? NFT_RT_NEXTHOP6 : k->key;
}

static bool number(const struct node *n, uint32_t *out)
{
	unsigned long v = 0;
	char *end = NULL;

	*out = 0;
	if (!n)
		return true;
	if (n->kind != N_WORD || *n->s < '0' || *n->s > '9')
		return false;
	v = strtoul(n->s, &end, 0);
	*out = (uint32_t)v;
	return !*end && v <= UINT32_MAX;
}

static bool put_generated(struct udata *u, const struct node *n)
{
	bool hash = n->kind == N_HASH;
	uint32_t mod, offset;

	/* nft dies of one of jhash */
	if ((hash && n->u != NFT_HASH_SYM) || !number(n->b, &mod) || !number(n->d, &offset))
		return false;
	if (hash)
		put_numbers(u, (const uint32_t[]){ (uint32_t)n->u, offset, mod, 0, 0 }, 5);
	else
		put_numbers(u, (const uint32_t[]){ (uint32_t)n->u, mod, offset }, 3);
	return true;
}

static uint32_t data_of(struct udata *u, const struct node *n, bool *ok)
{
	const struct selkey *k = n->def;
	uint32_t v[5] = { 0 };

	switch (n->kind) {
	case N_FIELD: *ok = put_field(u, n); return UD_PAYLOAD;
	case N_EXTHDR: *ok = put_exthdr(u, n); return UD_EXTHDR;
	case N_RAW:
		v[2] = (uint32_t)n->u + 1;
		v[3] = (uint32_t)n->u2;
		v[4] = (uint32_t)n->u3;
		put_numbers(u, v, 5);
		return UD_PAYLOAD;
	case N_META: udata_u32(u, 0, k->key); return UD_META;
	case N_CT:
		v[0] = ct_key(n);
		v[1] = (uint32_t)n->u - 1;
		put_numbers(u, v, 2);
		return UD_CT;
	case N_RT: udata_u32(u, 0, rt_key(n)); return UD_RT;
	case N_SOCKET: udata_u32(u, 0, k->key); return UD_SOCKET;
	case N_OSF: return UD_OSF;
	case N_FIB:
		v[0] = (uint32_t)n->u2;
		v[1] = (uint32_t)n->u;
		put_numbers(u, v, 2);
		return UD_FIB;
	case N_NUMGEN: *ok = put_generated(u, n); return UD_NUMGEN;
	case N_HASH: *ok = put_generated(u, n); return UD_HASH;
	case N_XFRM:
		v[0] = xfrm_key(n);
		v[1] = (uint32_t)n->u2;
		v[2] = (uint32_t)n->u;
		put_numbers(u, v, 3);
		return UD_XFRM;
	default: *ok = false; return 0;
	}
}

/* false: there was no room for it. */
static bool put_nested(struct udata *u, uint8_t type, const struct udata *v)
{
	uint32_t was = u->n;

	udata_put(u, type, v->b, v->n);
	return u->n > was;
}

static bool put_expr(struct udata *u, const struct node *n)
{
	struct udata data = { .n = 0 };
	uint32_t kind = UD_CONCAT;
	bool ok = true;
	uint8_t i = 0;

	if (n->kind != N_CONCAT)
		kind = data_of(&data, n, &ok);
	else
		for (n = n->a; ok && n; n = n->next, i++) {
			struct udata part = { .n = 0 };

			ok = put_expr(&part, n) && put_nested(&data, i, &part);
		}
	udata_u32(u, NFTNL_UDATA_SET_TYPEOF_EXPR, kind);
	return ok && put_nested(u, NFTNL_UDATA_SET_TYPEOF_DATA, &data);
}

static void put_typeof(struct udata *u, uint8_t type, const char *text)
{
	struct udata one = { .n = 0 };
	struct ast_rule r = { 0 };
	const struct node *n = typeof_parse(text, &r, NULL);

	if (n && put_expr(&one, n))
		udata_put(u, type, one.b, one.n);
	typeof_done(&r);
}

/* The two sides of the text. */
static char *key_text(const char *text)
{
	const char *end = strstr(text, " : ");

	return end ? xstrndup(text, (size_t)(end - text)) : xstrdup(text);
}

static const char *data_text(const char *text)
{
	const char *s = strstr(text, " : ");

	if (!s)
		return NULL;
	s += 3;
	return strncmp(s, "interval ", 9) ? s : s + 9;
}

static void put_bare(struct udata *u, uint8_t type, uint32_t kind)
{
	struct udata one = { .n = 0 }, nothing = { .n = 0 };

	udata_u32(&one, NFTNL_UDATA_SET_TYPEOF_EXPR, kind);
	put_nested(&one, NFTNL_UDATA_SET_TYPEOF_DATA, &nothing);
	put_nested(u, type, &one);
}

void udata_typeof_verdict(struct udata *u)
{
	put_bare(u, NFTNL_UDATA_SET_DATA_TYPEOF, UD_VERDICT);
}

/* Of a set declared by type nft says where it is a concatenation, and nothing of the parts. */
static void put_concats(struct udata *u, const struct set_info *info)
{
	if (info->key.n > 1)
		put_bare(u, NFTNL_UDATA_SET_KEY_TYPEOF, UD_CONCAT);
	if (info->data.n > 1 && (info->flags & NFT_SET_MAP))
		put_bare(u, NFTNL_UDATA_SET_DATA_TYPEOF, UD_CONCAT);
}

void udata_typeof(struct udata *u, const struct set_want *w)
{
	_autofree_ char *key = w->typeof_text ? key_text(w->typeof_text) : NULL;
	const char *data = w->typeof_text ? data_text(w->typeof_text) : NULL;

	if (!key) {
		put_concats(u, &w->info);
		return;
	}
	put_typeof(u, NFTNL_UDATA_SET_KEY_TYPEOF, key);
	if (!data || !(w->info.flags & NFT_SET_MAP))
		return;
	if (nft_type_is_verdict(&w->info.data))
		udata_typeof_verdict(u);
	else
		put_typeof(u, NFTNL_UDATA_SET_DATA_TYPEOF, data);
}

/* ---- user data → text ---- */

struct entries {
	const uint8_t *p;
	size_t n;
};

static bool nested(const struct entries *in, uint8_t type, struct entries *out)
{
	uint8_t len = 0;

	out->p = udata_find(in->p, in->n, type, &len);
	out->n = len;
	return out->p;
}

static uint32_t entry(const struct entries *in, uint8_t type)
{
	struct entries v;
	uint32_t x = 0;

	if (nested(in, type, &v) && v.n == sizeof(x))
		memcpy(&x, v.p, sizeof(x));
	return x;
}

static bool field_text(struct buf *out, const char *lead, const struct proto *p, uint32_t number)
{
	const struct field *f = p ? field_by_number(p, number) : NULL;

	if (f)
		buf_printf(out, "%s%s %s", lead, p->name, f->name);
	return f;
}

static bool payload_text(struct buf *out, const struct entries *d)
{
	static const char *const base[] = { NULL, "ll", "nh", "th", "ih" };
	uint32_t desc = entry(d, 0), b = entry(d, 2);

	if (desc >= ARRAY_SIZE(headers) || b >= ARRAY_SIZE(base))
		return false;
	if (desc)
		return field_text(out, "", proto_by_name(headers[desc]), entry(d, 1));
	buf_printf(out, "@%s,%u,%u", base[b] ? base[b] : "?", entry(d, 3), entry(d, 4));
	return b;
}

static bool exthdr_text(struct buf *out, const struct entries *d)
{
	static const char *const lead[] = { "", "tcp option ", "ip option ", "sctp chunk " };
	uint32_t op = entry(d, 2), desc = entry(d, 0), number = entry(d, 1);
	const struct proto *p;

	if (!op)
		return desc < ARRAY_SIZE(exthdrs) && exthdrs[desc] &&
		       field_text(out, "", proto_by_name(exthdrs[desc]), number);
	if (op >= ARRAY_SIZE(exthdr_ops))
		return false;
	for (size_t i = 0; (p = proto_option_at(exthdr_ops[op], i)); i++)
		if (p->num == desc && field_text(out, lead[op], p, number))
			return true;
	return false;
}

static const char *key_name(const struct selkey *t, uint32_t key)
{
	while (t->name && t->key != key)
		t++;
	return t->name;
}

/* name NULL: no such key. */
static bool words(struct buf *out, const char *lead, const char *family, const char *name)
{
	if (name)
		buf_printf(out, "%s%s%s", lead, family, name);
	return name;
}

static bool meta_text(struct buf *out, uint32_t key)
{
	bool bare = key == NFT_META_IIF || key == NFT_META_OIF || key == NFT_META_IIFNAME ||
		    key == NFT_META_OIFNAME || key == NFT_META_IIFGROUP || key == NFT_META_OIFGROUP;

	return words(out, bare ? "" : "meta ", "", key_name(meta_keys, key));
}

static bool ct_text(struct buf *out, const struct entries *d)
{
	uint32_t key = entry(d, 0), dir = entry(d, 1);
	const char *lead = dir == 0 ? "ct original " : dir == 1 ? "ct reply " : "ct ";

	switch (key) {
	case NFT_CT_SRC_IP: return words(out, lead, "ip ", "saddr");
	case NFT_CT_DST_IP: return words(out, lead, "ip ", "daddr");
	case NFT_CT_SRC_IP6: return words(out, lead, "ip6 ", "saddr");
	case NFT_CT_DST_IP6: return words(out, lead, "ip6 ", "daddr");
	default: return words(out, lead, "", key_name(ct_keys, key));
	}
}

static bool rt_text(struct buf *out, uint32_t key)
{
	if (key == NFT_RT_NEXTHOP4 || key == NFT_RT_NEXTHOP6)
		return words(out, "rt ", key == NFT_RT_NEXTHOP4 ? "ip " : "ip6 ", "nexthop");
	return words(out, "rt ", "", key_name(rt_keys, key));
}

/* The level is not kept. */
static bool socket_text(struct buf *out, uint32_t key)
{
	bool ok = words(out, "socket ", "", key_name(socket_keys, key));

	if (key == NFT_SOCKET_CGROUPV2)
		buf_puts(out, " level 0");
	return ok;
}

static bool fib_text(struct buf *out, uint32_t result, uint32_t flags)
{
	static const char *const from[] = { "saddr", "daddr", "mark", "iif", "oif" };
	const char *sep = "fib ";

	for (unsigned i = 0; i < ARRAY_SIZE(from); i++) {
		if (!(flags & 1u << i))
			continue;
		buf_printf(out, "%s%s", sep, from[i]);
		sep = " . ";
	}
	buf_puts(out, result == NFT_FIB_RESULT_OIF       ? " oif"
		      : result == NFT_FIB_RESULT_OIFNAME ? " oifname"
							 : " type");
	return flags && result && result <= NFT_FIB_RESULT_ADDRTYPE;
}

static bool generated_text(struct buf *out, const char *lead, uint32_t mod, uint32_t offset)
{
	buf_printf(out, "%s mod %u", lead, mod);
	if (offset)
		buf_printf(out, " offset %u", offset);
	return mod;
}

static bool xfrm_text(struct buf *out, const struct entries *d)
{
	uint32_t key = entry(d, 0), spnum = entry(d, 1);
	bool v6 = key == NFT_XFRM_KEY_SADDR_IP6 || key == NFT_XFRM_KEY_DADDR_IP6;
	bool address = v6 || key == NFT_XFRM_KEY_SADDR_IP4 || key == NFT_XFRM_KEY_DADDR_IP4;

	buf_puts(out, entry(d, 2) ? "ipsec out " : "ipsec in ");
	if (spnum)
		buf_printf(out, "spnum %u ", spnum);
	return words(out, "", address ? (v6 ? "ip6 " : "ip ") : "", key_name(xfrm_keys, key - v6));
}

static bool expr_text(struct buf *out, const struct entries *in, bool part)
{
	uint32_t kind = entry(in, NFTNL_UDATA_SET_TYPEOF_EXPR);
	struct entries d, one;

	if (!nested(in, NFTNL_UDATA_SET_TYPEOF_DATA, &d))
		return false;
	switch (kind) {
	case UD_PAYLOAD: return payload_text(out, &d);
	case UD_EXTHDR: return exthdr_text(out, &d);
	case UD_META: return meta_text(out, entry(&d, 0));
	case UD_CT: return ct_text(out, &d);
	case UD_RT: return rt_text(out, entry(&d, 0));
	case UD_SOCKET: return socket_text(out, entry(&d, 0));
	case UD_OSF: return words(out, "", "osf ", "name");
	case UD_FIB: return fib_text(out, entry(&d, 0), entry(&d, 1));
	case UD_NUMGEN:
		return generated_text(out, entry(&d, 0) == NFT_NG_RANDOM ? "numgen random" : "numgen inc",
			entry(&d, 1), entry(&d, 2));
	case UD_HASH:
		return entry(&d, 0) == NFT_HASH_SYM &&
		       generated_text(out, "symhash", entry(&d, 2), entry(&d, 1));
	case UD_XFRM: return xfrm_text(out, &d);
	case UD_CONCAT: break;
	default: return false;
	}
	for (uint8_t i = 0; !part && i < NFT_PARTS_MAX && nested(&d, i, &one); i++) {
		if (i)
			buf_puts(out, " . ");
		if (!expr_text(out, &one, true))
			return false;
	}
	return !part && out->n;
}

char *typeof_read(const uint8_t *udata, size_t n, uint8_t type)
{
	struct entries all = { udata, n }, one;
	struct buf text = BUF_INIT;
	struct nft_type t;

	/* What the language does not take back is of no use. */
	if (nested(&all, type, &one) && expr_text(&text, &one, false) &&
		nft_typeof_parse(buf_str(&text), &t, NULL) >= 0)
		return buf_take(&text);
	buf_free(&text);
	return NULL;
}
