// SPDX-License-Identifier: GPL-2.0-or-later
/* clone, disable, enable. What becomes of the kernel is said as a command of nft's language and run like any
 * other. A disabled rule is on the disk before the kernel loses it, and leaves the disk after the kernel has
 * it again. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <linux/netfilter.h>

#include "nft/batch_impl.h"
#include "nft/decompile.h"
#include "nft/load.h"
#include "nft/switch_impl.h"

struct sw {
	struct nft_conn *c;
	const struct nft_file *f;
	const struct file_cmd *cmd;
	const struct switch_opts *o;
	struct buf *out;
	struct errlist *errs;
	struct disabled_file *file;
};

bool is_switch(const struct file_cmd *cmd)
{
	return cmd->what == FILE_SWITCH || cmd->what == FILE_DISABLED;
}

static int wrong(struct sw *s, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* An error of the command, at what it names. */
static int wrong(struct sw *s, int code, const char *fmt, ...)
{
	_autofree_ char *text = NULL;
	_err_ struct err e = ERR_INIT;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	file_error(s->f, s->cmd, &e, code, "%s", text);
	errlist_add(s->errs, s->cmd->file, s->cmd->pos, &e);
	return code;
}

/* Of the files below: no place of the command's. */
static int as_it_is(struct sw *s, int code, struct err *e)
{
	errlist_add(s->errs, 0, 0, e);
	return code;
}

static int no_chain(
	struct sw *s, int code, const char *chain, const char *table, uint8_t family, struct err *e)
{
	if (code == -ENOENT)
		return wrong(s, code, "there is no chain '%s' in table %s %s", chain, nft_family_name(family),
			table);
	return as_it_is(s, code, e);
}

static void rule_name(uint8_t family, const char *table, const char *chain, struct buf *out)
{
	buf_printf(out, "%s ", nft_family_name(family));
	buf_visible(out, table, strlen(table));
	buf_putc(out, ' ');
	buf_visible(out, chain, strlen(chain));
}

/* ---- a command of nft's language ---- */

/* What is to be run names this chain and is one command, whatever the texts are that it was made of. */
static bool says_only(
	const struct nft_file *f, enum file_op op, uint8_t family, const char *table, const char *chain)
{
	const struct file_cmd *c = file_cmds(f) == 1 ? file_cmd(f, 0) : NULL;

	return c && c->op == op && c->what == FILE_RULE && c->family == family && !strcmp(c->table, table) &&
	       !strcmp(c->name, chain);
}

struct command {
	enum file_op op;
	uint8_t family;
	const char *table, *chain, *text;
	struct rule_place at;
	uint64_t index; /* in place of at.handle */
	bool by_index;
	const uint8_t *udata;
	size_t n_udata;
};

static int run_command(struct sw *s, const struct command *k)
{
	static const char *const words[] = {
		[FILE_ADD] = "add", [FILE_INSERT] = "insert", [FILE_DELETE] = "delete"
	};
	struct load_opts o = { .udata = k->udata, .n_udata = k->n_udata };
	_buf_ struct buf text = BUF_INIT;
	struct nft_file *f;
	int rc = -EINVAL;

	buf_printf(&text, "%s rule %s %s %s", words[k->op], nft_family_name(k->family), k->table, k->chain);
	if (k->by_index)
		buf_printf(&text, " index %llu", (unsigned long long)k->index);
	else if (k->at.handle)
		buf_printf(&text, " handle %llu", (unsigned long long)k->at.handle);
	if (k->text)
		buf_printf(&text, " %s", k->text);
	buf_putc(&text, '\n');
	f = nft_file_parse("rule", buf_str(&text), text.n, NULL, s->errs);
	if (f && says_only(f, k->op, k->family, k->table, k->chain))
		rc = nft_load(s->c, f, &o, NULL, s->errs);
	else if (!s->errs->n)
		rc = wrong(s, -EINVAL, "what is remembered is no rule: %s", k->text ? k->text : k->chain);
	if (f)
		nft_file_free(f);
	return rc;
}

static void place_command(struct command *k, const struct rule_place *at)
{
	k->op = at->before ? FILE_INSERT : FILE_ADD;
	k->at = *at;
}

/* ---- one rule of the kernel's ---- */

struct one {
	uint64_t handle;
	uint32_t index;
	bool found, spelled;
	struct buf *text, *udata;
};

static bool is_one(void *ctx, uint32_t index, uint64_t handle)
{
	(void)index;
	return handle == ((const struct one *)ctx)->handle;
}

static void put_udata_without_mark(const uint8_t *p, size_t n, struct buf *out)
{
	while (n >= 2 && n - 2 >= p[1]) {
		size_t len = 2u + p[1];

		if (p[0] != RNM_TLV)
			buf_put(out, p, len);
		p += len;
		n -= len;
	}
	buf_put(out, p, n);
}

static void on_one(void *ctx, const struct kernel_rule *r)
{
	struct one *one = ctx;

	if (r->handle != one->handle)
		return;
	one->found = true;
	one->spelled = r->spelled;
	one->index = r->index;
	if (r->text)
		buf_puts(one->text, r->text);
	if (r->udata)
		put_udata_without_mark(r->udata, r->n_udata, one->udata);
}

static int read_one(struct nft_conn *c, uint8_t family, const char *table, const char *chain, bool stateless,
	struct one *one, struct err *e)
{
	int rc = kernel_rules(c, family, table, chain, stateless, is_one, on_one, one, e);

	if (rc < 0)
		return rc;
	if (!one->found)
		return err_set(e, -ENOENT, "chain '%s' has no rule with handle %llu", chain,
			(unsigned long long)one->handle);
	if (!one->spelled)
		return err_set(e, -EOPNOTSUPP,
			"nothing in nft's language says what this rule does, so it would not come back as it "
			"is: %s",
			buf_str(one->text));
	return 0;
}

int rule_spelled(struct nft_conn *c, uint8_t family, const char *table, const char *chain, bool by_index,
	uint64_t n, struct buf *text, struct err *e)
{
	_buf_ struct buf udata = BUF_INIT;
	struct one one = { .handle = n, .text = text, .udata = &udata };
	struct chain_now now;
	int rc = by_index ? chain_look(c, family, table, chain, &now, e) : 0;

	if (rc == 0 && by_index && n >= now.n)
		rc = err_set(e, -ENOENT, "index %llu: the chain has %u rules, counted from 0",
			(unsigned long long)n, now.n);
	else if (rc == 0 && by_index)
		one.handle = now.handle[n];
	if (by_index)
		chain_free(&now);
	return rc < 0 ? rc : read_one(c, family, table, chain, true, &one, e);
}

/* The handle of the rule that the command names in its chain. */
static int named_handle(struct sw *s, const struct chain_now *k, uint64_t *handle)
{
	const struct file_cmd *cmd = s->cmd;

	*handle = cmd->handle;
	if (cmd->move.at == AT_INDEX && cmd->handle < k->n)
		*handle = k->handle[cmd->handle];
	else if (cmd->move.at == AT_INDEX)
		return wrong(s, -ENOENT, "index %llu: the chain has %u rules, counted from 0",
			(unsigned long long)cmd->handle, k->n);
	if (chain_at(k, *handle) == UINT32_MAX)
		return wrong(s, -ENOENT, "chain '%s' has no rule with handle %llu", cmd->name,
			(unsigned long long)*handle);
	return 0;
}

/* Where the newest rule of the chain stands, for people. */
static uint64_t tell_newest(struct sw *s, const char *done, uint8_t family, const char *table,
	const char *chain, const char *more)
{
	struct chain_now k;
	_err_ struct err e = ERR_INIT;
	uint64_t top = 0;

	if (chain_look(s->c, family, table, chain, &k, &e) == 0) {
		top = chain_top(&k);
		buf_puts(s->out, done);
		rule_name(family, table, chain, s->out);
		buf_printf(s->out, " handle %llu, index %u of %u%s\n", (unsigned long long)top,
			chain_at(&k, top), k.n, more);
	}
	chain_free(&k);
	return top;
}

/* ---- clone ---- */

static int clone_rule(struct sw *s)
{
	const struct file_cmd *cmd = s->cmd;
	const struct rule_switch *m = &cmd->move;
	_buf_ struct buf text = BUF_INIT, udata = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct one one = { .text = &text, .udata = &udata };
	struct command k = { .family = m->to_family, .table = m->to_table, .chain = m->to_chain };
	struct rule_place at = { .handle = m->place == AT_HANDLE ? m->place_n : 0, .before = m->before };
	struct chain_now now;
	int rc = chain_look(s->c, cmd->family, cmd->table, cmd->name, &now, &e);

	if (rc == 0)
		rc = named_handle(s, &now, &one.handle);
	else
		rc = no_chain(s, rc, cmd->name, cmd->table, cmd->family, &e);
	chain_free(&now);
	if (rc < 0)
		return rc;
	rc = read_one(s->c, cmd->family, cmd->table, cmd->name, true, &one, &e);
	if (rc < 0)
		return wrong(s, rc, "%s", err_text(&e));
	if (m->place == AT_NONE && !m->to)
		at.handle = one.handle;
	place_command(&k, &at);
	k.by_index = m->place == AT_INDEX;
	k.index = m->place_n;
	k.text = buf_str(&text);
	k.udata = (const uint8_t *)buf_str(&udata);
	k.n_udata = udata.n;
	rc = run_command(s, &k);
	if (rc == 0)
		tell_newest(s, "cloned: ", k.family, k.table, k.chain, "");
	return rc;
}

/* ---- disable ---- */

static int save(struct sw *s)
{
	_err_ struct err e = ERR_INIT;
	int rc = disabled_save(s->file, &e);

	return rc < 0 ? as_it_is(s, rc, &e) : 0;
}

/* The list as it was before, after the kernel refused. */
static void take_back(struct sw *s, struct buf *was)
{
	struct disabled_list *l = disabled_list(s->file);

	disabled_list_free(l);
	disabled_parse(buf_str(was), was->n, l, NULL);
	save(s);
}

static int disable_at(struct sw *s, struct chain_now *now, uint64_t handle)
{
	const struct file_cmd *cmd = s->cmd;
	struct disabled_list *l = disabled_list(s->file);
	_buf_ struct buf text = BUF_INIT, udata = BUF_INIT, was = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct one one = { .handle = handle, .text = &text, .udata = &udata };
	struct command k = { .op = FILE_DELETE,
		.family = cmd->family,
		.table = cmd->table,
		.chain = cmd->name,
		.at.handle = handle };
	struct disabled d = { .family = cmd->family, .since = (uint64_t)time(NULL), .state = DISABLED_GOING };
	uint64_t id;
	int rc = read_one(s->c, cmd->family, cmd->table, cmd->name, false, &one, &e);

	if (rc == 0)
		rc = place_note(now, l, chain_at(now, handle), &d, &e);
	if (rc < 0)
		return wrong(s, rc, "%s", err_text(&e));
	disabled_print(l, &was);
	d.table = xstrdup(cmd->table);
	d.chain = xstrdup(cmd->name);
	d.text = xstrdup(buf_str(&text));
	d.udata = xmemdup(buf_str(&udata), udata.n + 1);
	d.n_udata = udata.n;
	rc = disabled_add(l, &d, &e);
	if (rc < 0) {
		disabled_free(&d);
		return wrong(s, rc, "%s", err_text(&e));
	}
	id = d.id;
	rc = save(s);
	if (rc < 0)
		return rc;
	rc = run_command(s, &k);
	if (rc < 0) {
		take_back(s, &was);
		return rc;
	}
	disabled_by_id(l, id)->state = DISABLED_OFF;
	disabled_went(l, disabled_by_id(l, id));
	buf_printf(s->out, "disabled: %s\n    to enable it: enable rule id %llu\n", buf_str(&text),
		(unsigned long long)id);
	return save(s);
}

/* The chain as it is, and the list with it: what an earlier command began is settled. */
static int look(struct sw *s, uint8_t family, const char *table, const char *chain, struct chain_now *now)
{
	_err_ struct err e = ERR_INIT;
	int rc = chain_look(s->c, family, table, chain, now, &e);

	if (rc < 0)
		return no_chain(s, rc, chain, table, family, &e);
	if (place_settle(now, disabled_list(s->file), &e))
		rc = save(s);
	return rc;
}

static int disable_rule(struct sw *s)
{
	struct chain_now now = { 0 };
	uint64_t handle;
	int rc = look(s, s->cmd->family, s->cmd->table, s->cmd->name, &now);

	if (rc == 0)
		rc = named_handle(s, &now, &handle);
	if (rc == 0)
		rc = disable_at(s, &now, handle);
	chain_free(&now);
	return rc;
}

/* ---- enable ---- */

static struct disabled *named_entry(struct sw *s)
{
	const struct file_cmd *cmd = s->cmd;
	struct disabled_list *l = disabled_list(s->file);
	struct disabled *d = cmd->move.at == AT_ID
				     ? disabled_by_id(l, cmd->handle)
				     : disabled_by_handle(l, cmd->family, cmd->table, cmd->name, cmd->handle);

	if (d && cmd->table && !disabled_in(d, cmd->family, cmd->table, cmd->name)) {
		wrong(s, -ENOENT, "the disabled rule of id %llu stood in another chain: %s %s %s",
			(unsigned long long)d->id, nft_family_name(d->family), d->table, d->chain);
		return NULL;
	}
	if (!d)
		wrong(s, -ENOENT, "no disabled rule has this %s; `list disabled` shows them all",
			cmd->move.at == AT_ID ? "id" : "handle");
	return d;
}

static int enable_at(struct sw *s, struct chain_now *now, uint64_t id)
{
	struct disabled_list *l = disabled_list(s->file);
	struct disabled *d = disabled_by_id(l, id);
	_err_ struct err e = ERR_INIT;
	struct command k = { .family = d->family,
		.table = d->table,
		.chain = d->chain,
		.text = d->text,
		.udata = d->udata,
		.n_udata = d->n_udata };
	struct rule_place at = { 0 };
	int rc = place_of(now, l, d, &at, &e);

	if (rc < 0)
		return no_chain(s, rc, d->chain, d->table, d->family, &e);
	place_command(&k, &at);
	d->state = DISABLED_COMING;
	d->top = chain_top(now);
	rc = save(s);
	if (rc < 0)
		return rc;
	rc = run_command(s, &k);
	if (rc == 0)
		disabled_came(l, d,
			tell_newest(s, "enabled: ", d->family, d->table, d->chain,
				at.exact ? ""
					 : "; its neighbours are not what they were: look whether "
					   "this is its place"));
	if (rc == 0)
		disabled_remove(l, id);
	else
		d->state = DISABLED_OFF;
	return save(s) < 0 && rc == 0 ? -EIO : rc;
}

static int enable_rule(struct sw *s)
{
	struct chain_now now = { 0 };
	struct disabled *d = named_entry(s);
	_autofree_ char *table = NULL, *chain = NULL;
	uint64_t id;
	int rc;

	if (!d)
		return -ENOENT;
	if (d->pack)
		return wrong(s, -EAGAIN,
			"it is a rule of rnm's own, stated by pack %s: rnmd enables it, and it does "
			"not run",
			d->pack);
	id = d->id;
	table = xstrdup(d->table);
	chain = xstrdup(d->chain);
	rc = look(s, d->family, table, chain, &now);
	if (rc == 0 && !disabled_by_id(disabled_list(s->file), id))
		buf_puts(s->out, "it is in force already\n");
	else if (rc == 0)
		rc = enable_at(s, &now, id);
	chain_free(&now);
	return rc;
}

/* ---- forgetting, and the list ---- */

static int forget_rule(struct sw *s)
{
	struct disabled *d = named_entry(s);

	if (!d)
		return -ENOENT;
	if (d->pack)
		return wrong(s, -EPERM, "it is a rule of rnm's own, stated by pack %s: take it out there",
			d->pack);
	buf_printf(s->out, "forgotten: %s\n", d->text);
	disabled_forget(disabled_list(s->file), d->id);
	return save(s);
}

static void put_neighbour(const char *word, const struct neighbour *x, struct buf *out)
{
	static const char *const what[] = { NULL, "handle", "disabled id" };

	if (x->kind != NEXT_TO_END)
		buf_printf(out, ", %s %s %llu", word, what[x->kind], (unsigned long long)x->n);
}

static void put_entry(struct sw *s, const struct disabled *d)
{
	time_t since = (time_t)d->since;
	char when[32] = "?";
	struct tm tm;

	if (localtime_r(&since, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	buf_printf(s->out, "id %llu: ", (unsigned long long)d->id);
	rule_name(d->family, d->table, d->chain, s->out);
	if (d->handle)
		buf_printf(s->out, ", was handle %llu", (unsigned long long)d->handle);
	if (!d->pack) {
		put_neighbour("after", &d->before, s->out);
		put_neighbour("before", &d->after, s->out);
	}
	buf_printf(s->out, "; since %s\n    ", when);
	buf_visible(s->out, d->text, strlen(d->text));
	buf_putc(s->out, '\n');
	if (!d->pack)
		return;
	buf_puts(s->out, "    ");
	if (s->o->own)
		s->o->own(s->o->ctx, d, s->out);
	else
		buf_printf(s->out, "of pack %s, %s", d->pack, d->where);
	buf_putc(s->out, '\n');
}

static int list(struct sw *s)
{
	const struct file_cmd *cmd = s->cmd;
	struct disabled_list l = { 0 };
	_err_ struct err e = ERR_INIT;
	int rc = disabled_peek(s->o->state_dir, &l, &e);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return as_it_is(s, rc, &e);
	vec_foreach (d, &l.v)
		if (disabled_in(d, cmd->family, cmd->table, cmd->name))
			put_entry(s, d);
	disabled_list_free(&l);
	return 0;
}

/* ---- */

int nft_switch(struct nft_conn *c, const struct nft_file *f, const struct switch_opts *o, struct buf *out,
	struct errlist *errs)
{
	struct sw s = { .c = c, .f = f, .o = o, .out = out, .errs = errs, .cmd = file_cmd(f, 0) };
	_err_ struct err e = ERR_INIT;
	int rc = 0;

	if (file_cmds(f) != 1)
		return wrong(
			&s, -EINVAL, "clone, disable, enable and `list disabled` are commands of their own");
	if (s.cmd->what == FILE_DISABLED)
		return list(&s);
	if (s.cmd->op == FILE_CLONE)
		return clone_rule(&s);
	rc = disabled_open(o->state_dir, &s.file, &e);
	if (rc < 0)
		return as_it_is(&s, rc, &e);
	switch ((enum file_op)s.cmd->op) {
	case FILE_DISABLE: rc = disable_rule(&s); break;
	case FILE_ENABLE: rc = enable_rule(&s); break;
	default: rc = forget_rule(&s); break;
	}
	disabled_close(s.file);
	return rc;
}
