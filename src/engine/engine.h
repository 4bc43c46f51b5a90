/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine: the one gate for all work. Owns mirror, queries, packs and ruleset, and runs every source of work
 * as a transaction: begin → policies → merge → plan → commit → report. It has no loop and no rtnetlink socket
 * of its own: rnmd drives it from libev, `rnm check` from one dump, rnm.testing from a simulated network. */
#pragma once

#include "base/err.h"
#include "config/config.h"
#include "net/mirror.h"
#include "nft/plan.h"
#include "nft/readback.h"
#include "nft/watch.h"
#include "script/script.h"

struct engine;
struct answer;
struct json;

enum origin {
	ORIGIN_START,
	ORIGIN_EVENT,
	ORIGIN_RESYNC,
	ORIGIN_RELOAD,
	ORIGIN_HEAL,
	ORIGIN_TIMER,
	ORIGIN_MESSAGE,
	ORIGIN_FILE,
	ORIGIN_EXPIRY,
	ORIGIN_EVAL,
	ORIGIN_DRIFT,
	ORIGIN_NFT,
	ORIGIN_ADOPT,
	ORIGIN_STOP
};
const char *origin_name(enum origin o);

struct txn_report { /* after each transaction that sent something, failed, or ran a hook */
	enum origin origin;
	const char *event;             /* one line; "" for network events */
	const struct net_event *first; /* the first network event of it, NULL: none */
	unsigned events;               /* notifications in it */
	unsigned runs;                 /* hooks, blocks and records that ran */
	const struct plan *plan;       /* what was sent; NULL: nothing */
	const char *error;             /* NULL: none */
	uint64_t total_ns, script_ns, merge_ns, plan_ns, commit_ns, kernel_ns; /* kernel: sendmsg */
	uint32_t generation;                                                   /* 0: unknown */
};

struct engine_ops {
	void *ctx;
	/* Sends the plan (nft/batch.h), or pretends to. Same contract as nft_commit(). dry: check only. */
	int (*commit)(void *ctx, const struct plan *p, bool dry, struct commit_result *r, struct err *e);
	int (*rule_handles)(
		void *ctx, const struct obj *chain, uint64_t **handles, uint64_t **ids, struct err *e);
	/* Calls ruleset_kernel_table() for each table of the kernel; NULL in simulations. */
	int (*read_tables)(void *ctx, struct err *e);
	/* Reads what is suspect of own tables (nft/readback.h); NULL in simulations. */
	int (*read_back)(void *ctx, struct read_back *found, struct err *e);
	/* Does the kernel let tables keep an owner (nft_persists())? NULL: yes. */
	bool (*persists)(void *ctx);
	/* Foreign commits that were not told yet: engine_nft_changed() for each, now. NULL in simulations. */
	void (*nft_poll)(void *ctx);
	int (*set_read)(void *ctx, struct obj *set, void (*fn)(void *c, const struct setelem *el), void *c,
		struct err *e);
	void (*attach_look)(void *ctx, struct obj *set); /* as script_ops; may be NULL */
	int (*object_read)(void *ctx, struct obj *o, void (*fn)(void *c, const struct object_want *o),
		void *c, struct err *e);               /* as script_ops; NULL in simulations */
	void (*need_kinds)(void *ctx, unsigned kinds); /* subscribe and dump into the mirror now */
	void (*wake_at)(void *ctx, uint64_t mono_ns);  /* call engine_wake() then; 0: never */
	int (*watch_file)(void *ctx, const char *path, uint64_t token);
	void (*report)(void *ctx, const struct txn_report *r);
	/* A run of a pack ended, see script_ops; may be NULL. */
	void (*ran)(void *ctx, const char *pack, const char *what, struct site site, uint64_t ns, bool ok);
	void (*event)(
		void *ctx, const struct net_event *ev); /* every real change, for monitor; may be NULL */
	/* Every message, behind its handlers; kv: 2 n strings. May be NULL. */
	void (*message)(void *ctx, const char *topic, const char *const *kv, uint32_t n, unsigned handlers);
};

struct engine *engine_new(const struct engine_ops *ops, const char *state_dir);
/* Before the start, of an engine without a state folder: this one is read and never written. */
void engine_read_only(struct engine *en, const char *state_dir);
void engine_free(struct engine *en);
struct mirror *engine_mirror(struct engine *en);
struct ruleset *engine_ruleset(struct engine *en);
struct script *engine_script(struct engine *en);

/* Takes cfg on success. Start: packs that fail are left out (reported); -errno only when nothing can run. */
int engine_start(struct engine *en, struct config *cfg, const char *shipped_dir, struct err *e);
/* All or nothing; takes cfg on success, frees nothing on failure. */
int engine_reload(struct engine *en, struct config *cfg, const char *shipped_dir, struct err *e);
/* What the console stated and the last reload dropped, one a line; empty: nothing. */
const char *engine_dropped(struct engine *en);
/* False: the last commit failed, by no statement's fault, and is tried again. */
bool engine_committed(const struct engine *en);
const struct config *engine_config(const struct engine *en);

/* Network: between these two the mirror is fed, and its events reach the packs. */
void engine_net_begin(struct engine *en);
void engine_net_end(struct engine *en);
void engine_net_resync(struct engine *en, const char *reason);

/* Foreign changes of nftables: does the table matter; what somebody did to such tables. */
bool engine_nft_cares(struct engine *en, uint8_t family, const char *table);
void engine_nft_changed(struct engine *en, const struct nft_generation *g);

/* Collects garbage of the packs for so long; true: there is more. */
bool engine_tidy(struct engine *en, uint64_t ns);
void engine_wake(struct engine *en); /* timers, healing, expiry, emits: whatever is due */
void engine_file_changed(struct engine *en, uint64_t token);
/* Delivers a message now; returns the number of handlers, or -errno. */
int engine_message(struct engine *en, const char *topic, const char *const *kv, uint32_t n, struct err *e);
/* Where a plan goes: nft syntax, or fields of an open object. */
struct plan_view {
	struct buf *text;
	struct json *json; /* rather than text */
	size_t max;        /* of json: bytes from which on operations are left out */
};
/* One transaction. plan: gets what a dry one would send; NULL: that stands in out as well. */
int engine_eval(struct engine *en, const struct eval_request *rq, const struct plan_view *plan,
	struct buf *out, struct err *e);
/* Takes evals back (script.h): what could not be, and what waits for something now that did not before. What
 * stands in `to` counts only on success. */
int engine_undo(struct engine *en, const struct undo_request *rq, const struct answer *to, struct err *e);
/* Takes a table over that somebody else made (ruleset_adopt()), with what policies state in it; out: what was
 * sent, as a plan. dry: nothing is. */
int engine_adopt(
	struct engine *en, uint8_t family, const char *table, bool dry, struct buf *out, struct err *e);
/* What would be sent now: nothing when the kernel holds what is wanted. */
int engine_plan(struct engine *en, const struct plan_view *view, struct err *e);
/* May the kernel hold something else than rnm takes it to hold, because others changed it and that is not put
 * right (yet)? Then this tells what of it a repair would send. It reads the kernel, of all own tables or what
 * may be otherwise, and takes what it finds for the state to go on from: only for a process that ends after
 * it. */
bool engine_unsure(struct engine *en);
int engine_plan_read(struct engine *en, bool all, const struct plan_view *view, struct err *e);
/* A command of nft's language about own tables, as the console's: see nft/console.h. errs: what is wrong,
 * with its place; then nothing was changed. */
struct nft_file;
struct errlist;
int engine_nft(struct engine *en, struct nft_file *f, const struct operator* who, struct errlist *errs);
/* Rules of packs out of force and back, remembered in the state folder. out: what was done, and its id. All
 * or nothing: -ENOENT, or the kernel's refusal. */
struct disabled;
int engine_disable_rule(
	struct engine *en, struct obj *chain, uint64_t handle, struct buf *out, struct err *e);
int engine_enable_rule(struct engine *en, uint64_t id, struct buf *out, struct err *e);
/* "stated by pack wan, wan.lua:12", or that nobody does. */
void engine_disabled_text(struct engine *en, const struct disabled *d, struct buf *out);
void engine_stop(struct engine *en, const char *reason);

/* Packs at run time, over restarts: what is done is kept in the state folder, before it is done; when it can
 * not be done everything stays. out: lines for whoever asked. name need not run. */
int engine_pack_enable(
	struct engine *en, const char *name, const char *shipped_dir, struct buf *out, struct err *e);
int engine_pack_disable(struct engine *en, const char *name, struct buf *out, struct err *e);
/* place: "on_addr_change", "wan.lua:7", "block@wan.lua:7", "main chunk" …; NULL: all of it. */
int engine_pack_quarantine(
	struct engine *en, const char *name, const char *place, struct buf *out, struct err *e);
int engine_pack_release(struct engine *en, const char *name, const char *place, const char *shipped_dir,
	struct buf *out, struct err *e);
/* only NULL: all, as a table; else everything about this one. -ENOENT: there is no such pack. */
int engine_packs(struct engine *en, const char *only, struct buf *out, struct err *e);
int engine_packs_json(struct engine *en, const char *only, struct json *j, struct err *e);
void engine_switches_text(struct engine *en, struct buf *out); /* as it is kept */
/* Takes over what was switched with this state folder, to look at only. For checks; engine_new() has its own.
 */
int engine_switches(struct engine *en, const char *dir, struct err *e);
void engine_switched(struct engine *en, const char *before, struct buf *out); /* what it is, a line each */
/* Of a pack that was started: see rpack_edit() and script_timers_set(). For replays. */
int engine_edit(
	struct engine *en, const char *pack, const char *set, const struct kept_edit *k, struct err *e);
void engine_timers_set(struct engine *en, const char *pack, const struct timer_info *t, uint32_t n);
/* Before the start: the process before died in this code of a pack; at NULL: not in such code. */
struct blackbox_place;
void engine_died(struct engine *en, const struct blackbox_place *at, int signal);
void engine_status(struct engine *en, struct buf *out);
void engine_status_json(struct engine *en, struct json *j); /* the same, as fields of an open object */
struct prom;
void engine_metrics(struct engine *en, struct prom *out);
void engine_pending_json(const struct pending *p, struct json *j);
void engine_pending(struct engine *en, const struct answer *to); /* all of it, but for what is too much */
/* One line about something that waits, or that the kernel refused. */
void engine_pending_text(const struct pending *p, struct buf *out);
