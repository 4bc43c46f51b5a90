// SPDX-License-Identifier: GPL-2.0-or-later
/* What `define` and its like give names, at each place of the text. A value stays a place in the text; it is
 * parsed where it is used. */
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

static struct define *find(const struct nft_file *f, const char *s, size_t n)
{
	return hmap_find(&f->defines, hash_bytes(s, n), same_define, &(struct name_key){ s, n });
}

/* The last event that had happened by then. */
static uint32_t value_at(const struct define *d, uint32_t at)
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
	const struct define *d = f->order.n ? find(f, s, n) : NULL;
	uint32_t v = d ? value_at(d, at) : 0;

	return v ? &f->values.v[v - 1] : NULL;
}

static void bind(struct nft_file *f, struct define *d, uint32_t value)
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

		bind(f, u.d, u.value);
	}
	f->scope--;
}

static struct define *define_of(struct nft_file *f, const char *s, size_t n)
{
	struct define *d = find(f, s, n);

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
	const char *near;
	int n = t->end - t->pos < sizeof(name) ? (int)(t->end - t->pos) : (int)sizeof(name) - 1;

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

	p_advance(p);
	if (p->tok.kind != TOK_WORD || p->tok.spaced || !strchr("0123456789", p->lx.src->text[p->tok.pos]))
		return p_unexpected(p, "a number", NULL);
	n->s = arena_strdup(&p->r->arena, p->lx.src->text + n->pos, p->tok.end - n->pos);
	p_advance(p);
	return p_done(p, n);
}

/* All that p reads. */
static struct node *whole_value(struct parser *p)
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

bool define_use(struct parser *p, struct node **out)
{
	struct nft_file *f = p->file;
	uint32_t pos = p->tok.pos - 1, end = p->tok.end;
	const struct define_value *v =
		define_find(f, p->defs, p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos);
	struct parser in;

	*out = NULL;
	if (!v)
		return false;
	if (!p_enter(p))
		return true;
	p->taken += v->end - v->pos;
	if (p->taken > FILE_RULE_MAX || arena_bytes(p->r->arena) > FILE_TREE_MAX) {
		p_fail_at(p, pos, end, "the values of the $names make this too large");
		return true;
	}
	parser_at(&in, f, p->r, v->file, v->pos, v->end, p->e);
	in.depth = p->depth;
	in.taken = p->taken;
	in.defs = v->at;
	in.colon_words = p->colon_words;
	*out = whole_value(&in);
	p->taken = in.taken;
	if (*out)
		move_to(*out, pos, end);
	p_leave(p);
	p_advance(p);
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

/* ---- define, redefine, undefine ---- */

/* Looked through once, where it stands, so that errors in it are told there. */
static bool check_value(struct parser *p, const struct define_value *v)
{
	struct ast_rule r = { .refs = 1 };
	struct elem_walk w = { .f = p->file, .r = &r };
	struct parser in;

	parser_at(&in, p->file, &r, v->file, v->pos, v->end, p->e);
	in.depth = p->depth;
	in.defs = v->at;
	in.colon_words = true;
	in.loose = true;
	p_advance(&in);
	if (in.tok.kind == TOK_END) {
		p_unexpected(p, "a value", NULL);
	} else if (in.tok.kind == '{') {
		if (walk_braces(&in, &w) && in.tok.kind != TOK_END)
			p_unexpected(&in, "the end of the value", NULL);
	} else {
		lex_init(&in.lx, in.lx.src);
		in.lx.pos = v->pos;
		in.lx.end = v->end;
		whole_value(&in);
	}
	arena_free(&r.arena);
	vec_free(&r.params);
	vec_free(&r.breaks);
	return !p->e->code;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool read_define(struct parser *p, bool again)
{
	struct nft_file *f = p->file;
	struct define_value v = { .file = p->source, .at = f->now };
	struct tok name;
	struct define *d;

	p_advance(p);
	name = p->tok;
	if (name.kind != TOK_WORD) {
		p_unexpected(p, "a name", NULL);
		return false;
	}
	p_advance(p);
	if (p->tok.kind != '=') {
		p_unexpected(p, "`=`", NULL);
		return false;
	}
	if (!again && define_find(f, f->now, p->lx.src->text + name.pos, name.end - name.pos)) {
		p_fail_at(p, name.pos, name.end, "%.*s is defined already, use `redefine` for a new value",
			(int)(name.end - name.pos), p->lx.src->text + name.pos);
		return false;
	}
	if (f->values.n >= FILE_DEFINES_MAX) {
		p_fail_at(p, name.pos, name.end, "more than %u defines", FILE_DEFINES_MAX);
		return false;
	}
	v.pos = p->tok.end;
	v.end = scan_statement(p->lx.src, v.pos, p->lx.end);
	while (v.pos < v.end && is_blank(p->lx.src->text[v.pos]))
		v.pos++;
	p_jump(p, v.pos);
	if (!check_value(p, &v))
		return false;
	p_jump(p, v.end);
	d = define_of(f, p->lx.src->text + name.pos, name.end - name.pos);
	if (f->scope)
		vec_push(&f->undo, (struct define_undo){ d, value_at(d, f->now) });
	vec_push(&f->values, v);
	bind(f, d, f->values.n);
	p->defs = f->now;
	return true;
}

static bool read_undefine(struct parser *p)
{
	struct nft_file *f = p->file;
	struct define *d;

	p_advance(p);
	if (p->tok.kind != TOK_WORD) {
		p_unexpected(p, "a name", NULL);
		return false;
	}
	d = find(f, p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos);
	if (d && value_at(d, f->now)) {
		if (f->scope)
			vec_push(&f->undo, (struct define_undo){ d, value_at(d, f->now) });
		bind(f, d, 0);
		p->defs = f->now;
	}
	p_advance(p);
	return true;
}

/* ---- include ---- */

static bool read_include(struct parser *p, stmt_fn *fn, void *ctx)
{
	struct nft_file *f = p->file;
	const struct source *self = f->sources.v[p->source];
	_err_ struct err e = ERR_INIT;
	include_files files = { 0 };
	_autofree_ char *pattern = NULL;
	uint32_t pos, end, first;
	bool ok = true;
	int rc;

	p_advance(p);
	pos = p->tok.pos;
	end = p->tok.end;
	if (p->tok.kind != TOK_STRING) {
		p_unexpected(p, "the file's name in quotes", NULL);
		return false;
	}
	if (!f->o.include) {
		p_fail_at(p, pos - 1, end + 1, "files can not be included here");
		return false;
	}
	if (self->depth >= FILE_INCLUDE_DEPTH) {
		p_fail_at(p, pos - 1, end + 1, "%d files include one another: does one include itself?",
			FILE_INCLUDE_DEPTH);
		return false;
	}
	pattern = xstrndup(p->lx.src->text + pos, end - pos);
	p_advance(p);
	if (!p_separator(p)) {
		p_unexpected(p, "`;` or a new line", NULL);
		return false;
	}
	rc = f->o.include(f->o.ctx, pattern, self->src.file, &files, &e);
	if (rc < 0)
		p_err(p, pos - 1, end + 1, &e);
	first = f->sources.n;
	vec_foreach (it, &files) {
		if (rc >= 0 && f->n_included++ >= FILE_INCLUDE_MAX)
			rc = src_error(p->lx.src, pos - 1, end + 1, p->e, "more than %d files are included",
				FILE_INCLUDE_MAX);
		else if (rc >= 0 && f->bytes + it->len > FILE_BYTES_MAX)
			rc = src_error(p->lx.src, pos - 1, end + 1, p->e,
				"all files together have more than %u bytes", FILE_BYTES_MAX);
		if (rc >= 0) {
			source_add(f, it->name, it->text, it->len, self->depth + 1);
		} else {
			free(it->name);
			free(it->text);
		}
	}
	for (uint32_t i = first, to = rc >= 0 ? f->sources.n : first; i < to; i++)
		ok &= read_source(f, i, fn, ctx, p->depth);
	vec_free(&files);
	p->defs = f->now;
	return rc >= 0;
}

bool p_common(struct parser *p, stmt_fn *fn, void *ctx, bool *more)
{
	bool again = p_is(p, "redefine");

	*more = false;
	if (p->tok.kind != TOK_WORD)
		return *more = true;
	if (again || p_is(p, "define"))
		return read_define(p, again);
	if (p_is(p, "undefine"))
		return read_undefine(p);
	if (p_is(p, "include"))
		return read_include(p, fn, ctx);
	return *more = true;
}

bool define_option(struct nft_file *f, const char *text)
{
	const char *eq = strchr(text, '=');
	_err_ struct err e = ERR_INIT;
	_buf_ struct buf b = BUF_INIT;
	struct parser p;
	struct source *s;

	if (!eq || eq == text) {
		err_set(&e, -EINVAL, "-D %s: expected NAME=VALUE", text);
		errlist_add(f->errs, 0, 0, &e);
		return false;
	}
	buf_printf(&b, "define %.*s = %s", (int)(eq - text), text, eq + 1);
	s = source_add(f, xstrdup("-D"), xstrdup(buf_str(&b)), b.n, 0);
	parser_at(&p, f, &f->decl, f->sources.n - 1, 0, s->src.len, &e);
	p.lx.newlines = true;
	p_advance(&p);
	if (!read_define(&p, true) || p.tok.kind != TOK_END) {
		if (!e.code)
			p_unexpected(&p, "the end of the value", NULL);
		errlist_add(f->errs, 0, 0, &e);
		return false;
	}
	return true;
}
