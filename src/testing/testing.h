/* SPDX-License-Identifier: GPL-2.0-or-later */
/* testing: the loadable Lua module rnm.core, for busted. One file per module under test registers its
 * functions in a table of that name: core.net.parse(bytes), core.nft.compile(…), … */
#pragma once

#include <lua.h>

/* Each pushes one table. */
int testing_base(lua_State *L) __attribute__((weak));
int testing_json(lua_State *L) __attribute__((weak));
int testing_net(lua_State *L) __attribute__((weak));
int testing_nft(lua_State *L) __attribute__((weak));
int testing_nft_type(lua_State *L) __attribute__((weak));      /* core.nft.type */
int testing_nft_ruleset(lua_State *L) __attribute__((weak));   /* core.nft.ruleset */
int testing_nft_raw(lua_State *L) __attribute__((weak));       /* core.raw */
int testing_nft_kread(lua_State *L) __attribute__((weak));     /* core.kread */
int testing_nft_watch(lua_State *L) __attribute__((weak));     /* core.nft_watch */
int testing_nft_decompile(lua_State *L) __attribute__((weak)); /* core.nft.decompile() */
int testing_nft_file(lua_State *L) __attribute__((weak));      /* core.nft_file */
int testing_script(lua_State *L) __attribute__((weak));
int testing_config(lua_State *L) __attribute__((weak));
int testing_control(lua_State *L) __attribute__((weak));
int testing_sim(lua_State *L) __attribute__((weak));
int testing_pty(lua_State *L) __attribute__((weak));
