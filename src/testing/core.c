// SPDX-License-Identifier: GPL-2.0-or-later
#include <lauxlib.h>

#include "testing/testing.h"

__attribute__((visibility("default"))) int luaopen_rnm_core(lua_State *L);

int luaopen_rnm_core(lua_State *L)
{
	static const luaL_Reg parts[] = {
		{ "base", testing_base },
		{ "json", testing_json },
		{ "net", testing_net },
		{ "nft", testing_nft },
		{ "raw", testing_nft_raw },
		{ "kread", testing_nft_kread },
		{ "nft_watch", testing_nft_watch },
		{ "nft_file", testing_nft_file },
		{ "script", testing_script },
		{ "config", testing_config },
		{ "control", testing_control },
		{ "sim", testing_sim },
		{ "pty", testing_pty },
		{ NULL, NULL },
	};

	lua_newtable(L);
	for (const luaL_Reg *p = parts; p->name; p++) {
		if (!p->func)
			continue;
		p->func(L);
		lua_setfield(L, -2, p->name);
	}
	return 1;
}
