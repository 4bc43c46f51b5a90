// SPDX-License-Identifier: GPL-2.0-or-later
/* What a transaction wrote to rnm.state, kept so that it can be taken back when others have written since. */
#include <inttypes.h>
#include <string.h>

#include "script/evals.h"
#include "script/state_int.h"

struct wrote {                           /* one entry of one table; each with a reference */
	struct snode *table, *old, *new; /* old, new: NULL: none */
	struct state_key key;
	char *top;
};
struct state_log {
	VEC(struct wrote) v;
	size_t bytes;
};

static struct snode *hold(struct snode *n)
{
	if (n)
		n->refs++;
	return n;
}

static void put(struct snode *n)
{
	if (n)
		snode_put(n);
}

static struct snode *value_at(struct snode *table, const struct state_key *k)
{
	bool found;
	uint32_t i = snode_find(table, k, &found);

	return found ? table->e.v[i].val : NULL;
}

static struct wrote *find(const struct state_log *l, const struct snode *table, const struct state_key *k)
{
	for (uint32_t i = 0; l && i < l->v.n; i++)
		if (l->v.v[i].table == table && state_key_cmp(&l->v.v[i].key, k) == 0)
			return &l->v.v[i];
	return NULL;
}

void state_log_free(struct state_log *l)
{
	if (!l)
		return;
	vec_foreach (w, &l->v) {
		put(w->table);
		put(w->old);
		put(w->new);
		free(w->key.s);
		free(w->top);
	}
	vec_free(&l->v);
	free(l);
}

size_t state_log_bytes(const struct state_log *l)
{
	return l ? l->bytes : 0;
}

struct state_log *state_log_take(struct pack *pk, size_t max, bool *cut)
{
	struct state_log *l = NULL;

	vec_foreach (j, &rpack_journal(pk->rp)->log) {
		const struct change *c = j->obj;
		struct wrote w;

		if (j->type != &jt_state || find(l, c->table, &c->key))
			continue;
		if (!l)
			l = xnew(struct state_log);
		w = (struct wrote){ hold(c->table), hold(c->old), hold(value_at(c->table, &c->key)),
			{ c->key.s ? xmemdup(c->key.s, c->key.n + 1) : NULL, c->key.n, c->key.i },
			xstrdup(c->top) };
		vec_push(&l->v, w);
		l->bytes += c->cost;
		if (l->bytes > max || l->v.n > 1000) {
			state_log_free(l);
			*cut = true;
			return NULL;
		}
	}
	return l;
}

static struct wrote *find_later(const struct wrote *w, struct state_log *const *later, uint32_t n)
{
	struct wrote *next = NULL;

	for (uint32_t i = 0; i < n && !next; i++)
		next = find(later[i], w->table, &w->key);
	return next;
}

uint32_t state_log_back(struct state_log *l, struct pack *pk, struct state_log *const *later, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = l ? l->v.n : 0; i-- > 0;) {
		struct wrote *w = &l->v.v[i];
		size_t bytes = pk->st->bytes;

		if (value_at(w->table, &w->key) != w->new || find_later(w, later, n)) {
			kept++;
			continue;
		}
		bytes -= w->new ? snode_bytes(w->new) : 0;
		bytes += w->old ? snode_bytes(w->old) : 0;
		pstate_set(pk, w->table, &w->key, hold(w->old), w->top, bytes);
		pstate_touched(pk, w->top);
	}
	return kept;
}

void state_log_forget(struct state_log *l, struct state_log *const *later, uint32_t n)
{
	for (uint32_t i = 0; l && i < l->v.n; i++) {
		struct wrote *w = &l->v.v[i], *next = find_later(w, later, n);
		struct snode *was;

		if (!next || next->old != w->new)
			continue;
		was = next->old; /* what it found was this one's */
		next->old = w->old;
		w->old = was;
	}
	state_log_free(l);
}

void state_log_text(const struct state_log *l, struct buf *out)
{
	for (uint32_t i = 0; l && i < l->v.n; i++) {
		const struct wrote *w = &l->v.v[i];
		bool known = false;

		for (uint32_t j = 0; j < i && !known; j++)
			known = !strcmp(l->v.v[j].top, w->top);
		if (known)
			continue;
		buf_puts(out, "~ rnm.state.");
		buf_visible(out, w->top, strlen(w->top));
		buf_putc(out, '\n');
	}
}
