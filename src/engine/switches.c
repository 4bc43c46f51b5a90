// SPDX-License-Identifier: GPL-2.0-or-later
#include "engine/switches.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/jread.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"

#define FORMAT     "rnm packs 1"
#define FILE_BYTES (4u << 20)
#define NAME_BYTES 63u
#define WHY_BYTES  200u
#define PLACE_MAX  4096u /* bytes of what is held, which is kept whole */
#define IN_A_ROW   3     /* deaths by what can not be caught … */
#define WITHIN_S   60    /* … in so many seconds */

static void held_free(struct quarantine *q)
{
	free(q->pack);
	free(q->what);
	free(q->file);
	free(q->why);
}

static void clear(struct switches *s)
{
	vec_foreach (o, &s->off)
		free(o->pack);
	vec_foreach (q, &s->held)
		held_free(q);
	vec_free(&s->off);
	vec_free(&s->held);
	vec_free(&s->deaths);
}

void switches_free(struct switches *s)
{
	clear(s);
	free(s->path);
	s->path = NULL;
}

/* ---- file ---- */

static void put_place(
	struct json *j, const char *pack, const char *what, const char *file, uint32_t line, uint64_t source)
{
	char hex[17];

	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)source);
	json_open(j, NULL, '{');
	json_text(j, "pack", pack);
	json_text(j, "what", what);
	json_text(j, "file", file);
	json_unsigned(j, "line", line);
	json_text(j, "source", hex);
}

void switches_text(const struct switches *s, struct buf *out)
{
	struct json j = { out, false };

	json_open(&j, NULL, '{');
	json_text(&j, "format", FORMAT);
	json_open(&j, "disabled", '[');
	vec_foreach (o, &s->off) {
		json_open(&j, NULL, '{');
		json_text(&j, "pack", o->pack);
		json_unsigned(&j, "since", (uint64_t)o->since);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_open(&j, "quarantined", '[');
	vec_foreach (q, &s->held) {
		put_place(&j, q->pack, q->what, q->file, q->line, q->source);
		json_unsigned(&j, "since", (uint64_t)q->since);
		json_text(&j, "why", q->why);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_open(&j, "deaths", '[');
	vec_foreach (d, &s->deaths) {
		put_place(&j, d->place.pack, d->place.what, d->place.file, d->place.line, d->place.source);
		json_unsigned(&j, "time", (uint64_t)d->time);
		json_num(&j, "signal", d->signal);
		json_unsigned(&j, "row", d->row);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
	buf_putc(out, '\n');
}

/* The text of a member: clean, of at most max bytes; NULL with e. */
static const char *text_of(const struct jval *v, const char *name, size_t max, bool empty, struct err *e)
{
	const struct jval *m = jval_get(v, name);
	const char *s = m ? jval_text(m) : NULL;

	if (s && (*s ? m->len <= max && text_is_clean(s, m->len) : empty))
		return s;
	err_set(e, -EINVAL, "\"%s\": expected a text of at most %zu printable bytes", name, max);
	return NULL;
}

static bool int_of(const struct jval *v, const char *name, int64_t max, int64_t *out, struct err *e)
{
	const struct jval *m = jval_get(v, name);

	if (m && jval_int(m, 0, max, out))
		return true;
	err_set(e, -EINVAL, "\"%s\": expected a number from 0 to %lld", name, (long long)max);
	return false;
}

static bool source_of(const struct jval *v, uint64_t *out, struct err *e)
{
	const char *s = text_of(v, "source", 16, false, e);
	char *end = NULL;

	if (!s)
		return false;
	*out = strtoull(s, &end, 16);
	if (strlen(s) == 16 && !*end && strspn(s, "0123456789abcdef") == 16)
		return true;
	err_set(e, -EINVAL, "\"source\": expected 16 hexadecimal digits");
	return false;
}

#define TIME_MAX (1ll << 40)

static int read_off(struct switches *s, const struct jval *v, struct err *e)
{
	const char *pack = text_of(v, "pack", NAME_BYTES, false, e);
	int64_t since;

	if (!pack || !int_of(v, "since", TIME_MAX, &since, e))
		return -EINVAL;
	switches_set_off(s, pack, true, (double)since);
	return 0;
}

static int read_place(const struct jval *v, struct blackbox_place *p, struct err *e)
{
	const char *pack = text_of(v, "pack", sizeof(p->pack) - 1, false, e);
	const char *what = text_of(v, "what", sizeof(p->what) - 1, true, e);
	const char *file = text_of(v, "file", sizeof(p->file) - 1, true, e);
	int64_t line;

	if (!pack || !what || !file || !int_of(v, "line", UINT32_MAX, &line, e) ||
		!source_of(v, &p->source, e))
		return -EINVAL;
	blackbox_text(p->pack, sizeof(p->pack), pack);
	blackbox_text(p->what, sizeof(p->what), what);
	blackbox_text(p->file, sizeof(p->file), file);
	p->line = (uint32_t)line;
	return 0;
}

static int read_held(struct switches *s, const struct jval *v, struct err *e)
{
	const char *why = text_of(v, "why", WHY_BYTES, false, e);
	const char *pack = text_of(v, "pack", NAME_BYTES, false, e);
	const char *what = text_of(v, "what", PLACE_MAX, true, e);
	const char *file = text_of(v, "file", PLACE_MAX, true, e);
	int64_t since, line;
	uint64_t source;

	if (!why || !pack || !what || !file || !int_of(v, "line", UINT32_MAX, &line, e) ||
		!source_of(v, &source, e) || !int_of(v, "since", TIME_MAX, &since, e))
		return -EINVAL;
	switches_hold(s, pack, what, file, (uint32_t)line, source, why, (double)since);
	return 0;
}

static int read_death(struct switches *s, const struct jval *v, struct err *e)
{
	struct death d;
	int64_t time, signal, row;

	if (read_place(v, &d.place, e) < 0 || !int_of(v, "time", TIME_MAX, &time, e) ||
		!int_of(v, "signal", 64, &signal, e) || !int_of(v, "row", UINT32_MAX, &row, e))
		return -EINVAL;
	d.time = (double)time;
	d.signal = (int)signal;
	d.row = (unsigned)row;
	vec_push(&s->deaths, d);
	return 0;
}

static int read_list(struct switches *s, const struct jval *root, const char *name, uint32_t max,
	int (*item)(struct switches *s, const struct jval *v, struct err *e), struct err *e)
{
	const struct jval *list = jval_get(root, name);
	unsigned i = 0;
	int rc = 0;

	if (!list || list->type != J_ARRAY || list->n > max)
		return err_set(e, -EINVAL, "\"%s\": expected a list of at most %u", name, max);
	for (const struct jval *v = list->first; rc == 0 && v; v = v->next, i++) {
		rc = item(s, v, e);
		if (rc < 0 && e)
			err_prefix(e, "%s[%u]: ", name, i);
	}
	return rc;
}

int switches_parse(struct switches *s, const char *text, size_t n, struct err *e)
{
	struct jdoc doc = { 0 };
	const char *format;
	int rc = jread(text, n, 20 * SWITCHES_MAX, &doc, e);

	if (rc == 0) {
		format = jval_text(jval_get(doc.root, "format"));
		if (!format || strcmp(format, FORMAT) != 0)
			rc = err_set(e, -EINVAL, "\"format\": expected \"" FORMAT "\"");
	}
	if (rc == 0)
		rc = read_list(s, doc.root, "disabled", SWITCHES_MAX, read_off, e);
	if (rc == 0)
		rc = read_list(s, doc.root, "quarantined", SWITCHES_MAX, read_held, e);
	if (rc == 0)
		rc = read_list(s, doc.root, "deaths", DEATHS_MAX, read_death, e);
	jdoc_free(&doc);
	if (rc < 0)
		clear(s);
	return rc;
}

int switches_load(struct switches *s, const char *dir, struct err *e)
{
	_buf_ struct buf text = BUF_INIT;
	int rc;

	clear(s);
	free(s->path);
	s->path = dir ? xasprintf("%s/packs", dir) : NULL;
	if (!dir)
		return 0;
	rc = file_read(s->path, FILE_BYTES, &text, e);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0) {
		rc = switches_parse(s, buf_str(&text), text.n, e);
		if (rc < 0 && e)
			err_prefix(e, "%s: ", s->path);
	}
	return rc;
}

int switches_save(const struct switches *s, struct err *e)
{
	_buf_ struct buf text = BUF_INIT;

	if (!s->path)
		return 0;
	switches_text(s, &text);
	return file_replace(s->path, buf_str(&text), text.n, e);
}

/* ---- what it holds ---- */

const struct pack_off *switches_off(const struct switches *s, const char *pack)
{
	vec_foreach (o, &s->off)
		if (!strcmp(o->pack, pack))
			return o;
	return NULL;
}

void switches_set_off(struct switches *s, const char *pack, bool off, double now)
{
	const struct pack_off *is = switches_off(s, pack);

	if (off && !is && s->off.n < SWITCHES_MAX) {
		vec_push(&s->off, (struct pack_off){ xstrdup(pack), now });
	} else if (!off && is) {
		free(is->pack);
		vec_remove(&s->off, (uint32_t)(is - s->off.v));
	}
}

bool switches_hold(struct switches *s, const char *pack, const char *what, const char *file, uint32_t line,
	uint64_t source, const char *why, double now)
{
	vec_foreach (q, &s->held)
		if (!strcmp(q->pack, pack) && !strcmp(q->what, what) && !strcmp(q->file, file) &&
			q->line == line) {
			q->source = source;
			return false;
		}
	if (s->held.n == SWITCHES_MAX)
		switches_release(s, 0);
	vec_push(&s->held, (struct quarantine){ xstrdup(pack), xstrdup(what), xstrdup(file), line, source,
				   now, xstrdup(why) });
	return true;
}

void switches_release(struct switches *s, uint32_t i)
{
	held_free(&s->held.v[i]);
	vec_remove(&s->held, i);
}

bool switches_any_held(const struct switches *s, const char *pack)
{
	vec_foreach (q, &s->held)
		if (!strcmp(q->pack, pack))
			return true;
	return false;
}

static bool same_place(const struct blackbox_place *a, const struct blackbox_place *b)
{
	return !strcmp(a->pack, b->pack) && !strcmp(a->what, b->what) && !strcmp(a->file, b->file) &&
	       a->line == b->line && a->source == b->source;
}

/* Ends of lives one after the other, for an operator's kill -9 now and then may hit anything. */
static bool again_and_again(const struct switches *s, double now)
{
	return vec_last(&s->deaths).row >= IN_A_ROW && s->deaths.n >= IN_A_ROW &&
	       now - s->deaths.v[s->deaths.n - IN_A_ROW].time <= WITHIN_S;
}

bool switches_died(
	struct switches *s, const struct blackbox_place *at, int signal, double now, struct buf *why)
{
	const char *name = signal ? sigabbrev_np(signal) : NULL;
	const struct death *before = s->deaths.n ? &vec_last(&s->deaths) : NULL;
	unsigned row = before && same_place(&before->place, at) ? before->row + 1 : 1;

	while (s->deaths.n >= DEATHS_MAX)
		vec_remove(&s->deaths, 0);
	vec_push(&s->deaths, (struct death){ *at, signal, row, now });
	if (!strcmp(at->what, "eval"))
		return false;
	if (name)
		buf_printf(why, "rnmd died in it by SIG%s", name);
	else if (again_and_again(s, now))
		buf_printf(why, "rnmd died in it %d times within %d seconds", IN_A_ROW, WITHIN_S);
	else
		return false;
	switches_hold(s, at->pack, at->what, at->file, at->line, at->source, buf_str(why), now);
	return true;
}

bool switches_lived(struct switches *s)
{
	bool news = s->deaths.n && vec_last(&s->deaths).row;

	if (news)
		vec_last(&s->deaths).row = 0;
	return news;
}
