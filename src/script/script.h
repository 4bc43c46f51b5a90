/* SPDX-License-Identifier: GPL-2.0-or-later */
/* script: packs, their Lua states and scopes, hooks, live values. Turns events into runs of policy code that
 * state things in the ruleset. Knows no loop and no socket: the engine calls it inside a transaction and
 * gives what it needs as ops. */
#pragma once

#include "base/err.h"
#include "net/query.h"
#include "nft/ruleset.h"
#include "base/cfg.h"

struct script;
struct pack;
struct outbox;

struct script_ops {
	void *ctx;
	/* A hook or query needs this kind now: the engine subscribes and dumps it before it returns. */
	void (*need_kind)(void *ctx, enum net_kind kind);
	/* One timer for all of script: at mono_ns() time `at` (0: none) call script_timers() in a
	 * transaction. */
	void (*timer)(void *ctx, uint64_t at);
	/* A list file or its folder: call script_file_changed() in a transaction when it changes. token is
	 * script's. NULL path ends the watch. Returns 0 or -errno. */
	int (*watch_file)(void *ctx, const char *path, uint64_t token);
	/* rnm.emit(): delivered by the engine after the commit, through script_message(). kv: n pairs of
	 * strings, borrowed. from: whose it is; outbox_put() it before the delivery. */
	void (*emit)(void *ctx, const char *topic, const char *const *kv, uint32_t n, struct outbox *from);
	/* A run failed (already rolled back, logged and counted): the pack wants script_heal() at mono_ns()
	 * time `at`. */
	void (*heal_at)(void *ctx, uint64_t at);
	/* A run ended: pack, what ran ("on_addr_change", "block"), where it was made ("?" and 0 when
	 * unknown), nanoseconds in Lua. May be NULL; called often, so look first whether anybody wants to
	 * know. */
	void (*ran)(void *ctx, const char *pack, const char *what, struct site site, uint64_t ns, bool ok);
	/* set:read(), counter:read(): NULL in simulations without a kernel. */
	int (*set_read)(void *ctx, struct obj *set, void (*fn)(void *c, const struct setelem *el), void *c,
		struct err *e);
	/* Of a set of somebody else, which is attached to: its type, where it is there. May be NULL. */
	void (*attach_look)(void *ctx, struct obj *set);
	/* fn: at most once. */
	int (*object_read)(void *ctx, struct obj *o, void (*fn)(void *c, const struct object_want *o),
		void *c, struct err *e);
};

struct pack_template {           /* a template that the pack `config` loads */
	const char *name, *file; /* file, line, col: where the configuration says so */
	unsigned line, col;
	const struct cfg_node *params; /* NULL: none */
};

struct pack_hold {         /* code that is not to run: in quarantine */
	char *what, *file; /* as struct pack_place has them; what "": the whole pack */
	uint32_t line;
};

struct pack_spec {               /* how a pack is configured; borrowed by script until the next reload */
	const char *name, *path; /* path: NAME.lua or NAME/init.lua; NULL for console */
	const char *dir;         /* folder for require and files; NULL for single files */
	int order;
	bool trusted;
	const char *const *files; /* allowed list files, NULL-terminated, or NULL */
	const struct cfg_node *config;
	const struct pack_template *templates;
	uint32_t n_templates;
	const struct pack_hold *holds; /* copied */
	uint32_t n_holds;
	uint64_t source; /* pack_source() of its files; 0: nobody needs to know */
};
/* Tells one text of a pack from another: of its main file, and of all that its folder holds for require. */
uint64_t pack_source(const struct pack_spec *spec);

struct script_limits {
	uint64_t hook_instructions, main_instructions; /* 10 M, 100 M */
	uint64_t hook_ns, main_ns;                     /* 100 ms, 1 s */
	size_t memory;                                 /* 64 MiB a pack */
	uint32_t statements, timers, emits;            /* a pack */
};
extern const struct script_limits script_limits_default;

struct script *script_new(struct ruleset *rs, struct mirror *m, struct query_set *qs,
	const struct script_ops *ops, const struct script_limits *lim, const char *state_dir);
void script_free(struct script *s);
void script_read_only(struct script *s); /* before packs are loaded: rnm.state is read, never written */
/* A message that was emitted does not wait any more: makes room for its pack's next. Also after
 * script_free().
 */
void outbox_put(struct outbox *box, uint32_t n, const char *const *kv, const char *topic);
/* The share of the pack of this name, NULL: none. */
struct rpack *script_rpack(const struct script *s, const char *name);
/* For the calls from now on, and the memory of packs that are loaded from now on. */
void script_limits_set(struct script *s, const struct script_limits *lim);
struct script_limits script_limits_get(const struct script *s);

/* Simulations: a list file that is found below this folder stands for the one of its path. NULL: none does.
 */
extern const char *script_files_below;

/* Where templates are looked for, after the pack's own folder; copied. For the calls from now on. */
void script_templates(struct script *s, const char *const *dirs);

/* Everything below runs inside a transaction (ruleset_begin … commit or rollback) unless it says otherwise.
 */

/* Brings up all packs of specs (in order) beside those that run: main chunks, `on_NAME` hook names checked,
 * on_start or on_reload with reason, initial events, blocks and `each`. at_start: a pack that fails is left
 * out, reported through `failed` and stays known as failed; else (reload) the first failure ends it with
 * -errno and e. The old packs are retired in the same transaction; script_switch() ends it one way or the
 * other after the commit or rollback. */
int script_load(struct script *s, const struct pack_spec *specs, uint32_t n, bool at_start,
	const char *reason, struct err *e);
void script_switch(struct script *s, bool committed);

/* One pack alone comes, goes, or is started anew, as by a reload of it alone; ended by script_switch() as
 * well. start: -errno with e, and the caller rolls back. */
int script_start_pack(struct script *s, const struct pack_spec *spec, const char *reason, struct err *e);
int script_stop_pack(struct script *s, const char *name, struct err *e);
/* From now on this code of the pack does not run, but what it stated stays as it is. Outside a transaction as
 * well; false: there is no such pack. */
bool script_hold(struct script *s, const char *name, const struct pack_hold *holds, uint32_t n);

/* One network event: queries are fed, then each pack's hooks in order, each run with a savepoint of its own.
 */
void script_event(struct script *s, const struct net_event *ev);
void script_resync(struct script *s, const char *reason);
struct nft_generation;
void script_nft_change(struct script *s, const struct nft_generation *g); /* on_nft_change */
/* Runs what is out of date, each records first, then blocks, pack by pack, bounded in rounds. Before every
 * merge. */
void script_settle(struct script *s);
/* rnm emit / rnm.emit. Returns how many handlers ran. */
unsigned script_message(struct script *s, const char *topic, const char *const *kv, uint32_t n);
/* As many as fit into a tenth of a second; the rest is due at once (ops.timer). */
void script_timers(struct script *s, uint64_t now_mono_ns);
void script_file_changed(struct script *s, uint64_t token);
/* Replays degraded packs whose time has come and runs failed blocks and records again. A replay is all or
 * nothing for its pack. Returns true when a new try was made (then settle, merge, commit as usual and
 * script_switch()). */
bool script_heal(struct script *s, uint64_t now_mono_ns);
/* on_stop, once, before the daemon ends. */
void script_stop(struct script *s, const char *reason);

/* The merge found this pack at fault: its share was rolled back by the caller; degrade it and plan its
 * replay. */
void script_culprit(struct script *s, struct rpack *pk, const char *why);
/* The kernel refused statements of this pack (they stay withdrawn until they change). */
void script_refused(struct script *s, const char *pack, const char *why);
/* The transaction ended: discards what waited for the commit, tells Lua states (garbage collection step). */
void script_txn_end(struct script *s, bool committed);

/* Between transactions: collects garbage until then; true: there is more. */
bool script_tidy(struct script *s, uint64_t until_ns);

/* ---- rnm eval ---- */

struct operator
{                            /* whose an eval is */
	uint64_t key;        /* equal ones are one operator: the login session, else the connection */
	uint32_t uid, login; /* login: the uid that logged in (UINT32_MAX: not known) */
	int32_t pid;
};
struct eval_request {
	const char *pack; /* NULL: console */
	const char *code;
	size_t n;
	const char *note; /* what lists show of it; NULL: the code itself */
	bool dry;         /* the engine's: a plan in place of a commit */
	bool read_only;   /* whatever would change something raises; the engine undoes it in any case */
	bool colours;     /* values with SGR sequences; control bytes in what is printed are escaped then */
	struct operator who;
};
/* Values are printed into out, one a line. All or nothing: on -errno the caller rolls back. */
int script_eval(struct script *s, const struct eval_request *rq, struct buf *out, struct err *e);

/* An eval that stated, edited or kept something is an entry until it is taken back, or its pack is loaded
 * anew (then only its edits stay, which do so in the ruleset). */
struct eval_info {
	uint32_t id; /* counts up over all packs */
	const char *pack, *note;
	struct operator who;
	double time;      /* wall_s() */
	const char *text; /* what it holds, as commands of nft, one a line: "+ add rule …" */
};
/* Oldest first. Anywhere. */
void script_evals(const struct script *s, void (*fn)(void *ctx, const struct eval_info *i), void *ctx);

/* What could stand at the end of a text of Lua, or (text begins with ':') of a command of the prompt. Looks
 * only: runs no code, no metamethod, no transaction. */
struct completion {
	size_t from;       /* the words stand for the text from here on */
	VEC(char *) words; /* sorted; at most COMPLETIONS_MAX */
	uint32_t more;     /* so many were left out */
};
#define COMPLETIONS_MAX 300
void script_complete(struct script *s, const char *pack, const char *text, size_t n, struct completion *out);
void completion_free(struct completion *c);

enum undo_what { UNDO_LAST, UNDO_ID, UNDO_ALL };
struct undo_request {
	struct operator who;
	enum undo_what what;
	uint32_t n; /* UNDO_LAST: how many of who's own; UNDO_ID: which (only who's own) */
};
/* What the ruleset would be without them: later evals and all that others did since stay. One line a taken
 * eval, and below it what could not be taken back; or "undone". All or nothing, as script_eval(). */
struct answer;
int script_undo(struct script *s, const struct undo_request *rq, const struct answer *to, struct err *e);
/* Before ruleset_commit(), and before the end of a transaction that is rolled back (committed: false). */
void script_keep(struct script *s, bool committed);
/* A command of nft's language that adds, inserts or creates, or deletes elements: the console states it, and
 * it can be taken back as any eval. errs: what is wrong, at its place in the text; then the caller rolls
 * back. */
struct errlist;
int script_nft(struct script *s, const struct eval_request *rq, struct errlist *errs);

/* Bits NET_*: what hooks and queries of all packs need. Links are always needed. Outside a transaction as
 * well. */
unsigned script_kinds(const struct script *s);

enum pack_state {
	PACK_RUNNING,
	PACK_DEGRADED,
	PACK_FAILED,
	PACK_QUARANTINED,
	PACK_DISABLED,
	PACK_BACKING_OFF
};
const char *pack_state_name(enum pack_state s); /* "running" … */
struct pack_status {
	const char *name, *path, *last_error; /* last_error: NULL none */
	double last_error_at;                 /* wall_s() */
	int order;
	enum pack_state state;
	bool trusted;
	uint64_t calls, errors, time_ns;
	size_t memory;
	uint32_t hooks, blocks, eaches, timers, statements;
	const char *hook_names; /* "on_addr_change, on_start" */
	bool backs_off;         /* the kernel refused some of it, which is tried again */
	struct rpack_backoff backoff;
};
bool script_any_failed(const struct script *s); /* a pack that is configured is left out, or part of it */
void script_status(const struct script *s, void (*fn)(void *ctx, const struct pack_status *st),
	void *ctx); /* anywhere */

struct pack_place {
	const char *what; /* "main chunk", "on_addr_change", "block", "each", "timer", "eval", "map" */
	struct site site;
	bool held;
};
/* Whatever of the pack runs by itself: main chunk, blocks, each, hooks, timers. False: there is no such pack.
 */
bool script_places(const struct script *s, const char *name,
	void (*fn)(void *ctx, const struct pack_place *place), void *ctx);

/* What of a pack no file holds: for recordings. */
struct timer_info {
	const char *pack;
	struct site site;   /* where it was made */
	uint64_t at, every; /* mono_ns(); every 0: once */
};
void script_timers_each(const struct script *s, void (*fn)(void *ctx, const struct timer_info *t), void *ctx);
/* The pack's timers are due as t says: of each place in their order; those beyond t are cancelled. */
void script_timers_set(struct script *s, const char *pack, const struct timer_info *t, uint32_t n);
/* Each pack with the text that its rnm.state is kept as, and what pack_source() gave for it. */
void script_states(const struct script *s,
	void (*fn)(void *ctx, const char *pack, const char *state, uint64_t source), void *ctx);

/* Dotted names of everything that packs see (nft.table, chain:rule, …), sorted; NULL at the end. */
const char *const *script_api_names(void);
