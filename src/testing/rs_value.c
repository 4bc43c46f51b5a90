// SPDX-License-Identifier: GPL-2.0-or-later
/* The small universe of names and values in which everything meets everything. */
#include <arpa/inet.h>
#include <stdio.h>

#include <linux/netfilter.h>

#include "testing/rs_world.h"

const char *const table_names[N_TABLES] = { "t0", "t1", "t2" };
const uint8_t table_family[N_TABLES] = { NFPROTO_INET, NFPROTO_IPV4, NFPROTO_NETDEV };
const char *const set_names[N_SETS] = { "h4", "i4", "t4", "cc", "it", "vt", "vm", "mk", "iv", "om", "ds" };
/* Each type has names of its own. */
const char *const object_names[N_OBJECTS] = { "x", "y", "x", "x", "x" };
const uint8_t object_types[N_OBJECTS] = { NFT_OBJECT_COUNTER, NFT_OBJECT_COUNTER, NFT_OBJECT_QUOTA,
	NFT_OBJECT_LIMIT, NFT_OBJECT_CT_HELPER };
const char *const flow_names[N_FLOWS] = { "f0", "f1" };
const char *const device_names[N_KEYS] = { "d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "da",
	"db" };

static const char *const prefixes[N_KEYS] = { "10.0.0.0/24", "10.0.0.0/25", "10.0.0.128/25", "10.0.1.0/24",
	"10.0.0.7", "10.0.0.8", "10.0.0.9", "10.0.0.0/16", "255.255.255.255", "0.0.0.0/8", "10.0.2.0/23",
	"10.0.0.255" };
/* A range [0], [1]: overlaps and neighbours of the prefixes. */
static const char *const ranges[2][2] = { { "10.0.0.100", "10.0.0.200" }, { "10.0.0.200", "10.0.1.3" } };

static struct val range_of(struct val a, struct val b)
{
	struct val v = { .kind = VAL_RANGE, .n = 2, .list = xcalloc(2, sizeof(struct val)) };

	v.list[0] = a;
	v.list[1] = b;
	return v;
}

static struct val prefix_val(int key)
{
	struct ipprefix p;

	if (key == 5 || key == 6)
		return range_of(val_string(ranges[key - 5][0], strlen(ranges[key - 5][0])),
			val_string(ranges[key - 5][1], strlen(ranges[key - 5][1])));
	ipprefix_parse(prefixes[key], &p);
	return val_prefix(&p);
}

static struct val addr_val(int key)
{
	struct ipaddr a = { .family = AF_INET, .b = { 10, 0, 0, (uint8_t)key } };

	return val_addr(&a);
}

/* Nested or apart, never half over one another: 0-2 in 0-3 and so on. */
static const uint16_t ports[N_KEYS][2] = { { 100, 199 }, { 100, 149 }, { 110, 120 }, { 112, 112 },
	{ 150, 199 }, { 200, 200 }, { 201, 299 }, { 250, 260 }, { 1, 65535 }, { 300, 300 }, { 301, 301 },
	{ 65535, 65535 } };

struct val key_val(int set, int key, bool interval)
{
	struct val v;

	switch (set) {
	case S_I4: return prefix_val(key);
	case S_CC:
		v = (struct val){ .kind = VAL_CONCAT, .n = 2, .list = xcalloc(2, sizeof(struct val)) };
		v.list[0] = addr_val(key);
		v.list[1] = range_of(val_int(100 * key), val_int(100 * key + key));
		return v;
	case S_IT:
	case S_IV: return range_of(val_int(ports[key][0]), val_int(ports[key][1]));
	case S_OM:
	case S_VM: return val_int(22 + key);
	default: (void)interval; return addr_val(key);
	}
}

const char *object_target(int data)
{
	return object_names[data % 2 ? O_COUNTER2 : O_COUNTER];
}

struct val data_val(int set, int data)
{
	static const char *const verdicts[] = { "accept", "drop", "goto c3", "jump c2", "goto c1" };

	if (set == S_VM || set == S_IV)
		return val_string(verdicts[data % 5], strlen(verdicts[data % 5]));
	if (set == S_OM)
		return val_string(object_target(data), strlen(object_target(data)));
	if (set == S_MK)
		return val_int(data + 1);
	return (struct val){ 0 };
}

/* ---- live values ---- */

struct val live_val(const struct test_live *l, int v)
{
	return l->kind == L_PREFIX ? prefix_val(v)
	       : l->kind == L_DEV  ? val_string(device_names[v], strlen(device_names[v]))
				   : addr_val(v);
}

static void live_ref(struct live *l)
{
	((struct test_live *)l)->refs++;
}

static void live_put(struct live *l)
{
	((struct test_live *)l)->refs--;
}

static void live_each(
	struct live *live, void (*fn)(void *ctx, const struct val *key, const struct val *data), void *ctx)
{
	struct test_live *l = (struct test_live *)live;

	for (int i = 0; i < l->n; i++) {
		struct val v = live_val(l, l->v[i]);

		fn(ctx, &v, NULL);
		val_free(&v);
	}
}

static void live_first(struct live *live, int family, struct val *out)
{
	struct test_live *l = (struct test_live *)live;

	(void)family;
	*out = l->n ? live_val(l, l->v[0]) : (struct val){ 0 };
}

static void live_sink_add(struct live *live, struct live_sink *s)
{
	struct test_live *l = (struct test_live *)live;

	s->next = l->sinks;
	l->sinks = s;
}

static void live_sink_del(struct live *live, struct live_sink *s)
{
	struct live_sink **p = &((struct test_live *)live)->sinks;

	while (*p != s)
		p = &(*p)->next;
	*p = s->next;
}

static bool live_interval(struct live *live)
{
	return ((struct test_live *)live)->kind == L_PREFIX;
}

static void live_text(struct live *live, struct buf *out)
{
	buf_printf(out, "live%d", ((struct test_live *)live)->no);
}

static const struct live_ops ops = { live_ref, live_put, live_each, live_first, live_sink_add, live_sink_del,
	live_interval, live_text, NULL };

void live_init(struct world *w)
{
	for (int i = 0; i < N_LIVES; i++)
		w->live[i] = (struct test_live){ .live = { &ops }, .kind = i, .no = i };
}

static void tell(struct test_live *l, int sign, int v)
{
	struct val val = live_val(l, v);

	for (struct live_sink *s = l->sinks, *next; s; s = next) {
		next = s->next;
		s->delta(s, sign, &val, NULL);
	}
	val_free(&val);
}

void live_change(struct world *w, struct test_live *l)
{
	uint32_t i, what = rnd(w, 16);

	if (!what) { /* read anew */
		l->n = (uint8_t)rnd(w, 6);
		for (i = 0; i < l->n; i++)
			l->v[i] = (uint8_t)(l->kind == L_DEV ? 2 * i : rnd(w, N_KEYS - 1));
		for (struct live_sink *s = l->sinks, *next; s; s = next) {
			next = s->next;
			if (s->reset)
				s->reset(s);
			else
				s->delta(s, 1, NULL, NULL);
		}
	} else if (l->n < LIVE_MAX && (what < 9 || !l->n)) {
		uint8_t v = (uint8_t)rnd(w, N_KEYS - 1);

		if (l->kind == L_DEV)
			for (i = 0; i < l->n; i++)
				if (l->v[i] == v)
					return;
		l->v[l->n++] = v;
		tell(l, 1, v);
	} else {
		uint8_t v = l->v[i = rnd(w, l->n)];

		l->n--;
		memmove(&l->v[i], &l->v[i + 1], l->n - i);
		tell(l, -1, v);
	}
}

/* ---- specs ---- */

/* 0: only the name. 1: the type. 2, 3: with a size. 4: intervals (S_VT), auto_merge (S_I4).
 */
struct spec *set_spec(int table, int set, int variant)
{
	static const char *const keys[N_SETS] = { "ipv4_addr", "ipv4_addr", "ipv4_addr",
		"ipv4_addr . inet_service", "inet_service", "ipv4_addr", "inet_service", "ipv4_addr",
		"inet_service", "inet_service", "ipv4_addr" };
	static const uint32_t flags[N_SETS] = { 0, NFT_SET_INTERVAL, NFT_SET_TIMEOUT, NFT_SET_INTERVAL,
		NFT_SET_INTERVAL | NFT_SET_TIMEOUT, 0, 0, 0, NFT_SET_INTERVAL };
	struct spec *s = spec_new();

	(void)table;
	if (!variant)
		return s;
	s->given = SPEC_TYPE;
	nft_type_parse(keys[set], &s->key, NULL);
	if (set == S_VM || set == S_IV || set == S_MK) {
		s->given |= SPEC_DATA;
		nft_type_parse(set == S_MK ? "mark" : "verdict", &s->data, NULL);
		s->flags |= NFT_SET_MAP;
	}
	if (set == S_OM) {
		s->given |= SPEC_DATA;
		s->obj_type = NFT_OBJECT_COUNTER;
		s->flags |= NFT_SET_MAP;
	}
	if (set == S_DS) {
		s->given |= SPEC_STATEFUL;
		s->stateful = xstrdup(variant == 4   ? "limit rate 10/second"
				      : variant == 3 ? " counter;"
						     : "counter");
	}
	if (flags[set]) {
		s->given |= SPEC_FLAGS;
		s->flags |= flags[set];
	}
	if (variant == 2 || variant == 3) {
		s->given |= SPEC_SIZE;
		s->size = variant * 1000u;
	}
	if (variant == 4 && set == S_VT) {
		s->given |= SPEC_FLAGS;
		s->flags = NFT_SET_INTERVAL;
	}
	if (variant == 4 && set == S_I4) {
		s->given |= SPEC_AUTO_MERGE;
		s->auto_merge = true;
	}
	return s;
}

/* 0: only the name. Counters: 1, 2 have other start values, 3 a comment; of others each is another one. */
struct spec *object_spec(int object, int variant)
{
	struct spec *s = spec_new();
	struct object_want *o;

	if (!variant)
		return s;
	s->given = SPEC_OBJECT;
	s->object = o = xnew(struct object_want);
	o->type = object_types[object];
	switch (o->type) {
	case NFT_OBJECT_COUNTER: o->counter.packets = variant == 2 ? 7 : 0; break;
	case NFT_OBJECT_QUOTA:
		o->quota.bytes = 1000u * (unsigned)(variant < 3 ? variant : 2);
		o->quota.over = variant == 3;
		break;
	case NFT_OBJECT_LIMIT:
		o->limit.rate = 10u * (unsigned)variant;
		o->limit.unit = 1;
		o->limit.burst = 5;
		break;
	default:
		strcpy(o->helper.name, "nobody-has");
		o->helper.l4proto = IPPROTO_TCP;
		break;
	}
	if (variant == 3 && o->type == NFT_OBJECT_COUNTER) {
		s->given |= SPEC_COMMENT;
		s->comment = xstrdup("a comment");
		o->comment = s->comment;
	}
	return s;
}

/* 0 has live devices, at another priority in variant 2, counting in 3; 1 a list in each variant. */
struct spec *flow_spec(struct world *w, int flow, int variant)
{
	static const char *const lists[4][3] = { { 0 }, { "x0", "x1" }, { "x1", "x2" }, { "x2" } };
	struct spec *s = spec_new();

	if (!variant)
		return s;
	s->given = SPEC_HOOK | SPEC_PRIORITY | SPEC_DEVICES;
	s->hook = xstrdup("ingress");
	s->priority = xstrdup(!flow && variant == 2 ? "10" : variant == 3 ? "filter" : "0");
	if (!flow && variant == 3) {
		s->given |= SPEC_FLAGS;
		s->flags = NFT_FLOWTABLE_COUNTER;
	}
	if (!flow) {
		s->devices = (struct val){ .kind = VAL_LIVE, .live = &w->live[L_DEV].live };
		return s;
	}
	s->devices = (struct val){ .kind = VAL_LIST, .list = xcalloc(3, sizeof(struct val)) };
	for (int i = 0; i < 3 && lists[variant][i]; i++)
		s->devices.list[s->devices.n++] = val_string(lists[variant][i], 2);
	return s;
}

/* 1, 2: awake, dormant. */
struct spec *table_spec(int variant)
{
	struct spec *s = spec_new();

	s->given = variant ? SPEC_FLAGS : 0;
	s->flags = variant == 2 ? NFT_TABLE_F_DORMANT : 0;
	return s;
}

/* Chain 0 is a base chain: 1, 2 policy; 3 priority; 0 only the name. Others are regular ones. */
struct spec *chain_spec(struct world *w, int table, int chain, int variant)
{
	struct spec *s = spec_new();

	if (chain || !variant)
		return s;
	s->given = SPEC_TYPE | SPEC_HOOK | SPEC_PRIORITY;
	strcpy(s->chain_type, "filter");
	s->hook = xstrdup(table == T_NETDEV ? "ingress" : "input");
	s->priority = xstrdup(variant == 3 ? "10" : "0");
	if (variant == 1 || variant == 2) {
		s->given |= SPEC_POLICY;
		s->policy = variant == 1;
	}
	if (table == T_NETDEV) {
		s->given |= SPEC_DEVICES;
		s->devices = (struct val){ .kind = VAL_LIVE, .live = &w->live[L_DEV].live };
	}
	return s;
}

/* ---- rules ---- */

static const char *const texts[] = {
	"ip saddr 10.1.0.%d accept",
	"ip saddr $a drop",
	"tcp dport $p accept",
	"ip saddr @h4 accept",
	"ip saddr @i4 drop",
	"ip saddr @vt accept",
	"jump c%d",
	"tcp dport vmap @vm",
	"ip saddr $l accept",
	"ip daddr $l drop",
	"ip saddr set $l",
	POISON_TEXT,
	"tcp dport vmap { 22 : accept, 80 : goto c3 }",
	"ip saddr . tcp dport @cc accept",
	"tcp dport vmap @iv",
	"meta mark set ip saddr map @mk",
	"tcp dport @it counter",
	"ip saddr @t4 drop",
	[R_COUNTER] = "counter name \"x\"",
	[R_QUOTA] = "quota name \"x\" drop",
	[R_LIMIT] = "limit name \"x\" accept",
	[R_MAP] = "counter name tcp dport map @om",
	[R_ANON] = "counter name tcp dport map { 22 : \"x\", 80 : \"y\" }",
	[R_FLOW] = "meta l4proto tcp flow add @f%d",
	[R_POISON] = "ct helper set \"x\"",
	[R_DS] = "ip saddr @ds accept",
};

bool rule_beside_poison(const struct said *s)
{
	return s->kind == SAID_RULE && s->variant <= 1;
}

struct ast_rule *rule_said(const struct said *s, struct params **params, struct world *w)
{
	char text[96];
	struct ast_rule *ast;
	_err_ struct err e = ERR_INIT;
	struct params *p = NULL;
	struct val v = { 0 };

	snprintf(text, sizeof(text), texts[s->variant], s->arg); // NOLINT: the table above
	if (rule_parse(text, strlen(text), NULL, &ast, &e) < 0) {
		fail(w, "%s: %s", text, err_text(&e));
		return NULL;
	}
	if (s->variant == 1) {
		v = addr_val(s->arg);
	} else if (s->variant == 2) {
		v = (struct val){ .kind = VAL_LIST, .list = xcalloc(4, sizeof(struct val)) };
		for (int i = 0; i < 4; i++)
			if (s->arg & 1 << i)
				v.list[v.n++] = val_int(80 + i);
	} else if (s->variant >= 8 && s->variant <= 10) {
		v = (struct val){ .kind = VAL_LIVE, .live = &w->live[s->live].live };
	}
	if (v.kind) {
		p = params_new(1);
		p->p[0].name = xstrdup(ast_param(ast, 0));
		p->p[0].val = v;
	}
	*params = p;
	return ast;
}
