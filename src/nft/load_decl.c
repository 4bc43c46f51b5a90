// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about tables, chains, sets, objects and flowtables → operations. */
#include <errno.h>
#include <linux/netfilter.h>

#include "nft/load_impl.h"

struct op load_named(const struct load *l, enum op_kind kind, const struct file_cmd *cmd)
{
	return (struct op){
		.kind = kind,
		.family = cmd->family,
		.table = cmd->table,
		.name = cmd->name,
		.excl = cmd->op == FILE_CREATE,
		.destroy = cmd->op == FILE_DESTROY && l->destroys,
		.by_handle = cmd->name ? 0 : cmd->handle,
		.no_mark = true,
	};
}

/* ---- devices ---- */

typedef VEC(const char *) names;

static int devices(const struct load *l, const struct node *list, names *out, struct err *e)
{
	for (const struct node *n = list; n; n = n->next) {
		const struct val *v = NULL;

		if (n->kind == N_PARAM && l->o->param)
			v = l->o->param(l->o->ctx, n->s);
		if (n->kind == N_PARAM && (!v || v->kind != VAL_STRING))
			return err_set(e, -EINVAL, "$%s is not the name of a device", n->s);
		vec_push(out, v ? v->str : n->s);
	}
	return 0;
}

/* ---- chains ---- */

/* The hook at which a chain is bound to devices. */
static bool sees_devices(uint8_t family, uint32_t hook)
{
	return family == NFPROTO_NETDEV || (family == NFPROTO_INET && hook == NF_INET_INGRESS);
}

static int add_chain(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e)
{
	struct op op = load_named(l, OP_ADD_CHAIN, cmd);
	const struct chain_decl *d = cmd->chain;
	names devs = { 0 };
	int r = 0;

	if (d && d->base && !d->devices && sees_devices(cmd->family, d->hook))
		return err_set(e, -EINVAL,
			"a chain at this hook sees nothing without a device: `device \"eth0\"` before the "
			"priority");
	op.chain.policy = -1;
	if (d) {
		op.chain.base = d->base;
		op.chain.hook = d->hook;
		op.chain.priority = d->priority;
		op.chain.flags = d->flags;
		op.chain.comment = d->comment;
		memcpy(op.chain.type, d->type, sizeof(op.chain.type));
		if (d->has_policy)
			op.chain.policy = d->policy;
		r = devices(l, d->devices, &devs, e);
		op.chain.dev = devs.v;
		op.chain.n_dev = devs.n;
		if (d->has_policy && !d->base) { /* of a chain that is there */
			op.kind = OP_MOD_CHAIN;
			op.chain.base = true;
		}
	}
	if (r == 0)
		r = load_op(l, &op, i, e);
	vec_free(&devs);
	return r;
}

/* `delete chain x y { … devices = { a } }`: only these devices. */
static int delete_devices(struct load *l, uint32_t i, const struct file_cmd *cmd, enum op_kind kind,
	const struct node *list, struct err *e)
{
	struct op op = load_named(l, kind, cmd);
	names devs = { 0 };
	int r = devices(l, list, &devs, e);

	for (uint32_t k = 0; r == 0 && k < devs.n; k++) {
		if (kind == OP_DEL_FLOW_DEV)
			op.flow_dev = devs.v[k];
		else
			op.dev = devs.v[k];
		r = load_op(l, &op, i, e);
	}
	vec_free(&devs);
	return r;
}

/* ---- sets ---- */

/* And notes where its message is. */
static int send_set(struct load *l, struct kset *s, const struct op *op, uint32_t i, struct err *e)
{
	const struct msgbuf *m = l->b ? l->b->b : NULL;
	uint32_t pages = m ? m->pages.n : 0;
	size_t at = pages ? vec_last(&m->pages).n : 0;
	int r = load_op(l, op, i, e);

	if (r < 0 || !m || !m->pages.n)
		return r;
	s->sent = l->n_ops > 0;
	s->page = m->pages.n - 1;
	s->at = m->pages.n == pages ? at : 0;
	return 0;
}

static int add_set(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e)
{
	struct ktable *t = know_table(l, cmd->family, cmd->table);
	struct op op = load_named(l, OP_ADD_SET, cmd);
	struct kset *s;
	int r;

	if (!cmd->set) /* only its name: it is there, or it is not */
		return know_set(l, t, cmd->name)
			       ? 0
			       : err_set(e, -ENOENT, "there is no set '%s' in table %s %s", cmd->name,
					 nft_family_name(cmd->family), cmd->table);
	if (cmd->set->auto_merge && !(cmd->set->flags & NFT_SET_INTERVAL))
		return err_set(e, -EINVAL, "auto-merge is for sets with `flags interval`");
	r = know_declare(l, t, cmd, &s, e);
	if (r < 0)
		return r;
	s->want.size = s->want.size ? s->want.size : marks_size(l, cmd);
	if (marks_dynamic(l, cmd))
		s->want.info.flags |= NFT_SET_EVAL;
	op.set = &s->want;
	return send_set(l, s, &op, i, e);
}

/* ---- flowtables ---- */

static int add_flowtable(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e)
{
	struct op op = load_named(l, OP_ADD_FLOWTABLE, cmd);
	const struct flowtable_decl *d = cmd->flow;
	struct flowtable_want w = { 0 };
	names devs = { 0 };
	int r = 0;

	if (d) {
		w = (struct flowtable_want){ .hook = d->hook, .flags = d->flags, .priority = d->priority };
		r = devices(l, d->devices, &devs, e);
		w.dev = devs.v;
		w.n_dev = devs.n;
	}
	op.flow = &w;
	if (r == 0)
		r = load_op(l, &op, i, e);
	vec_free(&devs);
	return r;
}

/* ---- one command ---- */

int load_decl(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e)
{
	struct op op;

	switch ((enum file_what)cmd->what) {
	case FILE_TABLE:
		op = load_named(l, OP_ADD_TABLE, cmd);
		op.name = NULL;
		op.table_want.flags = cmd->decl_table.flags;
		op.table_want.comment = cmd->decl_table.comment;
		if (cmd->op == FILE_CREATE) /* or the kernel refuses it */
			know_gone(l, cmd->family, cmd->table);
		return load_op(l, &op, i, e);
	case FILE_CHAIN: return add_chain(l, i, cmd, e);
	case FILE_SET: return add_set(l, i, cmd, e);
	case FILE_OBJECT:
		op = load_named(l, OP_ADD_OBJ, cmd);
		op.obj = cmd->object;
		return cmd->object ? load_op(l, &op, i, e)
				   : err_set(e, -EINVAL, "the object's properties are missing");
	case FILE_FLOWTABLE: return add_flowtable(l, i, cmd, e);
	default: return err_set(e, -EOPNOTSUPP, "this can not be added");
	}
}

int load_delete(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e)
{
	struct object_want type = { .type = cmd->obj_type };
	struct ktable *t = NULL;
	struct op op;

	if (cmd->what != FILE_TABLE && cmd->table)
		t = know_table(l, cmd->family, cmd->table);
	switch ((enum file_what)cmd->what) {
	case FILE_TABLE:
		op = load_named(l, OP_DEL_TABLE, cmd);
		op.name = NULL;
		op.by_handle = cmd->table ? 0 : cmd->handle;
		if (cmd->table)
			know_gone(l, cmd->family, cmd->table);
		break;
	case FILE_CHAIN:
		if (cmd->chain && cmd->chain->devices)
			return delete_devices(l, i, cmd, OP_DEL_CHAIN_DEV, cmd->chain->devices, e);
		op = load_named(l, OP_DEL_CHAIN, cmd);
		if (cmd->name)
			rules_flushed(l, t, cmd->name);
		break;
	case FILE_SET:
		op = load_named(l, OP_DEL_SET, cmd);
		if (cmd->name)
			know_set_gone(l, t, cmd->name);
		break;
	case FILE_OBJECT:
		op = load_named(l, OP_DEL_OBJ, cmd);
		op.obj = &type;
		break;
	case FILE_FLOWTABLE:
		if (cmd->flow && cmd->flow->devices)
			return delete_devices(l, i, cmd, OP_DEL_FLOW_DEV, cmd->flow->devices, e);
		op = load_named(l, OP_DEL_FLOWTABLE, cmd);
		break;
	default: return err_set(e, -EOPNOTSUPP, "this can not be deleted");
	}
	return load_op(l, &op, i, e);
}

int load_flush(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e)
{
	struct op op = load_named(l, OP_FLUSH_RULES, cmd);
	struct ktable *t = cmd->table ? know_table(l, cmd->family, cmd->table) : NULL;
	struct kset *s;

	switch ((enum file_what)cmd->what) {
	case FILE_RULESET:
		op.kind = OP_FLUSH_RULESET;
		know_gone(l, cmd->family, NULL);
		break;
	case FILE_TABLE:
		op.name = NULL;
		rules_flushed(l, t, NULL);
		break;
	case FILE_CHAIN: rules_flushed(l, t, cmd->name); break;
	case FILE_SET:
		op.kind = OP_FLUSH_SET;
		s = know_set(l, t, cmd->name);
		if (s) {
			present_clear(&s->present);
			s->counted = true;
		}
		break;
	default: return err_set(e, -EOPNOTSUPP, "this can not be flushed");
	}
	return load_op(l, &op, i, e);
}

/* ---- rename ---- */

static void on_chain(void *ctx, const struct kread_chain *c)
{
	uint64_t *handle = ctx;

	*handle = c->handle;
}

int load_rename(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e)
{
	struct op op = load_named(l, OP_RENAME_CHAIN, cmd);
	uint64_t handle = 0;
	int r = know_ask(l);

	/* The kernel takes the chain by its handle, and one that this file adds has none yet. */
	if (r == 0)
		r = kread_chains(l->c, cmd->family, cmd->table, cmd->name, on_chain, &handle, NULL);
	if (r < 0 || !handle)
		return err_set(e, r < 0 ? r : -ENOENT, "the kernel holds no chain '%s' in table %s %s",
			cmd->name, nft_family_name(cmd->family), cmd->table);
	op.name = cmd->to;
	op.by_handle = handle;
	return load_op(l, &op, i, e);
}
