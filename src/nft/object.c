// SPDX-License-Identifier: GPL-2.0-or-later
/* Stateful objects in nft's words: reading. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_synproxy.h>

#include "base/text.h"
#include "nft/object_impl.h"

static bool unexpected(struct parser *p, const char *what, const char *const *words)
{
	p_unexpected(p, what, words);
	return false;
}

static bool number(struct parser *p, uint64_t max, uint64_t *out)
{
	struct node *n;

	if (!p_is_value(p))
		return unexpected(p, "a number", NULL);
	n = parse_value(p);
	if (!n)
		return false;
	if (n->kind != N_WORD || !parse_u64(n->s, max, out)) {
		p_fail_at(p, n->pos, n->end, "expected a number up to %llu", (unsigned long long)max);
		return false;
	}
	return true;
}

/* bytes, kbytes, mbytes, and the same with what follows glued on: kbytes/second. 0: none of them. */
static uint64_t accept_unit(struct parser *p)
{
	static const struct {
		const char *word;
		uint64_t factor;
	} units[] = { { "bytes", 1 }, { "kbytes", 1024 }, { "mbytes", 1024 * 1024 } };
	const char *s = p->lx.src->text + p->tok.pos;
	uint32_t n = p->tok.end - p->tok.pos;
	const char *slash = p->tok.kind == TOK_WORD ? memchr(s, '/', n) : NULL;

	for (size_t i = 0; p->tok.kind == TOK_WORD && i < ARRAY_SIZE(units); i++) {
		if (strlen(units[i].word) != (slash ? (size_t)(slash - s) : n) ||
			memcmp(units[i].word, s, slash ? (size_t)(slash - s) : n) != 0)
			continue;
		if (slash)
			p_split(p, (uint32_t)(slash - s));
		p_advance(p);
		return units[i].factor;
	}
	return 0;
}

static bool bytes(struct parser *p, uint64_t *out)
{
	static const char *const words[] = { "bytes", "kbytes", "mbytes", NULL };
	uint32_t pos = p->tok.pos;
	uint64_t factor;

	if (!number(p, UINT64_MAX, out))
		return false;
	factor = accept_unit(p);
	if (!factor)
		return unexpected(p, "bytes, kbytes or mbytes", words);
	if (*out > UINT64_MAX / factor) {
		p_fail_at(p, pos, p->prev_end, "this is more than 64 bits can count");
		return false;
	}
	*out *= factor;
	return true;
}

static bool read_counter(struct parser *p, struct object_want *o)
{
	static const char *const words[] = { "packets", "comment", NULL };

	if (!p_accept_word(p, "packets"))
		return unexpected(p, "packets", words);
	return number(p, UINT64_MAX, &o->counter.packets) && p_expect_word(p, "bytes") &&
	       number(p, UINT64_MAX, &o->counter.bytes);
}

static bool read_quota(struct parser *p, struct object_want *o)
{
	o->quota.over = p_accept_word(p, "over");
	if (!o->quota.over)
		p_accept_word(p, "until");
	if (!bytes(p, &o->quota.bytes))
		return false;
	return !p_accept_word(p, "used") || bytes(p, &o->quota.used);
}

static bool read_limit(struct parser *p, struct object_want *o)
{
	static const struct {
		const char *word;
		uint64_t seconds;
	} units[] = { { "second", 1 }, { "minute", 60 }, { "hour", 3600 }, { "day", 86400 },
		{ "week", 604800 } };
	static const char *const names[] = { "second", "minute", "hour", "day", "week", NULL };
	static const char *const words[] = { "rate", "comment", NULL };
	uint64_t factor, burst = 5;
	uint32_t pos;

	if (!p_accept_word(p, "rate"))
		return unexpected(p, "rate", words);
	o->limit.over = p_accept_word(p, "over");
	if (!o->limit.over)
		p_accept_word(p, "until");
	pos = p->tok.pos;
	if (!number(p, UINT32_MAX * 1024ull, &o->limit.rate))
		return false;
	factor = accept_unit(p);
	o->limit.bytes = factor != 0;
	o->limit.rate *= factor ? factor : 1;
	if (!o->limit.rate) {
		p_fail_at(p, pos, p->prev_end, "a rate of 0 lets nothing through");
		return false;
	}
	if (!p_expect(p, '/', "`/second`, `/minute` …"))
		return false;
	o->limit.unit = 0;
	for (size_t i = 0; i < ARRAY_SIZE(units) && !o->limit.unit; i++)
		if (p_accept_word(p, units[i].word))
			o->limit.unit = units[i].seconds;
	if (!o->limit.unit)
		return unexpected(p, "second, minute, hour, day or week", names);
	if (o->limit.bytes)
		burst = 0;
	if (p_accept_word(p, "burst")) {
		pos = p->tok.pos;
		if (!number(p, UINT32_MAX, &burst))
			return false;
		if (!o->limit.bytes && !p_expect_word(p, "packets"))
			return false;
		if (o->limit.bytes) {
			factor = accept_unit(p);
			if (!factor)
				return unexpected(p, "bytes, kbytes or mbytes", NULL);
			burst *= factor;
		}
		if (burst > UINT32_MAX) {
			p_fail_at(p, pos, p->prev_end, "this burst is too large");
			return false;
		}
	}
	o->limit.burst = (uint32_t)burst;
	return true;
}

static bool read_l4(struct parser *p, uint8_t *out)
{
	static const char *const words[] = { "tcp", "udp", NULL };

	*out = p_is(p, "tcp") ? IPPROTO_TCP : IPPROTO_UDP;
	return p_accept_word(p, "tcp") || p_accept_word(p, "udp") || unexpected(p, "tcp or udp", words);
}

static bool read_l3(struct parser *p, uint16_t *out)
{
	static const char *const words[] = { "ip", "ip6", "inet", NULL };
	static const uint16_t families[] = { NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_INET };

	for (unsigned i = 0; words[i]; i++)
		if (p_accept_word(p, words[i])) {
			*out = families[i];
			return true;
		}
	return unexpected(p, "ip, ip6 or inet", words);
}

static bool clean(struct parser *p)
{
	if (text_is_clean(p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos))
		return true;
	p_fail(p, "control bytes, or no UTF-8");
	return false;
}

static bool read_helper(struct parser *p, struct object_parse *x)
{
	static const char *const words[] = { "type", "l3proto", "comment", NULL };
	struct object_want *o = x->o;

	if (p_accept_word(p, "l3proto"))
		return read_l3(p, &o->helper.l3proto);
	if (!p_accept_word(p, "type"))
		return unexpected(p, "type or l3proto", words);
	if (p->tok.kind != TOK_STRING)
		return unexpected(p, "the helper's name in quotes", NULL);
	if (p->tok.end == p->tok.pos || p->tok.end - p->tok.pos >= CT_HELPER_NAME) {
		p_fail(p, "the name of a helper has 1 to %d bytes", CT_HELPER_NAME - 1);
		return false;
	}
	if (!clean(p))
		return false;
	memset(o->helper.name, 0, sizeof(o->helper.name));
	memcpy(o->helper.name, p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos);
	p_advance(p);
	x->said = true;
	return p_expect_word(p, "protocol") && read_l4(p, &o->helper.l4proto);
}

static bool read_states(struct parser *p, struct object_parse *x)
{
	uint64_t ms;
	struct node *n;

	if (!p_expect(p, '=', "`=`") || !p_expect(p, '{', "`{`"))
		return false;
	do {
		if (p->tok.kind != TOK_WORD)
			return unexpected(p, "the name of a state", NULL);
		if (x->n_state == CT_TIMEOUT_MAX) {
			p_fail(p, "too many states");
			return false;
		}
		x->state[x->n_state].pos = p->tok.pos;
		x->state[x->n_state].end = p->tok.end;
		p_advance(p);
		if (!p_expect(p, ':', "`:`") || !(n = parse_value(p)))
			return false;
		if (n->kind != N_WORD || !duration_parse(n->s, &ms) || ms / 1000 > UINT32_MAX) {
			p_fail_at(p, n->pos, n->end, "expected seconds");
			return false;
		}
		x->state[x->n_state++].seconds = (uint32_t)(ms / 1000);
	} while (p_accept(p, ',') && p->tok.kind != '}');
	return p_expect(p, '}', "`,` or `}`");
}

static bool read_timeout(struct parser *p, struct object_parse *x)
{
	static const char *const words[] = { "protocol", "l3proto", "policy", "comment", NULL };

	if (p_accept_word(p, "l3proto"))
		return read_l3(p, &x->o->timeout.l3proto);
	if (p_accept_word(p, "policy"))
		return read_states(p, x);
	if (!p_accept_word(p, "protocol"))
		return unexpected(p, "protocol, l3proto or policy", words);
	x->said = true;
	return read_l4(p, &x->o->timeout.l4proto);
}

static bool read_expect(struct parser *p, struct object_parse *x)
{
	static const char *const words[] = { "protocol", "dport", "timeout", "size", "l3proto", "comment",
		NULL };
	struct object_want *o = x->o;
	struct node *n;
	uint64_t v;

	if (p_accept_word(p, "l3proto"))
		return read_l3(p, &o->expect.l3proto);
	if (p_accept_word(p, "protocol"))
		return read_l4(p, &o->expect.l4proto);
	if (p_accept_word(p, "dport")) {
		if (!number(p, UINT16_MAX, &v))
			return false;
		o->expect.dport = (uint16_t)v;
		x->said = true;
		return true;
	}
	if (p_accept_word(p, "size")) {
		if (!number(p, UINT8_MAX, &v))
			return false;
		o->expect.size = (uint8_t)v;
		return true;
	}
	if (!p_accept_word(p, "timeout"))
		return unexpected(p, "protocol, dport, timeout, size or l3proto", words);
	n = parse_value(p);
	if (!n)
		return false;
	if (n->kind != N_WORD || !duration_parse(n->s, &v) || v > UINT32_MAX) {
		p_fail_at(p, n->pos, n->end, "expected a duration like 30s or 1h30m");
		return false;
	}
	o->expect.timeout_ms = (uint32_t)v;
	return true;
}

static bool read_synproxy(struct parser *p, struct object_want *o)
{
	static const char *const words[] = { "mss", "wscale", "timestamp", "sack-perm", "comment", NULL };
	uint64_t v;

	if (p_accept_word(p, "mss")) {
		o->synproxy.flags |= NF_SYNPROXY_OPT_MSS;
		if (!number(p, UINT16_MAX, &v))
			return false;
		o->synproxy.mss = (uint16_t)v;
	} else if (p_accept_word(p, "wscale")) {
		o->synproxy.flags |= NF_SYNPROXY_OPT_WSCALE;
		if (!number(p, 14, &v))
			return false;
		o->synproxy.wscale = (uint8_t)v;
	} else if (p_accept_word(p, "timestamp")) {
		o->synproxy.flags |= NF_SYNPROXY_OPT_TIMESTAMP;
	} else if (p_accept_word(p, "sack-perm")) {
		o->synproxy.flags |= NF_SYNPROXY_OPT_SACK_PERM;
	} else {
		return unexpected(p, "mss, wscale, timestamp or sack-perm", words);
	}
	return true;
}

static bool read_secmark(struct parser *p, struct object_want *o)
{
	uint32_t n = p->tok.end - p->tok.pos;

	if (p->tok.kind != TOK_STRING && p->tok.kind != TOK_WORD)
		return unexpected(p, "a security context in quotes", NULL);
	if (!n || n >= SECMARK_CTX_MAX) {
		p_fail(p, "a security context has 1 to %d bytes", SECMARK_CTX_MAX - 1);
		return false;
	}
	if (!clean(p))
		return false;
	memset(o->secmark, 0, sizeof(o->secmark));
	memcpy(o->secmark, p->lx.src->text + p->tok.pos, n);
	p_advance(p);
	return true;
}

bool object_property(struct parser *p, struct object_parse *x)
{
	struct object_want *o = x->o;
	bool again = x->said;

	switch (o->type) {
	case NFT_OBJECT_CT_HELPER: return read_helper(p, x);
	case NFT_OBJECT_CT_TIMEOUT: return read_timeout(p, x);
	case NFT_OBJECT_CT_EXPECT: return read_expect(p, x);
	case NFT_OBJECT_SYNPROXY: x->said = true; return read_synproxy(p, o);
	default: break;
	}
	if (again)
		return unexpected(p, "the end of the object", NULL);
	x->said = true;
	switch (o->type) {
	case NFT_OBJECT_COUNTER: return read_counter(p, o);
	case NFT_OBJECT_QUOTA: return read_quota(p, o);
	case NFT_OBJECT_LIMIT: return read_limit(p, o);
	case NFT_OBJECT_SECMARK: return read_secmark(p, o);
	default: return unexpected(p, "an object that has words", NULL);
	}
}

bool object_may_be_empty(uint32_t type)
{
	return type == NFT_OBJECT_COUNTER;
}

static bool number_states(struct parser *p, struct object_parse *x)
{
	const char *names[CT_TIMEOUT_MAX + 1];
	unsigned n = 0, at;

	for (unsigned i = 1; i <= CT_TIMEOUT_MAX && ct_timeout_state(x->o->timeout.l4proto, i); i++)
		names[n++] = ct_timeout_state(x->o->timeout.l4proto, i);
	for (uint32_t i = 0; i < x->n_state; i++) {
		const char *s = p->lx.src->text + x->state[i].pos, *near;
		uint32_t len = x->state[i].end - x->state[i].pos;
		char word[32] = "";

		for (at = 0; at < n; at++)
			if (strlen(names[at]) == len && !memcmp(names[at], s, len))
				break;
		if (at == n) {
			memcpy(word, s, len < sizeof(word) ? len : sizeof(word) - 1);
			near = suggest_in(word, names, n);
			p_fail_at(p, x->state[i].pos, x->state[i].end, "%s has no state %s%s%s%s",
				x->o->timeout.l4proto == IPPROTO_TCP ? "tcp" : "udp", word,
				near ? "; did you mean `" : "", near ? near : "", near ? "`?" : "");
			return false;
		}
		x->o->timeout.given |= 1u << (at + 1);
		x->o->timeout.seconds[at + 1] = x->state[i].seconds;
	}
	return true;
}

bool object_finish(struct parser *p, struct object_parse *x, uint32_t pos, uint32_t end)
{
	const struct object_want *o = x->o;
	const char *lacks = NULL;

	switch (o->type) {
	case NFT_OBJECT_QUOTA: lacks = x->said ? NULL : "a number of bytes"; break;
	case NFT_OBJECT_LIMIT: lacks = x->said ? NULL : "`rate …`"; break;
	case NFT_OBJECT_SECMARK: lacks = x->said ? NULL : "a security context"; break;
	case NFT_OBJECT_SYNPROXY: lacks = x->said ? NULL : "`mss …` or `wscale …`"; break;
	case NFT_OBJECT_CT_HELPER: lacks = x->said ? NULL : "`type \"…\" protocol …`"; break;
	case NFT_OBJECT_CT_TIMEOUT: lacks = x->said ? NULL : "`protocol …`"; break;
	case NFT_OBJECT_CT_EXPECT:
		lacks = !o->expect.l4proto      ? "`protocol …`"
			: !x->said              ? "`dport …`"
			: !o->expect.timeout_ms ? "`timeout …`"
			: !o->expect.size       ? "`size …`"
						: NULL;
		break;
	}
	if (lacks) {
		p_fail_at(p, pos, end, "%s needs %s", object_type_word(o->type), lacks);
		return false;
	}
	return o->type != NFT_OBJECT_CT_TIMEOUT || number_states(p, x);
}

int object_parse(uint32_t type, const char *text, size_t len, const struct src_pos *pos,
	struct object_want *out, struct err *e)
{
	_err_ struct err local = ERR_INIT;
	_autofree_ char *copy = xstrndup(text, len);
	struct ast_rule r = { .refs = 1 };
	struct src src = { .text = copy, .len = (uint32_t)len, .line = pos ? pos->line : 1 };
	struct parser p = { .r = &r, .e = &local };
	struct object_parse x = { .o = out };
	bool ok = true;

	memset(out, 0, sizeof(*out));
	out->type = type;
	if (!object_type_word(type))
		return err_set(e, -EINVAL, "no such type of an object");
	if (len > PARSE_TEXT_MAX || memchr(text, '\0', len))
		return err_set(e, -EINVAL, "%s: the text is too long or has a NUL byte in it",
			object_type_word(type));
	src.file = pos ? pos->file : NULL;
	lex_init(&p.lx, &src);
	p_advance(&p);
	while (ok && p.tok.kind != TOK_END)
		ok = p_accept(&p, ';') || object_property(&p, &x);
	if (ok)
		object_finish(&p, &x, 0, src.len);
	arena_free(&r.arena);
	vec_free(&r.params);
	return local.code ? err_set(e, local.code, "%s", err_text(&local)) : 0;
}
