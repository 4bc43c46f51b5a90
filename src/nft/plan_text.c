// SPDX-License-Identifier: GPL-2.0-or-later
/* A plan as nft syntax: what would be, or was, sent. */
#include <linux/netfilter.h>

#include "base/text.h"
#include "nft/decompile.h"
#include "nft/model.h"

#include "nft/plan_text.h"
#include "nft/why.h"

#define ELEMS_SHOWN 64

static bool is_map(const struct op *op)
{
	return op->set->info.flags & (NFT_SET_MAP | NFT_SET_OBJECT);
}

static const char *verb(const struct op *op)
{
	switch (op->kind) {
	case OP_ADD_TABLE: return "add table";
	case OP_DEL_TABLE: return "delete table";
	case OP_ADD_CHAIN:
	case OP_MOD_CHAIN:
	case OP_ADD_CHAIN_DEV: return "add chain";
	case OP_DEL_CHAIN:
	case OP_DEL_CHAIN_DEV: return "delete chain";
	case OP_ADD_SET:
	case OP_MOD_SET: return is_map(op) ? "add map" : "add set";
	case OP_DEL_SET: return is_map(op) ? "delete map" : "delete set";
	case OP_ADD_ELEM: return "add element";
	case OP_DEL_ELEM: return "delete element";
	case OP_ADD_RULE: return op->rule.position ? "insert rule" : "add rule";
	case OP_REPLACE_RULE: return "replace rule";
	case OP_DEL_RULE: return "delete rule";
	case OP_ADD_OBJ:
	case OP_MOD_OBJ: return "add";
	case OP_DEL_OBJ: return "delete";
	case OP_ADD_FLOWTABLE:
	case OP_ADD_FLOW_DEV: return "add flowtable";
	case OP_DEL_FLOWTABLE:
	case OP_DEL_FLOW_DEV: return "delete flowtable";
	case OP_RENAME_CHAIN: return "rename chain";
	case OP_FLUSH_RULES: return op->name ? "flush chain" : "flush table";
	case OP_FLUSH_SET: return "flush set";
	case OP_FLUSH_RULESET: return "flush ruleset";
	}
	return "?";
}

char op_sign(const struct op *op)
{
	if (op->recreate)
		return '!';
	if (op->changed)
		return '~';
	switch (op->kind) {
	case OP_DEL_TABLE:
	case OP_DEL_CHAIN:
	case OP_DEL_SET:
	case OP_DEL_ELEM:
	case OP_DEL_RULE:
	case OP_DEL_OBJ:
	case OP_DEL_FLOWTABLE:
	case OP_DEL_FLOW_DEV:
	case OP_FLUSH_RULES:
	case OP_FLUSH_SET:
	case OP_FLUSH_RULESET:
	case OP_DEL_CHAIN_DEV: return '-';
	case OP_ADD_TABLE:
	case OP_ADD_CHAIN:
	case OP_ADD_SET:
	case OP_ADD_ELEM:
	case OP_ADD_RULE:
	case OP_REPLACE_RULE:
	case OP_MOD_CHAIN:
	case OP_MOD_SET:
	case OP_ADD_OBJ:
	case OP_MOD_OBJ:
	case OP_ADD_FLOWTABLE:
	case OP_ADD_FLOW_DEV:
	case OP_RENAME_CHAIN:
	case OP_ADD_CHAIN_DEV: return '+';
	}
	return '?';
}

void chain_text(const struct chain_want *c, uint8_t family, const char *sep, struct buf *out)
{
	if (!c->base)
		return;
	buf_printf(out, "type %s hook %s", c->type, nft_hook_name(family, c->hook));
	if (c->n_dev == 1)
		buf_printf(out, " device \"%s\"", c->dev[0]);
	else if (c->n_dev)
		for (uint32_t i = 0; i < c->n_dev; i++)
			buf_printf(out, "%s\"%s\"%s", i ? ", " : " devices = { ", c->dev[i],
				i + 1 == c->n_dev ? " }" : "");
	buf_printf(out, " priority %d;%s%spolicy %s;", c->priority, sep,
		c->flags & NFT_CHAIN_HW_OFFLOAD ? "flags offload; " : "",
		c->policy == NF_DROP ? "drop" : "accept");
}

void flowtable_text(const struct flowtable_want *f, const char *sep, struct buf *out)
{
	buf_printf(out, "hook ingress priority %d;%s", f->priority, sep);
	for (uint32_t i = 0; i < f->n_dev; i++)
		buf_printf(out, "%s\"%s\"", i ? ", " : "devices = { ", f->dev[i]);
	if (f->n_dev)
		buf_printf(out, " };%s", sep);
	if (f->flags & NFT_FLOWTABLE_HW_OFFLOAD)
		buf_printf(out, "flags offload;%s", sep);
	if (f->flags & NFT_FLOWTABLE_COUNTER)
		buf_printf(out, "counter;%s", sep);
}

static void object_line(const struct object_want *o, struct buf *out)
{
	buf_puts(out, " { ");
	object_text(o, false, "; ", out);
	if (o->comment) {
		buf_puts(out, "comment ");
		buf_quote(out, o->comment, strlen(o->comment));
		buf_puts(out, "; ");
	}
	buf_putc(out, '}');
}

static void type_text(const struct set_want *s, struct buf *out)
{
	bool map = s->info.flags & (NFT_SET_MAP | NFT_SET_OBJECT);

	buf_puts(out, s->typeof_text ? "typeof " : "type ");
	if (s->typeof_text)
		buf_puts(out, s->typeof_text);
	else
		nft_type_text(&s->info.key, out);
	if (!map || (s->typeof_text && strchr(s->typeof_text, ':')))
		return;
	buf_puts(out, " : ");
	if (s->info.flags & NFT_SET_OBJECT)
		buf_puts(out, obj_kind_word(object_kind(s->info.obj_type)));
	else
		nft_type_text(&s->info.data, out);
}

void set_text(const struct set_want *s, const char *sep, struct buf *out)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} flags[] = {
		{ NFT_SET_CONSTANT, "constant" },
		{ NFT_SET_EVAL, "dynamic" },
		{ NFT_SET_INTERVAL, "interval" },
		{ NFT_SET_TIMEOUT, "timeout" },
	};
	const char *lead = "flags ";
	char time[48];

	type_text(s, out);
	buf_printf(out, ";%s", sep);
	if (s->policy)
		buf_printf(out, "policy memory;%s", sep);
	if (s->size)
		buf_printf(out, "size %u;%s", s->size, sep);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (s->info.flags & flags[i].bit) {
			buf_printf(out, "%s%s", lead, flags[i].name);
			lead = ",";
		}
	if (*lead == ',')
		buf_printf(out, ";%s", sep);
	if (s->timeout_ms)
		buf_printf(out, "timeout %s;%s", duration_format(s->timeout_ms, time), sep);
	if (s->gc_ms)
		buf_printf(out, "gc-interval %s;%s", duration_format(s->gc_ms, time), sep);
	if (s->info.auto_merge)
		buf_printf(out, "auto-merge;%s", sep);
	if (s->stateful)
		buf_printf(out, "%s;%s", s->stateful, sep);
	if (s->comment) {
		buf_puts(out, "comment ");
		buf_quote(out, s->comment, strlen(s->comment));
		buf_printf(out, ";%s", sep);
	}
}

/* As nft_elem_text(), with the element's own statements behind the key. */
void elem_line(const struct set_info *info, const struct setelem *el, struct buf *out)
{
	struct set_info plain = *info;
	struct setelem bare = *el;
	_buf_ struct buf all = BUF_INIT;
	size_t begin = out->n;

	if (!el->n_exprs) {
		nft_elem_text(info, el, out);
		return;
	}
	plain.flags &= ~(uint32_t)(NFT_SET_MAP | NFT_SET_OBJECT);
	bare.timeout_ms = bare.expires_ms = 0;
	bare.comment = NULL;
	nft_elem_text(&plain, &bare, out);
	nft_elem_text(info, el, &all);
	buf_puts(&all, ""); /* terminated */
	begin = out->n - begin;
	buf_putc(out, ' ');
	stateful_text(el->exprs, el->n_exprs, false, out);
	buf_puts(out, all.s + begin);
}

void op_element(const struct op *op, uint32_t i, struct buf *out)
{
	struct set_info info = op->elem.set->info;
	struct setelem el;

	op->elem.get(op, i, &el);
	el.expires_ms = 0;
	if (op->kind == OP_DEL_ELEM) { /* the key says it all */
		info.flags &= ~(uint32_t)(NFT_SET_MAP | NFT_SET_OBJECT);
		el.n_exprs = 0;
	}
	elem_line(&info, &el, out);
}

static void elems_text(const struct op *op, struct buf *out)
{
	buf_puts(out, " { ");
	for (uint32_t i = 0; i < op->elem.n && i < ELEMS_SHOWN; i++) {
		if (i)
			buf_puts(out, ", ");
		op_element(op, i, out);
	}
	if (op->elem.n > ELEMS_SHOWN)
		buf_printf(out, ", ... %u more", op->elem.n - ELEMS_SHOWN);
	buf_puts(out, " }");
}

void table_flags_text(uint32_t flags, const char *sep, struct buf *out)
{
	static const char *const words[] = { "dormant", "owner", "persist" };
	bool any = false;

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
		if (flags >> i & 1) {
			buf_printf(out, "%s%s", any ? sep : "", words[i]);
			any = true;
		}
}

void op_command(const struct op *op, struct buf *out)
{
	buf_printf(out, "%s ", verb(op));
	if (op->kind == OP_ADD_OBJ || op->kind == OP_MOD_OBJ || op->kind == OP_DEL_OBJ)
		buf_printf(out, "%s ", obj_kind_word(object_kind(op->obj->type)));
	buf_printf(out, "%s %s", nft_family_name(op->family), op->table);
	if (op->name)
		buf_printf(out, " %s", op->name);
	switch (op->kind) {
	case OP_ADD_TABLE:
		if (op->table_want.flags) {
			buf_puts(out, " { flags ");
			table_flags_text(op->table_want.flags, ",", out);
			buf_puts(out, "; }");
		}
		break;
	case OP_ADD_CHAIN:
	case OP_MOD_CHAIN:
		if (op->chain.base) {
			buf_puts(out, " { ");
			chain_text(&op->chain, op->family, " ", out);
			buf_puts(out, " }");
		}
		break;
	case OP_ADD_SET:
	case OP_MOD_SET:
		buf_puts(out, " { ");
		set_text(op->set, " ", out);
		buf_puts(out, "}");
		break;
	case OP_ADD_ELEM:
	case OP_DEL_ELEM: elems_text(op, out); break;
	case OP_ADD_RULE:
		if (op->rule.position)
			buf_printf(out, " position %llu", (unsigned long long)op->rule.position);
		buf_printf(out, " %s", op->rule.text);
		break;
	case OP_REPLACE_RULE:
		buf_printf(out, " handle %llu %s", (unsigned long long)op->rule.handle, op->rule.text);
		break;
	case OP_DEL_RULE:
		buf_printf(out, " handle %llu # %s", (unsigned long long)op->rule.handle, op->rule.text);
		break;
	case OP_ADD_CHAIN_DEV:
	case OP_DEL_CHAIN_DEV: buf_printf(out, " { device \"%s\"; }", op->dev); break;
	case OP_ADD_OBJ:
	case OP_MOD_OBJ: object_line(op->obj, out); break;
	case OP_ADD_FLOWTABLE:
		buf_puts(out, " { ");
		flowtable_text(op->flow, " ", out);
		buf_putc(out, '}');
		break;
	case OP_ADD_FLOW_DEV:
	case OP_DEL_FLOW_DEV:
		buf_printf(out, " { hook ingress priority %d; devices = { \"%s\" }; }", op->flow->priority,
			op->flow_dev);
		break;
	case OP_DEL_TABLE:
	case OP_DEL_SET:
	case OP_DEL_CHAIN:
	case OP_DEL_OBJ:
	case OP_DEL_FLOWTABLE:
	case OP_RENAME_CHAIN:
	case OP_FLUSH_RULES:
	case OP_FLUSH_SET:
	case OP_FLUSH_RULESET: break;
	}
}

void plan_text(const struct plan *p, enum plan_who who, struct buf *out)
{
	vec_foreach (op, &p->ops) {
		buf_printf(out, "%c ", op_sign(op));
		op_command(op, out);
		if (who != PLAN_BARE && op->pack) {
			struct site s = ruleset_site_get(p->rs, op->site);

			buf_printf(out, "  # %s %s:%u", op->pack, s.file, s.line);
		}
		if (who == PLAN_WHY)
			why_behind(p->rs, op->stmt, op->member, out);
		buf_putc(out, '\n');
	}
}
