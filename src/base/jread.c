// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/jread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "base/xalloc.h"

#define FEW 8u /* members that are compared one by one */

struct reader {
	const char *begin, *p, *end;
	struct jval *vals;
	uint32_t n, max;
	char *text; /* where the next decoded byte goes */
	struct err *e;
};

static int bad(struct reader *r, const char *at, const char *what)
{
	return err_set(r->e, -EINVAL, "byte %zu: %s", (size_t)(at - r->begin) + 1, what);
}

static void blanks(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		r->p++;
}

static bool digit(const struct reader *r)
{
	return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

static bool digits(struct reader *r)
{
	const char *from = r->p;

	while (digit(r))
		r->p++;
	return r->p > from;
}

static bool take(struct reader *r, const char *any)
{
	if (r->p >= r->end || !*r->p || !strchr(any, *r->p))
		return false;
	r->p++;
	return true;
}

static int number(struct reader *r, struct jval *v)
{
	const char *from = r->p;

	take(r, "-");
	if (!take(r, "0") && !digits(r))
		return bad(r, r->p, "expected a digit");
	if (take(r, ".") && !digits(r))
		return bad(r, r->p, "expected a digit behind the point");
	if (take(r, "eE")) {
		take(r, "+-");
		if (!digits(r))
			return bad(r, r->p, "expected a digit of the exponent");
	}
	if (digit(r))
		return bad(r, from, "a number does not begin with 0");
	v->type = J_NUMBER;
	v->len = (size_t)(r->p - from);
	v->s = r->text;
	memcpy(r->text, from, v->len);
	r->text += v->len;
	*r->text++ = 0;
	return 0;
}

/* ---- strings ---- */

static int hex4(struct reader *r, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 4; i++, r->p++) {
		char c = r->p < r->end ? *r->p : 0;
		int d = c >= '0' && c <= '9'   ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10
					       : -1;

		if (d < 0)
			return bad(r, r->p, "expected four hexadecimal digits behind \\u");
		*out = *out << 4 | (uint32_t)d;
	}
	return 0;
}

static void put_utf8(struct reader *r, uint32_t c)
{
	char *to = r->text;

	if (c < 0x80) {
		*to++ = (char)c;
	} else if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
		*to++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
		*to++ = (char)(0x80 | (c & 0x3f));
	}
	r->text = to;
}

static int unicode(struct reader *r)
{
	const char *at = r->p;
	uint32_t c, low;
	int rc = hex4(r, &c);

	if (rc < 0)
		return rc;
	if (c >= 0xdc00 && c < 0xe000)
		return bad(r, at, "the second half of a surrogate pair stands alone");
	if (c >= 0xd800 && c < 0xdc00) {
		if (r->end - r->p < 2 || r->p[0] != '\\' || r->p[1] != 'u')
			return bad(r, at, "the first half of a surrogate pair stands alone");
		r->p += 2;
		rc = hex4(r, &low);
		if (rc < 0)
			return rc;
		if (low < 0xdc00 || low >= 0xe000)
			return bad(r, at, "the first half of a surrogate pair stands alone");
		c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
	}
	put_utf8(r, c);
	return 0;
}

static int escape(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (take(r, "u"))
		return unicode(r);
	at = r->p < r->end && *r->p ? strchr(from, *r->p) : NULL;
	if (!at)
		return bad(r, r->p - 1, "an unknown escape");
	*r->text++ = to[at - from];
	r->p++;
	return 0;
}

/* From behind the first quote to behind the last one. */
static int string(struct reader *r, const char **s, size_t *len)
{
	*s = r->text;
	while (r->p < r->end && *r->p != '"') {
		unsigned n = 1;
		int rc;

		if (*r->p == '\\') {
			r->p++;
			rc = escape(r);
			if (rc < 0)
				return rc;
			continue;
		}
		if ((unsigned char)*r->p < 0x20)
			return bad(r, r->p, "a control byte in a string must be escaped");
		if ((unsigned char)*r->p >= 0x80)
			n = utf8_seq(r->p, (size_t)(r->end - r->p));
		if (!n)
			return bad(r, r->p, "no UTF-8");
		memcpy(r->text, r->p, n);
		r->text += n;
		r->p += n;
	}
	if (r->p >= r->end)
		return bad(r, r->p, "a string does not end");
	r->p++;
	*len = (size_t)(r->text - *s);
	*r->text++ = 0;
	return 0;
}

/* ---- arrays and objects ---- */

static bool same_name(const void *item, const void *key)
{
	const struct jval *a = item, *b = key;

	return a->name_len == b->name_len && !memcmp(a->name, b->name, a->name_len);
}

static const struct jval *twice_few(const struct jval *o)
{
	for (const struct jval *a = o->first; a; a = a->next)
		for (const struct jval *b = a->next; b; b = b->next)
			if (same_name(a, b))
				return b;
	return NULL;
}

static const struct jval *twice(const struct jval *o)
{
	struct hmap seen = { 0 };
	struct jval *found = NULL;

	if (o->n <= FEW)
		return twice_few(o);
	for (struct jval *v = o->first; v && !found; v = v->next) {
		uint64_t h = hash_bytes(v->name, v->name_len);

		if (hmap_find(&seen, h, same_name, v))
			found = v;
		else
			hmap_put(&seen, h, v);
	}
	hmap_free(&seen);
	return found;
}

static int value(struct reader *r, unsigned depth, struct jval **out);

static int member_name(struct reader *r, const char **name, size_t *len)
{
	int rc;

	blanks(r);
	if (!take(r, "\""))
		return bad(r, r->p, "expected a member's name in quotes");
	rc = string(r, name, len);
	if (rc < 0)
		return rc;
	blanks(r);
	return take(r, ":") ? 0 : bad(r, r->p, "expected ':' behind the name");
}

static int items(struct reader *r, struct jval *in, unsigned depth)
{
	bool object = in->type == J_OBJECT;
	const char *close = object ? "}" : "]";
	struct jval **link = &in->first;
	const struct jval *again;

	if (depth >= JREAD_DEPTH)
		return err_set(
			r->e, -E2BIG, "byte %zu: deeper than %u", (size_t)(r->p - r->begin), JREAD_DEPTH);
	blanks(r);
	if (take(r, close))
		return 0;
	do {
		const char *name = NULL;
		size_t len = 0;
		int rc = object ? member_name(r, &name, &len) : 0;

		if (rc == 0)
			rc = value(r, depth + 1, link);
		if (rc < 0)
			return rc;
		(*link)->name = name;
		(*link)->name_len = len;
		link = &(*link)->next;
		in->n++;
		blanks(r);
	} while (take(r, ","));
	if (!take(r, close))
		return bad(r, r->p, object ? "expected ',' or '}'" : "expected ',' or ']'");
	again = object ? twice(in) : NULL;
	return again ? err_set(r->e, -EINVAL, "byte %zu: the name \"%.64s\" stands twice",
			       (size_t)(again->raw - r->begin) + 1, again->name)
		     : 0;
}

static bool word(struct reader *r, const char *w)
{
	size_t n = strlen(w);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, w, n) != 0)
		return false;
	r->p += n;
	return true;
}

static int scalar(struct reader *r, struct jval *v)
{
	if (take(r, "\"")) {
		v->type = J_STRING;
		return string(r, &v->s, &v->len);
	}
	if (r->p < r->end && (*r->p == '-' || digit(r)))
		return number(r, v);
	v->type = J_BOOL;
	v->yes = word(r, "true");
	if (v->yes || word(r, "false"))
		return 0;
	v->type = J_NULL;
	return word(r, "null") ? 0 : bad(r, r->p, "expected a value");
}

static int value(struct reader *r, unsigned depth, struct jval **out)
{
	struct jval *v;
	int rc;

	blanks(r);
	if (r->n >= r->max)
		return err_set(r->e, -E2BIG, "more than %u values", r->max);
	*out = v = &r->vals[r->n++];
	v->raw = r->p;
	if (take(r, "{")) {
		v->type = J_OBJECT;
		rc = items(r, v, depth);
	} else if (take(r, "[")) {
		v->type = J_ARRAY;
		rc = items(r, v, depth);
	} else {
		rc = scalar(r, v);
	}
	v->raw_len = (size_t)(r->p - v->raw);
	return rc;
}

/* No document of these bytes has more values: each but the first stands behind one of these. */
static uint32_t values_at_most(const char *text, size_t n, uint32_t max)
{
	uint32_t count = 1;

	for (size_t i = 0; i < n && count < max; i++)
		count += text[i] == ',' || text[i] == '[' || text[i] == ':';
	return count;
}

int jread(const char *text, size_t n, uint32_t max, struct jdoc *out, struct err *e)
{
	struct reader r = { .begin = text, .p = text, .end = text + n, .max = max, .e = e };
	uint32_t room = values_at_most(text, n, max);
	int rc;

	out->root = NULL;
	out->vals = r.vals = xcalloc(room, sizeof(*r.vals));
	/* What is decoded is never longer than what it is decoded from, and each string has two quotes, each
	 * number something behind it, to make up for the terminating byte. */
	out->text = r.text = xmalloc(n + 2);
	rc = value(&r, 0, &out->root);
	blanks(&r);
	if (rc == 0 && r.p < r.end)
		rc = bad(&r, r.p, "something stands behind the value");
	if (rc < 0)
		out->root = NULL;
	return rc;
}

void jdoc_free(struct jdoc *d)
{
	free(d->vals);
	free(d->text);
	memset(d, 0, sizeof(*d));
}

const struct jval *jval_get(const struct jval *object, const char *name)
{
	size_t n = strlen(name);

	for (const struct jval *v = object && object->type == J_OBJECT ? object->first : NULL; v; v = v->next)
		if (v->name_len == n && !memcmp(v->name, name, n))
			return v;
	return NULL;
}

const char *jval_text(const struct jval *v)
{
	return v && v->type == J_STRING && !memchr(v->s, 0, v->len) ? v->s : NULL;
}

bool jval_int(const struct jval *v, int64_t min, int64_t max, int64_t *out)
{
	long long got;

	if (!v || v->type != J_NUMBER || v->s[strcspn(v->s, ".eE")])
		return false;
	errno = 0;
	got = strtoll(v->s, NULL, 10);
	if (errno || got < min || got > max)
		return false;
	*out = got;
	return true;
}

const char *jtype_word(enum jtype t)
{
	switch (t) {
	case J_NULL: return "null";
	case J_BOOL: return "true or false";
	case J_NUMBER: return "a number";
	case J_STRING: return "a string";
	case J_ARRAY: return "an array";
	case J_OBJECT: return "an object";
	}
	return "?";
}
