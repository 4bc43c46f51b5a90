// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists of elements, one after the other: what one element was made of is gone before the next comes. */
#include <errno.h>
#include <string.h>

#include "base/inet.h"
#include "nft/datatype.h"
#include "nft/file_impl.h"

#define KEEP_BYTES (32 * 1024) /* of elements that are done with */

static bool tell(struct elem_walk *w, const struct node *el)
{
	if (!w->fn)
		return true;
	w->stopped = w->fn(w->ctx, w->r, el);
	return !w->stopped;
}

static void forget(struct elem_walk *w)
{
	if (arena_bytes(w->r->arena) > KEEP_BYTES) {
		arena_reset(&w->r->arena);
		w->r->params.n = 0;
	}
}

/* $name alone as an element, that stands for a list in the text: gone through in its place. */
static bool walk_define(struct parser *p, struct elem_walk *w, const struct define_value *v)
{
	struct parser in;
	bool ok;

	w->bytes += v->end - v->pos;
	if (w->bytes > FILE_ELEMS_MAX + 2 * p->file->bytes) {
		p_fail_at(p, p->tok.pos - 1, p->tok.end, "the values of the $names make this list too long");
		return false;
	}
	if (!p_enter(p))
		return false;
	parser_at(&in, p->file, w->r, v->file, v->pos, v->end, p->e);
	in.depth = p->depth;
	in.defs = v->at;
	in.loose = true;
	in.colon_words = p->colon_words;
	p_advance(&in);
	ok = walk_braces(&in, w);
	p_leave(p);
	if (ok)
		p_advance(p);
	return ok;
}

static const struct define_value *list_here(struct parser *p)
{
	const struct define_value *v;
	const struct tok *next;

	if (p->tok.kind != TOK_PARAM || p->define != define_use)
		return NULL;
	next = p_peek(p);
	if (next->kind != ',' && next->kind != '}' && next->kind != TOK_END)
		return NULL;
	v = define_find(p->file, p->defs, p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos);
	return v && p->file->sources.v[v->file]->src.text[v->pos] == '{' ? v : NULL;
}

/* A list of the caller's values. */
static const struct val *vals_here(struct parser *p)
{
	const struct nft_file_opts *o = &p->file->o;
	_autofree_ char *name = NULL;
	const struct val *v;

	if (p->tok.kind != TOK_PARAM || !o->param)
		return NULL;
	if (define_find(p->file, p->defs, p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos))
		return NULL;
	name = xstrndup(p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos);
	v = o->param(o->ctx, name);
	return v && (v->kind == VAL_LIST || v->kind == VAL_MAP) ? v : NULL;
}

static bool walk_vals(struct parser *p, struct elem_walk *w, const struct val *v)
{
	uint32_t pos = p->tok.pos - 1, end = p->tok.end, step = v->kind == VAL_MAP ? 2 : 1;

	for (uint32_t i = 0; i + step <= v->n; i += step) {
		struct node *el = val_elem(p, &v->list[i], step == 2 ? &v->list[i + 1] : NULL, pos, end);

		if (!el || !tell(w, el))
			return false;
		forget(w);
	}
	p_advance(p);
	return true;
}

/* An IPv4 address alone, as in long lists: there is no tree to be made of it. */
static bool plain_here(struct parser *p, const struct elem_walk *w, uint8_t addr[4])
{
	const char *text = p->lx.src->text;
	int next;

	if (p->tok.kind != TOK_WORD || (w->fn && !w->plain) ||
		ipv4_scan(text + p->tok.pos, addr) != text + p->tok.end)
		return false;
	next = p_peek(p)->kind;
	return next == ',' || next == '}';
}

static bool tell_plain(struct elem_walk *w, const uint8_t addr[4])
{
	if (w->plain)
		w->stopped = w->plain(w->ctx, addr);
	return !w->stopped;
}

static const char *behind_blanks(const char *s)
{
	while (*s == ' ' || *s == '\t' || *s == '\n')
		s++;
	return s;
}

/* With those that follow, between commas and blanks: without tokens. */
static bool walk_plain(struct parser *p, struct elem_walk *w, uint8_t addr[4])
{
	const char *text = p->lx.src->text, *end = text + p->lx.end;

	if (!tell_plain(w, addr))
		return false;
	while (p->ahead.kind == ',') {
		const char *comma = ipv4_scan(behind_blanks(text + p->lx.pos), addr);

		comma = comma ? behind_blanks(comma) : end;
		if (comma >= end || *comma != ',')
			break;
		if (!tell_plain(w, addr))
			return false;
		p->lx.pos = (uint32_t)(comma + 1 - text);
	}
	p_advance(p);
	return true;
}

static bool walk_one(struct parser *p, struct elem_walk *w)
{
	const struct define_value *d = list_here(p);
	const struct val *v;
	struct node *el, *list = NULL;
	uint64_t n = 0;

	if (d)
		return walk_define(p, w, d);
	if (p->tok.kind == '{')
		return walk_braces(p, w);
	v = vals_here(p);
	if (v)
		return walk_vals(p, w, v);
	el = parse_elem(p, false, false);
	if (!el)
		return false;
	if (el->a->kind != N_SET) {
		if (!tell(w, el))
			return false;
	} else {
		elem_flatten(el, &list, &n);
		for (; list; list = list->next)
			if (!tell(w, list))
				return false;
	}
	forget(w);
	return true;
}

bool walk_braces(struct parser *p, struct elem_walk *w)
{
	if (!p_enter(p))
		return false;
	p->loose = true;
	for (p_advance(p); p->tok.kind != '}';) {
		uint8_t addr[4];

		p->taken = 0;
		if (!(plain_here(p, w, addr) ? walk_plain(p, w, addr) : walk_one(p, w)))
			return false;
		if (!p_commas(p))
			break;
	}
	p_leave(p);
	return p_expect(p, '}', "`,` or `}`");
}

static bool has_colons(const struct nft_type *t)
{
	for (unsigned i = 0; t && i < t->n; i++)
		if (t->part[i] && (t->part[i]->id == DT_CLASSID || t->part[i]->id == DT_TIME_HOUR))
			return true;
	return false;
}

int file_elems(struct nft_file *f, const struct file_cmd *cmd, const struct nft_type *key,
	int (*fn)(void *ctx, struct ast_rule *holder, const struct node *el), void *ctx, struct err *e)
{
	return file_elems_plain(f, cmd, key, fn, NULL, ctx, e);
}

int file_elems_plain(struct nft_file *f, const struct file_cmd *cmd, const struct nft_type *key,
	int (*fn)(void *ctx, struct ast_rule *holder, const struct node *el),
	int (*plain)(void *ctx, const uint8_t addr[4]), void *ctx, struct err *e)
{
	_err_ struct err local = ERR_INIT;
	struct ast_rule *r = xnew(struct ast_rule);
	struct elem_walk w = { .f = f, .r = r, .fn = fn, .plain = plain, .ctx = ctx };
	struct parser p;
	int rc = 0;

	r->refs = 1;
	r->src = f->sources.v[cmd->file]->src;
	r->from = cmd->elems.body;
	r->to = cmd->elems.body_end;
	r->source = cmd->file;
	r->defs = cmd->defs;
	r->file = f;
	f->refs++;
	parser_at(&p, f, r, cmd->file, r->from, r->to, &local);
	p.defs = cmd->defs;
	p.colon_words = has_colons(key);
	p_advance(&p);
	if (!walk_one(&p, &w))
		rc = w.stopped ? w.stopped : err_set(e, local.code, "%s", err_text(&local));
	ast_put(r);
	return rc;
}
