// SPDX-License-Identifier: GPL-2.0-or-later
/* Who holds an element: the first holder stands in it, further ones in a list. An element that very many hold
 * is no reason to walk through them for each one that comes or goes: those of more than a few are found by an
 * index. */
#include "nft/model.h"

#define FEW 8

/* One to one, so that equal hashes are the same holder of the same element. */
static uint64_t holder_hash(uint32_t i, uint32_t contrib)
{
	uint64_t h = ((uint64_t)i << 32 | contrib) * 0x9fb21c651e98df25;

	return h ^ h >> 32;
}

static bool any_item(const void *item, const void *key)
{
	(void)item;
	(void)key;
	return true;
}

static void holder_index(struct elem_table *t, uint32_t i, uint32_t slot)
{
	struct member *m = &t->more.v[slot];

	if (!m->indexed)
		hmap_put(&t->holders, holder_hash(i, m->contrib), (void *)((uintptr_t)slot + 1));
	m->indexed = 1;
}

static void holder_unindex(struct elem_table *t, uint32_t i, uint32_t slot)
{
	struct member *m = &t->more.v[slot];

	if (m->indexed)
		hmap_del_item(&t->holders, holder_hash(i, m->contrib), (void *)((uintptr_t)slot + 1));
	m->indexed = 0;
}

/* Of an element with more than a few members all but the first are indexed. */
static void holders_index(struct elem_table *t, uint32_t i)
{
	const struct member *m = &elem_at(t, i)->m;
	uint32_t n = 0;

	while (m->next && n <= FEW) {
		m = &t->more.v[m->next - 1];
		n++;
	}
	if (n <= FEW)
		return;
	/* New ones stand in front: behind one that is indexed nothing is left to do, once there were many. */
	m = &elem_at(t, i)->m;
	for (n = 0; m->next && n <= FEW; n++) {
		uint32_t slot = m->next - 1;

		holder_index(t, i, slot);
		m = &t->more.v[slot];
	}
}

struct member *member_of(struct elem_table *t, uint32_t i, uint32_t contrib)
{
	struct member *m = &elem_at(t, i)->m;
	uintptr_t slot;

	for (uint32_t n = 0; m->contrib != contrib; n++) {
		if (!m->next)
			return NULL;
		if (n == FEW) {
			slot = (uintptr_t)hmap_find(&t->holders, holder_hash(i, contrib), any_item, NULL);
			return slot ? &t->more.v[slot - 1] : NULL;
		}
		m = &t->more.v[m->next - 1];
	}
	return m;
}

void member_put(struct elem_table *t, uint32_t i, const struct contrib *c, uint32_t attr, uint32_t site)
{
	struct member add = { .contrib = c->id, .attr = attr, .count = 1 };
	struct elem *el = elem_at(t, i);
	uint32_t at;

	add.site = (site <= SITE_MAX ? site : 0) & SITE_MAX;
	/* What a statement gives is as old as the statement, also when a rollback brings it back. */
	add.past = (c->kind == C_EDIT || c->sinking ? past_now(t->set->rs) : c->past) & PAST_MAX;
	if (el->flags & E_REFUSED) {
		el->flags &= (uint8_t)~E_REFUSED;
		t->refused--;
	}
	if (!el->m.contrib) {
		add.found = el->m.found;
		el->m = add;
		t->wanted++;
	} else {
		add.next = el->m.next;
		if (t->more_spare.n) {
			at = vec_pop(&t->more_spare);
			t->more.v[at] = add;
		} else {
			at = t->more.n;
			vec_push(&t->more, add);
		}
		el->m.next = at + 1;
		holders_index(t, i);
	}
	elem_touch(t, i);
}

/* The second of the list takes the place of the one that goes: nobody has to look for what stands before
 * that. */
bool member_drop(struct elem_table *t, uint32_t i, uint32_t contrib, uint32_t *attr)
{
	struct elem *el = elem_at(t, i);
	struct member *m = member_of(t, i, contrib);
	uint32_t second = el->m.next, found = el->m.found, gone;

	if (!m)
		return false;
	gone = m->attr;
	if (!second) {
		memset(m, 0, sizeof(*m));
		t->wanted--;
	} else {
		struct member *s = &t->more.v[second - 1], by;
		bool indexed = s->indexed;

		holder_unindex(t, i, second - 1);
		by = *s;
		if (m == &el->m) {
			*m = by;
		} else {
			el->m.next = by.next;
			if (m != s) {
				uint32_t slot = (uint32_t)(m - t->more.v);

				holder_unindex(t, i, slot);
				by.next = m->next;
				*m = by;
				if (indexed)
					holder_index(t, i, slot);
			}
		}
		vec_push(&t->more_spare, second - 1);
	}
	el->m.found = found & 3;
	if (el->flags & E_REFUSED && el->m.contrib) { /* who is left may be one who does not wait */
		el->flags &= (uint8_t)~E_REFUSED;
		t->refused--;
	}
	if (attr)
		*attr = gone;
	else
		attr_put(t, gone);
	elem_touch(t, i);
	return true;
}
