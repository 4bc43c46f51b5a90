// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel has against what ought to be. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "testing/rs_model.h"

#define TOLERANCE_MS (w->conn ? 500 : 50) /* the two clocks are not read in one moment */

/* ---- the kernel's elements ---- */

static int cmp_key(const void *a, const void *b)
{
	const struct sim_elem *x = a, *y = b;
	int c = memcmp(x->el.key, y->el.key, x->el.klen);

	return c ? c : memcmp(y->el.key_end, x->el.key_end, x->el.klen);
}

static bool after(
	const struct setelem *a, const struct setelem *b, int gap) /* does b begin over gap behind a? */
{
	uint64_t end = 0, begin = 0;

	for (int i = 0; i < a->klen; i++) {
		end = end << 8 | a->key_end[i];
		begin = begin << 8 | b->key[i];
	}
	return begin > end + (uint64_t)gap;
}

typedef VEC(struct sim_elem) sim_elems;

/* One-dimensional intervals as the kernel is to have them: what another one covers waits; of a plain set what
 * overlaps is one, with auto_merge what touches too. */
static void normalise(sim_elems *v, bool plain, bool merge)
{
	sim_elems out = { 0 };

	if (v->n)
		qsort(v->v, v->n, sizeof(v->v[0]), cmp_key);
	vec_foreach (e, v) {
		struct sim_elem *top = out.n ? &vec_last(&out) : NULL;

		if (top && memcmp(e->el.key_end, top->el.key_end, e->el.klen) <= 0)
			continue;
		if (top && plain && !top->deadline && !e->deadline && !after(&top->el, &e->el, merge))
			memcpy(top->el.key_end, e->el.key_end, e->el.klen);
		else
			vec_push(&out, *e);
	}
	vec_free(v);
	*v = out;
}

static bool same_elem(struct world *w, const char *set, const struct set_info *info, const struct sim_elem *a,
	const struct sim_elem *b)
{
	_buf_ struct buf x = BUF_INIT, y = BUF_INIT;
	struct setelem p = a->el, q = b->el;

	p.expires_ms = q.expires_ms = 0;
	if (p.timeout_ms && q.timeout_ms) /* of two that end in the same moment either will do */
		p.timeout_ms = q.timeout_ms;
	p.comment = q.comment = NULL;
	nft_elem_text(info, &p, &x);
	nft_elem_text(info, &q, &y);
	if (strcmp(buf_str(&x), buf_str(&y)) != 0)
		return fail(w, "set %s: wanted %s, the kernel has %s", set, buf_str(&x), buf_str(&y));
	if (a->deadline &&
		(a->deadline > b->deadline + TOLERANCE_MS || b->deadline > a->deadline + TOLERANCE_MS))
		return fail(w, "set %s: %s is to end in %lld ms, the kernel has %lld", set, buf_str(&x),
			(long long)(a->deadline - w->now), (long long)(b->deadline - w->now));
	return true;
}

static bool same_elems(struct world *w, const char *set, const struct sim_obj *o, sim_elems *want)
{
	sim_elems have = { 0 };
	bool ok = true;

	vec_foreach (e, &o->els)
		vec_push(&have, *e);
	if (have.n)
		qsort(have.v, have.n, sizeof(have.v[0]), cmp_key);
	if (want->n)
		qsort(want->v, want->n, sizeof(want->v[0]), cmp_key);
	for (uint32_t i = 0; ok && i < want->n && i < have.n; i++)
		ok = same_elem(w, set, &o->set.info, &want->v[i], &have.v[i]);
	if (ok && want->n != have.n)
		ok = fail(w, "set %s of %s: %u elements wanted, the kernel has %u", set, o->table, want->n,
			have.n);
	vec_free(&have);
	return ok;
}

static bool check_set(struct world *w, int t, int s)
{
	const struct sim_obj *o = sim_find(&w->k, OBJ_SET, table_family[t], table_names[t], set_names[s]);
	uint32_t v = model_variants(w, SAID_SET, t, s), size = v & 1u << 2 ? 2000 : v & 1u << 3 ? 3000 : 0;
	int intervals = model_type(w, t, s);
	sim_elems want = { 0 };
	bool ok;

	if (!model_set_wanted(w, t, s) != !o)
		return fail(
			w, "set %s %s: wanted %d, in the kernel %d", table_names[t], set_names[s], !o, !!o);
	if (!o)
		return true;
	if (s == S_DS && strcmp(o->stateful, v & 1u << 4 ? "limit rate 10/second" : "counter") != 0)
		return fail(w, "set %s ds: each element has '%s'", table_names[t], o->stateful);
	if (!(o->set.info.flags & NFT_SET_INTERVAL) != !intervals || o->set.size != size)
		return fail(w, "set %s %s: flags %x, size %u", table_names[t], set_names[s],
			o->set.info.flags, o->set.size);
	for (int k = 0; k < N_KEYS; k++) {
		struct holder h;
		struct sim_elem e = { 0 };
		struct val key, data;

		if (!model_in_force(w, t, s, k, &h) || elem_waits(w, t, s, k))
			continue;
		key = key_val(s, k, intervals);
		data = data_val(s, h.data);
		if (nft_elem_make(&o->set.info, &key, data.kind ? &data : NULL, &e.el, NULL) < 0)
			abort();
		val_free(&key);
		val_free(&data);
		e.el.timeout_ms = h.timeout * 1000ull;
		e.deadline = h.timeout ? h.deadline : 0;
		vec_push(&want, e);
	}
	if (o->set.info.flags & NFT_SET_INTERVAL && o->set.info.key.n == 1)
		normalise(&want, !(o->set.info.flags & NFT_SET_MAP), s == S_I4 && v & 1u << 4);
	ok = same_elems(w, set_names[s], o, &want);
	vec_free(&want);
	return ok;
}

/* The set of a rule's live list. */
static bool check_live(struct world *w, int t, const char *name, const struct test_live *l)
{
	const struct sim_obj *o = sim_find(&w->k, OBJ_SET, table_family[t], table_names[t], name);
	sim_elems want = { 0 };
	bool ok;

	if (!o)
		return fail(w, "a rule names set %s, which is not there", name);
	for (int k = 0; k < N_KEYS; k++) {
		struct sim_elem e = { 0 };
		struct val key;

		if (!model_live_count(l, k))
			continue;
		key = live_val(l, k);
		nft_elem_make(&o->set.info, &key, NULL, &e.el, NULL);
		val_free(&key);
		vec_push(&want, e);
	}
	if (l->kind == L_PREFIX)
		normalise(&want, true, true);
	ok = same_elems(w, name, o, &want);
	vec_free(&want);
	return ok;
}

/* ---- rules ---- */

bool model_rule_in_force(struct world *w, const struct said *s)
{
	int t = s->table;

	switch (s->variant) {
	case 3: return model_set_wanted(w, t, S_H4);
	case 4: return model_set_wanted(w, t, S_I4);
	case 5: return model_set_wanted(w, t, S_VT);
	case 6: return model_chain_wanted(w, t, s->arg);
	case 7: return model_set_wanted(w, t, S_VM);
	case 10: return w->live[s->live].n > 0;
	case 12: return model_chain_wanted(w, t, 3);
	case 13: return model_set_wanted(w, t, S_CC);
	case 14: return model_set_wanted(w, t, S_IV);
	case 15: return model_set_wanted(w, t, S_MK);
	case 16: return model_set_wanted(w, t, S_IT);
	case 17: return model_set_wanted(w, t, S_T4);
	case R_COUNTER: return model_object_wanted(w, t, O_COUNTER);
	case R_QUOTA: return model_object_wanted(w, t, O_QUOTA);
	case R_LIMIT: return model_object_wanted(w, t, O_LIMIT);
	case R_MAP: return model_set_wanted(w, t, S_OM);
	case R_ANON: return model_object_wanted(w, t, O_COUNTER) && model_object_wanted(w, t, O_COUNTER2);
	case R_FLOW: return model_flow_wanted(w, t, s->arg);
	case R_POISON: return false;
	case R_DS: return model_set_wanted(w, t, S_DS);
	default: return true;
	}
}

/* Is this the text of the rule? "\1" stands for the set of a live list. */
static bool text_like(struct world *w, const struct said *s, const char *text)
{
	static const char *const fixed[] = { [3] = "ip saddr @h4 accept",
		[4] = "ip saddr @i4 drop",
		[5] = "ip saddr @vt accept",
		[7] = "tcp dport vmap @vm",
		[11] = POISON_TEXT,
		[12] = "tcp dport vmap { 22 : accept, 80 : goto c3 }",
		[13] = "ip saddr . tcp dport @cc accept",
		[14] = "tcp dport vmap @iv",
		[15] = "meta mark set ip saddr map @mk",
		[16] = "tcp dport @it counter",
		[17] = "ip saddr @t4 drop",
		[R_COUNTER] = "counter name \"x\"",
		[R_QUOTA] = "quota name \"x\" drop",
		[R_LIMIT] = "limit name \"x\" accept",
		[R_MAP] = "counter name tcp dport map @om",
		[R_ANON] = "counter name tcp dport map { 22 : \"x\", 80 : \"y\" }",
		[R_DS] = "ip saddr @ds accept" };
	char want[128], set[64];
	int n;

	switch (s->variant) {
	case 0: snprintf(want, sizeof(want), "ip saddr 10.1.0.%d accept", s->arg); break;
	case 1: snprintf(want, sizeof(want), "ip saddr 10.0.0.%d drop", s->arg); break;
	case 2:
		n = snprintf(want, sizeof(want), "tcp dport {");
		for (int i = 0, any = 0; i < 4; i++)
			if (s->arg & 1 << i)
				n += snprintf(want + n, sizeof(want) - (size_t)n, "%s %d", any++ ? "," : "",
					80 + i);
		snprintf(want + n, sizeof(want) - (size_t)n, " } accept");
		break;
	case 6: snprintf(want, sizeof(want), "jump c%d", s->arg); break;
	case R_FLOW: snprintf(want, sizeof(want), "meta l4proto tcp flow add @f%d", s->arg); break;
	case 8:
	case 9:
		if (sscanf(text, s->variant == 8 ? "ip saddr @%63s accept%n" : "ip daddr @%63s drop%n", set,
			    &n) != 1 ||
			text[n])
			return false;
		return check_live(w, s->table, set, &w->live[s->live]);
	case 10: snprintf(want, sizeof(want), "ip saddr set 10.0.0.%d", w->live[s->live].v[0]); break;
	default: snprintf(want, sizeof(want), "%s", fixed[s->variant]); break;
	}
	return !strcmp(want, text) || (s->variant == 10 && !strncmp(text, "ip saddr set live", 17));
}

/* The rules that are wanted against those of the kernel. Where one is refused, or waits, another may have
 * stayed or none may be: reach says how many of the kernel's rules may be those so far. */
static bool rules_like(struct world *w, const placed_rules *p, const struct sim_obj *o)
{
	uint32_t n = o->rules.n;
	bool *reach = xcalloc(n + 1, sizeof(*reach)), ok;

	reach[0] = true;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct said *s = p->v[i].s;
		bool may = s->variant == R_REFUSED || rule_may_wait(w, s, p->v[i].pack);

		if (!model_rule_in_force(w, s) || model_disabled(w, p->v, i))
			continue;
		for (uint32_t at = n + 1; at-- > 0;) {
			bool like = at && reach[at - 1] && (may || text_like(w, s, o->rules.v[at - 1].text));

			reach[at] = like || (may && reach[at]);
		}
	}
	ok = reach[n];
	free(reach);
	if (ok)
		w->fail[0] = '\0';
	return ok;
}

void model_rules(struct world *w, int t, int c, placed_rules *out)
{
	for (int i = 0; i < N_PACKS; i++)
		for (int sc = 0; sc < N_SCOPES; sc++)
			for (int k = 0; k < w->pack[i].scope[sc].n; k++) {
				const struct said *s = &w->pack[i].scope[sc].said[k];
				struct placed p;

				if (s->kind != SAID_RULE || s->table != t || s->obj != c)
					continue;
				model_place(&w->pack[i], i, sc, k, &p);
				vec_push(out, p);
			}
	if (out->n)
		qsort(out->v, out->n, sizeof(out->v[0]), model_by_place);
}

static bool check_chain(struct world *w, int t, int c, uint32_t *autosets)
{
	const struct sim_obj *o = sim_find(
		&w->k, OBJ_CHAIN, table_family[t], table_names[t], (char[]){ 'c', (char)('0' + c), 0 });
	uint32_t v = model_variants(w, SAID_CHAIN, t, c), dev = 0;
	placed_rules rules = { 0 };
	bool ok = true;

	if (!model_chain_wanted(w, t, c) != !o)
		return fail(w, "chain %s c%d: wanted %d, in the kernel %d", table_names[t], c, !o, !!o);
	model_rules(w, t, c, &rules);
	vec_foreach (p, &rules) /* the set of a live list is there as soon as a rule of its pack compiles */
		if (p->s->variant == 8 || p->s->variant == 9)
			*autosets |= 1u << (p->pack * N_LIVES + p->s->live);
	if (!o)
		goto out;
	for (int i = 0; t == T_NETDEV && i < w->live[L_DEV].n; i++)
		dev |= 1u << w->live[L_DEV].v[i];
	if (o->chain.base != (c == 0 && v & ~1u))
		ok = fail(w, "chain %s c%d: a base chain or not", o->table, c);
	if (ok && c == 0 && v & ~1u &&
		(!o->chain.base || o->chain.priority != (v & 1u << 3 ? 10 : 0) ||
			o->chain.policy != !(v & 1u << 2) || o->dev != dev))
		ok = fail(w, "chain %s c0: priority %d policy %d devices %x, not %x", o->table,
			o->chain.priority, o->chain.policy, o->dev, dev);
	if (ok && !rules_like(w, &rules, o)) {
		fail(w, "chain %s c%d: wanted", o->table, c);
		vec_foreach (p, &rules)
			if (model_rule_in_force(w, p->s) &&
				!model_disabled(w, rules.v, (uint32_t)(p - rules.v)))
				fail(w, " pack %d variant %d arg %d live %d;", p->pack, p->s->variant,
					p->s->arg, p->s->live);
		fail(w, " in the kernel");
		vec_foreach (r, &o->rules)
			fail(w, " %s;", r->text);
		model_tell_switches(w);
		ok = false;
	}
out:
	vec_free(&rules);
	return ok;
}

/* ---- objects, flowtables ---- */

static bool check_object(struct world *w, int t, int i)
{
	const struct sim_obj *o = sim_find(
		&w->k, object_kind(object_types[i]), table_family[t], table_names[t], object_names[i]);
	uint32_t v = model_variants(w, SAID_OBJECT, t, i);
	struct spec *want;
	bool same;

	if (!model_object_wanted(w, t, i) != !o)
		return fail(w, "%s %s %s: wanted %d, in the kernel %d", object_type_word(object_types[i]),
			table_names[t], object_names[i], !o, !!o);
	if (!o)
		return true;
	want = object_spec(i, v & 1u << 1 || v == 1 ? 1 : v & 1u << 2 ? 2 : 3);
	same = object_same(want->object, &o->object);
	spec_put(want);
	return same || fail(w, "%s %s %s: another one", object_type_word(object_types[i]), table_names[t],
			       object_names[i]);
}

static bool check_flow(struct world *w, int t, int f)
{
	const struct sim_obj *o =
		sim_find(&w->k, OBJ_FLOWTABLE, table_family[t], table_names[t], flow_names[f]);
	uint32_t v = model_variants(w, SAID_FLOW, t, f), dev = v & 1u << 1 ? 3 : v & 1u << 2 ? 6 : 4;

	if (!model_flow_wanted(w, t, f) != !o)
		return fail(w, "flowtable %s %s: wanted %d, in the kernel %d", table_names[t], flow_names[f],
			!o, !!o);
	if (!o)
		return true;
	if (f == 0) {
		dev = 0;
		for (int i = 0; i < w->live[L_DEV].n; i++)
			dev |= 1u << w->live[L_DEV].v[i];
	} else {
		dev <<= N_KEYS;
	}
	return (o->dev == dev && o->chain.priority == (!f && v & 1u << 2 ? 10 : 0) &&
		       o->flags == (!f && v & 1u << 3 ? NFT_FLOWTABLE_COUNTER : 0)) ||
	       fail(w, "flowtable %s %s: devices %x, not %x; priority %d, flags %x", table_names[t],
		       flow_names[f], o->dev, dev, o->chain.priority, o->flags);
}

static bool check_table(struct world *w, int t, bool want)
{
	const struct sim_obj *o = sim_find(&w->k, OBJ_TABLE, table_family[t], table_names[t], "");
	uint32_t flags = model_variants(w, SAID_TABLE, t, 0) & 1u << 2 ? NFT_TABLE_F_DORMANT : 0;

	if (want != !!o)
		return fail(w, "table %s: wanted %d", table_names[t], want);
	if (w->owner)
		flags |= NFT_TABLE_F_OWNER | TABLE_F_PERSIST;
	else if (o)
		flags |= o->flags & TABLE_F_PERSIST; /* an orphan's stays */
	return !o || o->flags == flags || fail(w, "table %s: flags %x", table_names[t], o->flags);
}

bool model_check(struct world *w)
{
	uint32_t sets = 0, have = 0;

	w->now = boot_ms();
	sim_expire(&w->k, w->now);
	for (int t = 0; t < N_TABLES; t++) {
		bool want = model_declared(w, SAID_TABLE, t, 0);
		uint32_t autosets = 0; /* packs and live values */

		for (int i = 0; i < N_OBJECTS; i++) {
			want |= model_declared(w, SAID_OBJECT, t, i);
			if (!check_object(w, t, i))
				return false;
		}
		for (int i = 0; i < N_FLOWS; i++) {
			want |= model_declared(w, SAID_FLOW, t, i);
			if (!check_flow(w, t, i))
				return false;
		}
		for (int c = 0; c < N_CHAINS; c++) {
			want |= model_declared(w, SAID_CHAIN, t, c);
			if (!check_chain(w, t, c, &autosets))
				return false;
		}
		for (int s = 0; s < N_SETS; s++) {
			want |= model_declared(w, SAID_SET, t, s);
			sets += model_set_wanted(w, t, s);
			if (!check_set(w, t, s)) {
				model_tell(w, t, s);
				return false;
			}
		}
		if (!check_table(w, t, want))
			return false;
		sets += (uint32_t)__builtin_popcount(autosets);
	}
	vec_foreach (o, &w->k.objs) {
		have += (*o)->kind == OBJ_SET;
		if (!strncmp((*o)->name, FOREIGN, strlen(FOREIGN)))
			return fail(w, "%s of others is left in %s", (*o)->name, (*o)->table);
	}
	if (have != sets)
		return fail(w, "%u sets wanted, the kernel has %u", sets, have);
	return attached_check(w);
}
