// SPDX-License-Identifier: GPL-2.0-or-later
/* Types of expressions, for `typeof`. */
#include <errno.h>
#include <string.h>

#include <linux/netfilter.h>

#include "nft/parse.h"
#include "nft/ir.h"

static const struct datatype *selector_type(const struct node *n, unsigned *bits)
{
	const struct field *f;
	const struct selkey *k;

	switch (n->kind) {
	case N_FIELD:
	case N_EXTHDR:
		f = n->def;
		if (!f)
			return NULL;
		*bits = f->bits;
		return datatype_by_id((enum dt_id)f->type);
	case N_RAW: *bits = (unsigned)n->u3; return datatype_by_id(DT_INTEGER);
	case N_META:
	case N_CT:
	case N_RT:
	case N_SOCKET:
	case N_XFRM:
		k = n->def;
		if (k->type == DT_INVALID) {
			bool v6 = (n->kind == N_XFRM ? n->u3 : n->u2) == NFPROTO_IPV6;

			if (!(n->kind == N_XFRM ? n->u3 : n->u2))
				return NULL;
			*bits = v6 ? 128 : 32;
			return datatype_by_id(v6 ? DT_IP6ADDR : DT_IPADDR);
		}
		*bits = k->bits;
		return dt_for(k->type, k->order);
	case N_OSF: *bits = 128; return datatype_by_id(DT_STRING);
	case N_NUMGEN:
	case N_HASH: *bits = 32; return &datatype_integer_host;
	default: return NULL;
	}
}

int field_type_lookup(const char *expr_text, struct nft_type *out, struct err *e)
{
	struct ast_rule r = { .refs = 1,
		.src = { .text = expr_text, .len = (uint32_t)strlen(expr_text), .line = 1 } };
	_err_ struct err local = ERR_INIT;
	struct parser p = { .r = &r, .e = &local };
	const struct datatype *dt = NULL;
	struct node *n;
	unsigned bits = 0;
	int code = 0;

	memset(out, 0, sizeof(*out));
	if (r.src.len > 256)
		return err_set(e, -EINVAL, "typeof: too long");
	lex_init(&p.lx, &r.src);
	p_advance(&p);
	n = parse_selector(&p, EXPR_SELECT);
	if (n && p.tok.kind != TOK_END)
		n = p_unexpected(&p, "the end of the expression", NULL);
	if (n)
		dt = selector_type(n, &bits);
	if (local.code)
		code = err_set(e, -EINVAL, "typeof %s: %s", expr_text, err_text(&local));
	else if (!dt)
		code = err_set(e, -EINVAL,
			"typeof %s: expected a field or a key with a type, like `ip saddr`", expr_text);
	else
		*out = nft_type_of(dt, bits);
	arena_free(&r.arena);
	vec_free(&r.params);
	return code;
}
