/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rule language: text → ast (at the call) → expressions (at the end of the transaction, when the types of
 * the sets it names are known). lex.c, parse.c, ast.h, field.c (protocol and meta/ct tables), type.c,
 * compile*.c. */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "nft/type.h"

struct nftnl_expr;
struct ast_rule; /* immutable, reference counted */

/* Where a text begins, for messages: errors read "FILE:LINE:COL: …", the line, a caret. Borrowed. */
struct src_pos {
	const char *file;
	unsigned line;
};

/* Parses one rule (no `add rule …` in front). Bounded in size (64 KiB) and depth. Parsed texts are interned:
 * the same text gives the same ast. The caller gets one reference. */
int rule_parse(const char *text, size_t len, const struct src_pos *pos, struct ast_rule **out, struct err *e);
struct ast_rule *ast_ref(struct ast_rule *r);
void ast_put(struct ast_rule *r);
const char *ast_text(const struct ast_rule *r); /* the source, whitespace squeezed, comment kept */
/* The $names it uses, in order of first use. NULL at the end. */
const char *ast_param(const struct ast_rule *r, unsigned i);
const char *ast_comment(const struct ast_rule *r);       /* `comment "x"`, NULL none */
const char *ast_comment_param(const struct ast_rule *r); /* `comment $x`: "x", NULL none */

struct rule_env {
	void *ctx;
	uint8_t family; /* NFPROTO_* of the table */
	/* Base chain's type and hook where known (NF_INET_*; -1: regular chain or unknown), for checks of
	 * validity. */
	const char *chain_type;
	int hook;
	/* The set, map or object map `name` of this table as it will be at the commit; NULL: nobody states
	 * it. */
	const struct set_info *(*set)(void *ctx, const char *name);
	/* The value of $name. NULL: unknown (error with a proposal among params). VAL_LIVE where a single
	 * value stands: the compiler asks live->ops->first() with the family that the place wants; none:
	 * -ENODATA, the rule is left out. */
	const struct val *(*param)(void *ctx, const char *name);
	/* $name is VAL_LIVE and stands where a list can: the set that holds it, with this key type. */
	const struct set_info *(*live_set)(void *ctx, const char *name, const struct nft_type *key);
	/* Index of a device for `iif NAME`, 0: not there (compile answers -ENODEV, the rule waits). NULL: the
	 * kernel is asked. */
	uint32_t (*ifindex)(void *ctx, const char *name);
	void (*group)(void *ctx, const char *path); /* a control group is named; NULL: nobody asks */
	/* The only address (4 or 16 bytes) of a host, family AF_INET or AF_INET6. NULL: names of hosts are
	 * refused. -errno with a message. */
	int (*resolve)(void *ctx, int family, const char *name, uint8_t out[16], struct err *e);
	/* For proposals, may be NULL: the i-th set of the table, the i-th value's name; NULL: end. */
	const char *(*set_at)(void *ctx, size_t i);
	const char *(*param_at)(void *ctx, size_t i);
	const char *table; /* of a file's rule, for messages about what it lacks; may be NULL */
	bool no_hash;      /* code.hash is not needed */
	/* Where the rule's text begins, for messages; NULL: they show the line and a caret without a place.
	 */
	const struct src_pos *pos;
};

/* A name that the rule needs: pending when nobody states it. */
enum ref_kind { REF_CHAIN, REF_SET, REF_OBJECT, REF_FLOWTABLE, REF_DEVICE };
struct ref {
	enum ref_kind kind;
	uint32_t obj_type; /* NFT_OBJECT_* for REF_OBJECT */
	bool fills, timed; /* REF_SET: packets change its elements (add, update, delete), with a timeout */
	char name[NFT_NAME_MAXLEN];
};

struct anon_set {                       /* an anonymous set or map of the rule, in the order of use */
	struct set_info info;           /* name "__set%d" / "__map%d"; NFT_SET_ANONYMOUS|NFT_SET_CONSTANT set.
					 * `meter NAME { … }` makes one of that name, which packets fill:
					 * NFT_SET_ANONYMOUS|NFT_SET_EVAL */
	uint32_t size;                  /* of a meter as it was said; 0: that of the elements */
	VEC(struct nftnl_expr *) exprs; /* owned: of the elements' own statements */
	VEC(struct setelem) elems; /* intervals closed and sorted, as in struct setelem; empty is legal */
	struct nft_concat {
		uint8_t n, len[NFT_PARTS_MAX];
	} concat; /* field lengths for NFT_SET_CONCAT interval sets */
};

struct code;
struct anon_chain { /* `jump { … }`: a chain that lives with its rule */
	VEC(struct anon_rule {
		struct code *code;   /* owned */
		const char *comment; /* the tree's */
	})
	rules;
};

struct code {
	VEC(struct nftnl_expr *)
	exprs; /* owned. Lookups (and dynset) in anonymous set i carry SET_ID i + 1 and its name */
	VEC(struct anon_set) sets;
	VEC(struct ref) refs;
	VEC(struct anon_chain) chains; /* a verdict that goes to chain i carries CHAIN_ID i + 1 and no name */
	uint32_t places;               /* where the kernel takes it: bits of chain_place() */
	uint64_t hash; /* of the expressions and the anonymous sets' content; hash_stable(): the same in every
			  process */
};

/* -EINVAL: message with place; -ENOENT: refs to sets of unknown type (message names them; the caller leaves
 * the rule pending); -ENODATA: an empty live scalar; -ENODEV: `iif`/`oif` of a device that is not there;
 * -ENXIO: a control group that is not. */
int rule_compile(const struct ast_rule *r, const struct rule_env *env, struct code **out, struct err *e);
void code_free(struct code *c);
/* Statements that stand by themselves (counter, limit, quota, last, ct count: of a set or an element), from
 * the tree. r: the rule they were parsed in. Pushes the expressions, the caller's, on out. */
struct exprs {
	VEC(struct nftnl_expr *) e;
};
struct node;
int stateful_compile(const struct ast_rule *r, const struct node *list, const struct rule_env *env,
	struct exprs *out, struct err *e);
/* The same from a text: "counter quota over 500 mbytes". */
int stateful_parse(const char *text, struct exprs *out, struct err *e);
void exprs_free(struct exprs *x);
/* One element as written (N_ELEM of file_elems()) for a set; out->comment and out->exprs are the arena's or
 * keep's. */
int elem_compile(const struct ast_rule *r, const struct node *el, const struct set_info *set,
	const struct rule_env *env, struct setelem *out, struct exprs *keep, struct err *e);
/* The rule with its $names filled in, one line of nft syntax. Live lists print as @name of their set. */
void rule_text(const struct ast_rule *r, const struct rule_env *env, struct buf *out);
/* nft --debug=netlink's notation, one expression a line. */
void code_text(const struct code *c, struct buf *out);

/* Names of objects: legal for nft, not one of its keywords, ≤ 127 bytes here. -EINVAL with a proposal. */
int nft_name_check(const char *name, struct err *e);
/* nft.name(): a legal name that no other string gives. */
void nft_name_make(const char *s, size_t n, char out[NFT_NAME_MAXLEN]);

/* "filter", "dstnat - 5", "-100", family and hook matter → number. -EINVAL with the names that exist. */
int nft_priority_parse(const char *text, uint8_t family, int hook, int32_t *out, struct err *e);
int nft_hook_parse(const char *text, uint8_t family, uint32_t *out,
	struct err *e); /* "prerouting" → NF_INET_PRE_ROUTING */
const char *nft_hook_name(uint8_t family, uint32_t hook);
/* The bit of base chains of this type and hook. */
uint32_t chain_place(const char *type, uint32_t hook);
/* "type nat and hook prerouting or output": what all of these places have; "" for all places. */
void chain_places_text(uint8_t family, uint32_t places, struct buf *out);
/* Does the kernel have base chains like this? -EINVAL: why not. */
int chain_fits(uint8_t family, const char *type, uint32_t hook, struct err *e);
#define PLACE_ANY UINT32_MAX
int nft_family_parse(const char *text, uint8_t *out, struct err *e); /* "inet" → NFPROTO_INET */
const char *nft_family_name(uint8_t family);
/* "interval, timeout" → NFT_SET_* */
int nft_set_flags_parse(const char *text, uint32_t *out, struct err *e);
