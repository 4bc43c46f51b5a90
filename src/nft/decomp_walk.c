// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs the expressions of a rule with symbols in the registers. */
#include <linux/netfilter.h>

#include "nft/decomp.h"

struct cell { /* one register of 4 bytes */
	struct sv *v;
	uint8_t at;
};
struct walk {
	struct arena_block **arena;
	set_finder *set;
	void *ctx;
	struct cell cell[SLOTS];
	struct prog *out;
};

static unsigned key_bytes(const struct selkey *t, unsigned key)
{
	for (; t->name; t++)
		if (t->key == key)
			return t->type == DT_INVALID ? 0 : datatype_bytes(t->bits);
	return 0;
}

static unsigned ct_bytes(unsigned key)
{
	switch (key) {
	case NFT_CT_SRC_IP:
	case NFT_CT_DST_IP: return 4;
	case NFT_CT_SRC_IP6:
	case NFT_CT_DST_IP6: return 16;
	default: return key_bytes(ct_keys, key);
	}
}

/* Bytes that a load writes; 0: as many as its reader takes. */
static unsigned load_bytes(const struct walk *w, const struct dx *x)
{
	const struct set_info *s;

	switch (x->kind) {
	case DX_PAYLOAD:
	case DX_EXTHDR:
	case DX_BITWISE:
	case DX_SHIFT:
	case DX_BYTEORDER: return x->p.len;
	case DX_IMM: return x->p.alen;
	case DX_META: return key_bytes(meta_keys, x->p.key);
	case DX_CT: return ct_bytes(x->p.key);
	case DX_RT:
		return x->p.key == NFT_RT_NEXTHOP6   ? 16
		       : x->p.key == NFT_RT_NEXTHOP4 ? 4
						     : key_bytes(rt_keys, x->p.key);
	case DX_SOCKET: return key_bytes(socket_keys, x->p.key);
	case DX_XFRM:
		if (x->p.key == NFT_XFRM_KEY_SADDR_IP6 || x->p.key == NFT_XFRM_KEY_DADDR_IP6)
			return 16;
		return 4;
	case DX_FIB: return x->p.key == NFT_FIB_RESULT_OIFNAME ? 16 : 4;
	case DX_OSF: return 16;
	case DX_NUMGEN:
	case DX_HASH: return 4;
	case DX_MAP:
		s = w->set(w->ctx, x);
		return s ? nft_type_len(&s->data) * (s->data.interval ? 2 : 1) : 0;
	default: return 0;
	}
}

static void store(struct walk *w, struct sv *v, int slot)
{
	unsigned n = v->len ? (v->len + 3) / 4 : 4;

	if (slot < 0 || (unsigned)slot >= SLOTS) {
		w->out->ok = false;
		return;
	}
	for (unsigned i = 0; i < n && (unsigned)slot + i < SLOTS; i++) {
		struct cell *c = &w->cell[(unsigned)slot + i];

		/* what nobody looked at has no words: it asks only whether it could be loaded */
		if (c->v && !c->v->used)
			w->out->ok = false;
		c->v = v;
		c->at = (uint8_t)i;
	}
}

/* What lies from slot on, want bytes long (0: one value, whole). */
static void take(struct walk *w, int slot, unsigned want, struct svs *out)
{
	unsigned have = 0;

	out->n = 0;
	do {
		struct cell *c = slot >= 0 && slot < SLOTS ? &w->cell[slot] : NULL;
		unsigned n;

		if (!c || !c->v || out->n == SLOTS) {
			w->out->ok = false;
			return;
		}
		/* the values of a map lie in pieces */
		if (c->at && c->v->x->kind != DX_MAP)
			w->out->ok = false;
		c->v->used = true;
		out->v[out->n++] = (struct svref){ c->v, c->at };
		n = c->v->len ? (c->v->len + 3) / 4 - c->at : 4;
		have += 4 * n;
		slot += (int)n;
	} while (have < want);
}

static unsigned key_len(const struct walk *w, const struct dx *x, bool data)
{
	const struct set_info *s = w->set(w->ctx, x);

	if (!s || !s->key.n || (data && !s->data.n)) {
		w->out->ok = false;
		return 0;
	}
	return nft_type_len(data ? &s->data : &s->key);
}

static void load(struct walk *w, const struct dx *x)
{
	struct sv *v = arena_alloc(w->arena, sizeof(*v));

	v->x = x;
	if (x->kind == DX_BITWISE || x->kind == DX_SHIFT || x->kind == DX_BYTEORDER)
		take(w, x->reg[0], x->p.len, &v->in);
	else if (x->kind == DX_HASH && x->reg[0] != SLOT_NONE)
		take(w, x->reg[0], x->p.len, &v->in);
	else if (x->kind == DX_MAP)
		take(w, x->reg[0], key_len(w, x, false), &v->in);
	v->len = load_bytes(w, x);
	if (v->len > EXPR_DATA_MAX)
		w->out->ok = false;
	else
		store(w, v, x->dreg);
}

/* Two comparisons of one value that was loaded once: from … to. */
static bool pair_range(struct walk *w, const struct ds *s)
{
	struct ds *last = w->out->ds.n ? &vec_last(&w->out->ds) : NULL;

	if (!last || last->x->kind != DX_CMP || last->hi || s->x->kind != DX_CMP ||
		last->x->p.op != NFT_CMP_GTE || s->x->p.op != NFT_CMP_LTE || last->at + 1 != s->at ||
		last->x->p.alen != s->x->p.alen)
		return false;
	if (last->src[0].n != 1 || s->src[0].n != 1 || last->src[0].v[0].v != s->src[0].v[0].v)
		return false;
	last->hi = s->x;
	return true;
}

static void statement(struct walk *w, const struct dx *x, unsigned at)
{
	struct ds s = { .x = x, .at = (uint16_t)at };

	switch (x->kind) {
	case DX_CMP:
	case DX_RANGE:
		if (!x->p.alen)
			w->out->ok = false;
		else
			take(w, x->reg[0], x->p.alen, &s.src[0]);
		break;
	case DX_LOOKUP:
	case DX_VMAP:
	case DX_OBJREF_MAP: take(w, x->reg[0], key_len(w, x, false), &s.src[0]); break;
	case DX_DYNSET:
		take(w, x->reg[0], key_len(w, x, false), &s.src[0]);
		if (x->reg[1] != SLOT_NONE)
			take(w, x->reg[1], key_len(w, x, true), &s.src[1]);
		break;
	case DX_PAYLOAD_SET:
	case DX_EXTHDR_SET: take(w, x->reg[0], x->p.len, &s.src[0]); break;
	default:
		for (int i = 0; i < 4; i++)
			if (x->reg[i] != SLOT_NONE)
				take(w, x->reg[i], 0, &s.src[i]);
		break;
	}
	if (!pair_range(w, &s))
		vec_push(&w->out->ds, s);
}

void dx_walk(struct arena_block **arena, const struct dx *x, unsigned n, set_finder *set, void *ctx,
	struct prog *out)
{
	struct walk w = { .arena = arena, .set = set, .ctx = ctx, .out = out };

	out->ok = true;
	for (unsigned i = 0; i < n && out->ok; i++) {
		if (x[i].kind < DX_CMP)
			load(&w, &x[i]);
		else
			statement(&w, &x[i], i);
	}
	for (unsigned i = 0; i < SLOTS; i++)
		if (w.cell[i].v && !w.cell[i].v->used)
			out->ok = false;
}

void prog_free(struct prog *p)
{
	vec_free(&p->ds);
}
