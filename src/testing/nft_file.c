// SPDX-License-Identifier: GPL-2.0-or-later
/* core.nft_file: whole files. parse{ text=, name=, define=, params=, files= } gives the commands, or nil and
 * the errors. objects: words of single objects. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "base/clock.h"
#include "nft/ast.h"
#include "nft/file.h"
#include "testing/testing.h"

static void put_node(const struct node *n, struct buf *b);

static void put_list(const struct node *n, const char *sep, struct buf *b)
{
	for (bool first = true; n; n = n->next, first = false) {
		if (!first)
			buf_puts(b, sep);
		put_node(n, b);
	}
}

static void put_pair(const struct node *n, const char *sep, struct buf *b)
{
	put_node(n->a, b);
	buf_puts(b, sep);
	put_node(n->b, b);
}

static void put_node(const struct node *n, struct buf *b)
{
	switch (n->kind) {
	case N_WORD: buf_puts(b, n->s); break;
	case N_STRING: buf_quote(b, n->s, strlen(n->s)); break;
	case N_PARAM: buf_printf(b, "$%s", n->s); break;
	case N_SETREF: buf_printf(b, "@%s", n->s ? n->s : "?"); break;
	case N_WILD: buf_puts(b, "*"); break;
	case N_RANGE: put_pair(n, "-", b); break;
	case N_PREFIX: put_pair(n, "/", b); break;
	case N_CONCAT: put_list(n->a, " . ", b); break;
	case N_LIST: put_list(n->a, ",", b); break;
	case N_SET:
		buf_puts(b, "{ ");
		put_list(n->a, ", ", b);
		buf_puts(b, " }");
		break;
	case N_ELEM:
		put_node(n->a, b);
		for (const struct node *o = n->c; o; o = o->next) {
			buf_puts(b, " ");
			put_node(o, b);
		}
		if (n->b) {
			buf_puts(b, " : ");
			put_node(n->b, b);
		}
		break;
	case N_VERDICT:
		buf_puts(b, n->s);
		if (n->a) {
			buf_putc(b, ' ');
			put_node(n->a, b);
		}
		break;
	case N_OPT_TIMEOUT:
		buf_puts(b, "timeout ");
		put_node(n->a, b);
		break;
	case N_OPT_EXPIRES:
		buf_puts(b, "expires ");
		put_node(n->a, b);
		break;
	case N_OPT_COMMENT:
		buf_puts(b, "comment ");
		put_node(n->a, b);
		break;
	case S_MATCH:
		put_node(n->a, b);
		buf_puts(b, " == ");
		put_node(n->b, b);
		break;
	default: buf_printf(b, "<%u>", n->kind);
	}
}

static void field_node(lua_State *L, const char *key, const struct node *list)
{
	struct buf b = BUF_INIT;

	if (!list)
		return;
	put_list(list, " ", &b);
	lua_pushstring(L, buf_str(&b));
	lua_setfield(L, -2, key);
	buf_free(&b);
}

static void field_str(lua_State *L, const char *key, const char *s)
{
	if (!s)
		return;
	lua_pushstring(L, s);
	lua_setfield(L, -2, key);
}

static void field_int(lua_State *L, const char *key, lua_Integer v)
{
	lua_pushinteger(L, v);
	lua_setfield(L, -2, key);
}

static void field_bool(lua_State *L, const char *key, bool v)
{
	if (!v)
		return;
	lua_pushboolean(L, v);
	lua_setfield(L, -2, key);
}

static void field_type(lua_State *L, const char *key, const struct nft_type *t)
{
	struct buf b = BUF_INIT;

	if (!t->n)
		return;
	nft_type_text(t, &b);
	field_str(L, key, buf_str(&b));
	buf_free(&b);
}

static void field_object(lua_State *L, const struct object_want *o)
{
	struct buf b = BUF_INIT;

	object_text(o, false, "; ", &b);
	field_str(L, "object", buf_str(&b));
	field_str(L, "comment", o->comment);
	buf_free(&b);
}

/* With compile = true: what the compiler says, and the rule's text with its values. */
static void compile(lua_State *L, const struct ast_rule *r, uint8_t family)
{
	struct rule_env env = { .family = family, .hook = -1 };
	struct code *code;
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;

	lua_getfield(L, 1, "compile");
	if (!lua_toboolean(L, -1)) {
		lua_pop(L, 1);
		return;
	}
	lua_pop(L, 1);
	if (rule_compile(r, &env, &code, &e) < 0) {
		field_str(L, "error", err_text(&e));
		err_free(&e);
	}
	code_free(code);
	rule_text(r, &env, &b);
	field_str(L, "text", buf_str(&b));
	buf_free(&b);
}

static void push_rule(lua_State *L, struct nft_file *f, const struct file_cmd *c)
{
	struct err e = ERR_INIT;
	struct ast_rule *r;

	if (file_rule(f, c, &r, &e) < 0) {
		field_str(L, "error", err_text(&e));
		err_free(&e);
		return;
	}
	field_str(L, "rule", ast_text(r));
	field_str(L, "param", ast_param(r, 0));
	field_node(L, "tree", r->stmts);
	compile(L, r, c->family);
	ast_put(r);
}

struct elems {
	lua_State *L;
	int n;
};

static int on_elem(void *ctx, struct ast_rule *holder, const struct node *el)
{
	struct elems *x = ctx;
	struct buf b = BUF_INIT;

	(void)holder;
	put_node(el, &b);
	lua_pushstring(x->L, buf_str(&b));
	lua_rawseti(x->L, -2, ++x->n);
	buf_free(&b);
	return 0;
}

static void push_elems(lua_State *L, struct nft_file *f, const struct file_cmd *c)
{
	struct elems x = { L, 0 };
	struct err e = ERR_INIT;

	lua_newtable(L);
	if (file_elems(f, c, NULL, on_elem, &x, &e) < 0) {
		lua_pop(L, 1);
		field_str(L, "error", err_text(&e));
		err_free(&e);
		return;
	}
	lua_setfield(L, -2, "elements");
}

static void push_chain(lua_State *L, const struct chain_decl *d)
{
	if (!d)
		return;
	field_bool(L, "base", d->base);
	if (d->base) {
		field_str(L, "type", d->type);
		field_int(L, "hook", d->hook);
		field_int(L, "priority", d->priority);
	}
	if (d->has_policy)
		field_str(L, "policy", d->policy ? "accept" : "drop");
	field_int(L, "flags", d->flags);
	field_node(L, "devices", d->devices);
	field_str(L, "comment", d->comment);
}

static void push_set(lua_State *L, const struct set_decl *d)
{
	if (!d)
		return;
	field_bool(L, "map", d->is_map);
	field_bool(L, "typeof", d->typeof_key);
	field_int(L, "given", d->given);
	field_int(L, "flags", d->flags);
	field_type(L, "key", &d->key);
	field_type(L, "data", &d->data);
	field_int(L, "obj_type", d->obj_type);
	field_int(L, "timeout", (lua_Integer)d->timeout_ms);
	field_int(L, "gc", (lua_Integer)d->gc_ms);
	field_int(L, "size", d->size);
	field_int(L, "policy", d->policy);
	field_bool(L, "auto_merge", d->auto_merge);
	field_node(L, "stateful", d->stateful);
	field_str(L, "comment", d->comment);
	field_str(L, "typeof_text", d->typeof_text);
}

/* "handle 4 to inet t c before index 2" */
static void push_switch(lua_State *L, const struct file_cmd *c)
{
	static const char *const at[] = { "", "handle", "index", "id" };
	const struct rule_switch *m = &c->move;
	struct buf b = BUF_INIT;

	buf_printf(&b, "%s %llu", at[m->at], (unsigned long long)c->handle);
	if (m->to_chain)
		buf_printf(&b, "%s %s %s %s", m->to ? " to" : " in", nft_family_name(m->to_family),
			m->to_table, m->to_chain);
	if (m->before || m->place)
		buf_puts(&b, m->before ? " before" : " after");
	if (m->place)
		buf_printf(&b, " %s %llu", at[m->place], (unsigned long long)m->place_n);
	field_str(L, "switch", buf_str(&b));
	buf_free(&b);
}

static void push_cmd(lua_State *L, struct nft_file *f, const struct file_cmd *c)
{
	static const char *const ops[] = { "add", "create", "insert", "replace", "delete", "destroy", "flush",
		"rename", "reset", "list", "get", "clone", "disable", "enable" };
	static const char *const whats[] = { "ruleset", "table", "chain", "rule", "set", "elements", "object",
		"flowtable", "switch", "disabled" };
	struct buf b = BUF_INIT;

	lua_newtable(L);
	field_str(L, "op", ops[c->op]);
	field_str(L, "what", whats[c->what]);
	field_str(L, "family", c->family ? nft_family_name(c->family) : NULL);
	field_bool(L, "block", c->block);
	field_bool(L, "plural", c->plural);
	field_str(L, "table", c->table);
	field_str(L, "name", c->name);
	field_str(L, "to", c->to);
	if (c->handle)
		field_int(L, "handle", (lua_Integer)c->handle);
	if (c->obj_type)
		field_str(L, "obj", object_type_word(c->obj_type));
	file_shown(f, c, 60, &b);
	field_str(L, "shown", buf_str(&b));
	buf_free(&b);
	switch ((enum file_what)c->what) {
	case FILE_TABLE:
		field_int(L, "flags", c->decl_table.flags);
		field_str(L, "comment", c->decl_table.comment);
		break;
	case FILE_CHAIN: push_chain(L, c->chain); break;
	case FILE_RULE:
		field_int(L, "at", c->rule.at);
		if (c->rule.body_end)
			push_rule(L, f, c);
		break;
	case FILE_SWITCH: push_switch(L, c); break;
	case FILE_SET: push_set(L, c->set); break;
	case FILE_ELEMENTS: push_elems(L, f, c); break;
	case FILE_OBJECT:
		if (c->object)
			field_object(L, c->object);
		break;
	case FILE_FLOWTABLE:
		if (!c->flow)
			break;
		field_bool(L, "has_hook", c->flow->has_hook);
		field_int(L, "hook", c->flow->hook);
		field_int(L, "priority", c->flow->priority);
		field_int(L, "flags", c->flow->flags);
		field_node(L, "devices", c->flow->devices);
		break;
	default: break;
	}
}

/* ---- what the file asks for ---- */

struct world {
	lua_State *L;
	VEC(struct param {
		char *name;
		struct val v;
	})
	params;
	VEC(const char *) defines;
};

/* files = { ["pattern"] = { "text", … } } */
static int include(void *ctx, const char *pattern, const char *from, include_files *out, struct err *e)
{
	struct world *w = ctx;
	lua_State *L = w->L;
	int top = lua_gettop(L);

	(void)from;
	lua_getfield(L, 1, "files");
	lua_getfield(L, -1, pattern);
	if (!lua_istable(L, -1)) {
		lua_settop(L, top);
		if (strchr(pattern, '*'))
			return 0;
		return err_set(e, -ENOENT, "there is no file %s", pattern);
	}
	for (int i = 1; lua_rawgeti(L, top + 2, i) == LUA_TSTRING; i++) {
		struct include_file f = { 0 };
		const char *s = lua_tolstring(L, -1, &f.len);

		f.name = xasprintf("%s#%d", pattern, i);
		f.text = xstrndup(s, f.len);
		vec_push(out, f);
		lua_pop(L, 1);
	}
	lua_settop(L, top);
	return 0;
}

static const struct val *param(void *ctx, const char *name)
{
	struct world *w = ctx;

	vec_foreach (p, &w->params)
		if (!strcmp(p->name, name))
			return &p->v;
	return NULL;
}

static const char *param_at(void *ctx, size_t i)
{
	struct world *w = ctx;

	return i < w->params.n ? w->params.v[i].name : NULL;
}

/* A string, a number, a list of them; true is a live value. */
static struct val val_of(lua_State *L, int i)
{
	struct val v = { .kind = VAL_LIVE };
	size_t n;
	const char *s;

	i = lua_absindex(L, i);
	if (lua_isinteger(L, i))
		return val_int(lua_tointeger(L, i));
	if (lua_type(L, i) == LUA_TSTRING) {
		s = lua_tolstring(L, i, &n);
		return val_string(s, n);
	}
	if (!lua_istable(L, i))
		return v;
	v.kind = VAL_LIST;
	v.n = (uint32_t)lua_rawlen(L, i);
	v.list = xcalloc(v.n ? v.n : 1, sizeof(*v.list));
	for (uint32_t k = 0; k < v.n; k++) {
		lua_rawgeti(L, i, k + 1);
		v.list[k] = val_of(L, -1);
		lua_pop(L, 1);
	}
	return v;
}

static void world_free(struct world *w)
{
	vec_foreach (p, &w->params) {
		free(p->name);
		val_free(&p->v);
	}
	vec_free(&w->params);
	vec_free(&w->defines);
}

static int parse(lua_State *L)
{
	struct world w = { .L = L };
	struct nft_file_opts o = { .ctx = &w };
	struct errlist errs = { 0 };
	struct nft_file *f;
	struct buf b = BUF_INIT;
	const char *text, *name;
	size_t len;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_settop(L, 1);
	lua_getfield(L, 1, "text");
	text = luaL_checklstring(L, 2, &len);
	lua_getfield(L, 1, "name");
	name = luaL_optstring(L, 3, "test.nft");
	if (lua_getfield(L, 1, "files") == LUA_TTABLE)
		o.include = include;
	if (lua_getfield(L, 1, "params") == LUA_TTABLE) {
		o.param = param;
		o.param_at = param_at;
		for (lua_pushnil(L); lua_next(L, 5); lua_pop(L, 1))
			vec_push(&w.params, (struct param){ xstrdup(lua_tostring(L, -2)), val_of(L, -1) });
	}
	if (lua_getfield(L, 1, "define") == LUA_TTABLE)
		for (int i = 1; lua_rawgeti(L, 6, i) == LUA_TSTRING; i++) /* the strings stay on the stack */
			vec_push(&w.defines, lua_tostring(L, -1));
	o.define = w.defines.v;
	o.n_define = w.defines.n;
	f = nft_file_parse(name, text, len, &o, &errs);
	if (f) {
		lua_newtable(L);
		for (uint32_t i = 0; i < file_cmds(f); i++) {
			push_cmd(L, f, file_cmd(f, i));
			lua_rawseti(L, -2, i + 1);
		}
		nft_file_free(f);
		world_free(&w);
		errlist_free(&errs);
		return 1;
	}
	errlist_text(&errs, &b);
	lua_pushnil(L);
	lua_pushstring(L, buf_str(&b));
	lua_pushinteger(L, errs.n);
	buf_free(&b);
	world_free(&w);
	errlist_free(&errs);
	return 3;
}

/* text → commands and the nanoseconds of reading, of all rules, of all elements; the last two's numbers */
static int count_elem(void *ctx, struct ast_rule *holder, const struct node *el)
{
	(void)holder;
	(void)el;
	++*(lua_Integer *)ctx;
	return 0;
}

static int speed(lua_State *L)
{
	struct errlist errs = { 0 };
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	uint64_t t0 = clock_ns(CLOCK_MONOTONIC), t1, rules = 0, elems = 0;
	struct nft_file *f = nft_file_parse("speed.nft", text, len, NULL, &errs);
	lua_Integer n_rules = 0, n_elems = 0;

	errlist_free(&errs);
	if (!f)
		return 0;
	lua_pushinteger(L, (lua_Integer)(clock_ns(CLOCK_MONOTONIC) - t0));
	for (uint32_t i = 0; i < file_cmds(f); i++) {
		const struct file_cmd *c = file_cmd(f, i);
		struct ast_rule *r;

		t1 = clock_ns(CLOCK_MONOTONIC);
		if (c->what == FILE_RULE && !file_rule(f, c, &r, NULL)) {
			ast_put(r);
			rules += clock_ns(CLOCK_MONOTONIC) - t1;
			n_rules++;
		} else if (c->what == FILE_ELEMENTS) {
			file_elems(f, c, NULL, count_elem, &n_elems, NULL);
			elems += clock_ns(CLOCK_MONOTONIC) - t1;
		}
	}
	nft_file_free(f);
	lua_pushinteger(L, (lua_Integer)rules);
	lua_pushinteger(L, (lua_Integer)elems);
	lua_pushinteger(L, n_rules);
	lua_pushinteger(L, n_elems);
	return 5;
}

/* include(pattern, from, confined, dir…) → { name, text, … }, or nil, message */
static int from_disk(lua_State *L)
{
	const char *dirs[16] = { 0 };
	struct include_dirs d = { .dirs = dirs, .confined = lua_toboolean(L, 3) };
	include_files files = { 0 };
	struct err e = ERR_INIT;
	int rc, n = 0;

	for (int i = 4; i <= lua_gettop(L) && n < 15; i++)
		dirs[n++] = luaL_checkstring(L, i);
	rc = include_from_dirs(&d, luaL_checkstring(L, 1), luaL_checkstring(L, 2), &files, &e);
	lua_newtable(L);
	n = 0;
	vec_foreach (f, &files) {
		lua_pushstring(L, f->name);
		lua_rawseti(L, -2, ++n);
		lua_pushlstring(L, f->text, f->len);
		lua_rawseti(L, -2, ++n);
		free(f->name);
		free(f->text);
	}
	vec_free(&files);
	if (rc == 0)
		return 1;
	lua_pushnil(L);
	lua_pushstring(L, err_text(&e));
	err_free(&e);
	return 2;
}

/* object(type, words [, stateless]) → words again; or nil, message */
static int object(lua_State *L)
{
	const char *type = luaL_checkstring(L, 1), *text = luaL_checkstring(L, 2);
	struct src_pos pos = { "object", 1 };
	struct object_want o, again;
	struct err e = ERR_INIT;
	struct buf b = BUF_INIT;
	uint32_t t = 1;

	while (t < 16 && (!object_type_word(t) || strcmp(object_type_word(t), type) != 0))
		t++;
	if (object_parse(t, text, strlen(text), &pos, &o, &e) < 0) {
		lua_pushnil(L);
		lua_pushstring(L, err_text(&e));
		err_free(&e);
		return 2;
	}
	object_text(&o, lua_toboolean(L, 3), "; ", &b);
	lua_pushstring(L, buf_str(&b));
	lua_pushboolean(
		L, object_parse(t, buf_str(&b), b.n, NULL, &again, NULL) == 0 && object_same(&o, &again));
	buf_free(&b);
	return 2;
}

int testing_nft_file(lua_State *L)
{
	static const luaL_Reg fns[] = { { "parse", parse }, { "speed", speed }, { "include", from_disk },
		{ "object", object }, { NULL, NULL } };

	luaL_newlib(L, fns);
	return 1;
}
