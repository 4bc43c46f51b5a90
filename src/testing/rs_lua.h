/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <lua.h>

int testing_ruleset_new(lua_State *L); /* core.nft.ruleset.new */
