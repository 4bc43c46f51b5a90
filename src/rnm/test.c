// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm test`: busted over the specs of policies, with rnm's Lua modules within its reach. */
#include <errno.h>
#include <getopt.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/vec.h"
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

static bool in_path(const char *program)
{
	_autofree_ char *path = xstrdup(getenv("PATH") ? getenv("PATH") : "/usr/local/bin:/usr/bin:/bin");
	char *save = NULL;

	for (char *dir = strtok_r(path, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		_autofree_ char *file = xasprintf("%s/%s", dir, program);

		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

/* The interpreter that can load rnm's module, by the names that distributions give it. */
static const char *interpreter(void)
{
	static const char *const names[] = { "lua5.4", "lua54", "lua-5.4", "lua" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (in_path(names[i]))
			return names[i];
	return "lua5.4";
}

/* Its own status is the number of failures; ours is one of three. */
static int run_busted(char **argv)
{
	int status = 0, rc;
	pid_t pid;

	rc = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (rc == ENOENT)
		return failed("busted is not installed (Debian: apt install lua-busted; elsewhere: luarocks "
			      "--lua-version 5.4 install busted)");
	if (rc)
		return failed("busted: %s", strerror(rc));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? EXIT_DONE : EXIT_FAILED;
}

struct call {
	VEC(char *) argv;
	const char *dir;
};

static void put(struct call *c, char *arg)
{
	vec_push(&c->argv, arg);
}

static int bad_option(struct tool *t, char **argv, int at)
{
	return usage_error(t, "there is no option '%s'; busted's own go behind --", argv[at]);
}

static int read_args(struct tool *t, struct call *c, int argc, char **argv)
{
	static const struct option options[] = { { "filter", required_argument, NULL, 'f' },
		{ "output", required_argument, NULL, 'o' }, { "update", no_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 } };
	int opt, at = 1;

	opterr = 0;
	optind = 1;
	while ((opt = getopt_long(argc, argv, "+f:o:u", options, NULL)) != -1) {
		switch (opt) {
		case 'f': put(c, xasprintf("--filter=%s", optarg)); break;
		case 'o': put(c, xasprintf("--output=%s", optarg)); break;
		case 'u': setenv("RNM_UPDATE", "1", 1); break;
		default:
			if (optopt == 'f' || optopt == 'o')
				return usage_error(t, "'%s' needs a value", argv[at]);
			return bad_option(t, argv, at);
		}
		at = optind;
	}
	if (optind < argc && strcmp(argv[optind - 1], "--") != 0) {
		c->dir = argv[optind++];
		if (optind < argc && strcmp(argv[optind], "--") != 0)
			return usage_error(t,
				*argv[optind] == '-' ? "options come before the folder: '%s'"
						     : "unexpected argument '%s'",
				argv[optind]);
		optind += optind < argc;
	}
	while (optind < argc)
		put(c, xstrdup(argv[optind++]));
	return EXIT_DONE;
}

static void call_free(struct call *c)
{
	vec_foreach (a, &c->argv)
		free(*a);
	vec_free(&c->argv);
}

int tool_test(struct tool *t, int argc, char **argv)
{
	__attribute__((cleanup(call_free))) struct call c = { .dir = is_dir("tests") ? "tests"
										     : POLICIES_DIR };
	struct stat st;
	int rc;

	put(&c, xstrdup("busted"));
	put(&c, xasprintf("--lua=%s", interpreter()));
	put(&c, xstrdup("--pattern=_spec"));
	rc = read_args(t, &c, argc, argv);
	if (rc)
		return rc;
	if (stat(c.dir, &st) < 0)
		return failed("'%s': %s", c.dir, strerror(errno));
	put(&c, xstrdup(c.dir));
	vec_push(&c.argv, NULL);
	put_in_front("LUA_PATH", lua_paths());
	put_in_front("LUA_CPATH", lua_cpaths());
	fflush(stdout);
	return run_busted(c.argv.v);
}
