// SPDX-License-Identifier: GPL-2.0-or-later
/* Hooks: who hears of which event. Filters are tested here, before Lua is entered, and a handler sees its
 * filter's world. */
#include <lauxlib.h>
#include <linux/if_addr.h>
#include <string.h>

#include "nft/watch.h"
#include "script/check.h"
#include "script/evals.h"

#define HOOKS_MAX 1000 /* of one event */

static const struct {
	const char *name;
	int kind;
} events[EV_COUNT] = {
	[EV_ADDR] = { "addr_change", NET_ADDR },
	[EV_LEASE] = { "lease_change", -1 },
	[EV_LINK] = { "link_change", NET_LINK },
	[EV_MESSAGE] = { "message", -1 },
	[EV_NEIGH] = { "neigh_change", NET_NEIGH },
	[EV_NFT] = { "nft_change", -1 },
	[EV_RELOAD] = { "reload", -1 },
	[EV_RESYNC] = { "resync", -1 },
	[EV_ROUTE] = { "route_change", NET_ROUTE },
	[EV_RULE] = { "rule_change", NET_RULE },
	[EV_START] = { "start", -1 },
	[EV_STOP] = { "stop", -1 },
};

static const enum event_id event_of_kind[NET_KINDS] = { [NET_LINK] = EV_LINK,
	[NET_ADDR] = EV_ADDR,
	[NET_ROUTE] = EV_ROUTE,
	[NET_RULE] = EV_RULE,
	[NET_NEIGH] = EV_NEIGH };

const char *event_name(enum event_id ev)
{
	return events[ev].name;
}

int event_kind(enum event_id ev)
{
	return events[ev].kind;
}

int event_find(const char *name, size_t n)
{
	for (int i = 0; i < EV_COUNT; i++)
		if (strlen(events[i].name) == n && memcmp(events[i].name, name, n) == 0)
			return i;
	return -1;
}

static const char *next_event(void *ctx, size_t i)
{
	(void)ctx;
	return i < EV_COUNT ? events[i].name : NULL;
}

const char *event_suggest(const char *name)
{
	const char *bare = strncmp(name, "on_", 3) == 0 ? name + 3 : name;
	int ev = bare == name ? -1 : event_find(bare, strlen(bare));

	return ev >= 0 ? events[ev].name : suggest(bare, next_event, NULL);
}

void need_kind(struct script *s, enum net_kind kind)
{
	if (script_kinds(s) & 1u << kind)
		return;
	s->needing++;
	s->ops.need_kind(s->ops.ctx, kind);
	s->needing--;
}

/* ---- registering ---- */

static struct hook *hook_new(struct pack *pk, enum event_id ev, uint32_t site)
{
	struct hook *h = xnew(struct hook);
	uint32_t n = pk->hooks[ev].n;

	h->ev = ev;
	h->rank = n ? vec_last(&pk->hooks[ev])->rank + 1 : 0;
	h->filters.kind = events[ev].kind < 0 ? NET_LINK : (enum net_kind)events[ev].kind;
	item_init(pk, &h->it, ITEM_HOOK, site);
	vec_push(&pk->hooks[ev], h);
	return h;
}

static void hook_ready(struct hook *h)
{
	struct script *s = h->it.pk->s;

	if (h->ev == EV_LEASE)
		log_warn("pack", "%s: lease_change: this version knows no DHCP leases: it is never called",
			h->it.pk->spec.name);
	if (events[h->ev].kind < 0)
		return;
	h->initial = true;
	s->hooks_initial = true;
	s->needing++; /* the hook counts already, so script_kinds() has no news */
	s->ops.need_kind(s->ops.ctx, h->filters.kind);
	s->needing--;
}

/* The function on the stack's top is no hook, although its name looks like one. */
static void no_such_event(lua_State *L, const char *name)
{
	const char *near = event_suggest(name);
	lua_Debug ar;

	lua_pushvalue(L, -1);
	lua_getinfo(L, ">S", &ar);
	if (ar.source[0] == '@')
		lua_pushfstring(L, "%s:%d: ", ar.source + 1, ar.linedefined);
	else
		lua_pushliteral(L, "");
	luaL_error(L, "%s%s: no event has this name%s%s%s", lua_tostring(L, -1), name,
		near ? "; did you mean on_" : "", near ? near : "", near ? "?" : "");
}

struct hook *hook_global(lua_State *L, struct pack *pk, enum event_id ev)
{
	struct lua_ref ref = LUA_REF_INIT;
	uint32_t site = 0;
	struct hook *h;
	lua_Debug ar;

	lua_pushvalue(L, -1);
	if (lua_getinfo(L, ">Su", &ar) && ar.source[0] == '@')
		site = ruleset_site(
			pk->s->rs, ar.source + 1, (uint32_t)(ar.linedefined < 0 ? 0 : ar.linedefined));
	lua_ref_set(L, &ref);
	h = hook_new(pk, ev, site);
	h->global = true;
	h->no_args = !ar.nparams && !ar.isvararg;
	h->it.fn = ref;
	hook_ready(h);
	return h;
}

void hooks_globals(lua_State *L, struct pack *pk)
{
	lua_pushglobaltable(L);
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
		struct hook *h = NULL;
		int ev;

		ev = strncmp(name, "on_", 3) == 0 ? event_find(name + 3, strlen(name + 3)) : -1;
		if (ev >= 0 && !lua_isfunction(L, -1))
			luaL_error(L, "%s: a hook is a function, this is %s", name, type_article(L, -1));
		if (strncmp(name, "on_", 3) != 0 || !lua_isfunction(L, -1)) {
			lua_pop(L, 1);
			continue;
		}
		if (ev < 0)
			no_such_event(L, name);
		vec_foreach (p, &pk->hooks[ev])
			if ((*p)->global && !(*p)->it.gone)
				h = *p;
		if (h) { /* the console may say it again */
			lua_ref_push(L, &h->it.fn);
			bool same = lua_rawequal(L, -1, -2);

			lua_pop(L, 1);
			if (same) {
				lua_pop(L, 1);
				continue;
			}
		}
		if (pk->run->kind == RUN_EVAL)
			eval_hook_was(L, pk, (enum event_id)ev, h);
		if (h)
			item_cancel(&h->it);
		hook_global(L, pk, (enum event_id)ev);
	}
	lua_pop(L, 1);
}

int lua_on(lua_State *L)
{
	struct pack *pk = vm_user(L);
	enum run_kind kind = pk->run->kind;
	_err_ struct err e = ERR_INIT;
	size_t n;
	int ev, rc = 0;

	check_count(L, "rnm.on", 1, 2, 3);
	const char *name = check_string(L, "rnm.on", 1, 1, &n);
	int fn = lua_gettop(L);

	if (kind != RUN_MAIN && kind != RUN_BLOCK && kind != RUN_EACH && kind != RUN_EVAL)
		return luaL_error(L,
			"rnm.on: handlers are registered in the main chunk, an rnm.block() or an rnm.each()");
	run_writes(L, pk, "rnm.on");
	ev = event_find(name, n);
	if (ev < 0) {
		const char *near = event_suggest(name);

		return luaL_error(L, "rnm.on: unknown event \"%s\"%s%s%s", name,
			near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	}
	if (fn == 3)
		check_table(L, "rnm.on", 2, 1);
	check_function(L, "rnm.on", fn, 1);
	vm_charge(L, 100);

	struct item **box = push_item(L, "rnm.handle");
	struct lua_ref ref = LUA_REF_INIT;
	uint32_t site = site_here(L, pk);

	lua_pushvalue(L, fn);
	lua_ref_set(L, &ref);
	struct hook *h =
		hook_new(pk, (enum event_id)ev, site); /* nothing raises from here but for a bad filter */

	h->it.fn = ref;
	if (fn == 3)
		rc = filters_from(L, 2, &h->filters, h, &e);
	if (rc < 0) {
		item_cancel(&h->it); /* the error may be caught: the handler must not stay */
		check_raise(L, "rnm.on", &e);
	}
	filters_canon(&h->filters);
	h->it.refs++;
	*box = &h->it;
	hook_ready(h);
	return 1;
}

/* ---- running ---- */

static int call_hook(lua_State *L)
{
	struct run *r = lua_touserdata(L, 1);

	lua_ref_push(L, r->fn);
	if (!r->hook->no_args)
		push_event(L, r);
	lua_call(L, r->hook->no_args ? 0 : 1, 0);
	return 0;
}

static const char *const hook_whats[EV_COUNT] = {
	[EV_ADDR] = "on_addr_change",
	[EV_LEASE] = "on_lease_change",
	[EV_LINK] = "on_link_change",
	[EV_MESSAGE] = "on_message",
	[EV_NEIGH] = "on_neigh_change",
	[EV_NFT] = "on_nft_change",
	[EV_RELOAD] = "on_reload",
	[EV_RESYNC] = "on_resync",
	[EV_ROUTE] = "on_route_change",
	[EV_RULE] = "on_rule_change",
	[EV_START] = "on_start",
	[EV_STOP] = "on_stop",
};

const char *hook_what(enum event_id ev)
{
	return hook_whats[ev];
}

static void hook_run(struct hook *h, struct run *r)
{
	_err_ struct err e = ERR_INIT;
	struct net_key key;
	int rc;

	r->pk = h->it.pk;
	r->hook = h;
	r->ev = h->ev;
	r->fn = &h->it.fn;
	r->what = hook_what(h->ev);
	if (r->rec && h->objs.n) {
		net_rec_key(r->rec, &key);
		r->sub = subject_find(&h->objs, &key);
	}
	rc = run_do(r, call_hook, &e);
	if (rc < 0)
		run_failed(r, rc, &e);
	else if (r->rec && r->action == NET_DEL && r->sub)
		subject_withdraw(r->sub);
}

static bool hook_sees(const struct hook *h, const struct net_rec *rec)
{
	return rec && net_rec_visible(rec) && filters_match(&h->filters, rec);
}

static bool failed(const struct net_rec *rec)
{
	return rec && rec->kind == NET_ADDR && ((const struct net_addr *)rec)->flags & IFA_F_DADFAILED;
}

/* What the event is to the handler: false: nothing. An address whose detection fails was perhaps never to be
 * used, and goes from queries; the handler is told that it changed, and in the end that it went. */
static bool hook_hears(const struct hook *h, const struct net_event *ev, struct run *r)
{
	bool was = hook_sees(h, ev->before), is = hook_sees(h, ev->after);
	bool was_failed = failed(ev->before), is_failed = failed(ev->after);

	if (is_failed && !was_failed && filters_match(&h->filters, ev->after)) {
		r->action = NET_CHANGE;
		r->rec = ev->after;
		return true;
	}
	was |= was_failed && !is && !is_failed && filters_match(&h->filters, ev->before);
	r->action = was && is ? NET_CHANGE : is ? NET_ADD : NET_DEL;
	r->rec = is ? ev->after : ev->before;
	return was || is;
}

static bool hook_wants(const struct hook *h, const struct run *r)
{
	return (!h->actions || h->actions & 1u << r->action) && (!h->times || h->times & 1u << r->initial);
}

void hooks_event(struct pack *pk, const struct net_event *ev)
{
	enum event_id id = event_of_kind[ev->kind];

	for (uint32_t i = 0; i < pk->hooks[id].n && !pk->strict_hit; i++) {
		struct hook *h = pk->hooks[id].v[i];
		struct run r = { .kind = RUN_HOOK, .nev = ev, .initial = ev->initial };

		if (h->it.gone || h->initial || (ev->lifetime_only && !h->filters.lifetimes) ||
			!hook_hears(h, ev, &r))
			continue;
		r.lifetimes = h->filters.lifetimes;
		if (hook_wants(h, &r))
			hook_run(h, &r);
	}
}

void hooks_lifecycle(struct pack *pk, enum event_id ev, const char *reason)
{
	for (uint32_t i = 0; i < pk->hooks[ev].n && !pk->strict_hit; i++) {
		struct hook *h = pk->hooks[ev].v[i];
		struct run r = { .kind = RUN_LIFECYCLE, .reason = reason };

		if (!h->it.gone && words_match(h->words, h->n_words, reason))
			hook_run(h, &r);
	}
}

void hooks_nft(struct pack *pk, const struct nft_generation *g)
{
	for (uint32_t i = 0; i < pk->hooks[EV_NFT].n && !pk->strict_hit; i++) {
		struct hook *h = pk->hooks[EV_NFT].v[i];
		struct run r = { .kind = RUN_LIFECYCLE, .gen = g };

		if (!h->it.gone && words_match(h->words, h->n_words, g->process))
			hook_run(h, &r);
	}
}

unsigned hooks_message(struct pack *pk, const char *topic, const char *const *kv, uint32_t n)
{
	unsigned ran = 0;

	for (uint32_t i = 0; i < pk->hooks[EV_MESSAGE].n; i++) {
		struct hook *h = pk->hooks[EV_MESSAGE].v[i];
		struct run r = { .kind = RUN_MESSAGE, .topic = topic, .kv = kv, .n_kv = n };

		if (h->it.gone || !words_match(h->words, h->n_words, topic))
			continue;
		ran++;
		hook_run(h, &r);
	}
	return ran;
}

static void initial_kind(struct script *s, enum net_kind kind)
{
	enum event_id id = event_of_kind[kind];
	struct tnode *n;

	for (uint32_t i = 0; (n = tree_at(mirror_tree(s->mirror, kind), i)) != NULL; i++) {
		const struct net_rec *rec = container_of(n, struct net_rec, order);

		for (uint32_t p = 0; p < s->packs.n; p++) {
			struct pack *pk = s->packs.v[p];

			for (uint32_t j = 0; j < pk->hooks[id].n && !pk->strict_hit; j++) {
				struct hook *h = pk->hooks[id].v[j];
				struct run r = {
					.kind = RUN_HOOK, .rec = rec, .action = NET_ADD, .initial = true
				};

				if (!h->initial || h->it.gone || !hook_sees(h, rec))
					continue;
				if (hook_wants(h, &r))
					hook_run(h, &r);
			}
		}
	}
}

void hooks_initial(struct script *s)
{
	static const enum net_kind order[] = { NET_LINK, NET_ADDR, NET_ROUTE, NET_RULE, NET_NEIGH };
	bool wanted[NET_KINDS] = { false };

	if (!s->hooks_initial)
		return;
	s->hooks_initial = false;
	vec_foreach (pk, &s->packs)
		for (int ev = 0; ev < EV_COUNT; ev++)
			vec_foreach (h, &(*pk)->hooks[ev])
				if ((*h)->initial && !(*h)->it.gone)
					wanted[events[ev].kind] = true;
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		if (wanted[order[i]])
			initial_kind(s, order[i]);
	vec_foreach (pk, &s->packs)
		for (int ev = 0; ev < EV_COUNT; ev++)
			vec_foreach (h, &(*pk)->hooks[ev])
				(*h)->initial = false;
}
