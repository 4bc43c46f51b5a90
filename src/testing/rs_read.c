// SPDX-License-Identifier: GPL-2.0-or-later
/* What the real kernel has against what the simulated one took. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "nft/kread.h"
#include "testing/rs_random.h"

struct reading {
	const struct sim_obj *set;
	uint32_t n, known, near;
	struct buf text;
};

static bool ends_near(const struct sim_elem *x, const struct setelem *el)
{
	uint64_t left = el->expires_ms, now = boot_ms();

	return !x->deadline || (x->deadline < now + left + 500 && now + left < x->deadline + 500);
}

static void read_elem(void *ctx, const struct setelem *el)
{
	struct reading *r = ctx;

	r->n++;
	nft_elem_text(&r->set->set.info, el, &r->text);
	buf_putc(&r->text, ' ');
	vec_foreach (x, &r->set->els)
		if (!memcmp(x->el.key, el->key, el->klen) &&
			(!el->interval || !memcmp(x->el.key_end, el->key_end, el->klen)) &&
			x->el.dlen == el->dlen && !memcmp(x->el.data, el->data, el->dlen) &&
			x->el.verdict == el->verdict && x->el.timeout_ms == el->timeout_ms &&
			!strcmp(x->el.target, el->target) &&
			(!el->verdict || x->el.verdict_code == el->verdict_code) &&
			el->n_exprs == r->set->set.n_exprs && ends_near(x, el))
			r->known++;
}

static bool check_set(struct world *w, const struct sim_obj *o)
{
	struct reading r = { .set = o };
	_err_ struct err e = ERR_INIT;
	struct set_info info = o->set.info;

	if (kread_elems(w->conn, o->family, o->table, &info, false, read_elem, &r, &e) < 0)
		return fail(w, "reading %s: %s", o->name, err_text(&e));
	vec_foreach (x, &o->els) /* such as end while they are read */
		r.near += x->deadline && x->deadline < boot_ms() + 300;
	if (r.n != r.known || r.n > o->els.n || r.n + r.near < o->els.n) {
		fail(w, "set %s %s: the kernel has %sinstead of ", o->table, o->name, buf_str(&r.text));
		buf_clear(&r.text);
		vec_foreach (x, &o->els) {
			nft_elem_text(&info, &x->el, &r.text);
			buf_putc(&r.text, ' ');
		}
		fail(w, "%s", buf_str(&r.text));
	}
	buf_free(&r.text);
	return !w->fail[0];
}

static bool check_rules(struct world *w, const struct sim_obj *o)
{
	uint64_t *handles, *ids;
	_err_ struct err e = ERR_INIT;
	int n = nft_rule_handles(w->conn, o->family, o->table, o->name, &handles, &ids, &e);
	bool ok = n == (int)o->rules.n;

	if (n < 0)
		return fail(w, "reading chain %s: %s", o->name, err_text(&e));
	for (int i = 0; ok && i < n; i++)
		ok = handles[i] == o->rules.v[i].handle && ids[i] == o->rules.v[i].id;
	free(handles);
	free(ids);
	return ok ||
	       fail(w, "chain %s %s: other rules in the kernel, %d for %u", o->table, o->name, n, o->rules.n);
}

static void count_table(void *ctx, const struct table_seen *t)
{
	*(unsigned *)ctx += t->own;
}

static void read_object(void *ctx, const struct kread_object *k)
{
	*(struct object_want *)ctx = k->want;
}

static bool check_object(struct world *w, const struct sim_obj *o)
{
	struct object_want have = { 0 };
	_err_ struct err e = ERR_INIT;
	_buf_ struct buf x = BUF_INIT, y = BUF_INIT;

	if (kread_objects(
		    w->conn, o->family, o->table, o->name, o->object.type, false, read_object, &have, &e) < 0)
		return fail(w, "reading %s %s: %s", object_type_word(o->object.type), o->name, err_text(&e));
	if (object_same(&have, &o->object))
		return true;
	object_text(&have, false, " ", &x);
	object_text(&o->object, false, " ", &y);
	return fail(w, "%s %s %s: the kernel has '%s', not '%s'", object_type_word(o->object.type), o->table,
		o->name, buf_str(&x), buf_str(&y));
}

static void read_set(void *ctx, const struct kread_set *k)
{
	*(uint32_t *)ctx = k->want.n_exprs;
}

static bool check_stmts(struct world *w, const struct sim_obj *o)
{
	uint32_t n = UINT32_MAX;

	kread_sets(w->conn, o->family, o->table, o->name, read_set, &n, NULL);
	return n == o->set.n_exprs || fail(w, "set %s %s: the kernel has %d statements an element, not %u",
					      o->table, o->name, (int)n, o->set.n_exprs);
}

static void read_table(void *ctx, const struct kread_table *k)
{
	*(uint32_t *)ctx = k->want.flags;
}

static bool check_table(struct world *w, const struct sim_obj *o)
{
	uint32_t flags = UINT32_MAX;

	kread_tables(w->conn, o->family, o->table, read_table, &flags, NULL);
	return flags == o->flags ||
	       fail(w, "table %s: the kernel has flags %x, not %x", o->table, flags, o->flags);
}

bool kernel_like(struct world *w)
{
	unsigned tables = 0, want = 0;

	if (!w->conn)
		return true;
	vec_foreach (o, &w->k.objs) {
		want += (*o)->kind == OBJ_TABLE;
		if (((*o)->kind == OBJ_TABLE && !check_table(w, *o)) ||
			((*o)->kind == OBJ_SET && !(check_set(w, *o) && check_stmts(w, *o))) ||
			((*o)->kind == OBJ_CHAIN && !check_rules(w, *o)) ||
			((*o)->kind >= OBJ_STATEFUL && !check_object(w, *o)))
			return false;
	}
	nft_tables(w->conn, count_table, &tables, NULL);
	return tables == want || fail(w, "%u tables, the kernel has %u", want, tables);
}
