// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets and maps with their elements, as nft lists them. */
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "base/text.h"
#include "nft/klist.h"

struct line { /* an element */
	const char *text;
	const uint8_t *key; /* NULL: catchall */
	uint32_t rank;
};
struct lines {
	struct klist *l;
	const struct kset *s;
	struct dc dc;
	struct sel keys[NFT_PARTS_MAX];
	struct arena_block *arena;
	unsigned klen;
	VEC(struct line) v;
};

static void hex_put(const uint8_t *p, unsigned n, struct buf *out)
{
	buf_puts(out, "0x");
	for (unsigned i = 0; i < n; i++)
		buf_printf(out, "%02x", p[i]);
}

static void on_elem(void *ctx, const struct setelem *el)
{
	const struct list_opts *o = ((struct lines *)ctx)->l->o;
	const struct set_info *info;
	_buf_ struct buf b = BUF_INIT;
	struct lines *v = ctx;
	struct line line = { .rank = v->v.n };

	if (o->elem && !o->elem(o->elem_ctx, el))
		return;
	info = &v->s->s.want.info;
	v->dc.failed = false;
	elem_put(&v->dc, info, el, v->keys, info->key.n, NULL, &b);
	if (v->dc.failed) { /* of a type that is not known well enough */
		buf_clear(&b);
		hex_put(el->key, el->klen, &b);
		if (el->interval) {
			buf_putc(&b, '-');
			hex_put(el->key_end, el->klen, &b);
		}
	}
	line.text = arena_strdup(&v->arena, buf_str(&b), b.n);
	if (!el->catchall) {
		uint8_t *key = arena_alloc(&v->arena, el->klen);

		memcpy(key, el->key, el->klen);
		line.key = key;
		v->klen = el->klen;
	}
	vec_push(&v->v, line);
}

static int by_key(const void *x, const void *y, void *ctx)
{
	const struct line *a = x, *b = y;
	const struct lines *v = ctx;
	int d;

	if (!a->key || !b->key)
		return (int)!a->key - (int)!b->key;
	d = setkey_cmp(&v->s->s.want.info, a->key, b->key, v->klen);
	return d ? d : a->rank > b->rank ? -1 : 1; /* as nft sorts */
}

/* How many stand in a line. */
static unsigned columns(const struct nft_type *key)
{
	switch (key->n == 1 ? key->part[0]->id : DT_INVALID) {
	case DT_NFPROTO:
	case DT_INTEGER:
	case DT_ARPOP:
	case DT_INET_PROTOCOL:
	case DT_INET_SERVICE:
	case DT_TCP_FLAG:
	case DT_DCCP_PKTTYPE:
	case DT_MARK:
	case DT_IFINDEX:
	case DT_CLASSID:
	case DT_UID:
	case DT_GID:
	case DT_CT_DIR: return 5;
	case DT_IPADDR:
	case DT_CT_STATE:
	case DT_CT_STATUS:
	case DT_PKTTYPE: return 2;
	default: return 1;
	}
}

/* Bytes at a place of the packet are written in hex. */
static void hex_parts(const char *t, unsigned n, struct sel *keys)
{
	for (unsigned i = 0; t && i < n; i++) {
		keys[i].hex = *t == '@';
		t = strstr(t, " . ");
		t = t ? t + 3 : NULL;
	}
}

static int elems_put(struct klist *l, const struct kset *s, struct buf *out)
{
	const struct set_info *info = &s->s.want.info;
	struct decompile_env env = { .family = l->family, .stateless = l->o->stateless };
	struct lines v = { .l = l, .s = s, .dc.env = &env };
	unsigned width = columns(&info->key);
	int r;

	for (unsigned i = 0; i < info->key.n; i++) {
		v.keys[i] = sel_of(info->key.part[i], info->key.bits[i]);
		if (info->flags & NFT_SET_INTERVAL)
			v.keys[i].order = ORDER_BIG;
	}
	hex_parts(s->s.want.typeof_text, info->key.n, v.keys);
	r = kread_elems(l->conn, l->family, l->table, info, l->o->reset, on_elem, &v, l->e);
	if (v.v.n > 1 && setelems_sorted(info))
		qsort_r(v.v.v, v.v.n, sizeof(*v.v.v), by_key, &v);
	for (uint32_t i = 0; i < v.v.n; i++) {
		buf_puts(out, !i ? "\t\telements = { " : i % width ? ", " : ",\n\t\t\t     ");
		buf_puts(out, v.v.v[i].text);
	}
	buf_puts(out, v.v.n ? " }\n" : "");
	vec_free(&v.v);
	arena_free(&v.arena);
	dc_free(&v.dc);
	return r;
}

static void flags_put(const struct set_want *w, struct buf *out)
{
	const uint32_t mask = NFT_SET_CONSTANT | NFT_SET_EVAL | NFT_SET_INTERVAL | NFT_SET_TIMEOUT;
	static const struct {
		uint32_t flag;
		const char *word;
	} words[] = { { NFT_SET_CONSTANT, "constant" }, { NFT_SET_EVAL, "dynamic" },
		{ NFT_SET_INTERVAL, "interval" }, { NFT_SET_TIMEOUT, "timeout" } };
	uint32_t flags = w->info.flags & mask;
	const char *sep = "\t\tflags ";

	if (!flags || (flags == NFT_SET_TIMEOUT && w->timeout_ms)) /* said by the timeout */
		return;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (flags & words[i].flag) {
			buf_printf(out, "%s%s", sep, words[i].word);
			sep = ",";
		}
	buf_putc(out, '\n');
}

static void type_put(const struct set_want *w, struct buf *out)
{
	const char *word;

	if (w->typeof_text) {
		buf_printf(out, "\t\ttypeof %s", w->typeof_text);
	} else {
		buf_puts(out, "\t\ttype ");
		nft_type_text(&w->info.key, out);
	}
	if (w->info.flags & NFT_SET_OBJECT) {
		word = object_type_word(w->info.obj_type);
		buf_printf(out, " : %s", word ? word : "?");
	} else if (!w->typeof_text && w->info.flags & NFT_SET_MAP) {
		buf_puts(out, " : ");
		nft_type_text(&w->info.data, out);
	}
	buf_putc(out, '\n');
}

int kset_put(struct klist *l, const struct kset *s, struct buf *out)
{
	const struct set_want *w = &s->s.want;
	uint32_t flags = w->info.flags;
	char dur[48];
	int r = 0;

	put_decl(l,
		flags & NFT_SET_ANONYMOUS && flags & NFT_SET_EVAL ? "meter"
		: flags & (NFT_SET_MAP | NFT_SET_OBJECT)          ? "map"
								  : "set",
		s->s.name, s->s.handle, out);
	type_put(w, out);
	if (!(flags & NFT_SET_CONSTANT)) {
		if (w->policy == NFT_SET_POL_MEMORY)
			buf_puts(out, "\t\tpolicy memory\n");
		if (w->size)
			buf_printf(out, "\t\tsize %u\n", w->size);
	}
	flags_put(w, out);
	if (s->stmts)
		buf_printf(out, "\t\t%s\n", s->stmts);
	if (w->info.auto_merge)
		buf_puts(out, "\t\tauto-merge\n");
	if (w->timeout_ms)
		buf_printf(out, "\t\ttimeout %s\n", duration_format(w->timeout_ms, dur));
	if (w->gc_ms)
		buf_printf(out, "\t\tgc-interval %s\n", duration_format(w->gc_ms, dur));
	if (w->comment) {
		buf_puts(out, "\t\tcomment ");
		quote_put(w->comment, strlen(w->comment), out);
		buf_putc(out, '\n');
	}
	if (!l->o->no_elements)
		r = elems_put(l, s, out);
	buf_puts(out, "\t}\n");
	return r;
}
