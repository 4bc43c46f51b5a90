// SPDX-License-Identifier: GPL-2.0-or-later
#include "rnmd/nft.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "nft/console.h"
#include "nft/load.h"
#include "nft/ruleset_disabled.h"
#include "nft/switch.h"

struct call {
	struct daemon *d;
	const struct operator* who;
	struct ruleset *rs;
	struct nft_file *f;
	struct nft_conn *c; /* of its own: the watch is to hear what it does */
	struct buf *out;
	struct errlist errs;
};

/* ---- in tables of others, and asking ---- */

static int load(struct call *k)
{
	struct load_opts o = { 0 };
	char *text = NULL;
	size_t n = 0;
	int rc;

	o.out = open_memstream(&text, &n);
	if (!o.out)
		return -ENOMEM;
	rc = nft_load(k->c, k->f, &o, NULL, &k->errs);
	if (fclose(o.out) != 0 && rc == 0)
		rc = -ENOMEM;
	if (rc == 0)
		buf_put(k->out, text, n);
	free(text);
	return rc;
}

static void own_text(void *ctx, const struct disabled *d, struct buf *out)
{
	engine_disabled_text(((struct call *)ctx)->d->engine, d, out);
}

static int switch_foreign(struct call *k)
{
	struct switch_opts o = { .state_dir = k->d->state_dir, .own = own_text, .ctx = k };

	return nft_switch(k->c, k->f, &o, k->out, &k->errs);
}

/* ---- in own tables ---- */

static int wrong(struct call *k, const struct file_cmd *cmd, int code, const char *text)
{
	_err_ struct err e = ERR_INIT;

	file_error(k->f, cmd, &e, code, "%s", text);
	errlist_add(&k->errs, cmd->file, cmd->pos, &e);
	return code;
}

static int disable_own(struct call *k, const struct file_cmd *cmd)
{
	struct obj *chain = obj_find(k->rs, OBJ_CHAIN, cmd->family, cmd->table, cmd->name);
	_err_ struct err e = ERR_INIT;
	uint64_t handle = cmd->handle;
	int rc =
		chain && obj_in_kernel(chain) ? 0 : err_set(&e, -ENOENT, "there is no chain '%s'", cmd->name);

	if (rc == 0 && cmd->move.at == AT_INDEX)
		rc = ruleset_rule_index(chain, cmd->handle, &handle, &e);
	if (rc == 0)
		rc = engine_disable_rule(k->d->engine, chain, handle, k->out, &e);
	return rc < 0 ? wrong(k, cmd, rc, err_text(&e)) : 0;
}

/* The entry of a pack's rule that is to be enabled or forgotten; 0: it is none. */
static uint64_t own_entry(struct call *k, const struct file_cmd *cmd)
{
	struct disabled_list l = { 0 };
	const struct disabled *d;
	uint64_t id = 0;

	if (disabled_peek(k->d->state_dir, &l, NULL) < 0) /* told by what follows */
		return 0;
	d = cmd->move.at == AT_ID ? disabled_by_id(&l, cmd->handle)
				  : disabled_by_handle(&l, cmd->family, cmd->table, cmd->name, cmd->handle);
	if (d && d->pack && (!cmd->table || disabled_in(d, cmd->family, cmd->table, cmd->name)))
		id = d->id;
	disabled_list_free(&l);
	return id;
}

/* The comment that rnm gave the original says whose that is, not whose the copy is. */
static void without_label(struct call *k, const struct file_cmd *cmd, struct buf *rule)
{
	const struct obj *chain = obj_find(k->rs, OBJ_CHAIN, cmd->family, cmd->table, cmd->name);
	uint64_t handle = cmd->handle;
	const char *label;
	_autofree_ char *end = NULL;

	if (!chain || (cmd->move.at == AT_INDEX && ruleset_rule_index(chain, cmd->handle, &handle, NULL) < 0))
		return;
	label = ruleset_rule_label(chain, handle);
	end = label ? xasprintf(" comment \"%s\"", label) : NULL;
	if (!end || rule->n < strlen(end) || strcmp(rule->s + rule->n - strlen(end), end) != 0)
		return;
	rule->n -= strlen(end);
	rule->s[rule->n] = '\0';
}

/* A copy in an own table is a rule of the console. */
static int clone_into_own(struct call *k, const struct file_cmd *cmd)
{
	const struct rule_switch *m = &cmd->move;
	_buf_ struct buf rule = BUF_INIT, text = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct nft_file *f;
	int rc = -EINVAL;

	if (m->place != AT_NONE || (m->before && !m->to))
		return wrong(k, cmd, -EINVAL,
			"in a chain of rnm's own a copy stands behind the packs' rules, with `before` in "
			"front of "
			"them: handles and indexes say nothing");
	rc = rule_spelled(
		k->c, cmd->family, cmd->table, cmd->name, m->at == AT_INDEX, cmd->handle, &rule, &e);
	if (rc < 0)
		return wrong(k, cmd, rc, err_text(&e));
	without_label(k, cmd, &rule);
	buf_printf(&text, "%s rule %s %s %s %s\n", m->before ? "insert" : "add",
		nft_family_name(m->to_family), m->to_table, m->to_chain, buf_str(&rule));
	f = nft_file_parse("rule", buf_str(&text), text.n, NULL, &k->errs);
	if (!f)
		return -EINVAL;
	rc = engine_nft(k->d->engine, f, k->who, &k->errs);
	nft_file_free(f);
	if (rc == 0)
		buf_printf(k->out, "cloned as a rule of the console: %s\n", buf_str(&rule));
	return rc;
}

static int run_switch(struct call *k, const struct file_cmd *cmd)
{
	_err_ struct err e = ERR_INIT;
	uint64_t id;
	int rc;

	if (cmd->op == FILE_CLONE && ruleset_is_own(k->rs, cmd->move.to_family, cmd->move.to_table))
		return clone_into_own(k, cmd);
	if (cmd->op == FILE_DISABLE && ruleset_is_own(k->rs, cmd->family, cmd->table))
		return disable_own(k, cmd);
	if (cmd->op == FILE_ENABLE || cmd->op == FILE_DELETE) {
		id = own_entry(k, cmd);
		if (!id)
			return switch_foreign(k);
		rc = engine_enable_rule(k->d->engine, id, k->out, &e);
		return rc < 0 ? wrong(k, cmd, rc, err_text(&e)) : 0;
	}
	return switch_foreign(k);
}

/* ---- */

static bool asks(const struct file_cmd *cmd)
{
	return cmd->op == FILE_LIST || cmd->op == FILE_GET || cmd->op == FILE_RESET;
}

static int run(struct call *k)
{
	uint32_t n = file_cmds(k->f), own = 0, foreign = 0;

	if (n == 1 && is_switch(file_cmd(k->f, 0)))
		return run_switch(k, file_cmd(k->f, 0));
	for (uint32_t i = 0; i < n; i++) {
		const struct file_cmd *cmd = file_cmd(k->f, i);

		if (asks(cmd))
			continue;
		if (cmd->table && ruleset_is_own(k->rs, cmd->family, cmd->table))
			own++;
		else
			foreign++;
	}
	if (own && (foreign || own < n))
		return wrong(k, file_cmd(k->f, 0), -EINVAL,
			"what is rnm's own and what is not can not be changed in one go");
	return own ? engine_nft(k->d->engine, k->f, k->who, &k->errs) : load(k);
}

static int check_netns(const char *netns, struct err *e)
{
	_autofree_ char *own = NULL;
	struct stat st;

	if (!netns)
		return 0;
	if (stat("/proc/self/ns/net", &st) < 0)
		return err_set(e, -errno, "/proc/self/ns/net: %s", strerror(errno));
	own = xasprintf("%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	if (strcmp(own, netns) != 0)
		return err_set(e, -EXDEV, CONTROL_OTHER_NETNS);
	return 0;
}

int daemon_nft(struct daemon *d, const struct operator* who, const char *netns, const char *text, size_t n,
	struct buf *out, struct err *e)
{
	struct call k = { .d = d, .who = who, .rs = engine_ruleset(d->engine), .out = out };
	_buf_ struct buf all = BUF_INIT;
	int rc = check_netns(netns, e);

	if (rc < 0)
		return rc;
	k.f = nft_file_parse("command", text, n, NULL, &k.errs);
	rc = k.f ? 0 : -EINVAL;
	if (rc == 0) {
		k.c = nft_conn_new("rnm", e);
		rc = k.c ? run(&k) : e->code;
	}
	if (k.c)
		nft_conn_free(k.c);
	if (k.f)
		nft_file_free(k.f);
	errlist_text(&k.errs, &all);
	if (rc < 0)
		err_set(e, rc, "%s", all.n ? buf_str(&all) : strerror(-rc));
	errlist_free(&k.errs);
	return rc;
}
