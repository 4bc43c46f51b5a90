/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One constructor for each kernel expression. libnftnl's setters copy what they are given without a look at
 * its length, so every length is checked here, once. NULL: a length out of bounds. Registers are given as
 * numbers of 4-byte slots, 0..15. Internal to nft/. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct nftnl_expr;

#define EXPR_DATA_MAX 64
#define SLOT_NONE     -1

struct nftnl_expr *expr_payload(int dreg, unsigned base, unsigned off, unsigned len);
struct nftnl_expr *expr_payload_write(int sreg, unsigned base, unsigned off, unsigned len, unsigned csum_type,
	unsigned csum_off, unsigned csum_flags);
struct nftnl_expr *expr_exthdr(
	int dreg, unsigned op, unsigned type, unsigned off, unsigned len, bool present);
struct nftnl_expr *expr_exthdr_write(int sreg, unsigned op, unsigned type, unsigned off, unsigned len);
struct nftnl_expr *expr_exthdr_reset(unsigned op, unsigned type);
struct nftnl_expr *expr_keyed(const char *name, int dreg, unsigned key);     /* meta, rt */
struct nftnl_expr *expr_keyed_set(const char *name, int sreg, unsigned key); /* meta */
struct nftnl_expr *expr_ct(int dreg, unsigned key, int dir);                 /* dir -1: none */
struct nftnl_expr *expr_ct_set(int sreg, unsigned key, int dir);
struct nftnl_expr *expr_socket(int dreg, unsigned key, unsigned level);
struct nftnl_expr *expr_fib(int dreg, unsigned result, unsigned flags);
struct nftnl_expr *expr_osf(int dreg, unsigned ttl, unsigned flags);
struct nftnl_expr *expr_xfrm(int dreg, unsigned key, unsigned dir, unsigned spnum);
struct nftnl_expr *expr_numgen(int dreg, unsigned type, uint32_t mod, uint32_t offset);
struct nftnl_expr *expr_hash(int dreg, int sreg, unsigned type, unsigned len, uint32_t mod, bool seeded,
	uint32_t seed, uint32_t offset);
struct nftnl_expr *expr_cmp(int sreg, unsigned op, const void *data, unsigned len);
struct nftnl_expr *expr_range(int sreg, unsigned op, const void *from, const void *to, unsigned len);
struct nftnl_expr *expr_bitwise(int sreg, int dreg, const void *mask, const void *xor_, unsigned len);
struct nftnl_expr *expr_shift(int sreg, int dreg, bool left, uint32_t bits, unsigned len);
struct nftnl_expr *expr_byteorder(int sreg, int dreg, bool hton, unsigned len, unsigned size);
struct nftnl_expr *expr_immediate(int dreg, const void *data, unsigned len);
struct nftnl_expr *expr_verdict(int32_t code, const char *chain); /* chain "" or NULL: none */
struct nftnl_expr *expr_verdict_chain(int32_t code, uint32_t id); /* to a chain without a name */
struct nftnl_expr *expr_lookup(
	int sreg, int dreg, const char *set, uint32_t id, bool invert); /* dreg SLOT_NONE: no data */
struct nftnl_expr *expr_lookup_verdict(int sreg, const char *set, uint32_t id);
struct nftnl_expr *expr_counter(uint64_t packets, uint64_t bytes);
struct nftnl_expr *expr_limit(uint64_t rate, uint64_t unit, uint32_t burst, bool bytes, bool over);
struct nftnl_expr *expr_quota(uint64_t bytes, uint64_t used, bool over);
struct nftnl_expr *expr_last(bool set, uint64_t msecs);
struct nftnl_expr *expr_connlimit(uint32_t count, bool over);
/* snaplen -1: all of the packet; 0 is nothing of it. level -1: the kernel's own. */
struct nftnl_expr *expr_log(const char *prefix, bool nflog, uint16_t group, int64_t snaplen,
	uint16_t threshold, int level, uint32_t flags);
struct nftnl_expr *expr_reject(unsigned type, unsigned code);
struct nftnl_expr *expr_nat(
	unsigned type, unsigned family, int amin, int amax, int pmin, int pmax, uint32_t flags);
struct nftnl_expr *expr_masq(int pmin, int pmax, uint32_t flags);
struct nftnl_expr *expr_redir(int pmin, int pmax, uint32_t flags);
struct nftnl_expr *expr_tproxy(unsigned family, int addr, int port);
struct nftnl_expr *expr_dup(int addr, int dev);
struct nftnl_expr *expr_fwd(int dev, int addr, unsigned family);
struct nftnl_expr *expr_queue(
	unsigned num, unsigned total, unsigned flags, int sreg); /* sreg SLOT_NONE: num */
struct nftnl_expr *expr_notrack(void);
struct nftnl_expr *expr_objref(uint32_t type, const char *name);
struct nftnl_expr *expr_objref_map(int sreg, const char *set, uint32_t id);
struct nftnl_expr *expr_flow(const char *table);
struct nftnl_expr *expr_synproxy(uint16_t mss, uint8_t wscale, uint32_t flags);
/* Takes the n expressions of exprs, also when it fails. */
struct nftnl_expr *expr_dynset(unsigned op, int key, int data, const char *set, uint32_t id,
	uint64_t timeout_ms, struct nftnl_expr **exprs, unsigned n);
