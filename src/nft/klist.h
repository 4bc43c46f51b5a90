/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files klist*.c share: a table of the kernel's as it was read, and its parts as text. Internal to
 * nft/. */
#pragma once

#include "nft/decomp.h"

struct kset {
	struct kread_set s; /* its strings are kept */
	char *stmts;        /* of each element; NULL: none */
};
struct kchain {
	struct kread_chain c; /* its strings are kept */
	struct buf rules;
};
struct kobj {
	struct kread_object o;
};
struct kflow {
	struct kread_flowtable f;
};

struct klist {
	struct nft_conn *conn;
	const struct list_opts *o;
	struct err *e;
	struct arena_block *arena; /* of one table */
	uint8_t family;
	const char *table;
	VEC(struct kset *) sets;
	VEC(struct kset *) by_name; /* the sets sorted */
	VEC(struct kchain *) chains;
	VEC(struct kobj *) objs;
	VEC(struct kflow *) flows;
	const struct kchain *last; /* where the rules go */
	int r;
};

/* ---- klist_read.c: 0 or -errno; name NULL: all ---- */

int klist_sets(struct klist *l, const char *name);
int klist_chains(struct klist *l, const char *name);
int klist_objects(struct klist *l, uint32_t type, const char *name, bool reset);
int klist_flowtables(struct klist *l, const char *name);
int klist_rules(struct klist *l, const char *chain); /* needs sets and chains */
void klist_clear(struct klist *l);
/* Of the chain's rules; needs sets. k NULL: it is not known what the chain is. */
struct decompile_env klist_env(struct klist *l, const struct kchain *k);

/* ---- klist_put.c ---- */

void put_decl(const struct klist *l, const char *kind, const char *name, uint64_t handle, struct buf *out);
void chain_put(const struct klist *l, const struct kchain *c, bool rules, struct buf *out);
void object_put(const struct klist *l, const struct kobj *o, struct buf *out);
void flowtable_put(const struct klist *l, const struct kflow *f, struct buf *out);

/* ---- klist_set.c ---- */

int kset_put(struct klist *l, const struct kset *s, struct buf *out);
