// SPDX-License-Identifier: GPL-2.0-or-later
/* The connection: two sockets, one for batches and one for questions. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "nft/batch_impl.h"

#define RCVBUF (4 << 20)

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
	c->destroys = c->persists = -1;
	if (nft_socket(&c->commit, e) < 0 || nft_socket(&c->dump, e) < 0 || nft_probe(c, e) < 0) {
		nft_conn_free(c);
		return NULL;
	}
	c->sndbuf = sock_int(c->commit, SO_SNDBUF);
	c->rcvbuf = sock_int(c->commit, SO_RCVBUF);
	return c;
}

struct nft_conn *nft_conn_over(const char *instance, const struct nft_wire *wire)
{
	struct nft_conn *c = xnew(struct nft_conn);

	snprintf(c->instance, sizeof(c->instance), "%s", instance);
	c->seq = c->dump_seq = 1;
	c->destroys = c->persists = 1;
	c->rcvbuf = c->sndbuf = INT_MAX;
	c->wire = wire;
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

void conn_room(struct nft_conn *c, size_t bytes)
{
	if (bytes + 4096 <= (size_t)c->sndbuf)
		return;
	sock_buf(c->commit, SO_SNDBUFFORCE, SO_SNDBUF, (int)bytes + 4096);
	c->sndbuf = sock_int(c->commit, SO_SNDBUF);
}

uint32_t nft_conn_portid(const struct nft_conn *c)
{
	return mnl_socket_get_portid(c->commit);
}

bool nft_owned(const struct nft_conn *c, uint32_t port)
{
	return port && port != nft_conn_portid(c) && !c->looks;
}

void nft_conn_looks(struct nft_conn *c)
{
	c->looks = true;
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
