// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading the elements of a set. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <libnftnl/udata.h>

#include "nft/batch_impl.h"
#include "nft/datatype.h"

#define RAW_MAX (1u << 30)

struct set_dump {
	struct nft_dump d;
	const char *table;
	const struct set_info *set;
	void (*fn)(void *ctx, const struct setelem *el);
	void *ctx;
	/* The elements as they came, one attribute after the other: only after the whole dump it is sure that
	 * it is whole, and a tree's begins and ends are to be paired. */
	VEC(uint8_t) raw;
	VEC(uint32_t) at; /* offsets of the elements in raw */
	bool overflow;
};

static void set_ask(struct nft_dump *d, struct nlmsghdr *nlh)
{
	struct set_dump *s = container_of(d, struct set_dump, d);

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, s->table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, s->set->name);
}

static void set_reset(struct nft_dump *d)
{
	struct set_dump *s = container_of(d, struct set_dump, d);

	vec_clear(&s->raw);
	vec_clear(&s->at);
}

static void on_elems(struct nft_dump *d, const struct nlmsghdr *nlh)
{
	struct set_dump *s = container_of(d, struct set_dump, d);
	const struct nlattr *a, *el;

	attr_foreach (a, nlh) {
		if (mnl_attr_get_type(a) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		attr_nested (el, a) {
			uint32_t n = MNL_ALIGN(el->nla_len);

			if (s->raw.n > RAW_MAX) {
				s->overflow = true;
				return;
			}
			vec_push(&s->at, s->raw.n);
			vec_reserve(&s->raw, s->raw.n + n);
			memset(s->raw.v + s->raw.n, 0, n);
			memcpy(s->raw.v + s->raw.n, el, el->nla_len);
			s->raw.n += n;
		}
	}
}

static const struct nlattr *elem_at(const struct set_dump *s, uint32_t i)
{
	return (const struct nlattr *)(const void *)(s->raw.v + s->at.v[i]);
}

/* ---- one element ---- */

struct parsed {
	struct setelem el;
	uint32_t flags;
	char comment[NFTNL_UDATA_COMMENT_MAXLEN];
};

static void get_key(const struct nlattr *nest, uint8_t *out, uint16_t *len)
{
	const struct nlattr *a;

	attr_nested (a, nest) {
		uint16_t n = mnl_attr_get_payload_len(a);

		if (mnl_attr_get_type(a) == NFTA_DATA_VALUE && n <= NFT_KEY_MAX) {
			memcpy(out, mnl_attr_get_payload(a), n);
			*len = n;
		}
	}
}

static void get_target(const struct nlattr *a, struct setelem *el)
{
	const char *name = attr_name(a);

	if (name)
		strcpy(el->target, name);
}

static void get_verdict(const struct nlattr *nest, struct setelem *el)
{
	const struct nlattr *a;

	attr_nested (a, nest) {
		if (mnl_attr_get_type(a) == NFTA_VERDICT_CODE &&
			mnl_attr_get_payload_len(a) == sizeof(uint32_t)) {
			el->verdict = true;
			el->verdict_code = (int32_t)ntohl(mnl_attr_get_u32(a));
		} else if (mnl_attr_get_type(a) == NFTA_VERDICT_CHAIN) {
			get_target(a, el);
		}
	}
}

static void get_data(const struct nlattr *nest, struct setelem *el)
{
	const struct nlattr *a;

	get_key(nest, el->data, &el->dlen);
	attr_nested (a, nest)
		if (mnl_attr_get_type(a) == NFTA_DATA_VERDICT)
			get_verdict(a, el);
}

static uint64_t get_ms(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) == sizeof(uint64_t) ? be64toh(mnl_attr_get_u64(a)) : 0;
}

static void get_comment(const struct nlattr *a, struct parsed *p)
{
	uint8_t len;
	const uint8_t *s = udata_find(
		mnl_attr_get_payload(a), mnl_attr_get_payload_len(a), NFTNL_UDATA_SET_ELEM_COMMENT, &len);

	if (!s || !len || len > sizeof(p->comment) || s[len - 1])
		return;
	memcpy(p->comment, s, len);
	p->el.comment = p->comment;
}

static void parse(const struct nlattr *nest, struct parsed *p)
{
	const struct nlattr *a;
	uint16_t end_len = 0;

	/* Not all of it: the keys are large, and their lengths say what of them is valid. */
	p->flags = 0;
	p->el.klen = p->el.dlen = 0;
	p->el.interval = p->el.verdict = false;
	p->el.timeout_ms = p->el.expires_ms = 0;
	p->el.target[0] = 0;
	p->el.comment = NULL;
	attr_nested (a, nest) {
		switch (mnl_attr_get_type(a)) {
		case NFTA_SET_ELEM_KEY: get_key(a, p->el.key, &p->el.klen); break;
		case NFTA_SET_ELEM_KEY_END: get_key(a, p->el.key_end, &end_len); break;
		case NFTA_SET_ELEM_DATA: get_data(a, &p->el); break;
		case NFTA_SET_ELEM_OBJREF: get_target(a, &p->el); break;
		case NFTA_SET_ELEM_FLAGS:
			if (mnl_attr_get_payload_len(a) == sizeof(uint32_t))
				p->flags = ntohl(mnl_attr_get_u32(a));
			break;
		case NFTA_SET_ELEM_TIMEOUT: p->el.timeout_ms = get_ms(a); break;
		case NFTA_SET_ELEM_EXPIRATION: p->el.expires_ms = get_ms(a); break;
		case NFTA_SET_ELEM_USERDATA: get_comment(a, p); break;
		default: break;
		}
	}
	p->el.catchall = p->flags & NFT_SET_ELEM_CATCHALL;
	p->el.interval = end_len && end_len == p->el.klen;
}

/* ---- all of them ---- */

static bool usable(const struct set_dump *s, const struct parsed *p)
{
	return p->el.catchall || p->el.klen == nft_type_len(&s->set->key);
}

static void give_plain(struct set_dump *s)
{
	bool ranges = s->set->flags & NFT_SET_INTERVAL;
	struct parsed p;

	for (uint32_t i = 0; i < s->at.n; i++) {
		parse(elem_at(s, i), &p);
		if (!usable(s, &p))
			continue;
		if (ranges && !p.el.interval && !p.el.catchall) {
			memcpy(p.el.key_end, p.el.key, p.el.klen);
			p.el.interval = true;
		}
		s->fn(s->ctx, &p.el);
	}
}

/* What sorting and pairing need of an element of a tree. */
struct bound {
	uint32_t i;
	bool end;
	uint8_t len, key[NFT_KEY_MAX];
};

static int bound_cmp(const void *x, const void *y)
{
	const struct bound *a = x, *b = y;
	int r = memcmp(a->key, b->key, a->len < b->len ? a->len : b->len);

	/* an end is the same as the begin behind it */
	return r ? r : (int)b->end - (int)a->end;
}

static void last_before(struct setelem *el, const uint8_t *behind)
{
	memcpy(el->key_end, behind, el->klen);
	for (unsigned i = el->klen; i-- > 0;)
		if (el->key_end[i]--)
			break;
}

static void last_of_all(const struct set_info *set, struct setelem *el)
{
	unsigned bits = set->key.bits[0] % 8;

	memset(el->key_end, 0xff, el->klen);
	if (bits)
		el->key_end[0] = (uint8_t)(0xff >> (8 - bits));
}

static void give_tree(struct set_dump *s)
{
	VEC(struct bound) b = { 0 };
	struct parsed p;

	vec_reserve(&b, s->at.n);
	for (uint32_t i = 0; i < s->at.n; i++) {
		struct bound x = { .i = i };

		parse(elem_at(s, i), &p);
		if (p.el.catchall)
			s->fn(s->ctx, &p.el);
		if (p.el.catchall || !usable(s, &p))
			continue;
		x.end = p.flags & NFT_SET_ELEM_INTERVAL_END;
		x.len = (uint8_t)p.el.klen;
		memcpy(x.key, p.el.key, p.el.klen);
		vec_push(&b, x);
	}
	if (b.n)
		qsort(b.v, b.n, sizeof(*b.v), bound_cmp);
	for (uint32_t i = 0; i < b.n; i++) {
		if (b.v[i].end)
			continue;
		parse(elem_at(s, b.v[i].i), &p);
		if (i + 1 < b.n)
			last_before(&p.el, b.v[i + 1].key);
		else
			last_of_all(s->set, &p.el);
		p.el.interval = true;
		s->fn(s->ctx, &p.el);
	}
	vec_free(&b);
}

int nft_set_read(struct nft_conn *c, uint8_t family, const char *table, const struct set_info *set,
	void (*fn)(void *ctx, const struct setelem *el), void *ctx, struct err *e)
{
	struct set_dump s = {
		.d = { .what = "reading a set", .fn = on_elems, .ask = set_ask, .reset = set_reset },
		.table = table,
		.set = set,
		.fn = fn,
		.ctx = ctx,
	};
	int r = nft_dump(c, NFT_MSG_GETSETELEM, family, &s.d, e);

	if (!r && s.overflow)
		r = err_set(e, -E2BIG, "set %s is too large to be read", set->name);
	if (!r) {
		if ((set->flags & NFT_SET_INTERVAL) && set->key.n == 1)
			give_tree(&s);
		else
			give_plain(&s);
	}
	vec_free(&s.raw);
	vec_free(&s.at);
	return r;
}
