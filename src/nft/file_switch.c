// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands about one rule that is there already: clone, disable, enable, and the list of disabled ones. */
#include <ctype.h>

#include <linux/netfilter.h>

#include "nft/file_impl.h"

struct at_word {
	const char *word;
	enum rule_at at;
};

static bool number_at(struct parser *p, const struct at_word *words, size_t n, uint8_t *at, uint64_t *out)
{
	for (size_t i = 0; i < n; i++)
		if (p_accept_word(p, words[i].word)) {
			*at = (uint8_t)words[i].at;
			return p_number(p, *at == AT_INDEX ? UINT32_MAX : UINT64_MAX, out);
		}
	return false;
}

/* handle N or index N */
static bool which(struct parser *p, struct file_cmd *c)
{
	static const struct at_word words[] = { { "handle", AT_HANDLE }, { "index", AT_INDEX } };

	c->pos = p->tok.pos;
	if (!number_at(p, words, ARRAY_SIZE(words), &c->move.at, &c->handle)) {
		if (!p->e->code)
			p_unexpected(p, "`handle` or `index`", NULL);
		return false;
	}
	c->end = p->prev_end;
	return true;
}

/* [before|after] handle|position|index N, before, or nothing */
static bool clone_place(struct parser *p, struct file_cmd *c)
{
	static const struct at_word words[] = { { "handle", AT_HANDLE }, { "position", AT_HANDLE },
		{ "index", AT_INDEX } };
	bool after;

	c->move.before = p_accept_word(p, "before");
	after = !c->move.before && p_accept_word(p, "after");
	if (number_at(p, words, ARRAY_SIZE(words), &c->move.place, &c->move.place_n))
		return true;
	if (!p->e->code && after)
		p_unexpected(p, "`handle` or `index`", NULL);
	return !p->e->code;
}

static bool is_place(const struct parser *p)
{
	static const char *const words[] = { "before", "after", "handle", "position", "index" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (p_is(p, words[i]))
			return true;
	return false;
}

/* [[family] table] chain: what is not said is the original's */
static bool clone_target(struct parser *p, struct file_cmd *c)
{
	bool family = p_family(p, &c->move.to_family);

	c->move.to = true;
	if (!p_name(p, family ? "the table's name" : "the chain's name", &c->move.to_chain))
		return false;
	if (!family && (p_separator(p) || is_place(p)))
		return true;
	c->move.to_table = c->move.to_chain;
	return p_name(p, "the chain's name", &c->move.to_chain);
}

bool read_clone(struct parser *p, struct file_cmd *c)
{
	c->what = FILE_SWITCH;
	if (!p_expect_word(p, "rule") || !p_part(p, c, "the chain's name") || !which(p, c))
		return false;
	c->move.to_family = c->family;
	c->move.to_table = c->table;
	c->move.to_chain = c->name;
	if ((p_accept_word(p, "to") && !clone_target(p, c)) || !clone_place(p, c))
		return false;
	cmd_push(p->file, c);
	return true;
}

bool is_disabled_id(struct parser *p)
{
	return p_is(p, "id") && isdigit((unsigned char)p->lx.src->text[p_peek(p)->pos]);
}

/* disable rule … handle N, enable rule [… ] id N, enable rule … handle N */
bool read_switch(struct parser *p, struct file_cmd *c)
{
	static const struct at_word words[] = { { "id", AT_ID }, { "handle", AT_HANDLE } };
	bool enable = c->op == FILE_ENABLE;

	c->what = FILE_SWITCH;
	if (!p_expect_word(p, "rule"))
		return false;
	if (!(enable && is_disabled_id(p)) && !p_part(p, c, "the chain's name"))
		return false;
	if (!enable) {
		if (!which(p, c))
			return false;
	} else {
		c->pos = p->tok.pos;
		if (!number_at(p, words, ARRAY_SIZE(words), &c->move.at, &c->handle)) {
			if (!p->e->code)
				p_unexpected(p, "`id` or `handle`", NULL);
			return false;
		}
		c->end = p->prev_end;
	}
	cmd_push(p->file, c);
	return true;
}

bool delete_disabled(struct parser *p, struct file_cmd *c)
{
	c->what = FILE_SWITCH;
	c->move.at = AT_ID;
	if (!p_expect_word(p, "id") || !p_number(p, UINT64_MAX, &c->handle))
		return false;
	c->end = p->prev_end;
	cmd_push(p->file, c);
	return true;
}

bool list_disabled(struct parser *p, struct file_cmd *c)
{
	c->what = FILE_DISABLED;
	p_accept_word(p, "rules");
	if (p_separator(p))
		return true;
	if (!p_table(p, c))
		return false;
	return p_separator(p) || p_name(p, "the chain's name", &c->name);
}
