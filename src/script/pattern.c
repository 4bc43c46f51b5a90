// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "script/pattern.h"

enum { PAY_AT = 500 };

static const char *match(struct pattern *m, const char *s, const char *p);

static inline void pay(struct pattern *m, size_t units)
{
	m->units += (uint32_t)units;
	if (m->units >= PAY_AT) {
		uint32_t due = m->units;

		m->units = 0;
		m->spend(m->ctx, due);
	}
}

static const char *fail(struct pattern *m, const char *why)
{
	if (!m->error)
		m->error = why;
	return NULL;
}

/* The end of the single-character item that begins at p: a byte, "." , "%x" or "[set]". NULL: malformed. */
static const char *item_end(struct pattern *m, const char *p)
{
	if (*p == '%') {
		if (p + 1 == m->p_end)
			return fail(m, "malformed pattern (ends with '%')");
		return p + 2;
	}
	if (*p != '[')
		return p + 1;
	p++;
	if (p < m->p_end && *p == '^')
		p++;
	for (const char *first = p;; p++) { /* a "]" that comes first stands for itself */
		if (p >= m->p_end)
			return fail(m, "malformed pattern (missing ']')");
		if (*p == ']' && p > first) {
			pay(m, (size_t)(p - first) / 8);
			return p + 1;
		}
		if (*p == '%' && p + 1 < m->p_end)
			p++;
	}
}

/* Is c of the class that the letter names? Other bytes than letters stand for themselves. */
static bool in_class(unsigned char c, unsigned char letter)
{
	bool in;

	switch (tolower(letter)) {
	case 'a': in = isalpha(c); break;
	case 'c': in = iscntrl(c); break;
	case 'd': in = isdigit(c); break;
	case 'g': in = isgraph(c); break;
	case 'l': in = islower(c); break;
	case 'p': in = ispunct(c); break;
	case 's': in = isspace(c); break;
	case 'u': in = isupper(c); break;
	case 'w': in = isalnum(c); break;
	case 'x': in = isxdigit(c); break;
	case 'z': in = !c; break;
	default: return letter == c;
	}
	return isupper(letter) ? !in : in;
}

/* Set from "[" at p to behind its "]" at end. */
static bool in_set(struct pattern *m, unsigned char c, const char *p, const char *end)
{
	bool is = true;

	end--;
	p++;
	if (*p == '^') {
		is = false;
		p++;
	}
	pay(m, (size_t)(end - p) / 4);
	while (p < end) {
		if (*p == '%') {
			p++;
			if (in_class(c, (unsigned char)*p))
				return is;
			p++;
		} else if (end - p > 2 && p[1] == '-') {
			if (c >= (unsigned char)p[0] && c <= (unsigned char)p[2])
				return is;
			p += 3;
		} else {
			if ((unsigned char)*p == c)
				return is;
			p++;
		}
	}
	return !is;
}

static bool item_matches(struct pattern *m, const char *s, const char *p, const char *end)
{
	if (s >= m->s_end)
		return false;
	switch (*p) {
	case '.': return true;
	case '%': return in_class((unsigned char)*s, (unsigned char)p[1]);
	case '[': return in_set(m, (unsigned char)*s, p, end);
	default: return *p == *s;
	}
}

/* "%bxy": from x to the y that balances it. */
static const char *balanced(struct pattern *m, const char *s, const char *p)
{
	size_t open = 1;

	if (m->p_end - p < 4)
		return fail(m, "malformed pattern (missing arguments to '%b')");
	if (s >= m->s_end || *s != p[2])
		return NULL;
	for (s++; s < m->s_end; s++) {
		pay(m, 1);
		if (*s == p[3]) {
			if (!--open)
				return s + 1;
		} else if (*s == p[2]) {
			open++;
		}
	}
	return NULL;
}

/* "%f[set]" between the bytes around s; what lies outside of the subject counts as a zero byte. */
static bool at_frontier(struct pattern *m, const char *s, const char *set, const char *end)
{
	unsigned char before = s == m->s ? 0 : (unsigned char)s[-1],
		      after = s == m->s_end ? 0 : (unsigned char)*s;

	return !in_set(m, before, set, end) && in_set(m, after, set, end);
}

static const char *back_reference(struct pattern *m, const char *s, int digit)
{
	int i = digit - '1';
	size_t n;

	if (i < 0 || i >= m->captures || m->capture[i].len == PATTERN_OPEN) {
		m->bad_index = i + 1;
		return fail(m, "invalid capture index");
	}
	/* A position capture has no text; no subject is as long as its mark is as a size. */
	n = (size_t)m->capture[i].len;
	if ((size_t)(m->s_end - s) < n)
		return NULL;
	pay(m, n / 32);
	return memcmp(m->capture[i].at, s, n) ? NULL : s + n;
}

static const char *open_capture(struct pattern *m, const char *s, const char *p, ptrdiff_t mark)
{
	const char *r;

	if (m->captures >= PATTERN_CAPTURES)
		return fail(m, "too many captures");
	m->capture[m->captures].at = s;
	m->capture[m->captures].len = mark;
	m->captures++;
	r = match(m, s, p);
	if (!r)
		m->captures--;
	return r;
}

static const char *close_capture(struct pattern *m, const char *s, const char *p)
{
	int i = m->captures - 1;
	const char *r;

	while (i >= 0 && m->capture[i].len != PATTERN_OPEN)
		i--;
	if (i < 0)
		return fail(m, "invalid pattern capture");
	m->capture[i].len = s - m->capture[i].at;
	r = match(m, s, p);
	if (!r)
		m->capture[i].len = PATTERN_OPEN;
	return r;
}

/* item* and item+ (least: how often at least), then what follows at next: as many as there are first. */
static const char *longest(struct pattern *m, const char *s, const char *p, const char *end, size_t least)
{
	size_t n = 0;
	const char *r;

	while (item_matches(m, s + n, p, end)) {
		n++;
		pay(m, 1);
	}
	for (;; n--) {
		if (n < least)
			return NULL;
		r = match(m, s + n, end + 1);
		if (r || m->error || !n)
			return r;
	}
}

/* item-: as few as will do. */
static const char *shortest(struct pattern *m, const char *s, const char *p, const char *end)
{
	for (;; s++) {
		const char *r = match(m, s, end + 1);

		if (r || m->error || !item_matches(m, s, p, end))
			return r;
	}
}

/* What stands for more than one single-character item. *next: where to go on with what is left; NULL there: r
 * is final. */
static const char *special(struct pattern *m, const char *s, const char *p, const char **next)
{
	const char *end;

	*next = NULL;
	switch (p[1]) {
	case 'b': *next = p + 4; return balanced(m, s, p);
	case 'f':
		p += 2;
		if (p >= m->p_end || *p != '[')
			return fail(m, "missing '[' after '%f' in pattern");
		end = item_end(m, p);
		if (!end || !at_frontier(m, s, p, end))
			return NULL;
		*next = end;
		return s;
	default: *next = p + 2; return back_reference(m, s, (unsigned char)p[1]);
	}
}

/* One item after the other; recursion only where there is something to come back to. */
static const char *walk(struct pattern *m, const char *s, const char *p)
{
	while (p < m->p_end) {
		const char *end, *next;
		bool more;

		pay(m, 2);
		if (*p == '(') {
			if (p + 1 < m->p_end && p[1] == ')')
				return open_capture(m, s, p + 2, PATTERN_HERE);
			return open_capture(m, s, p + 1, PATTERN_OPEN);
		}
		if (*p == ')')
			return close_capture(m, s, p + 1);
		if (*p == '$' && p + 1 == m->p_end)
			return s == m->s_end ? s : NULL;
		if (*p == '%' && p + 1 < m->p_end &&
			(p[1] == 'b' || p[1] == 'f' || isdigit((unsigned char)p[1]))) {
			s = special(m, s, p, &next);
			if (!s)
				return NULL;
			p = next;
			continue;
		}
		end = item_end(m, p);
		if (!end)
			return NULL;
		more = end < m->p_end;
		if (more && *end == '*')
			return longest(m, s, p, end, 0);
		if (more && *end == '+')
			return longest(m, s, p, end, 1);
		if (more && *end == '-')
			return shortest(m, s, p, end);
		if (more && *end == '?') {
			if (item_matches(m, s, p, end)) {
				const char *r = match(m, s + 1, end + 1);

				if (r || m->error)
					return r;
			}
			p = end + 1;
			continue;
		}
		if (!item_matches(m, s, p, end))
			return NULL;
		s++;
		p = end;
	}
	return s;
}

static const char *match(struct pattern *m, const char *s, const char *p)
{
	const char *r;

	if (m->depth >= PATTERN_DEPTH)
		return fail(m, "pattern too complex");
	m->depth++;
	r = walk(m, s, p);
	m->depth--;
	return r;
}

const char *pattern_match(struct pattern *m, const char *s, const char *p)
{
	const char *r;

	m->captures = 0;
	m->depth = 0;
	m->error = NULL;
	m->bad_index = -1;
	r = match(m, s, p);
	return m->error ? NULL : r;
}
