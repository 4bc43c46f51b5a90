// SPDX-License-Identifier: GPL-2.0-or-later
/* What a run states: something equal that the last run stated lives on, with its origin and its handle in the
 * kernel. */
#include <errno.h>

#include "base/text.h"
#include "nft/state_impl.h"

static struct stmt *make(struct scope *sc, enum stmt_kind kind, struct obj *o, uint32_t site)
{
	struct stmt *st = xnew(struct stmt);

	st->kind = kind;
	st->sc = sc;
	st->o = o;
	st->site = site;
	st->run = sc->run;
	st->past = past_now(sc->pk->rs);
	st->sub = ++sc->seq;
	obj_ref(o);
	return st;
}

struct probe {
	enum stmt_kind kind;
	struct obj *o;
	const struct spec *spec;
	const struct ast_rule *ast;
	const struct params *params;
	bool insert;
	uint64_t sig;
	const struct live *live;
};

static bool same(const struct stmt *st, const struct probe *p)
{
	if (st->kind != p->kind || st->o != p->o)
		return false;
	switch (st->kind) {
	case ST_DECL: return spec_equal(st->spec, p->spec);
	case ST_RULE:
		return st->rule.ast == p->ast && st->insert == p->insert &&
		       params_equal(st->rule.params, p->params);
	case ST_ELEMS: return st->el.sig == p->sig;
	case ST_LIVE: return st->live->live == p->live;
	}
	return false;
}

void state_again(struct stmt *st, uint32_t at)
{
	struct scope *sc = st->sc;

	sc->cursor = at + 1;
	st->run = sc->run;
	vec_push(&sc->next, (struct sref){ st, ++sc->seq });
}

/* The last run's equal statement, at the cursor or a little after it, lives on. */
static struct stmt *revive(struct scope *sc, const struct probe *p)
{
	for (uint32_t i = sc->cursor; i < sc->now.n && i < sc->cursor + LOOK_AHEAD; i++) {
		struct stmt *st = sc->now.v[i].st;

		if (st->run == sc->run || !same(st, p))
			continue;
		state_again(st, i);
		return st;
	}
	return NULL;
}

/* What the last run of this place put into the chain, which stays while the new rule is not sent. */
static struct rcode *before(const struct scope *sc, const struct probe *p, uint32_t site)
{
	for (uint32_t i = sc->cursor; i < sc->now.n && i < sc->cursor + LOOK_AHEAD; i++) {
		const struct stmt *st = sc->now.v[i].st;

		if (st->run != sc->run && st->kind == ST_RULE && st->o == p->o && st->site == site)
			return rule_of(st);
	}
	return NULL;
}

static void decl(struct scope *sc, struct obj *o, struct spec *spec, uint32_t site)
{
	struct probe p = { .kind = ST_DECL, .o = o, .spec = spec };
	struct stmt *st;

	if (o->last_run == sc->run &&
		(!spec || (o->last_decl && o->last_decl->sc == sc && spec_equal(o->last_decl->spec, spec))))
		return;
	st = revive(sc, &p);
	if (!st) {
		st = make(sc, ST_DECL, o, site);
		st->spec = spec_ref(spec);
		stmt_made(st);
		if (spec && spec->given && backoff_holds(sc->pk, site))
			st->refused = st->held = o->decl_refused = true;
	}
	o->last_decl = st;
	o->last_run = sc->run;
}

void state_decl(struct scope *sc, struct obj *o, struct spec *spec, uint32_t site)
{
	if (o->tab != o && !(spec && spec->given & SPEC_ATTACH))
		decl(sc, o->tab, NULL, site);
	decl(sc, o, spec, site);
}

static const char *param_name(void *ctx, size_t i)
{
	struct params *p = ctx;

	return p && i < p->n ? p->p[i].name : NULL;
}

int state_rule(struct scope *sc, struct obj *chain, struct ast_rule *ast, struct params *params, bool insert,
	uint32_t site, struct err *e)
{
	struct probe p = { .kind = ST_RULE, .o = chain, .ast = ast, .params = params, .insert = insert };
	const char *name;
	struct stmt *st;

	for (unsigned i = 0; (name = ast_param(ast, i)) != NULL; i++) {
		const char *near;
		bool found = false;

		for (uint32_t j = 0; params && j < params->n && !found; j++)
			found = !strcmp(params->p[j].name, name);
		if (found)
			continue;
		near = suggest(name, param_name, params);
		return err_set(e, -EINVAL, "$%s has no value%s%s%s", name, near ? "; did you mean $" : "",
			near ? near : "", near ? "?" : "");
	}
	state_decl(sc, chain, NULL, site);
	if (revive(sc, &p))
		return 0;
	st = make(sc, ST_RULE, chain, site);
	st->insert = insert;
	st->rule.ast = ast_ref(ast);
	st->rule.params = params;
	if (params)
		params->refs++;
	st->rule.id = ++sc->pk->rs->rule_ids;
	if (backoff_holds(sc->pk, site)) {
		st->refused = st->held = true;
		st->rule.kept = rcode_ref(before(sc, &p, site));
	}
	stmt_made(st);
	return 0;
}

void rule_replace(struct stmt *old, struct ast_rule *ast)
{
	struct stmt *st = xnew(struct stmt);

	st->kind = ST_RULE;
	st->sc = old->sc;
	st->o = old->o;
	st->site = old->site;
	st->sub = old->sub;
	st->insert = old->insert;
	st->past = past_now(old->o->rs);
	obj_ref(st->o);
	st->rule.ast = ast_ref(ast);
	st->rule.id = ++old->o->rs->rule_ids;
	stmt_swap(old, st);
}

static uint64_t elems_sig(const struct elem_in *els, uint32_t n)
{
	_buf_ struct buf b = BUF_INIT;
	uint64_t h = n;

	for (uint32_t i = 0; i < n; i++) {
		buf_clear(&b);
		buf_printf(&b, "%d ", els[i].key->kind);
		val_text(els[i].key, &b);
		if (els[i].data) {
			buf_puts(&b, " : ");
			val_text(els[i].data, &b);
		}
		buf_printf(&b, " %llu %s %s", (unsigned long long)els[i].timeout_ms,
			els[i].comment ? els[i].comment : "", els[i].stateful ? els[i].stateful : "");
		h = hash_mix(h, hash_bytes(b.s, b.n));
	}
	return h;
}

struct stmt *stmt_of_elems(struct scope *sc, struct obj *set, uint32_t site, uint64_t sig)
{
	struct stmt *st = make(sc, ST_ELEMS, set, site);

	st->el.sig = sig;
	st->el.c = contrib_new(sc->pk, C_STMT, set, site);
	st->el.c->st = st;
	return st;
}

int state_elems(struct scope *sc, struct obj *set, const struct elem_in *els, uint32_t n, uint32_t site,
	struct err *e)
{
	struct probe p = { .kind = ST_ELEMS, .o = set };
	struct stmt *st;

	if (elems_of(set))
		return state_list(sc, set,
			&(struct elem_src){ elem_array_next, &(struct elem_array){ els, n } }, false, site,
			e);
	p.sig = elems_sig(els, n);
	if (revive(sc, &p))
		return 0;
	st = stmt_of_elems(sc, set, site, p.sig);
	for (uint32_t i = 0; i < n; i++)
		vec_push(&st->el.raw,
			(struct elem_raw){ val_copy(els[i].key),
				els[i].data ? val_copy(els[i].data) : (struct val){ 0 }, els[i].timeout_ms,
				els[i].comment ? xstrdup(els[i].comment) : NULL,
				els[i].stateful ? xstrdup(els[i].stateful) : NULL });
	stmt_made(st);
	return 0;
}

void state_live(struct scope *sc, struct obj *set, struct live *live, uint32_t site)
{
	struct probe p = { .kind = ST_LIVE, .o = set, .live = live };
	struct stmt *st;

	if (revive(sc, &p))
		return;
	st = make(sc, ST_LIVE, set, site);
	st->live = contrib_new(sc->pk, C_LIVE, set, site);
	st->live->st = st;
	contrib_follow(st->live, live);
	stmt_made(st);
}

/* Takes a statement out of this run: a new one goes at once, a revived one at the end of the run. */
static void unstate(struct scope *sc, uint32_t i)
{
	struct stmt *st = sc->next.v[i].st;

	vec_remove(&sc->next, i);
	for (uint32_t j = 0; j < sc->now.n; j++)
		if (sc->now.v[j].st == st) {
			st->run = 0;
			if (sc->cursor > j) /* it can be found again */
				sc->cursor = j;
			return;
		}
	stmt_withdraw(st);
}

int state_elem_del(struct scope *sc, struct obj *set, const struct val *key, struct err *e)
{
	struct elem_table *t = elems_of(set);
	struct setelem el, other;
	bool done = false;
	uint32_t i;

	if (!t)
		return err_set(e, -ENOENT, "set %s has no type yet", set->name);
	if (elem_key_of(t, key, &el, e) < 0)
		return -EINVAL;
	i = elem_find(t, &el);
	if (i == UINT32_MAX || !elem_at(t, i)->m.contrib)
		return err_set(e, -ENOENT, "set %s does not hold it", set->name);
	for (uint32_t s = sc->next.n; s-- > 0;) {
		struct stmt *st = sc->next.v[s].st, *rest;
		bool mine = false;

		if (st->kind != ST_ELEMS || st->o != set || st->el.c->t != t)
			continue;
		vec_foreach (h, &st->el.c->held)
			mine |= h->elem == i;
		if (!mine)
			continue;
		done = true;
		if (st->el.c->held.n > 1) {
			rest = stmt_of_elems(sc, set, st->site, hash_mix(st->el.sig, i));
			rest->past = st->past;
			rest->el.c->past = st->el.c->past;
			for (uint32_t j = 0; j < st->el.c->held.n; j++) {
				struct held *h = &st->el.c->held.v[j];

				if (h->elem == i)
					continue;
				elem_get(t, h->elem, h->attr, &other);
				contrib_hold(rest->el.c, &other,
					h->attr ? attr_stmts(&t->attrs.v[h->attr - 1]) : NULL);
			}
			stmt_made(rest);
		}
		unstate(sc, s);
	}
	return done ? 0 : held_error(set, elem_at(t, i), e);
}

void unstate_elems(struct scope *sc, struct obj *set)
{
	for (uint32_t i = sc->next.n; i-- > 0;)
		if (sc->next.v[i].st->kind == ST_ELEMS && sc->next.v[i].st->o == set)
			unstate(sc, i);
}

int state_elems_replace(struct scope *sc, struct obj *set, const struct elem_in *els, uint32_t n,
	uint32_t site, struct err *e)
{
	if (elems_of(set))
		return state_list(sc, set,
			&(struct elem_src){ elem_array_next, &(struct elem_array){ els, n } }, true, site, e);
	unstate_elems(sc, set);
	return n ? state_elems(sc, set, els, n, site, e) : 0;
}
