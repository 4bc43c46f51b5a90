// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables, chains and sets → messages. Written by hand over libmnl: nothing is copied that only goes into the
 * message, and nothing is longer than was looked at. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/udata.h>

#include "nft/batch_impl.h"
#include "nft/datatype.h"

#define SET_EXPRS_MAX 2 /* of the kernel */

static const char mark[4] = { 'r', 'n', 'm', 1 };

static void put_u32(struct nlmsghdr *nlh, uint16_t attr, uint32_t v)
{
	mnl_attr_put_u32(nlh, attr, htonl(v));
}

static void put_udata(struct nlmsghdr *nlh, uint16_t attr, const struct udata *u)
{
	if (u->n)
		mnl_attr_put(nlh, attr, (uint16_t)u->n, u->b);
}

static uint16_t add_flags(const struct op *op)
{
	return NLM_F_CREATE | (op->excl ? NLM_F_EXCL : 0);
}

/* ---- tables ---- */

bool table_mark_ok(const uint8_t *udata, size_t n, const char *instance)
{
	uint8_t len;
	const uint8_t *p = udata_find(udata, n, RNM_TLV, &len);

	return p && len == sizeof(mark) + strlen(instance) && !memcmp(p, mark, sizeof(mark)) &&
	       !memcmp(p + sizeof(mark), instance, strlen(instance));
}

static void udata_mark(struct udata *u, const char *instance)
{
	char own[sizeof(mark) + sizeof(((struct nft_conn *)0)->instance)];

	memcpy(own, mark, sizeof(mark));
	memcpy(own + sizeof(mark), instance, strlen(instance));
	udata_put(u, RNM_TLV, own, sizeof(mark) + strlen(instance));
}

void put_table(struct build *c, const struct op *op, uint32_t i)
{
	struct nlmsghdr *nlh = msg_begin(c->b, NFT_MSG_NEWTABLE, add_flags(op), op->family, i);
	struct udata u = { .n = 0 };

	udata_comment(&u, NFTNL_UDATA_TABLE_COMMENT, op->table_want.comment);
	if (!op->no_mark)
		udata_mark(&u, c->conn->instance);
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, op->table);
	put_u32(nlh, NFTA_TABLE_FLAGS, op->table_want.flags);
	put_udata(nlh, NFTA_TABLE_USERDATA, &u);
	msg_end(c->b, nlh);
}

/* ---- chains ---- */

int put_devices(struct nlmsghdr *nlh, uint16_t attr, const char *const *dev, uint32_t n, struct err *e)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, attr);

	for (uint32_t i = 0; i < n; i++) {
		if (strnlen(dev[i], IFNAMSIZ) >= IFNAMSIZ)
			return err_set(e, -EINVAL, "'%.32s…' is too long for a device's name", dev[i]);
		if ((size_t)((char *)mnl_nlmsg_get_payload_tail(nlh) - (char *)nest) > MSG_NEST_MAX)
			return err_set(e, -E2BIG, "%u devices do not fit a message", n);
		mnl_attr_put_strz(nlh, NFTA_DEVICE_NAME, dev[i]);
	}
	mnl_attr_nest_end(nlh, nest);
	return 0;
}

static int put_hook(struct nlmsghdr *nlh, const struct chain_want *w, struct err *e)
{
	struct nlattr *hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	int r = 0;

	put_u32(nlh, NFTA_HOOK_HOOKNUM, w->hook);
	put_u32(nlh, NFTA_HOOK_PRIORITY, (uint32_t)w->priority);
	if (w->n_dev == 1 && strnlen(w->dev[0], IFNAMSIZ) < IFNAMSIZ)
		mnl_attr_put_strz(nlh, NFTA_HOOK_DEV, w->dev[0]);
	else if (w->n_dev)
		r = put_devices(nlh, NFTA_HOOK_DEVS, w->dev, w->n_dev, e);
	mnl_attr_nest_end(nlh, hook);
	return r;
}

int put_chain(struct build *c, const struct op *op, uint32_t i, struct err *e)
{
	const struct chain_want *w = &op->chain;
	bool add = op->kind == OP_ADD_CHAIN;
	struct nlmsghdr *nlh = msg_begin(c->b, NFT_MSG_NEWCHAIN, add ? add_flags(op) : 0, op->family, i);
	struct udata u = { .n = 0 };
	int r = 0;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, op->table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, op->name);
	if (add && w->base)
		mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, w->type);
	if (w->base && w->policy >= 0)
		put_u32(nlh, NFTA_CHAIN_POLICY, (uint32_t)w->policy);
	if (add && w->base)
		r = put_hook(nlh, w, e);
	if (add && w->flags & ~(uint32_t)NFT_CHAIN_BASE)
		put_u32(nlh, NFTA_CHAIN_FLAGS, w->flags & ~(uint32_t)NFT_CHAIN_BASE);
	if (add)
		udata_comment(&u, NFTNL_UDATA_CHAIN_COMMENT, w->comment);
	if (add && op->mark)
		udata_mark(&u, c->conn->instance);
	put_udata(nlh, NFTA_CHAIN_USERDATA, &u);
	msg_end(c->b, nlh);
	return r;
}

/* Adds or takes away one device of a base chain: the kernel takes its hook and priority from the chain. */
int put_chain_dev(struct build *c, const struct op *op, uint32_t i, struct err *e)
{
	bool add = op->kind == OP_ADD_CHAIN_DEV;
	struct nlmsghdr *nlh = msg_begin(c->b, add ? NFT_MSG_NEWCHAIN : NFT_MSG_DELCHAIN, 0, op->family, i);
	struct nlattr *hook;
	int r;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, op->table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, op->name);
	hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	r = put_devices(nlh, NFTA_HOOK_DEVS, &op->dev, 1, e);
	mnl_attr_nest_end(nlh, hook);
	msg_end(c->b, nlh);
	return r;
}

void put_rename(struct build *c, const struct op *op, uint32_t i)
{
	struct nlmsghdr *nlh = msg_begin(c->b, NFT_MSG_NEWCHAIN, 0, op->family, i);

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, op->table);
	mnl_attr_put_u64(nlh, NFTA_CHAIN_HANDLE, htobe64(op->by_handle));
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, op->name);
	msg_end(c->b, nlh);
}

/* ---- deletes ---- */

struct nlmsghdr *del_begin(struct build *c, const struct op *op, uint16_t type, uint32_t i)
{
	static const uint16_t destroy[] = {
		[NFT_MSG_DELTABLE] = MSG_DESTROYTABLE,
		[NFT_MSG_DELCHAIN] = MSG_DESTROYCHAIN,
		[NFT_MSG_DELRULE] = MSG_DESTROYRULE,
		[NFT_MSG_DELSET] = MSG_DESTROYSET,
		[NFT_MSG_DELSETELEM] = MSG_DESTROYSETELEM,
		[NFT_MSG_DELOBJ] = MSG_DESTROYOBJ,
		[NFT_MSG_DELFLOWTABLE] = MSG_DESTROYFLOWTABLE,
	};

	return msg_begin(c->b, op->destroy ? destroy[type] : type, 0, op->family, i);
}

void put_del(struct build *c, const struct op *op, uint32_t i)
{
	struct nlmsghdr *nlh;

	switch (op->kind) {
	case OP_DEL_CHAIN:
		nlh = del_begin(c, op, NFT_MSG_DELCHAIN, i);
		mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, op->table);
		if (op->by_handle)
			mnl_attr_put_u64(nlh, NFTA_CHAIN_HANDLE, htobe64(op->by_handle));
		else
			mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, op->name);
		break;
	case OP_DEL_SET:
		nlh = del_begin(c, op, NFT_MSG_DELSET, i);
		mnl_attr_put_strz(nlh, NFTA_SET_TABLE, op->table);
		if (op->by_handle)
			mnl_attr_put_u64(nlh, NFTA_SET_HANDLE, htobe64(op->by_handle));
		else
			mnl_attr_put_strz(nlh, NFTA_SET_NAME, op->name);
		break;
	case OP_DEL_TABLE:
		nlh = del_begin(c, op, NFT_MSG_DELTABLE, i);
		if (op->by_handle)
			mnl_attr_put_u64(nlh, NFTA_TABLE_HANDLE, htobe64(op->by_handle));
		else
			mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, op->table);
		break;
	default: /* without a name: all tables */ nlh = del_begin(c, op, NFT_MSG_DELTABLE, i); break;
	}
	msg_end(c->b, nlh);
}

/* ---- sets ---- */

/* nft's numbers for the user data of a set, which it needs to print numbers the right way round. */
static uint32_t byteorder(const struct nft_type *t)
{
	if (t->n != 1)
		return 0;
	if (t->part[0]->base == BASE_STRING || t->part[0]->order == ORDER_HOST)
		return 1;
	return t->part[0]->order == ORDER_BIG ? 2 : 0;
}

static void set_udata(struct nlmsghdr *nlh, const struct set_info *info, bool merge, const struct set_want *w)
{
	struct udata u = { .n = 0 };
	bool map = info->flags & (NFT_SET_MAP | NFT_SET_OBJECT);

	udata_u32(&u, NFTNL_UDATA_SET_KEYBYTEORDER, byteorder(&info->key));
	if (map && !(info->flags & NFT_SET_OBJECT))
		udata_u32(&u, NFTNL_UDATA_SET_DATABYTEORDER, byteorder(&info->data));
	if (merge)
		udata_u32(&u, NFTNL_UDATA_SET_MERGE_ELEMENTS, 1);
	if (w)
		udata_typeof(&u, w);
	else if (nft_type_is_verdict(&info->data))
		udata_typeof_verdict(&u);
	if (map)
		udata_u32(&u, NFTNL_UDATA_SET_DATA_INTERVAL, info->data.interval);
	if (w)
		udata_comment(&u, NFTNL_UDATA_SET_COMMENT, w->comment);
	if (w && w->auto_id)
		udata_put(&u, RNM_TLV, &w->auto_id, sizeof(w->auto_id));
	put_udata(nlh, NFTA_SET_USERDATA, &u);
}

static bool ranges_of_parts(const struct set_info *info)
{
	return (info->flags & NFT_SET_INTERVAL) && info->key.n > 1;
}

static void put_fields(struct nlmsghdr *nlh, const struct set_info *info, const struct nft_concat *concat)
{
	struct nlattr *fields = mnl_attr_nest_start(nlh, NFTA_SET_DESC_CONCAT);
	unsigned n = concat->n ? concat->n : info->key.n;

	for (unsigned i = 0; i < n && i < NFT_PARTS_MAX; i++) {
		struct nlattr *field = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);

		put_u32(nlh, NFTA_SET_FIELD_LEN,
			concat->n ? concat->len[i] : datatype_bytes(info->key.bits[i]));
		mnl_attr_nest_end(nlh, field);
	}
	mnl_attr_nest_end(nlh, fields);
}

static void put_desc(
	struct nlmsghdr *nlh, const struct set_info *info, const struct nft_concat *concat, uint32_t size)
{
	struct nlattr *desc;

	if (!size && !ranges_of_parts(info))
		return;
	desc = mnl_attr_nest_start(nlh, NFTA_SET_DESC);
	if (size)
		put_u32(nlh, NFTA_SET_DESC_SIZE, size);
	if (ranges_of_parts(info))
		put_fields(nlh, info, concat);
	mnl_attr_nest_end(nlh, desc);
}

/* What named and anonymous sets have in common. */
static struct nlmsghdr *set_begin(struct build *c, const struct op *op, const struct set_info *info,
	const char *name, uint32_t n_exprs, uint32_t i)
{
	struct nlmsghdr *nlh = msg_begin(c->b, NFT_MSG_NEWSET, add_flags(op), op->family, i);
	uint32_t flags = info->flags;

	if (ranges_of_parts(info))
		flags |= NFT_SET_CONCAT;
	if (flags & NFT_SET_OBJECT)
		flags &= ~(uint32_t)NFT_SET_MAP;
	if (n_exprs > 1)
		flags |= NFT_SET_EXPR;
	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, op->table);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, name);
	put_u32(nlh, NFTA_SET_FLAGS, flags);
	put_u32(nlh, NFTA_SET_KEY_TYPE, nft_type_id(&info->key));
	put_u32(nlh, NFTA_SET_KEY_LEN, nft_type_len(&info->key));
	if (flags & NFT_SET_MAP) {
		put_u32(nlh, NFTA_SET_DATA_TYPE, nft_type_id(&info->data));
		put_u32(nlh, NFTA_SET_DATA_LEN, nft_type_len(&info->data));
	}
	if (flags & NFT_SET_OBJECT)
		put_u32(nlh, NFTA_SET_OBJ_TYPE, info->obj_type);
	put_u32(nlh, NFTA_SET_ID, ++c->set_id);
	return nlh;
}

int put_stateful(struct nlmsghdr *nlh, struct nftnl_expr *const *exprs, uint32_t n, uint16_t one,
	uint16_t more, struct err *e)
{
	struct nlattr *list = NULL;

	if (n > SET_EXPRS_MAX)
		return err_set(e, -E2BIG, "an element has at most %d statements", SET_EXPRS_MAX);
	if (n > 1)
		list = mnl_attr_nest_start(nlh, more);
	for (uint32_t i = 0; i < n; i++) {
		struct nlattr *nest = mnl_attr_nest_start(nlh, list ? NFTA_LIST_ELEM : one);

		nftnl_expr_build_payload(nlh, exprs[i]);
		mnl_attr_nest_end(nlh, nest);
	}
	if (list)
		mnl_attr_nest_end(nlh, list);
	return 0;
}

int put_set(struct build *c, const struct op *op, uint32_t i, struct err *e)
{
	const struct set_want *w = op->set;
	struct nlmsghdr *nlh = set_begin(c, op, &w->info, op->name, w->n_exprs, i);
	int r;

	if (w->policy)
		put_u32(nlh, NFTA_SET_POLICY, (uint32_t)w->policy);
	put_desc(nlh, &w->info, &w->concat, w->size);
	if (w->timeout_ms)
		mnl_attr_put_u64(nlh, NFTA_SET_TIMEOUT, htobe64(w->timeout_ms));
	if (w->gc_ms)
		put_u32(nlh, NFTA_SET_GC_INTERVAL, w->gc_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)w->gc_ms);
	set_udata(nlh, &w->info, w->info.auto_merge, w);
	r = put_stateful(nlh, w->exprs, w->n_exprs, NFTA_SET_EXPR, NFTA_SET_EXPRESSIONS, e);
	msg_end(c->b, nlh);
	return r;
}

int put_anon_set(struct build *c, const struct op *op, const struct anon_set *a, uint32_t i, struct err *e)
{
	struct nlmsghdr *nlh = set_begin(c, op, &a->info, a->info.name, 0, i);

	put_desc(nlh, &a->info, &a->concat, anon_size(a));
	/* nft marks sets so, and maps not */
	set_udata(nlh, &a->info,
		(a->info.flags & NFT_SET_INTERVAL) && !(a->info.flags & (NFT_SET_MAP | NFT_SET_OBJECT)),
		NULL);
	msg_end(c->b, nlh);
	return put_anon_elems(c, op, a, c->set_id, i, e);
}
