// SPDX-License-Identifier: GPL-2.0-or-later
/* A built batch goes out in one piece, its answers come in. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "nft/batch_impl.h"

static int too_large(const struct nft_conn *c, struct err *e)
{
	return err_set(e, -EMSGSIZE,
		"the batch of %zu bytes is larger than the send buffer of %d bytes: raise net.core.wmem_max, "
		"or give CAP_NET_ADMIN",
		c->msgs.bytes, c->sndbuf);
}

static int send_all(struct nft_conn *c, struct err *e)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr msg = { .msg_name = &kernel, .msg_namelen = sizeof(kernel) };
	struct msgbuf *m = &c->msgs;
	ssize_t n;

	if (m->bytes > INT_MAX / 4)
		return too_large(c, e);
	conn_room(c, m->bytes);
	if (c->n_iov < m->pages.n) {
		c->iov = xrealloc(c->iov, m->pages.n, sizeof(*c->iov));
		c->n_iov = m->pages.n;
	}
	for (uint32_t i = 0; i < m->pages.n; i++)
		c->iov[i] = (struct iovec){ m->pages.v[i].p, m->pages.v[i].n };
	msg.msg_iov = c->iov;
	msg.msg_iovlen = m->pages.n;
	do
		n = sendmsg(mnl_socket_get_fd(c->commit), &msg, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EMSGSIZE)
		return too_large(c, e);
	/* The kernel had no memory to take the batch over: nothing has happened. ENOBUFS is kept for lost
	 * answers. */
	if (n < 0 && errno == ENOBUFS)
		return err_set(e, -ENOMEM, "the kernel has no memory for a batch of %zu bytes", m->bytes);
	return n < 0 ? nft_socket_error(-errno, "sending a batch", e) : 0;
}

/* ---- answers ---- */

/* Only rules ask for an echo: an own one, in the order of the batch. */
static void answer_handle(const struct nlmsghdr *nlh, uint32_t op, struct commit_result *r)
{
	const struct nlattr *a;

	if (!r->handle || nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg))
		return;
	attr_foreach (a, nlh)
		if (mnl_attr_get_type(a) == NFTA_RULE_HANDLE &&
			mnl_attr_get_payload_len(a) == sizeof(uint64_t))
			r->handle[op] = be64toh(mnl_attr_get_u64(a));
}

static void answer_error(const struct nlmsghdr *nlh, uint32_t op, struct commit_result *r)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*err) || !err->error)
		return;
	if (op == MSG_NONE) {
		r->error = err->error;
		return;
	}
	/* the first one speaks: what follows may come of it */
	if (!r->op_err[op])
		r->op_err[op] = err->error;
	if (!r->error)
		r->error = -EBADMSG;
}

static void answer(struct nft_conn *c, const struct nlmsghdr *nlh, uint32_t n, struct commit_result *r)
{
	uint32_t i = nlh->nlmsg_seq - c->msgs.seq0, op;

	if (i >= c->msgs.op.n)
		return; /* late words about an earlier batch */
	op = c->msgs.op.v[i];
	if (op != MSG_NONE && op >= n)
		return;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		answer_error(nlh, op, r);
	else if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE) && op != MSG_NONE)
		answer_handle(nlh, op, r);
}

/* The kernel has done its work when sendmsg() returns: all answers are there. true: all of them were read. */
static bool receive(struct nft_conn *c, uint32_t n_ops, struct commit_result *r)
{
	bool whole = true;

	for (;;) {
		struct sockaddr_nl from = { 0 };
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(mnl_socket_get_fd(c->commit), c->answer, sizeof(c->answer),
			MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &len);
		const struct nlmsghdr *nlh;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return whole;
		if (n < 0 && errno != ENOBUFS)
			return false;
		if (n < 0 || n > (ssize_t)sizeof(c->answer))
			whole = false;
		if (n < 0 || from.nl_pid || n > (ssize_t)sizeof(c->answer))
			continue;
		msgs_foreach (nlh, c->answer, n)
			answer(c, nlh, n_ops, r);
	}
}

struct wired {
	struct nft_conn *c;
	uint32_t n;
	struct commit_result *r;
};

static void wired_answer(void *to, const struct nlmsghdr *nlh)
{
	struct wired *w = to;

	answer(w->c, nlh, w->n, w->r);
}

static void send_wired(struct nft_conn *c, uint32_t n, struct commit_result *r)
{
	struct wired w = { c, n, r };
	const struct nlmsghdr *nlh;

	vec_foreach (pg, &c->msgs.pages)
		msgs_foreach (nlh, pg->p, (ssize_t)pg->n)
			c->wire->message(c->wire->ctx, nlh, wired_answer, &w);
}

static int outcome(uint32_t n, bool whole, struct commit_result *r, struct err *e)
{
	uint32_t bad = 0;

	if (!r->error)
		return 0;
	if (r->error != -EBADMSG)
		return r->error == -ERESTART
			       ? err_set(e, -ERESTART, "somebody else changed the ruleset meanwhile")
			       : nft_socket_error(r->error, "batch", e);
	for (uint32_t i = 0; i < n; i++)
		bad += r->op_err[i] != 0;
	return err_set(
		e, -EBADMSG, "the kernel refused %s%u of %u operations", whole ? "" : "at least ", bad, n);
}

int conn_send(struct nft_conn *c, uint32_t n, uint64_t start, struct commit_result *r, struct err *e)
{
	bool whole = true;
	int code = 0;

	c->seq += c->msgs.op.n;
	r->bytes = c->msgs.bytes;
	r->messages = c->msgs.op.n;
	if (c->wire)
		send_wired(c, n, r);
	else
		code = send_all(c, e);
	if (code < 0)
		return r->error = code;
	if (!c->wire)
		whole = receive(c, n, r);
	r->send_ns = mono_ns() - start;
	msgbuf_trim(&c->msgs);
	if (!whole)
		r->handles_known = false;
	/* One error is enough to know that nothing was applied, whatever else was lost. */
	if (!whole && !r->error)
		return r->error = err_set(e, -ENOBUFS,
			       "answers of the kernel were lost: the outcome of the batch is unknown");
	return outcome(n, whole, r, e);
}

void commit_result_free(struct commit_result *r)
{
	free(r->op_err);
	free(r->handle);
	r->op_err = NULL;
	r->handle = NULL;
}

/* ---- what the kernel can ---- */

static void probe_begin(struct nft_conn *c, struct msgbuf *m)
{
	*m = (struct msgbuf){ .seq0 = c->seq };
	msg_end(m, msg_begin(m, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, MSG_NONE));
}

/* The answer to the one message of the batch, which asks for one. */
static int probe_send(struct nft_conn *c, struct msgbuf *m)
{
	int result = -EINVAL;
	ssize_t n = mnl_socket_sendto(c->commit, m->pages.v[0].p, m->bytes);

	while (n >= 0 &&
		(n = recv(mnl_socket_get_fd(c->commit), c->answer, sizeof(c->answer), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)c->answer;

		if (msg_ok(nlh, (const char *)nlh + n) && nlh->nlmsg_type == NLMSG_ERROR &&
			nlh->nlmsg_seq == m->seq0 + 1 &&
			nlh->nlmsg_len >= MNL_NLMSG_HDRLEN + sizeof(struct nlmsgerr))
			result = ((const struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error;
	}
	c->seq += m->op.n;
	msgbuf_free(m);
	return result;
}

/* A table by a handle that none has is destroyed: a kernel that knows the message has nothing to do. */
static bool probe_destroy(struct nft_conn *c)
{
	struct nlmsghdr *nlh;
	struct msgbuf m;

	probe_begin(c, &m);
	nlh = msg_begin(&m, MSG_DESTROYTABLE, NLM_F_ACK, NFPROTO_INET, MSG_NONE);
	mnl_attr_put_u64(nlh, NFTA_TABLE_HANDLE, UINT64_MAX);
	msg_end(&m, nlh);
	msg_end(&m, msg_begin(&m, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, MSG_NONE));
	return !probe_send(c, &m);
}

bool nft_destroys(struct nft_conn *c)
{
	if (c->destroys < 0)
		c->destroys = probe_destroy(c);
	return c->destroys;
}

/* A new table with the flags, in a batch without its end: the kernel looks at it and takes it back. The name
 * is one that no table has: of one that is there other flags would be at fault. */
static bool probe_persist(struct nft_conn *c)
{
	_autofree_ char *name = xasprintf("_rnm_probe_%u", nft_conn_portid(c));
	struct nlmsghdr *nlh;
	struct msgbuf m;

	probe_begin(c, &m);
	nlh = msg_begin(&m, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, NFPROTO_INET, MSG_NONE);
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, name);
	mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, htonl(NFT_TABLE_F_OWNER | TABLE_F_PERSIST));
	msg_end(&m, nlh);
	return !probe_send(c, &m);
}

bool nft_persists(struct nft_conn *c)
{
	if (c->persists < 0)
		c->persists = probe_persist(c);
	return c->persists;
}
