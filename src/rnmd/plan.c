// SPDX-License-Identifier: GPL-2.0-or-later
/* `plan`: what would be sent now. Mostly that is known without asking the kernel, for every foreign change is
 * seen. Where it is not, or everything is to be read, a child process reads the kernel: reading takes what is
 * found for the state to go on from, and to look must change nothing. Events are served meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/json.h"
#include "base/xalloc.h"
#include "rnmd/daemon.h"

#define CHILD_S     20.
#define LOOKERS_MAX 4u
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

		if (w < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, -1);
		if (w < 0 && (errno == EINTR || errno == EAGAIN))
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
	control_forked(d->control);
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

/* ---- who waits for it ---- */

struct looker {
	struct daemon *d;
	struct looker *next;
	struct later *later; /* NULL: it was answered, or nobody waits any more */
	pid_t pid;
	int fd;
	struct buf got;
	ev_io io;
	ev_timer timeout;
	ev_child end;
};

static void look_free(struct looker *l)
{
	struct looker **at = &l->d->lookers;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	ev_io_stop(l->d->loop, &l->io);
	ev_timer_stop(l->d->loop, &l->timeout);
	ev_child_stop(l->d->loop, &l->end);
	close(l->fd);
	buf_free(&l->got);
	free(l);
}

static void answer(struct looker *l, int rc)
{
	_buf_ struct buf out = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct later *later = l->later;
	int said = 0;

	ev_io_stop(l->d->loop, &l->io);
	ev_timer_stop(l->d->loop, &l->timeout);
	if (!later)
		return;
	if (rc == 0 && l->got.n < sizeof(said))
		rc = -EIO;
	if (rc < 0) {
		err_set(&e, rc, "reading the kernel's tables back: %s", strerror(-rc));
	} else {
		memcpy(&said, l->got.s, sizeof(said));
		rc = said;
		if (rc < 0)
			err_set(&e, rc, "%s", l->got.s + sizeof(said));
		else
			buf_put(&out, l->got.s + sizeof(said), l->got.n - sizeof(said));
	}
	l->later = NULL;
	control_answer(later, rc, &out, &e);
}

static void on_part(struct ev_loop *loop, ev_io *io, int revents)
{
	struct looker *l = io->data;
	char part[65536];
	ssize_t n = read(l->fd, part, sizeof(part));

	(void)loop, (void)revents;
	if (n > 0)
		buf_put(&l->got, part, (size_t)n);
	else if (n == 0)
		answer(l, 0);
	else if (errno != EINTR && errno != EAGAIN)
		answer(l, -errno);
}

static void on_timeout(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct looker *l = t->data;

	(void)loop, (void)revents;
	kill(l->pid, SIGKILL);
	answer(l, -ETIMEDOUT);
}

static void on_end(struct ev_loop *loop, ev_child *c, int revents)
{
	struct looker *l = c->data;

	(void)loop, (void)revents;
	while (l->later && ev_is_active(&l->io)) /* the rest is in the pipe */
		on_part(loop, &l->io, EV_READ);
	look_free(l);
}

/* Nobody waits for the answer any more. */
static void on_gone(void *ctx)
{
	struct looker *l = ctx;

	l->later = NULL;
	ev_io_stop(l->d->loop, &l->io);
	ev_timer_stop(l->d->loop, &l->timeout);
	kill(l->pid, SIGKILL); /* it is not reaped before its looker is freed: nobody else has its number */
}

void plan_free_lookers(struct daemon *d)
{
	while (d->lookers) {
		kill(d->lookers->pid, SIGKILL);
		look_free(d->lookers);
	}
}

static int look(struct daemon *d, struct session *s, const struct asked *a, struct err *e)
{
	pid_t pid, parent = getpid();
	struct looker *l;
	unsigned n = 0;
	int fds[2];

	for (l = d->lookers; l; l = l->next)
		n++;
	if (n >= LOOKERS_MAX)
		return err_set(e, -EBUSY, "%u others have the kernel read now; ask again later", n);
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set(e, -errno, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child(d, a, parent, fds[1]);
	}
	close(fds[1]);
	if (pid < 0) {
		int rc = -errno;

		close(fds[0]);
		return err_set(e, rc, "fork: %s", strerror(-rc));
	}
	l = xnew(struct looker);
	*l = (struct looker){ .d = d, .next = d->lookers, .pid = pid, .fd = fds[0] };
	d->lookers = l;
	ev_io_init(&l->io, on_part, l->fd, EV_READ);
	ev_timer_init(&l->timeout, on_timeout, CHILD_S, 0.);
	ev_child_init(&l->end, on_end, pid, 0);
	l->io.data = l->timeout.data = l->end.data = l;
	ev_now_update(d->loop);
	ev_io_start(d->loop, &l->io);
	ev_timer_start(d->loop, &l->timeout);
	ev_child_start(d->loop, &l->end);
	l->later = session_later(s, on_gone, l);
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
		return look(d, s, &a, e);
	return show(d, &a, false, out, e);
}
