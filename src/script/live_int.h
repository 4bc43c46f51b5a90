/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A live value over a query; shared by live.c (values, interning) and live_fn.c (functions of q:map). */
#pragma once

#include "script/internal.h"

struct sel { /* what is taken of a record */
	enum live_sel_kind kind;
	const struct net_field *field;
	struct lua_ref fn;
	uint64_t code; /* hash of the function's code */
};

struct mapped { /* of one record, by a function */
	struct net_key key;
	struct val val[2];
};

struct qlive {
	struct live live;
	struct script *s;
	uint32_t refs;
	uint64_t hash;
	struct query *q;
	struct pack *pk; /* whose functions; NULL: none, or the pack is gone */
	struct sel sel[2];
	unsigned n_sel;
	bool fn, ready, following, lagging;
	struct query_sink sink;
	struct sinks sinks;
	struct hmap cache; /* struct mapped */
	VEC(struct net_key) behind;
};

typedef void each_fn(void *ctx, const struct val *key, const struct val *data);

struct qlive *qlive(const struct live *l); /* NULL: a file */
void qlive_pairs(const struct val v[2], unsigned n_sel, each_fn *fn, void *ctx);
void qlive_push_out(void *ctx, const struct val *key, const struct val *data);
void qlive_push_in(void *ctx, const struct val *key, const struct val *data);
bool qlive_same_vals(const struct val a[2], const struct val b[2]);
void qlive_follow(struct qlive *l);
struct mapped *mapped_find(const struct qlive *l, const struct net_key *key);
void mapped_free(struct mapped *m);
void mapped_del(struct qlive *l, struct mapped *m); /* from the cache; not freed */
