// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a whole file: read it, parse every rule and element, print what each command is about. What it
 * includes is the pattern itself, as a text. */
#include <string.h>

#include "nft/ast.h"
#include "nft/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int include(void *ctx, const char *pattern, const char *from, include_files *out, struct err *e)
{
	size_t n = strlen(pattern);

	(void)ctx;
	(void)from;
	if (!n)
		return err_set(e, -2, "no such file");
	for (int i = 0; i < 2; i++)
		vec_push(out, (struct include_file){ xstrdup("inner"), xstrdup(pattern), n });
	return 0;
}

static const struct val *param(void *ctx, const char *name)
{
	static struct val item[3], one, list, map, live;

	(void)ctx;
	if (!list.kind) {
		one = val_string("192.0.2.1", 9);
		item[0] = val_int(80);
		item[1] = val_string("eth*", 4);
		item[2] = val_string("*", 1);
		list = (struct val){ .kind = VAL_LIST, .list = item, .n = 3 };
		map = (struct val){ .kind = VAL_MAP, .list = item, .n = 2 };
		live.kind = VAL_LIVE;
	}
	return !strcmp(name, "one")    ? &one
	       : !strcmp(name, "list") ? &list
	       : !strcmp(name, "map")  ? &map
	       : !strcmp(name, "live") ? &live
				       : NULL;
}

static const char *param_at(void *ctx, size_t i)
{
	static const char *const names[] = { "one", "list", "map", "live", NULL };

	(void)ctx;
	return i < 4 ? names[i] : NULL;
}

/* A refusal has words, none of which moves a terminal. */
static void check_text(const char *text)
{
	if (!text || !*text)
		__builtin_trap();
	for (const char *p = text; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\n') || *p == 0x7f)
			__builtin_trap();
}

static int see(void *ctx, struct ast_rule *holder, const struct node *el)
{
	if (!holder || el->kind != N_ELEM || !el->a)
		__builtin_trap();
	return ++*(unsigned *)ctx > 100000 ? -7 : 0;
}

static void walk(struct nft_file *f, const struct file_cmd *c)
{
	_buf_ struct buf b = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct ast_rule *r;
	unsigned n = 0;

	if (c->file && !file_src(f, c->file))
		__builtin_trap();
	file_shown(f, c, 40, &b);
	file_error(f, c, &e, -22, "said %s", buf_str(&b));
	check_text(err_text(&e));
	err_free(&e);
	if (c->what == FILE_RULE && c->rule.body_end) {
		if (file_rule(f, c, &r, &e) < 0) {
			check_text(err_text(&e));
		} else {
			buf_puts(&b, ast_text(r));
			ast_put(r);
		}
	} else if (c->what == FILE_ELEMENTS) {
		if (file_elems(f, c, NULL, see, &n, &e) < 0 && e.code)
			check_text(err_text(&e));
	} else if (c->what == FILE_OBJECT && c->object) {
		struct object_want o;

		object_text(c->object, false, "; ", &b);
		buf_clear(&b);
		object_text(c->object, false, "; ", &b);
		if (!strchr(buf_str(&b), '\\') &&
			object_parse(c->object->type, buf_str(&b), b.n, NULL, &o, &e) == 0 &&
			!object_same(c->object, &o))
			__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const defines[] = { "given=22", "set={ 1, 2 }" };
	struct nft_file_opts o = {
		.include = include, .param = param, .param_at = param_at, .define = defines, .n_define = 2
	};
	struct errlist errs = { 0 };
	_buf_ struct buf b = BUF_INIT;
	struct nft_file *f = nft_file_parse("f", (const char *)data, size, &o, &errs);

	if (!f != (errs.n > 0))
		__builtin_trap();
	for (uint32_t i = 0; f && i < file_cmds(f); i++)
		walk(f, file_cmd(f, i));
	nft_file_free(f);
	if (errs.n) {
		errlist_text(&errs, &b);
		check_text(buf_str(&b));
	}
	errlist_free(&errs);
	return 0;
}
