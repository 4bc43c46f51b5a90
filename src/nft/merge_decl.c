// SPDX-License-Identifier: GPL-2.0-or-later
/* Declarations of one name, from all packs, become one object. */
#include <errno.h>
#include <stdio.h>

#include <linux/netfilter.h>

#include "base/log.h"
#include "nft/attach_impl.h"
#include "nft/merge_impl.h"

bool given_later(const struct stmt *a, const struct stmt *b)
{
	const struct rpack *x = stmt_pack(a), *y = stmt_pack(b);

	if (x->order != y->order)
		return x->order > y->order;
	if (x != y && strcmp(x->name, y->name) != 0)
		return strcmp(x->name, y->name) > 0;
	return place_cmp(a, b) > 0;
}

static int conflict(struct obj *o, struct stmt *a, struct stmt *b, const char *field, struct rpack **culprit,
	struct err *e)
{
	struct stmt *last = given_later(a, b) ? a : b, *first = last == a ? b : a;
	_buf_ struct buf where = BUF_INIT;

	if (!can_blame(stmt_pack(last))) {
		struct stmt *x = last;

		last = first;
		first = x;
	}
	if (!culprit || !can_blame(stmt_pack(last)))
		return 0; /* an old quarrel: the first value stands */
	where_text(o->rs, stmt_pack(first), first->site, &where);
	return merge_error(last, culprit, e, "%s %s: another %s than in %s", obj_kind_word(o->kind), o->name,
		field, buf_str(&where));
}

static bool same_stateful(const char *a, const char *b)
{
	_autofree_ char *x = stateful_squeeze(a), *y = stateful_squeeze(b);

	return !strcmp(x, y);
}

static uint8_t hook_family(const struct obj *o)
{
	return o->kind == OBJ_FLOWTABLE ? NFPROTO_NETDEV : o->family;
}

/* "filter" and "0" may be the same. */
static bool same_priority(const struct obj *o, const char *a, const char *b)
{
	int32_t x, y;

	if (str_same(a, b))
		return true;
	return nft_priority_parse(a, hook_family(o), -1, &x, NULL) == 0 &&
	       nft_priority_parse(b, hook_family(o), -1, &y, NULL) == 0 && x == y;
}

static bool same_field(const struct obj *o, uint32_t bit, const struct spec *a, const struct spec *b)
{
	switch (bit) {
	case SPEC_FLAGS: return a->flags == b->flags;
	case SPEC_COMMENT: return str_same(a->comment, b->comment);
	case SPEC_TYPE:
		return o->kind == OBJ_CHAIN ? !strcmp(a->chain_type, b->chain_type)
					    : nft_type_equal(&a->key, &b->key);
	case SPEC_HOOK: return str_same(a->hook, b->hook);
	case SPEC_PRIORITY: return same_priority(o, a->priority, b->priority);
	case SPEC_POLICY: return a->policy == b->policy;
	case SPEC_DEVICES: return val_equal(&a->devices, &b->devices);
	case SPEC_DATA: return a->obj_type == b->obj_type && nft_type_equal(&a->data, &b->data);
	case SPEC_TIMEOUT: return a->timeout_ms == b->timeout_ms;
	case SPEC_GC: return a->gc_ms == b->gc_ms;
	case SPEC_SIZE: return a->size == b->size;
	case SPEC_AUTO_MERGE: return a->auto_merge == b->auto_merge;
	case SPEC_OBJECT: return object_same(a->object, b->object);
	case SPEC_STATEFUL: return same_stateful(a->stateful, b->stateful);
	case SPEC_ATTACH: return a->flags == b->flags;
	case SPEC_ADOPT: return true;
	default: return true;
	}
}

static const char *const field_names[SPEC_FIELDS] = {
	"value of flags",
	"comment",
	"type",
	"hook",
	"priority",
	"policy",
	"list of devices",
	"data type",
	"timeout",
	"gc_interval",
	"size",
	"value of auto_merge",
	"specification",
	"list of statements",
	"kind",
	"value of adopt",
};

/* Statements in force only; order does not matter. */
int given_fields(struct obj *o, struct given *g, struct rpack **culprit, struct err *e)
{
	memset(g, 0, sizeof(*g));
	for (uint32_t i = 0; i < o->decls.n; i++) {
		struct stmt *st = o->decls.v[i];

		if (!st->active || st->refused)
			continue;
		g->stated = true;
		for (uint32_t left = st->spec ? st->spec->given : 0; left; left &= left - 1) {
			unsigned f = (unsigned)__builtin_ctz(left);
			int rc;

			if (!g->by[f]) {
				g->by[f] = st;
				continue;
			}
			if (same_field(o, 1u << f, g->by[f]->spec, st->spec))
				continue;
			rc = conflict(o, g->by[f], st, field_names[f], culprit, e);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

void obj_set_why(struct obj *o, const char *why)
{
	free(o->why);
	o->why = why ? xstrdup(why) : NULL;
}

void given_comment(struct obj *o, const struct given *g)
{
	const struct spec *sp = given(g, SPEC_COMMENT);

	free(o->comment);
	o->comment = sp ? xstrdup(sp->comment) : NULL;
}

int given_unfit(struct obj *o, struct stmt *by, const char *why, struct rpack **culprit, struct err *e)
{
	if (can_blame(stmt_pack(by)))
		return merge_error(by, culprit, e, "%s %s: %s", obj_kind_word(o->kind), o->name, why);
	log_error("nft", "%s: %s %s is left out: %s", stmt_pack(by)->name, obj_kind_word(o->kind), o->name,
		why);
	obj_set_why(o, why);
	return 0;
}

/* ---- tables ---- */

int merge_table(struct obj *o, struct rpack **culprit, struct err *e)
{
	struct given g;
	int rc = given_fields(o, &g, culprit, e);

	if (rc < 0)
		return rc;
	for (uint32_t i = 0; g.stated && i < o->members.n; i++) {
		rc = attach_conflict(o->members.v[i], culprit, e);
		if (rc < 0)
			return rc;
	}
	o->want = g.stated && !o->foreign;
	table_adopts(o, g.stated && (o->adopt_now || given(&g, SPEC_ADOPT)));
	free(o->why);
	o->why = g.stated && o->foreign ? table_why(o) : NULL;
	o->table_want.flags = given(&g, SPEC_FLAGS) ? given(&g, SPEC_FLAGS)->flags : 0;
	if (g.stated)
		o->table_want.flags = owner_flags(o->rs, o->table_want.flags);
	given_comment(o, &g);
	o->table_want.comment = o->comment;
	return 0;
}

/* ---- chains, flowtables ---- */

static void device_one(void *ctx, const struct val *key, const struct val *data)
{
	struct obj *o = ctx;

	(void)data;
	vec_foreach (d, &o->chain.dev)
		if (key->kind == VAL_STRING && !strcmp(*d, key->str))
			return;
	if (key->kind == VAL_STRING)
		vec_push(&o->chain.dev, xstrdup(key->str));
}

static void device_delta(struct live_sink *s, int sign, const struct val *key, const struct val *data)
{
	(void)sign;
	(void)key;
	(void)data;
	obj_dirty(container_of(s, struct obj, dev_sink));
}

static void follow_devices(struct obj *o, struct live *live)
{
	if (o->dev_live == live)
		return;
	if (o->dev_live) {
		o->dev_live->ops->sink_del(o->dev_live, &o->dev_sink);
		o->dev_live->ops->put(o->dev_live);
	}
	o->dev_live = live;
	o->dev_sink.delta = device_delta;
	if (live) {
		live->ops->ref(live);
		live->ops->sink_add(live, &o->dev_sink);
	}
}

static void take_devices(struct obj *o, const struct given *g)
{
	const struct spec *sp = given(g, SPEC_DEVICES);
	struct live *live = sp && sp->devices.kind == VAL_LIVE ? sp->devices.live : NULL;

	follow_devices(o, g->stated ? live : NULL);
	if (live)
		live->ops->each(live, device_one, o);
	for (uint32_t i = 0; sp && sp->devices.kind == VAL_LIST && i < sp->devices.n; i++)
		device_one(o, &sp->devices.list[i], NULL);
}

static int chain_fields(
	struct obj *o, const struct given *g, struct chain_want *w, struct rpack **culprit, struct err *e)
{
	struct stmt *hook = given_by(g, SPEC_HOOK), *prio = given_by(g, SPEC_PRIORITY);
	_err_ struct err bad = ERR_INIT;
	const struct spec *sp;

	w->base = given(g, SPEC_TYPE) || hook || prio || given(g, SPEC_POLICY) || given(g, SPEC_DEVICES);
	strcpy(w->type, (sp = given(g, SPEC_TYPE)) ? sp->chain_type : "filter");
	if (w->base && !hook) {
		obj_set_why(o, "it is a base chain and no pack gives its hook");
		return 0;
	}
	if (hook && nft_hook_parse(hook->spec->hook, o->family, &w->hook, &bad) < 0)
		return given_unfit(o, hook, err_text(&bad), culprit, e);
	if (prio && nft_priority_parse(prio->spec->priority, o->family, (int)w->hook, &w->priority, &bad) < 0)
		return given_unfit(o, prio, err_text(&bad), culprit, e);
	if (w->base && chain_fits(o->family, w->type, w->hook, &bad) < 0)
		return given_unfit(o, given_by(g, SPEC_TYPE), err_text(&bad), culprit, e);
	if (given(g, SPEC_DEVICES) && o->family != NFPROTO_NETDEV &&
		(o->family != NFPROTO_INET || w->hook != NF_INET_INGRESS))
		return given_unfit(o, given_by(g, SPEC_DEVICES),
			"only chains of hook ingress or egress have devices", culprit, e);
	if ((sp = given(g, SPEC_POLICY)))
		w->policy = sp->policy;
	if ((sp = given(g, SPEC_FLAGS)))
		w->flags = sp->flags;
	if (given(g, SPEC_DEVICES) && !o->chain.dev.n)
		obj_set_why(o, "none of its devices is there");
	return 0;
}

static int merge_chain(struct obj *o, struct rpack **culprit, struct err *e)
{
	uint32_t was_place = base_place(o);
	bool was = o->want, was_base = o->chain.w.base;
	struct chain_want w = { .policy = NF_ACCEPT };
	struct given g;
	int rc = given_fields(o, &g, culprit, e);

	if (rc < 0)
		return rc;
	chain_def_free(&o->chain);
	obj_set_why(o, NULL);
	take_devices(o, &g);
	rc = chain_fields(o, &g, &w, culprit, e);
	if (rc == 0 && g.stated && !strcmp(o->name, MARK_CHAIN))
		rc = given_unfit(o, o->decls.v[0],
			"the name is kept for rnm's mark in tables that it took over", culprit, e);
	if (rc < 0)
		return rc;
	if (given(&g, SPEC_COMMENT))
		o->chain.comment = xstrdup(given(&g, SPEC_COMMENT)->comment);
	o->chain.w = w;
	o->want = g.stated && o->tab->want && !o->why;
	if (was != o->want || (o->want && was_base != w.base)) {
		names_changed(o);
		o->recheck = true;
	}
	o->moved = o->moved || was_place != base_place(o);
	return 0;
}

static int flowtable_fields(
	struct obj *o, const struct given *g, struct chain_want *w, struct rpack **culprit, struct err *e)
{
	struct stmt *hook = given_by(g, SPEC_HOOK), *prio = given_by(g, SPEC_PRIORITY);
	_err_ struct err bad = ERR_INIT;

	if (!hook || !prio) {
		obj_set_why(o, !hook && !prio ? "no pack says what it is"
			       : !hook        ? "no pack gives its hook"
					      : "no pack gives its priority");
		return 0;
	}
	if (o->family != NFPROTO_INET && o->family != NFPROTO_IPV4 && o->family != NFPROTO_IPV6)
		return given_unfit(
			o, hook, "flowtables are for tables of the families ip, ip6 and inet", culprit, e);
	if (nft_hook_parse(hook->spec->hook, NFPROTO_NETDEV, &w->hook, &bad) < 0)
		return given_unfit(o, hook, err_text(&bad), culprit, e);
	if (w->hook != NF_NETDEV_INGRESS)
		return given_unfit(o, hook, "the hook of a flowtable is ingress", culprit, e);
	if (nft_priority_parse(prio->spec->priority, NFPROTO_NETDEV, (int)w->hook, &w->priority, &bad) < 0)
		return given_unfit(o, prio, err_text(&bad), culprit, e);
	if (given(g, SPEC_FLAGS))
		w->flags = given(g, SPEC_FLAGS)->flags;
	return 0;
}

static int merge_flowtable(struct obj *o, struct rpack **culprit, struct err *e)
{
	bool was = o->want;
	struct chain_want w = { 0 };
	struct given g;
	int rc = given_fields(o, &g, culprit, e);

	if (rc < 0)
		return rc;
	chain_def_free(&o->chain);
	obj_set_why(o, NULL);
	take_devices(o, &g);
	rc = g.stated ? flowtable_fields(o, &g, &w, culprit, e) : 0;
	if (rc < 0)
		return rc;
	o->chain.w = w;
	o->want = g.stated && o->tab->want && !o->why;
	if (was != o->want)
		names_changed(o);
	return 0;
}

/* ---- stateful objects ---- */

static int merge_object(struct obj *o, struct rpack **culprit, struct err *e)
{
	static const struct object_want counter = { .type = NFT_OBJECT_COUNTER }; /* needs no more words */
	const struct object_want *want;
	bool was = o->want;
	const struct spec *sp;
	struct given g;
	int rc = given_fields(o, &g, culprit, e);

	if (rc < 0)
		return rc;
	sp = given(&g, SPEC_OBJECT);
	want = sp ? sp->object : o->kind == OBJ_STATEFUL + NFT_OBJECT_COUNTER ? &counter : NULL;
	obj_set_why(o, g.stated && !want ? "no pack says what it is" : NULL);
	if (want) {
		given_comment(o, &g);
		if (!o->object)
			o->object = xnew(struct object_want);
		*o->object = *want;
		o->object->comment = o->comment;
	}
	o->want = g.stated && want && o->tab->want;
	if (was != o->want)
		names_changed(o);
	return 0;
}

int merge_decls(struct obj *o, struct rpack **culprit, struct err *e)
{
	switch (o->kind) {
	case OBJ_TABLE: return 0;
	case OBJ_CHAIN: return merge_chain(o, culprit, e);
	case OBJ_SET: return merge_set(o, culprit, e);
	case OBJ_FLOWTABLE: return merge_flowtable(o, culprit, e);
	case OBJ_STATEFUL: break;
	}
	return merge_object(o, culprit, e);
}
