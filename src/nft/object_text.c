// SPDX-License-Identifier: GPL-2.0-or-later
/* Stateful objects in nft's words: names, writing, comparing. */
#include <netinet/in.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_synproxy.h>

#include "base/text.h"
#include "nft/lang.h"
#include "nft/object_impl.h"

static const struct {
	const char *word, *plural;
} names[] = {
	[NFT_OBJECT_COUNTER] = { "counter", "counters" },
	[NFT_OBJECT_QUOTA] = { "quota", "quotas" },
	[NFT_OBJECT_CT_HELPER] = { "ct helper", "ct helpers" },
	[NFT_OBJECT_LIMIT] = { "limit", "limits" },
	[NFT_OBJECT_CT_TIMEOUT] = { "ct timeout", "ct timeouts" },
	[NFT_OBJECT_SECMARK] = { "secmark", "secmarks" },
	[NFT_OBJECT_CT_EXPECT] = { "ct expectation", "ct expectations" },
	[NFT_OBJECT_SYNPROXY] = { "synproxy", "synproxys" },
};

const char *object_type_word(uint32_t type)
{
	return type < ARRAY_SIZE(names) ? names[type].word : NULL;
}

const char *object_type_plural(uint32_t type)
{
	return type < ARRAY_SIZE(names) ? names[type].plural : NULL;
}

const char *ct_timeout_state(uint8_t l4proto, unsigned i)
{
	static const char *const tcp[] = { "syn_sent", "syn_recv", "established", "fin_wait", "close_wait",
		"last_ack", "time_wait", "close", "syn_sent2", "retrans", "unack" };
	static const char *const udp[] = { "unreplied", "replied" };

	if (l4proto == IPPROTO_TCP)
		return i && i <= ARRAY_SIZE(tcp) ? tcp[i - 1] : NULL;
	return l4proto == IPPROTO_UDP && i && i <= ARRAY_SIZE(udp) ? udp[i - 1] : NULL;
}

static void put_bytes(struct buf *out, uint64_t n)
{
	static const char *const units[] = { "bytes", "kbytes", "mbytes" };
	unsigned u = 0;

	while (u < 2 && n && !(n % 1024)) {
		n /= 1024;
		u++;
	}
	buf_printf(out, "%llu %s", (unsigned long long)n, units[u]);
}

static void put_limit(const struct object_want *o, struct buf *out)
{
	const char *unit = o->limit.unit == 604800  ? "week"
			   : o->limit.unit == 86400 ? "day"
			   : o->limit.unit == 3600  ? "hour"
			   : o->limit.unit == 60    ? "minute"
						    : "second";

	buf_puts(out, o->limit.over ? "rate over " : "rate ");
	if (o->limit.bytes)
		put_bytes(out, o->limit.rate);
	else
		buf_printf(out, "%llu", (unsigned long long)o->limit.rate);
	buf_printf(out, "/%s", unit);
	if (o->limit.bytes && o->limit.burst) {
		buf_puts(out, " burst ");
		put_bytes(out, o->limit.burst);
	} else if (!o->limit.bytes && o->limit.burst && o->limit.burst != 5) {
		buf_printf(out, " burst %u packets", o->limit.burst);
	}
}

static const char *l4_word(uint8_t proto)
{
	return proto == IPPROTO_TCP ? "tcp" : proto == IPPROTO_UDP ? "udp" : "unknown";
}

static void put_l3(uint16_t proto, const char *sep, struct buf *out)
{
	if (proto)
		buf_printf(out, "l3proto %s%s", nft_family_name((uint8_t)proto), sep);
}

static void put_timeout(const struct object_want *o, const char *sep, struct buf *out)
{
	bool first = true;

	buf_printf(out, "protocol %s%s", l4_word(o->timeout.l4proto), sep);
	put_l3(o->timeout.l3proto, sep, out);
	for (unsigned i = 1; i < CT_TIMEOUT_MAX && ct_timeout_state(o->timeout.l4proto, i); i++)
		if (o->timeout.given & 1u << i) {
			buf_printf(out, "%s%s : %u", first ? "policy = { " : ", ",
				ct_timeout_state(o->timeout.l4proto, i), o->timeout.seconds[i]);
			first = false;
		}
	if (!first)
		buf_printf(out, " }%s", sep);
}

static void put_synproxy(const struct object_want *o, const char *sep, struct buf *out)
{
	bool ts = o->synproxy.flags & NF_SYNPROXY_OPT_TIMESTAMP;
	bool sack = o->synproxy.flags & NF_SYNPROXY_OPT_SACK_PERM;

	if (o->synproxy.flags & NF_SYNPROXY_OPT_MSS)
		buf_printf(out, "mss %u%s", o->synproxy.mss, sep);
	if (o->synproxy.flags & NF_SYNPROXY_OPT_WSCALE)
		buf_printf(out, "wscale %u%s", o->synproxy.wscale, sep);
	if (ts || sack)
		buf_printf(out, "%s%s%s%s", ts ? "timestamp" : "", ts && sack ? " " : "",
			sack ? "sack-perm" : "", sep);
}

void object_text(const struct object_want *o, bool stateless, const char *sep, struct buf *out)
{
	char time[48];

	switch (o->type) {
	case NFT_OBJECT_COUNTER:
		if (!stateless)
			buf_printf(out, "packets %llu bytes %llu%s", (unsigned long long)o->counter.packets,
				(unsigned long long)o->counter.bytes, sep);
		break;
	case NFT_OBJECT_QUOTA:
		buf_puts(out, o->quota.over ? "over " : "");
		put_bytes(out, o->quota.bytes);
		if (!stateless && o->quota.used) {
			buf_puts(out, " used ");
			put_bytes(out, o->quota.used);
		}
		buf_puts(out, sep);
		break;
	case NFT_OBJECT_LIMIT:
		put_limit(o, out);
		buf_puts(out, sep);
		break;
	case NFT_OBJECT_CT_HELPER:
		buf_puts(out, "type ");
		buf_quote(out, o->helper.name, strnlen(o->helper.name, sizeof(o->helper.name)));
		buf_printf(out, " protocol %s%s", l4_word(o->helper.l4proto), sep);
		put_l3(o->helper.l3proto, sep, out);
		break;
	case NFT_OBJECT_CT_TIMEOUT: put_timeout(o, sep, out); break;
	case NFT_OBJECT_CT_EXPECT:
		buf_printf(out, "protocol %s%sdport %u%stimeout %s%ssize %u%s", l4_word(o->expect.l4proto),
			sep, o->expect.dport, sep, duration_format(o->expect.timeout_ms, time), sep,
			o->expect.size, sep);
		put_l3(o->expect.l3proto, sep, out);
		break;
	case NFT_OBJECT_SYNPROXY: put_synproxy(o, sep, out); break;
	case NFT_OBJECT_SECMARK:
		buf_quote(out, o->secmark, strnlen(o->secmark, sizeof(o->secmark)));
		buf_puts(out, sep);
		break;
	}
}

bool object_same(const struct object_want *a, const struct object_want *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case NFT_OBJECT_COUNTER: return true;
	case NFT_OBJECT_QUOTA: return a->quota.bytes == b->quota.bytes && a->quota.over == b->quota.over;
	case NFT_OBJECT_LIMIT:
		return a->limit.rate == b->limit.rate && a->limit.unit == b->limit.unit &&
		       a->limit.burst == b->limit.burst && a->limit.bytes == b->limit.bytes &&
		       a->limit.over == b->limit.over;
	case NFT_OBJECT_CONNLIMIT:
		return a->connlimit.count == b->connlimit.count && a->connlimit.over == b->connlimit.over;
	case NFT_OBJECT_CT_HELPER:
		return !strncmp(a->helper.name, b->helper.name, sizeof(a->helper.name)) &&
		       a->helper.l4proto == b->helper.l4proto && a->helper.l3proto == b->helper.l3proto;
	case NFT_OBJECT_CT_TIMEOUT:
		if (a->timeout.given != b->timeout.given || a->timeout.l4proto != b->timeout.l4proto ||
			a->timeout.l3proto != b->timeout.l3proto)
			return false;
		for (unsigned i = 0; i < CT_TIMEOUT_MAX; i++)
			if ((a->timeout.given & 1u << i) && a->timeout.seconds[i] != b->timeout.seconds[i])
				return false;
		return true;
	case NFT_OBJECT_CT_EXPECT:
		return a->expect.l4proto == b->expect.l4proto && a->expect.l3proto == b->expect.l3proto &&
		       a->expect.dport == b->expect.dport && a->expect.size == b->expect.size &&
		       a->expect.timeout_ms == b->expect.timeout_ms;
	case NFT_OBJECT_SYNPROXY:
		return a->synproxy.mss == b->synproxy.mss && a->synproxy.wscale == b->synproxy.wscale &&
		       a->synproxy.flags == b->synproxy.flags;
	case NFT_OBJECT_SECMARK: return !strncmp(a->secmark, b->secmark, sizeof(a->secmark));
	default: return false;
	}
}

bool object_taken(const struct object_want *want, const struct object_want *got, uint8_t family)
{
	struct object_want w = *want;

	if (want->type != got->type)
		return false;
	switch (want->type) {
	case NFT_OBJECT_LIMIT:
		if (!w.limit.bytes && !w.limit.burst)
			w.limit.burst = got->limit.burst;
		break;
	case NFT_OBJECT_CT_HELPER:
		if (!w.helper.l3proto)
			w.helper.l3proto = family;
		/* it says for which of the two it found the helper */
		if (w.helper.l3proto == NFPROTO_INET)
			w.helper.l3proto = got->helper.l3proto;
		break;
	case NFT_OBJECT_CT_TIMEOUT:
		if (!w.timeout.l3proto)
			w.timeout.l3proto = family;
		for (unsigned i = 0; i < CT_TIMEOUT_MAX; i++)
			if (!(w.timeout.given & 1u << i))
				w.timeout.seconds[i] = got->timeout.seconds[i];
		w.timeout.given |= got->timeout.given;
		break;
	case NFT_OBJECT_CT_EXPECT:
		if (!w.expect.l3proto)
			w.expect.l3proto = family;
		break;
	default: break;
	}
	return object_same(&w, got);
}
