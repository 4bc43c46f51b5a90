/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan(want, have): the one diff, for events, start, reload, dry runs. Operations in the order of the batch.
 */
#pragma once

#include "nft/object.h"
#include "nft/ruleset.h"

enum op_kind {
	OP_DEL_TABLE, /* also "recreate": delete an own table of an earlier run first */
	OP_ADD_TABLE,
	OP_ADD_CHAIN,
	OP_ADD_SET,
	OP_DEL_ELEM,
	OP_ADD_ELEM,
	OP_ADD_RULE, /* position: handle of the rule to insert before, 0: append. Its anonymous sets go before
			it */
	OP_REPLACE_RULE, /* handle */
	OP_DEL_RULE,     /* handle */
	OP_DEL_SET,
	OP_DEL_CHAIN,
	OP_MOD_CHAIN, /* policy */
	OP_MOD_SET,   /* size, timeout, gc-interval */
	OP_ADD_CHAIN_DEV,
	OP_DEL_CHAIN_DEV, /* dev */
	OP_ADD_OBJ,
	OP_MOD_OBJ, /* in place: what the kernel updates (quota's bounds) */
	OP_DEL_OBJ, /* obj: only its type */
	OP_ADD_FLOWTABLE,
	OP_DEL_FLOWTABLE,
	OP_ADD_FLOW_DEV,
	OP_DEL_FLOW_DEV,
	/* Only `rnm nft load` says these: */
	OP_RENAME_CHAIN, /* name: the new one, by_handle: the chain */
	OP_FLUSH_RULES,  /* of a chain, or of the whole table (name NULL) */
	OP_FLUSH_SET,
	OP_FLUSH_RULESET, /* no table; family NFPROTO_UNSPEC: all of it */
};

/* A chain as the kernel wants it. */
struct chain_want {
	bool base;
	char type[16];
	uint32_t hook;
	int32_t priority;
	int32_t policy; /* NF_ACCEPT, NF_DROP; negative: it is not said, what is there stays */
	uint32_t n_dev;
	const char *const *dev;
	const char *comment;
	uint32_t flags; /* NFT_CHAIN_* */
};
struct table_want {
	uint32_t flags;
	const char *comment;
};
struct set_want {
	struct set_info info;
	struct nft_concat concat; /* n = 0: none */
	uint64_t timeout_ms, gc_ms;
	uint32_t size;
	int32_t policy;
	const char *comment;
	const char *typeof_text; /* "ip saddr . tcp dport", "ip saddr : meta mark"; NULL: declared by type */
	/* Statements that each element gets (NFTA_SET_EXPRESSIONS): borrowed. */
	struct nftnl_expr *const *exprs;
	uint32_t n_exprs;
	const char *stateful; /* the same as nft syntax, for texts */
	uint64_t auto_id;     /* of the live list that it holds, for rnm's user data; 0: none */
};

/* Fills in flag and field lengths of concatenated ranges, from key and flags. */
void set_want_concat(struct set_want *w);

/* An empty chain that carries the mark of a table which rnm took over: the kernel gives a table that is there
 * no other user data. */
#define MARK_CHAIN "_rnm"

/* One operation: all that a message needs, borrowed from the ruleset until the transaction ends. */
struct op {
	enum op_kind kind;
	uint8_t family;
	const char *table, *name; /* name: chain or set; NULL for tables */
	union {
		struct table_want table_want;
		struct chain_want chain;
		const struct set_want *set;
		struct {
			const struct set_want *set;
			uint32_t n;
			/* Writes element i (closed interval; the batch makes kernel elements of it) into
			 * *out. No array of setelem is ever made: they are large. */
			void (*get)(const struct op *op, uint32_t i, struct setelem *out);
			const void *src; /* get()'s */
			const void *list;
		} elem;
		struct {
			const struct code *code;
			uint64_t handle, position;
			const char *comment; /* the user's, or "PACK:line" */
			uint64_t id;         /* stable rule id for the user data */
			const char *text;    /* nft syntax, for texts */
			/* The whole user data, in place of comment and id; NULL: those. */
			const uint8_t *udata;
			size_t n_udata;
			/* Numbers within this batch, 0: none. position_id is another rule's, in place of
			 * position. */
			uint32_t rule_id, position_id;
		} rule;
		const struct object_want *obj;
		struct {
			const struct flowtable_want *flow;
			const char *flow_dev; /* of OP_ADD_FLOW_DEV, OP_DEL_FLOW_DEV */
		};
		const char *dev;
	};
	/* What only `rnm nft load` says: */
	bool excl;    /* create: -EEXIST where it is there; elements of attached sets too */
	bool destroy; /* a delete of what may not be there */
	bool insert;  /* OP_ADD_RULE without position: at the head of the chain */
	bool after;   /* OP_ADD_RULE: behind the rule of position */
	bool no_mark; /* OP_ADD_TABLE, OP_ADD_RULE: no user data of rnm's; elements: as nft sends them */
	bool mark;    /* elements of attached sets, the chain MARK_CHAIN: with rnm's mark */
	uint64_t by_handle; /* deletes: by this handle, not by name */
	bool recreate;      /* part of a delete + add: `!` */
	bool changed;       /* ~ : in place */
	/* who asked: */
	const char *pack;
	uint32_t site;
	const struct stmt *stmt;     /* NULL: none */
	const struct member *member; /* of elements, rather than stmt; NULL: none */
	void *owner;                 /* plan.c's: stmt or obj that an answer is for */
};

struct plan {
	VEC(struct op) ops;
	struct ruleset *rs;
	struct plan_next *next; /* plan.c's: what becomes of the kernel's state when it is accepted */
};

/* From what is merged to what the kernel holds. An empty plan: nothing to send. Frees with plan_free(). */
int plan_make(struct ruleset *rs, struct plan *out, struct err *e);
void plan_free(struct plan *p);
/* nft syntax, one operation a line, with "+ ", "- ", "~ " or "! " in front. */
enum plan_who {
	PLAN_BARE,
	PLAN_SITE, /* "# PACK FILE:LINE" behind */
	PLAN_WHY,  /* and which hook or block it was, for which event */
};
void plan_text(const struct plan *p, enum plan_who who, struct buf *out);
/* The same for programs, as fields of an open object: "operations", one object each, and "counts". max: bytes
 * from which on operations are left out, "left_out" says how many. */
struct json;
void plan_json(const struct plan *p, size_t max, struct json *j);
/* As text without the numbers that the kernel gave, for comparing plans of two kernels: equal sums are equal
 * plans. */
uint64_t plan_sum(const struct plan *p, struct buf *out);

/* Answers for one plan: per op an errno (0 accepted) and, for new rules, handles. */
struct commit_result {
	int error; /* of the batch as a whole: 0, or negative errno; -EBADMSG: some ops refused, see op_err */
	int *op_err;        /* negative errno per op, plan.ops.n of them; owned */
	uint64_t *handle;   /* per op, 0 unless OP_ADD_RULE was answered; owned */
	bool handles_known; /* false: read them back (large batches) */
	uint64_t build_ns, send_ns, bytes, messages;
};
void commit_result_free(struct commit_result *r);

/* Accepted: takes the new state as the kernel's. */
void plan_ack(struct plan *p, const struct commit_result *r);
/* Refused: marks the culprits' statements (mark: else nothing stays, for all will be undone); the next merge
 * leaves them and their dependents out. Fills text
 * with one line a culprit: "PACK FILE:LINE: add rule inet t c …: No such file or directory". Returns how
 * many. Answers that only echo a culprit's are cleared: those operations are tried again. */
unsigned plan_refuse(struct plan *p, const struct commit_result *r, bool mark, struct buf *text);

/* Takes what the kernel refused of attached sets out of the answers: an element that is somebody else's is
 * left alone, a set that can not be changed waits. *others: answers are left. Returns how many were taken:
 * plan again.
 */
unsigned plan_detach(struct plan *p, struct commit_result *r, bool *others);

/* Refused because somebody else owns the table (-EPERM)? Such tables are marked to be read again. Where it is
 * an attached set's table plan_detach() knows. */
bool plan_forbidden(const struct plan *p, const struct commit_result *r);

/* Refused because what an operation is for is gone (somebody flushed the ruleset)? *look, when not NULL, a
 * chain or table, has to be looked for first: the same answer comes for what this kernel lacks. */
bool plan_lost(const struct plan *p, const struct commit_result *r, struct obj **look);

/* Chains whose new rules have no handle yet (commit_result.handles_known was false): read them back and tell.
 */
void ruleset_handles_wanted(struct ruleset *rs, void (*fn)(void *ctx, struct obj *chain), void *ctx);
/* false: the kernel has another number of rules than were committed. */
bool ruleset_handles(struct ruleset *rs, struct obj *chain, const uint64_t *handles, uint32_t n);
/* What rnm takes its tables to hold may be wrong: all of it is forgotten. Read the tables anew after it; own
 * ones are then deleted and made again by the next plan. */
void ruleset_kernel_unknown(struct ruleset *rs);

/* While a pack is left out, own tables of an earlier run that nobody claims stay. */
void ruleset_hold_deletes(struct ruleset *rs, bool hold);

/* The tables of the kernel, between begin and end: an own one of an earlier run is deleted, or made anew when
 * it is stated again; a foreign one's name nobody may state; what was rnm's and is not told of is gone and
 * made again. */
struct table_seen {
	uint8_t family;
	const char *name;
	bool own;       /* it has this instance's mark, and nobody else owns it */
	bool persists;  /* it has the flag */
	uint32_t owner; /* port of another process that does; 0: none */
};
void ruleset_tables_begin(struct ruleset *rs);
void ruleset_kernel_table(struct ruleset *rs, const struct table_seen *t);
void ruleset_tables_end(struct ruleset *rs);
/* Whether these are the handles of a chain's rules, as far as rnm knows. */
bool ruleset_handles_match(const struct obj *chain, const uint64_t *handles, uint32_t n);
bool obj_in_kernel(const struct obj *o); /* as far as rnm knows */
