// SPDX-License-Identifier: GPL-2.0-or-later
/* Plans of two kernels are compared by what they say, not by the numbers that a kernel gave its rules. */
#include <string.h>

#include "base/hash.h"
#include "nft/model.h"
#include "nft/plan_text.h"

#define ELEMS_SHOWN 64

static int text_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **elements(const struct op *op)
{
	char **texts = xcalloc(op->elem.n + 1, sizeof(*texts));

	for (uint32_t i = 0; i < op->elem.n; i++) {
		struct buf b = BUF_INIT;

		op_element(op, i, &b);
		texts[i] = buf_take(&b);
	}
	qsort(texts, op->elem.n, sizeof(*texts), text_order);
	return texts;
}

/* Appends what identifies the line and returns its sum. */
static uint64_t elements_line(const struct op *op, struct buf *out)
{
	char **texts = elements(op);
	size_t begin = out->n;
	uint64_t sum;

	buf_printf(out, "%c %s element %s %s %s { ", op_sign(op), op->kind == OP_ADD_ELEM ? "add" : "delete",
		nft_family_name(op->family), op->table, op->name);
	sum = hash_stable(1, out->s + begin, out->n - begin);
	for (uint32_t i = 0; i < op->elem.n; i++) {
		sum = hash_stable(sum, texts[i], strlen(texts[i]) + 1);
		if (i < ELEMS_SHOWN)
			buf_printf(out, "%s%s", i ? ", " : "", texts[i]);
		free(texts[i]);
	}
	free(texts);
	if (op->elem.n > ELEMS_SHOWN)
		buf_printf(out, ", ... %u more", op->elem.n - ELEMS_SHOWN);
	buf_puts(out, " }");
	return sum;
}

static const char *rule_verb(const struct op *op)
{
	switch ((int)op->kind) {
	case OP_ADD_RULE: return op->rule.position ? "insert" : "add";
	case OP_REPLACE_RULE: return "replace";
	case OP_DEL_RULE: return "delete";
	}
	return NULL;
}

static uint64_t line(const struct op *op, struct buf *out)
{
	size_t begin = out->n;

	if (op->kind == OP_ADD_ELEM || op->kind == OP_DEL_ELEM)
		return elements_line(op, out);
	buf_printf(out, "%c ", op_sign(op));
	if (rule_verb(op))
		buf_printf(out, "%s rule %s %s %s %s", rule_verb(op), nft_family_name(op->family), op->table,
			op->name, op->rule.text);
	else
		op_command(op, out);
	return hash_stable(1, out->s + begin, out->n - begin);
}

uint64_t plan_sum(const struct plan *p, struct buf *out)
{
	uint64_t sum = 0; /* whatever the order of what does not depend on one another */

	vec_foreach (op, &p->ops) {
		sum += line(op, out);
		buf_putc(out, '\n');
	}
	return sum;
}
