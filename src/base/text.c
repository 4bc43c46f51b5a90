// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define SUGGEST_MAX 64 /* longer words are no typing errors */

static inline char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned min_u(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Insert, delete, replace, swap of neighbours cost one each. Both texts are at most SUGGEST_MAX long. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned rows[3][SUGGEST_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= nb; j++)
		last[j] = (unsigned)j;
	memcpy(before, last, sizeof(rows[0]));
	for (size_t i = 1; i <= na; i++) {
		unsigned *oldest = before;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			char x = lower(a[i - 1]), y = lower(b[j - 1]);

			now[j] = min_u(min_u(last[j], now[j - 1]) + 1, last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
				now[j] = min_u(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = oldest;
	}
	return last[nb];
}

const char *suggest(const char *word, const char *(*next)(void *ctx, size_t i), void *ctx)
{
	size_t n = strlen(word);
	unsigned best = n < 6 ? 1 : (unsigned)(n / 3);
	const char *found = NULL, *c;

	if (!n || n > SUGGEST_MAX)
		return NULL;
	for (size_t i = 0; (c = next(ctx, i)); i++) {
		size_t nc = strlen(c);
		unsigned d;

		if (nc > SUGGEST_MAX || nc > n + best || n > nc + best || !strcmp(c, word))
			continue;
		d = distance(word, n, c, nc);
		if (d < best || (d == best && !found)) {
			best = d;
			found = c;
		}
	}
	return found;
}

struct list {
	const char *const *v;
	size_t n;
};

static const char *list_next(void *ctx, size_t i)
{
	const struct list *l = ctx;

	return i < l->n ? l->v[i] : NULL;
}

const char *suggest_in(const char *word, const char *const *list, size_t n)
{
	struct list l = { list, n };

	return suggest(word, list_next, &l);
}

bool glob_match(const char *p, const char *s)
{
	const char *star = NULL, *from = NULL;

	/* On a mismatch only the last star takes one byte more: earlier ones never need to. */
	while (*s) {
		if (*p == '*') {
			star = ++p;
			from = s;
		} else if (*p == '?' || (*p && *p == *s)) {
			p++;
			s++;
		} else if (star) {
			p = star;
			s = ++from;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return !*p;
}

bool glob_is(const char *s)
{
	return strpbrk(s, "*?") != NULL;
}

static const struct unit {
	const char *name;
	uint64_t ms;
} units[] = { { "w", 604800000 }, { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 },
	{ "ms", 1 } };
#define N_UNITS (sizeof(units) / sizeof(units[0]))

static bool digits(const char **s, uint64_t *out)
{
	uint64_t v = 0;
	const char *p = *s;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (unsigned)(*p - '0'), &v))
			return false;
	if (p == *s)
		return false;
	*s = p;
	*out = v;
	return true;
}

bool duration_parse(const char *s, uint64_t *ms)
{
	uint64_t sum = 0, v;
	size_t unit = 0;

	if (!digits(&s, &v))
		return false;
	if (!*s) {
		if (__builtin_mul_overflow(v, 1000u, &sum))
			return false;
	} else {
		for (;;) {
			size_t len = strspn(s, "wdhms");

			while (unit < N_UNITS &&
				(strlen(units[unit].name) != len || strncmp(s, units[unit].name, len)))
				unit++;
			if (unit == N_UNITS || __builtin_mul_overflow(v, units[unit].ms, &v) ||
				__builtin_add_overflow(sum, v, &sum))
				return false;
			s += len;
			unit++; /* each unit once, the larger first */
			if (!*s)
				break;
			if (!digits(&s, &v))
				return false;
		}
	}
	if (sum > INT64_MAX)
		return false;
	*ms = sum;
	return true;
}

const char *duration_format(uint64_t ms, char out[48])
{
	int n = 0;

	if (!ms)
		return strcpy(out, "0s");
	for (size_t i = 1; i < N_UNITS; i++) { /* nft prints no weeks */
		uint64_t v = ms / units[i].ms;

		ms %= units[i].ms;
		if (v)
			n += snprintf(
				out + n, 48 - (size_t)n, "%llu%s", (unsigned long long)v, units[i].name);
	}
	return out;
}

static int hex_digit(char c)
{
	c = lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool parse_u64(const char *s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (s[0] == '0' && lower(s[1]) == 'x') {
		s += 2;
		if (!*s)
			return false;
		for (; *s; s++) {
			int d = hex_digit(*s);

			if (d < 0 || v >> 60)
				return false;
			v = v << 4 | (unsigned)d;
		}
	} else if (!digits(&s, &v) || *s) {
		return false;
	}
	if (v > max)
		return false;
	*out = v;
	return true;
}

unsigned utf8_seq(const char *str, size_t n)
{
	const unsigned char *s = (const unsigned char *)str;
	unsigned len, low = 0x80, high = 0xbf; /* of the second byte */

	if (!n)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n < len)
		return 0;
	/* no overlong forms, no surrogates, nothing above U+10FFFF */
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (unsigned i = 2; i < len; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return len;
}

/* Eight bytes of printable ASCII: none has its highest bit, is below a space, or DEL. */
static bool eight_plain(const char *s)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t v;

	memcpy(&v, s, sizeof(v));
	return !((v | (v - 0x20 * ones) | (v + ones)) & 0x80 * ones);
}

bool text_is_clean(const char *s, size_t n)
{
	unsigned len;

	if (!n)
		return false;
	for (size_t i = 0; i < n; i += len) {
		unsigned char c = (unsigned char)s[i];

		if (n - i >= 8 && eight_plain(s + i)) {
			len = 8;
			continue;
		}

		if (c >= 0x20 && c < 0x7f) {
			len = 1;
			continue;
		}
		len = utf8_seq(s + i, n - i);
		if (!len || c < 0x20 || c == 0x7f)
			return false;
		if (c == 0xc2 && (unsigned char)s[i + 1] < 0xa0) /* U+0080 … U+009F */
			return false;
	}
	return true;
}
