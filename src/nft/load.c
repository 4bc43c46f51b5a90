// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands of a file, one after the other, into one batch. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter.h>

#include "base/clock.h"
#include "base/text.h"
#include "nft/datatype.h"
#include "nft/load_impl.h"
#include "nft/switch.h"

#define TRIES 20 /* while somebody else changes the ruleset */

int load_op(struct load *l, const struct op *op, uint32_t i, struct err *e)
{
	/* after an error only more errors are looked for */
	if (l->errs->n)
		return 0;
	l->n_ops++;
	return l->sink(l, op, i, e);
}

int load_no_set(struct load *l, const struct file_cmd *cmd, struct err *e)
{
	struct thing t = { .what = FILE_TABLE, .family = cmd->family, .name = cmd->table };
	const char *family = nft_family_name(cmd->family), *near = NULL;
	_buf_ struct buf more = BUF_INIT;

	if (l->errs->n < ERRLIST_MAX) { /* what is only counted needs no proposals */
		if (l->c && file_says(l, UINT32_MAX, &t) < 0 && !kernel_has(l, &t)) {
			thing_near(l, &t, &more);
			return err_set(e, -ENOENT, "there is no table '%s' of family %s%s", cmd->table,
				family, buf_str(&more));
		}
		near = suggest(cmd->name, know_set_at, l);
	}
	if (near)
		return err_set(e, -ENOENT, "there is no set '%s' in table %s %s; did you mean '%s'?",
			cmd->name, family, cmd->table, near);
	return err_set(e, -ENOENT, "there is no set '%s' in table %s %s", cmd->name, family, cmd->table);
}

/* ---- what rules ask for ---- */

static const struct set_info *env_set(void *ctx, const char *name)
{
	struct load *l = ctx;
	struct kset *s = l->table ? know_set(l, l->table, name) : NULL;

	return s ? &s->want.info : NULL;
}

static const struct val *env_param(void *ctx, const char *name)
{
	struct load *l = ctx;

	return l->o->param ? l->o->param(l->o->ctx, name) : NULL;
}

/* As nft: a name stands for one address. */
static int env_resolve(void *ctx, int family, const char *name, uint8_t out[16], struct err *e)
{
	const struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_RAW };
	struct addrinfo *ai = NULL;
	const void *addr;
	int code = getaddrinfo(name, NULL, &hints, &ai);
	bool more;

	(void)ctx;
	if (code)
		return err_set(e, -EINVAL, "host name '%s': %s", SHOWN(name), gai_strerror(code));
	more = ai->ai_next;
	addr = family == AF_INET ? (void *)&((struct sockaddr_in *)(void *)ai->ai_addr)->sin_addr
				 : (void *)&((struct sockaddr_in6 *)(void *)ai->ai_addr)->sin6_addr;
	memcpy(out, addr, family == AF_INET ? 4 : 16);
	freeaddrinfo(ai);
	return more ? err_set(e, -EINVAL, "host name '%s' has several addresses", SHOWN(name)) : 0;
}

void load_begin(struct load *l, int (*sink)(struct load *l, const struct op *op, uint32_t i, struct err *e))
{
	l->sink = sink;
	l->n_ops = 0;
	l->asked = l->jumps = false;
	memset(l->flushed, 0, sizeof(l->flushed));
	l->env = (struct rule_env){
		.ctx = l,
		.hook = -1,
		.set = env_set,
		.set_at = know_set_at,
		.param = env_param,
		.resolve = l->o->resolve ? env_resolve : NULL,
		.no_hash = true,
	};
	rules_mark(l);
	marks_read(l);
}

void load_end(struct load *l)
{
	know_free(l);
	if (!l->text)
		marks_free(l);
}

/* ---- one command ---- */

static int run(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e)
{
	if (is_switch(cmd))
		return err_set(e, -EINVAL, "this is a command of its own: a file can not have it");
	switch ((enum file_op)cmd->op) {
	case FILE_LIST:
	case FILE_GET:
	case FILE_RESET: return l->text ? 0 : load_show(l, i, cmd, e);
	case FILE_FLUSH: return load_flush(l, i, cmd, e);
	case FILE_RENAME: return load_rename(l, i, cmd, e);
	default: break;
	}
	if (cmd->op == FILE_DESTROY && !l->destroys) {
		int r = load_is_there(l, i, cmd, e);

		if (r <= 0)
			return r;
	}
	if (cmd->what == FILE_RULE)
		return load_rule(l, i, cmd, e);
	if (cmd->what == FILE_ELEMENTS)
		return load_elems(l, i, cmd, e);
	if (cmd->op == FILE_DELETE || cmd->op == FILE_DESTROY)
		return load_delete(l, i, cmd, e);
	return load_decl(l, i, cmd, e);
}

/* Errors of the compiler have their place already. */
static void note(struct load *l, const struct file_cmd *cmd, int code, struct err *e)
{
	_err_ struct err placed = ERR_INIT;

	if (!e->code)
		return;
	if (strstr(err_text(e), "\n")) {
		errlist_add(l->errs, cmd->file, cmd->pos, e);
		return;
	}
	file_error(l->f, cmd, &placed, code, "%s", err_text(e));
	errlist_add(l->errs, cmd->file, cmd->pos, &placed);
}

void load_run(struct load *l)
{
	uint32_t n = file_cmds(l->f);

	for (uint32_t i = 0; i < n; i++) {
		const struct file_cmd *cmd = file_cmd(l->f, i);
		_err_ struct err e = ERR_INIT;
		int r = run(l, i, cmd, &e);

		if (r < 0)
			note(l, cmd, r, &e);
	}
}

/* ---- the batch ---- */

/* Of the whole, not of a command. */
static int whole(struct load *l, int code, struct err *e)
{
	errlist_add(l->errs, 0, 0, e);
	return code;
}

static int commit(struct load *l)
{
	struct commit_result r;
	_err_ struct err e = ERR_INIT;
	int code;

	if (!l->n_ops)
		return 0;
	code = nft_stream_send(l->c, l->b, l->o->check, file_cmds(l->f), &r, &e);
	l->stats.send_ns = r.send_ns;
	l->stats.bytes = r.bytes;
	l->stats.messages = r.messages;
	if (code == -EBADMSG) {
		load_refused(l, &r);
		if (!l->errs->n)
			whole(l, code, &e);
	} else if ((code == 0 && l->o->check) || code == -ELOOP || code == -EMLINK) {
		if (l->jumps && !load_graph_ok(l))
			code = -EMLINK;
		else if (code < 0)
			whole(l, code, &e);
	} else if (code < 0 && code != -ERESTART) {
		whole(l, code, &e);
	}
	commit_result_free(&r);
	return code;
}

static bool any_destroy(const struct nft_file *f)
{
	for (uint32_t i = 0; i < file_cmds(f); i++)
		if (file_cmd(f, i)->op == FILE_DESTROY)
			return true;
	return false;
}

static int send_op(struct load *l, const struct op *op, uint32_t i, struct err *e)
{
	return nft_stream_op(l->b, op, i, e);
}

static int attempt(struct load *l)
{
	uint64_t start = mono_ns();
	_err_ struct err e = ERR_INIT;
	int code = 0;

	nft_conn_expect(l->c, 0);
	buf_clear(&l->shown);
	l->b = nft_stream_begin(l->c, &e);
	if (!l->b)
		return whole(l, e.code, &e);
	load_begin(l, send_op);
	load_run(l);
	l->stats.build_ns = mono_ns() - start;
	code = l->errs->n ? -EINVAL : commit(l);
	load_end(l);
	return code;
}

static void show(struct load *l)
{
	if (l->o->out && l->shown.n)
		fwrite(l->shown.s, 1, l->shown.n, l->o->out);
}

int nft_load(struct nft_conn *c, struct nft_file *f, const struct load_opts *o, struct load_stats *stats,
	struct errlist *errs)
{
	struct load l = { .c = c, .f = f, .o = o, .errs = errs, .destroys = true };
	int code = -ERESTART;

	if (any_destroy(f))
		l.destroys = nft_destroys(c);
	for (unsigned i = 0; i < TRIES && code == -ERESTART; i++)
		code = attempt(&l);
	if (code == -ERESTART) {
		_err_ struct err e = ERR_INIT;

		err_set(&e, code, "others change the ruleset all the time: given up after %d tries", TRIES);
		whole(&l, code, &e);
	}
	nft_conn_expect(c, 0);
	show(&l);
	buf_free(&l.shown);
	vec_foreach (r, &l.resets)
		free(r->text);
	vec_free(&l.resets);
	if (stats)
		*stats = l.stats;
	return code;
}
