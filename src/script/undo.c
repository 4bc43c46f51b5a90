// SPDX-License-Identifier: GPL-2.0-or-later
/* What evals did, kept one by one: shown, and taken back. Statements are a scope of their own, so they are
 * withdrawn; edits and rnm.state go back element by element and entry by entry, and leave alone what somebody
 * else changed since. */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "script/evals.h"

#define NOTE_MAX  120u       /* bytes of code that lists show */
#define EDITS_MAX 100000u    /* elements that the logs of one pack remember */
#define STATE_MAX (1u << 20) /* bytes of rnm.state likewise */

static char *note_of(const struct eval_request *rq)
{
	const char *s = rq->note ? rq->note : rq->code;
	size_t n = rq->note ? strlen(s) : rq->n, len = 0;
	_buf_ struct buf shown = BUF_INIT;

	while (n && (*s == ' ' || *s == '\n' || *s == '\t')) {
		s++;
		n--;
	}
	while (len < n && len < NOTE_MAX) {
		unsigned seq = utf8_seq(s + len, n - len);

		if (s[len] == '\n' || s[len] == '\t')
			buf_putc(&shown, ' ');
		else
			buf_visible(&shown, s + len, seq ? seq : 1);
		len += seq ? seq : 1;
	}
	if (len < n)
		buf_puts(&shown, "…");
	return xstrdup(buf_str(&shown));
}

struct eval *eval_new(struct pack *pk, const struct eval_request *rq)
{
	struct eval *ev = xnew(struct eval);

	ev->pk = pk;
	ev->who = rq->who;
	ev->time = wall_s();
	ev->note = note_of(rq);
	return ev;
}

void eval_free(struct eval *ev)
{
	if (!ev)
		return;
	vec_foreach (h, &ev->hooks)
		if (ev->pk->vm)
			lua_ref_clear(ev->pk->vm, &h->fn);
	vec_free(&ev->hooks);
	edit_log_free(ev->edits);
	state_log_free(ev->state);
	free(ev->note);
	free(ev);
}

void evals_free(struct pack *pk)
{
	struct script *s = pk->s;

	if (s->evaling && s->evaling->pk == pk) {
		eval_free(s->evaling);
		s->evaling = NULL;
	}
	while (pk->evals.n) {
		struct eval *ev = vec_pop(&pk->evals);

		if (ev->sub)
			subject_free(ev->sub, false);
		eval_free(ev);
	}
	if (pk->spare_eval)
		subject_free(pk->spare_eval, false);
	pk->spare_eval = NULL;
}

static void watch(struct pack *pk)
{
	bool any = false;

	vec_foreach (ev, &pk->evals)
		any |= (*ev)->edits != NULL;
	edit_log_watch(pk->rp, any);
}

void evals_inherit(struct pack *old, struct pack *new)
{
	vec_foreach (p, &old->evals) {
		struct eval *ev = *p, *heir;

		if (!ev->edits && !ev->state)
			continue;
		heir = xnew(struct eval);
		*heir = *ev;
		heir->pk = new;
		heir->sub = NULL;
		heir->emits = heir->cancelled = 0;
		memset(&heir->hooks, 0, sizeof(heir->hooks));
		ev->edits = NULL;
		ev->state = NULL;
		heir->note = xstrdup(ev->note);
		vec_push(&new->evals, heir);
	}
	watch(new);
}

/* ---- keeping ---- */

typedef VEC(struct edit_log *) edit_logs;
typedef VEC(struct state_log *) state_logs;

/* Those of the pack's evals from index i on. */
static void logs_from(const struct pack *pk, uint32_t i, edit_logs *edits, state_logs *states)
{
	for (; i < pk->evals.n; i++) {
		if (edits)
			vec_push(edits, pk->evals.v[i]->edits);
		if (states)
			vec_push(states, pk->evals.v[i]->state);
	}
}

/* Somebody else's transaction edited what an eval did: that stays from now on, whatever is undone. */
static void keep_off(struct pack *pk)
{
	edit_logs all = { 0 };

	logs_from(pk, 0, &all, NULL);
	edit_log_over(pk->rp, all.v, all.n);
	vec_free(&all);
}

static bool holds(const struct eval *ev)
{
	bool made = false;

	for (uint32_t i = 0; ev->sub && i < ev->sub->made.n; i++)
		made |= !ev->sub->made.v[i]->gone;
	return made || (ev->sub && ev->sub->sc && scope_stmts(ev->sub->sc)) || ev->edits || ev->state ||
	       ev->hooks.n || ev->cut;
}

static void count_others(struct eval *ev)
{
	vec_foreach (j, &rpack_journal(ev->pk->rp)->log) {
		ev->emits += jentry_is_emit(j);
		if (jentry_is_cancel(j)) {
			const struct item *it = j->obj;
			bool replaced = it->kind == ITEM_HOOK && ((const struct hook *)it)->global;

			ev->cancelled += it->owner != ev->sub && !replaced;
		}
	}
}

static void keep_eval(struct eval *ev)
{
	struct pack *pk = ev->pk;
	uint32_t edits = 0;
	size_t bytes = 0;

	vec_foreach (p, &pk->evals) {
		edits += edit_log_count((*p)->edits);
		bytes += state_log_bytes((*p)->state);
	}
	if (edit_log_take(pk->rp, edits < EDITS_MAX ? EDITS_MAX - edits : 0, &ev->edits, NULL) < 0) {
		ev->cut = true; /* older ones must not undo what it did */
		keep_off(pk);
	}
	ev->state = state_log_take(pk, bytes < STATE_MAX ? STATE_MAX - bytes : 0, &ev->cut);
	count_others(ev);
	if (!holds(ev)) {
		eval_free(ev);
		return;
	}
	if (ev->sub == pk->spare_eval) {
		if (scope_stmts(ev->sub->sc) || ev->sub->made.n)
			pk->spare_eval = NULL;
		else
			ev->sub = NULL;
	}
	ev->id = ++pk->s->eval_ids;
	vec_push(&pk->evals, ev);
	watch(pk);
}

static void forget(struct eval *ev)
{
	struct pack *pk = ev->pk;
	edit_logs edits = { 0 };
	state_logs states = { 0 };
	uint32_t i = 0;

	while (pk->evals.v[i] != ev)
		i++;
	logs_from(pk, i + 1, &edits, &states);
	edit_log_forget(ev->edits, edits.v, edits.n);
	state_log_forget(ev->state, states.v, states.n);
	ev->edits = NULL;
	ev->state = NULL;
	vec_free(&edits);
	vec_free(&states);
	vec_remove(&pk->evals, i);
	for (; i < pk->evals.n; i++)
		vec_foreach (h, &pk->evals.v[i]->hooks)
			if (h->by == ev) { /* what it replaced was what this one had put there */
				struct hook_was *was = NULL;

				vec_foreach (mine, &ev->hooks)
					if (mine->ev == h->ev)
						was = mine;
				h->by = was ? was->by : NULL;
				lua_ref_clear(pk->vm, &h->fn);
				if (was) {
					h->fn = was->fn;
					h->rank = was->rank;
					was->fn = (struct lua_ref)LUA_REF_INIT;
				}
			}
	eval_free(ev);
	watch(pk);
}

static void follow_on(struct script *s)
{
	vec_foreach (old, &s->old)
		vec_foreach (new, &s->packs)
			if (*old != *new && !strcmp((*old)->spec.name, (*new)->spec.name))
				evals_inherit(*old, *new);
	vec_foreach (r, &s->replays)
		if (r->old && r->new)
			evals_inherit(r->old, r->new);
}

void script_keep(struct script *s, bool committed)
{
	struct eval *ev = s->evaling;
	bool undoing = s->undoing.n > 0;

	s->evaling = NULL;
	if (!committed) {
		eval_free(ev);
		while (s->undoing.n)
			vec_pop(&s->undoing)->going = false;
		return;
	}
	follow_on(s);
	vec_foreach (pk, &s->packs)
		if ((*pk)->evals.n && !undoing && !(ev && ev->pk == *pk))
			keep_off(*pk);
	if (ev)
		keep_eval(ev);
	while (s->undoing.n)
		forget(vec_pop(&s->undoing));
}

/* ---- global handlers ---- */

static const struct eval *owner_of(const struct pack *pk, const struct item *it)
{
	vec_foreach (ev, &pk->evals)
		if ((*ev)->sub && (*ev)->sub == it->owner)
			return *ev;
	return NULL;
}

void eval_hook_was(lua_State *L, struct pack *pk, enum event_id ev, struct hook *h)
{
	struct hook_was was = { .ev = ev, .fn = LUA_REF_INIT };

	if (!pk->s->evaling)
		return;
	if (h) {
		was.rank = h->rank;
		was.by = (struct eval *)owner_of(pk, &h->it);
		lua_ref_push(L, &h->it.fn);
		lua_ref_set(L, &was.fn);
	}
	vec_push(&pk->s->evaling->hooks, was);
}

static struct hook *live_global(struct pack *pk, enum event_id ev)
{
	vec_foreach (h, &pk->hooks[ev])
		if ((*h)->global && !(*h)->it.gone)
			return *h;
	return NULL;
}

static void give_back(lua_State *L, struct eval *ev, struct hook_was *was)
{
	struct pack *pk = ev->pk;
	struct hook *now = live_global(pk, was->ev), *h;
	struct subject *owner = was->by ? was->by->sub : pk->main;
	char name[40];

	if (now && now->it.owner != ev->sub) /* a later eval's */
		return;
	snprintf(name, sizeof(name), "on_%s", event_name(was->ev));
	lua_pushglobaltable(L);
	lua_pushstring(L, name);
	lua_pushvalue(L, -1);
	lua_rawget(L, -3);
	if (now)
		lua_ref_push(L, &now->it.fn);
	else
		lua_pushnil(L);
	bool same = lua_rawequal(L, -1, -2);

	lua_pop(L, 2);
	if (now)
		item_cancel(&now->it);
	if (was->fn.ref == LUA_NOREF) {
		lua_pushnil(L);
	} else {
		lua_ref_push(L, &was->fn);
		lua_pushvalue(L, -1);
		h = hook_global(L, pk, was->ev);
		h->rank = was->rank;
		h->it.owner = owner;
		if (owner)
			vec_push(&owner->made, &h->it);
	}
	if (same)
		lua_rawset(L, -3);
	lua_settop(L, 1);
}

static int hooks_back(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);
	struct eval *ev = r->arg;

	for (uint32_t i = ev->hooks.n; i-- > 0;)
		give_back(L, ev, &ev->hooks.v[i]);
	return 0;
}

/* ---- taking back ---- */

static void left_commit(void *obj, uint64_t a, uint64_t b)
{
	(void)a, (void)b;
	subject_free(obj, true);
}

static const struct jtype jt_left = { "eval undone", NULL, left_commit };

/* kept, stay: edits, and entries of rnm.state, that are left as they are. */
static void undone_text(const struct eval *ev, uint32_t kept, uint32_t stay, struct buf *out)
{
	buf_printf(out, "undone: #%u  %s\n", ev->id, ev->note);
	if (kept)
		buf_printf(out, "  %u element%s edited again since: left as %s\n", kept,
			kept == 1 ? " was" : "s were", kept == 1 ? "it is" : "they are");
	if (stay)
		buf_printf(out, "  %u entr%s of rnm.state written again since: left\n", stay,
			stay == 1 ? "y was" : "ies were");
	if (ev->cut)
		buf_puts(out, "  it changed more than is remembered: those edits stay\n");
	if (ev->emits)
		buf_printf(out, "  it had sent %u message%s\n", ev->emits, ev->emits == 1 ? "" : "s");
	if (ev->cancelled)
		buf_printf(out, "  %u handle%s that it cancelled stay%s cancelled\n", ev->cancelled,
			ev->cancelled == 1 ? "" : "s", ev->cancelled == 1 ? "s" : "");
}

static void undone_json(const struct eval *ev, uint32_t kept, uint32_t stay, struct json *j)
{
	json_open(j, NULL, '{');
	json_unsigned(j, "id", ev->id);
	json_text(j, "pack", ev->pk->spec.name);
	json_text(j, "code", ev->note);
	json_unsigned(j, "edits_left", kept);
	json_unsigned(j, "state_left", stay);
	json_bool(j, "forgotten", ev->cut);
	json_unsigned(j, "messages", ev->emits);
	json_unsigned(j, "cancelled", ev->cancelled);
	json_close(j, '}');
}

static int take_back(struct script *s, struct eval *ev, const struct answer *to, struct err *e)
{
	struct run r = { .pk = ev->pk, .kind = RUN_EVAL, .what = "undo", .arg = ev };
	edit_logs edits = { 0 };
	state_logs states = { 0 };
	uint32_t i = 0, kept = 0, stay;
	int rc = 0;

	if (ev->hooks.n && ev->pk->vm)
		rc = run_do(&r, hooks_back, e);
	if (rc < 0)
		return rc;
	while (ev->pk->evals.v[i] != ev)
		i++;
	for (i++; i < ev->pk->evals.n; i++) { /* without those that go with it */
		if (ev->pk->evals.v[i]->going)
			continue;
		vec_push(&edits, ev->pk->evals.v[i]->edits);
		vec_push(&states, ev->pk->evals.v[i]->state);
	}
	if (ev->edits)
		edit_log_back(ev->edits, ev->pk->rp, edits.v, edits.n, 0, &kept);
	stay = state_log_back(ev->state, ev->pk, states.v, states.n);
	vec_free(&edits);
	vec_free(&states);
	if (ev->sub) {
		for (uint32_t m = 0; m < ev->sub->made.n; m++)
			item_cancel(ev->sub->made.v[m]);
		scope_drop(ev->sub->sc);
		journal_push(rpack_journal(ev->pk->rp), &jt_left, ev->sub, 0, 0);
	}
	ev->going = true;
	vec_push(&s->undoing, ev);
	if (to->json)
		undone_json(ev, kept, stay, to->json);
	else
		undone_text(ev, kept, stay, to->text);
	return 0;
}

/* The newest that is not going yet and is older than before (0: any); own: only who's. */
static struct eval *newest(const struct script *s, const struct operator* who, bool own, uint32_t before)
{
	struct eval *best = NULL;

	vec_foreach (pk, &s->packs)
		vec_foreach (p, &(*pk)->evals)
			if ((!before || (*p)->id < before) && (!own || (*p)->who.key == who->key) &&
				(!best || (*p)->id > best->id))
				best = *p;
	return best;
}

static struct eval *by_id(const struct script *s, uint32_t id)
{
	struct eval *ev = newest(s, NULL, false, id + 1);

	return ev && ev->id == id ? ev : NULL;
}

static int undo_id(struct script *s, const struct undo_request *rq, const struct answer *to, struct err *e)
{
	struct eval *ev = rq->n ? by_id(s, rq->n) : NULL;

	if (!ev)
		return err_set(e, -ENOENT, "there is no eval #%u that could be undone", rq->n);
	if (ev->who.key != rq->who.key)
		return err_set(e, -EPERM,
			"eval #%u is another operator's (uid %u, pid %d); `undo all` takes back everybody's",
			rq->n, ev->who.uid, ev->who.pid);
	return take_back(s, ev, to, e);
}

static int undo_newest(
	struct script *s, const struct undo_request *rq, const struct answer *to, struct err *e)
{
	bool own = rq->what == UNDO_LAST;
	uint32_t want = own ? rq->n : UINT32_MAX, before = 0, done = 0;
	struct eval *ev;
	int rc;

	while (done < want && (ev = newest(s, &rq->who, own, before)) != NULL) {
		before = ev->id;
		rc = take_back(s, ev, to, e);
		if (rc < 0)
			return rc;
		done++;
	}
	if (done)
		return 0;
	ev = newest(s, NULL, false, 0);
	if (!ev)
		return err_set(e, -ENOENT, "there is nothing to undo");
	return err_set(e, -ENOENT,
		"there is nothing of yours to undo; the last eval is #%u of uid %u, pid %d (`undo all` takes "
		"back everybody's)",
		ev->id, ev->who.uid, ev->who.pid);
}

int script_undo(struct script *s, const struct undo_request *rq, const struct answer *to, struct err *e)
{
	int rc;

	if (to->json)
		json_open(to->json, "undone", '[');
	rc = rq->what == UNDO_ID ? undo_id(s, rq, to, e) : undo_newest(s, rq, to, e);
	if (to->json)
		json_close(to->json, ']');
	return rc;
}

/* ---- showing ---- */

static void subject_text(const struct subject *sub, struct buf *out);

static void item_text(const struct item *it, struct buf *out)
{
	struct subject *sub;

	if (it->gone)
		return;
	switch (it->kind) {
	case ITEM_BLOCK: subject_text(((const struct block *)it)->sub, out); return;
	case ITEM_EACH:
		hmap_foreach (sub, &((const struct each *)it)->recs, pos)
			subject_text(sub, out);
		return;
	case ITEM_HOOK:
		buf_printf(out, "+ handler of on_%s\n", event_name(((const struct hook *)it)->ev));
		hmap_foreach (sub, &((const struct hook *)it)->objs, pos)
			subject_text(sub, out);
		return;
	case ITEM_TIMER: buf_puts(out, "+ timer\n"); return;
	}
}

static void subject_text(const struct subject *sub, struct buf *out)
{
	if (sub->sc)
		scope_text(sub->sc, out);
	vec_foreach (it, &sub->made)
		item_text(*it, out);
}

static void edits_text(const struct eval *ev, struct buf *out)
{
	edit_logs all = { 0 };
	uint32_t i = 0;

	if (!ev->edits)
		return;
	while (ev->pk->evals.v[i] != ev)
		i++;
	logs_from(ev->pk, 0, &all, NULL);
	edit_log_text(all.v, all.n, i, out);
	vec_free(&all);
}

static int by_age(const void *a, const void *b)
{
	const struct eval *x = *(struct eval *const *)a, *y = *(struct eval *const *)b;

	return (x->id > y->id) - (x->id < y->id);
}

void script_evals(const struct script *s, void (*fn)(void *ctx, const struct eval_info *i), void *ctx)
{
	VEC(struct eval *) all = { 0 };

	vec_foreach (pk, &s->packs)
		vec_foreach (ev, &(*pk)->evals)
			vec_push(&all, *ev);
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_age);
	vec_foreach (p, &all) {
		const struct eval *ev = *p;
		_buf_ struct buf text = BUF_INIT;

		if (ev->sub)
			subject_text(ev->sub, &text);
		edits_text(ev, &text);
		state_log_text(ev->state, &text);
		if (ev->cut)
			buf_puts(&text, "~ edits that are not remembered\n");
		fn(ctx, &(struct eval_info){
				ev->id, ev->pk->spec.name, ev->note, ev->who, ev->time, buf_str(&text) });
	}
	vec_free(&all);
}
