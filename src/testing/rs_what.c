// SPDX-License-Identifier: GPL-2.0-or-later
/* What random packs may say. */
#include "testing/rs_random.h"

static uint8_t fashion(struct world *w, uint8_t usual, unsigned others)
{
	return rnd(w, 25) ? (rnd(w, 6) ? usual : 0) : (uint8_t)rnd(w, others);
}

bool is_map(int s)
{
	return s == S_VM || s == S_MK || s == S_IV || s == S_OM;
}

uint8_t any_data(struct world *w, int set, int key)
{
	uint32_t n = set == S_OM ? 2 : 5;

	return (uint8_t)(rnd(w, 50) ? (uint32_t)key % n : rnd(w, n));
}

/* Timed statements have keys of their own, which no one else touches: how long what is hidden lives is not
 * promised. */
bool timed_stmt(int t, int s, int key)
{
	return t == T_INET && s == S_T4 && key < 3;
}

static void some_elems(struct world *w, int pack, struct said *s)
{
	uint32_t n = rnd(w, 6);

	for (uint32_t i = 0; i < n; i++) {
		uint8_t key = (uint8_t)rnd(w, N_KEYS);
		bool dup = timed_stmt(s->table, s->obj, key) && pack;

		for (int j = 0; j < s->n; j++)
			dup |= s->key[j] == key;
		if (dup)
			continue;
		s->key[s->n] = key;
		s->data[s->n] = is_map(s->obj) ? any_data(w, s->obj, key) : 0;
		s->timeout[s->n] = timed_stmt(s->table, s->obj, key) ? 11u + 10u * key : 0;
		s->n++;
	}
}

/* Of what the kernel takes never. */
static void poison(struct world *w, struct said *s)
{
	s->table = T_INET;
	if (rnd(w, 3) == 0) {
		s->kind = SAID_RULE;
		s->obj = (uint8_t)rnd(w, N_CHAINS);
		s->variant = R_REFUSED;
		return;
	}
	s->kind = SAID_ELEMS;
	s->obj = rnd(w, 2) ? S_H4 : S_I4;
	s->key[s->n++] = s->obj == S_H4 ? POISON_KEY : POISON_PREFIX;
	s->key[s->n++] = (uint8_t)rnd(w, POISON_PREFIX);
}

struct said any_said(struct world *w, int pack)
{
	struct said s = { .table = (uint8_t)(rnd(w, 5) ? T_INET : 1 + rnd(w, 2)) };

	if (w->rough && rnd(w, 12) == 0) {
		s = (struct said){ .kind = SAID_ATTACH, .obj = (uint8_t)rnd(w, N_ATTACHED) };
		for (uint32_t n = rnd(w, 5); n; n--)
			s.key[s.n++] = (uint8_t)rnd(w, N_KEYS);
		return s;
	}
	if (w->backs_off && !w->conn && pack == w->sick && rnd(w, 4) == 0) {
		poison(w, &s);
		return s;
	}

	switch (rnd(w, 11)) {
	case 8:
		s.kind = SAID_TABLE;
		s.variant = rnd(w, 4) ? 0 : fashion(w, w->fashion_table[s.table], 3);
		break;
	case 9:
		s.kind = SAID_OBJECT;
		s.obj = (uint8_t)rnd(w, rnd(w, 10) ? O_POISON : N_OBJECTS);
		s.variant = fashion(w, w->fashion_object[s.table][s.obj], 4);
		break;
	case 10:
		s.kind = SAID_FLOW;
		s.table = s.table == T_NETDEV ? T_INET : s.table;
		s.obj = (uint8_t)rnd(w, N_FLOWS);
		s.variant = fashion(w, w->fashion_flow[s.table][s.obj], 4);
		break;
	case 0:
		s.kind = SAID_CHAIN;
		s.obj = (uint8_t)rnd(w, N_CHAINS);
		s.variant = s.obj ? 0 : fashion(w, w->fashion_chain[s.table][0], 4);
		break;
	case 1:
		s.kind = SAID_SET;
		s.obj = (uint8_t)rnd(w, N_SETS);
		s.variant = fashion(w, w->fashion_set[s.table][s.obj], 5);
		break;
	case 2:
		s.kind = SAID_LIVE;
		s.obj = (uint8_t[]){ S_H4, S_I4, S_VT }[rnd(w, 3)];
		s.live = s.obj == S_I4 ? L_PREFIX : (uint8_t)rnd(w, 2);
		break;
	case 3:
	case 4:
		s.kind = SAID_ELEMS;
		s.obj = (uint8_t)rnd(w, N_SETS);
		some_elems(w, pack, &s);
		break;
	default:
		s.kind = SAID_RULE;
		s.obj = (uint8_t)rnd(w, N_CHAINS);
		s.variant = (uint8_t)rnd(w, N_RULES);
		if (s.variant == 11 && (rnd(w, 3) || w->conn))
			s.variant = 0;
		if ((s.table == T_NETDEV && (s.variant == R_FLOW || s.variant == R_POISON)) ||
			(s.variant == R_POISON && rnd(w, 3)))
			s.variant = R_COUNTER;
		if (s.variant == R_FLOW)
			s.arg = (uint8_t)rnd(w, N_FLOWS);
		s.insert = !rnd(w, 8);
		if (s.variant <= 1)
			s.arg = (uint8_t)rnd(w, 8);
		if (s.variant == 2)
			s.arg = (uint8_t)(1 + rnd(w, 15));
		if (s.variant >= 8 && s.variant <= 10)
			s.live = (uint8_t)rnd(w, s.variant == 10 ? 2 : 3);
		/* only onwards: loops are refused, and have tests of their own */
		if (s.variant == 6)
			s.arg = (uint8_t)(s.obj + 1 + rnd(w, 3));
		if ((s.variant == 6 && s.arg > 3) || ((s.variant == 7 || s.variant == 14) && s.obj) ||
			(s.variant == 12 && s.obj == 3))
			s.variant = 3;
		if (s.variant == 3)
			s.arg = 0;
		break;
	}
	return s;
}
