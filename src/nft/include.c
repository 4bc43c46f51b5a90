// SPDX-License-Identifier: GPL-2.0-or-later
/* What `include` finds on disk: as nft does for a program of the administrator's, or confined to some folders
 * for a daemon. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "base/file.h"
#include "nft/file.h"

struct search {
	const struct include_dirs *d;
	include_files *out;
	struct err *e;
	bool found;
};

static bool has_wildcards(const char *s)
{
	return strpbrk(s, "*?[") != NULL;
}

/* Below the folder whatever links say; the kernel sees to it. */
static int open_below(const char *dir, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	_autoclose_ int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t n = strlen(dir);

	if (at < 0)
		return -1;
	for (path += n; *path == '/';)
		path++;
	return (int)syscall(SYS_openat2, at, path, &how, sizeof(how));
}

static int trusted(const struct stat *st, const char *path, struct err *e)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(e, -EACCES,
			"%s belongs to user %u; it must be root's or this process's user's", path,
			(unsigned)st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, -EACCES, "%s can be written by %s (mode %04o)", path,
			st->st_mode & S_IWOTH ? "everybody" : "its group", (unsigned)st->st_mode & 07777);
	return 0;
}

static int read_all(int fd, const char *path, struct include_file *f, struct err *e)
{
	_buf_ struct buf b = BUF_INIT;
	int rc = fd_read(fd, path, FILE_BYTES_MAX, &b, e);

	if (rc < 0)
		return rc;
	f->len = b.n;
	f->text = b.s ? buf_take(&b) : xstrdup("");
	return 0;
}

/* 1: nothing to read there. */
static int take(struct search *s, const char *dir, const char *path, bool wild)
{
	_autoclose_ int fd = -1;
	struct include_file f = { 0 };
	struct stat st;
	int rc;

	fd = s->d->confined ? open_below(dir, path)
			    : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && errno == ENOENT && !wild)
		return 1;
	if (fd < 0 && errno == EXDEV)
		return err_set(s->e, -EACCES, "%s leads out of %s", path, dir);
	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = -errno;
		return err_set(s->e, rc, "%s: %s", path, strerror(-rc));
	}
	s->found = true;
	if (S_ISDIR(st.st_mode))
		return 0;
	if (!S_ISREG(st.st_mode))
		return err_set(s->e, -EINVAL, "%s is no regular file", path);
	if (s->d->confined && (rc = trusted(&st, path, s->e)) < 0)
		return rc;
	if (s->out->n >= FILE_INCLUDE_MAX)
		return err_set(s->e, -EFBIG, "%s: more than %d files", path, FILE_INCLUDE_MAX);
	rc = read_all(fd, path, &f, s->e);
	if (rc < 0)
		return rc;
	f.name = xstrdup(path);
	vec_push(s->out, f);
	return 0;
}

static int look(struct search *s, const char *dir, const char *pattern)
{
	_autofree_ char *path = pattern[0] == '/' ? xstrdup(pattern) : xasprintf("%s/%s", dir, pattern);
	bool wild = has_wildcards(pattern);
	glob_t g = { 0 };
	int rc = 0;

	if (!wild)
		return take(s, dir, path, false);
	if (!glob(path, 0, NULL, &g))
		for (size_t i = 0; i < g.gl_pathc && rc >= 0; i++)
			rc = take(s, dir, g.gl_pathv[i], true);
	globfree(&g);
	return rc;
}

static bool goes_up(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (!p[2] || p[2] == '/'))
			return true;
	return false;
}

/* path is dir or something in it */
static bool below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	return !strncmp(path, dir, n) && (path[n] == '/' || !path[n]) && !goes_up(path);
}

static int confined(struct search *s, const char *pattern, const char *from)
{
	const char *slash = strrchr(from, '/'), *const *dirs = s->d->dirs;
	_autofree_ char *beside = slash ? xasprintf("%.*s/%s", (int)(slash - from), from, pattern) : NULL;
	bool inside = false;
	int rc = 0;

	if (goes_up(pattern))
		return err_set(s->e, -EACCES, "%s: a path with `..` can not be included here", pattern);
	for (unsigned i = 0; beside && pattern[0] != '/' && dirs && dirs[i] && !s->found && rc >= 0; i++)
		if (below(beside, dirs[i]))
			rc = look(s, dirs[i], beside);
	for (unsigned i = 0; dirs && dirs[i] && !s->found && rc >= 0; i++) {
		if (pattern[0] == '/' && !below(pattern, dirs[i]))
			continue;
		inside = true;
		rc = look(s, dirs[i], pattern);
	}
	if (pattern[0] == '/' && !inside && rc >= 0)
		return err_set(s->e, -EACCES, "%s lies outside of the folders that files are included from",
			pattern);
	return rc;
}

/* nft's way: `./x`, `../x` and `/x` are paths, other names are looked for in the folders. A program finds a
 * file beside itself as well, when no folder has it. */
static int open_way(struct search *s, const char *pattern)
{
	bool path = !strncmp(pattern, "./", 2) || !strncmp(pattern, "../", 3) || pattern[0] == '/';
	int rc = 0;

	for (unsigned i = 0; !path && s->d->dirs && s->d->dirs[i] && rc >= 0; i++) {
		rc = look(s, s->d->dirs[i], pattern);
		if (s->found && !has_wildcards(pattern))
			break;
	}
	if (rc >= 0 && !s->found)
		rc = path ? look(s, ".", pattern[0] == '.' && pattern[1] == '/' ? pattern + 2 : pattern)
			  : look(s, ".", pattern);
	return rc;
}

int include_from_dirs(void *ctx, const char *pattern, const char *from, include_files *out, struct err *e)
{
	struct search s = { .d = ctx, .out = out, .e = e };
	int rc = s.d->confined ? confined(&s, pattern, from) : open_way(&s, pattern);

	if (rc >= 0 && !s.found && !has_wildcards(pattern))
		rc = err_set(e, -ENOENT, "there is no file %s", pattern);
	return rc < 0 ? rc : 0;
}
