// SPDX-License-Identifier: GPL-2.0-or-later
/* What others do to own tables: told, and put right in one transaction. Two writers that undo each other's
 * work are kept apart: after a few repairs of one object within seconds it is left alone for a while. */
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "engine/core.h"

#define REPAIRS    5 /* of one object … */
#define REPAIRS_NS 10000000000ull
#define REST_NS    30000000000ull
#define FIGHTS_MAX 1024
#define TOLD_MAX   8 /* changes that a log line names */

static enum obj_kind kind_of(const struct nft_change *c)
{
	switch (c->kind) {
	case CHANGE_TABLE: return OBJ_TABLE;
	case CHANGE_CHAIN:
	case CHANGE_RULE: return OBJ_CHAIN;
	case CHANGE_SET:
	case CHANGE_ELEM: return OBJ_SET;
	case CHANGE_FLOWTABLE: return OBJ_FLOWTABLE;
	case CHANGE_OBJECT: break;
	}
	return (enum obj_kind)(OBJ_STATEFUL + c->obj_type);
}

bool engine_nft_cares(struct engine *en, uint8_t family, const char *table)
{
	return ruleset_cares(en->rs, family, table);
}

/* ---- telling ---- */

static void process_text(const struct nft_generation *g, struct buf *out)
{
	if (!g->pid) {
		buf_puts(out, "an unknown process");
		return;
	}
	buf_visible(out, g->process[0] ? g->process : "?", strlen(g->process[0] ? g->process : "?"));
	buf_printf(out, "[%u]", g->pid);
}

static void generation_text(const struct nft_generation *g, struct buf *out)
{
	process_text(g, out);
	if (g->lost) {
		buf_puts(out, " changed nftables faster than it could be followed");
		return;
	}
	for (uint32_t i = 0; i < g->changes.n && i < TOLD_MAX; i++) {
		const struct nft_change *c = &g->changes.v[i];

		buf_printf(out, "%s %s ", i ? "," : "", c->del ? "deleted" : "added");
		if (c->count > 1)
			buf_printf(out, "%u × ", c->count);
		buf_printf(out, "%s %s %s", change_kind_word(c), nft_family_name(c->family), c->table);
		if (c->name)
			buf_printf(out, " %s", c->name);
	}
	if (g->changes.n > TOLD_MAX || g->more)
		buf_printf(out, " and %u more",
			g->changes.n - (g->changes.n > TOLD_MAX ? TOLD_MAX : g->changes.n) + g->more);
}

/* ---- fights ---- */

static struct fight *fight_of(struct engine *en, const struct nft_change *c)
{
	uint64_t key = hash_mix(hash_str(c->table),
		hash_mix(c->name ? hash_str(c->name) : 0, (uint64_t)kind_of(c) << 8 | c->family));
	struct fight *oldest = NULL, f = { .key = key };

	vec_foreach (x, &en->fights) {
		if (x->key == key)
			return x;
		if (!oldest || x->last < oldest->last)
			oldest = x;
	}
	if (en->fights.n >= FIGHTS_MAX) {
		free(oldest->table);
		free(oldest->name);
		*oldest = f;
	} else {
		vec_push(&en->fights, f);
		oldest = &vec_last(&en->fights);
	}
	oldest->kind = kind_of(c);
	oldest->family = c->family;
	oldest->table = xstrdup(c->table);
	oldest->name = c->name ? xstrdup(c->name) : NULL;
	return oldest;
}

/* false: this object has been put right too often lately. */
static bool may_repair(struct engine *en, const struct nft_change *c, const struct nft_generation *g)
{
	struct fight *f = fight_of(en, c);
	uint64_t now = mono_ns();
	_buf_ struct buf who = BUF_INIT;

	if (f->rest > now) {
		f->owed = true;
		return false;
	}
	if (now - f->first > REPAIRS_NS) {
		f->first = now;
		f->repairs = 0;
	}
	f->last = now;
	if (f->repairs++ < REPAIRS)
		return true;
	f->rest = now + REST_NS;
	f->owed = true;
	f->repairs = 0;
	process_text(g, &who);
	log_error("nft",
		"%s keeps changing %s %s %s%s%s, which has been put right %d times within %d s: it is left "
		"alone for %d s",
		buf_str(&who), obj_kind_word(f->kind), nft_family_name(f->family), f->table,
		f->name ? " " : "", f->name ? f->name : "", REPAIRS, (int)(REPAIRS_NS / 1000000000),
		(int)(REST_NS / 1000000000));
	return false;
}

uint64_t drift_next(const struct engine *en)
{
	uint64_t next = 0;

	vec_foreach (f, &en->fights)
		if (f->owed && (!next || f->rest < next))
			next = f->rest;
	return next;
}

/* What was left alone until now is looked at by the next transaction. */
static bool end_rest(struct engine *en, uint64_t now)
{
	bool any = false;

	vec_foreach (f, &en->fights) {
		if (!f->owed || f->rest > now)
			continue;
		f->owed = false;
		any = true;
		ruleset_suspect(en->rs, f->kind, f->family, f->table, f->name);
	}
	return any;
}

bool drift_owes(const struct engine *en)
{
	return drift_next(en) != 0;
}

void drift_settle(struct engine *en)
{
	end_rest(en, UINT64_MAX);
}

void drift_text(struct engine *en, struct buf *out)
{
	uint64_t now = mono_ns();
	bool told = false;

	vec_foreach (f, &en->fights) {
		if (!f->owed || f->rest <= now)
			continue;
		told = true;
		buf_printf(out,
			"drift: %s %s %s%s%s is left alone for %u s more, as others keep changing it (rnm "
			"plan)\n",
			obj_kind_word(f->kind), nft_family_name(f->family), f->table, f->name ? " " : "",
			f->name ? f->name : "", (unsigned)((f->rest - now) / 1000000000 + 1));
	}
	if (!told && engine_unsure(en))
		buf_puts(out, "drift: what others changed in rnm's tables is not put right (rnm plan)\n");
}

void drift_wake(struct engine *en, uint64_t now)
{
	if (!end_rest(en, now))
		return;
	txn_begin(en, ORIGIN_DRIFT, "what others changed is put right");
	txn_end(en, false, NULL);
}

void drift_late(struct engine *en)
{
	while (en->late.n) {
		struct nft_generation g = en->late.v[0];

		vec_remove(&en->late, 0);
		txn_begin(en, ORIGIN_DRIFT, NULL);
		script_nft_change(en->script, &g);
		txn_end(en, false, NULL);
		nft_generation_free(&g);
	}
}

void drift_free(struct engine *en)
{
	vec_foreach (g, &en->late)
		nft_generation_free(g);
	vec_free(&en->late);
	vec_foreach (f, &en->fights) {
		free(f->table);
		free(f->name);
	}
	vec_free(&en->fights);
}

/* ---- */

/* Of a table that is only known for what is attached to: rules, other sets and what comes beside own elements
 * are its owner's business. */
static bool matters(const struct engine *en, const struct nft_change *c)
{
	if (!ruleset_only_attached(en->rs, c->family, c->table) || c->kind == CHANGE_TABLE)
		return true;
	return (c->kind == CHANGE_SET || (c->kind == CHANGE_ELEM && c->del)) &&
	       ruleset_attached(en->rs, c->family, c->table, c->name);
}

static bool any_matters(const struct engine *en, const struct nft_generation *g)
{
	bool any = g->lost || g->more;

	vec_foreach (c, &g->changes)
		any |= matters(en, c);
	return any;
}

/* What only its owner makes can not be fought for, nor can elements as long as none of them were own ones. */
static bool not_fought_for(struct engine *en, const struct nft_change *c)
{
	struct fight *f;
	uint32_t losses;

	if (!ruleset_only_attached(en->rs, c->family, c->table))
		return false;
	if (c->kind != CHANGE_ELEM)
		return true;
	f = fight_of(en, c);
	losses = ruleset_attached_losses(en->rs, c->family, c->table, c->name);
	if (f->losses == losses)
		return f->rest <= mono_ns();
	f->losses = losses;
	return false;
}

static bool of_own_tables(const struct engine *en, const struct nft_generation *g)
{
	bool any = g->lost;

	vec_foreach (c, &g->changes)
		any |= !ruleset_only_attached(en->rs, c->family, c->table);
	return any;
}

static bool suspect(struct engine *en, const struct nft_generation *g)
{
	bool any = false;

	if (g->lost || g->more) {
		ruleset_suspect_all(en->rs);
		return true;
	}
	vec_foreach (c, &g->changes) {
		if (!matters(en, c) || (!not_fought_for(en, c) && !may_repair(en, c, g)))
			continue;
		any = true;
		ruleset_suspect(en->rs, kind_of(c), c->family, c->table, c->name);
	}
	return any;
}

void engine_nft_changed(struct engine *en, const struct nft_generation *g)
{
	_buf_ struct buf text = BUF_INIT;
	bool any;

	if (!any_matters(en, g))
		return;
	generation_text(g, &text);
	if (of_own_tables(en, g))
		log_warn("nft", "%s%s", buf_str(&text),
			en->cfg && en->cfg->drift_warn ? "; it is left as it is" : "");
	else
		log_info("nft", "%s", buf_str(&text));
	any = suspect(en, g);
	if (en->open) { /* the commit that met it plans again */
		vec_push(&en->late, nft_generation_copy(g));
		return;
	}
	txn_begin(en, ORIGIN_DRIFT, buf_str(&text));
	script_nft_change(en->script, g);
	txn_end(en, false, NULL);
	if (!any)
		wake_update(en);
}
