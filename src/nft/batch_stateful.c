// SPDX-License-Identifier: GPL-2.0-or-later
/* Objects and flowtables → messages. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

#include <libnftnl/udata.h>

#include "nft/batch_impl.h"

static void put_u16(struct nlmsghdr *nlh, uint16_t attr, uint16_t v)
{
	mnl_attr_put_u16(nlh, attr, htons(v));
}

static void put_u32(struct nlmsghdr *nlh, uint16_t attr, uint32_t v)
{
	mnl_attr_put_u32(nlh, attr, htonl(v));
}

static void put_u64(struct nlmsghdr *nlh, uint16_t attr, uint64_t v)
{
	mnl_attr_put_u64(nlh, attr, htobe64(v));
}

/* ---- objects ---- */

static void put_timeouts(struct nlmsghdr *nlh, const struct object_want *o)
{
	struct nlattr *nest;

	if (o->timeout.l3proto)
		put_u16(nlh, NFTA_CT_TIMEOUT_L3PROTO, o->timeout.l3proto);
	mnl_attr_put_u8(nlh, NFTA_CT_TIMEOUT_L4PROTO, o->timeout.l4proto);
	nest = mnl_attr_nest_start(nlh, NFTA_CT_TIMEOUT_DATA);
	/* what is not given the kernel takes from the protocol's defaults */
	for (uint16_t i = 1; i < CT_TIMEOUT_MAX; i++)
		if (o->timeout.given & 1u << i)
			put_u32(nlh, i, o->timeout.seconds[i]);
	mnl_attr_nest_end(nlh, nest);
}

static int put_object_data(struct nlmsghdr *nlh, const struct object_want *o, struct err *e)
{
	switch (o->type) {
	case NFT_OBJECT_COUNTER:
		put_u64(nlh, NFTA_COUNTER_BYTES, o->counter.bytes);
		put_u64(nlh, NFTA_COUNTER_PACKETS, o->counter.packets);
		return 0;
	case NFT_OBJECT_QUOTA:
		put_u64(nlh, NFTA_QUOTA_BYTES, o->quota.bytes);
		put_u64(nlh, NFTA_QUOTA_CONSUMED, o->quota.used);
		put_u32(nlh, NFTA_QUOTA_FLAGS, o->quota.over ? NFT_QUOTA_F_INV : 0);
		return 0;
	case NFT_OBJECT_LIMIT:
		put_u64(nlh, NFTA_LIMIT_RATE, o->limit.rate);
		put_u64(nlh, NFTA_LIMIT_UNIT, o->limit.unit);
		put_u32(nlh, NFTA_LIMIT_BURST, o->limit.burst);
		put_u32(nlh, NFTA_LIMIT_TYPE, o->limit.bytes ? NFT_LIMIT_PKT_BYTES : NFT_LIMIT_PKTS);
		put_u32(nlh, NFTA_LIMIT_FLAGS, o->limit.over ? NFT_LIMIT_F_INV : 0);
		return 0;
	case NFT_OBJECT_CONNLIMIT:
		put_u32(nlh, NFTA_CONNLIMIT_COUNT, o->connlimit.count);
		put_u32(nlh, NFTA_CONNLIMIT_FLAGS, o->connlimit.over ? NFT_CONNLIMIT_F_INV : 0);
		return 0;
	case NFT_OBJECT_CT_HELPER:
		mnl_attr_put(nlh, NFTA_CT_HELPER_NAME,
			(uint16_t)strnlen(o->helper.name, sizeof(o->helper.name) - 1), o->helper.name);
		if (o->helper.l3proto)
			put_u16(nlh, NFTA_CT_HELPER_L3PROTO, o->helper.l3proto);
		mnl_attr_put_u8(nlh, NFTA_CT_HELPER_L4PROTO, o->helper.l4proto);
		return 0;
	case NFT_OBJECT_CT_TIMEOUT: put_timeouts(nlh, o); return 0;
	case NFT_OBJECT_CT_EXPECT:
		if (o->expect.l3proto)
			put_u16(nlh, NFTA_CT_EXPECT_L3PROTO, o->expect.l3proto);
		mnl_attr_put_u8(nlh, NFTA_CT_EXPECT_L4PROTO, o->expect.l4proto);
		put_u16(nlh, NFTA_CT_EXPECT_DPORT, o->expect.dport);
		mnl_attr_put_u32(nlh, NFTA_CT_EXPECT_TIMEOUT, o->expect.timeout_ms); /* in host order */
		mnl_attr_put_u8(nlh, NFTA_CT_EXPECT_SIZE, o->expect.size);
		return 0;
	case NFT_OBJECT_SYNPROXY:
		put_u16(nlh, NFTA_SYNPROXY_MSS, o->synproxy.mss);
		mnl_attr_put_u8(nlh, NFTA_SYNPROXY_WSCALE, o->synproxy.wscale);
		put_u32(nlh, NFTA_SYNPROXY_FLAGS, o->synproxy.flags);
		return 0;
	case NFT_OBJECT_SECMARK:
		mnl_attr_put(nlh, NFTA_SECMARK_CTX, (uint16_t)strnlen(o->secmark, sizeof(o->secmark) - 1),
			o->secmark);
		return 0;
	default: return err_set(e, -EINVAL, "there is no object of type %u", o->type);
	}
}

int put_object(struct build *c, const struct op *op, uint32_t i, struct err *e)
{
	const uint16_t flags = op->kind == OP_MOD_OBJ ? 0 : NLM_F_CREATE | (op->excl ? NLM_F_EXCL : 0);
	struct nlmsghdr *nlh = msg_begin(c->b, NFT_MSG_NEWOBJ, flags, op->family, i);
	struct udata u = { .n = 0 };
	struct nlattr *data;
	int r;

	mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, op->table);
	mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, op->name);
	put_u32(nlh, NFTA_OBJ_TYPE, op->obj->type);
	udata_comment(&u, NFTNL_UDATA_OBJ_COMMENT, op->obj->comment);
	if (u.n)
		mnl_attr_put(nlh, NFTA_OBJ_USERDATA, (uint16_t)u.n, u.b);
	data = mnl_attr_nest_start(nlh, NFTA_OBJ_DATA);
	r = put_object_data(nlh, op->obj, e);
	mnl_attr_nest_end(nlh, data);
	msg_end(c->b, nlh);
	return r;
}

void put_del_object(struct build *c, const struct op *op, uint32_t i)
{
	struct nlmsghdr *nlh = del_begin(c, op, NFT_MSG_DELOBJ, i);

	mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, op->table);
	put_u32(nlh, NFTA_OBJ_TYPE, op->obj->type);
	if (op->by_handle)
		put_u64(nlh, NFTA_OBJ_HANDLE, op->by_handle);
	else
		mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, op->name);
	msg_end(c->b, nlh);
}

/* ---- flowtables ---- */

static struct nlmsghdr *flow_begin(struct build *c, const struct op *op, uint16_t flags, uint32_t i)
{
	struct nlmsghdr *nlh = op->kind == OP_DEL_FLOWTABLE || op->kind == OP_DEL_FLOW_DEV
				       ? del_begin(c, op, NFT_MSG_DELFLOWTABLE, i)
				       : msg_begin(c->b, NFT_MSG_NEWFLOWTABLE, flags, op->family, i);

	mnl_attr_put_strz(nlh, NFTA_FLOWTABLE_TABLE, op->table);
	if (op->by_handle)
		put_u64(nlh, NFTA_FLOWTABLE_HANDLE, op->by_handle);
	else
		mnl_attr_put_strz(nlh, NFTA_FLOWTABLE_NAME, op->name);
	return nlh;
}

int put_flowtable(struct build *c, const struct op *op, uint32_t i, struct err *e)
{
	const uint16_t flags = NLM_F_CREATE | (op->excl ? NLM_F_EXCL : 0);
	const struct flowtable_want *w = op->flow;
	struct nlmsghdr *nlh = flow_begin(c, op, flags, i);
	struct nlattr *hook = mnl_attr_nest_start(nlh, NFTA_FLOWTABLE_HOOK);
	int r = 0;

	put_u32(nlh, NFTA_FLOWTABLE_HOOK_NUM, w->hook);
	put_u32(nlh, NFTA_FLOWTABLE_HOOK_PRIORITY, (uint32_t)w->priority);
	if (w->n_dev)
		r = put_devices(nlh, NFTA_FLOWTABLE_HOOK_DEVS, w->dev, w->n_dev, e);
	mnl_attr_nest_end(nlh, hook);
	if (w->flags)
		put_u32(nlh, NFTA_FLOWTABLE_FLAGS, w->flags);
	msg_end(c->b, nlh);
	return r;
}

/* Adds or takes away one device: hook and priority the kernel takes from the flowtable. */
int put_flow_dev(struct build *c, const struct op *op, uint32_t i, struct err *e)
{
	struct nlmsghdr *nlh = flow_begin(c, op, 0, i);
	struct nlattr *hook = mnl_attr_nest_start(nlh, NFTA_FLOWTABLE_HOOK);
	int r = put_devices(nlh, NFTA_FLOWTABLE_HOOK_DEVS, &op->flow_dev, 1, e);

	mnl_attr_nest_end(nlh, hook);
	msg_end(c->b, nlh);
	return r;
}

void put_del_flowtable(struct build *c, const struct op *op, uint32_t i)
{
	msg_end(c->b, flow_begin(c, op, 0, i));
}
