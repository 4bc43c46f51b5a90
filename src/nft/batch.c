// SPDX-License-Identifier: GPL-2.0-or-later
/* The commit: build, send in one piece, read the answers. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "nft/batch_impl.h"

#define RCVBUF     (4 << 20)
#define ANSWER_BUF 65536
#define ECHO_MAX   200 /* new rules whose handles are asked for */

struct nft_conn {
	struct mnl_socket *commit, *dump;
	struct msgbuf msgs;
	struct iovec *iov;
	uint32_t n_iov;
	uint32_t seq, dump_seq;
	uint32_t genid; /* the batch carries it; 0: none */
	int sndbuf, rcvbuf;
	char instance[64];
	uint8_t answer[ANSWER_BUF];
};

/* ---- sockets ---- */

int nft_socket_error(int code, const char *what, struct err *e)
{
	switch (code) {
	case -EPERM:
	case -EACCES: return err_set(e, code, "%s: the capability CAP_NET_ADMIN is missing", what);
	case -EPROTONOSUPPORT:
	case -EOPNOTSUPP: return err_set(e, code, "%s: this kernel has no nf_tables", what);
	default: return err_set(e, code, "%s: %s", what, strerror(-code));
	}
}

static int sock_int(struct mnl_socket *s, int opt)
{
	int v = 0;
	socklen_t n = sizeof(v);

	return getsockopt(mnl_socket_get_fd(s), SOL_SOCKET, opt, &v, &n) < 0 ? 0 : v;
}

static void sock_buf(struct mnl_socket *s, int force, int plain, int size)
{
	int fd = mnl_socket_get_fd(s);

	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size));
}

int nft_socket(struct mnl_socket **out, struct err *e)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int on = 1, r;

	if (!s)
		return nft_socket_error(-errno, "netfilter socket", e);
	if (mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		mnl_socket_close(s);
		return nft_socket_error(r, "netfilter socket", e);
	}
	/* Errors without the refused message behind them: it may be 64 KiB. Older kernels do not know it. */
	mnl_socket_setsockopt(s, NETLINK_CAP_ACK, &on, sizeof(on));
	sock_buf(s, SO_RCVBUFFORCE, SO_RCVBUF, RCVBUF);
	*out = s;
	return 0;
}

struct nft_conn *nft_conn_new(const char *instance, struct err *e)
{
	struct nft_conn *c = xnew(struct nft_conn);

	if (strlen(instance) >= sizeof(c->instance)) {
		err_set(e, -EINVAL, "instance name '%s' is too long", instance);
		free(c);
		return NULL;
	}
	strcpy(c->instance, instance);
	c->seq = c->dump_seq = 1;
	if (nft_socket(&c->commit, e) < 0 || nft_socket(&c->dump, e) < 0 || nft_probe(c, e) < 0) {
		nft_conn_free(c);
		return NULL;
	}
	c->sndbuf = sock_int(c->commit, SO_SNDBUF);
	c->rcvbuf = sock_int(c->commit, SO_RCVBUF);
	return c;
}

void nft_conn_free(struct nft_conn *c)
{
	if (!c)
		return;
	if (c->commit)
		mnl_socket_close(c->commit);
	if (c->dump)
		mnl_socket_close(c->dump);
	msgbuf_free(&c->msgs);
	free(c->iov);
	free(c);
}

uint32_t nft_conn_portid(const struct nft_conn *c)
{
	return mnl_socket_get_portid(c->commit);
}

struct mnl_socket *nft_conn_dump(struct nft_conn *c)
{
	return c->dump;
}

uint32_t nft_conn_seq(struct nft_conn *c)
{
	return c->dump_seq++;
}

const char *nft_conn_instance(const struct nft_conn *c)
{
	return c->instance;
}

void nft_conn_expect(struct nft_conn *c, uint32_t genid)
{
	c->genid = genid;
}

/* ---- build ---- */

static int build_op(struct build *b, const struct op *op, uint32_t i, struct err *e)
{
	switch (op->kind) {
	case OP_ADD_TABLE: put_table(b, op, i); return 0;
	case OP_ADD_CHAIN:
	case OP_MOD_CHAIN: put_chain(b, op, i); return 0;
	case OP_ADD_SET:
	case OP_MOD_SET: put_set(b, op, i); return 0;
	case OP_ADD_ELEM:
	case OP_DEL_ELEM: put_elems(b, op, i); return 0;
	case OP_ADD_RULE:
	case OP_REPLACE_RULE: return put_rule(b, op, i, e);
	case OP_DEL_RULE: put_del_rule(b, op, i); return 0;
	case OP_DEL_TABLE: put_del(b, op, NFT_MSG_DELTABLE, i); return 0;
	case OP_DEL_SET: put_del(b, op, NFT_MSG_DELSET, i); return 0;
	case OP_DEL_CHAIN: put_del(b, op, NFT_MSG_DELCHAIN, i); return 0;
	case OP_ADD_CHAIN_DEV:
	case OP_DEL_CHAIN_DEV: put_chain_dev(b, op, i); return 0;
	}
	return err_set(e, -EINVAL, "operation %d is unknown", (int)op->kind);
}

static bool few_rules(const struct plan *p)
{
	uint32_t n = 0;

	vec_foreach (op, &p->ops)
		n += op->kind == OP_ADD_RULE || op->kind == OP_REPLACE_RULE;
	return n <= ECHO_MAX;
}

/* Answers carry the whole rule: where they might not fit the receive buffer nobody asks for them. */
static void drop_echo(struct msgbuf *b)
{
	vec_foreach (pg, &b->pages) {
		for (size_t off = 0; off < pg->n;) {
			struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(pg->p + off);

			nlh->nlmsg_flags &= (uint16_t)~NLM_F_ECHO;
			off += MNL_ALIGN(nlh->nlmsg_len);
		}
	}
}

static int build(struct nft_conn *c, const struct plan *p, bool dry, struct commit_result *r, struct err *e)
{
	struct msgbuf *m = &c->msgs;
	struct build b = { .b = m, .instance = c->instance, .echo = !dry && few_rules(p) };
	struct nlmsghdr *nlh;

	msgbuf_clear(m);
	m->seq0 = c->seq;
	nlh = msg_begin(m, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, MSG_NONE);
	if (c->genid)
		mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, htonl(c->genid));
	msg_end(m, nlh);
	for (uint32_t i = 0; i < p->ops.n; i++) {
		int code = build_op(&b, &p->ops.v[i], i, e);

		if (code < 0) {
			r->op_err[i] = code;
			return -EBADMSG;
		}
	}
	if (!dry)
		msg_end(m, msg_begin(m, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, MSG_NONE));
	if (b.echo && m->bytes > (size_t)c->rcvbuf / 8) {
		drop_echo(m);
		b.echo = false;
	}
	r->handles_known = b.echo;
	c->seq += m->op.n;
	r->bytes = m->bytes;
	r->messages = m->op.n;
	return 0;
}

/* ---- send ---- */

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
	if (m->bytes + 4096 > (size_t)c->sndbuf) {
		sock_buf(c->commit, SO_SNDBUFFORCE, SO_SNDBUF, (int)m->bytes + 4096);
		c->sndbuf = sock_int(c->commit, SO_SNDBUF);
	}
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

static void answer_handle(
	const struct nlmsghdr *nlh, const struct plan *p, uint32_t op, struct commit_result *r)
{
	const struct nlattr *a;

	if (nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg) ||
		(p->ops.v[op].kind != OP_ADD_RULE && p->ops.v[op].kind != OP_REPLACE_RULE))
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

static void answer(
	struct nft_conn *c, const struct nlmsghdr *nlh, const struct plan *p, struct commit_result *r)
{
	uint32_t i = nlh->nlmsg_seq - c->msgs.seq0, op;

	if (i >= c->msgs.op.n)
		return; /* late words about an earlier batch */
	op = c->msgs.op.v[i];
	if (nlh->nlmsg_type == NLMSG_ERROR)
		answer_error(nlh, op, r);
	else if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE) && op != MSG_NONE)
		answer_handle(nlh, p, op, r);
}

/* The kernel has done its work when sendmsg() returns: all answers are there. true: all of them were read. */
static bool receive(struct nft_conn *c, const struct plan *p, struct commit_result *r)
{
	bool whole = true;

	for (;;) {
		struct sockaddr_nl from = { 0 };
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(mnl_socket_get_fd(c->commit), c->answer, sizeof(c->answer),
			MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from, &len);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)c->answer;
		int left;

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
		for (left = (int)n; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			answer(c, nlh, p, r);
	}
}

static int outcome(const struct plan *p, bool whole, struct commit_result *r, struct err *e)
{
	uint32_t bad = 0;

	if (!r->error)
		return 0;
	if (r->error != -EBADMSG)
		return r->error == -ERESTART
			       ? err_set(e, -ERESTART, "somebody else changed the ruleset meanwhile")
			       : nft_socket_error(r->error, "batch", e);
	for (uint32_t i = 0; i < p->ops.n; i++)
		bad += r->op_err[i] != 0;
	return err_set(e, -EBADMSG, "the kernel refused %s%u of %u operations", whole ? "" : "at least ", bad,
		p->ops.n);
}

int nft_commit(struct nft_conn *c, const struct plan *p, bool dry, struct commit_result *r, struct err *e)
{
	uint64_t start = mono_ns(), built;
	bool whole;
	int code;

	*r = (struct commit_result){ 0 };
	r->op_err = xcalloc(p->ops.n + 1, sizeof(*r->op_err));
	r->handle = xcalloc(p->ops.n + 1, sizeof(*r->handle));
	r->handles_known = true;
	if (!p->ops.n)
		return 0;
	code = build(c, p, dry, r, e);
	built = mono_ns();
	r->build_ns = built - start;
	if (code >= 0)
		code = send_all(c, e);
	if (code < 0)
		return r->error = code;
	whole = receive(c, p, r);
	r->send_ns = mono_ns() - built;
	msgbuf_trim(&c->msgs);
	if (!whole)
		r->handles_known = false;
	/* One error is enough to know that nothing was applied, whatever else was lost. */
	if (!whole && !r->error)
		return r->error = err_set(e, -ENOBUFS,
			       "answers of the kernel were lost: the outcome of the batch is unknown");
	return outcome(p, whole, r, e);
}

void commit_result_free(struct commit_result *r)
{
	free(r->op_err);
	free(r->handle);
	r->op_err = NULL;
	r->handle = NULL;
}
