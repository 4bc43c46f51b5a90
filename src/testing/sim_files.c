// SPDX-License-Identifier: GPL-2.0-or-later
/* The files around a simulation, without a process for each: a spec has milliseconds. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "base/xalloc.h"
#include "testing/sim.h"

#define DEPTH_MAX 16

static int fail(lua_State *L, const char *path, int error)
{
	lua_pushnil(L);
	lua_pushfstring(L, "%s: %s", path, strerror(error));
	return 2;
}

static int answer(lua_State *L, const char *path, int rc)
{
	if (rc < 0)
		return fail(L, path, errno);
	lua_pushboolean(L, true);
	return 1;
}

/* tmpdir() → a folder of its own, for its user alone */
static int files_tmpdir(lua_State *L)
{
	const char *tmp = getenv("TMPDIR");
	char path[4096];

	snprintf(path, sizeof(path), "%.4000s/rnm-sim-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
	if (!mkdtemp(path))
		return fail(L, path, errno);
	lua_pushstring(L, path);
	return 1;
}

static int make_dirs(char *path)
{
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		int rc = mkdir(path, 0755);

		*p = '/';
		if (rc < 0 && errno != EEXIST)
			return -1;
	}
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -1 : 0;
}

/* mkdir(path): with the folders above it */
static int files_mkdir(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);
	char copy[4096];

	luaL_argcheck(L, *path && strlen(path) < sizeof(copy), 1, "no path");
	strcpy(copy, path);
	return answer(L, path, make_dirs(copy));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* remove(path): a folder with all that is in it */
static int files_remove(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);

	if (nftw(path, remove_one, DEPTH_MAX, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		return fail(L, path, errno);
	lua_pushboolean(L, true);
	return 1;
}

static int copy_file(const char *from, const char *to)
{
	_autoclose_ int in = open(from, O_RDONLY | O_CLOEXEC);
	_autoclose_ int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct stat st;
	ssize_t n;

	if (out < 0 || fstat(in, &st) < 0 || fchmod(out, 0644) < 0)
		return -1;
	do
		n = sendfile(out, in, NULL, 1 << 20);
	while (n > 0);
	return n < 0 ? -1 : 0;
}

static struct {
	size_t cut;
	const char *to;
} copying; /* nftw() has no argument for its callback */

static int copy_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	_autofree_ char *to = xasprintf("%s%s", copying.to, path + copying.cut);

	(void)ftw;
	if (S_ISDIR(st->st_mode))
		return mkdir(to, 0755) < 0 && errno != EEXIST ? -1 : chmod(to, 0755);
	return type == FTW_F ? copy_file(path, to) : 0;
}

/* copy(from, to): a file, or a folder with all that is in it, links followed; for its user alone to change */
static int files_copy(lua_State *L)
{
	const char *from = luaL_checkstring(L, 1), *to = luaL_checkstring(L, 2);

	copying.cut = strlen(from);
	copying.to = to;
	return answer(L, from, nftw(from, copy_one, DEPTH_MAX, 0));
}

/* nowhere(path): a link there to what is not */
static int files_nowhere(lua_State *L)
{
	const char *path = luaL_checkstring(L, 1);

	return answer(L, path, symlink("/nonexistent/file", path));
}

/* kind(path) → "file", "folder", or nil */
static int files_kind(lua_State *L)
{
	struct stat st;

	if (stat(luaL_checkstring(L, 1), &st) < 0)
		lua_pushnil(L);
	else
		lua_pushstring(L, S_ISDIR(st.st_mode) ? "folder" : "file");
	return 1;
}

const luaL_Reg sim_files[] = {
	{ "tmpdir", files_tmpdir },
	{ "mkdir", files_mkdir },
	{ "remove", files_remove },
	{ "copy", files_copy },
	{ "nowhere", files_nowhere },
	{ "kind", files_kind },
	{ NULL, NULL },
};
