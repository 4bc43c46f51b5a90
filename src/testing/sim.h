/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One simulation, shared by sim.c (its life and work) and sim_look.c (what it shows). */
#pragma once

#include <lauxlib.h>

#include "engine/engine.h"
#include "testing/sim_rec.h"

struct watched {
	char *path;
	uint64_t token;
};

struct sim {
	struct engine *en;
	struct config *cfg; /* until the engine has taken it */
	char *shipped;
	uint64_t wake, handle;
	VEC(char *) batches, logs;
	VEC(struct watched) files;
	VEC(char *) refuse; /* plan lines with one of these are refused, as a kernel might */
	int fail_next;      /* the next commit fails with this errno */
	uint32_t commits, batch_elems;
	int fd2;
	bool started;
};

struct sim *sim_check(lua_State *L); /* argument 1; raises */
/* The daemon's stderr is no part of a test's output; RNM_SIM_LOG=1 shows it. Between the two nothing may
 * raise. */
void sim_quiet(struct sim *s);
void sim_loud(struct sim *s);
int sim_fail(lua_State *L, struct err *e); /* nil, message; frees e */
extern const luaL_Reg sim_look[];
