// SPDX-License-Identifier: GPL-2.0-or-later
/* Stateful objects in a file. */
#include <string.h>

#include "nft/file_impl.h"
#include "nft/object_impl.h"

bool object_word(struct parser *p, uint32_t *type)
{
	static const struct {
		const char *word;
		uint32_t type;
	} plain[] = { { "counter", NFT_OBJECT_COUNTER }, { "quota", NFT_OBJECT_QUOTA },
		{ "limit", NFT_OBJECT_LIMIT }, { "secmark", NFT_OBJECT_SECMARK },
		{ "synproxy", NFT_OBJECT_SYNPROXY } },
	  ct[] = { { "helper", NFT_OBJECT_CT_HELPER }, { "timeout", NFT_OBJECT_CT_TIMEOUT },
		  { "expectation", NFT_OBJECT_CT_EXPECT } };
	static const char *const words[] = { "helper", "timeout", "expectation", NULL };

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (p_accept_word(p, plain[i].word)) {
			*type = plain[i].type;
			return true;
		}
	if (!p_accept_word(p, "ct"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ct); i++)
		if (p_accept_word(p, ct[i].word)) {
			*type = ct[i].type;
			return true;
		}
	p_unexpected(p, "helper, timeout or expectation", words);
	return false;
}

static bool object_stmt(struct parser *p, void *ctx)
{
	struct object_parse *x = ctx;

	while (!p_separator(p)) {
		bool comment = p_accept_word(p, "comment");

		if (comment ? !p_comment(p, &x->o->comment) : !object_property(p, x))
			return false;
	}
	return true;
}

bool object_body(struct parser *p, struct file_cmd *cmd)
{
	struct object_want *o = arena_alloc(&p->file->decl.arena, sizeof(*o));
	struct object_parse x = { .o = o };
	uint32_t opened = p->tok.pos, errors = p->file->n_errors;

	o->type = cmd->obj_type;
	cmd->object = o;
	if (p->tok.kind == '{') {
		if (!p_open(p))
			return false;
		p_block(p, &(struct block){ object_stmt, &x, BLOCK_OTHER });
		if (!p_close(p, opened))
			return false;
	} else if (!object_stmt(p, &x)) {
		return false;
	}
	if (p->file->n_errors == errors && !object_finish(p, &x, cmd->pos, cmd->end))
		return false;
	cmd_push(p->file, cmd);
	return true;
}
