/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of a simulated network, read from Lua tables. */
#pragma once

#include <lua.h>

#include "base/err.h"
#include "net/net.h"

struct sim_change {
	enum { SIM_SET, SIM_DEL, SIM_DOWN } verb; /* down: a link is set down, with what follows from it */
	struct net_rec *rec;                      /* owned: net_rec_free() */
};

extern const char *const sim_kinds[]; /* by enum net_kind, NULL-terminated */

/* The table at idx (positive) as a record: the fields of net_rec_set_field(), a link's or record's ifindex
 * among them, and what a kernel would say of the others. NULL with e; never raises. */
struct net_rec *sim_record_read(lua_State *L, int idx, enum net_kind kind, struct err *e);
int sim_change_read(lua_State *L, int idx, struct sim_change *out,
	struct err *e); /* { "set" | "del" | "down", kind, { … } } */
