// SPDX-License-Identifier: GPL-2.0-or-later
/* Candidates: what the API, the network, the packs and the ruleset have by name. */
#include <string.h>

#include "script/complete.h"
#include "script/handle.h"
#include "script/help.h"

#define RECORDS_MAX 10000 /* that are looked at for values of a field */
#define GLOBALS_MAX 20000

void pick(struct pick *p, const char *word, size_t n)
{
	if (n < p->n || memcmp(word, p->prefix, p->n) != 0 || !n)
		return;
	if (p->out->words.n >= 20 * COMPLETIONS_MAX) {
		p->out->more++;
		return;
	}
	vec_push(&p->out->words, xstrndup(word, n));
}

void pick_text(struct pick *p, const char *word)
{
	pick(p, word, strlen(word));
}

void pick_all(struct pick *p, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pick_text(p, words[i]);
}
/* ---- what there is ---- */

bool pick_identifier(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!(s[i] == '_' || (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
			    (i && s[i] >= '0' && s[i] <= '9')))
			return false;
	return n > 0;
}

void pick_keys(struct pick *p, int table, bool functions)
{
	lua_State *L = p->r.L;
	unsigned seen = 0;

	if (!lua_checkstack(L, 8))
		return;
	lua_pushnil(L);
	while (lua_next(L, table)) {
		size_t n;
		const char *s = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &n) : NULL;

		if (s && pick_identifier(s, n) && (!functions || lua_isfunction(L, -1)))
			pick(p, s, n);
		lua_pop(L, 1);
		if (++seen > GLOBALS_MAX) {
			lua_pop(L, 1);
			return;
		}
	}
}

/* What stands in the list of names behind "set:" or "nft.". */
void pick_api(struct pick *p, const char *api, char sep)
{
	const char *const *names = script_api_names();
	size_t n = strlen(api);

	for (; *names; names++)
		if (!strncmp(*names, api, n) && (*names)[n] == sep && !strpbrk(*names + n + 1, ".:"))
			pick_text(p, *names + n + 1);
	if (sep == '.' && (!strcmp(api, "table") || !strcmp(api, "chain") || !strcmp(api, "set") ||
				  !strcmp(api, "map") || !strcmp(api, "counter") || !strcmp(api, "quota") ||
				  !strcmp(api, "object")))
		ADD(p, "name", "table", "family");
	if (sep == '.' && !strcmp(api, "rnm.pack"))
		ADD(p, "name", "order", "path");
}

void pick_fields(struct pick *p, enum net_kind kind)
{
	unsigned n;
	const struct net_field *f = net_fields(kind, &n);

	for (unsigned i = 0; i < n; i++)
		pick_text(p, f[i].name);
}

void pick_event_fields(struct pick *p, int event)
{
	ADD(p, "name", "seq", "time");
	if (event < 0)
		return;
	if (event_kind((enum event_id)event) >= 0) {
		ADD(p, "action", "changed", "initial");
		if (event == EV_LINK)
			ADD(p, "link");
		else
			pick_fields(p, (enum net_kind)event_kind((enum event_id)event));
	} else if (event == EV_MESSAGE) {
		ADD(p, "topic", "data");
	} else if (event == EV_NFT) {
		ADD(p, "pid", "process", "generation", "changes");
	} else {
		ADD(p, "reason");
	}
}

void pick_values(struct pick *p, enum net_kind kind, const char *field)
{
	const struct net_field *f = net_field(kind, field);
	const struct mirror *m = p->r.s->mirror;
	const char *zone;
	struct tnode *n;

	if (!f)
		return;
	if (!strcmp(field, "zone"))
		for (unsigned i = 0; (zone = mirror_zone_at(m, i)) != NULL; i++)
			pick_text(p, zone);
	if (!strcmp(field, "family"))
		ADD(p, "ipv4", "ipv6");
	for (uint32_t i = 0; i < RECORDS_MAX && (n = tree_at(mirror_tree(m, kind), i)) != NULL; i++) {
		_buf_ struct buf text = BUF_INIT;
		struct net_val v;

		f->get(container_of(n, struct net_rec, order), &v);
		if (v.absent)
			continue;
		net_val_show(&v, &text);
		if (text.n && text.n < 64)
			pick(p, text.s, text.n);
	}
}

void pick_links(struct pick *p)
{
	pick_values(p, NET_LINK, "name");
}

void pick_events(struct pick *p, const char *before)
{
	for (int i = 0; i < EV_COUNT; i++) {
		_autofree_ char *name = xasprintf("%s%s", before, event_name((enum event_id)i));

		pick_text(p, name);
	}
}

void pick_topics(struct pick *p)
{
	vec_foreach (pk, &p->r.s->packs)
		vec_foreach (h, &(*pk)->hooks[EV_MESSAGE])
			for (uint32_t i = 0; !(*h)->it.gone && i < (*h)->n_words; i++)
				pick_text(p, (*h)->words[i].text);
}

void pick_packs(struct pick *p)
{
	pick_text(p, "console");
	vec_foreach (pk, &p->r.s->packs)
		pick_text(p, (*pk)->spec.name);
}

void pick_help(struct pick *p)
{
	const char *name;

	for (unsigned i = 0; (name = help_name(i)) != NULL; i++)
		pick_text(p, name);
}

/* ---- names of the ruleset ---- */

struct names {
	struct pick *p;
	int kind; /* enum obj_kind; -1: tables and all that is in them */
	bool family_given, table_given;
	uint8_t family;
	const char *table;
};

static void add_name(void *ctx, const struct obj *o)
{
	struct names *n = ctx;

	if ((n->kind >= 0 && (int)obj_kind(o) != n->kind) ||
		(n->family_given && obj_family(o) != n->family) ||
		(n->table_given && (obj_kind(o) == OBJ_TABLE || strcmp(obj_table(o), n->table) != 0)) ||
		*obj_name(o) == '_')
		return;
	pick_text(n->p, obj_name(o));
}

void pick_names(struct pick *p, int kind, const char *family, const char *table)
{
	struct names n = { .p = p, .kind = kind, .table = table, .table_given = table != NULL };

	if (family && nft_family_parse(family, &n.family, NULL) < 0)
		return;
	n.family_given = family != NULL;
	ruleset_each(p->r.s->rs, add_name, &n);
}

void pick_members(struct pick *p, int kind, const struct what *table)
{
	struct names n = { .p = p,
		.kind = kind,
		.family_given = table->has_table,
		.table_given = table->has_table,
		.family = table->family,
		.table = table->table };

	ruleset_each(p->r.s->rs, add_name, &n);
}

void pick_families(struct pick *p)
{
	ADD(p, "inet", "ip", "ip6", "arp", "bridge", "netdev");
}
