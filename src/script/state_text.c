// SPDX-License-Identifier: GPL-2.0-or-later
/* The tree behind rnm.state, and its text: one entry a line, `"key" = value`, tables as `{` … `}`, and a last
 * line `end` that tells a whole file from a cut one. Read back with every bound checked: the file is
 * untrusted. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "script/internal.h"

#define HEAD    "rnm-state 1"
#define KEY_MAX 4096

struct snode *snode_new(enum snode_kind kind)
{
	struct snode *n = xnew(struct snode);

	n->kind = kind;
	n->refs = 1;
	return n;
}

void snode_put(struct snode *n)
{
	if (!n || --n->refs)
		return;
	vec_foreach (e, &n->e) {
		free(e->key.s);
		snode_put(e->val);
	}
	vec_free(&n->e);
	free(n->s);
	free(n);
}

int state_key_cmp(const struct state_key *a, const struct state_key *b)
{
	if (!a->s || !b->s) {
		if (a->s || b->s)
			return a->s ? 1 : -1; /* numbers first */
		return (a->i > b->i) - (a->i < b->i);
	}
	int c = memcmp(a->s, b->s, a->n < b->n ? a->n : b->n);

	return c ? c : (a->n > b->n) - (a->n < b->n);
}

uint32_t snode_find(const struct snode *t, const struct state_key *k, bool *found)
{
	uint32_t lo = 0, hi = t->e.n;

	*found = false;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = state_key_cmp(&t->e.v[mid].key, k);

		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

size_t snode_bytes(const struct snode *n)
{
	size_t sum = 64 + n->n;

	vec_foreach (e, &n->e)
		sum += 32 + e->key.n + snode_bytes(e->val);
	return sum;
}

/* ---- out ---- */

static void put_string(struct buf *out, const char *s, size_t n)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			buf_printf(out, "\\x%02x", c);
		else
			buf_putc(out, (char)c);
	}
	buf_putc(out, '"');
}

static void put_indent(struct buf *out, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_putc(out, '\t');
}

static void put_entries(const struct snode *t, int depth, struct buf *out)
{
	vec_foreach (e, &t->e) {
		put_indent(out, depth);
		if (e->key.s)
			put_string(out, e->key.s, e->key.n);
		else
			buf_printf(out, "%lld", (long long)e->key.i);
		buf_puts(out, " = ");
		switch (e->val->kind) {
		case SN_BOOL: buf_puts(out, e->val->b ? "true\n" : "false\n"); break;
		case SN_INT: buf_printf(out, "%lld\n", (long long)e->val->i); break;
		case SN_REAL: buf_printf(out, "%a\n", e->val->d); break;
		case SN_STRING:
			put_string(out, e->val->s, e->val->n);
			buf_putc(out, '\n');
			break;
		case SN_TABLE:
			buf_puts(out, "{\n");
			put_entries(e->val, depth + 1, out);
			put_indent(out, depth);
			buf_puts(out, "}\n");
			break;
		}
	}
}

void state_print(const struct snode *root, struct buf *out)
{
	buf_puts(out, HEAD "\n");
	put_entries(root, 0, out);
	buf_puts(out, "end\n");
}

/* ---- in ---- */

struct reader {
	const char *p, *end; /* of the line */
	unsigned line;
};

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool read_string(struct reader *r, struct buf *out)
{
	if (r->p >= r->end || *r->p != '"')
		return false;
	for (r->p++; r->p < r->end && *r->p != '"'; r->p++) {
		if (*r->p != '\\') {
			buf_putc(out, *r->p);
			continue;
		}
		if (r->end - r->p < 4 || r->p[1] != 'x' || hex(r->p[2]) < 0 || hex(r->p[3]) < 0)
			return false;
		buf_putc(out, (char)(hex(r->p[2]) << 4 | hex(r->p[3])));
		r->p += 3;
	}
	if (r->p >= r->end)
		return false;
	r->p++;
	return true;
}

static bool word(const struct reader *r, const char *w)
{
	return (size_t)(r->end - r->p) == strlen(w) && memcmp(r->p, w, strlen(w)) == 0;
}

static bool read_int(struct reader *r, int64_t *out)
{
	char text[32], *stop;
	size_t n = 0;

	while (r->p + n < r->end && n < sizeof(text) - 1 &&
		(r->p[n] == '-' || (r->p[n] >= '0' && r->p[n] <= '9')))
		n++;
	memcpy(text, r->p, n);
	text[n] = '\0';
	errno = 0;
	*out = strtoll(text, &stop, 10);
	if (!n || *stop || errno)
		return false;
	r->p += n;
	return true;
}

static bool read_key(struct reader *r, struct state_key *k)
{
	_buf_ struct buf b = BUF_INIT;

	*k = (struct state_key){ NULL, 0, 0 };
	if (*r->p == '"') {
		if (!read_string(r, &b) || b.n > KEY_MAX)
			return false;
		buf_str(&b);
		k->n = b.n;
		k->s = b.n ? buf_take(&b) : xstrdup("");
	} else if (!read_int(r, &k->i)) {
		return false;
	}
	if (r->end - r->p < 3 || memcmp(r->p, " = ", 3) != 0) {
		free(k->s);
		return false;
	}
	r->p += 3;
	return true;
}

static struct snode *read_value(struct reader *r)
{
	_buf_ struct buf b = BUF_INIT;
	struct snode *n;
	struct reader at = *r;
	int64_t i;

	if (word(r, "{"))
		return snode_new(SN_TABLE);
	if (word(r, "true") || word(r, "false")) {
		n = snode_new(SN_BOOL);
		n->b = *r->p == 't';
		return n;
	}
	if (r->p < r->end && *r->p == '"') {
		if (!read_string(r, &b) || r->p != r->end)
			return NULL;
		n = snode_new(SN_STRING);
		n->n = b.n;
		n->s = b.n ? buf_take(&b) : xstrdup("");
		return n;
	}
	if (read_int(&at, &i) && at.p == at.end) {
		n = snode_new(SN_INT);
		n->i = i;
		return n;
	}
	char text[64], *stop;
	size_t len = (size_t)(r->end - r->p);

	if (!len || len >= sizeof(text))
		return NULL;
	memcpy(text, r->p, len);
	text[len] = '\0';
	double d = strtod(text, &stop);

	if (*stop || isnan(d))
		return NULL;
	n = snode_new(SN_REAL);
	n->d = d;
	return n;
}

struct snode *state_parse(const char *text, size_t n, struct err *e)
{
	struct snode *root = snode_new(SN_TABLE), *stack[STATE_DEPTH + 1] = { root };
	struct reader r = { .line = 0 };
	unsigned depth = 0;
	size_t at = 0;
	bool ended = false;

	while (at < n) {
		const char *nl = memchr(text + at, '\n', n - at);
		struct state_key k;
		struct snode *v;
		bool found;

		if (!nl || ended)
			break;
		r.p = text + at;
		r.end = nl;
		r.line++;
		at = (size_t)(nl - text) + 1;
		if (r.line == 1) {
			if (!word(&r, HEAD))
				break;
			continue;
		}
		while (r.p < r.end && *r.p == '\t')
			r.p++;
		if (r.p == r.end)
			goto bad;
		if (depth == 0 && word(&r, "end")) {
			ended = true;
			continue;
		}
		if (depth && word(&r, "}")) {
			depth--;
			continue;
		}
		if (!read_key(&r, &k))
			goto bad;
		v = read_value(&r);
		uint32_t i = v ? snode_find(stack[depth], &k, &found) : 0;

		if (!v || found || (v->kind == SN_TABLE && depth == STATE_DEPTH)) {
			free(k.s);
			snode_put(v);
			goto bad;
		}
		vec_insert(&stack[depth]->e, i, (struct sentry){ k, v });
		if (v->kind == SN_TABLE)
			stack[++depth] = v;
	}
	if (ended && at == n)
		return root;
bad:
	snode_put(root);
	err_set(e, -EINVAL, "line %u is not as rnm writes it, or the end is missing", r.line);
	return NULL;
}
