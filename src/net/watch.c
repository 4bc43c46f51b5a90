// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/watch_int.h"

#define LATER_S         0.1 /* before a dump that was interrupted or failed is tried again, doubling */
#define LATER_MAX_S     10.
#define ROUTES_CHEAP_NS 5000000ull /* a dump of routes that is shorter may follow every event */
#define ROUTES_PAUSE    10         /* else so many times its duration must pass */

static void begin(struct watch *w)
{
	w->in_batch = true;
	w->ops.begin(w->ops.ctx);
}

static void arm(struct watch *w, double seconds)
{
	if (!w->loop || ev_is_active(&w->timer))
		return;
	ev_timer_set(&w->timer, seconds, 0.);
	ev_timer_start(w->loop, &w->timer);
}

static void arm_redo(struct watch *w)
{
	if (!w->redo) {
		w->redo_delay = 0;
		return;
	}
	w->redo_delay = w->redo_delay == 0 ? LATER_S : w->redo_delay * 2;
	if (w->redo_delay > LATER_MAX_S)
		w->redo_delay = LATER_MAX_S;
	arm(w, w->redo_delay);
}

static void redump_routes(struct watch *w)
{
	struct err _err_ e = ERR_INIT;
	uint64_t start = mono_ns(), took;
	unsigned families = w->suspect;
	int rc;

	w->suspect = 0;
	rc = watch_dump(w, NET_ROUTE,
		families == SUSPECT_IPV4   ? AF_INET
		: families == SUSPECT_IPV6 ? AF_INET6
					   : 0,
		&e);
	if (rc) {
		log_warn("net", "%s", err_text(&e));
		w->redo |= 1u << NET_ROUTE;
	}
	took = mono_ns() - start;
	w->routes_due = took < ROUTES_CHEAP_NS ? 0 : start + took * (1 + ROUTES_PAUSE);
}

/* The kernel drops routes without a word; with a large table asking again is dear and not done for each
 * event. */
static void check_routes(struct watch *w)
{
	uint64_t now;

	w->suspect |= mirror_suspect_families(w->mirror);
	if (!(w->kinds & 1u << NET_ROUTE))
		w->suspect = 0;
	if (!w->suspect)
		return;
	now = mono_ns();
	if (now >= w->routes_due)
		redump_routes(w);
	else
		arm(w, (double)(w->routes_due - now) / 1e9);
}

static void dump_again(struct watch *w, unsigned kinds)
{
	struct err _err_ e = ERR_INIT;

	for (unsigned k = 0; k < NET_KINDS; k++)
		if (kinds & w->kinds & 1u << k && watch_dump(w, k, 0, &e)) {
			w->redo |= 1u << k;
			log_warn("net", "%s", err_text(&e));
			err_free(&e);
		}
	w->redo &= w->kinds;
}

static void end(struct watch *w)
{
	if (w->new_link && w->orphans)
		dump_again(w, w->orphans);
	w->new_link = false;
	check_routes(w);
	w->in_batch = false;
	w->ops.end(w->ops.ctx);
	if (!ev_is_active(&w->timer))
		arm_redo(w);
}

void watch_apply(struct watch *w, const struct nl_msg *msg)
{
	unsigned events = 0;

	if (msg->verdict == NLP_MALFORMED) {
		w->stats.malformed++;
		return;
	}
	if (msg->verdict == NLP_IGNORE || !(w->kinds & 1u << msg->rec.kind))
		return; /* of a kind that was dropped a moment ago */
	if (msg->rec.kind == NET_LINK && !mirror_link(w->mirror, msg->link.ifindex))
		w->new_link = true;
	if (msg->verdict == NLP_DEL)
		events = mirror_del(w->mirror, &msg->rec);
	else if (msg->replace)
		events = mirror_replace(w->mirror, &msg->route);
	else
		events = mirror_set(w->mirror, &msg->rec);
	w->stats.events += events;
}

static void one_datagram(struct watch *w, const uint8_t *p, size_t n)
{
	while (n >= NLMSG_HDRLEN) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)p;
		struct nl_msg msg;
		size_t step;

		nl_parse(nlh, n, &msg);
		w->stats.messages++;
		watch_apply(w, &msg);
		nl_msg_free(&msg);
		if (nlh->nlmsg_len < NLMSG_HDRLEN || nlh->nlmsg_len > n)
			return;
		step = NLMSG_ALIGN((size_t)nlh->nlmsg_len);
		if (step >= n)
			return;
		p += step;
		n -= step;
	}
}

static int resync(struct watch *w, const char *reason, struct err *e)
{
	bool again = true;
	int rc = 0;

	w->stats.resyncs++;
	for (unsigned i = 0; i < ATTEMPTS && again && !rc; i++) {
		watch_sock_discard(w); /* older than the dump */
		rc = watch_dump_all(w, e);
		again = !rc && watch_sock_overrun(w);
		if (again) {
			w->stats.overruns++;
			if (w->rcvbuf < RCVBUF_MAX)
				watch_sock_rcvbuf(w, w->rcvbuf * 2);
		}
	}
	if (again || rc)
		w->redo |= w->kinds;
	w->ops.resync(w->ops.ctx, reason);
	return rc;
}

static void resync_logged(struct watch *w, const char *reason)
{
	struct err _err_ e = ERR_INIT;

	log_warn("net", "%s: comparing with the kernel", reason);
	if (resync(w, reason, &e))
		log_error("net", "%s", err_text(&e));
}

static void overrun(struct watch *w)
{
	w->stats.overruns++;
	if (w->rcvbuf < RCVBUF_MAX)
		watch_sock_rcvbuf(w, w->rcvbuf * 2);
	resync_logged(w, "netlink overrun");
}

static void truncated(struct watch *w)
{
	if (w->slot_size < SLOT_SIZE_MAX)
		watch_sock_slots(w, w->slot_size * 2);
	resync_logged(w, "netlink message too long");
}

/* One datagram of those just read; false: it was cut off. */
static bool take(struct watch *w, unsigned i)
{
	const struct msghdr *mh = &w->msgs[i].msg_hdr;

	if (w->from[i].nl_pid) /* not the kernel */
		return true;
	if (mh->msg_flags & MSG_TRUNC)
		return false;
	one_datagram(w, w->iov[i].iov_base, w->msgs[i].msg_len);
	return true;
}

/* Reads one batch. 0: there was nothing, 1: there may be more, or a negative errno, when the socket itself
 * fails. */
static int read_batch(struct watch *w)
{
	unsigned max = w->opt.max_events ? w->opt.max_events : 1, n = 0;
	uint64_t deadline = mono_ns() + w->opt.max_delay_ms * 1000000ull;
	bool whole = true;
	int got = 0;

	if (w->in_batch) /* called from an event */
		return 0;
	while (n < max && whole) {
		unsigned asked = max - n < SLOTS ? max - n : SLOTS;

		got = watch_sock_recv(w, asked);
		if (!w->in_batch && got)
			begin(w);
		if (got < 0)
			break;
		for (unsigned i = 0; i < (unsigned)got && whole; i++)
			whole = take(w, i);
		n += (unsigned)got;
		if ((unsigned)got < asked || mono_ns() >= deadline)
			break;
	}
	if (!w->in_batch)
		return 0;
	if (!whole)
		truncated(w);
	else if (got == -ENOBUFS)
		overrun(w);
	else if (got < 0)
		resync_logged(w, strerror(-got));
	end(w);
	return got < 0 && got != -ENOBUFS ? got : 1;
}

/* What had to wait: dumps that failed, routes whose turn it was not. */
static void catch_up(struct watch *w)
{
	unsigned redo = w->redo;

	begin(w);
	dump_again(w, redo);
	if (redo)
		w->ops.resync(w->ops.ctx, "interrupted dump");
	end(w);
}

static void on_timer(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	catch_up(t->data);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	read_batch(io->data);
}

struct watch *watch_new(
	struct mirror *m, const struct watch_ops *ops, const struct watch_opt *opt, struct err *e)
{
	struct watch *w = xnew(struct watch);

	w->mirror = m;
	w->ops = *ops;
	w->opt = *opt;
	w->req = -1;
	w->fd = watch_sock_open(e);
	if (w->fd < 0 || watch_sock_slots(w, SLOT_SIZE) < 0) {
		watch_free(w);
		return NULL;
	}
	watch_sock_rcvbuf(w, opt->rcvbuf > 0 ? opt->rcvbuf : RCVBUF_DEFAULT);
	return w;
}

void watch_opt_set(struct watch *w, const struct watch_opt *opt)
{
	int rcvbuf = w->opt.rcvbuf;

	w->opt = *opt;
	if (opt->rcvbuf != rcvbuf)
		watch_sock_rcvbuf(w, opt->rcvbuf > 0 ? opt->rcvbuf : RCVBUF_DEFAULT);
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	watch_stop(w);
	if (w->fd >= 0)
		close(w->fd);
	if (w->req >= 0)
		close(w->req);
	free(w->slots);
	free(w);
}

int watch_kinds(struct watch *w, unsigned kinds, struct err *e)
{
	unsigned gone, fresh;
	int rc = 0;

	kinds = (kinds & ((1u << NET_KINDS) - 1)) | 1u << NET_LINK;
	gone = w->kinds & ~kinds;
	fresh = kinds & ~w->kinds;
	for (unsigned k = 0; k < NET_KINDS; k++)
		if (gone & 1u << k) {
			w->kinds &= ~(1u << k);
			watch_sock_member(w, k, false, NULL);
			mirror_forget(w->mirror, k);
		}
	for (unsigned k = 0; k < NET_KINDS && !rc; k++)
		if (fresh & 1u << k)
			rc = watch_sock_member(w, k, true, e);
	if (rc)
		return rc;
	w->kinds |= fresh;
	for (unsigned k = 0; k < NET_KINDS && !rc; k++)
		if (fresh & w->kinds & 1u << k) {
			rc = watch_dump(w, k, 0, e);
			if (rc)
				w->redo |= 1u << k;
		}
	if (!ev_is_active(&w->timer))
		arm_redo(w);
	return rc;
}

unsigned watch_kinds_now(const struct watch *w)
{
	return w->kinds;
}

int watch_resync(struct watch *w, const char *reason, struct err *e)
{
	int rc;

	if (w->in_batch)
		return resync(w, reason, e);
	begin(w);
	rc = resync(w, reason, e);
	end(w);
	return rc;
}

void watch_start(struct watch *w, struct ev_loop *loop)
{
	w->loop = loop;
	ev_io_init(&w->io, on_readable, w->fd, EV_READ);
	w->io.data = w;
	ev_timer_init(&w->timer, on_timer, 0., 0.);
	w->timer.data = w;
	ev_io_start(loop, &w->io);
	if (w->redo || w->suspect)
		arm(w, LATER_S);
}

void watch_stop(struct watch *w)
{
	if (!w->loop)
		return;
	ev_io_stop(w->loop, &w->io);
	ev_timer_stop(w->loop, &w->timer);
	w->loop = NULL;
}

int watch_poll(struct watch *w)
{
	uint64_t before = w->stats.events;
	int rc;

	if (w->in_batch)
		return -EBUSY;
	do {
		rc = read_batch(w);
	} while (rc > 0);
	if (rc < 0)
		return rc;
	if (w->redo || (w->suspect && mono_ns() >= w->routes_due))
		catch_up(w);
	return (int)(w->stats.events - before);
}

struct watch_stats watch_stats(const struct watch *w)
{
	return w->stats;
}
