// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/xalloc.h"

static int cannot(struct err *e, const char *what, const char *path)
{
	int code = -errno;

	return err_set(e, code, "can not %s '%s': %s", what, path, strerror(-code));
}

int fd_read(int fd, const char *name, size_t max, struct buf *out, struct err *e)
{
	char part[65536];
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cannot(e, "read", name);
		if (out->n + (size_t)n > max)
			return err_set(e, -EFBIG, "'%s' is larger than %zu bytes", name, max);
		buf_put(out, part, (size_t)n);
	}
	return 0;
}

int file_read(const char *path, size_t max, struct buf *out, struct err *e)
{
	_autoclose_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return -ENOENT;
	if (fd < 0 || fstat(fd, &st) < 0)
		return cannot(e, "read", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "'%s' is no regular file", path);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(
			e, -EACCES, "'%s' can be written by others than root: it is not believed", path);
	return fd_read(fd, path, max, out, e);
}

int fd_write(int fd, const char *s, size_t n)
{
	while (n) {
		ssize_t w = write(fd, s, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			return w < 0 ? -errno : -ENOSPC;
		}
		s += w;
		n -= (size_t)w;
	}
	return 0;
}

int sync_folder_of(const char *path, struct err *e)
{
	_autofree_ char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');
	_autoclose_ int fd = -1;

	if (slash)
		slash[slash == dir] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? cannot(e, "sync", slash ? dir : ".") : 0;
}

int file_write(const char *path, mode_t mode, bool lasting, const char *text, size_t n, struct err *e)
{
	_autofree_ char *tmp = xasprintf("%s.new", path);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode), rc = 0;

	if (fd < 0)
		return cannot(e, "write", tmp);
	errno = -fd_write(fd, text, n);
	if (errno || (lasting && fsync(fd) < 0))
		rc = cannot(e, "write", tmp);
	if (close(fd) < 0 && rc == 0)
		rc = cannot(e, "write", tmp);
	if (rc == 0 && rename(tmp, path) < 0)
		rc = cannot(e, "rename", tmp);
	if (rc < 0)
		unlink(tmp);
	return rc < 0 || !lasting ? rc : sync_folder_of(path, e);
}

int file_replace(const char *path, const char *text, size_t n, struct err *e)
{
	return file_write(path, 0600, true, text, n, e);
}
