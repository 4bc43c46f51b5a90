/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft's data types, and values in kernel form. */
#pragma once

#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "nft/val.h"

#define NFT_KEY_MAX   64 /* bytes of a set key, all parts, each padded to 4 when concatenated */
#define NFT_PARTS_MAX 16

struct nftnl_expr;
struct datatype; /* one scalar type: type.c's table (ipv4_addr, inet_service, ifname, mark, verdict, …) */

/* The type of a set key, of map data, or of the place where a value stands: one scalar type or a
 * concatenation. */
struct nft_type {
	uint8_t n; /* parts; 0: unknown */
	const struct datatype *part[NFT_PARTS_MAX];
	uint16_t bits[NFT_PARTS_MAX]; /* of each part: typeof and raw payload may be narrower or wider than
					 the type's usual */
	bool interval; /* map data only, `ipv4_addr : interval ipv4_addr`: a value is a closed range, low end
			  then high end */
};

/* "ipv4_addr . inet_service" → type; for maps parse both sides of ':' apart ("interval ipv4_addr" is a type
 * of data). -EINVAL with a suggestion. */
int nft_type_parse(const char *text, struct nft_type *out, struct err *e);
/* `typeof` text: "ip saddr . tcp dport" (an expression, without values). */
int nft_typeof_parse(const char *text, struct nft_type *out, struct err *e);
bool nft_type_equal(const struct nft_type *a, const struct nft_type *b); /* same parts, same widths */
void nft_type_text(const struct nft_type *t, struct buf *out);
uint32_t nft_type_id(const struct nft_type
		*t); /* NFTA_SET_KEY_TYPE: 6 bits a part; NFT_DATA_VERDICT for verdicts as data */
uint32_t nft_type_len(const struct nft_type *t); /* NFTA_SET_KEY_LEN: bytes, parts padded to 4 */
bool nft_type_is_verdict(const struct nft_type *t);
/* Address family that the (single) type asks of an untyped query: AF_INET, AF_INET6, 0. */
int nft_type_family(const struct nft_type *t);

/* What a compiled rule or an element needs to know of a set. */
struct set_info {
	char name[NFT_NAME_MAXLEN];
	uint32_t flags; /* NFT_SET_*; NFT_SET_MAP for maps, NFT_SET_OBJECT for object maps */
	struct nft_type key, data;
	uint32_t obj_type; /* NFT_OBJECT_*, for object maps */
	bool auto_merge;
};

/* One element in kernel byte form: numbers lie as their type orders them. Where the set is NFT_SET_INTERVAL,
 * numbers in host order (marks, ids, meta and ct integers) lie big endian instead, since the kernel compares
 * bytes: nft_elem_make() and nft_elem_text() turn them, and a rule that looks up in such a set needs a
 * byteorder expression for those parts. Strings are never turned. With NFT_SET_INTERVAL the key is the closed
 * interval [key, key_end]; else key_end is unused. Concatenations: parts in order, each padded to 4 bytes,
 * key_end part by part. */
struct setelem {
	uint16_t klen, dlen;
	bool interval; /* key_end is set: always with NFT_SET_INTERVAL, key_end = key for a single value */
	bool catchall; /* `*` */
	bool verdict;  /* data is verdict + chain */
	bool own;      /* read from the kernel: with rnm's mark of elements in attached sets */
	int32_t verdict_code; /* NFT_JUMP, NF_ACCEPT, … */
	uint8_t key[NFT_KEY_MAX], key_end[NFT_KEY_MAX], data[NFT_KEY_MAX];
	char target[NFT_NAME_MAXLEN]; /* chain of jump/goto, or object name of object maps */
	uint64_t timeout_ms, expires_ms;
	const char *comment; /* borrowed */
	/* The element's own statements (counter, limit, …): borrowed. */
	struct nftnl_expr *const *exprs;
	uint8_t n_exprs;
};

/* Catchall is the string "*", or for keys that are strings (where "*" might be a name) the glob "*". The
 * timeout and comment of `key` are taken along (the comment borrowed). Strings in prefix and range notation
 * ("10.0.0.0/8", "80-90") are taken where the set is NFT_SET_INTERVAL; a pattern of a name must be VAL_GLOB.
 * Makes an element of `key` (and `data` for maps). VAL_LIST/VAL_MAP/VAL_LIVE are refused here: the caller
 * takes them apart. A string for a verdict map's data is "accept", "goto NAME", …; "a . b" is taken for
 * concatenations. VAL_ADDR, VAL_PREFIX etc. stand where their type is asked. Prefix, range, glob only with
 * NFT_SET_INTERVAL. -EINVAL: message names value and type. */
int nft_elem_make(const struct set_info *set, const struct val *key, const struct val *data,
	struct setelem *out, struct err *e);
/* One value of a type, in kernel bytes (scalar or concat). Returns its length or -EINVAL. */
int nft_value_make(const struct nft_type *t, const struct val *v, uint8_t out[NFT_KEY_MAX], struct err *e);
/* Key, ": data", timeout, comment in nft's notation, as `nft list` prints it. */
void nft_elem_text(const struct set_info *set, const struct setelem *el, struct buf *out);
