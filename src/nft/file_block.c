// SPDX-License-Identifier: GPL-2.0-or-later
/* Blocks of tables and chains: `table … { }` is taken apart into commands of its own for what is in it. */
#include <string.h>

#include "nft/file_impl.h"

/* The order in which a table's parts come into being. */
static unsigned rank(const struct file_cmd *c)
{
	switch (c->what) {
	case FILE_TABLE: return 0;
	case FILE_CHAIN: return 1;
	case FILE_OBJECT: return 2;
	case FILE_SET: return 3;
	case FILE_FLOWTABLE: return 4;
	case FILE_ELEMENTS: return 5;
	default: return 6;
	}
}

void sort_commands(struct nft_file *f, uint32_t from)
{
	uint32_t at[8] = { 0 }, n = f->cmds.n - from;
	struct file_cmd *c = f->cmds.v + from, *sorted;
	bool done = true;

	for (uint32_t i = 0; i < n; i++) {
		at[rank(&c[i]) + 1]++;
		done &= !i || rank(&c[i - 1]) <= rank(&c[i]);
	}
	if (done)
		return;
	for (unsigned i = 1; i < ARRAY_SIZE(at); i++)
		at[i] += at[i - 1];
	sorted = xcalloc(n, sizeof(*sorted));
	for (uint32_t i = 0; i < n; i++)
		sorted[at[rank(&c[i])]++] = c[i];
	memcpy(c, sorted, n * sizeof(*c));
	free(sorted);
}

/* What every command has. */
static struct file_cmd part(struct parser *p, const struct file_cmd *of, enum file_what what)
{
	return (struct file_cmd){ .op = FILE_ADD,
		.what = (uint8_t)what,
		.family = of->family,
		.block = true,
		.file = p->source,
		.pos = p->tok.pos,
		.end = p->tok.end,
		.defs = p->file->now,
		.table = of->table,
		.name = of->name };
}

static void trim(const char *t, uint32_t pos, uint32_t *end)
{
	while (*end > pos && (t[*end - 1] == ' ' || t[*end - 1] == '\t' || t[*end - 1] == '\r'))
		--*end;
}

bool rule_body(struct parser *p, struct file_cmd *cmd)
{
	uint32_t stop = scan_rule(p->lx.src, p->tok.pos, p->lx.end);

	if (p_separator(p)) {
		p_unexpected(p, "a rule", NULL);
		return false;
	}
	cmd->what = FILE_RULE;
	cmd->file = p->source;
	cmd->defs = p->file->now;
	cmd->pos = cmd->rule.body =
		p->tok.kind == TOK_STRING || p->tok.kind == TOK_PARAM ? p->tok.pos - 1 : p->tok.pos;
	cmd->rule.body_end = stop;
	trim(p->lx.src->text, cmd->pos, &cmd->rule.body_end);
	cmd->end = cmd->rule.body_end;
	cmd_push(p->file, cmd);
	p_jump(p, stop);
	return true;
}

bool elements_place(struct parser *p, struct file_cmd *cmd)
{
	uint32_t stop;

	cmd->what = FILE_ELEMENTS;
	cmd->file = p->source;
	cmd->defs = p->file->now;
	if (p->tok.kind == TOK_PARAM) {
		cmd->elems.body = p->tok.pos - 1;
		cmd->elems.body_end = p->tok.end;
		p_advance(p);
		return true;
	}
	if (p->tok.kind != '{') {
		p_unexpected(p, "`{` or a $name", NULL);
		return false;
	}
	stop = scan_braces(p->lx.src, p->tok.pos, p->lx.end);
	if (!stop) {
		p_fail(p, "this list is never closed");
		return false;
	}
	cmd->elems.body = p->tok.pos;
	cmd->elems.body_end = stop;
	p_jump(p, stop);
	return true;
}

/* ---- chains ---- */

struct chain_ctx {
	struct file_cmd head;
	uint32_t index; /* of the chain's command */
	struct chain_decl *d;
};

static struct chain_decl *decl_of(struct parser *p, struct chain_ctx *c)
{
	if (!c->d) {
		c->d = arena_alloc(&p->file->decl.arena, sizeof(*c->d));
		p->file->cmds.v[c->index].chain = c->d;
	}
	return c->d;
}

static bool chain_flags(struct parser *p, struct chain_decl *d)
{
	static const char *const words[] = { "offload", NULL };

	do {
		if (!p_accept_word(p, "offload")) {
			p_unexpected(p, "`offload`", words);
			return false;
		}
		d->flags |= NFT_CHAIN_HW_OFFLOAD;
	} while (p_accept(p, ','));
	return true;
}

static bool chain_stmt(struct parser *p, void *ctx)
{
	struct chain_ctx *c = ctx;
	struct file_cmd rule;

	if (p->tok.kind == TOK_WORD) {
		if (p_is(p, "type"))
			return hook_spec(p, decl_of(p, c), c->head.family);
		if (p_accept_word(p, "policy"))
			return policy_spec(p, decl_of(p, c));
		if (p_accept_word(p, "comment"))
			return p_comment(p, &decl_of(p, c)->comment);
		if (p_accept_word(p, "flags"))
			return chain_flags(p, decl_of(p, c));
		if (p_is(p, "devices") && p_peek(p)->kind == '=') {
			p_advance(p);
			return p_devices(p, &decl_of(p, c)->devices);
		}
	}
	rule = part(p, &c->head, FILE_RULE);
	return rule_body(p, &rule);
}

bool chain_block(struct parser *p, uint32_t head)
{
	struct chain_ctx c = { .head = p->file->cmds.v[head], .index = head };
	uint32_t save, opened = p->tok.pos;

	if (!p_open(p))
		return false;
	scope_open(p->file, &save);
	p_block(p, &(struct block){ chain_stmt, &c, BLOCK_CHAIN });
	scope_close(p->file, save);
	p->defs = p->file->now;
	return p_close(p, opened);
}

/* ---- tables ---- */

struct table_ctx {
	struct file_cmd head;
	uint32_t index;
};

static bool table_flags(struct parser *p, struct file_cmd *t)
{
	static const char *const words[] = { "dormant", "owner", "persist", NULL };
	static const uint32_t bits[] = { NFT_TABLE_F_DORMANT, NFT_TABLE_F_OWNER, 1 << 2 };
	unsigned i;

	do {
		for (i = 0; words[i] && !p_is(p, words[i]); i++)
			;
		if (!words[i]) {
			p_unexpected(p, "dormant, owner or persist", words);
			return false;
		}
		p_advance(p);
		t->decl_table.flags |= bits[i];
		t->decl_table.has_flags = true;
	} while (p_accept(p, ','));
	return true;
}

static bool table_part(struct parser *p, struct table_ctx *t, enum file_what what, const char *is)
{
	struct file_cmd cmd = part(p, &t->head, what);
	uint32_t index = p->file->cmds.n;

	p_advance(p);
	cmd.pos = p->tok.pos;
	cmd.end = p->tok.end;
	if (!p_name(p, is, &cmd.name))
		return false;
	if (what == FILE_CHAIN) {
		cmd_push(p->file, &cmd);
		return chain_block(p, index);
	}
	if (what == FILE_FLOWTABLE)
		return flowtable_block(p, &cmd);
	return set_block(p, &cmd, !strcmp(is, "the map's name"));
}

static bool table_stmt(struct parser *p, void *ctx)
{
	static const char *const words[] = { "chain", "set", "map", "flowtable", "counter", "quota", "limit",
		"ct", "secmark", "synproxy", "flags", "comment", "include", "define", "redefine", "undefine",
		NULL };
	struct table_ctx *t = ctx;
	struct file_cmd cmd;

	if (p_is(p, "chain"))
		return table_part(p, t, FILE_CHAIN, "the chain's name");
	if (p_is(p, "set"))
		return table_part(p, t, FILE_SET, "the set's name");
	if (p_is(p, "map"))
		return table_part(p, t, FILE_SET, "the map's name");
	if (p_is(p, "flowtable"))
		return table_part(p, t, FILE_FLOWTABLE, "the flowtable's name");
	if (p_accept_word(p, "flags"))
		return table_flags(p, &p->file->cmds.v[t->index]);
	if (p_accept_word(p, "comment"))
		return p_comment(p, &p->file->cmds.v[t->index].decl_table.comment);
	cmd = part(p, &t->head, FILE_OBJECT);
	if (object_word(p, &cmd.obj_type)) {
		cmd.pos = p->tok.pos;
		cmd.end = p->tok.end;
		if (!p_name(p, "the object's name", &cmd.name))
			return false;
		if (p->tok.kind != '{') {
			p_unexpected(p, "`{`", NULL);
			return false;
		}
		return object_body(p, &cmd);
	}
	if (!p->e->code)
		p_unexpected(p, "chain, set, map, flowtable or an object", words);
	return false;
}

bool table_block(struct parser *p, struct file_cmd *head)
{
	struct table_ctx t = { .head = *head, .index = p->file->cmds.n };
	uint32_t save, opened = p->tok.pos;

	t.head.name = NULL;
	if (!p_open(p))
		return false;
	head->block = true;
	cmd_push(p->file, head);
	scope_open(p->file, &save);
	p_block(p, &(struct block){ table_stmt, &t, BLOCK_TABLE });
	scope_close(p->file, save);
	p->defs = p->file->now;
	sort_commands(p->file, t.index);
	return p_close(p, opened);
}
