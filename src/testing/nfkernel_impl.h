/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files nfkernel*.c share. */
#pragma once

#include "nft/batch_impl.h"
#include "testing/nfkernel.h"

enum undo_kind { U_NEW_OBJ, U_DEL_OBJ, U_ATTRS, U_DEVS, U_NEW_RULE, U_DEL_RULE, U_NEW_ELEM, U_DEL_ELEM };

struct nfk_undo {
	enum undo_kind kind;
	struct nfk_obj *o;
	struct nfk_rule *rule;
	struct nfk_elem *elem;
	uint32_t at;
	struct nfk_attrs attrs;
	char *dev;
	bool dev_added;
};

/* ---- nfkernel.c: attributes, and what a batch did so far ---- */

const struct nlattr *nfk_attr(const struct nfk_attrs *a, uint16_t type);   /* NULL: none */
const struct nlattr *nfk_nested(const struct nlattr *nest, uint16_t type); /* NULL: none, or nest is */
const char *nfk_str(const struct nlattr *a);                               /* NULL: a is NULL or no string */
uint32_t nfk_num(const struct nlattr *a);                                  /* 0: a is NULL or no number */
uint64_t nfk_num64(const struct nlattr *a);
struct nfk_attrs nfk_attrs_of(const void *p, const void *end); /* a copy */
struct nfk_attrs nfk_message(const struct nlmsghdr *nlh);      /* those of a message, copied */

void nfk_abandon(struct nfkernel *k); /* a batch without its end: what it did is undone */
void nfk_note(struct nfkernel *k, struct nfk_undo u);
void nfk_tell(struct nfkernel *k, enum change_kind kind, bool del, const struct nfk_obj *o);

/* ---- nfkernel_obj.c: tables, chains, sets, objects, flowtables ---- */

struct nfk_obj *nfk_find(
	struct nfkernel *k, uint8_t kind, uint8_t family, const char *table, const char *name, uint32_t type);
struct nfk_obj *nfk_by_id(struct nfkernel *k, uint8_t kind, uint32_t id); /* made in this batch */
void nfk_unlink(struct nfkernel *k, struct nfk_obj *o);                   /* frees it */
void nfk_obj_free(struct nfk_obj *o);
void nfk_del_obj(struct nfkernel *k, struct nfk_obj *o);
/* 0 or -errno, as the following. */
int nfk_new_obj(struct nfkernel *k, uint8_t kind, const struct nlmsghdr *nlh, uint8_t family);
int nfk_del_named(struct nfkernel *k, uint8_t kind, const struct nlmsghdr *nlh, uint8_t family);

/* ---- nfkernel_rule.c: rules and elements ---- */

void nfk_rule_free(struct nfk_rule *r);
void nfk_elem_free(struct nfk_elem *el);
void nfk_del_rule(struct nfkernel *k, struct nfk_obj *chain, uint32_t at);
void nfk_insert_rule(struct nfk_obj *chain, struct nfk_rule *r, uint32_t at);
uint64_t nfk_elem_hash(const struct nfk_elem *el);
int nfk_new_rule(
	struct nfkernel *k, const struct nlmsghdr *nlh, uint8_t family, nft_answer *answer, void *to);
int nfk_del_rules(struct nfkernel *k, const struct nlmsghdr *nlh, uint8_t family);
int nfk_elems(struct nfkernel *k, const struct nlmsghdr *nlh, uint8_t family, bool add, bool destroy);
