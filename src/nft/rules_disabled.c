// SPDX-License-Identifier: GPL-2.0-or-later
/* Which statements are those that somebody disabled. Derived with the chain's merge, for statements come and
 * go. */
#include "nft/ruleset_disabled.h"

#include <errno.h>
#include <string.h>

#include "nft/model.h"

#define SEED 0x73746d74

void disabled_rule_free(struct disabled_rule *d)
{
	free(d->table);
	free(d->chain);
	free(d->pack);
}

static uint64_t signature(struct stmt *st)
{
	const struct params *p = st->rule.params;
	const char *text = ast_text(st->rule.ast);
	uint64_t h;

	if (st->rule.sig)
		return st->rule.sig;
	h = hash_stable(SEED + st->insert, text, strlen(text));
	for (uint32_t i = 0; p && i < p->n; i++) {
		_buf_ struct buf b = BUF_INIT;

		buf_printf(&b, "%s=%d ", p->p[i].name, p->p[i].val.kind);
		val_text(&p->p[i].val, &b);
		h = hash_stable(h, b.s, b.n);
	}
	return st->rule.sig = h ? h : 1;
}

static bool is_of(const struct disabled_rule *d, const struct obj *chain)
{
	return d->family == chain->family && !strcmp(d->chain, chain->name) &&
	       !strcmp(d->table, chain->tab->name);
}

static struct obj *chain_of(struct ruleset *rs, const struct disabled_rule *d)
{
	return obj_find(rs, OBJ_CHAIN, d->family, d->table, d->chain);
}

/* The n-th equal one of the pack. */
static struct stmt *statement(const struct disabled_rule *d, const struct obj *chain)
{
	uint32_t nth = d->nth;

	vec_foreach (it, &chain->rules) {
		struct stmt *st = *it;

		if (st->active && !strcmp(stmt_pack(st)->name, d->pack) && signature(st) == d->sig && !nth--)
			return st;
	}
	return NULL;
}

bool disabled_rules_mark(struct obj *chain)
{
	struct ruleset *rs = chain->rs;
	bool any = false, changed = false;

	vec_foreach (d, &rs->disabled)
		any |= is_of(d, chain);
	if (!any && !chain->any_disabled)
		return false;
	chain->any_disabled = any;
	vec_foreach (st, &chain->rules) {
		(*st)->was_disabled = (*st)->disabled != 0;
		(*st)->disabled = 0;
	}
	vec_foreach (d, &rs->disabled) {
		struct stmt *st = is_of(d, chain) ? statement(d, chain) : NULL;

		if (st)
			st->disabled = d->id;
	}
	vec_foreach (it, &chain->rules) {
		struct stmt *st = *it;

		changed |= st->was_disabled != (st->disabled != 0);
		if (st->was_disabled && !st->disabled)
			st->refused = false; /* it is tried again */
	}
	return changed;
}

static void merge_again(struct ruleset *rs)
{
	vec_foreach (d, &rs->disabled) {
		struct obj *chain = chain_of(rs, d);

		if (!chain)
			continue;
		obj_dirty(chain);
		obj_changed(chain);
	}
}

void ruleset_disable(struct ruleset *rs, const struct disabled_list *l)
{
	merge_again(rs);
	vec_foreach (d, &rs->disabled)
		disabled_rule_free(d);
	vec_clear(&rs->disabled);
	vec_foreach (d, &l->v)
		if (d->pack)
			vec_push(&rs->disabled, (struct disabled_rule){ .id = d->id,
							.family = d->family,
							.table = xstrdup(d->table),
							.chain = xstrdup(d->chain),
							.pack = xstrdup(d->pack),
							.sig = d->sig,
							.nth = d->nth });
	merge_again(rs);
}

/* ---- by handle ---- */

/* The kernel's rules and those that are wanted stand in the same order. */
struct stmt *rule_with_handle(const struct obj *chain, uint64_t handle)
{
	uint32_t i = 0;

	vec_foreach (st, &chain->rules) {
		const struct rcode *rc = rule_of(*st);
		const struct krule *k;

		if (!rc)
			continue;
		while (i < chain->krules.n && (chain->krules.v[i].gone || chain->krules.v[i].unclaimed))
			i++;
		k = i < chain->krules.n ? &chain->krules.v[i++] : NULL;
		if (!k || k->rc->code->hash != rc->code->hash)
			return NULL;
		if (k->handle == handle)
			return *st;
	}
	return NULL;
}

static uint32_t nth_of(const struct obj *chain, struct stmt *which)
{
	uint32_t n = 0;

	vec_foreach (it, &chain->rules) {
		struct stmt *st = *it;

		if (st == which)
			break;
		n += st->active && stmt_pack(st) == stmt_pack(which) && signature(st) == signature(which);
	}
	return n;
}

int ruleset_rule_find(
	struct ruleset *rs, struct obj *chain, uint64_t handle, struct disabled *out, struct err *e)
{
	struct stmt *st = rule_with_handle(chain, handle);
	struct site site;

	if (!st)
		return err_set(e, -ENOENT, "chain '%s' has no rule with handle %llu that a pack states",
			chain->name, (unsigned long long)handle);
	site = ruleset_site_get(rs, st->site);
	*out = (struct disabled){
		.family = chain->family,
		.table = xstrdup(chain->tab->name),
		.chain = xstrdup(chain->name),
		.text = xstrdup(st->rule.rc->text),
		.handle = handle,
		.pack = xstrdup(stmt_pack(st)->name),
		.where = xasprintf("%s:%u", site.file, site.line),
		.sig = signature(st),
		.nth = nth_of(chain, st),
	};
	return 0;
}

int ruleset_rule_index(const struct obj *chain, uint64_t index, uint64_t *handle, struct err *e)
{
	if (index >= chain->krules.n)
		return err_set(e, -ENOENT, "index %llu: the chain has %u rules, counted from 0",
			(unsigned long long)index, chain->krules.n);
	*handle = chain->krules.v[index].handle;
	return 0;
}

const char *ruleset_rule_label(const struct obj *chain, uint64_t handle)
{
	vec_foreach (k, &chain->krules)
		if (k->handle == handle)
			vec_foreach (st, &chain->rules)
				if ((*st)->rule.rc && (*st)->rule.rc == k->rc && (*st)->rule.ast)
					return ast_comment((*st)->rule.ast) ||
							       ast_comment_param((*st)->rule.ast)
						       ? NULL
						       : k->rc->comment;
	return NULL;
}

/* ---- telling ---- */

bool ruleset_disabled_stated(
	struct ruleset *rs, const struct disabled *d, const char **pack, struct site *site)
{
	struct disabled_rule key = { .family = d->family,
		.table = d->table,
		.chain = d->chain,
		.pack = d->pack,
		.sig = d->sig,
		.nth = d->nth };
	struct obj *chain = d->pack ? chain_of(rs, &key) : NULL;
	struct stmt *st = chain ? statement(&key, chain) : NULL;

	if (!st)
		return false;
	*pack = stmt_pack(st)->name;
	*site = ruleset_site_get(rs, st->site);
	return true;
}

uint32_t ruleset_disabled_count(const struct ruleset *rs, uint32_t *stated)
{
	*stated = 0;
	vec_foreach (d, &rs->disabled) {
		struct obj *chain = chain_of((struct ruleset *)(uintptr_t)rs, d);

		*stated += chain && statement(d, chain);
	}
	return rs->disabled.n;
}
