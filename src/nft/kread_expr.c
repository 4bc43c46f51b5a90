// SPDX-License-Identifier: GPL-2.0-or-later
/* Expressions out of netlink attributes. libnftnl gives only whole rules: they are told to it as such. */
#include <string.h>

#include <libmnl/libmnl.h>

#include <stdio.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#include "nft/kread_impl.h"

static int take(struct nftnl_expr *e, void *ctx)
{
	struct kexprs *x = ctx;

	vec_push(&x->v, e);
	return 0;
}

/* One expression as a rule of its own; NULL where libnftnl does not know it. */
static void add_one(struct kexprs *x, const struct nlattr *nest)
{
	uint16_t len = mnl_attr_get_payload_len(nest);
	size_t room = MNL_NLMSG_HDRLEN + 4 * sizeof(uint32_t) + MNL_ALIGN(len);
	struct nftnl_rule *rule;
	struct nlattr *list, *elem;
	uint32_t n = x->v.n;
	struct nlmsghdr *nlh;

	vec_push(&x->from, nest);
	vec_reserve(&x->msg, (uint32_t)room);
	nlh = mnl_nlmsg_put_header(x->msg.v);
	memset(mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg)), 0, sizeof(struct nfgenmsg));
	if (len > MSG_NEST_MAX || !(rule = nftnl_rule_alloc())) {
		vec_push(&x->v, NULL);
		return;
	}
	list = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
	elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	memcpy(mnl_nlmsg_get_payload_tail(nlh), mnl_attr_get_payload(nest), len);
	nlh->nlmsg_len += MNL_ALIGN(len);
	mnl_attr_nest_end(nlh, elem);
	mnl_attr_nest_end(nlh, list);
	if (nftnl_rule_nlmsg_parse(nlh, rule) >= 0)
		nftnl_expr_foreach(rule, take, x);
	if (x->v.n == n)
		vec_push(&x->v, NULL);
	vec_push(&x->rules, rule);
}

void kexprs_add(struct kexprs *x, const struct nlattr *nest, bool list)
{
	const struct nlattr *a;

	if (!list) {
		add_one(x, nest);
		return;
	}
	attr_nested (a, nest)
		if (mnl_attr_get_type(a) == NFTA_LIST_ELEM)
			add_one(x, a);
}

uint32_t kexprs_known(struct kexprs *x)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->v.n; i++)
		if (x->v.v[i])
			x->v.v[n++] = x->v.v[i];
	return x->v.n = n;
}

void kexprs_clear(struct kexprs *x)
{
	vec_foreach (r, &x->rules)
		nftnl_rule_free(*r);
	vec_clear(&x->rules);
	vec_clear(&x->v);
	vec_clear(&x->from);
}

void kexprs_free(struct kexprs *x)
{
	kexprs_clear(x);
	vec_free(&x->rules);
	vec_free(&x->v);
	vec_free(&x->from);
	vec_free(&x->msg);
}
