/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of a simulated network, read from Lua tables. */
#pragma once

#include <lua.h>

#include "base/err.h"
#include "net/net.h"

struct sim_change {
	bool del;
	union {
		struct net_rec rec;
		struct net_link link;
		struct net_addr addr;
		struct net_route route;
		struct net_rule rule;
		struct net_neigh neigh;
	};
};

extern const char *const sim_kinds[]; /* by enum net_kind, NULL-terminated */

int sim_record_read(lua_State *L, int idx, enum net_kind kind, struct sim_change *out, struct err *e);
int sim_change_read(
	lua_State *L, int idx, struct sim_change *out, struct err *e); /* { "set" | "del", kind, { … } } */
