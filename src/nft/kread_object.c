// SPDX-License-Identifier: GPL-2.0-or-later
/* The objects that the kernel holds. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <linux/netfilter.h>

#include <libnftnl/udata.h>

#include "nft/kread_impl.h"

/* ---- by type ---- */

static void counter(uint16_t attr, const struct nlattr *a, struct object_want *o)
{
	if (attr == NFTA_COUNTER_BYTES)
		o->counter.bytes = attr_be64(a);
	else if (attr == NFTA_COUNTER_PACKETS)
		o->counter.packets = attr_be64(a);
}

static void quota(uint16_t attr, const struct nlattr *a, struct object_want *o)
{
	switch (attr) {
	case NFTA_QUOTA_BYTES: o->quota.bytes = attr_be64(a); break;
	case NFTA_QUOTA_CONSUMED: o->quota.used = attr_be64(a); break;
	case NFTA_QUOTA_FLAGS: o->quota.over = attr_be32(a) & NFT_QUOTA_F_INV; break;
	default: break;
	}
}

static void limit(uint16_t attr, const struct nlattr *a, struct object_want *o)
{
	switch (attr) {
	case NFTA_LIMIT_RATE: o->limit.rate = attr_be64(a); break;
	case NFTA_LIMIT_UNIT: o->limit.unit = attr_be64(a); break;
	case NFTA_LIMIT_BURST: o->limit.burst = attr_be32(a); break;
	case NFTA_LIMIT_TYPE: o->limit.bytes = attr_be32(a) == NFT_LIMIT_PKT_BYTES; break;
	case NFTA_LIMIT_FLAGS: o->limit.over = attr_be32(a) & NFT_LIMIT_F_INV; break;
	default: break;
	}
}

static void connlimit(uint16_t attr, const struct nlattr *a, struct object_want *o)
{
	if (attr == NFTA_CONNLIMIT_COUNT)
		o->connlimit.count = attr_be32(a);
	else if (attr == NFTA_CONNLIMIT_FLAGS)
		o->connlimit.over = attr_be32(a) & NFT_CONNLIMIT_F_INV;
}

/* Strings that may lack their end: copied with one. */
static void text(const struct nlattr *a, char *out, size_t size)
{
	size_t n = mnl_attr_get_payload_len(a);

	if (n >= size)
		n = size - 1;
	memcpy(out, mnl_attr_get_payload(a), n);
	out[n] = 0;
}

static void helper(uint16_t attr, const struct nlattr *a, struct object_want *o)
{
	switch (attr) {
	case NFTA_CT_HELPER_NAME: text(a, o->helper.name, sizeof(o->helper.name)); break;
	case NFTA_CT_HELPER_L3PROTO: o->helper.l3proto = attr_be16(a); break;
	case NFTA_CT_HELPER_L4PROTO: o->helper.l4proto = attr_u8(a); break;
	default: break;
	}
}

static void timeouts(const struct nlattr *nest, struct object_want *o)
{
	const struct nlattr *a;

	attr_nested (a, nest) {
		uint16_t i = mnl_attr_get_type(a);

		if (i && i < CT_TIMEOUT_MAX) {
			o->timeout.given |= 1u << i;
			o->timeout.seconds[i] = attr_be32(a);
		}
	}
}

static void timeout(uint16_t attr, const struct nlattr *a, struct object_want *o)
{
	switch (attr) {
	case NFTA_CT_TIMEOUT_L3PROTO: o->timeout.l3proto = attr_be16(a); break;
	case NFTA_CT_TIMEOUT_L4PROTO: o->timeout.l4proto = attr_u8(a); break;
	case NFTA_CT_TIMEOUT_DATA: timeouts(a, o); break;
	default: break;
	}
}

static void expect(uint16_t attr, const struct nlattr *a, struct object_want *o)
{
	switch (attr) {
	case NFTA_CT_EXPECT_L3PROTO: o->expect.l3proto = attr_be16(a); break;
	case NFTA_CT_EXPECT_L4PROTO: o->expect.l4proto = attr_u8(a); break;
	case NFTA_CT_EXPECT_DPORT: o->expect.dport = attr_be16(a); break;
	case NFTA_CT_EXPECT_TIMEOUT:
		if (mnl_attr_get_payload_len(a) == sizeof(uint32_t))
			o->expect.timeout_ms = mnl_attr_get_u32(a); /* in host order */
		break;
	case NFTA_CT_EXPECT_SIZE: o->expect.size = attr_u8(a); break;
	default: break;
	}
}

static void synproxy(uint16_t attr, const struct nlattr *a, struct object_want *o)
{
	switch (attr) {
	case NFTA_SYNPROXY_MSS: o->synproxy.mss = attr_be16(a); break;
	case NFTA_SYNPROXY_WSCALE: o->synproxy.wscale = attr_u8(a); break;
	case NFTA_SYNPROXY_FLAGS: o->synproxy.flags = attr_be32(a); break;
	default: break;
	}
}

static void secmark(uint16_t attr, const struct nlattr *a, struct object_want *o)
{
	if (attr == NFTA_SECMARK_CTX)
		text(a, o->secmark, sizeof(o->secmark));
}

static void object_data(const struct nlattr *nest, struct object_want *o)
{
	static void (*const parse[])(uint16_t attr, const struct nlattr *a, struct object_want *o) = {
		[NFT_OBJECT_COUNTER] = counter,
		[NFT_OBJECT_QUOTA] = quota,
		[NFT_OBJECT_CT_HELPER] = helper,
		[NFT_OBJECT_LIMIT] = limit,
		[NFT_OBJECT_CONNLIMIT] = connlimit,
		[NFT_OBJECT_CT_TIMEOUT] = timeout,
		[NFT_OBJECT_SECMARK] = secmark,
		[NFT_OBJECT_CT_EXPECT] = expect,
		[NFT_OBJECT_SYNPROXY] = synproxy,
	};
	const struct nlattr *a;

	if (o->type >= ARRAY_SIZE(parse) || !parse[o->type])
		return;
	attr_nested (a, nest)
		parse[o->type](mnl_attr_get_type(a), a, o);
}

/* ---- one and all ---- */

bool object_msg_parse(const struct nlmsghdr *nlh, struct kread_object *out)
{
	const struct nlattr *a, *data = NULL;

	*out = (struct kread_object){ .family = msg_family(nlh) };
	attr_foreach (a, nlh) {
		switch (mnl_attr_get_type(a)) {
		case NFTA_OBJ_TABLE: out->table = attr_name(a); break;
		case NFTA_OBJ_NAME: out->name = attr_name(a); break;
		case NFTA_OBJ_TYPE: out->want.type = attr_be32(a); break;
		case NFTA_OBJ_HANDLE: out->handle = attr_be64(a); break;
		case NFTA_OBJ_USE: out->use = attr_be32(a); break;
		case NFTA_OBJ_USERDATA: out->want.comment = attr_comment(a, NFTNL_UDATA_OBJ_COMMENT); break;
		case NFTA_OBJ_DATA: data = a; break;
		default: break;
		}
	}
	if (!out->table || !out->name || !*out->name || !out->want.type)
		return false;
	if (data)
		object_data(data, &out->want);
	return true;
}

/* Which begins at zero again is asked for one by one: an answer that is lost, or a dump that has to begin
 * anew, would lose the counts. */
static bool one_reset(struct nft_conn *c, const struct kread_object *was,
	void (*fn)(void *, const struct kread_object *), void *ctx, int *r, struct err *e)
{
	struct answers a = { .d.single = true,
		.table = was->table,
		.name = was->name,
		.name_attr = NFTA_OBJ_NAME,
		.type = was->want.type };
	_err_ struct err why = ERR_INIT;

	*r = answers_get(c, NFT_MSG_GETOBJ_RESET, was->family, "object", &a, &why);
	if (!*r)
		answers_foreach (nlh, &a) {
			struct kread_object o;

			if (object_msg_parse(nlh, &o))
				fn(ctx, &o);
		}
	answers_free(&a);
	if (*r == -ENOENT) /* gone meanwhile */
		*r = 0;
	if (*r < 0)
		err_set(e, *r, "%s", err_text(&why));
	return !*r;
}

int kread_objects(struct nft_conn *c, uint8_t family, const char *table, const char *name, uint32_t type,
	bool reset, void (*fn)(void *, const struct kread_object *), void *ctx, struct err *e)
{
	struct answers a = { .d.single = table && name && type && family != NFPROTO_UNSPEC,
		.table = table,
		.name = name,
		.name_attr = NFTA_OBJ_NAME,
		.type = type };
	uint32_t told = 0;
	int r = answers_get(c, NFT_MSG_GETOBJ, family, "object", &a, e);

	if (!r) {
		answers_foreach (nlh, &a) {
			struct kread_object o;

			if (!object_msg_parse(nlh, &o) || !answers_named(&a, o.table, o.name) ||
				(type && o.want.type != type))
				continue;
			told++;
			if (!reset)
				fn(ctx, &o);
			else if (!one_reset(c, &o, fn, ctx, &r, e))
				break;
		}
		if (!r)
			r = kread_there(c, family, &a, told, "object", e);
	}
	answers_free(&a);
	return r;
}
