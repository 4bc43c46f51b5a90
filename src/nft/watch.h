/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who changes nftables: the kernel's notifications of what others committed. Own batches are dropped by a
 * filter in the kernel, else one's own bulk commit would overrun the socket. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"

struct ev_loop;
struct nft_watch;

enum change_kind {
	CHANGE_TABLE,
	CHANGE_CHAIN,
	CHANGE_RULE,
	CHANGE_SET,
	CHANGE_ELEM,
	CHANGE_OBJECT,
	CHANGE_FLOWTABLE
};

struct nft_change { /* what one generation did to one object, as often as count says */
	enum change_kind kind;
	bool del;
	uint8_t family;
	uint32_t count, obj_type;
	char *table, *name; /* name: of the chain, set or object; NULL for tables */
};

struct nft_generation {                 /* one foreign commit */
	uint32_t id;                    /* 0: not known, notifications were lost */
	uint32_t pid;                   /* 0: not known */
	char process[17];               /* "" where it is not known; foreign bytes */
	bool lost;                      /* the socket ran over: anything may have changed */
	VEC(struct nft_change) changes; /* of tables that ops->cares about; CHANGES_MAX at most */
	uint32_t more;                  /* changes that are counted only */
};
#define CHANGES_MAX 256

/* Deep; free with nft_generation_free(). */
struct nft_generation nft_generation_copy(const struct nft_generation *g);
void nft_generation_free(struct nft_generation *g);

const char *change_kind_word(const struct nft_change *c); /* "rule", "element", … */

struct nft_watch_ops {
	void *ctx;
	bool (*cares)(void *ctx, uint8_t family, const char *table);
	/* A foreign commit touched a table that matters, or notifications were lost. g is borrowed. */
	void (*foreign)(void *ctx, const struct nft_generation *g);
};

/* own_portid: of the commit socket, whose changes are not told. */
struct nft_watch *nft_watch_new(uint32_t own_portid, const struct nft_watch_ops *ops, struct err *e);
void nft_watch_free(struct nft_watch *w);
void nft_watch_start(struct nft_watch *w, struct ev_loop *loop); /* ops->foreign runs from the loop */
void nft_watch_stop(struct nft_watch *w);
/* Reads what is queued now; ops->foreign runs for each generation. Returns the id of the last foreign one
 * that was read, 0: none. */
uint32_t nft_watch_poll(struct nft_watch *w);
/* The last foreign generation that was read, however long ago; 0: none yet. */
uint32_t nft_watch_seen(const struct nft_watch *w);
