// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "config/packs.h"
#include "config/read.h"
#include "config/secure.h"

#define ENTRIES_MAX  10000u /* in one directory; a pack's folder with all below it */
#define FOLDER_DEPTH 8u

bool pack_name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return n && n <= PACK_NAME_MAX && !name[n] && (*name == '_' || isalpha((unsigned char)*name));
}

bool pack_name_reserved(const char *name)
{
	return !strcmp(name, "config") || !strcmp(name, "console");
}

struct finder {
	struct problems p;
	const struct config *c;
	found_packs found, shipped;
};

/* "20-wan" → 20 and "wan". False: the number is too large. */
static bool split_order(const char *stem, int *order, const char **name)
{
	size_t digits = strspn(stem, "0123456789");
	uint64_t v;

	*order = PACK_ORDER_DEFAULT;
	*name = stem;
	if (!digits || stem[digits] != '-')
		return true;
	*name = stem + digits + 1;
	if (digits > 5 || !parse_u64(strndupa(stem, digits), PACK_ORDER_MAX, &v)) {
		/* leading zeros: parse_u64 takes them as decimal, more than five digits are a mistake anyway
		 */
		return false;
	}
	*order = (int)v;
	return true;
}

static bool secure_path(struct finder *f, const char *path, struct stat *st)
{
	_buf_ struct buf why = BUF_INIT;

	if (stat(path, st) < 0) {
		problem(&f->p, "can not read '%s': %s", path, strerror(errno));
		return false;
	}
	if (secure_stat(st, path, &why))
		return true;
	problem(&f->p, "%s", buf_str(&why));
	return false;
}

/* Everything in a pack's folder may be read as code or data of that pack. */
static void secure_folder(struct finder *f, const char *path, unsigned depth, unsigned *entries)
{
	DIR *d = opendir(path);
	struct dirent *de;

	if (!d) {
		problem(&f->p, "can not read '%s': %s", path, strerror(errno));
		return;
	}
	while ((de = readdir(d))) {
		_autofree_ char *sub = NULL;
		struct stat st;

		if (*de->d_name == '.')
			continue;
		if (++*entries > ENTRIES_MAX || depth >= FOLDER_DEPTH) {
			problem(&f->p, "'%s' holds more than a pack's folder may (%u entries, %u levels)",
				path, ENTRIES_MAX, FOLDER_DEPTH);
			break;
		}
		sub = xasprintf("%s/%s", path, de->d_name);
		if (secure_path(f, sub, &st) && S_ISDIR(st.st_mode))
			secure_folder(f, sub, depth + 1, entries);
	}
	closedir(d);
}

static void secure_pack(struct finder *f, const struct found_pack *p)
{
	unsigned entries = 0;
	struct stat st;

	if (!p->dir)
		secure_path(f, p->path, &st);
	else if (secure_path(f, p->dir, &st))
		secure_folder(f, p->dir, 0, &entries);
}

static void add_found(struct finder *f, found_packs *to, const char *stem, const char *path, const char *dir)
{
	const char *name;
	int order;

	if (!split_order(stem, &order, &name)) {
		problem(&f->p, "'%s': the order before the name must be 0 to %d", path, PACK_ORDER_MAX);
		return;
	}
	if (!pack_name_valid(name)) {
		problem(&f->p,
			"'%s': '%s' is not a pack's name: a letter or '_', then letters, digits, '_' or '-'",
			path, name);
		return;
	}
	if (pack_name_reserved(name)) {
		problem(&f->p, "'%s': '%s' is rnm's own pack; the file needs another name", path, name);
		return;
	}
	vec_foreach (have, to) {
		if (!strcmp(have->name, name)) {
			problem(&f->p, "'%s': the pack '%s' is already there as '%s'", path, name,
				have->path);
			return;
		}
	}
	vec_push(to, (struct found_pack){ .name = xstrdup(name),
			     .path = xstrdup(path),
			     .dir = dir ? xstrdup(dir) : NULL,
			     .order = order });
	/* shipped packs that nobody names do not run, so their faults are nobody's */
	if (to == &f->found)
		secure_pack(f, &vec_last(to));
}

static bool ends_with(const char *s, size_t n, const char *end)
{
	size_t m = strlen(end);

	return n > m && !strcmp(s + n - m, end);
}

static void look_at(struct finder *f, found_packs *to, const char *dir, const char *entry)
{
	_autofree_ char *path = xasprintf("%s/%s", dir, entry);
	size_t len = strlen(entry);
	struct stat st;

	/* tests lie beside what they test, for `rnm test` */
	if (ends_with(entry, len, "_spec.lua"))
		return;
	if (stat(path, &st) < 0) {
		if (ends_with(entry, len, ".lua"))
			problem(&f->p, "can not read '%s': %s", path, strerror(errno));
		return;
	}
	if (S_ISDIR(st.st_mode)) {
		_autofree_ char *init = xasprintf("%s/init.lua", path);

		if (access(init, F_OK) == 0)
			add_found(f, to, entry, init, path);
		return;
	}
	if (!ends_with(entry, len, ".lua"))
		return;
	if (!S_ISREG(st.st_mode)) {
		problem(&f->p, "'%s' is no regular file", path);
		return;
	}
	add_found(f, to, strndupa(entry, len - 4), path, NULL);
}

static int visible(const struct dirent *de)
{
	return *de->d_name != '.';
}

static void scan(struct finder *f, found_packs *to, const char *dir, bool may_miss)
{
	struct dirent **names;
	struct stat st;
	int n;

	if (stat(dir, &st) < 0) {
		if (errno == ENOENT && may_miss)
			return;
		if (f->c->dirs_given && !may_miss)
			problem_at(&f->p, f->c->dirs_line, f->c->dirs_col,
				"policies.dirs: can not read '%s': %s", dir, strerror(errno));
		else
			problem(&f->p, "can not read '%s': %s", dir, strerror(errno));
		return;
	}
	if (!secure_path(f, dir, &st))
		return;
	n = scandir(dir, &names, visible, alphasort);
	if (n < 0) {
		problem(&f->p, "can not read '%s': %s", dir, strerror(errno));
		return;
	}
	if (n > (int)ENTRIES_MAX)
		problem(&f->p, "'%s' holds more than %u files", dir, ENTRIES_MAX);
	for (int i = 0; i < n; i++) {
		if (n <= (int)ENTRIES_MAX)
			look_at(f, to, dir, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

static struct found_pack *named(found_packs *in, const char *name)
{
	vec_foreach (p, in)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

static const char *any_name(void *ctx, size_t i)
{
	struct finder *f = ctx;

	if (i < f->found.n)
		return f->found.v[i].name;
	i -= f->found.n;
	return i < f->shipped.n ? f->shipped.v[i].name : NULL;
}

/* What the configuration says of a pack, put to the pack; shipped ones that it names are taken over. */
static void apply(struct finder *f, const struct cfg_pack *cfg)
{
	struct found_pack *p = named(&f->found, cfg->name), *shipped;
	const char *near;

	if (!p) {
		shipped = named(&f->shipped, cfg->name);
		if (shipped) {
			vec_push(&f->found, *shipped);
			vec_remove(&f->shipped, (uint32_t)(shipped - f->shipped.v));
			p = &vec_last(&f->found);
			secure_pack(f, p);
		}
	}
	if (p) {
		p->cfg = cfg;
		return;
	}
	near = suggest(cfg->name, any_name, f);
	problem_at(&f->p, cfg->line, cfg->col,
		"packs.%s: no such pack in the policy directories, nor a shipped one%s%s%s", cfg->name,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void found_clear(struct found_pack *p)
{
	free(p->name);
	free(p->path);
	free(p->dir);
}

void found_packs_free(found_packs *f)
{
	vec_foreach (p, f)
		found_clear(p);
	vec_free(f);
}

static int by_order(const void *a, const void *b)
{
	const struct found_pack *x = a, *y = b;

	return x->order != y->order ? (x->order < y->order ? -1 : 1) : strcmp(x->name, y->name);
}

int config_packs(const struct config *c, const char *shipped_dir, found_packs *out, struct err *e)
{
	struct finder f = { .p.file = c->path, .c = c };
	uint32_t kept = 0;
	int rc;

	for (uint32_t i = 0; i < c->dirs.n; i++)
		scan(&f, &f.found, c->dirs.v[i], !c->dirs_given);
	if (c->packs.n && shipped_dir)
		scan(&f, &f.shipped, shipped_dir, true);
	for (uint32_t i = 0; i < c->packs.n; i++)
		apply(&f, &c->packs.v[i]);
	found_packs_free(&f.shipped);
	for (uint32_t i = 0; i < f.found.n; i++) {
		if (f.found.v[i].cfg && !f.found.v[i].cfg->enabled)
			found_clear(&f.found.v[i]);
		else
			f.found.v[kept++] = f.found.v[i];
	}
	f.found.n = kept;
	if (kept)
		qsort(f.found.v, kept, sizeof(*f.found.v), by_order);
	rc = problems_end(&f.p, e);
	if (rc < 0)
		found_packs_free(&f.found);
	memset(out, 0, sizeof(*out));
	if (rc == 0) {
		out->v = f.found.v;
		out->n = f.found.n;
		out->cap = f.found.cap;
	}
	return rc;
}
