// SPDX-License-Identifier: GPL-2.0-or-later
/* A program on a terminal of its own: pty.spawn({ argv }, rows, columns, { NAME = value }) → terminal. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "testing/testing.h"

#define ARGS_MAX 32
#define TYPE     "rnm.testing.pty"

struct pty {
	int fd;
	pid_t pid;
};

static struct pty *check(lua_State *L)
{
	return luaL_checkudata(L, 1, TYPE);
}

static void window(int fd, lua_Integer rows, lua_Integer columns)
{
	struct winsize ws = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

	ioctl(fd, TIOCSWINSZ, &ws);
}

/* In the child: the terminal's other end is all it has. */
static void run(const char *slave, char **argv, lua_Integer rows, lua_Integer columns)
{
	int fd;

	setsid();
	fd = open(slave, O_RDWR);
	if (fd < 0)
		_exit(126);
	window(fd, rows, columns);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	for (int i = 3; i < 64; i++)
		close(i);
	unsetenv("LD_PRELOAD");
	execv(argv[0], argv);
	_exit(127);
}

static int spawn(lua_State *L)
{
	lua_Integer rows = luaL_checkinteger(L, 2), columns = luaL_checkinteger(L, 3);
	char *argv[ARGS_MAX + 1] = { NULL }, slave[64];
	struct pty *p;
	int n = 0;

	luaL_checktype(L, 1, LUA_TTABLE);
	luaL_checktype(L, 4, LUA_TTABLE);
	for (; n < ARGS_MAX && lua_rawgeti(L, 1, n + 1) == LUA_TSTRING; n++)
		argv[n] = (char *)lua_tostring(L, -1); /* the table holds it */
	luaL_argcheck(L, n > 0, 1, "a program is missing");
	p = lua_newuserdatauv(L, sizeof(*p), 0);
	p->pid = 0;
	p->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	luaL_setmetatable(L, TYPE);
	if (p->fd < 0 || grantpt(p->fd) < 0 || unlockpt(p->fd) < 0 ||
		ptsname_r(p->fd, slave, sizeof(slave)) != 0)
		return luaL_error(L, "a terminal: %s", strerror(errno));
	window(p->fd, rows, columns);
	p->pid = fork();
	if (p->pid < 0)
		return luaL_error(L, "fork: %s", strerror(errno));
	if (p->pid == 0) {
		lua_pushnil(L);
		while (lua_next(L, 4)) {
			setenv(lua_tostring(L, -2), lua_tostring(L, -1), 1);
			lua_pop(L, 1);
		}
		run(slave, argv, rows, columns);
	}
	return 1;
}

/* read(ms) → what came, "" nothing in time; nil: the program is gone */
static int pty_read(lua_State *L)
{
	struct pty *p = check(L);
	struct pollfd w = { .fd = p->fd, .events = POLLIN };
	char part[4096];
	ssize_t n;

	if (poll(&w, 1, (int)luaL_checkinteger(L, 2)) <= 0) {
		lua_pushliteral(L, "");
		return 1;
	}
	n = read(p->fd, part, sizeof(part));
	if (n <= 0)
		return 0;
	lua_pushlstring(L, part, (size_t)n);
	return 1;
}

static int pty_write(lua_State *L)
{
	struct pty *p = check(L);
	size_t n;
	const char *s = luaL_checklstring(L, 2, &n);

	while (n) {
		ssize_t w = write(p->fd, s, n);

		if (w <= 0)
			return luaL_error(L, "writing to the terminal: %s", strerror(errno));
		s += w;
		n -= (size_t)w;
	}
	return 0;
}

static int pty_resize(lua_State *L)
{
	window(check(L)->fd, luaL_checkinteger(L, 2), luaL_checkinteger(L, 3));
	return 0;
}

/* close() → exit status, or nil and the signal; it is killed if it does not end by itself. */
static int pty_close(lua_State *L)
{
	struct pty *p = check(L);
	uint64_t until = mono_ns() + 5000000000ull;
	int status = 0;

	if (p->fd < 0)
		return 0;
	close(p->fd);
	p->fd = -1;
	if (p->pid <= 0)
		return 0;
	while (waitpid(p->pid, &status, WNOHANG) == 0) {
		if (mono_ns() > until)
			kill(p->pid, SIGKILL);
		poll(NULL, 0, 5);
	}
	if (WIFEXITED(status)) {
		lua_pushinteger(L, WEXITSTATUS(status));
		return 1;
	}
	lua_pushnil(L);
	lua_pushinteger(L, WTERMSIG(status));
	return 2;
}

int testing_pty(lua_State *L)
{
	static const luaL_Reg methods[] = { { "read", pty_read }, { "write", pty_write },
		{ "resize", pty_resize }, { "close", pty_close }, { NULL, NULL } };
	static const luaL_Reg fns[] = { { "spawn", spawn }, { NULL, NULL } };

	luaL_newmetatable(L, TYPE);
	lua_pushcfunction(L, pty_close);
	lua_setfield(L, -2, "__gc");
	luaL_newlib(L, methods);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
	luaL_newlib(L, fns);
	return 1;
}
