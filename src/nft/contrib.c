// SPDX-License-Identifier: GPL-2.0-or-later
/* What one contributor holds in a set: a statement's list, a live value, or a pack's edits (edit.c). */
#include <errno.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "nft/state_impl.h"

#define HOLDERS_ASKED 64

static void live_delta(struct live_sink *s, int sign, const struct val *key, const struct val *data);
static void live_reset(struct live_sink *s);

struct contrib *contrib_new(struct rpack *pk, enum contrib_kind kind, struct obj *set, uint32_t site)
{
	struct contrib *c = xnew(struct contrib);
	struct ruleset *rs = pk->rs;

	c->kind = kind;
	c->pk = pk;
	c->set = set;
	c->site = site;
	c->past = past_now(rs);
	c->sink.delta = live_delta;
	c->sink.reset = live_reset;
	obj_ref(set);
	if (rs->contrib_spare.n) {
		c->id = vec_pop(&rs->contrib_spare) + 1;
		rs->contribs.v[c->id - 1] = c;
	} else {
		vec_push(&rs->contribs, c);
		c->id = rs->contribs.n;
	}
	c->at = set->contribs.n;
	vec_push(&set->contribs, c);
	return c;
}

static void sink(struct contrib *c, bool on)
{
	if (!c->live || c->sinking == on)
		return;
	if (on)
		c->live->ops->sink_add(c->live, &c->sink);
	else
		c->live->ops->sink_del(c->live, &c->sink);
	c->sinking = on;
}

static void held_clear(struct contrib *c)
{
	vec_foreach (h, &c->held)
		attr_put(c->t, h->attr);
	vec_free(&c->held);
}

void contrib_free(struct contrib *c)
{
	struct ruleset *rs = c->pk->rs;

	if (!c)
		return;
	if (c->on)
		contrib_off(c);
	sink(c, false);
	if (c->live)
		c->live->ops->put(c->live);
	vec_foreach (d, &c->waiting) {
		val_free(&d->key);
		val_free(&d->data);
	}
	vec_free(&c->waiting);
	held_clear(c);
	vec_free(&c->pasts);
	if (c->t)
		elems_put(c->t);
	rs->contribs.v[c->id - 1] = NULL;
	vec_push(&rs->contrib_spare, c->id - 1);
	c->set->contribs.v[c->at] = vec_last(&c->set->contribs);
	c->set->contribs.v[c->at]->at = c->at;
	c->set->contribs.n--;
	obj_put(c->set);
	free(c->bad);
	free(c);
}

static bool family_fits(const struct nft_type *t, const struct val *v)
{
	int family = v && t->n == 1 ? nft_type_family(t) : 0;

	return !family || (v->kind != VAL_ADDR && v->kind != VAL_PREFIX) || v->ip.addr.family == family;
}

bool value_fits(const struct set_info *info, const struct val *key, const struct val *data)
{
	return family_fits(&info->key, key) && family_fits(&info->data, data);
}

int elem_of(const struct elem_table *t, const struct val *key, const struct val *data, uint64_t timeout_ms,
	const char *comment, struct setelem *out, struct err *e)
{
	int rc;

	memset(out, 0, offsetof(struct setelem, key));
	out->dlen = 0;
	out->target[0] = '\0';
	out->timeout_ms = out->expires_ms = 0;
	out->comment = NULL;
	out->n_exprs = 0;
	rc = nft_elem_make(&t->info, key, data, out, e);
	if (rc < 0)
		return rc;
	if (timeout_ms && !(t->info.flags & NFT_SET_TIMEOUT))
		return err_set(e, -EINVAL, "set %s has no `flags timeout`: an element can not have one",
			t->info.name);
	/* What an attached set's own timeout is may change at any time, or not be known yet. */
	out->timeout_ms = timeout_ms || t->set->attach ? timeout_ms : t->set->timeout_ms;
	out->comment = comment;
	return 0;
}

int elem_key_of(const struct elem_table *t, const struct val *key, struct setelem *out, struct err *e)
{
	struct set_info info;

	if (!(t->info.flags & (NFT_SET_MAP | NFT_SET_OBJECT)))
		return elem_of(t, key, NULL, 0, NULL, out, e);
	info = t->info; /* a map's element needs a value, its key none */
	info.flags &= ~(uint32_t)(NFT_SET_MAP | NFT_SET_OBJECT);
	return nft_elem_make(&info, key, NULL, out, e);
}

int held_error(struct obj *set, const struct elem *el, struct err *e)
{
	_buf_ struct buf b = BUF_INIT;
	struct contrib *c = contrib_by_id(set->rs, el->m.contrib);

	where_text(set->rs, c->pk, el->m.site ? el->m.site : c->site, &b);
	return err_set(e, -EPERM, "held by %s", buf_str(&b));
}

static bool take_table(struct contrib *c)
{
	struct elem_table *t = elems_of(c->set);

	if (c->t == t)
		return t != NULL;
	/* An old statement of a type that is gone keeps its table; so do edits, whose journal names elements
	 * of it. */
	if (c->t && c->kind != C_EDIT && (!t || c->held.n))
		c->set->retyped = true; /* the merge makes it over, to the type that the set has then */
	if (!t || c->held.n || (c->t && c->kind == C_EDIT))
		return c->t != NULL;
	if (c->t)
		elems_put(c->t);
	c->t = t;
	t->refs++;
	return true;
}

/* Does the pack state it already, or did a pack of an earlier life that is nobody's now? What others hold has
 * a time of its own. */
static bool stated_before(const struct contrib *c, struct elem_table *t, const struct elem *el)
{
	const struct member *m = &el->m;

	for (unsigned n = 0; m->contrib && n < HOLDERS_ASKED; n++) {
		const struct contrib *by = contrib_by_id(c->set->rs, m->contrib);

		if (by->kind != C_EDIT && by->pk == c->pk)
			return true;
		if (!m->next)
			return false;
		m = &t->more.v[m->next - 1];
	}
	return true;
}

/* A timed statement that a reload states again goes on where it is, even when its time is over. */
static uint32_t inherited_attr(const struct contrib *c, struct elem_table *t, uint32_t i, uint32_t attr)
{
	struct elem *el = elem_at(t, i);
	struct attr *a = attr ? &t->attrs.v[attr - 1] : NULL,
		    *h = el->hattr ? &t->attrs.v[el->hattr - 1] : NULL;

	if (c->kind == C_EDIT || !a || !a->timeout_ms || !h || h->timeout_ms != a->timeout_ms ||
		!stated_before(c, t, el) || !attr_same_data(t, attr, el->hattr) ||
		!attr_same_stmts(t, attr, el->hattr))
		return attr;
	attr_put(t, attr);
	return attr_ref(t, el->hattr);
}

void contrib_hold(struct contrib *c, const struct setelem *el, struct set_stmts *stmts)
{
	uint32_t i, attr;

	if (!take_table(c))
		return;
	i = elem_intern(c->t, el);
	attr = inherited_attr(c, c->t, i, attr_new(c->t, el, boot_ms(), stmts));
	vec_push(&c->held, (struct held){ i, attr });
	if (c->on && !member_of(c->t, i, c->id))
		member_put(c->t, i, c, attr_ref(c->t, attr), 0);
}

void contrib_hold_all(struct contrib *c, helds *list)
{
	if (!take_table(c))
		return;
	vec_foreach (h, list)
		h->attr = inherited_attr(c, c->t, h->elem, h->attr);
	c->held = *list;
	*list = (helds){ 0 };
}

bool contrib_holds(const struct contrib *c, const helds *list)
{
	if (c->held.n != list->n)
		return false;
	for (uint32_t i = 0; i < list->n; i++)
		if (c->held.v[i].elem != list->v[i].elem ||
			!attr_same_but_end(c->t, c->held.v[i].attr, list->v[i].attr))
			return false;
	return true;
}

/* Of an element that comes next, in the order of the list. */
static uint32_t past_of(const elem_pasts *list, uint32_t *at, uint32_t elem, uint32_t otherwise)
{
	return *at < list->n && list->v[*at].elem == elem ? list->v[(*at)++].past : otherwise;
}

static void hold_one(struct contrib *c, const struct held *h, uint32_t past)
{
	member_put(c->t, h->elem, c, attr_ref(c->t, h->attr), 0);
	member_of(c->t, h->elem, c->id)->past = past & PAST_MAX;
}

static void drop_one(struct contrib *c, uint32_t elem, elem_pasts *lost)
{
	const struct member *m = member_of(c->t, elem, c->id);

	if (m && lost && m->past != (c->past & PAST_MAX))
		vec_push(lost, (struct elem_past){ elem, m->past });
	member_drop(c->t, elem, c->id, NULL);
}

void contrib_rehold(struct contrib *c, helds *list, const elem_pasts *back, elem_pasts *lost)
{
	enum { STAYS = 1, COMES = 2, GONE = 4 };
	uint8_t *mark = xcalloc(c->t->n, 1);
	helds old = c->held;
	uint32_t at = 0;

	if (c->as) { /* the merge makes it anew */
		contrib_free(c->as);
		c->as = NULL;
		c->set->retyped = c->set->rs->retyped = true;
		obj_dirty(c->set);
	}
	vec_foreach (h, list) {
		const struct member *m = mark[h->elem] ? NULL : member_of(c->t, h->elem, c->id);

		if (mark[h->elem])
			continue; /* of several of one element the first one counts */
		if (!m || !attr_same_but_end(c->t, m->attr, h->attr)) {
			mark[h->elem] = COMES;
			if (!back)
				h->attr = inherited_attr(c, c->t, h->elem, h->attr);
			continue;
		}
		mark[h->elem] = STAYS;
		attr_put(c->t, h->attr);
		h->attr = attr_ref(c->t, m->attr);
	}
	vec_foreach (h, &old)
		if (!(mark[h->elem] & (STAYS | GONE))) {
			mark[h->elem] |= GONE;
			drop_one(c, h->elem, lost);
		}
	vec_foreach (h, list) {
		if (!(mark[h->elem] & COMES))
			continue;
		mark[h->elem] = STAYS;
		hold_one(c, h, back ? past_of(back, &at, h->elem, c->past) : past_now(c->set->rs));
	}
	c->held = *list;
	*list = old;
	free(mark);
}

/* While a statement comes into force a bad value is its error; one that comes later is left out with a
 * warning. */
static void bad_value(struct contrib *c, const struct err *e)
{
	if (c->sinking) {
		log_warn("nft", "%s: set %s: %s", c->pk->name, c->set->name, err_text(e));
		return;
	}
	free(c->bad);
	c->bad = xstrdup(err_text(e));
	c->set->bad = true;
	obj_dirty(c->set);
}

static void live_add(struct contrib *c, const struct val *key, const struct val *data)
{
	_err_ struct err e = ERR_INIT;
	struct setelem el;
	struct member *m;
	uint32_t i;

	if (!value_fits(&c->t->info, key, data))
		return;
	if (elem_of(c->t, key, data, key->timeout_ms, key->comment, &el, &e) < 0) {
		bad_value(c, &e);
		return;
	}
	i = elem_intern(c->t, &el);
	m = member_of(c->t, i, c->id);
	if (m)
		m->count++;
	else
		member_put(c->t, i, c,
			inherited_attr(c, c->t, i, attr_new(c->t, &el, el.timeout_ms ? boot_ms() : 0, NULL)),
			0);
}

static void live_del(struct contrib *c, const struct val *key, const struct val *data)
{
	struct setelem el;
	struct member *m;
	uint32_t i;

	if (!value_fits(&c->t->info, key, data) || elem_of(c->t, key, data, 0, NULL, &el, NULL) < 0)
		return;
	i = elem_find(c->t, &el);
	m = i == UINT32_MAX ? NULL : member_of(c->t, i, c->id);
	if (m && --m->count == 0)
		member_drop(c->t, i, c->id, NULL);
}

static void fill_one(void *ctx, const struct val *key, const struct val *data)
{
	live_add(ctx, key, data);
}

#define HOLDERS_ASKED 64

static void live_delta(struct live_sink *s, int sign, const struct val *key, const struct val *data)
{
	struct contrib *c = container_of(s, struct contrib, sink);

	if (c->kind == C_EDIT)
		edit_delta(c, sign, key, data);
	else if (c->t && sign > 0)
		live_add(c, key, data);
	else if (c->t)
		live_del(c, key, data);
}

struct check {
	struct contrib *c;
	struct err *e;
	int rc;
};

static void check_one(void *ctx, const struct val *key, const struct val *data)
{
	struct check *ch = ctx;
	struct setelem el;

	if (!ch->rc && value_fits(&ch->c->t->info, key, data))
		ch->rc = elem_of(ch->c->t, key, data, 0, NULL, &el, ch->e);
}

static void sweep_off(struct contrib *c, bool keep)
{
	for (uint32_t i = 0; i < c->t->n; i++) {
		uint32_t attr;

		if (!(elem_at(c->t, i)->flags & E_USED) || !member_drop(c->t, i, c->id, &attr))
			continue;
		if (keep)
			vec_push(&c->held, (struct held){ i, attr });
		else
			attr_put(c->t, attr);
	}
}

/* The source was read anew: a list with something in it that is no element keeps the last good one in force.
 */
static void live_reset(struct live_sink *s)
{
	struct contrib *c = container_of(s, struct contrib, sink);
	_err_ struct err e = ERR_INIT;
	struct check ch = { c, &e, 0 };

	if (c->kind == C_EDIT) {
		c->filled = false;
		return;
	}
	if (!c->t)
		return;
	c->live->ops->each(c->live, check_one, &ch);
	if (ch.rc) {
		_buf_ struct buf b = BUF_INIT;

		c->live->ops->text(c->live, &b);
		log_warn("nft", "%s: %s; set %s keeps the last good list", buf_str(&b), err_text(&e),
			c->set->name);
		return;
	}
	sweep_off(c, false);
	c->live->ops->each(c->live, fill_one, c);
}

void contrib_follow(struct contrib *c, struct live *live)
{
	c->live = live;
	live->ops->ref(live);
}

void contrib_on(struct contrib *c)
{
	if (c->on)
		return;
	c->on = true;
	if (c->kind == C_STMT && c->st->kind == ST_ELEMS && c->st->el.raw.n)
		c->set->untyped = true;
	if (!take_table(c)) { /* the merge calls again when the type is known */
		c->set->untyped = true;
		return;
	}
	if (c->kind == C_LIVE) {
		c->live->ops->each(c->live, fill_one, c);
		sink(c, true);
		return;
	}
	uint32_t at = 0;

	vec_foreach (h, &c->held)
		if (!member_of(c->t, h->elem, c->id)) {
			/* meanwhile it may have been read back with less time left */
			h->attr = inherited_attr(c, c->t, h->elem, h->attr);
			if (c->kind == C_STMT) {
				hold_one(c, h, past_of(&c->pasts, &at, h->elem, c->past));
				continue;
			}
			member_put(c->t, h->elem, c, attr_ref(c->t, h->attr), 0);
			expiry_of(c->t, h->elem, h->attr);
		}
	vec_free(&c->pasts);
	if (c->kind == C_EDIT)
		held_clear(c);
}

void contrib_off(struct contrib *c)
{
	if (!c->on)
		return;
	c->on = false;
	if (c->as)
		contrib_free(c->as);
	c->as = NULL;
	free(c->bad);
	c->bad = NULL;
	if (c->kind == C_LIVE)
		sink(c, false);
	if (!c->t)
		return;
	if (c->kind == C_STMT)
		vec_foreach (h, &c->held)
			drop_one(c, h->elem, &c->pasts);
	else
		sweep_off(c, c->kind == C_EDIT);
}
