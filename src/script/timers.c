// SPDX-License-Identifier: GPL-2.0-or-later
/* rnm.after, rnm.every, rnm.emit. */
#include <errno.h>
#include <inttypes.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "script/check.h"
#include "script/evals.h"

#define DURATION_MAX_MS (10ull * 366 * 86400 * 1000)
#define EVERY_MIN_MS    10
#define TURN_NS         100000000u /* for the timers of one transaction: others wait meanwhile */

static int timer_make(lua_State *L, const char *fn, bool every)
{
	struct pack *pk = vm_user(L);
	_err_ struct err e = ERR_INIT;
	uint64_t ms;

	check_count(L, fn, 1, 2, 2);
	if (pk->run->kind == RUN_MAP)
		return luaL_error(L, "%s: not in a function of q:map(), which must be pure", fn);
	run_writes(L, pk, fn);
	if (duration_of(L, 1, "duration", &ms, &e) < 0)
		check_raise(L, fn, &e);
	check_function(L, fn, 2, 1);
	if (ms > DURATION_MAX_MS)
		return luaL_error(L, "%s: the duration is over ten years", fn);
	if (every && ms < EVERY_MIN_MS)
		return luaL_error(L, "%s: at least 10ms", fn);
	if (pk->n_timers >= pk->s->lim.timers)
		return luaL_error(
			L, "%s: the pack has %d timers already (limits.timers)", fn, (int)pk->n_timers);
	vm_charge(L, 100);
	struct item **box = push_item(L, "rnm.handle");
	struct lua_ref ref = LUA_REF_INIT;
	uint32_t site = site_here(L, pk);

	lua_pushvalue(L, 2);
	lua_ref_set(L, &ref);
	struct timer *t = xnew(struct timer); /* nothing raises from here */

	item_init(pk, &t->it, ITEM_TIMER, site);
	t->it.fn = ref;
	pk->n_timers++;
	t->at = mono_ns() + ms * 1000000;
	t->period = every ? ms * 1000000 : 0;
	pk->s->timers_dirty = true;
	t->it.refs++;
	*box = &t->it;
	return 1;
}

int lua_after(lua_State *L)
{
	return timer_make(L, "rnm.after", false);
}

int lua_every(lua_State *L)
{
	return timer_make(L, "rnm.every", true);
}

static int call_timer(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);

	lua_ref_push(L, r->fn);
	lua_call(L, 0, 0);
	return 0;
}

static int timer_order(const void *a, const void *b)
{
	const struct timer *x = *(struct timer *const *)a, *y = *(struct timer *const *)b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->it.order < y->it.order ? -1 : 1;
}

struct due {
	struct pack *pk;
	VEC(struct timer *) v;
	uint32_t next, index; /* index: of the pack */
};

static void collect(struct due *d, uint64_t now)
{
	vec_foreach (it, &d->pk->items)
		if ((*it)->kind == ITEM_TIMER && !(*it)->gone && ((struct timer *)*it)->at <= now)
			vec_push(&d->v, (struct timer *)*it);
	if (d->v.n > 1)
		qsort(d->v.v, d->v.n, sizeof(*d->v.v), timer_order);
}

static void fire(struct pack *pk, struct timer *t, uint64_t now)
{
	struct run r = { .pk = pk, .kind = RUN_TIMER, .fn = &t->it.fn, .item = &t->it };
	_err_ struct err e = ERR_INIT;
	char what[64];
	struct site site = ruleset_site_get(pk->s->rs, t->it.site);
	int rc;

	/* Before the run and its savepoint: one that fails is reported, not run again. */
	if (t->period)
		t->at = t->at + t->period > now ? t->at + t->period : now + t->period;
	else
		item_cancel(&t->it);
	snprintf(what, sizeof(what), "timer of %.40s:%" PRIu32, site.file, site.line);
	r.what = what;
	rc = run_do(&r, call_timer, &e);
	if (rc < 0)
		run_failed(&r, rc, &e);
}

/* The next one of this pack that nobody cancelled meanwhile; false: none is left. */
static bool fire_next(struct due *d, uint64_t now)
{
	while (d->next < d->v.n) {
		struct timer *t = d->v.v[d->next++];

		if (t->it.gone)
			continue;
		fire(d->pk, t, now);
		return true;
	}
	return false;
}

/* One of each pack in turn, so that a pack with many slow ones holds up itself only. */
void timers_run(struct script *s, uint64_t now)
{
	VEC(struct due) packs = { 0 };
	uint64_t end = mono_ns() + TURN_NS;
	uint32_t from = s->packs.n ? s->timers_from % s->packs.n : 0;
	bool any = true;

	for (uint32_t i = 0; i < s->packs.n; i++) {
		uint32_t index = (from + i) % s->packs.n;
		struct due d = { .pk = s->packs.v[index], .index = index };

		if (!d.pk->vm || !d.pk->n_timers)
			continue;
		collect(&d, now);
		if (d.v.n)
			vec_push(&packs, d);
	}
	while (any) {
		any = false;
		for (uint32_t i = 0; i < packs.n && mono_ns() < end; i++) {
			if (!fire_next(&packs.v[i], now))
				continue;
			s->timers_from = packs.v[i].index + 1;
			any = true;
		}
	}
	vec_foreach (d, &packs)
		vec_free(&d->v);
	vec_free(&packs);
	s->timers_dirty = true;
}

void timers_arm(struct script *s)
{
	uint64_t next = 0;

	if (!s->timers_dirty)
		return;
	s->timers_dirty = false;
	vec_foreach (pk, &s->packs) {
		if ((*pk)->st)
			pstate_save_due((*pk)->st, 0, &next);
		if (!(*pk)->n_timers)
			continue;
		vec_foreach (it, &(*pk)->items) {
			struct timer *t = (struct timer *)*it;

			if ((*it)->kind == ITEM_TIMER && !(*it)->gone && (!next || t->at < next))
				next = t->at;
		}
	}
	s->ops.timer(s->ops.ctx, next);
}

/* ---- for recordings ---- */

void script_timers_each(const struct script *s, void (*fn)(void *ctx, const struct timer_info *t), void *ctx)
{
	vec_foreach (pk, &s->packs)
		vec_foreach (it, &(*pk)->items) {
			const struct timer *t = (const struct timer *)*it;

			if ((*it)->kind == ITEM_TIMER && !(*it)->gone)
				fn(ctx, &(struct timer_info){ (*pk)->spec.name,
						ruleset_site_get(s->rs, (*it)->site), t->at, t->period });
		}
}

void script_timers_set(struct script *s, const char *name, const struct timer_info *info, uint32_t n)
{
	struct pack *pk = pack_named(s, name);
	bool *used = xcalloc(n + 1, sizeof(*used));

	for (uint32_t i = 0; pk && i < pk->items.n; i++) {
		struct timer *t = (struct timer *)pk->items.v[i];
		struct site site = ruleset_site_get(s->rs, t->it.site);
		uint32_t k = 0;

		if (t->it.kind != ITEM_TIMER || t->it.gone)
			continue;
		while (k < n &&
			(used[k] || info[k].site.line != site.line || strcmp(info[k].site.file, site.file)))
			k++;
		if (k == n) {
			item_cancel(&t->it);
			continue;
		}
		used[k] = true;
		t->at = info[k].at;
	}
	s->timers_dirty = true;
	free(used);
}

/* ---- emit ---- */

#define EMIT_PAIRS 64
#define EMIT_BYTES 4096
#define EMIT_TOTAL 16384 /* of one message */
#define BOX_BYTES  (1u << 20)

/* What a pack emitted and nobody got yet: of the transaction, and of those before that the engine holds.
 * Shared by the packs that follow one another under a name. */
struct outbox {
	uint32_t refs, n;
	size_t bytes;
};

struct outbox *outbox_ref(struct outbox *box)
{
	if (!box)
		box = xnew(struct outbox);
	box->refs++;
	return box;
}

void outbox_unref(struct outbox *box)
{
	if (!--box->refs)
		free(box);
}

/* What it takes in memory, about. */
static size_t message_size(const char *topic, const char *const *kv, uint32_t n)
{
	size_t size = 64 + strlen(topic);

	for (uint32_t i = 0; i < 2 * n; i++)
		size += strlen(kv[i]) + 32;
	return size;
}

void outbox_put(struct outbox *box, uint32_t n, const char *const *kv, const char *topic)
{
	box->n--;
	box->bytes -= message_size(topic, kv, n);
	outbox_unref(box);
}

struct emit {
	struct script *s;
	struct outbox *box; /* that counts it; NULL: not yet */
	char *topic;
	char *kv[2 * EMIT_PAIRS];
	uint32_t n; /* strings in kv */
	size_t bytes;
};

static void emit_free(struct emit *m)
{
	if (m->box)
		outbox_put(m->box, m->n / 2, (const char *const *)m->kv, m->topic);
	for (uint32_t i = 0; i < m->n; i++)
		free(m->kv[i]);
	free(m->topic);
	free(m);
}

static void emit_undo(void *obj, uint64_t a, uint64_t b)
{
	(void)a, (void)b;
	emit_free(obj);
}

static void emit_commit(void *obj, uint64_t a, uint64_t b)
{
	struct emit *m = obj;

	(void)a, (void)b;
	m->s->ops.emit(m->s->ops.ctx, m->topic, (const char *const *)m->kv, m->n / 2, m->box);
	m->box = NULL; /* the engine's now */
	emit_free(m);
}

static const struct jtype jt_emit = { "emit", emit_undo, emit_commit };

bool jentry_is_emit(const struct jentry *j)
{
	return j->type == &jt_emit;
}

static char *scalar_text(lua_State *L, int idx)
{
	switch (lua_type(L, idx)) {
	case LUA_TSTRING: {
		size_t n;
		const char *s = lua_tolstring(L, idx, &n);

		return n <= EMIT_BYTES && !memchr(s, 0, n) ? xstrdup(s) : NULL;
	}
	case LUA_TNUMBER:
		if (lua_isinteger(L, idx))
			return xasprintf("%lld", (long long)lua_tointeger(L, idx));
		return xasprintf("%.14g", lua_tonumber(L, idx));
	case LUA_TBOOLEAN: return xstrdup(lua_toboolean(L, idx) ? "true" : "false");
	default: return NULL;
	}
}

static int pair_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int lua_emit(lua_State *L)
{
	struct pack *pk = vm_user(L);
	_err_ struct err e = ERR_INIT;
	size_t n;

	check_count(L, "rnm.emit", 1, 1, 2);
	const char *topic = check_string(L, "rnm.emit", 1, 1, &n);

	if (pk->run->kind == RUN_MAP)
		return luaL_error(L, "rnm.emit: not in a function of q:map(), which must be pure");
	run_writes(L, pk, "rnm.emit");
	if (!text_is_clean(topic, n) || n > 128)
		return luaL_error(L, "rnm.emit: the topic must be 1 to 128 printable bytes");
	if (lua_gettop(L) == 2)
		check_table(L, "rnm.emit", 2, 1);
	if (pk->box->n >= pk->s->lim.emits)
		return luaL_error(L, "rnm.emit: %d messages of the pack are under way already (limits.emits)",
			(int)pk->box->n);
	vm_charge(L, 200);
	struct emit *m = xnew(struct emit);

	/* nothing raises from here until the journal owns it */
	m->s = pk->s;
	m->topic = xstrdup(topic);
	if (lua_gettop(L) == 2) {
		lua_pushnil(L);
		while (!e.code && lua_next(L, 2)) {
			const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
			char *val = scalar_text(L, -1);

			if (!key || lua_rawlen(L, -2) > 128 || !text_is_clean(key, strlen(key)))
				err_set(&e, -EINVAL,
					"names in data must be strings of 1 to 128 printable bytes");
			else if (!val)
				err_set(&e, -EINVAL,
					"data.%s: expected a string of at most 4096 bytes, a number or a "
					"boolean, got %s",
					key, type_article(L, -1));
			else if ((m->bytes += strlen(key) + strlen(val)) > EMIT_TOTAL)
				err_set(&e, -EINVAL, "more than %d bytes of data", EMIT_TOTAL);
			else if (m->n == 2 * EMIT_PAIRS)
				err_set(&e, -EINVAL, "more than %d values in data", EMIT_PAIRS);
			if (e.code) {
				free(val);
				break;
			}
			m->kv[m->n++] = xstrdup(key);
			m->kv[m->n++] = val;
			lua_pop(L, 1);
		}
	}
	size_t size = message_size(m->topic, (const char *const *)m->kv, m->n / 2);

	if (!e.code && pk->box->bytes + size > BOX_BYTES)
		err_set(&e, -EDQUOT, "the messages of the pack that are under way have %d bytes already",
			(int)pk->box->bytes);
	if (e.code) {
		emit_free(m);
		check_raise(L, "rnm.emit", &e);
	}
	qsort(m->kv, m->n / 2, 2 * sizeof(*m->kv), pair_order);
	m->box = outbox_ref(pk->box);
	m->box->n++;
	m->box->bytes += size;
	journal_push(rpack_journal(pk->rp), &jt_emit, m, 0, 0);
	return 0;
}
