// SPDX-License-Identifier: GPL-2.0-or-later
/* Declarations of one name, from all packs, become one object. */
#include <errno.h>
#include <stdio.h>

#include <linux/netfilter.h>

#include "base/log.h"
#include "nft/model.h"

#define FIELDS 16

struct given { /* who gave each field first; NULL: nobody */
	struct stmt *by[FIELDS];
	bool stated;
};

static const struct spec *given(const struct given *g, uint32_t bit)
{
	const struct stmt *st = g->by[__builtin_ctz(bit)];

	return st ? st->spec : NULL;
}

static bool later(const struct stmt *a, const struct stmt *b) /* is a's pack the later one? */
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
	struct stmt *last = later(a, b) ? a : b, *first = last == a ? b : a;
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

static bool str_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Statements as one line, with one space between words. */
static char *squeezed(const char *text)
{
	_buf_ struct buf out = BUF_INIT;

	for (; *text; text++) {
		bool space = strchr(" \t\r\n;", *text) != NULL;

		if (!space)
			buf_putc(&out, *text);
		else if (out.n && out.s[out.n - 1] != ' ')
			buf_putc(&out, ' ');
	}
	while (out.n && out.s[out.n - 1] == ' ')
		out.s[--out.n] = '\0';
	return xstrdup(buf_str(&out));
}

static bool same_stateful(const char *a, const char *b)
{
	_autofree_ char *x = squeezed(a), *y = squeezed(b);

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
	default: return true;
	}
}

static const char *const field_names[FIELDS] = {
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
};

/* Two different values of one field are an error of the later pack. Statements in force only; order does not
 * matter. */
static int fields(struct obj *o, struct given *g, struct rpack **culprit, struct err *e)
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

static void set_why(struct obj *o, const char *why)
{
	free(o->why);
	o->why = why ? xstrdup(why) : NULL;
}

static void set_comment(struct obj *o, const struct given *g)
{
	const struct spec *sp = given(g, SPEC_COMMENT);

	free(o->comment);
	o->comment = sp ? xstrdup(sp->comment) : NULL;
}

/* What a declaration gives can not be. Where its pack has not spoken in this transaction, the object is left
 * out. */
static int unfit(struct obj *o, struct stmt *by, const char *why, struct rpack **culprit, struct err *e)
{
	if (can_blame(stmt_pack(by)))
		return merge_error(by, culprit, e, "%s %s: %s", obj_kind_word(o->kind), o->name, why);
	log_error("nft", "%s: %s %s is left out: %s", stmt_pack(by)->name, obj_kind_word(o->kind), o->name,
		why);
	set_why(o, why);
	return 0;
}

/* ---- tables ---- */

int merge_table(struct obj *o, struct rpack **culprit, struct err *e)
{
	struct given g;
	int rc = fields(o, &g, culprit, e);

	if (rc < 0)
		return rc;
	o->want = g.stated && !o->foreign;
	set_why(o, g.stated && o->foreign ? "a table of this name exists and is not rnm's: choose another "
					    "name, or delete that table"
					  : NULL);
	o->table_want.flags = given(&g, SPEC_FLAGS) ? given(&g, SPEC_FLAGS)->flags : 0;
	set_comment(o, &g);
	o->table_want.comment = o->comment;
	return 0;
}

/* ---- sets ---- */

void set_want_concat(struct set_want *w)
{
	if (w->info.key.n < 2 || !(w->info.flags & NFT_SET_INTERVAL))
		return;
	w->info.flags |= NFT_SET_CONCAT;
	w->concat.n = w->info.key.n;
	for (unsigned i = 0; i < w->info.key.n; i++)
		w->concat.len[i] = (uint8_t)((w->info.key.bits[i] + 7) / 8);
}

static int set_fields(
	struct obj *o, struct set_want *out, struct given *g, struct rpack **culprit, struct err *e)
{
	const struct spec *sp;
	int rc = fields(o, g, culprit, e);

	if (rc < 0)
		return rc;
	memset(out, 0, sizeof(*out));
	if (!given(g, SPEC_TYPE))
		return 0;
	strncpy(out->info.name, o->name, sizeof(out->info.name) - 1);
	out->info.key = given(g, SPEC_TYPE)->key;
	for (uint32_t i = 0; i < o->decls.n; i++)
		if (o->decls.v[i]->active && o->decls.v[i]->spec)
			out->info.flags |= o->decls.v[i]->spec->flags & NFT_SET_MAP;
	if ((sp = given(g, SPEC_FLAGS)))
		out->info.flags |= sp->flags;
	if ((sp = given(g, SPEC_DATA))) {
		out->info.data = sp->data;
		out->info.obj_type = sp->obj_type;
		out->info.flags |= NFT_SET_MAP;
		if (sp->obj_type)
			out->info.flags ^= NFT_SET_MAP | NFT_SET_OBJECT;
	}
	if ((sp = given(g, SPEC_TIMEOUT))) {
		out->timeout_ms = sp->timeout_ms;
		out->info.flags |= NFT_SET_TIMEOUT;
	}
	if ((sp = given(g, SPEC_GC)))
		out->gc_ms = sp->gc_ms;
	if ((sp = given(g, SPEC_SIZE)))
		out->size = sp->size;
	if ((sp = given(g, SPEC_POLICY)))
		out->policy = sp->policy;
	if ((sp = given(g, SPEC_AUTO_MERGE)))
		out->info.auto_merge = sp->auto_merge;
	set_want_concat(out);
	return 0;
}

const struct set_info *obj_set_info(struct obj *o)
{
	struct set_want w;
	struct given g;

	if (o->info_valid)
		return o->typed ? &o->info : NULL;
	o->info_valid = true;
	if (o->autoset) {
		o->typed = true;
		o->info = o->autoset->want.info;
		return &o->info;
	}
	set_fields(o, &w, &g, NULL, NULL);
	o->typed = given(&g, SPEC_TYPE) != NULL;
	o->info = w.info;
	o->timeout_ms = w.timeout_ms;
	return o->typed ? &o->info : NULL;
}

void set_stmts_put(struct set_stmts *s)
{
	if (!s || --s->refs)
		return;
	exprs_free(&s->x);
	free(s->text);
	free(s->canon);
	free(s);
}

struct set_stmts *set_stmts_ref(struct set_stmts *s)
{
	if (s)
		s->refs++;
	return s;
}

/* text NULL: none. 0, 1: left out, or negative. */
static int take_stmts(struct obj *o, const char *text, struct stmt *by, struct rpack **culprit, struct err *e)
{
	_err_ struct err bad = ERR_INIT;
	_buf_ struct buf canon = BUF_INIT;
	struct set_stmts *s;
	struct code code = { 0 };
	_autofree_ char *own = text ? squeezed(text) : NULL;

	if (str_same(own, o->stmts ? o->stmts->text : NULL))
		return 0;
	set_stmts_put(o->stmts);
	o->stmts = NULL;
	if (!own)
		return 0;
	s = xnew(struct set_stmts);
	s->refs = 1;
	if (stateful_parse(own, &s->x, &bad) < 0) {
		set_stmts_put(s);
		return unfit(o, by, err_text(&bad), culprit, e) < 0 ? -EINVAL : 1;
	}
	memcpy(&code.exprs, &s->x.e, sizeof(code.exprs)); /* borrowed */
	code_text(&code, &canon);
	s->text = own;
	own = NULL;
	s->canon = buf_take(&canon);
	o->stmts = s;
	return 0;
}

static bool other_type(const struct set_info *a, const struct set_info *b)
{
	return a->flags != b->flags || a->obj_type != b->obj_type || !nft_type_equal(&a->key, &b->key) ||
	       !nft_type_equal(&a->data, &b->data);
}

/* Elements with a time can not be joined: each ends at its own. */
static int check_auto_merge(
	struct obj *o, const struct set_want *w, const struct given *g, struct rpack **culprit, struct err *e)
{
	struct stmt *by = g->by[__builtin_ctz(SPEC_AUTO_MERGE)],
		    *other = g->by[__builtin_ctz(w->timeout_ms ? SPEC_TIMEOUT : SPEC_FLAGS)];

	if (!w->info.auto_merge || !(w->info.flags & NFT_SET_TIMEOUT))
		return 0;
	if (other && (later(other, by) || !can_blame(stmt_pack(by))) && can_blame(stmt_pack(other)))
		by = other;
	return unfit(o, by,
		       "auto-merge can not be with timeouts: each of the elements that are joined ends at "
		       "its "
		       "own time",
		       culprit, e) < 0
		       ? -EINVAL
		       : 1;
}

static int merge_set(struct obj *o, struct rpack **culprit, struct err *e)
{
	bool was = o->want, fits = true, typed;
	struct set_info old = o->set.info;
	struct given g = { .stated = true };
	const struct spec *sp = NULL;
	struct set_want w;
	int rc;

	set_why(o, NULL);
	if (o->autoset) {
		w = o->autoset->want;
		typed = true;
	} else {
		rc = set_fields(o, &w, &g, culprit, e);
		if (rc < 0)
			return rc;
		typed = given(&g, SPEC_TYPE) != NULL;
		if (g.stated && !typed)
			set_why(o, "no pack gives its type");
	}
	if (typed) {
		rc = check_auto_merge(o, &w, &g, culprit, e);
		if (rc < 0)
			return rc;
		fits = rc == 0;
		sp = given(&g, SPEC_STATEFUL);
		rc = take_stmts(o, sp ? sp->stateful : NULL, g.by[__builtin_ctz(SPEC_STATEFUL)], culprit, e);
		if (rc < 0)
			return rc;
		fits = fits && rc == 0;
		o->set = w;
		set_comment(o, &g);
		o->set.comment = o->comment;
		if (o->stmts) {
			o->set.exprs = o->stmts->x.e.v;
			o->set.n_exprs = o->stmts->x.e.n;
			o->set.stateful = o->stmts->text;
		}
	}
	o->want = g.stated && typed && fits && o->tab->want;
	if (was != o->want || (o->want && other_type(&old, &w.info)))
		names_changed(o);
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
	struct stmt *hook = g->by[__builtin_ctz(SPEC_HOOK)], *prio = g->by[__builtin_ctz(SPEC_PRIORITY)];
	_err_ struct err bad = ERR_INIT;
	const struct spec *sp;

	w->base = given(g, SPEC_TYPE) || hook || prio;
	strcpy(w->type, (sp = given(g, SPEC_TYPE)) ? sp->chain_type : "filter");
	if (w->base && !hook) {
		set_why(o, "it is a base chain and no pack gives its hook");
		return 0;
	}
	if (hook && nft_hook_parse(hook->spec->hook, o->family, &w->hook, &bad) < 0)
		return unfit(o, hook, err_text(&bad), culprit, e);
	if (prio && nft_priority_parse(prio->spec->priority, o->family, (int)w->hook, &w->priority, &bad) < 0)
		return unfit(o, prio, err_text(&bad), culprit, e);
	if ((sp = given(g, SPEC_POLICY)))
		w->policy = sp->policy;
	if ((sp = given(g, SPEC_FLAGS)))
		w->flags = sp->flags;
	if (given(g, SPEC_DEVICES) && !o->chain.dev.n)
		set_why(o, "none of its devices is there");
	return 0;
}

static int merge_chain(struct obj *o, struct rpack **culprit, struct err *e)
{
	bool was = o->want, was_base = o->chain.w.base;
	struct chain_want w = { .policy = NF_ACCEPT };
	struct given g;
	int rc = fields(o, &g, culprit, e);

	if (rc < 0)
		return rc;
	chain_def_free(&o->chain);
	set_why(o, NULL);
	take_devices(o, &g);
	rc = chain_fields(o, &g, &w, culprit, e);
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
	return 0;
}

static int flowtable_fields(
	struct obj *o, const struct given *g, struct chain_want *w, struct rpack **culprit, struct err *e)
{
	struct stmt *hook = g->by[__builtin_ctz(SPEC_HOOK)], *prio = g->by[__builtin_ctz(SPEC_PRIORITY)];
	_err_ struct err bad = ERR_INIT;

	if (!hook || !prio) {
		set_why(o, !hook && !prio ? "no pack says what it is"
			   : !hook        ? "no pack gives its hook"
					  : "no pack gives its priority");
		return 0;
	}
	if (o->family != NFPROTO_INET && o->family != NFPROTO_IPV4 && o->family != NFPROTO_IPV6)
		return unfit(
			o, hook, "flowtables are for tables of the families ip, ip6 and inet", culprit, e);
	if (nft_hook_parse(hook->spec->hook, NFPROTO_NETDEV, &w->hook, &bad) < 0)
		return unfit(o, hook, err_text(&bad), culprit, e);
	if (w->hook != NF_NETDEV_INGRESS)
		return unfit(o, hook, "the hook of a flowtable is ingress", culprit, e);
	if (nft_priority_parse(prio->spec->priority, NFPROTO_NETDEV, (int)w->hook, &w->priority, &bad) < 0)
		return unfit(o, prio, err_text(&bad), culprit, e);
	if (given(g, SPEC_FLAGS))
		w->flags = given(g, SPEC_FLAGS)->flags;
	return 0;
}

static int merge_flowtable(struct obj *o, struct rpack **culprit, struct err *e)
{
	bool was = o->want;
	struct chain_want w = { 0 };
	struct given g;
	int rc = fields(o, &g, culprit, e);

	if (rc < 0)
		return rc;
	chain_def_free(&o->chain);
	set_why(o, NULL);
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
	bool was = o->want;
	const struct spec *sp;
	struct given g;
	int rc = fields(o, &g, culprit, e);

	if (rc < 0)
		return rc;
	sp = given(&g, SPEC_OBJECT);
	set_why(o, g.stated && !sp ? "no pack says what it is" : NULL);
	if (sp) {
		set_comment(o, &g);
		if (!o->object)
			o->object = xnew(struct object_want);
		*o->object = *sp->object;
		o->object->comment = o->comment;
	}
	o->want = g.stated && sp && o->tab->want;
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
