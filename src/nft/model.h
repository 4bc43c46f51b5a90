/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The structs behind ruleset.h and plan.h, internal to nft/. Three layers: statements (what packs said,
 * journaled), merged (what follows from them, derived anew whenever dirty, never journaled), have (what the
 * kernel acknowledged). */
#pragma once

#include "base/hash.h"
#include "nft/groups.h"
#include "nft/backoff.h"
#include "nft/past.h"
#include "nft/plan.h"

struct elem_raw { /* an element as a policy gave it; owned */
	struct val key, data;
	uint64_t timeout_ms;
	char *comment, *stateful;
};

struct scope_path { /* memcmp order is the order in a chain: pack rank, call, record key, call … */
	uint16_t n;
	uint8_t *b;
};

/* ---- elements (elems.c) ---- */

struct attr { /* immutable but for spent, reference counted; 0 is "no attributes" */
	uint32_t refs;
	uint16_t dlen;
	bool spent;             /* a timed statement whose time is over: wanted no more until it changes */
	uint64_t timeout_ms;    /* 0: permanent */
	uint64_t expires_at;    /* boot_ms */
	struct attr_rare *rare; /* comment, verdict, target, statements; NULL: none */
	union {
		uint8_t near[8], *far;
	} data; /* far: of more than 8 bytes */
};

struct member {           /* one contributor's hold on one element */
	uint32_t contrib; /* 0: none */
	uint32_t attr;
	uint32_t next;        /* in elem_table.more, 0: end */
	uint32_t count : 30;  /* live values may give one element several times */
	uint32_t found : 2;   /* of the first one: elem_found, until a transaction with a holder ends */
	uint32_t site : 19;   /* 0: the contributor's */
	uint32_t past : 12;   /* past.c's; 0: not known any more */
	uint32_t indexed : 1; /* in elem_table.holders */
};
#define SITE_MAX  0x7ffffu
#define PAST_MAX  0xfffu
#define COUNT_MAX 0x3fffffffu

enum {
	E_HAVE = 1,
	E_DIRTY = 2,
	E_PENDING = 4,
	E_REFUSED = 8,
	E_CATCHALL = 16,
	E_HELD = 32,
	E_USED = 64,
	E_REDO = 128
};

enum elem_found {
	FOUND_NOT,
	FOUND,       /* in the kernel, and nobody had stated it in this life */
	FOUND_TIMED, /* of an earlier life: if it is nobody's, an edit made it */
};

struct elem {
	struct member m;
	uint32_t hattr; /* what the kernel has */
	uint8_t flags;
	uint8_t key[]; /* klen, and klen again for interval tables */
};

struct ival { /* a normalised interval: from the key of one element to the end of another, which both stay
		 while it is had */
	uint32_t first, last, attr;
};

typedef VEC(struct ival) ivals;

struct expiry {
	uint64_t at;
	uint32_t elem;
} __attribute__((packed, aligned(4)));

struct elem_table { /* the elements of one set of one type, wanted and had */
	uint32_t refs;
	struct obj *set;
	struct set_info info;
	uint16_t klen, stride;
	bool interval; /* elements have an end */
	bool ranges;   /* one-dimensional intervals: normalised before they are sent (the kernel's rbtree) */
	bool split;    /* one element per operation, to find a refused one */
	bool full;     /* some were refused for want of room */
	uint8_t *rec;
	uint32_t n, cap, live, wanted, pending, refused;
	uint32_t tried; /* transaction in which refused elements were tried again */
	uint32_t *idx, idx_cap;
	uint8_t idx_bits;
	VEC(uint32_t) spare, dirty;
	VEC(struct member) more;
	VEC(uint32_t) more_spare;
	struct hmap holders; /* members of elements with many of them: index in more, + 1 */
	uint32_t targets;    /* attributes that name a chain or object */
	uint32_t stated;     /* attributes with statements of their own */
	VEC(struct attr) attrs;
	VEC(uint32_t) attr_spare;
	uint32_t *recent;            /* attr.c's */
	VEC(struct expiry) expiries; /* heap by time */
	uint32_t expiries_max;       /* more than so many: those of what was extended or went are taken out */
	ivals kernel;                /* ranges: what the kernel has, sorted */
	VEC(uint32_t) sorted;        /* ranges: all elements but the catch-all, in order, for plans */
	VEC(uint8_t) in_sorted;      /* a bit per element */
	bool sorted_holes;           /* some of sorted are no elements any more */
	struct elem_table *next;     /* obj.tables */
};

struct elem_delta {
	int sign;
	struct val key, data;
};

struct held {
	uint32_t elem, attr; /* attr: a reference */
};
struct elem_past {
	uint32_t elem, past;
};
typedef VEC(struct held) helds;
typedef VEC(struct elem_past) elem_pasts;

enum contrib_kind { C_STMT, C_LIVE, C_EDIT };
struct contrib {
	uint32_t id, at; /* at: in set->contribs */
	enum contrib_kind kind;
	bool on; /* counted in its table */
	bool lasting;
	struct rpack *pk;
	struct obj *set;
	struct elem_table *t; /* reference; NULL until the set has a type */
	struct stmt *st;      /* C_STMT, C_LIVE of a statement; NULL for edits and rules' own sets */
	uint32_t site, past;
	helds held;        /* C_STMT; C_EDIT while it is off */
	elem_pasts pasts;  /* C_STMT while it is off: of those that were not as old as itself; as held is
			      sorted */
	char *bad;         /* a value of the live source that is no element: an error at the merge */
	struct live *live; /* C_LIVE; C_EDIT: the base of replace(live) */
	struct live_sink sink;
	bool sinking;
	/* C_EDIT with a base: deltas since it was settled last */
	VEC(struct elem_delta) waiting;
	bool settle, filled;
	bool mixed;         /* edited by hand behind a replace(live) of the same transaction */
	struct contrib *as; /* C_STMT of another type than the set's of now: what it is in that one */
};

/* ---- statements ---- */

struct rcode { /* compiled rule, shared by its statement and by what the kernel has */
	uint32_t refs;
	struct code *code;
	char *text;
	char *comment;
};

struct autoset {              /* the set that holds a live list of rules */
	uint32_t refs, users; /* statements; those of them that are in force */
	struct auto_names *names;
	uint32_t number;
	struct rpack *pk; /* NULL: it is gone */
	struct obj *tab;
	struct live *live;
	struct obj *o; /* these two while there are users */
	struct contrib *c;
	bool refused;
	struct set_want want;
};
struct auto_use {
	char *param;
	struct autoset *a;
	bool on;
};

struct scalar_sink { /* a live value that stands as a scalar in a rule */
	struct live_sink sink;
	struct live *live;
	struct stmt *st;
};

enum stmt_kind { ST_DECL, ST_RULE, ST_ELEMS, ST_LIVE };
struct stmt {
	enum stmt_kind kind;
	bool active, listed, insert, refused, held, stale, was_disabled;
	bool outside; /* a rule that names a device, or a control group, by what is its number now */
	uint32_t site, sub, run, past;
	struct scope *sc;
	struct obj *o;
	uint64_t disabled; /* of rules: by whom, disabled.id; 0: it is in force */
	union {
		struct spec *spec;
		struct {
			struct ast_rule *ast;
			struct params *params;
			struct rcode *rc;
			struct rcode *kept; /* refused: what the kernel holds in its place meanwhile */
			char *why;          /* left out because of; NULL: in force */
			bool why_unstated;
			uint64_t id, sig; /* sig: rules_disabled.c's, 0: not needed yet */
			VEC(struct auto_use) autos;
			VEC(struct scalar_sink *) scalars;
		} rule;
		struct {
			struct contrib *c;
			uint64_t sig;             /* of the values as given: for revival */
			VEC(struct elem_raw) raw; /* until the type is known */
		} el;
		struct contrib *live;
	};
};

struct sref {
	struct stmt *st;
	uint32_t sub;
};
typedef VEC(struct sref) srefs;

struct scope {
	enum scope_kind kind;
	struct rpack *pk;
	struct scope_path path;
	srefs now, next;           /* what the last run stated; what this run states */
	uint32_t cursor, seq, run; /* run: 0 not running */
	const char *what;          /* "on_addr_change"; NULL: as its kind says */
	uint32_t site;             /* of the block, each or hook itself */
	bool dropped;
};

struct rpack {
	struct ruleset *rs;
	char *name;
	int order;
	uint16_t rank;
	bool retired, watched; /* watched: edits that change nothing are journaled too */
	struct rpack *heir;    /* of a retired one */
	struct journal log;
	uint32_t stmts;
	VEC(struct contrib *) edits;
	VEC(struct scope *) scopes;
	struct hmap autos;
	struct backoff backoff;
};

/* ---- objects ---- */

struct set_stmts { /* statements of elements; one for each text */
	struct ruleset *rs;
	uint32_t refs;
	char *text, *canon; /* as given, with single spaces; without counts, for comparing */
	struct exprs x;
};

struct krule {
	uint64_t handle, id; /* handle 0: not known */
	struct rcode *rc;
	bool gone;      /* this plan deletes it first, because something it names is made anew */
	bool unclaimed; /* found in the kernel, and nobody has stated it in this life */
};
typedef VEC(struct krule) krules;

struct chain_def {           /* an owned chain_want; of a flowtable: hook, priority, flags and devices */
	struct chain_want w; /* dev and comment are filled in when a plan borrows it */
	VEC(char *) dev;
	char *comment;
};

struct obj {
	enum obj_kind kind;
	uint8_t family;
	char *table, *name;
	uint64_t hash;
	uint32_t refs;
	struct obj *tab;
	struct ruleset *rs;
	VEC(struct obj *) members; /* tables: all that is in them */
	bool dirty, changed;       /* in rs->dirty (merge), in rs->changed (plan) */
	VEC(struct stmt *) decls, rules;
	struct stmt *last_decl;
	uint32_t last_run;
	uint32_t reached; /* chains: chain_place() of the base chains from which the graph's walk came */
	bool unsorted, recheck; /* chains: rules moved; it came, went or became another kind of chain */
	uint32_t flags_said;    /* sets that are filled: the flags that are stated */
	bool filling;
	bool filled;             /* sets: packets change its elements; chains: its rules do so */
	bool moved;              /* base chains: of another type or hook; the graph is to be looked at */
	bool any_disabled;       /* chains: rules of it are disabled */
	bool quiet;              /* chains: no rule waits or names anything */
	bool looked, going;      /* the end of the transaction looks at it; frees it */
	bool name_changed;       /* in rs->named; tables: something in them is */
	struct attach *attach;   /* sets of tables of others; stays while own elements are in them */
	struct autoset *autoset; /* this is the set of a rule's live list */
	struct live *dev_live;   /* chains and flowtables whose devices are live */
	struct live_sink dev_sink;
	VEC(struct contrib *) contribs; /* sets */
	struct elem_table *tables;      /* sets: of each type that is still in use */
	struct elem_table *elems;       /* of the present type */
	bool info_valid, typed;
	struct set_info info;
	uint64_t timeout_ms; /* what the kernel gives elements that are added without a timeout */
	/* merged */
	bool want;
	bool decl_refused; /* some declaration was refused by the kernel */
	bool untyped;      /* elements wait for a type */
	bool retyped;      /* elements may be of another type than the set */
	bool bad;          /* some contributor has a value that is no element */
	char *why;         /* why it is not wanted although stated; owned */
	struct table_want table_want;
	struct chain_def chain;
	struct set_want set;
	struct set_stmts *stmts;    /* a reference */
	struct object_want *object; /* NULL: nobody said what it is; its comment is the one below */
	char *comment;              /* of table_want, set or object */
	char *typeof_text;          /* of set */
	/* have */
	bool have, own_before, foreign, seen, recreate;
	bool unclaimed;  /* found in the kernel, and nobody has stated it in this life */
	uint8_t suspect; /* readback_impl.h's: what the kernel has may be otherwise */
	bool in_the_way; /* flowtables: deleted before anything is made */
	bool flags_wait; /* tables: they change when nothing in it is held any more */
	bool looked_at;  /* tables of others that are stated: read, to tell why they are in the way */
	uint32_t owner;  /* tables: port of another process that owns it, 0: none */
	bool marked;     /* tables with an owner: it is rnm's all the same */
	/* Tables that rnm did not make: */
	bool adopt, adopt_now;  /* it is to take it over: a spec says so, or an operator does now */
	bool adopted, has_mark; /* it did; the mark is a chain in it, which is there */
	bool odd_mark;          /* it can not: a chain of that name is somebody else's */
	uint64_t handle;        /* as it was read last */
	struct table_want table_have;
	struct chain_def chain_have;
	struct set_want set_have;
	struct set_stmts *stmts_have;
	struct object_want *object_have;
	bool object_read; /* object_have is what the kernel tells, and not what was asked for */
	char *comment_have;
	struct elem_table *elems_have; /* reference */
	krules krules;
	bool handles_stale;
	/* graph.c: */
	bool on_path, walked;
	unsigned depth; /* chains: jumps from here on, and itself; 0 not known */
};

struct disabled_rule { /* as struct disabled, of own tables */
	uint64_t id, sig;
	uint8_t family;
	uint32_t nth;
	char *table, *chain, *pack;
};

struct ruleset {
	struct hmap objs, site_map, files;
	struct hmap stmts; /* set_stmts by text */
	VEC(struct auto_names *) auto_names;
	VEC(struct site) sites;
	uint32_t last_site;    /* that was asked for */
	VEC(struct obj *) all; /* in order of making */
	VEC(struct obj *) dirty, changed;
	VEC(struct obj *) named; /* came, went or changed their type since the last merge that succeeded */
	struct hmap said;        /* statements of elements that runs of this transaction made */
	VEC(struct rpack *) packs;
	VEC(struct contrib *) contribs;
	VEC(uint32_t) contrib_spare;
	VEC(struct elem_table *) timed; /* references: those with expiries */
	VEC(struct stmt *) dead;        /* withdrawn in this transaction: freed at its end */
	VEC(struct scope *) scopes_dropped;
	VEC(struct contrib *) settling; /* replace(live) of this transaction */
	VEC(struct contrib *) edits_dead;
	bool retyped; /* a set has another type than before: its edits are looked at */
	VEC(struct rpack *) retired;
	VEC(struct disabled_rule) disabled;
	uint64_t now; /* boot_ms of the transaction */
	uint32_t txn, runs;
	uint64_t rule_ids;
	char *event;
	struct pasts pasts;
	bool hold_deletes;
	bool adopting;                 /* elements of an earlier life may be nobody's now */
	bool suspects;                 /* some obj.suspect is set */
	bool outside;                  /* some stmt.outside was */
	VEC(struct group_seen) groups; /* that rules name */
	uint32_t (*ifindex)(void *ctx, const char *name);
	void *ifindex_ctx;
	bool only_attached; /* of these only what is attached to is read */
	bool owner;         /* its tables are to be nobody else's to change */
	bool owner_asked;   /* some table is */
	bool owned;         /* some table may be another process's */
	bool backs_off;     /* from packs that the kernel refuses again and again */
	bool retrying;      /* this transaction tries again what the kernel refused */
	uint64_t retry_at;  /* boot_ms; 0: nothing is to be tried again */
	int8_t owner_can;   /* whether the kernel lets it; -1: not known */
	bool unsent;        /* a plan was made and not acknowledged */
};

/* ruleset.c */
void obj_dirty(struct obj *o);   /* merge again */
void obj_changed(struct obj *o); /* plan again */
void names_changed(
	struct obj *o); /* a set or chain came, went or changed its type: rules that name it follow */
bool pack_before(const struct rpack *a, const struct rpack *b); /* by order, then by name */
struct rpack *stmt_pack(const struct stmt *st);
int place_cmp(const struct stmt *a, const struct stmt *b);
void where_text(const struct ruleset *rs, const struct rpack *pk, uint32_t site,
	struct buf *out); /* "PACK, FILE:LINE" */
void chain_def_free(struct chain_def *d);
void expiry_of(
	struct elem_table *t, uint32_t elem, uint32_t attr); /* ruleset_expire() looks at it when these end */

/* Of a statement that is marked refused. */
static inline const char *refused_why(const struct stmt *st)
{
	return st->held ? "not tried yet: the kernel keeps refusing what this place states"
			: "the kernel refused it";
}

static inline bool is_stateful(const struct obj *o)
{
	return o->kind >= OBJ_STATEFUL;
}
static inline uint32_t object_type(const struct obj *o) /* NFT_OBJECT_* */
{
	return (uint32_t)o->kind - OBJ_STATEFUL;
}
static inline enum obj_kind object_kind(uint32_t type)
{
	return (enum obj_kind)(OBJ_STATEFUL + type);
}

/* Nobody states it, but the pack that did may be one that is left out: it stays meanwhile. */
static inline bool held(const struct obj *o)
{
	return o->unclaimed && o->rs->hold_deletes && !o->want;
}

/* stmt.c, state.c */
bool spec_equal(const struct spec *a, const struct spec *b);
bool params_equal(const struct params *a, const struct params *b);
void stmt_withdraw(struct stmt *st); /* journaled */
void stmt_made(struct stmt *st);     /* journaled, and in force */
/* Between runs: the statement is withdrawn, and st (made for it, not yet in force; NULL: nothing) stands in
 * its place. Journaled. */
void stmt_swap(struct stmt *old, struct stmt *st);
void rule_replace(struct stmt *old, struct ast_rule *ast); /* by another rule; takes no reference */
void stmt_activate(struct stmt *st);
void stmt_deactivate(struct stmt *st);
void stmt_free(struct stmt *st);
void stmts_purge(struct obj *o); /* takes what is active no more out of the object's lists */
void rcode_put(struct rcode *rc);
struct rcode *rcode_ref(struct rcode *rc);

/* elems.c */
struct elem_table *elems_of(struct obj *set); /* the table of the present type; NULL: no type */
void elems_put(struct elem_table *t);
static inline struct elem *elem_at(const struct elem_table *t, uint32_t i)
{
	return (struct elem *)(t->rec + (size_t)i * t->stride);
}
uint32_t elem_find(const struct elem_table *t, const struct setelem *el); /* UINT32_MAX: none */
uint32_t elem_intern(struct elem_table *t, const struct setelem *el);
bool elem_is(const struct elem_table *t, uint32_t i, const struct setelem *el); /* is it just this one? */
/* The same in two steps: the first asks the memory for what the second will look at, some elements later. */
uint64_t elem_expect(const struct elem_table *t, const struct setelem *el);
uint32_t elem_intern_hashed(struct elem_table *t, const struct setelem *el, uint64_t hash);
void elem_get(const struct elem_table *t, uint32_t i, uint32_t attr,
	struct setelem *out); /* key and these attributes */
void elem_touch(struct elem_table *t, uint32_t i);
uint32_t elem_attr(const struct elem_table *t, const struct elem *el); /* effective */
bool elem_wanted(const struct elem_table *t,
	const struct elem *el); /* held by somebody, not pending, refused or spent */
/* Found in the kernel, and nobody has stated it in this life: as held(). */
static inline bool elem_unclaimed(const struct elem *el)
{
	return !el->m.contrib && el->m.found;
}
/* It is not wanted and stays all the same, while a pack is left out. */
bool elem_held(const struct elem_table *t, const struct elem *el);
void elems_settle(struct elem_table *t); /* frees elements that nobody wants and the kernel has not */
/* attr.c */
/* One reference; 0 when it has none. stmts: the element's own, NULL none. */
uint32_t attr_new(struct elem_table *t, const struct setelem *el, uint64_t now, struct set_stmts *stmts);
uint32_t attr_ref(struct elem_table *t, uint32_t a);
void attr_put(struct elem_table *t, uint32_t a);
void attrs_free(struct elem_table *t);
void attr_get(const struct attr *a, uint64_t now, struct setelem *out); /* all but the key */
const uint8_t *attr_data(const struct attr *a);
const char *attr_note(const struct attr *a);        /* NULL: none */
const char *attr_target(const struct attr *a);      /* chain of a verdict, or object; NULL: none */
struct set_stmts *attr_stmts(const struct attr *a); /* the element's own; NULL: none */
bool attr_same_data(const struct elem_table *t, uint32_t a, uint32_t b);
/* They differ at most in when they end. */
bool attr_same_but_end(const struct elem_table *t, uint32_t a, uint32_t b);
bool attr_same_stmts(const struct elem_table *t, uint32_t a, uint32_t b);
/* members.c */
struct member *member_of(struct elem_table *t, uint32_t i, uint32_t contrib); /* NULL: none */
void member_put(struct elem_table *t, uint32_t i, const struct contrib *c, uint32_t attr,
	uint32_t site); /* takes attr */
bool member_drop(struct elem_table *t, uint32_t i, uint32_t contrib,
	uint32_t *attr); /* attr: the reference goes to the caller, NULL: dropped */

/* contrib.c */
struct contrib *contrib_new(struct rpack *pk, enum contrib_kind kind, struct obj *set, uint32_t site);
void contrib_free(struct contrib *c);
static inline struct contrib *contrib_by_id(const struct ruleset *rs, uint32_t id)
{
	return rs->contribs.v[id - 1];
}
void contrib_on(struct contrib *c);  /* what it holds counts; a live one follows its source */
void contrib_off(struct contrib *c); /* what it holds counts no more, and can come back by contrib_on() */
/* C_STMT: one more element; stmts: its own, NULL none. */
void contrib_hold(struct contrib *c, const struct setelem *el, struct set_stmts *stmts);
void contrib_follow(struct contrib *c, struct live *live);
/* A query's family narrows to that of the set's keys and data. */
bool value_fits(const struct set_info *info, const struct val *key, const struct val *data);
int elem_of(const struct elem_table *t, const struct val *key, const struct val *data, uint64_t timeout_ms,
	const char *comment, struct setelem *out, struct err *e);
int elem_key_of(const struct elem_table *t, const struct val *key, struct setelem *out,
	struct err *e);                                                /* for looking up; a map's too */
int held_error(struct obj *set, const struct elem *el, struct err *e); /* -EPERM "held by PACK, FILE:LINE" */

/* edit.c */
int edits_settle(struct ruleset *rs, struct rpack **culprit,
	struct err *e);              /* replace(live) that waited for the merge */
void edit_retire(struct contrib *c); /* what it holds goes, journaled */
void edit_dead(struct contrib *c);   /* freed at the end of the transaction, without a way back */
void edits_retire(struct rpack *old, struct rpack *heir);
void edit_delta(struct contrib *c, int sign, const struct val *key, const struct val *data);
void edit_adopt(struct rpack *pk, struct obj *set, uint32_t elem, uint32_t attr,
	uint32_t site);                             /* a timed element of an earlier life; takes attr */
void edit_forget(struct contrib *c, uint32_t elem); /* its time is over: no journal */

/* merge_decl.c */
int merge_table(struct obj *o, struct rpack **culprit, struct err *e);
int merge_decls(struct obj *o, struct rpack **culprit, struct err *e); /* of what is in a table */

/* set_stmts.c */
struct set_stmts *set_stmts_get(struct ruleset *rs, const char *text, struct err *e); /* NULL: an error */
struct set_stmts *set_stmts_ref(struct set_stmts *s);
void set_stmts_put(struct set_stmts *s);
bool set_stmts_same(const struct set_stmts *a, const struct set_stmts *b);
/* What the kernel has; a reference; NULL: none, or none that can be said. */
struct set_stmts *set_stmts_read(struct ruleset *rs, struct nftnl_expr *const *exprs, uint32_t n);
/* Of an element of the kernel's, where they are not those of its set; NULL: none. A reference. */
struct set_stmts *set_stmts_of(const struct obj *set, const struct setelem *el);

/* merge.c */
bool can_blame(const struct rpack
		*pk); /* its share of this transaction is not empty: rolling it back changes something */
int merge_error(struct stmt *st, struct rpack **culprit, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* merge_elems.c */
int merge_elems(struct obj *set, struct rpack **culprit, struct err *e); /* of a dirty set */
int merge_map(struct obj *set, struct rpack **culprit, struct err *e);   /* whose elements changed */
void merge_targets(struct obj *set); /* chains or objects of the table came or went */
/* What the values of a map name: a kind of object; OBJ_TABLE: nothing. */
enum obj_kind target_kind(const struct set_info *info);

/* readback_elems.c */
void adopt_found(struct ruleset *rs); /* at the end of a merge: timed elements that nobody states */

/* kernel.c */
void obj_lost(struct obj *o); /* the kernel has it no more */
void table_lost(struct obj *table);

/* graph.c */
uint32_t base_place(const struct obj *o); /* chain_place() of a base chain that is wanted, or 0 */
bool stmt_in_force(const struct stmt *st);
int fills_check(struct ruleset *rs, struct rpack **culprit,
	struct err *e); /* the sets that packets fill, after merge_rules() */
uint32_t set_flags_filled(const struct obj *o, const struct set_want *w); /* as the kernel needs them then */
bool set_size_same(const struct obj *o);                                  /* of set_have and set */
int graph_check(struct ruleset *rs, struct rpack **culprit, struct err *e);

/* rules_disabled.c */
struct stmt *rule_with_handle(
	const struct obj *chain, uint64_t handle); /* NULL: the kernel has none, or it is nobody's */
bool disabled_rules_mark(struct obj *chain);       /* true: another rule is disabled, or enabled */
void disabled_rule_free(struct disabled_rule *d);

/* merge_rules.c */
int merge_rules(
	struct obj *chain, struct rpack **culprit, struct err *e); /* plans again what changed in it */
bool name_changed(const struct obj *o, enum obj_kind kind,
	const char *name); /* did this member of o's table come, go or change its type? */
bool ref_kind_of(const struct ref *r, enum obj_kind *kind); /* false: it names nothing of the table */
void rule_env_of(struct stmt *st, struct rule_env *env);
void scalars_off(struct stmt *st);

#include "nft/plan_impl.h"
