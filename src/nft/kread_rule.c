// SPDX-License-Identifier: GPL-2.0-or-later
/* The rules that the kernel holds. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <linux/netfilter.h>

#include <libnftnl/udata.h>

#include "nft/kread_impl.h"

static void rule_mark(const struct nlattr *udata, struct kread_rule *out)
{
	struct {
		uint64_t id, hash;
	} own;
	uint8_t len;
	const uint8_t *p =
		udata_find(mnl_attr_get_payload(udata), mnl_attr_get_payload_len(udata), RNM_TLV, &len);

	if (!p || len != sizeof(own))
		return;
	memcpy(&own, p, sizeof(own));
	out->id = own.id;
	out->hash = own.hash;
}

bool rule_msg_parse(const struct nlmsghdr *nlh, struct kexprs *x, struct kread_rule *out)
{
	const struct nlattr *a;

	*out = (struct kread_rule){ .family = msg_family(nlh) };
	kexprs_clear(x);
	attr_foreach (a, nlh) {
		switch (mnl_attr_get_type(a)) {
		case NFTA_RULE_TABLE: out->table = attr_name(a); break;
		case NFTA_RULE_CHAIN: out->chain = attr_name(a); break;
		case NFTA_RULE_HANDLE: out->handle = attr_be64(a); break;
		case NFTA_RULE_USERDATA:
			out->comment = attr_comment(a, NFTNL_UDATA_RULE_COMMENT);
			rule_mark(a, out);
			out->udata = mnl_attr_get_payload(a);
			out->n_udata = mnl_attr_get_payload_len(a);
			break;
		case NFTA_RULE_EXPRESSIONS: kexprs_add(x, a, true); break;
		default: break;
		}
	}
	out->n = x->v.n;
	out->exprs = x->v.v;
	out->attrs = x->from.v;
	return out->table && out->chain && out->handle;
}

/* Asked for one by one, for a dump that has to begin anew would lose the counts. */
static int one_reset(struct nft_conn *c, const struct kread_rule *was, struct kexprs *x,
	void (*fn)(void *, const struct kread_rule *), void *ctx, struct err *e)
{
	struct answers a = { .d.single = true,
		.table = was->table,
		.name = was->chain,
		.name_attr = NFTA_RULE_CHAIN,
		.handle = was->handle };
	_err_ struct err why = ERR_INIT;
	int r = answers_get(c, MSG_GETRULE_RESET, was->family, "rule", &a, &why);

	if (!r)
		answers_foreach (nlh, &a) {
			struct kread_rule rule;

			if (rule_msg_parse(nlh, x, &rule))
				fn(ctx, &rule);
		}
	answers_free(&a);
	if (r == -ENOENT) /* gone meanwhile */
		r = 0;
	return r < 0 ? err_set(e, r, "%s", err_text(&why)) : 0;
}

/* An empty chain and one that is not there give the same answer. */
static int chain_there(struct nft_conn *c, uint8_t family, const struct answers *rules, struct err *e)
{
	struct answers a = {
		.d.single = true, .table = rules->table, .name = rules->name, .name_attr = NFTA_CHAIN_NAME
	};
	int r = answers_get(c, NFT_MSG_GETCHAIN, family, "chain", &a, e);

	answers_free(&a);
	return r;
}

int kread_rules(struct nft_conn *c, uint8_t family, const char *table, const char *chain, bool reset,
	void (*fn)(void *, const struct kread_rule *), void *ctx, struct err *e)
{
	struct answers a = { .table = table, .name = table ? chain : NULL, .name_attr = NFTA_RULE_CHAIN };
	struct kexprs x = { 0 };
	uint32_t told = 0;
	int r = answers_get(c, NFT_MSG_GETRULE, family, "rule", &a, e);

	if (!r) {
		answers_foreach (nlh, &a) {
			struct kread_rule rule;

			/* older kernels filter only by table */
			if (!rule_msg_parse(nlh, &x, &rule) || !answers_named(&a, rule.table, rule.chain))
				continue;
			told++;
			if (!reset)
				fn(ctx, &rule);
			else if ((r = one_reset(c, &rule, &x, fn, ctx, e)) < 0)
				break;
		}
		if (!r && !told && a.name && family != NFPROTO_UNSPEC)
			r = chain_there(c, family, &a, e);
		else if (!r && !a.name)
			r = kread_there(c, family, &a, told, "table", e);
	}
	kexprs_free(&x);
	answers_free(&a);
	return r;
}
