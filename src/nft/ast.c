// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "nft/parse.h"

/* ---- arena ---- */

struct arena_block {
	struct arena_block *next;
	size_t used, size, total; /* total: of this and all older blocks */
	char data[] __attribute__((aligned(16)));
};

void *arena_alloc(struct arena_block **a, size_t n)
{
	struct arena_block *b = *a;
	void *p;

	n = (n + 15) & ~(size_t)15;
	if (!b || b->size - b->used < n) {
		size_t size = b ? b->size * 2 : 960; /* malloc is quick up to 1 KiB */

		if (size > 256 * 1024)
			size = 256 * 1024;
		if (size < n)
			size = n;
		b = xmalloc(sizeof(*b) + size);
		b->used = 0;
		b->size = size;
		b->next = *a;
		b->total = size + (*a ? (*a)->total : 0);
		*a = b;
	}
	p = b->data + b->used;
	b->used += n;
	return memset(p, 0, n);
}

char *arena_strdup(struct arena_block **a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	memcpy(p, s, n);
	return p;
}

size_t arena_bytes(const struct arena_block *a)
{
	return a ? a->total : 0;
}

void arena_reset(struct arena_block **a)
{
	struct arena_block *b = *a;

	if (!b)
		return;
	if (b->size > 64 * 1024) {
		arena_free(a);
		return;
	}
	arena_free(&b->next);
	b->used = 0;
	b->total = b->size;
}

void arena_free(struct arena_block **a)
{
	while (*a) {
		struct arena_block *next = (*a)->next;

		free(*a);
		*a = next;
	}
}

/* ---- rules ---- */

/* Rules in use, by their text. */
static struct hmap interned;

struct text_key {
	const char *text;
	size_t len;
};

static bool same_text(const void *item, const void *key)
{
	const struct ast_rule *r = item;
	const struct text_key *k = key;

	return r->src.len == k->len && !memcmp(r->src.text, k->text, k->len);
}

struct ast_rule *ast_ref(struct ast_rule *r)
{
	r->refs++;
	return r;
}

static void ast_free(struct ast_rule *r)
{
	arena_free(&r->arena);
	vec_free(&r->params);
	vec_free(&r->breaks);
	if (r->file)
		file_put(r->file);
	else
		free((char *)r->src.text);
	free(r->squeezed);
	free(r);
}

void ast_put(struct ast_rule *r)
{
	if (!r || --r->refs)
		return;
	if (!r->file) {
		hmap_del_item(&interned, r->hash, r);
		if (!interned.n)
			hmap_free(&interned);
	}
	ast_free(r);
}

static bool continued(const char *s, size_t i, size_t n)
{
	return s[i] == '\\' &&
	       ((i + 1 < n && s[i + 1] == '\n') || (i + 2 < n && s[i + 1] == '\r' && s[i + 2] == '\n'));
}

void text_squeeze(const char *s, size_t n, const struct ast_rule *breaks, squeeze_param *param, void *ctx,
	struct buf *out)
{
	bool quoted = false, blank = false, first = true;
	size_t base = breaks ? (size_t)(s - breaks->src.text) : 0;
	uint32_t next = 0; /* of the newlines that end an inner rule */

	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		size_t took;

		if (!quoted && continued(s, i, n))
			c = ' ';
		if (!quoted && c == '#')
			while (i + 1 < n && s[i + 1] != '\n')
				i++;
		if (breaks && next < breaks->breaks.n && base + i == breaks->breaks.v[next]) {
			buf_putc(out, ';');
			next++;
		}
		if (!quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '#')) {
			blank = !first;
			continue;
		}
		if (blank)
			buf_putc(out, ' ');
		blank = first = false;
		if (!quoted && c == '$' && param && (took = param(ctx, s + i, n - i, out))) {
			i += took - 1;
			continue;
		}
		quoted ^= c == '"';
		buf_putc(out, c);
	}
}

int rule_read(struct parser *p)
{
	p_advance(p);
	if (p_end_of_rule(p) && p->tok.kind != TOK_END)
		p_unexpected(p, "a statement", NULL);
	else if (p->tok.kind == TOK_END)
		p_fail(p, "the rule is empty");
	else if (parse_stmts(p, &p->r->stmts)) {
		while (p_accept(p, ';'))
			;
		if (p->tok.kind != TOK_END)
			p_unexpected(p, "the end of the rule", NULL);
	}
	return p->e->code;
}

int rule_parse(const char *text, size_t len, const struct src_pos *pos, struct ast_rule **out, struct err *e)
{
	uint64_t hash = hash_bytes(text, len);
	struct ast_rule *r = hmap_find(&interned, hash, same_text, &(struct text_key){ text, len });
	_err_ struct err local = ERR_INIT;
	struct src src;
	struct parser p;
	int code;

	*out = NULL;
	if (r) {
		*out = ast_ref(r);
		return 0;
	}
	if (len > PARSE_TEXT_MAX)
		return err_set(e, -EINVAL, "a rule of %zu bytes, the limit is %d", len, PARSE_TEXT_MAX);
	if (memchr(text, '\0', len))
		return err_set(e, -EINVAL, "a rule with a NUL byte in it");
	r = xnew(struct ast_rule);
	r->refs = 1;
	r->hash = hash;
	r->src = (struct src){ .text = xstrndup(text, len), .len = (uint32_t)len, .line = 1 };
	/* messages of the parser name the caller's place; the rule itself knows none, it is shared */
	src = r->src;
	src.file = pos ? pos->file : NULL;
	src.line = pos ? pos->line : 1;
	p = (struct parser){ .r = r, .e = &local };
	lex_init(&p.lx, &src);
	code = rule_read(&p);
	if (code < 0) {
		ast_free(r);
		return err_set(e, code, "%s", err_text(&local));
	}
	hmap_put(&interned, hash, r);
	*out = r;
	return 0;
}

int stateful_tree(const char *text, struct ast_rule **out, struct node **list, struct err *e)
{
	_err_ struct err local = ERR_INIT;
	struct ast_rule *r;
	struct parser p;
	size_t len = strlen(text);
	int code;

	*out = NULL;
	if (len > PARSE_TEXT_MAX)
		return err_set(e, -EINVAL, "a text of %zu bytes, the limit is %d", len, PARSE_TEXT_MAX);
	r = xnew(struct ast_rule);
	r->refs = 1;
	r->src = (struct src){ .text = xstrndup(text, len), .len = (uint32_t)len, .line = 1 };
	p = (struct parser){ .r = r, .e = &local };
	lex_init(&p.lx, &r->src);
	p_advance(&p);
	parse_statefuls(&p, list);
	if (!local.code && p.tok.kind != TOK_END)
		p_unexpected(&p, "counter, limit, quota, last or ct count", NULL);
	if (!local.code && !*list)
		p_fail(&p, "expected counter, limit, quota, last or ct count");
	if (!local.code) {
		*out = r;
		return 0;
	}
	code = err_set(e, local.code, "%s", err_text(&local));
	ast_free(r);
	return code;
}

const char *ast_text(const struct ast_rule *r)
{
	struct ast_rule *own = (struct ast_rule *)(uintptr_t)r;
	struct buf b = BUF_INIT;

	if (!r->squeezed && r->file) {
		own->squeezed = file_rule_text(r);
	} else if (!r->squeezed) {
		text_squeeze(r->src.text, r->src.len, r, NULL, NULL, &b);
		own->squeezed = b.s ? buf_take(&b) : xstrdup("");
	}
	return r->squeezed;
}

const char *ast_param(const struct ast_rule *r, unsigned i)
{
	return i < r->params.n ? r->params.v[i] : NULL;
}

const char *ast_comment(const struct ast_rule *r)
{
	return r->comment_param ? NULL : r->comment;
}

const char *ast_comment_param(const struct ast_rule *r)
{
	return r->comment_param ? r->comment : NULL;
}
