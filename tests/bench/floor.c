// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel itself costs: each address message becomes one batch with one element, written by hand. It
 * keeps no state, knows one link and one set, and gives up on the first error: nothing that does more can be
 * quicker. */
#include "bench.h"

static struct mnl_socket *nft;
static uint32_t seq;

static struct nlmsghdr *put_msg(char *buf, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	return nlh;
}

static size_t put_edge(char *buf, uint16_t type)
{
	return put_msg(buf, type, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_len;
}

static struct nlmsghdr *put_nft(char *buf, uint16_t type, uint16_t flags)
{
	return put_msg(buf, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0);
}

static void commit(const char *buf, size_t n)
{
	char answer[4096];
	ssize_t got;

	if (mnl_socket_sendto(nft, buf, n) < 0)
		die("floor: send: %s", strerror(errno));
	/* A commit is synchronous: answers, which only errors make, are there by now. */
	got = recv(mnl_socket_get_fd(nft), answer, sizeof(answer), MSG_DONTWAIT);
	if (got > 0)
		die("floor: refused: %s",
			strerror(-((struct nlmsgerr *)mnl_nlmsg_get_payload((void *)answer))->error));
}

static void make_set(void)
{
	char buf[4096];
	size_t n = put_edge(buf, NFNL_MSG_BATCH_BEGIN);
	struct nlmsghdr *nlh = put_nft(buf + n, NFT_MSG_NEWTABLE, NLM_F_CREATE);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, BENCH_TABLE);
	n += nlh->nlmsg_len;
	nlh = put_nft(buf + n, NFT_MSG_NEWSET, NLM_F_CREATE);
	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, BENCH_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, BENCH_SET);
	mnl_attr_put_u32(nlh, NFTA_SET_ID, htonl(1));
	mnl_attr_put_u32(nlh, NFTA_SET_KEY_TYPE, htonl(7)); /* ipv4_addr, as nft numbers types */
	mnl_attr_put_u32(nlh, NFTA_SET_KEY_LEN, htonl(4));
	n += nlh->nlmsg_len;
	n += put_edge(buf + n, NFNL_MSG_BATCH_END);
	commit(buf, n);
}

static void change_element(bool add, uint32_t addr)
{
	char buf[1024];
	size_t n = put_edge(buf, NFNL_MSG_BATCH_BEGIN);
	struct nlmsghdr *nlh =
		put_nft(buf + n, add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM, add ? NLM_F_CREATE : 0);
	struct nlattr *list, *elem, *key;

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, BENCH_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, BENCH_SET);
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	key = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
	mnl_attr_put_u32(nlh, NFTA_DATA_VALUE, addr);
	mnl_attr_nest_end(nlh, key);
	mnl_attr_nest_end(nlh, elem);
	mnl_attr_nest_end(nlh, list);
	n += nlh->nlmsg_len;
	n += put_edge(buf + n, NFNL_MSG_BATCH_END);
	commit(buf, n);
}

static int on_message(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const unsigned *ifindex = data;
	const struct nlattr *a;

	if ((nlh->nlmsg_type != RTM_NEWADDR && nlh->nlmsg_type != RTM_DELADDR) ||
		ifa->ifa_family != AF_INET || ifa->ifa_index != *ifindex)
		return MNL_CB_OK;
	mnl_attr_for_each (a, nlh, sizeof(*ifa)) {
		if (mnl_attr_get_type(a) == IFA_LOCAL) {
			change_element(nlh->nlmsg_type == RTM_NEWADDR, mnl_attr_get_u32(a));
			break;
		}
	}
	return MNL_CB_OK;
}

int main(void)
{
	struct mnl_socket *rtnl = nl_open(NETLINK_ROUTE, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
	unsigned ifindex = if_nametoindex(BENCH_LINK);
	char buf[8192];
	ssize_t n;

	nft = nl_open(NETLINK_NETFILTER, 0);
	make_set();
	while ((n = mnl_socket_recvfrom(rtnl, buf, sizeof(buf))) > 0)
		mnl_cb_run(buf, (size_t)n, 0, 0, on_message, &ifindex);
	die("floor: receive: %s", strerror(errno));
}
