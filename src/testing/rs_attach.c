// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets of somebody else's table in the random world: packs attach elements to them, while the table and its
 * sets come and go and others put elements in and take any out. What others have is theirs; of the rest all
 * that is said is there whenever the set is. */
#include <errno.h>

#include <linux/netfilter.h>

#include "nft/kread.h"
#include "nft/readback.h"
#include "testing/rs_model.h"
#include "testing/rs_random.h"

static const char table[] = OTHERS;
static const char *const names[N_ATTACHED] = { "hash", "ranges" };

struct obj *attached_obj(struct world *w, int set)
{
	return obj_get(w->rs, OBJ_SET, NFPROTO_INET, table, names[set]);
}

struct spec *attached_spec(void)
{
	struct spec *s = spec_new();

	s->given = SPEC_ATTACH;
	return s;
}

/* 10.KEY.0.0, or all that begins so: no two overlap. */
struct val attached_val(int set, int key)
{
	struct ipprefix p = { .addr = { .family = 2, .b = { 10, (uint8_t)key } }, .len = 16 };

	return set ? val_prefix(&p) : val_addr(&p.addr);
}

static void info_of(int set, struct set_info *info)
{
	memset(info, 0, sizeof(*info));
	strcpy(info->name, names[set]);
	nft_type_parse("ipv4_addr", &info->key, NULL);
	info->flags = set ? NFT_SET_INTERVAL : 0;
}

/* ---- what is there ---- */

struct attached_seen {
	bool own[N_KEYS], theirs[N_KEYS];
};

static void see(void *ctx, const struct setelem *el)
{
	struct attached_seen *s = ctx;

	if (el->key[1] < N_KEYS)
		(el->own ? s->own : s->theirs)[el->key[1]] = true;
}

static bool said(struct world *w, int set, int key)
{
	for (int i = 0; i < N_PACKS; i++)
		each_said(s, &w->pack[i])
		{
			for (int k = 0; s->kind == SAID_ATTACH && s->obj == set && k < s->n; k++)
				if (s->key[k] == key)
					return true;
		}
	return false;
}

bool attached_check(struct world *w)
{
	for (int set = 0; w->others && set < N_ATTACHED; set++) {
		struct attached_seen seen = { 0 };
		struct set_info info;
		_err_ struct err e = ERR_INIT;

		if (!w->theirs[set].there)
			continue;
		info_of(set, &info);
		if (kread_elems(w->conn, NFPROTO_INET, table, &info, false, see, &seen, &e) < 0)
			return fail(w, "reading set %s of others: %s", names[set], err_text(&e));
		for (int k = 0; k < N_KEYS; k++) {
			bool theirs = w->theirs[set].has[k], own = said(w, set, k) && !theirs;

			w->attached += own;
			if (seen.own[k] != own || seen.theirs[k] != theirs)
				return fail(w, "set %s of others, key %d: %s%s, in the kernel%s%s",
					names[set], k, own ? "own" : "", theirs ? "theirs" : "",
					seen.own[k] ? " own" : "", seen.theirs[k] ? " theirs" : "");
		}
	}
	return true;
}

/* ---- others at work ---- */

struct act {
	struct op op;
	struct set_want want;
	struct setelem el;
	int set;
};

static void get(const struct op *op, uint32_t i, struct setelem *out)
{
	(void)i;
	*out = *(const struct setelem *)op->elem.src;
}

static bool send(struct world *w, struct act *a, enum op_kind kind)
{
	struct commit_result r = { 0 };
	struct plan p = { .rs = w->rs, .ops = { .v = &a->op, .n = 1 } };
	bool done;

	a->op.kind = kind;
	a->op.family = NFPROTO_INET;
	a->op.table = table;
	a->op.name = kind == OP_ADD_TABLE || kind == OP_DEL_TABLE ? NULL : names[a->set];
	a->op.no_mark = true;
	done = nft_commit(w->others, &p, false, &r, NULL) == 0;
	commit_result_free(&r);
	if (done)
		ruleset_suspect(w->rs, a->op.name ? OBJ_SET : OBJ_TABLE, NFPROTO_INET, table, a->op.name);
	return done;
}

static void send_elem(struct world *w, struct act *a, enum op_kind kind, int key)
{
	struct val v = attached_val(a->set, key);

	info_of(a->set, &a->want.info);
	if (nft_elem_make(&a->want.info, &v, NULL, &a->el, NULL) == 0) {
		a->op.elem.set = &a->want;
		a->op.elem.n = 1;
		a->op.elem.get = get;
		a->op.elem.src = &a->el;
		a->op.excl = true;
		if (send(w, a, kind))
			w->theirs[a->set].has[key] = kind == OP_ADD_ELEM;
	}
	val_free(&v);
}

static void gone(struct world *w)
{
	memset(w->theirs, 0, sizeof(w->theirs));
}

static void make_set(struct world *w, struct act *a)
{
	if (!w->theirs_there) {
		w->theirs_there = send(w, a, OP_ADD_TABLE);
		a->op = (struct op){ 0 };
	}
	info_of(a->set, &a->want.info);
	a->op.set = &a->want;
	if (send(w, a, OP_ADD_SET))
		w->theirs[a->set].there = true;
}

void attached_meddle(struct world *w)
{
	struct act a = { .set = (int)rnd(w, N_ATTACHED) };

	w->meddled++;
	if (!w->theirs[a.set].there) {
		make_set(w, &a);
		return;
	}
	switch (rnd(w, 10)) {
	case 0:
		if (send(w, &a, OP_DEL_TABLE)) {
			gone(w);
			w->theirs_there = false;
		}
		break;
	case 1:
		if (send(w, &a, OP_DEL_SET))
			memset(&w->theirs[a.set], 0, sizeof(w->theirs[0]));
		break;
	case 2:
		if (send(w, &a, OP_FLUSH_SET))
			memset(w->theirs[a.set].has, 0, sizeof(w->theirs[0].has));
		break;
	case 3:
	case 4:
	case 5: send_elem(w, &a, OP_DEL_ELEM, (int)rnd(w, N_KEYS)); break;
	default: send_elem(w, &a, OP_ADD_ELEM, (int)rnd(w, N_KEYS)); break;
	}
}

/* Somebody flushed the ruleset. */
void attached_flushed(struct world *w)
{
	gone(w);
	w->theirs_there = false;
	ruleset_suspect(w->rs, OBJ_TABLE, NFPROTO_INET, table, NULL);
}

/* Nothing own is left in it; then it goes. */
bool attached_end(struct world *w)
{
	struct act a = { 0 };

	if (!w->others)
		return true;
	if (!attached_check(w))
		return false;
	if (w->theirs_there && !send(w, &a, OP_DEL_TABLE))
		return fail(w, "the table of others does not go");
	gone(w);
	return true;
}
