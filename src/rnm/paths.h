/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the other parts of this installation are: beside the program in a build tree, else where they were
 * installed. */
#pragma once

/* Allocated; never NULL, but what it names need not exist. */
char *shipped_dir(void); /* the packs that come with rnm */
struct config;
char *state_dir(const char *socket, const struct config *cfg); /* of the rnmd with this socket */
char *lua_paths(void); /* package.path for `require "rnm.…"`, ending in ";;" so that Lua's own follows */
char *lua_cpaths(void);
