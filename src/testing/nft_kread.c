// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel holds as Lua tables: what(family, …) → { … } or nil, message, errno. */
#include <errno.h>
#include <lauxlib.h>
#include <libmnl/libmnl.h>
#include <stdio.h>

#include <libnftnl/expr.h>

#include "nft/kread_impl.h"
#include "testing/nft_type.h"
#include "testing/testing.h"

static struct nft_conn *conn;

struct told { /* the list at index 1 of what the callbacks push */
	lua_State *L;
	lua_Integer n;
	const struct set_info *set;
};

static void set_int(lua_State *L, const char *key, lua_Integer v)
{
	lua_pushinteger(L, v);
	lua_setfield(L, -2, key);
}

static void set_str(lua_State *L, const char *key, const char *s)
{
	lua_pushstring(L, s); /* NULL: nil */
	lua_setfield(L, -2, key);
}

static void set_bool(lua_State *L, const char *key, bool on)
{
	lua_pushboolean(L, on);
	lua_setfield(L, -2, key);
}

static void begin(struct told *t, uint8_t family, const char *table, const char *name, uint64_t handle)
{
	lua_createtable(t->L, 0, 12);
	set_int(t->L, "family", family);
	set_str(t->L, "table", table);
	set_str(t->L, "name", name);
	set_int(t->L, "handle", (lua_Integer)handle);
}

static void end(struct told *t)
{
	lua_rawseti(t->L, -2, ++t->n);
}

static void set_exprs(lua_State *L, struct nftnl_expr *const *exprs, uint32_t n)
{
	char text[512];

	lua_createtable(L, (int)n, 0);
	for (uint32_t i = 0; i < n; i++) {
		lua_pushstring(L, exprs[i] ? nftnl_expr_get_str(exprs[i], NFTNL_EXPR_NAME) : "?");
		if (exprs[i] && nftnl_expr_snprintf(text, sizeof(text), exprs[i], 0, 0) > 0) {
			lua_pushfstring(L, "%s %s", lua_tostring(L, -1), text);
			lua_remove(L, -2);
		}
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "exprs");
}

static void set_devices(lua_State *L, const char *const *dev, uint32_t n)
{
	lua_createtable(L, (int)n, 0);
	for (uint32_t i = 0; i < n; i++) {
		lua_pushstring(L, dev[i]);
		lua_rawseti(L, -2, i + 1);
	}
	lua_setfield(L, -2, "devices");
}

static void set_type(lua_State *L, const char *key, const struct nft_type *t)
{
	struct buf text = BUF_INIT;

	if (!t->n)
		return;
	nft_type_text(t, &text);
	for (unsigned i = 0; i < t->n; i++)
		buf_printf(&text, i ? ",%u" : " %u", t->bits[i]);
	set_str(L, key, buf_str(&text));
	buf_free(&text);
}

static void one_table(void *ctx, const struct kread_table *k)
{
	struct told *t = ctx;

	begin(t, k->family, NULL, k->name, k->handle);
	set_int(t->L, "use", k->use);
	set_int(t->L, "flags", k->want.flags);
	set_int(t->L, "owner", k->owner);
	set_str(t->L, "comment", k->want.comment);
	set_bool(t->L, "own", k->own);
	end(t);
}

static void one_chain(void *ctx, const struct kread_chain *k)
{
	struct told *t = ctx;

	begin(t, k->family, k->table, k->name, k->handle);
	set_bool(t->L, "base", k->want.base);
	set_int(t->L, "flags", k->flags);
	set_int(t->L, "policy", k->want.policy);
	set_int(t->L, "hook", k->want.hook);
	set_int(t->L, "priority", k->want.priority);
	set_str(t->L, "type", k->want.type);
	set_str(t->L, "comment", k->want.comment);
	set_devices(t->L, k->want.dev, k->want.n_dev);
	end(t);
}

static void one_flowtable(void *ctx, const struct kread_flowtable *k)
{
	struct told *t = ctx;

	begin(t, k->family, k->table, k->name, k->handle);
	set_int(t->L, "hook", k->want.hook);
	set_int(t->L, "priority", k->want.priority);
	set_int(t->L, "flags", k->want.flags);
	set_devices(t->L, k->want.dev, k->want.n_dev);
	end(t);
}

static void one_set(void *ctx, const struct kread_set *k)
{
	const struct set_want *w = &k->want;
	struct told *t = ctx;
	lua_State *L = t->L;

	begin(t, k->family, k->table, k->name, k->handle);
	set_int(L, "flags", w->info.flags);
	set_type(L, "key", &w->info.key);
	set_type(L, "data", &w->info.data);
	set_int(L, "obj_type", w->info.obj_type);
	set_bool(L, "auto_merge", w->info.auto_merge);
	set_int(L, "timeout", (lua_Integer)w->timeout_ms);
	set_int(L, "gc", (lua_Integer)w->gc_ms);
	set_int(L, "size", w->size);
	set_int(L, "policy", w->policy);
	set_str(L, "comment", w->comment);
	set_str(L, "typeof", w->typeof_text);
	set_exprs(L, w->exprs, w->n_exprs);
	end(t);
}

static void set_counts(lua_State *L, const struct object_want *o)
{
	switch (o->type) {
	case NFT_OBJECT_COUNTER:
		set_int(L, "packets", (lua_Integer)o->counter.packets);
		set_int(L, "bytes", (lua_Integer)o->counter.bytes);
		break;
	case NFT_OBJECT_QUOTA:
		set_int(L, "bytes", (lua_Integer)o->quota.bytes);
		set_int(L, "used", (lua_Integer)o->quota.used);
		set_bool(L, "over", o->quota.over);
		break;
	case NFT_OBJECT_LIMIT:
		set_int(L, "rate", (lua_Integer)o->limit.rate);
		set_int(L, "unit", (lua_Integer)o->limit.unit);
		set_int(L, "burst", o->limit.burst);
		set_bool(L, "bytes", o->limit.bytes);
		set_bool(L, "over", o->limit.over);
		break;
	case NFT_OBJECT_CONNLIMIT:
		set_int(L, "count", o->connlimit.count);
		set_bool(L, "over", o->connlimit.over);
		break;
	default: break;
	}
}

static void set_parameters(lua_State *L, const struct object_want *o)
{
	switch (o->type) {
	case NFT_OBJECT_CT_HELPER:
		set_str(L, "helper", o->helper.name);
		set_int(L, "l3proto", o->helper.l3proto);
		set_int(L, "l4proto", o->helper.l4proto);
		break;
	case NFT_OBJECT_CT_TIMEOUT:
		set_int(L, "l3proto", o->timeout.l3proto);
		set_int(L, "l4proto", o->timeout.l4proto);
		lua_newtable(L);
		for (int i = 1; i < CT_TIMEOUT_MAX; i++) {
			if (!(o->timeout.given & 1u << i))
				continue;
			lua_pushinteger(L, o->timeout.seconds[i]);
			lua_rawseti(L, -2, i);
		}
		lua_setfield(L, -2, "policy");
		break;
	case NFT_OBJECT_CT_EXPECT:
		set_int(L, "l3proto", o->expect.l3proto);
		set_int(L, "l4proto", o->expect.l4proto);
		set_int(L, "dport", o->expect.dport);
		set_int(L, "timeout", o->expect.timeout_ms);
		set_int(L, "size", o->expect.size);
		break;
	case NFT_OBJECT_SYNPROXY:
		set_int(L, "mss", o->synproxy.mss);
		set_int(L, "wscale", o->synproxy.wscale);
		set_int(L, "flags", o->synproxy.flags);
		break;
	case NFT_OBJECT_SECMARK: set_str(L, "secmark", o->secmark); break;
	default: break;
	}
}

static void one_object(void *ctx, const struct kread_object *k)
{
	struct told *t = ctx;

	begin(t, k->family, k->table, k->name, k->handle);
	set_int(t->L, "obj_type", k->want.type);
	set_int(t->L, "use", k->use);
	set_str(t->L, "comment", k->want.comment);
	set_counts(t->L, &k->want);
	set_parameters(t->L, &k->want);
	end(t);
}

static void one_rule(void *ctx, const struct kread_rule *k)
{
	struct told *t = ctx;

	begin(t, k->family, k->table, k->chain, k->handle);
	set_int(t->L, "id", (lua_Integer)k->id);
	set_str(t->L, "comment", k->comment);
	set_exprs(t->L, k->exprs, k->n);
	end(t);
}

static void one_elem(void *ctx, const struct setelem *el)
{
	struct told *t = ctx;
	struct buf text = BUF_INIT;

	nft_elem_text(t->set, el, &text);
	lua_newtable(t->L);
	set_str(t->L, "text", buf_str(&text));
	set_int(t->L, "timeout", (lua_Integer)el->timeout_ms);
	set_int(t->L, "expires", (lua_Integer)el->expires_ms);
	set_exprs(t->L, el->exprs, el->n_exprs);
	end(t);
	buf_free(&text);
}

struct copied_set {
	struct set_info info;
	bool found;
};

static void copy_info(void *ctx, const struct kread_set *k)
{
	struct copied_set *c = ctx;

	c->info = k->want.info;
	c->found = true;
}

static int read_elems(
	struct told *t, uint8_t family, const char *table, const char *name, bool reset, struct err *e)
{
	struct copied_set set = { .found = false };
	int r = kread_sets(conn, family, table, name, copy_info, &set, e);

	if (r < 0 || !set.found)
		return r;
	t->set = &set.info;
	return kread_elems(conn, family, table, &set.info, reset, one_elem, t, e);
}

static const char *const kinds[] = { "tables", "chains", "flowtables", "sets", "objects", "rules", "elems",
	NULL };

/* The elements of one message, for a set whose keys are `type`. */
static void parse_elems(struct told *t, const struct nlmsghdr *nlh, const char *type, const char *flags)
{
	struct set_info info = { .name = "s" };
	struct elems *s;

	if (nft_type_parse(type, &info.key, NULL) < 0 || nft_set_flags_parse(flags, &info.flags, NULL) < 0)
		luaL_error(t->L, "no such type or flag");
	t->set = &info;
	s = elems_new("t", &info);
	elems_take(s, nlh);
	elems_give(s, one_elem, t);
	elems_free(s);
}

/* parse(what, message [, type, flags]): what one message says, { } where it says nothing */
static int l_parse(lua_State *L)
{
	int kind = luaL_checkoption(L, 1, NULL, kinds);
	size_t len;
	const char *bytes = luaL_checklstring(L, 2, &len);
	const char *type = luaL_optstring(L, 3, "ipv4_addr"), *flags = luaL_optstring(L, 4, "interval");
	_autofree_ struct nlmsghdr *nlh = xmemdup(bytes, len); /* of just this size, for the sanitizer */
	struct kset_keep keep = { 0 };
	struct kexprs exprs = { 0 };
	names devs = { 0 };
	struct told t = { .L = L };
	union {
		struct kread_table table;
		struct kread_chain chain;
		struct kread_flowtable flow;
		struct kread_set set;
		struct kread_object object;
		struct kread_rule rule;
	} k;

	lua_newtable(L);
	if (!msg_ok(nlh, (char *)nlh + len) || nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg))
		return 1;
	if (kind == 0 && table_parse(nlh, "spec", &k.table))
		one_table(&t, &k.table);
	if (kind == 1 && chain_parse(nlh, "spec", &devs, &k.chain))
		one_chain(&t, &k.chain);
	if (kind == 2 && flowtable_parse(nlh, &devs, &k.flow))
		one_flowtable(&t, &k.flow);
	if (kind == 3 && set_parse(nlh, &keep, &k.set))
		one_set(&t, &k.set);
	if (kind == 4 && object_msg_parse(nlh, &k.object))
		one_object(&t, &k.object);
	if (kind == 5 && rule_msg_parse(nlh, &exprs, &k.rule))
		one_rule(&t, &k.rule);
	if (kind == 6)
		parse_elems(&t, nlh, type, flags);
	vec_free(&devs);
	kexprs_free(&exprs);
	kset_keep_free(&keep);
	return 1;
}

/* read(what, family [, table [, name [, type|reset [, reset]]]]) */
static int l_read(lua_State *L)
{
	static const char *const what[] = { "tables", "chains", "flowtables", "sets", "objects", "rules",
		"elems", NULL };
	int kind = luaL_checkoption(L, 1, NULL, what), r = 0;
	uint8_t family = (uint8_t)luaL_checkinteger(L, 2);
	const char *table = luaL_optstring(L, 3, NULL), *name = luaL_optstring(L, 4, NULL);
	uint32_t type = (uint32_t)luaL_optinteger(L, 5, 0);
	bool reset = lua_toboolean(L, 6);
	struct told t = { .L = L };
	struct err e = ERR_INIT;

	if (!conn && !(conn = nft_conn_new("spec", &e)))
		return testing_fail(L, &e);
	lua_settop(L, 6);
	lua_newtable(L);
	switch (kind) {
	case 0: r = kread_tables(conn, family, table, one_table, &t, &e); break;
	case 1: r = kread_chains(conn, family, table, name, one_chain, &t, &e); break;
	case 2: r = kread_flowtables(conn, family, table, name, one_flowtable, &t, &e); break;
	case 3: r = kread_sets(conn, family, table, name, one_set, &t, &e); break;
	case 4: r = kread_objects(conn, family, table, name, type, reset, one_object, &t, &e); break;
	case 5: r = kread_rules(conn, family, table, name, reset, one_rule, &t, &e); break;
	default: r = read_elems(&t, family, table, name, reset, &e); break;
	}
	if (r < 0) {
		testing_fail(L, &e);
		lua_pushinteger(L, -r);
		return 3;
	}
	return 1;
}

int testing_nft_kread(lua_State *L)
{
	static const luaL_Reg funcs[] = { { "read", l_read }, { "parse", l_parse }, { NULL, NULL } };

	luaL_newlib(L, funcs);
	return 1;
}
