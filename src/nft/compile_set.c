// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets in braces, maps, and the lookups in sets of the table. */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "nft/ir.h"

/* One element while its set is built. */
struct item {
	struct ex *key;
	u128 lo, hi; /* of single keys */
	const struct node *node;
	struct setelem el;
};

#define SET_ITEMS_MAX (1 << 17) /* more belongs into a set of the table */

struct build {
	struct cc *c;
	const struct node *node;
	struct want want, data;
	bool is_map, verdicts, interval, data_interval;
	uint32_t obj_type; /* the values are names of objects */
	const struct xform *xf;
	u128 max, step; /* of single keys: the field's greatest value, and the distance of two values, where they lie */
	VEC(struct item) items;
};

static u128 ones(unsigned bits)
{
	return bits >= 128 ? ~(u128)0 : ((u128)1 << bits) - 1;
}

static void bounds(const struct ex *x, u128 *lo, u128 *hi)
{
	*lo = *hi = x->v;
	if (x->kind == X_RANGE)
		*hi = x->hi;
	else if (x->kind == X_PREFIX)
		*hi = x->v | ones(x->bits - x->plen);
}

static bool transform(struct build *b, struct ex *x)
{
	const struct xform *xf = b->xf;

	if (!xf || x->kind == X_WILD)
		return true;
	if (xf->xor && x->kind != X_VALUE) {
		cc_error(b->c, x->node, "ranges cannot be compared behind a ^");
		return false;
	}
	if (xf->shift < 0 && (x->v & ones((unsigned)-xf->shift))) {
		cc_error(b->c, x->node, "the comparison is never true, the lower bits are shifted in as 0");
		return false;
	}
	if (x->kind == X_PREFIX && xf->shift) {
		x->hi = x->v | ones(x->bits - x->plen);
		x->kind = X_RANGE;
	}
	if (xf->shift > 0) {
		x->v <<= xf->shift;
		x->hi <<= xf->shift;
	} else if (xf->shift < 0) {
		x->v >>= -xf->shift;
		x->hi >>= -xf->shift;
	}
	x->v ^= xf->xor;
	return true;
}

/* ---- data ---- */

static bool data_bytes(struct build *b, const struct ex *x, struct setelem *el)
{
	unsigned n = x->kind == X_CONCAT ? x->n : 1, off = 0;
	uint8_t hi[NFT_KEY_MAX] = { 0 };

	for (unsigned i = 0; i < n; i++) {
		const struct ex *p = x->kind == X_CONCAT ? x->part[i] : x;
		unsigned len = datatype_bytes(p->bits);
		u128 lo, up;

		if (p->kind == X_WILD) {
			cc_error(b->c, p->node, "`*` cannot be a value of a map");
			return false;
		}
		if (off + len > NFT_KEY_MAX) {
			cc_error(b->c, p->node, "the value is too long");
			return false;
		}
		bounds(p, &lo, &up);
		num_export(lo, len, p->order, el->data + off);
		num_export(up, len, p->order, hi + off);
		b->data_interval |= p->kind != X_VALUE;
		off += x->kind == X_CONCAT ? (len + 3) & ~3u : len;
	}
	/* both ends for now; the second is dropped when no value of the map is a range */
	if (2 * off > NFT_KEY_MAX) {
		if (b->data_interval) {
			cc_error(b->c, x->node, "the range of values is too long");
			return false;
		}
	} else {
		memcpy(el->data + off, hi, off);
	}
	el->dlen = (uint16_t)off;
	return true;
}

static bool verdict_text(struct build *b, const struct node *at, const char *s, struct setelem *el)
{
	static const struct {
		const char *word;
		int32_t code;
	} words[] = { { "accept", NF_ACCEPT }, { "drop", NF_DROP }, { "continue", NFT_CONTINUE }, { "return", NFT_RETURN } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(s, words[i].word)) {
			el->verdict_code = words[i].code;
			return true;
		}
	if (!strncmp(s, "jump ", 5) || !strncmp(s, "goto ", 5)) {
		el->verdict_code = *s == 'j' ? NFT_JUMP : NFT_GOTO;
		s += 5;
		if (*s && strlen(s) < 128) {
			strcpy(el->target, s);
			cc_ref(b->c, REF_CHAIN, 0, s);
			return true;
		}
	}
	cc_error(b->c, at, "$%s: \"%.60s\" is no verdict", at->s, s);
	return false;
}

static bool obj_of(struct build *b, const struct node *at, const struct val *v, struct setelem *el)
{
	if ((v->kind != VAL_STRING && v->kind != VAL_OBJ) || !v->str || !*v->str || strlen(v->str) > 127) {
		cc_error(b->c, at, "$%s: the name of an object is expected as value", at->s);
		return false;
	}
	strcpy(el->target, v->str);
	return true;
}

static bool add_data(struct build *b, const struct node *at, const struct node *n, const struct val *v, struct setelem *el)
{
	const struct ex *x;

	if (b->obj_type) {
		if (n ? !cc_name(b->c, n, "an object", el->target) : !obj_of(b, at, v, el))
			return false;
		cc_ref(b->c, REF_OBJECT, b->obj_type, el->target);
		return true;
	}
	if (b->verdicts) {
		el->verdict = true;
		if (n && n->kind == N_VERDICT)
			return ev_verdict(b->c, n, &el->verdict_code, el->target);
		if (n && n->kind == N_PARAM)
			v = cc_param(b->c, n);
		else if (n)
			cc_error(b->c, n, "a verdict is expected here");
		if (!v)
			return false;
		if (v->kind == VAL_OBJ && v->str && strlen(v->str) < 128) { /* a chain: jump there */
			el->verdict_code = NFT_JUMP;
			strcpy(el->target, v->str);
			cc_ref(b->c, REF_CHAIN, 0, v->str);
			return true;
		}
		if (v->kind != VAL_STRING || !v->str) {
			cc_error(b->c, at, "$%s: a verdict is expected as value", at->s);
			return false;
		}
		return verdict_text(b, n ? n : at, v->str, el);
	}
	if (n && n->kind == N_VERDICT) {
		cc_error(b->c, n, "a verdict where a value of type %s is expected; maps of verdicts are written `vmap`", b->data.p[0].dt->name);
		return false;
	}
	x = n ? ev_const(b->c, n, &b->data) : ev_val(b->c, at, v, &b->data);
	return x && data_bytes(b, x, el);
}

/* ---- keys ---- */

static bool add_key(struct build *b, const struct node *at, struct ex *x, struct item *it)
{
	if (!x)
		return false;
	it->key = x;
	it->node = at;
	if (b->items.n >= SET_ITEMS_MAX) {
		cc_error(b->c, at, "more than %d elements in one set of a rule", SET_ITEMS_MAX);
		return false;
	}
	if (x->kind == X_WILD) {
		it->el.catchall = true;
		return true;
	}
	if (x->kind != X_CONCAT) {
		if (!transform(b, x))
			return false;
		b->interval |= x->kind != X_VALUE;
		return true;
	}
	for (unsigned i = 0; i < x->n; i++)
		b->interval |= x->part[i]->kind != X_VALUE;
	return true;
}

static bool add_node(struct build *b, const struct node *n)
{
	struct item it = { 0 };

	if (n->c) {
		cc_error(b->c, n->c, "elements of a set in braces have no options");
		return false;
	}
	if (n->a->kind == N_PARAM && !b->is_map) { /* { 1.1.1.1, $more } */
		const struct val *v = cc_param(b->c, n->a);

		if (!v)
			return false;
		if (v->kind == VAL_LIST) {
			for (uint32_t i = 0; i < v->n; i++) {
				struct item more = { 0 };

				if (!add_key(b, n->a, ev_val(b->c, n->a, &v->list[i], &b->want), &more))
					return false;
				vec_push(&b->items, more);
			}
			return true;
		}
		if (v->kind == VAL_LIVE) {
			cc_error(b->c, n->a, "a live list is a set of its own, it stands without braces: `$%s`", n->a->s);
			return false;
		}
	}
	if (!add_key(b, n, ev_const(b->c, n->a, &b->want), &it))
		return false;
	if (b->is_map && !add_data(b, n, n->b, NULL, &it.el))
		return false;
	vec_push(&b->items, it);
	return true;
}

static bool add_vals(struct build *b, const struct node *at, const struct val *v)
{
	uint32_t step = b->is_map ? 2 : 1;

	if (v->n % step) {
		cc_error(b->c, at, "$%s: a key without a value", at->s);
		return false;
	}
	for (uint32_t i = 0; i < v->n; i += step) {
		struct item it = { 0 };

		if (!add_key(b, at, ev_val(b->c, at, &v->list[i], &b->want), &it))
			return false;
		if (b->is_map && !add_data(b, at, NULL, &v->list[i + 1], &it.el))
			return false;
		vec_push(&b->items, it);
	}
	return true;
}

/* ---- from items to elements ---- */

static int by_bounds(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->el.catchall != y->el.catchall)
		return x->el.catchall ? 1 : -1;
	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->hi < y->hi ? 1 : x->hi > y->hi ? -1 : 0;
}

static int by_bytes(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int d;

	if (x->el.catchall != y->el.catchall)
		return x->el.catchall ? 1 : -1;
	d = memcmp(x->el.key, y->el.key, x->el.klen);
	return d ? d : memcmp(x->el.key_end, y->el.key_end, x->el.klen);
}

static bool same_data(const struct setelem *a, const struct setelem *b)
{
	return a->verdict_code == b->verdict_code && !strcmp(a->target, b->target) && !memcmp(a->data, b->data, sizeof(a->data));
}

static bool overlap(struct build *b, const struct item *it)
{
	cc_error(b->c, it->node, "this key overlaps with another one of the map that has a different value");
	return false;
}

static bool settle_single(struct build *b)
{
	unsigned len = datatype_bytes(b->want.p[0].bits), n = 0;
	enum dt_order order = b->interval && b->want.p[0].dt->base != BASE_STRING ? ORDER_BIG : b->want.p[0].order;

	vec_foreach (it, &b->items)
		if (!it->el.catchall)
			bounds(it->key, &it->lo, &it->hi);
	if (b->items.n)
		qsort(b->items.v, b->items.n, sizeof(*b->items.v), by_bounds);
	for (unsigned i = 0; i < b->items.n; i++) {
		struct item *it = &b->items.v[i], *last = n ? &b->items.v[n - 1] : NULL;

		if (last && last->el.catchall == it->el.catchall && (it->el.catchall || it->lo <= last->hi)) {
			if (b->is_map && !(it->lo == last->lo && it->hi == last->hi && same_data(&it->el, &last->el)))
				return overlap(b, it);
			if (it->hi > last->hi)
				last->hi = it->hi;
			continue;
		}
		if (last && b->interval && !b->is_map && !it->el.catchall && it->lo == last->hi + b->step) {
			last->hi = it->hi;
			continue;
		}
		b->items.v[n++] = *it;
	}
	b->items.n = n;
	vec_foreach (it, &b->items) {
		if (it->el.catchall)
			continue;
		it->el.klen = (uint16_t)len;
		if (b->want.p[0].dt->base == BASE_STRING)
			order = ORDER_BIG;
		num_export(it->lo, len, order, it->el.key);
		if (b->interval) {
			it->el.interval = true;
			if (it->hi == b->max) /* nothing lies behind: the interval is open */
				it->hi = ones(8 * len);
			num_export(it->hi, len, order, it->el.key_end);
		}
	}
	return true;
}

static bool settle_concat(struct build *b)
{
	unsigned n = 0;

	vec_foreach (it, &b->items) {
		unsigned off = 0;

		if (it->el.catchall)
			continue;
		for (unsigned i = 0; i < b->want.n; i++) {
			const struct ex *p = it->key->part[i];
			unsigned len = datatype_bytes(b->want.p[i].bits);
			enum dt_order order = b->interval || p->dt->base == BASE_STRING ? ORDER_BIG : b->want.p[i].order;
			u128 lo, hi;

			bounds(p, &lo, &hi);
			num_export(lo, len, order, it->el.key + off);
			num_export(hi, len, order, it->el.key_end + off);
			off += (len + 3) & ~3u;
		}
		it->el.klen = (uint16_t)off;
		it->el.interval = b->interval;
		if (!b->interval)
			memset(it->el.key_end, 0, sizeof(it->el.key_end));
	}
	if (b->items.n)
		qsort(b->items.v, b->items.n, sizeof(*b->items.v), by_bytes);
	for (unsigned i = 0; i < b->items.n; i++) {
		struct item *it = &b->items.v[i];

		if (n && !by_bytes(&b->items.v[n - 1], it)) {
			if (b->is_map && !same_data(&it->el, &b->items.v[n - 1].el))
				return overlap(b, it);
			continue;
		}
		b->items.v[n++] = *it;
	}
	b->items.n = n;
	return true;
}

/* Makes the anonymous set of b->items. Returns its index, -1 after an error. */
static int settle(struct build *b)
{
	struct anon_set as = { 0 };

	if (!(b->want.n == 1 ? settle_single(b) : settle_concat(b)))
		return -1;
	strcpy(as.info.name, b->obj_type ? "__objmap%d" : b->is_map ? "__map%d" : "__set%d");
	as.info.flags = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | (b->interval ? NFT_SET_INTERVAL : 0);
	if (b->is_map)
		as.info.flags |= b->obj_type ? NFT_SET_OBJECT : NFT_SET_MAP;
	as.info.obj_type = b->obj_type;
	as.info.key.n = (uint8_t)b->want.n;
	for (unsigned i = 0; i < b->want.n; i++) {
		as.info.key.part[i] = b->want.p[i].dt;
		as.info.key.bits[i] = (uint16_t)((b->want.p[i].bits + 7) / 8 * 8);
	}
	if (b->interval && b->want.n > 1) {
		as.info.flags |= NFT_SET_CONCAT;
		as.concat.n = (uint8_t)b->want.n;
		for (unsigned i = 0; i < b->want.n; i++)
			as.concat.len[i] = (uint8_t)datatype_bytes(b->want.p[i].bits);
	}
	if (b->verdicts) {
		as.info.data = nft_type_of(datatype_by_id(DT_VERDICT), 0);
	} else if (b->is_map && !b->obj_type) {
		as.info.data.n = (uint8_t)b->data.n;
		for (unsigned i = 0; i < b->data.n; i++) {
			as.info.data.part[i] = b->data.p[i].dt;
			as.info.data.bits[i] = (uint16_t)((b->data.p[i].bits + 7) / 8 * 8);
		}
		as.info.data.interval = b->data_interval;
	}
	vec_reserve(&as.elems, b->items.n);
	vec_foreach (it, &b->items) {
		unsigned dlen = it->el.dlen;

		if (b->data_interval)
			it->el.dlen = (uint16_t)(2 * dlen);
		else
			memset(it->el.data + dlen, 0, sizeof(it->el.data) - dlen);
		vec_push(&as.elems, it->el);
	}
	vec_push(&b->c->code->sets, as);
	return (int)b->c->code->sets.n - 1;
}

static bool fill(struct build *b, const struct node *n)
{
	const struct val *v;

	if (n->kind == N_SET) {
		for (const struct node *el = n->a; el; el = el->next)
			if (!add_node(b, el))
				return false;
		return true;
	}
	v = cc_param(b->c, n);
	if (!v)
		return false;
	if (v->kind != (b->is_map ? VAL_MAP : VAL_LIST) && !(v->kind == VAL_LIST && !v->n)) {
		cc_error(b->c, n, b->is_map ? "$%s: a table of keys and values is expected here" : "$%s: a list is expected here", n->s);
		return false;
	}
	return add_vals(b, n, v);
}

/* From the field's width to that of what really lies in the registers. */
static void want_phys(struct build *b, const struct ex *left)
{
	struct nft_type t = ex_type(left);

	b->max = ones(b->want.p[0].bits);
	b->step = 1;
	if (b->xf && b->xf->shift > 0) {
		b->max = ~(u128)0;
		b->step <<= b->xf->shift;
	}
	for (unsigned i = 0; i < b->want.n; i++)
		b->want.p[i].bits = t.bits[i];
}

struct ex *set_anon(struct cc *c, const struct node *n, const struct ex *left, const struct xform *xf)
{
	struct build b = { .c = c, .node = n, .xf = xf };
	struct ex *x;
	int i = -1;

	want_ex(&b.want, left);
	if (fill(&b, n)) {
		/* one single value is a plain comparison */
		if (b.items.n == 1 && b.want.n == 1 && !b.items.v[0].el.catchall && n->kind == N_SET) {
			x = b.items.v[0].key;
			vec_free(&b.items);
			return x;
		}
		want_phys(&b, left);
		i = settle(&b);
	}
	vec_free(&b.items);
	if (i < 0)
		return NULL;
	x = ex_new(c, X_SET, n);
	x->dt = b.want.p[0].dt;
	x->bits = b.want.p[0].bits;
	x->order = b.want.p[0].order;
	x->set.anon = i;
	return x;
}

/* ---- sets of the table ---- */

static const char *set_name(struct cc *c, const struct node *n)
{
	const struct val *v;

	if (n->kind == N_SETREF && !n->a)
		return n->s;
	v = cc_param(c, n->kind == N_SETREF ? n->a : n);
	if (!v)
		return NULL;
	if ((v->kind == VAL_OBJ || (n->kind == N_SETREF && v->kind == VAL_STRING)) && v->str)
		return arena_strdup(&c->arena, v->str, strlen(v->str));
	return cc_error(c, n, "$%s is not a set", n->kind == N_SETREF ? n->a->s : n->s);
}

static bool key_fits(struct cc *c, const struct node *n, const struct ex *left, const struct set_info *s)
{
	struct nft_type t = ex_type(left);
	_buf_ struct buf want = BUF_INIT;
	_buf_ struct buf have = BUF_INIT;
	bool ok = t.n == s->key.n;

	for (unsigned i = 0; ok && i < t.n; i++)
		ok = same_type(t.part[i], s->key.part[i]) && datatype_bytes(t.bits[i]) == datatype_bytes(s->key.bits[i]);
	if (ok)
		return true;
	nft_type_text(&s->key, &want);
	nft_type_text(&t, &have);
	cc_error(c, n, "@%s has keys of type %s, the expression is %s", s->name, buf_str(&want), buf_str(&have));
	return false;
}

static const struct set_info *set_of(struct cc *c, const struct node *n, const struct ex *left)
{
	const struct set_info *s;
	const char *name;

	if (n->kind == N_PARAM) {
		const struct val *v = cc_param(c, n);

		if (!v)
			return NULL;
		if (v->kind == VAL_LIVE) {
			struct nft_type key = ex_type(left);

			s = c->env->live_set ? c->env->live_set(c->env->ctx, n->s, &key) : NULL;
			if (!s)
				return cc_error(c, n, "$%s: a live value cannot stand here", n->s);
			cc_ref(c, REF_SET, 0, s->name);
			return s;
		}
	}
	name = set_name(c, n);
	s = name ? cc_set(c, n, name) : NULL;
	return s && key_fits(c, n, left, s) ? s : NULL;
}

struct ex *set_named(struct cc *c, const struct node *n, const struct ex *left)
{
	const struct set_info *s = set_of(c, n, left);
	struct ex *x;

	if (!s)
		return NULL;
	/* a map can be asked for its keys alone */
	if (s->flags & NFT_SET_OBJECT || nft_type_is_verdict(&s->data))
		return cc_error(c, n, "@%s is a map, look it up with `map` or `vmap`", s->name);
	x = ex_new(c, X_SET, n);
	x->dt = s->key.part[0];
	x->bits = s->key.bits[0];
	x->set.info = s;
	return x;
}

struct ex *set_key(struct cc *c, struct ex *key, const struct set_info *info)
{
	if (!(info->flags & NFT_SET_INTERVAL))
		return key;
	if (key->kind != X_CONCAT)
		return ex_swap(c, key, ORDER_BIG);
	for (unsigned i = 0; i < key->n; i++)
		key->part[i] = ex_swap(c, key->part[i], ORDER_BIG);
	return key;
}

/* ---- maps ---- */

/* A shift of the key goes to the constants, as in comparisons. */
static void peel(struct ex **key, struct xform *xf)
{
	while ((*key)->kind == X_BINOP && ((*key)->op == TOK_SHL || (*key)->op == TOK_SHR) && (*key)->a->kind != X_SWAP) {
		xf->shift += (*key)->op == TOK_SHR ? (int)(*key)->b->v : -(int)(*key)->b->v;
		*key = (*key)->a;
	}
}

struct ex *map_eval(struct cc *c, const struct node *n, const struct want *data, uint32_t obj_type)
{
	struct build b = { .c = c, .node = n, .is_map = true, .verdicts = n->op, .obj_type = obj_type };
	bool in_key = c->in_key, live;
	struct ex *x = ex_new(c, X_MAP, n), *key;
	struct xform xf = { 0 };
	const struct val *v;

	c->in_key = n->a->kind == N_CONCAT;
	key = n->a->kind == N_MAP ? cc_error(c, n->a, "a map cannot be looked up with the value of a map") : ev_left(c, n->a);
	c->in_key = in_key;
	if (!key)
		return NULL;
	v = n->b->kind == N_PARAM ? cc_param(c, n->b) : NULL;
	if (n->b->kind == N_PARAM && !v)
		return NULL;
	live = v && (v->kind == VAL_LIVE || v->kind == VAL_OBJ);
	if (n->b->kind == N_SETREF || live) {
		const struct set_info *s = set_of(c, n->b, key);

		if (!s)
			return NULL;
		if (!(s->flags & (NFT_SET_MAP | NFT_SET_OBJECT)))
			return cc_error(c, n->b, "@%s is a set, not a map", s->name);
		if (!(s->flags & NFT_SET_OBJECT) != !obj_type || (obj_type && s->obj_type != obj_type))
			return cc_error(c, n->b, obj_type ? "@%s does not hold objects of this kind" : "@%s holds objects, not values", s->name);
		if (!obj_type && nft_type_is_verdict(&s->data) != b.verdicts)
			return cc_error(c, n->b, b.verdicts ? "@%s holds no verdicts, it is looked up with `map`" :
							      "@%s holds verdicts, it is looked up with `vmap`", s->name);
		x->a = set_key(c, key, s);
		x->set.info = s;
		if (!b.verdicts && !(s->flags & NFT_SET_OBJECT)) {
			x->dt = s->data.part[0];
			x->bits = s->data.bits[0];
			x->order = dt_order_of(x->dt);
			if (data && (data->n != s->data.n || !same_type(data->p[0].dt, x->dt)))
				return cc_error(c, n->b, "@%s maps to %s, a value of type %s is expected here", s->name, x->dt->name, data->p[0].dt->name);
		}
		return x;
	}
	want_ex(&b.want, key);
	if (key->kind != X_CONCAT)
		peel(&key, &xf);
	b.xf = &xf;
	if (data)
		b.data = *data;
	if (fill(&b, n->b)) {
		want_phys(&b, key);
		x->set.anon = settle(&b);
	}
	vec_free(&b.items);
	if (x->set.anon < 0)
		return NULL;
	x->a = set_key(c, key, &c->code->sets.v[x->set.anon].info);
	if (data) {
		x->dt = data->p[0].dt;
		x->bits = data->p[0].bits;
		x->order = data->p[0].order;
	}
	return x;
}
