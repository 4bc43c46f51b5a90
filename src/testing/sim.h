/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One simulation, shared by sim.c (its life and work), sim_net.c (its network) and sim_look.c (what it
 * shows). */
#pragma once

#include <lauxlib.h>

#include "engine/engine.h"
#include "testing/nfkernel.h"
#include "testing/sim_rec.h"

struct watched {
	char *path;
	uint64_t token;
};

struct sim_batch {
	char *text, *event; /* event: NULL until the transaction's report */
	const char *origin;
};

struct sim {
	struct engine *en;
	struct config *cfg;   /* until the engine has taken it */
	char *shipped, *root; /* root: list files below it stand for those of the host */
	char *state_dir;      /* NULL: none */
	uint64_t wake;
	VEC(struct sim_batch) batches;
	VEC(char *) logs;
	struct mirror *net; /* what the kernel has; the engine's mirror is what rnm knows of it */
	VEC(struct watched) files;
	VEC(struct zone_rule) zones; /* of links that the configuration does not know */
	VEC(char *) refuse;          /* plan lines with one of these are refused, as a kernel might */
	struct nfkernel kernel;
	struct nft_wire wire;
	struct nft_conn *conn, *others; /* rnm's, and everybody else's */
	bool found_attached;
	int fd2;
	bool started;
};

struct sim *sim_check(lua_State *L); /* argument 1; raises */
/* The daemon's stderr is no part of a test's output; RNM_SIM_LOG=1 shows it. Between the two nothing may
 * raise. */
void sim_quiet(struct sim *s);
void sim_loud(struct sim *s);
int sim_fail(lua_State *L, struct err *e); /* nil, message; frees e */
/* The end of a piece of work: what became due by itself runs as well. Pushes true, or nil and a message. */
int sim_done(lua_State *L, struct sim *s, int rc, struct err *e);
struct mirror *sim_kernel_net(void);
void sim_dump_all(struct sim *s);    /* into the engine's mirror, as a start and an overrun do */
void sim_end(struct sim *s, int rc); /* the same without an answer */
void sim_kernel_init(struct sim *s);
void sim_kernel_free(struct sim *s);
void sim_kernel_ops(struct sim *s, struct engine_ops *ops); /* for an engine over the simulated kernel */
extern const luaL_Reg sim_look[], sim_network[], sim_others[], sim_console[];
extern const luaL_Reg sim_files[]; /* functions: the files around a simulation */
void sim_pump(struct sim *s);      /* what is due now */
