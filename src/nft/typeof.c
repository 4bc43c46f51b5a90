// SPDX-License-Identifier: GPL-2.0-or-later
/* Types of expressions, for `typeof`. */
#include <errno.h>
#include <string.h>

#include <linux/netfilter.h>

#include "nft/parse.h"
#include "nft/ir.h"
#include "nft/typeof.h"

#define TYPEOF_MAX 1024 /* bytes */

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
	case N_RAW:
		*bits = (unsigned)n->u3;
		return datatype_by_id(raw_type((unsigned)n->u, (unsigned)n->u2, (unsigned)n->u3));
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
	case N_FIB:
		*bits = n->u2 == NFT_FIB_RESULT_OIFNAME ? 128 : 32;
		return datatype_by_id(n->u2 == NFT_FIB_RESULT_OIF       ? DT_IFINDEX
				      : n->u2 == NFT_FIB_RESULT_OIFNAME ? DT_STRING
									: DT_FIB_ADDR);
	case N_OSF: *bits = 128; return datatype_by_id(DT_STRING);
	case N_NUMGEN:
	case N_HASH: *bits = 32; return &datatype_integer_host;
	default: return NULL;
	}
}

const struct node *typeof_parse(const char *text, struct ast_rule *r, struct err *e)
{
	_err_ struct err local = ERR_INIT;
	struct parser p = { .r = r, .e = &local };
	struct node *n;

	r->refs = 1;
	r->src = (struct src){ .text = text, .len = (uint32_t)strnlen(text, TYPEOF_MAX + 1), .line = 1 };
	if (r->src.len > TYPEOF_MAX) {
		err_set(e, -EINVAL, "typeof: too long");
		return NULL;
	}
	lex_init(&p.lx, &r->src);
	p_advance(&p);
	n = parse_expr(&p, EXPR_SELECT);
	if (n && p.tok.kind != TOK_END)
		n = p_unexpected(&p, "the end of the expression", NULL);
	if (local.code)
		err_set(e, -EINVAL, "typeof %s: %s", text, err_text(&local));
	return local.code ? NULL : n;
}

void typeof_done(struct ast_rule *r)
{
	arena_free(&r->arena);
	vec_free(&r->params);
	vec_free(&r->breaks);
}

static bool part_type(const struct node *n, struct nft_type *out)
{
	unsigned bits = 0;
	const struct datatype *dt = selector_type(n, &bits);

	if (!dt || out->n == NFT_PARTS_MAX)
		return false;
	out->part[out->n] = dt;
	out->bits[out->n++] = (uint16_t)bits;
	return true;
}

int field_type_lookup(const char *expr_text, struct nft_type *out, struct err *e)
{
	struct ast_rule r = { 0 };
	const struct node *n = typeof_parse(expr_text, &r, e);
	bool ok = n;

	memset(out, 0, sizeof(*out));
	if (ok && n->kind == N_CONCAT)
		for (n = n->a; ok && n; n = n->next)
			ok = part_type(n, out);
	else if (ok)
		ok = part_type(n, out);
	typeof_done(&r);
	return ok ? 0
		  : err_set(e, -EINVAL, "typeof %s: expected a field or a key with a type, like `ip saddr`",
			    expr_text);
}
