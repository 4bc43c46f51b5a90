// SPDX-License-Identifier: GPL-2.0-or-later
/* Types and hooks of base chains: which the kernel has, and which statements it takes in them. What it says
 * of the others is EOPNOTSUPP without a place, where a jump leads to them. */
#include <errno.h>
#include <string.h>

#include <linux/netfilter.h>

#include "nft/ir.h"

#define HOOKS 8

static const char *const types[] = { "filter", "nat", "route" };

uint32_t chain_place(const char *type, uint32_t hook)
{
	for (unsigned t = 0; t < ARRAY_SIZE(types); t++)
		if (hook < HOOKS && !strcmp(type, types[t]))
			return 1u << (t * HOOKS + hook);
	return 0;
}

static bool ip_family(uint8_t family)
{
	return family == NFPROTO_INET || family == NFPROTO_IPV4 || family == NFPROTO_IPV6;
}

int chain_fits(uint8_t family, const char *type, uint32_t hook, struct err *e)
{
	if (!strcmp(type, "filter"))
		return 0;
	if (!ip_family(family))
		return err_set(e, -EINVAL, "type %s is for tables of the families ip, ip6 and inet", type);
	if (!strcmp(type, "route"))
		return hook == NF_INET_LOCAL_OUT
			       ? 0
			       : err_set(e, -EINVAL, "chains of type route have hook output");
	if (hook == NF_INET_FORWARD || hook > NF_INET_POST_ROUTING)
		return err_set(
			e, -EINVAL, "chains of type nat have hook prerouting, input, output or postrouting");
	return 0;
}

/* All hooks of the type's places, in one mask. */
static unsigned hooks_of(uint32_t places)
{
	return (places | places >> HOOKS | places >> 2 * HOOKS) & 0xff;
}

void chain_places_text(uint8_t family, uint32_t places, struct buf *out)
{
	bool nat = !(places & ~(0xffu << HOOKS));
	unsigned there = (1u << (family == NFPROTO_INET ? NF_INET_INGRESS + 1 : NF_INET_NUMHOOKS)) - 1;
	unsigned n = 0, hooks = hooks_of(places) & there;

	buf_puts(out, nat ? "type nat" : "");
	if (!hooks || hooks_of(places) == 0xff)
		return;
	buf_puts(out, nat ? " and hook " : "hook ");
	for (unsigned h = 0; h < HOOKS; h++) {
		if (!(hooks >> h & 1))
			continue;
		hooks &= ~(1u << h);
		buf_printf(out, "%s%s", !n++ ? "" : hooks ? ", " : " or ", nft_hook_name(family, h));
	}
}

bool cc_hooks(struct cc *c, const struct node *n, bool nat, unsigned hooks)
{
	uint32_t places = nat ? hooks << HOOKS : hooks | hooks << HOOKS | hooks << 2 * HOOKS;
	_buf_ struct buf where = BUF_INIT;

	if (!ip_family(c->env->family) || !c->code)
		return true;
	c->code->places &= places;
	if (c->env->chain_type && nat && strcmp(c->env->chain_type, "nat") != 0)
		return cc_error(c, n,
			"address translation works in chains of type nat, this one is of type %s",
			c->env->chain_type);
	if (!c->env->chain_type || c->env->hook < 0 ||
		chain_place(c->env->chain_type, (uint32_t)c->env->hook) & places)
		return true;
	chain_places_text(c->env->family, places & 0xffu << HOOKS, &where);
	return cc_error(c, n, "this works in %s, the chain has hook %s", strstr(buf_str(&where), "hook"),
		nft_hook_name(c->env->family, (uint32_t)c->env->hook));
}
