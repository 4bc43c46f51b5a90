/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files batch*.c share and nobody else needs. */
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "nft/batch.h"

/* As libmnl's loops, without its narrowing. */
#define attrs_foreach(a, first, tail)                                                                        \
	for (a = (const struct nlattr *)(first);                                                             \
		mnl_attr_ok(a, (int)((const char *)(tail) - (const char *)a)); a = mnl_attr_next(a))
#define attr_foreach(a, nlh)                                                                                 \
	attrs_foreach (a, mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg)),                        \
		(const char *)(nlh) + (nlh)->nlmsg_len)
#define attr_nested(a, nest)                                                                                 \
	attrs_foreach (a, mnl_attr_get_payload(nest),                                                        \
		(char *)mnl_attr_get_payload(nest) + mnl_attr_get_payload_len(nest))

/* Newer than the headers this is built with. */
enum {
	MSG_GETRULE_RESET = 25,
	MSG_DESTROYTABLE,
	MSG_DESTROYCHAIN,
	MSG_DESTROYRULE,
	MSG_DESTROYSET,
	MSG_DESTROYSETELEM,
	MSG_DESTROYOBJ,
	MSG_DESTROYFLOWTABLE,
	MSG_GETSETELEM_RESET,
};

/* The messages in n bytes. libmnl's own loop takes a length of 2 GiB and more for a negative one. */
static inline bool msg_ok(const struct nlmsghdr *nlh, const char *end)
{
	ssize_t left = end - (const char *)nlh;

	return left >= (ssize_t)MNL_NLMSG_HDRLEN && nlh->nlmsg_len >= MNL_NLMSG_HDRLEN &&
	       nlh->nlmsg_len <= (size_t)left;
}
#define msgs_foreach(nlh, buf, n)                                                                            \
	for (nlh = (const void *)(buf); msg_ok(nlh, (const char *)(buf) + (n));                              \
		nlh = (const void *)((const char *)nlh + MNL_ALIGN(nlh->nlmsg_len)))

/* Attributes of most events' one message, in place: each function of libmnl calls three others. The message
 * has room for them. */
static inline struct nlattr *msg_tail(struct nlmsghdr *nlh)
{
	return (struct nlattr *)(void *)((char *)nlh + MNL_ALIGN(nlh->nlmsg_len));
}

static inline void msg_put(struct nlmsghdr *nlh, uint16_t type, const void *p, uint16_t n)
{
	struct nlattr *a = msg_tail(nlh);
	uint16_t len = (uint16_t)(MNL_ATTR_HDRLEN + n), room = (uint16_t)MNL_ALIGN(len);

	memset((char *)a + room - MNL_ALIGNTO, 0, MNL_ALIGNTO);
	a->nla_type = type;
	a->nla_len = len;
	memcpy(a + 1, p, n);
	nlh->nlmsg_len = MNL_ALIGN(nlh->nlmsg_len) + room;
}

static inline struct nlattr *msg_nest(struct nlmsghdr *nlh, uint16_t type)
{
	struct nlattr *a = msg_tail(nlh);

	a->nla_type = NLA_F_NESTED | type;
	nlh->nlmsg_len = MNL_ALIGN(nlh->nlmsg_len) + (uint32_t)MNL_ATTR_HDRLEN;
	return a;
}

static inline void msg_unnest(struct nlmsghdr *nlh, struct nlattr *nest)
{
	nest->nla_len = (uint16_t)((char *)msg_tail(nlh) - (char *)nest);
}

#define MSG_NONE UINT32_MAX /* a message that belongs to no operation */

/* ---- msgbuf.c: the messages of one batch ---- */

#define MSG_ROOM      131072 /* every message has this much room when it begins */
#define MSG_NEST_MAX  65000  /* an attribute's length is 16 bits */
#define RNM_TLV       200    /* rnm's own entry in user data, after those of nft */
#define NFT_UDATA_MAX 256

struct msgbuf {
	VEC(struct msgpage {
		uint8_t *p;
		size_t n;
	})
	pages;
	VEC(uint32_t) op; /* per message: its operation */
	uint32_t seq0;    /* of the first message */
	size_t bytes;
};

void msgbuf_clear(struct msgbuf *b); /* keeps the first page */
void msgbuf_trim(struct msgbuf *b);  /* gives back what only a large batch needs */
void msgbuf_free(struct msgbuf *b);
/* type: NFT_MSG_* or NFNL_MSG_BATCH_*. The header is filled; end it before the next one begins. */
struct nlmsghdr *msg_begin(struct msgbuf *b, uint16_t type, uint16_t flags, uint8_t family, uint32_t op);
void msg_end(struct msgbuf *b, struct nlmsghdr *nlh);

/* User data: type, length, value. Longer values than 255 bytes are cut. */
struct udata {
	uint8_t b[NFT_UDATA_MAX];
	uint32_t n;
};
void udata_put(struct udata *u, uint8_t type, const void *p, size_t n);
void udata_u32(struct udata *u, uint8_t type, uint32_t v);
void udata_comment(
	struct udata *u, uint8_t type, const char *comment); /* NULL: nothing. Cut to what nft reads */
/* Entry of this type; NULL: none. */
bool elem_mark_ok(const uint8_t *udata, size_t n);
const uint8_t *udata_find(const uint8_t *p, size_t n, uint8_t type, uint8_t *len);

/* ---- batch_conn.c, batch_send.c: the socket ---- */

#define ANSWER_BUF 65536

struct build {
	struct msgbuf *b;
	struct nft_conn *conn;
	uint32_t set_id, chain_id; /* the last ones given */
	bool echo;
};

struct nft_conn {
	struct mnl_socket *commit, *dump;
	const struct nft_wire *wire; /* in place of the sockets; NULL: the kernel that runs */
	struct msgbuf msgs;
	struct build build;
	struct iovec *iov;
	uint32_t n_iov;
	uint32_t seq, dump_seq;
	uint32_t genid; /* the batch carries it; 0: none */
	int sndbuf, rcvbuf;
	int8_t destroys, persists; /* -1: not known yet */
	bool looks;
	char instance[64];
	_Alignas(struct nlmsghdr) uint8_t answer[ANSWER_BUF];
};

/* A netlink socket bound to a port of its own; -errno with a message. */
int nft_socket(struct mnl_socket **out, struct err *e);
/* The names of what can be missing for nf_tables at all. */
int nft_socket_error(int code, const char *what, struct err *e);
void conn_room(struct nft_conn *c, size_t bytes); /* the send buffer takes a batch of this size, if it may */
/* Sends the batch and reads all answers to it, of n operations; start: mono_ns() of now. Its sequence numbers
 * are spent. */
int conn_send(struct nft_conn *c, uint32_t n, uint64_t start, struct commit_result *r, struct err *e);

/* ---- batch_obj.c: tables, chains, sets ---- */

void put_table(struct build *c, const struct op *op, uint32_t i);
int put_chain(struct build *c, const struct op *op, uint32_t i, struct err *e);
int put_chain_dev(struct build *c, const struct op *op, uint32_t i, struct err *e);
void put_rename(struct build *c, const struct op *op, uint32_t i);
/* Deletes of tables, chains, sets, and of all there is. */
void put_del(struct build *c, const struct op *op, uint32_t i);
int put_set(struct build *c, const struct op *op, uint32_t i, struct err *e);
int put_anon_set(struct build *c, const struct op *op, const struct anon_set *a, uint32_t i, struct err *e);
bool table_mark_ok(const uint8_t *udata, size_t n, const char *instance);
/* A message that deletes: NFT_MSG_DEL*, or its DESTROY* where op says so. */
struct nlmsghdr *del_begin(struct build *c, const struct op *op, uint16_t type, uint32_t i);
/* Names of devices, nested in attr. -EINVAL: one is too long. */
int put_devices(struct nlmsghdr *nlh, uint16_t attr, const char *const *dev, uint32_t n, struct err *e);
/* At most two, as set and element take them; one and two have attributes of their own. */
int put_stateful(struct nlmsghdr *nlh, struct nftnl_expr *const *exprs, uint32_t n, uint16_t one,
	uint16_t more, struct err *e);

/* ---- typeof_udata.c ---- */

/* What nft keeps in a set's user data to print `typeof` again. */
void udata_typeof(struct udata *u, const struct set_want *w);
void udata_typeof_verdict(struct udata *u); /* of anonymous maps, too */
/* The other way: the expression that an entry of user data describes, as nft writes it. Owned; NULL: there is
 * none, or one that is not known. */
char *typeof_read(const uint8_t *udata, size_t n, uint8_t type);

/* ---- batch_rule.c ---- */

/* With its anonymous sets and chains. -E2BIG: the rule is too large for a message. */
int put_rule(struct build *c, const struct op *op, uint32_t i, struct err *e);
void put_del_rule(struct build *c, const struct op *op, uint32_t i);
void put_flush_rules(struct build *c, const struct op *op, uint32_t i);

/* ---- batch_stateful.c: objects and flowtables ---- */

int put_object(struct build *c, const struct op *op, uint32_t i, struct err *e);
int put_flowtable(struct build *c, const struct op *op, uint32_t i, struct err *e);
int put_flow_dev(struct build *c, const struct op *op, uint32_t i, struct err *e);
/* By op->obj->type and name or handle; flowtables by name or handle. */
void put_del_object(struct build *c, const struct op *op, uint32_t i);
void put_del_flowtable(struct build *c, const struct op *op, uint32_t i);

/* ---- batch_elem.c: elements ---- */

int put_elems(struct build *c, const struct op *op, uint32_t i, struct err *e);
void put_flush_set(struct build *c, const struct op *op, uint32_t i);
/* The elements of an anonymous set, as nft lays them out. */
int put_anon_elems(struct build *c, const struct op *op, const struct anon_set *s, uint32_t id, uint32_t i,
	struct err *e);
uint32_t anon_size(const struct anon_set *s);

/* ---- batch_read.c ---- */

/* One question and its answers. Embedded in what the callbacks need. */
struct nft_dump {
	const char *what;                                           /* for messages */
	void (*fn)(struct nft_dump *d, const struct nlmsghdr *nlh); /* one answer, with its nfgenmsg */
	void (*ask)(struct nft_dump *d, struct nlmsghdr *nlh); /* the question's attributes; may be NULL */
	void (*reset)(
		struct nft_dump *d); /* what came so far is not valid, the dump begins anew; may be NULL */
	bool single, once; /* once: what was told is not told again, also where the dump was interrupted */
	bool interrupted;
};
int nft_dump(struct nft_conn *c, uint16_t type, uint8_t family, struct nft_dump *d, struct err *e);
const char *attr_name(const struct nlattr *a); /* NULL: no name of an object */

/* Does this process reach nf_tables at all? -errno with a message. */
int nft_probe(struct nft_conn *c, struct err *e);
struct mnl_socket *nft_conn_dump(struct nft_conn *c);
uint32_t nft_conn_seq(struct nft_conn *c); /* the next sequence number of the dump socket */
const char *nft_conn_instance(const struct nft_conn *c);
