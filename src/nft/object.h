/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stateful objects and flowtables as the kernel wants them, and their spelling in nft's words. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <linux/netfilter/nf_tables.h>

#include "base/buf.h"
#include "base/err.h"

struct src_pos;

#define CT_TIMEOUT_MAX  16
#define CT_HELPER_NAME  16  /* with its NUL */
#define SECMARK_CTX_MAX 256 /* with its NUL */

/* What an object of a table is. No pointer but comment: may be copied. */
struct object_want {
	uint32_t type;       /* NFT_OBJECT_* */
	const char *comment; /* borrowed */
	union {
		struct {
			uint64_t packets, bytes;
		} counter;
		struct {
			uint64_t bytes, used;
			bool over;
		} quota;
		struct {
			uint64_t rate, unit; /* unit in seconds */
			uint32_t burst;
			bool bytes, over;
		} limit;
		struct {
			uint32_t count;
			bool over;
		} connlimit;
		struct {
			char name[CT_HELPER_NAME];
			uint8_t l4proto;
			uint16_t l3proto; /* NFPROTO_*; 0: the table's family where that is one, else both */
		} helper;
		struct {
			uint16_t l3proto;
			uint8_t l4proto;
			uint32_t
				given; /* bit i: seconds[i] is set; i is CTA_TIMEOUT_* of the state, from 1 */
			uint32_t seconds[CT_TIMEOUT_MAX];
		} timeout;
		struct {
			uint16_t l3proto;
			uint8_t l4proto, size;
			uint16_t dport; /* host order */
			uint32_t timeout_ms;
		} expect;
		struct {
			uint16_t mss;
			uint8_t wscale;
			uint32_t flags; /* NF_SYNPROXY_OPT_* */
		} synproxy;
		char secmark[SECMARK_CTX_MAX];
	};
};

struct flowtable_want {
	uint32_t hook, flags; /* NF_NETDEV_INGRESS; NFT_FLOWTABLE_* */
	int32_t priority;
	uint32_t n_dev;
	const char *const *dev; /* borrowed */
};

/* "counter", "ct helper", … as nft writes it in front of the name; NULL: no such type. */
const char *object_type_word(uint32_t type);
/* The plural of `list counters`, `reset quotas`; NULL: none. */
const char *object_type_plural(uint32_t type);
/* The words between the braces of a declaration ("over 500 mbytes used 10 bytes", `type "ftp" protocol tcp`)
 * → *out. pos: where the text begins, for messages, may be NULL. */
int object_parse(uint32_t type, const char *text, size_t len, const struct src_pos *pos,
	struct object_want *out, struct err *e);
/* The other way: the properties without comment, each followed by sep (as `nft list` prints them). stateless:
 * no counts. */
void object_text(const struct object_want *o, bool stateless, const char *sep, struct buf *out);
/* The same object, as far as its declaration goes: counts, which are start values, do not matter. */
bool object_same(const struct object_want *a, const struct object_want *b);
/* Is got, as it was read from a table of that family, what the kernel makes of want? It fills in what want
 * leaves out (timeouts of other states, protocols); what it filled in may be something else than it would be
 * now. */
bool object_taken(const struct object_want *want, const struct object_want *got, uint8_t family);
