// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>

#include "base/text.h"
#include "nft/field.h"
#include "nft/parse.h"

static const char *key_next(void *ctx, size_t i)
{
	const struct selkey *t = ctx;

	return t[i].name;
}

static const char *field_next(void *ctx, size_t i)
{
	const struct proto *p = ctx;

	return p->fields[i].name;
}

static const struct selkey *key_here(const struct parser *p, const struct selkey *t)
{
	for (; t->name; t++)
		if (p_is(p, t->name))
			return t;
	return NULL;
}

bool selector_starts(struct parser *p)
{
	const struct word *w = word_at(p);

	return p->tok.kind == '@' || (w && (w->what > WORD_VERDICT || w->meta || w->proto));
}

static bool number(struct parser *p, uint64_t max, uint64_t *out)
{
	_autofree_ char *s = NULL;

	if (p->tok.kind == TOK_WORD) {
		s = xstrndup(p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos);
		if (parse_u64(s, max, out)) {
			p_advance(p);
			return true;
		}
	}
	p_unexpected(p, "a number in range", NULL);
	return false;
}

/* @nh,16,8 */
static struct node *parse_raw(struct parser *p)
{
	static const char *const bases[] = { "ll", "nh", "th", "ih", NULL };
	struct node *n = p_node(p, N_RAW, p->tok.pos);

	p_advance(p);
	for (n->u = 0; n->u < 4; n->u++)
		if (p_accept_word(p, bases[n->u]))
			break;
	if (n->u == 4)
		return p_unexpected(p, "ll, nh, th or ih", bases);
	if (!p_expect(p, ',', "`,`") || !number(p, 8 * 1500, &n->u2) || !p_expect(p, ',', "`,`") ||
		!number(p, 128, &n->u3))
		return NULL;
	if (!n->u3)
		return p_fail(p, "a length of 0 bits");
	return p_done(p, n);
}

/* What a header's option or chunk is called, or its number; then a field of it, or none: is it there at all?
 */
static struct node *parse_option(struct parser *p, uint32_t pos, enum proto_kind kind)
{
	struct node *n = p_node(p, N_EXTHDR, pos);
	char word[32] = "";
	uint32_t len = p->tok.end - p->tok.pos;

	if (kind == PROTO_TCPOPT && p_accept(p, '@')) { /* tcp option @255,8,8 */
		n->proto = proto_option(kind, "eol");
		n->op = 2;
		if (!number(p, 255, &n->u) || !p_expect(p, ',', "`,`") || !number(p, 255 * 8, &n->u2) ||
			!p_expect(p, ',', "`,`") || !number(p, 128, &n->u3))
			return NULL;
		return n->u3 ? p_done(p, n) : p_fail(p, "a length of 0 bits");
	}
	if (p->tok.kind == TOK_WORD && len < sizeof(word))
		memcpy(word, p->lx.src->text + p->tok.pos, len);
	n->proto = proto_option(kind, word);
	if (n->proto) {
		n->u = n->proto->num;
		p_advance(p);
	} else if (kind == PROTO_TCPOPT && word[0] >= '0' && word[0] <= '9') {
		if (!number(p, 255, &n->u))
			return NULL;
		n->proto = proto_option(kind, "sack-perm");
		n->op = 1;
	} else {
		const char *names[40];
		size_t i;

		for (i = 0; i < 39 && proto_option_at(kind, i); i++)
			names[i] = proto_option_at(kind, i)->name;
		names[i] = NULL;
		return p_unexpected(p, "the name of an option", names);
	}
	for (const struct field *f = n->proto->fields; f->name; f++)
		if (p_accept_word(p, f->name)) {
			n->def = f;
			break;
		}
	return p_done(p, n);
}

static struct node *parse_exthdr6(struct parser *p, const struct proto *pr)
{
	struct node *n = p_node(p, N_EXTHDR, p->tok.pos);
	uint64_t i;

	p_advance(p);
	n->proto = pr;
	n->u = pr->num;
	for (const struct field *f = pr->fields; f->name; f++)
		if (p_accept_word(p, f->name)) {
			n->def = f;
			if (p_accept(p, '[')) { /* the n-th of several addresses */
				if (!number(p, 16, &i) || !p_expect(p, ']', "`]`"))
					return NULL;
				n->u2 = (i ? i - 1 : 0) * 128;
			}
			return p_done(p, n);
		}
	return p_unexpected_from(p, "a field of this header", field_next, (void *)pr);
}

/* arp saddr ether, arp saddr ip: p is at the first word, f is the first field that begins with it. */
static const struct field *second_word(struct parser *p, const struct field *f, size_t at)
{
	const char *first = f->name;

	p_advance(p);
	for (; f->name; f++)
		if (!strncmp(f->name, first, at) && p_is(p, f->name + at))
			return f;
	return NULL;
}

static struct node *parse_field(struct parser *p, const struct proto *pr, enum expr_mode m)
{
	uint32_t pos = p->tok.pos;
	const struct tok *next = p_peek(p);
	struct node *n;

	if (pr == &proto_tcp && (p_tok_is(p, next, "option") || p_tok_is(p, next, "opt"))) {
		p_advance(p);
		p_advance(p);
		return parse_option(p, pos, PROTO_TCPOPT);
	}
	if (pr == &proto_ip && p_tok_is(p, next, "option")) {
		p_advance(p);
		p_advance(p);
		return parse_option(p, pos, PROTO_IPOPT);
	}
	if (!strcmp(pr->name, "sctp") && p_tok_is(p, next, "chunk")) {
		p_advance(p);
		p_advance(p);
		return parse_option(p, pos, PROTO_SCTP_CHUNK);
	}
	if (pr == &proto_icmpv6 && p_tok_is(p, next, "param-problem")) { /* nft prints it in full */
		n = p_node(p, N_FIELD, pos);
		n->def = proto_field(pr, "parameter-problem");
		n->proto = pr;
		p_advance(p);
		p_advance(p);
		return p_done(p, n);
	}
	for (const struct field *f = pr->fields; f->name; f++) {
		size_t len = next->end - next->pos;

		if (next->kind != TOK_WORD || strncmp(f->name, p->lx.src->text + next->pos, len) != 0 ||
			(f->name[len] && f->name[len] != ' '))
			continue;
		p_advance(p);
		if (f->name[len] && !(f = second_word(p, f, len + 1)))
			return p_unexpected(p, "`ether` or `ip`", NULL);
		n = p_node(p, N_FIELD, pos);
		n->def = f;
		n->proto = pr;
		p_advance(p);
		return p_done(p, n);
	}
	if (m != EXPR_SELECT)
		return NULL;
	p_advance(p);
	{
		char what[48];

		snprintf(what, sizeof(what), "a field of %s", pr->name);
		return p_unexpected_from(p, what, field_next, (void *)pr);
	}
}

static struct node *parse_meta(struct parser *p, const struct selkey *k)
{
	struct node *n = p_node(p, N_META, p->tok.pos);

	if (!k) {
		p_advance(p); /* meta */
		k = key_here(p, meta_keys);
		if (!k)
			return p_unexpected_from(p, "a key of meta", key_next, (void *)meta_keys);
	}
	n->def = k;
	p_advance(p);
	return p_done(p, n);
}

static uint64_t accept_family(struct parser *p)
{
	if (p_is(p, "ip") || p_is(p, "ip6")) {
		uint64_t f = p_is(p, "ip") ? NFPROTO_IPV4 : NFPROTO_IPV6;

		p_advance(p);
		return f;
	}
	return 0;
}

static struct node *parse_ct(struct parser *p)
{
	struct node *n = p_node(p, N_CT, p->tok.pos);
	const struct selkey *k;

	p_advance(p);
	if (p_accept_word(p, "original"))
		n->u = 1;
	else if (p_accept_word(p, "reply"))
		n->u = 2;
	n->u2 = accept_family(p);
	k = key_here(p, ct_keys);
	if (!k || (n->u2 && k->type != DT_INVALID))
		return p_unexpected_from(
			p, n->u2 ? "`saddr` or `daddr`" : "a key of ct", key_next, (void *)ct_keys);
	if (n->u && !(k->flags & SK_DIR))
		return p_fail(p, "ct %s has no direction", k->name);
	if (!n->u && (k->flags & SK_NEEDDIR))
		return p_fail(p, "ct %s needs a direction, `ct original %s` or `ct reply %s`", k->name,
			k->name, k->name);
	n->def = k;
	p_advance(p);
	return p_done(p, n);
}

static struct node *parse_rt(struct parser *p)
{
	struct node *n = p_node(p, N_RT, p->tok.pos);

	p_advance(p);
	n->u2 = accept_family(p);
	n->def = key_here(p, rt_keys);
	if (!n->def)
		return p_unexpected_from(p, "a key of rt", key_next, (void *)rt_keys);
	p_advance(p);
	return p_done(p, n);
}

static struct node *parse_fib(struct parser *p)
{
	static const char *const flags[] = { "saddr", "daddr", "mark", "iif", "oif", NULL };
	static const char *const results[] = { "oif", "oifname", "type", NULL };
	struct node *n = p_node(p, N_FIB, p->tok.pos);

	p_advance(p);
	do {
		unsigned i;

		for (i = 0; flags[i]; i++)
			if (p_accept_word(p, flags[i]))
				break;
		if (!flags[i])
			return p_unexpected(p, "saddr, daddr, mark, iif or oif", flags);
		n->u |= 1u << i;
	} while (p_accept(p, '.'));
	if ((n->u & 3) == 0 || (n->u & 3) == 3)
		return p_fail_at(p, n->pos, p->prev_end, "fib needs saddr or daddr, one of them");
	if ((n->u & 24) == 24)
		return p_fail_at(p, n->pos, p->prev_end, "fib takes iif or oif, not both");
	for (unsigned i = 0; results[i]; i++)
		if (p_accept_word(p, results[i])) {
			n->u2 = i + NFT_FIB_RESULT_OIF;
			return p_done(p, n);
		}
	return p_unexpected(p, "oif, oifname or type", results);
}

static struct node *parse_socket(struct parser *p)
{
	struct node *n = p_node(p, N_SOCKET, p->tok.pos);
	const struct selkey *k;

	p_advance(p);
	n->def = k = key_here(p, socket_keys);
	if (!k)
		return p_unexpected_from(p, "a key of socket", key_next, (void *)socket_keys);
	p_advance(p);
	if (k->type == DT_CGROUPV2 && (!p_expect_word(p, "level") || !number(p, 255, &n->u)))
		return NULL;
	return p_done(p, n);
}

static struct node *parse_osf(struct parser *p)
{
	static const char *const words[] = { "name", "version", "ttl", NULL };
	struct node *n = p_node(p, N_OSF, p->tok.pos);

	p_advance(p);
	if (p_accept_word(p, "ttl")) {
		n->u = p_is(p, "loose") ? 1 : p_is(p, "skip") ? 2 : 0;
		if (!n->u)
			return p_unexpected(p, "`loose` or `skip`", NULL);
		p_advance(p);
	}
	n->u2 = p_is(p, "version");
	if (!n->u2 && !p_is(p, "name"))
		return p_unexpected(p, "`name` or `version`", words);
	p_advance(p);
	return p_done(p, n);
}

static bool parse_mod(struct parser *p, struct node *n, bool seed)
{
	if (!p_expect_word(p, "mod"))
		return false;
	n->b = parse_value(p);
	if (!n->b)
		return false;
	if (seed && p_accept_word(p, "seed") && !(n->c = parse_value(p)))
		return false;
	if (p_accept_word(p, "offset") && !(n->d = parse_value(p)))
		return false;
	return true;
}

static struct node *parse_numgen(struct parser *p)
{
	struct node *n = p_node(p, N_NUMGEN, p->tok.pos);

	p_advance(p);
	n->u = p_is(p, "random") ? NFT_NG_RANDOM : NFT_NG_INCREMENTAL;
	if (!p_is(p, "random") && !p_is(p, "inc"))
		return p_unexpected(p, "`inc` or `random`", NULL);
	p_advance(p);
	return parse_mod(p, n, false) ? p_done(p, n) : NULL;
}

static struct node *parse_hash(struct parser *p)
{
	struct node *n = p_node(p, N_HASH, p->tok.pos);
	bool sym = p_is(p, "symhash");

	p_advance(p);
	n->u = sym ? NFT_HASH_SYM : NFT_HASH_JENKINS;
	if (!sym && !(n->a = parse_expr(p, EXPR_SELECT)))
		return NULL;
	return parse_mod(p, n, !sym) ? p_done(p, n) : NULL;
}

static struct node *parse_ipsec(struct parser *p)
{
	struct node *n = p_node(p, N_XFRM, p->tok.pos);
	const struct selkey *k;

	p_advance(p);
	n->u = p_is(p, "out");
	if (!p_is(p, "in") && !n->u)
		return p_unexpected(p, "`in` or `out`", NULL);
	p_advance(p);
	if (p_accept_word(p, "spnum") && !number(p, 255, &n->u2))
		return NULL;
	n->u3 = accept_family(p);
	n->def = k = key_here(p, xfrm_keys);
	if (!k || (k->type == DT_INVALID) != !!n->u3)
		return p_unexpected_from(p, n->u3 ? "`saddr` or `daddr`" : "`reqid`, `spi`, `ip saddr` …",
			key_next, (void *)xfrm_keys);
	p_advance(p);
	return p_done(p, n);
}

static struct node *parse_exthdr(struct parser *p)
{
	uint32_t pos = p->tok.pos;
	struct node *n;

	p_advance(p);
	n = parse_option(p, pos, PROTO_EXTHDR6);
	if (n && n->def)
		return p_fail_at(p, n->pos, n->end,
			"`exthdr` asks whether a header is there, its fields are read without that word");
	return n;
}

/* `rt` is the routing decision and the name of a header. */
static bool is_rt_key(struct parser *p)
{
	const struct tok *next = p_peek(p);

	for (const struct selkey *k = rt_keys; k->name; k++)
		if (p_tok_is(p, next, k->name))
			return true;
	return p_tok_is(p, next, "ip") || p_tok_is(p, next, "ip6");
}

struct node *parse_selector(struct parser *p, enum expr_mode m)
{
	const struct word *w = word_at(p);

	if (p->tok.kind == '@')
		return parse_raw(p);
	if (!w)
		return NULL;
	if (w->meta)
		return parse_meta(p, w->meta);
	switch ((enum word_kind)w->what) {
	case WORD_META: return parse_meta(p, NULL);
	case WORD_CT: return parse_ct(p);
	case WORD_FIB: return parse_fib(p);
	case WORD_SOCKET: return parse_socket(p);
	case WORD_OSF: return parse_osf(p);
	case WORD_NUMGEN: return parse_numgen(p);
	case WORD_HASH: return parse_hash(p);
	case WORD_IPSEC: return parse_ipsec(p);
	case WORD_EXTHDR: return parse_exthdr(p);
	case WORD_RT:
		if (is_rt_key(p))
			return parse_rt(p);
		break;
	case WORD_OTHER:
	case WORD_VERDICT: break;
	}
	if (!w->proto)
		return NULL;
	return w->proto->kind == PROTO_EXTHDR6 ? parse_exthdr6(p, w->proto) : parse_field(p, w->proto, m);
}
