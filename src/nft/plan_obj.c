// SPDX-License-Identifier: GPL-2.0-or-later
/* Flowtables and stateful objects: what the kernel changes in place, and what has to be made anew. */
#include "nft/model.h"

/* A NEWOBJ for an object that is there is acknowledged whatever it says. What becomes of it (Linux 6.18):
 *   quota                bytes and over/until are taken, what is used runs on
 *   synproxy             all is taken
 *   counter, limit, ct helper, ct timeout, ct expectation, secmark, connlimit, tunnel
 *                        nothing is taken
 * Comments are never taken. */
static bool takes_updates(uint32_t type)
{
	return type == NFT_OBJECT_QUOTA || type == NFT_OBJECT_SYNPROXY;
}

static bool as_wanted(const struct obj *o)
{
	return o->object_read ? object_taken(o->object, o->object_have, o->family)
			      : object_same(o->object_have, o->object);
}

bool object_compatible(const struct obj *o)
{
	return takes_updates(object_type(o)) || as_wanted(o);
}

void plan_object(struct plan *p, struct obj *o)
{
	struct op *op;

	if (had(o) && (!o->want || o->recreate)) {
		op = plan_op(p, o->recreate ? PH_UNDO : PH_DEL_OBJ, OP_DEL_OBJ, o);
		op->recreate = o->recreate;
		op->obj = o->object_have;
	}
	if (!o->want)
		return;
	if (!had(o) || o->recreate) {
		op = plan_op(p, PH_ADD_OBJ, OP_ADD_OBJ, o);
		op->obj = o->object;
		op->recreate = o->recreate;
	} else if (!as_wanted(o)) {
		op = plan_op(p, PH_MODIFY, OP_MOD_OBJ, o);
		op->obj = o->object;
		op->changed = true;
	}
}

bool flowtable_compatible(const struct obj *o)
{
	const struct chain_want *a = &o->chain_have.w, *b = &o->chain.w;

	return a->hook == b->hook && a->priority == b->priority && a->flags == b->flags;
}

static bool has_device(const struct chain_def *d, const char *dev)
{
	vec_foreach (p, &d->dev)
		if (!strcmp(*p, dev))
			return true;
	return false;
}

/* Freed with the plan. */
static const struct flowtable_want *borrow_flowtable(struct plan *p, const struct chain_def *d)
{
	struct flowtable_want *w = xnew(struct flowtable_want);

	w->hook = d->w.hook;
	w->priority = d->w.priority;
	w->flags = d->w.flags;
	w->n_dev = d->dev.n;
	w->dev = (const char *const *)d->dev.v;
	vec_push(&p->next->lists, w);
	return w;
}

static void device_op(struct plan *p, struct obj *o, bool del, const char *dev)
{
	struct op *op;

	if (o->kind == OBJ_CHAIN) {
		op = plan_op(p, PH_MODIFY, del ? OP_DEL_CHAIN_DEV : OP_ADD_CHAIN_DEV, o);
		op->dev = dev;
		return;
	}
	/* One device is in one flowtable of a table only: it leaves before another one takes it. */
	op = plan_op(p, del ? PH_UNDO : PH_MODIFY, del ? OP_DEL_FLOW_DEV : OP_ADD_FLOW_DEV, o);
	op->flow = borrow_flowtable(p, del ? &o->chain_have : &o->chain);
	op->flow_dev = dev;
}

void plan_devices(struct plan *p, struct obj *o)
{
	vec_foreach (d, &o->chain_have.dev)
		if (!has_device(&o->chain, *d))
			device_op(p, o, true, *d);
	vec_foreach (d, &o->chain.dev)
		if (!has_device(&o->chain_have, *d))
			device_op(p, o, false, *d);
}

bool flowtable_in_the_way(const struct obj *o)
{
	if (!o->have || o->want || !o->tab->want)
		return false;
	vec_foreach (m, &o->tab->members) {
		const struct obj *f = *m;

		if (f->kind != OBJ_FLOWTABLE || !f->want || !f->changed)
			continue;
		vec_foreach (d, &o->chain_have.dev)
			if (has_device(&f->chain, *d))
				return true;
	}
	return false;
}

void plan_flowtable(struct plan *p, struct obj *o)
{
	struct op *op;

	if (had(o) && (!o->want || o->recreate)) {
		op = plan_op(p, o->recreate || o->in_the_way ? PH_UNDO : PH_DEL_OBJ, OP_DEL_FLOWTABLE, o);
		op->recreate = o->recreate;
		op->flow = borrow_flowtable(p, &o->chain_have);
	}
	if (!o->want)
		return;
	if (!had(o) || o->recreate) {
		op = plan_op(p, PH_ADD_OBJ, OP_ADD_FLOWTABLE, o);
		op->flow = borrow_flowtable(p, &o->chain);
		op->recreate = o->recreate;
		return;
	}
	plan_devices(p, o);
}
