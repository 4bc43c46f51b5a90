// SPDX-License-Identifier: GPL-2.0-or-later
/* List files are watched through their folders, so that a file that is replaced by a rename, or comes later,
 * is seen. */
#include <errno.h>
#include <sys/inotify.h>

#include "base/log.h"
#include "rnmd/daemon.h"

#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE)

static void tell(struct daemon *d, uint64_t token)
{
	vec_foreach (f, &d->files)
		if (f->token == token) {
			_autofree_ char *path = xasprintf("%s/%s", f->dir, f->name);

			record_step(d, REC_FILE, path, NULL, NULL);
			break;
		}
	engine_file_changed(d->engine, token);
}

static void changed(struct daemon *d, int wd, const char *name)
{
	VEC(uint64_t) tokens = { 0 };

	vec_foreach (f, &d->files)
		if (f->wd == wd && (!name || !strcmp(f->name, name)))
			vec_push(&tokens, f->token);
	vec_foreach (t, &tokens)
		tell(d, *t);
	vec_free(&tokens);
}

static void readable(struct ev_loop *loop, ev_io *io, int revents)
{
	struct daemon *d = io->data;
	char buf[4096] __attribute__((aligned(8)));
	ssize_t n;

	(void)loop;
	(void)revents;
	while ((n = read(d->inotify_fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
			const struct inotify_event *ev = (const struct inotify_event *)(buf + at);

			if (ev->mask & IN_Q_OVERFLOW) {
				log_warn("files", "too many changes at once: all list files are read again");
				vec_foreach (f, &d->files)
					tell(d, f->token);
			} else if (!(ev->mask & IN_IGNORED)) {
				changed(d, ev->wd, ev->len ? ev->name : NULL);
			}
			at += (ssize_t)(sizeof(*ev) + ev->len);
		}
	}
}

int list_files_init(struct daemon *d, struct err *e)
{
	d->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (d->inotify_fd < 0)
		return err_set(e, -errno, "inotify: %s", strerror(errno));
	ev_io_init(&d->inotify, readable, d->inotify_fd, EV_READ);
	d->inotify.data = d;
	ev_io_start(d->loop, &d->inotify);
	return 0;
}

static void forget(struct daemon *d, uint32_t i)
{
	struct file_watch f = d->files.v[i];
	bool shared = false;

	vec_remove(&d->files, i);
	vec_foreach (o, &d->files)
		shared |= o->wd == f.wd;
	if (!shared && f.wd >= 0)
		inotify_rm_watch(d->inotify_fd, f.wd);
	free(f.dir);
	free(f.name);
}

int list_files_watch(void *ctx, const char *path, uint64_t token)
{
	struct daemon *d = ctx;
	struct file_watch f = { .token = token };
	const char *slash;

	for (uint32_t i = d->files.n; i-- > 0;)
		if (d->files.v[i].token == token)
			forget(d, i);
	if (!path)
		return 0;
	slash = strrchr(path, '/');
	if (!slash)
		return -EINVAL;
	f.dir = slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
	f.name = xstrdup(slash + 1);
	f.wd = inotify_add_watch(d->inotify_fd, f.dir, EVENTS);
	if (f.wd < 0) {
		int rc = -errno;

		log_warn("files", "%s can not be watched: %s", path, strerror(-rc));
		free(f.dir);
		free(f.name);
		return rc;
	}
	vec_push(&d->files, f);
	return 0;
}

void list_files_free(struct daemon *d)
{
	while (d->files.n)
		forget(d, d->files.n - 1);
	vec_free(&d->files);
	if (d->inotify_fd >= 0) {
		ev_io_stop(d->loop, &d->inotify);
		close(d->inotify_fd);
	}
}
