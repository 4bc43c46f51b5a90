// SPDX-License-Identifier: GPL-2.0-or-later
/* rnm.file(): a list file as a live value, one element a line. Read in C, compared with what was there, and
 * only a good list replaces the last good one. */
#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "script/check.h"
#include "script/internal.h"
#include "script/lines.h"

#define FILE_BYTES (64u << 20)

struct file {
	struct live live;
	struct script *s;
	uint32_t refs;
	uint64_t token;
	char *path, *comment;
	struct lines now;
	struct sinks sinks;
	VEC(struct obj *) sets; /* whose type says what an element is */
	bool good;              /* the last reading was */
};

static const struct live_ops file_ops;

struct file *live_file(const struct live *l)
{
	return l->ops == &file_ops ? (struct file *)l : NULL;
}

/* A line as a value: addresses, prefixes and ranges are told by their look, the rest is a string. */
static void line_val(const char *line, struct val *out)
{
	struct ipprefix p, q;
	const char *dash;

	if (ipprefix_parse(line, &p)) {
		*out = strchr(line, '/') ? val_prefix(&p) : val_addr(&p.addr);
		return;
	}
	dash = strchr(line, '-');
	if (dash && dash - line < IPADDR_STRLEN && ipprefix_parse(dash + 1, &q) && !strchr(line, '/')) {
		char first[IPADDR_STRLEN];

		memcpy(first, line, (size_t)(dash - line));
		first[dash - line] = '\0';
		if (ipprefix_parse(first, &p)) {
			*out = (struct val){
				.kind = VAL_RANGE, .n = 2, .list = xcalloc(2, sizeof(struct val))
			};
			out->list[0] = val_addr(&p.addr);
			out->list[1] = val_addr(&q.addr);
			return;
		}
	}
	*out = val_string(line, strlen(line));
}

static int check_line(void *ctx, const char *line, unsigned no, struct err *e)
{
	struct file *f = ctx;

	vec_foreach (o, &f->sets) {
		const struct set_info *info = obj_set_info(*o);
		_err_ struct err le = ERR_INIT;
		struct setelem el;
		struct val v;
		int rc;

		if (!info)
			continue;
		line_val(line, &v);
		/* of a mixed list a set takes the family that is its own */
		int family = nft_type_family(&info->key);
		bool other =
			family && (v.kind == VAL_ADDR || v.kind == VAL_PREFIX) && v.ip.addr.family != family;

		rc = other ? 0 : nft_elem_make(info, &v, NULL, &el, &le);
		val_free(&v);
		if (rc < 0)
			return err_set(e, -EINVAL, "%s:%u: %s", f->path, no, err_text(&le));
	}
	return 0;
}

const char *script_files_below;

static int content_read(const struct file *f, char **text, size_t *n, struct err *e)
{
	const char *above = script_files_below;
	_autofree_ char *below = above ? xasprintf("%s%s", above, f->path) : NULL;
	_err_ struct err why = ERR_INIT;
	struct stat st;
	int rc;

	/* a link to nowhere: there is no such file, whatever the host has */
	if (!below || lstat(below, &st) < 0)
		return text_read(f->path, FILE_BYTES, text, n, e);
	rc = text_read(below, FILE_BYTES, text, n, &why);
	return rc < 0 ? err_set(e, rc, "%s", err_text(&why) + strlen(above)) : rc;
}

static void push_line(struct file *f, int sign, const char *line)
{
	struct val v;

	line_val(line, &v);
	sinks_push(&f->sinks, sign, &v, NULL);
	val_free(&v);
}

static int file_read(struct file *f, struct lines *out, struct lines_diff *diff, struct err *e)
{
	struct lines_opt opt = { .path = f->path, .comment = f->comment, .check = check_line, .ctx = f };
	char *text = NULL;
	size_t n;
	int rc = content_read(f, &text, &n, e);

	return rc < 0 ? rc : lines_read(out, diff, &f->now, text, n, &opt, e);
}

static void file_update(struct file *f)
{
	_err_ struct err e = ERR_INIT;
	struct lines next, was = f->now;
	struct lines_diff diff;
	bool first = !was.text;

	if (file_read(f, &next, &diff, &e) < 0) {
		if (f->good || first)
			log_warn("pack", "list %s: %s", err_text(&e),
				first ? "nothing in it is used" : "the last good list stays");
		f->good = false;
		return;
	}
	if (!f->good && !first)
		log_info("pack", "list %s: good again, %u lines", f->path, next.n);
	f->good = true;
	f->now = next;
	vec_foreach (at, &diff.went)
		push_line(f, -1, was.text + *at);
	vec_foreach (at, &diff.came)
		push_line(f, 1, next.text + *at);
	lines_diff_free(&diff);
	lines_free(&was);
}

/* ---- live ---- */

static void file_ref(struct live *l)
{
	((struct file *)l)->refs++;
}

static void file_put(struct live *l)
{
	struct file *f = (struct file *)l;
	struct script *s = f->s;

	if (--f->refs)
		return;
	for (uint32_t i = 0; s && i < s->files.n; i++)
		if (s->files.v[i] == f) {
			vec_remove(&s->files, i);
			break;
		}
	if (s)
		s->ops.watch_file(s->ops.ctx, NULL, f->token);
	vec_foreach (o, &f->sets)
		obj_put(*o);
	vec_free(&f->sets);
	sinks_free(&f->sinks);
	lines_free(&f->now);
	free(f->path);
	free(f->comment);
	free(f);
}

static void file_each(
	struct live *l, void (*fn)(void *ctx, const struct val *key, const struct val *data), void *ctx)
{
	struct file *f = (struct file *)l;

	lines_foreach(line, &f->now)
	{
		struct val v;

		line_val(line, &v);
		fn(ctx, &v, NULL);
		val_free(&v);
	}
}

static void file_first(struct live *l, int family, struct val *out)
{
	struct file *f = (struct file *)l;

	*out = (struct val){ .kind = VAL_NIL };
	lines_foreach(line, &f->now)
	{
		line_val(line, out);
		if (!family || (out->kind != VAL_ADDR && out->kind != VAL_PREFIX) ||
			out->ip.addr.family == family)
			return;
		val_free(out);
	}
}

static void file_sink_add(struct live *l, struct live_sink *s)
{
	sinks_add(&((struct file *)l)->sinks, s);
}

static void file_sink_del(struct live *l, struct live_sink *s)
{
	sinks_del(&((struct file *)l)->sinks, s);
}

static bool file_may_be_interval(struct live *l)
{
	(void)l;
	return true;
}

static void file_text(struct live *l, struct buf *out)
{
	buf_printf(out, "rnm.file(\"%s\")", ((struct file *)l)->path);
}

static const struct live_ops file_ops = {
	.ref = file_ref,
	.put = file_put,
	.each = file_each,
	.first = file_first,
	.sink_add = file_sink_add,
	.sink_del = file_sink_del,
	.may_be_interval = file_may_be_interval,
	.text = file_text,
};

uint32_t file_count(struct file *f)
{
	return f->now.n;
}

const char *file_line(struct file *f, uint32_t i, size_t *n)
{
	const char *line = lines_at(&f->now, i);

	*n = line ? strlen(line) : 0;
	return line;
}

void file_attach(struct file *f, struct obj *set)
{
	vec_foreach (o, &f->sets)
		if (*o == set)
			return;
	obj_ref(set);
	vec_push(&f->sets, set);
	/* what was read before the set's type was known is looked at again */
	unsigned no = 0;

	lines_foreach(line, &f->now)
	{
		_err_ struct err e = ERR_INIT;

		if (check_line(f, line, ++no, &e) == 0)
			continue;
		log_warn("pack", "list %s: nothing in it is used", err_text(&e));
		struct lines was = f->now;

		f->now = (struct lines){ 0 };
		f->good = false;
		lines_foreach(l, &was) push_line(f, -1, l);
		lines_free(&was);
		return;
	}
}

void file_changed(struct script *s, uint64_t token)
{
	vec_foreach (f, &s->files)
		if ((*f)->token == token) {
			file_update(*f);
			return;
		}
}

void files_orphan(struct script *s)
{
	vec_foreach (f, &s->files)
		(*f)->s = NULL;
	vec_free(&s->files);
}

/* ---- Lua ---- */

static bool below(const char *dir, const char *path)
{
	size_t n = dir ? strlen(dir) : 0;

	while (n && dir[n - 1] == '/')
		n--;
	return n && strncmp(dir, path, n) == 0 && path[n] == '/';
}

/* Below one of the pack's folders, also after all links are followed. */
static bool in_folder(const char *dir, const char *path)
{
	char real[PATH_MAX], rdir[PATH_MAX];

	if (!below(dir, path))
		return false;
	if (!realpath(path, real)) /* not there yet: its place must be */
		return true;
	return realpath(dir, rdir) && below(rdir, real);
}

static bool allowed(const struct pack *pk, const char *path)
{
	if (pk->spec.trusted)
		return true;
	for (const char *const *f = pk->spec.files; f && *f; f++)
		if (strcmp(*f, path) == 0)
			return true;
	return in_folder(pk->spec.dir, path) || in_folder(pk->s->state_dir, path);
}

static bool dotted(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")) != NULL; p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '/' || !p[2]))
			return true;
	return false;
}

static struct file *file_get(struct script *s, const char *path, const char *comment)
{
	struct file *f;

	vec_foreach (p, &s->files)
		if (strcmp((*p)->path, path) == 0 && strcmp((*p)->comment, comment) == 0) {
			(*p)->refs++;
			return *p;
		}
	f = xnew(struct file);
	f->live.ops = &file_ops;
	f->s = s;
	f->refs = 1;
	f->token = ++s->next_token;
	f->path = xstrdup(path);
	f->comment = xstrdup(comment);
	vec_push(&s->files, f);
	int rc = s->ops.watch_file(s->ops.ctx, path, f->token);

	if (rc < 0)
		log_warn("pack", "list %s: can not be watched: %s", path, strerror(-rc));
	file_update(f);
	return f;
}

int lua_file(lua_State *L)
{
	static const char *const fields[] = { "comment", NULL };
	struct pack *pk = vm_user(L);
	char path[PATH_MAX], comment[16] = "#";
	size_t n;

	check_count(L, "rnm.file", 1, 1, 2);
	const char *s = check_string(L, "rnm.file", 1, 1, &n);

	if (!text_is_clean(s, n) || n >= sizeof(path) / 2)
		return luaL_error(L, "rnm.file: no path");
	if (lua_gettop(L) == 2) {
		check_table(L, "rnm.file", 2, 1);
		check_fields(L, "rnm.file", 2, fields);
		field_string(L, "rnm.file", 2, "comment", comment, sizeof(comment));
	}
	if (*s == '/')
		memcpy(path, s, n + 1);
	else if (!pk->spec.dir)
		return luaL_error(
			L, "rnm.file: \"%s\": a pack of a single file has no folder; give the whole path", s);
	else if (snprintf(path, sizeof(path), "%s/%s", pk->spec.dir, s) >= (int)sizeof(path))
		return luaL_error(L, "rnm.file: the path is too long");
	if (dotted(path))
		return luaL_error(L, "rnm.file: \"%s\": no .. in paths", s);
	if (!allowed(pk, path))
		return luaL_error(L,
			"rnm.file: this pack may not read %s; allow it with  packs: { %s: { files: [%s] } }",
			path, pk->spec.name, path);
	vm_charge(L, 1000);
	struct live **box = push_live_box(L); /* before the file: nothing may raise while it has no owner */

	*box = (struct live *)file_get(pk->s, path, comment);
	return 1;
}
