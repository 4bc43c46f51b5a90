// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/paths.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "rnm/paths.h"
#include "rnm/rnm.h"

char *shipped_dir(void)
{
	return data_path("policies");
}

char *state_dir(const char *socket, const struct config *cfg)
{
	if (strcmp(socket, DEFAULT_SOCKET) != 0)
		return xasprintf("%s.state", socket);
	return xstrdup(cfg->state_dir ? cfg->state_dir : DEFAULT_STATE);
}

char *lua_paths(void)
{
	_autofree_ char *lua = data_path("lua");

	return xasprintf("%s/?.lua;%s/?/init.lua;;", lua, lua);
}

char *lua_cpaths(void)
{
	_autofree_ char *bin = program_dir(), *built = xasprintf("%s/lua", bin);
	struct stat st;

	return stat(built, &st) == 0 && S_ISDIR(st.st_mode) ? xasprintf("%s/?.so;;", built)
							    : xasprintf("%s/lua/?.so;;", RNM_DATADIR);
}
