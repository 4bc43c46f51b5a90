// SPDX-License-Identifier: GPL-2.0-or-later
/* Where base chains and flowtables are hooked in. */
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>

#include "base/text.h"
#include "nft/file_impl.h"

/* A name of a type, a hook: text of the word. */
static bool p_word(struct parser *p, const char *what, char *out, size_t size)
{
	uint32_t n = p->tok.end - p->tok.pos;

	if (p->tok.kind != TOK_WORD || n >= size) {
		p_unexpected(p, what, NULL);
		return false;
	}
	memcpy(out, p->lx.src->text + p->tok.pos, n);
	out[n] = '\0';
	p_advance(p);
	return true;
}

static bool p_hook(struct parser *p, uint8_t family, uint32_t *hook)
{
	uint32_t pos = p->tok.pos, end = p->tok.end;
	_err_ struct err e = ERR_INIT;
	char word[32];

	if (!p_expect_word(p, "hook"))
		return false;
	pos = p->tok.pos;
	end = p->tok.end;
	if (!p_word(p, "the hook's name", word, sizeof(word)))
		return false;
	if (nft_hook_parse(word, family, hook, &e) < 0)
		return p_err(p, pos, end, &e);
	return true;
}

/* number, -number, name, name ± number, $name */
static bool p_priority(struct parser *p, uint8_t family, uint32_t hook, int32_t *out)
{
	_buf_ struct buf text = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	uint32_t pos, end;
	struct node *n;
	bool named;

	if (!p_expect_word(p, "priority"))
		return false;
	pos = p->tok.kind == TOK_PARAM || p->tok.kind == TOK_STRING ? p->tok.pos - 1 : p->tok.pos;
	if (p->tok.kind == TOK_PARAM) {
		n = p_scalar(p, "a priority");
		if (!n)
			return false;
		if (n->kind == N_PARAM) {
			p_fail_at(p, n->pos, n->end, "a priority can not change with a live value");
			return false;
		}
		buf_puts(&text, n->s);
	} else {
		if (p->tok.kind == '-' || p->tok.kind == '+') {
			buf_putc(&text, (char)p->tok.kind);
			p_advance(p);
		}
		if (p->tok.kind != TOK_WORD) {
			p_unexpected(p, "a number or a name like `filter`", NULL);
			return false;
		}
		named = !strchr("0123456789", p->lx.src->text[p->tok.pos]);
		buf_put(&text, p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos);
		p_advance(p);
		if (named && (p->tok.kind == '-' || p->tok.kind == '+')) {
			buf_putc(&text, (char)p->tok.kind);
			p_advance(p);
			if (p->tok.kind != TOK_WORD) {
				p_unexpected(p, "a number", NULL);
				return false;
			}
			buf_put(&text, p->lx.src->text + p->tok.pos, p->tok.end - p->tok.pos);
			p_advance(p);
		}
	}
	end = p->prev_end;
	if (nft_priority_parse(buf_str(&text), family, (int)hook, out, &e) < 0)
		return p_err(p, pos, end, &e);
	return true;
}

static bool push_device(struct parser *p, struct node ***tail, struct node *n)
{
	if (n->kind != N_PARAM && (!*n->s || strlen(n->s) >= 16)) {
		p_fail_at(p, n->pos, n->end, "\"%s\" is no name of an interface", n->s);
		return false;
	}
	n->next = NULL;
	**tail = n;
	*tail = &n->next;
	return true;
}

/* One device, or the list that a $name stands for. */
static bool one_device(struct parser *p, struct node ***tail)
{
	struct node *n, *next;
	const struct val *v;
	bool param = p->tok.kind == TOK_PARAM;
	struct tok name = p->tok;

	if (!p_is_value(p)) {
		p_unexpected(p, "the name of an interface", NULL);
		return false;
	}
	p->loose = true;
	n = parse_value(p);
	p->loose = false;
	if (!n)
		return false;
	if (param && n->kind == N_PARAM) {
		v = p->file->o.param ? p->file->o.param(p->file->o.ctx, n->s) : NULL;
		if (!v)
			return define_unknown(p, &name);
		if (v->kind == VAL_LIVE)
			return push_device(p, tail, n);
		if (v->kind != VAL_LIST) {
			n = val_node(p, v, n->pos, n->end);
			return n && push_device(p, tail, n);
		}
		for (uint32_t i = 0; i < v->n; i++) {
			next = val_node(p, &v->list[i], name.pos - 1, name.end);
			if (!next || !push_device(p, tail, next))
				return false;
		}
		return true;
	}
	if (n->kind == N_SET || n->kind == N_LIST) {
		bool set = n->kind == N_SET;

		for (n = n->a; n; n = next) {
			struct node *dev = set ? n->a : n;

			next = n->next;
			if (dev->kind != N_WORD && dev->kind != N_STRING && dev->kind != N_PARAM) {
				p_fail_at(p, dev->pos, dev->end, "expected the name of an interface");
				return false;
			}
			if (!push_device(p, tail, dev))
				return false;
		}
		return true;
	}
	if (n->kind != N_WORD && n->kind != N_STRING) {
		p_fail_at(p, n->pos, n->end, "expected the name of an interface");
		return false;
	}
	return push_device(p, tail, n);
}

bool p_devices(struct parser *p, const struct node **out)
{
	struct node *list = NULL, **tail = &list;
	uint32_t pos;

	if (!p_expect(p, '=', "`=`"))
		return false;
	pos = p->tok.pos;
	if (p->tok.kind != '{') {
		if (p->tok.kind != TOK_PARAM) {
			p_unexpected(p, "`{` or a $name", NULL);
			return false;
		}
		if (!one_device(p, &tail))
			return false;
	} else {
		p_advance(p);
		while (p->tok.kind != '}') {
			if (!one_device(p, &tail))
				return false;
			if (!p_accept(p, ','))
				break;
		}
		if (!p_expect(p, '}', "`,` or `}`"))
			return false;
	}
	if (!list) {
		p_fail_at(p, pos, p->prev_end, "no device");
		return false;
	}
	for (tail = (struct node **)out; *tail; tail = &(*tail)->next)
		;
	*tail = list;
	return true;
}

bool hook_spec(struct parser *p, struct chain_decl *d, uint8_t family)
{
	static const char *const types[] = { "filter", "nat", "route", NULL };
	struct node *list = NULL, **tail = &list;
	unsigned i;

	d->devices = NULL;
	p_advance(p);
	for (i = 0; types[i] && !p_is(p, types[i]); i++)
		;
	if (!types[i]) {
		p_unexpected(p, "filter, nat or route", types);
		return false;
	}
	snprintf(d->type, sizeof(d->type), "%s", types[i]);
	p_advance(p);
	if (!p_hook(p, family, &d->hook))
		return false;
	if (p_accept_word(p, "device")) {
		if (!one_device(p, &tail))
			return false;
		d->devices = list;
	} else if (p_accept_word(p, "devices") && !p_devices(p, &d->devices)) {
		return false;
	}
	if (!p_priority(p, family, d->hook, &d->priority))
		return false;
	d->base = true;
	return true;
}

bool policy_spec(struct parser *p, struct chain_decl *d)
{
	static const char *const words[] = { "accept", "drop", NULL };
	struct node *n;

	if (d->has_policy) {
		p_fail(p, "a second policy");
		return false;
	}
	if (p->tok.kind == TOK_PARAM) {
		n = p_scalar(p, "accept or drop");
		if (!n)
			return false;
		d->policy = n->kind != N_PARAM && !strcmp(n->s, "accept") ? NF_ACCEPT : NF_DROP;
		if (n->kind == N_PARAM || (strcmp(n->s, "accept") != 0 && strcmp(n->s, "drop") != 0)) {
			p_fail_at(p, n->pos, n->end, "a policy is accept or drop");
			return false;
		}
	} else if (p_accept_word(p, "accept")) {
		d->policy = NF_ACCEPT;
	} else if (p_accept_word(p, "drop")) {
		d->policy = NF_DROP;
	} else {
		p_unexpected(p, "accept or drop", words);
		return false;
	}
	d->has_policy = true;
	return true;
}

/* ---- flowtables ---- */

static bool flow_stmt(struct parser *p, void *ctx)
{
	static const char *const words[] = { "hook", "devices", "counter", "flags", NULL };
	struct flowtable_decl *d = ctx;

	if (p_is(p, "hook")) {
		if (!p_hook(p, NFPROTO_NETDEV, &d->hook) ||
			!p_priority(p, NFPROTO_NETDEV, d->hook, &d->priority))
			return false;
		d->has_hook = true;
		return true;
	}
	if (p_accept_word(p, "devices"))
		return p_devices(p, &d->devices);
	if (p_accept_word(p, "counter")) {
		d->flags |= NFT_FLOWTABLE_COUNTER;
		p->file->unparted = true;
		return true;
	}
	if (p_accept_word(p, "flags")) {
		if (!p_expect_word(p, "offload"))
			return false;
		d->flags |= NFT_FLOWTABLE_HW_OFFLOAD;
		return true;
	}
	p_unexpected(p, "hook, devices, counter or flags", words);
	return false;
}

bool flowtable_block(struct parser *p, struct file_cmd *cmd)
{
	struct flowtable_decl *d = arena_alloc(&p->file->decl.arena, sizeof(*d));
	uint32_t opened = p->tok.pos;

	cmd->flow = d;
	if (!p_open(p))
		return false;
	p_block(p, &(struct block){ flow_stmt, d, BLOCK_OTHER });
	cmd_push(p->file, cmd);
	return p_close(p, opened);
}
