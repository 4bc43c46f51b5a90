// SPDX-License-Identifier: GPL-2.0-or-later
/* The statements that each element of a set gets, back in words: a spec says them as a text. */
#include <errno.h>

#include "script/load.h"

static int number(struct load *l, const struct node *n, struct buf *out, struct err *e)
{
	const struct val *v = n->kind == N_PARAM ? load_value(l, n->s) : NULL;

	if (n->kind == N_WORD || n->kind == N_STRING) {
		buf_puts(out, n->s);
		return 0;
	}
	if (!v || v->kind != VAL_INT || v->num < 0)
		return err_set(e, -EINVAL, "%s%s is no number that can stand in a set's statements",
			n->kind == N_PARAM ? "$" : "", n->kind == N_PARAM ? n->s : "this");
	buf_printf(out, "%lld", (long long)v->num);
	return 0;
}

static const char *bytes_word(uint64_t factor)
{
	return factor == 1 ? "bytes" : factor == 1024 ? "kbytes" : "mbytes";
}

static const char *unit_word(uint64_t seconds)
{
	switch (seconds) {
	case 1: return "second";
	case 60: return "minute";
	case 3600: return "hour";
	case 86400: return "day";
	default: return "week";
	}
}

static int limit(struct load *l, const struct node *n, struct buf *out, struct err *e)
{
	int rc;

	buf_puts(out, n->op ? "limit rate over " : "limit rate ");
	rc = number(l, n->a, out, e);
	if (n->u2)
		buf_printf(out, " %s", bytes_word(n->u2));
	buf_printf(out, "/%s", unit_word(n->u));
	if (rc < 0 || !n->b)
		return rc;
	buf_puts(out, " burst ");
	rc = number(l, n->b, out, e);
	buf_printf(out, " %s", n->u2 ? bytes_word(n->u3 ? n->u3 : 1) : "packets");
	return rc;
}

static int quota(struct load *l, const struct node *n, struct buf *out, struct err *e)
{
	int rc;

	buf_puts(out, n->op ? "quota over " : "quota ");
	rc = number(l, n->a, out, e);
	buf_printf(out, " %s", bytes_word(n->u));
	return rc; /* what is used of it is each element's own */
}

static int statement(struct load *l, const struct node *n, struct buf *out, struct err *e)
{
	switch (n->kind) {
	case S_COUNTER: buf_puts(out, "counter"); return 0;
	case S_LAST: buf_puts(out, "last"); return 0;
	case S_LIMIT: return limit(l, n, out, e);
	case S_QUOTA: return quota(l, n, out, e);
	case S_CONNLIMIT:
		buf_puts(out, n->op ? "ct count over " : "ct count ");
		return number(l, n->a, out, e);
	default: return err_set(e, -EINVAL, "a set's elements can not have this statement");
	}
}

int stateful_words(struct load *l, const struct node *list, struct buf *out, struct err *e)
{
	for (const struct node *n = list; n; n = n->next) {
		int rc;

		if (out->n)
			buf_putc(out, ' ');
		rc = statement(l, n, out, e);
		if (rc < 0)
			return rc;
	}
	return 0;
}
