/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files kread*.c share. The functions that take one message apart stand by themselves: they get any
 * bytes, of which only that they are a netlink message with its nfgenmsg is known. What they give borrows
 * from the message. */
#pragma once

#include "nft/batch_impl.h"
#include "nft/kread.h"

/* ---- kread.c: one question, all its answers ---- */

struct answers {
	struct nft_dump d;
	const char *table, *name; /* NULL: not asked for */
	uint16_t name_attr;
	uint32_t type; /* NFTA_OBJ_TYPE, 0: none */
	uint64_t handle;
	VEC(uint8_t) raw; /* the messages, each padded to 4 bytes */
	bool overflow;
};
/* Collects them. -ENOENT for a single one, and for a table, that is not there. what: "table", "chain", … */
int answers_get(struct nft_conn *c, uint16_t type, uint8_t family, const char *what, struct answers *a,
	struct err *e);
void answers_free(struct answers *a);
#define answers_foreach(nlh, a)                                                                              \
	for (const struct nlmsghdr *nlh = (const void *)(a)->raw.v;                                          \
		(a)->raw.v && (const uint8_t *)nlh < (a)->raw.v + (a)->raw.n;                                \
		nlh = (const void *)((const uint8_t *)nlh + MNL_ALIGN(nlh->nlmsg_len)))
/* 0, or -ENOENT where nothing was told because what was asked for, or its table, is not there. */
int kread_there(struct nft_conn *c, uint8_t family, const struct answers *a, uint32_t told, const char *what,
	struct err *e);
/* Is this name the one that was asked for? */
bool answers_named(const struct answers *a, const char *table, const char *name);

uint8_t msg_family(const struct nlmsghdr *nlh);
/* 0 where the length is another. */
uint8_t attr_u8(const struct nlattr *a);
uint16_t attr_be16(const struct nlattr *a);
uint32_t attr_be32(const struct nlattr *a);
uint64_t attr_be64(const struct nlattr *a);
/* Comment in user data, terminated; NULL: none. */
const char *attr_comment(const struct nlattr *udata, uint8_t type);

/* Names of devices in a nest. */
typedef VEC(const char *) names;
void attr_devices(const struct nlattr *nest, names *out);

/* ---- one message ---- */

bool table_parse(const struct nlmsghdr *nlh, const char *instance, struct kread_table *out);
bool chain_parse(const struct nlmsghdr *nlh, const char *instance, names *devs, struct kread_chain *out);
bool flowtable_parse(const struct nlmsghdr *nlh, names *devs, struct kread_flowtable *out);
bool object_msg_parse(const struct nlmsghdr *nlh, struct kread_object *out);

/* ---- kread_expr.c ---- */

/* Expressions as libnftnl has them. */
struct kexprs {
	VEC(struct nftnl_expr *) v;      /* owned; NULL: one that is not known */
	VEC(const struct nlattr *) from; /* the nests that they came from */
};
/* Adds what nest holds: one expression, or with list the expressions in it. */
void kexprs_add(struct kexprs *x, const struct nlattr *nest, bool list);
void kexprs_clear(struct kexprs *x);
void kexprs_free(struct kexprs *x);
/* Leaves only those that are known. Returns how many. */
uint32_t kexprs_known(struct kexprs *x);

/* ---- kread_set.c ---- */

struct kset_keep { /* what a set's struct borrows beside the message */
	struct kexprs exprs;
	char *typeof_text;
};
bool set_parse(const struct nlmsghdr *nlh, struct kset_keep *keep, struct kread_set *out);
void kset_keep_free(struct kset_keep *keep);

/* ---- kread_elem.c ---- */

struct elems;
struct elems *elems_new(const char *table, const struct set_info *set);
void elems_take(struct elems *s, const struct nlmsghdr *nlh); /* the elements of one message */
void elems_give(struct elems *s, void (*fn)(void *ctx, const struct setelem *el), void *ctx);
void elems_free(struct elems *s);

/* ---- kread_rule.c ---- */

bool rule_msg_parse(const struct nlmsghdr *nlh, struct kexprs *x, struct kread_rule *out);
