// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>

#include <libnftnl/common.h>
#include <libnftnl/expr.h>

#include "nft/code_debug.h"

/* Words of four bytes in host order, as libnftnl prints registers, and a blank behind each. */
static void put_words(struct buf *out, const uint8_t *p, unsigned n)
{
	for (unsigned i = 0; i < n; i += 4) {
		uint32_t w = 0;

		memcpy(&w, p + i, n - i < 4 ? n - i : 4);
		buf_printf(out, "%08x ", w);
	}
}

static void put_data(struct buf *out, const struct setelem *el)
{
	const char *word = NULL;

	if (!el->verdict) {
		put_words(out, el->data, el->dlen);
		return;
	}
	switch (el->verdict_code) {
	case NF_ACCEPT: word = "accept"; break;
	case NF_DROP: word = "drop"; break;
	case NFT_CONTINUE: word = "continue"; break;
	case NFT_RETURN: word = "return"; break;
	case NFT_JUMP: word = "jump"; break;
	case NFT_GOTO: word = "goto"; break;
	default: word = "queue"; break;
	}
	buf_puts(out, word);
	if (*el->target)
		buf_printf(out, " -> %s", el->target);
	buf_putc(out, ' ');
}

static bool plus_one(uint8_t *p, unsigned n)
{
	while (n--)
		if (++p[n])
			return true;
	return false; /* the end of all values: nothing lies behind */
}

static void put_one(struct buf *out, const uint8_t *key, const uint8_t *end, unsigned n,
	const struct setelem *data, unsigned flags)
{
	buf_puts(out, "\telement ");
	put_words(out, key, n);
	if (end) {
		buf_puts(out, " - ");
		put_words(out, end, n);
	}
	buf_puts(out, " : ");
	if (data)
		put_data(out, data);
	buf_printf(out, "%u [end]", flags);
}

static void put_comment(struct buf *out, const char *comment)
{
	size_t n = strlen(comment);

	buf_printf(out, "  userdata = { \\x00\\x%02zx", n + 1);
	buf_put(out, comment, n);
	buf_puts(out, "\\x00 }");
}

void debug_set(const struct set_want *w, const char *table, struct buf *out)
{
	uint32_t flags = w->info.flags;

	if ((flags & NFT_SET_INTERVAL) && w->info.key.n > 1)
		flags |= NFT_SET_CONCAT;
	buf_puts(out, w->info.name);
	if (table)
		buf_printf(out, " %s", table);
	buf_printf(out, " %x", flags);
	if (w->timeout_ms)
		buf_printf(out, " timeout %llums", (unsigned long long)w->timeout_ms);
	if (w->gc_ms)
		buf_printf(out, " gc_interval %llums", (unsigned long long)w->gc_ms);
	if (w->policy)
		buf_printf(out, " policy %d", w->policy);
	if (w->size)
		buf_printf(out, " size %u", w->size);
	buf_putc(out, '\n');
}

void debug_elems_begin(const struct set_info *info, const char *table, struct buf *out)
{
	if (table)
		buf_printf(out, "%s %s 0\n", info->name, table);
}

void debug_elem(const struct set_info *info, const struct setelem *el, bool first, const struct setelem *next,
	struct buf *out)
{
	bool tree = (info->flags & NFT_SET_INTERVAL) && info->key.n == 1;
	const struct setelem *data =
		(info->flags & NFT_SET_MAP) && !(info->flags & NFT_SET_OBJECT) ? el : NULL;
	static const uint8_t zero[NFT_KEY_MAX];
	uint8_t behind[NFT_KEY_MAX];

	if (el->catchall) {
		put_one(out, el->key, NULL, 0, data, NFT_SET_ELEM_CATCHALL);
		return;
	}
	if (first && tree && memcmp(el->key, zero, el->klen) != 0)
		put_one(out, zero, NULL, el->klen, NULL, NFT_SET_ELEM_INTERVAL_END);
	put_one(out, el->key, el->interval && !tree ? el->key_end : NULL, el->klen, data, 0);
	if (el->comment)
		put_comment(out, el->comment);
	if (!tree || !el->interval)
		return;
	memcpy(behind, el->key_end, el->klen);
	if (plus_one(behind, el->klen) && !(next && !next->catchall && !memcmp(next->key, behind, el->klen)))
		put_one(out, behind, NULL, el->klen, NULL, NFT_SET_ELEM_INTERVAL_END);
}

void debug_exprs(const struct code *c, struct buf *out)
{
	char line[4096];

	vec_foreach (e, &c->exprs) {
		int n = nftnl_expr_snprintf(line, sizeof(line), *e, NFTNL_OUTPUT_DEFAULT, 0);

		buf_printf(out, "  [ %s %.*s]\n", nftnl_expr_get_str(*e, NFTNL_EXPR_NAME),
			n > 0 && n < (int)sizeof(line) ? n : 0, line);
	}
}
