// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands of the prompt: running code, seeing what it left, taking it back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "rnmd/daemon.h"

/* A number of /proc/PID/NAME; UINT32_MAX: not set, or not to be had. */
static uint32_t proc_number(pid_t pid, const char *name)
{
	char path[64], text[16] = "";
	uint64_t v;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	_autoclose_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return UINT32_MAX;
	text[strcspn(text, "\n")] = '\0';
	return parse_u64(text, UINT32_MAX, &v) ? (uint32_t)v : UINT32_MAX;
}

/* One operator is one login: all that comes from one login shell, by whatever process. Where nobody counts
 * logins it is the terminal's session (0: one that was begun outside of this pid namespace, as by nsenter or
 * a container's exec), and for what can not be seen from here the connection. */
struct operator operator_of(const struct session *s)
{
	enum { BY_CONNECTION, BY_TERMINAL, BY_LOGIN } by = BY_CONNECTION;
	struct session_peer p = session_peer(s);
	struct operator who = { .uid = p.uid, .login = UINT32_MAX, .pid = p.pid };
	uint32_t id = UINT32_MAX;

	if (p.pid > 0) {
		pid_t sid;

		who.login = proc_number(p.pid, "loginuid");
		id = proc_number(p.pid, "sessionid");
		by = BY_LOGIN;
		if (id == UINT32_MAX && (sid = getsid(p.pid)) >= 0) {
			id = (uint32_t)sid;
			by = BY_TERMINAL;
		}
	}
	if (id == UINT32_MAX) {
		id = (uint32_t)p.serial;
		by = BY_CONNECTION;
	}
	who.key = (uint64_t)by << 62 | (uint64_t)(p.uid & 0x3fffffff) << 32 | id;
	return who;
}

struct eval_args {
	bool json;
	struct eval_request rq; /* without pack and code */
	struct buf pack, code;
};

static int eval_args(const char *args, struct eval_args *a, struct err *e)
{
	bool any = false;

	for (;; any = true) {
		if (command_option(&args, "--json")) {
			a->json = true;
		} else if (command_option(&args, "--dry-run")) {
			a->rq.dry = true;
		} else if (command_option(&args, "--read-only")) {
			a->rq.read_only = true;
		} else if (command_option(&args, "--colour")) {
			a->rq.colours = true;
		} else if (command_option(&args, "--pack")) {
			buf_clear(&a->pack);
			if (control_word(&args, &a->pack, e) <= 0 || !a->pack.n)
				return err_set(e, -EINVAL, "--pack needs the name of a pack");
		} else {
			break;
		}
	}
	if (any)
		command_option(&args, "--"); /* alone it would be a comment */
	args += strspn(args, " \t");
	if (!*args)
		return err_set(e, -EINVAL, "eval needs CODE, such as: eval return 1 + 1");
	control_unescape(args, &a->code);
	return 0;
}

int cmd_eval(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	struct daemon *d = ctx;
	struct eval_args a = { 0 };
	_buf_ struct buf text = BUF_INIT;
	_buf_ struct buf plan = BUF_INIT;
	struct json j = { out, false }, pj = { &plan, false };
	const struct plan_view view = { .json = &pj, .max = JSON_MAX };
	int rc = eval_args(args, &a, e);

	json_open(&pj, NULL, '{');
	a.rq.who = operator_of(s);
	a.rq.pack = a.pack.n ? buf_str(&a.pack) : NULL;
	a.rq.code = buf_str(&a.code);
	a.rq.n = a.code.n;
	if (rc == 0 && !a.rq.dry && !a.rq.read_only)
		record_step(d, REC_EVAL, a.rq.code, a.rq.pack, NULL);
	if (rc == 0)
		rc = engine_eval(d->engine, &a.rq, a.json ? &view : NULL, a.json ? &text : out, e);
	if (rc == 0 && a.json) {
		json_open(&j, NULL, '{');
		json_lines(&j, "lines", buf_str(&text));
		json_close(&pj, '}');
		if (a.rq.dry)
			json_raw(&j, "plan", plan.s, plan.n);
		json_close(&j, '}');
		buf_putc(out, '\n');
	}
	buf_free(&a.pack);
	buf_free(&a.code);
	return rc;
}

static void delta_entry(void *ctx, const struct eval_info *i)
{
	time_t at = (time_t)i->time;
	struct tm tm;
	char when[32] = "";

	if (localtime_r(&at, &tm))
		strftime(when, sizeof(when), "%F %T", &tm);
	buf_printf(ctx, "# #%u %s, uid %u", i->id, when, i->who.uid);
	if (i->who.login != UINT32_MAX && i->who.login != i->who.uid)
		buf_printf(ctx, " (login %u)", i->who.login);
	buf_printf(ctx, " pid %d", i->who.pid);
	if (strcmp(i->pack, "console") != 0)
		buf_printf(ctx, ", in %s", i->pack);
	buf_printf(ctx, ": %s\n%s", i->note, i->text);
}

static void delta_json(void *ctx, const struct eval_info *i)
{
	struct json *j = ctx;

	json_open(j, NULL, '{');
	json_unsigned(j, "id", i->id);
	json_seconds(j, "time", i->time);
	json_unsigned(j, "uid", i->who.uid);
	if (i->who.login != UINT32_MAX)
		json_unsigned(j, "login", i->who.login);
	json_num(j, "pid", i->who.pid);
	json_text(j, "pack", i->pack);
	json_text(j, "code", i->note);
	json_lines(j, "delta", i->text);
	json_close(j, '}');
}

int cmd_delta(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	const struct script *script = engine_script(((struct daemon *)ctx)->engine);
	struct json j = { out, false };

	(void)s, (void)e;
	if (!command_option(&args, "--json")) {
		script_evals(script, delta_entry, out);
		return 0;
	}
	json_open(&j, NULL, '{');
	json_open(&j, "evals", '[');
	script_evals(script, delta_json, &j);
	json_close(&j, ']');
	json_close(&j, '}');
	buf_putc(out, '\n');
	return 0;
}

static int undo_args(const char *args, struct undo_request *rq, struct err *e)
{
	_buf_ struct buf what = BUF_INIT;
	int rc = control_word(&args, &what, e);
	const char *w = buf_str(&what);
	uint64_t n;

	if (rc <= 0)
		return rc;
	if (!strcmp(w, "all")) {
		rq->what = UNDO_ALL;
		return 0;
	}
	rq->what = *w == '#' ? UNDO_ID : UNDO_LAST;
	if (!parse_u64(w + (*w == '#'), UINT32_MAX, &n) || !n)
		return err_set(
			e, -EINVAL, "'%s': expected how many of your own, the #ID of one of them, or all", w);
	rq->n = (uint32_t)n;
	return 0;
}

int cmd_undo(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	struct daemon *d = ctx;
	struct undo_request rq = { .who = operator_of(s), .what = UNDO_LAST, .n = 1 };
	bool json = command_option(&args, "--json");
	_buf_ struct buf text = BUF_INIT;
	struct json j = { &text, false };
	int rc = undo_args(args, &rq, e);

	if (json)
		json_open(&j, NULL, '{');
	if (rc == 0)
		rc = engine_undo(d->engine, &rq, &(struct answer){ &text, json ? &j : NULL }, e);
	if (json)
		json_close(&j, '}');
	if (rc == 0)
		buf_printf(out, "%s%s", buf_str(&text), json ? "\n" : "");
	return rc;
}

int cmd_complete(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	struct daemon *d = ctx;
	bool json = command_option(&args, "--json");
	_buf_ struct buf pack = BUF_INIT, text = BUF_INIT;
	struct json j = { out, false };
	struct completion c;

	(void)s;
	if (command_option(&args, "--pack") && (control_word(&args, &pack, e) <= 0 || !pack.n))
		return err_set(e, -EINVAL, "--pack needs the name of a pack");
	control_unescape(*args == ' ' ? args + 1 : args, &text);
	script_complete(engine_script(d->engine), pack.n ? buf_str(&pack) : NULL, buf_str(&text), text.n, &c);
	if (json) {
		json_open(&j, NULL, '{');
		json_unsigned(&j, "from", c.from);
		json_open(&j, "words", '[');
		vec_foreach (w, &c.words)
			json_text(&j, NULL, *w);
		json_close(&j, ']');
		json_unsigned(&j, "more", c.more);
		json_close(&j, '}');
		buf_putc(out, '\n');
	} else {
		buf_printf(out, "%zu %u\n", c.from, c.more);
		vec_foreach (w, &c.words) {
			buf_visible(out, *w, strlen(*w));
			buf_putc(out, '\n');
		}
	}
	completion_free(&c);
	return 0;
}
