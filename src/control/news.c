// SPDX-License-Identifier: GPL-2.0-or-later
/* What JSON-RPC sessions subscribe to, and its delivery. */
#include <errno.h>
#include <string.h>

#include "base/jread.h"
#include "base/json.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "control/session.h"

#define NAMES_MAX  64u
#define NAME_BYTES 256u

static const struct {
	const char *param, *method;
	bool named; /* a list of names may stand for true */
} kinds[NEWS_N] = {
	[NEWS_EVENT] = { "events", "event", true },
	[NEWS_COMMIT] = { "commits", "commit", false },
	[NEWS_RUN] = { "runs", "run", true },
	[NEWS_MESSAGE] = { "topics", "message", true },
};

static void wish_free(struct wish *w)
{
	vec_foreach (name, &w->names)
		free(*name);
	vec_free(&w->names);
	w->on = false;
}

/* ---- subscribing ---- */

static int names_of(const char *param, const struct jval *list, struct wish *w, struct err *e)
{
	if (list->n > NAMES_MAX)
		return err_set(e, -EINVAL, "'%s' has more than %u names", param, NAMES_MAX);
	for (const struct jval *v = list->first; v; v = v->next) {
		const char *name = jval_text(v);

		if (!name || !*name || v->len > NAME_BYTES)
			return err_set(
				e, -EINVAL, "'%s' must hold names of 1 to %u bytes", param, NAME_BYTES);
		vec_push(&w->names, xstrdup(name));
	}
	w->on = w->names.n > 0;
	return 0;
}

static int wish_of(int kind, const struct jval *v, struct wish *w, struct err *e)
{
	if (v->type == J_ARRAY && kinds[kind].named)
		return names_of(kinds[kind].param, v, w, e);
	if (v->type != J_BOOL)
		return err_set(e, -EINVAL, "'%s' must be true%s or false, not %s", kinds[kind].param,
			kinds[kind].named ? ", a list of names" : "", jtype_word(v->type));
	w->on = v->yes;
	return 0;
}

static const char *param_at(void *ctx, size_t i)
{
	(void)ctx;
	return i < NEWS_N ? kinds[i].param : NULL;
}

static int wishes_of(const struct jval *params, struct wish *w, struct err *e)
{
	int rc = 0;

	if (!params || !params->n) {
		w[NEWS_EVENT].on = w[NEWS_COMMIT].on = true;
		return 0;
	}
	if (params->type != J_OBJECT)
		return err_set(e, -EINVAL, "'subscribe' takes its parameters by name");
	for (const struct jval *m = params->first; m && rc == 0; m = m->next) {
		const char *near;
		int i = 0;

		while (i < NEWS_N && strcmp(kinds[i].param, m->name) != 0)
			i++;
		if (i < NEWS_N) {
			rc = wish_of(i, m, &w[i], e);
			continue;
		}
		near = m->name_len <= 64 ? suggest(m->name, param_at, NULL) : NULL;
		return err_set(e, -EINVAL,
			near ? "'subscribe' has no such parameter; did you mean '%s'?"
			     : "'subscribe' knows events, commits, runs and topics",
			near);
	}
	return rc;
}

void news_end(struct session *s)
{
	for (int i = 0; i < NEWS_N; i++) {
		s->c->n_news[i] -= s->news[i].on;
		wish_free(&s->news[i]);
	}
}

int news_subscribe(struct session *s, const struct jval *params, struct err *e)
{
	struct wish w[NEWS_N] = { 0 };
	int rc = wishes_of(params, w, e);

	if (rc < 0) {
		for (int i = 0; i < NEWS_N; i++)
			wish_free(&w[i]);
		return rc;
	}
	news_end(s);
	memcpy(s->news, w, sizeof(w));
	for (int i = 0; i < NEWS_N; i++)
		s->c->n_news[i] += s->news[i].on;
	return 0;
}

void news_all(struct session *s)
{
	news_end(s);
	for (int i = 0; i < NEWS_N; i++) {
		s->news[i].on = true;
		s->c->n_news[i]++;
	}
}

void news_json(const struct session *s, struct json *j)
{
	json_open(j, NULL, '{');
	for (int i = 0; i < NEWS_N; i++) {
		const struct wish *w = &s->news[i];

		if (!w->names.n) {
			json_bool(j, kinds[i].param, w->on);
			continue;
		}
		json_open(j, kinds[i].param, '[');
		vec_foreach (name, &w->names)
			json_text(j, NULL, *name);
		json_close(j, ']');
	}
	json_close(j, '}');
}

/* ---- delivery ---- */

static bool wants(const struct session *s, enum control_news what, const char *name)
{
	const struct wish *w = &s->news[what];

	if (!w->on || !w->names.n)
		return w->on;
	vec_foreach (pattern, &w->names)
		if (glob_match(*pattern, name))
			return true;
	return false;
}

bool control_wanted(const struct control *c, enum control_news what, const char *name)
{
	for (const struct session *s = c && c->n_news[what] ? c->sessions : NULL; s; s = s->next)
		if (wants(s, what, name))
			return true;
	return false;
}

void control_notify(struct control *c, enum control_news what, const char *name, const struct buf *params)
{
	_buf_ struct buf line = BUF_INIT;
	struct session *next;

	buf_printf(&line, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":", kinds[what].method);
	buf_put(&line, params->s, params->n);
	buf_puts(&line, "}\n");
	for (struct session *s = c->n_news[what] ? c->sessions : NULL; s; s = next) {
		next = s->next;
		if (wants(s, what, name))
			session_notify(s, line.s, line.n);
	}
}
