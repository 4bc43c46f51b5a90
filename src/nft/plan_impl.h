/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The half of model.h that only plans need: how one is made, and what becomes of the kernel's state when it
 * is accepted. Included by it. */
#pragma once

#include "nft/model.h"

/* The phases of a batch, in order. */
enum phase {
	PH_DEL_TABLE_FIRST,
	PH_ADD_TABLE,
	PH_UNDO, /* what is made anew, and what names it */
	PH_ADD_CHAIN,
	PH_MOD_TABLE, /* once it sleeps or wakes the kernel takes no new base chain */
	PH_ADD_OBJ,   /* flowtables as well */
	PH_ADD_SET,
	PH_MODIFY,
	PH_DEL_ELEM,
	PH_ADD_ELEM,
	PH_RULES,
	PH_DEL_RULE,
	PH_DEL_SET,
	PH_DEL_CHAIN,
	PH_DEL_OBJ,
	PH_DEL_TABLE,
	PH_MAX,
};

struct next_rule {
	struct rcode *rc; /* reference */
	bool unclaimed;
	uint64_t handle, id;
	struct op *op; /* whose answer brings the handle; index + 1 while the plan is made */
	size_t op_no;
};
struct next_chain {
	struct obj *chain;
	VEC(struct next_rule) rules;
};
struct next_set {
	struct elem_table *t;
	ivals kernel;     /* ranges */
	ivals gone, came; /* in what they differ from those of now */
	bool fresh;       /* of those of now none is there any more */
};
struct redo { /* an element that goes and comes again, for the chain it names is made anew */
	struct elem_table *t;
	uint32_t elem;
};
struct plan_next {
	VEC(struct op) phase[PH_MAX];
	VEC(struct next_chain) chains;
	VEC(struct next_set) sets;
	VEC(void *) lists;
	VEC(struct redo) redo;
	VEC(struct rcode *) told; /* of rules that go: the plan is told of when they are gone */
};

struct op *plan_op(struct plan *p, enum phase ph, enum op_kind kind, struct obj *o);

/* plan_elems.c */
void intervals_want(
	struct elem_table *t, ivals *out); /* normalised, sorted; marks what a cover holds back E_HELD */
void plan_elems(struct plan *p, struct obj *set, bool fresh);
void plan_target_elems(struct plan *p, struct obj *map,
	const struct obj *to); /* takes elements whose value is this chain or object out first */
/* plan_anew.c */
void find_recreations(struct plan *p);
/* What the plan starts from: with its table all goes. */
static inline bool had(const struct obj *o)
{
	return o->have && !o->tab->recreate;
}
/* The flags that the kernel is to have: it takes `persist` off no table, and alone it means nothing. */
uint32_t table_flags(const struct obj *o);
bool set_compatible(const struct obj *o); /* what the kernel has needs not be made anew */
/* plan_rules.c */
struct rcode *rule_of(const struct stmt *st);
void plan_rules(struct plan *p, struct obj *chain, bool fresh);
void plan_del_rule(struct plan *p, struct op *op, const struct krule *k);
void plan_held_rules(struct plan *p, struct obj *chain); /* what had to make way for something made anew */
/* plan_obj.c */
bool object_compatible(const struct obj *o);
bool flowtable_compatible(const struct obj *o);
void plan_object(struct plan *p, struct obj *o);
void plan_flowtable(struct plan *p, struct obj *o);
void plan_devices(struct plan *p, struct obj *o); /* of a chain or flowtable: those that come and go */
/* It goes, and another flowtable takes a device of its: the kernel lets a device be in one only. */
bool flowtable_in_the_way(const struct obj *o);
/* plan_ack.c */
void elems_gone(struct elem_table *t); /* the kernel has none of them */
void chain_rules_gone(struct obj *chain);
void next_free(struct plan_next *n);
/* plan_text.c */
void table_flags_text(uint32_t flags, const char *sep, struct buf *out);
void chain_text(const struct chain_want *c, uint8_t family, const char *sep, struct buf *out);
void set_text(const struct set_want *s, const char *sep, struct buf *out); /* each property followed by sep */
void elem_line(const struct set_info *info, const struct setelem *el, struct buf *out);
void flowtable_text(const struct flowtable_want *f, const char *sep, struct buf *out); /* likewise */
