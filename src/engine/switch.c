// SPDX-License-Identifier: GPL-2.0-or-later
/* Packs switched at run time: disabled and enabled, put into quarantine and released; and the quarantine that
 * rnmd puts code into that it died in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/core.h"

int engine_switches(struct engine *en, const char *dir, struct err *e)
{
	return switches_load(&en->sw, dir, e);
}

void switches_open(struct engine *en)
{
	_err_ struct err e = ERR_INIT;
	_autofree_ char *bad = NULL;

	if (switches_load(&en->sw, en->state_dir, &e) == 0)
		return;
	bad = xasprintf("%s.bad", en->sw.path);
	if (rename(en->sw.path, bad) == 0)
		log_warn("pack", "%s: nothing counts as disabled or in quarantine; kept as %s", err_text(&e),
			bad);
	else
		log_warn("pack", "%s: nothing counts as disabled or in quarantine", err_text(&e));
}

void engine_switches_text(struct engine *en, struct buf *out)
{
	switches_text(&en->sw, out);
}

void engine_died(struct engine *en, const struct blackbox_place *at, int signal)
{
	_buf_ struct buf why = BUF_INIT;
	_err_ struct err e = ERR_INIT;

	if (!at && !switches_lived(&en->sw))
		return;
	if (at && switches_died(&en->sw, at, signal, wall_s(), &why))
		log_error("pack",
			"%s: %s%s%s:%u is in quarantine until its source changes or it is released: %s",
			at->pack, at->what, *at->file ? " at " : "", at->file, at->line, buf_str(&why));
	else if (at)
		log_warn("pack", "%s: the rnmd before died while %s%s%s:%u ran", at->pack, at->what,
			*at->file ? " at " : "", at->file, at->line);
	if (switches_save(&en->sw, &e) < 0)
		log_error("pack", "%s", err_text(&e));
}

void switches_settle(struct engine *en, const pack_specs *specs)
{
	_err_ struct err e = ERR_INIT;
	bool news = false;

	for (uint32_t i = en->sw.held.n; i-- > 0;) {
		const struct quarantine *q = &en->sw.held.v[i];

		vec_foreach (s, specs) {
			if (strcmp(s->name, q->pack) != 0 || s->source == q->source)
				continue;
			log_info("pack", "%s: %s is out of quarantine: the pack's source is another now",
				q->pack, *q->what ? q->what : "all of it");
			switches_release(&en->sw, i);
			news = true;
			break;
		}
	}
	if (news && !en->read_only && switches_save(&en->sw, &e) < 0)
		log_error("pack", "%s", err_text(&e));
}

/* ---- which pack is meant ---- */

static const struct cfg_pack *configured(const struct engine *en, const char *name)
{
	vec_foreach (p, &en->cfg->packs)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

struct names {
	const struct engine *en;
	const found_packs *found;
};

static const char *name_at(void *ctx, size_t i)
{
	const struct names *n = ctx;

	if (i < n->found->n)
		return n->found->v[i].name;
	i -= n->found->n;
	return i < n->en->cfg->packs.n ? n->en->cfg->packs.v[i].name : NULL;
}

static int no_such_pack(const struct engine *en, const found_packs *found, const char *name, struct err *e)
{
	struct names n = { en, found };
	const char *near = strlen(name) <= 64 ? suggest(name, name_at, &n) : NULL;

	return err_set(e, -ENOENT, "there is no pack '%.64s'%s%s%s", name, near ? "; did you mean '" : "",
		near ? near : "", near ? "'?" : "");
}

static bool known(const struct engine *en, const char *name)
{
	vec_foreach (f, &en->found)
		if (!strcmp(f->name, name))
			return true;
	return configured(en, name) || script_rpack(en->script, name) || switches_off(&en->sw, name);
}

static int must_run(const struct engine *en, const char *name, struct err *e)
{
	if (!known(en, name))
		return no_such_pack(en, &en->found, name, e);
	if (!script_rpack(en->script, name))
		return err_set(e, -EINVAL, "pack %s is disabled", name);
	if (!strcmp(name, "console"))
		return err_set(
			e, -EINVAL, "the console is no pack of files; `rnm reload` ends what it stated");
	return 0;
}

/* ---- one pack, in a transaction of its own ---- */

static int end(struct engine *en, int rc, struct err *e)
{
	if (rc < 0)
		txn_abort(en);
	else
		rc = txn_end(en, true, e);
	script_switch(en->script, rc == 0);
	drop_kinds(en);
	return rc;
}

static int stop(struct engine *en, const char *name, struct err *e)
{
	_autofree_ char *event = xasprintf("disable %s", name);

	txn_begin(en, ORIGIN_RELOAD, event);
	return end(en, script_stop_pack(en->script, name, e), e);
}

static int start_spec(struct engine *en, const struct pack_spec *spec, const char *reason, struct err *e)
{
	_autofree_ char *event = xasprintf("%s %s", reason, spec->name);

	txn_begin(en, ORIGIN_RELOAD, event);
	return end(en, script_start_pack(en->script, spec, reason, e), e);
}

/* As its files are now; what the configuration itself states is as it was loaded. */
static int start(struct engine *en, const char *name, const char *shipped, const char *reason, struct err *e)
{
	found_packs found = { 0 };
	pack_specs specs = { 0 };
	const struct pack_spec *spec = NULL;
	int rc = find_packs(en, en->cfg, shipped, &found, &specs, e);

	if (rc == 0) {
		vec_foreach (s, &specs)
			if (!strcmp(s->name, name))
				spec = s;
		if (spec && spec->n_templates) {
			vec_foreach (s, &en->specs)
				if (!strcmp(s->name, name))
					((struct pack_spec *)(uintptr_t)spec)->templates = s->templates;
		}
		rc = spec ? start_spec(en, spec, reason, e) : no_such_pack(en, &found, name, e);
		if (rc == 0)
			switches_settle(en, &specs);
	}
	vec_foreach (s, &specs)
		if (s->n_templates)
			s->templates = NULL;
	packs_free(&found, &specs);
	return rc;
}

/* ---- the switches ---- */

static int keep(struct engine *en, struct err *e)
{
	int rc = switches_save(&en->sw, e);

	if (rc < 0 && e)
		err_prefix(e, "nothing is switched, for a restart would not know of it: ");
	return rc;
}

/* What was written before it was tried is taken back. */
static void back(struct engine *en)
{
	_err_ struct err e = ERR_INIT;

	if (switches_save(&en->sw, &e) < 0)
		log_error("pack", "%s", err_text(&e));
}

int engine_pack_disable(struct engine *en, const char *name, struct buf *out, struct err *e)
{
	const struct cfg_pack *c = configured(en, name);
	int rc;

	if (!known(en, name))
		return no_such_pack(en, &en->found, name, e);
	if (!strcmp(name, "console") || !strcmp(name, "config"))
		return err_set(e, -EINVAL, "%s is rnm's own pack", name);
	if (switches_off(&en->sw, name)) {
		buf_printf(out, "%s is disabled already\n", name);
		return 0;
	}
	if (en->sw.off.n == SWITCHES_MAX)
		return err_set(e, -ENOSPC, "%u packs are disabled already", SWITCHES_MAX);
	switches_set_off(&en->sw, name, true, wall_s());
	rc = keep(en, e);
	if (rc == 0 && script_rpack(en->script, name))
		rc = stop(en, name, e);
	if (rc < 0) {
		switches_set_off(&en->sw, name, false, 0);
		back(en);
		return rc;
	}
	log_info("pack", "%s: disabled by an operator", name);
	if (c && !c->enabled)
		buf_printf(out, "%s was disabled by the configuration already (%s:%u); now it is by both\n",
			name, en->cfg->path, c->line);
	return 0;
}

int engine_pack_enable(
	struct engine *en, const char *name, const char *shipped_dir, struct buf *out, struct err *e)
{
	const struct cfg_pack *c = configured(en, name);
	const struct pack_off *off = switches_off(&en->sw, name);
	double since = off ? off->since : 0;
	int rc;

	if (c && !c->enabled)
		return err_set(e, -EINVAL,
			"%s:%u: packs.%s.enabled is false, which rules: a pack runs when the configuration "
			"and "
			"`rnm packs` both let it",
			en->cfg->path, c->line, name);
	if (off == NULL && script_rpack(en->script, name)) {
		buf_printf(out, "%s is enabled already\n", name);
		return 0;
	}
	if (off) {
		switches_set_off(&en->sw, name, false, 0);
		rc = keep(en, e);
	} else {
		rc = 0; /* a file that came after the last reload */
	}
	if (rc == 0)
		rc = start(en, name, shipped_dir, "enable", e);
	if (rc < 0 && off) {
		switches_set_off(&en->sw, name, true, since);
		back(en);
	}
	if (rc == 0)
		log_info("pack", "%s: enabled by an operator", name);
	return rc;
}

/* ---- quarantine ---- */

struct found_place {
	const char *want;
	char *what, *file;
	uint32_t line;
	bool main, take;
	struct engine *en;
	const char *pack;
	uint64_t source;
	unsigned n;
	struct buf all; /* what there is, for a message */
};

static bool place_is(const struct pack_place *p, const char *want)
{
	_autofree_ char *at = xasprintf("%s:%u", p->site.file, p->site.line);
	_autofree_ char *whole = xasprintf("%s@%s", p->what, at);

	return !strcmp(want, p->what) || !strcmp(want, at) || !strcmp(want, whole);
}

static void match_place(void *ctx, const struct pack_place *p)
{
	struct found_place *f = ctx;

	if (!strcmp(p->what, "main chunk"))
		return;
	buf_printf(&f->all, "%s%s@%s:%u", f->all.n ? ", " : "", p->what, p->site.file, p->site.line);
	if (!place_is(p, f->want))
		return;
	f->n++;
	switches_hold(&f->en->sw, f->pack, p->what, p->site.file, p->site.line, f->source,
		"put there by an operator", wall_s());
}

static const struct pack_spec *spec_of(const struct engine *en, const char *name)
{
	vec_foreach (s, &en->specs)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

/* The running pack's, from the switches. */
static void hold_now(struct engine *en, const char *name)
{
	struct pack_hold *holds = xcalloc(en->sw.held.n + 1, sizeof(*holds));
	uint32_t n = 0;

	vec_foreach (q, &en->sw.held)
		if (!strcmp(q->pack, name))
			holds[n++] = (struct pack_hold){ q->what, q->file, q->line };
	script_hold(en->script, name, holds, n);
	free(holds);
}

int engine_pack_quarantine(
	struct engine *en, const char *name, const char *place, struct buf *out, struct err *e)
{
	struct found_place f = { .want = place, .en = en, .pack = name };
	uint32_t before = en->sw.held.n;
	const struct pack_spec *spec;
	int rc = must_run(en, name, e);

	if (rc < 0)
		return rc;
	spec = spec_of(en, name);
	f.source = spec && spec->source ? spec->source : spec ? pack_source(spec) : 0;
	if (!place || !strcmp(place, "main chunk") || !strcmp(place, "main"))
		switches_hold(&en->sw, name, "", "", 0, f.source, "put there by an operator", wall_s());
	else
		script_places(en->script, name, match_place, &f);
	if (place && f.n == 0 && en->sw.held.n == before && strncmp(place, "main", 4) != 0)
		rc = err_set(e, -ENOENT, "pack %s has no '%.64s'; it has: %s", name, place,
			f.all.n ? buf_str(&f.all) : "nothing beside its main chunk");
	buf_free(&f.all);
	if (rc == 0)
		rc = keep(en, e);
	if (rc < 0) {
		while (en->sw.held.n > before)
			switches_release(&en->sw, en->sw.held.n - 1);
		return rc;
	}
	hold_now(en, name);
	log_info("pack", "%s: %s in quarantine, by an operator", name, place ? place : "all of it is");
	if (en->sw.held.n == before)
		buf_printf(out, "it is in quarantine already\n");
	return 0;
}

static bool meant(const struct quarantine *q, const char *place)
{
	struct pack_place p = { q->what, { q->file, q->line }, true };

	if (!place)
		return true;
	if (!*q->what || !strcmp(q->what, "main chunk"))
		return !strcmp(place, "main chunk") || !strcmp(place, "main");
	return place_is(&p, place);
}

int engine_pack_release(struct engine *en, const char *name, const char *place, const char *shipped_dir,
	struct buf *out, struct err *e)
{
	VEC(struct quarantine) taken = { 0 };
	int rc = 0;

	if (!known(en, name))
		return no_such_pack(en, &en->found, name, e);
	for (uint32_t i = 0; i < en->sw.held.n;) {
		struct quarantine q = en->sw.held.v[i];

		if (strcmp(q.pack, name) != 0 || !meant(&q, place)) {
			i++;
			continue;
		}
		vec_push(&taken, q);
		vec_remove(&en->sw.held, i);
	}
	if (!taken.n)
		return err_set(e, -ENOENT, "nothing%s%.64s of pack %s is in quarantine",
			place ? " like " : "", place ? place : "", name);
	rc = keep(en, e);
	/* It catches up with what it missed. */
	if (rc == 0 && script_rpack(en->script, name))
		rc = start(en, name, shipped_dir, "release", e);
	else if (rc == 0)
		buf_printf(out, "%s is disabled: it runs once it is enabled\n", name);
	vec_foreach (q, &taken) {
		if (rc < 0) {
			vec_push(&en->sw.held, *q);
			continue;
		}
		log_info("pack", "%s: %s released from quarantine by an operator", name,
			*q->what ? q->what : "all of it");
		free(q->pack);
		free(q->what);
		free(q->file);
		free(q->why);
	}
	vec_free(&taken);
	if (rc < 0)
		back(en);
	return rc;
}
