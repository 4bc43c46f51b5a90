// SPDX-License-Identifier: GPL-2.0-or-later
/* Constants: words of the rule and values of $names, as numbers of the type that stands there. */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "nft/ir.h"
#include "nft/live.h"

u128 num_import(const uint8_t *p, unsigned bytes, enum dt_order order)
{
	u128 v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | p[order == ORDER_HOST ? bytes - 1 - i : i];
	return v;
}

void num_export(u128 v, unsigned bytes, enum dt_order order, uint8_t *p)
{
	for (unsigned i = 0; i < bytes; i++) {
		p[order == ORDER_HOST ? i : bytes - 1 - i] = (uint8_t)v;
		v >>= 8;
	}
}

/* Strings are compared from their first byte: for numbers that is big endian. */
enum dt_order dt_order_of(const struct datatype *dt)
{
	return dt->order == ORDER_HOST && dt->base != BASE_STRING ? ORDER_HOST : ORDER_BIG;
}

static struct ex *value_ex(struct cc *c, const struct node *n, const struct want *w, unsigned i, u128 v)
{
	struct ex *x = ex_new(c, X_VALUE, n);

	x->dt = w->p[i].dt;
	x->bits = w->p[i].bits;
	x->order = w->p[i].order;
	x->v = v;
	return x;
}

static struct ex *bytes_ex(
	struct cc *c, const struct node *n, const struct want *w, unsigned i, const uint8_t *p)
{
	return value_ex(c, n, w, i, num_import(p, datatype_bytes(w->p[i].bits), dt_order_of(w->p[i].dt)));
}

static void names_group(const struct cc *c, const struct datatype *dt, const char *path)
{
	if (dt->id == DT_CGROUPV2 && c->env->group)
		c->env->group(c->env->ctx, path);
}

static struct ex *ifindex_ex(
	struct cc *c, const struct node *n, const struct want *w, unsigned i, const char *s)
{
	uint64_t num;
	uint32_t idx;

	if (datatype_number(s, UINT32_MAX, &num))
		return value_ex(c, n, w, i, num);
	if (!*s || strlen(s) >= IFNAMSIZ)
		return cc_error(c, n, "\"%s\" is no name of an interface", s);
	cc_ref(c, REF_DEVICE, 0, s);
	idx = c->env->ifindex ? c->env->ifindex(c->env->ctx, s) : if_nametoindex(s);
	if (!idx)
		return cc_error_code(c, n, -ENODEV,
			"interface \"%s\" does not exist (iif and oif need its index; iifname and oifname do "
			"not)",
			s);
	return value_ex(c, n, w, i, idx);
}

/* "eth*": the bytes before the asterisk count. */
static struct ex *glob_ex(
	struct cc *c, const struct node *n, const struct want *w, unsigned i, const char *s, size_t len)
{
	uint8_t b[16] = { 0 };
	struct ex *x;

	if (!len)
		return cc_error(c, n, "a pattern of nothing but `*` matches every name, leave it out");
	if (len >= sizeof(b))
		return cc_error(c, n, "\"%s\" is too long for an interface name", s);
	memcpy(b, s, len);
	x = value_ex(c, n, w, i, num_import(b, sizeof(b), ORDER_BIG));
	x->kind = X_PREFIX;
	x->plen = 8 * (unsigned)len;
	return x;
}

/* A name where an address stands, as far as somebody resolves it. */
static bool host(
	struct cc *c, const struct node *n, const struct datatype *dt, uint8_t out[16], struct err *e)
{
	size_t len = strlen(n->s);

	if (!c->env->resolve || (dt->id != DT_IPADDR && dt->id != DT_IP6ADDR) || len > 253 ||
		n->s[strspn(n->s, "0123456789.:/-")] == '\0' || !text_is_clean(n->s, len))
		return false;
	err_free(e);
	return c->env->resolve(c->env->ctx, dt->id == DT_IPADDR ? AF_INET : AF_INET6, n->s, out, e) >= 0;
}

static struct ex *word_ex(struct cc *c, const struct node *n, const struct want *w, unsigned i)
{
	const struct datatype *dt = w->p[i].dt;
	uint8_t b[NFT_KEY_MAX] = { 0 };
	_err_ struct err e = ERR_INIT;
	size_t len = strlen(n->s);
	uint64_t num;

	if (dt->id == DT_IFINDEX)
		return ifindex_ex(c, n, w, i, n->s);
	if (n->kind == N_WORD && dt->id != DT_BOOLEAN &&
		(!strcmp(n->s, "exists") || !strcmp(n->s, "missing")))
		return cc_error(
			c, n, "`%s` asks whether something is there, this is of type %s", n->s, dt->name);
	if (dt->base == BASE_STRING && len && n->s[len - 1] == '*' && w->p[i].bits == 128) {
		if (len > 1 && n->s[len - 2] == '\\') { /* a name that really ends in an asterisk */
			char name[20];

			if (len > 16)
				return cc_error(c, n, "\"%s\" is too long for an interface name", n->s);
			memcpy(name, n->s, len - 2);
			memcpy(name + len - 2, "*", 2);
			memcpy(b, name, len - 1);
			return value_ex(c, n, w, i, num_import(b, 16, ORDER_BIG));
		}
		return glob_ex(c, n, w, i, n->s, len - 1);
	}
	if (w->p[i].bits > 128)
		return cc_error(c, n, "a value of %u bits is too wide", w->p[i].bits);
	names_group(c, dt, n->s);
	if (datatype_parse(dt, w->p[i].bits, n->s, b, &e) >= 0) {
		if (dt->id == DT_TIME_DAY && b[0] > 6)
			return cc_error(c, n, "days of the week are 0 (Sunday) to 6");
		return bytes_ex(c, n, w, i, b);
	}
	/* an address may be written as a number: ip saddr & 0xff */
	if (n->kind == N_WORD && (dt->id == DT_IPADDR || dt->id == DT_IP6ADDR || dt->id == DT_ETHERADDR) &&
		datatype_number(n->s, UINT64_MAX, &num) && (w->p[i].bits >= 64 || !(num >> w->p[i].bits)))
		return value_ex(c, n, w, i, num);
	if (host(c, n, dt, b, &e))
		return bytes_ex(c, n, w, i, b);
	if (e.code == -ENXIO)
		return cc_error_code(c, n, e.code, "%s", err_text(&e));
	return cc_error(c, n, "%s", err_text(&e));
}

/* ---- values of $names ---- */

static struct ex *scalar_val(
	struct cc *c, const struct node *at, const struct val *v, const struct want *w, unsigned i);

/* A live value where one is wanted: its first, of the address family that the place asks for. */
static struct ex *first_ex(
	struct cc *c, const struct node *at, const struct val *v, const struct want *w, unsigned i)
{
	int family = w->p[i].dt->id == DT_IPADDR ? AF_INET : w->p[i].dt->id == DT_IP6ADDR ? AF_INET6 : 0;
	struct val one = { .kind = VAL_NIL };
	struct ex *x;

	if (v->live)
		v->live->ops->first(v->live, family, &one);
	if (one.kind == VAL_NIL || one.kind == VAL_LIVE)
		x = cc_error_code(c, at, -ENODATA, "$%s is empty now", at->s);
	else
		x = scalar_val(c, at, &one, w, i);
	val_free(&one);
	return x;
}

static struct ex *scalar_val(
	struct cc *c, const struct node *at, const struct val *v, const struct want *w, unsigned i)
{
	struct nft_type t = nft_type_of(w->p[i].dt, w->p[i].bits);
	uint8_t b[NFT_KEY_MAX] = { 0 };
	_err_ struct err e = ERR_INIT;
	struct ex *x, *hi;
	unsigned bits;

	switch (v->kind) {
	case VAL_PREFIX:
		bits = ipaddr_bits(&v->ip.addr);
		if ((w->p[i].dt->id != DT_IPADDR || bits != 32) &&
			(w->p[i].dt->id != DT_IP6ADDR || bits != 128))
			break;
		x = value_ex(c, at, w, i, num_import(v->ip.addr.b, bits / 8, ORDER_BIG));
		if (v->ip.len < bits) {
			x->kind = X_PREFIX;
			x->plen = v->ip.len;
		}
		return x;
	case VAL_RANGE:
		x = v->n == 2 ? scalar_val(c, at, &v->list[0], w, i) : NULL;
		hi = x ? scalar_val(c, at, &v->list[1], w, i) : NULL;
		if (!hi)
			return NULL;
		if (x->kind != X_VALUE || hi->kind != X_VALUE || x->v > hi->v)
			return cc_error(c, at, "$%s: a range ends before it begins", at->s);
		if (x->v != hi->v) {
			x->kind = X_RANGE;
			x->hi = hi->v;
		}
		return x;
	case VAL_GLOB:
		if (w->p[i].dt->base == BASE_STRING && w->p[i].bits == 128 && v->str && *v->str)
			return glob_ex(c, at, w, i, v->str, strlen(v->str) - 1);
		break;
	case VAL_STRING:
		if (w->p[i].dt->id == DT_IFINDEX)
			return ifindex_ex(c, at, w, i, v->str ? v->str : "");
		break;
	case VAL_NIL: return cc_error_code(c, at, -ENODATA, "$%s has no value now", at->s);
	case VAL_LIVE: return first_ex(c, at, v, w, i);
	case VAL_LIST:
	case VAL_MAP: return cc_error(c, at, "$%s is a list, one value must stand here", at->s);
	case VAL_OBJ:
		return cc_error(
			c, at, "$%s is an object (%s), a value must stand here", at->s, v->str ? v->str : "");
	default: break;
	}
	if (w->p[i].bits > 128)
		return cc_error(c, at, "a value of %u bits is too wide", w->p[i].bits);
	if (v->kind == VAL_STRING && v->str)
		names_group(c, w->p[i].dt, v->str);
	if (nft_value_make(&t, v, b, &e) < 0)
		return cc_error_code(
			c, at, e.code == -ENXIO ? -ENXIO : -EINVAL, "$%s: %s", at->s, err_text(&e));
	return bytes_ex(c, at, w, i, b);
}

struct ex *ev_val(struct cc *c, const struct node *at, const struct val *v, const struct want *w)
{
	struct ex *x;

	if (w->n == 1)
		return scalar_val(c, at, v, w, 0);
	if (v->kind == VAL_STRING && v->str && strstr(v->str, " . ")) {
		struct nft_type t = { .n = (uint8_t)w->n };
		uint8_t b[NFT_KEY_MAX], *p = b;
		_err_ struct err e = ERR_INIT;

		for (unsigned i = 0; i < w->n; i++) {
			t.part[i] = w->p[i].dt;
			t.bits[i] = (uint16_t)w->p[i].bits;
		}
		if (nft_value_make(&t, v, b, &e) < 0)
			return cc_error(c, at, "$%s: %s", at->s, err_text(&e));
		x = ex_new(c, X_CONCAT, at);
		x->n = w->n;
		x->part = arena_alloc(&c->arena, w->n * sizeof(*x->part));
		for (unsigned i = 0; i < w->n; i++) {
			x->part[i] = bytes_ex(c, at, w, i, p);
			p += (datatype_bytes(w->p[i].bits) + 3) & ~3u;
		}
		return x;
	}
	if (v->kind != VAL_CONCAT || v->n != w->n)
		return cc_error(c, at, "$%s: expected a concatenation of %u values", at->s, w->n);
	x = ex_new(c, X_CONCAT, at);
	x->n = w->n;
	x->part = arena_alloc(&c->arena, w->n * sizeof(*x->part));
	for (unsigned i = 0; i < w->n; i++) {
		x->part[i] = scalar_val(c, at, &v->list[i], w, i);
		if (!x->part[i])
			return NULL;
	}
	return x;
}

/* ---- written constants ---- */

static u128 mask_of(unsigned bits)
{
	return bits >= 128 ? ~(u128)0 : ((u128)1 << bits) - 1;
}

static struct ex *const_range(struct cc *c, const struct node *n, const struct want *w, unsigned i)
{
	struct want one = { .n = 1 };
	struct ex *a, *b;

	one.p[0] = w->p[i];
	a = ev_const(c, n->a, &one);
	b = a ? ev_const(c, n->b, &one) : NULL;
	if (!b)
		return NULL;
	if (a->kind != X_VALUE || b->kind != X_VALUE)
		return cc_error(c, n, "a range goes from one value to another");
	if (w->p[i].dt->base == BASE_STRING)
		return cc_error(c, n, "%ss have no ranges", w->p[i].dt->desc);
	if (a->v > b->v && w->p[i].dt->id != DT_TIME_HOUR)
		return cc_error(c, n, "the range ends before it begins");
	a->node = n;
	a->hi = b->v;
	a->kind = X_RANGE;
	return a;
}

static struct ex *const_prefix(struct cc *c, const struct node *n, const struct want *w, unsigned i)
{
	struct want one = { .n = 1 };
	uint64_t len;
	struct ex *a;

	one.p[0] = w->p[i];
	a = ev_const(c, n->a, &one);
	if (!a || !cc_number(c, n->b, 128, &len))
		return NULL;
	if (a->kind != X_VALUE || w->p[i].dt->base == BASE_STRING)
		return cc_error(c, n, "a prefix length behind something that has none");
	if (len > a->bits)
		return cc_error(c, n->b, "prefix length %llu, %s has %u bits", (unsigned long long)len,
			a->dt->name, a->bits);
	a->node = n;
	a->kind = X_PREFIX;
	a->plen = (unsigned)len;
	a->v &= ~mask_of(a->bits - a->plen);
	return a;
}

static struct ex *const_binop(struct cc *c, const struct node *n, const struct want *w, unsigned i)
{
	struct want one = { .n = 1 }, shift = { .n = 1 };
	struct ex *a, *b;

	one.p[0] = w->p[i];
	want_dt(&shift, &datatype_integer_host, 32, ORDER_HOST);
	a = ev_const(c, n->a, &one);
	b = a ? ev_const(c, n->b, n->op == TOK_SHL || n->op == TOK_SHR ? &shift : &one) : NULL;
	if (!b)
		return NULL;
	if (a->kind != X_VALUE || b->kind != X_VALUE || a->dt->base == BASE_STRING)
		return cc_error(c, n, "bit operations need two plain values");
	a->node = n;
	switch (n->op) {
	case '&': a->v &= b->v; break;
	case '|': a->v |= b->v; break;
	case '^': a->v ^= b->v; break;
	case TOK_SHL: a->v = b->v >= a->bits ? 0 : a->v << (unsigned)b->v & mask_of(a->bits); break;
	case TOK_SHR: a->v = b->v >= a->bits ? 0 : a->v >> (unsigned)b->v; break;
	}
	return a;
}

static struct ex *const_part(struct cc *c, const struct node *n, const struct want *w, unsigned i)
{
	const struct val *v;
	struct want one = { .n = 1 };
	struct ex *x = NULL, *y;

	switch (n->kind) {
	case N_WORD:
	case N_STRING: return word_ex(c, n, w, i);
	case N_PARAM: v = cc_param(c, n); return v ? scalar_val(c, n, v, w, i) : NULL;
	case N_RANGE: return const_range(c, n, w, i);
	case N_PREFIX: return const_prefix(c, n, w, i);
	case N_BINOP: return const_binop(c, n, w, i);
	case N_WILD:
		x = value_ex(c, n, w, i, 0);
		x->kind = X_WILD;
		return x;
	case N_LIST:
		if (w->p[i].dt->base != BASE_BITMASK)
			return cc_error(c, n, "a list of %s values must be written as a set, { a, b }",
				w->p[i].dt->name);
		one.p[0] = w->p[i];
		for (const struct node *m = n->a; m; m = m->next) {
			y = ev_const(c, m, &one);
			if (!y)
				return NULL;
			if (y->kind != X_VALUE)
				return cc_error(c, m, "only single bits can stand in a list");
			if (x)
				x->v |= y->v;
			else
				x = y;
		}
		if (x)
			x->node = n;
		return x;
	case N_SET:
	case N_SETREF: return cc_error(c, n, "a set cannot stand here, expected one value");
	default: return cc_error(c, n, "a constant is expected here");
	}
}

struct ex *ev_const(struct cc *c, const struct node *n, const struct want *w)
{
	const struct node *m;
	const struct val *v;
	struct ex *x;

	if (n->kind == N_PARAM && w->n > 1) {
		v = cc_param(c, n);
		return v ? ev_val(c, n, v, w) : NULL;
	}
	if (n->kind == N_WILD && w->n > 1) {
		x = value_ex(c, n, w, 0, 0);
		x->kind = X_WILD;
		return x;
	}
	if (n->kind != N_CONCAT) {
		if (w->n != 1)
			return cc_error(c, n, "expected a concatenation of %u values, a . b …", w->n);
		return const_part(c, n, w, 0);
	}
	if (n->u != w->n)
		return cc_error(c, n,
			w->n == 1 ? "a concatenation where one value is expected"
				  : "%u values in the concatenation, expected %u",
			(unsigned)n->u, w->n);
	x = ex_new(c, X_CONCAT, n);
	x->n = w->n;
	x->part = arena_alloc(&c->arena, w->n * sizeof(*x->part));
	m = n->a;
	for (unsigned i = 0; i < w->n && m; i++, m = m->next) {
		x->part[i] = const_part(c, m, w, i);
		if (!x->part[i])
			return NULL;
		if (x->part[i]->kind == X_WILD)
			return cc_error(c, m, "`*` stands alone");
	}
	return x;
}

bool ev_verdict(struct cc *c, const struct node *n, int32_t *code, char target[NFT_NAME_MAXLEN])
{
	*code = (int32_t)(int64_t)n->u;
	target[0] = '\0';
	if (!n->a)
		return true;
	if (!cc_name(c, n->a, OBJ_CHAIN, target))
		return false;
	cc_ref(c, REF_CHAIN, 0, target);
	return true;
}
