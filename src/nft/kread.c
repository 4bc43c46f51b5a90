// SPDX-License-Identifier: GPL-2.0-or-later
/* Questions to the kernel: tables, chains, flowtables. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include <linux/netfilter.h>

#include <libnftnl/udata.h>

#include "nft/kread_impl.h"

#define RAW_MAX (1u << 30)

/* ---- all answers of one question ---- */

static void on_answer(struct nft_dump *d, const struct nlmsghdr *nlh)
{
	struct answers *a = container_of(d, struct answers, d);
	uint32_t n = MNL_ALIGN(nlh->nlmsg_len);

	if (a->overflow || n > RAW_MAX - a->raw.n) {
		a->overflow = true;
		return;
	}
	vec_reserve(&a->raw, a->raw.n + n);
	memset(a->raw.v + a->raw.n + n - 4, 0, 4);
	memcpy(a->raw.v + a->raw.n, nlh, nlh->nlmsg_len);
	a->raw.n += n;
}

static void on_reset(struct nft_dump *d)
{
	vec_clear(&container_of(d, struct answers, d)->raw);
}

/* The table is attribute 1 of every kind. */
static void on_ask(struct nft_dump *d, struct nlmsghdr *nlh)
{
	const struct answers *a = container_of(d, struct answers, d);

	if (a->table)
		mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, a->table);
	if (a->name && (d->single || a->name_attr == NFTA_RULE_CHAIN))
		mnl_attr_put_strz(nlh, a->name_attr, a->name);
	if (a->type)
		mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(a->type));
	if (a->handle)
		mnl_attr_put_u64(nlh, NFTA_RULE_HANDLE, htobe64(a->handle));
}

static bool too_long(const char *name)
{
	return name && strnlen(name, NFT_NAME_MAXLEN) == NFT_NAME_MAXLEN;
}

static int missing(const struct answers *a, const char *what, struct err *e)
{
	return err_set(
		e, -ENOENT, "there is no %s %s", a->name ? what : "table", a->name ? a->name : a->table);
}

int answers_get(
	struct nft_conn *c, uint16_t type, uint8_t family, const char *what, struct answers *a, struct err *e)
{
	_err_ struct err why = ERR_INIT;
	int r;

	a->d.what = what;
	a->d.fn = on_answer;
	a->d.ask = on_ask;
	a->d.reset = on_reset;
	if (too_long(a->table) || too_long(a->name))
		return missing(a, what, e);
	r = nft_dump(c, type, family, &a->d, &why);
	if (!r && a->overflow)
		return err_set(e, -E2BIG, "reading %ss: there are too many", what);
	if (r == -ENOENT)
		return missing(a, what, e);
	return r < 0 ? err_set(e, r, "%s", err_text(&why)) : 0;
}

void answers_free(struct answers *a)
{
	vec_free(&a->raw);
}

bool answers_named(const struct answers *a, const char *table, const char *name)
{
	return (!a->table || !strcmp(a->table, table)) && (!a->name || !strcmp(a->name, name));
}

/* Nothing came: because the table is not there? */
static int table_there(struct nft_conn *c, uint8_t family, const char *table, struct err *e)
{
	struct answers a = { .d.single = true, .table = table };
	int r = answers_get(c, NFT_MSG_GETTABLE, family, "table", &a, e);

	answers_free(&a);
	return r;
}

int kread_there(struct nft_conn *c, uint8_t family, const struct answers *a, uint32_t told, const char *what,
	struct err *e)
{
	if (told)
		return 0;
	if (a->name)
		return missing(a, what, e);
	return a->table && family != NFPROTO_UNSPEC ? table_there(c, family, a->table, e) : 0;
}

/* ---- attributes ---- */

uint8_t msg_family(const struct nlmsghdr *nlh)
{
	return ((const struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family;
}

uint8_t attr_u8(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) == sizeof(uint8_t) ? mnl_attr_get_u8(a) : 0;
}

uint16_t attr_be16(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) == sizeof(uint16_t) ? ntohs(mnl_attr_get_u16(a)) : 0;
}

uint32_t attr_be32(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) == sizeof(uint32_t) ? ntohl(mnl_attr_get_u32(a)) : 0;
}

uint64_t attr_be64(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) == sizeof(uint64_t) ? be64toh(mnl_attr_get_u64(a)) : 0;
}

const char *attr_comment(const struct nlattr *udata, uint8_t type)
{
	uint8_t len;
	const uint8_t *s =
		udata_find(mnl_attr_get_payload(udata), mnl_attr_get_payload_len(udata), type, &len);

	return s && len && !s[len - 1] ? (const char *)s : NULL;
}

void attr_devices(const struct nlattr *nest, names *out)
{
	const struct nlattr *a;

	attr_nested (a, nest) {
		const char *name = attr_name(a);

		if (mnl_attr_get_type(a) == NFTA_DEVICE_NAME && name && strlen(name) < IFNAMSIZ)
			vec_push(out, name);
	}
}

/* ---- tables ---- */

bool table_parse(const struct nlmsghdr *nlh, const char *instance, struct kread_table *out)
{
	const struct nlattr *a;

	*out = (struct kread_table){ .family = msg_family(nlh) };
	attr_foreach (a, nlh) {
		switch (mnl_attr_get_type(a)) {
		case NFTA_TABLE_NAME: out->name = attr_name(a); break;
		case NFTA_TABLE_FLAGS: out->want.flags = attr_be32(a); break;
		case NFTA_TABLE_USE: out->use = attr_be32(a); break;
		case NFTA_TABLE_HANDLE: out->handle = attr_be64(a); break;
		case NFTA_TABLE_OWNER: out->owner = attr_be32(a); break;
		case NFTA_TABLE_USERDATA:
			out->want.comment = attr_comment(a, NFTNL_UDATA_TABLE_COMMENT);
			out->own =
				table_mark_ok(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a), instance);
			break;
		default: break;
		}
	}
	return out->name && *out->name;
}

int kread_tables(struct nft_conn *c, uint8_t family, const char *name,
	void (*fn)(void *, const struct kread_table *), void *ctx, struct err *e)
{
	struct answers a = { .d.single = name && family != NFPROTO_UNSPEC, .name = name };
	uint32_t told = 0;
	int r;

	a.name_attr = NFTA_TABLE_NAME;
	r = answers_get(c, NFT_MSG_GETTABLE, family, "table", &a, e);
	if (!r) {
		answers_foreach (nlh, &a) {
			struct kread_table t;

			if (!table_parse(nlh, nft_conn_instance(c), &t) || (name && strcmp(name, t.name)))
				continue;
			told++;
			fn(ctx, &t);
		}
		r = kread_there(c, family, &a, told, "table", e);
	}
	answers_free(&a);
	return r;
}

struct tables_adapter {
	void (*fn)(void *ctx, const struct table_seen *t);
	void *ctx;
	struct nft_conn *conn;
};

static void one_table(void *ctx, const struct kread_table *t)
{
	const struct tables_adapter *a = ctx;
	bool owned = nft_owned(a->conn, t->owner);
	bool own = t->own || kread_mark(a->conn, t->family, t->name, NULL) == 1;

	a->fn(a->ctx, &(struct table_seen){ .family = t->family,
			      .name = t->name,
			      .own = own && !owned,
			      .persists = t->want.flags & TABLE_F_PERSIST,
			      .owner = owned ? t->owner : 0 });
}

int nft_tables(
	struct nft_conn *c, void (*fn)(void *ctx, const struct table_seen *t), void *ctx, struct err *e)
{
	struct tables_adapter a = { fn, ctx, c };

	return kread_tables(c, NFPROTO_UNSPEC, NULL, one_table, &a, e);
}

/* ---- chains ---- */

static void chain_hook(const struct nlattr *nest, names *devs, struct chain_want *w)
{
	const struct nlattr *a;

	w->base = true;
	attr_nested (a, nest) {
		const char *name;

		switch (mnl_attr_get_type(a)) {
		case NFTA_HOOK_HOOKNUM: w->hook = attr_be32(a); break;
		case NFTA_HOOK_PRIORITY: w->priority = (int32_t)attr_be32(a); break;
		case NFTA_HOOK_DEV:
			if (!devs->n && (name = attr_name(a)) && strlen(name) < IFNAMSIZ)
				vec_push(devs, name);
			break;
		case NFTA_HOOK_DEVS:
			vec_clear(devs); /* a single one is told both ways */
			attr_devices(a, devs);
			break;
		default: break;
		}
	}
}

bool chain_parse(const struct nlmsghdr *nlh, const char *instance, names *devs, struct kread_chain *out)
{
	struct chain_want *w = &out->want;
	const struct nlattr *a;

	*out = (struct kread_chain){ .family = msg_family(nlh), .want.policy = -1 };
	vec_clear(devs);
	attr_foreach (a, nlh) {
		const char *name;

		switch (mnl_attr_get_type(a)) {
		case NFTA_CHAIN_TABLE: out->table = attr_name(a); break;
		case NFTA_CHAIN_NAME: out->name = attr_name(a); break;
		case NFTA_CHAIN_HANDLE: out->handle = attr_be64(a); break;
		case NFTA_CHAIN_FLAGS: out->flags = w->flags = attr_be32(a); break;
		case NFTA_CHAIN_POLICY: w->policy = (int32_t)attr_be32(a); break;
		case NFTA_CHAIN_HOOK: chain_hook(a, devs, w); break;
		case NFTA_CHAIN_TYPE:
			if ((name = attr_name(a)) && strlen(name) < sizeof(w->type))
				strcpy(w->type, name);
			break;
		case NFTA_CHAIN_USERDATA:
			w->comment = attr_comment(a, NFTNL_UDATA_CHAIN_COMMENT);
			out->mark =
				table_mark_ok(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a), instance);
			break;
		default: break;
		}
	}
	w->n_dev = devs->n;
	w->dev = devs->v;
	return out->table && out->name && *out->name;
}

int kread_chains(struct nft_conn *c, uint8_t family, const char *table, const char *name,
	void (*fn)(void *, const struct kread_chain *), void *ctx, struct err *e)
{
	struct answers a = { .d.single = table && name && family != NFPROTO_UNSPEC,
		.table = table,
		.name = name,
		.name_attr = NFTA_CHAIN_NAME };
	names devs = { 0 };
	uint32_t told = 0;
	int r = answers_get(c, NFT_MSG_GETCHAIN, family, "chain", &a, e);

	if (!r) {
		answers_foreach (nlh, &a) {
			struct kread_chain ch;

			if (!chain_parse(nlh, nft_conn_instance(c), &devs, &ch) ||
				!answers_named(&a, ch.table, ch.name))
				continue;
			told++;
			fn(ctx, &ch);
		}
		r = kread_there(c, family, &a, told, "chain", e);
	}
	vec_free(&devs);
	answers_free(&a);
	return r;
}

static void on_mark(void *ctx, const struct kread_chain *k)
{
	*(int *)ctx = k->mark ? 1 : -EEXIST;
}

int kread_mark(struct nft_conn *c, uint8_t family, const char *table, struct err *e)
{
	_err_ struct err why = ERR_INIT;
	int found = 0, r = kread_chains(c, family, table, MARK_CHAIN, on_mark, &found, &why);

	if (r < 0 && r != -ENOENT)
		return err_set(e, r, "%s", err_text(&why));
	return found;
}

/* ---- flowtables ---- */

static void flow_hook(const struct nlattr *nest, names *devs, struct flowtable_want *w)
{
	const struct nlattr *a;

	attr_nested (a, nest) {
		switch (mnl_attr_get_type(a)) {
		case NFTA_FLOWTABLE_HOOK_NUM: w->hook = attr_be32(a); break;
		case NFTA_FLOWTABLE_HOOK_PRIORITY: w->priority = (int32_t)attr_be32(a); break;
		case NFTA_FLOWTABLE_HOOK_DEVS: attr_devices(a, devs); break;
		default: break;
		}
	}
}

bool flowtable_parse(const struct nlmsghdr *nlh, names *devs, struct kread_flowtable *out)
{
	const struct nlattr *a;

	*out = (struct kread_flowtable){ .family = msg_family(nlh) };
	vec_clear(devs);
	attr_foreach (a, nlh) {
		switch (mnl_attr_get_type(a)) {
		case NFTA_FLOWTABLE_TABLE: out->table = attr_name(a); break;
		case NFTA_FLOWTABLE_NAME: out->name = attr_name(a); break;
		case NFTA_FLOWTABLE_HANDLE: out->handle = attr_be64(a); break;
		case NFTA_FLOWTABLE_FLAGS: out->want.flags = attr_be32(a); break;
		case NFTA_FLOWTABLE_HOOK: flow_hook(a, devs, &out->want); break;
		default: break;
		}
	}
	out->want.n_dev = devs->n;
	out->want.dev = devs->v;
	return out->table && out->name && *out->name;
}

int kread_flowtables(struct nft_conn *c, uint8_t family, const char *table, const char *name,
	void (*fn)(void *, const struct kread_flowtable *), void *ctx, struct err *e)
{
	struct answers a = { .d.single = table && name && family != NFPROTO_UNSPEC,
		.table = table,
		.name = name,
		.name_attr = NFTA_FLOWTABLE_NAME };
	names devs = { 0 };
	uint32_t told = 0;
	int r = answers_get(c, NFT_MSG_GETFLOWTABLE, family, "flowtable", &a, e);

	if (!r) {
		answers_foreach (nlh, &a) {
			struct kread_flowtable f;

			if (!flowtable_parse(nlh, &devs, &f) || !answers_named(&a, f.table, f.name))
				continue;
			told++;
			fn(ctx, &f);
		}
		r = kread_there(c, family, &a, told, "flowtable", e);
	}
	vec_free(&devs);
	answers_free(&a);
	return r;
}
