/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One scalar data type of nft: how its values are written and how they lie in a register or a set key.
 * Internal to nft/.
 *
 * "Kernel form" of a scalar of `bits` bits is datatype_bytes(bits) bytes: numbers right-aligned in the type's
 * byte order, strings from the left, padded with zeros. What lies in a field of fewer bits than its bytes (ip
 * dscp: 6 bits) is not shifted. */
#pragma once

#include "nft/type.h"

/* nft's own numbers (NFTA_SET_KEY_TYPE, 6 bits a part): `nft list` reads types back by them. */
enum dt_id {
	DT_INVALID,
	DT_VERDICT,
	DT_NFPROTO,
	DT_BITMASK,
	DT_INTEGER,
	DT_STRING,
	DT_LLADDR,
	DT_IPADDR,
	DT_IP6ADDR,
	DT_ETHERADDR,
	DT_ETHERTYPE,
	DT_ARPOP,
	DT_INET_PROTOCOL,
	DT_INET_SERVICE,
	DT_ICMP_TYPE,
	DT_TCP_FLAG,
	DT_DCCP_PKTTYPE,
	DT_MH_TYPE,
	DT_TIME,
	DT_MARK,
	DT_IFINDEX,
	DT_ARPHRD,
	DT_REALM,
	DT_CLASSID,
	DT_UID,
	DT_GID,
	DT_CT_STATE,
	DT_CT_DIR,
	DT_CT_STATUS,
	DT_ICMP6_TYPE,
	DT_CT_LABEL,
	DT_PKTTYPE,
	DT_ICMP_CODE,
	DT_ICMPV6_CODE,
	DT_ICMPX_CODE,
	DT_DEVGROUP,
	DT_DSCP,
	DT_ECN,
	DT_FIB_ADDR,
	DT_BOOLEAN,
	DT_CT_EVENTBIT,
	DT_IFNAME,
	DT_IGMP_TYPE,
	DT_TIME_DATE,
	DT_TIME_HOUR,
	DT_TIME_DAY,
	DT_CGROUPV2,
};

enum dt_order { ORDER_NONE, ORDER_HOST, ORDER_BIG };

/* What a type's values are at bottom: decides about ranges, prefixes, bit operations. */
enum dt_base { BASE_NONE, BASE_INTEGER, BASE_BITMASK, BASE_STRING };

struct dt_symbol {
	const char *name;
	uint64_t value; /* a plain number; kernel form is datatype_put_u64()'s work */
};

struct datatype {
	const char *name, *desc;
	enum dt_id id;
	enum dt_base base;
	enum dt_order order;          /* strings and 8-bit numbers: ORDER_NONE */
	uint16_t bits;                /* 0: given by the place (integer, string) */
	bool prefix;                  /* a.b.c.d/n is legal notation */
	bool quote;                   /* nft list quotes the symbols */
	uint8_t hex;                  /* digits of the numbers that nft prints in hex; 0: decimal */
	const struct dt_symbol *syms; /* ends with a NULL name; NULL: none. For bitmasks: the bits' masks */
	/* One scalar, whole text, where no symbol fits; NULL: a plain number. Writes datatype_bytes(bits)
	 * bytes. -EINVAL with a message. */
	int (*parse)(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e);
	/* As `nft list ruleset` prints it where no symbol fits; NULL: a plain number. */
	void (*print)(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out);
	/* Names beside syms that live outside of nft (services, users, marks of rt_marks, …); NULL: none. */
	bool (*name_value)(const char *name, uint64_t *value);
	/* The other way; NULL: `nft list` prints numbers. Borrowed, valid until the next call. */
	const char *(*value_name)(uint64_t value);
};

/* NULL: no such type. `integer` by name is big endian, as packets have it. */
const struct datatype *datatype_by_name(const char *name);
const struct datatype *datatype_by_id(enum dt_id id); /* never NULL for a member of the enum but DT_INVALID */
/* `integer` in host byte order: meta and ct keys, registers. Name and id are integer's. */
extern const struct datatype datatype_integer_host;
/* The i-th type, in order of id; NULL: end. */
const struct datatype *datatype_at(unsigned i);

static inline unsigned datatype_bytes(unsigned bits)
{
	return (bits + 7) / 8;
}

/* Text → kernel form: symbol ("established", "http"), a list "a,b" or "a|b" for bitmasks, or the type's
 * notation. bits: of the place, 0: the type's own. At most NFT_KEY_MAX bytes. Returns the number of bytes, or
 * -EINVAL: the message names text and type (with a suggestion, or, for host names, a pointer to sets). */
int datatype_parse(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e);
/* The value that the text begins with, where it is a plain address or decimal number: where it ends. NULL: it
 * is written in another way, or too large, and out may be written to. */
const char *datatype_scan(const struct datatype *t, unsigned bits, const char *s, uint8_t *out);
/* A number → kernel form; its bytes or -ERANGE with a message. Not for strings and verdicts (-EINVAL). */
int datatype_put_u64(const struct datatype *t, unsigned bits, uint64_t v, uint8_t *out, struct err *e);
/* The low 64 bits of a kernel form as a number. */
/* Its number now; 0: it is not there. path: below /sys/fs/cgroup. */
uint64_t dt_cgroup_id(const char *path);
uint64_t datatype_get_u64(const struct datatype *t, unsigned bits, const uint8_t *p);
/* Kernel form → text as `nft list ruleset` prints it (quoted strings, symbols, numbers in the type's base).
 */
void datatype_print(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out);
/* Without symbols: how nft list prints the two ends of a range. */
void datatype_print_plain(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out);
/* A symbol's value, case-sensitive; false: no symbol of this name. Looks at syms, then at name_value(). */
bool datatype_symbol(const struct datatype *t, const char *name, uint64_t *value);
/* The symbol for a value; NULL: none, or none that nft prints. */
const char *datatype_symbol_name(const struct datatype *t, uint64_t value);

/* A number in the bases of C: 12, 0x0c, 014. */
bool datatype_number(const char *s, uint64_t max, uint64_t *out);

/* Foreign text for a message: control bytes and what is no UTF-8 as \xNN, cut after some 64 bytes. */
#define SHOWN_MAX 80
const char *datatype_shown(const char *s, char out[SHOWN_MAX]);
#define SHOWN(s) datatype_shown(s, (char[SHOWN_MAX]){ 0 })

/* a < b as the type orders its values: memcmp after turning host order around. */
int datatype_cmp(const struct datatype *t, unsigned bits, const uint8_t *a, const uint8_t *b);

/* Type of an expression ("ip saddr", "tcp dport . ct mark"), for `typeof`. -EINVAL with a message. */
int field_type_lookup(const char *expr_text, struct nft_type *out, struct err *e);

/* One scalar type as a struct nft_type; bits 0: the type's own. */
struct nft_type nft_type_of(const struct datatype *t, unsigned bits);
