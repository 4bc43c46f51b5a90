// SPDX-License-Identifier: GPL-2.0-or-later
/* What status.c tells people, for programs. */
#include <string.h>

#include "base/json.h"
#include "engine/core.h"
#include "nft/ruleset_disabled.h"

void engine_pending_json(const struct pending *p, struct json *j)
{
	json_open(j, NULL, '{');
	json_text(j, "state", p->refused ? "refused" : "pending");
	json_text(j, "kind", obj_kind_word(obj_kind(p->obj)));
	json_text(j, "family", nft_family_name(obj_family(p->obj)));
	json_text(j, "table", obj_table(p->obj));
	json_text(j, "name", obj_name(p->obj));
	json_text(j, "why", p->why);
	json_text(j, "pack", p->pack);
	json_text(j, "file", p->site.file);
	json_unsigned(j, "line", p->site.line);
	json_close(j, '}');
}

static void counts(struct engine *en, struct json *j)
{
	struct ruleset_stats s = ruleset_stats(en->rs);
	uint32_t stated, disabled = ruleset_disabled_count(en->rs, &stated);

	json_open(j, "network", '{');
	json_unsigned(j, "links", mirror_count(en->mirror, NET_LINK));
	json_unsigned(j, "addresses", mirror_count(en->mirror, NET_ADDR));
	json_unsigned(j, "routes", mirror_count(en->mirror, NET_ROUTE));
	json_unsigned(j, "rules", mirror_count(en->mirror, NET_RULE));
	json_unsigned(j, "neighbours", mirror_count(en->mirror, NET_NEIGH));
	json_close(j, '}');
	json_open(j, "ruleset", '{');
	json_unsigned(j, "tables", s.tables);
	json_unsigned(j, "chains", s.chains);
	json_unsigned(j, "rules", s.rules);
	json_unsigned(j, "sets", s.sets);
	json_unsigned(j, "objects", s.objects);
	json_unsigned(j, "flowtables", s.flowtables);
	json_unsigned(j, "elements", s.elements);
	json_unsigned(j, "pending", s.pending);
	json_unsigned(j, "refused", s.refused);
	json_unsigned(j, "disabled", disabled);
	json_unsigned(j, "disabled_not_stated", disabled - stated);
	json_close(j, '}');
	json_open(j, "transactions", '{');
	json_unsigned(j, "count", en->transactions);
	json_unsigned(j, "commits", en->commits);
	json_unsigned(j, "failures", en->failures);
	json_unsigned(j, "events", en->event_count);
	json_unsigned(j, "mean_us", en->commits ? en->sum_ns / en->commits / 1000 : 0);
	json_unsigned(j, "max_us", en->max_ns / 1000);
	json_close(j, '}');
}

/* What others changed and is not put right, one text each. */
static void drift_json(struct engine *en, struct json *j)
{
	static const char prefix[] = "drift: ";
	_buf_ struct buf text = BUF_INIT;

	drift_text(en, &text);
	json_open(j, "drift", '[');
	for (char *line = buf_str(&text), *end; *line; line = end + 1) {
		end = strchr(line, '\n');
		*end = '\0';
		json_text(j, NULL, line + strlen(prefix));
	}
	json_close(j, ']');
}

void engine_status_json(struct engine *en, struct json *j)
{
	counts(en, j);
	packs_json(en, "packs", j);
	engine_pending(en, &(struct answer){ .json = j });
	drift_json(en, j);
	json_open(j, "notes", '[');
	if (en->cfg)
		vec_foreach (n, &en->cfg->notes)
			json_text(j, NULL, *n);
	json_close(j, ']');
}
