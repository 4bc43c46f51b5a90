// SPDX-License-Identifier: GPL-2.0-or-later
/* Arbitrary bytes as the kernel's answers: first byte what they are about, second the set whose elements they
 * are, then messages, one behind the other. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "nft/kread_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void element(void *ctx, const struct setelem *el)
{
	const struct set_info *set = ctx;
	struct buf out = BUF_INIT;

	nft_elem_text(set, el, &out);
	buf_free(&out);
}

static void elements(const struct nlmsghdr *nlh, uint8_t which)
{
	static const char *const types[] = { "ipv4_addr", "ipv4_addr . inet_service", "ifname", "mark",
		"ipv6_addr", "inet_proto", "dscp", "time" };
	struct set_info set = { .name = "s", .flags = which & 8 ? NFT_SET_INTERVAL : 0 };
	struct elems *s;

	if (nft_type_parse(types[which % 8], &set.key, NULL) < 0)
		abort();
	if (which & 16) {
		set.flags |= NFT_SET_MAP;
		nft_type_parse(which & 32 ? "verdict" : "ipv4_addr", &set.data, NULL);
	}
	s = elems_new("t", &set);
	elems_take(s, nlh);
	elems_give(s, element, &set);
	elems_free(s);
}

static void set(const struct nlmsghdr *nlh)
{
	struct kset_keep keep = { 0 };
	struct kread_set out;
	struct buf text = BUF_INIT;

	if (set_parse(nlh, &keep, &out))
		nft_type_text(&out.want.info.key, &text);
	buf_free(&text);
	kset_keep_free(&keep);
}

static void one(const struct nlmsghdr *nlh, uint8_t kind, uint8_t which)
{
	struct kexprs exprs = { 0 };
	names devs = { 0 };
	union {
		struct kread_table table;
		struct kread_chain chain;
		struct kread_flowtable flow;
		struct kread_object object;
		struct kread_rule rule;
	} out;

	switch (kind % 7) {
	case 0: table_parse(nlh, "rnm", &out.table); break;
	case 1: chain_parse(nlh, "rnm", &devs, &out.chain); break;
	case 2: flowtable_parse(nlh, &devs, &out.flow); break;
	case 3: object_msg_parse(nlh, &out.object); break;
	case 4: rule_msg_parse(nlh, &exprs, &out.rule); break;
	case 5: set(nlh); break;
	default: elements(nlh, which); break;
	}
	kexprs_free(&exprs);
	vec_free(&devs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct nlmsghdr *nlh;
	void *all;

	if (size < 2 || size > 1 << 20)
		return 0;
	all = xmemdup(data + 2, size - 2); /* aligned, and of just this size */
	msgs_foreach (nlh, all, size - 2)
		if (nlh->nlmsg_len >= MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg))
			one(nlh, data[0], data[1]);
	free(all);
	return 0;
}
