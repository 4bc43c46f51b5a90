// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules of a chain: their order, their code (which depends on the types of the sets they name), and what
 * keeps them waiting. */
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "nft/autoset.h"
#include "nft/model.h"

#define FEW_NAMES 8

void scalars_off(struct stmt *st)
{
	vec_foreach (p, &st->rule.scalars) {
		struct scalar_sink *s = *p;

		s->live->ops->sink_del(s->live, &s->sink);
		s->live->ops->put(s->live);
		free(s);
	}
	vec_clear(&st->rule.scalars);
}

/* ---- the environment of a rule ---- */

static const struct set_info *env_set(void *ctx, const char *name)
{
	struct stmt *st = ctx;
	struct obj *o = obj_find(st->o->rs, OBJ_SET, st->o->family, st->o->tab->name, name);

	return o && o->want ? &o->set.info : NULL;
}

static const struct val *env_param(void *ctx, const char *name)
{
	struct stmt *st = ctx;
	struct params *p = st->rule.params;

	for (uint32_t i = 0; p && i < p->n; i++)
		if (!strcmp(p->p[i].name, name))
			return &p->p[i].val;
	return NULL;
}

static const struct set_info *env_live_set(void *ctx, const char *name, const struct nft_type *key)
{
	return auto_set(ctx, name, env_param(ctx, name)->live, key);
}

static uint32_t env_ifindex(void *ctx, const char *name)
{
	const struct ruleset *rs = ((struct stmt *)ctx)->o->rs;

	return rs->ifindex(rs->ifindex_ctx, name);
}

static void env_group(void *ctx, const char *path)
{
	struct stmt *st = ctx;

	st->outside = true;
	group_named(st->o->rs, path);
}

void ruleset_ifindex(struct ruleset *rs, uint32_t (*fn)(void *ctx, const char *name), void *ctx)
{
	rs->ifindex = fn;
	rs->ifindex_ctx = ctx;
}

void ruleset_outside_moved(struct ruleset *rs)
{
	if (!rs->outside)
		return;
	rs->outside = false;
	groups_forget(rs);
	for (uint32_t i = 0; i < rs->all.n; i++) {
		struct obj *o = rs->all.v[i];

		vec_foreach (st, &o->rules) {
			if (!(*st)->outside)
				continue;
			(*st)->stale = rs->outside = true;
			obj_dirty(o);
		}
	}
}

void rule_env_of(struct stmt *st, struct rule_env *env)
{
	memset(env, 0, sizeof(*env));
	env->ctx = st;
	env->family = st->o->family;
	env->hook = -1;
	if (st->o->want && st->o->chain.w.base) {
		env->chain_type = st->o->chain.w.type;
		env->hook = (int)st->o->chain.w.hook;
	}
	env->set = env_set;
	env->param = env_param;
	env->live_set = env_live_set;
	env->ifindex = st->o->rs->ifindex ? env_ifindex : NULL;
	env->group = env_group;
}

/* ---- compilation ---- */

static void scalar_delta(struct live_sink *s, int sign, const struct val *key, const struct val *data)
{
	struct scalar_sink *sc = container_of(s, struct scalar_sink, sink);

	(void)sign;
	(void)key;
	(void)data;
	sc->st->stale = true;
	obj_dirty(sc->st->o);
}

static void scalar_reset(struct live_sink *s)
{
	scalar_delta(s, 0, NULL, NULL);
}

/* Live values that stand as scalars make the rule stale when they change; those that became sets do not. */
static void follow_scalars(struct stmt *st)
{
	struct params *p = st->rule.params;

	if (st->rule.scalars.n)
		return;
	for (uint32_t i = 0; p && i < p->n; i++) {
		struct scalar_sink *s;

		if (p->p[i].val.kind != VAL_LIVE || auto_used(st, p->p[i].name))
			continue;
		s = xnew(struct scalar_sink);
		s->st = st;
		s->live = p->p[i].val.live;
		s->sink.delta = scalar_delta;
		s->sink.reset = scalar_reset;
		s->live->ops->ref(s->live);
		s->live->ops->sink_add(s->live, &s->sink);
		vec_push(&st->rule.scalars, s);
	}
}

static void rule_why(struct stmt *st, bool nobody, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void rule_why(struct stmt *st, bool nobody, const char *fmt, ...)
{
	va_list ap;

	free(st->rule.why);
	st->rule.why = NULL;
	st->rule.why_unstated = nobody;
	if (!fmt)
		return;
	va_start(ap, fmt);
	if (vasprintf(&st->rule.why, fmt, ap) < 0)
		abort();
	va_end(ap);
}

bool ref_kind_of(const struct ref *r, enum obj_kind *kind)
{
	switch (r->kind) {
	case REF_CHAIN: *kind = OBJ_CHAIN; return true;
	case REF_SET: *kind = OBJ_SET; return true;
	case REF_OBJECT: *kind = object_kind(r->obj_type); return true;
	case REF_FLOWTABLE: *kind = OBJ_FLOWTABLE; return true;
	case REF_DEVICE: break;
	}
	return false;
}

/* The first of the names in code that is not there to be named; NULL: all are. */
static const struct ref *missing(const struct obj *chain, const struct code *code)
{
	vec_foreach (r, &code->refs) {
		enum obj_kind kind;
		const struct obj *to;

		if (!ref_kind_of(r, &kind))
			continue;
		to = obj_find(chain->rs, kind, chain->family, chain->tab->name, r->name);
		if (!to || !to->want)
			return r;
	}
	return NULL;
}

static void check_refs(struct stmt *st)
{
	const struct ref *r = missing(st->o, st->rule.rc->code);
	const struct obj *to;
	enum obj_kind kind;

	if (!r || !ref_kind_of(r, &kind))
		return;
	to = obj_find(st->o->rs, kind, st->o->family, st->o->tab->name, r->name);
	if (to && to->decl_refused)
		rule_why(st, false, "the kernel refused %s %s", obj_kind_word(kind), r->name);
	else if (to && to->why)
		rule_why(st, false, "%s %s waits: %s", obj_kind_word(kind), r->name, to->why);
	else
		rule_why(st, true, "%s %s is not stated by any pack", obj_kind_word(kind), r->name);
}

static char *make_comment(struct stmt *st)
{
	const char *own = ast_comment(st->rule.ast), *param = ast_comment_param(st->rule.ast);
	const struct val *v = param ? env_param(st, param) : NULL;
	struct site s = ruleset_site_get(st->o->rs, st->site);

	if (v && v->kind == VAL_INT)
		return xasprintf("%lld", (long long)v->num);
	if (v && v->kind == VAL_STRING)
		own = v->str;
	return own ? xstrdup(own) : xasprintf("%.*s:%u", 100, stmt_pack(st)->name, s.line);
}

static bool names_device(const struct code *code)
{
	vec_foreach (r, &code->refs)
		if (r->kind == REF_DEVICE)
			return true;
	return false;
}

static int compile(struct stmt *st, struct rpack **culprit, struct err *e)
{
	_err_ struct err bad = ERR_INIT;
	_buf_ struct buf text = BUF_INIT;
	struct site site = ruleset_site_get(st->o->rs, st->site);
	struct src_pos pos = { site.file, site.line };
	struct rule_env env;
	struct rcode *rc;
	struct code *code;
	int ret;

	rule_env_of(st, &env);
	env.pos = &pos;
	st->stale = st->outside = false;
	ret = rule_compile(st->rule.ast, &env, &code, &bad);
	st->outside |= ret == -ENODEV || ret == -ENXIO || (ret == 0 && names_device(code));
	st->o->rs->outside |= st->outside;
	follow_scalars(st);
	switch (ret) {
	case 0: break;
	case -ENOENT: rule_why(st, true, "%s", err_text(&bad)); return 0;
	case -ENODATA: rule_why(st, false, "a live value in it is empty"); return 0;
	case -ENODEV:
	case -ENXIO: rule_why(st, false, "%s", err_text(&bad)); return 0;
	default:
		if (can_blame(stmt_pack(st))) {
			st->stale = true; /* an older rule outlives the rollback */
			*culprit = stmt_pack(st);
			return err_set(e, -EINVAL, "%s", err_text(&bad));
		}
		/* Somebody else's change made it wrong: it is left out, and said so. */
		log_error("nft", "%s: rule left out: %s", stmt_pack(st)->name, err_text(&bad));
		rule_why(st, false, "%s", err_text(&bad));
		return 0;
	}
	if (st->rule.rc && st->rule.rc->code->hash == code->hash) {
		code_free(code); /* names and places may have moved, the rule did not */
	} else {
		rule_text(st->rule.ast, &env, &text);
		rc = xnew(struct rcode);
		rc->refs = 1;
		rc->code = code;
		rc->text = buf_take(&text);
		rc->comment = make_comment(st);
		rcode_put(st->rule.rc);
		st->rule.rc = rc;
	}
	rule_why(st, false, NULL);
	check_refs(st);
	return 0;
}

static int by_place(const void *a, const void *b)
{
	return place_cmp(*(struct stmt *const *)a, *(struct stmt *const *)b);
}

static void sort_rules(struct obj *chain)
{
	chain->unsorted = false;
	for (uint32_t i = 1; i < chain->rules.n; i++)
		if (place_cmp(chain->rules.v[i - 1], chain->rules.v[i]) > 0) {
			qsort(chain->rules.v, chain->rules.n, sizeof(chain->rules.v[0]), by_place);
			return;
		}
}

/* What a refused rule would have replaced stays only as long as all that it names. */
static void check_kept(struct stmt *st)
{
	if (!missing(st->o, st->rule.kept->code))
		return;
	rcode_put(st->rule.kept);
	st->rule.kept = NULL;
	obj_changed(st->o);
}

bool name_changed(const struct obj *o, enum obj_kind kind, const char *name)
{
	const struct ruleset *rs = o->rs;
	const struct obj *to;

	if (rs->named.n > FEW_NAMES) {
		to = obj_find(o->rs, kind, o->family, o->tab->name, name);
		return to && to->name_changed;
	}
	vec_foreach (p, &rs->named)
		if ((*p)->tab == o->tab && (*p)->kind == kind && !strcmp((*p)->name, name))
			return true;
	return false;
}

static bool names_any_changed(const struct stmt *st)
{
	enum obj_kind kind;

	vec_foreach (r, &st->rule.rc->code->refs)
		if (ref_kind_of(r, &kind) && name_changed(st->o, kind, r->name))
			return true;
	return false;
}

static bool must_compile(const struct stmt *st)
{
	if (!st->active || (st->refused && !(st->held && !st->rule.rc && !st->rule.why)))
		return false;
	if (st->stale)
		return true;
	if (!st->rule.rc || st->rule.why)
		return st->o->recheck || st->o->tab->name_changed;
	return (st->o->recheck && st->rule.rc->code->refs.n) ||
	       (st->o->tab->name_changed && names_any_changed(st));
}

/* Nothing in it depends on other names; what the kernel has of it may yet take a refused rule's place. */
static bool is_quiet(const struct obj *chain)
{
	vec_foreach (st, &chain->rules)
		if ((*st)->refused || !(*st)->rule.rc || (*st)->rule.why || (*st)->rule.rc->code->refs.n)
			return false;
	vec_foreach (k, &chain->krules)
		if (k->rc->code->refs.n)
			return false;
	return true;
}

int merge_rules(struct obj *chain, struct rpack **culprit, struct err *e)
{
	if (chain->unsorted)
		sort_rules(chain);
	if (disabled_rules_mark(chain))
		obj_changed(chain);
	for (uint32_t i = 0; i < chain->rules.n; i++) {
		struct stmt *st = chain->rules.v[i];
		const struct rcode *was = st->rule.why ? NULL : st->rule.rc;

		if (st->refused && st->rule.kept)
			check_kept(st);
		if (!must_compile(st))
			continue;
		if (compile(st, culprit, e) < 0)
			return -EINVAL;
		if (was != (st->rule.why ? NULL : st->rule.rc))
			obj_changed(chain);
	}
	chain->recheck = false;
	chain->quiet = is_quiet(chain);
	return 0;
}
