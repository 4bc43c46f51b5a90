// SPDX-License-Identifier: GPL-2.0-or-later
/* core.sim.new(config_path, shipped_dir, state_dir, root) → a network in memory under a real engine, whose
 * kernel takes every batch. lua/rnm/testing.lua is what specs use; see there for the methods. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/engine.h"
#include "testing/sim.h"
#include "testing/testing.h"

#define WAKES_MAX      10000
#define DURATION_MAX_S 3000000000.0 /* some hundred years */

static struct sim *current; /* log lines have one tap */

struct sim *sim_check(lua_State *L)
{
	struct sim *s = luaL_checkudata(L, 1, "rnm.testing.sim");

	luaL_argcheck(L, s->en, 1, "closed");
	return s;
}

void sim_quiet(struct sim *s)
{
	int null = getenv("RNM_SIM_LOG") ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);

	current = s;
	s->fd2 = -1;
	if (null < 0)
		return;
	s->fd2 = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	dup2(null, STDERR_FILENO);
	close(null);
}

void sim_loud(struct sim *s)
{
	if (s->fd2 < 0)
		return;
	dup2(s->fd2, STDERR_FILENO);
	close(s->fd2);
	s->fd2 = -1;
}

static void tap(void *ctx, enum log_level level, const char *area, const char *text)
{
	static const char *const names[] = {
		[LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"
	};

	(void)ctx;
	if (current)
		vec_push(&current->logs, xasprintf("%s %s: %s", names[level], area, text));
}

static void sim_report(void *ctx, const struct txn_report *r)
{
	struct sim *s = ctx;
	_buf_ struct buf event = BUF_INIT;
	struct sim_batch *b;

	if (!r->plan || !s->batches.n)
		return;
	b = &vec_last(&s->batches);
	buf_puts(&event, r->event);
	if (!event.n && r->first)
		net_event_text(r->first, &event);
	b->origin = origin_name(r->origin);
	b->event = buf_take(&event);
}

static void sim_need_kinds(void *ctx, unsigned kinds)
{
	(void)ctx, (void)kinds; /* the mirror has all that the spec put there */
}

static void sim_wake_at(void *ctx, uint64_t at)
{
	((struct sim *)ctx)->wake = at;
}

static int sim_watch_file(void *ctx, const char *path, uint64_t token)
{
	struct sim *s = ctx;

	if (path) {
		vec_push(&s->files, (struct watched){ xstrdup(path), token });
		return 0;
	}
	for (uint32_t i = 0; i < s->files.n; i++)
		if (s->files.v[i].token == token) {
			free(s->files.v[i].path);
			vec_remove(&s->files, i);
			break;
		}
	return 0;
}

/* ---- life ---- */

static int sim_close(lua_State *L)
{
	struct sim *s = luaL_checkudata(L, 1, "rnm.testing.sim");

	if (!s->en)
		return 0;
	sim_quiet(s);
	engine_free(s->en);
	sim_loud(s);
	s->en = NULL;
	if (current == s) {
		current = NULL;
		log_tap(NULL, NULL);
	}
	config_free(s->cfg);
	mirror_free(s->net);
	sim_kernel_free(s);
	free(s->state_dir);
	vec_foreach (b, &s->batches) {
		free(b->text);
		free(b->event);
	}
	vec_foreach (l, &s->logs)
		free(*l);
	vec_foreach (f, &s->files)
		free(f->path);
	vec_foreach (r, &s->refuse)
		free(*r);
	vec_free(&s->batches);
	vec_free(&s->logs);
	vec_free(&s->files);
	vec_free(&s->zones);
	vec_free(&s->refuse);
	if (script_files_below == s->root)
		script_files_below = NULL;
	free(s->root);
	free(s->shipped);
	clock_skew_ns = clock_wall_ns = 0;
	return 0;
}

int sim_fail(lua_State *L, struct err *e)
{
	lua_pushnil(L);
	lua_pushstring(L, err_text(e));
	err_free(e);
	return 2;
}

static void new_engine(struct sim *s)
{
	struct engine_ops ops = {
		.ctx = s,
		.need_kinds = sim_need_kinds,
		.wake_at = sim_wake_at,
		.watch_file = sim_watch_file,
		.report = sim_report,
	};

	sim_kernel_ops(s, &ops);
	s->en = engine_new(&ops, s->state_dir);
}

static int sim_new(lua_State *L)
{
	const char *config = luaL_checkstring(L, 1), *shipped = luaL_optstring(L, 2, NULL),
		   *state = luaL_optstring(L, 3, NULL), *root = luaL_optstring(L, 4, NULL);
	struct sim *s = lua_newuserdatauv(L, sizeof(*s), 0);
	struct err e = ERR_INIT;

	memset(s, 0, sizeof(*s));
	s->fd2 = -1;
	luaL_setmetatable(L, "rnm.testing.sim");
	if (config_load(config, &s->cfg, &e) < 0)
		return sim_fail(L, &e);
	s->shipped = shipped ? xstrdup(shipped) : NULL;
	s->root = root ? xstrdup(root) : NULL;
	s->state_dir = state ? xstrdup(state) : NULL;
	s->net = sim_kernel_net();
	sim_kernel_init(s);
	new_engine(s);
	clock_skew_ns = clock_wall_ns = 0;
	log_level_set(LOG_INFO);
	log_tap(tap, NULL);
	script_files_below = s->root;
	return 1;
}

/* What became due by itself: emits first of all. */
void sim_pump(struct sim *s)
{
	for (int i = 0; i < WAKES_MAX && s->wake && s->wake <= mono_ns(); i++) {
		s->wake = 0;
		engine_wake(s->en);
	}
}

void sim_end(struct sim *s, int rc)
{
	if (rc >= 0)
		sim_pump(s);
	sim_loud(s);
}

int sim_done(lua_State *L, struct sim *s, int rc, struct err *e)
{
	sim_end(s, rc);
	if (rc < 0)
		return sim_fail(L, e);
	lua_pushboolean(L, true);
	return 1;
}

static int sim_start(lua_State *L)
{
	struct sim *s = sim_check(L);
	struct err e = ERR_INIT;
	int rc;

	luaL_argcheck(L, s->cfg, 1, "started already");
	sim_quiet(s);
	sim_dump_all(s);
	rc = engine_start(s->en, s->cfg, s->shipped, &e);
	if (rc == 0 || engine_config(s->en) == s->cfg)
		s->cfg = NULL;
	s->started = rc >= 0;
	return sim_done(L, s, rc, &e);
}

/* sim:restart(path): rnm ends (kill: without a word) and begins anew, over the same network and the same
 * kernel. */
static int sim_restart(lua_State *L)
{
	struct sim *s = sim_check(L);
	const char *path = luaL_checkstring(L, 2);
	struct config *cfg;
	struct err e = ERR_INIT;
	int rc = config_load(path, &cfg, &e);

	if (rc < 0)
		return sim_fail(L, &e);
	sim_quiet(s);
	if (!lua_toboolean(L, 3))
		engine_stop(s->en, "restart");
	engine_free(s->en);
	s->wake = 0;
	s->zones.n = 0;
	s->started = false;
	new_engine(s);
	sim_dump_all(s);
	rc = engine_start(s->en, cfg, s->shipped, &e);
	s->started = rc >= 0;
	if (rc < 0 && engine_config(s->en) != cfg)
		config_free(cfg);
	return sim_done(L, s, rc, &e);
}

static int sim_reload(lua_State *L)
{
	struct sim *s = sim_check(L);
	const char *path = luaL_checkstring(L, 2);
	struct config *cfg;
	struct err e = ERR_INIT;
	int rc;

	sim_quiet(s);
	rc = config_load(path, &cfg, &e);
	if (rc == 0) {
		s->zones.n = 0;
		rc = engine_reload(s->en, cfg, s->shipped, &e);
		if (rc < 0)
			config_free(cfg);
	}
	return sim_done(L, s, rc, &e);
}

static int sim_stop(lua_State *L)
{
	struct sim *s = sim_check(L);
	struct err e = ERR_INIT;

	sim_quiet(s);
	engine_stop(s->en, luaL_optstring(L, 2, "stop"));
	return sim_done(L, s, 0, &e);
}

/* ---- other work ---- */

/* Seconds, or a text like "1h30m". */
static uint64_t duration_ns(lua_State *L, int arg)
{
	uint64_t ms;
	lua_Number n;

	if (lua_type(L, arg) == LUA_TSTRING) {
		luaL_argcheck(L,
			duration_parse(lua_tostring(L, arg), &ms) && (lua_Number)ms < DURATION_MAX_S * 1000,
			arg, "no duration: seconds, or a text like \"1h30m\"");
		return ms * 1000000ull;
	}
	n = luaL_checknumber(L, arg);
	luaL_argcheck(L, n >= 0 && n < DURATION_MAX_S, arg, "no duration: seconds, or a text like \"1h30m\"");
	return (uint64_t)(n * 1e9);
}

static int sim_advance(lua_State *L)
{
	struct sim *s = sim_check(L);
	uint64_t end = mono_ns() + duration_ns(L, 2);
	struct err e = ERR_INIT;

	sim_quiet(s);
	for (int i = 0; i < WAKES_MAX && s->wake && s->wake <= end; i++) {
		uint64_t now = mono_ns();

		if (s->wake > now)
			clock_skew_ns += (int64_t)(s->wake - now);
		s->wake = 0;
		engine_wake(s->en);
	}
	uint64_t now = mono_ns();

	if (now < end)
		clock_skew_ns += (int64_t)(end - now);
	return sim_done(L, s, 0, &e);
}

/* sim:clock(seconds since 1970): it is that time now; returns what time it is */
static int sim_clock(lua_State *L)
{
	sim_check(L);
	if (!lua_isnoneornil(L, 2))
		clock_wall_ns += (int64_t)((luaL_checknumber(L, 2) - wall_s()) * 1e9);
	lua_pushnumber(L, wall_s());
	return 1;
}

static int sim_message(lua_State *L)
{
	struct sim *s = sim_check(L);
	const char *topic = luaL_checkstring(L, 2), *kv[128];
	struct err e = ERR_INIT;
	uint32_t n = 0;
	int rc;

	lua_settop(L, 3);
	if (lua_isnil(L, 3)) {
		lua_newtable(L);
		lua_replace(L, 3);
	}
	luaL_checktype(L, 3, LUA_TTABLE);
	lua_newtable(L); /* keeps the texts */
	lua_pushnil(L);
	while (lua_next(L, 3)) {
		luaL_argcheck(L, n < 64, 3, "too many values");
		kv[2 * n] = luaL_checkstring(L, -2);
		kv[2 * n + 1] = luaL_tolstring(L, -1, NULL);
		lua_rawseti(L, 4, (lua_Integer)++n);
		lua_pop(L, 1);
	}
	sim_quiet(s);
	rc = engine_message(s->en, topic, kv, n, &e);
	if (rc >= 0)
		sim_pump(s);
	sim_loud(s);
	if (rc < 0)
		return sim_fail(L, &e);
	lua_pushinteger(L, rc);
	return 1;
}

/* sim:file_changed(path) → true; false: nobody watches it */
static int sim_file_changed(lua_State *L)
{
	struct sim *s = sim_check(L);
	const char *path = luaL_checkstring(L, 2);
	struct err e = ERR_INIT;
	uint64_t token = 0;

	vec_foreach (f, &s->files)
		if (strcmp(f->path, path) == 0)
			token = f->token;
	if (!token) {
		lua_pushboolean(L, false);
		return 1;
	}
	sim_quiet(s);
	engine_file_changed(s->en, token);
	return sim_done(L, s, 0, &e);
}

static int api_names(lua_State *L)
{
	const char *const *names = script_api_names();

	lua_newtable(L);
	for (lua_Integer i = 0; names[i]; i++) {
		lua_pushstring(L, names[i]);
		lua_rawseti(L, -2, i + 1);
	}
	return 1;
}

int testing_sim(lua_State *L)
{
	static const luaL_Reg methods[] = {
		{ "start", sim_start },
		{ "reload", sim_reload },
		{ "restart", sim_restart },
		{ "stop", sim_stop },
		{ "advance", sim_advance },
		{ "clock", sim_clock },
		{ "message", sim_message },
		{ "file_changed", sim_file_changed },
		{ "close", sim_close },
		{ NULL, NULL },
	};
	static const luaL_Reg fns[] = { { "new", sim_new }, { "api_names", api_names }, { NULL, NULL } };

	luaL_newmetatable(L, "rnm.testing.sim");
	lua_pushcfunction(L, sim_close);
	lua_setfield(L, -2, "__gc");
	luaL_newlib(L, methods);
	luaL_setfuncs(L, sim_look, 0);
	luaL_setfuncs(L, sim_network, 0);
	luaL_setfuncs(L, sim_console, 0);
	luaL_setfuncs(L, sim_others, 0);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
	luaL_newlib(L, fns);
	luaL_setfuncs(L, sim_files, 0);
	return 1;
}
