// SPDX-License-Identifier: GPL-2.0-or-later
/* One thing's origin, as a line and as JSON. */
#include <string.h>
#include <time.h>

#include "nft/model.h"
#include "nft/why.h"

struct origin_of { /* of a statement or of a hold on an element */
	const char *pack, *run;
	bool edit;
	struct site site, at; /* at: of the block, each or hook; line 0: none */
	struct past_text past;
	bool known; /* past */
};

static const char *const scope_words[] = {
	[SCOPE_MAIN] = "main chunk", [SCOPE_BLOCK] = "block", [SCOPE_EACH] = "each", [SCOPE_HOOK] = "hook"
};

static void of_scope(struct ruleset *rs, const struct scope *sc, struct origin_of *o)
{
	o->run = sc->what ? sc->what : scope_words[sc->kind];
	o->at = ruleset_site_get(rs, sc->site);
}

static void of_stmt(struct ruleset *rs, const struct stmt *st, struct origin_of *o)
{
	memset(o, 0, sizeof(*o));
	o->pack = stmt_pack(st)->name;
	o->site = ruleset_site_get(rs, st->site);
	of_scope(rs, st->sc, o);
	o->known = past_get(rs, st->past, &o->past);
}

static void of_member(struct ruleset *rs, const struct member *m, struct origin_of *o)
{
	const struct contrib *c = contrib_by_id(rs, m->contrib);

	memset(o, 0, sizeof(*o));
	o->pack = c->pk->name;
	o->site = ruleset_site_get(rs, m->site ? m->site : c->site);
	o->edit = c->kind == C_EDIT;
	if (c->st)
		of_scope(rs, c->st->sc, o);
	o->known = past_get(rs, m->past, &o->past);
	if (o->edit && o->known && o->past.run)
		o->run = o->past.run;
}

static void time_text(double at, struct buf *out)
{
	time_t t = (time_t)at;
	struct tm tm;
	char text[32];

	if (localtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		buf_puts(out, text);
}

static void visible(struct buf *out, const char *s)
{
	buf_visible(out, s, strlen(s));
}

static void line(struct origin_of *o, struct buf *out)
{
	buf_printf(out, "%s, %s:%u", o->pack, o->site.file, o->site.line);
	if (o->edit)
		buf_puts(out, ", added");
	if (o->run)
		buf_printf(out, "%s in %s", o->edit ? "" : ",", o->run);
	if (o->at.line)
		buf_printf(out, " at %s:%u", o->at.file, o->at.line);
	if (o->known) {
		buf_puts(out, ", since ");
		time_text(o->past.at, out);
		buf_puts(out, " by ");
		visible(out, buf_str(&o->past.event));
	} else {
		buf_puts(out, ", since long ago");
	}
	buf_putc(out, '\n');
	buf_free(&o->past.event);
}

void why_stmt(struct ruleset *rs, const struct stmt *st, struct buf *out)
{
	struct origin_of o;

	of_stmt(rs, st, &o);
	line(&o, out);
}

void why_member(struct ruleset *rs, const struct member *m, struct buf *out)
{
	struct origin_of o;

	of_member(rs, m, &o);
	line(&o, out);
}

static bool of_either(struct ruleset *rs, const struct stmt *st, const struct member *m, struct origin_of *o)
{
	if (m && m->contrib)
		of_member(rs, m, o);
	else if (st)
		of_stmt(rs, st, o);
	return (m && m->contrib) || st;
}

void why_behind(struct ruleset *rs, const struct stmt *st, const struct member *m, struct buf *out)
{
	struct origin_of o;

	if (!of_either(rs, st, m, &o))
		return;
	if (o.run)
		buf_printf(out, ", in %s", o.run);
	if (o.at.line)
		buf_printf(out, " at %s:%u", o.at.file, o.at.line);
	if (o.known) {
		buf_puts(out, ", by ");
		visible(out, buf_str(&o.past.event));
	}
	buf_free(&o.past.event);
}

void json_behind(struct json *j, struct ruleset *rs, const struct stmt *st, const struct member *m)
{
	struct origin_of o;

	if (!of_either(rs, st, m, &o))
		return;
	json_text(j, "run", o.run);
	if (o.at.line) {
		json_open(j, "run_where", '{');
		json_text(j, "file", o.at.file);
		json_unsigned(j, "line", o.at.line);
		json_close(j, '}');
	}
	if (o.known) {
		json_text(j, "event", buf_str(&o.past.event));
		json_seconds(j, "time", o.past.at);
	}
	buf_free(&o.past.event);
}

static void json(struct json *j, const char *name, struct origin_of *o)
{
	json_open(j, name, '{');
	json_text(j, "pack", o->pack);
	json_text(j, "file", o->site.file);
	json_unsigned(j, "line", o->site.line);
	json_text(j, "run", o->run);
	if (o->edit)
		json_bool(j, "edit", true);
	if (o->at.line) {
		json_text(j, "run_file", o->at.file);
		json_unsigned(j, "run_line", o->at.line);
	}
	if (o->known) {
		json_text(j, "event", buf_str(&o->past.event));
		json_seconds(j, "time", o->past.at);
	} else {
		json_text(j, "event", NULL);
		json_text(j, "time", NULL);
	}
	json_close(j, '}');
	buf_free(&o->past.event);
}

void json_stmt(struct json *j, const char *name, struct ruleset *rs, const struct stmt *st)
{
	struct origin_of o;

	of_stmt(rs, st, &o);
	json(j, name, &o);
}

void json_member(struct json *j, const char *name, struct ruleset *rs, const struct member *m)
{
	struct origin_of o;

	of_member(rs, m, &o);
	json(j, name, &o);
}
