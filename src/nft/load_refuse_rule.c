// SPDX-License-Identifier: GPL-2.0-or-later
/* Why the kernel did not take a rule. Where all that it names is there, its expressions are tried one by one
 * in a table that never comes to be: a batch without an end. */
#include <errno.h>
#include <stdio.h>

#include <libnftnl/expr.h>

#include "nft/load_refuse.h"

#define PROBES_MAX 64
#define PROBE_TAB  "rnm.probe"

static bool names_missing(struct refusal *f, const struct code *code)
{
	vec_foreach (r, &code->refs) {
		struct thing t = {
			.family = f->cmd->family,
			.obj_type = r->obj_type,
			.table = f->cmd->table,
			.name = r->name,
		};

		switch (r->kind) {
		case REF_CHAIN: t.what = FILE_CHAIN; break;
		case REF_SET: t.what = FILE_SET; break;
		case REF_OBJECT: t.what = FILE_OBJECT; break;
		case REF_FLOWTABLE: t.what = FILE_FLOWTABLE; break;
		default: continue;
		}
		if (refusal_missing(f, &t))
			return true;
	}
	return false;
}

/* ---- the chain ---- */

struct chain_known {
	bool base;
	struct chain_want want;
	char dev[64];
	const char *devs[1];
};

static void known_device(struct chain_known *k, const char *dev)
{
	snprintf(k->dev, sizeof(k->dev), "%s", dev);
	k->devs[0] = k->dev;
	k->want.dev = k->devs;
	k->want.n_dev = 1;
}

static void on_chain(void *ctx, const struct kread_chain *c)
{
	struct chain_known *k = ctx;

	k->base = c->want.base;
	k->want = c->want;
	k->want.comment = NULL;
	k->want.dev = NULL;
	k->want.n_dev = 0;
	if (c->want.n_dev)
		known_device(k, c->want.dev[0]);
}

static void know_chain(struct refusal *f, struct chain_known *k)
{
	struct thing t = thing_of(f->cmd);
	const struct file_cmd *cmd;

	t.what = FILE_CHAIN;
	cmd = refusal_adds(f, &t);
	if (!cmd) {
		kread_chains(f->l->c, t.family, t.table, t.name, on_chain, k, NULL);
		return;
	}
	if (!cmd->chain || !cmd->chain->base)
		return;
	k->base = k->want.base = true;
	k->want.hook = cmd->chain->hook;
	k->want.priority = cmd->chain->priority;
	k->want.policy = -1;
	memcpy(k->want.type, cmd->chain->type, sizeof(k->want.type));
	if (cmd->chain->devices && cmd->chain->devices->s)
		known_device(k, cmd->chain->devices->s);
}

/* ---- expressions without the rest ---- */

static bool stands_alone(const char *name)
{
	return strcmp(name, "lookup") != 0 && strcmp(name, "dynset") != 0 && strcmp(name, "objref") != 0 &&
	       strcmp(name, "flow_offload") != 0;
}

/* Whether a rule of these expressions is refused, and how. */
static int try(struct refusal *f, const struct chain_known *k, struct nftnl_expr **x, uint32_t n)
{
	struct code some = { .exprs = { x, n, n } };
	struct op ops[3] = {
		{ .kind = OP_ADD_TABLE, .table = PROBE_TAB, .no_mark = true },
		{ .kind = OP_ADD_CHAIN, .table = PROBE_TAB, .name = "c" },
		{ .kind = OP_ADD_RULE, .table = PROBE_TAB, .name = "c", .no_mark = true },
	};
	struct plan p = { .ops = { ops, 3, 3 } };
	struct commit_result r;
	_err_ struct err e = ERR_INIT;
	int code;

	for (unsigned i = 0; i < 3; i++)
		ops[i].family = f->cmd->family;
	ops[1].chain = k->want;
	ops[2].rule.code = &some;
	code = nft_commit(f->l->c, &p, true, &r, &e);
	if (code == -EBADMSG && !r.op_err[0] && !r.op_err[1])
		code = r.op_err[2];
	else
		code = 0;
	commit_result_free(&r);
	return code;
}

/* nft's words for expressions that are called otherwise. */
static const char *word_of(const char *name)
{
	static const char *const words[][2] = { { "masq", "masquerade" }, { "redir", "redirect" },
		{ "xfrm", "ipsec" }, { "connlimit", "ct count" } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(name, words[i][0]))
			return words[i][1];
	return name;
}

/* The first expression with which a rule is refused; those before it fill its registers. NULL: none. */
static const char *culprit(struct refusal *f, const struct code *code, const struct chain_known *k)
{
	VEC(struct nftnl_expr *) some = { 0 };
	const char *found = NULL;

	vec_foreach (x, &code->exprs) {
		const char *name = nftnl_expr_get_str(*x, NFTNL_EXPR_NAME);

		if (!stands_alone(name))
			continue;
		if (f->probes >= PROBES_MAX)
			break;
		f->probes++;
		vec_push(&some, *x);
		if (try(f, k, some.v, some.n) == f->code) {
			found = word_of(name);
			break;
		}
	}
	vec_free(&some);
	return found;
}

/* The kernel validates all of a table again with each of its rules: it blames those behind the bad one, too.
 */
static bool validated(const struct refusal *f)
{
	return f->code == -EOPNOTSUPP || f->code == -ELOOP || f->code == -EMLINK;
}

static void say(struct refusal *f, const struct code *code)
{
	struct chain_known k = { .want = { .policy = -1 } };
	const char *name, *family = nft_family_name(f->cmd->family);
	bool again;

	if (f->code == -ENOENT) {
		name = culprit(f, code, &k);
		if (name)
			buf_printf(&f->text, "this kernel lacks the expression '%s' for family %s", name,
				family);
		return;
	}
	know_chain(f, &k);
	name = culprit(f, code, &k);
	again = validated(f) && refusal_again(f);
	if (!name && again) {
		f->follows = true;
		return;
	}
	if ((f->code == -EMLINK || f->code == -ELOOP) && !load_graph_ok(f->l))
		f->follows = true;
	else if (f->code == -EMLINK || f->code == -ELOOP)
		buf_puts(&f->text, "the jumps go in a circle, or through more than 16 chains");
	else if (!name && f->code != -EOPNOTSUPP)
		return;
	else if (k.base)
		buf_printf(&f->text, "%s%s%s can not be done in chain '%s' of type %s at hook %s%s",
			name ? "'" : "", name ? name : "this", name ? "'" : "", f->cmd->name, k.want.type,
			nft_hook_name(f->cmd->family, k.want.hook),
			f->code == -EINVAL ? ", or not with these values" : "");
	else if (name)
		buf_printf(&f->text, "this kernel does not take the expression '%s' like this: %s", name,
			strerror(-f->code));
	else
		buf_puts(&f->text, "this can not be done at the hooks from which the chain is reached");
}

void refusal_rule(struct refusal *f)
{
	struct ast_rule *ast = NULL;
	struct code *code = NULL;
	_err_ struct err e = ERR_INIT;

	f->l->table = know_table(f->l, f->cmd->family, f->cmd->table);
	f->l->env.family = f->cmd->family;
	if (file_rule(f->l->f, f->cmd, &ast, &e) < 0)
		return;
	if (rule_compile(ast, &f->l->env, &code, &e) == 0 && !names_missing(f, code))
		say(f, code);
	code_free(code);
	ast_put(ast);
}
