// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules → messages: before each what belongs to it alone, anonymous chains and sets. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/udata.h>

#include "nft/batch_impl.h"

#define EXPR_ROOM  4096 /* more than any expression of the compiler takes */
#define CHAINS_MAX 16   /* in each other: the kernel jumps no deeper */

struct ids { /* before the first of the rule's own sets and chains */
	uint32_t set, chain;
};

static uint16_t set_id_attr(const struct nftnl_expr *x)
{
	const char *name = nftnl_expr_get_str(x, NFTNL_EXPR_NAME);

	if (!strcmp(name, "lookup"))
		return NFTNL_EXPR_LOOKUP_SET_ID;
	if (!strcmp(name, "dynset"))
		return NFTNL_EXPR_DYNSET_SET_ID;
	return !strcmp(name, "objref") ? NFTNL_EXPR_OBJREF_SET_ID : 0;
}

static uint16_t chain_id_attr(const struct nftnl_expr *x)
{
	return strcmp(nftnl_expr_get_str(x, NFTNL_EXPR_NAME), "immediate") ? 0 : NFTNL_EXPR_IMM_CHAIN_ID;
}

/* Code is shared between rules and batches: the numbers of its own sets and chains are those of this batch
 * only while it is written. */
static void put_expr(
	struct nlmsghdr *nlh, struct nftnl_expr *x, const struct code *code, const struct ids *ids)
{
	uint16_t attr = code->sets.n ? set_id_attr(x) : 0;
	uint32_t n = code->sets.n, base = ids->set, id = 0;
	struct nlattr *nest;

	if (!attr && code->chains.n) {
		attr = chain_id_attr(x);
		n = code->chains.n;
		base = ids->chain;
	}
	if (attr && nftnl_expr_is_set(x, attr))
		id = nftnl_expr_get_u32(x, attr);
	if (id && id <= n)
		nftnl_expr_set_u32(x, attr, base + id);
	nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	nftnl_expr_build_payload(nlh, x);
	mnl_attr_nest_end(nlh, nest);
	if (id && id <= n)
		nftnl_expr_set_u32(x, attr, id);
}

static int put_exprs(struct nlmsghdr *nlh, const struct code *code, const struct ids *ids, const char *shown,
	struct err *e)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);

	vec_foreach (x, &code->exprs) {
		size_t n = (size_t)((char *)mnl_nlmsg_get_payload_tail(nlh) - (char *)nest);

		if (n + EXPR_ROOM > MSG_NEST_MAX)
			return err_set(e, -E2BIG, "%s: the rule has too many expressions", shown);
		put_expr(nlh, *x, code, ids);
	}
	mnl_attr_nest_end(nlh, nest);
	return 0;
}

static void put_udata(struct nlmsghdr *nlh, const struct udata *u)
{
	if (u->n)
		mnl_attr_put(nlh, NFTA_RULE_USERDATA, (uint16_t)u->n, u->b);
}

/* ---- anonymous chains ---- */

static int put_anon(struct build *c, const struct op *op, const struct code *code, struct ids *ids,
	unsigned depth, uint32_t i, struct err *e);

static int put_anon_rule(struct build *c, const struct op *op, const struct anon_rule *rule,
	uint32_t chain_id, unsigned depth, uint32_t i, struct err *e)
{
	struct udata u = { .n = 0 };
	struct nlmsghdr *nlh;
	struct ids ids;
	int r = put_anon(c, op, rule->code, &ids, depth, i, e);

	if (r < 0)
		return r;
	nlh = msg_begin(c->b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, op->family, i);
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, op->table);
	mnl_attr_put_u32(nlh, NFTA_RULE_CHAIN_ID, htonl(chain_id));
	r = put_exprs(nlh, rule->code, &ids, op->rule.text ? op->rule.text : op->name, e);
	udata_comment(&u, NFTNL_UDATA_RULE_COMMENT, rule->comment);
	put_udata(nlh, &u);
	msg_end(c->b, nlh);
	return r;
}

static int put_anon_chain(struct build *c, const struct op *op, const struct anon_chain *chain, uint32_t id,
	unsigned depth, uint32_t i, struct err *e)
{
	struct nlmsghdr *nlh = msg_begin(c->b, NFT_MSG_NEWCHAIN, NLM_F_CREATE, op->family, i);
	int r = 0;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, op->table);
	mnl_attr_put_u32(nlh, NFTA_CHAIN_ID, htonl(id));
	mnl_attr_put_u32(nlh, NFTA_CHAIN_FLAGS, htonl(NFT_CHAIN_BINDING));
	msg_end(c->b, nlh);
	for (uint32_t k = 0; !r && k < chain->rules.n; k++)
		r = put_anon_rule(c, op, &chain->rules.v[k], id, depth, i, e);
	return r;
}

/* A chain's rules come before what jumps to it: then it is bound and takes no more. */
static int put_anon(struct build *c, const struct op *op, const struct code *code, struct ids *ids,
	unsigned depth, uint32_t i, struct err *e)
{
	int r = 0;

	if (code->chains.n && !depth)
		return err_set(e, -E2BIG, "chains of more than %d levels in each other", CHAINS_MAX);
	ids->chain = c->chain_id;
	c->chain_id += code->chains.n;
	for (uint32_t k = 0; !r && k < code->chains.n; k++)
		r = put_anon_chain(c, op, &code->chains.v[k], ids->chain + k + 1, depth - 1, i, e);
	ids->set = c->set_id;
	for (uint32_t k = 0; !r && k < code->sets.n; k++)
		r = put_anon_set(c, op, &code->sets.v[k], i, e);
	return r;
}

/* ---- rules ---- */

static void rule_udata(struct nlmsghdr *nlh, const struct op *op)
{
	struct {
		uint64_t id, hash;
	} own = { op->rule.id, op->rule.code->hash };
	struct udata u = { .n = 0 };

	if (op->rule.udata) {
		if (op->rule.n_udata)
			mnl_attr_put(nlh, NFTA_RULE_USERDATA, (uint16_t)op->rule.n_udata, op->rule.udata);
		return;
	}
	udata_comment(&u, NFTNL_UDATA_RULE_COMMENT, op->rule.comment);
	if (!op->no_mark)
		udata_put(&u, RNM_TLV, &own, sizeof(own));
	put_udata(nlh, &u);
}

static uint16_t rule_flags(const struct build *c, const struct op *op)
{
	bool placed = op->rule.position || op->rule.position_id;
	uint16_t flags = c->echo ? NLM_F_ECHO : 0;

	if (op->kind == OP_REPLACE_RULE)
		return flags | NLM_F_REPLACE;
	if (op->excl)
		flags |= NLM_F_EXCL;
	/* APPEND is the end of the chain, or behind the rule that is named */
	return flags | NLM_F_CREATE | ((placed ? op->after : !op->insert) ? NLM_F_APPEND : 0);
}

int put_rule(struct build *c, const struct op *op, uint32_t i, struct err *e)
{
	const struct code *code = op->rule.code;
	struct nlmsghdr *nlh;
	struct ids ids;
	int r = put_anon(c, op, code, &ids, CHAINS_MAX, i, e);

	if (r < 0)
		return r;
	nlh = msg_begin(c->b, NFT_MSG_NEWRULE, rule_flags(c, op), op->family, i);
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, op->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, op->name);
	if (op->kind == OP_REPLACE_RULE)
		mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(op->rule.handle));
	else if (op->rule.position_id)
		mnl_attr_put_u32(nlh, NFTA_RULE_POSITION_ID, htonl(op->rule.position_id));
	else if (op->rule.position)
		mnl_attr_put_u64(nlh, NFTA_RULE_POSITION, htobe64(op->rule.position));
	if (op->rule.rule_id)
		mnl_attr_put_u32(nlh, NFTA_RULE_ID, htonl(op->rule.rule_id));
	r = put_exprs(nlh, code, &ids, op->rule.text ? op->rule.text : op->name, e);
	rule_udata(nlh, op);
	msg_end(c->b, nlh);
	return r;
}

void put_del_rule(struct build *c, const struct op *op, uint32_t i)
{
	struct nlmsghdr *nlh = del_begin(c, op, NFT_MSG_DELRULE, i);

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, op->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, op->name);
	/* without it the message would empty the chain */
	mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(op->rule.handle));
	msg_end(c->b, nlh);
}

void put_flush_rules(struct build *c, const struct op *op, uint32_t i)
{
	struct nlmsghdr *nlh = del_begin(c, op, NFT_MSG_DELRULE, i);

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, op->table);
	if (op->name)
		mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, op->name);
	msg_end(c->b, nlh);
}
