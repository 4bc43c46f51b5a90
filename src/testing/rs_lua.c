// SPDX-License-Identifier: GPL-2.0-or-later
/* core.nft.ruleset.new{kernel=} → a ruleset that specs speak to:
 *
 *   rs:say(PACK, { {STATEMENT}, … })  a run of the pack's main chunk; nil, message for a statement's own
 * error rs:commit{ [PATTERN] = ERRNO }    → plans as text, in the order of sending; operations whose line
 * matches are refused. A pack at fault is undone and told: nil, message rs:pending() rs:text([WHAT])
 *
 * A statement is { table|chain|set|object|flowtable|rule = "FAMILY TABLE [NAME]", FIELD = … }. */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "nft/batch.h"
#include "nft/model.h"
#include "testing/nft_type.h"
#include "testing/rs_lua.h"

#define META  "rnm.testing.ruleset"
#define PACKS 8

struct lua_ruleset {
	struct ruleset *rs;
	struct nft_conn *conn;
	struct {
		struct rpack *pk;
		struct scope *sc;
	} pack[PACKS];
	bool open;
};

static struct lua_ruleset *self(lua_State *L)
{
	return luaL_checkudata(L, 1, META);
}

static void begin(struct lua_ruleset *r)
{
	if (!r->open)
		ruleset_begin(r->rs, "spec");
	r->open = true;
}

/* ---- statements ---- */

static const char *str(lua_State *L, int i, const char *name) /* lives with the table */
{
	const char *s;

	lua_getfield(L, i, name);
	s = lua_tostring(L, -1);
	lua_pop(L, 1);
	return s;
}

static bool num(lua_State *L, int i, const char *name, lua_Integer *out)
{
	bool is = lua_getfield(L, i, name) == LUA_TNUMBER;

	*out = lua_tointeger(L, -1);
	lua_pop(L, 1);
	return is;
}

static struct spec *give(struct spec *s, uint32_t bit)
{
	s->given |= bit;
	return s;
}

static int spec_object(lua_State *L, int i, uint32_t type, struct spec *s, struct err *e)
{
	const char *text = str(L, i, "text");
	struct object_want o = { .type = type };

	if (!text)
		return 0;
	if (object_parse(type, text, strlen(text), NULL, &o, e) < 0)
		return -EINVAL;
	give(s, SPEC_OBJECT)->object = xmemdup(&o, sizeof(o));
	s->object->comment = s->comment;
	return 0;
}

static int spec_types(lua_State *L, int i, struct spec *s, struct err *e)
{
	const char *type = str(L, i, "type"), *data = str(L, i, "data"), *to = str(L, i, "objects");

	if (type && nft_type_parse(type, &give(s, SPEC_TYPE)->key, e) < 0)
		return -EINVAL;
	if (data && nft_type_parse(data, &give(s, SPEC_DATA)->data, e) < 0)
		return -EINVAL;
	for (uint32_t t = 1; to && t < 16; t++)
		if (object_type_word(t) && !strcmp(object_type_word(t), to))
			give(s, SPEC_DATA)->obj_type = t;
	if (data || to)
		s->flags |= NFT_SET_MAP;
	return 0;
}

static void spec_devices(lua_State *L, int i, struct spec *s)
{
	if (lua_getfield(L, i, "devices") == LUA_TTABLE) {
		lua_Integer n = (lua_Integer)lua_rawlen(L, -1);

		give(s, SPEC_DEVICES)->devices =
			(struct val){ .kind = VAL_LIST, .list = xcalloc((size_t)n + 1, sizeof(struct val)) };
		for (lua_Integer k = 1; k <= n; k++) {
			lua_rawgeti(L, -1, k);
			s->devices.list[s->devices.n++] =
				val_string(lua_tostring(L, -1), strlen(lua_tostring(L, -1)));
			lua_pop(L, 1);
		}
	}
	lua_pop(L, 1);
}

static int spec_of(lua_State *L, int i, enum obj_kind kind, struct spec *s, struct err *e)
{
	const char *v;
	lua_Integer n;

	if ((v = str(L, i, "comment")))
		give(s, SPEC_COMMENT)->comment = xstrdup(v);
	if ((v = str(L, i, "hook")))
		give(s, SPEC_HOOK)->hook = xstrdup(v);
	if ((v = str(L, i, "priority")))
		give(s, SPEC_PRIORITY)->priority = xstrdup(v);
	if ((v = str(L, i, "typeof")))
		s->typeof_text = xstrdup(v);
	if ((v = str(L, i, "stateful")))
		give(s, SPEC_STATEFUL)->stateful = xstrdup(v);
	if (num(L, i, "flags", &n))
		give(s, SPEC_FLAGS)->flags = (uint32_t)n;
	if (num(L, i, "policy", &n))
		give(s, SPEC_POLICY)->policy = (int32_t)n;
	if (num(L, i, "timeout", &n))
		give(s, SPEC_TIMEOUT)->timeout_ms = (uint64_t)n * 1000;
	if (num(L, i, "gc", &n))
		give(s, SPEC_GC)->gc_ms = (uint64_t)n * 1000;
	if (num(L, i, "size", &n))
		give(s, SPEC_SIZE)->size = (uint32_t)n;
	if (lua_getfield(L, i, "auto_merge") == LUA_TBOOLEAN)
		give(s, SPEC_AUTO_MERGE)->auto_merge = lua_toboolean(L, -1);
	lua_pop(L, 1);
	spec_devices(L, i, s);
	if (kind >= OBJ_STATEFUL)
		return spec_object(L, i, (uint32_t)kind - OBJ_STATEFUL, s, e);
	if (kind == OBJ_CHAIN && (v = str(L, i, "type")))
		snprintf(give(s, SPEC_TYPE)->chain_type, sizeof(s->chain_type), "%s", v);
	return kind == OBJ_SET ? spec_types(L, i, s, e) : 0;
}

static enum obj_kind kind_at(lua_State *L, int i, const char **what, bool *rule)
{
	static const struct {
		const char *word;
		enum obj_kind kind;
	} kinds[] = { { "table", OBJ_TABLE }, { "chain", OBJ_CHAIN }, { "set", OBJ_SET },
		{ "flowtable", OBJ_FLOWTABLE }, { "rule", OBJ_CHAIN } };

	*rule = str(L, i, "rule");
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		if ((*what = str(L, i, kinds[k].word)))
			return kinds[k].kind;
	for (uint32_t t = 1; t < 16; t++)
		if (object_type_word(t) && (*what = str(L, i, object_type_word(t))))
			return (enum obj_kind)(OBJ_STATEFUL + t);
	luaL_error(L, "a statement of nothing");
	return OBJ_TABLE;
}

static struct obj *obj_at(lua_State *L, struct lua_ruleset *r, enum obj_kind kind, const char *what)
{
	char family[16] = "", table[64] = "", name[64] = "";
	uint8_t nfproto = 0;

	if (sscanf(what, "%15s %63s %63s", family, table, name) != (kind == OBJ_TABLE ? 2 : 3) ||
		nft_family_parse(family, &nfproto, NULL) < 0)
		luaL_error(L, "%s: no name", what);
	return kind == OBJ_TABLE ? obj_get(r->rs, kind, nfproto, NULL, table)
				 : obj_get(r->rs, kind, nfproto, table, name);
}

static int say_rule(lua_State *L, int i, struct scope *sc, struct obj *o, uint32_t site, struct err *e)
{
	const char *text = str(L, i, "text");
	struct ast_rule *ast;
	int rc = rule_parse(text, strlen(text), NULL, &ast, e);

	if (rc < 0)
		return rc;
	rc = state_rule(sc, o, ast, NULL, false, site, e);
	ast_put(ast);
	return rc;
}

static int say_elements(lua_State *L, int i, struct scope *sc, struct obj *o, uint32_t site, struct err *e)
{
	int rc = 0;

	lua_getfield(L, i, "elements");
	for (lua_Integer k = 1; rc == 0 && lua_istable(L, -1) && lua_geti(L, -1, k) != LUA_TNIL; k++) {
		bool map = lua_istable(L, -1) && lua_rawlen(L, -1) == 2;
		struct val key, data = { 0 };

		if (map) {
			lua_geti(L, -1, 1);
			lua_geti(L, -2, 2);
			key = testing_val(L, -2);
			data = testing_val(L, -1);
			lua_pop(L, 2);
		} else {
			key = testing_val(L, -1);
		}
		rc = state_elems(sc, o,
			&(struct elem_in){
				&key, map ? &data : NULL, key.timeout_ms, key.comment, str(L, i, "each") },
			1, site, e);
		val_free(&key);
		val_free(&data);
		lua_pop(L, 1);
	}
	lua_settop(L, i);
	return rc;
}

static int say_one(lua_State *L, int i, struct lua_ruleset *r, struct scope *sc, uint32_t site, struct err *e)
{
	const char *what;
	bool rule;
	enum obj_kind kind = kind_at(L, i, &what, &rule);
	struct obj *o = obj_at(L, r, kind, what);
	struct spec *s = spec_new();
	int rc = spec_of(L, i, kind, s, e);

	if (rc == 0 && rule)
		rc = say_rule(L, i, sc, o, site, e);
	else if (rc == 0)
		state_decl(sc, o, s, site);
	spec_put(s);
	if (rc == 0 && kind == OBJ_SET)
		rc = say_elements(L, i, sc, o, site, e);
	obj_put(o);
	return rc;
}

static int l_say(lua_State *L)
{
	struct lua_ruleset *r = self(L);
	const char *name = luaL_checkstring(L, 2);
	_err_ struct err e = ERR_INIT;
	uint32_t mark;
	int i = 0, rc = 0;

	luaL_checktype(L, 3, LUA_TTABLE);
	begin(r);
	while (i < PACKS && r->pack[i].pk && strcmp(rpack_name(r->pack[i].pk), name) != 0)
		i++;
	if (i == PACKS)
		return luaL_error(L, "too many packs");
	if (!r->pack[i].pk) {
		r->pack[i].pk = rpack_new(r->rs, name, 10);
		r->pack[i].sc = scope_new(r->pack[i].pk, SCOPE_MAIN, NULL, 0, NULL, 0);
	}
	mark = rpack_mark(r->pack[i].pk);
	scope_run_begin(r->pack[i].sc);
	for (lua_Integer k = 1; rc == 0 && lua_geti(L, 3, k) == LUA_TTABLE; k++) {
		rc = say_one(L, 4, r, r->pack[i].sc, ruleset_site(r->rs, name, (uint32_t)k), &e);
		lua_settop(L, 3);
	}
	if (rc < 0)
		rpack_rollback(r->pack[i].pk, mark);
	scope_run_end(r->pack[i].sc, rc == 0);
	lua_pushboolean(L, true);
	return rc < 0 ? testing_fail(L, &e) : 1;
}

/* ---- commit ---- */

/* The errno that the table at 2 has for this operation. */
static int refusal(lua_State *L, const struct plan *p, const struct op *op)
{
	_buf_ struct buf line = BUF_INIT;
	struct plan one = { .rs = p->rs, .ops = { .v = (struct op *)op, .n = 1 } };
	int code = 0;

	if (!lua_istable(L, 2))
		return 0;
	plan_text(&one, PLAN_BARE, &line);
	for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1))
		if (strstr(buf_str(&line), lua_tostring(L, -2)))
			code = -(int)lua_tointeger(L, -1);
	return code;
}

static int send(lua_State *L, struct lua_ruleset *r, struct plan *p, struct commit_result *res, struct err *e)
{
	static uint64_t handles = 1000;
	bool bad = false;

	if (r->conn)
		return nft_commit(r->conn, p, false, res, e);
	res->op_err = xcalloc(p->ops.n + 1, sizeof(*res->op_err));
	res->handle = xcalloc(p->ops.n + 1, sizeof(*res->handle));
	res->handles_known = true;
	for (uint32_t i = 0; i < p->ops.n; i++) {
		res->handle[i] = ++handles;
		bad |= (res->op_err[i] = refusal(L, p, &p->ops.v[i])) != 0;
	}
	return bad ? -EBADMSG : 0;
}

/* Pushes the plan; 1 done, 0 once more. */
static int try_send(lua_State *L, struct lua_ruleset *r, struct err *e)
{
	struct commit_result res = { 0 };
	_buf_ struct buf text = BUF_INIT, refused = BUF_INIT;
	struct plan p;
	int rc;

	plan_make(r->rs, &p, NULL);
	plan_text(&p, PLAN_BARE, &text);
	rc = p.ops.n ? send(L, r, &p, &res, e) : 0;
	if (rc == 0) {
		plan_ack(&p, &res);
		rc = 1;
	} else if (rc == -EBADMSG && plan_refuse(&p, &res, true, &refused)) {
		rc = 0;
	}
	if (p.ops.n)
		lua_pushlstring(L, buf_str(&text), text.n);
	if (refused.n)
		lua_pushfstring(L, "refused: %s", buf_str(&refused));
	plan_free(&p);
	commit_result_free(&res);
	return rc;
}

static int merge(struct lua_ruleset *r, struct err *e)
{
	struct rpack *culprit = NULL;
	int rc = ruleset_merge(r->rs, &culprit, e);

	if (rc == 0)
		return 0;
	for (int i = 0; culprit && i < PACKS; i++) {
		rpack_rollback(culprit, 0);
		culprit = NULL;
		if (ruleset_merge(r->rs, &culprit, NULL) == 0)
			break;
	}
	return rc;
}

static int l_commit(lua_State *L)
{
	struct lua_ruleset *r = self(L);
	_err_ struct err e = ERR_INIT;
	int rc, top, bad;

	lua_settop(L, 2);
	lua_newtable(L);
	begin(r);
	bad = merge(r, &e);
	for (int round = 0; round < 16; round++) {
		top = lua_gettop(L);
		rc = try_send(L, r, bad < 0 ? NULL : &e);
		for (int n = lua_gettop(L); n > top; n--) { /* in order */
			lua_pushvalue(L, top + 1);
			lua_remove(L, top + 1);
			lua_rawseti(L, 3, (lua_Integer)lua_rawlen(L, 3) + 1);
		}
		if (rc)
			break;
		merge(r, &e);
	}
	ruleset_commit(r->rs);
	r->open = false;
	if (rc < 0 || bad < 0)
		return testing_fail(L, &e);
	return 1;
}

/* ---- reading ---- */

static void pending_line(void *ctx, const struct pending *p)
{
	lua_State *L = ctx;

	lua_pushfstring(L, "%s %s: %s%s", obj_kind_word(obj_kind(p->obj)), obj_name(p->obj), p->why,
		p->refused    ? " (refused)"
		: p->unstated ? " (unstated)"
			      : "");
	lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

static int l_pending(lua_State *L)
{
	struct lua_ruleset *r = self(L);

	lua_newtable(L);
	ruleset_pending(r->rs, pending_line, L);
	return 1;
}

static int l_text(lua_State *L)
{
	struct lua_ruleset *r = self(L);
	_buf_ struct buf out = BUF_INIT;
	_err_ struct err e = ERR_INIT;

	if (ruleset_text(r->rs, luaL_optstring(L, 2, NULL), &out, &e) < 0)
		return testing_fail(L, &e);
	lua_pushlstring(L, buf_str(&out), out.n);
	return 1;
}

static int l_stats(lua_State *L)
{
	struct ruleset_stats s = ruleset_stats(self(L)->rs);

	lua_newtable(L);
#define GIVE(name) (lua_pushinteger(L, s.name), lua_setfield(L, -2, #name))
	GIVE(tables);
	GIVE(chains);
	GIVE(rules);
	GIVE(sets);
	GIVE(objects);
	GIVE(flowtables);
	GIVE(elements);
	GIVE(pending);
	GIVE(refused);
#undef GIVE
	return 1;
}

static int l_gc(lua_State *L)
{
	struct lua_ruleset *r = self(L);

	for (int i = 0; i < PACKS && r->rs; i++)
		if (r->pack[i].sc)
			scope_drop(r->pack[i].sc);
	ruleset_free(r->rs);
	nft_conn_free(r->conn);
	r->rs = NULL;
	r->conn = NULL;
	return 0;
}

int testing_ruleset_new(lua_State *L)
{
	static const luaL_Reg methods[] = { { "say", l_say }, { "commit", l_commit },
		{ "pending", l_pending }, { "text", l_text }, { "stats", l_stats }, { "__gc", l_gc },
		{ "__close", l_gc }, { NULL, NULL } };
	bool kernel = lua_istable(L, 1) && lua_getfield(L, 1, "kernel") && lua_toboolean(L, -1);
	struct lua_ruleset *r;
	struct err e = ERR_INIT;

	lua_settop(L, 0);
	r = lua_newuserdatauv(L, sizeof(*r), 0);
	memset(r, 0, sizeof(*r));
	if (kernel && !(r->conn = nft_conn_new("spec", &e)))
		return testing_fail(L, &e);
	r->rs = ruleset_new();
	if (luaL_newmetatable(L, META)) {
		luaL_setfuncs(L, methods, 0);
		lua_pushvalue(L, -1);
		lua_setfield(L, -2, "__index");
	}
	lua_setmetatable(L, -2);
	return 1;
}
