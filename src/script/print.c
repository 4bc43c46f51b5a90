// SPDX-License-Identifier: GPL-2.0-or-later
/* Values as text for rnm eval: keys sorted, bounded in depth and size. Calls no metamethods and never raises.
 */
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "script/handle.h"

#define DEPTH_MAX    6
#define ITEMS_MAX    1000 /* of one table */
#define BYTES_MAX    (256u << 10)
#define OBJECT_BYTES (16u << 10) /* of the text of an object */
#define LINE_FITS    100         /* tables up to this long are printed in one line */

struct printer {
	lua_State *L;
	struct buf *out;
	size_t start;
	bool colours;
	size_t unseen;                /* bytes of colours so far */
	const void *above[DEPTH_MAX]; /* the tables that the present one is in */
};

enum colour { COLOUR_STRING, COLOUR_NUMBER, COLOUR_WORD, COLOUR_OBJECT, COLOUR_NONE };

static void colour(struct printer *p, enum colour c)
{
	static const char *const sgr[] = { [COLOUR_STRING] = "\033[32m",
		[COLOUR_NUMBER] = "\033[36m",
		[COLOUR_WORD] = "\033[33m",
		[COLOUR_OBJECT] = "\033[35m",
		[COLOUR_NONE] = "\033[m" };

	if (!p->colours)
		return;
	buf_puts(p->out, sgr[c]);
	p->unseen += strlen(sgr[c]);
}

static void word(struct printer *p, enum colour c, const char *text)
{
	colour(p, c);
	buf_puts(p->out, text);
	colour(p, COLOUR_NONE);
}

static void value(struct printer *p, int idx, bool top, int depth);

static bool full(const struct printer *p)
{
	return p->out->n - p->start > BYTES_MAX;
}

/* Marks that make a terminal show text in another order than it stands in. */
static bool reorders(const char *s, unsigned n)
{
	unsigned char a = (unsigned char)s[0], b = (unsigned char)s[1], c = n == 3 ? (unsigned char)s[2] : 0;

	return a == 0xe2 && ((b == 0x80 && (c == 0x8e || c == 0x8f || (c >= 0xaa && c <= 0xae))) ||
				    (b == 0x81 && c >= 0xa6 && c <= 0xa9));
}

/* One character (seq 0: a byte that is none), so that a terminal only shows it. */
static void put_char(struct buf *out, const char *s, unsigned seq)
{
	if (seq == 3 && reorders(s, seq))
		for (unsigned j = 0; j < seq; j++)
			buf_printf(out, "\\x%02x", (unsigned char)s[j]);
	else
		buf_visible(out, s, seq ? seq : 1);
}

static void quoted(struct buf *out, const char *s, size_t n)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)s[i];
		unsigned seq = utf8_seq(s + i, n - i);

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c < 0x20 || c == 0x7f || !seq)
			buf_printf(out, "\\x%02x", c);
		else if (c >= 0x20 && c < 0x7f)
			buf_putc(out, (char)c);
		else
			put_char(out, s + i, seq);
		i += seq ? seq : 1;
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

	for (int i = 0; i < n; i++) {
		if (full(p)) { /* of the table that is too long; those around it say the same of theirs */
			buf_printf(p->out, "%s… %d more", lines ? "\n" : ", ", n - i);
			return;
		}
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
	unsigned more = 0;
	size_t mark, unseen;

	for (int d = 0; d < depth && d < DEPTH_MAX; d++)
		if (p->above[d] == lua_topointer(L, idx)) {
			word(p, COLOUR_OBJECT, "<cycle>");
			return;
		}
	if (depth >= DEPTH_MAX) {
		buf_puts(p->out, "{…}");
		return;
	}
	p->above[depth] = lua_topointer(L, idx);
	/* all pairs stay on the stack while they are sorted and printed: nothing is allocated in Lua but
	 * stack */
	if (!lua_checkstack(L, 2 * ITEMS_MAX + 20)) {
		buf_puts(p->out, "{…}");
		return;
	}
	lua_pushnil(L);
	while (lua_next(L, idx)) {
		if (n == ITEMS_MAX) {
			more++;
			lua_pop(L, 1);
			continue;
		}
		at[n++] = lua_gettop(L) - 1;
		lua_pushvalue(L, -2); /* the key again, to go on with */
	}
	sort_state = L;
	qsort(at, (size_t)n, sizeof(*at), key_order);
	buf_putc(p->out, '{');
	mark = p->out->n;
	unseen = p->unseen;
	put_entries(p, at, n, false, depth);
	if (p->out->n - mark - (p->unseen - unseen) > LINE_FITS ||
		(n && memchr(p->out->s + mark, '\n', p->out->n - mark))) {
		p->out->n = mark;
		p->out->s[mark] = '\0';
		put_entries(p, at, n, true, depth);
		if (more) {
			buf_putc(p->out, '\n');
			for (int d = 0; d <= depth; d++)
				buf_puts(p->out, "  ");
			buf_printf(p->out, "… %u more", more);
		}
		buf_putc(p->out, '\n');
		for (int d = 0; d < depth; d++)
			buf_puts(p->out, "  ");
	} else {
		buf_puts(p->out, n ? " " : "");
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

/* What stands behind a handle: as the last transaction left it, so only where this one leaves it at that. */
static void object(struct printer *p, const struct handle *h)
{
	struct pack *pk = vm_user(p->L);
	const struct subject *sub = pk->run->sub;
	bool table = obj_kind(h->obj) == OBJ_TABLE;
	_buf_ struct buf what = BUF_INIT, text = BUF_INIT;

	if (sub && sub->sc && !scope_only_names(sub->sc))
		return;
	buf_printf(&what, "%s %s%s%s", nft_family_name(obj_family(h->obj)), obj_table(h->obj),
		table ? "" : " ", table ? "" : obj_name(h->obj));
	if (ruleset_text(pk->s->rs, buf_str(&what), &text, NULL) < 0)
		return;
	while (text.n && text.s[text.n - 1] == '\n')
		text.s[--text.n] = '\0';
	buf_putc(p->out, '\n');
	print_safe(text.s, text.n < OBJECT_BYTES ? text.n : OBJECT_BYTES, p->out);
	if (text.n > OBJECT_BYTES)
		buf_printf(p->out, "… %zu more bytes; rnm list %s", text.n - OBJECT_BYTES, buf_str(&what));
}

static void userdata(struct printer *p, int idx, bool top)
{
	lua_State *L = p->L;
	struct handle *h = to_handle(L, idx);
	struct live *l = to_live(L, idx);
	const struct val *v = to_value(L, idx);

	if (h) {
		colour(p, COLOUR_OBJECT);
		handle_text(h, p->out);
		colour(p, COLOUR_NONE);
		if (top)
			object(p, h);
	} else if (l && top && live_base(l)) {
		records(p, l);
	} else if (l) {
		l->ops->text(l, p->out);
	} else if (v) {
		val_text(v, p->out);
	} else {
		switch (type_tag(L, idx)) {
		case TAG_BLOCK: word(p, COLOUR_OBJECT, "<block>"); break;
		case TAG_HANDLE: word(p, COLOUR_OBJECT, "<handle>"); break;
		case TAG_STATE: {
			_buf_ struct buf text = BUF_INIT;

			state_value(L, idx, &text);
			print_safe(buf_str(&text), text.n, p->out);
			break;
		}
		default: word(p, COLOUR_OBJECT, "<userdata>"); break;
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
	case LUA_TNIL: word(p, COLOUR_WORD, "nil"); break;
	case LUA_TBOOLEAN: word(p, COLOUR_WORD, lua_toboolean(L, idx) ? "true" : "false"); break;
	case LUA_TNUMBER:
		colour(p, COLOUR_NUMBER);
		number(L, idx, p->out);
		colour(p, COLOUR_NONE);
		break;
	case LUA_TSTRING:
		s = lua_tolstring(L, idx, &n);
		if (n > BYTES_MAX)
			n = BYTES_MAX;
		if (top && p->colours) {
			print_safe(s, n, p->out);
		} else if (top) {
			buf_put(p->out, s, n);
		} else {
			colour(p, COLOUR_STRING);
			quoted(p->out, s, n);
			colour(p, COLOUR_NONE);
		}
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
	case LUA_TFUNCTION: word(p, COLOUR_OBJECT, "<function>"); break;
	case LUA_TTHREAD: word(p, COLOUR_OBJECT, "<coroutine>"); break;
	default: word(p, COLOUR_OBJECT, "<pointer>"); break;
	}
}

void print_safe(const char *s, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n;) {
		unsigned seq = utf8_seq(s + i, n - i);

		if (s[i] == '\n' || s[i] == '\t' || (s[i] >= 0x20 && s[i] < 0x7f))
			buf_putc(out, s[i]);
		else
			put_char(out, s + i, seq);
		i += seq ? seq : 1;
	}
}

void print_value(lua_State *L, int idx, bool top, bool colours, struct buf *out)
{
	struct printer p = { .L = L, .out = out, .start = out->n, .colours = colours };

	if (lua_checkstack(L, 20))
		value(&p, lua_absindex(L, idx), top, 0);
}
