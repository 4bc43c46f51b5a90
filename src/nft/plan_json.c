// SPDX-License-Identifier: GPL-2.0-or-later
/* A plan for programs. */
#include "nft/model.h"
#include "nft/plan_text.h"
#include "nft/why.h"

#define ELEMS_SHOWN 1000

static const char *kind_word(const struct op *op)
{
	switch (op->kind) {
	case OP_ADD_TABLE:
	case OP_DEL_TABLE: return "table";
	case OP_ADD_CHAIN:
	case OP_MOD_CHAIN:
	case OP_DEL_CHAIN:
	case OP_ADD_CHAIN_DEV:
	case OP_DEL_CHAIN_DEV:
	case OP_RENAME_CHAIN: return "chain";
	case OP_ADD_SET:
	case OP_MOD_SET:
	case OP_DEL_SET: return op->set->info.flags & (NFT_SET_MAP | NFT_SET_OBJECT) ? "map" : "set";
	case OP_ADD_ELEM:
	case OP_DEL_ELEM: return "element";
	case OP_ADD_RULE:
	case OP_REPLACE_RULE:
	case OP_DEL_RULE: return "rule";
	case OP_ADD_OBJ:
	case OP_MOD_OBJ:
	case OP_DEL_OBJ: return obj_kind_word(object_kind(op->obj->type));
	case OP_ADD_FLOWTABLE:
	case OP_DEL_FLOWTABLE:
	case OP_ADD_FLOW_DEV:
	case OP_DEL_FLOW_DEV: return "flowtable";
	case OP_FLUSH_RULES: return op->name ? "chain" : "table";
	case OP_FLUSH_SET: return "set";
	case OP_FLUSH_RULESET: return "ruleset";
	}
	return "?";
}

static const char *const words[] = { "add", "delete", "change", "recreate" };

static int word_of(char sign)
{
	return sign == '+' ? 0 : sign == '-' ? 1 : sign == '~' ? 2 : 3;
}

static void elements(const struct op *op, struct json *j)
{
	json_unsigned(j, "count", op->elem.n);
	json_open(j, "elements", '[');
	for (uint32_t i = 0; i < op->elem.n && i < ELEMS_SHOWN; i++) {
		_buf_ struct buf text = BUF_INIT;

		op_element(op, i, &text);
		json_bytes(j, NULL, buf_str(&text), text.n);
	}
	json_close(j, ']');
}

static void particulars(const struct op *op, struct json *j)
{
	switch (op->kind) {
	case OP_ADD_ELEM:
	case OP_DEL_ELEM: elements(op, j); break;
	case OP_ADD_RULE:
		json_text(j, "rule", op->rule.text);
		if (op->rule.position)
			json_unsigned(j, "position", op->rule.position);
		break;
	case OP_REPLACE_RULE:
	case OP_DEL_RULE:
		json_text(j, "rule", op->rule.text);
		json_unsigned(j, "handle", op->rule.handle);
		break;
	case OP_ADD_CHAIN_DEV:
	case OP_DEL_CHAIN_DEV: json_text(j, "device", op->dev); break;
	case OP_ADD_FLOW_DEV:
	case OP_DEL_FLOW_DEV: json_text(j, "device", op->flow_dev); break;
	default: break; /* the text says it all */
	}
}

static void provenance(const struct plan *p, const struct op *op, struct json *j)
{
	struct site s;

	json_text(j, "pack", op->pack);
	if (!op->pack)
		return;
	s = ruleset_site_get(p->rs, op->site);
	json_open(j, "where", '{');
	json_text(j, "file", s.file);
	json_unsigned(j, "line", s.line);
	json_close(j, '}');
	json_behind(j, p->rs, op->stmt, op->member);
}

static void operation(const struct plan *p, const struct op *op, struct json *j)
{
	bool rule = op->kind == OP_ADD_RULE || op->kind == OP_REPLACE_RULE || op->kind == OP_DEL_RULE;
	char sign[2] = { op_sign(op), 0 };
	_buf_ struct buf text = BUF_INIT;

	op_command(op, &text);
	json_open(j, NULL, '{');
	json_text(j, "op", words[word_of(*sign)]);
	json_text(j, "sign", sign);
	json_text(j, "kind", kind_word(op));
	json_text(j, "family", nft_family_name(op->family));
	if (op->table)
		json_text(j, "table", op->table);
	if (op->name)
		json_text(j, rule ? "chain" : "name", op->name);
	json_bytes(j, "text", buf_str(&text), text.n);
	particulars(op, j);
	provenance(p, op, j);
	json_close(j, '}');
}

void plan_json(const struct plan *p, size_t max, struct json *j)
{
	uint32_t counts[ARRAY_SIZE(words)] = { 0 }, left = 0;

	json_open(j, "operations", '[');
	vec_foreach (op, &p->ops) {
		counts[word_of(op_sign(op))]++;
		if (j->out->n > max)
			left++;
		else
			operation(p, op, j);
	}
	json_close(j, ']');
	json_open(j, "counts", '{');
	json_unsigned(j, "operations", p->ops.n);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		json_unsigned(j, words[i], counts[i]);
	json_close(j, '}');
	if (left)
		json_unsigned(j, "left_out", left);
}
