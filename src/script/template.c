// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of templates, and the live names that stand in them: $wan.ipv4, $eth0.net6. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "script/load.h"
#include "script/template.h"

/* ---- live names ---- */

static const struct attr {
	const char *name;
	enum net_kind kind;
	const char *family; /* of addresses */
	const char *field;  /* NULL: the record's natural value */
} attrs[] = {
	{ "ipv4", NET_ADDR, "ipv4", NULL },
	{ "ipv6", NET_ADDR, "ipv6", NULL },
	{ "net4", NET_ADDR, "ipv4", "network" },
	{ "net6", NET_ADDR, "ipv6", "network" },
	{ "ifnames", NET_LINK, NULL, NULL },
};

const char *live_attr_at(size_t i)
{
	return i < ARRAY_SIZE(attrs) ? attrs[i].name : NULL;
}

static bool is_zone(const struct mirror *m, const char *name)
{
	const char *zone;

	for (unsigned i = 0; (zone = mirror_zone_at(m, i)) != NULL; i++)
		if (strcmp(zone, name) == 0)
			return true;
	return false;
}

static int filters_of(const struct mirror *m, const struct attr *a, const char *stem, struct filters *fs)
{
	bool zone = is_zone(m, stem);
	int rc = filters_add(fs, zone ? "zone" : a->kind == NET_LINK ? "name" : "iface", stem, NULL);

	if (rc == 0 && a->family)
		rc = filters_add(fs, "family", a->family, NULL);
	if (rc == 0 && a->kind == NET_ADDR)
		rc = filters_add(fs, "scope", "global", NULL);
	return rc;
}

void live_name(struct pack *pk, const char *name, struct val *out)
{
	const char *dot = strrchr(name, '.');
	const struct attr *a = NULL;
	struct filters fs = { 0 };
	char stem[64];
	struct query *q;

	*out = (struct val){ .kind = VAL_NIL };
	for (unsigned i = 0; dot && i < ARRAY_SIZE(attrs); i++)
		if (strcmp(attrs[i].name, dot + 1) == 0)
			a = &attrs[i];
	if (!a || dot == name || (size_t)(dot - name) >= sizeof(stem))
		return;
	snprintf(stem, sizeof(stem), "%.*s", (int)(dot - name), name);
	if (glob_is(stem) || *stem == '!' || (!is_zone(pk->s->mirror, stem) && strlen(stem) >= IFNAMSIZ))
		return;
	fs.kind = a->kind;
	if (filters_of(pk->s->mirror, a, stem, &fs) < 0) {
		filters_free(&fs);
		return;
	}
	need_kind(pk->s, a->kind);
	filters_canon(&fs);
	q = query_get(pk->s->qs, &fs);
	out->kind = VAL_LIVE;
	out->owned = true;
	out->live = live_query(pk->s, q, a->field ? net_field(a->kind, a->field) : NULL);
	query_put(q);
}

/* ---- files ---- */

#define DIRS_MAX 16

/* The pack's folder, then the templates'. */
static void dirs_of(const struct pack *pk, const char *out[DIRS_MAX + 2])
{
	unsigned n = 0;

	if (pk->spec.dir)
		out[n++] = pk->spec.dir;
	for (uint32_t i = 0; i < pk->s->template_dirs.n && i < DIRS_MAX; i++)
		out[n++] = pk->s->template_dirs.v[i];
	out[n] = NULL;
}

int load_include(void *ctx, const char *pattern, const char *from, include_files *out, struct err *e)
{
	struct load *l = ctx;
	const char *dirs[DIRS_MAX + 2];
	struct include_dirs d = { dirs, true };

	dirs_of(l->pk, dirs);
	if (!dirs[0])
		return err_set(e, -ENOENT,
			"a pack of a single file has no folder to include from, and there is no folder of "
			"templates");
	return include_from_dirs(&d, pattern, from, out, e);
}

static void files_free(include_files *files)
{
	vec_foreach (f, files) {
		free(f->name);
		free(f->text);
	}
	vec_free(files);
}

static int read_file(struct pack *pk, const char *name, struct srctext *out, struct err *e)
{
	const char *dirs[DIRS_MAX + 2];
	struct include_dirs d = { dirs, true };
	include_files files = { 0 };
	int rc;

	dirs_of(pk, dirs);
	rc = dirs[0] ? include_from_dirs(&d, name, "", &files, e) : -ENOENT;
	if (rc == 0 && files.n != 1)
		rc = err_set(e, -EINVAL, "%s is no file", name);
	if (rc == 0 && files.v[0].len > TEMPLATE_MAX)
		rc = err_set(e, -EFBIG, "%s: larger than %u bytes", files.v[0].name, TEMPLATE_MAX);
	if (rc == 0) {
		out->path = files.v[0].name;
		out->text = files.v[0].text;
		out->n = files.v[0].len;
		files.n = 0;
	}
	files_free(&files);
	return rc;
}

static int not_found(const struct pack *pk, const char *name, struct err *e)
{
	const char *dirs[DIRS_MAX + 2];
	_buf_ struct buf b = BUF_INIT;

	dirs_of(pk, dirs);
	for (unsigned i = 0; dirs[i]; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", dirs[i]);
	return err_set(e, -ENOENT, "there is no template \"%s\" in %s", name,
		b.n ? buf_str(&b) : "any folder: this pack has none, and none is configured");
}

const struct srctext *template_get(struct pack *pk, const char *name, struct err *e)
{
	static const char *const tails[] = { "", ".nft" };
	_autofree_ char *key = xasprintf("template\n%s", name);

	vec_foreach (s, &pk->src->v)
		if (strcmp(s->name, key) == 0)
			return s;
	for (unsigned i = 0; i < ARRAY_SIZE(tails); i++) {
		_autofree_ char *file = xasprintf("%s%s", name, tails[i]);
		_err_ struct err why = ERR_INIT;
		struct srctext t = { 0 };
		int rc = read_file(pk, file, &t, &why);

		if (rc == 0) {
			t.name = xstrdup(key);
			vec_push(&pk->src->v, t);
			return &vec_last(&pk->src->v);
		}
		if (rc != -ENOENT) {
			err_set(e, rc, "%s", err_text(&why));
			return NULL;
		}
	}
	not_found(pk, name, e);
	return NULL;
}
