// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads the annotations (LuaLS) and makes pages of them. Knows of them what these files use: text, @class
 * with
 * @field, @alias, @param, @return, @type, and the line that they stand above. */
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "base/vec.h"
#include "script/help.h"
#include "script/help_text.h"

enum page_kind { PAGE_FUNCTION, PAGE_CLASS, PAGE_VALUE, PAGE_ALIAS };
struct page {
	enum page_kind kind;
	char *name;
	char *args;            /* functions: "family, name, spec"; classes: the classes it takes fields of */
	const char *from, *to; /* its lines of annotation */
	char *class;           /* of a value or prototype: its class, NULL none */
};

static VEC(struct page) pages; /* made once; one thread */

struct line {
	const char *s;
	size_t n;
};

static struct line line_at(const char *s)
{
	return (struct line){ s, strcspn(s, "\n") };
}

static const char *after(struct line l)
{
	return l.s[l.n] ? l.s + l.n + 1 : l.s + l.n;
}

/* The rest of the line behind a prefix, NULL: it begins otherwise. */
static const char *behind(struct line l, const char *prefix)
{
	size_t n = strlen(prefix);

	return l.n >= n && !memcmp(l.s, prefix, n) ? l.s + n : NULL;
}

static struct line rest_of(struct line l, const char *at)
{
	return (struct line){ at, (size_t)(l.s + l.n - at) };
}

static char *word_of(struct line l, const char *stop)
{
	size_t n = 0;

	while (n < l.n && !strchr(stop, l.s[n]))
		n++;
	return xstrndup(l.s, n);
}

static void skip(struct line *l, size_t n)
{
	n = n < l->n ? n : l->n;
	l->s += n;
	l->n -= n;
	while (l->n && *l->s == ' ') {
		l->s++;
		l->n--;
	}
}

/* ---- reading ---- */

static void add_class(struct line head, const char *from, const char *to)
{
	struct page p = { .kind = PAGE_CLASS, .name = word_of(head, " :"), .from = from, .to = to };

	skip(&head, strlen(p.name));
	p.args = head.n && *head.s == ':' ? xstrndup(head.s + 1, strcspn(head.s + 1, "\n")) : xstrdup("");
	vec_push(&pages, p);
}

static void add_block(const char *from, const char *to)
{
	for (const char *s = from; s < to;) {
		struct line l = line_at(s);
		const char *at;

		if ((at = behind(l, "---@class ")) != NULL)
			add_class(rest_of(l, at), from, to);
		else if ((at = behind(l, "---@alias ")) != NULL)
			vec_push(&pages, (struct page){ PAGE_ALIAS, word_of(rest_of(l, at), " "), xstrdup(""),
						 s, after(l), NULL });
		s = after(l);
	}
}

static void add_declared(struct line l, const char *from, const char *to)
{
	const char *at = behind(l, "function ");
	struct page p = { .from = from, .to = to };
	struct line rest;

	if (at) {
		rest = rest_of(l, at);
		p.kind = PAGE_FUNCTION;
		p.name = word_of(rest, "(");
		skip(&rest, strlen(p.name) + 1);
		p.args = word_of(rest, ")");
		vec_push(&pages, p);
		return;
	}
	at = behind(l, "local ");
	rest = at ? rest_of(l, at) : l;
	p.name = word_of(rest, " =");
	if (!*p.name || !strstr(rest.s, " = {}") || strstr(rest.s, " = {}") > l.s + l.n) {
		free(p.name);
		return;
	}
	p.kind = PAGE_VALUE;
	p.args = xstrdup("");
	for (const char *s = from; s < to && !p.class; s = after(line_at(s))) {
		const char *c = behind(line_at(s), "---@class ");

		p.class = c ? word_of(rest_of(line_at(s), c), " :") : NULL;
	}
	vec_push(&pages, p);
}

static void read_text(const char *s)
{
	const char *block = NULL;

	while (*s) {
		struct line l = line_at(s);

		if (behind(l, "---") && !behind(l, "---@meta")) {
			block = block ? block : s;
		} else {
			if (block)
				add_block(block, s);
			if (l.n && !behind(l, "--"))
				add_declared(l, block ? block : s, s);
			block = NULL;
		}
		s = after(l);
	}
	if (block)
		add_block(block, s);
}

static void load(void)
{
	if (!pages.n)
		for (unsigned i = 0; help_texts[i]; i++)
			read_text(help_texts[i]);
}

static const struct page *find(const char *name, bool class)
{
	vec_foreach (p, &pages)
		if (!strcmp(p->name, name) && (!class || p->kind == PAGE_CLASS))
			return p;
	return NULL;
}

/* ---- pages ---- */

static void put_line(struct buf *out, const char *indent, struct line l)
{
	buf_puts(out, indent);
	buf_put(out, l.s, l.n);
	buf_putc(out, '\n');
}

/* What stands there as text. */
static void put_doc(const struct page *p, const char *indent, struct buf *out)
{
	for (const char *s = p->from; s < p->to;) {
		struct line l = line_at(s);
		const char *at = behind(l, "---");

		if (at && *at != '@')
			put_line(out, indent, rest_of(l, *at == ' ' ? at + 1 : at));
		s = after(l);
	}
}

static void put_fields(const char *class, unsigned depth, struct buf *out)
{
	const struct page *p = find(class, true);
	bool mine = false;

	if (!p || depth > 4)
		return;
	for (char *super = p->args; *super;) { /* "event, net.addr" */
		size_t n;

		super += strspn(super, ", ");
		n = strcspn(super, ", ");
		_autofree_ char *name = xstrndup(super, n);

		if (n)
			put_fields(name, depth + 1, out);
		super += n;
	}
	for (const char *s = p->from; s < p->to; s = after(line_at(s))) {
		struct line l = line_at(s);
		const char *at;

		if ((at = behind(l, "---@class ")) != NULL) {
			_autofree_ char *name = word_of(rest_of(l, at), " :");

			mine = !strcmp(name, class);
		} else if (mine && (at = behind(l, "---@field ")) != NULL) {
			put_line(out, "    ", rest_of(l, at));
		}
	}
}

/* The classes whose fields a type shows: "nft.set_spec", "string|nft.quota_spec". */
static void put_type_fields(struct line type, struct buf *out)
{
	for (size_t i = 0; i < type.n;) {
		size_t n = 0;

		while (i + n < type.n && (type.s[i + n] == '.' || type.s[i + n] == '_' ||
						 (type.s[i + n] >= 'a' && type.s[i + n] <= 'z')))
			n++;
		_autofree_ char *name = xstrndup(type.s + i, n);

		if (n > 5 && (!strcmp(name + n - 5, "_spec") || strstr(name, "_options")))
			put_fields(name, 0, out);
		else if (!strncmp(name, "event", 5))
			put_fields(name, 0, out);
		i += n ? n : 1;
	}
}

static void put_tagged(const struct page *p, const char *tag, const char *title, struct buf *out)
{
	for (const char *s = p->from; s < p->to; s = after(line_at(s))) {
		struct line l = line_at(s);
		const char *at = behind(l, tag);

		if (!at)
			continue;
		put_line(out, title, rest_of(l, at));
		if (!strcmp(tag, "---@param "))
			put_type_fields(rest_of(l, at), out);
	}
}

static void put_members(const char *name, struct buf *out)
{
	size_t n = strlen(name);

	vec_foreach (p, &pages)
		if (p->kind != PAGE_CLASS && p->kind != PAGE_ALIAS && !strncmp(p->name, name, n) &&
			(p->name[n] == '.' || p->name[n] == ':'))
			buf_printf(out, "  %s%s%s%s\n", p->name, p->kind == PAGE_FUNCTION ? "(" : "", p->args,
				p->kind == PAGE_FUNCTION ? ")" : "");
}

static void put_page(const struct page *p, struct buf *out)
{
	switch (p->kind) {
	case PAGE_FUNCTION:
		buf_printf(out, "%s(%s)\n", p->name, p->args);
		put_doc(p, "  ", out);
		put_tagged(p, "---@param ", "  param ", out);
		put_tagged(p, "---@return ", "  returns ", out);
		return;
	case PAGE_CLASS:
		buf_printf(out, "%s\n", p->name);
		put_doc(p, "  ", out);
		put_fields(p->name, 0, out);
		return;
	case PAGE_VALUE:
		buf_printf(out, "%s\n", p->name);
		put_doc(p, "  ", out);
		put_tagged(p, "---@type ", "  is ", out);
		if (p->class)
			put_fields(p->class, 0, out);
		put_members(p->name, out);
		return;
	case PAGE_ALIAS: put_line(out, "", rest_of(line_at(p->from), p->from + strlen("---@alias "))); return;
	}
}

void help_overview(struct buf *out)
{
	static const char *const groups[] = { "rnm", "nft", "net", "table", "chain", "set", "map", "counter",
		"quota", "query", "block", "handle", "on" };

	load();
	buf_puts(out, "help(\"TOPIC\") tells more of each:\n");
	for (size_t g = 0; g < ARRAY_SIZE(groups); g++) {
		size_t n = strlen(groups[g]), column = 0;

		vec_foreach (p, &pages) {
			if (p->kind == PAGE_CLASS || p->kind == PAGE_ALIAS ||
				strncmp(p->name, groups[g], n) != 0 || !strchr(".:_", p->name[n]) ||
				!p->name[n])
				continue;
			if (column && column + strlen(p->name) > 76)
				column = 0;
			if (!column)
				buf_puts(out, out->n ? "\n " : "");
			buf_printf(out, " %s", p->name);
			column += strlen(p->name) + 1;
		}
	}
	buf_putc(out, '\n');
}

const char *help_name(unsigned i)
{
	load();
	return i < pages.n ? pages.v[i].name : NULL;
}

static const char *name_at(void *ctx, size_t i)
{
	(void)ctx;
	return help_name((unsigned)i);
}

/* "add" and "t:add" are told of as set:add, map:add. */
static bool put_similar(const char *topic, struct buf *out)
{
	const char *tail = topic + strlen(topic);
	size_t before = out->n;

	while (tail > topic && !strchr(".:", tail[-1]))
		tail--;
	vec_foreach (p, &pages) {
		const char *own = p->name + strlen(p->name);

		while (own > p->name && !strchr(".:", own[-1]))
			own--;
		if (*tail && p->kind != PAGE_CLASS &&
			(!strcmp(own, tail) || (!strncmp(own, "on_", 3) && !strcmp(own + 3, tail))))
			buf_printf(out, "%s%s", out->n > before ? ", " : "", p->name);
	}
	return out->n > before;
}

int help_topic(const char *topic, struct buf *out, struct err *e)
{
	_buf_ struct buf near = BUF_INIT;
	_buf_ struct buf shown = BUF_INIT;
	const struct page *p;
	size_t n = strnlen(topic, 64);
	const char *like;

	load();
	p = find(topic, false);
	/* a value and its class may share a name: the value knows both */
	vec_foreach (q, &pages)
		if (!strcmp(q->name, topic) && q->kind == PAGE_VALUE)
			p = q;
	if (p) {
		put_page(p, out);
		return 0;
	}
	buf_visible(&shown, topic, n);
	if (put_similar(topic, &near))
		return err_set(e, -ENOENT, "help: there is no topic \"%s\"; did you mean %s?",
			buf_str(&shown), buf_str(&near));
	like = n < 64 ? suggest(topic, name_at, NULL) : NULL;
	return err_set(e, -ENOENT, "help: there is no topic \"%s\"; %s%s%s", buf_str(&shown),
		like ? "did you mean " : "help() lists them", like ? like : "", like ? "?" : "");
}
