// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm nft add rule …`: one command of the command line. */
#include "rnm/nft_cmd.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "nft/load.h"
#include "nft/switch.h"

#define DEFAULT_STATE "/var/lib/rnm"

/* Where rnmd behind this socket keeps its state. The caller's. */
static char *state_dir(const struct tool *t)
{
	struct config *cfg = NULL;
	char *dir;

	if (strcmp(t->socket, DEFAULT_SOCKET) != 0)
		return xasprintf("%s.state", t->socket);
	dir = access(DEFAULT_CONFIG, R_OK) == 0 && config_load(DEFAULT_CONFIG, &cfg, NULL) == 0 &&
			      cfg->state_dir
		      ? xstrdup(cfg->state_dir)
		      : xstrdup(DEFAULT_STATE);
	config_free(cfg);
	return dir;
}

static int run_here(struct tool *t, struct nft_file *f, struct errlist *errs)
{
	struct load_opts load = { .out = stdout, .resolve = true };
	_autofree_ char *dir = NULL;
	struct switch_opts sw = { 0 };
	_buf_ struct buf out = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct nft_conn *c = nft_conn_new("rnm", &e);
	int rc;

	if (!c) {
		rc = e.code;
		err_prefix(&e, "rnm: ");
		errlist_add(errs, 0, 0, &e);
		return rc;
	}
	if (file_cmds(f) && is_switch(file_cmd(f, 0))) {
		dir = state_dir(t);
		sw.state_dir = dir;
		rc = nft_switch(c, f, &sw, &out, errs);
		put_text(stdout, buf_str(&out), out.n);
	} else {
		rc = nft_load(c, f, &load, NULL, errs);
	}
	nft_conn_free(c);
	return rc;
}

int nft_command(struct tool *t, const char *text, size_t n)
{
	static const char *const dirs[] = { "/etc", NULL };
	struct include_dirs include = { .dirs = dirs };
	struct nft_file_opts o = { .ctx = &include, .include = include_from_dirs };
	struct errlist errs = { 0 };
	struct nft_file *f = nft_file_parse("command", text, n, &o, &errs);
	int rc = f ? run_here(t, f, &errs) : -EINVAL;

	if (f)
		nft_file_free(f);
	return nft_errors(&errs, rc);
}
