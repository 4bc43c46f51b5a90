// SPDX-License-Identifier: GPL-2.0-or-later
/* nft.load(text [, params]) and nft.template(name [, params]). */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "script/handle.h"
#include "script/load.h"
#include "script/template.h"

#define TEXT_MAX   (16u << 20)
#define PARAMS_MAX 10000
#define NAME_MAX_  255
#define ERROR_MAX  3500 /* bytes of an error's text: Lua's messages are cut behind it */

/* ---- one call ---- */

static int load_gc(lua_State *L)
{
	struct load *l = lua_touserdata(L, 1);

	if (type_tag(L, 1) != TAG_LOAD || !l->pk)
		return 0;
	if (l->ld)
		l->ld->now = NULL;
	loaded_put(l->ld);
	vec_foreach (v, &l->values) {
		free((*v)->name);
		free((*v)->bad);
		val_free(&(*v)->val);
		free(*v);
	}
	vec_free(&l->values);
	hmap_free(&l->index);
	errlist_free(&l->errs);
	buf_free(&l->text);
	vec_foreach (s, &l->near)
		free(*s);
	vec_free(&l->near);
	memset(l, 0, sizeof(*l));
	return 0;
}

static struct load *push_load(lua_State *L, struct pack *pk, const char *fn)
{
	struct load *l = lua_newuserdatauv(L, sizeof(*l), 0);

	memset(l, 0, sizeof(*l));
	luaL_setmetatable(L, "rnm.load");
	l->pk = pk;
	l->fn = fn;
	return l;
}

/* The caller's values, taken once; what is wrong with one is told when the text asks for it. */
static void take_params(lua_State *L, struct load *l, int idx)
{
	lua_pushnil(L);
	while (lua_next(L, idx)) {
		_err_ struct err e = ERR_INIT;
		struct load_value *v;

		if (lua_type(L, -2) != LUA_TSTRING) {
			lua_pop(L, 1);
			continue;
		}
		if (l->values.n >= PARAMS_MAX)
			luaL_error(L, "%s: more than %d params", l->fn, PARAMS_MAX);
		vm_charge(L, 20);
		v = xnew(struct load_value);
		v->name = xstrdup(lua_tostring(L, -2));
		vec_push(&l->values, v);
		hmap_put(&l->index, hash_str(v->name), v);
		if (value_of(L, -1, 0, &v->val, &e) < 0)
			v->bad = xstrdup(err_text(&e));
		lua_pop(L, 1);
	}
	l->given = l->values.n;
}

/* ---- where a text stands ---- */

static bool is_file_of(const struct pack *pk, const struct srctext *s, const char *file)
{
	size_t n = strlen(s->name), len = strlen(file);

	if (s->path)
		return false;
	if (!n)
		return strcmp(pk->file, file) == 0;
	return len >= n && strcmp(file + len - n, s->name) == 0 && (len == n || file[len - n - 1] == '/');
}

static unsigned lines_in(const char *from, const char *to)
{
	unsigned n = 0;

	while (from < to && (from = memchr(from, '\n', (size_t)(to - from))) != NULL) {
		n++;
		from++;
	}
	return n;
}

/* Blank lines and columns that put the text where it stands in the file of Lua; false: it does not stand
 * there as it is (a text that is put together, or one with escapes in it). */
static bool put_in_place(struct load *l, const struct site *at, const char *text, size_t n, struct buf *out)
{
	const struct srctext *src = NULL;
	const char *best = NULL, *s;
	unsigned line = 1, best_line = 0;

	vec_foreach (t, &l->pk->src->v)
		if (is_file_of(l->pk, t, at->file))
			src = t;
	if (!src || !n)
		return false;
	s = src->text;
	for (const char *from = s, *hit; (hit = memmem(s, src->n - (size_t)(s - src->text), text, n)) != NULL;
		s = hit + n) { /* not into what was looked at: that would cost the square */
		line += lines_in(from, hit);
		from = hit;
		if (!best || (best_line + 1 < at->line && line <= at->line + 1)) {
			best = hit;
			best_line = line;
		}
		if (line >= at->line)
			break;
	}
	if (!best)
		return false;
	for (unsigned i = 1; i < best_line; i++)
		buf_putc(out, '\n');
	for (s = best; s > src->text && s[-1] != '\n'; s--)
		buf_putc(out, ' ');
	return true;
}

static void place_text(struct load *l, uint32_t site, const char *text, size_t n, struct load_text *out)
{
	struct site at = ruleset_site_get(l->pk->s->rs, site);

	if (at.line && put_in_place(l, &at, text, n, &l->text)) {
		out->skip = (uint32_t)l->text.n;
		out->places = true;
		out->name = at.file;
		buf_put(&l->text, text, n);
		out->text = buf_str(&l->text);
		out->len = l->text.n;
		return;
	}
	buf_printf(&l->text, "%s:%u: text", at.file, at.line);
	out->name = buf_str(&l->text);
}

static void place_file(struct load *l, uint32_t site, const char *text, size_t n, struct load_text *out)
{
	(void)text, (void)n;
	out->name = ruleset_site_get(l->pk->s->rs, site).file;
	out->places = true;
}

/* ---- results ---- */

static _Noreturn void raise_errors(lua_State *L, struct load *l)
{
	struct buf *b = push_buf(L);
	uint32_t shown = 0;

	vec_foreach (it, &l->errs.items) {
		if (shown && b->n + strlen(it->text) > ERROR_MAX)
			break;
		buf_printf(b, "%s%.*s", shown ? "\n\n" : "", ERROR_MAX, it->text);
		shown++;
	}
	if (l->errs.n > shown)
		buf_printf(b, "\n\n%u more error%s", l->errs.n - shown, l->errs.n - shown == 1 ? "" : "s");
	luaL_where(L, 1);
	lua_pushfstring(L, "%s: ", l->fn);
	lua_pushlstring(L, buf_str(b), b->n);
	lua_concat(L, 3);
	lua_error(L);
	__builtin_unreachable();
}

static int push_tables(lua_State *L, struct load *l)
{
	struct pack *pk = l->pk;
	int n = (int)l->ld->tables.n;

	luaL_checkstack(L, n + 4, "too many tables");
	vm_charge(L, 20ull * (unsigned)n);
	for (int i = 0; i < n; i++) {
		struct handle *h = push_handle(L, pk, "table handle");

		h->obj = l->ld->tables.v[i];
		obj_ref(h->obj);
		h->spec = spec_new();
		h->site = l->ld->cmds.n ? l->ld->site : h->site;
		h->run = pk->run->id;
		h->main = pk->run->kind == RUN_MAIN;
	}
	return n;
}

/* How much the pack may state yet. */
static void check_room(lua_State *L, struct load *l)
{
	uint32_t have = rpack_stmts(l->pk->rp), n = l->ld->cmds.n;

	vm_charge(L, 100ull * n);
	if (have > l->pk->stmts_allowed || n > l->pk->stmts_allowed - have)
		luaL_error(L, "%s: the pack states more than %d things (limits.statements)", l->fn,
			(int)l->pk->s->lim.statements);
}

static int run_load(lua_State *L, struct load *l, uint32_t site, const char *text, size_t n,
	void (*what)(struct load *l, uint32_t site, const char *text, size_t n, struct load_text *out))
{
	struct scope *sc = run_scope(L, l->pk, l->fn);

	vm_charge(L, 200 + 10 * n);
	if (load_take(l, site, text, n, what) < 0)
		raise_errors(L, l);
	check_room(L, l);
	if (load_check(l) < 0)
		raise_errors(L, l);
	vm_charge(L, 50 * l->weight);
	if (load_state(l, sc) < 0)
		raise_errors(L, l);
	vm_charge(L, 1); /* the clock */
	return push_tables(L, l);
}

static void place_command(struct load *l, uint32_t site, const char *text, size_t n, struct load_text *out)
{
	(void)l, (void)site, (void)text, (void)n;
	out->name = "command";
}

bool load_command(
	lua_State *L, struct pack *pk, const char *text, size_t n, uint32_t site, struct errlist *errs)
{
	struct load *l = push_load(L, pk, "nft");
	struct scope *sc = run_scope(L, pk, l->fn);
	bool ok;

	l->command = true;
	ok = load_take(l, site, text, n, place_command) == 0;
	if (ok)
		check_room(L, l);
	ok = ok && load_check(l) == 0 && load_state(l, sc) == 0;
	if (!ok) {
		*errs = l->errs;
		memset(&l->errs, 0, sizeof(l->errs));
	}
	return ok;
}

static struct load *args(lua_State *L, const char *fn, size_t *n)
{
	struct pack *pk = vm_user(L);
	struct load *l;

	check_count(L, fn, 1, 1, 2);
	check_string(L, fn, 1, 1, n);
	if (lua_gettop(L) == 2) {
		check_table(L, fn, 2, 1);
		params_ready(L, pk, 2, 10, fn);
	}
	run_scope(L, pk, fn);
	l = push_load(L, pk, fn);
	if (lua_gettop(L) == 3)
		take_params(L, l, 2);
	return l;
}

int nft_load_fn(lua_State *L)
{
	size_t n;
	struct load *l = args(L, "nft.load", &n);

	if (n > TEXT_MAX)
		luaL_error(L, "nft.load: a text of more than %d bytes", (int)TEXT_MAX);
	return run_load(L, l, site_here(L, l->pk), lua_tostring(L, 1), n, place_text);
}

static void check_name(lua_State *L, const char *name, size_t n)
{
	if (!text_is_clean(name, n) || n > NAME_MAX_ || *name == '/' || strpbrk(name, "*?[\\"))
		luaL_error(L,
			"nft.template: \"%s\" is no name of a template (a path below the pack's folder "
			"or the folder of templates)",
			name);
	for (const char *p = name; (p = strstr(p, "..")) != NULL; p += 2)
		if ((p == name || p[-1] == '/') && (!p[2] || p[2] == '/'))
			luaL_error(L, "nft.template: \"%s\": no .. in names", name);
}

int nft_template_fn(lua_State *L)
{
	const struct srctext *t;
	_err_ struct err e = ERR_INIT;
	size_t n;
	struct load *l = args(L, "nft.template", &n);

	check_name(L, lua_tostring(L, 1), n);
	vm_charge(L, 1000);
	t = template_get(l->pk, lua_tostring(L, 1), &e);
	if (!t)
		check_raise(L, "nft.template", &e);
	return run_load(L, l, ruleset_site(l->pk->s->rs, t->path, 1), t->text, t->n, place_file);
}

void lua_load_open(lua_State *L)
{
	static const luaL_Reg meta[] = { { "__gc", load_gc }, { NULL, NULL } };

	type_new(L, "rnm.load", TAG_LOAD, meta, NULL);
}
