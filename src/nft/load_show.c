// SPDX-License-Identifier: GPL-2.0-or-later
/* list, get and reset in a file: they show the kernel's state before the batch, and resets happen at once, as
 * with nft. */
#include <errno.h>

#include "nft/decompile.h"
#include "nft/load_impl.h"

static enum list_what what_of(const struct file_cmd *cmd)
{
	switch ((enum file_what)cmd->what) {
	case FILE_TABLE: return cmd->plural ? LIST_TABLES : LIST_ALL;
	case FILE_CHAIN: return cmd->plural ? LIST_CHAINS : LIST_CHAIN;
	case FILE_RULE: return cmd->name ? LIST_CHAIN : LIST_ALL;
	case FILE_SET:
		if (!cmd->plural)
			return LIST_SET;
		return cmd->obj_type == FILE_MAPS ? LIST_MAPS : LIST_SETS;
	case FILE_ELEMENTS: return LIST_SET;
	case FILE_OBJECT: return cmd->plural ? LIST_OBJECTS : LIST_OBJECT;
	case FILE_FLOWTABLE: return cmd->plural ? LIST_FLOWTABLES : LIST_FLOWTABLE;
	default: return LIST_ALL;
	}
}

/* ---- elements that are asked for ---- */

struct getting {
	struct load *l;
	struct kset *set;
	struct elist want;  /* sorted */
	VEC(uint8_t) found; /* of each */
	const struct file_cmd *cmd;
	struct set_info keys;
	uint32_t ord;
	struct elem_pool pool;
	bool any, any_found;
};

static int on_want(void *ctx, struct ast_rule *holder, const struct node *el)
{
	struct getting *g = ctx;
	struct exprs exprs = { 0 };
	struct setelem out;
	_err_ struct err e = ERR_INIT;
	const struct set_info *info = el->b ? &g->set->want.info : &g->keys;
	int r = elem_compile(holder, el, info, &g->l->env, &out, &exprs, &e);

	if (r == 0 && out.catchall)
		g->any = true;
	else if (r == 0)
		r = elist_add(&g->want, &out, &exprs, g->ord, &e);
	g->ord++;
	exprs_free(&exprs);
	if (r < 0)
		errlist_add(g->l->errs, g->cmd->file, el->pos, &e);
	return r;
}

/* The kernel's element has one that is asked for in it. */
static bool wanted(void *ctx, const struct setelem *el)
{
	struct getting *g = ctx;
	const struct elist *l = &g->want;
	bool is = false;

	if (el->catchall) {
		g->any_found = true;
		return g->any;
	}
	for (uint32_t i = 0; i < l->n; i++) {
		const uint8_t *lo = elist_at(l, i), *hi = l->ends ? lo + l->klen : lo;
		const uint8_t *end = el->interval ? el->key_end : el->key;

		if (memcmp(el->key, lo, l->klen) > 0 || memcmp(end, hi, l->klen) < 0)
			continue;
		g->found.v[i] = 1;
		is = true;
	}
	return is;
}

static int not_found(const struct getting *g, struct err *e)
{
	for (uint32_t i = 0; i < g->want.n; i++)
		if (!g->found.v[i])
			return err_set(e, -ENOENT, "set '%s' has no such element%s", g->cmd->name,
				g->want.n > 1 ? " as one of these" : "");
	if (g->any && !g->any_found)
		return err_set(e, -ENOENT, "set '%s' has no element `*`", g->cmd->name);
	return 0;
}

static int get(struct load *l, const struct file_cmd *cmd, const struct list_query *q, struct list_opts *o,
	struct err *e)
{
	struct ktable *t = know_table(l, cmd->family, cmd->table);
	struct getting g = { .l = l, .cmd = cmd, .set = know_set(l, t, cmd->name) };
	_buf_ struct buf out = BUF_INIT;
	int r;

	if (!g.set)
		return load_no_set(l, cmd, e);
	l->env.family = cmd->family;
	g.keys = load_keys(cmd, &g.set->want.info);
	elist_init(&g.want, &g.set->want.info, &g.pool);
	r = file_elems(l->f, cmd, &g.set->want.info.key, on_want, &g, e);
	vec_reserve(&g.found, g.want.n + 1);
	memset(g.found.v, 0, g.want.n + 1);
	o->elem = wanted;
	o->elem_ctx = &g;
	if (r == 0)
		r = kernel_list(l->c, q, o, &out, e);
	if (r == 0)
		r = not_found(&g, e);
	if (r == 0)
		buf_put(&l->shown, buf_str(&out), out.n);
	elist_free(&g.want);
	vec_free(&g.found);
	pool_free(&g.pool);
	return r;
}

/* ---- one command ---- */

/* It is not in the kernel, but in the file: there is nothing to show yet. */
static bool to_come(struct load *l, uint32_t i, const struct file_cmd *cmd)
{
	struct thing table = { .what = FILE_TABLE, .family = cmd->family, .name = cmd->table };
	struct thing t = thing_of(cmd);

	if (!cmd->table || file_says(l, i, &table) != 1)
		return false;
	return cmd->plural || !cmd->name || cmd->what == FILE_TABLE || file_says(l, i, &t) == 1;
}

static const char *said_before(const struct load *l, uint32_t i)
{
	vec_foreach (r, &l->resets)
		if (r->cmd == i)
			return r->text;
	return NULL;
}

int load_show(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e)
{
	struct list_query q = {
		.what = what_of(cmd),
		.family = cmd->family,
		.obj_type = cmd->obj_type,
		.table = cmd->table,
		.name = cmd->plural ? NULL : cmd->name,
	};
	/* a file that is only checked changes nothing */
	struct list_opts o = { .reset = cmd->op == FILE_RESET && !l->o->check };
	const char *before = said_before(l, i);
	_buf_ struct buf out = BUF_INIT;
	int r;

	if (cmd->what == FILE_RULE && cmd->rule.at == AT_HANDLE)
		o.rule = cmd->handle;
	if (l->errs->n) /* nothing will come of the file */
		return 0;
	if (before) {
		buf_puts(&l->shown, before);
		return 0;
	}
	if (cmd->what == FILE_ELEMENTS)
		return get(l, cmd, &q, &o, e);
	if (cmd->family < ARRAY_SIZE(l->flushed) && l->flushed[cmd->family] && !cmd->table)
		return 0;
	r = kernel_list(l->c, &q, &o, &out, e);
	if (r == -ENOENT && to_come(l, i, cmd)) {
		err_free(e);
		return 0;
	}
	if (r < 0)
		return r;
	buf_put(&l->shown, buf_str(&out), out.n);
	if (o.reset)
		vec_push(&l->resets, (struct reset_text){ i, buf_take(&out) });
	return 0;
}
