// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/file.h"
#include "rnmd/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/vec.h"

#define BYTES_MAX (64u << 20)
#define FILES_MAX 10000u
#define DEPTH_MAX 12u
#define CONFIG    "config.yaml"
#define GOOD      "good"
#define STAGED    "good.next"

struct file {
	char *name; /* below the snapshot; folders end with a slash */
	char *data;
	size_t n;
};

struct tree {
	VEC(struct file) files;
	size_t bytes;
};

static void tree_free(struct tree *t)
{
	vec_foreach (f, &t->files) {
		free(f->name);
		free(f->data);
	}
	vec_free(&t->files);
}

static int cannot(struct err *e, const char *what, const char *path)
{
	int code = -errno;

	return err_set(e, code, "%s '%s': %s", what, path, strerror(-code));
}

/* ---- reading ---- */

/* Takes name. */
static int add(struct tree *t, char *name, char *data, size_t n, struct err *e)
{
	vec_push(&t->files, (struct file){ name, data, n });
	t->bytes += n;
	if (t->files.n > FILES_MAX || t->bytes > BYTES_MAX)
		return err_set(
			e, -EFBIG, "more than %u files or %u MiB of policies", FILES_MAX, BYTES_MAX >> 20);
	return 0;
}

static int add_file(struct tree *t, const char *path, char *name, struct err *e)
{
	_autoclose_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	_buf_ struct buf data = BUF_INIT;
	size_t size;
	int rc;

	if (fd < 0) {
		free(name);
		return cannot(e, "can not read", path);
	}
	rc = fd_read(fd, path, BYTES_MAX, &data, e);
	if (rc < 0) {
		free(name);
		return rc;
	}
	size = data.n;
	return add(t, name, buf_take(&data), size, e);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(struct tree *t, const char *path, const char *name, unsigned depth, struct err *e)
{
	struct dirent **list = NULL;
	int n = scandir(path, &list, NULL, by_name), rc;

	if (n < 0 && errno == ENOENT && depth == 0)
		return 0;
	if (n < 0)
		return cannot(e, "can not read", path);
	rc = add(t, xasprintf("%s/", name), NULL, 0, e);
	for (int i = 0; i < n; i++) {
		const char *entry = list[i]->d_name;

		if (rc == 0 && *entry != '.') {
			_autofree_ char *sub = xasprintf("%s/%s", path, entry);
			char *as = xasprintf("%s/%s", name, entry);
			struct stat st;

			if (stat(sub, &st) < 0) { /* a link to nothing runs nowhere */
				free(as);
			} else if (S_ISREG(st.st_mode)) {
				rc = add_file(t, sub, as, e);
			} else {
				if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
					rc = add_folder(t, sub, as, depth + 1, e);
				free(as);
			}
		}
		free(list[i]);
	}
	free(list);
	return rc;
}

static int read_tree(const struct config *cfg, struct tree *t, struct err *e)
{
	int rc = add_file(t, cfg->path, xstrdup(CONFIG), e);

	if (rc == 0)
		rc = add(t, xstrdup("path"), xstrdup(cfg->path), strlen(cfg->path), e);
	for (uint32_t i = 0; rc == 0 && i < cfg->dirs.n; i++) {
		_autofree_ char *name = xasprintf("dirs-%u", i);

		rc = add_folder(t, cfg->dirs.v[i], name, 0, e);
	}
	if (rc == 0 && cfg->template_dir)
		rc = add_folder(t, cfg->template_dir, "templates", 0, e);
	return rc;
}

static uint64_t tree_hash(const struct tree *t)
{
	uint64_t h = 0x736e6170;

	vec_foreach (f, &t->files) {
		h = hash_stable(h, f->name, strlen(f->name) + 1);
		h = hash_stable(h, &f->n, sizeof(f->n));
		h = hash_stable(h, f->data, f->n);
	}
	return h;
}

/* ---- writing ---- */

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static int write_file(const char *path, const char *data, size_t n, struct err *e)
{
	_autoclose_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return cannot(e, "can not make", path);
	errno = -fd_write(fd, data, n);
	if (errno)
		return cannot(e, "can not write", path);
	return fsync(fd) < 0 ? cannot(e, "can not write", path) : 0;
}

static int sync_folder(const char *path)
{
	_autoclose_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int write_tree(const struct tree *t, const char *dir, struct err *e)
{
	int rc = mkdir(dir, 0700) < 0 ? cannot(e, "can not make", dir) : 0;

	for (uint32_t i = 0; rc == 0 && i < t->files.n; i++) {
		const struct file *f = &t->files.v[i];
		_autofree_ char *path = xasprintf("%s/%s", dir, f->name);

		if (f->name[strlen(f->name) - 1] != '/')
			rc = write_file(path, f->data ? f->data : "", f->n, e);
		else if (mkdir(path, 0700) < 0)
			rc = cannot(e, "can not make", path);
	}
	/* the names in each folder before what makes the whole count */
	for (uint32_t i = t->files.n; rc == 0 && i-- > 0;) {
		const char *name = t->files.v[i].name;
		_autofree_ char *path = xasprintf("%s/%s", dir, name);

		if (name[strlen(name) - 1] == '/')
			sync_folder(path);
	}
	if (rc == 0)
		sync_folder(dir);
	return rc;
}

static bool same_as_kept(const char *good, const char *hash)
{
	_autofree_ char *path = xasprintf("%s/hash", good);
	_autoclose_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char have[32] = "";

	return fd >= 0 && read(fd, have, sizeof(have) - 1) > 0 && !strcmp(have, hash);
}

/* One step from the old folder to the new, or the first one. */
static int swap(const char *state_dir, const char *new, const char *good, struct err *e)
{
	int rc = 0;

	if (renameat2(AT_FDCWD, new, AT_FDCWD, good, RENAME_EXCHANGE) < 0 && errno != ENOENT)
		return cannot(e, "can not replace", good);
	if (access(good, F_OK) < 0 && rename(new, good) < 0)
		rc = cannot(e, "can not make", good);
	remove_tree(new); /* the old one */
	sync_folder(state_dir);
	return rc;
}

static int put(const char *state_dir, const char *new, const char *name, const struct tree *t, struct err *e)
{
	_autofree_ char *to = xasprintf("%s/%s", state_dir, name);
	int rc;

	remove_tree(new);
	rc = write_tree(t, new, e);
	if (rc == 0)
		rc = swap(state_dir, new, to, e);
	else
		remove_tree(new);
	return rc;
}

int snapshot_take(const char *state_dir, const struct config *cfg, struct err *e)
{
	_autofree_ char *good = xasprintf("%s/" GOOD, state_dir), *new = xasprintf("%s/good.new", state_dir);
	struct tree t = { 0 };
	char hash[24];
	int rc = read_tree(cfg, &t, e);

	snprintf(hash, sizeof(hash), "%016llx\n", (unsigned long long)tree_hash(&t));
	if (rc == 0 && !same_as_kept(good, hash)) {
		rc = add(&t, xstrdup("hash"), xstrdup(hash), strlen(hash), e);
		if (rc == 0)
			rc = put(state_dir, new, GOOD, &t, e);
	}
	tree_free(&t);
	return rc;
}

int snapshot_stage(const char *state_dir, const struct config *cfg, struct err *e)
{
	_autofree_ char *new = xasprintf("%s/good.new", state_dir);
	struct tree t = { 0 };
	int rc = read_tree(cfg, &t, e);

	if (rc == 0)
		rc = put(state_dir, new, STAGED, &t, e);
	tree_free(&t);
	return rc;
}

int snapshot_staged_config(const char *state_dir, struct buf *out, struct err *e)
{
	_autofree_ char *path = xasprintf("%s/" STAGED "/" CONFIG, state_dir);
	int rc = file_read(path, BYTES_MAX, out, e);

	return rc == -ENOENT ? err_set(e, rc, "'%s' is gone", path) : rc;
}

int snapshot_keep_staged(const char *state_dir, struct err *e)
{
	_autofree_ char *staged = xasprintf("%s/" STAGED, state_dir);
	_autofree_ char *good = xasprintf("%s/" GOOD, state_dir);

	return swap(state_dir, staged, good, e);
}

void snapshot_unstage(const char *state_dir)
{
	_autofree_ char *staged = xasprintf("%s/" STAGED, state_dir);

	remove_tree(staged);
}

/* ---- one pack ---- */

/* "dirs-0/20-wan.lua", "dirs-0/wan/", "dirs-0/wan/init.lua" are all of wan. */
static bool is_of_pack(const char *name, const char *pack)
{
	const char *p = strncmp(name, "dirs-", 5) == 0 ? strchr(name, '/') : NULL;
	size_t digits, n = strlen(pack);

	if (!p++)
		return false;
	digits = strspn(p, "0123456789");
	if (digits && p[digits] == '-')
		p += digits + 1;
	return !strncmp(p, pack, n) && (p[n] == '/' || !strcmp(p + n, ".lua"));
}

static bool has(const struct tree *t, const char *name)
{
	vec_foreach (f, &t->files)
		if (!strcmp(f->name, name))
			return true;
	return false;
}

/* The kept tree, without a hash: it is no state of the files any more. */
static int read_whole(const char *dir, struct tree *t, struct err *e)
{
	struct tree all = { 0 };
	int rc = add_folder(&all, dir, "", 0, e);

	vec_foreach (f, &all.files) {
		if (!strcmp(f->name, "/") || !strcmp(f->name, "/hash"))
			continue;
		if (rc == 0) {
			rc = add(t, xstrdup(f->name + 1), f->data, f->n, e);
			f->data = NULL;
		}
	}
	tree_free(&all);
	return rc;
}

int snapshot_pack(
	const char *state_dir, bool staged, const struct config *cfg, const char *pack, struct err *e)
{
	const char *name = staged ? STAGED : GOOD;
	_autofree_ char *dir = xasprintf("%s/%s", state_dir, name);
	_autofree_ char *new = xasprintf("%s/good.new", state_dir);
	struct tree kept = { 0 }, now = { 0 }, t = { 0 };
	int rc = read_whole(dir, &kept, e);

	if (rc == 0)
		rc = read_tree(cfg, &now, e);
	vec_foreach (f, &kept.files)
		if (rc == 0 && !is_of_pack(f->name, pack)) {
			rc = add(&t, xstrdup(f->name), f->data, f->n, e);
			f->data = NULL;
		}
	vec_foreach (f, &now.files) {
		bool top = !f->data && strchr(f->name, '/') == f->name + strlen(f->name) - 1;

		if (rc == 0 && (is_of_pack(f->name, pack) || (top && !has(&t, f->name)))) {
			rc = add(&t, xstrdup(f->name), f->data, f->n, e);
			f->data = NULL;
		}
	}
	if (rc == 0)
		rc = put(state_dir, new, name, &t, e);
	tree_free(&kept);
	tree_free(&now);
	tree_free(&t);
	return rc;
}

/* ---- reading back ---- */

static int read_kept(const char *good, const char *name, struct buf *out, struct err *e)
{
	_autofree_ char *path = xasprintf("%s/%s", good, name);
	struct tree t = { 0 };
	int rc = add_file(&t, path, xstrdup(name), e);

	if (rc == 0)
		buf_put(out, t.files.v[0].data ? t.files.v[0].data : "", t.files.v[0].n);
	tree_free(&t);
	return rc;
}

int snapshot_load(const char *state_dir, struct config **out, struct err *e)
{
	_autofree_ char *good = xasprintf("%s/" GOOD, state_dir);
	_buf_ struct buf text = BUF_INIT, path = BUF_INIT;
	int rc = read_kept(good, CONFIG, &text, e);

	if (rc == 0)
		rc = read_kept(good, "path", &path, e);
	if (rc == 0)
		rc = config_parse(buf_str(&path), buf_str(&text), text.n, out, e);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < (*out)->dirs.n; i++) {
		free((*out)->dirs.v[i]);
		(*out)->dirs.v[i] = xasprintf("%s/dirs-%u", good, i);
	}
	(*out)->dirs_given = false; /* one that did not exist was not copied */
	if ((*out)->template_dir) {
		free((*out)->template_dir);
		(*out)->template_dir = xasprintf("%s/templates", good);
	}
	return 0;
}
