// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/val.h"

#include <string.h>

#include "base/text.h"
#include "nft/live.h"

struct val val_string(const char *s, size_t n)
{
	return (struct val){ .kind = VAL_STRING, .str = xstrndup(s, n) };
}

struct val val_int(int64_t i)
{
	return (struct val){ .kind = VAL_INT, .num = i };
}

struct val val_addr(const struct ipaddr *a)
{
	return (struct val){ .kind = VAL_ADDR, .ip = { *a, (uint8_t)ipaddr_bits(a) } };
}

struct val val_prefix(const struct ipprefix *p)
{
	return (struct val){ .kind = VAL_PREFIX, .ip = { ipaddr_mask(&p->addr, p->len), p->len } };
}

struct val val_copy(const struct val *v)
{
	struct val c = *v;

	c.str = v->str ? xstrdup(v->str) : NULL;
	c.comment = v->comment ? xstrdup(v->comment) : NULL;
	c.list = NULL;
	if (v->owned)
		v->live->ops->ref(v->live);
	if (v->n) {
		c.list = xcalloc(v->n, sizeof(*c.list));
		for (uint32_t i = 0; i < v->n; i++)
			c.list[i] = val_copy(&v->list[i]);
	}
	return c;
}

void val_free(struct val *v)
{
	for (uint32_t i = 0; i < v->n; i++)
		val_free(&v->list[i]);
	if (v->owned)
		v->live->ops->put(v->live);
	free(v->list);
	free(v->str);
	free(v->comment);
	*v = (struct val){ 0 };
}

static bool str_equal(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

bool val_equal(const struct val *a, const struct val *b)
{
	if (a->kind != b->kind || a->timeout_ms != b->timeout_ms || a->n != b->n ||
		!str_equal(a->comment, b->comment))
		return false;
	switch (a->kind) {
	case VAL_NIL: return true;
	case VAL_INT: return a->num == b->num;
	case VAL_ADDR:
	case VAL_PREFIX: return !ipprefix_cmp(&a->ip, &b->ip);
	case VAL_MAC: return !memcmp(a->mac, b->mac, sizeof(a->mac));
	case VAL_STRING:
	case VAL_GLOB: return str_equal(a->str, b->str);
	case VAL_OBJ: return a->obj_kind == b->obj_kind && str_equal(a->str, b->str);
	case VAL_LIVE: return a->live == b->live;
	case VAL_RANGE:
	case VAL_CONCAT:
	case VAL_LIST:
	case VAL_MAP: break;
	}
	for (uint32_t i = 0; i < a->n; i++)
		if (!val_equal(&a->list[i], &b->list[i]))
			return false;
	return true;
}

static bool is_number(const char *s)
{
	uint64_t v;

	return parse_u64(s, UINT64_MAX, &v);
}

static bool is_addr(const char *s)
{
	struct ipprefix p;

	return ipprefix_parse(s, &p);
}

/* What nft takes without quotes: addresses, numbers, words. Everything else (names of links) stands in
 * quotes. */
static void put_string(struct buf *out, const char *s)
{
	uint8_t mac[6];

	if (is_number(s) || is_addr(s) || mac_parse(s, mac)) {
		buf_puts(out, s);
		return;
	}
	buf_quote(out, s, strlen(s));
}

static void put_list(const struct val *v, const char *sep, struct buf *out)
{
	for (uint32_t i = 0; i < v->n; i++) {
		if (i)
			buf_puts(out, sep);
		val_text(&v->list[i], out);
	}
}

static void put_map(const struct val *v, struct buf *out)
{
	for (uint32_t i = 0; i + 1 < v->n; i += 2) {
		if (i)
			buf_puts(out, ", ");
		val_text(&v->list[i], out);
		buf_puts(out, " : ");
		val_text(&v->list[i + 1], out);
	}
}

static void put_options(const struct val *v, struct buf *out)
{
	char dur[48];

	if (v->timeout_ms)
		buf_printf(out, " timeout %s", duration_format(v->timeout_ms, dur));
	if (v->comment) {
		buf_puts(out, " comment ");
		buf_quote(out, v->comment, strlen(v->comment));
	}
}

void val_text(const struct val *v, struct buf *out)
{
	char text[MAC_STRLEN];

	switch (v->kind) {
	case VAL_NIL: buf_puts(out, "nil"); break;
	case VAL_INT: buf_printf(out, "%lld", (long long)v->num); break;
	case VAL_ADDR: buf_puts(out, ipaddr_format(&v->ip.addr, text)); break;
	case VAL_PREFIX: buf_puts(out, ipprefix_format(&v->ip, text)); break;
	case VAL_MAC: buf_puts(out, mac_format(v->mac, sizeof(v->mac), text)); break;
	case VAL_STRING:
	case VAL_GLOB: put_string(out, v->str ? v->str : ""); break;
	case VAL_OBJ:
		buf_putc(out, '@');
		buf_visible(out, v->str ? v->str : "", v->str ? strlen(v->str) : 0);
		break;
	case VAL_RANGE: put_list(v, "-", out); break;
	case VAL_CONCAT: put_list(v, " . ", out); break;
	case VAL_LIST:
	case VAL_MAP:
		buf_puts(out, "{ ");
		if (v->kind == VAL_MAP)
			put_map(v, out);
		else
			put_list(v, ", ", out);
		buf_puts(out, v->n ? " }" : "}");
		break;
	case VAL_LIVE:
		if (v->live)
			v->live->ops->text(v->live, out);
		break;
	}
	put_options(v, out);
}
