// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands that show something: list, reset, get. */
#include <string.h>

#include <linux/netfilter.h>

#include "nft/file_impl.h"

/* [family] or [table] [family] NAME; of all tables when nothing stands there. */
static bool all_or_table(struct parser *p, struct file_cmd *c)
{
	if (p_accept_word(p, "table"))
		return p_table(p, c);
	p_family(p, &c->family);
	if (p_separator(p) || c->what == FILE_TABLE || c->what == FILE_CHAIN)
		return true;
	if (!c->family)
		c->family = NFPROTO_IPV4;
	c->pos = p->tok.pos;
	c->end = p->tok.end;
	return p_name(p, "the table's name", &c->table);
}

static bool one_of_table(struct parser *p, struct file_cmd *c, const char *what)
{
	return p_part(p, c, what);
}

static bool show_objects(struct parser *p, struct file_cmd *c)
{
	static const uint32_t types[] = { NFT_OBJECT_COUNTER, NFT_OBJECT_QUOTA, NFT_OBJECT_LIMIT,
		NFT_OBJECT_SECMARK, NFT_OBJECT_SYNPROXY };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (p_accept_word(p, object_type_plural(types[i]))) {
			c->plural = true;
			c->obj_type = types[i];
			return all_or_table(p, c);
		}
	}
	if (p_is(p, "ct")) {
		p_advance(p);
		c->obj_type = p_is(p, "helper") || p_is(p, "helpers")             ? NFT_OBJECT_CT_HELPER
			      : p_is(p, "timeout") || p_is(p, "timeouts")         ? NFT_OBJECT_CT_TIMEOUT
			      : p_is(p, "expectation") || p_is(p, "expectations") ? NFT_OBJECT_CT_EXPECT
										  : 0;
		if (!c->obj_type) {
			p_unexpected(p, "helper, timeout or expectation", NULL);
			return false;
		}
		p_advance(p);
		/* `ct helpers table t` lists them all, `ct helper t n` is one */
		if (p_is(p, "table") || p_separator(p)) {
			c->plural = true;
			return all_or_table(p, c);
		}
		return one_of_table(p, c, "the object's name");
	}
	return object_word(p, &c->obj_type) && one_of_table(p, c, "the object's name");
}

/* rules [table] t [chain c], rules [family] */
static bool show_rules(struct parser *p, struct file_cmd *c)
{
	c->what = FILE_RULE;
	c->plural = true;
	if (p_accept_word(p, "chain"))
		return p_part(p, c, "the chain's name");
	if (p_accept_word(p, "table"))
		return p_table(p, c);
	p_family(p, &c->family);
	if (p_separator(p))
		return true;
	if (!c->family)
		c->family = NFPROTO_IPV4;
	if (!p_name(p, "the table's name", &c->table))
		return false;
	return p_separator(p) || p_name(p, "the chain's name", &c->name);
}

/* `flow table`, the meters of old */
static bool show_flow(struct parser *p, struct file_cmd *c)
{
	c->what = FILE_SET;
	c->obj_type = FILE_METERS;
	c->plural = p_accept_word(p, "tables");
	if (c->plural)
		return all_or_table(p, c);
	return p_expect_word(p, "table") && p_part(p, c, "the meter's name");
}

static bool show_one(struct parser *p, struct file_cmd *c)
{
	static const struct {
		const char *word, *what;
		enum file_what kind;
		bool plural;
		uint32_t sets;
	} kinds[] = { { "tables", NULL, FILE_TABLE, true, 0 }, { "chains", NULL, FILE_CHAIN, true, 0 },
		{ "sets", NULL, FILE_SET, true, FILE_SETS }, { "maps", NULL, FILE_SET, true, FILE_MAPS },
		{ "meters", NULL, FILE_SET, true, FILE_METERS },
		{ "flowtables", NULL, FILE_FLOWTABLE, true, 0 },
		{ "chain", "the chain's name", FILE_CHAIN, false, 0 },
		{ "set", "the set's name", FILE_SET, false, FILE_SETS },
		{ "map", "the map's name", FILE_SET, false, FILE_MAPS },
		{ "meter", "the meter's name", FILE_SET, false, FILE_METERS },
		{ "flowtable", "the flowtable's name", FILE_FLOWTABLE, false, 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!p_accept_word(p, kinds[i].word))
			continue;
		c->what = (uint8_t)kinds[i].kind;
		c->plural = kinds[i].plural;
		c->obj_type = kinds[i].sets;
		return kinds[i].plural ? all_or_table(p, c) : one_of_table(p, c, kinds[i].what);
	}
	if (p_accept_word(p, "flow"))
		return show_flow(p, c);
	if (p_is(p, "hooks")) {
		p_fail(p, "the kernel's hooks can not be listed here");
		return false;
	}
	c->what = FILE_OBJECT;
	return show_objects(p, c);
}

static bool read_list(struct parser *p, struct file_cmd *c)
{
	if (p_accept_word(p, "ruleset")) {
		c->what = FILE_RULESET;
		c->plural = true;
		p_family(p, &c->family);
		return true;
	}
	if (p_accept_word(p, "table")) {
		c->what = FILE_TABLE;
		return p_table(p, c);
	}
	if (p_accept_word(p, "disabled"))
		return list_disabled(p, c);
	return show_one(p, c);
}

static bool elements(struct parser *p, struct file_cmd *c)
{
	return p_part(p, c, "the set's name") && elements_place(p, c);
}

static bool read_reset(struct parser *p, struct file_cmd *c)
{
	if (p_accept_word(p, "rules"))
		return show_rules(p, c);
	if (p_accept_word(p, "rule")) {
		c->what = FILE_RULE;
		c->rule.at = AT_HANDLE;
		return p_part(p, c, "the chain's name") && p_handle(p, &c->handle);
	}
	if (p_accept_word(p, "element"))
		return elements(p, c);
	if (p_is(p, "set") || p_is(p, "map")) {
		c->what = FILE_SET;
		p_advance(p);
		return p_part(p, c, "the set's name");
	}
	c->what = FILE_OBJECT;
	if (!show_objects(p, c))
		return false;
	if (c->obj_type == NFT_OBJECT_COUNTER || c->obj_type == NFT_OBJECT_QUOTA)
		return true;
	p_fail_at(p, c->pos, c->end, "only counters, quotas, rules, sets and elements can be reset");
	return false;
}

bool read_show(struct parser *p, struct file_cmd *c)
{
	static const char *const words[] = { "ruleset", "tables", "table", "chains", "chain", "sets", "set",
		"maps", "map", "meters", "meter", "flowtables", "flowtable", "counters", "counter", "quotas",
		"quota", "limits", "limit", "secmarks", "secmark", "synproxys", "synproxy", "rules", "rule",
		"element", "ct", "disabled", NULL };
	bool ok;

	c->pos = p->tok.pos;
	c->end = p->tok.end;
	if (c->op == FILE_GET)
		ok = p_expect_word(p, "element") && elements(p, c);
	else
		ok = c->op == FILE_LIST ? read_list(p, c) : read_reset(p, c);
	if (ok)
		cmd_push(p->file, c);
	else if (!p->e->code)
		p_unexpected(p, c->op == FILE_LIST ? "what is to be listed" : "what is to be reset", words);
	return ok;
}
