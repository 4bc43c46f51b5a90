// SPDX-License-Identifier: GPL-2.0-or-later
/* Packs that say random things, to the ruleset and to the model alike. */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "testing/rs_random.h"

const char *const pack_names[N_PACKS] = { "a", "b-x", "c" };

/* ---- saying it ---- */

static uint32_t site(struct world *w, const struct said *s)
{
	uint32_t line = 1u + s->kind * 20u + s->obj;

	if (s->kind == SAID_RULE && s->variant != R_REFUSED && !rule_beside_poison(s))
		line += 10;
	return ruleset_site(w->rs, "test.lua", s->kind == SAID_RULE && s->variant == R_POISON ? 1000 : line);
}

static struct obj *get(struct world *w, enum obj_kind kind, int t, int obj)
{
	char name[8];

	snprintf(name, sizeof(name), "c%d", obj);
	if (kind == OBJ_TABLE)
		return obj_get(w->rs, kind, table_family[t], NULL, table_names[t]);
	if (kind == OBJ_STATEFUL)
		return obj_get(w->rs, object_kind(object_types[obj]), table_family[t], table_names[t],
			object_names[obj]);
	return obj_get(w->rs, kind, table_family[t], table_names[t],
		kind == OBJ_SET         ? set_names[obj]
		: kind == OBJ_FLOWTABLE ? flow_names[obj]
					: name);
}

static enum obj_kind kind_of(const struct said *s)
{
	switch ((enum said_kind)s->kind) {
	case SAID_TABLE: return OBJ_TABLE;
	case SAID_CHAIN:
	case SAID_RULE: return OBJ_CHAIN;
	case SAID_OBJECT: return OBJ_STATEFUL;
	case SAID_FLOW: return OBJ_FLOWTABLE;
	case SAID_SET:
	case SAID_ELEMS:
	case SAID_LIVE:
	case SAID_ATTACH:
	case SAID_NONE:
	case SAID_NEST: break;
	}
	return OBJ_SET;
}

static struct spec *spec_said(struct world *w, const struct said *s)
{
	switch ((enum said_kind)s->kind) {
	case SAID_TABLE: return table_spec(s->variant);
	case SAID_SET: return set_spec(s->table, s->obj, s->variant);
	case SAID_OBJECT: return object_spec(s->obj, s->variant);
	case SAID_FLOW: return flow_spec(w, s->obj, s->variant);
	default: return chain_spec(w, s->table, s->obj, s->variant);
	}
}

struct inputs {
	struct elem_in in[5];
	struct val key[5], data[5];
};

static void inputs_free(struct inputs *x, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		val_free(&x->key[i]);
		val_free(&x->data[i]);
	}
}

static void inputs_make(struct inputs *x, unsigned n, int set, const uint8_t *key, const uint8_t *data,
	const uint32_t *timeout)
{
	for (unsigned i = 0; i < n; i++) {
		x->key[i] = key_val(set, key[i], false);
		x->data[i] = data_val(set, data[i]);
		x->in[i] = (struct elem_in){ &x->key[i], x->data[i].kind ? &x->data[i] : NULL,
			timeout[i] * 1000ull, NULL, NULL };
	}
}

static bool state(struct world *w, struct scope *sc, const struct said *s)
{
	struct obj *o =
		s->kind == SAID_ATTACH ? attached_obj(w, s->obj) : get(w, kind_of(s), s->table, s->obj);
	_err_ struct err e = ERR_INIT;
	struct params *params = NULL;
	struct inputs in;
	struct ast_rule *ast;
	struct spec *spec;
	int rc = 0;

	switch ((enum said_kind)s->kind) {
	case SAID_TABLE:
	case SAID_CHAIN:
	case SAID_SET:
	case SAID_OBJECT:
	case SAID_FLOW:
		spec = spec_said(w, s);
		state_decl(sc, o, spec, site(w, s));
		spec_put(spec);
		break;
	case SAID_RULE:
		ast = rule_said(s, &params, w);
		if (ast)
			rc = state_rule(sc, o, ast, params, s->insert, site(w, s), &e);
		ast_put(ast);
		params_put(params);
		break;
	case SAID_ELEMS:
		state_decl(sc, o, NULL, site(w, s));
		inputs_make(&in, s->n, s->obj, s->key, s->data, s->timeout);
		rc = state_elems(sc, o, in.in, s->n, site(w, s), &e);
		inputs_free(&in, s->n);
		break;
	case SAID_LIVE:
		state_decl(sc, o, NULL, site(w, s));
		state_live(sc, o, &w->live[s->live].live, site(w, s));
		break;
	case SAID_ATTACH:
		spec = attached_spec();
		state_decl(sc, o, spec, site(w, s));
		spec_put(spec);
		for (int i = 0; rc == 0 && i < s->n; i++) {
			struct val v = attached_val(s->obj, s->key[i]);

			rc = state_elems(sc, o, &(struct elem_in){ .key = &v }, 1, site(w, s), &e);
			val_free(&v);
		}
		break;
	case SAID_NEST:
	case SAID_NONE: break;
	}
	obj_put(o);
	return rc < 0 ? fail(w, "statement: %s", err_text(&e)) : !w->fail[0];
}

static uint64_t deadline_of(struct world *w, int pack, const struct said *s, int i)
{
	for (int when = 0; when < 2; when++) {
		const struct pack_said *p = when ? &w->begun[pack] : &w->pack[pack];

		for (int sc = 0; sc < N_SCOPES; sc++)
			for (int k = 0; k < p->scope[sc].n; k++) {
				const struct said *x = &p->scope[sc].said[k];

				if (x->kind != SAID_ELEMS || x->table != s->table || x->obj != s->obj)
					continue;
				for (int j = 0; j < x->n; j++)
					if (x->key[j] == s->key[i] && x->timeout[j] == s->timeout[i])
						return p->scope[sc].deadline[k][j];
			}
	}
	return boot_ms() + s->timeout[i] * 1000ull;
}

static void drop_scope(struct scope_said *x)
{
	if (x->sc)
		scope_drop(x->sc);
	memset(x, 0, sizeof(*x));
}

static struct scope *make_scope(struct world *w, int pack, int sc, uint32_t seq)
{
	static const enum scope_kind kinds[N_SCOPES] = { SCOPE_MAIN, SCOPE_BLOCK, SCOPE_BLOCK, SCOPE_BLOCK,
		SCOPE_EACH, SCOPE_EACH, SCOPE_HOOK, SCOPE_HOOK };
	struct pack_said *p = &w->pack[pack];
	char key[4] = { 0, 0, 0, (char)sc };
	bool keyed = kinds[sc] == SCOPE_EACH || kinds[sc] == SCOPE_HOOK;

	return scope_new(p->rp, kinds[sc],
		sc == SC_INNER                             ? p->scope[SC_OUTER].sc
		: kinds[sc] == SCOPE_HOOK || sc == SC_MAIN ? NULL
							   : p->scope[SC_MAIN].sc,
		sc == SC_MAIN ? 0 : seq, keyed ? key : NULL, keyed ? sizeof(key) : 0);
}

/* Runs a scope: says list. What it holds nested is made anew. */
static bool run(struct world *w, int pack, int sc, const struct said *list, int n)
{
	struct pack_said *p = &w->pack[pack];
	struct scope_said *x = &p->scope[sc], was;
	uint32_t seq[RUN_MAX] = { 0 };

	if (sc == SC_OUTER)
		drop_scope(&p->scope[SC_INNER]);
	if (!x->sc)
		x->sc = make_scope(w, pack, sc, 0x80000000u + (uint32_t)(sc == SC_MAIN ? 0 : SC_HOOK0));
	scope_run_begin(x->sc);
	was = *x;
	for (int i = 0; i < n; i++) {
		for (int j = 0; j < list[i].n; j++)
			was.deadline[i][j] = list[i].timeout[j] ? deadline_of(w, pack, &list[i], j) : 0;
		was.said[i] = list[i];
		if (list[i].kind == SAID_NEST)
			seq[i] = state_seq(x->sc);
		else if (!state(w, x->sc, &list[i]))
			return false;
	}
	was.n = (uint8_t)n;
	scope_run_end(x->sc, true);
	*x = was;
	for (int i = 0; i < n; i++)
		for (int in = SC_BLOCK; list[i].kind == SAID_NEST && in <= SC_EACH1; in++)
			if (list[i].arg == in || (list[i].arg == SC_EACH0 && in == SC_EACH1)) {
				p->scope[in].sc = make_scope(w, pack, in, seq[i]);
				p->scope[in].nested_at = (uint8_t)i;
			}
	return true;
}

static int nests(int sc, uint8_t out[3])
{
	int n = 0;

	if (sc == SC_MAIN) {
		out[n++] = SC_BLOCK;
		out[n++] = SC_OUTER;
		out[n++] = SC_EACH0;
	} else if (sc == SC_OUTER) {
		out[n++] = SC_INNER;
	}
	return n;
}

static int any_list(struct world *w, int pack, int sc, struct said *list)
{
	uint8_t in[3];
	int nest = nests(sc, in), n = 0, want = (int)rnd(w, sc == SC_MAIN ? 8 : 6);

	/* a timed statement counts from when its set is there */
	if (sc == SC_MAIN && !pack)
		list[n++] = (struct said){ .kind = SAID_SET, .table = T_INET, .obj = S_T4, .variant = 1 };
	for (int i = 0; i < want; i++)
		list[n++] = any_said(w, pack);
	for (int i = 0; i < nest; i++) {
		int at = (int)rnd(w, (uint32_t)n + 1);

		memmove(&list[at + 1], &list[at], (size_t)(n - at) * sizeof(*list));
		list[at] = (struct said){ .kind = SAID_NEST, .arg = in[i] };
		n++;
	}
	return n;
}

static bool rerun(struct world *w, int pack, int sc)
{
	struct scope_said *x = &w->pack[pack].scope[sc];
	struct said list[RUN_MAX];
	int n = x->n, at;

	memcpy(list, x->said, sizeof(list));
	switch (n ? rnd(w, 6) : 5) {
	case 0: break; /* the same */
	case 1:
		at = (int)rnd(w, (uint32_t)n);
		if (list[at].kind != SAID_NEST)
			list[at] = any_said(w, pack);
		break;
	case 2:
		at = (int)rnd(w, (uint32_t)n);
		if (list[at].kind != SAID_NEST) {
			memmove(&list[at], &list[at + 1], (size_t)(n - at - 1) * sizeof(*list));
			n--;
		}
		break;
	case 3:
		at = (int)rnd(w, (uint32_t)n);
		if (n < RUN_MAX - 3) {
			memmove(&list[at + 1], &list[at], (size_t)(n - at) * sizeof(*list));
			list[at] = any_said(w, pack);
			n++;
		}
		break;
	case 4:
		at = (int)rnd(w, (uint32_t)n);
		list[RUN_MAX - 1] = list[at];
		list[at] = list[0];
		list[0] = list[RUN_MAX - 1];
		break;
	default: n = any_list(w, pack, sc, list); break;
	}
	return run(w, pack, sc, list, n);
}

/* ---- edits ---- */

void said_settle(struct world *w, int pack, int type, int t, int s)
{
	uint8_t *follows = &w->pack[pack].follows[type][t][s];

	for (int k = 0; *follows && k < N_KEYS; k++) {
		struct edited *ed = &w->pack[pack].edit[type][t][s][k];
		const struct test_live *l = &w->live[(*follows & 127) - 1];

		*ed = (struct edited){ 0 };
		for (int i = 0; i < l->n; i++)
			if (l->v[i] == k)
				*ed = (struct edited){ .on = true, .lasting = *follows & 128 };
	}
	if (*follows)
		w->frozen = true;
	*follows = 0;
}

/* What was said before the set had a type counts from the merge on. */
static bool waits_for_type(struct world *w, int t, int s)
{
	struct obj *o = obj_find(w->rs, OBJ_SET, table_family[t], table_names[t], set_names[s]);

	vec_foreach (c, &w->rs->contribs)
		if (*c && (*c)->set == o &&
			(!(*c)->t || (*c)->t != o->elems || ((*c)->kind == C_STMT && (*c)->st->el.raw.n)))
			return true;
	return false;
}

static bool expect(struct world *w, const char *what, int t, int s, int key, int rc, int want)
{
	if (rc == want || (rc == -ENOENT && want == -EPERM && waits_for_type(w, t, s)))
		return true;
	fail(w, "%s %s %s key %d: %d, not %d", what, table_names[t], set_names[s], key, rc, want);
	model_tell(w, t, s);
	return false;
}

struct given {
	const struct elem_in *in;
	uint32_t n;
};

static int next_given(void *ctx, struct elem_in *out, struct err *e)
{
	struct given *g = ctx;

	(void)e;
	if (!g->n)
		return 0;
	*out = *g->in++;
	g->n--;
	return 1;
}

static bool edit(struct world *w, int pack)
{
	struct pack_said *p = &w->pack[pack];
	int t = rnd(w, 4) ? T_INET : T_IP, s = (int)rnd(w, N_SETS), n = 0, rc, want;
	struct obj *o = get(w, OBJ_SET, t, s);
	uint8_t key[5], data[5];
	uint32_t timeout[5];
	int type = model_table(w, t, s);
	bool lasting = rnd(w, 2), follow_others = s == S_VT, timed = s == S_T4 || s == S_IT, ok = true;
	uint32_t what = rnd(w, 8), where = ruleset_site(w->rs, "edit.lua", 7);
	_err_ struct err e = ERR_INIT;
	struct inputs in;

	want = model_type(w, t, s) < 0 ? -EAGAIN : 0;
	for (int i = (int)rnd(w, 3); i >= 0; i--) {
		uint8_t k = (uint8_t)rnd(w, N_KEYS);

		if (timed_stmt(t, s, k) || (n && k == key[0]) || (n > 1 && k == key[1]))
			continue;
		key[n] = k;
		data[n] = is_map(s) ? any_data(w, s, k) : 0;
		timeout[n++] = timed && rnd(w, 2) ? 5 + 10 * rnd(w, 4) : 0;
	}
	if (!n)
		goto out;
	inputs_make(&in, (unsigned)n, s, key, data, timeout);
	for (int i = 0; i < N_PACKS; i++)
		follow_others |= i != pack && w->pack[i].follows[type][t][s];
	if (what < 4) {
		rc = edit_add(p->rp, o, in.in, (uint32_t)n, lasting, where, &e);
		ok = expect(w, "add to", t, s, key[0], rc, want);
	} else if (what == 4) {
		struct given given = { in.in, (uint32_t)n };

		rc = edit_replace(p->rp, o, &(struct elem_src){ next_given, &given }, lasting, where, &e);
		ok = expect(w, "replace of", t, s, key[0], rc, want);
		if (!want)
			p->follows[type][t][s] = 0;
		for (int k = 0; !want && k < N_KEYS; k++)
			p->edit[type][t][s][k].on = false;
	}
	if (what <= 4 && !want) {
		said_settle(w, pack, type, t, s);
		for (int i = 0; i < n; i++)
			p->edit[type][t][s][key[i]] = (struct edited){ true, lasting || timeout[i], data[i],
				boot_ms() + timeout[i] * 1000ull, timeout[i] };
	} else if (what == 5 && (s == S_H4 || s == S_I4 || s == S_VT) && !want) {
		uint8_t live = s == S_I4 ? L_PREFIX : (uint8_t)rnd(w, 2);

		edit_replace_live(p->rp, o, &w->live[live].live, lasting, where);
		memset(p->edit[type][t][s], 0, sizeof(p->edit[type][t][s]));
		p->follows[type][t][s] = (uint8_t)(live + 1u + (lasting ? 128 : 0));
	} else if (what > 5) {
		struct edited *ed = &p->edit[type][t][s][key[0]];

		if (!want)
			said_settle(w, pack, type, t, s);
		if (!want)
			want = ed->on && (!ed->timeout || ed->deadline > w->now) ? 0
			       : model_held(w, t, s, key[0])                     ? -EPERM
										 : -ENOENT;
		rc = edit_del(p->rp, o, in.in[0].key, &e);
		if (!follow_others)
			ok = expect(w, "del from", t, s, key[0], rc, want);
		if (!want)
			ed->on = false;
	}
	inputs_free(&in, (unsigned)n);
out:
	obj_put(o);
	return ok;
}

/* ---- packs ---- */

static bool again(struct world *w, int pack, const struct pack_said *same)
{
	bool ok = true;

	for (int sc = 0; ok && sc < N_SCOPES; sc++) {
		const struct scope_said *x = &same->scope[sc];

		if (x->sc)
			ok = run(w, pack, sc, x->said, x->n);
	}
	return ok;
}

static bool first_run(struct world *w, int pack, const struct pack_said *same)
{
	struct said list[RUN_MAX];
	int n;

	if (same)
		return again(w, pack, same);
	n = any_list(w, pack, SC_MAIN, list);
	return run(w, pack, SC_MAIN, list, n);
}

static struct rpack *new_pack(struct world *w, int pack)
{
	static const int order[N_PACKS] = { 10, 20, 20 };

	return rpack_new(w->rs, pack_names[pack], order[pack]);
}

bool say_again(struct world *w, int pack, const struct pack_said *was)
{
	w->pack[pack].rp = new_pack(w, pack);
	return again(w, pack, was);
}

bool say_reload(struct world *w, int pack, bool same)
{
	struct pack_said was = w->pack[pack], *p = &w->pack[pack];

	for (int i = 0; i < 2 * N_TABLES * N_SETS; i++) /* edits that wait for the end go with it, or on */
		said_settle(w, pack, i % 2, i / 2 % N_TABLES, i / 2 / N_TABLES);
	memset(p->scope, 0, sizeof(p->scope));
	p->rp = new_pack(w, pack);
	if (was.rp)
		rpack_retire(was.rp, p->rp);
	for (int i = 0; i < 2 * N_TABLES * N_SETS * N_KEYS; i++)
		(&p->edit[0][0][0][0])[i].on &= (&p->edit[0][0][0][0])[i].lasting;
	return first_run(w, pack, same ? &was : NULL);
}

bool say_something(struct world *w, int pack)
{
	struct pack_said *p = &w->pack[pack];
	int sc = 1 + (int)rnd(w, N_SCOPES - 1);

	switch (rnd(w, 8)) {
	case 0:
	case 1:
	case 2: return edit(w, pack);
	case 3:
		if (sc < SC_HOOK0) {
			if (p->scope[sc].sc)
				scope_withdraw(p->scope[sc].sc);
			p->scope[sc].n = 0;
			if (sc == SC_OUTER)
				drop_scope(&p->scope[SC_INNER]);
		} else {
			drop_scope(&p->scope[sc]);
		}
		return true;
	default:
		if (!p->scope[sc].sc && sc < SC_HOOK0)
			sc = SC_BLOCK;
		return p->scope[sc].sc || sc >= SC_HOOK0 ? rerun(w, pack, sc) : true;
	}
}
