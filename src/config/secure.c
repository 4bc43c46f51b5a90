// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "config/secure.h"

bool secure_stat(const struct stat *st, const char *path, struct buf *why)
{
	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		buf_printf(why,
			"'%s' belongs to user %u; it must be root's or this process's user's: chown root "
			"'%s'",
			path, (unsigned)st->st_uid, path);
		return false;
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH)) {
		buf_printf(why, "'%s' can be written by %s (mode %04o): chmod go-w '%s'", path,
			st->st_mode & S_IWOTH ? "everybody" : "its group", (unsigned)st->st_mode & 07777,
			path);
		return false;
	}
	return true;
}

static int fail(struct buf *why, const char *path, int rc)
{
	buf_printf(why, "can not read '%s': %s", path, strerror(-rc));
	return rc;
}

int secure_read(const char *path, size_t max, struct buf *out, struct buf *why)
{
	_autoclose_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		buf_printf(why, "there is no file '%s'", path);
		return -ENOENT;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(why, path, -errno);
	if (!S_ISREG(st.st_mode)) {
		buf_printf(why, "'%s' is no regular file", path);
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	}
	if (!secure_stat(&st, path, why))
		return -EACCES;
	for (;;) {
		char part[65536];
		ssize_t n = read(fd, part, sizeof(part));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(why, path, -errno);
		if (n == 0)
			return 0;
		if (out->n + (size_t)n > max) {
			buf_printf(why, "'%s' is larger than %zu bytes", path, max);
			return -EFBIG;
		}
		buf_put(out, part, (size_t)n);
	}
}
