/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The desired ruleset: statements of packs (journaled), the merged objects derived from them, and what the
 * kernel acknowledged. One ruleset for the life of the daemon: reload and replay retire the old pack and
 * state the new one in the same transaction, and a rollback of the journals brings the old back.
 *
 *   rpack    a pack's share: its scopes, edits, journal
 *   scope    the statements of one run's subject: main chunk, a block, an `each` record, a hook's object
 *   stmt     one thing stated: a declaration, a rule, elements, a live list
 *   obj      a table, chain, set or map by name: merged from its declarations
 *   contrib  the elements that one contributor (a statement, a live list, a pack's edits) holds in a set
 *
 * Call order in a transaction: ruleset_begin → scope_run_begin / state_* / scope_run_end, edit_*, … →
 * ruleset_merge → (plan.h) plan_make, commit, plan_ack → ruleset_commit or ruleset_rollback. */
#pragma once

#include "base/err.h"
#include "base/journal.h"
#include "nft/lang.h"
#include "nft/live.h"
#include "nft/object.h"

struct ruleset;
struct rpack;
struct scope;
struct obj;

enum obj_kind {
	OBJ_TABLE,
	OBJ_CHAIN,
	OBJ_SET, /* maps too, with NFT_SET_MAP */
	OBJ_FLOWTABLE,
	OBJ_STATEFUL, /* + NFT_OBJECT_*: each type of object has names of its own */
};

/* Where in a policy something was said. */
struct site {
	const char *file; /* interned by ruleset_site() */
	uint32_t line;
};

struct ruleset *ruleset_new(void);
void ruleset_free(struct ruleset *rs);

uint32_t ruleset_site(struct ruleset *rs, const char *file, uint32_t line); /* interned; 0 is "unknown" */
struct site ruleset_site_get(const struct ruleset *rs, uint32_t site);

/* ---- packs ---- */

/* order: API.md §3; equal orders go by name. `config` is -1, `console` UINT16_MAX. The pack has no statements
 * yet. */
struct rpack *rpack_new(struct ruleset *rs, const char *name, int order);
const char *rpack_name(const struct rpack *pk);
struct journal *rpack_journal(struct rpack *pk); /* script/ pushes timers, emits and state here as well */
/* Withdraws all that old holds (journaled in old's journal) and passes lasting edits on to heir (NULL: drops
 * them). After ruleset_commit() old is freed; after a rollback old is as before and heir must be dropped by
 * the caller. */
void rpack_retire(struct rpack *old, struct rpack *heir);
void rpack_drop(
	struct rpack *pk); /* a pack whose journal is rolled back to 0 and that holds nothing; frees it */
/* Undo of one pack, to a savepoint (rpack_mark) or of its whole share (0). Merged state is derived anew by
 * the next merge. Undoing the whole share of a heir brings back the pack that it was to replace. */
uint32_t rpack_mark(const struct rpack *pk);
void rpack_rollback(struct rpack *pk, uint32_t mark);

/* ---- objects ---- */

/* Interned by (kind, family, table, name); table NULL for OBJ_TABLE. One reference for the caller. Never
 * fails: names are checked by nft_name_check() before. */
struct obj *obj_get(
	struct ruleset *rs, enum obj_kind kind, uint8_t family, const char *table, const char *name);
struct obj *obj_find(struct ruleset *rs, enum obj_kind kind, uint8_t family, const char *table,
	const char *name); /* no reference; NULL: unknown */
void obj_ref(struct obj *o);
void obj_put(struct obj *o);
enum obj_kind obj_kind(const struct obj *o);
const char *obj_kind_word(enum obj_kind kind); /* "chain", "flowtable", "ct helper", …; "set" for maps too */
uint8_t obj_family(const struct obj *o);
const char *obj_table(const struct obj *o); /* a table's own name for OBJ_TABLE */
const char *obj_name(const struct obj *o);
struct obj *obj_table_obj(struct obj *o); /* borrowed; itself for a table */
/* The set's type as the statements of now say it, also in the middle of a transaction. NULL: nobody gave a
 * type yet. */
const struct set_info *obj_set_info(struct obj *o);

/* ---- declarations ---- */

enum {
	SPEC_FLAGS = 1 << 0,
	SPEC_COMMENT = 1 << 1,
	SPEC_TYPE = 1 << 2,
	SPEC_HOOK = 1 << 3,
	SPEC_PRIORITY = 1 << 4,
	SPEC_POLICY = 1 << 5,
	SPEC_DEVICES = 1 << 6,
	SPEC_DATA = 1 << 7,
	SPEC_TIMEOUT = 1 << 8,
	SPEC_GC = 1 << 9,
	SPEC_SIZE = 1 << 10,
	SPEC_AUTO_MERGE = 1 << 11,
	SPEC_OBJECT = 1 << 12,
	SPEC_STATEFUL = 1 << 13,
	SPEC_ADOPT = 1 << 15,  /* tables: one of this name that is there is taken over */
	SPEC_ATTACH = 1 << 14, /* of somebody else's table, which is not stated with it; flags: NFT_SET_MAP */
};

#define TABLE_F_PERSIST 4u /* NFT_TABLE_F_PERSIST, newer than the headers this is built with */

/* What one declaration gives; fields left out are not in `given`. Reference counted, immutable once stated.
 */
struct spec {
	uint32_t refs, given;
	uint32_t flags; /* NFT_TABLE_F_*, NFT_SET_* (NFT_SET_MAP set by t:map()), NFT_FLOWTABLE_* */
	char *comment;
	char chain_type[16];       /* "filter", "nat", "route" */
	char *hook, *priority;     /* text, checked: resolved by the table's family */
	int32_t policy;            /* NF_ACCEPT, NF_DROP; for sets NFT_SET_POL_* */
	struct val devices;        /* VAL_LIST of strings, or VAL_LIVE */
	struct nft_type key, data; /* SPEC_TYPE, SPEC_DATA */
	char *typeof_text; /* with SPEC_TYPE: how it was said, "ip saddr", "KEY : DATA"; NULL: by `type` */
	uint64_t timeout_ms, gc_ms;
	uint32_t size;
	bool auto_merge;
	uint32_t obj_type;          /* maps to objects: NFT_OBJECT_*, with SPEC_DATA */
	struct object_want *object; /* owned, its comment is this spec's */
	char *stateful;             /* sets: statements of each element, as stateful_parse() takes them */
};
struct spec *spec_new(void);
struct spec *spec_ref(struct spec *s);
void spec_put(struct spec *s);

/* ---- scopes and runs ---- */

enum scope_kind { SCOPE_MAIN, SCOPE_BLOCK, SCOPE_EACH, SCOPE_HOOK };

/* parent NULL: the pack's own level. seq: the call's place in the parent's run (state_seq()), for hooks a
 * rank after the main chunk (by hook name, then registration). key: the record's key (net_key bytes), orders
 * `each` records and hook objects. */
struct scope *scope_new(struct rpack *pk, enum scope_kind kind, struct scope *parent, uint32_t seq,
	const void *key, size_t key_len);
enum scope_kind scope_kind(const struct scope *sc);
/* For whoever asks where something was said: a static text ("on_addr_change"), and where the block, `each` or
 * hook itself stands. */
void scope_tell(struct scope *sc, const char *what, uint32_t site);
/* Begins a run: what is stated from now on replaces what the last run stated. Nothing is withdrawn yet. */
void scope_run_begin(struct scope *sc);
/* ok: what was not stated again is withdrawn (journaled). !ok: the caller has rolled the pack back to its
 * savepoint, which restored all statements; only the run's marks are cleared. */
void scope_run_end(struct scope *sc, bool ok);
void scope_withdraw(struct scope *sc); /* all its statements, journaled */
/* Frees the scope once its withdrawal is committed (it may be revived by a rollback before): withdraws what
 * is left. */
void scope_drop(struct scope *sc);
/* Between transactions, for one without statements whose making was rolled back: freed at once. */
void scope_free(struct scope *sc);
bool scope_running(const struct scope *sc);
uint32_t state_seq(
	struct scope *sc); /* takes the next place in this run, for a block or `each` that is made here */
uint32_t scope_stmts(
	const struct scope *sc); /* how many statements it holds (limits per pack: rpack_stmts()) */
uint32_t rpack_stmts(const struct rpack *pk);

/* ---- statements: only between scope_run_begin and scope_run_end ---- */

/* Something equal that the last run stated, from the cursor on, is revived with its origin and kernel handle:
 * an idle re-run changes nothing. The object's table is stated along (with an empty spec). The same (object,
 * spec) twice in a run is once. */
void state_decl(struct scope *sc, struct obj *o, struct spec *spec, uint32_t site);

struct rule_param {
	char *name;
	struct val val;
};
struct params { /* reference counted, immutable */
	uint32_t refs, n;
	struct rule_param p[];
};
struct params *params_new(uint32_t n); /* refs 1, values VAL_NIL */
void params_put(struct params *p);

/* Takes neither ast nor params (adds references). params may be NULL. The chain is declared along, if only by
 * name. -EINVAL: a $name without a value (with a proposal). Everything else is found at the merge. */
int state_rule(struct scope *sc, struct obj *chain, struct ast_rule *ast, struct params *params, bool insert,
	uint32_t site, struct err *e);

struct elem_in {                      /* one element as a policy gives it; borrowed */
	const struct val *key, *data; /* data NULL: a set's element */
	uint64_t timeout_ms;          /* 0: none */
	const char *comment;
	const char *stateful; /* statements of its own, as stateful_parse() takes them; NULL: the set's */
};
/* set:add() and `elements = {…}` in a run. All or none: -EINVAL, message names the value. Where the type is
 * not known yet the values are kept and checked at the merge. */
int state_elems(struct scope *sc, struct obj *set, const struct elem_in *els, uint32_t n, uint32_t site,
	struct err *e);
struct elem_src { /* elements one after the other */
	int (*next)(
		void *ctx, struct elem_in *out, struct err *e); /* 1: out, until the next call; 0: no more */
	void *ctx;
};
struct elem_array { /* a source's ctx, for elem_array_next() */
	const struct elem_in *in;
	uint32_t n;
};
int elem_array_next(void *ctx, struct elem_in *out, struct err *e);
/* The same of a list of any length. replace: what this run stated of the set before is taken back. -ENOTSUP:
 * the set has no type yet. After an error, src's too, nothing is done. */
int state_list(struct scope *sc, struct obj *set, const struct elem_src *src, bool replace, uint32_t site,
	struct err *e);
/* `elements = q`, set:follow(q), map:follow(): kept equal to the live value as long as it is stated. */
void state_live(struct scope *sc, struct obj *set, struct live *live, uint32_t site);
/* set:del()/set:replace() within a run acts on this run's own statements. -ENOENT, or -EPERM with "held by
 * PACK, file:line". */
int state_elem_del(struct scope *sc, struct obj *set, const struct val *key, struct err *e);
int state_elems_replace(struct scope *sc, struct obj *set, const struct elem_in *els, uint32_t n,
	uint32_t site, struct err *e);

/* ---- edits: hooks, messages, timers, console ---- */

/* lasting: survives reload and replay (messages, timers). -EINVAL: bad value, message names it, nothing
 * taken; -EAGAIN: the set has no type yet. */
int edit_add(struct rpack *pk, struct obj *set, const struct elem_in *els, uint32_t n, bool lasting,
	uint32_t site, struct err *e);
int edit_del(struct rpack *pk, struct obj *set, const struct val *key,
	struct err *e); /* -ENOENT; -EPERM "held by PACK, file:line" */
int edit_replace(struct rpack *pk, struct obj *set, const struct elem_src *src, bool lasting, uint32_t site,
	struct err *e);
/* The live value's content as of the commit; said again later it costs the delta since. */
void edit_replace_live(struct rpack *pk, struct obj *set, struct live *live, bool lasting, uint32_t site);
/* In the union of all layers? 1, 0 or -EINVAL. */
int set_has(struct obj *set, const struct val *key, struct err *e);

/* ---- lasting edits as texts: edit_list.c ---- */

struct kept_edit {
	struct obj *set;              /* of rpack_edits() */
	const char *key, *data;       /* data NULL: a set's */
	const char *comment;          /* NULL: none */
	uint64_t timeout_ms, left_ms; /* 0: it does not end */
};
void rpack_edits(const struct rpack *pk, void (*fn)(void *ctx, const struct kept_edit *k), void *ctx);
/* Makes one again, whose time begins now. set: "FAMILY TABLE NAME". In a transaction. */
int rpack_edit(struct rpack *pk, const char *set, const struct kept_edit *k, struct err *e);

/* ---- taking edits back: takeback.c ---- */

/* What one transaction made of a pack's edits, element by element, so that it can be taken back later while
 * what others did since stays. */
struct edit_log;
/* Of the open transaction, before ruleset_commit(). NULL: it edited nothing. -E2BIG: more than max elements;
 * nothing is kept. */
int edit_log_take(struct rpack *pk, uint32_t max, struct edit_log **out, struct err *e);
bool rpack_edited(const struct rpack *pk); /* the open transaction edits something */
void edit_log_free(struct edit_log *l);
uint32_t edit_log_count(const struct edit_log *l);
/* From now on (true) edits that change nothing are remembered in the journal as well: while logs are kept. */
void edit_log_watch(struct rpack *pk, bool on);
/* The open transaction, of somebody without a log, edited what it edited: older logs leave that alone. Before
 * ruleset_commit(). */
void edit_log_over(struct rpack *pk, struct edit_log *const *logs, uint32_t n);
/* Journaled. later: the logs of the same pack that came behind it. *kept: elements that were edited again
 * since and stay as they are. */
void edit_log_back(struct edit_log *l, struct rpack *pk, struct edit_log *const *later, uint32_t n,
	uint32_t site, uint32_t *kept);
/* It was taken back and that is committed: later ones go back to what was before it. */
void edit_log_forget(struct edit_log *l, struct edit_log *const *later, uint32_t n);
/* Of all logs of a pack (n, the oldest first; NULL ones are skipped) what the i-th made that still counts, as
 * commands of nft, one a line: "+ add element inet t s { … }". */
void edit_log_text(struct edit_log *const *logs, uint32_t n, uint32_t i, struct buf *out);
/* A scope's statements likewise; what waits for something says for what. */
void scope_text(const struct scope *sc, struct buf *out);
bool scope_adds_nothing(const struct scope *sc); /* it only names what others state */
bool scope_only_names(
	const struct scope *sc); /* so far its present run says nothing of any object but the name */

/* ---- transaction ---- */

/* event: one line that says what the transaction is for ("addr add 203.0.113.7/24 dev eth0"); kept while
 * anything names it. */
uint32_t ruleset_begin(struct ruleset *rs, const char *event);
/* The run that edits from now on belong to: a static text ("on_message"); NULL: none. */
void ruleset_run(struct ruleset *rs, const char *what);
/* Better than the event's line, and made text only when somebody asks. */
struct event_note_ops {
	void (*text)(void *ctx, struct buf *out);
	void (*free)(void *ctx);
};
struct event_note {
	const struct event_note_ops *ops;
	void *ctx;
};
bool ruleset_event_named(const struct ruleset *rs); /* something of this transaction names its event */
void ruleset_event_note(struct ruleset *rs, const struct event_note *note); /* takes it */

/* Derives the merged state of what is dirty: declarations, code of rules, elements of sets that got a type,
 * deferred replace(). -EINVAL: *culprit (two packs in conflict: the later one; a bad rule: its pack) must be
 * rolled back wholly by the caller, then merge again. */
int ruleset_merge(struct ruleset *rs, struct rpack **culprit, struct err *e);
void ruleset_commit(struct ruleset *rs);   /* all journals; after plan_ack(), or when the plan was empty */
void ruleset_rollback(struct ruleset *rs); /* all journals, all packs; call ruleset_merge() after it */

/* ---- owner ---- */

/* Whether own tables get the kernel's flags `owner` and `persist`, so that nobody else can change them while
 * this process runs. A table that is there is made anew for it, unless it had them once. */
void ruleset_owner(struct ruleset *rs, bool owner);
/* Does what is stated want these flags, and nobody has told yet whether the kernel takes them? Then tell, and
 * merge again: without `persist` tables are made without either. */
bool ruleset_owner_asked(const struct ruleset *rs);
void ruleset_owner_can(struct ruleset *rs, bool can);
/* Tables that are stated and wait because another process owns them. look: they are read again. Returns how
 * many. */
unsigned ruleset_owned(struct ruleset *rs, bool look);

/* Rules that name devices by their index, or control groups by their number: who knows the index of a device
 * (0: it is not there; NULL: the kernel is asked), that such a number may be another one now, and whether a
 * rule waits for a control group, of which nobody tells. */
void ruleset_ifindex(struct ruleset *rs, uint32_t (*fn)(void *ctx, const char *name), void *ctx);
void ruleset_outside_moved(struct ruleset *rs);
/* Do rules name control groups; and is one of these another one now, or there, or gone? Then
 * ruleset_outside_moved(). */
bool ruleset_groups_named(const struct ruleset *rs);
bool ruleset_groups_moved(const struct ruleset *rs);

/* ---- what the kernel refused (backoff.h) ---- */

void ruleset_backs_off(struct ruleset *rs); /* from now on; else what was refused waits until it changes */
uint64_t ruleset_next_retry(const struct ruleset *rs); /* boot_ms when it is tried again; 0: nothing is */
/* In a transaction, and after its commit: what is due is tried again. */
void ruleset_retry(struct ruleset *rs);
void ruleset_retry_end(struct ruleset *rs);
struct rpack_backoff {
	unsigned tries;
	uint64_t next_ms; /* until the next one */
	bool holds;       /* what it states anew waits until then */
};
bool rpack_backoff(const struct rpack *pk, struct rpack_backoff *out); /* false: nothing of it waits so */

/* ---- taking over ---- */

/* In a transaction: the table of this name, which is somebody else's and which policies state, is to be
 * rnm's. It is read by the read back that follows, and what nobody states goes. -errno: it can not be. */
int ruleset_adopt(struct ruleset *rs, uint8_t family, const char *table, struct err *e);
/* After it. undo: it was not committed; merge again. */
void ruleset_adopt_end(struct ruleset *rs, uint8_t family, const char *table, bool undo);

/* ---- reading ---- */

struct pending {
	const struct obj *obj; /* the chain of a rule, the set, … */
	uint32_t n;            /* how many; more than one only of elements of one set */
	const char *pack;
	struct site site;
	const char *why; /* "set @x is not stated by any pack"; borrowed */
	bool refused;    /* by the kernel */
	bool unstated; /* a name nobody states: rnm check exits 1 (false: an empty live value, absent device)
			*/
};
void ruleset_pending(struct ruleset *rs, void (*fn)(void *ctx, const struct pending *p), void *ctx);
/* Desired state as `nft list ruleset` would print it (stable order: tables, then sets, chains). what NULL:
 * all; else "FAMILY TABLE" or "FAMILY TABLE NAME". -ENOENT with a suggestion. */
int ruleset_text(struct ruleset *rs, const char *what, struct buf *out, struct err *e);
/* A line each: "set inet t s: 3 elements". */
int ruleset_names(struct ruleset *rs, const char *what, struct buf *out, struct err *e);
uint64_t ruleset_elements(struct ruleset *rs, const char *what); /* about how many that would show */
/* What a pack states and holds by edits, one call each, as a text of one line. Tables, chains and sets that
 * are only named, and that others state too, are left out. */
void rpack_each(const struct rpack *pk, void (*fn)(void *ctx, struct site site, const char *what), void *ctx);
/* Everything that is wanted, in no order. */
void ruleset_each(struct ruleset *rs, void (*fn)(void *ctx, const struct obj *o), void *ctx);
/* The wanted elements of a set, as texts in sorted order. -ENOENT. */
int ruleset_set_elems(struct ruleset *rs, const char *what, void (*fn)(void *ctx, const char *text),
	void *ctx, struct err *e);
/* Milliseconds (boot_ms) when the next timed element ends in the kernel, 0: none. Then call ruleset_expire()
 * in a transaction. */
uint64_t ruleset_next_expiry(const struct ruleset *rs);
void ruleset_expire(struct ruleset *rs, uint64_t now_boot_ms);

struct ruleset_stats {
	uint32_t tables, chains, rules, sets, objects, flowtables, elements, pending, refused;
};
struct ruleset_stats ruleset_stats(const struct ruleset *rs);
