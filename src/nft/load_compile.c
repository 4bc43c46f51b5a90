// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands of a file as `nft --debug=netlink` would show them: the same run as a load, but what would go
 * into the batch is printed. */
#include <errno.h>

#include "nft/code_debug.h"
#include "nft/load_impl.h"

static void put_anon(struct load *l, const struct op *op, const struct anon_set *s)
{
	struct set_want w = { .info = s->info, .size = s->elems.n ? anon_size(s) : 0 };

	debug_set(&w, op->table, l->text);
	debug_elems_begin(&s->info, op->table, l->text);
	for (uint32_t i = 0; i < s->elems.n; i++)
		debug_elem(&s->info, &s->elems.v[i], i == 0, i + 1 < s->elems.n ? &s->elems.v[i + 1] : NULL,
			l->text);
	if (s->elems.n)
		buf_putc(l->text, '\n');
}

static void put_udata(struct buf *out, const char *comment)
{
	buf_printf(out, "  userdata = { \\x00\\x%02zx%s\\x00 }\n", strlen(comment) + 1, comment);
}

static void put_code(
	struct load *l, const struct op *op, const struct code *code, const char *chain, const char *comment)
{
	uint64_t at = op->rule.position ? op->rule.position : op->rule.position_id;

	vec_foreach (s, &code->sets)
		put_anon(l, op, s);
	/* chains in braces have no name yet */
	vec_foreach (ch, &code->chains)
		vec_foreach (r, &ch->rules)
			put_code(l, op, r->code, NULL, r->comment);
	buf_printf(l->text, "%s %s", nft_family_name(op->family), op->table);
	if (chain)
		buf_printf(l->text, " %s", chain);
	if (chain && at)
		buf_printf(l->text, " %llu", (unsigned long long)at);
	buf_putc(l->text, '\n');
	debug_exprs(code, l->text);
	if (comment)
		put_udata(l->text, comment);
	else
		buf_putc(l->text, '\n');
}

static void put_elems_text(struct load *l, const struct op *op)
{
	const struct set_info *info = &op->elem.set->info;
	struct setelem el;

	debug_elems_begin(info, op->table, l->text);
	for (uint32_t i = 0; i < op->elem.n; i++) {
		op->elem.get(op, i, &el);
		debug_elem(info, &el, i == 0, NULL, l->text);
	}
	buf_putc(l->text, '\n');
}

static int hear_op(struct load *l, const struct op *op, uint32_t i, struct err *e)
{
	(void)l, (void)op, (void)i, (void)e;
	return 0;
}

static int print_op(struct load *l, const struct op *op, uint32_t i, struct err *e)
{
	(void)i, (void)e;
	switch (op->kind) {
	case OP_ADD_RULE:
	case OP_REPLACE_RULE: put_code(l, op, op->rule.code, op->name, op->rule.comment); break;
	case OP_ADD_SET: debug_set(op->set, op->table, l->text); break;
	case OP_ADD_ELEM: put_elems_text(l, op); break;
	default: break;
	}
	return 0;
}

int nft_compile_file(struct nft_conn *c, struct nft_file *f, const struct load_opts *o, struct buf *out,
	struct errlist *errs)
{
	struct load l = { .c = c, .f = f, .o = o, .errs = errs, .destroys = true, .text = out };

	/* what rules say about sets in front of them */
	load_begin(&l, hear_op);
	load_run(&l);
	load_end(&l);
	if (!errs->n) {
		load_begin(&l, print_op);
		load_run(&l);
		load_end(&l);
	}
	marks_free(&l);
	return errs->n ? -EINVAL : 0;
}
