// SPDX-License-Identifier: GPL-2.0-or-later
/* A control server with a small command table in a child process, and bare sockets to talk to it. */
#include <errno.h>
#include <ev.h>
#include <grp.h>
#include <lauxlib.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/xalloc.h"
#include "control/control.h"
#include "control/frame.h"
#include "testing/testing.h"

/* ---- the server's commands; ctx is where the control's pointer is ---- */

static int cmd_ping(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	(void)ctx, (void)s, (void)args, (void)e;
	buf_puts(out, "pong");
	return 0;
}

static int cmd_echo(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	(void)ctx, (void)s, (void)e;
	control_unescape(args, out);
	return 0;
}

static int cmd_big(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	(void)ctx, (void)s, (void)e;
	for (long n = strtol(args, NULL, 10); n > 0; n -= 64)
		buf_puts(out, "0123456789012345678901234567890123456789012345678901234567890ab\n");
	return 0;
}

static int cmd_fail(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	(void)ctx, (void)s;
	buf_puts(out, "so far");
	return *args ? -ENOENT : err_set(e, -EINVAL, "first\nOK second\nthird");
}

static int cmd_monitor(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	(void)ctx, (void)args, (void)e;
	session_subscribe(s);
	buf_puts(out, "watching");
	return 0;
}

static int cmd_publish(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	struct control *c = *(struct control **)ctx;

	(void)s, (void)e;
	for (long i = 1, n = strtol(args, NULL, 10); i <= n; i++) {
		_autofree_ char *line = xasprintf("OK line %ld %0200ld", i, i);

		control_publish(c, line);
	}
	buf_puts(out, control_has_subscribers(c) ? "heard" : "unheard");
	return 0;
}

static int cmd_nap(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	(void)ctx, (void)s, (void)out, (void)e;
	usleep((unsigned)strtoul(args, NULL, 10) * 1000);
	return 0;
}

/* What the tool sent, as the daemon's commands would take it. */
static int cmd_eval(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	_buf_ struct buf code = BUF_INIT;

	(void)ctx, (void)s;
	control_unescape(args, &code);
	if (strstr(buf_str(&code), "function") && !strstr(buf_str(&code), "end"))
		return err_set(e, -EINVAL, "[eval]:1: 'end' expected near <eof>\nmore");
	buf_printf(out, "got <%s>\n\033[31mred\xc2\x9b\n", buf_str(&code));
	return 0;
}

/* Some words, as the daemon's answer has them. */
static int cmd_complete(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	static const char *const words[] = { "net.addrs", "net.links", "net.link", "näher", "näht", "only" };
	const char *last = strrchr(args, ' ') ? strrchr(args, ' ') + 1 : args;
	size_t n = strlen(last);

	(void)ctx, (void)s, (void)e;
	buf_printf(out, "%zu %u\n", strlen(args) - n, n == 1 && *last == 'n' ? 7u : 0u);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strncmp(words[i], last, n))
			buf_printf(out, "%s\n", words[i]);
	return 0;
}

static int cmd_words(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	char **words;
	int n = control_words(args, &words, e);

	(void)ctx, (void)s;
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		buf_printf(out, "<%s>\n", words[i]);
	control_words_free(words);
	return 0;
}

static int cmd_json(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	(void)ctx, (void)s;
	if (!strcmp(args, "--json bad"))
		return err_set(e, -ENOENT, "the kernel: /etc/x.lua:12:7: no such thing\nmore");
	buf_puts(out, strncmp(args, "--json", 6) ? "plain\n" : "{\"args\":");
	if (!strncmp(args, "--json", 6)) {
		buf_json(out, args, strlen(args));
		buf_puts(out, "}\n");
	}
	return 0;
}

static int cmd_notify(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	struct control *c = *(struct control **)ctx;
	char **words;
	int n = control_words(args, &words, e); /* WHAT NAME [TIMES] */
	int what = n > 1 ? (int)strtol(words[0], NULL, 10) : 0;
	long times = n > 2 ? strtol(words[2], NULL, 10) : 1;

	(void)s;
	for (long i = 1; n > 1 && i <= times; i++) {
		_buf_ struct buf params = BUF_INIT;

		buf_printf(&params, "{\"name\":\"%s\",\"n\":%ld,\"pad\":\"%0100ld\"}", words[1], i, i);
		control_notify(c, (enum control_news)what, words[1], &params);
	}
	buf_puts(out, n > 1 && control_wanted(c, (enum control_news)what, words[1]) ? "wanted" : "unwanted");
	control_words_free(words);
	return n < 0 ? n : 0;
}

/* `wait` is answered by the next `wake`, whose own answer says whether somebody still waited. */
static struct later *waiting;

static void wait_gone(void *ctx)
{
	(void)ctx;
	waiting = NULL;
}

static int cmd_wait(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	(void)args;
	if (waiting)
		return err_set(e, -EBUSY, "somebody waits");
	buf_puts(out, "not looked at");
	waiting = session_later(s, wait_gone, ctx);
	return 0;
}

static int cmd_wake(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	_buf_ struct buf said = BUF_INIT;
	_err_ struct err why = ERR_INIT;
	struct later *later = waiting;

	(void)ctx, (void)s, (void)e;
	buf_puts(out, later ? "woken" : "nobody");
	waiting = NULL;
	buf_puts(&said, "OK at last");
	if (later)
		control_answer(later, *args ? -ENOENT : 0, &said, &why);
	return 0;
}

static const struct control_param eval_params[] = {
	{ "code", PARAM_CODE, NULL, true },
	{ NULL, 0, NULL, false },
};
static const struct control_param json_params[] = {
	{ "what", PARAM_WORDS, NULL, true },
	{ "dry_run", PARAM_FLAG, "--dry-run", false },
	{ "pack", PARAM_TEXT, "--pack", false },
	{ "seconds", PARAM_NUMBER, "--confirm", false },
	{ "data", PARAM_PAIRS, NULL, false },
	{ "code", PARAM_CODE, NULL, false },
	{ NULL, 0, NULL, false },
};
static const struct control_cmd commands[] = {
	{ "ping", "", "answers pong", true, false, cmd_ping, false, NULL },
	{ "echo", "TEXT", "says TEXT", true, true, cmd_echo, false, NULL },
	{ "big", "BYTES", "a large answer", true, true, cmd_big, false, NULL },
	{ "fail", "", "an error of three lines", true, true, cmd_fail, false, NULL },
	{ "monitor", "", "published lines", true, false, cmd_monitor, false, NULL },
	{ "publish", "N", "publishes lines", false, true, cmd_publish, false, NULL },
	{ "notify", "WHAT NAME [TIMES]", "notifies", false, true, cmd_notify, false, NULL },
	{ "nap", "MS", "sleeps", false, true, cmd_nap, false, NULL },
	{ "wait", "", "is answered by wake", false, false, cmd_wait, false, NULL },
	{ "wake", "[fail]", "answers wait", false, true, cmd_wake, false, NULL },
	{ "eval", "CODE", "says CODE", false, true, cmd_eval, false, eval_params },
	{ "complete", "CODE", "says CODE", false, true, cmd_complete, false, eval_params },
	{ "emit", "WORDS", "says the words", false, true, cmd_words, false, NULL },
	{ "list", "WORDS", "says the words", true, true, cmd_words, false, NULL },
	{ "plan", "", "answers pong", true, false, cmd_ping, false, NULL },
	{ "json", "WORDS", "says its arguments", true, true, cmd_json, true, json_params },
	{ "bare", "", "takes --json", true, false, cmd_json, true, NULL },
	{ NULL, NULL, NULL, false, false, NULL, false, NULL },
};

static void stop_cb(struct ev_loop *loop, ev_signal *w, int revents)
{
	(void)w, (void)revents;
	ev_break(loop, EVBREAK_ALL);
}

static void serve(const struct control_opt *opt, int ready)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct control *c = NULL;
	struct control_opt o = *opt;
	struct err e = ERR_INIT;
	ev_signal term;
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	o.cmds = commands;
	o.ctx = &c;
	rc = control_new(loop, &o, &c, &e);
	if (rc < 0) {
		(void)!write(ready, err_text(&e), strlen(err_text(&e)));
		_exit(1);
	}
	ev_signal_init(&term, stop_cb, SIGTERM);
	ev_signal_start(loop, &term);
	(void)!write(ready, "+", 1);
	close(ready);
	ev_run(loop, 0);
	control_free(c);
	ev_loop_destroy(loop);
	_exit(0);
}

static int l_serve(lua_State *L) /* serve(path [, mode [, group]]) → pid, or nil and why not */
{
	struct control_opt opt = { .path = luaL_checkstring(L, 1),
		.mode = (mode_t)luaL_optinteger(L, 2, 0600),
		.group = luaL_optstring(L, 3, NULL) };
	char text[1024];
	ssize_t n;
	int fds[2];
	pid_t pid;

	if (pipe(fds) < 0 || (pid = fork()) < 0)
		return luaL_error(L, "%s", strerror(errno));
	if (pid == 0) {
		close(fds[0]);
		serve(&opt, fds[1]);
	}
	close(fds[1]);
	n = read(fds[0], text, sizeof(text));
	close(fds[0]);
	if (n == 1 && *text == '+') {
		lua_pushinteger(L, pid);
		return 1;
	}
	waitpid(pid, NULL, 0);
	lua_pushnil(L);
	lua_pushlstring(L, text, n > 0 ? (size_t)n : 0);
	return 2;
}

static int l_stop(lua_State *L) /* stop(pid [, signal]) → exit status, or nil after a signal's end */
{
	pid_t pid = (pid_t)luaL_checkinteger(L, 1);
	int status = 0;

	kill(pid, (int)luaL_optinteger(L, 2, SIGTERM));
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status))
		return 0;
	lua_pushinteger(L, WEXITSTATUS(status));
	return 1;
}

/* ---- bare sockets ---- */

static int dial(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(sa.sun_path, path, sizeof(sa.sun_path) - 1);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int l_connect(lua_State *L) /* connect(path) → fd, or nil and why not */
{
	int fd = dial(luaL_checkstring(L, 1));

	if (fd < 0) {
		lua_pushnil(L);
		lua_pushstring(L, strerror(errno));
		return 2;
	}
	lua_pushinteger(L, fd);
	return 1;
}

static int l_send(lua_State *L) /* send(fd, bytes) → how many, without waiting */
{
	size_t n;
	const char *p = luaL_checklstring(L, 2, &n);

	lua_pushinteger(L, send((int)luaL_checkinteger(L, 1), p, n, MSG_NOSIGNAL | MSG_DONTWAIT));
	return 1;
}

static int l_recv(lua_State *L) /* recv(fd, ms) → bytes, or nil and "eof", "timeout" or an error */
{
	struct pollfd p = { .fd = (int)luaL_checkinteger(L, 1), .events = POLLIN };
	char part[65536];
	ssize_t n;

	if (poll(&p, 1, (int)luaL_optinteger(L, 2, 2000)) <= 0) {
		lua_pushnil(L);
		lua_pushstring(L, "timeout");
		return 2;
	}
	n = recv(p.fd, part, sizeof(part), 0);
	if (n > 0) {
		lua_pushlstring(L, part, (size_t)n);
		return 1;
	}
	lua_pushnil(L);
	lua_pushstring(L, n == 0 ? "eof" : strerror(errno));
	return 2;
}

static int l_close(lua_State *L)
{
	close((int)luaL_checkinteger(L, 1));
	return 0;
}

static int l_shutdown(lua_State *L) /* shutdown(fd): no more requests, answers still come */
{
	shutdown((int)luaL_checkinteger(L, 1), SHUT_WR);
	return 0;
}

static int
l_as(lua_State *L) /* as(uid, gid, extra_gid, path, bytes) → all that comes back; nil: not permitted here */
{
	uid_t uid = (uid_t)luaL_checkinteger(L, 1);
	gid_t gid = (gid_t)luaL_checkinteger(L, 2), extra = (gid_t)luaL_checkinteger(L, 3);
	const char *path = luaL_checkstring(L, 4);
	size_t n;
	const char *bytes = luaL_checklstring(L, 5, &n);
	luaL_Buffer b;
	char part[4096];
	ssize_t got;
	int fds[2], status = 0;
	pid_t pid;

	if (pipe(fds) < 0 || (pid = fork()) < 0)
		return luaL_error(L, "%s", strerror(errno));
	if (pid == 0) {
		int fd;

		alarm(5);
		if (setgroups(1, &extra) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(77);
		fd = dial(path);
		if (fd < 0)
			_exit(1);
		(void)!send(fd, bytes, n, MSG_NOSIGNAL);
		shutdown(fd, SHUT_WR);
		while ((got = recv(fd, part, sizeof(part), 0)) > 0)
			(void)!write(fds[1], part, (size_t)got);
		_exit(0);
	}
	close(fds[1]);
	luaL_buffinit(L, &b);
	while ((got = read(fds[0], part, sizeof(part))) > 0)
		luaL_addlstring(&b, part, (size_t)got);
	close(fds[0]);
	luaL_pushresult(&b);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		lua_pushnil(L);
	return 1;
}

/* ---- the client and the pure parts ---- */

static bool add_line(void *ctx, const char *text)
{
	lua_State *L = ctx;

	lua_pushstring(L, text);
	lua_seti(L, -2, luaL_len(L, -2) + 1);
	return true;
}

static int l_call(lua_State *L) /* call(path, command [, ms]) → lines, or lines, message, errno */
{
	const char *path = luaL_checkstring(L, 1), *cmd = luaL_checkstring(L, 2);
	unsigned ms = (unsigned)luaL_optinteger(L, 3, 5000);
	struct client *cl = NULL;
	struct err e = ERR_INIT;
	int rc = client_open(path, &cl, &e);

	lua_newtable(L);
	if (rc == 0)
		rc = client_call(cl, cmd, ms, add_line, L, &e);
	client_close(cl);
	if (rc == 0)
		return 1;
	lua_pushstring(L, err_text(&e));
	lua_pushinteger(L, -rc);
	err_free(&e);
	return 3;
}

static int l_frames(lua_State *L) /* frames(bytes) → { {kind, line}, … }, bytes left */
{
	static const char *const kinds[] = { "more", "line", "empty", "too long", "bad" };
	size_t n, used, len;
	const char *p = luaL_checklstring(L, 1, &n), *line;

	lua_newtable(L);
	for (lua_Integer i = 1;; i++) {
		enum frame_kind k = frame_next(p, n, &used, &line, &len);

		if (k == FRAME_MORE)
			break;
		lua_newtable(L);
		lua_pushstring(L, kinds[k]);
		lua_seti(L, -2, 1);
		lua_pushlstring(L, line, len);
		lua_seti(L, -2, 2);
		lua_seti(L, -2, i);
		if (k == FRAME_TOO_LONG)
			break;
		p += used;
		n -= used;
	}
	lua_pushinteger(L, (lua_Integer)n);
	return 2;
}

static int push_buf(lua_State *L, struct buf *b)
{
	lua_pushlstring(L, buf_str(b), b->n);
	buf_free(b);
	return 1;
}

static int l_escape(lua_State *L)
{
	struct buf b = BUF_INIT;

	client_escape(luaL_checkstring(L, 1), &b);
	return push_buf(L, &b);
}

static int l_unescape(lua_State *L)
{
	struct buf b = BUF_INIT;

	control_unescape(luaL_checkstring(L, 1), &b);
	return push_buf(L, &b);
}

static int l_quote(lua_State *L) /* quote(word, …) → arguments */
{
	struct buf b = BUF_INIT;

	for (int i = 1; i <= lua_gettop(L); i++)
		client_quote(luaL_checkstring(L, i), &b);
	return push_buf(L, &b);
}

static int l_words(lua_State *L) /* words(arguments) → list, or nil and why not */
{
	struct err e = ERR_INIT;
	char **words;
	int n = control_words(luaL_checkstring(L, 1), &words, &e);

	if (n < 0) {
		lua_pushnil(L);
		lua_pushstring(L, err_text(&e));
		err_free(&e);
		return 2;
	}
	lua_newtable(L);
	for (int i = 0; i < n; i++) {
		lua_pushstring(L, words[i]);
		lua_seti(L, -2, i + 1);
	}
	control_words_free(words);
	return 1;
}

int testing_control(lua_State *L)
{
	static const luaL_Reg funcs[] = {
		{ "serve", l_serve },
		{ "stop", l_stop },
		{ "connect", l_connect },
		{ "send", l_send },
		{ "recv", l_recv },
		{ "close", l_close },
		{ "shutdown", l_shutdown },
		{ "as", l_as },
		{ "call", l_call },
		{ "frames", l_frames },
		{ "escape", l_escape },
		{ "unescape", l_unescape },
		{ "quote", l_quote },
		{ "words", l_words },
		{ NULL, NULL },
	};

	luaL_newlib(L, funcs);
	return 1;
}
