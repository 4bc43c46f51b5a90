/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ruleset under random events: what is said (by packs, edits, live values), a naive model of what follows
 * from it, and a kernel that takes nothing that a real one would refuse. */
#pragma once

#include "nft/batch.h"
#include "nft/disabled.h"
#include "nft/model.h"

enum { T_INET, T_IP, T_NETDEV, N_TABLES };
enum { S_H4, S_I4, S_T4, S_CC, S_IT, S_VT, S_VM, S_MK, S_IV, S_OM, S_DS, N_SETS };
enum { O_COUNTER, O_COUNTER2, O_QUOTA, O_LIMIT, O_POISON, N_OBJECTS };
enum { N_FLOWS = 2, N_ATTACHED = 2 };
/* Rules from here on name objects; rs_value.c has their texts, and those before. */
enum { R_REFUSED = 11, R_COUNTER = 18, R_QUOTA, R_LIMIT, R_MAP, R_ANON, R_FLOW, R_POISON, R_DS, N_RULES };
enum { N_CHAINS = 4, N_KEYS = 12, N_LIVES = 4, N_PACKS = 3, RUN_MAX = 14, LIVE_MAX = 24 };
enum { SC_MAIN, SC_BLOCK, SC_OUTER, SC_INNER, SC_EACH0, SC_EACH1, SC_HOOK0, SC_HOOK1, N_SCOPES };
enum { L_A, L_B, L_PREFIX, L_DEV }; /* what a live value holds */

enum said_kind {
	SAID_NONE,
	SAID_TABLE,
	SAID_CHAIN,
	SAID_SET,
	SAID_OBJECT,
	SAID_FLOW,
	SAID_RULE,
	SAID_ELEMS,
	SAID_LIVE,
	SAID_ATTACH,
	SAID_NEST
};
struct said { /* one call of a run; compared as bytes */
	uint8_t kind, table, obj, variant, insert, n;
	uint8_t arg, live;
	uint8_t key[5], data[5];
	uint32_t timeout[5]; /* seconds */
};

struct scope_said {
	struct scope *sc;
	uint8_t n;
	struct said said[RUN_MAX];
	uint64_t deadline[RUN_MAX][5]; /* of timed elements */
	uint8_t nested_at;             /* item of the parent's run where it stands */
};

struct edited { /* one layer a pack */
	bool on, lasting;
	uint8_t data;
	uint64_t deadline;
	uint32_t timeout;
};

struct pack_said {
	struct rpack *rp;
	struct scope_said scope[N_SCOPES];
	struct edited edit[2][N_TABLES][N_SETS][N_KEYS]; /* [type of the set then] */
	uint8_t follows[2][N_TABLES]
		       [N_SETS]; /* replace(live) of this transaction: live + 1; + 128: lasting */
};

struct test_live {
	struct live live;
	int refs, kind, no;
	struct live_sink *sinks;
	uint8_t n, v[LIVE_MAX];
};

struct sim_elem {
	struct setelem el;
	uint64_t deadline; /* 0: permanent */
	char comment[8];
};
struct sim_rule {
	uint64_t handle, id, hash;
	char *text;
	VEC(struct ref) refs;
};
struct sim_obj {
	enum obj_kind kind;
	uint8_t family;
	char table[32], name[64];
	struct set_want set; /* borrows nothing: */
	char stateful[64];
	struct chain_want chain;
	struct object_want object;
	uint32_t flags; /* of tables, flowtables */
	uint32_t dev;   /* bits */
	VEC(struct sim_elem) els;
	VEC(struct sim_rule) rules;
	VEC(struct sim_rule) before; /* before: this batch */
	bool anew;                   /* rules went because what they name was made anew */
	bool hooks, flipped; /* tables, in this batch: hooks of theirs went or changed; they fell asleep or
				woke */
};
struct sim_deleted {
	struct sim_obj *set;
	struct sim_elem elem;
};
struct sim_unmade { /* an object that was deleted to be made anew */
	const struct sim_obj *table;
	char name[64];
	struct object_want object;
};
struct disabled_said { /* a rule that somebody disabled */
	uint64_t id;
	int pack;
	uint32_t nth; /* of those of the pack that say the same */
	struct said said;
};
struct theirs { /* a set of others, and what they have in it */
	bool there, has[N_KEYS];
};
struct sim_kernel {
	VEC(struct sim_obj *) objs;
	VEC(struct sim_deleted) deleted; /* in this batch */
	VEC(struct sim_unmade) unmade;   /* likewise */
	uint64_t handles;
	uint64_t gone; /* elements that went by themselves and were deleted all the same */
};

struct world {
	struct ruleset *rs;
	struct sim_kernel k;
	struct nft_conn *conn;   /* NULL: simulated only */
	struct nft_conn *others; /* where others are at work */
	bool flushed;            /* they flushed the ruleset */
	bool theirs_there;       /* their table */
	struct theirs theirs[N_ATTACHED];
	bool owner; /* its tables are nobody else's to change */
	struct pack_said pack[N_PACKS], begun[N_PACKS];
	struct test_live live[N_LIVES];
	uint8_t fashion_set[N_TABLES][N_SETS], fashion_chain[N_TABLES][N_CHAINS];
	uint8_t fashion_object[N_TABLES][N_OBJECTS], fashion_flow[N_TABLES][N_FLOWS], fashion_table[N_TABLES];
	uint64_t seed, rnd, step;
	unsigned commits, sent, ops, culprits, refusals, reloads, dry, rolled;
	uint64_t now;
	int type[N_TABLES][N_SETS];   /* the last one that a set had */
	bool typed[N_TABLES][N_SETS]; /* before this transaction */
	bool found[N_TABLES][N_SETS][N_KEYS];
	bool spoke[N_PACKS], old_quarrel[N_TABLES][N_SETS][N_KEYS];
	const char *quarrel;
	bool frozen; /* live values stay for this transaction */
	bool rough;  /* others are at work, and the daemon begins anew */
	bool anew;   /* something was made anew to be another thing, in this transaction */
	bool tell;   /* each plan, for a failure's message */
	struct buf told;
	bool backs_off; /* from packs that are refused again and again */
	int sick;       /* the pack that says most of what is refused */
	bool strict;    /* nothing may wait any more */
	struct disabled_list off;
	VEC(struct disabled_said) disabled;
	unsigned retries, switched, backed, forbidden, attached;
	bool released; /* what was held is so no more */
	unsigned meddled, lives, held;
	char fail[4096];
};

#define FOREIGN       "theirs" /* names of others begin so */
#define OTHERS        "others" /* their table */
#define POISON_KEY    11       /* of S_H4: the kernel takes it never */
#define POISON_TEXT   "ip saddr 10.66.66.66 drop"
#define POISON_PREFIX 9 /* of S_I4: likewise */

bool fail(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* false */
uint32_t rnd(struct world *w, uint32_t n);

extern const char *const pack_names[N_PACKS];
extern const char *const table_names[N_TABLES], *const set_names[N_SETS];
extern const char *const object_names[N_OBJECTS], *const flow_names[N_FLOWS];
extern const uint8_t object_types[N_OBJECTS];
extern const uint8_t table_family[N_TABLES];
extern const char *const device_names[N_KEYS];

/* rs_value.c: the universe of values */
struct val key_val(int set, int key, bool interval);
struct val data_val(int set, int data);
struct val live_val(const struct test_live *l, int v);
void live_init(struct world *w);
void live_change(struct world *w, struct test_live *l);
struct spec *set_spec(int table, int set, int variant);
struct spec *chain_spec(struct world *w, int table, int chain, int variant);
struct spec *object_spec(int object, int variant);
struct spec *flow_spec(struct world *w, int flow, int variant);
struct spec *table_spec(int variant);
const char *object_target(int data);           /* the counter that an element of S_OM names */
bool rule_beside_poison(const struct said *s); /* it stands where what is refused may stand, too */
struct ast_rule *rule_said(const struct said *s, struct params **params, struct world *w);

/* rs_kernel.c */
int sim_commit(
	struct world *w, const struct plan *p, struct commit_result *r); /* 0, -EBADMSG; -EPROTO: w->fail */
struct sim_obj *sim_find(
	struct sim_kernel *k, enum obj_kind kind, uint8_t family, const char *table, const char *name);
bool sim_foreign(struct world *w, const struct plan *p, struct commit_result *r); /* what others did */
enum obj_kind sim_kind(const struct op *op);                                      /* of what it is about */
void sim_gone(struct sim_kernel *k, struct sim_obj *o);
void sim_expire(struct sim_kernel *k, uint64_t now);
void sim_free(struct sim_kernel *k);

/* rs_model.c */
bool model_conflict(struct world *w, bool must); /* is there one that may, or must, be found by the merge? */
void model_quarrels(struct world *w);
bool model_check(struct world *w); /* what the kernel has is what follows from what is said */
void model_tell(struct world *w, int t, int s);
int model_table(struct world *w, int t, int s);          /* the type whose edits count */
bool model_held(struct world *w, int t, int s, int key); /* by anybody, in force or not */
bool model_declares(const struct pack_said *p, enum said_kind kind, int t, int obj);
int model_type(struct world *w, int t, int s); /* -1 none, else 1: intervals */
