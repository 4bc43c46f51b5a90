// SPDX-License-Identifier: GPL-2.0-or-later
/* Values from outside the text, as trees: data stays data, nothing in them is read as syntax. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "nft/file_impl.h"

static struct node *word(struct parser *p, enum node_kind kind, const char *s, size_t n)
{
	struct node *w = p_node(p, kind, 0);

	w->s = arena_strdup(&p->r->arena, s, n);
	return w;
}

/* An asterisk at the end makes a pattern of a name in the text; here it is a character. */
static struct node *string(struct parser *p, const char *s)
{
	size_t n = strlen(s);
	_buf_ struct buf b = BUF_INIT;

	if (!n || s[n - 1] != '*')
		return word(p, N_STRING, s, n);
	buf_put(&b, s, n - 1);
	buf_puts(&b, "\\*");
	return word(p, N_STRING, buf_str(&b), b.n);
}

static struct node *make(struct parser *p, const struct val *v);

static struct node *pair(struct parser *p, enum node_kind kind, struct node *a, struct node *b)
{
	struct node *n = p_node(p, kind, 0);

	n->a = a;
	n->b = b;
	return a && b ? n : NULL;
}

static struct node *address(struct parser *p, const struct val *v)
{
	struct val plain = val_addr(&v->ip.addr);
	_buf_ struct buf b = BUF_INIT;
	char len[8];
	struct node *n;

	val_text(&plain, &b);
	n = word(p, N_WORD, buf_str(&b), b.n);
	if (v->kind == VAL_ADDR)
		return n;
	snprintf(len, sizeof(len), "%u", v->ip.len);
	return pair(p, N_PREFIX, n, word(p, N_WORD, len, strlen(len)));
}

static struct node *concat(struct parser *p, const struct val *v)
{
	struct node *n = p_node(p, N_CONCAT, 0), **tail = &n->a;

	for (uint32_t i = 0; i < v->n; i++) {
		*tail = i < NFT_PARTS_MAX ? make(p, &v->list[i]) : NULL;
		if (!*tail)
			return NULL;
		tail = &(*tail)->next;
		n->u++;
	}
	return n->u ? n : NULL;
}

/* NULL: nothing that can stand in the text. */
static struct node *make(struct parser *p, const struct val *v)
{
	_buf_ struct buf b = BUF_INIT;

	switch (v->kind) {
	case VAL_STRING: return string(p, v->str ? v->str : "");
	case VAL_GLOB: return v->str ? word(p, N_WORD, v->str, strlen(v->str)) : NULL;
	case VAL_OBJ: return v->str ? word(p, N_STRING, v->str, strlen(v->str)) : NULL;
	case VAL_ADDR:
	case VAL_PREFIX: return address(p, v);
	case VAL_INT:
	case VAL_MAC: val_text(v, &b); return word(p, N_WORD, buf_str(&b), b.n);
	case VAL_RANGE:
		return v->n == 2 ? pair(p, N_RANGE, make(p, &v->list[0]), make(p, &v->list[1])) : NULL;
	case VAL_CONCAT: return concat(p, v);
	default: return NULL;
	}
}

static void place(struct node *n, uint32_t pos, uint32_t end)
{
	for (; n; n = n->next) {
		n->pos = pos;
		n->end = end;
		place(n->a, pos, end);
		place(n->b, pos, end);
	}
}

struct node *val_node(struct parser *p, const struct val *v, uint32_t pos, uint32_t end)
{
	struct node *n = make(p, v);

	if (!n)
		return p_fail_at(p, pos, end, "one value must stand here");
	place(n, pos, end);
	return n;
}

struct node *val_elem(
	struct parser *p, const struct val *key, const struct val *data, uint32_t pos, uint32_t end)
{
	struct node *n = p_node(p, N_ELEM, pos), *o;
	char ms[32];

	n->a = key->kind == VAL_STRING && key->str && !strcmp(key->str, "*") ? p_node(p, N_WILD, pos)
									     : make(p, key);
	n->b = data ? make(p, data) : NULL;
	if (!n->a || (data && !n->b))
		return p_fail_at(p, pos, end, "a value of this list can not be an element");
	if (key->timeout_ms) {
		snprintf(ms, sizeof(ms), "%llums", (unsigned long long)key->timeout_ms);
		o = p_node(p, N_OPT_TIMEOUT, pos);
		o->a = word(p, N_WORD, ms, strlen(ms));
		n->c = o;
	}
	if (key->comment) {
		o = p_node(p, N_OPT_COMMENT, pos);
		o->a = word(p, N_STRING, key->comment, strlen(key->comment));
		o->next = n->c;
		n->c = o;
	}
	place(n->a, pos, end);
	place(n->b, pos, end);
	place(n->c, pos, end);
	n->end = end;
	return n;
}
