// SPDX-License-Identifier: GPL-2.0-or-later
/* Which of the elements of a command the kernel did not take, and why. It only tells of the first one's
 * errno, not which it is. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nft/load_refuse.h"

struct searching {
	struct refusal *f;
	struct kset *set;
	struct set_info keys;
	struct elist have; /* what the kernel holds, sorted */
	struct elist mine; /* the command's own, where two of them may be at odds */
	struct elem_pool pool;
	uint32_t at, second;
};

static void on_have(void *ctx, const struct setelem *el)
{
	struct searching *s = ctx;
	struct exprs none = { 0 };
	_err_ struct err e = ERR_INIT;

	if (!el->catchall)
		elist_add(&s->have, el, &none, 0, &e);
}

/* The last record that begins at or before key; -1: none. */
static int64_t at_or_before(const struct elist *l, const uint8_t *key)
{
	uint32_t lo = 0, hi = l->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (memcmp(elist_at(l, mid), key, l->klen) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (int64_t)lo - 1;
}

static bool same(const struct elist *l, uint32_t i, const struct setelem *el)
{
	const uint8_t *p = elist_at(l, i);

	return !memcmp(p, el->key, l->klen) && (!l->ends || !memcmp(p + l->klen, el->key_end, l->klen));
}

static bool overlaps(const struct elist *l, int64_t i, const struct setelem *el)
{
	const uint8_t *p;

	if (i < 0 || i >= l->n)
		return false;
	p = elist_at(l, (uint32_t)i);
	if (!l->ends)
		return !memcmp(p, el->key, l->klen);
	return memcmp(p, el->key_end, l->klen) <= 0 && memcmp(p + l->klen, el->key, l->klen) >= 0;
}

static void shown(const struct searching *s, uint32_t i, struct buf *out)
{
	struct setelem el;

	elist_get(&s->have, i, &el);
	el.timeout_ms = el.expires_ms = 0;
	nft_elem_text(&s->set->want.info, &el, out);
}

static bool target_missing(struct searching *s, const struct setelem *el)
{
	struct thing t = {
		.what = el->verdict ? FILE_CHAIN : FILE_OBJECT,
		.family = s->f->cmd->family,
		.obj_type = s->set->want.info.obj_type,
		.table = s->f->cmd->table,
		.name = el->target,
	};

	return *el->target && refusal_missing(s->f, &t);
}

/* Why this element was refused, as a text in f->text; false: it was not. */
static bool explain(struct searching *s, const struct setelem *el)
{
	bool gone = s->f->cmd->op == FILE_DELETE || s->f->cmd->op == FILE_DESTROY;
	struct buf *out = &s->f->text;
	int64_t i = at_or_before(&s->have, el->key);

	if (gone) {
		if (el->catchall || (i >= 0 && same(&s->have, (uint32_t)i, el)))
			return false;
		buf_printf(out, "the set has no such element");
		if (overlaps(&s->have, i, el) || overlaps(&s->have, i + 1, el)) {
			buf_puts(out, ", it has ");
			shown(s, (uint32_t)(overlaps(&s->have, i, el) ? i : i + 1), out);
		}
		return true;
	}
	if (target_missing(s, el))
		return true;
	if (s->f->code == -ENOENT || el->catchall)
		return false;
	if (!overlaps(&s->have, i, el))
		i++;
	if (!overlaps(&s->have, i, el))
		return false;
	if (same(&s->have, (uint32_t)i, el) && s->f->cmd->op != FILE_CREATE && !s->have.dlen &&
		!elist_extra(&s->have, elist_at(&s->have, (uint32_t)i)))
		return false;
	buf_puts(out, "it overlaps with what the set holds: ");
	shown(s, (uint32_t)i, out);
	return true;
}

static int on_elem(void *ctx, struct ast_rule *holder, const struct node *el)
{
	struct searching *s = ctx;
	struct refusal *f = s->f;
	struct exprs exprs = { 0 };
	_err_ struct err e = ERR_INIT;
	struct setelem out;
	bool found = false;

	if (elem_compile(holder, el, el->b ? &s->set->want.info : &s->keys, &f->l->env, &out, &exprs, &e) ==
		0)
		found = explain(s, &out);
	if (!found && !e.code && f->code == -EEXIST && !out.catchall)
		elist_add(&s->mine, &out, &exprs, s->at, &e);
	s->at++;
	exprs_free(&exprs);
	if (found && !f->follows)
		src_error_code(&holder->src, el->pos, el->end, &f->placed, f->code, buf_str(&f->text));
	return found;
}

static bool at_odds(const struct elist *l, uint32_t i, uint32_t j)
{
	struct setelem a, b;

	if (memcmp(elist_at(l, i), elist_at(l, j), l->klen * (l->ends ? 2u : 1u)) != 0)
		return false;
	elist_get(l, i, &a);
	elist_get(l, j, &b);
	return memcmp(a.data, b.data, l->dlen) != 0 || a.verdict != b.verdict ||
	       a.verdict_code != b.verdict_code || strcmp(a.target, b.target) != 0;
}

static int on_second(void *ctx, struct ast_rule *holder, const struct node *el)
{
	struct searching *s = ctx;

	if (s->at++ != s->second)
		return 0;
	if (!s->f->follows)
		src_error_code(
			&holder->src, el->pos, el->end, &s->f->placed, s->f->code, buf_str(&s->f->text));
	return 1;
}

/* One key twice in the command, with two values. */
static void twice(struct searching *s)
{
	const struct file_cmd *cmd = s->f->cmd;
	_err_ struct err e = ERR_INIT;

	elist_sort(&s->mine);
	for (uint32_t i = 1; i < s->mine.n; i++) {
		if (!at_odds(&s->mine, i - 1, i))
			continue;
		s->second = elist_ord(&s->mine, elist_at(&s->mine, i));
		s->at = 0;
		buf_puts(&s->f->text, "the same key stands before, with another value");
		file_elems(s->f->l->f, cmd, &s->set->want.info.key, on_second, s, &e);
		return;
	}
}

void refusal_elems(struct refusal *f)
{
	const struct file_cmd *cmd = f->cmd;
	struct ktable *t = know_table(f->l, cmd->family, cmd->table);
	struct searching s = { .f = f, .set = know_set(f->l, t, cmd->name) };
	_err_ struct err e = ERR_INIT;

	if (!s.set)
		return;
	s.keys = load_keys(cmd, &s.set->want.info);
	elist_init(&s.have, &s.set->want.info, &s.pool);
	elist_init(&s.mine, &s.set->want.info, &s.pool);
	if (!s.set->fresh && !t->fresh)
		kread_elems(f->l->c, t->family, t->name, &s.set->want.info, false, on_have, &s, NULL);
	elist_sort(&s.have);
	f->l->env.family = cmd->family;
	file_elems(f->l->f, cmd, &s.set->want.info.key, on_elem, &s, &e);
	if (s.mine.n && !f->text.n)
		twice(&s);
	elist_free(&s.have);
	elist_free(&s.mine);
	pool_free(&s.pool);
}
