// SPDX-License-Identifier: GPL-2.0-or-later
/* jump { … } */
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include <libnftnl/common.h>
#include <libnftnl/expr.h>

#include "nft/decomp.h"

#define INNER_MAX 4096 /* rules */

static bool is_anonymous(const struct dc *c, const struct dx *x)
{
	return x->name && !strncmp(x->name, "__chain", 7) && c->env->chain;
}

/* ---- as text ---- */

struct lines {
	struct dc *c;
	struct buf *out;
	const char *indent;
	unsigned n;
	bool bad;
};

static void line(void *ctx, struct nftnl_expr **exprs, uint32_t n, const char *comment)
{
	struct lines *l = ctx;
	struct decompile_env env = *l->c->env;
	_buf_ struct buf deeper = BUF_INIT;

	if (l->bad || l->n++ == INNER_MAX) {
		l->bad = true;
		return;
	}
	if (l->indent) {
		buf_printf(&deeper, "%s\t", l->indent);
		env.indent = buf_str(&deeper);
		buf_puts(l->out, env.indent);
	}
	l->bad = !decomp_rule(&env, l->c->depth + 1, exprs, n, comment, l->out);
	buf_puts(l->out, l->indent ? "\n" : "; ");
}

bool jump_put(struct dc *c, const struct dx *x, struct buf *out)
{
	struct lines l = { .c = c, .out = out, .indent = c->env->indent };
	int32_t code = (int32_t)x->p.op;

	if (!is_anonymous(c, x) || (code != NFT_JUMP && code != NFT_GOTO)) {
		verdict_put(code, x->name, out);
		return (code != NFT_JUMP && code != NFT_GOTO) || x->name;
	}
	if (c->depth >= DECOMP_DEPTH_MAX)
		return false;
	buf_puts(out, code == NFT_JUMP ? "jump {" : "goto {");
	buf_puts(out, l.indent ? "\n" : " ");
	if (c->env->chain(c->env->ctx, x->name, line, &l) < 0)
		return false;
	buf_printf(out, "%s}", l.indent ? l.indent : "");
	return !l.bad;
}

/* ---- as expressions ---- */

struct reading {
	struct dc *c;
	struct inner *in;
};

static void inner_line(void *ctx, struct nftnl_expr **exprs, uint32_t n, const char *comment)
{
	struct reading *r = ctx;
	struct inner_rule rule = { .n = n };

	if (n > DECOMP_EXPRS_MAX || r->in->rules.n == INNER_MAX) {
		r->in->bad = true;
		return;
	}
	rule.x = arena_alloc(&r->c->arena, n * sizeof(*rule.x));
	for (uint32_t i = 0; i < n; i++)
		r->in->bad |= !dx_read(&r->c->arena, exprs[i], &rule.x[i]);
	rule.comment = comment ? arena_strdup(&r->c->arena, comment, strlen(comment)) : NULL;
	vec_push(&r->in->rules, rule);
}

bool inner_read(struct dc *c, const struct dx *x, struct inner *out)
{
	struct reading r = { c, out };

	if (!is_anonymous(c, x))
		return false;
	if (c->env->chain(c->env->ctx, x->name, inner_line, &r) < 0)
		out->bad = true;
	return true;
}

void inner_free(struct inner *in)
{
	vec_free(&in->rules);
}

/* ---- without words ---- */

void raw_put(struct nftnl_expr **exprs, uint32_t n, struct buf *out)
{
	char text[4096];

	for (uint32_t i = 0; i < n; i++) {
		const char *name = exprs[i] ? nftnl_expr_get_str(exprs[i], NFTNL_EXPR_NAME) : NULL;
		int len = exprs[i]
				  ? nftnl_expr_snprintf(text, sizeof(text), exprs[i], NFTNL_OUTPUT_DEFAULT, 0)
				  : 0;

		buf_puts(out, i ? " [ " : "[ ");
		buf_puts(out, name ? name : "unknown");
		buf_putc(out, ' ');
		if (len > 0 && len < (int)sizeof(text))
			buf_visible(out, text, (size_t)len);
		buf_putc(out, ']');
	}
}
