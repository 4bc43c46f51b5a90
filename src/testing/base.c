// SPDX-License-Identifier: GPL-2.0-or-later
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/inet.h"
#include "base/journal.h"
#include "base/log.h"
#include "base/text.h"
#include "base/tree.h"
#include "testing/testing.h"

static int nothing(lua_State *L)
{
	lua_pushnil(L);
	return 1;
}

static int push_addr(lua_State *L, const struct ipaddr *a)
{
	char s[IPADDR_STRLEN];

	lua_pushstring(L, ipaddr_format(a, s));
	return 1;
}

static int push_prefix(lua_State *L, const struct ipprefix *p)
{
	char s[IPPREFIX_STRLEN];

	lua_pushstring(L, ipprefix_format(p, s));
	return 1;
}

static struct ipaddr check_addr(lua_State *L, int arg)
{
	struct ipaddr a;

	luaL_argcheck(L, ipaddr_parse(luaL_checkstring(L, arg), &a), arg, "no address");
	return a;
}

static struct ipprefix check_prefix(lua_State *L, int arg)
{
	struct ipprefix p;

	luaL_argcheck(L, ipprefix_parse(luaL_checkstring(L, arg), &p), arg, "no prefix");
	return p;
}

static int l_addr(lua_State *L)
{
	struct ipaddr a;

	return ipaddr_parse(luaL_checkstring(L, 1), &a) ? push_addr(L, &a) : nothing(L);
}

static int l_prefix(lua_State *L)
{
	struct ipprefix p;

	return ipprefix_parse(luaL_checkstring(L, 1), &p) ? push_prefix(L, &p) : nothing(L);
}

static int l_mask(lua_State *L)
{
	struct ipaddr a = check_addr(L, 1);

	a = ipaddr_mask(&a, (unsigned)luaL_checkinteger(L, 2));
	return push_addr(L, &a);
}

static int l_last(lua_State *L)
{
	struct ipaddr a = check_addr(L, 1);

	a = ipaddr_last(&a, (unsigned)luaL_checkinteger(L, 2));
	return push_addr(L, &a);
}

static int l_contains(lua_State *L)
{
	struct ipprefix a = check_prefix(L, 1), b = check_prefix(L, 2);

	lua_pushboolean(L, ipprefix_contains(&a, &b));
	return 1;
}

static int l_cmp(lua_State *L)
{
	struct ipprefix a = check_prefix(L, 1), b = check_prefix(L, 2);

	lua_pushinteger(L, ipprefix_cmp(&a, &b));
	return 1;
}

static int l_subnet(lua_State *L)
{
	struct ipprefix p = check_prefix(L, 1), out;

	if (!ipprefix_subnet(&p, (unsigned)luaL_checkinteger(L, 2), (uint64_t)luaL_checkinteger(L, 3), &out))
		return nothing(L);
	return push_prefix(L, &out);
}

static int l_host(lua_State *L)
{
	struct ipprefix p = check_prefix(L, 1);
	struct ipaddr suffix = check_addr(L, 2), out;

	return ipprefix_host(&p, &suffix, &out) ? push_addr(L, &out) : nothing(L);
}

static int l_mac(lua_State *L)
{
	uint8_t mac[6];
	char s[MAC_STRLEN];

	if (!mac_parse(luaL_checkstring(L, 1), mac))
		return nothing(L);
	lua_pushstring(L, mac_format(mac, 6, s));
	return 1;
}

static int l_mac_format(lua_State *L)
{
	size_t n;
	const char *b = luaL_checklstring(L, 1, &n);
	char s[MAC_STRLEN];

	lua_pushstring(L, mac_format((const uint8_t *)b, (unsigned)n, s));
	return 1;
}

static int l_glob(lua_State *L)
{
	lua_pushboolean(L, glob_match(luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
	return 1;
}

static int l_duration(lua_State *L)
{
	uint64_t ms;

	if (!duration_parse(luaL_checkstring(L, 1), &ms))
		return nothing(L);
	lua_pushinteger(L, (lua_Integer)ms);
	return 1;
}

static int l_duration_format(lua_State *L)
{
	char s[48];

	lua_pushstring(L, duration_format((uint64_t)luaL_checkinteger(L, 1), s));
	return 1;
}

static int l_u64(lua_State *L)
{
	uint64_t v;

	if (!parse_u64(luaL_checkstring(L, 1), (uint64_t)luaL_checkinteger(L, 2), &v))
		return nothing(L);
	lua_pushinteger(L, (lua_Integer)v);
	return 1;
}

static int l_clean(lua_State *L)
{
	size_t n;
	const char *s = luaL_checklstring(L, 1, &n);

	lua_pushboolean(L, text_is_clean(s, n));
	return 1;
}

static int l_suggest(lua_State *L)
{
	const char *list[32];
	size_t n = 0;

	while (n < 32 && lua_geti(L, 2, (lua_Integer)n + 1) == LUA_TSTRING)
		list[n++] = lua_tostring(L, -1);
	lua_pushstring(L, suggest_in(luaL_checkstring(L, 1), list, n));
	return 1;
}

static int l_text(lua_State *L, void put(struct buf *b, const char *s, size_t n))
{
	struct buf b = BUF_INIT;
	size_t n;
	const char *s = luaL_checklstring(L, 1, &n);

	put(&b, s, n);
	lua_pushlstring(L, buf_str(&b), b.n);
	buf_free(&b);
	return 1;
}

static int l_json(lua_State *L)
{
	return l_text(L, buf_json);
}

static int l_escape(lua_State *L)
{
	return l_text(L, buf_escape);
}

static int l_visible(lua_State *L)
{
	return l_text(L, buf_visible);
}

static int l_quote(lua_State *L)
{
	return l_text(L, buf_quote);
}

/* buf(n, s): n times printf("%s;", s) with a NUL check after each. */
static int l_buf(lua_State *L)
{
	struct buf b = BUF_INIT;
	const char *s = luaL_checkstring(L, 2);
	bool ends = buf_str(&b)[0] == 0;

	for (lua_Integer i = luaL_checkinteger(L, 1); i > 0; i--) {
		buf_printf(&b, "%s;", s);
		ends = ends && buf_str(&b)[b.n] == 0 && strlen(buf_str(&b)) == b.n;
	}
	lua_pushlstring(L, buf_str(&b), b.n);
	lua_pushboolean(L, ends);
	buf_clear(&b);
	ends = buf_str(&b)[0] == 0;
	buf_puts(&b, "taken");
	char *taken = buf_take(&b);
	lua_pushboolean(L, ends && !strcmp(taken, "taken") && !b.s && !b.n);
	free(taken);
	return 3;
}

static int l_hash(lua_State *L)
{
	size_t n;
	const char *s = luaL_checklstring(L, 1, &n);

	lua_pushinteger(L, (lua_Integer)hash_bytes(s, n));
	lua_pushinteger(L, (lua_Integer)hash_stable((uint64_t)luaL_optinteger(L, 2, 0), s, n));
	return 2;
}

/* A tree of integers. */
struct num {
	struct tnode node;
	lua_Integer k;
};

static int num_cmp(const void *key, const struct tnode *node)
{
	lua_Integer a = *(const lua_Integer *)key, b = container_of(node, const struct num, node)->k;

	return a < b ? -1 : a > b;
}

static struct tree *check_tree(lua_State *L)
{
	return luaL_checkudata(L, 1, "rnm.tree");
}

static int l_tree(lua_State *L)
{
	*(struct tree *)lua_newuserdatauv(L, sizeof(struct tree), 0) = (struct tree){ 0 };
	luaL_setmetatable(L, "rnm.tree");
	return 1;
}

static int tree_l_insert(lua_State *L)
{
	struct tree *t = check_tree(L);
	struct num *n = xnew(struct num);

	n->k = luaL_checkinteger(L, 2);
	lua_pushboolean(L, !tree_insert(t, &n->node, num_cmp, &n->k));
	if (!lua_toboolean(L, -1))
		free(n);
	return 1;
}

static int tree_l_remove(lua_State *L)
{
	struct tree *t = check_tree(L);
	lua_Integer k = luaL_checkinteger(L, 2);
	struct tnode *n = tree_find(t, num_cmp, &k);

	if (n) {
		tree_remove(t, n);
		free(container_of(n, struct num, node));
	}
	lua_pushboolean(L, n != NULL);
	return 1;
}

static int tree_l_at(lua_State *L)
{
	struct tnode *n = tree_at(check_tree(L), (uint32_t)luaL_checkinteger(L, 2));

	if (!n)
		return nothing(L);
	lua_pushinteger(L, container_of(n, struct num, node)->k);
	return 1;
}

static int tree_l_list(lua_State *L)
{
	struct tree *t = check_tree(L);
	lua_Integer i = 0;

	lua_newtable(L);
	tree_foreach (n, t) {
		lua_pushinteger(L, container_of(n, struct num, node)->k);
		lua_seti(L, -2, ++i);
	}
	lua_pushinteger(L, tree_size(t));
	return 2;
}

static unsigned depth_of(const struct tnode *n)
{
	unsigned l, r;

	if (!n)
		return 0;
	l = depth_of(n->left);
	r = depth_of(n->right);
	return 1 + (l > r ? l : r);
}

static int tree_l_depth(lua_State *L)
{
	lua_pushinteger(L, depth_of(check_tree(L)->root));
	return 1;
}

static int tree_l_gc(lua_State *L)
{
	struct tree *t = check_tree(L);

	while (t->root) {
		struct tnode *n = t->root;

		tree_remove(t, n);
		free(container_of(n, struct num, node));
	}
	return 0;
}

/* A map of strings, with hashes of the test's choice. */
static bool str_eq(const void *item, const void *key)
{
	return !strcmp(item, key);
}

static struct hmap *check_map(lua_State *L)
{
	return luaL_checkudata(L, 1, "rnm.hmap");
}

static int l_hmap(lua_State *L)
{
	*(struct hmap *)lua_newuserdatauv(L, sizeof(struct hmap), 0) = (struct hmap){ 0 };
	luaL_setmetatable(L, "rnm.hmap");
	return 1;
}

static int hmap_l_put(lua_State *L)
{
	hmap_put(check_map(L), (uint64_t)luaL_checkinteger(L, 2), xstrdup(luaL_checkstring(L, 3)));
	return 0;
}

static int hmap_l_find(lua_State *L)
{
	lua_pushstring(L,
		hmap_find(check_map(L), (uint64_t)luaL_checkinteger(L, 2), str_eq, luaL_checkstring(L, 3)));
	return 1;
}

static int hmap_l_del(lua_State *L)
{
	char *s = hmap_del(check_map(L), (uint64_t)luaL_checkinteger(L, 2), str_eq, luaL_checkstring(L, 3));

	lua_pushstring(L, s);
	free(s);
	return 1;
}

/* list(del): all items; when del is true each is deleted while the walk goes on. */
static int hmap_l_list(lua_State *L)
{
	struct hmap *m = check_map(L);
	bool del = lua_toboolean(L, 2);
	lua_Integer i = 0;
	char *s;

	lua_newtable(L);
	hmap_foreach (s, m, pos) {
		uint64_t hash = m->slots[pos - 1].hash;

		lua_pushstring(L, s);
		lua_seti(L, -2, ++i);
		if (del && hmap_del_item(m, hash, s))
			free(s);
	}
	lua_pushinteger(L, m->n);
	lua_pushinteger(L, m->cap);
	return 3;
}

static int hmap_l_gc(lua_State *L)
{
	struct hmap *m = check_map(L);
	char *s;

	hmap_foreach (s, m, pos)
		free(s);
	hmap_free(m);
	return 0;
}

static void note_undo(void *obj, uint64_t a, uint64_t b)
{
	buf_printf(obj, "u%llu.%llu ", (unsigned long long)a, (unsigned long long)b);
}

static void note_commit(void *obj, uint64_t a, uint64_t b)
{
	buf_printf(obj, "c%llu.%llu ", (unsigned long long)a, (unsigned long long)b);
}

/* journal("ppmpprc"): push, mark, rollback to the last mark, Rollback of all, commit → what was done, entries
 * left. */
static int l_journal(lua_State *L)
{
	static const struct jtype both = { "both", note_undo, note_commit }, none = { "none", NULL, NULL };
	struct journal j = { 0 };
	struct buf done = BUF_INIT;
	uint32_t mark = 0;
	uint64_t n = 0;

	for (const char *op = luaL_checkstring(L, 1); *op; op++) {
		if (*op == 'p') {
			n++;
			journal_push(&j, &both, &done, n, n * n);
		}
		if (*op == 'n')
			journal_push(&j, &none, NULL, 0, 0);
		else if (*op == 'm')
			mark = journal_mark(&j);
		else if (*op == 'r')
			journal_rollback(&j, mark);
		else if (*op == 'R')
			journal_rollback(&j, 0);
		else if (*op == 'c')
			journal_commit(&j);
	}
	lua_pushstring(L, buf_str(&done));
	lua_pushinteger(L, j.log.n);
	journal_rollback(&j, 0);
	journal_free(&j);
	buf_free(&done);
	return 2;
}

static void log_seen(void *ctx, enum log_level level, const char *area, const char *text)
{
	buf_printf(ctx, "%d|%s|%s\n", level, area, text);
}

/* log(level, area, text [, journal]) → what stderr got, what the tap got */
static int l_log(lua_State *L)
{
	int level = (int)luaL_checkinteger(L, 1), old = dup(STDERR_FILENO), fd = memfd_create("log", 0);
	const char *area = luaL_checkstring(L, 2), *text = luaL_checkstring(L, 3);
	struct buf tapped = BUF_INIT, env = BUF_INIT;
	char out[4096];
	struct stat st;
	ssize_t n;

	dup2(fd, STDERR_FILENO);
	if (lua_toboolean(L, 4) && !fstat(STDERR_FILENO, &st)) {
		buf_printf(&env, "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
		setenv("JOURNAL_STREAM", env.s, 1);
	}
	log_init(LOG_INFO);
	log_tap(log_seen, &tapped);
	log_write((enum log_level)level, area, "%s", text);
	log_tap(NULL, NULL);
	unsetenv("JOURNAL_STREAM");
	dup2(old, STDERR_FILENO);
	log_init(LOG_INFO);
	n = pread(fd, out, sizeof(out), 0);
	close(fd);
	close(old);
	lua_pushlstring(L, out, n > 0 ? (size_t)n : 0);
	lua_pushstring(L, buf_str(&tapped));
	buf_free(&tapped);
	buf_free(&env);
	return 2;
}

static int l_err(lua_State *L)
{
	struct err e = ERR_INIT;

	lua_pushstring(L, err_text(&e));
	lua_pushinteger(L, err_set(&e, -2, "inner %d", 1));
	lua_pushinteger(L, err_set(&e, -5, "outer"));
	err_prefix(&e, "%s: ", "file");
	lua_pushstring(L, err_text(&e));
	lua_pushinteger(L, e.code);
	err_free(&e);
	lua_pushboolean(L, !e.code && !e.text && err_set(NULL, -7, "nobody listens") == -7);
	return 6;
}

static void new_class(lua_State *L, const char *name, const luaL_Reg *methods)
{
	luaL_newmetatable(L, name);
	luaL_setfuncs(L, methods, 0);
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
}

int testing_base(lua_State *L)
{
	static const luaL_Reg tree[] = { { "insert", tree_l_insert }, { "remove", tree_l_remove },
		{ "at", tree_l_at }, { "list", tree_l_list }, { "depth", tree_l_depth },
		{ "__gc", tree_l_gc }, { NULL, NULL } };
	static const luaL_Reg hmap[] = { { "put", hmap_l_put }, { "find", hmap_l_find },
		{ "del", hmap_l_del }, { "list", hmap_l_list }, { "__gc", hmap_l_gc }, { NULL, NULL } };
	static const luaL_Reg fns[] = { { "addr", l_addr }, { "prefix", l_prefix }, { "mask", l_mask },
		{ "last", l_last }, { "contains", l_contains }, { "cmp", l_cmp }, { "subnet", l_subnet },
		{ "host", l_host }, { "mac", l_mac }, { "mac_format", l_mac_format }, { "glob", l_glob },
		{ "duration", l_duration }, { "duration_format", l_duration_format }, { "u64", l_u64 },
		{ "clean", l_clean }, { "suggest", l_suggest }, { "json", l_json }, { "escape", l_escape },
		{ "visible", l_visible }, { "quote", l_quote }, { "buf", l_buf }, { "hash", l_hash },
		{ "tree", l_tree }, { "hmap", l_hmap }, { "journal", l_journal }, { "log", l_log },
		{ "err", l_err }, { NULL, NULL } };

	new_class(L, "rnm.tree", tree);
	new_class(L, "rnm.hmap", hmap);
	luaL_newlib(L, fns);
	return 1;
}
