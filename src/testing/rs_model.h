/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the model's two halves share: what follows from what is said, and the look at the kernel. */
#pragma once

#include "testing/rs_world.h"

#define each_said(s, p)                                                                                      \
	for (const struct scope_said *sc_ = (p)->scope; sc_ < (p)->scope + N_SCOPES; sc_++)                  \
		for (const struct said *s = sc_->said; s < sc_->said + sc_->n; s++)

struct placed {
	const struct said *s;
	int pack;
	uint32_t path[8];
	uint8_t live;
};

struct holder {
	struct placed at;
	int pack, data;
	uint32_t timeout;
	uint64_t deadline;
};
typedef VEC(struct placed) placed_rules;
void model_rules(struct world *w, int t, int c, placed_rules *out); /* of a chain, in their order */
bool model_rule_in_force(struct world *w, const struct said *s);
bool model_holds(struct world *w, int pack, int t, int s, int key);
/* rs_disabled.c: the i-th of all rules of the chain */
bool model_disabled(const struct world *w, const struct placed *all, uint32_t i);
void model_tell_switches(struct world *w); /* for a failure's message */
/* rs_attach.c */
bool attached_check(struct world *w);
/* rs_backoff.c */
bool rule_may_wait(const struct world *w, const struct said *s, int pack);
bool elem_waits(struct world *w, int t, int s, int key);
bool model_declared(struct world *w, enum said_kind kind, int t, int obj);
uint32_t model_variants(struct world *w, enum said_kind kind, int t, int obj); /* bits */
bool model_set_wanted(struct world *w, int t, int s);
bool model_chain_wanted(struct world *w, int t, int c);
bool model_object_wanted(struct world *w, int t, int o);
bool model_flow_wanted(struct world *w, int t, int f);
int model_by_place(const void *a, const void *b);
void model_place(const struct pack_said *p, int pack, int sc, int item, struct placed *out);
int model_live_count(const struct test_live *l, int key);
bool model_in_force(struct world *w, int t, int s, int key, struct holder *out); /* and how */
