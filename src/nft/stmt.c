// SPDX-License-Identifier: GPL-2.0-or-later
/* Statements and the scopes whose runs make them: what a run states replaces what the last run of the same
 * scope stated. */
#include <arpa/inet.h>
#include <errno.h>

#include "nft/autoset.h"
#include "nft/model.h"

/* ---- specs ---- */

struct spec *spec_new(void)
{
	struct spec *s = xnew(struct spec);

	s->refs = 1;
	return s;
}

struct spec *spec_ref(struct spec *s)
{
	if (s)
		s->refs++;
	return s;
}

void spec_put(struct spec *s)
{
	if (!s || --s->refs)
		return;
	free(s->comment);
	free(s->hook);
	free(s->priority);
	val_free(&s->devices);
	free(s->typeof_text);
	free(s->object);
	free(s->stateful);
	free(s);
}

static bool str_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Start values too: a statement with others is another one. The comment is compared with the spec's. */
static bool object_equal(const struct object_want *a, const struct object_want *b)
{
	if (!a || !b || !object_same(a, b))
		return a == b;
	switch (a->type) {
	case NFT_OBJECT_COUNTER:
		return a->counter.packets == b->counter.packets && a->counter.bytes == b->counter.bytes;
	case NFT_OBJECT_QUOTA: return a->quota.used == b->quota.used;
	default: return true;
	}
}

bool spec_equal(const struct spec *a, const struct spec *b)
{
	static const struct spec none;

	if (a == b)
		return true;
	a = a ? a : &none;
	b = b ? b : &none;
	return a->given == b->given && a->flags == b->flags && str_same(a->comment, b->comment) &&
	       !strcmp(a->chain_type, b->chain_type) && str_same(a->hook, b->hook) &&
	       str_same(a->priority, b->priority) && a->policy == b->policy &&
	       val_equal(&a->devices, &b->devices) && nft_type_equal(&a->key, &b->key) &&
	       nft_type_equal(&a->data, &b->data) && a->timeout_ms == b->timeout_ms && a->gc_ms == b->gc_ms &&
	       a->size == b->size && a->auto_merge == b->auto_merge && a->obj_type == b->obj_type &&
	       object_equal(a->object, b->object) && str_same(a->stateful, b->stateful) &&
	       str_same(a->typeof_text, b->typeof_text);
}

struct params *params_new(uint32_t n)
{
	struct params *p = xcalloc(1, sizeof(*p) + n * sizeof(p->p[0]));

	p->refs = 1;
	p->n = n;
	return p;
}

void params_put(struct params *p)
{
	if (!p || --p->refs)
		return;
	for (uint32_t i = 0; i < p->n; i++) {
		free(p->p[i].name);
		val_free(&p->p[i].val);
	}
	free(p);
}

bool params_equal(const struct params *a, const struct params *b)
{
	if (a == b)
		return true;
	if ((a ? a->n : 0) != (b ? b->n : 0))
		return false;
	for (uint32_t i = 0; a && i < a->n; i++)
		if (strcmp(a->p[i].name, b->p[i].name) != 0 || !val_equal(&a->p[i].val, &b->p[i].val))
			return false;
	return true;
}

/* ---- statements in force ---- */

struct rpack *stmt_pack(const struct stmt *st)
{
	return st->sc->pk;
}

int place_cmp(const struct stmt *a, const struct stmt *b)
{
	const struct scope_path *x = &a->sc->path, *y = &b->sc->path;
	uint16_t n = x->n < y->n ? x->n : y->n;
	int c;

	if (a->insert != b->insert)
		return a->insert ? -1 : 1;
	if (a->sc == b->sc)
		return (a->sub > b->sub) - (a->sub < b->sub);
	c = memcmp(x->b, y->b, n);
	if (c)
		return c;
	/* One scope stands inside the other: compare the inner one's next step with the outer one's own call.
	 */
	if (x->n != y->n) {
		const uint8_t *deeper = x->n > y->n ? x->b + n : y->b + n;
		uint32_t step, own = x->n > y->n ? b->sub : a->sub;

		memcpy(&step, deeper, 4);
		step = ntohl(step);
		c = (step > own) - (step < own);
		return x->n > y->n ? c : -c;
	}
	return (a->sub > b->sub) - (a->sub < b->sub);
}

void rcode_put(struct rcode *rc)
{
	if (!rc || --rc->refs)
		return;
	code_free(rc->code);
	free(rc->text);
	free(rc->comment);
	free(rc);
}

struct rcode *rcode_ref(struct rcode *rc)
{
	if (rc)
		rc->refs++;
	return rc;
}

/* The declarations of an object change: what the kernel refused may pass now, if its pack does not back off.
 */
static void decls_change(struct obj *o)
{
	o->info_valid = false;
	if (!o->decl_refused)
		return;
	o->decl_refused = false;
	vec_foreach (st, &o->decls) {
		(*st)->refused = (*st)->refused && backoff_holds(stmt_pack(*st), (*st)->site);
		o->decl_refused |= (*st)->refused;
	}
}

void stmt_activate(struct stmt *st)
{
	if (st->active)
		return;
	st->active = true;
	st->sc->pk->stmts++;
	switch (st->kind) {
	case ST_DECL:
		if (!st->listed)
			vec_push(&st->o->decls, st);
		st->listed = true;
		decls_change(st->o);
		obj_dirty(st->o);
		break;
	case ST_RULE:
		if (!st->listed)
			vec_push(&st->o->rules, st);
		st->listed = true;
		st->stale = true;
		st->o->unsorted = true;
		obj_dirty(st->o);
		break;
	case ST_ELEMS:
		contrib_on(st->el.c);
		obj_dirty(st->o);
		break;
	case ST_LIVE:
		contrib_on(st->live);
		obj_dirty(st->o);
		break;
	}
}

void stmt_deactivate(struct stmt *st)
{
	if (!st->active)
		return;
	st->active = false;
	st->sc->pk->stmts--;
	obj_dirty(st->o);
	switch (st->kind) {
	case ST_DECL: decls_change(st->o); break;
	case ST_RULE:
		autos_off(st);
		scalars_off(st);
		break;
	case ST_ELEMS: contrib_off(st->el.c); break;
	case ST_LIVE: contrib_off(st->live); break;
	}
}

static void raw_free(struct stmt *st)
{
	vec_foreach (r, &st->el.raw) {
		val_free(&r->key);
		val_free(&r->data);
		free(r->comment);
		free(r->stateful);
	}
	vec_free(&st->el.raw);
}

void stmt_free(struct stmt *st)
{
	switch (st->kind) {
	case ST_DECL: spec_put(st->spec); break;
	case ST_RULE:
		autos_free(st);
		scalars_off(st);
		vec_free(&st->rule.scalars);
		free(st->rule.why);
		ast_put(st->rule.ast);
		params_put(st->rule.params);
		rcode_put(st->rule.rc);
		rcode_put(st->rule.kept);
		break;
	case ST_ELEMS:
		raw_free(st);
		contrib_free(st->el.c);
		break;
	case ST_LIVE: contrib_free(st->live); break;
	}
	obj_put(st->o);
	free(st);
}

void stmts_purge(struct obj *o)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < o->decls.n; i++) {
		struct stmt *st = o->decls.v[i];

		st->listed = st->active;
		if (st->active)
			o->decls.v[n++] = st;
		else if (o->last_decl == st)
			o->last_decl = NULL;
	}
	o->decls.n = n;
	n = 0;
	for (uint32_t i = 0; i < o->rules.n; i++) {
		struct stmt *st = o->rules.v[i];

		st->listed = st->active;
		if (st->active)
			o->rules.v[n++] = st;
		else
			st->disabled = 0; /* whether it is, is found when it comes back */
	}
	o->rules.n = n;
}

/* ---- journal ---- */

static void undo_new(void *obj, uint64_t a, uint64_t b)
{
	struct stmt *st = obj;

	(void)a;
	(void)b;
	stmt_deactivate(st);
	if (st->o->last_decl == st)
		st->o->last_decl = NULL;
	vec_push(&st->o->rs->dead, st);
}

static void undo_gone(void *obj, uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	stmt_activate(obj);
}

static void commit_gone(void *obj, uint64_t a, uint64_t b)
{
	struct stmt *st = obj;

	(void)a;
	(void)b;
	vec_push(&st->o->rs->dead, st);
}

static void undo_stmts(void *obj, uint64_t old, uint64_t unused)
{
	struct scope *sc = obj;
	srefs *was = (srefs *)(uintptr_t)old;

	(void)unused;
	vec_free(&sc->now);
	sc->now = *was;
	free(was);
	vec_foreach (r, &sc->now)
		r->st->sub = r->sub;
}

static void commit_stmts(void *obj, uint64_t old, uint64_t unused)
{
	srefs *was = (srefs *)(uintptr_t)old;

	(void)obj;
	(void)unused;
	vec_free(was);
	free(was);
}

static void undo_drop(void *obj, uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	((struct scope *)obj)->dropped = false;
}

static void commit_drop(void *obj, uint64_t a, uint64_t b)
{
	struct scope *sc = obj;

	(void)a;
	(void)b;
	vec_push(&sc->pk->rs->scopes_dropped, sc);
}

static const struct jtype j_new = { "stated", undo_new, NULL };
static const struct jtype j_gone = { "withdrawn", undo_gone, commit_gone };
static const struct jtype j_stmts = { "run", undo_stmts, commit_stmts };
static const struct jtype j_drop = { "scope dropped", undo_drop, commit_drop };

/* ---- scopes ---- */

struct scope *scope_new(struct rpack *pk, enum scope_kind kind, struct scope *parent, uint32_t seq,
	const void *key, size_t key_len)
{
	struct scope *sc = xnew(struct scope);
	_buf_ struct buf path = BUF_INIT;
	uint32_t be = htonl(seq);

	if (parent) {
		buf_put(&path, parent->path.b, parent->path.n);
	} else {
		uint16_t order = htons((uint16_t)(pk->order + 1));

		buf_put(&path, &order, sizeof(order));
		buf_put(&path, pk->name, strlen(pk->name) + 1);
	}
	if (kind != SCOPE_MAIN) {
		buf_put(&path, &be, sizeof(be));
		buf_put(&path, key, key_len);
	}
	sc->kind = kind;
	sc->pk = pk;
	sc->path.n = (uint16_t)path.n;
	sc->path.b = xmemdup(path.s, path.n);
	vec_push(&pk->scopes, sc);
	return sc;
}

enum scope_kind scope_kind(const struct scope *sc)
{
	return sc->kind;
}

void scope_tell(struct scope *sc, const char *what, uint32_t site)
{
	sc->what = what;
	sc->site = site;
}

bool scope_running(const struct scope *sc)
{
	return sc->run != 0;
}

uint32_t scope_stmts(const struct scope *sc)
{
	return sc->run ? sc->next.n : sc->now.n;
}

uint32_t state_seq(struct scope *sc)
{
	return ++sc->seq;
}

void scope_run_begin(struct scope *sc)
{
	sc->run = ++sc->pk->rs->runs;
	sc->cursor = 0;
	sc->seq = 0;
	vec_clear(&sc->next);
}

static void set_stmts(struct scope *sc, srefs next)
{
	srefs *old = xmemdup(&sc->now, sizeof(sc->now));

	sc->now = next;
	journal_push(&sc->pk->log, &j_stmts, sc, (uintptr_t)old, 0);
}

void stmt_withdraw(struct stmt *st)
{
	stmt_deactivate(st);
	journal_push(&st->sc->pk->log, &j_gone, st, 0, 0);
}

void stmt_swap(struct stmt *old, struct stmt *st)
{
	struct scope *sc = old->sc;
	srefs next = { 0 };

	vec_foreach (r, &sc->now) {
		if (r->st != old)
			vec_push(&next, *r);
		else if (st)
			vec_push(&next, (struct sref){ st, r->sub });
	}
	set_stmts(sc, next);
	stmt_withdraw(old);
	if (!st)
		return;
	journal_push(&sc->pk->log, &j_new, st, 0, 0);
	stmt_activate(st);
}

void stmt_made(struct stmt *st)
{
	vec_push(&st->sc->next, (struct sref){ st, st->sub });
	journal_push(&st->sc->pk->log, &j_new, st, 0, 0);
	stmt_activate(st);
}

void scope_run_end(struct scope *sc, bool ok)
{
	uint32_t run = sc->run;

	sc->run = 0;
	if (!ok) {
		vec_clear(&sc->next);
		return;
	}
	for (uint32_t i = 0; i < sc->now.n; i++)
		if (sc->now.v[i].st->run != run)
			stmt_withdraw(sc->now.v[i].st);
	vec_foreach (r, &sc->next)
		r->st->sub = r->sub;
	set_stmts(sc, sc->next);
	memset(&sc->next, 0, sizeof(sc->next));
}

void scope_withdraw(struct scope *sc)
{
	if (!sc->now.n)
		return;
	for (uint32_t i = 0; i < sc->now.n; i++)
		stmt_withdraw(sc->now.v[i].st);
	set_stmts(sc, (srefs){ 0 });
}

void scope_free(struct scope *sc)
{
	if (sc->pk)
		for (uint32_t i = sc->pk->scopes.n; i-- > 0;)
			if (sc->pk->scopes.v[i] == sc) {
				vec_remove(&sc->pk->scopes, i);
				break;
			}
	vec_free(&sc->now);
	vec_free(&sc->next);
	free(sc->path.b);
	free(sc);
}

void scope_drop(struct scope *sc)
{
	if (!sc->pk) { /* its pack is gone, and all statements with it */
		scope_free(sc);
		return;
	}
	if (sc->dropped)
		return;
	scope_withdraw(sc);
	sc->dropped = true;
	journal_push(&sc->pk->log, &j_drop, sc, 0, 0);
}
