// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "control/frame.h"
#include "control/session.h"

static int help(const struct control_cmd *cmds, struct buf *out)
{
	for (; cmds->name; cmds++) {
		bool args = cmds->args && *cmds->args;

		buf_printf(out, "%s%s%s  %s%s\n", cmds->name, args ? " " : "", args ? cmds->args : "",
			cmds->help, cmds->read ? "" : "  (root only)");
	}
	buf_puts(out, "help  this list\n");
	return 0;
}

const struct control_cmd *command_find(const struct session *s, const char *name)
{
	for (const struct control_cmd *cmd = s->c->cmds; cmd->name; cmd++)
		if (!strcmp(cmd->name, name))
			return cmd;
	return NULL;
}

static const char *name_at(void *ctx, size_t i)
{
	static const char *const more[] = { "help", "subscribe", "unsubscribe" };
	const struct session *s = ctx;
	const struct control_cmd *cmds = s->c->cmds;
	size_t n = 0;

	while (cmds[n].name)
		n++;
	if (i < n)
		return cmds[i].name;
	return i - n < (s->json ? ARRAY_SIZE(more) : 1) ? more[i - n] : NULL;
}

int command_unknown(const struct session *s, const char *name, struct err *e)
{
	const char *near = strlen(name) <= 64 ? suggest(name, name_at, (void *)s) : NULL;
	const char *what = s->json ? "method" : "command";
	_buf_ struct buf shown = BUF_INIT;

	buf_escape(&shown, name, strnlen(name, 64));
	if (near)
		return err_set(
			e, -EINVAL, "unknown %s '%s'; did you mean '%s'?", what, buf_str(&shown), near);
	return err_set(e, -EINVAL, "unknown %s '%s'; 'help' lists them", what, buf_str(&shown));
}

static size_t waiting(const struct control *c)
{
	size_t n = 0;

	for (const struct session *s = c->sessions; s; s = s->next)
		n += s->out.n - s->out_pos;
	return n;
}

int command_allowed(const struct session *s, const struct control_cmd *cmd, struct err *e)
{
	if (!cmd->read && s->peer != PEER_ALL)
		return err_set(e, -EACCES, "permission denied: '%s' is for root", cmd->name);
	if (waiting(s->c) > (s->peer == PEER_ALL ? PENDING_MAX : PENDING_OTHER_MAX))
		return err_set(e, -EBUSY, "too many answers wait for slow readers; ask again later");
	return 0;
}

int command_call(
	struct session *s, const struct control_cmd *cmd, const char *args, struct buf *out, struct err *e)
{
	bool whole = !*args || (cmd->json && !strcmp(args, "--json"));
	int rc;

	if (!cmd->rest && !whole)
		return err_set(
			e, -EINVAL, "'%s' takes no arguments%s", cmd->name, cmd->json ? " but --json" : "");
	s->busy = true;
	rc = cmd->run(s->c->ctx, s, args, out, e);
	s->busy = false;
	if (s->later)
		s->later->cmd = cmd;
	return command_checked(rc, out, e);
}

int command_checked(int rc, struct buf *out, struct err *e)
{
	if (out->n > ANSWER_MAX) {
		err_free(e);
		rc = err_set(e, -EFBIG, "the answer of %zu bytes is larger than %u", out->n, ANSWER_MAX);
		buf_clear(out);
	}
	if (rc < 0 && !e->text)
		err_set(e, rc, "%s", strerror(-rc));
	return rc < 0 ? rc : 0;
}

static int run(struct session *s, const char *name, const char *args, struct buf *out, struct err *e)
{
	const struct control_cmd *cmd;
	int rc;

	if (!strcmp(name, "help"))
		return help(s->c->cmds, out);
	cmd = command_find(s, name);
	if (!cmd)
		return command_unknown(s, name, e);
	rc = command_allowed(s, cmd, e);
	return rc < 0 ? rc : command_call(s, cmd, args, out, e);
}

void command_answer(struct later *later, int rc, struct buf *payload, const struct err *e)
{
	frame_payload(&later->s->out, buf_str(payload), payload->n);
	frame_end(&later->s->out, rc, e);
}

void command_run(struct session *s, const char *line, size_t len)
{
	_autofree_ char *copy = xstrndup(line, len);
	_buf_ struct buf payload = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	char *name, *args;
	int rc;

	frame_split(copy, &name, &args);
	rc = run(s, name, args, &payload, &e);
	if (s->later)
		return;
	if (rc < 0 && s->lines) {
		s->c->n_lines--;
		s->c->n_records -= s->records;
		s->lines = s->records = false;
	}
	frame_payload(&s->out, buf_str(&payload), payload.n);
	if (!s->lines)
		frame_end(&s->out, rc, &e);
}
