// SPDX-License-Identifier: GPL-2.0-or-later
/* Dumps: ask for everything of a kind and let the mirror find the difference. They run on a socket of their
 * own, so what happens meanwhile waits on the other one and is applied afterwards, in order. Events that a
 * dump makes may start a dump of another kind, which then gets a socket for itself. */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "net/watch_int.h"

#define DUMP_SIZE     (64 << 10)
#define DUMP_SIZE_MAX (4 << 20)
#define PATIENCE_S    10 /* the kernel answers at once; this is for a kernel that does not */

struct dump {
	struct watch *w;
	enum net_kind kind;
	int fd;
	uint32_t seq;
	uint8_t *buf;
	bool interrupted, done;
};

struct request {
	struct nlmsghdr nlh;
	union {
		struct ifinfomsg link;
		struct ifaddrmsg addr;
		struct rtmsg route;
		struct fib_rule_hdr rule;
		struct ndmsg neigh;
		uint8_t room[64];
	};
};

static void build(struct request *r, enum net_kind kind, uint8_t family, uint32_t seq)
{
	static const struct {
		uint16_t type;
		uint16_t size;
	} of[NET_KINDS] = {
		[NET_LINK] = { RTM_GETLINK, sizeof(struct ifinfomsg) },
		[NET_ADDR] = { RTM_GETADDR, sizeof(struct ifaddrmsg) },
		[NET_ROUTE] = { RTM_GETROUTE, sizeof(struct rtmsg) },
		[NET_RULE] = { RTM_GETRULE, sizeof(struct fib_rule_hdr) },
		[NET_NEIGH] = { RTM_GETNEIGH, sizeof(struct ndmsg) },
	};

	memset(r, 0, sizeof(*r));
	r->nlh = (struct nlmsghdr){
		.nlmsg_len = NLMSG_LENGTH(of[kind].size),
		.nlmsg_type = of[kind].type,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.nlmsg_seq = seq,
	};
	r->room[0] = family; /* each of the headers begins with it */
	if (kind == NET_LINK) {
		struct rtattr a = { .rta_len = RTA_LENGTH(4), .rta_type = IFLA_EXT_MASK };
		uint32_t mask = RTEXT_FILTER_SKIP_STATS;

		memcpy((char *)r + NLMSG_ALIGN(r->nlh.nlmsg_len), &a, sizeof(a));
		memcpy((char *)r + NLMSG_ALIGN(r->nlh.nlmsg_len) + RTA_LENGTH(0), &mask, sizeof(mask));
		r->nlh.nlmsg_len = NLMSG_ALIGN(r->nlh.nlmsg_len) + RTA_LENGTH(4);
	}
}

/* What a kernel says that was built without the thing asked for. */
static int answer(int error)
{
	return error == -EOPNOTSUPP || error == -EAFNOSUPPORT || error == -EPFNOSUPPORT ? 0 : error;
}

/* What stands on a link whose own message still waits on the other socket is left out by the mirror, and its
 * messages may have come before anybody subscribed to them: the kind is dumped again when the link is there.
 */
static void note_orphan(struct watch *w, const struct net_rec *r)
{
	uint32_t ifindex = r->kind == NET_LINK ? 0 : mrec_ifindex(r);

	if (ifindex && !mirror_link(w->mirror, ifindex))
		w->orphans |= 1u << r->kind;
}

static int one_message(struct dump *d, const struct nlmsghdr *nlh, size_t len)
{
	struct nl_msg msg;
	int error = 0;

	if (nlh->nlmsg_seq != d->seq)
		return 0;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		d->interrupted = true;
	if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR) {
		d->done = true;
		if (len >= NLMSG_LENGTH(sizeof(error)))
			memcpy(&error, NLMSG_DATA(nlh), sizeof(error));
		return error < 0 ? answer(error) : 0;
	}
	nl_parse(nlh, len, &msg);
	if (msg.verdict == NLP_MALFORMED)
		d->w->stats.malformed++;
	/* An event may have ended the interest in this kind. */
	if (msg.verdict == NLP_SET && msg.rec.kind == d->kind && d->w->kinds & 1u << d->kind) {
		note_orphan(d->w, &msg.rec);
		d->w->stats.events += mirror_set(d->w->mirror, &msg.rec);
	}
	nl_msg_free(&msg);
	return 0;
}

static int one_datagram(struct dump *d, size_t n)
{
	const uint8_t *p = d->buf;
	int rc = 0;

	while (n >= NLMSG_HDRLEN && !rc && !d->done) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)p;
		size_t step;

		if (nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > n)
			return -EBADMSG;
		rc = one_message(d, nlh, nlh->nlmsg_len);
		step = NLMSG_ALIGN((size_t)nlh->nlmsg_len);
		if (step >= n)
			break;
		p += step;
		n -= step;
	}
	return rc;
}

/* -EINTR: something was lost or moved meanwhile; ask again. */
static int receive(struct dump *d)
{
	struct sockaddr_nl from;
	struct iovec iov = { d->buf, d->w->dump_size };
	int rc = 0;

	while (!d->done && !rc) {
		struct msghdr mh = {
			.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1
		};
		ssize_t n = recvmsg(d->fd, &mh, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ENOBUFS ? -EINTR : -errno;
		if (from.nl_pid) /* not the kernel */
			continue;
		if (mh.msg_flags & MSG_TRUNC) {
			if (d->w->dump_size < DUMP_SIZE_MAX)
				d->w->dump_size *= 2;
			return -EINTR;
		}
		rc = one_datagram(d, (size_t)n);
	}
	return rc ? rc : d->interrupted ? -EINTR : 0;
}

static int ask(struct watch *w, int fd, enum net_kind kind, uint8_t family)
{
	struct dump d = { .w = w, .kind = kind, .fd = fd, .seq = ++w->seq };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct request r;
	int rc;

	build(&r, kind, family, d.seq);
	if (sendto(fd, &r, r.nlh.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	d.buf = xmalloc(w->dump_size);
	rc = receive(&d);
	free(d.buf);
	return rc;
}

static int open_request(struct watch *w, struct err *e)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd;

	if (w->req >= 0 && !w->req_busy)
		return w->req;
	fd = watch_sock_open(e);
	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!w->req_busy)
		w->req = fd;
	return fd;
}

/* One request on a socket that nobody else is reading; a socket that an answer is left on is not used again.
 */
static int ask_on_free_socket(struct watch *w, enum net_kind kind, uint8_t family, struct err *e)
{
	int fd = open_request(w, e), rc;
	bool mine = fd == w->req && !w->req_busy;

	if (fd < 0)
		return fd;
	if (mine)
		w->req_busy = true;
	rc = ask(w, fd, kind, family);
	if (mine)
		w->req_busy = false;
	if (!mine || rc) {
		close(fd);
		if (mine)
			w->req = -1;
	}
	return rc;
}

static int dump_once(struct watch *w, enum net_kind kind, uint8_t family, struct err *e)
{
	static const uint8_t both[] = { AF_INET, AF_INET6 };
	bool lost = false;
	int rc = 0;

	if (kind == NET_LINK || family)
		return ask_on_free_socket(w, kind, family, e);
	for (unsigned i = 0; i < sizeof(both) && (!rc || lost); i++) {
		rc = ask_on_free_socket(w, kind, both[i], e);
		lost = lost || rc == -EINTR;
	}
	return lost && !rc ? -EINTR : rc;
}

int watch_dump(struct watch *w, enum net_kind kind, uint8_t family, struct err *e)
{
	int rc = -EINTR;

	if (!w->dump_size)
		w->dump_size = DUMP_SIZE;
	w->redo &= ~(1u << kind);
	w->orphans &= ~(1u << kind);
	for (unsigned i = 0; i < ATTEMPTS && rc == -EINTR; i++) {
		mirror_dump_begin_family(w->mirror, kind, family);
		rc = dump_once(w, kind, family, e);
		mirror_dump_end(w->mirror, kind, !rc);
		if (rc == -EINTR)
			w->stats.interrupted++;
	}
	if (rc == -EINTR) {
		log_warn("net", "dump of %ss interrupted %d times in a row, trying again later",
			net_kind_name(kind), ATTEMPTS);
		w->redo |= 1u << kind;
		return 0;
	}
	return rc ? err_set(e, rc, "rtnetlink: dump of %ss: %s", net_kind_name(kind), strerror(-rc)) : 0;
}

int watch_dump_all(struct watch *w, struct err *e)
{
	int rc = 0;

	for (unsigned k = 0; k < NET_KINDS && !rc; k++)
		if (w->kinds & 1u << k)
			rc = watch_dump(w, k, 0, e);
	return rc;
}
