/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queries: interned filters over the mirror. A query keeps its matching records in record order and pushes
 * each change of its result to its sinks, at constant cost per event whatever the size. */
#pragma once

#include "base/err.h"
#include "base/journal.h"
#include "net/mirror.h"

struct query_set; /* all queries over one mirror */
struct query;

enum filter_op { FILTER_EQ, FILTER_NE, FILTER_GLOB, FILTER_NOT_GLOB, FILTER_NONE };
/* One alternative. text is compared with the canonical text of the field (flags: "has this name"); it is as
 * net_val_text() would print it, globs as given. want is the same as a value, for FILTER_EQ and FILTER_NE;
 * an absent one ("") matches what is absent. FILTER_NONE stands for an empty list: nothing is any of it. */
struct filter_alt {
	enum filter_op op;
	char *text;
	struct net_val want;
};
/* One field; matches when any positive alternative does (none given: true) and no negative one forbids. */
struct filter {
	const struct net_field *field;
	struct filter_alt *alt;
	uint32_t n_alt;
};
struct filters {
	enum net_kind kind;
	bool lifetimes;
	struct filter *f;
	uint32_t n;
};

/* Adds `field = text` as one more alternative; text "!x" negates, globs are seen. Unknown field: -ENOENT with
 * a suggestion. Values are checked against the field where it has a closed set of values (family, action-like
 * enums): -EINVAL. */
int filters_add(struct filters *fs, const char *field, const char *text, struct err *e);
int filters_add_none(struct filters *fs, const char *field, struct err *e); /* any of an empty list */
/* A filter on a yes/no field, or a number. */
int filters_add_num(struct filters *fs, const char *field, int64_t num, bool is_bool, struct err *e);
void filters_canon(struct filters *fs); /* sorts; equal filters get equal bytes */
bool filters_match(const struct filters *fs, const struct net_rec *r); /* r NULL: false */
void filters_copy(struct filters *to, const struct filters *from);
void filters_free(struct filters *fs);
void filters_text(const struct filters *fs, struct buf *out); /* net.addrs{family="ipv4",zone="wan"} */

/* Sinks hear of a change newest first. */
struct query_sink {
	/* before NULL: came in; after NULL: went out; both: changed in place. Called while the event is
	 * fed. */
	void (*delta)(struct query_sink *s, struct query *q, const struct net_rec *before,
		const struct net_rec *after);
	struct query_sink *next; /* query.c's */
};

struct query_set *queries_new(struct mirror *m);
void queries_free(struct query_set *qs);
/* Takes the filters. The same canonical filter gives the same query, one more use. */
struct query *query_get(struct query_set *qs, struct filters *fs);
struct query *query_ref(struct query *q);
void query_put(struct query *q); /* at 0 uses it goes, unless sinks remain */
const struct filters *query_filters(const struct query *q);
uint32_t query_count(const struct query *q);
const struct net_rec *query_at(const struct query *q, uint32_t i); /* in record order; NULL: out of range */
/* Iteration in record order that survives changes of the query in between: the first record after key (NULL:
 * the first). */
const struct net_rec *query_after(const struct query *q, const struct net_key *key);
void query_sink_add(struct query *q, struct query_sink *s); /* s is borrowed, in no other query */
/* Allowed inside any delta(). The last sink of a query without uses ends it. */
void query_sink_del(struct query *q, struct query_sink *s);

/* Feeds one event to all queries that it concerns (found by kind and, where a query has one, an equality on
 * iface/name/zone/family and
 * such). lifetime_only events reach only queries with lifetimes. Call it first, then the
 * hooks. */
void queries_feed(struct query_set *qs, const struct net_event *ev);
/* Which kinds anybody needs: bit NET_* set. The watcher subscribes to these (and to links always). */
unsigned queries_kinds(const struct query_set *qs);
