// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "control/frame.h"
#include "control/session.h"

static const char *name_at(void *ctx, size_t i)
{
	const struct control_cmd *cmds = ctx;

	return cmds[i].name; /* the table ends with NULL */
}

static const struct control_cmd *find(const struct control_cmd *cmds, const char *name)
{
	for (; cmds->name; cmds++)
		if (!strcmp(cmds->name, name))
			return cmds;
	return NULL;
}

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

static int unknown(const struct control_cmd *cmds, const char *name, struct err *e)
{
	const char *near = strlen(name) <= 64 ? suggest(name, name_at, (void *)cmds) : NULL;
	_buf_ struct buf shown = BUF_INIT;

	buf_escape(&shown, name, strnlen(name, 64));
	if (near)
		return err_set(e, -EINVAL, "unknown command '%s'; did you mean '%s'?", buf_str(&shown), near);
	return err_set(e, -EINVAL, "unknown command '%s'; 'help' lists them", buf_str(&shown));
}

static size_t waiting(const struct control *c)
{
	size_t n = 0;

	for (const struct session *s = c->sessions; s; s = s->next)
		n += s->out.n - s->out_pos;
	return n;
}

static int run(struct session *s, const char *name, const char *args, struct buf *out, struct err *e)
{
	const struct control_cmd *cmd = find(s->c->cmds, name);

	if (!cmd && !strcmp(name, "help"))
		return help(s->c->cmds, out);
	if (!cmd)
		return unknown(s->c->cmds, name, e);
	if (!cmd->read && s->peer != PEER_ALL)
		return err_set(e, -EACCES, "permission denied: '%s' is for root", name);
	if (waiting(s->c) > (s->peer == PEER_ALL ? PENDING_MAX : PENDING_OTHER_MAX))
		return err_set(e, -EBUSY, "too many answers wait for slow readers; ask again later");
	if (!cmd->rest && *args)
		return err_set(e, -EINVAL, "'%s' takes no arguments", name);
	return cmd->run(s->c->ctx, s, args, out, e);
}

void command_run(struct session *s, const char *line, size_t len)
{
	_autofree_ char *copy = xstrndup(line, len);
	_buf_ struct buf payload = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	char *name, *args;
	int rc;

	frame_split(copy, &name, &args);
	s->busy = true;
	rc = run(s, name, args, &payload, &e);
	s->busy = false;
	if (payload.n > ANSWER_MAX) {
		err_free(&e);
		rc = err_set(&e, -EFBIG, "the answer of %zu bytes is larger than %u", payload.n, ANSWER_MAX);
		buf_clear(&payload);
	}
	if (rc < 0 && !e.text)
		err_set(&e, rc, "%s", strerror(-rc));
	if (rc < 0 && s->subscribed) {
		s->subscribed = false;
		s->c->n_subscribed--;
	}
	frame_payload(&s->out, buf_str(&payload), payload.n);
	if (!s->subscribed)
		frame_end(&s->out, rc < 0 ? rc : 0, &e);
}
