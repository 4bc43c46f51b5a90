/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink message → record. Pure: bytes in, struct out, no socket, no allocation that outlives
 * nl_msg_free(). Fuzzed. */
#pragma once

#include <linux/netlink.h>

#include "net/net.h"

enum nl_verdict { NLP_IGNORE, NLP_SET, NLP_DEL, NLP_MALFORMED };

struct nl_msg {
	enum nl_verdict verdict;
	bool replace; /* NLP_SET of a route that took the place of another one: mirror_replace() */
	union {
		struct net_rec rec;
		struct net_link link;
		struct net_addr addr;
		struct net_route route;
		struct net_rule rule;
		struct net_neigh neigh;
	};
};

/* More next hops than these of one multipath route are left out. */
#define NL_NEXTHOPS_MAX 256

/* nlh lies in a buffer of at least len bytes, len ≥ sizeof(*nlh); nothing beyond is read. Derived fields are
 * left empty. */
void nl_parse(const struct nlmsghdr *nlh, size_t len, struct nl_msg *out);
void nl_msg_free(struct nl_msg *m);
