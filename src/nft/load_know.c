// SPDX-License-Identifier: GPL-2.0-or-later
/* What a file's commands can rely on: what the file itself has said so far, else what the kernel holds. The
 * kernel is asked for one thing at a time, when a command needs it. */
#include <errno.h>
#include <stdio.h>

#include <libnftnl/expr.h>

#include "base/text.h"
#include "nft/load_impl.h"

/* The answers are true for one generation. Taken before the first question: what changes after it makes the
 * kernel refuse the batch, and the file is run anew. */
int know_ask(struct load *l)
{
	if (!l->c)
		return -ENOTCONN;
	if (!l->asked)
		nft_conn_expect(l->c, nft_genid(l->c));
	l->asked = true;
	return 0;
}

/* ---- tables ---- */

struct table_key {
	uint8_t family;
	const char *name;
};

static bool table_is(const void *item, const void *key)
{
	const struct ktable *t = item;
	const struct table_key *k = key;

	return t->family == k->family && !strcmp(t->name, k->name);
}

struct ktable *know_table(struct load *l, uint8_t family, const char *name)
{
	struct table_key k = { family, name };
	uint64_t hash = hash_mix(hash_str(name), family);
	struct ktable *t;

	if (l->table && table_is(l->table, &k))
		return l->table;
	t = hmap_find(&l->tables, hash, table_is, &k);
	if (!t) {
		t = xnew(struct ktable);
		t->family = family;
		t->name = xstrdup(name);
		t->fresh = family < ARRAY_SIZE(l->flushed) && l->flushed[family];
		hmap_put(&l->tables, hash, t);
	}
	return l->table = t;
}

/* ---- sets ---- */

static bool set_is(const void *item, const void *key)
{
	const struct kset *s = item;

	return !strcmp(s->want.info.name, key);
}

static void set_reset(struct kset *s)
{
	present_clear(&s->present);
	pool_free(&s->pool);
	exprs_free(&s->stateful);
	s->want.exprs = NULL;
	s->want.n_exprs = 0;
	s->n_kept = 0;
	s->counted = s->dynamic = s->sent = false;
}

static void keeps(struct kset *s, const struct set_want *w)
{
	s->n_kept = 0;
	for (uint32_t i = 0; i < w->n_exprs && s->n_kept < ARRAY_SIZE(s->kept); i++)
		snprintf(s->kept[s->n_kept++], sizeof(s->kept[0]), "%s",
			nftnl_expr_get_str(w->exprs[i], NFTNL_EXPR_NAME));
}

static struct kset *set_slot(struct ktable *t, const char *name)
{
	uint64_t hash = hash_str(name);
	struct kset *s = hmap_find(&t->sets, hash, set_is, name);

	if (s || strlen(name) >= sizeof(s->want.info.name))
		return s;
	s = xnew(struct kset);
	strcpy(s->want.info.name, name);
	s->none = s->fresh = t->fresh;
	hmap_put(&t->sets, hash, s);
	vec_push(&t->all, s);
	return s;
}

struct asked {
	struct ktable *t;
	struct kset *one; /* NULL: whatever comes */
};

static void on_set(void *ctx, const struct kread_set *r)
{
	struct asked *a = ctx;
	struct kset *s = a->one;

	if (r->want.info.flags & NFT_SET_ANONYMOUS)
		return;
	if (!s) {
		/* only its name matters, for proposals */
		if (!hmap_find(&a->t->sets, hash_str(r->name), set_is, r->name)) {
			s = set_slot(a->t, r->name);
			if (s)
				s->none = false;
		}
	}
	if (!s)
		return;
	s->want = r->want;
	keeps(s, &r->want);
	s->want.comment = s->want.typeof_text = s->want.stateful = NULL;
	s->want.exprs = NULL;
	s->want.n_exprs = 0;
	s->none = false;
}

struct kset *know_set(struct load *l, struct ktable *t, const char *name)
{
	struct kset *s = hmap_find(&t->sets, hash_str(name), set_is, name);
	struct asked a = { .t = t };

	if (s)
		return s->none ? NULL : s;
	s = set_slot(t, name);
	if (!s || s->none)
		return NULL;
	s->none = true;
	a.one = s;
	if (know_ask(l) == 0)
		kread_sets(l->c, t->family, t->name, name, on_set, &a, NULL);
	return s->none ? NULL : s;
}

static void copy_decl(struct set_want *w, const struct set_decl *d)
{
	w->info.flags = d->flags;
	w->info.key = d->key;
	w->info.data = d->data;
	w->info.obj_type = d->obj_type;
	w->info.auto_merge = d->auto_merge;
	w->timeout_ms = d->timeout_ms;
	w->gc_ms = d->gc_ms;
	w->size = d->size;
	w->policy = d->policy;
	w->comment = d->comment;
	w->typeof_text = d->typeof_text;
}

int know_declare(
	struct load *l, struct ktable *t, const struct file_cmd *cmd, struct kset **out, struct err *e)
{
	const struct set_decl *d = cmd->set;
	/* the places of its statements are those of the file */
	struct ast_rule holder = { .src = *file_src(l->f, cmd->file) };
	struct kset *s = set_slot(t, cmd->name);
	int r;

	if (!s)
		return err_set(e, -ENAMETOOLONG, "the name is too long");
	set_reset(s);
	s->want.concat = (struct nft_concat){ 0 };
	copy_decl(&s->want, d);
	if (cmd->op == FILE_CREATE)
		s->fresh = true; /* or the kernel refuses it */
	s->none = false;
	*out = s;
	if (!d->stateful)
		return 0;
	r = stateful_compile(&holder, d->stateful, &l->env, &s->stateful, e);
	s->want.exprs = s->stateful.e.v;
	s->want.n_exprs = s->stateful.e.n;
	keeps(s, &s->want);
	return r;
}

/* ---- what goes ---- */

void know_set_gone(struct load *l, struct ktable *t, const char *name)
{
	struct kset *s = set_slot(t, name);

	(void)l;
	if (!s)
		return;
	set_reset(s);
	s->none = s->fresh = true;
}

static void table_gone(struct ktable *t)
{
	rules_flushed(NULL, t, NULL);
	t->fresh = true;
	vec_foreach (s, &t->all) {
		set_reset(*s);
		(*s)->none = (*s)->fresh = true;
	}
}

void know_gone(struct load *l, uint8_t family, const char *table)
{
	struct ktable *t;

	if (table) {
		table_gone(know_table(l, family, table));
		return;
	}
	hmap_foreach (t, &l->tables, pos)
		if (family == NFPROTO_UNSPEC || t->family == family)
			table_gone(t);
	for (unsigned i = 0; i < ARRAY_SIZE(l->flushed); i++)
		if (family == NFPROTO_UNSPEC || i == family)
			l->flushed[i] = true;
}

void know_free(struct load *l)
{
	struct ktable *t;

	hmap_foreach (t, &l->tables, pos) {
		vec_foreach (s, &t->all) {
			set_reset(*s);
			free(*s);
		}
		rules_free(t);
		vec_free(&t->all);
		hmap_free(&t->sets);
		free(t->name);
		free(t);
	}
	hmap_free(&l->tables);
	l->table = NULL;
}

/* ---- proposals ---- */

const char *know_set_at(void *ctx, size_t i)
{
	struct load *l = ctx;
	struct ktable *t = l->table;
	struct asked a = { .t = t };

	if (!t)
		return NULL;
	if (!t->listed && !t->fresh && know_ask(l) == 0)
		kread_sets(l->c, t->family, t->name, NULL, on_set, &a, NULL);
	t->listed = true;
	/* asked for one after the other */
	if (!i)
		l->near = 0;
	while (l->near < t->all.n) {
		const struct kset *s = t->all.v[l->near++];

		if (!s->none)
			return s->want.info.name;
	}
	return NULL;
}
