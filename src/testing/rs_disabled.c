// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules that somebody disables and enables in the random world. A rule is known by what its pack says and the
 * how-manieth equal one it is, and stays disabled over whatever the pack does, and over new lives, which read
 * the list as a file would have it. */
#include <errno.h>
#include <stdlib.h>

#include "nft/ruleset_disabled.h"
#include "testing/rs_model.h"
#include "testing/rs_random.h"

#define MANY 6

static bool same_rule(const struct said *a, const struct said *b)
{
	return a->variant == b->variant && a->arg == b->arg && a->live == b->live && a->insert == b->insert;
}

/* How many of its equals its pack says in front of it. */
static uint32_t nth_of(const struct placed *p, uint32_t i)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < i; k++)
		n += p[k].pack == p[i].pack && same_rule(p[k].s, p[i].s);
	return n;
}

bool model_disabled(const struct world *w, const struct placed *all, uint32_t i)
{
	const struct said *s = all[i].s;

	vec_foreach (d, &w->disabled)
		if (d->pack == all[i].pack && d->said.table == s->table && d->said.obj == s->obj &&
			same_rule(&d->said, s) && d->nth == nth_of(all, i))
			return true;
	return false;
}

void model_tell_switches(struct world *w)
{
	vec_foreach (d, &w->disabled)
		fail(w, "\ndisabled: pack %d %s c%d variant %d arg %d live %d, the %u. of those", d->pack,
			table_names[d->said.table], d->said.obj, d->said.variant, d->said.arg, d->said.live,
			d->nth);
	for (int i = 0; w->backs_off && i < N_PACKS; i++)
		fail(w, "\npack %d has %s to try again", i, pack_waits(w, i) ? "something" : "nothing");
}

static void take_effect(struct world *w)
{
	ruleset_disable(w->rs, &w->off);
}

static void enable(struct world *w)
{
	uint32_t i = rnd(w, w->disabled.n);

	disabled_remove(&w->off, w->disabled.v[i].id);
	vec_remove(&w->disabled, i);
	take_effect(w);
	w->switched++;
}

static int number_of(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

/* The n-th rule of the kernel's chain is that of which statement? UINT32_MAX: it can not be told. */
static uint32_t statement_of(
	struct world *w, const struct placed *all, uint32_t n, const struct sim_obj *o, uint32_t at)
{
	uint32_t in = 0, found = UINT32_MAX;

	for (uint32_t i = 0; i < n; i++) {
		if (all[i].s->variant == R_REFUSED || rule_may_wait(w, all[i].s, all[i].pack))
			return UINT32_MAX;
		if (!model_rule_in_force(w, all[i].s) || model_disabled(w, all, i))
			continue;
		if (in++ == at)
			found = i;
	}
	return in == o->rules.n ? found : UINT32_MAX;
}

static bool disable(struct world *w, const struct sim_obj *o)
{
	int t = number_of(table_names, N_TABLES, o->table), c = o->name[1] - '0';
	uint32_t at = rnd(w, o->rules.n), i;
	placed_rules all = { 0 };
	_err_ struct err e = ERR_INIT;
	struct disabled d;
	bool ok = true;

	model_rules(w, t, c, &all);
	i = statement_of(w, all.v, all.n, o, at);
	if (i != UINT32_MAX) {
		struct obj *chain = obj_find(w->rs, OBJ_CHAIN, o->family, o->table, o->name);

		if (ruleset_rule_find(w->rs, chain, o->rules.v[at].handle, &d, &e) < 0 ||
			strcmp(d.pack, pack_names[all.v[i].pack]) != 0 || disabled_add(&w->off, &d, &e) < 0)
			ok = fail(w, "rule %u of %s, '%s', is not pack %s's: %s", at, o->name,
				o->rules.v[at].text, pack_names[all.v[i].pack], err_text(&e));
		else
			vec_push(&w->disabled, (struct disabled_said){ w->off.last_id, all.v[i].pack,
						       nth_of(all.v, i), *all.v[i].s });
		take_effect(w);
		w->switched++;
	}
	vec_free(&all);
	return ok;
}

/* In a transaction, before anything is said in it. */
bool switch_rule(struct world *w)
{
	struct sim_obj *o = NULL;
	uint32_t n = 0;

	if (w->disabled.n && rnd(w, MANY) < w->disabled.n) {
		enable(w);
		return true;
	}
	if (w->rs->suspects) /* the kernel may hold other rules by now */
		return true;
	vec_foreach (p, &w->k.objs)
		if ((*p)->kind == OBJ_CHAIN && (*p)->name[0] == 'c' && (*p)->rules.n && !rnd(w, ++n))
			o = *p;
	return !o || disable(w, o);
}

/* Another life has what the file says. */
bool disabled_again(struct world *w)
{
	_buf_ struct buf text = BUF_INIT;
	_err_ struct err e = ERR_INIT;

	disabled_print(&w->off, &text);
	disabled_list_free(&w->off);
	if (disabled_parse(text.s, text.n, &w->off, &e) < 0)
		return fail(w, "the list of disabled rules: %s", err_text(&e));
	take_effect(w);
	return true;
}
