// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules and their code as text. */
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "nft/code_debug.h"
#include "nft/datatype.h"
#include "nft/live.h"
#include "nft/parse.h"

static void put_set_text(struct buf *out, const struct anon_set *s)
{
	buf_printf(out, "%s %x\n", s->info.name, s->info.flags);
	for (uint32_t i = 0; i < s->elems.n; i++)
		debug_elem(&s->info, &s->elems.v[i], i == 0, i + 1 < s->elems.n ? &s->elems.v[i + 1] : NULL,
			out);
	buf_putc(out, '\n');
}

static void put_chain_text(struct buf *out, const struct anon_chain *ch)
{
	buf_puts(out, "__chain%d\n");
	vec_foreach (r, &ch->rules) {
		code_text(r->code, out);
		buf_putc(out, '\n');
	}
}

void code_text(const struct code *c, struct buf *out)
{
	vec_foreach (s, &c->sets)
		put_set_text(out, s);
	vec_foreach (ch, &c->chains)
		put_chain_text(out, ch);
	debug_exprs(c, out);
}

/* ---- the rule ---- */

/* Which set holds which live list, and which value stands for a live scalar, is known when the rule is
 * compiled: listen. */
struct heard {
	char *param, *set;
};
struct scalar { /* in the place of a live value: the compiler asks it for the first one */
	struct live live;
	struct live *real;
	struct val asked_as, answer;
	const char *param;
};
struct listen {
	const struct rule_env *env;
	VEC(struct heard) heard;
	VEC(struct scalar *) scalars;
};

static void scalar_first(struct live *live, int family, struct val *out)
{
	struct scalar *s = container_of(live, struct scalar, live);

	s->real->ops->first(s->real, family, out);
	val_free(&s->answer);
	s->answer = val_copy(out);
}

static const struct live_ops scalar_ops = { .first = scalar_first };

static const struct set_info *listen_set(void *ctx, const char *name)
{
	const struct listen *l = ctx;

	return l->env->set ? l->env->set(l->env->ctx, name) : NULL;
}

static const struct val *listen_param(void *ctx, const char *name)
{
	struct listen *l = ctx;
	const struct val *v = l->env->param ? l->env->param(l->env->ctx, name) : NULL;
	struct scalar *s;

	if (!v || v->kind != VAL_LIVE)
		return v;
	vec_foreach (p, &l->scalars)
		if (!strcmp((*p)->param, name))
			return &(*p)->asked_as;
	s = xnew(struct scalar);
	s->live.ops = &scalar_ops;
	s->real = v->live;
	s->asked_as = (struct val){ .kind = VAL_LIVE, .live = &s->live };
	s->param = name;
	vec_push(&l->scalars, s);
	return &s->asked_as;
}

static uint32_t listen_ifindex(void *ctx, const char *name)
{
	const struct listen *l = ctx;

	return l->env->ifindex(l->env->ctx, name);
}

static const struct set_info *listen_live(void *ctx, const char *name, const struct nft_type *key)
{
	struct listen *l = ctx;
	const struct set_info *s = l->env->live_set ? l->env->live_set(l->env->ctx, name, key) : NULL;

	if (s)
		vec_push(&l->heard, (struct heard){ xstrdup(name), xstrdup(s->name) });
	return s;
}

static void hear(const struct ast_rule *r, struct listen *l)
{
	struct rule_env env = *l->env;
	struct code *code = NULL;
	_err_ struct err e = ERR_INIT;

	env.ctx = l;
	env.set = listen_set;
	env.param = listen_param;
	env.live_set = listen_live;
	env.set_at = env.param_at = NULL;
	env.ifindex = l->env->ifindex ? listen_ifindex : NULL;
	rule_compile(r, &env, &code, &e);
	code_free(code);
}

static bool has_live(const struct ast_rule *r, const struct rule_env *env)
{
	const struct val *v;

	for (unsigned i = 0; i < r->params.n; i++) {
		v = env->param ? env->param(env->ctx, r->params.v[i]) : NULL;
		if (v && v->kind == VAL_LIVE)
			return true;
	}
	return false;
}

/* Verdicts of a table of values, without the quotes of a string. */
static void put_verdicts(const struct val *v, struct buf *out)
{
	buf_puts(out, "{ ");
	for (uint32_t i = 0; i + 1 < v->n; i += 2) {
		const struct val *d = &v->list[i + 1];

		buf_puts(out, i ? ", " : "");
		val_text(&v->list[i], out);
		buf_puts(out, d->kind == VAL_OBJ ? " : jump " : " : ");
		buf_visible(out, d->str ? d->str : "", d->str ? strlen(d->str) : 0);
	}
	buf_puts(out, " }");
}

/* before: the word in front of $name */
static void put_param(
	const char *name, const struct listen *l, const char *before, bool inner, struct buf *out)
{
	const struct val *v = l->env->param ? l->env->param(l->env->ctx, name) : NULL;

	vec_foreach (h, &l->heard)
		if (!strcmp(h->param, name)) {
			buf_printf(out, "@%s", h->set);
			return;
		}
	vec_foreach (s, &l->scalars)
		if (!strcmp((*s)->param, name) && (*s)->answer.kind != VAL_NIL) {
			val_text(&(*s)->answer, out);
			return;
		}
	if (!v) {
		buf_printf(out, "$%s", name);
	} else if (v->kind == VAL_OBJ && *before && strcmp(before, "vmap") != 0 &&
		   strcmp(before, "map") != 0) {
		buf_puts(out, v->str ? v->str : "");
	} else if (v->kind == VAL_MAP && !strcmp(before, "vmap")) {
		put_verdicts(v, out);
	} else if (v->kind == VAL_STRING && !strcmp(before, "prefix")) {
		buf_quote(out, v->str ? v->str : "", v->str ? strlen(v->str) : 0);
	} else if (v->kind == VAL_LIST && inner) {
		for (uint32_t i = 0; i < v->n; i++) {
			buf_puts(out, i ? ", " : "");
			val_text(&v->list[i], out);
		}
	} else {
		val_text(v, out);
	}
}

/* Words behind which a value is written in a way of its own. */
static bool is_place(const char *s, size_t n)
{
	static const char *const words[] = { "jump", "goto", "name", "vmap", "map", "prefix" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i]) == n && !memcmp(words[i], s, n))
			return true;
	return false;
}

void rule_text(const struct ast_rule *r, const struct rule_env *env, struct buf *out)
{
	struct listen l = { .env = env };
	char before[16] = "";
	struct src src = { 0 };
	struct lexer lx;
	struct tok t;

	if (!r->params.n) {
		buf_puts(out, ast_text(r));
		return;
	}
	if (has_live(r, env))
		hear(r, &l);
	src.text = ast_text(r);
	src.len = (uint32_t)strlen(src.text);
	lex_init(&lx, &src);
	for (t = lex_next(&lx); t.kind != TOK_END; t = lex_next(&lx)) {
		const char *s = src.text + t.pos;
		unsigned n = t.end - t.pos;

		if (t.spaced && out->n && t.pos)
			buf_putc(out, ' ');
		if (t.kind == TOK_PARAM) {
			_autofree_ char *name = xstrndup(s, n);

			put_param(name, &l, before, lx.depth > 0, out);
		} else if (t.kind == TOK_STRING) {
			buf_putc(out, '"');
			buf_put(out, s, n);
			buf_putc(out, '"');
		} else {
			buf_put(out, s, n);
		}
		before[0] = '\0';
		if (t.kind == '@' || (t.kind == TOK_WORD && n < sizeof(before) && is_place(s, n)))
			snprintf(before, sizeof(before), "%.*s", (int)n, s);
	}
	vec_foreach (h, &l.heard) {
		free(h->param);
		free(h->set);
	}
	vec_free(&l.heard);
	vec_foreach (p, &l.scalars) {
		val_free(&(*p)->answer);
		free(*p);
	}
	vec_free(&l.scalars);
}
