// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#include "net/watch_int.h"

/* Whole datagrams that may be thrown away before a dump; under a storm the queue never ends. */
#define DISCARD_MAX 1000000

int watch_sock_open(struct err *e)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), on = 1, rc;

	if (fd < 0)
		return err_set(e, -errno, "rtnetlink: %s", strerror(errno));
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		rc = -errno;
		close(fd);
		return err_set(e, rc, "rtnetlink: %s", strerror(-rc));
	}
	/* Where the kernel is too old, dumps say more than asked for, which the parser does not mind. */
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return fd;
}

int watch_sock_slots(struct watch *w, size_t size)
{
	uint8_t *slots = realloc(w->slots, SLOTS * size);

	if (!slots)
		return -ENOMEM;
	w->slots = slots;
	w->slot_size = size;
	for (unsigned i = 0; i < SLOTS; i++) {
		w->iov[i] = (struct iovec){ slots + i * size, size };
		w->msgs[i].msg_hdr = (struct msghdr){ .msg_name = &w->from[i],
			.msg_namelen = sizeof(w->from[i]),
			.msg_iov = &w->iov[i],
			.msg_iovlen = 1 };
	}
	return 0;
}

void watch_sock_rcvbuf(struct watch *w, int bytes)
{
	w->rcvbuf = bytes;
	if (setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(w->fd, SOL_SOCKET, SO_RCVBUF, &bytes,
			sizeof(bytes)); /* as far as net.core.rmem_max goes */
}

int watch_sock_member(struct watch *w, enum net_kind kind, bool join, struct err *e)
{
	static const int groups[NET_KINDS][2] = {
		[NET_LINK] = { RTNLGRP_LINK },
		[NET_ADDR] = { RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR },
		[NET_ROUTE] = { RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE },
		[NET_RULE] = { RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE },
		[NET_NEIGH] = { RTNLGRP_NEIGH },
	};
	int option = join ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP;

	for (unsigned i = 0; i < 2 && groups[kind][i]; i++)
		if (setsockopt(w->fd, SOL_NETLINK, option, &groups[kind][i], sizeof(int)) < 0)
			return err_set(e, -errno, "rtnetlink: group of %ss: %s", net_kind_name(kind),
				strerror(errno));
	return 0;
}

int watch_sock_recv(struct watch *w, unsigned max)
{
	unsigned n = max < SLOTS ? max : SLOTS;
	int got;

	do {
		got = recvmmsg(w->fd, w->msgs, n, MSG_DONTWAIT, NULL);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
	/* Of most calls one slot is used: only those are made ready again. */
	for (int i = 0; i < got; i++)
		w->msgs[i].msg_hdr.msg_namelen = sizeof(w->from[i]);
	return got;
}

void watch_sock_discard(struct watch *w)
{
	int got;

	for (unsigned n = 0; n < DISCARD_MAX; n += (unsigned)(got > 0 ? got : 1)) {
		got = watch_sock_recv(w, SLOTS);
		if (!got || (got < 0 && got != -ENOBUFS))
			return;
	}
}

bool watch_sock_overrun(struct watch *w)
{
	char byte;

	return recv(w->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == ENOBUFS;
}
