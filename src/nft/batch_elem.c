// SPDX-License-Identifier: GPL-2.0-or-later
/* Elements → messages. Written by hand over libmnl: most events of a busy host are one element.
 *
 * A closed interval becomes two elements of the kernel's tree: where it begins, and, marked INTERVAL_END, the
 * first key behind it; the second is left out where the interval reaches the last key. Concatenated ranges
 * carry both ends in one element. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <libnftnl/udata.h>

#include "nft/batch_impl.h"
#include "nft/datatype.h"

#define ELEM_ROOM 1536 /* the largest element, two of its keys, names and user data */

/* A message of elements that begins anew when it is full. */
struct elem_msg {
	struct build *c;
	const struct op *op;
	const char *set;
	uint16_t type, flags;
	uint32_t id, i; /* NFTA_SET_ELEM_LIST_SET_ID or 0; index of the operation */
	struct nlmsghdr *nlh;
	struct nlattr *list;
};

static void open_msg(struct elem_msg *m)
{
	m->nlh = msg_begin(m->c->b, m->type, m->flags, m->op->family, m->i);
	msg_put(m->nlh, NFTA_SET_ELEM_LIST_TABLE, m->op->table, (uint16_t)(strlen(m->op->table) + 1));
	msg_put(m->nlh, NFTA_SET_ELEM_LIST_SET, m->set, (uint16_t)(strlen(m->set) + 1));
	if (m->id)
		mnl_attr_put_u32(m->nlh, NFTA_SET_ELEM_LIST_SET_ID, htonl(m->id));
	m->list = msg_nest(m->nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void close_msg(struct elem_msg *m)
{
	if (!m->nlh)
		return;
	msg_unnest(m->nlh, m->list);
	msg_end(m->c->b, m->nlh);
	m->nlh = NULL;
}

/* Room for an interval's two elements. */
static void room(struct elem_msg *m)
{
	if (m->nlh && (size_t)((char *)msg_tail(m->nlh) - (char *)m->list) + 2 * ELEM_ROOM > MSG_NEST_MAX)
		close_msg(m);
	if (!m->nlh)
		open_msg(m);
}

static void put_key(struct nlmsghdr *nlh, uint16_t attr, const uint8_t *key, uint16_t len)
{
	struct nlattr *nest = msg_nest(nlh, attr);

	msg_put(nlh, NFTA_DATA_VALUE, key, len);
	msg_unnest(nlh, nest);
}

static void put_verdict(struct nlmsghdr *nlh, const struct setelem *el)
{
	struct nlattr *data = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_DATA);
	struct nlattr *verdict = mnl_attr_nest_start(nlh, NFTA_DATA_VERDICT);

	mnl_attr_put_u32(nlh, NFTA_VERDICT_CODE, htonl((uint32_t)el->verdict_code));
	if (el->target[0])
		mnl_attr_put_strz(nlh, NFTA_VERDICT_CHAIN, el->target);
	mnl_attr_nest_end(nlh, verdict);
	mnl_attr_nest_end(nlh, data);
}

static void put_data(struct nlmsghdr *nlh, const struct set_info *set, const struct setelem *el)
{
	if (set->flags & NFT_SET_OBJECT)
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_OBJREF, el->target);
	else if (el->verdict)
		put_verdict(nlh, el);
	else if (el->dlen)
		put_key(nlh, NFTA_SET_ELEM_DATA, el->data, el->dlen);
}

/* no_mark: as nft says it, nothing that was not asked for. Else an element without an end says so: the set
 * may have a timeout in the kernel that is not rnm's, or goes with this batch. */
static void put_times(struct nlmsghdr *nlh, const struct setelem *el, bool may_end, bool no_mark)
{
	uint64_t left = el->expires_ms && (!el->timeout_ms || el->expires_ms < el->timeout_ms)
				? el->expires_ms
				: el->timeout_ms;

	if (el->timeout_ms || (may_end && !no_mark))
		mnl_attr_put_u64(nlh, NFTA_SET_ELEM_TIMEOUT, htobe64(el->timeout_ms));
	if (left && (el->expires_ms || !no_mark))
		mnl_attr_put_u64(nlh, NFTA_SET_ELEM_EXPIRATION, htobe64(left));
}

static const char elem_mark[4] = { 'r', 'n', 'm', 2 };

bool elem_mark_ok(const uint8_t *udata, size_t n)
{
	uint8_t len;
	const uint8_t *p = udata_find(udata, n, RNM_TLV, &len);

	return p && len == sizeof(elem_mark) && !memcmp(p, elem_mark, len);
}

static void put_udata(struct nlmsghdr *nlh, const struct setelem *el, bool open, bool mark)
{
	struct udata u = { .n = 0 };

	udata_comment(&u, NFTNL_UDATA_SET_ELEM_COMMENT, el->comment);
	if (open)
		udata_u32(&u, NFTNL_UDATA_SET_ELEM_FLAGS, NFTNL_SET_ELEM_F_INTERVAL_OPEN);
	if (mark)
		udata_put(&u, RNM_TLV, elem_mark, sizeof(elem_mark));
	if (u.n)
		mnl_attr_put(nlh, NFTA_SET_ELEM_USERDATA, (uint16_t)u.n, u.b);
}

/* The element itself; open: it is an interval without an end element. */
static int put_elem(
	struct elem_msg *m, const struct set_info *set, const struct setelem *el, bool open, struct err *e)
{
	int r = 0;
	struct nlmsghdr *nlh = m->nlh;
	struct nlattr *nest = msg_nest(nlh, NFTA_LIST_ELEM);

	if (el->catchall)
		mnl_attr_put_u32(nlh, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_CATCHALL));
	else
		put_key(nlh, NFTA_SET_ELEM_KEY, el->key, el->klen);
	if (el->interval && set->key.n > 1)
		put_key(nlh, NFTA_SET_ELEM_KEY_END, el->key_end, el->klen);
	put_times(nlh, el, m->type == NFT_MSG_NEWSETELEM && set->flags & NFT_SET_TIMEOUT, m->op->no_mark);
	if (m->type == NFT_MSG_NEWSETELEM)
		put_data(nlh, set, el);
	if (el->comment || open || m->op->mark)
		put_udata(nlh, el, open, m->op->mark && m->type == NFT_MSG_NEWSETELEM);
	if (el->n_exprs)
		r = put_stateful(
			nlh, el->exprs, el->n_exprs, NFTA_SET_ELEM_EXPR, NFTA_SET_ELEM_EXPRESSIONS, e);
	msg_unnest(nlh, nest);
	return r;
}

static void put_end(struct elem_msg *m, const uint8_t *key, uint16_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(m->nlh, NFTA_LIST_ELEM);

	mnl_attr_put_u32(m->nlh, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	put_key(m->nlh, NFTA_SET_ELEM_KEY, key, len);
	mnl_attr_nest_end(m->nlh, nest);
}

/* The first key behind the interval. false: it reaches the last one. */
static bool key_behind(const struct set_info *set, const struct setelem *el, uint8_t out[NFT_KEY_MAX])
{
	unsigned n = el->klen, bits = set->key.bits[0] % 8;

	memcpy(out, el->key_end, n);
	for (unsigned i = n; i-- > 0;)
		if (++out[i])
			return !(bits && out[0] >> bits);
	return false;
}

static bool is_tree(const struct set_info *set)
{
	return (set->flags & NFT_SET_INTERVAL) && set->key.n == 1;
}

int put_elems(struct build *c, const struct op *op, uint32_t i, struct err *e)
{
	const struct set_info *set = &op->elem.set->info;
	bool add = op->kind == OP_ADD_ELEM;
	struct elem_msg m = {
		.c = c,
		.op = op,
		.set = op->name,
		.i = i,
		.type = add           ? NFT_MSG_NEWSETELEM
			: op->destroy ? MSG_DESTROYSETELEM
				      : NFT_MSG_DELSETELEM,
		.flags = add ? NLM_F_CREATE | (op->excl ? NLM_F_EXCL : 0) : 0,
	};
	uint8_t behind[NFT_KEY_MAX];
	struct setelem el;
	int r = 0;

	for (uint32_t k = 0; !r && k < op->elem.n; k++) {
		bool end;

		el.n_exprs = 0;
		op->elem.get(op, k, &el);
		if (el.klen > NFT_KEY_MAX || el.dlen > NFT_KEY_MAX)
			return err_set(e, -EINVAL, "an element of set %s is too long", op->name);
		if (!add) {
			el.comment = NULL;
			el.timeout_ms = el.expires_ms = 0;
			el.n_exprs = 0;
		}
		end = is_tree(set) && el.interval && key_behind(set, &el, behind);
		room(&m);
		r = put_elem(&m, set, &el, is_tree(set) && el.interval && !end, e);
		if (end)
			put_end(&m, behind, el.klen);
	}
	close_msg(&m);
	return r;
}

/* No list of elements: all of them. */
void put_flush_set(struct build *c, const struct op *op, uint32_t i)
{
	struct nlmsghdr *nlh = msg_begin(c->b, NFT_MSG_DELSETELEM, 0, op->family, i);

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, op->table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, op->name);
	msg_end(c->b, nlh);
}

/* ---- anonymous sets ---- */

static bool zero(const uint8_t *p, unsigned n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return !n;
}

/* nft begins the tree of an anonymous set with the end of a nothing that begins at 0. */
static bool leading_end(const struct anon_set *s)
{
	const struct setelem *first = s->elems.v;

	return is_tree(&s->info) && s->elems.n && !first->catchall && !zero(first->key, first->klen);
}

/* What nft says as the size: it counts an end for every interval, also where none is sent. 0: nothing. */
uint32_t anon_size(const struct anon_set *s)
{
	uint32_t n = s->elems.n + leading_end(s);

	if (s->size)
		return s->size;
	if (is_tree(&s->info))
		vec_foreach (el, &s->elems)
			n += el->interval;
	return n;
}

int put_anon_elems(struct build *c, const struct op *op, const struct anon_set *s, uint32_t id, uint32_t i,
	struct err *e)
{
	struct elem_msg m = { .c = c,
		.op = op,
		.set = s->info.name,
		.id = id,
		.i = i,
		.type = NFT_MSG_NEWSETELEM,
		.flags = NLM_F_CREATE };
	static const uint8_t zeros[NFT_KEY_MAX];
	uint8_t behind[NFT_KEY_MAX];
	int r = 0;

	if (leading_end(s)) {
		room(&m);
		put_end(&m, zeros, s->elems.v[0].klen);
	}
	for (uint32_t k = 0; !r && k < s->elems.n; k++) {
		const struct setelem *el = &s->elems.v[k], *next = k + 1 < s->elems.n ? el + 1 : NULL;
		bool tree = is_tree(&s->info) && el->interval, end = tree && key_behind(&s->info, el, behind);

		room(&m);
		r = put_elem(&m, &s->info, el, tree && !end, e);
		/* Where the next one begins there its begin is the end. */
		if (end && !(next && next->interval && !memcmp(next->key, behind, el->klen)))
			put_end(&m, behind, el->klen);
	}
	close_msg(&m);
	return r;
}
