// SPDX-License-Identifier: GPL-2.0-or-later
/* `plan`: what would be sent now. Mostly that is known without asking the kernel, for every foreign change is
 * seen. Where it is not, or everything is to be read, a child process reads the kernel: reading takes what is
 * found for the state to go on from, and to look must change nothing. Events are served meanwhile. */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "rnmd/daemon.h"

#define UNSURE_LINE                                                                                          \
	"# others changed own tables, or something of them, and it is not put right: root is told what\n"

struct asked {
	bool json, read, root, unsure;
};

static int show(struct daemon *d, const struct asked *a, bool child, struct buf *out, struct err *e)
{
	struct json j = { out, false };
	struct plan_view view = { .text = out, .json = a->json ? &j : NULL, .max = JSON_MAX };
	int rc;

	if (a->json) {
		json_open(&j, NULL, '{');
		json_bool(&j, "compared", child || !a->unsure);
	} else if (a->unsure && !child) {
		buf_puts(out, UNSURE_LINE);
	}
	rc = child ? engine_plan_read(d->engine, a->read, &view, e) : engine_plan(d->engine, &view, e);
	if (a->json) {
		json_close(&j, '}');
		buf_putc(out, '\n');
	}
	return rc;
}

/* In a child. A socket of its own, as answers to the parent's must not get lost in it. */
static int look(struct daemon *d, const void *arg, struct buf *out, struct err *e)
{
	d->conn = nft_conn_new("rnm", e);
	if (!d->conn)
		return e->code ? e->code : -EPERM;
	nft_conn_looks(d->conn); /* the parent's own tables are no others' */
	return show(d, arg, true, out, e);
}

int cmd_plan(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	struct daemon *d = ctx;
	struct asked a = { .root = session_may_all(s) };

	for (;;) {
		if (command_option(&args, "--json"))
			a.json = true;
		else if (command_option(&args, "--read"))
			a.read = true;
		else
			break;
	}
	if (args[strspn(args, " \t")])
		return err_set(e, -EINVAL, "'plan' takes no arguments but --json and --read");
	if (a.read && !a.root)
		return err_set(e, -EACCES, "permission denied: 'plan --read' is for root");
	a.unsure = engine_unsure(d->engine);
	if (a.root && (a.read || a.unsure))
		return aside(d, s, look, &a, e);
	return show(d, &a, false, out, e);
}
