// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "nft/lex.h"

void lex_init(struct lexer *lx, const struct src *src)
{
	*lx = (struct lexer){ .src = src };
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

static size_t match_digits(const char *s)
{
	size_t n = match_ip4(s);

	if (n)
		return n;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
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
		} else if (c == '#') {
			while (t[lx->pos] && t[lx->pos] != '\n')
				lx->pos++;
		} else {
			return;
		}
	}
}

static int lex_operator(const char *s, uint32_t *n)
{
	static const struct {
		char s[3];
		int kind;
	} two[] = { { "==", TOK_EQ }, { "!=", TOK_NE }, { "<=", TOK_LE }, { ">=", TOK_GE }, { "<<", TOK_SHL },
		{ ">>", TOK_SHR } };

	for (size_t i = 0; i < sizeof(two) / sizeof(two[0]); i++)
		if (s[0] == two[i].s[0] && s[1] == two[i].s[1]) {
			*n = 2;
			return two[i].kind;
		}
	*n = 1;
	return strchr("{}()[],:;./-@&|^!<>=*", s[0]) ? s[0] : TOK_BAD;
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
	if (lx->pos >= lx->src->len) {
		t.kind = TOK_END;
		t.end = t.pos;
		return t;
	}
	if (*s == '\n') {
		t.kind = TOK_NL;
		n = 1;
	} else if (*s == '"') {
		const char *q = memchr(s + 1, '"', lx->src->len - lx->pos - 1);

		if (!q) {
			t.kind = TOK_BAD;
			t.end = t.pos + 1;
			lx->pos = lx->src->len;
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
	} else if (((is_hex(*s) || *s == ':') && (n = (uint32_t)match_ip6(s))) ||
		   (is_hex(*s) && (n = (uint32_t)match_mac(s)))) {
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

/* What is written to a terminal does not move it. */
static void put_plain(struct buf *b, const char *s, size_t n, char control)
{
	for (size_t i = 0; i < n; i++)
		buf_putc(b, (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? control : s[i]);
}

int src_error_code(
	const struct src *src, uint32_t pos, uint32_t end, struct err *e, int code, const char *msg)
{
	_buf_ struct buf b = BUF_INIT;
	uint32_t from, to;
	unsigned line = src->line;

	if (pos > src->len)
		pos = src->len;
	from = to = pos;
	while (from && src->text[from - 1] != '\n')
		from--;
	while (to < src->len && src->text[to] != '\n')
		to++;
	for (uint32_t i = 0; i < from; i++)
		line += src->text[i] == '\n';
	/* a line of thousands of elements: show the surroundings */
	if (to - from > 240) {
		if (pos - from > 100)
			from = pos - 100;
		if (to - from > 240)
			to = from + 240;
	}
	if (end <= pos)
		end = pos + 1;
	if (end > to)
		end = to > pos ? to : pos + 1;
	if (src->file) {
		uint32_t bol = pos;

		while (bol && src->text[bol - 1] != '\n')
			bol--;
		buf_printf(&b, "%s:%u:%u: ", src->file, line, pos - bol + 1);
	}
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
