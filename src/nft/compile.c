// SPDX-License-Identifier: GPL-2.0-or-later
/* Entry of the compiler and what its parts share: errors with their place, values of $names, references. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netlink.h>

#include <libnftnl/expr.h>

#include "base/hash.h"
#include "base/text.h"
#include "nft/ir.h"
#include "nft/live.h"

static void report(struct cc *c, const struct node *n, int code, const char *msg)
{
	struct src src = c->r->src;

	if (!c->r->file) {
		src.file = c->env->pos ? c->env->pos->file : NULL;
		src.line = c->env->pos ? c->env->pos->line : 1;
	}
	c->failed = true;
	src_error_code(&src, n->pos, n->end, c->e, code, msg);
}

void *cc_error(struct cc *c, const struct node *n, const char *fmt, ...)
{
	char msg[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	report(c, n, -EINVAL, msg);
	return NULL;
}

void *cc_error_code(struct cc *c, const struct node *n, int code, const char *fmt, ...)
{
	char msg[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	report(c, n, code, msg);
	return NULL;
}

const struct val *cc_param(struct cc *c, const struct node *n)
{
	const struct val *v = c->env->param ? c->env->param(c->env->ctx, n->s) : NULL;
	const char *near;

	near = !v && c->env->param_at ? suggest(n->s, c->env->param_at, c->env->ctx) : NULL;
	if (!v && !near && c->r->file)
		near = suggest(n->s, file_define_next, c->r->file);
	if (near)
		return cc_error(c, n, "$%s has no value; did you mean $%s?", n->s, near);
	if (!v)
		return cc_error(c, n, "$%s has no value, nobody gave one", n->s);
	if (v->kind == VAL_NIL)
		return cc_error_code(c, n, -ENODATA, "$%s has no value now", n->s);
	return v;
}

/* A live value where one is needed: its first. */
static bool first_of(struct cc *c, const struct node *n, const struct val **v, struct val *tmp)
{
	if ((*v)->kind != VAL_LIVE)
		return true;
	*tmp = (struct val){ .kind = VAL_NIL };
	if ((*v)->live)
		(*v)->live->ops->first((*v)->live, 0, tmp);
	if (tmp->kind == VAL_NIL) {
		cc_error_code(c, n, -ENODATA, "$%s is empty now", n->s);
		return false;
	}
	*v = tmp;
	return true;
}

bool cc_number(struct cc *c, const struct node *n, uint64_t max, uint64_t *out)
{
	struct val tmp = { 0 };
	const struct val *v;
	bool ok = false;

	if (n->kind == N_WORD || n->kind == N_STRING) {
		if (datatype_number(n->s, max, out))
			return true;
		if (datatype_number(n->s, UINT64_MAX, out))
			cc_error(c, n, "%s is too large, at most %llu", n->s, (unsigned long long)max);
		else
			cc_error(c, n, "expected a number");
		return false;
	}
	if (n->kind != N_PARAM) {
		cc_error(c, n, "expected a number");
		return false;
	}
	v = cc_param(c, n);
	if (!v || !first_of(c, n, &v, &tmp))
		return false;
	if (v->kind == VAL_INT && v->num >= 0 && (uint64_t)v->num <= max) {
		*out = (uint64_t)v->num;
		ok = true;
	} else if (v->kind == VAL_STRING && v->str) {
		ok = parse_u64(v->str, max, out);
	}
	val_free(&tmp);
	if (!ok)
		cc_error(c, n, "$%s is not a number between 0 and %llu", n->s, (unsigned long long)max);
	return ok;
}

bool cc_time(struct cc *c, const struct node *n, uint64_t *ms)
{
	const struct val *v;
	bool ok = false;

	if (n->kind == N_PARAM) {
		v = cc_param(c, n);
		if (!v)
			return false;
		if (v->kind == VAL_INT && v->num >= 0 && v->num < INT64_MAX / 1000) {
			*ms = (uint64_t)v->num * 1000;
			ok = true;
		} else if (v->kind == VAL_STRING && v->str) {
			ok = duration_parse(v->str, ms);
		}
	} else if (n->kind == N_WORD || n->kind == N_STRING) {
		ok = duration_parse(n->s, ms);
	}
	if (!ok)
		cc_error(c, n, "expected a duration like 30s or 1h30m");
	return ok;
}

const char *cc_text(struct cc *c, const struct node *n, size_t max, const char *what)
{
	const struct val *v;
	const char *s = n->s;
	_buf_ struct buf b = BUF_INIT;

	if (n->kind == N_PARAM) {
		v = cc_param(c, n);
		if (!v)
			return NULL;
		if (v->kind == VAL_INT) {
			buf_printf(&b, "%lld", (long long)v->num);
			s = arena_strdup(&c->arena, buf_str(&b), b.n);
		} else if (v->kind == VAL_STRING && v->str) {
			s = arena_strdup(&c->arena, v->str, strlen(v->str));
		} else {
			return cc_error(c, n, "$%s is not a text", n->s);
		}
	} else if (n->kind != N_WORD && n->kind != N_STRING) {
		return cc_error(c, n, "expected %s", what);
	}
	if (!*s)
		return cc_error(c, n, "%s is empty", what);
	if (strlen(s) > max)
		return cc_error(c, n, "%s is longer than %zu bytes", what, max);
	if (!text_is_clean(s, strlen(s)))
		return cc_error(c, n, "%s has control bytes or is no UTF-8", what);
	return s;
}

bool cc_handle(struct cc *c, const struct node *n, const struct val *v, unsigned kind)
{
	if (v->kind != VAL_OBJ || v->obj_kind == kind)
		return true;
	return cc_error(c, n, "$%s is a %s, a %s must stand here", n->s, obj_kind_word(v->obj_kind),
		obj_kind_word((enum obj_kind)kind));
}

bool cc_name(struct cc *c, const struct node *n, unsigned kind, char out[NFT_NAME_MAXLEN])
{
	const char *word = obj_kind_word((enum obj_kind)kind), *s;
	const struct val *v = n->kind == N_PARAM ? cc_param(c, n) : NULL;
	char what[64];

	if (n->kind == N_PARAM && (!v || !cc_handle(c, n, v, kind)))
		return false;
	snprintf(what, sizeof(what), "the name of a %s", word);
	s = v && v->kind == VAL_OBJ && v->str ? v->str : cc_text(c, n, 127, what);
	if (!s)
		return false;
	snprintf(out, NFT_NAME_MAXLEN, "%s", s);
	return true;
}

void cc_ref(struct cc *c, enum ref_kind kind, uint32_t obj_type, const char *name)
{
	struct ref r = { .kind = kind, .obj_type = obj_type };

	if (c->code->refs.n && c->code->refs.n < 64)
		vec_foreach (it, &c->code->refs)
			if (it->kind == kind && it->obj_type == obj_type && !strcmp(it->name, name))
				return;
	snprintf(r.name, sizeof(r.name), "%s", name);
	vec_push(&c->code->refs, r);
}

const struct set_info *cc_set(struct cc *c, const struct node *n, const char *name)
{
	const struct set_info *s;
	const char *near;

	cc_ref(c, REF_SET, 0, name);
	s = c->env->set ? c->env->set(c->env->ctx, name) : NULL;
	near = !s && c->env->set_at ? suggest(name, c->env->set_at, c->env->ctx) : NULL;
	if (!s && c->env->table)
		return cc_error_code(c, n, -ENOENT, "there is no set '%s' in table %s %s%s%s%s", name,
			nft_family_name(c->env->family), c->env->table, near ? "; did you mean '" : "",
			near ? near : "", near ? "'?" : "");
	if (near)
		return cc_error_code(c, n, -ENOENT,
			"set @%s is not stated, or nobody gave its type; did you mean @%s?", name, near);
	if (!s)
		return cc_error_code(c, n, -ENOENT, "set @%s is not stated, or nobody gave its type", name);
	return s;
}

struct ex *ex_new(struct cc *c, enum ex_kind kind, const struct node *n)
{
	struct ex *x = arena_alloc(&c->arena, sizeof(*x));

	x->kind = kind;
	x->node = n;
	x->set.anon = -1;
	return x;
}

struct st *st_add(struct cc *c, const struct node *n)
{
	struct st *s = arena_alloc(&c->arena, sizeof(*s));

	s->node = n;
	*c->tail = s;
	c->tail = &s->next;
	return s;
}

struct st *st_match(struct cc *c, const struct node *n, enum match_op op, struct ex *a, struct ex *b)
{
	struct st *s = st_add(c, n);

	s->match = true;
	s->op = op;
	s->a = a;
	s->b = b;
	return s;
}

#define EXPR_BYTES_MAX 2048 /* no expression takes so much */

static uint64_t hash_expr(uint64_t h, struct nftnl_expr *e, uint8_t buf[EXPR_BYTES_MAX])
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;

	nlh->nlmsg_len = sizeof(*nlh);
	nftnl_expr_build_payload(nlh, e);
	h = hash_stable(h, name, strlen(name) + 1);
	h = hash_stable(h, buf, nlh->nlmsg_len);
	memset(buf, 0, nlh->nlmsg_len); /* libmnl leaves the bytes between attributes as they are */
	return h;
}

static void hash_code(struct code *code)
{
	uint64_t h = 0x726e6d;
	uint8_t buf[EXPR_BYTES_MAX] __attribute__((aligned(8))) = { 0 };

	vec_foreach (it, &code->exprs)
		h = hash_expr(h, *it, buf);
	vec_foreach (s, &code->sets) {
		uint32_t head[4] = { s->info.flags, nft_type_id(&s->info.key), nft_type_len(&s->info.key),
			s->elems.n };

		h = hash_stable(h, head, sizeof(head));
		vec_foreach (el, &s->elems) {
			h = hash_stable(h, el->key, el->klen);
			if (el->interval)
				h = hash_stable(h, el->key_end, el->klen);
			h = hash_stable(h, el->data, el->dlen);
			h = hash_stable(h, &el->verdict_code, sizeof(el->verdict_code));
			h = hash_stable(h, el->target, strlen(el->target) + 1);
			if (el->comment)
				h = hash_stable(h, el->comment, strlen(el->comment) + 1);
			for (unsigned i = 0; i < el->n_exprs; i++)
				h = hash_expr(h, el->exprs[i], buf);
		}
	}
	vec_foreach (ch, &code->chains) {
		h = hash_stable(h, &ch->rules.n, sizeof(ch->rules.n));
		vec_foreach (r, &ch->rules) {
			h = hash_stable(h, &r->code->hash, sizeof(r->code->hash));
			if (r->comment)
				h = hash_stable(h, r->comment, strlen(r->comment) + 1);
		}
	}
	code->hash = h;
}

static struct arena_block *spare; /* kept from one compilation to the next */

struct code *compile_rule(const struct ast_rule *r, const struct node *stmts, const struct rule_env *env,
	const struct cc *outer, struct err *e)
{
	struct cc c = { .r = r, .env = env, .e = e, .depth = outer ? outer->depth + 1 : 0, .arena = spare };

	spare = NULL;
	c.code = xnew(struct code);
	c.code->places = PLACE_ANY;
	c.tail = &c.first;
	dep_init(&c);
	for (const struct node *n = stmts; n && !c.failed; n = n->next) {
		c.cur = n;
		if (!compile_stmt(&c, n) && !c.failed)
			cc_error(&c, n, "this statement cannot be compiled");
	}
	if (!c.failed) {
		reduce(&c);
		if (!gen(&c) && !c.failed)
			cc_error(&c, stmts, "this rule cannot be compiled");
	}
	arena_reset(&c.arena);
	if (spare) /* one was lent to a rule in braces, or to what a live value asked for */
		arena_free(&c.arena);
	else
		spare = c.arena;
	if (c.failed) {
		code_free(c.code);
		return NULL;
	}
	if (!env->no_hash)
		hash_code(c.code);
	return c.code;
}

int rule_compile(const struct ast_rule *r, const struct rule_env *env, struct code **out, struct err *e)
{
	_err_ struct err local = ERR_INIT;

	*out = compile_rule(r, r->stmts, env, NULL, &local);
	if (*out)
		return 0;
	return err_set(e, local.code ? local.code : -EINVAL, "%s", err_text(&local));
}

void code_free(struct code *c)
{
	if (!c)
		return;
	vec_foreach (it, &c->exprs)
		nftnl_expr_free(*it);
	vec_foreach (s, &c->sets) {
		vec_foreach (it, &s->exprs)
			nftnl_expr_free(*it);
		vec_free(&s->exprs);
		vec_free(&s->elems);
	}
	vec_foreach (ch, &c->chains) {
		vec_foreach (r, &ch->rules)
			code_free(r->code);
		vec_free(&ch->rules);
	}
	vec_free(&c->exprs);
	vec_free(&c->sets);
	vec_free(&c->chains);
	vec_free(&c->refs);
	free(c);
}
