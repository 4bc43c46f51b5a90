// SPDX-License-Identifier: GPL-2.0-or-later
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/text.h"
#include "rnmd/daemon.h"

void notify_state(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	_autoclose_ int fd = -1;
	size_t n = path ? strlen(path) : 0;

	if (!n || n >= sizeof(sa.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(sa.sun_path, path, n);
	if (path[0] == '@')
		sa.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&sa,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
}

/* ---- watchdog ---- */

static void alive(struct daemon *d)
{
	d->alive_at = mono_ns();
	notify_state("WATCHDOG=1\n");
}

static void on_alive(struct ev_loop *loop, ev_timer *t, int revents)
{
	(void)loop;
	(void)revents;
	alive(t->data);
}

/* Twice as often as it must be, and only if it is this process that is watched. */
void watchdog_start(struct daemon *d)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t us, of = (uint64_t)getpid();

	if (!usec || !parse_u64(usec, UINT64_MAX / 1000, &us) || us < 2 ||
		(pid && (!parse_u64(pid, INT32_MAX, &of) || of != (uint64_t)getpid())))
		return;
	d->alive_ns = us * 1000 / 2;
	ev_timer_init(&d->alive, on_alive, 0., (double)d->alive_ns / 1e9);
	d->alive.data = d;
	ev_timer_start(d->loop, &d->alive);
	alive(d);
}

void watchdog_stop(struct daemon *d)
{
	d->alive_ns = 0;
	if (ev_is_active(&d->alive))
		ev_timer_stop(d->loop, &d->alive);
}

/* A transaction of many packs may take longer than any of them is allowed to. */
void watchdog_busy(struct daemon *d)
{
	if (d->alive_ns && mono_ns() - d->alive_at >= d->alive_ns)
		alive(d);
}
