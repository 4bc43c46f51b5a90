// SPDX-License-Identifier: GPL-2.0-or-later
/* Is something there? Asked where an old kernel has no word for "delete it if it is there", and to say what a
 * refused command was missing. */
#include <errno.h>
#include <linux/netfilter.h>

#include "base/text.h"
#include "nft/load_impl.h"

#define NAMES_MAX 10000 /* looked through for a proposal */

/* ---- the kernel's ---- */

struct look {
	const char *name; /* NULL: by handle, or all */
	uint64_t handle;
	bool found;
	VEC(char *) * names;
};

static void seen(struct look *k, const char *name, uint64_t handle)
{
	k->found |= k->name ? !strcmp(k->name, name) : k->handle && k->handle == handle;
	if (k->names && k->names->n < NAMES_MAX)
		vec_push(k->names, xstrdup(name));
}

static void on_table(void *ctx, const struct kread_table *x)
{
	seen(ctx, x->name, x->handle);
}

static void on_chain(void *ctx, const struct kread_chain *x)
{
	seen(ctx, x->name, x->handle);
}

static void on_set(void *ctx, const struct kread_set *x)
{
	seen(ctx, x->name, x->handle);
}

static void on_object(void *ctx, const struct kread_object *x)
{
	seen(ctx, x->name, x->handle);
}

static void on_flowtable(void *ctx, const struct kread_flowtable *x)
{
	seen(ctx, x->name, x->handle);
}

static int ask(struct load *l, const struct thing *t, struct look *k)
{
	struct nft_conn *c = l->c;

	if (!c)
		return -ENOTCONN;
	switch (t->what) {
	case FILE_TABLE: return kread_tables(c, t->family, k->name, on_table, k, NULL);
	case FILE_CHAIN: return kread_chains(c, t->family, t->table, k->name, on_chain, k, NULL);
	case FILE_SET: return kread_sets(c, t->family, t->table, k->name, on_set, k, NULL);
	case FILE_OBJECT:
		return kread_objects(c, t->family, t->table, k->name, t->obj_type, false, on_object, k, NULL);
	case FILE_FLOWTABLE: return kread_flowtables(c, t->family, t->table, k->name, on_flowtable, k, NULL);
	default: return -EOPNOTSUPP;
	}
}

bool kernel_has(struct load *l, const struct thing *t)
{
	struct look k = { .name = t->name, .handle = t->handle };

	return ask(l, t, &k) == 0 && k.found;
}

/* ---- what the file says before the i-th command ---- */

static bool names_it(const struct file_cmd *cmd, const struct thing *t)
{
	const char *name = cmd->what == FILE_TABLE ? cmd->table : cmd->name;

	return cmd->what == t->what && cmd->family == t->family && name && t->name &&
	       !strcmp(name, t->name) && (t->what == FILE_TABLE || !strcmp(cmd->table, t->table)) &&
	       (t->what != FILE_OBJECT || cmd->obj_type == t->obj_type);
}

static bool takes_it(const struct file_cmd *cmd, const struct thing *t)
{
	bool all = cmd->op == FILE_FLUSH && cmd->what == FILE_RULESET &&
		   (cmd->family == NFPROTO_UNSPEC || cmd->family == t->family);

	return all || ((cmd->op == FILE_DELETE || cmd->op == FILE_DESTROY) && cmd->what == FILE_TABLE &&
			      cmd->family == t->family && cmd->table &&
			      !strcmp(cmd->table, t->what == FILE_TABLE ? t->name : t->table));
}

int file_says(struct load *l, uint32_t i, const struct thing *t)
{
	if (i > file_cmds(l->f))
		i = file_cmds(l->f);
	while (i-- > 0) {
		const struct file_cmd *cmd = file_cmd(l->f, i);

		if (takes_it(cmd, t))
			return 0;
		if (names_it(cmd, t) && (cmd->op == FILE_ADD || cmd->op == FILE_CREATE))
			return 1;
		if (names_it(cmd, t) && (cmd->op == FILE_DELETE || cmd->op == FILE_DESTROY))
			return 0;
	}
	return -1;
}

struct thing thing_of(const struct file_cmd *cmd)
{
	return (struct thing){
		.what = cmd->what,
		.family = cmd->family,
		.obj_type = cmd->obj_type,
		.table = cmd->table,
		.name = cmd->what == FILE_TABLE ? cmd->table : cmd->name,
		.handle = cmd->handle,
	};
}

static int rule_there(struct load *l, const struct file_cmd *cmd)
{
	uint64_t *handles = NULL, *ids = NULL;
	int n = nft_rule_handles(l->c, cmd->family, cmd->table, cmd->name, &handles, &ids, NULL);
	int found = 0;

	for (int i = 0; i < n; i++)
		found |= handles[i] == cmd->handle;
	free(handles);
	free(ids);
	return found;
}

int load_is_there(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e)
{
	struct thing t = thing_of(cmd);
	int r;

	if (know_ask(l) < 0 || cmd->what == FILE_ELEMENTS)
		return err_set(e, -EOPNOTSUPP,
			"this kernel can not destroy elements; `delete` those that "
			"are there");
	if (cmd->what == FILE_RULE && cmd->rule.at == AT_HANDLE)
		return rule_there(l, cmd);
	if (cmd->what == FILE_RULE)
		return 1;
	r = file_says(l, i, &t);
	return r >= 0 ? r : kernel_has(l, &t);
}

/* ---- proposals ---- */

struct pick {
	VEC(char *) names;
};

static const char *pick_at(void *ctx, size_t i)
{
	const struct pick *p = ctx;

	return i < p->names.n ? p->names.v[i] : NULL;
}

void thing_near(struct load *l, const struct thing *t, struct buf *out)
{
	struct pick p = { 0 };
	struct look k = { .names = (void *)&p.names };
	const char *near;

	ask(l, t, &k);
	for (uint32_t i = 0; i < file_cmds(l->f) && p.names.n < NAMES_MAX; i++) {
		const struct file_cmd *cmd = file_cmd(l->f, i);
		struct thing have = thing_of(cmd);
		struct thing same = *t;

		same.name = have.name;
		if ((cmd->op == FILE_ADD || cmd->op == FILE_CREATE) && have.name && names_it(cmd, &same) &&
			strcmp(have.name, t->name) != 0)
			vec_push(&p.names, xstrdup(have.name));
	}
	near = suggest(t->name, pick_at, &p);
	if (near)
		buf_printf(out, "; did you mean '%s'?", near);
	vec_foreach (name, &p.names)
		free(*name);
	vec_free(&p.names);
}
