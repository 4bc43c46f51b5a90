// SPDX-License-Identifier: GPL-2.0-or-later
/* Expressions as the kernel might tell them, back to text: bytes as a list of expressions in netlink's form.
 * The first byte chooses the family. What is printed stands on one line; where it is said to be a rule, it
 * parses. */
#include <string.h>

#include <linux/netfilter.h>

#include "nft/decompile.h"
#include "nft/kread_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define N_SETS 8
static struct set_info sets[N_SETS];

static void set(int i, const char *name, const char *key, const char *data, uint32_t flags)
{
	strcpy(sets[i].name, name);
	nft_type_parse(key, &sets[i].key, NULL);
	if (data)
		nft_type_parse(data, &sets[i].data, NULL);
	sets[i].flags = flags | (data ? NFT_SET_MAP : 0);
}

static void prepare(void)
{
	const uint32_t anon = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT;

	set(0, "s", "ipv4_addr", NULL, 0);
	set(1, "m", "mark", "mark", 0);
	set(2, "v", "inet_service", "verdict", 0);
	set(3, "__set0", "ipv4_addr", NULL, anon);
	set(4, "__set1", "inet_service", NULL, anon | NFT_SET_INTERVAL);
	set(5, "__map0", "ipv4_addr . inet_service", "verdict", anon);
	set(6, "__map1", "ipv4_addr", "ipv4_addr . inet_service", anon);
	set(7, "d", "ipv6_addr", NULL, NFT_SET_EVAL | NFT_SET_TIMEOUT);
}

static const struct set_info *find_set(void *ctx, const char *name)
{
	(void)ctx;
	for (size_t i = 0; i < N_SETS; i++)
		if (!strcmp(sets[i].name, name))
			return &sets[i];
	return NULL;
}

static int elems(
	void *ctx, const struct set_info *s, void (*fn)(void *ctx, const struct setelem *el), void *fn_ctx)
{
	struct setelem el = { .klen = (uint16_t)nft_type_len(&s->key) };

	(void)ctx;
	el.verdict = nft_type_is_verdict(&s->data);
	el.verdict_code = NF_ACCEPT;
	el.dlen = (uint16_t)(el.verdict ? 0 : nft_type_len(&s->data));
	el.interval = s->flags & NFT_SET_INTERVAL;
	for (uint8_t i = 1; i < 4; i++) {
		el.key[1] = el.key_end[1] = el.data[1] = (uint8_t)(3 * i);
		el.key_end[1] = (uint8_t)(3 * i + 1);
		fn(fn_ctx, &el);
	}
	return 0;
}

struct chain {
	struct kexprs *x;
	unsigned asked;
};

/* Each anonymous chain holds the rule itself. */
static int chain(void *ctx, const char *name,
	void (*fn)(void *ctx, struct nftnl_expr **exprs, uint32_t n, const char *comment), void *fn_ctx)
{
	struct chain *c = ctx;

	(void)name;
	if (c->asked++ > 64)
		return -1;
	fn(fn_ctx, c->x->v.v, c->x->v.n, NULL);
	return 0;
}

static const char *ifname(void *ctx, uint32_t index)
{
	(void)ctx;
	return index == 1 ? "lo" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t families[] = { NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_BRIDGE,
		NFPROTO_NETDEV, NFPROTO_ARP };
	static uint8_t room[8192] __attribute__((aligned(8)));
	struct nlattr *nest = (struct nlattr *)(void *)room;
	struct kexprs x = { 0 };
	struct chain c = { .x = &x };
	struct decompile_env env = {
		.ctx = &c, .hook = -1, .set = find_set, .elems = elems, .chain = chain, .ifname = ifname
	};
	_buf_ struct buf out = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct ast_rule *r;
	bool ok;

	if (!sets[0].name[0])
		prepare();
	if (size < 2 || size > 4096)
		return 0;
	env.family = families[data[0] % ARRAY_SIZE(families)];
	env.stateless = data[0] & 0x80;
	memset(room, 0, sizeof(room));
	nest->nla_len = (uint16_t)(MNL_ATTR_HDRLEN + size - 1);
	nest->nla_type = NFTA_RULE_EXPRESSIONS;
	memcpy(room + MNL_ATTR_HDRLEN, data + 1, size - 1);
	kexprs_add(&x, nest, true);
	ok = rule_decompile(&env, x.v.v, x.v.n, NULL, &out);
	if (memchr(buf_str(&out), '\n', out.n))
		__builtin_trap();
	if (ok && out.n && buf_str(&out)[0] != '#') {
		if (rule_parse(buf_str(&out), out.n, NULL, &r, &e) < 0)
			__builtin_trap();
		ast_put(r);
	}
	kexprs_free(&x);
	return 0;
}
