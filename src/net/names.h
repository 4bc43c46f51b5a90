/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words for rtnetlink's small numbers, as iproute2 and the API spell them. */
#pragma once

#include "net/net.h"

extern const struct net_name net_scope_names[], net_table_names[], net_protocol_names[], net_type_names[],
	net_state_names[];

/* Address flags as bits of a set: the kernel's bits where one bit has one meaning, and bits of our own above
 * them where the meaning depends on the family or is the absence of a bit. */
#define ADDR_FLAG_DYNAMIC   32 /* not IFA_F_PERMANENT */
#define ADDR_FLAG_SECONDARY 33 /* bit 0 of an IPv4 address */
uint64_t net_addr_flag_set(const struct net_addr *a);
void net_addr_flags_from_set(struct net_addr *a, uint64_t set);
const char *net_addr_flag_name(unsigned bit);
