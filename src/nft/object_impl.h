/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading objects' words. Internal to nft/object*.c and file*.c. */
#pragma once

#include "nft/object.h"
#include "nft/parse.h"

struct object_parse {
	struct object_want *o;
	bool named, said; /* said: its main property stands */
	/* States of a ct timeout: their numbers depend on the protocol, which may follow. */
	struct {
		uint32_t pos, end, seconds;
	} state[CT_TIMEOUT_MAX];
	uint32_t n_state;
};

/* One property of an object. false: p->e says what is wrong. */
bool object_property(struct parser *p, struct object_parse *x);
/* All are read: do they suffice? pos, end: what is at fault if not. */
bool object_finish(struct parser *p, struct object_parse *x, uint32_t pos, uint32_t end);
/* Is none a complete object, as `add counter t c` is? */
bool object_may_be_empty(uint32_t type);
const char *ct_timeout_state(uint8_t l4proto, unsigned i); /* NULL: no such number */
