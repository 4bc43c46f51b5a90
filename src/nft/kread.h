/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel holds, object by object, as the structs in which rnm says what it wants. Everything that is
 * handed to a callback is borrowed for the call. table, name NULL: all of the family (NFPROTO_UNSPEC: of all
 * families). 0 or -errno; a table, chain or set of that name that is not there is -ENOENT. The dump is whole:
 * one that was interrupted begins anew before the first callback. */
#pragma once

#include "nft/batch.h"
#include "nft/object.h"

struct nftnl_expr;
struct nlattr;

struct kread_table {
	uint8_t family;
	const char *name;
	uint64_t handle;
	uint32_t use;
	struct table_want want;
	bool own;       /* this instance's mark */
	uint32_t owner; /* port id of an owner, 0: none */
};
int kread_tables(struct nft_conn *c, uint8_t family, const char *name,
	void (*fn)(void *, const struct kread_table *), void *ctx, struct err *e);

struct kread_chain {
	uint8_t family;
	const char *table, *name;
	uint64_t handle;
	uint32_t flags; /* NFT_CHAIN_* */
	struct chain_want want;
	bool mark; /* this instance's, of its table: see MARK_CHAIN */
};
int kread_chains(struct nft_conn *c, uint8_t family, const char *table, const char *name,
	void (*fn)(void *, const struct kread_chain *), void *ctx, struct err *e);

/* Has the table a chain MARK_CHAIN? 1: with this instance's mark, 0: no; -EEXIST: it has, but one that is
 * somebody else's. */
int kread_mark(struct nft_conn *c, uint8_t family, const char *table, struct err *e);

struct kread_set {
	uint8_t family;
	const char *table, *name;
	uint64_t handle;
	struct set_want want; /* a part of an unknown type is datatype_unknown with its width */
};
extern const struct datatype datatype_unknown; /* DT_INVALID; prints in hex */
int kread_sets(struct nft_conn *c, uint8_t family, const char *table, const char *name,
	void (*fn)(void *, const struct kread_set *), void *ctx, struct err *e);

/* As nft_set_read(), and each element's own expressions (counter, limit, …). reset (Linux 6.5): what they
 * count begins at zero again; such a dump is never begun anew, elements that come and go while it runs may be
 * missing, or be told twice. */
int kread_elems(struct nft_conn *c, uint8_t family, const char *table, const struct set_info *set, bool reset,
	void (*fn)(void *, const struct setelem *el), void *ctx, struct err *e);

struct kread_object {
	uint8_t family;
	const char *table, *name;
	uint64_t handle;
	uint32_t use;
	struct object_want want;
};
/* type 0: all. reset: counters and quotas begin at zero again, what they were is told. */
int kread_objects(struct nft_conn *c, uint8_t family, const char *table, const char *name, uint32_t type,
	bool reset, void (*fn)(void *, const struct kread_object *), void *ctx, struct err *e);

struct kread_flowtable {
	uint8_t family;
	const char *table, *name;
	uint64_t handle;
	struct flowtable_want want;
};
int kread_flowtables(struct nft_conn *c, uint8_t family, const char *table, const char *name,
	void (*fn)(void *, const struct kread_flowtable *), void *ctx, struct err *e);

struct kread_rule {
	uint8_t family;
	const char *table, *chain;
	uint64_t handle, id;  /* id: the stable id in rnm's user data, 0: none */
	uint64_t hash;        /* content hash beside it */
	const char *comment;  /* NULL: none */
	const uint8_t *udata; /* all of the user data */
	size_t n_udata;
	uint32_t n;
	struct nftnl_expr **exprs; /* NULL: one that is not known, or not wholly; see attrs */
	/* As they came: of each the nest with NFTA_EXPR_NAME and NFTA_EXPR_DATA. */
	const struct nlattr *const *attrs;
};
/* Rules in order, chain by chain. chain NULL: of the whole table. reset (Linux 6.2): as with objects. */
int kread_rules(struct nft_conn *c, uint8_t family, const char *table, const char *chain, bool reset,
	void (*fn)(void *, const struct kread_rule *), void *ctx, struct err *e);
