// SPDX-License-Identifier: GPL-2.0-or-later
/* Elements as statements. A long list that the last run stated at the same place is not withdrawn for one of
 * which little differs: it is changed in place, so that each element that stays costs a comparison and keeps
 * its origin. */
#include <errno.h>

#include "base/clock.h"
#include "nft/elem_read.h"
#include "nft/state_impl.h"

#define FEW 8 /* up to so many elements a statement is another one when any of them differs */

struct reading {
	helds list;
	struct elem_table *t;
	uint64_t now, sig;
};

static void take(void *ctx, const struct setelem *el, uint32_t i, struct set_stmts *stmts)
{
	struct reading *r = ctx;

	r->sig = hash_mix(r->sig, i);
	vec_push(&r->list, (struct held){ i, attr_new(r->t, el, r->now, stmts) });
}

/* Nobody took it: what else nobody holds goes. */
static void discard(struct reading *r)
{
	vec_foreach (h, &r->list) {
		attr_put(r->t, h->attr);
		if (!elem_at(r->t, h->elem)->m.contrib)
			elem_touch(r->t, h->elem);
	}
	vec_free(&r->list);
}

struct again {
	const struct scope *sc;
	const struct obj *set;
	const struct reading *r;
};

static bool is_again(const void *item, const void *key)
{
	const struct stmt *st = item;
	const struct again *a = key;

	return st->active && st->sc == a->sc && st->run == a->sc->run && st->o == a->set &&
	       st->el.sig == a->r->sig && st->el.c->t == a->r->t && contrib_holds(st->el.c, &a->r->list);
}

/* What the last run stated just so, else what can be changed to it: a long list that was stated by the same
 * line. at: its place in sc->now. */
static struct stmt *before(
	const struct scope *sc, const struct obj *set, const struct reading *r, uint32_t site, uint32_t *at)
{
	struct stmt *near = NULL;

	for (uint32_t i = sc->cursor; i < sc->now.n && i < sc->cursor + LOOK_AHEAD; i++) {
		struct stmt *st = sc->now.v[i].st;
		const struct contrib *c = st->el.c;

		if (st->run == sc->run || st->kind != ST_ELEMS || st->o != set || !st->active ||
			st->el.raw.n || c->t != r->t || c->as)
			continue;
		if (contrib_holds(c, &r->list)) {
			*at = i;
			return st;
		}
		if (!near && st->site == site && c->held.n > FEW && r->list.n > FEW) {
			*at = i;
			near = st;
		}
	}
	return near;
}

/* ---- changed in place ---- */

struct change {
	uint64_t sig;
	helds was;
	elem_pasts pasts;
};

static void change_free(struct change *ch, struct contrib *c)
{
	vec_foreach (h, &ch->was)
		attr_put(c->t, h->attr);
	vec_free(&ch->was);
	vec_free(&ch->pasts);
	free(ch);
}

static void undo_change(void *obj, uint64_t a, uint64_t b)
{
	struct stmt *st = obj;
	struct change *ch = (struct change *)(uintptr_t)a;

	(void)b;
	st->el.sig = ch->sig;
	contrib_rehold(st->el.c, &ch->was, &ch->pasts, NULL);
	change_free(ch, st->el.c);
}

static void commit_change(void *obj, uint64_t a, uint64_t b)
{
	(void)b;
	change_free((struct change *)(uintptr_t)a, ((struct stmt *)obj)->el.c);
}

static const struct jtype j_change = { "elements changed", undo_change, commit_change };

static void change(struct stmt *st, struct reading *r)
{
	struct change *ch = xnew(struct change);

	ch->sig = st->el.sig;
	st->el.sig = r->sig;
	contrib_rehold(st->el.c, &r->list, NULL, &ch->pasts);
	ch->was = r->list;
	journal_push(&st->sc->pk->log, &j_change, st, (uintptr_t)ch, 0);
}

int state_list(struct scope *sc, struct obj *set, const struct elem_src *src, bool replace, uint32_t site,
	struct err *e)
{
	struct reading r = { .t = elems_of(set), .now = boot_ms() };
	struct again again = { .sc = sc, .set = set, .r = &r };
	uint64_t hash;
	struct stmt *st;
	uint32_t at;
	int rc;

	if (!r.t)
		return -ENOTSUP;
	rc = elems_read(r.t, src, take, &r, e);
	if (rc < 0) {
		discard(&r);
		return rc;
	}
	if (replace)
		unstate_elems(sc, set);
	if (!r.list.n)
		return 0;
	hash = hash_mix(hash_mix(r.sig, (uintptr_t)set), sc->run);
	if (hmap_find(&set->rs->said, hash, is_again, &again)) {
		discard(&r);
		return 0; /* one run says one thing once, however often */
	}
	st = before(sc, set, &r, site, &at);
	if (st && contrib_holds(st->el.c, &r.list)) {
		discard(&r);
		state_again(st, at);
	} else if (st) {
		change(st, &r);
		state_again(st, at);
	} else {
		st = stmt_of_elems(sc, set, site, r.sig);
		contrib_hold_all(st->el.c, &r.list);
		stmt_made(st);
	}
	hmap_put(&set->rs->said, hash, st);
	return 0;
}

int elem_array_next(void *ctx, struct elem_in *out, struct err *e)
{
	struct elem_array *a = ctx;

	(void)e;
	if (!a->n)
		return 0;
	*out = *a->in++;
	a->n--;
	return 1;
}
