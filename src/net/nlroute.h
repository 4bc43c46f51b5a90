/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of nlparse that know addresses and routes. */
#pragma once

#include "net/nlattr.h"
#include "net/nlparse.h"

/* An address of the family, or none where there is no attribute; false: another length than the family's. */
bool nl_ipaddr(const struct nl_attr *a, uint8_t family, struct ipaddr *out);
enum nl_verdict nl_parse_route(const uint8_t *p, size_t n, struct net_route *r);
