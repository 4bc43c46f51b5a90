// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_synproxy.h>
#include <linux/netfilter/nf_tables.h>

#include <stdio.h>

#include <libnftnl/expr.h>

#include "nft/gen.h"

/* ---- stateful ---- */

static struct nftnl_expr *gen_counter(struct cc *c, const struct node *n)
{
	uint64_t packets = 0, bytes = 0;

	if ((n->a && !cc_number(c, n->a, UINT64_MAX, &packets)) ||
		(n->b && !cc_number(c, n->b, UINT64_MAX, &bytes)))
		return NULL;
	return expr_counter(packets, bytes);
}

static bool scaled(struct cc *c, const struct node *n, uint64_t factor, uint64_t max, uint64_t *out)
{
	if (!cc_number(c, n, max / factor, out))
		return false;
	*out *= factor;
	return true;
}

static struct nftnl_expr *gen_limit(struct cc *c, const struct node *n)
{
	uint64_t rate, burst = n->u2 ? 0 : 5;

	if (!scaled(c, n->a, n->u2 ? n->u2 : 1, UINT64_MAX, &rate))
		return NULL;
	if (!rate)
		return cc_error(c, n->a, "a rate of 0");
	if (n->b && !scaled(c, n->b, n->u3 ? n->u3 : 1, UINT32_MAX, &burst))
		return NULL;
	if (n->b && !burst && !n->u2)
		return cc_error(c, n->b, "a burst of 0 packets lets nothing through");
	return expr_limit(rate, n->u, (uint32_t)burst, n->u2, n->op);
}

static struct nftnl_expr *gen_quota(struct cc *c, const struct node *n)
{
	uint64_t bytes, used = 0;

	if (!scaled(c, n->a, n->u, UINT64_MAX, &bytes) ||
		(n->b && !scaled(c, n->b, n->u2, UINT64_MAX, &used)))
		return NULL;
	return expr_quota(bytes, used, n->op);
}

static struct nftnl_expr *gen_last(struct cc *c, const struct node *n)
{
	uint64_t ms = 0;

	if (n->a && !cc_time(c, n->a, &ms))
		return NULL;
	return expr_last(n->a, ms);
}

static struct nftnl_expr *gen_connlimit(struct cc *c, const struct node *n)
{
	uint64_t v;

	return cc_number(c, n->a, UINT32_MAX, &v) ? expr_connlimit((uint32_t)v, n->op) : NULL;
}

struct nftnl_expr *gen_stateful(struct cc *c, const struct node *n)
{
	switch (n->kind) {
	case S_COUNTER: return gen_counter(c, n);
	case S_LIMIT: return gen_limit(c, n);
	case S_QUOTA: return gen_quota(c, n);
	case S_LAST: return gen_last(c, n);
	case S_CONNLIMIT: return gen_connlimit(c, n);
	default: return NULL;
	}
}

/* ---- log, synproxy, queue ---- */

static bool gen_log(struct cc *c, const struct node *n)
{
	uint64_t group = 0, snaplen = 0, threshold = 0;
	const char *prefix = NULL;

	if (n->a && n->a->s && !*n->a->s && n->a->kind != N_PARAM)
		prefix = "";
	else if (n->a && !(prefix = cc_text(c, n->a, 127, "the prefix")))
		return false;
	if ((n->b && !cc_number(c, n->b, UINT16_MAX, &group)) ||
		(n->c && !cc_number(c, n->c, UINT32_MAX, &snaplen)) ||
		(n->d && !cc_number(c, n->d, UINT16_MAX, &threshold)))
		return false;
	return gen_push(c, n,
		expr_log(prefix, n->b, (uint16_t)group, n->c ? (int64_t)snaplen : -1, (uint16_t)threshold,
			n->u2 ? (int)n->u3 : -1, (uint32_t)n->u));
}

static bool gen_synproxy(struct cc *c, const struct node *n)
{
	uint64_t mss = 0, wscale = 0;

	if ((n->a && !cc_number(c, n->a, UINT16_MAX, &mss)) || (n->b && !cc_number(c, n->b, 14, &wscale)))
		return false;
	return gen_push(c, n, expr_synproxy((uint16_t)mss, (uint8_t)wscale, (uint32_t)n->u));
}

static bool gen_queue(struct cc *c, const struct st *s)
{
	const struct ex *x = s->a;
	int slot;

	if (!x)
		return gen_push(c, s->node, expr_queue(0, 1, (unsigned)s->node->u, SLOT_NONE));
	if (x->kind == X_VALUE)
		return gen_push(c, s->node, expr_queue((unsigned)x->v, 1, (unsigned)s->node->u, SLOT_NONE));
	if (x->kind == X_RANGE)
		return gen_push(c, s->node,
			expr_queue((unsigned)x->v, (unsigned)(x->hi - x->v) + 1, (unsigned)s->node->u,
				SLOT_NONE));
	slot = gen_slots(c, 16);
	return gen_load(c, x, slot) && gen_push(c, s->node, expr_queue(0, 0, (unsigned)s->node->u, slot));
}

/* ---- set, verdict, object, dynset ---- */

static bool gen_set(struct cc *c, const struct st *s)
{
	const struct node *t = s->node->a;
	const struct selkey *k = t->def;
	int slot = gen_slots(c, 16);
	struct nftnl_expr *e;

	if (!gen_load(c, s->a, slot))
		return false;
	switch (t->kind) {
	case N_META: e = expr_keyed_set("meta", slot, k->key); break;
	case N_CT: e = expr_ct_set(slot, k->key, t->u ? (int)t->u - 1 : -1); break;
	case N_EXTHDR:
		e = expr_exthdr_write(slot, (unsigned)s->b->op, s->b->key, s->b->off / 8, ex_bytes(s->b));
		break;
	default:
		e = expr_payload_write(slot, s->b->base, s->b->off / 8, s->b->bits / 8,
			s->sctp   ? NFT_PAYLOAD_CSUM_SCTP
			: s->code ? NFT_PAYLOAD_CSUM_INET
				  : NFT_PAYLOAD_CSUM_NONE,
			s->sctp   ? 8
			: s->code ? s->code - 1
				  : 0,
			s->flags);
		break;
	}
	return gen_push(c, s->node, e);
}

static bool gen_verdict(struct cc *c, const struct st *s)
{
	const struct node *n = s->node;
	char target[NFT_NAME_MAXLEN];
	int32_t code;
	uint32_t id;
	int slot;

	if (!s->a && n->a->a && n->a->a->kind == N_CHAIN)
		return gen_push(c, n, expr_verdict_chain((int32_t)(int64_t)n->a->u, s->code));
	if (!s->a)
		return ev_verdict(c, n->a, &code, target) && gen_push(c, n, expr_verdict(code, target));
	slot = gen_slots(c, s->a->a->kind == X_CONCAT ? ex_bytes(s->a->a) : 16);
	if (!gen_load(c, s->a->a, slot))
		return false;
	return gen_push(c, n,
		expr_lookup_verdict(slot, gen_set_name(c, &s->a->set, &id),
			s->a->set.anon >= 0 ? (uint32_t)s->a->set.anon + 1 : 0));
}

static bool gen_objref(struct cc *c, const struct st *s)
{
	char name[NFT_NAME_MAXLEN];
	const char *set;
	uint32_t id;
	int slot;

	if (!s->a)
		return cc_name(c, s->node->a, OBJ_STATEFUL + (uint32_t)s->node->u, name) &&
		       gen_push(c, s->node, expr_objref((uint32_t)s->node->u, name));
	slot = gen_slots(c, s->a->a->kind == X_CONCAT ? ex_bytes(s->a->a) : 16);
	set = gen_set_name(c, &s->a->set, &id);
	return gen_load(c, s->a->a, slot) && gen_push(c, s->node, expr_objref_map(slot, set, id));
}

static bool gen_dynset(struct cc *c, const struct st *s)
{
	struct nftnl_expr *exprs[2] = { NULL };
	unsigned op = (unsigned)s->node->u, n = 0;
	uint64_t timeout = 0, t;
	int key, data = SLOT_NONE;
	const char *name;
	uint32_t id;

	key = gen_slots(c, s->a->kind == X_CONCAT ? ex_bytes(s->a) : 16);
	if (!gen_load(c, s->a, key))
		return false;
	if (s->b) {
		data = gen_slots(c, 16);
		if (!gen_load(c, s->b, data))
			return false;
	}
	for (const struct node *o = s->node->c; o; o = o->next) {
		if (o->kind == N_OPT_TIMEOUT) {
			if (!cc_time(c, o->a, &timeout))
				break;
		} else if (o->kind == N_OPT_EXPIRES) {
			if (!cc_time(c, o->a, &t)) /* a new element begins with its whole timeout */
				break;
		} else if (o->kind == N_OPT_COMMENT) {
			cc_error(c, o, "elements that packets add have no comment");
		} else if (n == ARRAY_SIZE(exprs)) {
			cc_error(c, o, "at most two stateful statements in an element");
		} else {
			exprs[n] = gen_stateful(c, o);
			if (exprs[n])
				n++;
		}
		if (c->failed)
			break;
	}
	if (c->failed) {
		while (n)
			nftnl_expr_free(exprs[--n]);
		return false;
	}
	if (s->node->kind == S_METER)
		op = timeout ? NFT_DYNSET_OP_UPDATE : NFT_DYNSET_OP_ADD;
	name = gen_set_name(c, &s->mask->set, &id);
	return gen_push(c, s->node, expr_dynset(op, key, data, name, id, timeout, exprs, n));
}

/* ---- where packets go ---- */

bool gen_nat(struct cc *c, const struct st *s)
{
	const struct node *n = s->node;
	const struct ex *a = s->a, *p = s->b;
	int amin = SLOT_NONE, amax = SLOT_NONE, pmin = SLOT_NONE, pmax = SLOT_NONE;
	struct ex hi;

	if (a) {
		amin = gen_slots(c, 16);
		if (a->kind == X_RANGE) {
			struct ex lo = *a;

			lo.kind = X_VALUE;
			hi = lo;
			hi.v = a->hi;
			amax = gen_slots(c, 16);
			if (!gen_load(c, &lo, amin) || !gen_load(c, &hi, amax))
				return false;
		} else {
			if (!gen_load(c, a, amin))
				return false;
			if (a->kind == X_MAP) { /* both ends, and ports, lie behind each other */
				const struct set_info *info =
					a->set.anon >= 0 ? &c->code->sets.v[a->set.anon].info : a->set.info;
				int addr = s->family == NFPROTO_IPV6 ? 4 : 1, one = addr + (info->data.n > 1);

				if (info->data.n > 1)
					pmin = amin + addr;
				if (info->data.interval)
					amax = amin + one;
				if (info->data.interval && info->data.n > 1)
					pmax = amax + addr;
			}
		}
	}
	if (p) {
		pmin = gen_slots(c, 16);
		if (p->kind == X_RANGE) {
			struct ex lo = *p;

			lo.kind = X_VALUE;
			hi = lo;
			hi.v = p->hi;
			pmax = gen_slots(c, 16);
			if (!gen_load(c, &lo, pmin) || !gen_load(c, &hi, pmax))
				return false;
		} else if (!gen_load(c, p, pmin)) {
			return false;
		}
	}
	switch (n->kind) {
	case S_NAT:
		return gen_push(c, n,
			expr_nat((unsigned)n->u, (unsigned)s->family, amin, amax, pmin, pmax, s->flags));
	case S_MASQ: return gen_push(c, n, expr_masq(pmin, pmax, s->flags));
	case S_REDIR: return gen_push(c, n, expr_redir(pmin, pmax, s->flags));
	default: return gen_push(c, n, expr_tproxy((unsigned)s->family, amin, pmin));
	}
}

static bool gen_dup(struct cc *c, const struct st *s)
{
	const struct ex *first = s->node->kind == S_FWD ? s->b : s->a,
			*second = s->node->kind == S_FWD ? s->a : s->b;
	int one = SLOT_NONE, two = SLOT_NONE;

	if (first) {
		one = gen_slots(c, 16);
		if (!gen_load(c, first, one))
			return false;
	}
	if (second) {
		two = gen_slots(c, 16);
		if (!gen_load(c, second, two))
			return false;
	}
	return gen_push(c, s->node,
		s->node->kind == S_FWD ? expr_fwd(one, two, (unsigned)s->family) : expr_dup(one, two));
}

static bool gen_flow(struct cc *c, const struct node *n)
{
	char name[NFT_NAME_MAXLEN];

	if (n->a->a ? !cc_name(c, n->a->a, OBJ_FLOWTABLE, name)
		    : snprintf(name, sizeof(name), "%s", n->a->s) >= 128)
		return c->failed ? false : !!cc_error(c, n->a, "this name is too long");
	cc_ref(c, REF_FLOWTABLE, 0, name);
	return gen_push(c, n, expr_flow(name));
}

bool gen_stmt(struct cc *c, const struct st *s)
{
	const struct node *n = s->node;
	struct nftnl_expr *e;

	switch (n->kind) {
	case S_COUNTER:
	case S_LIMIT:
	case S_QUOTA:
	case S_LAST:
	case S_CONNLIMIT: e = gen_stateful(c, n); return e && gen_push(c, n, e);
	case S_LOG: return gen_log(c, n);
	case S_SYNPROXY: return gen_synproxy(c, n);
	case S_QUEUE: return gen_queue(c, s);
	case S_SET: return gen_set(c, s);
	case S_VERDICT: return gen_verdict(c, s);
	case S_OBJREF: return gen_objref(c, s);
	case S_DYNSET:
	case S_METER: return gen_dynset(c, s);
	case S_NAT:
	case S_MASQ:
	case S_REDIR:
	case S_TPROXY: return gen_nat(c, s);
	case S_DUP:
	case S_FWD: return gen_dup(c, s);
	case S_REJECT: return gen_push(c, n, expr_reject((unsigned)s->family, s->code));
	case S_NOTRACK: return gen_push(c, n, expr_notrack());
	case S_FLOW: return gen_flow(c, n);
	case S_RESET: return gen_push(c, n, expr_exthdr_reset(NFT_EXTHDR_OP_TCPOPT, (unsigned)n->a->u));
	default: return cc_error(c, n, "this statement cannot be compiled");
	}
}
