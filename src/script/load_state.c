// SPDX-License-Identifier: GPL-2.0-or-later
/* A parsed text becomes statements, all of it or nothing: every rule and element is looked at before the
 * first is stated. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "nft/param.h"
#include "script/load.h"

#define CHUNK 1024 /* elements in one statement */

static void wrong(struct load *l, const struct file_cmd *cmd, struct err *e)
{
	errlist_add(&l->errs, cmd->file, cmd->pos, e);
}

static int weigh(struct load *l, uint64_t n, struct err *e)
{
	l->weight += n;
	if (l->weight <= LOAD_WEIGHT_MAX)
		return 0;
	return err_set(
		e, -E2BIG, "too many elements and values: lists that rules name often belong into a set");
}

/* ---- rules ---- */

static bool check_rule(struct load *l, struct load_cmd *lc, const struct file_cmd *cmd, struct err *e)
{
	const char *name;

	if (!lc->ast && file_rule(l->ld->f, cmd, &lc->ast, e) < 0)
		return false;
	for (unsigned i = 0; (name = ast_param(lc->ast, i)) != NULL; i++) {
		const struct val *v = load_value(l, name);
		const struct node *at;
		const char *near;

		if (v && weigh(l, 4ull * v->n, e) < 0)
			return false;
		if (v)
			continue;
		at = ast_param_node(lc->ast, name);
		near = suggest(name, load_value_at, l->ld);
		src_error(&lc->ast->src, at ? at->pos : cmd->pos, at ? at->end : cmd->end, e,
			"$%s has no value%s%s%s", name, near ? "; did you mean $" : "", near ? near : "",
			near ? "?" : "");
		return false;
	}
	return true;
}

/* A table is a map, whatever its keys: behind `map` a list is one with keys 1, 2, … */
static void list_to_map(struct val *v)
{
	struct val *pairs;

	if (v->kind != VAL_LIST || !v->n)
		return;
	pairs = xcalloc(2 * (size_t)v->n, sizeof(*pairs));
	for (uint32_t i = 0; i < v->n; i++) {
		pairs[2 * i] = val_int((int64_t)i + 1);
		pairs[2 * i + 1] = v->list[i];
	}
	free(v->list);
	v->list = pairs;
	v->n *= 2;
	v->kind = VAL_MAP;
}

static struct params *params_for(struct load *l, const struct ast_rule *ast)
{
	struct params *p;
	unsigned n = 0;

	while (ast_param(ast, n))
		n++;
	if (!n)
		return NULL;
	p = params_new(n);
	for (unsigned i = 0; i < n; i++) {
		p->p[i].name = xstrdup(ast_param(ast, i));
		p->p[i].val = val_copy(load_value(l, p->p[i].name));
		if (ast_param_maps(ast, p->p[i].name))
			list_to_map(&p->p[i].val);
	}
	return p;
}

/* ---- elements ---- */

struct elems {
	struct load *l;
	const struct load_cmd *lc;
	const struct file_cmd *cmd;
	struct load_elems how;
	struct scope *sc; /* NULL: they are looked at only */
	struct set_info info;
	bool typed;
	VEC(struct elem) held;
	VEC(uint32_t) plain;   /* IPv4 addresses, as they lie in memory */
	struct mix_items live; /* those that have a live value in them */
};

struct elem {
	struct val key, data;
	char *own; /* statements */
};

static int check_elem(struct elems *x, const struct val *key, const struct val *data, struct err *e)
{
	struct setelem el;
	int rc;

	if (!x->typed || (x->l->command && (x->cmd->op == FILE_DELETE || x->cmd->op == FILE_DESTROY)))
		return 0;
	if (key->timeout_ms && !(x->info.flags & NFT_SET_TIMEOUT))
		return err_set(e, -EINVAL, "set %s has no `flags timeout`: an element can not have one",
			obj_name(x->lc->o));
	memset(&el, 0, sizeof(el));
	rc = nft_elem_make(&x->info, key, data->kind == VAL_NIL ? NULL : data, &el, e);
	return rc < 0 ? rc : 0;
}

/* A command of the console: edits. */
static int edit(struct elems *x, const struct elem_in *in, uint32_t n, struct err *e)
{
	int rc = 0;

	switch (x->cmd->op) {
	case FILE_DELETE:
	case FILE_DESTROY:
		for (uint32_t i = 0; i < n && rc == 0; i++) {
			_err_ struct err why = ERR_INIT;

			rc = edit_del(x->l->pk->rp, x->lc->o, in[i].key, &why);
			if (rc == -ENOENT && x->cmd->op == FILE_DESTROY)
				rc = 0;
			else if (rc < 0)
				err_set(e, rc, "%s", err_text(&why));
		}
		return rc;
	case FILE_CREATE:
		for (uint32_t i = 0; i < n; i++)
			if (set_has(x->lc->o, in[i].key, NULL) == 1)
				return err_set(
					e, -EEXIST, "set %s holds one of them already", obj_name(x->lc->o));
		break;
	default: break;
	}
	return edit_add(x->l->pk->rp, x->lc->o, in, n, true, x->lc->site, e);
}

static int flush(struct elems *x, struct err *e)
{
	struct elem_in *in;
	int rc;

	if (!x->held.n)
		return 0;
	in = xcalloc(x->held.n, sizeof(*in));
	for (uint32_t i = 0; i < x->held.n; i++) {
		struct elem *h = &x->held.v[i];

		in[i] = (struct elem_in){ .key = &h->key,
			.data = h->data.kind == VAL_NIL ? NULL : &h->data,
			.timeout_ms = h->key.timeout_ms,
			.comment = h->key.comment,
			.stateful = h->own };
	}
	rc = x->l->command ? edit(x, in, x->held.n, e)
			   : state_elems(x->sc, x->lc->o, in, x->held.n, x->lc->site, e);
	free(in);
	vec_foreach (h, &x->held) {
		val_free(&h->key);
		val_free(&h->data);
		free(h->own);
	}
	vec_clear(&x->held);
	return rc;
}

static int take_elem(void *ctx, struct val *key, struct val *data, const char *own, struct err *e)
{
	struct elems *x = ctx;

	if (!x->sc && weigh(x->l, 1, e) < 0)
		return -E2BIG;
	if (val_live_in(key) || val_live_in(data)) {
		vec_push(&x->live, (struct mix_item){ *key, *data });
		*key = *data = (struct val){ 0 };
		return 0;
	}
	if (!x->sc)
		return check_elem(x, key, data, e);
	vec_push(&x->held, (struct elem){ *key, *data, own ? xstrdup(own) : NULL });
	*key = *data = (struct val){ 0 };
	return x->held.n < CHUNK ? 0 : flush(x, e);
}

static int elem_node(void *ctx, struct ast_rule *holder, const struct node *el)
{
	struct elems *x = ctx;
	_err_ struct err e = ERR_INIT;
	struct err placed = ERR_INIT;
	int rc = load_elem(&x->how, holder, el, &e);

	if (rc >= 0)
		return 0;
	if (strchr(err_text(&e), '\n')) /* it has its place */
		err_set(&placed, rc, "%s", err_text(&e));
	else
		src_error(&holder->src, el->pos, el->end, &placed, "%s", err_text(&e));
	wrong(x->l, x->cmd, &placed);
	return x->sc || x->l->weight > LOAD_WEIGHT_MAX || x->l->errs.n >= ERRLIST_MAX ? -EINVAL : 0;
}

/* A set of IPv4 addresses, and nothing to be said of one. */
static bool takes_plain(const struct elems *x)
{
	return x->typed && !x->l->command && !x->how.is_map && x->info.key.n == 1 &&
	       nft_type_family(&x->info.key) == AF_INET && (!x->sc || obj_set_info(x->lc->o));
}

static int elem_plain(void *ctx, const uint8_t addr[4])
{
	struct elems *x = ctx;
	struct err e = ERR_INIT;
	uint32_t a;

	if (x->sc) {
		memcpy(&a, addr, sizeof(a));
		vec_push(&x->plain, a);
		return 0;
	}
	if (weigh(x->l, 1, &e) == 0)
		return 0;
	wrong(x->l, x->cmd, &e);
	return -EINVAL;
}

struct plain_src {
	const uint32_t *at, *end;
	struct val val;
};

static int next_plain(void *ctx, struct elem_in *out, struct err *e)
{
	struct plain_src *src = ctx;

	(void)e;
	if (src->at == src->end)
		return 0;
	memcpy(src->val.ip.addr.b, src->at++, sizeof(*src->at));
	*out = (struct elem_in){ .key = &src->val };
	return 1;
}

static int flush_plain(struct elems *x, struct err *e)
{
	struct plain_src src = { .at = x->plain.v, .end = x->plain.v + x->plain.n };

	src.val = val_addr(&(struct ipaddr){ .family = AF_INET });
	return x->plain.n ? state_list(x->sc, x->lc->o, &(struct elem_src){ next_plain, &src }, false,
				    x->lc->site, e)
			  : 0;
}

static struct set_info info_of(const struct load_cmd *lc, const struct set_decl *d)
{
	struct set_info i = { .flags = d->flags,
		.key = d->key,
		.data = d->data,
		.obj_type = d->obj_type,
		.auto_merge = d->auto_merge };
	const struct set_info *now = obj_set_info(lc->o);

	snprintf(i.name, sizeof(i.name), "%s", obj_name(lc->o));
	if (d->given & SETD_TIMEOUT)
		i.flags |= NFT_SET_TIMEOUT;
	if (d->is_map)
		i.flags |= d->obj_type ? NFT_SET_OBJECT : NFT_SET_MAP;
	if (now)
		i.flags |= now->flags & (NFT_SET_INTERVAL | NFT_SET_TIMEOUT);
	return i;
}

/* A live value alone in a set is followed as it is, others through what they are part of. */
static void state_live_elems(struct elems *x)
{
	vec_foreach (it, &x->live) {
		struct mix_items one = { it, 1, 1 };
		struct live *mix = NULL;

		if (it->key.kind != VAL_LIVE || it->data.kind != VAL_NIL)
			mix = live_mix(x->l->pk->s, &one);
		state_live(x->sc, x->lc->o, mix ? mix : it->key.live, x->lc->site);
		if (mix)
			live_put(mix);
	}
}

/* sc NULL: looks at them only. */
static int elements(struct load *l, struct load_cmd *lc, const struct file_cmd *cmd, struct scope *sc)
{
	const struct set_decl *set = lc->decl ? file_cmd(l->ld->f, lc->decl - 1)->set : NULL;
	const struct set_info *now = obj_set_info(lc->o);
	struct elems x = { .l = l, .lc = lc, .cmd = cmd, .sc = sc };
	_err_ struct err e = ERR_INIT;
	int rc;

	x.typed = set || now;
	if (set)
		x.info = info_of(lc, set);
	else if (now)
		x.info = *now;
	x.how = (struct load_elems){ .l = l,
		.is_map = x.info.flags & (NFT_SET_MAP | NFT_SET_OBJECT),
		.stateful = set ? set->stateful : NULL,
		.fn = take_elem,
		.ctx = &x };
	rc = file_elems_plain(l->ld->f, cmd, x.typed ? &x.info.key : NULL, elem_node,
		takes_plain(&x) ? elem_plain : NULL, &x, &e);
	if (rc == 0 && sc)
		rc = flush(&x, &e);
	if (rc == 0 && sc)
		rc = flush_plain(&x, &e);
	vec_free(&x.plain);
	if (rc == 0 && sc)
		state_live_elems(&x);
	if (rc < 0 && e.code)
		wrong(l, cmd, &e);
	vec_foreach (h, &x.held) {
		val_free(&h->key);
		val_free(&h->data);
		free(h->own);
	}
	vec_free(&x.held);
	vec_foreach (it, &x.live) {
		val_free(&it->key);
		val_free(&it->data);
	}
	vec_free(&x.live);
	return rc;
}

/* ---- all ---- */

int load_check(struct load *l)
{
	for (uint32_t i = 0; i < l->ld->cmds.n && l->errs.n < ERRLIST_MAX && l->weight <= LOAD_WEIGHT_MAX;
		i++) {
		const struct file_cmd *cmd = file_cmd(l->ld->f, i);
		struct load_cmd *lc = &l->ld->cmds.v[i];
		struct err e = ERR_INIT;

		if (!lc->o)
			continue;
		if (cmd->what == FILE_RULE && !check_rule(l, lc, cmd, &e))
			wrong(l, cmd, &e);
		else if (cmd->what == FILE_ELEMENTS)
			elements(l, lc, cmd, NULL);
	}
	return l->errs.n ? -EINVAL : 0;
}

static int state_one(struct load *l, struct scope *sc, struct load_cmd *lc, const struct file_cmd *cmd)
{
	_err_ struct err e = ERR_INIT;
	struct params *p;
	int rc;

	switch ((enum file_what)cmd->what) {
	case FILE_RULE:
		p = params_for(l, lc->ast);
		rc = state_rule(sc, lc->o, lc->ast, p, cmd->op == FILE_INSERT, lc->site, &e);
		params_put(p);
		if (rc < 0)
			wrong(l, cmd, &e);
		return rc;
	case FILE_ELEMENTS: return elements(l, lc, cmd, sc);
	case FILE_SWITCH:
	case FILE_DISABLED:
	case FILE_RULESET: return 0;
	case FILE_TABLE:
	case FILE_CHAIN:
	case FILE_SET:
	case FILE_OBJECT:
	case FILE_FLOWTABLE: break;
	}
	state_decl(sc, lc->o, lc->spec, lc->site);
	return 0;
}

int load_state(struct load *l, struct scope *sc)
{
	for (uint32_t i = 0; i < l->ld->cmds.n; i++)
		if (l->ld->cmds.v[i].o && state_one(l, sc, &l->ld->cmds.v[i], file_cmd(l->ld->f, i)) < 0)
			return -EINVAL;
	return 0;
}
