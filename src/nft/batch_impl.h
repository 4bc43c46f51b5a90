/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files batch*.c share and nobody else needs. */
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>

#include "nft/batch.h"

/* As libmnl's loops, without its narrowing. */
#define attrs_foreach(a, first, tail)                                                                        \
	for (a = (const struct nlattr *)(first); mnl_attr_ok(a, (int)((char *)(tail) - (char *)a));          \
		a = mnl_attr_next(a))
#define attr_foreach(a, nlh)                                                                                 \
	attrs_foreach (a, mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg)),                        \
		mnl_nlmsg_get_payload_tail(nlh))
#define attr_nested(a, nest)                                                                                 \
	attrs_foreach (a, mnl_attr_get_payload(nest),                                                        \
		(char *)mnl_attr_get_payload(nest) + mnl_attr_get_payload_len(nest))

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
const uint8_t *udata_find(const uint8_t *p, size_t n, uint8_t type, uint8_t *len);

/* ---- batch_obj.c: tables, chains, sets, rules ---- */

struct build {
	struct msgbuf *b;
	const char *instance;
	uint32_t set_id; /* the last one given */
	bool echo;
};

void put_table(struct build *c, const struct op *op, uint32_t i);
void put_chain(struct build *c, const struct op *op, uint32_t i);
void put_chain_dev(struct build *c, const struct op *op, uint32_t i);
/* Deletes of tables, chains, sets. */
void put_del(struct build *c, const struct op *op, uint16_t type, uint32_t i);
void put_set(struct build *c, const struct op *op, uint32_t i);
/* With its anonymous sets. -E2BIG: the rule is too large for a message. */
int put_rule(struct build *c, const struct op *op, uint32_t i, struct err *e);
void put_del_rule(struct build *c, const struct op *op, uint32_t i);

/* ---- batch_stateful.c: objects and flowtables ---- */

void put_object(struct build *c, const struct op *op, uint32_t i);
void put_flowtable(struct build *c, const struct op *op, uint32_t i);
void put_flow_dev(struct build *c, const struct op *op, uint32_t i);
/* By op->obj->type and name or handle; flowtables by name or handle. */
void put_del_object(struct build *c, const struct op *op, uint32_t i);
void put_del_flowtable(struct build *c, const struct op *op, uint32_t i);

/* ---- for who builds a batch operation by operation (load.c) ---- */

struct nft_conn;
struct build *nft_stream_begin(struct nft_conn *c, struct err *e); /* the batch's begin is written */
int nft_stream_op(struct build *b, const struct op *op, uint32_t i, struct err *e); /* op is not kept */
/* Ends, sends and reads the answers: of each operation i < n its errno in op_err. dry: only checked. */
int nft_stream_send(
	struct nft_conn *c, struct build *b, bool dry, uint32_t n, struct commit_result *r, struct err *e);
bool table_mark_ok(const uint8_t *udata, size_t n, const char *instance);

/* ---- batch_elem.c: elements ---- */

void put_elems(struct build *c, const struct op *op, uint32_t i);
/* The elements of an anonymous set, as nft lays them out. */
void put_anon_elems(struct build *c, const struct op *op, const struct anon_set *s, uint32_t id, uint32_t i);
uint32_t anon_size(const struct anon_set *s);

/* ---- batch_read.c ---- */

/* A netlink socket bound to a port of its own; -errno with a message. */
int nft_socket(struct mnl_socket **out, struct err *e);
/* The names of what can be missing for nf_tables at all. */
int nft_socket_error(int code, const char *what, struct err *e);
/* One question and its answers. Embedded in what the callbacks need. */
struct nft_dump {
	const char *what;                                           /* for messages */
	void (*fn)(struct nft_dump *d, const struct nlmsghdr *nlh); /* one answer, with its nfgenmsg */
	void (*ask)(struct nft_dump *d, struct nlmsghdr *nlh); /* the question's attributes; may be NULL */
	void (*reset)(
		struct nft_dump *d); /* what came so far is not valid, the dump begins anew; may be NULL */
	bool single, interrupted;
};
int nft_dump(struct nft_conn *c, uint16_t type, uint8_t family, struct nft_dump *d, struct err *e);
const char *attr_name(const struct nlattr *a); /* NULL: no name of an object */

/* Does this process reach nf_tables at all? -errno with a message. */
int nft_probe(struct nft_conn *c, struct err *e);
struct mnl_socket *nft_conn_dump(struct nft_conn *c);
uint32_t nft_conn_seq(struct nft_conn *c); /* the next sequence number of the dump socket */
const char *nft_conn_instance(const struct nft_conn *c);
