// SPDX-License-Identifier: GPL-2.0-or-later
/* What one scope states, as commands of nft. */
#include "nft/ast.h"
#include "nft/model.h"

#define ELEMS_SHOWN 64

static void head(const struct stmt *st, const char *verb, const char *what, struct buf *out)
{
	const struct obj *o = st->o;

	buf_printf(out, "+ %s%s%s %s %s", verb, *what ? " " : "", what, nft_family_name(o->family),
		obj_table((struct obj *)o));
	if (o->kind != OBJ_TABLE)
		buf_printf(out, " %s", o->name);
}

static void object_body(const struct obj *o, struct buf *out)
{
	struct chain_want w = o->chain.w;
	struct flowtable_want f = { .hook = w.hook, .flags = w.flags, .priority = w.priority };

	w.n_dev = f.n_dev = o->chain.dev.n;
	w.dev = f.dev = (const char *const *)o->chain.dev.v;
	switch (o->kind) {
	case OBJ_TABLE:
		if (o->table_want.flags & NFT_TABLE_F_DORMANT)
			buf_puts(out, "flags dormant; ");
		return;
	case OBJ_CHAIN:
		chain_text(&w, o->family, " ", out);
		if (w.base)
			buf_putc(out, ' ');
		return;
	case OBJ_SET: set_text(&o->set, " ", out); return;
	case OBJ_FLOWTABLE: flowtable_text(&f, " ", out); return;
	case OBJ_STATEFUL: break;
	}
	if (o->object)
		object_text(o->object, false, "; ", out);
}

static const char *word_of(const struct obj *o)
{
	bool map = o->kind == OBJ_SET && o->set.info.flags & (NFT_SET_MAP | NFT_SET_OBJECT);

	return map ? "map" : obj_kind_word(o->kind);
}

/* NULL: a table that stands there for what is in it. */
static uint32_t given(const struct stmt *st)
{
	return st->spec ? st->spec->given : 0;
}

static bool said_before(const struct stmt *st)
{
	vec_foreach (d, &st->o->decls)
		if ((*d)->active)
			return *d != st;
	return false;
}

static void decl_text(const struct stmt *st, struct buf *out)
{
	const struct obj *o = st->o;
	_buf_ struct buf body = BUF_INIT;

	if (!given(st) && said_before(st)) /* it is only named */
		return;
	head(st, "add", word_of(o), out);
	if (o->want && given(st))
		object_body(o, &body);
	if (body.n)
		buf_printf(out, " { %s}", buf_str(&body));
	if (st->refused || (!o->want && o->why))
		buf_printf(out, "  # waits: %s", st->refused ? "the kernel refused it" : o->why);
	buf_putc(out, '\n');
}

static void rule_line(const struct stmt *st, struct buf *out)
{
	head(st, st->insert ? "insert" : "add", "rule", out);
	buf_printf(out, " %s", st->rule.rc ? st->rule.rc->text : ast_text(st->rule.ast));
	if (st->refused || st->rule.why)
		buf_printf(out, "  # waits: %s", st->refused ? "the kernel refused it" : st->rule.why);
	buf_putc(out, '\n');
}

static void raw_text(const struct elem_raw *r, struct buf *out)
{
	val_text(&r->key, out);
	if (r->data.kind) {
		buf_puts(out, " : ");
		val_text(&r->data, out);
	}
}

static void elems_text(const struct stmt *st, struct buf *out)
{
	const struct contrib *c = st->el.c;
	uint32_t raw = st->el.raw.n, n = raw ? raw : c->held.n;
	struct setelem el;

	head(st, "add", "element", out);
	buf_puts(out, " { ");
	for (uint32_t i = 0; i < n && i < ELEMS_SHOWN; i++) {
		buf_puts(out, i ? ", " : "");
		if (raw) {
			raw_text(&st->el.raw.v[i], out);
			continue;
		}
		elem_get(c->t, c->held.v[i].elem, c->held.v[i].attr, &el);
		el.expires_ms = 0;
		elem_line(&c->t->info, &el, out);
	}
	if (n > ELEMS_SHOWN)
		buf_printf(out, ", … %u more", n - ELEMS_SHOWN);
	buf_puts(out, raw ? " }  # waits: its type is not known\n" : " }\n");
}

static void live_text(const struct stmt *st, struct buf *out)
{
	head(st, "add", "element", out);
	buf_puts(out, " { … }  # follows ");
	st->live->live->ops->text(st->live->live, out);
	buf_putc(out, '\n');
}

bool scope_only_names(const struct scope *sc)
{
	vec_foreach (r, &sc->next)
		if (r->st->kind != ST_DECL || given(r->st))
			return false;
	return true;
}

static bool others_say(const struct stmt *st)
{
	vec_foreach (d, &st->o->decls)
		if ((*d)->active && (*d)->sc != st->sc)
			return true;
	return false;
}

bool scope_adds_nothing(const struct scope *sc)
{
	vec_foreach (r, &sc->now)
		if (r->st->kind != ST_DECL || given(r->st) || !others_say(r->st))
			return false;
	return true;
}

void scope_text(const struct scope *sc, struct buf *out)
{
	vec_foreach (r, &sc->now) {
		const struct stmt *st = r->st;

		if (!st->active)
			continue;
		switch (st->kind) {
		case ST_DECL: decl_text(st, out); break;
		case ST_RULE: rule_line(st, out); break;
		case ST_ELEMS: elems_text(st, out); break;
		case ST_LIVE: live_text(st, out); break;
		}
	}
}
