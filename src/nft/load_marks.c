// SPDX-License-Identifier: GPL-2.0-or-later
/* A set's message says what only later commands show: that rules change it, and, of a constant set, how many
 * elements it gets. The flag is put in its message when such a rule comes; where nothing is sent (texts) the
 * file is run twice. */
#include <arpa/inet.h>

#include <stdio.h>

#include <libnftnl/expr.h>

#include "nft/load_impl.h"

struct mark {
	uint8_t family;
	char *table, *name;
	const struct file_cmd *elems; /* of a constant set */
	bool dynamic;
	uint32_t last; /* command about its elements */
};

struct mark_key {
	uint8_t family;
	const char *table, *name;
};

static bool mark_is(const void *item, const void *key)
{
	const struct mark *m = item;
	const struct mark_key *k = key;

	return m->family == k->family && !strcmp(m->table, k->table) && !strcmp(m->name, k->name);
}

static uint64_t mark_hash(const struct mark_key *k)
{
	return hash_mix(hash_mix(hash_str(k->table), hash_str(k->name)), k->family);
}

static struct mark *find(const struct load *l, const struct mark_key *k)
{
	return l->marks.n ? hmap_find(&l->marks, mark_hash(k), mark_is, k) : NULL;
}

static struct mark *make(struct load *l, const struct mark_key *k)
{
	struct mark *m = find(l, k);

	if (m)
		return m;
	m = xnew(struct mark);
	m->family = k->family;
	m->table = xstrdup(k->table);
	m->name = xstrdup(k->name);
	hmap_put(&l->marks, mark_hash(k), m);
	return m;
}

static struct mark_key key_of(const struct file_cmd *cmd)
{
	return (struct mark_key){ cmd->family, cmd->table, cmd->name };
}

static bool constant(const struct file_cmd *cmd)
{
	return cmd->what == FILE_SET && cmd->set && (cmd->set->flags & NFT_SET_CONSTANT) && !cmd->set->size;
}

void marks_read(struct load *l)
{
	uint32_t n = file_cmds(l->f);
	bool any = false;

	for (uint32_t i = 0; i < n; i++)
		if (constant(file_cmd(l->f, i))) {
			struct mark_key k = key_of(file_cmd(l->f, i));

			make(l, &k);
			any = true;
		}
	for (uint32_t i = 0; any && i < n; i++) {
		const struct file_cmd *cmd = file_cmd(l->f, i);
		struct mark_key k = key_of(cmd);
		struct mark *m = cmd->what == FILE_ELEMENTS && cmd->block ? find(l, &k) : NULL;

		if (m)
			m->elems = cmd;
	}
}

void marks_free(struct load *l)
{
	struct mark *m;

	hmap_foreach (m, &l->marks, pos) {
		free(m->table);
		free(m->name);
		free(m);
	}
	hmap_free(&l->marks);
	l->marked_last = false;
}

static int count(void *ctx, struct ast_rule *holder, const struct node *el)
{
	(void)holder, (void)el;
	++*(uint32_t *)ctx;
	return 0;
}

uint32_t marks_size(struct load *l, const struct file_cmd *cmd)
{
	struct mark_key k = key_of(cmd);
	struct mark *m = constant(cmd) ? find(l, &k) : NULL;
	_err_ struct err e = ERR_INIT;
	uint32_t n = 0;

	if (!m || !m->elems || file_elems(l->f, m->elems, &cmd->set->key, count, &n, &e) < 0)
		return 0;
	/* a tree's begins and ends, and the end in front of all */
	return (cmd->set->flags & NFT_SET_INTERVAL) && cmd->set->key.n == 1 ? 2 * n + 1 : n;
}

static void read_last(struct load *l)
{
	for (uint32_t i = 0; i < file_cmds(l->f); i++) {
		const struct file_cmd *cmd = file_cmd(l->f, i);
		struct mark_key k = key_of(cmd);

		if (cmd->what == FILE_ELEMENTS && cmd->op != FILE_GET && cmd->op != FILE_RESET)
			make(l, &k)->last = i;
	}
	l->marked_last = true;
}

bool marks_last(struct load *l, uint32_t i, const struct file_cmd *cmd)
{
	struct mark_key k = key_of(cmd);
	const struct mark *m;

	if (!l->marked_last)
		read_last(l);
	m = find(l, &k);
	return !m || m->last <= i;
}

bool marks_dynamic(const struct load *l, const struct file_cmd *cmd)
{
	struct mark_key k = key_of(cmd);
	struct mark *m = find(l, &k);

	return m && m->dynamic;
}

/* ---- rules that change sets ---- */

static void set_flag(struct load *l, struct kset *s)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(l->b->b->pages.v[s->page].p + s->at);
	const struct nlattr *a;

	attr_foreach (a, nlh)
		if (mnl_attr_get_type(a) == NFTA_SET_FLAGS &&
			mnl_attr_get_payload_len(a) == sizeof(uint32_t)) {
			uint32_t flags = mnl_attr_get_u32(a) | htonl(NFT_SET_EVAL);

			memcpy(mnl_attr_get_payload(a), &flags, sizeof(flags));
		}
}

static void changes(struct load *l, const char *name)
{
	struct mark_key k = { l->table->family, l->table->name, name };
	struct kset *s = know_set(l, l->table, name);

	/* nft says it only of sets; but a map of a fixed size is none that rules can change, unless it has
	 * timeouts, and a listing shows the size that the kernel gave it */
	if (!s || s->dynamic ||
		(s->want.info.flags & NFT_SET_MAP && (!s->want.size || s->want.info.flags & NFT_SET_TIMEOUT)))
		return;
	s->dynamic = true;
	if (l->text)
		make(l, &k)->dynamic = true;
	else if (s->sent)
		set_flag(l, s);
}

void marks_rule(struct load *l, const struct code *code)
{
	if (!code->refs.n)
		return;
	vec_foreach (x, &code->exprs)
		if (!strcmp(nftnl_expr_get_str(*x, NFTNL_EXPR_NAME), "dynset") &&
			!nftnl_expr_is_set(*x, NFTNL_EXPR_DYNSET_SET_ID))
			changes(l, nftnl_expr_get_str(*x, NFTNL_EXPR_DYNSET_SET_NAME));
	vec_foreach (ch, &code->chains)
		vec_foreach (r, &ch->rules)
			marks_rule(l, r->code);
}
