// SPDX-License-Identifier: GPL-2.0-or-later
/* The same loop as floor.c with libnftables in the process, which parses text for each change. */
#include <nftables/libnftables.h>

#include "bench.h"

struct state {
	struct nft_ctx *nft;
	unsigned ifindex;
};

static void run(struct nft_ctx *nft, const char *text)
{
	if (nft_run_cmd_from_buffer(nft, text))
		die("nftlib: refused: %s", text);
}

static int on_message(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct state *st = data;
	const struct nlattr *a;
	char addr[INET_ADDRSTRLEN], text[128];

	if ((nlh->nlmsg_type != RTM_NEWADDR && nlh->nlmsg_type != RTM_DELADDR) ||
		ifa->ifa_family != AF_INET || ifa->ifa_index != st->ifindex)
		return MNL_CB_OK;
	mnl_attr_for_each (a, nlh, sizeof(*ifa)) {
		if (mnl_attr_get_type(a) != IFA_LOCAL)
			continue;
		inet_ntop(AF_INET, mnl_attr_get_payload(a), addr, sizeof(addr));
		snprintf(text, sizeof(text), "%s element inet " BENCH_TABLE " " BENCH_SET " { %s }",
			nlh->nlmsg_type == RTM_NEWADDR ? "add" : "delete", addr);
		run(st->nft, text);
		break;
	}
	return MNL_CB_OK;
}

int main(void)
{
	struct mnl_socket *rtnl = nl_open(NETLINK_ROUTE, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
	struct state st = { nft_ctx_new(NFT_CTX_DEFAULT), if_nametoindex(BENCH_LINK) };
	char buf[8192];
	ssize_t n;

	run(st.nft, "add table inet " BENCH_TABLE "; add set inet " BENCH_TABLE " " BENCH_SET
		    " { type ipv4_addr; }");
	while ((n = mnl_socket_recvfrom(rtnl, buf, sizeof(buf))) > 0)
		mnl_cb_run(buf, (size_t)n, 0, 0, on_message, &st);
	die("nftlib: receive: %s", strerror(errno));
}
