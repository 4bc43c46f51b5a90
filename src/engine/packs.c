// SPDX-License-Identifier: GPL-2.0-or-later
/* What follows from the configuration: limits, zones, and the packs that are to run. */
#include <stdio.h>
#include <string.h>

#include "base/paths.h"
#include "engine/core.h"

struct script_limits limits_of(const struct config *cfg)
{
	struct script_limits l = script_limits_default;

#define TAKE(to, from, factor)                                                                               \
	if (cfg->limits.from)                                                                                \
	l.to = (cfg->limits.from) * (factor)
	TAKE(hook_instructions, hook_instructions, 1);
	TAKE(main_instructions, main_instructions, 1);
	TAKE(hook_ns, hook_ms, 1000000u);
	TAKE(main_ns, main_ms, 1000000u);
	TAKE(memory, memory, 1);
	TAKE(statements, statements, 1);
	TAKE(timers, timers, 1);
	TAKE(emits, emits, 1);
#undef TAKE
	return l;
}

void set_zones(struct engine *en, const struct config *cfg)
{
	VEC(struct zone_rule) rules = { 0 };

	vec_foreach (i, &cfg->ifaces) {
		struct zone_rule r = { 0 };

		if (!i->zone)
			continue;
		snprintf(r.name, sizeof(r.name), "%s", i->name);
		snprintf(r.zone, sizeof(r.zone), "%s", i->zone);
		vec_push(&rules, r);
	}
	mirror_zones(en->mirror, rules.v, rules.n);
	vec_free(&rules);
}

/* What the configuration itself says is a pack too, before all others. */
static struct pack_spec config_pack(const struct config *cfg)
{
	struct pack_template *t = xcalloc(cfg->templates.n, sizeof(*t));
	struct pack_spec s = {
		.name = "config", .order = -1, .templates = t, .n_templates = cfg->templates.n
	};

	for (uint32_t i = 0; i < cfg->templates.n; i++) {
		const struct cfg_template *c = &cfg->templates.v[i];

		t[i] = (struct pack_template){ c->name, cfg->path, c->line, c->col,
			c->params.kind == CFG_NULL ? NULL : &c->params };
	}
	return s;
}

void set_templates(struct engine *en, const struct config *cfg)
{
	_autofree_ char *shipped = data_path("templates");
	const char *dirs[] = { cfg->template_dir ? cfg->template_dir : shipped, shipped, NULL };

	script_templates(en->script, dirs);
}

/* What of the pack's text as it is now is in quarantine. */
static void set_holds(struct engine *en, struct pack_spec *s)
{
	struct pack_hold *holds;

	s->source = pack_source(s);
	if (!switches_any_held(&en->sw, s->name))
		return;
	holds = xcalloc(en->sw.held.n, sizeof(*holds));
	vec_foreach (q, &en->sw.held)
		if (!strcmp(q->pack, s->name) && q->source == s->source)
			holds[s->n_holds++] = (struct pack_hold){ q->what, q->file, q->line };
	s->holds = holds;
}

int find_packs(struct engine *en, const struct config *cfg, const char *shipped, found_packs *found,
	pack_specs *specs, struct err *e)
{
	int rc = config_packs(cfg, shipped, found, e);

	if (rc < 0)
		return rc;
	if (cfg->templates.n)
		vec_push(specs, config_pack(cfg));
	vec_foreach (f, found) {
		struct pack_spec s = { .name = f->name, .path = f->path, .dir = f->dir, .order = f->order };

		if (f->cfg) {
			s.trusted = f->cfg->trusted;
			s.files = (const char *const *)f->cfg->files;
			s.config = f->cfg->config.kind == CFG_NULL ? NULL : &f->cfg->config;
		}
		if (!switches_off(&en->sw, f->name))
			vec_push(specs, s);
	}
	vec_foreach (s, specs)
		set_holds(en, s);
	return 0;
}

void packs_free(found_packs *found, pack_specs *specs)
{
	vec_foreach (s, specs) {
		free((void *)s->templates);
		free((void *)s->holds);
	}
	found_packs_free(found);
	vec_free(specs);
}
