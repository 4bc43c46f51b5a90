// SPDX-License-Identifier: GPL-2.0-or-later
/* Families, hooks, priorities, flags and the names of objects. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_arp.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_ipv4.h>

#include "base/text.h"
#include "nft/lang.h"

/* ---- names ---- */

/* Words that nft (1.0.6) takes for itself where a name stands: an object of such a name could not be read
 * back. */
static const char *const keywords[] = {
	"accept",
	"add",
	"ah",
	"all",
	"and",
	"arp",
	"auto-merge",
	"bridge",
	"bytes",
	"cgroup",
	"chain",
	"comment",
	"comp",
	"constant",
	"continue",
	"counter",
	"cpu",
	"create",
	"ct",
	"day",
	"dccp",
	"define",
	"delete",
	"describe",
	"device",
	"devices",
	"dnat",
	"drop",
	"dst",
	"dup",
	"dynamic",
	"ecn",
	"element",
	"elements",
	"eq",
	"esp",
	"ether",
	"exists",
	"expires",
	"export",
	"exthdr",
	"fib",
	"flags",
	"flow",
	"flowtable",
	"flush",
	"frag",
	"fwd",
	"gc-interval",
	"ge",
	"get",
	"goto",
	"gt",
	"handle",
	"hbh",
	"hook",
	"hour",
	"ibriport",
	"ibrname",
	"icmp",
	"icmpv6",
	"igmp",
	"iif",
	"iifgroup",
	"iifname",
	"iiftype",
	"import",
	"include",
	"index",
	"inet",
	"insert",
	"interval",
	"ip",
	"ip6",
	"ipsec",
	"jhash",
	"jump",
	"le",
	"limit",
	"list",
	"ll",
	"log",
	"lshift",
	"lt",
	"map",
	"mark",
	"masquerade",
	"meta",
	"meter",
	"mh",
	"missing",
	"monitor",
	"name",
	"ne",
	"netdev",
	"nftrace",
	"nh",
	"not",
	"notrack",
	"numgen",
	"obriport",
	"obrname",
	"offload",
	"oif",
	"oifgroup",
	"oifname",
	"oiftype",
	"or",
	"osf",
	"packets",
	"pkttype",
	"policy",
	"position",
	"priority",
	"queue",
	"quota",
	"random",
	"redefine",
	"redirect",
	"reject",
	"rename",
	"replace",
	"reset",
	"return",
	"rshift",
	"rt",
	"rt0",
	"rt2",
	"rtclassid",
	"rule",
	"ruleset",
	"sctp",
	"secmark",
	"set",
	"size",
	"skgid",
	"skuid",
	"snat",
	"socket",
	"srh",
	"symhash",
	"synproxy",
	"table",
	"tcp",
	"th",
	"time",
	"timeout",
	"tproxy",
	"type",
	"typeof",
	"udp",
	"udplite",
	"undefine",
	"update",
	"vlan",
	"vmap",
	"xor",
	"xt",
};

static bool is_keyword(const char *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
		if (!strcmp(s, keywords[i]))
			return true;
	return false;
}

int nft_name_check(const char *name, struct err *e)
{
	size_t n = strlen(name);

	if (!n)
		return err_set(e, -EINVAL, "an empty name");
	if (n > 127)
		return err_set(e, -EINVAL, "the name has %zu bytes, the limit is 127", n);
	if (!isalpha((unsigned char)name[0]) && name[0] != '_')
		return err_set(e, -EINVAL,
			"\"%s\" does not begin with a letter or _; nft.name(\"%s\") makes a name of any text",
			name, name);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("/-_.", name[i]))
			return err_set(e, -EINVAL,
				"\"%.127s\" has a byte that nft does not take in a name (letters, digits, / "
				"- _ . are allowed); nft.name() makes a name of any text",
				name);
	if (is_keyword(name))
		return err_set(e, -EINVAL,
			"\"%s\" is a word of nft's language, nft could not read it back; what about \"%s_\"?",
			name, name);
	return 0;
}

/* Letters, digits and "-" stand for themselves; every other byte, also "_", becomes _xx. What begins
 * otherwise than a name may, is a keyword, or would become too long gets a prefix that no encoded text begins
 * with: "_n" is no hex. */
void nft_name_make(const char *s, size_t n, char out[NFT_NAME_MAXLEN])
{
	char plain[128];
	size_t len = 0, i;

	for (i = 0; i < n && len < 120; i++) {
		unsigned char c = (unsigned char)s[i];

		if (isalnum(c) || (c == '-' && len))
			out[len++] = (char)c;
		else
			len += (size_t)snprintf(out + len, 4, "_%02x", c);
	}
	out[len] = '\0';
	if (i < n) { /* a digest keeps long names apart */
		uint64_t h[2] = { 0xcbf29ce484222325u, 0x9ae16a3b2f90404fu };

		for (i = 0; i < n; i++) {
			h[0] = (h[0] ^ (unsigned char)s[i]) * 0x100000001b3u;
			h[1] = (h[1] + (unsigned char)s[i]) * 0xff51afd7ed558ccdu;
			h[1] ^= h[1] >> 29;
		}
		out[80] = '\0';
		snprintf(plain, sizeof(plain), "%s", out);
		snprintf(out, NFT_NAME_MAXLEN, "_l%s_%016llx%016llx", plain, (unsigned long long)h[0],
			(unsigned long long)h[1]);
		return;
	}
	if (len && isalpha((unsigned char)out[0]) && !is_keyword(out))
		return;
	if (len && out[0] == '_')
		return; /* an encoded byte */
	snprintf(plain, sizeof(plain), "%s", out);
	snprintf(out, NFT_NAME_MAXLEN, "_n%s", plain);
}

/* ---- families and hooks ---- */

static const struct {
	const char *name;
	uint8_t family;
} families[] = { { "ip", NFPROTO_IPV4 }, { "ip6", NFPROTO_IPV6 }, { "inet", NFPROTO_INET },
	{ "arp", NFPROTO_ARP }, { "bridge", NFPROTO_BRIDGE }, { "netdev", NFPROTO_NETDEV } };

int nft_family_parse(const char *text, uint8_t *out, struct err *e)
{
	const char *names[ARRAY_SIZE(families)], *near;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		names[i] = families[i].name;
		if (!strcmp(text, names[i])) {
			*out = families[i].family;
			return 0;
		}
	}
	near = suggest_in(text, names, ARRAY_SIZE(families));
	if (near)
		return err_set(e, -EINVAL, "no family \"%s\"; did you mean \"%s\"?", text, near);
	return err_set(e, -EINVAL, "no family \"%s\" (ip, ip6, inet, arp, bridge, netdev)", text);
}

const char *nft_family_name(uint8_t family)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (families[i].family == family)
			return families[i].name;
	return "unknown";
}

static const char *const inet_hooks[] = { "prerouting", "input", "forward", "output", "postrouting",
	"ingress", NULL };
static const char *const arp_hooks[] = { "input", "output", "forward", NULL };
static const char *const netdev_hooks[] = { "ingress", "egress", NULL };

static const char *const *hooks_of(uint8_t family)
{
	switch (family) {
	case NFPROTO_ARP: return arp_hooks;
	case NFPROTO_NETDEV: return netdev_hooks;
	default: return inet_hooks;
	}
}

static uint32_t hooks_n(uint8_t family)
{
	uint32_t n = 0;

	while (hooks_of(family)[n])
		n++;
	return family == NFPROTO_INET || family == NFPROTO_NETDEV || family == NFPROTO_ARP
		       ? n
		       : n - 1; /* ingress: inet, netdev */
}

int nft_hook_parse(const char *text, uint8_t family, uint32_t *out, struct err *e)
{
	const char *const *names = hooks_of(family), *near;
	uint32_t n = hooks_n(family);
	_buf_ struct buf list = BUF_INIT;

	for (uint32_t i = 0; i < n; i++) {
		if (!strcmp(text, names[i])) {
			*out = i;
			return 0;
		}
		buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
	}
	near = suggest_in(text, names, n);
	if (near)
		return err_set(e, -EINVAL, "no hook \"%s\" in family %s; did you mean \"%s\"?", text,
			nft_family_name(family), near);
	return err_set(e, -EINVAL, "no hook \"%s\" in family %s (%s)", text, nft_family_name(family),
		buf_str(&list));
}

const char *nft_hook_name(uint8_t family, uint32_t hook)
{
	return hook < hooks_n(family) ? hooks_of(family)[hook] : "unknown";
}

/* ---- priorities ---- */

struct prio {
	const char *name;
	int32_t value;
	uint32_t hooks; /* bits; 0: all */
};
static const struct prio ip_prios[] = {
	{ "raw", NF_IP_PRI_RAW, 0 },
	{ "mangle", NF_IP_PRI_MANGLE, 0 },
	{ "dstnat", NF_IP_PRI_NAT_DST, 1 << NF_INET_PRE_ROUTING | 1 << NF_INET_LOCAL_OUT },
	{ "filter", NF_IP_PRI_FILTER, 0 },
	{ "security", NF_IP_PRI_SECURITY, 0 },
	{ "srcnat", NF_IP_PRI_NAT_SRC, 1 << NF_INET_POST_ROUTING | 1 << NF_INET_LOCAL_IN },
	{ NULL, 0, 0 },
};
static const struct prio bridge_prios[] = {
	{ "dstnat", NF_BR_PRI_NAT_DST_BRIDGED, 1 << NF_BR_PRE_ROUTING },
	{ "filter", NF_BR_PRI_FILTER_BRIDGED, 0 },
	{ "out", NF_BR_PRI_NAT_DST_OTHER, 1 << NF_BR_LOCAL_OUT },
	{ "srcnat", NF_BR_PRI_NAT_SRC, 1 << NF_BR_POST_ROUTING },
	{ NULL, 0, 0 },
};
static const struct prio plain_prios[] = { { "filter", 0, 0 }, { NULL, 0, 0 } };

static const char *prio_next(void *ctx, size_t i)
{
	return ((const struct prio *)ctx)[i].name;
}

int nft_priority_parse(const char *text, uint8_t family, int hook, int32_t *out, struct err *e)
{
	const struct prio *t = family == NFPROTO_BRIDGE                            ? bridge_prios
			       : family == NFPROTO_ARP || family == NFPROTO_NETDEV ? plain_prios
										   : ip_prios;
	char word[32];
	size_t n = 0;
	const char *p = text, *near;
	int64_t base = 0, sign = 1;
	uint64_t v = 0;

	while (*p == ' ')
		p++;
	if (isalpha((unsigned char)*p)) {
		while (isalpha((unsigned char)*p) && n < sizeof(word) - 1)
			word[n++] = *p++;
		word[n] = '\0';
		while (t->name && strcmp(t->name, word) != 0)
			t++;
		if (!t->name) {
			t = family == NFPROTO_BRIDGE                            ? bridge_prios
			    : family == NFPROTO_ARP || family == NFPROTO_NETDEV ? plain_prios
										: ip_prios;
			near = suggest(word, prio_next, (void *)t);
			if (near)
				return err_set(e, -EINVAL,
					"no priority \"%s\" in family %s; did you mean \"%s\"?", word,
					nft_family_name(family), near);
			return err_set(
				e, -EINVAL, "no priority \"%s\" in family %s", word, nft_family_name(family));
		}
		if (t->hooks && hook >= 0 && !(t->hooks & (1u << hook)))
			return err_set(e, -EINVAL, "priority %s does not go with hook %s", word,
				nft_hook_name(family, (uint32_t)hook));
		base = t->value;
		while (*p == ' ')
			p++;
		if (!*p) {
			*out = (int32_t)base;
			return 0;
		}
		if (*p != '+' && *p != '-')
			return err_set(e, -EINVAL,
				"priority \"%s\": expected + or - and a number behind \"%s\"", text, word);
	}
	if (*p == '+' || *p == '-')
		sign = *p++ == '-' ? -1 : 1;
	while (*p == ' ')
		p++;
	if (!parse_u64(p, (uint64_t)INT32_MAX + 1, &v)) /* the range is looked at below */
		return err_set(
			e, -EINVAL, "priority \"%s\" is neither a number nor a name with an offset", text);
	base += sign * (int64_t)v;
	if (base > INT32_MAX || base < INT32_MIN)
		return err_set(e, -EINVAL, "priority \"%s\" is out of range", text);
	*out = (int32_t)base;
	return 0;
}

/* ---- flags of sets ---- */

int nft_set_flags_parse(const char *text, uint32_t *out, struct err *e)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} flags[] = { { "constant", NFT_SET_CONSTANT }, { "interval", NFT_SET_INTERVAL },
		{ "timeout", NFT_SET_TIMEOUT }, { "dynamic", NFT_SET_EVAL } };
	const char *names[ARRAY_SIZE(flags)], *p = text, *near;
	char word[32];

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		names[i] = flags[i].name;
	*out = 0;
	for (;;) {
		size_t n, i;

		p += strspn(p, " \t");
		n = strcspn(p, " \t,");
		if (n >= sizeof(word))
			n = sizeof(word) - 1;
		memcpy(word, p, n);
		word[n] = '\0';
		for (i = 0; i < ARRAY_SIZE(flags); i++)
			if (!strcmp(word, names[i]))
				break;
		if (i == ARRAY_SIZE(flags)) {
			near = suggest_in(word, names, ARRAY_SIZE(flags));
			if (near)
				return err_set(
					e, -EINVAL, "no set flag \"%s\"; did you mean \"%s\"?", word, near);
			return err_set(e, -EINVAL,
				"no set flag \"%s\" (constant, interval, timeout, dynamic)", word);
		}
		*out |= flags[i].flag;
		p += n;
		p += strspn(p, " \t");
		if (!*p)
			return 0;
		if (*p++ != ',')
			return err_set(e, -EINVAL, "flags \"%s\": expected a comma", text);
	}
}
