// SPDX-License-Identifier: GPL-2.0-or-later
#include "engine/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/jread.h"
#include "base/json.h"
#include "base/text.h"
#include "net/reccode.h"

#define FORMAT      "record 1"
#define VALUES_MAX  8192 /* of one line */
#define LINES_MAX   4000000u
#define PAIRS_MAX   64u
#define TIME_MAX_NS INT64_MAX

/* Names of the members; "?" in front: may be missing. */
static const struct {
	const char *name, *s[5], *n[3];
	bool rec;
} shapes[REC_N] = {
	[REC_HAVE] = { .name = "have", .rec = true },
	[REC_PACK] = { "pack", { "pack" }, { "source" }, false },
	[REC_TIMER] = { "timer", { "pack", "file" }, { "line", "due", "every" }, false },
	[REC_SWITCHES] = { "switches", { "text" }, { NULL }, false },
	[REC_STATE] = { "state", { "pack", "text" }, { NULL }, false },
	[REC_EDIT] = { "edit", { "pack", "set", "key", "?data", "?comment" }, { "timeout", "left" }, false },
	[REC_RULESET] = { "ruleset", { "text" }, { NULL }, false },
	[REC_BEGIN] = { .name = "begin" },
	[REC_SET] = { .name = "set", .rec = true },
	[REC_DEL] = { .name = "del", .rec = true },
	[REC_RESYNC] = { "resync", { "reason" }, { NULL }, false },
	[REC_END] = { .name = "end" },
	[REC_WAKE] = { .name = "wake" },
	[REC_MESSAGE] = { "message", { "topic" }, { NULL }, false },
	[REC_EVAL] = { "eval", { "code", "?pack" }, { NULL }, false },
	[REC_RELOAD] = { .name = "reload" },
	[REC_SWITCH] = { "switch", { "verb", "pack", "?place" }, { NULL }, false },
	[REC_FILE] = { "file", { "path" }, { NULL }, false },
	[REC_COMMIT] = { "commit", { "origin", "event", "text", "?error" }, { "sum", "operations" }, false },
	[REC_LOST] = { "lost", { NULL }, { "n" }, false },
};

/* ---- writing ---- */

static struct json begin(struct buf *out, uint64_t t, enum rec_do what)
{
	struct json j = { out, false };

	json_open(&j, NULL, '{');
	json_unsigned(&j, "t", t);
	json_text(&j, "do", shapes[what].name);
	return j;
}

void recording_put(struct buf *out, uint64_t t, enum rec_do what, const char *const *s, const uint64_t *n)
{
	struct json j = begin(out, t, what);

	for (unsigned i = 0; i < 5 && shapes[what].s[i]; i++)
		if (s[i])
			json_text(&j, shapes[what].s[i] + (*shapes[what].s[i] == '?'), s[i]);
	for (unsigned i = 0; i < 3 && shapes[what].n[i]; i++)
		json_unsigned(&j, shapes[what].n[i], n[i] & INT64_MAX);
	json_close(&j, '}');
}

void recording_put_rec(struct buf *out, uint64_t t, enum rec_do what, const struct net_rec *r)
{
	struct json j = begin(out, t, what);

	json_text(&j, "kind", net_kind_name(r->kind));
	json_open(&j, "record", '{');
	net_rec_write(r, &j);
	json_close(&j, '}');
	json_close(&j, '}');
}

void recording_put_message(
	struct buf *out, uint64_t t, const char *topic, const char *const *kv, uint32_t n_kv)
{
	struct json j = begin(out, t, REC_MESSAGE);

	json_text(&j, "topic", topic);
	json_open(&j, "data", '{');
	for (uint32_t i = 0; i < n_kv; i++)
		json_text(&j, kv[2 * i], kv[2 * i + 1]);
	json_close(&j, '}');
	json_close(&j, '}');
}

void recording_put_head(struct buf *out, uint64_t t, double wall, unsigned kinds, const char *path,
	const char *config, size_t n)
{
	struct json j = { out, false };

	json_open(&j, NULL, '{');
	json_text(&j, "rnm", FORMAT);
	json_unsigned(&j, "t", t);
	json_unsigned(&j, "wall", (uint64_t)(wall * 1000));
	json_open(&j, "kinds", '[');
	for (unsigned k = 0; k < NET_KINDS; k++)
		if (kinds & 1u << k)
			json_text(&j, NULL, net_kind_name((enum net_kind)k));
	json_close(&j, ']');
	json_text(&j, "path", path);
	json_bytes(&j, "config", config, n);
	json_close(&j, '}');
}

/* ---- reading ---- */

static int kind_of(const char *name)
{
	for (int k = 0; name && k < NET_KINDS; k++)
		if (!strcmp(name, net_kind_name((enum net_kind)k)))
			return k;
	return -1;
}

static bool number(const struct jval *v, const char *name, int64_t max, uint64_t *out)
{
	const struct jval *m = jval_get(v, name);
	int64_t n;

	if (!m || !jval_int(m, 0, max, &n))
		return false;
	*out = (uint64_t)n;
	return true;
}

static int read_head(const struct jval *v, struct recording *r, uint64_t *t0, struct err *e)
{
	const struct jval *kinds = jval_get(v, "kinds");
	const char *format = jval_text(jval_get(v, "rnm")), *path = jval_text(jval_get(v, "path")),
		   *config = jval_text(jval_get(v, "config"));
	uint64_t wall;

	if (!format || strncmp(format, "record ", 7) != 0)
		return err_set(e, -EINVAL, "this is no recording of rnm: \"rnm\":\"" FORMAT "\" is missing");
	if (strcmp(format, FORMAT) != 0)
		return err_set(
			e, -EINVAL, "the recording is of another version (%.20s), expected " FORMAT, format);
	if (!number(v, "t", TIME_MAX_NS, t0) || !number(v, "wall", INT64_MAX / 2000000, &wall) || !path ||
		!config || !kinds || kinds->type != J_ARRAY || kinds->n > NET_KINDS)
		return err_set(e, -EINVAL, "expected \"t\", \"wall\", \"kinds\", \"path\" and \"config\"");
	for (const struct jval *k = kinds->first; k; k = k->next) {
		int kind = kind_of(jval_text(k));

		if (kind < 0)
			return err_set(e, -EINVAL, "\"kinds\": unknown kind %.*s",
				k->raw_len < 40 ? (int)k->raw_len : 40, k->raw);
		r->kinds |= 1u << kind;
	}
	r->wall = (double)wall / 1000;
	r->path = xstrdup(path);
	r->config = xstrdup(config);
	return 0;
}

static int read_pairs(const struct jval *v, struct rec_line *l, struct err *e)
{
	const struct jval *data = jval_get(v, "data");

	if (!data || data->type != J_OBJECT || data->n > PAIRS_MAX)
		return err_set(e, -EINVAL, "\"data\": expected an object of at most %u texts", PAIRS_MAX);
	l->kv = xcalloc(2 * data->n + 1, sizeof(*l->kv));
	for (const struct jval *m = data->first; m; m = m->next) {
		const char *text = jval_text(m);

		if (!text || !*m->name || strlen(m->name) != m->name_len)
			return err_set(e, -EINVAL, "\"data\": expected texts");
		l->kv[2 * l->n_kv] = xstrdup(m->name);
		l->kv[2 * l->n_kv + 1] = xstrdup(text);
		l->n_kv++;
	}
	return 0;
}

/* What may hold any bytes; the rest are names. */
static bool any_bytes(const char *name)
{
	static const char *const free_texts[] = { "text", "code", "error", "event", "key", "data",
		"comment" };

	for (size_t i = 0; i < ARRAY_SIZE(free_texts); i++)
		if (!strcmp(name, free_texts[i]))
			return true;
	return false;
}

static int read_members(const struct jval *v, struct rec_line *l, struct err *e)
{
	for (unsigned i = 0; i < 5 && shapes[l->what].s[i]; i++) {
		bool may = *shapes[l->what].s[i] == '?';
		const char *name = shapes[l->what].s[i] + may;
		const struct jval *m = jval_get(v, name);
		const char *text = m ? jval_text(m) : NULL;

		if (m ? !text : !may)
			return err_set(e, -EINVAL, "\"%s\": expected a text", name);
		if (text && *text && !any_bytes(name) && !text_is_clean(text, strlen(text)))
			return err_set(e, -EINVAL, "\"%s\": has control bytes", name);
		l->s[i] = text ? xstrdup(text) : NULL;
	}
	for (unsigned i = 0; i < 3 && shapes[l->what].n[i]; i++)
		if (!number(v, shapes[l->what].n[i], INT64_MAX, &l->n[i]))
			return err_set(e, -EINVAL, "\"%s\": expected a number", shapes[l->what].n[i]);
	return l->what == REC_MESSAGE ? read_pairs(v, l, e) : 0;
}

static int read_rec(const struct jval *v, struct rec_line *l, struct err *e)
{
	const struct jval *rec = jval_get(v, "record");
	int kind = kind_of(jval_text(jval_get(v, "kind")));

	if (kind < 0 || !rec)
		return err_set(e, -EINVAL, "expected \"kind\" and \"record\"");
	l->kind = (enum net_kind)kind;
	l->rec = net_rec_read(l->kind, rec, e);
	return l->rec ? 0 : -EINVAL;
}

static void line_free(struct rec_line *l)
{
	net_rec_free(l->rec);
	for (unsigned i = 0; i < ARRAY_SIZE(l->s); i++)
		free(l->s[i]);
	for (uint32_t i = 0; i < 2 * l->n_kv; i++)
		free(l->kv[i]);
	free(l->kv);
}

struct place { /* where in its grammar the recording is */
	uint64_t t0, last;
	bool running, batch; /* behind the state; between begin and end */
};

static int fits(const struct rec_line *l, struct place *at, struct err *e)
{
	bool inside = l->what == REC_SET || l->what == REC_DEL || l->what == REC_RESYNC || l->what == REC_END;

	if (l->what == REC_HAVE && at->running) /* what is asked for first may be asked for anywhere */
		return 0;
	if (l->what <= REC_RULESET && at->running)
		return err_set(e, -EINVAL, "\"%s\" belongs to the beginning", shapes[l->what].name);
	at->running |= l->what > REC_RULESET;
	if (l->what != REC_LOST && inside != at->batch)
		return err_set(e, -EINVAL, "\"%s\" %s", shapes[l->what].name,
			inside ? "without \"begin\" before it" : "between \"begin\" and \"end\"");
	if (l->what == REC_BEGIN || l->what == REC_END)
		at->batch = l->what == REC_BEGIN;
	return 0;
}

static int read_line(const struct jval *v, struct rec_line *l, struct place *at, struct err *e)
{
	const char *what = jval_text(jval_get(v, "do"));
	int rc;

	while (l->what < REC_N && (!what || strcmp(what, shapes[l->what].name) != 0))
		l->what++;
	if (l->what == REC_N)
		return err_set(e, -EINVAL, "\"do\": unknown");
	l->t = at->last;
	if (l->what != REC_LOST && (!number(v, "t", TIME_MAX_NS, &l->t) || l->t < at->last))
		return err_set(e, -EINVAL, "\"t\": expected a time that is not before the last one");
	at->last = l->t;
	l->t -= at->t0;
	rc = fits(l, at, e);
	if (rc == 0)
		rc = shapes[l->what].rec ? read_rec(v, l, e) : read_members(v, l, e);
	return rc;
}

static int read_one(
	const char *text, size_t n, unsigned nr, struct recording *r, struct place *at, struct err *e)
{
	struct rec_line l = { .line = nr };
	struct jdoc doc = { 0 };
	int rc = jread(text, n, VALUES_MAX, &doc, e);

	if (rc == 0 && doc.root->type != J_OBJECT)
		rc = err_set(e, -EINVAL, "expected an object");
	if (rc == 0 && nr == 1)
		rc = read_head(doc.root, r, &at->t0, e);
	else if (rc == 0)
		rc = read_line(doc.root, &l, at, e);
	if (nr == 1)
		at->last = at->t0;
	jdoc_free(&doc);
	if (rc < 0 || nr == 1) {
		line_free(&l);
		return rc;
	}
	if (l.what <= REC_RULESET && !at->running)
		r->first = r->v.n + 1;
	vec_push(&r->v, l);
	return 0;
}

int recording_read(const char *text, size_t n, struct recording *r, struct err *e)
{
	struct place at = { 0 };
	unsigned nr = 0;
	int rc = 0;

	memset(r, 0, sizeof(*r));
	while (n && rc == 0) {
		const char *end = memchr(text, '\n', n);
		size_t len = end ? (size_t)(end - text) : n;

		nr++;
		if (!end)
			rc = err_set(e, -EINVAL, "the line is cut off");
		else if (nr > LINES_MAX)
			rc = err_set(e, -EFBIG, "more than %u lines", LINES_MAX);
		else
			rc = read_one(text, len, nr, r, &at, e);
		text += len + (end != NULL);
		n -= len + (end != NULL);
	}
	if (rc == 0 && !nr)
		rc = err_set(e, -EINVAL, "it is empty");
	else if (rc == 0 && at.batch)
		rc = err_set(e, -EINVAL, "it ends between \"begin\" and \"end\"");
	if (rc < 0 && nr && e)
		err_prefix(e, "line %u: ", nr);
	return rc;
}

void recording_free(struct recording *r)
{
	vec_foreach (l, &r->v)
		line_free(l);
	vec_free(&r->v);
	free(r->path);
	free(r->config);
	r->path = r->config = NULL;
}
