// SPDX-License-Identifier: GPL-2.0-or-later
/* The sets that the kernel holds, and the types of what is in them. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>

#include <libnftnl/udata.h>

#include "nft/datatype.h"
#include "nft/kread_impl.h"

/* nft's words for the order of a key's bytes */
#define UDATA_HOST 1

#define TYPE_BITS 6
#define TYPE_MASK ((1u << TYPE_BITS) - 1)

static void print_hex(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	(void)t;
	buf_puts(out, "0x");
	for (unsigned i = 0; i < datatype_bytes(bits); i++)
		buf_printf(out, "%02x", p[i]);
}

const struct datatype datatype_unknown = {
	.name = "invalid",
	.desc = "value of an unknown type",
	.id = DT_INVALID,
	.base = BASE_INTEGER,
	.order = ORDER_BIG,
	.print = print_hex,
};

/* ---- types ---- */

struct type_src { /* what a set says of the type of its keys or its data */
	uint32_t id, len, order;
	bool interval;
	const uint8_t *fields; /* bytes of each part, of concatenated ranges */
	unsigned n_fields;
	const char *typeof_text;
};

static struct nft_type unknown_type(uint32_t len)
{
	return nft_type_of(&datatype_unknown, len * 8);
}

static const struct datatype *part_of(uint32_t id, uint32_t order)
{
	const struct datatype *t = id == DT_INVALID ? NULL : datatype_by_id((enum dt_id)id);

	if (!t || id == DT_VERDICT)
		return &datatype_unknown;
	return id == DT_INTEGER && order == UDATA_HOST ? &datatype_integer_host : t;
}

static unsigned padded(unsigned bytes)
{
	return (bytes + 3) & ~3u;
}

/* Parts without a width of their own (integer, string) get it from the fields, or one of them what the others
 * leave. */
static bool part_widths(const struct type_src *s, struct nft_type *t)
{
	unsigned used = 0, open = 0, at = 0;

	for (unsigned i = 0; i < t->n; i++) {
		unsigned bits = t->part[i]->bits;

		if (s->n_fields == t->n && datatype_bytes(bits) != s->fields[i])
			bits = s->fields[i] * 8u;
		if (!bits) {
			open++;
			at = i;
		}
		t->bits[i] = (uint16_t)bits;
		used += padded(datatype_bytes(bits));
	}
	if (open == 1 && used < s->len) {
		t->bits[at] = (uint16_t)((s->len - used) * 8);
		used = s->len;
		open = 0;
	}
	return !open && used == s->len;
}

static struct nft_type type_by_id(const struct type_src *s)
{
	struct nft_type t = { 0 };
	uint32_t id = s->id;

	for (; id; id >>= TYPE_BITS)
		t.n++;
	for (unsigned i = t.n; i-- > 0;)
		t.part[i] = part_of(s->id >> TYPE_BITS * (t.n - 1 - i) & TYPE_MASK, s->order);
	if (t.n == 1 && t.part[0]->id != DT_INVALID) {
		bool own = datatype_bytes(t.part[0]->bits) == s->len;

		return nft_type_of(t.part[0], own ? t.part[0]->bits : s->len * 8);
	}
	return t.n > 1 && part_widths(s, &t) ? t : unknown_type(s->len);
}

static struct nft_type type_of(const struct type_src *s)
{
	struct nft_type t;

	if (s->id == NFT_DATA_VERDICT)
		return nft_type_of(datatype_by_id(DT_VERDICT), 0);
	if (!s->typeof_text || nft_typeof_parse(s->typeof_text, &t, NULL) < 0 || nft_type_len(&t) != s->len)
		t = type_by_id(s);
	t.interval = s->interval;
	return t;
}

/* ---- attributes ---- */

struct set_attrs {
	struct type_src key, data;
	char *key_typeof, *data_typeof;
};

static uint32_t udata_get_u32(const uint8_t *p, size_t n, uint8_t type)
{
	uint8_t len;
	const uint8_t *v = udata_find(p, n, type, &len);
	uint32_t x = 0;

	if (v && len == sizeof(x))
		memcpy(&x, v, len);
	return x;
}

static void set_userdata(const struct nlattr *a, struct set_attrs *s, struct kread_set *out)
{
	const uint8_t *p = mnl_attr_get_payload(a), *own;
	size_t n = mnl_attr_get_payload_len(a);
	uint8_t len;

	s->key.order = udata_get_u32(p, n, NFTNL_UDATA_SET_KEYBYTEORDER);
	s->data.order = udata_get_u32(p, n, NFTNL_UDATA_SET_DATABYTEORDER);
	s->data.interval = udata_get_u32(p, n, NFTNL_UDATA_SET_DATA_INTERVAL);
	out->want.info.auto_merge = udata_get_u32(p, n, NFTNL_UDATA_SET_MERGE_ELEMENTS);
	out->want.comment = attr_comment(a, NFTNL_UDATA_SET_COMMENT);
	own = udata_find(p, n, RNM_TLV, &len);
	if (own && len == sizeof(out->want.auto_id))
		memcpy(&out->want.auto_id, own, len);
	free(s->key_typeof);
	free(s->data_typeof);
	s->key_typeof = typeof_read(p, n, NFTNL_UDATA_SET_KEY_TYPEOF);
	s->data_typeof = typeof_read(p, n, NFTNL_UDATA_SET_DATA_TYPEOF);
}

static void set_fields(const struct nlattr *nest, struct nft_concat *out)
{
	const struct nlattr *f, *a;

	attr_nested (f, nest) {
		if (out->n == NFT_PARTS_MAX)
			return;
		attr_nested (a, f) {
			uint32_t len = attr_be32(a);

			if (mnl_attr_get_type(a) == NFTA_SET_FIELD_LEN && len && len <= NFT_KEY_MAX)
				out->len[out->n] = (uint8_t)len;
		}
		out->n++;
	}
}

static void set_desc(const struct nlattr *nest, struct set_want *w)
{
	const struct nlattr *a;

	attr_nested (a, nest) {
		if (mnl_attr_get_type(a) == NFTA_SET_DESC_SIZE)
			w->size = attr_be32(a);
		else if (mnl_attr_get_type(a) == NFTA_SET_DESC_CONCAT)
			set_fields(a, &w->concat);
	}
}

static void set_attr(const struct nlattr *a, struct set_attrs *s, struct kexprs *x, struct kread_set *out)
{
	struct set_want *w = &out->want;

	switch (mnl_attr_get_type(a)) {
	case NFTA_SET_TABLE: out->table = attr_name(a); break;
	case NFTA_SET_NAME: out->name = attr_name(a); break;
	case NFTA_SET_HANDLE: out->handle = attr_be64(a); break;
	case NFTA_SET_FLAGS: w->info.flags = attr_be32(a); break;
	case NFTA_SET_KEY_TYPE: s->key.id = attr_be32(a); break;
	case NFTA_SET_KEY_LEN: s->key.len = attr_be32(a); break;
	case NFTA_SET_DATA_TYPE: s->data.id = attr_be32(a); break;
	case NFTA_SET_DATA_LEN: s->data.len = attr_be32(a); break;
	case NFTA_SET_OBJ_TYPE: w->info.obj_type = attr_be32(a); break;
	case NFTA_SET_POLICY: w->policy = (int32_t)attr_be32(a); break;
	case NFTA_SET_TIMEOUT: w->timeout_ms = attr_be64(a); break;
	case NFTA_SET_GC_INTERVAL: w->gc_ms = attr_be32(a); break;
	case NFTA_SET_DESC: set_desc(a, w); break;
	case NFTA_SET_USERDATA: set_userdata(a, s, out); break;
	case NFTA_SET_EXPR: kexprs_add(x, a, false); break;
	case NFTA_SET_EXPRESSIONS: kexprs_add(x, a, true); break;
	default: break;
	}
}

static char *typeof_text(const struct set_attrs *s)
{
	if (!s->key_typeof)
		return NULL;
	if (s->data.id == NFT_DATA_VERDICT)
		return xasprintf("%s : verdict", s->key_typeof);
	return s->data_typeof ? xasprintf("%s : %s%s", s->key_typeof, s->data.interval ? "interval " : "",
					s->data_typeof)
			      : xstrdup(s->key_typeof);
}

bool set_parse(const struct nlmsghdr *nlh, struct kset_keep *keep, struct kread_set *out)
{
	struct set_want *w = &out->want;
	struct set_attrs s = { 0 };
	const struct nlattr *a;
	bool ok;

	*out = (struct kread_set){ .family = msg_family(nlh) };
	kexprs_clear(&keep->exprs);
	free(keep->typeof_text);
	keep->typeof_text = NULL;
	attr_foreach (a, nlh)
		set_attr(a, &s, &keep->exprs, out);
	ok = out->table && out->name && *out->name && s.key.len && s.key.len <= NFT_KEY_MAX &&
	     (s.data.id == NFT_DATA_VERDICT || s.data.len <= NFT_KEY_MAX);
	if (ok) {
		strcpy(w->info.name, out->name);
		s.key.fields = w->concat.len;
		s.key.n_fields = w->concat.n;
		s.key.typeof_text = s.key_typeof;
		s.data.typeof_text = s.data_typeof;
		w->info.key = type_of(&s.key);
		if (s.data.interval)
			s.data.len /= 2;
		if (w->info.flags & NFT_SET_MAP)
			w->info.data = type_of(&s.data);
		w->typeof_text = keep->typeof_text = typeof_text(&s);
		w->n_exprs = kexprs_known(&keep->exprs);
		w->exprs = keep->exprs.v.v;
	}
	free(s.key_typeof);
	free(s.data_typeof);
	return ok;
}

void kset_keep_free(struct kset_keep *keep)
{
	kexprs_free(&keep->exprs);
	free(keep->typeof_text);
	keep->typeof_text = NULL;
}

int kread_sets(struct nft_conn *c, uint8_t family, const char *table, const char *name,
	void (*fn)(void *, const struct kread_set *), void *ctx, struct err *e)
{
	struct answers a = { .d.single = table && name && family != NFPROTO_UNSPEC,
		.table = table,
		.name = name,
		.name_attr = NFTA_SET_NAME };
	struct kset_keep keep = { 0 };
	uint32_t told = 0;
	int r = answers_get(c, NFT_MSG_GETSET, family, "set", &a, e);

	if (!r) {
		answers_foreach (nlh, &a) {
			struct kread_set s;

			if (!set_parse(nlh, &keep, &s) || !answers_named(&a, s.table, s.name))
				continue;
			told++;
			fn(ctx, &s);
		}
		r = kread_there(c, family, &a, told, "set", e);
	}
	kset_keep_free(&keep);
	answers_free(&a);
	return r;
}
