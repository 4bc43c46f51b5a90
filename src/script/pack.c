// SPDX-License-Identifier: GPL-2.0-or-later
/* The life of one pack: its Lua state from main chunk to end. */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/paths.h"
#include "script/check.h"
#include "script/evals.h"

#define SOURCE_MAX    (1u << 20)
#define SETTLE_ROUNDS 16

int text_read(const char *path, size_t max, char **text, size_t *n, struct err *e)
{
	_autoclose_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st, after;
	size_t got = 0;

	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s: not a regular file", path);
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return err_set(e, -EFBIG, "%s: larger than %zu bytes", path, max);
	_autofree_ char *buf = malloc((size_t)st.st_size + 1);

	if (!buf)
		return err_set(e, -ENOMEM, "%s: no memory for it", path);
	while (got < (size_t)st.st_size) {
		ssize_t r = read(fd, buf + got, (size_t)st.st_size - got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_set(e, -errno, "%s: %s", path, strerror(errno));
		if (r == 0)
			break;
		got += (size_t)r;
	}
	if (fstat(fd, &after) < 0 || after.st_size != st.st_size || got != (size_t)st.st_size ||
		after.st_mtim.tv_sec != st.st_mtim.tv_sec || after.st_mtim.tv_nsec != st.st_mtim.tv_nsec)
		return err_set(e, -EAGAIN, "%s: changed while it was read", path);
	buf[got] = '\0';
	*text = buf;
	buf = NULL;
	*n = got;
	return 0;
}

static int source_get(
	struct pack *pk, const char *name, const char *path, const struct srctext **out, struct err *e)
{
	struct srctext t = { 0 };
	int rc;

	vec_foreach (s, &pk->src->v)
		if (strcmp(s->name, name) == 0) {
			*out = s;
			return 0;
		}
	rc = text_read(path, SOURCE_MAX, &t.text, &t.n, e);
	if (rc < 0)
		return rc;
	t.name = xstrdup(name);
	vec_push(&pk->src->v, t);
	*out = &vec_last(&pk->src->v);
	return 0;
}

static void sources_put(struct sources *src)
{
	if (--src->refs)
		return;
	vec_foreach (t, &src->v) {
		free(t->name);
		free(t->text);
		free(t->path);
	}
	vec_free(&src->v);
	free(src);
}

/* "20-wan.lua", "wan/init.lua": what a message needs of a path. */
static char *short_name(const struct pack_spec *spec)
{
	const char *path = spec->path ? spec->path : spec->name, *base = strrchr(path, '/');

	if (spec->path && spec->dir) {
		const char *slash = base;

		while (slash && slash > path && slash[-1] != '/')
			slash--;
		if (slash)
			return xstrdup(slash);
	}
	return xstrdup(base ? base + 1 : path);
}

struct pack *pack_new(struct script *s, const struct pack_spec *spec, const struct pack *before, bool replay)
{
	struct pack *pk = xnew(struct pack);

	for (unsigned i = 0; i < ASKED; i++)
		pk->asked[i].strings = (struct lua_ref)LUA_REF_INIT;

	pk->s = s;
	pk->spec = *spec;
	pk->spec.name = xstrdup(spec->name);
	pk->spec.path = spec->path ? xstrdup(spec->path) : NULL;
	pk->spec.dir = spec->dir ? xstrdup(spec->dir) : NULL;
	pk->file = short_name(spec);
	pack_holds_set(pk, spec->holds, spec->n_holds);
	pk->spec.holds = NULL;
	pk->rp = rpack_new(s->rs, spec->name, spec->order);
	edit_log_watch(pk->rp, before && before->evals.n); /* whose edits it takes over */
	if (replay && before) {
		pk->src = before->src;
		pk->src->refs++;
		pk->errors = before->errors;
		pk->last_error = before->last_error ? xstrdup(before->last_error) : NULL;
		pk->last_error_at = before->last_error_at;
	} else {
		pk->src = xnew(struct sources);
		pk->src->refs = 1;
	}
	pk->box = outbox_ref(before ? before->box : NULL);
	pk->st = before && before->st ? pstate_ref(before->st) : pstate_open(s, spec->name);
	return pk;
}

void pack_close(struct pack *pk)
{
	struct script *s = pk->s;

	while (pk->items.n)
		item_destroy(vec_last(&pk->items));
	if (pk->main)
		subject_free(pk->main, false);
	pk->main = NULL;
	evals_free(pk);
	while (pk->queries.n)
		query_put(vec_pop(&pk->queries));
	query_cache_free(pk);
	load_cache_free(pk);
	live_pack_gone(s, pk);
	vm_free(pk->vm);
	pk->vm = NULL;
	while (pk->lost.n)
		vec_push(&s->limbo, vec_pop(&pk->lost));
	vec_clear(&pk->queue);
	vec_clear(&pk->taken);
	pk->n_failed = 0;
	pk->n_timers = 0;
	s->timers_dirty = true;
}

void pack_free(struct pack *pk, bool rpack_gone)
{
	pack_close(pk);
	if (!rpack_gone)
		rpack_drop(pk->rp);
	pstate_put(pk->st);
	outbox_unref(pk->box);
	sources_put(pk->src);
	for (int i = 0; i < EV_COUNT; i++)
		vec_free(&pk->hooks[i]);
	vec_free(&pk->items);
	vec_free(&pk->evals);
	vec_free(&pk->lost);
	vec_free(&pk->queue);
	vec_free(&pk->taken);
	vec_free(&pk->queries);
	free((char *)pk->spec.name);
	free((char *)pk->spec.path);
	free((char *)pk->spec.dir);
	free(pk->file);
	pack_holds_set(pk, NULL, 0);
	free(pk->last_error);
	free(pk->hook_names);
	free(pk);
}

/* ---- main chunk ---- */

struct start {
	const struct srctext *text;
	bool compiled;
};

static int call_main(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);
	struct start *st = r->arg;

	lua_event_open(L);
	lua_value_open(L);
	lua_net_open(L);
	lua_nft_open(L);
	lua_rnm_open(L);
	if (st->text) {
		vm_load(L, st->text->text, st->text->n, r->pk->file);
		st->compiled = true;
		lua_call(L, 0, 0);
	}
	if (r->pk->spec.n_templates)
		config_templates(L, r->pk);
	hooks_globals(L, r->pk);
	return 0;
}

int pack_start(struct pack *pk, struct err *e)
{
	struct script *s = pk->s;
	struct start st = { NULL, false };
	struct run r = { .pk = pk, .kind = RUN_MAIN, .what = "main chunk", .arg = &st };
	int rc;

	if (pk->spec.path) {
		rc = source_get(pk, "", pk->spec.path, &st.text, e);
		if (rc < 0) {
			pk->no_retry = true;
			return rc;
		}
	}
	pk->vm = vm_new(pk->spec.name, pk->spec.trusted, s->lim.memory, pk);
	if (!pk->vm)
		return err_set(e, -ENOMEM, "no memory for its Lua state");
	pk->main = subject_new(pk, SCOPE_MAIN, NULL);
	pk->main->sc = scope_new(pk->rp, SCOPE_MAIN, NULL, 0, NULL, 0);
	r.sub = pk->main;
	rc = run_do(&r, call_main, e);
	if (rc < 0) {
		pk->no_retry = st.text && !st.compiled;
		return rc;
	}
	for (int i = 0; i < SETTLE_ROUNDS && !pk->strict_hit; i++) {
		live_settle(s);
		if (!pack_settle(pk))
			break;
	}
	if (pk->strict_hit)
		return err_set(e, -ENOEXEC, "%s", pk->last_error);
	return 0;
}

void pack_failed(struct pack *pk, const char *why)
{
	struct script *s = pk->s;

	pack_close(pk);
	rpack_drop(pk->rp);
	pk->rp = rpack_new(s->rs, pk->spec.name, pk->spec.order);
	pk->state = PACK_FAILED;
	pack_error(pk, xstrdup(why));
	why = pk->last_error;
	pk->errors++;
	log_error("pack", "%s: left out: %s", pk->spec.name, why);
	if (!pk->no_retry) {
		pk->replay_at = mono_ns() + backoff_ns(pk->fails++);
		s->ops.heal_at(s->ops.ctx, pk->replay_at);
	}
}

void pack_error(struct pack *pk, char *text)
{
	free(pk->last_error);
	pk->last_error = text;
	pk->last_error_at = wall_s();
}

void pack_degraded(struct pack *pk)
{
	if (pk->n_holds)
		pk->state = PACK_QUARANTINED;
	else if (pk->state != PACK_FAILED)
		pk->state = pk->n_failed || pk->replay_at || pk->refused ? PACK_DEGRADED : PACK_RUNNING;
}

void pack_fault(struct pack *pk, const char *why)
{
	struct script *s = pk->s;
	char *text = xstrdup(why);

	pk->errors++;
	pack_error(pk, text);
	if (!pk->retired)
		rpack_rollback(pk->rp, 0);
	if (pk->strict) {
		pk->strict_hit = true;
		err_set(&s->load_err, -ENOEXEC, "pack %s: %s", pk->spec.name, why);
		return;
	}
	log_error("pack", "%s: its share of this transaction is undone: %s", pk->spec.name, text);
	if (!pk->replay_at) {
		pk->replay_at = mono_ns() + backoff_ns(pk->fails);
		s->ops.heal_at(s->ops.ctx, pk->replay_at);
	}
	pack_degraded(pk);
}

/* ---- require ---- */

static bool module_path(const char *name, char *out, size_t cap)
{
	size_t n = strlen(name);

	if (!n || n > 128 || n >= cap || name[0] == '.' || name[n - 1] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = name[i];

		if (c == '.' && name[i + 1] == '.')
			return false;
		if (!(c == '.' || c == '_' || c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			    (c >= 'A' && c <= 'Z')))
			return false;
		out[i] = c == '.' ? '/' : c;
	}
	out[n] = '\0';
	return true;
}

/* rel is below dir as FILE.lua or FILE/init.lua. NULL with e: -ENOENT when it is neither. */
static const struct srctext *module_find(struct pack *pk, const char *dir, const char *rel, struct err *e)
{
	static const char *const tails[] = { ".lua", "/init.lua" };
	const struct srctext *text = NULL;

	for (unsigned i = 0; i < ARRAY_SIZE(tails); i++) {
		_autofree_ char *path = xasprintf("%s/%s%s", dir, rel, tails[i]);
		_autofree_ char *name = xasprintf("%s%s", rel, tails[i]);
		_err_ struct err fe = ERR_INIT;
		int rc = source_get(pk, name, path, &text, &fe);

		if (rc == 0)
			return text;
		if (rc != -ENOENT && rc != -ENOTDIR) {
			err_set(e, rc, "%s", err_text(&fe));
			return NULL;
		}
	}
	err_set(e, -ENOENT, "no %s.lua or %s/init.lua in %s", rel, rel, dir);
	return NULL;
}

static const struct srctext *module_get(struct pack *pk, const char *rel, struct err *e)
{
	_autofree_ char *shipped = strncmp(rel, "rnm/", 4) == 0 ? data_path("lua") : NULL;

	if (shipped)
		return module_find(pk, shipped, rel, e);
	if (pk->spec.dir)
		return module_find(pk, pk->spec.dir, rel, e);
	err_set(e, -ENOENT, "a pack of a single file has no folder for modules; make it %s/init.lua",
		pk->spec.name);
	return NULL;
}

int lua_require(lua_State *L)
{
	struct pack *pk = vm_user(L);
	_err_ struct err e = ERR_INIT;
	const struct srctext *text;
	char rel[136], chunk[512];

	check_count(L, "require", 1, 1, 1);
	const char *name = check_string(L, "require", 1, 1, NULL);

	lua_getfield(L, LUA_REGISTRYINDEX, "rnm.loaded");
	if (lua_getfield(L, -1, name) != LUA_TNIL) {
		if (lua_islightuserdata(L, -1))
			return luaL_error(L, "require: module \"%s\" requires itself", name);
		return 1;
	}
	lua_pop(L, 1);
	if (!module_path(name, rel, sizeof(rel)))
		return luaL_error(L,
			"require: \"%s\" is no name of a module (letters, digits, _ and -, dots between "
			"parts)",
			name);
	text = module_get(pk, rel, &e);
	if (!text && e.code == -ENOENT && lua_isfunction(L, lua_upvalueindex(1))) {
		lua_pushvalue(L, lua_upvalueindex(1)); /* a trusted pack has Lua's own as well */
		lua_pushvalue(L, 1);
		lua_call(L, 1, 1);
		return 1;
	}
	if (!text) {
		err_prefix(&e, "module \"%s\": ", name);
		check_raise(L, "require", &e);
	}
	if (strncmp(rel, "rnm/", 4) == 0 || !pk->spec.dir)
		snprintf(chunk, sizeof(chunk), "%s", text->name);
	else
		snprintf(chunk, sizeof(chunk), "%.*s%s",
			(int)(strrchr(pk->file, '/') ? strrchr(pk->file, '/') + 1 - pk->file : 0), pk->file,
			text->name);
	lua_pushlightuserdata(L, pk); /* being loaded */
	lua_setfield(L, 2, name);
	vm_load(L, text->text, text->n, chunk);
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_pushboolean(L, true);
	}
	lua_pushvalue(L, -1);
	lua_setfield(L, 2, name);
	return 1;
}
