// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables, chains, sets and rules → messages. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <string.h>

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>

#include "nft/batch_impl.h"
#include "nft/datatype.h"

#define EXPR_ROOM 4096 /* more than any expression of the compiler takes */

static const char mark[4] = { 'r', 'n', 'm', 1 };

/* libnftnl's allocations are small and fixed: without memory for them nothing else goes on either. */
#define NEW(call)                                                                                            \
	({                                                                                                   \
		__auto_type new_ = call;                                                                     \
		if (!new_)                                                                                   \
			abort();                                                                             \
		new_;                                                                                        \
	})

/* ---- tables ---- */

bool table_mark_ok(const uint8_t *udata, size_t n, const char *instance)
{
	uint8_t len;
	const uint8_t *p = udata_find(udata, n, RNM_TLV, &len);

	return p && len == sizeof(mark) + strlen(instance) && !memcmp(p, mark, sizeof(mark)) &&
	       !memcmp(p + sizeof(mark), instance, strlen(instance));
}

void put_table(struct build *c, const struct op *op, uint32_t i)
{
	struct nlmsghdr *nlh = msg_begin(c->b, NFT_MSG_NEWTABLE, NLM_F_CREATE, op->family, i);
	struct nftnl_table *t = NEW(nftnl_table_alloc());
	struct udata u = { .n = 0 };
	char own[NFT_UDATA_MAX];
	size_t n = strnlen(c->instance, 64);

	udata_comment(&u, NFTNL_UDATA_TABLE_COMMENT, op->table_want.comment);
	memcpy(own, mark, sizeof(mark));
	memcpy(own + sizeof(mark), c->instance, n);
	udata_put(&u, RNM_TLV, own, sizeof(mark) + n);
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, op->table);
	nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, op->table_want.flags);
	nftnl_table_set_data(t, NFTNL_TABLE_USERDATA, u.b, u.n);
	nftnl_table_nlmsg_build_payload(nlh, t);
	nftnl_table_free(t);
	msg_end(c->b, nlh);
}

/* ---- chains ---- */

static void set_devices(struct nftnl_chain *ch, const struct chain_want *w)
{
	_autofree_ const char **devs = NULL;

	if (w->n_dev == 1)
		nftnl_chain_set_str(ch, NFTNL_CHAIN_DEV, w->dev[0]);
	if (w->n_dev <= 1)
		return;
	devs = xcalloc(w->n_dev + 1, sizeof(*devs)); /* NULL at the end */
	memcpy(devs, w->dev, w->n_dev * sizeof(*devs));
	nftnl_chain_set_data(ch, NFTNL_CHAIN_DEVICES, devs, 0);
}

void put_chain(struct build *c, const struct op *op, uint32_t i)
{
	const struct chain_want *w = &op->chain;
	bool add = op->kind == OP_ADD_CHAIN;
	struct nlmsghdr *nlh = msg_begin(c->b, NFT_MSG_NEWCHAIN, add ? NLM_F_CREATE : 0, op->family, i);
	struct nftnl_chain *ch = NEW(nftnl_chain_alloc());
	struct udata u = { .n = 0 };

	nftnl_chain_set_str(ch, NFTNL_CHAIN_TABLE, op->table);
	nftnl_chain_set_str(ch, NFTNL_CHAIN_NAME, op->name);
	if (w->base)
		nftnl_chain_set_u32(ch, NFTNL_CHAIN_POLICY, (uint32_t)w->policy);
	if (add && w->base) {
		nftnl_chain_set_u32(ch, NFTNL_CHAIN_HOOKNUM, w->hook);
		nftnl_chain_set_s32(ch, NFTNL_CHAIN_PRIO, w->priority);
		nftnl_chain_set_str(ch, NFTNL_CHAIN_TYPE, w->type);
		set_devices(ch, w);
	}
	if (add) {
		udata_comment(&u, NFTNL_UDATA_CHAIN_COMMENT, w->comment);
		if (u.n)
			nftnl_chain_set_data(ch, NFTNL_CHAIN_USERDATA, u.b, u.n);
	}
	nftnl_chain_nlmsg_build_payload(nlh, ch);
	nftnl_chain_free(ch);
	msg_end(c->b, nlh);
}

/* Adds or takes away one device of a base chain: the kernel takes its hook and priority from the chain. */
void put_chain_dev(struct build *c, const struct op *op, uint32_t i)
{
	bool add = op->kind == OP_ADD_CHAIN_DEV;
	struct nlmsghdr *nlh = msg_begin(c->b, add ? NFT_MSG_NEWCHAIN : NFT_MSG_DELCHAIN, 0, op->family, i);
	struct nlattr *hook, *devs;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, op->table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, op->name);
	hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	devs = mnl_attr_nest_start(nlh, NFTA_HOOK_DEVS);
	mnl_attr_put_strz(nlh, NFTA_DEVICE_NAME, op->dev);
	mnl_attr_nest_end(nlh, devs);
	mnl_attr_nest_end(nlh, hook);
	msg_end(c->b, nlh);
}

void put_del(struct build *c, const struct op *op, uint16_t type, uint32_t i)
{
	struct nlmsghdr *nlh = msg_begin(c->b, type, 0, op->family, i);

	/* NFTA_TABLE_NAME, NFTA_CHAIN_TABLE and NFTA_SET_TABLE are all 1 */
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, op->table);
	if (type == NFT_MSG_DELCHAIN)
		mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, op->name);
	if (type == NFT_MSG_DELSET)
		mnl_attr_put_strz(nlh, NFTA_SET_NAME, op->name);
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

static void set_udata(struct nftnl_set *s, const struct set_info *info, bool merge, const char *comment)
{
	struct udata u = { .n = 0 };

	udata_u32(&u, NFTNL_UDATA_SET_KEYBYTEORDER, byteorder(&info->key));
	if (info->flags & NFT_SET_MAP)
		udata_u32(&u, NFTNL_UDATA_SET_DATABYTEORDER, byteorder(&info->data));
	if (merge)
		udata_u32(&u, NFTNL_UDATA_SET_MERGE_ELEMENTS, 1);
	if (info->flags & NFT_SET_MAP)
		udata_u32(&u, NFTNL_UDATA_SET_DATA_INTERVAL, info->data.interval);
	udata_comment(&u, NFTNL_UDATA_SET_COMMENT, comment);
	nftnl_set_set_data(s, NFTNL_SET_USERDATA, u.b, u.n);
}

static void set_concat(struct nftnl_set *s, const struct set_info *info, const struct nft_concat *concat)
{
	struct nft_concat own = *concat;

	if (!(info->flags & NFT_SET_INTERVAL) || info->key.n < 2)
		return;
	if (!own.n) {
		own.n = info->key.n;
		for (unsigned i = 0; i < own.n; i++)
			own.len[i] = (uint8_t)datatype_bytes(info->key.bits[i]);
	}
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, info->flags | NFT_SET_CONCAT);
	nftnl_set_set_data(s, NFTNL_SET_DESC_CONCAT, own.len, own.n);
}

static struct nftnl_set *new_set(
	const struct op *op, const struct set_info *info, const struct nft_concat *concat, uint32_t id)
{
	struct nftnl_set *s = NEW(nftnl_set_alloc());

	nftnl_set_set_str(s, NFTNL_SET_TABLE, op->table);
	nftnl_set_set_str(s, NFTNL_SET_NAME, info->name);
	nftnl_set_set_u32(s, NFTNL_SET_ID, id);
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, info->flags);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, nft_type_id(&info->key));
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, nft_type_len(&info->key));
	if (info->flags & NFT_SET_MAP) {
		nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, nft_type_id(&info->data));
		nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, nft_type_len(&info->data));
	}
	if (info->flags & NFT_SET_OBJECT)
		nftnl_set_set_u32(s, NFTNL_SET_OBJ_TYPE, info->obj_type);
	set_concat(s, info, concat);
	return s;
}

static void end_set(struct build *c, const struct op *op, struct nftnl_set *s, uint32_t i)
{
	struct nlmsghdr *nlh = msg_begin(c->b, NFT_MSG_NEWSET, NLM_F_CREATE, op->family, i);

	nftnl_set_nlmsg_build_payload(nlh, s);
	nftnl_set_free(s);
	msg_end(c->b, nlh);
}

void put_set(struct build *c, const struct op *op, uint32_t i)
{
	const struct set_want *w = op->set;
	struct nftnl_set *s = new_set(op, &w->info, &w->concat, ++c->set_id);

	nftnl_set_set_str(s, NFTNL_SET_NAME, op->name);
	if (w->size)
		nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, w->size);
	if (w->timeout_ms)
		nftnl_set_set_u64(s, NFTNL_SET_TIMEOUT, w->timeout_ms);
	if (w->gc_ms)
		nftnl_set_set_u32(
			s, NFTNL_SET_GC_INTERVAL, w->gc_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)w->gc_ms);
	if (w->policy)
		nftnl_set_set_u32(s, NFTNL_SET_POLICY, (uint32_t)w->policy);
	set_udata(s, &w->info, w->info.auto_merge, w->comment);
	end_set(c, op, s, i);
}

static void put_anon_set(struct build *c, const struct op *op, const struct anon_set *a, uint32_t i)
{
	struct nftnl_set *s = new_set(op, &a->info, &a->concat, ++c->set_id);

	/* 0 would mean no limit; nft does not say it either */
	if (a->elems.n)
		nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, anon_size(a));
	set_udata(s, &a->info, a->info.flags & NFT_SET_INTERVAL, NULL);
	end_set(c, op, s, i);
	put_anon_elems(c, op, a, c->set_id, i);
}

/* ---- rules ---- */

static uint16_t set_id_attr(const struct nftnl_expr *x)
{
	const char *name = nftnl_expr_get_str(x, NFTNL_EXPR_NAME);

	if (!strcmp(name, "lookup"))
		return NFTNL_EXPR_LOOKUP_SET_ID;
	if (!strcmp(name, "dynset"))
		return NFTNL_EXPR_DYNSET_SET_ID;
	return !strcmp(name, "objref") ? NFTNL_EXPR_OBJREF_SET_ID : 0;
}

/* Code is shared between rules and batches: its set ids are those of this batch only while it is written. */
static void put_expr(struct nlmsghdr *nlh, struct nftnl_expr *x, const struct code *code, uint32_t base)
{
	uint16_t attr = code->sets.n ? set_id_attr(x) : 0;
	uint32_t id = attr && nftnl_expr_is_set(x, attr) ? nftnl_expr_get_u32(x, attr) : 0;
	struct nlattr *nest;

	if (id && id <= code->sets.n)
		nftnl_expr_set_u32(x, attr, base + id);
	nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	nftnl_expr_build_payload(nlh, x);
	mnl_attr_nest_end(nlh, nest);
	if (id && id <= code->sets.n)
		nftnl_expr_set_u32(x, attr, id);
}

static void put_rule_udata(struct nlmsghdr *nlh, const struct op *op)
{
	struct {
		uint64_t id, hash;
	} own = { op->rule.id, op->rule.code->hash };
	struct udata u = { .n = 0 };

	udata_comment(&u, NFTNL_UDATA_RULE_COMMENT, op->rule.comment);
	udata_put(&u, RNM_TLV, &own, sizeof(own));
	mnl_attr_put(nlh, NFTA_RULE_USERDATA, (uint16_t)u.n, u.b);
}

static uint16_t rule_flags(const struct build *c, const struct op *op)
{
	uint16_t flags = c->echo ? NLM_F_ECHO : 0;

	if (op->kind == OP_REPLACE_RULE)
		return flags | NLM_F_REPLACE;
	/* with a position: before the rule of that handle */
	return flags | NLM_F_CREATE | (op->rule.position ? 0 : NLM_F_APPEND);
}

int put_rule(struct build *c, const struct op *op, uint32_t i, struct err *e)
{
	const struct code *code = op->rule.code;
	uint32_t base = c->set_id;
	struct nlmsghdr *nlh;
	struct nlattr *nest;

	for (uint32_t k = 0; k < code->sets.n; k++)
		put_anon_set(c, op, &code->sets.v[k], i);
	nlh = msg_begin(c->b, NFT_MSG_NEWRULE, rule_flags(c, op), op->family, i);
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, op->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, op->name);
	if (op->kind == OP_REPLACE_RULE)
		mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(op->rule.handle));
	else if (op->rule.position)
		mnl_attr_put_u64(nlh, NFTA_RULE_POSITION, htobe64(op->rule.position));
	nest = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
	for (uint32_t k = 0; k < code->exprs.n; k++) {
		size_t n = (size_t)((char *)mnl_nlmsg_get_payload_tail(nlh) - (char *)nest);

		if (n + EXPR_ROOM > MSG_NEST_MAX)
			return err_set(e, -E2BIG, "%s: the rule has too many expressions",
				op->rule.text ? op->rule.text : op->name);
		put_expr(nlh, code->exprs.v[k], code, base);
	}
	mnl_attr_nest_end(nlh, nest);
	put_rule_udata(nlh, op);
	msg_end(c->b, nlh);
	return 0;
}

void put_del_rule(struct build *c, const struct op *op, uint32_t i)
{
	struct nlmsghdr *nlh = msg_begin(c->b, NFT_MSG_DELRULE, 0, op->family, i);

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, op->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, op->name);
	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(op->rule.handle));
	msg_end(c->b, nlh);
}
