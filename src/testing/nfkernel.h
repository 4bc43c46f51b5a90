/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nf_tables in memory: takes the messages of batches and answers questions, as far as rnm asks them. What
 * rules do to packets it does not know, nor does it refuse what only a kernel's expressions would. */
#pragma once

#include "base/hash.h"
#include "base/vec.h"
#include "nft/batch.h"
#include "nft/watch.h"

struct nfk_attrs { /* attributes as a message has them */
	uint32_t n;
	uint8_t *v;
};

struct nfk_rule {
	uint64_t handle;
	uint32_t id; /* within its batch */
	struct nfk_attrs attrs;
	VEC(char *) sets; /* anonymous ones: they go with it */
};

struct nfk_elem {
	uint64_t deadline; /* boot_ms(); 0: permanent */
	struct nfk_attrs attrs;
	uint16_t n;
	uint8_t key[]; /* its key attributes, whether it is an end: what tells it from others */
};

struct nfk_obj {
	uint8_t kind, family; /* kind: NFT_MSG_NEWTABLE, NEWCHAIN, NEWSET, NEWOBJ, NEWFLOWTABLE */
	char *table, *name;   /* of a table both are the same */
	uint64_t handle;
	uint32_t type, id; /* of objects; of sets and chains within their batch */
	bool dead;
	struct nfk_attrs attrs;
	VEC(char *) dev;              /* of chains and flowtables: in place of those in attrs */
	VEC(struct nfk_rule *) rules; /* chains */
	struct hmap elems;            /* sets: struct nfk_elem */
};

struct nfk_undo;
struct nfkernel { /* zeroed: empty */
	VEC(struct nfk_obj *) objs;
	uint64_t handles, rule_handles; /* the last ones given */
	uint32_t genid, anon;
	/* the open batch */
	VEC(struct nfk_undo) undo;
	bool failed;
	struct nft_generation *told; /* what is done is written there; NULL: nobody wants to know */
};

void nfkernel_free(struct nfkernel *k); /* what is in it */

/* For a struct nft_wire whose ctx is the kernel. */
void nfkernel_message(void *ctx, const struct nlmsghdr *nlh, nft_answer *answer, void *to);
int nfkernel_dump(void *ctx, const struct nlmsghdr *question, nft_answer *answer, void *to);
