// SPDX-License-Identifier: GPL-2.0-or-later
/* A rule as text: its statements' texts in a line, without the matches that other texts imply. The line is
 * compiled; where something else comes out, more is written out. */
#include <stdio.h>
#include <string.h>

#include <libnftnl/expr.h>

#include "base/text.h"
#include "nft/decomp.h"

#define CHECKS_MAX 48

/* ---- items ---- */

static bool is_match(const struct ds *s)
{
	return s->x->kind == DX_CMP || s->x->kind == DX_RANGE || s->x->kind == DX_LOOKUP;
}

static void make_items(struct dc *c)
{
	struct dctx ctx;

	dctx_init(&ctx, c->env->family);
	vec_foreach (ds, &c->prog.ds) {
		if (is_match(ds))
			match_items(c, ds, &ctx);
		else
			vec_push(&c->items, (struct item){ .ds = ds, .ctx = ctx, .styles = STYLE_N });
	}
}

/* The text in this style, or the next one that has words. */
static bool item_text(struct dc *c, struct item *it, uint8_t style)
{
	free(it->text);
	it->text = NULL;
	for (; style < STYLE_N; style++) {
		_buf_ struct buf out = BUF_INIT;
		bool ok;

		it->style = style;
		c->cur = it;
		c->needs = 0;
		c->failed = false;
		c->budget = DECOMP_BUDGET;
		ok = is_match(it->ds) ? match_put(c, it, &out) : stmt_put(c, it, &out);
		if (!ok || c->failed || !out.n)
			continue;
		it->needs = c->needs;
		it->text = buf_take(&out);
		return true;
	}
	return false;
}

/* A match that the compiler makes by itself from the text behind it. */
static void drop_implied(struct dc *c)
{
	for (uint32_t i = c->items.n; i--;) {
		struct item *it = &c->items.v[i];
		uint32_t k = i + 1;
		bool first = true;

		if (!it->gives)
			continue;
		while (k < c->items.n && c->items.v[k].dropped)
			k++;
		if (k < c->items.n && c->items.v[k].needs & it->gives && !(c->items.v[k].needs & DEP_FIRST)) {
			it->dropped = true;
			continue;
		}
		/* some go to the head of the rule, whoever needs them */
		for (k = 0; k < i; k++)
			first = first && c->items.v[k].gives;
		for (k = i + 1; first && k < c->items.n; k++)
			if (c->items.v[k].needs & DEP_FIRST && c->items.v[k].needs & it->gives)
				it->dropped = true;
	}
}

/* ---- the line ---- */

struct search {
	struct dc *c;
	const char *comment;
	unsigned checks;
	enum same best;
	struct buf text; /* of the best */
};

static void join(const struct dc *c, const char *comment, struct buf *out)
{
	vec_foreach (it, &c->items) {
		if (it->dropped)
			continue;
		buf_puts(out, out->n ? " " : "");
		buf_puts(out, it->text);
	}
	if (comment) {
		buf_puts(out, out->n ? " comment " : "comment ");
		quote_put(comment, strlen(comment), out);
	}
}

static bool attempt(struct search *s)
{
	_buf_ struct buf line = BUF_INIT;
	enum same same;

	if (s->checks++ >= CHECKS_MAX)
		return false;
	join(s->c, s->comment, &line);
	same = decomp_check(s->c, buf_str(&line), s->comment);
	if (same > s->best || (same == SAME && s->best == SAME)) {
		s->best = same;
		buf_clear(&s->text);
		buf_put(&s->text, line.s, line.n);
	}
	return same == SAME;
}

/* All in one style, nothing left out. */
static bool plainer(struct search *s, uint8_t style)
{
	bool other = false;

	vec_foreach (it, &s->c->items) {
		uint8_t was = it->style;

		other |= it->dropped;
		it->dropped = false;
		if (was >= style)
			continue;
		if (!item_text(s->c, it, style)) /* no other words than these */
			item_text(s->c, it, was);
		other |= it->style != was;
	}
	return other && attempt(s);
}

/* One by one back to what is shorter, as far as it stays true. */
static void shorter(struct search *s)
{
	vec_foreach (it, &s->c->items) {
		uint8_t was = it->style;

		for (uint8_t style = STYLE_NICE; style < was; style++) {
			if (!item_text(s->c, it, style) || it->style >= was)
				break;
			if (attempt(s))
				break;
		}
		if (it->style < was && s->best == SAME && s->text.n) {
			_buf_ struct buf now = BUF_INIT;

			join(s->c, s->comment, &now);
			if (now.n != s->text.n || memcmp(now.s, s->text.s, now.n) != 0)
				item_text(s->c, it, was);
		}
	}
	vec_foreach (it, &s->c->items) {
		if (!it->gives)
			continue;
		it->dropped = true;
		if (!attempt(s))
			it->dropped = false;
	}
}

static void search(struct search *s)
{
	drop_implied(s->c);
	if (attempt(s))
		return;
	for (uint8_t style = STYLE_NICE; style < STYLE_N; style++)
		if (plainer(s, style)) {
			shorter(s);
			return;
		}
}

/* ---- a rule ---- */

static bool read_rule(struct dc *c, struct nftnl_expr **exprs, uint32_t n)
{
	if (n > DECOMP_EXPRS_MAX)
		return false;
	c->n = n;
	c->x = arena_alloc(&c->arena, n * sizeof(*c->x));
	for (uint32_t i = 0; i < n; i++)
		if (!dx_read(&c->arena, exprs[i], &c->x[i]))
			return false;
	return true;
}

static const struct set_info *find_set(void *ctx, const struct dx *x)
{
	return dc_set(ctx, x);
}

static bool spell(struct dc *c, struct nftnl_expr **exprs, uint32_t n, const char *comment, struct buf *out)
{
	bool odd = comment && (strlen(comment) > 128 || strchr(comment, '"') ||
				      (*comment && !text_is_clean(comment, strlen(comment))));
	struct search s = { .c = c, .comment = comment };

	if (!read_rule(c, exprs, n))
		return false;
	dx_walk(&c->arena, c->x, n, find_set, c, &c->prog);
	if (!c->prog.ok)
		return false;
	make_items(c);
	vec_foreach (it, &c->items)
		if (!item_text(c, it, STYLE_NICE))
			return false;
	search(&s);
	if (s.best != SAME_NOT)
		buf_put(out, s.text.s, s.text.n);
	if (s.best != SAME_NOT && odd) {
		buf_puts(out, " # comment cannot be written: ");
		buf_quote(out, comment, strlen(comment));
	}
	buf_free(&s.text);
	return s.best != SAME_NOT;
}

void dc_free(struct dc *c)
{
	vec_foreach (it, &c->items)
		free(it->text);
	vec_free(&c->items);
	vec_foreach (a, &c->anons) {
		vec_free(&(*a)->el);
		free(*a);
	}
	vec_free(&c->anons);
	prog_free(&c->prog);
	free(c->names);
	arena_free(&c->arena);
}

bool decomp_rule(const struct decompile_env *env, unsigned depth, struct nftnl_expr **exprs, uint32_t n,
	const char *comment, struct buf *out)
{
	struct dc c = { .env = env, .depth = depth };
	bool ok = spell(&c, exprs, n, comment, out);

	dc_free(&c);
	if (ok)
		return true;
	buf_puts(out, "# cannot be written: ");
	raw_put(exprs, n, out);
	if (comment) {
		buf_puts(out, " comment ");
		buf_quote(out, comment, strlen(comment));
	}
	return false;
}

bool rule_decompile(const struct decompile_env *env, struct nftnl_expr **exprs, uint32_t n,
	const char *comment, struct buf *out)
{
	return decomp_rule(env, 0, exprs, n, comment, out);
}

bool stateful_text(struct nftnl_expr *const *exprs, uint32_t n, bool stateless, struct buf *out)
{
	struct arena_block *arena = NULL;
	bool ok = true;

	for (uint32_t i = 0; i < n; i++) {
		struct dx x;

		buf_puts(out, i ? " " : "");
		ok = ok && dx_read(&arena, exprs[i], &x) && stateful_put(&x, stateless, out);
	}
	arena_free(&arena);
	return ok;
}
