// SPDX-License-Identifier: GPL-2.0-or-later
/* replace(live) of edits: the live value's content as of the commit, and after that what changed of it. */
#include <errno.h>

#include "base/clock.h"
#include "nft/edit_impl.h"

#define WAITING_MAX 65536

static void undo_count(void *obj, uint64_t elem, uint64_t by)
{
	struct contrib *c = obj;

	struct member *m = member_of(c->t, (uint32_t)elem, c->id);

	m->count = (m->count - (uint32_t)by) & COUNT_MAX;
}

static void undo_fill(void *obj, uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	((struct contrib *)obj)->filled = false;
}

const struct jtype j_edit_count = { "element edit", undo_count, NULL };
static const struct jtype j_fill = { "replace", undo_fill, NULL };

void edit_delta(struct contrib *c, int sign, const struct val *key, const struct val *data)
{
	if (!c->filled)
		return;
	if (c->waiting.n >= WAITING_MAX) {
		c->filled = false;
		return;
	}
	vec_push(&c->waiting,
		(struct elem_delta){ sign, val_copy(key), data ? val_copy(data) : (struct val){ 0 } });
}

static void waiting_clear(struct contrib *c)
{
	vec_foreach (d, &c->waiting) {
		val_free(&d->key);
		val_free(&d->data);
	}
	vec_clear(&c->waiting);
}

struct settle {
	struct contrib *c;
	struct err *e;
	int rc;
};

static void settle_add(void *ctx, const struct val *key, const struct val *data)
{
	struct settle *s = ctx;
	struct contrib *c = s->c;
	struct setelem el;
	struct member *m;
	uint32_t i;

	if (s->rc || !value_fits(&c->t->info, key, data))
		return;
	s->rc = elem_of(c->t, key, data, key->timeout_ms, key->comment, &el, s->e);
	if (s->rc)
		return;
	i = elem_intern(c->t, &el);
	m = member_of(c->t, i, c->id);
	if (m) {
		m->count++;
		journal_push(&c->pk->log, &j_edit_count, c, i, 1);
	} else {
		edit_put(c, i, attr_new(c->t, &el, el.timeout_ms ? boot_ms() : 0, NULL), c->site);
	}
}

static void settle_del(struct contrib *c, const struct val *key, const struct val *data)
{
	struct setelem el;
	struct member *m;
	uint32_t i;

	if (!value_fits(&c->t->info, key, data) || elem_of(c->t, key, data, 0, NULL, &el, NULL) < 0)
		return;
	i = elem_find(c->t, &el);
	m = i == UINT32_MAX ? NULL : member_of(c->t, i, c->id);
	if (!m)
		return;
	if (m->count > 1) {
		m->count--;
		journal_push(&c->pk->log, &j_edit_count, c, i, (uint32_t)-1);
	} else {
		edit_drop(c, i);
	}
}

int edit_settle(struct contrib *c, struct err *e)
{
	struct settle s = { c, e, 0 };

	/* After a rollback nothing of the deltas is known to be applied: undo_fill makes the next settle
	 * start over. */
	journal_push(&c->pk->log, &j_fill, c, 0, 0);
	if (!c->filled) {
		waiting_clear(c);
		edits_clear(c);
		c->filled = true;
		c->live->ops->each(c->live, settle_add, &s);
		return s.rc;
	}
	vec_foreach (d, &c->waiting) {
		const struct val *data = d->data.kind ? &d->data : NULL;

		if (d->sign > 0)
			settle_add(&s, &d->key, data);
		else
			settle_del(c, &d->key, data);
	}
	waiting_clear(c);
	return s.rc;
}

int edits_settle(struct ruleset *rs, struct rpack **culprit, struct err *e)
{
	while (rs->settling.n) {
		struct contrib *c = vec_pop(&rs->settling);
		int rc;

		if (!c->settle)
			continue;
		c->settle = false;
		/* Edits came behind it, and what it would have added since is not known any more: it stays as
		 * it was then. */
		if (c->mixed && !c->filled) {
			c->mixed = false;
			continue;
		}
		rc = edit_settle(c, e);
		c->filled &= !c->mixed;
		c->mixed = false;
		if (rc < 0) {
			*culprit = c->pk;
			err_prefix(e, "%s: replace of set %s: ", c->pk->name, c->set->name);
			return -EINVAL;
		}
	}
	return 0;
}
