// SPDX-License-Identifier: GPL-2.0-or-later
/* The `packs:` section and the free-form values that it passes on to policies. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "config/packs.h"
#include "config/sections.h"

static bool digits_only(const char *s, const char *digits)
{
	return *s && strspn(s, digits) == strlen(s);
}

/* 1 integer, 0 not one, -1 one that does not fit. */
static int integer_of(const char *s, int64_t *out)
{
	const char *body = s + (*s == '-' || *s == '+');
	int base = 10;

	if (!strncmp(body, "0x", 2) && digits_only(body + 2, "0123456789abcdefABCDEF"))
		base = 16;
	else if (!strncmp(body, "0o", 2) && digits_only(body + 2, "01234567"))
		base = 8;
	else if (!digits_only(body, "0123456789") || (*body == '0' && body[1]))
		return 0;
	errno = 0;
	if (base == 10) {
		*out = strtoll(s, NULL, 10);
		return errno ? -1 : 1;
	}
	if (body != s)
		return 0;
	*out = strtoll(body + 2, NULL, base);
	return errno ? -1 : 1;
}

static bool real_of(const char *s, double *out)
{
	const char *p = s + (*s == '-' || *s == '+');
	size_t whole = strspn(p, "0123456789"), part = 0;
	char *end;

	if (!strcmp(p, ".inf") || !strcmp(p, ".Inf") || !strcmp(p, ".INF")) {
		*out = *s == '-' ? -INFINITY : INFINITY;
		return true;
	}
	if (!strcmp(s, ".nan") || !strcmp(s, ".NaN") || !strcmp(s, ".NAN")) {
		*out = NAN;
		return true;
	}
	if (whole > 1 && *p == '0')
		return false;
	p += whole;
	if (*p == '.')
		part = 1 + strspn(p + 1, "0123456789");
	if (!whole && part < 2)
		return false;
	p += part;
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '-' || *p == '+';
		if (!*p || !digits_only(p, "0123456789"))
			return false;
	} else if (*p || !part) {
		return false;
	}
	*out = strtod(s, &end);
	return !*end;
}

static bool scalar_value(struct reader *r, const struct at *at, const struct ynode *n, struct cfg_node *out)
{
	const char *s = n->text;

	if (ynode_is_null(n)) {
		out->kind = CFG_NULL;
		return true;
	}
	if (n->plain && (!strcmp(s, "true") || !strcmp(s, "True") || !strcmp(s, "TRUE"))) {
		out->kind = CFG_BOOL;
		out->boolean = true;
		return true;
	}
	if (n->plain && (!strcmp(s, "false") || !strcmp(s, "False") || !strcmp(s, "FALSE"))) {
		out->kind = CFG_BOOL;
		return true;
	}
	switch (n->plain ? integer_of(s, &out->integer) : 0) {
	case 1: out->kind = CFG_INT; return true;
	case -1:
		wrong_value(r, at, n, "the number does not fit into 64 bits", "quote it to make it a text");
		return false;
	default: break;
	}
	if (n->plain && real_of(s, &out->real)) {
		out->kind = CFG_FLOAT;
		return true;
	}
	out->kind = CFG_STRING;
	out->string = xstrdup(s);
	return true;
}

bool value_tree(struct reader *r, const struct at *at, const struct ynode *n, struct cfg_node *out)
{
	bool ok = true;

	*out = (struct cfg_node){ .file = r->c->path, .line = n->line, .col = n->col };
	if (n->kind == Y_SCALAR)
		return scalar_value(r, at, n, out);
	out->kind = n->kind == Y_LIST ? CFG_LIST : CFG_MAP;
	if (!n->n)
		return true;
	out->items = xcalloc(n->n, sizeof(*out->items));
	if (n->kind == Y_MAP)
		out->keys = xcalloc(n->n, sizeof(*out->keys));
	for (uint32_t i = 0; i < n->n; i++) {
		const struct at here = { at, n->kind == Y_MAP ? n->keys[i].name : NULL, i };

		if (n->kind == Y_MAP)
			out->keys[i] = xstrdup(n->keys[i].name);
		out->n = i + 1;
		ok = value_tree(r, &here, &n->items[i], &out->items[i]) && ok;
	}
	return ok;
}

static void read_config(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	struct cfg_node *out = into;

	if (ynode_is_null(n))
		return;
	if (n->kind != Y_MAP)
		wrong(r, at, n, "must be a mapping (KEY: VALUE), not %s", ynode_kind(n));
	else
		value_tree(r, at, n, out);
}

struct files {
	VEC(char *) v;
};

static void add_file(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	struct files *files = into;
	char *path = NULL;

	read_path(r, at, n, &path);
	if (path)
		vec_push(&files->v, path);
}

static void read_files(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	struct files files = { 0 };

	read_list(r, at, n, true, add_file, &files);
	vec_push(&files.v, NULL);
	*(char ***)into = files.v.v;
}

static void read_enabled(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	struct cfg_pack *p = into;

	p->enabled_given = true;
	read_bool(r, at, n, &p->enabled);
}

static void read_pack(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const struct key keys[] = {
		{ "enabled", read_enabled, 0 },
		{ "trusted", read_bool, offsetof(struct cfg_pack, trusted) },
		{ "files", read_files, offsetof(struct cfg_pack, files) },
		{ "config", read_config, offsetof(struct cfg_pack, config) },
	};

	read_map(r, at, n, keys, ARRAY_SIZE(keys), into);
}

void read_packs(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	struct config *c = into;

	if (n->kind != Y_MAP) {
		if (!ynode_is_null(n))
			wrong(r, at, n, "must be a mapping (NAME: …), not %s", ynode_kind(n));
		return;
	}
	for (uint32_t i = 0; i < n->n; i++) {
		const struct ykey *k = &n->keys[i];
		const struct at here = { at, k->name, 0 };
		const struct ynode place = { .line = k->line, .col = k->col };
		struct cfg_pack p = { .line = k->line, .col = k->col, .enabled = true };

		if (k->repeated)
			continue;
		if (pack_name_reserved(k->name)) {
			wrong(r, &here, &place, "'%s' is rnm's own pack; no policy can have its name",
				k->name);
			continue;
		}
		if (!pack_name_valid(k->name)) {
			wrong(r, &here, &place,
				"not a pack's name: a letter or '_', then letters, digits, '_' or '-'");
			continue;
		}
		p.name = xstrdup(k->name);
		read_pack(r, &here, &n->items[i], &p);
		vec_push(&c->packs, p);
	}
}
