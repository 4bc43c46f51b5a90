// SPDX-License-Identifier: GPL-2.0-or-later
/* A kernel that keeps what it is sent, and takes nothing that does not fit: what is there can not be added,
 * what is not there or in use can not be deleted. */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "testing/rs_world.h"

#define NEAR_MS 2000 /* so long ago an element may have gone and still be deleted */

struct sim_obj *sim_find(
	struct sim_kernel *k, enum obj_kind kind, uint8_t family, const char *table, const char *name)
{
	vec_foreach (p, &k->objs)
		if ((*p)->kind == kind && (*p)->family == family && !strcmp((*p)->table, table) &&
			!strcmp((*p)->name, name))
			return *p;
	return NULL;
}

static void rule_free(struct sim_rule *r)
{
	free(r->text);
	vec_free(&r->refs);
}

void sim_gone(struct sim_kernel *k, struct sim_obj *o)
{
	for (uint32_t i = 0; i < k->objs.n; i++)
		if (k->objs.v[i] == o)
			vec_remove(&k->objs, i);
	vec_foreach (r, &o->rules)
		rule_free(r);
	vec_free(&o->rules);
	vec_free(&o->els);
	vec_free(&o->before);
	free(o);
}

void sim_free(struct sim_kernel *k)
{
	while (k->objs.n)
		sim_gone(k, k->objs.v[0]);
	vec_free(&k->objs);
	vec_free(&k->deleted);
	vec_free(&k->unmade);
}

void sim_expire(struct sim_kernel *k, uint64_t now)
{
	vec_foreach (p, &k->objs) {
		uint32_t n = 0;

		vec_foreach (el, &(*p)->els)
			if (!el->deadline || el->deadline > now)
				(*p)->els.v[n++] = *el;
		(*p)->els.n = n;
	}
}

static bool used(struct sim_kernel *k, const struct sim_obj *o)
{
	enum obj_kind kind;

	vec_foreach (p, &k->objs) {
		const struct sim_obj *x = *p;

		if (x->family != o->family || strcmp(x->table, o->table) != 0)
			continue;
		if (x != o)
			vec_foreach (r, &x->rules)
				vec_foreach (ref, &r->refs)
					if (ref_kind_of(ref, &kind) && kind == o->kind &&
						!strcmp(ref->name, o->name))
						return true;
		if (x->kind == OBJ_SET && target_kind(&x->set.info) == o->kind)
			vec_foreach (el, &x->els)
				if (!strcmp(el->el.target, o->name))
					return true;
	}
	return false;
}

static struct sim_elem *elem_like(struct sim_obj *o, const struct setelem *el, bool exact)
{
	uint16_t n = el->klen;

	vec_foreach (x, &o->els) {
		bool same = !memcmp(x->el.key, el->key, n);

		if (el->interval)
			same = same && !memcmp(x->el.key_end, el->key_end, n);
		if (same)
			return x;
		if (!exact && el->interval && o->set.info.key.n == 1 &&
			memcmp(x->el.key, el->key_end, n) <= 0 && memcmp(el->key, x->el.key_end, n) <= 0)
			return x;
	}
	return NULL;
}

static bool elem_ok(struct world *w, struct sim_obj *o, const struct op *op, uint32_t i)
{
	_buf_ struct buf b = BUF_INIT;
	struct setelem el = { 0 };
	struct sim_elem *have, add = { 0 };

	op->elem.get(op, i, &el);
	nft_elem_text(&o->set.info, &el, &b);
	if (el.interval != !!(o->set.info.flags & NFT_SET_INTERVAL))
		return fail(w, "%s: interval element in a set of another kind", buf_str(&b));
	have = elem_like(o, &el, op->kind == OP_DEL_ELEM);
	if (op->kind == OP_DEL_ELEM) {
		if (!have)
			return fail(w, "delete of element %s that %s has not", buf_str(&b), o->name);
		if (!op->recreate)
			vec_push(&w->k.deleted, (struct sim_deleted){ o, *have });
		vec_remove(&o->els, (uint32_t)(have - o->els.v));
		return true;
	}
	if (have)
		return fail(w, "add of element %s that %s has", buf_str(&b), o->name);
	if (el.timeout_ms && !(o->set.info.flags & NFT_SET_TIMEOUT))
		return fail(w, "timed element in %s", o->name);
	if (!!(o->set.info.flags & (NFT_SET_MAP | NFT_SET_OBJECT)) != (el.verdict || el.dlen || el.target[0]))
		return fail(w, "element %s of %s: data", buf_str(&b), o->name);
	if (el.target[0] && !sim_find(&w->k, target_kind(&o->set.info), o->family, o->table, el.target))
		return fail(w, "element %s of %s goes nowhere", buf_str(&b), o->name);
	add.el = el;
	add.el.comment = NULL;
	if (el.timeout_ms)
		add.deadline = boot_ms() + (el.expires_ms ? el.expires_ms : el.timeout_ms);
	vec_push(&o->els, add);
	vec_foreach (d, &w->k.deleted)
		if (d->set == o && !memcmp(d->elem.el.key, el.key, el.klen) &&
			(!el.interval || !memcmp(d->elem.el.key_end, el.key_end, el.klen)) &&
			d->elem.el.dlen == el.dlen && !memcmp(d->elem.el.data, el.data, el.dlen) &&
			!strcmp(d->elem.el.target, el.target) && d->elem.el.verdict == el.verdict &&
			(!el.verdict || d->elem.el.verdict_code == el.verdict_code) && !d->elem.deadline &&
			!add.deadline) /* what is timed may have got its time anew */
			return fail(w, "element %s of %s was deleted only to be added again", buf_str(&b),
				o->name);
	return true;
}

static struct sim_rule *rule_at(struct sim_obj *o, uint64_t handle)
{
	vec_foreach (r, &o->rules)
		if (r->handle == handle)
			return r;
	return NULL;
}

static bool rule_ok(struct world *w, struct sim_obj *o, const struct op *op, uint64_t handle)
{
	struct sim_rule *at = NULL, add = { .handle = handle };
	uint32_t i = o->rules.n;
	enum obj_kind kind;

	if (op->kind != OP_ADD_RULE || op->rule.position) {
		at = rule_at(o, op->kind == OP_ADD_RULE ? op->rule.position : op->rule.handle);
		if (!at)
			return fail(w, "no rule with the handle of %s", op->rule.text);
		i = (uint32_t)(at - o->rules.v);
	}
	if (op->kind != OP_ADD_RULE) {
		rule_free(at);
		vec_remove(&o->rules, i);
	}
	o->anew |= op->recreate; /* what it names is made anew, so the rule is too */
	if (op->kind == OP_DEL_RULE)
		return true;
	add.id = op->no_mark ? 0 : op->rule.id;
	add.hash = op->no_mark ? ~handle : op->rule.code->hash;
	add.text = op->no_mark ? xasprintf(FOREIGN " %s", op->rule.text) : xstrdup(op->rule.text);
	vec_foreach (r, &op->rule.code->refs)
		vec_push(&add.refs, *r);
	vec_insert(&o->rules, i, add);
	vec_foreach (r, &op->rule.code->refs)
		if (ref_kind_of(r, &kind) && !sim_find(&w->k, kind, o->family, o->table, r->name))
			return fail(w, "rule %s names %s, which is not there", op->rule.text, r->name);
	return true;
}

static uint32_t dev_bit(const char *name)
{
	for (int i = 0; i < N_KEYS; i++)
		if (!strcmp(device_names[i], name))
			return 1u << i;
	return name[0] == 'x' ? 1u << (N_KEYS + name[1] - '0') : 1u << 31;
}

/* A device is in one flowtable of a table only. */
static bool device_free(struct world *w, const struct sim_obj *o, uint32_t bit)
{
	vec_foreach (p, &w->k.objs)
		if ((*p)->kind == OBJ_FLOWTABLE && *p != o && (*p)->family == o->family &&
			!strcmp((*p)->table, o->table) && (*p)->dev & bit)
			return fail(w, "flowtable %s has this device of %s already", (*p)->name, o->name);
	return true;
}

static bool make_object(struct world *w, struct sim_obj *o, const struct op *op)
{
	const struct sim_obj *table = sim_find(&w->k, OBJ_TABLE, op->family, op->table, "");

	o->object = *op->obj;
	vec_foreach (old, &w->k.unmade)
		if (old->table == table && !strcmp(old->name, o->name) && object_same(&old->object, op->obj))
			return fail(
				w, "%s %s is made anew as it was", object_type_word(op->obj->type), o->name);
	return true;
}

static bool make_flowtable(struct world *w, struct sim_obj *o, const struct op *op)
{
	o->chain.hook = op->flow->hook;
	o->chain.priority = op->flow->priority;
	o->flags = op->flow->flags;
	for (uint32_t i = 0; i < op->flow->n_dev; i++) {
		uint32_t bit = dev_bit(op->flow->dev[i]);

		if (!device_free(w, o, bit))
			return false;
		o->dev |= bit;
	}
	return true;
}

static void take_set(struct sim_obj *o, const struct set_want *set)
{
	o->set = *set;
	snprintf(o->stateful, sizeof(o->stateful), "%s", set->stateful ? set->stateful : "");
	o->set.stateful = o->set.comment = NULL;
	o->set.exprs = NULL;
}

/* A table that falls asleep or wakes in this batch gets no new hooks, and loses none of what stays. */
static bool hooks_ok(struct world *w, const struct op *op, bool change)
{
	struct sim_obj *table = sim_find(&w->k, OBJ_TABLE, op->family, op->table, "");

	if (table->flipped)
		return fail(w, "hooks of %s after its flags", op->name);
	table->hooks |= change;
	return true;
}

static bool make(struct world *w, const struct op *op, enum obj_kind kind)
{
	struct sim_obj *o = sim_find(&w->k, kind, op->family, op->table, op->name ? op->name : "");

	if (o && op->kind == OP_ADD_TABLE && op->changed) {
		o->flipped = (o->flags ^ op->table_want.flags) & NFT_TABLE_F_DORMANT;
		if (o->flipped && o->hooks)
			return fail(w, "table %s changes its flags after hooks", o->table);
		o->flags = op->table_want.flags;
		return true;
	}
	if (o)
		return fail(w, "%s is there already", o->name);
	if (kind != OBJ_TABLE && !sim_find(&w->k, OBJ_TABLE, op->family, op->table, ""))
		return fail(w, "no table %s", op->table);
	if (kind == OBJ_CHAIN && op->chain.base && !hooks_ok(w, op, false))
		return false;
	o = xnew(struct sim_obj);
	o->kind = kind;
	o->family = op->family;
	snprintf(o->table, sizeof(o->table), "%s", op->table);
	snprintf(o->name, sizeof(o->name), "%s", op->name ? op->name : "");
	if (kind == OBJ_TABLE)
		o->flags = op->table_want.flags;
	if (kind == OBJ_SET)
		take_set(o, op->set);
	if (kind == OBJ_FLOWTABLE && !make_flowtable(w, o, op))
		return false;
	if (kind >= OBJ_STATEFUL && !make_object(w, o, op))
		return false;
	if (kind == OBJ_CHAIN) {
		o->chain = op->chain;
		for (uint32_t i = 0; i < op->chain.n_dev; i++)
			o->dev |= dev_bit(op->chain.dev[i]);
	}
	vec_push(&w->k.objs, o);
	return true;
}

static bool unmake(struct world *w, const struct op *op, enum obj_kind kind)
{
	struct sim_obj *o = sim_find(&w->k, kind, op->family, op->table, op->name ? op->name : "");

	if (!o)
		return fail(w, "delete of %s %s, which is not there", op->table, op->name ? op->name : "");
	if (kind == OBJ_TABLE) {
		for (uint32_t i = w->k.objs.n; i-- > 0;)
			if (w->k.objs.v[i]->family == op->family && !strcmp(w->k.objs.v[i]->table, op->table))
				sim_gone(&w->k, w->k.objs.v[i]);
		return true;
	}
	if (used(&w->k, o)) {
		vec_foreach (p, &w->k.objs)
			vec_foreach (r, &(*p)->rules)
				vec_foreach (ref, &r->refs)
					if (!strcmp(ref->name, o->name))
						fail(w, "rule '%s' of %s: ", r->text, (*p)->name);
		return fail(w, "delete of %s %s, which is in use", op->table, op->name);
	}
	if (op->kind == OP_DEL_OBJ && op->recreate) {
		struct sim_unmade u = { .table = sim_find(&w->k, OBJ_TABLE, op->family, op->table, ""),
			.object = o->object };

		snprintf(u.name, sizeof(u.name), "%s", o->name);
		vec_push(&w->k.unmade, u);
	}
	if (kind == OBJ_CHAIN && o->chain.base)
		sim_find(&w->k, OBJ_TABLE, op->family, op->table, "")->hooks = true;
	sim_gone(&w->k, o);
	return true;
}

/* The kernel takes what it can change, and acknowledges the rest. */
static bool change_object(struct world *w, struct sim_obj *o, const struct op *op)
{
	if (o->object.type != NFT_OBJECT_QUOTA || object_same(&o->object, op->obj))
		return fail(w, "%s %s is not changed by this", object_type_word(o->object.type), o->name);
	o->object = *op->obj;
	return true;
}

static bool change(struct world *w, struct sim_obj *o, const struct op *op)
{
	uint32_t bit;

	switch (op->kind) {
	case OP_MOD_CHAIN: o->chain.policy = op->chain.policy; return true;
	case OP_MOD_SET: take_set(o, op->set); return true;
	case OP_MOD_OBJ: return change_object(w, o, op);
	case OP_ADD_FLOW_DEV:
	case OP_DEL_FLOW_DEV:
		if (!hooks_ok(w, op, true))
			return false;
		bit = dev_bit(op->flow_dev);
		if (!(o->dev & bit) != (op->kind == OP_ADD_FLOW_DEV))
			return fail(w, "device %s of flowtable %s", op->flow_dev, o->name);
		if (op->kind == OP_ADD_FLOW_DEV && !device_free(w, o, bit))
			return false;
		o->dev ^= bit;
		return true;
	case OP_ADD_CHAIN_DEV:
	case OP_DEL_CHAIN_DEV:
		if (!hooks_ok(w, op, true))
			return false;
		bit = dev_bit(op->dev);
		if (!(o->dev & bit) != (op->kind == OP_ADD_CHAIN_DEV))
			return fail(w, "device %s of chain %s", op->dev, o->name);
		o->dev ^= bit;
		return true;
	default: return false;
	}
}

enum obj_kind sim_kind(const struct op *op)
{
	switch (op->kind) {
	case OP_ADD_TABLE:
	case OP_DEL_TABLE:
	case OP_FLUSH_RULESET: return OBJ_TABLE;
	case OP_ADD_SET:
	case OP_DEL_SET:
	case OP_MOD_SET:
	case OP_ADD_ELEM:
	case OP_DEL_ELEM:
	case OP_FLUSH_SET: return OBJ_SET;
	case OP_ADD_OBJ:
	case OP_MOD_OBJ:
	case OP_DEL_OBJ: return object_kind(op->obj->type);
	case OP_ADD_FLOWTABLE:
	case OP_DEL_FLOWTABLE:
	case OP_ADD_FLOW_DEV:
	case OP_DEL_FLOW_DEV: return OBJ_FLOWTABLE;
	default: return OBJ_CHAIN;
	}
}

static bool has_owner(struct world *w, const struct sim_obj *o)
{
	return sim_find(&w->k, OBJ_TABLE, o->family, o->table, "")->flags & NFT_TABLE_F_OWNER;
}

static bool apply(struct world *w, const struct op *op, uint64_t handle)
{
	enum obj_kind kind = sim_kind(op);
	struct sim_obj *o;

	switch (op->kind) {
	case OP_DEL_TABLE:
	case OP_DEL_SET:
	case OP_DEL_CHAIN:
	case OP_DEL_OBJ:
	case OP_DEL_FLOWTABLE: return unmake(w, op, kind);
	case OP_FLUSH_RULESET:
		for (uint32_t i = w->k.objs.n; i-- > 0;)
			if (!has_owner(w, w->k.objs.v[i]))
				sim_gone(&w->k, w->k.objs.v[i]);
		w->flushed = true;
		return true;
	case OP_ADD_TABLE:
	case OP_ADD_CHAIN:
	case OP_ADD_SET:
	case OP_ADD_OBJ:
	case OP_ADD_FLOWTABLE: return make(w, op, kind);
	default: break;
	}
	o = sim_find(&w->k, kind, op->family, op->table, op->name);
	if (!o)
		return fail(w, "change of %s %s, which is not there", op->table, op->name);
	switch (op->kind) {
	case OP_ADD_ELEM:
	case OP_DEL_ELEM:
		for (uint32_t i = 0; i < op->elem.n; i++)
			if (!elem_ok(w, o, op, i))
				return false;
		return true;
	case OP_ADD_RULE:
	case OP_REPLACE_RULE:
	case OP_DEL_RULE: return rule_ok(w, o, op, handle);
	case OP_FLUSH_RULES:
		vec_foreach (r, &o->rules)
			rule_free(r);
		vec_clear(&o->rules);
		return true;
	case OP_FLUSH_SET: vec_clear(&o->els); return true;
	default: return change(w, o, op);
	}
}

/* No kernel has the helper: what names its object does not find it either. */
static bool names_helper(const struct op *op)
{
	if (op->kind == OP_ADD_OBJ)
		return op->obj->type == NFT_OBJECT_CT_HELPER;
	if (op->kind != OP_ADD_RULE && op->kind != OP_REPLACE_RULE)
		return false;
	vec_foreach (r, &op->rule.code->refs)
		if (r->kind == REF_OBJECT && r->obj_type == NFT_OBJECT_CT_HELPER)
			return true;
	return false;
}

/* What this kernel refuses on principle, and deletes that come too late. */
static int refused(struct world *w, const struct op *op)
{
	struct sim_obj *o;
	struct setelem el = { 0 };
	static const uint8_t poison[4] = { 10, 0, 0, POISON_KEY }, poison_prefix[4];

	if ((op->kind == OP_ADD_RULE || op->kind == OP_REPLACE_RULE) && !strcmp(op->rule.text, POISON_TEXT))
		return -EINVAL;
	if (names_helper(op))
		return -ENOENT;
	if (op->kind != OP_ADD_ELEM && op->kind != OP_DEL_ELEM)
		return 0;
	o = sim_find(&w->k, OBJ_SET, op->family, op->table, op->name);
	for (uint32_t i = 0; i < op->elem.n; i++) {
		op->elem.get(op, i, &el);
		if (op->kind == OP_ADD_ELEM &&
			((!strcmp(op->name, "h4") && !memcmp(el.key, poison, 4)) ||
				(!strcmp(op->name, "i4") && !memcmp(el.key, poison_prefix, 4))))
			return -EOPNOTSUPP;
		if (op->kind == OP_DEL_ELEM && o && o->set.info.flags & NFT_SET_TIMEOUT &&
			!elem_like(o, &el, true)) {
			w->k.gone++;
			return -ENOENT;
		}
	}
	return 0;
}

static bool distinct(const struct sim_rule *r, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < i; j++)
			if (r[i].hash == r[j].hash)
				return false;
	return true;
}

/* As many rules stay as can: a longest common subsequence of what was and what is. */
static bool minimal(struct world *w, const struct sim_obj *o)
{
	uint32_t n = o->before.n, m = o->rules.n, kept = 0;
	uint32_t *len;

	if (o->anew || !n || !m || !distinct(o->before.v, n) || !distinct(o->rules.v, m))
		return true;
	len = xcalloc((n + 1) * (m + 1), sizeof(*len));
	for (uint32_t i = 1; i <= n; i++)
		for (uint32_t j = 1; j <= m; j++) {
			uint32_t *at = &len[i * (m + 1) + j], up = at[-(int)m - 1], left = at[-1];
			bool same = o->before.v[i - 1].hash == o->rules.v[j - 1].hash;

			*at = same ? len[(i - 1) * (m + 1) + j - 1] + 1 : up > left ? up : left;
			kept += same && o->before.v[i - 1].handle == o->rules.v[j - 1].handle;
		}
	n = len[n * (m + 1) + m];
	free(len);
	return kept == n || fail(w, "chain %s: %u rules kept, %u could have been", o->name, kept, n);
}

static void remember(struct sim_kernel *k)
{
	vec_foreach (o, &k->objs) {
		(*o)->anew = (*o)->hooks = (*o)->flipped = false;
		vec_clear(&(*o)->before);
		vec_foreach (r, &(*o)->rules)
			vec_push(&(*o)->before, (struct sim_rule){ .handle = r->handle, .hash = r->hash });
	}
	vec_clear(&k->deleted);
	vec_clear(&k->unmade);
}

static bool take(struct world *w, const struct plan *p, struct commit_result *r, bool late)
{
	remember(&w->k);
	for (uint32_t i = 0; i < p->ops.n; i++) {
		const struct op *op = &p->ops.v[i];
		bool rule = op->kind == OP_ADD_RULE || op->kind == OP_REPLACE_RULE;
		uint64_t handle = w->conn ? r->handle[i] : ++w->k.handles;

		if (!strcmp(op->table ? op->table : "", OTHERS)) /* rs_attach.c looks at those */
			continue;
		if (!apply(w, op, handle)) {
			_buf_ struct buf b = BUF_INIT;

			plan_text(p, PLAN_BARE, &b);
			return fail(w, "\nop %u of\n%s", i, buf_str(&b));
		}
		if (rule && !w->conn)
			r->handle[i] = late ? 0 : handle;
	}
	return true;
}

bool sim_foreign(struct world *w, const struct plan *p, struct commit_result *r)
{
	sim_expire(&w->k, boot_ms());
	return take(w, p, r, false);
}

int sim_commit(struct world *w, const struct plan *p, struct commit_result *r)
{
	bool bad = false, late = !w->conn && rnd(w, 8) == 0;

	sim_expire(&w->k, boot_ms());
	if (!w->conn) {
		r->op_err = xcalloc(p->ops.n + 1, sizeof(*r->op_err));
		r->handle = xcalloc(p->ops.n + 1, sizeof(*r->handle));
		r->handles_known = !late;
		for (uint32_t i = 0; i < p->ops.n; i++)
			bad |= (r->op_err[i] = refused(w, &p->ops.v[i])) != 0;
		if (bad)
			return -EBADMSG;
	}
	if (!take(w, p, r, late))
		return -EPROTO;
	vec_foreach (o, &w->k.objs)
		if (!minimal(w, *o))
			return -EPROTO;
	return 0;
}
