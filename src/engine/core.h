/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine's own struct, shared by its files. */
#pragma once

#include "engine/engine.h"
#include "engine/switches.h"

struct emit {
	char *topic;
	char **kv; /* 2 n strings */
	uint32_t n;
	struct outbox *from;
};

typedef VEC(struct pack_spec) pack_specs;

#define LATENCY_N 13

struct fight {                           /* an object that others change, and how often that was put right */
	uint64_t key, first, last, rest; /* mono_ns; rest: until then it is left alone */
	unsigned repairs;
	uint32_t losses; /* of an attached set, when it was looked at last */
	bool owed;       /* it was changed while it was left alone */
	enum obj_kind kind;
	uint8_t family;
	char *table, *name;
};

struct engine {
	struct engine_ops ops;
	char *state_dir;
	bool read_only; /* nothing is written there */
	struct mirror *mirror;
	struct query_set *queries;
	struct ruleset *rs;
	struct script *script;
	struct config *cfg;
	found_packs found;
	pack_specs specs;   /* borrow from found and cfg */
	struct switches sw; /* packs.c and switch.c */
	struct buf dropped; /* by the last reload */
	unsigned kinds;     /* asked of ops->need_kinds so far */
	enum {
		NET_RUN,
		NET_FEED,
		NET_FILL
	} net_mode;                            /* run hooks; feed queries only; the mirror is being filled */
	uint64_t script_at, heal_at, retry_at; /* mono_ns, 0: none */
	unsigned retries;
	uint64_t owner_at; /* when tables that another process owns are looked at again */
	unsigned owner_looks;
	uint64_t groups_at; /* when the control groups that rules name are looked at again */
	bool looking;       /* this transaction does */
	bool retrying;      /* this one tries again what the kernel refused */
	struct buf *told;   /* gets the plan of this transaction */
	bool holding;       /* a pack is left out: tables that nobody claims stay */
	bool lost;          /* the kernel does not hold what it should: made anew by the next transaction */
	VEC(struct emit) emits; /* the first emit_head are delivered */
	uint32_t emit_head;
	VEC(struct fight) fights; /* drift.c */
	VEC(struct nft_generation)
	late; /* read in the middle of a transaction: policies hear of them after it */
	/* the open transaction */
	bool open;
	enum origin origin;
	unsigned events, runs;
	uint64_t began, script_ns;
	struct buf event; /* what it is for; empty: first, or its origin */
	struct net_event
		first; /* the first network event, with copies of its records: made text only for who asks */
	/* counters */
	uint64_t transactions, commits, failures, event_count, sum_ns, max_ns;
	uint64_t run_count, operations, repairs;
	uint64_t took[LATENCY_N]; /* commits by engine_latency[], the last: longer */
	struct txn_report last;
};

/* txn.c */
void txn_begin(struct engine *en, enum origin origin, const char *event);
/* Settles, merges, plans and commits. all: any failure undoes everything and is returned with e; else packs
 * at fault are undone one by one and the rest goes through. Always ends the transaction. */
int txn_end(struct engine *en, bool all, struct err *e);
void txn_abort(struct engine *en);
/* What the open transaction would send, as text; then everything is undone. */
int txn_dry(struct engine *en, const struct plan_view *view, struct err *e);
void plan_show(const struct plan *p, const struct plan_view *view);
void wake_update(struct engine *en);
void refused_wake(struct engine *en); /* tries again what the kernel refused, when it is time */
void owners_wake(struct engine *en);
void groups_wake(struct engine *en); /* looks whether tables that others own are free */
int read_tables(struct engine *en, struct err *e);
int kernel_check(struct engine *en, struct err *e);
/* drift.c */
uint64_t drift_next(const struct engine *en); /* mono_ns, 0: nothing is due */
bool drift_owes(const struct engine *en);     /* something is left alone for a while */
void drift_settle(struct engine *en);         /* what is left alone for a while is not any more */
void drift_wake(struct engine *en, uint64_t now);
void drift_text(struct engine *en, struct buf *out); /* what is not put right, and why; a line each */
void drift_late(struct engine *en);
void drift_free(struct engine *en);
void first_event_free(struct engine *en);

/* metrics.c */
void engine_took(struct engine *en, uint64_t ns);

/* disabled.c */
void disabled_load(struct engine *en); /* what the file says now; in force with the next merge */

/* why.c */
void event_keep(struct engine *en); /* what the transaction was for, when something of it asks to know */

/* packs.c */
struct script_limits limits_of(const struct config *cfg);
void drop_kinds(struct engine *en); /* engine.c: what only packs asked for that are no more */
void set_zones(struct engine *en, const struct config *cfg);
void set_templates(struct engine *en, const struct config *cfg);
/* found: all that the configuration lets run; specs: those that are to run. */
int find_packs(struct engine *en, const struct config *cfg, const char *shipped, found_packs *found,
	pack_specs *specs, struct err *e);
void packs_free(found_packs *found, pack_specs *specs);

/* switch.c */
void switches_open(struct engine *en); /* the state folder's own */
void switches_settle(
	struct engine *en, const pack_specs *specs); /* quarantines that their pack's text ended */

/* packs_text.c */
struct json;
void packs_json(struct engine *en, const char *name, struct json *j); /* a list of all */
