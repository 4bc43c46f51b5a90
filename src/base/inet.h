/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP addresses, prefixes and MAC addresses: parse, print (RFC 5952), arithmetic. No DNS, no allocation. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ipaddr {
	uint8_t family; /* AF_INET, AF_INET6; 0: none */
	uint8_t b[16];  /* network order; 4 bytes used for AF_INET, the rest zero */
};
struct ipprefix {
	struct ipaddr addr; /* host bits may be set where the user of it says so */
	uint8_t len;
};

#define IPADDR_STRLEN   48 /* fits every text below with its NUL */
#define IPPREFIX_STRLEN 52
#define MAC_STRLEN      100 /* link-layer addresses of up to 32 bytes */

unsigned ipaddr_bits(const struct ipaddr *a);         /* 32, 128 or 0 */
unsigned ipaddr_bytes(const struct ipaddr *a);        /* 4, 16 or 0 */
bool ipaddr_parse(const char *s, struct ipaddr *out); /* whole string, no zone id, no /len */
/* The address that the text begins with, in nothing but numbers and dots, or groups and colons: where it
 * ends. NULL: there is none, and out may be written to. */
const char *ipv4_scan(const char *s, uint8_t out[4]);
const char *ipv6_scan(const char *s, uint8_t out[16]);
bool ipprefix_parse(const char *s,
	struct ipprefix *out); /* "a/len"; a bare address gets its full length; host bits kept */
const char *ipaddr_format(const struct ipaddr *a, char out[IPADDR_STRLEN]); /* "" for none; returns out */
const char *ipprefix_format(const struct ipprefix *p, char out[IPPREFIX_STRLEN]);
int ipaddr_cmp(const struct ipaddr *a, const struct ipaddr *b); /* family, then bytes */
int ipprefix_cmp(const struct ipprefix *a, const struct ipprefix *b);
struct ipaddr ipaddr_mask(const struct ipaddr *a, unsigned len); /* host bits cleared */
struct ipaddr ipaddr_last(const struct ipaddr *a, unsigned len); /* host bits set */
bool ipprefix_contains(
	const struct ipprefix *outer, const struct ipprefix *inner); /* equal counts as contained */
/* The i-th subnet of length newlen in p; false: newlen < p->len, over the family's bits, or i too large. */
bool ipprefix_subnet(const struct ipprefix *p, unsigned newlen, uint64_t i, struct ipprefix *out);
/* Network bits of p, host bits of suffix; false: families differ. */
bool ipprefix_host(const struct ipprefix *p, const struct ipaddr *suffix, struct ipaddr *out);
/* RFC 4193, 3927, 5735 classes as iproute2 and the API name them are not here: scope comes from the kernel.
 */

bool mac_parse(const char *s, uint8_t out[6]);
const char *mac_format(const uint8_t *b, unsigned len, char out[MAC_STRLEN]); /* "02:00:…" */
