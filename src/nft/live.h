/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Live values as the ruleset sees them: something outside (a network query, a file, kept by script/live.c)
 * whose values come and go. nft/ knows neither queries nor Lua; it subscribes and is told. */
#pragma once

#include "nft/val.h"

struct live_sink {
	/* sign +1: value came, -1: went. data is NULL but for map:follow(). Called at event time, inside the
	 * transaction. */
	void (*delta)(struct live_sink *s, int sign, const struct val *key, const struct val *data);
	/* The content changed in a way that no single deltas tell (a list file was read anew): ask each()
	 * again. May be NULL. */
	void (*reset)(struct live_sink *s);
	struct live_sink *next; /* live's */
};

struct live;
struct live_ops {
	void (*ref)(struct live *l);
	void (*put)(struct live *l);
	/* The present content. It is what the deltas so far add up to. */
	void (*each)(struct live *l, void (*fn)(void *ctx, const struct val *key, const struct val *data),
		void *ctx);
	/* The first value, of this address family when family is AF_*; VAL_NIL when there is none. */
	void (*first)(struct live *l, int family, struct val *out);
	void (*sink_add)(struct live *l, struct live_sink *s);
	void (*sink_del)(struct live *l, struct live_sink *s); /* allowed inside delta() */
	/* False where the values are known to be single scalars; else a set that holds them has
	 * NFT_SET_INTERVAL. */
	bool (*may_be_interval)(struct live *l);
	void (*text)(struct live *l, struct buf *out); /* net.addrs{zone="wan"}:map("network") */
	bool (*opaque)(struct live *l); /* text() does not say all of it, as with functions. NULL: it does */
};
struct live { /* embedded first in the implementation */
	const struct live_ops *ops;
};
