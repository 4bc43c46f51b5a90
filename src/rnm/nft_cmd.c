// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm nft add rule …`: one command of the command line. Tables of others are changed from here; rnm's own,
 * and what is remembered of disabled rules, are rnmd's where it runs. */
#include "rnm/nft_cmd.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <linux/netfilter.h>

#include "config/config.h"
#include "control/control.h"
#include "nft/kread.h"
#include "nft/load.h"
#include "nft/switch.h"
#include "rnm/paths.h"

struct nft_cmd {
	struct tool *t;
	const char *text;
	struct nft_conn *c;
	struct nft_file *f;
	struct errlist errs;
	bool elsewhere; /* who answers runs in another namespace */
};

/* Where rnmd behind the socket keeps its state, also when it does not run. The caller's. */
static char *memory_dir(const struct tool *t)
{
	const struct config none = { 0 };
	struct config *cfg = NULL;
	bool there = !strcmp(t->socket, DEFAULT_SOCKET) && access(DEFAULT_CONFIG, R_OK) == 0 &&
		     config_load(DEFAULT_CONFIG, &cfg, NULL) == 0;
	char *dir = state_dir(t->socket, there ? cfg : &none);

	config_free(cfg);
	return dir;
}

/* ---- whose table it is ---- */

struct own_tables {
	struct nft_conn *c;
	VEC(struct own_table {
		uint8_t family;
		char *name;
	})
	v;
};

static void on_table(void *ctx, const struct kread_table *t)
{
	struct own_tables *o = ctx;

	if (t->own || kread_mark(o->c, t->family, t->name, NULL) == 1)
		vec_push(&o->v, (struct own_table){ t->family, xstrdup(t->name) });
}

static bool asks(const struct file_cmd *cmd)
{
	return cmd->op == FILE_LIST || cmd->op == FILE_GET || cmd->op == FILE_RESET;
}

const struct file_cmd *nft_changes_own(struct nft_conn *c, const struct nft_file *f)
{
	const struct file_cmd *found = NULL;
	struct own_tables own = { .c = c };

	if (kread_tables(c, NFPROTO_UNSPEC, NULL, on_table, &own, NULL) < 0)
		vec_clear(&own.v); /* told by what follows */
	for (uint32_t i = 0; own.v.n && !found && i < file_cmds(f); i++) {
		const struct file_cmd *cmd = file_cmd(f, i);

		vec_foreach (t, &own.v)
			if (!asks(cmd) && cmd->table && cmd->family == t->family &&
				!strcmp(cmd->table, t->name))
				found = cmd;
	}
	vec_foreach (t, &own.v)
		free(t->name);
	vec_free(&own.v);
	return found;
}

/* ---- through the daemon ---- */

/* 0, 1: it is not to be had, or -errno with the errors. */
static int run_there(struct nft_cmd *k)
{
	_buf_ struct buf line = BUF_INIT, out = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct client *cl;
	struct stat st;
	int rc = client_open(k->t->socket, &cl, &e);

	if (rc < 0)
		return 1;
	buf_puts(&line, "nft ");
	if (stat("/proc/self/ns/net", &st) == 0)
		buf_printf(&line, "--netns %llu:%llu ", (unsigned long long)st.st_dev,
			(unsigned long long)st.st_ino);
	client_escape(k->text, &line);
	rc = ask(cl, buf_str(&line), 0, &out, &e);
	client_close(cl);
	if (rc == 0) {
		put_text(stdout, buf_str(&out), out.n);
		return 0;
	}
	k->elsewhere =
		rc == -EREMOTEIO && !strncmp(err_text(&e), CONTROL_OTHER_NETNS, strlen(CONTROL_OTHER_NETNS));
	if (k->elsewhere)
		return 1;
	if (out.n) { /* the error's further lines */
		struct err all = ERR_INIT;

		err_set(&all, rc, "%s\n%.*s", err_text(&e), (int)out.n - 1, buf_str(&out));
		errlist_add(&k->errs, 0, 0, &all);
	} else {
		errlist_add(&k->errs, 0, 0, &e);
	}
	return rc;
}

/* ---- here ---- */

static int refuse(struct nft_cmd *k, int code, const char *text)
{
	_err_ struct err e = ERR_INIT;

	err_set(&e, code, "rnm: %s", text);
	errlist_add(&k->errs, 0, 0, &e);
	return code;
}

static int switch_here(struct nft_cmd *k)
{
	_autofree_ char *dir = memory_dir(k->t);
	struct switch_opts o = { .state_dir = dir };
	_buf_ struct buf out = BUF_INIT;
	int rc;

	if (k->elsewhere)
		return refuse(k, -EXDEV,
			CONTROL_OTHER_NETNS
			", and remembers the disabled rules of that one: name a socket for this "
			"one with -s");
	if (file_cmd(k->f, 0)->op == FILE_DISABLE && nft_changes_own(k->c, k->f))
		return refuse(k, -EAGAIN,
			"the table is rnm's own, and rnmd does not run: start it, for only it knows which "
			"pack "
			"states the rule");
	rc = nft_switch(k->c, k->f, &o, &out, &k->errs);
	put_text(stdout, buf_str(&out), out.n);
	return rc;
}

static int run(struct nft_cmd *k)
{
	struct load_opts load = { .out = stdout, .resolve = true };
	const struct file_cmd *own;
	int rc = 1;

	if (file_cmds(k->f) && is_switch(file_cmd(k->f, 0))) {
		rc = run_there(k);
		return rc > 0 ? switch_here(k) : rc;
	}
	own = nft_changes_own(k->c, k->f);
	if (own)
		rc = run_there(k);
	if (rc <= 0)
		return rc;
	if (own)
		fprintf(stderr, "rnm: table %s %s is rnm's own, and %s: this lasts until rnmd's next start\n",
			nft_family_name(own->family), own->table,
			k->elsewhere ? CONTROL_OTHER_NETNS : "rnmd does not run");
	return nft_load(k->c, k->f, &load, NULL, &k->errs);
}

int nft_command(struct tool *t, const char *text, size_t n)
{
	static const char *const dirs[] = { "/etc", NULL };
	struct include_dirs include = { .dirs = dirs };
	struct nft_file_opts o = { .ctx = &include, .include = include_from_dirs };
	struct nft_cmd k = { .t = t, .text = text };
	_err_ struct err e = ERR_INIT;
	int rc = -EINVAL;

	k.f = nft_file_parse("command", text, n, &o, &k.errs);
	if (k.f) {
		k.c = nft_conn_new("rnm", &e);
		rc = k.c ? run(&k) : e.code;
	}
	if (k.f && !k.c) {
		err_prefix(&e, "rnm: ");
		errlist_add(&k.errs, 0, 0, &e);
	}
	if (k.c)
		nft_conn_free(k.c);
	if (k.f)
		nft_file_free(k.f);
	return nft_errors(&k.errs, rc);
}
