// SPDX-License-Identifier: GPL-2.0-or-later
/* Scalars of every type: numbers, symbols, bit lists. What single types do otherwise is in datatype_fmt.c. */
#include "nft/datatype.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "nft/datatype_impl.h"

const struct datatype *datatype_at(unsigned i)
{
	return i < datatype_count ? &datatypes[i] : NULL;
}

const struct datatype *datatype_by_id(enum dt_id id)
{
	return id > DT_INVALID && id <= datatype_count ? &datatypes[id - 1] : NULL;
}

const struct datatype *datatype_by_name(const char *name)
{
	for (unsigned i = 0; i < datatype_count; i++)
		if (!strcmp(datatypes[i].name, name))
			return &datatypes[i];
	return NULL;
}

static unsigned width(const struct datatype *t, unsigned bits)
{
	return bits ? bits : t->bits;
}

/* ---- numbers ---- */

/* In a register or key of n bytes, host order on a little-endian machine is the other way round. */
static void put_bytes(const struct datatype *t, const uint8_t *big, unsigned n, uint8_t *out)
{
	if (t->order != ORDER_HOST || __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) {
		memcpy(out, big, n);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		out[i] = big[n - 1 - i];
}

void datatype_put_big(const struct datatype *t, unsigned bits, const uint8_t *big, uint8_t *out)
{
	put_bytes(t, big, datatype_bytes(width(t, bits)), out);
}

void datatype_get_big(const struct datatype *t, unsigned bits, const uint8_t *p, uint8_t *big)
{
	put_bytes(t, p, datatype_bytes(width(t, bits)), big);
}

/* v has no more bits than these. */
static int put_number(const struct datatype *t, unsigned bits, uint64_t v, uint8_t *out)
{
	uint8_t big[NFT_KEY_MAX] = { 0 };
	unsigned n = datatype_bytes(bits);

	for (unsigned i = n; i-- > 0 && v; v >>= 8)
		big[i] = (uint8_t)v;
	put_bytes(t, big, n, out);
	return (int)n;
}

int datatype_put_u64(const struct datatype *t, unsigned bits, uint64_t v, uint8_t *out, struct err *e)
{
	unsigned n;

	bits = width(t, bits);
	n = datatype_bytes(bits);
	if (t->base != BASE_INTEGER && t->base != BASE_BITMASK)
		return err_set(e, -EINVAL, "a number is no value of type %s", t->name);
	if (!n || n > NFT_KEY_MAX)
		return err_set(e, -EINVAL, "type %s has no width here", t->name);
	if (bits < 64 && v >> bits)
		return err_set(e, -ERANGE, "%llu does not fit into %s (%u bits)", (unsigned long long)v,
			t->name, bits);
	return put_number(t, bits, v, out);
}

uint64_t datatype_get_u64(const struct datatype *t, unsigned bits, const uint8_t *p)
{
	uint8_t big[NFT_KEY_MAX];
	unsigned n = datatype_bytes(width(t, bits));
	uint64_t v = 0;

	if (n > NFT_KEY_MAX)
		n = NFT_KEY_MAX;
	put_bytes(t, p, n, big);
	for (unsigned i = n > 8 ? n - 8 : 0; i < n; i++)
		v = v << 8 | big[i];
	return v;
}

int datatype_cmp(const struct datatype *t, unsigned bits, const uint8_t *a, const uint8_t *b)
{
	uint8_t x[NFT_KEY_MAX], y[NFT_KEY_MAX];
	unsigned n = datatype_bytes(width(t, bits));

	if (t->order != ORDER_HOST)
		return memcmp(a, b, n);
	put_bytes(t, a, n, x);
	put_bytes(t, b, n, y);
	return memcmp(x, y, n);
}

bool datatype_number(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s[0] != '0' || s[1] < '0' || s[1] > '9')
		return parse_u64(s, max, out);
	for (s++; *s; s++) {
		if (*s < '0' || *s > '7' || v >> 61)
			return false;
		v = v << 3 | (unsigned)(*s - '0');
	}
	*out = v;
	return v <= max;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* A decimal number that fits into 64 bits for sure, as most do: where it ends. NULL: it is another one. */
static const char *scan_short(const char *s, uint64_t *out)
{
	uint64_t v = 0;
	unsigned n;

	for (n = 0; n < 18 && s[n] >= '0' && s[n] <= '9'; n++)
		v = 10 * v + (uint64_t)(s[n] - '0');
	*out = v;
	return n && (s[0] != '0' || n == 1) ? s + n : NULL;
}

const char *datatype_scan(const struct datatype *t, unsigned bits, const char *s, uint8_t *out)
{
	uint64_t v;

	bits = width(t, bits);
	if (t->id == DT_IPADDR)
		return bits == 32 ? ipv4_scan(s, out) : NULL;
	if (t->id == DT_IP6ADDR)
		return bits == 128 ? ipv6_scan(s, out) : NULL;
	if (t->parse || !bits || bits > 64)
		return NULL;
	s = scan_short(s, &v);
	if (!s || (bits < 64 && v >> bits))
		return NULL;
	put_number(t, bits, v, out);
	return s;
}

/* Any width up to NFT_KEY_MAX bytes, in the bases of C: 12, 0x0c, 014. */
static int parse_number(const struct datatype *t, unsigned bits, const char *s, uint8_t *out)
{
	uint8_t big[NFT_KEY_MAX] = { 0 };
	unsigned n = datatype_bytes(bits), base = 10;
	const char *end;
	uint64_t v;

	if (bits <= 64 && (end = scan_short(s, &v)) && !*end)
		return bits < 64 && v >> bits ? -ERANGE : put_number(t, bits, v, out);
	if (s[0] == '0' && (s[1] | 0x20) == 'x') {
		base = 16;
		s += 2;
	} else if (s[0] == '0' && s[1]) {
		base = 8;
		s++;
	}
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		unsigned carry = (unsigned)digit(*s);

		if (carry >= base)
			return -EINVAL;
		for (unsigned i = n; i-- > 0;) {
			carry += big[i] * base;
			big[i] = (uint8_t)carry;
			carry >>= 8;
		}
		if (carry)
			return -ERANGE;
	}
	if (bits % 8 && big[0] >> bits % 8)
		return -ERANGE;
	put_bytes(t, big, n, out);
	return (int)n;
}

/* ---- symbols ---- */

bool datatype_symbol(const struct datatype *t, const char *name, uint64_t *value)
{
	for (const struct dt_symbol *s = t->syms; s && s->name; s++) {
		if (!strcmp(s->name, name)) {
			*value = s->value;
			return true;
		}
	}
	return t->name_value && t->name_value(name, value);
}

const char *datatype_symbol_name(const struct datatype *t, uint64_t value)
{
	for (const struct dt_symbol *s = t->syms; s && s->name; s++)
		if (s->value == value)
			return s->name;
	return t->value_name ? t->value_name(value) : NULL;
}

static const char *next_symbol(void *ctx, size_t i)
{
	const struct datatype *t = ctx;

	return t->syms ? t->syms[i].name : NULL;
}

/* ---- text → kernel form ---- */

const char *datatype_shown(const char *s, char out[SHOWN_MAX])
{
	size_t len = strlen(s), n = 0;

	for (unsigned step; *s && n < SHOWN_MAX - 12; s += step, len -= step) {
		step = utf8_seq(s, len);
		if (step && text_is_clean(s, step)) {
			memcpy(out + n, s, step);
			n += step;
		} else {
			step = 1;
			n += (size_t)snprintf(out + n, 5, "\\x%02x", (unsigned char)*s);
		}
	}
	strcpy(out + n, *s ? "…" : "");
	return out;
}

static int bad_number(const struct datatype *t, unsigned bits, const char *s, int code, struct err *e)
{
	const char *hint;
	unsigned show = bits < 64 ? bits : 63;

	if (!e)
		return -EINVAL;
	if (code == -ERANGE && bits < 64)
		return err_set(e, -EINVAL, "'%s' is over the largest %s, %llu", SHOWN(s), t->name,
			(unsigned long long)((1ull << show) - 1));
	if (code == -ERANGE)
		return err_set(e, -EINVAL, "'%s' does not fit into %s (%u bits)", SHOWN(s), t->name, bits);
	hint = suggest(s, next_symbol, (void *)(uintptr_t)t);
	return err_set(e, -EINVAL, "'%s' is no %s%s%s%s", SHOWN(s), t->desc, hint ? ", did you mean '" : "",
		hint ? hint : "", hint ? "'?" : "");
}

static int parse_one(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	uint64_t v;
	int n;

	if (!t->parse && s[0] >= '0' && s[0] <= '9') {
		n = parse_number(t, bits, s, out);
		if (n != -EINVAL)
			return n < 0 ? bad_number(t, bits, s, n, e) : n;
	}
	if ((t->syms || t->name_value) && datatype_symbol(t, s, &v))
		return datatype_put_u64(t, bits, v, out, e);
	if (t->parse)
		return t->parse(t, bits, s, out, e);
	return bad_number(t, bits, s, -EINVAL, e);
}

static int parse_bits(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	uint8_t sum[NFT_KEY_MAX] = { 0 };
	int n = 0;

	while (s) {
		const char *end = strpbrk(s, ",|");
		const char *from = s + strspn(s, " "), *to = end ? end : s + strlen(s);
		uint8_t one[NFT_KEY_MAX];
		char word[64];

		while (to > from && to[-1] == ' ')
			to--;
		if (to == from || (size_t)(to - from) >= sizeof(word))
			return err_set(e, -EINVAL, "'%s' is no list of %s bits", SHOWN(s), t->name);
		memcpy(word, from, (size_t)(to - from));
		word[to - from] = 0;
		n = parse_one(t, bits, word, one, e);
		if (n < 0)
			return n;
		for (int i = 0; i < n; i++)
			sum[i] |= one[i];
		s = end ? end + 1 : NULL;
	}
	memcpy(out, sum, (size_t)n);
	return n;
}

int datatype_parse(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	bits = width(t, bits);
	if (!*s)
		return err_set(e, -EINVAL, "an empty string is no %s", t->desc);
	if (datatype_bytes(bits) > NFT_KEY_MAX || (!bits && !t->parse))
		return err_set(e, -EINVAL, "type %s has no width here", t->name);
	if (t->base == BASE_BITMASK && strpbrk(s, ",|"))
		return parse_bits(t, bits, s, out, e);
	return parse_one(t, bits, s, out, e);
}

/* ---- kernel form → text ---- */

static void print_number(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	uint8_t big[NFT_KEY_MAX];
	unsigned n = datatype_bytes(bits), i = 0;

	if (bits <= 64) {
		uint64_t v = datatype_get_u64(t, bits, p);

		if (t->hex)
			buf_printf(out, "0x%0*llx", t->hex, (unsigned long long)v);
		else
			buf_printf(out, "%llu", (unsigned long long)v);
		return;
	}
	/* Wider ones are raw bytes of packets: hex, without zeros in front. */
	put_bytes(t, p, n, big);
	while (i < n - 1 && !big[i])
		i++;
	buf_printf(out, "0x%x", big[i]);
	for (i++; i < n; i++)
		buf_printf(out, "%02x", big[i]);
}

static void print_bits(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	uint64_t v = datatype_get_u64(t, bits, p), rest = v;
	const char *sep = "";

	for (const struct dt_symbol *s = t->syms; s && s->name; s++) {
		if (!(v & s->value) || (rest & s->value) != s->value)
			continue;
		rest &= ~s->value;
		buf_printf(out, "%s%s", sep, s->name);
		sep = " | ";
	}
	if (rest || !v)
		buf_printf(out, "%s0x%llx", sep, (unsigned long long)rest);
}

void datatype_print_plain(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	bits = width(t, bits);
	if (t->print)
		t->print(t, bits, p, out);
	else
		print_number(t, bits, p, out);
}

void datatype_print(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	const char *name = NULL;

	bits = width(t, bits);
	if (t->base == BASE_BITMASK && t->syms) {
		print_bits(t, bits, p, out);
		return;
	}
	if ((t->syms || t->value_name) && bits <= 64)
		name = datatype_symbol_name(t, datatype_get_u64(t, bits, p));
	if (name)
		buf_printf(out, t->quote ? "\"%s\"" : "%s", name);
	else
		datatype_print_plain(t, bits, p, out);
}
