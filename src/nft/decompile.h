/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expressions → nft syntax that compiles back to the same expressions. What is printed was compiled again and
 * compared; where the shortest spelling gives something else a more explicit one is tried, and what none
 * spells is shown as raw expressions in a comment, never left out. */
#pragma once

#include "nft/kread.h"

struct decompile_env {
	void *ctx;
	uint8_t family;
	const char *chain_type; /* of a base chain; NULL: regular or unknown */
	int hook;               /* -1 */
	/* A set, map or anonymous set of the table by name; NULL: none. */
	const struct set_info *(*set)(void *ctx, const char *name);
	/* The elements of an anonymous set. */
	int (*elems)(void *ctx, const struct set_info *set, void (*fn)(void *ctx, const struct setelem *el),
		void *fn_ctx);
	/* The rules of an anonymous chain (jump { … }), each once, in order; NULL: none there. */
	int (*chain)(void *ctx, const char *name,
		void (*fn)(void *ctx, struct nftnl_expr **exprs, uint32_t n, const char *comment),
		void *fn_ctx);
	const char *(*ifname)(void *ctx, uint32_t index); /* NULL: the kernel is asked */
	bool stateless;                                   /* counters and quotas without their counts */
	/* The size of a set that is a meter; 0: none. May be NULL. */
	uint32_t (*set_size)(void *ctx, const char *name);
	/* Begin of the line that a rule with jump { … } stands on, for the rules in it, each on a line of its
	 * own; NULL: all on one line. */
	const char *indent;
};

/* One line. false: it could not be spelled; out has the raw expressions behind a `#`. */
bool rule_decompile(const struct decompile_env *env, struct nftnl_expr **exprs, uint32_t n,
	const char *comment, struct buf *out);
/* The statements of a set or an element: "counter packets 0 bytes 0". */
bool stateful_text(struct nftnl_expr *const *exprs, uint32_t n, bool stateless, struct buf *out);

struct list_opts {
	bool stateless, handles, no_elements;
	bool numeric;
	/* Counters and quotas begin anew (`reset …`): what is shown is what they were. */
	bool reset;
	/* LIST_SET: only these elements (`get element`); NULL: all. */
	bool (*elem)(void *ctx, const struct setelem *el);
	void *elem_ctx;
	uint64_t rule; /* LIST_CHAIN: only the rule of this handle; 0: all */
};
/* The rules of one chain, one by one. text: one line that compiles to the same expressions; it stays valid
 * for the call. */
struct kernel_rule {
	uint32_t index;
	uint64_t handle;
	const char *text; /* NULL: not asked for */
	bool spelled;     /* false: nothing spells it, text has the raw expressions behind a `#` */
	const uint8_t *udata;
	size_t n_udata;
};
/* wants: is the text needed, NULL: of all. -ENOENT: there is no such chain. */
int kernel_rules(struct nft_conn *c, uint8_t family, const char *table, const char *chain, bool stateless,
	bool (*wants)(void *ctx, uint32_t index, uint64_t handle),
	void (*fn)(void *ctx, const struct kernel_rule *r), void *ctx, struct err *e);

/* `nft list ruleset`, `list table …`, of what the kernel holds. family NFPROTO_UNSPEC: all; table NULL: all;
 * what: one of the names of the kernel's objects in it (chain, set, map, object, flowtable), NULL: the whole
 * table. -ENOENT. */
enum list_what {
	LIST_ALL,
	LIST_CHAIN,
	LIST_SET,
	LIST_OBJECT,
	LIST_FLOWTABLE,
	LIST_TABLES,
	LIST_CHAINS,
	LIST_SETS,
	LIST_MAPS,
	LIST_OBJECTS,
	LIST_FLOWTABLES
};
struct list_query {
	enum list_what what;
	uint8_t family;
	uint32_t obj_type;
	const char *table, *name;
};
int kernel_list(struct nft_conn *c, const struct list_query *q, const struct list_opts *o, struct buf *out,
	struct err *e);
