// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands: add, create, insert, replace, delete, destroy, flush, rename; file_show.c has those that show. */
#include <ctype.h>
#include <string.h>

#include <linux/netfilter.h>

#include "base/text.h"
#include "nft/file_impl.h"

const char *const command_words[] = { "add", "create", "insert", "replace", "delete", "destroy", "flush",
	"rename", "reset", "list", "get", "clone", "disable", "enable", "table", "chain", "rule", "set",
	"map", "element", "flowtable", "counter", "quota", "limit", "ct", "secmark", "synproxy", "include",
	"define", "redefine", "undefine", NULL };

bool p_family(struct parser *p, uint8_t *out)
{
	static const char *const words[] = { "ip", "ip6", "inet", "arp", "bridge", "netdev" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (p_accept_word(p, words[i]))
			return nft_family_parse(words[i], out, NULL) == 0;
	return false;
}

bool p_table(struct parser *p, struct file_cmd *c)
{
	if (!p_family(p, &c->family))
		c->family = NFPROTO_IPV4;
	c->pos = p->tok.pos;
	c->end = p->tok.end;
	return p_name(p, "the table's name", &c->table);
}

bool p_part(struct parser *p, struct file_cmd *c, const char *what)
{
	if (!p_table(p, c))
		return false;
	c->pos = p->tok.pos;
	c->end = p->tok.end;
	return p_name(p, what, &c->name);
}

bool p_handle(struct parser *p, uint64_t *out)
{
	return p_expect_word(p, "handle") && p_number(p, UINT64_MAX, out);
}

/* The kind of thing, its word taken. false without an error: none of them. */
static bool p_what(struct parser *p, struct file_cmd *c, bool *is_map)
{
	static const struct {
		const char *word;
		enum file_what what;
	} kinds[] = { { "table", FILE_TABLE }, { "chain", FILE_CHAIN }, { "rule", FILE_RULE },
		{ "set", FILE_SET }, { "map", FILE_SET }, { "element", FILE_ELEMENTS },
		{ "flowtable", FILE_FLOWTABLE } };

	*is_map = p_is(p, "map");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (p_accept_word(p, kinds[i].word)) {
			c->what = (uint8_t)kinds[i].what;
			return true;
		}
	c->what = FILE_OBJECT;
	return object_word(p, &c->obj_type);
}

/* [handle|position|index N] rule */
static bool rule_place(struct parser *p, struct file_cmd *c)
{
	static const struct {
		const char *word;
		enum rule_at at;
	} places[] = { { "handle", AT_HANDLE }, { "position", AT_HANDLE }, { "index", AT_INDEX } };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (p_accept_word(p, places[i].word)) {
			c->rule.at = (uint8_t)places[i].at;
			return p_number(p, places[i].at == AT_INDEX ? UINT32_MAX : UINT64_MAX, &c->handle);
		}
	return true;
}

static bool add_rule(struct parser *p, struct file_cmd *c)
{
	return p_part(p, c, "the chain's name") && rule_place(p, c) && rule_body(p, c);
}

static bool add_chain(struct parser *p, struct file_cmd *c)
{
	uint32_t index = p->file->cmds.n;

	if (!p_part(p, c, "the chain's name"))
		return false;
	cmd_push(p->file, c);
	return p->tok.kind != '{' || chain_block(p, index);
}

static bool add_object(struct parser *p, struct file_cmd *c)
{
	return p_part(p, c, "the object's name") && object_body(p, c);
}

static bool add_elements(struct parser *p, struct file_cmd *c)
{
	if (!p_part(p, c, "the set's name") || !elements_place(p, c))
		return false;
	cmd_push(p->file, c);
	return true;
}

/* Something stands behind this token, in its line. */
static bool more_words(const struct parser *p, const struct tok *t)
{
	const char *s = p->lx.src->text;
	uint32_t at = t->end;

	while (at < p->lx.end && (s[at] == ' ' || s[at] == '\t' || s[at] == '\r'))
		at++;
	return at < p->lx.end && s[at] != '\n' && s[at] != ';' && s[at] != '#';
}

/* Nothing says what it is: TABLE CHAIN rule. What looks like a command's word is one misspelled. */
static bool bare_rule(struct parser *p, struct file_cmd *c)
{
	const struct tok *next = p_peek(p);
	char word[32] = "";
	uint8_t family;
	uint32_t n = p->tok.end - p->tok.pos;
	size_t words = 0;

	while (command_words[words])
		words++;
	if (p->tok.kind == TOK_WORD && n < sizeof(word))
		memcpy(word, p->lx.src->text + p->tok.pos, n);
	if (p->tok.kind != TOK_WORD || next->kind != TOK_WORD ||
		(n > 3 && suggest_in(word, command_words, words))) {
		p_unexpected(p, "a command, like `table …` or `add rule …`", command_words);
		return false;
	}
	c->what = FILE_RULE;
	if (nft_family_parse(word, &family, NULL) < 0 &&
		(isdigit((unsigned char)p->lx.src->text[next->pos]) || !more_words(p, next))) {
		p_fail(p, "unknown command `%.*s`", n < 64 ? (int)n : 64, p->lx.src->text + p->tok.pos);
		return false;
	}
	return add_rule(p, c);
}

/* add, create */
static bool read_add(struct parser *p, struct file_cmd *c)
{
	bool is_map;

	if (!p_what(p, c, &is_map)) {
		if (p->e->code)
			return false;
		return bare_rule(p, c);
	}
	if (c->op == FILE_CREATE && c->what == FILE_RULE) {
		p_fail_at(p, p->prev_end - 4, p->prev_end, "rules are added or inserted, not created");
		return false;
	}
	switch ((enum file_what)c->what) {
	case FILE_TABLE:
		if (!p_table(p, c))
			return false;
		if (p->tok.kind == '{')
			return table_block(p, c);
		cmd_push(p->file, c);
		return true;
	case FILE_CHAIN: return add_chain(p, c);
	case FILE_RULE: return add_rule(p, c);
	case FILE_SET:
		return p_part(p, c, is_map ? "the map's name" : "the set's name") && set_block(p, c, is_map);
	case FILE_ELEMENTS: return add_elements(p, c);
	case FILE_FLOWTABLE: return p_part(p, c, "the flowtable's name") && flowtable_block(p, c);
	default: return add_object(p, c);
	}
}

static bool read_insert(struct parser *p, struct file_cmd *c)
{
	return p_expect_word(p, "rule") && add_rule(p, c);
}

static bool read_replace(struct parser *p, struct file_cmd *c)
{
	c->what = FILE_RULE;
	if (!p_expect_word(p, "rule") || !p_part(p, c, "the chain's name") || !p_handle(p, &c->handle))
		return false;
	c->rule.at = AT_HANDLE;
	return rule_body(p, c);
}

/* A table by name or handle. */
static bool delete_table(struct parser *p, struct file_cmd *c)
{
	uint8_t family;

	if (p_family(p, &family))
		c->family = family;
	if (!p_is(p, "handle"))
		return p_name(p, "the table's name or `handle`", &c->table);
	return p_handle(p, &c->handle);
}

static bool delete_part(struct parser *p, struct file_cmd *c, const char *what)
{
	if (!p_table(p, c))
		return false;
	c->pos = p->tok.pos;
	c->end = p->tok.end;
	if (p_is(p, "handle") && c->what != FILE_ELEMENTS)
		return p_handle(p, &c->handle);
	return p_name(p, what, &c->name);
}

/* delete chain … { devices … }: only those go. */
static bool delete_devices(struct parser *p, struct file_cmd *c)
{
	uint32_t index = p->file->cmds.n;

	if (c->what == FILE_FLOWTABLE)
		return flowtable_block(p, c);
	cmd_push(p->file, c);
	if (!chain_block(p, index))
		return false;
	if (p->file->cmds.n == index + 1)
		return true;
	p->file->cmds.n = index + 1;
	p_fail_at(p, c->pos, c->end, "rules are deleted by their handle");
	return false;
}

static bool read_delete(struct parser *p, struct file_cmd *c)
{
	static const char *const words[] = { "table", "chain", "rule", "set", "map", "element", "flowtable",
		"counter", "quota", "limit", "ct", "secmark", "synproxy", NULL };
	bool is_map;

	if (!p_what(p, c, &is_map)) {
		if (!p->e->code)
			p_unexpected(p, "what is to be deleted: table, chain, rule, set …", words);
		return false;
	}
	c->pos = p->tok.pos;
	c->end = p->tok.end;
	c->family = NFPROTO_IPV4;
	if (c->what == FILE_TABLE) {
		if (!delete_table(p, c))
			return false;
	} else if (c->what == FILE_RULE && is_disabled_id(p)) {
		return delete_disabled(p, c);
	} else if (c->what == FILE_RULE) {
		if (!p_part(p, c, "the chain's name"))
			return false;
		c->rule.at = AT_HANDLE;
		c->pos = p->tok.pos;
		if (!p_handle(p, &c->handle))
			return false;
		c->end = p->prev_end;
	} else if (!delete_part(p, c, "its name")) {
		return false;
	}
	if (c->what == FILE_ELEMENTS && !elements_place(p, c))
		return false;
	if (p->tok.kind == '{' && (c->what == FILE_CHAIN || c->what == FILE_FLOWTABLE) && c->name)
		return delete_devices(p, c);
	cmd_push(p->file, c);
	return true;
}

static bool read_flush(struct parser *p, struct file_cmd *c)
{
	static const char *const words[] = { "ruleset", "table", "chain", "set", "map", "meter", NULL };

	c->pos = p->tok.pos;
	c->end = p->tok.end;
	if (p_accept_word(p, "ruleset")) {
		c->what = FILE_RULESET;
		c->plural = true;
		p_family(p, &c->family);
	} else if (p_accept_word(p, "table")) {
		c->what = FILE_TABLE;
		if (!p_table(p, c))
			return false;
	} else if (p_accept_word(p, "chain")) {
		c->what = FILE_CHAIN;
		if (!p_part(p, c, "the chain's name"))
			return false;
	} else if (p_accept_word(p, "set") || p_accept_word(p, "map") || p_accept_word(p, "meter") ||
		   (p_is(p, "flow") && p_tok_is(p, p_peek(p), "table"))) {
		if (p_accept_word(p, "flow"))
			p_advance(p);
		c->what = FILE_SET;
		if (!p_part(p, c, "the set's name"))
			return false;
	} else {
		p_unexpected(p, "ruleset, table, chain, set, map or meter", words);
		return false;
	}
	cmd_push(p->file, c);
	return true;
}

static bool read_rename(struct parser *p, struct file_cmd *c)
{
	c->what = FILE_CHAIN;
	if (!p_expect_word(p, "chain") || !p_part(p, c, "the chain's name") ||
		!p_name(p, "the chain's new name", &c->to))
		return false;
	cmd_push(p->file, c);
	return true;
}

bool read_command(struct parser *p, void *ctx)
{
	static const struct {
		const char *word;
		enum file_op op;
		bool (*read)(struct parser *p, struct file_cmd *c);
	} commands[] = { { "add", FILE_ADD, read_add }, { "create", FILE_CREATE, read_add },
		{ "insert", FILE_INSERT, read_insert }, { "replace", FILE_REPLACE, read_replace },
		{ "delete", FILE_DELETE, read_delete }, { "destroy", FILE_DESTROY, read_delete },
		{ "flush", FILE_FLUSH, read_flush }, { "rename", FILE_RENAME, read_rename },
		{ "reset", FILE_RESET, read_show }, { "list", FILE_LIST, read_show },
		{ "get", FILE_GET, read_show }, { "clone", FILE_CLONE, read_clone },
		{ "disable", FILE_DISABLE, read_switch }, { "enable", FILE_ENABLE, read_switch } };
	static const char *const others[] = { "describe", "monitor", "import", "export" };
	struct file_cmd c = { .op = FILE_ADD, .file = p->source, .defs = p->file->now };

	(void)ctx;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (p_accept_word(p, commands[i].word)) {
			c.op = (uint8_t)commands[i].op;
			return commands[i].read(p, &c);
		}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (p_is(p, others[i])) {
			p_fail(p, "`%s` is no command for a file here", others[i]);
			return false;
		}
	return read_add(p, &c);
}
