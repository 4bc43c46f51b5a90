/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule with its types: what the evaluation of a tree gives and code is made of. Lives in the arena of one
 * compilation. Internal to nft/. */
#pragma once

#include "nft/ast.h"
#include "nft/field.h"
#include "nft/ruleset.h"

typedef unsigned __int128 u128;

#define CHAIN_DEPTH_MAX 16

enum ex_kind {
	X_VALUE,  /* v */
	X_RANGE,  /* v..hi */
	X_PREFIX, /* v, the first plen bits of it count */
	X_WILD,   /* the catch-all element */
	X_CONCAT, /* part[n] */
	X_SET,    /* set */
	X_PAYLOAD,
	X_EXTHDR,
	X_META,
	X_CT,
	X_RT,
	X_FIB,
	X_SOCKET,
	X_OSF,
	X_NUMGEN,
	X_HASH,
	X_XFRM,
	X_BINOP, /* a op b; b is X_VALUE */
	X_SWAP,  /* a, turned to `order` */
	X_MAP,   /* a looked up in set */
};

/* A set that a lookup names: anonymous (anon >= 0) or of the table. */
struct setuse {
	const struct set_info *info;
	int anon;
};

struct ex {
	enum ex_kind kind;
	const struct node *node;
	const struct datatype *dt;
	unsigned bits;
	enum dt_order order;
	int op; /* X_BINOP; X_EXTHDR: NFT_EXTHDR_OP_* */
	u128 v, hi;
	unsigned plen;
	unsigned n;
	struct ex **part;
	struct ex *a, *b;
	const struct proto *proto;
	const struct field *field;
	unsigned base, off; /* X_PAYLOAD; off in bits, of X_EXTHDR too */
	unsigned key,
		dir; /* keyed loads; X_EXTHDR: key is the header's or option's number, dir: presence only */
	uint32_t num[4]; /* X_NUMGEN, X_HASH: mod, seed, offset; X_XFRM: spnum; X_SOCKET: level; X_OSF: ttl */
	bool seed;
	bool is_key; /* names the next protocol */
	struct setuse set;
};

/* What constants are to be. */
struct want {
	unsigned n;
	struct {
		const struct datatype *dt;
		unsigned bits;
		enum dt_order order;
	} p[NFT_PARTS_MAX];
};

enum match_op { M_IMPLICIT, M_EQ, M_NE, M_LT, M_GT, M_LE, M_GE, M_NEG };

/* A statement ready for code. */
struct st {
	const struct node *node; /* the statement it comes from */
	bool match;
	enum match_op op;
	struct ex *a, *b, *mask; /* match; others as the statement's kind says */
	int32_t family;          /* nat, reject type, … */
	uint32_t flags, code;
	bool sctp; /* its checksum is one of its own kind */
	struct st *next;
};

struct pctx { /* what is known about the packet's headers */
	const struct proto *proto[PB_N];
	const struct proto *seen[8]; /* transport protocols a set of values named */
	unsigned n_seen;
	const struct proto *stacked[4]; /* link layer headers already passed */
	unsigned n_stacked;
	unsigned ll_off; /* bytes of them */
	int icmp_type;   /* -1: not matched yet */
};

struct cc { /* one compilation */
	const struct ast_rule *r;
	const struct rule_env *env;
	struct err *e;
	struct code *code;
	struct arena_block *arena;
	struct st *first, **tail;
	struct pctx p;
	const struct node *cur;
	bool in_key;    /* inside a concatenation, map key or value of a statement */
	bool skip_live; /* live elements of a set in braces are matched apart */
	bool terminal;  /* the last statement leaves the rule */
	unsigned depth; /* of `jump { … }` */
	unsigned slot;  /* next free 4-byte register */
	bool failed;
};

/* ---- compile.c: errors, environment ---- */
void *cc_error(struct cc *c, const struct node *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4))); /* NULL */
void *cc_error_code(struct cc *c, const struct node *n, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
const struct val *cc_param(struct cc *c, const struct node *n); /* NULL after an error; never VAL_NIL */
bool cc_number(struct cc *c, const struct node *n, uint64_t max, uint64_t *out);
bool cc_time(struct cc *c, const struct node *n, uint64_t *ms);
const char *cc_text(struct cc *c, const struct node *n, size_t max, const char *what);
/* A name, or the handle of something of this kind (enum obj_kind). */
bool cc_name(struct cc *c, const struct node *n, unsigned kind, char out[NFT_NAME_MAXLEN]);
bool cc_handle(struct cc *c, const struct node *n, const struct val *v, unsigned kind); /* false: another */
void cc_ref(struct cc *c, enum ref_kind kind, uint32_t obj_type, const char *name);
const struct set_info *cc_set(struct cc *c, const struct node *n, const char *name); /* of the table */
/* The statement or selector works in chains of these hooks (bits), of type nat only where so said. */
#define HOOKS_COMING  (1u << NF_INET_PRE_ROUTING | 1u << NF_INET_LOCAL_IN | 1u << NF_INET_FORWARD)
#define HOOKS_LEAVING (1u << NF_INET_FORWARD | 1u << NF_INET_LOCAL_OUT | 1u << NF_INET_POST_ROUTING)
bool cc_hooks(struct cc *c, const struct node *n, bool nat, unsigned hooks);
struct ex *ex_new(struct cc *c, enum ex_kind kind, const struct node *n);
struct st *st_add(struct cc *c, const struct node *n); /* appends */
struct st *st_match(struct cc *c, const struct node *n, enum match_op op, struct ex *a, struct ex *b);

/* ---- compile_expr.c ---- */
struct ex *ev_selector(struct cc *c, const struct node *n);
struct ex *ev(struct cc *c, const struct node *n,
	const struct want *w);                          /* selector, operators, map, constant of type w */
struct ex *ev_left(struct cc *c, const struct node *n); /* no constant expected */
struct ex *ex_swap(struct cc *c, struct ex *x, enum dt_order to); /* byte order, where it matters */
bool ex_const(const struct ex *x);
void want_ex(struct want *w, const struct ex *x);
void want_dt(struct want *w, const struct datatype *dt, unsigned bits, enum dt_order order);
void want_type(struct want *w, const struct nft_type *t);
struct nft_type ex_type(const struct ex *x);
const struct datatype *dt_for(unsigned id, enum dt_order order);
unsigned ex_bytes(const struct ex *x);                           /* in registers: parts padded to 4 */
enum dt_id raw_type(unsigned base, unsigned off, unsigned bits); /* of @th,0,16: it is a port */
bool same_type(const struct datatype *a, const struct datatype *b);

/* ---- compile_value.c: constants ---- */
struct ex *ev_const(struct cc *c, const struct node *n, const struct want *w);
struct ex *ev_val(struct cc *c, const struct node *at, const struct val *v, const struct want *w);
u128 num_import(const uint8_t *p, unsigned bytes, enum dt_order order);
void num_export(u128 v, unsigned bytes, enum dt_order order, uint8_t *p);
enum dt_order dt_order_of(const struct datatype *dt);
bool ev_verdict(struct cc *c, const struct node *n, int32_t *code, char target[NFT_NAME_MAXLEN]);

/* ---- compile_set.c: sets in braces, maps, lookups ---- */
struct xform {     /* moved from the left side to the constants */
	int shift; /* left, negative: right */
	u128 xor ;
};
struct ex *set_anon(struct cc *c, const struct node *n, const struct ex *left, const struct xform *xf);
struct ex *set_named(struct cc *c, const struct node *n, const struct ex *left);
bool peel_shift(const struct ex *x, struct xform *xf); /* false: x is no shift that can go there */
struct ex *peel_mask(struct cc *c, struct ex *key, const struct xform *xf);
bool may_peel(const struct node *set, const struct ex *key);
/* N_MAP: to values as data says, to verdicts (data NULL), or to objects of a kind. */
struct ex *map_eval(struct cc *c, const struct node *n, const struct want *data, uint32_t obj_type);
struct ex *set_key(
	struct cc *c, struct ex *key, const struct set_info *info); /* left side in the order the set wants */

/* ---- compile_dep.c: headers that must be there ---- */
bool dep_payload(struct cc *c, struct ex *x); /* adds the matches that x needs, adjusts its offset */
bool dep_exthdr(struct cc *c, struct ex *x);
bool dep_family(
	struct cc *c, const struct node *n, const struct proto *net, bool first); /* nfproto, ether type */
bool dep_transport(struct cc *c, const struct node *n, const struct proto *tp, bool first);
void dep_learn(struct cc *c, const struct ex *left, const struct ex *right);
void dep_init(struct cc *c);
uint8_t dep_nfproto(const struct cc *c); /* NFPROTO_IPV4/6 where known, else 0 */

/* ---- compile_match.c, compile_stmt.c, reduce.c, gen*.c ---- */
bool compile_match(struct cc *c, const struct node *n);
bool compile_stmt(struct cc *c, const struct node *n);
bool compile_nat(struct cc *c, const struct node *n);
bool compile_dynset(struct cc *c, const struct node *n);
void reduce(struct cc *c);
bool gen(struct cc *c);
/* Statements as a rule of their own: of `jump { … }`, one level deeper than c; c NULL: the rule itself. NULL
 * with an error. */
struct code *compile_rule(const struct ast_rule *r, const struct node *stmts, const struct rule_env *env,
	const struct cc *c, struct err *e);
struct nftnl_expr *gen_stateful(
	struct cc *c, const struct node *n); /* counter, limit, … also inside of dynset */
