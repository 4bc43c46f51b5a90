// SPDX-License-Identifier: GPL-2.0-or-later
/* Statements that say where a packet goes. */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>

#include "nft/field.h"
#include "nft/parse.h"

/* random,persistent,… */
static bool nat_flags(struct parser *p, uint64_t *flags)
{
	static const struct {
		const char *word;
		uint32_t flag;
	} words[] = { { "random", NF_NAT_RANGE_PROTO_RANDOM },
		{ "fully-random", NF_NAT_RANGE_PROTO_RANDOM_FULLY },
		{ "persistent", NF_NAT_RANGE_PERSISTENT } };
	static const char *const names[] = { "random", "fully-random", "persistent", NULL };
	bool more = false;

	for (;;) {
		size_t i;

		for (i = 0; i < ARRAY_SIZE(words); i++)
			if (p_accept_word(p, words[i].word))
				break;
		if (i == ARRAY_SIZE(words)) {
			if (more)
				p_unexpected(p, "random, fully-random or persistent", names);
			return !more;
		}
		*flags |= words[i].flag;
		more = p_accept(p, ',');
		if (!more)
			break;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (p_is(p, words[i].word)) {
			p_fail(p, "flags are written with commas between them: random,persistent");
			return false;
		}
	return true;
}

static uint64_t nat_family(struct parser *p)
{
	const struct tok *next = p_peek(p);
	uint64_t f = p_is(p, "ip") ? NFPROTO_IPV4 : p_is(p, "ip6") ? NFPROTO_IPV6 : 0;

	/* "snat ip to", not "snat ip saddr map" */
	if (!f || !(p_tok_is(p, next, "to") || p_tok_is(p, next, "prefix") || p_tok_is(p, next, "interval") ||
			  p_tok_is(p, next, "addr")))
		return 0;
	p_advance(p);
	return f;
}

/* to ADDR[:PORT], :PORT */
static bool nat_target(struct parser *p, struct node *n, bool addr)
{
	if (addr && p->tok.kind != ':') {
		n->a = parse_expr(p, EXPR_ANY);
		if (!n->a)
			return false;
	}
	if (p_accept(p, ':')) {
		n->b = parse_expr(p, EXPR_ANY);
		if (!n->b)
			return false;
	}
	if (!n->a && !n->b) {
		p_unexpected(p, addr ? "an address or `:port`" : "`:port`", NULL);
		return false;
	}
	return true;
}

static struct node *parse_nat(struct parser *p, uint32_t type)
{
	struct node *n = p_node(p, S_NAT, p->tok.pos);

	n->u = type;
	p_advance(p);
	n->u2 = nat_family(p);
	if (p_accept_word(p, "prefix"))
		n->op |= 1;
	else if (p_accept_word(p, "interval"))
		n->op |= 2;
	else if (n->u2 && p_accept_word(p, "addr")) {
		if (!p_expect(p, '.', "`.`") || !p_expect_word(p, "port"))
			return NULL;
		n->op |= 4;
	}
	if (n->op || n->u2) {
		if (!p_expect_word(p, "to"))
			return NULL;
	} else {
		p_accept_word(p, "to");
	}
	if (!nat_target(p, n, true) || !nat_flags(p, &n->u3))
		return NULL;
	if (n->u2 && !n->a)
		return p_fail_at(p, n->pos, p->prev_end, "a family stands with an address only, write `%s`",
			type == NFT_NAT_SNAT ? "snat to :port" : "dnat to :port");
	return p_done(p, n);
}

struct node *parse_snat(struct parser *p)
{
	return parse_nat(p, NFT_NAT_SNAT);
}

struct node *parse_dnat(struct parser *p)
{
	return parse_nat(p, NFT_NAT_DNAT);
}

static struct node *parse_port_nat(struct parser *p, enum node_kind kind)
{
	struct node *n = p_node(p, kind, p->tok.pos);

	p_advance(p);
	if (p_accept_word(p, "to")) {
		if (kind == S_REDIR && p->tok.kind != ':') { /* redirect to 8080 */
			if (!(n->b = parse_expr(p, EXPR_ANY)))
				return NULL;
		} else if (!nat_target(p, n, false)) {
			return NULL;
		}
	}
	return nat_flags(p, &n->u3) ? p_done(p, n) : NULL;
}

struct node *parse_masq(struct parser *p)
{
	return parse_port_nat(p, S_MASQ);
}

struct node *parse_redirect(struct parser *p)
{
	return parse_port_nat(p, S_REDIR);
}

struct node *parse_tproxy(struct parser *p)
{
	struct node *n = p_node(p, S_TPROXY, p->tok.pos);

	p_advance(p);
	n->u2 = nat_family(p);
	if (!p_expect_word(p, "to") || !nat_target(p, n, true))
		return NULL;
	return p_done(p, n);
}

struct node *parse_dup(struct parser *p)
{
	struct node *n = p_node(p, S_DUP, p->tok.pos);

	p_advance(p);
	if (!p_expect_word(p, "to") || !(n->a = parse_expr(p, EXPR_ANY)))
		return NULL;
	if (p_accept_word(p, "device") && !(n->b = parse_expr(p, EXPR_ANY)))
		return NULL;
	return p_done(p, n);
}

struct node *parse_fwd(struct parser *p)
{
	struct node *n = p_node(p, S_FWD, p->tok.pos);

	p_advance(p);
	n->u2 = nat_family(p);
	if (!p_expect_word(p, "to") || !(n->b = parse_expr(p, EXPR_ANY)))
		return NULL;
	if (n->u2) {
		n->a = n->b;
		if (!p_expect_word(p, "device") || !(n->b = parse_expr(p, EXPR_ANY)))
			return NULL;
	}
	return p_done(p, n);
}

static bool queue_flags(struct parser *p, uint64_t *flags)
{
	do {
		if (p_accept_word(p, "bypass")) {
			*flags |= NFT_QUEUE_FLAG_BYPASS;
		} else if (p_accept_word(p, "fanout")) {
			*flags |= NFT_QUEUE_FLAG_CPU_FANOUT;
		} else {
			p_unexpected(p, "`bypass` or `fanout`", NULL);
			return false;
		}
	} while (p_accept(p, ','));
	return true;
}

/* to EXPR: what spreads packets over queues, or the value of a map. */
static struct node *queue_target(struct parser *p)
{
	struct node *n = parse_expr(p, EXPR_ANY);

	if (n && n->kind >= N_FIELD && n->kind != N_NUMGEN && n->kind != N_HASH)
		return p_fail_at(p, n->pos, n->end,
			"queues are chosen by symhash, jhash, numgen or a map: `%s`",
			"queue to ip saddr map { … }");
	return n;
}

struct node *parse_queue(struct parser *p)
{
	struct node *n = p_node(p, S_QUEUE, p->tok.pos);
	bool given = false;

	p_advance(p);
	if (p_accept_word(p, "flags")) {
		if (!queue_flags(p, &n->u))
			return NULL;
		given = true;
	}
	for (;;) {
		if (!given && (p_is(p, "bypass") || p_is(p, "fanout"))) {
			if (!queue_flags(p, &n->u))
				return NULL;
		} else if (!n->a && (p_is(p, "num") || p_is(p, "to"))) {
			n->op = p_is(p, "to");
			p_advance(p);
			n->a = queue_target(p);
			if (!n->a)
				return NULL;
		} else if (given && !n->a) {
			return p_unexpected(p, "`to` and a queue", NULL);
		} else {
			return p_done(p, n);
		}
	}
}
