/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nft_type.c, nft_object.c and nft_batch.c share: Lua tables → types and values. */
#pragma once

#include <lua.h>

#include "nft/object.h"
#include "nft/type.h"

/* A value from Lua; val_free() is the caller's. string, integer, or
 * {prefix=,range={a,b},glob=,addr=,mac=,concat={…},list={…}, obj=}, with timeout (ms) and comment beside.
 * Raises only for what is no value at all. */
struct val testing_val(lua_State *L, int i);
/* {name=, type=, data=, flags=, obj_type=, auto_merge=} at i. */
int testing_set_info(lua_State *L, int i, struct set_info *out, struct err *e);
int testing_fail(lua_State *L, struct err *e);              /* nil, message */
void testing_hex(lua_State *L, const uint8_t *p, size_t n); /* pushes */

/* Fields of the table at i; NULL, 0, false where there is none. */
const char *testing_str(lua_State *L, int i, const char *name);
lua_Integer testing_num(lua_State *L, int i, const char *name);
bool testing_flag(lua_State *L, int i, const char *name);
/* obj_type: NFT_OBJECT_*, the rest by the names of struct object_want; policy: { [state] = seconds }. */
void testing_object(lua_State *L, int i, struct object_want *o);

int testing_nft_batch(lua_State *L); /* pushes its table */
