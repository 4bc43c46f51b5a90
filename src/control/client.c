// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "control/control.h"
#include "control/frame.h"

#define ANSWER_LINE_MAX (32u << 20)

struct client {
	int fd;
	int until_fd;
	char *path;
	struct buf in;
	size_t pos; /* read of in */
};

static int refused(const char *path, int rc, struct err *e)
{
	switch (-rc) {
	case ENOENT:
		return err_set(e, rc,
			"no daemon: there is no socket '%s' (is rnmd running? 'systemctl start rnm')", path);
	case ECONNREFUSED:
		return err_set(e, rc,
			"no daemon: nobody answers at '%s' (rnmd is not running: 'systemctl start rnm')",
			path);
	case EACCES:
	case EPERM:
		return err_set(
			e, rc, "permission denied on '%s': it is for root, and for its group to read", path);
	default: return err_set(e, rc, "can not connect to '%s': %s", path, strerror(-rc));
	}
}

int client_open(const char *path, struct client **out, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	struct client *cl;
	int fd, rc;

	*out = NULL;
	if (!n || n >= sizeof(sa.sun_path))
		return err_set(e, -ENAMETOOLONG, "socket '%s': the path must have 1 to %zu bytes", path,
			sizeof(sa.sun_path) - 1);
	memcpy(sa.sun_path, path, n);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(e, -errno, "socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&sa, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1)) <
		0) {
		rc = refused(path, -errno, e);
		close(fd);
		return rc;
	}
	cl = xnew(struct client);
	cl->fd = fd;
	cl->until_fd = -1;
	cl->path = xstrdup(path);
	*out = cl;
	return 0;
}

void client_close(struct client *cl)
{
	if (!cl)
		return;
	close(cl->fd);
	buf_free(&cl->in);
	free(cl->path);
	free(cl);
}

void client_until(struct client *cl, int fd)
{
	cl->until_fd = fd;
}

static int wait_for(struct client *cl, short events, uint64_t until, struct err *e)
{
	struct pollfd p[] = { { .fd = cl->fd, .events = events }, { .fd = cl->until_fd, .events = POLLIN } };
	int rc;

	do {
		uint64_t now = mono_ns();

		rc = poll(p, ARRAY_SIZE(p),
			!until         ? -1
			: until <= now ? 0
				       : (int)((until - now) / 1000000 + 1));
	} while (rc < 0 && errno == EINTR);
	if (rc > 0 && p[1].revents)
		return err_set(e, -EINTR, "ended");
	if (rc > 0)
		return 0;
	if (rc == 0)
		return err_set(e, -ETIMEDOUT, "the daemon at '%s' does not answer", cl->path);
	return err_set(e, -errno, "waiting for '%s': %s", cl->path, strerror(errno));
}

static int send_all(struct client *cl, const char *p, size_t n, uint64_t until, struct err *e)
{
	while (n) {
		int rc = wait_for(cl, POLLOUT, until, e);
		ssize_t sent;

		if (rc < 0)
			return rc;
		sent = send(cl->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		/* a daemon that refuses says why before it closes: the answer is there to read */
		if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
			return 0;
		if (sent < 0)
			return err_set(e, -errno, "sending to '%s': %s", cl->path, strerror(errno));
		p += sent;
		n -= (size_t)sent;
	}
	return 0;
}

/* The next line, without its newline, valid until the next call. */
static int read_line(struct client *cl, char **line, uint64_t until, struct err *e)
{
	size_t seen = cl->pos;

	for (;;) {
		char *nl = cl->in.n > seen ? memchr(cl->in.s + seen, '\n', cl->in.n - seen) : NULL;
		char part[65536];
		ssize_t n;
		int rc;

		if (nl) {
			*nl = 0;
			*line = cl->in.s + cl->pos;
			cl->pos = (size_t)(nl - cl->in.s) + 1;
			return 0;
		}
		if (cl->pos) {
			memmove(cl->in.s, cl->in.s + cl->pos, cl->in.n - cl->pos);
			cl->in.n -= cl->pos;
			cl->pos = 0;
		}
		seen = cl->in.n;
		if (seen > ANSWER_LINE_MAX)
			return err_set(e, -EPROTO, "a line of the answer of '%s' is too long", cl->path);
		rc = wait_for(cl, POLLIN, until, e);
		if (rc < 0)
			return rc;
		n = recv(cl->fd, part, sizeof(part), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0 && errno != ECONNRESET)
			return err_set(e, -errno, "reading from '%s': %s", cl->path, strerror(errno));
		if (n <= 0)
			return err_set(e, -ECONNRESET,
				"the daemon at '%s' closed the connection before its answer ended", cl->path);
		buf_put(&cl->in, part, (size_t)n);
	}
}

int client_call(struct client *cl, const char *cmd, unsigned timeout_ms,
	bool (*line)(void *ctx, const char *text), void *ctx, struct err *e)
{
	uint64_t until = timeout_ms ? mono_ns() + timeout_ms * 1000000ull : 0;
	_autofree_ char *sent = NULL;
	int rc;

	if (strpbrk(cmd, "\r\n"))
		return err_set(e, -EINVAL, "a command is one line");
	if (strlen(cmd) > FRAME_LINE_MAX)
		return err_set(e, -E2BIG, "the command is longer than %u bytes", FRAME_LINE_MAX);
	sent = xasprintf("%s\n", cmd);
	rc = send_all(cl, sent, strlen(sent), until, e);
	while (rc == 0) {
		const char *text;
		char *got;

		rc = read_line(cl, &got, until, e);
		if (rc < 0)
			break;
		switch (frame_answer(got, &text)) {
		case ANSWER_PAYLOAD:
			if (line && !line(ctx, text))
				return err_set(e, -ECANCELED, "ended");
			break;
		case ANSWER_OK: return 0;
		case ANSWER_ERR: return err_set(e, -EREMOTEIO, "%s", text);
		case ANSWER_BAD: return err_set(e, -EPROTO, "'%s' does not speak rnm's protocol", cl->path);
		}
	}
	return rc;
}

int client_lines(struct client *cl, const char *text, bool (*line)(void *ctx, const char *text), void *ctx,
	struct err *e)
{
	_autofree_ char *sent = xasprintf("%s\n", text);
	int rc = send_all(cl, sent, strlen(sent), 0, e);
	bool more = true;
	char *got;

	while (rc == 0 && more) {
		rc = read_line(cl, &got, 0, e);
		if (rc == 0)
			more = line(ctx, got);
	}
	return rc;
}
