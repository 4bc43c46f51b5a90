// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm test`: busted over the specs of policies, with rnm's Lua modules within its reach. */
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/xalloc.h"
#include "rnm/paths.h"
#include "rnm/rnm.h"

#define POLICIES_DIR "/etc/rnm/policies.d"

static bool is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Ours in front of what is set already, and Lua's own at the end. */
static void put_in_front(const char *name, char *paths)
{
	_autofree_ char *both = NULL;
	const char *set = getenv(name);

	both = set && *set ? xasprintf("%s%s", paths, set) : xstrdup(paths);
	/* ";;" stands for the default only once, and what was set may have its own */
	setenv(name, both, 1);
	free(paths);
}

/* Its own status is the number of failures; ours is one of three. */
static int run_busted(const char *dir)
{
	char *const argv[] = { (char *)"busted", (char *)"--lua=lua5.4", (char *)"--pattern=_spec",
		(char *)dir, NULL };
	int status = 0, rc;
	pid_t pid;

	rc = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (rc == ENOENT)
		return failed("busted is not installed (Debian: apt install lua-busted)");
	if (rc)
		return failed("busted: %s", strerror(rc));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? EXIT_DONE : EXIT_FAILED;
}

int tool_test(struct tool *t, int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : is_dir("tests") ? "tests" : POLICIES_DIR;
	struct stat st;

	if (argc > 2)
		return usage_error(t, "unexpected argument '%s'", argv[2]);
	if (argc > 1 && *dir == '-')
		return usage_error(t, "there is no option '%s'", dir);
	if (stat(dir, &st) < 0)
		return failed("'%s': %s", dir, strerror(errno));
	put_in_front("LUA_PATH", lua_paths());
	put_in_front("LUA_CPATH", lua_cpaths());
	fflush(stdout);
	return run_busted(dir);
}
