// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "nft/field.h"
#include "nft/parse.h"

/* ---- tokens ---- */

void p_advance(struct parser *p)
{
	p->prev_end = p->tok.end + (p->tok.kind == TOK_STRING);
	if (p->have_ahead) {
		p->tok = p->ahead;
		p->have_ahead = false;
	} else {
		p->tok = lex_next(&p->lx);
	}
}

const struct tok *p_peek(struct parser *p)
{
	if (!p->have_ahead) {
		p->ahead = lex_next(&p->lx);
		p->have_ahead = true;
	}
	return &p->ahead;
}

bool p_tok_is(const struct parser *p, const struct tok *t, const char *word)
{
	size_t n = strlen(word);

	return t->kind == TOK_WORD && t->end - t->pos == n && !memcmp(p->lx.src->text + t->pos, word, n);
}

bool p_is(const struct parser *p, const char *word)
{
	return p_tok_is(p, &p->tok, word);
}

bool p_accept_word(struct parser *p, const char *word)
{
	if (!p_is(p, word))
		return false;
	p_advance(p);
	return true;
}

bool p_accept(struct parser *p, int kind)
{
	if (p->tok.kind != kind)
		return false;
	p_advance(p);
	return true;
}

bool p_expect(struct parser *p, int kind, const char *what)
{
	if (p_accept(p, kind))
		return true;
	p_unexpected(p, what, NULL);
	return false;
}

bool p_expect_word(struct parser *p, const char *word)
{
	const char *const words[] = { word, NULL };
	char what[64];

	if (p_accept_word(p, word))
		return true;
	snprintf(what, sizeof(what), "`%s`", word);
	p_unexpected(p, what, words);
	return false;
}

void p_split(struct parser *p, uint32_t n)
{
	p->tok.end = p->tok.pos + n;
	p->lx.pos = p->tok.end;
	p->have_ahead = false;
}

char *p_text(struct parser *p, const struct tok *t)
{
	return arena_strdup(&p->r->arena, p->lx.src->text + t->pos, t->end - t->pos);
}

bool p_is_value(const struct parser *p)
{
	return p->tok.kind == TOK_WORD || p->tok.kind == TOK_STRING || p->tok.kind == TOK_PARAM;
}

bool p_end_of_rule(const struct parser *p)
{
	return p->tok.kind == TOK_END || p->tok.kind == TOK_NL || p->tok.kind == ';' || p->tok.kind == '}';
}

/* ---- nodes and errors ---- */

struct node *p_node(struct parser *p, enum node_kind kind, uint32_t pos)
{
	struct node *n = arena_alloc(&p->r->arena, sizeof(*n));

	n->kind = (uint8_t)kind;
	n->pos = pos;
	n->end = p->tok.end;
	return n;
}

struct node *p_done(struct parser *p, struct node *n)
{
	if (n)
		n->end = p->prev_end;
	return n;
}

void *p_fail_at(struct parser *p, uint32_t pos, uint32_t end, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	src_error(p->lx.src, pos, end, p->e, "%s", msg);
	return NULL;
}

void *p_fail(struct parser *p, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return p_fail_at(p, p->tok.pos, p->tok.end, "%s", msg);
}

void *p_unexpected_from(
	struct parser *p, const char *expected, const char *(*next)(void *, size_t), void *ctx)
{
	const char *text = p->lx.src->text + p->tok.pos, *near = NULL;
	int n = (int)(p->tok.end - p->tok.pos);
	char word[64];

	if (p->tok.kind == TOK_BAD && *text == '"')
		return p_fail(p, "the quote is never closed");
	if (p->tok.kind == TOK_BAD && *text == '$')
		return p_fail(p, "a name must follow $");
	if (p->tok.kind == TOK_BAD)
		return p_fail(p, "byte 0x%02x does not belong into a rule", (unsigned char)*text);
	if (p->tok.kind == TOK_END || p->tok.kind == TOK_NL)
		return p_fail(p, "the rule ends here, expected %s", expected);
	if (next && p->tok.kind == TOK_WORD && n < (int)sizeof(word)) {
		memcpy(word, text, (size_t)n);
		word[n] = '\0';
		near = suggest(word, next, ctx);
	}
	if (n > 40)
		n = 40;
	if (near)
		return p_fail(
			p, "unexpected `%.*s`, expected %s; did you mean `%s`?", n, text, expected, near);
	return p_fail(p, "unexpected %s%.*s%s, expected %s", p->tok.kind == TOK_STRING ? "\"" : "`", n, text,
		p->tok.kind == TOK_STRING ? "\"" : "`", expected);
}

static const char *list_next(void *ctx, size_t i)
{
	return ((const char *const *)ctx)[i];
}

void *p_unexpected(struct parser *p, const char *expected, const char *const *words)
{
	return p_unexpected_from(p, expected, words ? list_next : NULL, (void *)words);
}

bool p_enter(struct parser *p)
{
	if (p->depth >= PARSE_DEPTH_MAX) {
		p_fail(p, "nested too deep");
		return false;
	}
	p->depth++;
	return true;
}

void p_leave(struct parser *p)
{
	p->depth--;
}

/* ---- statements ---- */

/* One rule of `jump { … }`; its comment is its own. */
static struct node *parse_inner_rule(struct parser *p)
{
	struct node *n = p_node(p, N_RULE, p->tok.pos);
	const char *comment = p->r->comment;
	bool ok;

	p->r->comment = NULL;
	ok = parse_stmts(p, &n->a);
	n->s = p->r->comment;
	p->r->comment = comment;
	if (!ok)
		return NULL;
	if (p->tok.kind == TOK_NL)
		vec_push(&p->r->breaks, p->tok.pos);
	return p_done(p, n);
}

/* { rule; rule }: inside, newlines end rules too. */
static struct node *parse_chain(struct parser *p)
{
	struct node *n = p_node(p, N_CHAIN, p->tok.pos), **tail = &n->a;
	bool newlines = p->lx.newlines;
	uint32_t depth = p->lx.depth - 1;

	if (!p_enter(p))
		return NULL;
	p->lx.newlines = true;
	p->lx.depth = 0;
	for (p_advance(p); p->tok.kind != '}';) {
		if (p_accept(p, TOK_NL) || p_accept(p, ';'))
			continue;
		if (p->tok.kind == TOK_END)
			return p_unexpected(p, "a rule or `}`", NULL);
		*tail = parse_inner_rule(p);
		if (!*tail)
			return NULL;
		tail = &(*tail)->next;
		n->u++;
	}
	p_leave(p);
	p->lx.newlines = newlines;
	p->lx.depth = depth;
	if (p->have_ahead) { /* read under the other rule */
		p->lx.pos = p->tok.end;
		p->have_ahead = false;
	}
	p_advance(p);
	return p_done(p, n);
}

struct node *parse_verdict(struct parser *p, bool stmt)
{
	static const struct {
		const char *word;
		int32_t code;
	} verdicts[] = { { "accept", 1 }, { "drop", 0 }, { "continue", NFT_CONTINUE },
		{ "return", NFT_RETURN }, { "jump", NFT_JUMP }, { "goto", NFT_GOTO }, { NULL, 0 } };
	struct node *n;

	for (int i = 0; verdicts[i].word; i++) {
		if (!p_is(p, verdicts[i].word))
			continue;
		n = p_node(p, N_VERDICT, p->tok.pos);
		n->s = verdicts[i].word;
		n->u = (uint64_t)(int64_t)verdicts[i].code;
		p_advance(p);
		if (verdicts[i].code == NFT_JUMP || verdicts[i].code == NFT_GOTO) {
			if (p->tok.kind == '{' && stmt) {
				n->a = parse_chain(p);
				return n->a ? p_done(p, n) : NULL;
			}
			if (p->tok.kind == '{')
				return p_fail(p, "rules in braces stand in a statement only, give the chain "
						 "a name");
			if (!p_is_value(p))
				return p_unexpected(p, "the name of a chain", NULL);
			n->a = parse_value(p);
			if (!n->a)
				return NULL;
		}
		return p_done(p, n);
	}
	return NULL;
}

static const struct {
	const char *word;
	parse_stmt_fn *fn;
} stmts[] = {
	{ "counter", parse_counter },
	{ "limit", parse_limit },
	{ "quota", parse_quota },
	{ "last", parse_last },
	{ "log", parse_log },
	{ "reject", parse_reject },
	{ "snat", parse_snat },
	{ "dnat", parse_dnat },
	{ "masquerade", parse_masq },
	{ "redirect", parse_redirect },
	{ "tproxy", parse_tproxy },
	{ "dup", parse_dup },
	{ "fwd", parse_fwd },
	{ "queue", parse_queue },
	{ "notrack", parse_notrack },
	{ "add", parse_dynset },
	{ "update", parse_dynset },
	{ "delete", parse_dynset },
	{ "set", parse_dynset },
	{ "flow", parse_flow },
	{ "synproxy", parse_synproxy },
	{ "reset", parse_reset },
	{ "meter", parse_meter },
	{ "comment", parse_comment },
};

const char *stmt_word(void *ctx, size_t i)
{
	static const char *const more[] = { "accept", "drop", "continue", "return", "jump", "goto", "meta",
		"ct", "rt", "fib", "socket", "osf", "numgen", "jhash", "symhash", "ipsec", "exthdr", "mark",
		"iif", "iifname", "oif", "oifname", "skuid", "skgid", "nftrace", NULL };
	size_t n = ARRAY_SIZE(stmts);
	const struct proto *pr;

	(void)ctx;
	if (i < n)
		return stmts[i].word;
	i -= n;
	if (i < ARRAY_SIZE(more) - 1)
		return more[i];
	pr = proto_at(i - (ARRAY_SIZE(more) - 1));
	return pr ? pr->name : NULL;
}

/* expr [op] constant, expr set expr, expr vmap … */
static struct node *parse_match(struct parser *p)
{
	static const struct {
		const char *word;
		int op;
	} ops[] = { { "eq", TOK_EQ }, { "ne", TOK_NE }, { "lt", '<' }, { "gt", '>' }, { "le", TOK_LE },
		{ "ge", TOK_GE } };
	struct node *n = p_node(p, S_MATCH, p->tok.pos);

	n->a = parse_expr(p, EXPR_SELECT);
	if (!n->a)
		return NULL;
	if (n->a->kind == N_MAP && n->a->op) {
		n->kind = S_VERDICT;
		return p_done(p, n);
	}
	if (p_accept_word(p, "set")) {
		n->kind = S_SET;
		n->b = p->tok.kind == '{' ? p_fail(p, "one value must be set here, this is a list")
					  : parse_expr(p, EXPR_ANY);
		if (n->b && p->tok.kind == ',') { /* ct event set new,destroy */
			struct node *l = p_node(p, N_LIST, n->b->pos), **tail = &l->a;

			*tail = n->b;
			tail = &n->b->next;
			l->u = 1;
			while (p_accept(p, ',')) {
				*tail = parse_expr(p, EXPR_CONST);
				if (!*tail)
					return NULL;
				tail = &(*tail)->next;
				l->u++;
			}
			n->b = p_done(p, l);
		}
		return n->b ? p_done(p, n) : NULL;
	}
	n->op = 0;
	switch (p->tok.kind) {
	case TOK_EQ:
	case TOK_NE:
	case TOK_LE:
	case TOK_GE:
	case '<':
	case '>':
	case '!':
	case '=':
		n->op = p->tok.kind == '=' ? TOK_EQ : p->tok.kind;
		p_advance(p);
		break;
	default:
		for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
			if (p_accept_word(p, ops[i].word)) {
				n->op = ops[i].op;
				break;
			}
	}
	if (p_end_of_rule(p) && p->tok.kind != '{')
		return p_fail(
			p, "the rule ends here, expected a value to compare with (or `set`, `map`, `vmap`)");
	n->b = parse_list(p);
	if (!n->b)
		return NULL;
	if (p_accept(p, '/')) {
		n->c = parse_list(p);
		if (!n->c)
			return NULL;
	}
	return p_done(p, n);
}

struct node *parse_stmt(struct parser *p)
{
	struct node *n, *v;

	if (p->tok.kind == TOK_WORD) {
		v = parse_verdict(p, true);
		if (p->e->code)
			return NULL;
		if (v) {
			n = p_node(p, S_VERDICT, v->pos);
			n->a = v;
			return p_done(p, n);
		}
		for (size_t i = 0; i < ARRAY_SIZE(stmts); i++)
			if (p_is(p, stmts[i].word))
				return p_done(p, stmts[i].fn(p));
		if (p_is(p, "ct")) {
			n = parse_objref_ct(p);
			if (n || p->e->code)
				return p_done(p, n);
		}
	}
	if (!selector_starts(p) && p->tok.kind != '(')
		return p_unexpected_from(p, "a statement or a match", stmt_word, NULL);
	return parse_match(p);
}

bool parse_stmts(struct parser *p, struct node **list)
{
	struct node **tail = list;

	while (!p_end_of_rule(p)) {
		struct node *n = parse_stmt(p);

		if (!n)
			return false;
		*tail = n;
		tail = &n->next;
	}
	return true;
}
