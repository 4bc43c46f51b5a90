// SPDX-License-Identifier: GPL-2.0-or-later
/* JSON-RPC 2.0: one request of a connection that speaks it, and its answer. */
#include <errno.h>
#include <string.h>

#include "base/jread.h"
#include "base/json.h"
#include "base/xalloc.h"
#include "control/session.h"

#define VALUES_MAX 16384u /* of a request */

enum rpc_error {
	RPC_PARSE = -32700,
	RPC_INVALID = -32600,
	RPC_NO_METHOD = -32601,
	RPC_PARAMS = -32602,
	RPC_FAILED = -32000,
	RPC_FORBIDDEN = -32001,
	RPC_REFUSED = -32002,   /* by the kernel */
	RPC_NOT_NOW = -32003,   /* ask again later */
	RPC_NOT_THERE = -32004, /* what was asked about */
	RPC_TOO_LARGE = -32005,
};

struct request {
	struct session *s;
	const char *id; /* as it stood; NULL: a notification, which is not answered */
	size_t id_len;
	struct json j;
	size_t begin; /* of the answer, in what the session sends */
};

/* ---- answers ---- */

static void answer_open(struct request *r)
{
	r->begin = r->s->out.n;
	r->j = (struct json){ &r->s->out, false };
	json_open(&r->j, NULL, '{');
	json_text(&r->j, "jsonrpc", "2.0");
	json_raw(&r->j, "id", r->id, r->id_len);
}

static void answer_close(struct request *r)
{
	json_close(&r->j, '}');
	buf_putc(&r->s->out, '\n');
}

static void lines_of(struct json *j, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		json_bytes(j, NULL, text, n);
		text += n + (text[n] != 0);
	}
}

static bool digits(const char **p)
{
	const char *from = *p;

	*p += strspn(*p, "0123456789");
	return *p > from && *p - from < 10;
}

/* FILE:LINE: or FILE:LINE:COL: somewhere in a message. */
static void place_of(struct json *j, const char *text)
{
	for (const char *p = text; *p; p += *p != 0) {
		size_t n = strcspn(p, " \t\n:");
		const char *at = p + n, *line = at + 1, *col = NULL;

		if (n && *at == ':') {
			at = line;
			if (digits(&at) && *at == ':') {
				const char *more = at + 1;

				if (digits(&more) && *more == ':')
					col = at + 1;
				json_bytes(j, "file", p, n);
				json_raw(j, "line", line, strspn(line, "0123456789"));
				if (col)
					json_raw(j, "column", col, strspn(col, "0123456789"));
				return;
			}
		}
		p += n;
		if (!*p)
			return;
	}
}

static void error(struct request *r, enum rpc_error code, const struct err *e, const char *payload)
{
	const char *text = err_text(e), *rest = strchr(text, '\n'), *name = strerrorname_np(-e->code);
	struct json *j = &r->j;

	if (!r->id)
		return;
	answer_open(r);
	json_open(j, "error", '{');
	json_num(j, "code", code);
	json_bytes(j, "message", text, rest ? (size_t)(rest - text) : strlen(text));
	json_open(j, "data", '{');
	json_text(j, "errno", name);
	place_of(j, text);
	if (*payload || rest) {
		json_open(j, "lines", '[');
		lines_of(j, payload);
		lines_of(j, rest ? rest + 1 : "");
		json_close(j, ']');
	}
	json_close(j, '}');
	json_close(j, '}');
	answer_close(r);
}

static void plain_error(struct request *r, enum rpc_error code, const char *message)
{
	struct json *j = &r->j;

	if (!r->id)
		return;
	answer_open(r);
	json_open(j, "error", '{');
	json_num(j, "code", code);
	json_text(j, "message", message);
	json_close(j, '}');
	answer_close(r);
}

static void result(struct request *r, const struct control_cmd *cmd, struct buf *payload)
{
	struct json *j = &r->j;
	size_t n = payload->n;

	if (!r->id)
		return;
	while (n && payload->s[n - 1] == '\n')
		n--;
	answer_open(r);
	if (cmd->json && n && !memchr(payload->s, '\n', n)) {
		json_raw(j, "result", payload->s, n);
	} else {
		json_open(j, "result", '{');
		json_lines(j, "lines", buf_str(payload));
		json_close(j, '}');
	}
	answer_close(r);
	if (r->s->out.n - r->begin > ANSWER_MAX) {
		r->s->out.n = r->begin;
		plain_error(r, RPC_TOO_LARGE, "the answer is larger than 16 MiB");
	}
}

static enum rpc_error code_of(int rc)
{
	switch (-rc) {
	case EBADMSG: return RPC_REFUSED;
	case EAGAIN:
	case EBUSY: return RPC_NOT_NOW;
	case ENOENT: return RPC_NOT_THERE;
	case EFBIG:
	case E2BIG: return RPC_TOO_LARGE;
	default: return RPC_FAILED;
	}
}

static void answer(
	struct request *r, const struct control_cmd *cmd, int rc, struct buf *payload, const struct err *e)
{
	if (rc < 0)
		error(r, code_of(rc), e, buf_str(payload));
	else
		result(r, cmd, payload);
}

/* ---- methods ---- */

static const char *const kind_words[] = {
	[PARAM_TEXT] = "string",
	[PARAM_NUMBER] = "number",
	[PARAM_FLAG] = "boolean",
	[PARAM_WORDS] = "string or array",
	[PARAM_PAIRS] = "object",
	[PARAM_CODE] = "string",
	[PARAM_WISH] = "boolean or array",
};

static void params_help(struct json *j, const struct control_cmd *cmd)
{
	static const struct control_param words[] = { { "args", PARAM_WORDS, NULL, false },
		{ NULL, 0, NULL, false } };
	const struct control_param *p = cmd->params ? cmd->params : cmd->rest ? words : words + 1;

	json_open(j, "params", '[');
	for (; p->name; p++) {
		json_open(j, NULL, '{');
		json_text(j, "name", p->name);
		json_text(j, "type", kind_words[p->kind]);
		json_bool(j, "needed", p->needed);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void methods_help(struct json *j, const struct control_cmd *cmd)
{
	for (; cmd->name; cmd++) {
		json_open(j, NULL, '{');
		json_text(j, "name", cmd->name);
		params_help(j, cmd);
		json_text(j, "help", cmd->help);
		json_bool(j, "root", !cmd->read);
		json_close(j, '}');
	}
}

/* Methods that the text form has not. */
static const struct control_param wishes[] = {
	{ "events", PARAM_WISH, NULL, false },
	{ "commits", PARAM_FLAG, NULL, false },
	{ "runs", PARAM_WISH, NULL, false },
	{ "topics", PARAM_WISH, NULL, false },
	{ NULL, 0, NULL, false },
};
static const struct control_cmd own[] = {
	{ "subscribe", "", "notifications of these from now on", true, false, NULL, true, wishes },
	{ "unsubscribe", "", "no notifications any more", true, false, NULL, true, NULL },
	{ "help", "", "this list", true, false, NULL, true, NULL },
	{ NULL, NULL, NULL, false, false, NULL, false, NULL },
};

static void help(struct request *r)
{
	struct json *j = &r->j;

	if (!r->id)
		return;
	answer_open(r);
	json_open(j, "result", '{');
	json_open(j, "methods", '[');
	methods_help(j, r->s->c->cmds);
	methods_help(j, own);
	json_close(j, ']');
	json_close(j, '}');
	answer_close(r);
}

static void subscribe(struct request *r, const struct jval *params, bool on)
{
	_buf_ struct buf text = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct json j = { &text, false };
	static const struct control_cmd shape = { .json = true };

	if (!on)
		news_end(r->s);
	if (on && news_subscribe(r->s, params, &e) < 0)
		return error(r, RPC_PARAMS, &e, "");
	news_json(r->s, &j);
	result(r, &shape, &text);
}

static void call(struct request *r, const char *method, const struct jval *params)
{
	_buf_ struct buf args = BUF_INIT, payload = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	const struct control_cmd *cmd = command_find(r->s, method);
	int rc;

	if (!cmd) {
		command_unknown(r->s, method, &e);
		return error(r, RPC_NO_METHOD, &e, "");
	}
	rc = command_allowed(r->s, cmd, &e);
	if (rc < 0)
		return error(r, rc == -EACCES ? RPC_FORBIDDEN : code_of(rc), &e, "");
	rc = rpc_args(cmd, params, &args, &e);
	if (rc < 0)
		return error(r, RPC_PARAMS, &e, "");
	rc = command_call(r->s, cmd, buf_str(&args), &payload, &e);
	if (r->s->later)
		r->s->later->id = r->id ? xstrndup(r->id, r->id_len) : NULL;
	else
		answer(r, cmd, rc, &payload, &e);
}

void rpc_answer(struct later *later, int rc, struct buf *payload, const struct err *e)
{
	struct request r = { .s = later->s, .id = later->id, .id_len = later->id ? strlen(later->id) : 0 };

	answer(&r, later->cmd, rc, payload, e);
}

static void run(struct request *r, const struct jval *root)
{
	const struct jval *id = jval_get(root, "id"), *params = jval_get(root, "params");
	const char *version = jval_text(jval_get(root, "jsonrpc"));
	const char *method = jval_text(jval_get(root, "method"));

	if (root->type == J_ARRAY)
		return plain_error(r, RPC_INVALID, "batches are not taken: send one object a line");
	if (root->type != J_OBJECT)
		return plain_error(r, RPC_INVALID, "a request is an object");
	if (id && id->type != J_STRING && id->type != J_NUMBER && id->type != J_NULL)
		return plain_error(r, RPC_INVALID, "\"id\" must be a string, a number or null");
	if (id) {
		r->id = id->raw;
		r->id_len = id->raw_len;
	}
	if (!version || strcmp(version, "2.0") != 0)
		return plain_error(r, RPC_INVALID, "\"jsonrpc\" must be \"2.0\"");
	if (!method)
		return plain_error(r, RPC_INVALID, "\"method\" must be a string");
	if (!id)
		r->id = NULL;
	if (params && params->type != J_OBJECT && params->type != J_ARRAY)
		return plain_error(r, RPC_PARAMS, "\"params\" must be an object or an array");
	if (!strcmp(method, "help"))
		help(r);
	else if (!strcmp(method, "subscribe") || !strcmp(method, "monitor"))
		subscribe(r, params, true);
	else if (!strcmp(method, "unsubscribe"))
		subscribe(r, params, false);
	else
		call(r, method, params);
}

void rpc_run(struct session *s, const char *line, size_t len)
{
	struct request r = { .s = s, .id = "null", .id_len = 4 };
	_err_ struct err e = ERR_INIT;
	struct jdoc doc;
	int rc = jread(line, len, VALUES_MAX, &doc, &e);

	if (rc == 0) {
		run(&r, doc.root);
	} else {
		err_prefix(&e, rc == -E2BIG ? "the request is too large: " : "no JSON: ");
		plain_error(&r, rc == -E2BIG ? RPC_INVALID : RPC_PARSE, err_text(&e));
	}
	jdoc_free(&doc);
}

void rpc_give_up(struct session *s, const char *message)
{
	struct request r = { .s = s, .id = "null", .id_len = 4 };

	plain_error(&r, RPC_PARSE, message);
}
