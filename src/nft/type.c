// SPDX-License-Identifier: GPL-2.0-or-later
/* Types of keys and data: one scalar type or a concatenation. */
#include "nft/type.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "nft/datatype.h"

#define TYPE_ID_BITS 6

struct nft_type nft_type_of(const struct datatype *t, unsigned bits)
{
	return (struct nft_type){ .n = 1, .part = { t }, .bits = { (uint16_t)(bits ? bits : t->bits) } };
}

static const char *next_name(void *ctx, size_t i)
{
	const struct datatype *t = datatype_at((unsigned)i);

	(void)ctx;
	return t ? t->name : NULL;
}

static int scalar_type(const char *name, struct nft_type *out, struct err *e)
{
	const struct datatype *t = datatype_by_name(name);
	const char *hint;

	if (!t) {
		hint = suggest(name, next_name, NULL);
		return err_set(e, -EINVAL, "unknown type '%s'%s%s%s", SHOWN(name),
			hint ? ", did you mean '" : "", hint ? hint : "", hint ? "'?" : "");
	}
	if (!t->bits && t->id != DT_VERDICT)
		return err_set(e, -EINVAL,
			"type %s has no width by itself: say `typeof EXPRESSION` instead of `type`", name);
	*out = nft_type_of(t, 0);
	return 0;
}

/* Behind the word interval, where it is there. */
static const char *type_begin(const char *text, struct nft_type *out)
{
	const char *s = text + strspn(text, " \t");

	*out = (struct nft_type){ 0 };
	if (strncmp(s, "interval ", 9))
		return s;
	out->interval = true;
	return s + 9;
}

static int type_check(const char *text, const struct nft_type *t, struct err *e)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->part[i]->id == DT_VERDICT && (t->n > 1 || t->interval))
			return err_set(e, -EINVAL, "a verdict is no part of a concatenation or range");
	if (nft_type_len(t) > NFT_KEY_MAX)
		return err_set(e, -EINVAL, "'%s' takes %u bytes, the kernel has room for %d", SHOWN(text),
			nft_type_len(t), NFT_KEY_MAX);
	return 0;
}

int nft_type_parse(const char *text, struct nft_type *out, struct err *e)
{
	struct nft_type t;
	const char *s = type_begin(text, &t);

	for (;;) {
		const char *end = strchrnul(s, '.'), *to = end;
		struct nft_type p = { 0 };
		char word[128];
		int r;

		s += strspn(s, " \t");
		while (to > s && (to[-1] == ' ' || to[-1] == '\t'))
			to--;
		if (to <= s || (size_t)(to - s) >= sizeof(word))
			return err_set(e, -EINVAL, "'%s' is no type", SHOWN(text));
		memcpy(word, s, (size_t)(to - s));
		word[to - s] = 0;
		r = scalar_type(word, &p, e);
		if (r < 0)
			return r;
		if (t.n == NFT_PARTS_MAX)
			return err_set(e, -EINVAL, "a concatenation has at most %d parts", NFT_PARTS_MAX);
		t.part[t.n] = p.part[0];
		t.bits[t.n++] = p.bits[0];
		if (!*end)
			break;
		s = end + 1;
	}
	*out = t;
	return type_check(text, out, e);
}

int nft_typeof_parse(const char *text, struct nft_type *out, struct err *e)
{
	struct nft_type begin, t;
	const char *s = type_begin(text, &begin);
	int r;

	r = field_type_lookup(s, &t, e);
	if (r < 0)
		return r;
	t.interval = begin.interval;
	*out = t;
	return type_check(text, out, e);
}

bool nft_type_equal(const struct nft_type *a, const struct nft_type *b)
{
	if (a->n != b->n || a->interval != b->interval)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (a->part[i]->id != b->part[i]->id || a->part[i]->order != b->part[i]->order ||
			a->bits[i] != b->bits[i])
			return false;
	return true;
}

void nft_type_text(const struct nft_type *t, struct buf *out)
{
	if (t->interval)
		buf_puts(out, "interval ");
	for (unsigned i = 0; i < t->n; i++)
		buf_printf(out, i ? " . %s" : "%s", t->part[i]->name);
}

bool nft_type_is_verdict(const struct nft_type *t)
{
	return t->n == 1 && t->part[0]->id == DT_VERDICT;
}

uint32_t nft_type_id(const struct nft_type *t)
{
	uint32_t id = 0;

	if (nft_type_is_verdict(t))
		return NFT_DATA_VERDICT;
	for (unsigned i = 0; i < t->n; i++)
		id = id << TYPE_ID_BITS | t->part[i]->id;
	return id;
}

uint32_t nft_type_len(const struct nft_type *t)
{
	uint32_t len = 0;

	for (unsigned i = 0; i < t->n; i++) {
		unsigned n = datatype_bytes(t->bits[i]);

		len += t->n > 1 ? (n + 3) & ~3u : n;
	}
	return t->interval ? 2 * len : len;
}

int nft_type_family(const struct nft_type *t)
{
	if (t->n != 1)
		return 0;
	return t->part[0]->id == DT_IPADDR ? AF_INET : t->part[0]->id == DT_IP6ADDR ? AF_INET6 : 0;
}
