/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nft_type.c and nft_batch.c share: Lua tables → types and values. */
#pragma once

#include <lua.h>

#include "nft/type.h"

/* A value from Lua; val_free() is the caller's. string, integer, or
 * {prefix=,range={a,b},glob=,addr=,mac=,concat={…},list={…}, obj=}, with timeout (ms) and comment beside.
 * Raises only for what is no value at all. */
struct val testing_val(lua_State *L, int i);
/* {name=, type=, data=, flags=, obj_type=, auto_merge=} at i. */
int testing_set_info(lua_State *L, int i, struct set_info *out, struct err *e);
int testing_fail(lua_State *L, struct err *e);              /* nil, message */
void testing_hex(lua_State *L, const uint8_t *p, size_t n); /* pushes */

int testing_nft_batch(lua_State *L); /* pushes its table */
