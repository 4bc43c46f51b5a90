// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about elements. They are read into a list of small records; intervals are put in order and
 * compared with each other and, with auto-merge, with what the set holds. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libnftnl/expr.h>

#include "nft/load_impl.h"

struct reading {
	struct load *l;
	const struct file_cmd *cmd;
	struct kset *set;
	const struct set_info *keys; /* a key alone stands for an element that goes */
	struct elist *list, *rest;   /* rest: `*`, which is no interval */
	uint32_t ord;
	unsigned bad;
};

static bool goes(const struct file_cmd *cmd)
{
	return cmd->op == FILE_DELETE || cmd->op == FILE_DESTROY;
}

static void put_error(struct reading *r, const struct node *el, struct err *e)
{
	errlist_add(r->l->errs, r->cmd->file, el->pos, e);
	r->bad++;
}

static int error_at(
	const struct ast_rule *holder, const struct node *el, struct err *e, const char *fmt, const char *arg)
{
	char msg[512];

	snprintf(msg, sizeof(msg), fmt, arg);
	return src_error_code(&holder->src, el->pos, el->end, e, -EINVAL, msg);
}

/* What an element may keep is the set's to say; the kernel names neither the element nor the reason. */
static int check_kept(const struct kset *s, const struct ast_rule *holder, const struct node *el,
	const struct setelem *out, struct err *e)
{
	bool same = out->n_exprs == s->n_kept;

	if (!out->n_exprs || (!s->n_kept && s->want.info.flags & NFT_SET_EVAL))
		return 0;
	if (!s->n_kept)
		return error_at(holder, el, e,
			"the elements of '%s' keep no state: declare it with the same statement, or with "
			"`flags dynamic`",
			s->want.info.name);
	for (unsigned i = 0; same && i < s->n_kept; i++)
		same = !strcmp(s->kept[i], nftnl_expr_get_str(out->exprs[i], NFTNL_EXPR_NAME));
	return same ? 0
		    : error_at(holder, el, e,
			      "the elements of '%s' keep what its declaration says, in that order",
			      s->want.info.name);
}

static int on_elem(void *ctx, struct ast_rule *holder, const struct node *el)
{
	struct reading *r = ctx;
	struct exprs exprs = { 0 };
	_err_ struct err e = ERR_INIT;
	struct setelem out;
	const struct set_info *info = el->b ? &r->set->want.info : r->keys;
	int code = elem_compile(holder, el, info, &r->l->env, &out, &exprs, &e);

	if (code == 0 && !goes(r->cmd))
		code = check_kept(r->set, holder, el, &out, &e);
	if (code == 0)
		code = elist_add(out.catchall && r->list->ends ? r->rest : r->list, &out, &exprs, r->ord, &e);
	if (code == 0 && (out.timeout_ms || out.expires_ms) && !(r->set->want.info.flags & NFT_SET_TIMEOUT) &&
		!goes(r->cmd))
		code = error_at(holder, el, &e, "set '%s' has no `flags timeout`: its elements do not expire",
			r->cmd->name);
	exprs_free(&exprs);
	r->ord++;
	if (code < 0)
		put_error(r, el, &e);
	return code == -E2BIG ? code : 0;
}

/* ---- errors about two elements, which are looked for in the text again ---- */

struct finding {
	struct reading *r;
	uint32_t ord, at, other;
	char text[96];
	const char *fmt;
};

static void cut_text(struct ast_rule *holder, const struct node *el, char out[96])
{
	const struct src *s = &holder->src;
	uint32_t n = el->end > el->pos && el->end <= s->len ? el->end - el->pos : 0;

	snprintf(out, 96, "%.*s%s", (int)(n < 60 ? n : 60), s->text + el->pos, n > 60 ? "…" : "");
}

static int on_other(void *ctx, struct ast_rule *holder, const struct node *el)
{
	struct finding *f = ctx;

	if (f->at++ != f->other)
		return 0;
	cut_text(holder, el, f->text);
	return 1;
}

static int on_found(void *ctx, struct ast_rule *holder, const struct node *el)
{
	struct finding *f = ctx;
	_err_ struct err e = ERR_INIT;

	if (f->at++ != f->ord)
		return 0;
	error_at(holder, el, &e, f->fmt, f->text);
	put_error(f->r, el, &e);
	return 1;
}

static int say(struct finding *f)
{
	_err_ struct err e = ERR_INIT;

	f->at = 0;
	file_elems(f->r->l->f, f->r->cmd, &f->r->set->want.info.key, on_found, f, &e);
	return -EINVAL;
}

static int say_at(struct reading *r, uint32_t ord, uint32_t other, const char *fmt)
{
	struct finding f = { .r = r, .ord = ord, .other = other, .fmt = fmt };
	_err_ struct err e = ERR_INIT;

	file_elems(r->l->f, r->cmd, &r->set->want.info.key, on_other, &f, &e);
	return say(&f);
}

/* ---- intervals ---- */

static bool is_tree(const struct set_info *info)
{
	return (info->flags & NFT_SET_INTERVAL) && info->key.n == 1;
}

static bool merges(const struct set_info *info)
{
	return is_tree(info) && info->auto_merge && !(info->flags & (NFT_SET_MAP | NFT_SET_OBJECT));
}

static void on_kernel(void *ctx, const struct setelem *el)
{
	struct kset *s = ctx;
	struct exprs none = { 0 };

	present_kernel(&s->present, el, &none);
}

/* What the kernel holds of a set of intervals. */
static int count(struct load *l, const struct ktable *t, struct kset *s, struct err *e)
{
	int r;

	if (!s->present.ready)
		present_init(&s->present, &s->want.info, &s->pool);
	if (s->counted)
		return 0;
	s->counted = true;
	if (s->fresh || t->fresh || know_ask(l) < 0)
		return 0;
	r = kread_elems(l->c, t->family, t->name, &s->want.info, false, on_kernel, s, e);
	if (r == -ENOENT)
		err_free(e);
	else if (r == 0)
		present_read(&s->present);
	return r == -ENOENT ? 0 : r;
}

static int overlap(struct reading *r)
{
	const struct elist *l = r->list;
	uint32_t a, b, oa, ob;

	if (!elist_conflict(l, &a, &b))
		return 0;
	oa = elist_ord(l, elist_at(l, a));
	ob = elist_ord(l, elist_at(l, b));
	return say_at(r, oa > ob ? oa : ob, oa > ob ? ob : oa,
		"conflicting intervals: this overlaps with %s; with `auto-merge` the set would make one of "
		"them");
}

/* ---- to the kernel ---- */

static void get_elem(const struct op *op, uint32_t i, struct setelem *out)
{
	elist_get(op->elem.list, i, out);
}

static int put(struct reading *r, uint32_t i, enum op_kind kind, const struct elist *list, struct err *e)
{
	struct op op = load_named(r->l, kind, r->cmd);

	if (!list->n)
		return 0;
	op.elem.set = &r->set->want;
	op.elem.n = list->n;
	op.elem.get = get_elem;
	op.elem.list = list;
	op.elem.src = NULL;
	return load_op(r->l, &op, i, e);
}

/* All commands about the set as one change, at the last of them. */
static int settle(struct reading *r, uint32_t i, struct err *e)
{
	struct present *p = &r->set->present;
	struct elist new;
	int code;

	if (!marks_last(r->l, i, r->cmd))
		return 0;
	elist_init(&new, &r->set->want.info, &r->set->pool);
	code = put(r, i, OP_DEL_ELEM, &p->gone, e);
	if (code == 0)
		code = put(r, i, OP_ADD_ELEM, present_take(p, &new), e);
	elist_free(&new);
	return code;
}

static int merged(struct reading *r, uint32_t i, const struct ktable *t, struct err *e)
{
	struct present *p = &r->set->present;
	int64_t miss = -1;
	int code = count(r->l, t, r->set, e);

	if (code < 0)
		return code;
	if (goes(r->cmd))
		miss = present_cut(p, r->list, r->cmd->op == FILE_DESTROY);
	else
		present_merge(p, r->list);
	if (miss >= 0)
		return say_at(r, (uint32_t)miss, (uint32_t)miss, "the set holds no interval around %s here");
	return settle(r, i, e);
}

static void text_of(const struct reading *r, const uint8_t *at, char out[96])
{
	struct setelem el = { .klen = r->list->klen, .interval = true };
	_buf_ struct buf text = BUF_INIT;
	struct set_info keys = r->set->want.info;

	keys.flags &= ~(uint32_t)(NFT_SET_MAP | NFT_SET_OBJECT);
	memcpy(el.key, at, el.klen);
	memcpy(el.key_end, at + el.klen, el.klen);
	nft_elem_text(&keys, &el, &text);
	snprintf(out, 96, "%s", buf_str(&text));
}

static int hits(struct reading *r)
{
	const struct elist *l = r->list;
	uint8_t at[2 * NFT_KEY_MAX];

	for (uint32_t i = 0; i < l->n; i++) {
		const uint8_t *x = elist_at(l, i);
		struct finding f = { .r = r, .ord = elist_ord(l, x) };

		if (!present_hits(&r->set->present, x, x + l->klen, at))
			continue;
		f.fmt = "this overlaps with %s, which the set holds";
		text_of(r, at, f.text);
		return say(&f);
	}
	return 0;
}

/* Those of the list that are there, in out. */
static int known(struct reading *r, struct elist *out)
{
	const struct elist *l = r->list;

	for (uint32_t i = 0; i < l->n; i++) {
		const uint8_t *x = elist_at(l, i);

		if (present_has(&r->set->present, x, x + l->klen))
			elist_put(out, x, x + l->klen, NULL, 0);
		else if (r->cmd->op == FILE_DELETE)
			return say_at(r, elist_ord(l, x), elist_ord(l, x), "the set does not hold %s here");
	}
	return 0;
}

/* Intervals that stay as they are: compared with what the set holds, as far as that is not nothing. */
static int separate(struct reading *r, uint32_t i, const struct ktable *t, struct err *e)
{
	struct present *p = &r->set->present;
	bool last = marks_last(r->l, i, r->cmd);
	const struct elist *list = r->list;
	struct elist there;
	int code = goes(r->cmd) ? 0 : overlap(r);

	if (code == 0 && last && (r->set->fresh || t->fresh) && !present_any(p) && !goes(r->cmd))
		return put(r, i, OP_ADD_ELEM, list, e);
	if (code == 0)
		code = count(r->l, t, r->set, e);
	if (code < 0)
		return code;
	elist_init(&there, &r->set->want.info, &r->set->pool);
	if (goes(r->cmd) && r->l->c) {
		code = known(r, &there);
		list = &there;
	} else if (!goes(r->cmd)) {
		code = hits(r);
	}
	if (code == 0)
		code = put(r, i, goes(r->cmd) ? OP_DEL_ELEM : OP_ADD_ELEM, list, e);
	if (code == 0 && !last)
		(goes(r->cmd) ? present_leave : present_join)(p, list);
	elist_free(&there);
	return code;
}

static int change(struct reading *r, uint32_t i, const struct ktable *t, struct err *e)
{
	enum op_kind kind = goes(r->cmd) ? OP_DEL_ELEM : OP_ADD_ELEM;
	const struct set_info *info = &r->set->want.info;
	int code;

	if (is_tree(info))
		elist_sort(r->list);
	if (merges(info))
		code = merged(r, i, t, e);
	else if (is_tree(info) && !info->auto_merge)
		code = separate(r, i, t, e);
	else /* nft leaves maps with auto-merge to the kernel as well */
		code = put(r, i, kind, r->list, e);
	return code ? code : put(r, i, kind, r->rest, e);
}

struct set_info load_keys(const struct file_cmd *cmd, const struct set_info *info)
{
	struct set_info keys = *info;

	if (goes(cmd) || cmd->op == FILE_GET || cmd->op == FILE_RESET)
		keys.flags &= ~(uint32_t)(NFT_SET_MAP | NFT_SET_OBJECT);
	return keys;
}

int load_elems(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e)
{
	struct ktable *t = know_table(l, cmd->family, cmd->table);
	struct kset *s = know_set(l, t, cmd->name);
	struct elem_pool own = { 0 }, *pool;
	struct reading r = { .l = l, .cmd = cmd, .set = s };
	struct elist list, rest;
	struct set_info keys;
	int code;

	if (!s)
		return load_no_set(l, cmd, e);
	keys = load_keys(cmd, &s->want.info);
	r.keys = &keys;
	pool = is_tree(&s->want.info) ? &s->pool : &own;
	elist_init(&list, &s->want.info, pool);
	elist_init(&rest, &s->want.info, pool);
	r.list = &list;
	r.rest = &rest;
	l->env.family = cmd->family;
	code = file_elems(l->f, cmd, &s->want.info.key, on_elem, &r, e);
	l->stats.elements += list.n + rest.n;
	if (code == 0 && !r.bad)
		code = change(&r, i, t, e);
	else if (r.bad)
		err_free(e);
	elist_free(&list);
	elist_free(&rest);
	pool_free(&own);
	return code;
}
