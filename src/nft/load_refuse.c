// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel says an errno for each command it refused. What is meant depends on what was asked: it is looked
 * up what was missing, in use or in the way, and said at the command's place. */
#include <errno.h>
#include <linux/netfilter.h>

#include "nft/load_refuse.h"

/* ---- what was refused, so that what only follows from it is not told as well ---- */

struct lost {
	struct thing t;
	char *table, *name;
};

static uint64_t hash_thing(const struct thing *t)
{
	uint64_t h = hash_mix(t->what, t->family);

	h = hash_mix(h, t->what == FILE_OBJECT ? t->obj_type : 0);
	if (t->what != FILE_TABLE)
		h = hash_mix(h, hash_str(t->table));
	return hash_mix(h, hash_str(t->name));
}

static bool same_thing(const void *item, const void *key)
{
	const struct thing *a = &((const struct lost *)item)->t, *b = key;

	return a->what == b->what && a->family == b->family &&
	       (a->what != FILE_OBJECT || a->obj_type == b->obj_type) && !strcmp(a->name, b->name) &&
	       (a->what == FILE_TABLE || !strcmp(a->table, b->table));
}

static bool is_lost(const struct refusal *f, const struct thing *t)
{
	return t->name && hmap_find(f->lost, hash_thing(t), same_thing, t);
}

static void put_lost(struct refusal *f, const struct thing *t)
{
	struct lost *x;

	if (!t->name || is_lost(f, t))
		return;
	x = xnew(struct lost);
	x->table = t->table ? xstrdup(t->table) : NULL;
	x->name = xstrdup(t->name);
	x->t = *t;
	x->t.table = x->table;
	x->t.name = x->name;
	hmap_put(f->lost, hash_thing(t), x);
}

static void lost_free(struct hmap *m)
{
	struct lost *x;

	hmap_foreach (x, m, pos) {
		free(x->table);
		free(x->name);
		free(x);
	}
	hmap_free(m);
}

/* ---- what the file adds ---- */

static bool adds(const void *item, const void *key)
{
	const struct file_cmd *cmd = item;
	struct thing t = thing_of(cmd);

	return same_thing(&(struct lost){ .t = t }, key);
}

const struct file_cmd *refusal_adds(const struct refusal *f, const struct thing *t)
{
	return t->name ? hmap_find(f->made, hash_thing(t), adds, t) : NULL;
}

static void read_file(struct refusal *f)
{
	for (uint32_t i = 0; i < file_cmds(f->l->f); i++) {
		const struct file_cmd *cmd = file_cmd(f->l->f, i);
		struct thing t = thing_of(cmd);

		if ((cmd->op == FILE_ADD || cmd->op == FILE_CREATE) && cmd->what != FILE_RULE &&
			cmd->what != FILE_ELEMENTS && t.name && !refusal_adds(f, &t))
			hmap_put(f->made, hash_thing(&t), (void *)(uintptr_t)cmd);
	}
}

static const char *kind_word(const struct thing *t)
{
	switch (t->what) {
	case FILE_TABLE: return "table";
	case FILE_CHAIN: return "chain";
	case FILE_SET: return "set";
	case FILE_FLOWTABLE: return "flowtable";
	default: return object_type_word(t->obj_type) ? object_type_word(t->obj_type) : "object";
	}
}

bool refusal_missing(struct refusal *f, const struct thing *t)
{
	const struct file_cmd *made;

	if (f->follows)
		return true;
	if (is_lost(f, t)) {
		f->follows = true;
		return true;
	}
	made = refusal_adds(f, t);
	if ((made && made <= f->cmd) || kernel_has(f->l, t))
		return false;
	if (made) {
		buf_printf(&f->text, "%s '%s' is not there yet: the file adds it further down", kind_word(t),
			t->name);
		return true;
	}
	if (t->what == FILE_TABLE)
		buf_printf(
			&f->text, "there is no table '%s' of family %s", t->name, nft_family_name(t->family));
	else
		buf_printf(&f->text, "there is no %s '%s' in table %s %s", kind_word(t), t->name,
			nft_family_name(t->family), t->table);
	thing_near(f->l, t, &f->text);
	put_lost(f, t);
	return true;
}

bool refusal_again(struct refusal *f)
{
	/* no chain has such a name */
	struct thing t = { .what = FILE_CHAIN, .family = f->cmd->family, .table = f->cmd->table, .name = "" };

	if (is_lost(f, &t))
		return true;
	put_lost(f, &t);
	return false;
}

/* ---- by command ---- */

static bool no_table(struct refusal *f)
{
	struct thing t = { .what = FILE_TABLE, .family = f->cmd->family, .name = f->cmd->table };

	return t.name && refusal_missing(f, &t);
}

static bool no_chain(struct refusal *f)
{
	struct thing t = thing_of(f->cmd);

	t.what = FILE_CHAIN;
	return t.name && refusal_missing(f, &t);
}

static bool removes(const struct file_cmd *cmd)
{
	return cmd->op == FILE_DELETE || cmd->op == FILE_DESTROY;
}

static void not_there(struct refusal *f)
{
	const struct file_cmd *cmd = f->cmd;
	struct thing t = thing_of(cmd);
	bool named = cmd->what != FILE_TABLE && cmd->what != FILE_RULESET;

	if (named && no_table(f))
		return;
	if (cmd->what == FILE_RULE) {
		if (no_chain(f))
			return;
		if (cmd->rule.at == AT_HANDLE || removes(cmd)) {
			buf_printf(&f->text, "chain '%s' has no rule with handle %llu", cmd->name,
				(unsigned long long)cmd->handle);
			return;
		}
		refusal_rule(f);
		return;
	}
	if (cmd->what == FILE_ELEMENTS) {
		t.what = FILE_SET;
		if (!refusal_missing(f, &t))
			refusal_elems(f);
		return;
	}
	if (removes(cmd) || cmd->op == FILE_FLUSH || cmd->op == FILE_RENAME) {
		if (!t.name)
			buf_printf(&f->text, "there is no %s with handle %llu", kind_word(&t),
				(unsigned long long)cmd->handle);
		else
			refusal_missing(f, &t);
		return;
	}
	if (cmd->what == FILE_CHAIN && cmd->chain && cmd->chain->base)
		buf_printf(&f->text,
			"this kernel has no chains of type '%s' for family %s, or a device is missing",
			cmd->chain->type, nft_family_name(cmd->family));
	else if (cmd->what == FILE_FLOWTABLE)
		buf_puts(&f->text, "this kernel has no flowtables for this family, or a device is missing");
	else if (cmd->what == FILE_OBJECT)
		buf_printf(&f->text, "this kernel lacks objects of type %s, or what the object names",
			kind_word(&t));
}

static void is_there(struct refusal *f)
{
	const struct file_cmd *cmd = f->cmd;
	struct thing t = thing_of(cmd);

	if (cmd->what == FILE_ELEMENTS) {
		refusal_elems(f);
		return;
	}
	if (cmd->what == FILE_RULE)
		return;
	if (cmd->op == FILE_CREATE)
		buf_printf(
			&f->text, "%s '%s' is there already; `add` takes it as it is", kind_word(&t), t.name);
	else if (cmd->op == FILE_RENAME)
		buf_printf(&f->text, "there is a chain '%s' already", cmd->to);
	else
		buf_printf(&f->text,
			"%s '%s' is there already, with other properties than these; delete it first, in the "
			"same file",
			kind_word(&t), t.name);
}

static void in_use(struct refusal *f)
{
	const struct file_cmd *cmd = f->cmd;
	struct thing t = thing_of(cmd);

	if (cmd->what == FILE_ELEMENTS)
		buf_puts(&f->text, "an element with this key is there already, with another value");
	else if (cmd->what == FILE_CHAIN && !removes(cmd))
		buf_puts(&f->text, "the chain or its hook can not be changed like this while it is in use");
	else if (removes(cmd) && t.what == FILE_CHAIN)
		buf_puts(&f->text, "the chain is in use: rules or maps jump to it; delete those first, in "
				   "the same file");
	else if (removes(cmd))
		buf_printf(&f->text, "the %s is in use by rules; delete those first, in the same file",
			kind_word(&t));
}

static void not_possible(struct refusal *f)
{
	const struct file_cmd *cmd = f->cmd;

	if (cmd->what == FILE_RULE)
		refusal_rule(f);
	else if (cmd->what == FILE_CHAIN && cmd->chain && cmd->chain->base) {
		struct thing t = thing_of(cmd);

		if (kernel_has(f->l, &t))
			buf_puts(&f->text, "the chain is there already, with another type, hook or "
					   "priority; delete it first, in the same file");
		else
			buf_printf(&f->text,
				"this kernel has no chains of type '%s' at this hook for family %s%s",
				cmd->chain->type, nft_family_name(cmd->family),
				!strcmp(cmd->chain->type, "nat") && cmd->chain->priority <= -200
					? " so early: nat comes behind conntrack, with a priority above -200"
					: "");
	} else if (cmd->what == FILE_SET)
		buf_puts(&f->text, "this kernel has no kind of set with these flags and key");
	else if (cmd->what == FILE_OBJECT || cmd->what == FILE_FLOWTABLE)
		buf_puts(&f->text, "this kernel can not do it");
}

static void by_code(struct refusal *f, int code)
{
	const struct file_cmd *cmd = f->cmd;

	switch (-code) {
	case ENOENT: not_there(f); break;
	case EEXIST: is_there(f); break;
	case EBUSY: in_use(f); break;
	case EOPNOTSUPP: not_possible(f); break;
	case ELOOP:
	case EMLINK:
	case ENOTEMPTY:
	case EINVAL:
		if (cmd->what == FILE_RULE)
			refusal_rule(f);
		break;
	case EPERM:
		buf_puts(
			&f->text, no_table(f) ? "" : "the table is owned by another process (`flags owner`)");
		break;
	case ENFILE: buf_puts(&f->text, "the set is full: more elements than its `size`"); break;
	case EAFNOSUPPORT:
		buf_printf(
			&f->text, "this kernel has no nf_tables for family %s", nft_family_name(cmd->family));
		break;
	case ENODEV: buf_puts(&f->text, "a network device is missing"); break;
	default: break;
	}
}

static void one(struct refusal *f, int code)
{
	_err_ struct err e = ERR_INIT;
	struct thing t = thing_of(f->cmd);

	f->code = code;
	f->text = (struct buf)BUF_INIT;
	f->placed = (struct err)ERR_INIT;
	f->follows = false;
	by_code(f, code);
	if (f->placed.code) {
		errlist_add(f->l->errs, f->cmd->file, f->cmd->pos, &f->placed);
	} else if (!f->follows) {
		if (f->text.n)
			file_error(f->l->f, f->cmd, &e, code, "%s", buf_str(&f->text));
		else
			file_error(f->l->f, f->cmd, &e, code, "the kernel refused this: %s", strerror(-code));
		errlist_add(f->l->errs, f->cmd->file, f->cmd->pos, &e);
	}
	if ((f->cmd->op == FILE_ADD || f->cmd->op == FILE_CREATE) && f->cmd->what != FILE_RULE &&
		f->cmd->what != FILE_ELEMENTS && code != -EEXIST)
		put_lost(f, &t);
	err_free(&f->placed);
	buf_free(&f->text);
}

void load_refused(struct load *l, const struct commit_result *r)
{
	struct hmap made = { 0 }, lost = { 0 };
	struct refusal f = { .l = l, .made = &made, .lost = &lost };

	read_file(&f);
	for (uint32_t i = 0; i < file_cmds(l->f); i++) {
		if (!r->op_err[i])
			continue;
		f.cmd = file_cmd(l->f, i);
		/* what is not shown is only counted */
		if (l->errs->n < ERRLIST_MAX) {
			one(&f, r->op_err[i]);
		} else {
			_err_ struct err e = ERR_INIT;

			err_set(&e, r->op_err[i], "refused");
			errlist_add(l->errs, f.cmd->file, f.cmd->pos, &e);
		}
	}
	lost_free(&lost);
	hmap_free(&made);
}
