// SPDX-License-Identifier: GPL-2.0-or-later
#include <limits.h>
#include <string.h>
#include <syslog.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_log.h>
#include <linux/netfilter/nf_synproxy.h>

#include "nft/field.h"
#include "nft/parse.h"

/* `name X`, `name EXPR map …` behind a stateful word: the object of that name. */
static struct node *objref(struct parser *p, uint32_t pos, uint32_t type)
{
	struct node *n = p_node(p, S_OBJREF, pos);

	n->u = type;
	n->a = parse_expr(p, EXPR_ANY);
	return n->a ? p_done(p, n) : NULL;
}

struct node *parse_counter(struct parser *p)
{
	struct node *n = p_node(p, S_COUNTER, p->tok.pos);

	p_advance(p);
	if (p_accept_word(p, "name"))
		return objref(p, n->pos, NFT_OBJECT_COUNTER);
	for (;;) {
		struct node **to = p_is(p, "packets") ? &n->a : p_is(p, "bytes") ? &n->b : NULL;

		if (!to || *to)
			return p_done(p, n);
		p_advance(p);
		*to = parse_value(p);
		if (!*to)
			return NULL;
	}
}

/* bytes, kbytes, mbytes; 0: none of them */
static uint64_t accept_bytes(struct parser *p)
{
	static const struct {
		const char *word;
		uint64_t factor;
	} units[] = { { "bytes", 1 }, { "kbytes", 1024 }, { "mbytes", 1024 * 1024 } };

	const char *slash = p->tok.kind == TOK_WORD
				    ? memchr(p->lx.src->text + p->tok.pos, '/', p->tok.end - p->tok.pos)
				    : NULL;

	if (slash)
		p_split(p, (uint32_t)(slash - p->lx.src->text) - p->tok.pos);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (p_accept_word(p, units[i].word))
			return units[i].factor;
	return 0;
}

static const char *const byte_units[] = { "bytes", "kbytes", "mbytes", NULL };

struct node *parse_limit(struct parser *p)
{
	static const struct {
		const char *word;
		uint64_t seconds;
	} units[] = { { "second", 1 }, { "minute", 60 }, { "hour", 3600 }, { "day", 86400 },
		{ "week", 604800 } };
	static const char *const names[] = { "second", "minute", "hour", "day", "week", NULL };
	struct node *n = p_node(p, S_LIMIT, p->tok.pos);

	p_advance(p);
	if (p_accept_word(p, "name"))
		return objref(p, n->pos, NFT_OBJECT_LIMIT);
	if (!p_expect_word(p, "rate"))
		return NULL;
	n->op = p_accept_word(p, "over");
	if (!n->op)
		p_accept_word(p, "until");
	n->a = parse_value(p);
	if (!n->a)
		return NULL;
	n->u2 = accept_bytes(p);
	if (!p_expect(p, '/', "`/second`, `/minute` …"))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(units) && !n->u; i++)
		if (p_accept_word(p, units[i].word))
			n->u = units[i].seconds;
	if (!n->u)
		return p_unexpected(p, "second, minute, hour, day or week", names);
	if (p_accept_word(p, "burst")) {
		n->b = parse_value(p);
		if (!n->b)
			return NULL;
		if (!n->u2) {
			if (!p_expect_word(p, "packets"))
				return NULL;
		} else if (!(n->u3 = accept_bytes(p))) {
			return p_unexpected(p, "bytes, kbytes or mbytes", byte_units);
		}
	}
	return p_done(p, n);
}

struct node *parse_quota(struct parser *p)
{
	struct node *n = p_node(p, S_QUOTA, p->tok.pos);

	p_advance(p);
	if (p_accept_word(p, "name"))
		return objref(p, n->pos, NFT_OBJECT_QUOTA);
	n->op = p_accept_word(p, "over");
	if (!n->op)
		p_accept_word(p, "until");
	n->a = parse_value(p);
	if (!n->a)
		return NULL;
	n->u = accept_bytes(p);
	if (!n->u)
		return p_unexpected(p, "bytes, kbytes or mbytes", byte_units);
	if (p_accept_word(p, "used")) {
		n->b = parse_value(p);
		if (!n->b)
			return NULL;
		n->u2 = accept_bytes(p);
		if (!n->u2)
			return p_unexpected(p, "bytes, kbytes or mbytes", byte_units);
	}
	return p_done(p, n);
}

struct node *parse_last(struct parser *p)
{
	struct node *n = p_node(p, S_LAST, p->tok.pos);

	p_advance(p);
	if (p_accept_word(p, "used") && !p_accept_word(p, "never")) {
		n->a = parse_value(p);
		if (!n->a)
			return NULL;
	}
	return p_done(p, n);
}

struct node *parse_connlimit(struct parser *p)
{
	struct node *n = p_node(p, S_CONNLIMIT, p->tok.pos);

	p_advance(p);
	p_advance(p); /* ct count */
	n->op = p_accept_word(p, "over");
	n->a = parse_value(p);
	return n->a ? p_done(p, n) : NULL;
}

struct node *parse_stateful(struct parser *p)
{
	if (p_is(p, "counter"))
		return parse_counter(p);
	if (p_is(p, "limit"))
		return parse_limit(p);
	if (p_is(p, "quota"))
		return parse_quota(p);
	if (p_is(p, "last"))
		return parse_last(p);
	if (p_is(p, "ct") && p_tok_is(p, p_peek(p), "count"))
		return parse_connlimit(p);
	return NULL;
}

bool parse_statefuls(struct parser *p, struct node **list)
{
	struct node *n;

	while ((n = parse_stateful(p))) {
		*list = n;
		list = &n->next;
	}
	return !p->e->code;
}

struct node *parse_objref_ct(struct parser *p)
{
	static const struct {
		const char *word;
		uint32_t type;
	} objs[] = { { "helper", NFT_OBJECT_CT_HELPER }, { "timeout", NFT_OBJECT_CT_TIMEOUT },
		{ "expectation", NFT_OBJECT_CT_EXPECT } };
	uint32_t pos = p->tok.pos;
	struct tok ct = p->tok;

	if (p_tok_is(p, p_peek(p), "count"))
		return parse_connlimit(p);
	for (size_t i = 0; i < ARRAY_SIZE(objs); i++) {
		struct lexer save = p->lx;
		struct tok second = p->ahead, third;

		if (!p_tok_is(p, &second, objs[i].word))
			continue;
		p_advance(p);
		third = *p_peek(p);
		if (p_tok_is(p, &third, "set")) {
			p_advance(p);
			p_advance(p);
			return objref(p, pos, objs[i].type);
		}
		/* ct helper "ftp": a match */
		p->lx = save;
		p->tok = ct;
		p->ahead = second;
		p->have_ahead = true;
		return NULL;
	}
	return NULL;
}

static bool log_flags(struct parser *p, struct node *n)
{
	static const char *const words[] = { "tcp", "ip", "skuid", "ether", "all", NULL };

	p_advance(p);
	if (p_accept_word(p, "all")) {
		n->u |= NF_LOG_MASK;
	} else if (p_accept_word(p, "skuid")) {
		n->u |= NF_LOG_UID;
	} else if (p_accept_word(p, "ether")) {
		n->u |= NF_LOG_MACDECODE;
	} else if (p_accept_word(p, "ip")) {
		if (!p_expect_word(p, "options"))
			return false;
		n->u |= NF_LOG_IPOPT;
	} else if (p_accept_word(p, "tcp")) {
		do {
			if (p_accept_word(p, "sequence")) {
				n->u |= NF_LOG_TCPSEQ;
			} else if (p_accept_word(p, "options")) {
				n->u |= NF_LOG_TCPOPT;
			} else {
				p_unexpected(p, "`sequence` or `options`", NULL);
				return false;
			}
		} while (p_accept(p, ','));
	} else {
		p_unexpected(p, "all, tcp, ip options, skuid or ether", words);
		return false;
	}
	return true;
}

/* A word that may stand in quotes. */
static bool accept_text(struct parser *p, const char *word)
{
	if (p->tok.kind != TOK_STRING || strcmp(p_text(p, &p->tok), word) != 0)
		return p_accept_word(p, word);
	p_advance(p);
	return true;
}

struct node *parse_log(struct parser *p)
{
	static const char *const levels[] = { "emerg", "alert", "crit", "err", "warn", "notice", "info",
		"debug", "audit", NULL };
	struct node *n = p_node(p, S_LOG, p->tok.pos);

	p_advance(p);
	for (;;) {
		struct node **to = p_is(p, "prefix")            ? &n->a
				   : p_is(p, "group")           ? &n->b
				   : p_is(p, "snaplen")         ? &n->c
				   : p_is(p, "queue-threshold") ? &n->d
								: NULL;

		if (to) { /* the last one counts */
			p_advance(p);
			*to = parse_value(p);
			if (!*to || (to == &n->a && p->fill && !p->fill(p, *to)))
				return NULL;
		} else if (p_accept_word(p, "level")) {
			unsigned i;

			for (i = 0; levels[i] && !accept_text(p, levels[i]); i++)
				;
			if (!levels[i] && p_accept_word(p, "error"))
				i = 3;
			if (i == 9)
				return p_unexpected(p, "a level", levels);
			n->u3 = i;
			n->u2 = 1;
		} else if (p_is(p, "flags")) {
			if (!log_flags(p, n))
				return NULL;
		} else {
			return p_done(p, n);
		}
	}
}

struct node *parse_reject(struct parser *p)
{
	static const char *const kinds[] = { "icmp", "icmpv6", "icmpx", "tcp", NULL };
	struct node *n = p_node(p, S_REJECT, p->tok.pos);

	p_advance(p);
	if (!p_accept_word(p, "with"))
		return p_done(p, n);
	for (int i = 0; kinds[i] && !n->s; i++)
		if (p_accept_word(p, kinds[i]))
			n->s = kinds[i];
	if (!n->s)
		return p_unexpected(p, "icmp, icmpv6, icmpx or tcp reset", kinds);
	if (!strcmp(n->s, "tcp"))
		return p_expect_word(p, "reset") ? p_done(p, n) : NULL;
	p_accept_word(p, "type");
	n->a = parse_value(p);
	return n->a ? p_done(p, n) : NULL;
}

struct node *parse_notrack(struct parser *p)
{
	struct node *n = p_node(p, S_NOTRACK, p->tok.pos);

	p_advance(p);
	return p_done(p, n);
}

struct node *parse_flow(struct parser *p)
{
	struct node *n = p_node(p, S_FLOW, p->tok.pos);

	p_advance(p);
	if (!p_accept_word(p, "add") && !p_accept_word(p, "offload"))
		return p_unexpected(p, "`add @flowtable`", NULL);
	if (p->tok.kind != '@')
		return p_unexpected(p, "`@flowtable`", NULL);
	n->a = parse_setref(p);
	return n->a ? p_done(p, n) : NULL;
}

struct node *parse_synproxy(struct parser *p)
{
	struct node *n = p_node(p, S_SYNPROXY, p->tok.pos);

	p_advance(p);
	if (p_accept_word(p, "name"))
		return objref(p, n->pos, NFT_OBJECT_SYNPROXY);
	for (;;) {
		if (p_accept_word(p, "mss")) {
			n->u |= NF_SYNPROXY_OPT_MSS;
			if (!(n->a = parse_value(p)))
				return NULL;
		} else if (p_accept_word(p, "wscale")) {
			n->u |= NF_SYNPROXY_OPT_WSCALE;
			if (!(n->b = parse_value(p)))
				return NULL;
		} else if (p_accept_word(p, "timestamp")) {
			n->u |= NF_SYNPROXY_OPT_TIMESTAMP;
		} else if (p_accept_word(p, "sack-perm")) {
			n->u |= NF_SYNPROXY_OPT_SACK_PERM;
		} else {
			return p_done(p, n);
		}
	}
}

struct node *parse_reset(struct parser *p)
{
	struct node *n = p_node(p, S_RESET, p->tok.pos);

	p_advance(p);
	n->a = parse_selector(p, EXPR_SELECT);
	if (!n->a)
		return p->e->code ? NULL : p_unexpected(p, "`tcp option NAME`", NULL);
	if (n->a->kind != N_EXTHDR || n->a->proto->kind != PROTO_TCPOPT || n->a->def || n->a->op == 2)
		return p_fail_at(p, n->a->pos, n->a->end, "only a TCP option as a whole can be reset");
	return p_done(p, n);
}

struct node *parse_comment(struct parser *p)
{
	struct node *n = p_node(p, S_COMMENT, p->tok.pos);

	p_advance(p);
	if (p->tok.kind != TOK_STRING && p->tok.kind != TOK_WORD && (p->tok.kind != TOK_PARAM || p->r->file))
		return p_unexpected(p, "the comment's text", NULL);
	if (p->tok.end - p->tok.pos > 128)
		return p_fail(p, "a comment has at most 128 bytes");
	if (p->r->comment)
		return p_fail(p, "a rule has one comment");
	n->a = parse_value(p);
	if (n->a) {
		p->r->comment = n->a->s;
		p->r->comment_param = n->a->kind == N_PARAM;
	}
	if (n->a && !p_end_of_rule(p))
		return p_unexpected(p, "the end of the rule behind its comment", NULL);
	return n->a ? p_done(p, n) : NULL;
}

/* { key options [: data] } */
static bool dyn_body(struct parser *p, struct node *n, bool data)
{
	struct node **tail = &n->c;

	if (!p_expect(p, '{', "`{`"))
		return false;
	n->b = parse_expr(p, EXPR_ANY);
	if (!n->b)
		return false;
	for (;;) {
		enum node_kind kind = p_is(p, "timeout")   ? N_OPT_TIMEOUT
				      : p_is(p, "expires") ? N_OPT_EXPIRES
							   : N_OPT_COMMENT;
		struct node *o;

		if (kind == N_OPT_COMMENT && !p_is(p, "comment")) {
			o = parse_stateful(p);
			if (!o)
				break;
		} else {
			o = p_node(p, kind, p->tok.pos);
			p_advance(p);
			if (!(o->a = parse_value(p)))
				return false;
			p_done(p, o);
		}
		*tail = o;
		tail = &o->next;
	}
	if (p->e->code)
		return false;
	if (data && p_accept(p, ':') && !(n->d = parse_expr(p, EXPR_ANY)))
		return false;
	return p_expect(p, '}', "`}`");
}

static bool dyn_op(struct parser *p, struct node *n)
{
	n->u = p_is(p, "add")      ? NFT_DYNSET_OP_ADD
	       : p_is(p, "update") ? NFT_DYNSET_OP_UPDATE
				   : NFT_DYNSET_OP_DELETE;
	if (n->u == NFT_DYNSET_OP_DELETE && !p_is(p, "delete")) {
		p_unexpected(p, "add, update or delete", NULL);
		return false;
	}
	p_advance(p);
	return true;
}

struct node *parse_dynset(struct parser *p)
{
	struct node *n = p_node(p, S_DYNSET, p->tok.pos);

	if (p_accept_word(p, "set")) { /* set add ip saddr @name */
		if (!dyn_op(p, n) || !(n->b = parse_expr(p, EXPR_ANY)))
			return NULL;
		while (!p_end_of_rule(p) && p->tok.kind != '@') {
			struct node *o = p_is(p, "timeout") ? p_node(p, N_OPT_TIMEOUT, p->tok.pos) : NULL;

			if (!o || n->c)
				return p_unexpected(p, "`@set`", NULL);
			p_advance(p);
			if (!(o->a = parse_value(p)))
				return NULL;
			n->c = p_done(p, o);
		}
		if (p->tok.kind != '@')
			return p_unexpected(p, "`@set`", NULL);
		n->a = parse_setref(p);
		return n->a ? p_done(p, n) : NULL;
	}
	if (!dyn_op(p, n))
		return NULL;
	if (p->tok.kind == TOK_PARAM) { /* a handle of a set */
		n->a = p_node(p, N_SETREF, p->tok.pos);
		n->a->a = parse_value(p);
		if (!n->a->a)
			return NULL;
		p_done(p, n->a);
	} else if (p->tok.kind == '@') {
		n->a = parse_setref(p);
	} else {
		return p_unexpected(p, "`@set`", NULL);
	}
	return n->a && dyn_body(p, n, true) ? p_done(p, n) : NULL;
}

struct node *parse_meter(struct parser *p)
{
	struct node *n = p_node(p, S_METER, p->tok.pos), *o;

	p_advance(p);
	if (p->tok.kind != TOK_WORD)
		return p_unexpected(p, "the meter's name", NULL);
	n->a = p_node(p, N_SETREF, p->tok.pos);
	n->a->s = p_text(p, &p->tok);
	p_advance(p);
	p_done(p, n->a);
	if (p_accept_word(p, "size") && !(n->d = parse_value(p)))
		return NULL;
	if (!dyn_body(p, n, false))
		return NULL;
	for (o = n->c;
		o && (o->kind == N_OPT_TIMEOUT || o->kind == N_OPT_EXPIRES || o->kind == N_OPT_COMMENT);)
		o = o->next;
	return o ? p_done(p, n)
		 : p_fail_at(p, n->pos, p->prev_end,
			   "a meter counts something for each key, with `counter` or `limit rate …`");
}
