// SPDX-License-Identifier: GPL-2.0-or-later
/* The lock is a listening socket in the abstract namespace, which belongs to the network namespace and goes
 * with the process, however that ends. */
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "rnmd/daemon.h"

static const char name[] = "\0rnmd.lock";

static int owner_pid(const struct sockaddr_un *sa, socklen_t len)
{
	_autoclose_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct ucred cred = { 0 };
	socklen_t n = sizeof(cred);

	if (fd < 0 || connect(fd, (const struct sockaddr *)sa, len) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
		return 0;
	return (int)cred.pid;
}

int netns_lock(struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	socklen_t len = offsetof(struct sockaddr_un, sun_path) + sizeof(name) - 1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc, pid;

	if (fd < 0)
		return err_set(e, -errno, "socket: %s", strerror(errno));
	memcpy(sa.sun_path, name, sizeof(name) - 1);
	if (bind(fd, (struct sockaddr *)&sa, len) == 0 && listen(fd, 1) == 0)
		return fd;
	rc = -errno;
	close(fd);
	if (rc != -EADDRINUSE)
		return err_set(e, rc, "lock of the network namespace: %s", strerror(-rc));
	pid = owner_pid(&sa, len);
	if (pid)
		return err_set(e, rc,
			"another rnmd (pid %d) runs in this network namespace: stop it first, or start this "
			"one in a namespace of its own",
			pid);
	return err_set(e, rc, "another rnmd runs in this network namespace");
}
