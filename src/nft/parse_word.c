// SPDX-License-Identifier: GPL-2.0-or-later
/* The words that statements and selectors begin with, found by one look. */
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "nft/field.h"
#include "nft/parse.h"

static const struct word own[] = {
	{ .name = "accept", .what = WORD_VERDICT, .verdict = 1 },
	{ .name = "drop", .what = WORD_VERDICT, .verdict = 0 },
	{ .name = "continue", .what = WORD_VERDICT, .verdict = NFT_CONTINUE },
	{ .name = "return", .what = WORD_VERDICT, .verdict = NFT_RETURN },
	{ .name = "jump", .what = WORD_VERDICT, .verdict = NFT_JUMP },
	{ .name = "goto", .what = WORD_VERDICT, .verdict = NFT_GOTO },
	{ .name = "counter", .stmt = parse_counter },
	{ .name = "limit", .stmt = parse_limit },
	{ .name = "quota", .stmt = parse_quota },
	{ .name = "last", .stmt = parse_last },
	{ .name = "log", .stmt = parse_log },
	{ .name = "reject", .stmt = parse_reject },
	{ .name = "snat", .stmt = parse_snat },
	{ .name = "dnat", .stmt = parse_dnat },
	{ .name = "masquerade", .stmt = parse_masq },
	{ .name = "redirect", .stmt = parse_redirect },
	{ .name = "tproxy", .stmt = parse_tproxy },
	{ .name = "dup", .stmt = parse_dup },
	{ .name = "fwd", .stmt = parse_fwd },
	{ .name = "queue", .stmt = parse_queue },
	{ .name = "notrack", .stmt = parse_notrack },
	{ .name = "add", .stmt = parse_dynset },
	{ .name = "update", .stmt = parse_dynset },
	{ .name = "delete", .stmt = parse_dynset },
	{ .name = "set", .stmt = parse_dynset },
	{ .name = "flow", .stmt = parse_flow },
	{ .name = "synproxy", .stmt = parse_synproxy },
	{ .name = "reset", .stmt = parse_reset },
	{ .name = "meter", .stmt = parse_meter },
	{ .name = "comment", .stmt = parse_comment },
	{ .name = "meta", .what = WORD_META },
	{ .name = "ct", .what = WORD_CT },
	{ .name = "rt", .what = WORD_RT },
	{ .name = "fib", .what = WORD_FIB },
	{ .name = "socket", .what = WORD_SOCKET },
	{ .name = "osf", .what = WORD_OSF },
	{ .name = "numgen", .what = WORD_NUMGEN },
	{ .name = "jhash", .what = WORD_HASH },
	{ .name = "symhash", .what = WORD_HASH },
	{ .name = "ipsec", .what = WORD_IPSEC },
	{ .name = "exthdr", .what = WORD_EXTHDR },
};

#define SLOTS 256

static struct word words[128];
static uint8_t slots[SLOTS]; /* index of words + 1 */
static unsigned n_words;

static unsigned slot_of(const char *s, size_t n)
{
	return ((unsigned char)s[0] * 31u + (unsigned char)s[n - 1] * 7u + (unsigned char)s[n / 2] * 3u +
		       (unsigned)n) %
	       SLOTS;
}

static struct word *find(const char *s, size_t n)
{
	for (unsigned i = slot_of(s, n); slots[i]; i = (i + 1) % SLOTS) {
		struct word *w = &words[slots[i] - 1];

		if (w->len == n && !memcmp(w->name, s, n))
			return w;
	}
	return NULL;
}

static struct word *get(const char *name)
{
	size_t n = strlen(name);
	struct word *w = find(name, n);
	unsigned i = slot_of(name, n);

	if (w)
		return w;
	w = &words[n_words++];
	w->name = name;
	w->len = (uint8_t)n;
	while (slots[i])
		i = (i + 1) % SLOTS;
	slots[i] = (uint8_t)n_words;
	return w;
}

__attribute__((constructor)) static void words_init(void)
{
	const struct proto *pr;

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		struct word *w = get(own[i].name);

		w->what = own[i].what;
		w->verdict = own[i].verdict;
		w->stmt = own[i].stmt;
	}
	for (const struct selkey *k = meta_keys; k->name; k++)
		if (k->flags & SK_BARE)
			get(k->name)->meta = k;
	for (size_t i = 0; (pr = proto_at(i)); i++)
		get(pr->name)->proto = pr;
}

const struct word *word_find(const char *s, size_t n)
{
	return n ? find(s, n) : NULL;
}

const char *stmt_word(void *ctx, size_t i)
{
	(void)ctx;
	return i < n_words ? words[i].name : NULL;
}
