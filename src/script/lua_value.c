// SPDX-License-Identifier: GPL-2.0-or-later
/* Lua values → struct val. The conversions never raise and never allocate in Lua, so that a half-made value
 * is always freed. */
#include <errno.h>
#include <lauxlib.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>

#include "script/handle.h"

#define STRING_MAX     255
#define COMMENT_MAX    127
#define DEPTH_MAX      4
#define DURATION_MAX_S 315576000.0 /* ten years */

static int conv(lua_State *L, int idx, unsigned how, int depth, struct val *out, struct err *e);

int duration_of(lua_State *L, int idx, const char *what, uint64_t *ms, struct err *e)
{
	if (lua_type(L, idx) == LUA_TNUMBER) {
		double s = lua_tonumber(L, idx);

		if (!(s >= 0 && s <= DURATION_MAX_S))
			return err_set(
				e, -EINVAL, "%s: %g is no duration (0 to ten years, in seconds)", what, s);
		*ms = (uint64_t)llround(s * 1000);
		return 0;
	}
	if (lua_type(L, idx) != LUA_TSTRING)
		return err_set(e, -EINVAL, "%s: expected seconds or a string like \"1h30m\", got %s", what,
			type_article(L, idx));
	if (!duration_parse(lua_tostring(L, idx), ms))
		return err_set(e, -EINVAL, "%s: \"%.64s\" is no duration (\"90\", \"1h30m\", \"500ms\")",
			what, lua_tostring(L, idx));
	return 0;
}

static int timeout_of(lua_State *L, int idx, uint64_t *ms, struct err *e)
{
	int rc = duration_of(L, idx, "timeout", ms, e);

	if (rc == 0 && !*ms)
		return err_set(e, -EINVAL, "timeout: 0 is refused; leave it out for an element that stays");
	return rc;
}

static int comment_of(lua_State *L, int idx, char **out, struct err *e)
{
	size_t n;
	const char *s;

	if (lua_type(L, idx) != LUA_TSTRING)
		return err_set(e, -EINVAL, "comment: expected a string, got %s", type_article(L, idx));
	s = lua_tolstring(L, idx, &n);
	if (!text_is_clean(s, n) || n > COMMENT_MAX)
		return err_set(e, -EINVAL, "comment: expected 1 to %d printable bytes", COMMENT_MAX);
	free(*out);
	*out = xstrndup(s, n);
	return 0;
}

int value_lend(lua_State *L, int idx, struct val *out, struct err *e)
{
	size_t n;
	const char *s = lua_tolstring(L, idx, &n); /* it is a string: nothing is converted */

	if (!n)
		return err_set(e, -EINVAL, "an empty string is no value");
	if (n > STRING_MAX)
		return err_set(e, -EINVAL, "\"%.32s…\": %zu bytes are too many for a value (at most %d)", s,
			n, STRING_MAX);
	if (!text_is_clean(s, n)) {
		_buf_ struct buf b = BUF_INIT;

		buf_escape(&b, s, n);
		return err_set(e, -EINVAL, "\"%s\" has bytes that are no printable text", buf_str(&b));
	}
	*out = (struct val){ .kind = VAL_STRING, .str = (char *)s };
	return 0;
}

static int string_val(lua_State *L, int idx, struct val *out, struct err *e)
{
	int rc = value_lend(L, idx, out, e);

	if (rc == 0)
		out->str = xstrdup(out->str);
	return rc;
}

static int number_val(lua_State *L, int idx, struct val *out, struct err *e)
{
	int whole;
	lua_Integer i = lua_tointegerx(L, idx, &whole);

	if (!whole)
		return err_set(e, -EINVAL, "%g is no whole number", lua_tonumber(L, idx));
	*out = val_int(i);
	return 0;
}

static int record_val(lua_State *L, int idx, enum net_kind kind, struct val *out, struct err *e)
{
	const struct net_field *f = net_natural_field(kind);
	struct ipprefix p;
	int rc = 0;

	raw_field(L, idx, f->name);
	const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;

	if (f->type == NF_U32 && lua_isinteger(L, -1)) {
		rc = number_val(L, -1, out, e);
	} else if (!s) {
		rc = err_set(e, -EINVAL, "the record has no %s", f->name);
	} else if (f->type == NF_ADDR && ipprefix_parse(s, &p) && p.len == ipaddr_bits(&p.addr)) {
		*out = val_addr(&p.addr);
	} else if (f->type == NF_PREFIX && strcmp(s, "default") == 0) {
		raw_field(L, idx, "family");
		memset(&p, 0, sizeof(p));
		p.addr.family = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "ipv6") == 0
					? AF_INET6
					: AF_INET;
		lua_pop(L, 1);
		*out = val_prefix(&p);
	} else if (f->type == NF_PREFIX && ipprefix_parse(s, &p)) {
		*out = val_prefix(&p);
	} else {
		rc = string_val(L, -1, out, e);
		if (rc == 0 && kind == NET_LINK) {
			raw_field(L, idx, "ifindex");
			out->num = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
			lua_pop(L, 1);
		}
	}
	lua_pop(L, 1);
	return rc;
}

static int userdata_val(lua_State *L, int idx, struct val *out, struct err *e)
{
	struct handle *h;

	switch (type_tag(L, idx)) {
	case TAG_VALUE: *out = val_copy(lua_touserdata(L, idx)); return 0;
	case TAG_LIVE:
		out->kind = VAL_LIVE;
		out->live = *(struct live **)lua_touserdata(L, idx);
		out->owned = true;
		live_ref(out->live);
		return 0;
	case TAG_TABLE: return err_set(e, -EINVAL, "a table's handle is no value");
	case TAG_CHAIN:
	case TAG_SET:
	case TAG_MAP:
	case TAG_OBJECT:
	case TAG_FLOWTABLE:
		h = lua_touserdata(L, idx);
		out->kind = VAL_OBJ;
		out->obj_kind = (uint8_t)obj_kind(h->obj);
		out->str = xstrdup(obj_name(h->obj));
		return 0;
	case TAG_NONE:
	case TAG_BLOCK:
	case TAG_HANDLE:
	case TAG_STATE:
	case TAG_LOAD:
	case TAG_BUF:
	case TAG_READONLY:
	case TAG_RECORD: break;
	}
	return err_set(e, -EINVAL, "%s is no value", type_article(L, idx));
}

/* ---- tables ---- */

static void push_item_val(struct val *list, struct val *item)
{
	if (list->n == 0 || (list->n >= 4 && (list->n & (list->n - 1)) == 0))
		list->list = xrealloc(list->list, list->n ? 2 * list->n : 4, sizeof(*list->list));
	list->list[list->n++] = *item;
}

static int put_item(struct val *list, struct val *item, struct err *e)
{
	if (list->n >= VALUE_ITEMS_MAX) {
		val_free(item);
		return err_set(e, -E2BIG, "a table of more than %u values", VALUE_ITEMS_MAX);
	}
	push_item_val(list, item);
	return 0;
}

/* { "10.0.0.1", 80, timeout = "1h", comment = "x" } */
static int element_val(lua_State *L, int idx, int depth, struct val *out, struct err *e)
{
	lua_Unsigned n = lua_rawlen(L, idx);
	struct val item = { 0 }, opts = { 0 };
	int rc = 0;

	if (!n)
		return err_set(e, -EINVAL, "an element must have a value at [1]");
	for (lua_Unsigned i = 1; i <= n && rc == 0; i++) {
		lua_rawgeti(L, idx, (lua_Integer)i);
		rc = conv(L, lua_gettop(L), VALUE_ELEM, depth + 1, &item, e);
		lua_pop(L, 1);
		if (rc == 0 && item.kind == VAL_LIVE)
			rc = err_set(e, -EINVAL, "a query can not be part of an element");
		if (rc == 0)
			rc = put_item(out, &item, e);
		item = (struct val){ 0 };
	}
	lua_pushnil(L);
	while (lua_next(L, idx)) {
		const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;

		if (rc < 0)
			; /* only walks to the end, which keeps the stack simple */
		else if (key && strcmp(key, "timeout") == 0)
			rc = timeout_of(L, lua_gettop(L), &opts.timeout_ms, e);
		else if (key && strcmp(key, "comment") == 0)
			rc = comment_of(L, lua_gettop(L), &opts.comment, e);
		else if (key)
			rc = err_set(e, -EINVAL, "an element has no field \"%.64s\" (timeout, comment)", key);
		else if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 ||
			 (lua_Unsigned)lua_tointeger(L, -2) > n)
			rc = err_set(e, -EINVAL, "an element's parts must be an array");
		lua_pop(L, 1);
	}
	if (rc < 0) {
		free(opts.comment);
		return rc;
	}
	if (out->n == 1) {
		struct val one = out->list[0];

		free(out->list);
		*out = one;
	} else {
		out->kind = VAL_CONCAT;
	}
	if (opts.timeout_ms)
		out->timeout_ms = opts.timeout_ms;
	if (opts.comment) {
		free(out->comment);
		out->comment = opts.comment;
	}
	return 0;
}

static bool is_array(lua_State *L, int idx)
{
	lua_Unsigned n = lua_rawlen(L, idx);
	lua_Unsigned seen = 0;

	lua_pushnil(L);
	while (lua_next(L, idx)) {
		lua_pop(L, 1);
		if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 ||
			(lua_Unsigned)lua_tointeger(L, -1) > n) {
			lua_pop(L, 1);
			return false;
		}
		seen++;
	}
	return seen == n;
}

static int list_of(lua_State *L, int idx, int depth, struct val *out, struct err *e)
{
	lua_Unsigned n = lua_rawlen(L, idx);
	int rc = 0;

	out->kind = VAL_LIST;
	for (lua_Unsigned i = 1; i <= n && rc == 0; i++) {
		struct val item = { 0 };

		lua_rawgeti(L, idx, (lua_Integer)i);
		rc = conv(L, lua_gettop(L), VALUE_ELEM, depth + 1, &item, e);
		lua_pop(L, 1);
		if (rc == 0 && item.kind == VAL_LIVE)
			rc = err_set(e, -EINVAL, "a query can not be an item of a list; give it alone");
		if (rc == 0)
			rc = put_item(out, &item, e);
		else
			err_prefix(e, "item %llu: ", (unsigned long long)i);
	}
	return rc;
}

struct pair {
	char *text;
	struct val key, data;
};

static int pair_cmp(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->key.kind == VAL_INT && y->key.kind == VAL_INT)
		return (x->key.num > y->key.num) - (x->key.num < y->key.num);
	return strcmp(x->text, y->text);
}

static int map_of(lua_State *L, int idx, int depth, struct val *out, struct err *e)
{
	VEC(struct pair) pairs = { 0 };
	int rc = 0;

	out->kind = VAL_MAP;
	lua_pushnil(L);
	while (lua_next(L, idx)) {
		struct pair p = { NULL, { 0 }, { 0 } };
		int top = lua_gettop(L);

		if (rc == 0)
			rc = conv(L, top - 1, VALUE_ELEM, depth + 1, &p.key, e);
		if (rc == 0)
			rc = conv(L, top, VALUE_ELEM, depth + 1, &p.data, e);
		if (rc == 0 && (p.data.kind == VAL_LIVE || p.key.kind == VAL_LIVE))
			rc = err_set(e, -EINVAL, "a query can not be part of a map");
		if (rc == 0 && pairs.n >= VALUE_ITEMS_MAX)
			rc = err_set(e, -E2BIG, "a table of more than %u values", VALUE_ITEMS_MAX);
		if (rc < 0) {
			val_free(&p.key);
			val_free(&p.data);
		} else {
			_buf_ struct buf b = BUF_INIT;

			val_text(&p.key, &b);
			buf_str(&b);
			p.text = buf_take(&b);
			if (p.data.timeout_ms) /* of the element, whose name is the key */
				p.key.timeout_ms = p.data.timeout_ms;
			if (p.data.comment) {
				p.key.comment = p.data.comment;
				p.data.comment = NULL;
			}
			vec_push(&pairs, p);
		}
		lua_pop(L, 1);
	}
	if (pairs.n > 1)
		qsort(pairs.v, pairs.n, sizeof(*pairs.v), pair_cmp);
	if (pairs.n)
		out->list = xcalloc(2 * (size_t)pairs.n, sizeof(*out->list));
	vec_foreach (p, &pairs) {
		free(p->text);
		out->list[out->n++] = p->key;
		out->list[out->n++] = p->data;
	}
	vec_free(&pairs);
	return rc;
}

static int table_val(lua_State *L, int idx, unsigned how, int depth, struct val *out, struct err *e)
{
	int kind = record_kind(L, idx), rc;

	if (kind >= 0 && !(how & VALUE_MAP))
		return record_val(L, idx, (enum net_kind)kind, out, e);
	if (readonly_unwrap(L, idx)) {
		rc = table_val(L, lua_gettop(L), how, depth, out, e);
		lua_pop(L, 1);
		return rc;
	}
	if (depth >= DEPTH_MAX)
		return err_set(e, -EINVAL, "tables in tables deeper than %d are no value", DEPTH_MAX);
	if (how & VALUE_MAP)
		return map_of(L, idx, depth, out, e);
	if (how & VALUE_ELEM)
		return element_val(L, idx, depth, out, e);
	return is_array(L, idx) ? list_of(L, idx, depth, out, e) : map_of(L, idx, depth, out, e);
}

/* A part of rnm.state, as state_keep() left it: nothing here may raise. */
static int state_val(lua_State *L, int idx, unsigned how, int depth, struct val *out, struct err *e)
{
	int rc;

	if (lua_getiuservalue(L, idx, 1) == LUA_TTABLE)
		rc = table_val(L, lua_gettop(L), how, depth, out, e);
	else
		rc = err_set(e, -EINVAL, "rnm.state is no value");
	lua_pop(L, 1);
	return rc;
}

static int conv(lua_State *L, int idx, unsigned how, int depth, struct val *out, struct err *e)
{
	int rc;

	*out = (struct val){ .kind = VAL_NIL };
	if (!lua_checkstack(L, 10))
		return err_set(e, -ENOMEM, "no memory for Lua's stack");
	switch (lua_type(L, idx)) {
	case LUA_TSTRING: rc = string_val(L, idx, out, e); break;
	case LUA_TNUMBER: rc = number_val(L, idx, out, e); break;
	case LUA_TTABLE: rc = table_val(L, idx, how, depth, out, e); break;
	case LUA_TUSERDATA:
		rc = type_tag(L, idx) == TAG_STATE ? state_val(L, idx, how, depth, out, e)
						   : userdata_val(L, idx, out, e);
		break;
	default: rc = err_set(e, -EINVAL, "%s is no value", type_article(L, idx));
	}
	if (rc < 0)
		val_free(out);
	return rc;
}

int value_of(lua_State *L, int idx, unsigned how, struct val *out, struct err *e)
{
	return conv(L, lua_absindex(L, idx), how, 0, out, e);
}

bool value_is_plain(lua_State *L, int idx)
{
	if (lua_type(L, idx) != LUA_TTABLE || record_kind(L, idx) >= 0)
		return false;
	if (!readonly_unwrap(L, idx))
		return true;
	lua_pop(L, 1);
	return false;
}

int prefix_of(lua_State *L, int idx, struct ipprefix *out, bool *bare, struct err *e)
{
	struct val v = { 0 };
	int rc = value_of(L, idx, 0, &v, e);

	if (rc < 0)
		return rc;
	*bare = true;
	if (v.kind == VAL_ADDR || v.kind == VAL_PREFIX) {
		*out = v.ip;
		*bare = v.kind == VAL_ADDR;
	} else if (v.kind == VAL_STRING && ipprefix_parse(v.str, out)) {
		*bare = !strchr(v.str, '/');
	} else {
		_buf_ struct buf b = BUF_INIT;

		val_text(&v, &b);
		rc = err_set(e, -EINVAL, "%s is no address or prefix", buf_str(&b));
	}
	val_free(&v);
	return rc;
}
