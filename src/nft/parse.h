/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recursive descent over tokens. A function that fails returns NULL (or false) with p->e set; the first error
 * is kept. Internal to nft/. */
#pragma once

#include <string.h>

#include "nft/ast.h"

#define PARSE_DEPTH_MAX 48
#define PARSE_TEXT_MAX  (64 * 1024)

struct parser {
	struct lexer lx;
	struct tok tok, ahead;
	bool have_ahead;
	bool colon_words; /* 1:2 and 10:00 are one word (traffic classes, times of day) */
	unsigned depth;
	uint32_t prev_end; /* end of the token before tok */
	struct ast_rule *r;
	struct err *e;
	/* Of a file: */
	struct nft_file *file; /* NULL: a text of its own */
	uint32_t source, defs; /* which of its sources; which defines count */
	uint32_t failed;       /* place of the error */
	uint64_t taken;        /* bytes of the values that stood for $names */
	bool loose;            /* sets may be maps, and empty: the value of a define */
	/* tok is a $name: true when the text itself defines it; its tree, NULL after an error, is in out and
	 * the token is behind. NULL: all $names are the caller's. */
	bool (*define)(struct parser *p, struct node **out);
	/* Puts the values of $names into a string. */
	bool (*fill)(struct parser *p, struct node *string);
};

/* ---- tokens ---- */
void p_advance(struct parser *p);
const struct tok *p_peek(struct parser *p);
/* Inline, so that the length of a literal is no work. */
static inline bool p_tok_is(const struct parser *p, const struct tok *t, const char *word)
{
	size_t n = strlen(word);

	return t->end - t->pos == n && t->kind == TOK_WORD && !memcmp(p->lx.src->text + t->pos, word, n);
}

static inline bool p_is(const struct parser *p, const char *word) /* tok is this unquoted word */
{
	return p_tok_is(p, &p->tok, word);
}

static inline bool p_accept_word(struct parser *p, const char *word) /* and goes on */
{
	if (!p_is(p, word))
		return false;
	p_advance(p);
	return true;
}

bool p_accept(struct parser *p, int kind);
bool p_commas(struct parser *p); /* one or more: nft takes empty places for nothing */
bool p_expect(struct parser *p, int kind, const char *what);
bool p_expect_word(struct parser *p, const char *word);
void p_split(struct parser *p,
	uint32_t n); /* the word goes on to be read behind its first n bytes: kbytes/second */
char *p_text(struct parser *p, const struct tok *t); /* copy in the arena */
bool p_is_value(const struct parser *p);             /* word, string or $name */
bool p_end_of_rule(const struct parser *p);

/* ---- nodes and errors ---- */
struct node *p_node(struct parser *p, enum node_kind kind, uint32_t pos);
struct node *p_done(struct parser *p, struct node *n); /* sets end to the last token's */
void *p_fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* at tok; NULL */
void *p_fail_at(struct parser *p, uint32_t pos, uint32_t end, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* "expected X, found Y" with a proposal from words (NULL-terminated) for what stands there. */
void *p_unexpected(struct parser *p, const char *expected, const char *const *words);
void *p_unexpected_from(
	struct parser *p, const char *expected, const char *(*next)(void *, size_t), void *ctx);
bool p_enter(struct parser *p); /* depth; false: too deep */
void p_leave(struct parser *p);

/* ---- grammar ---- */
enum expr_mode { EXPR_SELECT, EXPR_CONST, EXPR_ANY };
struct node *parse_value(struct parser *p); /* one word, string or $name */
struct node *parse_expr(
	struct parser *p, enum expr_mode m); /* operators, ranges and prefixes, concatenation; then map */
struct node *parse_basic(struct parser *p, enum expr_mode m); /* without concatenation and map */
struct node *parse_list(struct parser *p);                    /* constants: a,b,c or a set, or @name */
struct node *parse_setref(struct parser *p);
struct node *parse_set(struct parser *p, bool verdicts);
struct node *parse_elem(struct parser *p, bool map, bool verdicts); /* one of a set's or map's */
/* A set as el's key: its elements take el's place. The last of them, NULL: it was empty. */
struct node *elem_flatten(struct node *el, struct node **place, uint64_t *n);
struct node *parse_elems(struct parser *p, bool map, bool verdicts); /* { … } with all options: N_SET */
struct node *parse_map_of(struct parser *p, struct node *key, bool verdicts); /* after `map` or `vmap` */
struct node *parse_selector(struct parser *p, enum expr_mode m); /* NULL without an error: none stands here */
bool selector_starts(struct parser *p);
struct node *parse_verdict(
	struct parser *p, bool stmt); /* NULL without an error: no verdict word. stmt: `jump { … }` too */
struct node *parse_stateful(
	struct parser *p); /* counter, limit, quota, last, ct count in elements; NULL without error: none */
/* All that stand here; false: an error. */
bool parse_statefuls(struct parser *p, struct node **list);
/* A text of nothing else, and the tree that holds it (one reference; not among the rules of ast.c's table).
 */
int stateful_tree(const char *text, struct ast_rule **out, struct node **list, struct err *e);

struct node *parse_stmt(struct parser *p);              /* one statement */
bool parse_stmts(struct parser *p, struct node **list); /* until the end of the rule */

typedef struct node *parse_stmt_fn(struct parser *p);
parse_stmt_fn parse_counter, parse_limit, parse_quota, parse_last, parse_log, parse_reject, parse_snat,
	parse_dnat, parse_masq, parse_redirect, parse_tproxy, parse_dup, parse_fwd, parse_queue,
	parse_notrack, parse_dynset, parse_flow, parse_synproxy, parse_reset, parse_meter, parse_comment,
	parse_connlimit;
struct node *parse_objref_ct(
	struct parser *p); /* ct helper|timeout|expectation set …; NULL without an error: something else */

/* ---- words ---- */
enum word_kind {
	WORD_OTHER,
	WORD_VERDICT,
	WORD_META,
	WORD_CT,
	WORD_RT,
	WORD_FIB,
	WORD_SOCKET,
	WORD_OSF,
	WORD_NUMGEN,
	WORD_HASH,
	WORD_IPSEC,
	WORD_EXTHDR,
};
struct word {
	const char *name;
	uint8_t len, what; /* enum word_kind */
	int32_t verdict;   /* of WORD_VERDICT: its code */
	parse_stmt_fn *stmt;
	const struct selkey *meta; /* a key of meta that stands without that word */
	const struct proto *proto;
};
const struct word *word_find(
	const char *s, size_t n); /* what a statement can begin with; NULL: no such word */
static inline const struct word *word_at(const struct parser *p)
{
	return p->tok.kind == TOK_WORD ? word_find(p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos)
				       : NULL;
}
const char *stmt_word(void *ctx, size_t i); /* all of them, for proposals */
