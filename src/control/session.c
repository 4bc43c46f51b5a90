// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "control/frame.h"
#include "control/session.h"

#define REQUESTS_PER_TURN 16u

static size_t pending(const struct session *s)
{
	return s->out.n - s->out_pos;
}

bool session_watches(const struct session *s)
{
	bool any = s->lines;

	for (int i = 0; i < NEWS_N; i++)
		any |= s->news[i].on;
	return any;
}

static void set_timer(struct session *s, ev_timer *t, bool on, ev_tstamp after)
{
	if (on == !!ev_is_active(t))
		return;
	if (!on) {
		ev_timer_stop(s->c->loop, t);
		return;
	}
	ev_now_update(s->c->loop); /* a command may have run long since the loop looked at the clock */
	ev_timer_set(t, after, 0.);
	ev_timer_start(s->c->loop, t);
}

static void set_io(struct session *s, ev_io *io, bool on)
{
	if (on)
		ev_io_start(s->c->loop, io);
	else
		ev_io_stop(s->c->loop, io);
}

static void later_free(struct later *later)
{
	free(later->id);
	free(later);
}

void session_free(struct session *s)
{
	struct control *c = s->c;

	set_io(s, &s->rd, false);
	set_io(s, &s->wr, false);
	set_timer(s, &s->line_timer, false, 0);
	set_timer(s, &s->write_timer, false, 0);
	set_timer(s, &s->again, false, 0);
	if (s->prev)
		s->prev->next = s->next;
	else
		c->sessions = s->next;
	if (s->next)
		s->next->prev = s->prev;
	c->n_all--;
	c->n_other -= s->peer != PEER_ALL;
	c->n_lines -= s->lines;
	c->n_records -= s->records;
	news_end(s);
	if (s->later) {
		s->later->gone(s->later->ctx);
		later_free(s->later);
	}
	close(s->fd);
	buf_free(&s->in);
	buf_free(&s->out);
	free(s);
}

/* Writes what the peer takes now. */
static void flush(struct session *s)
{
	while (!s->dead && pending(s)) {
		ssize_t n = send(s->fd, s->out.s + s->out_pos, pending(s), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n < 0) {
			s->dead = true;
			return;
		}
		s->out_pos += (size_t)n;
		set_timer(s, &s->write_timer, false, 0); /* progress: armed anew when the rest waits */
	}
	s->out_pos = 0;
	buf_clear(&s->out);
	if (s->out.cap > PUBLISH_MAX)
		buf_free(&s->out);
}

static void drop_input(struct session *s, size_t n)
{
	memmove(s->in.s, s->in.s + n, s->in.n - n);
	s->in.n -= n;
	s->in.s[s->in.n] = 0;
}

static void end_with(struct session *s, const char *message)
{
	if (s->json)
		rpc_give_up(s, message);
	else
		buf_printf(&s->out, "ERR %s\n", message);
	s->closing = true;
}

/* The next line of JSON-RPC; blank ones are passed over. */
static bool next_json(struct session *s)
{
	const char *nl = memchr(s->in.s + s->scanned, '\n', s->in.n - s->scanned);
	size_t len = nl ? (size_t)(nl - s->in.s) : s->in.n;

	if (len > JSON_LINE_MAX) {
		end_with(s, "the line is longer than 256 KiB");
		return true;
	}
	s->scanned = nl ? 0 : len;
	s->starved = !nl;
	if (!nl)
		return false;
	if (strspn(s->in.s, " \t\r") < len)
		rpc_run(s, s->in.s, len);
	drop_input(s, len + 1);
	return true;
}

/* Runs the next whole request; false: there is none. */
static bool next_request(struct session *s)
{
	const char *line;
	size_t used, len;

	if (!s->started && s->in.n) {
		s->started = true;
		s->json = s->in.s[0] == '{' || s->in.s[0] == '[';
	}
	if (s->json && s->in.n)
		return next_json(s);
	switch (frame_next(buf_str(&s->in), s->in.n, &used, &line, &len)) {
	case FRAME_MORE: s->starved = true; return false;
	case FRAME_TOO_LONG: end_with(s, "the line is longer than 64 KiB"); return true;
	case FRAME_BAD: buf_puts(&s->out, "ERR control bytes in the line\n"); break;
	case FRAME_EMPTY: break;
	case FRAME_LINE: command_run(s, line, len); break;
	}
	drop_input(s, s->lines ? s->in.n : used); /* nothing comes after `monitor` */
	return true;
}

/* Starts and stops the watchers for what the session waits for now; ends it when that is nothing. */
static void settle(struct session *s)
{
	bool whole = !s->starved && s->in.n && !s->closing && !s->lines, out = pending(s) > 0;
	bool watches = session_watches(s) || s->later;

	if (s->dead || (s->eof && !out && !whole && !watches)) {
		session_free(s);
		return;
	}
	if (s->closing && !out && !s->shut) {
		shutdown(s->fd, SHUT_WR);
		s->shut = true;
		set_timer(s, &s->line_timer, false, 0);
		set_timer(s, &s->line_timer, true, LINGER_SECONDS);
	}
	set_io(s, &s->wr, out);
	set_timer(s, &s->write_timer, out, WRITE_SECONDS);
	set_timer(s, &s->again, whole && !out && !s->later, 0.);
	set_io(s, &s->rd, !s->eof && (s->closing || s->lines || (!whole && !out && !s->later)));
	if (((watches && s->eof) || s->later) && !s->shut)
		set_timer(s, &s->line_timer, true, PROBE_SECONDS);
	else if (!s->shut)
		set_timer(s, &s->line_timer, s->starved && s->in.n && !s->eof && !s->lines, LINE_SECONDS);
}

/* One answer at a time: the next request waits until the last answer is with the peer. */
static void pump(struct session *s)
{
	s->starved = false;
	for (unsigned i = 0; i < REQUESTS_PER_TURN; i++) {
		flush(s);
		if (s->dead || pending(s) || s->closing || s->lines || s->later || !next_request(s))
			break;
	}
	flush(s);
	settle(s);
}

static void read_cb(struct ev_loop *loop, ev_io *io, int revents)
{
	struct session *s = io->data;
	char part[32768];
	ssize_t n = recv(s->fd, part, sizeof(part), MSG_DONTWAIT);

	(void)revents;
	if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n < 0) {
		s->dead = true;
		settle(s);
		return;
	}
	s->active = ev_now(loop);
	s->eof = n == 0;
	if (!s->closing && !s->lines)
		buf_put(&s->in, part, (size_t)n);
	pump(s);
}

static void write_cb(struct ev_loop *loop, ev_io *io, int revents)
{
	(void)loop, (void)revents;
	pump(io->data);
}

static void again_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
	(void)loop, (void)revents;
	pump(t->data);
}

static void write_timer_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct session *s = t->data;

	(void)loop, (void)revents;
	s->dead = true;
	settle(s);
}

static void line_timer_cb(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct session *s = t->data;
	struct pollfd p = { .fd = s->fd };

	(void)loop, (void)revents;
	if (s->shut) {
		s->dead = true;
	} else if (s->later || (s->eof && session_watches(s))) {
		s->dead = poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR);
	} else {
		end_with(s, "the line did not end in time");
		flush(s);
	}
	settle(s);
}

struct session_peer session_peer(const struct session *s)
{
	return s->who;
}

void session_new(struct control *c, int fd, enum peer peer)
{
	struct session *s = xnew(struct session);
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	s->who = (struct session_peer){ cred.uid, cred.pid, ++c->serials };
	s->c = c;
	s->fd = fd;
	s->peer = peer;
	s->active = ev_now(c->loop);
	s->starved = true;
	ev_io_init(&s->rd, read_cb, fd, EV_READ);
	ev_io_init(&s->wr, write_cb, fd, EV_WRITE);
	ev_timer_init(&s->line_timer, line_timer_cb, 0., 0.);
	ev_timer_init(&s->write_timer, write_timer_cb, 0., 0.);
	ev_timer_init(&s->again, again_cb, 0., 0.);
	s->rd.data = s->wr.data = s->line_timer.data = s->write_timer.data = s->again.data = s;
	s->next = c->sessions;
	if (s->next)
		s->next->prev = s;
	c->sessions = s;
	c->n_all++;
	c->n_other += peer != PEER_ALL;
	settle(s);
}

void session_refuse(struct session *s, const char *text)
{
	buf_puts(&s->out, text);
	s->closing = true;
	flush(s);
	settle(s);
}

static void later_end(struct later *later, int rc, struct buf *payload, const struct err *e)
{
	if (later->s->json)
		rpc_answer(later, rc, payload, e);
	else
		command_answer(later, rc, payload, e);
	later->s->later = NULL;
	later_free(later);
}

struct later *session_later(struct session *s, void (*gone)(void *ctx), void *ctx)
{
	struct later *later = xnew(struct later);

	later->s = s;
	later->gone = gone;
	later->ctx = ctx;
	s->later = later;
	return later;
}

void control_answer(struct later *later, int rc, struct buf *payload, struct err *e)
{
	struct session *s = later->s;

	rc = command_checked(rc, payload, e);
	later_end(later, rc, payload, e);
	pump(s);
}

static void later_cancel(struct later *later)
{
	_buf_ struct buf none = BUF_INIT;
	_err_ struct err e = ERR_INIT;

	later->gone(later->ctx);
	later_end(later, err_set(&e, -ECANCELED, "rnmd ends"), &none, &e);
}

void session_finish(struct session *s)
{
	if (s->later)
		later_cancel(s->later);
	if (s->lines)
		frame_end(&s->out, 0, NULL);
	else if (s->json && session_watches(s))
		buf_puts(&s->out, "{\"jsonrpc\":\"2.0\",\"method\":\"end\",\"params\":{}}\n");
	flush(s);
	session_free(s);
}

void control_forked(const struct control *c)
{
	close(c->fd);
	for (const struct session *s = c->sessions; s; s = s->next)
		close(s->fd);
}

bool session_may_all(const struct session *s)
{
	return s->peer == PEER_ALL;
}

void session_subscribe(struct session *s)
{
	if (s->json) { /* lines have no place among its objects */
		news_all(s);
		return;
	}
	s->c->n_lines += !s->lines;
	s->lines = true;
}

void session_record(struct session *s)
{
	session_subscribe(s);
	s->c->n_records += !s->records;
	s->records = true;
}

static void tell_lost(struct session *s)
{
	_autofree_ char *text = NULL;
	unsigned long long n = s->lost;

	if (!n || pending(s) > PUBLISH_MAX / 2)
		return;
	s->lost = 0;
	if (s->json) {
		buf_printf(&s->out, "{\"jsonrpc\":\"2.0\",\"method\":\"lost\",\"params\":{\"count\":%llu}}\n",
			n);
		return;
	}
	text = s->records ? xasprintf("{\"do\":\"lost\",\"n\":%llu}", n)
			  : xasprintf("... %llu lines lost here", n);
	frame_payload(&s->out, text, strlen(text));
}

/* Is there room for n bytes that are published? */
static bool room_for(struct session *s, size_t n)
{
	if (s->dead || s->closing)
		return false;
	tell_lost(s);
	return !s->lost && pending(s) + n <= (s->records ? RECORD_MAX : PUBLISH_MAX);
}

static void published(struct session *s)
{
	if (pending(s) > PUBLISH_FLUSH)
		flush(s);
	if (!s->busy)
		settle(s);
}

void session_publish(struct session *s, const char *text)
{
	size_t n = strlen(text);

	if (room_for(s, n)) {
		frame_payload(&s->out, text, n);
	} else {
		s->lost++;
		for (const char *p = text; *p; p++)
			s->lost += p[0] == '\n' && p[1];
	}
	published(s);
}

void session_notify(struct session *s, const char *line, size_t n)
{
	if (room_for(s, n))
		buf_put(&s->out, line, n);
	else
		s->lost++;
	published(s);
}
