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
	p->failed = pos;
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
	if (p->tok.kind == TOK_END || p->tok.kind == TOK_NL) /* on its own line */
		return p_fail_at(
			p, p->prev_end, p->prev_end + 1, "the rule ends here, expected %s", expected);
	if (p->tok.kind == '=')
		return p_fail(p, "unexpected `=`, expected %s; values are compared with `==`, or nothing",
			expected);
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
	if (p->r->comment_param)
		return p_fail(p, "the comment of a rule in braces is a text");
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
	const struct word *w = word_at(p);
	struct node *n;

	if (!w || w->what != WORD_VERDICT)
		return NULL;
	n = p_node(p, N_VERDICT, p->tok.pos);
	n->s = w->name;
	n->u = (uint64_t)(int64_t)w->verdict;
	p_advance(p);
	if (w->verdict == NFT_JUMP || w->verdict == NFT_GOTO) {
		if (p->tok.kind == '{' && !stmt)
			return p_fail(p, "rules in braces stand in a statement only, give the chain a name");
		if (p->tok.kind != '{' && !p_is_value(p))
			return p_unexpected(p, "the name of a chain", NULL);
		n->a = p->tok.kind == '{' ? parse_chain(p) : parse_value(p);
		if (!n->a)
			return NULL;
	}
	return p_done(p, n);
}

/* 0: none stands here, which means equality or, of sets of bits, that one is set. */
static int accept_op(struct parser *p)
{
	static const struct {
		char word[3];
		int op;
	} ops[] = { { "eq", TOK_EQ }, { "ne", TOK_NE }, { "lt", '<' }, { "gt", '>' }, { "le", TOK_LE },
		{ "ge", TOK_GE } };
	int op = 0;

	switch (p->tok.kind) {
	case TOK_EQ:
	case TOK_NE:
	case TOK_LE:
	case TOK_GE:
	case '<':
	case '>':
	case '!': op = p->tok.kind; break;
	case TOK_WORD:
		for (size_t i = 0; p->tok.end - p->tok.pos == 2 && i < ARRAY_SIZE(ops); i++)
			if (p_is(p, ops[i].word))
				op = ops[i].op;
		op = !op && p_is(p, "not") ? '!' : op;
		break;
	}
	if (op)
		p_advance(p);
	return op;
}

/* `meta secmark set` takes the name of an object, or another secmark. */
static bool is_secmark(const struct node *n)
{
	const struct selkey *k = n->a->def;

	return n->a->kind == N_META && k->key == NFT_META_SECMARK && n->b->kind < N_FIELD &&
	       n->b->kind != N_BINOP;
}

/* Behind `set`. */
static struct node *parse_set_to(struct parser *p, struct node *n)
{
	struct node *l, **tail;

	n->kind = S_SET;
	n->b = p->tok.kind == '{' ? p_fail(p, "one value must be set here, this is a list")
				  : parse_expr(p, EXPR_ANY);
	if (!n->b)
		return NULL;
	if (is_secmark(n)) {
		n->kind = S_OBJREF;
		n->u = NFT_OBJECT_SECMARK;
		n->a = n->b;
		n->b = NULL;
		return p_done(p, n);
	}
	if (p->tok.kind != ',')
		return p_done(p, n);
	l = p_node(p, N_LIST, n->b->pos); /* ct event set new,destroy */
	l->a = n->b;
	l->u = 1;
	tail = &n->b->next;
	while (p_accept(p, ',')) {
		*tail = parse_expr(p, EXPR_CONST);
		if (!*tail)
			return NULL;
		tail = &(*tail)->next;
		l->u++;
	}
	n->b = p_done(p, l);
	return p_done(p, n);
}

/* expr [op] constant, expr set expr, expr vmap … */
static struct node *parse_match(struct parser *p)
{
	struct node *n = p_node(p, S_MATCH, p->tok.pos);

	n->a = parse_expr(p, EXPR_SELECT);
	if (!n->a)
		return NULL;
	if (n->a->kind == N_MAP && n->a->op) {
		n->kind = S_VERDICT;
		return p_done(p, n);
	}
	if (p_accept_word(p, "set"))
		return parse_set_to(p, n);
	n->op = accept_op(p);
	if (p_end_of_rule(p))
		return p_fail_at(p, p->prev_end, p->prev_end + 1,
			"the rule ends here, expected a value to compare with (or `set`, `map`, `vmap`)");
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

	const struct word *w = word_at(p);

	if (w && w->what == WORD_VERDICT) {
		v = parse_verdict(p, true);
		if (!v)
			return NULL;
		n = p_node(p, S_VERDICT, v->pos);
		n->a = v;
		return p_done(p, n);
	}
	if (w && w->stmt)
		return p_done(p, w->stmt(p));
	if (w && w->what == WORD_CT) {
		n = parse_objref_ct(p);
		if (n || p->e->code)
			return p_done(p, n);
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
	if (*list && (*list)->kind == S_COMMENT)
		return p_fail_at(p, (*list)->pos, (*list)->end, "a rule of nothing but a comment");
	return true;
}
