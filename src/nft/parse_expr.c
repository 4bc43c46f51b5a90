// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <string.h>

#include "nft/field.h"
#include "nft/parse.h"

static struct node *param_node(struct parser *p)
{
	struct node *n;
	char *name;
	uint32_t i;

	if (p->define && p->define(p, &n))
		return n;
	n = p_node(p, N_PARAM, p->tok.pos - 1);
	name = p_text(p, &p->tok);
	for (i = 0; i < p->r->params.n; i++)
		if (!strcmp(p->r->params.v[i], name))
			break;
	if (i == p->r->params.n) {
		if (i >= 256)
			return p_fail(p, "more than 256 different $names in one rule");
		vec_push(&p->r->params, name);
	}
	n->s = p->r->params.v[i];
	n->u = i;
	p_advance(p);
	return p_done(p, n);
}

static bool all_hex(const struct parser *p, const struct tok *t)
{
	for (uint32_t i = t->pos; i < t->end; i++)
		if (!isxdigit((unsigned char)p->lx.src->text[i]))
			return false;
	return true;
}

/* A traffic class like 5e88:31ac, of which the lexer can not know that it is no number. */
static void widen_class(struct parser *p)
{
	const char *s = p->lx.src->text + p->tok.pos;
	uint32_t max = p->lx.end - p->tok.pos, n = 0, m;

	while (n < max && n < 4 && isxdigit((unsigned char)s[n]))
		n++;
	if (!p->colon_words || !n || n == max || s[n] != ':')
		return;
	for (m = ++n; m < max && m < n + 4 && isxdigit((unsigned char)s[m]);)
		m++;
	if (m == n || (m < max && (isalnum((unsigned char)s[m]) || s[m] == '_')) ||
		m <= p->tok.end - p->tok.pos)
		return;
	p->tok.end = p->lx.pos = p->tok.pos + m;
	p->have_ahead = false; /* it was within */
}

/* 1:2, 10:00 and :ffff written in one piece, where they are values. */
static void join_colons(struct parser *p, struct node *n)
{
	bool joined = false;

	while (p->colon_words && p->tok.kind == ':' && !p->tok.spaced) {
		const struct tok *next = p_peek(p);

		if (next->kind != TOK_WORD || next->spaced || !all_hex(p, next))
			break;
		p_advance(p);
		p_advance(p);
		joined = true;
	}
	if (!joined)
		return;
	n->end = p->prev_end;
	n->s = arena_strdup(&p->r->arena, p->lx.src->text + n->pos, n->end - n->pos);
}

struct node *parse_value(struct parser *p)
{
	struct node *n;

	switch (p->tok.kind) {
	case TOK_PARAM: return param_node(p);
	case TOK_STRING:
		n = p_node(p, N_STRING, p->tok.pos - 1);
		n->s = p_text(p, &p->tok);
		p_advance(p);
		return p_done(p, n);
	case TOK_WORD:
		widen_class(p);
		n = p_node(p, N_WORD, p->tok.pos);
		n->s = p_text(p, &p->tok);
		p_advance(p);
		p_done(p, n);
		join_colons(p, n);
		return n;
	default: return p_unexpected(p, "a value", NULL);
	}
}

static struct node *parse_primary(struct parser *p, enum expr_mode m)
{
	struct node *n;

	if (p->tok.kind == '(') {
		if (!p_enter(p))
			return NULL;
		p_advance(p);
		n = parse_basic(p, m);
		p_leave(p);
		if (n && p->tok.kind == ',') { /* (fin,syn) as in newer nft */
			struct node *l = p_node(p, N_LIST, n->pos), **tail = &n->next;

			l->a = n;
			l->u = 1;
			while (p_accept(p, ',')) {
				*tail = parse_basic(p, EXPR_CONST);
				if (!*tail)
					return NULL;
				tail = &(*tail)->next;
				l->u++;
			}
			n = p_done(p, l);
		}
		return n && p_expect(p, ')', "`)`") ? n : NULL;
	}
	if (m != EXPR_CONST) {
		n = parse_selector(p, m);
		if (n || p->e->code)
			return n;
	}
	if (p->tok.kind == '*' && m == EXPR_CONST) {
		n = p_node(p, N_WILD, p->tok.pos);
		p_advance(p);
		return p_done(p, n);
	}
	if (p->tok.kind == '[') { /* [2001:db8::1]:80 */
		p_advance(p);
		n = parse_value(p);
		return n && p_expect(p, ']', "`]`") ? n : NULL;
	}
	if (!p_is_value(p))
		return p_unexpected(p, m == EXPR_SELECT ? "a field or a key" : "a value", NULL);
	return parse_value(p);
}

/* Classes and times of day are written with colons. */
static bool has_colons(const struct node *n)
{
	const struct selkey *k = n->kind == N_META ? n->def : NULL;

	if (n->kind == N_BINOP)
		return has_colons(n->a);
	if (n->kind == N_CONCAT) {
		for (const struct node *m = n->a; m; m = m->next)
			if (has_colons(m))
				return true;
		return false;
	}
	return k && (k->type == DT_CLASSID || k->type == DT_TIME_HOUR);
}

/* Binding strength; a word or a sign. */
static int binop_at(const struct parser *p, int *level)
{
	static const struct {
		const char *word;
		int op, level;
	} words[] = { { "or", '|', 1 }, { "xor", '^', 2 }, { "and", '&', 3 }, { "lshift", TOK_SHL, 4 },
		{ "rshift", TOK_SHR, 4 } };

	switch (p->tok.kind) {
	case '|': *level = 1; return '|';
	case '^': *level = 2; return '^';
	case '&': *level = 3; return '&';
	case TOK_SHL:
	case TOK_SHR: *level = 4; return p->tok.kind;
	case TOK_WORD:
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (p_is(p, words[i].word)) {
				*level = words[i].level;
				return words[i].op;
			}
	}
	return 0;
}

static struct node *parse_binop(struct parser *p, enum expr_mode m, int min)
{
	struct node *left = parse_primary(p, m);
	int op, level, n = 0;

	while (left && (op = binop_at(p, &level)) && level >= min) {
		bool colons = p->colon_words;
		struct node *b;

		if (++n > 64)
			return p_fail(p, "too many operators in one expression");
		b = p_node(p, N_BINOP, left->pos);
		p->colon_words |= has_colons(left);
		p_advance(p);
		b->op = op;
		b->a = left;
		if (!p_enter(p))
			return NULL;
		b->b = parse_binop(p, m == EXPR_SELECT ? EXPR_ANY : m, level + 1);
		p_leave(p);
		p->colon_words = colons;
		if (!b->b)
			return NULL;
		left = p_done(p, b);
	}
	return left;
}

static bool starts_number(const struct parser *p, const struct tok *t)
{
	return t->kind == TOK_PARAM ||
	       (t->kind == TOK_WORD && isdigit((unsigned char)p->lx.src->text[t->pos]));
}

struct node *parse_basic(struct parser *p, enum expr_mode m)
{
	struct node *left = parse_binop(p, m, 1), *n;

	if (!left || m == EXPR_SELECT)
		return left;
	if (p->tok.kind == '-') {
		n = p_node(p, N_RANGE, left->pos);
		p_advance(p);
		n->a = left;
		n->b = parse_binop(p, m, 1);
		return n->b ? p_done(p, n) : NULL;
	}
	if (p->tok.kind == '/' && starts_number(p, p_peek(p))) {
		n = p_node(p, N_PREFIX, left->pos);
		p_advance(p);
		n->a = left;
		n->b = parse_value(p);
		return n->b ? p_done(p, n) : NULL;
	}
	return left;
}

static struct node *parse_concat(struct parser *p, enum expr_mode m)
{
	struct node *first = parse_basic(p, m), *n, **tail;

	if (!first || p->tok.kind != '.')
		return first;
	n = p_node(p, N_CONCAT, first->pos);
	n->a = first;
	n->u = 1;
	tail = &first->next;
	while (p_accept(p, '.')) {
		struct node *e;

		if (n->u >= NFT_PARTS_MAX)
			return p_fail(p, "more than %d parts in a concatenation", NFT_PARTS_MAX);
		e = parse_basic(p, m);
		if (!e)
			return NULL;
		*tail = e;
		tail = &e->next;
		n->u++;
	}
	return p_done(p, n);
}

struct node *parse_setref(struct parser *p)
{
	struct node *n = p_node(p, N_SETREF, p->tok.pos);

	p_advance(p);
	if (p->tok.kind == TOK_PARAM) {
		n->a = param_node(p);
		return n->a ? p_done(p, n) : NULL;
	}
	if (p->tok.kind != TOK_WORD && p->tok.kind != TOK_STRING)
		return p_unexpected(p, "the name of a set", NULL);
	n->s = p_text(p, &p->tok);
	p_advance(p);
	return p_done(p, n);
}

static bool elem_options(struct parser *p, struct node *el)
{
	struct node **tail = &el->c;

	for (;;) {
		struct node *o;
		enum node_kind kind = p_is(p, "timeout")   ? N_OPT_TIMEOUT
				      : p_is(p, "expires") ? N_OPT_EXPIRES
							   : N_OPT_COMMENT;

		if (kind == N_OPT_COMMENT && !p_is(p, "comment")) {
			o = parse_stateful(p);
			if (!o)
				return !p->e->code;
		} else {
			o = p_node(p, kind, p->tok.pos);
			p_advance(p);
			o->a = parse_value(p);
			if (!o->a)
				return false;
			p_done(p, o);
		}
		*tail = o;
		tail = &o->next;
	}
}

static struct node *parse_braces(struct parser *p, bool map, bool verdicts);

struct node *parse_elem(struct parser *p, bool map, bool verdicts)
{
	struct node *el = p_node(p, N_ELEM, p->tok.pos);

	el->a = p->tok.kind == '{' && !map ? parse_braces(p, false, false) : parse_concat(p, EXPR_CONST);
	if (!el->a || !elem_options(p, el))
		return NULL;
	if (!map && (!p->loose || p->tok.kind != ':'))
		return p_done(p, el);
	if (!p_expect(p, ':', "`:` and the value for this key"))
		return NULL;
	el->b = parse_verdict(p, false);
	if (p->e->code)
		return NULL;
	if (!el->b) {
		bool colons = p->colon_words;

		if (verdicts && p->tok.kind != TOK_PARAM)
			return p_unexpected_from(p, "a verdict", stmt_word, NULL);
		p->colon_words = true;
		el->b = parse_concat(p, EXPR_CONST);
		p->colon_words = colons;
		if (!el->b)
			return NULL;
	}
	return p_done(p, el);
}

struct node *elem_flatten(struct node *el, struct node **place, uint64_t *n)
{
	struct node *last = NULL;

	*place = el->a->a;
	*n += el->a->u - 1;
	for (struct node *in = el->a->a; in; in = in->next) {
		if (!in->b)
			in->b = el->b;
		if (!in->c)
			in->c = el->c;
		last = in;
	}
	return last;
}

bool p_commas(struct parser *p)
{
	bool any = false;

	while (p_accept(p, ','))
		any = true;
	return any;
}

/* { a, b } or { a : x, b : y } */
static struct node *parse_braces(struct parser *p, bool map, bool verdicts)
{
	struct node *n = p_node(p, N_SET, p->tok.pos), **tail = &n->a;

	if (!p_enter(p))
		return NULL;
	p_advance(p);
	while (p->tok.kind != '}') {
		struct node *el = parse_elem(p, map, verdicts);

		if (!el)
			return NULL;
		*tail = el;
		n->u++;
		if (el->a->kind == N_SET)
			el = elem_flatten(el, tail, &n->u);
		if (el)
			tail = &el->next;
		if (!p_commas(p))
			break;
	}
	p_leave(p);
	if (!p_expect(p, '}', "`,` or `}`"))
		return NULL;
	if (!n->u && !p->loose)
		return p_fail_at(p, n->pos, p->prev_end, "the set is empty");
	return p_done(p, n);
}

struct node *parse_set(struct parser *p, bool verdicts)
{
	(void)verdicts;
	return parse_braces(p, false, false);
}

struct node *parse_elems(struct parser *p, bool map, bool verdicts)
{
	if (p->tok.kind != '{')
		return p_unexpected(p, "`{`", NULL);
	return parse_braces(p, map, verdicts);
}

struct node *parse_map_of(struct parser *p, struct node *key, bool verdicts)
{
	struct node *n = p_node(p, N_MAP, key->pos);

	n->a = key;
	n->op = verdicts;
	if (p->tok.kind == '{')
		n->b = parse_braces(p, true, verdicts);
	else if (p->tok.kind == '@')
		n->b = parse_setref(p);
	else if (p->tok.kind == TOK_PARAM)
		n->b = param_node(p);
	else
		return p_unexpected(p, "`{`, `@name` or `$name`", NULL);
	return n->b ? p_done(p, n) : NULL;
}

struct node *parse_expr(struct parser *p, enum expr_mode m)
{
	bool verdicts, colons = p->colon_words;
	struct node *n;

	if (!p_enter(p))
		return NULL;
	p->colon_words = m != EXPR_SELECT && colons;
	n = parse_concat(p, m);
	while (n && m != EXPR_CONST && (p_is(p, "map") || p_is(p, "vmap"))) {
		verdicts = p_is(p, "vmap");
		p_advance(p);
		p->colon_words = has_colons(n);
		n = parse_map_of(p, n, verdicts);
		if (verdicts)
			break;
	}
	p_leave(p);
	/* for what it is compared with or set to */
	p->colon_words = n && m == EXPR_SELECT ? has_colons(n) : colons;
	return n;
}

struct node *parse_list(struct parser *p)
{
	struct node *n, *l, **tail;

	if (p->tok.kind == '{')
		return parse_braces(p, false, false);
	if (p->tok.kind == '@' && p_peek(p)->kind != TOK_END)
		return parse_setref(p);
	n = parse_concat(p, EXPR_CONST);
	if (!n || p->tok.kind != ',')
		return n;
	l = p_node(p, N_LIST, n->pos);
	l->a = n;
	l->u = 1;
	tail = &n->next;
	while (p_accept(p, ',')) {
		*tail = parse_concat(p, EXPR_CONST);
		if (!*tail)
			return NULL;
		tail = &(*tail)->next;
		l->u++;
	}
	return p_done(p, l);
}
