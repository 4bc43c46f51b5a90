/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of edits share: steps that are journaled one by one. Internal to nft/. */
#pragma once

#include "nft/model.h"

/* Entries of a pack's journal; obj: the contrib, a: the element, b of j_edit_drop: attr, site << 32. */
extern const struct jtype j_edit_put, j_edit_drop, j_edit_count, j_edit_same;

/* The pack's edits in the set, of the set's present type. find: NULL where there are none yet; get: only
 * where the set has no type. */
struct contrib *edits_find(struct rpack *pk, struct obj *set, bool lasting);
struct contrib *edits_get(struct rpack *pk, struct obj *set, bool lasting, uint32_t site);
void edit_drop(struct contrib *c, uint32_t i);
void edit_put(struct contrib *c, uint32_t i, uint32_t attr, uint32_t site); /* takes attr */
/* These attributes in place of those change nothing that counts. */
bool edit_is_same(const struct elem_table *t, uint32_t was, uint32_t attr);
/* Takes attr, and the element out of what the pack edits with another life span. */
void edit_add_at(struct contrib *c, uint32_t i, uint32_t attr, uint32_t site);
/* It is as it was, but from now on somebody else says so than who said it before: edit_log_take() is told. */
void edit_same(struct contrib *c, uint32_t elem);
void edit_unsettle(struct contrib *c);            /* no replace(live) waits for the merge any more */
int edit_no_type(struct obj *set, struct err *e); /* -EAGAIN */
void edits_clear(struct contrib *c);
/* What is put or dropped by hand is no longer what a live value's deltas add up to. */
void edit_by_hand(struct contrib *c);
int edit_settle(struct contrib *c, struct err *e); /* a replace(live) that waits for the merge */
