// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules: parse, compile, message, free, one after the other. Where some command of the file counts the rules
 * of a chain (`index N`) its rules are kept in order: those of the kernel by their handles, those of this
 * file by ids that hold for one batch. */
#include <errno.h>

#include "base/clock.h"
#include "nft/load_impl.h"

struct krule {
	struct tnode node;
	uint64_t handle;
	uint32_t id;
};

struct kchain {
	char *name;
	bool read;
	struct tree rules;
	struct hmap by_handle;
};

/* ---- chains in which somebody counts ---- */

static bool chain_is(const void *item, const void *key)
{
	const struct kchain *c = item;

	return !strcmp(c->name, key);
}

static struct kchain *counted(const struct ktable *t, const char *chain)
{
	return t->chains.n ? hmap_find(&t->chains, hash_str(chain), chain_is, chain) : NULL;
}

void rules_mark(struct load *l)
{
	for (uint32_t i = 0; i < file_cmds(l->f); i++) {
		const struct file_cmd *cmd = file_cmd(l->f, i);
		struct ktable *t;
		struct kchain *c;

		if (cmd->what != FILE_RULE || cmd->rule.at != AT_INDEX)
			continue;
		t = know_table(l, cmd->family, cmd->table);
		if (counted(t, cmd->name))
			continue;
		c = xnew(struct kchain);
		c->name = xstrdup(cmd->name);
		hmap_put(&t->chains, hash_str(c->name), c);
	}
}

static void empty(struct kchain *c)
{
	struct tnode *n;

	while ((n = tree_at(&c->rules, 0))) {
		tree_remove(&c->rules, n);
		free(container_of(n, struct krule, node));
	}
	hmap_free(&c->by_handle);
	c->read = true;
}

void rules_flushed(struct load *l, struct ktable *t, const char *chain)
{
	struct kchain *c;

	(void)l;
	hmap_foreach (c, &t->chains, pos)
		if (!chain || !strcmp(c->name, chain))
			empty(c);
}

void rules_free(struct ktable *t)
{
	struct kchain *c;

	hmap_foreach (c, &t->chains, pos) {
		empty(c);
		free(c->name);
		free(c);
	}
	hmap_free(&t->chains);
}

/* ---- their rules in order ---- */

/* A tree's rank as a key: how many of the nodes below are before the place. */
static int by_rank(const void *key, const struct tnode *n)
{
	uint32_t *left = *(uint32_t *const *)key, before = n->left ? n->left->size : 0;

	if (*left <= before)
		return -1;
	*left -= before + 1;
	return 1;
}

static uint32_t rank_of(const struct tnode *n)
{
	uint32_t i = n->left ? n->left->size : 0;

	for (; n->up; n = n->up)
		if (n->up->right == n)
			i += 1 + (n->up->left ? n->up->left->size : 0);
	return i;
}

static void put(struct kchain *c, uint32_t at, uint64_t handle, uint32_t id)
{
	struct krule *r = xnew(struct krule);
	uint32_t *left = &at;

	r->handle = handle;
	r->id = id;
	tree_insert(&c->rules, &r->node, by_rank, &left);
	if (handle)
		hmap_put(&c->by_handle, hash_bytes(&handle, sizeof(handle)), r);
}

static bool handle_is(const void *item, const void *key)
{
	return ((const struct krule *)item)->handle == *(const uint64_t *)key;
}

static struct krule *with_handle(struct kchain *c, uint64_t handle)
{
	return hmap_find(&c->by_handle, hash_bytes(&handle, sizeof(handle)), handle_is, &handle);
}

static void drop(struct kchain *c, struct krule *r)
{
	if (r->handle)
		hmap_del_item(&c->by_handle, hash_bytes(&r->handle, sizeof(r->handle)), r);
	tree_remove(&c->rules, &r->node);
	free(r);
}

static void read_chain(struct load *l, const struct ktable *t, struct kchain *c)
{
	uint64_t *handles = NULL, *ids = NULL;
	int n = 0;

	if (c->read)
		return;
	c->read = true;
	if (!t->fresh && know_ask(l) == 0)
		n = nft_rule_handles(l->c, t->family, t->name, c->name, &handles, &ids, NULL);
	for (int i = 0; i < n; i++)
		put(c, (uint32_t)i, handles[i], 0);
	free(handles);
	free(ids);
}

static int no_rule(const struct file_cmd *cmd, uint32_t n, struct err *e)
{
	if (cmd->rule.at == AT_INDEX)
		return err_set(e, -ENOENT, "index %llu: the chain has %u rules here, counted from 0",
			(unsigned long long)cmd->handle, n);
	return err_set(e, -ENOENT, "chain '%s' has no rule with handle %llu here", cmd->name,
		(unsigned long long)cmd->handle);
}

/* Where the rule goes, and the chain's order after it. */
static int place(struct load *l, struct kchain *c, const struct file_cmd *cmd, struct op *op, struct err *e)
{
	uint32_t n = tree_size(&c->rules), at = cmd->op == FILE_INSERT ? 0 : n;
	struct krule *ref = NULL;

	if (cmd->rule.at == AT_INDEX && cmd->handle < UINT32_MAX) {
		struct tnode *x = tree_at(&c->rules, (uint32_t)cmd->handle);

		ref = x ? container_of(x, struct krule, node) : NULL;
	} else if (cmd->rule.at == AT_HANDLE) {
		ref = with_handle(c, cmd->handle);
	}
	if (cmd->rule.at != AT_NONE && !ref && l->c)
		return no_rule(cmd, n, e);
	if (ref)
		at = rank_of(&ref->node) + (cmd->op == FILE_ADD || cmd->op == FILE_CREATE);
	if (cmd->op == FILE_DELETE || cmd->op == FILE_DESTROY || cmd->op == FILE_REPLACE) {
		op->rule.handle = ref ? ref->handle : cmd->handle;
		if (ref)
			drop(c, ref);
	} else if (ref) {
		op->rule.position = ref->handle;
		op->rule.position_id = ref->handle ? 0 : ref->id;
	}
	if (cmd->op == FILE_DELETE || cmd->op == FILE_DESTROY)
		return 0;
	op->rule.rule_id = ++l->rule_ids;
	put(c, at, 0, op->rule.rule_id);
	return 0;
}

/* ---- one rule ---- */

static int put_ast(struct load *l, uint32_t i, const struct ast_rule *ast, struct op *op, struct err *e)
{
	struct code *code = NULL;
	int r = rule_compile(ast, &l->env, &code, e);

	if (r < 0)
		return r;
	marks_rule(l, code);
	for (uint32_t k = 0; !l->jumps && k < code->refs.n; k++)
		l->jumps = code->refs.v[k].kind == REF_CHAIN || code->refs.v[k].kind == REF_SET;
	op->rule.code = code;
	op->rule.comment = ast_comment(ast);
	op->rule.udata = l->o->udata;
	op->rule.n_udata = l->o->n_udata;
	r = load_op(l, op, i, e);
	code_free(code);
	l->stats.rules++;
	return r;
}

int load_rule(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e)
{
	struct ktable *t = know_table(l, cmd->family, cmd->table);
	struct kchain *c = counted(t, cmd->name);
	bool gone = cmd->op == FILE_DELETE || cmd->op == FILE_DESTROY, swap = cmd->op == FILE_REPLACE;
	struct op op = load_named(l, gone ? OP_DEL_RULE : swap ? OP_REPLACE_RULE : OP_ADD_RULE, cmd);
	struct ast_rule *ast = NULL;
	uint64_t start;
	int r;

	op.by_handle = 0;
	op.insert = cmd->op == FILE_INSERT;
	op.after = cmd->rule.at != AT_NONE && !op.insert;
	if (c) {
		read_chain(l, t, c);
		r = place(l, c, cmd, &op, e);
		if (r < 0)
			return r;
	} else if (gone || swap) {
		op.rule.handle = cmd->handle;
	} else if (cmd->rule.at == AT_HANDLE) {
		op.rule.position = cmd->handle;
	}
	if (gone)
		return load_op(l, &op, i, e);
	start = mono_ns();
	r = file_rule(l->f, cmd, &ast, e);
	l->stats.parse_ns += mono_ns() - start;
	if (r < 0)
		return r;
	l->env.family = cmd->family;
	l->env.table = cmd->table;
	l->env.set_at = l->errs->n < ERRLIST_MAX ? know_set_at : NULL; /* as load_no_set() */
	r = put_ast(l, i, ast, &op, e);
	ast_put(ast);
	return r;
}
