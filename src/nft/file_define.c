// SPDX-License-Identifier: GPL-2.0-or-later
/* What `define` and its like give names, at each place of the text. A value stays a place in the text; it is
 * parsed where it is used. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "nft/file_impl.h"

struct name_key {
	const char *s;
	size_t n;
};

static bool same_define(const void *item, const void *key)
{
	const struct define *d = item;
	const struct name_key *k = key;

	return strlen(d->name) == k->n && !memcmp(d->name, k->s, k->n);
}

struct define *define_named(const struct nft_file *f, const char *s, size_t n)
{
	return hmap_find(&f->defines, hash_bytes(s, n), same_define, &(struct name_key){ s, n });
}

/* The last event that had happened by then. */
uint32_t define_at(const struct define *d, uint32_t at)
{
	uint32_t lo = 0, hi = d->events.n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (d->events.v[mid].at <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? d->events.v[lo - 1].value : 0;
}

const struct define_value *define_find(const struct nft_file *f, uint32_t at, const char *s, size_t n)
{
	const struct define *d = f->order.n ? define_named(f, s, n) : NULL;
	uint32_t v = d ? define_at(d, at) : 0;

	return v ? &f->values.v[v - 1] : NULL;
}

void define_bind(struct nft_file *f, struct define *d, uint32_t value)
{
	vec_push(&d->events, (struct define_event){ ++f->now, value });
}

void scope_open(struct nft_file *f, uint32_t *save)
{
	*save = f->undo.n;
	f->scope++;
}

void scope_close(struct nft_file *f, uint32_t save)
{
	while (f->undo.n > save) {
		struct define_undo u = f->undo.v[--f->undo.n];

		define_bind(f, u.d, u.value);
	}
	f->scope--;
}

struct define *define_add(struct nft_file *f, const char *s, size_t n)
{
	struct define *d = define_named(f, s, n);

	if (!d) {
		d = xnew(struct define);
		d->name = arena_strdup(&f->decl.arena, s, n);
		hmap_put(&f->defines, hash_bytes(s, n), d);
		vec_push(&f->order, d);
	}
	return d;
}

void define_free(struct nft_file *f)
{
	vec_foreach (d, &f->order) {
		vec_free(&(*d)->events);
		free(*d);
	}
	vec_free(&f->order);
	vec_free(&f->values);
	vec_free(&f->undo);
	hmap_free(&f->defines);
}

static const char *param_next(void *ctx, size_t i)
{
	const struct nft_file *f = ctx;

	if (i < f->order.n)
		return f->order.v[i]->name;
	return f->o.param_at ? f->o.param_at(f->o.ctx, i - f->order.n) : NULL;
}

void *define_unknown(struct parser *p, const struct tok *t)
{
	char name[64];
	const struct define *d = define_named(p->file, p->lx.src->text + t->pos, t->end - t->pos);
	const char *near;
	int n = t->end - t->pos < sizeof(name) ? (int)(t->end - t->pos) : (int)sizeof(name) - 1;

	if (d && d->broken) {
		err_set(p->e, -ECANCELED, "its definition has an error");
		return NULL;
	}
	memcpy(name, p->lx.src->text + t->pos, (size_t)n);
	name[n] = '\0';
	near = suggest(name, param_next, p->file);
	if (near)
		return p_fail_at(
			p, t->pos - 1, t->end, "nothing defines $%s here; did you mean $%s?", name, near);
	return p_fail_at(p, t->pos - 1, t->end, "nothing defines $%s here", name);
}

/* ---- use ---- */

static void move_to(struct node *n, uint32_t pos, uint32_t end)
{
	for (; n; n = n->next) {
		n->pos = pos;
		n->end = end;
		move_to(n->a, pos, end);
		move_to(n->b, pos, end);
		move_to(n->c, pos, end);
		move_to(n->d, pos, end);
	}
}

static struct node *negative(struct parser *p)
{
	struct node *n = p_node(p, N_WORD, p->tok.pos);
	char *s;

	p_advance(p);
	if (p->tok.kind != TOK_WORD || !strchr("0123456789", p->lx.src->text[p->tok.pos]))
		return p_unexpected(p, "a number", NULL);
	s = arena_alloc(&p->r->arena, p->tok.end - p->tok.pos + 2);
	s[0] = '-';
	memcpy(s + 1, p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos);
	n->s = s;
	p_advance(p);
	return p_done(p, n);
}

/* All that p reads. */
struct node *define_tree(struct parser *p)
{
	struct node *n;

	p->loose = true;
	p_advance(p);
	n = p->tok.kind == '-'   ? negative(p)
	    : p->tok.kind == '{' ? parse_elems(p, false, false)
				 : parse_list(p);
	if (n && p->tok.kind != TOK_END)
		return p_unexpected(p, "the end of the value", NULL);
	return n;
}

/* The value's tree, as if it stood at pos. */
static struct node *value_tree(struct parser *p, const struct define_value *v, uint32_t pos, uint32_t end)
{
	struct parser in;
	struct node *n;

	if (!p_enter(p))
		return NULL;
	p->taken += v->end - v->pos;
	if (p->taken > FILE_RULE_MAX || arena_bytes(p->r->arena) > FILE_TREE_MAX)
		return p_fail_at(p, pos, end, "the values of the $names make this too large");
	parser_at(&in, p->file, p->r, v->file, v->pos, v->end, p->e);
	in.depth = p->depth;
	in.taken = p->taken;
	in.defs = v->at;
	in.colon_words = p->colon_words;
	n = define_tree(&in);
	p->taken = in.taken;
	if (n)
		move_to(n, pos, end);
	p_leave(p);
	return n;
}

/* A name may have a slash, a dot or a dash in it, which elsewhere part it from what follows: the longer one
 * counts where it is defined. */
static void whole_name(struct parser *p)
{
	const char *s = p->lx.src->text + p->tok.pos;
	uint32_t n = p->tok.end - p->tok.pos, all = n;

	while (p->tok.pos + all < p->lx.end && (isalnum((unsigned char)s[all]) || strchr("/-_.", s[all])))
		all++;
	if (all == n || !define_find(p->file, p->defs, s, all))
		return;
	p->tok.end = p->tok.pos + all;
	p->lx.pos = p->tok.end;
	p->have_ahead = false;
}

bool define_use(struct parser *p, struct node **out)
{
	uint32_t pos = p->tok.pos - 1;
	const struct define_value *v;

	*out = NULL;
	whole_name(p);
	v = define_find(p->file, p->defs, p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos);
	if (!v)
		return false;
	*out = value_tree(p, v, pos, p->tok.end);
	p_advance(p);
	return true;
}

bool define_known(struct parser *p, struct node **out)
{
	whole_name(p);
	if (!define_find(p->file, p->defs, p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos))
		return false;
	*out = p_node(p, N_WORD, p->tok.pos - 1);
	(*out)->s = "";
	p_advance(p);
	return true;
}

bool define_fill(struct parser *p, struct node *n)
{
	_buf_ struct buf b = BUF_INIT;
	const char *s = n->s;

	if (n->kind != N_STRING)
		return true;
	while (*s) {
		size_t len = strcspn(s, "$");
		const struct define_value *v;
		struct tok name = { 0 };
		struct node *val;

		buf_put(&b, s, len);
		s += len;
		if (!*s)
			break;
		name.pos = n->pos + 2 + (uint32_t)(s - n->s);
		for (len = 0; isalnum((unsigned char)s[1 + len]) || s[1 + len] == '_';)
			len++;
		name.end = name.pos + (uint32_t)len;
		v = define_find(p->file, p->defs, s + 1, len);
		if (!v)
			return define_unknown(p, &name);
		val = value_tree(p, v, name.pos - 1, name.end);
		if (!val)
			return false;
		if (val->kind != N_WORD && val->kind != N_STRING)
			return p_fail_at(p, name.pos - 1, name.end, "$%.*s is no text", (int)len, s + 1);
		buf_puts(&b, val->s);
		s += 1 + len;
	}
	n->s = arena_strdup(&p->r->arena, buf_str(&b), b.n);
	return true;
}

/* ---- text ---- */

struct fill {
	const struct nft_file *f;
	uint32_t at;
	unsigned depth;
};

static size_t fill_in(void *ctx, const char *s, size_t n, struct buf *out)
{
	const struct fill *fill = ctx;
	struct fill in = *fill;
	const struct define_value *v;
	struct src src = { .text = s, .len = (uint32_t)n };
	struct lexer lx;
	struct tok t;

	lex_init(&lx, &src);
	t = lex_next(&lx);
	if (t.kind != TOK_PARAM || fill->depth > PARSE_DEPTH_MAX || out->n > PARSE_TEXT_MAX)
		return 0;
	v = define_find(fill->f, fill->at, s + t.pos, t.end - t.pos);
	if (!v)
		return 0;
	in.at = v->at;
	in.depth++;
	text_squeeze(
		fill->f->sources.v[v->file]->src.text + v->pos, v->end - v->pos, NULL, fill_in, &in, out);
	return t.end;
}

char *file_rule_text(const struct ast_rule *r)
{
	struct fill fill = { r->file, r->defs, 0 };
	struct buf b = BUF_INIT;

	text_squeeze(r->src.text + r->from, r->to - r->from, r, fill_in, &fill, &b);
	return b.s ? buf_take(&b) : xstrdup("");
}
