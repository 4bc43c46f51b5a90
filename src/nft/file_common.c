// SPDX-License-Identifier: GPL-2.0-or-later
/* What may stand at the top and in every block: define, redefine, undefine, include. */
#include <errno.h>
#include <string.h>

#include "nft/file_impl.h"

/* ---- define, redefine, undefine ---- */

/* Where in the value the name stands, for the message. */
static void unknown_in(struct parser *p, const struct define_value *v, const char *name)
{
	size_t n = strlen(name);

	p_jump(p, v->pos);
	while (p->tok.kind != TOK_END && (p->tok.kind != TOK_PARAM || n != p->tok.end - p->tok.pos ||
						 memcmp(name, p->lx.src->text + p->tok.pos, n) != 0))
		p_advance(p);
	define_unknown(p, &p->tok);
}

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
	in.define = define_known;
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
		define_tree(&in);
	}
	for (uint32_t i = 0; i < r.params.n && !p->e->code; i++)
		if (!p->file->o.param || !p->file->o.param(p->file->o.ctx, r.params.v[i]))
			unknown_in(&in, v, r.params.v[i]);
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
	v.end = scan_rule(p->lx.src, v.pos, p->lx.end);
	while (v.pos < v.end && is_blank(p->lx.src->text[v.pos]))
		v.pos++;
	p_jump(p, v.pos);
	d = define_add(f, p->lx.src->text + name.pos, name.end - name.pos);
	if (!check_value(p, &v)) {
		d->broken = true;
		return false;
	}
	p_jump(p, v.end);
	if (f->scope)
		vec_push(&f->undo, (struct define_undo){ d, define_at(d, f->now) });
	vec_push(&f->values, v);
	define_bind(f, d, f->values.n);
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
	d = define_named(f, p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos);
	if (d && define_at(d, f->now)) {
		if (f->scope)
			vec_push(&f->undo, (struct define_undo){ d, define_at(d, f->now) });
		define_bind(f, d, 0);
		p->defs = f->now;
	}
	p_advance(p);
	return true;
}

/* ---- include ---- */

static bool read_include(struct parser *p, const struct block *b)
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
		ok &= read_source(f, i, b, p->depth);
	vec_free(&files);
	p->defs = f->now;
	return rc >= 0;
}

bool p_common(struct parser *p, const struct block *b, bool *more)
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
		return read_include(p, b);
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
