// SPDX-License-Identifier: GPL-2.0-or-later
/* Values as text for rnm eval: keys sorted, bounded in depth and size. Calls no metamethods and never raises.
 */
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "script/handle.h"

#define DEPTH_MAX 6
#define ITEMS_MAX 1000 /* of one table */
#define BYTES_MAX (256u << 10)
#define LINE_FITS 100 /* tables up to this long are printed in one line */

struct printer {
	lua_State *L;
	struct buf *out;
	size_t start;
};

static void value(struct printer *p, int idx, bool top, int depth);

static bool full(const struct printer *p)
{
	return p->out->n - p->start > BYTES_MAX;
}

static void quoted(struct buf *out, const char *s, size_t n)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c < 0x20 || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, (char)c);
	}
	buf_putc(out, '"');
}

static void number(lua_State *L, int idx, struct buf *out)
{
	double d = lua_tonumber(L, idx);

	if (lua_isinteger(L, idx))
		buf_printf(out, "%lld", (long long)lua_tointeger(L, idx));
	else if (isnan(d) || isinf(d))
		buf_puts(out, isnan(d) ? "nan" : d > 0 ? "inf" : "-inf");
	else
		buf_printf(out, d == floor(d) && fabs(d) < 1e15 ? "%.1f" : "%.14g", d);
}

static bool is_word(const char *s, size_t n)
{
	if (!n || (*s >= '0' && *s <= '9'))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!(s[i] == '_' || (s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'z') ||
			    (s[i] >= 'A' && s[i] <= 'Z')))
			return false;
	return true;
}

/* ---- tables ---- */

static lua_State *sort_state; /* qsort has no argument for it; one thread */

static int key_rank(lua_State *L, int idx)
{
	switch (lua_type(L, idx)) {
	case LUA_TNUMBER: return 0;
	case LUA_TSTRING: return 1;
	default: return 2;
	}
}

static int key_order(const void *a, const void *b)
{
	lua_State *L = sort_state;
	int x = *(const int *)a, y = *(const int *)b, rx = key_rank(L, x), ry = key_rank(L, y);

	if (rx != ry)
		return rx - ry;
	if (rx == 0) {
		double dx = lua_tonumber(L, x), dy = lua_tonumber(L, y);

		return (dx > dy) - (dx < dy);
	}
	if (rx == 1) {
		size_t nx, ny;
		const char *sx = lua_tolstring(L, x, &nx), *sy = lua_tolstring(L, y, &ny);
		int c = memcmp(sx, sy, nx < ny ? nx : ny);

		return c ? c : (nx > ny) - (nx < ny);
	}
	return x - y;
}

static void entry_key(struct printer *p, int idx, lua_Integer *next)
{
	lua_State *L = p->L;

	if (lua_isinteger(L, idx) && lua_tointeger(L, idx) == *next) { /* the array part goes without keys */
		++*next;
		return;
	}
	if (lua_type(L, idx) == LUA_TSTRING) {
		size_t n;
		const char *s = lua_tolstring(L, idx, &n);

		if (is_word(s, n)) {
			buf_printf(p->out, "%s = ", s);
			return;
		}
	}
	buf_putc(p->out, '[');
	value(p, idx, false, DEPTH_MAX);
	buf_puts(p->out, "] = ");
}

static void put_entries(struct printer *p, const int *at, int n, bool lines, int depth)
{
	lua_Integer next = 1;

	for (int i = 0; i < n && !full(p); i++) {
		if (lines) {
			buf_putc(p->out, '\n');
			for (int d = 0; d <= depth; d++)
				buf_puts(p->out, "  ");
		} else {
			buf_puts(p->out, i ? ", " : " ");
		}
		entry_key(p, at[i], &next);
		value(p, at[i] + 1, false, depth + 1);
		if (lines)
			buf_putc(p->out, ',');
	}
}

static void table(struct printer *p, int idx, int depth)
{
	lua_State *L = p->L;
	int top = lua_gettop(L), n = 0, at[ITEMS_MAX];
	bool more = false;
	size_t mark;

	if (depth >= DEPTH_MAX) {
		buf_puts(p->out, "{…}");
		return;
	}
	/* all pairs stay on the stack while they are sorted and printed: nothing is allocated in Lua but
	 * stack */
	if (!lua_checkstack(L, 2 * ITEMS_MAX + 20)) {
		buf_puts(p->out, "{…}");
		return;
	}
	lua_pushnil(L);
	while (lua_next(L, idx)) {
		if (n == ITEMS_MAX) {
			more = true;
			break;
		}
		at[n++] = lua_gettop(L) - 1;
		lua_pushvalue(L, -2); /* the key again, to go on with */
	}
	sort_state = L;
	qsort(at, (size_t)n, sizeof(*at), key_order);
	buf_putc(p->out, '{');
	mark = p->out->n;
	put_entries(p, at, n, false, depth);
	if (p->out->n - mark > LINE_FITS || (n && memchr(p->out->s + mark, '\n', p->out->n - mark))) {
		p->out->n = mark;
		p->out->s[mark] = '\0';
		put_entries(p, at, n, true, depth);
		if (more)
			buf_puts(p->out, " …");
		buf_putc(p->out, '\n');
		for (int d = 0; d < depth; d++)
			buf_puts(p->out, "  ");
	} else {
		buf_puts(p->out, more ? ", … " : n ? " " : "");
	}
	buf_putc(p->out, '}');
	lua_settop(L, top);
}

/* ---- what is ours ---- */

static void records(struct printer *p, struct live *l)
{
	struct query *q = live_base(l);
	uint32_t n = query_count(q);

	l->ops->text(l, p->out);
	if (live_mapped(l))
		return;
	buf_printf(p->out, ": %u record%s", n, n == 1 ? "" : "s");
	for (uint32_t i = 0; i < n && i < 100 && !full(p); i++) {
		const struct net_rec *r = query_at(q, i);
		unsigned nf;
		const struct net_field *f = net_fields(r->kind, &nf);
		struct net_val v;

		buf_puts(p->out, "\n ");
		for (unsigned j = 0; j < nf; j++) {
			f[j].get(r, &v);
			if (v.absent)
				continue;
			buf_printf(p->out, " %s=", f[j].name);
			net_val_show(&v, p->out);
		}
	}
	if (n > 100)
		buf_printf(p->out, "\n  … and %u more", n - 100);
}

static void userdata(struct printer *p, int idx, bool top)
{
	lua_State *L = p->L;
	struct handle *h = to_handle(L, idx);
	struct live *l = to_live(L, idx);
	const struct val *v = to_value(L, idx);

	if (h) {
		handle_text(h, p->out);
	} else if (l && top && live_base(l)) {
		records(p, l);
	} else if (l) {
		l->ops->text(l, p->out);
	} else if (v) {
		val_text(v, p->out);
	} else {
		switch (type_tag(L, idx)) {
		case TAG_BLOCK: buf_puts(p->out, "<block>"); break;
		case TAG_HANDLE: buf_puts(p->out, "<handle>"); break;
		case TAG_STATE: state_value(L, idx, p->out); break;
		default: buf_puts(p->out, "<userdata>"); break;
		}
	}
}

static void value(struct printer *p, int idx, bool top, int depth)
{
	lua_State *L = p->L;
	size_t n;
	const char *s;

	if (full(p)) {
		buf_puts(p->out, "…");
		return;
	}
	switch (lua_type(L, idx)) {
	case LUA_TNIL: buf_puts(p->out, "nil"); break;
	case LUA_TBOOLEAN: buf_puts(p->out, lua_toboolean(L, idx) ? "true" : "false"); break;
	case LUA_TNUMBER: number(L, idx, p->out); break;
	case LUA_TSTRING:
		s = lua_tolstring(L, idx, &n);
		if (n > BYTES_MAX)
			n = BYTES_MAX;
		if (top)
			buf_put(p->out, s, n);
		else
			quoted(p->out, s, n);
		break;
	case LUA_TTABLE:
		if (readonly_unwrap(L, idx)) {
			table(p, lua_gettop(L), depth);
			lua_pop(L, 1);
		} else {
			table(p, idx, depth);
		}
		break;
	case LUA_TUSERDATA: userdata(p, idx, top); break;
	case LUA_TFUNCTION: buf_puts(p->out, "<function>"); break;
	case LUA_TTHREAD: buf_puts(p->out, "<coroutine>"); break;
	default: buf_puts(p->out, "<pointer>"); break;
	}
}

void print_value(lua_State *L, int idx, bool top, struct buf *out)
{
	struct printer p = { L, out, out->n };

	if (lua_checkstack(L, 20))
		value(&p, lua_absindex(L, idx), top, 0);
}
