// SPDX-License-Identifier: GPL-2.0-or-later
/* Texts that are parsed: each pack keeps those that it loaded lately, with the values that their declarations
 * were made of, so that a block or record that runs again finds its rules as they were. */
#include <errno.h>
#include <string.h>

#include "script/load.h"

#define KEPT       64
#define KEPT_BYTES (16u << 20) /* of texts */

void loaded_put(struct loaded *ld)
{
	if (!ld || --ld->refs)
		return;
	vec_foreach (lc, &ld->cmds) {
		if (lc->o)
			obj_put(lc->o);
		spec_put(lc->spec);
		ast_put(lc->ast);
	}
	vec_free(&ld->cmds);
	vec_foreach (t, &ld->tables)
		obj_put(*t);
	vec_free(&ld->tables);
	vec_foreach (a, &ld->asked) {
		free(a->name);
		val_free(&a->val);
	}
	vec_free(&ld->asked);
	nft_file_free(ld->f);
	free(ld);
}

void load_cache_free(struct pack *pk)
{
	while (pk->loaded.n)
		loaded_put(vec_pop(&pk->loaded));
	vec_free(&pk->loaded);
}

/* A value that a declaration is made of. What it is made of is noted. */
static const struct val *ask(void *ctx, const char *name)
{
	struct loaded *ld = ctx;
	const struct val *v = load_value(ld->now, name);

	if (!v || ld->f) /* elements are made anew each time */
		return v;
	vec_foreach (a, &ld->asked)
		if (strcmp(a->name, name) == 0)
			return v;
	vec_push(&ld->asked, (struct rule_param){ xstrdup(name), val_copy(v) });
	return v;
}

static int include(void *ctx, const char *pattern, const char *from, include_files *out, struct err *e)
{
	struct loaded *ld = ctx;

	return load_include(ld->now, pattern, from, out, e);
}

static bool same_values(struct load *l, const struct loaded *ld)
{
	vec_foreach (a, &ld->asked) {
		const struct val *v = load_value(l, a->name);

		if (!v || !val_equal(v, &a->val))
			return false;
	}
	return true;
}

static struct loaded *look(struct load *l, uint32_t site, uint64_t hash, const char *text, size_t n)
{
	struct pack *pk = l->pk;

	for (uint32_t i = pk->loaded.n; i-- > 0;) {
		struct loaded *ld = pk->loaded.v[i];

		if (ld->site != site || ld->hash != hash || ld->len != n ||
			memcmp(file_src(ld->f, 0)->text + ld->skip, text, n) != 0 || !same_values(l, ld))
			continue;
		vec_remove(&pk->loaded, i); /* the newest stand last */
		vec_push(&pk->loaded, ld);
		return ld;
	}
	return NULL;
}

static void keep(struct pack *pk, struct loaded *ld)
{
	size_t bytes = 0;

	ld->refs++;
	vec_push(&pk->loaded, ld);
	vec_foreach (k, &pk->loaded)
		bytes += (*k)->len;
	while (pk->loaded.n > 1 && (pk->loaded.n > KEPT || bytes > KEPT_BYTES)) {
		bytes -= pk->loaded.v[0]->len;
		loaded_put(pk->loaded.v[0]);
		vec_remove(&pk->loaded, 0);
	}
}

int load_take(struct load *l, uint32_t site, const char *text, size_t n,
	void (*what)(struct load *l, uint32_t site, const char *text, size_t n, struct load_text *out))
{
	uint64_t hash = hash_bytes(text, n);
	struct load_text t = { .text = text, .len = n };
	struct nft_file_opts o = { .include = include, .param = ask, .param_at = load_value_at };
	struct loaded *ld = look(l, site, hash, text, n);

	if (ld) {
		ld->refs++;
		l->ld = ld;
		ld->now = l;
		return 0;
	}
	ld = l->ld = xnew(struct loaded);
	ld->refs = 1;
	ld->now = l;
	ld->pk = l->pk;
	ld->hash = hash;
	ld->site = site;
	ld->len = n;
	what(l, site, text, n, &t);
	ld->skip = t.skip;
	ld->places = t.places;
	o.ctx = ld;
	ld->f = nft_file_parse(t.name, t.text, t.len, &o, &l->errs);
	if (ld->f && !l->errs.n)
		load_prepare(l, ld);
	if (!ld->f || l->errs.n)
		return -EINVAL;
	keep(l->pk, ld);
	return 0;
}
