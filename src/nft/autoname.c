// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of the sets that hold live lists: _PACK_N. What the list is decides its number, as far as that is
 * remembered: here, over reloads and over runs in any order, and by the kernel, over restarts. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "nft/autoset.h"

#define SPARE_MAX  256u   /* names that nobody uses: more are forgotten */
#define NUMBER_MAX 65536u /* of a set found in the kernel */

struct auto_name {
	uint64_t id; /* of the list, its table and its type; 0: the number is free */
	uint32_t users;
	const struct rpack *last; /* who took it last, while that one has it */
};

struct auto_names { /* of one pack, also while two of its lives are there */
	char *prefix;
	uint32_t spare;
	VEC(struct auto_name) v; /* by number - 1 */
};

static struct auto_names *names_of(struct ruleset *rs, const char *prefix, size_t len)
{
	struct auto_names *ns;

	vec_foreach (it, &rs->auto_names)
		if (strncmp((*it)->prefix, prefix, len) == 0 && !(*it)->prefix[len])
			return *it;
	ns = xnew(struct auto_names);
	ns->prefix = xstrndup(prefix, len);
	vec_push(&rs->auto_names, ns);
	return ns;
}

static struct auto_names *names_of_pack(struct rpack *pk)
{
	char prefix[NFT_NAME_MAXLEN];
	int n = snprintf(prefix, sizeof(prefix), "_%.*s_", NFT_NAME_MAXLEN - 16, pk->name);

	for (char *c = prefix; *c; c++)
		if (*c == '-')
			*c = '_';
	return names_of(pk->rs, prefix, (size_t)n);
}

static uint64_t id_of(const struct autoset *a, uint32_t site)
{
	const struct obj *tab = a->tab;
	_buf_ struct buf text = BUF_INIT;
	uint64_t h = hash_stable(tab->family, tab->name, strlen(tab->name) + 1);

	a->live->ops->text(a->live, &text);
	buf_putc(&text, ' ');
	nft_type_text(&a->want.info.key, &text);
	h = hash_stable(h, buf_str(&text), text.n);
	h = hash_stable(h, &a->want.info.flags, sizeof(a->want.info.flags));
	if (a->live->ops->opaque && a->live->ops->opaque(a->live)) {
		struct site s = ruleset_site_get(tab->rs, site);

		h = hash_stable(h, s.file, strlen(s.file) + 1);
		h = hash_stable(h, &s.line, sizeof(s.line));
	}
	return h | 1;
}

/* The pack itself uses it; other users are of a life of it that comes or goes. */
static bool has(const struct rpack *pk, const struct auto_names *ns, uint32_t i)
{
	const struct autoset *a;

	if (!ns->v.v[i].users)
		return false;
	if (ns->v.v[i].last)
		return ns->v.v[i].last == pk;
	hmap_foreach (a, &pk->autos, pos)
		if (a->names == ns && a->number == i + 1)
			return true;
	return false;
}

/* The index of the list's own name, or else of the smallest number that is nobody's. */
static uint32_t look(const struct rpack *pk, const struct auto_names *ns, uint64_t id)
{
	uint32_t spare = ns->v.n;

	for (uint32_t i = 0; i < ns->v.n; i++) {
		if (ns->v.v[i].id == id && !has(pk, ns, i))
			return i;
		if (!ns->v.v[i].id && spare == ns->v.n)
			spare = i;
	}
	return spare;
}

void auto_name_take(struct rpack *pk, struct autoset *a, uint32_t site)
{
	struct auto_names *ns = names_of_pack(pk);
	uint64_t id = id_of(a, site);
	uint32_t i = look(pk, ns, id);

	if (i == ns->v.n)
		vec_push(&ns->v, (struct auto_name){ 0 });
	else if (ns->v.v[i].id && !ns->v.v[i].users)
		ns->spare--;
	ns->v.v[i].id = id;
	ns->v.v[i].users++;
	ns->v.v[i].last = pk;
	a->names = ns;
	a->number = i + 1;
	a->want.auto_id = id;
	snprintf(a->want.info.name, sizeof(a->want.info.name), "%s%u", ns->prefix, a->number);
}

/* Remembered, so that the list has its name when it comes back. */
void auto_name_put(struct autoset *a)
{
	struct auto_names *ns = a->names;
	struct auto_name *n = &ns->v.v[a->number - 1];

	n->last = NULL;
	if (--n->users || ++ns->spare <= SPARE_MAX)
		return;
	vec_foreach (it, &ns->v)
		if (!it->users)
			it->id = 0;
	ns->spare = 0;
}

void auto_name_known(struct ruleset *rs, const char *name, uint64_t id)
{
	const char *digits = strrchr(name, '_');
	struct auto_names *ns;
	uint64_t number;

	if (!digits || !parse_u64(digits + 1, NUMBER_MAX, &number) || !number)
		return;
	ns = names_of(rs, name, (size_t)(digits + 1 - name));
	while (ns->v.n < number)
		vec_push(&ns->v, (struct auto_name){ 0 });
	if (ns->v.v[number - 1].users)
		return;
	ns->spare += !ns->v.v[number - 1].id;
	ns->v.v[number - 1].id = id;
}

void auto_names_free(struct ruleset *rs)
{
	vec_foreach (ns, &rs->auto_names) {
		free((*ns)->prefix);
		vec_free(&(*ns)->v);
		free(*ns);
	}
	vec_free(&rs->auto_names);
}
