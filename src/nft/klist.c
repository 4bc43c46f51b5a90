// SPDX-License-Identifier: GPL-2.0-or-later
/* `nft list …`: what is asked for of what the kernel holds. */
#include <errno.h>
#include <string.h>

#include <linux/netfilter.h>

#include "nft/klist.h"

#define TRIES 5

struct ktable {
	uint8_t family;
	char name[NFT_NAME_MAXLEN];
	uint64_t handle;
	uint32_t flags;
	char *comment;
};
struct tables {
	VEC(struct ktable) v;
};

static void on_table(void *ctx, const struct kread_table *t)
{
	struct tables *all = ctx;
	struct ktable k = { .family = t->family, .handle = t->handle, .flags = t->want.flags };

	if (strlen(t->name) >= sizeof(k.name))
		return;
	strcpy(k.name, t->name);
	k.comment = t->want.comment ? xstrdup(t->want.comment) : NULL;
	vec_push(&all->v, k);
}

static void tables_free(struct tables *t)
{
	vec_foreach (k, &t->v)
		free(k->comment);
	vec_free(&t->v);
}

static void cut(struct buf *out, size_t n)
{
	out->n = n;
	if (out->s)
		out->s[n] = '\0';
}

static void open_table(const struct klist *l, const struct ktable *t, bool handle, struct buf *out)
{
	buf_printf(out, "table %s ", nft_family_name(t->family));
	buf_visible(out, t->name, strlen(t->name));
	buf_puts(out, " {");
	if (handle && l->o->handles)
		buf_printf(out, " # handle %llu", (unsigned long long)t->handle);
	buf_putc(out, '\n');
}

static bool table_flags(uint32_t flags, struct buf *out)
{
	static const char *const words[] = { "dormant", "owner", "persist" };
	const char *sep = "\tflags ";

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (flags >> i & 1) {
			buf_printf(out, "%s%s", sep, words[i]);
			sep = ",";
		}
	if (*sep == ',')
		buf_putc(out, '\n');
	return *sep == ',';
}

static bool has_name(const struct kset *s)
{
	return !(s->s.want.info.flags & NFT_SET_ANONYMOUS);
}

static void gap(bool *first, struct buf *out)
{
	buf_puts(out, *first ? "" : "\n");
	*first = false;
}

static int whole_table(struct klist *l, const struct ktable *t, struct buf *out)
{
	bool first;
	int r = klist_objects(l, 0, NULL, false);

	r = r < 0 ? r : klist_sets(l, NULL);
	r = r < 0 ? r : klist_flowtables(l, NULL);
	r = r < 0 ? r : klist_chains(l, NULL);
	r = r < 0 ? r : klist_rules(l, NULL);
	if (r < 0)
		return r;
	open_table(l, t, true, out);
	first = !table_flags(t->flags, out);
	if (t->comment) {
		buf_puts(out, "\tcomment ");
		quote_put(t->comment, strlen(t->comment), out);
		buf_putc(out, '\n');
	}
	vec_foreach (o, &l->objs) {
		gap(&first, out);
		object_put(l, *o, out);
	}
	vec_foreach (s, &l->sets) {
		if (!has_name(*s))
			continue;
		gap(&first, out);
		r = kset_put(l, *s, out);
		if (r < 0)
			return r;
	}
	vec_foreach (f, &l->flows) {
		gap(&first, out);
		flowtable_put(l, *f, out);
	}
	vec_foreach (c, &l->chains) {
		if ((*c)->c.flags & NFT_CHAIN_BINDING)
			continue;
		gap(&first, out);
		chain_put(l, *c, true, out);
	}
	buf_puts(out, "}\n");
	return 0;
}

static int chains_part(struct klist *l, const struct list_query *q, struct buf *out)
{
	bool one = q->what == LIST_CHAIN;
	int r = one ? klist_sets(l, NULL) : 0;

	r = r < 0 ? r : klist_chains(l, one ? q->name : NULL);
	r = r < 0 || !one ? r : klist_rules(l, q->name);
	vec_foreach (c, &l->chains)
		if (r >= 0 && (one || !((*c)->c.flags & NFT_CHAIN_BINDING)))
			chain_put(l, *c, one, out);
	return r;
}

static int sets_part(struct klist *l, const struct list_query *q, struct buf *out)
{
	int r = klist_sets(l, q->what == LIST_SET ? q->name : NULL);

	vec_foreach (s, &l->sets) {
		bool map = (*s)->s.want.info.flags & (NFT_SET_MAP | NFT_SET_OBJECT);

		if (r >= 0 && (q->what == LIST_SET || (has_name(*s) && map == (q->what == LIST_MAPS))))
			r = kset_put(l, *s, out);
	}
	return r;
}

static int objects_part(struct klist *l, const struct list_query *q, struct buf *out)
{
	int r = klist_objects(l, q->obj_type, q->what == LIST_OBJECT ? q->name : NULL, l->o->reset);

	vec_foreach (o, &l->objs)
		if (r >= 0)
			object_put(l, *o, out);
	return r;
}

static int flowtables_part(struct klist *l, const struct list_query *q, struct buf *out)
{
	int r = klist_flowtables(l, q->what == LIST_FLOWTABLE ? q->name : NULL);

	vec_foreach (f, &l->flows)
		if (r >= 0)
			flowtable_put(l, *f, out);
	return r;
}

/* Objects of one kind stand in their table alone. */
static int part_of_table(struct klist *l, const struct list_query *q, const struct ktable *t, struct buf *out)
{
	size_t begin = out->n, body;
	int r = 0;

	open_table(l, t, false, out);
	body = out->n;
	switch (q->what) {
	case LIST_CHAIN:
	case LIST_CHAINS: r = chains_part(l, q, out); break;
	case LIST_SET:
	case LIST_SETS:
	case LIST_MAPS: r = sets_part(l, q, out); break;
	case LIST_OBJECT:
	case LIST_OBJECTS: r = objects_part(l, q, out); break;
	case LIST_FLOWTABLE:
	case LIST_FLOWTABLES: r = flowtables_part(l, q, out); break;
	case LIST_ALL:
	case LIST_TABLES: break;
	}
	/* of the tables that have none of it nft lists only those where something of the sort could be */
	if (q->what == LIST_OBJECTS && out->n == body)
		cut(out, begin);
	else
		buf_puts(out, "}\n");
	return r;
}

static int list_once(struct nft_conn *c, const struct list_query *q, const struct list_opts *o,
	struct buf *out, struct err *e)
{
	struct tables all = { 0 };
	int r = kread_tables(c, q->family, q->table, on_table, &all, e);

	for (uint32_t i = 0; r >= 0 && i < all.v.n; i++) {
		const struct ktable *t = &all.v.v[i];
		struct klist l = { .conn = c, .o = o, .e = e, .family = t->family, .table = t->name };

		if (q->what == LIST_TABLES) {
			buf_printf(out, "table %s ", nft_family_name(t->family));
			buf_visible(out, t->name, strlen(t->name));
			buf_putc(out, '\n');
		} else if (q->what == LIST_ALL) {
			r = whole_table(&l, t, out);
		} else {
			r = part_of_table(&l, q, t, out);
		}
		klist_clear(&l);
	}
	tables_free(&all);
	return r;
}

int kernel_list(struct nft_conn *c, const struct list_query *q, const struct list_opts *o, struct buf *out,
	struct err *e)
{
	size_t begin = out->n;
	int r = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		_err_ struct err why = ERR_INIT;
		uint32_t gen = nft_genid(c);

		cut(out, begin);
		r = list_once(c, q, o, out, &why);
		/* what was changed while it was read may not fit together; counts that were reset are told
		 * once */
		if (r < 0 ? i + 1 == TRIES || nft_genid(c) == gen : o->reset || nft_genid(c) == gen)
			return r < 0 ? err_set(e, r, "%s", err_text(&why)) : 0;
	}
	return r;
}
