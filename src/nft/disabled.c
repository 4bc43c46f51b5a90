// SPDX-License-Identifier: GPL-2.0-or-later
/* The list of disabled rules, and its text: JSON. */
#include "nft/disabled.h"

#include <errno.h>
#include <string.h>

#include "base/jread.h"
#include "base/json.h"
#include "base/text.h"
#include "nft/lang.h"

#define VERSION    1
#define VALUES_MAX (DISABLED_MAX * 40u + 64)
#define TEXT_MAX   (64u << 10)
#define UDATA_MAX  256
#define NAME_MAX_  255

void disabled_free(struct disabled *d)
{
	free(d->table);
	free(d->chain);
	free(d->text);
	free(d->udata);
	free(d->pack);
	free(d->where);
	memset(d, 0, sizeof(*d));
}

void disabled_list_free(struct disabled_list *l)
{
	vec_foreach (d, &l->v)
		disabled_free(d);
	vec_free(&l->v);
}

struct disabled *disabled_by_id(const struct disabled_list *l, uint64_t id)
{
	vec_foreach (d, &l->v)
		if (d->id == id)
			return d;
	return NULL;
}

bool disabled_in(const struct disabled *d, uint8_t family, const char *table, const char *chain)
{
	return (!family || d->family == family) && (!table || !strcmp(d->table, table)) &&
	       (!chain || !strcmp(d->chain, chain));
}

struct disabled *disabled_by_handle(
	const struct disabled_list *l, uint8_t family, const char *table, const char *chain, uint64_t handle)
{
	for (uint32_t i = l->v.n; i-- > 0;) {
		struct disabled *d = &l->v.v[i];

		if (d->handle == handle && disabled_in(d, family, table, chain))
			return d;
	}
	return NULL;
}

int disabled_add(struct disabled_list *l, struct disabled *d, struct err *e)
{
	if (l->v.n >= DISABLED_MAX)
		return err_set(e, -ENOSPC,
			"%d rules are disabled, that is as many as are remembered: delete some",
			DISABLED_MAX);
	d->id = ++l->last_id;
	vec_push(&l->v, *d);
	return 0;
}

void disabled_remove(struct disabled_list *l, uint64_t id)
{
	struct disabled *d = disabled_by_id(l, id);

	if (!d)
		return;
	disabled_free(d);
	vec_remove(&l->v, (uint32_t)(d - l->v.v));
}

static void rename_neighbour(struct neighbour *x, const struct neighbour *from, const struct neighbour *to)
{
	if (x->kind == from->kind && x->n == from->n)
		*x = *to;
}

static void follow(
	struct disabled_list *l, const struct disabled *d, struct neighbour from, struct neighbour to)
{
	vec_foreach (x, &l->v) {
		if (x->id == d->id || x->pack || !disabled_in(x, d->family, d->table, d->chain))
			continue;
		rename_neighbour(&x->before, &from, &to);
		rename_neighbour(&x->after, &from, &to);
	}
}

void disabled_went(struct disabled_list *l, const struct disabled *d)
{
	follow(l, d, (struct neighbour){ .kind = NEXT_TO_RULE, .n = d->handle },
		(struct neighbour){ .kind = NEXT_TO_DISABLED, .n = d->id });
}

void disabled_came(struct disabled_list *l, const struct disabled *d, uint64_t handle)
{
	follow(l, d, (struct neighbour){ .kind = NEXT_TO_DISABLED, .n = d->id },
		(struct neighbour){ .kind = NEXT_TO_RULE, .n = handle, .hash = d->hash });
}

void disabled_forget(struct disabled_list *l, uint64_t id)
{
	struct disabled *d = disabled_by_id(l, id);
	struct neighbour own = { .kind = NEXT_TO_DISABLED, .n = id };

	if (!d)
		return;
	vec_foreach (x, &l->v) {
		rename_neighbour(&x->before, &own, &d->before);
		rename_neighbour(&x->after, &own, &d->after);
	}
	disabled_remove(l, id);
}

/* ---- as text ---- */

static const char *const state_words[] = { "off", "going", "coming" };
static const char *const next_words[] = { "end", "rule", "disabled" };

static bool is_utf8(const char *s)
{
	size_t n = strlen(s);

	while (n) {
		unsigned len = utf8_seq(s, n);

		if (!len)
			return false;
		s += len;
		n -= len;
	}
	return true;
}

static void put_hex(struct json *j, const char *name, const void *p, size_t n)
{
	_buf_ struct buf hex = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		buf_printf(&hex, "%02x", ((const uint8_t *)p)[i]);
	json_text(j, name, buf_str(&hex));
}

/* Names and comments of nftables may be any bytes, JSON's texts may not. */
static void put_string(struct json *j, const char *name, const char *s)
{
	_autofree_ char *hex = NULL;

	if (is_utf8(s)) {
		json_text(j, name, s);
		return;
	}
	hex = xasprintf("%s_hex", name);
	put_hex(j, hex, s, strlen(s));
}

static void put_u64(struct json *j, const char *name, uint64_t n)
{
	_autofree_ char *hex = xasprintf("%016llx", (unsigned long long)n);

	json_text(j, name, hex);
}

static void put_neighbour(struct json *j, const char *name, const struct neighbour *x)
{
	json_open(j, name, '{');
	json_text(j, "kind", next_words[x->kind]);
	json_unsigned(j, "n", x->n);
	put_u64(j, "hash", x->hash);
	json_close(j, '}');
}

static void put_one(struct json *j, const struct disabled *d)
{
	json_open(j, NULL, '{');
	json_unsigned(j, "id", d->id);
	json_unsigned(j, "since", d->since);
	json_text(j, "family", nft_family_name(d->family));
	put_string(j, "table", d->table);
	put_string(j, "chain", d->chain);
	put_string(j, "rule", d->text);
	json_unsigned(j, "handle", d->handle);
	if (d->pack) {
		json_text(j, "pack", d->pack);
		put_string(j, "where", d->where);
		put_u64(j, "signature", d->sig);
		json_unsigned(j, "nth", d->nth);
	} else {
		json_text(j, "state", state_words[d->state]);
		put_u64(j, "hash", d->hash);
		json_unsigned(j, "top", d->top);
		json_unsigned(j, "index", d->index);
		put_neighbour(j, "before", &d->before);
		put_neighbour(j, "after", &d->after);
		put_hex(j, "userdata", d->udata, d->n_udata);
	}
	json_close(j, '}');
}

void disabled_print(const struct disabled_list *l, struct buf *out)
{
	struct json j = { out, false };

	json_open(&j, NULL, '{');
	json_num(&j, "version", VERSION);
	json_unsigned(&j, "last_id", l->last_id);
	json_open(&j, "rules", '[');
	vec_foreach (d, &l->v)
		put_one(&j, d);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_putc(out, '\n');
}

/* ---- back ---- */

struct reading {
	const struct jval *obj;
	struct err *e;
	bool ok;
};

static void bad(struct reading *r, const char *name)
{
	r->ok = false;
	err_set(r->e, -EINVAL, "\"%s\" is missing or not as it should be", name);
}

static uint64_t get_number(struct reading *r, const char *name, int64_t max)
{
	int64_t n = 0;

	if (!jval_int(jval_get(r->obj, name), 0, max, &n))
		bad(r, name);
	return (uint64_t)n;
}

static uint64_t get_u64(struct reading *r, const char *name)
{
	const char *s = jval_text(jval_get(r->obj, name));
	char *end;
	uint64_t n = 0;

	if (!s || strlen(s) != 16 || strspn(s, "0123456789abcdef") != 16)
		bad(r, name);
	else
		n = strtoull(s, &end, 16);
	return n;
}

static unsigned get_word(struct reading *r, const char *name, const char *const *words, unsigned n)
{
	const char *s = jval_text(jval_get(r->obj, name));

	for (unsigned i = 0; s && i < n; i++)
		if (!strcmp(s, words[i]))
			return i;
	bad(r, name);
	return 0;
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The caller's, terminated; NULL: it is none, or longer than max. */
static char *hex_of(const char *s, size_t max, size_t *n)
{
	char *out;

	if (!s || strlen(s) % 2 || strlen(s) / 2 > max)
		return NULL;
	*n = strlen(s) / 2;
	out = xmalloc(*n + 1);
	for (size_t i = 0; i < *n; i++) {
		int hi = nibble(s[2 * i]), lo = nibble(s[2 * i + 1]);

		if (hi < 0 || lo < 0) {
			free(out);
			return NULL;
		}
		out[i] = (char)(hi << 4 | lo);
	}
	out[*n] = '\0';
	return out;
}

static char *get_string(struct reading *r, const char *name, size_t max)
{
	_autofree_ char *hex_name = xasprintf("%s_hex", name);
	const char *s = jval_text(jval_get(r->obj, name));
	size_t n = 0;
	char *out = s ? xstrdup(s) : hex_of(jval_text(jval_get(r->obj, hex_name)), max, &n);

	if (out && (!s || strlen(s) <= max) && (s || strlen(out) == n) && *out && !strpbrk(out, "\n\r"))
		return out;
	free(out);
	bad(r, name);
	return NULL;
}

static struct neighbour get_neighbour(const struct reading *r, const char *name)
{
	struct reading in = { jval_get(r->obj, name), r->e, true };
	struct neighbour x = { 0 };

	x.kind = (enum neighbour_kind)get_word(&in, "kind", next_words, ARRAY_SIZE(next_words));
	x.n = get_number(&in, "n", INT64_MAX);
	x.hash = get_u64(&in, "hash");
	return x;
}

static void get_one(struct reading *r, struct disabled *d)
{
	const char *family = jval_text(jval_get(r->obj, "family"));

	d->id = get_number(r, "id", INT64_MAX);
	d->since = get_number(r, "since", INT64_MAX);
	if (!family || nft_family_parse(family, &d->family, NULL) < 0)
		bad(r, "family");
	d->table = get_string(r, "table", NAME_MAX_);
	d->chain = get_string(r, "chain", NAME_MAX_);
	d->text = get_string(r, "rule", TEXT_MAX);
	d->handle = get_number(r, "handle", INT64_MAX);
	if (jval_get(r->obj, "pack")) {
		d->pack = get_string(r, "pack", NAME_MAX_);
		d->where = get_string(r, "where", 4096);
		d->sig = get_u64(r, "signature");
		d->nth = (uint32_t)get_number(r, "nth", UINT32_MAX);
		return;
	}
	d->state = (enum disabled_state)get_word(r, "state", state_words, ARRAY_SIZE(state_words));
	d->hash = get_u64(r, "hash");
	d->top = get_number(r, "top", INT64_MAX);
	d->index = (uint32_t)get_number(r, "index", UINT32_MAX);
	d->before = get_neighbour(r, "before");
	d->after = get_neighbour(r, "after");
	d->udata = (uint8_t *)hex_of(jval_text(jval_get(r->obj, "userdata")), UDATA_MAX, &d->n_udata);
	if (!d->udata)
		bad(r, "userdata");
}

static int get_all(const struct jval *root, struct disabled_list *out, struct err *e)
{
	struct reading r = { root, e, true };
	const struct jval *rules = jval_get(root, "rules");

	if (get_number(&r, "version", INT64_MAX) != VERSION)
		return err_set(e, -EINVAL, "it is of another version, or none of rnm's");
	out->last_id = get_number(&r, "last_id", INT64_MAX - DISABLED_MAX);
	if (!rules || rules->type != J_ARRAY || rules->n > DISABLED_MAX)
		bad(&r, "rules");
	for (const struct jval *v = r.ok ? rules->first : NULL; v && r.ok; v = v->next) {
		struct disabled d = { 0 };

		r.obj = v;
		get_one(&r, &d);
		if (r.ok && (!d.id || d.id > out->last_id || disabled_by_id(out, d.id)))
			bad(&r, "id");
		if (e && e->code) /* a neighbour's */
			r.ok = false;
		if (r.ok)
			vec_push(&out->v, d);
		else
			disabled_free(&d);
	}
	return r.ok ? 0 : -EINVAL;
}

int disabled_parse(const char *text, size_t n, struct disabled_list *out, struct err *e)
{
	_err_ struct err why = ERR_INIT;
	struct jdoc doc = { 0 };
	int rc = jread(text, n, VALUES_MAX, &doc, &why);

	memset(out, 0, sizeof(*out));
	if (rc == 0)
		rc = get_all(doc.root, out, &why);
	jdoc_free(&doc);
	if (rc < 0)
		disabled_list_free(out);
	return rc < 0 ? err_set(e, -EINVAL, "%s", err_text(&why)) : 0;
}
