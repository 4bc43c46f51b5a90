// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules and elements. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "testing/nfkernel_impl.h"

/* ---- rules ---- */

void nfk_rule_free(struct nfk_rule *r)
{
	free(r->attrs.v);
	vec_foreach (s, &r->sets)
		free(*s);
	vec_free(&r->sets);
	free(r);
}

void nfk_del_rule(struct nfkernel *k, struct nfk_obj *chain, uint32_t at)
{
	struct nfk_rule *r = chain->rules.v[at];

	vec_remove(&chain->rules, at);
	nfk_note(k, (struct nfk_undo){ .kind = U_DEL_RULE, .o = chain, .rule = r, .at = at });
	nfk_tell(k, CHANGE_RULE, true, chain);
	vec_foreach (s, &r->sets) {
		struct nfk_obj *set = nfk_find(k, NFT_MSG_NEWSET, chain->family, chain->table, *s, 0);

		if (set)
			nfk_del_obj(k, set);
	}
}

void nfk_insert_rule(struct nfk_obj *chain, struct nfk_rule *r, uint32_t at)
{
	vec_push(&chain->rules, r);
	memmove(chain->rules.v + at + 1, chain->rules.v + at,
		(chain->rules.n - 1 - at) * sizeof(*chain->rules.v));
	chain->rules.v[at] = r;
}

/* An expression that looks something up in a set of this batch: by its name now. */
static void bind_set(struct nfkernel *k, struct nfk_rule *r, const struct nlattr *expr)
{
	const char *kind = nfk_str(nfk_nested(expr, NFTA_EXPR_NAME));
	const struct nlattr *data = nfk_nested(expr, NFTA_EXPR_DATA), *name, *id;
	bool lookup = kind && !strcmp(kind, "lookup"), dynset = kind && !strcmp(kind, "dynset");
	struct nfk_obj *set;

	if (!data || !(lookup || dynset || (kind && !strcmp(kind, "objref"))))
		return;
	name = nfk_nested(data, lookup   ? NFTA_LOOKUP_SET
				: dynset ? NFTA_DYNSET_SET_NAME
					 : NFTA_OBJREF_SET_NAME);
	id = nfk_nested(data, lookup ? NFTA_LOOKUP_SET_ID : dynset ? NFTA_DYNSET_SET_ID : NFTA_OBJREF_SET_ID);
	set = nfk_by_id(k, NFT_MSG_NEWSET, nfk_num(id));
	if (!set || !nfk_str(name) || !strstr(nfk_str(name), "%d") ||
		strlen(nfk_str(name)) != strlen(set->name))
		return;
	memcpy(mnl_attr_get_payload(name), set->name, strlen(set->name));
	vec_push(&r->sets, xstrdup(set->name));
}

static uint32_t index_of(const struct nfk_obj *chain, uint64_t handle, uint32_t id)
{
	for (uint32_t i = 0; i < chain->rules.n; i++)
		if ((handle && chain->rules.v[i]->handle == handle) || (id && chain->rules.v[i]->id == id))
			return i;
	return UINT32_MAX;
}

static void echo_handle(const struct nlmsghdr *nlh, uint64_t handle, nft_answer *answer, void *to)
{
	_Alignas(struct nlmsghdr) char buf[128];
	struct nlmsghdr *out = mnl_nlmsg_put_header(buf);

	out->nlmsg_type = nlh->nlmsg_type;
	out->nlmsg_seq = nlh->nlmsg_seq;
	mnl_nlmsg_put_extra_header(out, sizeof(struct nfgenmsg));
	mnl_attr_put_u64(out, NFTA_RULE_HANDLE, htobe64(handle));
	answer(to, out);
}

int nfk_new_rule(struct nfkernel *k, const struct nlmsghdr *nlh, uint8_t family, nft_answer *answer, void *to)
{
	struct nfk_attrs attrs = nfk_message(nlh);
	const char *table = nfk_str(nfk_attr(&attrs, NFTA_RULE_TABLE));
	struct nfk_obj *chain =
		nfk_find(k, NFT_MSG_NEWCHAIN, family, table, nfk_str(nfk_attr(&attrs, NFTA_RULE_CHAIN)), 0);
	uint64_t handle = nfk_num64(nfk_attr(&attrs, NFTA_RULE_HANDLE)),
		 position = nfk_num64(nfk_attr(&attrs, NFTA_RULE_POSITION));
	uint32_t position_id = nfk_num(nfk_attr(&attrs, NFTA_RULE_POSITION_ID)), at;
	bool append = nlh->nlmsg_flags & NLM_F_APPEND, replace = nlh->nlmsg_flags & NLM_F_REPLACE;
	const struct nlattr *list, *x;
	struct nfk_rule *r;

	if (!chain)
		chain = nfk_by_id(k, NFT_MSG_NEWCHAIN, nfk_num(nfk_attr(&attrs, NFTA_RULE_CHAIN_ID)));
	at = !chain ? 0 : append ? chain->rules.n : 0;
	if (chain && (replace || position || position_id)) {
		at = index_of(chain, replace ? handle : position, position_id);
		if (at != UINT32_MAX && !replace && append)
			at++;
	}
	if (!chain || at == UINT32_MAX) {
		free(attrs.v);
		return -ENOENT;
	}
	if (replace)
		nfk_del_rule(k, chain, at);
	r = xnew(struct nfk_rule);
	r->handle = ++k->rule_handles;
	r->id = nfk_num(nfk_attr(&attrs, NFTA_RULE_ID));
	r->attrs = attrs;
	list = nfk_attr(&attrs, NFTA_RULE_EXPRESSIONS);
	if (list)
		attr_nested (x, list)
			bind_set(k, r, x);
	nfk_insert_rule(chain, r, at);
	nfk_note(k, (struct nfk_undo){ .kind = U_NEW_RULE, .o = chain, .rule = r });
	nfk_tell(k, CHANGE_RULE, false, chain);
	if (nlh->nlmsg_flags & NLM_F_ECHO)
		echo_handle(nlh, r->handle, answer, to);
	return 0;
}

int nfk_del_rules(struct nfkernel *k, const struct nlmsghdr *nlh, uint8_t family)
{
	struct nfk_attrs attrs = nfk_message(nlh);
	const char *table = nfk_str(nfk_attr(&attrs, NFTA_RULE_TABLE)),
		   *name = nfk_str(nfk_attr(&attrs, NFTA_RULE_CHAIN));
	uint64_t handle = nfk_num64(nfk_attr(&attrs, NFTA_RULE_HANDLE));
	int rc = -ENOENT;

	for (uint32_t i = 0; table && i < k->objs.n; i++) {
		struct nfk_obj *o = k->objs.v[i];
		uint32_t at = 0;

		if (o->dead || o->kind != NFT_MSG_NEWCHAIN || o->family != family ||
			strcmp(o->table, table) != 0 || (name && strcmp(o->name, name) != 0))
			continue;
		if (handle)
			at = index_of(o, handle, 0);
		rc = at == UINT32_MAX ? -ENOENT : 0;
		if (handle && rc == 0)
			nfk_del_rule(k, o, at);
		while (!handle && o->rules.n)
			nfk_del_rule(k, o, o->rules.n - 1);
	}
	free(attrs.v);
	return rc;
}

/* ---- elements ---- */

void nfk_elem_free(struct nfk_elem *el)
{
	free(el->attrs.v);
	free(el);
}

static bool elem_same(const void *item, const void *key)
{
	const struct nfk_elem *a = item, *b = key;

	return a->n == b->n && !memcmp(a->key, b->key, a->n);
}

uint64_t nfk_elem_hash(const struct nfk_elem *el)
{
	return hash_bytes(el->key, el->n);
}

/* What tells an element from others: its keys, without what pads them in the message. */
static uint16_t read_key(const struct nlattr *nest, uint8_t *out)
{
	static const uint16_t keys[] = { NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_KEY_END };
	uint16_t n = 1;

	out[0] = (uint8_t)(nfk_num(nfk_nested(nest, NFTA_SET_ELEM_FLAGS)) &
			   (NFT_SET_ELEM_INTERVAL_END | NFT_SET_ELEM_CATCHALL));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct nlattr *a = nfk_nested(nfk_nested(nest, keys[i]), NFTA_DATA_VALUE);
		uint16_t len = a ? mnl_attr_get_payload_len(a) : 0;

		if (len > NFT_KEY_MAX)
			len = NFT_KEY_MAX;
		if (len)
			memcpy(out + n, mnl_attr_get_payload(a), len);
		n = (uint16_t)(n + len);
	}
	return n;
}

static struct nfk_elem *read_elem(const struct nlattr *nest)
{
	uint64_t left = nfk_num64(nfk_nested(nest, NFTA_SET_ELEM_EXPIRATION)),
		 timeout = nfk_num64(nfk_nested(nest, NFTA_SET_ELEM_TIMEOUT));
	uint8_t key[1 + 2 * NFT_KEY_MAX];
	uint16_t n = read_key(nest, key);
	struct nfk_elem *el = xcalloc(1, sizeof(*el) + n);

	el->n = n;
	memcpy(el->key, key, n);
	el->attrs = nfk_attrs_of(mnl_attr_get_payload(nest),
		(const char *)mnl_attr_get_payload(nest) + mnl_attr_get_payload_len(nest));
	if (left || timeout)
		el->deadline = boot_ms() + (left ? left : timeout);
	return el;
}

static void drop_elem(struct nfkernel *k, struct nfk_obj *set, struct nfk_elem *el)
{
	hmap_del_item(&set->elems, nfk_elem_hash(el), el);
	nfk_note(k, (struct nfk_undo){ .kind = U_DEL_ELEM, .o = set, .elem = el });
	nfk_tell(k, CHANGE_ELEM, true, set);
}

static struct nfk_elem *find_elem(struct nfkernel *k, struct nfk_obj *set, const struct nfk_elem *like)
{
	struct nfk_elem *el = hmap_find(&set->elems, nfk_elem_hash(like), elem_same, like);

	if (el && el->deadline && el->deadline <= boot_ms()) {
		drop_elem(k, set, el);
		return NULL;
	}
	return el;
}

/* Set statements of elements come from the set's timeout, where nothing else is said. */
static void default_timeout(const struct nfk_obj *set, struct nfk_elem *el)
{
	uint64_t timeout = nfk_num64(nfk_attr(&set->attrs, NFTA_SET_TIMEOUT));

	if (timeout && !el->deadline && !(el->key[0] & NFT_SET_ELEM_INTERVAL_END))
		el->deadline = boot_ms() + timeout;
}

static void add_elem(struct nfkernel *k, struct nfk_obj *set, struct nfk_elem *el)
{
	hmap_put(&set->elems, nfk_elem_hash(el), el);
	nfk_note(k, (struct nfk_undo){ .kind = U_NEW_ELEM, .o = set, .elem = el });
	nfk_tell(k, CHANGE_ELEM, false, set);
}

static int one_elem(
	struct nfkernel *k, struct nfk_obj *set, const struct nlattr *nest, bool add, bool excl, bool destroy)
{
	struct nfk_elem *el = read_elem(nest), *old = find_elem(k, set, el);

	if (!add) {
		nfk_elem_free(el);
		if (!old)
			return destroy ? 0 : -ENOENT;
		drop_elem(k, set, old);
		return 0;
	}
	if (old && excl) {
		nfk_elem_free(el);
		return -EEXIST;
	}
	default_timeout(set, el);
	if (old && !el->deadline) { /* it is there: nothing changes */
		nfk_elem_free(el);
		return 0;
	}
	if (old)
		drop_elem(k, set, old);
	add_elem(k, set, el);
	return 0;
}

int nfk_elems(struct nfkernel *k, const struct nlmsghdr *nlh, uint8_t family, bool add, bool destroy)
{
	struct nfk_attrs attrs = nfk_message(nlh);
	struct nfk_obj *set =
		nfk_find(k, NFT_MSG_NEWSET, family, nfk_str(nfk_attr(&attrs, NFTA_SET_ELEM_LIST_TABLE)),
			nfk_str(nfk_attr(&attrs, NFTA_SET_ELEM_LIST_SET)), 0);
	const struct nlattr *list = nfk_attr(&attrs, NFTA_SET_ELEM_LIST_ELEMENTS), *a;
	int rc = 0;

	if (!set)
		set = nfk_by_id(k, NFT_MSG_NEWSET, nfk_num(nfk_attr(&attrs, NFTA_SET_ELEM_LIST_SET_ID)));
	if (!set) {
		rc = -ENOENT;
	} else if (list) {
		attr_nested (a, list)
			if (rc == 0)
				rc = one_elem(k, set, a, add, nlh->nlmsg_flags & NLM_F_EXCL, destroy);
	} else if (!add) {
		struct nfk_elem *el;

		hmap_foreach (el, &set->elems, pos)
			drop_elem(k, set, el);
	}
	free(attrs.v);
	return rc;
}
