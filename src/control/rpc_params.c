// SPDX-License-Identifier: GPL-2.0-or-later
/* The parameters of a JSON-RPC call, made the arguments of the text form: each command has one parser. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/jread.h"
#include "base/text.h"
#include "control/session.h"

static int wrong(const char *name, const char *want, const struct jval *v, struct err *e)
{
	return err_set(e, -EINVAL, "'%s' must be %s, not %s", name, want,
		v->type == J_STRING && !jval_text(v) ? "a string with NUL bytes" : jtype_word(v->type));
}

static int put_word(const char *name, const char *want, const struct jval *v, struct buf *args, struct err *e)
{
	const char *text = jval_text(v);

	if (!text)
		return wrong(name, want, v, e);
	client_quote(text, args);
	return 0;
}

static int put_words(const char *name, const struct jval *v, struct buf *args, struct err *e)
{
	static const char want[] = "a string, or an array of strings";
	int rc = 0;

	if (v->type != J_ARRAY)
		return put_word(name, want, v, args, e);
	for (const struct jval *w = v->first; w && rc == 0; w = w->next)
		rc = put_word(name, want, w, args, e);
	return rc;
}

/* NAME=VALUE as one word. */
static int put_pair(const char *name, const struct jval *m, struct buf *args, struct err *e)
{
	_buf_ struct buf word = BUF_INIT;
	bool plain = m->type == J_NUMBER || m->type == J_BOOL || jval_text(m);

	if (!m->name_len || memchr(m->name, 0, m->name_len) || strchr(m->name, '='))
		return err_set(
			e, -EINVAL, "'%s' has a name that is empty, or has a = or NUL byte in it", name);
	if (!plain)
		return wrong(m->name, "a string, a number, true or false", m, e);
	buf_printf(&word, "%s=%s", m->name, m->type == J_BOOL ? m->yes ? "true" : "false" : m->s);
	client_quote(buf_str(&word), args);
	return 0;
}

static int put_pairs(const char *name, const struct jval *v, struct buf *args, struct err *e)
{
	int rc = 0;

	if (v->type != J_OBJECT)
		return wrong(name, "an object", v, e);
	for (const struct jval *m = v->first; m && rc == 0; m = m->next)
		rc = put_pair(name, m, args, e);
	return rc;
}

static int put_number(const char *name, const struct jval *v, struct buf *args, struct err *e)
{
	_buf_ struct buf word = BUF_INIT;
	int64_t n;

	if (v->type != J_NUMBER)
		return wrong(name, "a number", v, e);
	if (!jval_int(v, 0, INT64_MAX, &n))
		return err_set(e, -EINVAL, "'%s' must be a whole number, 0 or more", name);
	buf_printf(&word, "%" PRId64, n);
	client_quote(buf_str(&word), args);
	return 0;
}

/* Behind -- nothing is an option, whatever the code begins with. */
static int put_code(const char *name, const struct jval *v, struct buf *args, struct err *e)
{
	const char *code = jval_text(v);

	if (!code)
		return wrong(name, "a string", v, e);
	if (args->n)
		buf_puts(args, " -- ");
	client_escape(code, args);
	return 0;
}

static int put(const struct control_param *p, const struct jval *v, struct buf *args, struct err *e)
{
	if (p->kind == PARAM_FLAG) {
		if (v->type != J_BOOL)
			return wrong(p->name, "true or false", v, e);
		if (v->yes)
			client_quote(p->option, args);
		return 0;
	}
	if (p->option)
		client_quote(p->option, args);
	switch (p->kind) {
	case PARAM_FLAG:
	case PARAM_WISH: break;
	case PARAM_TEXT: return put_word(p->name, "a string", v, args, e);
	case PARAM_NUMBER: return put_number(p->name, v, args, e);
	case PARAM_WORDS: return put_words(p->name, v, args, e);
	case PARAM_PAIRS: return put_pairs(p->name, v, args, e);
	case PARAM_CODE: return put_code(p->name, v, args, e);
	}
	return 0;
}

/* ---- which of them there are ---- */

static const char *name_at(void *ctx, size_t i)
{
	const struct control_param *params = ctx;

	return params[i].name;
}

static int known(const struct control_cmd *cmd, const struct jval *params, struct err *e)
{
	const struct control_param *all = cmd->params;
	uint32_t n = 0;

	while (all[n].name)
		n++;
	if (params->type == J_ARRAY)
		return params->n <= n ? 0
				      : err_set(e, -EINVAL, "'%s' takes at most %u parameters", cmd->name, n);
	for (const struct jval *m = params->first; m; m = m->next) {
		_buf_ struct buf shown = BUF_INIT;
		const char *near;
		uint32_t i = 0;

		while (i < n && strcmp(all[i].name, m->name) != 0)
			i++;
		if (i < n && strlen(m->name) == m->name_len)
			continue;
		near = m->name_len <= 64 ? suggest(m->name, name_at, (void *)all) : NULL;
		buf_escape(&shown, m->name, strnlen(m->name, 64));
		return err_set(e, -EINVAL, "'%s' has no parameter '%s'%s%s%s", cmd->name, buf_str(&shown),
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	return 0;
}

static const struct jval *given(const struct jval *params, const char *name, uint32_t at)
{
	const struct jval *v;

	if (params->type == J_OBJECT) {
		v = jval_get(params, name);
	} else {
		v = params->first;
		while (v && at--)
			v = v->next;
	}
	return v && v->type != J_NULL ? v : NULL;
}

static int by_table(const struct control_cmd *cmd, const struct jval *params, struct buf *args, struct err *e)
{
	int rc = known(cmd, params, e);

	for (uint32_t i = 0; rc == 0 && cmd->params[i].name; i++) {
		const struct control_param *p = &cmd->params[i];
		const struct jval *v = given(params, p->name, i);

		if (v)
			rc = put(p, v, args, e);
		else if (p->needed)
			rc = err_set(e, -EINVAL, "'%s' needs the parameter '%s'", cmd->name, p->name);
	}
	return rc;
}

/* A command without a table: its words, or its arguments as one text. */
static int by_words(const struct control_cmd *cmd, const struct jval *params, struct buf *args, struct err *e)
{
	const struct jval *v = params->type == J_ARRAY ? params : jval_get(params, "args");

	if (!params->n)
		return 0;
	if (!cmd->rest)
		return err_set(e, -EINVAL, "'%s' takes no parameters", cmd->name);
	if (!v || (params->type == J_OBJECT && params->n > 1))
		return err_set(e, -EINVAL, "'%s' takes one parameter, 'args': an array of words, or a string",
			cmd->name);
	if (v->type != J_STRING)
		return put_words("args", v, args, e);
	for (size_t i = 0; i < v->len; i++)
		if (((unsigned char)v->s[i] < 0x20 && v->s[i] != '\t') || v->s[i] == 0x7f)
			return err_set(e, -EINVAL, "'args' has control bytes in it");
	buf_printf(args, "%s%s", args->n ? " " : "", v->s);
	return 0;
}

int rpc_args(const struct control_cmd *cmd, const struct jval *params, struct buf *args, struct err *e)
{
	static const struct jval none = { .type = J_OBJECT };

	if (cmd->json)
		client_quote("--json", args);
	if (!params)
		params = &none;
	return cmd->params ? by_table(cmd, params, args, e) : by_words(cmd, params, args, e);
}
