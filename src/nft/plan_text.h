/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One operation of a plan in words: for people plan_text.c, for programs plan_json.c. */
#pragma once

#include "nft/plan.h"

char op_sign(const struct op *op);                                 /* + - ~ ! */
void op_command(const struct op *op, struct buf *out);             /* nft syntax */
void op_element(const struct op *op, uint32_t i, struct buf *out); /* of OP_ADD_ELEM, OP_DEL_ELEM */
