// SPDX-License-Identifier: GPL-2.0-or-later
/* The elements of a set in the kernel. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <libnftnl/udata.h>

#include "nft/datatype.h"
#include "nft/kread_impl.h"

#define RAW_MAX   (1u << 30)
#define EXPRS_MAX 16

/* The elements as they came, one attribute after the other: only after the whole dump it is sure that it is
 * whole, and a tree's begins and ends are to be paired. */
struct elems {
	struct nft_dump d;
	const char *table;
	const struct set_info *set;
	VEC(uint8_t) raw;
	VEC(uint32_t) at; /* offsets of the elements in raw */
	bool overflow;
	struct kexprs exprs; /* of one element */
};

static void on_ask(struct nft_dump *d, struct nlmsghdr *nlh)
{
	struct elems *s = container_of(d, struct elems, d);

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, s->table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, s->set->name);
}

static void on_reset(struct nft_dump *d)
{
	struct elems *s = container_of(d, struct elems, d);

	vec_clear(&s->raw);
	vec_clear(&s->at);
}

void elems_take(struct elems *s, const struct nlmsghdr *nlh)
{
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

static void on_elems(struct nft_dump *d, const struct nlmsghdr *nlh)
{
	elems_take(container_of(d, struct elems, d), nlh);
}

static const struct nlattr *elem_at(const struct elems *s, uint32_t i)
{
	return (const struct nlattr *)(const void *)(s->raw.v + s->at.v[i]);
}

struct elems *elems_new(const char *table, const struct set_info *set)
{
	struct elems *s = xnew(struct elems);

	s->d = (struct nft_dump){ .what = "reading a set", .fn = on_elems, .ask = on_ask, .reset = on_reset };
	s->table = table;
	s->set = set;
	return s;
}

void elems_free(struct elems *s)
{
	kexprs_free(&s->exprs);
	vec_free(&s->raw);
	vec_free(&s->at);
	free(s);
}

/* ---- one element ---- */

struct parsed {
	struct setelem el;
	uint32_t flags;
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

/* With x, the element's expressions as well. */
static void parse(const struct nlattr *nest, struct parsed *p, struct kexprs *x)
{
	struct setelem *el = &p->el;
	const struct nlattr *a;
	uint16_t end_len = 0;

	/* Not all of it: the keys are large, and their lengths say what of them is valid. */
	p->flags = 0;
	el->klen = el->dlen = 0;
	el->interval = el->verdict = el->own = false;
	el->timeout_ms = el->expires_ms = 0;
	el->target[0] = 0;
	el->comment = NULL;
	el->exprs = NULL;
	el->n_exprs = 0;
	if (x)
		kexprs_clear(x);
	attr_nested (a, nest) {
		switch (mnl_attr_get_type(a)) {
		case NFTA_SET_ELEM_KEY: get_key(a, el->key, &el->klen); break;
		case NFTA_SET_ELEM_KEY_END: get_key(a, el->key_end, &end_len); break;
		case NFTA_SET_ELEM_DATA: get_data(a, el); break;
		case NFTA_SET_ELEM_OBJREF: get_target(a, el); break;
		case NFTA_SET_ELEM_FLAGS: p->flags = attr_be32(a); break;
		case NFTA_SET_ELEM_TIMEOUT: el->timeout_ms = attr_be64(a); break;
		case NFTA_SET_ELEM_EXPIRATION: el->expires_ms = attr_be64(a); break;
		case NFTA_SET_ELEM_USERDATA:
			el->comment = attr_comment(a, NFTNL_UDATA_SET_ELEM_COMMENT);
			el->own = elem_mark_ok(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
			break;
		case NFTA_SET_ELEM_EXPR:
			if (x)
				kexprs_add(x, a, false);
			break;
		case NFTA_SET_ELEM_EXPRESSIONS:
			if (x)
				kexprs_add(x, a, true);
			break;
		default: break;
		}
	}
	if (x && kexprs_known(x)) {
		el->exprs = x->v.v;
		el->n_exprs = (uint8_t)(x->v.n < EXPRS_MAX ? x->v.n : EXPRS_MAX);
	}
	el->catchall = p->flags & NFT_SET_ELEM_CATCHALL;
	el->interval = end_len && end_len == el->klen;
}

/* ---- all of them ---- */

static bool usable(const struct elems *s, const struct parsed *p)
{
	return p->el.catchall || p->el.klen == nft_type_len(&s->set->key);
}

static void give_plain(struct elems *s, void (*fn)(void *ctx, const struct setelem *el), void *ctx)
{
	bool ranges = s->set->flags & NFT_SET_INTERVAL;
	struct parsed p;

	for (uint32_t i = 0; i < s->at.n; i++) {
		parse(elem_at(s, i), &p, &s->exprs);
		if (!usable(s, &p))
			continue;
		if (ranges && !p.el.interval && !p.el.catchall) {
			memcpy(p.el.key_end, p.el.key, p.el.klen);
			p.el.interval = true;
		}
		fn(ctx, &p.el);
	}
}

/* What sorting and pairing need of an element of a tree. */
struct bound {
	uint32_t i;
	bool end;
	uint8_t len, key[NFT_KEY_MAX];
};
typedef VEC(struct bound) bounds;

static int bound_cmp(const void *x, const void *y)
{
	const struct bound *a = x, *b = y;
	int r = memcmp(a->key, b->key, a->len < b->len ? a->len : b->len);

	/* an end is the same as the begin behind it */
	return r ? r : (int)b->end - (int)a->end;
}

/* What was told twice, where a dump went on over a change, is there once. */
static void sort_bounds(bounds *b)
{
	uint32_t n = 0;

	if (b->n)
		qsort(b->v, b->n, sizeof(*b->v), bound_cmp);
	for (uint32_t i = 0; i < b->n; i++)
		if (!n || bound_cmp(&b->v[n - 1], &b->v[i]) != 0)
			b->v[n++] = b->v[i];
	b->n = n;
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

static void give_tree(struct elems *s, void (*fn)(void *ctx, const struct setelem *el), void *ctx)
{
	bounds b = { 0 };
	struct parsed p;

	vec_reserve(&b, s->at.n);
	for (uint32_t i = 0; i < s->at.n; i++) {
		struct bound x = { .i = i };

		parse(elem_at(s, i), &p, NULL);
		if (p.el.catchall) {
			parse(elem_at(s, i), &p, &s->exprs);
			fn(ctx, &p.el);
		}
		if (p.el.catchall || !usable(s, &p))
			continue;
		x.end = p.flags & NFT_SET_ELEM_INTERVAL_END;
		x.len = (uint8_t)p.el.klen;
		memcpy(x.key, p.el.key, p.el.klen);
		vec_push(&b, x);
	}
	sort_bounds(&b);
	for (uint32_t i = 0; i < b.n; i++) {
		if (b.v[i].end)
			continue;
		parse(elem_at(s, b.v[i].i), &p, &s->exprs);
		if (i + 1 < b.n)
			last_before(&p.el, b.v[i + 1].key);
		else
			last_of_all(s->set, &p.el);
		p.el.interval = true;
		fn(ctx, &p.el);
	}
	vec_free(&b);
}

void elems_give(struct elems *s, void (*fn)(void *ctx, const struct setelem *el), void *ctx)
{
	if ((s->set->flags & NFT_SET_INTERVAL) && s->set->key.n == 1)
		give_tree(s, fn, ctx);
	else
		give_plain(s, fn, ctx);
}

int kread_elems(struct nft_conn *c, uint8_t family, const char *table, const struct set_info *set, bool reset,
	void (*fn)(void *, const struct setelem *el), void *ctx, struct err *e)
{
	struct elems *s = elems_new(table, set);
	int r;

	s->d.once = reset; /* a second time the counts would be gone */
	r = nft_dump(c, reset ? MSG_GETSETELEM_RESET : NFT_MSG_GETSETELEM, family, &s->d, e);
	if (!r && s->overflow)
		r = err_set(e, -E2BIG, "set %s is too large to be read", set->name);
	if (!r)
		elems_give(s, fn, ctx);
	elems_free(s);
	return r;
}

int nft_set_read(struct nft_conn *c, uint8_t family, const char *table, const struct set_info *set,
	void (*fn)(void *ctx, const struct setelem *el), void *ctx, struct err *e)
{
	return kread_elems(c, family, table, set, false, fn, ctx, e);
}
