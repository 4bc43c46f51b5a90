// SPDX-License-Identifier: GPL-2.0-or-later
/* What ought to be: worked out anew from all that is said, with no regard to time or cost, and held against
 * what the kernel has. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "testing/rs_model.h"

static bool names_obj(const struct said *s, enum said_kind kind, int t, int obj)
{
	if (s->table != t)
		return false;
	if (kind == SAID_CHAIN)
		return (s->kind == SAID_CHAIN || s->kind == SAID_RULE) && s->obj == obj;
	if (kind != SAID_SET)
		return s->kind == kind && s->obj == obj;
	return (s->kind == SAID_SET || s->kind == SAID_ELEMS || s->kind == SAID_LIVE) && s->obj == obj;
}

bool model_declares(const struct pack_said *p, enum said_kind kind, int t, int obj)
{
	each_said(s, p) if (names_obj(s, kind, t, obj)) return true;
	return false;
}

bool model_declared(struct world *w, enum said_kind kind, int t, int obj)
{
	for (int i = 0; i < N_PACKS; i++)
		if (model_declares(&w->pack[i], kind, t, obj))
			return true;
	return false;
}

uint32_t model_variants(struct world *w, enum said_kind kind, int t, int obj)
{
	uint32_t v = 0;

	for (int i = 0; i < N_PACKS; i++)
		each_said(s, &w->pack[i]) if (s->kind == kind && s->table == t && s->obj == obj) v |=
			1u << s->variant;
	return v;
}

int model_type(struct world *w, int t, int s)
{
	static const uint8_t ranges[N_SETS] = { [S_I4] = 1, [S_CC] = 1, [S_IT] = 1, [S_IV] = 1 };
	uint32_t v = model_variants(w, SAID_SET, t, s);

	if (!(v & ~1u))
		return -1;
	return ranges[s] || (s == S_VT && v & 1u << 4);
}

int model_table(struct world *w, int t, int s)
{
	int type = model_type(w, t, s);

	return type >= 0 ? type : w->type[t][s] > 0;
}

bool model_set_wanted(struct world *w, int t, int s)
{
	return model_type(w, t, s) >= 0;
}

bool model_chain_wanted(struct world *w, int t, int c)
{
	if (!model_declared(w, SAID_CHAIN, t, c))
		return false;
	if (t == T_NETDEV && c == 0 && model_variants(w, SAID_CHAIN, t, c) & ~1u)
		return w->live[L_DEV].n > 0;
	return true;
}

bool model_object_wanted(struct world *w, int t, int o)
{
	uint32_t nameless = object_types[o] == NFT_OBJECT_COUNTER ? 0 : 1; /* a counter needs no spec */

	return o != O_POISON && model_variants(w, SAID_OBJECT, t, o) & ~nameless;
}

/* The real kernel of the tests has none. */
bool model_flow_wanted(struct world *w, int t, int f)
{
	return !w->conn && model_variants(w, SAID_FLOW, t, f) & ~1u;
}

/* ---- order ---- */

int model_by_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	for (int i = 0; i < 8; i++)
		if (x->path[i] != y->path[i])
			return x->path[i] < y->path[i] ? -1 : 1;
	return 0;
}

void model_place(const struct pack_said *p, int pack, int sc, int item, struct placed *out)
{
	const struct scope_said *x = p->scope;
	uint32_t *path = out->path;

	memset(out->path, 0, sizeof(out->path));
	out->s = &x[sc].said[item];
	out->pack = pack;
	*path++ = !out->s->insert;
	*path++ = (uint32_t)pack;
	switch (sc) {
	case SC_BLOCK:
	case SC_OUTER: *path++ = x[sc].nested_at + 1u; break;
	case SC_INNER:
		*path++ = x[SC_OUTER].nested_at + 1u;
		*path++ = x[SC_INNER].nested_at + 1u;
		break;
	case SC_EACH0:
	case SC_EACH1:
		*path++ = x[sc].nested_at + 1u;
		*path++ = (uint32_t)sc;
		break;
	case SC_HOOK0:
	case SC_HOOK1: *path++ = 0x80000000u + (uint32_t)sc; break;
	default: break;
	}
	*path = (uint32_t)item + 1;
}

/* ---- elements ---- */

struct holders {
	int n;
	struct holder v[64];
};

int model_live_count(const struct test_live *l, int key)
{
	int n = 0;

	for (int i = 0; i < l->n; i++)
		n += l->v[i] == key;
	return n;
}

static struct holders holders_of(struct world *w, int t, int s, int key)
{
	struct holders h = { 0 };
	int type = model_table(w, t, s);

	for (int i = 0; i < N_PACKS; i++) {
		const struct pack_said *p = &w->pack[i];
		const struct edited *ed = &p->edit[type][t][s][key];
		int follows = p->follows[type][t][s] & 127;

		struct placed at = { .path = { 1, (uint32_t)i, UINT32_MAX } };

		each_said(st, p)
		{
			if (st->table != t || st->obj != s)
				continue;
			model_place(p, i, (int)(sc_ - p->scope), (int)(st - sc_->said), &at);
			for (int k = 0; st->kind == SAID_ELEMS && k < st->n; k++)
				if (st->key[k] == key && h.n < 64)
					h.v[h.n++] = (struct holder){ at, i, st->data[k], st->timeout[k],
						sc_->deadline[st - sc_->said][k] };
			if (st->kind == SAID_LIVE && model_live_count(&w->live[st->live], key) && h.n < 64)
				h.v[h.n++] = (struct holder){ .pack = i };
		}
		at = (struct placed){ .path = { 1, (uint32_t)i, UINT32_MAX } };
		if (follows) {
			if (model_live_count(&w->live[follows - 1], key) && h.n < 64)
				h.v[h.n++] = (struct holder){ .pack = i };
		} else if (ed->on && (!ed->timeout || ed->deadline > w->now) && h.n < 64) {
			h.v[h.n++] = (struct holder){ at, i, ed->data, ed->timeout, ed->deadline };
		}
	}
	return h;
}

bool model_held(struct world *w, int t, int s, int key)
{
	return holders_of(w, t, s, key).n > 0;
}

bool model_holds(struct world *w, int pack, int t, int s, int key)
{
	struct holders h = holders_of(w, t, s, key);

	for (int i = 0; i < h.n; i++)
		if (h.v[i].pack == pack)
			return true;
	return false;
}

static const char *goes_to(int s, int data)
{
	static const char *const to[] = { NULL, NULL, "c3", "c2", "c1" };

	return s == S_VM || s == S_IV ? to[data % 5] : NULL;
}

/* In force? Then the deadline that the kernel is to have (0: none). */
bool model_in_force(struct world *w, int t, int s, int key, struct holder *out)
{
	struct holders h = holders_of(w, t, s, key);
	const struct holder *best = NULL;
	const char *to;

	for (int i = 0; i < h.n; i++) {
		const struct holder *x = &h.v[i];

		if (!best)
			best = x;
		else if (best->data !=
			 x->data) /* of an old quarrel over a value the earlier place's stands */
			best = model_by_place(&x->at, &best->at) < 0 ? x : best;
		else if (best->timeout && (!x->timeout || x->deadline > best->deadline))
			best = x;
	}
	if (!best || (best->timeout && best->deadline <= w->now) ||
		(!w->conn && ((s == S_H4 && key == POISON_KEY) || (s == S_I4 && key == POISON_PREFIX))))
		return false;
	to = goes_to(s, best->data);
	if (to && !model_chain_wanted(w, t, to[1] - '0'))
		return false;
	if (s == S_OM && !model_object_wanted(w, t, best->data % 2 ? O_COUNTER2 : O_COUNTER))
		return false;
	*out = *best;
	return true;
}

/* ---- conflicts ---- */

static bool two(uint32_t v, uint32_t of)
{
	v &= of;
	return v & (v - 1);
}

static bool values_differ(struct world *w, int t, int s, int k, bool blamable)
{
	struct holders h = holders_of(w, t, s, k);

	for (int i = 0; i < h.n; i++)
		for (int j = 0; j < i; j++)
			if (h.v[i].data != h.v[j].data &&
				(!blamable || w->spoke[h.v[i].pack] || w->spoke[h.v[j].pack]))
				return true;
	return false;
}

bool model_conflict(struct world *w, bool must)
{
	for (int i = 0; i < N_PACKS; i++)
		w->spoke[i] = w->pack[i].rp && rpack_mark(w->pack[i].rp);
	for (int t = 0; t < N_TABLES; t++) {
		uint32_t v = model_variants(w, SAID_CHAIN, t, 0);

		w->quarrel = "c0";
		if (two(v, 1u << 1 | 1u << 2) || (v & 1u << 3 && v & (1u << 1 | 1u << 2)))
			return true;
		w->quarrel = "flags of a table";
		if (two(model_variants(w, SAID_TABLE, t, 0), 1u << 1 | 1u << 2))
			return true;
		for (int o = O_QUOTA; o <= O_LIMIT; o++) {
			w->quarrel = object_names[o];
			if (two(model_variants(w, SAID_OBJECT, t, o), 1u << 1 | 1u << 2 | 1u << 3))
				return true;
		}
		for (int f = 0; f < N_FLOWS; f++) {
			v = model_variants(w, SAID_FLOW, t, f);
			w->quarrel = flow_names[f];
			if (must && w->backs_off && w->conn) /* one that waits is in nobody's way */
				continue;
			if (f ? two(v, 1u << 1 | 1u << 2 | 1u << 3) : v & 1u << 2 && v & (1u << 1 | 1u << 3))
				return true;
		}
		for (int s = 0; s < N_SETS; s++) {
			v = model_variants(w, SAID_SET, t, s);
			w->quarrel = set_names[s];
			if (two(v, 1u << 2 | 1u << 3) ||
				(s == S_DS && v & 1u << 4 && v & (1u << 1 | 1u << 2 | 1u << 3)))
				return true;
			for (int k = 0; (s == S_VM || s == S_IV || s == S_MK || s == S_OM) &&
					model_set_wanted(w, t, s) && k < N_KEYS;
				k++)
				if (!(must && w->old_quarrel[t][s][k]) && values_differ(w, t, s, k, must))
					return true;
		}
	}
	return false;
}

/* Quarrels that nobody was to blame for, and that may go on. */
void model_quarrels(struct world *w)
{
	for (int t = 0; t < N_TABLES; t++)
		for (int s = 0; s < N_SETS; s++)
			for (int k = 0; k < N_KEYS; k++)
				w->old_quarrel[t][s][k] = values_differ(w, t, s, k, false);
}

/* What the ruleset takes for the elements of a set: holders, and what the kernel is thought to have. */
static void tell_elems(struct world *w, int t, int s)
{
	struct obj *o = obj_find(w->rs, OBJ_SET, table_family[t], table_names[t], set_names[s]);
	struct elem_table *tab = o ? o->elems : NULL;

	for (uint32_t i = 0; o && i < w->rs->contribs.n; i++) {
		const struct contrib *c = w->rs->contribs.v[i];

		if (c && c->set == o)
			fail(w, "\ncontributor %u of %s: kind %d on %d of this type %d holds %u waits %u",
				c->id, c->pk->name, c->kind, c->on, c->t == tab, c->held.n,
				c->kind == C_STMT && c->st->el.c == c ? c->st->el.raw.n : 0);
	}
	for (uint32_t i = 0; tab && i < tab->n; i++) {
		struct elem *el = elem_at(tab, i);

		if (!(el->flags & E_USED))
			continue;
		fail(w, "\nelement %02x%02x%02x%02x hattr %u flags %x:", el->key[0], el->key[1], el->key[2],
			el->key[3], el->hattr, el->flags);
		for (const struct member *m = &el->m; m->contrib; m = &tab->more.v[m->next - 1]) {
			const struct contrib *c = contrib_by_id(w->rs, m->contrib);

			fail(w, " %s kind %d on %d as %d attr %u end %lld", c->pk->name, c->kind, c->on,
				!!c->as, m->attr,
				m->attr ? (long long)(tab->attrs.v[m->attr - 1].expires_at - w->now) : 0);
			if (!m->next)
				break;
		}
	}
}

/* Everything that is said of one set, for a failure's message. */
void model_tell(struct world *w, int t, int s)
{
	for (int i = 0; i < N_PACKS; i++) {
		each_said(st, &w->pack[i]) if (names_obj(st, SAID_SET, t, s))
		{
			fail(w, "\npack %d scope %d item %d kind %d variant %d live %d:", i,
				(int)(sc_ - w->pack[i].scope), (int)(st - sc_->said), st->kind, st->variant,
				st->live);
			for (int k = 0; k < st->n; k++)
				fail(w, " %d/%d/%u/%lld", st->key[k], st->data[k], st->timeout[k],
					(long long)(sc_->deadline[st - sc_->said][k] - w->now));
		}
		for (int k = 0; k < N_KEYS; k++)
			if (w->pack[i].edit[model_table(w, t, s)][t][s][k].on)
				fail(w, "\npack %d edit %d%s timeout %u/%lld", i, k,
					w->pack[i].edit[model_table(w, t, s)][t][s][k].lasting ? " lasting"
											       : "",
					w->pack[i].edit[model_table(w, t, s)][t][s][k].timeout,
					(long long)(w->pack[i].edit[model_table(w, t, s)][t][s][k].deadline -
						    w->now));
	}
	tell_elems(w, t, s);
}
