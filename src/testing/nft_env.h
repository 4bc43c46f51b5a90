/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the bindings that compile: sets, values and devices of a Lua table. */
#pragma once

#include <lauxlib.h>

#include "nft/lang.h"
#include "nft/live.h"
#include "testing/testing.h"

/* A live value that never changes. */
struct still {
	struct live live;
	struct val list;
};
struct named {
	char *name;
	struct val val;
	struct still still;
	struct set_info set; /* that holds it where it stands as a list */
};
struct env {
	lua_State *L; /* the argument is at index 1 */
	VEC(struct set_info *) sets;
	VEC(struct named *) params;
};

/* From the table at index 1, the only thing on the stack. env_free() also after an error. */
int env_open(struct env *env, lua_State *L, struct rule_env *re, struct err *e);
void env_free(struct env *env);
/* The set that the table on top of the stack describes. */
bool env_read_set(struct env *env, const char *name, struct set_info *s);
const char *str_field(lua_State *L, int i, const char *name); /* NULL: no string */
int env_fail(lua_State *L, int code, struct err *e);          /* nil, message, errno */
void testing_nft_elem(lua_State *L);                          /* more functions of core.nft */
void testing_nft_tables(lua_State *L);
