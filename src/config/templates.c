// SPDX-License-Identifier: GPL-2.0-or-later
/* The `templates:` section: files of nft's language that rnm loads itself, with values for their $names.
 *
 *   templates: [base, nat]
 *   templates: { base: , nat: { server: 192.168.1.10 } }
 *   templates: [base, { name: nat, params: { server: 192.168.1.10 } }] */
#include "base/text.h"
#include "config/sections.h"

static void add(struct reader *r, const struct at *at, struct cfg_template *t, const struct ynode *n)
{
	const char *s = t->name;
	bool up = false;

	for (const char *p = s; (p = strstr(p, "..")) != NULL; p += 2)
		up |= (p == s || p[-1] == '/') && (!p[2] || p[2] == '/');
	if (!text_is_clean(s, strlen(s)) || *s == '/' || up || strpbrk(s, "*?[\\")) {
		wrong(r, at, n, "'%.64s' is no template's name: a path below the folder of templates", s);
		free(t->name);
		cfg_node_free(&t->params);
		return;
	}
	vec_push(&r->c->templates, *t);
}

static void read_params(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	struct cfg_node *out = into;

	if (ynode_is_null(n))
		return;
	if (n->kind != Y_MAP)
		wrong(r, at, n, "must be a mapping (NAME: VALUE), not %s", ynode_kind(n));
	else
		value_tree(r, at, n, out);
}

static void read_item(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const struct key keys[] = {
		{ "name", read_text, offsetof(struct cfg_template, name) },
		{ "params", read_params, offsetof(struct cfg_template, params) },
	};
	struct cfg_template t = { .line = n->line, .col = n->col };

	(void)into;
	if (n->kind == Y_SCALAR)
		read_text(r, at, n, &t.name);
	else
		read_map(r, at, n, keys, ARRAY_SIZE(keys), &t);
	if (t.name) {
		add(r, at, &t, n);
		return;
	}
	if (n->kind == Y_MAP &&
		n->n == (map_value(n, "params", NULL) ? 1 : 0)) /* else more was said already */
		wrong(r, at, n, "a template needs a 'name'");
	cfg_node_free(&t.params);
}

void read_templates(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	if (n->kind == Y_LIST) {
		read_list(r, at, n, false, read_item, into);
		return;
	}
	if (n->kind != Y_MAP) {
		if (!ynode_is_null(n))
			wrong(r, at, n, "must be a list or a mapping, not %s", ynode_kind(n));
		return;
	}
	for (uint32_t i = 0; i < n->n; i++) {
		const struct ykey *k = &n->keys[i];
		const struct at here = { at, k->name, 0 };
		const struct ynode place = { .line = k->line, .col = k->col };
		struct cfg_template t = { .line = k->line, .col = k->col };

		if (k->repeated)
			continue;
		t.name = xstrdup(k->name);
		read_params(r, &here, &n->items[i], &t.params);
		add(r, &here, &t, &place);
	}
}
