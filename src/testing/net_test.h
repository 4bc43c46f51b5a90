/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <lauxlib.h>

#include "net/query.h"

void net_test_fields(lua_State *L, const struct net_rec *r); /* into the table on top */
void net_test_rec(lua_State *L, const struct net_rec *r);
enum net_kind net_test_kind(lua_State *L, int arg);
int net_test_filters(lua_State *L, int arg, struct filters *fs, struct err *e);
int net_test_err(lua_State *L, struct err *e); /* nil, text */

int net_test_mirror(lua_State *L);
int net_test_watch(lua_State *L);
void net_test_bench(lua_State *L); /* its metatables */
