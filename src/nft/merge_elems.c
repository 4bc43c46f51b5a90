// SPDX-License-Identifier: GPL-2.0-or-later
/* Elements that waited for a type, values that are none, verdicts to chains that nobody states, packs that
 * disagree. */
#include <errno.h>

#include "base/log.h"
#include "nft/model.h"

static int raw_elems(struct contrib *c, struct rpack **culprit, struct err *e)
{
	struct stmt *st = c->st;
	struct setelem el;
	_err_ struct err bad = ERR_INIT;

	vec_foreach (r, &st->el.raw) {
		const struct val *data = r->data.kind ? &r->data : NULL;

		struct set_stmts *stmts = NULL;

		if (elem_of(c->set->elems, &r->key, data, r->timeout_ms, r->comment, &el, &bad) < 0 ||
			(r->stateful && !(stmts = set_stmts_get(c->set->rs, r->stateful, &bad)))) {
			if (!c->set->attach || can_blame(c->pk))
				return merge_error(
					st, culprit, e, "set %s: %s", c->set->name, err_text(&bad));
			log_error("nft", "%s: attached set %s: an element is left out: %s", c->pk->name,
				c->set->name, err_text(&bad));
			err_free(&bad);
		}
		set_stmts_put(stmts);
	}
	vec_foreach (r, &st->el.raw) {
		struct set_stmts *stmts = r->stateful ? set_stmts_get(c->set->rs, r->stateful, NULL) : NULL;

		if (elem_of(c->set->elems, &r->key, r->data.kind ? &r->data : NULL, r->timeout_ms, r->comment,
			    &el, NULL) == 0)
			contrib_hold(c, &el, stmts);
		set_stmts_put(stmts);
		free(r->stateful);
		val_free(&r->key);
		val_free(&r->data);
		free(r->comment);
	}
	vec_free(&st->el.raw);
	return 0;
}

static int get_types(struct obj *set, struct rpack **culprit, struct err *e)
{
	bool left = false;

	for (uint32_t i = 0; i < set->contribs.n; i++) {
		struct contrib *c = set->contribs.v[i];
		int rc;

		if (!c->on)
			continue;
		if (c->kind == C_STMT && c->st->el.raw.n) {
			rc = raw_elems(c, culprit, e);
			if (rc < 0)
				return rc;
		} else if (!c->t) {
			c->on = false;
			contrib_on(c);
			left |= !c->t;
		}
	}
	set->untyped = left;
	return 0;
}

static void set_pending(struct elem_table *t, uint32_t i, bool pending)
{
	struct elem *el = elem_at(t, i);

	if (!(el->flags & E_PENDING) == !pending)
		return;
	el->flags ^= E_PENDING;
	t->pending += pending ? 1u : (uint32_t)-1;
	elem_touch(t, i);
}

static const char *target_of(const struct elem_table *t, uint32_t i)
{
	const struct elem *el = elem_at(t, i);
	uint32_t a = el->m.contrib ? elem_attr(t, el) : 0;

	return a ? attr_target(&t->attrs.v[a - 1]) : NULL;
}

enum obj_kind target_kind(const struct set_info *info)
{
	return info->flags & NFT_SET_OBJECT       ? object_kind(info->obj_type)
	       : nft_type_is_verdict(&info->data) ? OBJ_CHAIN
						  : OBJ_TABLE;
}

static void check_target(struct obj *set, struct elem_table *t, uint32_t i)
{
	struct elem *el = elem_at(t, i);
	const char *target = target_of(t, i);
	struct obj *to =
		target ? obj_find(set->rs, target_kind(&t->info), set->family, set->tab->name, target) : NULL;

	if (el->flags & E_USED)
		set_pending(t, i, target && !set->attach && (!to || !to->want));
}

/* An element whose value is a chain or object that nobody states waits for it. */
static void check_targets(struct obj *set, struct elem_table *t)
{
	if (set->dirty)
		for (uint32_t i = 0; i < t->n; i++)
			check_target(set, t, i);
	else
		for (uint32_t i = 0; i < t->dirty.n; i++)
			check_target(set, t, t->dirty.v[i]);
}

void merge_targets(struct obj *set)
{
	struct elem_table *t = set->want ? set->elems : NULL;

	for (uint32_t i = 0; t && t->targets && i < t->n; i++) {
		const char *target = target_of(t, i);

		if (target && name_changed(set, target_kind(&t->info), target))
			check_target(set, t, i);
	}
}

/* The later pack's error, or the other's where the later one has said nothing in this transaction. */
static int conflict(struct obj *set, struct elem_table *t, uint32_t i, struct contrib *a, struct contrib *b,
	struct rpack **culprit, struct err *e)
{
	struct ruleset *rs = set->rs;
	_buf_ struct buf text = BUF_INIT;
	struct set_info plain = t->info;
	struct setelem key;

	if (pack_before(b->pk, a->pk) || !can_blame(b->pk)) {
		struct contrib *x = a;

		a = b;
		b = x;
	}
	if (!can_blame(b->pk)) {
		struct contrib *x = a;

		a = b;
		b = x;
	}
	if (!can_blame(b->pk))
		return 0; /* an old quarrel: the earlier pack's value stands */
	elem_get(t, i, 0, &key);
	plain.flags &= ~(uint32_t)(NFT_SET_MAP | NFT_SET_OBJECT); /* only the key */
	nft_elem_text(&plain, &key, &text);
	buf_puts(&text, " has another value in ");
	where_text(rs, a->pk, a->site, &text);
	*culprit = b->pk;
	return err_set(e, -EINVAL, "%s:%u: map %s: %s", ruleset_site_get(rs, b->site).file,
		ruleset_site_get(rs, b->site).line, set->name, buf_str(&text));
}

static const struct member *next_member(const struct elem_table *t, const struct member *m)
{
	return m->next ? &t->more.v[m->next - 1] : NULL;
}

static int conflict_of(struct obj *set, struct elem_table *t, uint32_t i, const struct member *a,
	const struct member *b, struct rpack **culprit, struct err *e)
{
	return conflict(set, t, i, contrib_by_id(set->rs, a->contrib), contrib_by_id(set->rs, b->contrib),
		culprit, e);
}

static int check_conflict(
	struct obj *set, struct elem_table *t, uint32_t i, struct rpack **culprit, struct err *e)
{
	const struct member *first = &elem_at(t, i)->m, *odd = NULL;

	for (const struct member *m = next_member(t, first); m; m = next_member(t, m)) {
		if (attr_same_data(t, first->attr, m->attr))
			continue;
		odd = odd ? odd : m;
		if (conflict_of(set, t, i, first, m, culprit, e) < 0)
			return -EINVAL;
	}
	/* Neither the first nor those of another value are to blame: it may be one that says the same as the
	 * first. */
	for (const struct member *m = odd ? next_member(t, first) : NULL; m; m = next_member(t, m))
		if (attr_same_data(t, first->attr, m->attr) && conflict_of(set, t, i, m, odd, culprit, e) < 0)
			return -EINVAL;
	return 0;
}

/* All elements of a set that is dirty: while it was not stated nobody looked. */
static int check_conflicts(struct obj *set, struct elem_table *t, struct rpack **culprit, struct err *e)
{
	uint32_t n = set->dirty ? t->n : t->dirty.n;

	for (uint32_t j = 0; j < n; j++) {
		uint32_t i = set->dirty ? j : t->dirty.v[j];

		if (elem_at(t, i)->flags & E_USED && check_conflict(set, t, i, culprit, e) < 0)
			return -EINVAL;
	}
	return 0;
}

/* The same element in a set of another type: through its text, as what it was given as is long forgotten. */
static int elem_over(const struct elem_table *from, const struct held *h, struct elem_table *to,
	struct setelem *out, struct err *e)
{
	_buf_ struct buf text = BUF_INIT;
	struct set_info plain = from->info;
	struct setelem el;
	struct val key;
	size_t n = 0;
	int rc;

	if (!nft_type_equal(&from->info.data, &to->info.data) || from->info.obj_type != to->info.obj_type)
		return err_set(e, -EINVAL, "its values are of another type now");
	elem_get(from, h->elem, 0, &el);
	plain.flags &= ~(uint32_t)(NFT_SET_MAP | NFT_SET_OBJECT);
	nft_elem_text(&plain, &el, &text);
	for (size_t i = 0; i < text.n; i++)
		if (text.s[i] != '"')
			text.s[n++] = text.s[i];
	key = val_string(text.s, n);
	memset(out, 0, offsetof(struct setelem, key));
	rc = elem_key_of(to, &key, out, e);
	val_free(&key);
	elem_get(from, h->elem, h->attr, &el);
	out->dlen = el.dlen;
	out->verdict = el.verdict;
	out->verdict_code = el.verdict_code;
	memcpy(out->data, el.data, el.dlen);
	strcpy(out->target, el.target);
	out->timeout_ms = el.timeout_ms;
	out->expires_ms = el.expires_ms;
	out->comment = el.comment;
	return rc;
}

static int make_over(struct contrib *c, struct elem_table *t, struct rpack **culprit, struct err *e)
{
	if (c->as)
		contrib_free(c->as);
	c->as = contrib_new(c->pk, C_STMT, c->set, c->site);
	c->as->st = c->st;
	c->as->past = c->past;
	vec_foreach (h, &c->held) {
		_err_ struct err why = ERR_INIT;
		struct setelem el;

		if (h->attr && c->t->attrs.v[h->attr - 1].spent)
			continue;
		if (elem_over(c->t, h, t, &el, &why) == 0) {
			contrib_hold(c->as, &el, h->attr ? attr_stmts(&c->t->attrs.v[h->attr - 1]) : NULL);
			continue;
		}
		if (can_blame(c->pk))
			return merge_error(c->st, culprit, e, "set %s: %s", c->set->name, err_text(&why));
		log_error("nft", "%s: set %s has another type now, an element is left out: %s", c->pk->name,
			c->set->name, err_text(&why));
	}
	contrib_on(c->as);
	return 0;
}

static bool stands_for(const struct contrib *c) /* for one that is of another type */
{
	return c->st && c->st->kind == ST_ELEMS && c->st->el.c != c;
}

static int change_types(struct obj *set, struct rpack **culprit, struct err *e)
{
	struct elem_table *t = set->elems;
	VEC(struct contrib *) own = { 0 }; /* the others come and go meanwhile */
	int rc = 0;

	vec_foreach (c, &set->contribs)
		if (!stands_for(*c))
			vec_push(&own, *c);
	for (uint32_t i = 0; i < own.n && rc == 0; i++) {
		struct contrib *c = own.v[i];

		if (!c->on || !c->t || c->kind == C_EDIT)
			continue;
		if (c->kind == C_LIVE && c->t != t) {
			contrib_off(c);
			contrib_on(c);
		} else if (c->kind == C_STMT && c->t == t && c->as) {
			contrib_free(c->as);
			c->as = NULL;
		} else if (c->kind == C_STMT && c->t != t && (!c->as || c->as->t != t)) {
			rc = make_over(c, t, culprit, e);
		}
	}
	vec_free(&own);
	if (rc == 0)
		set->retyped = false;
	return rc;
}

int merge_elems(struct obj *set, struct rpack **culprit, struct err *e)
{
	struct elem_table *t = elems_of(set);
	int rc;

	if (!t)
		return 0;
	if (set->untyped) {
		rc = get_types(set, culprit, e);
		if (rc < 0)
			return rc;
	}
	if (set->retyped) {
		rc = change_types(set, culprit, e);
		if (rc < 0)
			return rc;
	}
	for (uint32_t i = 0; set->bad && i < set->contribs.n; i++) {
		struct contrib *c = set->contribs.v[i];

		if (!c->bad)
			continue;
		if (can_blame(c->pk)) {
			struct site s = ruleset_site_get(set->rs, c->site);

			*culprit = c->pk;
			return err_set(e, -EINVAL, "%s:%u: set %s: %s", s.file, s.line, set->name, c->bad);
		}
		log_warn("nft", "%s: set %s: %s", c->pk->name, set->name, c->bad);
		free(c->bad);
		c->bad = NULL;
	}
	set->bad = false;
	return 0;
}

int merge_map(struct obj *set, struct rpack **culprit, struct err *e)
{
	struct elem_table *t = set->want ? set->elems : NULL;

	if (!t || !(t->info.flags & (NFT_SET_MAP | NFT_SET_OBJECT)))
		return 0;
	if (target_kind(&t->info) != OBJ_TABLE)
		check_targets(set, t);
	return check_conflicts(set, t, culprit, e);
}
