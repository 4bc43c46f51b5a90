// SPDX-License-Identifier: GPL-2.0-or-later
/* Work that takes long and changes nothing is done by a forked child, which has all memory as it is now; its
 * answer goes to the session when it comes. Events are served meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/xalloc.h"
#include "rnmd/daemon.h"

#define CHILD_S   20.
#define ASIDE_MAX 4u
#define BYTES_MAX (64u << 20)

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

/* It does not outlive the parent, whose lock it holds as well. */
static void child(struct daemon *d, aside_fn *fn, const void *arg, pid_t parent, int fd)
{
	_buf_ struct buf out = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	int rc;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	control_forked(d->control);
	rc = fn(d, arg, &out, &e);
	write_all(fd, (const char *)&rc, sizeof(rc));
	if (rc < 0)
		write_all(fd, err_text(&e), strlen(err_text(&e)));
	else
		write_all(fd, buf_str(&out), out.n);
	_exit(0);
}

/* ---- who waits for it ---- */

struct aside {
	struct daemon *d;
	struct aside *next;
	struct later *later; /* NULL: it was answered, or nobody waits any more */
	pid_t pid;
	int fd;
	struct buf got;
	ev_io io;
	ev_timer timeout;
	ev_child end;
};

static void aside_free(struct aside *l)
{
	struct aside **at = &l->d->asides;

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

static void answer(struct aside *l, int rc)
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
		err_set(&e, rc, "the answer did not come: %s", strerror(-rc));
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
	struct aside *l = io->data;
	char part[65536];
	ssize_t n = read(l->fd, part, sizeof(part));

	(void)loop, (void)revents;
	if (n > 0)
		buf_put(&l->got, part, (size_t)n);
	if (n > 0 && l->got.n > BYTES_MAX) {
		kill(l->pid, SIGKILL);
		answer(l, -EFBIG);
	}
	if (n == 0)
		answer(l, 0);
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		answer(l, -errno);
}

static void on_timeout(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct aside *l = t->data;

	(void)loop, (void)revents;
	kill(l->pid, SIGKILL);
	answer(l, -ETIMEDOUT);
}

static void on_end(struct ev_loop *loop, ev_child *c, int revents)
{
	struct aside *l = c->data;

	(void)loop, (void)revents;
	while (l->later && ev_is_active(&l->io)) /* the rest is in the pipe */
		on_part(loop, &l->io, EV_READ);
	aside_free(l);
}

/* Nobody waits for the answer any more. */
static void on_gone(void *ctx)
{
	struct aside *l = ctx;

	l->later = NULL;
	ev_io_stop(l->d->loop, &l->io);
	ev_timer_stop(l->d->loop, &l->timeout);
	kill(l->pid, SIGKILL); /* it is not reaped before it is freed here: nobody else has its number */
}

void asides_free(struct daemon *d)
{
	while (d->asides) {
		kill(d->asides->pid, SIGKILL);
		aside_free(d->asides);
	}
}

int aside(struct daemon *d, struct session *s, aside_fn *fn, const void *arg, struct err *e)
{
	pid_t pid, parent = getpid();
	struct aside *l;
	unsigned n = 0;
	int fds[2];

	for (l = d->asides; l; l = l->next)
		n++;
	if (n >= ASIDE_MAX)
		return err_set(e, -EBUSY, "%u answers are in the making; ask again later", n);
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set(e, -errno, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child(d, fn, arg, parent, fds[1]);
	}
	close(fds[1]);
	if (pid < 0) {
		int rc = -errno;

		close(fds[0]);
		return err_set(e, rc, "fork: %s", strerror(-rc));
	}
	l = xnew(struct aside);
	*l = (struct aside){ .d = d, .next = d->asides, .pid = pid, .fd = fds[0] };
	d->asides = l;
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
