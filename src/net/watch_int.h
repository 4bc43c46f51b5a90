/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the watcher: one socket that follows, one that asks. */
#pragma once

#include <ev.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "net/mirror_int.h"
#include "net/nlparse.h"
#include "net/watch.h"

#define RCVBUF_DEFAULT (8 << 20)
#define RCVBUF_MAX     (256 << 20)
#define SLOTS          16 /* datagrams per system call */
#define SLOT_SIZE      (16 << 10)
#define SLOT_SIZE_MAX  (1 << 20)
#define ATTEMPTS       5

struct watch {
	struct mirror *mirror;
	struct watch_ops ops;
	struct watch_opt opt;
	unsigned kinds;
	bool in_batch;

	int fd; /* follows */
	int rcvbuf;
	uint8_t *slots;
	size_t slot_size;
	struct mmsghdr msgs[SLOTS];
	struct iovec iov[SLOTS];
	struct sockaddr_nl from[SLOTS];

	int req; /* asks */
	bool req_busy;
	uint32_t seq;
	size_t dump_size; /* of a dump's buffer */

	unsigned redo;     /* kinds whose dump failed or was interrupted too often */
	double redo_delay; /* seconds */
	unsigned orphans;  /* kinds whose dump named a link that is not there yet: its message is in the queue
			    */
	bool new_link;     /* came in this batch */
	unsigned suspect;  /* families of routes to dump again */
	uint64_t routes_due; /* not before, in mono_ns() */

	struct ev_loop *loop;
	ev_io io;
	ev_timer timer;
	struct watch_stats stats;
};

/* watch_sock.c */
int watch_sock_open(struct err *e);                 /* a bound rtnetlink socket */
int watch_sock_slots(struct watch *w, size_t size); /* (re)makes the buffers; 0 or -ENOMEM */
void watch_sock_rcvbuf(struct watch *w, int bytes);
int watch_sock_member(struct watch *w, enum net_kind kind, bool join, struct err *e);
/* Datagrams read into msgs, at most max; 0: none there; -ENOBUFS: overrun. */
int watch_sock_recv(struct watch *w, unsigned max);
void watch_sock_discard(struct watch *w);
bool watch_sock_overrun(struct watch *w); /* has one happened since? */

/* watch_dump.c: 0, or a negative errno. An interrupted dump is repeated; when that does not help either the
 * kind goes to w->redo and the answer is 0. */
int watch_dump(struct watch *w, enum net_kind kind, uint8_t family, struct err *e);
int watch_dump_all(struct watch *w, struct err *e);

/* watch.c */
void watch_apply(struct watch *w, const struct nl_msg *msg);
