// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a JSON document: what is read and written again is read as the same. */
#include <stdlib.h>
#include <string.h>

#include "base/jread.h"
#include "base/json.h"
#include "base/xalloc.h"

#define VALUES_MAX 5000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static void write_value(struct json *j, const struct jval *v)
{
	_autofree_ char *name = NULL;

	/* the writer's names are C strings: these two never hold a NUL byte together */
	if (v->name) {
		name = xstrdup(v->name);
		check(v->name_len >= strlen(name) && !v->name[v->name_len]);
	}
	switch (v->type) {
	case J_NULL: json_text(j, name, NULL); return;
	case J_BOOL: json_bool(j, name, v->yes); return;
	case J_NUMBER: json_raw(j, name, v->s, v->len); return;
	case J_STRING:
		check(!v->s[v->len]);
		json_bytes(j, name, v->s, v->len);
		return;
	case J_ARRAY:
	case J_OBJECT: break;
	}
	json_open(j, name, v->type == J_ARRAY ? '[' : '{');
	for (const struct jval *m = v->first; m; m = m->next) {
		check((m->name != NULL) == (v->type == J_OBJECT));
		write_value(j, m);
	}
	json_close(j, v->type == J_ARRAY ? ']' : '}');
}

static uint32_t same(const struct jval *a, const struct jval *b)
{
	uint32_t n = 1;

	check(a->type == b->type && a->yes == b->yes && a->n == b->n && a->len == b->len);
	check(!a->len || !memcmp(a->s, b->s, a->len));
	for (a = a->first, b = b->first; a; a = a->next, b = b->next) {
		check(b != NULL);
		n += same(a, b);
	}
	check(!b);
	return n;
}

static bool nul_in_a_name(const struct jval *v)
{
	for (const struct jval *m = v->first; m; m = m->next)
		if ((m->name && memchr(m->name, 0, m->name_len)) || nul_in_a_name(m))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* exactly n bytes on the heap: a byte read beyond is seen */
	char *text = xmalloc(n ? n : 1);
	_err_ struct err e = ERR_INIT;
	struct jdoc doc, again;
	int rc;

	memcpy(text, data, n);
	rc = jread(text, n, VALUES_MAX, &doc, &e);
	check((rc == 0) == (doc.root != NULL) && (rc == 0) == !e.text);
	if (rc == 0 && !nul_in_a_name(doc.root)) {
		_buf_ struct buf out = BUF_INIT;
		struct json j = { &out, false };
		int64_t i;

		write_value(&j, doc.root);
		check(jread(buf_str(&out), out.n, VALUES_MAX, &again, NULL) == 0);
		check(same(doc.root, again.root) <= VALUES_MAX);
		check(!jval_int(doc.root, -5, 5, &i) || (i >= -5 && i <= 5));
		jdoc_free(&again);
	}
	jdoc_free(&doc);
	free(text);
	return 0;
}
