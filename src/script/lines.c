// SPDX-License-Identifier: GPL-2.0-or-later
#include "script/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"

#define MARK_EACH 16
#define NONE      UINT32_MAX

struct places { /* lines of a text by their content; open addressing */
	uint32_t *slot, cap, n;
};

static uint32_t *slot_of(const struct places *p, const char *text, const char *line)
{
	uint32_t mask = p->cap - 1;

	for (uint32_t i = (uint32_t)hash_str(line) & mask;; i = (i + 1) & mask)
		if (p->slot[i] == NONE || !strcmp(text + p->slot[i], line))
			return &p->slot[i];
}

static void places_size(struct places *p, const char *text, uint32_t cap)
{
	struct places old = *p;

	p->cap = cap;
	p->slot = xrealloc(NULL, cap, sizeof(*p->slot));
	memset(p->slot, 0xff, cap * sizeof(*p->slot));
	for (uint32_t i = 0; i < old.cap; i++)
		if (old.slot[i] != NONE)
			*slot_of(p, text, text + old.slot[i]) = old.slot[i];
	free(old.slot);
}

static void places_add(struct places *p, const char *text, uint32_t at)
{
	if (2 * (p->n + 1) > p->cap)
		places_size(p, text, p->cap ? 2 * p->cap : 64);
	*slot_of(p, text, text + at) = at;
	p->n++;
}

static bool places_have(const struct places *p, const char *text, const char *line)
{
	return p->cap && *slot_of(p, text, line) != NONE;
}

struct reading {
	const struct lines *was;
	const char *next;    /* the line of was that is most likely the next one */
	struct places old;   /* of was; made when something is not where it was */
	struct places added; /* of the new text */
	uint8_t *stays;      /* a bit per two bytes of was's text: no two lines begin in the same */
	struct lines *out;
	struct lines_diff *diff;
};

static bool take_old(struct reading *r, const char *line) /* false: it was taken before */
{
	uint32_t bit = (uint32_t)(line - r->was->text) / 2;
	bool first = !(r->stays[bit / 8] & 1 << bit % 8);

	r->stays[bit / 8] |= (uint8_t)(1 << bit % 8);
	return first;
}

static const char *find_old(struct reading *r, const char *line)
{
	uint32_t at, cap = 64;

	if (!r->was->n)
		return NULL;
	if (!r->old.cap) {
		while (cap < 2 * r->was->n)
			cap *= 2;
		places_size(&r->old, r->was->text, cap);
		lines_foreach(s, r->was) * slot_of(&r->old, r->was->text, s) = (uint32_t)(s - r->was->text);
	}
	at = *slot_of(&r->old, r->was->text, line);
	return at == NONE ? NULL : r->was->text + at;
}

/* n bytes at line become the next one. */
static const char *append(struct lines *l, const char *line, size_t n)
{
	char *at = l->text + l->bytes;

	if (l->n % MARK_EACH == 0)
		vec_push(&l->marks, (uint32_t)l->bytes);
	memmove(at, line, n);
	at[n] = '\0';
	l->bytes += n + 1;
	l->n++;
	return at;
}

/* Bytes of the line at s if it is just the one that followed last time; 0: it is not. */
static size_t as_before(const struct reading *r, const char *s, const char *end)
{
	const char *o = r->next, *from = s;

	if (o == r->was->text + r->was->bytes)
		return 0;
	while (s < end && *o && *o == *s)
		o++, s++;
	return !*o && (s == end || *s == '\n') ? (size_t)(s - from) : 0;
}

/* The line between s and end without comment and blanks; 0: nothing is left. */
static size_t strip(const char **line, const char *end, const char *comment)
{
	const char *s = *line;
	size_t n = strlen(comment);

	for (const char *p = s; n && (p = memchr(p, *comment, (size_t)(end - p))) != NULL; p++)
		if ((size_t)(end - p) >= n && !memcmp(p, comment, n)) {
			end = p;
			break;
		}
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	while (end > s && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	*line = s;
	return (size_t)(end - s);
}

static int take_new(struct reading *r, const char *line, size_t n, unsigned no, const struct lines_opt *opt,
	struct err *e)
{
	const char *old, *now;

	if (n > LINE_BYTES || !text_is_clean(line, n))
		return err_set(e, -EINVAL, "%s:%u: no element: longer than %d bytes or not printable",
			opt->path, no, LINE_BYTES);
	/* As a text of its own, for it may be none of the new ones. */
	char key[LINE_BYTES + 1];

	memcpy(key, line, n);
	key[n] = '\0';
	old = find_old(r, key);
	if (old) {
		if (take_old(r, old))
			append(r->out, line, n);
		r->next = old + n + 1;
		return 0;
	}
	if (places_have(&r->added, r->out->text, key))
		return 0;
	if (opt->check && opt->check(opt->ctx, key, no, e) < 0)
		return -EINVAL;
	now = append(r->out, line, n);
	places_add(&r->added, r->out->text, (uint32_t)(now - r->out->text));
	vec_push(&r->diff->came, (uint32_t)(now - r->out->text));
	return 0;
}

static int split(struct reading *r, const char *text, size_t n, const struct lines_opt *opt, struct err *e)
{
	const char *s = text, *end = text + n;
	unsigned no = 0;

	while (s < end) {
		size_t same = as_before(r, s, end), len;
		const char *stop = same ? s + same : memchr(s, '\n', (size_t)(end - s)), *line = s;

		no++;
		stop = stop ? stop : end;
		if (same) {
			if (take_old(r, r->next))
				append(r->out, s, same);
			r->next += same + 1;
		} else {
			if (memchr(s, 0, (size_t)(stop - s))) /* in a comment too */
				return err_set(e, -EINVAL, "%s:%u: a NUL byte", opt->path, no);
			len = strip(&line, stop, opt->comment);
			if (len && take_new(r, line, len, no, opt, e) < 0)
				return -EINVAL;
		}
		if (r->out->n > LINES_MAX)
			return err_set(e, -EFBIG, "%s: more than %u lines", opt->path, LINES_MAX);
		s = stop + 1;
	}
	return 0;
}

static void find_went(struct reading *r)
{
	lines_foreach(s, r->was) if (take_old(r, s)) vec_push(&r->diff->went, (uint32_t)(s - r->was->text));
}

int lines_read(struct lines *out, struct lines_diff *diff, const struct lines *was, char *text, size_t n,
	const struct lines_opt *opt, struct err *e)
{
	struct reading r = { .was = was, .next = was->text, .out = out, .diff = diff };
	char *less;
	int rc;

	*out = (struct lines){ .text = text };
	*diff = (struct lines_diff){ 0 };
	r.stays = xcalloc(was->bytes / 16 + 1, 1);
	rc = split(&r, text, n, opt, e);
	if (rc == 0)
		find_went(&r);
	free(r.stays);
	free(r.old.slot);
	free(r.added.slot);
	if (rc < 0) {
		lines_free(out);
		lines_diff_free(diff);
		return rc;
	}
	less = realloc(out->text, out->bytes + 1);
	out->text = less ? less : out->text;
	return 0;
}

const char *lines_at(const struct lines *l, uint32_t i)
{
	const char *s;

	if (i >= l->n)
		return NULL;
	s = l->text + l->marks.v[i / MARK_EACH];
	for (i %= MARK_EACH; i; i--)
		s += strlen(s) + 1;
	return s;
}

void lines_free(struct lines *l)
{
	free(l->text);
	vec_free(&l->marks);
	*l = (struct lines){ 0 };
}

void lines_diff_free(struct lines_diff *d)
{
	vec_free(&d->came);
	vec_free(&d->went);
}
