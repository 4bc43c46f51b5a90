// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "control/session.h"

#define DEFAULT_DIR   "/run/rnm"
#define ACCEPT_TURN   16u
#define BACKLOG       32
#define LOCK_TRIES    50 /* of 20 ms */
#define ANSWER_DENIED "ERR permission denied: this socket is for root and its group\n"
#define ANSWER_FULL   "ERR too many sessions\n"

/* ---- who may do what ---- */

static bool in_group(const struct control *c, int fd)
{
	socklen_t len = 0;
	gid_t *gids;
	bool found = false;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 || errno != ERANGE || !len)
		return false;
	gids = xmalloc(len); /* the kernel bounds it: 65,536 groups */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gids, &len) == 0)
		for (size_t i = 0; i < len / sizeof(*gids) && !found; i++)
			found = gids[i] == c->gid;
	free(gids);
	return found;
}

static enum peer peer_of(const struct control *c, int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || len != sizeof(cred))
		return PEER_REFUSED;
	if (cred.uid == 0 || cred.uid == geteuid())
		return PEER_ALL;
	if (c->have_gid && (cred.gid == c->gid || in_group(c, fd)))
		return PEER_READER;
	return PEER_REFUSED;
}

/* ---- accepting ---- */

/* Room for one more: for root the session that was idle the longest makes way. */
static bool make_room(struct control *c, enum peer peer)
{
	struct session *idle = NULL;

	if (peer != PEER_ALL && c->n_other >= SESSIONS_OTHER_MAX)
		return false;
	if (c->n_all < SESSIONS_MAX)
		return true;
	if (peer != PEER_ALL)
		return false;
	for (struct session *s = c->sessions; s; s = s->next)
		if (!s->busy && !s->later && (!idle || s->active < idle->active))
			idle = s;
	if (!idle)
		return false;
	session_free(idle);
	return true;
}

static void accepted(struct control *c, int fd)
{
	enum peer peer = peer_of(c, fd);

	if (!make_room(c, peer)) {
		(void)!send(fd, ANSWER_FULL, strlen(ANSWER_FULL), MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
		return;
	}
	session_new(c, fd, peer);
	if (peer == PEER_REFUSED)
		session_refuse(c->sessions, ANSWER_DENIED);
}

static void accept_cb(struct ev_loop *loop, ev_io *io, int revents)
{
	struct control *c = io->data;

	(void)revents;
	for (unsigned i = 0; i < ACCEPT_TURN; i++) {
		int fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			accepted(c, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			/* the connection stays queued: without a pause the loop would spin on it */
			log_warn("control", "can not accept: %s; trying again in a second", strerror(errno));
			ev_io_stop(loop, io);
			ev_timer_set(&c->retry, 1., 0.);
			ev_timer_start(loop, &c->retry);
		}
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

static void retry_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct control *c = t->data;

	(void)revents;
	ev_io_start(loop, &c->accept);
}

/* ---- the socket file ---- */

static int make_address(const char *path, struct sockaddr_un *sa, socklen_t *len, struct err *e)
{
	size_t n = strlen(path);

	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if (!n || n >= sizeof(sa->sun_path))
		return err_set(e, -ENAMETOOLONG, "control socket '%s': the path must have 1 to %zu bytes",
			path, sizeof(sa->sun_path) - 1);
	memcpy(sa->sun_path, path, n);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	return 0;
}

/* Two daemons that start at once must not both find the same stale socket. Whoever may read the folder can
 * hold the lock as well, so it is waited for only so long. */
static int lock_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	_autofree_ char *dir =
		slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup(".");
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; fd >= 0 && i < LOCK_TRIES && flock(fd, LOCK_EX | LOCK_NB) < 0; i++)
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	return fd;
}

static int remove_stale(const char *path, const struct sockaddr_un *sa, socklen_t len, struct err *e)
{
	_autoclose_ int fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0
				       : err_set(e, -errno, "control socket '%s': %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, -EEXIST, "control socket '%s': something that is no socket is there", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, -errno, "control socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)sa, len) == 0 || errno != ECONNREFUSED)
		return err_set(e, -EADDRINUSE, "control socket '%s': another rnmd answers there", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_set(e, -errno, "control socket '%s': can not remove the stale one: %s", path,
			strerror(errno));
	return 0;
}

/* The group's access comes last: until then the file is its owner's alone. */
static void open_to_group(struct control *c, mode_t mode)
{
	if (!c->have_gid || chown(c->path, (uid_t)-1, c->gid) < 0) {
		if (c->have_gid)
			log_warn("control", "can not give '%s' to the group '%s': %s; it stays its owner's",
				c->path, c->group, strerror(errno));
		c->have_gid = false;
		mode &= 0700;
	}
	if (chmod(c->path, mode) < 0)
		log_warn("control", "can not set the mode of '%s': %s", c->path, strerror(errno));
}

static int make_default_dir(const char *path, struct err *e)
{
	if (strncmp(path, DEFAULT_DIR "/", strlen(DEFAULT_DIR) + 1))
		return 0;
	if (mkdir(DEFAULT_DIR, 0755) < 0)
		return errno == EEXIST
			       ? 0
			       : err_set(e, -errno, "can not make '%s': %s", DEFAULT_DIR, strerror(errno));
	return chmod(DEFAULT_DIR, 0755) < 0
		       ? err_set(e, -errno, "mode of '%s': %s", DEFAULT_DIR, strerror(errno))
		       : 0; /* whatever the umask is */
}

static int listen_at(struct control *c, mode_t mode, struct err *e)
{
	struct sockaddr_un sa;
	socklen_t len = 0;
	_autoclose_ int lock = -1;
	struct stat st;
	mode_t before;
	int rc = make_address(c->path, &sa, &len, e);

	if (rc < 0)
		return rc;
	rc = make_default_dir(c->path, e);
	if (rc < 0)
		return rc;
	lock = lock_folder(c->path);
	rc = remove_stale(c->path, &sa, len, e);
	if (rc < 0)
		return rc;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return err_set(e, -errno, "control socket: %s", strerror(errno));
	before = umask(0177);
	rc = bind(c->fd, (struct sockaddr *)&sa, len) < 0 ? -errno : 0;
	umask(before);
	if (rc < 0)
		return err_set(e, rc, "control socket '%s': %s", c->path, strerror(-rc));
	if (lstat(c->path, &st) == 0) {
		c->dev = st.st_dev;
		c->ino = st.st_ino;
	}
	if (listen(c->fd, BACKLOG) < 0)
		return err_set(e, -errno, "control socket '%s': %s", c->path, strerror(errno));
	open_to_group(c, mode);
	return 0;
}

/* From the file alone: name services would load their libraries into the daemon, and may ask the network. */
static void find_group(struct control *c)
{
	FILE *f = c->group ? fopen("/etc/group", "re") : NULL;
	_autofree_ char *line = NULL;
	size_t room = 0, n = c->group ? strlen(c->group) : 0;
	unsigned long gid;

	while (f && !c->have_gid && getline(&line, &room, f) > 0) {
		const char *at = line + n;

		if (strncmp(line, c->group, n) != 0 || *at != ':' || !(at = strchr(at + 1, ':')))
			continue;
		c->have_gid = sscanf(at + 1, "%lu", &gid) == 1;
		c->gid = (gid_t)gid;
	}
	if (f)
		fclose(f);
	if (c->group && !c->have_gid)
		log_warn("control", "there is no group '%s' in /etc/group: the socket is for root only",
			c->group);
}

int control_new(struct ev_loop *loop, const struct control_opt *opt, struct control **out, struct err *e)
{
	struct control *c = xnew(struct control);
	int rc;

	*out = NULL;
	c->loop = loop;
	c->path = xstrdup(opt->path);
	c->group = opt->group ? xstrdup(opt->group) : NULL;
	c->cmds = opt->cmds;
	c->ctx = opt->ctx;
	c->fd = -1;
	find_group(c);
	ev_io_init(&c->accept, accept_cb, -1, EV_READ);
	ev_timer_init(&c->retry, retry_cb, 1., 0.);
	rc = listen_at(c, opt->mode, e);
	if (rc < 0) {
		control_free(c);
		return rc;
	}
	ev_io_set(&c->accept, c->fd, EV_READ);
	c->accept.data = c->retry.data = c;
	ev_io_start(loop, &c->accept);
	*out = c;
	return 0;
}

void control_free(struct control *c)
{
	struct stat st;

	if (!c)
		return;
	while (c->sessions)
		session_finish(c->sessions);
	ev_io_stop(c->loop, &c->accept);
	ev_timer_stop(c->loop, &c->retry);
	if (c->fd >= 0)
		close(c->fd);
	/* only the socket that is ours: another daemon may have taken the place */
	if (c->ino && lstat(c->path, &st) == 0 && st.st_dev == c->dev && st.st_ino == c->ino)
		unlink(c->path);
	free(c->path);
	free(c->group);
	free(c);
}

bool control_has_subscribers(const struct control *c)
{
	return c && c->n_lines > c->n_records;
}

void control_publish(struct control *c, const char *text)
{
	struct session *next;

	for (struct session *s = c && c->n_lines ? c->sessions : NULL; s; s = next) {
		next = s->next;
		if (s->lines && !s->records)
			session_publish(s, text);
	}
}

bool control_has_recorders(const struct control *c)
{
	return c && c->n_records;
}

void control_record(struct control *c, const char *line)
{
	struct session *next;

	for (struct session *s = c && c->n_records ? c->sessions : NULL; s; s = next) {
		next = s->next;
		if (s->records)
			session_publish(s, line);
	}
}
