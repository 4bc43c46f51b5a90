// SPDX-License-Identifier: GPL-2.0-or-later
/* What transactions were for: kept as it is, for nearly nobody ever asks. */
#include "engine/core.h"

struct kept_event {
	enum origin origin;
	char *event; /* NULL: none, or a network event */
	struct net_event first;
};

static void kept_text(void *ctx, struct buf *out)
{
	const struct kept_event *k = ctx;

	if (k->first.before || k->first.after) {
		net_event_text(&k->first, out);
		return;
	}
	buf_puts(out, origin_name(k->origin));
	if (k->event)
		buf_printf(out, " %s", k->event);
}

static void kept_free(void *ctx)
{
	struct kept_event *k = ctx;

	net_rec_free((struct net_rec *)k->first.before);
	net_rec_free((struct net_rec *)k->first.after);
	free(k->event);
	free(k);
}

static const struct event_note_ops kept_ops = { kept_text, kept_free };

void event_keep(struct engine *en)
{
	struct kept_event *k;

	if (!ruleset_event_named(en->rs))
		return;
	k = xnew(struct kept_event);
	k->origin = en->origin;
	k->event = en->event.n ? xstrdup(buf_str(&en->event)) : NULL;
	k->first = en->first;
	en->first.before = en->first.after = NULL;
	ruleset_event_note(en->rs, &(struct event_note){ &kept_ops, k });
}
