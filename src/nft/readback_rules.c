// SPDX-License-Identifier: GPL-2.0-or-later
/* The rules of own chains as the kernel has them. A rule that rnm made carries an id and the hash of its
 * expressions: it is known again without being compiled back. */
#include <stdio.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>

#include "base/hash.h"
#include "nft/decompile.h"
#include "nft/readback_impl.h"

#define SPELL_MAX 64 /* foreign rules of one reading that are spelled out; more are named by handle */

struct known { /* a rule that a chain wants, or was taken to have */
	uint64_t hash;
	struct rcode *rc;
};

struct chain_reading {
	struct reading *r;
	struct obj *chain;
	krules now;
	VEC(struct known) known;
	VEC(uint64_t) claimed; /* handles: rules of this life, sorted */
	uint32_t foreign;
	unsigned spelled;
};

static int by_hash(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static struct rcode *find_known(struct chain_reading *cr, uint64_t hash)
{
	struct known key = { .hash = hash }, *k;

	if (!cr->known.n)
		return NULL;
	k = bsearch(&key, cr->known.v, cr->known.n, sizeof(key), by_hash);
	return k ? k->rc : NULL;
}

static void add_ref(struct code *code, enum ref_kind kind, uint32_t obj_type, const char *name)
{
	struct ref r = { .kind = kind, .obj_type = obj_type };

	if (!name || !*name)
		return;
	snprintf(r.name, sizeof(r.name), "%s", name);
	vec_push(&code->refs, r);
}

/* What the expression names in its table: it has to go before these go. */
static void refs_of(struct code *code, struct nftnl_expr *x)
{
	const char *kind = nftnl_expr_get_str(x, NFTNL_EXPR_NAME);

	if (!kind)
		return;
	if (!strcmp(kind, "lookup")) {
		add_ref(code, REF_SET, 0, nftnl_expr_get_str(x, NFTNL_EXPR_LOOKUP_SET));
	} else if (!strcmp(kind, "dynset")) {
		add_ref(code, REF_SET, 0, nftnl_expr_get_str(x, NFTNL_EXPR_DYNSET_SET_NAME));
	} else if (!strcmp(kind, "immediate")) {
		if (nftnl_expr_is_set(x, NFTNL_EXPR_IMM_CHAIN))
			add_ref(code, REF_CHAIN, 0, nftnl_expr_get_str(x, NFTNL_EXPR_IMM_CHAIN));
	} else if (!strcmp(kind, "flow_offload")) {
		add_ref(code, REF_FLOWTABLE, 0, nftnl_expr_get_str(x, NFTNL_EXPR_FLOW_TABLE_NAME));
	} else if (!strcmp(kind, "objref")) {
		if (nftnl_expr_is_set(x, NFTNL_EXPR_OBJREF_IMM_NAME))
			add_ref(code, REF_OBJECT, nftnl_expr_get_u32(x, NFTNL_EXPR_OBJREF_IMM_TYPE),
				nftnl_expr_get_str(x, NFTNL_EXPR_OBJREF_IMM_NAME));
		else
			add_ref(code, REF_SET, 0, nftnl_expr_get_str(x, NFTNL_EXPR_OBJREF_SET_NAME));
	}
}

static const struct set_info *set_at(void *ctx, const char *name)
{
	struct obj *chain = ctx, *set = obj_find(chain->rs, OBJ_SET, chain->family, chain->tab->name, name);

	return set && set->have ? &set->set_have.info : NULL;
}

/* A rule that nobody wants, at least not here: as text for plans. */
static char *spell(struct chain_reading *cr, const struct kread_rule *k)
{
	struct decompile_env env = {
		.ctx = cr->chain, .family = k->family, .hook = -1, .set = set_at, .stateless = true
	};
	_buf_ struct buf text = BUF_INIT;

	if (cr->spelled++ < SPELL_MAX && rule_decompile(&env, k->exprs, k->n, k->comment, &text))
		return buf_take(&text);
	return xasprintf("handle %llu", (unsigned long long)k->handle);
}

static struct rcode *foreign(struct chain_reading *cr, const struct kread_rule *k, struct content *content)
{
	struct rcode *rc = xnew(struct rcode);

	rc->refs = 1;
	rc->code = xnew(struct code);
	/* An own one may be wanted again; of another one the handle is its alone. */
	rc->code->hash = content->known ? content->hash : hash_mix(~k->hash, k->handle);
	for (uint32_t i = 0; i < k->n; i++)
		refs_of(rc->code, k->exprs[i]);
	rc->text = content->text ? content->text : spell(cr, k);
	content->text = NULL;
	return rc;
}

static int by_handle(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool is_claimed(const struct chain_reading *cr, uint64_t handle)
{
	return cr->claimed.n &&
	       bsearch(&handle, cr->claimed.v, cr->claimed.n, sizeof(*cr->claimed.v), by_handle);
}

/* Whether somebody claims it the plan will tell: of several that are the same some may be another pack's. */
static void on_rule(void *ctx, const struct kread_rule *k)
{
	struct chain_reading *cr = ctx;
	struct content content = { .known = k->id, .hash = k->hash };
	struct rcode *rc;

	if (!k->id && cr->chain->tab->adopted)
		adopted_content(cr->r, cr->chain, k, &content);
	rc = content.known ? find_known(cr, content.hash) : NULL;
	cr->foreign += !rc;
	vec_push(&cr->now, (struct krule){ .handle = k->handle,
				   .id = k->id,
				   .rc = rc ? rcode_ref(rc) : foreign(cr, k, &content),
				   .unclaimed = !is_claimed(cr, k->handle) });
	free(content.text);
}

static bool same_rules(const krules *a, const krules *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->v[i].handle != b->v[i].handle || a->v[i].rc->code->hash != b->v[i].rc->code->hash)
			return false;
	return true;
}

static void count(const struct chain_reading *cr)
{
	uint32_t was = cr->chain->krules.n, kept = cr->now.n - cr->foreign;

	cr->r->found->rules_foreign += cr->foreign;
	cr->r->found->rules_missing += was > kept ? was - kept : 0;
}

static void take(struct chain_reading *cr)
{
	struct obj *chain = cr->chain;

	if (same_rules(&chain->krules, &cr->now)) {
		vec_foreach (k, &cr->now)
			rcode_put(k->rc);
	} else {
		count(cr);
		chain_rules_gone(chain);
		vec_foreach (k, &cr->now)
			vec_push(&chain->krules, *k);
		obj_changed(chain);
	}
	chain->handles_stale = false;
	vec_free(&cr->now);
	vec_free(&cr->known);
	vec_free(&cr->claimed);
}

static void know(struct chain_reading *cr)
{
	vec_foreach (st, &cr->chain->rules) {
		struct rcode *rc = rule_of(*st);

		if (rc)
			vec_push(&cr->known, (struct known){ rc->code->hash, rc });
	}
	vec_foreach (k, &cr->chain->krules) {
		vec_push(&cr->known, (struct known){ k->rc->code->hash, k->rc });
		if (!k->unclaimed)
			vec_push(&cr->claimed, k->handle);
	}
	if (cr->claimed.n)
		qsort(cr->claimed.v, cr->claimed.n, sizeof(*cr->claimed.v), by_handle);
	if (cr->known.n)
		qsort(cr->known.v, cr->known.n, sizeof(*cr->known.v), by_hash);
}

int read_rules(struct reading *r, bool all)
{
	unsigned spelled = 0;
	int rc = 0;

	vec_foreach (m, &r->tab->members) {
		struct chain_reading cr = { .r = r, .chain = *m, .spelled = spelled };

		if ((*m)->kind != OBJ_CHAIN || !(*m)->have || !(all || (*m)->suspect & SUSPECT_CONTENT))
			continue;
		know(&cr);
		rc = kread_rules(r->c, r->tab->family, r->tab->name, (*m)->name, false, on_rule, &cr, r->e);
		if (rc < 0) {
			vec_foreach (k, &cr.now)
				rcode_put(k->rc);
			vec_free(&cr.now);
			vec_free(&cr.known);
			vec_free(&cr.claimed);
			break;
		}
		take(&cr);
		spelled = cr.spelled;
	}
	adopted_done(r);
	return rc;
}
