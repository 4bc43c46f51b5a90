/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values from outside the language: what `$name` takes, what elements are made of. A value is data, never
 * text that is parsed as syntax: a string is one scalar of the type that stands there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/inet.h"
#include "base/vec.h"

struct live; /* a query or file that a value follows; opaque here, script/live.c's */

enum val_kind {
	VAL_NIL,
	VAL_STRING, /* one scalar in nft's notation for its type ("192.0.2.1", "http", "eth0"); no prefix,
		       range or glob */
	VAL_INT,
	VAL_ADDR,   /* one address */
	VAL_PREFIX, /* nft.prefix(), a record's network */
	VAL_RANGE,  /* nft.range(): list[0], list[1] */
	VAL_GLOB,   /* nft.glob(): string that ends in '*' */
	VAL_MAC,
	VAL_CONCAT, /* list of parts */
	VAL_LIST,   /* list of values (a set) */
	VAL_MAP,    /* list of key, value, key, value … sorted by canonical text of the key */
	VAL_OBJ,    /* a handle: `name` of a chain, set, map or object */
	VAL_LIVE,   /* a query or file: scalar or list as the place wants */
};

/* One value; owns what it points to; of `live` only a use that `owned` tells of. */
struct val {
	enum val_kind kind;
	uint8_t mac[6];
	uint8_t obj_kind;   /* enum obj_kind, VAL_OBJ */
	int64_t num;        /* VAL_INT; VAL_STRING of a link's record: its index, else 0 */
	struct ipprefix ip; /* VAL_ADDR (len full), VAL_PREFIX (host bits cleared) */
	char *str; /* VAL_STRING, VAL_GLOB, VAL_OBJ; NUL-terminated, bounded, without control bytes */
	struct val *list;
	uint32_t n;
	struct live *live;
	bool owned; /* one use of live is this value's */
	/* element options, for items of a list: */
	uint64_t timeout_ms; /* 0: none */
	char *comment;
};

struct val val_string(const char *s, size_t n);
struct val val_int(int64_t i);
struct val val_addr(const struct ipaddr *a);
struct val val_prefix(const struct ipprefix *p);
struct val val_copy(
	const struct val *v); /* deep; another use of an owned live, else VAL_LIVE keeps the pointer */
void val_free(struct val *v); /* and back to VAL_NIL */
bool val_equal(const struct val *a, const struct val *b);
/* nft notation for plans and messages: 192.0.2.0/24, { 80, 443 }, @name, "eth0". */
void val_text(const struct val *v, struct buf *out);
