// SPDX-License-Identifier: GPL-2.0-or-later
/* Taking over tables that somebody else made: which are to be, and what their rules are. They carry no id and
 * no hash, so each is spelled as nft's language, which is compiled: a policy that states the same gets the
 * same code. */
#include <errno.h>

#include "nft/decompile.h"
#include "nft/klist.h"
#include "nft/merge_impl.h"
#include "nft/readback_impl.h"

void table_adopts(struct obj *o, bool adopt)
{
	if (adopt && !o->adopt)
		o->looked_at = false;
	o->adopt = adopt;
}

static struct klist *list_of(struct reading *r)
{
	static const struct list_opts stateless = { .stateless = true };
	struct klist *l = r->list;

	if (l)
		return l;
	r->list = l = xnew(struct klist);
	l->conn = r->c;
	l->o = &stateless;
	l->e = r->e;
	l->family = r->tab->family;
	l->table = r->tab->name;
	if (klist_sets(l, NULL) < 0) /* then rules that name them are not known */
		err_free(r->e);
	return l;
}

void adopted_done(struct reading *r)
{
	if (!r->list)
		return;
	klist_clear(r->list);
	arena_free(&r->list->arena);
	free(r->list);
	r->list = NULL;
}

/* The code of this line. */
static struct code *compile(const struct decompile_env *d, const char *text)
{
	struct rule_env env = {
		.ctx = d->ctx,
		.family = d->family,
		.chain_type = d->chain_type,
		.hook = d->hook,
		.set = d->set,
	};
	struct ast_rule *ast = NULL;
	struct code *code = NULL;

	if (rule_parse(text, strlen(text), NULL, &ast, NULL) == 0 &&
		rule_compile(ast, &env, &code, NULL) < 0) {
		code_free(code);
		code = NULL;
	}
	ast_put(ast);
	return code;
}

void adopted_content(
	struct reading *r, const struct obj *chain, const struct kread_rule *k, struct content *out)
{
	struct decompile_env env = klist_env(list_of(r), NULL);
	_buf_ struct buf text = BUF_INIT;
	struct code *code = NULL;

	if (chain->chain_have.w.base) {
		env.chain_type = chain->chain_have.w.type;
		env.hook = (int)chain->chain_have.w.hook;
	}
	if (rule_decompile(&env, k->exprs, k->n, k->comment, &text))
		code = compile(&env, buf_str(&text));
	if (!code)
		return;
	out->known = true;
	out->hash = code->hash;
	out->text = buf_take(&text);
	code_free(code);
}

int ruleset_adopt(struct ruleset *rs, uint8_t family, const char *table, struct err *e)
{
	struct obj *o = obj_find(rs, OBJ_TABLE, family, NULL, table);
	const char *fam = nft_family_name(family);

	if (o && o->have)
		return err_set(e, -EEXIST, "table %s %s is rnm's already", fam, table);
	if (!o || !o->foreign)
		return err_set(e, -ENOENT, "there is no table %s %s that is not rnm's", fam, table);
	if (!o->why)
		return err_set(e, -EINVAL,
			"no policy states table %s %s: rnm would remove it; state what is to stay in it "
			"first",
			fam, table);
	if (o->owner || o->odd_mark)
		return err_set(e, -EBUSY, "%s", o->why);
	o->adopt_now = true;
	obj_dirty(o);
	ruleset_suspect(rs, OBJ_TABLE, family, table, NULL);
	return 0;
}

void ruleset_adopt_end(struct ruleset *rs, uint8_t family, const char *table, bool undo)
{
	struct obj *o = obj_find(rs, OBJ_TABLE, family, NULL, table);

	if (!o)
		return;
	o->adopt_now = false;
	if (!undo || !o->have)
		return;
	table_lost(o);
	o->foreign = o->looked_at = true;
}
