// SPDX-License-Identifier: GPL-2.0-or-later
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "base/paths.h"

#ifndef RNM_DATADIR
#define RNM_DATADIR "/usr/share/rnm"
#endif

char *program_dir(void)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n <= 0)
		return xstrdup("");
	exe[n] = 0;
	slash = strrchr(exe, '/');
	if (slash)
		*slash = 0;
	return xstrdup(exe);
}

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *data_path(const char *sub)
{
	static const char *const ups[] = { "..", "../.." };
	_autofree_ char *bin = program_dir(), *module = xasprintf("%s/lua/rnm", bin);

	for (size_t i = 0; is_dir(module) && i < ARRAY_SIZE(ups); i++) {
		_autofree_ char *tree = xasprintf("%s/%s/%s", bin, ups[i], sub);
		char *real = is_dir(tree) ? realpath(tree, NULL) : NULL;

		if (real)
			return real;
	}
	return xasprintf("%s/%s", RNM_DATADIR, sub);
}
