// SPDX-License-Identifier: GPL-2.0-or-later
/* Where statements of a file begin and end, and the words they are made of. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "nft/file_impl.h"

/* Behind what cannot end anything: a quoted text, a comment, a continued line. */
static uint32_t scan_over(const char *t, uint32_t pos, uint32_t end)
{
	const char *q;

	switch (t[pos]) {
	case '"': q = memchr(t + pos + 1, '"', end - pos - 1); return q ? (uint32_t)(q - t) + 1 : end;
	case '#': q = memchr(t + pos, '\n', end - pos); return q ? (uint32_t)(q - t) : end;
	case '\\':
		if (pos + 1 < end && t[pos + 1] == '\n')
			return pos + 2;
		if (pos + 2 < end && t[pos + 1] == '\r' && t[pos + 2] == '\n')
			return pos + 3;
		return pos + 1;
	default: return pos + 1;
	}
}

static const uint8_t special[256] = {
	['"'] = 1, ['#'] = 1, ['\\'] = 1, ['{'] = 1, ['}'] = 1, [';'] = 1, ['\n'] = 1
};

/* `chain NAME {`, `table FAMILY NAME {` and the like begin here. */
static bool starts_block(const char *t, uint32_t pos, uint32_t end, const char *const *words)
{
	unsigned n = 0;

	for (; *words; words++)
		if (end - pos > strlen(*words) && !strncmp(t + pos, *words, strlen(*words)))
			break;
	if (!*words)
		return false;
	for (; pos < end && n < 4; n++) {
		if (t[pos] == '{')
			return n > 1;
		while (pos < end && (isalnum((unsigned char)t[pos]) || strchr("_./-", t[pos])))
			pos++;
		if (pos < end && t[pos] != ' ' && t[pos] != '\t' && t[pos] != '{')
			return false;
		while (pos < end && (t[pos] == ' ' || t[pos] == '\t'))
			pos++;
	}
	return false;
}

static const char *const in_table[] = { "table", NULL };
static const char *const in_chain[] = { "chain", "table", NULL };
static const char *const in_other[] = { "chain", "table", "set", "map", NULL };

/* A newline in braces: does the next line begin a block? Then the braces were never closed. */
static bool runs_away(const char *t, uint32_t pos, uint32_t end)
{
	for (pos++; pos < end && (t[pos] == ' ' || t[pos] == '\t');)
		pos++;
	return pos < end && (t[pos] == 'c' || t[pos] == 't') && starts_block(t, pos, end, in_chain);
}

/* The end of what ends with its line; watched: inside of braces too, when a block begins on the next one. */
static inline uint32_t scan_line(const char *t, uint32_t pos, uint32_t end, bool watched)
{
	uint32_t depth = 0;

	while (pos < end) {
		char c = t[pos];

		if (!special[(unsigned char)c]) {
			pos++;
			continue;
		}
		if (c == '{') {
			depth++;
		} else if (c == '}') {
			if (!depth)
				return pos;
			depth--;
		} else if ((c == ';' && !depth) ||
			   (c == '\n' && (!depth || (watched && runs_away(t, pos, end))))) {
			return pos;
		}
		pos = scan_over(t, pos, end);
	}
	return end;
}

uint32_t scan_rule(const struct src *src, uint32_t pos, uint32_t end)
{
	return scan_line(src->text, pos, end, true);
}

uint32_t scan_statement(const struct src *src, uint32_t pos, uint32_t end)
{
	return scan_line(src->text, pos, end, false);
}

uint32_t scan_braces(const struct src *src, uint32_t pos, uint32_t end)
{
	const char *t = src->text;
	uint32_t depth = 0;

	while (pos < end) {
		char c = t[pos];

		if (special[(unsigned char)c]) {
			if (c == '{')
				depth++;
			else if (c == '}' && !--depth)
				return pos + 1;
			else if (c == '\n' && runs_away(t, pos, end))
				return 0;
			pos = scan_over(t, pos, end);
		} else {
			pos++;
		}
	}
	return 0;
}

void p_jump(struct parser *p, uint32_t pos)
{
	p->lx.pos = pos;
	p->lx.depth = 0;
	p->have_ahead = false;
	p->tok.end = pos;
	p->tok.kind = TOK_END;
	p_advance(p);
}

bool p_separator(const struct parser *p)
{
	return p->tok.kind == TOK_NL || p->tok.kind == ';' || p->tok.kind == '}' || p->tok.kind == TOK_END;
}

bool p_open(struct parser *p)
{
	if (p->tok.kind != '{') {
		p_unexpected(p, "`{`", NULL);
		return false;
	}
	if (!p_enter(p))
		return false;
	p_jump(p, p->tok.end);
	return true;
}

bool p_close(struct parser *p, uint32_t opened)
{
	p_leave(p);
	if (p->tok.kind == '}') {
		p->lx.depth = 0;
		p_advance(p);
		return true;
	}
	if (p->tok.kind != TOK_END) { /* something follows that cannot be in this block */
		p_fail_at(p, opened, opened + 1, "this block is never closed");
		p_report(p, opened);
		p->file->unparted = true;
		return true;
	}
	if (p->file->unclosed) {
		err_set(p->e, -ECANCELED, "the text ends in a block");
		return false;
	}
	p->file->unclosed = true;
	p_fail_at(p, opened, opened + 1, "this block is never closed");
	return false;
}

void p_report(struct parser *p, uint32_t pos)
{
	struct nft_file *f = p->file;

	if (p->e->code != -ECANCELED) {
		f->n_errors++;
		errlist_add(f->errs, p->source, p->failed ? p->failed : pos, p->e);
	}
	err_free(p->e);
	p->failed = 0;
}

void p_block(struct parser *p, const struct block *b)
{
	const char *const *outer = b->kind == BLOCK_TABLE   ? in_table
				   : b->kind == BLOCK_CHAIN ? in_chain
				   : b->kind == BLOCK_OTHER ? in_other
							    : NULL;
	uint32_t start, depth = p->depth;
	bool more;

	for (;;) {
		if (p_accept(p, TOK_NL) || p_accept(p, ';'))
			continue;
		if (p->tok.kind == '}' || p->tok.kind == TOK_END)
			return;
		if (outer && p->tok.kind == TOK_WORD &&
			starts_block(p->lx.src->text, p->tok.pos, p->lx.end, outer))
			return;
		start = p->tok.kind == TOK_STRING || p->tok.kind == TOK_PARAM ? p->tok.pos - 1 : p->tok.pos;
		if (p_common(p, b, &more) && (!more || b->fn(p, b->ctx))) {
			if (p_separator(p) || p->file->unparted) {
				p->file->unparted = false;
				continue;
			}
			p_unexpected(p, "`;` or a new line", NULL);
		}
		if (!p->e->code)
			p_unexpected(p, "a statement", NULL);
		if (p->tok.kind == TOK_BAD && p->lx.src->text[p->tok.pos] == '"')
			p->file->unclosed = true; /* all that follows is in the quotes */
		p_report(p, p->tok.pos);
		p->depth = depth;
		p->defs = p->file->now;
		if (p->file->n_errors >= FILE_ERRORS_MAX)
			p_jump(p, p->lx.end);
		else
			p_jump(p, scan_statement(p->lx.src, start, p->lx.end));
	}
}

bool p_err(struct parser *p, uint32_t pos, uint32_t end, struct err *e)
{
	p_fail_at(p, pos, end, "%s", err_text(e));
	err_free(e);
	return false;
}

bool p_name(struct parser *p, const char *what, const char **out)
{
	/* words that nft 1.0.6 takes as names and others do not */
	static const char *const free_words[] = { "bytes", "destroy", "last", "name", "packets" };
	bool known = false;
	_err_ struct err e = ERR_INIT;
	char name[NFT_NAME_MAXLEN];
	uint32_t n = p->tok.end - p->tok.pos;

	if (p->tok.kind != TOK_WORD) {
		p_unexpected(p, what, NULL);
		return false;
	}
	if (n > FILE_NAME_MAX) {
		p_fail(p, "the name has %u bytes, the limit is %d", n, FILE_NAME_MAX);
		return false;
	}
	memcpy(name, p->lx.src->text + p->tok.pos, n);
	name[n] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(free_words) && !known; i++)
		known = !strcmp(name, free_words[i]);
	if (n <= 127 && !known && nft_name_check(name, &e) < 0) {
		const char *lua = strstr(err_text(&e), "; nft.name("); /* no way out in a file */

		p_fail(p, "%.*s", lua ? (int)(lua - err_text(&e)) : (int)strlen(err_text(&e)), err_text(&e));
		return false;
	}
	*out = file_name(p->file, name, n);
	p_advance(p);
	return true;
}

bool p_number(struct parser *p, uint64_t max, uint64_t *out)
{
	char num[24];
	uint32_t n = p->tok.end - p->tok.pos;

	if (p->tok.kind != TOK_WORD || n >= sizeof(num)) {
		p_unexpected(p, "a number", NULL);
		return false;
	}
	memcpy(num, p->lx.src->text + p->tok.pos, n);
	num[n] = '\0';
	if (!parse_u64(num, max, out)) {
		if (parse_u64(num, UINT64_MAX, out))
			p_fail(p, "%s is too large, at most %llu", num, (unsigned long long)max);
		else
			p_unexpected(p, "a number", NULL);
		return false;
	}
	p_advance(p);
	return true;
}

bool p_duration(struct parser *p, uint64_t *ms)
{
	struct node *n = p_scalar(p, "a duration like 30s or 1h30m");

	if (!n)
		return false;
	if ((n->kind != N_WORD && n->kind != N_STRING) || !duration_parse(n->s, ms)) {
		p_fail_at(p, n->pos, n->end, "expected a duration like 30s or 1h30m");
		return false;
	}
	return true;
}

bool p_string(struct parser *p, const char *what, size_t max, const char **out)
{
	uint32_t n = p->tok.end - p->tok.pos;

	if (p->tok.kind != TOK_STRING && p->tok.kind != TOK_WORD) {
		p_unexpected(p, what, NULL);
		return false;
	}
	if (n > max) {
		p_fail(p, "this has %u bytes, the limit is %zu", n, max);
		return false;
	}
	*out = p_text(p, &p->tok);
	p_advance(p);
	return true;
}

bool p_comment(struct parser *p, const char **out)
{
	if (*out) {
		p_fail(p, "a second comment");
		return false;
	}
	return p_string(p, "the comment's text", FILE_COMMENT_MAX, out);
}

struct node *p_scalar(struct parser *p, const char *what)
{
	uint32_t pos = p->tok.pos, end = p->tok.end;
	bool param = p->tok.kind == TOK_PARAM;
	struct tok name = p->tok;
	const struct val *v;
	struct node *n;
	char s[128];

	if (!p_is_value(p))
		return p_unexpected(p, what, NULL);
	n = parse_value(p);
	if (!n || !param)
		return n;
	if (n->kind == N_WORD || n->kind == N_STRING)
		return n;
	if (n->kind != N_PARAM)
		return p_fail_at(p, pos - 1, end, "expected %s, $%s is something else", what,
			(snprintf(s, sizeof(s), "%.*s", (int)(end - pos), p->lx.src->text + pos), s));
	v = p->file->o.param ? p->file->o.param(p->file->o.ctx, n->s) : NULL;
	if (!v)
		return define_unknown(p, &name);
	if (v->kind == VAL_LIVE)
		return n;
	n = val_node(p, v, pos - 1, end);
	if (n && n->kind != N_WORD && n->kind != N_STRING)
		return p_fail_at(p, pos - 1, end, "expected %s, this is a list", what);
	return n;
}
