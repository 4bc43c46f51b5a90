/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files switch*.c share. */
#pragma once

#include "nft/switch.h"

/* The rules of a chain now, in order. */
struct chain_now {
	struct nft_conn *c;
	uint8_t family;
	const char *table, *chain;
	uint64_t *handle, *hash; /* hash: of the text without counts; 0: not read */
	uint32_t n;
	bool hashed; /* all of them were read */
};
/* -ENOENT: there is no such chain. Free with chain_free(), also after an error. */
int chain_look(struct nft_conn *c, uint8_t family, const char *table, const char *chain,
	struct chain_now *out, struct err *e);
void chain_free(struct chain_now *k);
uint32_t chain_at(const struct chain_now *k, uint64_t handle); /* UINT32_MAX: there is no such rule */
uint64_t chain_top(const struct chain_now *k);                 /* the highest handle, 0: none */
uint64_t text_hash(const char *text);
/* Reads the texts of these rules for their hashes; 0 where nothing spells one. */
int chain_hash(struct chain_now *k, uint32_t from, uint32_t to, struct err *e);
int chain_hash_all(struct chain_now *k, struct err *e);

/* Where a disabled rule goes: in front of the rule of this handle, behind it, or with handle 0 at the end or
 * head. exact: its neighbours are as they were. */
struct rule_place {
	uint64_t handle;
	bool before, exact;
};
int place_of(struct chain_now *k, const struct disabled_list *l, const struct disabled *d,
	struct rule_place *out, struct err *e);
/* Fills in where the rule at i stands: its neighbours, disabled ones among them. */
int place_note(struct chain_now *k, struct disabled_list *l, uint32_t i, struct disabled *d, struct err *e);
/* What was begun and not ended by whoever wrote the list: did it happen? true: the list was changed. */
bool place_settle(struct chain_now *k, struct disabled_list *l, struct err *e);
