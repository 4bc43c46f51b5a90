// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/un.h>

#include "base/hash.h"
#include "base/text.h"
#include "config/read.h"
#include "config/sections.h"
#include "config/secure.h"

/* ---- keys given twice, in the whole tree, before anything is read ---- */

struct seen {
	const char *name;
	unsigned line;
};

static bool seen_eq(const void *item, const void *key)
{
	return !strcmp(((const struct seen *)item)->name, key);
}

static void mark_repeated(struct reader *r, const struct at *at, struct ynode *n)
{
	_autofree_ struct seen *seen = n->kind == Y_MAP ? xcalloc(n->n + 1, sizeof(*seen)) : NULL;
	struct hmap names = { 0 };

	for (uint32_t i = 0; i < n->n; i++) {
		const struct at here = { at, n->kind == Y_MAP ? n->keys[i].name : NULL, i };
		struct seen *first;
		uint64_t h;

		mark_repeated(r, &here, &n->items[i]);
		if (n->kind != Y_MAP)
			continue;
		h = hash_str(n->keys[i].name);
		first = hmap_find(&names, h, seen_eq, n->keys[i].name);
		if (first) {
			const struct ynode place = { .line = n->keys[i].line, .col = n->keys[i].col };

			n->keys[i].repeated = true;
			wrong(r, &here, &place, "given twice, first at line %u", first->line);
			continue;
		}
		seen[i] = (struct seen){ n->keys[i].name, n->keys[i].line };
		hmap_put(&names, h, &seen[i]);
	}
	hmap_free(&names);
}

/* ---- small sections ---- */

static void read_drift(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const char *const words[] = { "repair", "warn" };
	int word = read_word(r, at, n, words, ARRAY_SIZE(words));

	if (word >= 0)
		*(bool *)into = word == 1;
}

static void read_coalesce(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const char *const words[] = { "auto", "never" };
	int i = read_word(r, at, n, words, ARRAY_SIZE(words));

	if (i >= 0)
		*(bool *)into = i == 0;
}

static void read_max_events(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	uint64_t v;

	if (read_number(r, at, n, 1, 65536, &v))
		*(unsigned *)into = (unsigned)v;
}

static void read_max_delay(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	const char *s = scalar(r, at, n, "a duration");
	uint64_t ms;

	if (!s)
		return;
	if (!duration_parse(s, &ms))
		wrong_value(r, at, n, "not a duration", "for example 5ms");
	else if (ms > 1000)
		wrong_value(r, at, n, "at most 1s (a number without a unit is seconds)", NULL);
	else
		*(unsigned *)into = (unsigned)ms;
}

static void read_commit(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const struct key keys[] = {
		{ "coalesce", read_coalesce, offsetof(struct config, coalesce) },
		{ "max_events", read_max_events, offsetof(struct config, max_events) },
		{ "max_delay", read_max_delay, offsetof(struct config, max_delay_ms) },
	};

	read_map(r, at, n, keys, ARRAY_SIZE(keys), into);
}

static void read_table(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const struct key keys[] = { { "owner", read_bool, offsetof(struct config, owner) } };

	read_map(r, at, n, keys, ARRAY_SIZE(keys), into);
}

static void read_limits(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const struct key keys[] = {
		{ "hook_instructions", read_count64, offsetof(struct config, limits.hook_instructions) },
		{ "main_instructions", read_count64, offsetof(struct config, limits.main_instructions) },
		{ "hook_time", read_ms, offsetof(struct config, limits.hook_ms) },
		{ "main_time", read_ms, offsetof(struct config, limits.main_ms) },
		{ "memory", read_bytes, offsetof(struct config, limits.memory) },
		{ "statements", read_count32, offsetof(struct config, limits.statements) },
		{ "timers", read_count32, offsetof(struct config, limits.timers) },
		{ "emits", read_count32, offsetof(struct config, limits.emits) },
	};

	read_map(r, at, n, keys, ARRAY_SIZE(keys), into);
}

static void read_socket_path(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	const char *s = scalar(r, at, n, "a path");

	if (!s)
		return;
	if (*s != '/')
		wrong_value(r, at, n, "must be an absolute path", NULL);
	else if (strlen(s) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		wrong_value(r, at, n, "too long for a socket: at most 107 bytes", NULL);
	else
		read_text(r, at, n, into);
}

static void read_mode(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	const char *s = scalar(r, at, n, "a file mode");
	mode_t mode = 0;
	size_t len;

	if (!s)
		return;
	len = strlen(s);
	if ((len != 3 && (len != 4 || *s != '0')) || strspn(s, "01234567") != len) {
		wrong_value(r, at, n, "must be an octal file mode", "for example \"0660\"");
		return;
	}
	for (; *s; s++)
		mode = mode << 3 | (mode_t)(*s - '0');
	*(mode_t *)into = mode;
}

static void read_socket(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const struct key keys[] = {
		{ "path", read_socket_path, offsetof(struct config, socket_path) },
		{ "mode", read_mode, offsetof(struct config, socket_mode) },
		{ "group", read_text, offsetof(struct config, socket_group) },
	};

	read_map(r, at, n, keys, ARRAY_SIZE(keys), into);
}

static void read_state(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	const char *s = scalar(r, at, n, "a folder's path");

	if (s && *s != '/')
		wrong_value(r, at, n, "must be an absolute path", NULL);
	else if (s)
		read_text(r, at, n, into);
}

static void read_level(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const char *const words[] = { "error", "warn", "info", "debug" };
	static const enum log_level level[] = { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
	int i = read_word(r, at, n, words, ARRAY_SIZE(words));

	if (i >= 0)
		*(enum log_level *)into = level[i];
}

static void read_log(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const struct key keys[] = { { "level", read_level, 0 } };

	if (n->kind == Y_SCALAR)
		read_level(r, at, n, into);
	else
		read_map(r, at, n, keys, ARRAY_SIZE(keys), into);
}

static void read_dir(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	_autofree_ char *dir = NULL;
	struct config *c = into;

	read_path(r, at, n, &dir);
	if (!dir)
		return;
	vec_foreach (have, &c->dirs) {
		if (!strcmp(*have, dir)) {
			wrong_value(r, at, n, "given twice", NULL);
			return;
		}
	}
	vec_push(&c->dirs, xstrdup(dir));
}

static void read_dirs(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	struct config *c = into;

	c->dirs_given = true;
	c->dirs_line = n->line;
	c->dirs_col = n->col;
	read_list(r, at, n, true, read_dir, c);
}

static void read_policies(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const struct key keys[] = { { "dirs", read_dirs, 0 } };

	read_map(r, at, n, keys, ARRAY_SIZE(keys), into);
}

/* ---- the file ---- */

static void read_root(struct reader *r, const struct ynode *n)
{
	static const struct key keys[] = {
		{ "interfaces", read_interfaces, 0 },
		{ "zones", read_zones, 0 },
		{ "templates", read_templates, 0 },
		{ "policies", read_policies, 0 },
		{ "packs", read_packs, 0 },
		{ "port_forwards", read_port_forwards, 0 },
		{ "commit", read_commit, 0 },
		{ "table", read_table, 0 },
		{ "drift", read_drift, offsetof(struct config, drift_warn) },
		{ "limits", read_limits, 0 },
		{ "socket", read_socket, 0 },
		{ "state", read_state, offsetof(struct config, state_dir) },
		{ "log", read_log, offsetof(struct config, log_level) },
	};

	read_map(r, NULL, n, keys, ARRAY_SIZE(keys), r->c);
}

static struct config *defaults(const char *path)
{
	struct config *c = xnew(struct config);

	c->path = xstrdup(path);
	c->coalesce = true;
	c->max_events = 256;
	c->max_delay_ms = 5;
	c->socket_mode = 0660;
	c->log_level = LOG_INFO;
	return c;
}

static char *folder_of(const char *path)
{
	_autofree_ char *copy = xstrdup(path);
	char *slash = strrchr(copy, '/'), *real;

	if (slash)
		slash[slash == copy] = 0;
	real = realpath(slash ? copy : ".", NULL);
	return real ? real : NULL;
}

static void read_text_of(struct reader *r, const char *data, size_t len)
{
	struct ynode *root = NULL;

	if (!yaml_tree(data, len, &r->p, &root) || !root)
		return;
	mark_repeated(r, NULL, root);
	read_root(r, root);
	ynode_free(root);
}

int config_parse(const char *path, const char *data, size_t len, struct config **out, struct err *e)
{
	struct reader r = { .p.file = path, .c = defaults(path), .base = folder_of(path) };
	int rc;

	if (r.base)
		r.c->template_dir = xasprintf("%s/templates", r.base);
	read_text_of(&r, data, len);
	if (!r.c->dirs_given)
		vec_push(&r.c->dirs, xstrdup(CONFIG_DEFAULT_DIR));
	rc = problems_end(&r.p, e);
	if (rc < 0) {
		config_free(r.c);
		r.c = NULL;
	}
	free(r.base);
	*out = r.c;
	return rc;
}

int config_load(const char *path, struct config **out, struct err *e)
{
	_buf_ struct buf data = BUF_INIT, why = BUF_INIT;
	int rc = secure_read(path, YAML_FILE_MAX, &data, &why);

	*out = NULL;
	if (rc < 0)
		return err_set(e, rc, "configuration: %s", buf_str(&why));
	return config_parse(path, buf_str(&data), data.n, out, e);
}

static void pack_free(struct cfg_pack *p)
{
	free(p->name);
	for (char **f = p->files; f && *f; f++)
		free(*f);
	free(p->files);
	cfg_node_free(&p->config);
}

void config_keep_packs(struct config *c, bool (*keep)(void *ctx, const struct cfg_pack *p), void *ctx)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < c->packs.n; i++)
		if (keep(ctx, &c->packs.v[i]))
			c->packs.v[kept++] = c->packs.v[i];
		else
			pack_free(&c->packs.v[i]);
	c->packs.n = kept;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	vec_foreach (i, &c->ifaces) {
		free(i->name);
		free(i->zone);
		vec_free(&i->addresses);
	}
	vec_foreach (p, &c->packs)
		pack_free(p);
	vec_foreach (t, &c->templates) {
		free(t->name);
		cfg_node_free(&t->params);
	}
	vec_foreach (d, &c->dirs)
		free(*d);
	vec_foreach (s, &c->notes)
		free(*s);
	vec_free(&c->ifaces);
	vec_free(&c->packs);
	vec_free(&c->templates);
	vec_free(&c->dirs);
	vec_free(&c->notes);
	free(c->template_dir);
	free(c->path);
	free(c->socket_path);
	free(c->socket_group);
	free(c->state_dir);
	free(c);
}
