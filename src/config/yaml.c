// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <yaml.h>

#include "base/err.h"
#include "config/yaml.h"

/* ---- problems ---- */

static void problem_add(struct problems *p, unsigned line, unsigned col, const char *fmt, va_list ap)
{
	_buf_ struct buf text = BUF_INIT;
	char *s;

	if (p->n++ >= PROBLEMS_MAX || vasprintf(&s, fmt, ap) < 0)
		return;
	/* file contents and names stand in these texts: a line stays a line, a terminal stays as it is */
	for (const char *c = s; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			buf_printf(&text, "\\x%02x", (unsigned)(unsigned char)*c);
		else
			buf_putc(&text, *c);
	}
	free(s);
	vec_push(&p->list, (struct problem){ line, col, p->n, buf_take(&text) });
}

void problem_at(struct problems *p, unsigned line, unsigned col, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problem_add(p, line, col, fmt, ap);
	va_end(ap);
}

void problem(struct problems *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problem_add(p, 0, 0, fmt, ap);
	va_end(ap);
}

static int by_place(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	if (x->col != y->col)
		return x->col < y->col ? -1 : 1;
	return x->seq < y->seq ? -1 : 1;
}

int problems_end(struct problems *p, struct err *e)
{
	_buf_ struct buf all = BUF_INIT;
	int rc = 0;

	if (p->list.n)
		qsort(p->list.v, p->list.n, sizeof(*p->list.v), by_place);
	vec_foreach (it, &p->list) {
		buf_printf(&all, "%s%s", all.n ? "\n" : "", p->file);
		if (it->line)
			buf_printf(&all, ":%u:%u", it->line, it->col);
		buf_printf(&all, ": %s", it->text);
		free(it->text);
	}
	if (p->n > PROBLEMS_MAX)
		buf_printf(&all, "\n%s: and %u more problems", p->file, p->n - PROBLEMS_MAX);
	if (p->n)
		rc = err_set(e, -EINVAL, "%s", buf_str(&all));
	vec_free(&p->list);
	p->n = 0;
	return rc;
}

/* ---- the tree ---- */

#define ANCHORS_MAX 1000u

struct anchor {
	char *name;
	struct ynode node; /* a copy: the tree's own nodes move while it grows */
};
struct maker {
	yaml_parser_t parser;
	const char *data;
	size_t len;
	struct problems *p;
	uint32_t nodes;
	size_t text;
	VEC(struct anchor) anchors;
};

static void ynode_clear(struct ynode *n)
{
	for (uint32_t i = 0; i < n->n; i++) {
		ynode_clear(&n->items[i]);
		if (n->keys)
			free(n->keys[i].name);
	}
	free(n->items);
	free(n->keys);
	free(n->text);
}

void ynode_free(struct ynode *n)
{
	if (!n)
		return;
	ynode_clear(n);
	free(n);
}

bool ynode_is_null(const struct ynode *n)
{
	return n->kind == Y_SCALAR && n->plain &&
	       (!*n->text || !strcmp(n->text, "~") || !strcmp(n->text, "null") || !strcmp(n->text, "Null") ||
		       !strcmp(n->text, "NULL"));
}

const char *ynode_kind(const struct ynode *n)
{
	switch (n->kind) {
	case Y_SCALAR: return ynode_is_null(n) ? "nothing" : "a single value";
	case Y_LIST: return "a list";
	case Y_MAP: return "a mapping";
	}
	return "?";
}

static unsigned mark_line(const yaml_mark_t *m)
{
	return (unsigned)m->line + 1;
}

static unsigned mark_col(const yaml_mark_t *m)
{
	return (unsigned)m->column + 1;
}

static bool count_node(struct maker *mk, const yaml_mark_t *at)
{
	if (mk->nodes++ < YAML_NODES_MAX)
		return true;
	problem_at(mk->p, mark_line(at), mark_col(at), "more than %u values (aliases count each time)",
		YAML_NODES_MAX);
	return false;
}

static bool count_text(struct maker *mk, const yaml_mark_t *at, size_t len)
{
	mk->text += len;
	if (mk->text <= YAML_TEXT_MAX)
		return true;
	problem_at(mk->p, mark_line(at), mark_col(at), "more than %u bytes of text (aliases count each time)",
		YAML_TEXT_MAX);
	return false;
}

static bool too_deep(struct maker *mk, const yaml_mark_t *at, unsigned depth)
{
	if (depth <= YAML_DEPTH_MAX)
		return false;
	problem_at(mk->p, mark_line(at), mark_col(at), "nested deeper than %u levels", YAML_DEPTH_MAX);
	return true;
}

/* What an alias stands for, copied to its place. */
static bool copy_node(
	struct maker *mk, const yaml_mark_t *at, struct ynode *to, const struct ynode *from, unsigned depth)
{
	if (too_deep(mk, at, depth) || !count_node(mk, at) ||
		!count_text(mk, at, from->text ? strlen(from->text) : 0))
		return false;
	*to = (struct ynode){
		.kind = from->kind, .line = from->line, .col = from->col, .plain = from->plain
	};
	if (from->text)
		to->text = xstrdup(from->text);
	if (!from->n)
		return true;
	to->cap = from->n;
	to->items = xcalloc(from->n, sizeof(*to->items));
	if (from->keys)
		to->keys = xcalloc(from->n, sizeof(*to->keys));
	for (uint32_t i = 0; i < from->n; i++) {
		if (from->keys) {
			to->keys[i] = from->keys[i];
			to->keys[i].name = xstrdup(from->keys[i].name);
			if (!count_text(mk, at, strlen(from->keys[i].name))) {
				to->n = i + 1;
				return false;
			}
		}
		to->n = i + 1;
		if (!copy_node(mk, at, &to->items[i], &from->items[i], depth + 1))
			return false;
	}
	return true;
}

static struct ynode *add_item(struct ynode *to)
{
	if (to->n == to->cap) {
		to->cap = to->cap ? 2 * to->cap : 4;
		to->items = xrealloc(to->items, to->cap, sizeof(*to->items));
		if (to->kind == Y_MAP)
			to->keys = xrealloc(to->keys, to->cap, sizeof(*to->keys));
	}
	memset(&to->items[to->n], 0, sizeof(*to->items));
	if (to->kind == Y_MAP)
		memset(&to->keys[to->n], 0, sizeof(*to->keys));
	return &to->items[to->n++];
}

/* libyaml speaks of tokens; the two mistakes people make most get a sentence of their own. */
static void syntax_problem(struct maker *mk)
{
	const yaml_parser_t *y = &mk->parser;
	const char *what = y->problem ? y->problem : "out of memory";
	const char *data = mk->data;
	size_t len = mk->len, at = y->problem_mark.index;

	if (y->error == YAML_READER_ERROR) {
		unsigned line = 1, col = 1;

		for (size_t i = 0; i < y->problem_offset && i < len; i++) {
			col++;
			if (data[i] == '\n') {
				line++;
				col = 1;
			}
		}
		problem_at(mk->p, line, col, "not valid YAML: %s", what);
		return;
	}
	/* the mark's index counts characters: exact only in plain ASCII, which is what a tab's neighbourhood
	 * is */
	for (size_t i = at < len ? at : len; i < len && data[i] != '\n'; i++) {
		if (data[i] == '\t' && (i == at || data[i - 1] == '\t' || data[i - 1] == ' ')) {
			problem_at(mk->p, mark_line(&y->problem_mark), mark_col(&y->problem_mark),
				"not valid YAML: a tab can not indent; use spaces");
			return;
		}
		if (data[i] != ' ' && data[i] != '\t')
			break;
	}
	if (y->context && y->context_mark.line != y->problem_mark.line)
		problem_at(mk->p, mark_line(&y->problem_mark), mark_col(&y->problem_mark),
			"not valid YAML: %s (%s that begins at line %u)", what, y->context,
			mark_line(&y->context_mark));
	else
		problem_at(mk->p, mark_line(&y->problem_mark), mark_col(&y->problem_mark),
			"not valid YAML: %s", what);
}

static bool bad_tag(struct maker *mk, const yaml_event_t *ev, const yaml_char_t *tag)
{
	if (!tag || !strcmp((const char *)tag, "!") || !strcmp((const char *)tag, "tag:yaml.org,2002:str"))
		return false;
	problem_at(mk->p, mark_line(&ev->start_mark), mark_col(&ev->start_mark),
		"tags are not used here (tag '%s')", (const char *)tag);
	return true;
}

static bool make_scalar(struct maker *mk, yaml_event_t *ev, struct ynode *to)
{
	size_t len = ev->data.scalar.length;

	to->kind = Y_SCALAR;
	to->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !ev->data.scalar.tag;
	to->text = xstrndup((const char *)ev->data.scalar.value, len);
	if (!count_text(mk, &ev->start_mark, len) || bad_tag(mk, ev, ev->data.scalar.tag))
		return false;
	if (!memchr(ev->data.scalar.value, 0, len))
		return true;
	problem_at(mk->p, mark_line(&ev->start_mark), mark_col(&ev->start_mark), "a NUL byte in a value");
	return false;
}

static bool make_node(struct maker *mk, yaml_event_t *ev, struct ynode *to, unsigned depth);

static bool next_event(struct maker *mk, yaml_event_t *ev)
{
	if (yaml_parser_parse(&mk->parser, ev))
		return true;
	syntax_problem(mk);
	return false;
}

static bool make_list(struct maker *mk, struct ynode *to, unsigned depth)
{
	for (;;) {
		yaml_event_t ev;
		bool ok;

		if (!next_event(mk, &ev))
			return false;
		if (ev.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&ev);
			return true;
		}
		ok = make_node(mk, &ev, add_item(to), depth + 1);
		yaml_event_delete(&ev);
		if (!ok)
			return false;
	}
}

static bool make_key(struct maker *mk, yaml_event_t *ev, struct ykey *k)
{
	const yaml_mark_t *at = &ev->start_mark;

	k->line = mark_line(at);
	k->col = mark_col(at);
	if (ev->type != YAML_SCALAR_EVENT) {
		problem_at(mk->p, k->line, k->col, "a key must be a single word");
		return false;
	}
	k->name = xstrndup((const char *)ev->data.scalar.value, ev->data.scalar.length);
	if (strlen(k->name) != ev->data.scalar.length) {
		problem_at(mk->p, k->line, k->col, "a NUL byte in a key");
		return false;
	}
	if (!strcmp(k->name, "<<") && ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		problem_at(mk->p, k->line, k->col,
			"merge keys (<<) are not used here; repeat the values or use an alias");
		return false;
	}
	if (ev->data.scalar.anchor) {
		problem_at(mk->p, k->line, k->col, "an anchor can not stand at a key");
		return false;
	}
	return count_text(mk, at, ev->data.scalar.length) && !bad_tag(mk, ev, ev->data.scalar.tag);
}

static bool make_map(struct maker *mk, struct ynode *to, unsigned depth)
{
	for (;;) {
		struct ynode *value;
		yaml_event_t ev;
		bool ok;

		if (!next_event(mk, &ev))
			return false;
		if (ev.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&ev);
			return true;
		}
		value = add_item(to);
		ok = make_key(mk, &ev, &to->keys[to->n - 1]);
		yaml_event_delete(&ev);
		if (!ok || !next_event(mk, &ev))
			return false;
		ok = make_node(mk, &ev, value, depth + 1);
		yaml_event_delete(&ev);
		if (!ok)
			return false;
	}
}

static bool make_alias(struct maker *mk, const yaml_event_t *ev, struct ynode *to, unsigned depth)
{
	const char *name = (const char *)ev->data.alias.anchor;

	for (uint32_t i = mk->anchors.n; i-- > 0;)
		if (!strcmp(mk->anchors.v[i].name, name))
			return copy_node(mk, &ev->start_mark, to, &mk->anchors.v[i].node, depth);
	problem_at(mk->p, mark_line(&ev->start_mark), mark_col(&ev->start_mark),
		"no anchor of the name '%s' is complete before this", name);
	return false;
}

static bool keep_anchor(
	struct maker *mk, const yaml_event_t *ev, const yaml_char_t *name, const struct ynode *n)
{
	struct ynode copy = { 0 };

	if (mk->anchors.n >= ANCHORS_MAX) {
		problem_at(mk->p, mark_line(&ev->start_mark), mark_col(&ev->start_mark),
			"more than %u anchors", ANCHORS_MAX);
		return false;
	}
	if (!copy_node(mk, &ev->start_mark, &copy, n, 0)) {
		ynode_clear(&copy);
		return false;
	}
	vec_push(&mk->anchors, (struct anchor){ xstrdup((const char *)name), copy });
	return true;
}

static bool make_node(struct maker *mk, yaml_event_t *ev, struct ynode *to, unsigned depth)
{
	const yaml_char_t *anchor = NULL;
	bool ok;

	to->line = mark_line(&ev->start_mark);
	to->col = mark_col(&ev->start_mark);
	if (ev->type == YAML_ALIAS_EVENT)
		return make_alias(mk, ev, to, depth);
	if (too_deep(mk, &ev->start_mark, depth) || !count_node(mk, &ev->start_mark))
		return false;
	switch ((int)ev->type) {
	case YAML_SCALAR_EVENT:
		anchor = ev->data.scalar.anchor;
		ok = make_scalar(mk, ev, to);
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = ev->data.sequence_start.anchor;
		to->kind = Y_LIST;
		ok = !bad_tag(mk, ev, ev->data.sequence_start.tag) && make_list(mk, to, depth);
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = ev->data.mapping_start.anchor;
		to->kind = Y_MAP;
		ok = !bad_tag(mk, ev, ev->data.mapping_start.tag) && make_map(mk, to, depth);
		break;
	default: problem_at(mk->p, to->line, to->col, "not valid YAML here"); return false;
	}
	return ok && (!anchor || keep_anchor(mk, ev, anchor, to));
}

/* Stream and document events around the one root node. */
static bool make_document(struct maker *mk, struct ynode **out)
{
	for (bool have = false;;) {
		yaml_event_t ev;
		bool ok = true, end;

		if (!next_event(mk, &ev))
			return false;
		end = ev.type == YAML_STREAM_END_EVENT;
		if (ev.type == YAML_DOCUMENT_START_EVENT) {
			if (have)
				problem_at(mk->p, mark_line(&ev.start_mark), mark_col(&ev.start_mark),
					"a second document begins here; a configuration is one");
			ok = !have;
			have = true;
		} else if (ev.type != YAML_STREAM_START_EVENT && ev.type != YAML_DOCUMENT_END_EVENT && !end) {
			*out = xnew(struct ynode);
			ok = make_node(mk, &ev, *out, 0);
		}
		yaml_event_delete(&ev);
		if (!ok || end)
			return ok;
	}
}

bool yaml_tree(const char *data, size_t len, struct problems *p, struct ynode **out)
{
	struct maker mk = { .data = data, .len = len, .p = p };
	bool ok;

	*out = NULL;
	if (!yaml_parser_initialize(&mk.parser)) {
		problem(p, "out of memory");
		return false;
	}
	yaml_parser_set_input_string(&mk.parser, (const unsigned char *)data, len);
	ok = make_document(&mk, out);
	yaml_parser_delete(&mk.parser);
	vec_foreach (a, &mk.anchors) {
		free(a->name);
		ynode_clear(&a->node);
	}
	vec_free(&mk.anchors);
	if (!ok) {
		ynode_free(*out);
		*out = NULL;
	}
	return ok;
}
