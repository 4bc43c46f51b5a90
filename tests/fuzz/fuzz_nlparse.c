// SPDX-License-Identifier: GPL-2.0-or-later
/* Netlink messages back to back go through the parser into a mirror with queries; message types from 0xff00
 * on are orders to the mirror (dumps, zones). Afterwards the queries must hold what a look at all records
 * finds. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "net/nlparse.h"
#include "net/query.h"
#include "net/records.h"

#define ORDERS 0xff00

static struct query_set *queries;
static size_t text_bytes;

static void on_event(void *ctx, const struct net_event *ev)
{
	struct buf _buf_ text = BUF_INIT;

	(void)ctx;
	if (ev->before && ev->after && net_rec_cmp(ev->before, ev->after))
		abort(); /* a change keeps the identity */
	net_event_text(ev, &text);
	text_bytes += text.n;
	queries_feed(queries, ev);
}

static struct query *ask(enum net_kind kind, const char *field, const char *value)
{
	struct filters fs = { .kind = kind };

	if (field && filters_add(&fs, field, value, NULL))
		abort();
	return query_get(queries, &fs);
}

static void order(struct mirror *m, unsigned what)
{
	static const struct zone_rule rules[] = { { "e*", "lan" }, { "wan0", "wan" }, { "*", "rest" } };
	enum net_kind kind = (what >> 4) % NET_KINDS;

	switch (what & 7) {
	case 0: mirror_dump_begin(m, kind); break;
	case 1: mirror_dump_end(m, kind, true); break;
	case 2: mirror_dump_end(m, kind, false); break;
	case 3: mirror_zones(m, rules, (what >> 4) % 4); break;
	case 4: mirror_dump_begin_family(m, kind, (uint8_t)(what & 8 ? 2 : 10)); break;
	case 5: mirror_routes_suspect(m); break;
	default: break;
	}
}

static void feed(struct mirror *m, const uint8_t *p, size_t n)
{
	struct nl_msg msg;

	nl_parse((const struct nlmsghdr *)p, n, &msg);
	if (msg.verdict == NLP_DEL)
		mirror_del(m, &msg.rec);
	else if (msg.verdict == NLP_SET && msg.replace)
		mirror_replace(m, &msg.route);
	else if (msg.verdict == NLP_SET)
		mirror_set(m, &msg.rec);
	nl_msg_free(&msg);
}

static void check(struct mirror *m, struct query *q)
{
	const struct filters *fs = query_filters(q);
	const struct net_rec *last = NULL;
	uint32_t n = 0;

	tree_foreach (t, mirror_tree(m, fs->kind)) {
		const struct net_rec *r = net_rec_of(t);

		if (last && net_rec_cmp(last, r) >= 0)
			abort();
		last = r;
		if (!net_rec_visible(r) || !filters_match(fs, r))
			continue;
		if (query_at(q, n++) != r)
			abort();
	}
	if (query_count(q) != n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mirror *m = mirror_new(&(struct mirror_ops){ on_event, NULL });
	struct query *q[8];
	unsigned n_q = 0;

	queries = queries_new(m);
	for (unsigned k = 0; k < NET_KINDS; k++)
		q[n_q++] = ask(k, NULL, NULL);
	q[n_q++] = ask(NET_ADDR, "zone", "lan");
	q[n_q++] = ask(NET_LINK, "name", "eth*");
	q[n_q++] = ask(NET_ROUTE, "iface", "eth0");
	while (size >= sizeof(struct nlmsghdr)) {
		struct nlmsghdr nlh;
		uint8_t *copy;
		size_t step;

		memcpy(&nlh, data, sizeof(nlh));
		copy = xmemdup(data, size); /* the sanitizer then knows its end */
		if (nlh.nlmsg_type >= ORDERS)
			order(m, nlh.nlmsg_type - ORDERS);
		else
			feed(m, copy, size);
		free(copy);
		if (nlh.nlmsg_len < sizeof(nlh) || nlh.nlmsg_len >= size)
			break;
		step = NLMSG_ALIGN((size_t)nlh.nlmsg_len);
		if (step >= size)
			break;
		data += step;
		size -= step;
	}
	for (unsigned i = 0; i < n_q; i++) {
		check(m, q[i]);
		query_put(q[i]);
	}
	queries_free(queries);
	mirror_free(m);
	return 0;
}
