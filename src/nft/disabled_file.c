// SPDX-License-Identifier: GPL-2.0-or-later
/* The file of disabled rules. It is the truth, read anew by each command: the daemon and the tool without a
 * daemon work on the same one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "nft/disabled.h"

#define TRIES   20
#define WAIT_NS 5000000

struct disabled_file {
	char *path;
	int lock;
	struct disabled_list list;
};

static int lock_folder(const char *dir, struct err *e)
{
	_autofree_ char *path = xasprintf("%s/disabled.lock", dir);
	int fd, code;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_set(e, -errno, "can not make the state folder '%s': %s", dir, strerror(errno));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(e, -errno, "can not open '%s': %s", path, strerror(errno));
	for (unsigned i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		code = errno;
		if ((code != EWOULDBLOCK && code != EINTR) || i == TRIES) {
			close(fd);
			return err_set(e, code == EWOULDBLOCK ? -EBUSY : -code,
				"'%s' is held by another command: try again", path);
		}
		nanosleep(&(struct timespec){ .tv_nsec = WAIT_NS }, NULL);
	}
	return fd;
}

static int read_list(const char *path, struct disabled_list *out, struct err *e)
{
	_buf_ struct buf text = BUF_INIT;
	int rc = file_read(path, DISABLED_FILE_MAX, &text, e);

	memset(out, 0, sizeof(*out));
	if (rc < 0)
		return rc;
	rc = disabled_parse(buf_str(&text), text.n, out, e);
	if (rc < 0)
		err_prefix(e, "'%s', where disabled rules are remembered, can not be read: ", path);
	return rc;
}

int disabled_open(const char *dir, struct disabled_file **out, struct err *e)
{
	struct disabled_file *f = xnew(struct disabled_file);
	int rc;

	f->path = xasprintf("%s/disabled.json", dir);
	f->lock = lock_folder(dir, e);
	rc = f->lock < 0 ? f->lock : read_list(f->path, &f->list, e);
	if (rc < 0 && !(rc == -ENOENT && f->lock >= 0)) {
		disabled_close(f);
		return rc;
	}
	*out = f;
	return 0;
}

struct disabled_list *disabled_list(struct disabled_file *f)
{
	return &f->list;
}

int disabled_save(struct disabled_file *f, struct err *e)
{
	_buf_ struct buf text = BUF_INIT;

	disabled_print(&f->list, &text);
	if (text.n > DISABLED_FILE_MAX)
		return err_set(e, -EFBIG, "the disabled rules are more than %u MiB of text: enable some",
			DISABLED_FILE_MAX >> 20);
	return file_replace(f->path, buf_str(&text), text.n, e);
}

void disabled_close(struct disabled_file *f)
{
	if (!f)
		return;
	disabled_list_free(&f->list);
	if (f->lock >= 0)
		close(f->lock);
	free(f->path);
	free(f);
}

int disabled_peek(const char *dir, struct disabled_list *out, struct err *e)
{
	_autofree_ char *path = xasprintf("%s/disabled.json", dir);

	return read_list(path, out, e);
}
