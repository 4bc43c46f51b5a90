/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of script/ share. Nobody outside includes this.
 *
 *   pack     one policy: its Lua state, share of the ruleset, items
 *   subject  what a run is about and replaces: the main chunk, a block, a record of an `each`, an object of a
 * hook, an eval item     what a run makes and a later run replaces: block, each, hook, timer run      one
 * entry into Lua, one savepoint
 *
 * Items and subjects made or cancelled in a transaction are only freed when its journals commit, so that a
 * rollback finds everything again. Pointers to Lua values are lua_refs of the pack's VM. */
#pragma once

#include <lua.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "base/vec.h"
#include "script/script.h"
#include "script/vm.h"

enum event_id { /* in the order of their names: the rank of a hook's rules */
	EV_ADDR,
	EV_LEASE,
	EV_LINK,
	EV_MESSAGE,
	EV_NEIGH,
	EV_NFT,
	EV_RELOAD,
	EV_RESYNC,
	EV_ROUTE,
	EV_RULE,
	EV_START,
	EV_STOP,
	EV_COUNT
};
const char *event_name(enum event_id ev);    /* "addr_change" */
int event_find(const char *name, size_t n);  /* -1: none */
const char *event_suggest(const char *name); /* NULL: nothing like it */
int event_kind(enum event_id ev);            /* enum net_kind, or -1 */
const char *hook_what(enum event_id ev);     /* "on_addr_change" */

enum run_kind {
	RUN_MAIN,
	RUN_BLOCK,
	RUN_EACH,
	RUN_HOOK,
	RUN_LIFECYCLE,
	RUN_MESSAGE,
	RUN_TIMER,
	RUN_EVAL,
	RUN_MAP
};

enum item_kind { ITEM_BLOCK, ITEM_EACH, ITEM_HOOK, ITEM_TIMER };

struct subject;
struct pstate;
struct file;

struct item {
	enum item_kind kind;
	uint32_t refs;         /* the pack's, and one per handle in Lua */
	bool gone;             /* cancelled; for good once the transaction commits */
	struct pack *pk;       /* NULL: destroyed, only handles are left */
	struct subject *owner; /* whose run made it; NULL: the pack itself */
	uint64_t order;
	uint32_t site;
	struct lua_ref fn;
};

enum dep_kind { DEP_QUERY, DEP_FILE, DEP_STATE };
struct dep { /* something that a block or record read */
	enum dep_kind kind;
	bool old; /* of the run before; not asked for again yet */
	struct subject *sub;
	struct dep *next; /* of the subject */
	struct query *q;
	struct query_sink sink;
	struct file *file;
	struct live_sink fsink;
	char *key;                   /* DEP_STATE: the entry at the top of rnm.state; NULL: all */
	struct dep *peer, **peer_at; /* DEP_STATE: list of the pack */
};

struct subject {
	struct pack *pk;
	enum scope_kind kind;
	struct item *item; /* NULL: main chunk, eval */
	struct scope *sc;  /* hooks: made with the first statement */
	struct net_key key;
	struct dep *deps;
	VEC(struct item *) made;                      /* by its last run; cancelled ones until the commit */
	VEC(char *) wrote;                            /* entries of rnm.state that the present run wrote */
	bool queued, stale, withdrawn, left, running; /* left: the record is no longer in the query */
	bool failed;
	unsigned fails;
	uint64_t retry_at;
};

struct block {
	struct item it;
	struct subject *sub;
	struct scope *parent;
	uint32_t seq; /* its place in the parent's run */
};
struct each {
	struct item it;
	struct query *q;
	struct query_sink sink;
	struct scope *parent;
	uint32_t seq;
	struct hmap recs; /* subject by key */
};
struct hook {
	struct item it;
	enum event_id ev;
	struct filters filters;
	unsigned actions;         /* bits of enum net_action; 0: all */
	unsigned times;           /* 1: not initial events, 2: only those; 0: all */
#define NO_EVENT (1u << 31)       /* in either of them: none at all */
	struct filter_alt *words; /* on_message: of topic; on_nft_change: of process; lifecycle: of reason */
	uint32_t n_words;
	bool initial; /* present objects have not been shown to it yet */
	bool global;  /* an on_NAME function */
	uint32_t rank;
	bool no_args;     /* its function takes none, so no event table is made */
	struct hmap objs; /* subject by key, of objects that something is stated for */
};
struct timer {
	struct item it;
	uint64_t at, period; /* mono ns; period 0: once */
};

struct run {
	struct pack *pk;
	enum run_kind kind;
	struct subject *sub;     /* NULL: nothing to state for */
	struct lua_ref *fn;      /* what is called */
	const char *what;        /* for messages */
	const struct item *item; /* RUN_TIMER: its own */
	uint64_t id;
	/* what the function gets: */
	enum event_id ev;
	const struct net_event *nev;
	enum net_action action;
	bool lifetimes, initial;
	bool read_only; /* an eval that may change nothing */
	const struct net_rec *rec;
	const char *reason, *topic;
	const struct nft_generation *gen; /* RUN_LIFECYCLE of on_nft_change */
	const char *const *kv;
	uint32_t n_kv;
	/* RUN_HOOK: where its subject is kept, made with the first statement */
	struct hook *hook;
	void *arg;
};

struct srctext { /* text of a module or template, kept for replays */
	char *name, *text;
	char *path; /* of a template, else NULL */
	size_t n;
};
struct sources {
	uint32_t refs;
	VEC(struct srctext) v;
};

#define ASKED       8
#define ASKED_PAIRS 6
struct asked { /* a query that the pack asked for lately (query_cache.c) */
	enum net_kind kind;
	uint8_t n;                                   /* 0: free */
	const char *k[ASKED_PAIRS], *v[ASKED_PAIRS]; /* addresses of strings of the state */
	struct lua_ref strings;                      /* a table that holds them, and the query at 0 */
};

struct pack {
	struct script *s;
	struct pack_spec spec; /* strings copied but files and config, which are borrowed */
	char *file;            /* how messages name its main file */
	struct rpack *rp;
	struct vm *vm; /* NULL: failed at start */
	struct subject *main;
	VEC(struct item *) items; /* every live item, in order */
	VEC(struct hook *) hooks[EV_COUNT];
	VEC(struct eval *) evals;   /* that hold something, the oldest first (evals.h) */
	struct subject *spare_eval; /* for the next one: nothing is stated in it */
	uint32_t eval_seq;
	VEC(struct scope *) lost;           /* made in what was rolled back; nobody states in them any more */
	VEC(struct subject *) queue, taken; /* out of date; taken: the round that runs now */
	struct run *run;                    /* inside Lua now */
	struct sources *src;
	struct pstate *st;
	struct dep *state_deps;
	VEC(struct query *) queries; /* kept so that asking again in a hook is a look-up */
	uint32_t next_query;
	struct asked asked[ASKED];
	uint32_t next_asked;

	enum pack_state state;
	bool strict;     /* any failing run fails the load or replay */
	bool strict_hit; /* one did */
	bool retired, refused, ran;
	bool carried; /* in a load: this one goes on, instead of a new one */
	bool frozen;  /* nothing of it runs */
	struct pack_hold *holds;
	uint32_t n_holds;
	char *last_error;
	double last_error_at;
	bool no_retry; /* its text does not compile: only a reload helps */
	uint64_t errors;
	unsigned fails;     /* replays in a row */
	uint64_t replay_at; /* 0: none */
	uint32_t n_failed;  /* subjects */
	uint32_t n_timers;
	struct outbox *box;
	uint32_t stmts_allowed; /* in the present run */
	char *hook_names;
	VEC(struct loaded *) loaded; /* texts of nft.load, the newest last */
};

struct replay {
	struct pack *old, *new; /* NULL: one that only comes, or only goes */
	bool asked;             /* by an operator, not by healing */
};

struct script {
	struct ruleset *rs;
	struct mirror *mirror;
	struct query_set *qs;
	struct script_ops ops;
	struct script_limits lim;
	char *state_dir;
	bool read_only;           /* state_dir */
	VEC(struct pack *) packs; /* in order; during a load the new ones */
	VEC(struct pack *) old;   /* during a load the ones before */
	bool loading, at_start;
	VEC(struct replay) replays;
	VEC(struct scope *)
	limbo; /* of packs that are gone; freed once the ruleset has let go of their statements */
	struct hmap lives, mixes;   /* interned live values */
	VEC(struct live *) lagging; /* q:map(fn) with records to be mapped anew */
	VEC(struct file *) files;
	uint64_t next_token;
	uint64_t order, run_ids, seq;
	unsigned needing; /* inside ops.need_kind(): events only feed queries */
	bool timers_dirty;
	uint32_t timers_from; /* the pack whose turn is next */
	bool hooks_initial;   /* some hook has not seen the present objects */
	struct err load_err;
	VEC(char *) template_dirs;
	struct eval *evaling;       /* of the open transaction */
	VEC(struct eval *) undoing; /* likewise */
	uint32_t eval_ids;
};

/* ---- pack.c ---- */
/* before: the one of this name that it follows on (state and, in a replay, source text); NULL: none. */
struct pack *pack_new(struct script *s, const struct pack_spec *spec, const struct pack *before, bool replay);
void pack_free(struct pack *pk, bool rpack_gone);
/* VM, libraries, main chunk, names of hooks; then its blocks and records. 0 or -errno with e. */
int pack_start(struct pack *pk, struct err *e);
/* Its start failed, and its share is rolled back: it stays known, with nothing. */
void pack_failed(struct pack *pk, const char *why);
void pack_close(struct pack *pk);                                                   /* VM and items */
int text_read(const char *path, size_t max, char **text, size_t *n, struct err *e); /* a regular file */
/* The whole share of this transaction is undone; the pack is replayed later. */
void pack_fault(struct pack *pk, const char *why);
void pack_degraded(struct pack *pk);
void pack_error(struct pack *pk, char *text); /* the last one; takes text */
int lua_require(lua_State *L);

/* ---- fail.c ---- */
void run_failed(struct run *r, int rc, struct err *e); /* frees e */
uint64_t backoff_ns(unsigned fails);

/* ---- place.c ---- */
const struct item *run_item(const struct run *r); /* what made it run; NULL: nothing of the kind */
bool run_held(const struct run *r);
void run_mark(const struct run *r);                          /* for the one who looks why the process died */
bool holds_whole(const struct pack_hold *holds, uint32_t n); /* no run of the main chunk, so none at all */
void pack_holds_set(struct pack *pk, const struct pack_hold *holds, uint32_t n);
void pack_held(struct pack *pk); /* it is known, with nothing: its main chunk is not to run */

/* ---- config_pack.c ---- */
void config_templates(lua_State *L, struct pack *pk); /* loads those of the configuration; raises */

/* ---- load_cache.c ---- */
void load_cache_free(struct pack *pk); /* what it keeps of loaded texts */

/* ---- script.c ---- */
struct pack *pack_named(const struct script *s, const char *name); /* NULL: none */

/* ---- replay.c ---- */
void put_in_order(struct script *s, struct pack *pk);
void replay_undo(struct script *s,
	uint32_t i); /* the old pack goes on; its journal and the new one's are rolled back */

/* ---- scope.c ---- */
struct subject *subject_new(struct pack *pk, enum scope_kind kind, struct item *item);
void subject_free(struct subject *sub, bool dropped); /* dropped: its scope is the ruleset's to free */
/* After a transaction: the scopes that it made and rolled back. */
void scopes_lost_free(struct script *s);
void subject_stale(struct subject *sub);
/* What it stated and made goes (journaled). */
void subject_withdraw(struct subject *sub);
/* One run with its savepoint. 0 or -errno, reported already by run_failed(). */
int run_do(struct run *r, lua_CFunction fn, struct err *e);
struct scope *run_scope(
	lua_State *L, struct pack *pk, const char *fn); /* raises where nothing can be stated */
struct scope *run_scope_now(struct run *r);             /* NULL: nothing to state for */
bool run_states_elements(const struct run *r);
void run_writes(lua_State *L, const struct pack *pk, const char *fn); /* raises in an eval that only reads */
bool pack_settle(struct pack *pk); /* one round; false: nothing was out of date */
void pack_unqueue(struct pack *pk, struct subject *sub);

/* ---- deps.c ---- */
void run_dep_query(struct pack *pk, struct query *q);
void run_dep_file(struct pack *pk, struct file *f);
void run_dep_state(struct pack *pk, const char *key); /* NULL: all of rnm.state */
void dep_free(struct dep *d);
void deps_begin(struct subject *sub);
/* A failed run keeps what the run before read as well: whatever changes of both is a reason to try again. */
void deps_end(struct subject *sub, bool ok);

/* ---- item.c ---- */
void item_init(struct pack *pk, struct item *it, enum item_kind kind,
	uint32_t site);                                  /* journaled; belongs to the run */
struct item **push_item(lua_State *L, const char *type); /* an empty handle; fill it with a reference */
void item_cancel(struct item *it);                       /* journaled, idempotent */
void item_unref(struct item *it);
void item_destroy(struct item *it); /* content goes; the struct with its last reference */
void each_fill(struct each *ea);    /* subjects for the present records; starts to follow */
struct subject *subject_find(const struct hmap *m, const struct net_key *key);
void subject_put(struct hmap *m, struct subject *sub);
uint64_t net_key_hash(const struct net_key *k);
const struct net_rec *rec_find(const struct mirror *m, enum net_kind kind, const struct net_key *key);

/* ---- hooks.c ---- */
void hooks_event(struct pack *pk, const struct net_event *ev);
void hooks_lifecycle(struct pack *pk, enum event_id ev, const char *reason);
void hooks_nft(struct pack *pk, const struct nft_generation *g);
unsigned hooks_message(struct pack *pk, const char *topic, const char *const *kv, uint32_t n);
void hooks_initial(struct script *s); /* shows the present objects to hooks that have not seen them */
void hooks_globals(
	lua_State *L, struct pack *pk); /* registers on_NAME functions; raises for one that is no event */
/* Registers the function at the top (popped) as the global handler of ev; may raise (memory). */
struct hook *hook_global(lua_State *L, struct pack *pk, enum event_id ev);
int lua_on(lua_State *L);
void need_kind(struct script *s, enum net_kind kind);

/* ---- timers.c ---- */
int lua_after(lua_State *L);
int lua_every(lua_State *L);
int lua_emit(lua_State *L);
struct outbox *outbox_ref(struct outbox *box); /* NULL: a new one */
void outbox_unref(struct outbox *box);
void timers_run(struct script *s, uint64_t now);
void timers_arm(struct script *s);

/* ---- live.c ---- */
struct live *live_query(struct script *s, struct query *q,
	const struct net_field *field); /* field NULL: natural. One reference */
enum live_sel_kind { SEL_NATURAL, SEL_FIELD, SEL_FN };
/* The function (or functions) of stack index fn (0: none) over q, as a value or as key and data. Raises. One
 * reference. */
struct live *live_map(lua_State *L, struct pack *pk, struct query *q, int key, int data);
void live_ready(lua_State *L, struct live *l); /* maps the present records, before it is used. May raise */
void live_settle(struct script *s);            /* maps what changed */
struct query *live_base(const struct live *l); /* borrowed; NULL: a file */
const struct net_field *live_field(const struct live *l); /* NULL: natural, or a function */
bool live_mapped(const struct live *l);                   /* not the records themselves */
struct file *live_file(const struct live *l);             /* NULL: a query */
void live_ref(struct live *l);
void live_put(struct live *l);
void live_pack_gone(struct script *s, struct pack *pk);
void lives_orphan(struct script *s); /* the ruleset may hold some for longer than script lives */
/* The i-th value of a mapped query that is a function's: from its cache. */
bool live_fn_value(struct live *l, const struct net_rec *r, const struct val **v, uint32_t *n);
void rec_val(const struct net_rec *r, const struct net_field *f,
	struct val *out); /* VAL_NIL: absent; lists for sets of flags */

struct sinks {
	VEC(struct live_sink *) v;
	unsigned walking;
};
void sinks_add(struct sinks *k, struct live_sink *s);
bool sinks_del(struct sinks *k, struct live_sink *s); /* true: none is left */

/* live_ops.first by way of each(): live_first takes the first key that fits into *out, which begins as
 * VAL_NIL. */
struct live_first {
	int family;
	struct val *out;
};
void live_first(void *first, const struct val *key, const struct val *data);
void sinks_push(struct sinks *k, int sign, const struct val *key, const struct val *data);
void sinks_reset(struct sinks *k);
void sinks_free(struct sinks *k);

/* ---- file.c ---- */
int lua_file(lua_State *L);
void file_attach(struct file *f, struct obj *set);
uint32_t file_count(struct file *f);
const char *file_line(struct file *f, uint32_t i, size_t *n);
void file_changed(struct script *s, uint64_t token);
void files_orphan(struct script *s); /* as lives_orphan() */

/* ---- state.c ---- */
struct pstate *pstate_open(struct script *s, const char *name); /* reads the file */
struct pstate *pstate_ref(struct pstate *st);
void pstate_put(struct pstate *st); /* the last one saves */
const struct snode *pstate_root(const struct pstate *st);
void pstate_save_due(struct pstate *st, uint64_t now, uint64_t *next);
void lua_state_open(lua_State *L);                        /* pushes rnm.state */
void state_value(lua_State *L, int idx, struct buf *out); /* prints the part behind a userdata of it */
/* Pushes a plain copy of the part of rnm.state at idx, which counts as read; false: it is no such part. */
bool state_plain(lua_State *L, int idx);
/* The same, but kept as the part's user value 1, for code that may not raise. */
void state_keep(lua_State *L, int idx);
/* ---- state_text.c ---- */
enum snode_kind { SN_BOOL, SN_INT, SN_REAL, SN_STRING, SN_TABLE };
struct state_key {
	char *s; /* NULL: the number */
	size_t n;
	int64_t i;
};
struct sentry {
	struct state_key key;
	struct snode *val;
};
struct snode {
	enum snode_kind kind;
	uint32_t refs;
	bool b;
	int64_t i;
	double d;
	char *s;
	size_t n;
	VEC(struct sentry) e; /* sorted */
};
#define STATE_DEPTH 16
#define STATE_BYTES (1u << 20)
struct snode *snode_new(enum snode_kind kind);
void snode_put(struct snode *n);
int state_key_cmp(const struct state_key *a, const struct state_key *b);
uint32_t snode_find(const struct snode *t, const struct state_key *k, bool *found);
size_t snode_bytes(const struct snode *n);
void state_print(const struct snode *root, struct buf *out);
struct snode *state_parse(const char *text, size_t n, struct err *e);

/* ---- print.c ---- */
/* top: a text stands as it is, and a handle or query with what is behind it. Never raises. */
void print_value(lua_State *L, int idx, bool top, bool colours, struct buf *out);
void print_safe(const char *s, size_t n, struct buf *out); /* without what could move a terminal */

/* ---- lua_type.c: the metatables of what packs see ---- */
enum tag { /* of a userdata, or of a table that has a meaning to us */
	TAG_NONE,
	TAG_TABLE,
	TAG_CHAIN,
	TAG_SET,
	TAG_MAP,
	TAG_OBJECT,
	TAG_FLOWTABLE,
	TAG_LIVE,
	TAG_VALUE,
	TAG_BLOCK,
	TAG_HANDLE,
	TAG_STATE,
	TAG_LOAD,
	TAG_BUF,
	TAG_READONLY,
	TAG_RECORD /* + enum net_kind */
};
struct luaL_Reg;
/* Pushes nothing. methods: what `x:name()` finds (after own fields, by index()), the rest is an error with a
 * suggestion. */
void type_new(lua_State *L, const char *name, enum tag tag, const struct luaL_Reg *meta,
	const struct luaL_Reg *methods);
void type_set(lua_State *L, const char *name);                         /* of the value at the top */
enum tag type_tag(lua_State *L, int idx);                              /* never raises */
void *type_check(lua_State *L, int idx, enum tag tag, const char *fn); /* self of a method; raises */
/* A method by its name, or an error: for __index functions that have fields of their own. Upvalue 1 holds the
 * methods. */
int type_method(lua_State *L, const char *type);
struct buf *push_buf(lua_State *L);           /* an empty buffer that the collector frees */
int replace_buf(lua_State *L, struct buf *b); /* the buffer at the top by its text; 1 */
void strict_table(lua_State *L,
	const char *name); /* the table at the top: unknown fields are errors with a suggestion */

/* ---- lua_*.c: each pushes or registers what packs see ---- */
void lua_event_open(lua_State *L); /* metatables of records */
void push_record(lua_State *L, const struct net_rec *r);
void push_event(lua_State *L, const struct run *r);
void push_field(lua_State *L, const struct net_field *f, const struct net_val *v);
int record_kind(lua_State *L, int idx); /* enum net_kind of a record table, or -1 */

void lua_net_open(lua_State *L);
void lua_nft_open(lua_State *L);
uint32_t site_here(lua_State *L, struct pack *pk); /* interned place of the pack's innermost function */
void lua_query_open(lua_State *L); /* lua_query.c: the values that net.addrs{…} and rnm.file() give */
/* Pushes the query of these filters (taken) as a value. */
int push_query(lua_State *L, struct pack *pk, struct filters *fs);
/* Reading: raises where that is no reading's place, else binds the running block or record. */
void read_query(lua_State *L, struct pack *pk, struct query *q, const char *fn);
struct live *to_live(lua_State *L, int idx);  /* NULL: none */
void push_live(lua_State *L, struct live *l); /* adds a reference */
struct live **push_live_box(lua_State *L);    /* an empty one: fill in a reference */
/* A filter table's fields into fs; a hook's own (action, topic, reason) into h when it is not NULL. -EINVAL.
 * Never raises. */
int filters_from(lua_State *L, int idx, struct filters *fs, struct hook *h, struct err *e);
bool words_match(const struct filter_alt *alt, uint32_t n, const char *text);
void words_free(struct filter_alt *alt, uint32_t n);

/* lua_value.c, lua_nftval.c. None of these raises or leaves anything on the stack. */
enum {
	VALUE_ELEM = 1,
	VALUE_MAP = 2
}; /* an element: an array concatenates; a table is a map whatever its keys */
#define VALUE_ITEMS_MAX (1u << 20)
int value_of(lua_State *L, int idx, unsigned how, struct val *out, struct err *e);
/* The string at idx as a value that lives as long as the string does and is not freed. */
int value_lend(lua_State *L, int idx, struct val *out, struct err *e);
bool value_is_plain(lua_State *L, int idx); /* a table that is no record and no read-only one */
int duration_of(lua_State *L, int idx, const char *what, uint64_t *ms, struct err *e);
int prefix_of(lua_State *L, int idx, struct ipprefix *out, bool *bare, struct err *e);
void lua_value_open(lua_State *L);
const struct val *to_value(lua_State *L, int idx);
void push_val(lua_State *L, const struct val *v);      /* as Lua sees a mapped value */
void push_value_of(lua_State *L, const struct val *v); /* a copy, as nft.prefix() and its like give one */

void lua_rnm_open(lua_State *L);
int lua_config(lua_State *L);
/* The table behind a read-only one is pushed, or false. */
bool readonly_unwrap(lua_State *L, int idx);
void readonly_make(lua_State *L); /* replaces the table at the top */
/* Pushes the value of a field by raw walking; never raises, pushes nil when there is none. */
void raw_field(lua_State *L, int idx, const char *name);

/* query_cache.c: net.KIND{…} of the filter table at idx, when it was asked for lately */
bool query_cache_push(lua_State *L, struct pack *pk, enum net_kind kind, int idx);
/* Keeps the query at the top of the stack as the answer. */
void query_cache_keep(lua_State *L, struct pack *pk, enum net_kind kind, int idx);
void query_cache_free(struct pack *pk);
