// SPDX-License-Identifier: GPL-2.0-or-later
/* Declarations of sets and maps. */
#include <string.h>

#include "base/text.h"
#include "nft/file_impl.h"

struct set_ctx {
	struct file_cmd *cmd;
	struct set_decl *d;
	bool elements;
	struct file_cmd elems;
};

/* The text of a type, up to the end of the statement or to `:`. */
static bool type_text(struct parser *p, bool with_colon, char *out, size_t size, uint32_t *pos, uint32_t *end)
{
	_buf_ struct buf b = BUF_INIT;
	uint32_t depth = 0;

	*pos = p->tok.pos;
	while (!p_separator(p) || depth) {
		if (p->tok.kind == TOK_END || (p->tok.kind == ':' && with_colon && !depth))
			break;
		depth += p->tok.kind == '(' || p->tok.kind == '{';
		depth -= depth && (p->tok.kind == ')' || p->tok.kind == '}');
		p_advance(p);
	}
	*end = p->prev_end;
	if (*end <= *pos) {
		p_unexpected(p, "a type", NULL);
		return false;
	}
	text_squeeze(p->lx.src->text + *pos, *end - *pos, NULL, NULL, NULL, &b);
	if (b.n >= size) {
		p_fail_at(p, *pos, *end, "this type is too long");
		return false;
	}
	memcpy(out, buf_str(&b), b.n + 1);
	return true;
}

/* `ct mark` is a type, `ct helper` an object's. */
static bool object_here(struct parser *p)
{
	static const char *const words[] = { "helper", "timeout", "expectation" };

	if (!p_is(p, "ct"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (p_tok_is(p, p_peek(p), words[i]))
			return true;
	return false;
}

static bool set_type(struct parser *p, struct set_ctx *s)
{
	struct set_decl *d = s->d;
	bool of = p_is(p, "typeof"), data_of;
	_err_ struct err e = ERR_INIT;
	char key[512], data[512];
	uint32_t pos, end, from;
	struct buf text = BUF_INIT;

	if (d->given & SETD_TYPE) {
		p_fail(p, "a second type");
		return false;
	}
	p_advance(p);
	from = p->tok.pos;
	if (!type_text(p, d->is_map, key, sizeof(key), &pos, &end))
		return false;
	if (!d->is_map && strchr(key, ':')) {
		p_fail_at(p, pos, end, "a set has no values, only a map has");
		return false;
	}
	if ((of ? nft_typeof_parse : nft_type_parse)(key, &d->key, &e) < 0)
		return p_err(p, pos, end, &e);
	if (nft_type_is_verdict(&d->key)) {
		p_fail_at(p, pos, end, "a verdict is no key");
		return false;
	}
	d->given |= SETD_TYPE;
	d->typeof_key = of;
	if (d->is_map) {
		if (!p_expect(p, ':', "`:` and the type of the values"))
			return false;
		if (object_here(p) && object_word(p, &d->obj_type)) {
			d->flags |= NFT_SET_OBJECT;
		} else {
			d->flags |= NFT_SET_MAP;
			if (!type_text(p, false, data, sizeof(data), &pos, &end))
				return false;
			data_of = of && strcmp(data, "verdict") != 0;
			if ((data_of ? nft_typeof_parse : nft_type_parse)(data, &d->data, &e) < 0)
				return p_err(p, pos, end, &e);
		}
	}
	if (of) {
		text_squeeze(p->lx.src->text + from, p->prev_end - from, NULL, NULL, NULL, &text);
		d->typeof_text = arena_strdup(&p->file->decl.arena, buf_str(&text), text.n);
		buf_free(&text);
	}
	return true;
}

static bool set_flags(struct parser *p, struct set_decl *d)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} flags[] = { { "constant", NFT_SET_CONSTANT }, { "interval", NFT_SET_INTERVAL },
		{ "timeout", NFT_SET_TIMEOUT }, { "dynamic", NFT_SET_EVAL } };
	static const char *const words[] = { "constant", "interval", "timeout", "dynamic", NULL };
	unsigned i;

	do {
		for (i = 0; i < ARRAY_SIZE(flags) && !p_is(p, flags[i].name); i++)
			;
		if (i == ARRAY_SIZE(flags)) {
			p_unexpected(p, "constant, interval, timeout or dynamic", words);
			return false;
		}
		p_advance(p);
		d->flags |= flags[i].flag;
		d->given |= SETD_FLAGS;
	} while (p_accept(p, ','));
	return true;
}

static bool set_policy(struct parser *p, struct set_decl *d)
{
	static const char *const words[] = { "performance", "memory", NULL };

	d->given |= SETD_POLICY;
	d->policy = p_is(p, "memory") ? NFT_SET_POL_MEMORY : NFT_SET_POL_PERFORMANCE;
	if (p_accept_word(p, "memory") || p_accept_word(p, "performance"))
		return true;
	p_unexpected(p, "performance or memory", words);
	return false;
}

static bool set_number(struct parser *p, struct set_decl *d)
{
	uint64_t n;
	struct node *v = p_scalar(p, "a number");

	if (!v)
		return false;
	if (v->kind == N_PARAM || !parse_u64(v->s, UINT32_MAX, &n)) {
		p_fail_at(p, v->pos, v->end, "expected a number");
		return false;
	}
	d->size = (uint32_t)n;
	d->given |= SETD_SIZE;
	return true;
}

static bool set_elements(struct parser *p, struct set_ctx *s)
{
	if (!p_expect(p, '=', "`=`"))
		return false;
	if (s->elements) {
		p_fail(p, "a second list of elements");
		return false;
	}
	s->elems = *s->cmd;
	s->elems.set = NULL;
	s->elems.pos = s->cmd->pos;
	s->elements = true;
	p->file->unparted = true;
	return elements_place(p, &s->elems);
}

static bool set_stmt(struct parser *p, void *ctx)
{
	static const char *const words[] = { "type", "typeof", "flags", "timeout", "gc-interval", "size",
		"policy", "auto-merge", "elements", "comment", "counter", "limit", "quota", "last", NULL };
	struct set_ctx *s = ctx;
	struct set_decl *d = s->d;
	struct node **tail;

	if (p_is(p, "type") || p_is(p, "typeof"))
		return set_type(p, s);
	if (p_accept_word(p, "flags"))
		return set_flags(p, d);
	if (p_accept_word(p, "timeout")) {
		d->given |= SETD_TIMEOUT;
		return p_duration(p, &d->timeout_ms);
	}
	if (p_accept_word(p, "gc-interval")) {
		d->given |= SETD_GC;
		return p_duration(p, &d->gc_ms);
	}
	if (p_accept_word(p, "size"))
		return set_number(p, d);
	if (p_accept_word(p, "policy"))
		return set_policy(p, d);
	if (p_accept_word(p, "auto-merge")) {
		d->auto_merge = true;
		p->file->unparted = true;
		return true;
	}
	if (p_accept_word(p, "comment"))
		return p_comment(p, &d->comment);
	if (p_accept_word(p, "elements"))
		return set_elements(p, s);
	for (tail = (struct node **)&d->stateful; *tail; tail = &(*tail)->next)
		;
	if (!parse_statefuls(p, tail))
		return false;
	if (!*tail)
		p_unexpected(p, "a property of a set, like type, flags or elements", words);
	return !p->e->code;
}

bool set_block(struct parser *p, struct file_cmd *cmd, bool is_map)
{
	struct set_decl *d = arena_alloc(&p->file->decl.arena, sizeof(*d));
	struct set_ctx s = { .cmd = cmd, .d = d };
	uint32_t opened = p->tok.pos, errors = p->file->n_errors;

	d->is_map = is_map;
	cmd->set = d;
	if (!p_open(p))
		return false;
	p_block(p, &(struct block){ set_stmt, &s, BLOCK_OTHER });
	if (!p_close(p, opened))
		return false;
	if (!(d->given & SETD_TYPE) && p->file->n_errors == errors) {
		p_fail_at(p, cmd->pos, cmd->end, "%s needs a type: say `type …` or `typeof …`",
			is_map ? "a map" : "a set");
		return false;
	}
	if (d->auto_merge && !(d->flags & NFT_SET_INTERVAL)) {
		p_fail_at(p, cmd->pos, cmd->end, "auto-merge needs `flags interval`");
		return false;
	}
	if (d->given & SETD_TIMEOUT)
		d->flags |= NFT_SET_TIMEOUT;
	if (d->stateful && d->stateful->next)
		d->flags |= NFT_SET_EXPR;
	if ((d->flags & NFT_SET_INTERVAL) && d->key.n > 1)
		d->flags |= NFT_SET_CONCAT;
	cmd_push(p->file, cmd);
	if (s.elements)
		cmd_push(p->file, &s.elems);
	return true;
}
