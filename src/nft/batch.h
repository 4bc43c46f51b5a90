/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commit socket: a plan becomes one nfnetlink batch, its answers come back by operation. The only user of
 * libnftnl's message builders. */
#pragma once

#include "nft/plan.h"

struct nft_conn;

struct nft_conn *nft_conn_new(
	const char *instance, struct err *e); /* -EPERM: says that CAP_NET_ADMIN is missing */
void nft_conn_free(struct nft_conn *c);

/* A kernel that is simulated: it gets the messages and gives the answers that netlink would carry. */
struct nlmsghdr;
typedef void nft_answer(void *to, const struct nlmsghdr *nlh);
struct nft_wire {
	void *ctx;
	/* One message of a batch after the other, from its begin to its end; answers as of the commit socket.
	 */
	void (*message)(void *ctx, const struct nlmsghdr *nlh, nft_answer *answer, void *to);
	/* A question, and its answers without the final DONE. 0 or -errno. */
	int (*dump)(void *ctx, const struct nlmsghdr *question, nft_answer *answer, void *to);
};
struct nft_conn *nft_conn_over(const char *instance, const struct nft_wire *wire); /* borrows wire */
uint32_t nft_conn_portid(const struct nft_conn *c);
/* The generation that the next batches are made for (NFNL_BATCH_GENID): where it is another one, nft_commit()
 * gives -ERESTART and nothing is applied. 0: whatever it is. */
void nft_conn_expect(struct nft_conn *c, uint32_t genid);

/* Synchronous: builds, sends, reads all answers. dry: without the end message, so that the kernel checks and
 * changes nothing. 0, or negative errno with r->op_err filled (r is always valid for commit_result_free()).
 */
int nft_commit(struct nft_conn *c, const struct plan *p, bool dry, struct commit_result *r, struct err *e);

/* Handles of a chain's rules in order, with the stable ids from their user data (0: none). Returns the count
 * or -errno. */
int nft_rule_handles(struct nft_conn *c, uint8_t family, const char *table, const char *chain,
	uint64_t **handles, uint64_t **ids, struct err *e);

/* Tables of this namespace. 0 or -errno. */
int nft_tables(
	struct nft_conn *c, void (*fn)(void *ctx, const struct table_seen *t), void *ctx, struct err *e);

/* ---- tables with an owner (`flags owner`): only the socket of that port may change them ---- */

/* Is this the port of another process than the one that c commits for? 0 is nobody's. */
bool nft_owned(const struct nft_conn *c, uint32_t port);
/* c only looks, on behalf of whoever runs: owners of tables are no obstacle. */
void nft_conn_looks(struct nft_conn *c);
/* Does this kernel take `persist` (Linux 6.9), without which an owned table goes with its owner? Asked with a
 * batch that changes nothing, once. */
bool nft_persists(struct nft_conn *c);

/* Elements of one set as the kernel has them, packet-path ones too; intervals closed. 0 or -errno. */
int nft_set_read(struct nft_conn *c, uint8_t family, const char *table, const struct set_info *set,
	void (*fn)(void *ctx, const struct setelem *el), void *ctx, struct err *e);

uint32_t nft_genid(struct nft_conn *c); /* generation, 0: unknown */

/* ---- a batch built operation by operation (load.c) ----
 *
 * Nothing but the messages is kept, so that a file of any size costs its messages. i is the caller's number
 * of what the operation is for: several may have the same. nft_conn_expect() counts until the batch is sent.
 * After an error of nft_stream_op() the batch is only good for being begun anew. A connection has one batch
 * at a time. */
struct build;
struct build *nft_stream_begin(struct nft_conn *c, struct err *e); /* the batch's begin is written */
int nft_stream_op(struct build *b, const struct op *op, uint32_t i, struct err *e); /* op is not kept */
/* As nft_commit(): sends and reads the answers, of each i < n its errno in r->op_err. Without handles. */
int nft_stream_send(
	struct nft_conn *c, struct build *b, bool dry, uint32_t n, struct commit_result *r, struct err *e);
/* Does this kernel take op.destroy (Linux 6.3)? Where it does not such an operation is -EOPNOTSUPP. */
bool nft_destroys(struct nft_conn *c);
