// SPDX-License-Identifier: GPL-2.0-or-later
/* Values of a loaded text: those of its $names, and elements as they are written. */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "script/load.h"

#define STRING_MAX  255 /* bytes of a value */
#define COMMENT_MAX 127

/* ---- $names ---- */

static bool value_eq(const void *item, const void *key)
{
	return strcmp(((const struct load_value *)item)->name, key) == 0;
}

static struct load_value *find(struct load *l, const char *name)
{
	return hmap_find(&l->index, hash_str(name), value_eq, name);
}

/* For proposals: the same name with each attribute that there is. */
static void keep_near(struct load *l, const char *name)
{
	const char *dot = strrchr(name, '.'), *attr;

	while (l->near.n)
		free(vec_pop(&l->near));
	for (size_t i = 0; dot && (attr = live_attr_at(i)) != NULL; i++)
		vec_push(&l->near, xasprintf("%.*s.%s", (int)(dot - name), name, attr));
}

const struct val *load_value(struct load *l, const char *name)
{
	struct load_value *v = find(l, name);
	struct val live;

	if (!v) {
		live_name(l->pk, name, &live);
		if (live.kind == VAL_NIL) {
			keep_near(l, name);
			return NULL;
		}
		v = xnew(struct load_value);
		v->name = xstrdup(name);
		v->val = live;
		vec_push(&l->values, v);
		hmap_put(&l->index, hash_str(name), v);
	}
	if (v->bad) {
		struct err e = ERR_INIT;

		if (*v->bad) {
			err_set(&e, -EINVAL, "$%s: %s", name, v->bad);
			errlist_add(&l->errs, 0, 0, &e);
			*v->bad = '\0'; /* said once */
		}
		return NULL;
	}
	return &v->val;
}

/* The caller's names, then what the last unknown name could have meant. */
const char *load_value_at(void *ctx, size_t i)
{
	struct load *l = ((struct loaded *)ctx)->now;

	if (i < l->given)
		return l->values.v[i]->name;
	i -= l->given;
	return i < l->near.n ? l->near.v[i] : NULL;
}

/* ---- written values ---- */

static int fail(const struct ast_rule *r, const struct node *n, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int fail(const struct ast_rule *r, const struct node *n, struct err *e, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return src_error(&r->src, n->pos, n->end, e, "%s", msg);
}

/* A name that ends in an asterisk is a pattern, in one with a backslash before it just a name. */
static int word_val(const struct ast_rule *r, const struct node *n, struct val *out, struct err *e)
{
	size_t len = strlen(n->s);

	if (!len)
		return fail(r, n, e, "an empty string is no value");
	if (len > STRING_MAX || !text_is_clean(n->s, len))
		return fail(r, n, e, "longer than %d bytes, or not printable", STRING_MAX);
	*out = val_string(n->s, len);
	if (n->s[len - 1] != '*')
		return 0;
	if (len > 1 && n->s[len - 2] == '\\')
		strcpy(out->str + len - 2, "*");
	else
		out->kind = VAL_GLOB;
	return 0;
}

static int param_val(
	struct load *l, const struct ast_rule *r, const struct node *n, struct val *out, struct err *e)
{
	const struct val *v = load_value(l, n->s);
	const char *near = v ? NULL : suggest(n->s, load_value_at, l->ld);

	if (!v && near)
		return fail(r, n, e, "$%s has no value; did you mean $%s?", n->s, near);
	if (!v)
		return fail(r, n, e, "$%s has no value", n->s);
	*out = val_copy(v);
	return 0;
}

/* What a prefix or range is made of: words and single values. */
static bool plain_text(const struct val *v, char out[STRING_MAX + 1])
{
	_buf_ struct buf b = BUF_INIT;

	switch (v->kind) {
	case VAL_STRING: snprintf(out, STRING_MAX + 1, "%s", v->str); return true;
	case VAL_INT:
	case VAL_ADDR:
	case VAL_MAC:
		val_text(v, &b);
		snprintf(out, STRING_MAX + 1, "%s", buf_str(&b));
		return true;
	default: return false;
	}
}

static int prefix_val(
	struct load *l, const struct ast_rule *r, const struct node *n, struct val *out, struct err *e)
{
	char first[STRING_MAX + 1], len[STRING_MAX + 1], text[2 * STRING_MAX + 3];
	struct val a = { 0 }, b = { 0 };
	struct ipprefix p;
	uint64_t bits;
	int rc = node_val(l, r, n->a, &a, e);

	if (rc == 0)
		rc = node_val(l, r, n->b, &b, e);
	if (rc == 0 && (!plain_text(&a, first) || !plain_text(&b, len) || !parse_u64(len, 128, &bits) ||
			       strchr(first, '/')))
		rc = fail(r, n, e, "a prefix is an address, / and a number of bits");
	val_free(&a);
	val_free(&b);
	if (rc < 0)
		return rc;
	snprintf(text, sizeof(text), "%s/%u", first, (unsigned)bits);
	if (ipprefix_parse(text, &p))
		*out = val_prefix(&p);
	else
		*out = val_string(text, strlen(text));
	return 0;
}

static bool is_single(const struct val *v)
{
	return v->kind == VAL_STRING || v->kind == VAL_INT || v->kind == VAL_ADDR || v->kind == VAL_MAC;
}

static int range_val(
	struct load *l, const struct ast_rule *r, const struct node *n, struct val *out, struct err *e)
{
	int rc;

	out->kind = VAL_RANGE;
	out->list = xcalloc(2, sizeof(*out->list));
	out->n = 2;
	rc = node_val(l, r, n->a, &out->list[0], e);
	if (rc == 0)
		rc = node_val(l, r, n->b, &out->list[1], e);
	if (rc == 0 && (!is_single(&out->list[0]) || !is_single(&out->list[1])))
		rc = fail(r, n, e, "a range goes from one value to another");
	return rc;
}

static int concat_val(
	struct load *l, const struct ast_rule *r, const struct node *n, struct val *out, struct err *e)
{
	int rc = 0;

	out->kind = VAL_CONCAT;
	out->list = xcalloc(NFT_PARTS_MAX, sizeof(*out->list));
	for (const struct node *m = n->a; m && rc == 0; m = m->next) {
		if (out->n == NFT_PARTS_MAX)
			return fail(r, n, e, "more than %d parts", NFT_PARTS_MAX);
		struct val *part = &out->list[out->n++];

		rc = node_val(l, r, m, part, e);
		if (rc == 0 && (part->kind == VAL_LIST || part->kind == VAL_MAP || part->kind == VAL_CONCAT))
			rc = fail(r, m, e, "one value must stand here");
	}
	return rc;
}

/* 1 << 3, syn | ack */
static int binop_val(
	struct load *l, const struct ast_rule *r, const struct node *n, struct val *out, struct err *e)
{
	char ta[STRING_MAX + 1] = "", tb[STRING_MAX + 1] = "", text[2 * STRING_MAX + 2];
	struct val a = { 0 }, b = { 0 };
	uint64_t x, y;
	int rc = node_val(l, r, n->a, &a, e);

	if (rc == 0)
		rc = node_val(l, r, n->b, &b, e);
	if (rc == 0 && (!plain_text(&a, ta) || !plain_text(&b, tb)))
		rc = fail(r, n, e, "bit operations need two plain values");
	val_free(&a);
	val_free(&b);
	if (rc < 0)
		return rc;
	if (!parse_u64(ta, INT64_MAX, &x) || !parse_u64(tb, INT64_MAX, &y)) {
		if (n->op != '|')
			return fail(r, n, e, "this bit operation needs two numbers");
		snprintf(text, sizeof(text), "%s|%s", ta, tb);
		if (strlen(text) > STRING_MAX)
			return fail(r, n, e, "the value is too long");
		*out = val_string(text, strlen(text));
		return 0;
	}
	switch (n->op) {
	case '&': x &= y; break;
	case '|': x |= y; break;
	case '^': x ^= y; break;
	case TOK_SHL: x = y > 62 ? 0 : x << y & INT64_MAX; break;
	case TOK_SHR: x = y > 62 ? 0 : x >> y; break;
	}
	*out = val_int((int64_t)x);
	return 0;
}

static int verdict_val(
	struct load *l, const struct ast_rule *r, const struct node *n, struct val *out, struct err *e)
{
	static const struct {
		int32_t code;
		const char *word;
	} words[] = { { NF_ACCEPT, "accept" }, { NF_DROP, "drop" }, { NFT_CONTINUE, "continue" },
		{ NFT_RETURN, "return" }, { NFT_JUMP, "jump" }, { NFT_GOTO, "goto" } };
	int32_t code = (int32_t)(int64_t)n->u;
	const char *word = NULL;
	struct val to = { 0 };
	_buf_ struct buf b = BUF_INIT;
	int rc;

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].code == code)
			word = words[i].word;
	if (!word)
		return fail(r, n, e, "this verdict can not stand here");
	if (!n->a) {
		*out = val_string(word, strlen(word));
		return 0;
	}
	rc = node_val(l, r, n->a, &to, e);
	if (rc == 0 && to.kind != VAL_STRING && (to.kind != VAL_OBJ || to.obj_kind != OBJ_CHAIN))
		rc = fail(r, n->a, e, "the name of a chain must stand here");
	if (rc == 0) {
		buf_printf(&b, "%s %s", word, to.str);
		*out = val_string(buf_str(&b), b.n);
	}
	val_free(&to);
	return rc;
}

int node_val(struct load *l, const struct ast_rule *r, const struct node *n, struct val *out, struct err *e)
{
	int rc;

	*out = (struct val){ .kind = VAL_NIL };
	switch (n->kind) {
	case N_WORD:
	case N_STRING: rc = word_val(r, n, out, e); break;
	case N_PARAM: rc = param_val(l, r, n, out, e); break;
	case N_PREFIX: rc = prefix_val(l, r, n, out, e); break;
	case N_RANGE: rc = range_val(l, r, n, out, e); break;
	case N_CONCAT: rc = concat_val(l, r, n, out, e); break;
	case N_BINOP: rc = binop_val(l, r, n, out, e); break;
	case N_VERDICT: rc = verdict_val(l, r, n, out, e); break;
	case N_WILD:
		*out = val_string("*", 1);
		out->kind = VAL_GLOB;
		rc = 0;
		break;
	default: rc = fail(r, n, e, "a constant is expected here");
	}
	if (rc < 0)
		val_free(out);
	return rc;
}

/* ---- elements ---- */

static int option_time(
	struct load *l, const struct ast_rule *r, const struct node *o, uint64_t *ms, struct err *e)
{
	struct val v;
	int rc = node_val(l, r, o->a, &v, e);

	if (rc < 0)
		return rc;
	if (v.kind == VAL_INT && v.num > 0 && v.num < INT32_MAX)
		*ms = (uint64_t)v.num * 1000;
	else if (v.kind != VAL_STRING || !duration_parse(v.str, ms) || !*ms)
		rc = fail(r, o->a, e, "expected a duration like 30s or 1h30m");
	val_free(&v);
	return rc;
}

static bool has_kind(const struct node *list, uint8_t kind)
{
	for (; list; list = list->next)
		if (list->kind == kind)
			return true;
	return false;
}

static int own_words(const struct load_elems *x, const struct node *o, struct buf *own, struct err *e)
{
	struct node alone = *o;

	alone.next = NULL;
	return stateful_words(x->l, &alone, own, e);
}

static int options(const struct load_elems *x, const struct ast_rule *r, const struct node *el,
	struct val *key, struct buf *own, struct err *e)
{
	struct val v;
	int rc = 0;

	for (const struct node *o = el->c; o && rc == 0; o = o->next) {
		switch (o->kind) {
		case N_OPT_TIMEOUT: rc = option_time(x->l, r, o, &key->timeout_ms, e); break;
		case N_OPT_EXPIRES: break; /* what is left of it is the kernel's business */
		case N_OPT_COMMENT:
			rc = node_val(x->l, r, o->a, &v, e);
			if (rc == 0 && v.kind != VAL_STRING && v.kind != VAL_GLOB)
				rc = fail(r, o->a, e, "a comment is a text");
			if (rc == 0 && strlen(v.str) > COMMENT_MAX)
				rc = fail(r, o->a, e, "a comment has at most %d bytes", COMMENT_MAX);
			if (rc == 0) {
				free(key->comment);
				key->comment = v.str;
				v.str = NULL;
			}
			val_free(&v);
			break;
		default:
			if (!has_kind(x->stateful, o->kind)) /* else the set gives it */
				rc = own_words(x, o, own, e);
		}
	}
	return rc;
}

static unsigned lives(const struct val *v)
{
	unsigned n = v->kind == VAL_LIVE;

	for (uint32_t i = 0; v->kind == VAL_CONCAT && i < v->n; i++)
		n += lives(&v->list[i]);
	return n;
}

static int one(const struct load_elems *x, const struct ast_rule *r, const struct node *el, struct val *key,
	struct val *data, const char *own, struct err *e)
{
	unsigned live = lives(key), more = lives(data);

	if ((live || more) && (key->timeout_ms || key->comment || own))
		return fail(r, el, e, "what follows a live value has no options of its own");
	if (live + more > 1)
		return fail(r, el, e, "only one live value can stand in an element");
	if (live && x->is_map && data->kind == VAL_NIL)
		return fail(r, el, e, "an element of a map has a value: `$name : value`");
	return x->fn(x->ctx, key, data, own, e);
}

/* A list or table as an element: its items are elements. */
static int spread(const struct load_elems *x, const struct ast_rule *r, const struct node *el,
	struct val *list, struct err *e)
{
	bool pairs = list->kind == VAL_MAP;
	uint32_t step = pairs ? 2 : 1;
	struct val none = { 0 };
	int rc = 0;

	if (el->b || el->c)
		return fail(r, el, e, "a list stands alone, without a value or options");
	if (pairs && !x->is_map)
		return fail(r, el, e, "a list is expected here, this is a table of keys and values");
	for (uint32_t i = 0; i + step <= list->n && rc == 0; i += step) {
		struct val index = val_int((int64_t)i + 1);

		if (x->is_map && !pairs) /* a table is a map, whatever its keys */
			rc = one(x, r, el, &index, &list->list[i], NULL, e);
		else
			rc = one(x, r, el, &list->list[i], pairs ? &list->list[i + 1] : &none, NULL, e);
	}
	return rc;
}

int load_elem(const struct load_elems *x, const struct ast_rule *r, const struct node *el, struct err *e)
{
	struct val key, data = { 0 };
	_buf_ struct buf own = BUF_INIT;
	int rc = node_val(x->l, r, el->a, &key, e);

	if (rc == 0 && (key.kind == VAL_LIST || key.kind == VAL_MAP)) {
		rc = spread(x, r, el, &key, e);
		val_free(&key);
		return rc;
	}
	if (rc == 0)
		rc = options(x, r, el, &key, &own, e);
	if (rc == 0 && el->b)
		rc = node_val(x->l, r, el->b, &data, e);
	if (rc == 0 && (data.kind == VAL_LIST || data.kind == VAL_MAP))
		rc = fail(r, el->b, e, "one value must stand here");
	if (rc == 0)
		rc = one(x, r, el, &key, &data, own.n ? buf_str(&own) : NULL, e);
	val_free(&key);
	val_free(&data);
	return rc;
}
