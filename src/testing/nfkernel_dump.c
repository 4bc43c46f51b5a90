// SPDX-License-Identifier: GPL-2.0-or-later
/* Answers to questions, as the kernel gives them. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include "base/clock.h"
#include "testing/nfkernel_impl.h"

#define MSG_MAX (128 << 10)

struct question {
	struct nfkernel *k;
	uint8_t family;
	const char *table, *name;
	uint32_t type;   /* of objects; 0: any */
	uint64_t handle; /* of a rule; 0: any */
	nft_answer *answer;
	void *to;
	char *buf;
	uint32_t told;
};

static struct nlmsghdr *begin(struct question *q, uint8_t type, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(q->buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	return nlh;
}

static void put(struct nlmsghdr *nlh, const struct nlattr *a)
{
	memcpy((char *)nlh + nlh->nlmsg_len, a, MNL_ALIGN(a->nla_len));
	nlh->nlmsg_len += MNL_ALIGN(a->nla_len);
}

static void end(struct question *q, struct nlmsghdr *nlh)
{
	q->told++;
	q->answer(q->to, nlh);
}

static bool asked(const struct question *q, const struct nfk_obj *o, uint8_t kind)
{
	return !o->dead && o->kind == kind && (!q->family || o->family == q->family) &&
	       (!q->table || !strcmp(o->table, q->table)) && (!q->name || !strcmp(o->name, q->name)) &&
	       (!q->type || o->type == q->type);
}

static void put_devices_of(struct nlmsghdr *nlh, uint16_t attr, const struct nfk_obj *o)
{
	struct nlattr *nest;

	if (!o->dev.n)
		return;
	nest = mnl_attr_nest_start(nlh, attr);
	vec_foreach (d, &o->dev)
		mnl_attr_put_strz(nlh, NFTA_DEVICE_NAME, *d);
	mnl_attr_nest_end(nlh, nest);
}

/* With the devices of now. */
static void put_hook_of(struct nlmsghdr *nlh, const struct nlattr *hook, const struct nfk_obj *o)
{
	bool chain = o->kind == NFT_MSG_NEWCHAIN;
	struct nlattr *nest = mnl_attr_nest_start(nlh, mnl_attr_get_type(hook));
	const struct nlattr *a;

	attr_nested (a, hook) {
		uint16_t type = mnl_attr_get_type(a);

		if (chain ? type != NFTA_HOOK_DEV && type != NFTA_HOOK_DEVS
			  : type != NFTA_FLOWTABLE_HOOK_DEVS)
			put(nlh, a);
	}
	put_devices_of(nlh, chain ? NFTA_HOOK_DEVS : (uint16_t)NFTA_FLOWTABLE_HOOK_DEVS, o);
	mnl_attr_nest_end(nlh, nest);
}

static void put_attrs(struct nlmsghdr *nlh, const struct nfk_obj *o)
{
	bool chain = o->kind == NFT_MSG_NEWCHAIN, flowtable = o->kind == NFT_MSG_NEWFLOWTABLE;
	bool hooked = false, policy = false;
	const struct nlattr *a;

	attrs_foreach (a, o->attrs.v, o->attrs.v + o->attrs.n) {
		uint16_t type = mnl_attr_get_type(a);

		policy |= chain && type == NFTA_CHAIN_POLICY;
		if ((chain && type == NFTA_CHAIN_HOOK) || (flowtable && type == NFTA_FLOWTABLE_HOOK)) {
			put_hook_of(nlh, a, o);
			hooked = true;
		} else {
			put(nlh, a);
		}
	}
	if (chain && hooked && !policy)
		mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
}

static void dump_objs(struct question *q, uint8_t kind)
{
	static const uint16_t handle[] = {
		[NFT_MSG_NEWTABLE] = NFTA_TABLE_HANDLE,
		[NFT_MSG_NEWCHAIN] = NFTA_CHAIN_HANDLE,
		[NFT_MSG_NEWSET] = NFTA_SET_HANDLE,
		[NFT_MSG_NEWOBJ] = NFTA_OBJ_HANDLE,
		[NFT_MSG_NEWFLOWTABLE] = NFTA_FLOWTABLE_HANDLE,
	};

	for (uint32_t i = 0; i < q->k->objs.n; i++) {
		const struct nfk_obj *o = q->k->objs.v[i];
		struct nlmsghdr *nlh;

		if (!asked(q, o, kind) || !*o->name)
			continue;
		nlh = begin(q, kind, o->family);
		put_attrs(nlh, o);
		mnl_attr_put_u64(nlh, handle[kind], htobe64(o->handle));
		end(q, nlh);
	}
}

static void dump_rules(struct question *q)
{
	for (uint32_t i = 0; i < q->k->objs.n; i++) {
		const struct nfk_obj *chain = q->k->objs.v[i];

		if (!asked(q, chain, NFT_MSG_NEWCHAIN))
			continue;
		vec_foreach (r, &chain->rules) {
			struct nlmsghdr *nlh = begin(q, NFT_MSG_NEWRULE, chain->family);
			const struct nlattr *a;

			if (q->handle && (*r)->handle != q->handle)
				continue;
			attrs_foreach (a, (*r)->attrs.v, (*r)->attrs.v + (*r)->attrs.n)
				if (mnl_attr_get_type(a) != NFTA_RULE_HANDLE &&
					mnl_attr_get_type(a) != NFTA_RULE_POSITION)
					put(nlh, a);
			mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64((*r)->handle));
			end(q, nlh);
		}
	}
}

static void put_elem(struct nlmsghdr *nlh, const struct nfk_obj *set, const struct nfk_elem *el, uint64_t now)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	const struct nlattr *a, *whole = nfk_attr(&set->attrs, NFTA_SET_TIMEOUT);
	bool timeout = false;

	attrs_foreach (a, el->attrs.v, el->attrs.v + el->attrs.n) {
		timeout |= mnl_attr_get_type(a) == NFTA_SET_ELEM_TIMEOUT;
		if (mnl_attr_get_type(a) != NFTA_SET_ELEM_EXPIRATION)
			put(nlh, a);
	}
	if (el->deadline && !timeout && whole)
		mnl_attr_put(nlh, NFTA_SET_ELEM_TIMEOUT, sizeof(uint64_t), mnl_attr_get_payload(whole));
	if (el->deadline)
		mnl_attr_put_u64(nlh, NFTA_SET_ELEM_EXPIRATION, htobe64(el->deadline - now));
	mnl_attr_nest_end(nlh, nest);
}

static void dump_elems(struct question *q)
{
	uint64_t now = boot_ms();
	struct nfk_obj *set = nfk_find(q->k, NFT_MSG_NEWSET, q->family, q->table, q->name, 0);
	struct nfk_elem *el;

	if (!set)
		return;
	hmap_foreach (el, &set->elems, pos) {
		struct nlmsghdr *nlh;
		struct nlattr *list;

		if (el->deadline && el->deadline <= now)
			continue;
		nlh = begin(q, NFT_MSG_NEWSETELEM, set->family);
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, set->table);
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set->name);
		list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
		put_elem(nlh, set, el, now);
		mnl_attr_nest_end(nlh, list);
		end(q, nlh);
	}
	q->told++; /* an empty set is there, too */
}

static void dump_generation(struct question *q)
{
	struct nlmsghdr *nlh = begin(q, NFT_MSG_NEWGEN, 0);

	mnl_attr_put_u32(nlh, NFTA_GEN_ID, htonl(q->k->genid + 1));
	end(q, nlh);
}

static void ask(struct question *q, const struct nlmsghdr *nlh, unsigned type)
{
	const struct nlattr *a;

	q->family = ((const struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family;
	attr_foreach (a, nlh) {
		uint16_t t = mnl_attr_get_type(a);

		if (t == NFTA_TABLE_NAME) /* the table is the first attribute of every kind */
			q->table = nfk_str(a);
		else if (type != NFT_MSG_GETTABLE && t == (type == NFT_MSG_GETCHAIN ? NFTA_CHAIN_NAME : 2))
			q->name = nfk_str(a);
		else if (type == NFT_MSG_GETOBJ && t == NFTA_OBJ_TYPE)
			q->type = ntohl(mnl_attr_get_u32(a));
		else if (type == NFT_MSG_GETRULE && t == NFTA_RULE_HANDLE)
			q->handle = be64toh(mnl_attr_get_u64(a));
	}
}

int nfkernel_dump(void *ctx, const struct nlmsghdr *question, nft_answer *answer, void *to)
{
	unsigned type = question->nlmsg_type & 0xff;
	_autofree_ void *copy = xmemdup(question, question->nlmsg_len); /* answers may come to its place */
	struct question q = { .k = ctx, .answer = answer, .to = to, .buf = xmalloc(MSG_MAX) };
	bool single = !(question->nlmsg_flags & NLM_F_DUMP);

	nfk_abandon(ctx);
	ask(&q, copy, type);
	switch (type) {
	case NFT_MSG_GETTABLE: dump_objs(&q, NFT_MSG_NEWTABLE); break;
	case NFT_MSG_GETCHAIN: dump_objs(&q, NFT_MSG_NEWCHAIN); break;
	case NFT_MSG_GETSET: dump_objs(&q, NFT_MSG_NEWSET); break;
	case NFT_MSG_GETOBJ: dump_objs(&q, NFT_MSG_NEWOBJ); break;
	case NFT_MSG_GETFLOWTABLE: dump_objs(&q, NFT_MSG_NEWFLOWTABLE); break;
	case NFT_MSG_GETRULE: dump_rules(&q); break;
	case NFT_MSG_GETSETELEM:
	case MSG_GETSETELEM_RESET: dump_elems(&q); break;
	case NFT_MSG_GETGEN: dump_generation(&q); break;
	default: break;
	}
	free(q.buf);
	return q.told || !single ? 0 : -ENOENT;
}
