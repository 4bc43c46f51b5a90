/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commit socket: a plan becomes one nfnetlink batch, its answers come back by operation. The only user of
 * libnftnl's message builders. */
#pragma once

#include "nft/plan.h"

struct nft_conn;

struct nft_conn *nft_conn_new(
	const char *instance, struct err *e); /* -EPERM: says that CAP_NET_ADMIN is missing */
void nft_conn_free(struct nft_conn *c);
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

/* Tables of this namespace; own: carries this instance's mark. 0 or -errno. */
int nft_tables(struct nft_conn *c, void (*fn)(void *ctx, uint8_t family, const char *name, bool own),
	void *ctx, struct err *e);

/* Elements of one set as the kernel has them, packet-path ones too; intervals closed. 0 or -errno. */
int nft_set_read(struct nft_conn *c, uint8_t family, const char *table, const struct set_info *set,
	void (*fn)(void *ctx, const struct setelem *el), void *ctx, struct err *e);

uint32_t nft_genid(struct nft_conn *c); /* generation, 0: unknown */
