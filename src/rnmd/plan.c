// SPDX-License-Identifier: GPL-2.0-or-later
/* `plan`: what would be sent now. Mostly that is known without asking the kernel, for every foreign change is
 * seen. Where it is not, or everything is to be read, a child process reads the kernel: reading takes what is
 * found for the state to go on from, and to look must change nothing. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/json.h"
#include "rnmd/daemon.h"

#define CHILD_NS 20000000000ull
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

/* ---- the child ---- */

static void write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			_exit(1);
		p += w;
		n -= (size_t)w;
	}
}

/* A socket of its own, as answers to the parent's must not get lost in it. It does not outlive the parent,
 * whose lock it holds as well. */
static void child(struct daemon *d, const struct asked *a, pid_t parent, int fd)
{
	_buf_ struct buf out = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	int rc = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	d->conn = nft_conn_new("rnm", &e);
	if (d->conn)
		nft_conn_looks(d->conn); /* the parent's own tables are no others' */
	else
		rc = e.code ? e.code : -EPERM;
	if (rc == 0)
		rc = show(d, a, true, &out, &e);
	write_all(fd, (const char *)&rc, sizeof(rc));
	if (rc < 0)
		write_all(fd, err_text(&e), strlen(err_text(&e)));
	else
		write_all(fd, buf_str(&out), out.n);
	_exit(0);
}

/* All that comes, until the end or until then. */
static int read_all(int fd, uint64_t until, struct buf *out)
{
	for (;;) {
		uint64_t now = mono_ns();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int rc = now < until ? poll(&p, 1, (int)((until - now) / 1000000) + 1) : 0;
		char part[65536];
		ssize_t n;

		if (rc == 0)
			return -ETIMEDOUT;
		n = rc > 0 ? read(fd, part, sizeof(part)) : -1;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0)
			buf_put(out, part, (size_t)n);
	}
}

static int from_child(struct daemon *d, const struct asked *a, struct buf *out, struct err *e)
{
	_buf_ struct buf got = BUF_INIT;
	pid_t pid, parent = getpid();
	int fds[2], rc, said = 0;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(e, -errno, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child(d, a, parent, fds[1]);
	}
	close(fds[1]);
	if (pid < 0) {
		rc = -errno;
		close(fds[0]);
		return err_set(e, rc, "fork: %s", strerror(-rc));
	}
	rc = read_all(fds[0], mono_ns() + CHILD_NS, &got);
	close(fds[0]);
	if (rc < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (rc == 0 && got.n < sizeof(said))
		rc = -EIO;
	if (rc < 0)
		return err_set(e, rc, "reading the kernel's tables back: %s", strerror(-rc));
	memcpy(&said, got.s, sizeof(said));
	if (said < 0)
		return err_set(e, said, "%s", got.s + sizeof(said));
	buf_put(out, got.s + sizeof(said), got.n - sizeof(said));
	return 0;
}

/* ---- */

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
		return from_child(d, &a, out, e);
	return show(d, &a, false, out, e);
}
