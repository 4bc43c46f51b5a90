// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a rule, in a table with some sets and values: parse, compile, print. The first byte chooses
 * the family. */
#include <string.h>

#include <linux/netfilter.h>

#include "nft/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct set_info sets[6];
static struct val params[9];
static const char *const param_names[] = { "addr", "port", "list", "none", "map", "chain", "prefix", "range",
	"pair" };

static const struct set_info *find_set(void *ctx, const char *name)
{
	(void)ctx;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if (!strcmp(sets[i].name, name))
			return &sets[i];
	return NULL;
}

static const struct val *find_param(void *ctx, const char *name)
{
	(void)ctx;
	for (size_t i = 0; i < ARRAY_SIZE(params); i++)
		if (!strcmp(param_names[i], name))
			return &params[i];
	return NULL;
}

static uint32_t no_device(void *ctx, const char *name)
{
	(void)ctx;
	return !strcmp(name, "lo");
}

static void set(int i, const char *name, const char *key, const char *data, uint32_t flags)
{
	strcpy(sets[i].name, name);
	nft_type_parse(key, &sets[i].key, NULL);
	if (data)
		nft_type_parse(data, &sets[i].data, NULL);
	sets[i].flags = flags | (data ? NFT_SET_MAP : 0);
}

static void list(struct val *v, enum val_kind kind, uint32_t n, const char *const *items)
{
	v->kind = kind;
	v->n = n;
	v->list = xcalloc(n ? n : 1, sizeof(*v->list));
	for (uint32_t i = 0; i < n; i++)
		v->list[i] = val_string(items[i], strlen(items[i]));
}

static void prepare(void)
{
	struct ipprefix p;

	set(0, "s4", "ipv4_addr", NULL, 0);
	set(1, "s4i", "ipv4_addr", NULL, NFT_SET_INTERVAL);
	set(2, "pair", "ipv4_addr . inet_service", NULL, 0);
	set(3, "m", "mark", "mark", 0);
	set(4, "v", "inet_service", "verdict", 0);
	set(5, "s6", "ipv6_addr", NULL, NFT_SET_EVAL | NFT_SET_TIMEOUT);
	params[0] = val_string("192.0.2.1", 9);
	params[1] = val_int(80);
	list(&params[2], VAL_LIST, 3, (const char *const[]){ "1", "22", "3" });
	list(&params[3], VAL_LIST, 0, NULL);
	list(&params[4], VAL_MAP, 4, (const char *const[]){ "1", "accept", "2", "drop" });
	params[5] = val_string("c", 1);
	params[5].kind = VAL_OBJ;
	ipprefix_parse("10.0.0.0/8", &p);
	params[6] = val_prefix(&p);
	list(&params[7], VAL_RANGE, 2, (const char *const[]){ "10", "20" });
	list(&params[8], VAL_CONCAT, 2, (const char *const[]){ "192.0.2.1", "80" });
}

/* A refusal has words, none of which moves a terminal. */
static void check_text(const struct err *e)
{
	if (!e->text || !*e->text)
		__builtin_trap();
	for (const char *p = e->text; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\n') || *p == 0x7f)
			__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t families[] = { NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6, NFPROTO_BRIDGE,
		NFPROTO_NETDEV, NFPROTO_ARP };
	struct rule_env env = { .hook = -1, .set = find_set, .param = find_param, .ifindex = no_device };
	_buf_ struct buf out = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct ast_rule *r;
	struct code *code;
	int rc;

	if (!params[0].kind)
		prepare();
	if (!size)
		return 0;
	env.family = families[*data % ARRAY_SIZE(families)];
	rc = rule_parse((const char *)data + 1, size - 1, NULL, &r, &e);
	if (rc < 0) {
		check_text(&e);
		if (r)
			__builtin_trap();
		return 0;
	}
	rule_text(r, &env, &out);
	rc = rule_compile(r, &env, &code, &e);
	if (!rc) {
		code_text(code, &out);
	} else {
		check_text(&e);
		if (code)
			__builtin_trap();
	}
	code_free(code);
	ast_put(r);
	return 0;
}
