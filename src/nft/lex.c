// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "nft/lex.h"

void lex_init(struct lexer *lx, const struct src *src)
{
	*lx = (struct lexer){ .src = src, .end = src->len };
}

static bool is_hex(char c)
{
	return isxdigit((unsigned char)c);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
	return isalpha((unsigned char)c) || c == '_';
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '/' || c == '-';
}

/* Length of a dotted quad at s, 0: none. */
static size_t match_ip4(const char *s)
{
	const char *p = s;

	for (int part = 0; part < 4; part++) {
		int n = 0;

		while (n < 3 && is_digit(p[n]))
			n++;
		if (!n)
			return 0;
		p += n;
		if (part < 3 && *p++ != '.')
			return 0;
	}
	return (size_t)(p - s);
}

/* The longest IPv6 address that begins at s, 0: none. `1::2:accept` ends after the 2. */
static size_t match_ip6(const char *s)
{
	size_t best = 0;
	int groups = 0;
	bool gap = false, sep = true; /* sep: a group may stand here */
	const char *p = s;

	if (p[0] == ':' && p[1] == ':') {
		gap = true;
		p += 2;
		best = 2;
	}
	while (sep) {
		size_t n = 0, v4;

		if (groups && groups <= 6 && (v4 = match_ip4(p)) && (gap || groups == 6))
			return (size_t)(p - s) + v4;
		if (gap && !groups && (v4 = match_ip4(p)))
			return (size_t)(p - s) + v4;
		while (n < 4 && is_hex(p[n]))
			n++;
		if (!n)
			break;
		p += n;
		groups++;
		if ((groups == 8 && !gap) || (gap && groups < 8))
			best = (size_t)(p - s);
		if (groups >= 8)
			break;
		sep = false;
		if (p[0] == ':' && p[1] == ':' && !gap) {
			gap = true;
			sep = true;
			p += 2;
			if (groups < 8)
				best = (size_t)(p - s);
		} else if (p[0] == ':') {
			sep = true;
			p++;
		}
	}
	return best;
}

/* A link-layer address of six groups; eight or more are no token of their own. */
static size_t match_mac(const char *s)
{
	const char *p = s;

	for (int i = 0; i < 6; i++) {
		int n = 0;

		while (n < 2 && is_hex(p[n]))
			n++;
		if (!n)
			return 0;
		p += n;
		if (i < 5 && *p++ != ':')
			return 0;
	}
	return *p == ':' && p[1] != ' ' ? 0 : (size_t)(p - s);
}

/* 1d2h3m4s5ms, each unit once at most. */
static size_t match_time(const char *s)
{
	static const char *const units[] = { "d", "h", "m", "s", "ms" };
	size_t unit = 0, n = 0;

	for (;;) {
		size_t d = n, len;

		while (is_digit(s[d]))
			d++;
		if (d == n)
			return n;
		/* "5m" of "5ms" is no minute */
		for (; unit < 5; unit++) {
			len = strlen(units[unit]);
			if (!strncmp(s + d, units[unit], len) && (unit != 2 || s[d + 1] != 's'))
				break;
		}
		if (unit++ == 5)
			return n;
		n = d + len;
	}
}

/* A number ends before letters that do not belong to it: 10kbytes are two words. */
static size_t match_digits(const char *s)
{
	static const char *const names[] = { "8021q", "8021ad" };
	size_t n = match_ip4(s);

	if (n)
		return n;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		n = 2;
		while (is_hex(s[n]))
			n++;
		return n > 2 ? n : 1;
	}
	for (size_t i = 0; i < 2; i++)
		if (!strncmp(s, names[i], strlen(names[i])))
			return strlen(names[i]);
	n = match_time(s);
	if (!n)
		while (is_digit(s[n]))
			n++;
	return n;
}

static size_t match_name(const char *s)
{
	size_t n = 0;

	while (is_word(s[n]))
		n++;
	/* "eth*" and the literal asterisk "eth\*" belong to the word */
	if (s[n] == '\\' && s[n + 1] == '*')
		n += 2;
	else if (s[n] == '*')
		n++;
	return n;
}

static size_t match_param(const char *s)
{
	size_t n = 0;

	if (!is_word_start(s[0]))
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_' ||
		((s[n] == '.' || s[n] == '-') && isalnum((unsigned char)s[n + 1])))
		n++;
	return n;
}

/* Blanks, comments, continued lines; newlines too unless they matter. */
static void skip(struct lexer *lx)
{
	const char *t = lx->src->text;

	for (;;) {
		char c = t[lx->pos];

		if (c == ' ' || c == '\t' || c == '\r' || (c == '\n' && (!lx->newlines || lx->depth))) {
			lx->pos++;
		} else if (c == '\\' && t[lx->pos + 1] == '\n') {
			lx->pos += 2;
		} else if (c == '\\' && t[lx->pos + 1] == '\r' && t[lx->pos + 2] == '\n') {
			lx->pos += 3;
		} else if (c == '#') {
			while (t[lx->pos] && t[lx->pos] != '\n')
				lx->pos++;
		} else {
			return;
		}
	}
}

/* Characters that are tokens of their own. */
static const uint8_t sign[256] = { ['{'] = 1,
	['}'] = 1,
	['('] = 1,
	[')'] = 1,
	['['] = 1,
	[']'] = 1,
	[','] = 1,
	[':'] = 1,
	[';'] = 1,
	['.'] = 1,
	['/'] = 1,
	['-'] = 1,
	['+'] = 1,
	['@'] = 1,
	['&'] = 1,
	['|'] = 1,
	['^'] = 1,
	['!'] = 1,
	['<'] = 1,
	['>'] = 1,
	['='] = 1,
	['*'] = 1 };

static int lex_operator(const char *s, uint32_t *n)
{
	*n = 2;
	if (s[1] == '=') {
		switch (s[0]) {
		case '=': return TOK_EQ;
		case '!': return TOK_NE;
		case '<': return TOK_LE;
		case '>': return TOK_GE;
		}
	} else if (s[0] == s[1] && (s[0] == '<' || s[0] == '>')) {
		return s[0] == '<' ? TOK_SHL : TOK_SHR;
	}
	*n = 1;
	return sign[(unsigned char)s[0]] ? s[0] : TOK_BAD;
}

/* Only what has a colon behind its first group can be an IPv6 or link-layer address. */
static bool has_groups(const char *s)
{
	int n = 0;

	while (n < 5 && is_hex(s[n]))
		n++;
	return s[n] == ':';
}

struct tok lex_next(struct lexer *lx)
{
	uint32_t before = lx->pos;
	struct tok t = { .kind = TOK_WORD };
	const char *s;
	uint32_t n;

	skip(lx);
	t.spaced = lx->pos != before;
	t.pos = lx->pos;
	s = lx->src->text + lx->pos;
	if (lx->pos >= lx->end) {
		t.kind = TOK_END;
		t.end = t.pos;
		return t;
	}
	if (*s == '\n') {
		t.kind = TOK_NL;
		n = 1;
	} else if (*s == '"') {
		const char *q = memchr(s + 1, '"', lx->end - lx->pos - 1);

		if (!q) {
			t.kind = TOK_BAD;
			t.end = t.pos + 1;
			lx->pos = lx->end;
			return t;
		}
		t.kind = TOK_STRING;
		t.pos++;
		t.end = t.pos + (uint32_t)(q - s - 1);
		lx->pos = t.end + 1;
		return t;
	} else if (*s == '$' && (n = (uint32_t)match_param(s + 1))) {
		t.kind = TOK_PARAM;
		t.pos++;
	} else if ((is_hex(*s) || *s == ':') && has_groups(s) &&
		   ((n = (uint32_t)match_ip6(s)) || (*s != ':' && (n = (uint32_t)match_mac(s))))) {
		/* "dead" alone is a name, and so is "fe80-x" */
	} else if (is_digit(*s)) {
		n = (uint32_t)match_digits(s);
	} else if (is_word_start(*s) || (*s == '\\' && s[1] == '*')) {
		n = (uint32_t)match_name(s);
	} else {
		t.kind = lex_operator(s, &n);
		if (t.kind == '{' || t.kind == '(' || t.kind == '[')
			lx->depth++;
		else if ((t.kind == '}' || t.kind == ')' || t.kind == ']') && lx->depth)
			lx->depth--;
	}
	t.end = t.pos + n;
	lx->pos = t.end;
	return t;
}

/* What is written to a terminal does not move it, and has a column for each byte that begins a character. */
static void put_plain(struct buf *b, const char *s, size_t n, char control)
{
	unsigned len;

	for (size_t i = 0; i < n; i += len) {
		len = utf8_seq(s + i, n - i);
		if (len && text_is_clean(s + i, len))
			buf_put(b, s + i, len);
		else if (len || ((unsigned char)s[i] & 0xc0) != 0x80)
			buf_putc(b, control);
		if (!len)
			len = 1;
	}
}

/* Counts from mark m (of the place from) to pos. */
static void count_lines(const char *text, uint32_t from, uint32_t pos, struct src_mark *m)
{
	const char *p = text + from, *end = text + pos;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		p++;
		m->line++;
		m->bol = (uint32_t)(p - text);
	}
}

static struct src_mark line_of(const struct src *src, uint32_t pos)
{
	struct src_mark m = { 0, 0 };
	uint32_t n = src->len / SRC_MARK + 1;

	if (!src->index) {
		count_lines(src->text, 0, pos, &m);
		return m;
	}
	if (!src->index->marks) {
		src->index->marks = xcalloc(n, sizeof(m));
		for (uint32_t i = 1; i < n; i++) {
			count_lines(src->text, (i - 1) * SRC_MARK, i * SRC_MARK, &m);
			src->index->marks[i] = m;
		}
	}
	m = src->index->marks[pos / SRC_MARK];
	count_lines(src->text, pos / SRC_MARK * SRC_MARK, pos, &m);
	return m;
}

void src_index_free(struct src_index *x)
{
	free(x->marks);
	x->marks = NULL;
}

#define SHOWN_LINE 240

int src_error_code(
	const struct src *src, uint32_t pos, uint32_t end, struct err *e, int code, const char *msg)
{
	_buf_ struct buf b = BUF_INIT;
	struct src_mark m;
	uint32_t from, to;

	if (pos > src->len)
		pos = src->len;
	m = line_of(src, pos);
	/* a line of thousands of elements: show the surroundings */
	from = pos - m.bol > 100 ? pos - 100 : m.bol;
	to = from;
	while (to < src->len && src->text[to] != '\n' && to - from < SHOWN_LINE)
		to++;
	if (to - m.bol <= SHOWN_LINE && (to == src->len || src->text[to] == '\n'))
		from = m.bol;
	if (end <= pos)
		end = pos + 1;
	if (end > to)
		end = to > pos ? to : pos + 1;
	if (src->file)
		buf_printf(&b, "%s:%u:%u: ", src->file, src->line + m.line, pos - m.bol + 1);
	put_plain(&b, msg, strlen(msg), '?');
	buf_puts(&b, "\n    ");
	put_plain(&b, src->text + from, to - from, ' ');
	buf_puts(&b, "\n    ");
	for (uint32_t i = from; i < pos; i++)
		if (((unsigned char)src->text[i] & 0xc0) != 0x80)
			buf_putc(&b, ' ');
	for (uint32_t i = pos; i < end; i++)
		if (i == pos || ((unsigned char)src->text[i] & 0xc0) != 0x80)
			buf_putc(&b, '^');
	return err_set(e, code, "%s", buf_str(&b));
}

int src_error(const struct src *src, uint32_t pos, uint32_t end, struct err *e, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return src_error_code(src, pos, end, e, -EINVAL, msg);
}
