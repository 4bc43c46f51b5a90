// SPDX-License-Identifier: GPL-2.0-or-later
/* Statements: what they set, look up or name. Those that consist of numbers only are read when code is made.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "nft/ir.h"

/* The value of `… set VALUE`, `to VALUE`: one, of the target's type. */
static struct ex *ev_arg(
	struct cc *c, const struct node *n, const struct datatype *dt, unsigned bits, enum dt_order order)
{
	struct want w;
	struct ex *x;

	want_dt(&w, dt, bits, order);
	x = ev(c, n, &w);
	if (!x)
		return NULL;
	if (x->kind == X_CONCAT || x->kind == X_WILD || x->kind == X_SET)
		return cc_error(c, n, "one value is expected here");
	if (ex_const(x)) {
		if (x->kind == X_VALUE)
			x->order = order;
		return x;
	}
	if (!same_type(x->dt, dt) && (x->dt->id != DT_INTEGER || (x->kind == X_PAYLOAD && x->bits != bits)))
		return cc_error(
			c, n, "the type %s is expected here, this is of type %s", dt->name, x->dt->name);
	/* nft gives four bytes of the packet to a mark as they lie there */
	if (x->kind == X_RT || x->kind == X_SWAP ||
		(dt->id == DT_MARK && !((x->kind == X_PAYLOAD || x->kind == X_EXTHDR) && x->bits == 32)))
		x = ex_swap(c, x, order);
	return x;
}

static struct ex *one_value(struct cc *c, struct ex *x)
{
	if (x && ex_const(x) && x->kind != X_VALUE)
		return cc_error(c, x->node, "one plain value is expected here");
	return x;
}

/* ---- writing into headers ---- */

static unsigned ones_off(unsigned off, unsigned bits, unsigned bytes)
{
	return bytes * 8 - off % 8 - bits;
}

static bool covers_pseudo(const struct ex *x)
{
	if (!x->proto || !x->proto->pseudo || !x->field)
		return false;
	for (const char *const *f = x->proto->pseudo; *f; f++)
		if (!strcmp(*f, x->field->name))
			return true;
	return false;
}

static struct ex *op_ex(struct cc *c, int op, struct ex *a, u128 v, unsigned bits)
{
	struct ex *x = ex_new(c, X_BINOP, a->node), *k = ex_new(c, X_VALUE, a->node);

	*k = (struct ex){
		.kind = X_VALUE, .node = a->node, .dt = a->dt, .bits = bits, .order = a->order, .v = v
	};
	x->op = op;
	x->a = a;
	x->b = k;
	x->dt = a->dt;
	x->bits = bits;
	x->order = a->order;
	return x;
}

static u128 ones(unsigned bits)
{
	return bits >= 128 ? ~(u128)0 : ((u128)1 << bits) - 1;
}

/* s->b becomes the bytes to write, s->a what is written there. Bits beside the field, and a neighbour byte
 * where the checksum is counted in pairs, are read first and kept. */
static bool set_payload(struct cc *c, const struct node *n)
{
	const struct node *t = n->a;
	const struct field *f = t->def;
	struct ex *x = ex_new(c, X_PAYLOAD, t), *val, *load;
	unsigned off, bits, start, bytes, shift;
	bool csum;
	struct st *s;

	if (t->kind == N_FIELD) {
		x->proto = t->proto;
		x->field = f;
		x->base = t->proto->base;
		x->off = f->off;
		x->dt = datatype_by_id((enum dt_id)f->type);
		x->bits = f->bits;
	} else {
		x->base = (unsigned)t->u;
		x->off = (unsigned)t->u2;
		x->bits = (unsigned)t->u3;
		x->dt = datatype_by_id(raw_type(x->base, x->off, x->bits));
		if (x->off % 8 + x->bits > 128)
			return cc_error(c, t, "these bits do not fit into 16 bytes");
	}
	x->order = ORDER_BIG;
	if (x->proto && !dep_payload(c, x))
		return false;
	off = x->off;
	bits = x->bits;
	val = ev_arg(c, n->b, x->dt, bits, ORDER_BIG);
	if (!val || !(val = one_value(c, val)))
		return false;
	if (!ex_const(val))
		val = ex_swap(c, val, ORDER_BIG);
	csum = x->proto ? x->proto->csum >= 0 : x->base == PB_INNER;
	start = off / 8;
	bytes = (off % 8 + bits + 7) / 8;
	shift = ones_off(off, bits, bytes);
	if ((off % 8 || bits % 8) || (csum && bytes & 1)) {
		if (csum && bytes & 1) {
			bytes++;
			if (start & 1)
				start--;
			else
				shift += 8;
		}
		if (!ex_const(val))
			return cc_error(c, n->b, "a part of a byte pair can only be set to a constant");
		load = ex_new(c, X_PAYLOAD, t);
		*load = *x;
		load->off = start * 8;
		load->bits = bytes * 8;
		val = op_ex(c, '^', op_ex(c, '&', load, ones(bytes * 8) ^ (ones(bits) << shift), bytes * 8),
			val->v << shift, bytes * 8);
	} else {
		val->bits = ex_const(val) ? bytes * 8 : val->bits;
	}
	s = st_add(c, n);
	s->a = val;
	s->b = x;
	x->off = start * 8;
	x->bits = bytes * 8;
	s->flags = (x->base == PB_NET && covers_pseudo(x)) || x->base == PB_INNER
			   ? NFT_PAYLOAD_L4CSUM_PSEUDOHDR
			   : 0;
	s->code = csum && x->proto ? (uint32_t)x->proto->csum + 1 : 0;
	s->sctp = x->proto && !strcmp(x->proto->name, "sctp");
	return true;
}

static bool set_exthdr(struct cc *c, const struct node *n)
{
	struct ex *x = ev_selector(c, n->a), *val;
	struct st *s;

	if (!x)
		return false;
	if (x->kind != X_EXTHDR || x->dir || x->op != NFT_EXTHDR_OP_TCPOPT)
		return cc_error(c, n->a, "only whole fields of TCP options can be set");
	val = one_value(c, ev_arg(c, n->b, x->dt, x->bits, ORDER_BIG));
	if (!val)
		return false;
	s = st_add(c, n);
	s->a = ex_const(val) ? val : ex_swap(c, val, ORDER_BIG);
	s->b = x;
	return true;
}

static bool set_key_value(struct cc *c, const struct node *n)
{
	const struct selkey *k = n->a->def;
	struct ex *val;
	struct st *s;

	if (!(k->flags & SK_SET))
		return cc_error(c, n->a, "%s %s can be compared, not set",
			n->a->kind == N_META ? "meta" : "ct", k->name);
	if (n->a->kind == N_CT && n->a->u && strcmp(k->name, "zone") != 0)
		return cc_error(c, n->a, "ct %s is set without a direction", k->name);
	if (n->a->kind == N_META && k->key == NFT_META_PKTTYPE &&
		!cc_hooks(c, n, false, 1u << NF_INET_PRE_ROUTING))
		return false;
	val = one_value(c, ev_arg(c, n->b, dt_for(k->type, k->order), k->bits, k->order));
	if (!val)
		return false;
	s = st_add(c, n);
	s->a = val;
	return true;
}

static bool compile_set_stmt(struct cc *c, const struct node *n)
{
	switch (n->a->kind) {
	case N_FIELD:
	case N_RAW: return set_payload(c, n);
	case N_EXTHDR: return set_exthdr(c, n);
	case N_META:
	case N_CT: return set_key_value(c, n);
	default: return cc_error(c, n->a, "this cannot be set");
	}
}

/* ---- objects ---- */

static bool compile_objref(struct cc *c, const struct node *n)
{
	char name[NFT_NAME_MAXLEN];
	struct ex *x = NULL;

	if (n->a->kind == N_MAP) {
		if (n->a->op)
			return cc_error(c, n->a, "objects are looked up with `map`");
		x = map_eval(c, n->a, NULL, (uint32_t)n->u);
		if (!x)
			return false;
	} else {
		if (!cc_name(c, n->a, OBJ_STATEFUL + (uint32_t)n->u, name))
			return false;
		cc_ref(c, REF_OBJECT, (uint32_t)n->u, name);
	}
	st_add(c, n)->a = x;
	return true;
}

/* ---- reject ---- */

static bool compile_reject(struct cc *c, const struct node *n)
{
	const struct proto *net = c->p.proto[PB_NET];
	bool mixed = c->env->family == NFPROTO_INET || c->env->family == NFPROTO_BRIDGE ||
		     c->env->family == NFPROTO_NETDEV;
	struct want w;
	struct ex *x;
	struct st *s;
	int32_t type = NFT_REJECT_ICMP_UNREACH;
	uint32_t code;

	if (c->env->family == NFPROTO_ARP || net == &proto_arp)
		return cc_error(c, n, "ARP packets cannot be rejected");
	if (!cc_hooks(c, n, false, ~(1u << NF_INET_POST_ROUTING) & 0xff))
		return false;
	if (!n->s) {
		if (mixed && net != &proto_ip && net != &proto_ip6) {
			type = NFT_REJECT_ICMPX_UNREACH;
			code = NFT_REJECT_ICMPX_PORT_UNREACH;
		} else {
			code = net == &proto_ip6 ? 4 : 3;
		}
	} else if (!strcmp(n->s, "tcp")) {
		if (c->p.proto[PB_TRANSPORT] && c->p.proto[PB_TRANSPORT] != &proto_tcp)
			return cc_error(c, n, "only TCP connections can be reset, the rule is about %s",
				c->p.proto[PB_TRANSPORT]->name);
		if (!dep_transport(c, n, &proto_tcp, true))
			return false;
		type = NFT_REJECT_TCP_RST;
		code = 0;
	} else {
		bool v6 = !strcmp(n->s, "icmpv6"), any = !strcmp(n->s, "icmpx");

		if (any && !mixed)
			return cc_error(c, n, "icmpx is for tables of both families; write `%s`",
				net == &proto_ip6 ? "icmpv6" : "icmp");
		if (!any && !dep_family(c, n, v6 ? &proto_ip6 : &proto_ip, true))
			return false;
		want_dt(&w,
			datatype_by_id(any  ? DT_ICMPX_CODE
				       : v6 ? DT_ICMPV6_CODE
					    : DT_ICMP_CODE),
			8, ORDER_BIG);
		x = ev_const(c, n->a, &w);
		if (!x || !one_value(c, x))
			return false;
		type = any ? NFT_REJECT_ICMPX_UNREACH : NFT_REJECT_ICMP_UNREACH;
		code = (uint32_t)x->v;
	}
	s = st_add(c, n);
	s->family = type;
	s->code = code;
	return true;
}

/* ---- where packets go ---- */

static bool compile_dup(struct cc *c, const struct node *n)
{
	bool fwd = n->kind == S_FWD;
	unsigned family = fwd ? (unsigned)n->u2 : dep_nfproto(c);
	const struct node *addr = n->a, *dev = n->b;
	struct ex *a = NULL, *d = NULL;
	struct st *s;

	if (c->env->family == NFPROTO_NETDEV) {
		if (!fwd) {
			if (dev)
				return cc_error(c, dev, "in this family `dup to` takes the device only");
			dev = addr;
			addr = NULL;
		}
	} else if (fwd || (c->env->family != NFPROTO_IPV4 && c->env->family != NFPROTO_IPV6)) {
		return cc_error(c, n,
			fwd ? "fwd works in tables of family netdev"
			    : "dup works in tables of family ip, ip6 and netdev");
	}
	if (addr && !(a = ev_arg(c, addr, datatype_by_id(family == NFPROTO_IPV6 ? DT_IP6ADDR : DT_IPADDR), 0,
			      ORDER_BIG)))
		return false;
	if (dev && !(d = ev_arg(c, dev, datatype_by_id(DT_IFINDEX), 32, ORDER_HOST)))
		return false;
	if ((a && !one_value(c, a)) || (d && !one_value(c, d)))
		return false;
	s = st_add(c, n);
	s->a = a;
	s->b = d;
	s->family = (int32_t)family;
	return true;
}

static bool compile_queue(struct cc *c, const struct node *n)
{
	struct ex *x = NULL;
	struct want w;
	struct st *s;

	if (n->a) {
		want_dt(&w, &datatype_integer_host, 16, ORDER_HOST);
		x = n->op ? ev(c, n->a, &w) : ev_const(c, n->a, &w);
		if (!x)
			return false;
		if (x->kind != X_VALUE && x->kind != X_RANGE && ex_const(x))
			return cc_error(c, n->a, "a queue number or a range of them is expected");
		if (!ex_const(x) && x->dt->id != DT_INTEGER)
			return cc_error(c, n->a, "queue numbers are integers, this is a %s", x->dt->name);
	}
	if (x && (x->kind == X_NUMGEN || x->kind == X_HASH) && (uint64_t)x->num[0] + x->num[2] > 65536)
		return cc_error(c, n->a, "queues up to %llu, the last one is 65535",
			(unsigned long long)x->num[0] + x->num[2] - 1);
	if (n->u & NFT_QUEUE_FLAG_CPU_FANOUT && x && x->kind != X_RANGE)
		return cc_error(c, n, "fanout needs a range of queues");
	s = st_add(c, n);
	s->a = x;
	return true;
}

/* `jump { … }`: its rules know nothing of what was matched before. */
static bool compile_chain(struct cc *c, const struct node *n)
{
	struct anon_chain ch = { 0 };

	if (c->depth >= CHAIN_DEPTH_MAX)
		return cc_error(c, n, "the kernel follows at most %d jumps", CHAIN_DEPTH_MAX);
	for (const struct node *r = n->a; r; r = r->next) {
		struct code *code = compile_rule(c->r, r->a, c->env, c, c->e);

		if (!code) {
			c->failed = true;
			break;
		}
		vec_foreach (ref, &code->refs)
			cc_ref(c, ref->kind, ref->obj_type, ref->name);
		vec_foreach (ref, &code->refs)
			vec_foreach (own, &c->code->refs)
				if (ref->kind == own->kind && !strcmp(ref->name, own->name)) {
					own->fills |= ref->fills;
					own->timed |= ref->timed;
				}
		c->code->places &= code->places;
		vec_push(&ch.rules, (struct anon_rule){ code, r->s });
	}
	vec_push(&c->code->chains, ch);
	return !c->failed;
}

static bool compile_verdict(struct cc *c, const struct node *n)
{
	struct st *s;
	struct ex *x = NULL;

	if (n->a->kind == N_MAP) {
		x = map_eval(c, n->a, NULL, 0);
		if (!x)
			return false;
	}
	if (n->a->kind == N_VERDICT && n->a->a && n->a->a->kind == N_CHAIN && !compile_chain(c, n->a->a))
		return false;
	s = st_add(c, n);
	s->a = x;
	s->code = c->code->chains.n;
	return true;
}

/* Behind such a statement nothing is reached. */
static bool is_terminal(const struct node *n)
{
	switch (n->kind) {
	case S_VERDICT:
		return n->a->kind == N_VERDICT && (int32_t)n->a->u != NFT_CONTINUE &&
		       !(n->a->a && n->a->a->kind == N_CHAIN); /* its rules may come to their end */
	case S_REJECT:
	case S_NAT:
	case S_MASQ:
	case S_REDIR:
	case S_QUEUE:
	case S_FWD: return true;
	default: return false;
	}
}

bool compile_stmt(struct cc *c, const struct node *n)
{
	if (c->terminal && n->kind != S_COMMENT)
		return cc_error(c, n, "this is never reached, the statement before ends the rule");
	c->terminal = is_terminal(n);
	switch (n->kind) {
	case S_MATCH: return compile_match(c, n);
	case S_SET: return compile_set_stmt(c, n);
	case S_VERDICT: return compile_verdict(c, n);
	case S_OBJREF: return compile_objref(c, n);
	case S_REJECT: return compile_reject(c, n);
	case S_NAT:
	case S_MASQ:
	case S_REDIR:
	case S_TPROXY: return compile_nat(c, n);
	case S_DUP:
	case S_FWD: return compile_dup(c, n);
	case S_QUEUE: return compile_queue(c, n);
	case S_DYNSET:
	case S_METER: return compile_dynset(c, n);
	case S_COMMENT: return n->a->kind != N_PARAM || cc_text(c, n->a, 127, "the comment");
	case S_SYNPROXY:
		st_add(c, n);
		return cc_hooks(c, n, false, 1u << NF_INET_LOCAL_IN | 1u << NF_INET_FORWARD);
	case S_LOG:
		if ((n->u2 || n->u) && (n->b || n->c || n->d))
			return cc_error(c, n, "%s and group exclude each other", n->u2 ? "level" : "flags");
		if (n->u2 && n->u3 == NFT_LOGLEVEL_AUDIT && (n->a || n->u))
			return cc_error(c, n, "log level audit has no further options");
		st_add(c, n);
		return true;
	default: st_add(c, n); return true;
	}
}
