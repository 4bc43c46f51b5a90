// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm status`, for people: what runs, what waits and why. */
#include <string.h>

#include "base/json.h"
#include "engine/core.h"
#include "nft/ruleset_disabled.h"

#define PENDING_MAX 200u /* of what waits, in one answer */

static void pack_line(void *ctx, const struct pack_status *p)
{
	struct buf *out = ctx;

	buf_printf(out,
		"pack %s: %s%s, order %d, %u statements, %u hooks%s%s%s, %u blocks, %u each, %u timers, %llu "
		"calls, %llu errors, %llu us in Lua, %zu KiB%s\n",
		p->name, p->state == PACK_BACKING_OFF ? "degraded, " : "", pack_state_name(p->state),
		p->order, p->statements, p->hooks, p->hooks ? " (" : "",
		p->hooks && p->hook_names ? p->hook_names : "", p->hooks ? ")" : "", p->blocks, p->eaches,
		p->timers, (unsigned long long)p->calls, (unsigned long long)p->errors,
		(unsigned long long)(p->time_ns / 1000), p->memory / 1024, p->trusted ? ", trusted" : "");
	if (p->last_error)
		buf_printf(out, "pack %s: last error: %s\n", p->name, p->last_error);
	if (p->backs_off)
		buf_printf(out, "pack %s: %sthe kernel refused some of it; tried again in %llu s%s\n",
			p->name, p->backoff.holds ? "backing off: " : "",
			(unsigned long long)((p->backoff.next_ms + 999) / 1000),
			p->backoff.holds ? ", and until then what the same lines state anew is not sent"
					 : "");
}

void engine_pending_text(const struct pending *p, struct buf *out)
{
	const char *family = nft_family_name(obj_family(p->obj));

	buf_puts(out, p->refused ? "refused: " : "pending: ");
	if (obj_kind(p->obj) == OBJ_TABLE)
		buf_printf(out, "table %s %s", family, obj_name(p->obj));
	else
		buf_printf(out, "%s in %s %s", obj_name(p->obj), family, obj_table(p->obj));
	buf_printf(out, ": %.*s (%s, %s:%u)", (int)strcspn(p->why, "\n"), p->why, p->pack, p->site.file,
		p->site.line);
}

struct waits {
	const struct answer *to;
	unsigned n;
};

static void pending_one(void *ctx, const struct pending *p)
{
	struct waits *w = ctx;

	if (++w->n > PENDING_MAX)
		return;
	if (w->to->json) {
		engine_pending_json(p, w->to->json);
		return;
	}
	engine_pending_text(p, w->to->text);
	buf_putc(w->to->text, '\n');
}

void engine_pending(struct engine *en, const struct answer *to)
{
	struct waits w = { to, 0 };
	unsigned more;

	if (to->json)
		json_open(to->json, "pending", '[');
	ruleset_pending(en->rs, pending_one, &w);
	if (to->json)
		json_close(to->json, ']');
	more = w.n > PENDING_MAX ? w.n - PENDING_MAX : 0;
	if (more && to->json)
		json_unsigned(to->json, "pending_left_out", more);
	else if (more)
		buf_printf(to->text, "pending: %u more\n", more);
}

void engine_status(struct engine *en, struct buf *out)
{
	struct ruleset_stats s = ruleset_stats(en->rs);
	uint32_t disabled, stated;

	buf_printf(out, "network: %u links, %u addresses, %u routes, %u rules, %u neighbours mirrored\n",
		mirror_count(en->mirror, NET_LINK), mirror_count(en->mirror, NET_ADDR),
		mirror_count(en->mirror, NET_ROUTE), mirror_count(en->mirror, NET_RULE),
		mirror_count(en->mirror, NET_NEIGH));
	buf_printf(out,
		"ruleset: %u tables, %u chains, %u rules, %u sets, %u objects, %u flowtables, %u elements, "
		"%u pending, %u refused\n",
		s.tables, s.chains, s.rules, s.sets, s.objects, s.flowtables, s.elements, s.pending,
		s.refused);
	buf_printf(out,
		"transactions: %llu, %llu commits, %llu failures, %llu events, mean %llu us, max %llu us\n",
		(unsigned long long)en->transactions, (unsigned long long)en->commits,
		(unsigned long long)en->failures, (unsigned long long)en->event_count,
		(unsigned long long)(en->commits ? en->sum_ns / en->commits / 1000 : 0),
		(unsigned long long)(en->max_ns / 1000));
	disabled = ruleset_disabled_count(en->rs, &stated);
	if (disabled)
		buf_printf(out, "disabled: %u rules, %u of them not stated now (rnm nft list disabled)\n",
			disabled, disabled - stated);
	drift_text(en, out);
	script_status(en->script, pack_line, out);
	engine_switched(en, "", out);
	engine_pending(en, &(struct answer){ .text = out });
	if (en->cfg)
		vec_foreach (n, &en->cfg->notes)
			buf_printf(out, "note: %s\n", *n);
}
