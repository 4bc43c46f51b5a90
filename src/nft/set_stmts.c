// SPDX-License-Identifier: GPL-2.0-or-later
/* The statements of sets' elements ("counter quota over 1 gbytes"): each text is parsed once. */
#include "nft/decompile.h"
#include "nft/merge_impl.h"

char *stateful_squeeze(const char *text)
{
	_buf_ struct buf out = BUF_INIT;

	for (; *text; text++) {
		bool space = strchr(" \t\r\n;", *text) != NULL;

		if (!space)
			buf_putc(&out, *text);
		else if (out.n && out.s[out.n - 1] != ' ')
			buf_putc(&out, ' ');
	}
	while (out.n && out.s[out.n - 1] == ' ')
		out.s[--out.n] = '\0';
	return xstrdup(buf_str(&out));
}

static bool has_text(const void *item, const void *key)
{
	return !strcmp(((const struct set_stmts *)item)->text, key);
}

struct set_stmts *set_stmts_get(struct ruleset *rs, const char *text, struct err *e)
{
	_autofree_ char *own = stateful_squeeze(text);
	struct set_stmts *s = hmap_find(&rs->stmts, hash_str(own), has_text, own);
	_buf_ struct buf canon = BUF_INIT;
	struct exprs x = { 0 };

	if (s)
		return set_stmts_ref(s);
	if (stateful_parse(own, &x, e) < 0) {
		exprs_free(&x);
		return NULL;
	}
	s = xnew(struct set_stmts);
	s->rs = rs;
	s->refs = 1;
	s->x = x;
	s->canon = stateful_text(x.e.v, x.e.n, true, &canon) ? buf_take(&canon) : xstrdup(own);
	s->text = own;
	own = NULL;
	hmap_put(&rs->stmts, hash_str(s->text), s);
	return s;
}

struct set_stmts *set_stmts_ref(struct set_stmts *s)
{
	if (s)
		s->refs++;
	return s;
}

void set_stmts_put(struct set_stmts *s)
{
	if (!s || --s->refs)
		return;
	hmap_del_item(&s->rs->stmts, hash_str(s->text), s);
	exprs_free(&s->x);
	free(s->text);
	free(s->canon);
	free(s);
}

bool set_stmts_same(const struct set_stmts *a, const struct set_stmts *b)
{
	return a == b || (a && b && !strcmp(a->canon, b->canon));
}

struct set_stmts *set_stmts_read(struct ruleset *rs, struct nftnl_expr *const *exprs, uint32_t n)
{
	_buf_ struct buf text = BUF_INIT;

	return n && stateful_text(exprs, n, false, &text) ? set_stmts_get(rs, buf_str(&text), NULL) : NULL;
}

struct set_stmts *set_stmts_of(const struct obj *set, const struct setelem *el)
{
	const struct set_stmts *usual = set->stmts_have;
	_buf_ struct buf canon = BUF_INIT;

	if (!el->n_exprs || !stateful_text(el->exprs, el->n_exprs, true, &canon) ||
		(usual && !strcmp(usual->canon, buf_str(&canon))))
		return NULL;
	return set_stmts_read(set->rs, el->exprs, el->n_exprs);
}
