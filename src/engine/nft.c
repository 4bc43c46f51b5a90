// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands of nft's language about own tables: what they add the console states, and they take back only what
 * the console stated. */
#include <errno.h>
#include <string.h>

#include "engine/core.h"
#include "nft/console.h"

struct call {
	struct engine *en;
	struct nft_file *f;
	const struct operator* who;
	struct errlist *errs;
};

static int wrong(struct call *k, const struct file_cmd *cmd, int code, const char *text)
{
	_err_ struct err e = ERR_INIT;

	file_error(k->f, cmd, &e, code, "%s", text);
	errlist_add(k->errs, cmd->file, cmd->pos, &e);
	return code;
}

static bool states(const struct file_cmd *cmd)
{
	bool elements = cmd->what == FILE_ELEMENTS && (cmd->op == FILE_DELETE || cmd->op == FILE_DESTROY);

	return cmd->op == FILE_ADD || cmd->op == FILE_INSERT || cmd->op == FILE_CREATE || elements;
}

/* The text itself declares it before. */
static bool declared(const struct call *k, const struct file_cmd *cmd, uint32_t i)
{
	uint8_t what = cmd->what == FILE_RULE ? FILE_CHAIN : FILE_SET;

	while (i-- > 0) {
		const struct file_cmd *c = file_cmd(k->f, i);

		if (c->what == what && c->family == cmd->family && !strcmp(c->table, cmd->table) &&
			!strcmp(c->name, cmd->name))
			return true;
	}
	return false;
}

/* A policy may name what comes later; who types a command means what is there. */
static int check_names(struct call *k, const struct file_cmd *cmd, uint32_t i)
{
	bool part = cmd->what == FILE_RULE || cmd->what == FILE_ELEMENTS,
	     there = console_names(k->en->rs, cmd);
	_autofree_ char *text = NULL;

	if (part && !there && !declared(k, cmd, i)) {
		text = xasprintf("nobody states a %s '%s' in table %s %s",
			cmd->what == FILE_RULE ? "chain" : "set", cmd->name, nft_family_name(cmd->family),
			cmd->table);
		return wrong(k, cmd, -ENOENT, text);
	}
	if (cmd->op == FILE_CREATE && !part && there)
		return wrong(k, cmd, -EEXIST, "it is stated already");
	return 0;
}

static int run_statements(struct call *k, uint32_t n)
{
	const struct src *src = file_src(k->f, 0);
	struct eval_request rq = { .code = src->text, .n = src->len, .who = *k->who };
	int rc = 0;

	for (uint32_t i = 0; i < n && rc == 0; i++)
		rc = check_names(k, file_cmd(k->f, i), i);
	return rc < 0 ? rc : script_nft(k->en->script, &rq, k->errs);
}

static int replace(struct call *k, const struct file_cmd *cmd, struct err *e)
{
	struct ast_rule *ast = NULL;
	int rc = file_rule(k->f, cmd, &ast, e);

	if (rc == 0)
		rc = console_replace(k->en->rs, script_rpack(k->en->script, "console"), cmd, ast, e);
	ast_put(ast);
	return rc;
}

static int run_one(struct call *k, const struct file_cmd *cmd)
{
	_err_ struct err e = ERR_INIT;
	int rc;

	switch ((enum file_op)cmd->op) {
	case FILE_REPLACE: rc = replace(k, cmd, &e); break;
	case FILE_DELETE:
	case FILE_DESTROY:
	case FILE_FLUSH:
		rc = console_withdraw(k->en->rs, script_rpack(k->en->script, "console"), cmd, &e);
		break;
	default:
		rc = err_set(&e, -EOPNOTSUPP, "in a table of rnm's own this is a matter of the packs");
		break;
	}
	if (rc < 0 && strchr(err_text(&e), '\n')) { /* with its place */
		errlist_add(k->errs, cmd->file, cmd->pos, &e);
		return rc;
	}
	return rc < 0 ? wrong(k, cmd, rc, err_text(&e)) : 0;
}

static int run(struct call *k)
{
	uint32_t n = file_cmds(k->f), stated = 0;

	for (uint32_t i = 0; i < n; i++)
		stated += states(file_cmd(k->f, i));
	if (stated == n)
		return run_statements(k, n);
	if (n > 1)
		return wrong(k, file_cmd(k->f, 1), -EINVAL,
			"in tables of rnm's own: several commands in one go only where all of them add");
	return run_one(k, file_cmd(k->f, 0));
}

static void event_of(const struct nft_file *f, struct buf *out)
{
	buf_visible(out, file_src(f, 0)->text, strcspn(file_src(f, 0)->text, "\n"));
}

int engine_nft(struct engine *en, struct nft_file *f, const struct operator* who, struct errlist *errs)
{
	struct call k = { en, f, who, errs };
	_buf_ struct buf event = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	int rc;

	if (!file_cmds(f))
		return 0;
	rc = kernel_check(en, &e);
	if (rc == 0) {
		event_of(f, &event);
		txn_begin(en, ORIGIN_NFT, buf_str(&event));
		rc = run(&k);
		if (rc < 0)
			txn_abort(en);
		else
			rc = txn_end(en, true, &e);
	}
	if (rc < 0 && !errs->n)
		errlist_add(errs, 0, 0, &e);
	return rc;
}
